//! The truth: what the issuer and the targets really have, and the rules that no sequence of answers may break.
//!
//! Written from the guarantees, not from the provider: it knows values and consumers, never ledgers or steps.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Origin, Place, TargetSpec, When, Wish};
use super::consent::Consent;
use super::terms::{Adopts, HANDED_OVER, SOMEBODYS};
use super::vault::Vault;

/// Who ended a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    Us,
    Minting,
    Outsiders,
}

/// What is known to heaven of one value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Value {
    pub ended: Option<Ended>,
    /// Some target ever held it by our hand.
    pub delivered: bool,
    /// Every configured target once had it, live, and every check had passed.
    pub in_place: bool,
    /// Since which hour another one is in place instead, after the last write of this one.
    pub superseded: Option<u8>,
}

/// A credential at the issuer. A role keeps its handle and changes its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Credential {
    pub name: Option<String>,
    pub value: u32,
    /// Order of events, which also gives instants.
    pub made: (u8, u32),
    pub alive: bool,
    pub ours: bool,
    /// How many more looks at the list miss it.
    pub hidden: u8,
    /// How many more looks at the list show it although it has ended.
    pub ghost: u8,
}

/// What stands in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// `None`: a text of somebody else.
    pub value: Option<u32>,
    pub revision: u32,
    pub written: (u8, u32),
    pub mark: Option<String>,
    pub ours: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slot {
    pub entry: Option<Entry>,
    /// What we wrote there last, whatever became of it.
    pub last_ours: Option<u32>,
    /// What its consumers use.
    pub used: Option<u32>,
    /// They load what stands there when an activation says so, and not before.
    pub waits: bool,
    /// The slot is this secret's: it found it empty or wrote there, and has not given it up.
    pub claimed: bool,
    /// The last write by our hand had no answer: what stands there may be ours or not, and only a mark can tell.
    pub doubtful: bool,
}

