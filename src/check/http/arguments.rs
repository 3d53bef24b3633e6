//! The arguments of the check `http`, and the rules that keep other people's credentials out of state.

use url::Url;

use super::expectation::Expectation;
use super::literal;
use super::{Config, Header, Place};
use crate::check::{CheckConfig, Presents};
use crate::http::{HeaderMistake, header_mistake};
use crate::template::{Template, literal_credential};
use crate::terraform::{Attribute, Diagnostics, Field, Node, Type};

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

pub(super) fn attributes() -> Vec<Attribute> {
    let text = |name, description: &str| Attribute::optional(name, Type::String, description);
    vec![
        Attribute::required(
            "url",
            Type::String,
            "The whole URL; with a `connection`, also a path that is put behind its `base_url`. Without user name, password or any \
             other credential: it is stored in state. It is no template.",
        ),
        text(
            "method",
            "`GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS`. Default: `GET`.",
        ),
        Attribute::optional(
            "headers",
            Type::string_map(),
            "Headers, as templates: `{ Authorization = \"Bearer {{ value }}\" }`. Terraform stores them, so a credential must be a \
             part; other credentials belong in a `connection` with `http`.",
        ),
        text(
            "body",
            "The body, as a template. Without a `Content-Type` header it is sent as JSON when it begins with `{` or `[`, \
             else as plain text.",
        ),
        text(
            "credential",
            "Which credential the templates present: `new`; `previous`, the one that it follows; or `none`, which leaves out \
             every header that is a template. Default: `new`.",
        ),
        Attribute::optional(
            "expect_status",
            Type::List(Box::new(Type::Number)),
            "The permitted statuses. Redirects are not followed, so a 3xx is an answer. Default: `[200]`.",
        ),
        text(
            "expect_json",
            "JSON text that the body must contain: objects may have further keys, arrays must be equally long and are compared \
             element by element. Use `jsonencode`.",
        ),
        text("expect_body", "Text that the body must contain."),
        text("reject_body", "Text that the body must not contain."),
    ]
}

pub(super) fn parse(
    node: &Node<'_>,
    connection: Option<&str>,
    problems: &mut Diagnostics,
) -> Option<Box<dyn CheckConfig>> {
    let url = url(&node.attr("url"), connection, problems);
    let method = node.attr("method").one_of(METHODS, problems).or("GET");
    let headers = headers(node, problems);
    let body = body(&node.attr("body"), problems);
    let credential = node
        .attr("credential")
        .one_of(&["new", "previous", "none"], problems)
        .or("new");
    let expectation = expectation(node, method, problems);
    let (url, method, headers, body) = (url?, method?, headers?, body?);
    let (credential, expectation) = (credential?, expectation?);
    let uses_parts =
        headers.iter().any(|header| !header.value.is_literal()) || body.as_ref().is_some_and(|body| !body.is_literal());
    if credential == "none" && body.as_ref().is_some_and(|body| !body.is_literal()) {
        let path = node.attr("body").path().clone();
        problems.error(
            path.clone(),
            format!("{path} presents a credential"),
            "With credential = \"none\" headers that are templates are left out, but a body can't be: write one without parts.",
        );
        return None;
    }
    if credential == "previous" && !uses_parts {
        let path = node.attr("credential").path().clone();
        problems.error(
            path.clone(),
            format!("{path} has no effect"),
            "No header and no body presents the credential: write one, such as Authorization = \"Bearer {{ value }}\".",
        );
        return None;
    }
    let presents = match credential {
        "none" => Presents::Nothing,
        "previous" => Presents::Previous,
        _ if uses_parts => Presents::New,
        _ => Presents::Nothing,
    };
    let headers = headers
        .into_iter()
        .filter(|header| credential != "none" || header.value.is_literal())
        .collect();
    Some(Box::new(Config {
        method,
        url,
        headers,
        body,
        presents,
        expectation,
    }))
}

fn url(node: &Node<'_>, connection: Option<&str>, problems: &mut Diagnostics) -> Option<Place> {
    let text = node.required_string(problems).known()?;
    let mistake = match place(&text, connection) {
        Ok(place) => return Some(place),
        Err(mistake) => mistake,
    };
    let path = node.path();
    problems.error(
        path.clone(),
        format!("{path} cannot be used"),
        format!("It is refused because of this: {mistake}."),
    );
    None
}

/// Where a request to `text` goes, or why there must be none.
fn place(text: &str, connection: Option<&str>) -> Result<Place, String> {
    if text.contains("{{") {
        return Err(
            "it holds a template, but a URL is written to logs: present the credential in a header or the body"
                .to_owned(),
        );
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
            return Err(
                "it is not a whole URL. Only a check with a `connection` may leave out scheme and host, which the connection's \
                 base_url has"
                    .to_owned(),
            );
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
            "its query holds a credential ({name}), which Terraform would store. Present the credential that is rotated in a header or \
             the body, such as \"Bearer {{{{ value }}}}\". {OTHERS}"
        )),
    }
}

