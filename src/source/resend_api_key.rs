//! API keys of Resend: with full access, or for sending alone, from all domains or from one.
//!
//! Resend keeps a name with every key, so a lost mint is found again; names need not be unique. It allows any number of keys, and its
//! list does not say what a key may do. Only a key with full access manages keys. <https://resend.com/docs/api-reference/api-keys>

use async_trait::async_trait;

use super::listed::{self, Listing};
use super::{Credential, Issuer, Maker, MintOrder, Minted, Source, SourceConfig, SourceKind, SourceTraits};
use crate::address::Address;
use crate::call::{CallError, WritePermit};
use crate::connection::resend::{self, Resend, ResendClient, Scope};
use crate::connection::uuid::is_uuid;
use crate::connection::{KeyRing as _, Link};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Type};

const NAME: &str = "resend_api_key";

/// The locator of an account's keys: there is no other container.
const ACCOUNT: &str = "account";

/// Longest name (Resend's page on creating keys).
const NAME_LIMIT: usize = 50;

const PERMISSIONS: &[&str] = &["full_access", "sending_access"];

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "A Resend API key, with full access or only for sending.",
    api_docs: Some("https://resend.com/docs/api-reference/api-keys"),
    attributes,
    maker: Maker::Issuer,
    parts: &["token"],
    parts_of: |_| Some(KIND.declared_parts()),
    parse,
    revocable: true,
    offers: listed::OFFERS_OF_KEYS,
    reach: Some(resend::VENDOR.reach()),
    issuer,
    handle_of: |id| id,
    issuer_in_words: |address| format!("Resend account{}", address.at_host()),
};

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "permission",
            Type::String,
            "What the key may do: `sending_access` sends emails, `full_access` does everything.",
        ),
        Attribute::optional(
            "domain_id",
            Type::String,
            "The id of the only domain that the key sends from; needs `sending_access`. Default: all domains.",
        ),
    ]
}

fn parse(node: &Node<'_>, _root: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    let (permission, domain) = (node.attr("permission"), node.attr("domain_id"));
    let permission = permission.required(permission.one_of(PERMISSIONS, problems), problems);
    let domain_id = domain.string(problems).and_then_checked(|text| {
        if !is_uuid(&text) {
            let why = "An id is a UUID, which the domain's page at Resend shows; it is not the domain's name.";
            domain.report_not(problems, "the id of a Resend domain", why);
        } else if matches!(permission, Field::Known("full_access")) {
            let why = "Resend limits only keys with sending_access to a domain. Set permission to sending_access, or remove domain_id.";
            domain.report_needs(problems, "sending_access", why);
        } else {
            return Some(text);
        }
        None
    });
    Some(Box::new(Scope {
        permission: permission.optional()??,
        domain_id: domain_id.optional()?,
    }))
}

fn issuer(address: &Address, link: &Link<'_>) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
    if address.locator != ACCOUNT {
        return Err(listed::misplaced(address, "Resend API keys", ACCOUNT));
    }
    let client = link.account::<Resend>()?.client()?;
    Ok(Some(Box::new(Listing(client))))
}

impl SourceConfig for Scope {
    fn issuer(&self) -> Address {
        Address::new(NAME, ACCOUNT.to_owned())
    }

    fn traits(&self) -> SourceTraits {
        listed::TRAITS
    }

    fn label_limit(&self) -> Option<usize> {
        Some(NAME_LIMIT)
    }

    fn in_words(&self) -> String {
        let key = format!("Resend API key with {}", self.permission);
        match &self.domain_id {
            Some(id) => format!("{key} for domain {id}"),
            None => key,
        }
    }

    fn fingerprint(&self) -> String {
        serde_json::json!(self).to_string()
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        let client = link.account::<Resend>()?.client()?;
        let (keys, scope) = (Listing(client), self.clone());
        Ok(Box::new(Mint { keys, scope }))
    }
}

/// Keys, and what new ones may do.
struct Mint {
    keys: Listing<ResendClient>,
    scope: Scope,
}

#[async_trait]
impl Source for Mint {
    fn issuer(&self) -> &dyn Issuer {
        &self.keys
    }

    /// The list shows that the key of this run has full access.
    async fn inspect(&self) -> Result<(), CallError> {
        let client = &self.keys.0;
        client.keys().await?;
        match &self.scope.domain_id {
            Some(id) => client.domain(id).await,
            None => Ok(()),
        }
    }

    async fn mint(&self, order: &MintOrder, permit: &WritePermit) -> Result<Minted, CallError> {
        let name = order.label.to_string();
        let (id, token) = self.keys.0.create_key(&name, &self.scope, permit).await?;
        Ok(Minted::issued(Credential::known_by(id, Some(name)), "token", token))
    }
}
