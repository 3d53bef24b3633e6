//! Diagnostics and paths as wire messages. The last place where a secret could slip into a message, so texts are redacted here.

use super::wire::tfplugin6 as wire;
use crate::secret::redact;
use crate::terraform::path::Step;
use crate::terraform::{Diagnostic, Diagnostics, Path, Severity};

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
        summary: redact(&diagnostic.summary),
        detail: redact(&diagnostic.detail),
        attribute: Some(&diagnostic.path).filter(|path| !path.steps().is_empty()).map(path),
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
