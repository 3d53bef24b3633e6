//! Values on this machine and on other hosts: the examples of the docs, lived through.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::exec::write;
use crate::interrupt::send;
use crate::sshd::Sshd;
use crate::story::{A_DAY, FLY_TOKEN, Story, says, unframed};
use crate::truth::alive;

const EXEC: &str = include_str!("../../examples/targets/exec/main.tf");
const SSH: &str = include_str!("../../examples/targets/ssh/main.tf");
const FILE: &str = include_str!("../../examples/targets/file/main.tf");
const AGE_FILE: &str = include_str!("../../examples/targets/age_file/main.tf");

/// The example without its preamble.
fn configuration(example: &str) -> String {
    let (_, configuration) = example.split_once("provider \"rotation\" {").unwrap();
    format!("provider \"rotation\" {{{configuration}")
}

fn again(configuration: &str) -> String {
    configuration.replacen("  source = ", "  rotation_reason = \"leaked\"\n  source = ", 1)
}

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn path(story: &Story, name: &str) -> PathBuf {
    story.workspace.path().join(name)
}

fn status(story: &Story, name: &str, target: &str) -> String {
    story.attributes_of(name)["deliveries"][target]["status"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn refreshed(story: &Story) -> String {
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success()
}

/// A program that keeps secrets as files, beside a log of what it was asked.
fn keeper(story: &Story) -> PathBuf {
    let program = path(story, "example-secrets");
    let folder = story.workspace.path().display().to_string();
    let script = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\necho \"$*\" >>{folder}/asked\nf={folder}/kept-$2\ncase $1 in\n\
         put) test -e {folder}/sealed && exit 3; cat >$f ;;\nversion) test -e $f && cat $f || true ;;\ndelete) rm -f $f ;;\nesac\n"
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    program
}

#[test]
fn a_program_keeps_a_key_from_its_first_write_to_its_removal() {
    let story = Story::new();
    let program = keeper(&story);
    let configuration = configuration(EXEC).replace("/usr/local/bin/example-secrets", program.to_str().unwrap());
    story.write_all(&configuration);
    says(
        &story.plan(),
        &[&format!(
            "wave 1: set SESSION_KEY of generation 1 through program {}",
            program.display()
        )],
    );
    let kept = path(&story, "kept-SESSION_KEY");
    assert_eq!(read(&kept), None, "a plan writes nothing");
    story.apply();
    let first = read(&kept).unwrap();
    assert_eq!(first.len(), 64, "{first}");
    assert!(!story.workspace.state().to_string().contains(&first));

    // A refusal leaves everything as it was, and the next apply goes on.
    std::fs::write(path(&story, "sealed"), "").unwrap();
    story.write_all(&again(&configuration));
    says(&story.fails(), &["nothing was written (refused_exit_codes)"]);
    assert_eq!(read(&kept).as_ref(), Some(&first));
    std::fs::remove_file(path(&story, "sealed")).unwrap();
    story.apply();
    let second = read(&kept).unwrap();
    assert_ne!(first, second);

    std::fs::write(&kept, "theirs").unwrap();
    refreshed(&story);
    assert_eq!(status(&story, "session_key", "vault"), "changed");
    std::fs::write(&kept, &second).unwrap();
    refreshed(&story);
    assert_eq!(status(&story, "session_key", "vault"), "current");
    story.destroy();
    assert_eq!(read(&kept), None);
    let asked = read(&path(&story, "asked")).unwrap();
    assert!(!asked.contains(&first) && !asked.contains(&second), "{asked}");
}

/// A value that consumers may have is revoked after the overlap, and one that provably nobody has at once.
#[test]
fn a_program_that_fails_leaves_what_it_may_have_written_alive() {
    for (refused, alive_then) in [("", 3), ("refused_exit_codes = [1]", 2)] {
        let story = Story::new();
        let file = path(&story, "token");
        let configure = |script: &str, more: &str| {
            let script = format!("/bin/cat >{}; {script}", file.display());
            let target = format!(
                "targets = {{ it = {{ on_remove = \"keep\", exec = {{ command = [\"/bin/sh\", \"-c\", {script:?}]\n {refused} }} }} }}"
            );
            let lines = [FLY_TOKEN, A_DAY, "on_existing = \"replace\"", &target, more];
            write(&story, &["/bin/sh"], &lines);
        };
        configure("exit 0", "");
        story.apply();
        configure("exit 1", "rotation_reason = \"leaked\"");
        says(&story.fails(), &["failed with exit code 1"]);
        assert_eq!(alive(&story).len(), 2);
        configure("exit 0", "rotation_reason = \"leaked\"");
        story.apply();
        assert_eq!(alive(&story).len(), alive_then, "{refused}");
        assert!(alive(&story).iter().any(|token| token.name.ends_with("-g3")));
        assert_eq!(status(&story, "it", "it"), "current");
    }
}

#[test]
fn where_nothing_can_be_read_nobody_says_that_an_entry_exists() {
    let story = Story::new();
    let file = path(&story, "token");
    let target = |read: &str| {
        let script = format!("/bin/cat >{}", file.display());
        format!(
            "targets = {{ it = {{ on_remove = \"keep\", exec = {{ command = [\"/bin/sh\", \"-c\", {script:?}]\n {read} }} }} }}"
        )
    };
    write(&story, &["/bin/sh"], &[FLY_TOKEN, A_DAY, &target("")]);
    let said = unframed(&story.fails());
    says(
        &said,
        &[
            "Cannot tell whether entry FLY_API_TOKEN through program /bin/sh exists",
            "Add `read` to the target, or set on_existing = \"replace\"",
        ],
    );
    assert!(!said.contains("already exists"), "{said}");
    assert_eq!((alive(&story).len(), read(&file)), (0, None));
    let look = format!("test ! -e {0} || /bin/cat {0}", file.display());
    let look = format!("read = {{ command = [\"/bin/sh\", \"-c\", {look:?}] }}");
    write(&story, &["/bin/sh"], &[FLY_TOKEN, A_DAY, &target(&look)]);
    story.apply();
    assert!(read(&file).is_some());
}

/// An interrupt lets the last write end, and then nothing is left to do.
#[test]
fn an_interrupt_during_the_last_write_leaves_no_unfinished_create() {
    let story = Story::new();
    let (file, begun) = (path(&story, "token"), path(&story, "begun"));
    let script = format!(": >{}; /bin/sleep 4; /bin/cat >{}", begun.display(), file.display());
    let target = format!(
        "targets = {{ it = {{ on_remove = \"keep\", exec = {{ command = [\"/bin/sh\", \"-c\", {script:?}] }} }} }}"
    );
    let lines = [FLY_TOKEN, A_DAY, "on_existing = \"replace\"", &target];
    write(&story, &["/bin/sh"], &lines);
    let mut command = story
        .workspace
        .command(&["apply", "-no-color", "-input=false", "-auto-approve"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut patience = 1_000;
    while read(&begun).is_none() && patience > 0 {
        std::thread::sleep(Duration::from_millis(20));
        patience -= 1;
    }
    send("kill", &["-INT"], &child);
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    assert!(!said.contains("activation or checks"), "{said}");
    assert!(read(&file).is_some(), "{said}");
    assert_eq!(story.attributes()["phase"], "settled", "{said}");
    story.settled();
}

#[test]
fn a_program_that_the_provider_block_does_not_name_is_refused_before_the_plan() {
    let story = Story::new();
    let program = keeper(&story);
    let configuration = configuration(EXEC).replace("/usr/local/bin/example-secrets", program.to_str().unwrap());
    let other = configuration.replacen(&format!("{:?}]", program.to_str().unwrap()), "\"/bin/true\"]", 1);
    story.write_all(&other);
    for command in ["validate", "plan"] {
        says(
            &story.refused(command),
            &[&format!("allow_exec does not name {}", program.display())],
        );
    }
    assert_eq!(read(&path(&story, "asked")), None);
}

#[test]
fn a_key_reaches_a_server_which_is_restarted_after_it() {
    let (story, server) = (Story::new(), Sshd::start());
    let folder = story.workspace.path().display().to_string();
    let configuration = configuration(SSH)
        .replace("[\"app.example.com\"]", &format!("[\"127.0.0.1:{}\"]", server.port()))
        .replace(
            "\"app.example.com\"",
            &format!("\"127.0.0.1\"\n    port = {}", server.port()),
        )
        .replace("\"deploy\"", &format!("{:?}", server.user()))
        .replace("/home/ci/.ssh/example", server.private_key("user").to_str().unwrap())
        .replace(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
            server.host_key().trim(),
        )
        .replace(
            "sudo systemctl restart example",
            &format!("cp {folder}/webhook.key {folder}/loaded"),
        )
        .replace("/srv/example", &folder);
    story.write_all(&configuration);
    says(
        &story.plan(),
        &[&format!(
            "wave 1: set WEBHOOK_SECRET_KEY of generation 1 on host {}@127.0.0.1:{}",
            server.user(),
            server.port()
        )],
    );
    story.apply();
    let key = path(&story, "webhook.key");
    let first = read(&key).unwrap();
    assert_eq!(first.len(), 44, "a Fernet key");
    assert_eq!(read(&path(&story, "loaded")).as_ref(), Some(&first));
    assert!(!story.workspace.state().to_string().contains(&first));

    story.write_all(&again(&configuration));
    story.apply();
    let second = read(&key).unwrap();
    assert_ne!(first, second);
    std::fs::write(&key, "theirs").unwrap();
    refreshed(&story);
    assert_eq!(status(&story, "webhook_key", "server"), "changed");
    std::fs::write(&key, &second).unwrap();

    // Another machine in its place gets nothing.
    let elsewhere = again(&configuration).replace(server.host_key().trim(), server.public_key("stranger").trim());
    story.write_all(&elsewhere.replace("\"leaked\"", "\"leaked once more\""));
    says(&story.fails(), &["the host presents the key ssh-ed25519 SHA256:"]);
    assert_eq!(read(&key).as_ref(), Some(&second));
    story.write_all(&again(&configuration));
    story.destroy();
    assert_eq!(read(&key), None);
}

/// The example of `file`, in the workspace.
fn in_workspace(story: &Story) -> String {
    configuration(FILE)
        .replace("/srv/example/.env", path(story, ".env").to_str().unwrap())
        .replace("[\"/usr/bin/systemctl\"]", "[\"/bin/sh\"]")
        .replace(
            "[\"/usr/bin/systemctl\", \"restart\", \"example\"]",
            &format!(
                "[\"/bin/sh\", \"-c\", \". {}; test -n \\\"$SESSION_KEY\\\" -a \\\"$PORT\\\" = 8080\"]",
                path(story, ".env").display()
            ),
        )
}

fn line(story: &Story) -> Option<String> {
    let text = read(&path(story, ".env"))?;
    text.lines()
        .find_map(|line| line.strip_prefix("SESSION_KEY="))
        .map(str::to_owned)
}

#[test]
fn a_line_of_a_dotenv_file_lives_beside_others() {
    let story = Story::new();
    let others = "# The service\nPORT=8080\n";
    std::fs::write(path(&story, ".env"), others).unwrap();
    let configuration = in_workspace(&story);
    story.write_all(&configuration);
    says(
        &story.plan(),
        &[&format!(
            "wave 1: set SESSION_KEY of generation 1 in file {}",
            path(&story, ".env").display()
        )],
    );
    story.apply();
    let first = line(&story).unwrap();
    assert!(read(&path(&story, ".env")).unwrap().starts_with(others));
    assert!(!story.workspace.state().to_string().contains(&first));
    story.write_all(&again(&configuration));
    story.apply();
    let second = line(&story).unwrap();
    assert_ne!(first, second);

    let ours = read(&path(&story, ".env")).unwrap();
    std::fs::write(path(&story, ".env"), ours.replace(&second, "theirs")).unwrap();
    refreshed(&story);
    assert_eq!(status(&story, "session_key", "service"), "changed");
    std::fs::write(path(&story, ".env"), &ours).unwrap();
    refreshed(&story);
    story.settled();
    story.destroy();
    assert_eq!(read(&path(&story, ".env")).as_deref(), Some(others));
}

/// Whoever gives others access to the file is told, and the next write takes it away.
#[test]
fn a_dotenv_file_that_others_can_read_is_told() {
    let story = Story::new();
    let file = path(&story, ".env");
    std::fs::write(&file, "PORT=8080\n").unwrap();
    let configuration = in_workspace(&story);
    story.write_all(&configuration);
    story.apply();
    let set_mode = |mode| std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    set_mode(0o644);
    let words = format!("The mode of {} is 0644, and 0640 is configured", file.display());
    let said = unframed(&story.settled());
    says(
        &said,
        &["drifted", &words, &format!("Run chmod 0640 {}", file.display())],
    );
    refreshed(&story);
    assert_eq!(status(&story, "session_key", "service"), "current");
    set_mode(0o400);
    refreshed(&story);
    assert!(!story.settled().contains("drifted"));
    set_mode(0o660);
    refreshed(&story);
    story.write_all(&again(&configuration));
    story.apply();
    assert!(!story.settled().contains("drifted"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn an_interrupted_rotation_goes_on_with_the_value_of_the_file() {
    let story = Story::new();
    std::fs::write(path(&story, ".env"), "PORT=8080\n").unwrap();
    let second_target = format!(
        "targets = {{\n    late = {{ wave = 2, exec = {{ command = [\"/bin/sh\", \"-c\", \"/bin/cat >{0}\"], read = {{ command = [\"/bin/sh\", \"-c\", \
         \"test ! -e {0} || /bin/cat {0}\"] }} }}, on_remove = \"keep\" }}\n",
        path(&story, "late").display()
    );
    let good = in_workspace(&story).replacen("targets = {\n", &second_target, 1);
    story.write_all(&good);
    story.apply();
    let bad = again(&good).replace("/bin/cat >", "exit 1; /bin/cat >");
    story.write_all(&bad);
    story.fails();
    let second = line(&story).unwrap();
    assert_ne!(read(&path(&story, "late")).as_ref(), Some(&second));
    story.write_all(&again(&good));
    story.apply();
    assert_eq!(
        (line(&story).as_ref(), read(&path(&story, "late")).as_ref()),
        (Some(&second), Some(&second))
    );
}

#[test]
fn a_recovery_copy_follows_each_rotation_and_leaves_with_the_secret() {
    let story = Story::new();
    let copy = path(&story, "SESSION_KEY.age");
    let configuration = configuration(AGE_FILE).replace("/srv/recovery", story.workspace.path().to_str().unwrap());
    story.write_all(&configuration);
    story.apply();
    let first = read(&copy).unwrap();
    assert!(first.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"), "{first}");
    story.write_all(&again(&configuration));
    story.apply();
    let second = read(&copy).unwrap();
    assert_ne!(first, second);
    // Who may read it is changed without another value: Parameter Store gives that back.
    let fewer = again(&configuration).replace(
        ", \"age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg\"",
        "",
    );
    story.write_all(&fewer);
    story.apply();
    assert!(read(&copy).unwrap().len() < second.len());
    assert_eq!(story.attributes_of("session_key")["generation"], 2);
    std::fs::remove_file(&copy).unwrap();
    refreshed(&story);
    assert_eq!(status(&story, "session_key", "recovery"), "missing");
    story.apply();
    assert!(copy.exists());
    story.destroy();
    assert!(!copy.exists());
}

#[test]
fn a_file_that_was_written_in_this_very_second_holds_up_no_revocation() {
    let story = Story::new();
    let recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let copy = path(&story, "copy.age").display().to_string();
    let targets =
        format!("targets = {{\n    copy = {{ age_file = {{ path = {copy:?}, recipients = [{recipient:?}] }} }}\n  }}");
    let rotate = |reason: &str| {
        story.configure(&[
            FLY_TOKEN,
            &targets,
            "overlap = \"0s\"",
            &format!("rotation_reason = {reason:?}"),
        ]);
        story.apply();
        assert_eq!(alive(&story).len(), 1, "{reason}");
        story.settled();
    };
    for reason in ["first", "second", "third", "fourth"] {
        rotate(reason);
    }
}
