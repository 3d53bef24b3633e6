//! Ways to get stuck, or to end too much, that the search found: each as one short story that has to end well.

use std::sync::Arc;

use super::case::{Case, Origin, Place, TargetSpec, Wish};
use super::cases;
use super::mutant::Mutant;
use super::play::{Call, Fault};
use super::settle::{hour, settles};
use super::terraform::{Rest, apply};
use super::world::World;

struct Story {
    case: Arc<Case>,
    rest: Rest,
}

/// The nth call of a kind, and its fault.
type Mishap = (Call, usize, Fault);

impl Story {
    /// Nothing exists yet.
    fn begin(case: Case) -> Self {
        let wish = Wish::first(&case);
        let world = World::new(&case);
        let rest = Rest {
            world,
            state: None,
            tainted: false,
            wish,
        };
        Self {
            case: Arc::new(case),
            rest,
        }
    }

    /// The secret stands.
    fn created(case: Case) -> Self {
        Self::begin(case).apply(None)
    }

    fn run(&self, mishap: Option<Mishap>) -> super::terraform::Ended {
        let calls = apply(&self.case, &self.rest, &[], Mutant::None).calls;
        let script = mishap.map(|(kind, nth, fault)| {
            let of_kind = calls.iter().enumerate().filter(|(_, call)| **call == kind);
            (
                of_kind.map(|(at, _)| at).nth(nth).expect("the run makes such a call"),
                fault,
            )
        });
        let ended = apply(&self.case, &self.rest, script.as_slice(), Mutant::None);
        assert!(ended.broken.is_empty(), "{:?}", ended.broken);
        ended
    }

    fn apply(mut self, mishap: impl Into<Option<Mishap>>) -> Self {
        self.rest = self.run(mishap.into()).rest;
        self
    }

    /// The provider is killed, and Terraform with it: the file is that of before.
    fn killed_with_terraform(mut self, call: Call, nth: usize) -> Self {
        self.rest = self.run(Some((call, nth, Fault::Kill))).unsaved.expect("it was killed");
        self
    }

    fn change(mut self, change: impl FnOnce(&mut Rest)) -> Self {
        change(&mut self.rest);
        self
    }

    fn untaint(self) -> Self {
        assert!(self.rest.tainted, "there is nothing to untaint");
        self.change(|rest| rest.tainted = false)
    }

    fn rotate(self) -> Self {
        self.change(|rest| rest.wish.rotations += 1)
    }

    fn overlap_ends(self) -> Self {
        let hours = self.case.overlap;
        self.change(|rest| (0..=hours).for_each(|_| hour(&mut rest.world)))
    }

    fn ends_well(self) {
        settles(&self.case, &self.rest, Mutant::None).unwrap();
    }
}

fn with_escrow() -> Case {
    let targets = [
        TargetSpec::new("a", Place::Readable, 1),
        TargetSpec::new("b", Place::Rolled, 2),
    ];
    Case::new("an escrow", Origin::Listed, &targets)
}

#[test]
fn a_first_write_without_an_answer_does_not_bar_its_own_slot() {
    Story::begin(cases::create())
        .apply((Call::Deliver, 0, Fault::LostAfter))
        .untaint()
        .ends_well();
}

#[test]
fn a_create_that_follows_a_killed_one_ends_only_what_it_made_itself() {
    let killed = Story::begin(cases::create()).apply((Call::Deliver, 0, Fault::Kill));
    killed.apply((Call::Mint, 0, Fault::LostBefore)).ends_well();
}

#[test]
fn a_create_that_follows_a_killed_one_remembers_what_a_slot_may_hold() {
    let killed = Story::begin(cases::create()).apply((Call::Deliver, 0, Fault::Kill));
    killed.apply((Call::Mint, 0, Fault::Interrupt)).ends_well();
}

#[test]
fn a_killed_first_write_of_an_untainted_secret_is_recognised() {
    for (case, nth) in [(cases::create(), 0), (with_escrow(), 1)] {
        let interrupted = Story::begin(case).apply((Call::Mint, 0, Fault::Interrupt)).untaint();
        interrupted.apply((Call::Deliver, nth, Fault::Kill)).ends_well();
    }
}

#[test]
fn the_mark_of_one_target_explains_the_unmarked_entry_of_another() {
    let case = cases::generated_with_escrow();
    Story::begin(case).apply((Call::Deliver, 1, Fault::Kill)).ends_well();
}

