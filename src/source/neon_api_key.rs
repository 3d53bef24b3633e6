//! API keys of Neon: personal ones, an organization's, or an organization's for one project.
//!
//! Neon keeps a name with every key, so a lost mint is found again; names need not be unique and have no more than 64
//! characters. A revoked key is refused at once. Keys have no expiry, and their values are told only once. Only a personal
//! key can manage keys, so an organization's key cannot rotate itself. <https://neon.com/docs/manage/api-keys>

use async_trait::async_trait;

use super::listed::{self, Listing};
use super::{Issuer, Maker, MintOrder, Minted, Offers, Source, SourceConfig, SourceKind, SourceTraits};
use crate::address::Address;
use crate::call::{CallError, WritePermit};
use crate::connection::neon::{self, KeyHolder, Neon, NeonClient, SERVICE, identifier, is_identifier};
use crate::connection::{KeyApi, KeyRing, Link, ListedKey};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Type};

const NAME: &str = "neon_api_key";

/// Longest `key_name` (schema `ApiKeyCreateRequest`).
const NAME_LIMIT: usize = 64;

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
        ..listed::OFFERS_OF_KEYS
    },
    reach: Some(neon::VENDOR.reach()),
    issuer,
    handle_of: |id| id,
    issuer_in_words,
};

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "organization_id",
            Type::String,
            "The organization that the key is for. Minting it takes the personal key of an administrator. Default: a personal key.",
        ),
        Attribute::optional(
            "project_id",
            Type::String,
            "The only project that the key gives access to. Requires `organization_id`. Default: all projects.",
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
        node.attr("project_id").report_needs(problems, "organization_id", "Neon limits only an organization's keys to a project. Set organization_id to the project's organization, or remove \
                  project_id for a personal key.");
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
    let holder = holder_at(&address.locator)
        .ok_or_else(|| listed::misplaced(address, "Neon API keys", format!("{PERSONAL} or organization/<id>")))?;
    let client = link.account::<Neon>()?.client()?;
    Ok(Some(Box::new(Listing(Keys {
        client,
        holder,
        project_id: None,
    }))))
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
        listed::TRAITS
    }

    fn label_limit(&self) -> Option<usize> {
        Some(NAME_LIMIT)
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
        Ok(Box::new(Listing(Keys {
            client: link.account::<Neon>()?.client()?,
            holder: self.holder.clone(),
            project_id: self.project_id.clone(),
        })))
    }
}

/// The keys of one holder; what is minted is limited to the project, where there is one.
struct Keys {
    client: NeonClient,
    holder: KeyHolder,
    project_id: Option<String>,
}

impl Keys {
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
impl KeyRing for Keys {
    fn api(&self) -> &KeyApi {
        self.client.key_api()
    }

    fn holder(&self) -> String {
        self.holder.to_string()
    }

    async fn keys_now(&self) -> Result<Vec<ListedKey>, CallError> {
        self.client.keys_now(&self.holder).await
    }

    /// Neon does not document a way to ask. The kind of the run's credential is told, which settles most cases.
    async fn told_own(&self, id: &str) -> Result<Option<bool>, CallError> {
        self.told_by_identity(id).await
    }

    async fn revoke_key(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        let Ok(number) = id.parse() else {
            let operation = format!("revoking API key {id:?} of {}", self.holder);
            return Err(CallError::refused(
                SERVICE,
                operation,
                "the id is not a number, so it is none of Neon's",
            ));
        };
        self.client.revoke_key(&self.holder, number, permit).await
    }
}

#[async_trait]
impl Source for Listing<Keys> {
    fn issuer(&self) -> &dyn Issuer {
        self
    }

    async fn inspect(&self) -> Result<(), CallError> {
        self.0.keys().await.map(drop)
    }

    async fn mint(&self, order: &MintOrder, permit: &WritePermit) -> Result<Minted, CallError> {
        let keys = &self.0;
        let (name, project) = (order.label.to_string(), keys.project_id.as_deref());
        let created = keys.client.create_key(&keys.holder, &name, project, permit).await?;
        Ok(Minted::issued((&created.key).into(), "key", created.value))
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
