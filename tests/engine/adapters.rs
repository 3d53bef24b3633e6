//! Adapters of the world: they keep the contracts of `source`, `target` and `check`, and answer as the script wants.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rotation_provider::address::Address;
use rotation_provider::call::{CallError, WritePermit};
use rotation_provider::check::{Check, CheckConfig, CheckFailure, Patience};
use rotation_provider::label::Label;
use rotation_provider::rotation::{Entry, RevisionKind};
use rotation_provider::secret::{Parts, Secret};
use rotation_provider::source::{Credential, Issuer, Liveness, MintOrder, Minted, Source, SourceConfig, SourceKind};
use rotation_provider::stop::Stop;
use rotation_provider::target::{Activated, Delivery, Escrowed, Receipt, Slot, Target, TargetConfig, TargetKind};
use rotation_provider::terraform::Diagnostic;
use rotation_provider::vendors::Vendors;

use super::case::{Origin, PLACE, Place, When, activation_key, check_key};
use super::mutant::Mutant;
use super::parking::Parking;
use super::play::{Call, Play, Stage, instant};
use super::{vault, world};

#[async_trait]
impl Vendors for Stage {
    async fn complete(&self, address: &Address) -> Result<Address, CallError> {
        let open = address.place.starts_with('*');
        let place = if open { PLACE.to_owned() } else { address.place.clone() };
        Ok(Address {
            place,
            ..address.clone()
        })
    }

    async fn verify(&self, _address: &Address) -> Result<(), Diagnostic> {
        Ok(())
    }

    fn source(&self, _config: &dyn SourceConfig, _connection: &str) -> Result<Box<dyn Source>, Diagnostic> {
        Ok(Box::new(self.clone()))
    }

    fn target(&self, _config: &dyn TargetConfig, slot: &Address) -> Result<Box<dyn Target>, Diagnostic> {
        if let Some(parking) = self.parking(slot) {
            return Ok(Box::new(parking));
        }
        Ok(Box::new(Held {
            stage: self.clone(),
            slot: slot.to_string(),
        }))
    }

    fn check(&self, _config: &dyn CheckConfig, key: &str, _connection: &str) -> Result<Box<dyn Check>, Diagnostic> {
        Ok(Box::new(Looked {
            stage: self.clone(),
            key: key.to_owned(),
        }))
    }

    fn slot(&self, _kind: &TargetKind, address: &Address) -> Result<Box<dyn Slot>, Diagnostic> {
        if let Some(parking) = self.parking(address) {
            return Ok(Box::new(parking));
        }
        Ok(Box::new(Held {
            stage: self.clone(),
            slot: address.to_string(),
        }))
    }

    fn issuer(&self, _kind: &SourceKind, _address: &Address) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
        let revocable = self.play().case.revocable();
        Ok(revocable.then(|| Box::new(self.clone()) as Box<dyn Issuer>))
    }
}

impl Stage {
    /// The entry of escrow at that address, if it is one.
    fn parking(&self, slot: &Address) -> Option<Parking> {
        let is_below = slot.locator.starts_with(vault::PATH);
        is_below.then(|| Parking {
            stage: self.clone(),
            address: slot.to_string(),
        })
    }
}

/// The value as text; [`number`] reads it back.
fn text(value: u32) -> Secret {
    Secret::plain(format!("value-{value}"))
}

fn number(value: &Secret) -> Option<u32> {
    value_of(value.expose())
}

/// The value that a text stands for.
pub fn value_of(text: &str) -> Option<u32> {
    text.strip_prefix("value-")?.parse().ok()
}

fn minted(play: &Play, handle: &str, part: &str) -> Minted {
    let known = &play.world.credentials[handle];
    Minted {
        credential: Some(listed(handle, known)),
        parts: Parts::single(part, text(known.value)),
        public: BTreeMap::new(),
    }
}

fn listed(handle: &str, known: &world::Credential) -> Credential {
    Credential {
        id: handle.to_owned(),
        name: known.name.clone(),
        minted_at: Some(instant(known.made)),
        expires_at: None,
    }
}

