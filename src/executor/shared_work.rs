//! Work that applies of one process share: an activation that several of them need runs once, after all of their deliveries.
//!
//! An apply enters when it begins, and says which work it will need. When it arrives at that work, it waits for the others that have begun
//! and need it too, unless they wait themselves. Nothing waits for an apply that has not begun, so that neither `-parallelism=1` nor
//! `depends_on` ends in a deadlock. A run covers those that had arrived when it started; who arrives later needs another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::check::CheckFailure;
use crate::stop::Stop;

/// How shared work ended.
type Ending = Result<(), CheckFailure>;

/// The applies under way in this process, and the work that they share.
#[derive(Clone, Default)]
pub struct SharedWork {
    board: Arc<Mutex<Board>>,
    changed: Arc<Notify>,
}

/// Who takes part, and what runs. Pure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Board {
    entered: u64,
    members: BTreeMap<u64, Member>,
    running: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Member {
    /// The work that it still needs, and how often.
    needs: BTreeMap<String, usize>,
    place: Place,
}

/// Where an apply stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Place {
    /// It does something of its own.
    Busy,
    /// It waits for that work to begin.
    Waiting(String),
    /// A run of that work covers it.
    Covered(String),
    /// Its work has ended like this.
    Served(Result<(), String>, bool),
}

impl Board {
    fn enter(&mut self, needs: impl IntoIterator<Item = String>) -> u64 {
        self.entered += 1;
        let mut counted = BTreeMap::new();
        for work in needs {
            *counted.entry(work).or_insert(0) += 1;
        }
        let place = Place::Busy;
        self.members.insert(self.entered, Member { needs: counted, place });
        self.entered
    }

    fn arrive(&mut self, who: u64, work: &str) {
        if let Some(member) = self.members.get_mut(&who) {
            member.place = Place::Waiting(work.to_owned());
        }
    }

    /// Gives up waiting; false where a run covers it already.
    fn withdraw(&mut self, who: u64) -> bool {
        match self.members.get_mut(&who) {
            Some(member) if matches!(member.place, Place::Waiting(_)) => {
                member.place = Place::Busy;
                true
            }
            _ => false,
        }
    }

    fn leave(&mut self, who: u64) {
        self.members.remove(&who);
    }

    /// Whether that apply begins the work that it waits for: it is the first of those who wait, and nobody else is on the way there.
    fn leads(&mut self, who: u64) -> Option<String> {
        let Some(Place::Waiting(work)) = self.members.get(&who).map(|member| member.place.clone()) else {
            return None;
        };
        let waits = |member: &Member| member.place == Place::Waiting(work.clone());
        let first = self
            .members
            .iter()
            .find(|(_, member)| waits(member))
            .map(|(who, _)| *who);
        let is_on_the_way = |member: &Member| {
            let is_free = matches!(member.place, Place::Busy | Place::Served(..));
            member.needs.contains_key(&work) && is_free
        };
        if self.running.contains(&work) || first != Some(who) || self.members.values().any(is_on_the_way) {
            return None;
        }
        for member in self.members.values_mut().filter(|member| waits(member)) {
            member.place = Place::Covered(work.clone());
        }
        self.running.insert(work.clone());
        Some(work)
    }

    /// Work has ended for all that it covers.
    fn ended(&mut self, work: &str, ending: &Ending) {
        self.running.remove(work);
        let covered = Place::Covered(work.to_owned());
        for member in self.members.values_mut().filter(|member| member.place == covered) {
            if let Some(left) = member.needs.get_mut(work) {
                *left -= 1;
                if *left == 0 {
                    member.needs.remove(work);
                }
            }
            let interrupted = ending.as_ref().is_err_and(|failure| failure.interrupted);
            let told = ending.as_ref().copied().map_err(|failure| failure.message.clone());
            member.place = Place::Served(told, interrupted);
        }
    }

    /// Takes what became of the work of that apply.
    fn take(&mut self, who: u64) -> Option<Ending> {
        let member = self.members.get_mut(&who)?;
        match std::mem::replace(&mut member.place, Place::Busy) {
            Place::Served(told, interrupted) => Some(told.map_err(|message| CheckFailure { message, interrupted })),
            place => {
                member.place = place;
                None
            }
        }
    }
}

impl SharedWork {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An apply begins that needs this work, each as often as it is named.
    pub fn enter(&self, needs: impl IntoIterator<Item = String>) -> Participant {
        let who = self.board().enter(needs);
        let shared = self.clone();
        Participant { shared, who }
    }
}

