//! Any service that speaks HTTP, and other people's credentials for it: headers that requests carry. They are never stored, and may be
//! ephemeral.
//!
//! A header goes to the origin of `base_url` and nowhere else (RFC 6454): an address of another origin is refused, and a redirect
//! is never followed with it.

pub mod arguments;
pub mod listing;
mod paging;
pub mod templates;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use url::{Position, Url};

use self::listing::Listed;

use super::account::no_blocks;
use super::{Account, Opening, Vendor};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::diagnostics::{Argument, capitalized};
use crate::http::{HttpClient, Request, Response, Shared, remote_host};
use crate::secret::Secret;
use crate::terraform::{Attribute, Field, Type};

/// The vendor: any service that speaks HTTP.
pub static VENDOR: Vendor = Vendor {
    block: "http",
    title: "HTTP",
    description: "Any HTTP service, with credentials that this configuration does not rotate. Terraform stores none of this, and the values \
                  may be ephemeral. Only in a `connection` block.",
    attributes,
    blocks: no_blocks,
    named: "",
    has_default: false,
    open,
};

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "base_url",
            Type::String,
            "Required. The address that a relative `url` is appended to, such as `https://status.example.com/api`. The headers are sent \
             only to its scheme, host and port, and never follow a redirect.",
        ),
        Attribute::optional(
            "headers",
            Type::string_map(),
            "Headers that are added to each request, such as `Authorization`.",
        )
        .sensitive(),
    ]
}

/// A service and the headers for it; clones share what was listed.
#[derive(Clone)]
pub struct HttpService(Arc<Inner>);

struct Inner {
    /// The connection's name.
    name: String,
    base_url: Url,
    headers: BTreeMap<String, Secret>,
    http: HttpClient,
    listings: Shared<Vec<Listed>>,
}

impl Account for HttpService {
    fn vendor() -> &'static Vendor {
        &VENDOR
    }

    fn place(&self) -> String {
        let host = self.0.base_url.host_str().unwrap_or_default();
        let port = self.0.base_url.port();
        port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    fn remote_host(&self) -> Option<String> {
        remote_host(self.0.base_url.as_str())
    }
}

impl HttpService {
    /// The connection's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The address of a request: `url` itself when it is one, else `url` behind `base_url`.
    ///
    /// # Errors
    /// Why the headers must not be sent there; the rest of a sentence.
    pub fn address(&self, url: &str) -> Result<Url, String> {
        let base_url = &self.0.base_url;
        let base = base_url.as_str().trim_end_matches('/');
        let whole = match Url::parse(url) {
            Ok(url) => url,
            Err(_) => {
                Url::parse(&format!("{base}/{}", url.trim_start_matches('/'))).map_err(|error| error.to_string())?
            }
        };
        if whole.origin() == base_url.origin() {
            return Ok(whole);
        }
        Err(format!(
            "it is at {}, and the headers of this connection are for {} alone",
            whole.origin().ascii_serialization(),
            base_url.origin().ascii_serialization()
        ))
    }

    /// Path and query of [`Self::address`], by which an address in state keeps it.
    ///
    /// # Errors
    /// Those of [`Self::address`].
    pub fn path(&self, url: &str) -> Result<String, String> {
        let mut address = self.address(url)?;
        address.set_fragment(None);
        Ok(address[Position::BeforePath..].to_owned())
    }

    /// The URL of such a path.
    ///
    /// # Errors
    /// It leads elsewhere.
    pub fn at_path(&self, path: &str) -> Result<Url, String> {
        let origin = &self.0.base_url[..Position::BeforePath];
        self.address(&format!("{origin}{path}"))
    }

    /// A URL for people, without its query, which may hold anything: `/settings/secrets of connection "platform"`.
    pub fn words_of(&self, url: &Url) -> String {
        format!("{} of connection {:?}", url.path(), self.name())
    }

    /// The headers by name.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.headers.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn listings(&self) -> &Shared<Vec<Listed>> {
        &self.0.listings
    }

    /// A request with the headers; `operation` is a gerund phrase.
    pub fn request(&self, method: &'static str, url: &Url, operation: impl Into<String>) -> Request {
        let mut request = Request::new(method, url.as_str(), VENDOR.title, operation).error_message(message_of);
        for (name, value) in self.headers() {
            request = request.secret_header(name, value.share());
        }
        request
    }

    /// Sends a request that changes nothing.
    ///
    /// # Errors
    /// [`CallError`], with advice about the headers where they are refused.
    pub async fn read(&self, request: Request) -> Result<Response, CallError> {
        self.0.http.read(request).await.map_err(|error| self.advise(error))
    }

    /// Sends a request that changes something, and takes these statuses alone for success.
    ///
    /// # Errors
    /// As [`Self::read`]; `effect` says whether something may have changed.
    pub async fn write(&self, request: Request, expected: &[u16], permit: &WritePermit) -> Result<Response, CallError> {
        let operation = request.operation().to_owned();
        let answer = self
            .0
            .http
            .write(request, permit)
            .await
            .map_err(|error| self.advise(error))?;
        if expected.contains(&answer.status) {
            return Ok(answer);
        }
        let expected: Vec<String> = expected.iter().map(u16::to_string).collect();
        let what = format!("expected {}; it may have had its effect", expected.join(" or "));
        Err(CallError::new(
            CallErrorKind::Malformed,
            Effect::Possible,
            VENDOR.title,
            operation,
            Some(answer.status),
            &what,
        ))
    }

    fn advise(&self, error: CallError) -> CallError {
        let name = self.name();
        match error.kind {
            CallErrorKind::Unauthenticated => {
                let origin = format!("connection {name:?}");
                let advice =
                    format!("The headers of connection {name:?} are not accepted. Set a valid credential in them.");
                error.advise_credential(&origin, &advice)
            }
            CallErrorKind::Forbidden => error.advise(&format!(
                "The credential in the headers of connection {name:?} lacks the permission."
            )),
            CallErrorKind::NotFound => error.advise(&format!(
                "The path does not exist, or the credential in the headers of connection {name:?} has no access to it."
            )),
            _ => error,
        }
    }
}

