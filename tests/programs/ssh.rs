//! The check `ssh`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rotation_provider::check::ssh::KIND;
use rotation_provider::check::{CheckFailure, Patience};
use rotation_provider::connection::Connections;
use rotation_provider::stop::Stop;
use rotation_provider::terraform::Value;

use super::sshd::Sshd;
use super::{Argument, NEW, PREVIOUS, allowing, config, list, once, run, text, wrong};

/// A server, and a provider block that names it.
struct World {
    server: Sshd,
    connections: Arc<Connections>,
    scratch: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::of(Sshd::start())
    }

    fn of(server: Sshd) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let entry = format!("127.0.0.1:{}", server.port());
        let environment = [
            ("PATH", "relative:/nowhere:/usr/bin"),
            ("TMPDIR", scratch.path().to_str().unwrap()),
        ];
        let (connections, problems) = allowing(list(&[&entry]), &environment);
        assert!(problems.is_empty(), "{problems:?}");
        Self {
            server,
            connections,
            scratch,
        }
    }

    /// A whole configuration with these arguments.
    fn with(&self, more: &[Argument]) -> Vec<Argument> {
        let port = ("port", Value::number(u64::from(self.server.port())));
        let mut arguments = vec![
            text("host", "127.0.0.1"),
            port,
            text("user", self.server.user()),
            text("host_key", &self.server.host_key()),
            text("identity_file", self.server.private_key("user").to_str().unwrap()),
        ];
        arguments.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        arguments.extend_from_slice(more);
        arguments
    }

    async fn ended(&self, more: &[Argument], patience: Patience) -> Result<(), CheckFailure> {
        let config = config(&KIND, &self.with(more));
        let ended = run(&*config, &self.connections, patience, &Stop::default()).await;
        self.left_nothing();
        ended
    }

    async fn failure(&self, more: &[Argument]) -> String {
        let failure = self.ended(more, once(30)).await.unwrap_err();
        assert!(!failure.interrupted);
        failure.message
    }

    /// The folder of the client's files is gone.
    fn left_nothing(&self) {
        assert_eq!(std::fs::read_dir(self.scratch.path()).unwrap().count(), 0);
    }
}

fn command(text: &str) -> Argument {
    ("command", Value::string(text))
}

#[tokio::test]
async fn a_command_passes_by_its_exit_code_and_reads_the_credential() {
    let world = World::new();
    world.ended(&[command("true")], once(30)).await.unwrap();
    let value = text("input", "{{ value }}");
    let reads = |expected: &str| command(&format!("test \"$(cat; echo .)\" = '{expected}.'"));
    world.ended(&[reads(NEW), value.clone()], once(30)).await.unwrap();
    world
        .ended(&[reads(PREVIOUS), value, text("credential", "previous")], once(30))
        .await
        .unwrap();
    world.ended(&[reads("")], once(30)).await.unwrap();
    let place = format!("{}@127.0.0.1:{}", world.server.user(), world.server.port());
    // The client ends with 255 when it fails itself; a command may do so, too.
    for code in [1, 3, 254, 255] {
        let message = world
            .failure(&[command(&format!("echo out; echo no >&2; exit {code}"))])
            .await;
        assert_eq!(
            message,
            format!(
                "The command on {place} failed with exit code {code}.\n\nStandard error ends with:\n  no\n\nStandard output ends with:\n  out"
            )
        );
    }
    let message = world.failure(&[command("kill -9 $$")]).await;
    assert!(message.contains("was killed by a signal there"), "{message}");
}

#[tokio::test]
async fn a_host_with_another_key_gets_nothing() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("reached");
    let reaches = command(&format!("cat >{}", file.display()));
    for key in ["stranger", "other_kind"] {
        let pinned = text("host_key", &world.server.public_key(key));
        let message = world
            .failure(&[reaches.clone(), text("input", "{{ value }}"), pinned])
            .await;
        let fingerprint = |name: &str| {
            let path = world.server.private_key(name);
            let output = std::process::Command::new("ssh-keygen")
                .arg("-lf")
                .arg(path)
                .output()
                .unwrap();
            String::from_utf8(output.stdout)
                .unwrap()
                .split(' ')
                .nth(1)
                .unwrap()
                .to_owned()
        };
        for words in [fingerprint("host"), fingerprint(key), "nothing was sent".to_owned()] {
            assert!(message.contains(&words), "{words} is not in {message}");
        }
        assert!(!file.exists());
    }
}

