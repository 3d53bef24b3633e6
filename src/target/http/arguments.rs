//! The arguments of the target `http`.

use super::{Means, OWNER, Reading, Removal};
use crate::connection::http::HttpService;
use crate::connection::http::arguments::statuses;
use crate::connection::http::listing::Items;
use crate::connection::http::templates::Templates;
use crate::diagnostics::Argument;
use crate::part::VALUE;
use crate::target::TargetConfig;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Mode, Nesting, Node, Type};

pub(super) const DEFAULT_METHOD: &str = "PUT";

/// Methods that write. With POST a repetition may do harm, so that a lost answer is not asked for again.
const WRITES: &[&str] = &[DEFAULT_METHOD, "POST", "PATCH"];
const REMOVALS: &[&str] = &["DELETE", "POST", "PUT", "PATCH"];

/// Statuses that confirm a write, and a removal (RFC 9110, sections 9.3.4 and 9.3.5).
pub(super) const WRITTEN: [u16; 3] = [200, 201, 204];
const REMOVED: [u16; 3] = [200, 202, 204];

const ENTRIES: Items = Items {
    noun: "entries",
    time: Some("time"),
    issued: false,
};
const SHADOWS: Items = Items {
    noun: "entries",
    time: None,
    issued: false,
};

/// The arguments, parsed; URLs as they are written.
pub(super) struct Config {
    pub(super) name: String,
    pub(super) method: &'static str,
    pub(super) templates: Templates,
    pub(super) expect_status: Vec<u16>,
    pub(super) means: Means,
}

impl Config {
    /// The means, as addresses have them.
    pub(super) fn means_behind(&self, service: &HttpService) -> Result<Means, Diagnostic> {
        let means = self.means.map(|url| service.path(url));
        means.map_err(|why| OWNER.refused("http.urls", why))
    }
}

pub(super) fn attributes() -> Vec<Attribute> {
    let urls = |description: &str| Attribute::optional("urls", Type::strings(), description);
    let expect_status =
        |description: &str| Attribute::optional("expect_status", Type::List(Box::new(Type::Number)), description);
    let nested = |name, attributes, description: &str| {
        Attribute::nested(name, Nesting::Single, Mode::Optional, attributes, description)
    };
    let mut read = vec![urls("One list for each of the target's `urls`. Default: those `urls`.")];
    read.extend(ENTRIES.attributes());
    let mut shadows = vec![Attribute::required("urls", Type::strings(), "The lists.")];
    shadows.extend(SHADOWS.attributes());
    let remove = vec![
        Attribute::required(
            "urls",
            Type::strings(),
            "One for each of the target's `urls`: `[\"/settings/secrets/API_KEY\"]`.",
        ),
        Attribute::optional("method", Type::String, "`DELETE` (default), `POST`, `PUT` or `PATCH`."),
        expect_status(
            "The statuses that confirm it. A 404 does if the list lacks the entry. Default: `[200, 202, 204]`.",
        ),
    ];
    vec![
        Attribute::required(
            "urls",
            Type::strings(),
            "Where the value is sent, in this order: a path that is appended to the connection's `base_url`, or a whole URL at its origin. \
             With several, all must take it. The first one identifies the entry. They are no templates.",
        ),
        Attribute::optional(
            "name",
            Type::String,
            "The entry's name in the lists. Default: `name` of the resource.",
        ),
        Attribute::optional(
            "method",
            Type::String,
            "`PUT` (default), `POST` or `PATCH`. It must create the entry or overwrite it. Only `PUT` is sent again when its answer is lost.",
        ),
        Attribute::optional(
            "headers",
            Type::string_map(),
            "Headers, as templates: `{ X-Secret = \"{{ value }}\" }`. `{{ value }}` is what `part` or `template` selects. Other credentials \
             belong in the connection.",
        ),
        Attribute::optional(
            "body",
            Type::String,
            "The body, as a template: `jsonencode({ key = \"API_KEY\", value = \"{{ value | json }}\" })`. Without a `Content-Type` header it \
             is sent as JSON if it begins with `{` or `[`, otherwise as plain text.",
        ),
        expect_status("The statuses that confirm a write. Default: `[200, 201, 204]`."),
        nested(
            "read",
            read,
            "Lists that show by names and times whether the entry was changed; values are never read. Without it, no change is seen, nothing \
             is deleted, and the first write needs `on_existing = \"replace\"`.",
        ),
        nested(
            "shadowed_by",
            shadows,
            "Lists of entries that take precedence over this one where they have its name. They cause the notice `shadowed`.",
        ),
        nested(
            "remove",
            remove,
            "The requests that remove the entry. Requires `read` with `time`, which shows whose it is. Without it, set `on_remove = \"keep\"`.",
        ),
    ]
}

