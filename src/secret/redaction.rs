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
use super::reading::{Reading, readings};

/// The mark that stands where a value stood.
pub const REDACTED: &str = "[redacted]";

/// What RFC 3986 section 2.3 calls unreserved is left as it is by many encoders.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A run of this many characters of a value counts as the value.
pub(super) const WINDOW: usize = 8;

/// Texts that stand in many values and tell nothing of them. They count as a value's only where they are written as in the value: a
/// message may well speak of a private key, of Postgres, or of `github.token or GITHUB_TOKEN`.
const COMMONPLACE: [&str; 6] = [
    "-----begin private key-----",
    "-----begin rsa private key-----",
    "-----begin ec private key-----",
    "postgresql://",
    "postgres://",
    "bearer github_pat_",
];

/// A value of fewer characters stands in the middle of ordinary words, and its encodings do. Cut out of them, it would be read from
/// the gaps, in a message that nobody can read.
const SHORTEST: usize = 4;

/// Removes every living secret from `text`: raw, base64 (also inside more that is encoded as a whole), percent-encoded, JSON-escaped
/// and hex, and any eight consecutive characters of those; in upper or lower case, and with escapes that are undone twice. One
/// of fewer than four characters is removed where it stands by itself, not beside another letter or digit.
pub fn redact(text: &str) -> String {
    let living = living();
    let hidden = hidden(text, living.iter().map(|value| value.as_str()));
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

/// Whether `text` has eight consecutive characters of `value` in any form that [`redact`] knows.
pub(super) fn repeats(text: &str, value: &str) -> bool {
    hidden(text, std::iter::once(value)).contains(&true)
}

/// Which bytes of `text` belong to one of the values.
fn hidden<'a>(text: &str, values: impl Iterator<Item = &'a str>) -> Vec<bool> {
    let mut hidden = vec![false; text.len()];
    let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
    if text.is_empty() || values.is_empty() {
        return hidden;
    }
    let readings = readings(text);
    let mut pieces: Vec<Pieces<'_>> = readings.iter().map(Pieces::of).collect();
    for value in values {
        if value.chars().count() < SHORTEST {
            for at in standing_alone(text, value) {
                let found = hidden.get_mut(at..at + value.len());
                found.into_iter().for_each(|bytes| bytes.fill(true));
            }
            continue;
        }
        for form in encodings(value) {
            let folded = Zeroizing::new(form.to_ascii_lowercase());
            for pieces in &mut pieces {
                pieces.hide(form.as_bytes(), folded.as_bytes(), &mut hidden);
            }
        }
    }
    hidden
}

/// A text taken apart.
struct Pieces<'t> {
    reading: &'t Reading,
    /// Where each run of [`WINDOW`] bytes begins, whatever its case.
    places: HashMap<&'t [u8], Vec<usize>>,
    /// Whether a run begins with these two bytes, a bit each: most runs of a value are told from those of the text by that alone.
    begins: Vec<u64>,
}

impl<'t> Pieces<'t> {
    fn of(reading: &'t Reading) -> Self {
        let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
        let mut begins = vec![0; (1 << 16) / 64];
        for (at, run) in reading.folded.windows(WINDOW).enumerate() {
            places.entry(run).or_default().push(at);
            let (word, bit) = first_two(run);
            if let Some(begins) = begins.get_mut(word) {
                *begins |= bit;
            }
        }
        Self {
            reading,
            places,
            begins,
        }
    }

    /// Marks every byte that belongs to a run shared with `form`, which is `folded` in lower case; of a form that is shorter than a
    /// run, the whole, as it is written.
    fn hide(&self, form: &[u8], folded: &[u8], hidden: &mut [bool]) {
        if form.len() < WINDOW {
            let runs = self.reading.bytes.windows(form.len().max(1)).enumerate();
            for (at, _) in runs.filter(|(_, run)| *run == form) {
                self.reading.mark(hidden, at, form.len());
            }
        }
        for (run, as_written) in folded.windows(WINDOW).zip(form.windows(WINDOW)) {
            let (word, bit) = first_two(run);
            if self.begins.get(word).is_none_or(|begins| begins & bit == 0) {
                continue;
            }
            for at in self.places.get(run).into_iter().flatten() {
                let same = || self.reading.bytes.get(*at..at.saturating_add(WINDOW)) == Some(as_written);
                if same() || !is_commonplace(run) {
                    self.reading.mark(hidden, *at, WINDOW);
                }
            }
        }
    }
}

