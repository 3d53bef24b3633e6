//! Taking the values in hand out of texts that people and logs get to see.
//!
//! A text is compared with every form of every value by pieces of eight characters, so that a part gives a value away as little as the
//! whole. Texts are short and values may be keys of thousands of characters, so it is the text whose pieces are looked up.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::living;

/// The mark that stands where a value stood.
pub const REDACTED: &str = "[redacted]";

/// What RFC 3986 section 2.3 calls unreserved is left as it is by many encoders.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A run of this many characters of a value counts as the value.
const WINDOW: usize = 8;

/// A value of fewer characters stands in the middle of ordinary words, and its encodings do. Cut out of them, it would be read from
/// the gaps, in a message that nobody can read.
const SHORTEST: usize = 4;

/// Removes every living secret from `text`: raw, base64 (also inside more that is encoded as a whole), percent-encoded, JSON-escaped
/// and hex, and any eight consecutive characters of those. One of fewer than four characters is removed where it stands by itself,
/// not beside another letter or digit.
pub fn redact(text: &str) -> String {
    let living = living();
    if text.is_empty() || living.is_empty() {
        return text.to_owned();
    }
    let mut pieces = Pieces::of(text.as_bytes());
    for value in living.iter().filter(|value| !value.is_empty()) {
        if value.chars().count() < SHORTEST {
            for at in standing_alone(text, value) {
                mark(&mut pieces.hidden, at, value.len());
            }
            continue;
        }
        for form in encodings(value) {
            pieces.hide(form.as_bytes());
        }
    }
    if !pieces.hidden.contains(&true) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    let mut inside = false;
    for (at, character) in text.char_indices() {
        let secret = pieces.hidden.get(at).copied().unwrap_or(false);
        if secret && !inside {
            clean.push_str(REDACTED);
        } else if !secret {
            clean.push(character);
        }
        inside = secret;
    }
    clean
}

/// Where `value` begins in `text` without being a part of a longer word.
fn standing_alone(text: &str, value: &str) -> Vec<usize> {
    let places = text.match_indices(value).map(|(at, _)| at);
    let alone = |at: &usize| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(at + value.len()..).and_then(|after| after.chars().next());
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    };
    places.filter(alone).collect()
}

/// A text taken apart, and which of its bytes belong to a value.
struct Pieces<'t> {
    text: &'t [u8],
    hidden: Vec<bool>,
    /// Where each run of [`WINDOW`] bytes begins.
    places: HashMap<&'t [u8], Vec<usize>>,
    /// Whether a run begins with these two bytes: most runs of a value are told from those of the text by that alone.
    begins: Vec<bool>,
}

impl<'t> Pieces<'t> {
    fn of(text: &'t [u8]) -> Self {
        let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
        let mut begins = vec![false; 1 << 16];
        for (at, run) in text.windows(WINDOW).enumerate() {
            places.entry(run).or_default().push(at);
            if let Some(begins) = begins.get_mut(first_two(run)) {
                *begins = true;
            }
        }
        Self {
            text,
            hidden: vec![false; text.len()],
            places,
            begins,
        }
    }

    /// Marks every byte that belongs to a run shared with `form`; of a form that is shorter than a run, the whole.
    fn hide(&mut self, form: &[u8]) {
        if form.len() < WINDOW {
            for (at, _) in self
                .text
                .windows(form.len().max(1))
                .enumerate()
                .filter(|(_, run)| *run == form)
            {
                mark(&mut self.hidden, at, form.len());
            }
        }
        for run in form.windows(WINDOW) {
            if self.begins.get(first_two(run)) != Some(&true) {
                continue;
            }
            for at in self.places.get(run).into_iter().flatten() {
                mark(&mut self.hidden, *at, WINDOW);
            }
        }
    }
}

fn mark(hidden: &mut [bool], at: usize, length: usize) {
    for flag in hidden.iter_mut().skip(at).take(length) {
        *flag = true;
    }
}

fn first_two(run: &[u8]) -> usize {
    match run {
        [first, second, ..] => usize::from(u16::from_be_bytes([*first, *second])),
        _ => 0,
    }
}

/// Every form in which a text may carry the value. Padding makes no difference to pieces of eight characters; quotes would: seven
/// characters of a value, such as `Bearer `, and the quote before them stand in harmless texts.
fn encodings(value: &str) -> Vec<Zeroizing<String>> {
    let percent = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let unreserved = utf8_percent_encode(value, RESERVED).to_string();
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let quoted = Zeroizing::new(serde_json::to_string(value).unwrap_or_default());
    let escaped = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let mut forms = vec![
        value.to_owned(),
        escaped.unwrap_or_default().to_owned(),
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
    forms
        .into_iter()
        .filter(|form| !form.is_empty())
        .map(Zeroizing::new)
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

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
    fn a_value_of_less_than_four_characters_is_removed_only_where_it_stands_by_itself() {
        // Rare ones: other tests run beside this one and redact too.
        for value in ["qz", "\u{17f}", "7qz", "z\u{17f}"] {
            let secret = Secret::new(value.to_owned());
            let words = format!("GET https://a{value}.example/{value}b answered 4{value}4.");
            assert_eq!(redact(&words), words);
            assert_eq!(
                redact(&format!("refused {value:?}: no")),
                format!("refused \"{REDACTED}\": no")
            );
            assert_eq!(
                redact(&format!("key={value}, {value}")),
                format!("key={REDACTED}, {REDACTED}")
            );
            drop(secret);
        }
        // Its encodings stand in words as well.
        let secret = Secret::new("qz=".to_owned());
        for form in ["717a3d", "cXo9", "qz%3D"] {
            assert_eq!(redact(&format!("a {form} b")), format!("a {form} b"));
        }
        drop(secret);
    }

    #[test]
    fn the_quotes_around_a_value_do_not_belong_to_it() {
        let secret = Secret::new("Bearer abcdefghijkl".to_owned());
        let help = "write Authorization = \"Bearer {{ value }}\"";
        assert_eq!(redact(help), help);
        assert_eq!(redact("\"Bearer abcdefghijkl\""), format!("\"{REDACTED}\""));
        drop(secret);
    }

    #[test]
    fn a_value_of_less_than_eight_characters_is_removed_as_a_whole() {
        let secret = Secret::new("pin-4711".chars().take(7).collect());
        assert_eq!(redact("it is pin-471!"), format!("it is {REDACTED}!"));
        assert_eq!(redact("pin"), "pin");
        drop(secret);
    }
}
