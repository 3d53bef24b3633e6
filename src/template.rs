//! Text with parts of a credential in it: `postgres://{{ username | urlencode }}:{{ password | urlencode }}@host/db`.
//!
//! `{{` opens an expression, a part's name and filters stand in it, `}}` closes it. Single braces are plain text, so that
//! JSON needs no escaping; the two characters `{{` can't be written as plain text. There are no conditions and no
//! functions on purpose: what decides something belongs in HCL, where it is shown in the plan.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::part::VALUE;
use crate::secret::{Parts, Secret};

/// Most filters in one expression. Each makes the text longer, and real ones are two at most (`json | urlencode`).
const MOST_FILTERS: usize = 4;

/// Longest rendered text, in bytes; far more than any vendor takes.
const LONGEST: usize = 1024 * 1024;

/// What RFC 3986 §2.3 calls unreserved stays as it is; everything else is percent-encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A parsed template.
#[derive(Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, PartialEq, Eq)]
enum Piece {
    /// Plain text.
    Literal(Zeroizing<String>),
    Part {
        name: String,
        filters: Vec<Filter>,
        at: usize,
    },
}

/// An encoding that is applied to a part before it is put into the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Standard alphabet with padding (RFC 4648 §4).
    Base64,
    /// URL-safe alphabet without padding (RFC 4648 §5, as JOSE writes it in RFC 7515 §2).
    Base64Url,
    /// Escaped as inside a JSON string (RFC 8259 §7), without the quotes: the template has them, `"{{ value | json }}"`.
    Json,
    /// Percent-encoded except for the unreserved characters of RFC 3986 §2.3; fits every component of a URL.
    UrlEncode,
}

/// Why a template can't be used. Positions count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without an end.
    #[error("the \"{{{{\" at character {at} is never closed: write \"{{{{ value }}}}\"")]
    NeverClosed {
        /// Where it is opened.
        at: usize,
    },
    /// `}}` without a beginning.
    #[error("the \"}}}}\" at character {at} closes nothing: write \"{{{{ value }}}}\"")]
    NeverOpened {
        /// Where it stands.
        at: usize,
    },
    /// What stands in an expression is no name.
    #[error(
        "the expression at character {at} is not a part's name with filters: write \"{{{{ password | urlencode }}}}\""
    )]
    NotAnExpression {
        /// Where the expression is opened.
        at: usize,
    },
    /// No such filter. What stands in its place is not repeated: it may be a credential with braces left around it.
    #[error(
        "a filter of the expression at character {at} does not exist; the filters are {}",
        Filter::names()
    )]
    UnknownFilter {
        /// Where the expression is opened.
        at: usize,
    },
    /// More filters than any text needs.
    #[error("the expression at character {at} has more than {MOST_FILTERS} filters: leave some out")]
    TooManyFilters {
        /// Where the expression is opened.
        at: usize,
    },
    /// The text would be longer than [`LONGEST`].
    #[error("the rendered text is longer than 1 MiB: write a shorter template")]
    TooLong,
    /// The credential has no such part.
    #[error("there is no part {name:?} (character {at}); the parts are {}", permitted.join(", "))]
    UnknownPart {
        /// The part's name.
        name: String,
        /// Where the expression is opened.
        at: usize,
        /// The names that would be right.
        permitted: Vec<String>,
    },
}

