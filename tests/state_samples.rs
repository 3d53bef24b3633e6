//! States as every version of the provider has written them, kept permanently: today's provider understands each wholly, plans
//! nothing wrong from it, and refuses what a newer one may have written.
//!
//! The samples come from real applies (`tests/e2e/samples.rs`); a sample that exists is never changed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::path::{Path, PathBuf};

use rotation_provider::environment::Environment;
use rotation_provider::plugin::{
    ApplyRequest, PlanRequest, PlanResponse, Provider as _, ReadRequest, Resource, UpgradeRequest,
};
use rotation_provider::provider::secret::State;
use rotation_provider::provider::{RotationProvider, SECRET};
use rotation_provider::terraform::{Diagnostics, Value, json};
use serde_json::Value as Json;

/// The version of today's states.
const CURRENT: i64 = rotation_provider::provider::secret::schema::VERSION;

/// The first version whose records have today's shape: later ones only added to it.
const KEPT: i64 = 2;

/// Private bytes of nobody's format.
const FOREIGN: &[u8] = b"\x00{\"format\": 99, \"written_by\": \"a newer version\"}";

/// The samples with their paths, in alphabetical order.
fn samples() -> Vec<(PathBuf, Json)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/state_samples");
    let files = |folder: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths
    };
    let paths: Vec<PathBuf> = files(&folder).iter().flat_map(|version| files(version)).collect();
    assert!(paths.len() >= 5, "the samples are kept permanently: {paths:?}");
    let read = |path: PathBuf| {
        let json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        (path, json)
    };
    paths.into_iter().map(read).collect()
}

/// The resource that a provider serves.
fn secret(provider: &RotationProvider) -> &dyn Resource {
    provider.registry().resource(SECRET).unwrap().as_ref()
}

/// A provider with its connections, as a plan has it.
async fn provider() -> RotationProvider {
    let provider = RotationProvider::new(Environment::of(&[
        ("FLY_API_TOKEN", "FlyV1 fm2_x"),
        ("GITHUB_TOKEN", "ghp_x"),
        ("GITHUB_OWNER", "molecule-ai"),
        ("AWS_REGION", "eu-central-1"),
    ]));
    let block = Value::object([("namespace", Value::string("production"))]);
    let problems = provider.configure(block).await;
    assert!(!problems.has_errors(), "{problems:?}");
    provider
}

/// What Terraform hands to every call: the state, upgraded.
async fn upgraded(attributes: &Json, version: i64) -> Result<Value, Diagnostics> {
    let provider = provider().await;
    let kind = secret(&provider).schema().block.value_type();
    let reshaped = secret(&provider).reshape(version, attributes.to_string().into_bytes());
    let (state, without_room) = json::decode_noting(&reshaped, &kind).unwrap();
    let request = UpgradeRequest {
        version,
        state,
        without_room,
    };
    secret(&provider).upgrade(request).await
}

/// A plan of the configuration that the state was made with.
async fn planned(state: &Value) -> PlanResponse {
    let request = PlanRequest {
        prior: state.clone(),
        proposed: state.clone(),
        config: state.clone(),
        private: FOREIGN.to_vec(),
    };
    secret(&provider().await).plan(request).await
}

fn errors(problems: &Diagnostics) -> Vec<String> {
    problems
        .iter()
        .map(|problem| format!("{}: {}", problem.summary, problem.detail))
        .collect()
}

#[tokio::test]
async fn every_state_ever_written_is_understood_wholly() {
    for (path, sample) in samples() {
        let version = sample["schema_version"].as_i64().unwrap();
        let state = upgraded(&sample["attributes"], version).await;
        let state = state.unwrap_or_else(|problems| panic!("{}: {:?}", path.display(), errors(&problems)));
        let again = State::read(&state).write_over(state.clone());
        for (name, value) in state.as_map().unwrap() {
            let shown = |value: &Value| format!("{value:?}");
            assert!(
                again.get(name) == value,
                "{}: {name}: {} became {}",
                path.display(),
                shown(value),
                shown(again.get(name))
            );
        }
    }
}

