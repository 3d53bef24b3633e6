//! The reference pages are made from the schema, the registries and the examples; a difference fails.
//!
//! `UPDATE=1 cargo test --test docs` (or `make docs`) writes them anew. Every example is validated by the real CLI.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rotation_provider::environment::Environment;
use rotation_provider::plugin::Provider as _;
use rotation_provider::provider::RotationProvider;
use rotation_provider::terraform::{Attribute, AttributeType, Block, Mode, Nesting, Type};
use rotation_provider::{check, source, target};

#[path = "support/terraform_cores.rs"]
#[expect(dead_code, reason = "shared with other suites, which use more of it")]
mod terraform_cores;

use terraform_cores::{Core, Workspace};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn example(path: &str) -> String {
    let file = root().join("examples").join(path);
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("the page shows examples/{path}, which can't be read ({error}): write it"));
    format!("```terraform\n{}\n```\n", text.trim_end())
}

fn type_name(kind: &Type) -> String {
    match kind {
        Type::Bool => "Boolean".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::String => "String".to_owned(),
        Type::List(inner) => format!("List of {}", type_name(inner)),
        Type::Set(inner) => format!("Set of {}", type_name(inner)),
        Type::Map(inner) => format!("Map of {}", type_name(inner)),
        Type::Object(_) => "Object".to_owned(),
        Type::Tuple(_) => "Tuple".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
    }
}

fn attribute_line(attribute: &Attribute, indent: usize, out: &mut String) {
    let kind = match &attribute.kind {
        AttributeType::Plain(kind) => type_name(kind),
        AttributeType::Nested(Nesting::Single, _) => "Attributes".to_owned(),
        AttributeType::Nested(Nesting::List, _) => "Attributes List".to_owned(),
        AttributeType::Nested(Nesting::Map, _) => "Attributes Map".to_owned(),
    };
    let mut marks = vec![kind];
    // The protocol cannot require every argument: not one that is write-only, and not one of a block that may be left out.
    let required = attribute.description.strip_prefix("Required. ");
    match attribute.mode {
        Mode::Optional if required.is_some() => marks.push("Required".to_owned()),
        Mode::Required => marks.push("Required".to_owned()),
        Mode::Optional | Mode::OptionalComputed => marks.push("Optional".to_owned()),
        Mode::Computed => {}
    }
    if attribute.sensitive {
        marks.push("Sensitive".to_owned());
    }
    if attribute.write_only {
        marks.push("Write-only".to_owned());
    }
    let space = "  ".repeat(indent);
    writeln!(
        out,
        "{space}- `{}` ({}) {}",
        attribute.name,
        marks.join(", "),
        required.unwrap_or(&attribute.description)
    )
    .unwrap();
    if let AttributeType::Nested(_, inner) = &attribute.kind {
        for attribute in inner {
            attribute_line(attribute, indent + 1, out);
        }
    }
}

fn attributes(list: &[Attribute], out: &mut String) {
    if list.is_empty() {
        out.push_str("It has no arguments: `{}`.\n");
    }
    for attribute in list {
        attribute_line(attribute, 0, out);
    }
}

fn block_section(block: &Block, indent: usize, out: &mut String) {
    for nested in &block.blocks {
        let space = "  ".repeat(indent);
        writeln!(
            out,
            "{space}- `{}` (Block, Optional) {}",
            nested.name, nested.block.description
        )
        .unwrap();
        for attribute in &nested.block.attributes {
            attribute_line(attribute, indent + 1, out);
        }
        block_section(&nested.block, indent + 1, out);
    }
}

fn front_matter(title: &str, description: &str) -> String {
    format!("---\npage_title: \"{title}\"\nsubcategory: \"\"\ndescription: |-\n  {description}\n---\n\n")
}

const GENERATED: &str =
    "<!-- Made by tests/docs.rs from the schema and the examples: edit those, then run `make docs`. -->\n\n";

