//! The source `neon_api_key`.

use jiff::Timestamp;
use rotation_provider::address::Address;
use rotation_provider::call::{CallErrorKind, Effect, WritePermit};
use rotation_provider::clock::Clock;
use rotation_provider::executor::{Retired, retire_anywhere};
use rotation_provider::rotation::{CredentialRecord, CredentialStatus};
use rotation_provider::source::Source;
use rotation_provider::source::neon_api_key::KIND;
use rotation_provider::terraform::Value;
use serde_json::json;

use super::fake::{Fault, KEY_ID, Neon, order};

fn personal(neon: &Neon) -> Box<dyn Source> {
    neon.source(&KIND, &Value::object([]))
}

fn of_project(neon: &Neon, organization: &str) -> Box<dyn Source> {
    let arguments = Value::object([
        ("organization_id", Value::string(organization)),
        ("project_id", Value::string("quiet-frost-1")),
    ]);
    neon.source(&KIND, &arguments)
}

fn permit() -> WritePermit {
    WritePermit::granted_by_apply()
}

#[tokio::test]
async fn a_project_key_is_an_organization_key_for_one_project() {
    let neon = Neon::start().await;
    let source = of_project(&neon, "org-1");
    source.mint(&order(1, None), &permit()).await.unwrap();
    let body = neon.world().bodies[0].clone();
    assert_eq!(body["project_id"], "quiet-frost-1");
    assert_eq!(neon.world().calls[0], "POST /organizations/org-1/api_keys?");
    let error = of_project(&neon, "org-2").inspect().await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::NotFound);
    assert!(error.message.contains("personal API key"), "{error}");
}

#[tokio::test]
async fn a_locked_project_and_an_absent_api_are_waited_for_whatever_the_method() {
    let neon = Neon::start().await;
    let source = personal(&neon);
    for status in [423, 503, 423] {
        neon.fault("POST /api_keys", Fault::Status(status, "LOCKED"));
        neon.fault("DELETE /api_keys", Fault::Status(status, "LOCKED"));
        neon.fault("GET /api_keys", Fault::Status(status, "LOCKED"));
    }
    let credential = source
        .mint(&order(1, None), &permit())
        .await
        .unwrap()
        .credential
        .unwrap();
    assert_eq!(neon.world().count("POST"), 4);
    assert!(source.issuer().survey().await.unwrap().contains(&credential));
    source.issuer().revoke(&credential.id, &permit()).await.unwrap();
    assert_eq!(neon.world().count("DELETE"), 4);
    assert_eq!(neon.world().keys.len(), 1, "one key was made, and revoked");
}

