//! Vendors in memory, for edits: an issuer of tokens that lists and revokes, and three kinds of targets. Every write is logged. Values
//! that are generated or supplied come from the real sources.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::Timestamp;
use rotation_provider::address::Address;
use rotation_provider::call::{CallError, CallErrorKind, Effect, WritePermit};
use rotation_provider::check::{Check, CheckConfig, CheckFailure, Patience};
use rotation_provider::clock::Clock;
use rotation_provider::connection::{Connections, Surroundings};
use rotation_provider::environment::Environment;
use rotation_provider::label::Label;
use rotation_provider::rotation::{Container, Entry, RevisionKind};
use rotation_provider::secret::{Parts, Secret};
use rotation_provider::source::{Credential, Issuer, Liveness, MintOrder, Minted, Source, SourceConfig, SourceKind};
use rotation_provider::stop::Stop;
use rotation_provider::target::{
    Activated, Activation, Delivery, Escrowed, Receipt, Slot, Target, TargetConfig, TargetKind,
};
use rotation_provider::terraform::{Diagnostic, Diagnostics, Node, Origin, Value};
use rotation_provider::vendors::Vendors;

use super::activations::PREFIX;
use super::escrow::{is_parking, parked_in};

/// The account and region that the runs belong to.
const PLACE: &str = "123456789012:eu-west-1";

/// Connections are never called here, but arguments are read against them; building one is slow.
pub static CONNECTIONS: LazyLock<Arc<Connections>> = LazyLock::new(|| {
    let surroundings = Surroundings::new(Environment::default(), Clock::default());
    let nothing = Value::Null;
    Connections::parse(
        &Node::root(&nothing, Origin::Configuration),
        &surroundings,
        &mut Diagnostics::new(),
    )
});

/// A change at a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    Mint,
    Deliver(String),
    Activate(String),
    Remove(String),
    Revoke(String),
    Check(String),
    /// Whatever came of it.
    Run(String),
    /// A generation is in an entry of escrow from now on.
    Park(String, u64),
    /// It is no longer.
    Unpark(String, u64),
    /// An entry of escrow was written again with what it had.
    Repark(String),
}

#[derive(Clone)]
struct Stored {
    value: String,
    revision: u64,
    at: i64,
    mark: Option<(Label, Option<String>, String)>,
    live: bool,
}

#[derive(Clone)]
struct Token {
    name: String,
    value: String,
    at: i64,
    alive: bool,
}

/// What the vendors have.
#[derive(Clone, Default)]
pub struct World {
    /// Seconds since the beginning.
    pub now: i64,
    events: u64,
    entries: BTreeMap<String, Stored>,
    tokens: BTreeMap<String, Token>,
    /// Slots that refuse writes.
    pub refuses: BTreeSet<String>,
    /// Slots whose writes get no answer.
    pub loses: BTreeSet<String>,
    /// Slots whose value cannot be read.
    pub hides: BTreeSet<String>,
    /// Where this run parks values, if it does: what the addresses of entries contain.
    pub parks_under: Option<String>,
    /// Activations that fail.
    pub fails: BTreeSet<String>,
    /// The slots whose consumers load what is published when that activation succeeds, by its key.
    pub activates: BTreeMap<String, BTreeSet<String>>,
    /// What consumers use, where an activation decides that.
    used: BTreeMap<String, String>,
    /// Slots whose container is no more.
    pub gone: BTreeSet<String>,
    pub writes: Vec<Write>,
    /// Guarantees that were broken.
    pub broken: Vec<String>,
    /// The slots that the configuration of this run names.
    pub configured: BTreeSet<String>,
    /// Generations that existed when an incident was declared.
    pub exposed: BTreeSet<u64>,
    /// What an incident exposes ends at once, whatever breaks.
    pub hurries: bool,
}

impl World {
    pub fn instant(&self) -> Timestamp {
        instant(self.now)
    }

