//! Random values: bytes in an encoding, or characters of an alphabet.
//!
//! Every generation has at least 96 bits of entropy; less is refused where the argument stands. Characters are drawn
//! without bias.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::generated::{Failed, Generated, Generator, TRAITS};
use super::{Maker, Minted, Source, SourceConfig, SourceKind, SourceTraits};
use crate::address::Address;
use crate::connection::Link;
use crate::diagnostics::{Argument, all_of, names};
use crate::part::PartNames;
use crate::randomness::{self, NoEntropy};
use crate::secret::{Parts, Secret};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Type};

const NAME: &str = "random";

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "Random bytes in an encoding, or random characters of an alphabet; at least 96 bits of entropy.",
    api_docs: None,
    attributes,
    maker: Maker::Us,
    parts: &["value"],
    parts_of: |_| Some(KIND.declared_parts()),
    parse,
    revocable: false,
    offers: super::Offers::NOTHING,
    reach: None,
    issuer: |_, _| Ok(None),
    handle_of: |id| id,
    issuer_in_words: super::this_provider,
};

/// Fewest bits of entropy that are accepted.
const LEAST_BITS: f64 = 96.0;

/// Longest prefix, in characters.
const LONGEST_PREFIX: usize = 64;

/// Most bytes or characters that are generated.
const LONGEST: u64 = 4_096;

const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const ASCII: &str = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
const DIGITS: &str = "0123456789";
/// The digits of GitHub's token checksums, in their order.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "bytes",
            Type::Number,
            "How many random bytes; with `encoding`. At least 12.",
        ),
        Attribute::optional(
            "encoding",
            Type::String,
            "How the bytes are written: `hex` (lower case), `base64` (padded), `base64url` (without padding, RFC 4648 §5).",
        ),
        Attribute::optional(
            "length",
            Type::Number,
            "How many random characters; with `charset` or `characters`.",
        ),
        Attribute::optional(
            "charset",
            Type::String,
            "The alphabet: `alphanumeric`, `ascii` (printable, without space) or `digits`.",
        ),
        Attribute::optional("characters", Type::String, "A custom alphabet, each character once."),
        Attribute::optional(
            "prefix",
            Type::String,
            "Text before the random part, such as `sk_deploy_`: printable ASCII, at most 64 characters. It is not secret.",
        ),
        Attribute::optional(
            "checksum",
            Type::Bool,
            "`true` appends six characters that let scanners recognise the value offline: the CRC-32 of everything before them in base 62, \
             as in GitHub's tokens.",
        ),
    ]
}

/// The alphabets that have a name.
const CHARSETS: [(&str, &str); 3] = [("alphanumeric", ALPHANUMERIC), ("ascii", ASCII), ("digits", DIGITS)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Hex,
    Base64,
    Base64Url,
}

impl Encoding {
    /// Its name as an argument.
    fn name(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
        }
    }
}

#[derive(Clone)]
enum Shape {
    Bytes(usize, Encoding),
    Characters(usize, Vec<char>),
}

/// The name of an alphabet, where it has one.
fn charset(alphabet: &str) -> Option<&'static str> {
    let named = CHARSETS.iter().find(|(_, characters)| *characters == alphabet);
    named.map(|(name, _)| *name)
}

impl Shape {
    /// The most bytes that the random part is long.
    fn longest(&self) -> usize {
        match self {
            Self::Bytes(count, Encoding::Hex) => count * 2,
            Self::Bytes(count, Encoding::Base64 | Encoding::Base64Url) => count.div_ceil(3) * 4,
            Self::Characters(count, alphabet) => count * alphabet.iter().map(|c| c.len_utf8()).max().unwrap_or(0),
        }
    }
}

/// Characters of the checksum.
const CHECKSUM: usize = 6;

#[derive(Clone)]
struct Config {
    shape: Shape,
    prefix: String,
    checksum: bool,
}

fn parse(node: &Node<'_>, _root: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    Some(Box::new(configure(node, problems)?))
}

