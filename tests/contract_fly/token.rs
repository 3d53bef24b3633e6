//! The source `fly_token`.

use std::collections::BTreeSet;

use rotation_provider::address::Address;
use rotation_provider::call::{CallErrorKind, Effect, WritePermit};
use rotation_provider::label::Label;
use rotation_provider::source::fly_token::KIND;
use rotation_provider::source::{Liveness, MintOrder, Source};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

use super::fake::{Fault, Fly, TOKEN_ID};

const CREATE: &str = "createLimitedAccessToken";
const DELETE: &str = "deleteLimitedAccessToken";

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
        predecessor_minted_at: None,
        unexplained: false,
        in_use: BTreeSet::default(),
    }
}

fn permit() -> WritePermit {
    WritePermit::granted_by_apply()
}

#[tokio::test]
async fn a_minted_token_carries_its_label_lives_and_dies_by_its_id() {
    let fly = Fly::start().await;
    let source = source(&fly, "app", "web");
    source.inspect().await.unwrap();
    let minted = source.mint(&order(), &permit()).await.unwrap();
    let credential = minted.credential.unwrap();
    assert_eq!(credential.label(), Some(order().label));
    assert!(credential.minted_at.is_some() && credential.expires_at.is_some());
    let value = minted.parts.get("token").unwrap().expose().to_owned();
    assert_eq!(value, format!("FlyV1 fm2_value-of-{}", credential.id));
    {
        let world = fly.world();
        let at = world.calls.iter().position(|call| call.contains(CREATE)).unwrap();
        let input = &world.bodies[at]["variables"]["input"];
        assert_eq!(input["name"], "web-rotation-rot-0123456789ab-g3");
        assert_eq!(input["organizationId"], "node-of-org");
        assert_eq!(
            (&input["profile"], &input["profileParams"]["app_id"]),
            (&"deploy".into(), &"node-of-it".into())
        );
        assert_eq!(input["expiry"], "2400h0m0s");
    }
    assert_eq!(source.survey().await.unwrap(), std::slice::from_ref(&credential));
    assert_eq!(source.liveness(&credential.id).await, Ok(Liveness::Alive));
    source.revoke(&credential.id, &permit()).await.unwrap();
    assert_eq!(source.liveness(&credential.id).await, Ok(Liveness::Dead));
    assert_eq!(source.survey().await.unwrap(), []);
    source
        .revoke(&credential.id, &permit())
        .await
        .expect("revoking again is fine");
    let queries: Vec<String> = fly
        .world()
        .bodies
        .iter()
        .map(|body| body["query"].to_string())
        .collect();
    let selects_value = |query: &String| query.contains("tokenHeader") || query.contains(" token ");
    assert_eq!(
        queries.iter().filter(|query| selects_value(query)).count(),
        1,
        "only minting selects the value"
    );
}

#[tokio::test]
async fn whatever_is_empty_may_be_null() {
    let fly = Fly::start().await;
    fly.world().nulls = true;
    for (attribute, name) in [("app", "web"), ("organization", "org")] {
        let source = source(&fly, attribute, name);
        source.inspect().await.unwrap();
        assert_eq!(source.survey().await.unwrap(), []);
        let id = source.mint(&order(), &permit()).await.unwrap().credential.unwrap().id;
        source.revoke(&id, &permit()).await.unwrap();
    }
}

#[tokio::test]
async fn a_lost_mint_is_sent_once_and_found_by_its_label_on_a_later_page() {
    for (fault, found) in [
        (Fault::LostBefore, 0),
        (Fault::LostAfter, 1),
        (Fault::Status(504, ""), 0),
    ] {
        let fly = Fly::start().await;
        for name in ["deploy", "a \"quoted\" \\ name", "ключ 🔑", "", "x-rot-0123456789ab-g"] {
            fly.world().token(name, "2999-01-01T00:00:00Z", None);
        }
        let source = source(&fly, "app", "web");
        fly.fault(CREATE, fault);
        let error = source.mint(&order(), &permit()).await.unwrap_err();
        assert_eq!(error.effect, Effect::Possible);
        assert_eq!(fly.world().count(&[CREATE]), 1);
        let tokens = source.survey().await.unwrap();
        assert_eq!(tokens.len(), 5 + found);
        let ours = tokens
            .iter()
            .filter(|token| token.label() == Some(order().label))
            .count();
        assert_eq!(ours, found);
        assert!(
            fly.world().count(&["limitedAccessTokens"]) >= 3,
            "the list has three pages"
        );
    }
}

