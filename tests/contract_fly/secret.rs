//! The target `fly_secret`.

use std::time::Duration;

use rotation_provider::address::Address;
use rotation_provider::call::{CallError, CallErrorKind, Effect, WritePermit};
use rotation_provider::label::Label;
use rotation_provider::rotation::Entry;
use rotation_provider::secret::Secret;
use rotation_provider::stop::Stop;
use rotation_provider::target::fly_secret::{FlySecret, Patience};
use rotation_provider::target::{Activated, Delivery, Slot as _, Target as _};
use serde_json::json;

use super::fake::{Fault, Fly, update_of};

const SECRETS: &str = "POST /v1/apps/web/secrets";

pub(crate) fn patience() -> Patience {
    Patience {
        healthy: Duration::from_millis(50),
        lasting: Duration::ZERO,
        lease: Duration::ZERO,
    }
}

pub(crate) fn target(fly: &Fly, name: &str, stage: bool) -> FlySecret {
    FlySecret::new(
        fly.connections
            .own()
            .account::<rotation_provider::connection::fly::Fly>()
            .unwrap()
            .client()
            .unwrap(),
        "web",
        name,
        stage,
        patience(),
    )
}

pub(crate) async fn put(target: &FlySecret, secrets: &[(&str, &str)]) -> Result<Vec<String>, CallError> {
    let label = Label::new("x", "0123456789ab", 1);
    let values: Vec<Secret> = secrets
        .iter()
        .map(|(_, value)| Secret::new((*value).to_owned()))
        .collect();
    let deliveries: Vec<Delivery<'_>> = secrets
        .iter()
        .zip(&values)
        .map(|((name, _), value)| Delivery {
            slot: Address::new("fly_secret", format!("web/{name}")),
            value,
            label: &label,
            content: None,
            origin: "9f3ac01b",
            generated: true,
        })
        .collect();
    let receipts = target.deliver(&deliveries, &WritePermit::granted_by_apply()).await?;
    Ok(receipts.into_iter().map(|receipt| receipt.revision.unwrap()).collect())
}

pub(crate) async fn roll(target: &FlySecret, revision: &str) -> Result<Activated, CallError> {
    let permit = WritePermit::granted_by_apply();
    target.activate(Some(revision), &Stop::default(), &permit).await
}

pub(crate) async fn entry(target: &FlySecret) -> Entry {
    target.inspect().await.unwrap().expect("the secret is there")
}

/// Three machines, one of them stopped, and the console of a developer.
fn with_machines(fly: &Fly) {
    let mut world = fly.world();
    let checks = json!({ "http": { "type": "http" } });
    let config = json!({ "image": "web:1", "env": { "A": "b" }, "checks": checks, "guest": { "memory_mb": 256 } });
    world.machine("web", "m1", "started", config.clone());
    world.machine("web", "m2", "started", config.clone());
    world.machine("web", "m0", "stopped", config);
    let console = json!({ "metadata": { "fly_process_group": "fly_app_console" } });
    world.machine("web", "m9", "started", console);
}

#[tokio::test]
async fn whatever_is_empty_may_be_null() {
    let fly = Fly::start().await;
    fly.world().nulls = true;
    let target = target(&fly, "KEY", false);
    assert_eq!(target.inspect().await, Ok(None), "an app without secrets and machines");
    assert_eq!(target.inspect_directly().await, Ok(None));
    fly.world().machine("web", "m1", "started", json!({ "image": "web:1" }));
    let revision = put(&target, &[("KEY", "one")]).await.unwrap().remove(0);
    assert_eq!(roll(&target, &revision).await, Ok(Activated::Live));
    assert_eq!(entry(&target).await.live, Some(true));
    target.remove(&WritePermit::granted_by_apply()).await.unwrap();
    assert_eq!(target.inspect().await, Ok(None));
}

#[tokio::test]
async fn all_secrets_of_an_app_are_one_call_and_all_readers_share_one_listing() {
    let fly = Fly::start().await;
    let (one, two) = (target(&fly, "ONE", false), target(&fly, "TWO", false));
    let revisions = put(&one, &[("TWO", "value-two"), ("ONE", "value-one-longer")])
        .await
        .unwrap();
    assert!(
        revisions[0].contains("of-9") && revisions[1].contains("of-16"),
        "{revisions:?}"
    );
    assert_eq!(fly.world().count(&[SECRETS]), 1);
    fly.world().calls.clear();
    let (first, second) = tokio::join!(one.inspect(), two.inspect());
    assert!(first.unwrap().is_some() && second.unwrap().is_some());
    assert_eq!(fly.world().calls.len(), 2, "{:?}", fly.world().calls);
}

#[tokio::test]
async fn a_machine_whose_instance_id_stays_is_updated_all_the_same() {
    let fly = Fly::start().await;
    with_machines(&fly);
    for machine in fly.world().apps.get_mut("web").unwrap().machines.values_mut() {
        machine.steady = true;
    }
    let target = target(&fly, "KEY", false);
    let revision = put(&target, &[("KEY", "one")]).await.unwrap().remove(0);
    assert_eq!(roll(&target, &revision).await, Ok(Activated::Live));
    assert_eq!(entry(&target).await.live, Some(true));
}

