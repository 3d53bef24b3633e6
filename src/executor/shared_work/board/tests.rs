use std::collections::{HashSet, VecDeque};

use super::*;

/// What an apply does, in order: what it comes to in one step, side by side, and then in the next.
type Script = &'static [&'static [&'static str]];

/// An apply that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Apply {
    who: u64,
    /// How many steps are behind it.
    done: usize,
    /// Whether the board knows that.
    told: bool,
    /// What it has come to in this step.
    errands: BTreeSet<u64>,
    /// It was interrupted: it ends when what covers it has ended.
    stopped: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    board: Board,
    /// `None` before and after.
    applies: Vec<Option<Apply>>,
    begun: Vec<bool>,
    /// Runs under way, with what they cover.
    running: BTreeMap<String, Vec<u64>>,
    /// How often each work ran.
    runs: BTreeMap<String, usize>,
    /// How many of the first applies wait for nobody.
    urgent: usize,
}

fn needs(script: Script, done: usize) -> BTreeSet<String> {
    let coming = script[done..].iter().flat_map(|step| step.iter());
    coming.map(|work| (*work).to_owned()).collect()
}

impl World {
    fn new(applies: usize) -> Self {
        Self {
            board: Board::default(),
            applies: vec![None; applies],
            begun: vec![false; applies],
            running: BTreeMap::new(),
            runs: BTreeMap::new(),
            urgent: 0,
        }
    }

    fn begin(&mut self, index: usize, script: Script) {
        let who = self.board.enter(needs(script, 0));
        self.begun[index] = true;
        self.applies[index] = Some(Apply {
            who,
            done: 0,
            told: true,
            errands: BTreeSet::new(),
            stopped: false,
        });
    }

    fn end(&mut self, index: usize) {
        if let Some(apply) = self.applies[index].take() {
            self.board.leave(apply.who);
        }
    }
}

/// What one apply may do next.
fn moves(world: &World, index: usize, script: Script, fails: bool) -> Vec<World> {
    let mut found = Vec::new();
    let mut add = |change: &dyn Fn(&mut World)| {
        let mut next = world.clone();
        change(&mut next);
        found.push(next);
    };
    let Some(apply) = world.applies[index].clone() else {
        if !world.begun[index] {
            add(&|next| next.begin(index, script));
        }
        return found;
    };
    if apply.errands.is_empty() {
        if apply.stopped || script.len() == apply.done {
            add(&|next| next.end(index));
        } else if apply.told {
            add(&|next| {
                let errands = script[apply.done]
                    .iter()
                    .map(|work| next.board.arrive(apply.who, work, index < next.urgent));
                let errands = errands.collect();
                next.applies[index] = Some(Apply {
                    errands,
                    ..apply.clone()
                });
            });
        } else {
            add(&|next| {
                next.board.needs(apply.who, needs(script, apply.done));
                next.applies[index] = Some(Apply {
                    told: true,
                    ..apply.clone()
                });
            });
        }
        // It may end early at any time: its delivery failed.
        if fails {
            add(&|next| next.end(index));
        }
        return found;
    }
    for errand in &apply.errands {
        let mut led = world.clone();
        if let Some(covered) = led.board.lead(*errand) {
            let work = world.board.errands[errand].work.clone();
            let waited = |id: &u64| world.board.is_at(*id, Place::Waiting);
            assert!(covered.contains(errand) && covered.iter().all(waited), "{covered:?}");
            *led.runs.entry(work.clone()).or_insert(0) += 1;
            let other = led.running.insert(work, covered);
            assert_eq!(other, None, "one run at a time");
            found.push(led);
        }
        let mut served = world.clone();
        if served.board.take(*errand) {
            let mut errands = apply.errands.clone();
            errands.remove(errand);
            let over = errands.is_empty();
            served.applies[index] = Some(Apply {
                done: apply.done + usize::from(over),
                told: !over,
                errands,
                ..apply.clone()
            });
            found.push(served);
        }
    }
    // An interrupt ends the waiting, and lets what has begun come to its end.
    if fails && !apply.stopped {
        let mut left = world.clone();
        let mut errands = apply.errands.clone();
        errands.retain(|errand| !left.board.withdraw(*errand));
        left.applies[index] = Some(Apply {
            errands,
            stopped: true,
            ..apply
        });
        found.push(left);
    }
    found
}

/// Everything that may happen next.
fn nexts(world: &World, scripts: &[Script], fails: bool) -> Vec<World> {
    let each = scripts.iter().enumerate();
    let mut nexts: Vec<World> = each
        .flat_map(|(index, script)| moves(world, index, script, fails))
        .collect();
    for (work, covered) in &world.running {
        let mut next = world.clone();
        next.running.remove(work);
        next.board.ended(work);
        let served = |id: &u64| next.board.is_at(*id, Place::Served);
        assert!(covered.iter().all(served), "{work} covers {covered:?}");
        nexts.push(next);
    }
    nexts
}

