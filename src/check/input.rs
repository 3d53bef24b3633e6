//! Standard input: the one way on which a program gets a credential.

use super::Presents;
use crate::connection::templated::templated;
use crate::diagnostics::Argument;
use crate::secret::{Parts, Secret};
use crate::template::Template;
use crate::terraform::{Attribute, Diagnostics, Field, Node, Type};

/// What a program reads.
#[derive(Clone)]
pub(super) struct Input {
    template: Option<Template>,
    /// Which credential it presents.
    pub(super) presents: Presents,
}

pub(super) fn attributes() -> [Attribute; 2] {
    [
        Attribute::optional(
            "input",
            Type::String,
            "What it reads from standard input, as a template: `\"{{ value }}\"`. Nothing is added, not even a line break. Default: \
             nothing.",
        ),
        Attribute::optional(
            "credential",
            Type::String,
            "Which credential `input` presents: `new` (default), or `previous` (the one that it replaces).",
        ),
    ]
}

/// Reads both arguments. `None` when one is unknown or wrong, which is reported.
pub(super) fn parse(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Input> {
    let credential = node.attr("credential").one_of(&["new", "previous"], problems).or("new");
    let input = node.attr("input");
    let template = match input.string(problems) {
        Field::Absent => None,
        Field::Unknown => return None,
        Field::Known(text) => Some(templated(&input, &text, "", problems)?),
    };
    let uses_parts = template.as_ref().is_some_and(|template| !template.is_literal());
    let presents = match (credential?, uses_parts) {
        ("previous", false) => {
            node.attr("credential").report(problems, |argument| Argument::NoEffect {
                argument,
                why: "`input` does not present the credential. Set it, such as input = \"{{ value }}\".".into(),
            });
            return None;
        }
        ("previous", true) => Presents::Previous,
        (_, true) => Presents::New,
        (_, false) => Presents::Nothing,
    };
    Some(Input { template, presents })
}

impl Input {
    pub(super) fn parts_used(&self) -> Vec<String> {
        self.template.iter().flat_map(Template::parts).collect()
    }

    /// For the words of a check, behind what it runs.
    pub(super) fn in_words(&self) -> &'static str {
        match (self.presents, &self.template) {
            (Presents::New, _) => ", which reads the new credential",
            (Presents::Previous, _) => ", which reads the previous credential",
            (Presents::Nothing, Some(_)) => ", which reads `input`",
            (Presents::Nothing, None) => "",
        }
    }

    /// The text with the parts in it.
    ///
    /// # Errors
    /// Why there is none, as a sentence's end.
    #[expect(clippy::disallowed_methods, reason = "what stands in state is no secret")]
    pub(super) fn fill(&self, parts: Option<&Parts>) -> Result<Option<Secret>, String> {
        let Some(template) = &self.template else {
            return Ok(None);
        };
        let none = Parts::default();
        let rendered = template
            .render(parts.unwrap_or(&none))
            .map_err(|error| error.to_string())?;
        Ok(Some(match template.is_literal() {
            // The redaction would cut it out of messages.
            true => Secret::plain(rendered.expose().to_owned()),
            false => rendered,
        }))
    }
}
