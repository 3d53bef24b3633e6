//! The arguments of the check `http`, and the rules that keep other people's credentials out of state.

use url::Url;

use super::expectation::Expectation;
use super::{Config, Header, Place};
use crate::check::templated::templated;
use crate::check::{CheckConfig, Presents, literal};
use crate::diagnostics::{Argument, CheckArgument, Message, capitalized};
use crate::http::{HeaderMistake, header_mistake};
use crate::template::Template;
use crate::terraform::{Attribute, Diagnostics, Field, Node, Type};

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

pub(super) fn attributes() -> Vec<Attribute> {
    let text = |name, description: &str| Attribute::optional(name, Type::String, description);
    vec![
        Attribute::required(
            "url",
            Type::String,
            "The whole URL, or with a `connection` a path that is appended to its `base_url`. It is stored in the state, so it must not \
             contain a user name, a password or any other credential. It is not a template.",
        ),
        text(
            "method",
            "`GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS`. Default: `GET`.",
        ),
        Attribute::optional(
            "headers",
            Type::string_map(),
            "Headers, as templates: `{ Authorization = \"Bearer {{ value }}\" }`. Terraform stores them, so the only credentials in them \
             are parts. Other credentials belong in a `connection` with \
             `http`.",
        ),
        text(
            "body",
            "The body, as a template. Without a `Content-Type` header it is sent as JSON if it begins with `{` or `[`, otherwise as plain \
             text.",
        ),
        text(
            "credential",
            "Which credential the templates present: `new` (default), `previous` (the one that it replaces), or `none`, which omits every \
             header that is a template.",
        ),
        Attribute::optional(
            "expect_status",
            Type::List(Box::new(Type::Number)),
            "The expected statuses. Redirects are not followed, so a 3xx counts as an answer. Default: `[200]`.",
        ),
        text(
            "expect_json",
            "JSON that the body must contain. Objects may have more keys; arrays must have the same length and are compared element by \
             element. Use `jsonencode`.",
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
        node.attr("body")
            .report(problems, |argument| CheckArgument::BodyPresents { argument });
        return None;
    }
    if credential == "previous" && !uses_parts {
        node.attr("credential").report(problems, |argument| Argument::NoEffect {
            argument,
            why: "No header and no body presents the credential. Add one, such as Authorization = \"Bearer {{ value }}\".".into(),
        });
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
    node.report(problems, |argument| Argument::CannotBeUsed {
        argument,
        why: format!("{}.", capitalized(&mistake)).into(),
    });
    None
}

/// Where a request to `text` goes, or why there must be none.
fn place(text: &str, connection: Option<&str>) -> Result<Place, String> {
    if text.contains("{{") {
        return Err(
            "it contains a template, but URLs appear in logs. Present the credential in a header or the body"
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
                "it is not a whole URL. Only a check with a `connection` may omit scheme and host, which come from the connection's base_url"
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
            "its query contains a credential ({name}), which Terraform would store. Present the rotated credential in a header or \
             the body, such as \"Bearer {{{{ value }}}}\". {OTHERS}"
        )),
    }
}

/// Ends errors about credentials that are not the one that is rotated.
const OTHERS: &str = "Put any other credential into the headers of a connection (`connection \"NAME\" { http { … } }` in the provider \
                      block) and set `connection = \"NAME\"` on the check";

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

fn header(name: &str, text: &str, node: &Node<'_>, problems: &mut Diagnostics) -> Option<Template> {
    let path = node.path();
    if let Some(mistake) = header_mistake(name, text) {
        let argument = path.to_string();
        let mistake: Message = match mistake {
            HeaderMistake::Name => Argument::IsNot {
                argument,
                what: "the name of a header".into(),
                why: "It contains a character that HTTP forbids.".into(),
            }
            .into(),
            HeaderMistake::OfTheClient => CheckArgument::OwnHeader {
                argument,
                header: name.to_owned(),
            }
            .into(),
            HeaderMistake::Value => Argument::IsNot {
                argument,
                what: "the value of a header".into(),
                why: "It contains a control character or a line break.".into(),
            }
            .into(),
        };
        problems.report(path.clone(), mistake);
        return None;
    }
    let template = template(node, text, problems)?;
    if literal::in_header(name, &template) {
        node.report(problems, |argument| Argument::PlainCredential {
            argument,
            what: "credential".into(),
            advice: format!("Write the whole credential as a part, such as \"Bearer {{{{ value }}}}\". {OTHERS}.")
                .into(),
        });
        return None;
    }
    Some(template)
}

fn template(node: &Node<'_>, text: &str, problems: &mut Diagnostics) -> Option<Template> {
    templated(node, text, &format!(" {OTHERS}."), problems)
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
            statuses.report(problems, |argument| Argument::Empty {
                argument,
                advice: "Remove it to expect 200, or name a status.".into(),
            });
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
                json_node.report(problems, |argument| Argument::IsNot {
                    argument,
                    what: "JSON".into(),
                    why: format!(
                        "The mistake is in line {}, column {}. Use jsonencode().",
                        error.line(),
                        error.column()
                    )
                    .into(),
                });
            })
            .ok()
    });
    let contains = node.attr("expect_body").string(problems);
    let lacks = node.attr("reject_body").string(problems);
    let reads_body = ["expect_json", "expect_body", "reject_body"].map(|name| node.attr(name).is_set());
    if method == Some("HEAD") && reads_body.contains(&true) {
        problems.report(node.attr("method").path().clone(), CheckArgument::HeadHasNoBody);
        return None;
    }
    Some(Expectation {
        status: status.or(super::EXPECTED.to_vec())?,
        json: json.optional()?,
        contains: contains.optional()?,
        lacks: lacks.optional()?,
    })
}
