//! The resource by its calls, with programs of this machine for what runs.

use std::sync::Arc;

use crate::environment::Environment;
use crate::plugin::{
    ApplyRequest, ApplyResponse, ClientCapabilities, ImportRequest, PlanRequest, PlanResponse, Provider as _, Resource,
    UpgradeRequest,
};
use crate::provider::{ACTIVATION, RotationProvider};
use crate::terraform::{Diagnostics, Path, Value};

fn resource_of(provider: &RotationProvider) -> Arc<dyn Resource> {
    Arc::clone(provider.registry().resource(ACTIVATION).unwrap())
}

/// A provider whose block has these arguments beside what it needs.
async fn provider<const N: usize>(more: [(&str, Value); N]) -> RotationProvider {
    let provider = RotationProvider::new(Environment::of(&[]));
    let allowed = ["/bin/true", "/bin/false", "/bin/sleep"].map(Value::string);
    let block = Value::object([
        ("namespace", Value::string("production")),
        ("allow_exec", Value::List(allowed.to_vec())),
    ]);
    let block = more
        .into_iter()
        .fold(block, |block, (name, value)| block.with(name, value));
    let problems = provider.configure(block).await;
    assert!(!problems.has_errors(), "{problems:?}");
    provider
}

fn program(command: &[&str]) -> Value {
    let command = command.iter().map(|word| Value::string(*word)).collect();
    Value::object([("exec", Value::object([("command", Value::List(command))]))])
}

/// A configuration.
fn configured(trigger: Value, run: Value) -> Value {
    let config = Value::object([("triggers", Value::object([("jwt", trigger)])), ("run", run)]);
    ["steps", "runs", "ran_at"]
        .into_iter()
        .fold(config, |config, name| config.with(name, Value::Null))
}

/// What Terraform proposes: the configuration, with computed attributes from the state.
async fn plan(resource: &Arc<dyn Resource>, prior: &Value, config: &Value) -> PlanResponse {
    let proposed = ["steps", "runs", "ran_at"]
        .into_iter()
        .fold(config.clone(), |config, name| {
            config.with(name, prior.get(name).clone())
        });
    let request = PlanRequest {
        prior: prior.clone(),
        proposed,
        config: config.clone(),
        private: Vec::new(),
    };
    resource.plan(request).await
}

async fn apply(resource: &Arc<dyn Resource>, prior: &Value, planned: &Value, config: &Value) -> ApplyResponse {
    let request = ApplyRequest {
        prior: prior.clone(),
        planned: planned.clone(),
        config: config.clone(),
        private: Vec::new(),
    };
    resource.apply(request).await
}

/// Plans and applies without an error. Everything that the plan knew is in the state, and a second plan is empty.
async fn applied(resource: &Arc<dyn Resource>, prior: &Value, config: &Value) -> Value {
    let planned = plan(resource, prior, config).await;
    assert!(planned.diagnostics.is_empty(), "{}", texts(&planned.diagnostics));
    let answer = apply(resource, prior, &planned.planned, config).await;
    assert!(answer.diagnostics.is_empty(), "{}", texts(&answer.diagnostics));
    for (name, value) in planned.planned.as_map().unwrap() {
        assert!(value.has_unknown() || answer.state.get(name) == value, "{name}");
    }
    assert!(!answer.state.has_unknown());
    let again = plan(resource, &answer.state, config).await;
    assert!(again.planned == answer.state, "{:?}", again.planned);
    answer.state
}

fn texts(problems: &Diagnostics) -> String {
    let lines = problems
        .iter()
        .map(|problem| format!("{}: {}: {}", problem.path, problem.summary, problem.detail));
    lines.collect::<Vec<_>>().join("\n")
}

