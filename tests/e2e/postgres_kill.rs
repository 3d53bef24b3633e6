//! A run that is cut off at each statement that sets a password, and at those that read: the next two applies bring everything right.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::postgres::{Postgres, Template};
use crate::postgres_password::{ONE_ROLE, TWO_ROLES, URI, because, point, published};
use crate::postgres_proxy::{self, Fate};
use crate::story::Story;

/// How a statement goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    CutAfter,
    /// The provider is killed, and Terraform saves what it knows of.
    KillBefore,
    KillAfter,
    /// Terraform is killed with the provider, and saves nothing.
    KillBothBefore,
    /// The same once the server has acted.
    KillBothAfter,
}

/// What is to go wrong: at the nth statement that contains a text.
#[derive(Default)]
pub(crate) struct Plan {
    on: &'static str,
    nth: usize,
    blow: Option<Blow>,
    /// The process of Terraform.
    terraform: u32,
    struck: bool,
}

impl Plan {
    /// That blow, at the nth statement with that text of a run of that Terraform.
    pub(crate) fn of(on: &'static str, nth: usize, blow: Blow, terraform: u32) -> Self {
        Self {
            on,
            nth,
            blow: Some(blow),
            terraform,
            struck: false,
        }
    }

    /// Whether it has happened.
    pub(crate) fn has_struck(&self) -> bool {
        self.struck
    }

    pub(crate) fn judge(&mut self, statement: &str) -> Fate {
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
            Blow::KillBothBefore | Blow::KillBothAfter => {
                // Terraform first: when its provider dies, it writes its state, and half a file would be none.
                let providers = children(self.terraform);
                kill(&[self.terraform.to_string()]);
                kill(&providers);
            }
        }
        if matches!(blow, Blow::KillBefore | Blow::KillBothBefore) {
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

/// One run that goes wrong.
#[derive(Debug, Clone, Copy)]
struct Case {
    /// One role, or two.
    source: &'static str,
    /// Whether the secret is created, or rotated.
    creates: bool,
    /// The statement, and which of those with that text.
    on: &'static str,
    nth: usize,
    blow: Blow,
}

/// Plays cases at the same time, each in a world of its own.
pub(crate) fn side_by_side<C: Send>(cases: impl IntoIterator<Item = C>, play: impl Fn(C) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            let play = &play;
            scope.spawn(move || play(case));
        }
    });
}

fn play(cases: impl IntoIterator<Item = Case>) {
    let template = Template::make(true);
    side_by_side(cases, |case| case.play(&template));
}

impl Case {
    fn lines(self) -> Vec<&'static str> {
        match self.source {
            TWO_ROLES => vec![self.source, URI, "overlap = \"1h\""],
            _ => vec![self.source, URI],
        }
    }

    fn play(self, template: &Template) {
        let mut story = Story::new();
        let server = template.start(None);
        server.sql("CREATE ROLE app LOGIN PASSWORD 'first'; CREATE ROLE app_b LOGIN PASSWORD 'second'");
        let plan = Arc::new(Mutex::new(Plan::default()));
        let shared = Arc::clone(&plan);
        let judge = move |statement: &str| shared.lock().unwrap().judge(statement);
        point(&mut story, postgres_proxy::before(server.port(), Arc::new(judge)));
        story.configure(&self.lines());
        let mut before = None;
        if !self.creates {
            story.run(&["apply", "-auto-approve"]).success();
            before = Some(published(&story));
            story.configure(&[&self.lines()[..], &[&because("once")]].concat());
        }
        let mut arguments = story
            .workspace
            .command(&["apply", "-no-color", "-input=false", "-auto-approve"]);
        {
            let mut plan = plan.lock().unwrap();
            let mut child = arguments.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            *plan = Plan::of(self.on, self.nth, self.blow, child.id());
            drop(plan);
            child.wait().unwrap();
        }
        assert!(plan.lock().unwrap().struck, "{self:?}: did not happen");
        // A consumer that has not been given another password logs in with the old one, where two roles overlap.
        if let Some((role, password)) = before.as_ref().filter(|_| self.source == TWO_ROLES) {
            assert!(server.accepts(role, password), "{self:?}: the old one has ended");
        }
        let lock = story.workspace.path().join(".terraform.tfstate.lock.info");
        drop(std::fs::remove_file(lock));
        let mut left = String::new();
        let is_settled = (0..2).any(|_| {
            story.run(&["apply", "-auto-approve"]);
            let planned = story.run(&["plan", "-detailed-exitcode"]);
            left = planned.output;
            planned.status == 0
        });
        assert!(is_settled, "{self:?}: a plan should be empty:\n{left}");
        let (role, password) = published(&story);
        assert!(
            server.accepts(&role, &password),
            "{self:?}: the parameter holds no password of {role}"
        );
        self.ends(&mut story, &server, &role);
    }

    /// After the overlap, the password in place is the only one of ours that works.
    fn ends(self, story: &mut Story, server: &Postgres, role: &str) {
        if self.source != TWO_ROLES {
            return;
        }
        story.clock("3h");
        story.run(&["apply", "-auto-approve"]).success();
        let (published, password) = published(story);
        assert_eq!(published, role, "{self:?}");
        assert!(server.accepts(role, &password), "{self:?}: after the overlap");
        let marked = server.sql(
            "SELECT rolname FROM pg_authid WHERE shobj_description(oid, 'pg_authid') LIKE '%Managed by Terraform%' AND rolpassword IS NOT NULL",
        );
        assert_eq!(marked, role, "{self:?}: others of ours still work");
    }
}

const SETS: &str = "ALTER ROLE";
const READS: &str = "FROM pg_catalog.pg_roles";
const ROTATIONS: [Blow; 4] = [Blow::CutAfter, Blow::KillBefore, Blow::KillAfter, Blow::KillBothAfter];
const CREATES: [Blow; 3] = [Blow::CutAfter, Blow::KillAfter, Blow::KillBothAfter];

fn sets(source: &'static str, creates: bool) -> impl Fn(Blow) -> Case {
    move |blow| Case {
        source,
        creates,
        on: SETS,
        nth: 1,
        blow,
    }
}

#[test]
fn one_role_is_brought_right_after_a_cut_rotation() {
    play(ROTATIONS.map(sets(ONE_ROLE, false)));
}

#[test]
fn one_role_is_brought_right_after_a_cut_create() {
    play(CREATES.map(sets(ONE_ROLE, true)));
}

#[test]
fn two_roles_are_brought_right_after_a_cut_rotation() {
    play(ROTATIONS.map(sets(TWO_ROLES, false)));
}

#[test]
fn two_roles_are_brought_right_after_a_cut_create() {
    play(CREATES.map(sets(TWO_ROLES, true)));
}

#[test]
fn two_roles_are_brought_right_after_a_cut_reading() {
    play([2, 3].map(|nth| Case {
        on: READS,
        nth,
        ..sets(TWO_ROLES, false)(Blow::KillAfter)
    }));
}
