//! The arguments of the check `http`.

use super::Config;
use super::expectation::Expectation;
use crate::check::{CheckConfig, Presents};
use crate::connection::http::arguments::Owner;
use crate::connection::http::templates::Templates;
use crate::diagnostics::{Argument, CheckArgument};
use crate::terraform::{Attribute, Diagnostics, Node, Type};

/// Who sends the request, as advice names it.
pub(super) const OWNER: Owner = Owner("check");

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
    let url = OWNER.url(&node.attr("url"), connection, problems);
    let method = node.attr("method").one_of(METHODS, problems).or("GET");
    let headers = OWNER.headers(&node.attr("headers"), problems);
    let body = OWNER.body(&node.attr("body"), problems);
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
        templates: Templates { headers, body },
        presents,
        expectation,
    }))
}

pub(in crate::check) fn expectation(
    node: &Node<'_>,
    method: Option<&str>,
    problems: &mut Diagnostics,
) -> Option<Expectation> {
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
