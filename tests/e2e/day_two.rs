//! `docs/guides/day-two.md`: its configurations are applied as they stand, and what it shows is what the CLI prints.

use std::path::Path;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::json;

use crate::story::Story;

/// The block of the guide under that marker, without its fence.
pub(crate) fn block(marker: &str) -> String {
    block_of("day-two.md", marker)
}

/// The same of the guide in that file.
pub(crate) fn block_of(guide: &str, marker: &str) -> String {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides").join(guide);
    let guide = std::fs::read_to_string(guide).unwrap();
    let after = guide.split(&format!("\n<!-- {marker} -->\n```")).nth(1);
    let after = after.unwrap_or_else(|| panic!("the guide has no block {marker:?}"));
    let (_, fenced) = after.split_once('\n').unwrap();
    fenced.split("\n```").next().unwrap().to_owned()
}

/// Without frames, wraps, the sandbox's addresses, and the digits of times and ids.
fn comparable(text: &str) -> String {
    let mut out = String::new();
    let lines = text.lines().map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']));
    let words = lines.flat_map(str::split_whitespace);
    for word in words {
        out.push(' ');
        for letter in without_ids(word).chars() {
            match letter {
                '0'..='9' if out.ends_with('#') => {}
                '0'..='9' => out.push('#'),
                _ => out.push(letter),
            }
        }
    }
    out.replace(" at #.#.#.#:#", "")
}

/// The word with `#` for a secret's id.
fn without_ids(word: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for letter in word.chars().chain(['\0']) {
        if letter.is_ascii_digit() || ('a'..='f').contains(&letter) {
            run.push(letter);
            continue;
        }
        out.push_str(if run.len() == 32 { "#" } else { &run });
        run.clear();
        out.push(letter);
    }
    out.trim_end_matches('\0').to_owned()
}

/// The CLI printed what the guide shows under that marker, in that order. `…` stands for lines that are left out.
#[track_caller]
pub(crate) fn printed(marker: &str, output: &str) {
    printed_of("day-two.md", marker, output);
}

/// The same of the guide in that file.
#[track_caller]
pub(crate) fn printed_of(guide: &str, marker: &str, output: &str) {
    let mut rest = comparable(output);
    for chunk in block_of(guide, marker).split("\n…\n") {
        let chunk = comparable(chunk);
        let Some(at) = rest.find(&chunk) else {
            panic!("{marker}: the guide shows{chunk}\nwhich is not, or not here, in\n{output}");
        };
        rest = rest.split_off(at + chunk.len());
    }
}

/// The guide's provider block without an incident.
pub(crate) const PROVIDER: &str = "provider \"rotation\" {\n  namespace = \"molecule-production\"\n}\n";

