//! Passwords of PostgreSQL roles, from create to destroy, at a real server, which is also the judge of what works.

use serde_json::{Value, json};

use crate::day_two::block_of;
use crate::incident::failing;
use crate::postgres::{Postgres, SUPERUSER, Template};
use crate::story::{A_DAY, NAME, PARAMETER, REPOSITORY, Story, resource, says, unframed};
use crate::truth::{github_secret, parameter};

pub(crate) const ONE_ROLE: &str = r#"source = { postgres_password = { role = "app" } }"#;
pub(crate) const TWO_ROLES: &str = r#"source = { postgres_password = { role = "app", alternate_role = "app_b" } }"#;
pub(crate) const URI: &str =
    r#"targets = { runtime = { part = "uri", ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
const LOGINS: &str = r#"checks = {
    works = { postgres_login = {} }
    ended = { phase = "revoked", postgres_login = { uri = "{{ uri }}", credential = "previous" } }
  }"#;

/// A reason to rotate.
pub(crate) fn because(reason: &str) -> String {
    format!("rotation_reason = {reason:?}")
}

/// A server with two roles, as the environment of the run names it.
pub(crate) fn server(story: &mut Story) -> Postgres {
    let server = Template::make(true).start(None);
    server.sql("CREATE ROLE app LOGIN PASSWORD 'first'; CREATE ROLE app_b LOGIN PASSWORD 'second'");
    point(story, server.port());
    server
}

/// Lets a story use the server on that port.
pub(crate) fn point(story: &mut Story, port: u16) {
    let port = port.to_string();
    for (name, value) in [
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", &port),
        ("PGUSER", "postgres"),
        ("PGPASSWORD", SUPERUSER),
    ] {
        story.workspace.set(name, value);
    }
}

/// Role and password in the parameter.
#[track_caller]
pub(crate) fn published(story: &Story) -> (String, String) {
    let uri = parameter(story, PARAMETER).unwrap();
    let (user_info, _) = uri.strip_prefix("postgresql://").unwrap().split_once('@').unwrap();
    let (role, password) = user_info.split_once(':').unwrap();
    (role.to_owned(), password.to_owned())
}

/// What the parameter holds logs in as that role.
#[track_caller]
fn connects_as(story: &Story, server: &Postgres, role: &str) -> String {
    let (published, password) = published(story);
    assert_eq!(published, role);
    assert!(server.accepts(role, &password), "{role} does not log in");
    password
}

/// Role and status of every credential in state, the oldest first.
fn credentials(story: &Story) -> Vec<(String, String)> {
    let attributes = story.attributes();
    let all = attributes["credentials"].as_object().unwrap().values();
    let told = all.map(|one| {
        let id = one["credential_id"].as_str().unwrap();
        (
            id.split('/').next().unwrap().to_owned(),
            one["status"].as_str().unwrap().to_owned(),
        )
    });
    told.collect()
}

fn pair(role: &str, status: &str) -> (String, String) {
    (role.to_owned(), status.to_owned())
}

#[test]
fn two_roles_take_turns_and_the_older_one_works_until_its_overlap_ends() {
    let mut story = Story::new();
    let server = server(&mut story);
    let lines = [TWO_ROLES, URI, A_DAY, LOGINS];
    story.configure(&lines);
    story.apply();
    let first = connects_as(&story, &server, "app");
    assert!(!server.accepts("app", "first"), "the password from before has ended");
    story.configure(&[&lines[..], &[&because("once")]].concat());
    story.apply();
    connects_as(&story, &server, "app_b");
    assert!(server.accepts("app", &first), "the older one still works");
    assert_eq!(
        credentials(&story),
        [pair("app", "overlapping"), pair("app_b", "current")]
    );
    story.clock("25h");
    says(
        &story.plan(),
        &["revoke generation 1 (app/FLY_API_TOKEN-rot-", "its overlap ended "],
    );
    story.apply();
    connects_as(&story, &server, "app_b");
    assert!(!server.accepts("app", &first));
    assert_eq!(credentials(&story), [pair("app", "disabled"), pair("app_b", "current")]);
    story.configure(&[&lines[..], &[&because("twice")]].concat());
    story.apply();
    let third = connects_as(&story, &server, "app");
    let state = story.workspace.state().to_string();
    assert!(!state.contains(&third) && !server.log().contains(&third));
    story.destroy();
    assert!(!server.accepts("app", &third), "a destroy ends what the secret made");
    assert_eq!(
        server.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'app%'"),
        "2",
        "the roles stay"
    );
    assert_eq!(parameter(&story, PARAMETER), None);
}

