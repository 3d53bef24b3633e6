//! API keys of Neon: personal ones, an organization's, or an organization's for one project.
//!
//! Neon keeps a name with every key, so a lost mint is found again; names need not be unique and have no more than 64
//! characters. A revoked key is refused at once. Keys have no expiry, and their values are told only once. Only a personal
//! key can manage keys, so an organization's key cannot rotate itself. <https://neon.com/docs/manage/api-keys>

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::{
    Credential, Issuance, Issuer, Liveness, Maker, MintOrder, Minted, Offers, Source, SourceConfig, SourceKind,
    SourceTraits,
};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::Link;
use crate::connection::neon::{self, ApiKey, KeyHolder, Neon, NeonClient, SERVICE, identifier, is_identifier};
use crate::diagnostics::{Argument, StateProblem};
use crate::part::PartNames;
use crate::secret::Parts;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Path, Type};

const NAME: &str = "neon_api_key";

/// Longest `key_name` (schema `ApiKeyCreateRequest`).
const NAME_LIMIT: usize = 64;

/// Longer than the grain of a time of last use that is kept in whole seconds.
const GRAIN: Duration = Duration::from_millis(1100);

/// The locator of personal keys. An organization's id cannot contain a slash.
const PERSONAL: &str = "personal";

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "A Neon API key: personal, of an organization, or for one project of it.",
    api_docs: Some("https://neon.com/docs/manage/api-keys"),
    attributes,
    maker: Maker::Issuer,
    parts: &["key"],
    parts_of: |_| Some(KIND.declared_parts()),
    parse,
    revocable: true,
    offers: Offers {
        pages: false,
        proof_of_absence: false,
        liveness: true,
        names: true,
    },
    reach: Some(neon::VENDOR.reach()),
    issuer,
    issuer_in_words,
};

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "organization_id",
            Type::String,
            "The organization that the key is for. Default: a personal key. It takes an administrator's personal key to mint.",
        ),
        Attribute::optional(
            "project_id",
            Type::String,
            "The only project that the key gives access to; needs `organization_id`. Default: all projects.",
        ),
    ]
}

#[derive(Debug)]
struct Config {
    holder: KeyHolder,
    project_id: Option<String>,
}

fn parse(node: &Node<'_>, _root: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    let organization = identifier(&node.attr("organization_id"), problems);
    let project = identifier(&node.attr("project_id"), problems);
    if matches!(organization, Field::Absent) && node.attr("project_id").is_set() {
        node.attr("project_id").report(problems, |argument| Argument::Needs {
            argument,
            other: "organization_id".into(),
            why: "Neon limits only an organization's keys to a project. Set organization_id to the project's organization, or remove \
                  project_id for a personal key."
                .into(),
        });
        return None;
    }
    Some(Box::new(Config {
        holder: organization
            .optional()?
            .map_or(KeyHolder::Person, KeyHolder::Organization),
        project_id: project.optional()?,
    }))
}

fn issuer(address: &Address, link: &Link<'_>) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
    let holder = holder_at(&address.locator).ok_or_else(|| {
        let mistake = StateProblem::Address {
            address: address.to_string(),
            what: "a place where Neon API keys are issued".into(),
            expected: format!("{PERSONAL} or organization/<id>").into(),
        };
        Diagnostic::new(Path::root(), mistake)
    })?;
    let client = link.account::<Neon>()?.client()?;
    Ok(Some(Box::new(Keys {
        client,
        holder,
        project_id: None,
    })))
}

fn locator(holder: &KeyHolder) -> String {
    match holder {
        KeyHolder::Person => PERSONAL.to_owned(),
        KeyHolder::Organization(id) => format!("organization/{id}"),
    }
}

fn holder_at(locator: &str) -> Option<KeyHolder> {
    if locator == PERSONAL {
        return Some(KeyHolder::Person);
    }
    let id = locator.strip_prefix("organization/")?;
    is_identifier(id).then(|| KeyHolder::Organization(id.to_owned()))
}

