//! Sessions that an ended password opened: an incident ends them, and nothing else does.

use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::incident::{codes, failing, with_incident};
use crate::postgres::{OpenClient, Postgres};
use crate::postgres_kill::{Blow, Plan, side_by_side};
use crate::postgres_password::{ONE_ROLE, TWO_ROLES, URI, because, point, published, server};
use crate::postgres_proxy::{self, Fate};
use crate::story::{Story, says};

const OVERLAP: &str = "overlap = \"1h\"";
const ENDS: &str = "pg_terminate_backend";

/// What an incident is about in these stories: everything.
fn all(revoke: &str) -> String {
    format!("all = true\n    revoke = {revoke:?}")
}

/// The lines of a secret with one role, or with two.
fn lines(source: &str) -> Vec<&str> {
    match source {
        TWO_ROLES => vec![source, URI, OVERLAP],
        _ => vec![source, URI],
    }
}

/// How a plan says that it ends sessions. With one role, the credential that opened them has ended by then.
fn ends(source: &str) -> &'static str {
    match source {
        TWO_ROLES => ", and end the sessions that it opened",
        _ => "end the sessions that generation 1 (app/",
    }
}

/// What happens at the first statement that contains a text.
enum Trap {
    /// It waits until it is let go.
    Stop(&'static str, Sender<()>, Receiver<()>),
    /// The run is killed.
    Kill(Plan),
}

type Trapped = Arc<Mutex<Option<Trap>>>;

fn judge(trapped: &Trapped, statement: &str) -> Fate {
    let mut trap = trapped.lock().unwrap();
    match trap.as_mut() {
        Some(Trap::Kill(plan)) => plan.judge(statement),
        Some(Trap::Stop(on, ..)) if statement.contains(*on) => {
            let Some(Trap::Stop(_, reached, open)) = trap.take() else {
                return Fate::Pass;
            };
            drop(trap);
            reached.send(()).unwrap();
            open.recv().unwrap();
            Fate::Pass
        }
        _ => Fate::Pass,
    }
}

/// A secret that was applied, and a session that its password opened.
struct Scene {
    story: Story,
    server: Postgres,
    trapped: Trapped,
    /// The process that serves the session.
    exposed: String,
    /// Keeps it open.
    _client: OpenClient,
}

impl Scene {
    fn of(source: &str) -> Self {
        let mut story = Story::new();
        let server = server(&mut story);
        let trapped = Trapped::default();
        let shared = Arc::clone(&trapped);
        let judge = move |statement: &str| judge(&shared, statement);
        point(&mut story, postgres_proxy::before(server.port(), Arc::new(judge)));
        story.configure(&lines(source));
        story.apply();
        let (role, password) = published(&story);
        let client = server.holds_a_session(&role, &password);
        let [exposed] = server.sessions(&role).try_into().unwrap();
        Self {
            story,
            server,
            trapped,
            exposed,
            _client: client,
        }
    }

    /// Whether the session is open that the first password opened.
    fn is_exposed_open(&self) -> bool {
        is_open(&self.server, &self.exposed)
    }

