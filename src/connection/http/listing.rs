//! Lists of entries or credentials in JSON answers: where their names, ids and times are, by JSON Pointers (RFC 6901).
//!
//! A list is read as a whole, and an item that is not as described fails it: half a list would hide entries.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{HttpService, paging};
use crate::call::{CallError, CallErrorKind, Effect};
use crate::diagnostics::Argument;
use crate::secret::Secret;
use crate::terraform::{Attribute, Diagnostics, Field, Node, Type};

/// Where a list has what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The array. Empty: the answer itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    items: String,
    /// The name of an item. Empty: the item itself is a text.
    name: String,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// When it was last written, or made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// What items must have to count.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    only: BTreeMap<String, String>,
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id, where the list has ids.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was last written, or made.
    pub time: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// What the items of a list are, for its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Items {
    /// `entries`
    pub noun: &'static str,
    /// The argument that names their times.
    pub time: Option<&'static str>,
    /// They have ids and an end.
    pub issued: bool,
}

impl Items {
    /// The arguments beside those that name URLs.
    pub fn attributes(self) -> Vec<Attribute> {
        let noun = self.noun;
        let mut attributes = vec![
            Attribute::optional(
                "items",
                Type::String,
                format!(
                    "The JSON Pointer (RFC 6901) to the array of {noun}, such as `/data`. Default: the answer itself."
                ),
            ),
            Attribute::required(
                "name",
                Type::String,
                "The JSON Pointer to the name, from an item: `/key`.",
            ),
            Attribute::optional(
                "where",
                Type::string_map(),
                "JSON Pointers with the texts that an item must have there to count: `{ \"/scope\" = \"global\" }`.",
            ),
        ];
        if let Some(time) = self.time {
            attributes.push(Attribute::optional(
                time,
                Type::String,
                "The JSON Pointer to the time of the last write: an RFC 3339 text, or seconds or milliseconds since 1970.",
            ));
        }
        if self.issued {
            attributes.extend([
                Attribute::required("id", Type::String, "The JSON Pointer to the id."),
                Attribute::optional(
                    "expires_at",
                    Type::String,
                    "The JSON Pointer to the time at which it expires.",
                ),
            ]);
        }
        attributes
    }

    /// Reads them.
    pub fn read(self, node: &Node<'_>, problems: &mut Diagnostics) -> Option<Listing> {
        let items = pointer(&node.attr("items"), problems);
        let name_node = node.attr("name");
        let name = name_node.required(pointer(&name_node, problems), problems);
        let time = self.time.map(|time| pointer(&node.attr(time), problems));
        let id_node = node.attr("id");
        let id = self
            .issued
            .then(|| id_node.required(pointer(&id_node, problems), problems));
        let expires = self.issued.then(|| pointer(&node.attr("expires_at"), problems));
        let where_node = node.attr("where");
        let only = where_node.string_map(problems).and_then_checked(|only| {
            let wrong = only.keys().find(|key| !is_pointer(key));
            if wrong.is_some() {
                not_a_pointer(&where_node, problems);
            }
            wrong.is_none().then_some(only)
        });
        Some(Listing {
            items: items.or(String::new())?,
            name: name.known()?,
            id: id.unwrap_or(Field::Absent).optional()?,
            time: time.unwrap_or(Field::Absent).optional()?,
            expires: expires.unwrap_or(Field::Absent).optional()?,
            only: only.or(BTreeMap::new())?,
        })
    }
}

/// Reads a JSON Pointer; an empty one is the whole.
pub fn pointer(node: &Node<'_>, problems: &mut Diagnostics) -> Field<String> {
    node.text(problems).and_then_checked(|text| {
        let fits = is_pointer(&text);
        if !fits {
            not_a_pointer(node, problems);
        }
        fits.then_some(text)
    })
}

/// RFC 6901, section 3.
fn is_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1);
    (text.is_empty() || text.starts_with('/')) && { escapes }.all(|rest| rest.starts_with(['0', '1']))
}

fn not_a_pointer(node: &Node<'_>, problems: &mut Diagnostics) {
    node.report(problems, |argument| Argument::IsNot {
        argument,
        what: "a JSON Pointer".into(),
        why: "It begins with a slash and names one key after the other, such as \"/data/id\" (RFC 6901).".into(),
    });
}

/// A text or a number at a place, as text.
pub fn text_at(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Takes a text that is a secret out of its place; nothing of it stays there.
pub fn take_text(value: &mut Value, pointer: &str) -> Option<Secret> {
    match value.pointer_mut(pointer)?.take() {
        Value::String(text) if !text.is_empty() => Some(Secret::new(text)),
        _ => None,
    }
}

/// Beyond this many seconds since 1970 a number counts milliseconds: the year 5138.
const MOST_SECONDS: i64 = 100_000_000_000;

/// What is at a place is no instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoInstant;

/// An instant at a place; `Ok(None)` where there is nothing, or null.
///
/// # Errors
/// What is there is no instant.
pub fn instant_at(value: &Value, pointer: &str) -> Result<Option<Timestamp>, NoInstant> {
    match value.pointer(pointer) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| NoInstant),
        Some(Value::Number(number)) => {
            let number = number.as_i64().ok_or(NoInstant)?;
            let instant = match number.abs() > MOST_SECONDS {
                true => Timestamp::from_millisecond(number),
                false => Timestamp::from_second(number),
            };
            instant.map(Some).map_err(|_| NoInstant)
        }
        Some(_) => Err(NoInstant),
    }
}

