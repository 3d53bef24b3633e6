//! Which sessions a password opened that has ended, and that those end, and no others.

use std::sync::{Arc, Mutex};

use rotation_provider::call::{CallErrorKind, Effect};
use rotation_provider::source::Sessions;

use crate::postgres::OpenClient;
use crate::postgres_proxy::{self, Fate};
use crate::world::{World, id, mint, part, permit};

fn sessions(outdated: u64, doubtful: u64) -> Sessions {
    Sessions { outdated, doubtful }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_session_of_the_old_password_is_told_from_the_first_of_the_new_one() {
    let mut world = World::new();
    let first = mint(&*world.one_role(), 1, &[]).await.unwrap();
    let old = part(&first, "password").to_owned();
    let server = Arc::clone(&world.server);
    // After the run has looked at the role, and before the server hears of the new password.
    let late: Arc<Mutex<Option<OpenClient>>> = Arc::default();
    let (client, at) = (Arc::clone(&late), Arc::clone(&server));
    let judge = move |statement: &str| {
        let mut client = client.lock().unwrap();
        if statement.contains("ALTER ROLE") && client.is_none() {
            *client = Some(at.holds_a_session("app", &old));
        }
        Fate::Pass
    };
    let port = postgres_proxy::before(world.server.port(), Arc::new(judge));
    world.set("PGPORT", &port.to_string());
    let source = world.one_role();
    let second = mint(&*source, 2, &[&id(&first)]).await.unwrap();
    let [outdated] = world.server.sessions("app").try_into().unwrap();
    let _early = world.server.holds_a_session("app", part(&second, "password"));
    let _other = world.server.holds_a_session("app_b", "second");
    let issuer = source.issuer();
    for handle in [id(&first), id(&second)] {
        assert_eq!(issuer.open_sessions(&handle).await, Ok(sessions(1, 0)), "{handle}");
    }
    assert_eq!(issuer.end_sessions(&id(&first), &permit()).await, Ok(1));
    let left = world.server.sessions("app");
    assert!(left.len() == 1 && left[0] != outdated, "{left:?}");
    assert_eq!(world.server.sessions("app_b").len(), 1);
    assert_eq!(issuer.end_sessions(&id(&first), &permit()).await, Ok(0), "again");
    assert_eq!(issuer.open_sessions(&id(&second)).await, Ok(sessions(0, 0)));
    drop(late.lock().unwrap().take());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sessions_end_of_a_role_without_a_password_or_with_one_of_somebody_else() {
    let world = World::new();
    let source = world.one_role();
    let minted = mint(&*source, 1, &[]).await.unwrap();
    let _ours = world.server.holds_a_session("app", part(&minted, "password"));
    assert_eq!(source.issuer().open_sessions(&id(&minted)).await, Ok(sessions(0, 0)));
    world.server.sql("ALTER ROLE app PASSWORD 'by hand'");
    let _theirs = world.server.holds_a_session("app", "by hand");
    let source = world.one_role();
    assert_eq!(source.issuer().open_sessions(&id(&minted)).await, Ok(sessions(0, 2)));
    assert_eq!(source.issuer().end_sessions(&id(&minted), &permit()).await, Ok(2));

    let minted = mint(&*source, 2, &[]).await.unwrap();
    let _ours = world.server.holds_a_session("app", part(&minted, "password"));
    source.issuer().revoke(&id(&minted), &permit()).await.unwrap();
    assert_eq!(source.issuer().open_sessions(&id(&minted)).await, Ok(sessions(1, 0)));
    assert_eq!(source.issuer().end_sessions(&id(&minted), &permit()).await, Ok(1));
    assert_eq!(world.server.sessions("app").len(), 0);
    assert_eq!(source.issuer().end_sessions("nobody", &permit()).await, Ok(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_run_may_not_see_or_end_is_refused_with_the_grant_that_it_needs() {
    let mut world = World::new();
    let first = mint(&*world.one_role(), 1, &[]).await.unwrap();
    let _client = world.server.holds_a_session("app", part(&first, "password"));
    let second = mint(&*world.one_role(), 2, &[]).await.unwrap();
    world
        .server
        .sql("CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'the-admins-own-password'");
    world.set("PGUSER", "admin");
    world.set("PGPASSWORD", "the-admins-own-password");
    for (grant, counted) in [
        ("SELECT 1", sessions(0, 1)),
        // It may end sessions, but not see which.
        ("GRANT pg_signal_backend TO admin", sessions(0, 1)),
        // It sees them, but may not end them.
        (
            "REVOKE pg_signal_backend FROM admin; GRANT pg_read_all_stats TO admin",
            sessions(1, 0),
        ),
    ] {
        world.server.sql(grant);
        let source = world.one_role();
        assert_eq!(
            source.issuer().open_sessions(&id(&second)).await,
            Ok(counted),
            "{grant}"
        );
        let error = source.issuer().end_sessions(&id(&first), &permit()).await.unwrap_err();
        assert_eq!(
            (&error.kind, error.effect),
            (&CallErrorKind::Forbidden, Effect::None),
            "{error}"
        );
        for words in [
            "GRANT pg_signal_backend, pg_read_all_stats TO \"admin\"",
            "a member of \"app\"",
        ] {
            assert!(error.message.contains(words), "{error}");
        }
        assert!(error.operation.contains("role \"app\""), "{error}");
        assert_eq!(world.server.sessions("app").len(), 1, "{grant}");
    }
    world
        .server
        .sql("REVOKE pg_read_all_stats FROM admin; GRANT app TO admin");
    let source = world.one_role();
    assert_eq!(source.issuer().end_sessions(&id(&first), &permit()).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_not_lost_when_only_its_instant_cannot_be_noted() {
    let mut world = World::new();
    let judge = |statement: &str| match statement.starts_with("COMMENT ON ROLE") {
        true => Fate::Error("40001".to_owned(), "not now".to_owned()),
        false => Fate::Pass,
    };
    let port = postgres_proxy::before(world.server.port(), Arc::new(judge));
    world.set("PGPORT", &port.to_string());
    let source = world.one_role();
    let minted = mint(&*source, 1, &[]).await.unwrap();
    assert!(world.server.accepts("app", part(&minted, "password")));
    let listed = source.issuer().survey().await.unwrap();
    assert!(listed.contains(minted.credential.as_ref().unwrap()), "{listed:?}");
}