/// Systems of the design that are not there yet.
const PLANNED: [(&str, &str); 11] = [
    (
        "Supplied by a person",
        "`stripe_secret_key`, `anthropic_api_key`, `external`",
    ),
    ("Fly", "checks: a token is alive or dead, machines are healthy"),
    ("Neon", "check: a disposable branch"),
    (
        "GitHub",
        "deploy keys; organization, Dependabot and Codespaces secrets; variables",
    ),
    ("AWS", "`aws_iam_access_key`; `secretsmanager_secret`; CloudTrail"),
    (
        "PostgreSQL, Redis",
        "`postgres_password`, `redis_password`; login checks",
    ),
    (
        "Upstash, Resend, Stripe, Cloudflare, Supabase, Vercel, Railway",
        "sources, targets and checks",
    ),
    ("Render, GCP", "targets"),
    ("Anything with HTTP", "`http` as a source and a target"),
    ("Remote hosts", "`exec`, `ssh`, `file`"),
    ("Encrypted columns, records and notices, registries", "all"),
];

fn index() -> String {
    let provider = RotationProvider::new(Environment::default());
    let schema = &provider.schema().provider;
    let mut page = front_matter("Provider: rotation", &schema.block.description);
    page.push_str(GENERATED);
    page.push_str("# rotation Provider\n\n");
    writeln!(page, "{}\n", schema.block.description).unwrap();
    page.push_str("## Example Usage\n\n");
    page.push_str(&example("provider/provider.tf"));
    page.push_str("\n## Schema\n\n");
    attributes(&schema.block.attributes, &mut page);
    block_section(&schema.block, 0, &mut page);
    page.push_str("\n## Systems\n\nWhat works today:\n\n| kind | what | vendor's documentation |\n|---|---|---|\n");
    let link = |docs: Option<&str>| docs.map_or_else(String::new, |url| format!("<{url}>"));
    for kind in source::ALL {
        writeln!(
            page,
            "| source `{}` | {} | {} |",
            kind.name,
            kind.summary,
            link(kind.api_docs)
        )
        .unwrap();
    }
    for kind in target::ALL {
        writeln!(
            page,
            "| target `{}` | {} | {} |",
            kind.name,
            kind.summary,
            link(kind.api_docs)
        )
        .unwrap();
    }
    for kind in check::ALL {
        writeln!(
            page,
            "| check `{}` | {} | {} |",
            kind.name,
            kind.summary,
            link(kind.api_docs)
        )
        .unwrap();
    }
    page.push_str("\nNot yet:\n\n| system | what |\n|---|---|\n");
    for (system, what) in PLANNED {
        writeln!(page, "| {system} | {what} |").unwrap();
    }
    page
}

fn secret_page() -> String {
    let provider = RotationProvider::new(Environment::default());
    let schema = provider.schema().resources.get("rotation_secret").unwrap();
    let mut page = front_matter("rotation_secret Resource - rotation", &schema.block.description);
    page.push_str(GENERATED);
    page.push_str("# rotation_secret (Resource)\n\n");
    writeln!(page, "{}\n", schema.block.description).unwrap();
    page.push_str("## Example Usage\n\n");
    page.push_str(&example("resources/rotation_secret/resource.tf"));
    page.push_str("\n## Arguments\n\n");
    let kinds = ["source", "targets", "checks"];
    for attribute in schema.block.attributes.iter().filter(|a| a.mode != Mode::Computed) {
        let mut shown = attribute.clone();
        if kinds.contains(&attribute.name)
            && let AttributeType::Nested(_, inner) = &mut shown.kind
        {
            // The kinds have sections of their own.
            inner.retain(|inner| !matches!(inner.kind, AttributeType::Nested(..)));
        }
        attribute_line(&shown, 0, &mut page);
    }
    block_section(&schema.block, 0, &mut page);
    page.push_str("\nDurations are whole numbers with the units `w`, `d`, `h`, `m`, `s`, and sums such as `1d12h`; a day is 24 hours.\n");
    for kind in source::ALL {
        writeln!(page, "\n## Source `{}`\n\n{}\n", kind.name, kind.summary).unwrap();
        let parts: Vec<String> = kind.parts.iter().map(|part| format!("`{part}`")).collect();
        writeln!(page, "Parts: {}.\n", parts.join(", ")).unwrap();
        attributes(&(kind.attributes)(), &mut page);
        writeln!(
            page,
            "\n{}",
            example(&format!("sources/{}/main.tf", kind.name)).trim_end()
        )
        .unwrap();
    }
    for kind in target::ALL {
        writeln!(page, "\n## Target `{}`\n\n{}\n", kind.name, kind.summary).unwrap();
        attributes(&(kind.attributes)(), &mut page);
        writeln!(
            page,
            "\n{}",
            example(&format!("targets/{}/main.tf", kind.name)).trim_end()
        )
        .unwrap();
    }
    for kind in check::ALL {
        writeln!(page, "\n## Check `{}`\n\n{}\n", kind.name, kind.summary).unwrap();
        attributes(&(kind.attributes)(), &mut page);
        writeln!(
            page,
            "\n{}",
            example(&format!("checks/{}/main.tf", kind.name)).trim_end()
        )
        .unwrap();
    }
    page.push_str("\n## Attributes\n\n");
    for attribute in schema.block.attributes.iter().filter(|a| a.mode == Mode::Computed) {
        attribute_line(attribute, 0, &mut page);
    }
    page
}

