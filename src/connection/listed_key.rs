//! A key as vendors list it: what it is called and when it was used, never its value.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::Vendor;
use super::instant::instant;
use super::rest::Rest;
use super::serde_helpers::null_is_empty;
use crate::call::{CallError, WritePermit};
use crate::http::Shared;

/// A key's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedKey {
    /// By which it is revoked.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// Its name; need not be unique.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// When it was made.
    #[serde(default, deserialize_with = "instant")]
    pub created_at: Option<Timestamp>,
    /// When a request last carried it.
    #[serde(default, deserialize_with = "instant")]
    pub last_used_at: Option<Timestamp>,
    /// When it ends by itself.
    #[serde(default, deserialize_with = "instant")]
    pub expires_at: Option<Timestamp>,
}

/// An API that lists keys, and the listings that all its readers in this run share.
pub struct KeyApi {
    pub(super) rest: Rest,
    pub(super) listings: Shared<Vec<ListedKey>>,
}

impl KeyApi {
    /// Nothing is listed yet.
    pub(super) fn over(rest: Rest) -> Self {
        let listings = Shared::for_a_while(rest.clock);
        Self { rest, listings }
    }

    /// Takes a revocation, as it was answered, into the shared listing.
    pub(super) fn note_revoked<A>(&self, holder: &str, id: &str, answer: &Result<A, CallError>) {
        self.listings
            .settle(holder, answer, |keys, _| keys.retain(|key| key.id != id));
    }
}

/// A client for such keys.
#[async_trait]
pub trait KeyRing: Send + Sync {
    /// The API that they are keys of.
    fn api(&self) -> &KeyApi;

    /// Whose keys these are, where an account has several lists.
    fn holder(&self) -> String {
        String::new()
    }

    /// The vendor.
    fn vendor(&self) -> &'static Vendor {
        self.api().rest.vendor
    }

    /// Lets time pass.
    async fn pause(&self, span: Duration) {
        self.api().rest.clock.sleep(span).await;
    }

    /// The keys as they are now. The call carries the key of this run.
    ///
    /// # Errors
    /// [`CallError`] without effect, with advice about the key that it takes.
    async fn keys_now(&self) -> Result<Vec<ListedKey>, CallError>;

    /// The same from the listing that all readers of this run share.
    ///
    /// # Errors
    /// As [`Self::keys_now`].
    async fn keys(&self) -> Result<Arc<Vec<ListedKey>>, CallError> {
        let listings = &self.api().listings;
        listings.get(&self.holder(), || self.keys_now()).await
    }

    /// What the vendor itself says on whether this run authenticates with that key; nothing where it does not say.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    async fn told_own(&self, _id: &str) -> Result<Option<bool>, CallError> {
        Ok(None)
    }

    /// Revokes a key; one that does not exist is an error of [`crate::call::CallErrorKind::NotFound`].
    ///
    /// # Errors
    /// [`CallError`]; with [`crate::call::Effect::Possible`] it may be revoked.
    async fn revoke_key(&self, id: &str, permit: &WritePermit) -> Result<(), CallError>;
}

/// An id, which some vendors write as a number.
fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(i64),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    })
}
