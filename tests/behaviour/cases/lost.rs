//! Answers that never come. Whatever is lost, the outcome is done, refused or unknown, and a repetition reaches the goal.

use rotation_provider::call::{CallError, Effect};
use rotation_provider::rotation::Verdict;

use super::targets::{Bench, Entry};
use crate::proxy::Act;

/// The write is lost so, `times` in a row; what is told of it is true, and the next one ends well.
async fn write(bench: &Bench, act: Act, times: usize) {
    let entry = bench.key();
    let make = bench.fixture.calls().make;
    bench.world.proxy.times(make, times, act);
    match entry.deliver("value", 1).await {
        Ok(receipt) => {
            assert_eq!(bench.held(&entry).as_deref(), Some("value"), "what is done is done");
            assert_eq!(entry.whose(&entry.record(&receipt, 1)).await, Verdict::Recorded);
        }
        Err(error) => unknown(&error),
    }
    bench.world.proxy.heal();
    let later = bench.later(&entry);
    let receipt = later.deliver("value", 1).await.unwrap();
    assert_eq!(bench.held(&entry).as_deref(), Some("value"));
    assert_eq!(later.whose(&later.record(&receipt, 1)).await, Verdict::Recorded);
}

async fn removal(bench: &Bench, act: Act, times: usize) {
    let entry = bench.key();
    entry.deliver("value", 1).await.unwrap();
    let end = bench.fixture.calls().end;
    bench.world.proxy.times(end, times, act);
    match entry.remove().await {
        Ok(()) => assert_eq!(bench.held(&entry), None, "what is done is done"),
        Err(error) => unknown(&error),
    }
    bench.world.proxy.heal();
    bench.later(&entry).remove().await.unwrap();
    assert_eq!(bench.held(&entry), None);
}

fn unknown(error: &CallError) {
    assert_eq!(error.effect, Effect::Possible, "{error}");
}

pub(super) async fn a_write_that_is_lost_on_its_way_is_repeated_or_unknown(bench: &Bench) {
    write(bench, Act::CutBefore, 1).await;
    bench.key().remove().await.unwrap();
    write(bench, Act::CutBefore, usize::MAX).await;
}

pub(super) async fn a_write_whose_answer_is_lost_is_repeated_or_unknown(bench: &Bench) {
    write(bench, Act::CutAfter, 1).await;
    bench.key().remove().await.unwrap();
    write(bench, Act::CutAfter, usize::MAX).await;
}

pub(super) async fn a_removal_that_is_lost_on_its_way_is_repeated_or_unknown(bench: &Bench) {
    removal(bench, Act::CutBefore, 1).await;
    removal(bench, Act::CutBefore, usize::MAX).await;
}

pub(super) async fn a_removal_whose_answer_is_lost_is_repeated_or_unknown(bench: &Bench) {
    removal(bench, Act::CutAfter, 1).await;
    removal(bench, Act::CutAfter, usize::MAX).await;
}

pub(super) async fn a_read_that_is_lost_is_repeated(bench: &Bench) {
    let entry = bench.key();
    entry.deliver("value", 1).await.unwrap();
    let list = bench.fixture.calls().list;
    for look in [
        looked(&bench.later(&entry), bench, list, 1).await,
        looked(&bench.later(&entry), bench, list, 2).await,
    ] {
        assert!(look.is_some());
    }
    // What lasts is an error, and never an empty slot.
    bench.world.proxy.always(list, Act::CutBefore);
    let error = bench.later(&entry).target.slot().inspect().await.unwrap_err();
    assert_eq!(error.effect, Effect::None, "{error}");
}

async fn looked(entry: &Entry, bench: &Bench, list: &str, times: usize) -> Option<rotation_provider::rotation::Entry> {
    bench.world.proxy.times(list, times, Act::CutBefore);
    entry.target.slot().inspect().await.unwrap()
}
