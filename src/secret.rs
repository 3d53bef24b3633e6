//! The one type that holds a secret value, and the list of the values in hand.
//!
//! A value lives in memory for one run. It cannot be printed, compared, cloned or serialized; every
//! reader calls [`Secret::expose`], and clippy asks each of them for a reason (`clippy.toml`).

mod reading;
mod redaction;
mod shown;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use zeroize::Zeroizing;

use crate::part::VALUE;

pub use redaction::{REDACTED, redact};
pub use shown::shown;

/// A secret value; zeroized when dropped.
///
/// While it lives, [`redact`] removes it from any text.
pub struct Secret(Arc<Zeroizing<String>>);

/// Weak handles on every living value, so that [`redact`] needs no list from its callers.
static LIVING: Mutex<Vec<Weak<Zeroizing<String>>>> = Mutex::new(Vec::new());

/// The values in hand.
fn living() -> Vec<Arc<Zeroizing<String>>> {
    let living = LIVING.lock().unwrap_or_else(PoisonError::into_inner);
    living.iter().filter_map(Weak::upgrade).collect()
}

impl Secret {
    /// Takes ownership of a value.
    pub fn new(value: String) -> Self {
        let value = Arc::new(Zeroizing::new(value));
        let mut living = LIVING.lock().unwrap_or_else(PoisonError::into_inner);
        living.retain(|weak| weak.strong_count() > 0);
        living.push(Arc::downgrade(&value));
        Self(value)
    }

    /// A part of a credential that is no secret, such as a user name. [`redact`] does not know it: a short one would
    /// blank harmless words in every message.
    pub fn plain(value: String) -> Self {
        Self(Arc::new(Zeroizing::new(value)))
    }

    /// A value put together from pieces, in memory that is allocated once: a text that grows leaves copies behind.
    pub fn of_pieces(pieces: &[&str]) -> Self {
        let mut text = String::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
        for piece in pieces {
            text.push_str(piece);
        }
        Self::new(text)
    }

    /// The value itself. Callers hand it to the wire and to nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the value has `text` in it.
    pub fn contains(&self, text: &str) -> bool {
        self.0.contains(text)
    }

    /// Whether a text has the value in it, in any form that [`redact`] knows, or eight characters of it. Of a URL with a password only that
    /// counts. Never of a part that is no secret, nor of a value of less than eight characters, which may stand anywhere.
    pub fn is_repeated_in(&self, text: &str) -> bool {
        let value = password_of(&self.0).unwrap_or(&self.0);
        !self.is_plain() && value.len() >= redaction::WINDOW && redaction::repeats(text, value)
    }

    /// The value as a buffer for the wire, which shares its memory and keeps it until it is dropped.
    pub(crate) fn bytes(&self) -> Bytes {
        struct Shared(Secret);
        impl AsRef<[u8]> for Shared {
            fn as_ref(&self) -> &[u8] {
                self.0.0.as_bytes()
            }
        }
        Bytes::from_owner(Shared(self.share()))
    }

    /// A second handle on the same memory; nothing is copied.
    pub fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// Whether both are handles on the same memory.
    pub fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether both are the same text, compared in constant time.
    pub fn is_same_as(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }

    /// Whether it is a part that is no secret ([`Self::plain`]).
    pub fn is_plain(&self) -> bool {
        let living = LIVING.lock().unwrap_or_else(PoisonError::into_inner);
        !living.iter().any(|weak| weak.as_ptr() == Arc::as_ptr(&self.0))
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the value is the empty string.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The password of a URL, as it is written there.
fn password_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user_info, _) = authority.rsplit_once('@')?;
    Some(user_info.split_once(':')?.1)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The parts of one credential by name, such as `username` and `password`; the first one that it is given is the primary.
#[derive(Debug, Default)]
pub struct Parts {
    primary: String,
    values: BTreeMap<String, Secret>,
}

impl Parts {
    /// A credential of one part, which is its primary one.
    pub fn single(name: &str, value: Secret) -> Self {
        Self::default().with(name, value)
    }

    /// Adds or replaces a part.
    #[must_use]
    pub fn with(mut self, name: &str, value: Secret) -> Self {
        if self.values.is_empty() {
            name.clone_into(&mut self.primary);
        }
        self.values.insert(name.to_owned(), value);
        self
    }

    /// The name of the primary part, which `value` means in templates; empty when there are no parts.
    pub fn primary(&self) -> &str {
        &self.primary
    }

    /// The part that is meant by a name in a template: one of that name, or the primary one for [`VALUE`].
    pub fn find(&self, written: &str) -> Option<&Secret> {
        let primary = || (written == VALUE).then(|| self.get(&self.primary)).flatten();
        self.get(written).or_else(primary)
    }

    /// The part of that name.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.values.get(name)
    }

    /// The names of all parts, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The values of all parts, in the order of their names.
    pub fn values(&self) -> impl Iterator<Item = &Secret> {
        self.values.values()
    }

    /// Whether every part is the same in the other credential.
    pub fn agree_with(&self, other: &Self) -> bool {
        self.values
            .iter()
            .all(|(name, value)| other.get(name).is_some_and(|known| known.is_same_as(value)))
    }

    /// Second handles on the same values.
    #[must_use]
    pub fn share(&self) -> Self {
        Self {
            primary: self.primary.clone(),
            values: self
                .values
                .iter()
                .map(|(name, value)| (name.clone(), value.share()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_is_the_primary_one() {
        let secret = || Secret::new("x".to_owned());
        let parts = Parts::single("password", secret()).with("host", secret());
        assert_eq!(parts.share().primary(), "password");
        assert_eq!(Parts::default().primary(), "");
    }

    #[test]
    fn parts_agree_when_each_of_them_is_the_same() {
        let of = |name, value: &str| Parts::single(name, Secret::plain(value.to_owned()));
        let whole = of("password", "one").with("host", Secret::plain("two".to_owned()));
        assert!(of("host", "two").agree_with(&whole));
        assert!(!of("host", "one").agree_with(&whole) && !of("port", "two").agree_with(&whole));
        assert!(!whole.agree_with(&of("host", "two")));
    }

    #[test]
    fn secrets_are_the_same_when_their_texts_are() {
        let secret = |text: &str| Secret::new(text.to_owned());
        assert!(secret("sk_live_1").is_same_as(&secret("sk_live_1")) && secret("").is_same_as(&secret("")));
        for other in ["sk_live_2", "sk_live_", "sk_live_11", ""] {
            assert!(!secret("sk_live_1").is_same_as(&secret(other)), "{other}");
        }
    }

    #[test]
    fn a_secret_is_found_in_a_text_and_what_may_be_shown_is_not() {
        let found = |value: &str, text: &str| Secret::new(value.to_owned()).is_repeated_in(text);
        assert!(found("c3cd42312ab5", "digest C3CD4231"));
        assert!(!found("c3cd42312ab5", "c3cd423"));
        assert!(!found("c3cd423", "c3cd423"));
        let uri = "postgresql://app_user:npg_394b10ca@ep-cool-1.neon.tech/db";
        assert!(found(uri, "npg_394b10ca") && !found(uri, "ep-cool-1.neon.tech") && !found(uri, "app_user"));
        assert!(found("https://host.example.org/hook", "host.example.org"));
        assert!(!Secret::plain("ep-cool-1.neon.tech".to_owned()).is_repeated_in("ep-cool-1.neon.tech"));
    }

    #[test]
    fn debug_does_not_show_the_value() {
        let parts = Parts::single("password", Secret::new("hunter2hunter2".to_owned()));
        assert!(!format!("{parts:?}").contains("hunter2"));
    }
}
