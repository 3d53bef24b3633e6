//! Plays concurrent code again and again under a scheduler that a seed drives: which task goes on next, how long each wait takes and what
//! each call comes to follow from the seed alone. Time is that of the story: waits cost nothing.
//!
//! For tests only. Why not a library: `docs/decisions/concurrency-under-seeds.md`.

use std::cell::Cell;
use std::future::Future;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

/// How long a story may take, in its own time: one that takes longer has come to a standstill.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a seed decides.
#[derive(Clone)]
pub(crate) struct Dice(Rc<Cell<u64>>);

impl Dice {
    /// A number below `limit` (`SplitMix64`, Steele et al. 2014).
    pub(crate) fn below(&self, limit: u64) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// True once in so many times.
    pub(crate) fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Lets others go on: for no time at all, for milliseconds, or now and then for as long as `longest`.
    pub(crate) async fn pause(&self, longest: Duration) {
        match self.below(8) {
            0..=3 => {
                for _ in 0..self.below(4) {
                    tokio::task::yield_now().await;
                }
            }
            4..=6 => tokio::time::sleep(Duration::from_millis(self.below(20))).await,
            _ => {
                let longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX - 1);
                tokio::time::sleep(Duration::from_millis(self.below(longest + 1))).await;
            }
        }
    }
}

/// Plays a story once for each seed. A failure names its seed.
pub(crate) fn play<F: Future<Output = ()>>(seeds: Range<u64>, story: impl Fn(Dice) -> F) {
    for seed in seeds {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let told = story(Dice(Rc::new(Cell::new(seed))));
        let told = AssertUnwindSafe(|| runtime.block_on(async { tokio::time::timeout(LONGEST, told).await }));
        match catch_unwind(told) {
            Ok(Ok(())) => {}
            Ok(Err(_)) => panic!("the story of seed {seed} does not end"),
            Err(_) => panic!("the story of seed {seed} failed, as said above"),
        }
    }
}
