//! Rules that the compiler does not check: which module may use which, who may write, how long a file may get.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rotation_provider::environment::Environment;
use rotation_provider::plugin::Provider as _;
use rotation_provider::provider::RotationProvider;
use rotation_provider::terraform::{Attribute, AttributeType, Block};
use rotation_provider::{check, source, target};

/// What each module may use. The order is from the inside out.
const MAY_USE: [(&str, &[&str]); 29] = [
    ("address", &[]),
    ("clock", &[]),
    ("diagnostics", &[]),
    ("duration", &[]),
    ("environment", &[]),
    ("label", &[]),
    ("part", &[]),
    ("randomness", &[]),
    ("secret", &["part"]),
    ("escrow", &["secret"]),
    ("stop", &[]),
    ("call", &["secret"]),
    ("age", &["randomness", "secret"]),
    ("files", &["call", "clock"]),
    ("template", &["part", "secret"]),
    ("terraform", &["diagnostics", "duration", "secret"]),
    ("rotation", &["label"]),
    ("http", &["call", "clock", "randomness", "secret", "stop"]),
    ("process", &["call", "clock", "environment", "secret", "stop"]),
    (
        "connection",
        &[
            "address",
            "call",
            "clock",
            "diagnostics",
            "environment",
            "http",
            "process",
            "randomness",
            "secret",
            "stop",
            // Requests whose headers and bodies a user writes.
            "template",
            "terraform",
        ],
    ),
    (
        "source",
        &[
            "address",
            "call",
            "connection",
            "diagnostics",
            "duration",
            "label",
            "part",
            "randomness",
            "rotation",
            "secret",
            "terraform",
        ],
    ),
    (
        "target",
        &[
            "address",
            // Recovery copies.
            "age",
            "call",
            "clock",
            "connection",
            "diagnostics",
            "duration",
            "files",
            "http",
            "label",
            "part",
            // Entries that a user's command writes.
            "process",
            // Salts of digests.
            "randomness",
            "rotation",
            "secret",
            "stop",
            "terraform",
        ],
    ),
    (
        "check",
        &[
            "call",
            "clock",
            "connection",
            "diagnostics",
            "http",
            "process",
            // Names of canaries.
            "randomness",
            "secret",
            "stop",
            "template",
            "terraform",
        ],
    ),
    ("activation", &["check"]),
    (
        "vendors",
        &[
            "address",
            "call",
            "check",
            "connection",
            "diagnostics",
            "source",
            "target",
            "terraform",
        ],
    ),
    (
        "spec",
        &[
            "address",
            "check",
            "connection",
            "part",
            "rotation",
            "secret",
            "source",
            "target",
            "template",
        ],
    ),
    (
        "executor",
        &[
            "address",
            "call",
            "check",
            "clock",
            "diagnostics",
            "escrow",
            "label",
            "part",
            "rotation",
            "secret",
            "source",
            "spec",
            "stop",
            "target",
            "vendors",
        ],
    ),
    (
        "plugin",
        &["clock", "diagnostics", "environment", "secret", "terraform"],
    ),
    // Neither `http` nor `secret`: it calls nobody itself, and holds no value.
    (
        "provider",
        &[
            "activation",
            "address",
            "call",
            "check",
            "clock",
            "connection",
            "diagnostics",
            "duration",
            "environment",
            "escrow",
            "executor",
            "label",
            "part",
            "plugin",
            // What `allow_exec` must name.
            "process",
            "rotation",
            "source",
            "spec",
            "stop",
            "target",
            "template",
            "terraform",
            "vendors",
        ],
    ),
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

/// The files that only tests are compiled with: `#[cfg(test)] mod name;`.
fn only_for_tests(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for path in files {
        let text = std::fs::read_to_string(path).unwrap();
        let holds_modules = ["mod", "lib", "main"]
            .map(Some)
            .contains(&path.file_stem().and_then(|stem| stem.to_str()));
        let folder = match holds_modules {
            true => path.parent().unwrap().to_owned(),
            false => path.with_extension(""),
        };
        for declared in text.split("#[cfg(test)]\nmod ").skip(1) {
            let name = declared
                .split(|one: char| !one.is_alphanumeric() && one != '_')
                .next()
                .unwrap();
            if declared[name.len()..].starts_with(';') {
                let file = folder.join(name).with_extension("rs");
                assert!(file.exists(), "{} is no file", file.display());
                found.insert(file);
            }
        }
    }
    found
}

/// Every file below `src` that is shipped, with the module it belongs to and its text.
fn files() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    assert!(found.len() > 50, "only {} files were found", found.len());
    let hidden = only_for_tests(&found);
    assert!(hidden.contains(&root.join("simulation.rs")));
    found
        .into_iter()
        .filter(|path| !hidden.contains(path))
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

/// What of a file is shipped: no comments, and no item that only tests are compiled with.
fn shipped(text: &str) -> String {
    let mut code = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            // rustfmt closes an item at the indentation at which it began.
            let indentation = &line[..line.len() - line.trim_start().len()];
            let closing = format!("{indentation}}}");
            for hidden in lines.by_ref() {
                let is_whole = hidden.ends_with(';') && hidden.starts_with(indentation);
                if hidden == closing || (is_whole && !hidden[indentation.len()..].starts_with(' ')) {
                    break;
                }
            }
        } else if !line.trim_start().starts_with("//") {
            code.push(line);
        }
    }
    code.join("\n")
}

