//! Sends requests: one attempt after the other, redirects by hand, one debug event each.
//!
//! It must not decide what an answer means (`classify`) nor when to try again (`retry`).

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, DATE, LOCATION};
use reqwest::{Method, redirect};
use url::Url;
use zeroize::Zeroizing;

use super::classify::{self, Intent};
use super::governor::Governor;
use super::header::{self, Header};
use super::pace::{Allowance, Turn};
use super::request::{Content, Request};
use super::response::{self, BodyError, Response};
use super::retry::{self, Failure};
use super::skew::{Clocks, Skew};
use super::url_policy::{self, GuardedResolver};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::clock::Clock;
use crate::secret::redact;
use crate::stop::Stop;

const USER_AGENT: &str = concat!("terraform-provider-rotation/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REDIRECTS: u8 = 5;

/// The client; cheap to clone, all clones share connections, limits and pauses.
#[derive(Clone)]
pub struct HttpClient(Arc<Inner>);

struct Inner {
    clock: Clock,
    allow_insecure: bool,
    stop: Stop,
    governor: Governor,
    clocks: Clocks,
    /// For this machine: a proxy could not reach it, or would reach itself.
    direct: OnceLock<Result<reqwest::Client, String>>,
    /// For all others: through the proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY`), if it names one.
    outward: OnceLock<Result<reqwest::Client, String>>,
}

impl HttpClient {
    /// A client. Building it is cheap: TLS is set up at the first call.
    pub fn new(clock: Clock, allow_insecure: bool) -> Self {
        Self::until(Stop::default(), clock, allow_insecure)
    }

    /// The same; what waits for its turn to be sent ends when `stop` is set.
    pub fn until(stop: Stop, clock: Clock, allow_insecure: bool) -> Self {
        Self(Arc::new(Inner {
            clock,
            allow_insecure,
            stop,
            governor: Governor::default(),
            clocks: Clocks::default(),
            direct: OnceLock::new(),
            outward: OnceLock::new(),
        }))
    }

    /// Whether the policy lets this client call `url`, so that a refusal can be told before anything is made.
    ///
    /// # Errors
    /// One sentence; it never repeats the URL.
    pub fn may_call(&self, url: &str) -> Result<(), String> {
        url_policy::permitted(url, self.0.allow_insecure).map(drop)
    }

    /// Declares how many writes the host of `base_url` takes: whatever comes too early waits for its turn, whichever account it is from.
    pub fn limit_writes(&self, base_url: &str, allowances: &[Allowance]) {
        if let Ok(url) = Url::parse(base_url) {
            self.0.governor.limit(&host_of(&url), allowances.into());
        }
    }

    /// What was declared of the host of `base_url`.
    #[cfg(test)]
    pub(crate) fn write_limits(&self, base_url: &str) -> Arc<[Allowance]> {
        self.0.governor.pace(&host_of(&Url::parse(base_url).unwrap())).1
    }

    /// A vendor whose clock differs from this machine's by more than five minutes, where this run has met one.
    pub fn skew(&self) -> Option<Skew> {
        self.0.clocks.get()
    }

    /// Sends a request that changes nothing (GET, or a POST that is a query). Retried while the deadline allows.
    ///
    /// # Errors
    /// [`CallError`] with [`Effect::None`](crate::call::Effect::None).
    pub async fn read(&self, request: Request) -> Result<Response, CallError> {
        self.send(&request, Intent::Read).await
    }

    /// Sends a request that changes something. Retried only where the first attempt certainly had no effect, or the
    /// request is idempotent. A redirect that asks for the same request (307, 308) is followed within the origin, and no other.
    ///
    /// # Errors
    /// [`CallError`]; its `effect` says whether something may have changed, by any of the attempts.
    pub async fn write(&self, request: Request, _permit: &WritePermit) -> Result<Response, CallError> {
        self.send(&request, Intent::Write).await
    }

    async fn send(&self, request: &Request, intent: Intent) -> Result<Response, CallError> {
        // However long the first turn takes: no time for the call itself is lost by it.
        let mut turn = self.turn(request, intent).await?;
        let deadline = self.0.clock.deadline(retry::PATIENCE);
        let idempotent = request.idempotent || intent == Intent::Read;
        let mut lost: Option<CallError> = None;
        let mut failed = 0;
        loop {
            let failure = match self.attempt(request, intent).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            drop(turn);
            failed += 1;
            let left = deadline.remaining();
            let pause = retry::pause(&failure, idempotent, (failed, request.attempts), left, jitter());
            // Once an attempt may have had an effect, a later refusal does not undo it.
            let effect = lost.as_ref().map_or(failure.error.effect, |earlier| earlier.effect);
            let error = CallError {
                effect,
                ..failure.error
            };
            let Some(pause) = pause else {
                return Err(error);
            };
            self.0.clock.sleep(pause).await;
            let Ok(next) = self.turn(request, intent).await else {
                return Err(error);
            };
            turn = next;
            if effect == intent.unknown_effect() {
                lost = Some(error);
            }
        }
    }

    /// The turn of a write, where its host's are counted.
    ///
    /// # Errors
    /// [`CallErrorKind::Interrupted`] when the end was asked for meanwhile.
    async fn turn(&self, request: &Request, intent: Intent) -> Result<Option<Turn>, CallError> {
        if intent == Intent::Read {
            return Ok(None);
        }
        let refuse = |why: String| classify::refused(request, &why).error;
        let url = url_policy::permitted(&request.url, self.0.allow_insecure).map_err(refuse)?;
        let host = host_of(&url);
        let (pace, allowances) = self.0.governor.pace(&host);
        if allowances.is_empty() {
            return Ok(None);
        }
        let turn = pace.turn(&host, &allowances, self.0.clock, &self.0.stop);
        turn.await.map(Some).ok_or_else(|| {
            let why = "it was interrupted while it waited for its turn, so nothing was sent";
            let (kind, effect) = (CallErrorKind::Interrupted, Effect::None);
            CallError::new(kind, effect, request.service, &*request.operation, None, why)
        })
    }

    /// One attempt, with the redirects that it meets.
    async fn attempt(&self, request: &Request, intent: Intent) -> Result<Response, Failure> {
        let refuse = |why: String| classify::refused(request, &why);
        let mut url = url_policy::permitted(&request.url, self.0.allow_insecure).map_err(refuse)?;
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let origin = url.origin();
        let mut headers = header::of_request(request)?;
        let anywhere = intent == Intent::Read && matches!(request.method, "GET" | "HEAD");
        let mut content = request.content.as_ref();
        let mut hops = 0;
        loop {
            let answer = match request.protocol.as_deref().filter(|_| url.origin() == origin) {
                Some(protocol) => {
                    let mut signed = headers.clone();
                    let clock = &self.0.clock;
                    signed.extend(header::of_protocol(protocol, request, &url, &headers, content, clock)?);
                    self.exchange(request, intent, &url, &signed, content).await?
                }
                None => self.exchange(request, intent, &url, &headers, content).await?,
            };
            let status = answer.status().as_u16();
            let accepted = answer.status().is_success() || request.accept.contains(&status);
            // 307 and 308 ask for the same request, which was not performed (RFC 9110 sections 15.4.8 and 15.4.9).
            let followable = matches!(status, 307 | 308) || anywhere && matches!(status, 301..=303);
            let next = match self.next_url(&url, &answer) {
                _ if accepted || !followable => None,
                Ok(next) => Some(next).filter(|next| anywhere || next.origin() == url.origin()),
                Err(why) if anywhere => return Err(refuse(why)),
                Err(_) => None,
            };
            if let Some(next) = next {
                hops += 1;
                if hops > REDIRECTS {
                    return Err(refuse(format!("more than {REDIRECTS} redirects")));
                }
                if next.origin() != url.origin() {
                    headers.retain(|(_, _, secret)| !secret);
                    // A body may hold a credential as well.
                    content = None;
                }
                url = next;
                continue;
            }
            let mut response = self.conclude(request, intent, answer, accepted, &url).await?;
            response.redirected = hops > 0;
            return Ok(response);
        }
    }

    /// Sends the request to `url` once and waits for the head of the answer.
    async fn exchange(
        &self,
        request: &Request,
        intent: Intent,
        url: &Url,
        headers: &[Header],
        content: Option<&Content>,
    ) -> Result<reqwest::Response, Failure> {
        let client = self.transport(url).map_err(|why| classify::refused(request, &why))?;
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| classify::refused(request, "the method is not an HTTP method"))?;
        let mut builder = client.request(method, url.clone()).timeout(request.timeout);
        for (name, value, _) in headers {
            builder = builder.header(name, value);
        }
        builder = match content {
            Some(content) => builder.body(content.bytes()),
            // Servers may insist on it where the method foresees content (RFC 9110 section 8.6).
            None if matches!(request.method, "POST" | "PUT" | "PATCH") => builder.header(CONTENT_LENGTH, 0),
            None => builder,
        };
        let _slot = self.0.governor.enter(&host_of(url), &self.0.clock).await;
        let limit = self.0.clock.deadline(request.timeout);
        let result = builder.send().await;
        tracing::debug!(
            method = request.method,
            host = url.host_str().unwrap_or_default(),
            path = %redact(url.path()),
            status = result.as_ref().ok().map(|answer| answer.status().as_u16()),
            milliseconds = request.timeout.saturating_sub(limit.remaining()).as_millis(),
            "called {}",
            request.service,
        );
        let answer = result.map_err(|error| classify::transport(request, intent, error))?;
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let host = url.host_str().unwrap_or_default();
        self.0.clocks.note(host, date, self.0.clock.real_now());
        Ok(answer)
    }

    /// Reads the body and tells an answer from an error.
    async fn conclude(
        &self,
        request: &Request,
        intent: Intent,
        answer: reqwest::Response,
        accepted: bool,
        url: &Url,
    ) -> Result<Response, Failure> {
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let body = response::read_body(answer).await;
        if !accepted {
            // A refusal stands, whatever became of its explanation.
            let text = Zeroizing::new(body.map(response::text).unwrap_or_default());
            let failure = classify::status(request, intent, status, &headers, &text, &self.0.clock);
            if let Some(wait) = failure.wait.filter(|wait| *wait <= retry::LONGEST_WAIT) {
                self.0.governor.close(&host_of(url), wait, &self.0.clock);
            }
            return Err(failure);
        }
        match body {
            Ok(body) => Ok(Response::new(request, status, &headers, body, intent.unknown_effect())),
            Err(BodyError::TooLong) => Err(classify::too_long(request, intent, status)),
            Err(BodyError::Lost(error)) => Err(classify::transport(request, intent, error)),
        }
    }

    /// Where a redirect leads, if it may be followed.
    fn next_url(&self, url: &Url, answer: &reqwest::Response) -> Result<Url, String> {
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let next = location.and_then(|location| url.join(location).ok());
        let next = next.ok_or("the answer is a redirect to nowhere")?;
        if url.scheme() == "https" && next.scheme() != "https" {
            return Err("the answer is a redirect from https to an unencrypted URL".to_owned());
        }
        url_policy::check(&next, self.0.allow_insecure).map_err(|why| format!("the answer is a redirect: {why}"))?;
        Ok(next)
    }

    fn transport(&self, url: &Url) -> Result<&reqwest::Client, String> {
        let client = if url_policy::is_loopback(url) {
            self.0.direct.get_or_init(|| build(false))
        } else {
            self.0.outward.get_or_init(|| build(true))
        };
        client.as_ref().map_err(Clone::clone)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that builds an HTTP client"
)]
fn build(proxied: bool) -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder()
        .tls_backend_rustls()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none())
        .dns_resolver(GuardedResolver);
    let builder = if proxied { builder } else { builder.no_proxy() };
    builder.build().map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let cause = cause.unwrap_or_else(|| error.to_string());
        format!("TLS cannot be set up: {cause}; SSL_CERT_FILE can name a file of certificate authorities")
    })
}

/// Host and port: what limits are counted by.
fn host_of(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// A random byte; without entropy the pauses are merely not spread.
fn jitter() -> u8 {
    let mut byte = [u8::MAX];
    if crate::randomness::fill(&mut byte).is_err() {
        return u8::MAX;
    }
    let [byte] = byte;
    byte
}
