//! The source `random`.

use std::collections::BTreeSet;

use rotation_provider::terraform::Value;

use super::{configured, judge, mint, part, problem};

fn bytes(count: u64, encoding: &str) -> Value {
    Value::object([("bytes", Value::number(count)), ("encoding", Value::string(encoding))])
}

fn charset(length: u64, charset: &str) -> Value {
    Value::object([("length", Value::number(length)), ("charset", Value::string(charset))])
}

fn characters(length: u64, characters: &str) -> Value {
    Value::object([
        ("length", Value::number(length)),
        ("characters", Value::string(characters)),
    ])
}

#[tokio::test]
async fn bytes_are_decoded_by_another_library_to_the_length_that_was_asked_for() {
    for encoding in ["hex", "base64", "base64url"] {
        for count in [12, 24, 31, 32] {
            let minted = mint("random", &bytes(count, encoding)).await;
            judge("random_bytes", &format!("{encoding} {count}"), &minted);
        }
    }
}

#[tokio::test]
async fn hex_has_two_digits_for_every_byte() {
    for (count, digits) in [(24, 48), (32, 64)] {
        assert_eq!(part(&mint("random", &bytes(count, "hex")).await, "value").len(), digits);
    }
}

#[tokio::test]
async fn a_charset_is_used_whole_and_nothing_else_is() {
    for (name, size) in [("alphanumeric", 62), ("ascii", 94), ("digits", 10)] {
        let value = part(&mint("random", &charset(4096, name)).await, "value");
        assert_eq!(value.len(), 4096);
        let used: BTreeSet<char> = value.chars().collect();
        // That a given character is missing from 4096 draws has a probability below e^-43.
        assert_eq!(used.len(), size, "{name}");
        let permitted = |c: &char| match name {
            "alphanumeric" => c.is_ascii_alphanumeric(),
            "ascii" => c.is_ascii_graphic(),
            _ => c.is_ascii_digit(),
        };
        assert!(used.iter().all(permitted), "{used:?}");
    }
    let value = part(&mint("random", &characters(96, "é€")).await, "value");
    assert_eq!(value.chars().count(), 96);
    assert!(value.chars().all(|c| "é€".contains(c)));
}

#[tokio::test]
async fn a_prefix_and_a_checksum_surround_the_random_part() {
    let arguments = charset(32, "alphanumeric")
        .with("prefix", Value::string("sk_deploy_"))
        .with("checksum", Value::Bool(true));
    let minted = mint("random", &arguments).await;
    let value = part(&minted, "value");
    assert!(value.starts_with("sk_deploy_"));
    assert_eq!(value.len(), "sk_deploy_".len() + 32 + 6);
    judge("checksum", "", &minted);
}

#[test]
fn too_little_entropy_is_refused_with_the_bits_there_are_and_the_length_that_would_do() {
    let alphabet_of_63 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    for (arguments, path, bits, enough) in [
        (bytes(11, "hex"), "bytes", "88 bits", "at least 12"),
        (charset(16, "alphanumeric"), "length", "95 bits", "at least 17"),
        (charset(28, "digits"), "length", "93 bits", "at least 29"),
        (characters(95, "01"), "length", "95 bits", "at least 96"),
        // 95.6 bits are not 96.
        (characters(16, alphabet_of_63), "length", "95 bits", "at least 17"),
    ] {
        let (at, text) = problem("random", &arguments);
        assert_eq!(at, path, "{text}");
        assert!(text.contains(bits) && text.contains(enough), "{text}");
    }
    for arguments in [
        bytes(12, "hex"),
        charset(17, "alphanumeric"),
        charset(29, "digits"),
        characters(96, "01"),
    ] {
        configured("random", &arguments);
    }
}

#[test]
fn a_contradiction_is_refused_where_it_stands() {
    let alone = |name: &str, value: Value| Value::object([(name, value)]);
    for (arguments, path, words) in [
        (Value::object([]), "", " requires bytes or length"),
        (
            bytes(32, "hex").with("length", Value::number(32)),
            "length",
            "and bytes cannot both be set",
        ),
        (alone("bytes", Value::number(32)), "encoding", "With bytes, choose"),
        (alone("length", Value::number(32)), "charset", "With length, choose"),
        (
            bytes(32, "hex").with("charset", Value::string("ascii")),
            "charset",
            "requires length",
        ),
        (
            charset(32, "ascii").with("encoding", Value::string("hex")),
            "encoding",
            "requires bytes",
        ),
        (
            charset(32, "ascii").with("characters", Value::string("ab")),
            "characters",
            "and charset cannot both be set",
        ),
        (characters(99, "aab"), "characters", "repeats the character 'a'"),
        (characters(99, "ab\n"), "characters", "control character '\\n'"),
        (characters(99, "a"), "characters", "too short"),
        (bytes(32, "base32"), "encoding", "\"base64url\""),
        (charset(32, "letters"), "charset", "\"alphanumeric\""),
        (bytes(0, "hex"), "bytes", "from 1 to 4096"),
    ] {
        let (at, text) = problem("random", &arguments);
        assert_eq!(at, path, "{text}");
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn every_argument_makes_a_different_value() {
    let all = [
        bytes(32, "hex"),
        bytes(33, "hex"),
        bytes(32, "base64"),
        charset(32, "ascii"),
        charset(33, "ascii"),
        charset(32, "alphanumeric"),
        characters(32, "abcdefghijk"),
        bytes(32, "hex").with("prefix", Value::string("a")),
        bytes(32, "hex").with("checksum", Value::Bool(true)),
    ];
    let fingerprints: BTreeSet<String> = all
        .iter()
        .map(|arguments| configured("random", arguments).fingerprint())
        .collect();
    assert_eq!(fingerprints.len(), all.len());
    let spelled_out = bytes(32, "hex").with("checksum", Value::Bool(false));
    assert_eq!(
        configured("random", &spelled_out).fingerprint(),
        configured("random", &bytes(32, "hex")).fingerprint()
    );
}
