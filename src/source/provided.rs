//! Values that a person supplies, for vendors without a call that mints.
//!
//! The value stands beside `source`, at the top of the resource, in a write-only argument: Terraform hands it over and never stores
//! it. A new `value_wo_version` announces a new value, since a write-only value cannot be compared with an earlier one. A run that
//! needs no value works without it.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::generated::Unissued;
use super::{
    Credential, Issuance, Issuer, Maker, MintOrder, Minted, Source, SourceConfig, SourceKind, SourceTraits, Supplied,
};
use crate::address::Address;
use crate::call::{CallError, WritePermit};
use crate::connection::Link;
use crate::diagnostics::Argument;
use crate::part::{PREVIOUS, PartNames, VALUE};
use crate::secret::{Parts, Secret};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Type};

const NAME: &str = "provided";

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "A value that a person supplies, for vendors that create credentials only in their console.",
    api_docs: None,
    attributes,
    maker: Maker::Person,
    parts: &[VALUE],
    parts_of: |node| part_names(node, &mut Diagnostics::new()).map(Names::parts).known(),
    parse,
    revocable: false,
    offers: super::Offers::NOTHING,
    reach: None,
    issuer: |_, _| Ok(None),
    handle_of: |id| id,
    issuer_in_words: |_| "its vendor".to_owned(),
};

/// Names that mean something else in templates.
const RESERVED: [&str; 2] = [VALUE, PREVIOUS];

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "credential_id",
            Type::String,
            "The vendor's id of the value, such as the name of the key in its console. Notices use it to say which credential to revoke. \
             Change it together with `value_wo_version`.",
        ),
        Attribute::optional(
            "part_names",
            Type::List(Box::new(Type::String)),
            "The names of the parts of a credential that has several, such as `[\"key_id\", \"secret\"]`. Supply their values in \
             `parts_wo`. Default: one part, `value`, supplied in `value_wo`.",
        ),
    ]
}

/// The names of the parts.
enum Names {
    /// One part: `value_wo`.
    Sole,
    /// `part_names`: `parts_wo`.
    Listed(Vec<String>),
}

impl Names {
    fn parts(self) -> PartNames {
        match self {
            Self::Sole => [VALUE].into_iter().collect(),
            Self::Listed(names) => names.iter().map(String::as_str).collect(),
        }
    }
}

/// What this run was handed.
enum Given {
    /// No value.
    Nothing,
    /// A value that is known only in the apply.
    Later,
    /// The value.
    Now(Parts),
}

struct Config {
    parts: PartNames,
    given: Given,
    version: u64,
    credential_id: Option<String>,
}

fn parse(node: &Node<'_>, root: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    let names = part_names(node, problems).known();
    let given = given(node, root, names.as_ref(), problems);
    let version = version(&root.attr("value_wo_version"), problems);
    let id_node = node.attr("credential_id");
    let credential_id = credential_id(&id_node, problems).optional()?;
    let given = given?;
    if let Some(value) = credential_id.as_ref().and_then(|id| given.repeated_in(id)) {
        id_node.report(problems, |argument| Argument::CannotBeUsed {
            argument,
            why: format!(
                "It has eight or more characters in a row in common with {value}. State and plans show the id, so it must not contain any \
                 part of the value. Use another name, such as the one that the vendor's console shows for the credential."
            )
            .into(),
        });
        return None;
    }
    Some(Box::new(Config {
        parts: names?.parts(),
        given,
        version: version.known()?,
        credential_id,
    }))
}

impl Given {
    /// The argument whose value a text repeats, where the value is at hand.
    fn repeated_in(&self, text: &str) -> Option<String> {
        let Self::Now(parts) = self else { return None };
        let repeated = |name: &&str| parts.get(name).is_some_and(|value| value.is_repeated_in(text));
        let name = parts.names().find(repeated)?;
        Some(match name {
            VALUE => "value_wo".to_owned(),
            name => format!("parts_wo[{name:?}]"),
        })
    }
}

/// It is shown in lines of text.
fn credential_id(node: &Node<'_>, problems: &mut Diagnostics) -> Field<String> {
    node.string(problems).and_then_checked(|id| {
        let fits = id.trim().len() == id.len() && !id.contains(char::is_control);
        if !fits {
            node.report_not(problems, "the id of a credential", "It contains a line break or another control character, or begins or ends with a space. Use trimspace().");
        }
        fits.then_some(id)
    })
}

fn version(node: &Node<'_>, problems: &mut Diagnostics) -> Field<u64> {
    match node.integer(0, u64::from(u32::MAX), problems) {
        Field::Absent => {
            node.report(problems, |argument| Argument::RequiredBecause {
                argument,
                why: "Terraform does not store the value of the source provided, so the version announces a new one. Set it to 1, and raise \
                      it with every new value."
                    .into(),
            });
            Field::Unknown
        }
        version => version,
    }
}