/// The modules of this crate that a piece of code names: `crate::a::…`, `crate::{a, b::…}`, in `use` lines and inline.
fn named(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let mut depth = 0_usize;
        let mut begins = true;
        for (at, c) in group.char_indices() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                c if begins && !c.is_whitespace() => {
                    names.insert(word(&group[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names
}

#[test]
fn the_reader_of_sources_sees_every_form_of_a_path_and_no_test() {
    let text = "use crate::{call, http::{Client, Request}};\n#[cfg(test)]\nmod tests;\nuse crate::label;\n\
                // crate::comment\nfn f() { crate::clock::now(); }\n#[cfg(test)]\nmod more {\n    use crate::provider;\n}\n\
                fn g() -> crate::secret::Secret {}\n";
    let names: Vec<String> = named(&shipped(text)).into_iter().collect();
    assert_eq!(names, ["call", "clock", "http", "label", "secret"]);
}

#[test]
fn modules_use_only_what_lies_further_inside() {
    for (at, (module, allowed)) in MAY_USE.iter().enumerate() {
        let inside: Vec<&str> = MAY_USE[..at].iter().map(|(name, _)| *name).collect();
        let outside: Vec<_> = allowed.iter().filter(|name| !inside.contains(*name)).collect();
        assert!(
            outside.is_empty(),
            "{module} may use {outside:?}, which do not stand above it in the table"
        );
    }
    let mut needed: BTreeSet<(&str, String)> = BTreeSet::new();
    for (module, path, text) in files() {
        let Some((module, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            assert!(
                ["lib", "main"].contains(&module.as_str()),
                "{module} is in no row of the table"
            );
            continue;
        };
        for name in named(&shipped(&text)) {
            assert!(
                name == *module || allowed.contains(&name.as_str()),
                "{} uses {name}, but {module} may use only {allowed:?}: pass it in from further outside, or change MAY_USE if the \
                 layering itself is to change",
                path.display()
            );
            needed.insert((module, name));
        }
    }
    let unused: Vec<String> = MAY_USE
        .iter()
        .flat_map(|(module, allowed)| allowed.iter().map(move |name| (*module, (*name).to_owned())))
        .filter(|pair| !needed.contains(pair))
        .map(|(module, name)| format!("{module}: {name}"))
        .collect();
    assert!(
        unused.is_empty(),
        "MAY_USE permits what nobody needs, take it out: {unused:?}"
    );
}

/// Every path that a piece of code names from the root of the crate, in `use` trees and inline; `module` is where it stands.
fn paths(code: &str, module: &[String]) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for start in ["crate::", "self::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let mut base = module.to_vec();
            let mut rest = &code[at..];
            if let Some(inner) = rest.strip_prefix("crate::") {
                (base, rest) = (Vec::new(), inner);
            } else if let Some(inner) = rest.strip_prefix("self::") {
                rest = inner;
            }
            while let Some(inner) = rest.strip_prefix("super::") {
                base.pop();
                rest = inner;
            }
            tree(rest, &base, &mut found);
        }
    }
    found
}

/// Adds the paths of a `use` tree that begins `text`; gives what follows it.
fn tree<'t>(text: &'t str, base: &[String], found: &mut BTreeSet<Vec<String>>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = tree(rest, base, found).trim_start();
            match rest.strip_prefix(',') {
                Some(more) if !more.trim_start().starts_with('}') => rest = more,
                other => {
                    let rest = other.unwrap_or(rest).trim_start();
                    return rest.strip_prefix('}').unwrap_or(rest);
                }
            }
        }
    }
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let mut path = base.to_vec();
    if word != "self" {
        path.push(word.to_owned());
    }
    match rest.strip_prefix("::") {
        Some(inner) => tree(inner, &path, found),
        None => {
            found.insert(path);
            rest.trim_start().strip_prefix("as ").map_or(rest, |renamed| {
                let renamed = renamed.trim_start();
                let end = renamed
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(renamed.len());
                &renamed[end..]
            })
        }
    }
}