pub(super) fn parse(
    node: &Node<'_>,
    default_name: Option<&str>,
    problems: &mut Diagnostics,
) -> Option<Box<dyn TargetConfig>> {
    let urls_node = node.attr("urls");
    let urls = urls_node.required(OWNER.paths(&urls_node, problems), problems).known();
    let name_node = node.attr("name");
    let name = name_node.string_or(default_name, problems).and_then_checked(|name| {
        let is_odd = name.contains(char::is_control);
        if is_odd {
            name_node.report_not(problems, "the name of an entry", "It contains a control character.");
        }
        (!is_odd).then_some(name)
    });
    let method = node.attr("method").one_of(WRITES, problems).or(DEFAULT_METHOD);
    let templates = OWNER.templates(node, &[VALUE], true, problems);
    let expect_status = statuses(&node.attr("expect_status"), &WRITTEN, problems);
    let count = urls.as_ref().map(Vec::len);
    let read = optional(&node.attr("read"), |node| {
        reading(node, ENTRIES, urls.as_deref(), count, problems)
    });
    let shadowed_by = optional(&node.attr("shadowed_by"), |node| {
        reading(node, SHADOWS, None, None, problems)
    });
    let remove = optional(&node.attr("remove"), |node| removal(node, count, problems));
    let (read, remove) = (read?, remove?);
    if remove.is_some() && !read.as_ref().is_some_and(|read| read.listing.has_times()) {
        let why = "Only the times in a list show that nobody else has written the entry since. Set read.time, or remove `remove` and set \
                   on_remove = \"keep\".";
        node.attr("remove").report_needs(problems, "read.time", why);
        return None;
    }
    Some(Box::new(Config {
        name: name.known()?,
        method: method?,
        templates: templates?,
        expect_status: expect_status?,
        means: Means {
            urls: urls?,
            read,
            shadowed_by: shadowed_by?,
            remove,
        },
    }))
}

/// What `read` makes of an object that may be left out.
fn optional<T>(node: &Node<'_>, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Option<Option<T>> {
    match node.is_null() {
        true => Some(None),
        false => read(node).map(Some),
    }
}

fn reading(
    node: &Node<'_>,
    items: Items,
    default: Option<&[String]>,
    count: Option<usize>,
    problems: &mut Diagnostics,
) -> Option<Reading> {
    let listing = items.read(node, problems);
    let urls_node = node.attr("urls");
    // Without lists of its own, it reads where the target writes.
    let urls = match (items.time, urls_node.is_null()) {
        (Some(_), true) => default.map(<[String]>::to_vec),
        _ => lists(&urls_node, count, problems),
    };
    Some(Reading {
        urls: urls?,
        listing: listing?,
    })
}

/// URLs, one for each instance where there are `count` of them.
fn lists(node: &Node<'_>, count: Option<usize>, problems: &mut Diagnostics) -> Option<Vec<String>> {
    let urls = OWNER.paths(node, problems);
    let urls = node.required(urls, problems).known()?;
    if let Some(count) = count.filter(|count| *count != urls.len()) {
        node.report(problems, |argument| Argument::CannotBeUsed {
            argument,
            why: format!(
                "It has {} URLs, and the target has {count}. Name one for each, in the same order.",
                urls.len()
            )
            .into(),
        });
        return None;
    }
    Some(urls)
}

fn removal(node: &Node<'_>, count: Option<usize>, problems: &mut Diagnostics) -> Option<Removal> {
    let urls = lists(&node.attr("urls"), count, problems);
    let method = node.attr("method").one_of(REMOVALS, problems).or("DELETE");
    let expect_status = statuses(&node.attr("expect_status"), &REMOVED, problems);
    Some(Removal {
        urls: urls?,
        method: method?.to_owned(),
        expect_status: expect_status?,
    })
}
