//! Diagnostics and paths as wire messages. The last place where a secret could slip into a message, so texts are redacted
//! here, and freed of what a terminal would act on.

use super::wire::tfplugin6 as wire;
use crate::secret::shown;
use crate::terraform::path::Step;
use crate::terraform::{Block, Diagnostic, Diagnostics, Path, Severity};

/// All of `diagnostics`, in their order.
pub(super) fn to_wire(diagnostics: Diagnostics) -> Vec<wire::Diagnostic> {
    diagnostics.into_iter().map(|diagnostic| one(&diagnostic)).collect()
}

fn one(diagnostic: &Diagnostic) -> wire::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => wire::diagnostic::Severity::Error,
        Severity::Warning => wire::diagnostic::Severity::Warning,
    };
    wire::Diagnostic {
        severity: severity.into(),
        summary: shown(&shortened(placed(diagnostic))),
        detail: shown(&shortened(diagnostic.detail.clone())),
        attribute: Some(&diagnostic.path)
            .filter(|path| !path.steps().is_empty())
            .map(|whole| path(&locatable(whole))),
    }
}

/// Longest text of a diagnostic, in characters. Texts repeat what users wrote, such as a key of a map.
const LONGEST: usize = 16_000;

/// The text, cut where nobody reads on.
fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push_str(" … (cut)");
    }
    text
}

/// The summary, with the place where Terraform cannot show it: it finds no line for what is nested in an attribute.
fn placed(diagnostic: &Diagnostic) -> String {
    let Diagnostic { path, summary, .. } = diagnostic;
    let place = path.to_string();
    if path.steps().len() < 2 || summary.contains(&place) {
        summary.clone()
    } else {
        format!("{place}: {summary}")
    }
}

/// Puts what concerns a part of an object attribute at the whole attribute, and names the part in the summary: Terraform looks
/// for a block of that name, finds none, and would show the resource's first line.
pub(super) fn located(diagnostics: Diagnostics, block: &Block) -> Diagnostics {
    diagnostics.map(|diagnostic| match diagnostic.path.steps() {
        [Step::Attribute(name), Step::Attribute(_), ..] if block.attributes.iter().any(|known| known.name == *name) => {
            Diagnostic {
                summary: placed(&diagnostic),
                path: Path::attribute(name),
                ..diagnostic
            }
        }
        _ => diagnostic,
    })
}

/// The part of a path for which Terraform finds a line: an element of a top-level map, but nothing below it. With more
/// steps it falls back on the whole resource.
fn locatable(path: &Path) -> Path {
    match path.steps() {
        [Step::Attribute(name), Step::Key(key), ..] => Path::attribute(name).then_key(key),
        _ => path.clone(),
    }
}

/// A path, from which Terraform finds the source line.
pub(super) fn path(path: &Path) -> wire::AttributePath {
    use wire::attribute_path::step::Selector;
    let selector = |step: &Step| match step {
        Step::Attribute(name) => Selector::AttributeName(name.clone()),
        Step::Key(key) => Selector::ElementKeyString(key.clone()),
        Step::Index(index) => Selector::ElementKeyInt(*index),
    };
    let steps = path.steps().iter().map(|step| wire::attribute_path::Step {
        selector: Some(selector(step)),
    });
    wire::AttributePath { steps: steps.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_finds_nothing_to_act_on() {
        let detail = "See https://github.com/\u{1b}]0;title\u{7}\u{202e}.\nThe next line.";
        let shown = one(&Diagnostic::error(Path::root(), "x\u{1b}[2J failed", detail));
        assert_eq!(shown.summary, "x�[2J failed");
        assert_eq!(shown.detail, "See https://github.com/�]0;title�.\nThe next line.");
    }
}
