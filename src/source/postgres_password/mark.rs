//! What a role's comment says of its password: `Managed by Terraform [<label> <instant> <salt>]`, beside what a person wrote there.
//!
//! (`docs/decisions/postgres-mark-in-the-comment.md`)
//!
//! The salt, which the server tells everybody who begins to log in, ties it to one password.

use jiff::Timestamp;

use crate::label::Label;

const BEGIN: &str = "Managed by Terraform [";
const END: char = ']';

/// Whose password it is, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) label: Label,
    pub(super) made_at: Timestamp,
    /// In Base64.
    pub(super) salt: String,
}

/// What stands before, inside and behind a mark.
fn split(comment: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = comment.rsplit_once(BEGIN)?;
    let (inside, behind) = rest.split_once(END)?;
    Some((before, inside, behind))
}

impl Mark {
    /// The mark in a comment.
    pub(super) fn find(comment: &str) -> Option<Self> {
        let (_, inside, _) = split(comment)?;
        let mut words = inside.split(' ');
        let (label, made_at, salt) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            label: Label::parse(label)?,
            made_at: made_at.parse().ok()?,
            salt: salt.to_owned(),
        })
    }

    /// A comment with this mark in the place of the one before; what a person wrote stays.
    pub(super) fn beside(&self, comment: Option<&str>) -> String {
        let Self { label, made_at, salt } = self;
        let kept = comment.and_then(Self::without);
        let kept = kept.map_or_else(String::new, |text| format!("{text} "));
        format!("{kept}{BEGIN}{label} {made_at} {salt}{END}")
    }

    /// What a person wrote; `None` for nothing.
    pub(super) fn without(comment: &str) -> Option<String> {
        let kept = match split(comment) {
            None => comment.to_owned(),
            Some((before, _, behind)) => format!("{}{behind}", before.trim_end_matches(' ')),
        };
        (!kept.is_empty()).then_some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_replaces_the_one_before_and_leaves_what_a_person_wrote() {
        let mark = |generation| Mark {
            label: Label::new("DATABASE_URL", "0123456789abcdef", generation),
            made_at: Timestamp::from_second(1_764_000_000).unwrap(),
            salt: "W22ZaJ0SNY7soEsUEjb6gQ==".to_owned(),
        };
        for person in [None, Some("owner: billing [team] 'quoted'"), Some("two\nlines")] {
            let first = mark(1).beside(person);
            let second = mark(2).beside(Some(&first));
            assert_eq!(Mark::find(&second), Some(mark(2)));
            assert_eq!(Mark::without(&second).as_deref(), person);
            assert_eq!(second.matches(BEGIN).count(), 1);
        }
        assert_eq!(
            mark(1).beside(Some("app")),
            "app Managed by Terraform [DATABASE_URL-rot-0123456789ab-g1 2025-11-24T16:00:00Z W22ZaJ0SNY7soEsUEjb6gQ==]"
        );
        for none in [
            "",
            "app",
            "Managed by Terraform [x]",
            "Managed by Terraform [x-rot-0123456789ab-g1 soon salt]",
        ] {
            assert_eq!(Mark::find(none), None, "{none}");
        }
    }
}