#[tokio::test]
async fn a_refused_key_an_absent_host_and_a_lost_connection_are_told_apart() {
    let world = World::new();
    let stranger = text("identity_file", world.server.private_key("stranger").to_str().unwrap());
    let message = world.failure(&[command("true"), stranger]).await;
    assert!(
        message.contains("the host refuses the key. OpenSSH says:")
            && message.contains("Permission denied (publickey)"),
        "{message}"
    );
    let readable = world.scratch.path().with_extension("key");
    std::fs::copy(world.server.private_key("user"), &readable).unwrap();
    std::fs::set_permissions(&readable, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let message = world
        .failure(&[command("true"), text("identity_file", readable.to_str().unwrap())])
        .await;
    assert!(
        message.contains(&format!(
            "mode 0644), and OpenSSH does not use such a key: run chmod 600 {}",
            readable.display()
        )),
        "{message}"
    );
    std::fs::remove_file(readable).unwrap();
    let nobody = World::of(Sshd::start());
    let arguments = nobody.with(&[command("true")]);
    let World {
        server, connections, ..
    } = nobody;
    drop(server);
    let failure = run(
        &*config(&KIND, &[&arguments[..4], &arguments[5..]].concat()),
        &connections,
        once(30),
        &Stop::default(),
    )
    .await;
    assert!(
        failure
            .unwrap_err()
            .message
            .contains("there is no key: set `identity_file`")
    );
    let key = text("identity_file", world.server.private_key("user").to_str().unwrap());
    let arguments = [&arguments[..4], &arguments[5..], &[key]].concat();
    let failure = run(&*config(&KIND, &arguments), &connections, once(30), &Stop::default())
        .await
        .unwrap_err();
    assert!(
        failure.message.contains("the host cannot be reached") && failure.message.contains("Connection refused"),
        "{}",
        failure.message
    );
    // The command kills the server's process of this connection.
    let message = world.failure(&[command("kill -9 $PPID; sleep 60")]).await;
    assert!(
        message.contains("was lost before the command ended") && message.contains("may have had its effect"),
        "{message}"
    );
}

#[tokio::test]
async fn a_value_that_is_printed_there_is_redacted_here() {
    let world = World::new();
    let message = world
        .failure(&[
            command("printf 'a '; cat; printf ' b'; exit 1"),
            text("input", "{{ value }}"),
        ])
        .await;
    assert!(
        message.ends_with("Standard output ends with:\n  a [redacted] b"),
        "{message}"
    );
    let large = "head -c 10000000 /dev/zero | tr '\\0' x; echo; printf 'the end\\377'; exit 1";
    let message = world.failure(&[command(large)]).await;
    assert!(
        message.ends_with("Standard output ends with:\n  the end\u{fffd}"),
        "{message}"
    );
}

#[tokio::test]
async fn arguments_of_the_client_hold_no_value_and_forward_nothing() {
    let world = World::new();
    let shows = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null; tr '\\0' '\\n' <$p/environ 2>/dev/null; done | grep -c marker-of-this-tes[t]; \
                 test -z \"$SSH_AUTH_SOCK$DISPLAY\" && ! test -t 0; echo $?";
    let message = world
        .failure(&[
            command(&format!("{shows}; cat >/dev/null; exit 1")),
            text("input", "marker-of-this-test {{ value }}"),
        ])
        .await;
    assert!(message.ends_with("Standard output ends with:\n  0\n  0"), "{message}");
}

#[tokio::test]
async fn a_command_that_does_not_end_is_left_and_said_to_go_on() {
    let world = World::new();
    let began = Instant::now();
    let failure = world.ended(&[command("sleep 60")], once(2)).await.unwrap_err();
    assert!(
        failure.message.contains("did not finish within 2 seconds") && failure.message.contains("may go on there"),
        "{}",
        failure.message
    );
    let stop = Stop::default();
    let config = config(&KIND, &world.with(&[command("sleep 60")]));
    let interrupt = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.request();
    };
    let (result, ()) = tokio::join!(run(&*config, &world.connections, once(60), &stop), interrupt);
    assert!(result.unwrap_err().interrupted && began.elapsed() < Duration::from_secs(30));
    world.left_nothing();
}

#[tokio::test]
async fn the_agent_is_used_where_no_file_is_named() {
    let world = World::new();
    let agent = Agent::with(&world.server);
    let entry = format!("127.0.0.1:{}", world.server.port());
    let (connections, _) = allowing(
        list(&[&entry]),
        &[("PATH", "/usr/bin"), ("SSH_AUTH_SOCK", &agent.socket)],
    );
    let arguments: Vec<Argument> = world
        .with(&[command("true")])
        .into_iter()
        .filter(|(name, _)| *name != "identity_file")
        .collect();
    run(&*config(&KIND, &arguments), &connections, once(30), &Stop::default())
        .await
        .unwrap();
}

