//! An entry that a service keeps under a name and takes by one HTTP request: the runbooks' `PUT /settings/secrets`, on one instance or on
//! several that must all have it.
//!
//! How the entry is read and removed stands in its address, behind the place itself, because a destroy has nothing else
//! (docs/decisions/http-requests.md). Writes are told by the times that the service lists; nothing marks whose a write is, so that no
//! value is taken from here. Where the service has no list, an entry may always exist: the first write requires
//! `on_existing = "replace"`, and nothing is ever deleted.

mod arguments;

use async_trait::async_trait;
use futures::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use self::arguments::Config;
use super::{
    Activated, Activation, Delivery, EntryWords, Escrowed, Offers, Receipt, Shadow, Slot, Target, TargetConfig,
    TargetKind, TargetTraits,
};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::http::arguments::Owner;
use crate::connection::http::listing::Listing;
use crate::connection::http::templates::Templates;
use crate::connection::http::{self, HttpService};
use crate::connection::{Link, segment};
use crate::diagnostics::{StateProblem, capitalized};
use crate::part::VALUE;
use crate::rotation::{Entry, RevisionKind};
use crate::secret::{Parts, Secret};
use crate::stop::Stop;
use crate::terraform::{Diagnostic, Path};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: "http",
    summary: "An entry of any service that takes it by an HTTP request, on one instance or on several. Requires a `connection` with `http`. \
              Nothing tells when consumers load a new value: set `settle` or `overlap`, or add an activation.",
    api_docs: None,
    attributes: arguments::attributes,
    parse: arguments::parse,
    reach: Some(http::VENDOR.reach()),
    slot,
    words,
    offers: Offers {
        marks: false,
        revision: RevisionKind::Time,
        pages: false,
        proof_of_absence: false,
        identity: false,
    },
};

/// Who sends the requests, as advice names it.
const OWNER: Owner = Owner("target");

/// The largest value, in bytes: what a body with it in every form stays below the limit of a template with.
const LARGEST: usize = 256 * 1024;

/// How an entry is found and removed: paths behind the connection's origin, in the order of the instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Means {
    /// Where it is written.
    urls: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read: Option<Reading>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadowed_by: Option<Reading>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remove: Option<Removal>,
}

/// Lists of names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reading {
    urls: Vec<String>,
    #[serde(flatten)]
    listing: Listing,
}

/// The requests that remove an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Removal {
    urls: Vec<String>,
    method: String,
    expect_status: Vec<u16>,
}

/// The methods of requests that write or remove.
const METHODS: &[&str] = &["PUT", "POST", "PATCH", "DELETE"];

impl Means {
    /// The same with every URL changed by `change`.
    fn map<E>(&self, change: impl Fn(&str) -> Result<String, E>) -> Result<Self, E> {
        let all = |urls: &[String]| urls.iter().map(|url| change(url)).collect::<Result<Vec<_>, E>>();
        let reading = |reading: &Option<Reading>| {
            let reading = reading.as_ref().map(|reading| {
                let (urls, listing) = (all(&reading.urls)?, reading.listing.clone());
                Ok(Reading { urls, listing })
            });
            reading.transpose()
        };
        let remove = self.remove.as_ref().map(|remove| {
            Ok(Removal {
                urls: all(&remove.urls)?,
                ..remove.clone()
            })
        });
        Ok(Self {
            urls: all(&self.urls)?,
            read: reading(&self.read)?,
            shadowed_by: reading(&self.shadowed_by)?,
            remove: remove.transpose()?,
        })
    }
}

/// The address of an entry: its first instance and its name, and the means.
fn locator(name: &str, means: &Means) -> Option<String> {
    let first = means.urls.first()?.trim_start_matches('/');
    let means = serde_json::to_string(means).ok()?;
    Some(format!("{first}/{}#{means}", segment::encode(name)))
}

/// Path of the first instance, and name, of such an address.
fn named(address: &Address) -> Option<(&str, String)> {
    let (path, name) = address.named().rsplit_once('/')?;
    let name = segment::decode(name);
    (!name.is_empty()).then_some((path, name))
}