fn is_commonplace(run: &[u8]) -> bool {
    let stands_in = |text: &str| text.as_bytes().windows(WINDOW).any(|known| known == run);
    COMMONPLACE.iter().any(|text| stands_in(text))
}

/// The place of a bit for the two bytes that a run begins with: a word, and the bit in it.
fn first_two(run: &[u8]) -> (usize, u64) {
    let pair = match run {
        [first, second, ..] => u16::from_be_bytes([*first, *second]),
        _ => 0,
    };
    (usize::from(pair / 64), 1 << (pair % 64))
}

/// Every form in which a text may carry the value, but for the case of its letters. Padding makes no difference to pieces of eight
/// characters; quotes would: seven characters of a value, such as `Bearer `, and the quote before them stand in harmless texts.
fn encodings(value: &str) -> Vec<Zeroizing<String>> {
    let percent = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let unreserved = utf8_percent_encode(value, RESERVED).to_string();
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let quoted = Zeroizing::new(serde_json::to_string(value).unwrap_or_default());
    let escaped = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let mut forms = vec![
        value.to_owned(),
        escaped.unwrap_or_default().to_owned(),
        percent,
        unreserved,
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

    #[test]
    fn what_other_encoders_make_of_a_value_is_removed() {
        let value = "aB3<dE6>gH9&jK2/mN5\"pQ8+sT1";
        let hex = "9f8e7d6c5b4a39281706f5e4d3c2b1a0";
        let secrets = [Secret::new(value.to_owned()), Secret::new(hex.to_owned())];
        let percent = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<&str> = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).unwrap())
            .collect();
        let units: String = value
            .chars()
            .map(|character| format!("\\u{:04X}", u32::from(character)))
            .collect();
        for form in [
            value.to_uppercase(),
            value.to_lowercase(),
            hex.to_uppercase(),
            value
                .replace('<', "\\u003c")
                .replace('>', "\\u003e")
                .replace('&', "\\u0026")
                .replace('"', "\\\""),
            value
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&#34;"),
            value.replace('/', "\\/"),
            utf8_percent_encode(&percent, NON_ALPHANUMERIC).to_string(),
            percent.to_lowercase(),
            units,
            pairs.join(":"),
            pairs.join(" ").to_uppercase(),
            value.replace("gH9", "\u{200b}gH9\u{202e}"),
        ] {
            assert_eq!(
                redact(&format!("not {form}, no")),
                format!("not {REDACTED}, no"),
                "{form}"
            );
        }
        drop(secrets);
    }

    #[test]
    fn words_that_stand_in_many_values_are_left_in_sentences() {
        let key = Secret::new("-----BEGIN PRIVATE KEY-----\nTUlJQ2VBSUJBREFO\n-----END PRIVATE KEY-----\n".to_owned());
        let uri = Secret::new("postgresql://app:xyzzyplugh@db.internal/app".to_owned());
        let token = Secret::new("Bearer github_pat_11ABCDEFG0123456789".to_owned());
        let text = "The private key of Postgres is no good: set github.token or GITHUB_TOKEN";
        assert_eq!(redact(text), text);
        assert_eq!(redact("is tuljq2vbsujbrefo"), format!("is {REDACTED}"));
        drop((key, uri, token));
    }

    #[test]
    fn many_long_values_and_a_long_text_cost_little() {
        let of = |seed: u64, length: usize| -> String {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let digits = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b'a' + u8::try_from(state >> 59).unwrap_or(0) % 26)
            });
            digits.take(length).collect()
        };
        let keys: Vec<Secret> = (1..=8).map(|seed| Secret::new(of(seed, 3_200))).collect();
        let text = format!("{}\\u003c%253c{}", of(99, 8_000), of(98, 8_000));
        let clock = crate::clock::Clock::default();
        let before = clock.real_now();
        assert_eq!(redact(&text), text);
        // Looking for every run of every value in the whole text takes minutes.
        assert!(clock.real_now().duration_since(before).as_secs() < 30);
        drop(keys);
    }
}