    /// Applies an incident that a run is stopped in, just before it ends sessions: `meanwhile` happens then.
    fn struck(&self, source: &str, revoke: &str, meanwhile: impl FnOnce()) {
        let ((tell, reached), (open, opened)) = (channel(), channel());
        *self.trapped.lock().unwrap() = Some(Trap::Stop(ENDS, tell, opened));
        with_incident(&self.story, &all(revoke), &lines(source));
        let mut apply = begin_apply(&self.story);
        reached.recv_timeout(Duration::from_secs(240)).unwrap();
        meanwhile();
        open.send(()).unwrap();
        assert!(apply.wait().unwrap().success());
    }
}

fn is_open(server: &Postgres, process: &str) -> bool {
    server.sql(&format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {process}")) == "1"
}

fn begin_apply(story: &Story) -> Child {
    let mut command = story
        .workspace
        .command(&["apply", "-no-color", "-input=false", "-auto-approve"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn an_incident_ends_what_the_exposed_password_opened_and_nothing_else() {
    side_by_side([ONE_ROLE, TWO_ROLES], |source| {
        let scene = Scene::of(source);
        let (story, server) = (&scene.story, &scene.server);
        with_incident(story, &all("checked"), &lines(source));
        let plan = story.plan();
        says(
            &plan,
            &[
                ends(source),
                "once every target holds generation 2",
                "Sessions that older credentials opened are ended: their connections drop",
            ],
        );
        assert!(!plan.contains("Open sessions go on"), "{plan}");
        let mut newer = None;
        scene.struck(source, "checked", || {
            assert!(scene.is_exposed_open(), "it ends after the delivery");
            let (role, password) = published(story);
            let client = server.holds_a_session(&role, &password);
            newer = Some((client, server.sessions(&role).pop().unwrap()));
        });
        assert!(!scene.is_exposed_open(), "{source}");
        let (_newer, process) = newer.unwrap();
        assert!(is_open(server, &process), "{source}: the new password opened it");
        story.settled();
        story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
        assert_eq!(codes(&story.attributes()), [""; 0], "{source}");
    });
}

#[test]
fn now_ends_sessions_before_any_target_has_the_new_password() {
    let scene = Scene::of(ONE_ROLE);
    let (story, server) = (&scene.story, &scene.server);
    with_incident(story, &all("now"), &lines(ONE_ROLE));
    says(
        &story.plan(),
        &[
            ends(ONE_ROLE),
            "before any target holds generation 2",
            "Sessions that older credentials opened are ended: their connections drop",
        ],
    );
    let before = published(story);
    scene.struck(ONE_ROLE, "now", || {
        assert_eq!(published(story), before, "nothing is delivered yet");
        assert!(!server.accepts(&before.0, &before.1));
    });
    assert!(!scene.is_exposed_open());
    story.settled();
}

#[test]
fn a_failing_check_keeps_sessions_open_unless_they_were_to_end_before_it() {
    side_by_side([("checked", false), ("delivered", true)], |(mode, ends)| {
        let scene = Scene::of(TWO_ROLES);
        let story = &scene.story;
        let check = failing(story);
        with_incident(story, &all(mode), &[&lines(TWO_ROLES)[..], &[&check]].concat());
        story.fails();
        assert_eq!(!scene.is_exposed_open(), ends, "{mode}");
        with_incident(story, &all(mode), &lines(TWO_ROLES));
        story.apply();
        assert!(!scene.is_exposed_open(), "{mode}");
    });
}

#[test]
fn an_ordinary_rotation_ends_no_session() {
    let scene = Scene::of(ONE_ROLE);
    let story = &scene.story;
    story.configure(&[&lines(ONE_ROLE)[..], &[&because("once")]].concat());
    let plan = story.plan();
    says(&plan, &["Open sessions go on"]);
    assert!(!plan.contains("end the sessions"), "{plan}");
    story.apply();
    assert!(scene.is_exposed_open());
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    let notices = story.attributes();
    let codes = codes(&notices);
    assert_eq!(codes, ["open_sessions"], "the sessions of a role are told once");
    says(
        &story.settled(),
        &["1 session is still open at PostgreSQL", "Restart their clients"],
    );
}

/// Has the run connect as a role that sets passwords, and may neither see nor end the sessions of others.
fn demote(scene: &mut Scene) {
    let server = &scene.server;
    server.sql("CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'of-the-keeper'");
    if server.sql("SELECT current_setting('server_version_num')::int >= 160000") == "t" {
        server.sql("GRANT app, app_b TO keeper WITH ADMIN TRUE, INHERIT FALSE");
    }
    scene.story.workspace.set("PGUSER", "keeper");
    scene.story.workspace.set("PGPASSWORD", "of-the-keeper");
}

#[test]
fn what_may_not_be_ended_fails_each_apply_until_it_may() {
    // Whose sessions they are is all that matters where all of a role end; with one role, it is when they began, too.
    let grants: [(&str, &[&str]); 2] = [
        (TWO_ROLES, &["pg_signal_backend"]),
        (ONE_ROLE, &["pg_signal_backend", "pg_read_all_stats"]),
    ];
    side_by_side(grants, |(source, grants)| {
        let mut scene = Scene::of(source);
        demote(&mut scene);
        let before = published(&scene.story);
        with_incident(&scene.story, &all("checked"), &lines(source));
        let refused = [
            "nding the sessions of role \"app\"",
            "GRANT pg_signal_backend, pg_read_all_stats TO \"keeper\"",
            "Ended, but with sessions that may still be open: generation 1 (app/",
        ];
        says(&scene.story.fails(), &refused);
        // Nothing but the sessions is left: consumers have the new password, and the old one is dead.
        let now = published(&scene.story);
        assert!(scene.server.accepts(&now.0, &now.1) && now != before, "{source}");
        assert!(!scene.server.accepts(&before.0, &before.1), "{source}");
        assert!(scene.is_exposed_open(), "{source}");
        let attributes = scene.story.attributes();
        assert_eq!(
            attributes["last_rotation"]["revoked"],
            json!([]),
            "{source}: nothing is recorded as done"
        );
        // Later, too, when the listing alone would prove the credential dead.
        for (offset, grant) in ["1h", "2h"].iter().zip(grants) {
            scene.story.clock(offset);
            says(&scene.story.plan(), &[ends(source)]);
            says(&scene.story.fails(), &refused);
            assert!(codes(&scene.story.attributes()).contains(&"exposed"), "{source}");
            scene.server.sql(&format!("GRANT {grant} TO keeper"));
        }
        says(
            &scene.story.plan(),
            &["still open at PostgreSQL", "The next apply ends them", ends(source)],
        );
        scene.story.apply();
        assert!(!scene.is_exposed_open(), "{source}");
        assert_eq!(codes(&scene.story.attributes()), [""; 0], "{source}");
    });
}

#[test]
fn what_a_killed_run_left_open_is_ended_by_the_next_apply() {
    let cases = [
        (ONE_ROLE, "ALTER ROLE", Blow::KillBothAfter),
        (ONE_ROLE, ENDS, Blow::KillBefore),
        (TWO_ROLES, "ALTER ROLE", Blow::KillAfter),
        (TWO_ROLES, ENDS, Blow::KillBothBefore),
    ];
    side_by_side(cases, |(source, on, blow)| {
        let case = format!("{blow:?} at {on:?} of {source}");
        let scene = Scene::of(source);
        let story = &scene.story;
        with_incident(story, &all("checked"), &lines(source));
        let mut trap = scene.trapped.lock().unwrap();
        let mut apply = begin_apply(story);
        *trap = Some(Trap::Kill(Plan::of(on, 1, blow, apply.id())));
        drop(trap);
        apply.wait().unwrap();
        let has_struck = matches!(&*scene.trapped.lock().unwrap(), Some(Trap::Kill(plan)) if plan.has_struck());
        assert!(has_struck, "{case}: did not happen");
        assert!(scene.is_exposed_open(), "{case}");
        drop(std::fs::remove_file(
            story.workspace.path().join(".terraform.tfstate.lock.info"),
        ));
        story.apply();
        assert!(!scene.is_exposed_open(), "{case}");
        let (role, password) = published(story);
        assert!(scene.server.accepts(&role, &password), "{case}");
    });
}