#[test]
fn what_a_killed_run_ended_still_explains_what_it_made() {
    let lost = Story::created(cases::checks())
        .rotate()
        .apply((Call::Mint, 0, Fault::LostAfter));
    lost.killed_with_terraform(Call::Revoke, 0).ends_well();
}

#[test]
fn what_a_deleted_entry_held_ends_after_the_overlap() {
    let killed = Story::created(cases::overlap())
        .rotate()
        .killed_with_terraform(Call::Deliver, 0);
    let slot = killed.case.targets[0].slot();
    killed.change(|rest| rest.world.erase(&slot)).ends_well();
}

#[test]
fn an_orphan_ends_although_something_is_staged() {
    let targets = [TargetSpec::new("a", Place::Staged, 1)];
    let case = Case {
        overlap: 1,
        ..Case::new("staged", Origin::Listed, &targets)
    };
    Story::created(case)
        .rotate()
        .apply((Call::Mint, 0, Fault::LostAfter))
        .ends_well();
}

#[test]
fn a_plan_promises_no_revocation_that_reported_drift_forbids() {
    let case = Case {
        heal: false,
        ..cases::create()
    };
    let refused = Story::created(case).rotate().apply((Call::Revoke, 0, Fault::Refused));
    let slot = refused.case.targets[0].slot();
    refused.change(|rest| rest.world.overwrite(&slot, None)).ends_well();
}

#[test]
fn a_target_that_was_about_to_leave_and_stays_is_written_again() {
    let case = Case {
        start: Some(0b11),
        ..cases::create()
    };
    let leaving = Story::created(case).change(|rest| rest.wish.targets = 0b10);
    let refused = leaving.apply((Call::Remove, 0, Fault::Refused));
    refused.change(|rest| rest.wish.targets = 0b11).apply(None).ends_well();
}

#[test]
fn a_role_whose_reset_nothing_else_records_is_recognised_by_its_password() {
    for case in [cases::one_role_with_escrow(), cases::two_roles_with_escrow()] {
        Story::created(case)
            .rotate()
            .killed_with_terraform(Call::Deliver, 0)
            .ends_well();
    }
}

#[test]
fn a_role_that_was_reset_and_not_recorded_takes_no_room() {
    let rotated = Story::created(cases::two_roles_with_escrow()).rotate().apply(None);
    rotated
        .overlap_ends()
        .rotate()
        .killed_with_terraform(Call::Deliver, 1)
        .ends_well();
}

#[test]
fn of_two_roles_the_one_in_use_stays_when_an_outsider_resets_the_other_half_way() {
    Story::created(cases::two_roles_with_escrow())
        .rotate()
        .apply((Call::Mint, 0, Fault::Interrupt))
        .change(|rest| rest.world.kill(&cases::two_roles_with_escrow(), "second"))
        .ends_well();
}

#[test]
fn where_both_roles_may_be_in_use_what_is_in_place_is_delivered_before_one_is_reset() {
    let overlapping = Story::created(cases::two_roles_with_escrow()).rotate().apply(None);
    for target in 0..2 {
        let slot = overlapping.case.targets[target].slot();
        let story = Story {
            case: Arc::clone(&overlapping.case),
            rest: overlapping.rest.clone(),
        };
        story
            .rotate()
            .change(|rest| rest.world.overwrite(&slot, None))
            .ends_well();
    }
}

#[test]
fn one_role_that_an_outsider_ends_after_a_kill_is_given_another_password() {
    let targets = [TargetSpec::new("a", Place::Readable, 1)];
    let case = Case::new("one role, one target", Origin::Replaced, &targets);
    let killed = Story::created(case).rotate().killed_with_terraform(Call::Deliver, 0);
    let case = Arc::clone(&killed.case);
    killed.change(|rest| rest.world.kill(&case, "first")).ends_well();
}

#[test]
fn a_reset_role_that_is_in_use_is_not_reset_again() {
    let targets = [
        TargetSpec::new("a", Place::Opaque, 1),
        TargetSpec::new("b", Place::Rolled, 2),
    ];
    let case = Case {
        overlap: 1,
        ..Case::new("two roles", Origin::Alternating, &targets)
    };
    Story::created(case)
        .rotate()
        .killed_with_terraform(Call::Activate, 0)
        .ends_well();
}

