//! Real cores give a dynamic attribute whatever an expression can make, and a labelled block its label.

use crate::cores::workspace;
use crate::terraform_cores::{Core, Workspace};

const CONFIGURATION: &str = r#"
terraform {
  required_providers {
    fixture = {
      source = "example/fixture"
    }
  }
}

variable "hidden" {
  type      = string
  default   = "canary-shown-as-sensitive"
  sensitive = true
}

locals {
  waves = {
    web    = 1
    worker = 2.50
  }
}

module "typed" {
  source = "./typed"
  targets = {
    web    = { app = "x", wave = 18446744073709551616 }
    worker = { app = "y" }
  }
}

resource "fixture_note" "seed" {
  text = "a: 7"
}

resource "fixture_note" "each" {
  for_each = {
    literal     = { web = { app = "x", waves = [1, "two", true, null] }, worker = { size = 0.1 } }
    merged      = merge({ web = { app = "x" } }, { worker = { size = 10, on = true } })
    loop        = { for name, wave in local.waves : name => { wave = wave } if wave > 1 }
    conditional = var.hidden == "" ? null : { web = { app = "x" } }
    collections = { list = tolist([1, 2]), set = toset(["a", "b"]), map = tomap({ a = 0.5 }), none = tolist([]) }
    number      = -12.5
    nothing     = null
    typed_null  = tostring(null)
  }
  text     = each.key
  anything = each.value
}

resource "fixture_note" "unknown_inside" {
  text     = "inside"
  anything = { web = { app = "v-${fixture_note.seed.id}", size = fixture_note.seed.length, wave = 3 } }
}

# What it decodes to is not known before the seed exists: not even its type.
resource "fixture_note" "unknown" {
  text     = "whole"
  anything = yamldecode(fixture_note.seed.id)
}

# One sensitive value only: up to Terraform 1.14, those of an object are compared in an order that changes from run to run.
resource "fixture_note" "sensitive" {
  text     = "sensitive"
  anything = { web = { app = sensitive("canary-shown-as-sensitive"), wave = 4 } }
}

resource "fixture_note" "from_module" {
  text     = "module"
  anything = module.typed.targets
}

resource "fixture_note" "pinned" {
  text = "pinned"
  pin "wall" {
    colour     = "red-${fixture_note.seed.id}"
    whisper_wo = "canary-whisper"
  }
  pin "door" {
  }
}
"#;

const MODULE: &str = r#"
variable "targets" {
  type = map(object({
    app  = string
    wave = optional(number)
    size = optional(number, 0.1)
  }))
}

output "targets" {
  value = var.targets
}
"#;

fn with_module(core: Core, configuration: &str) -> Workspace {
    let workspace = workspace(core, configuration);
    let module = workspace.path().join("typed");
    std::fs::create_dir(&module).unwrap();
    std::fs::write(module.join("main.tf"), MODULE).unwrap();
    workspace.run(&["get"]).success();
    workspace
}

fn whatever_an_expression_makes_is_kept(core: Core) {
    let workspace = with_module(core, CONFIGURATION);
    workspace.run(&["validate"]).success();
    let planned = workspace.run(&["plan", "-out=saved"]).success();
    assert!(planned.contains("14 to add"), "{planned}");
    assert!(!planned.contains("canary"), "{planned}");
    workspace.run(&["apply", "saved"]).success();
    let again = workspace.run(&["plan", "-detailed-exitcode"]).success();
    assert!(again.contains("No changes"), "{again}");
    workspace
        .run(&["plan", "-refresh-only", "-detailed-exitcode"])
        .success();

    let state = workspace.state();
    let stored = |name: &str, key: Option<&str>| {
        let resources = state["resources"].as_array().unwrap();
        let resource = resources.iter().find(|resource| resource["name"] == name).unwrap();
        let instances = resource["instances"].as_array().unwrap();
        let instance = instances
            .iter()
            .find(|instance| instance["index_key"].as_str() == key)
            .unwrap();
        instance["attributes"]["anything"].to_string()
    };
    for (key, expected) in [
        ("nothing", "null"),
        ("typed_null", r#"{"type":"string","value":null}"#),
        ("number", r#"{"type":"number","value":-12.5}"#),
        (
            "loop",
            r#"{"type":["object",{"worker":["object",{"wave":"number"}]}],"value":{"worker":{"wave":2.5}}}"#,
        ),
    ] {
        assert_eq!(stored("each", Some(key)), expected, "{key}");
    }
    assert_eq!(
        stored("unknown", None),
        r#"{"type":["object",{"note-a":"number"}],"value":{"note-a":7}}"#
    );
    let module = stored("from_module", None);
    assert!(
        module.contains(r#""worker":{"app":"y","size":0.1,"wave":null}"#),
        "{module}"
    );
    assert!(!state.to_string().contains("whisper\""), "{state}");

    workspace.write(&CONFIGURATION.replace("wave = 3 }", "wave = \"3\" }"));
    let changed = workspace.run(&["apply", "-auto-approve"]).success();
    assert!(changed.contains("1 changed"), "{changed}");
    workspace.run(&["apply", "-destroy", "-auto-approve"]).success();
}

#[test]
fn terraform_keeps_whatever_an_expression_makes() {
    whatever_an_expression_makes_is_kept(Core::Installed);
}

#[test]
fn terraform_1_15_keeps_whatever_an_expression_makes() {
    whatever_an_expression_makes_is_kept(Core::Terraform115);
}

#[test]
fn terraform_points_into_dynamic_values_and_labelled_blocks() {
    let configuration = r#"
terraform {
  required_providers {
    fixture = {
      source = "example/fixture"
    }
  }
}

resource "fixture_note" "wrong" {
  text      = "wrong"
  misbehave = "be invalid inside"
  anything = {
    api = { size = 1 }
    web = { size = 2 }
  }
  pin "wall" {
    colour = "green"
  }
}
"#;
    for core in [Core::Installed, Core::Terraform115] {
        let outcome = workspace(core, configuration).run(&["validate"]);
        assert_eq!(outcome.status, 1);
        for (place, line) in [
            (r#"anything["web"].size.unit"#, "15:     web = { size = 2 }"),
            ("anything.web.size", "13:   anything = {"),
            (r#"pin["wall"].colour"#, r#"18:     colour = "green""#),
        ] {
            let summary = format!("Error: {place}: It must be another one");
            let (_, rest) = outcome.output.split_once(&summary).unwrap_or_else(|| {
                panic!("{place} is not named:\n{}", outcome.output);
            });
            let shown = rest.lines().take(5).any(|shown| shown.contains(line));
            assert!(shown, "{place}:\n{}", outcome.output);
        }
    }
}
