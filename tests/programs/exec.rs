//! The check `exec`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rotation_provider::check::exec::KIND;
use rotation_provider::check::{CheckFailure, Patience, Presents};
use rotation_provider::connection::Connections;
use rotation_provider::stop::Stop;
use rotation_provider::terraform::Value;

use super::{Argument, NEW, PREVIOUS, allowing, config, list, once, run, text, wrong};

const SHELL: &str = "/bin/sh";

fn world() -> Arc<Connections> {
    // Of what stands here, programs get nothing.
    allowing(
        list(&[SHELL, "/nowhere/verify", "/etc/passwd", "/etc"]),
        &[("PATH", "/usr/bin:/bin")],
    )
    .0
}

fn script(script: &str) -> Argument {
    ("command", list(&[SHELL, "-c", script]))
}

async fn ended(arguments: &[Argument], patience: Patience) -> Result<(), CheckFailure> {
    run(&*config(&KIND, arguments), &world(), patience, &Stop::default()).await
}

async fn failure(arguments: &[Argument]) -> String {
    let failure = ended(arguments, once(30)).await.unwrap_err();
    assert!(!failure.interrupted);
    failure.message
}

#[tokio::test]
async fn exit_code_0_passes_and_any_other_is_told_with_what_was_printed() {
    ended(&[script("exit 0")], once(30)).await.unwrap();
    let message = failure(&[script("echo to stdout; echo to stderr >&2; exit 3")]).await;
    assert_eq!(
        message,
        "/bin/sh failed with exit code 3.\n\nStandard error ends with:\n  to stderr\n\nStandard output ends with:\n  to stdout"
    );
    let message = failure(&[script("kill -9 $$")]).await;
    assert_eq!(message, "/bin/sh was killed by signal 9.");
}

#[tokio::test]
async fn the_credential_is_what_stands_on_standard_input_and_nothing_else() {
    let value = text("input", "{{ value }}");
    let reads = |expected: &str| script(&format!("test \"$(cat; echo .)\" = '{expected}.'"));
    ended(&[reads(NEW), value.clone()], once(30)).await.unwrap();
    ended(&[reads(PREVIOUS), value, text("credential", "previous")], once(30))
        .await
        .unwrap();
    ended(
        &[
            reads(&format!("{{\"token\":\"{NEW}\"}}")),
            text("input", "{\"token\":\"{{ token | json }}\"}"),
        ],
        once(30),
    )
    .await
    .unwrap();
    ended(&[reads("a word"), text("input", "a word")], once(30))
        .await
        .unwrap();
    ended(&[reads("")], once(30)).await.unwrap();
}

