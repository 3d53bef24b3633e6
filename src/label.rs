//! The mark that every credential of ours carries at its issuer: `<prefix>-rot-<12 of id>-g<generation>`.

use std::fmt;

/// Highest generation that a state may name. Six digits are kept free for it in the names of credentials.
pub const LARGEST_GENERATION: u64 = 999_999;

/// Longest prefix, in characters: with it a whole label has at most 153, which every issuer and target takes that names no smaller limit.
pub const LONGEST_PREFIX: usize = 128;

/// How many characters of a secret's id stand in its labels.
pub const ID_LENGTH: usize = 12;

/// A credential's name at its issuer. Whatever dies, a survey finds it by this.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// `label_prefix`, in the vendor's alphabet.
    pub prefix: String,
    /// The first [`ID_LENGTH`] characters of the secret's id.
    pub id: String,
    /// The generation that it marks.
    pub generation: u64,
}

impl Label {
    /// The label of one generation of the secret with this (whole or shortened) id.
    pub fn new(prefix: &str, id: &str, generation: u64) -> Self {
        Self {
            prefix: prefix.to_owned(),
            id: id.chars().take(ID_LENGTH).collect(),
            generation,
        }
    }

    /// Reads a label back from a vendor-side name; `None` when it is not of our form. An escrow entry in which nothing is parked yet is of
    /// generation 0.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, generation) = text.rsplit_once("-g")?;
        let (prefix, id) = head.rsplit_once("-rot-")?;
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let is_padded = generation.starts_with(['+', '0']) && generation != "0";
        if id.len() != ID_LENGTH || !id.chars().all(hex) || is_padded {
            return None;
        }
        Some(Self {
            prefix: prefix.to_owned(),
            id: id.to_owned(),
            generation: generation.parse().ok()?,
        })
    }

    /// Finds a label inside a longer text, such as a parameter's description.
    pub fn find(text: &str) -> Option<Self> {
        text.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')'))
            .find_map(Self::parse)
    }

    /// Whether it marks a credential of the secret with this id.
    pub fn belongs_to(&self, id: &str) -> bool {
        id.get(..ID_LENGTH) == Some(self.id.as_str())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-rot-{}-g{}", self.prefix, self.id, self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_survives_its_text() {
        let label = Label::new("molecule-cp-rotation", "0123456789abcdef0123456789abcdef", 12);
        assert_eq!(label.to_string(), "molecule-cp-rotation-rot-0123456789ab-g12");
        assert_eq!(Label::parse(&label.to_string()), Some(label.clone()));
        assert!(label.belongs_to("0123456789abcdef0123456789abcdef"));
        assert_eq!(Label::find(&format!("Managed by Terraform [{label}]")), Some(label));
    }

    #[test]
    fn the_mark_of_an_entry_without_a_generation_is_read_back() {
        let label = Label::new("t", "0123456789abcdef", 0);
        assert_eq!(Label::parse(&label.to_string()), Some(label));
    }

    #[test]
    fn what_is_not_ours_is_not_a_label() {
        for name in [
            "deploy",
            "x-rot-0123456789ab",
            "x-rot-0123456789AB-g1",
            "x-rot-0123-g1",
            "x-rot-0123456789ab-g01",
            "x-rot-0123456789ab-g00",
            "x-rot-0123456789ab-g+0",
            "x-rot-0123456789ab-g",
        ] {
            assert_eq!(Label::parse(name), None, "{name}");
        }
    }
}
