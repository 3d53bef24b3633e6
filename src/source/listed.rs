//! Issuers that list their credentials and revoke them by id: what most vendors of keys and tokens are.

use std::time::Duration;

use async_trait::async_trait;

use super::{Credential, Issuance, Issuer, LastUse, Liveness, Offers, Sessions, SourceTraits};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::{KeyRing, ListedKey, Vendor};
use crate::diagnostics::{StateProblem, Words};
use crate::terraform::{Diagnostic, Path};

/// What the engine must know of such a source: any number live at once, and a value is told once, when it is made.
pub(super) const TRAITS: SourceTraits = SourceTraits {
    issuance: Issuance::Fresh { at_most: None },
    lists: true,
    revocable: true,
    reveals: false,
    reveals_superseded: false,
    generated: true,
};

/// What such an issuer offers: a list in pages, by names, that tells whether a credential still works.
pub(super) const OFFERS: Offers = Offers {
    pages: true,
    proof_of_absence: false,
    liveness: true,
    names: true,
    last_use: false,
    sessions: false,
};

/// What a ring of keys ([`KeyRing`]) offers: each is listed with the time of its last use.
pub(super) const OFFERS_OF_KEYS: Offers = Offers {
    last_use: true,
    ..OFFERS
};

/// The calls that differ between them. A credential that is not listed is dead, unless [`Listed::liveness`] says otherwise.
#[async_trait]
pub(super) trait Listed: Send + Sync {
    /// The vendor.
    fn vendor(&self) -> &'static Vendor;

    /// The credentials as they are now, without those that are revoked or expired.
    async fn list_now(&self) -> Result<Vec<Credential>, CallError>;

    /// The same from the listing that all readers of this run share, where there is one.
    async fn list_shared(&self) -> Result<Vec<Credential>, CallError> {
        self.list_now().await
    }

    /// As [`Issuer::liveness`].
    async fn liveness(&self, id: &str) -> Result<Liveness, CallError> {
        let listed = self.list_now().await?;
        Ok(match listed.iter().any(|credential| credential.id == id) {
            true => Liveness::Alive,
            false => Liveness::Dead,
        })
    }

    /// As [`Issuer::authenticates_this_run`].
    async fn is_own(&self, id: &str) -> Result<bool, CallError>;

    /// As [`Issuer::last_use`].
    async fn used(&self, _id: &str) -> Result<LastUse, CallError> {
        Ok(LastUse::NotTold)
    }

    /// As [`Issuer::open_sessions`].
    async fn sessions(&self, _id: &str) -> Result<Sessions, CallError> {
        Ok(Sessions::default())
    }

    /// As [`Issuer::end_sessions`].
    async fn end_sessions(&self, _id: &str, _permit: &WritePermit) -> Result<u64, CallError> {
        Ok(0)
    }

    /// Revokes a credential; an error may mean that it is gone already.
    async fn end(&self, id: &str, permit: &WritePermit) -> Result<(), CallError>;
}

impl From<&ListedKey> for Credential {
    fn from(key: &ListedKey) -> Self {
        Self {
            id: key.id.clone(),
            name: Some(key.name.clone()),
            minted_at: key.created_at,
            expires_at: key.expires_at,
        }
    }
}

/// Longer than the grain of a time of last use that is kept in whole seconds.
const GRAIN: Duration = Duration::from_millis(1100);

#[async_trait]
impl<T: KeyRing> Listed for T {
    fn vendor(&self) -> &'static Vendor {
        KeyRing::vendor(self)
    }

    async fn list_now(&self) -> Result<Vec<Credential>, CallError> {
        let keys = self.keys_now().await?;
        Ok(keys.iter().map(Credential::from).collect())
    }

    async fn list_shared(&self) -> Result<Vec<Credential>, CallError> {
        Ok(self.keys().await?.iter().map(Credential::from).collect())
    }

    /// The time of last use tells what the vendor does not: when it moves while nothing but our own requests should be made, one of
    /// them (or somebody else's, at this very moment) carried the key, and it is left alone. Unverified: that vendors move it at every
    /// request.
    async fn is_own(&self, id: &str) -> Result<bool, CallError> {
        if let Some(told) = self.told_own(id).await? {
            return Ok(told);
        }
        let find = |keys: Vec<ListedKey>| keys.into_iter().find(|key| key.id == id);
        let Some(before) = find(self.keys_now().await?) else {
            return Ok(false);
        };
        self.pause(GRAIN).await;
        // A use that is recorded only after its answer shows in the listing that follows.
        self.keys_now().await?;
        let after = find(self.keys_now().await?);
        Ok(after.is_some_and(|after| after.last_used_at > before.last_used_at))
    }

    async fn used(&self, id: &str) -> Result<LastUse, CallError> {
        let keys = self.keys_now().await?;
        let found = keys.iter().find(|key| key.id == id);
        let last = found.and_then(|key| key.last_used_at);
        Ok(last.map_or(LastUse::Never, LastUse::At))
    }

    async fn end(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        self.revoke_key(id, permit).await
    }
}

/// The issuer that follows from those calls.
pub(super) struct Listing<T>(pub(super) T);

#[async_trait]
impl<T: Listed> Issuer for Listing<T> {
    fn reuses_ids(&self) -> bool {
        false
    }

    async fn survey(&self) -> Result<Vec<Credential>, CallError> {
        self.0.list_shared().await
    }

    async fn liveness(&self, id: &str) -> Result<Liveness, CallError> {
        self.0.liveness(id).await
    }

    async fn authenticates_this_run(&self, id: &str) -> Result<bool, CallError> {
        self.0.is_own(id).await
    }

    async fn last_use(&self, id: &str) -> Result<LastUse, CallError> {
        self.0.used(id).await
    }

    async fn open_sessions(&self, id: &str) -> Result<Sessions, CallError> {
        self.0.sessions(id).await
    }

    async fn end_sessions(&self, id: &str, permit: &WritePermit) -> Result<u64, CallError> {
        self.0.end_sessions(id, permit).await
    }

    async fn revoke(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        if id.is_empty() {
            let why = "the state holds no id of it";
            return Err(CallError::refused(self.0.vendor().title, "revoking a credential", why));
        }
        let error = match self.0.end(id, permit).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        // Gone already, or revoked by this call whose answer was lost. Some vendors call an id that is gone invalid; a 404 may also
        // hide the container from this run. The list tells.
        let answered = error.status.is_some() && matches!(error.kind, CallErrorKind::NotFound | CallErrorKind::Invalid);
        let in_doubt = answered || error.effect == Effect::Possible;
        if in_doubt && self.liveness(id).await == Ok(Liveness::Dead) {
            return Ok(());
        }
        Err(error)
    }
}

/// An address in state that is none of an issuer of `what`; `expected` says what one looks like.
pub(super) fn misplaced(address: &Address, what: &str, expected: impl Into<Words>) -> Diagnostic {
    let mistake = StateProblem::Address {
        address: address.to_string(),
        what: format!("a place where {what} are issued").into(),
        expected: expected.into(),
    };
    Diagnostic::new(Path::root(), mistake)
}
