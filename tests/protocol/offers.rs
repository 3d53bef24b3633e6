//! What a provider offers besides resources: data sources, ephemeral resources and functions, with real cores and call by call.

use rotation_provider::terraform::{Type, Value, msgpack};
use tonic::Code;

use crate::cores::workspace;
use crate::fixture::{errors, running, start};
use crate::grpc::clients::tfplugin6 as wire;
use crate::terraform_cores::Core;

const HEAD: &str = r#"
terraform {
  required_providers {
    fixture = {
      source = "example/fixture"
    }
  }
}
"#;

const ALL: &str = r#"
data "fixture_echo" "this" {
  text = "hi"
}

ephemeral "fixture_whisper" "this" {
  to = "canary"
}

resource "fixture_note" "this" {
  text     = provider::fixture::longest(["a", data.fixture_echo.this.echo], 2)
  value_wo = ephemeral.fixture_whisper.this.said
}

output "longest" {
  value = fixture_note.this.text
}
"#;

fn all_are_used(core: Core) {
    let workspace = workspace(core, &format!("{HEAD}{ALL}"));
    workspace.run(&["validate"]).success();
    let applied = workspace.run(&["apply", "-auto-approve"]).success();
    assert!(applied.contains(r#"longest = "hi hi""#), "{applied}");
    let state = workspace.state().to_string();
    assert!(
        state.contains(r#""length":12"#),
        "the ephemeral value was not passed on: {state}"
    );
    assert!(!state.contains("canary"), "{state}");
    let again = workspace.run(&["plan", "-detailed-exitcode"]).success();
    assert!(again.contains("No changes"), "{again}");
}

#[test]
fn terraform_uses_a_data_source_an_ephemeral_resource_and_a_function() {
    all_are_used(Core::Installed);
}

#[test]
fn terraform_1_15_uses_a_data_source_an_ephemeral_resource_and_a_function() {
    all_are_used(Core::Terraform115);
}

#[test]
fn their_mistakes_are_shown_at_their_lines() {
    for (configuration, texts) in [
        (
            "data \"fixture_echo\" \"x\" {\n  text = \"\"\n}",
            ["There is nothing to repeat", "text = \"\""],
        ),
        (
            "data \"fixture_echo\" \"x\" {\n  text = \"nobody\"\n}",
            ["Nobody answers", "text = \"nobody\""],
        ),
        (
            "data \"fixture_echo\" \"x\" {\n  text = \"panic\"\n}",
            ["The provider crashed in ReadDataSource", "data \"fixture_echo\" \"x\""],
        ),
        (
            "ephemeral \"fixture_whisper\" \"x\" {\n  to = \"nobody\"\n}",
            ["Nobody listens", "to = \"nobody\""],
        ),
        (
            "ephemeral \"fixture_whisper\" \"x\" {\n  to = \"gossip\"\n}",
            ["It was not kept", "Whisper to somebody else"],
        ),
        (
            "output \"x\" {\n  value = provider::fixture::longest([], 1)\n}",
            ["There is no text.", "provider::fixture::longest([], 1)"],
        ),
        (
            "output \"x\" {\n  value = provider::fixture::longest([\"a\"], 2)\n}",
            ["Every text is shorter.", "provider::fixture::longest([\"a\"], 2)"],
        ),
        (
            "output \"x\" {\n  value = provider::fixture::longest([\"panic\"], 1)\n}",
            ["The provider crashed in CallFunction", "This is a bug in the provider"],
        ),
    ] {
        let plan = workspace(Core::Installed, &format!("{HEAD}{configuration}\n")).run(&["plan"]);
        assert_ne!(plan.status, 0, "{configuration}: {}", plan.output);
        let output: String = plan.output.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in texts {
            assert!(
                output.contains(text),
                "{configuration}: {text:?} is missing in {}",
                plan.output
            );
        }
    }
}

fn argument(value: &Value, kind: &Type) -> wire::DynamicValue {
    wire::DynamicValue {
        msgpack: msgpack::encode(value, kind).unwrap(),
        json: Vec::new(),
    }
}

#[tokio::test]
async fn a_function_is_called_with_what_it_declares_or_refuses() {
    let (_plugin, mut clients) = running(start()).await;
    let provider = &mut clients.provider;
    let functions = provider
        .get_functions(wire::get_functions::Request {})
        .await
        .unwrap()
        .into_inner();
    let schema = wire::get_provider_schema::Request {};
    let schema = provider.get_provider_schema(schema).await.unwrap().into_inner();
    assert_eq!(functions.functions, schema.functions);
    assert_eq!(schema.functions["longest"].parameters.len(), 2);

    let texts = argument(
        &Value::List(vec![Value::string("ab"), Value::string("c")]),
        &Type::strings(),
    );
    let least = argument(&Value::number(1), &Type::Number);
    let json = wire::DynamicValue {
        msgpack: Vec::new(),
        json: br#"["ab","c"]"#.to_vec(),
    };
    for (name, arguments, expected) in [
        ("longest", vec![texts.clone(), least.clone()], Ok("ab")),
        ("longest", vec![json, least.clone()], Ok("ab")),
        (
            "longest",
            vec![texts.clone()],
            Err(("It takes 2 argument(s), and was given 1.", None)),
        ),
        (
            "longest",
            vec![least.clone(), texts.clone()],
            Err(("Cannot read texts: ", Some(0))),
        ),
        (
            "longest",
            vec![texts.clone(), texts.clone()],
            Err(("Cannot read at_least: ", Some(1))),
        ),
        (
            "shortest",
            vec![texts, least],
            Err(("This provider has no function \"shortest\". It has: longest.", None)),
        ),
    ] {
        let request = wire::call_function::Request {
            name: name.to_owned(),
            arguments,
        };
        let answer = provider.call_function(request).await.unwrap().into_inner();
        match expected {
            Ok(text) => {
                let result = msgpack::decode(&answer.result.unwrap().msgpack, &Type::String).unwrap();
                assert_eq!(result, Value::string(text));
                assert_eq!(answer.error, None);
            }
            Err((text, at)) => {
                let error = answer.error.unwrap();
                assert!(error.text.starts_with(text), "{error:?}");
                assert_eq!((error.function_argument, answer.result), (at, None));
            }
        }
    }
}

#[tokio::test]
async fn names_that_nobody_offers_are_refused_with_those_that_exist() {
    let (_plugin, mut clients) = running(start()).await;
    let provider = &mut clients.provider;
    let request = wire::read_data_source::Request::default();
    let read = provider
        .read_data_source(request)
        .await
        .unwrap()
        .into_inner()
        .diagnostics;
    assert_eq!(errors(&read), ["This provider has no data source \"\""]);
    assert!(read[0].detail.contains("fixture_echo"), "{read:?}");
    let request = wire::open_ephemeral_resource::Request::default();
    let opened = provider
        .open_ephemeral_resource(request)
        .await
        .unwrap()
        .into_inner()
        .diagnostics;
    assert_eq!(errors(&opened), ["This provider has no ephemeral resource type \"\""]);
    assert!(opened[0].detail.contains("fixture_whisper"), "{opened:?}");
    let renewal = wire::renew_ephemeral_resource::Request::default();
    let renewed = provider.renew_ephemeral_resource(renewal).await;
    assert_eq!(renewed.unwrap_err().code(), Code::Unimplemented);
}
