//! `steps`: the course of an apply in words, in order. Every line names its generation, and no line equals one of the last apply's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::forecast::revoked_for_room;
use super::repeated::{Line, again};
use crate::address::Address;
use crate::part::PartName;
use crate::provider::secret::decide::{Decision, is_public, moves_escrow};
use crate::provider::secret::revocable::{ends_with_the_next, is_replaced};
use crate::provider::secret::state::State;
use crate::provider::secret::{capacity, texts};
use crate::rotation::forecast::UNKNOWN_INSTANT;
use crate::rotation::{CredentialRecord, Forecast, Lead, Ledger, Step, Task};
use crate::source::{self, Maker};
use crate::spec::{Config, EscrowSpec, IncidentRevoke, TargetSpec, When};
use crate::target::EntryWords;

/// What the lines are written from.
pub(in crate::provider::secret) struct Told<'a> {
    /// The state before.
    pub state: &'a State,
    /// The configuration of the plan.
    pub config: &'a Config,
    /// Its slots.
    pub slots: &'a BTreeMap<String, Address>,
    /// What was decided.
    pub decision: &'a Decision,
    /// The engine's course.
    pub course: &'a Forecast,
    /// No state exists yet.
    pub is_create: bool,
}

/// The lines, with how often they have been said.
pub(in crate::provider::secret) fn steps(told: &Told<'_>) -> Vec<String> {
    let lines = told.lines().into_iter();
    lines.map(|line| again(line.text, &told.state.steps)).collect()
}

/// Values that have ended leave that entry.
fn delete_from_escrow(ended: Option<&BTreeSet<u64>>, entry: Option<&String>) -> Option<String> {
    let ended = ended.filter(|ended| !ended.is_empty())?;
    let noun = texts::entry(entry?).noun;
    Some(format!("delete {} from escrow, {noun}", numbered(ended)))
}

/// Whether the sessions that a credential opened end with it: an incident exposed it, and its issuer has sessions.
pub(super) fn ends_sessions(decision: &Decision, known: &CredentialRecord) -> bool {
    decision.exposed.contains(&known.generation) && source::ends_sessions(&known.issuer)
}

fn numbered(generations: &BTreeSet<u64>) -> String {
    let numbers: Vec<String> = generations.iter().map(|known| format!("generation {known}")).collect();
    numbers.join(", ")
}

