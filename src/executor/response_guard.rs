//! What a vendor tells for the state is held against the values in hand before any of it is kept.
//!
//! Ids, names, public parts and revisions are stored. A vendor that puts the value itself into one of them would have it stored, so such
//! an answer counts as not understood. What we made ourselves is not looked at: a public key repeats numbers of its private one.

use jiff::Timestamp;

use super::Run;
use crate::call::{CallError, Effect};
use crate::secret::Secret;
use crate::source::{Credential, MintOrder, Minted};
use crate::target::Receipt;

/// Longest text of a vendor that is stored, in characters.
const LONGEST: usize = 1_024;

impl Run<'_> {
    /// A credential that was minted just now. The values of one that is refused are held until the run ends: the issuer may show them
    /// again.
    pub(super) fn minted_as_told(
        &mut self,
        minted: Result<Minted, CallError>,
        order: &MintOrder,
    ) -> Result<Minted, CallError> {
        let minted = minted?;
        match problem_of(&minted) {
            None => Ok(minted),
            Some(problem) => {
                self.refused.push(minted.parts);
                Err(refusal(&format!("minting {}", order.label), Effect::Possible, &problem))
            }
        }
    }

    /// The same for a credential that its source gave again, by a read.
    pub(super) fn found_as_told(
        &mut self,
        found: Result<Option<Minted>, CallError>,
        order: &MintOrder,
    ) -> Result<Option<Minted>, CallError> {
        let Some(minted) = found? else { return Ok(None) };
        match problem_of(&minted) {
            None => Ok(Some(minted)),
            Some(problem) => {
                self.refused.push(minted.parts);
                Err(refusal(
                    &format!("having {} again", order.label),
                    Effect::None,
                    &problem,
                ))
            }
        }
    }

    /// What the issuer lists, without credentials whose id repeats a value that was refused.
    pub(super) fn listed_as_told(&self, mut listed: Vec<Credential>) -> Vec<Credential> {
        let values = || self.refused.iter().flat_map(|parts| parts.values());
        listed.retain(|credential| problem("id", &credential.id, values()).is_none());
        listed
    }
}

/// The receipts of a delivery of `values`.
pub(super) fn receipts(
    receipts: Result<Vec<Receipt>, CallError>,
    values: &[&Secret],
) -> Result<Vec<Receipt>, CallError> {
    let receipts = receipts?;
    let revisions = receipts.iter().filter_map(|receipt| receipt.revision.as_deref());
    match revisions
        .filter_map(|text| problem("revision", text, values.iter().copied()))
        .next()
    {
        None => Ok(receipts),
        Some(problem) => Err(refusal("reading the answer to a write", Effect::Possible, &problem)),
    }
}

/// What is wrong with what the issuer told of a credential.
fn problem_of(minted: &Minted) -> Option<String> {
    let credential = minted.credential.as_ref()?;
    let named = credential.name.iter().map(|name| ("name", name));
    let public = minted.public.iter().map(|(name, text)| (name.as_str(), text));
    let told = std::iter::once(("id", &credential.id)).chain(named).chain(public);
    // A part that is public is told twice, and right to be the same.
    let secret = |name: &&str| !minted.public.contains_key(*name);
    told.filter_map(|(what, text)| {
        let values = minted
            .parts
            .names()
            .filter(secret)
            .filter_map(|name| minted.parts.get(name));
        problem(what, text, values)
    })
    .next()
}

fn problem<'v>(what: &str, text: &str, mut values: impl Iterator<Item = &'v Secret>) -> Option<String> {
    // An instant holds no value, but a value may well hold today's date.
    if text.parse::<Timestamp>().is_ok() {
        return None;
    }
    if text.chars().nth(LONGEST).is_some() {
        return Some(format!("the {what} in it is longer than {LONGEST} characters"));
    }
    values
        .any(|value| value.is_repeated_in(text))
        .then(|| format!("the {what} in it repeats the value, which would be stored"))
}

fn refusal(operation: &str, effect: Effect, problem: &str) -> CallError {
    let message = format!("{problem}; nothing of the answer was kept");
    CallError::malformed("the vendor", operation, effect, &message)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::call::CallErrorKind;
    use crate::secret::Parts;

    const VALUE: &str = "npg_394b10ca77aa";

    fn minted(id: &str, public: [(&str, &str); 2], credential: bool) -> Minted {
        let secret = |text: &str| Secret::new(text.to_owned());
        let uri = format!("postgresql://app_user:{VALUE}@ep-cool-1.neon.tech/db");
        Minted {
            credential: credential.then(|| Credential {
                id: id.to_owned(),
                name: None,
                minted_at: None,
                expires_at: None,
            }),
            parts: Parts::single("password", secret(VALUE))
                .with("username", secret("app_user"))
                .with("host", Secret::plain("ep-cool-1.neon.tech".to_owned()))
                .with("uri", secret(&uri)),
            public: BTreeMap::from(public.map(|(name, text)| (name.to_owned(), text.to_owned()))),
        }
    }

    #[test]
    fn what_is_told_of_a_credential_may_not_repeat_it() {
        let honest = [("username", "app_user"), ("host", "ep-cool-1.neon.tech")];
        assert_eq!(problem_of(&minted("app_user", honest, true)), None);
        let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
        for id in [VALUE, &VALUE.to_uppercase(), &format!("x{hex}"), &"a".repeat(2_000)] {
            assert!(problem_of(&minted(id, honest, true)).is_some(), "{id}");
        }
        for public in [
            [("username", VALUE), ("host", "ep-cool-1.neon.tech")],
            [("username", "app_user"), ("host", "npg_394b.neon.tech")],
        ] {
            assert!(problem_of(&minted("app_user", public, true)).is_some(), "{public:?}");
        }
        // Nobody told it: it was made here.
        assert_eq!(problem_of(&minted("", [("kid", VALUE), ("x", "y")], false)), None);
    }

    #[test]
    fn a_revision_may_not_repeat_what_was_written() {
        let values = [Secret::new(
            "{\"made\":\"2026-11-28T07:40:00Z\",\"key\":\"c3cd42312ab5\"}".to_owned(),
        )];
        let told = |revision: &str| {
            let receipt = Receipt {
                revision: Some(revision.to_owned()),
                written_at: None,
            };
            receipts(Ok(vec![receipt]), &values.each_ref())
        };
        for honest in ["7", "2026-11-28T07:40:00Z", "sha256:55aa@2"] {
            assert!(told(honest).is_ok(), "{honest}");
        }
        let error = told("c3cd42312ab5@2").unwrap_err();
        assert_eq!((error.kind, error.effect), (CallErrorKind::Malformed, Effect::Possible));
        assert!(
            error.message.starts_with("the revision in it repeats the value"),
            "{}",
            error.message
        );
    }
}
