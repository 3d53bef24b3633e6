//! A text of a configuration with parts of a credential in it.

use crate::diagnostics::{Argument, capitalized};
use crate::template::{Template, literal_credential};
use crate::terraform::{Diagnostics, Node};

/// Reads it. `None` where it is no template, or holds a password as it stands, which is reported; `more` is added to the advice.
pub fn templated(node: &Node<'_>, text: &str, more: &str, problems: &mut Diagnostics) -> Option<Template> {
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            node.report_not(problems, "a template", format!("{}.", capitalized(&error.to_string())));
            return None;
        }
    };
    if literal_credential(&template) {
        node.report(problems, |argument| Argument::PlainCredential {
            argument,
            what: "password".into(),
            advice: format!("Write the password as a part, such as {{{{ value | urlencode }}}}.{more}").into(),
        });
        return None;
    }
    Some(template)
}
