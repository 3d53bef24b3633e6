//! The judge sees what it is there for: timelines with one thing wrong, made by hand.

use std::collections::BTreeMap;

use crate::judge::{Moment, Trial};
use crate::story::{Act, Source, Story};
use crate::world::{Place, World};

const ROTATION: Story = Story {
    act: Act::Rotate,
    source: Source::FlyToken,
    blind: false,
};

fn world(live: &[&str], parameter: &str, app: &str, repository: &str) -> World {
    let entries = [
        (Place::Parameter, parameter),
        (Place::App, app),
        (Place::Repository, repository),
    ];
    World {
        live: live.iter().map(|value| (*value).to_owned()).collect(),
        made: live.len(),
        entries: entries.map(|(place, value)| (place, value.to_owned())).into(),
        machines: vec![Some(app.to_owned())],
        members: BTreeMap::new(),
        foreign: [("ci".to_owned(), "alive".to_owned())].into(),
        runs: BTreeMap::new(),
    }
}

fn moment(call: &str, world: World) -> Moment {
    Moment {
        call: call.to_owned(),
        status: 200,
        world,
    }
}

/// A rotation as it should be.
fn rotation() -> Vec<Moment> {
    vec![
        moment("start", world(&["old"], "old", "old", "old")),
        moment("mint", world(&["old", "new"], "old", "old", "old")),
        moment("deliver", world(&["old", "new"], "new", "old", "old")),
        moment("deliver", world(&["old", "new"], "new", "new", "old")),
        moment("deliver", world(&["old", "new"], "new", "new", "new")),
        moment("GET /health", world(&["old", "new"], "new", "new", "new")),
        moment(
            "revoke",
            World {
                made: 2,
                ..world(&["new"], "new", "new", "new")
            },
        ),
    ]
}

fn judged(moments: &[Moment], overlap_ends: Option<usize>) -> String {
    let trial = Trial {
        story: ROTATION,
        setting: ROTATION.climax(),
        moments,
        disturbed: true,
        overlap_ends,
    };
    [trial.violations(), trial.ending()].concat().join("\n")
}

#[track_caller]
fn is_blamed(moments: &[Moment], words: &str) {
    let said = judged(moments, None);
    assert!(said.contains(words), "{words:?} is not in {said:?}");
}

#[test]
fn a_rotation_as_it_should_be_is_not_blamed() {
    assert_eq!(judged(&rotation(), None), "");
}

#[test]
fn a_revocation_before_the_last_delivery_is_blamed() {
    let mut moments = rotation();
    moments[4].world.live.remove("old");
    moments[3].world.live.remove("old");
    is_blamed(&moments, "moment 3 (deliver): Repository points at a dead credential");
    is_blamed(&moments, "revoked before every target had taken another one");
}

#[test]
fn a_revocation_without_a_passed_check_is_blamed() {
    let mut moments = rotation();
    moments.remove(5);
    is_blamed(&moments, "revoked before the check had passed");
    let mut moments = rotation();
    moments[5].status = 503;
    is_blamed(&moments, "revoked before the check had passed");
}

#[test]
fn a_revocation_within_the_overlap_is_blamed() {
    let said = judged(&rotation(), Some(7));
    assert!(said.contains("revoked within its overlap"), "{said}");
    assert_eq!(judged(&rotation(), Some(6)), "");
}

#[test]
fn a_later_wave_that_is_written_first_is_blamed() {
    let mut moments = rotation();
    moments[2].world = world(&["old", "new"], "old", "old", "new");
    is_blamed(&moments, "Repository of wave 2 was written before Parameter");
}

#[test]
fn a_machine_that_still_runs_a_dead_credential_is_blamed() {
    let mut moments = rotation();
    moments[6].world.machines = vec![Some("new".to_owned()), Some("old".to_owned())];
    is_blamed(&moments, "a machine points at a dead credential");
    is_blamed(&moments, "App does not have what the parameter has");
}

#[test]
fn an_orphan_and_a_touched_stranger_are_blamed() {
    let mut moments = rotation();
    moments[6].world.live.insert("nobody's".to_owned());
    is_blamed(&moments, "2 credentials are alive instead of one");
    let mut moments = rotation();
    moments[6].world.foreign.insert("ci".to_owned(), "dead".to_owned());
    is_blamed(&moments, "somebody else's ci changed");
}

#[test]
fn a_value_that_nobody_issued_is_blamed() {
    let mut moments = rotation();
    moments[2].world = world(&["old"], "new", "old", "old");
    is_blamed(&moments, "a place was given something that the issuer does not accept");
}

/// A rotation in whose course an activation of each wave makes consumers load the new value.
fn activated() -> Vec<Moment> {
    let both = ["old", "new"];
    let with_run = |completed, world: World| World {
        runs: [(7, completed)].into(),
        ..world
    };
    vec![
        moment("start", world(&["old"], "old", "old", "old")),
        moment("mint", world(&both, "old", "old", "old")),
        moment("deliver", world(&both, "new", "old", "old")),
        moment("PUT /settings/secrets", world(&both, "new", "old", "old")),
        moment("deliver", world(&both, "new", "new", "new")),
        moment("POST /dispatches", with_run(false, world(&both, "new", "new", "new"))),
        moment("GET /actions/runs/7", with_run(true, world(&both, "new", "new", "new"))),
        moment("revoke", with_run(true, world(&["new"], "new", "new", "new"))),
    ]
}

fn of_consumers(moments: &[Moment]) -> String {
    let story = Story {
        act: Act::Activated,
        ..ROTATION
    };
    let trial = Trial {
        story,
        setting: story.climax(),
        moments,
        disturbed: true,
        overlap_ends: None,
    };
    trial.consumers().join("\n")
}

#[test]
fn consumers_that_run_something_else_or_something_dead_are_seen() {
    assert_eq!(of_consumers(&activated()), "");
    let mut moments = activated();
    moments[3].status = 500;
    let said = of_consumers(&moments);
    assert!(
        said.contains("moment 7 (revoke): consumers of wave 1 run a dead credential"),
        "{said}"
    );
    assert!(
        said.contains("consumers of wave 1 do not run what its targets hold"),
        "{said}"
    );
    // The run has read what was there when it began.
    let mut moments = activated();
    moments.swap(4, 5);
    moments[4].world.entries = moments[3].world.entries.clone();
    moments[5].world.runs = moments[4].world.runs.clone();
    let said = of_consumers(&moments);
    assert!(said.contains("consumers of wave 2 run a dead credential"), "{said}");
    // It has not ended when the old credential is revoked.
    let mut moments = activated();
    moments.swap(6, 7);
    moments[6].world.runs = [(7, false)].into();
    let said = of_consumers(&moments);
    assert!(
        said.contains("moment 6 (revoke): consumers of wave 2 run a dead credential"),
        "{said}"
    );
    assert!(!said.contains("do not run"), "{said}");
}
