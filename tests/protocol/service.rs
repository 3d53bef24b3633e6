//! The rpcs: what goes in, what comes out, and what is kept when something goes wrong in between.

use rotation_provider::terraform::{Number, Value};
use tonic::Code;

use crate::fixture::{capable, decoded, errors, note, null, running, start, type_name};
use crate::grpc::clients::tfplugin6 as wire;

fn plan_request(
    prior: Option<wire::DynamicValue>,
    proposed: Option<wire::DynamicValue>,
) -> wire::plan_resource_change::Request {
    wire::plan_resource_change::Request {
        type_name: type_name(),
        prior_state: prior,
        config: proposed.clone(),
        proposed_new_state: proposed,
        prior_private: b"before".to_vec(),
        client_capabilities: capable(),
        ..Default::default()
    }
}

fn apply_request(
    prior: Option<wire::DynamicValue>,
    planned: Option<wire::DynamicValue>,
) -> wire::apply_resource_change::Request {
    wire::apply_resource_change::Request {
        type_name: type_name(),
        prior_state: prior,
        config: planned.clone(),
        planned_state: planned,
        planned_private: b"planned".to_vec(),
        ..Default::default()
    }
}

fn validate_request(config: Option<wire::DynamicValue>) -> wire::validate_resource_config::Request {
    wire::validate_resource_config::Request {
        type_name: type_name(),
        config,
        client_capabilities: capable(),
    }
}

fn hello() -> Option<wire::DynamicValue> {
    note([("text", Value::string("hello"))])
}

#[tokio::test]
async fn metadata_and_schema_name_the_same_things() {
    let (_plugin, mut clients) = running(start()).await;
    let metadata = clients
        .provider
        .get_metadata(wire::get_metadata::Request {})
        .await
        .unwrap();
    let schema = clients
        .provider
        .get_provider_schema(wire::get_provider_schema::Request {})
        .await
        .unwrap();
    let (metadata, schema) = (metadata.into_inner(), schema.into_inner());
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    for (named, expected) in [
        (
            metadata
                .resources
                .into_iter()
                .map(|known| known.type_name)
                .collect::<Vec<_>>(),
            schema.resource_schemas.into_keys().collect::<Vec<_>>(),
        ),
        (
            metadata.data_sources.into_iter().map(|known| known.type_name).collect(),
            schema.data_source_schemas.into_keys().collect(),
        ),
        (
            metadata
                .ephemeral_resources
                .into_iter()
                .map(|known| known.type_name)
                .collect(),
            schema.ephemeral_resource_schemas.into_keys().collect(),
        ),
        (
            metadata.functions.into_iter().map(|known| known.name).collect(),
            schema.functions.into_keys().collect(),
        ),
    ] {
        assert_eq!(named.len(), 1);
        assert_eq!(named, sorted(expected));
    }
    assert_eq!(metadata.server_capabilities, schema.server_capabilities);
    let capabilities = metadata.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional && capabilities.move_resource_state);
}