#[test]
fn the_reference_pages_are_those_of_the_schema() {
    for (path, page) in [("docs/index.md", index()), ("docs/resources/secret.md", secret_page())] {
        let file = root().join(path);
        if Environment::of_process().get("UPDATE").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &page).unwrap();
        }
        let stored = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            stored == page,
            "{path} is not what the schema and the examples say: run `make docs`"
        );
    }
}

fn without_full_stop(attributes: &[Attribute], found: &mut Vec<String>) {
    for attribute in attributes {
        if !attribute.description.ends_with(['.', '…']) {
            found.push(format!("{}: {}", attribute.name, attribute.description));
        }
        if let AttributeType::Nested(_, inner) = &attribute.kind {
            without_full_stop(inner, found);
        }
    }
}

fn blocks_without_full_stop(block: &Block, found: &mut Vec<String>) {
    without_full_stop(&block.attributes, found);
    block
        .blocks
        .iter()
        .for_each(|nested| blocks_without_full_stop(&nested.block, found));
}

#[test]
fn every_description_is_a_sentence() {
    let provider = RotationProvider::new(Environment::default());
    let mut found = Vec::new();
    blocks_without_full_stop(&provider.schema().provider.block, &mut found);
    for schema in provider.schema().resources.values() {
        blocks_without_full_stop(&schema.block, &mut found);
    }
    assert!(found.is_empty(), "without a full stop: {found:#?}");
}

/// Folders below `examples/` that hold a configuration.
fn configurations() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for group in ["sources", "targets", "checks", "resources"] {
        for entry in std::fs::read_dir(root().join("examples").join(group)).unwrap() {
            found.push(entry.unwrap().path());
        }
    }
    found.extend(["provider", "demo", "modules"].map(|name| root().join("examples").join(name)));
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn every_example_is_valid_and_formatted_for_the_real_cli() {
    let executable = Path::new(env!("CARGO_BIN_EXE_terraform-provider-rotation"));
    let configurations = configurations();
    assert!(configurations.len() > 12, "{configurations:?}");
    for folder in configurations {
        let workspace = Workspace::new(Core::Installed, "secret-rotation/rotation", executable);
        copy(&folder, workspace.path());
        if workspace.path().join("secret_map").exists() {
            workspace.run(&["get"]).success();
        }
        let checked = workspace.run(&["validate", "-no-color"]);
        let name = folder.strip_prefix(root()).unwrap().display();
        assert_eq!(checked.status, 0, "{name} is not valid, fix it: {}", checked.output);
        let formatted = workspace.run(&["fmt", "-check", "-recursive"]);
        assert_eq!(
            formatted.status, 0,
            "run `terraform fmt` in {name}: {}",
            formatted.output
        );
    }
}

#[test]
fn the_blocks_of_the_readme_can_be_pasted_together_and_planned() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let fenced = readme.split("```hcl\n").skip(1);
    let blocks: Vec<&str> = fenced.map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 2);
    let executable = Path::new(env!("CARGO_BIN_EXE_terraform-provider-rotation"));
    let mut workspace = Workspace::new(Core::Installed, "secret-rotation/rotation", executable);
    // A plan of a create calls nobody.
    for name in [
        "FLY_API_TOKEN",
        "GITHUB_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        workspace.set(name, "nothing-that-anybody-accepts");
    }
    workspace.set("AWS_REGION", "eu-west-1");
    workspace.write(&blocks.concat());
    let said = workspace.run(&["plan"]).success();
    assert!(said.contains("1 to add"), "{said}");
}
