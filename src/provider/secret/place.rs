//! From a configuration to addresses, adapters and attribute paths.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lc_rs::digest;

use super::config::{Config, Phase, TargetEntry};
use crate::address::Address;
use crate::clock::Clock;
use crate::connection::{Connections, Surroundings, Unready};
use crate::environment::Environment;
use crate::executor::{Failure, Job, JobCheck, JobTarget, Subject, When};
use crate::provider::Configured;
use crate::rotation::{DeliveryRecord, Ledger};
use crate::source::Source;
use crate::target::{self, Slot};
use crate::terraform::{Diagnostic, Diagnostics, Node, Origin, Path, Value};
use crate::vendors::Vendors;

/// Everything that is connected for one secret.
pub(super) struct Adapters {
    source: Box<dyn Source>,
    targets: BTreeMap<String, JobTarget>,
    checks: BTreeMap<String, JobCheck>,
}

/// The attribute that a failure concerns.
pub(super) fn path_of(site: &Subject, config: Option<&Config>) -> Path {
    match site {
        Subject::Source => {
            let path = Path::attribute("source");
            config.map_or(path.clone(), |config| path.then_attribute(config.source.kind.name))
        }
        Subject::Target(key) => {
            let path = Path::attribute("targets").then_key(key);
            let kind = config
                .and_then(|config| config.targets.get(key))
                .map(|target| target.kind.name);
            kind.map_or(path.clone(), |kind| path.then_attribute(kind))
        }
        Subject::Check(key) => {
            let path = Path::attribute("checks").then_key(key);
            let kind = config
                .and_then(|config| config.checks.get(key))
                .map(|check| check.kind.name);
            kind.map_or(path.clone(), |kind| path.then_attribute(kind))
        }
        Subject::Whole => Path::root(),
    }
}

/// Targets in one slot, as far as that shows without the provider block.
pub(super) fn shared_slots(config: &Config) -> Diagnostics {
    let surroundings = Surroundings {
        environment: Environment::default(),
        clock: Clock::default(),
        allow_insecure: false,
    };
    let nothing = Value::Null;
    let node = Node::root(&nothing, Origin::Configuration);
    let connections = Connections::parse(&node, &surroundings, &mut Diagnostics::new());
    let mut found = Diagnostics::new();
    // What only the provider block tells is no mistake yet.
    slots_of(config, &connections, &mut found, &mut Diagnostics::new());
    found
}

/// Connections that the configuration names, and the provider block does not declare, or declares for another vendor.
pub(super) fn undeclared(config: &Config, connections: &Connections) -> Diagnostics {
    let source = (
        Subject::Source,
        config.source.kind.reach,
        &config.source.issuer.connection,
    );
    let targets = config.targets.iter();
    let targets = targets.map(|(key, target)| (Subject::Target(key.clone()), target.kind.reach, &target.connection));
    let checks = config.checks.iter();
    let checks = checks.map(|(key, check)| (Subject::Check(key.clone()), check.kind.reach, &check.connection));
    let mut found = Diagnostics::new();
    for (site, reach, name) in targets.chain(checks).chain([source]) {
        let link = connections.link(name);
        let Some(reach) = reach.filter(|_| link.is_named()) else {
            continue;
        };
        if let Err(Unready::Undeclared | Unready::OfOtherVendor(_)) = connections.find(reach.vendor, name)
            && let Err(why) = link.dynamic(reach.vendor)
        {
            found.push(at(site, config, why));
        }
    }
    found
}

fn at(site: Subject, config: &Config, diagnostic: Diagnostic) -> Diagnostic {
    if diagnostic.path == Path::root() {
        Diagnostic {
            path: path_of(&site, Some(config)),
            ..diagnostic
        }
    } else {
        diagnostic
    }
}

/// The slots of all targets by key; two targets on one slot are a mistake.
pub(super) fn slots(
    config: &Config,
    connections: &Connections,
    problems: &mut Diagnostics,
) -> Option<BTreeMap<String, Address>> {
    let (mut shared, mut unknown) = (Diagnostics::new(), Diagnostics::new());
    let slots = slots_of(config, connections, &mut shared, &mut unknown);
    problems.extend(shared);
    problems.extend(unknown);
    slots
}

