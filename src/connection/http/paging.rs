//! Whether an answer is a part of a list: what is on another page would look missing.
//!
//! By the fields that APIs commonly have for this: `has_more` (Stripe, Notion), `next_cursor` (Slack, Notion), `next_page_token` (Google),
//! `NextToken` (AWS), `next` (JSON:API, HAL, Django REST framework), `hasNextPage` (Relay), `@odata.nextLink` (OData), `total_count` (GitHub), `total` beside
//! `limit` or the like (Auth0).

use serde_json::Value;

/// Truth in one of these says that there is more.
const FLAGS: &[&str] = &["hasmore", "hasnext", "hasnextpage", "istruncated", "truncated"];

/// Anything in one of these leads there.
const CURSORS: &[&str] = &[
    "next",
    "nextcursor",
    "nextlink",
    "nextmarker",
    "nextpage",
    "nextpagetoken",
    "nexttoken",
    "nexturl",
    "continuationtoken",
    "odatanextlink",
];

/// More in one of these than there are items says so, too.
const COUNTS: &[&str] = &["totalcount", "totalitems", "totalresults"];

/// `total` alone may count anything; beside one of these it counts the items of all pages.
const PAGED: &[&str] = &["limit", "offset", "page", "pagesize", "perpage", "start"];

/// Objects beside the items in which such fields stand.
const AROUND: &[&str] = &[
    "links",
    "meta",
    "metadata",
    "page",
    "pageinfo",
    "pagination",
    "paging",
    "responsemetadata",
];

/// A name as all spellings of it have it: `next_cursor`, `nextCursor` and `NextCursor` are one.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| !matches!(letter, '_' | '-' | '@' | '.'));
    letters.flat_map(char::to_lowercase).collect()
}

/// The name of the field that says so. `items` is the pointer to the items that the answer has.
pub(super) fn more_pages(answer: &Value, items: &str) -> Option<String> {
    let count = answer.pointer(items).and_then(Value::as_array).map_or(0, Vec::len);
    // The objects around the items, from the answer itself to the one that has them.
    let ends = items.match_indices('/').map(|(at, _)| at);
    let envelopes = ends.filter_map(|end| answer.pointer(items.get(..end)?));
    envelopes.filter_map(Value::as_object).find_map(|envelope| {
        let beside = envelope.iter().filter(|(name, _)| AROUND.contains(&&*plain(name)));
        let beside = beside.filter_map(|(_, value)| value.as_object());
        beside.chain([envelope]).find_map(|fields| {
            let paged = fields.keys().any(|name| PAGED.contains(&&*plain(name)));
            let says = |name: &str, value: &Value| {
                let name = plain(name);
                let counts = COUNTS.contains(&&*name) || (name == "total" && paged);
                (FLAGS.contains(&&*name) && *value == Value::Bool(true))
                    || (CURSORS.contains(&&*name) && leads_on(value))
                    || (counts && value.as_u64().is_some_and(|total| total > count as u64))
            };
            fields
                .iter()
                .find(|(name, value)| says(name, value))
                .map(|(name, _)| name.clone())
        })
    })
}

fn leads_on(cursor: &Value) -> bool {
    match cursor {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(link) => link.values().any(leads_on),
        Value::Array(links) => !links.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::more_pages;

    #[test]
    fn a_list_with_more_pages_is_told_by_what_stands_around_it() {
        let page = |around: Value| {
            let mut answer = json!({ "data": { "keys": [{ "id": 1 }, { "id": 2 }] }, "next_step": "none", "total": 7 });
            for (name, value) in around.as_object().unwrap() {
                answer[name] = value.clone();
            }
            more_pages(&answer, "/data/keys")
        };
        for more in [
            json!({ "has_more": true, "next_cursor": "abc" }),
            json!({ "hasMore": true }),
            json!({ "next_page_token": "abc" }),
            json!({ "NextToken": "abc" }),
            json!({ "next": "https://service.example.com/keys?page=2" }),
            json!({ "next_page": 2 }),
            json!({ "links": { "next": { "href": "/keys?page=2" } } }),
            json!({ "_links": { "next": "/keys?page=2" } }),
            json!({ "@odata.nextLink": "/keys" }),
            json!({ "response_metadata": { "next_cursor": "dGVhbQ" } }),
            json!({ "pageInfo": { "hasNextPage": true } }),
            json!({ "data": { "keys": [1, 2], "has_more": true } }),
            json!({ "total_count": 3 }),
            json!({ "total": 3, "limit": 2 }),
            json!({ "meta": { "total": 3, "per_page": 2 } }),
        ] {
            assert!(page(more.clone()).is_some(), "{more}");
        }
        for last in [
            json!({}),
            json!({ "has_more": false, "next_cursor": null }),
            json!({ "next_page_token": "" }),
            json!({ "next": null, "previous": "https://service.example.com/keys?page=1" }),
            json!({ "links": { "next": { "href": null } } }),
            json!({ "total_count": 2 }),
            json!({ "total": 2, "limit": 2 }),
            json!({ "data": { "keys": [{ "next": "x", "has_more": true }, { "id": 2 }] } }),
        ] {
            assert_eq!(page(last.clone()), None, "{last}");
        }
        assert_eq!(
            more_pages(&json!([{ "next": "x" }]), ""),
            None,
            "an array alone says nothing"
        );
    }
}