/// An apply that takes part, until it is dropped.
pub struct Participant {
    shared: SharedWork,
    who: u64,
}

impl Participant {
    /// Has that work done once for all that need it now. `run` does it, if it falls to this apply.
    ///
    /// # Errors
    /// How the work failed, for all that it covers.
    pub async fn share<F>(&self, work: &str, run: impl FnOnce() -> F, stop: &Stop) -> Ending
    where
        F: Future<Output = Ending>,
    {
        let mut run = Some(run);
        self.shared.board().arrive(self.who, work);
        self.shared.changed.notify_waiters();
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let leads = {
                let mut board = self.shared.board();
                if let Some(ending) = board.take(self.who) {
                    return ending;
                }
                board.leads(self.who)
            };
            if let Some(work) = leads
                && let Some(run) = run.take()
            {
                let mut led = Led {
                    shared: &self.shared,
                    work,
                    ending: Err(cut_off()),
                };
                led.ending = run().await;
                drop(led);
                continue;
            }
            if !stop.requested() {
                tokio::select! {
                    () = changed => {}
                    () = stop.wait() => {}
                }
            } else if self.shared.board().withdraw(self.who) {
                self.shared.changed.notify_waiters();
                return Err(cut_off());
            } else {
                // The run that covers it ends by the same interrupt.
                changed.await;
            }
        }
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.shared.board().leave(self.who);
        self.shared.changed.notify_waiters();
    }
}

fn cut_off() -> CheckFailure {
    CheckFailure {
        message: "It was interrupted before it began.".to_owned(),
        interrupted: true,
    }
}

/// A run under way: however it ends, those that it covers hear of it.
struct Led<'a> {
    shared: &'a SharedWork,
    work: String,
    ending: Ending,
}

