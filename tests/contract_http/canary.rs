//! The check `http_canary`, of a service that gives ids.

use std::time::Duration;

use rotation_provider::call::WritePermit;
use rotation_provider::check::http_canary::KIND;
use rotation_provider::check::{CheckFailure, Patience};
use rotation_provider::stop::Stop;
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

use crate::service::Service;

fn arguments(id: &str, expected: &str) -> Value {
    let text = Value::string;
    let create = [
        ("url", text("/a/orgs")),
        ("body", text("{\"slug\":\"{{ name }}\"}")),
        ("id", text(id)),
    ];
    Value::object([
        ("create", Value::object(create)),
        (
            "inspect",
            Value::object([("url", text("/a/orgs/{{ id }}")), ("expect_body", text(expected))]),
        ),
        ("delete", Value::object([("url", text("/a/orgs/{{ id }}"))])),
    ])
}

async fn run(service: &Service, arguments: &Value, stop: &Stop) -> Result<(), CheckFailure> {
    let mut problems = Diagnostics::new();
    let config = (KIND.parse)(
        &Node::root(arguments, Origin::Configuration),
        Some("service"),
        &mut problems,
    );
    let config = config.unwrap_or_else(|| panic!("{problems:?}"));
    assert!(config.has_effects() && config.effects_default().is_none());
    let connections = service.connections();
    let check = config.connect(&connections.link("service")).unwrap();
    let patience = Patience {
        timeout: Duration::from_secs(5),
        retry_for: Duration::ZERO,
    };
    check.run(None, patience, stop, &WritePermit::granted_by_apply()).await
}

fn left(service: &Service) -> usize {
    service
        .held()
        .entries
        .values()
        .map(std::collections::BTreeMap::len)
        .sum()
}

#[tokio::test]
async fn a_canary_is_inspected_and_deleted_by_its_id() {
    let service = Service::start().await;
    let stop = Stop::default();
    assert_eq!(
        run(&service, &arguments("/org/id", "rotation-canary-"), &stop).await,
        Ok(())
    );
    let asked = service.held().asked.clone();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(
        asked[1].starts_with("GET /a/orgs/org_") && asked[2].starts_with("DELETE /a/orgs/org_"),
        "{asked:?}"
    );
    let failure = run(&service, &arguments("/org/id", "something else"), &stop)
        .await
        .unwrap_err();
    assert!(!failure.interrupted, "{failure:?}");
    assert_eq!(left(&service), 0);
}

/// A service that takes the name from the path alone.
#[tokio::test]
async fn the_url_that_makes_a_canary_may_have_its_name() {
    let service = Service::start().await;
    let by_name = |what: [(&'static str, Value); 2]| {
        Value::object([
            ("url", Value::string("/a/{{ name }}")),
            what[0].clone(),
            what[1].clone(),
        ])
    };
    let plain = ("headers", Value::Null);
    let arguments = Value::object([
        (
            "create",
            by_name([
                ("method", Value::string("PUT")),
                ("body", Value::string("{\"key\":\"x\",\"value\":\"x\"}")),
            ]),
        ),
        ("inspect", by_name([plain.clone(), ("expect_body", Value::string("x"))])),
        ("delete", by_name([plain.clone(), ("method", Value::Null)])),
    ]);
    // Whether the service makes anything of it is another matter.
    drop(run(&service, &arguments, &Stop::default()).await);
    let asked = service.held().asked.clone();
    assert!(
        asked
            .first()
            .is_some_and(|line| line.starts_with("PUT /a/rotation-canary-")),
        "{asked:?}"
    );
    let wrong = Value::object([
        (
            "create",
            Value::object([
                ("url", Value::string("/a/{{ id }}")),
                ("body", Value::string("{{ name }}")),
            ]),
        ),
        ("inspect", Value::object([("url", Value::string("/a"))])),
        ("delete", Value::object([("url", Value::string("/a/{{ name }}"))])),
    ]);
    let mut problems = Diagnostics::new();
    assert!(
        (KIND.parse)(
            &Node::root(&wrong, Origin::Configuration),
            Some("service"),
            &mut problems
        )
        .is_none()
    );
    assert!(
        format!("{problems:?}").contains("must contain {{ name }}"),
        "{problems:?}"
    );
}

#[tokio::test]
async fn one_whose_id_is_not_told_is_named() {
    let service = Service::start().await;
    let failure = run(&service, &arguments("/id", "x"), &Stop::default())
        .await
        .unwrap_err();
    for words in [
        "the answer has no id at \"/id\"",
        "rotation-canary-",
        "was not deleted",
        "Delete it by hand.",
    ] {
        assert!(failure.message.contains(words), "{words:?} in {}", failure.message);
    }
    assert_eq!(left(&service), 1);
}

#[tokio::test]
async fn nothing_is_made_after_an_interrupt_or_where_it_is_refused() {
    let service = Service::start().await;
    let stop = Stop::default();
    service.held().broken.insert("a".to_owned());
    assert!(run(&service, &arguments("/org/id", "x"), &stop).await.is_err());
    assert_eq!(service.held().asked.len(), 1, "there is nothing to delete");
    stop.request();
    assert!(
        run(&service, &arguments("/org/id", "x"), &stop)
            .await
            .unwrap_err()
            .interrupted
    );
    assert_eq!(service.held().asked.len(), 1);
}
