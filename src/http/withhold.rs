//! What is shown of the words that come instead of a secret answer, in which the redaction could not find the value: nobody here
//! knows it yet.
//!
//! Of a service that may have acted nothing is shown. A refusal should hold no value, but a service that refuses after it has made
//! one tells it here: so only what reads as language is passed on, and what we said ourselves.

/// Stands for the words of a service that may have made a value before it failed.
pub const WITHHELD: &str = "its own words are not shown, because they may hold the value that was asked for";

/// Stands for a word that may be a value, or a piece of one.
const WORD_WITHHELD: &str = "[withheld]";

/// A word that is shorter than this gives nothing away.
const LENGTH: usize = 8;

/// Longest piece of a word that is language.
const LONGEST_PIECE: usize = 20;

/// Longest name of an error.
const LONGEST_NAME: usize = 40;

/// What is shown of `text`, which came with that status; words that stand in one of `ours` are known to be none of the answer.
pub fn of_secret_answer(status: u16, text: &str, ours: &[&str]) -> String {
    // 408: the service may have begun to act.
    if status >= 500 || status == 408 {
        return WITHHELD.to_owned();
    }
    readable(text, ours)
}

/// The text without the words that may be values.
pub fn readable(text: &str, ours: &[&str]) -> String {
    let mut shown: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        let said_by_us = |known: &str| !bare(word).is_empty() && known.contains(bare(word));
        if is_language(word) || ours.iter().any(|known| said_by_us(known)) {
            shown.push(word);
        } else if shown.last() != Some(&WORD_WITHHELD) {
            shown.push(WORD_WITHHELD);
        }
    }
    shown.join(" ")
}

/// The word without quotes, brackets and what ends a sentence.
fn bare(word: &str) -> &str {
    word.trim_matches(|character: char| !character.is_alphanumeric())
}

fn is_language(word: &str) -> bool {
    let bare = bare(word);
    let marks = word.len().saturating_sub(bare.len());
    word.chars().count() < LENGTH
        || (marks < LENGTH
            && bare
                .split(['_', '-', '.', '/', ':', ',', '\''])
                .all(is_piece_of_language))
}

/// Letters in an order of cases that language, constants and `NamesOfErrors` have, or a small number.
fn is_piece_of_language(piece: &str) -> bool {
    let count = piece.chars().count();
    let all = |test: fn(char) -> bool| piece.chars().all(test);
    let after_the_first = piece.chars().skip(1);
    let one_case = all(char::is_uppercase) || after_the_first.clone().all(char::is_lowercase);
    (count <= 3 && all(|character| character.is_ascii_digit()))
        || (count <= LONGEST_PIECE && all(char::is_alphabetic) && one_case)
        || (count <= LONGEST_NAME && is_name(piece))
}

/// Words of three letters or more, joined by their capitals alone.
fn is_name(piece: &str) -> bool {
    let mut letters = 2;
    for (at, character) in piece.chars().enumerate() {
        if character.is_uppercase() {
            if at > 0 && letters < 3 {
                return false;
            }
            letters = 1;
        } else if character.is_lowercase() && at > 0 {
            letters += 1;
        } else {
            return false;
        }
    }
    letters >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_is_shown_and_what_may_be_a_value_is_not() {
        let ours = ["minting token t-rot-0123456789ab-g1 for app/molecule-cp"];
        for (text, expected) in [
            (
                "Name t-rot-0123456789ab-g1 has already been taken",
                "Name t-rot-0123456789ab-g1 has already been taken",
            ),
            ("Limit reached (LIMIT_REACHED): delete a key, e.g. an old one.", ""),
            ("permission denied: kms:Decrypt HTTP/1.1 rôles", ""),
            ("ParameterMaxVersionLimitExceeded: no.", ""),
            ("TokenXyHqWertzUi is no name", "[withheld] is no name"),
            (
                "token FlyV1 fm2_cGVybWlzc2lvbi02LWU4Yw exceeds the quota.",
                "token FlyV1 [withheld] exceeds the quota.",
            ),
            ("key napi_LEAKEDkey1234567890abcdef failed", "key [withheld] failed"),
            ("is \"aB3<dE6>gH9&jK2\", no", "is [withheld] no"),
            ("{\"DATABASE_URL\":\"postgres://app:pa55@db/x\"}", "[withheld]"),
            ("hex 9f8e7d6c 5b4a3928 ends", "hex [withheld] ends"),
            ("abcdefghijklmnopqrstuvwxyz", "[withheld]"),
            ("aBcDeFgHiJ", "[withheld]"),
            ("$%&/()=?!", "[withheld]"),
        ] {
            let expected = if expected.is_empty() { text } else { expected };
            assert_eq!(readable(text, &ours), expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_shown_of_a_service_that_may_have_acted() {
        for status in [408, 500, 503] {
            assert_eq!(of_secret_answer(status, "no", &[]), WITHHELD);
        }
        assert_eq!(of_secret_answer(422, "no", &[]), "no");
        assert_eq!(of_secret_answer(422, "", &[]), "");
    }
}
