//! `file`: lines of dotenv files.

use std::path::{Path, PathBuf};
use std::process::Command;

use rotation_provider::rotation::Verdict;
use rotation_provider::secret::Secret;
use rotation_provider::target::file::KIND;
use rotation_provider::terraform::Value;

use super::{Entry, VALUE, delivery, label, mode, names, permit, python, set_mode};

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn with(text: &str) -> Self {
        let world = Self::new();
        std::fs::write(world.path(), text).unwrap();
        world
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(".env")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    fn key(&self, name: &str) -> Entry {
        line(&self.path(), name, &[])
    }
}

fn line(path: &Path, name: &str, more: &[(&'static str, &str)]) -> Entry {
    let own = [("path", path.to_str().unwrap()), ("name", name)];
    let arguments = own.into_iter().chain(more.iter().copied());
    let arguments = Value::Map(
        arguments
            .map(|(name, text)| (name.to_owned(), Value::string(text)))
            .collect(),
    );
    Entry::of(&KIND, &arguments)
}

#[tokio::test]
async fn a_line_is_written_looked_at_and_removed_and_the_rest_stays() {
    let others = "# Settings of the service\nPORT=8080\n\nexport GREETING='hello\nKEY=no line'\n";
    let world = World::with(others);
    let entry = world.key("KEY");
    entry.target.check_writable().await.unwrap();
    assert_eq!(entry.target.slot().inspect().await.unwrap(), None);
    let receipt = entry.deliver(VALUE, 1).await.unwrap();
    let text = world.text();
    let added = text.strip_prefix(others).unwrap();
    assert!(
        added.starts_with("# Managed by Terraform [suite-rot-0123456789ab-g1] "),
        "{added}"
    );
    assert!(added.ends_with(&format!(" #9f3ac01b\nKEY={VALUE}\n")), "{added}");
    let record = entry.record(&receipt, 1);
    assert_eq!(entry.whose(&record).await, Verdict::Recorded);
    assert!(
        !receipt.revision.as_ref().unwrap().contains('.'),
        "the state has nothing that follows from the value"
    );
    assert!(entry.address.to_string().ends_with("/.env/KEY"), "{}", entry.address);

    // Lines that come later do not matter, nor does another value in its place.
    std::fs::write(world.path(), format!("{text}LAST=1\n")).unwrap();
    assert_eq!(entry.whose(&record).await, Verdict::Recorded);
    let second = entry.record(&entry.deliver("second", 2).await.unwrap(), 2);
    assert_eq!(entry.whose(&second).await, Verdict::Recorded);
    assert_eq!(entry.whose(&record).await, Verdict::Marked(2));
    assert!(world.text().ends_with("KEY=second\nLAST=1\n"));

    let slot = entry.at_address();
    slot.remove(&permit()).await.unwrap();
    assert_eq!(world.text(), format!("{others}LAST=1\n"));
    slot.remove(&permit()).await.unwrap();
    assert_eq!(entry.whose(&second).await, Verdict::Empty);
    assert_eq!(names(world.folder.path()), [".env"], "nothing is left beside it");
}

#[tokio::test]
async fn a_file_that_is_missing_is_made_for_its_owner_alone() {
    let world = World::new();
    world.key("KEY").deliver(VALUE, 1).await.unwrap();
    assert_eq!(mode(&world.path()), 0o600);
    std::fs::remove_file(world.path()).unwrap();
    world.key("KEY").at_address().remove(&permit()).await.unwrap();
    assert!(!world.path().exists(), "a removal makes nothing");

    line(&world.path(), "KEY", &[("mode", "0640")])
        .deliver(VALUE, 1)
        .await
        .unwrap();
    assert_eq!(mode(&world.path()), 0o640);
    set_mode(&world.path(), 0o644);
    world.key("OTHER").at_address().remove(&permit()).await.unwrap();
    assert_eq!(mode(&world.path()), 0o644, "what is not written stays");
    world.key("KEY").deliver(VALUE, 2).await.unwrap();
    assert_eq!(mode(&world.path()), 0o600);
}

#[tokio::test]
async fn owner_and_group_stay() {
    use std::os::unix::fs::MetadataExt as _;
    let world = World::with("A=1\n");
    let mine = std::fs::metadata(world.path()).unwrap().uid();
    if mine != 0 {
        // Only root can give a file away.
        return;
    }
    std::os::unix::fs::chown(world.path(), Some(12_345), Some(23_456)).unwrap();
    world.key("KEY").deliver(VALUE, 1).await.unwrap();
    let after = std::fs::metadata(world.path()).unwrap();
    assert_eq!((after.uid(), after.gid()), (12_345, 23_456));
}

#[tokio::test]
async fn what_somebody_else_writes_is_theirs_even_below_our_mark() {
    let world = World::with("A=1\n");
    let entry = world.key("KEY");
    let record = entry.record(&entry.deliver(VALUE, 1).await.unwrap(), 1);
    let ours = world.text();
    for theirs in [
        // The mark stays when the line alone is edited.
        ours.replace(VALUE, "theirs"),
        ours.replace(&format!("KEY={VALUE}"), "KEY=theirs # by hand"),
        // A tool writes the file anew, without comments.
        "A=1\nKEY=theirs\n".to_owned(),
        // Our value, and no mark: nothing shows that it is ours.
        format!("A=1\nKEY={VALUE}\n"),
    ] {
        std::fs::write(world.path(), &theirs).unwrap();
        assert_eq!(entry.whose(&record).await, Verdict::Foreign, "{theirs}");
        assert!(entry.target.read().await.unwrap().is_none(), "{theirs}");
    }
    std::fs::write(world.path(), "A=1\n").unwrap();
    assert_eq!(entry.whose(&record).await, Verdict::Empty);
    std::fs::write(world.path(), ours).unwrap();
    assert_eq!(entry.whose(&record).await, Verdict::Recorded);
}

#[tokio::test]
async fn a_value_is_read_back_with_its_mark() {
    let world = World::new();
    let entry = world.key("KEY");
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n";
    let (value, mark) = (Secret::new(key.to_owned()), label(3));
    let mut whole = delivery(&entry.address, &value, &mark);
    whole.content = Some("private_key_pem");
    let receipts = entry.target.deliver(&[whole], &permit()).await.unwrap();
    let read = entry.target.read().await.unwrap().unwrap();
    assert!(read.value.is_same_as(&value));
    assert_eq!((read.label, Some(read.revision)), (mark, receipts[0].revision.clone()));
    assert_eq!(read.content.as_deref(), Some("private_key_pem"));
    assert_eq!(read.origin.as_deref(), Some("9f3ac01b"));
}

#[tokio::test]
async fn keys_of_one_file_are_written_together() {
    let world = World::with("A=1\n");
    let (one, other) = (world.key("ONE"), world.key("OTHER"));
    assert_eq!(one.config.batch(), other.config.batch());
    assert_ne!(
        one.config.batch(),
        line(&world.path(), "ONE", &[("mode", "0640")]).config.batch()
    );
    let (value, mark) = (Secret::new(VALUE.to_owned()), label(1));
    let both = [
        delivery(&other.address, &value, &mark),
        delivery(&one.address, &value, &mark),
    ];
    let receipts = one.target.deliver(&both, &permit()).await.unwrap();
    for (entry, receipt) in [(&other, &receipts[0]), (&one, &receipts[1])] {
        assert_eq!(entry.whose(&entry.record(receipt, 1)).await, Verdict::Recorded);
    }
    assert_eq!(world.text().lines().filter(|line| !line.starts_with('#')).count(), 3);
}

/// Without the lock, most of these would be lost: each reads the file, and writes it whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn writes_at_the_same_moment_lose_nothing() {
    let world = World::new();
    let entries: Vec<Entry> = (0..24).map(|number| world.key(&format!("KEY_{number}"))).collect();
    let writes = entries
        .into_iter()
        .map(|entry| tokio::spawn(async move { entry.deliver(VALUE, 1).await }));
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap().unwrap();
    }
    let text = world.text();
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("KEY_")).collect();
    assert_eq!(lines.len(), 24, "{text}");
}