/// Noon UTC of the first such day from `days` days ahead on.
fn noon(days: i64, weekday: Weekday) -> Timestamp {
    let start = Timestamp::now() + SignedDuration::from_hours(days * 24);
    let mut day = start.to_zoned(TimeZone::UTC).date();
    while day.weekday() != weekday {
        day = day.checked_add(1.day()).unwrap();
    }
    day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

fn clock_to(story: &mut Story, at: Timestamp) {
    let seconds = at.duration_since(Timestamp::now()).as_secs();
    story.clock(&format!("{seconds}s"));
}

#[test]
fn an_old_credential_is_kept_while_it_is_used() {
    let mut story = Story::new();
    let secret = block("quiet");
    story.write_all(&format!("{PROVIDER}{secret}"));
    story.apply();
    let old = crate::truth::parameter(&story, "/molecule/production/NEON_API_KEY").unwrap();
    let rotated = secret.replace("  overlap =", "  rotation_reason = \"now\"\n  overlap =");
    story.write_all(&format!("{PROVIDER}{rotated}"));
    story.apply();
    let users = "/api/v2/users/me";
    assert_eq!(
        crate::key_life::presented(&story, &old, "GET", users, &json!(null)),
        200
    );
    story.clock("3h");
    printed("quiet: in use", &story.settled());
}

#[test]
fn without_room_a_rotation_that_is_asked_for_is_refused() {
    let story = Story::new();
    let secret = |reason: &str| {
        let source = r#"source = { neon_role_password = {
    project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app", alternate_role = "app_b" } }"#;
        let targets =
            r#"targets = { runtime = { part = "uri", ssm_parameter = { name = "/molecule/DATABASE_URL" } } }"#;
        let reason = format!("rotation_reason = {reason:?}");
        crate::story::resource("it", "DATABASE_URL", &[source, targets, "overlap = \"24h\"", &reason])
    };
    for reason in ["created", "once"] {
        story.write(&secret(reason));
        story.apply();
    }
    story.write(&secret("twice"));
    printed("room", &story.run(&["plan"]).output);
}

#[test]
fn a_window_as_the_guide_shows_it() {
    let mut story = Story::new();
    story.write_all(&format!("{PROVIDER}{}", block("window")));
    story.apply();
    // Within the seven days before the date.
    let wednesday = noon(84, Weekday::Wednesday);
    clock_to(&mut story, wednesday);
    printed("window: wednesday", &story.settled());
    let saturday = wednesday + SignedDuration::from_hours(3 * 24 - 9);
    clock_to(&mut story, saturday);
    printed("window: saturday", &story.plan());
    story.run(&["plan", "-out=saved"]).success();
    clock_to(&mut story, saturday + SignedDuration::from_hours(6));
    let late = story.run(&["apply", "saved"]);
    assert_eq!(late.status, 1);
    printed("window: too late", &late.output);
    clock_to(&mut story, saturday);
    story.apply();
    clock_to(&mut story, saturday + SignedDuration::from_hours(2 * 24 + 9));
    printed("window: monday", &story.settled());
}

#[test]
fn an_overdue_secret_as_the_guide_shows_it() {
    let mut story = Story::new();
    let strict = block("window").replace("early = \"7d\"", "early = \"7d\"\n    overdue = \"error\"");
    story.write_all(&format!("{PROVIDER}{strict}"));
    story.apply();
    clock_to(&mut story, noon(91, Weekday::Wednesday));
    let refused = story.run(&["plan"]);
    assert_eq!(refused.status, 1);
    printed("overdue", &refused.output);
}

#[test]
fn every_apply_and_the_clock_as_the_guide_shows_them() {
    let mut story = Story::new();
    let secret = block("window");
    let (before, rest) = secret.split_once("  rotation {").unwrap();
    let (_, after) = rest.split_once("\n  }\n").unwrap();
    let with = |rotation: &str| format!("{PROVIDER}{before}  rotation {{\n    {rotation}\n  }}\n{after}");
    story.write_all(&format!("{}\n{}", with("every = \"apply\""), block("notices")));
    story.run(&["apply", "-auto-approve"]).success();
    printed("every apply", &story.plan());
    story.write_all(&with("every = \"90d\""));
    story.apply();
    story.sandbox.settings(json!({ "clock_ahead_ms": 3_600_000 }));
    story.clock("91d");
    printed("clock", &story.settled());
}

#[test]
fn a_guard_as_the_guide_shows_it() {
    let story = Story::new();
    let guarded = block("guard");
    story.write_all(&format!("{PROVIDER}{guarded}"));
    story.apply();
    let asked = guarded.replace("  guard {", "  rotation_reason = \"the key was in a log\"\n\n  guard {");
    story.write_all(&format!("{PROVIDER}{asked}"));
    let refused = story.run(&["plan"]);
    assert_eq!(refused.status, 1);
    printed("guard: asked", &refused.output);
    // The line that it prints is the line that confirms.
    let line = block("guard: asked");
    let line = line
        .lines()
        .find(|line| line.trim_start().starts_with("confirm = "))
        .unwrap();
    let confirmed = asked.replace("re-provisioned\"\n", &format!("re-provisioned\"\n{line}\n"));
    story.write_all(&format!("{PROVIDER}{confirmed}"));
    story.apply();
    assert_eq!(story.attributes_of("encryption_key")["generation"], 2);
}

#[test]
fn an_incident_as_the_guide_shows_it() {
    let story = Story::new();
    let exposed = block("window");
    let by_hand = "resource \"rotation_secret\" \"stripe_api_key\" {\n  name = \"STRIPE_API_KEY\"\n  readers = [\"laptop-of-x\"]\n  \
                   source = { provided = { credential_id = \"rk_2026_10\" } }\n  value_wo = \"sk_live_a-value-that-a-person-made\"\n  \
                   value_wo_version = 1\n  targets = { runtime = { ssm_parameter = { name = \"/molecule/production/STRIPE_API_KEY\" } } }\n}\n";
    let untouched = "resource \"rotation_secret\" \"other\" {\n  name = \"OTHER\"\n  source = { random = { bytes = 32, encoding = \"hex\" } }\n  \
                     targets = { runtime = { ssm_parameter = { name = \"/molecule/production/OTHER\" } } }\n}\n";
    let secrets = format!("{exposed}\n{by_hand}{untouched}");
    story.write_all(&format!("{PROVIDER}{secrets}"));
    story.apply();
    let incident = block("incident");
    story.write_all(&format!("{incident}\n{secrets}"));
    let plan = story.plan();
    printed("incident: plan", &plan);
    assert!(plan.contains("2 to change"), "the plan is the blast radius\n{plan}");
    let now = incident.replace("systems =", "revoke = \"now\"\n    systems =");
    story.write_all(&format!("{now}\n{secrets}"));
    printed("incident: now", &story.plan());
    story.write_all(&format!("{incident}\n{secrets}"));
    printed("incident: apply", &story.fails());
    story.settled();
}

#[test]
fn the_cron_script_tells_by_its_exit_code_how_it_went() {
    let mut story = Story::new();
    let secret = block("window");
    story.write_all(&format!("{PROVIDER}{secret}"));
    // Its `init` would ask a registry for the provider.
    let folder = story.workspace.path().to_owned();
    let core = folder.join("core");
    let program = story
        .workspace
        .command(&["version"])
        .get_program()
        .display()
        .to_string();
    let wrapper = format!("#!/bin/sh\n[ \"$1\" = init ] && exit 0\nexec {program} \"$@\"\n");
    std::fs::write(&core, wrapper).unwrap();
    let status = std::process::Command::new("chmod")
        .arg("+x")
        .arg(&core)
        .status()
        .unwrap();
    assert!(status.success());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci/rotate.sh");
    let run = |story: &Story, before: &str| {
        let line = format!(
            "{before}CORE={} {} {}",
            core.display(),
            script.display(),
            folder.display()
        );
        let command = story.workspace.command(&["version"]);
        let mut shell = std::process::Command::new("bash");
        shell.args(["-c", &line]).current_dir("/");
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = shell.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), said)
    };
    let (status, said) = run(&story, "");
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("1 added"), "{said}");
    assert_eq!(run(&story, ""), (Some(0), String::new()), "nothing is due");
    story.clock("91d");
    let held = format!("exec 8>{}/.rotate.lock; flock 8; ", folder.display());
    let (status, said) = run(&story, &held);
    assert_eq!(status, Some(75), "{said}");
    story.sandbox.lasting_fault("/repos/", "forbidden");
    story.write_all(&format!(
        "{PROVIDER}{}",
        secret.replace("overlap = ", "rotation_reason = \"now\"\n  overlap = ")
    ));
    let (status, said) = run(&story, "");
    assert_eq!(status, Some(1), "{said}");
    story.sandbox.heal();
    let (status, said) = run(&story, "");
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("1 changed"), "{said}");
}
