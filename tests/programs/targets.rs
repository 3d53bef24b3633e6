//! The targets `exec` and `ssh`: entries that real commands write, on this machine and on a real OpenSSH server.

use std::path::PathBuf;
use std::sync::Arc;

use rotation_provider::address::Address;
use rotation_provider::call::{CallError, CallErrorKind, Effect, WritePermit};
use rotation_provider::connection::Connections;
use rotation_provider::label::Label;
use rotation_provider::rotation::{DeliveryRecord, DeliveryStatus, Verdict, judge};
use rotation_provider::secret::Secret;
use rotation_provider::target::{self, Delivery, Receipt, Slot, Target, TargetConfig, TargetKind};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

use super::sshd::Sshd;
use super::{Argument, allowing, list, text};

const ID: &str = "0123456789abcdef0123456789abcdef";
const VALUE: &str = "canary-6f1d0c2b9a7e4835-canary";
const OTHER: &str = "canary-0000000011111111-canary";
const SHELL: &str = "/bin/sh";

/// What is the same for both kinds: commands of a shell.
struct Bench {
    kind: &'static TargetKind,
    scratch: tempfile::TempDir,
    connections: Arc<Connections>,
    server: Option<Sshd>,
}

impl Bench {
    fn exec() -> Self {
        Self {
            kind: &target::exec::KIND,
            scratch: tempfile::tempdir().unwrap(),
            connections: allowing(list(&[SHELL, "/nowhere/put"]), &[]).0,
            server: None,
        }
    }

    fn ssh() -> Self {
        let (scratch, server) = (tempfile::tempdir().unwrap(), Sshd::start());
        let entry = format!("127.0.0.1:{}", server.port());
        let client = scratch.path().join("client");
        std::fs::create_dir(&client).unwrap();
        let environment = [("PATH", "/usr/bin:/bin"), ("TMPDIR", client.to_str().unwrap())];
        let (connections, problems) = allowing(list(&[&entry, "127.0.0.1:1"]), &environment);
        assert!(problems.is_empty(), "{problems:?}");
        Self {
            kind: &target::ssh::KIND,
            scratch,
            connections,
            server: Some(server),
        }
    }

    fn both() -> [Self; 2] {
        [Self::exec(), Self::ssh()]
    }

    /// A command, as the kind has it.
    fn command(&self, script: &str) -> Value {
        match self.server {
            None => list(&[SHELL, "-c", script]),
            Some(_) => Value::string(script),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn held(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.file(name)).ok()
    }

    /// The arguments beside commands.
    fn own(&self) -> Vec<Argument> {
        let Some(server) = &self.server else {
            return vec![("environment", Value::object([("PATH", Value::string("/usr/bin:/bin"))]))];
        };
        vec![
            text("host", "127.0.0.1"),
            ("port", Value::number(u64::from(server.port()))),
            text("user", server.user()),
            text("host_key", &server.host_key()),
            text("identity_file", server.private_key("user").to_str().unwrap()),
        ]
    }

    /// An entry that is the file of that name, with commands that write, read and remove it.
    fn arguments(&self, name: &str) -> Vec<Argument> {
        let path = self.file(name).display().to_string();
        let nested = |script: String| Value::object([("command", self.command(&script))]);
        let mut arguments = self.own();
        arguments.extend([
            text("name", name),
            (
                "command",
                self.command(&format!("cat >{path}.new && mv {path}.new {path}")),
            ),
            ("read", nested(format!("cat {path} 2>/dev/null || true"))),
            ("remove", nested(format!("rm -f {path}"))),
        ]);
        arguments
    }

    fn entry(&self, arguments: &[Argument]) -> Entry {
        let value = Value::Map(
            arguments
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        );
        let mut problems = Diagnostics::new();
        let config = (self.kind.parse)(&Node::root(&value, Origin::Configuration), Some("KEY"), &mut problems);
        let config = config.unwrap_or_else(|| panic!("{problems:?}"));
        let link = self.connections.own();
        Entry {
            address: config.slot(&link).unwrap(),
            target: config.connect(&link).unwrap(),
            config,
        }
    }

    /// The one whose write is that script.
    fn writing(&self, script: &str, more: &[Argument]) -> Entry {
        let mut arguments = self.own();
        arguments.push(("command", self.command(script)));
        arguments.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        arguments.extend_from_slice(more);
        self.entry(&arguments)
    }

    /// The slot as it is found again when the configuration is gone.
    fn at_address(&self, entry: &Entry) -> Box<dyn Slot> {
        let stored: Address = entry.address.to_string().parse().unwrap();
        (self.kind.slot)(&stored, &self.connections.own()).unwrap()
    }
}

struct Entry {
    config: Box<dyn TargetConfig>,
    address: Address,
    target: Box<dyn Target>,
}

impl Entry {
    async fn deliver(&self, value: &str, generated: bool) -> Result<Receipt, CallError> {
        let (value, label) = (Secret::new(value.to_owned()), Label::new("suite", ID, 1));
        let delivery = Delivery {
            slot: self.address.clone(),
            value: &value,
            label: &label,
            content: None,
            origin: "9f3ac01b",
            generated,
        };
        let receipts = self
            .target
            .deliver(&[delivery], &WritePermit::granted_by_apply())
            .await?;
        Ok(receipts[0].clone())
    }