/// The same; targets on one slot are reported to `shared`, those whose slot the provider block does not tell to `unknown`.
fn slots_of(
    config: &Config,
    connections: &Connections,
    shared: &mut Diagnostics,
    unknown: &mut Diagnostics,
) -> Option<BTreeMap<String, Address>> {
    let mut slots: BTreeMap<String, Address> = BTreeMap::new();
    let mut complete = true;
    for (key, target) in &config.targets {
        match slot_of_target(target, connections) {
            Ok(slot) => {
                if let Some((other, _)) = slots.iter().find(|(_, known)| is_certainly_one(known, &slot)) {
                    let both = one_slot(other, key, &slot);
                    shared.error(path_of(&Subject::Target(key.clone()), Some(config)), both.0, both.1);
                    complete = false;
                }
                slots.insert(key.clone(), slot);
            }
            Err(diagnostic) => {
                unknown.push(at(Subject::Target(key.clone()), config, diagnostic));
                complete = false;
            }
        }
    }
    complete.then_some(slots)
}

/// The slot of a configured target, by its connection and at the place to which that leads.
fn slot_of_target(target: &TargetEntry, connections: &Connections) -> Result<Address, Diagnostic> {
    let link = connections.link(&target.connection);
    let place = match target.kind.reach {
        Some(reach) => (reach.place)(link.dynamic(reach.vendor)?.as_ref()),
        None => String::new(),
    };
    Ok(Address {
        connection: target.connection.clone(),
        place,
        ..target.config.slot(&link)?
    })
}

/// Whether two slots are one, as far as that is known without a call: two connections may lead to two accounts that nothing but a
/// call tells apart.
fn is_certainly_one(one: &Address, other: &Address) -> bool {
    one.is_same_place(other) && (one.connection == other.connection || (one.is_complete() && other.is_complete()))
}

/// Summary and detail for two targets in one slot.
fn one_slot(one: &str, other: &str, slot: &Address) -> (String, String) {
    let noun = super::texts::entry(&slot.to_string()).noun;
    (
        format!("targets {one:?} and {other:?} are the same place"),
        format!("Both write {noun}. Remove one, or give it another name."),
    )
}

/// What a slot is known by to the other secrets of this process. While its account is unknown, its connection tells it from others.
pub(super) fn claim_of(slot: &Address) -> String {
    match slot.is_complete() {
        true => slot.slot(),
        false => slot.to_string(),
    }
}

/// The same for an address in state.
pub(super) fn claim_on_record(slot: &str) -> String {
    slot.parse::<Address>()
        .map_or_else(|_| slot.to_owned(), |slot| claim_of(&slot))
}

/// The same addresses, with what only a call tells of their places.
///
/// # Errors
/// The first that cannot be told, or that turns out to be one with another.
pub(super) async fn complete(
    slots: &BTreeMap<String, Address>,
    vendors: &dyn Vendors,
) -> Result<BTreeMap<String, Address>, Failure> {
    let mut complete: BTreeMap<String, Address> = BTreeMap::new();
    for (key, slot) in slots {
        let slot = vendors.complete(slot).await.map_err(|error| Failure {
            site: Subject::Target(key.clone()),
            summary: "Cannot tell which AWS account this run belongs to".to_owned(),
            detail: error.answer(),
            cause: None,
        })?;
        if let Some((other, _)) = complete.iter().find(|(_, known)| is_certainly_one(known, &slot)) {
            let (summary, detail) = one_slot(other, key, &slot);
            return Err(Failure {
                site: Subject::Target(key.clone()),
                summary,
                detail,
                cause: None,
            });
        }
        complete.insert(key.clone(), slot);
    }
    Ok(complete)
}

