//! The one type that holds a secret value, and the scrubber that knows the values in hand.
//!
//! A value lives in memory for one run. It cannot be printed, compared, cloned or serialized; every
//! reader calls [`Secret::expose`], which reviewers can grep for.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use zeroize::Zeroizing;

/// A secret value; zeroized when dropped.
///
/// While it lives, [`redact`] removes it from any text.
pub struct Secret(Arc<Zeroizing<String>>);

/// Weak handles on every living value, so that [`redact`] needs no list from its callers.
static LIVING: Mutex<Vec<Weak<Zeroizing<String>>>> = Mutex::new(Vec::new());

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

    /// The value itself. Callers hand it to the wire and to nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A second handle on the same memory; nothing is copied.
    pub fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
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

    /// The part of that name.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.values.get(name)
    }

    /// The names of all parts, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
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

/// The mark that stands where a value stood.
pub const REDACTED: &str = "[redacted]";

/// A run of this many characters of a value counts as the value.
const WINDOW: usize = 8;

/// Removes every living secret from `text`: raw, base64, percent-encoded, JSON-escaped and hex,
/// and any eight consecutive characters of those.
pub fn redact(text: &str) -> String {
    let living: Vec<Arc<Zeroizing<String>>> = {
        let living = LIVING.lock().unwrap_or_else(PoisonError::into_inner);
        living.iter().filter_map(Weak::upgrade).collect()
    };
    let bytes = text.as_bytes();
    let mut hidden = vec![false; bytes.len()];
    for value in living.iter().filter(|value| !value.is_empty()) {
        for form in encodings(value) {
            hide(bytes, form.as_bytes(), &mut hidden);
        }
    }
    if !hidden.contains(&true) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    let mut inside = false;
    for (at, character) in text.char_indices() {
        let secret = hidden.get(at).copied().unwrap_or(false);
        if secret && !inside {
            clean.push_str(REDACTED);
        } else if !secret {
            clean.push(character);
        }
        inside = secret;
    }
    clean
}

fn encodings(value: &str) -> Vec<Zeroizing<String>> {
    let json = serde_json::Value::from(value).to_string();
    let percent = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    [
        value.to_owned(),
        STANDARD.encode(value),
        URL_SAFE.encode(value),
        percent.to_string(),
        json.trim_matches('"').to_owned(),
        hex,
    ]
    .into_iter()
    .map(Zeroizing::new)
    .collect()
}

/// Marks every byte of `text` that belongs to a run shared with `form`.
fn hide(text: &[u8], form: &[u8], hidden: &mut [bool]) {
    let window = WINDOW.min(form.len());
    let windows: HashSet<&[u8]> = form.windows(window).collect();
    for (at, run) in text.windows(window).enumerate() {
        if windows.contains(run) {
            for flag in hidden.iter_mut().skip(at).take(window) {
                *flag = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_value_is_removed_in_every_encoding() {
        let value = "canary/+\"value\" 0123456789";
        let secret = Secret::new(value.to_owned());
        for form in encodings(value) {
            let clean = redact(&format!("refused: {} (422)", form.as_str()));
            assert_eq!(clean, format!("refused: {REDACTED} (422)"), "{}", form.as_str());
        }
        drop(secret);
    }

    #[test]
    fn eight_characters_of_a_value_are_the_value() {
        let secret = Secret::new("qwertyuiopasdfghjkl".to_owned());
        assert_eq!(
            redact("it began tyuiopas and so on"),
            format!("it began {REDACTED} and so on")
        );
        assert_eq!(redact("qwerty alone is not"), "qwerty alone is not");
        drop(secret);
    }

    #[test]
    fn a_part_that_is_no_secret_is_left_in_texts() {
        let name = Secret::plain("app".to_owned());
        assert_eq!(redact("apply again"), "apply again");
        drop(name);
    }

    #[test]
    fn the_first_part_is_the_primary_one() {
        let secret = || Secret::new("x".to_owned());
        let parts = Parts::single("password", secret()).with("host", secret());
        assert_eq!(parts.share().primary(), "password");
        assert_eq!(Parts::default().primary(), "");
    }

    #[test]
    fn debug_does_not_show_the_value() {
        let parts = Parts::single("password", Secret::new("hunter2hunter2".to_owned()));
        assert!(!format!("{parts:?}").contains("hunter2"));
    }
}
