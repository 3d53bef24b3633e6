//! `SECURITY.md` tells the truth about where things are: the files and tests that it names exist, and its policy has exactly the actions
//! that the code asks for.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    std::fs::read_to_string(root().join("SECURITY.md")).unwrap()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_file(text: &str) -> bool {
    (text.starts_with("tests/") || text.starts_with("src/")) && text.contains('.')
}

fn is_kind(text: &str) -> bool {
    rotation_provider::target::kind(text).is_some()
}

#[test]
fn every_file_and_every_test_that_the_page_names_exists() {
    let (mut files, mut tests) = (0, 0);
    for line in page().lines().filter(|line| !line.starts_with("```")) {
        let mut file: Option<String> = None;
        for name in quoted(line) {
            if is_file(name) {
                let text = std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
                file = Some(text);
                files += 1;
            } else if name.matches('_').count() >= 3 && name == name.to_lowercase() && !is_kind(name) {
                let found = file
                    .as_deref()
                    .is_some_and(|text| text.contains(&format!("fn {name}()")));
                assert!(found, "{name} is not in the file that is named before it:\n{line}");
                tests += 1;
            }
        }
    }
    assert!(files >= 20 && tests >= 10, "{files} files and {tests} tests were found");
}

/// The IAM actions of Systems Manager in a text.
fn actions(text: &str) -> BTreeSet<String> {
    let after = text.split("ssm:").skip(1);
    let names = after.map(|rest| rest.chars().take_while(char::is_ascii_alphabetic).collect::<String>());
    names.filter(|name| name.starts_with(char::is_uppercase)).collect()
}

fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_policy_permits_what_the_code_asks_for_and_nothing_else() {
    let mut code = String::new();
    sources(&root().join("src/connection/aws"), &mut code);
    let asked = actions(&code);
    assert!(asked.len() >= 5, "{asked:?}");
    assert_eq!(actions(&page()), asked);
}

#[test]
fn the_policy_is_json() {
    let page = page();
    let (_, after) = page.split_once("```json\n").unwrap();
    let (policy, _) = after.split_once("```").unwrap();
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
}