/// Reports configured targets, and a source, whose record names another place than this run's connection leads to: the same entry in
/// another region, account or host. Nothing is done by a run that would do it elsewhere.
pub(super) fn misplaced(
    slots: &BTreeMap<String, Address>,
    ledger: &Ledger,
    config: &Config,
    problems: &mut Diagnostics,
) -> bool {
    let mut problem = |site: Subject, text: &str, here: &Address| {
        let Ok(known) = text.parse::<Address>() else {
            return false;
        };
        // What another connection led to is reached by that one still.
        let by_it = known.connection == here.connection;
        let elsewhere = by_it && known.is_elsewhere(here) && !known.is_same_place(here);
        if elsewhere {
            let why = crate::vendors::misplaced(&known, &here.place);
            problems.error(path_of(&site, Some(config)), why.summary, why.detail);
        }
        elsewhere
    };
    let mut any = false;
    for (key, slot) in slots {
        if let Some(delivery) = ledger.delivery(key) {
            any |= problem(Subject::Target(key.clone()), &delivery.slot, slot);
        }
    }
    if let Some(known) = ledger.credential(ledger.generation()) {
        any |= problem(Subject::Source, &known.issuer, &config.source.issuer);
    }
    any
}

/// The secret's id: 32 hexadecimal characters of SHA-256 over what names it.
pub(super) fn derive_id(namespace: &str, config: &Config, slots: &BTreeMap<String, Address>) -> String {
    let mut places: Vec<String> = slots.values().map(Address::slot).collect();
    places.sort();
    // JSON keeps the parts apart, whatever characters they hold.
    let text = serde_json::json!([namespace, config.name, config.source.issuer.slot(), places]).to_string();
    hexadecimal_digest(&text, 16)
}

/// The id that a configuration leads to by itself, without a call; `None` where it is not wholly known.
pub(super) fn configured_id(configured: &Configured, config: &Value) -> Option<String> {
    let mut quiet = Diagnostics::new();
    let config = Config::read(config, Origin::Configuration, &mut quiet)?;
    let connections = configured.connections.as_ref()?;
    let config = config.located(connections);
    let slots = slots(&config, connections, &mut quiet)?;
    Some(derive_id(configured.namespace.as_deref()?, &config, &slots))
}

/// The first bytes of SHA-256, in hexadecimal.
fn hexadecimal_digest(text: &str, bytes: usize) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let first = hash.as_ref().iter().take(bytes);
    first.map(|byte| format!("{byte:02x}")).collect()
}

/// What tells the values of one source, issuer and set of arguments from those of another: 8 hexadecimal characters.
fn origin(config: &Config) -> String {
    let source = &config.source;
    let issuer = source.issuer.slot();
    let text = serde_json::json!([source.kind.name, issuer, source.config.fingerprint()]).to_string();
    hexadecimal_digest(&text, 4)
}

/// Connects every adapter; what is not configured is reported at its path.
pub(super) fn connect(
    config: &Config,
    slots: &BTreeMap<String, Address>,
    vendors: &dyn Vendors,
    problems: &mut Diagnostics,
) -> Option<Adapters> {
    let mut missing = Vec::new();
    let source = vendors.source(config.source.config.as_ref(), &config.source.issuer.connection);
    let source = source
        .map_err(|diagnostic| missing.push(at(Subject::Source, config, diagnostic)))
        .ok();
    let mut targets = BTreeMap::new();
    for (key, entry) in &config.targets {
        let Some(slot) = slots.get(key) else { continue };
        let site = || Subject::Target(key.clone());
        match connect_target(entry, slot, vendors) {
            Ok(target) => drop(targets.insert(key.clone(), target)),
            Err(diagnostic) => missing.push(at(site(), config, diagnostic)),
        }
    }
    let mut checks = BTreeMap::new();
    for (key, entry) in &config.checks {
        let site = || Subject::Check(key.clone());
        let connected = vendors
            .check(entry.config.as_ref(), key, &entry.connection)
            .map_err(|d| missing.push(at(site(), config, d)));
        let Ok(check) = connected else { continue };
        checks.insert(
            key.clone(),
            JobCheck {
                check,
                when: match entry.phase {
                    Phase::Preflight => When::Preflight,
                    Phase::Delivered => When::Wave(entry.wave),
                    Phase::Revoked => When::Revoked,
                },
                presents: entry.config.presents(),
                effects: entry.effects,
                parts: entry.parts(&config.source),
                patience: entry.patience,
            },
        );
    }
    // One missing connection is one problem, however many adapters need it.
    let mut told: Vec<String> = Vec::new();
    for problem in missing {
        if !told.contains(&problem.detail) {
            told.push(problem.detail.clone());
            problems.push(problem);
        }
    }
    let complete = targets.len() == config.targets.len() && checks.len() == config.checks.len();
    source.filter(|_| complete).map(|source| Adapters {
        source,
        targets,
        checks,
    })
}