#[tokio::test]
async fn the_schema_says_who_sets_what_and_what_is_never_stored() {
    let (_plugin, mut clients) = running(start()).await;
    let request = wire::get_provider_schema::Request {};
    let schema = clients
        .provider
        .get_provider_schema(request)
        .await
        .unwrap()
        .into_inner();
    let note = &schema.resource_schemas["fixture_note"];
    assert_eq!(note.version, 1);
    let block = note.block.as_ref().unwrap();
    let attribute = |name: &str| {
        block
            .attributes
            .iter()
            .find(|attribute| attribute.name == name)
            .unwrap()
    };
    let flags = |name| {
        let attribute = attribute(name);
        (
            attribute.required,
            attribute.optional,
            attribute.computed,
            attribute.write_only,
        )
    };
    assert_eq!(flags("text"), (true, false, false, false));
    assert_eq!(flags("value_wo"), (false, true, false, true));
    assert_eq!(flags("id"), (false, false, true, false));
    assert_eq!(attribute("tags").r#type, br#"["map","string"]"#);
    let words = attribute("words").nested_type.as_ref().unwrap();
    assert_eq!(words.nesting(), wire::schema::object::NestingMode::Map);
    assert!(attribute("words").r#type.is_empty());
    assert!(
        words
            .attributes
            .iter()
            .any(|inner| inner.name == "whisper_wo" && inner.write_only)
    );
    assert_eq!(attribute("anything").r#type, b"\"dynamic\"");
    let blocks = block.block_types.iter();
    let blocks: Vec<_> = blocks
        .map(|block| (block.type_name.as_str(), block.nesting()))
        .collect();
    use wire::schema::nested_block::NestingMode;
    assert_eq!(blocks, [("frame", NestingMode::Single), ("pin", NestingMode::Map)]);
}

#[tokio::test]
async fn plan_and_apply_never_return_write_only_values() {
    let (_plugin, mut clients) = running(start()).await;
    let word = Value::object([
        ("spelling", Value::string("uno")),
        ("whisper_wo", Value::string("psst")),
    ]);
    let proposed = note([
        ("text", Value::string("hello")),
        ("value_wo", Value::string("top secret")),
        ("words", Value::object([("one", word)])),
    ]);
    let plan = clients
        .provider
        .plan_resource_change(plan_request(null(), proposed.clone()))
        .await
        .unwrap()
        .into_inner();
    let planned = decoded(plan.planned_state.clone());
    assert!(planned.get("value_wo").is_null());
    assert!(planned.get("words").get("one").get("whisper_wo").is_null());
    assert_eq!(planned.get("words").get("one").get("spelling").as_str(), Some("uno"));
    assert_eq!(planned.get("id"), &Value::unknown());
    assert_eq!(plan.planned_private, b"before");

    let mut request = apply_request(null(), plan.planned_state);
    request.config = proposed;
    let applied = clients
        .provider
        .apply_resource_change(request)
        .await
        .unwrap()
        .into_inner();
    let state = decoded(applied.new_state);
    assert_eq!(state.get("length"), &Value::Number(Number::from(10_u64)));
    assert!(state.get("value_wo").is_null());
    assert_eq!(applied.private, b"applied");
    assert_eq!(errors(&applied.diagnostics), [""; 0]);
}

#[tokio::test]
async fn a_destroy_is_planned_and_applied_as_null() {
    let (_plugin, mut clients) = running(start()).await;
    let plan = clients
        .provider
        .plan_resource_change(plan_request(hello(), null()))
        .await
        .unwrap()
        .into_inner();
    assert!(decoded(plan.planned_state).is_null());
    let applied = clients
        .provider
        .apply_resource_change(apply_request(hello(), null()))
        .await
        .unwrap()
        .into_inner();
    assert!(decoded(applied.new_state).is_null());
}

#[tokio::test]
async fn an_error_points_at_its_attribute() {
    let (_plugin, mut clients) = running(start()).await;
    let config = note([("text", Value::string("x")), ("misbehave", Value::string("invalid"))]);
    let answer = clients
        .provider
        .validate_resource_config(validate_request(config))
        .await
        .unwrap()
        .into_inner();
    let steps = &answer.diagnostics[0].attribute.as_ref().unwrap().steps;
    let selector = wire::attribute_path::step::Selector::AttributeName("misbehave".to_owned());
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].selector, Some(selector));
}

#[tokio::test]
async fn a_client_that_would_store_write_only_values_is_refused() {
    let (_plugin, mut clients) = running(start()).await;
    let mut request = validate_request(note([
        ("text", Value::string("x")),
        ("value_wo", Value::string("secret")),
    ]));
    request.client_capabilities = None;
    let answer = clients
        .provider
        .validate_resource_config(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        errors(&answer.diagnostics),
        ["value_wo is write-only, which this client does not support"]
    );
    let mut request = validate_request(hello());
    request.client_capabilities = None;
    let answer = clients
        .provider
        .validate_resource_config(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(errors(&answer.diagnostics), [""; 0]);
}

#[tokio::test]
async fn a_panic_in_apply_keeps_the_state_and_the_server() {
    let (plugin, mut clients) = running(start()).await;
    let prior = note([
        ("text", Value::string("before")),
        ("misbehave", Value::string("panic in apply")),
    ]);
    let planned = note([
        ("text", Value::string("after")),
        ("misbehave", Value::string("panic in apply")),
    ]);
    let request = apply_request(prior.clone(), planned);
    let answer = clients
        .provider
        .apply_resource_change(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.new_state, prior);
    assert_eq!(answer.private, b"planned");
    assert_eq!(
        errors(&answer.diagnostics),
        ["The provider crashed in ApplyResourceChange"]
    );
    assert!(
        answer.diagnostics[0]
            .detail
            .starts_with("apply went wrong (at examples/protocol_fixture.rs:")
    );
    let answer = clients
        .provider
        .apply_resource_change(apply_request(null(), hello()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(errors(&answer.diagnostics), [""; 0]);
    // Terraform shows a panic only from a line that begins like this.
    assert!(
        plugin.log().starts_with("panic: apply went wrong\n"),
        "{}",
        plugin.log()
    );
    assert!(
        plugin.log().contains("examples/protocol_fixture.rs"),
        "{}",
        plugin.log()
    );
}

#[tokio::test]
async fn a_panic_whose_message_was_put_together_at_run_time_tells_its_place_alone() {
    for moment in ["panic with a secret in apply", "panic with a configured text in apply"] {
        let start = start().env("RUST_BACKTRACE", "full").env("TF_LOG", "TRACE");
        let (plugin, mut clients) = running(start).await;
        let planned = note([
            ("text", Value::string("x")),
            ("value_wo", Value::string("canary-77e0b1")),
            ("misbehave", Value::string(moment)),
        ]);
        let answer = clients
            .provider
            .apply_resource_change(apply_request(null(), planned))
            .await
            .unwrap()
            .into_inner();
        let detail = &answer.diagnostics[0].detail;
        assert!(detail.starts_with("a panic whose message is not shown"), "{detail}");
        assert!(detail.contains("(at examples/protocol_fixture.rs:"), "{detail}");
        let log = plugin.log();
        assert!(log.contains("\npanic: a panic whose message is not shown"), "{log}");
        for piece in ["canary-7", "nary-77e0b1", "went wrong"] {
            assert!(!detail.contains(piece) && !log.contains(piece), "{detail}\n{log}");
        }
    }
}

#[tokio::test]
async fn a_panic_in_read_or_plan_keeps_state_and_private_bytes() {
    let (_plugin, mut clients) = running(start()).await;
    let state = note([
        ("text", Value::string("x")),
        ("misbehave", Value::string("panic in read")),
    ]);
    let request = wire::read_resource::Request {
        type_name: type_name(),
        current_state: state.clone(),
        private: b"kept".to_vec(),
        ..Default::default()
    };
    let answer = clients.provider.read_resource(request).await.unwrap().into_inner();
    assert_eq!((answer.new_state, answer.private), (state, b"kept".to_vec()));
    assert_eq!(errors(&answer.diagnostics), ["The provider crashed in ReadResource"]);

    let proposed = note([
        ("text", Value::string("x")),
        ("misbehave", Value::string("panic in plan")),
    ]);
    let answer = clients
        .provider
        .plan_resource_change(plan_request(hello(), proposed))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (answer.planned_state, answer.planned_private),
        (hello(), b"before".to_vec())
    );
    assert_eq!(
        errors(&answer.diagnostics),
        ["The provider crashed in PlanResourceChange"]
    );
}

#[tokio::test]
async fn a_value_that_breaks_the_schema_leaves_the_old_state_and_the_new_private_bytes() {
    let (_plugin, mut clients) = running(start()).await;
    let planned = note([
        ("text", Value::string("x")),
        ("misbehave", Value::string("break the schema in apply")),
    ]);
    let answer = clients
        .provider
        .apply_resource_change(apply_request(hello(), planned))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((answer.new_state, answer.private), (hello(), b"applied".to_vec()));
    assert_eq!(
        errors(&answer.diagnostics),
        ["The provider made a value that its own schema forbids"]
    );
}

#[tokio::test]
async fn a_state_with_unknown_values_is_an_error_and_the_old_one_stays() {
    let (_plugin, mut clients) = running(start()).await;
    let refusal = "A state with unknown values cannot be stored";
    let planned = note([
        ("text", Value::string("new")),
        ("misbehave", Value::string("leave unknowns in apply")),
    ]);
    let answer = clients
        .provider
        .apply_resource_change(apply_request(hello(), planned))
        .await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), [refusal]);
    let place = answer.diagnostics[0].attribute.as_ref().unwrap();
    assert_eq!(place.steps.len(), 1, "at the attribute: {place:?}");
    assert_eq!(decoded(answer.new_state), decoded(hello()));
    assert_eq!(answer.private, b"applied");
    // A host that sends such a state does not get it back in silence either.
    let state = note([("text", Value::unknown())]);
    let request = wire::read_resource::Request {
        type_name: type_name(),
        current_state: state.clone(),
        ..Default::default()
    };
    let answer = clients.provider.read_resource(request).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), [refusal]);
    assert_eq!(answer.new_state, state);
}