impl Play {
    /// A list as it comes: it may miss what is new, and show what has gone.
    fn list(&mut self) -> Vec<Credential> {
        if self.mutant == Mutant::ListsNothing {
            return Vec::new();
        }
        let mut shown = Vec::new();
        for (handle, known) in &mut self.world.credentials {
            let lags = if known.alive {
                &mut known.hidden
            } else {
                &mut known.ghost
            };
            let lagging = *lags > 0;
            *lags = lags.saturating_sub(1);
            if known.alive != lagging {
                shown.push(listed(handle, known));
            }
        }
        shown
    }

    /// The role whose turn it is, told by generation and by the instant of the one that is in use.
    fn role(&self, order: &MintOrder) -> &'static str {
        if self.case.has_one_role() {
            return "first";
        }
        let (due, other) = if order.label.generation % 2 == 1 {
            ("first", "second")
        } else {
            ("second", "first")
        };
        let in_use = |role: &str| order.handles.in_use.iter().any(|id| world::role_of(id) == role);
        if in_use(due) && !in_use(other) { other } else { due }
    }

    /// The planted mistake of a mark that comes before its value.
    fn mark_ahead(&mut self, slot: &str, label: &str) {
        let revision = self.world.event();
        if let Some(entry) = &mut self.world.slot(slot).entry {
            entry.mark = Some(label.to_owned());
            entry.revision = revision;
        }
    }

    /// Holds a generation that is about to be made against what was asked for.
    fn may_make(&mut self, order: &MintOrder) {
        let (case, wish) = (self.case.clone(), self.wish);
        let verdict = self.world.may_make(&case, &wish, order.label.generation, self.due);
        self.judge(verdict);
        let verdict = self.world.may_make_beside_parked(&wish);
        self.judge(verdict);
    }

    fn mint(&mut self, order: &MintOrder) -> Result<Minted, &'static str> {
        self.may_make(order);
        if matches!(self.case.origin, Origin::Replaced | Origin::Alternating) {
            let role = self.role(order);
            let made = instant(self.world.credentials[role].made);
            let may_be_held = self.case.origin == Origin::Replaced || order.handles.unexplained;
            let lost = may_be_held && order.handles.predecessor_minted_at.is_some_and(|at| made > at);
            if lost {
                // A reset that nobody waited for is this generation, whoever asked for it.
                self.world.credentials.get_mut(role).unwrap().ours = true;
            } else {
                let value = self.world.fresh();
                self.world.put(role, None, value, true, 0);
            }
            self.deeds.minted += 1;
            return Ok(minted(self, role, "password"));
        }
        if self.case.is_marked() {
            let role = self.role(order);
            let (value, label) = (self.world.fresh(), order.label.to_string());
            let handle = format!("{role}/{label}");
            self.world.end_role(role);
            self.world.put(&handle, Some(label), value, true, 0);
            self.deeds.minted += 1;
            return Ok(minted(self, &handle, "password"));
        }
        let mut handle = String::new();
        for _ in 0..if self.mutant == Mutant::MintsTwice { 2 } else { 1 } {
            let value = self.world.fresh();
            handle = format!("key-{value}");
            let label = (self.mutant != Mutant::MintsWithoutLabel).then(|| order.label.to_string());
            self.world.put(&handle, label, value, true, self.case.lag);
            self.deeds.minted += 1;
        }
        if self.case.own && self.world.own.is_none() {
            self.world.own = Some(handle.clone());
        }
        Ok(minted(self, &handle, "token"))
    }
}

#[async_trait]
impl Issuer for Stage {
    async fn survey(&self) -> Result<Vec<Credential>, CallError> {
        if !self.play().case.revocable() {
            return Ok(Vec::new());
        }
        self.call(Call::Look, |play| Ok(play.list())).await
    }

    async fn liveness(&self, id: &str) -> Result<Liveness, CallError> {
        self.call(Call::Look, |play| {
            let roles = matches!(play.case.origin, Origin::Replaced | Origin::Alternating);
            let alive = play.world.credentials.get(id).is_some_and(|known| known.alive);
            Ok(match (alive, roles) {
                (true, true) => Liveness::CannotTell,
                (true, false) => Liveness::Alive,
                (false, _) => Liveness::Dead,
            })
        })
        .await
    }