impl Template {
    /// Reads a template. Any text without double braces is one.
    ///
    /// # Errors
    /// [`TemplateError`] for unbalanced double braces, what is no expression, unknown filters, and too many of them. A `}}` that ends two
    /// objects opened by single braces, as in JSON, is plain text.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        let mut at = 1;
        let mut depth = 0_usize;
        while let Some((literal, tail)) = rest.split_once("{{") {
            check_literal(literal, at, &mut depth)?;
            at += literal.chars().count();
            if !literal.is_empty() {
                pieces.push(Piece::Literal(Zeroizing::new(literal.to_owned())));
            }
            let (expression, after) = tail.split_once("}}").ok_or(TemplateError::NeverClosed { at })?;
            if expression.contains("{{") {
                return Err(TemplateError::NeverClosed { at });
            }
            pieces.push(parse_expression(expression, at)?);
            at += expression.chars().count() + 4;
            rest = after;
        }
        check_literal(rest, at, &mut depth)?;
        if !rest.is_empty() {
            pieces.push(Piece::Literal(Zeroizing::new(rest.to_owned())));
        }
        Ok(Self(pieces))
    }

    /// The names of the parts that it uses, in order, each once; [`VALUE`] where it is written so.
    pub fn parts(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for piece in &self.0 {
            if let Piece::Part { name, .. } = piece
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        names
    }

    /// Whether it uses no part at all.
    pub fn is_literal(&self) -> bool {
        !self.0.iter().any(|piece| matches!(piece, Piece::Part { .. }))
    }

    /// The part's name, when the template is that part as it is and nothing else.
    pub fn sole_part(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Part { name, filters, .. }] if filters.is_empty() => Some(name),
            _ => None,
        }
    }

    /// The one text of all templates that are rendered alike, whatever blanks their expressions have; [`VALUE`] is written as
    /// `primary`, the name of the part that it means.
    pub fn canonical(&self, primary: &str) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Literal(text) => text.to_string(),
            Piece::Part { name, filters, .. } => {
                let name = if name == VALUE { primary } else { name };
                let filters: String = filters.iter().map(|filter| format!("|{}", filter.name())).collect();
                format!("{{{{{name}{filters}}}}}")
            }
        });
        pieces.collect()
    }

    /// The most letters and digits of plain text that stand side by side with a part.
    pub fn longest_touching(&self) -> usize {
        let run = |text: &mut dyn Iterator<Item = char>| text.take_while(|c| c.is_alphanumeric()).count();
        let beside = self.0.windows(2).map(|pair| match pair {
            [Piece::Literal(before), Piece::Part { .. }] => run(&mut before.chars().rev()),
            [Piece::Part { .. }, Piece::Literal(after)] => run(&mut after.chars()),
            _ => 0,
        });
        beside.max().unwrap_or(0)
    }

    /// The text with the parts of `parts` in it. Without a part that is a secret, it is none.
    ///
    /// # Errors
    /// [`TemplateError::UnknownPart`] when `parts` lacks one, [`TemplateError::TooLong`] for more than 1 MiB.
    pub fn render(&self, parts: &Parts) -> Result<Secret, TemplateError> {
        let mut pieces: Vec<Zeroizing<String>> = Vec::with_capacity(self.0.len());
        let mut length = 0;
        let mut is_plain = true;
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => pieces.push(text.clone()),
                Piece::Part { name, filters, at } => {
                    let part = parts.find(name).ok_or_else(|| unknown_part(name, *at, parts.names()))?;
                    is_plain &= part.is_plain();
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "the copy is wiped, and what comes out is a Secret again"
                    )]
                    let whole = Zeroizing::new(part.expose().to_owned());
                    pieces.push(filters.iter().fold(whole, |text, filter| filter.apply(&text)));
                }
            }
            length += pieces.last().map_or(0, |piece| piece.len());
            if length > LONGEST {
                return Err(TemplateError::TooLong);
            }
        }
        // Allocated once: a string that grows leaves copies of the value behind.
        let mut text = String::with_capacity(length);
        for piece in &pieces {
            text.push_str(piece);
        }
        Ok(if is_plain {
            Secret::plain(text)
        } else {
            Secret::new(text)
        })
    }

    /// Whether every part is encoded by a filter.
    pub fn is_filtered(&self) -> bool {
        let bare = |piece: &Piece| matches!(piece, Piece::Part { filters, .. } if filters.is_empty());
        !self.0.iter().any(bare)
    }
}

/// Shows the names of the parts and no plain text.
impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.parts()).finish()
    }
}