impl Told<'_> {
    /// The lines, and what each of them stands for.
    pub(in crate::provider::secret) fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = self.confirmed().into_iter().map(Line::without_task).collect();
        lines.extend(self.room().map(Line::without_task));
        lines.extend(self.of_the_course());
        let after = self.forgotten().into_iter().chain(self.waiting());
        lines.extend(after.map(Line::without_task));
        let promote = || Task::Promote(self.course.ledger.generation());
        lines.extend(self.kept().into_iter().map(|text| Line::of(promote(), text)));
        lines
    }

    fn room(&self) -> Option<String> {
        let in_place = self.decision.ledger.generation();
        capacity::is_needed(self.decision, self.course, self.config).then(|| {
            format!(
                "bring every target to generation {in_place} and revoke what none of them holds, to make room for another credential"
            )
        })
    }

    fn of_the_course(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut ledger = self.decision.ledger.clone();
        let coming = self.decision.generation;
        let mut revoked: Vec<u64> = Vec::new();
        let mut minted: BTreeSet<u64> = BTreeSet::new();
        let mut delivered: BTreeSet<&String> = BTreeSet::new();
        let mut ended = self.course.unparked.iter();
        let mut entry = self.decision.ledger.escrow().map(|escrow| escrow.slot.clone());
        for (step, moment) in self.course.steps.iter().zip(&self.course.moments) {
            let newest = moment.generation;
            let of_check = |(key, text): (&String, String)| Line::of(Task::Check(newest, key.clone()), text);
            let of_step = |text: String| Line {
                task: Task::of(step, newest).into_iter().next(),
                text,
            };
            match step {
                Step::Preflight => lines.extend(self.preflight().into_iter().map(of_check)),
                Step::Recover(generation) => lines.extend(self.recover(*generation).map(of_step)),
                Step::Mint(generation) => {
                    minted.insert(*generation);
                    lines.push(of_step(self.mint(*generation)));
                }
                Step::Deliver { generation, targets } => {
                    let line = |key: &String| {
                        let task = Task::Deliver(*generation, key.clone());
                        Some(Line::of(task, self.deliver(*generation, key)?))
                    };
                    lines.extend(targets.iter().filter_map(line));
                    delivered.extend(targets);
                }
                Step::Activate { targets } => {
                    let alone = targets.iter().filter(|key| !delivered.contains(key));
                    let line = |key: &String| {
                        let task = Task::MakeLive(newest, key.clone());
                        Some(Line::of(task, self.activate(newest, key)?))
                    };
                    lines.extend(alone.filter_map(line));
                    if moment.is_staged {
                        lines.extend(self.activations(newest, targets));
                    }
                }
                Step::AwaitLead(lead) => lines.push(of_step(self.wait(newest, lead, false))),
                Step::Pause(lead) => lines.push(of_step(self.wait(newest, lead, true))),
                Step::Check(wave) => lines.extend(self.checks(newest, *wave).into_iter().map(of_check)),
                Step::Remove(key) => lines.push(of_step(self.remove(&ledger, key))),
                Step::Revoke(generation) => {
                    lines.extend(self.revoke(*generation, newest.max(coming)).map(of_step));
                    revoked.push(*generation);
                }
                Step::CheckRevoked => lines.extend(self.checks_after(&revoked, newest).into_iter().map(of_check)),
                Step::Park(generation) => {
                    // A part of a value is not parked.
                    let is_whole = minted.contains(generation) || self.recovers_whole(*generation);
                    let parked = is_whole.then(|| self.park(*generation)).flatten();
                    lines.extend(parked.map(of_step));
                    lines.extend(delete_from_escrow(ended.next(), entry.as_ref()).map(of_step));
                }
                Step::Unpark => {
                    let moved = entry.as_ref().and_then(|entry| self.unpark(entry));
                    lines.extend(moved.map(of_step));
                    lines.extend(delete_from_escrow(ended.next(), entry.as_ref()).map(of_step));
                    entry = self.config.escrow.as_ref().map(|escrow| escrow.slot.to_string());
                }
                Step::Survey
                | Step::Inspect
                | Step::ReadClock
                | Step::Promote
                | Step::ReadGate(_)
                | Step::Wait(..)
                | Step::Done
                | Step::Stuck(_) => {}
            }
            if let Step::Remove(key) = step {
                ledger.record(crate::rotation::Event::Dropped { target: key.clone() });
            }
        }
        lines
    }

    fn preflight(&self) -> Vec<(&String, String)> {
        let checks = self.config.checks.iter();
        let preflight = checks.filter(|(_, check)| check.when == When::Preflight);
        let minted = self.course.steps.iter().find_map(|step| match step {
            Step::Mint(generation) => Some(*generation),
            _ => None,
        });
        let before = minted.map_or_else(
            || "before anything is changed".to_owned(),
            |generation| format!("before generation {generation} is minted"),
        );
        preflight
            .map(|(key, check)| (key, format!("{before}: check {key}: {}", check.config.in_words())))
            .collect()
    }

    /// Where the value is read; `None` where the state has all that is needed.
    fn recover(&self, generation: u64) -> Option<String> {
        (!self.needs_public_parts_alone(generation)).then(|| self.read(generation))
    }

    fn needs_public_parts_alone(&self, generation: u64) -> bool {
        let (state, config) = (self.state, self.config);
        let written = self.course.written.iter().filter_map(|key| config.targets.get(key));
        let written: Vec<PartName> = written.flat_map(|target| target.content.parts()).collect();
        let presented = config
            .runs()
            .filter(|(_, run)| run.presents_new() && run.when != When::Preflight);
        let mut needed = written.iter().chain(presented.flat_map(|(_, run)| &run.parts));
        let is_public = |part: &PartName| is_public(part, generation, &state.ledger, &state.public);
        !written.is_empty() && needed.all(is_public)
    }

    /// Whether what is had again is the whole value, or all that the rest follows from.
    fn recovers_whole(&self, generation: u64) -> bool {
        let source = &self.config.source;
        if self.needs_public_parts_alone(generation) {
            return false;
        }
        if source.config.traits().reveals || source.is_supplied() {
            return true;
        }
        let given_back = self.readable(generation);
        let parts: BTreeSet<&str> = given_back
            .filter_map(|(_, target)| Some(target.content.part()?.as_str()))
            .collect();
        let tells_the_rest = source.config.tells_all(&|part| parts.contains(part));
        tells_the_rest || source.parts.iter().all(|part| parts.contains(part.as_str()))
    }

    /// Targets that hold that generation and can be read.
    fn readable(&self, generation: u64) -> impl Iterator<Item = (&String, &Arc<TargetSpec>)> {
        self.config.targets.iter().filter(move |(key, target)| {
            let held = self.decision.ledger.delivery(key);
            target.config.traits().readable && held.is_some_and(|held| held.holds(generation))
        })
    }

    fn read(&self, generation: u64) -> String {
        let ledger = &self.decision.ledger;
        if let Some(escrow) = ledger.escrow().filter(|_| ledger.is_parked(generation)) {
            let noun = texts::entry(&escrow.slot).noun;
            return match self.decision.restores() {
                true => format!("restore generation {generation}: read its value from escrow, {noun}"),
                false => format!("read the value of generation {generation} from escrow, {noun}"),
            };
        }
        if self.config.source.config.traits().reveals && !self.config.source.is_supplied() {
            let place = (self.config.source.kind.issuer_in_words)(&self.config.source.issuer);
            return format!("read the value of generation {generation} from {place}");
        }
        if self.config.source.is_supplied() && self.config.source.config.traits().reveals {
            return format!("take the value of generation {generation} from value_wo");
        }
        let keys: Vec<&str> = self.readable(generation).map(|(key, _)| key.as_str()).collect();
        if keys.is_empty() {
            format!("recover the value of generation {generation}")
        } else {
            format!("read the value of generation {generation} from {}", keys.join(" or "))
        }
    }

    fn mint(&self, generation: u64) -> String {
        let source = &self.config.source;
        let what = source.config.in_words();
        let or_next = if self.is_create {
            ", unless an interrupted create left one (then the next)"
        } else {
            ""
        };
        let verb = match source.kind.maker {
            Maker::Person => "use",
            Maker::Us | Maker::Issuer => "mint",
        };
        let ledger = &self.decision.ledger;
        let before = ledger.credential(ledger.generation());
        let ends = match (source.config.traits().replaces(), source.config.displaces()) {
            (false, _) => String::new(),
            (true, Some(other)) if before.is_some_and(|before| !self.is_replaced(before)) => {
                format!(" ({other} stops working at once)")
            }
            (true, _) => " (its predecessor stops working at once)".to_owned(),
        };
        format!("{verb} generation {generation}{or_next}: {what}{ends}")
    }

    fn target(&self, key: &str) -> Option<(&TargetSpec, EntryWords)> {
        let target = self.config.targets.get(key)?;
        let recorded = self.decision.ledger.delivery(key).map(|known| known.slot.clone());
        let slot = self
            .slots
            .get(key)
            .filter(|slot| slot.is_complete())
            .map(ToString::to_string);
        let slot = slot
            .or(recorded)
            .or_else(|| self.slots.get(key).map(ToString::to_string));
        Some((target, texts::entry(&slot.unwrap_or_default())))
    }

    fn deliver(&self, generation: u64, key: &str) -> Option<String> {
        let (target, words) = self.target(key)?;
        let what = match (target.content.part(), self.config.source.parts.sole()) {
            (None, _) => ", from a template".to_owned(),
            (Some(_), Some(_)) => String::new(),
            (Some(part), None) => format!(", its {part}"),
        };
        let mut line = format!(
            "wave {}: set {} of generation {generation} {} ({key}){what}",
            target.wave, words.entry, words.place
        );
        for setting in target.config.settings_in_words() {
            line.push_str(&format!(", {setting}"));
        }
        if let Some(live) = target.config.goes_live_in_words() {
            line.push_str(&format!(", {live}"));
        }
        Some(line)
    }

    /// `None` for a target that has nothing to do itself: its wave's activations make it live.
    fn activate(&self, generation: u64, key: &str) -> Option<String> {
        let (target, words) = self.target(key)?;
        let wave = target.wave;
        let (entry, place) = (words.entry, words.place);
        match target.config.goes_live_in_words() {
            Some(live) => Some(format!(
                "wave {wave}: make {entry} of generation {generation} {place} ({key}) live: {live}"
            )),
            None if target.config.traits().follow_up => {
                let settings = target.config.settings_in_words().join(", ");
                Some(format!(
                    "wave {wave}: complete {entry} of generation {generation} {place} ({key}): {settings}"
                ))
            }
            None => None,
        }
    }

    /// The activations of the wave of these targets.
    fn activations(&self, generation: u64, targets: &[String]) -> Vec<Line> {
        let wave = targets.iter().find_map(|key| self.config.targets.get(key));
        let wave = wave.map(|target| target.wave);
        let activations = self.config.activations.iter();
        let of_wave = activations.filter(|(_, activation)| Some(activation.wave()) == wave);
        of_wave
            .map(|(key, activation)| {
                let what = activation.run.config.in_words();
                let task = Task::Activation(generation, key.clone());
                let wave = activation.wave();
                Line::of(
                    task,
                    format!("wave {wave}: activate generation {generation} by {key}: {what}"),
                )
            })
            .collect()
    }

    /// What the next wave waits for.
    fn wait(&self, generation: u64, lead: &Lead, pauses: bool) -> String {
        let (key, wave) = (&lead.target, lead.wave);
        let span = lead.until.duration_since(UNKNOWN_INSTANT);
        let mut how_long = crate::duration::format(span);
        if self.course.leading.contains(key) {
            let span = self.config.targets.get(key).map_or(span, |target| target.lead);
            how_long = format!("until {} after {key} went live", crate::duration::format(span));
        } else if !self.course.written.contains(key) {
            how_long = format!("up to {how_long}");
        }
        let later = match pauses {
            true => "; a later apply continues",
            false if self.course.leading.contains(key) => "; if more than 10m are left, a later apply continues",
            false => "",
        };
        format!("wait {how_long}: consumers of {key} load generation {generation} before wave {wave} gets it{later}")
    }

    fn checks(&self, generation: u64, wave: u64) -> Vec<(&String, String)> {
        let checks = self.config.checks.iter();
        let of_wave = checks.filter(|(_, check)| check.when == When::Wave(wave));
        of_wave
            .map(|(key, check)| {
                let what = check.config.in_words();
                (
                    key,
                    format!("wave {wave}: check {key} of generation {generation}: {what}"),
                )
            })
            .collect()
    }

    fn checks_after(&self, revoked: &[u64], newest: u64) -> Vec<(&String, String)> {
        let after = self.config.checks.iter();
        let after = after.filter(|(_, check)| check.when == When::Revoked);
        let when = match revoked.last() {
            Some(generation)
                if self
                    .decision
                    .ledger
                    .credential(*generation)
                    .is_some_and(|known| self.is_replaced(known)) =>
            {
                format!("after generation {generation} has ended")
            }
            Some(generation) => format!("after generation {generation} is revoked"),
            None => format!("once more, for generation {newest}"),
        };
        after
            .map(|(key, check)| (key, format!("{when}: check {key}: {}", check.config.in_words())))
            .collect()
    }

    fn remove(&self, ledger: &Ledger, key: &str) -> String {
        let record = ledger.delivery(key);
        let words = texts::entry(record.map(|known| known.slot.as_str()).unwrap_or_default());
        let generation = record.and_then(|known| known.generation).unwrap_or_default();
        let name = if Some(key) == record.map(|known| known.slot.as_str()) {
            String::new()
        } else {
            format!(" ({key})")
        };
        format!(
            "delete {} of generation {generation} {}{name}, which is no longer in targets",
            words.entry, words.place
        )
    }

    /// Whether a credential has ended, or ends with the mint of this course, because its handle has one credential.
    fn is_replaced(&self, known: &CredentialRecord) -> bool {
        is_replaced(known, &self.decision.ledger) || (self.mints() && ends_with_the_next(known, self.config))
    }

    fn mints(&self) -> bool {
        self.course.steps.iter().any(|step| matches!(step, Step::Mint(_)))
    }

    /// What is left to do about a credential that has ended already.
    fn end(&self, known: &CredentialRecord, newest: u64) -> Option<String> {
        let which = texts::generation(Some(known), known.generation);
        if !ends_sessions(self.decision, known) {
            // The line of the mint says it.
            return (!self.mints()).then(|| format!("record that {which} has ended, since a newer one replaced it"));
        }
        let place = texts::issuer(&known.issuer);
        let when = match self.decision.incident {
            Some(IncidentRevoke::Now) => format!("before any target holds generation {newest}"),
            Some(IncidentRevoke::Delivered) => {
                format!("once every target holds generation {newest}, before the checks")
            }
            Some(IncidentRevoke::Checked) | None => format!("once every target holds generation {newest}"),
        };
        Some(format!("end the sessions that {which} opened at {place}, {when}"))
    }

    fn revoke(&self, generation: u64, newest: u64) -> Option<String> {
        let known = self.state.ledger.credential(generation)?;
        if self.is_replaced(known) {
            return self.end(known, newest);
        }
        if known.is_published() {
            return Some(format!(
                "take the public key of generation {generation} out of the set (part jwks){}",
                self.in_window()
            ));
        }
        if !known.is_issued() {
            return None;
        }
        let which = texts::generation(Some(known), generation);
        let place = texts::issuer(&known.issuer);
        let sessions = match ends_sessions(self.decision, known) {
            true => ", and end the sessions that it opened",
            false => "",
        };
        let line = if self.state.ledger.never_held(generation) {
            format!("revoke {which} at {place}, which no target holds")
        } else if revoked_for_room(self.course).contains(&generation) {
            format!("revoke {which} at {place}, to make room for generation {newest}")
        } else {
            let once_held = format!("revoke {which} at {place}, once every target holds generation {newest}");
            match self.decision.incident {
                None => format!("{once_held}{}", self.in_window()),
                Some(IncidentRevoke::Checked) => once_held,
                Some(IncidentRevoke::Delivered) => format!("{once_held}, before the checks"),
                Some(IncidentRevoke::Now) => {
                    format!("revoke {which} at {place}, before any target holds generation {newest}")
                }
            }
        };
        Some(format!("{line}{sessions}"))
    }

    fn park(&self, generation: u64) -> Option<String> {
        let escrow = self.config.escrow.as_ref()?;
        let place = match self.is_create {
            // The account is part of the id, and is not known yet.
            true => format!("an SSM parameter under {}", escrow.path),
            false => self.escrow_noun(escrow),
        };
        Some(format!("park generation {generation} in escrow, {place}"))
    }

    /// What the entry is called: with its account, where that is on record.
    fn escrow_noun(&self, escrow: &EscrowSpec) -> String {
        let ledger = &self.decision.ledger;
        let known = ledger.escrow().filter(|_| !moves_escrow(ledger, self.config));
        let slot = known.map_or_else(|| escrow.slot.to_string(), |known| known.slot.clone());
        texts::entry(&slot).noun
    }

    /// Values that move, or are not parked any more although they are valid.
    fn unpark(&self, entry: &str) -> Option<String> {
        let ledger = &self.decision.ledger;
        let known = ledger.escrow()?;
        let noun = texts::entry(entry).noun;
        let Some(escrow) = &self.config.escrow else {
            let parked = numbered(&known.generations);
            return Some(format!("delete {noun}, where {parked} is parked"));
        };
        let left = ledger.left_in_escrow();
        let kept: BTreeSet<u64> = known.generations.difference(&left).copied().collect();
        let moves = known.slot == entry && moves_escrow(ledger, self.config) && !kept.is_empty();
        moves.then(|| {
            let new = texts::entry(&escrow.slot.to_string()).noun;
            format!("move {} in escrow from {noun} to {new}", numbered(&kept))
        })
    }

    /// When a revocation may happen. An incident does not wait.
    fn in_window(&self) -> String {
        let window = self.config.schedule.window.as_ref();
        let window = window.filter(|_| self.decision.incident.is_none());
        window.map_or_else(String::new, |window| format!(", in the window ({window})"))
    }

    /// Generations that a person says were revoked.
    fn confirmed(&self) -> Vec<String> {
        let confirmed = self.decision.confirmed.iter();
        confirmed
            .map(|generation| {
                let known = self.state.ledger.credential(*generation);
                format!(
                    "record that {} was revoked, as revoke.confirmed says",
                    texts::generation(known, *generation)
                )
            })
            .collect()
    }

    /// Targets that leave the configuration and keep their entry.
    fn forgotten(&self) -> Vec<String> {
        let forgotten = self.decision.forget.iter();
        forgotten
            .filter_map(|key| {
                let record = self.state.ledger.delivery(key)?;
                let words = texts::entry(&record.slot);
                let generation = record.generation.unwrap_or_default();
                Some(format!(
                    "leave {} of generation {generation} {} ({key}) in place, no longer managed",
                    words.entry, words.place
                ))
            })
            .collect()
    }

    /// A rotation that waits for a value.
    fn waiting(&self) -> Option<String> {
        let awaited = self.decision.awaits.as_ref()?;
        let coming = self.decision.ledger.highest() + 1;
        Some(format!(
            "wait for the value of generation {coming} ({}): supply it in value_wo and raise value_wo_version",
            awaited.reason
        ))
    }

    /// Older generations that stay valid.
    fn kept(&self) -> Vec<String> {
        if !self.course.promoted {
            return Vec::new();
        }
        let after = &self.course.ledger;
        let older = after.credentials().iter();
        let older = older.filter(|known| known.generation != after.generation());
        older.filter_map(|known| self.keep(known, after)).collect()
    }

    /// `None` where nothing keeps it: nobody accepts it, and it is not parked any more.
    fn keep(&self, known: &CredentialRecord, after: &Ledger) -> Option<String> {
        let is_parked = after.is_parked(known.generation);
        let is_valid = known.is_accepted() && !self.is_replaced(known);
        (is_valid || is_parked).then(|| self.keep_valid(known, after))
    }

    fn keep_valid(&self, known: &CredentialRecord, after: &Ledger) -> String {
        let which = texts::generation(self.state.ledger.credential(known.generation), known.generation);
        let generation = known.generation;
        let overlap = &self.config.overlap_text;
        if !known.is_issued() || self.is_replaced(known) {
            let until = match known.revoke_after {
                Some(at) if at != UNKNOWN_INSTANT => format!("until {at}"),
                _ => format!("for {overlap}"),
            };
            return match (known.is_published(), after.is_parked(generation)) {
                (false, _) => format!("keep {which} in escrow {until}; a later apply deletes it"),
                (true, false) => {
                    format!("keep the public key of {which} in the set (part jwks) {until}; a later apply takes it out")
                }
                (true, true) => format!(
                    "keep {which} in escrow, and its public key in the set (part jwks), {until}; a later apply deletes both"
                ),
            };
        }
        if self.config.source.is_supplied() || !super::super::revocable::can_be_revoked(known) {
            return format!(
                "leave {which} valid: revoke it in its vendor's console, then set revoke.confirmed = {generation}"
            );
        }
        if self.config.revoke_by_hand {
            return format!(
                "leave {which} valid: revoke.mode is manual, so revoke it yourself and set revoke.confirmed = {generation}"
            );
        }
        if after.has_staged() && known.revoke_after.is_none() {
            return format!(
                "keep {which} valid until the staged value is live, and for {overlap} after that; a later apply revokes it{}",
                self.in_window()
            );
        }
        match known.revoke_after {
            Some(at) if at != UNKNOWN_INSTANT => {
                format!(
                    "keep {which} valid until {at}; a later apply revokes it{}",
                    self.in_window()
                )
            }
            _ => format!(
                "keep {which} valid for {overlap}; a later apply revokes it{}",
                self.in_window()
            ),
        }
    }
}