/// Name and means of a locator of ours.
fn parts_of(address: &Address) -> Option<(String, Means)> {
    let (_, name) = named(address)?;
    let means: Means = serde_json::from_str(address.means()?).ok()?;
    let counts = |urls: &[String]| urls.len() == means.urls.len();
    let fits = means.read.iter().all(|read| counts(&read.urls))
        && means
            .remove
            .iter()
            .all(|remove| counts(&remove.urls) && METHODS.contains(&remove.method.as_str()))
        && locator(&name, &means).as_deref() == Some(address.locator.as_str());
    fits.then_some((name, means))
}

fn slot(address: &Address, link: &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic> {
    let (name, means) = parts_of(address).ok_or_else(|| {
        let mistake = StateProblem::Address {
            address: address.to_string(),
            what: "the address of an entry of an HTTP service".into(),
            expected: "path/NAME#{…}".into(),
        };
        Diagnostic::new(Path::root(), mistake)
    })?;
    let service = link.account::<HttpService>()?;
    Ok(Box::new(HttpEntry::new(service, name, &means)?))
}

fn words(address: &Address) -> EntryWords {
    let Some((path, name)) = named(address) else {
        return EntryWords::of_text(address);
    };
    let parts = parts_of(address);
    if address.means().is_some() && parts.is_none() {
        // A source of the same name has other means.
        return EntryWords::of_text(address);
    }
    let others = parts.map_or(0, |(_, means)| means.urls.len().saturating_sub(1));
    let others = match others {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let place = format!("{}/{path}{others}", address.place);
    EntryWords {
        noun: format!("HTTP entry {name} at {place}"),
        entry: name,
        place: format!("at {place}"),
    }
}

impl TargetConfig for Config {
    fn slot(&self, link: &Link<'_>) -> Result<Address, Diagnostic> {
        let means = self.means_behind(link.account::<HttpService>()?)?;
        Ok(Address::new(KIND.name, locator(&self.name, &means).unwrap_or_default()))
    }

    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: Activation::Later,
            readable: false,
            reloads_within: None,
            follow_up: false,
        }
    }

    fn fingerprint(&self) -> String {
        let templates = self.templates.canonical(VALUE);
        serde_json::json!({ "urls": self.means.urls, "method": self.method, "templates": templates }).to_string()
    }

    fn settings_in_words(&self) -> Vec<String> {
        let others = self.means.urls.iter().skip(1);
        let others = others.map(|url| format!("also at {}", url.split(['?', '#']).next().unwrap_or_default()));
        let method = (self.method != arguments::DEFAULT_METHOD).then(|| format!("by {}", self.method));
        let expected = (self.expect_status != arguments::WRITTEN).then(|| {
            let statuses: Vec<String> = self.expect_status.iter().map(u16::to_string).collect();
            format!("expecting {}", statuses.join(" or "))
        });
        method.into_iter().chain(expected).chain(others).collect()
    }

    fn accepts(&self, value: &Secret) -> Result<(), String> {
        if value.is_empty() {
            return Err("An HTTP service is not given an empty value.".to_owned());
        }
        if value.len() > LARGEST {
            return Err(format!(
                "A value for an HTTP service has at most {LARGEST} bytes; this one has {}.",
                value.len()
            ));
        }
        let filled = self.templates.fill(&Parts::single(VALUE, value.share()));
        filled
            .map(drop)
            .map_err(|why| format!("The request cannot be made: {why}."))
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic> {
        let service = link.account::<HttpService>()?;
        OWNER.headers_of(Some(service), &self.templates)?;
        let means = self.means_behind(service)?;
        Ok(Box::new(HttpTarget {
            entry: HttpEntry::new(service, self.name.clone(), &means)?,
            method: self.method,
            templates: self.templates.clone(),
            expect_status: self.expect_status.clone(),
        }))
    }
}

/// An entry that can be reached.
struct HttpEntry {
    service: HttpService,
    name: String,
    urls: Vec<Url>,
    read: Option<(Listing, Vec<Url>)>,
    shadowed_by: Option<(Listing, Vec<Url>)>,
    remove: Option<(Removal, Vec<Url>)>,
}

/// An entry with the request that writes it.
struct HttpTarget {
    entry: HttpEntry,
    method: &'static str,
    templates: Templates,
    expect_status: Vec<u16>,
}

impl HttpEntry {
    fn new(service: &HttpService, name: String, means: &Means) -> Result<Self, Diagnostic> {
        let all = |paths: &[String]| {
            let urls = paths.iter().map(|path| service.at_path(path));
            let urls: Result<Vec<Url>, String> = urls.collect();
            urls.map_err(|why| OWNER.refused("http.urls", why))
        };
        let reading = |reading: &Option<Reading>| {
            let reading = reading.as_ref();
            reading
                .map(|reading| Ok((reading.listing.clone(), all(&reading.urls)?)))
                .transpose()
        };
        let remove = means
            .remove
            .as_ref()
            .map(|remove| Ok((remove.clone(), all(&remove.urls)?)));
        Ok(Self {
            service: service.clone(),
            name,
            urls: all(&means.urls)?,
            read: reading(&means.read)?,
            shadowed_by: reading(&means.shadowed_by)?,
            remove: remove.transpose()?,
        })
    }

    /// When it was written at each instance; `None` for one that lacks it.
    async fn seen_at(&self, listing: &Listing, url: &Url, fresh: bool) -> Result<Option<Option<Timestamp>>, CallError> {
        let time = |listed: &[http::listing::Listed]| {
            let found = listed.iter().find(|item| item.name == self.name);
            found.map(|item| item.time)
        };
        match fresh {
            true => Ok(time(&self.service.listed_now(listing, url).await?)),
            false => Ok(time(&self.service.listed(listing, url).await?)),
        }
    }

    async fn look(&self, fresh: bool) -> Result<Option<Entry>, CallError> {
        let Some((listing, urls)) = &self.read else {
            return Ok(Some(unread()));
        };
        let looks = urls.iter().map(|url| self.seen_at(listing, url, fresh));
        let seen = try_join_all(looks).await?;
        Ok(entry(&seen, urls, listing.has_times()))
    }

    fn forget(&self) {
        if let Some((listing, urls)) = &self.read {
            urls.iter().for_each(|url| self.service.forget(listing, url));
        }
    }

    /// Asks every instance, and says of which it is done when it is not done of all.
    async fn at_all<F>(&self, urls: &[Url], verb: &str, ask: impl Fn(usize, Url) -> F) -> Result<(), CallError>
    where
        F: Future<Output = Result<(), CallError>>,
    {
        let (mut done, mut not_done, mut first) = (Vec::new(), Vec::new(), None::<CallError>);
        for (at, url) in urls.iter().enumerate() {
            let place = url.path().to_owned();
            match ask(at, url.clone()).await {
                Ok(()) => done.push(place),
                Err(error) => {
                    not_done.push(match error.effect {
                        Effect::None => place,
                        Effect::Possible => format!("{place} (unknown)"),
                    });
                    let unknown = error.effect == Effect::Possible;
                    let first = first.get_or_insert(error);
                    if unknown {
                        first.effect = Effect::Possible;
                    }
                }
            }
        }
        self.forget();
        let Some(error) = first else { return Ok(()) };
        if urls.len() == 1 {
            return Err(error);
        }
        let done_words = match done.is_empty() {
            true => "none".to_owned(),
            false => done.join(", "),
        };
        let effect = match done.is_empty() {
            true => error.effect,
            false => Effect::Possible,
        };
        let told = format!(
            "{verb} at: {done_words}. Not {verb} at: {}. The next apply repeats all of them.",
            not_done.join(", ")
        );
        Err(CallError { effect, ..error }.advise(&capitalized(&told)))
    }
}

/// What may be in a slot that cannot be read.
const fn unread() -> Entry {
    Entry {
        revision: None,
        kind: RevisionKind::Time,
        label: None,
        modified_at: None,
        live: None,
        detail: None,
        is_unreadable: true,
        exposed: None,
    }
}

/// The entry of all instances together: its revision has the time of each.
fn entry(seen: &[Option<Option<Timestamp>>], urls: &[Url], has_times: bool) -> Option<Entry> {
    let lacking: Vec<String> = seen
        .iter()
        .zip(urls)
        .filter(|(seen, _)| seen.is_none())
        .map(|(_, url)| url.path().to_owned())
        .collect();
    if lacking.len() == seen.len() {
        return None;
    }
    let times = seen.iter().map(|seen| match seen {
        Some(Some(time)) => time.to_string(),
        Some(None) => "unknown".to_owned(),
        None => "missing".to_owned(),
    });
    let revision = times.collect::<Vec<_>>().join(",");
    Some(Entry {
        revision: (has_times || !lacking.is_empty()).then_some(revision),
        // An instance that lacks what we wrote is a change, whatever the times at the others.
        kind: match lacking.is_empty() {
            true => RevisionKind::Time,
            false => RevisionKind::SaltedDigest,
        },
        modified_at: seen.iter().flatten().flatten().max().copied(),
        detail: (!lacking.is_empty()).then(|| format!("missing at {}", lacking.join(", "))),
        is_unreadable: false,
        exposed: None,
        ..unread()
    })
}

#[async_trait]
impl Slot for HttpEntry {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        self.look(false).await
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        self.look(true).await
    }

    /// A list that cannot be read is left out.
    async fn shadowed_by(&self) -> Result<Vec<Shadow>, CallError> {
        let mut shadowing = Vec::new();
        if let Some((listing, urls)) = &self.shadowed_by {
            for url in urls {
                let listed = self.service.listed(listing, url).await;
                if listed.is_ok_and(|listed| listed.iter().any(|item| item.name == self.name)) {
                    shadowing.push(Shadow {
                        consumer: self.service.words_of(url),
                        written_by: None,
                    });
                }
            }
        }
        Ok(shadowing)
    }

    async fn remove(&self, permit: &WritePermit) -> Result<(), CallError> {
        let operation = |place: &str| format!("removing {} at {place}", self.name);
        let Some((removal, urls)) = &self.remove else {
            let first = self
                .urls
                .first()
                .map(|url| self.service.words_of(url))
                .unwrap_or_default();
            let why = "This target has no request that removes an entry. Set `remove` and apply before you remove the target, or set \
                       on_remove = \"keep\".";
            return Err(CallError::refused(http::VENDOR.title, operation(&first), why));
        };
        let method = METHODS
            .iter()
            .find(|method| **method == removal.method)
            .copied()
            .unwrap_or("DELETE");
        self.at_all(urls, "removed", |at, url| async move {
            let request = self
                .service
                .request(method, &url, operation(&self.service.words_of(&url)));
            let Err(error) = self.service.write(request, &removal.expect_status, permit).await else {
                return Ok(());
            };
            // A 404 may also hide the entry from this run: the list tells.
            if let (CallErrorKind::NotFound, Some((listing, urls))) = (&error.kind, &self.read)
                && let Some(list) = urls.get(at)
                && self.seen_at(listing, list, true).await?.is_none()
            {
                return Ok(());
            }
            Err(error)
        })
        .await
    }
}