fn configure(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Config> {
    let bytes = node.attr("bytes").integer(1, LONGEST, problems);
    let length = node.attr("length").integer(1, LONGEST, problems);
    let encoding = node.attr("encoding").one_of(&["hex", "base64", "base64url"], problems);
    let charset = node
        .attr("charset")
        .one_of(&["alphanumeric", "ascii", "digits"], problems);
    let characters = node.attr("characters").string(problems);
    let prefix = node.attr("prefix").string(problems).or(String::new());
    let checksum = node.attr("checksum").bool(problems).or(false);
    let prefix = prefix.filter(|prefix| {
        let mistake = prefix_mistake(prefix);
        if let Some(why) = mistake.clone() {
            node.attr("prefix").report(problems, |argument| Argument::CannotBeUsed {
                argument,
                why: why.into(),
            });
        }
        mistake.is_none()
    });
    let shape = match (bytes.optional()?, length.optional()?) {
        (Some(_), Some(_)) => {
            node.attr("length").report(problems, |argument| Argument::Conflict {
                argument,
                other: "bytes".into(),
                advice: "Use bytes with encoding, or length with charset or characters.".into(),
            });
            return None;
        }
        (None, None) => {
            node.report(problems, |argument| Argument::OneOf {
                argument,
                choices: names(["bytes", "length"]),
                advice: "Use bytes with encoding (hex, base64, base64url), or length with charset or characters."
                    .into(),
            });
            return None;
        }
        (Some(bytes), None) => {
            for attribute in ["charset", "characters"] {
                if node.attr(attribute).is_set() {
                    node.attr(attribute)
                        .report_needs(problems, "length", "With bytes, set encoding instead.");
                    return None;
                }
            }
            let encoding = match encoding {
                Field::Absent => {
                    node.attr("encoding")
                        .report(problems, |argument| Argument::RequiredBecause {
                            argument,
                            why: "With bytes, choose hex, base64 or base64url, whichever the consumer decodes.".into(),
                        });
                    return None;
                }
                encoding => encoding.known()?,
            };
            let encoding = match encoding {
                "hex" => Encoding::Hex,
                "base64" => Encoding::Base64,
                _ => Encoding::Base64Url,
            };
            Shape::Bytes(usize::try_from(bytes).ok()?, encoding)
        }
        (None, Some(length)) => {
            if node.attr("encoding").is_set() {
                node.attr("encoding").report_needs(
                    problems,
                    "bytes",
                    "With length, set charset or characters instead.",
                );
                return None;
            }
            let alphabet = alphabet(node, charset, characters, problems)?;
            Shape::Characters(usize::try_from(length).ok()?, alphabet)
        }
    };
    enough(node, &shape, problems)?;
    // What belongs to the other way of writing it may turn out to be there.
    let others: &[&str] = match shape {
        Shape::Bytes(..) => &["charset", "characters"],
        Shape::Characters(..) => &["encoding"],
    };
    if others.iter().any(|other| node.attr(other).is_unknown()) {
        return None;
    }
    Some(Config {
        shape,
        prefix: prefix?,
        checksum: checksum?,
    })
}

/// Why a prefix would make values that some consumer or header cannot hold.
fn prefix_mistake(prefix: &str) -> Option<String> {
    if let Some(other) = prefix.chars().find(|c| !c.is_ascii_graphic() && *c != ' ') {
        return Some(format!(
            "It contains {other:?}, which is not printable ASCII. Use letters, digits and punctuation only."
        ));
    }
    if prefix.starts_with(' ') {
        return Some("It begins with a space, which many consumers cut off. Remove it.".to_owned());
    }
    let length = prefix.chars().count();
    (length > LONGEST_PREFIX).then(|| format!("It has {length} characters; at most {LONGEST_PREFIX} are allowed."))
}

fn alphabet(
    node: &Node<'_>,
    charset: Field<&'static str>,
    characters: Field<String>,
    problems: &mut Diagnostics,
) -> Option<Vec<char>> {
    match (charset.optional()?, characters.optional()?) {
        (Some(_), Some(_)) => {
            node.attr("characters").report(problems, |argument| Argument::Conflict {
                argument,
                other: "charset".into(),
                advice: "Remove one.".into(),
            });
            None
        }
        (None, None) => {
            node.attr("charset")
                .report(problems, |argument| Argument::RequiredBecause {
                    argument,
                    why: "With length, choose alphanumeric, ascii or digits, or set characters.".into(),
                });
            None
        }
        (Some(charset), None) => {
            let (_, alphabet) = CHARSETS.iter().find(|(name, _)| *name == charset)?;
            Some(alphabet.chars().collect())
        }
        (None, Some(characters)) => {
            let alphabet: Vec<char> = characters.chars().collect();
            let repeated = alphabet
                .iter()
                .enumerate()
                .find(|(at, c)| alphabet.iter().take(*at).any(|before| before == *c));
            let control = alphabet.iter().find(|c| c.is_control());
            let mistake = if let Some(control) = control {
                format!("It contains the control character {control:?}")
            } else if let Some((_, repeated)) = repeated {
                format!("It repeats the character {repeated:?}")
            } else if alphabet.len() < 2 {
                "It is too short".to_owned()
            } else {
                return Some(alphabet);
            };
            node.attr("characters")
                .report(problems, |argument| Argument::CannotBeUsed {
                    argument,
                    why: format!("{mistake}. Set at least two printable characters, each once.").into(),
                });
            None
        }
    }
}

/// Refuses what could be guessed.
fn enough(node: &Node<'_>, shape: &Shape, problems: &mut Diagnostics) -> Option<()> {
    let (attribute, count, each) = match shape {
        Shape::Bytes(count, _) => ("bytes", *count, 8.0),
        Shape::Characters(count, alphabet) => ("length", *count, bits_of(alphabet.len())),
    };
    let bits = count_as_f64(count) * each;
    if bits < LEAST_BITS {
        let needed = (LEAST_BITS / each).ceil();
        node.attr(attribute)
            .report(problems, |argument| Argument::CannotBeUsed {
                argument,
                // Rounded down: 95.6 bits are not the 96 that are required.
                why: format!(
                    "{count} gives {:.0} bits of entropy; {LEAST_BITS:.0} are required. Use at least {needed:.0}.",
                    bits.floor()
                )
                .into(),
            });
        return None;
    }
    Some(())
}

fn bits_of(alphabet: usize) -> f64 {
    count_as_f64(alphabet).log2()
}

fn count_as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

impl SourceConfig for Config {
    fn issuer(&self) -> Address {
        Address::new(NAME, "")
    }

    fn traits(&self) -> SourceTraits {
        TRAITS
    }

    fn parts(&self) -> PartNames {
        KIND.declared_parts()
    }

    fn in_words(&self) -> String {
        let shape = match &self.shape {
            Shape::Bytes(count, encoding) => format!("{count} random bytes in {}", encoding.name()),
            Shape::Characters(count, alphabet) => {
                let alphabet: String = alphabet.iter().collect();
                match charset(&alphabet) {
                    Some("digits") => format!("{count} random digits"),
                    Some(name) => format!("{count} random {name} characters"),
                    None => format!("{count} random characters out of {alphabet:?}"),
                }
            }
        };
        // Quotes only where the end of the prefix would not show.
        let prefix = match self.prefix.as_str() {
            "" => None,
            prefix if prefix.contains(' ') => Some(format!("prefix {prefix:?}")),
            prefix => Some(format!("prefix {prefix}")),
        };
        let extras: Vec<String> = prefix
            .into_iter()
            .chain(self.checksum.then(|| "a checksum".to_owned()))
            .collect();
        match extras.is_empty() {
            true => shape,
            false => format!("{shape} with {}", all_of(&extras)),
        }
    }

    fn fingerprint(&self) -> String {
        let rest = serde_json::json!({ "prefix": self.prefix, "checksum": self.checksum });
        let mut arguments = match &self.shape {
            Shape::Bytes(count, encoding) => serde_json::json!({ "bytes": count, "encoding": encoding.name() }),
            Shape::Characters(count, alphabet) => {
                let alphabet: String = alphabet.iter().collect();
                match charset(&alphabet) {
                    Some(name) => serde_json::json!({ "length": count, "charset": name }),
                    None => serde_json::json!({ "length": count, "characters": alphabet }),
                }
            }
        };
        if let (Some(arguments), serde_json::Value::Object(rest)) = (arguments.as_object_mut(), rest) {
            arguments.extend(rest);
        }
        arguments.to_string()
    }

    fn connect(&self, _link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        Ok(Box::new(Generated(self.clone())))
    }
}

impl Generator for Config {
    fn generate(&self) -> Result<Minted, Failed> {
        // Room for all of it: a text that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(
            self.prefix.len() + self.shape.longest() + CHECKSUM,
        ));
        text.push_str(&self.prefix);
        match &self.shape {
            Shape::Bytes(count, encoding) => {
                let mut bytes = Zeroizing::new(vec![0_u8; *count]);
                randomness::fill(&mut bytes)?;
                text.push_str(&Zeroizing::new(match encoding {
                    Encoding::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
                    Encoding::Base64 => STANDARD.encode(&*bytes),
                    Encoding::Base64Url => URL_SAFE_NO_PAD.encode(&*bytes),
                }));
            }
            Shape::Characters(count, alphabet) => {
                for _ in 0..*count {
                    text.push(draw(alphabet)?);
                }
            }
        }
        if self.checksum {
            let sum = checksum(text.as_bytes());
            text.push_str(&sum);
        }
        let value = Secret::new(std::mem::take(&mut *text));
        Ok(Minted {
            credential: None,
            parts: Parts::single("value", value),
            public: BTreeMap::new(),
        })
    }
}

