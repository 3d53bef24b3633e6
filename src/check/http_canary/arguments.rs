//! The arguments of the check `http_canary`.

use super::{ID, NAME, OWNER};
use crate::check::CheckConfig;
use crate::check::http::arguments::expectation;
use crate::check::http::expectation::Expectation;
use crate::connection::http::arguments::statuses;
use crate::connection::http::listing::pointer;
use crate::connection::http::templates::Templates;
use crate::diagnostics::Argument;
use crate::terraform::{Attribute, Diagnostics, Mode, Nesting, Node, Type};

const CREATES: &[&str] = &["POST", "PUT"];
const DELETES: &[&str] = &["DELETE", "POST"];

/// Statuses that confirm that it was made, and deleted (RFC 9110, sections 9.3.3 and 9.3.5).
const CREATED: [u16; 4] = [200, 201, 202, 204];
const DELETED: [u16; 3] = [200, 202, 204];

#[derive(Clone)]
pub(super) struct Config {
    pub(super) create: Create,
    pub(super) inspect: Inspect,
    pub(super) delete: Delete,
}

#[derive(Clone)]
pub(super) struct Create {
    pub(super) url: String,
    pub(super) method: &'static str,
    pub(super) templates: Templates,
    pub(super) expect_status: Vec<u16>,
    pub(super) id: Option<String>,
}

#[derive(Clone)]
pub(super) struct Inspect {
    pub(super) url: String,
    pub(super) expectation: Expectation,
}

#[derive(Clone)]
pub(super) struct Delete {
    pub(super) url: String,
    pub(super) method: &'static str,
    pub(super) expect_status: Vec<u16>,
}

pub(super) fn attributes() -> Vec<Attribute> {
    let text = |name, description: &str| Attribute::optional(name, Type::String, description);
    let url = |description: &str| Attribute::required("url", Type::String, description);
    let expect_status =
        |description: &str| Attribute::optional("expect_status", Type::List(Box::new(Type::Number)), description);
    let nested = |name, attributes, description: &str| {
        Attribute::nested(name, Nesting::Single, Mode::Required, attributes, description)
    };
    let create = vec![
        url(
            "A path that is appended to the connection's `base_url`, with `{{ name }}` where the service takes the name from it.",
        ),
        text("method", "`POST` (default) or `PUT`."),
        Attribute::optional(
            "headers",
            Type::string_map(),
            "Headers, as templates with `{{ name }}`. Credentials belong in the connection.",
        ),
        text(
            "body",
            "The body, as a template: `jsonencode({ slug = \"{{ name }}\" })`. `{{ name }}` begins with `rotation-canary-`, which nothing else \
             must be named.",
        ),
        expect_status("The statuses that confirm it. Default: `[200, 201, 202, 204]`."),
        text(
            "id",
            "The JSON Pointer (RFC 6901) to the id in the answer, if the other URLs need it: then they contain `{{ id }}`, otherwise \
             `{{ name }}`. Without an id that was told, nothing can be deleted.",
        ),
    ];
    let inspect = vec![
        url(
            "A path, with `{{ name }}` or `{{ id }}` where it is needed. It is read until everything is as expected or `retry_for` has passed.",
        ),
        expect_status("The expected statuses. Default: `[200]`."),
        text(
            "expect_json",
            "JSON that the body must contain, as in the check `http`.",
        ),
        text(
            "expect_body",
            "Text that the body must contain; `{{ name }}` is the name.",
        ),
        text(
            "reject_body",
            "Text that the body must not contain; `{{ name }}` is the name.",
        ),
    ];
    let delete = vec![
        url("A path with `{{ name }}` or `{{ id }}`."),
        text("method", "`DELETE` (default) or `POST`."),
        expect_status("The statuses that confirm it, besides 404. Default: `[200, 202, 204]`."),
    ];
    vec![
        nested("create", create, "The request that creates it. It is sent once."),
        nested("inspect", inspect, "What must be seen of it."),
        nested(
            "delete",
            delete,
            "The request that deletes it, whatever happened before.",
        ),
    ]
}

pub(super) fn parse(
    node: &Node<'_>,
    _connection: Option<&str>,
    problems: &mut Diagnostics,
) -> Option<Box<dyn CheckConfig>> {
    let [create_node, inspect_node, delete_node] = ["create", "inspect", "delete"].map(|name| node.attr(name));
    let mut complete = true;
    for node in [&create_node, &inspect_node, &delete_node] {
        if node.is_null() {
            node.report(problems, |argument| Argument::Required { argument });
            complete = false;
        }
    }
    if !complete {
        return None;
    }
    let create = create(&create_node, problems);
    let part = if create_node.attr("id").is_null() { NAME } else { ID };
    let inspect = inspect(&inspect_node, part, problems);
    let delete = delete(&delete_node, part, problems);
    Some(Box::new(Config {
        create: create?,
        inspect: inspect?,
        delete: delete?,
    }))
}

fn is_template(url: &Node<'_>) -> bool {
    url.value().as_str().is_some_and(|url| url.contains("{{"))
}

fn create(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Create> {
    let url_node = node.attr("url");
    let is_named_by_url = is_template(&url_node);
    let url = OWNER.path(&url_node, is_named_by_url.then_some(NAME), problems);
    let method = node.attr("method").one_of(CREATES, problems).or("POST");
    let templates = OWNER.templates(node, &[NAME], !is_named_by_url, problems);
    let expect_status = statuses(&node.attr("expect_status"), &CREATED, problems);
    let id = pointer(&node.attr("id"), problems).optional();
    Some(Create {
        url: url?,
        method: method?,
        templates: templates?,
        expect_status: expect_status?,
        id: id?,
    })
}

fn inspect(node: &Node<'_>, part: &'static str, problems: &mut Diagnostics) -> Option<Inspect> {
    let url_node = node.attr("url");
    let url = OWNER.path(&url_node, is_template(&url_node).then_some(part), problems);
    let expectation = expectation(node, Some("GET"), problems);
    Some(Inspect {
        url: url?,
        expectation: expectation?,
    })
}

fn delete(node: &Node<'_>, part: &'static str, problems: &mut Diagnostics) -> Option<Delete> {
    let url = OWNER.path(&node.attr("url"), Some(part), problems);
    let method = node.attr("method").one_of(DELETES, problems).or("DELETE");
    let expect_status = statuses(&node.attr("expect_status"), &DELETED, problems);
    Some(Delete {
        url: url?,
        method: method?,
        expect_status: expect_status?,
    })
}
