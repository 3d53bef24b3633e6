//! Readers, writers and strangers of two listings at once, with lost answers, refusals and readers who give up.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use futures::future::join_all;
use tokio::time::Instant;

use super::*;
use crate::simulation::{Dice, play};

/// Two of them are shorter than [`LIFE`].
const PAUSE: Duration = Duration::from_secs(25);

/// How often each entry was written, as a vendor would list it, and when that was true.
#[derive(Clone)]
struct Listing {
    writes: BTreeMap<usize, u32>,
    seen_at: Instant,
}

/// A container at its vendor.
#[derive(Default)]
struct Container {
    writes: BTreeMap<usize, u32>,
    /// When a stranger last wrote each entry, and which write that was.
    by_strangers: BTreeMap<usize, Vec<(Instant, u32)>>,
    /// Fetches under way, with how many writes had been settled when their readers began.
    fetching: Vec<u32>,
    settled: u32,
    fetches: u32,
}

struct World {
    dice: Dice,
    shared: Shared<Listing>,
    containers: [RefCell<Container>; 2],
}

const KEYS: [&str; 2] = ["one", "two"];

/// A fetch ends when it is answered, and when its reader gives up.
struct Fetching<'a>(&'a RefCell<Container>, u32);

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        let mut container = self.0.borrow_mut();
        let at = container.fetching.iter().position(|began| *began == self.1).unwrap();
        container.fetching.remove(at);
    }
}

impl World {
    /// What the vendor lists, at some moment between the question and the answer.
    async fn fetch(&self, which: usize, settled: u32) -> Result<Listing, &'static str> {
        let container = &self.containers[which];
        assert!(
            !container.borrow().fetching.contains(&settled),
            "two fetches of what one would have told"
        );
        container.borrow_mut().fetching.push(settled);
        container.borrow_mut().fetches += 1;
        let _under_way = Fetching(container, settled);
        self.dice.pause(PAUSE).await;
        let listing = Listing {
            writes: container.borrow().writes.clone(),
            seen_at: Instant::now(),
        };
        self.dice.pause(PAUSE).await;
        match self.dice.once_in(6) {
            true => Err("the answer is lost"),
            false => Ok(listing),
        }
    }

    /// Reads, and knows what it may not miss: every write of ours whose outcome was settled before, and whatever strangers wrote more than
    /// [`LIFE`] ago.
    async fn read(&self, which: usize, ours: &RefCell<BTreeMap<usize, u32>>) {
        let (begun, settled) = (Instant::now(), ours.borrow().clone());
        let of_all = self.containers[which].borrow().settled;
        let reading = self.shared.get(KEYS[which], || self.fetch(which, of_all));
        let answer = match self.dice.once_in(5) {
            true => tokio::time::timeout(Duration::from_millis(self.dice.below(3000)), reading).await,
            false => Ok(reading.await),
        };
        let Ok(Ok(listing)) = answer else { return };
        for (entry, write) in settled {
            assert!(
                listing.writes.get(&entry) >= Some(&write),
                "a settled write is not listed"
            );
        }
        assert!(listing.seen_at + LIFE >= begun, "the listing is too old");
        let container = self.containers[which].borrow();
        for (entry, writes) in &container.by_strangers {
            let known = writes
                .iter()
                .filter(|(at, _)| *at + LIFE < begun)
                .map(|(_, write)| *write);
            assert!(
                listing.writes.get(entry).copied() >= known.max(),
                "a stranger's write is not listed"
            );
        }
    }

    /// Writes an entry of its own. Whoever asks later finds it as the vendor has it.
    async fn write(&self, which: usize, entry: usize, ours: &RefCell<BTreeMap<usize, u32>>) {
        self.dice.pause(PAUSE).await;
        let applied = !self.dice.once_in(5);
        let write = {
            let mut container = self.containers[which].borrow_mut();
            let known = container.writes.entry(entry).or_default();
            *known += u32::from(applied);
            *known
        };
        self.dice.pause(PAUSE).await;
        let answer = match applied && !self.dice.once_in(4) {
            true => Ok(write),
            false => Err("refused, or lost"),
        };
        self.shared.settle(KEYS[which], &answer, |listing, write| {
            listing.writes.insert(entry, *write);
        });
        ours.borrow_mut().insert(entry, write);
        self.containers[which].borrow_mut().settled += 1;
    }

    async fn stranger(&self, which: usize) {
        for _ in 0..6 {
            self.dice.pause(PAUSE).await;
            let mut container = self.containers[which].borrow_mut();
            let write = container.writes.entry(99).or_default();
            *write += 1;
            let write = *write;
            container
                .by_strangers
                .entry(99)
                .or_default()
                .push((Instant::now(), write));
        }
    }
}

#[test]
fn no_reader_misses_what_was_settled_before_whatever_happens_at_once() {
    let fetches = Rc::new(Cell::new(0));
    play(0..1000, |dice| {
        let fetches = Rc::clone(&fetches);
        async move {
            let world = World {
                shared: Shared::for_a_while(Clock::default()),
                containers: Default::default(),
                dice,
            };
            let ours: [RefCell<BTreeMap<usize, u32>>; 2] = Default::default();
            let (world, ours) = (&world, &ours);
            let secrets = (0..5).map(|entry| async move {
                for _ in 0..4 {
                    let which = usize::from(world.dice.once_in(3));
                    match world.dice.below(3) {
                        0 => world.write(which, entry, &ours[which]).await,
                        _ => world.read(which, &ours[which]).await,
                    }
                }
            });
            tokio::join!(join_all(secrets), world.stranger(0), world.stranger(1));
            let all = world.containers.iter().map(|container| container.borrow().fetches);
            fetches.set(fetches.get() + all.sum::<u32>());
        }
    });
    // Some 13 of 20 steps read: a listing that nobody shared would be fetched as often.
    let each = fetches.get() / 1000;
    assert!((4..11).contains(&each), "{each} fetches a story");
}