    /// The slot of that kind; there is one of each, unless an edit adds another.
    pub fn slot(&self, part: &str) -> String {
        let mut named = self.entries.keys().filter(|slot| slot.contains(part));
        let found = named.find(|slot| is_parking(slot) == is_parking(part));
        found.unwrap_or_else(|| panic!("no entry {part}")).clone()
    }

    /// Another hand writes the entry.
    pub fn edit(&mut self, part: &str) {
        let slot = self.slot(part);
        self.events += 1;
        self.now += 60;
        let (revision, at) = (self.events, self.now);
        let entry = self.entries.get_mut(&slot).unwrap();
        *entry = Stored {
            value: "of another hand".to_owned(),
            revision,
            at,
            mark: None,
            live: true,
        };
    }

    /// Another hand deletes the entry.
    pub fn delete(&mut self, part: &str) {
        let slot = self.slot(part);
        self.entries.remove(&slot);
        self.now += 60;
    }

    /// Another hand made all that there is: the id of its credential, where somebody issues such.
    pub fn is_of_another_hand(&mut self) -> Option<String> {
        for entry in self.entries.values_mut() {
            entry.mark = None;
        }
        for token in self.tokens.values_mut() {
            "made by hand".clone_into(&mut token.name);
        }
        self.writes.clear();
        self.tokens.keys().next().cloned()
    }

    /// Consumers of what is staged are deployed.
    pub fn deploy(&mut self) {
        self.entries.values_mut().for_each(|entry| entry.live = true);
    }

    /// From now on these activations decide what consumers of these slots use. One that is new finds them with what is published.
    pub fn is_activated_by(&mut self, activates: BTreeMap<String, BTreeSet<String>>) {
        let slots: BTreeSet<&String> = activates.values().flatten().collect();
        self.used.retain(|slot, _| slots.contains(slot));
        for slot in slots {
            if let Some(entry) = self.entries.get(slot) {
                self.used.entry(slot.clone()).or_insert_with(|| entry.value.clone());
            }
        }
        self.activates = activates;
    }

    /// An activation has succeeded.
    fn activated(&mut self, key: &str) {
        for slot in self.activates.get(key).into_iter().flatten() {
            if let Some(entry) = self.entries.get(slot) {
                self.used.insert(slot.clone(), entry.value.clone());
            }
        }
    }

    /// What is parked by our hand: for each entry, its values by generation.
    pub fn parked(&self) -> BTreeMap<String, BTreeMap<u64, String>> {
        let ours = self.entries.iter().filter(|(slot, _)| is_parking(slot));
        ours.filter(|(_, entry)| entry.mark.is_some())
            .map(|(slot, entry)| (slot.clone(), parked_in(&entry.value).unwrap_or_default()))
            .collect()
    }

