//! Render: every call of the provider, and that a deploy alone loads variables.

use serde_json::{Value, json};

use super::client::Outsider;

const SERVICE: &str = "srv-d1control0000000001";
const GROUP: &str = "evg-d1production00000003";

pub(crate) fn walk(outsider: &Outsider) {
    let bearer = format!("Bearer {}", outsider.sandbox.export("RENDER_API_KEY"));
    let headers = [("authorization", bearer.as_str())];
    let at = |path: &str| format!("/render/v1{path}");
    let call = |method: &str, path: &str, body| outsider.hear("render", method, &at(path), &headers, &body).ok();
    // What is refused is not judged: the description says little of it.
    let refused = |method: &str, path: &str, body| outsider.call(method, &at(path), &headers, &body).unwrap().status;
    let running = || outsider.sandbox.state()["render"]["services"][SERVICE]["running"].clone();
    let (service, group) = (format!("/services/{SERVICE}"), format!("/env-groups/{GROUP}"));
    for (place, value) in [(&group, "of the group"), (&service, "own")] {
        call("PUT", &format!("{place}/env-vars/KEY"), json!({ "value": value }));
        let read = call("GET", &format!("{place}/env-vars/KEY"), Value::Null);
        assert_eq!(read["value"], value);
    }
    call("PUT", &format!("{service}/env-vars/OTHER"), json!({ "value": "x" }));
    let first = call("GET", &format!("{service}/env-vars?limit=1"), Value::Null);
    assert_eq!(first[0]["envVar"]["key"], "KEY");
    let cursor = first[0]["cursor"].as_str().unwrap();
    let rest = call(
        "GET",
        &format!("{service}/env-vars?limit=1&cursor={cursor}"),
        Value::Null,
    );
    assert_eq!(rest[0]["envVar"]["key"], "OTHER");
    let linked = call("GET", &group, Value::Null);
    assert_eq!(linked["serviceLinks"][0]["id"], SERVICE);
    assert_eq!(running(), json!({}), "a write starts nothing");
    let only = json!({ "deployMode": "deploy_only" });
    let deploy = call("POST", &format!("{service}/deploys"), only.clone());
    assert_eq!(
        refused("POST", &format!("{service}/deploys"), only),
        409,
        "one at a time"
    );
    let id = deploy["id"].as_str().unwrap();
    let page = format!("{service}/deploys/{id}");
    while call("GET", &page, Value::Null)["status"] != "live" {}
    call("GET", &format!("{service}/deploys?limit=20"), Value::Null);
    assert_eq!(running()["KEY"], "own", "a service's own variable takes precedence");
    for place in [&group, &service] {
        call("DELETE", &format!("{place}/env-vars/KEY"), Value::Null);
        assert_eq!(refused("DELETE", &format!("{place}/env-vars/KEY"), Value::Null), 404);
    }
    assert_eq!(
        refused("PUT", &format!("{service}/env-vars/1%20X"), json!({ "value": "x" })),
        400
    );
    assert_eq!(refused("GET", "/services/srv-nowhere/env-vars", Value::Null), 404);
}
