//! Durations as users write them: `90d`, `36h`, `15m`, `30s`, `2w`, and sums such as `1d12h`.

use jiff::SignedDuration;

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{shown} is not a duration: write whole numbers with the units w, d, h, m, s, largest first, such as \"90d\", \"36h\" or \"1d12h\""
)]
pub struct NotADuration {
    shown: String,
}

/// Longest text that is repeated, in bytes: a longer one may be a secret in the wrong place.
const SHOWN: usize = 12;

const UNITS: [(char, i64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Parses a duration; a day is 24 hours. Zero is legal, each unit may occur once, largest first.
///
/// # Errors
/// [`NotADuration`] for anything else, including what overflows.
pub fn parse(text: &str) -> Result<SignedDuration, NotADuration> {
    let refuse = || NotADuration {
        shown: if text.len() <= SHOWN {
            format!("{text:?}")
        } else {
            "This".to_owned()
        },
    };
    let mut seconds: i64 = 0;
    let mut rest = text;
    let mut units = UNITS.iter();
    if text.is_empty() {
        return Err(refuse());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(refuse)?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.chars().next().ok_or_else(refuse)?;
        let (_, size) = units.by_ref().find(|(name, _)| *name == unit).ok_or_else(refuse)?;
        let amount = number
            .parse::<i64>()
            .ok()
            .and_then(|n| n.checked_mul(*size))
            .ok_or_else(refuse)?;
        seconds = seconds.checked_add(amount).ok_or_else(refuse)?;
        rest = tail.strip_prefix(unit).unwrap_or_default();
    }
    // Some decades are enough for any schedule, and keep every sum with a timestamp in range.
    if seconds > 100 * 366 * 86_400 {
        return Err(refuse());
    }
    Ok(SignedDuration::from_secs(seconds))
}

/// Writes a duration the way [`parse`] reads it. Below two days in hours, as people say it: `24h`, `36h`.
pub fn format(duration: SignedDuration) -> String {
    let mut seconds = duration.as_secs().max(0);
    if seconds == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    let without_days = seconds < 2 * 86_400;
    for (unit, size) in UNITS.iter().skip(if without_days { 2 } else { 1 }) {
        if seconds >= *size {
            text.push_str(&(seconds / size).to_string());
            text.push(*unit);
            seconds %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_they_are_written() {
        for (text, seconds) in [
            ("90d", 7_776_000),
            ("36h", 129_600),
            ("15m", 900),
            ("2s", 2),
            ("2w", 1_209_600),
            ("1d12h", 129_600),
            ("0s", 0),
        ] {
            assert_eq!(parse(text).map(|d| d.as_secs()), Ok(seconds), "{text}");
        }
        for (seconds, text) in [(86_400, "24h"), (129_600, "36h"), (172_800, "2d"), (176_400, "2d1h")] {
            assert_eq!(format(SignedDuration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in [
            "",
            "90",
            "d",
            "1.5h",
            "-1d",
            "1h1d",
            "1h1h",
            "1y",
            "90 d",
            "1d ",
            "99999999999999999999s",
            "٣d",
            "40000w",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
