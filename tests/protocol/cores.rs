//! Real cores use the fixture: the installed Terraform, and Terraform 1.15, which enforces ALPN and speaks a later minor version.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::fixture::executable;
use crate::terraform_cores::{Core, Workspace};

const CONFIGURATION: &str = r#"
terraform {
  required_providers {
    fixture = {
      source = "example/fixture"
    }
  }
}

resource "terraform_data" "seed" {
  input = "seed"
}

resource "fixture_note" "all" {
  text   = "hello"
  size   = 0.1
  urgent = true
  tags = {
    known   = "x"
    later   = "v-${terraform_data.seed.id}"
  }
  marks = ["p", "q"]
  words = {
    one = {
      spelling   = "uno"
      whisper_wo = "canary-whisper"
    }
  }
  value_wo = "canary-value"
  frame {
    colour = "red-${terraform_data.seed.id}"
  }
}

resource "fixture_note" "least" {
  text = "18446744073709551616"
  size = 18446744073709551616
}
"#;

pub(crate) fn workspace(core: Core, configuration: &str) -> Workspace {
    let workspace = Workspace::new(core, "example/fixture", executable());
    workspace.write(configuration);
    workspace
}

/// Up to Terraform 1.14 such a plan compares parsed numbers by their inner form, which depends on how they were sent.
fn nothing_drifts_when_nothing_changed(core: Core) {
    let configuration = r#"
terraform {
  required_providers {
    fixture = {
      source = "example/fixture"
    }
  }
}

resource "fixture_note" "numbered" {
  text = "numbers"
  size = 42
}
"#;
    let workspace = workspace(core, configuration);
    workspace.run(&["apply", "-auto-approve"]).success();
    let plan = workspace.run(&["plan", "-refresh-only", "-detailed-exitcode"]);
    assert_eq!(plan.status, 0, "{}", plan.output);
}

#[test]
fn the_installed_terraform_sees_no_drift_in_numbers() {
    nothing_drifts_when_nothing_changed(Core::Installed);
}

#[test]
fn terraform_1_15_sees_no_drift_in_numbers() {
    nothing_drifts_when_nothing_changed(Core::Terraform115);
}

