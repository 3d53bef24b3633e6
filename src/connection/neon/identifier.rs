//! Ids as Neon gives them to organizations, projects, branches and endpoints.

use crate::terraform::{Diagnostics, Field, Node};

/// Reads an id; a text that cannot be one is reported.
pub fn identifier(node: &Node<'_>, problems: &mut Diagnostics) -> Field<String> {
    node.string(problems).and_then_checked(|text| {
        let fits = is_identifier(&text);
        if !fits {
            node.report_not(problems, "a Neon id", format!(
                    "It is {text:?}. Neon ids have up to 60 lower-case letters, digits and hyphens; they are not the names in its console."
                ));
        }
        fits.then_some(text)
    })
}

/// The pattern of Neon's ids in its published specification.
pub fn is_identifier(text: &str) -> bool {
    let character = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=60).contains(&text.len()) && text.bytes().all(character)
}