#[tokio::test]
async fn a_roll_updates_every_machine_with_its_whole_configuration() {
    let fly = Fly::start().await;
    with_machines(&fly);
    let before: Vec<_> = fly.world().apps["web"]
        .machines
        .values()
        .map(|m| m.description["config"].clone())
        .collect();
    let target = target(&fly, "KEY", false);
    let revision = put(&target, &[("KEY", "one")]).await.unwrap().remove(0);
    let staged = entry(&target).await;
    assert_eq!(
        (staged.live, staged.detail.as_deref()),
        (Some(false), Some("0 of 3 machines run it"))
    );

    assert_eq!(roll(&target, &revision).await, Ok(Activated::Live));
    assert_eq!(entry(&target).await.live, Some(true));
    let world = fly.world();
    let machines = &world.apps["web"].machines;
    for (machine, before) in machines.values().zip(before) {
        let mut after = machine.description["config"].clone();
        if machine.description["id"] != "m9" {
            let metadata = after.as_object_mut().unwrap().remove("metadata").unwrap();
            let instance = machine.description["instance_id"].as_str().unwrap();
            assert_eq!(metadata, json!({ "rotation_secrets": format!("{instance}@1") }));
        }
        assert_eq!(after, before);
    }
    assert!(
        machines.values().all(|machine| machine.lease.is_none()),
        "a lease is left"
    );
    let versions: Vec<u64> = machines.values().map(|machine| machine.secrets_version).collect();
    assert_eq!(versions, [1, 1, 1, 0], "m0, m1, m2 and the console m9");
    assert_eq!(machines["m0"].description["state"], "stopped");
    let updates: Vec<&String> = world.calls.iter().filter(|call| call.ends_with(" update")).collect();
    let order = ["m1", "m2", "m0"].map(update_of);
    assert_eq!(updates, order.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_machine_that_fails_its_check_ends_the_roll_and_is_waited_for_by_the_next() {
    let fly = Fly::start().await;
    with_machines(&fly);
    fly.world()
        .apps
        .get_mut("web")
        .unwrap()
        .machines
        .get_mut("m1")
        .unwrap()
        .sick = true;
    let target = target(&fly, "KEY", false);
    let revision = put(&target, &[("KEY", "one")]).await.unwrap().remove(0);
    for _ in 0..2 {
        let error = roll(&target, &revision).await.unwrap_err();
        assert_eq!(
            (&error.kind, error.effect),
            (&CallErrorKind::Unhealthy, Effect::Possible)
        );
        let text = error.to_string();
        assert!(
            text.contains("\"m1\"") && text.contains("check \"http\" is critical"),
            "{text}"
        );
    }
    let ill = entry(&target).await;
    assert_eq!(
        (ill.live, ill.detail.as_deref()),
        (Some(false), Some("1 of 3 machines run it, 0 of them healthy"))
    );
    {
        let mut world = fly.world();
        let machines = &mut world.apps.get_mut("web").unwrap().machines;
        assert!(
            machines.values().all(|machine| machine.lease.is_none()),
            "a lease is left"
        );
        assert_eq!(machines["m2"].secrets_version, 0);
        machines.get_mut("m1").unwrap().description["checks"] = json!([{ "name": "http", "status": "passing" }]);
    }
    assert_eq!(roll(&target, &revision).await, Ok(Activated::Live));
    assert_eq!(fly.updates("m1"), 1);
}

#[tokio::test]
async fn a_value_is_not_live_while_the_only_machine_that_runs_it_is_ill() {
    let fly = Fly::start().await;
    let checks = json!({ "checks": { "http": { "type": "http" } } });
    fly.world().machine("web", "m1", "started", checks);
    fly.world()
        .apps
        .get_mut("web")
        .unwrap()
        .machines
        .get_mut("m1")
        .unwrap()
        .sick = true;
    let target = target(&fly, "KEY", false);
    let revision = put(&target, &[("KEY", "one")]).await.unwrap().remove(0);
    roll(&target, &revision).await.expect_err("its check fails");
    assert_eq!(entry(&target).await.live, Some(false));
}

#[tokio::test]
async fn an_interrupted_roll_ends_after_the_machine_in_hand_and_is_taken_up_again() {
    let fly = Fly::start().await;
    with_machines(&fly);
    let stop = Stop::default();
    fly.world().stop_at_update = Some(stop.clone());
    let target = target(&fly, "KEY", false);
    let revision = put(&target, &[("KEY", "one")]).await.unwrap().remove(0);
    let permit = WritePermit::granted_by_apply();
    let ended = target.activate(Some(&revision), &stop, &permit).await;
    assert_eq!(ended, Ok(Activated::Stopped("1 of 3 machines run it".to_owned())));
    assert_eq!(entry(&target).await.detail.as_deref(), Some("1 of 3 machines run it"));
    fly.world().stop_at_update = None;
    assert_eq!(roll(&target, &revision).await, Ok(Activated::Live));
    assert_eq!((fly.updates("m1"), fly.updates("m2"), fly.updates("m0")), (1, 1, 1));
}

#[tokio::test]
async fn a_machine_that_somebody_else_has_leased_is_left_alone() {
    let fly = Fly::start().await;
    with_machines(&fly);
    fly.world()
        .apps
        .get_mut("web")
        .unwrap()
        .machines
        .get_mut("m1")
        .unwrap()
        .lease = Some("of-a-deployment".to_owned());
    let target = target(&fly, "KEY", false);
    let revision = put(&target, &[("KEY", "one")]).await.unwrap().remove(0);
    let error = roll(&target, &revision).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Conflict);
    assert!(
        error.to_string().contains("Something else holds the machine's lease"),
        "{error}"
    );
    assert_eq!(
        fly.world().apps["web"].machines["m1"].lease.as_deref(),
        Some("of-a-deployment")
    );
}

#[tokio::test]
async fn an_update_whose_answer_is_lost_is_found_at_the_machine() {
    let fly = Fly::start().await;
    with_machines(&fly);
    let target = target(&fly, "KEY", false);
    let revision = put(&target, &[("KEY", "one")]).await.unwrap().remove(0);
    fly.fault(&update_of("m1"), Fault::LostAfter);
    assert_eq!(roll(&target, &revision).await, Ok(Activated::Live));
    assert_eq!((fly.updates("m1"), fly.updates("m2")), (1, 1));
}

#[tokio::test]
async fn an_update_that_was_lost_on_its_way_is_not_repeated_blindly() {
    let fly = Fly::start().await;
    with_machines(&fly);
    let target = target(&fly, "KEY", false);
    let revision = put(&target, &[("KEY", "one")]).await.unwrap().remove(0);
    fly.fault(&update_of("m1"), Fault::LostBefore);
    let error = roll(&target, &revision).await.unwrap_err();
    assert_eq!(error.effect, Effect::Possible);
    assert!(error.to_string().contains("0 of 3"), "{error}");
    assert_eq!(fly.updates("m1"), 1);
    assert_eq!(roll(&target, &revision).await, Ok(Activated::Live));
}

#[tokio::test]
async fn a_staged_secret_is_live_only_after_the_next_deployment() {
    let fly = Fly::start().await;
    with_machines(&fly);
    let target = target(&fly, "KEY", true);
    let revision = put(&target, &[("KEY", "one")]).await.unwrap().remove(0);
    assert!(matches!(roll(&target, &revision).await, Ok(Activated::Stopped(_))));
    assert_eq!(fly.world().count(&["POST", "machines"]), 0);
    assert_eq!(entry(&target).await.live, Some(false));
    fly.world().deploy("web");
    let deployed = target.inspect_directly().await.unwrap().unwrap();
    assert_eq!((deployed.live, deployed.detail), (Some(true), None));
}

#[tokio::test]
async fn an_app_without_machines_has_nothing_to_roll() {
    let fly = Fly::start().await;
    let target = target(&fly, "KEY", false);
    let revision = put(&target, &[("KEY", "one")]).await.unwrap().remove(0);
    assert_eq!(roll(&target, &revision).await, Ok(Activated::Live));
    let entry = entry(&target).await;
    assert_eq!(entry.live, Some(true));
    assert!(entry.detail.unwrap().contains("no machines"));
}

#[tokio::test]
async fn what_fly_repeats_of_a_machines_configuration_is_not_shown() {
    let fly = Fly::start().await;
    let environment = json!({ "env": { "DATABASE_URL": "postgres://app:0ther5@db/x", "PASSWORD": "letmeinplease" } });
    fly.world().machine("web", "m1", "started", environment);
    let target = target(&fly, "KEY", false);
    let revision = put(&target, &[("KEY", "canary-0123456789")]).await.unwrap().remove(0);
    let says = "invalid config: postgres://app:0ther5@db/x or letmeinplease, in 1234567890abcdef";
    fly.fault(&update_of("m1"), Fault::Refused(422, says));
    let error = roll(&target, &revision).await.unwrap_err();
    assert!(
        error
            .message
            .starts_with("invalid config: [withheld] or [redacted], in [withheld]."),
        "{error}"
    );
}

#[tokio::test]
async fn an_app_that_is_not_shown_has_no_id_and_a_vendor_that_is_away_is_an_error() {
    let fly = Fly::start().await;
    fly.world().apps.clear();
    assert_eq!(target(&fly, "A", false).container_id().await, Ok(None));
    let away = Fly::start().await;
    for _ in 0..5 {
        away.fault("GET /v1/apps/web", Fault::Status(503, "away"));
    }
    let error = target(&away, "A", false).container_id().await.unwrap_err();
    assert_eq!(error.effect, Effect::None);
}
