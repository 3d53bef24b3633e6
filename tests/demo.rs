//! The demo does what it says from beginning to end, whatever the user's environment holds, and leaves nothing behind.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rotation_provider::environment::Environment;
use tempfile::TempDir;

/// Where cargo has put the provider and, below `examples`, the sandbox.
fn built() -> PathBuf {
    let provider = Path::new(env!("CARGO_BIN_EXE_terraform-provider-rotation"));
    let built = provider.parent().unwrap().to_owned();
    assert!(
        built.join("examples/sandbox").exists(),
        "the sandbox is missing: build it with `cargo build --example sandbox`"
    );
    built
}

fn demo(scratch: &TempDir) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo/demo.sh"));
    command
        .env_clear()
        .env("PATH", Environment::of_process().get("PATH").unwrap_or_default())
        .env("HOME", scratch.path())
        .env("TMPDIR", scratch.path())
        .env("DEMO_BUILT", built())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .concat()
}

fn left_in(scratch: &TempDir) -> Vec<PathBuf> {
    let left = std::fs::read_dir(scratch.path()).unwrap();
    left.map(|entry| entry.unwrap().path())
        // Terraform's own settings in the home directory.
        .filter(|path| !path.ends_with(".terraform.d"))
        .collect()
}

/// The command lines of processes that run in the scratch directory, or an executable of it.
fn at_work_in(scratch: &TempDir) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let at_work = processes.filter_map(|process| {
        let line = std::fs::read(process.join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let there = std::fs::read_link(process.join("cwd")).is_ok_and(|path| path.starts_with(scratch.path()));
        (there || line.contains(scratch.path().to_str()?)).then_some(line)
    });
    at_work.collect()
}

#[test]
fn it_tells_the_whole_story_in_an_environment_that_is_full_of_other_settings() {
    let scratch = tempfile::tempdir().unwrap();
    let nobody = "http://127.0.0.1:9";
    let output = demo(&scratch)
        .env("FLY_ACCESS_TOKEN", "FlyV1 fm2_b2Ygc29tZWJvZHk=")
        .env("AWS_ENDPOINT_URL_SSM", nobody)
        .env("AWS_ENDPOINT_URL_STS", nobody)
        .env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        .env("http_proxy", nobody)
        .env("HTTPS_PROXY", nobody)
        .env("ROTATION_CLOCK_OFFSET", "2w")
        .output()
        .unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    let mut rest = said.as_str();
    for part in [
        "── 1. Create",
        "Apply complete! Resources: 1 added",
        "── 2. A second plan is empty",
        "No changes.",
        "── 3. Someone overwrites",
        "- action     = \"deliver\" -> null",
        "changed outside Terraform",
        "+ \"read the value of generation 1 from runtime\"",
        "── 4. Apply repairs it",
        "Apply complete! Resources: 0 added, 1 changed",
        "No changes.",
        "── 5. A contractor leaves",
        "\"2026-11-22: left with a contractor\"",
        "+ \"mint generation 2: ",
        "Apply complete! Resources: 0 added, 1 changed",
        "── 6. A day later",
        "+ \"revoke generation 1 (",
        "Apply complete! Resources: 0 added, 1 changed",
        "── 7. The state contains no value",
        "token parts that Fly issued",
        "── 8. Destroy",
        "Apply complete! Resources: 0 added, 0 changed, 1 destroyed.",
    ] {
        let (_, after) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("{part} is missing:\n{said}"));
        rest = after;
    }
    assert_eq!(left_in(&scratch), [] as [PathBuf; 0]);
    assert_eq!(at_work_in(&scratch), [] as [&str; 0]);
}

/// Waits half a minute at most.
fn ended(mut child: Child) -> Output {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn ended_in_the_middle_it_ends_everything_that_it_began() {
    for (signal, status) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let scratch = tempfile::tempdir().unwrap();
        let child = demo(&scratch).spawn().unwrap();
        let begun = Instant::now();
        let provider_is_up = || {
            let lines = at_work_in(&scratch);
            lines.iter().any(|line| line.contains("terraform-provider-rotation"))
        };
        while !provider_is_up() {
            assert!(begun.elapsed() < Duration::from_secs(30), "no provider was started");
            std::thread::sleep(Duration::from_millis(20));
        }
        let pid = child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
        assert!(sent.success());
        let output = ended(child);
        assert_eq!(output.status.code(), Some(status), "{signal}: {}", said(&output));
        assert_eq!(at_work_in(&scratch), [] as [&str; 0], "{signal}");
        assert_eq!(left_in(&scratch), [] as [PathBuf; 0], "{signal}");
    }
}

#[test]
fn it_says_what_is_missing() {
    let scratch = tempfile::tempdir().unwrap();
    let bin = scratch.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for tool in ["bash", "dirname", "env"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output();
        let found = String::from_utf8(found.unwrap().stdout).unwrap();
        std::os::unix::fs::symlink(found.trim(), bin.join(tool)).unwrap();
    }
    let output = demo(&scratch).env("PATH", &bin).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("neither terraform nor tofu is on the PATH"));

    let output = demo(&scratch).env("DEMO_BUILT", scratch.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("terraform-provider-rotation is missing: run make demo"));
}

#[test]
fn it_does_not_wait_for_a_sandbox_that_has_ended() {
    let scratch = tempfile::tempdir().unwrap();
    let elsewhere = scratch.path().join("built");
    std::fs::create_dir_all(elsewhere.join("examples")).unwrap();
    for (name, from) in [
        (
            "terraform-provider-rotation",
            built().join("terraform-provider-rotation"),
        ),
        ("examples/sandbox", PathBuf::from("/bin/false")),
    ] {
        std::os::unix::fs::symlink(from, elsewhere.join(name)).unwrap();
    }
    let output = ended(demo(&scratch).env("DEMO_BUILT", &elsewhere).spawn().unwrap());
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("the sandbox ended before it was ready"),
        "{}",
        said(&output)
    );
}
