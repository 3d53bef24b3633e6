//! What every value of a secret must look like.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex_lite::Regex;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// How bytes are written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Encoding {
    /// Hexadecimal digits in either case.
    Hex,
    /// RFC 4648 section 4, with or without padding.
    Base64,
    /// RFC 4648 section 5, with or without padding.
    Base64Url,
}

/// The rules; each that is absent permits everything.
#[derive(Debug, Clone, Default)]
pub struct Format {
    /// What it begins with.
    pub prefix: Option<String>,
    /// A regular expression for the whole of it. The engine needs linear time, whatever the expression.
    pub pattern: Option<Regex>,
    /// How what follows the prefix is encoded.
    pub encoding: Option<Encoding>,
    /// To how many bytes that decodes.
    pub bytes: Option<u64>,
}

const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING);

impl Format {
    /// The rule that a value breaks, as the end of a sentence that begins with "it"; nothing of the value is in it.
    pub fn broken_by(&self, value: &Secret) -> Option<String> {
        #[expect(
            clippy::disallowed_methods,
            reason = "only whether it keeps the rules leaves this function"
        )]
        let text = value.expose();
        let rest = match &self.prefix {
            Some(prefix) => match text.strip_prefix(prefix.as_str()) {
                Some(rest) => rest,
                None => return Some(format!("does not begin with {prefix:?} (format.prefix)")),
            },
            None => text,
        };
        if let Some(pattern) = &self.pattern
            && pattern.find(text).is_none_or(|found| found.len() != text.len())
        {
            return Some("does not match format.pattern as a whole".to_owned());
        }
        let encoding = self.encoding?;
        let name: &str = encoding.into();
        let after = match self.prefix {
            Some(_) => " after its prefix",
            None => "",
        };
        match decoded(encoding, rest) {
            None => Some(format!("is not {name}{after} (format.encoding)")),
            Some(bytes) if self.bytes.is_some_and(|wanted| bytes.len() as u64 != wanted) => Some(format!(
                "does not decode to {} bytes (format.bytes)",
                self.bytes.unwrap_or_default()
            )),
            Some(_) => None,
        }
    }
}

fn decoded(encoding: Encoding, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = match encoding {
        Encoding::Hex => return hex(text),
        Encoding::Base64 => BASE64.decode(text),
        Encoding::Base64Url => BASE64_URL.decode(text),
    };
    bytes.ok().map(Zeroizing::new)
}

fn hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<u32>>>();
    let digits = Zeroizing::new(digits?);
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |pair: &[u32; 2]| u8::try_from(pair[0] * 16 + pair[1]).ok();
    let bytes = pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    rest.is_empty().then(|| Zeroizing::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(format: &Format, value: &str) -> Option<String> {
        format.broken_by(&Secret::new(value.to_owned()))
    }

    #[test]
    fn each_rule_permits_what_fits_and_says_what_does_not() {
        let live = Format {
            prefix: Some("sk_live_".to_owned()),
            pattern: Some(Regex::new("sk_live_[a-z0-9]+").unwrap()),
            ..Format::default()
        };
        assert_eq!(broken(&live, "sk_live_a1"), None);
        assert_eq!(
            broken(&live, "sk_test_a1").as_deref(),
            Some("does not begin with \"sk_live_\" (format.prefix)")
        );
        for wrong in ["sk_live_A", "sk_live_a\n", "sk_live_"] {
            assert_eq!(
                broken(&live, wrong).as_deref(),
                Some("does not match format.pattern as a whole"),
                "{wrong:?}"
            );
        }
        let of = |encoding, bytes| Format {
            encoding: Some(encoding),
            bytes,
            ..Format::default()
        };
        let sixteen = "00112233445566778899aaBBccDDeeff";
        assert_eq!(broken(&of(Encoding::Hex, Some(16)), sixteen), None);
        for (format, wrong, words) in [
            (of(Encoding::Hex, None), "0g", "is not hex"),
            (of(Encoding::Hex, None), "0", "is not hex"),
            (of(Encoding::Hex, Some(32)), sixteen, "does not decode to 32 bytes"),
            // A hexadecimal text is base64, too, but of other bytes.
            (of(Encoding::Base64, Some(16)), sixteen, "does not decode to 16 bytes"),
            (of(Encoding::Base64, None), "-_-_", "is not base64"),
            (of(Encoding::Base64Url, None), "+/+/", "is not base64url"),
        ] {
            let said = broken(&format, wrong).unwrap();
            assert!(said.starts_with(words), "{said}");
        }
        for padded in ["AAECAw==", "AAECAw"] {
            assert_eq!(broken(&of(Encoding::Base64, Some(4)), padded), None);
        }
        let prefixed = Format {
            prefix: Some("k_".to_owned()),
            ..of(Encoding::Hex, Some(2))
        };
        assert_eq!(broken(&prefixed, "k_00ff"), None);
        assert!(
            broken(&prefixed, "k_00f")
                .unwrap()
                .ends_with("after its prefix (format.encoding)")
        );
    }
}
