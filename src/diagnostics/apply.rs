//! What an apply says about the whole resource.

use super::{Ending, Message, Words, list};

fn also(others: &[Words]) -> String {
    match others {
        [] => String::new(),
        others => format!(" This also stops {}.", list(others)),
    }
}

#[cfg(test)]
fn failure() -> Message {
    let operation = "setting secrets of Fly app molecule-cp".to_owned();
    let answer = "Fly answered 403: unauthorized.".to_owned();
    super::Run::Call {
        operation,
        answer,
        is_doubtful: false,
    }
    .into()
}

#[cfg(test)]
fn left_with(situation: super::Situation, next: super::Next) -> Ending {
    let newest = Some("generation 1 (abc)".to_owned()).filter(|_| !situation.is_nothing);
    Ending::Left(
        super::Situation {
            newest,
            targets: 1,
            ..situation
        },
        next,
    )
}

#[cfg(test)]
fn left() -> Ending {
    use super::{Next, Situation, TargetSituation, Work};
    let situation = Situation {
        newest: Some("generation 2 (abc)".into()),
        holding: vec!["control_plane".into()],
        targets: 4,
        others: vec![
            (
                "runtime".into(),
                TargetSituation::Older(1),
                Some("images stop publishing.".into()),
            ),
            ("web".into(), TargetSituation::Staged(2), None),
            ("worker".into(), TargetSituation::Unknown, None),
        ],
        still_valid: vec!["generation 1 (xyz)".into()],
        cut_off: Vec::new(),
        left: vec![("variable KEY on Render service srv-1".into(), 1)],
        open_sessions: Vec::new(),
        is_nothing: false,
        is_untouched: false,
        way_back: None,
    };
    let works = [
        (Work::Deliver(2, "runtime".into()), "its write failed"),
        (Work::Finish(2), "its rotation is unfinished"),
        (Work::Activate("web".into()), "it is published, but not live"),
        (
            Work::Remove("variable KEY on Render service srv-1".into()),
            "no longer in targets",
        ),
        (Work::Unpark(Some(1)), "it has ended and is still in escrow"),
        (
            Work::Unpark(None),
            "the values of this secret are not parked any more: generation 1",
        ),
        (Work::Check, "it did not run"),
        (Work::Revoke(1, Some("xyz".into())), "its overlap has ended"),
        (Work::Revoke(1, None), "its overlap has ended"),
        (Work::EndSessions(1, Some("app/xyz".into())), "an incident exposed it"),
        (Work::RecordEnd(1, Some("app/xyz".into())), "generation 2 replaced it"),
        (Work::Rotate(3), "every 90d"),
        (Work::Restore(1), "restore = 1"),
        (Work::Notify, "it was not sent"),
    ];
    let works = works.into_iter().map(|(work, reason)| (work, reason.to_owned()));
    Ending::Left(situation, Next::Works(works.collect()))
}