impl Drop for Led<'_> {
    fn drop(&mut self) {
        self.shared.board().ended(&self.work, &self.ending);
        self.shared.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet, VecDeque};

    use super::*;

    /// What an apply does, in order: it delivers and then needs that work.
    type Script = &'static [&'static str];

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct World {
        board: Board,
        /// Whose apply has begun, and how much of its script is done; `None` before and after.
        members: Vec<Option<(u64, usize)>>,
        begun: Vec<bool>,
        /// Runs under way, with those that had arrived when they began.
        running: BTreeSet<(String, BTreeSet<u64>)>,
        /// How often each work ran.
        runs: BTreeMap<String, usize>,
    }

    /// Everything that may happen next.
    fn nexts(world: &World, scripts: &[Script], fails: bool) -> Vec<World> {
        let mut nexts = Vec::new();
        for (index, script) in scripts.iter().enumerate() {
            let mut next = world.clone();
            let Some((who, done)) = world.members[index] else {
                if !world.begun[index] {
                    let who = next.board.enter(script.iter().map(|work| (*work).to_owned()));
                    next.members[index] = Some((who, 0));
                    next.begun[index] = true;
                    nexts.push(next);
                }
                continue;
            };
            match &world.board.members[&who].place {
                Place::Busy => {
                    if let Some(work) = script.get(done) {
                        next.board.arrive(who, work);
                        nexts.push(next);
                    } else {
                        next.board.leave(who);
                        next.members[index] = None;
                        nexts.push(next);
                    }
                    // An apply may end early at any time: its delivery failed.
                    if fails {
                        let mut failed = world.clone();
                        failed.board.leave(who);
                        failed.members[index] = None;
                        nexts.push(failed);
                    }
                }
                Place::Waiting(_) => {
                    let arrived = |known: &&Option<(u64, usize)>| {
                        known.is_some_and(|(other, _)| {
                            world.board.members[&other].place == world.board.members[&who].place
                        })
                    };
                    let covered: BTreeSet<u64> = world
                        .members
                        .iter()
                        .filter(arrived)
                        .flatten()
                        .map(|(who, _)| *who)
                        .collect();
                    if let Some(work) = next.board.leads(who) {
                        *next.runs.entry(work.clone()).or_insert(0) += 1;
                        next.running.insert((work, covered));
                        nexts.push(next);
                    }
                    // An interrupt.
                    if fails {
                        let mut left = world.clone();
                        assert!(left.board.withdraw(who));
                        left.board.leave(who);
                        left.members[index] = None;
                        nexts.push(left);
                    }
                }
                Place::Covered(_) => {}
                Place::Served(..) => {
                    assert!(next.board.take(who).is_some());
                    next.members[index] = Some((who, done + 1));
                    nexts.push(next);
                }
            }
        }
        for run in &world.running {
            let mut next = world.clone();
            next.running.remove(run);
            next.board.ended(&run.0, &Ok(()));
            for who in &run.1 {
                let served = next.board.members.get(who).map(|member| &member.place);
                assert!(
                    matches!(served, None | Some(Place::Served(..))),
                    "{run:?} covers {who}: {served:?}"
                );
            }
            nexts.push(next);
        }
        nexts
    }

    /// Walks through every order of events, and gives the most runs of a work that any of them needed.
    fn search(scripts: &[Script], begun: bool, fails: bool) -> usize {
        let mut first = World {
            board: Board::default(),
            members: vec![None; scripts.len()],
            begun: vec![false; scripts.len()],
            running: BTreeSet::new(),
            runs: BTreeMap::new(),
        };
        if begun {
            for (index, script) in scripts.iter().enumerate() {
                let who = first.board.enter(script.iter().map(|work| (*work).to_owned()));
                first.members[index] = Some((who, 0));
                first.begun[index] = true;
            }
        }
        let mut seen = HashSet::from([first.clone()]);
        let mut queue = VecDeque::from([first]);
        let mut most = 0;
        while let Some(world) = queue.pop_front() {
            let nexts = nexts(&world, scripts, fails);
            let is_over = world.begun.iter().all(|begun| *begun) && world.members.iter().all(Option::is_none);
            assert!(is_over || !nexts.is_empty(), "nobody can go on: {world:?}");
            most = most.max(world.runs.values().copied().max().unwrap_or(0));
            queue.extend(nexts.into_iter().filter(|next| seen.insert(next.clone())));
        }
        most
    }

    #[test]
    fn if_all_have_begun_there_is_one_run() {
        assert_eq!(search(&[&["x"], &["x"], &["x"], &["x"]], true, false), 1);
        assert_eq!(search(&[&["x", "y"], &["x", "y"], &["x", "y"]], true, false), 1);
    }

    #[test]
    fn nobody_waits_for_ever_whatever_the_order_and_whoever_fails() {
        for begun in [false, true] {
            for fails in [false, true] {
                search(&[&["x", "y"], &["y", "x"]], begun, fails);
                search(&[&["x", "y"], &["y", "z"], &["z", "x"]], begun, fails);
                search(&[&["x", "x"], &["x"], &[]], begun, fails);
            }
        }
    }

    #[test]
    fn who_arrives_during_a_run_is_served_by_another() {
        assert_eq!(search(&[&["x"], &["x"], &["x"]], false, false), 3);
        let mut board = Board::default();
        let early = board.enter(["x".to_owned()]);
        board.arrive(early, "x");
        assert_eq!(board.leads(early).as_deref(), Some("x"));
        let late = board.enter(["x".to_owned()]);
        board.arrive(late, "x");
        assert_eq!(board.leads(late), None, "one run at a time");
        board.ended("x", &Ok(()));
        assert_eq!((board.take(early), board.take(late)), (Some(Ok(())), None));
        assert_eq!(board.leads(late).as_deref(), Some("x"));
    }

    #[tokio::test]
    async fn a_failure_is_told_to_all_that_the_run_covers() {
        let shared = SharedWork::default();
        let stop = Stop::default();
        let (one, two) = (shared.enter(["x".to_owned()]), shared.enter(["x".to_owned()]));
        let failing = || async {
            Err(CheckFailure {
                message: "the workflow failed".to_owned(),
                interrupted: false,
            })
        };
        let (first, second) = tokio::join!(one.share("x", failing, &stop), two.share("x", failing, &stop));
        assert_eq!(first, second);
        assert_eq!(first.unwrap_err().message, "the workflow failed");
    }

    #[tokio::test]
    async fn an_interrupt_ends_the_wait() {
        let shared = SharedWork::default();
        let stop = Stop::default();
        let (one, _busy) = (shared.enter(["x".to_owned()]), shared.enter(["x".to_owned()]));
        let waits = one.share("x", || async { Ok(()) }, &stop);
        let ends = async { stop.request() };
        let (ending, ()) = tokio::join!(waits, ends);
        assert!(ending.unwrap_err().interrupted);
    }
}
