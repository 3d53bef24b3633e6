//! Credentials that any service issues, lists and revokes by HTTP requests.
//!
//! Names carry our label where the service lists names; without a list, what was noted before the mint is all there is, as for every
//! issuer without names. How credentials are listed and revoked stands in the issuer's address, behind the place itself, because a
//! revocation may have nothing else (docs/decisions/http-requests.md).

mod arguments;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use url::Url;

use self::arguments::Config;
use super::listed::{self, Listed, Listing};
use super::{
    Credential, Issuance, Issuer, Liveness, Maker, MintOrder, Minted, Offers, Source, SourceConfig, SourceKind,
    SourceTraits,
};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::http::arguments::{Owner, fill_in};
use crate::connection::http::listing::{self, instant_at, take_text, text_at};
use crate::connection::http::{self, HttpService};
use crate::connection::{Link, Vendor};
use crate::secret::{Parts, Secret};
use crate::terraform::Diagnostic;

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: "http",
    summary: "A credential that any service issues, lists and revokes by HTTP requests. Requires a `connection` with `http`. The provider cannot \
              tell whether the credential in that connection is one of them: use another one.",
    api_docs: None,
    attributes: arguments::attributes,
    maker: Maker::Issuer,
    parts: &["value"],
    parts_of: |_| Some(KIND.declared_parts()),
    parse: arguments::parse,
    revocable: true,
    offers: Offers {
        pages: false,
        ..listed::OFFERS
    },
    reach: Some(http::VENDOR.reach()),
    issuer,
    handle_of: |id| id,
    issuer_in_words,
};

/// Who sends the requests, as advice names it.
const OWNER: Owner = Owner("source");

/// The part of a body that is the name of a new credential, and that of a URL which names a credential.
const LABEL: &str = "label";
const ID: &str = "id";

/// How credentials are listed and revoked: paths behind the connection's base URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Means {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list: Option<List>,
    revoke: Revocation,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct List {
    url: String,
    #[serde(flatten)]
    listing: listing::Listing,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Revocation {
    url: String,
    method: String,
    expect_status: Vec<u16>,
}

/// Methods of requests that revoke.
const REVOCATIONS: &[&str] = &["DELETE", "POST", "PUT", "PATCH"];

/// The address of an issuer: where it mints, and the means.
fn locator(mint: &str, means: &Means) -> String {
    let means = serde_json::to_string(means).unwrap_or_default();
    format!("{}#{means}", mint.trim_start_matches('/'))
}

fn means_of(address: &Address) -> Option<Means> {
    let means: Means = serde_json::from_str(address.means()?).ok()?;
    let fits =
        REVOCATIONS.contains(&means.revoke.method.as_str()) && locator(address.named(), &means) == address.locator;
    fits.then_some(means)
}

fn issuer(address: &Address, link: &Link<'_>) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
    let means = means_of(address);
    let means = means.ok_or_else(|| listed::misplaced(address, "credentials of an HTTP service", "path#{…}"))?;
    let service = link.account::<HttpService>()?;
    Ok(Some(Box::new(HttpIssuer::new(service, means)?)))
}

fn issuer_in_words(address: &Address) -> String {
    format!("HTTP service {}/{}", address.place, address.named())
}

impl SourceConfig for Config {
    fn issuer(&self) -> Address {
        Address::new(KIND.name, locator(&self.mint.url, &self.means))
    }

    fn traits(&self) -> SourceTraits {
        SourceTraits {
            issuance: Issuance::Fresh { at_most: None },
            lists: self.means.list.is_some(),
            // How long its values are, nobody knows.
            generated: false,
            ..listed::TRAITS
        }
    }

    fn label_limit(&self) -> Option<usize> {
        self.mint.label_limit
    }

    fn in_words(&self) -> String {
        let path = self.mint.url.split('?').next().unwrap_or_default();
        format!("credential by {} {path}", self.mint.method)
    }

    fn fingerprint(&self) -> String {
        let mint = &self.mint;
        let templates = mint.templates.canonical(LABEL);
        serde_json::json!({ "mint": { "method": mint.method, "url": mint.url, "templates": templates } }).to_string()
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        let service = link.account::<HttpService>()?;
        OWNER.headers_of(Some(service), &self.mint.templates)?;
        Ok(Box::new(HttpSource {
            issuer: HttpIssuer::new(service, self.means.clone())?,
            url: address(service, "http.mint.url", &self.mint.url)?,
            mint: self.mint.clone(),
        }))
    }
}

fn address(service: &HttpService, argument: &'static str, url: &str) -> Result<Url, Diagnostic> {
    service.address(url).map_err(|why| OWNER.refused(argument, why))
}

/// An issuer with a list, or without one.
enum HttpIssuer {
    Listing(Box<Listing<ByList>>),
    Unlisted(Revoker),
}

/// An issuer's list.
struct ByList {
    revoker: Revoker,
    listing: listing::Listing,
    url: Url,
}

/// What revokes.
struct Revoker {
    service: HttpService,
    revocation: Revocation,
}

/// An issuer with the request that mints.
struct HttpSource {
    issuer: HttpIssuer,
    mint: arguments::Mint,
    url: Url,
}

impl HttpIssuer {
    fn new(service: &HttpService, means: Means) -> Result<Self, Diagnostic> {
        let revoker = Revoker {
            service: service.clone(),
            revocation: means.revoke,
        };
        Ok(match means.list {
            None => Self::Unlisted(revoker),
            Some(list) => Self::Listing(Box::new(Listing(ByList {
                revoker,
                url: address(service, "http.list.url", &list.url)?,
                listing: list.listing,
            }))),
        })
    }

    fn by_list(&self) -> Option<&Listing<ByList>> {
        match self {
            Self::Listing(listing) => Some(listing),
            Self::Unlisted(_) => None,
        }
    }
}

impl Revoker {
    async fn revoke(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        let operation = format!("revoking credential {id:?} by connection {:?}", self.service.name());
        let refuse = |why: String| CallError::refused(http::VENDOR.title, &*operation, &why);
        let Revocation {
            url,
            method,
            expect_status,
        } = &self.revocation;
        let url = fill_in(url, ID, id)
            .and_then(|url| self.service.address(&url))
            .map_err(refuse)?;
        let method = REVOCATIONS
            .iter()
            .find(|known| *known == method)
            .copied()
            .unwrap_or("DELETE");
        let request = self.service.request(method, &url, &*operation);
        self.service.write(request, expect_status, permit).await.map(drop)
    }
}

impl From<&listing::Listed> for Credential {
    fn from(item: &listing::Listed) -> Self {
        Self {
            id: item.id.clone(),
            name: Some(item.name.clone()),
            minted_at: item.time,
            expires_at: item.expires_at,
        }
    }
}

#[async_trait]
impl Listed for ByList {
    fn vendor(&self) -> &'static Vendor {
        &http::VENDOR
    }

    async fn list_now(&self) -> Result<Vec<Credential>, CallError> {
        let listed = self.revoker.service.listed_now(&self.listing, &self.url).await?;
        Ok(listed.iter().map(Credential::from).collect())
    }

    async fn list_shared(&self) -> Result<Vec<Credential>, CallError> {
        let listed = self.revoker.service.listed(&self.listing, &self.url).await?;
        Ok(listed.iter().map(Credential::from).collect())
    }

    /// The headers of a connection may hold anything.
    async fn is_own(&self, _id: &str) -> Result<bool, CallError> {
        Ok(false)
    }

    async fn end(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        let ended = self.revoker.revoke(id, permit).await;
        self.revoker.service.forget(&self.listing, &self.url);
        ended
    }
}

