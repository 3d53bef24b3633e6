//! Lines `KEY=value` of a dotenv file, as `sh`, systemd, Docker Compose and the dotenv libraries of Node.js, Python and Ruby read them.
//!
//! They agree on names, comments and which of several lines counts, but not on quotes:
//!
//! * `sh` (POSIX.1-2017, section 2.2) and systemd take everything between single quotes as it is. Python's dotenv undoes `\\` and `\'`
//!   there, and that of Node.js takes `\'` for a quote that does not end it.
//! * Between double quotes, `sh` undoes a backslash before `$`, `` ` ``, `"` and `\`; Node.js leaves these as they are.
//! * Python's dotenv and Docker Compose expand `${NAME}`, the former in every value.
//! * Line breaks between single quotes are part of a value for all of them but `docker run --env-file`, which has no quotes at all.
//!
//! So a value is written without quotes where it can be, between single quotes where all of them take it as it is, between double
//! quotes where it holds a single one and nothing that is special there; others are refused.

use zeroize::Zeroizing;

/// Begins the comment above a line of ours.
pub(super) const MARK: &str = "# Managed by Terraform ";

/// A line that sets a key, with the lines that its value goes on for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Assignment {
    /// Where it begins, and where the next one does, in bytes.
    start: usize,
    end: usize,
    /// Where the value begins.
    value: usize,
    /// `export ` stands in front of the key.
    is_exported: bool,
}

/// What a file has of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'t> {
    /// The value as it is written there, without blanks around it.
    pub(super) written: &'t str,
    /// What our mark above it says; `None` without one.
    pub(super) mark: Option<&'t str>,
    assignment: Assignment,
    /// Where the mark begins, or the line when it has none.
    start: usize,
}

/// Several lines set a key: readers take the last, and whoever edits the file by hand may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SetTwice;

fn slice(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// Where the line that holds this byte ends, its line break included.
fn end_of_line(text: &str, at: usize) -> usize {
    let rest = slice(text, at, text.len());
    rest.find('\n').map_or(text.len(), |break_at| at + break_at + 1)
}

/// What a line says of the value behind its `=`: key, offset, and whether it is exported.
fn head(line: &str) -> Option<(&str, usize, bool)> {
    let rest = line.trim_start_matches([' ', '\t']);
    let exported = rest.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    let rest = exported.map_or(rest, |rest| rest.trim_start_matches([' ', '\t']));
    let (key, value) = rest.split_once('=')?;
    let key = key.trim_end_matches([' ', '\t']);
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    is_key.then_some((key, line.len() - value.len(), exported.is_some()))
}

/// Where a value ends that begins at this byte: behind its quotes, which may stand on another line, or with its line.
fn end_of_value(text: &str, start: usize) -> usize {
    let rest = slice(text, start, text.len());
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let quote = rest.trim_start_matches([' ', '\t']).chars().next();
    let Some(quote) = quote.filter(|quote| matches!(quote, '\'' | '"' | '`')) else {
        return end_of_line(text, start);
    };
    let inside = start + blanks + quote.len_utf8();
    let mut is_escaped = false;
    for (at, character) in slice(text, inside, text.len()).char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if quote == '"' => is_escaped = true,
            _ if character == quote => return end_of_line(text, inside + at),
            _ => {}
        }
    }
    // Nothing closes it.
    end_of_line(text, start)
}

fn assignments<'t>(text: &'t str, key: &str) -> Vec<Assignment> {
    let (mut found, mut start) = (Vec::new(), 0);
    while start < text.len() {
        let line: &'t str = slice(text, start, end_of_line(text, start));
        let Some((name, value, is_exported)) = head(line) else {
            start += line.len();
            continue;
        };
        let value = start + value;
        let end = end_of_value(text, value);
        if name == key {
            found.push(Assignment {
                start,
                end,
                value,
                is_exported,
            });
        }
        start = end;
    }
    found
}

/// The line that sets a key.
pub(super) fn find<'t>(text: &'t str, key: &str) -> Result<Option<Found<'t>>, SetTwice> {
    let mut all = assignments(text, key);
    let Some(assignment) = all.pop() else { return Ok(None) };
    if !all.is_empty() {
        return Err(SetTwice);
    }
    let before = slice(text, 0, assignment.start);
    let above = before.trim_end_matches('\n');
    let is_next = before.len() - above.len() == 1;
    let line = above.rsplit_once('\n').map_or(above, |(_, line)| line);
    let mark = line.strip_prefix(MARK).filter(|_| is_next).map(str::trim_end);
    Ok(Some(Found {
        written: slice(text, assignment.value, assignment.end).trim(),
        start: match mark {
            Some(_) => above.len() - line.len(),
            None => assignment.start,
        },
        mark,
        assignment,
    }))
}