#[tokio::test]
async fn a_number_that_is_too_long_is_said_to_stand_in_the_configuration() {
    let (_plugin, mut clients) = running(start()).await;
    // As a configuration's 1e1300 comes: in digits. The codec's own numbers cannot have as many.
    let mut config = note([("text", Value::string("x")), ("size", Value::number(7))]).unwrap();
    let name = b"\xa4size";
    let at = config.msgpack.windows(5).position(|bytes| bytes == name).unwrap() + 5;
    assert_eq!(config.msgpack[at..at + 2], *b"\xa17");
    let mut long = b"\xda\x05\x151".to_vec();
    long.resize(3 + 1301, b'0');
    config.msgpack.splice(at..at + 2, long);
    let answer = clients
        .provider
        .validate_resource_config(validate_request(Some(config)))
        .await;
    let diagnostics = answer.unwrap().into_inner().diagnostics;
    assert_eq!(errors(&diagnostics), ["Cannot read the configuration"]);
    assert_eq!(
        diagnostics[0].detail,
        "size: a finite number of at most 1200 digits is required. Nothing was changed. Correct it in the configuration. If it is \
         right there, the program that sent it is at fault."
    );
}

#[tokio::test]
async fn an_attribute_that_does_not_exist_is_refused_in_json_too() {
    let (_plugin, mut clients) = running(start()).await;
    let config = wire::DynamicValue {
        msgpack: Vec::new(),
        json: br#"{"text": "x", "colour": "red"}"#.to_vec(),
    };
    let answer = clients
        .provider
        .validate_resource_config(validate_request(Some(config)))
        .await;
    let diagnostics = answer.unwrap().into_inner().diagnostics;
    assert_eq!(errors(&diagnostics), ["Cannot read the configuration"]);
    assert!(
        diagnostics[0]
            .detail
            .starts_with("colour: an attribute that the schema does not have")
    );
}

