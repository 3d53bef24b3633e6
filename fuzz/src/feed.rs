//! Turns the fuzzer's bytes into decisions. Out of bytes, every decision is the simplest one, so all inputs end.

/// A cursor over the input.
pub struct Feed<'a>(&'a [u8]);

/// Words that matter somewhere: a byte picks one where a fuzzer would take long to spell it.
const WORDS: [&str; 24] = [
    "",
    "0",
    "-1.50",
    "1e400",
    "true",
    "current",
    "overlapping",
    "staged",
    "changed",
    "settled",
    "fly_token:default:app/a",
    "fly_secret:default:a/B",
    "A-rot-0123456789ab-g2",
    "2026-11-02T00:00:00Z",
    "rotate: because",
    "revoke generation 1 (t): over",
    "18446744073709551615",
    "90d",
    "1d12h",
    "{{ value | json }}",
    "https://user:word@host/",
    "\u{0}",
    "ä\u{301}\u{10ffff}",
    "$serde_json::private::Number",
];

impl<'a> Feed<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next byte; zero when there is none.
    pub fn byte(&mut self) -> u8 {
        match self.0 {
            [] => 0,
            [first, rest @ ..] => {
                self.0 = rest;
                *first
            }
        }
    }

    /// A number below `limit`, which is not zero.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    /// Eight bytes as a number.
    pub fn number(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// A text: one of [`WORDS`], or what stands in the input.
    pub fn text(&mut self) -> String {
        let choice = usize::from(self.byte());
        if let Some(word) = WORDS.get(choice) {
            return (*word).to_owned();
        }
        let length = (choice - WORDS.len()) % 24;
        let (head, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        String::from_utf8_lossy(head).into_owned()
    }
}
