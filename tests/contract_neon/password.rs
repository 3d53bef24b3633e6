//! The source `neon_role_password`.

use jiff::Timestamp;
use rotation_provider::address::Address;
use rotation_provider::call::{CallErrorKind, Effect, WritePermit};
use rotation_provider::secret::{Parts, Secret};
use rotation_provider::source::neon_role_password::KIND;
use rotation_provider::source::{Credential, Liveness, Minted, Source};
use rotation_provider::terraform::Value;

use super::fake::{BRANCH, Fault, HOST, Neon, after, order, stamp};

const RESET: &str = "reset_password";

fn arguments(alternate: Value, database: Value, pooled: bool) -> Value {
    Value::object([
        ("project_id", Value::string("quiet-frost-1")),
        ("branch_id", Value::string("br-main-1")),
        ("role", Value::string("app")),
        ("alternate_role", alternate),
        ("database", database),
        ("pooled", Value::Bool(pooled)),
    ])
}

fn one(neon: &Neon) -> Box<dyn Source> {
    neon.source(&KIND, &arguments(Value::Null, Value::Null, false))
}

fn two(neon: &Neon) -> Box<dyn Source> {
    neon.source(&KIND, &arguments(Value::string("app/b"), Value::Null, true))
}

fn permit() -> WritePermit {
    WritePermit::granted_by_apply()
}

fn part<'a>(minted: &'a Minted, name: &str) -> &'a str {
    minted.parts.get(name).unwrap().expose()
}

fn credential(minted: &Minted) -> Credential {
    minted.credential.clone().unwrap()
}

fn updated_at(neon: &Neon, role: &str) -> Option<Timestamp> {
    stamp(neon.world().roles[role].updated_at).parse().ok()
}

#[tokio::test]
async fn a_minted_password_works_and_its_uri_leads_to_the_database() {
    let neon = Neon::start().await;
    let source = one(&neon);
    source.inspect().await.unwrap();
    let minted = source.mint(&order(1, None), &permit()).await.unwrap();
    assert_eq!(minted.parts.primary(), "password");
    assert_eq!(
        part(&minted, "password"),
        neon.world().roles["app"].password,
        "the operation has finished"
    );
    assert_eq!((part(&minted, "username"), part(&minted, "host")), ("app", HOST));
    let encoded = part(&minted, "password")
        .replace('/', "%2F")
        .replace(' ', "%20")
        .replace('@', "%40");
    let encoded = encoded.strip_suffix('%').unwrap();
    assert_eq!(
        part(&minted, "uri"),
        format!("postgresql://app:{encoded}%25@{HOST}/my%20db?sslmode=require&channel_binding=require")
    );
    let public: Vec<_> = minted.public.keys().map(String::as_str).collect();
    assert_eq!(public, ["host", "username"]);
    let credential = credential(&minted);
    assert_eq!((credential.id.as_str(), credential.name.as_deref()), ("app", None));
    assert_eq!(credential.minted_at, updated_at(&neon, "app"));
    assert_eq!(source.issuer().survey().await.unwrap(), [credential]);
    assert!(
        neon.world()
            .calls
            .iter()
            .any(|call| call.contains("database_name=my+db"))
    );
}

#[tokio::test]
async fn lists_that_are_null_are_empty() {
    let neon = Neon::start().await;
    neon.world().swift = true;
    neon.world().nulls = true;
    let minted = one(&neon).mint(&order(1, None), &permit()).await.unwrap();
    assert_eq!(part(&minted, "password"), neon.world().roles["app"].password);
    neon.world().roles.clear();
    assert_eq!(one(&neon.later_run()).issuer().survey().await.unwrap(), []);
}

#[tokio::test]
async fn a_reset_by_somebody_else_shows_in_the_survey() {
    let neon = Neon::start().await;
    let minted = one(&neon).mint(&order(1, None), &permit()).await.unwrap();
    neon.world().reset("app");
    let seen = one(&neon.later_run()).issuer().survey().await.unwrap();
    assert_eq!(seen[0].id, "app");
    assert!(seen[0].minted_at > credential(&minted).minted_at);
}