fn part_names(node: &Node<'_>, problems: &mut Diagnostics) -> Field<Names> {
    let node = node.attr("part_names");
    let listed = node.strings(problems).and_then_checked(|names| {
        let mistake = part_names_mistake(&names);
        if let Some(mistake) = &mistake {
            node.report(problems, |argument| Argument::CannotBeUsed {
                argument,
                why: mistake.clone().into(),
            });
        }
        mistake.is_none().then_some(Names::Listed(names))
    });
    match listed {
        Field::Absent => Field::Known(Names::Sole),
        names => names,
    }
}

fn part_names_mistake(names: &[String]) -> Option<String> {
    if names.is_empty() {
        return Some("It is empty. Name the parts, or remove it for a credential of one value.".to_owned());
    }
    let identifier = |name: &str| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    if let Some(wrong) = names.iter().find(|name| !identifier(name)) {
        let rule = "The name of a part has letters, digits and underscores, and does not begin with a digit";
        return Some(format!("{rule}: {wrong:?} does not fit."));
    }
    if let Some(word) = names.iter().find(|name| RESERVED.contains(&name.as_str())) {
        return Some(format!(
            "{word:?} has a special meaning in templates. Choose another name for the part."
        ));
    }
    let earlier = |(at, name): &(usize, &String)| names.iter().take(*at).any(|before| before == *name);
    let twice = names.iter().enumerate().find(earlier);
    twice.map(|(_, name)| format!("It lists {name:?} twice."))
}

/// The value of this run. `None` when something about it is wrong, which is reported, or when the names of the parts are not known.
fn given(node: &Node<'_>, root: &Node<'_>, names: Option<&Names>, problems: &mut Diagnostics) -> Option<Given> {
    let (value, parts) = (root.attr("value_wo"), root.attr("parts_wo"));
    if value.is_set() && parts.is_set() {
        parts.report(problems, |argument| Argument::Conflict {
            argument,
            other: value.path().to_string().into(),
            advice: "If the credential has one value, use value_wo. If it has several, use parts_wo, and list their names in part_names."
                .into(),
        });
        return None;
    }
    match names? {
        Names::Sole if parts.is_set() => {
            parts.report_needs(problems, node.attr("part_names").path().to_string(), "Terraform does not store parts_wo, so the names of the parts must be listed as well. Set part_names = [\"…\", \"…\"] \
                      in the source.");
            None
        }
        Names::Listed(_) if value.is_set() => {
            value.report(problems, |argument| Argument::Conflict {
                argument,
                other: node.attr("part_names").path().to_string().into(),
                advice: "Supply the parts as parts_wo, a map from the names in part_names to their values, or remove part_names.".into(),
            });
            None
        }
        Names::Sole => match supplied(&value, problems) {
            Field::Absent => Some(Given::Nothing),
            Field::Known(secret) => Some(Given::Now(Parts::single(VALUE, secret))),
            Field::Unknown => value.is_unknown().then_some(Given::Later),
        },
        Names::Listed(names) => supplied_parts(&parts, names, problems),
    }
}

/// One value, without the white space around it that would come along unnoticed.
fn supplied(node: &Node<'_>, problems: &mut Diagnostics) -> Field<Secret> {
    node.secret(problems).and_then_checked(|value| {
        #[expect(clippy::disallowed_methods, reason = "only its length is looked at")]
        let trimmed = value.expose().trim().len() == value.len();
        if !trimmed {
            node.report(problems, |argument| Argument::CannotBeUsed {
                argument,
                why: "It begins or ends with white space, most likely a line break that was copied with it. Use trimspace() or chomp(). If \
                      the value must end in a line break, as an SSH key must, supply it without one and set template = \"{{ value }}\\n\" \
                      in the target."
                    .into(),
            });
        }
        trimmed.then_some(value)
    })
}

