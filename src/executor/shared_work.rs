//! Work that applies of one process share: an activation that several of them need runs once, after all of their deliveries; the
//! entries of a container that several of them write are written in one call, and go live together.
//!
//! An apply enters when it begins, and says which work it may come to. When it arrives at that work, it waits for the others that have
//! begun and may come there too, unless they wait themselves. Nothing waits for an apply that has not begun, so that neither
//! `-parallelism=1` nor `depends_on` ends in a deadlock. A run covers those that had arrived when it started; who arrives later needs
//! another. Where consumers have a dead value until the
//! work is done, it waits for nobody.

mod board;
mod order;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::stop::Stop;
use board::Board;
pub(super) use order::{ActivationOrder, Order, RollOrder, WriteOrder, WrittenEntry};

/// The CLI begins another apply for each that ends, one by one. As long as one has begun within this time, the next may be about to.
const WINDOW: Duration = Duration::from_millis(20);

/// How many such times are waited for at most.
const WINDOWS: usize = 5;

/// The applies under way in this process, and the work that they share.
#[derive(Clone, Default)]
pub struct SharedWork {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    board: Board,
    tables: Tables,
}

/// What applies bring to each kind of work.
#[derive(Default)]
pub(super) struct Tables {
    activations: Table<ActivationOrder>,
    writes: Table<WriteOrder>,
    rolls: Table<RollOrder>,
}

/// What applies bring to work, until a run takes it, and what came of it, until they take that. By errand.
pub(super) struct Table<O: Order> {
    brought: BTreeMap<u64, Brought<O>>,
    endings: BTreeMap<u64, O::Ending>,
}

struct Brought<O> {
    order: O,
    goes_on: bool,
}

impl<O: Order> Default for Table<O> {
    fn default() -> Self {
        Self {
            brought: BTreeMap::new(),
            endings: BTreeMap::new(),
        }
    }
}

/// What may put an apply off that has come to shared work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    /// Asks for an interrupt.
    pub(super) stop: &'a Stop,
    /// An interrupt does not count: minting has ended the old value, so that the new one has to arrive.
    pub(super) goes_on: bool,
    /// It waits for nobody who has not arrived: consumers have a dead value until it is done.
    pub(super) urgent: bool,
}

impl Terms<'_> {
    /// What stops work that is done for this apply alone.
    pub(super) fn stop_of_its_own(&self) -> Stop {
        match self.goes_on {
            true => Stop::default(),
            false => self.stop.clone(),
        }
    }

    fn interrupted(&self) -> bool {
        !self.goes_on && self.stop.requested()
    }
}

impl SharedWork {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.changed.notify_waiters();
        changed
    }

    /// An apply begins that may come to this work.
    pub(super) fn enter(&self, needs: BTreeSet<String>) -> Participant {
        let who = self.change(|state| state.board.enter(needs));
        let shared = self.clone();
        Participant { shared, who }
    }
}

/// An apply that takes part, until it is dropped.
pub(super) struct Participant {
    shared: SharedWork,
    who: u64,
}

impl Participant {
    /// Says which work the apply may still come to.
    pub(super) fn needs(&self, needs: BTreeSet<String>) {
        self.shared.change(|state| state.board.needs(self.who, needs));
    }

    /// Waits a moment for applies that are about to begin: [`WINDOW`], and longer only while some do.
    pub(super) async fn gather(&self, clock: Clock) {
        let entered = || self.shared.state().board.entered();
        for _ in 0..WINDOWS {
            let before = entered();
            clock.sleep(WINDOW).await;
            if entered() == before {
                break;
            }
        }
    }

    /// Has that work done once for all that have come to it. `run` does it, if it falls to this apply: it is given what they brought, and
    /// gives back what came of it, in the same order.
    pub(super) async fn share<O: Order, F>(
        &self,
        work: &str,
        order: O,
        terms: Terms<'_>,
        run: impl FnOnce(Vec<O>, Stop) -> F,
    ) -> O::Ending
    where
        F: Future<Output = Vec<O::Ending>>,
    {
        let mut run = Some(run);
        let errand = self.arrive(work, order, terms);
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let next = self.shared.state().next(&errand, terms);
            match next {
                Next::Over(ending) => return ending,
                Next::Lead { covered, orders, stop } => {
                    let mut led = Led::<O> {
                        shared: &self.shared,
                        work,
                        covered,
                        endings: Vec::new(),
                    };
                    if let Some(run) = run.take() {
                        led.endings = run(orders, stop).await;
                    }
                }
                Next::Wait if terms.goes_on || terms.stop.requested() => changed.await,
                Next::Wait => tokio::select! {
                    biased;
                    () = terms.stop.wait() => {}
                    () = changed => {}
                },
            }
        }
    }

    fn arrive<O: Order>(&self, work: &str, order: O, terms: Terms<'_>) -> Errand<'_, O> {
        let id = self.shared.change(|state| {
            let id = state.board.arrive(self.who, work, terms.urgent);
            let goes_on = terms.goes_on;
            let brought = Brought { order, goes_on };
            O::table(&mut state.tables).brought.insert(id, brought);
            id
        });
        let shared = &self.shared;
        let order = std::marker::PhantomData;
        Errand { shared, id, order }
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.shared.change(|state| state.board.leave(self.who));
    }
}

/// An apply that has come to work. Should it be given up, what it brought goes with it.
struct Errand<'a, O: Order> {
    shared: &'a SharedWork,
    id: u64,
    order: std::marker::PhantomData<fn() -> O>,
}

impl<O: Order> Drop for Errand<'_, O> {
    fn drop(&mut self) {
        let dropped = self.shared.change(|state| {
            state.board.forget(self.id);
            let table = O::table(&mut state.tables);
            (table.brought.remove(&self.id), table.endings.remove(&self.id))
        });
        drop(dropped);
    }
}

/// What an apply that has come to work does next.
enum Next<O: Order> {
    /// It is over.
    Over(O::Ending),
    /// It falls to this apply.
    Lead {
        covered: Vec<u64>,
        orders: Vec<O>,
        stop: Stop,
    },
    Wait,
}

impl State {
    fn next<O: Order>(&mut self, errand: &Errand<'_, O>, terms: Terms<'_>) -> Next<O> {
        let table = O::table(&mut self.tables);
        if self.board.take(errand.id) {
            return Next::Over(table.endings.remove(&errand.id).unwrap_or_else(O::lost));
        }
        if terms.interrupted() && self.board.withdraw(errand.id) {
            return Next::Over(O::interrupted());
        }
        let Some(covered) = self.board.lead(errand.id) else {
            return Next::Wait;
        };
        let brought: Vec<Brought<O>> = covered.iter().filter_map(|id| table.brought.remove(id)).collect();
        // One that must not end early takes the others with it.
        let stop = match brought.iter().any(|brought| brought.goes_on) {
            true => Stop::default(),
            false => terms.stop.clone(),
        };
        let orders = brought.into_iter().map(|brought| brought.order).collect();
        Next::Lead { covered, orders, stop }
    }
}

/// A run under way: however it ends, those that it covers hear of it.
struct Led<'a, O: Order> {
    shared: &'a SharedWork,
    work: &'a str,
    covered: Vec<u64>,
    endings: Vec<O::Ending>,
}

impl<O: Order> Drop for Led<'_, O> {
    fn drop(&mut self) {
        let endings = self.covered.drain(..).zip(self.endings.drain(..));
        self.shared.change(|state| {
            O::table(&mut state.tables).endings.extend(endings);
            state.board.ended(self.work);
        });
    }
}

#[cfg(test)]
mod tests;
