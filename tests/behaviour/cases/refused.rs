//! Refusals: their words, that they change nothing, what they prove and what they show.

use std::fmt::Write as _;

use rotation_provider::call::{CallError, CallErrorKind, Effect};
use rotation_provider::rotation::Container;

use super::targets::{Bench, VALUE};
use crate::fixtures::REFUSALS;
use crate::proxy::Act;
use crate::reviewed;

/// What a status must be taken for, whoever answers it.
pub(super) fn expected(status: u16, error: &CallError, writes: bool) {
    let fits = match status {
        401 => error.kind == CallErrorKind::Unauthenticated,
        403 => error.kind == CallErrorKind::Forbidden,
        404 => error.kind == CallErrorKind::NotFound,
        409 => error.kind == CallErrorKind::Conflict,
        422 => error.kind == CallErrorKind::Invalid,
        429 => matches!(error.kind, CallErrorKind::RateLimited { .. }),
        _ => error.kind == CallErrorKind::Unavailable,
    };
    assert!(fits, "{status}: {error:?}");
    if status < 500 || !writes {
        assert_eq!(error.effect, Effect::None, "{status}: {error:?}");
    }
}

/// Whether something changed, and the answer as a user reads it.
pub(super) fn words(error: &CallError) -> (&'static str, String) {
    let effect = match error.effect {
        Effect::None => "nothing changed",
        Effect::Possible => "may have had an effect",
    };
    for bad in ["  ", "..", " .", "{", "\n"] {
        assert!(!error.answer().contains(bad), "{bad:?} in {}", error.answer());
    }
    (effect, error.answer())
}

pub(super) async fn refusals_are_told_in_words(bench: &Bench) {
    let (mut text, calls) = (String::new(), bench.fixture.calls());
    let entry = bench.key();
    for (what, on) in [("write", calls.make), ("remove", calls.end), ("look", calls.list)] {
        if what == "remove" && bench.fixture.looks_first().is_some() {
            entry.deliver("one", 1).await.unwrap();
        }
        for status in REFUSALS {
            let refusal = bench.fixture.refusal(status, "The vendor's own words");
            bench.world.proxy.always(on, Act::Answer(refusal));
            let error = match what {
                "write" => entry.deliver(VALUE, 1).await.err(),
                "remove" => entry.remove().await.err(),
                _ => entry.target.slot().inspect().await.err(),
            };
            bench.world.proxy.heal();
            match error {
                // Whether an entry is there, only a listing tells; whoever removes is content with its absence.
                None => {
                    assert!(status == 404, "{what} {status}");
                    writeln!(text, "{what} {status}: done").unwrap();
                }
                Some(error) => {
                    expected(status, &error, what != "look");
                    let (effect, answer) = words(&error);
                    writeln!(text, "{what} {status}: {} ({effect})\n  {answer}", error.operation).unwrap();
                }
            }
        }
        text.push('\n');
    }
    reviewed!(format!("refusals_{}", bench.fixture.kind().name), text);
}

pub(super) async fn a_refused_write_changes_nothing(bench: &Bench) {
    let entry = bench.key();
    entry.deliver("one", 1).await.unwrap();
    let overwrites = bench.fixture.looks_first().unwrap_or(bench.fixture.calls().make);
    for status in [401, 403, 404, 409, 422, 429] {
        let refusal = bench.fixture.refusal(status, "no");
        bench.world.proxy.always(overwrites, Act::Answer(refusal));
        entry.deliver("two", 2).await.unwrap_err();
        bench.world.proxy.heal();
        assert_eq!(bench.held(&entry).as_deref(), Some("one"), "{status}");
    }
    entry.deliver("two", 2).await.expect("afterwards all is as before");
}

pub(super) async fn a_bare_refusal_to_look_proves_nothing(bench: &Bench) {
    let entry = bench.key();
    entry.deliver("one", 1).await.unwrap();
    for status in [403, 404] {
        let refusal = bench.fixture.refusal(status, "Not for you");
        let later = bench.later(&entry);
        // Whatever is read.
        let list = bench.fixture.calls().list;
        for read in ["GET ", "AmazonSSM.Get", "AmazonSSM.Describe", list] {
            bench.world.proxy.always(read, Act::Answer(refusal.clone()));
        }
        let seen = later.target.slot().inspect().await;
        assert!(seen.is_err(), "{status}: {seen:?}");
        assert_ne!(later.target.slot().container().await, Ok(Container::Gone), "{status}");
        bench.world.proxy.heal();
    }
    assert_eq!(bench.held(&entry).as_deref(), Some("one"));
}

pub(super) async fn a_container_that_is_proved_gone_is_gone(bench: &Bench) {
    let entry = bench.key();
    assert_eq!(entry.target.slot().container().await, Ok(Container::Exists));
    let arguments = bench
        .fixture
        .delete_container(&bench.world)
        .expect("the fixture of a kind that proves it deletes one");
    let entry = bench.later(&bench.entry(arguments));
    assert_eq!(
        entry.target.slot().inspect().await.unwrap_err().kind,
        CallErrorKind::NotFound
    );
    assert_eq!(entry.target.slot().container().await, Ok(Container::Gone));
    assert_eq!(bench.at_address(&entry).container().await, Ok(Container::Gone));
}

pub(super) async fn no_error_shows_the_value_or_the_credential_of_this_run(bench: &Bench) {
    let entry = bench.key();
    let credentials = ["FLY_API_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY"];
    let known = if bench.fixture.on_moto() {
        &credentials[2..]
    } else {
        &credentials[..2]
    };
    let own: Vec<&str> = known.iter().map(|name| bench.world.variable(name)).collect();
    for status in REFUSALS {
        let says = format!("could not store {VALUE} for {}", own.join(" and "));
        let refusal = bench.fixture.refusal(status, &says);
        bench
            .world
            .proxy
            .always(bench.fixture.calls().make, Act::Answer(refusal));
        let error = entry.deliver(VALUE, 1).await.unwrap_err();
        bench.world.proxy.heal();
        let text = format!("{error} {error:?} {}", error.answer());
        assert!(!text.contains("6f1d0c2b9a7e4835"), "{status}: {text}");
        // Only the credential of a vendor that was called is known to the redaction.
        let vendors_own = own.iter().filter(|own| {
            bench.world.proxy.asked().iter().any(|asked| {
                asked
                    .headers
                    .get("authorization")
                    .is_some_and(|header| header.contains(own.trim_start_matches("FlyV1 ")))
            })
        });
        for own in vendors_own {
            assert!(!text.contains(own.trim_start_matches("FlyV1 ")), "{status}: {text}");
        }
    }
}