    /// Whether another hand wrote an entry whose address contains that.
    pub fn is_taken(&self, part: &str) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|(slot, entry)| slot.contains(part) && entry.mark.is_none())
    }

    /// Whether an issuer accepts that value.
    pub fn works(&self, value: &str) -> bool {
        self.tokens.values().any(|token| token.alive && token.value == value)
    }

    /// The text that a slot has.
    pub fn text(&self, slot: &str) -> Option<&str> {
        self.entries.get(slot).map(|entry| entry.value.as_str())
    }

    /// What an entry of escrow is about to have: `None` deletes it.
    fn park(&mut self, slot: &str, text: Option<&str>) {
        if self.entries.get(slot).is_some_and(|entry| entry.mark.is_none()) {
            self.broken
                .push(format!("{slot}, which another hand wrote, was overwritten"));
        }
        let old = self.parked().remove(slot).unwrap_or_default();
        let new = text.map_or_else(|| Some(BTreeMap::new()), parked_in);
        let Some(new) = new else {
            self.broken.push(format!("what was parked at {slot} cannot be read"));
            return;
        };
        let before = self.writes.len();
        for (generation, value) in &new {
            match old.get(generation) {
                None => self.writes.push(Write::Park(slot.to_owned(), *generation)),
                Some(known) if known == value => {}
                Some(_) => self.broken.push(format!(
                    "generation {generation} was parked with another value than before"
                )),
            }
        }
        for (generation, value) in old.iter().filter(|(generation, _)| !new.contains_key(generation)) {
            self.writes.push(Write::Unpark(slot.to_owned(), *generation));
            self.may_leave(slot, *generation, value);
        }
        if self.writes.len() == before {
            self.writes.push(Write::Repark(slot.to_owned()));
        }
    }

    /// A value that leaves escrow works nowhere any more, unless nothing is parked from now on or it is parked elsewhere.
    fn may_leave(&mut self, slot: &str, generation: u64, value: &str) {
        let parks = self.parks_under.is_some();
        let elsewhere = self.parked().into_iter().filter(|(other, _)| other != slot);
        let is_elsewhere = elsewhere
            .flat_map(|(_, parked)| parked)
            .any(|(_, parked)| parked == value);
        if !parks || is_elsewhere {
            return;
        }
        if self.works(value) {
            self.broken
                .push(format!("generation {generation} left escrow while it works"));
        }
        let mut held = self.entries.iter().filter(|(slot, _)| self.configured.contains(*slot));
        if let Some((holder, _)) =
            held.find(|(slot, entry)| !self.gone.contains(*slot) && current(&entry.value).contains(value))
        {
            self.broken
                .push(format!("generation {generation} left escrow while {holder} held it"));
        }
    }

    /// What a target is about to be given is parked, unless that cannot be.
    fn must_be_parked(&mut self, slot: &str, text: &str) {
        let Some(path) = self.parks_under.clone() else { return };
        let refused = self.refuses.iter().chain(&self.loses).any(|slot| is_parking(slot));
        let is_taken = self.is_taken(&path);
        let parked = self.parked().into_iter().filter(|(slot, _)| slot.contains(&path));
        let is_parked = parked
            .flat_map(|(_, parked)| parked)
            .any(|(_, value)| current(text).contains(&value));
        if !refused && !is_taken && !is_parked {
            self.broken.push(format!("{slot} was given a value that is not parked"));
        }
    }

    /// A revoked token that a configured entry of ours still holds, or that its consumers use.
    fn judge(&mut self, id: &str) {
        let value = self.tokens.get(id).map(|token| token.value.clone()).unwrap_or_default();
        for (slot, entry) in &self.entries {
            if !self.hurries
                && self.configured.contains(slot)
                && !self.gone.contains(slot)
                && current(&entry.value).contains(&value)
            {
                self.broken.push(format!("{id} was revoked while {slot} held it"));
            }
        }
        for (slot, used) in &self.used {
            if !self.hurries && self.configured.contains(slot) && !self.gone.contains(slot) && used.contains(&value) {
                self.broken
                    .push(format!("{id} was revoked while consumers of {slot} used it"));
            }
        }
    }
}

/// What consumers use of a text: the previous value, which a template puts behind it, stays when its credential has ended.
fn current(text: &str) -> &str {
    text.split(',').next().unwrap_or_default()
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + seconds).unwrap()
}

/// The world as its adapters share it.
#[derive(Clone)]
pub struct Stage(pub Arc<Mutex<World>>);

impl Stage {
    pub fn of(world: &World) -> Self {
        Self(Arc::new(Mutex::new(world.clone())))
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

fn error(kind: CallErrorKind, effect: Effect, status: u16, message: &str) -> CallError {
    CallError::new(kind, effect, "vendor", "calling it", Some(status), message)
}

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

    fn source(&self, config: &dyn SourceConfig, _connection: &str) -> Result<Box<dyn Source>, Diagnostic> {
        if config.issuer().kind == "fly_token" {
            return Ok(Box::new(self.clone()));
        }
        config.connect(&CONNECTIONS.own())
    }

    fn target(&self, config: &dyn TargetConfig, slot: &Address) -> Result<Box<dyn Target>, Diagnostic> {
        Ok(Box::new(Held {
            stage: self.clone(),
            slot: slot.to_string(),
            activation: config.traits().activation,
        }))
    }

    fn check(&self, _config: &dyn CheckConfig, key: &str, _connection: &str) -> Result<Box<dyn Check>, Diagnostic> {
        Ok(Box::new(Looked {
            stage: self.clone(),
            key: key.to_owned(),
        }))
    }

    fn slot(&self, _kind: &TargetKind, address: &Address) -> Result<Box<dyn Slot>, Diagnostic> {
        Ok(Box::new(Held {
            stage: self.clone(),
            slot: address.to_string(),
            activation: Activation::Later,
        }))
    }

    fn issuer(&self, kind: &SourceKind, _address: &Address) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
        Ok((kind.name == "fly_token").then(|| Box::new(self.clone()) as Box<dyn Issuer>))
    }
}