fn issuer_in_words(address: &Address) -> String {
    let host = address.at_host();
    match holder_at(&address.locator) {
        Some(KeyHolder::Person) => format!("Neon account{host}"),
        Some(KeyHolder::Organization(id)) => format!("Neon organization {id}{host}"),
        None => address.to_string(),
    }
}

impl SourceConfig for Config {
    fn issuer(&self) -> Address {
        Address::new(NAME, locator(&self.holder))
    }

    fn traits(&self) -> SourceTraits {
        SourceTraits {
            issuance: Issuance::Fresh { at_most: None },
            lists: true,
            revocable: true,
            reveals: false,
            reveals_superseded: false,
            generated: true,
        }
    }

    fn label_limit(&self) -> Option<usize> {
        Some(NAME_LIMIT)
    }

    fn parts(&self) -> PartNames {
        KIND.declared_parts()
    }

    fn in_words(&self) -> String {
        match (&self.holder, &self.project_id) {
            (KeyHolder::Person, _) => "personal Neon API key".to_owned(),
            (KeyHolder::Organization(id), None) => format!("Neon API key for organization {id}"),
            (KeyHolder::Organization(id), Some(project)) => {
                format!("Neon API key for project {project} of organization {id}")
            }
        }
    }

    fn fingerprint(&self) -> String {
        let organization = match &self.holder {
            KeyHolder::Person => None,
            KeyHolder::Organization(id) => Some(id),
        };
        serde_json::json!({ "organization_id": organization, "project_id": self.project_id }).to_string()
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        Ok(Box::new(Keys {
            client: link.account::<Neon>()?.client()?,
            holder: self.holder.clone(),
            project_id: self.project_id.clone(),
        }))
    }
}

/// The keys of one holder; what is minted is limited to the project, where there is one.
struct Keys {
    client: NeonClient,
    holder: KeyHolder,
    project_id: Option<String>,
}

fn credential(key: &ApiKey) -> Credential {
    Credential {
        id: key.id.to_string(),
        name: Some(key.name.clone()),
        minted_at: key.created_at,
        expires_at: None,
    }
}

impl Keys {
    async fn key_now(&self, id: i64) -> Result<Option<ApiKey>, CallError> {
        let keys = self.client.keys_now(&self.holder).await?;
        Ok(keys.into_iter().find(|key| key.id == id))
    }

    /// Whether only keys of another kind can authenticate this run, or, the other way round, this key certainly does.
    async fn told_by_identity(&self, id: &str) -> Result<Option<bool>, CallError> {
        let Some(identity) = self.client.identity().await? else {
            return Ok(None);
        };
        let expected = match self.holder {
            KeyHolder::Person => "api_key_user",
            KeyHolder::Organization(_) => "api_key_org",
        };
        Ok(match identity.auth_method.as_deref() {
            None => None,
            Some(method) if method != expected => Some(false),
            Some(_) => (identity.auth_data.as_deref() == Some(id)).then_some(true),
        })
    }
}

#[async_trait]
impl Issuer for Keys {
    async fn survey(&self) -> Result<Vec<Credential>, CallError> {
        let keys = self.client.keys(&self.holder).await?;
        Ok(keys.iter().map(credential).collect())
    }

    async fn liveness(&self, id: &str) -> Result<Liveness, CallError> {
        let Ok(id) = id.parse() else {
            return Ok(Liveness::Dead);
        };
        let alive = self.key_now(id).await?.is_some();
        Ok(if alive { Liveness::Alive } else { Liveness::Dead })
    }

    /// Neon does not document a way to ask. The kind of the run's credential is told, which settles most cases. Otherwise
    /// the key's time of last use tells: when it moves while nothing but our own requests should be made, one of them (or
    /// somebody else's, at this very moment) carried the key, and it is left alone. Unverified: that Neon moves it at every
    /// request.
    async fn authenticates_this_run(&self, id: &str) -> Result<bool, CallError> {
        if let Some(told) = self.told_by_identity(id).await? {
            return Ok(told);
        }
        let Ok(number) = id.parse() else {
            return Ok(false);
        };
        let Some(before) = self.key_now(number).await? else {
            return Ok(false);
        };
        self.client.clock().sleep(GRAIN).await;
        // A use that is recorded only after its answer shows in the listing that follows.
        self.client.identity().await?;
        let after = self.key_now(number).await?;
        Ok(after.is_some_and(|after| after.last_used_at > before.last_used_at))
    }

