//! Who takes part, who waits for what, and what runs. Pure: it knows nothing of what the work is.

use std::collections::{BTreeMap, BTreeSet};

/// The applies under way in this process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Board {
    entered: u64,
    arrived: u64,
    /// The work that each apply may still come to.
    members: BTreeMap<u64, BTreeSet<String>>,
    /// What applies have come to. One apply may have several at once: the writes of a wave.
    errands: BTreeMap<u64, Errand>,
    running: BTreeSet<String>,
}

/// An apply that has arrived at work.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Errand {
    who: u64,
    work: String,
    /// It waits for nobody who has not arrived.
    urgent: bool,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    /// It waits for the work to begin.
    Waiting,
    /// A run under way covers it.
    Covered,
    /// The run that covered it has ended.
    Served,
}

impl Board {
    /// An apply begins.
    pub(super) fn enter(&mut self, needs: BTreeSet<String>) -> u64 {
        self.entered += 1;
        self.members.insert(self.entered, needs);
        self.entered
    }

    /// How many applies have begun so far.
    pub(super) fn entered(&self) -> u64 {
        self.entered
    }

    /// What that apply may still come to, as far as it knows now.
    pub(super) fn needs(&mut self, who: u64, needs: BTreeSet<String>) {
        self.members.insert(who, needs);
    }

    /// An apply ends.
    pub(super) fn leave(&mut self, who: u64) {
        self.members.remove(&who);
    }

    /// An apply comes to that work. Names its errand.
    pub(super) fn arrive(&mut self, who: u64, work: &str, urgent: bool) -> u64 {
        self.arrived += 1;
        let errand = Errand {
            who,
            work: work.to_owned(),
            urgent,
            place: Place::Waiting,
        };
        self.errands.insert(self.arrived, errand);
        self.arrived
    }

    /// Gives up waiting; false where a run covers it already.
    pub(super) fn withdraw(&mut self, errand: u64) -> bool {
        let waits = self.is_at(errand, Place::Waiting);
        if waits {
            self.errands.remove(&errand);
        }
        waits
    }

    /// Nobody asks for it any more, wherever it is.
    pub(super) fn forget(&mut self, errand: u64) {
        self.errands.remove(&errand);
    }

    /// The errands that a run covers which this one begins now. It is the first of those that wait, and nobody else is on the way there,
    /// unless one of them cannot wait for that.
    pub(super) fn lead(&mut self, errand: u64) -> Option<Vec<u64>> {
        let work = self.errands.get(&errand)?.work.clone();
        let waiting: Vec<u64> = self
            .errands
            .iter()
            .filter(|(_, known)| known.work == work && known.place == Place::Waiting)
            .map(|(id, _)| *id)
            .collect();
        if waiting.first() != Some(&errand) || self.running.contains(&work) {
            return None;
        }
        let is_urgent = |id: &u64| self.errands.get(id).is_some_and(|known| known.urgent);
        if !waiting.iter().any(is_urgent) && self.is_awaited(&work) {
            return None;
        }
        for id in &waiting {
            if let Some(known) = self.errands.get_mut(id) {
                known.place = Place::Covered;
            }
        }
        self.running.insert(work);
        Some(waiting)
    }

    /// A run of that work has ended, for all that it covered.
    pub(super) fn ended(&mut self, work: &str) {
        self.running.remove(work);
        let covered = |errand: &&mut Errand| errand.work == work && errand.place == Place::Covered;
        for errand in self.errands.values_mut().filter(covered) {
            errand.place = Place::Served;
        }
    }

    /// Whether that errand has been served; then it is over.
    pub(super) fn take(&mut self, errand: u64) -> bool {
        let served = self.is_at(errand, Place::Served);
        if served {
            self.errands.remove(&errand);
        }
        served
    }

    fn is_at(&self, errand: u64, place: Place) -> bool {
        self.errands.get(&errand).is_some_and(|known| known.place == place)
    }

    /// Whether somebody who does not wait is on the way to that work. Who waits might wait for us, so nobody waits for them.
    fn is_awaited(&self, work: &str) -> bool {
        let waits = |who: u64| {
            let mut errands = self.errands.values();
            errands.any(|errand| errand.who == who && errand.place == Place::Waiting)
        };
        self.members
            .iter()
            .any(|(who, needs)| needs.contains(work) && !waits(*who))
    }
}

#[cfg(test)]
mod tests;