fn credential(id: &str, token: &Token) -> Credential {
    Credential {
        id: id.to_owned(),
        name: Some(token.name.clone()),
        minted_at: Some(instant(token.at)),
        expires_at: None,
    }
}

#[async_trait]
impl Issuer for Stage {
    async fn survey(&self) -> Result<Vec<Credential>, CallError> {
        let world = self.world();
        let alive = world.tokens.iter().filter(|(_, token)| token.alive);
        Ok(alive.map(|(id, token)| credential(id, token)).collect())
    }

    async fn liveness(&self, id: &str) -> Result<Liveness, CallError> {
        let alive = self.world().tokens.get(id).is_some_and(|token| token.alive);
        Ok(if alive { Liveness::Alive } else { Liveness::Dead })
    }

    async fn authenticates_this_run(&self, _id: &str) -> Result<bool, CallError> {
        Ok(false)
    }

    async fn revoke(&self, id: &str, _permit: &WritePermit) -> Result<(), CallError> {
        let mut world = self.world();
        world.writes.push(Write::Revoke(id.to_owned()));
        world.judge(id);
        if let Some(token) = world.tokens.get_mut(id) {
            token.alive = false;
        }
        Ok(())
    }
}

#[async_trait]
impl Source for Stage {
    fn issuer(&self) -> &dyn Issuer {
        self
    }

    async fn inspect(&self) -> Result<(), CallError> {
        Ok(())
    }

    async fn mint(&self, order: &MintOrder, _permit: &WritePermit) -> Result<Minted, CallError> {
        let mut world = self.world();
        world.writes.push(Write::Mint);
        world.events += 1;
        let id = format!("tok-{}", world.events);
        let token = Token {
            name: order.label.to_string(),
            value: format!("value-of-{id}-"),
            at: world.now,
            alive: true,
        };
        let minted = Minted {
            credential: Some(credential(&id, &token)),
            parts: Parts::single("token", Secret::plain(token.value.clone())),
            public: BTreeMap::new(),
        };
        world.tokens.insert(id, token);
        Ok(minted)
    }

    async fn reveal(&self, _known: &Credential, _order: &MintOrder) -> Result<Option<Minted>, CallError> {
        Ok(None)
    }
}

/// A slot.
struct Held {
    stage: Stage,
    slot: String,
    activation: Activation,
}

impl Held {
    fn is_readable(&self) -> bool {
        self.slot.starts_with("ssm_parameter")
    }

    fn reach(&self) -> Result<(), CallError> {
        if self.stage.world().gone.contains(&self.slot) {
            return Err(error(CallErrorKind::NotFound, Effect::None, 404, "not found"));
        }
        Ok(())
    }

    fn look(&self) -> Result<Option<Entry>, CallError> {
        self.reach()?;
        let world = self.stage.world();
        let fly = self.slot.starts_with("fly_secret");
        Ok(world.entries.get(&self.slot).map(|entry| Entry {
            revision: Some(entry.revision.to_string()),
            kind: match () {
                () if fly => RevisionKind::Digest,
                () if self.is_readable() => RevisionKind::Version,
                () => RevisionKind::Time,
            },
            label: entry
                .mark
                .as_ref()
                .filter(|_| self.is_readable())
                .map(|(label, ..)| label.clone()),
            modified_at: Some(instant(entry.at)),
            live: fly.then_some(entry.live),
            detail: None,
            is_unreadable: false,
            exposed: None,
        }))
    }
}

