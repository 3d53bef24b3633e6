//! Refusals of an issuer: their words, that they make nothing, what they prove and what they show.

use std::collections::BTreeMap;

use rotation_provider::call::{CallErrorKind, Effect};
use rotation_provider::rotation::Container;
use rotation_provider::source::Liveness;

use super::refused::{expected, words};
use super::sources::{Bench, order};
use super::targets::permit;
use crate::fixtures::REFUSALS;
use crate::proxy::Act;
use crate::reviewed;

pub(super) async fn refusals_are_told_in_words(bench: &Bench) {
    let (mut operations, calls) = (String::new(), bench.issued().calls());
    // By status and words, for what it was told.
    let mut answers: BTreeMap<(u16, String), Vec<&str>> = BTreeMap::new();
    let id = bench.mint(&order(1)).await.unwrap().credential.unwrap().id;
    for (what, on) in [("mint", calls.make), ("revoke", calls.end), ("list", calls.list)] {
        for status in REFUSALS {
            let source = bench.source();
            let refusal = bench.issued().refusal(status, "The vendor's own words");
            bench.world().proxy.always(on, Act::Answer(refusal));
            let error = match what {
                "mint" => source.mint(&order(2), &permit()).await.map(drop),
                "revoke" => source.issuer().revoke(&id, &permit()).await,
                _ => source.issuer().survey().await.map(drop),
            };
            bench.world().proxy.heal();
            let error = error.expect_err(&format!("{what} {status}"));
            expected(status, &error, what != "list");
            let (effect, told) = words(&error);
            assert!(!told.contains(&id) || id.len() < 8, "{told}");
            answers
                .entry((status, format!("({effect}) {told}")))
                .or_default()
                .push(what);
            let operation = format!("{what}: {}\n", error.operation);
            if !operations.contains(&operation) {
                operations.push_str(&operation);
            }
        }
    }
    let answers = answers
        .iter()
        .map(|((status, told), whats)| format!("{status} {}: {told}\n", whats.join(", ")));
    let text = format!("{operations}\n{}", answers.collect::<String>());
    // Of a server that is told by its port alone.
    let text = text.replace(&bench.world().proxy.url, "[port]");
    reviewed!(
        format!("refusals_{}", bench.snapshot()),
        if id.len() < 8 {
            text
        } else {
            text.replace(&format!("{id:?}"), "[id]")
        }
    );
}

pub(super) async fn a_refused_mint_makes_nothing(bench: &Bench) {
    let before = bench.alive();
    for status in [401, 403, 404, 409, 422, 429] {
        let refusal = bench.issued().refusal(status, "no");
        bench
            .world()
            .proxy
            .always(bench.issued().calls().make, Act::Answer(refusal));
        let error = bench.mint(&order(1)).await.unwrap_err();
        assert_eq!(error.effect, Effect::None, "{status}: {error}");
        bench.world().proxy.heal();
        assert_eq!(bench.alive(), before, "{status}");
    }
    bench.mint(&order(1)).await.expect("afterwards all is as before");
}

pub(super) async fn a_container_that_is_not_there_is_refused_before_the_mint(bench: &Bench) {
    let source = bench.source_with(&bench.issued().elsewhere());
    let (survey, inspected) = (source.issuer().survey().await, source.inspect().await);
    let error = survey.map(drop).and(inspected).unwrap_err();
    assert_eq!(
        (&error.kind, error.effect),
        (&CallErrorKind::NotFound, Effect::None),
        "{error}"
    );
    assert!(error.answer().len() > 60, "it says what to do: {}", error.answer());
    assert_eq!(bench.world().proxy.count(bench.issued().calls().make), 0);
}

pub(super) async fn a_bare_refusal_to_look_proves_nothing(bench: &Bench) {
    let id = bench.mint(&order(1)).await.unwrap().credential.unwrap().id;
    for status in [403, 404] {
        let refusal = bench.issued().refusal(status, "Not for you");
        for on in ["GET ", bench.issued().calls().list] {
            bench.world().proxy.always(on, Act::Answer(refusal.clone()));
        }
        let source = bench.source();
        assert!(source.issuer().survey().await.is_err(), "{status}");
        let liveness = source.issuer().liveness(&id).await;
        assert!(
            liveness.is_err() || liveness == Ok(Liveness::CannotTell),
            "{status}: {liveness:?}"
        );
        assert_ne!(source.issuer().container().await, Ok(Container::Gone), "{status}");
        bench.world().proxy.heal();
    }
}

pub(super) async fn a_container_that_is_proved_gone_is_gone(bench: &Bench) {
    assert_eq!(bench.source().issuer().container().await, Ok(Container::Exists));
    let gone = bench
        .issued()
        .delete_container(bench.world())
        .expect("the fixture of a kind that proves it deletes one");
    let source = bench.source_with(&gone);
    assert_eq!(
        source.issuer().survey().await.unwrap_err().kind,
        CallErrorKind::NotFound
    );
    assert_eq!(source.issuer().container().await, Ok(Container::Gone));
    assert_eq!(bench.at_address(&gone).container().await, Ok(Container::Gone));
}

/// Tokens that nobody on this side knows yet: only what reads as language may be passed on.
pub(super) async fn no_error_shows_a_new_value_or_the_credential_of_this_run(bench: &Bench) {
    let own = bench.world().variable(bench.issued().own_credential()).to_owned();
    let own = own.trim_start_matches("FlyV1 ");
    for status in REFUSALS {
        let says =
            format!("Key fm2_cGVybWlzc2lvbi02LWU4 or npg_LEAKED1234567890abcdef was made for {own} but not stored.");
        let refusal = bench.issued().refusal(status, &says);
        bench
            .world()
            .proxy
            .always(bench.issued().calls().make, Act::Answer(refusal));
        let error = bench.mint(&order(1)).await.unwrap_err();
        bench.world().proxy.heal();
        let text = format!("{error} {error:?} {}", error.answer());
        for shown in ["cGVybWlzc2lvbi02", "LEAKED1234567890", own] {
            assert!(!text.contains(shown), "{status}: {text}");
        }
    }
}