#[async_trait]
impl Target for HttpTarget {
    fn slot(&self) -> &dyn Slot {
        &self.entry
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        Box::new(self.entry)
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let entry = &self.entry;
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let operation = |place: &str| format!("setting {} at {place}", entry.name);
            let filled = self.templates.fill(&Parts::single(VALUE, delivery.value.share()));
            let filled =
                filled.map_err(|why| CallError::refused(http::VENDOR.title, operation("all instances"), &why))?;
            let filled = &filled;
            let write = |_, url: Url| async move {
                let request = entry
                    .service
                    .request(self.method, &url, operation(&entry.service.words_of(&url)))
                    .secret_answer();
                let request = filled.put_into(request);
                entry
                    .service
                    .write(request, &self.expect_status, permit)
                    .await
                    .map(drop)
            };
            entry.at_all(&entry.urls, "written", write).await?;
            // The write is confirmed: a list that fails now takes nothing back.
            let seen = entry.look(true).await.ok().flatten();
            let whole = seen.filter(|seen| seen.kind == RevisionKind::Time);
            receipts.push(Receipt {
                written_at: whole.as_ref().and_then(|seen| seen.modified_at),
                revision: whole.and_then(|seen| seen.revision),
            });
        }
        Ok(receipts)
    }

    /// Nothing to do: the service tells its consumers, or they load the value in their own time.
    async fn activate(&self, _: Option<&str>, _: &Stop, _: &WritePermit) -> Result<Activated, CallError> {
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        Ok(None)
    }
}