#[tokio::test]
async fn without_stored_passwords_a_lost_reset_is_repeated_and_nothing_is_revealed() {
    let neon = Neon::start().await;
    neon.world().stores_passwords = false;
    let source = neon.source(&KIND, &arguments(Value::Null, Value::string("my db"), true));
    let first = source.mint(&order(1, None), &permit()).await.unwrap();
    let pooled = HOST.replacen('.', "-pooler.", 1);
    assert_eq!(part(&first, "host"), pooled);
    assert!(part(&first, "uri").ends_with(&format!("@{pooled}/my%20db?sslmode=require")));
    let known = credential(&first);
    assert!(source.reveal(&known, &order(1, None)).await.unwrap().is_none());
    neon.world().reset("app");
    source.mint(&order(2, known.minted_at), &permit()).await.unwrap();
    assert_eq!(neon.world().count(RESET), 2);
}

#[tokio::test]
async fn a_live_password_is_revealed_until_the_role_is_reset() {
    let neon = Neon::start().await;
    let source = one(&neon);
    let minted = source.mint(&order(1, None), &permit()).await.unwrap();
    let known = credential(&minted);
    let revealed = source.reveal(&known, &order(1, None)).await.unwrap().unwrap();
    for name in KIND.parts {
        assert_eq!(part(&revealed, name), part(&minted, name), "{name}");
    }
    assert_eq!(credential(&revealed), known);
    neon.world().reset("app");
    assert!(source.reveal(&known, &order(1, None)).await.unwrap().is_none());
}

#[tokio::test]
async fn two_roles_take_turns_and_the_old_one_works_until_it_is_revoked() {
    let neon = Neon::start().await;
    let source = two(&neon);
    let first = source.mint(&order(1, None), &permit()).await.unwrap();
    let second = source.mint(&after(2, &first), &permit()).await.unwrap();
    assert_eq!((part(&first, "username"), part(&second, "username")), ("app", "app/b"));
    assert!(
        part(&second, "uri").starts_with("postgresql://app%2Fb:"),
        "the name is encoded"
    );
    assert!(part(&second, "host").contains("-pooler."));
    assert_eq!(
        neon.world().roles["app"].password,
        part(&first, "password"),
        "both work"
    );
    assert_eq!(
        neon.world().roles["app/b"].password,
        part(&second, "password"),
        "both work"
    );
    assert!(
        neon.world()
            .calls
            .contains(&format!("POST {BRANCH}/roles/app%2Fb/reset_password?"))
    );
    source.issuer().revoke("app", &permit()).await.unwrap();
    source
        .issuer()
        .revoke("app", &permit())
        .await
        .expect("revoking again is fine");
    assert_ne!(neon.world().roles["app"].password, part(&first, "password"));
    assert_eq!(
        neon.world().roles["app/b"].password,
        part(&second, "password"),
        "the new one is left alone"
    );
    assert_eq!(source.issuer().liveness("app").await, Ok(Liveness::CannotTell));
    let third = source.mint(&after(3, &second), &permit()).await.unwrap();
    assert_eq!(part(&third, "username"), "app");
}

#[tokio::test]
async fn a_role_in_use_is_not_reset_when_a_second_one_joins() {
    let neon = Neon::start().await;
    let first = one(&neon).mint(&order(2, None), &permit()).await.unwrap();
    let second = two(&neon).mint(&after(3, &first), &permit()).await.unwrap();
    assert_eq!(part(&second, "username"), "app/b");
    assert_eq!(neon.world().roles["app"].password, part(&first, "password"));
}

