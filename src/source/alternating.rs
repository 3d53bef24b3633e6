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

/// The role whose turn it is: odd generations have the first, even ones the second. Where that one is in use, as after a
/// change from one role to two, the other.
pub(super) fn turn<R>(first: R, second: Option<R>, order: &MintOrder, is_in_use: impl Fn(&R) -> bool) -> R {
    let Some(second) = second else { return first };
    let (due, other) = if order.label.generation % 2 == 1 {
        (first, second)
    } else {
        (second, first)
    };
    if is_in_use(&due) && !is_in_use(&other) {
        other
    } else {
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::Label;
    use crate::source::Handles;

    #[test]
    fn two_roles_take_turns_and_the_one_in_use_is_never_taken() {
        let chosen = |generation, second, in_use: &[&str]| {
            let order = MintOrder {
                label: Label::new("t", "0123456789abcdef", generation),
                handles: Handles::default(),
            };
            turn("a", second, &order, |role| in_use.contains(role))
        };
        assert_eq!(chosen(1, Some("b"), &[]), "a");
        assert_eq!(chosen(2, Some("b"), &["a"]), "b");
        assert_eq!(chosen(3, Some("b"), &["b"]), "a");
        // Generation 4 was made when there was one role only.
        assert_eq!(chosen(5, Some("b"), &["a"]), "b");
        assert_eq!(chosen(6, Some("b"), &["b"]), "a");
        assert_eq!(chosen(2, None, &["a"]), "a");
    }
}