#[tokio::test]
async fn what_is_no_plain_file_of_its_own_is_refused_before_and_at_the_write() {
    let world = World::with("KEY=theirs\n");
    let folder = world.folder.path();
    let at = |name: &str| line(&folder.join(name), "KEY", &[]);
    std::os::unix::fs::symlink(world.path(), folder.join("link.env")).unwrap();
    assert!(at("link.env").refusal().await.contains("symbolic link"));
    assert!(at("link.env").target.slot().inspect().await.is_err());
    std::fs::create_dir(folder.join("folder.env")).unwrap();
    assert!(at("folder.env").refusal().await.contains("not a plain file"));
    std::os::unix::fs::symlink(folder, folder.join("to")).unwrap();
    assert!(at("to/.env").refusal().await.contains("symbolic link"));
    assert!(at("nowhere/.env").refusal().await.contains("does not exist"));
    assert_eq!(at("nowhere/.env").target.slot().inspect().await.unwrap(), None);
    std::fs::create_dir(folder.join("open")).unwrap();
    set_mode(&folder.join("open"), 0o777);
    assert!(at("open/.env").refusal().await.contains("chmod o-w"));
    set_mode(&folder.join("open"), 0o1777);
    at("open/.env").deliver(VALUE, 1).await.unwrap();
    std::fs::hard_link(world.path(), folder.join("second.env")).unwrap();
    assert!(at("second.env").refusal().await.contains("hard links"));
    assert_eq!(world.text(), "KEY=theirs\n");
}

