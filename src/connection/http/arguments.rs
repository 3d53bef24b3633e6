//! Arguments of which a user makes a request, and the rules that keep other people's credentials out of state.

use url::Url;

use super::HttpService;
use super::templates::{Header, Templates};
use crate::connection::literal;
use crate::connection::templated::templated;
use crate::diagnostics::{Argument, CheckArgument, capitalized};
use crate::http::{HeaderMistake, HttpClient, header_mistake};
use crate::secret::Secret;
use crate::template::Template;
use crate::terraform::{Diagnostic, Diagnostics, Field, Node, Path};

/// Who sends the requests, as advice names it: `check`, `target`.
#[derive(Debug, Clone, Copy)]
pub struct Owner(pub &'static str);

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// To that URL.
    Whole(Url),
    /// Behind the base URL of the connection.
    Behind {
        /// What is appended.
        path: String,
        /// The connection's name.
        connection: String,
    },
}

impl Owner {
    /// Ends errors about credentials that are not the one that is rotated.
    fn others(self) -> String {
        format!(
            "Put any other credential into the headers of a connection (`connection \"NAME\" {{ http {{ … }} }}` in the provider block) \
             and set `connection = \"NAME\"` on the {}",
            self.0
        )
    }

    /// Reads a URL, which is no template.
    pub fn url(self, node: &Node<'_>, connection: Option<&str>, problems: &mut Diagnostics) -> Option<Place> {
        let text = node.required_string(problems).known()?;
        let place = self.place(&text, connection);
        place.map_err(|why| refuse(node, &why, problems)).ok()
    }

    /// Reads a path behind the base URL of the connection that the owner must have. Of all parts it has `part` alone, which is no secret.
    pub fn path(self, node: &Node<'_>, part: Option<&str>, problems: &mut Diagnostics) -> Option<String> {
        let text = node.required_string(problems).known()?;
        if Url::parse(&text).is_ok() {
            let why = "it is a whole URL. Write the path that is appended to the connection's base_url";
            refuse(node, why, problems);
            return None;
        }
        self.checked_path(node, text, part, problems)
    }

    /// Reads URLs behind that connection, whole ones or paths; at least one.
    pub fn paths(self, node: &Node<'_>, problems: &mut Diagnostics) -> Field<Vec<String>> {
        node.strings(problems).and_then_checked(|texts| {
            if texts.is_empty() {
                node.report(problems, |argument| Argument::Empty {
                    argument,
                    advice: "Name at least one URL.".into(),
                });
                return None;
            }
            let mut known: Vec<String> = Vec::new();
            for (at, text) in (0..).zip(texts) {
                let place = node.index(at);
                if known.contains(&text) {
                    place.report(problems, |argument| Argument::SetTwice {
                        argument,
                        advice: "Remove one.".into(),
                    });
                    return None;
                }
                known.push(self.checked_path(&place, text, None, problems)?);
            }
            Some(known)
        })
    }

    fn checked_path(
        self,
        node: &Node<'_>,
        text: String,
        part: Option<&str>,
        problems: &mut Diagnostics,
    ) -> Option<String> {
        let filled = match part {
            Some(part) => fill_in(&text, part, "x"),
            None => Ok(text.clone()),
        };
        let place = filled.and_then(|filled| self.place(&filled, Some("NAME")));
        place.map_err(|why| refuse(node, &why, problems)).ok().map(|_| text)
    }

    /// Where a request to `text` goes, or why there must be none.
    fn place(self, text: &str, connection: Option<&str>) -> Result<Place, String> {
        if text.contains("{{") {
            return Err(
                "it contains a template, but URLs appear in logs. Present the credential in a header or the body"
                    .to_owned(),
            );
        }
        if connection.is_some() && text.contains('#') {
            return Err("it has a fragment (#), which is never sent".to_owned());
        }
        let is_relative = Url::parse(text) == Err(url::ParseError::RelativeUrlWithoutBase);
        let (place, url) = match connection.filter(|_| is_relative) {
            Some(connection) => {
                let behind =
                    Url::parse(&format!("https://connection.invalid/{text}")).map_err(|error| error.to_string())?;
                let place = Place::Behind {
                    path: text.to_owned(),
                    connection: connection.to_owned(),
                };
                (place, behind)
            }
            None if is_relative => {
                return Err(format!(
                    "it is not a whole URL. Only a {} with a `connection` may omit scheme and host, which come from the connection's \
                     base_url",
                    self.0
                ));
            }
            None => {
                // Whether plain http is permitted is a matter of the provider block, which is not known here.
                let url = crate::http::permitted(text, true)?;
                (Place::Whole(url.clone()), url)
            }
        };
        match literal::in_query(&url) {
            None => Ok(place),
            Some(name) => Err(format!(
                "its query contains a credential ({name}), which Terraform would store. Present the rotated credential in a header or \
                 the body, such as \"Bearer {{{{ value }}}}\". {}",
                self.others()
            )),
        }
    }