fn steps(value: &Value) -> Vec<&str> {
    let lines = value.get("steps").as_list().unwrap_or_default();
    lines.iter().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn it_runs_when_it_is_created_and_when_something_that_counts_changes() {
    let resource = resource_of(&provider([]).await);
    let first = applied(
        &resource,
        &Value::Null,
        &configured(Value::string("1"), program(&["/bin/true"])),
    )
    .await;
    assert_eq!(
        (first.get("runs").as_u64(), steps(&first)),
        (Some(1), vec!["run 1: program /bin/true"])
    );
    assert!(first.get("ran_at").as_str().unwrap().parse::<jiff::Timestamp>().is_ok());

    let second = applied(
        &resource,
        &first,
        &configured(Value::string("2"), program(&["/bin/true"])),
    )
    .await;
    assert_eq!(second.get("runs").as_u64(), Some(2));
    assert_eq!(
        steps(&second),
        ["run 2: program /bin/true, because trigger jwt changed"]
    );

    // How long it is waited for is no reason to run.
    let patient = program(&["/bin/true"]).with("timeout", Value::string("1h"));
    let waited = applied(&resource, &second, &configured(Value::string("2"), patient)).await;
    assert_eq!(waited.get("runs"), second.get("runs"));
    assert_eq!(waited.get("ran_at"), second.get("ran_at"));
    assert_eq!(steps(&waited), [""; 0]);

    let third = applied(
        &resource,
        &waited,
        &configured(Value::string("2"), program(&["/bin/sleep", "0"])),
    )
    .await;
    assert_eq!(steps(&third), ["run 3: program /bin/sleep 0, because run changed"]);
}

#[tokio::test]
async fn a_failed_run_leaves_the_state_so_that_the_next_apply_repeats_it() {
    let resource = resource_of(&provider([]).await);
    let failing = configured(Value::string("2"), program(&["/bin/false"]));
    let planned = plan(&resource, &Value::Null, &failing).await.planned;
    let answer = apply(&resource, &Value::Null, &planned, &failing).await;
    assert!(answer.state.is_null(), "nothing was created");
    let said = texts(&answer.diagnostics);
    for words in [
        "run.exec: The activation failed",
        "exit code 1",
        "not saved in the state",
    ] {
        assert!(said.contains(words), "{words} is not in {said}");
    }

    let good = configured(Value::string("1"), program(&["/bin/true"]));
    let state = applied(&resource, &Value::Null, &good).await;
    for _ in 0..2 {
        let planned = plan(&resource, &state, &failing).await.planned;
        assert_eq!(planned.get("runs").as_u64(), Some(2));
        let answer = apply(&resource, &state, &planned, &failing).await;
        assert!(answer.state == state, "{:?}", answer.state);
        let said = texts(&answer.diagnostics);
        assert!(said.contains("what it last succeeded for"), "{said}");
    }
    let good = configured(Value::string("2"), program(&["/bin/true"]));
    assert_eq!(applied(&resource, &state, &good).await.get("runs").as_u64(), Some(2));
}

#[tokio::test]
async fn one_that_takes_too_long_or_is_interrupted_has_not_succeeded() {
    let provider = provider([]).await;
    let resource = resource_of(&provider);
    let state = applied(
        &resource,
        &Value::Null,
        &configured(Value::string("1"), program(&["/bin/true"])),
    )
    .await;
    let slow = program(&["/bin/sleep", "60"]).with("timeout", Value::string("1s"));
    let slow = configured(Value::string("1"), slow);
    let planned = plan(&resource, &state, &slow).await.planned;
    let answer = apply(&resource, &state, &planned, &slow).await;
    assert!(answer.state == state);
    let said = texts(&answer.diagnostics);
    assert!(
        said.contains("The activation failed") && said.contains("did not finish within 1"),
        "{said}"
    );

    let slow = configured(Value::string("1"), program(&["/bin/sleep", "60"]));
    let planned = plan(&resource, &state, &slow).await.planned;
    let stop = async {
        tokio::task::yield_now().await;
        provider.stop();
    };
    let (answer, ()) = tokio::join!(apply(&resource, &state, &planned, &slow), stop);
    assert!(answer.state == state);
    let said = texts(&answer.diagnostics);
    assert!(said.contains("run.exec: Interrupted"), "{said}");
}

#[tokio::test]
async fn what_only_apply_knows_is_decided_there() {
    let resource = resource_of(&provider([]).await);
    let known = |trigger: &str| configured(Value::string(trigger), program(&["/bin/true"]));
    let open = configured(Value::unknown(), program(&["/bin/true"]));
    let created = plan(&resource, &Value::Null, &open).await.planned;
    assert_eq!(
        created.get("runs").as_u64(),
        Some(1),
        "a create runs, whatever its triggers"
    );
    let state = apply(&resource, &Value::Null, &created, &known("1")).await.state;
    assert_eq!(state.get("triggers").get("jwt").as_str(), Some("1"));
    assert_eq!(state.get("runs").as_u64(), Some(1));

    let planned = plan(&resource, &state, &open).await.planned;
    for name in ["steps", "runs", "ran_at"] {
        assert_eq!(planned.get(name), &Value::unknown(), "{name}");
    }
    let same = apply(&resource, &state, &planned, &known("1")).await;
    assert!(same.diagnostics.is_empty(), "{}", texts(&same.diagnostics));
    assert_eq!(same.state.get("runs").as_u64(), Some(1));
    assert_eq!(same.state.get("ran_at"), state.get("ran_at"));
    let other = apply(&resource, &state, &planned, &known("2")).await;
    assert_eq!(other.state.get("runs").as_u64(), Some(2));
    assert_eq!(
        steps(&other.state),
        ["run 2: program /bin/true, because trigger jwt changed"]
    );
    // An apply that still does not know runs nothing.
    let blind = apply(&resource, &state, &planned, &open).await;
    assert!(blind.state == state && blind.diagnostics.has_errors());

    let run = configured(Value::string("2"), Value::object([("exec", Value::unknown())]));
    let planned = plan(&resource, &state, &run).await;
    assert!(planned.diagnostics.is_empty());
    assert_eq!(planned.planned.get("runs").as_u64(), Some(2));
    assert_eq!(planned.planned.get("steps"), &Value::unknown());
}

#[tokio::test]
async fn a_plan_names_what_is_not_configured_only_if_it_needs_it() {
    let workflow = Value::object([
        ("repository", Value::string("example-org/service")),
        ("workflow", Value::string("deploy.yml")),
    ]);
    let config = configured(Value::string("1"), Value::object([("github_workflow", workflow)]));
    let resource = resource_of(&provider([]).await);
    let refused = plan(&resource, &Value::Null, &config).await;
    let said = texts(&refused.diagnostics);
    assert!(
        said.contains("run.github_workflow") && said.contains("GITHUB_TOKEN"),
        "{said}"
    );
    let state = config
        .clone()
        .with("runs", Value::number(1))
        .with("ran_at", Value::string("2026-11-30T00:00:00Z"))
        .with("steps", Value::List(Vec::new()));
    let rests = plan(&resource, &state, &config).await;
    assert!(rests.diagnostics.is_empty() && rests.planned == state);

    // A provider block that is not known yet is no mistake, and decides nothing.
    let unconfigured = resource_of(&RotationProvider::new(Environment::of(&[])));
    let planned = plan(&unconfigured, &Value::Null, &config).await;
    assert!(planned.diagnostics.is_empty());
    assert_eq!(planned.planned.get("runs").as_u64(), Some(1));
    let answer = apply(&unconfigured, &Value::Null, &planned.planned, &config).await;
    assert!(answer.state.is_null() && answer.diagnostics.has_errors());
}

#[tokio::test]
async fn a_destroy_does_nothing_and_a_read_only_provider_refuses_everything() {
    let config = configured(Value::string("1"), program(&["/bin/true"]));
    let resource = resource_of(&provider([]).await);
    let state = applied(&resource, &Value::Null, &config).await;
    let request = PlanRequest {
        prior: state.clone(),
        proposed: Value::Null,
        config: Value::Null,
        private: Vec::new(),
    };
    let planned = resource.plan(request).await;
    assert!(planned.planned.is_null() && planned.diagnostics.is_empty());
    let gone = apply(&resource, &state, &Value::Null, &Value::Null).await;
    assert!(gone.state.is_null() && gone.diagnostics.is_empty());

    let resource = resource_of(&provider([("read_only", Value::Bool(true))]).await);
    let changed = configured(Value::string("2"), program(&["/bin/true"]));
    for (prior, config) in [(&Value::Null, &config), (&state, &changed)] {
        let planned = plan(&resource, prior, config).await;
        assert!(planned.diagnostics.is_empty());
        let refused = apply(&resource, prior, &planned.planned, config).await;
        assert!(refused.state == *prior);
        let said = texts(&refused.diagnostics);
        assert!(said.contains("The provider is read-only"), "{said}");
    }
    let kept = apply(&resource, &state, &Value::Null, &Value::Null).await;
    assert!(kept.state == state && kept.diagnostics.has_errors());
}

#[tokio::test]
async fn mistakes_are_told_by_validate_with_their_path() {
    let resource = resource_of(&provider([]).await);
    let http = |more: &[(&str, &str)]| {
        let object = Value::object([("url", Value::string("https://a.example"))]);
        let object = more
            .iter()
            .fold(object, |object, (name, value)| object.with(name, Value::string(*value)));
        Value::object([("http", object)])
    };
    let bearer = Value::object([("Authorization", Value::string("Bearer {{ value }}"))]);
    let presents = Value::object([("http", http(&[]).get("http").clone().with("headers", bearer))]);
    for (run, words) in [
        (Value::object([]), "run has no kind"),
        (
            program(&["/bin/true"]).with("http", http(&[]).get("http").clone()),
            "run has 2 kinds: http, exec",
        ),
        (
            program(&["/bin/true"]).with("timout", Value::string("1s")),
            "Did you mean `timeout`?",
        ),
        (
            program(&["/bin/true"]).with("timeout", Value::string("soon")),
            "run.timeout is not a duration",
        ),
        (
            program(&["/bin/true"]).with("timeout", Value::string("0s")),
            "run.timeout",
        ),
        (
            program(&["/bin/true"]).with("wave", Value::number(1)),
            "run.wave is not an argument: A wave belongs to the targets of one secret",
        ),
        (
            program(&["/bin/true"]).with("effects", Value::Bool(true)),
            "run.effects is not an argument",
        ),
        (
            program(&["/bin/true"]).with("triggers", Value::object([])),
            "`triggers` is an argument of the block itself",
        ),
        (program(&["/bin/rm"]), "allow_exec"),
        (
            program(&["/bin/true"]).with("connection", Value::string("x")),
            "exec takes no connection",
        ),
        (http(&[]).with("connection", Value::string("nowhere")), "nowhere"),
        (presents, "run.http cannot present a credential"),
        (
            Value::object([("exec", Value::string("/bin/true"))]),
            "run.exec must be an object",
        ),
        (Value::string("deploy"), "run must be an object"),
    ] {
        let found = resource
            .validate(configured(Value::string("1"), run), ClientCapabilities::default())
            .await;
        let said = texts(&found);
        assert!(said.contains(words), "{words} is not in {said}");
        assert_eq!(found.iter().count(), 1, "{said}");
        assert!(said.starts_with("run"), "{said}");
    }
    for name in ["steps", "runs", "ran_at"] {
        for value in [Value::string("1"), Value::unknown()] {
            let config = configured(Value::string("1"), program(&["/bin/true"])).with(name, value);
            let said = texts(&resource.validate(config, ClientCapabilities::default()).await);
            assert!(
                said.contains(&format!("{name}: {name} is a read-only attribute")),
                "{said}"
            );
        }
    }
    for run in [
        Value::unknown(),
        Value::object([("exec", Value::unknown())]),
        program(&["/bin/true"]).with("timeout", Value::unknown()),
        program(&["/bin/true"]).with("http", Value::Null),
    ] {
        let config = configured(Value::unknown(), run);
        let found = resource.validate(config, ClientCapabilities::default()).await;
        assert!(found.is_empty(), "{}", texts(&found));
    }
}

#[tokio::test]
async fn an_import_is_refused_and_so_is_a_state_that_is_not_understood() {
    let resource = resource_of(&provider([]).await);
    let import = ImportRequest {
        id: "deploy".to_owned(),
        identity: Value::Null,
    };
    let said = texts(&resource.import(import).await.unwrap_err());
    assert!(said.contains("cannot be imported"), "{said}");

    let state = configured(Value::string("1"), program(&["/bin/true"])).with("runs", Value::number(1));
    let upgrade = async |version, state: &Value, without_room: &[&'static str]| {
        let request = UpgradeRequest {
            version,
            state: state.clone(),
            without_room: without_room.iter().map(|name| Path::attribute(name)).collect(),
        };
        resource.upgrade(request).await
    };
    assert!(upgrade(0, &state, &[]).await.unwrap() == state);
    let newer = state
        .clone()
        .with("run", Value::object([("vault_job", Value::object([]))]));
    for (refused, words) in [
        (upgrade(1, &state, &[]).await, "format version 1"),
        (upgrade(0, &state, &["future"]).await, "future"),
        (upgrade(0, &newer, &[]).await, "does not understand run"),
    ] {
        let said = texts(&refused.unwrap_err());
        assert!(said.contains(words) && said.contains("left untouched"), "{said}");
    }
}