#[tokio::test]
async fn a_file_that_says_nothing_certain_is_left_alone() {
    let world = World::with("KEY=1\nexport KEY=2\n");
    let entry = world.key("KEY");
    let error = entry.deliver(VALUE, 1).await.unwrap_err();
    assert!(error.message.contains("several lines set KEY"), "{error}");
    assert!(entry.target.slot().inspect().await.is_err());
    assert!(entry.at_address().remove(&permit()).await.is_err());
    assert_eq!(world.text(), "KEY=1\nexport KEY=2\n");
    std::fs::write(world.path(), b"A=\xff\n").unwrap();
    let error = entry.deliver(VALUE, 1).await.unwrap_err();
    assert!(error.message.contains("not UTF-8"), "{error}");
    assert_eq!(std::fs::read(world.path()).unwrap(), b"A=\xff\n");
}

#[tokio::test]
async fn what_a_killed_run_has_left_is_removed_by_the_next() {
    let world = World::with("A=1\n");
    let left = world.folder.path().join(".env.rotation-abc");
    // As it is named while it is written.
    let left = left.with_file_name("..env.rotation-abc");
    std::fs::write(&left, "KEY=half").unwrap();
    std::fs::write(world.folder.path().join(".env.local"), "B=1\n").unwrap();
    world.key("KEY").deliver(VALUE, 1).await.unwrap();
    assert_eq!(names(world.folder.path()), [".env", ".env.local"]);
}

/// Values that are written are what every reader gets; others are refused before anything is minted.
#[tokio::test]
async fn every_reader_gets_the_value_that_was_written() {
    let pieces = [
        "a",
        "Z9",
        "_./:@%+,-=",
        " ",
        "\t",
        "#",
        "'",
        "\"",
        "\\",
        "\\n",
        "$",
        "$HOME",
        "`id`",
        "!",
        "é",
        "\n",
        "&&;|<>",
        "*?[]",
        "~",
        "{}",
        "()",
        "^",
    ];
    let mut values: Vec<String> = pieces.iter().map(|piece| format!("x{piece}y")).collect();
    for one in pieces {
        values.extend(pieces.iter().map(|other| format!("{one}{other}{one}")));
    }
    values.push("-----BEGIN KEY-----\nA=1\nKEY_2=no\n-----END KEY-----\n".to_owned());
    let world = World::with("FIRST=1\n");
    let accepted: Vec<&String> = values
        .iter()
        .filter(|value| world.key("KEY").config.accepts(&Secret::new((*value).clone())).is_ok())
        .collect();
    assert!(
        accepted.len() > values.len() / 2,
        "{} of {}",
        accepted.len(),
        values.len()
    );
    let mark = label(1);
    let secrets: Vec<(Entry, Secret)> = (0..)
        .zip(&accepted)
        .map(|(number, value)| (world.key(&format!("KEY_{number}")), Secret::new((*value).clone())))
        .collect();
    let deliveries: Vec<_> = secrets
        .iter()
        .map(|(entry, value)| delivery(&entry.address, value, &mark))
        .collect();
    secrets[0].0.target.deliver(&deliveries, &permit()).await.unwrap();
    for (entry, value) in &secrets {
        assert!(entry.target.read().await.unwrap().unwrap().value.is_same_as(value));
    }
    let path = world.path();
    let path = path.to_str().unwrap();
    let expected: Vec<String> = accepted.iter().map(|value| (*value).clone()).collect();
    let by_shell = "set -a; . \"$0\" || exit 1; exec env -0";
    let shell = Command::new("/bin/sh").args(["-c", by_shell, path]).output().unwrap();
    assert!(shell.status.success(), "{}", String::from_utf8_lossy(&shell.stderr));
    let variables = String::from_utf8(shell.stdout).unwrap();
    let of = |name: &str| {
        let found = variables
            .split('\0')
            .find_map(|line| line.strip_prefix(&format!("{name}=")));
        found.unwrap_or_else(|| panic!("{name} is not set")).to_owned()
    };
    let shells: Vec<String> = (0..expected.len()).map(|number| of(&format!("KEY_{number}"))).collect();
    assert_eq!(shells, expected, "sh");
    let script = "import dotenv, json, sys\nread = dotenv.dotenv_values(sys.argv[1])\n\
                  print(json.dumps([read.get(f'KEY_{n}') for n in range(int(sys.argv[2]))]))";
    let read: Vec<Option<String>> =
        serde_json::from_str(&python(script, &[path, &expected.len().to_string()])).unwrap();
    let read: Vec<String> = read.into_iter().map(Option::unwrap_or_default).collect();
    assert_eq!(read, expected, "python-dotenv");
}
