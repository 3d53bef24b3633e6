//! Errors and warnings as Terraform shows them.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Deref;

use super::path::Path;
use crate::diagnostics::{Argument, Message, Severity};

/// One error or warning of the catalogue, at an attribute where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// The attribute that it concerns; the root means the whole block.
    pub path: Path,
    message: Message,
}

impl Deref for Diagnostic {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.message
    }
}

impl From<Diagnostic> for Message {
    fn from(diagnostic: Diagnostic) -> Self {
        diagnostic.message
    }
}

impl Diagnostic {
    /// What `message` says, of the attribute at `path`.
    pub fn new(path: Path, message: impl Into<Message>) -> Self {
        let message = message.into();
        Self { path, message }
    }

    /// The same of another attribute.
    #[must_use]
    pub fn at(self, path: Path) -> Self {
        Self { path, ..self }
    }

    /// The same with its place in the summary, where Terraform cannot show it: it finds no line for what is nested in an attribute.
    #[must_use]
    pub fn placed(self) -> Self {
        if self.path.steps().len() < 2 {
            return self;
        }
        let place = self.path.to_string();
        Self {
            message: self.message.placed(&place),
            ..self
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

    /// Adds what `message` says of the attribute at `path`.
    pub fn report(&mut self, path: Path, message: impl Into<Message>) {
        self.push(Diagnostic::new(path, message));
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
        let count = self.further.iter().filter(|(of, _)| *of == severity).count();
        let others = match severity {
            _ if count == 0 => return None,
            Severity::Error => Argument::MoreErrors { count, shown: MOST },
            Severity::Warning => Argument::MoreWarnings { count, shown: MOST },
        };
        Some(Diagnostic::new(Path::root(), others))
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
    use crate::diagnostics::Text;

    struct Odd(Severity, String);

    impl Text for Odd {
        fn severity(&self) -> Severity {
            self.0
        }

        fn summary(&self) -> String {
            self.1.clone()
        }

        fn detail(&self) -> String {
            "Look at it.".to_owned()
        }
    }

    fn warning(at: usize) -> Diagnostic {
        Diagnostic::new(Path::root(), Odd(Severity::Warning, format!("{at} is odd")))
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
        let summaries: Vec<String> = all.clone().into_iter().map(|one| one.summary.clone()).collect();
        assert_eq!(summaries.len(), MOST + 1);
        assert_eq!(summaries[MOST - 1], "99 is odd");
        assert_eq!(summaries[MOST], "And 99900 more warnings");
        let moved = all.map(|one| one.at(Path::attribute("a")));
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
        all.report(Path::root(), Odd(Severity::Error, "It fails".to_owned()));
        assert!(all.has_errors());
        let summaries: Vec<String> = all.into_iter().skip(MOST).map(|one| one.summary.clone()).collect();
        assert_eq!(summaries, ["It fails", "And 1 more warning"]);
    }
}