    async fn revoke(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        let Ok(number) = id.parse() else {
            let operation = format!("revoking API key {id:?} of {}", self.holder);
            return Err(CallError::refused(
                SERVICE,
                operation,
                "the id is not a number, so it is none of Neon's",
            ));
        };
        let error = match self.client.revoke_key(&self.holder, number, permit).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        // Gone already, or revoked by this call whose answer was lost. A 404 may also hide the organization from this run.
        let in_doubt = error.kind == CallErrorKind::NotFound || error.effect == Effect::Possible;
        if in_doubt && self.liveness(id).await == Ok(Liveness::Dead) {
            return Ok(());
        }
        Err(error)
    }
}

#[async_trait]
impl Source for Keys {
    fn issuer(&self) -> &dyn Issuer {
        self
    }

    async fn inspect(&self) -> Result<(), CallError> {
        self.client.keys(&self.holder).await.map(drop)
    }

    async fn mint(&self, order: &MintOrder, permit: &WritePermit) -> Result<Minted, CallError> {
        let (name, project) = (order.label.to_string(), self.project_id.as_deref());
        let created = self.client.create_key(&self.holder, &name, project, permit).await?;
        Ok(Minted {
            credential: Some(credential(&created.key)),
            parts: Parts::single("key", created.value),
            public: BTreeMap::new(),
        })
    }

    /// Neon tells a key's value only once.
    async fn reveal(&self, _credential: &Credential, _order: &MintOrder) -> Result<Option<Minted>, CallError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Origin, Value};

    fn parsed<const N: usize>(attributes: [(&str, Value); N]) -> (Option<Box<dyn SourceConfig>>, Vec<String>) {
        let mut problems = Diagnostics::new();
        let value = Value::object(attributes);
        let node = Node::root(&value, Origin::Configuration);
        let config = parse(&node, &node, &mut problems);
        (config, problems.iter().map(|problem| problem.summary.clone()).collect())
    }

    #[test]
    fn a_key_is_personal_unless_an_organization_is_named() {
        let organization = ("organization_id", Value::string("org-cool-1"));
        let project = ("project_id", Value::string("quiet-frost-1"));
        let (personal, _) = parsed([]);
        let (whole, _) = parsed([organization.clone()]);
        let (limited, problems) = parsed([organization, project.clone()]);
        assert!(problems.is_empty());
        let (personal, whole, limited) = (personal.unwrap(), whole.unwrap(), limited.unwrap());
        assert_eq!(personal.issuer().to_string(), "neon_api_key:default:personal");
        assert_eq!(whole.issuer().locator, "organization/org-cool-1");
        assert_eq!(whole.issuer(), limited.issuer());
        assert_ne!(whole.fingerprint(), limited.fingerprint());
        assert_eq!(personal.label_limit(), Some(64));
        // It may turn out null.
        let (config, problems) = parsed([("project_id", Value::unknown())]);
        assert!(config.is_none() && problems.is_empty(), "{problems:?}");
        let (config, problems) = parsed([project]);
        assert!(config.is_none());
        assert_eq!(problems, ["project_id requires organization_id"]);
    }

    #[test]
    fn names_are_not_ids_and_unknowns_are_no_mistakes() {
        let (_, problems) = parsed([("organization_id", Value::string("My Organization"))]);
        assert_eq!(problems, ["organization_id is not a Neon id"]);
        let (config, problems) = parsed([
            ("organization_id", Value::unknown()),
            ("project_id", Value::string("p")),
        ]);
        assert!(config.is_none() && problems.is_empty());
    }

    #[test]
    fn a_holder_survives_its_locator() {
        for holder in [KeyHolder::Person, KeyHolder::Organization("org-1".to_owned())] {
            assert_eq!(holder_at(&locator(&holder)), Some(holder));
        }
        for wrong in ["", "organization/", "organization/A", "org-1", "organization/a/b"] {
            assert_eq!(holder_at(wrong), None, "{wrong}");
        }
    }
}