/// How the lines of a file end, by its first one.
fn line_break(text: &str) -> &'static str {
    match text.split_once('\n') {
        Some((first, _)) if first.ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// The file with that key set: in its place, or at the end. `mark` is the rest of the comment above it.
pub(super) fn set(text: &str, key: &str, mark: &str, quoted: &str) -> Result<Zeroizing<String>, SetTwice> {
    let found = find(text, key)?;
    let (start, end, is_exported) = match &found {
        Some(found) => (found.start, found.assignment.end, found.assignment.is_exported),
        None => (text.len(), text.len(), false),
    };
    let (before, line_break) = (slice(text, 0, start), line_break(text));
    let pieces = [
        before,
        if before.is_empty() || before.ends_with('\n') {
            ""
        } else {
            line_break
        },
        MARK,
        mark,
        line_break,
        if is_exported { "export " } else { "" },
        key,
        "=",
        quoted,
        line_break,
        slice(text, end, text.len()),
    ];
    Ok(joined(&pieces))
}

/// The file without the line that sets a key, and without our mark above it.
pub(super) fn without(text: &str, key: &str) -> Result<Zeroizing<String>, SetTwice> {
    let Some(found) = find(text, key)? else {
        return Ok(joined(&[text]));
    };
    let pieces = [
        slice(text, 0, found.start),
        slice(text, found.assignment.end, text.len()),
    ];
    Ok(joined(&pieces))
}

/// In memory that is allocated once.
fn joined(pieces: &[&str]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(pieces.iter().map(|piece| piece.len()).sum()));
    for piece in pieces {
        text.push_str(piece);
    }
    text
}

/// What no reader takes for anything but itself, without quotes.
fn is_bare(value: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,-=".contains(c);
    !value.is_empty() && value.chars().all(fits)
}

/// The value as it is written in a file.
///
/// # Errors
/// Why it cannot be, as a whole sentence.
pub(super) fn quoted(value: &str) -> Result<Zeroizing<String>, String> {
    let refused = |what: &str| {
        let why = "Readers of dotenv files disagree on how that is quoted. Encode it, such as with a template {{ value | base64 }}.";
        Err(format!("The value contains {what}. {why}"))
    };
    if value.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        return refused("a carriage return or another control character");
    }
    if value.contains("${") {
        return refused("${, which some replace by a variable");
    }
    if is_bare(value) {
        return Ok(joined(&[value]));
    }
    let has_single = value.contains('\'');
    if has_single && value.contains(['"', '\\', '$', '`', '\n']) {
        return refused(
            "a single quote beside a double quote, a backslash, a dollar sign, a backquote or a line break",
        );
    }
    let ends_oddly = value.ends_with('\\') || value.contains("\\\\");
    if ends_oddly {
        return refused("two backslashes in a row, or a backslash at its end");
    }
    let quote = if has_single { "\"" } else { "'" };
    Ok(joined(&[quote, value, quote]))
}