#[test]
fn the_reader_of_paths_resolves_every_form() {
    let module = ["m".to_owned(), "n".to_owned()];
    let code = "use super::{a::B, c as d};\nuse crate::x::{self, y::Z};\nfn f() { self::q::r(); super::super::t::u() }";
    let found: Vec<String> = paths(code, &module).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["m::a::B", "m::c", "m::n::q::r", "t::u", "x", "x::y::Z"]);
}

/// Modules beside each other, at any depth, that need each other: neither can be read, moved or tested without the other.
#[test]
fn no_siblings_use_each_other_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let module_of = |path: &Path| -> Vec<String> {
        let relative = path.strip_prefix(&root).unwrap().with_extension("");
        let mut names: Vec<String> = relative
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        if names.last().is_some_and(|name| name == "mod") {
            names.pop();
        }
        names
    };
    let files = files();
    let modules: BTreeSet<Vec<String>> = files.iter().map(|(_, path, _)| module_of(path)).collect();
    let mut uses: BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (_, path, text) in &files {
        let module = module_of(path);
        if ["lib", "main"].contains(&module[0].as_str()) {
            continue;
        }
        for mut named in paths(&shipped(text), &module) {
            while !named.is_empty() && !modules.contains(&named) {
                named.pop();
            }
            let shared = module
                .iter()
                .zip(&named)
                .take_while(|(one, other)| one == other)
                .count();
            if let (Some(user), Some(used)) = (module.get(shared), named.get(shared)) {
                let siblings = uses.entry(module[..shared].to_vec()).or_default();
                siblings.entry(user.clone()).or_default().insert(used.clone());
            }
        }
    }
    assert!(
        uses[&Vec::new()]["executor"].contains("target"),
        "the reader of paths sees nothing"
    );
    for (parent, siblings) in &uses {
        for start in siblings.keys() {
            let mut reached = siblings[start].clone();
            loop {
                let next: BTreeSet<String> = reached
                    .iter()
                    .filter_map(|name| siblings.get(name))
                    .flatten()
                    .cloned()
                    .collect();
                let before = reached.len();
                reached.extend(next);
                if reached.len() == before {
                    break;
                }
            }
            assert!(
                !reached.contains(start),
                "{} needs {reached:?}, and one of them needs {start}: move what both need to a module of its own",
                [&parent[..], std::slice::from_ref(start)].concat().join("::")
            );
        }
    }
}

/// Places where what a text stands for may be done, and nowhere else. `plugin` speaks to Terraform, so it has a process to serve.
const DOORS: [(&str, &[&str]); 16] = [
    (
        "granted_by_apply()",
        &[
            "call.rs",
            "provider/activation/apply.rs",
            "provider/secret/apply/mod.rs",
        ],
    ),
    ("Timestamp::now(", &["clock.rs"]),
    ("SystemTime::now(", &["clock.rs"]),
    ("Instant::now(", &["clock.rs"]),
    ("tokio::time", &["clock.rs"]),
    ("SystemRandom::new(", &["randomness.rs"]),
    ("aws_lc_rs::rand", &["randomness.rs"]),
    ("rand::fill", &["randomness.rs"]),
    ("std::env::var", &["environment.rs"]),
    // What vendors read is trimmed or refused: `Environment::read`.
    (
        "environment.get(",
        &[
            "plugin/handshake.rs",
            "plugin/serve.rs",
            "plugin/socket.rs",
            "provider/config.rs",
        ],
    ),
    ("environment.first(", &["plugin/log.rs", "provider/mod.rs"]),
    ("reqwest::Client", &["http/client.rs"]),
    ("std::process::Command", &[]),
    ("tokio::process", &["process/attempt.rs"]),
    ("std::fs", &["files.rs", "http/known_answers.rs", "plugin/socket.rs"]),
    ("println!", &[]),
];

#[test]
fn permission_and_time_and_entropy_and_variables_have_one_door_each() {
    for (_, path, text) in files() {
        let code = shipped(&text);
        for (what, doors) in DOORS {
            assert!(
                !code.contains(what) || doors.iter().any(|door| path.ends_with(format!("src/{door}"))),
                "{} has {what}, which only {doors:?} may have: call what they offer",
                path.display()
            );
        }
    }
}

