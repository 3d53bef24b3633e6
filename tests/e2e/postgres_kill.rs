//! A run that is cut off at each statement that sets a password, and at those that read: the next two applies bring everything right.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::postgres::{Postgres, Template};
use crate::postgres_password::{ONE_ROLE, TWO_ROLES, URI, because, point, published};
use crate::postgres_proxy::{self, Fate};
use crate::story::Story;

/// How a statement goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    CutAfter,
    /// The provider is killed, and Terraform saves what it knows of.
    KillBefore,
    KillAfter,
    /// Terraform is killed with the provider, and saves nothing.
    KillBothAfter,
}

/// What is to go wrong: at the nth statement that contains a text.
#[derive(Default)]
struct Plan {
    on: &'static str,
    nth: usize,
    blow: Option<Blow>,
    /// The process of Terraform.
    terraform: u32,
    struck: bool,
}

impl Plan {
    fn judge(&mut self, statement: &str) -> Fate {
        let Some(blow) = self.blow.filter(|_| statement.contains(self.on)) else {
            return Fate::Pass;
        };
        self.nth -= 1;
        if self.nth > 0 {
            return Fate::Pass;
        }
        (self.blow, self.struck) = (None, true);
        match blow {
            Blow::CutAfter => return Fate::CutAfter,
            Blow::KillBefore | Blow::KillAfter => kill(&children(self.terraform)),
            Blow::KillBothAfter => {
                // Terraform first: when its provider dies, it writes its state, and half a file would be none.
                let providers = children(self.terraform);
                kill(&[self.terraform.to_string()]);
                kill(&providers);
            }
        }
        if blow == Blow::KillBefore {
            Fate::CutBefore
        } else {
            Fate::CutAfter
        }
    }
}

fn children(process: u32) -> Vec<String> {
    let found = Command::new("pgrep")
        .args(["-P", &process.to_string()])
        .output()
        .unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    found.lines().map(str::to_owned).collect()
}

/// Those that have ended by themselves are none.
fn kill(processes: &[String]) {
    let mut command = Command::new("kill");
    command.arg("-KILL").args(processes).stderr(Stdio::null());
    drop(command.status());
}

/// Plays one case; `overlap` is that of the two roles.
#[track_caller]
fn play(template: &Template, source: &str, overlap: &str, creates: bool, on: &'static str, nth: usize, blow: Blow) {
    let case = format!(
        "{blow:?} at statement {nth} with {on:?} of a {}",
        if creates { "create" } else { "rotation" }
    );
    let mut story = Story::new();
    let server = template.start(None);
    server.sql("CREATE ROLE app LOGIN PASSWORD 'first'; CREATE ROLE app_b LOGIN PASSWORD 'second'");
    let plan = Arc::new(Mutex::new(Plan::default()));
    let shared = Arc::clone(&plan);
    let judge = move |statement: &str| shared.lock().unwrap().judge(statement);
    point(&mut story, postgres_proxy::before(server.port(), Arc::new(judge)));
    story.configure(&[source, URI, overlap]);
    let mut before = None;
    if !creates {
        story.apply();
        before = Some(published(&story));
        story.configure(&[source, URI, overlap, &because("once")]);
    }
    let mut arguments = story
        .workspace
        .command(&["apply", "-no-color", "-input=false", "-auto-approve"]);
    {
        let mut plan = plan.lock().unwrap();
        let mut child = arguments.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        *plan = Plan {
            on,
            nth,
            blow: Some(blow),
            terraform: child.id(),
            struck: false,
        };
        drop(plan);
        child.wait().unwrap();
    }
    assert!(plan.lock().unwrap().struck, "{case}: did not happen");
    // A consumer that has not been given another password logs in with the old one, where two roles overlap.
    if let Some((role, password)) = before.as_ref().filter(|_| source == TWO_ROLES) {
        assert!(server.accepts(role, password), "{case}: the old one has ended");
    }
    let lock = story.workspace.path().join(".terraform.tfstate.lock.info");
    drop(std::fs::remove_file(lock));
    for _ in 0..2 {
        if story.run(&["plan", "-detailed-exitcode"]).status != 0 {
            story.run(&["apply", "-auto-approve"]);
        }
    }
    let left = story.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(left.status, 0, "{case}: a plan should be empty:\n{}", left.output);
    let (role, password) = published(&story);
    assert!(
        server.accepts(&role, &password),
        "{case}: the parameter holds no password of {role}"
    );
    ends(&mut story, &server, source, &role, &case);
}

/// After the overlap, the password in place is the only one of ours that works.
fn ends(story: &mut Story, server: &Postgres, source: &str, role: &str, case: &str) {
    if source != TWO_ROLES {
        return;
    }
    story.clock("3h");
    if story.run(&["plan", "-detailed-exitcode"]).status != 0 {
        story.apply();
    }
    let (published, password) = published(story);
    assert_eq!(published, role, "{case}");
    assert!(server.accepts(role, &password), "{case}: after the overlap");
    let marked = server.sql(
        "SELECT rolname FROM pg_authid WHERE shobj_description(oid, 'pg_authid') LIKE '%Managed by Terraform%' AND rolpassword IS NOT NULL",
    );
    assert_eq!(marked, role, "{case}: others of ours still work");
}

const SETS: &str = "ALTER ROLE";
const READS: &str = "FROM pg_catalog.pg_roles";
const ALL: [Blow; 4] = [Blow::CutAfter, Blow::KillBefore, Blow::KillAfter, Blow::KillBothAfter];

#[test]
fn one_role_is_brought_right_after_a_cut_rotation() {
    let template = Template::make(true);
    for blow in ALL {
        play(&template, ONE_ROLE, "", false, SETS, 1, blow);
    }
}

#[test]
fn one_role_is_brought_right_after_a_cut_create() {
    let template = Template::make(true);
    for blow in [Blow::CutAfter, Blow::KillAfter, Blow::KillBothAfter] {
        play(&template, ONE_ROLE, "", true, SETS, 1, blow);
    }
}

#[test]
fn two_roles_are_brought_right_after_a_cut_rotation() {
    let template = Template::make(true);
    for blow in ALL {
        play(&template, TWO_ROLES, "overlap = \"1h\"", false, SETS, 1, blow);
    }
}

#[test]
fn two_roles_are_brought_right_after_a_cut_create_and_a_cut_reading() {
    let template = Template::make(true);
    for blow in [Blow::CutAfter, Blow::KillAfter, Blow::KillBothAfter] {
        play(&template, TWO_ROLES, "overlap = \"1h\"", true, SETS, 1, blow);
    }
    for nth in [2, 3] {
        play(
            &template,
            TWO_ROLES,
            "overlap = \"1h\"",
            false,
            READS,
            nth,
            Blow::KillAfter,
        );
    }
}
