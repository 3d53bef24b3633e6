//! The ways to read a text in which values are looked for: as it stands, and with the escapes of JSON, HTML and URLs undone, twice.
//!
//! What a vendor repeats was often written by an encoder of its own: Go writes `<` as `\u003c`, a template as `&lt;`, a proxy
//! percent-encodes what is percent-encoded already.

/// How often escapes are undone.
const DEPTH: usize = 2;

/// A reading of a text.
pub(super) struct Reading {
    pub(super) bytes: Vec<u8>,
    /// The same in lower case.
    pub(super) folded: Vec<u8>,
    /// Where in the text each byte comes from.
    spans: Vec<(usize, usize)>,
}

impl Reading {
    fn new(bytes: Vec<u8>, spans: Vec<(usize, usize)>) -> Self {
        Self {
            folded: bytes.to_ascii_lowercase(),
            bytes,
            spans,
        }
    }

    /// Marks what these bytes of the reading come from.
    pub(super) fn mark(&self, marks: &mut [bool], at: usize, length: usize) {
        for (start, end) in self.spans.iter().skip(at).take(length) {
            for mark in marks.iter_mut().take(*end).skip(*start) {
                *mark = true;
            }
        }
    }

    /// With one layer of escapes undone; `None` when there is none.
    fn unescaped(&self) -> Option<Self> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut spans: Vec<(usize, usize)> = Vec::with_capacity(self.bytes.len());
        let mut at = 0;
        while let (Some(byte), Some(span)) = (self.bytes.get(at), self.spans.get(at)) {
            let escape = Escape::at(&self.bytes, at).unwrap_or(Escape {
                length: 1,
                meaning: Meaning::Byte(*byte),
            });
            let end = at.saturating_add(escape.length);
            let last = self.spans.get(end.saturating_sub(1)).unwrap_or(span);
            let span = (span.0, last.1);
            let mut buffer = [0; 4];
            let meant: &[u8] = match &escape.meaning {
                Meaning::Nothing => {
                    // It belongs to what it stands behind.
                    if let Some((_, end)) = spans.last_mut() {
                        *end = span.1;
                    }
                    &[]
                }
                Meaning::Byte(byte) => std::slice::from_ref(byte),
                Meaning::Character(character) => character.encode_utf8(&mut buffer).as_bytes(),
            };
            bytes.extend_from_slice(meant);
            spans.extend(meant.iter().map(|_| span));
            at = end;
        }
        (bytes.len() != self.bytes.len()).then(|| Self::new(bytes, spans))
    }
}

/// Every reading of `text`, the text as it stands first.
pub(super) fn readings(text: &str) -> Vec<Reading> {
    let spans = (0..text.len()).map(|at| (at, at.saturating_add(1))).collect();
    let mut all = vec![Reading::new(text.as_bytes().to_vec(), spans)];
    for _ in 0..DEPTH {
        let Some(next) = all.last().and_then(Reading::unescaped) else {
            break;
        };
        all.push(next);
    }
    all
}

/// An escape of more than one byte.
struct Escape {
    length: usize,
    meaning: Meaning,
}

enum Meaning {
    /// It only stands between others.
    Nothing,
    Byte(u8),
    Character(char),
}

impl Escape {
    fn at(text: &[u8], at: usize) -> Option<Self> {
        let rest = text.get(at..)?;
        match rest {
            [b'\\', b'u', ..] => Self::unicode(rest),
            [b'\\', b'x', high, low, ..] => Self::byte(4, *high, *low),
            [b'\\', other, ..] => Some(Self {
                length: 2,
                meaning: Meaning::Byte(match other {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'/' | b'\\' | b'"' | b'\'' => *other,
                    _ => return None,
                }),
            }),
            [b'%', high, low, ..] => Self::byte(3, *high, *low),
            [b'&', ..] => Self::entity(rest),
            [b':' | b'-' | b' ', ..] => Self::separator(text, at),
            [0xc2..=0xf3, ..] => Self::invisible(rest),
            _ => None,
        }
    }

