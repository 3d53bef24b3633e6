//! The place of a value inside a resource or provider block.

use std::fmt;

/// Longest part of a key that is shown, in characters.
const SHOWN: usize = 150;

/// One step of a [`Path`] (tfplugin6 `AttributePath.Step`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An attribute or block by name.
    Attribute(String),
    /// An element of a map.
    Key(String),
    /// An element of a list.
    Index(i64),
}

/// Where in the configuration a value stands; Terraform turns it into a source line.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

impl Path {
    /// The block itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of a top-level attribute.
    pub fn attribute(name: &str) -> Self {
        Self::root().then_attribute(name)
    }

    /// One attribute deeper.
    #[must_use]
    pub fn then_attribute(&self, name: &str) -> Self {
        self.then(Step::Attribute(name.to_owned()))
    }

    /// One map element deeper.
    #[must_use]
    pub fn then_key(&self, key: &str) -> Self {
        self.then(Step::Key(key.to_owned()))
    }

    /// One list element deeper.
    #[must_use]
    pub fn then_index(&self, index: i64) -> Self {
        self.then(Step::Index(index))
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The first steps, all of them when there are fewer than `length`.
    #[must_use]
    pub fn first(&self, length: usize) -> Self {
        Self(self.0.iter().take(length).cloned().collect())
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if at == 0 => write!(f, "{name}")?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => match key.char_indices().nth(SHOWN) {
                    Some((end, _)) => write!(f, "[{:?}…]", key.get(..end).unwrap_or_default())?,
                    None => write!(f, "[{key:?}]")?,
                },
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_in_hcl() {
        let path = Path::attribute("targets")
            .then_key("image_publish")
            .then_attribute("github_actions_secret");
        assert_eq!(path.to_string(), "targets[\"image_publish\"].github_actions_secret");
        assert_eq!(
            Path::attribute("expect_status").then_index(0).to_string(),
            "expect_status[0]"
        );
    }
}