#[tokio::test]
async fn malformed_values_are_diagnostics_and_never_a_lost_state() {
    let (_plugin, mut clients) = running(start()).await;
    let cases: [&[u8]; 5] = [b"\xc1", b"\x8d", b"\xdf\xff\xff\xff\xff", b"\x91\xc0", &[0x91; 4096]];
    for bytes in cases {
        let malformed = Some(wire::DynamicValue {
            msgpack: bytes.to_vec(),
            json: Vec::new(),
        });
        let request = validate_request(malformed.clone());
        let answer = clients
            .provider
            .validate_resource_config(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            errors(&answer.diagnostics),
            ["Cannot read the configuration"],
            "{bytes:x?}"
        );
        let request = apply_request(hello(), malformed);
        let answer = clients
            .provider
            .apply_resource_change(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            errors(&answer.diagnostics),
            ["Cannot read the planned state"],
            "{bytes:x?}"
        );
        assert_eq!(answer.new_state, hello());
    }
}

#[tokio::test]
async fn an_unknown_type_is_a_diagnostic_that_names_the_known_ones() {
    let (_plugin, mut clients) = running(start()).await;
    let mut request = validate_request(hello());
    request.type_name = "fixture_nose".to_owned();
    let answer = clients
        .provider
        .validate_resource_config(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        errors(&answer.diagnostics),
        ["This provider has no resource type \"fixture_nose\""]
    );
    assert!(answer.diagnostics[0].detail.contains("fixture_note"));
}