/// Whether the plain text of a template holds a password inside a URL, as in `https://user:literal@host`, or inside a data source name
/// without a scheme, as in `user:literal@tcp(host:3306)/db`.
///
/// Such a password would be stored in state; a part in its place, even beside plain text, is no mistake.
pub fn literal_credential(template: &Template) -> bool {
    // One character a piece of plain text, `None` where an expression stands.
    let mut characters: Vec<Option<char>> = Vec::new();
    for piece in &template.0 {
        match piece {
            Piece::Literal(text) => characters.extend(text.chars().map(Some)),
            Piece::Part { .. } => characters.push(None),
        }
    }
    let scheme_end = [Some(':'), Some('/'), Some('/')];
    let words = characters.split(|c| c.is_some_and(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>')));
    words.into_iter().any(|word| {
        let mut authorities = word
            .windows(scheme_end.len())
            .enumerate()
            .filter(|(_, window)| *window == scheme_end)
            .filter_map(|(at, _)| word.get(at + scheme_end.len()..))
            .peekable();
        match authorities.peek() {
            Some(_) => authorities.any(authority_has_password),
            None => source_name_has_password(word),
        }
    })
}

/// Whether what stands behind `://` begins with `user:literal@`.
fn authority_has_password(rest: &[Option<char>]) -> bool {
    let authority = rest.split(|c| c.is_some_and(ends_authority)).next().unwrap_or_default();
    let Some(end) = authority.iter().rposition(|c| *c == Some('@')) else {
        return false;
    };
    password_of(authority.get(..end).unwrap_or_default()).is_some()
}

/// Whether a word without a scheme holds `user:literal@host`. What looks alike: addresses of mail (`mailto:ops@host`), digests of
/// images (`app:tag@sha256:…`), times (`10:30@host`), names of variables (`user:$PASSWORD@host`).
fn source_name_has_password(word: &[Option<char>]) -> bool {
    const SCHEMES: [&str; 7] = ["acct", "im", "jid", "mailto", "npm", "sip", "sips"];
    let ends = |c: &Option<char>| {
        c.is_some_and(|c| {
            ends_authority(c) || matches!(c, '=' | '&' | ';' | ',' | '(' | ')' | '[' | ']' | '{' | '}' | '|')
        })
    };
    let ats = word.iter().enumerate().filter(|(_, c)| **c == Some('@'));
    ats.into_iter().any(|(at, _)| {
        let (before, after) = (
            word.get(..at).unwrap_or_default(),
            word.get(at + 1..).unwrap_or_default(),
        );
        let user_info = before.rsplit(|c| ends(c)).next().unwrap_or_default();
        let host: String = after.iter().map_while(|c| *c).take("sha256:".len()).collect();
        let is_host = match after.first() {
            Some(Some(c)) => {
                (c.is_alphanumeric() || *c == '[') && !(host.starts_with("sha256:") || host.starts_with("sha512:"))
            }
            Some(None) => true,
            None => false,
        };
        let Some(password) = password_of(user_info).filter(|_| is_host) else {
            return false;
        };
        let user: Option<String> = user_info
            .iter()
            .take(user_info.len() - password.len() - 1)
            .copied()
            .collect();
        let harmless = user.is_some_and(|user| {
            user.chars().all(|c| c.is_ascii_digit()) || SCHEMES.contains(&user.to_ascii_lowercase().as_str())
        });
        !harmless && password.first() != Some(&Some('$'))
    })
}

/// The password in `user:password`, if there is one and it is plain text alone.
fn password_of(user_info: &[Option<char>]) -> Option<&[Option<char>]> {
    let colon = user_info.iter().position(|c| *c == Some(':'))?;
    let password = user_info.get(colon + 1..)?;
    (!password.is_empty() && password.iter().all(Option::is_some)).then_some(password)
}

/// RFC 3986 §3.2, and what ends a URL inside other text.
fn ends_authority(character: char) -> bool {
    matches!(character, '/' | '?' | '#' | '\\' | '"' | '\'' | '<' | '>') || character.is_whitespace()
}

/// Follows single braces through plain text; `}}` must close two of them.
fn check_literal(literal: &str, start: usize, depth: &mut usize) -> Result<(), TemplateError> {
    let mut before = None;
    for (offset, character) in literal.chars().enumerate() {
        match character {
            '{' => *depth += 1,
            '}' => match depth.checked_sub(1) {
                Some(less) => *depth = less,
                None if before == Some('}') => {
                    return Err(TemplateError::NeverOpened {
                        at: start + offset.saturating_sub(1),
                    });
                }
                None => {}
            },
            _ => {}
        }
        before = Some(character);
    }
    Ok(())
}

fn parse_expression(expression: &str, at: usize) -> Result<Piece, TemplateError> {
    let mut words = expression.split('|').map(str::trim);
    let name = words.next().unwrap_or_default();
    if !is_name(name) {
        return Err(TemplateError::NotAnExpression { at });
    }
    let filters = words
        .map(|word| match Filter::named(word) {
            Some(filter) => Ok(filter),
            None if is_name(word) => Err(TemplateError::UnknownFilter { at }),
            None => Err(TemplateError::NotAnExpression { at }),
        })
        .collect::<Result<Vec<_>, _>>()?;
    if filters.len() > MOST_FILTERS {
        return Err(TemplateError::TooManyFilters { at });
    }
    Ok(Piece::Part {
        name: name.to_owned(),
        filters,
        at,
    })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn unknown_part<'a>(name: &str, at: usize, known: impl Iterator<Item = &'a str>) -> TemplateError {
    let mut permitted = vec![VALUE.to_owned()];
    permitted.extend(known.filter(|known| *known != VALUE).map(str::to_owned));
    TemplateError::UnknownPart {
        name: name.to_owned(),
        at,
        permitted,
    }
}

impl Filter {
    const ALL: [(&'static str, Self); 4] = [
        ("base64", Self::Base64),
        ("base64url", Self::Base64Url),
        ("json", Self::Json),
        ("urlencode", Self::UrlEncode),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, filter)| *filter)
    }

    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, filter)| *filter == self);
        found.map_or("", |(name, _)| *name)
    }

    fn names() -> String {
        Self::ALL.map(|(name, _)| name).join(", ")
    }

    fn apply(self, text: &str) -> Zeroizing<String> {
        Zeroizing::new(match self {
            Self::Base64 => STANDARD.encode(text),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(text),
            Self::Json => {
                let quoted = Zeroizing::new(serde_json::to_string(text).unwrap_or_default());
                let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                inside.unwrap_or_default().to_owned()
            }
            Self::UrlEncode => utf8_percent_encode(text, RESERVED).to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        Parts::single("password", Secret::new("p@ss/\"wörd\"\n{{x}}".to_owned()))
            .with("username", Secret::new("app".to_owned()))
    }

    fn render(text: &str) -> Result<String, TemplateError> {
        let rendered = Template::parse(text)?.render(&parts())?;
        Ok(rendered.expose().to_owned())
    }

    #[test]
    fn parts_are_put_where_their_names_stand() {
        assert_eq!(render("no part"), Ok("no part".to_owned()));
        assert_eq!(render("{{username}}:{{ username }}"), Ok("app:app".to_owned()));
        assert_eq!(
            render("postgres://{{ username | urlencode }}:{{ value | urlencode }}@h/db"),
            Ok("postgres://app:p%40ss%2F%22w%C3%B6rd%22%0A%7B%7Bx%7D%7D@h/db".to_owned())
        );
    }

    #[test]
    fn a_value_that_holds_braces_is_not_a_template_again() {
        assert!(render("{{ value }}").is_ok_and(|text| text.ends_with("{{x}}")));
    }

    #[test]
    fn filters_apply_from_left_to_right() {
        let parts = Parts::single("key", Secret::new("a?>\u{7f}~".to_owned()));
        let check = |text: &str, expected: &str| {
            let rendered = Template::parse(text).unwrap().render(&parts).unwrap();
            assert_eq!(rendered.expose(), expected, "{text}");
        };
        check("{{ key | base64 }}", "YT8+f34=");
        check("{{ key | base64url }}", "YT8-f34");
        check("{{ key | base64 | urlencode }}", "YT8%2Bf34%3D");
        check("{{ key | urlencode }}", "a%3F%3E%7F~");
    }

    #[test]
    fn the_json_filter_makes_a_string_that_json_reads_back() {
        let text = render("{\"a\":{\"b\":\"{{ value | json }}\"}}").unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["a"]["b"], parts().get("password").unwrap().expose());
    }

    #[test]
    fn mistakes_name_their_place_and_what_is_permitted() {
        for (text, expected) in [
            (
                "añ{{ value",
                "the \"{{\" at character 3 is never closed: write \"{{ value }}\"",
            ),
            (
                "{{ value {{ x }}",
                "the \"{{\" at character 1 is never closed: write \"{{ value }}\"",
            ),
            (
                "x { value }}",
                "the \"}}\" at character 11 closes nothing: write \"{{ value }}\"",
            ),
            (
                "{{ }}",
                "the expression at character 1 is not a part's name with filters: write \"{{ password | urlencode }}\"",
            ),
            (
                "{{ value | }}",
                "the expression at character 1 is not a part's name with filters: write \"{{ password | urlencode }}\"",
            ),
            (
                "a{{ value | trim }}",
                "a filter of the expression at character 2 does not exist; the filters are base64, base64url, json, urlencode",
            ),
            (
                "{{ value | json | json | json | json | json }}",
                "the expression at character 1 has more than 4 filters: leave some out",
            ),
            (
                "{{ value }}{{ token }}",
                "there is no part \"token\" (character 12); the parts are value, password, username",
            ),
        ] {
            assert_eq!(
                render(text).map_err(|error| error.to_string()),
                Err(expected.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn no_text_is_rendered_beyond_what_any_vendor_takes() {
        let template = Template::parse(&"{{ value | urlencode }}".repeat(40_000)).unwrap();
        assert_eq!(template.render(&parts()).err(), Some(TemplateError::TooLong));
    }

    #[test]
    fn parts_are_listed_once() {
        let template = Template::parse("{{ b }}{{ a }}{{ b }}{{ value }}").unwrap();
        assert_eq!(template.parts(), ["b", "a", "value"]);
        assert!(!template.is_literal());
        assert!(Template::parse("{}").unwrap().is_literal());
    }

    #[test]
    fn templates_that_are_rendered_alike_have_one_canonical_text() {
        let canonical = |text: &str| Template::parse(text).unwrap().canonical("password");
        let text = "postgres://{{ username|urlencode }}:{{value}}@h";
        for same in [
            text,
            "postgres://{{username | urlencode}}:{{ password }}@h",
            "postgres://{{  username\t|  urlencode}}:{{value }}@h",
        ] {
            assert_eq!(canonical(same), canonical(text), "{same}");
        }
        // It is a template itself, and stays what it is.
        assert_eq!(canonical(&canonical(text)), canonical(text));
        for other in [
            "postgres://{{ username }}:{{ value }}@h",
            "postgres://{{ username | base64 }}:{{ value }}@h",
            "postgres://{{ username | urlencode | urlencode }}:{{ value }}@h",
            "postgres://{{ value | urlencode }}:{{ username }}@h",
            "postgres://{{ username | urlencode }}: {{ value }}@h",
            "postgres://{{ username | urlencode }}:{{ value }}@h ",
        ] {
            assert_ne!(canonical(other), canonical(text), "{other}");
        }
    }

    #[test]
    fn a_template_of_one_bare_part_is_that_part() {
        let sole = |text: &str| Template::parse(text).unwrap().sole_part().map(str::to_owned);
        assert_eq!(sole("{{ value }}").as_deref(), Some("value"));
        assert_eq!(sole("{{username}}").as_deref(), Some("username"));
        for text in [
            "",
            "value",
            " {{ value }}",
            "{{ value | json }}",
            "{{ value }}{{ value }}",
        ] {
            assert_eq!(sole(text), None, "{text:?}");
        }
    }

    #[test]
    fn debug_shows_no_plain_text() {
        let template = Template::parse("Bearer hunter2 {{ value }}").unwrap();
        assert_eq!(format!("{template:?}"), "Template([\"value\"])");
    }

    #[test]
    fn a_password_in_plain_text_is_found() {
        for (text, found) in [
            ("https://user:hunter2@host/", true),
            ("redis://:hunter2@host", true),
            (
                "see https://example.org then postgres://{{ username }}:hunter2@host/db",
                true,
            ),
            ("url=\"amqp://a:b@c\"", true),
            ("postgres://{{ username }}:{{ password }}@host/db", false),
            ("postgres://{{ username }}:x{{ password }}@host/db", false),
            ("https://user@host", false),
            ("https://host:8080/a@b", false),
            ("https://host/?mail=a:b@c", false),
            ("https://user:@host", false),
            ("a:b@c", true),
            ("DATABASE_URL=user:literal@host/{{ value }}", true),
            ("{{ username }}:literal@tcp(db:3306)/{{ value }}", true),
            ("dsn: \"app:pw@unix(/run/mysqld.sock)/db\" # {{ value }}", true),
            ("app:pw@{{ host }}/db?password={{ value }}", true),
            ("user:{{ password }}@tcp(db:3306)/app", false),
            ("user:x{{ password }}@host", false),
            ("user:$PASSWORD@host {{ value }}", false),
            ("user:${PASSWORD}@host {{ value }}", false),
            ("user@host:22", false),
            ("git@github.com:org/repository", false),
            ("mailto:ops@example.com", false),
            ("ask MAILTO:ops@example.com", false),
            ("email: ops@example.com", false),
            ("{\"email\":\"ops@example.com\"}", false),
            ("registry/app:1.2@sha256:0123", false),
            ("at 10:30@host", false),
            ("a:b@ c", false),
            ("https://host/?mail=a:b@c and user@host", false),
            ("https://host/ a:b@c", true),
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(literal_credential(&template), found, "{text}");
        }
    }
}
