//! The arguments of the source `http`.

use super::{ID, LABEL, List, Means, OWNER, REVOCATIONS, Revocation};
use crate::connection::http::arguments::statuses;
use crate::connection::http::listing::{Items, pointer};
use crate::connection::http::templates::Templates;
use crate::diagnostics::Argument;
use crate::source::SourceConfig;
use crate::terraform::{Attribute, Diagnostics, Mode, Nesting, Node, Type};

const MINTS: &[&str] = &["POST", "PUT"];

/// Statuses that confirm a mint, and a revocation (RFC 9110, sections 9.3.3 and 9.3.5).
const MINTED: [u16; 2] = [200, 201];
const REVOKED: [u16; 3] = [200, 202, 204];

/// Id and generation in a label, and a letter before them.
const SHORTEST_LABEL: u64 = 26;

const CREDENTIALS: Items = Items {
    noun: "credentials",
    time: Some("created_at"),
    issued: true,
};

/// The arguments, parsed.
pub(super) struct Config {
    pub(super) mint: Mint,
    pub(super) means: Means,
}

/// The request that mints.
#[derive(Clone)]
pub(super) struct Mint {
    pub(super) url: String,
    pub(super) method: &'static str,
    pub(super) templates: Templates,
    pub(super) expect_status: Vec<u16>,
    pub(super) id: String,
    pub(super) value: String,
    pub(super) expires_at: Option<String>,
    pub(super) label_limit: Option<usize>,
}

pub(super) fn attributes() -> Vec<Attribute> {
    let text = |name, description: &str| Attribute::optional(name, Type::String, description);
    let url = |description: &str| Attribute::required("url", Type::String, description);
    let expect_status =
        |description: &str| Attribute::optional("expect_status", Type::List(Box::new(Type::Number)), description);
    let nested = |name, mode, attributes, description: &str| {
        Attribute::nested(name, Nesting::Single, mode, attributes, description)
    };
    let mint = vec![
        url("A path that is appended to the connection's `base_url`."),
        text("method", "`POST` (default) or `PUT`."),
        Attribute::optional(
            "headers",
            Type::string_map(),
            "Headers, as templates with `{{ label }}`. Credentials belong in the connection.",
        ),
        text(
            "body",
            "The body, as a template: `jsonencode({ name = \"{{ label }}\" })`. `{{ label }}` is the name by which the provider finds the \
             credential again: it is required with `list`.",
        ),
        expect_status("The statuses that confirm it. Default: `[200, 201]`."),
        Attribute::required(
            "id",
            Type::String,
            "The JSON Pointer (RFC 6901) to the id in the answer, such as `/id`.",
        ),
        Attribute::required(
            "value",
            Type::String,
            "The JSON Pointer to the value in the answer, such as `/token`.",
        ),
        text(
            "expires_at",
            "The JSON Pointer to the time at which the credential expires.",
        ),
        Attribute::optional(
            "label_limit",
            Type::Number,
            "The longest name that the service takes, in characters. Default: no limit.",
        ),
    ];
    let mut list = vec![url(
        "A path that is appended to the connection's `base_url`. The list must be complete in one answer.",
    )];
    list.extend(CREDENTIALS.attributes());
    let revoke = vec![
        url("A path that is appended to the connection's `base_url`, with `{{ id }}`: `/tokens/{{ id }}`."),
        text("method", "`DELETE` (default), `POST`, `PUT` or `PATCH`."),
        expect_status("The statuses that confirm it. A 404 does if the list lacks the id. Default: `[200, 202, 204]`."),
    ];
    vec![
        nested(
            "mint",
            Mode::Required,
            mint,
            "The request that creates a credential. It is sent once.",
        ),
        nested(
            "list",
            Mode::Optional,
            list,
            "The credentials that work, by name. Without it, a credential whose answer was lost is not found again, and a revocation is not \
             verified.",
        ),
        nested(
            "revoke",
            Mode::Required,
            revoke,
            "The request that revokes a credential.",
        ),
    ]
}

pub(super) fn parse(node: &Node<'_>, _root: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    let list_node = node.attr("list");
    let list = match list_node.is_null() {
        true => Some(None),
        false => list(&list_node, problems).map(Some),
    };
    let mint = object(node, "mint", problems).and_then(|node| mint(&node, !list_node.is_null(), problems));
    let revoke = object(node, "revoke", problems).and_then(|node| revoke(&node, problems));
    Some(Box::new(Config {
        mint: mint?,
        means: Means {
            list: list?,
            revoke: revoke?,
        },
    }))
}

/// A required object.
fn object<'a>(node: &Node<'a>, name: &str, problems: &mut Diagnostics) -> Option<Node<'a>> {
    let node = node.attr(name);
    if node.is_null() {
        node.report(problems, |argument| Argument::Required { argument });
        return None;
    }
    Some(node)
}

fn mint(node: &Node<'_>, is_listed: bool, problems: &mut Diagnostics) -> Option<Mint> {
    let url = OWNER.path(&node.attr("url"), None, problems);
    let method = node.attr("method").one_of(MINTS, problems).or("POST");
    let templates = OWNER.templates(node, &[LABEL], is_listed, problems);
    let expect_status = statuses(&node.attr("expect_status"), &MINTED, problems);
    let mut required = |name: &str| {
        let node = node.attr(name);
        node.required(pointer(&node, problems), problems).known()
    };
    let (id, value) = (required("id"), required("value"));
    let expires_at = pointer(&node.attr("expires_at"), problems).optional();
    let label_limit = node
        .attr("label_limit")
        .integer(SHORTEST_LABEL, 1_000, problems)
        .optional();
    let label_limit = label_limit.map(|limit| limit.and_then(|limit| usize::try_from(limit).ok()));
    Some(Mint {
        url: url?,
        method: method?,
        templates: templates?,
        expect_status: expect_status?,
        id: id?,
        value: value?,
        expires_at: expires_at?,
        label_limit: label_limit?,
    })
}

fn list(node: &Node<'_>, problems: &mut Diagnostics) -> Option<List> {
    let url = OWNER.path(&node.attr("url"), None, problems);
    let listing = CREDENTIALS.read(node, problems);
    Some(List {
        url: url?,
        listing: listing?,
    })
}

fn revoke(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Revocation> {
    let url = OWNER.path(&node.attr("url"), Some(ID), problems);
    let method = node.attr("method").one_of(REVOCATIONS, problems).or("DELETE");
    let expect_status = statuses(&node.attr("expect_status"), &REVOKED, problems);
    Some(Revocation {
        url: url?,
        method: method?.to_owned(),
        expect_status: expect_status?,
    })
}
