//! Our mark in a parameter's description: `<the user's text> [<label>]`.
//!
//! The description is written by the call that writes the value, so the two cannot disagree. Tags could: they need a call
//! of their own.

use crate::label::Label;

/// Longest description, in characters (API reference, PutParameter).
pub(super) const DESCRIPTION_LIMIT: usize = 1024;

/// Stands before the mark when the user gives no description.
const DEFAULT_DESCRIPTION: &str = "Managed by Terraform";

/// The description that carries the label. The user's text is cut before the mark is.
pub(super) fn write(description: Option<&str>, label: &Label) -> String {
    // Blanks and brackets in the prefix would hide the end of the mark from `Label::find`.
    let readable = |c: char| !c.is_whitespace() && !matches!(c, '[' | ']' | '(' | ')');
    let prefix: String = label.prefix.chars().map(|c| if readable(c) { c } else { '-' }).collect();
    let mark = format!(" [{}]", Label { prefix, ..label.clone() });
    let room = DESCRIPTION_LIMIT.saturating_sub(mark.chars().count());
    let text: String = description.unwrap_or(DEFAULT_DESCRIPTION).chars().take(room).collect();
    text + &mark
}

/// The label in a description.
pub(super) fn read(description: Option<&str>) -> Option<Label> {
    description.and_then(Label::find)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_found_again_whatever_stands_before_it() {
        let label = Label::new("cp", "0123456789abcdef", 7);
        let long = "é".repeat(2000);
        for description in [None, Some("Token (of the control plane) [see docs]"), Some(long.as_str())] {
            let written = write(description, &label);
            assert!(written.chars().count() <= DESCRIPTION_LIMIT);
            assert_eq!(read(Some(&written)), Some(label.clone()), "{written}");
        }
        assert_eq!(write(None, &label), "Managed by Terraform [cp-rot-0123456789ab-g7]");
    }

    #[test]
    fn a_prefix_with_blanks_still_marks() {
        let label = Label::new("control plane [eu]", "0123456789abcdef", 1);
        let found = read(Some(&write(None, &label)));
        assert_eq!(found.map(|label| label.prefix), Some("control-plane--eu-".to_owned()));
    }
}
