//! What is searched for: every eight consecutive characters of every secret, in every form in which a text can carry them.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::canary::Canary;

/// So many characters of a value count as the value.
const WINDOW: usize = 8;

/// All forms of all values, ready to be searched for at once.
pub(crate) struct Needles {
    automaton: AhoCorasick,
    /// Of each pattern: which value, in which form.
    meanings: Vec<(usize, &'static str)>,
    values: Vec<String>,
}

impl Needles {
    /// Of these values.
    pub(crate) fn of<'c>(canaries: impl IntoIterator<Item = &'c Canary>) -> Self {
        let mut patterns: BTreeSet<(Vec<u8>, usize, &'static str)> = BTreeSet::new();
        let mut values = Vec::new();
        for canary in canaries {
            let number = values.len();
            values.push(canary.value.clone());
            let windows = canary.secret.iter().flat_map(|part| windows(part));
            for piece in windows.chain([canary.value.clone()]) {
                for (form, text) in forms(&piece) {
                    patterns.insert((text.into_bytes(), number, form));
                }
            }
        }
        Self {
            automaton: AhoCorasick::new(patterns.iter().map(|(text, _, _)| text)).unwrap(),
            meanings: patterns.iter().map(|(_, number, form)| (*number, *form)).collect(),
            values,
        }
    }

    /// The first value in `content`: which one, in which form, and what stands around it.
    pub(crate) fn found(&self, content: &[u8]) -> Option<String> {
        let hit = self.automaton.find(content)?;
        let (number, form) = self.meanings[hit.pattern().as_usize()];
        let around = &content[hit.start().saturating_sub(80)..content.len().min(hit.end() + 80)];
        Some(format!(
            "{:?} in the form {form}: …{}…",
            self.values[number],
            String::from_utf8_lossy(around)
        ))
    }
}

/// Every eight consecutive characters; a shorter text as it is.
fn windows(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let window = WINDOW.min(characters.len()).max(1);
    characters
        .windows(window)
        .map(|window| window.iter().collect())
        .collect()
}

/// A piece in every form.
pub(crate) fn forms(piece: &str) -> Vec<(&'static str, String)> {
    let bytes = piece.as_bytes();
    let percent = utf8_percent_encode(piece, NON_ALPHANUMERIC).to_string();
    let reserved = percent
        .replace("%2D", "-")
        .replace("%5F", "_")
        .replace("%2E", ".")
        .replace("%7E", "~");
    let json = serde_json::to_string(piece).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("raw", piece.to_owned()),
        ("percent", percent.clone()),
        ("percent, lower case", lower_escapes(&percent)),
        ("percent, unreserved left", reserved.clone()),
        ("percent, unreserved left, lower case", lower_escapes(&reserved)),
        ("JSON", json[1..json.len() - 1].to_owned()),
        ("HEX", hex.to_uppercase()),
        ("hex", hex),
        ("base64", STANDARD.encode(bytes)),
        ("base64 without padding", STANDARD_NO_PAD.encode(bytes)),
        ("base64url", URL_SAFE.encode(bytes)),
        ("base64url without padding", URL_SAFE_NO_PAD.encode(bytes)),
    ];
    for before in 0..3 {
        forms.push(("base64 inside more", inside(bytes, before, &STANDARD_NO_PAD)));
        forms.push(("base64url inside more", inside(bytes, before, &URL_SAFE_NO_PAD)));
    }
    forms
}

/// The characters of base64 that these bytes alone decide when `before` others stand before them, modulo three, and more follow.
fn inside(bytes: &[u8], before: usize, engine: &impl base64::Engine) -> String {
    let padded = [&vec![0; before], bytes].concat();
    let first = (before * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    engine.encode(padded).chars().take(end).skip(first).collect()
}

/// `%2F` as `%2f`, as some encoders write it.
fn lower_escapes(text: &str) -> String {
    let mut lowered = String::new();
    let mut escape = 0;
    for character in text.chars() {
        lowered.push(if escape > 0 {
            character.to_ascii_lowercase()
        } else {
            character
        });
        escape = if character == '%' {
            2_u8
        } else {
            escape.saturating_sub(1)
        };
    }
    lowered
}
