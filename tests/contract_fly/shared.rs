//! Secrets that share an app, its machines and their rolls. Fly serves an update the oldest secrets that satisfy it.

use rotation_provider::target::fly_secret::FlySecret;
use rotation_provider::target::{Activated, Slot as _};
use serde_json::json;

use super::fake::{Fault, Fly};
use super::secret::{entry, put, roll, target};

const MACHINES: [&str; 2] = ["m1", "m2"];

async fn with_two_machines() -> Fly {
    let fly = Fly::start().await;
    for id in MACHINES {
        fly.world().machine("web", id, "started", json!({ "image": "web:1" }));
    }
    fly
}

async fn write(target: &FlySecret, name: &str, value: &str) -> String {
    put(target, &[(name, value)]).await.unwrap().remove(0)
}

/// Every machine runs these values.
#[track_caller]
fn all_run(fly: &Fly, values: &[(&str, &str)]) {
    let world = fly.world();
    for (id, machine) in &world.apps["web"].machines {
        for (name, value) in values {
            let runs = machine.environment.get(*name).map(String::as_str);
            assert_eq!(runs, Some(*value), "{name} on {id}");
        }
    }
}

#[tokio::test]
async fn two_secrets_written_before_either_is_rolled_both_go_live() {
    let fly = with_two_machines().await;
    let (a, b) = (target(&fly, "A", false), target(&fly, "B", false));
    let first = write(&a, "A", "new-a").await;
    let second = write(&b, "B", "new-b").await;
    assert_eq!(roll(&a, &first).await, Ok(Activated::Live));
    assert_eq!(roll(&b, &second).await, Ok(Activated::Live));
    all_run(&fly, &[("A", "new-a"), ("B", "new-b")]);
    for id in MACHINES {
        assert_eq!(fly.updates(id), 1, "one update serves both");
    }
    assert_eq!((entry(&a).await.live, entry(&b).await.live), (Some(true), Some(true)));
}

#[tokio::test]
async fn a_write_during_the_roll_of_another_secret_is_rolled_again() {
    let fly = with_two_machines().await;
    let (a, b) = (target(&fly, "A", false), target(&fly, "B", false));
    let first = write(&a, "A", "new-a").await;
    roll(&a, &first).await.unwrap();
    let second = write(&b, "B", "new-b").await;
    assert_eq!(roll(&a, &first).await, Ok(Activated::Live));
    assert_eq!(fly.updates("m1"), 1, "A has nothing to do with the write of B");
    assert_eq!(roll(&b, &second).await, Ok(Activated::Live));
    all_run(&fly, &[("A", "new-a"), ("B", "new-b")]);
}

#[tokio::test]
async fn six_secrets_rotated_at_once_all_go_live() {
    let fly = with_two_machines().await;
    let names = ["A", "B", "C", "D", "E", "F"];
    let targets = names.map(|name| target(&fly, name, false));
    for generation in ["one", "two"] {
        let rotations = targets.iter().zip(names).map(|(target, name)| async move {
            let revision = write(target, name, generation).await;
            roll(target, &revision).await
        });
        for ended in futures::future::join_all(rotations).await {
            assert_eq!(ended, Ok(Activated::Live));
        }
        all_run(&fly, &names.map(|name| (name, generation)));
    }
}

#[tokio::test]
async fn another_process_goes_on_wherever_a_roll_was_cut_off() {
    let calls = [
        ("GET /v1/apps/web/machines", 0),
        ("POST /v1/apps/web/machines/m1/lease", 0),
        ("POST /v1/apps/web/machines/m1 update", 0),
        ("PUT /v1/apps/web/machines/m1/metadata", 0),
        ("POST /v1/apps/web/machines/m2/lease", 0),
        ("POST /v1/apps/web/machines/m2 update", 0),
        ("PUT /v1/apps/web/machines/m2/metadata", 0),
        ("GET /v1/apps/web/machines", 1),
    ];
    let cases = calls.into_iter().flat_map(|call| [(call, false), (call, true)]);
    let cases = cases.map(|((call, nth), acted)| cut_off_at(call, nth, acted));
    futures::future::join_all(cases).await;
}