/// One target, connected.
fn connect_target(entry: &TargetEntry, slot: &Address, vendors: &dyn Vendors) -> Result<JobTarget, Diagnostic> {
    Ok(JobTarget {
        target: vendors.target(entry.config.as_ref(), slot)?,
        traits: entry.config.traits(),
        slot: slot.clone(),
        batch: JobTarget::batch_of(entry.config.as_ref(), slot),
        wave: entry.wave,
        part: entry.part.clone(),
        template: entry.template.clone(),
        config: Arc::clone(&entry.config),
    })
}

/// The place that a record names. Where its target is still configured, it is asked for as the configuration spells it: an address
/// in state is in one spelling, and what stands in for a vendor may tell letter case apart.
///
/// # Errors
/// A summary and a detail: no such kind, or no connection.
pub(super) async fn slot_of(
    key: &str,
    delivery: &DeliveryRecord,
    config: Option<&Config>,
    configured: &Configured,
) -> Result<Box<dyn Slot>, (String, String)> {
    let unknown = || {
        let summary = format!("{} is not an address that this version knows", delivery.slot);
        (summary, "Use a newer version of the provider.".to_owned())
    };
    let address: Address = delivery.slot.parse().map_err(|_| unknown())?;
    let kind = target::kind(&address.kind).ok_or_else(unknown)?;
    let (Some(vendors), Some(connections)) = (configured.vendors.as_deref(), configured.connections.as_ref()) else {
        return Err((
            "The provider is not configured".to_owned(),
            "Nothing was read.".to_owned(),
        ));
    };
    let verified = vendors.verify(&address).await;
    verified.map_err(|diagnostic| (diagnostic.summary, diagnostic.detail))?;
    let is_here = |entry: &&TargetEntry| {
        let slot = entry.config.slot(&connections.link(&entry.connection));
        slot.is_ok_and(|slot| slot.is_elsewhere(&address))
    };
    let entry = config.and_then(|config| config.targets.get(key)).filter(is_here);
    let slot = match entry {
        Some(entry) => vendors
            .target(entry.config.as_ref(), &address)
            .map(|target| target.into_slot()),
        None => vendors.slot(kind, &address),
    };
    slot.map_err(|diagnostic| (diagnostic.summary, diagnostic.detail))
}

/// Targets that leave the configuration and can still be read, by their key in the ledger. One whose connection is gone gives
/// nothing back; who needs the value says so.
pub(super) fn connect_leaving(
    leaving: &[(&DeliveryRecord, &TargetEntry)],
    ledger: &Ledger,
    vendors: &dyn Vendors,
) -> BTreeMap<String, JobTarget> {
    let connected = leaving.iter().filter_map(|(delivery, entry)| {
        let slot: Address = delivery.slot.parse().ok()?;
        let record = ledger
            .deliveries()
            .iter()
            .find(|(_, known)| known.slot == delivery.slot);
        let key = record.map_or(&delivery.slot, |(key, _)| key);
        Some((key.clone(), connect_target(entry, &slot, vendors).ok()?))
    });
    connected.collect()
}

impl Adapters {
    /// A run's job.
    pub(super) fn into_job(
        self,
        id: &str,
        config: &Config,
        vendors: &Arc<dyn Vendors>,
        clock: Clock,
        is_create: bool,
    ) -> Job {
        Job {
            id: id.to_owned(),
            label_prefix: config.label_prefix.clone(),
            source: self.source,
            source_traits: config.source.config.traits(),
            issuer: config.source.on_record(),
            origin: origin(config),
            primary: config
                .source
                .parts
                .first()
                .cloned()
                .unwrap_or_else(|| "value".to_owned()),
            one_part: config.source.parts.len() == 1,
            supplied: config.source.is_supplied(),
            targets: self.targets,
            leaving: BTreeMap::new(),
            checks: self.checks,
            vendors: Arc::clone(vendors),
            clock,
            overlap: config.overlap,
            unreachable: BTreeSet::new(),
            replace_existing: config.replace_existing,
            is_create,
        }
    }
}
