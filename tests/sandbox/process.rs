//! The sandbox as a process: what it prints, and when it ends.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness;

fn start(arguments: &[&str]) -> (Child, Vec<String>) {
    let mut process = Command::new(harness::executable())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut said = Vec::new();
    for line in lines {
        let last = line == "ready";
        said.push(line);
        if last {
            break;
        }
    }
    (process, said)
}

/// Waits ten seconds at most; whether it ended well.
fn ends_well(process: &mut Child) -> bool {
    for _ in 0..200 {
        if let Some(status) = process.try_wait().unwrap() {
            return status.success();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    panic!("it did not end");
}

#[test]
fn it_ends_with_its_input_when_told_to_and_with_signals_always() {
    let (mut process, said) = start(&["--exit-with-stdin"]);
    drop(process.stdin.take());
    assert!(ends_well(&mut process));
    let (last, exports) = said.split_last().unwrap();
    assert!(last == "ready" && exports.len() > 16, "{said:?}");
    assert!(
        exports
            .iter()
            .all(|line| line.starts_with("export ") && line.ends_with('\''))
    );

    for signal in ["INT", "TERM"] {
        let (mut process, _) = start(&[]);
        drop(process.stdin.take());
        let killed = Command::new("kill")
            .args(["-s", signal, &process.id().to_string()])
            .status();
        assert!(killed.unwrap().success());
        assert!(ends_well(&mut process), "SIG{signal}");
    }
}

#[test]
fn it_tells_its_options_when_asked() {
    let help = Command::new(harness::executable()).arg("--help").output().unwrap();
    assert!(help.status.success());
    let said = String::from_utf8(help.stdout).unwrap();
    for option in ["--port N", "--exit-with-stdin", "--help"] {
        assert!(said.contains(option), "{said}");
    }
}

#[test]
fn what_goes_before_another_variable_is_exported_too() {
    let (process, said) = start(&["--exit-with-stdin"]);
    let value = |name: &str| {
        let found = said
            .iter()
            .find_map(|line| line.strip_prefix(&format!("export {name}=")));
        found.unwrap_or_else(|| panic!("no {name}: {said:?}")).to_owned()
    };
    assert_eq!(value("FLY_ACCESS_TOKEN"), value("FLY_API_TOKEN"));
    assert_eq!(value("AWS_ENDPOINT_URL_SSM"), value("AWS_ENDPOINT_URL"));
    drop(process);
}

#[test]
fn it_says_what_is_wrong_with_its_arguments() {
    for wrong in [&["--port", "many"][..], &["--invented"], &["--port"]] {
        let (mut process, said) = start(wrong);
        assert!(said.is_empty(), "{wrong:?}");
        assert!(!ends_well(&mut process), "{wrong:?}");
    }
}