    fn byte(length: usize, high: u8, low: u8) -> Option<Self> {
        let value = hex(&[high, low])?;
        Some(Self {
            length,
            meaning: Meaning::Byte(u8::try_from(value).ok()?),
        })
    }

    /// `\u00e9`, or two of them that are one character (RFC 8259 section 7).
    fn unicode(rest: &[u8]) -> Option<Self> {
        let unit = |at: usize| match rest.get(at..)? {
            [b'\\', b'u', digits @ ..] => hex(digits.get(..4)?),
            _ => None,
        };
        let first = unit(0)?;
        if let Some(character) = char::from_u32(first) {
            return Some(Self::character(6, character));
        }
        let (high, low) = (first.checked_sub(0xd800)?, unit(6)?.checked_sub(0xdc00)?);
        let code = high.checked_mul(0x400)?.checked_add(low)?.checked_add(0x1_0000)?;
        Some(Self::character(12, char::from_u32(code)?))
    }

    /// `&lt;`, `&#60;`, `&#x3c;`.
    fn entity(rest: &[u8]) -> Option<Self> {
        let end = rest.iter().take(10).position(|byte| *byte == b';')?;
        let name = std::str::from_utf8(rest.get(1..end)?).ok()?;
        let character = match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(digits) => hex(digits.as_bytes())?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        };
        Some(Self::character(end.saturating_add(1), character))
    }

    /// What stands between the bytes of `9f:8e:7d`.
    fn separator(text: &[u8], at: usize) -> Option<Self> {
        let is_hex = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_hexdigit);
        let pair = |at: Option<usize>| is_hex(at) && is_hex(at.and_then(|at| at.checked_add(1)));
        let between = pair(at.checked_sub(2)) && pair(at.checked_add(1));
        // A longer word on either side is none of a dump of bytes.
        let alone = !is_hex(at.checked_sub(3)) && !is_hex(at.checked_add(3));
        (between && alone).then_some(Self {
            length: 1,
            meaning: Meaning::Nothing,
        })
    }

    fn invisible(rest: &[u8]) -> Option<Self> {
        let length = (2..=4).find(|length| {
            let character = rest.get(..*length).and_then(|bytes| std::str::from_utf8(bytes).ok());
            character.is_some_and(|text| text.chars().all(super::shown::is_invisible))
        })?;
        Some(Self {
            length,
            meaning: Meaning::Nothing,
        })
    }

    fn character(length: usize, character: char) -> Self {
        Self {
            length,
            meaning: Meaning::Character(character),
        }
    }
}

/// The number that these hexadecimal digits are.
fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, digit| {
        sum.checked_mul(16)?.checked_add(char::from(*digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &str) -> String {
        let readings = readings(text);
        String::from_utf8_lossy(&readings.last().unwrap().bytes).into_owned()
    }

    #[test]
    fn escapes_are_undone_twice() {
        for (text, meant) in [
            ("a\\u003cb\\u003E", "a<b>"),
            ("\\ud83d\\ude00\\u00e9", "😀é"),
            ("a\\/b\\\"c\\x41", "a/b\"cA"),
            ("&lt;&#60;&#x3C;&amp;&quot;", "<<<&\""),
            ("a%2Fb%252f", "a/b/"),
            ("&amp;lt;", "<"),
            ("9f:8E:7d, 9f-8e-7d", "9f8E7d, 9f8e7d"),
            ("a\u{200b}b\u{202e}c\u{feff}", "abc"),
            (
                "%, %zz, \\, \\u12, \\ud800, &, &;, &#;, &nbsp;, a:b",
                "%, %zz, \\, \\u12, \\ud800, &, &;, &#;, &nbsp;, a:b",
            ),
        ] {
            assert_eq!(last(text), meant, "{text}");
        }
        assert_eq!(readings("plain").len(), 1);
    }

    #[test]
    fn a_mark_covers_the_whole_escape() {
        let text = "x\\u003cy";
        let readings = readings(text);
        let mut marks = vec![false; text.len()];
        readings[1].mark(&mut marks, 1, 1);
        assert_eq!(marks, [false, true, true, true, true, true, true, false]);
    }
}