#[tokio::test]
async fn nothing_wrong_is_planned_from_any_state_ever_written() {
    for (path, sample) in samples() {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let version = sample["schema_version"].as_i64().unwrap();
        let state = upgraded(&sample["attributes"], version).await.unwrap();
        let plan = planned(&state).await;
        assert!(
            !plan.diagnostics.has_errors(),
            "{name}: {:?}",
            errors(&plan.diagnostics)
        );
        assert_eq!(plan.planned.get("id"), state.get("id"), "{name}");
        assert_eq!(
            plan.planned.get("generation"),
            state.get("generation"),
            "{name}: nothing is due"
        );
        let due = !state.get("pending").as_list().unwrap_or_default().is_empty();
        // What is due in a state of an older version is found by the refresh that follows its upgrade.
        let acts = match name.as_str() {
            "partial" => true,
            "revocation_due" => version >= KEPT,
            _ => false,
        };
        assert_eq!(plan.planned != state, acts, "{}", path.display());
        assert_eq!(due, acts && version >= KEPT, "{}", path.display());
        match name.as_str() {
            "partial" => assert_eq!(plan.planned.get("phase"), &Value::unknown(), "it is finished"),
            "revocation_due" if acts => {
                // The gate is read in apply, and may be closed.
                let older = plan.planned.get("credentials").get("1");
                assert_eq!(older.get("status"), &Value::unknown());
                assert!(older.get("credential_id").as_str().is_some(), "{older:?}");
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn foreign_private_bytes_are_handed_back_as_they_are() {
    let (_, sample) = samples().remove(0);
    let state = upgraded(&sample["attributes"], 0).await.unwrap();
    // Without a configured provider nothing is asked of any vendor.
    let unconfigured = RotationProvider::new(Environment::of(&[]));
    let read = secret(&unconfigured).read(ReadRequest {
        state: state.clone(),
        private: FOREIGN.to_vec(),
    });
    let read = read.await;
    assert_eq!((read.state, read.private.as_slice()), (state.clone(), FOREIGN));
    let apply = secret(&unconfigured).apply(ApplyRequest {
        prior: state.clone(),
        planned: state.clone(),
        config: state.clone(),
        private: FOREIGN.to_vec(),
    });
    let apply = apply.await;
    assert!(apply.diagnostics.has_errors());
    assert_eq!((apply.state, apply.private.as_slice()), (state, FOREIGN));
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_refused_untouched_and_the_way_out_is_named() {
    for (path, sample) in samples()
        .into_iter()
        .filter(|(path, _)| path.ends_with("generated.json"))
    {
        let version = sample["schema_version"].as_i64().unwrap();
        let attributes = &sample["attributes"];
        let changed = |change: &dyn Fn(&mut Json)| {
            let mut attributes = attributes.clone();
            change(&mut attributes);
            attributes
        };
        let source: &dyn Fn(&mut Json) = match version {
            KEPT.. => &|state| {
                state["source"] = serde_json::json!({
                    "value": { "vault_token": { "role": "r" } },
                    "type": ["object", { "vault_token": ["object", { "role": "string" }] }],
                });
            },
            _ => &|state| state["source"]["vault_token"] = serde_json::json!({ "role": "r" }),
        };
        let status: &dyn Fn(&mut Json) = match version {
            KEPT.. => &|state| state["credentials"]["1"]["status"] = "suspended".into(),
            _ => &|state| state["credentials"][0]["status"] = "suspended".into(),
        };
        if version == CURRENT {
            let newer = upgraded(attributes, CURRENT + 1).await.unwrap_err();
            let said = errors(&newer).join("\n");
            assert!(said.contains(&format!("format version {}", CURRENT + 1)), "{said}");
            assert!(
                said.contains("left untouched") && said.contains("newer version"),
                "{said}"
            );
        }
        for (what, version, attributes) in [
            ("future", version, changed(&|state| state["future"] = "x".into())),
            ("source.vault_token", version, changed(source)),
            ("credentials[\"1\"].status", version, changed(status)),
            (
                "generation",
                version,
                changed(&|state| state["generation"] = 1_000_000.into()),
            ),
            (
                "rotated_at",
                version,
                changed(&|state| state["rotated_at"] = "2026-W48".into()),
            ),
        ] {
            let what = format!("{what} in {}", path.display());
            let problems = refused(&attributes, version, &what).await;
            let said = errors(&problems).join("\n");
            assert!(said.contains(what.split(" in ").next().unwrap()), "{what}: {said}");
            assert!(
                said.contains("left untouched") && said.contains("newer version"),
                "{what}: {said}"
            );
        }
        let null = changed(&|state| state["future"] = Json::Null);
        assert!(
            upgraded(&null, version).await.is_ok(),
            "what is null is lost without loss"
        );
    }
}

/// What says that a state is not understood: its upgrade where the shape does not fit, and otherwise the refresh, which sends nothing.
async fn refused(attributes: &Json, version: i64, what: &str) -> Diagnostics {
    match upgraded(attributes, version).await {
        Err(problems) => problems,
        Ok(state) => {
            let provider = provider().await;
            let read = secret(&provider).read(ReadRequest {
                state: state.clone(),
                private: Vec::new(),
            });
            let read = read.await;
            assert!(read.diagnostics.has_errors(), "{what}");
            assert_eq!(read.state, state, "{what}");
            read.diagnostics
        }
    }
}

#[tokio::test]
async fn a_state_that_is_not_understood_is_not_refreshed_planned_applied_or_destroyed() {
    let (_, sample) = samples().remove(0);
    let state = upgraded(&sample["attributes"], 0).await.unwrap();
    let mut credentials = state.get("credentials").as_map().unwrap().clone();
    let suspended = credentials["1"].clone().with("status", Value::string("suspended"));
    credentials.insert("2".to_owned(), suspended);
    let state = state.with("credentials", Value::Map(credentials));
    let plan = planned(&state).await;
    assert!(plan.diagnostics.has_errors());
    assert_eq!(plan.planned, state);
    let provider = provider().await;
    let read = secret(&provider).read(ReadRequest {
        state: state.clone(),
        private: Vec::new(),
    });
    let read = read.await;
    assert!(read.diagnostics.has_errors());
    assert_eq!(read.state, state);
    for planned in [state.clone(), Value::Null] {
        let apply = secret(&provider).apply(ApplyRequest {
            prior: state.clone(),
            config: planned.clone(),
            planned,
            private: Vec::new(),
        });
        let apply = apply.await;
        let said = errors(&apply.diagnostics);
        assert!(
            said.iter().any(|text| text.contains("credentials[\"2\"].status")),
            "{said:?}"
        );
        assert_eq!(apply.state, state);
    }
}

/// The same state and configuration lead to the same generation, unless another version of the provider made the plan.
#[tokio::test]
async fn a_plan_that_leads_elsewhere_than_this_version_is_refused_and_the_state_stays() {
    let mut refused = 0;
    for (path, sample) in samples() {
        let version = sample["schema_version"].as_i64().unwrap();
        let state = upgraded(&sample["attributes"], version).await.unwrap();
        let plan = planned(&state).await.planned;
        let Some(generation) = plan.get("generation").as_u64() else {
            continue;
        };
        let provider = provider().await;
        let apply = secret(&provider).apply(ApplyRequest {
            prior: state.clone(),
            planned: plan.with("generation", Value::number(generation + 1)),
            config: state.clone(),
            private: Vec::new(),
        });
        let apply = apply.await;
        let said = errors(&apply.diagnostics).join("\n");
        for words in [
            "The saved plan is stale".to_owned(),
            format!("leads to generation {}", generation + 1),
            format!("now lead to generation {generation}."),
            "Plan again".to_owned(),
        ] {
            assert!(said.contains(&words), "{}: {words}: {said}", path.display());
        }
        assert_eq!(apply.state, state, "{}", path.display());
        refused += 1;
    }
    assert!(refused >= 3, "{refused}");
}
