//! The one type that holds a secret value, and the scrubber that knows the values in hand.
//!
//! A value lives in memory for one run. It cannot be printed, compared, cloned or serialized; every
//! reader calls [`Secret::expose`], and clippy asks each of them for a reason (`clippy.toml`).

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
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

/// What RFC 3986 section 2.3 calls unreserved is left as it is by many encoders.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A run of this many characters of a value counts as the value.
const WINDOW: usize = 8;

/// Removes every living secret from `text`: raw, base64 (also inside more that is encoded as a whole), percent-encoded, JSON-escaped
/// and hex, and any eight consecutive characters of those.
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

/// Every form in which a text may carry the value. What [`hide`] compares are pieces of eight characters, so padding and quotes make
/// no difference.
fn encodings(value: &str) -> Vec<Zeroizing<String>> {
    let percent = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let unreserved = utf8_percent_encode(value, RESERVED).to_string();
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        value.to_owned(),
        serde_json::to_string(value).unwrap_or_default(),
        lower_escapes(&percent),
        percent,
        lower_escapes(&unreserved),
        unreserved,
        hex.to_uppercase(),
        hex,
    ];
    // A value inside something that is encoded as a whole, such as a JSON body or `user:password`, begins at any of three places
    // of base64's groups; the first characters then depend on what stands before.
    for before in 0..3_usize {
        let padded = Zeroizing::new([&vec![0; before], value.as_bytes()].concat());
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = Zeroizing::new(engine.encode(&*padded));
            let own = encoded.get((before * 8).div_ceil(6)..).unwrap_or_default();
            forms.push(own.to_owned());
        }
    }
    forms.into_iter().map(Zeroizing::new).collect()
}

/// `%2F` as `%2f`, which some encoders write.
fn lower_escapes(percent: &str) -> String {
    let mut rest_of_escape = 0;
    let lower = percent.chars().map(|character| {
        let inside = rest_of_escape > 0;
        rest_of_escape = if character == '%' {
            2_u8
        } else {
            u8::saturating_sub(rest_of_escape, 1)
        };
        if inside {
            character.to_ascii_lowercase()
        } else {
            character
        }
    });
    lower.collect()
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
        use base64::engine::general_purpose::{STANDARD, URL_SAFE};
        let value = "canary/+\"value\" 0123456789?~ö";
        let secret = Secret::new(value.to_owned());
        let percent = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        for form in [
            value.to_owned(),
            serde_json::json!(value).to_string().trim_matches('"').to_owned(),
            ["2F", "2B", "3F", "7E", "C3", "B6"]
                .iter()
                .fold(percent.clone(), |text, escape| {
                    text.replace(escape, &escape.to_lowercase())
                }),
            percent,
            utf8_percent_encode(value, RESERVED).to_string(),
            hex.to_uppercase(),
            hex,
        ] {
            let clean = redact(&format!("refused: {form} (422)"));
            assert_eq!(clean, format!("refused: {REDACTED} (422)"), "{form}");
        }
        for (before, after) in [("", ""), ("user:", ""), ("{\"v\":\"", "\"}"), ("a", "b"), ("ab", "")] {
            let whole = format!("{before}{value}{after}");
            for encoded in [STANDARD.encode(&whole), URL_SAFE.encode(&whole)] {
                let clean = redact(&encoded);
                // What is left belongs to the neighbours, and to the last one or two bytes at most.
                assert!(
                    clean.replace(REDACTED, "").len() <= 12 + 2 * (before.len() + after.len()),
                    "{clean}"
                );
            }
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
