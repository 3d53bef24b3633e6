//! Headers and body of a request, as templates and filled in.

use crate::http::{Request, header_mistake};
use crate::secret::{Parts, Secret};
use crate::template::Template;

/// A header to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Template,
}

/// Headers and body, as templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates {
    /// The headers.
    pub headers: Vec<Header>,
    /// The body, if there is one.
    pub body: Option<Template>,
}

/// The same with the parts of a credential in them.
pub struct Filled {
    headers: Vec<(String, Secret)>,
    content_type: String,
    body: Option<Secret>,
}

/// The media type of a body that is JSON, where no header says another.
const JSON: &str = "application/json";

impl Templates {
    /// The parts that are used, in alphabetical order.
    pub fn parts(&self) -> Vec<String> {
        let templates = self.headers.iter().map(|header| &header.value).chain(&self.body);
        let mut names: Vec<String> = templates.flat_map(Template::parts).collect();
        names.sort();
        names.dedup();
        names
    }

    /// What two of them have in common that send the same: for fingerprints.
    pub fn canonical(&self, primary: &str) -> serde_json::Value {
        let headers = self.headers.iter();
        let headers: std::collections::BTreeMap<String, String> = headers
            .map(|header| (header.name.to_ascii_lowercase(), header.value.canonical(primary)))
            .collect();
        let body = self.body.as_ref().map(|body| body.canonical(primary));
        serde_json::json!({ "headers": headers, "body": body })
    }

    /// Puts the parts in.
    ///
    /// # Errors
    /// Why they do not fit: a whole sentence, without any value.
    #[expect(
        clippy::disallowed_methods,
        reason = "a media type is no secret, and of texts only the kind of their characters is looked at"
    )]
    pub fn fill(&self, parts: &Parts) -> Result<Filled, String> {
        let render = |template: &Template| template.render(parts).map_err(|error| error.to_string());
        let mut content_type = None;
        let mut headers = Vec::new();
        for header in &self.headers {
            let value = render(&header.value)?;
            if header_mistake(&header.name, value.expose()).is_some() {
                return Err(format!(
                    "the value has a line break or a control character, which the header {} cannot hold; write {{{{ value | base64 }}}} \
                     if the service decodes it",
                    header.name
                ));
            }
            if header.name.eq_ignore_ascii_case("content-type") {
                content_type = Some(value.expose().to_owned());
            } else {
                headers.push((header.name.clone(), value));
            }
        }
        let body = self.body.as_ref().map(render).transpose()?;
        let default = match &body {
            Some(body) if body.expose().trim_start().starts_with(['{', '[']) => JSON,
            _ => "text/plain; charset=utf-8",
        };
        if let (Some(content_type), None) = (&content_type, &body) {
            headers.push(("content-type".to_owned(), Secret::plain(content_type.clone())));
        }
        let content_type = content_type.unwrap_or_else(|| default.to_owned());
        let is_json = content_type.starts_with(JSON);
        let bare = self.body.as_ref().is_some_and(|body| !body.is_filtered());
        let escaped = |c: char| matches!(c, '"' | '\\') || c.is_control();
        let used = self.body.iter().flat_map(Template::parts).collect::<Vec<_>>();
        let mut values = used.iter().filter_map(|name| parts.find(name));
        if is_json && bare && values.any(|value| value.expose().contains(escaped)) {
            return Err("the value has a character that JSON escapes; write {{ value | json }} in the body".to_owned());
        }
        Ok(Filled {
            headers,
            content_type,
            body,
        })
    }
}

impl Filled {
    /// The request with these headers and this body.
    #[must_use]
    pub fn put_into(&self, mut request: Request) -> Request {
        for (name, value) in &self.headers {
            request = request.secret_header(name, value.share());
        }
        match &self.body {
            Some(body) => request.body(&self.content_type, body.share()),
            None => request,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str, value: &str) -> Result<Filled, String> {
        let templates = Templates {
            headers: Vec::new(),
            body: Some(Template::parse(text).unwrap()),
        };
        templates.fill(&Parts::single("value", Secret::new(value.to_owned())))
    }

    #[test]
    fn a_value_never_changes_the_structure_of_a_body() {
        let bare = r#"{"key":"K","value":"{{ value }}"}"#;
        let filtered = r#"{"key":"K","value":"{{ value | json }}"}"#;
        for value in ["a\",\"admin\":\"b", "a\\", "a\nb"] {
            let why = body(bare, value).err().unwrap();
            assert!(why.contains("{{ value | json }}") && !why.contains("admin"), "{why}");
            assert!(body(filtered, value).is_ok());
        }
        assert_eq!(body(bare, "sk-ant-1").unwrap().content_type, "application/json");
        assert_eq!(
            body("{{ value }}", "a\"b").unwrap().content_type,
            "text/plain; charset=utf-8"
        );
    }

    #[test]
    fn a_value_never_makes_a_header_of_its_own() {
        let value = Template::parse("Bearer {{ value }}").unwrap();
        let headers = vec![Header {
            name: "X-Key".to_owned(),
            value,
        }];
        let templates = Templates { headers, body: None };
        let fill = |value: &str| templates.fill(&Parts::single("value", Secret::new(value.to_owned())));
        assert!(fill("a\r\nX-Admin: 1").is_err());
        assert!(fill("a").is_ok());
    }
}