/// One character, each equally likely: numbers beyond the largest multiple of the alphabet's size are drawn again.
fn draw(alphabet: &[char]) -> Result<char, NoEntropy> {
    let size = u32::try_from(alphabet.len()).map_err(|_| NoEntropy)?;
    let limit = u32::MAX - u32::MAX % size;
    loop {
        let mut bytes = [0_u8; 4];
        randomness::fill(&mut bytes)?;
        let number = u32::from_le_bytes(bytes);
        if number < limit {
            let at = usize::try_from(number % size).map_err(|_| NoEntropy)?;
            return alphabet.get(at).copied().ok_or(NoEntropy);
        }
    }
}

/// CRC-32 (ISO-HDLC) in six base-62 digits, as GitHub describes for its tokens.
fn checksum(bytes: &[u8]) -> String {
    let mut rest = crc32fast::hash(bytes);
    let mut digits = Vec::new();
    for _ in 0..CHECKSUM {
        let at = usize::try_from(rest % 62).unwrap_or(0);
        digits.push(BASE62.get(at).copied().map_or('0', char::from));
        rest /= 62;
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Origin, Value};

    #[test]
    fn what_may_turn_out_null_excludes_nothing() {
        for (own, other) in [
            (
                [("bytes", Value::number(32)), ("encoding", Value::string("hex"))],
                "charset",
            ),
            (
                [("bytes", Value::number(32)), ("encoding", Value::string("hex"))],
                "characters",
            ),
            (
                [("length", Value::number(40)), ("charset", Value::string("ascii"))],
                "encoding",
            ),
        ] {
            let [first, second] = own;
            let object = |later: Value| Value::object([first.clone(), second.clone(), (other, later)]);
            assert_eq!(generate(object(Value::unknown())), Err(String::new()), "{other}");
            assert!(generate(object(Value::Null)).is_ok());
            assert!(generate(object(Value::string("hex"))).is_err_and(|said| said.contains(" requires ")));
        }
    }

    fn generate(config: Value) -> Result<String, String> {
        let mut problems = Diagnostics::new();
        match configure(&Node::root(&config, Origin::Configuration), &mut problems) {
            Some(config) => Ok(config
                .generate()
                .unwrap()
                .parts
                .get("value")
                .unwrap()
                .expose()
                .to_owned()),
            None => Err(problems
                .iter()
                .map(|problem| format!("{} {}", problem.summary, problem.detail))
                .collect()),
        }
    }

    #[test]
    fn bytes_come_in_the_encoding_that_was_asked_for() {
        let hex = generate(Value::object([
            ("bytes", Value::number(24)),
            ("encoding", Value::string("hex")),
        ]))
        .unwrap();
        assert_eq!(hex.len(), 48);
        assert!(hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        let base64 = generate(Value::object([
            ("bytes", Value::number(32)),
            ("encoding", Value::string("base64")),
        ]))
        .unwrap();
        assert_eq!(STANDARD.decode(base64).unwrap().len(), 32);
        let url = generate(Value::object([
            ("bytes", Value::number(32)),
            ("encoding", Value::string("base64url")),
        ]))
        .unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(url).unwrap().len(), 32);
    }

    #[test]
    fn a_prefix_stands_before_exactly_the_length_that_was_asked_for() {
        let value = generate(Value::object([
            ("length", Value::number(32)),
            ("charset", Value::string("alphanumeric")),
            ("prefix", Value::string("sk_deploy_")),
        ]))
        .unwrap();
        assert_eq!(value.len(), "sk_deploy_".len() + 32);
        assert!(value.starts_with("sk_deploy_"));
    }

    #[test]
    fn what_could_be_guessed_is_refused_with_the_length_that_would_do() {
        let short = Value::object([
            ("length", Value::number(16)),
            ("charset", Value::string("alphanumeric")),
        ]);
        let error = generate(short).unwrap_err();
        assert!(error.contains("95 bits") && error.contains("at least 17"), "{error}");
        let both = Value::object([("length", Value::number(32)), ("bytes", Value::number(32))]);
        assert!(
            generate(both)
                .unwrap_err()
                .contains("length and bytes cannot both be set")
        );
        let bare = Value::object([("bytes", Value::number(32))]);
        assert!(generate(bare).unwrap_err().contains("encoding"));
        let twice = Value::object([("length", Value::number(99)), ("characters", Value::string("aab"))]);
        assert!(generate(twice).unwrap_err().contains("repeats the character 'a'"));
        for (characters, said) in [("ab\n", "the control character '\\n'"), ("a", "is too short")] {
            let object = Value::object([("length", Value::number(99)), ("characters", Value::string(characters))]);
            let error = generate(object).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_prefix_that_some_consumer_cannot_hold_is_refused() {
        let with = |prefix: &str| {
            generate(Value::object([
                ("bytes", Value::number(32)),
                ("encoding", Value::string("hex")),
                ("prefix", Value::string(prefix)),
            ]))
        };
        for (prefix, said) in [
            (
                "a\n",
                "prefix cannot be used It contains '\\n', which is not printable ASCII",
            ),
            ("\u{1b}[31m", "printable ASCII"),
            ("schl\u{fc}ssel", "printable ASCII"),
            (" a", "begins with a space"),
            (
                &*"a".repeat(65),
                "prefix cannot be used It has 65 characters; at most 64",
            ),
        ] {
            assert!(with(prefix).is_err_and(|error| error.contains(said)), "{prefix:?}");
        }
        for prefix in ["sk_deploy_", "Key: ", &"a".repeat(64)] {
            assert!(with(prefix).unwrap().starts_with(prefix));
        }
    }

    #[test]
    fn every_character_is_equally_likely() {
        let alphabet: Vec<char> = "abc".chars().collect();
        let mut counts = BTreeMap::new();
        for _ in 0..30_000 {
            *counts.entry(draw(&alphabet).unwrap()).or_insert(0_u32) += 1;
        }
        // Twelve standard deviations: fails for a bias, not by chance.
        assert!(
            counts.values().all(|count| (9_000..11_000).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn the_checksum_is_the_crc_in_base_62() {
        // CRC-32 of "123456789" is 0xCBF43926, the check value of the algorithm's catalogue entry.
        let mut rest = 0xCBF4_3926_u64;
        let mut expected = String::new();
        for _ in 0..6 {
            expected.insert(0, char::from(BASE62[usize::try_from(rest % 62).unwrap()]));
            rest /= 62;
        }
        assert_eq!(checksum(b"123456789"), expected);
    }
}
