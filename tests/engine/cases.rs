//! The circumstances that are searched.

use rotation_provider::spec::IncidentRevoke;

use super::case::{Budget, Case, Origin, Place, TargetSpec, When};
use super::terms::{Adopts, Terms};

const fn opaque(key: &'static str, wave: u64) -> TargetSpec {
    TargetSpec::new(key, Place::Opaque, wave)
}

const fn readable(key: &'static str, wave: u64) -> TargetSpec {
    TargetSpec::new(key, Place::Readable, wave)
}

const fn rolled(key: &'static str, wave: u64) -> TargetSpec {
    TargetSpec::new(key, Place::Rolled, wave)
}

const fn staged(key: &'static str, wave: u64) -> TargetSpec {
    TargetSpec::new(key, Place::Staged, wave)
}

const fn budget(faults: u8, meddling: u8, wishes: u8, hours: u8) -> Budget {
    Budget {
        faults,
        meddling,
        wishes,
        hours,
    }
}

/// A secret that stands already.
fn created(name: &'static str, origin: Origin, targets: &[TargetSpec]) -> Case {
    Case {
        created: true,
        ..Case::new(name, origin, targets)
    }
}

/// What is searched every day.
pub fn all() -> Vec<Case> {
    let mut cases = vec![
        create(),
        Case {
            budget: budget(1, 0, 1, 0),
            ..Case::new(
                "create with an escrow",
                Origin::Listed,
                &[readable("a", 1), rolled("b", 2)],
            )
        },
        checks(),
        Case {
            presents: true,
            budget: budget(1, 0, 1, 0),
            ..Case {
                name: "checks that present",
                ..checks()
            }
        },
        Case {
            presents: true,
            overlap: 1,
            checks: vec![When::Wave(1), When::Wave(2)],
            budget: budget(1, 0, 1, 1),
            ..created(
                "checks that present, escrow",
                Origin::Listed,
                &[readable("a", 1), rolled("b", 2)],
            )
        },
        Case {
            presents: true,
            checks: vec![When::Wave(1)],
            budget: budget(1, 0, 2, 0),
            ..created(
                "two roles, presented",
                Origin::Alternating,
                &[opaque("a", 1), opaque("b", 1)],
            )
        },
        overlap(),
        outsiders(),
        lag(),
        Case {
            budget: budget(1, 1, 1, 0),
            ..created("one role", Origin::Replaced, &[opaque("a", 1), rolled("b", 2)])
        },
        one_role_with_escrow(),
        Case {
            budget: budget(1, 1, 1, 0),
            ..created("one role, one target", Origin::Replaced, &[readable("a", 1)])
        },
        Case {
            overlap: 1,
            budget: budget(2, 0, 1, 1),
            ..created("two roles", Origin::Alternating, &[opaque("a", 1), rolled("b", 2)])
        },
        Case {
            budget: budget(1, 1, 1, 0),
            ..created("generated", Origin::Generated, &[opaque("a", 1), opaque("b", 2)])
        },
        Case {
            budget: budget(1, 1, 1, 0),
            ..created("provided", Origin::Provided, &[opaque("a", 1), rolled("b", 2)])
        },
        Case {
            start: Some(0b11),
            budget: budget(1, 0, 2, 0),
            ..created(
                "targets come and go",
                Origin::Listed,
                &[readable("a", 1), opaque("b", 2)],
            )
        },
        Case {
            start: Some(0b11),
            budget: budget(1, 1, 1, 0),
            ..created(
                "targets go, outsiders come",
                Origin::Listed,
                &[readable("a", 1), opaque("b", 2)],
            )
        },
        Case {
            start: Some(0b11),
            budget: budget(1, 0, 1, 0),
            ..created(
                "a kept entry",
                Origin::Listed,
                &[opaque("a", 1), readable("b", 1).kept()],
            )
        },
        Case {
            overlap: 1,
            budget: budget(1, 0, 1, 2),
            ..created("staged", Origin::Listed, &[opaque("a", 1), staged("b", 2)])
        },
        Case {
            budget: budget(1, 1, 1, 0),
            ..created("staged, outsiders", Origin::Listed, &[staged("a", 1)])
        },
        own(),
        Case {
            manual: true,
            budget: budget(1, 1, 1, 0),
            ..created("by hand", Origin::Listed, &[opaque("a", 1), opaque("b", 1)])
        },
        Case {
            heal: false,
            budget: budget(1, 1, 1, 0),
            ..created("drift is reported", Origin::Listed, &[opaque("a", 1), opaque("b", 1)])
        },
        occupied(),
        activated(),
        Case {
            budget: budget(1, 1, 0, 0),
            ..Case {
                name: "activations, outsiders",
                targets: vec![readable("a", 1), readable("b", 1)],
                checks: Vec::new(),
                activations: vec![1],
                ..activated()
            }
        },
        Case {
            activations: vec![1, 2],
            budget: budget(1, 0, 1, 0),
            ..created(
                "activations, one role",
                Origin::Replaced,
                &[readable("a", 1), opaque("b", 2)],
            )
        },
        Case {
            activations: vec![2],
            budget: budget(1, 0, 1, 0),
            ..created(
                "activations, a roll",
                Origin::Listed,
                &[rolled("a", 1), opaque("b", 2), rolled("c", 2)],
            )
        },
    ];
    cases.extend(of_terms());
    cases.extend(parked());
    cases
}

