//! Something that a service makes on request, is looked at and always deleted: a test organization, an entry of no use to anybody.
//!
//! Its name is reserved: it begins with [`RESERVED`] and ends in random characters, so that nothing that anybody needs is ever
//! deleted, and two runs do not meet. It is deleted after a failed inspection and after an interrupt as well, and by its name also
//! when the answer to the request that makes it was lost. What cannot be deleted is named in the failure.

mod arguments;

use std::time::Duration;

use async_trait::async_trait;

use self::arguments::Config;
use super::attempts::{Attempts, Shortfall};
use super::http::expectation::Expectation;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::clock::Clock;
use crate::connection::Link;
use crate::connection::http::arguments::{Owner, fill_in};
use crate::connection::http::listing::text_at;
use crate::connection::http::{self, HttpService};
use crate::randomness;
use crate::secret::{Parts, Secret, redact};
use crate::stop::Stop;
use crate::terraform::Diagnostic;

/// The kind.
pub static KIND: CheckKind = CheckKind {
    name: "http_canary",
    summary: "Has an HTTP service create something under a reserved name, inspects it until it is as expected, and always deletes it. Requires a \
              `connection` with `http`, and `effects = true`.",
    api_docs: None,
    attributes: arguments::attributes,
    patience: Patience {
        timeout: Duration::from_secs(30),
        retry_for: Duration::from_secs(120),
    },
    reach: Some(http::VENDOR.reach()),
    parse: arguments::parse,
};

/// Who sends the requests, as advice names it.
const OWNER: Owner = Owner("check");

/// What every name begins with.
const RESERVED: &str = "rotation-canary-";

/// The parts of the requests: the name, and the id where the answer has one.
const NAME: &str = "name";
const ID: &str = "id";

impl CheckConfig for Config {
    fn presents(&self) -> Presents {
        Presents::Nothing
    }

    fn parts_used(&self) -> Vec<String> {
        Vec::new()
    }

    fn in_words(&self) -> String {
        let path = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_owned();
        let (create, delete) = (&self.create, &self.delete);
        let mut words = format!(
            "{} {}, GET {}, {} {}",
            create.method,
            path(&create.url),
            path(&self.inspect.url),
            delete.method,
            path(&delete.url)
        );
        if self.inspect.expectation.status != [200] {
            let statuses: Vec<String> = self.inspect.expectation.status.iter().map(u16::to_string).collect();
            words.push_str(&format!(", expecting {}", statuses.join(" or ")));
        }
        words
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn effects_default(&self) -> Option<bool> {
        None
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        let service = link.account::<HttpService>()?;
        OWNER.headers_of(Some(service), &self.create.templates)?;
        Ok(Box::new(Canary {
            config: self.clone(),
            service: service.clone(),
            clock: link.clock(),
        }))
    }
}

/// A check, ready to run.
struct Canary {
    config: Config,
    service: HttpService,
    clock: Clock,
}

/// What is known of one canary.
struct Made {
    name: String,
    /// Where the service says it, and the answer came.
    id: Option<String>,
}

#[async_trait]
impl Check for Canary {
    async fn run(
        &self,
        _parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        if stop.requested() {
            return Err(CheckFailure {
                message: "It was interrupted before it began.".to_owned(),
                interrupted: true,
            });
        }
        let failed = |message: String| CheckFailure {
            message: redact(&message),
            interrupted: false,
        };
        let mut random = [0; 6];
        randomness::fill(&mut random).map_err(|error| failed(error.to_string()))?;
        let suffix: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut made = Made {
            name: format!("{RESERVED}{suffix}"),
            id: None,
        };
        let verdict = match self.create(&mut made, patience.timeout, permit).await {
            Ok(()) => self.inspect(&made, patience, stop).await,
            Err(error) if error.effect == Effect::None => return Err(failed(error.sentence())),
            Err(error) => Err(failed(error.sentence())),
        };
        let Err(error) = self.delete(&made, patience.timeout, permit).await else {
            return verdict;
        };
        let left = format!("{} was not deleted: {} Delete it by hand.", made.name, error.sentence());
        Err(match verdict {
            Ok(()) => failed(left),
            Err(failure) => CheckFailure {
                message: format!("{} {}", failure.message, redact(&left)),
                ..failure
            },
        })
    }
}

impl Canary {
    async fn create(&self, made: &mut Made, timeout: Duration, permit: &WritePermit) -> Result<(), CallError> {
        let create = &self.config.create;
        let operation = format!("creating {}", made.name);
        let refuse = |why: String| CallError::refused(http::VENDOR.title, &*operation, &why);
        let url = match create.url.contains("{{") {
            true => fill_in(&create.url, NAME, &made.name).map_err(refuse)?,
            false => create.url.clone(),
        };
        let url = self.service.address(&url).map_err(refuse)?;
        let name = Parts::single(NAME, Secret::plain(made.name.clone()));
        let filled = create.templates.fill(&name).map_err(refuse)?;
        let request = self.service.request(create.method, &url, &*operation).secret_answer();
        let request = filled.put_into(request).timeout(timeout).idempotent(false);
        let answer = self.service.write(request, &create.expect_status, permit).await?;
        if let Some(pointer) = &create.id {
            let body: serde_json::Value = answer.json()?;
            let id = text_at(&body, pointer).ok_or_else(|| {
                let what = format!("the answer has no id at {pointer:?}");
                CallError::malformed(http::VENDOR.title, &*operation, Effect::Possible, &what)
            });
            made.id = Some(id?);
        }
        Ok(())
    }

