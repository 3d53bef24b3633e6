//! Roles of a database that generations take turns with: a role has one password, so two passwords overlap only if they belong to two roles.

use super::MintOrder;
use crate::diagnostics::Argument;
use crate::terraform::{Diagnostics, Field, Node};

/// Reads `role` and `alternate_role` by `named`. `None` when one is unknown or wrong, which is reported.
pub(super) fn roles(
    node: &Node<'_>,
    named: fn(&Node<'_>, &mut Diagnostics) -> Field<String>,
    problems: &mut Diagnostics,
) -> Option<(String, Option<String>)> {
    let role = node.attr("role");
    let role = role.required(named(&role, problems), problems).known();
    let alternate = named(&node.attr("alternate_role"), problems).optional();
    let (role, alternate) = (role?, alternate?);
    if alternate.as_ref() == Some(&role) {
        node.attr("alternate_role").report(problems, |argument| Argument::CannotBeUsed {
            argument,
            why: "It is the same as role. Two passwords overlap only if they belong to two roles. Name another role, or remove it.".into(),
        });
        return None;
    }
    Some((role, alternate))
}

/// What would be lost with the password that a role has, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    /// No password that a consumer may use.
    Nothing,
    /// That of an older generation.
    Older,
    /// That of the generation in place.
    InPlace,
}

/// The role that is given a new password: the one whose present one is least missed. Between equals, odd generations have the first and
/// even ones the second; numbers that were skipped therefore never decide that the password in place ends.
pub(super) fn turn<R>(first: R, second: Option<R>, order: &MintOrder, holds: impl Fn(&R) -> Holds) -> R {
    let Some(second) = second else { return first };
    let (due, other) = if order.label.generation % 2 == 1 {
        (first, second)
    } else {
        (second, first)
    };
    if holds(&due) <= holds(&other) { due } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::Label;
    use crate::source::Handles;

    #[test]
    fn two_roles_take_turns_and_the_one_in_place_is_never_taken() {
        let chosen = |generation, second, older: &[&str], in_place: &str| {
            let order = MintOrder {
                label: Label::new("t", "0123456789abcdef", generation),
                handles: Handles::default(),
            };
            turn("a", second, &order, |role| match *role {
                role if role == in_place => Holds::InPlace,
                role if older.contains(&role) => Holds::Older,
                _ => Holds::Nothing,
            })
        };
        assert_eq!(chosen(1, Some("b"), &[], ""), "a");
        assert_eq!(chosen(2, Some("b"), &[], "a"), "b");
        assert_eq!(chosen(3, Some("b"), &[], "b"), "a");
        // Generation 4 was made when there was one role only.
        assert_eq!(chosen(5, Some("b"), &[], "a"), "b");
        assert_eq!(chosen(6, Some("b"), &["b"], ""), "a");
        // A number was skipped while both have passwords.
        for generation in [3, 4] {
            assert_eq!(chosen(generation, Some("b"), &["b"], "a"), "b");
            assert_eq!(chosen(generation, Some("b"), &["a"], "b"), "a");
        }
        assert_eq!(chosen(2, None, &[], "a"), "a");
    }
}
