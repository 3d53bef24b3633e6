//! The source `fly_token`.

use rotation_provider::call::{CallErrorKind, Effect, WritePermit};
use rotation_provider::label::Label;
use rotation_provider::source::fly_token::KIND;
use rotation_provider::source::{Handles, MintOrder, Source};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

use super::fake::{Fault, Fly, TOKEN_ID};

const CREATE: &str = "createLimitedAccessToken";

fn source(fly: &Fly, attribute: &str, name: &str) -> Box<dyn Source> {
    let block = Value::object([(attribute, Value::string(name)), ("expires_in", Value::string("2400h"))]);
    let mut problems = Diagnostics::new();
    let node = Node::root(&block, Origin::Configuration);
    let config = (KIND.parse)(&node, &node, &mut problems).unwrap();
    config.connect(&fly.connections.own()).unwrap()
}

fn order() -> MintOrder {
    MintOrder {
        label: Label::new("web-rotation", "0123456789ab", 3),
        handles: Handles::default(),
    }
}

fn permit() -> WritePermit {
    WritePermit::granted_by_apply()
}

#[tokio::test]
async fn whatever_is_empty_may_be_null() {
    let fly = Fly::start().await;
    fly.world().nulls = true;
    for (attribute, name) in [("app", "web"), ("organization", "org")] {
        let source = source(&fly, attribute, name);
        source.inspect().await.unwrap();
        assert_eq!(source.issuer().survey().await.unwrap(), []);
        let id = source.mint(&order(), &permit()).await.unwrap().credential.unwrap().id;
        source.issuer().revoke(&id, &permit()).await.unwrap();
    }
}

/// What a careless Fly says of a token that it has just made.
const SAYS: &str = "Name web-rotation-rot: token FlyV1 fm2_cGVybWlzc2lvbi02LWU4 exceeds the quota.";

#[tokio::test]
async fn a_refusal_of_a_mint_says_why_and_shows_nothing_that_may_be_the_token() {
    let shown = "Name web-rotation-rot: token FlyV1 [withheld] exceeds the quota.";
    let fly = Fly::start().await;
    fly.fault(CREATE, Fault::Refused(422, SAYS));
    let error = source(&fly, "app", "web").mint(&order(), &permit()).await.unwrap_err();
    assert_eq!(error.message, shown);
    let of_graphql = |data: &str| -> &'static str {
        format!(r#"{{"data":{data},"errors":[{{"message":"{SAYS}","extensions":{{"code":"UNPROCESSABLE"}}}}]}}"#).leak()
    };
    for data in ["null", r#"{"createLimitedAccessToken":null}"#] {
        fly.fault(CREATE, Fault::Says(of_graphql(data)));
        let error = source(&fly, "app", "web").mint(&order(), &permit()).await.unwrap_err();
        assert_eq!((error.effect, error.message.as_str()), (Effect::None, shown), "{data}");
    }
}

#[tokio::test]
async fn an_error_beside_a_token_leaves_an_effect_whatever_its_code_says() {
    let fly = Fly::start().await;
    let body = r#"{"data":{"createLimitedAccessToken":{"limitedAccessToken":{"id":"x"}}},
        "errors":[{"message":"fm2_cGVybWlzc2lvbi02LWU4 is too long","extensions":{"code":"UNPROCESSABLE"}}]}"#;
    fly.fault(CREATE, Fault::Says(body));
    let error = source(&fly, "app", "web").mint(&order(), &permit()).await.unwrap_err();
    assert_eq!((&error.kind, error.effect), (&CallErrorKind::Invalid, Effect::Possible));
    assert!(error.message.starts_with("its own words are not shown"), "{error}");
}

#[tokio::test]
async fn revoked_and_expired_tokens_are_not_surveyed() {
    let fly = Fly::start().await;
    let alive = fly.world().token("alive", "2999-01-01T00:00:00Z", None);
    fly.world().token("expired", "2020-01-01T00:00:00Z", None);
    fly.world()
        .token("revoked", "2999-01-01T00:00:00Z", Some("2026-01-01T00:00:00Z"));
    let source = source(&fly, "organization", "org");
    let ids: Vec<String> = source
        .issuer()
        .survey()
        .await
        .unwrap()
        .into_iter()
        .map(|token| token.id)
        .collect();
    assert_eq!(ids, [alive]);
}

#[tokio::test]
async fn an_organization_token_has_the_organizations_profile() {
    let fly = Fly::start().await;
    source(&fly, "organization", "org")
        .mint(&order(), &permit())
        .await
        .unwrap();
    let world = fly.world();
    let input = &world.bodies.last().unwrap()["variables"]["input"];
    assert_eq!(
        (&input["profile"], &input["profileParams"]),
        (&"deploy_organization".into(), &serde_json::json!({}))
    );
    assert_eq!(input["organizationId"], "node-of-it");
}

#[tokio::test]
async fn the_token_of_this_run_is_recognized() {
    let fly = Fly::start().await;
    let source = source(&fly, "app", "web");
    assert_eq!(source.issuer().authenticates_this_run(TOKEN_ID).await, Ok(true));
    assert_eq!(source.issuer().authenticates_this_run("another").await, Ok(false));
}

#[tokio::test]
async fn where_fly_does_not_tell_the_tokens_of_this_run_none_is_taken_for_it() {
    let fly = Fly::start().await;
    let source = source(&fly, "app", "web");
    let current = "/v1/tokens/current";
    for status in [400, 401, 403, 404, 405, 410, 501] {
        fly.fault(current, Fault::Refused(status, "no"));
        assert_eq!(
            source.issuer().authenticates_this_run(TOKEN_ID).await,
            Ok(false),
            "{status}"
        );
    }
    for _ in 0..5 {
        fly.fault(current, Fault::Status(503, "away"));
    }
    let error = source.issuer().authenticates_this_run(TOKEN_ID).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unavailable, "it may tell at another time");
    assert_eq!(source.issuer().authenticates_this_run(TOKEN_ID).await, Ok(true));
}

#[tokio::test]
async fn a_run_with_macaroons_and_a_users_token_sends_each_api_what_it_takes() {
    let accepted = [
        "FlyV1 fm2_a-0123,fm2_b-0123",
        "FlyV1 fm2_a-0123,fm2_b-0123,fo1_user-0123",
    ];
    let fly = Fly::start_with("fo1_user-0123, fm2_a-0123,fm2_b-0123", accepted).await;
    let source = source(&fly, "app", "web");
    source.inspect().await.unwrap();
    assert_eq!(source.issuer().authenticates_this_run(TOKEN_ID).await, Ok(true));
    fly.connections
        .own()
        .account::<rotation_provider::connection::fly::Fly>()
        .unwrap()
        .client()
        .unwrap()
        .secrets("web")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_run_without_macaroons_is_not_asked_about() {
    let fly = Fly::start_with("fo1_user-0123", ["Bearer fo1_user-0123"; 2]).await;
    let source = source(&fly, "app", "web");
    source.inspect().await.unwrap();
    assert_eq!(source.issuer().authenticates_this_run(TOKEN_ID).await, Ok(false));
    assert_eq!(fly.world().count(&["/v1/tokens"]), 0);
}