/// Ends errors about credentials that are not the one that is rotated.
const OTHERS: &str = "Put any other credential into the headers of a connection (`connection \"NAME\" { http { … } }` in the provider \
                      block), and set `connection = \"NAME\"` on the check";

fn headers(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Vec<Header>> {
    let map = node.attr("headers");
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
        let Some(template) = header(name, &text, &value, problems) else {
            complete = false;
            continue;
        };
        if found.iter().any(|header| header.name.eq_ignore_ascii_case(name)) {
            let path = value.path();
            problems.error(
                path.clone(),
                format!("{path} is set twice"),
                "Letter case does not tell headers apart. Remove one.",
            );
            complete = false;
        }
        found.push(Header {
            name: name.to_owned(),
            value: template,
        });
    }
    complete.then_some(found)
}

fn header(name: &str, text: &str, node: &Node<'_>, problems: &mut Diagnostics) -> Option<Template> {
    let path = node.path();
    if let Some(mistake) = header_mistake(name, text) {
        let (summary, detail) = match mistake {
            HeaderMistake::Name => (
                format!("{path} is not the name of a header"),
                "It holds a character that HTTP forbids.".to_owned(),
            ),
            HeaderMistake::OfTheClient => (
                format!("{path} cannot be set"),
                format!(
                    "The HTTP client writes {name} itself, from the URL, the body and the connection: remove it. Another host is \
                     asked by writing it into url."
                ),
            ),
            HeaderMistake::Value => (
                format!("{path} is not the value of a header"),
                "It holds a control character or a line break.".to_owned(),
            ),
        };
        problems.error(path.clone(), summary, detail);
        return None;
    }
    let template = template(node, text, problems)?;
    if literal::in_header(name, &template) {
        problems.error(
            path.clone(),
            format!("{path} holds a credential in plain text"),
            format!(
                "Terraform would store it. Write the whole credential as a part, such as \"Bearer {{{{ value }}}}\". {OTHERS}."
            ),
        );
        return None;
    }
    Some(template)
}

fn template(node: &Node<'_>, text: &str, problems: &mut Diagnostics) -> Option<Template> {
    let path = node.path();
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            problems.error(
                path.clone(),
                format!("{path} is not a template"),
                format!("In it, {error}."),
            );
            return None;
        }
    };
    if literal_credential(&template) {
        problems.error(
            path.clone(),
            format!("{path} holds a password in plain text"),
            format!(
                "Terraform would store it. Write the password as a part, such as {{{{ value | urlencode }}}}. {OTHERS}."
            ),
        );
        return None;
    }
    Some(template)
}

fn body(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Option<Template>> {
    match node.string(problems) {
        Field::Absent => Some(None),
        Field::Unknown => None,
        Field::Known(text) => template(node, &text, problems).map(Some),
    }
}

fn expectation(node: &Node<'_>, method: Option<&str>, problems: &mut Diagnostics) -> Option<Expectation> {
    let statuses = node.attr("expect_status");
    let status = statuses.integers(100, 599, problems).and_then_checked(|status| {
        if status.is_empty() {
            let path = statuses.path();
            problems.error(
                path.clone(),
                format!("{path} is empty"),
                "Leave it out for [200], or name a status.",
            );
            return None;
        }
        Some(
            status
                .into_iter()
                .filter_map(|status| u16::try_from(status).ok())
                .collect(),
        )
    });
    let json_node = node.attr("expect_json");
    let json = json_node.string(problems).and_then_checked(|text| {
        serde_json::from_str(&text)
            .map_err(|error| {
                let path = json_node.path();
                problems.error(
                    path.clone(),
                    format!("{path} is not JSON"),
                    format!("Line {}, column {}: use jsonencode.", error.line(), error.column()),
                );
            })
            .ok()
    });
    let contains = node.attr("expect_body").string(problems);
    let lacks = node.attr("reject_body").string(problems);
    let reads_body = ["expect_json", "expect_body", "reject_body"].map(|name| node.attr(name).is_set());
    if method == Some("HEAD") && reads_body.contains(&true) {
        problems.error(
            node.attr("method").path().clone(),
            "An answer to HEAD has no body",
            "Use GET, or remove expect_json, expect_body and reject_body.",
        );
        return None;
    }
    Some(Expectation {
        status: status.or(super::EXPECTED.to_vec())?,
        json: json.optional()?,
        contains: contains.optional()?,
        lacks: lacks.optional()?,
    })
}
