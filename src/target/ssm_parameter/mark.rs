//! Our mark in a parameter's description: `<the user's text> [<label>] v<version> #<origin>`.
//!
//! The description is written by the call that writes the value; tags would need a call of their own. But a later write by
//! somebody else that names no description keeps the old one, beside a value that is not ours. So the mark also names the
//! version that it was written with, and counts for that version alone.
//! Unverified: that AWS itself keeps the description then; moto does.

use crate::target::mark::Mark;

/// Longest description, in characters (API reference, PutParameter).
pub(super) const DESCRIPTION_LIMIT: usize = 1024;

/// Stands before the mark when the user gives no description.
pub(super) const DEFAULT_DESCRIPTION: &str = "Managed by Terraform";

/// The description that marks this version. The user's text is cut before the mark is.
pub(super) fn write(description: Option<&str>, mark: &Mark, version: i64) -> String {
    let mark = format!(" {}", mark.text(&format!("v{version}")));
    let room = DESCRIPTION_LIMIT.saturating_sub(mark.chars().count());
    let text: String = description.unwrap_or(DEFAULT_DESCRIPTION).chars().take(room).collect();
    text + &mark
}

/// The mark in the description of this version; `None` when there is none, or it marks another version.
pub(super) fn read(description: Option<&str>, version: i64) -> Option<Mark> {
    let (mark, write) = Mark::find(description?)?;
    let marked: i64 = write.strip_prefix('v')?.parse().ok()?;
    (marked == version).then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::{LARGEST_GENERATION, LONGEST_PREFIX, Label};

    fn plain(label: Label) -> Mark {
        Mark {
            label,
            content: None,
            origin: None,
        }
    }

    #[test]
    fn the_mark_is_found_again_whatever_stands_before_it() {
        let label = Label::new("cp", "0123456789abcdef", 7);
        let long = "é".repeat(2000);
        let copied = write(None, &plain(Label::new("cp", "0123456789abcdef", 6)), 11);
        for description in [
            None,
            Some("Token (of [the] control plane) [see docs"),
            Some(&*long),
            Some(&*copied),
        ] {
            for (content, origin) in [
                (None, None),
                (Some("public_key_pem"), None),
                (Some("x"), Some("9f3ac01b")),
                (None, Some("9f3ac01b")),
            ] {
                let mark = Mark {
                    label: label.clone(),
                    content: content.map(str::to_owned),
                    origin: origin.map(str::to_owned),
                };
                let written = write(description, &mark, 12);
                assert!(written.chars().count() <= DESCRIPTION_LIMIT);
                assert_eq!(read(Some(&written), 12), Some(mark), "{written}");
            }
        }
        assert_eq!(
            write(None, &plain(label), 3),
            "Managed by Terraform [cp-rot-0123456789ab-g7] v3"
        );
    }

    #[test]
    fn the_longest_mark_fits_into_the_room_that_is_left_for_it() {
        let label = Label::new(&"p".repeat(LONGEST_PREFIX), "0123456789abcdef", LARGEST_GENERATION);
        let text = "x".repeat(DESCRIPTION_LIMIT - super::super::MARK_ROOM);
        for content in crate::source::ALL
            .iter()
            .flat_map(|kind| kind.parts)
            .chain([&crate::target::TEMPLATE])
        {
            let mark = Mark {
                label: label.clone(),
                content: Some((*content).to_owned()),
                origin: Some("9f3ac01b".to_owned()),
            };
            let written = write(Some(&text), &mark, u32::MAX.into());
            assert!(written.starts_with(&text), "the user's text was cut for {content}");
            assert!(written.chars().count() <= DESCRIPTION_LIMIT);
            assert!(read(Some(&written), u32::MAX.into()).is_some());
        }
    }

    #[test]
    fn a_mark_counts_for_its_own_version_alone() {
        let written = write(None, &plain(Label::new("cp", "0123456789abcdef", 7)), 12);
        assert_eq!(read(Some(&written), 13), None);
        assert_eq!(read(Some("Managed by Terraform [cp-rot-0123456789ab-g7]"), 1), None);
        assert_eq!(read(Some("by hand"), 1), None);
        assert_eq!(read(None, 1), None);
    }

    #[test]
    fn a_prefix_with_blanks_still_marks() {
        let label = Label::new("control plane [eu]", "0123456789abcdef", 1);
        let found = read(Some(&write(None, &plain(label), 1)), 1);
        assert_eq!(
            found.map(|mark| mark.label.prefix),
            Some("control-plane--eu-".to_owned())
        );
    }
}
