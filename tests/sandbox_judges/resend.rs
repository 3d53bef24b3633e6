//! Resend: every call of the provider, and what each kind of key may do.

use serde_json::{Value, json};

use super::client::Outsider;

const DOMAIN: &str = "d91cd9bd-1176-453e-8fc1-35364d380206";

fn email(domain: &str) -> Value {
    json!({ "from": format!("a@{domain}"), "to": "b@example.net", "subject": "walk" })
}

pub(crate) fn walk(outsider: &Outsider) {
    let bearer = format!("Bearer {}", outsider.sandbox.export("RESEND_API_KEY"));
    let headers = [("authorization", bearer.as_str())];
    let call = |method: &str, path: &str, body| outsider.hear("resend", method, path, &headers, &body).ok();
    let asked = json!({ "name": "walk", "permission": "sending_access", "domain_id": DOMAIN });
    let made = call("POST", "/api-keys", asked.clone());
    let id = made["id"].as_str().unwrap();
    let pages = ["limit=1".to_owned(), format!("limit=1&after={id}")];
    let [first, last] = pages.map(|page| call("GET", &format!("/api-keys?{page}"), Value::Null));
    assert!(first["has_more"] == true && first["data"][0]["id"] == id);
    assert!(last["has_more"] == false && last["data"][0]["name"] == "sandbox");
    call("GET", &format!("/domains/{DOMAIN}"), Value::Null);
    // What the new key may not, and what nobody may.
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let limited = [("authorization", bearer.as_str())];
    let status = |path: &str, body: Value| outsider.call("POST", path, &limited, &body).unwrap().status;
    assert_eq!(status("/emails", email("example.com")), 200);
    assert_eq!(status("/emails", email("example.org")), 403);
    assert_eq!(status("/api-keys", asked), 401);
    call("DELETE", &format!("/api-keys/{id}"), Value::Null);
    let mut hurried = (0..11).map(|_| outsider.call("GET", "/api-keys", &headers, &Value::Null).unwrap());
    assert!(hurried.any(|answer| answer.status == 429 && answer.header("retry-after") == Some("1")));
}
