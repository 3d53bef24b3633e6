//! Numbers without loss: Terraform's are decimal, arbitrarily large and exact.

use std::fmt;

/// A number as canonical decimal text: sign, digits, optional fraction without trailing zeros, no exponent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(String);

impl Number {
    /// Most digits of a number in its plain decimal form; 512-bit floats stay below.
    pub const MOST_DIGITS: usize = 1_200;

    /// Reads decimal text, with or without an exponent. `None` when it is not a finite number or is absurdly long.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let size = i64::try_from(whole.len() + fraction.len()).ok()?;
        if size + i64::from(exponent.unsigned_abs()) > i64::try_from(Self::MOST_DIGITS).ok()? {
            return None;
        }
        let mut digits = format!("{whole}{fraction}");
        let mut point = i64::try_from(whole.len()).ok()? + i64::from(exponent);
        while point < 0 || (point == 0 && digits.is_empty()) {
            digits.insert(0, '0');
            point += 1;
        }
        while i64::try_from(digits.len()).ok()? < point {
            digits.push('0');
        }
        let (whole, fraction) = digits.split_at(usize::try_from(point).ok()?);
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let mut plain = String::new();
        if negative && !(whole.is_empty() && fraction.is_empty()) {
            plain.push('-');
        }
        plain.push_str(if whole.is_empty() { "0" } else { whole });
        if !fraction.is_empty() {
            plain.push('.');
            plain.push_str(fraction);
        }
        Some(Self(plain))
    }

    /// The shortest decimal text that names this double; `None` for infinities and NaN.
    pub fn from_f64(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self::parse(&format!("{value:e}"))).flatten()
    }

    /// The value, when it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The value, when it is whole, not negative, and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(value.to_string())
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(value.to_string())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_one_text() {
        for (text, canonical) in [
            ("1", "1"),
            ("+1", "1"),
            ("01.50", "1.5"),
            ("-0", "0"),
            ("0.1", "0.1"),
            ("1e3", "1000"),
            ("1.5e-3", "0.0015"),
            (".5", "0.5"),
            ("18446744073709551615", "18446744073709551615"),
            ("-2.50e1", "-25"),
            ("0e9", "0"),
        ] {
            assert_eq!(
                Number::parse(text).map(|n| n.to_string()).as_deref(),
                Some(canonical),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", ".", "1.2.3", "0x10", "NaN", "1e", "1e999999999", "１"] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn doubles_keep_their_shortest_text() {
        assert_eq!(Number::from_f64(0.1).map(|n| n.to_string()).as_deref(), Some("0.1"));
        assert_eq!(Number::from_f64(3.5).map(|n| n.to_string()).as_deref(), Some("3.5"));
        assert_eq!(Number::from_f64(f64::NAN), None);
    }
}