/// The cases of escrow.
fn parked() -> Vec<Case> {
    vec![parked_create(), parked_overlap(), parked_generated()]
}

/// What brings together two things that [`all`] has one by one: searched by night.
pub fn combined() -> Vec<Case> {
    vec![
        parked_roles(),
        parked_outsiders(),
        generated_with_escrow(),
        two_roles_with_escrow(),
    ]
}

/// From nothing, with escrow.
pub fn parked_create() -> Case {
    Case {
        parks: true,
        budget: budget(1, 0, 1, 0),
        ..Case::new("parked, create", Origin::Listed, &[opaque("a", 1), rolled("b", 2)])
    }
}

/// Rotations and restores within an overlap.
pub fn parked_overlap() -> Case {
    Case {
        parks: true,
        overlap: 1,
        budget: budget(1, 0, 2, 1),
        ..created("parked, overlap", Origin::Listed, &[opaque("a", 1), opaque("b", 2)])
    }
}

/// The same of a value that nobody issues.
pub fn parked_generated() -> Case {
    Case {
        parks: true,
        overlap: 1,
        budget: budget(1, 0, 2, 1),
        ..created(
            "parked, generated",
            Origin::Generated,
            &[opaque("a", 1), opaque("b", 2)],
        )
    }
}

/// The same of two roles in turn.
pub fn parked_roles() -> Case {
    Case {
        parks: true,
        overlap: 1,
        budget: budget(1, 0, 2, 1),
        ..created(
            "parked, two roles",
            Origin::Alternating,
            &[opaque("a", 1), opaque("b", 1)],
        )
    }
}

/// Outsiders who delete and fill the entry of escrow, among all else.
pub fn parked_outsiders() -> Case {
    Case {
        parks: true,
        budget: budget(1, 1, 1, 0),
        ..created("parked, outsiders", Origin::Listed, &[opaque("a", 1)])
    }
}

/// From nothing, two faults on a path.
pub fn create() -> Case {
    Case::new("create", Origin::Listed, &[opaque("a", 1), rolled("b", 2)])
}

/// Outsiders who change, delete, revoke and imitate, with an overlap of an hour.
pub fn outsiders() -> Case {
    Case {
        overlap: 1,
        budget: budget(1, 1, 1, 0),
        ..created("outsiders", Origin::Listed, &[readable("a", 1), opaque("b", 1)])
    }
}

/// Checks in every phase, two faults on a path.
pub fn checks() -> Case {
    Case {
        checks: vec![When::Preflight, When::Wave(1), When::Wave(2), When::Revoked],
        budget: budget(2, 0, 1, 0),
        ..created("checks", Origin::Listed, &[opaque("a", 1), rolled("b", 2)])
    }
}

/// Consumers that load what is published when an activation of their wave has succeeded.
pub fn activated() -> Case {
    Case {
        activations: vec![1, 2],
        checks: vec![When::Wave(1)],
        budget: budget(2, 0, 1, 0),
        ..created("activations", Origin::Listed, &[opaque("a", 1), readable("b", 2)])
    }
}

