//! A kind is there only with everything that belongs to it: an example, a section of the docs, a test that names it.

use std::path::Path;

use rotation_provider::{check, source, target};

fn read(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The suites that put kinds against their vendor: `contract_…` per vendor, `generators` for kinds without one, `checks`.
fn contracts() -> String {
    fn collect(folder: &Path, inside: bool, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if !inside && !name.starts_with("contract_") && !["generators", "checks"].contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                collect(&path, true, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut text = String::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), false, &mut text);
    text
}

fn complete(group: &str, heading: &str, name: &str, contracts: &str) {
    let example = read(&format!("examples/{group}/{name}/main.tf"));
    assert!(
        example.contains(&format!("{name} = {{")),
        "examples/{group}/{name}/main.tf does not use {name}"
    );
    let page = read("docs/resources/secret.md");
    assert!(
        page.contains(&format!("## {heading} `{name}`")),
        "docs/resources/secret.md has no section on {name}"
    );
    let quoted = contracts.contains(&format!("\"{name}\"")) || contracts.contains(&format!("::{name}"));
    assert!(
        quoted,
        "no contract test (tests/contract_*, generators, checks) names {name}"
    );
}

#[test]
fn every_kind_has_an_example_a_section_and_a_contract_test() {
    let contracts = contracts();
    for kind in source::ALL {
        complete("sources", "Source", kind.name, &contracts);
    }
    for kind in target::ALL {
        complete("targets", "Target", kind.name, &contracts);
    }
    for kind in check::ALL {
        complete("checks", "Check", kind.name, &contracts);
    }
}

#[test]
fn names_are_unique_and_in_the_alphabet_of_terraform() {
    let mut names: Vec<&str> = source::ALL.iter().map(|kind| kind.name).collect();
    names.extend(target::ALL.iter().map(|kind| kind.name));
    for name in &names {
        assert!(
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "{name}"
        );
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
