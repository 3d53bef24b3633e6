//! The reference pages and `docs/kinds.json` are made from the schema, the declarations of kinds and the examples; a difference fails.
//!
//! `UPDATE=1 cargo test --test docs` (or `make docs`) writes them anew. Every example is validated by the real CLI.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rotation_provider::environment::Environment;
use rotation_provider::plugin::Provider as _;
use rotation_provider::provider::activation::declared::RUN;
use rotation_provider::provider::secret::declared;
use rotation_provider::provider::{ACTIVATION, RotationProvider, SECRET};
use rotation_provider::rotation::NoticeCode;
use rotation_provider::terraform::{Attribute, AttributeType, Block, Mode, Nesting, Type};
use rotation_provider::{activation, check, source, target};
use serde_json::{Map, Value, json};

#[path = "support/terraform_cores.rs"]
#[expect(dead_code, reason = "shared with other suites, which use more of it")]
mod terraform_cores;

use terraform_cores::{Core, Workspace};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn example(path: &str) -> String {
    example_in("terraform", path)
}

fn example_in(language: &str, path: &str) -> String {
    let file = root().join("examples").join(path);
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("the page shows examples/{path}, which can't be read ({error}): write it"));
    format!("```{language}\n{}\n```\n", text.trim_end())
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

/// What a dynamic attribute of a resource holds, as far as it holds anything yet.
fn content_of(name: &str) -> &'static AttributeType {
    if name == "run" {
        return &RUN;
    }
    let declared = declared::DYNAMIC.iter().find(|declared| declared.name == name);
    &declared
        .unwrap_or_else(|| panic!("{name} is dynamic and not declared"))
        .content
}

