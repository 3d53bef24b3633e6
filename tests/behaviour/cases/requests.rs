//! What is sent, as text to be reviewed: method, path, headers, the shape of the body. Values, times and ids are replaced.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::proxy::Asked;
use crate::world::World;

/// Headers that say something about the call, and not about the transport.
const HEADERS: [&str; 7] = [
    "accept",
    "authorization",
    "content-type",
    "fly-machine-lease-nonce",
    "user-agent",
    "x-amz-target",
    "x-github-api-version",
];

/// Fields whose content differs from run to run.
const CHANGING: [&str; 10] = [
    "app_id",
    "current_version",
    "encrypted_value",
    "expiresAt",
    "expiry",
    "header",
    "key_id",
    "machine_version",
    "metadata",
    "organizationId",
];

/// Requests by what they were made for.
pub(crate) struct Told<'a> {
    world: &'a World,
    parts: Vec<(String, Vec<Asked>)>,
}

impl<'a> Told<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self {
            world,
            parts: Vec::new(),
        }
    }

    pub(crate) async fn by(&mut self, what: &str, run: impl Future<Output = ()>) {
        self.world.proxy.forget();
        run.await;
        self.parts.push((what.to_owned(), self.world.proxy.asked()));
    }

    /// The whole, with these values replaced.
    pub(crate) fn text(&self, values: &[&str]) -> String {
        let mut all = self.parts.iter().flat_map(|(_, asked)| asked).map(headers);
        let first = all.next().unwrap_or_default();
        let common = all.fold(first, |common, one| common.intersection(&one).cloned().collect());
        let mut text = String::from("# every request\n");
        text.extend(common.iter().map(|header| format!("  {header}\n")));
        text.push('\n');
        for (what, asked) in &self.parts {
            writeln!(text, "# {what}").unwrap();
            let mut last = String::new();
            for one in asked {
                let told = tell(one, &common, values);
                // A wait asks as often as it takes.
                if told != last {
                    text.push_str(&told);
                }
                last = told;
            }
            text.push('\n');
        }
        text
    }
}

/// The headers that say something, as they are shown.
fn headers(asked: &Asked) -> BTreeSet<String> {
    let known = asked.headers.iter();
    let known = known.filter(|(name, _)| HEADERS.contains(&name.as_str()));
    let shown = known.map(|(name, value)| {
        let value = match name.as_str() {
            // The scheme tells enough.
            "authorization" => format!("{} [credential]", value.split(' ').next().unwrap_or_default()),
            "fly-machine-lease-nonce" => "[nonce]".to_owned(),
            "user-agent" => value.split('/').next().unwrap_or_default().to_owned(),
            _ => value.clone(),
        };
        format!("{name}: {value}")
    });
    shown.collect()
}

fn tell(asked: &Asked, common: &BTreeSet<String>, values: &[&str]) -> String {
    let mut text = format!("{} {}\n", asked.method, steady(&asked.target, values));
    for header in headers(asked).difference(common) {
        writeln!(text, "  {header}").unwrap();
    }
    if let Ok(mut body) = serde_json::from_str::<Json>(&asked.body) {
        shape(&mut body, values);
        writeln!(text, "  {body}").unwrap();
    } else if asked.method == "QUERY" {
        writeln!(text, "  {}", of_every_run(&asked.body)).unwrap();
    } else if !asked.body.is_empty() {
        writeln!(text, "  {}", asked.body).unwrap();
    }
    text
}

/// A statement without its verifier, and without the instant and the salt in a comment.
fn of_every_run(statement: &str) -> String {
    let mut words = Vec::new();
    for word in statement.split(' ') {
        let is_instant = word.parse::<jiff::Timestamp>().is_ok();
        words.push(match word.split_once('$') {
            Some((before, _)) if before.ends_with("SCRAM-SHA-256") => format!("{before}[verifier]';"),
            _ if is_instant => "[instant]".to_owned(),
            _ if word.ends_with("==]'") => "[salt]]'".to_owned(),
            _ => word.to_owned(),
        });
    }
    words.join(" ")
}

/// A path or text without values, ids of machines, and the numbers of operations.
fn steady(text: &str, values: &[&str]) -> String {
    let mut text = text.to_owned();
    for value in values {
        text = text.replace(value, "[value]");
    }
    let segments = text.split('/').map(|segment| {
        let (name, query) = segment
            .split_once('?')
            .map_or((segment, ""), |(name, query)| (name, query));
        let name = if is_id(name) { "[id]" } else { name };
        match query {
            "" => name.to_owned(),
            query => format!("{name}?{query}"),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Whether a vendor made this segment up: a number, twelve hexadecimal digits in a row (however many of them are letters), or
/// a fixed id of the estate, which has eight digits.
fn is_id(segment: &str) -> bool {
    let is_number = segment.len() >= 4 && segment.bytes().all(|byte| byte.is_ascii_digit());
    let is_random = segment
        .split(|one: char| !one.is_ascii_hexdigit())
        .any(|run| run.len() >= 12);
    let digits = segment.chars().filter(char::is_ascii_digit).count();
    let is_fixed = segment.len() >= 14 && digits >= 8 && !segment.contains("quiet-river");
    is_number || is_random || is_fixed
}

#[test]
fn an_id_of_any_run_is_told_from_a_name() {
    for id in [
        "1234567",
        "bcf9dbf95b4f213d",
        "abcdefabcdefabcd",
        "dep-bcf9dbf95b4f213dabcd",
    ] {
        assert!(is_id(id), "{id}");
    }
    for name in ["secrets", "quiet-river-12345678", "env-vars", "v10"] {
        assert!(!is_id(name), "{name}");
    }
}

fn shape(body: &mut Json, values: &[&str]) {
    match body {
        Json::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if CHANGING.contains(&name.as_str()) {
                    *field = Json::String(format!("[{name}]"));
                } else if name == "config" {
                    *field = Json::String("[the whole configuration]".to_owned());
                } else if name == "id" {
                    *field = Json::String("[id]".to_owned());
                } else {
                    shape(field, values);
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| shape(item, values)),
        Json::String(text) => {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            *text = values.iter().fold(words, |text, value| text.replace(value, "[value]"));
        }
        _ => {}
    }
}
