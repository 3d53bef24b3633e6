//! Runs that are cut short while a value is in memory: by a person, by a signal that makes other programs write a core, by a kill.

use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::story::{A_DAY, FLY_TOKEN, THREE_TARGETS};
use crate::watch::Watched;

/// An apply whose delivery to GitHub hangs; then `program` is called with these arguments and the id of terraform's process.
fn cut_short_by(program: &str, arguments: &[&str]) {
    let mut watched = Watched::new();
    watched.story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    watched.story.sandbox.fault("PUT /repos", 1, "hang");
    let mut sent = false;
    let (status, said) = watched.run_while(&["apply", "-auto-approve"], &mut |story, terraform| {
        let calls = story.sandbox.calls();
        if !sent && calls.iter().any(|call| call.line.contains("PUT /repos")) {
            sent = true;
            let terraform = terraform.to_string();
            assert!(
                Command::new(program)
                    .args(arguments)
                    .arg(terraform)
                    .status()
                    .unwrap()
                    .success()
            );
        }
    });
    assert!(sent && status != Some(0), "{said}");
    watched.story.sandbox.heal();
    // What is left half done is what the next run reads.
    watched.run(&["plan", "-out=saved"]);
    watched.nothing_leaked(1);
}

#[test]
fn a_provider_that_is_killed_leaves_no_value() {
    cut_short_by("pkill", &["-KILL", "-P"]);
}

#[test]
fn a_provider_that_aborts_leaves_no_value() {
    // Wherever the system lets processes write cores into their directory, this one may.
    let limit = getrlimit(Resource::Core);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Core, raised).unwrap();
    cut_short_by("pkill", &["-ABRT", "-P"]);
}

#[test]
fn a_terraform_that_is_killed_leaves_no_value() {
    cut_short_by("kill", &["-KILL"]);
}
