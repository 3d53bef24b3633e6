//! Other people's credentials: headers that a check sends to one service. They are never stored, and may be ephemeral.
//!
//! A header goes to the origin of `base_url` and nowhere else (RFC 6454): an address of another origin is refused, and a redirect
//! is never followed with it.

use std::collections::BTreeMap;

use url::Url;

use super::account::no_blocks;
use super::{Account, Opening, Vendor};
use crate::diagnostics::{Argument, capitalized};
use crate::http::remote_host;
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

/// A service and the headers for it.
pub struct HttpService {
    base_url: Url,
    headers: BTreeMap<String, Secret>,
}

impl Account for HttpService {
    fn vendor() -> &'static Vendor {
        &VENDOR
    }

    fn remote_host(&self) -> Option<String> {
        remote_host(self.base_url.as_str())
    }
}

impl HttpService {
    /// The address of a request: `url` itself when it is one, else `url` behind `base_url`.
    ///
    /// # Errors
    /// Why the headers must not be sent there; the rest of a sentence.
    pub fn address(&self, url: &str) -> Result<Url, String> {
        let base = self.base_url.as_str().trim_end_matches('/');
        let whole = match Url::parse(url) {
            Ok(url) => url,
            Err(_) => {
                Url::parse(&format!("{base}/{}", url.trim_start_matches('/'))).map_err(|error| error.to_string())?
            }
        };
        if whole.origin() == self.base_url.origin() {
            return Ok(whole);
        }
        Err(format!(
            "it is at {}, and the headers of this connection are for {} alone",
            whole.origin().ascii_serialization(),
            self.base_url.origin().ascii_serialization()
        ))
    }

    /// The headers by name.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value))
    }
}

fn open(opening: &mut Opening<'_>) -> Option<Box<dyn Account>> {
    let base_url = base_url(opening);
    let headers = headers(opening);
    Some(Box::new(HttpService {
        base_url: base_url?,
        headers: headers?,
    }))
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

    #[test]
    fn a_request_stays_at_the_origin_of_its_connection() {
        let service = HttpService {
            base_url: Url::parse("https://status.example.com/api/").unwrap(),
            headers: BTreeMap::new(),
        };
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