/// `parts_wo`, whose keys must be those of `part_names`. A part that is null leaves the credential incomplete, so that nothing is at hand.
fn supplied_parts(node: &Node<'_>, names: &[String], problems: &mut Diagnostics) -> Option<Given> {
    if node.is_null() {
        return Some(Given::Nothing);
    }
    if node.is_unknown() {
        return Some(Given::Later);
    }
    if node.value().as_map().is_none() {
        // Reports that it is no map.
        return node.string_map(problems).known().and(None);
    }
    let elements = node.elements();
    let find = |name: &String| elements.iter().find(|(key, _)| key == name).map(|(_, element)| element);
    let missing = names.iter().filter(|name| find(name).is_none());
    let undeclared = elements
        .iter()
        .filter(|(key, element)| !element.is_null() && !names.iter().any(|name| name == key));
    let mut differences: Vec<String> = missing.map(|name| format!("{name} is missing")).collect();
    differences.extend(undeclared.map(|(key, _)| format!("{key} is not in part_names")));
    if !differences.is_empty() {
        node.report(problems, |argument| Argument::CannotBeUsed {
            argument,
            why: format!(
                "Its keys are not the names in part_names: {}. Use the same in both.",
                differences.join(", ")
            )
            .into(),
        });
        return None;
    }
    let mut parts = Parts::default();
    let (mut complete, mut later, mut right) = (true, false, true);
    for (name, element) in names.iter().filter_map(|name| Some((name, find(name)?))) {
        match supplied(element, problems) {
            Field::Known(secret) => parts = parts.with(name, secret),
            Field::Absent => complete = false,
            Field::Unknown if element.is_unknown() => later = true,
            Field::Unknown => right = false,
        }
    }
    right.then_some(match (complete, later) {
        (false, _) => Given::Nothing,
        (true, true) => Given::Later,
        (true, false) => Given::Now(parts),
    })
}

impl Config {
    fn at_hand(&self) -> bool {
        !matches!(self.given, Given::Nothing)
    }
}

impl Config {
    /// Whether it is supplied as `value_wo`.
    fn is_one_value(&self) -> bool {
        self.parts.sole().is_some_and(|sole| sole.as_str() == VALUE)
    }
}

impl SourceConfig for Config {
    fn issuer(&self) -> Address {
        Address::new(NAME, "")
    }

    fn traits(&self) -> SourceTraits {
        SourceTraits {
            issuance: Issuance::Fresh { at_most: None },
            lists: false,
            revocable: false,
            reveals: self.at_hand(),
            // The configuration holds one value, the newest.
            reveals_superseded: false,
            generated: false,
        }
    }

    fn parts(&self) -> PartNames {
        self.parts.clone()
    }

    fn in_words(&self) -> String {
        let value = match self.is_one_value() {
            true => "supplied value".to_owned(),
            false => format!("supplied value of {}", self.parts),
        };
        let id = self.credential_id.iter().map(|id| format!(" ({id})"));
        format!("{value}, version {}{}", self.version, id.collect::<String>())
    }

    fn supplied(&self) -> Option<Supplied<'_>> {
        Some(Supplied {
            version: self.version,
            credential_id: self.credential_id.as_deref(),
            at_hand: self.at_hand(),
            parts: match &self.given {
                Given::Now(parts) => Some(parts),
                Given::Nothing | Given::Later => None,
            },
        })
    }

    /// The version alone: it announces a new value, and the id is what is recorded of it.
    fn fingerprint(&self) -> String {
        serde_json::json!({ "value_wo_version": self.version }).to_string()
    }

    fn what_changed(&self, before: &str) -> String {
        let before: Option<serde_json::Value> = serde_json::from_str(before).ok();
        let version = before.as_ref().and_then(|before| before.get("value_wo_version"));
        match version {
            Some(version) => format!("value_wo_version changed from {version} to {}", self.version),
            None => format!("value_wo_version changed to {}", self.version),
        }
    }

    fn connect(&self, _link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        Ok(Box::new(Provided {
            parts: match &self.given {
                Given::Now(parts) => Some(parts.share()),
                Given::Nothing | Given::Later => None,
            },
            argument: if self.is_one_value() { "value_wo" } else { "parts_wo" },
            credential_id: self.credential_id.clone(),
        }))
    }
}

struct Provided {
    /// What is at hand.
    parts: Option<Parts>,
    /// Where it would have to be.
    argument: &'static str,
    credential_id: Option<String>,
}

impl Provided {
    fn minted(&self) -> Option<Minted> {
        let parts = self.parts.as_ref()?.share();
        let credential = self.credential_id.clone().map(|id| Credential::known_by(id, None));
        Some(Minted {
            credential,
            parts,
            public: BTreeMap::new(),
        })
    }
}

impl Unissued for Provided {}

#[async_trait]
impl Source for Provided {
    fn issuer(&self) -> &dyn Issuer {
        self
    }

    async fn inspect(&self) -> Result<(), CallError> {
        Ok(())
    }

    async fn mint(&self, _order: &MintOrder, _permit: &WritePermit) -> Result<Minted, CallError> {
        self.minted().ok_or_else(|| {
            let missing = format!(
                "{} is not set. Terraform does not store the value: set the ephemeral variable (TF_VAR_…) or the ephemeral resource that \
                 it comes from, and apply again",
                self.argument
            );
            CallError::refused("this configuration", "taking the supplied value", &missing)
        })
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