#[test]
fn a_role_whose_overlap_has_ended_makes_room_without_a_warning() {
    let mut story = Story::new();
    let server = server(&mut story);
    let lines = [TWO_ROLES, URI, A_DAY, "rotation {\n    every = \"30d\"\n  }"];
    story.configure(&lines);
    story.apply();
    story.configure(&[&lines[..], &[&because("once")]].concat());
    story.apply();
    story.clock("31d");
    let plan = story.plan();
    says(&plan, &["revoke generation 1 (app/", "mint generation 3"]);
    assert!(!plan.contains("is revoked before its overlap ends"), "{plan}");
    story.apply();
    connects_as(&story, &server, "app");
}

/// `docs/guides/postgresql.md`: its roles are made and its configuration applied as they stand.
#[test]
fn the_guide_is_applied_as_it_stands() {
    let mut story = Story::new();
    let server = server(&mut story);
    let guide = include_str!("../../docs/guides/postgresql.md");
    let roles = guide.split("```sql\n").nth(1).unwrap().split("```").next().unwrap();
    server.sql("DROP ROLE app");
    server.sql(roles);
    server.sql("CREATE DATABASE app");
    let begun = block_of("postgresql.md", "postgres");
    story.write_all(&begun);
    story.apply();
    let uri = || parameter(&story, "/example/production/DATABASE_URL").unwrap();
    let first = uri();
    assert!(
        first.starts_with("postgresql://app_blue:") && first.ends_with("/app"),
        "{first}"
    );
    story.write_all(&begun.replace("  overlap =", "  rotation_reason = \"once\"\n  overlap ="));
    story.apply();
    assert!(uri().starts_with("postgresql://app_green:"));
}

#[test]
fn one_role_has_a_gap_that_the_plan_announces() {
    let mut story = Story::new();
    let server = server(&mut story);
    story.configure(&[ONE_ROLE, URI, LOGINS]);
    says(&story.plan(), &["the present password of the role \"app\""]);
    story.apply();
    let first = connects_as(&story, &server, "app");
    story.configure(&[ONE_ROLE, URI, LOGINS, &because("once")]);
    says(&story.plan(), &["this rotation causes downtime"]);
    story.apply();
    connects_as(&story, &server, "app");
    assert!(!server.accepts("app", &first));
    assert_eq!(credentials(&story), [pair("app", "disabled"), pair("app", "current")]);
}

/// What no plan and no error says of a password that has ended.
#[track_caller]
fn claims_nothing_of_the_old_password(said: &str) {
    let said = unframed(said);
    for claim in [
        "revoke generation 1",
        "valid for 24h",
        "valid until",
        "leave generation 1",
        "this apply revokes",
        "generation 1 is revoked",
        "Set `overlap`",
        "Still valid",
        "may still be valid",
        "is not revoked",
    ] {
        assert!(!said.contains(claim), "{claim} is in\n{said}");
    }
}

