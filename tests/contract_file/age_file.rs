//! `age_file`: recovery copies, decrypted by age itself (the Rust implementation, by its Python binding).

use rotation_provider::rotation::Verdict;
use rotation_provider::target::age_file::KIND;
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

use super::{Entry, VALUE, mode, names, permit, python};

/// Key pairs, the private half first.
fn identities(count: usize) -> Vec<(String, String)> {
    let script = "import pyrage, sys\nfor _ in range(int(sys.argv[1])):\n  i = pyrage.x25519.Identity.generate()\n  print(i, i.to_public())";
    let printed = python(script, &[&count.to_string()]);
    let pairs = printed.lines().filter_map(|line| line.split_once(' '));
    pairs
        .map(|(private, public)| (private.to_owned(), public.to_owned()))
        .collect()
}

/// What that identity reads in a file; `None` where the file is not for it.
fn decrypted(path: &str, identity: &str) -> Option<String> {
    let script = "import pyrage, sys, json\n\
                  identity = pyrage.x25519.Identity.from_str(sys.argv[2])\n\
                  try: print(json.dumps(pyrage.decrypt(open(sys.argv[1], 'rb').read(), [identity]).decode()))\n\
                  except pyrage.DecryptError: print('null')";
    serde_json::from_str(&python(script, &[path, identity])).unwrap()
}

fn arguments(path: &str, recipients: &[&str]) -> Value {
    let recipients = recipients.iter().map(|recipient| Value::string(*recipient)).collect();
    Value::object([("path", Value::string(path)), ("recipients", Value::List(recipients))])
}

#[tokio::test]
async fn every_recipient_reads_the_copy_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("KEY.age");
    let path = path.to_str().unwrap();
    let keys = identities(3);
    let entry = Entry::of(&KIND, &arguments(path, &[&keys[0].1, &keys[1].1]));
    // Sizes around those of chunks and of lines of armor.
    for length in [1, 30, 31, 32, 48, 65_535, 65_536, 65_537, 131_072, 300_000] {
        let value: String = ('a'..='z').cycle().take(length).collect();
        entry.deliver(&value, 1).await.unwrap();
        for (private, _) in &keys[..2] {
            assert_eq!(decrypted(path, private).as_ref(), Some(&value), "{length}");
        }
    }
    assert_eq!(decrypted(path, &keys[2].0), None);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"), "{text}");
    assert_eq!(
        (
            mode(folder.path().join("KEY.age").as_path()),
            names(folder.path()).len()
        ),
        (0o600, 1)
    );
}

#[tokio::test]
async fn a_copy_is_told_from_anothers_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("KEY.age");
    let keys = identities(1);
    let entry = Entry::of(&KIND, &arguments(path.to_str().unwrap(), &[&keys[0].1]));
    entry.target.check_writable().await.unwrap();
    assert_eq!(entry.target.slot().inspect().await.unwrap(), None);
    let first = entry.deliver(VALUE, 1).await.unwrap();
    let again = entry.deliver(VALUE, 1).await.unwrap();
    assert_ne!(first.revision, again.revision, "one value is never encrypted alike");
    let record = entry.record(&again, 1);
    assert_eq!(entry.whose(&record).await, Verdict::Recorded);
    std::thread::sleep(std::time::Duration::from_millis(20));
    std::fs::write(&path, "theirs").unwrap();
    assert_eq!(entry.whose(&record).await, Verdict::Foreign);
    let slot = entry.at_address();
    slot.remove(&permit()).await.unwrap();
    slot.remove(&permit()).await.unwrap();
    assert_eq!(names(folder.path()), [""; 0]);
    assert_eq!(entry.whose(&record).await, Verdict::Empty);
}

#[test]
fn a_private_key_is_refused_without_being_shown() {
    let keys = identities(1);
    let (private, _) = &keys[0];
    for text in [private.clone(), private.to_lowercase(), format!(" {private}\n")] {
        let mut problems = Diagnostics::new();
        let value = arguments("/srv/KEY.age", &[&text]);
        assert!((KIND.parse)(&Node::root(&value, Origin::Configuration), None, &mut problems).is_none());
        let said: String = problems
            .iter()
            .map(|problem| format!("{} {}", problem.summary, problem.detail))
            .collect();
        assert!(
            said.contains("private key") && !said.to_lowercase().contains(&private.to_lowercase()[..24]),
            "{said}"
        );
    }
}
