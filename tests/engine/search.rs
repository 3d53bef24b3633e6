//! The search: from every state at rest, every run with every fault, every wish, every deed of outsiders, every hour.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rotation_provider::terraform::Value;

use super::case::{Budget, Case, Place, Wish};
use super::mutant::Mutant;
use super::play::{Call, Fault};
use super::settle;
use super::terraform::{Ended, Rest, apply};
use super::vault;
use super::world::World;

/// A state at rest, and what may still happen.
#[derive(Clone)]
pub struct Node {
    pub rest: Rest,
    pub budget: Budget,
    /// How it was reached: the node before, and the move.
    from: usize,
    by: String,
}

/// How much a search covered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Covered {
    /// Distinct states between two runs.
    pub states: usize,
    /// Runs, wishes, deeds and hours that led from one to the next.
    pub transitions: usize,
    /// Calls that the provider made in all runs, those of the proofs of convergence included.
    pub calls: usize,
    pub took: Duration,
}

/// A broken guarantee, and the way there.
#[derive(Debug)]
pub struct Found {
    pub what: String,
    pub trail: Vec<String>,
}

impl Hash for Node {
    fn hash<H: Hasher>(&self, to: &mut H) {
        self.rest.world.hash(to);
        self.rest.wish.hash(to);
        self.rest.tainted.hash(to);
        self.budget.hash(to);
        self.rest.state.is_some().hash(to);
        if let Some(state) = &self.rest.state {
            hash(state, to);
        }
    }
}

fn hash<H: Hasher>(value: &Value, to: &mut H) {
    match value {
        Value::Null | Value::Unknown(_) => 0_u8.hash(to),
        Value::Bool(known) => known.hash(to),
        Value::Number(number) => number.as_str().hash(to),
        Value::String(text) => text.hash(to),
        Value::List(items) => {
            items.len().hash(to);
            items.iter().for_each(|item| hash(item, to));
        }
        Value::Map(items) => {
            items.len().hash(to);
            for (key, item) in items {
                key.hash(to);
                hash(item, to);
            }
        }
        Value::Dynamic(dynamic) => hash(&dynamic.value, to),
    }
}

impl Node {
    fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

pub struct Search {
    case: Arc<Case>,
    mutant: Mutant,
    nodes: Vec<Node>,
    seen: HashSet<u64>,
    queue: VecDeque<usize>,
    covered: Covered,
}

/// Walks everything that the case's budget reaches.
pub fn explore(case: &Case, mutant: Mutant) -> Result<Covered, Found> {
    let began = Instant::now();
    let case = Arc::new(case.clone());
    let mut search = Search {
        nodes: Vec::new(),
        seen: HashSet::new(),
        queue: VecDeque::new(),
        covered: Covered::default(),
        case,
        mutant,
    };
    search.walk()?;
    search.covered.took = began.elapsed();
    search.covered.states = search.nodes.len();
    Ok(search.covered)
}

impl Search {
    fn walk(&mut self) -> Result<(), Found> {
        let wish = Wish::first(&self.case);
        let rest = Rest {
            world: World::new(&self.case),
            state: None,
            tainted: false,
            wish,
        };
        let start = Node {
            rest,
            budget: self.case.budget,
            from: 0,
            by: "start".to_owned(),
        };
        if self.case.created {
            let ended = apply(&self.case, &start.rest, &[], self.mutant);
            let found = |what| Found {
                what,
                trail: vec!["create".to_owned()],
            };
            if let Some(broken) = ended.broken.into_iter().chain(ended.errors).next() {
                return Err(found(broken));
            }
            self.enter(Node {
                rest: ended.rest,
                ..start
            })?;
        } else {
            self.enter(start)?;
        }
        while let Some(at) = self.queue.pop_front() {
            self.wishes(at)?;
            self.outsiders(at)?;
            self.hours(at)?;
            let node = self.nodes[at].clone();
            self.runs(at, &node, &mut Vec::new())?;
        }
        Ok(())
    }

    fn trail(&self, mut at: usize, last: String) -> Vec<String> {
        let mut trail = vec![last];
        while at != 0 {
            trail.push(self.nodes[at].by.clone());
            at = self.nodes[at].from;
        }
        trail.reverse();
        trail
    }

