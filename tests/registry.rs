//! A kind is there only with everything that belongs to it: an example, a section of the docs, a word in the README, a test
//! that names it. What is missing is said for all kinds at once, with what to do about it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use rotation_provider::{activation, check, source, target};

/// A text of this repository; empty when it is not there.
fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

/// What stands below a heading, up to the next.
fn section(text: &str, heading: &str) -> String {
    let below = text.lines().skip_while(|line| *line != heading).skip(1);
    below.take_while(|line| !line.starts_with("## ")).collect()
}

/// The suites that put kinds against their vendor: `behaviour` with a fixture for each source and target, `checks`.
fn contracts() -> String {
    fn collect(folder: &Path, inside: bool, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if !inside
                && ![
                    "behaviour",
                    "contract_file",
                    "contract_github",
                    "contract_postgres",
                    "contract_http",
                    "checks",
                    "deployments",
                    "programs",
                ]
                .contains(&name.as_str())
            {
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

/// What kinds of one group are looked for in.
struct Texts {
    page: String,
    readme: String,
    contracts: String,
}

impl Texts {
    fn of_the_repository() -> Self {
        Self {
            page: read("docs/resources/secret.md"),
            readme: section(&read("README.md"), "## What works today"),
            contracts: contracts(),
        }
    }

    /// What a kind lacks, and what to do, one line for each.
    fn missing(&self, group: &str, heading: &str, name: &str) -> Vec<String> {
        let mut missing = Vec::new();
        let file = format!("examples/{group}s/{name}/main.tf");
        if !read(&file).contains(&format!("{name} = {{")) {
            missing.push(format!(
                "an example: write {file}, with `{name} = {{ … }}` in a resource; copy that of another {group}"
            ));
        }
        if !self.page.contains(&format!("## {heading} `{name}`")) {
            missing.push("a section of docs/resources/secret.md: run `make docs` once the example is there".to_owned());
        }
        if !self.readme.contains(&format!("`{name}`")) {
            missing.push("a place in README.md, in the table under \"What works today\"".to_owned());
        }
        // The list of kinds in tests/behaviour.rs, or a use of its module.
        let named = ["{group} {name}", "\"{name}\"", "::{name}"]
            .map(|form| form.replace("{group}", group).replace("{name}", name));
        let named = named.iter().any(|form| self.contracts.contains(form));
        if !named {
            missing.push(format!(
                "a test against its vendor: a fixture in tests/behaviour/fixtures/{name}.rs and its line in tests/behaviour.rs (a check: \
                 tests/checks.rs; an activation: tests/deployments.rs), as `{group}::{name}::KIND` or {name:?}"
            ));
        }
        missing
    }
}

#[test]
fn every_kind_has_an_example_a_section_a_place_in_the_readme_and_a_contract_test() {
    let texts = Texts::of_the_repository();
    let sources = source::ALL.iter().map(|kind| ("source", "Source", kind.name));
    let targets = target::ALL.iter().map(|kind| ("target", "Target", kind.name));
    let checks = check::ALL.iter().map(|kind| ("check", "Check", kind.name));
    let activations = activation::that_are_no_checks().map(|kind| ("activation", "Activation", kind.name));
    let mut report = String::new();
    for (group, heading, name) in sources.chain(targets).chain(checks).chain(activations) {
        for line in texts.missing(group, heading, name) {
            writeln!(report, "  {group} {name} lacks {line}").unwrap();
        }
    }
    assert!(report.is_empty(), "\n{report}See docs/ARCHITECTURE.md, walkthrough 3.");
}

#[test]
fn a_kind_that_has_nothing_is_told_all_that_it_lacks() {
    let missing = Texts::of_the_repository().missing("target", "Target", "acme_secret");
    for (line, word) in missing.iter().zip([
        "examples/targets/acme_secret/main.tf",
        "make docs",
        "README.md",
        "tests/behaviour/fixtures/acme_secret.rs",
    ]) {
        assert!(line.contains(word), "{line} does not say {word}");
    }
    assert_eq!(missing.len(), 4, "{missing:?}");
}

#[test]
fn names_are_unique_and_in_the_alphabet_of_terraform() {
    let mut names: Vec<&str> = source::ALL.iter().map(|kind| kind.name).collect();
    names.extend(target::ALL.iter().map(|kind| kind.name));
    for name in &names {
        assert!(
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "the kind {name:?} is no attribute name of Terraform: lower-case letters, digits and underscores"
        );
    }
    let of_sources: BTreeSet<&str> = source::ALL.iter().map(|kind| kind.name).collect();
    let of_targets: BTreeSet<&str> = target::ALL.iter().map(|kind| kind.name).collect();
    assert_eq!(
        (of_sources.len(), of_targets.len()),
        (source::ALL.len(), target::ALL.len()),
        "{names:?}"
    );
    // By the name in an address its vendor is found, whatever the address is of.
    for name in of_sources.intersection(&of_targets) {
        let vendors = [source::kind(name).unwrap().reach, target::kind(name).unwrap().reach];
        let [one, other] = vendors.map(|reach| reach.map(|reach| reach.vendor.block));
        assert_eq!(
            one, other,
            "a source and a target of one name must have one vendor: {name}"
        );
    }
}
