//! A target as configured.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::address::Address;
use crate::part::{PREVIOUS, PartName};
use crate::secret::{Parts, Secret};
use crate::source::key_set;
use crate::target::{Activation, TEMPLATE, TargetConfig, TargetKind};
use crate::template::Template;

/// Where credentials go.
pub struct TargetSpec {
    /// Its kind.
    pub kind: &'static TargetKind,
    /// Its arguments.
    pub config: Arc<dyn TargetConfig>,
    /// The name of its connection.
    pub connection: String,
    /// Its wave.
    pub wave: u64,
    /// What its entry holds of the credential.
    pub content: Content,
    /// Its entry outlives its configuration.
    pub keep: bool,
    /// What breaks while it alone lacks the new value.
    pub impact: Option<String>,
    /// How long its consumers may go on using the old value once it is delivered and activated.
    pub settle: SignedDuration,
    /// How long after it is live the next wave starts.
    pub lead: SignedDuration,
    /// A change of this makes the entry be written again.
    pub fingerprint: String,
}

/// What an entry holds of a credential.
pub enum Content {
    /// That part as it is.
    Part(PartName),
    /// A text with parts in it.
    Template {
        /// The text, as the user wrote it.
        template: Template,
        /// The parts that it uses.
        parts: BTreeSet<PartName>,
    },
}

impl Content {
    /// The parts that it is made of.
    pub fn parts(&self) -> BTreeSet<PartName> {
        match self {
            Self::Part(part) => BTreeSet::from([part.clone()]),
            Self::Template { parts, .. } => parts.clone(),
        }
    }

    /// The value as the entry holds it.
    ///
    /// # Errors
    /// A sentence: the credential lacks a part, or the part is empty.
    pub fn of(&self, parts: &Parts) -> Result<Secret, String> {
        match self {
            Self::Template { template, .. } => template.render(parts).map_err(|error| format!("{error}.")),
            Self::Part(part) => {
                let value = parts.get(part.as_str());
                let value =
                    value.ok_or_else(|| format!("The credential came without the part {:?}.", part.as_str()))?;
                if value.is_empty() {
                    let name = part.as_str();
                    return Err(format!(
                        "The part {name:?} is empty, and an empty value is never published."
                    ));
                }
                Ok(value.share())
            }
        }
    }

    /// The part that stands in the entry as it is.
    pub fn part(&self) -> Option<&PartName> {
        match self {
            Self::Part(part) => Some(part),
            Self::Template { .. } => None,
        }
    }

    /// Whether it has the value of the generation in it that lives beside the one that is delivered.
    pub fn has_previous(&self) -> bool {
        match self {
            Self::Part(_) => false,
            Self::Template { template, .. } => template.parts().iter().any(|part| part == PREVIOUS),
        }
    }

    /// Whether it is a text with parts in it, which gives none of them back.
    pub fn is_template(&self) -> bool {
        matches!(self, Self::Template { .. })
    }

    /// What a mark says of it; `None` for the part that marks leave unsaid.
    pub fn in_mark<'a>(&'a self, primary: Option<&PartName>) -> Option<&'a str> {
        match self {
            Self::Part(part) => Some(part).filter(|part| Some(*part) != primary).map(PartName::as_str),
            Self::Template { .. } => Some(TEMPLATE),
        }
    }
}

impl TargetSpec {
    /// Whether a run may make live what it has staged there. What the user stages goes live by the user.
    pub fn goes_live_by_us(&self) -> bool {
        self.config.traits().activation != Activation::Staged
    }

    /// Whether it holds the set of public keys, where its source has one.
    pub fn holds_public_keys(&self) -> bool {
        self.content.parts().iter().any(|part| part.as_str() == key_set::JWKS)
    }

    /// What it is written together with: its own slot when it is alone.
    pub fn batch(&self, slot: &Address) -> String {
        self.container(slot).unwrap_or_else(|| slot.to_string())
    }

    /// What it is written together with, be it of this secret or of another one that is applied at the same time. `None` where the
    /// vendor has no call for several entries. What different connections reach is never written together.
    pub fn container(&self, slot: &Address) -> Option<String> {
        let batch = self.config.batch()?;
        Some(format!("{} {batch}", slot.connection))
    }
}