    fn enter(&mut self, node: Node) -> Result<(), Found> {
        self.covered.transitions += 1;
        if !self.seen.insert(node.print()) {
            return Ok(());
        }
        if let Some(what) = node.rest.world.broken(&self.case, &node.rest.wish) {
            return Err(Found {
                what,
                trail: self.trail(node.from, node.by),
            });
        }
        match settle::settles(&self.case, &node.rest, self.mutant) {
            Ok(calls) => self.covered.calls += calls,
            Err(what) => {
                return Err(Found {
                    what,
                    trail: self.trail(node.from, node.by),
                });
            }
        }
        self.nodes.push(node);
        self.queue.push_back(self.nodes.len() - 1);
        Ok(())
    }

    /// Every run from here: without a fault, then with each fault at each call, and so on within the budget.
    fn runs(&mut self, at: usize, node: &Node, script: &mut Vec<(usize, Fault)>) -> Result<(), Found> {
        let ended = apply(&self.case, &node.rest, script, self.mutant);
        self.covered.calls += ended.calls.len();
        let calls = ended.calls.clone();
        self.leave(at, node, script, ended)?;
        let spent = u8::try_from(script.len()).unwrap();
        let over = script.last().is_some_and(|(_, fault)| *fault == Fault::Kill);
        if spent >= node.budget.faults || over {
            return Ok(());
        }
        let first = script.last().map_or(0, |(call, _)| call + 1);
        for (number, call) in calls.iter().enumerate().skip(first) {
            for fault in call.faults() {
                // Looks that fail before anything was done end the run with nothing changed: one of them is enough.
                if *call == Call::Look && calls.get(number + 1) == Some(&Call::Look) {
                    continue;
                }
                script.push((number, *fault));
                self.runs(at, node, script)?;
                script.pop();
            }
        }
        Ok(())
    }

    fn leave(&mut self, at: usize, node: &Node, script: &[(usize, Fault)], ended: Ended) -> Result<(), Found> {
        let by = if script.is_empty() {
            "apply".to_owned()
        } else {
            let faults = script
                .iter()
                .map(|(call, fault)| format!("call {call} ({:?}) {fault:?}", ended.calls[*call]));
            format!("apply, {}", faults.collect::<Vec<_>>().join(", "))
        };
        let by = match ended.errors.first() {
            Some(error) => format!("{by}: {error}"),
            None => by,
        };
        if let Some(what) = ended.broken.into_iter().next() {
            return Err(Found {
                what,
                trail: self.trail(at, by),
            });
        }
        let spent = u8::try_from(script.len()).unwrap();
        let budget = Budget {
            faults: node.budget.faults - spent,
            ..node.budget
        };
        // Terraform itself dies as the only fault of a path: after another kill, a generation that no file knows may have come
        // and gone, and what stands at the issuer looks like a rival's.
        if let Some(rest) = ended.unsaved.filter(|_| node.budget.faults == self.case.budget.faults) {
            let budget = Budget { faults: 0, ..budget };
            let by = format!("{by}; Terraform dies with it");
            self.enter(Node {
                rest,
                budget,
                from: at,
                by,
            })?;
        }
        self.enter(Node {
            rest: ended.rest,
            budget,
            from: at,
            by,
        })?;
        Ok(())
    }

    fn step(&mut self, at: usize, by: &str, change: impl FnOnce(&mut Node)) -> Result<(), Found> {
        let mut node = self.nodes[at].clone();
        change(&mut node);
        node.from = at;
        node.by = by.to_owned();
        self.enter(node)
    }

    fn wishes(&mut self, at: usize) -> Result<(), Found> {
        if self.nodes[at].budget.wishes == 0 || self.nodes[at].rest.state.is_none() {
            return Ok(());
        }
        self.step(at, "the user asks for a rotation", |node| {
            node.budget.wishes -= 1;
            node.rest.wish.rotations += 1;
        })?;
        for generation in vault::restorable(&self.nodes[at].rest) {
            self.step(at, &format!("the user wants generation {generation} back"), |node| {
                node.budget.wishes -= 1;
                node.rest.wish.restore = generation;
                node.rest.wish.restored_at = node.rest.wish.rotations;
            })?;
        }
        self.terms(at)?;
        if self.nodes[at].rest.tainted {
            self.step(at, "terraform untaint", |node| {
                node.budget.wishes -= 1;
                node.rest.tainted = false;
            })?;
        }
        if self.case.start.is_none() {
            return Ok(());
        }
        for bit in 0..self.case.targets.len() {
            let mask = 1_u8 << bit;
            if self.nodes[at].rest.wish.targets == mask {
                continue;
            }
            self.step(
                at,
                &format!("the user adds or removes {}", self.case.targets[bit].key),
                |node| {
                    node.budget.wishes -= 1;
                    node.rest.wish.targets ^= mask;
                },
            )?;
        }
        Ok(())
    }

