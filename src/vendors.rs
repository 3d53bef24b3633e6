//! The one place where adapters come from: by configuration while there is one, by a stored address afterwards.
//!
//! [`Connections`] is the real one. Tests put a world of their own in its place (`tests/engine`), so that the same read,
//! plan, apply and destroy run against vendors whose every answer they choose.

use async_trait::async_trait;

use crate::address::{ANY, Address, places_fit};
use crate::call::CallError;
use crate::check::{Check, CheckConfig};
use crate::connection::{Connections, Link, Reach, Unready};
use crate::diagnostics::{ConnectionProblem, StateProblem};
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

    /// The adapter of a configured source, by the connection of that name.
    ///
    /// # Errors
    /// As [`SourceConfig::connect`].
    fn source(&self, config: &dyn SourceConfig, connection: &str) -> Result<Box<dyn Source>, Diagnostic>;

    /// The adapter of the configured target in that slot, by the connection that the slot names.
    ///
    /// # Errors
    /// As [`TargetConfig::connect`].
    fn target(&self, config: &dyn TargetConfig, slot: &Address) -> Result<Box<dyn Target>, Diagnostic>;

    /// The adapter of the configured check with that key, by the connection of that name.
    ///
    /// # Errors
    /// As [`CheckConfig::connect`].
    fn check(&self, config: &dyn CheckConfig, key: &str, connection: &str) -> Result<Box<dyn Check>, Diagnostic>;

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

/// How addresses of that kind are reached; `None` for a kind that needs no vendor, or that this version does not know.
fn reach_of(kind: &str) -> Option<Reach> {
    match target::kind(kind) {
        Some(target) => target.reach,
        None => source::kind(kind)?.reach,
    }
}

/// What the connection of an address adds to addresses of its kind; `None` for a kind that needs none.
fn place(connections: &Connections, address: &Address) -> Result<Option<String>, Diagnostic> {
    let Some(reach) = reach_of(&address.kind) else {
        return Ok(None);
    };
    let account = link(connections, address).dynamic(reach.vendor)?;
    Ok(Some((reach.place)(account.as_ref())))
}

/// The connection that an address names.
fn link<'a>(connections: &'a Connections, address: &'a Address) -> Link<'a> {
    connections.link(&address.connection)
}

/// The whole place, of which the connection knows a part without a call.
async fn whole_place(connections: &Connections, address: &Address) -> Result<String, CallError> {
    const OPERATION: &str = "finding out which account this run belongs to";
    let Some(reach) = reach_of(&address.kind) else {
        return Ok(String::new());
    };
    match link(connections, address).dynamic(reach.vendor) {
        Ok(account) => account.whole_place().await,
        Err(why) => {
            let why = format!("{}. {}", why.summary, why.detail);
            Err(CallError::refused(reach.vendor.title, OPERATION, &why))
        }
    }
}

/// The account and region of a place at AWS. A host may have a port in the region's stead, which is a number.
fn aws(place: &str) -> Option<(&str, &str)> {
    place
        .split_once(':')
        .filter(|(_, region)| region.parse::<u16>().is_err())
}

/// How a place is called in texts.
pub fn place_in_words(place: &str) -> String {
    match (place, aws(place)) {
        ("", _) => "the vendor's own host".to_owned(),
        (_, Some((ANY, ANY))) => "AWS".to_owned(),
        (_, Some((ANY, region))) => format!("AWS region {region}"),
        (_, Some((account, ANY))) => format!("AWS account {account}"),
        (_, Some((account, region))) => format!("AWS account {account}, region {region}"),
        (host, None) => format!("host {host}"),
    }
}

/// What is at an address, as its kind calls it, and whether that is a target's entry: one name may stand for a target and a source.
fn in_words(address: &Address) -> (String, bool) {
    let text = address.to_string();
    let entry = target::kind(&address.kind).map(|kind| (kind.words)(address).noun);
    let issuer = source::kind(&address.kind).map(|kind| (kind.issuer_in_words)(address));
    match (entry, issuer) {
        (Some(entry), None) => (entry, true),
        (Some(entry), Some(_)) if entry != text => (entry, true),
        (_, Some(issuer)) => (issuer, false),
        (None, None) => (text, false),
    }
}

/// A run whose connection leads to another place than the state says.
pub fn misplaced(address: &Address, here: &str) -> Diagnostic {
    let what = match (aws(&address.place), aws(here)) {
        (Some((_, region)), Some((_, other))) if !places_fit(region, other) => "AWS region",
        (Some(_), Some(_)) => "AWS account",
        _ => "host",
    };
    let (entry, is_target) = in_words(address);
    let misplaced = StateProblem::Misplaced {
        entry,
        what: what.into(),
        recorded: place_in_words(&address.place),
        here: place_in_words(here),
        is_target,
    };
    Diagnostic::new(Path::root(), misplaced)
}

