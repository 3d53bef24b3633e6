//! A story that is watched: every command runs at the finest log level, its processes and temporary files are looked at while it
//! runs, and every value that the vendors come to know is noted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::canary::{self, Canary};
use crate::evidence::Evidence;
use crate::needles::Needles;
use crate::story::Story;
use crate::terraform_cores::Core;

/// How long between two looks at the processes.
const LOOK: Duration = Duration::from_millis(15);

/// Where the log goes.
const LOG: &str = "trace.log";

/// A watched story.
pub(crate) struct Watched {
    pub(crate) story: Story,
    evidence: Evidence,
    values: BTreeSet<Canary>,
    /// What the user put into the environment: nowhere else may it be.
    own: Vec<Canary>,
}

impl Watched {
    /// A fresh world whose vendors repeat in their errors what they were sent.
    pub(crate) fn new() -> Self {
        Self::of(Story::new())
    }

    /// The same under another Terraform.
    pub(crate) fn under(core: Core) -> Self {
        Self::of(Story::on(core))
    }

    fn of(mut story: Story) -> Self {
        story.sandbox.settings(json!({ "echo": true }));
        let log = story.workspace.path().join(LOG).display().to_string();
        for (name, value) in [
            ("TF_LOG", "TRACE"),
            ("TF_LOG_PROVIDER", "TRACE"),
            ("TF_LOG_PATH", &log),
            ("RUST_LOG", "trace"),
            ("RUST_BACKTRACE", "full"),
        ] {
            story.workspace.set(name, value);
        }
        let own = canary::OWN.map(|name| Canary::of(story.sandbox.export(name))).to_vec();
        Self {
            story,
            evidence: Evidence::default(),
            values: BTreeSet::new(),
            own,
        }
    }

    /// A value that the vendors may never come to know.
    pub(crate) fn expect_nowhere(&mut self, value: &str) {
        self.values.insert(Canary::of(value));
    }

    /// A value that the user put into the environment.
    pub(crate) fn expect_only_in_environments(&mut self, value: &str) {
        self.own.push(Canary::of(value));
    }

    /// Runs a command, whatever becomes of it; its exit status and what it said.
    pub(crate) fn run(&mut self, arguments: &[&str]) -> (Option<i32>, String) {
        self.run_while(arguments, &mut |_, _| {})
    }

    /// The same; `meanwhile` is called again and again with the id of terraform's process.
    pub(crate) fn run_while(
        &mut self,
        arguments: &[&str],
        meanwhile: &mut dyn FnMut(&Story, u32),
    ) -> (Option<i32>, String) {
        let (command, rest) = arguments.split_first().unwrap();
        let mut command = self.story.workspace.command(&[command, "-no-color"]);
        command.args(rest).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let readers = [
            std::thread::spawn(move || all_of(&mut stdout)),
            std::thread::spawn(move || all_of(&mut stderr)),
        ];
        let status = self.watch(&mut child, meanwhile);
        let said = readers.map(|reader| reader.join().unwrap()).concat();
        self.evidence.add("output", said.clone());
        self.look_at_what_is_left();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!said.contains("plugin crashed") && !said.contains("panic: "), "{said}");
        (status, said)
    }

    /// Runs a command that must succeed.
    #[track_caller]
    pub(crate) fn succeeds(&mut self, arguments: &[&str]) -> String {
        let (status, said) = self.run(arguments);
        assert_eq!(status, Some(0), "{said}");
        said
    }

    /// Looks at the processes and their temporary files until the command ends.
    fn watch(&mut self, child: &mut Child, meanwhile: &mut dyn FnMut(&Story, u32)) -> Option<i32> {
        let temporary = self.story.workspace.temporary();
        let mut looks = 0_u32;
        loop {
            for process in family(child.id()) {
                for what in ["cmdline", "environ"] {
                    if let Ok(content) = std::fs::read(process.join(what)) {
                        self.evidence.add(&format!("process {what}"), content);
                    }
                }
            }
            self.evidence.add_files(&temporary);
            meanwhile(&self.story, child.id());
            // Values that are replaced within one command are seen only while it runs.
            if looks.is_multiple_of(8) {
                self.note_values();
            }
            looks += 1;
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Files are overwritten by the next command, so each is kept as it is now; the log would only grow, so it begins anew.
    fn look_at_what_is_left(&mut self) {
        self.note_values();
        self.evidence.add_files(self.story.workspace.path());
        drop(std::fs::remove_file(self.story.workspace.path().join(LOG)));
    }

    fn note_values(&mut self) {
        let held = canary::held(&self.story.sandbox.state());
        let own: Vec<&str> = self.own.iter().map(|canary| canary.value.as_str()).collect();
        let minted = held.iter().filter(|value| !own.contains(&value.as_str()));
        self.values.extend(minted.map(|value| Canary::of(value)));
    }

    /// Searches everything. `least` values must have come up, and the places that count must have been looked at.
    #[track_caller]
    pub(crate) fn nothing_leaked(&mut self, least: usize) {
        assert!(
            self.values.len() >= least,
            "only {} values came up: {:#?}",
            self.values.len(),
            self.values
        );
        for place in ["output", &format!("file {LOG}"), "process cmdline", "process environ"] {
            assert!(self.evidence.has(place), "nothing was seen of: {place}");
        }
        // Its environment is seen by root alone.
        assert!(
            self.evidence.shows("process cmdline", "terraform-provider-rotation"),
            "no provider was seen"
        );
        let mut leaks = self.evidence.leaks(&Needles::of(&self.values), "");
        leaks.extend(self.evidence.leaks(&Needles::of(&self.own), "process environ"));
        assert!(leaks.is_empty(), "{}", leaks.join("\n\n"));
    }

    /// Whether there was something to search at such a place.
    #[track_caller]
    pub(crate) fn saw(&self, places: &[&str]) {
        for place in places {
            assert!(self.evidence.has(place), "nothing was seen of: {place}");
        }
    }
}

fn all_of(stream: &mut impl std::io::Read) -> Vec<u8> {
    let mut content = Vec::new();
    stream.read_to_end(&mut content).unwrap();
    content
}

/// A process and all that it started, as directories of `/proc`.
fn family(pid: u32) -> Vec<PathBuf> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, parent(pid)?)))
        .collect();
    let mut family = vec![pid];
    let mut at = 0;
    while let Some(elder) = family.get(at).copied() {
        let born = parents.iter().filter(|(_, parent)| *parent == elder);
        family.extend(born.map(|(pid, _)| *pid));
        at += 1;
    }
    family
        .into_iter()
        .map(|pid| Path::new("/proc").join(pid.to_string()))
        .collect()
}

/// The fourth field of `stat`; the second, a name in parentheses, may hold anything (proc(5)).
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