#[test]
fn engine_and_decisions_are_pure() {
    for (module, path, text) in files() {
        let pure = PURE.iter().any(|part| within_provider(&path, part));
        if module != "rotation" && !pure {
            continue;
        }
        let code = shipped(&text);
        for impure in ["async fn", "clock.now(", "WritePermit"] {
            assert!(!code.contains(impure), "{} has {impure}", path.display());
        }
        let awaits = code
            .split(".await")
            .skip(1)
            .any(|rest| !rest.starts_with(char::is_alphanumeric));
        assert!(!awaits, "{} awaits something", path.display());
    }
    for part in PURE {
        let exists = files().iter().any(|(_, path, _)| within_provider(path, part));
        assert!(exists, "{part} no longer exists: say where its code is");
    }
}

/// Files and folders of `src/provider` that decide: they take facts, and ask nobody.
const PURE: [&str; 12] = [
    "activation/config.rs",
    "activation/decide.rs",
    "activation/plan.rs",
    "kinds/",
    "secret/config/",
    "secret/decide/",
    "secret/due.rs",
    "secret/findings.rs",
    "secret/goal.rs",
    "secret/plan/forecast.rs",
    "secret/plan/repeated.rs",
    "secret/plan/steps.rs",
];

fn within_provider(path: &Path, part: &str) -> bool {
    path.to_string_lossy().contains(&format!("src/provider/{part}"))
}

/// The schema is the same whatever kinds there are: each one in it would make every plan slower, and `dynamic` arguments are conformed
/// by `declared.rs` instead.
#[test]
fn the_schema_of_the_resource_does_not_depend_on_kinds() {
    let (_, _, text) = files()
        .into_iter()
        .find(|(_, path, _)| within_provider(path, "secret/schema.rs"))
        .unwrap();
    let used = named(&shipped(&text));
    assert_eq!(used.into_iter().collect::<Vec<_>>(), ["terraform"]);

    let provider = RotationProvider::new(Environment::default());
    let schema = provider.registry().resource("rotation_secret").unwrap().schema();
    let mut lines = Vec::new();
    outline(&schema.block, "", &mut lines);
    let kinds = source::ALL.iter().map(|kind| kind.name);
    let kinds = kinds.chain(target::ALL.iter().map(|kind| kind.name));
    let kinds: BTreeSet<&str> = kinds.chain(check::ALL.iter().map(|kind| kind.name)).collect();
    let mut mentioned = Vec::new();
    for (path, what, description) in &lines {
        for kind in &kinds {
            let is_mentioned = |text: &str| {
                text.split(|c: char| !c.is_alphanumeric() && c != '_')
                    .any(|word| word == *kind)
            };
            assert!(!is_mentioned(path) && !is_mentioned(what), "{path}: {what}");
            if is_mentioned(description) {
                mentioned.push(format!("{path}: {kind}"));
            }
        }
    }
    // Descriptions may give an example.
    assert_eq!(
        mentioned,
        [
            "source: random",
            "value_wo: provided",
            "parts_wo: provided",
            "overlap: ssm_parameter"
        ]
    );
    let outlined: Vec<String> = lines.iter().map(|(path, what, _)| format!("{path}: {what}")).collect();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots" }, {
        insta::assert_snapshot!("schema_of_rotation_secret", outlined.join("\n"));
    });
}

#[test]
fn the_schema_of_activations_does_not_depend_on_kinds_either() {
    let schema = files()
        .into_iter()
        .find(|(_, path, _)| within_provider(path, "activation/schema.rs"));
    let (_, _, text) = schema.unwrap();
    assert_eq!(named(&shipped(&text)).into_iter().collect::<Vec<_>>(), ["terraform"]);
    let provider = RotationProvider::new(Environment::default());
    let schema = provider.registry().resource("rotation_activation").unwrap().schema();
    let mut lines = Vec::new();
    outline(&schema.block, "", &mut lines);
    let outlined: Vec<String> = lines.iter().map(|(path, what, _)| format!("{path}: {what}")).collect();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots" }, {
        insta::assert_snapshot!("schema_of_rotation_activation", outlined.join("\n"));
    });
}

/// Path, type and mode, and description of everything in a block.
fn outline(block: &Block, prefix: &str, lines: &mut Vec<(String, String, String)>) {
    attributes(&block.attributes, prefix, lines);
    for nested in &block.blocks {
        let path = format!("{prefix}{}", nested.name);
        lines.push((path.clone(), "block".to_owned(), nested.block.description.clone()));
        outline(&nested.block, &format!("{path}."), lines);
    }
}