#[tokio::test]
async fn a_lock_that_lasts_is_reported_and_had_no_effect() {
    for (status, kind, said) in [
        (423, CallErrorKind::Conflict, "the fake refuses. "),
        (503, CallErrorKind::Unavailable, "words are not shown"),
    ] {
        let neon = Neon::start().await;
        neon.fault("POST", Fault::Later(status));
        let error = personal(&neon).mint(&order(1, None), &permit()).await.unwrap_err();
        assert_eq!(
            (error.kind.clone(), error.effect, error.status),
            (kind, Effect::None, Some(status))
        );
        assert!(
            error.message.contains(said) && error.message.contains("Nothing was changed"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_is_no_id_of_a_key_is_refused_without_a_call() {
    let neon = Neon::start().await;
    for wrong in ["abc", "1/../2"] {
        let error = personal(&neon).issuer().revoke(wrong, &permit()).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (CallErrorKind::Invalid, Effect::None));
    }
    assert!(neon.world().calls.is_empty());
}

#[tokio::test]
async fn a_revocation_that_was_accepted_and_not_done_is_a_failure_and_the_next_one_ends_the_key() {
    let neon = Neon::start().await;
    let id = neon.world().key("old").to_string();
    let record = CredentialRecord {
        generation: 3,
        credential_id: Some(id.clone()),
        issuer: Address::at(&super::gone::place(&neon.connections), KIND.name, "personal").to_string(),
        label: "old".to_owned(),
        status: CredentialStatus::Overlapping,
        minted_at: None,
        expires_at: None,
        revoke_after: None,
        public_key: None,
    };
    // Nobody waits: it stands still.
    let clock = Clock::standing_at(Timestamp::UNIX_EPOCH);
    neon.fault("DELETE", Fault::Ignored);
    let failure = retire_anywhere(&record, neon.connections.as_ref(), clock, &permit())
        .await
        .unwrap_err();
    assert_eq!(failure.message.summary, format!("Generation 3 ({id}) is still valid"));
    assert!(
        failure.message.detail.contains("accepted the revocation") && failure.message.detail.contains("tries again"),
        "{failure:?}"
    );
    let retired = retire_anywhere(&record, neon.connections.as_ref(), clock, &permit()).await;
    assert_eq!(retired, Ok(Retired::Dead));
    assert_eq!(neon.world().count("DELETE"), 2);
}

#[tokio::test]
async fn the_key_of_this_run_is_told_by_its_last_use() {
    let neon = Neon::start().await;
    let other = neon.world().key("other").to_string();
    let source = personal(&neon);
    assert_eq!(source.issuer().authenticates_this_run(KEY_ID).await, Ok(true));
    assert_eq!(source.issuer().authenticates_this_run(&other).await, Ok(false));
    assert_eq!(source.issuer().authenticates_this_run("77").await, Ok(false));
}

#[tokio::test]
async fn what_neon_tells_about_the_run_comes_first() {
    let neon = Neon::start().await;
    neon.world().auth = Some(json!({ "account_id": "u", "auth_method": "api_key_user", "auth_data": "1" }));
    assert_eq!(personal(&neon).issuer().authenticates_this_run(KEY_ID).await, Ok(true));
    assert_eq!(neon.world().count("api_keys"), 0);
    assert_eq!(
        of_project(&neon, "org-1").issuer().authenticates_this_run(KEY_ID).await,
        Ok(false)
    );
    neon.world().auth = Some(json!({ "account_id": "u", "auth_method": "api_key_user" }));
    assert_eq!(personal(&neon).issuer().authenticates_this_run(KEY_ID).await, Ok(true));
    assert_eq!(neon.world().count("GET /api_keys"), 3);
}

#[tokio::test]
async fn where_neon_does_not_tell_about_the_run_the_last_use_does() {
    for status in [400, 403, 405, 501] {
        let neon = Neon::start().await;
        neon.fault("GET /auth", Fault::Refused(status, "NO"));
        neon.fault("GET /auth", Fault::Refused(status, "NO"));
        assert_eq!(
            personal(&neon).issuer().authenticates_this_run(KEY_ID).await,
            Ok(true),
            "{status}"
        );
    }
    let neon = Neon::start().await;
    neon.world().auth = Some(json!({ "auth_method": "api_key_user", "auth_data": 1 }));
    assert_eq!(personal(&neon).issuer().authenticates_this_run(KEY_ID).await, Ok(true));
    for _ in 0..5 {
        neon.fault("GET /auth", Fault::Refused(502, "AWAY"));
    }
    let error = personal(&neon)
        .issuer()
        .authenticates_this_run(KEY_ID)
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unavailable, "it may tell at another time");
}

#[tokio::test]
async fn an_address_in_state_suffices_to_revoke() {
    let neon = Neon::start().await;
    let id = neon.world().key("old").to_string();
    let address: Address = "neon_api_key:default:organization/org-1".parse().unwrap();
    let issuer = (KIND.issuer)(&address, &neon.connections.own()).unwrap().unwrap();
    issuer.revoke(&id, &permit()).await.unwrap();
    assert_eq!(
        neon.world().calls,
        [format!("DELETE /organizations/org-1/api_keys/{id}?")]
    );
    let foreign: Address = "neon_api_key:default:organization/../x".parse().unwrap();
    assert!((KIND.issuer)(&foreign, &neon.connections.own()).is_err());
}
