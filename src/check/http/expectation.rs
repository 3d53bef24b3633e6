//! What an answer must be like, and how it fell short. Texts name statuses and places in the body, never what stands there.

use serde_json::Value;

use crate::check::Presents;
use crate::http::Response;
use crate::terraform::Number;

/// What a user expects of an answer; all of it must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct Expectation {
    /// The permitted statuses.
    pub(in crate::check) status: Vec<u16>,
    /// JSON that the body must contain.
    pub(in crate::check) json: Option<Value>,
    /// Text that the body must contain.
    pub(in crate::check) contains: Option<String>,
    /// Text that the body must not contain.
    pub(in crate::check) lacks: Option<String>,
}

/// How an answer falls short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) enum Shortfall {
    /// Its status is another one.
    Status(u16),
    /// Its body is no JSON.
    NotJson,
    /// Its JSON differs at this place, such as `$.checks[0].status`.
    Json(String),
    /// It lacks the text of `expect_body`.
    Lacks,
    /// It holds the text of `reject_body`.
    Holds,
}

impl Expectation {
    /// Compares an answer.
    pub(in crate::check) fn judge(&self, answer: &Response) -> Result<(), Shortfall> {
        if !self.status.contains(&answer.status) {
            return Err(Shortfall::Status(answer.status));
        }
        if let Some(expected) = &self.json {
            let body: Value = answer.json().map_err(|_| Shortfall::NotJson)?;
            if let Some(place) = difference(expected, &body, "$") {
                return Err(Shortfall::Json(place));
            }
        }
        if let Some(text) = &self.contains
            && !answer.text().contains(text)
        {
            return Err(Shortfall::Lacks);
        }
        if let Some(text) = &self.lacks
            && answer.text().contains(text)
        {
            return Err(Shortfall::Holds);
        }
        Ok(())
    }
}

/// Where `found` does not contain `expected`; `None` when it does. An object contains another with fewer keys; arrays are
/// compared element by element and must be equally long; numbers are equal by value (`1` and `1.0`), anything else must be
/// equal.
fn difference(expected: &Value, found: &Value, place: &str) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected.iter().find_map(|(key, expected)| {
            let place = format!("{place}.{key}");
            match found.get(key) {
                Some(found) => difference(expected, found, &place),
                None => Some(place),
            }
        }),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => expected
            .iter()
            .zip(found)
            .enumerate()
            .find_map(|(at, (expected, found))| difference(expected, found, &format!("{place}[{at}]"))),
        (Value::Number(expected), Value::Number(found)) => {
            let canonical = |number: &serde_json::Number| Number::parse(&number.to_string());
            (canonical(expected) != canonical(found)).then(|| place.to_owned())
        }
        (expected, found) => (expected != found).then(|| place.to_owned()),
    }
}

impl Shortfall {
    /// The second half of a sentence that begins with the request, and a hint at the cause.
    pub(in crate::check) fn explain(&self, expectation: &Expectation, presents: Presents) -> String {
        match self {
            Self::Status(status) => {
                let expected: Vec<String> = expectation.status.iter().map(ToString::to_string).collect();
                let hint = hint(*status, &expectation.status, presents);
                format!("answered {status}, expected {}.{hint}", expected.join(" or "))
            }
            Self::NotJson => "answered with a body that is no JSON, expected expect_json.".to_owned(),
            Self::Json(place) => format!("answered with JSON that differs from expect_json at {place}."),
            Self::Lacks => "answered with a body that does not hold the text of expect_body.".to_owned(),
            Self::Holds => "answered with a body that holds the text of reject_body.".to_owned(),
        }
    }
}

/// What such a status usually means.
fn hint(status: u16, expected: &[u16], presents: Presents) -> &'static str {
    let refusal = |status: u16| matches!(status, 401 | 403);
    let wants_refusal = expected.iter().all(|status| refusal(*status));
    match (status, presents) {
        (404, _) if wants_refusal => {
            " 404 instead of a refusal means that the route is not mounted: the variable that turns it on is not live there, \
             or the URL is wrong."
        }
        (404, _) => " The route is not mounted there, or the URL is wrong.",
        (401 | 403, Presents::New) => " The new credential is not accepted there, or not yet.",
        (401 | 403, Presents::Previous) => " The previous credential is not accepted there any more.",
        (401 | 403, Presents::Nothing) => " The route wants a credential, and this check presents none of this secret.",
        (200..=299, Presents::Previous) if wants_refusal => " The previous credential is still accepted there.",
        (200..=299, Presents::Nothing) if wants_refusal => {
            " The route answers without a credential: it is not protected."
        }
        (300..=399, _) => {
            " It redirects, which is an answer here: write the URL that it leads to, or expect this status."
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_may_hold_more_than_is_expected() {
        let body = json!({"service": "molecule-cp", "status": "ok", "checks": [{"name": "db", "ok": true, "ms": 3}], "n": 1.0});
        let same = |expected: Value| assert_eq!(difference(&expected, &body, "$"), None, "{expected}");
        same(json!({}));
        same(json!({"status": "ok"}));
        same(json!({"checks": [{"ok": true}]}));
        same(json!({"n": 1}));
        let differs = |expected: Value, place: &str| {
            assert_eq!(difference(&expected, &body, "$").as_deref(), Some(place), "{expected}");
        };
        differs(json!({"status": "down"}), "$.status");
        differs(json!({"version": null}), "$.version");
        differs(json!({"checks": []}), "$.checks");
        differs(json!({"checks": [{"ok": false}]}), "$.checks[0].ok");
        differs(json!({"n": "1"}), "$.n");
        differs(json!([]), "$");
    }

    #[test]
    fn a_missing_route_and_a_missing_refusal_read_differently() {
        let expectation = Expectation {
            status: vec![401],
            json: None,
            contains: None,
            lacks: None,
        };
        let explain = |status, presents| Shortfall::Status(status).explain(&expectation, presents);
        let missing = explain(404, Presents::Nothing);
        assert!(
            missing.starts_with("answered 404, expected 401.") && missing.contains("not mounted"),
            "{missing}"
        );
        assert!(explain(200, Presents::Nothing).contains("not protected"));
        assert!(explain(200, Presents::Previous).contains("still accepted"));
        assert_eq!(explain(500, Presents::New), "answered 500, expected 401.");
    }
}