    async fn failure(&self) -> CallError {
        self.deliver(VALUE, true).await.unwrap_err()
    }

    fn record(&self, receipt: &Receipt) -> DeliveryRecord {
        DeliveryRecord {
            generation: Some(1),
            status: DeliveryStatus::Current,
            revision: receipt.revision.clone(),
            ..DeliveryRecord::new(self.address.to_string())
        }
    }
}

async fn whose(slot: &dyn Slot, record: &DeliveryRecord) -> Verdict {
    let seen = target::confirmed(slot, record.revision.as_deref()).await;
    judge(record, seen.unwrap().as_ref(), ID)
}

#[tokio::test]
async fn an_entry_is_written_looked_at_and_removed_and_its_neighbour_stays() {
    for bench in Bench::both() {
        let (one, other) = (
            bench.entry(&bench.arguments("ONE")),
            bench.entry(&bench.arguments("OTHER")),
        );
        one.target.check_writable().await.unwrap();
        assert_eq!(one.target.slot().inspect().await.unwrap(), None);
        let receipt = one.deliver(VALUE, true).await.unwrap();
        other.deliver(OTHER, true).await.unwrap();
        assert_eq!(bench.held("ONE").as_deref(), Some(VALUE), "exactly the value");
        let record = one.record(&receipt);
        let slot = bench.at_address(&one);
        assert_eq!(whose(slot.as_ref(), &record).await, Verdict::Recorded);
        // Without the record, something is there and nobody knows whose.
        let seen = slot.inspect().await.unwrap().unwrap();
        assert_eq!((seen.revision, seen.label), (None, None));

        std::fs::write(bench.file("ONE"), OTHER).unwrap();
        assert_eq!(whose(slot.as_ref(), &record).await, Verdict::Foreign);
        let receipt = one.deliver(VALUE, true).await.unwrap();
        assert_eq!(whose(slot.as_ref(), &one.record(&receipt)).await, Verdict::Recorded);
        assert_ne!(receipt.revision, record.revision, "each write has its salt");

        slot.remove(&WritePermit::granted_by_apply()).await.unwrap();
        slot.remove(&WritePermit::granted_by_apply()).await.unwrap();
        assert_eq!((bench.held("ONE"), bench.held("OTHER").as_deref()), (None, Some(OTHER)));
        assert_eq!(whose(slot.as_ref(), &record).await, Verdict::Empty);
    }
}

#[tokio::test]
async fn of_a_supplied_value_nothing_is_kept_that_follows_from_it() {
    for bench in Bench::both() {
        let entry = bench.entry(&bench.arguments("ONE"));
        let receipt = entry.deliver("hunter2", false).await.unwrap();
        assert_eq!(receipt.revision, None);
        assert_eq!(
            whose(entry.target.slot(), &entry.record(&receipt)).await,
            Verdict::CannotTell
        );
    }
}

#[tokio::test]
async fn how_a_command_ends_says_what_came_of_the_write() {
    for bench in Bench::both() {
        let refuses = (
            "refused_exit_codes",
            Value::List(vec![Value::number(3), Value::number(75)]),
        );
        for (script, more, effect, words) in [
            (
                "cat >/dev/null; exit 3",
                vec![],
                Effect::Possible,
                "failed with exit code 3",
            ),
            (
                "exit 3",
                vec![refuses.clone()],
                Effect::None,
                "nothing was written (refused_exit_codes)",
            ),
            ("exit 4", vec![refuses], Effect::Possible, "failed with exit code 4"),
            ("exit 255", vec![], Effect::Possible, "failed with exit code 255"),
            ("kill -9 $$", vec![], Effect::Possible, "was killed by"),
            (
                "sleep 60",
                vec![text("timeout", "2s")],
                Effect::Possible,
                "within 2 seconds",
            ),
            (
                "echo why >&2; exit 1",
                vec![],
                Effect::Possible,
                "Standard error ends with: why",
            ),
        ] {
            let error = bench.writing(script, &more).failure().await;
            assert_eq!(error.effect, effect, "{script}: {error}");
            assert!(error.to_string().contains(words), "{script}: {error}");
            assert_ne!(error.kind, CallErrorKind::Interrupted);
        }
        // A value that is not read is no failure of its own.
        bench.writing("exit 0", &[]).deliver(VALUE, true).await.unwrap();
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_started_has_written_nothing() {
    let bench = Bench::exec();
    let missing = bench.writing("", &[("command", list(&["/nowhere/put"]))]);
    let error = missing.target.check_writable().await.unwrap_err();
    assert!(
        error.to_string().contains("the program /nowhere/put cannot be found"),
        "{error}"
    );
    assert_eq!(missing.failure().await.effect, Effect::None);
}

#[tokio::test]
async fn a_host_that_is_not_reached_or_is_another_has_got_nothing() {
    let bench = Bench::ssh();
    let server = bench.server.as_ref().unwrap();
    let takes = format!("cat >{}", bench.file("got").display());
    let stranger = server.private_key("stranger");
    for (more, words) in [
        (
            text("host_key", &server.public_key("stranger")),
            "nothing was sent: the host presents the key ssh-ed25519 SHA256:",
        ),
        (
            text("identity_file", stranger.to_str().unwrap()),
            "the host refuses the key",
        ),
        (("port", Value::number(1)), "the host cannot be reached"),
    ] {
        let error = bench.writing(&takes, &[more]).failure().await;
        assert_eq!(error.effect, Effect::None, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        // What to do about it is not cut off.
        assert!(error.message.ends_with('.') && !error.message.contains('…'), "{error}");
        assert_eq!(bench.held("got"), None);
    }
    // The session ends before the command has said how it went.
    let error = bench
        .writing(&format!("{takes}; kill -9 $PPID; sleep 5"), &[])
        .failure()
        .await;
    assert_eq!(
        (&error.kind, error.effect),
        (&CallErrorKind::TimedOut, Effect::Possible),
        "{error}"
    );
    assert_eq!(bench.held("got").as_deref(), Some(VALUE));
}

#[tokio::test]
async fn the_value_is_on_standard_input_alone_and_in_no_error() {
    for bench in Bench::both() {
        let seen = bench.file("seen").display().to_string();
        let script = format!(
            "tr '\\0' '\\n' </proc/$$/cmdline >{seen}; tr '\\0' '\\n' </proc/$$/environ >>{seen}; cat >>{seen}.value"
        );
        bench.writing(&script, &[]).deliver(VALUE, true).await.unwrap();
        assert!(!bench.held("seen").unwrap().contains("canary"));
        assert_eq!(bench.held("seen.value").as_deref(), Some(VALUE));
        for printing in ["cat", "cat >&2", "cat | base64 | tee /dev/stderr"] {
            let error = bench.writing(&format!("{printing}; exit 1"), &[]).failure().await;
            assert!(
                error.to_string().contains("[redacted]") && !error.to_string().contains("canary"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn what_read_prints_is_neither_shown_nor_kept() {
    for bench in Bench::both() {
        let with = |script: &str| {
            let read = Value::object([("command", bench.command(script))]);
            bench.writing("cat >/dev/null", &[("read", read)])
        };
        // This run does not know the value that is printed, so it could not redact it.
        let error = with("echo unknown-canary; echo unknown-canary >&2; exit 5")
            .target
            .slot()
            .inspect()
            .await;
        let error = error.unwrap_err();
        assert_eq!(error.effect, Effect::None);
        assert!(
            error.to_string().contains("failed with exit code 5") && !error.to_string().contains("canary"),
            "{error}"
        );
        assert!(error.to_string().contains("run it by hand"), "{error}");
        let error = with("head -c 70000 /dev/zero")
            .target
            .slot()
            .inspect()
            .await
            .unwrap_err();
        assert!(error.to_string().contains("printed more than 64 KiB"), "{error}");
        let receipt = with("echo version-7-canary").deliver(VALUE, true).await.unwrap();
        let revision = receipt.revision.unwrap();
        assert!(!revision.contains("canary") && revision.len() == 65, "{revision}");
        assert_eq!(with("echo ' '").target.slot().inspect().await.unwrap(), None);
        // The write is confirmed, whatever becomes of the look.
        assert_eq!(with("exit 1").deliver(VALUE, true).await.unwrap().revision, None);
    }
}

#[tokio::test]
async fn without_read_nothing_is_known_and_nothing_is_removed() {
    for bench in Bench::both() {
        let entry = bench.writing("cat >/dev/null", &[]);
        let seen = entry.target.slot().inspect().await.unwrap();
        assert!(
            seen.is_some_and(|seen| seen.revision.is_none() && seen.is_unreadable),
            "it may hold anything, or nothing"
        );
        let receipt = entry.deliver(VALUE, true).await.unwrap();
        assert_eq!(
            whose(entry.target.slot(), &entry.record(&receipt)).await,
            Verdict::CannotTell
        );
        let error = bench
            .at_address(&entry)
            .remove(&WritePermit::granted_by_apply())
            .await
            .unwrap_err();
        assert_eq!(error.effect, Effect::None);
        assert!(error.to_string().contains("on_remove = \"keep\""), "{error}");
    }
}

#[tokio::test]
async fn every_command_needs_its_place_in_allow_exec() {
    let bench = Bench::exec();
    let mut arguments = bench.arguments("ONE");
    arguments.retain(|(name, _)| *name != "read");
    arguments.push((
        "read",
        Value::object([("command", list(&["/bin/cat", "/etc/hostname"]))]),
    ));
    let value = Value::Map(
        arguments
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    );
    let config = (bench.kind.parse)(
        &Node::root(&value, Origin::Configuration),
        None,
        &mut Diagnostics::new(),
    )
    .unwrap();
    let needed: Vec<String> = config.runs().iter().map(ToString::to_string).collect();
    assert_eq!(needed, [SHELL, "/bin/cat", SHELL]);
    let why = config.connect(&bench.connections.own()).err().unwrap();
    assert_eq!(why.summary, "allow_exec does not name /bin/cat");
    let stored = config.slot(&bench.connections.own()).unwrap();
    assert!(
        (bench.kind.slot)(&stored, &bench.connections.own()).is_err(),
        "nor does a destroy run it"
    );
}

#[test]
fn an_address_has_all_that_a_destroy_needs_and_another_is_refused() {
    let bench = Bench::exec();
    let odd = [text("name", "a/b #1 é:x"), text("directory", "/tmp")];
    let entry = bench.writing("exit 0", &odd);
    let stored = entry.address.to_string();
    assert_eq!(stored.parse::<Address>().unwrap(), entry.address);
    assert!(
        stored.starts_with("exec:default:/bin/sh/a%2Fb%20%231%20%C3%A9%3Ax#{"),
        "{stored}"
    );
    let words = target::entry(&stored);
    assert_eq!(words.noun, "entry a/b #1 é:x through program /bin/sh");
    for wrong in [
        "exec:default:/bin/sh/KEY",
        "exec:default:bin/KEY#{\"timeout\":60}",
        "exec:default:/bin/sh/KEY#{}",
    ] {
        let address: Address = wrong.parse().unwrap();
        assert!(
            (bench.kind.slot)(&address, &bench.connections.own()).is_err(),
            "{wrong}"
        );
    }
    let other = bench.writing("exit 0", &[odd[0].clone(), text("timeout", "5s")]);
    assert_eq!(
        other.address.slot(),
        entry.address.slot(),
        "how it is reached is no part of the place"
    );
    assert_ne!(
        other.config.fingerprint(),
        entry.config.fingerprint(),
        "the folder is part of what is done"
    );
}
