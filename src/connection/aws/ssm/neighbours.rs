//! Parameters of one path, listed together.
//!
//! Terraform refreshes ten resources at a time by default, so that names which are asked for at the same moment are few. Who asks for a
//! second name of a path gets a listing of the whole path, which then answers for the others. What this process has written is asked for
//! by its name from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use super::Metadata;
use crate::call::CallError;
use crate::clock::Clock;
use crate::http::Shared;

/// The parameters of a path by name; `None` where there are too many to list them for the sake of a few.
pub(super) type Listing = Option<BTreeMap<String, Metadata>>;

/// The paths asked about so far.
pub(super) struct Neighbours {
    known: Mutex<Known>,
    listings: Shared<Listing>,
}

#[derive(Default)]
struct Known {
    /// The name that was asked for first, by path.
    first: BTreeMap<String, String>,
    written: BTreeSet<String>,
}

impl Neighbours {
    /// Nothing was asked for yet.
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            known: Mutex::default(),
            listings: Shared::for_a_while(clock),
        }
    }

    /// What a listing of its path says of a name; `None` where it has to be asked for by itself.
    ///
    /// # Errors
    /// Those of `list`.
    pub(super) async fn of<F>(
        &self,
        name: &str,
        list: impl FnOnce(String) -> F,
    ) -> Result<Option<Option<Metadata>>, CallError>
    where
        F: Future<Output = Result<Listing, CallError>>,
    {
        let Some(path) = self.path_of(name) else {
            return Ok(None);
        };
        let listing = self.listings.get(&path, || list(path.clone())).await?;
        Ok(listing.as_ref().as_ref().map(|all| all.get(name).cloned()))
    }

    /// A write to a parameter, whatever comes of it, makes what a listing says of it out of date.
    pub(super) fn written(&self, name: &str) {
        self.with(|known| known.written.insert(name.to_owned()));
    }

    /// The path whose listing answers for a name. Names at the root have none.
    fn path_of(&self, name: &str) -> Option<String> {
        let (path, _) = name.rsplit_once('/').filter(|(path, _)| !path.is_empty())?;
        self.with(|known| {
            let is_first = known.first.entry(path.to_owned()).or_insert_with(|| name.to_owned()) == name;
            (!is_first && !known.written.contains(name)).then(|| path.to_owned())
        })
    }

    fn with<R>(&self, act: impl FnOnce(&mut Known) -> R) -> R {
        act(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
