//! What a program prints: its end is kept, the rest is read and dropped.

use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::Zeroizing;

use crate::secret::{Secret, shown};

/// How much is kept of each stream, in bytes.
const KEPT: usize = 64 * 1024;

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// How much of it is looked through for values, in characters.
const LOOKED_THROUGH: usize = 16_000;

/// How much people are shown.
const LINES: usize = 12;
const CHARACTERS: usize = 1_000;

/// The end of a stream. It may hold a value, so its memory is allocated once and wiped.
pub(super) struct Tail {
    bytes: Zeroizing<Vec<u8>>,
    is_cut: bool,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(KEPT + CHUNK)),
            is_cut: false,
        }
    }
}

impl Tail {
    /// Reads a stream to its end.
    pub(super) async fn read(&mut self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(mut stream) = stream else { return };
        let mut chunk = Zeroizing::new(vec![0; CHUNK]);
        while let Ok(read @ 1..) = stream.read(&mut chunk).await {
            self.add(chunk.get(..read).unwrap_or_default());
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let excess = self.bytes.len().saturating_sub(KEPT);
        if excess > 0 {
            self.bytes.drain(..excess);
            self.is_cut = true;
        }
    }

    /// All of it, without blanks at its ends.
    pub(super) fn whole(&self) -> Result<Secret, &'static str> {
        if self.is_cut {
            return Err("printed more than 64 KiB");
        }
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => Ok(Secret::plain(text.trim().to_owned())),
            Err(_) => Err("printed something that is not UTF-8 text"),
        }
    }

    /// Its last lines, without values and control characters. Empty when nothing readable was printed.
    fn shown(&self) -> String {
        let text = Zeroizing::new(String::from_utf8_lossy(&self.bytes).into_owned());
        let start = text.char_indices().rev().nth(LOOKED_THROUGH).map(|(at, _)| at);
        let looked_through = text.get(start.unwrap_or_default()..).unwrap_or_default();
        // A value that is cut may not be recognized. It ends with its word.
        let whole = match start.is_some() || self.is_cut {
            true => looked_through
                .find(char::is_whitespace)
                .map_or("", |at| looked_through.get(at..).unwrap_or_default()),
            false => looked_through,
        };
        let clean = shown(whole);
        let clean = clean.trim();
        let lines: Vec<&str> = clean.lines().map(str::trim_end).collect();
        let last = lines
            .get(lines.len().saturating_sub(LINES)..)
            .unwrap_or_default()
            .join("\n");
        match last.char_indices().rev().nth(CHARACTERS - 1) {
            Some((at, _)) if at > 0 => format!("…{}", last.get(at..).unwrap_or_default()),
            _ => last,
        }
    }
}

/// The ends of both streams as paragraphs that follow a sentence; empty when there is nothing to show. Terraform does not wrap lines that
/// are indented.
pub(super) fn in_words(output: &Tail, errors: &Tail) -> String {
    let told = |what: &str, tail: &Tail| {
        let lines: String = tail.shown().lines().map(|line| format!("\n  {line}")).collect();
        match lines.is_empty() {
            true => lines,
            false => format!("\n\n{what} ends with:{lines}"),
        }
    };
    format!("{}{}", told("Standard error", errors), told("Standard output", output))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::REDACTED;

    fn tail(bytes: &[u8]) -> Tail {
        let mut tail = Tail::default();
        for chunk in bytes.chunks(CHUNK) {
            tail.add(chunk);
        }
        tail
    }

    #[test]
    fn the_end_is_kept_in_memory_that_is_never_moved() {
        let mut kept = Tail::default();
        let place = kept.bytes.as_ptr();
        for _ in 0..1_000 {
            kept.add(&[b'x'; CHUNK]);
        }
        kept.add(b"\nthe end");
        assert_eq!((kept.bytes.len(), kept.bytes.as_ptr()), (KEPT, place));
        assert_eq!(kept.shown(), "the end");
    }

    #[test]
    fn the_whole_is_all_or_nothing() {
        assert!(
            tail(b" v7\n")
                .whole()
                .unwrap()
                .is_same_as(&Secret::plain("v7".to_owned()))
        );
        assert!(tail(b" \n").whole().unwrap().is_empty());
        assert!(tail(&[b'x'; KEPT]).whole().is_ok());
        assert_eq!(tail(&[b'x'; KEPT + 1]).whole().err(), Some("printed more than 64 KiB"));
        assert!(tail(b"\xff").whole().is_err());
    }

    #[test]
    fn the_last_lines_are_shown_and_few_of_them() {
        assert_eq!(tail(b" \n\t").shown(), "");
        let many: String = (0..100).map(|line| format!("line {line}  \n")).collect();
        assert_eq!(tail(many.as_bytes()).shown().lines().count(), LINES);
        assert!(tail(many.as_bytes()).shown().ends_with("line 98\nline 99"));
        let long = tail("é".repeat(3_000).as_bytes()).shown();
        assert_eq!((long.chars().count(), long.starts_with('…')), (CHARACTERS + 1, true));
        assert_eq!(tail("é".repeat(CHARACTERS).as_bytes()).shown(), "é".repeat(CHARACTERS));
    }

    #[test]
    fn what_is_no_text_is_shown_without_doing_anything() {
        assert_eq!(
            tail(b"\xff\xfe not \x1b[2Jtext\x00").shown(),
            "\u{fffd}\u{fffd} not \u{fffd}[2Jtext\u{fffd}"
        );
    }

    #[test]
    fn a_value_is_redacted_also_where_the_text_is_cut() {
        let secret = Secret::new("tail-canary-0123456789".to_owned());
        let text = format!("it is {}", secret.expose());
        assert_eq!(tail(text.as_bytes()).shown(), format!("it is {REDACTED}"));
        for spaces in 0..30 {
            let repeated = secret.expose().repeat(4_000);
            let shown = tail(format!("{repeated} {}", " ".repeat(spaces)).as_bytes()).shown();
            assert_eq!(shown, "", "{spaces}");
            let lines = format!("{}\n", secret.expose()).repeat(4_000);
            let shown = tail(&lines.as_bytes()[spaces..]).shown();
            assert!(shown.lines().all(|line| line == REDACTED), "{shown}");
        }
        drop(secret);
    }

    #[test]
    fn both_streams_are_named() {
        assert_eq!(in_words(&tail(b""), &tail(b"")), "");
        assert_eq!(
            in_words(&tail(b"out\n"), &tail(b"err")),
            "\n\nStandard error ends with:\n  err\n\nStandard output ends with:\n  out"
        );
    }
}