catalogue! {
    /// An error or a warning of an apply.
    Apply {
        /// The provider block permits plans only.
        error ReadOnly => {
            summary: "The provider is read-only",
            detail: "read_only is true in the provider block, so nothing was minted or changed. Apply with a provider block that does not \
                     set it.",
            samples: [{}],
        }
        /// A step failed.
        error Failed { what: Message, also_stopped: Vec<Words>, ending: Ending } => {
            summary: what.summary.as_str(),
            detail: format!("{}{}\n\n{ending}", what.detail, also(also_stopped)),
            samples: [
                { what: failure(), also_stopped: super::names(["targets[\"web\"]"]), ending: left() },
                { what: failure(), also_stopped: Vec::new(), ending: Ending::Untouched },
                {
                    what: failure(),
                    also_stopped: Vec::new(),
                    ending: Ending::Undone { credentials: vec![("FLY_API_TOKEN-rot-0123456789ab-g1".into(), None)], is_complete: true },
                },
                {
                    what: failure(),
                    also_stopped: Vec::new(),
                    ending: Ending::Undone {
                        credentials: vec![("FLY_API_TOKEN-rot-0123456789ab-g1".into(), Some("Revoking failed".into()))],
                        is_complete: false,
                    },
                },
                { what: failure(), also_stopped: Vec::new(), ending: left_with(super::Situation { is_nothing: true, ..Default::default() }, super::Next::Retry) },
                { what: failure(), also_stopped: Vec::new(), ending: left_with(super::Situation { is_untouched: true, ..Default::default() }, super::Next::Tainted) },
                {
                    what: failure(),
                    also_stopped: Vec::new(),
                    ending: left_with(
                        super::Situation { open_sessions: vec!["generation 1 (app/abc)".into()], ..Default::default() },
                        super::Next::Retry,
                    ),
                },
                {
                    what: failure(),
                    also_stopped: Vec::new(),
                    ending: left_with(super::Situation { cut_off: vec!["web".into()], ..Default::default() }, super::Next::Retry),
                },
                { what: failure(), also_stopped: Vec::new(), ending: left_with(super::Situation::default(), super::Next::NewGenerated) },
                { what: failure(), also_stopped: Vec::new(), ending: left_with(super::Situation::default(), super::Next::NewSupplied) },
                {
                    what: failure(),
                    also_stopped: Vec::new(),
                    ending: left_with(super::Situation { way_back: Some(1), ..Default::default() }, super::Next::Retry),
                },
            ],
        }
        /// The same call failed for another secret of this run, which has told how.
        error FailedLike { what: Message, service: Words, other: String, also_stopped: Vec<Words>, ending: Ending } => {
            summary: what.summary.as_str(),
            detail: format!("{service} gave the same answer as for {other} (see there).{} {ending}", also(also_stopped)),
            samples: [{
                what: failure(),
                service: "Fly".into(),
                other: "FLY_API_TOKEN".into(),
                also_stopped: super::names(["targets[\"web\"]"]),
                ending: Ending::Untouched,
            }],
        }
        /// What a create parked that came to nothing could not be deleted.
        warning EscrowLeft { entry: String, why: String } => {
            summary: format!("{entry} was not deleted"),
            detail: format!("{why} It holds a value that nothing uses. Create the secret again, or delete the entry yourself."),
            samples: [{
                entry: "SSM parameter /rotation/escrow/0123456789abcdef0123456789abcdef".into(),
                why: "AWS SSM answered 503: Service Unavailable.".into(),
            }],
        }
        /// An interrupt.
        error Interrupted { ending: Ending } => {
            summary: "Interrupted",
            detail: match ending {
                Ending::Untouched => ending.to_string(),
                _ => format!("The call in flight was finished, and no new step was started.\n\n{ending}"),
            },
            samples: [{ ending: Ending::Untouched }, { ending: left() }],
        }
        /// An interrupt between the two halves of a replacement.
        error ReplacementInterrupted => {
            summary: "Interrupted",
            detail: "The secret was not replaced, and nothing was changed. Apply again.",
            samples: [{}],
        }
        /// A destroy without a plan.
        error DestroyOrReplacement => {
            summary: "Cannot tell a destroy from a replacement",
            detail: "The plan does not say which it is, so nothing was deleted or revoked. Plan again with this version of the provider, and \
                     with a CLI that plans destroys (Terraform 1.11, OpenTofu 1.12, or later).",
            samples: [{}],
        }
        /// A bug.
        error UnknownValues => {
            summary: "Unknown values during apply",
            detail: "The configuration has values that are not known. This is a bug in the provider or in Terraform. Nothing was changed.",
            samples: [{}],
        }
        /// Two objects of one id.
        error SameSecret { secret: String, id: String, entries: Vec<Words> } => {
            summary: format!("Two resources are the same secret {secret}"),
            detail: format!(
                "Another rotation_secret in this run has the same namespace, name, source and targets (id {id}: {}), and was created first. \
                 Nothing was minted or changed for this one. Remove one of the two.",
                list(entries)
            ),
            samples: [{
                secret: "FLY_API_TOKEN".into(),
                id: "0123456789abcdef0123456789abcdef".into(),
                entries: super::names(["Fly secret FLY_API_TOKEN on app molecule-cp"]),
            }],
        }
        /// The state has moved on.
        error StalePlan { planned: u64, now: u64 } => {
            summary: "The saved plan is stale",
            detail: format!(
                "It leads to generation {planned}, but state and configuration now lead to generation {now}. Nothing was changed. Plan again."
            ),
            samples: [{ planned: 2, now: 3 }],
        }
        /// The window was open when it was planned.
        error WindowClosed { secret: String, opens: String } => {
            summary: format!("{secret}: the window has closed since the plan"),
            detail: format!(
                "Nothing was minted or changed. The window opens {opens}. Plan and apply then. To rotate now, set a new rotation_reason."
            ),
            samples: [{ secret: "FLY_API_TOKEN".into(), opens: "sat 02:00 Europe/Berlin".into() }],
        }
        /// An incident whose exposed credential could not be revoked.
        error StillExposed { secret: String, lines: Vec<String> } => {
            summary: format!("{secret}: an exposed credential still works"),
            detail: lines.join("\n"),
            samples: [{
                secret: "STRIPE_API_KEY".into(),
                lines: vec!["rk_2026_11 is still valid. Revoke it in the vendor's console, then set `revoke { confirmed = 1 }`.".into()],
            }],
        }
        /// A person's word against the issuer's.
        error ConfirmedButValid { secret: String, credential: String, issuer: String } => {
            summary: format!("{secret}: {credential} is still valid"),
            detail: format!(
                "revoke.confirmed says that it was revoked, but {issuer} still accepts it. Nothing was changed. Revoke it there, then apply \
                 again."
            ),
            samples: [{ secret: "FLY_API_TOKEN".into(), credential: "generation 1 (abc)".into(), issuer: "Fly app molecule-cp".into() }],
        }
        /// An issuer that cannot be asked.
        error ConfirmedUnknown { secret: String, credential: String, why: String } => {
            summary: format!("{secret}: cannot tell whether {credential} was revoked"),
            detail: format!("{why} Nothing was changed. Apply again."),
            samples: [{
                secret: "FLY_API_TOKEN".into(),
                credential: "generation 1 (abc)".into(),
                why: "Listing tokens of Fly app molecule-cp failed at Fly (503): unavailable.".into(),
            }],
        }
    }
}
