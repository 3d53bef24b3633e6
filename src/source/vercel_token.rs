//! Access tokens of Vercel, of the person whose token this run has.
//!
//! Vercel keeps a name with every token, so a lost mint is found again; names need not be unique. It allows any number of tokens, and
//! tells when each was last active. A token reaches the whole account, or one team; which projects it may change follows from the
//! person's role. <https://vercel.com/docs/rest-api/reference/endpoints/authentication>

use async_trait::async_trait;
use jiff::SignedDuration;

use super::listed::{self, Listing};
use super::{Credential, Issuer, Maker, MintOrder, Minted, Source, SourceConfig, SourceKind, SourceTraits};
use crate::address::Address;
use crate::call::{CallError, WritePermit};
use crate::connection::vercel::{self, NewToken, Vercel, VercelClient};
use crate::connection::{KeyRing as _, Link};
use crate::diagnostics::Argument;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Type};

const NAME: &str = "vercel_token";

/// The locator of a person's tokens: there is no other container.
const ACCOUNT: &str = "account";

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "A Vercel access token of the person whose token this run has, for the whole account or for one team.",
    api_docs: Some("https://vercel.com/docs/rest-api/reference/endpoints/authentication"),
    attributes,
    maker: Maker::Issuer,
    parts: &["token"],
    parts_of: |_| Some(KIND.declared_parts()),
    parse,
    revocable: true,
    offers: listed::OFFERS_OF_KEYS,
    reach: Some(vercel::VENDOR.reach()),
    issuer,
    handle_of: |id| id,
    issuer_in_words: |address| format!("Vercel account{}", address.at_host()),
};

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "team_id",
            Type::String,
            "The id of the only team that the token reaches, such as `team_…`. Default: everything that the account reaches.",
        ),
        Attribute::optional(
            "expires_in",
            Type::String,
            "How long a token lives, such as `2400h` or `100d`. Default: it does not expire.",
        ),
    ]
}

#[derive(Clone)]
struct Scope {
    team: Option<String>,
    expires_in: Option<SignedDuration>,
    /// The same as the user wrote it.
    life: Option<String>,
}

fn parse(node: &Node<'_>, _root: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    let (team, lifetime) = (node.attr("team_id"), node.attr("expires_in"));
    let team_id = team.string(problems).and_then_checked(|id| {
        let rest = id.strip_prefix("team_").unwrap_or_default();
        let good = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !good {
            let why = "An id begins with \"team_\" and stands in the settings of the team; it is not the team's name.";
            team.report_not(problems, "the id of a Vercel team", why);
        }
        good.then_some(id)
    });
    let expires_in = lifetime.duration(problems).and_then_checked(|life| {
        let lives = life.is_positive();
        if !lives {
            lifetime.report(problems, |argument| Argument::Zero {
                argument,
                why: "A token that expires at once is useless. Remove it for a token that does not expire.".into(),
            });
        }
        lives.then_some(life)
    });
    Some(Box::new(Scope {
        team: team_id.optional()?,
        expires_in: expires_in.optional()?,
        life: lifetime.value().as_str().map(str::to_owned),
    }))
}

fn issuer(address: &Address, link: &Link<'_>) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
    if address.locator != ACCOUNT {
        return Err(listed::misplaced(address, "Vercel tokens", ACCOUNT));
    }
    let client = link.account::<Vercel>()?.client()?;
    Ok(Some(Box::new(Listing(client))))
}

impl SourceConfig for Scope {
    fn issuer(&self) -> Address {
        Address::new(NAME, ACCOUNT.to_owned())
    }

    fn traits(&self) -> SourceTraits {
        listed::TRAITS
    }

    fn lifetime(&self) -> Option<SignedDuration> {
        self.expires_in
    }

    fn in_words(&self) -> String {
        let token = match &self.team {
            Some(team) => format!("Vercel token for team {team}"),
            None => "Vercel token for the whole account".to_owned(),
        };
        match &self.life {
            Some(life) => format!("{token}, valid for {life}"),
            None => token,
        }
    }

    fn fingerprint(&self) -> String {
        serde_json::json!({
            "team_id": self.team,
            "expires_in": self.expires_in.map(crate::duration::format),
        })
        .to_string()
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        let client = link.account::<Vercel>()?.client()?;
        let (tokens, scope) = (Listing(client), self.clone());
        Ok(Box::new(Mint { tokens, scope }))
    }
}

/// Tokens, and what new ones may reach.
struct Mint {
    tokens: Listing<VercelClient>,
    scope: Scope,
}

#[async_trait]
impl Source for Mint {
    fn issuer(&self) -> &dyn Issuer {
        &self.tokens
    }

    /// Whether the token of this run may list tokens, and reaches the team; whether it may make tokens only a mint shows.
    async fn inspect(&self) -> Result<(), CallError> {
        let client = &self.tokens.0;
        client.keys().await?;
        match &self.scope.team {
            Some(team) => client.team(team).await,
            None => Ok(()),
        }
    }

    async fn mint(&self, order: &MintOrder, permit: &WritePermit) -> Result<Minted, CallError> {
        let name = order.label.to_string();
        let client = &self.tokens.0;
        // The vendor's clock decides; one that differs by minutes is found elsewhere.
        let now = client.clock().real_now();
        let new = NewToken {
            name: &name,
            team: self.scope.team.as_deref(),
            expires_at: self.scope.expires_in.and_then(|life| now.checked_add(life).ok()),
        };
        let (listed, token) = client.create_token(&new, permit).await?;
        Ok(Minted::issued(Credential::from(&listed), "token", token))
    }
}