#[async_trait]
impl Issuer for HttpIssuer {
    fn reuses_ids(&self) -> bool {
        false
    }

    async fn survey(&self) -> Result<Vec<Credential>, CallError> {
        match self.by_list() {
            Some(listing) => listing.survey().await,
            None => Ok(Vec::new()),
        }
    }

    async fn liveness(&self, id: &str) -> Result<Liveness, CallError> {
        match self.by_list() {
            Some(listing) => listing.liveness(id).await,
            None => Ok(Liveness::CannotTell),
        }
    }

    async fn authenticates_this_run(&self, _id: &str) -> Result<bool, CallError> {
        Ok(false)
    }

    async fn revoke(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        match self {
            Self::Listing(listing) => listing.revoke(id, permit).await,
            Self::Unlisted(revoker) => revoker.revoke(id, permit).await,
        }
    }
}

#[async_trait]
impl Source for HttpSource {
    fn issuer(&self) -> &dyn Issuer {
        &self.issuer
    }

    async fn inspect(&self) -> Result<(), CallError> {
        self.issuer.survey().await.map(drop)
    }

    async fn mint(&self, order: &MintOrder, permit: &WritePermit) -> Result<Minted, CallError> {
        let (service, mint, name) = (self.service(), &self.mint, order.label.to_string());
        let operation = format!("creating credential {name} at {}", service.words_of(&self.url));
        let filled = mint.templates.fill(&Parts::single(LABEL, Secret::plain(name.clone())));
        let filled = filled.map_err(|why| CallError::refused(http::VENDOR.title, &*operation, &why))?;
        let request = service.request(mint.method, &self.url, &*operation).secret_answer();
        let request = filled.put_into(request).idempotent(false);
        let answer = service.write(request, &mint.expect_status, permit).await;
        if let Some(Listing(list)) = self.issuer.by_list() {
            service.forget(&list.listing, &list.url);
        }
        let answer = answer?;
        let mut body: serde_json::Value = answer.json()?;
        let missing = |what: &str, pointer: &str| {
            let what = format!("the answer has no {what} at {pointer:?}");
            let (kind, effect) = (CallErrorKind::Malformed, Effect::Possible);
            CallError::new(
                kind,
                effect,
                http::VENDOR.title,
                &*operation,
                Some(answer.status),
                &what,
            )
        };
        let value = take_text(&mut body, &mint.value).ok_or_else(|| missing("value", &mint.value))?;
        let id = text_at(&body, &mint.id).ok_or_else(|| missing("id", &mint.id))?;
        let expires_at = match &mint.expires_at {
            None => None,
            Some(pointer) => instant_at(&body, pointer).map_err(|_| missing("time", pointer))?,
        };
        let credential = Credential {
            expires_at,
            ..Credential::known_by(id, Some(name))
        };
        Ok(Minted::issued(credential, "value", value))
    }
}

impl HttpSource {
    fn service(&self) -> &HttpService {
        match &self.issuer {
            HttpIssuer::Listing(listing) => &listing.0.revoker.service,
            HttpIssuer::Unlisted(revoker) => &revoker.service,
        }
    }
}