fn whole_life(core: Core) {
    let workspace = workspace(core, CONFIGURATION);
    workspace.run(&["validate"]).success();
    let plan = workspace.run(&["plan", "-out=saved"]).success();
    assert!(plan.contains("3 to add"), "{plan}");
    workspace.run(&["apply", "saved"]).success();
    let state = workspace.state().to_string();
    assert!(!state.contains("canary"), "{state}");
    assert!(state.contains(r#""length":12"#), "{state}");
    let again = workspace.run(&["plan", "-detailed-exitcode"]).success();
    assert!(again.contains("No changes"), "{again}");
    // Without -detailed-exitcode: before 1.15 it counts the dynamic type of terraform_data as a change.
    let drift = workspace.run(&["plan", "-refresh-only"]).success();
    assert!(drift.contains("still matches the configuration"), "{drift}");
    workspace.write(&CONFIGURATION.replace("\"hello\"", "\"hello again\""));
    let changed = workspace.run(&["apply", "-auto-approve"]).success();
    assert!(changed.contains("1 changed"), "{changed}");
    let gone = workspace.run(&["apply", "-destroy", "-auto-approve"]).success();
    assert!(gone.contains("3 destroyed"), "{gone}");
    let left = std::fs::read_dir(workspace.temporary()).unwrap();
    let left: Vec<_> = left
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .collect();
    assert!(!left.iter().any(|name| name.starts_with("tf-provider-")), "{left:?}");
}

#[test]
fn terraform_takes_a_note_through_its_whole_life() {
    whole_life(Core::Installed);
}

#[test]
fn terraform_1_15_takes_a_note_through_its_whole_life() {
    whole_life(Core::Terraform115);
}

#[test]
fn terraform_points_at_the_line_of_a_mistake() {
    let configuration = CONFIGURATION.replace("text = \"184", "misbehave = \"invalid\"\n  text = \"184");
    let outcome = workspace(Core::Installed, &configuration).run(&["validate"]);
    assert_eq!(outcome.status, 1);
    assert!(outcome.output.contains("misbehave = \"invalid\""), "{}", outcome.output);
}

#[test]
fn terraform_shows_why_the_provider_does_not_start() {
    let mut workspace = workspace(Core::Installed, CONFIGURATION);
    workspace.set("FIXTURE_CANNOT_START", "its purse is empty");
    let outcome = workspace.run(&["plan"]);
    assert_eq!(outcome.status, 1);
    assert!(outcome.output.contains("its purse is empty"), "{}", outcome.output);
}

#[test]
fn terraform_keeps_the_state_when_an_update_panics() {
    let workspace = workspace(Core::Installed, CONFIGURATION);
    workspace.run(&["apply", "-auto-approve"]).success();
    let before = workspace.state();
    workspace.write(&CONFIGURATION.replace(
        "text   = \"hello\"",
        "text = \"other\"\n  misbehave = \"panic in apply\"",
    ));
    let outcome = workspace.run(&["apply", "-auto-approve"]);
    assert_eq!(outcome.status, 1);
    assert!(outcome.output.contains("apply went wrong"), "{}", outcome.output);
    assert_eq!(workspace.state()["resources"], before["resources"]);
}

#[test]
fn terraform_shows_the_log_at_its_level() {
    let mut workspace = workspace(Core::Installed, CONFIGURATION);
    workspace.set("TF_LOG_PROVIDER", "DEBUG");
    let output = workspace.run(&["plan"]).success();
    let shown = output.lines().any(|line| {
        line.contains("[DEBUG] provider.terraform-provider-fixture: call begins: ")
            // go-plugin keeps the fields in a map, so Terraform shows them in any order.
            && line.contains("@module=rotation_provider::plugin::calls")
            && line.contains("rpc=PlanResourceChange")
    });
    assert!(shown, "{output}");
    assert!(!output.contains("canary"), "{output}");
}

#[test]
fn terraform_attaches_to_a_provider_in_debug_mode() {
    let mut provider = std::process::Command::new(executable())
        .arg("-debug")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(provider.stdout.take().unwrap()));
    let variable = lines
        .find(|line| line.as_ref().unwrap().starts_with("TF_REATTACH"))
        .unwrap()
        .unwrap();
    let value = variable
        .strip_prefix("TF_REATTACH_PROVIDERS=")
        .unwrap()
        .trim_matches('\'');
    for core in [Core::Installed, Core::Terraform115] {
        let mut workspace = workspace(core, CONFIGURATION);
        workspace.set("TF_REATTACH_PROVIDERS", value);
        workspace.run(&["apply", "-auto-approve"]).success();
        assert!(workspace.state().to_string().contains("note-hello"));
    }
    let pid = provider.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(provider.wait().unwrap().success());
}

#[test]
fn terraform_without_plugin_tls_is_served_too() {
    let mut workspace = workspace(Core::Installed, CONFIGURATION);
    workspace.set("TF_DISABLE_PLUGIN_TLS", "1");
    workspace.run(&["plan"]).success();
}

#[test]
fn after_ctrl_c_terraform_still_gets_the_state() {
    let configuration = CONFIGURATION.replace(
        "text   = \"hello\"",
        "text = \"hello\"\n  misbehave = \"wait in apply\"",
    );
    let mut workspace = workspace(Core::Installed, &configuration);
    let log = workspace.path().join("trace.log");
    workspace.set("TF_LOG", "TRACE");
    workspace.set("TF_LOG_PATH", log.to_str().unwrap());
    let mut command = workspace.command(&["apply", "-auto-approve", "-no-color", "-input=false"]);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The other note's call may come first.
    let is_apply = |line: &&str| line.contains("call begins") && line.contains("rpc=ApplyResourceChange");
    let begun = || std::fs::read_to_string(&log).is_ok_and(|log| log.lines().filter(is_apply).count() == 2);
    for _ in 0..800 {
        if begun() {
            break;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    assert!(begun(), "the call begins");
    // To the whole group, as a terminal does: Terraform and provider both get it.
    let group = format!("-{}", run.id());
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", "--", &group])
            .status()
            .unwrap()
            .success()
    );
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Interrupt received"), "{text}");
    let state = workspace.state().to_string();
    assert!(state.contains("note-hello"), "{text}\n{state}");
}

/// The entries of the directory in which the provider puts its socket.
fn sockets(workspace: &Workspace) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(workspace.temporary()).unwrap();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter(|path| path.to_string_lossy().contains("tf-provider-"))
        .collect()
}

#[test]
fn a_terraform_that_is_killed_leaves_no_provider_and_no_socket() {
    let configuration = CONFIGURATION.replace("text   = \"hello\"", "text = \"x\"\n  misbehave = \"wait in apply\"");
    let mut workspace = workspace(Core::Installed, &configuration);
    let log = workspace.path().join("trace.log");
    workspace.set("TF_LOG", "TRACE");
    workspace.set("TF_LOG_PATH", log.to_str().unwrap());
    let mut terraform = workspace
        .command(&["apply", "-auto-approve", "-no-color"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let wait_until = |condition: &dyn Fn() -> bool, what: &str| {
        let mut patience = 1_000;
        while !condition() {
            patience -= 1;
            assert!(patience > 0, "what was waited for did not happen: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let begun = || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("rpc=ApplyResourceChange"));
    wait_until(&begun, "the apply begins");
    assert!(!sockets(&workspace).is_empty());
    let children = std::process::Command::new("pgrep")
        .args(["-P", &terraform.id().to_string()])
        .output()
        .unwrap();
    let children = String::from_utf8(children.stdout).unwrap();
    let children: Vec<std::path::PathBuf> = children.lines().map(|pid| Path::new("/proc").join(pid)).collect();
    assert!(!children.is_empty());
    terraform.kill().unwrap();
    terraform.wait().unwrap();
    let running = |process: &std::path::PathBuf| {
        std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
    };
    wait_until(&|| !children.iter().any(running), "the provider ends");
    assert_eq!(sockets(&workspace), [""; 0].map(std::path::PathBuf::from));
}