#[tokio::test]
async fn arguments_environment_and_folder_are_those_declared() {
    let arguments = [
        SHELL,
        "-c",
        "test \"$#:$1:$2:$3\" = \"3:a b:*:\\$HOME\"",
        "sh",
        "a b",
        "*",
        "$HOME",
    ];
    ended(&[("command", list(&arguments))], once(30)).await.unwrap();
    let variables = |expected: &str| {
        script(&format!(
            "unset PWD OLDPWD SHLVL _; test \"$(/usr/bin/env | /usr/bin/grep -v ^_= | /usr/bin/grep -v ^PWD=)\" = '{expected}'"
        ))
    };
    ended(&[variables("")], once(30)).await.unwrap();
    let stage = ("environment", Value::object([("STAGE", Value::string("one\ntwo"))]));
    ended(&[variables("STAGE=one\ntwo"), stage], once(30)).await.unwrap();
    ended(&[script("test \"$(pwd)\" = /")], once(30)).await.unwrap();
    ended(&[script("test \"$(pwd)\" = /usr"), text("directory", "/usr")], once(30))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_value_that_is_printed_is_redacted_in_the_message() {
    let value = text("input", "{{ value }}");
    for printing in [
        "cat >&2",
        "cat | base64 -w0",
        "cat | od -An -tx1 | tr -d ' \\n'",
        "x=$(cat); echo \"<$x>\"",
    ] {
        let path = ("environment", Value::object([("PATH", Value::string("/usr/bin:/bin"))]));
        let message = failure(&[script(&format!("{printing}; exit 1")), value.clone(), path]).await;
        assert!(message.contains("[redacted]"), "{printing}: {message}");
        assert!(
            !message.contains(NEW) && !message.contains("credential"),
            "{printing}: {message}"
        );
    }
    // What stands in state is no secret.
    let message = failure(&[script("cat; exit 1"), text("input", "settings/secrets")]).await;
    assert!(message.contains("settings/secrets"), "{message}");
}

#[tokio::test]
async fn ten_megabytes_of_output_are_drained_and_their_end_is_shown() {
    let large = "head -c 10000000 /dev/zero | tr '\\0' x; echo; echo the end; head -c 10000000 /dev/zero >&2; exit 1";
    let path = ("environment", Value::object([("PATH", Value::string("/usr/bin:/bin"))]));
    let message = failure(&[script(large), path]).await;
    assert!(message.ends_with("Standard output ends with:\n  the end"), "{message}");
    assert!(message.len() < 3_000, "{}", message.len());
}

#[tokio::test]
async fn output_that_is_no_text_is_shown_without_control_characters() {
    let message = failure(&[script("printf 'a\\377b\\033[2Jc\\000d\\n'; exit 1")]).await;
    assert!(message.ends_with("a\u{fffd}b\u{fffd}[2Jc\u{fffd}d"), "{message:?}");
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_ends_as_it_says() {
    let large = text("input", &format!("{}{{{{ value }}}}", "x".repeat(500_000)));
    ended(&[script("exec 0<&-; exit 0"), large.clone()], once(30))
        .await
        .unwrap();
    ended(&[script("head -c 10 >/dev/null; exit 0"), large.clone()], once(30))
        .await
        .unwrap();
    let message = failure(&[script("exec 0<&-; exit 4"), large.clone()]).await;
    assert!(message.contains("exit code 4"), "{message}");
    // One that prints as much as it reads waits for whoever does not do both.
    ended(&[script("cat"), large], once(30)).await.unwrap();
}

#[tokio::test]
async fn a_program_that_is_missing_or_not_executable_is_said_before_anything_is_made_and_when_it_is_started() {
    for (program, words) in [
        ("/nowhere/verify", "the program /nowhere/verify cannot be found"),
        ("/etc/passwd", "the file /etc/passwd is not executable"),
        ("/etc", "/etc is not a file"),
    ] {
        let arguments = [("command", list(&[program]))];
        let check = config(&KIND, &arguments).connect(&world().own()).unwrap();
        let error = check.inspect().await.unwrap_err();
        assert!(error.message.contains(words), "{error}");
        let message = failure(&arguments).await;
        assert!(
            message.starts_with(&format!("{program} was not started: {words}")),
            "{message}"
        );
    }
    let nowhere = [script("exit 0"), text("directory", "/nowhere")];
    let check = config(&KIND, &nowhere).connect(&world().own()).unwrap();
    assert!(
        check
            .inspect()
            .await
            .unwrap_err()
            .message
            .contains("the folder /nowhere cannot be found")
    );
    assert!(failure(&nowhere).await.contains("the folder /nowhere cannot be found"));
    let good = config(&KIND, &[script("exit 0")]).connect(&world().own()).unwrap();
    good.inspect().await.unwrap();
}

/// A program that starts others, none of which ends by itself; they write their numbers to a file.
fn endless(file: &Path, ignores_signals: bool) -> Argument {
    let trap = if ignores_signals { "trap '' TERM;" } else { "" };
    let file = file.display();
    script(&format!(
        "{trap} /bin/sleep 300 & echo $! >>{file}; /bin/sh -c 'echo $$ >>{file}; /bin/sleep 300; :' & echo $$ >>{file}; wait; wait; /bin/sleep 300"
    ))
}

/// Those of the numbers in a file that belong to a process which still runs after a moment: a kill is not waited for by who sends it.
fn alive(file: &Path) -> Vec<String> {
    let numbers = std::fs::read_to_string(file).unwrap();
    assert_eq!(numbers.lines().count(), 3, "{numbers}");
    let runs = |number: &&str| {
        let status = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        // A zombie waits for whoever adopts it, and does nothing.
        !status.is_empty() && !status.contains(") Z ")
    };
    let mut patience = 40;
    while numbers.lines().any(|number| runs(&number)) && patience > 0 {
        std::thread::sleep(Duration::from_millis(50));
        patience -= 1;
    }
    numbers.lines().filter(runs).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_with_all_that_it_has_started() {
    let folder = tempfile::tempdir().unwrap();
    for (name, ignores_signals) in [("polite", false), ("stubborn", true)] {
        let file = folder.path().join(name);
        let began = Instant::now();
        let failure = ended(&[endless(&file, ignores_signals)], once(1)).await.unwrap_err();
        assert!(!failure.interrupted);
        assert!(
            failure
                .message
                .contains("did not finish within 1 seconds and was killed")
                && failure.message.contains("may have had its effect"),
            "{}",
            failure.message
        );
        assert_eq!(alive(&file), [""; 0], "{name}");
        let least = if ignores_signals { 6 } else { 1 };
        assert!(
            (least..30).contains(&began.elapsed().as_secs()),
            "{name}: {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn an_interrupt_ends_a_program_and_all_that_it_has_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("numbers");
    let (stop, world, began) = (Stop::default(), world(), Instant::now());
    let config = config(&KIND, &[endless(&file, false)]);
    let interrupt = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.request();
    };
    let (result, ()) = tokio::join!(run(&*config, &world, once(120), &stop), interrupt);
    assert!(result.unwrap_err().interrupted);
    assert_eq!(alive(&file), [""; 0]);
    assert!(began.elapsed() < Duration::from_secs(20));
    // Nothing is started after it.
    let file = folder.path().join("later");
    let later = super::config(&KIND, &[script(&format!("echo >{}", file.display()))]);
    assert!(run(&*later, &world, once(10), &stop).await.unwrap_err().interrupted && !file.exists());
}

#[tokio::test]
async fn a_run_that_is_given_up_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("numbers");
    let given_up = tokio::time::timeout(Duration::from_secs(1), ended(&[endless(&file, false)], once(120))).await;
    assert!(given_up.is_err());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(alive(&file), [""; 0]);
}

#[tokio::test]
async fn what_a_program_leaves_in_the_background_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("number");
    let began = Instant::now();
    ended(
        &[script(&format!("/bin/sleep 30 & echo $! >{}; exit 0", file.display()))],
        once(60),
    )
    .await
    .unwrap();
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let number = std::fs::read_to_string(file).unwrap();
    let left = Path::new("/proc").join(number.trim());
    assert!(left.exists(), "a program may start a service");
    drop(std::process::Command::new("kill").arg(number.trim()).status());
}

#[tokio::test]
async fn only_a_failure_that_was_answered_is_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let patient = |timeout: u64| Patience {
        timeout: Duration::from_secs(timeout),
        retry_for: Duration::from_secs(20),
    };
    let counts = |name: &str, then: &str| {
        let file = folder.path().join(name).display().to_string();
        script(&format!("echo >>{file}; {}", then.replace("FILE", &file)))
    };
    let count = |name: &str| {
        std::fs::read_to_string(folder.path().join(name))
            .unwrap()
            .lines()
            .count()
    };
    ended(&[counts("third", "test $(/usr/bin/wc -l <FILE) -ge 3")], patient(10))
        .await
        .unwrap();
    assert_eq!(count("third"), 3);
    ended(&[counts("killed", "kill -9 $$")], patient(10)).await.unwrap_err();
    assert_eq!(count("killed"), 1);
    ended(&[counts("endless", "/bin/sleep 60")], patient(1))
        .await
        .unwrap_err();
    assert_eq!(count("endless"), 1);
    let message = failure(&[counts("once", "exit 1")]).await;
    assert_eq!((count("once"), message.contains("attempt")), (1, false));
}

#[test]
fn what_the_provider_block_does_not_name_is_not_run() {
    for entries in [Value::Null, list(&[]), list(&["/bin/true"]), list(&["/bin"])] {
        let (connections, problems) = allowing(entries, &[]);
        assert!(problems.is_empty());
        let why = config(&KIND, &[script("exit 0")])
            .connect(&connections.own())
            .err()
            .unwrap();
        assert_eq!(why.summary, "allow_exec does not name /bin/sh");
        assert!(why.detail.contains("allow_exec = [\"/bin/sh\"]"), "{}", why.detail);
    }
}

#[test]
fn what_a_check_presents_follows_from_its_input() {
    let program = ("command", list(&["/bin/true"]));
    let presents = |more: &[Argument]| {
        let config = config(&KIND, &[std::slice::from_ref(&program), more].concat());
        (config.presents(), config.parts_used())
    };
    assert_eq!(presents(&[]), (Presents::Nothing, vec![]));
    assert_eq!(presents(&[text("input", "x")]), (Presents::Nothing, vec![]));
    let pair = text("input", "{{ username }}:{{ password }}");
    let names = vec!["username".to_owned(), "password".to_owned()];
    assert_eq!(presents(std::slice::from_ref(&pair)), (Presents::New, names.clone()));
    assert_eq!(
        presents(&[pair, text("credential", "previous")]),
        (Presents::Previous, names)
    );
    let config = config(&KIND, &[program]);
    assert_eq!((config.has_effects(), config.effects_default()), (true, None));
}

#[test]
fn mistakes_are_reported_at_their_paths() {
    let program = || ("command", list(&["/bin/true"]));
    let variable = |name: &str, value: &str| ("environment", Value::object([(name, Value::string(value))]));
    let cases: [(Vec<Argument>, &str, &str); 18] = [
        (vec![], "command", "is required"),
        (vec![("command", list(&[]))], "command", "is empty"),
        (vec![("command", list(&["verify"]))], "command[0]", "absolute path"),
        (vec![("command", list(&["./verify"]))], "command[0]", "absolute path"),
        (vec![("command", list(&["/bin/../bin/true"]))], "command[0]", "without"),
        (
            vec![("command", list(&["/bin/true", "--token={{ value }}"]))],
            "command[1]",
            "input = \"{{ value }}\"",
        ),
        (
            vec![("command", list(&["/bin/true", "postgres://me:hunter2@host"]))],
            "command[1]",
            "password in plain text",
        ),
        (
            vec![("command", list(&["/bin/true", "--password", "hunter2"]))],
            "command[2]",
            "credential in plain text",
        ),
        (
            vec![(
                "command",
                list(&["/bin/true", "ghp_9f8a7B6c5D4e3F2g1H0iJkLmNoPqRsTuVwXy"]),
            )],
            "command[1]",
            "credential in plain text",
        ),
        (vec![("command", list(&["/bin/true", "a\0b"]))], "command[1]", "NUL"),
        (
            vec![program(), variable("TOKEN", "hunter2")],
            "environment[\"TOKEN\"]",
            "credential in plain text",
        ),
        (
            vec![program(), variable("X", "{{ value }}")],
            "environment[\"X\"]",
            "input = \"{{ value }}\"",
        ),
        (
            vec![program(), variable("TOKEN", "{{ value }}")],
            "environment[\"TOKEN\"]",
            "input = \"{{ value }}\"",
        ),
        (
            vec![program(), variable("A=B", "x")],
            "environment[\"A=B\"]",
            "name of a variable",
        ),
        (vec![program(), text("directory", "srv")], "directory", "absolute path"),
        (vec![program(), text("input", "{{ value")], "input", "not a template"),
        (
            vec![program(), text("input", "postgres://me:hunter2@host")],
            "input",
            "password in plain text",
        ),
        (
            vec![program(), text("credential", "previous")],
            "credential",
            "has no effect",
        ),
    ];
    for (arguments, path, words) in cases {
        let found = wrong(&KIND, &arguments);
        assert!(
            found.len() == 1 && found[0].0 == path && found[0].1.contains(words),
            "{arguments:?}: {found:?}"
        );
        assert!(!found[0].1.contains("hunter2"), "{found:?}");
    }
    // Templates of others are plain text.
    config(
        &KIND,
        &[("command", list(&["/usr/bin/docker", "ps", "--format", "{{.Names}}"]))],
    );
}

#[test]
fn unknown_values_are_no_mistakes() {
    for (name, value) in [
        ("command", Value::unknown()),
        ("command", Value::List(vec![Value::unknown()])),
        ("environment", Value::unknown()),
        ("environment", Value::object([("A", Value::unknown())])),
        ("directory", Value::unknown()),
        ("input", Value::unknown()),
        ("credential", Value::unknown()),
    ] {
        let arguments = [("command", list(&["/bin/true"])), (name, value)];
        assert_eq!(wrong(&KIND, &arguments), [], "{name}");
    }
}

#[test]
fn a_check_is_told_in_words() {
    let more = [
        ("command", list(&["/usr/local/bin/verify", "--env", "a b", "x\u{1b}y"])),
        ("environment", Value::object([("STAGE", Value::string("canary"))])),
        text("directory", "/srv/app"),
        text("input", "{{ value }}"),
    ];
    assert_eq!(
        config(&KIND, &more).in_words(),
        "program /usr/local/bin/verify --env \"a b\" \"x\\u{1b}y\" in /srv/app with STAGE=canary, which reads the new credential"
    );
}
