//! Passwords of roles: set without the server seeing them, told apart by their salts, taken away.

use rotation_provider::call::{CallErrorKind, Effect};
use rotation_provider::label::Label;
use rotation_provider::secret::{Parts, Secret};
use rotation_provider::source::Liveness;

use crate::world::{World, id, mint, order, part, permit};

#[tokio::test(flavor = "multi_thread")]
async fn a_password_works_at_once_and_the_server_never_sees_it() {
    let world = World::new();
    world.server.sql("ALTER SYSTEM SET log_statement = 'all'");
    world
        .server
        .sql("SELECT pg_reload_conf(); COMMENT ON ROLE app IS 'owner: o''brien \\ \"x\"'");
    let source = world.one_role();
    source.inspect().await.unwrap();
    let minted = mint(&*source, 1, &[]).await.unwrap();
    let password = part(&minted, "password");
    assert!(world.server.accepts("app", password) && !world.server.accepts("app", "first"));
    assert_eq!(id(&minted), "app/DATABASE_URL-rot-0123456789ab-g1");
    let port = world.server.port();
    assert_eq!(
        part(&minted, "uri"),
        format!("postgresql://app:{password}@127.0.0.1:{port}/postgres")
    );
    let log = world.server.log();
    assert!(
        log.contains("ALTER ROLE \"app\" PASSWORD 'SCRAM-SHA-256$4096:"),
        "{log}"
    );
    assert!(!log.contains(password), "{log}");
    let comment = world
        .server
        .sql("SELECT shobj_description(oid, 'pg_authid') FROM pg_authid WHERE rolname = 'app'");
    assert!(
        comment.starts_with("owner: o'brien \\ \"x\" Managed by Terraform [DATABASE_URL-rot-0123456789ab-g1 "),
        "{comment}"
    );
    source.issuer().revoke(&id(&minted), &permit()).await.unwrap();
    assert!(!world.server.accepts("app", password));
    let comment = world
        .server
        .sql("SELECT shobj_description(oid, 'pg_authid') FROM pg_authid WHERE rolname = 'app'");
    assert_eq!(comment, "owner: o'brien \\ \"x\"", "what a person wrote stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_of_an_older_password_leaves_the_newer_one_alone() {
    let world = World::new();
    let source = world.one_role();
    let first = mint(&*source, 1, &[]).await.unwrap();
    let second = mint(&*source, 2, &[&id(&first)]).await.unwrap();
    assert_eq!(source.issuer().liveness(&id(&first)).await, Ok(Liveness::Dead));
    assert_eq!(source.issuer().liveness(&id(&second)).await, Ok(Liveness::Alive));
    for older in [&*id(&first), "app"] {
        source.issuer().revoke(older, &permit()).await.unwrap();
        assert!(world.server.accepts("app", part(&second, "password")), "{older}");
    }
    // A password from before belongs to nobody until it is taken over; then its id is the role's name.
    let listed = source.issuer().survey().await.unwrap();
    assert!(listed.iter().any(|known| known.id == "app_b" && known.name.is_none()));
    source.issuer().revoke("app_b", &permit()).await.unwrap();
    assert!(!world.server.accepts("app_b", "second"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_roles_overlap_and_the_one_in_use_is_left_alone() {
    let world = World::new();
    let source = world.two_roles();
    let first = mint(&*source, 1, &[]).await.unwrap();
    let second = mint(&*source, 2, &[&id(&first)]).await.unwrap();
    assert_eq!((part(&first, "username"), part(&second, "username")), ("app", "app_b"));
    assert!(world.server.accepts("app", part(&first, "password")));
    assert!(world.server.accepts("app_b", part(&second, "password")));
    // The third one would have the first role, were that not in place.
    let mut third = order(3, &[&id(&first), &id(&second)]);
    third.handles.in_place = Some(id(&first));
    let third = source.mint(&third, &permit()).await.unwrap();
    assert_eq!(part(&third, "username"), "app_b");
    assert!(world.server.accepts("app", part(&first, "password")));
    // Its number was skipped and the state names nothing: the marks tell which password is in place.
    let fifth = mint(&*source, 6, &[]).await.unwrap();
    assert_eq!(part(&fifth, "username"), "app");
    assert!(world.server.accepts("app_b", part(&third, "password")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_another_secret_is_never_taken_over() {
    let world = World::new();
    let source = world.two_roles();
    let theirs = mint(&*source, 1, &[]).await.unwrap();
    let mut ours = order(1, &[]);
    source.check_unclaimed(&ours.label).await.unwrap();
    ours.label = Label::new("DATABASE_URL", "ffffffffffffffff", 1);
    for error in [
        source.check_unclaimed(&ours.label).await.unwrap_err(),
        source.mint(&ours, &permit()).await.unwrap_err(),
    ] {
        assert_eq!((&error.kind, error.effect), (&CallErrorKind::Conflict, Effect::None));
        let said = error.to_string();
        assert!(
            said.contains("DATABASE_URL-rot-0123456789ab-g1") && said.contains("its own role"),
            "{said}"
        );
    }
    assert!(world.server.accepts("app", part(&theirs, "password")));
    world.server.sql("COMMENT ON ROLE app IS NULL");
    let source = world.two_roles();
    source.check_unclaimed(&ours.label).await.unwrap();
    source.mint(&ours, &permit()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_comment_neither_kills_nor_revokes_a_password() {
    let world = World::new();
    let source = world.one_role();
    let minted = mint(&*source, 1, &[]).await.unwrap();
    world.server.sql("COMMENT ON ROLE app IS 'owner: billing'");
    let liveness = source.issuer().liveness(&id(&minted)).await;
    assert_eq!(liveness, Ok(Liveness::CannotTell));
    let error = source.issuer().revoke(&id(&minted), &permit()).await.unwrap_err();
    assert!(error.message.contains("PASSWORD NULL"), "{error}");
    assert!(world.server.accepts("app", part(&minted, "password")));
    world.server.sql("ALTER ROLE app PASSWORD NULL");
    source.issuer().revoke(&id(&minted), &permit()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_somebody_else_set_is_not_taken_for_ours() {
    let world = World::new();
    let source = world.one_role();
    let minted = mint(&*source, 1, &[]).await.unwrap();
    world.server.sql("ALTER ROLE app PASSWORD 'by hand'");
    assert_eq!(
        world.one_role().issuer().liveness(&id(&minted)).await,
        Ok(Liveness::Dead)
    );
    source.issuer().revoke(&id(&minted), &permit()).await.unwrap();
    assert!(
        world.server.accepts("app", "by hand"),
        "a foreign password is never taken away"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_read_back_tells_its_role_by_hash_or_by_login() {
    let mut world = World::new();
    let minted = mint(&*world.two_roles(), 2, &[]).await.unwrap();
    world
        .server
        .sql("CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'the-admins-own-password'");
    let share = |name: &str| Parts::single(name, Secret::new(part(&minted, name).to_owned()));
    for may_read_hashes in [true, false] {
        if !may_read_hashes {
            world.set("PGUSER", "admin");
            world.set("PGPASSWORD", "the-admins-own-password");
        }
        let source = world.two_roles();
        for found in [share("password"), share("uri")] {
            let restored = source.restore(found, &order(2, &[])).await.unwrap().unwrap();
            assert_eq!(restored.credential, minted.credential);
            assert!(restored.parts.agree_with(&minted.parts));
        }
        let stranger = Parts::single("password", Secret::new("not-a-password-of-either".to_owned()));
        assert!(source.restore(stranger, &order(2, &[])).await.unwrap().is_none());
        let no_password = Parts::single("username", Secret::plain("app".to_owned()));
        assert!(source.restore(no_password, &order(2, &[])).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_rotated_is_refused_before_anything_is_made() {
    let mut world = World::new();
    world.server.sql(
        "CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'the-admins-own-password'; CREATE ROLE plain LOGIN PASSWORD 'the-plain-ones-own'; \
         CREATE ROLE boss LOGIN SUPERUSER; CREATE ROLE owner NOLOGIN; CREATE ROLE late LOGIN VALID UNTIL '2020-01-01'; \
         CREATE ROLE copier LOGIN REPLICATION",
    );
    let cases = [
        ("postgres", SUPER, "nobody", CallErrorKind::NotFound, "create it"),
        ("postgres", SUPER, "owner", CallErrorKind::Invalid, "NOLOGIN"),
        ("postgres", SUPER, "late", CallErrorKind::Invalid, "VALID UNTIL"),
        ("postgres", SUPER, "postgres", CallErrorKind::Invalid, "lock itself out"),
        (
            "admin",
            "the-admins-own-password",
            "boss",
            CallErrorKind::Forbidden,
            "as a superuser",
        ),
        (
            "admin",
            "the-admins-own-password",
            "copier",
            CallErrorKind::Forbidden,
            "as a superuser",
        ),
        (
            "plain",
            "the-plain-ones-own",
            "app",
            CallErrorKind::Forbidden,
            "CREATEROLE",
        ),
    ];
    let before = world
        .server
        .sql("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1");
    for (user, password, role, kind, words) in cases {
        world.set("PGUSER", user);
        world.set("PGPASSWORD", password);
        let source = world.source(&[("role", role)]);
        for error in [
            source.inspect().await.unwrap_err(),
            mint(&*source, 1, &[]).await.unwrap_err(),
        ] {
            assert_eq!((&error.kind, error.effect), (&kind, Effect::None), "{role}: {error}");
            assert!(error.message.contains(words), "{role}: {error}");
        }
    }
    assert_eq!(
        world
            .server
            .sql("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1"),
        before
    );
    // CREATEROLE suffices before PostgreSQL 16; from then on the ADMIN option is needed, too.
    world.server.sql("DO $$ BEGIN IF current_setting('server_version_num')::int >= 160000 THEN GRANT app TO admin WITH ADMIN OPTION; END IF; END $$");
    world.set("PGUSER", "admin");
    world.set("PGPASSWORD", "the-admins-own-password");
    let source = world.one_role();
    source.inspect().await.unwrap();
    let minted = mint(&*source, 1, &[]).await.unwrap();
    assert!(world.server.accepts("app", part(&minted, "password")));
    assert_eq!(
        source.issuer().liveness(&id(&minted)).await,
        Ok(Liveness::Alive),
        "by its comment"
    );
}

const SUPER: &str = crate::postgres::SUPERUSER;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_of_the_run_names_where_it_was_taken_from() {
    let mut world = World::new();
    world.set("PGPASSWORD", "zq7-Qz9wKx2LmYp3Ds");
    let error = world.one_role().inspect().await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unauthenticated);
    let said = error.to_string();
    assert!(said.contains("SQLSTATE 28P01") && said.contains("PGPASSWORD"), "{said}");
    assert!(!said.contains("zq7-Qz9wKx2LmYp3Ds"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_wrong_password_proves_that_the_old_one_is_refused() {
    let world = World::new();
    let first = mint(&*world.one_role(), 1, &[]).await.unwrap();
    world.check(&[], &first.parts).await.unwrap();
    let still = world
        .check(&[("credential", "previous")], &first.parts)
        .await
        .unwrap_err();
    assert!(still.message.contains("is still accepted"), "{}", still.message);
    let second = mint(&*world.one_role(), 2, &[]).await.unwrap();
    world.check(&[("credential", "previous")], &first.parts).await.unwrap();
    world.check(&[("expect", "refused")], &first.parts).await.unwrap();
    let refused = world.check(&[], &first.parts).await.unwrap_err();
    assert!(refused.message.contains("28P01"), "{}", refused.message);
    // A database that does not exist, a role that may not log in: neither says anything about the password.
    world.check(&[("database", "postgres")], &second.parts).await.unwrap();
    for (arguments, sql) in [
        (&[("database", "nowhere")][..], "SELECT 1"),
        (&[], "ALTER ROLE app NOLOGIN"),
    ] {
        world.server.sql(sql);
        let refused = [arguments, &[("credential", "previous")]].concat();
        let unproved = world.check(&refused, &second.parts).await.unwrap_err();
        assert!(unproved.message.contains("does not prove"), "{}", unproved.message);
    }
    let unprotected = world
        .check(&[("host", "db.example.com")], &second.parts)
        .await
        .unwrap_err();
    assert!(
        unprotected.message.contains("does not insist on encryption"),
        "{}",
        unprotected.message
    );
    let nobody = world
        .check(&[("port", "1"), ("credential", "previous")], &second.parts)
        .await
        .unwrap_err();
    assert!(nobody.message.contains("does not prove"), "{}", nobody.message);
}
