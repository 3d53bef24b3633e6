//! What nobody asked for must not happen: the rules of guard, window, incident and adoption, written from the guarantees.

use std::collections::BTreeSet;

use rotation_provider::spec::IncidentRevoke;

use super::case::{Case, Wish};
use super::terms::{DESTROY, HANDED_OVER};
use super::world::{Broken, World};

/// What has been asked for, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Consent {
    /// The secret is managed: an apply ended without an error.
    pub begun: bool,
    /// Requests and incidents that a complete rotation has answered.
    pub answered: u8,
    pub handled: u8,
    /// A rotation has begun, and is not complete.
    pub under_way: bool,
    /// The newest generation that was made.
    pub newest: u8,
    /// An outsider wrote, deleted or revoked something.
    pub disturbed: bool,
    /// What is in place was taken over; nothing has been made since.
    pub taken_over: bool,
    /// Values that an incident exposed.
    pub exposed: BTreeSet<u32>,
}

impl World {
    /// An incident exposes everything that works.
    pub fn expose(&mut self) {
        self.consent.exposed = self.working();
    }

    /// Exposed credentials that still work.
    pub fn exposed(&self) -> Vec<&String> {
        let exposed = |value: &u32| self.consent.exposed.contains(value) && self.alive(*value);
        let known = self.credentials.iter();
        known
            .filter(|(_, known)| known.alive && known.ours && exposed(&known.value))
            .map(|(handle, _)| handle)
            .collect()
    }

    /// A generation is about to be made. `due` is what the date in `rotate_after` says.
    pub fn may_make(&mut self, case: &Case, wish: &Wish, generation: u64, due: bool) -> Result<(), Broken> {
        let terms = case.terms;
        if !terms.bind() {
            return Ok(());
        }
        let known = self.consent.clone();
        self.consent.newest = u8::try_from(generation).unwrap();
        self.consent.under_way = true;
        self.consent.taken_over = false;
        if !known.begun {
            let says = "was made where something was to be taken over";
            return terms
                .adopts
                .map_or(Ok(()), |_| Err(format!("generation {generation} {says}")));
        }
        let is_asked = wish.rotations > known.answered || wish.incidents > known.handled;
        if terms.guard && u64::from(wish.confirm) != generation {
            return Err(format!("generation {generation} was made, which nobody confirmed"));
        }
        if known.under_way || is_asked {
            return Ok(());
        }
        // What was taken over is replaced for one thing only: that it is dead.
        let is_dead = self.credentials.get(HANDED_OVER).is_some_and(|known| !known.alive);
        if !due && (!known.disturbed || (known.taken_over && !is_dead)) {
            return Err(format!("generation {generation} was made, which nobody asked for"));
        }
        if !terms.is_open(self.hour) {
            return Err(format!("generation {generation} was made while the window was closed"));
        }
        Ok(())
    }

    /// An entry is about to be written. `tried` are the credentials whose revocation this run has asked for.
    pub fn may_write(&self, case: &Case, wish: &Wish, key: &str, tried: &BTreeSet<String>) -> Result<(), Broken> {
        let (terms, known) = (case.terms, &self.consent);
        if known.taken_over {
            return Err(format!("{key} was written, which was taken over and is not due"));
        }
        let is_confirmed = wish.confirm > known.newest && wish.confirm != DESTROY;
        if terms.guard && known.begun && !known.under_way && !is_confirmed {
            return Err(format!("{key} was written, which nobody confirmed"));
        }
        let waits = self.exposed().into_iter().find(|handle| !tried.contains(*handle));
        if let (Some(handle), true) = (waits, is_under(case, wish, IncidentRevoke::Now)) {
            return Err(format!("{key} was written before {handle} had ended"));
        }
        Ok(())
    }

    /// A check is about to run in a run without faults.
    pub fn may_check(&self, case: &Case, wish: &Wish, tried: &BTreeSet<String>) -> Result<(), Broken> {
        let is_everywhere = self
            .held_everywhere(case, wish)
            .is_some_and(|value| !self.consent.exposed.contains(&value));
        let waits = self.exposed().into_iter().find(|handle| !tried.contains(*handle));
        match waits.filter(|_| is_everywhere && is_under(case, wish, IncidentRevoke::Delivered)) {
            Some(handle) => Err(format!("a check ran before {handle} had ended")),
            None => Ok(()),
        }
    }

    /// An exposed credential ends: `None` where the rules of every other revocation hold, but for overlap and window.
    pub fn may_end_exposed(&self, case: &Case, wish: &Wish, value: u32) -> Option<Result<(), Broken>> {
        if !self.is_exposed(case, wish, value) {
            return None;
        }
        let is_another = |other: &u32| *other > value && !self.consent.exposed.contains(other);
        match case.terms.incident? {
            IncidentRevoke::Checked => None,
            IncidentRevoke::Delivered => Some(match self.held_everywhere(case, wish).filter(is_another) {
                Some(_) => Ok(()),
                None => Err("before its successor was delivered".to_owned()),
            }),
            IncidentRevoke::Now => Some(match self.working().iter().any(is_another) {
                true => Ok(()),
                false => Err("before there was another".to_owned()),
            }),
        }
    }

    /// Whether an incident that holds now exposed that value, or its rotation is not complete: every older one ends with that.
    pub fn is_exposed(&self, case: &Case, wish: &Wish, value: u32) -> bool {
        let is_older = wish.incidents > self.consent.handled && self.working().iter().any(|other| *other > value);
        case.terms.incident.is_some() && wish.incidents > 0 && (self.consent.exposed.contains(&value) || is_older)
    }

    /// Whether consumers may be left with that value although it ended: whatever breaks.
    pub fn may_break(&self, case: &Case, wish: &Wish, value: u32) -> bool {
        self.is_exposed(case, wish, value) && case.terms.incident == Some(IncidentRevoke::Now)
    }

    /// The value that every configured target holds, live.
    fn held_everywhere(&self, case: &Case, wish: &Wish) -> Option<u32> {
        let held = wish.configured(case).map(|spec| {
            let slot = self.slots.get(&spec.slot())?;
            let stands = slot.entry.as_ref()?.value?;
            (slot.used == Some(stands)).then_some(stands)
        });
        match held.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()[..] {
            [held] => held,
            _ => None,
        }
    }

    /// A destroy is about to revoke or delete something.
    pub fn may_destroy(&self, case: &Case, wish: &Wish) -> Result<(), Broken> {
        if self.consent.taken_over {
            return Err("a destroy touched what was only taken over".to_owned());
        }
        match case.terms.guard && wish.confirm != DESTROY {
            true => Err("a destroy touched something, which nobody confirmed".to_owned()),
            false => Ok(()),
        }
    }
}

fn is_under(case: &Case, wish: &Wish, revoke: IncidentRevoke) -> bool {
    wish.incidents > 0 && case.terms.incident == Some(revoke)
}
