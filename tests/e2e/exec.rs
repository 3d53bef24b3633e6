//! Checks that run a program on this machine.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::interrupt::{ended, send};
use crate::story::{A_DAY, FLY_TOKEN, NAME, PARAMETER, SSM_TARGET, Story, resource, says};
use crate::truth::{alive, parameter};

/// A provider block with that `allow_exec`, and one secret with these lines.
pub(crate) fn write(story: &Story, allow_exec: &[&str], lines: &[&str]) {
    let mut block = String::from("provider \"rotation\" {\n  namespace = \"production\"\n");
    writeln!(block, "  allow_exec = {allow_exec:?}\n}}").unwrap();
    story.write_all(&format!("{block}{}", resource("it", NAME, lines)));
}

/// A check that gives the new credential to a shell with that script.
fn check(common: &str, script: &str) -> String {
    format!(
        "checks = {{\n    verified = {{ {common} exec = {{ command = [\"/bin/sh\", \"-c\", {script:?}], input = \"{{{{ value }}}}\" }} }}\n  }}"
    )
}

const EFFECTS: &str = "effects = true, timeout = \"60s\",";

fn file(story: &Story, name: &str) -> PathBuf {
    story.workspace.path().join(name)
}

#[test]
fn a_program_proves_a_rotation_and_one_that_fails_stops_it_without_showing_the_value() {
    let story = Story::new();
    let got = file(&story, "got");
    let takes = check(EFFECTS, &format!("/bin/cat >{}", got.display()));
    write(&story, &["/bin/sh"], &[FLY_TOKEN, SSM_TARGET, A_DAY, &takes]);
    let plan = story.plan();
    assert!(plan.contains("wave 1: check verified of generation 1"), "{plan}");
    assert!(!got.exists(), "a plan runs nothing");
    story.apply();
    assert_eq!(
        std::fs::read_to_string(&got).unwrap(),
        parameter(&story, PARAMETER).unwrap()
    );
    // A refresh and an empty plan run nothing either.
    std::fs::remove_file(&got).unwrap();
    story.settled();
    assert!(!got.exists());
    let fails = check(EFFECTS, "echo \"refused: $(/bin/cat)\" >&2; exit 7");
    write(
        &story,
        &["/bin/sh"],
        &[FLY_TOKEN, SSM_TARGET, A_DAY, &fails, "rotation_reason = \"once\""],
    );
    let said = story.fails();
    says(
        &said,
        &[
            "Check \"verified\" did not pass",
            "/bin/sh failed with exit code 7",
            "refused: [redacted]",
        ],
    );
    assert!(!said.contains(&parameter(&story, PARAMETER).unwrap()), "{said}");
    assert_eq!(alive(&story).len(), 2, "nothing is revoked");
    write(
        &story,
        &["/bin/sh"],
        &[FLY_TOKEN, SSM_TARGET, A_DAY, &takes, "rotation_reason = \"once\""],
    );
    story.apply();
    assert_eq!(
        std::fs::read_to_string(&got).unwrap(),
        parameter(&story, PARAMETER).unwrap()
    );
    assert!(alive(&story).last().unwrap().name.ends_with("-g2"));
}

#[test]
fn a_program_that_the_provider_block_does_not_name_is_refused_before_the_plan() {
    let story = Story::new();
    let check = check(EFFECTS, "exit 0");
    for command in ["validate", "plan"] {
        write(&story, &["/bin/true"], &[FLY_TOKEN, SSM_TARGET, A_DAY, &check]);
        let said = story.refused(command);
        says(
            &said,
            &["allow_exec does not name /bin/sh", "allow_exec = [\"/bin/sh\"]"],
        );
    }
    write(
        &story,
        &["/bin/sh", "./verify"],
        &[FLY_TOKEN, SSM_TARGET, A_DAY, &check],
    );
    says(
        &story.refused("validate"),
        &["allow_exec[1] is not a program or a host"],
    );
}

#[test]
fn a_program_needs_the_word_that_it_may_have_effects() {
    let story = Story::new();
    write(
        &story,
        &["/bin/sh"],
        &[FLY_TOKEN, SSM_TARGET, A_DAY, &check("", "exit 0")],
    );
    says(
        &story.refused("validate"),
        &["checks[\"verified\"].effects is required", "Set `effects = true`"],
    );
    write(
        &story,
        &["/bin/sh"],
        &[FLY_TOKEN, SSM_TARGET, A_DAY, &check("effects = false,", "exit 0")],
    );
    story.refused("validate");
}

#[test]
fn a_list_that_is_known_only_after_apply_leaves_the_plan_open() {
    let story = Story::new();
    let check = check(EFFECTS, "exit 0");
    story.write_all(&format!(
        "resource \"terraform_data\" \"path\" {{\n  input = \"/bin/sh\"\n}}\nprovider \"rotation\" {{\n  namespace  = \"production\"\n  \
         allow_exec = [terraform_data.path.output]\n}}\n{}",
        resource("it", NAME, &[FLY_TOKEN, SSM_TARGET, A_DAY, &check])
    ));
    story.plan();
    story.apply();
}

#[test]
fn a_program_that_is_missing_is_said_before_anything_is_minted() {
    let story = Story::new();
    let check = "checks = {\n    verified = { effects = true, exec = { command = [\"/nowhere/verify\"] } }\n  }";
    write(&story, &["/nowhere/verify"], &[FLY_TOKEN, SSM_TARGET, A_DAY, check]);
    says(&story.fails(), &["the program /nowhere/verify cannot be found"]);
    story.wrote_nothing();
}

#[test]
fn an_interrupt_kills_the_program_and_the_next_apply_finishes() {
    let story = Story::new();
    let started = file(&story, "started");
    let waits = check(EFFECTS, &format!("echo $$ >{}; /bin/sleep 300", started.display()));
    write(&story, &["/bin/sh"], &[FLY_TOKEN, SSM_TARGET, A_DAY, &waits]);
    let mut command = story
        .workspace
        .command(&["apply", "-no-color", "-input=false", "-auto-approve"]);
    let child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        if std::fs::read_to_string(&started).is_ok_and(|number| number.ends_with('\n')) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let number = std::fs::read_to_string(&started).unwrap();
    send("kill", &["-INT"], &child);
    let said = ended(child);
    assert!(said.contains("Interrupt"), "{said}");
    assert!(
        !std::path::Path::new("/proc").join(number.trim()).exists(),
        "it is dead"
    );
    story.run(&["untaint", "rotation_secret.it"]).success();
    write(
        &story,
        &["/bin/sh"],
        &[FLY_TOKEN, SSM_TARGET, A_DAY, &check(EFFECTS, "exit 0")],
    );
    story.apply();
    assert_eq!(alive(&story).len(), 1);
}