#[test]
fn nothing_says_that_a_password_lives_which_the_next_one_ended() {
    let parked = r#"escrow { ssm_parameter { path = "/rotation/escrow/" } }"#;
    for (at, more) in ["", "overlap = \"24h\"", "revoke { mode = \"manual\" }"]
        .iter()
        .enumerate()
    {
        let mut story = Story::new();
        let server = server(&mut story);
        let write = |lines: &[&str]| {
            let secret = resource("it", NAME, lines);
            let escrow = parked.replace(" { ", " {\n").replace(" }", "\n}");
            let escrow = if at == 1 { escrow.as_str() } else { "" };
            story.write_all(&format!(
                "provider \"rotation\" {{\n  namespace = \"production\"\n  {escrow}\n}}\n{secret}"
            ));
        };
        let once = because("once");
        write(&[ONE_ROLE, URI, more, LOGINS]);
        story.apply();
        let check = failing(&story);
        write(&[ONE_ROLE, URI, more, &once, &check]);
        let plan = story.plan();
        says(
            &plan,
            &["its predecessor stops working at once", "this rotation causes downtime"],
        );
        claims_nothing_of_the_old_password(&plan);
        let said = story.fails();
        says(&said, &["Generation 2 (app/"]);
        claims_nothing_of_the_old_password(&said);
        let plan = story.plan();
        says(&plan, &["check up of generation 2"]);
        claims_nothing_of_the_old_password(&plan);
        if at == 1 {
            // Its value is in escrow, and worth nothing.
            write(&[ONE_ROLE, URI, more, &once, "restore = 1"]);
            says(&story.refused("plan"), &["cannot be restored", "It has ended"]);
        }
        write(&[ONE_ROLE, URI, more, &once, LOGINS]);
        let plan = story.plan();
        claims_nothing_of_the_old_password(&plan);
        claims_nothing_of_the_old_password(&story.run(&["apply", "-auto-approve"]).success());
        connects_as(&story, &server, "app");
        claims_nothing_of_the_old_password(&story.settled());
        claims_nothing_of_the_old_password(&story.run(&["plan", "-destroy"]).success());
    }
}

/// A password that can be read back, and a whole value that cannot, with a check that logs in as before.
const PASSWORD_FIRST: &str = r#"targets = {
    password = { part = "password", ssm_parameter = { name = "/molecule/production/PASSWORD" } }
    whole    = { wave = 2, part = "uri", github_actions_secret = { repository = "molecule-monorepo" } }
  }
  checks = { ended = { phase = "revoked", postgres_login = { uri = "{{ uri }}", credential = "previous" } } }"#;

/// The password that both targets hold, which logs in.
#[track_caller]
fn same_password_everywhere(story: &Story, server: &Postgres) -> String {
    let password = parameter(story, "/molecule/production/PASSWORD").unwrap();
    let whole = github_secret(story, REPOSITORY, NAME).unwrap();
    let (role, _) = whole.strip_prefix("postgresql://").unwrap().split_once(':').unwrap();
    assert!(whole.contains(&format!(":{password}@127.0.0.1:")), "{whole}");
    assert!(server.accepts(role, &password));
    password
}

#[test]
fn a_password_that_can_be_read_gives_the_whole_value_back() {
    for source in [ONE_ROLE, TWO_ROLES] {
        let mut story = Story::new();
        let server = server(&mut story);
        let lines = [source, PASSWORD_FIRST, "overlap = \"0s\""];
        story.configure(&lines);
        assert!(!story.plan().contains("not_resumable"));
        story.apply();
        let once = because("once");
        story.configure(&[&lines[..], &[&once]].concat());
        let plan = story.plan();
        says(&plan, &["check ended"]);
        assert!(!plan.contains("not_resumable"), "{plan}");
        story.apply();
        let checks = story.attributes()["last_rotation"]["checks"].clone();
        assert_eq!(checks[0]["result"], "passed", "{checks}");
        let second = same_password_everywhere(&story, &server);

        // A run that is cut off between the waves goes on with the same password.
        let twice = because("twice");
        story.configure(&[&lines[..], &[&twice]].concat());
        story.sandbox.fault("PUT /repos", 1, "forbidden");
        story.fails();
        let third = parameter(&story, "/molecule/production/PASSWORD").unwrap();
        assert_ne!(third, second);
        let plan = story.plan();
        says(&plan, &["read the value of generation 3 from password"]);
        assert!(!plan.contains("mint generation 4"), "{plan}");
        story.apply();
        assert_eq!(same_password_everywhere(&story, &server), third);
        assert_eq!(story.attributes()["generation"], 3);
    }
}