/// An agent that holds the user's key.
struct Agent {
    process: std::process::Child,
    socket: String,
    _folder: tempfile::TempDir,
}

impl Agent {
    fn with(server: &Sshd) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent").display().to_string();
        let process = std::process::Command::new("ssh-agent")
            .args(["-D", "-a", &socket])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..100 {
            if std::path::Path::new(&socket).exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut add = std::process::Command::new("ssh-add");
        let added = add
            .arg("-q")
            .arg(server.private_key("user"))
            .env("SSH_AUTH_SOCK", &socket)
            .status()
            .unwrap();
        assert!(added.success());
        Self {
            process,
            socket,
            _folder: folder,
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn a_host_that_the_provider_block_does_not_name_is_not_used() {
    let arguments = [
        text("host", "app.example.com"),
        text("user", "deploy"),
        text("host_key", KEY),
        command("true"),
    ];
    for (entries, port, entry) in [
        (list(&[]), 22, "app.example.com"),
        (list(&["app.example.com:2222", "example.com"]), 22, "app.example.com"),
        (list(&["app.example.com"]), 2222, "app.example.com:2222"),
    ] {
        let (connections, _) = allowing(entries, &[]);
        let arguments = [&arguments[..], &[("port", Value::number(port))]].concat();
        let why = config(&KIND, &arguments).connect(&connections.own()).err().unwrap();
        assert_eq!(why.summary, format!("allow_exec does not name {entry}"));
    }
    let (connections, _) = allowing(list(&["APP.example.com"]), &[]);
    assert!(config(&KIND, &arguments).connect(&connections.own()).is_ok());
}

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

#[test]
fn mistakes_are_reported_at_their_paths() {
    let cases: [(&str, Value, &str); 19] = [
        ("host", Value::Null, "is required"),
        ("host", Value::string("deploy@app"), "without a user name"),
        ("host", Value::string("-oProxyCommand=id"), "not a host"),
        ("port", Value::number(0), "from 1 to 65535"),
        ("user", Value::Null, "is required"),
        ("user", Value::string("-l"), "not a user name"),
        ("user", Value::string("a b"), "not a user name"),
        ("host_key", Value::Null, "is required"),
        ("host_key", Value::string("SHA256:abc"), "fingerprint"),
        (
            "host_key",
            Value::string("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2"),
            "private key in plain text",
        ),
        ("identity_file", Value::string("id_ed25519"), "absolute path"),
        ("identity_file", Value::string("~/.ssh/id_ed25519"), "absolute path"),
        ("identity_file", Value::string("/home/%u/id"), "gives a meaning"),
        (
            "identity_file",
            Value::string("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2"),
            "private key in plain text",
        ),
        ("command", Value::Null, "is required"),
        ("command", Value::string("login {{ value }}"), "input = \"{{ value }}\""),
        (
            "command",
            Value::string("psql postgres://me:hunter2@host"),
            "password in plain text",
        ),
        (
            "command",
            Value::string("PGPASSWORD=hunter2 psql"),
            "credential in plain text",
        ),
        ("input", Value::string("{{ value"), "not a template"),
    ];
    for (name, value, words) in cases {
        let base = [
            text("host", "app.example.com"),
            text("user", "deploy"),
            text("host_key", KEY),
            command("true"),
        ];
        let unknown = base
            .iter()
            .filter(|(other, _)| *other != name)
            .cloned()
            .chain([(name, Value::unknown())]);
        assert_eq!(wrong(&KIND, &unknown.collect::<Vec<_>>()), [], "{name}");
        let arguments: Vec<Argument> = base
            .into_iter()
            .filter(|(other, _)| *other != name)
            .chain([(name, value)])
            .collect();
        let found = wrong(&KIND, &arguments);
        assert!(
            found.len() == 1 && found[0].0 == name && found[0].1.contains(words),
            "{name}: {found:?}"
        );
        assert!(!found[0].1.contains("hunter2"), "{found:?}");
    }
}

#[test]
fn a_check_is_told_in_words() {
    let arguments = [
        text("host", "app.example.com"),
        ("port", Value::number(2222)),
        text("user", "deploy"),
        text("host_key", KEY),
        text("identity_file", "/home/ci/.ssh/id_ed25519"),
        command("/srv/app/verify --env production"),
        text("input", "{{ value }}"),
        text("credential", "previous"),
    ];
    assert_eq!(
        config(&KIND, &arguments).in_words(),
        "command \"/srv/app/verify --env production\" on deploy@app.example.com:2222 with the key /home/ci/.ssh/id_ed25519, which reads the \
         previous credential"
    );
}