/// An overlap of an hour.
pub fn overlap() -> Case {
    Case {
        overlap: 1,
        budget: budget(1, 0, 1, 2),
        ..created("overlap", Origin::Listed, &[opaque("a", 1), opaque("b", 1)])
    }
}

/// A lead of an hour between two waves.
pub fn leads() -> Case {
    Case {
        leads: true,
        checks: vec![When::Wave(1)],
        budget: budget(1, 0, 1, 1),
        ..created("leads", Origin::Listed, &[readable("a", 1), opaque("b", 2)])
    }
}

/// The same with outsiders instead of faults.
pub fn leads_outsiders() -> Case {
    Case {
        name: "leads, outsiders",
        budget: budget(0, 1, 1, 1),
        ..leads()
    }
}

/// A list that lags behind by two looks.
pub fn lag() -> Case {
    Case {
        lag: 2,
        budget: budget(2, 0, 1, 0),
        ..created("a list that lags", Origin::Listed, &[opaque("a", 1), opaque("b", 2)])
    }
}

/// A value that nobody lists, with a target that gives it back.
pub fn generated_with_escrow() -> Case {
    Case {
        budget: budget(1, 1, 1, 0),
        ..Case::new(
            "generated, with an escrow",
            Origin::Generated,
            &[readable("a", 1), rolled("b", 2)],
        )
    }
}

/// A password that nobody lists by a label, with a target that gives it back.
pub fn one_role_with_escrow() -> Case {
    Case {
        budget: budget(1, 1, 1, 0),
        ..created(
            "one role with an escrow",
            Origin::Replaced,
            &[readable("a", 1), opaque("b", 1)],
        )
    }
}

/// Two roles in turn, with a target that gives the password back.
pub fn two_roles_with_escrow() -> Case {
    Case {
        overlap: 1,
        budget: budget(1, 0, 2, 1),
        ..created(
            "two roles with an escrow",
            Origin::Alternating,
            &[readable("a", 1), opaque("b", 1)],
        )
    }
}

/// Roles that tell which generation they hold, and never a password.
pub fn marked() -> Vec<Case> {
    vec![
        Case {
            budget: budget(1, 1, 1, 0),
            ..created("one marked role", Origin::MarkedRole, &[opaque("a", 1), rolled("b", 2)])
        },
        Case {
            budget: budget(1, 1, 1, 0),
            ..created(
                "one marked role, escrow",
                Origin::MarkedRole,
                &[readable("a", 1), opaque("b", 1)],
            )
        },
        two_marked_roles(),
        Case {
            parks: true,
            overlap: 1,
            budget: budget(1, 0, 1, 1),
            ..created(
                "parked, two marked roles",
                Origin::MarkedRoles,
                &[opaque("a", 1), opaque("b", 1)],
            )
        },
    ]
}

/// Two roles in turn that tell which generation they hold, and never a password.
pub fn two_marked_roles() -> Case {
    Case {
        overlap: 1,
        budget: budget(1, 0, 1, 1),
        ..created(
            "two marked roles",
            Origin::MarkedRoles,
            &[readable("a", 1), opaque("b", 2)],
        )
    }
}

/// The run's own credential.
pub fn own() -> Case {
    Case {
        own: true,
        budget: budget(1, 0, 2, 1),
        ..created("the run's own", Origin::Listed, &[opaque("a", 1), opaque("b", 1)])
    }
}

/// A slot that somebody else has filled, and that the user adds.
pub fn occupied() -> Case {
    Case {
        occupied: true,
        start: Some(0b01),
        budget: budget(1, 0, 2, 0),
        ..created("an occupied slot", Origin::Listed, &[opaque("a", 1), opaque("b", 1)])
    }
}

/// A secret that rotates only when a person confirms it: refused, asked for, confirmed, and cut off.
pub fn guarded() -> Case {
    terms(
        Terms {
            guard: true,
            ..Terms::default()
        },
        Case {
            budget: budget(1, 0, 1, 0),
            ..created("guarded", Origin::Listed, &[readable("a", 1), opaque("b", 2)])
        },
    )
}

/// Lost values and incidents of a guarded secret.
pub fn guarded_outsiders() -> Case {
    let terms = Terms {
        incident: Some(IncidentRevoke::Checked),
        ..guarded().terms
    };
    Case {
        terms,
        budget: budget(0, 1, 1, 0),
        ..created("guarded, outsiders", Origin::Listed, &[readable("a", 1)])
    }
}