    async fn authenticates_this_run(&self, id: &str) -> Result<bool, CallError> {
        let play = self.play();
        Ok(play.world.own.as_deref() == Some(id) && play.mutant != Mutant::OwnIsDenied)
    }

    async fn revoke(&self, id: &str, _permit: &WritePermit) -> Result<(), CallError> {
        let handle = id.to_owned();
        self.play().deeds.tried.insert(handle.clone());
        self.call(Call::Revoke, move |play| {
            let handle = match play.mutant {
                Mutant::RevokesTheNewest => play.world.credentials.keys().next_back().cloned().unwrap_or(handle),
                _ => handle,
            };
            let (case, wish, destroys) = (play.case.clone(), play.wish, play.destroys);
            if destroys {
                let verdict = play.world.may_destroy(&case, &wish);
                play.judge(verdict);
            }
            let verdict = play.world.revoke(&case, &wish, &handle, destroys);
            play.deeds.revoked.insert(handle);
            play.judge(verdict);
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Source for Stage {
    fn issuer(&self) -> &dyn Issuer {
        self
    }

    async fn inspect(&self) -> Result<(), CallError> {
        self.call(Call::Look, |_| Ok(())).await
    }

    async fn mint(&self, order: &MintOrder, _permit: &WritePermit) -> Result<Minted, CallError> {
        let origin = self.play().case.origin;
        let order = order.clone();
        if matches!(origin, Origin::Generated | Origin::Provided) {
            let made = self.call(Call::Make, move |play| {
                play.may_make(&order);
                Ok(made_here(play))
            });
            return made.await;
        }
        self.call(Call::Mint, move |play| play.mint(&order)).await
    }

    async fn reveal(&self, known: &Credential, _order: &MintOrder) -> Result<Option<Minted>, CallError> {
        let origin = self.play().case.origin;
        if origin == Origin::Provided {
            return Ok(Some(made_here(&mut self.play())));
        }
        let known = known.clone();
        self.call(Call::Look, move |play| {
            let role = play
                .world
                .credentials
                .get(&known.id)
                .filter(|role| Some(instant(role.made)) <= known.minted_at);
            Ok(role.map(|_| minted(play, &known.id, "password")))
        })
        .await
    }

    async fn restore(&self, found: Parts, _order: &MintOrder) -> Result<Option<Minted>, CallError> {
        let has_roles = {
            let play = self.play();
            play.case.is_marked() || matches!(play.case.origin, Origin::Replaced | Origin::Alternating)
        };
        if has_roles {
            return self.call(Call::Look, move |play| Ok(whose(play, &found))).await;
        }
        Ok(Some(Minted {
            credential: None,
            parts: found,
            public: BTreeMap::new(),
        }))
    }
}

/// The role whose password it is; `None` when it is nobody's any more.
fn whose(play: &Play, found: &Parts) -> Option<Minted> {
    let value = found.get("password").and_then(number);
    let mut roles = play.world.credentials.iter();
    let (handle, _) = roles.find(|(_, role)| role.alive && Some(role.value) == value)?;
    Some(minted(play, handle, "password"))
}

/// A value that nobody issues: a new random one, or the one that a person gives with this version.
fn made_here(play: &mut Play) -> Minted {
    let value = match play.case.origin {
        Origin::Provided => {
            let value = u32::from(play.wish.rotations) + 1_000;
            play.world.values.entry(value).or_default();
            value
        }
        _ => play.world.fresh(),
    };
    play.deeds.minted += 1;
    Minted {
        credential: None,
        parts: Parts::single("value", text(value)),
        public: BTreeMap::new(),
    }
}

/// A slot of the world.
struct Held {
    stage: Stage,
    slot: String,
}

impl Held {
    async fn look(&self) -> Result<Option<Entry>, CallError> {
        self.stage
            .call(Call::Look, |play| {
                let spec = play.case.spec_at(&self.slot).copied().ok_or("no such slot")?;
                let slot = play.world.slots.get(&self.slot).cloned().unwrap_or_default();
                if play.mutant == Mutant::OccupiedLooksEmpty && !slot.claimed {
                    return Ok(None);
                }
                if slot.entry.is_none() && !play.refreshing && !play.destroys {
                    play.world.slot(&self.slot).claimed = true;
                }
                let Some(entry) = slot.entry else { return Ok(None) };
                let revision = if play.mutant == Mutant::MarkersStandStill {
                    0
                } else {
                    entry.revision
                };
                let deployed = matches!(spec.place, Place::Rolled | Place::Staged);
                Ok(Some(Entry {
                    revision: Some(revision.to_string()),
                    kind: match spec.place {
                        Place::Readable => RevisionKind::Version,
                        Place::Opaque => RevisionKind::Time,
                        Place::Rolled | Place::Staged => RevisionKind::Digest,
                    },
                    label: entry.mark.as_deref().and_then(Label::parse),
                    modified_at: Some(instant(entry.written)),
                    live: deployed.then_some(slot.used == entry.value),
                    detail: None,
                    is_unreadable: false,
                    exposed: None,
                }))
            })
            .await
    }
}

#[async_trait]
impl Slot for Held {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        self.look().await
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        self.look().await
    }

    async fn remove(&self, _permit: &WritePermit) -> Result<(), CallError> {
        let done = self.stage.call(Call::Remove, |play| {
            let (case, wish, destroys) = (play.case.clone(), play.wish, play.destroys);
            if destroys {
                let verdict = play.world.may_destroy(&case, &wish);
                play.judge(verdict);
            }
            let verdict = play.world.remove(&case, &wish, &self.slot, destroys);
            play.deeds.removed.insert(self.slot.clone());
            play.judge(verdict);
            Ok(())
        });
        let ended = done.await;
        if ended.as_ref().is_err_and(|error| error.message == "no answer") {
            self.stage.play().world.slot(&self.slot).doubt();
        }
        ended
    }
}

#[async_trait]
impl Target for Held {
    fn slot(&self) -> &dyn Slot {
        self
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        self
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], _permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let written: Vec<(String, u32, String)> = deliveries
            .iter()
            .map(|delivery| {
                (
                    delivery.slot.to_string(),
                    number(delivery.value).unwrap_or_default(),
                    delivery.label.to_string(),
                )
            })
            .collect();
        let wanted = written.len();
        let put = self.stage.call(Call::Deliver, move |play| {
            let (case, wish) = (play.case.clone(), play.wish);
            let mut receipts = Vec::new();
            for (slot, value, label) in written {
                let spec = case.spec_at(&slot).ok_or("no such slot")?;
                if play.mutant == Mutant::MarkIsAhead && play.killed && spec.place == Place::Readable {
                    play.mark_ahead(&slot, &label);
                    continue;
                }
                let verdict = play.world.may_write(&case, &wish, spec.key, &play.deeds.tried);
                play.judge(verdict);
                let failed = play.deeds.escrow_failed;
                let verdict = play.world.is_parked_first(&case, spec.key, value, failed);
                play.judge(verdict);
                let mark = Some(label).filter(|_| spec.place == Place::Readable);
                let verdict = play.world.deliver(&case, &wish, &slot, value, mark);
                let revision = play.judge(verdict).unwrap_or(0);
                let revision = if play.mutant == Mutant::MarkersStandStill {
                    0
                } else {
                    revision
                };
                let slot_written = slot.clone();
                play.deeds.written.insert(slot);
                let entry = play.world.slots.get(&slot_written).and_then(|slot| slot.entry.as_ref());
                receipts.push(Receipt {
                    revision: Some(revision.to_string()),
                    written_at: entry.map(|entry| instant(entry.written)),
                });
            }
            Ok(receipts)
        });
        let ended = put.await;
        if ended.as_ref().is_err_and(|error| error.message == "no answer") {
            self.stage.play().world.slot(&self.slot).doubt();
        }
        let imagined = self.stage.play().mutant == Mutant::LostWriteIsDone;
        match ended {
            Err(error) if imagined && error.effect == rotation_provider::call::Effect::Possible => {
                let mut play = self.stage.play();
                let stands = play
                    .world
                    .slot(&self.slot)
                    .entry
                    .as_ref()
                    .map_or(0, |entry| entry.revision);
                Ok((0..wanted)
                    .map(|_| Receipt {
                        revision: Some(stands.to_string()),
                        written_at: None,
                    })
                    .collect())
            }
            ended => ended,
        }
    }

    async fn activate(
        &self,
        _revision: Option<&str>,
        stop: &Stop,
        _permit: &WritePermit,
    ) -> Result<Activated, CallError> {
        let case = self.stage.play().case.clone();
        if case.spec_at(&self.slot).is_none_or(|spec| spec.place != Place::Rolled) {
            return Ok(Activated::Live);
        }
        let stopped = stop.requested();
        let rolled = self.stage.call(Call::Activate, |play| {
            // An interrupt comes between two machines: the roll is half done.
            if play.stop.requested() && !stopped {
                return Ok(Activated::Stopped("1 of 2 machines runs it".to_owned()));
            }
            if play.mutant != Mutant::RollsAreImagined {
                let (case, wish) = (play.case.clone(), play.wish);
                play.world.go_live(&case, &wish, &self.slot);
            }
            Ok(Activated::Live)
        });
        rolled.await
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        let case = self.stage.play().case.clone();
        if case
            .spec_at(&self.slot)
            .is_none_or(|spec| spec.place != Place::Readable)
        {
            return Ok(None);
        }
        let read = self.stage.call(Call::Look, |play| {
            let Some(entry) = play.world.slot(&self.slot).entry.clone() else {
                return Ok(None);
            };
            let label = entry.mark.as_deref().and_then(Label::parse);
            let value = entry
                .value
                .map_or_else(|| Secret::plain("somebody else's".to_owned()), text);
            Ok(label.map(|label| Escrowed {
                label,
                content: None,
                origin: None,
                revision: entry.revision.to_string(),
                value,
            }))
        });
        read.await
    }
}

/// A check of the world.
struct Looked {
    stage: Stage,
    key: String,
}

#[async_trait]
impl Check for Looked {
    async fn run(
        &self,
        parts: Option<&Parts>,
        _patience: Patience,
        stop: &Stop,
        _permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        if let Some(wave) = self.activates() {
            return self.activate(wave, stop).await;
        }
        let presented = parts.and_then(|parts| number(parts.get(parts.primary())?));
        let looked = self.stage.call(Call::Check, |play| {
            let (case, wish) = (play.case.clone(), play.wish);
            let wave = case.checks.iter().find_map(|when| match when {
                When::Wave(wave) if check_key(*when) == self.key => Some(*wave),
                _ => None,
            });
            if play.script.is_empty() && wave.is_some() {
                let verdict = play.world.may_check(&case, &wish, &play.deeds.tried);
                play.judge(verdict);
            }
            if let Some(wave) = wave {
                let verdict = play.world.is_activated(&case, &wish, wave);
                play.judge(verdict);
            }
            if let Some(wave) = wave.filter(|_| play.mutant != Mutant::ChecksDoNotLook) {
                let held = play.world.check(&case, &wish, wave);
                if case.presents && (presented.is_none() || presented != held) {
                    return Err("is not the credential that the targets hold");
                }
            }
            Ok(())
        });
        looked.await.map_err(|error| failed(&error))
    }
}

fn failed(error: &CallError) -> CheckFailure {
    CheckFailure {
        message: error.to_string(),
        interrupted: false,
    }
}

impl Looked {
    /// The wave whose consumers it makes load what is published, if it is an activation.
    fn activates(&self) -> Option<u64> {
        let play = self.stage.play();
        let mut waves = play.case.activations.iter();
        waves.find(|wave| activation_key(**wave) == self.key).copied()
    }

    async fn activate(&self, wave: u64, stop: &Stop) -> Result<(), CheckFailure> {
        let stopped = stop.requested();
        let ran = self.stage.call(Call::Activate, |play| {
            let (case, wish) = (play.case.clone(), play.wish);
            play.world.activate(&case, &wish, wave);
            Ok(())
        });
        let ended = ran.await;
        if self.stage.play().mutant == Mutant::FailedActivationsCount {
            return Ok(());
        }
        // An interrupt does not stop what was started; nobody waits for it.
        if stop.requested() && !stopped {
            return Err(CheckFailure {
                message: "interrupted".to_owned(),
                interrupted: true,
            });
        }
        ended.map_err(|error| failed(&error))
    }
}
