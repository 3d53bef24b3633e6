//! A request to any HTTP service whose answer proves something: the new credential is accepted, the previous one is refused,
//! a route is protected.
//!
//! An answer is only judged: it is never stored or shown, and redirects are answers too. The user declares by `retry_for`
//! that the request may be repeated (`0s`: once); even so a request that isn't idempotent by RFC 9110 section 9.2.2 is
//! not repeated while the outcome of the one before is unknown. Credentials other than the one that is rotated come from a
//! connection, and go nowhere else than that connection's origin.

pub(super) mod arguments;
pub(super) mod expectation;

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::check::attempts::{Attempts, Shortfall};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::clock::Clock;
use crate::connection::Link;
use crate::connection::http::arguments::Place;
use crate::connection::http::templates::{Filled, Templates};
use crate::connection::http::{self, HttpService};
use crate::http::{HttpClient, Request, Response};
use crate::secret::{Parts, Secret, redact};
use crate::stop::Stop;
use crate::terraform::Diagnostic;

use expectation::Expectation;

/// The kind.
pub static KIND: CheckKind = CheckKind {
    name: "http",
    summary: "A request to an HTTP service, with the status that it must return and what its body must or must not contain.",
    api_docs: None,
    attributes: arguments::attributes,
    patience: Patience {
        timeout: Duration::from_secs(10),
        retry_for: Duration::from_secs(60),
    },
    reach: Some(http::VENDOR.reach()),
    parse: arguments::parse,
};

/// The service's name in errors.
const SERVICE: &str = "the checked service";

/// Every status beyond 2xx: here they are answers, redirects included.
const ANSWERS: std::ops::RangeInclusive<u16> = 300..=599;

/// The permitted statuses when the user names none.
const EXPECTED: [u16; 1] = [200];

/// The arguments, parsed.
#[derive(Clone)]
struct Config {
    method: &'static str,
    url: Place,
    templates: Templates,
    presents: Presents,
    expectation: Expectation,
}

impl CheckConfig for Config {
    fn presents(&self) -> Presents {
        self.presents
    }

    fn parts_used(&self) -> Vec<String> {
        self.templates.parts()
    }

    fn in_words(&self) -> String {
        let mut words = match &self.url {
            Place::Whole(url) => format!("{} {}", self.method, shown(url)),
            Place::Behind { path, connection } => {
                let path = path.split(['?', '#']).next().unwrap_or_default();
                format!("{} {path} by connection {connection}", self.method)
            }
        };
        match self.presents {
            Presents::Previous => words.push_str(" with the previous credential"),
            Presents::New | Presents::Nothing => {}
        }
        if self.expectation.status != EXPECTED {
            let statuses: Vec<String> = self.expectation.status.iter().map(u16::to_string).collect();
            words.push_str(&format!(", expecting {}", statuses.join(" or ")));
        }
        words
    }

    fn has_effects(&self) -> bool {
        !matches!(self.method, "GET" | "HEAD")
    }

    fn effects_default(&self) -> Option<bool> {
        (!self.has_effects()).then_some(false)
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        let service = match link.is_named() {
            true => Some(link.account::<HttpService>()?),
            false => None,
        };
        let url = arguments::OWNER.resolve(&self.url, "http.url", service, link.http())?;
        let headers = arguments::OWNER.headers_of(service, &self.templates)?;
        Ok(Box::new(HttpCheck {
            config: self.clone(),
            url,
            headers,
            http: link.http().clone(),
            clock: link.clock(),
        }))
    }
}

/// A URL for people, without a query that somebody may have taken for a template: braces may hold anything. Arguments whose names say
/// that they are credentials are refused before.
fn shown(url: &Url) -> Url {
    let mut shown = url.clone();
    let is_template = |query: &str| query.contains("{{") || query.to_ascii_lowercase().contains("%7b%7b");
    if url.query().is_some_and(is_template) {
        shown.set_query(None);
    }
    shown
}

/// A check, ready to run.
struct HttpCheck {
    config: Config,
    url: Url,
    /// What the connection adds.
    headers: Vec<(String, Secret)>,
    http: HttpClient,
    clock: Clock,
}

#[async_trait]
impl Check for HttpCheck {
    async fn run(
        &self,
        parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        let place = self.place();
        let none = Parts::default();
        let filled = self
            .config
            .templates
            .fill(parts.unwrap_or(&none))
            .map_err(|why| CheckFailure {
                message: redact(&format!("{place} was not sent: {why}.")),
                interrupted: false,
            })?;
        let attempts = Attempts::new(&place, patience, self.clock, stop);
        let attempt = || self.attempt(&filled, patience.timeout, permit);
        attempts.until_one_passes(attempt).await
    }
}

impl HttpCheck {
    /// The URL for people: without its query, which may hold anything.
    fn place(&self) -> String {
        let mut shown = self.url.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        format!("{} {shown}", self.config.method)
    }

    async fn attempt(&self, filled: &Filled, timeout: Duration, permit: &WritePermit) -> Result<(), Shortfall> {
        let config = &self.config;
        let statuses: Vec<u16> = ANSWERS.collect();
        let mut request = Request::new(config.method, self.url.as_str(), SERVICE, self.place())
            .timeout(timeout)
            .accept(&statuses)
            .once();
        for (name, value) in &self.headers {
            request = request.secret_header(name, value.share());
        }
        let request = filled.put_into(request);
        let answer = match config.method {
            "GET" | "HEAD" | "OPTIONS" => self.http.read(request).await,
            _ => self.http.write(request, permit).await,
        };
        let verdict = match answer {
            Ok(answer) => self.judge(&answer),
            Err(error) => return Err(self.unanswered(&error)),
        };
        verdict.map_err(Shortfall::Passing)
    }

    fn judge(&self, answer: &Response) -> Result<(), String> {
        let Config {
            expectation, presents, ..
        } = &self.config;
        expectation
            .judge(answer)
            .map_err(|shortfall| format!("{} {}", self.place(), shortfall.explain(expectation, *presents)))
    }

    fn unanswered(&self, error: &CallError) -> Shortfall {
        let idempotent = matches!(self.config.method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE");
        let unknown = error.effect == Effect::Possible && !idempotent;
        let mut message = error.sentence();
        if unknown {
            message.push_str(" It may have had its effect, so it was not sent again.");
        }
        match unknown || error.kind == CallErrorKind::Invalid {
            true => Shortfall::Lasting(message),
            false => Shortfall::Passing(message),
        }
    }
}