/// Due dates of a guarded secret.
pub fn guarded_schedule() -> Case {
    let terms = Terms {
        every: 1,
        ..guarded().terms
    };
    Case {
        terms,
        budget: budget(0, 0, 1, 1),
        ..created("guarded, on a schedule", Origin::Listed, &[readable("a", 1)])
    }
}

/// Drift of a guarded secret whose value another target gives back.
pub fn guarded_drift() -> Case {
    Case {
        name: "guarded, drift",
        targets: vec![opaque("a", 2), readable("b", 1)],
        budget: budget(0, 1, 0, 0),
        ..guarded()
    }
}

/// A schedule of an hour, and a window that is open two hours after the secret was created.
pub fn window() -> Case {
    terms(
        Terms {
            every: 1,
            window: true,
            ..Terms::default()
        },
        Case {
            budget: budget(1, 0, 0, 2),
            ..created("a rotation waits", Origin::Generated, &[opaque("a", 1)])
        },
    )
}

/// What outsiders do to a credential whose rotation waits.
pub fn window_outsiders() -> Case {
    terms(
        Terms {
            window: true,
            ..Terms::default()
        },
        Case {
            budget: budget(0, 1, 0, 2),
            ..created("a rotation waits, outsiders", Origin::Listed, &[opaque("a", 1)])
        },
    )
}

/// Revocations that wait for a window.
pub fn window_of_revocations() -> Case {
    terms(
        Terms {
            window: true,
            ..Terms::default()
        },
        Case {
            overlap: 1,
            budget: budget(1, 0, 1, 2),
            ..created("a revocation waits", Origin::Listed, &[opaque("a", 1)])
        },
    )
}

/// An incident before the window opens, and when what it exposes ends.
pub fn incident(name: &'static str, revoke: IncidentRevoke) -> Case {
    terms(
        Terms {
            window: true,
            incident: Some(revoke),
            ..Terms::default()
        },
        Case {
            overlap: 1,
            checks: vec![When::Wave(1)],
            budget: budget(1, 0, 1, 0),
            ..created(name, Origin::Listed, &[readable("a", 1), opaque("b", 1)])
        },
    )
}

/// An incident of a secret that only a person revokes.
pub fn incident_by_hand() -> Case {
    Case {
        manual: true,
        ..incident("an incident, by hand", IncidentRevoke::Checked)
    }
}

/// What exists is taken over, and rotated when somebody asks.
pub fn adopted(name: &'static str, adopts: Adopts) -> Case {
    terms(
        Terms {
            adopts: Some(adopts),
            ..Terms::default()
        },
        Case {
            budget: budget(1, 0, 1, 0),
            ..created(name, Origin::Listed, &[opaque("a", 1), rolled("b", 2)])
        },
    )
}

/// What outsiders do to what was taken over.
pub fn adopted_outsiders() -> Case {
    Case {
        targets: vec![readable("a", 1)],
        budget: budget(0, 1, 1, 0),
        ..adopted("taken over, outsiders", Adopts::Named)
    }
}

/// The cases of guard, window, incident and adoption.
fn of_terms() -> Vec<Case> {
    vec![
        guarded(),
        guarded_outsiders(),
        guarded_schedule(),
        guarded_drift(),
        window(),
        window_outsiders(),
        window_of_revocations(),
        incident("an incident, checked", IncidentRevoke::Checked),
        incident("an incident, delivered", IncidentRevoke::Delivered),
        incident("an incident, at once", IncidentRevoke::Now),
        incident_by_hand(),
        adopted("taken over, named", Adopts::Named),
        adopted("taken over, unnamed", Adopts::Unnamed),
        adopted_outsiders(),
    ]
}

/// Faults and outsiders on one path: what takes minutes.
pub fn thorough() -> Vec<Case> {
    let both = |case: Case| Case {
        budget: budget(1, 1, 1, case.budget.hours),
        ..case
    };
    vec![
        both(guarded_outsiders()),
        both(window_outsiders()),
        both(adopted_outsiders()),
    ]
}

fn terms(terms: Terms, case: Case) -> Case {
    Case { terms, ..case }
}