#[tokio::test]
async fn a_mint_that_was_certainly_refused_has_no_effect() {
    for (status, kind) in [(401, CallErrorKind::Unauthenticated), (422, CallErrorKind::Invalid)] {
        let fly = Fly::start().await;
        let source = source(&fly, "app", "web");
        fly.fault(CREATE, Fault::Status(status, "no"));
        let error = source.mint(&order(), &permit()).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::None));
    }
    let fly = Fly::start().await;
    fly.fault(CREATE, Fault::Status(429, "slow down"));
    source(&fly, "app", "web")
        .mint(&order(), &permit())
        .await
        .expect("a limit passes");
    assert_eq!(fly.world().tokens.len(), 1);
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
async fn an_app_that_the_token_does_not_see_is_named_before_anything_is_minted() {
    let fly = Fly::start().await;
    for attribute in ["app", "organization"] {
        let error = source(&fly, attribute, "elsewhere").inspect().await.unwrap_err();
        assert_eq!((&error.kind, error.effect), (&CallErrorKind::NotFound, Effect::None));
        assert!(error.to_string().contains("\"elsewhere\" does not exist"), "{error}");
    }
}

#[tokio::test]
async fn an_empty_id_is_refused_without_a_call() {
    let fly = Fly::start().await;
    let error = source(&fly, "app", "web").revoke("", &permit()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (CallErrorKind::Invalid, Effect::None));
    assert!(fly.world().calls.is_empty());
}

#[tokio::test]
async fn a_revocation_whose_answer_is_lost_is_looked_up() {
    let fly = Fly::start().await;
    let source = source(&fly, "app", "web");
    let id = fly.world().token("x", "2999-01-01T00:00:00Z", None);
    fly.fault(DELETE, Fault::LostBefore);
    let error = source.revoke(&id, &permit()).await.unwrap_err();
    assert_eq!(error.effect, Effect::Possible);
    fly.fault(DELETE, Fault::LostAfter);
    source.revoke(&id, &permit()).await.expect("the token is dead");
    assert_eq!(fly.world().count(&[DELETE]), 2);
}

#[tokio::test]
async fn the_token_of_this_run_is_recognized() {
    let fly = Fly::start().await;
    let source = source(&fly, "app", "web");
    assert_eq!(source.authenticates_this_run(TOKEN_ID).await, Ok(true));
    assert_eq!(source.authenticates_this_run("another").await, Ok(false));
}

#[tokio::test]
async fn where_fly_does_not_tell_the_tokens_of_this_run_none_is_taken_for_it() {
    let fly = Fly::start().await;
    let source = source(&fly, "app", "web");
    let current = "/v1/tokens/current";
    for status in [400, 401, 403, 404, 405, 410, 501] {
        fly.fault(current, Fault::Refused(status, "no"));
        assert_eq!(source.authenticates_this_run(TOKEN_ID).await, Ok(false), "{status}");
    }
    for _ in 0..5 {
        fly.fault(current, Fault::Status(503, "away"));
    }
    let error = source.authenticates_this_run(TOKEN_ID).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unavailable, "it may tell at another time");
    assert_eq!(source.authenticates_this_run(TOKEN_ID).await, Ok(true));
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
    assert_eq!(source.authenticates_this_run(TOKEN_ID).await, Ok(true));
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
    assert_eq!(source.authenticates_this_run(TOKEN_ID).await, Ok(false));
    assert_eq!(fly.world().count(&["/v1/tokens"]), 0);
}

#[tokio::test]
async fn an_issuer_is_found_again_from_its_address_alone() {
    let fly = Fly::start().await;
    let id = fly.world().token("x", "2999-01-01T00:00:00Z", None);
    let address: Address = "fly_token:default:app/web".parse().unwrap();
    let issuer = (KIND.issuer)(&address, &fly.connections.own()).unwrap().unwrap();
    issuer.revoke(&id, &permit()).await.unwrap();
    assert_eq!(issuer.liveness(&id).await, Ok(Liveness::Dead));
    let foreign: Address = "fly_token:default:team/web".parse().unwrap();
    assert!((KIND.issuer)(&foreign, &fly.connections.own()).is_err());
}