/// What shows of it without a call: the connection's name, its host, its region.
fn reaches(connections: &Connections, address: &Address) -> Result<(), Diagnostic> {
    if let Some(reach) = reach_of(&address.kind)
        && let Err(Unready::Undeclared | Unready::OfOtherVendor(_)) =
            connections.find(reach.vendor, &address.connection)
    {
        return Err(undeclared(address));
    }
    match place(connections, address)? {
        Some(here) if !places_fit(&here, &address.place) => Err(misplaced(address, &here)),
        _ => Ok(()),
    }
}

/// A connection that a state names, and the provider block does not.
fn undeclared(address: &Address) -> Diagnostic {
    let (name, (what, _)) = (address.connection.clone(), in_words(address));
    Diagnostic::new(Path::root(), StateProblem::ConnectionGone { name, what })
}

#[async_trait]
impl Vendors for Connections {
    async fn complete(&self, address: &Address) -> Result<Address, CallError> {
        let open = address.place == ANY;
        let here = if open {
            place(self, address).ok().flatten()
        } else {
            None
        };
        let place = here.unwrap_or_else(|| address.place.clone());
        // Only AWS leaves anything else open.
        let place = if place.starts_with("*:") {
            whole_place(self, address).await?
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
        let here = place(self, address)?.unwrap_or_default();
        if !here.starts_with(ANY) || address.place.starts_with(ANY) {
            return Ok(());
        }
        let here = whole_place(self, address).await.map_err(|error| {
            let why = error.answer();
            Diagnostic::new(Path::root(), ConnectionProblem::AccountUnknown { why })
        })?;
        if places_fit(&here, &address.place) {
            Ok(())
        } else {
            Err(misplaced(address, &here))
        }
    }

    fn source(&self, config: &dyn SourceConfig, connection: &str) -> Result<Box<dyn Source>, Diagnostic> {
        config.connect(&self.link(connection))
    }

    fn target(&self, config: &dyn TargetConfig, slot: &Address) -> Result<Box<dyn Target>, Diagnostic> {
        config.connect(&link(self, slot))
    }

    fn check(&self, config: &dyn CheckConfig, _key: &str, connection: &str) -> Result<Box<dyn Check>, Diagnostic> {
        config.connect(&self.link(connection))
    }

    fn slot(&self, kind: &TargetKind, address: &Address) -> Result<Box<dyn Slot>, Diagnostic> {
        reaches(self, address)?;
        (kind.slot)(address, &link(self, address))
    }

    fn issuer(&self, kind: &SourceKind, address: &Address) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
        reaches(self, address)?;
        (kind.issuer)(address, &link(self, address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_as_its_vendor_does() {
        for (place, words) in [
            ("", "the vendor's own host"),
            ("123456789012:eu-west-1", "AWS account 123456789012, region eu-west-1"),
            ("*:eu-west-1", "AWS region eu-west-1"),
            ("*:*", "AWS"),
            ("127.0.0.1:8080", "host 127.0.0.1:8080"),
            ("ghe.example.com", "host ghe.example.com"),
        ] {
            assert_eq!(place_in_words(place), words);
        }
    }

    #[test]
    fn a_misplaced_run_is_told_what_differs_and_both_places() {
        let address = Address::at("123456789012:us-east-1", "ssm_parameter", "/prod/KEY");
        for (here, what, words) in [
            ("*:eu-west-1", "AWS region", "AWS region eu-west-1"),
            (
                "999999999999:us-east-1",
                "AWS account",
                "AWS account 999999999999, region us-east-1",
            ),
        ] {
            let told = misplaced(&address, here);
            assert_eq!(
                told.summary,
                format!(
                    "SSM parameter /prod/KEY in account 123456789012, us-east-1 is in another {what} than this run"
                )
            );
            let both = format!(
                "The state says AWS account 123456789012, region us-east-1, but this run is configured for {words}."
            );
            assert!(told.detail.starts_with(&both), "{}", told.detail);
        }
        let address = Address::at("ghe.example.com", "github_actions_secret", "acme/app/KEY");
        let told = misplaced(&address, "");
        assert!(told.summary.contains("on another host"), "{}", told.summary);
    }

    #[test]
    fn what_is_misplaced_is_named_as_people_call_it_with_a_way_out() {
        let entry = "e1/SVC#{\"urls\":[\"/e1\"]}";
        let minted =
            "e1/keys#{\"list\":null,\"revoke\":{\"url\":\"/k\",\"method\":\"DELETE\",\"expect_status\":[204]}}";
        for (kind, locator, words, way_out) in [
            (
                "http",
                entry,
                "HTTP entry SVC at a.example.com/e1",
                "on_remove = \"keep\"",
            ),
            (
                "http",
                minted,
                "HTTP service a.example.com/e1/keys",
                "set `connection` on the source",
            ),
            (
                "postgres_password",
                "roles",
                "PostgreSQL at a.example.com",
                "set `connection` on the source",
            ),
        ] {
            let told = misplaced(&Address::at("a.example.com", kind, locator), "b.example.com");
            assert_eq!(told.summary, format!("{words} is on another host than this run"));
            assert!(told.detail.contains(way_out), "{}", told.detail);
        }
    }
}