impl Listing {
    /// Whether the list tells when its items were written.
    pub fn has_times(&self) -> bool {
        self.time.is_some()
    }

    /// The items of an answer.
    ///
    /// # Errors
    /// What is not as described; names places, never what stands there.
    fn of(&self, answer: &Value) -> Result<Vec<Listed>, String> {
        let items = answer.pointer(&self.items).and_then(Value::as_array);
        let items = items.ok_or_else(|| match self.items.as_str() {
            "" => "the answer is no JSON array; say in `items` where it is".to_owned(),
            pointer => format!("there is no JSON array at {pointer}"),
        })?;
        let counts = |item: &&Value| {
            let mut only = self.only.iter();
            only.all(|(pointer, text)| match item.pointer(pointer) {
                Some(Value::String(found)) => found == text,
                Some(Value::Null) | None => false,
                Some(other) => {
                    let found = other.to_string();
                    found == *text
                }
            })
        };
        items.iter().filter(counts).map(|item| self.item(item)).collect()
    }

    fn item(&self, item: &Value) -> Result<Listed, String> {
        let text = |pointer: &str| text_at(item, pointer).ok_or_else(|| format!("an item has no text at {pointer:?}"));
        let instant = |pointer: &Option<String>| match pointer {
            None => Ok(None),
            Some(pointer) => {
                instant_at(item, pointer).map_err(|NoInstant| format!("an item has no time at {pointer:?}"))
            }
        };
        Ok(Listed {
            id: self.id.as_deref().map(text).transpose()?.unwrap_or_default(),
            name: text(&self.name)?,
            time: instant(&self.time)?,
            expires_at: instant(&self.expires)?,
        })
    }
}

impl HttpService {
    /// The items at a URL, from the listing that all readers of this run share.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn listed(&self, listing: &Listing, url: &Url) -> Result<Arc<Vec<Listed>>, CallError> {
        let key = key_of(listing, url);
        self.listings().get(&key, || self.listed_now(listing, url)).await
    }

    /// The same as they are now.
    ///
    /// # Errors
    /// As [`Self::listed`].
    pub async fn listed_now(&self, listing: &Listing, url: &Url) -> Result<Vec<Listed>, CallError> {
        let operation = format!("listing {}", self.words_of(url));
        let request = self
            .request("GET", url, &*operation)
            .header("accept", "application/json")
            .secret_answer();
        let answer = self.read(request).await?;
        let malformed = |what: &str| {
            let (kind, effect, status) = (CallErrorKind::Malformed, Effect::None, Some(answer.status));
            CallError::new(kind, effect, super::VENDOR.title, &*operation, status, what)
        };
        let in_pages = |sign: &str| {
            malformed(&format!(
                "the list has more pages ({sign}), which are not read: ask for all items at once, with a parameter of the URL such as limit"
            ))
        };
        // RFC 8288.
        let links = answer.headers.get("link").map_or("", String::as_str);
        if links.contains("rel=\"next\"") || links.contains("rel=next") {
            return Err(in_pages("its header Link names the next one"));
        }
        let content = answer.json()?;
        if let Some(field) = paging::more_pages(&content, &listing.items) {
            return Err(in_pages(&format!("its field {field} says so")));
        }
        listing.of(&content).map_err(|what| malformed(&what))
    }

    /// Forgets what was listed there, after a write.
    pub fn forget(&self, listing: &Listing, url: &Url) {
        self.listings().forget(&key_of(listing, url));
    }
}

fn key_of(listing: &Listing, url: &Url) -> String {
    serde_json::json!([url.as_str(), listing]).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_are_found_by_their_pointers_and_half_a_list_is_none() {
        let listing = Listing {
            items: "/data".to_owned(),
            name: "/key".to_owned(),
            time: Some("/at".to_owned()),
            only: BTreeMap::from([("/scope".to_owned(), "global".to_owned())]),
            ..Listing::default()
        };
        let of = |items: Value| listing.of(&json!({ "data": items }));
        let found = of(json!([
            { "key": "A", "at": "2026-11-30T10:00:00Z", "scope": "global" },
            { "key": "B", "at": 1_796_032_800, "scope": "global" },
            { "key": "C", "at": 1_796_032_800_000_i64, "scope": "global" },
            { "key": "D", "scope": "global" },
            { "scope": "workspace" },
        ]));
        let told: Vec<String> = found
            .unwrap()
            .into_iter()
            .map(|item| format!("{} {:?}", item.name, item.time))
            .collect();
        assert_eq!(
            told,
            [
                "A Some(2026-11-30T10:00:00Z)",
                "B Some(2026-11-30T10:00:00Z)",
                "C Some(2026-11-30T10:00:00Z)",
                "D None"
            ]
        );
        for wrong in [
            json!({}),
            json!([{ "scope": "global" }]),
            json!([{ "key": "A", "at": "yesterday", "scope": "global" }]),
        ] {
            assert!(of(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(listing.of(&json!([])).is_err());
    }

    #[test]
    fn a_list_of_texts_has_names_alone() {
        let listing = Listing::default();
        let names: Vec<String> = listing
            .of(&json!(["A", "B"]))
            .unwrap()
            .into_iter()
            .map(|item| item.name)
            .collect();
        assert_eq!(names, ["A", "B"]);
    }

    #[test]
    fn pointers_are_told_from_other_paths() {
        for (text, fits) in [
            ("", true),
            ("/a/b", true),
            ("/a~1b~0", true),
            ("a", false),
            ("$.a", false),
            ("/a~2", false),
        ] {
            assert_eq!(is_pointer(text), fits, "{text}");
        }
    }
}
