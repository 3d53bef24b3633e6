//! The block `assume_role`, and the checks of an argument that it shares with the block around it.

use crate::diagnostics::Argument;
use crate::terraform::{Diagnostics, Field, Node};

/// What the provider calls itself at AWS.
pub(super) const SESSION_NAME: &str = "terraform-provider-rotation";

/// The block `assume_role`.
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) session_name: String,
    pub(super) external_id: Option<String>,
}

/// Reads the block; `None` when something of it is unknown or wrong, which is reported.
pub(super) fn parse_role(block: &Node<'_>, problems: &mut Diagnostics) -> Option<Option<Role>> {
    if block.is_null() {
        return Some(None);
    }
    let arn_node = block.attr("role_arn");
    let arn = checked(
        &arn_node,
        problems,
        |text| text.starts_with("arn:"),
        "the ARN of a role, such as arn:aws:iam::123456789012:role/rotation",
    );
    let arn = arn_node.required(arn, problems);
    // STS API, AssumeRole: RoleSessionName [\w+=,.@-]{2,64}, ExternalId [\w+=,.@:\/-]{2,1224}.
    let session_name = checked(
        &block.attr("session_name"),
        problems,
        |text| (2..=64).contains(&text.len()) && text.chars().all(|c| is_word(c, "_+=,.@-")),
        "2 to 64 letters, digits or _+=,.@-",
    );
    let external_id = checked(
        &block.attr("external_id"),
        problems,
        |text| (2..=1224).contains(&text.len()) && text.chars().all(|c| is_word(c, "_+=,.@:/-")),
        "2 to 1224 letters, digits or _+=,.@:/-",
    );
    Some(Some(Role {
        arn: arn.known()?,
        session_name: session_name.or(SESSION_NAME.to_owned())?,
        external_id: external_id.optional()?,
    }))
}

/// The string at `node` if it passes `test`; otherwise an error that says what is expected.
pub(super) fn checked(
    node: &Node<'_>,
    problems: &mut Diagnostics,
    test: fn(&str) -> bool,
    expected: &'static str,
) -> Field<String> {
    node.string(problems).and_then_checked(|text| {
        if test(&text) {
            return Some(text);
        }
        node.report(problems, |argument| Argument::MustBe {
            argument,
            expected: expected.into(),
            found: Some(format!("{text:?}").into()),
        });
        None
    })
}

fn is_word(character: char, others: &str) -> bool {
    character.is_ascii_alphanumeric() || others.contains(character)
}