    /// What the user says of a guard or an incident.
    fn terms(&mut self, at: usize) -> Result<(), Found> {
        let terms = self.case.terms;
        if terms.guard {
            let coming = self.nodes[at].rest.coming();
            self.step(at, &format!("the user confirms generation {coming}"), |node| {
                node.budget.wishes -= 1;
                node.rest.wish.confirm = coming;
            })?;
            self.step(
                at,
                &format!("the user asks for generation {coming} and confirms it"),
                |node| {
                    node.budget.wishes -= 1;
                    node.rest.wish.rotations += 1;
                    node.rest.wish.confirm = coming;
                },
            )?;
        }
        if terms.incident.is_some() {
            self.step(at, "an incident is declared", |node| {
                node.budget.wishes -= 1;
                node.rest.wish.incidents += 1;
                node.rest.world.expose();
            })?;
        }
        Ok(())
    }

    fn meddle(&mut self, at: usize, by: &str, deed: impl FnOnce(&mut World)) -> Result<(), Found> {
        let noted = self.case.terms.bind();
        self.step(at, by, |node| {
            node.budget.meddling -= 1;
            node.rest.world.consent.disturbed = noted;
            node.rest.world.vault.disturbed = true;
            deed(&mut node.rest.world);
        })
    }

    fn outsiders(&mut self, at: usize) -> Result<(), Found> {
        let node = &self.nodes[at];
        if node.budget.meddling == 0 || node.rest.state.is_none() {
            return Ok(());
        }
        let case = Arc::clone(&self.case);
        let specs: Vec<_> = node.rest.wish.configured(&case).copied().collect();
        let handles: BTreeSet<String> = node
            .rest
            .world
            .credentials
            .iter()
            .filter(|(_, known)| known.alive && known.ours)
            .map(|(h, _)| h.clone())
            .collect();
        let older = node.rest.world.working().into_iter().next();
        for spec in specs {
            let puts = format!("an outsider puts the oldest working value into {}", spec.key);
            self.meddle(at, &format!("an outsider writes {}", spec.key), |world| {
                world.overwrite(&spec.slot(), None);
            })?;
            self.meddle(at, &puts, |world| world.overwrite(&spec.slot(), older))?;
            self.meddle(at, &format!("an outsider deletes {}", spec.key), |world| {
                world.erase(&spec.slot());
            })?;
        }
        if case.parks {
            self.meddle(at, "an outsider deletes the entry of escrow", |world| {
                world.vault.entries.clear();
            })?;
            self.meddle(at, "an outsider writes the entry of escrow", World::fill_escrow)?;
        }
        for handle in handles {
            self.meddle(at, &format!("an outsider ends {handle}"), |world| {
                world.kill(&case, &handle)
            })?;
        }
        if case.origin == super::case::Origin::Listed {
            self.meddle(at, "an outsider makes a credential with a look-alike label", |world| {
                let value = world.fresh();
                let name = Some("TOKEN-rot-0123456789ab-g2".to_owned());
                world.put(&format!("key-{value}"), name, value, false, 0);
            })?;
        }
        Ok(())
    }

    fn hours(&mut self, at: usize) -> Result<(), Found> {
        if self.nodes[at].budget.hours == 0 || self.nodes[at].rest.state.is_none() {
            return Ok(());
        }
        let case = Arc::clone(&self.case);
        self.step(at, "an hour passes", |node| {
            node.budget.hours -= 1;
            settle::hour(&mut node.rest.world);
        })?;
        if case.targets.iter().any(|spec| spec.place == Place::Staged) {
            self.step(at, "somebody deploys", |node| {
                node.budget.hours -= 1;
                settle::deploy(&case, &mut node.rest);
            })?;
        }
        Ok(())
    }
}