fn attribute_line(attribute: &Attribute, indent: usize, out: &mut String) {
    let kind = match &attribute.kind {
        AttributeType::Plain(Type::Dynamic) => match content_of(attribute.name) {
            AttributeType::Nested(Nesting::Map, _) => "Map of Object".to_owned(),
            _ => "Object".to_owned(),
        },
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
const PLANNED: [(&str, &str); 9] = [
    (
        "Supplied by a person",
        "`stripe_secret_key`, `anthropic_api_key`, `external`",
    ),
    ("Fly", "checks: a token is alive or dead, machines are healthy"),
    ("Neon", "check: a disposable branch"),
    ("GitHub", "deploy keys; organization secrets; variables"),
    ("AWS", "`aws_iam_access_key`; `secretsmanager_secret`; CloudTrail"),
    ("Redis", "`redis_password`; a login check"),
    (
        "Upstash, Resend (webhooks, checks), Stripe, Cloudflare, Supabase",
        "sources, targets and checks",
    ),
    ("GCP", "targets"),
    ("Encrypted columns, records and notices, registries", "all"),
];

fn index() -> String {
    let provider = RotationProvider::new(Environment::default());
    let schema = provider.registry().provider_schema();
    let mut page = front_matter("Provider: rotation", &schema.block.description);
    page.push_str(GENERATED);
    page.push_str("# rotation Provider\n\n");
    writeln!(page, "{}\n", schema.block.description).unwrap();
    page.push_str("## Example Usage\n\n");
    page.push_str(&example("provider/provider.tf"));
    page.push_str("\n### Several accounts of one vendor\n\n");
    page.push_str(&example("connections/main.tf"));
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
    for kind in activation::ALL {
        let (name, docs) = (kind.name, link(kind.api_docs));
        let summary = match check::kind(name) {
            Some(_) => "As the check, to make consumers load the new value.",
            None => kind.summary,
        };
        writeln!(page, "| activation `{name}` | {summary} | {docs} |").unwrap();
    }
    page.push_str("\nNot yet:\n\n| system | what |\n|---|---|\n");
    for (system, what) in PLANNED {
        writeln!(page, "| {system} | {what} |").unwrap();
    }
    page
}

/// The keys that an element takes beside its kind.
fn common_keys(name: &str, page: &mut String) {
    let AttributeType::Nested(_, content) = content_of(name) else {
        panic!("{name} holds no object");
    };
    let common = content.iter().filter(|key| matches!(key.kind, AttributeType::Plain(_)));
    common.for_each(|key| attribute_line(key, 1, page));
}

/// What Terraform itself does not say about dynamic attributes.
const DYNAMIC: &str = "
`source`, `targets`, `activations` and `checks` are of dynamic type, so that `merge()`, `for`, conditionals and module variables can build
them. `terraform validate` refuses an unknown key and a value of a wrong type anywhere in them, and names the nearest known key. [kinds.json](\
https://github.com/secret-rotation/terraform-provider-rotation/blob/main/docs/kinds.json) has the arguments of every kind as JSON Schema.
Their elements are objects: write `ignore_changes = [targets.runtime.wave]`, not `targets[\"runtime\"]`.
";

/// What an import is.
const IMPORT: &str = "
Nothing is written by an import, nor by the first apply after it, which takes over what exists as generation 0. Terraform 1.12 or newer, and
OpenTofu 1.12, also import by identity: `identity = { name = \"FLY_API_TOKEN\" }`. Create the resource with an `adopt` block for the same without an import.
The guide [Taking over secrets that exist](../guides/brownfield.md) shows both.
";

fn secret_page() -> String {
    let provider = RotationProvider::new(Environment::default());
    let schema = provider.registry().resource(SECRET).unwrap().schema();
    let mut page = front_matter("rotation_secret Resource - rotation", &schema.block.description);
    page.push_str(GENERATED);
    page.push_str("# rotation_secret (Resource)\n\n");
    writeln!(page, "{}\n", schema.block.description).unwrap();
    page.push_str("## Example Usage\n\n");
    page.push_str(&example("resources/rotation_secret/resource.tf"));
    page.push_str("\n## Arguments\n\n");
    for attribute in schema.block.attributes.iter().filter(|a| a.mode != Mode::Computed) {
        attribute_line(attribute, 0, &mut page);
        // The kinds have sections of their own.
        if matches!(attribute.kind, AttributeType::Plain(Type::Dynamic)) {
            common_keys(attribute.name, &mut page);
        }
    }
    block_section(&schema.block, 0, &mut page);
    page.push_str("\nDurations are whole numbers with the units `w`, `d`, `h`, `m`, `s`, and sums such as `1d12h`; a day is 24 hours.\n");
    page.push_str(DYNAMIC);
    for kind in source::ALL {
        writeln!(page, "\n## Source `{}`\n\n{}\n", kind.name, kind.summary).unwrap();
        let parts: Vec<String> = kind.parts.iter().map(|part| format!("`{part}`")).collect();
        let choose = match parts.len() {
            1 => "",
            _ => " Every target says which one it holds, by `part` or `template`.",
        };
        writeln!(page, "Parts: {}.{choose}\n", parts.join(", ")).unwrap();
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
    for kind in activation::ALL {
        let name = kind.name;
        writeln!(page, "\n## Activation `{name}`\n").unwrap();
        if check::kind(name).is_some() {
            let check = format!("[`{name}`](#check-{name})");
            writeln!(
                page,
                "It takes the arguments of the check {check}, and is not repeated if it fails.\n"
            )
            .unwrap();
        } else {
            writeln!(page, "{}\n", kind.summary).unwrap();
            attributes(&(kind.attributes)(), &mut page);
            page.push('\n');
        }
        page.push_str(&example(&format!("activations/{name}/main.tf")));
    }
    page.push_str("\n## Attributes\n\n");
    for attribute in schema.block.attributes.iter().filter(|a| a.mode == Mode::Computed) {
        attribute_line(attribute, 0, &mut page);
    }
    page.push_str("\n## Import\n\n");
    page.push_str(&example_in("shell", "resources/rotation_secret/import.sh"));
    page.push_str(IMPORT);
    page
}

/// What the other resource does not say of its own.
const ACTIVATION_NOTES: &str = "
`run` is of dynamic type, as `activations` of a secret. `terraform validate` refuses unknown keys and values of a wrong type, and names the
nearest known key. A change of `timeout` alone runs nothing.

A run that fails, is interrupted, or whose outcome is unknown does not count: the apply fails, the state stays as it was, and the next apply runs it
again. It is never repeated within an apply, and it shares no run with the `activations` of a secret.

## Which one to use

| | `rotation_activation` | `activations` of a secret |
|---|---|---|
| runs | once after all secrets that it refers to | after each delivery of its wave; equal ones of secrets that are applied together share a run |
| order | the CLI's: after what `triggers` and `depends_on` name | before the checks of its wave, and before the next wave |
| the old credential | is revoked when its overlap has ended, whether or not the run has succeeded | stays valid until the run has succeeded |
| a repair, which keeps the generation | does not run it, unless a trigger says so: `rotation_secret.jwt.deliveries[\"web\"].delivered_at` | runs it |

So set `overlap` on its secrets, long enough for a run that fails to be noticed and repeated.

## Import

It cannot be imported. There is nothing to take over: a create runs it once.
";

fn activation_page() -> String {
    let provider = RotationProvider::new(Environment::default());
    let schema = provider.registry().resource(ACTIVATION).unwrap().schema();
    let mut page = front_matter("rotation_activation Resource - rotation", &schema.block.description);
    page.push_str(GENERATED);
    page.push_str("# rotation_activation (Resource)\n\n");
    writeln!(page, "{}\n", schema.block.description).unwrap();
    page.push_str("## Example Usage\n\n");
    page.push_str(&example("resources/rotation_activation/resource.tf"));
    page.push_str("\n## Arguments\n\n");
    for attribute in schema.block.attributes.iter().filter(|a| a.mode != Mode::Computed) {
        attribute_line(attribute, 0, &mut page);
    }
    common_keys("run", &mut page);
    for kind in activation::ALL {
        let name = kind.name;
        let group = check::kind(name).map_or("activation", |_| "check");
        writeln!(
            page,
            "  - `{name}` (Object, Optional) The arguments of the {group} [`{name}`](secret.md#{group}-{name})."
        )
        .unwrap();
    }
    page.push_str("\n## Attributes\n\n");
    for attribute in schema.block.attributes.iter().filter(|a| a.mode == Mode::Computed) {
        attribute_line(attribute, 0, &mut page);
    }
    page.push_str(ACTIVATION_NOTES);
    page
}

/// The reference page of each function, by its file.
fn function_pages() -> Vec<(String, String)> {
    let provider = RotationProvider::new(Environment::default());
    let functions = provider.registry().functions();
    let pages = functions.map(|(name, function)| {
        let signature = function.signature();
        let mut page = front_matter(&format!("Function: {name}"), signature.summary);
        page.push_str(GENERATED);
        let parameters: Vec<&str> = signature.parameters.iter().map(|parameter| parameter.name).collect();
        writeln!(page, "# Function: {name}\n\n{}\n", signature.description).unwrap();
        page.push_str("## Example Usage\n\n");
        page.push_str(&example(&format!("functions/{name}/function.tf")));
        writeln!(
            page,
            "\n## Signature\n\n`provider::rotation::{name}({})`\n\n## Arguments\n",
            parameters.join(", ")
        )
        .unwrap();
        for parameter in &signature.parameters {
            writeln!(page, "- `{}` {}", parameter.name, parameter.description).unwrap();
        }
        writeln!(page, "\n## Result\n\n{}", type_name(&signature.returns)).unwrap();
        if let Type::List(inner) = &signature.returns
            && let Type::Object(attributes) = inner.as_ref()
        {
            page.push_str("\nEach object has:\n\n");
            for (name, kind) in attributes {
                writeln!(page, "- `{name}` ({})", type_name(kind)).unwrap();
            }
        }
        (format!("docs/functions/{name}.md"), page)
    });
    pages.collect()
}

#[test]
fn the_reference_pages_are_those_of_the_schema() {
    let pages = [
        ("docs/index.md".to_owned(), index()),
        ("docs/resources/secret.md".to_owned(), secret_page()),
        ("docs/resources/activation.md".to_owned(), activation_page()),
        ("docs/kinds.json".to_owned(), kinds()),
    ];
    for (path, page) in pages.into_iter().chain(function_pages()) {
        let file = root().join(&path);
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

/// The JSON Schema of a value.
fn json_type(kind: &Type) -> Map<String, Value> {
    let schema = match kind {
        Type::Bool => json!({ "type": "boolean" }),
        Type::Number => json!({ "type": "number" }),
        Type::String => json!({ "type": "string" }),
        Type::List(inner) => json!({ "type": "array", "items": json_type(inner) }),
        Type::Set(inner) => json!({ "type": "array", "items": json_type(inner), "uniqueItems": true }),
        Type::Map(inner) => json!({ "type": "object", "additionalProperties": json_type(inner) }),
        other => panic!("no kind has an argument of type {other:?} yet: say here what it looks like in JSON Schema"),
    };
    schema.as_object().unwrap().clone()
}

/// The JSON Schema of the object that stands under a kind's key.
fn json_schema(attributes: &[Attribute]) -> Value {
    let properties = attributes.iter().map(|attribute| {
        let mut schema = match &attribute.kind {
            AttributeType::Plain(kind) => json_type(kind),
            AttributeType::Nested(Nesting::Single, inner) => json_schema(inner).as_object().unwrap().clone(),
            AttributeType::Nested(nesting, _) => {
                panic!("no kind has an argument of {nesting:?} objects yet: say here what it looks like in JSON Schema")
            }
        };
        schema.insert("description".to_owned(), attribute.description.clone().into());
        (attribute.name.to_owned(), Value::Object(schema))
    });
    let required = attributes.iter().filter(|attribute| attribute.mode == Mode::Required);
    json!({
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "required": required.map(|attribute| attribute.name).collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

/// Every kind with its arguments, for editors, generators and policies.
fn kinds() -> String {
    let without_parts = |attributes: Vec<Attribute>| json!({ "schema": json_schema(&attributes) });
    let sources = source::ALL.iter().map(|kind| {
        let entry = json!({ "schema": json_schema(&(kind.attributes)()), "parts": kind.parts });
        (kind.name.to_owned(), entry)
    });
    let targets = target::ALL.iter();
    let targets = targets.map(|kind| (kind.name.to_owned(), without_parts((kind.attributes)())));
    let checks = check::ALL.iter();
    let checks = checks.map(|kind| (kind.name.to_owned(), without_parts((kind.attributes)())));
    let activations = activation::ALL.iter();
    let activations = activations.map(|kind| (kind.name.to_owned(), without_parts((kind.attributes)())));
    let kinds = json!({
        "sources": sources.collect::<Map<_, _>>(),
        "targets": targets.collect::<Map<_, _>>(),
        "activations": activations.collect::<Map<_, _>>(),
        "checks": checks.collect::<Map<_, _>>(),
    });
    format!("{}\n", serde_json::to_string_pretty(&kinds).unwrap())
}

/// Every group of kinds is listed.
#[test]
fn no_kind_is_declared_that_the_pages_leave_out() {
    for declared in &*declared::DYNAMIC {
        let AttributeType::Nested(_, content) = &declared.content else {
            panic!("{} holds no object", declared.name);
        };
        let kinds = content
            .iter()
            .filter(|key| matches!(key.kind, AttributeType::Nested(..)));
        let kinds: Vec<&str> = kinds.map(|key| key.name).collect();
        let listed: Vec<&str> = match declared.name {
            "source" => source::ALL.iter().map(|kind| kind.name).collect(),
            "targets" => target::ALL.iter().map(|kind| kind.name).collect(),
            "activations" => activation::ALL.iter().map(|kind| kind.name).collect(),
            "checks" => check::ALL.iter().map(|kind| kind.name).collect(),
            _ => Vec::new(),
        };
        assert_eq!(kinds, listed, "{}", declared.name);
    }
}

#[test]
fn kinds_json_has_the_shape_that_tools_rely_on() {
    let kinds: Value = serde_json::from_str(&kinds()).unwrap();
    let groups: Vec<&String> = kinds.as_object().unwrap().keys().collect();
    assert_eq!(groups.len(), 4, "{groups:?}");
    for group in ["sources", "targets", "activations", "checks"] {
        for (name, kind) in kinds[group].as_object().unwrap() {
            let schema = &kind["schema"];
            assert_eq!(schema["type"], "object", "{name}");
            assert_eq!(schema["additionalProperties"], false, "{name}");
            let properties = schema["properties"].as_object().unwrap();
            for (argument, schema) in properties {
                assert!(schema["type"].is_string(), "{name}.{argument}");
                assert!(!schema["description"].as_str().unwrap().is_empty(), "{name}.{argument}");
            }
            for required in schema["required"].as_array().unwrap() {
                assert!(
                    properties.contains_key(required.as_str().unwrap()),
                    "{name}: {required}"
                );
            }
            assert_eq!(kind["parts"].is_array(), group == "sources", "{name}");
        }
    }
    assert_eq!(kinds["targets"]["fly_secret"]["schema"]["required"], json!(["app"]));
    assert_eq!(
        kinds["sources"]["neon_role_password"]["parts"],
        json!(["password", "username", "host", "uri"])
    );
    assert_eq!(
        kinds["targets"]["ssm_parameter"]["schema"]["properties"]["tags"]["additionalProperties"],
        json!({ "type": "string" })
    );
}

#[test]
fn every_notice_is_in_its_guide() {
    let guide = std::fs::read_to_string(root().join("docs/guides/notices.md")).unwrap();
    let (today, reserved) = guide.split_once("## Not used yet").unwrap();
    for code in NoticeCode::ALL {
        let name = format!("`{}`", code.as_str());
        let explained = today.contains(&format!("\n| {name} |"));
        assert!(
            explained != reserved.contains(&name),
            "{name} belongs into one part of docs/guides/notices.md"
        );
    }
    let rows = today.lines().filter(|line| line.starts_with("| `")).count();
    let listed = reserved.matches('`').count() / 2;
    assert_eq!(
        rows + listed,
        NoticeCode::ALL.len(),
        "a code in the guide that does not exist"
    );
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
    blocks_without_full_stop(&provider.registry().provider_schema().block, &mut found);
    for name in [SECRET, ACTIVATION] {
        let resource = provider.registry().resource(name).unwrap();
        blocks_without_full_stop(&resource.schema().block, &mut found);
    }
    for declared in &*declared::DYNAMIC {
        let AttributeType::Nested(_, content) = &declared.content else {
            panic!("{} holds no object", declared.name);
        };
        without_full_stop(content, &mut found);
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
    found.extend(
        [
            "provider",
            "connections",
            "demo",
            "modules",
            "musehub",
            "spectral",
            "spectral/deploy",
            "functions/inventory",
        ]
        .map(|name| root().join("examples").join(name)),
    );
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
        let main = std::fs::read_to_string(folder.join("main.tf")).unwrap_or_default();
        if main.contains("\nmodule \"") {
            workspace.run(&["get"]).success();
        }
        let checked = workspace.run(&["validate", "-no-color"]);
        let name = folder.strip_prefix(root()).unwrap().display();
        assert_eq!(checked.status, 0, "{name} is not valid, fix it: {}", checked.output);
        let warnings = checked.output.matches("Warning: ").count();
        let of_terraform = checked
            .output
            .matches("Warning: Provider development overrides")
            .count();
        assert_eq!(warnings, of_terraform, "{name} warns, fix it: {}", checked.output);
        let formatted = workspace.run(&["fmt", "-check", "-recursive"]);
        assert_eq!(
            formatted.status, 0,
            "run `terraform fmt` in {name}: {}",
            formatted.output
        );
    }
}

/// `tests/e2e/day_two.rs` applies them, and compares what the guide shows.
#[test]
fn the_configurations_of_the_guide_day_two_are_valid_and_formatted() {
    let guide = std::fs::read_to_string(root().join("docs/guides/day-two.md")).unwrap();
    let fenced = guide.split("```terraform\n").skip(1);
    let blocks: Vec<&str> = fenced.map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() > 3, "{blocks:?}");
    let executable = Path::new(env!("CARGO_BIN_EXE_terraform-provider-rotation"));
    let workspace = Workspace::new(Core::Installed, "secret-rotation/rotation", executable);
    let required = "terraform {\n  required_providers {\n    rotation = {\n      source = \"secret-rotation/rotation\"\n    }\n  }\n}\n\n";
    workspace.write(&format!("{required}{}", blocks.join("\n")));
    for arguments in [&["validate", "-no-color"][..], &["fmt", "-check", "-diff"]] {
        let checked = workspace.run(arguments);
        assert_eq!(checked.status, 0, "{arguments:?}: {}", checked.output);
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
    // Nor does it warn of anything, such as a rotation that could not be resumed.
    assert!(!said.contains("FLY_API_TOKEN: "), "{said}");
}
