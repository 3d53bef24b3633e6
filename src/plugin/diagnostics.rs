//! Diagnostics and paths as wire messages. The last place where a secret could slip into a message, so texts are redacted
//! here, and freed of what a terminal would act on.

use super::wire::tfplugin6 as wire;
use crate::diagnostics::Severity;
use crate::secret::shown;
use crate::terraform::path::Step;
use crate::terraform::{Block, BlockNesting, Diagnostic, Diagnostics, Path};

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
        summary: shown(&shortened(diagnostic.clone().placed().summary.clone())),
        detail: shown(&shortened(diagnostic.detail.clone())),
        attribute: Some(&diagnostic.path).filter(|path| !path.steps().is_empty()).map(path),
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

/// Puts what concerns a part of an attribute at the longest path for which Terraform finds a line, and names the part in the
/// summary. With more steps Terraform looks for a block of that name, finds none, and shows the first line of the resource.
pub(super) fn located(diagnostics: Diagnostics, block: &Block) -> Diagnostics {
    diagnostics.map(|diagnostic| {
        let path = locatable(&diagnostic.path, block);
        if path == diagnostic.path {
            return diagnostic;
        }
        diagnostic.placed().at(path)
    })
}

/// The path through nested blocks to an attribute, and to an element of it.
fn locatable(path: &Path, block: &Block) -> Path {
    let (mut block, mut length) = (block, 0);
    while let [Step::Attribute(name), rest @ ..] = path.steps().get(length..).unwrap_or_default() {
        length += 1;
        let nested = block.blocks.iter().find(|nested| nested.name == *name);
        let Some(nested) = nested else {
            let element = matches!(rest, [Step::Key(_) | Step::Index(_), ..]);
            length += usize::from(element);
            break;
        };
        if nested.nesting == BlockNesting::Map && !rest.is_empty() {
            length += 1;
        }
        block = &nested.block;
    }
    path.first(length)
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
    use crate::diagnostics::{Argument, Configuration};
    use crate::terraform::{Attribute, NestedBlock, Type};

    #[test]
    fn a_terminal_finds_nothing_to_act_on() {
        let detail = "See https://github.com/\u{1b}]0;title\u{7}\u{202e}.\nThe next line.";
        let shown = one(&Diagnostic::new(
            Path::root(),
            Argument::RequiredBecause {
                argument: "x\u{1b}[2J".to_owned(),
                why: detail.into(),
            },
        ));
        assert_eq!(shown.summary, "x�[2J is required");
        assert_eq!(shown.detail, "See https://github.com/�]0;title�.\nThe next line.");
    }

    #[test]
    fn a_path_ends_where_terraform_still_finds_a_line() {
        let attributes = |name| vec![Attribute::optional(name, Type::Dynamic, "")];
        let block = Block {
            attributes: [attributes("source"), attributes("targets")].concat(),
            blocks: [("revoke", BlockNesting::Single), ("connection", BlockNesting::Map)]
                .map(|(name, nesting)| NestedBlock {
                    name,
                    nesting,
                    block: Block {
                        attributes: attributes("token"),
                        ..Block::default()
                    },
                })
                .into(),
            ..Block::default()
        };
        let app = |path: Path| path.then_attribute("fly_secret").then_attribute("app");
        let label = Path::attribute("connection").then_key("main");
        let token = label.then_attribute("token");
        let target = Path::attribute("targets").then_key("web");
        let first = Path::attribute("targets").then_index(0);
        for (whole, kept) in [
            (Path::root(), Path::root()),
            (Path::attribute("source"), Path::attribute("source")),
            (app(Path::attribute("source")), Path::attribute("source")),
            (target.clone(), target.clone()),
            (app(target.clone()), target),
            (app(first.clone()), first),
            (
                app(Path::attribute("revoke").then_attribute("token")),
                Path::attribute("revoke").then_attribute("token"),
            ),
            (Path::attribute("connection"), Path::attribute("connection")),
            (label.clone(), label),
            (app(token.clone()), token),
        ] {
            let error = Diagnostic::new(whole.clone(), Configuration::LabelCharacters);
            let summary = error.summary.clone();
            let located = located(error.into(), &block);
            let sent = one(located.iter().next().unwrap());
            assert_eq!(
                sent.attribute,
                Some(&kept).filter(|kept| **kept != Path::root()).map(path),
                "{whole}"
            );
            let place = if whole.steps().len() < 2 {
                String::new()
            } else {
                format!("{whole}: ")
            };
            assert_eq!(sent.summary, format!("{place}{summary}"));
        }
    }
}