    /// Reads headers, as templates.
    pub fn headers(self, map: &Node<'_>, problems: &mut Diagnostics) -> Option<Vec<Header>> {
        let mut found: Vec<Header> = Vec::new();
        let mut complete = !map.is_unknown();
        if map.value().as_map().is_none() {
            // Reports what is no map.
            complete &= map.string_map(problems).optional().is_some();
        }
        for (name, value) in map.elements() {
            let text = match value.text(problems) {
                Field::Known(text) => text,
                Field::Absent => continue,
                Field::Unknown => {
                    complete = false;
                    continue;
                }
            };
            let Some(template) = self.header(name, &text, &value, problems) else {
                complete = false;
                continue;
            };
            if found.iter().any(|header| header.name.eq_ignore_ascii_case(name)) {
                value.report(problems, |argument| Argument::SetTwice {
                    argument,
                    advice: "Header names ignore case. Remove one.".into(),
                });
                complete = false;
            }
            found.push(Header {
                name: name.to_owned(),
                value: template,
            });
        }
        complete.then_some(found)
    }

    fn header(self, name: &str, text: &str, node: &Node<'_>, problems: &mut Diagnostics) -> Option<Template> {
        match header_mistake(name, text) {
            None => {}
            Some(HeaderMistake::OfTheClient) => {
                let header = name.to_owned();
                node.report(problems, |argument| CheckArgument::OwnHeader { argument, header });
                return None;
            }
            Some(HeaderMistake::Name) => {
                node.report_not(
                    problems,
                    "the name of a header",
                    "It contains a character that HTTP forbids.",
                );
                return None;
            }
            Some(HeaderMistake::Value) => {
                let why = "It contains a control character or a line break.";
                node.report_not(problems, "the value of a header", why);
                return None;
            }
        }
        let template = self.template(node, text, problems)?;
        if literal::in_header(name, &template) {
            node.report(problems, |argument| Argument::PlainCredential {
                argument,
                what: "credential".into(),
                advice: format!(
                    "Write the whole credential as a part, such as \"Bearer {{{{ value }}}}\". {}.",
                    self.others()
                )
                .into(),
            });
            return None;
        }
        Some(template)
    }

    fn template(self, node: &Node<'_>, text: &str, problems: &mut Diagnostics) -> Option<Template> {
        templated(node, text, &format!(" {}.", self.others()), problems)
    }

    /// Reads a body, as a template; `Some(None)` where there is none.
    pub fn body(self, node: &Node<'_>, problems: &mut Diagnostics) -> Option<Option<Template>> {
        match node.string(problems) {
            Field::Absent => Some(None),
            Field::Unknown => None,
            Field::Known(text) => self.template(node, &text, problems).map(Some),
        }
    }

    /// Reads the arguments `headers` and `body`, whose templates have these parts alone, and at least one of them if one `is_needed`.
    pub fn templates(
        self,
        node: &Node<'_>,
        parts: &[&str],
        is_needed: bool,
        problems: &mut Diagnostics,
    ) -> Option<Templates> {
        let headers = self.headers(&node.attr("headers"), problems);
        let body = self.body(&node.attr("body"), problems);
        let templates = Templates {
            headers: headers?,
            body: body?,
        };
        let used = templates.parts();
        if let Some(strange) = used.iter().find(|name| !parts.contains(&name.as_str())) {
            node.attr("body").report(problems, |argument| Argument::UnknownPart {
                argument,
                part: crate::terraform::is_word(strange).then(|| strange.clone()),
                parts: parts.join(", "),
            });
            return None;
        }
        if used.is_empty() && is_needed {
            let expected: Vec<String> = parts.iter().map(|part| format!("{{{{ {part} }}}}")).collect();
            let expected = expected.join(" or ");
            node.attr("body")
                .report(problems, |argument| Argument::RequiredBecause {
                    argument,
                    why: format!(
                        "Neither the body nor a header contains {expected}. Write it where the service expects it."
                    )
                    .into(),
                });
            return None;
        }
        Some(templates)
    }

