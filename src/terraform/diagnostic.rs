//! Errors and warnings as Terraform shows them.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::path::Path;

/// How serious a diagnostic is (tfplugin6 `Diagnostic.Severity`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The operation fails.
    Error,
    /// The user should know, the operation goes on.
    Warning,
}

/// One error or warning, at an attribute where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// One line: what failed.
    pub summary: String,
    /// What exists now, and what to do next.
    pub detail: String,
    /// The attribute that it concerns; the root means the whole block.
    pub path: Path,
}

impl Diagnostic {
    /// An error.
    pub fn error(path: Path, summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            path,
        }
    }

    /// A warning.
    pub fn warning(path: Path, summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            summary: summary.into(),
            detail: detail.into(),
            path,
        }
    }
}

/// Most errors, and most warnings, that are kept: nobody reads on, and each costs memory and a comparison.
const MOST: usize = 100;

/// Diagnostics in the order in which they were found; an equal one is kept once. Of more than 100 errors, or warnings, the first
/// are kept and the others counted; the last diagnostic then says how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    kept: Vec<Diagnostic>,
    /// Those that are not kept: enough to count each once.
    further: BTreeSet<(Severity, u64)>,
}

impl Diagnostics {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, unless the same is there already.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let severity = diagnostic.severity;
        // Short, however many come.
        if self.kept.contains(&diagnostic) {
            return;
        }
        if self.kept.iter().filter(|kept| kept.severity == severity).count() < MOST {
            self.kept.push(diagnostic);
        } else {
            self.further.insert((severity, digest(&diagnostic)));
        }
    }

    /// Adds an error.
    pub fn error(&mut self, path: Path, summary: impl Into<String>, detail: impl Into<String>) {
        self.push(Diagnostic::error(path, summary, detail));
    }

    /// Adds a warning.
    pub fn warning(&mut self, path: Path, summary: impl Into<String>, detail: impl Into<String>) {
        self.push(Diagnostic::warning(path, summary, detail));
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: Self) {
        for diagnostic in others.kept {
            self.push(diagnostic);
        }
        self.further.extend(others.further);
    }

    /// Each of them as `change` makes it.
    #[must_use]
    pub fn map(self, change: impl Fn(Diagnostic) -> Diagnostic) -> Self {
        let mut changed = Self {
            kept: Vec::new(),
            further: self.further,
        };
        for diagnostic in self.kept {
            changed.push(change(diagnostic));
        }
        changed
    }

    /// Whether there is an error among them.
    pub fn has_errors(&self) -> bool {
        self.kept
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Those that are kept.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.kept.iter()
    }

    /// What stands for those of `severity` that are not kept.
    fn others(&self, severity: Severity) -> Option<Diagnostic> {
        let others = self.further.iter().filter(|(of, _)| *of == severity).count();
        let noun = match (severity, others) {
            (_, 0) => return None,
            (Severity::Error, 1) => "error",
            (Severity::Error, _) => "errors",
            (Severity::Warning, 1) => "warning",
            (Severity::Warning, _) => "warnings",
        };
        Some(Diagnostic {
            severity,
            summary: format!("And {others} more {noun}"),
            detail: format!(
                "The first {MOST} are shown. Correct these, then run the same command again to see the rest."
            ),
            path: Path::root(),
        })
    }
}

/// Tells diagnostics apart where a mistake would make a count wrong and nothing else.
fn digest(diagnostic: &Diagnostic) -> u64 {
    let mut hasher = DefaultHasher::new();
    diagnostic.hash(&mut hasher);
    hasher.finish()
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        let mut all = Self::new();
        all.push(diagnostic);
        all
    }
}

/// Those that are kept, then how many more there are.
impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(mut self) -> Self::IntoIter {
        let others = [Severity::Error, Severity::Warning].map(|severity| self.others(severity));
        self.kept.extend(others.into_iter().flatten());
        self.kept.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(at: usize) -> Diagnostic {
        Diagnostic::warning(Path::root(), format!("{at} is odd"), "Look at it.")
    }

    #[test]
    fn of_very_many_the_first_are_kept_and_the_others_counted_once() {
        let many = || {
            let mut many = Diagnostics::new();
            (0..100_000).for_each(|at| many.push(warning(at)));
            many
        };
        let mut all = many();
        // The same again, in either way, is nothing new.
        all.extend(many());
        all.push(warning(7));
        all.push(warning(70_000));
        let summaries: Vec<String> = all.clone().into_iter().map(|one| one.summary).collect();
        assert_eq!(summaries.len(), MOST + 1);
        assert_eq!(summaries[MOST - 1], "99 is odd");
        assert_eq!(summaries[MOST], "And 99900 more warnings");
        let moved = all.map(|one| Diagnostic {
            path: Path::attribute("a"),
            ..one
        });
        assert_eq!(
            moved.iter().filter(|one| one.path == Path::attribute("a")).count(),
            MOST
        );
        assert_eq!(moved.into_iter().last().unwrap().summary, "And 99900 more warnings");
    }

    #[test]
    fn no_number_of_warnings_hides_an_error() {
        let mut all = Diagnostics::new();
        (0..=MOST).for_each(|at| all.push(warning(at)));
        assert!(!all.has_errors());
        all.error(Path::root(), "It fails", "Do something.");
        assert!(all.has_errors());
        let summaries: Vec<String> = all.into_iter().skip(MOST).map(|one| one.summary).collect();
        assert_eq!(summaries, ["It fails", "And 1 more warning"]);
    }
}