#[test]
fn a_password_that_no_role_has_is_not_put_into_a_whole_value() {
    let mut story = Story::new();
    let server = server(&mut story);
    let lines = [ONE_ROLE, PASSWORD_FIRST, "overlap = \"0s\""];
    story.configure(&lines);
    story.apply();
    let once = because("once");
    story.configure(&[&lines[..], &[&once]].concat());
    story.sandbox.fault("PUT /repos", 1, "forbidden");
    story.fails();
    let before = github_secret(&story, REPOSITORY, NAME);
    server.sql("ALTER ROLE app PASSWORD 'by hand'");
    let said = story.run(&["apply", "-auto-approve", "-refresh=false"]);
    says(&said.output, &["Cannot recover the value of generation 2"]);
    assert_eq!(github_secret(&story, REPOSITORY, NAME), before);
    story.apply();
    same_password_everywhere(&story, &server);
}

#[test]
fn another_role_leaves_the_password_of_the_former_one_to_be_revoked() {
    let mut story = Story::new();
    let server = server(&mut story);
    story.configure(&[ONE_ROLE, URI, "overlap = \"1h\""]);
    story.apply();
    let first = connects_as(&story, &server, "app");
    let other = ONE_ROLE.replace("app", "app_b");
    story.configure(&[&other, URI, "overlap = \"1h\""]);
    says(
        &story.plan(),
        &[
            "the present password of the role \\\"app_b\\\" stops working at once",
            "keep generation 1 (app/",
        ],
    );
    story.apply();
    connects_as(&story, &server, "app_b");
    assert!(server.accepts("app", &first));
    story.clock("2h");
    says(&story.plan(), &["revoke generation 1 (app/"]);
    story.apply();
    assert!(!server.accepts("app", &first));
}

#[test]
fn a_password_that_somebody_else_set_is_lost_and_replaced() {
    let mut story = Story::new();
    let server = server(&mut story);
    story.configure(&[ONE_ROLE, URI]);
    story.apply();
    // A list may lag behind a mint: only later does what it lacks count as gone.
    story.clock("1h");
    server.sql("ALTER ROLE app PASSWORD 'by hand'");
    says(
        &story.plan(),
        &["the credential of generation 1 no longer exists at its issuer"],
    );
    story.apply();
    connects_as(&story, &server, "app");
    assert!(!server.accepts("app", "by hand"));
}