/// Walks through every order of events, and gives the most runs of a work that any of them needed.
fn search(scripts: &[Script], begun: bool, fails: bool) -> usize {
    search_from(World::new(scripts.len()), scripts, begun, fails)
}

fn search_from(mut first: World, scripts: &[Script], begun: bool, fails: bool) -> usize {
    if begun {
        for (index, script) in scripts.iter().enumerate() {
            first.begin(index, script);
        }
    }
    let mut seen = HashSet::from([first.clone()]);
    let mut queue = VecDeque::from([first]);
    let mut most = 0;
    while let Some(world) = queue.pop_front() {
        let nexts = nexts(&world, scripts, fails);
        let is_over = world.begun.iter().all(|begun| *begun) && world.applies.iter().all(Option::is_none);
        assert!(is_over || !nexts.is_empty(), "nobody can go on: {world:?}");
        most = most.max(world.runs.values().copied().max().unwrap_or(0));
        queue.extend(nexts.into_iter().filter(|next| seen.insert(next.clone())));
    }
    most
}

const X: Script = &[&["x"]];
/// A write, then a roll.
const WRITE_ROLL: Script = &[&["w"], &["r"]];

#[test]
fn if_all_have_begun_there_is_one_run() {
    assert_eq!(search(&[X, X, X, X], true, false), 1);
    assert_eq!(search(&[WRITE_ROLL, WRITE_ROLL, WRITE_ROLL], true, false), 1);
    let two_apps: Script = &[&["w1", "w2"], &["r1", "r2"]];
    assert_eq!(search(&[two_apps, two_apps], true, false), 1);
}

#[test]
fn nobody_waits_for_ever_whatever_the_order_and_whoever_fails() {
    for fails in [false, true] {
        search(&[&[&["x"], &["y"]], &[&["y"], &["x"]]], false, fails);
        search(&[&[&["x", "y"]], &[&["y"], &["x"]]], false, fails);
        search(&[&[&["x", "y"], &["z"]], &[&["z"], &["x"]]], false, fails);
        search(&[&[&["x"], &["x"]], X, &[]], false, fails);
        search(&[&[&["x", "x"]], X], false, fails);
        search(&[WRITE_ROLL, WRITE_ROLL], false, fails);
    }
    search(&[WRITE_ROLL, WRITE_ROLL, &[&["r"]]], true, false);
    search(&[&[&["x"], &["y"]], &[&["y"], &["z"]], &[&["z"], &["x"]]], true, false);
}

#[test]
fn who_cannot_wait_takes_those_along_that_have_arrived() {
    for urgent in 1..=2 {
        let mut world = World::new(2);
        world.urgent = urgent;
        search_from(world, &[WRITE_ROLL, WRITE_ROLL], false, true);
    }
    let mut board = Board::default();
    let (one, two, _busy) = (
        board.enter(needs(X, 0)),
        board.enter(needs(X, 0)),
        board.enter(needs(X, 0)),
    );
    let first = board.arrive(one, "x", false);
    assert_eq!(board.lead(first), None);
    let second = board.arrive(two, "x", true);
    assert_eq!(
        (board.lead(second), board.lead(first)),
        (None, Some(vec![first, second]))
    );
}

#[test]
fn who_arrives_during_a_run_is_served_by_another() {
    assert_eq!(search(&[X, X, X], false, false), 3);
    let mut board = Board::default();
    let early = board.enter(needs(X, 0));
    let first = board.arrive(early, "x", false);
    assert_eq!(board.lead(first), Some(vec![first]));
    let late = board.enter(needs(X, 0));
    let second = board.arrive(late, "x", false);
    assert_eq!(board.lead(second), None, "one run at a time");
    board.ended("x");
    assert!(board.take(first) && !board.take(second));
    // It has said nothing new of what it needs, so it may come once more.
    assert_eq!(board.lead(second), None);
    board.needs(early, BTreeSet::new());
    assert_eq!(board.lead(second), Some(vec![second]));
}

#[test]
fn a_roll_waits_for_those_whose_write_is_under_way() {
    let mut board = Board::default();
    let needed = |script: Script, done: usize| needs(script, done);
    let (one, two) = (board.enter(needed(WRITE_ROLL, 0)), board.enter(needed(WRITE_ROLL, 1)));
    let write = board.arrive(one, "w", false);
    assert_eq!(board.lead(write), Some(vec![write]));
    let roll = board.arrive(two, "r", false);
    assert_eq!(board.lead(roll), None, "the write ends by itself");
    board.ended("w");
    assert!(board.take(write));
    let other = board.arrive(one, "r", false);
    assert_eq!(board.lead(roll), Some(vec![roll, other]));
}