    /// The URL of a request that goes to `place`.
    ///
    /// # Errors
    /// A diagnostic that says why it must not be called.
    pub fn resolve(
        self,
        place: &Place,
        argument: &'static str,
        service: Option<&HttpService>,
        http: &HttpClient,
    ) -> Result<Url, Diagnostic> {
        let url = match (place, service) {
            (Place::Whole(url), None) => Ok(url.clone()),
            (Place::Whole(url), Some(service)) => service.address(url.as_str()),
            (Place::Behind { path, .. }, Some(service)) => service.address(path),
            (Place::Behind { .. }, None) => Err(format!("it is relative, and the {} names no connection", self.0)),
        };
        let url = url.and_then(|url| http.may_call(url.as_str()).map(|()| url));
        url.map_err(|why| self.refused(argument, why))
    }

    /// A URL that must not be called.
    pub fn refused(self, argument: &'static str, why: String) -> Diagnostic {
        let (of, argument, why) = (self.0.into(), argument.into(), why.into());
        Diagnostic::new(Path::root(), CheckArgument::UrlRefused { of, argument, why })
    }

    /// What the connection adds to the headers of a request.
    ///
    /// # Errors
    /// A diagnostic that names a header that both set.
    pub fn headers_of(
        self,
        service: Option<&HttpService>,
        templates: &Templates,
    ) -> Result<Vec<(String, Secret)>, Diagnostic> {
        let Some(service) = service else {
            return Ok(Vec::new());
        };
        let mut headers = Vec::new();
        for (name, value) in service.headers() {
            if templates.headers.iter().any(|own| own.name.eq_ignore_ascii_case(name)) {
                let twice = CheckArgument::HeaderOfConnection {
                    of: self.0.into(),
                    header: name.to_owned(),
                    connection: service.name().to_owned(),
                };
                return Err(Diagnostic::new(Path::root(), twice));
            }
            headers.push((name.to_owned(), value.share()));
        }
        Ok(headers)
    }
}

/// Reads `expect_status`: statuses of success.
pub fn statuses(node: &Node<'_>, default: &[u16], problems: &mut Diagnostics) -> Option<Vec<u16>> {
    let statuses = node.integers(200, 299, problems).and_then_checked(|statuses| {
        if statuses.is_empty() {
            node.report(problems, |argument| Argument::Empty {
                argument,
                advice: "Remove it to expect the default, or name a status.".into(),
            });
            return None;
        }
        statuses.into_iter().map(|status| u16::try_from(status).ok()).collect()
    });
    statuses.or(default.to_vec())
}

fn refuse(node: &Node<'_>, why: &str, problems: &mut Diagnostics) {
    node.report(problems, |argument| Argument::CannotBeUsed {
        argument,
        why: format!("{}.", capitalized(why)).into(),
    });
}

/// A URL with a text that is no secret in the place of `{{ part }}`, percent-encoded, so that it stays inside its segment.
///
/// # Errors
/// Why it cannot be put there; the rest of a sentence.
pub fn fill_in(url: &str, part: &str, text: &str) -> Result<String, String> {
    use crate::connection::segment;
    use crate::secret::Parts;
    // These two mean another path even when they are encoded (WHATWG URL, "dot segment").
    if matches!(text, "" | "." | "..") {
        return Err(format!("{text:?} cannot stand in a URL"));
    }
    let parts = Parts::single(part, Secret::plain(segment::encode(text)));
    let template = Template::parse(url).map_err(|error| error.to_string())?;
    if template.parts() != [part] {
        return Err(format!(
            "it must contain {{{{ {part} }}}} and no other part, because URLs appear in logs"
        ));
    }
    let filled = template.render(&parts).map_err(|error| error.to_string())?;
    #[expect(clippy::disallowed_methods, reason = "a URL of public parts is no secret")]
    Ok(filled.expose().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_inside_its_segment() {
        let filled = |id: &str| fill_in("/tokens/{{ id }}?force=1", "id", id);
        assert_eq!(filled("tok_1").as_deref(), Ok("/tokens/tok_1?force=1"));
        assert_eq!(
            filled("../a/b?c#d").as_deref(),
            Ok("/tokens/..%2Fa%2Fb%3Fc%23d?force=1")
        );
        for wrong in ["", ".", ".."] {
            assert!(filled(wrong).is_err(), "{wrong}");
        }
        for url in ["/tokens/{{ value }}", "/tokens"] {
            assert!(fill_in(url, "id", "x").is_err(), "{url}");
        }
    }
}