fn attributes(all: &[Attribute], prefix: &str, lines: &mut Vec<(String, String, String)>) {
    for attribute in all {
        let path = format!("{prefix}{}", attribute.name);
        let mut what = match &attribute.kind {
            AttributeType::Plain(kind) => format!("{kind:?}"),
            AttributeType::Nested(nesting, _) => format!("{nesting:?} of objects"),
        };
        what.push_str(&format!(", {:?}", attribute.mode));
        if attribute.write_only {
            what.push_str(", write-only");
        }
        lines.push((path.clone(), what, attribute.description.clone()));
        if let AttributeType::Nested(_, inner) = &attribute.kind {
            attributes(inner, &format!("{path}."), lines);
        }
    }
}

/// What becomes known of a secret becomes known by one event: the compiler holds the rest of the crate to that, as long as no field
/// of the ledger is public and nothing else lends it mutably.
#[test]
fn a_ledger_changes_by_recorded_events_alone() {
    let (mut fields, mut doors) = (Vec::new(), Vec::new());
    for (module, path, text) in files() {
        if module != "rotation" {
            continue;
        }
        let code = shipped(&text);
        if let Some((_, body)) = code.split_once("pub struct Ledger {") {
            let body = body.split('}').next().unwrap_or_default();
            fields.extend(
                body.lines()
                    .filter(|line| line.trim_start().starts_with("pub "))
                    .map(str::to_owned),
            );
        }
        for part in code.split("impl Ledger {").skip(1) {
            let body = part.split("\n}\n").next().unwrap_or_default();
            let public = body.split("pub fn ").skip(1);
            let mutable = public.filter(|function| {
                let signature = function.split('{').next().unwrap_or_default();
                signature.contains("&mut")
            });
            doors.extend(
                mutable.map(|function| (path.clone(), function.split('(').next().unwrap_or_default().to_owned())),
            );
        }
    }
    assert_eq!(fields, Vec::<String>::new(), "public fields of the ledger");
    let doors: Vec<&str> = doors.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(doors, ["record"]);
}

/// What makes words of a diagnostic that are in no catalogue. Files that may, with how they may.
const LITERALS: [(&str, &[&str]); 5] = [
    ("Message {", &["diagnostics/catalogue.rs"]),
    ("Diagnostic {", &["terraform/diagnostic.rs"]),
    ("Text for ", &["diagnostics/catalogue.rs"]),
    ("catalogue! {", &["diagnostics/"]),
    (".detail.push", &[]),
];

/// The literals in a piece of code, as they stand there. `-> Message {` returns one, and `impl Diagnostic {` makes none.
fn literals(code: &str) -> Vec<&'static str> {
    let made = |literal: &&'static str| {
        code.match_indices(*literal).any(|(at, _)| {
            let before = code[..at].trim_end();
            let is_name = !literal.starts_with('.') && code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            // The wire has a message of that name.
            !is_name
                && !code[..at].ends_with("wire::")
                && !before.trim_end_matches('&').trim_end().ends_with("->")
                && !before.ends_with("struct")
                && !before.ends_with(" for")
                && !before.ends_with("impl")
        })
    };
    LITERALS.iter().map(|(literal, _)| *literal).filter(made).collect()
}

/// Every error and warning is a variant of the catalogue, so that the golden files show it.
#[test]
fn no_diagnostic_has_words_of_its_own() {
    let planted = [
        ("let x = Message { summary, detail, ..other };", vec!["Message {"]),
        ("problems.push(Diagnostic { path, ..why })", vec!["Diagnostic {"]),
        ("impl crate::diagnostics::Text for Mine {}", vec!["Text for "]),
        ("failure.detail.push_str(\" More.\");", vec![".detail.push"]),
        (
            "fn f() -> Message {\n}\nimpl Diagnostic {\n}\nstruct CallMessage {",
            vec![],
        ),
    ];
    for (code, found) in planted {
        assert_eq!(literals(code), found, "{code}");
    }
    for (_, path, text) in files() {
        for literal in literals(&shipped(&text)) {
            let (_, permitted) = LITERALS.iter().find(|(known, _)| *known == literal).unwrap();
            assert!(
                permitted
                    .iter()
                    .any(|file| path.to_string_lossy().contains(&format!("src/{file}"))),
                "{} makes a diagnostic with {literal:?}: give it a variant in src/diagnostics, with a sample",
                path.display()
            );
        }
    }
}

#[test]
fn no_file_is_longer_than_one_idea() {
    for (_, path, text) in files() {
        let lines = text.lines().count();
        assert!(
            lines <= 800,
            "{} has {lines} lines; at most 800, better 400: give a part of it a file of its own",
            path.display()
        );
    }
}