/// The value that stands there, if it is written as [`quoted`] writes.
pub(super) fn unquoted(written: &str) -> Option<&str> {
    let inside = |quote: char| written.strip_prefix(quote)?.strip_suffix(quote);
    let value = match inside('\'').or_else(|| inside('"')) {
        Some(value) => value,
        None => written,
    };
    quoted(value)
        .is_ok_and(|again| again.as_str() == written)
        .then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# Settings\nA=1\nexport B = 'two' # said\n\nLONG='first\nA=not a line\n'\n  C=\"x\\\"y\"\n#A=off\nD='open\nE=5";

    fn written<'t>(text: &'t str, key: &str) -> Option<&'t str> {
        find(text, key).unwrap().map(|found| found.written)
    }

    #[test]
    fn a_line_is_found_and_what_only_looks_like_one_is_not() {
        for (key, expected) in [
            ("A", Some("1")),
            ("B", Some("'two' # said")),
            ("LONG", Some("'first\nA=not a line\n'")),
            ("C", Some("\"x\\\"y\"")),
            ("D", Some("'open")),
            ("E", Some("5")),
            ("F", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(written(FILE, key), expected, "{key}");
        }
        assert_eq!(find("A=1\nB=2\nexport A=3\n", "A"), Err(SetTwice));
        for broken in ["=1", "A B=1", "A", "", "\n\n", "export=1"] {
            assert_eq!(written(broken, "A"), None, "{broken:?}");
        }
        assert_eq!(written("export=1", "export"), Some("1"));
    }

    #[test]
    fn only_the_line_and_its_mark_change() {
        let once = set(FILE, "A", "[x] 1", "'new'").unwrap();
        assert_eq!(
            *once,
            FILE.replace("\nA=1\n", "\n# Managed by Terraform [x] 1\nA='new'\n")
        );
        let twice = set(&once, "A", "[x] 2", "newer").unwrap();
        assert_eq!(
            *twice,
            FILE.replace("\nA=1\n", "\n# Managed by Terraform [x] 2\nA=newer\n")
        );
        assert_eq!(find(&twice, "A").unwrap().unwrap().mark, Some("[x] 2"));
        let without_it = without(&twice, "A").unwrap();
        assert_eq!(*without_it, FILE.replace("\nA=1\n", "\n"));
        assert_eq!(*without(&without_it, "A").unwrap(), *without_it);

        let exported = set(FILE, "B", "m", "3").unwrap();
        assert!(
            exported.contains("\n# Managed by Terraform m\nexport B=3\n\nLONG="),
            "{}",
            *exported
        );
        let long = set(FILE, "LONG", "m", "4").unwrap();
        assert!(long.contains("\n\n# Managed by Terraform m\nLONG=4\n  C="), "{}", *long);
        let last = set(FILE, "Z", "m", "5").unwrap();
        assert_eq!(*last, format!("{FILE}\n# Managed by Terraform m\nZ=5\n"));
        assert_eq!(*set("", "Z", "m", "5").unwrap(), "# Managed by Terraform m\nZ=5\n");
    }

    #[test]
    fn the_line_breaks_of_a_file_stay() {
        let once = set("A=1\r\nB=2\r\n", "A", "m", "3").unwrap();
        assert_eq!(*once, "# Managed by Terraform m\r\nA=3\r\nB=2\r\n");
        assert_eq!(find(&once, "A").unwrap().unwrap().mark, Some("m"));
        assert_eq!(written(&once, "A"), Some("3"));
        let twice = set(&once, "C", "n", "4").unwrap();
        assert_eq!(*twice, format!("{}# Managed by Terraform n\r\nC=4\r\n", *once));
        assert_eq!(*without(&twice, "C").unwrap(), *once);
        let last = set("A=1\r\nB=2", "C", "n", "4").unwrap();
        assert_eq!(*last, "A=1\r\nB=2\r\n# Managed by Terraform n\r\nC=4\r\n");
    }

    #[test]
    fn a_mark_counts_only_right_above_its_line() {
        let mark = |text| find(text, "A").unwrap().unwrap().mark;
        assert_eq!(mark("# Managed by Terraform [x] 1\nA=1"), Some("[x] 1"));
        assert_eq!(mark("# Managed by Terraform [x] 1\n\nA=1"), None);
        assert_eq!(mark("# Managed by Terraform [x] 1\nB=1\nA=1"), None);
        assert_eq!(mark("A=1\n# Managed by Terraform [x] 1\n"), None);
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_is() {
        for (value, expected) in [
            ("abc_-./:@%+,=9", "abc_-./:@%+,=9"),
            ("two words", "'two words'"),
            ("a#b", "'a#b'"),
            ("$HOME", "'$HOME'"),
            ("\"quoted\"", "'\"quoted\"'"),
            ("it's", "\"it's\""),
            (
                "-----BEGIN-----\nx\n-----END-----\n",
                "'-----BEGIN-----\nx\n-----END-----\n'",
            ),
            ("C:\\dir", "'C:\\dir'"),
            (" padded\t", "' padded\t'"),
            ("é", "'é'"),
            ("", "''"),
        ] {
            let written = quoted(value).unwrap();
            assert_eq!(*written, expected);
            assert_eq!(unquoted(&written), Some(value));
            let file = format!("A=1\nK={}\nB=2\n", *written);
            assert_eq!(find(&file, "K").unwrap().unwrap().written, *written);
        }
        for refused in [
            "a\rb",
            "\0",
            "${HOME}",
            "it's \"both\"",
            "it's\nlong",
            "a\\\\b",
            "a b\\",
            "'`'",
        ] {
            assert!(quoted(refused).is_err(), "{refused:?}");
        }
        for foreign in ["'a' # said", "\"plain\"", "'bare'", "two words", "\"a\\\"b\"", "'"] {
            assert_eq!(unquoted(foreign), None, "{foreign}");
        }
    }
}