#[tokio::test]
async fn whole_seconds_suffice_to_tell_the_roles_apart() {
    let neon = Neon::start().await;
    neon.world().swift = true;
    // The generations run against the parity.
    let first = one(&neon).mint(&order(2, None), &permit()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let second = two(&neon).mint(&after(3, &first), &permit()).await.unwrap();
    two(&neon).issuer().revoke("app", &permit()).await.unwrap();
    let third = two(&neon).mint(&after(4, &second), &permit()).await.unwrap();
    assert_eq!((part(&second, "username"), part(&third, "username")), ("app/b", "app"));
}

fn found(name: &str, minted: &Minted) -> Parts {
    Parts::single(name, Secret::new(part(minted, name).to_owned()))
}

#[tokio::test]
async fn a_password_that_was_read_somewhere_is_that_of_the_role_which_has_it() {
    let neon = Neon::start().await;
    let first = two(&neon).mint(&order(1, None), &permit()).await.unwrap();
    let second = two(&neon).mint(&after(2, &first), &permit()).await.unwrap();
    for (name, minted) in [("password", &first), ("uri", &first), ("uri", &second)] {
        let restored = two(&neon)
            .restore(found(name, minted), &after(2, &first))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(credential(&restored).id, part(minted, "username"));
        assert_eq!(restored.public, minted.public);
        assert_eq!(part(&restored, "uri"), part(minted, "uri"));
    }
    neon.world().reset("app/b");
    let restored = two(&neon)
        .restore(found("uri", &second), &after(2, &first))
        .await
        .unwrap();
    assert!(restored.is_none(), "nobody has it any more");
}

#[tokio::test]
async fn where_no_password_is_stored_the_role_that_was_reset_since_is_taken_for_it() {
    let neon = Neon::start().await;
    let first = two(&neon).mint(&order(1, None), &permit()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let second = two(&neon).mint(&after(2, &first), &permit()).await.unwrap();
    neon.world().stores_passwords = false;
    let restored = two(&neon)
        .restore(found("password", &second), &after(2, &first))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(restored.credential, second.credential);
    assert_eq!(restored.public, second.public);
    assert_eq!(restored.parts.names().collect::<Vec<_>>(), ["password"]);
    // With one role there is no doubt, with two that were both reset there is.
    let only = one(&neon)
        .restore(found("password", &first), &order(2, None))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(credential(&only).id, "app");
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    neon.world().reset("app");
    let restored = two(&neon)
        .restore(found("password", &second), &after(2, &first))
        .await
        .unwrap();
    assert!(restored.is_none());
}

#[tokio::test]
async fn a_reset_that_does_not_arrive_at_the_compute_is_an_unknown_outcome() {
    for end in ["failed", "cancelled"] {
        let neon = Neon::start().await;
        neon.world().end = end;
        let error = one(&neon).mint(&order(1, None), &permit()).await.unwrap_err();
        assert_eq!(error.effect, Effect::Possible);
        for word in ["apply_config", end, "may not work yet"] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
    let neon = Neon::start().await;
    neon.world().end = "skipped";
    one(&neon)
        .mint(&order(1, None), &permit())
        .await
        .expect("nothing was to be done");
}

#[tokio::test]
async fn nothing_is_reset_while_anything_is_missing() {
    let neon = Neon::start().await;
    neon.world().databases = serde_json::json!([]);
    let error = one(&neon).mint(&order(1, None), &permit()).await.unwrap_err();
    assert!(error.message.contains("set database"), "{error}");
    neon.world().roles.get_mut("app/b").unwrap().method = "no_login";
    let error = two(&neon).inspect().await.unwrap_err();
    assert!(error.message.contains("no_login"), "{error}");
    neon.world().roles.remove("app/b");
    let error = two(&neon).mint(&order(1, None), &permit()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (CallErrorKind::NotFound, Effect::None));
    neon.fault("connection_uri", Fault::Status(404, "NO_ENDPOINT"));
    let named = neon.source(&KIND, &arguments(Value::Null, Value::string("my db"), false));
    let error = named.mint(&order(1, None), &permit()).await.unwrap_err();
    assert_eq!(error.effect, Effect::None);
    assert_eq!(neon.world().count(RESET), 0);
}

#[tokio::test]
async fn all_that_is_missing_is_reported_at_once() {
    let neon = Neon::start().await;
    let source = |role: &str, alternate: &str, database: Value, endpoint: &str| {
        let object = arguments(Value::string(alternate), database, false)
            .with("role", Value::string(role))
            .with("endpoint_id", Value::string(endpoint));
        neon.source(&KIND, &object)
    };
    neon.world().roles.get_mut("app/b").unwrap().method = "no_login";
    let wrong = source("gone", "app/b", Value::string("nowhere"), "ep-none-1");
    let error = wrong.inspect().await.unwrap_err();
    for wanted in [
        "no role \"gone\"",
        "role \"app/b\" is no_login",
        "no database \"nowhere\"",
        "no endpoint \"ep-none-1\"",
    ] {
        assert!(error.message.contains(wanted), "{wanted}: {error}");
    }
    assert_eq!((error.kind, error.effect), (CallErrorKind::NotFound, Effect::None));
    // A role that is not there owns nothing, which is no second mistake.
    let wrong = source("gone", "app", Value::Null, "ep-cool-1");
    let error = wrong.inspect().await.unwrap_err();
    assert!(
        error.message.contains("gone") && !error.message.contains("database"),
        "{error}"
    );
    assert_eq!(neon.world().count(RESET), 0);
    let right = Neon::start().await;
    let object = arguments(Value::string("app/b"), Value::string("my db"), false);
    let object = object.with("endpoint_id", Value::string("ep-cool-1"));
    right.source(&KIND, &object).inspect().await.unwrap();
}

#[tokio::test]
async fn no_call_that_may_tell_a_password_shows_one_when_it_is_put_off() {
    for (call, status) in [(RESET, 503), ("connection_uri", 423), ("connection_uri", 503)] {
        let neon = Neon::start().await;
        neon.fault(
            call,
            Fault::Says(status, "password npg_LEAKED1234567890abcdef not replicated"),
        );
        let error = one(&neon).mint(&order(1, None), &permit()).await.unwrap_err();
        assert_eq!(error.status, Some(status));
        assert!(!error.to_string().contains("LEAKED"), "{error}");
    }
}

#[tokio::test]
async fn a_locked_project_is_waited_for() {
    let neon = Neon::start().await;
    neon.fault(RESET, Fault::Status(423, "LOCKED"));
    neon.fault(RESET, Fault::Status(423, "LOCKED"));
    one(&neon).mint(&order(1, None), &permit()).await.unwrap();
    assert_eq!(neon.world().count(RESET), 3);
    assert_eq!(neon.world().operations.len(), 1);
}

#[tokio::test]
async fn an_address_in_state_suffices_to_revoke_and_a_missing_role_has_no_password() {
    let neon = Neon::start().await;
    let address: Address = "neon_role_password:default:quiet-frost-1/br-main-1".parse().unwrap();
    let issuer = (KIND.issuer)(&address, &neon.connections.own()).unwrap().unwrap();
    let before = neon.world().roles["app"].password.clone();
    issuer.revoke("app", &permit()).await.unwrap();
    assert_ne!(neon.world().roles["app"].password, before);
    issuer.revoke("gone", &permit()).await.expect("it has no password");
    assert_eq!(issuer.liveness("gone").await, Ok(Liveness::Dead));
    let error = issuer.revoke("", &permit()).await.unwrap_err();
    assert_eq!(error.effect, Effect::None);
    let elsewhere: Address = "neon_role_password:default:quiet-frost-1/br-gone-1".parse().unwrap();
    let issuer = (KIND.issuer)(&elsewhere, &neon.connections.own()).unwrap().unwrap();
    let error = issuer.revoke("app", &permit()).await.unwrap_err();
    assert_eq!(
        error.kind,
        CallErrorKind::NotFound,
        "a missing branch may be a missing permission"
    );
}
