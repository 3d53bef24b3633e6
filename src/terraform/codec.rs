//! What the codecs share: the error that says where a value is malformed, and never what it holds.

use super::path::Path;

/// How deep a value may nest, counted from the root of its block, and the type of a dynamic value. Terraform has no such bound.
/// It is low enough for the JSON parser, which allows 128 levels, to read every state that was ever accepted.
pub(super) const DEEPEST: usize = 32;

/// A dynamic value says its real type, or it would nest without a step in its path.
pub(super) const DYNAMIC_ITSELF: &str = "the type of a dynamic value cannot be dynamic itself";

/// A value that cannot be read or written as its type demands. The text names the place and the kinds, never the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", place(path))]
pub struct CodecError {
    /// Where in the value.
    pub path: Path,
    /// What is wrong there.
    pub problem: String,
}

/// The place of a value while it is read or written. It borrows, since a path is needed for an error alone.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    above: Option<(&'a Self, Part<'a>)>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Attribute(&'a str),
    Key(&'a str),
    Index(i64),
}

impl<'a> Place<'a> {
    /// The whole value.
    pub(super) const ROOT: Place<'static> = Place { above: None, depth: 0 };

    /// One attribute deeper.
    pub(super) fn attribute(&'a self, name: &'a str) -> Self {
        self.then(Part::Attribute(name))
    }

    /// One map element deeper.
    pub(super) fn key(&'a self, key: &'a str) -> Self {
        self.then(Part::Key(key))
    }

    /// One list element deeper.
    pub(super) fn index(&'a self, index: i64) -> Self {
        self.then(Part::Index(index))
    }

    /// How many steps it is from the root.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn path(&self) -> Path {
        let Some((above, part)) = self.above else {
            return Path::root();
        };
        let above = above.path();
        match part {
            Part::Attribute(name) => above.then_attribute(name),
            Part::Key(key) => above.then_key(key),
            Part::Index(index) => above.then_index(index),
        }
    }

    /// An error here.
    pub(super) fn error(&self, problem: impl Into<String>) -> CodecError {
        CodecError::new(&self.path(), problem)
    }

    fn then(&'a self, part: Part<'a>) -> Self {
        Self {
            above: Some((self, part)),
            depth: self.depth + 1,
        }
    }
}

impl CodecError {
    /// An error at `path`.
    pub fn new(path: &Path, problem: impl Into<String>) -> Self {
        Self {
            path: path.clone(),
            problem: problem.into(),
        }
    }
}

fn place(path: &Path) -> String {
    if path.steps().is_empty() {
        String::new()
    } else {
        format!("{path}: ")
    }
}
