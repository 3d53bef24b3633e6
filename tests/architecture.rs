//! Rules that the compiler does not check: which module may use which, who may write, how long a file may get.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each module may use. The order is from the inside out.
const MAY_USE: [(&str, &[&str]); 18] = [
    ("address", &[]),
    ("clock", &[]),
    ("duration", &[]),
    ("environment", &[]),
    ("label", &[]),
    ("randomness", &[]),
    ("secret", &[]),
    ("call", &["secret"]),
    ("template", &["secret"]),
    ("terraform", &["duration", "secret"]),
    ("rotation", &["duration"]),
    ("http", &["call", "clock", "randomness", "secret"]),
    (
        "connection",
        &[
            "address",
            "call",
            "clock",
            "environment",
            "duration",
            "http",
            "label",
            "randomness",
            "secret",
            "terraform",
        ],
    ),
    (
        "source",
        &[
            "address",
            "call",
            "clock",
            "connection",
            "duration",
            "http",
            "label",
            "randomness",
            "secret",
            "terraform",
        ],
    ),
    (
        "target",
        &[
            "address",
            "call",
            "clock",
            "connection",
            "duration",
            "executor",
            "http",
            "label",
            "secret",
            "terraform",
        ],
    ),
    (
        "check",
        &[
            "call",
            "clock",
            "connection",
            "executor",
            "http",
            "secret",
            "template",
            "terraform",
        ],
    ),
    (
        "executor",
        &[
            "address",
            "call",
            "check",
            "clock",
            "connection",
            "label",
            "rotation",
            "secret",
            "source",
            "target",
            "template",
        ],
    ),
    ("plugin", &["clock", "environment", "secret", "terraform"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every file below `src` with the module it belongs to and its text.
fn files() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    assert!(found.len() > 50, "only {} files were found", found.len());
    found
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(&root).unwrap();
            let first = relative
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_string_lossy()
                .into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            (first.trim_end_matches(".rs").to_owned(), path, text)
        })
        .collect()
}

/// The part of a file that is shipped, without comments.
fn shipped(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn modules_use_only_what_lies_further_inside() {
    for (module, path, text) in files() {
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            assert!(
                ["lib", "main", "provider"].contains(&module.as_str()),
                "{module} is in no row of the table"
            );
            continue;
        };
        let code = shipped(&text);
        let used: BTreeSet<&str> = code
            .split("crate::")
            .skip(1)
            .map(|rest| {
                rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap_or_default()
            })
            .filter(|name| !name.is_empty() && *name != module)
            .collect();
        for name in used {
            assert!(
                allowed.contains(&name),
                "{} uses {name}; {module} may use {allowed:?}",
                path.display()
            );
        }
    }
}

#[test]
fn only_apply_may_write() {
    for (_, path, text) in files() {
        if shipped(&text).contains("granted_by_apply()") {
            let place = path.to_string_lossy().into_owned();
            assert!(
                place.ends_with("src/provider/secret/apply.rs") || place.ends_with("src/call.rs"),
                "{place} grants itself permission to write"
            );
        }
    }
}

#[test]
fn time_and_entropy_and_variables_have_one_door_each() {
    let doors = [
        ("Timestamp::now(", "src/clock.rs"),
        ("tokio::time::sleep", "src/clock.rs"),
        ("std::env::var", "src/environment.rs"),
        ("SystemRandom::new(", "src/randomness.rs"),
    ];
    for (_, path, text) in files() {
        for (what, door) in doors {
            if shipped(&text).contains(what) {
                assert!(
                    path.to_string_lossy().ends_with(door),
                    "{} has {what}; its door is {door}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn no_file_is_longer_than_one_idea() {
    for (_, path, text) in files() {
        let lines = text.lines().count();
        assert!(lines <= 800, "{} has {lines} lines", path.display());
    }
}