#[tokio::test]
async fn stored_json_becomes_the_full_object() {
    let (_plugin, mut clients) = running(start()).await;
    let request = |version, json: &str| wire::upgrade_resource_state::Request {
        type_name: type_name(),
        version,
        raw_state: Some(wire::RawState {
            json: json.as_bytes().to_vec(),
            ..Default::default()
        }),
    };
    let stored = r#"{"text": "x", "size": 0.1, "value_wo": "stored by mistake", "gone": true}"#;
    let answer = clients
        .provider
        .upgrade_resource_state(request(0, stored))
        .await
        .unwrap()
        .into_inner();
    let state = decoded(answer.upgraded_state);
    assert_eq!(state.get("size"), &Value::Number(Number::parse("0.1").unwrap()));
    assert!(state.get("value_wo").is_null() && state.get("tags").is_null());

    let answer = clients
        .provider
        .upgrade_resource_state(request(2, stored))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.upgraded_state, None);
    assert_eq!(errors(&answer.diagnostics), ["The state is from the future"]);
    let answer = clients
        .provider
        .upgrade_resource_state(request(1, "{"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(errors(&answer.diagnostics), ["Cannot read the stored state"]);
    let mut flat = request(1, "");
    flat.raw_state
        .as_mut()
        .unwrap()
        .flatmap
        .insert("id".to_owned(), "x".to_owned());
    let answer = clients
        .provider
        .upgrade_resource_state(flat)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        errors(&answer.diagnostics),
        ["The state is in a format from before Terraform 0.12"]
    );
}

#[tokio::test]
async fn large_messages_pass_both_ways() {
    let (_plugin, mut clients) = running(start()).await;
    let text = "x".repeat(20 * 1024 * 1024);
    let proposed = note([("text", Value::string(&*text))]);
    let plan = clients
        .provider
        .plan_resource_change(plan_request(null(), proposed))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(decoded(plan.planned_state).get("text").as_str(), Some(&*text));
}

#[tokio::test]
async fn moves_and_imports_are_refused_in_words() {
    let (_plugin, mut clients) = running(start()).await;
    let request = wire::move_resource_state::Request {
        source_type_name: "other_note".to_owned(),
        target_type_name: type_name(),
        ..Default::default()
    };
    let answer = clients
        .provider
        .move_resource_state(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        errors(&answer.diagnostics),
        ["The state of \"other_note\" cannot be taken over"]
    );
    let request = wire::import_resource_state::Request {
        type_name: type_name(),
        ..Default::default()
    };
    let answer = clients
        .provider
        .import_resource_state(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(errors(&answer.diagnostics), ["This resource cannot be imported"]);
    // Without identities, none is announced.
    let request = wire::get_resource_identity_schemas::Request::default();
    let answer = clients.provider.get_resource_identity_schemas(request).await.unwrap();
    assert!(answer.into_inner().identity_schemas.is_empty());
    // Types that do not exist are answered as everywhere.
    let unknown = ["This provider has no resource type \"\""];
    let request = wire::move_resource_state::Request::default();
    let answer = clients.provider.move_resource_state(request).await.unwrap();
    let diagnostics = answer.into_inner().diagnostics;
    assert_eq!(errors(&diagnostics), unknown);
    assert!(diagnostics[0].detail.contains("fixture_note"));
    let request = wire::import_resource_state::Request::default();
    let answer = clients.provider.import_resource_state(request).await.unwrap();
    let diagnostics = answer.into_inner().diagnostics;
    assert_eq!(errors(&diagnostics), unknown);
    assert!(diagnostics[0].detail.contains("fixture_note"));
}

#[tokio::test]
async fn what_is_not_served_is_unimplemented() {
    let (_plugin, mut clients) = running(start()).await;
    let provider = &mut clients.provider;
    let codes = [
        provider
            .list_resource(wire::list_resource::Request::default())
            .await
            .unwrap_err()
            .code(),
        provider
            .write_state_bytes(tokio_stream::empty())
            .await
            .unwrap_err()
            .code(),
    ];
    assert_eq!(codes, [Code::Unimplemented; 2]);
}