impl Slot {
    /// The last write or removal had no answer: the secret does not give the slot up, and does not know what stands there.
    pub fn doubt(&mut self) {
        self.doubtful = true;
        self.claimed = true;
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct World {
    pub hour: u8,
    /// Events so far: gives revisions, handles and the order of instants.
    pub events: u32,
    pub values: BTreeMap<u32, Value>,
    pub credentials: BTreeMap<String, Credential>,
    pub slots: BTreeMap<String, Slot>,
    /// Checks that passed, by wave and value, since that wave was last written.
    pub proved: BTreeSet<(u64, u32)>,
    /// The handle that the runs authenticate with.
    pub own: Option<String>,
    pub consent: Consent,
    pub vault: Vault,
}

/// The role that a handle names.
pub fn role_of(handle: &str) -> &str {
    handle.split('/').next().unwrap_or_default()
}

/// A broken guarantee.
pub type Broken = String;

impl World {
    pub fn new(case: &Case) -> Self {
        let mut world = Self::default();
        for spec in case.targets.iter().filter(|spec| case.is_activated(spec)) {
            world.slot(&spec.slot()).waits = true;
        }
        let roles: &[&str] = match case.origin {
            Origin::Replaced | Origin::MarkedRole => &["first"],
            Origin::Alternating | Origin::MarkedRoles => &["first", "second"],
            _ => &[],
        };
        for role in roles {
            let value = world.fresh();
            world.put(role, None, value, false, 0);
        }
        if let Some(adopts) = case.terms.adopts {
            world.exists(case, adopts);
        }
        if case.occupied
            && let Some(spec) = case.targets.last()
        {
            let revision = world.event();
            let entry = Entry {
                value: None,
                revision,
                written: (0, revision),
                mark: None,
                ours: false,
            };
            world.slots.insert(
                spec.slot(),
                Slot {
                    entry: Some(entry),
                    ..Slot::default()
                },
            );
        }
        world
    }

    /// What exists before it is taken over: a value that every target holds, and credentials of somebody else.
    fn exists(&mut self, case: &Case, adopts: Adopts) {
        let value = self.fresh();
        if case.revocable() {
            self.put(HANDED_OVER, None, value, adopts == Adopts::Named, 0);
            let another = self.fresh();
            self.put(SOMEBODYS, None, another, false, 0);
        }
        for spec in &case.targets {
            self.overwrite(&spec.slot(), Some(value));
        }
    }

    /// What exists has been taken over: the secret claims it.
    pub fn take_over(&mut self, case: &Case) {
        self.consent.taken_over = true;
        for spec in &case.targets {
            let slot = self.slot(&spec.slot());
            slot.claimed = true;
            if let Some(entry) = &mut slot.entry {
                entry.ours = true;
                slot.last_ours = entry.value;
            }
        }
        for known in self.values.values_mut() {
            known.delivered = true;
        }
    }

    pub fn event(&mut self) -> u32 {
        self.events += 1;
        self.events
    }

    pub fn fresh(&mut self) -> u32 {
        let value = self.event();
        self.values.insert(value, Value::default());
        value
    }

    /// A credential with that handle and value; what the handle had before has ended.
    pub fn put(&mut self, handle: &str, name: Option<String>, value: u32, ours: bool, hidden: u8) {
        let made = (self.hour, self.event());
        let credential = Credential {
            name,
            value,
            made,
            alive: true,
            ours,
            hidden,
            ghost: 0,
        };
        if let Some(old) = self.credentials.insert(handle.to_owned(), credential) {
            self.end_value(old.value, Ended::Minting);
        }
    }

    /// A role is given another password: the one that it has ends.
    pub fn end_role(&mut self, role: &str) {
        let held = self.credentials.iter_mut();
        let held = held.filter(|(handle, known)| role_of(handle) == role && known.alive);
        let ended: Vec<u32> = held
            .map(|(_, known)| {
                known.alive = false;
                known.value
            })
            .collect();
        for value in ended {
            self.end_value(value, Ended::Minting);
        }
    }

    fn end_value(&mut self, value: u32, by: Ended) {
        if let Some(value) = self.values.get_mut(&value) {
            value.ended.get_or_insert(by);
        }
    }

    pub fn slot(&mut self, address: &str) -> &mut Slot {
        self.slots.entry(address.to_owned()).or_default()
    }

    pub fn alive(&self, value: u32) -> bool {
        self.values.get(&value).is_some_and(|value| value.ended.is_none())
    }

    /// Values that work and that this secret made: what must be one, at rest. The first password of a role is nobody's.
    pub fn working(&self) -> BTreeSet<u32> {
        self.credentials
            .values()
            .filter(|known| known.alive && known.ours && self.alive(known.value))
            .map(|c| c.value)
            .collect()
    }

    /// Writes an entry by our hand.
    pub fn deliver(
        &mut self,
        case: &Case,
        wish: &Wish,
        address: &str,
        value: u32,
        mark: Option<String>,
    ) -> Result<u32, Broken> {
        let spec = *case
            .spec_at(address)
            .ok_or("a slot was written that no configuration names")?;
        let slot = self.slot(address).clone();
        if !slot.claimed && slot.entry.as_ref().is_some_and(|entry| !entry.ours) {
            return Err(format!("{} was overwritten, which somebody else had filled", spec.key));
        }
        if case.overlaps() && self.values.get(&value).is_some_and(|v| v.ended == Some(Ended::Us)) {
            return Err(format!("{} was given a credential that we had ended", spec.key));
        }
        self.earlier_waves_are_done(case, wish, &spec, value)?;
        let revision = self.event();
        self.proved.retain(|(wave, _)| *wave != spec.wave);
        if let Some(value) = self.values.get_mut(&value) {
            value.delivered = true;
            value.superseded = None;
        }
        let written = (self.hour, revision);
        let slot = self.slot(address);
        slot.entry = Some(Entry {
            value: Some(value),
            revision,
            written,
            mark,
            ours: true,
        });
        slot.last_ours = Some(value);
        slot.doubtful = false;
        slot.claimed = true;
        if matches!(spec.place, Place::Readable | Place::Opaque) && !slot.waits {
            slot.used = Some(value);
        }
        self.note_in_place(case, wish);
        Ok(revision)
    }

    fn earlier_waves_are_done(&self, case: &Case, wish: &Wish, spec: &TargetSpec, value: u32) -> Result<(), Broken> {
        // Once the old value is dead, or where an incident asks for speed, waves order and hold nothing back.
        let holds_back = !case.has_one_role() && wish.incidents == 0;
        for earlier in wish
            .configured(case)
            .filter(|other| holds_back && other.wave < spec.wave)
        {
            let slot = self.slots.get(&earlier.slot());
            if slot.and_then(|slot| slot.last_ours) != Some(value) {
                return Err(format!(
                    "{} of wave {} was written before {}",
                    spec.key, spec.wave, earlier.key
                ));
            }
            let in_place = self.values.get(&value).is_some_and(|known| known.in_place);
            let entry = slot.and_then(|slot| slot.entry.as_ref()).filter(|entry| entry.ours);
            if case.leads && !in_place && entry.is_some_and(|entry| entry.written.0 + 1 > self.hour) {
                return Err(format!("{} was written before {} had led", spec.key, earlier.key));
            }
            let rolled = slot.is_some_and(|slot| slot.used == Some(value));
            let ours = slot
                .and_then(|slot| slot.entry.as_ref())
                .is_some_and(|entry| entry.ours);
            let is_made_live = earlier.place == Place::Rolled || case.is_activated(earlier);
            if is_made_live && ours && !rolled {
                return Err(format!("{} was written before {} was live", spec.key, earlier.key));
            }
            if case.checks.contains(&When::Wave(earlier.wave)) && !self.proved.contains(&(earlier.wave, value)) {
                return Err(format!(
                    "{} was written before wave {} was proved",
                    spec.key, earlier.wave
                ));
            }
        }
        Ok(())
    }

    /// Consumers of a rolled or deployed entry take what stands there.
    pub fn go_live(&mut self, case: &Case, wish: &Wish, address: &str) {
        let slot = self.slot(address);
        if let Some(entry) = &slot.entry {
            slot.used = entry.value;
        }
        self.note_in_place(case, wish);
    }

    /// Consumers of a wave load what its targets hold.
    pub fn activate(&mut self, case: &Case, wish: &Wish, wave: u64) {
        let of_wave = wish
            .configured(case)
            .filter(|spec| spec.wave == wave && case.is_activated(spec));
        for spec in of_wave {
            let slot = self.slot(&spec.slot());
            slot.used = slot.entry.as_ref().and_then(|entry| entry.value);
        }
        self.note_in_place(case, wish);
    }

    /// What a check of that wave finds in use is what was delivered.
    pub fn is_activated(&self, case: &Case, wish: &Wish, wave: u64) -> Result<(), Broken> {
        let mut of_wave = wish
            .configured(case)
            .filter(|spec| spec.wave == wave && case.is_activated(spec));
        let waits = |spec: &&TargetSpec| {
            let slot = self.slots.get(&spec.slot());
            slot.is_some_and(|slot| {
                let ours = slot.entry.as_ref().filter(|entry| entry.ours);
                ours.is_some_and(|entry| entry.value != slot.used)
            })
        };
        // Once the old value is dead, everything goes on.
        match of_wave.find(waits).filter(|_| case.overlaps()) {
            Some(spec) => Err(format!(
                "wave {wave} was checked before consumers of {} had loaded its value",
                spec.key
            )),
            None => Ok(()),
        }
    }

    /// A check of that wave looks at the targets, and proves the value that all of them hold. Returns that.
    pub fn check(&mut self, case: &Case, wish: &Wish, wave: u64) -> Option<u32> {
        let held: Vec<Option<u32>> = wish
            .configured(case)
            .filter(|spec| spec.wave == wave)
            .map(|spec| self.slots.get(&spec.slot()).and_then(|slot| slot.entry.as_ref()?.value))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let held = match held[..] {
            [Some(value)] => Some(value),
            _ => None,
        };
        self.proved.extend(held.map(|value| (wave, value)));
        self.note_in_place(case, wish);
        held
    }

    /// Notes the value that every configured target has, live and proved.
    pub fn note_in_place(&mut self, case: &Case, wish: &Wish) {
        let mut held: BTreeSet<Option<u32>> = BTreeSet::new();
        for spec in wish.configured(case) {
            let slot = self.slots.get(&spec.slot());
            let stands = slot.and_then(|slot| slot.entry.as_ref()?.value);
            let used = slot.and_then(|slot| slot.used);
            held.insert(stands.filter(|_| stands == used));
        }
        let [Some(value)] = held.into_iter().collect::<Vec<_>>()[..] else {
            return;
        };
        let waves: BTreeSet<u64> = wish.configured(case).map(|spec| spec.wave).collect();
        let proved = |when: &When| match when {
            When::Wave(wave) => !waves.contains(wave) || self.proved.contains(&(*wave, value)),
            _ => true,
        };
        let hour = self.hour;
        if !case.checks.iter().all(proved) {
            return;
        }
        for (other, known) in &mut self.values {
            if *other == value {
                known.in_place = true;
            } else {
                known.superseded.get_or_insert(hour);
            }
        }
    }

    /// Ends a credential at the wish of an ordinary apply.
    pub fn revoke(&mut self, case: &Case, wish: &Wish, handle: &str, destroys: bool) -> Result<(), Broken> {
        let Some(known) = self.credentials.get(handle).cloned() else {
            return Ok(());
        };
        let role = matches!(case.origin, Origin::Replaced | Origin::Alternating);
        if !known.ours && !role {
            return Err(format!("{handle} was revoked, which is not ours"));
        }
        if self.own.as_deref() == Some(handle) {
            return Err(format!("{handle} was revoked, which the run authenticates with"));
        }
        if case.manual && known.alive {
            return Err(format!("{handle} was revoked, although revoking is a person's work"));
        }
        if known.alive && case.overlaps() {
            self.may_end(case, wish, known.value, destroys)
                .map_err(|why| format!("{handle} was revoked {why}"))?;
        }
        let lag = case.lag;
        self.end_value(known.value, Ended::Us);
        if role {
            // A role lives on with a password that nobody knows; its issuer may reveal it to us later.
            let value = self.fresh();
            let made = (self.hour, self.event());
            let ours = false;
            let role = Credential {
                value,
                made,
                ours,
                ..known
            };
            self.credentials.insert(handle.to_owned(), role);
        } else if let Some(known) = self.credentials.get_mut(handle)
            && known.alive
        {
            known.alive = false;
            known.ghost = lag;
        }
        Ok(())
    }

    fn may_end(&self, case: &Case, wish: &Wish, value: u32, destroys: bool) -> Result<(), Broken> {
        if let Some(verdict) = self.may_end_exposed(case, wish, value).filter(|_| !destroys) {
            return verdict;
        }
        for spec in &case.targets {
            let Some(slot) = self.slots.get(&spec.slot()) else {
                continue;
            };
            let stands = slot.entry.as_ref().and_then(|entry| entry.value) == Some(value);
            let configured = wish.configured(case).any(|other| other.key == spec.key);
            let ours = slot.entry.as_ref().is_some_and(|entry| entry.ours);
            let counts = if destroys {
                ours && !spec.keep && !slot.doubtful
            } else {
                slot.claimed && configured
            };
            if counts && (stands || (slot.entry.is_some() && slot.used == Some(value))) {
                return Err(format!("while {} had it", spec.key));
            }
        }
        if destroys || self.values.get(&value).is_none_or(|known| !known.delivered) {
            return Ok(());
        }
        let Some(since) = self.values.get(&value).and_then(|known| known.superseded) else {
            return Err("before its successor was in place".to_owned());
        };
        if self.is_exposed(case, wish, value) {
            return Ok(());
        }
        if !case.terms.is_open(self.hour) {
            return Err("while the window was closed".to_owned());
        }
        // Where the issuer's limit asks for room, the plan warns and the overlap ends early.
        if case.limit().is_none() && self.hour < since + case.overlap {
            return Err(format!("{} hours after its successor was in place", self.hour - since));
        }
        Ok(())
    }

    /// Deletes an entry at the wish of an apply or a destroy.
    pub fn remove(&mut self, case: &Case, wish: &Wish, address: &str, destroys: bool) -> Result<(), Broken> {
        let spec = *case
            .spec_at(address)
            .ok_or("a slot was emptied that no configuration names")?;
        if !destroys && wish.configured(case).any(|other| other.key == spec.key) {
            return Err(format!("{} was emptied, which is configured", spec.key));
        }
        if spec.keep {
            return Err(format!("{} was emptied, which should stay", spec.key));
        }
        let slot = self.slot(address);
        if slot.entry.as_ref().is_some_and(|entry| !entry.ours) && !(slot.doubtful && spec.place != Place::Readable) {
            return Err(format!("{} was emptied, which somebody else had filled", spec.key));
        }
        *slot = Slot {
            waits: slot.waits,
            ..Slot::default()
        };
        Ok(())
    }

    /// What holds at every moment: no consumer of ours is left with a credential that we ended.
    pub fn broken(&self, case: &Case, wish: &Wish) -> Option<Broken> {
        let ended = |value: &Option<u32>| {
            let value = &value.filter(|value| !self.may_break(case, wish, *value));
            let ended = value.and_then(|value| self.values.get(&value)?.ended);
            // Two roles: what a killed run made and nobody can get back is made again, whoever holds it.
            let was_in_place = value.and_then(|value| Some(self.values.get(&value)?.in_place)) == Some(true);
            ended == Some(Ended::Us) || (ended == Some(Ended::Minting) && was_in_place)
        };
        let spec = case.targets.iter().find(|spec| {
            self.slots.get(&spec.slot()).is_some_and(|slot| {
                let stands = slot.entry.as_ref().and_then(|entry| entry.value);
                let counts = slot.claimed && wish.configured(case).any(|other| other.key == spec.key);
                let ours = slot.entry.as_ref().is_some_and(|entry| entry.ours);
                counts && ours && (ended(&stands) || ended(&slot.used))
            })
        });
        spec.filter(|_| case.overlaps())
            .map(|spec| format!("{} is left with a credential that we ended", spec.key))
    }

    /// What is on file after an apply without errors is what the secret claims.
    pub fn give_up(&mut self, slots: &BTreeSet<String>) {
        for (address, slot) in &mut self.slots {
            if !slots.contains(address) {
                slot.claimed = false;
            }
        }
    }

    /// An outsider ends a credential; a role goes on with a password of theirs.
    pub fn kill(&mut self, case: &Case, handle: &str) {
        let Some(known) = self.credentials.get(handle).cloned() else {
            return;
        };
        self.end_value(known.value, Ended::Outsiders);
        if matches!(case.origin, Origin::Replaced | Origin::Alternating) {
            let value = self.fresh();
            let made = (self.hour, self.event());
            self.credentials.insert(
                handle.to_owned(),
                Credential {
                    value,
                    made,
                    ours: false,
                    ..known
                },
            );
        } else if let Some(known) = self.credentials.get_mut(handle) {
            known.alive = false;
        }
    }

    /// An outsider writes an entry, with a text of their own or with an older value.
    pub fn overwrite(&mut self, address: &str, value: Option<u32>) {
        let revision = self.event();
        let written = (self.hour, revision);
        let slot = self.slot(address);
        slot.entry = Some(Entry {
            value,
            revision,
            written,
            mark: None,
            ours: false,
        });
        if !slot.waits {
            slot.used = value;
        }
    }

    /// An outsider deletes an entry.
    pub fn erase(&mut self, address: &str) {
        let slot = self.slot(address);
        slot.entry = None;
        slot.used = None;
    }
}