#[test]
fn what_cannot_be_rotated_is_refused_and_nothing_is_changed() {
    let mut story = Story::new();
    let server = server(&mut story);
    server.sql("ALTER ROLE app_b NOLOGIN");
    let before = server.sql("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1");
    for (source, words) in [
        (TWO_ROLES, "It has NOLOGIN"),
        (
            r#"source = { postgres_password = { role = "nobody" } }"#,
            "There is no such role",
        ),
        (
            r#"source = { postgres_password = { role = "postgres" } }"#,
            "would lock itself out",
        ),
    ] {
        story.configure(&[source, URI, A_DAY]);
        says(&story.fails(), &[words, "Nothing was"]);
        assert_eq!(
            server.sql("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1"),
            before
        );
        assert_eq!(parameter(&story, PARAMETER), None);
    }
    // What needs no server is refused in the plan.
    let long = "a".repeat(64);
    story.configure(&[
        &format!(r#"source = {{ postgres_password = {{ role = {long:?} }} }}"#),
        URI,
    ]);
    let said = story.refused("validate");
    assert!(
        said.contains("It has 64 bytes; names in PostgreSQL have at most 63."),
        "{said}"
    );
    story.workspace.set("PGSSLMODE", "prefer");
    story.workspace.set("PGHOST", "db.example.com");
    story.configure(&[ONE_ROLE, URI]);
    let said = story.refused("plan");
    assert!(
        said.contains("PGSSLMODE cannot be used") && said.contains("verify-full"),
        "{said}"
    );
}

#[test]
fn a_named_connection_takes_nothing_from_the_environment() {
    let mut story = Story::new();
    let server = server(&mut story);
    let port = server.port();
    point(&mut story, 1);
    let block = |arguments: &str| format!("  connection \"here\" {{\n    postgres {{\n{arguments}\n    }}\n  }}\n");
    let all = format!(
        "host = \"127.0.0.1\"\nport = {port}\nuser = \"postgres\"\npassword = {SUPERUSER:?}\ndatabase = \"postgres\"\nsslmode = \"disable\""
    );
    let source = r#"source = { connection = "here", postgres_password = { role = "app", database = "app", host = "pooler.internal", port = 6432 } }"#;
    let write = |arguments: &str| {
        let provider = format!(
            "provider \"rotation\" {{\n  namespace = \"production\"\n{}}}\n",
            block(arguments)
        );
        story.write_all(&(provider + &resource("it", NAME, &[source, URI])));
    };
    write("host = \"127.0.0.1\"\nuser = \"postgres\"");
    let said = story.refused("plan");
    assert!(said.contains("The connection \"here\" has no password"), "{said}");
    write(&all);
    story.apply();
    let uri = parameter(&story, PARAMETER).unwrap();
    assert!(uri.ends_with("@pooler.internal:6432/app"), "{uri}");
    let (role, password) = published(&story);
    assert!(server.accepts(&role, &password));
    assert_eq!(
        story.attributes()["credentials"]["1"]["issuer"],
        format!("postgres_password:here://127.0.0.1:{port}/roles")
    );
}

#[test]
fn sessions_that_the_old_password_opened_are_told() {
    let mut story = Story::new();
    let server = server(&mut story);
    story.configure(&[TWO_ROLES, URI, "overlap = \"1h\""]);
    story.apply();
    let (role, password) = published(&story);
    let open = server.holds_a_session(&role, &password);
    story.configure(&[TWO_ROLES, URI, "overlap = \"1h\"", &because("once")]);
    story.apply();
    story.clock("2h");
    story.run(&["apply", "-auto-approve"]).success();
    assert!(!server.accepts(&role, &password));
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    let codes = |story: &Story| -> Vec<Value> {
        let notices = story.attributes()["notices"].as_array().unwrap().clone();
        notices.iter().map(|notice| notice["code"].clone()).collect()
    };
    assert_eq!(codes(&story), [json!("open_sessions")]);
    says(&story.settled(), &["1 session is still open at PostgreSQL"]);
    drop(open);
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    assert_eq!(codes(&story), [Value::Null; 0]);
}

#[test]
fn two_secrets_of_one_name_leave_each_others_roles_alone() {
    const OTHER: &str =
        r#"targets = { runtime = { part = "uri", ssm_parameter = { name = "/molecule/production/OTHER" } } }"#;
    let mut story = Story::new();
    let server = server(&mut story);
    let app_b = r#"source = { postgres_password = { role = "app_b" } }"#;
    let both = |other: &str, reason: &str| {
        let own = resource("it", NAME, &[ONE_ROLE, URI, &because(reason)]);
        let other = resource("other", NAME, &[other, OTHER]);
        format!("provider \"rotation\" {{\n  namespace = \"production\"\n}}\n{own}{other}")
    };
    story.write_all(&both(app_b, "once"));
    story.apply();
    let notices = |label: &str| story.attributes_of(label)["notices"].clone();
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    assert_eq!((notices("it"), notices("other")), (json!([]), json!([])));
    let (role, password) = published(&story);
    // A second secret asks for the role of the first.
    let third = resource("third", "THIRD", &[ONE_ROLE, &OTHER.replace("OTHER", "THIRD")]);
    story.write_all(&format!("{}{third}", both(app_b, "once")));
    says(
        &story.fails(),
        &[
            "Its password is managed by another secret",
            "Give each secret its own role.",
        ],
    );
    assert!(server.accepts(&role, &password), "the consumers of the first go on");
    story.write_all(&both(app_b, "once"));
    story.settled();
}

#[test]
fn a_comment_that_was_replaced_ends_no_password() {
    let mut story = Story::new();
    let server = server(&mut story);
    story.configure(&[ONE_ROLE, URI]);
    story.apply();
    let (role, password) = published(&story);
    server.sql("COMMENT ON ROLE app IS 'owner: billing'");
    story.clock("1h");
    story.settled();
    assert!(server.accepts(&role, &password));
    assert_eq!(story.attributes()["generation"], 1);
}