async fn cut_off_at(call: &str, nth: usize, acted: bool) {
    let fly = with_two_machines().await;
    let (a, b) = (target(&fly, "A", false), target(&fly, "B", false));
    let first = write(&a, "A", "new-a").await;
    let second = write(&b, "B", "new-b").await;
    fly.kill(call, nth, acted);
    roll(&a, &first).await.ok();
    let later = fly.another_process();
    let (a, b) = (target(&later, "A", false), target(&later, "B", false));
    let case = format!("{call} {nth} {acted}");
    for (target, revision, value) in [(&a, &first, ("A", "new-a")), (&b, &second, ("B", "new-b"))] {
        let seen = target.inspect_for(revision).await.unwrap().unwrap();
        if seen.live == Some(true) {
            all_run(&later, &[value]);
        }
        assert_eq!(roll(target, revision).await, Ok(Activated::Live), "{case}");
    }
    all_run(&later, &[("A", "new-a"), ("B", "new-b")]);
    // The one that was cut off, and one for each secret: the new process learns of B's version only with B's roll.
    let updates = MACHINES.map(|id| later.updates(id));
    assert!(updates.iter().all(|updates| *updates <= 3), "{case}: {updates:?}");
}

#[tokio::test]
async fn a_finished_roll_is_known_to_another_process() {
    let fly = with_two_machines().await;
    let (a, b) = (target(&fly, "A", false), target(&fly, "B", false));
    let first = write(&a, "A", "new-a").await;
    roll(&a, &first).await.unwrap();
    // A later write of another secret does not make it look undone.
    let second = write(&b, "B", "new-b").await;
    let later = fly.another_process();
    let (a, b) = (target(&later, "A", false), target(&later, "B", false));
    let live = |seen: Option<rotation_provider::rotation::Entry>| seen.unwrap().live;
    assert_eq!(live(a.inspect_for(&first).await.unwrap()), Some(true));
    assert_eq!(live(a.inspect_since(&first).await.unwrap()), Some(true));
    assert_eq!(live(b.inspect_for(&second).await.unwrap()), Some(false));
    assert_eq!(roll(&a, &first).await, Ok(Activated::Live));
    assert_eq!(later.updates("m1"), 1);
}

#[tokio::test]
async fn a_later_process_does_not_take_back_what_another_secret_has_reached() {
    let fly = with_two_machines().await;
    let (a, b) = (target(&fly, "A", false), target(&fly, "B", false));
    let first = write(&a, "A", "new-a").await;
    let second = write(&b, "B", "new-b").await;
    roll(&b, &second).await.unwrap();
    // m2 loses its proof: its update has to carry the version that the mark of m1 names, not that of A alone.
    fly.world().redeploy("web", "m2", 2);
    let later = fly.another_process();
    assert_eq!(roll(&target(&later, "A", false), &first).await, Ok(Activated::Live));
    all_run(&later, &[("A", "new-a"), ("B", "new-b")]);
}

#[tokio::test]
async fn a_machine_that_somebody_deployed_between_is_updated_again_and_at_most_once() {
    let fly = with_two_machines().await;
    let a = target(&fly, "A", false);
    let old = write(&a, "A", "old").await;
    roll(&a, &old).await.unwrap();
    let revision = write(&a, "A", "new").await;
    // Their deployment keeps our metadata and starts the machine with the old value.
    fly.world().redeploy("web", "m1", 1);
    assert_eq!(roll(&a, &revision).await, Ok(Activated::Live));
    all_run(&fly, &[("A", "new")]);
    fly.world().redeploy("web", "m1", 1);
    assert_eq!(entry(&a).await.live, Some(false));
    assert_eq!(roll(&a, &revision).await, Ok(Activated::Live));
    all_run(&fly, &[("A", "new")]);
    assert_eq!((fly.updates("m1"), fly.updates("m2")), (3, 2));
    fly.world().redeploy("web", "m1", 2);
    let Ok(Activated::Unproved(why)) = roll(&a, &revision).await else {
        panic!("nothing proves what m1 runs");
    };
    assert!(why.contains("m1") && !why.contains("m2"), "{why}");
    assert_eq!(
        (fly.updates("m1"), fly.updates("m2")),
        (3, 2),
        "it must not go on for ever"
    );
}

#[tokio::test]
async fn a_machine_that_appears_during_the_roll_is_updated_too() {
    let fly = with_two_machines().await;
    let a = target(&fly, "A", false);
    let old = write(&a, "A", "old").await;
    roll(&a, &old).await.unwrap();
    let revision = write(&a, "A", "new").await;
    fly.world().clone_at_update = Some(("m1".to_owned(), "m3".to_owned(), 1));
    assert_eq!(roll(&a, &revision).await, Ok(Activated::Live));
    assert_eq!(fly.updates("m3"), 1);
    all_run(&fly, &[("A", "new")]);
}