/// Where most services have the message of an error: `error`, `message` (RFC 9457: `detail`), or `error.message`.
fn message_of(body: &Value) -> Option<String> {
    let places = ["/error/message", "/error", "/message", "/detail"];
    let mut found = places.iter().filter_map(|place| body.pointer(place)?.as_str());
    found.next().map(str::to_owned)
}

fn open(opening: &mut Opening<'_>) -> Option<Box<dyn Account>> {
    let base_url = base_url(opening);
    let headers = headers(opening);
    Some(Box::new(HttpService(Arc::new(Inner {
        name: opening.name.unwrap_or_default().to_owned(),
        base_url: base_url?,
        headers: headers?,
        http: opening.http.clone(),
        listings: Shared::for_a_while(opening.surroundings.clock),
    }))))
}

fn base_url(opening: &mut Opening<'_>) -> Option<Url> {
    let node = opening.node.attr("base_url");
    let text = node.required_string(&mut opening.written).known()?;
    let why = match crate::http::permitted(&text, opening.surroundings.allow_insecure) {
        Ok(url) if url.query().is_none() && url.fragment().is_none() => return Some(url),
        Ok(_) => "it has a query or a fragment, and no path can be added to that".to_owned(),
        Err(why) => why,
    };
    node.report(&mut opening.written, |argument| Argument::CannotBeUsed {
        argument,
        why: format!("{}.", capitalized(&why)).into(),
    });
    None
}

fn headers(opening: &mut Opening<'_>) -> Option<BTreeMap<String, Secret>> {
    let map = opening.node.attr("headers");
    if map.value().as_map().is_none() {
        return map.string_map(&mut opening.written).optional().map(|_| BTreeMap::new());
    }
    let mut headers = BTreeMap::<String, Secret>::new();
    let mut complete = true;
    for (name, node) in map.elements() {
        let value = match node.text(&mut opening.written) {
            Field::Known(value) => value,
            Field::Absent => continue,
            Field::Unknown => {
                complete = false;
                continue;
            }
        };
        let twice = headers.keys().any(|known| known.eq_ignore_ascii_case(name));
        let mistake = match crate::http::header_mistake(name, value.trim()) {
            Some(mistake) => Some(mistake.to_string()),
            None => twice.then(|| "it is set twice: header names ignore case".to_owned()),
        };
        if let Some(mistake) = mistake {
            node.report(&mut opening.written, |argument| Argument::CannotBeUsed {
                argument,
                why: format!("{}.", capitalized(&mistake)).into(),
            });
            complete = false;
            continue;
        }
        headers.insert(name.to_owned(), Secret::new(value.trim().to_owned()));
    }
    complete.then_some(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> crate::terraform::Value {
        use crate::terraform::Value;
        let block = [("base_url", Value::string("https://status.example.com/api/"))];
        let named = Value::object([("status", Value::object([("http", Value::object(block))]))]);
        Value::object([("connection", named)])
    }

    #[test]
    fn a_path_in_state_leads_to_where_it_came_from() {
        let opened = crate::connection::opened(&status(), &[]);
        let service = opened.0.link("status").account::<HttpService>().unwrap();
        assert_eq!(service.place(), "status.example.com");
        for url in ["/a?b=c#d", "https://status.example.com/x/y", "@evil.example/"] {
            let path = service.path(url).unwrap();
            let mut whole = service.address(url).unwrap();
            whole.set_fragment(None);
            assert_eq!(service.at_path(&path), Ok(whole), "{url}");
        }
        for path in ["@evil.example/", ".evil.example/", ":8443/"] {
            assert!(service.at_path(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_request_stays_at_the_origin_of_its_connection() {
        let http = crate::connection::opened(&status(), &[]);
        let service = http.0.link("status").account::<HttpService>().unwrap();
        for (url, whole) in [
            ("/health", "https://status.example.com/api/health"),
            ("health?x=1", "https://status.example.com/api/health?x=1"),
            ("//evil.example/x", "https://status.example.com/api/evil.example/x"),
            ("@evil.example", "https://status.example.com/api/@evil.example"),
            ("", "https://status.example.com/api/"),
            ("https://status.example.com/other", "https://status.example.com/other"),
        ] {
            assert_eq!(service.address(url).map(String::from).as_deref(), Ok(whole), "{url}");
        }
        for url in [
            "https://evil.example/",
            "http://status.example.com/",
            "https://status.example.com:8443/",
            "https://status.example.com@evil.example/",
        ] {
            let why = service.address(url).expect_err(url);
            assert!(why.ends_with("are for https://status.example.com alone"), "{why}");
        }
    }
}
