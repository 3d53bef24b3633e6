//! From a configuration, or a record, to connected adapters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::paths::{self, at};
use crate::address::Address;
use crate::clock::Clock;
use crate::diagnostics::{ConnectionProblem, Message, StateProblem};
use crate::executor::{Job, JobActivation, JobCheck, JobEscrow, JobSource, JobTarget, SharedWork, Subject};
use crate::provider::Configured;
use crate::rotation::{DeliveryRecord, Ledger};
use crate::source::Source;
use crate::spec::{CheckSpec, Config, EscrowSpec, TargetSpec};
use crate::target::{self, Slot, ssm_parameter};
use crate::terraform::{Diagnostic, Diagnostics};
use crate::vendors::Vendors;

/// Everything that is connected for one secret.
pub(super) struct Adapters {
    source: Box<dyn Source>,
    targets: BTreeMap<String, JobTarget>,
    activations: BTreeMap<String, JobActivation>,
    checks: BTreeMap<String, JobCheck>,
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
    let parked = config.escrow.as_ref();
    let parked = parked.map(|escrow| vendors.target(escrow.config.as_ref(), &escrow.slot));
    missing.extend(parked.and_then(Result::err).map(|why| at(Subject::Escrow, config, why)));
    let can_park = missing
        .iter()
        .all(|why| why.path != paths::path_of(&Subject::Escrow, None));
    let mut connect_run = |key: &String, entry: &Arc<CheckSpec>, site: Subject| {
        let connected = vendors.check(entry.config.as_ref(), key, &entry.connection);
        let connected = connected.map_err(|why| missing.push(at(site, config, why)));
        let spec = Arc::clone(entry);
        connected.ok().map(|adapter| JobCheck { spec, adapter })
    };
    let mut activations = BTreeMap::new();
    for (key, entry) in &config.activations {
        let run = connect_run(key, &entry.run, Subject::Activation(key.clone()));
        let spec = Arc::clone(entry);
        activations.extend(run.map(|run| (key.clone(), JobActivation { spec, run })));
    }
    let mut checks = BTreeMap::new();
    for (key, entry) in &config.checks {
        let check = connect_run(key, entry, Subject::Check(key.clone()));
        checks.extend(check.map(|check| (key.clone(), check)));
    }
    // One missing connection is one problem, however many adapters need it.
    let mut told: Vec<String> = Vec::new();
    for problem in missing {
        if !told.contains(&problem.detail) {
            told.push(problem.detail.clone());
            problems.push(problem);
        }
    }
    let complete = can_park
        && targets.len() == config.targets.len()
        && activations.len() == config.activations.len()
        && checks.len() == config.checks.len();
    source.filter(|_| complete).map(|source| Adapters {
        source,
        targets,
        activations,
        checks,
    })
}

/// The entry where values are parked, at its complete address.
///
/// # Errors
/// What is not configured, or why its place cannot be told.
pub(super) async fn connect_escrow(spec: &Arc<EscrowSpec>, vendors: &dyn Vendors) -> Result<JobEscrow, Message> {
    let slot = vendors.complete(&spec.slot).await.map_err(|error| {
        let why = error.answer();
        Message::from(ConnectionProblem::AccountUnknown { why })
    })?;
    let adapter = vendors.target(spec.config.as_ref(), &slot)?;
    let spec = Arc::clone(spec);
    Ok(JobEscrow { spec, adapter, slot })
}

/// The entry where a record says that values are parked.
///
/// # Errors
/// This run leads to another place, or what is needed is not configured.
pub(super) async fn connect_former_escrow(text: &str, vendors: &dyn Vendors) -> Result<JobEscrow, Message> {
    let slot: Address = text.parse().map_err(|_| {
        Message::from(StateProblem::UnknownAddress {
            address: text.to_owned(),
            is_deletion: false,
        })
    })?;
    vendors.verify(&slot).await?;
    let spec = Arc::new(EscrowSpec {
        path: slot.locator.clone(),
        config: ssm_parameter::for_escrow(slot.locator.clone(), None),
        slot: slot.clone(),
    });
    let adapter = vendors.target(spec.config.as_ref(), &slot)?;
    Ok(JobEscrow { spec, adapter, slot })
}

/// The slot at an address, and that address completed.
///
/// # Errors
/// As [`connect_former_escrow`].
pub(super) async fn slot_at(address: &Address, vendors: &dyn Vendors) -> Result<(Address, Box<dyn Slot>), Message> {
    let unknown = || StateProblem::UnknownAddress {
        address: address.to_string(),
        is_deletion: false,
    };
    let kind = target::kind(&address.kind).ok_or_else(unknown)?;
    vendors.verify(address).await?;
    let complete = vendors.complete(address).await.map_err(|error| {
        let why = error.answer();
        ConnectionProblem::AccountUnknown { why }
    })?;
    let slot = vendors.slot(kind, &complete)?;
    Ok((complete, slot))
}

/// One target, connected.
fn connect_target(entry: &Arc<TargetSpec>, slot: &Address, vendors: &dyn Vendors) -> Result<JobTarget, Diagnostic> {
    Ok(JobTarget {
        spec: Arc::clone(entry),
        adapter: vendors.target(entry.config.as_ref(), slot)?,
        slot: slot.clone(),
    })
}

/// The place that a record names. Where its target is still configured, it is asked for as the configuration spells it: an address
/// in state is in one spelling, and what stands in for a vendor may tell letter case apart.
///
/// # Errors
/// No such kind, or no connection.
pub(super) async fn slot_of(
    key: &str,
    delivery: &DeliveryRecord,
    config: Option<&Config>,
    configured: &Configured,
) -> Result<Box<dyn Slot>, Message> {
    let unknown = || {
        Message::from(StateProblem::UnknownAddress {
            address: delivery.slot.clone(),
            is_deletion: false,
        })
    };
    let address: Address = delivery.slot.parse().map_err(|_| unknown())?;
    let kind = target::kind(&address.kind).ok_or_else(unknown)?;
    let (Some(vendors), Some(connections)) = (configured.vendors.as_deref(), configured.connections.as_ref()) else {
        return Err(StateProblem::NotConfigured { is_change: false }.into());
    };
    let verified = vendors.verify(&address).await;
    verified.map_err(Message::from)?;
    let is_here = |entry: &&Arc<TargetSpec>| {
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
    slot.map_err(Message::from)
}

/// Targets that leave the configuration and can still be read, by their key in the ledger. One whose connection is gone gives
/// nothing back; who needs the value says so.
pub(super) fn connect_leaving(
    leaving: &[(&DeliveryRecord, &Arc<TargetSpec>)],
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
            source: JobSource {
                spec: Arc::clone(&config.source),
                adapter: self.source,
            },
            targets: self.targets,
            leaving: BTreeMap::new(),
            escrow: None,
            former_escrow: None,
            activations: self.activations,
            checks: self.checks,
            public: BTreeMap::new(),
            shared_work: SharedWork::default(),
            vendors: Arc::clone(vendors),
            clock,
            overlap: config.overlap,
            quiet_for: config.quiet_for,
            window: config.schedule.window.clone(),
            format: config.format.clone(),
            unreachable: BTreeSet::new(),
            replace_existing: config.replace_existing,
            is_create,
        }
    }
}
