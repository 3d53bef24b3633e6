//! Mints and revocations whose answers never come: a mint is sent once, and what became of it is found out by listing.

use rotation_provider::call::{CallError, Effect};

use super::sources::{Bench, after, order};
use super::targets::{label, permit};
use crate::proxy::Act;

fn unknown(error: &CallError) {
    assert_eq!(error.effect, Effect::Possible, "{error}");
}

pub(super) async fn a_mint_that_is_lost_on_its_way_is_sent_once_and_unknown(bench: &Bench) {
    let before = bench.alive();
    let make = bench.issued().calls().make;
    bench.world().proxy.always(make, Act::CutBefore);
    unknown(&bench.mint(&order(1)).await.unwrap_err());
    assert_eq!(bench.world().proxy.count(make), 1);
    bench.world().proxy.heal();
    assert_eq!(bench.alive(), before);
    let listed = bench.source().issuer().survey().await.unwrap();
    assert!(!listed.iter().any(|listed| listed.label() == Some(label(1))));
    bench
        .mint(&order(1))
        .await
        .expect("nothing stands in the way of the next");
}

pub(super) async fn a_mint_whose_answer_is_lost_is_found_by_its_label(bench: &Bench) {
    let make = bench.issued().calls().make;
    bench.world().proxy.once(make, Act::CutAfter);
    unknown(&bench.mint(&order(3)).await.unwrap_err());
    assert_eq!(bench.world().proxy.count(make), 1);
    let listed = bench.source().issuer().survey().await.unwrap();
    let ours: Vec<_> = listed
        .iter()
        .filter(|listed| listed.label() == Some(label(3)))
        .collect();
    assert_eq!(ours.len(), 1);
    bench.source().issuer().revoke(&ours[0].id, &permit()).await.unwrap();
    assert!(
        !bench.alive().iter().any(|held| held.id == ours[0].id),
        "and can be revoked"
    );
}

pub(super) async fn a_mint_whose_answer_is_lost_is_taken_up_by_the_next(bench: &Bench) {
    let first = bench.mint(&order(1)).await.unwrap().credential.unwrap();
    let make = bench.issued().calls().make;
    bench.world().proxy.once(make, Act::CutAfter);
    unknown(&bench.mint(&after(2, &first)).await.unwrap_err());
    let made = bench.alive();
    bench.world().proxy.forget();
    let minted = bench.mint(&after(2, &first)).await.unwrap();
    assert_eq!(bench.world().proxy.count(make), 0, "nothing is made again");
    assert_eq!(
        minted.parts.get(minted.parts.primary()).unwrap().expose(),
        made[0].value
    );
}

async fn revocation(bench: &Bench, act: Act) {
    let minted = bench.mint(&order(1)).await.unwrap();
    let id = minted.credential.unwrap().id;
    let value = minted.parts.get(minted.parts.primary()).unwrap();
    let works = || bench.works(&id, value);
    bench.world().proxy.once(bench.issued().calls().end, act);
    match bench.source().issuer().revoke(&id, &permit()).await {
        Ok(()) => assert!(!works(), "what is done is done"),
        Err(error) => unknown(&error),
    }
    bench.world().proxy.heal();
    bench.source().issuer().revoke(&id, &permit()).await.unwrap();
    assert!(!works());
}

pub(super) async fn a_revocation_that_is_lost_on_its_way_is_unknown_or_done(bench: &Bench) {
    revocation(bench, Act::CutBefore).await;
}

pub(super) async fn a_revocation_whose_answer_is_lost_is_unknown_or_done(bench: &Bench) {
    revocation(bench, Act::CutAfter).await;
}

pub(super) async fn a_listing_that_is_lost_is_read_again(bench: &Bench) {
    let listed = bench.source().issuer().survey().await.unwrap();
    let list = bench.issued().calls().list;
    bench.world().proxy.times(list, 2, Act::CutBefore);
    assert_eq!(bench.source().issuer().survey().await.unwrap(), listed);
    // What lasts is an error, and never an empty list.
    bench.world().proxy.always(list, Act::CutBefore);
    let error = bench.source().issuer().survey().await.unwrap_err();
    assert_eq!(error.effect, Effect::None, "{error}");
}