    /// A URL of this canary; `Err` where it needs an id that nobody knows.
    fn url(&self, url: &str, made: &Made, operation: &str) -> Result<url::Url, CallError> {
        let text = match (&self.config.create.id, &made.id) {
            _ if !url.contains("{{") => Ok(url.to_owned()),
            (None, _) => fill_in(url, NAME, &made.name),
            (Some(_), Some(id)) => fill_in(url, ID, id),
            (Some(_), None) => Err("the service did not tell its id".to_owned()),
        };
        let url = text.and_then(|text| self.service.address(&text));
        url.map_err(|why| CallError::refused(http::VENDOR.title, operation, &why))
    }

    async fn inspect(&self, made: &Made, patience: Patience, stop: &Stop) -> Result<(), CheckFailure> {
        let operation = format!("inspecting {}", made.name);
        let failed = |error: CallError| CheckFailure {
            message: error.sentence(),
            interrupted: false,
        };
        let url = self.url(&self.config.inspect.url, made, &operation).map_err(failed)?;
        let expected = &self.config.inspect.expectation;
        let named = |text: &Option<String>| text.as_ref().map(|text| text.replace("{{ name }}", &made.name));
        let expected = &Expectation {
            contains: named(&expected.contains),
            lacks: named(&expected.lacks),
            ..expected.clone()
        };
        let (operation, url) = (&operation, &url);
        let attempt = || async move {
            let statuses: Vec<u16> = (300..=599).collect();
            let request = self.service.request("GET", url, &**operation);
            let request = request.timeout(patience.timeout).accept(&statuses).once();
            let answer = self.service.read(request).await;
            let answer = answer.map_err(|error| match error.kind {
                CallErrorKind::Invalid => Shortfall::Lasting(error.sentence()),
                _ => Shortfall::Passing(error.sentence()),
            })?;
            let judged = expected.judge(&answer);
            judged.map_err(|shortfall| {
                Shortfall::Passing(format!(
                    "{} {}",
                    made.name,
                    shortfall.explain(expected, Presents::Nothing)
                ))
            })
        };
        Attempts::new(operation, patience, self.clock, stop)
            .until_one_passes(attempt)
            .await
    }

    /// One that is gone, or never came to be, is deleted.
    async fn delete(&self, made: &Made, timeout: Duration, permit: &WritePermit) -> Result<(), CallError> {
        let delete = &self.config.delete;
        let operation = format!("deleting {}", made.name);
        let url = self.url(&delete.url, made, &operation)?;
        let request = self
            .service
            .request(delete.method, &url, operation)
            .timeout(timeout)
            .idempotent(true);
        match self.service.write(request, &delete.expect_status, permit).await {
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(()),
            ended => ended.map(drop),
        }
    }
}