#[tokio::test]
async fn a_copied_mark_proves_nothing() {
    let fly = with_two_machines().await;
    let a = target(&fly, "A", false);
    let revision = write(&a, "A", "new").await;
    roll(&a, &revision).await.unwrap();
    fly.world().clone_machine("web", "m1", "m3", 0);
    let later = fly.another_process();
    let a = target(&later, "A", false);
    assert_eq!(a.inspect_for(&revision).await.unwrap().unwrap().live, Some(false));
    assert_eq!(roll(&a, &revision).await, Ok(Activated::Live));
    all_run(&later, &[("A", "new")]);
}

#[tokio::test]
async fn metadata_that_fly_drops_costs_another_process_one_more_update() {
    let fly = with_two_machines().await;
    fly.world().of_web("m1").forgetful = true;
    let a = target(&fly, "A", false);
    let revision = write(&a, "A", "new").await;
    for _ in 0..2 {
        assert_eq!(roll(&a, &revision).await, Ok(Activated::Live));
    }
    assert_eq!(fly.updates("m1"), 1, "this process knows what it did");
    let later = fly.another_process();
    let a = target(&later, "A", false);
    assert_eq!(a.inspect_for(&revision).await.unwrap().unwrap().live, Some(false));
    assert_eq!(roll(&a, &revision).await, Ok(Activated::Live));
    assert_eq!((later.updates("m1"), later.updates("m2")), (2, 1));
}

#[tokio::test]
async fn a_mark_that_cannot_be_written_does_not_end_the_roll() {
    let fly = with_two_machines().await;
    fly.fault("m1/metadata", Fault::Refused(403, "no metadata for you"));
    let a = target(&fly, "A", false);
    let revision = write(&a, "A", "new").await;
    assert_eq!(roll(&a, &revision).await, Ok(Activated::Live));
    all_run(&fly, &[("A", "new")]);
}

#[tokio::test]
async fn a_machine_that_died_of_an_update_whose_mark_was_cut_off_stops_the_next_process() {
    let fly = with_two_machines().await;
    let a = target(&fly, "A", false);
    let revision = write(&a, "A", "new").await;
    fly.kill("PUT /v1/apps/web/machines/m1/metadata", 0, false);
    roll(&a, &revision).await.ok();
    let later = fly.another_process();
    {
        let mut world = later.world();
        let description = &mut world.of_web("m1").description;
        description["state"] = json!("stopped");
        let exit = json!({ "exit_event": { "exit_code": 1, "requested_stop": false } });
        let exit = json!({ "type": "exit", "timestamp": i64::MAX, "request": exit });
        description["events"].as_array_mut().unwrap().insert(0, exit);
    }
    let error = roll(&target(&later, "A", false), &revision).await.unwrap_err();
    assert!(error.to_string().contains("exit code 1"), "{error}");
    assert_eq!(later.updates("m2"), 0);
}

#[tokio::test]
async fn machines_on_unreachable_hosts_come_last_and_are_named() {
    let fly = with_two_machines().await;
    {
        let mut world = fly.world();
        let description = &mut world.of_web("m1").description;
        description["host_status"] = json!("unreachable");
        description["incomplete_config"] = description["config"].take();
    }
    let a = target(&fly, "A", false);
    let revision = write(&a, "A", "new").await;
    let error = roll(&a, &revision).await.unwrap_err();
    let text = format!("{error} {}", error.answer());
    assert!(
        text.contains("\"m1\"") && text.contains("host as unreachable"),
        "{text}"
    );
    assert!(text.contains("1 of 2 machines run the new value"), "{text}");
    assert!(!text.contains("Check the network"), "{text}");
    assert_eq!((fly.updates("m1"), fly.updates("m2")), (0, 1));
    assert_eq!(fly.world().count(&["m1/lease"]), 0);
}

#[tokio::test]
async fn a_deployment_right_after_a_staged_write_does_not_make_it_live() {
    let fly = with_two_machines().await;
    let staged = target(&fly, "A", true);
    let revision = write(&staged, "A", "new").await;
    for id in MACHINES {
        fly.world().redeploy("web", id, 0);
    }
    let seen = staged.inspect_since(&revision).await.unwrap().unwrap();
    assert_eq!(seen.live, Some(false));
    assert!(seen.detail.unwrap().contains("at least 1m after the write"));
    fly.world().deploy("web");
    assert_eq!(staged.inspect_since(&revision).await.unwrap().unwrap().live, Some(true));
    // For one that this provider makes live, a deployment proves nothing.
    let ours = target(&fly, "A", false);
    assert_eq!(ours.inspect_since(&revision).await.unwrap().unwrap().live, Some(false));
}
