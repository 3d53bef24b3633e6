//! The one place where adapters come from: by configuration while there is one, by a stored address afterwards.
//!
//! [`Connections`] is the real one. Tests put a world of their own in its place (`tests/engine`), so that the same read,
//! plan, apply and destroy run against vendors whose every answer they choose.

use async_trait::async_trait;

use crate::address::{ANY, Address, DEFAULT_CONNECTION, places_fit};
use crate::call::CallError;
use crate::check::{Check, CheckConfig};
use crate::connection::Connections;
use crate::source::{self, Issuer, Source, SourceConfig, SourceKind};
use crate::target::{self, Slot, Target, TargetConfig, TargetKind};
use crate::terraform::{Diagnostic, Path};

/// Connects adapters. Every error is a diagnostic that names what is not configured; nothing is called yet, except by
/// [`Vendors::complete`].
#[async_trait]
pub trait Vendors: Send + Sync {
    /// The address with everything that only a call tells about its place: the AWS account that this run belongs to.
    ///
    /// # Errors
    /// Those of the call.
    async fn complete(&self, address: &Address) -> Result<Address, CallError>;

    /// Whether this run's connection leads to the place that a stored address names. Never another one in its stead.
    ///
    /// # Errors
    /// A diagnostic that names both places, the connection that is not configured, or why it cannot be told.
    async fn verify(&self, address: &Address) -> Result<(), Diagnostic>;

    /// The adapter of a configured source.
    ///
    /// # Errors
    /// As [`SourceConfig::connect`].
    fn source(&self, config: &dyn SourceConfig) -> Result<Box<dyn Source>, Diagnostic>;

    /// The adapter of the configured target in that slot.
    ///
    /// # Errors
    /// As [`TargetConfig::connect`].
    fn target(&self, config: &dyn TargetConfig, slot: &Address) -> Result<Box<dyn Target>, Diagnostic>;

    /// The adapter of the configured check with that key.
    ///
    /// # Errors
    /// As [`CheckConfig::connect`].
    fn check(&self, config: &dyn CheckConfig, key: &str) -> Result<Box<dyn Check>, Diagnostic>;

    /// The slot at a stored address of that kind.
    ///
    /// # Errors
    /// As [`TargetKind::slot`].
    fn slot(&self, kind: &TargetKind, address: &Address) -> Result<Box<dyn Slot>, Diagnostic>;

    /// The issuer at a stored address of that kind; `None` for kinds that issue nothing revocable.
    ///
    /// # Errors
    /// As [`SourceKind::issuer`].
    fn issuer(&self, kind: &SourceKind, address: &Address) -> Result<Option<Box<dyn Issuer>>, Diagnostic>;
}

/// The place that the connection of an address adds to addresses of its kind; `None` for a kind that this version does not know.
fn place(connections: &Connections, kind: &str) -> Option<String> {
    let of_target = target::kind(kind).map(|kind| (kind.place)(connections));
    of_target.or_else(|| source::kind(kind).map(|kind| (kind.place)(connections)))
}

/// How a place is called in texts.
pub fn place_in_words(place: &str) -> String {
    match place.split(':').collect::<Vec<_>>()[..] {
        [""] => "the vendor's own host".to_owned(),
        // A port has no hyphen.
        [account, region] if region.contains('-') => {
            if account == ANY {
                format!("AWS region {region}")
            } else {
                format!("AWS account {account}, region {region}")
            }
        }
        _ => format!("host {place}"),
    }
}

/// A run whose connection leads to another place than the state says.
pub fn misplaced(address: &Address, here: &str) -> Diagnostic {
    Diagnostic::error(
        Path::root(),
        format!("{} is in another place than this run", address.locator),
        format!(
            "The state says {}; this run is configured for {}. Nothing was read or changed there. Configure the place that the state              names, or take the target out of `targets` with on_remove = \"keep\" and add it again.",
            place_in_words(&address.place),
            place_in_words(here)
        ),
    )
}

/// What shows of it without a call: the connection's name, its host, its region.
fn reaches(connections: &Connections, address: &Address) -> Result<(), Diagnostic> {
    if address.connection != DEFAULT_CONNECTION {
        return Err(Diagnostic::error(
            Path::root(),
            format!("The connection {:?} is not configured", address.connection),
            format!(
                "The state says that {} is reached by it. Nothing was read or changed there: it is never replaced by another \
                 connection. Put the connection back into the provider block.",
                address.locator
            ),
        ));
    }
    match place(connections, &address.kind) {
        Some(here) if !places_fit(&here, &address.place) => Err(misplaced(address, &here)),
        _ => Ok(()),
    }
}

#[async_trait]
impl Vendors for Connections {
    async fn complete(&self, address: &Address) -> Result<Address, CallError> {
        let open = address.place == ANY;
        let here = if open { place(self, &address.kind) } else { None };
        let place = here.unwrap_or_else(|| address.place.clone());
        // Only AWS leaves anything else open.
        let place = if place.starts_with("*:") {
            self.aws.whole_place().await?
        } else {
            place
        };
        Ok(Address {
            place,
            ..address.clone()
        })
    }

    async fn verify(&self, address: &Address) -> Result<(), Diagnostic> {
        reaches(self, address)?;
        let here = place(self, &address.kind).unwrap_or_default();
        if !here.starts_with(ANY) || address.place.starts_with(ANY) {
            return Ok(());
        }
        let here = self.aws.whole_place().await.map_err(|error| {
            let summary = "Cannot tell which AWS account this run belongs to";
            Diagnostic::error(Path::root(), summary, error.sentence())
        })?;
        if places_fit(&here, &address.place) {
            Ok(())
        } else {
            Err(misplaced(address, &here))
        }
    }

    fn source(&self, config: &dyn SourceConfig) -> Result<Box<dyn Source>, Diagnostic> {
        config.connect(self)
    }

    fn target(&self, config: &dyn TargetConfig, _slot: &Address) -> Result<Box<dyn Target>, Diagnostic> {
        config.connect(self)
    }

    fn check(&self, config: &dyn CheckConfig, _key: &str) -> Result<Box<dyn Check>, Diagnostic> {
        config.connect(self)
    }

    fn slot(&self, kind: &TargetKind, address: &Address) -> Result<Box<dyn Slot>, Diagnostic> {
        reaches(self, address)?;
        (kind.slot)(address, self)
    }

    fn issuer(&self, kind: &SourceKind, address: &Address) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
        reaches(self, address)?;
        (kind.issuer)(address, self)
    }
}