#[async_trait]
impl Slot for Held {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        self.look()
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        self.look()
    }

    async fn container(&self) -> Result<Container, CallError> {
        let gone = self.stage.world().gone.contains(&self.slot);
        Ok(if gone { Container::Gone } else { Container::Exists })
    }

    async fn remove(&self, _permit: &WritePermit) -> Result<(), CallError> {
        self.reach()?;
        let mut world = self.stage.world();
        if world.refuses.contains(&self.slot) {
            return Err(error(CallErrorKind::Invalid, Effect::None, 422, "not now"));
        }
        match is_parking(&self.slot) {
            true => world.park(&self.slot, None),
            false => world.writes.push(Write::Remove(self.slot.clone())),
        }
        world.entries.remove(&self.slot);
        Ok(())
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
        self.reach()?;
        let mut world = self.stage.world();
        if world.refuses.contains(&self.slot) {
            return Err(error(CallErrorKind::Invalid, Effect::None, 422, "not now"));
        }
        let mut receipts = Vec::new();
        for delivery in deliveries {
            let slot = delivery.slot.to_string();
            match is_parking(&slot) {
                true => world.park(&slot, Some(delivery.value.expose())),
                false => {
                    world.writes.push(Write::Deliver(slot.clone()));
                    world.must_be_parked(&slot, delivery.value.expose());
                }
            }
            world.events += 1;
            let entry = Stored {
                value: delivery.value.expose().to_owned(),
                revision: world.events,
                at: world.now,
                mark: Some((
                    delivery.label.clone(),
                    delivery.content.map(str::to_owned),
                    delivery.origin.to_owned(),
                )),
                live: !slot.starts_with("fly_secret"),
            };
            receipts.push(Receipt {
                revision: Some(entry.revision.to_string()),
                written_at: Some(instant(entry.at)),
            });
            world.entries.insert(slot, entry);
        }
        if world.loses.contains(&self.slot) {
            return Err(error(CallErrorKind::TimedOut, Effect::Possible, 504, "no answer"));
        }
        Ok(receipts)
    }

    async fn activate(
        &self,
        _revision: Option<&str>,
        _stop: &Stop,
        _permit: &WritePermit,
    ) -> Result<Activated, CallError> {
        self.reach()?;
        if self.activation == Activation::Itself {
            let mut world = self.stage.world();
            world.writes.push(Write::Activate(self.slot.clone()));
            if let Some(entry) = world.entries.get_mut(&self.slot) {
                entry.live = true;
            }
        }
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        self.reach()?;
        if !self.is_readable() {
            return Ok(None);
        }
        let world = self.stage.world();
        if world.hides.contains(&self.slot) {
            return Err(error(CallErrorKind::Forbidden, Effect::None, 403, "not for you"));
        }
        let Some(entry) = world.entries.get(&self.slot) else {
            return Ok(None);
        };
        Ok(entry.mark.clone().map(|(label, content, origin)| Escrowed {
            label,
            content,
            origin: Some(origin),
            revision: entry.revision.to_string(),
            value: Secret::plain(entry.value.clone()),
        }))
    }
}

/// A check, which always passes, or an activation.
struct Looked {
    stage: Stage,
    key: String,
}

#[async_trait]
impl Check for Looked {
    async fn run(
        &self,
        _parts: Option<&Parts>,
        _patience: Patience,
        _stop: &Stop,
        _permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        let mut world = self.stage.world();
        if !self.key.starts_with(PREFIX) {
            world.writes.push(Write::Check(self.key.clone()));
            return Ok(());
        }
        world.writes.push(Write::Run(self.key.clone()));
        if world.fails.contains(&self.key) {
            return Err(CheckFailure {
                message: "It ended with a failure.".to_owned(),
                interrupted: false,
            });
        }
        world.activated(&self.key);
        Ok(())
    }
}
