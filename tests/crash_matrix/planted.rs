//! The judge sees what it is there for: timelines with one thing wrong, made by hand.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::{Moment, Trial};
use crate::story::{Act, Shape, Source, Story};
use crate::world::{Place, World};

const ROTATION: Story = Story {
    act: Act::Rotate,
    source: Source::FlyToken,
    shape: Shape::Readable,
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
        parked: BTreeMap::new(),
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
    judged_as(ROTATION, moments, overlap_ends)
}

fn trial(story: Story, moments: &[Moment]) -> Trial<'_> {
    Trial {
        story,
        setting: story.climax(),
        moments,
        disturbed: true,
        could_not_park: false,
        incident_asks_again: None,
        overlap_ends: None,
    }
}

fn judged_as(story: Story, moments: &[Moment], overlap_ends: Option<usize>) -> String {
    said_of(&Trial {
        overlap_ends,
        ..trial(story, moments)
    })
}

fn said_of(trial: &Trial<'_>) -> String {
    [trial.violations(), trial.ending(), trial.escrow()].concat().join("\n")
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
    trial(story, moments).consumers().join("\n")
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

const PARKED: Story = Story {
    shape: Shape::Parked,
    ..ROTATION
};

const ENTRY: &str = "/rotation/escrow/id";

/// The same world with these values parked, by generation.
fn parked(generations: &[(u64, &str)], world: World) -> World {
    let values = |value: &str| BTreeSet::from([value.to_owned()]);
    let generations = generations.iter();
    let generations = generations.map(|(generation, value)| (*generation, values(value)));
    World {
        parked: [(ENTRY.to_owned(), generations.collect())].into(),
        ..world
    }
}

/// A rotation with escrow as it should be.
fn parked_rotation() -> Vec<Moment> {
    let (one, both) = ([(1, "old")], [(1, "old"), (2, "new")]);
    let all = ["old", "new"];
    let made = |world: World| World { made: 2, ..world };
    vec![
        moment("start", parked(&one, world(&["old"], "old", "old", "old"))),
        moment("mint", parked(&one, world(&all, "old", "old", "old"))),
        moment("park", parked(&both, world(&all, "old", "old", "old"))),
        moment("deliver", parked(&both, world(&all, "old", "new", "old"))),
        moment("deliver", parked(&both, world(&all, "old", "new", "new"))),
        moment("deliver", parked(&both, world(&all, "new", "new", "new"))),
        moment("GET /health", parked(&both, world(&all, "new", "new", "new"))),
        moment("revoke", parked(&both, made(world(&["new"], "new", "new", "new")))),
        moment(
            "unpark",
            parked(&[(2, "new")], made(world(&["new"], "new", "new", "new"))),
        ),
    ]
}

#[track_caller]
fn is_blamed_for_escrow(change: impl FnOnce(&mut Vec<Moment>), words: &str) {
    let mut moments = parked_rotation();
    change(&mut moments);
    let said = judged_as(PARKED, &moments, None);
    assert!(said.contains(words), "{words:?} is not in {said:?}");
}

#[test]
fn a_rotation_with_escrow_as_it_should_be_is_not_blamed() {
    assert_eq!(judged_as(PARKED, &parked_rotation(), None), "");
    assert!(judged(&parked_rotation(), None).contains("something was parked without an escrow"));
}

#[test]
fn a_value_that_is_delivered_before_it_is_parked_is_blamed() {
    let unpark = |moments: &mut Vec<Moment>| {
        moments[3].world.parked = moments[0].world.parked.clone();
    };
    is_blamed_for_escrow(unpark, "App was given a value that is not parked");
}

#[test]
fn what_stays_parked_and_what_is_not_parked_is_blamed() {
    let keep = |moments: &mut Vec<Moment>| drop(moments.pop());
    is_blamed_for_escrow(keep, "escrow holds values that have ended");
    let empty = |moments: &mut Vec<Moment>| moments[8].world.parked = [(ENTRY.to_owned(), BTreeMap::new())].into();
    is_blamed_for_escrow(empty, "the value in place is not parked");
    is_blamed_for_escrow(empty, "an entry without values is left in escrow");
    let early = |moments: &mut Vec<Moment>| moments[6].world.parked = moments[8].world.parked.clone();
    is_blamed_for_escrow(early, "a value left escrow while the issuer accepts it");
}

#[test]
fn another_value_than_the_parked_one_is_blamed() {
    let another = |moments: &mut Vec<Moment>| {
        for moment in &mut moments[4..] {
            moment.world.live.insert("newer".to_owned());
            moment.world.parked = parked(&[(2, "new"), (3, "newer")], moment.world.clone()).parked;
        }
    };
    is_blamed_for_escrow(another, "another value was parked although one was already");
    is_blamed_for_escrow(another, "another credential was made although one was parked");
}

/// A rotation for an incident that is killed when its value is parked; the next run makes another one.
fn killed_incident() -> Vec<Moment> {
    let all = ["old", "new", "newer"];
    let (two, three) = ([(1, "old"), (2, "new")], [(1, "old"), (2, "new"), (3, "newer")]);
    let made = |world: World| World { made: 3, ..world };
    let mut moments = parked_rotation();
    moments.truncate(3);
    moments.extend([
        moment("mint", parked(&two, world(&all, "old", "old", "old"))),
        moment("park", parked(&three, world(&all, "old", "old", "old"))),
        moment("deliver", parked(&three, world(&all, "old", "newer", "newer"))),
        moment("deliver", parked(&three, world(&all, "newer", "newer", "newer"))),
        moment("GET /health", parked(&three, world(&all, "newer", "newer", "newer"))),
        moment(
            "revoke",
            parked(&three, made(world(&["newer"], "newer", "newer", "newer"))),
        ),
        moment(
            "unpark",
            parked(&[(3, "newer")], made(world(&["newer"], "newer", "newer", "newer"))),
        ),
    ]);
    moments
}

#[test]
fn one_more_value_is_made_where_the_run_of_an_incident_was_killed() {
    let story = Story {
        act: Act::IncidentChecked,
        ..PARKED
    };
    let judged_after = |moments: &[Moment], killed: Option<usize>| {
        said_of(&Trial {
            incident_asks_again: killed,
            ..trial(story, moments)
        })
    };
    let moments = killed_incident();
    assert_eq!(judged_after(&moments, Some(3)), "");
    let said = judged_after(&moments, None);
    assert!(
        said.contains("another credential was made although one was parked"),
        "{said}"
    );
    assert!(
        said.contains("the targets do not have the value that was parked first"),
        "{said}"
    );
    // Only one: what the run before the kill parked counts no more, and what the run after it parked does.
    let mut moments = moments;
    for moment in &mut moments[5..] {
        moment.world.made += 1;
    }
    let said = judged_after(&moments, Some(3));
    assert!(
        said.contains("another credential was made although one was parked"),
        "{said}"
    );
}

#[test]
fn a_stranger_s_parameter_that_changes_is_blamed() {
    let touched = |moments: &mut Vec<Moment>| {
        moments[5]
            .world
            .foreign
            .insert("parameter".to_owned(), "ours".to_owned());
    };
    is_blamed_for_escrow(touched, "somebody else's parameter changed");
}
