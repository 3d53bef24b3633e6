//! Values that a person supplies, for vendors without a call that mints.
//!
//! The value is a write-only argument: Terraform hands it over and never stores it. A new value is taken when
//! `value_wo_version` changes, since a write-only value cannot be compared with an earlier one.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::generated::Unissued;
use super::{Credential, MintOrder, Minted, Source, SourceConfig, SourceKind, SourceTraits};
use crate::address::Address;
use crate::call::{CallError, WritePermit};
use crate::connection::Connections;
use crate::secret::{Parts, Secret};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Origin, Type};

const NAME: &str = "provided";

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "A value that a person supplies, for vendors that mint only in their console.",
    api_docs: None,
    attributes,
    parts: &["value"],
    parse,
    revocable: false,
    place: super::nowhere,
    issuer: |_, _| Ok(None),
};

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "value_wo",
            Type::String,
            "Required. The value; write-only, so it is never in state or plan.",
        )
        .write_only(),
        Attribute::required(
            "value_wo_version",
            Type::Number,
            "Raise it with every new value: that is what rotates.",
        ),
        Attribute::optional(
            "credential_id",
            Type::String,
            "The vendor's handle of the value, for the record.",
        ),
    ]
}

struct Config {
    value: Option<Secret>,
    version: u64,
    credential_id: Option<String>,
}

fn parse(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    let wo = node.attr("value_wo");
    let mut value = wo.secret(problems);
    if node.origin() == Origin::Configuration && matches!(value, Field::Absent) {
        problems.error(
            wo.path().clone(),
            format!("{} is required", wo.path()),
            "Terraform keeps no write-only value, so every plan and apply must be given it: set the ephemeral variable \
             (TF_VAR_…) or the ephemeral resource that it comes from.",
        );
        value = Field::Unknown;
    }
    let value = value.and_then_checked(|value| {
        #[expect(clippy::disallowed_methods, reason = "only its length is looked at")]
        let trimmed = value.expose().trim().len() == value.len();
        if !trimmed {
            problems.error(
                wo.path().clone(),
                format!("{} begins or ends with white space", wo.path()),
                "It is most likely a line break that came along. Use trimspace() or chomp().",
            );
        }
        trimmed.then_some(value)
    });
    let version = node.attr("value_wo_version").integer(0, u64::from(u32::MAX), problems);
    let version = node.attr("value_wo_version").required(version, problems);
    let credential_id = node.attr("credential_id").string(problems);
    // An unknown value is decided at apply; until then the rest is known.
    let value = match value {
        Field::Known(value) => Some(value),
        Field::Absent => None,
        Field::Unknown => return None,
    };
    Some(Box::new(Config {
        value,
        version: version.known()?,
        credential_id: credential_id.optional()?,
    }))
}

impl SourceConfig for Config {
    fn issuer(&self) -> Address {
        Address::new(NAME, "")
    }

    fn traits(&self) -> SourceTraits {
        SourceTraits {
            max_live: None,
            replaces: false,
            lists: false,
            revocable: false,
            reveals: self.value.is_some(),
            // The configuration holds one value, the newest.
            reveals_superseded: false,
            generated: false,
        }
    }

    fn fingerprint(&self) -> String {
        format!("version {}", self.version)
    }

    fn what_changed(&self, before: &str) -> String {
        format!("{} after {before}", self.fingerprint())
    }

    fn connect(&self, _connections: &Connections) -> Result<Box<dyn Source>, Diagnostic> {
        Ok(Box::new(Provided {
            value: self.value.as_ref().map(Secret::share),
            credential_id: self.credential_id.clone(),
        }))
    }
}

struct Provided {
    value: Option<Secret>,
    credential_id: Option<String>,
}

impl Provided {
    fn minted(&self) -> Option<Minted> {
        let value = self.value.as_ref()?.share();
        let credential = self.credential_id.clone().map(|id| Credential {
            id,
            name: None,
            minted_at: None,
            expires_at: None,
        });
        Some(Minted {
            credential,
            parts: Parts::single("value", value),
            public: BTreeMap::new(),
        })
    }
}

impl Unissued for Provided {}

#[async_trait]
impl Source for Provided {
    async fn inspect(&self) -> Result<(), CallError> {
        Ok(())
    }

    async fn mint(&self, _order: &MintOrder, _permit: &WritePermit) -> Result<Minted, CallError> {
        let missing =
            "value_wo is null: give the value to this apply, for instance by TF_VAR_… or an ephemeral variable";
        self.minted()
            .ok_or_else(|| CallError::refused("this configuration", "taking the provided value", missing))
    }

    async fn reveal(&self, _credential: &Credential, _order: &MintOrder) -> Result<Option<Minted>, CallError> {
        Ok(self.minted())
    }

    /// What was supplied is at hand; what stands elsewhere is of use only where it is the same, or where nothing is at hand any more.
    async fn restore(&self, found: Parts, _order: &MintOrder) -> Result<Option<Minted>, CallError> {
        let supplied = self.minted();
        if supplied
            .as_ref()
            .is_some_and(|supplied| !found.agree_with(&supplied.parts))
        {
            return Ok(None);
        }
        Ok(Some(Minted {
            credential: supplied.and_then(|supplied| supplied.credential),
            parts: found,
            public: BTreeMap::new(),
        }))
    }
}
