//! Texts that Terraform stores and that other users of a machine can see: they hold no credential, neither in words nor as a part.

use std::collections::BTreeMap;

use crate::connection::literal;
use crate::diagnostics::Argument;
use crate::template::{Template, literal_credential};
use crate::terraform::{Diagnostics, Field, Node, Origin, Path};

/// How a command gets the credential that is rotated, as a sentence: the end of errors about texts that hold it.
#[derive(Debug, Clone, Copy)]
pub struct Presenting(pub &'static str);

/// Ends errors about other credentials.
const OTHERS: &str = "Let the program read other credentials itself, from a file or a store.";

/// Whether a text may stand in an argument or a variable; reports one that may not.
pub(super) fn is_plain(node: &Node<'_>, text: &str, by: Presenting, problems: &mut Diagnostics) -> bool {
    is_plain_at(node.origin(), node.path(), text, by, problems)
}

fn is_plain_at(origin: Origin, path: &Path, text: &str, by: Presenting, problems: &mut Diagnostics) -> bool {
    let argument = path.to_string();
    if presents(text) {
        let why = format!(
            "It contains a template, but arguments and variables are visible to others and stored in state. {}",
            by.0
        );
        problems.report(
            path.clone(),
            Argument::CannotBeUsed {
                argument,
                why: why.into(),
            },
        );
        return false;
    }
    if text.contains('\0') {
        let why = "It contains a NUL character, which ends it.".into();
        problems.report(path.clone(), Argument::CannotBeUsed { argument, why });
        return false;
    }
    if Template::parse(text).is_ok_and(|template| literal_credential(&template)) {
        report(path, "password", by, problems);
        return false;
    }
    // What an earlier version has stored is there already, and has to be readable to be removed.
    if origin == Origin::Configuration && literal::in_command(text) {
        report(path, "credential", by, problems);
        return false;
    }
    true
}

fn report(path: &Path, what: &'static str, by: Presenting, problems: &mut Diagnostics) {
    let argument = path.to_string();
    let advice = format!("{} {OTHERS}", by.0).into();
    let what = what.into();
    problems.report(path.clone(), Argument::PlainCredential { argument, what, advice });
}

/// Whether each word of a command may stand there, also after the one before it; reports those that may not.
pub(super) fn are_plain(node: &Node<'_>, words: &[String], by: Presenting, problems: &mut Diagnostics) -> bool {
    let origin = node.origin();
    let before = std::iter::once(None).chain(words.iter().map(Some));
    let pairs = (0..).zip(before.zip(words));
    pairs.fold(true, |good, (at, (before, word))| {
        let path = node.path().then_index(at);
        let told = before.is_some_and(|before| literal::is_told_by(before, word));
        let is_good = if told && origin == Origin::Configuration {
            report(&path, "credential", by, problems);
            false
        } else {
            is_plain_at(origin, &path, word, by, problems)
        };
        is_good && good
    })
}

/// Whether a part stands in it. Double braces of others, such as `{{.Names}}`, are plain text.
fn presents(text: &str) -> bool {
    text.split("{{").skip(1).any(|rest| {
        let expression = rest.split_once("}}").map(|(inside, _)| format!("{{{{{inside}}}}}"));
        expression.is_some_and(|expression| Template::parse(&expression).is_ok_and(|template| !template.is_literal()))
    })
}

/// The variables of an environment. `None` when one is unknown or wrong, which is reported.
pub(super) fn environment(
    node: &Node<'_>,
    by: Presenting,
    problems: &mut Diagnostics,
) -> Option<BTreeMap<String, String>> {
    let variables = match node.string_map(problems) {
        Field::Known(variables) => variables,
        Field::Absent => return Some(BTreeMap::new()),
        Field::Unknown => return None,
    };
    let mut is_good = true;
    for (name, value) in &variables {
        let path = node.path().then_key(name);
        let argument = path.to_string();
        let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        if name.is_empty() || !fits {
            let what = "the name of a variable".into();
            let why = "A name has letters, digits and underscores, and begins with no digit.".into();
            problems.report(path, Argument::IsNot { argument, what, why });
            is_good = false;
        } else if !presents(value) && literal::in_variable(name, value) {
            report(&path, "credential", by, problems);
            is_good = false;
        } else {
            is_good &= is_plain_at(node.origin(), &path, value, by, problems);
        }
    }
    is_good.then_some(variables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::Value;

    #[test]
    fn what_is_stored_already_can_still_be_read() {
        let value = Value::string("PGPASSWORD=hunter2 psql");
        let by = Presenting("");
        for (origin, plain) in [(Origin::Configuration, false), (Origin::State, true)] {
            let node = Node::root(&value, origin);
            let mut problems = Diagnostics::new();
            assert_eq!(is_plain(&node, "PGPASSWORD=hunter2 psql", by, &mut problems), plain);
            let words = ["/bin/true", "--password", "hunter2"].map(str::to_owned);
            assert_eq!(are_plain(&node, &words, by, &mut problems), plain);
            assert_eq!(problems.has_errors(), !plain);
        }
    }

    #[test]
    fn a_part_is_told_from_the_braces_of_others() {
        for (text, found) in [
            ("{{ value }}", true),
            ("--token={{value}}", true),
            ("{{ password | urlencode }}", true),
            ("{{.Names}} {{ value }}", true),
            ("{{.Names}}", false),
            ("{{ json .Mounts }}", false),
            ("{{ value", false),
            ("{ value }", false),
            ("${VALUE}", false),
            ("", false),
        ] {
            assert_eq!(presents(text), found, "{text}");
        }
    }
}