#[test]
fn a_second_rotation_of_two_roles_that_is_killed_and_then_interrupted_leaves_nobody_with_a_dead_password() {
    let targets = [
        TargetSpec::new("a", Place::Opaque, 1),
        TargetSpec::new("b", Place::Rolled, 2),
    ];
    let case = Case {
        overlap: 1,
        ..Case::new("two roles", Origin::Alternating, &targets)
    };
    let rotated = Story::created(case).rotate().apply(None).overlap_ends().rotate();
    rotated
        .apply((Call::Activate, 0, Fault::Kill))
        .apply((Call::Deliver, 0, Fault::Interrupt))
        .ends_well();
}

/// The issuer's limit leaves no room, and nobody can tell the value: what no target has gives way.
#[test]
fn a_password_that_was_lost_before_any_target_had_it_makes_room_for_the_next() {
    Story::created(cases::two_marked_roles())
        .rotate()
        .apply((Call::Mint, 0, Fault::Interrupt))
        .ends_well();
}

/// What state says of the last rotation: its cause and its reason.
fn record(story: &Story) -> (String, String) {
    let state = story.rest.state.as_ref().expect("it exists");
    let record = state.get("last_rotation");
    let text = |name: &str| record.get(name).as_str().expect(name).to_owned();
    (text("cause"), text("reason"))
}

/// The clock of a run stands still: all of this happens within one second.
#[test]
fn a_rotation_that_is_cut_off_in_the_second_of_the_create_keeps_its_cause() {
    let targets = [
        TargetSpec::new("a", Place::Opaque, 1),
        TargetSpec::new("b", Place::Opaque, 2),
    ];
    for origin in [Origin::Listed, Origin::Alternating] {
        let case = Case::new("a second", origin, &targets);
        let cut_off = Story::created(case).rotate().apply((Call::Deliver, 1, Fault::Refused));
        let finished = cut_off.apply(None);
        assert_eq!(
            record(&finished),
            ("requested".to_owned(), "wish 1".to_owned()),
            "{origin:?}"
        );
        finished.ends_well();
    }
}

#[test]
fn a_request_in_the_second_of_an_unfinished_rotation_is_not_taken_for_that() {
    let targets = [
        TargetSpec::new("a", Place::Readable, 1),
        TargetSpec::new("b", Place::Opaque, 2),
    ];
    for origin in [Origin::Listed, Origin::Alternating] {
        let case = Case::new("a second", origin, &targets);
        let cut_off = Story::created(case).rotate().apply((Call::Deliver, 1, Fault::Refused));
        let asked = cut_off.rotate().apply(None);
        assert_eq!(
            record(&asked),
            ("requested".to_owned(), "wish 2".to_owned()),
            "{origin:?}"
        );
        asked.ends_well();
    }
}

/// The user wants the first generation back.
fn restored(story: Story) -> Story {
    story.change(|rest| {
        rest.wish.restore = 1;
        rest.wish.restored_at = rest.wish.rotations;
    })
}

#[test]
fn what_was_parked_when_everything_died_is_finished_and_not_made_again() {
    for case in [
        cases::parked_overlap(),
        cases::parked_generated(),
        cases::parked_roles(),
    ] {
        Story::created(case)
            .rotate()
            .killed_with_terraform(Call::Park, 0)
            .ends_well();
    }
}

#[test]
fn a_deletion_from_escrow_without_an_answer_is_not_taken_for_done() {
    Story::created(cases::parked_outsiders())
        .rotate()
        .apply((Call::Park, 1, Fault::LostBefore))
        .ends_well();
}

#[test]
fn an_entry_of_escrow_from_which_everything_has_ended_is_deleted() {
    Story::created(cases::parked_overlap())
        .rotate()
        .apply((Call::Park, 0, Fault::Refused))
        .ends_well();
}

#[test]
fn what_was_made_and_reached_no_target_is_not_in_place_after_a_restore() {
    let interrupted = Story::created(cases::parked_overlap()).rotate();
    restored(interrupted.apply((Call::Mint, 0, Fault::Interrupt))).ends_well();
}

#[test]
fn what_has_left_escrow_and_what_has_ended_is_not_restored() {
    let left = Story::created(cases::parked_generated()).rotate().apply(None);
    restored(left.overlap_ends().killed_with_terraform(Call::Park, 0)).ends_well();
    let ended = Story::created(cases::parked_roles()).rotate().apply(None);
    restored(ended.overlap_ends().apply((Call::Revoke, 0, Fault::LostAfter))).ends_well();
}
