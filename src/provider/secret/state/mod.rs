//! The computed attributes of a `rotation_secret`, and their Terraform values.

mod receipt;
mod records;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub(super) use self::receipt::{CheckResult, Receipt, Verdict};
pub(super) use self::records::{
    credential_value, delivery_value, escrow_value, instant, left_subject, notices_value, pending_value,
    public_keys_value, unrecorded_value,
};
use self::records::{
    read_credential, read_delivery, read_escrow, read_instant, read_notice, read_pending, read_texts, texts,
    with_public_keys,
};
use crate::rotation::{
    Action, Cause, CredentialRecord, CredentialStatus, DeliveryStatus, Event, Ledger, Notice, NoticeCode, Pending,
    Request,
};
use crate::source::key_set;
use crate::spec::IncidentRevoke;
use crate::terraform::Value;

/// The names of all computed attributes.
pub(super) const COMPUTED: [&str; 15] = [
    "id",
    "generation",
    "phase",
    "steps",
    "pending",
    "notices",
    "rotated_at",
    "rotate_after",
    "revoke_after",
    "next_action_at",
    "incidents",
    "public",
    "credentials",
    "deliveries",
    "last_rotation",
];

/// Where a secret stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Phase {
    /// The newest generation is in place, and nothing older lives.
    Settled,
    /// An older generation lives, or the newer one is staged, or waits for the `lead` of a target.
    Overlapping,
    /// A rotation is half done.
    Partial,
    /// A rotation waits for a value that a person supplies.
    AwaitingValue,
}

impl Phase {
    /// The word in state.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The phase of what is on record.
    pub(super) fn of(ledger: &Ledger, awaits_value: bool) -> Self {
        // A first generation that is staged by choice has nothing to overlap with.
        let staged = ledger.has_staged() && ledger.generation() > 1;
        let is_paused = ledger.paused_until().is_some();
        if !ledger.is_finished() && !is_paused {
            Self::Partial
        } else if awaits_value {
            Self::AwaitingValue
        } else if is_paused || staged || !ledger.superseded().is_empty() {
            Self::Overlapping
        } else {
            Self::Settled
        }
    }
}

/// Everything that the provider computes. The ledger is rebuilt from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The secret's id.
    pub id: String,
    /// Credentials, deliveries, generation, and whether the newest generation is in place.
    pub ledger: Ledger,
    /// What the last apply that changed something revoked: Terraform wants every entry to stay that its plan had.
    pub revoked: Vec<CredentialRecord>,
    /// A rotation waits for a value that a person supplies.
    pub awaits_value: bool,
    /// What the last apply was planned to do.
    pub steps: Vec<String>,
    /// What an apply would do now because of time or drift.
    pub pending: Vec<Pending>,
    /// What waits, or needs a person.
    pub notices: Vec<Notice>,
    /// When the current generation was in place.
    pub rotated_at: Option<Timestamp>,
    /// The schedule's anchor.
    pub rotate_after: Option<Timestamp>,
    /// The earliest instant at which something is due.
    pub next_action_at: Option<Timestamp>,
    /// Incidents that this secret has handled.
    pub incidents: Vec<String>,
    /// Public parts, but for the set of public keys, which the ledger has.
    pub public: BTreeMap<String, String>,
    /// Record of the last rotation.
    pub last_rotation: Option<Receipt>,
}

/// Whether an object was imported, or moved from another type, and not applied since: then it has no id yet.
pub(super) fn is_imported(object: &Value) -> bool {
    !object.is_null() && object.get("id").is_null()
}

/// Whether another type of resource held its value in the state before.
pub(super) fn was_moved(object: &Value) -> bool {
    let notices = object.get("notices").as_list().unwrap_or_default();
    let mut notices = notices.iter().filter_map(read_notice);
    notices.any(|notice| notice.code == NoticeCode::WasInState)
}

/// Targets of a ledger whose status is unknown only because they could not be read, as these notices say.
pub(super) fn unreachable_targets(ledger: &Ledger, notices: &[Notice]) -> BTreeSet<String> {
    let told = notices.iter().filter(|notice| notice.code == NoticeCode::Unreachable);
    let keys = told.map(|notice| notice.subject.clone());
    keys.filter(|key| ledger.status(key) == Some(DeliveryStatus::Unknown))
        .collect()
}

/// The lines of `steps`.
pub(super) fn steps_value(lines: &[String]) -> Value {
    texts(lines.iter().cloned())
}

/// The earliest end of an overlap.
pub(super) fn earliest_revocation(ledger: &Ledger) -> Option<Timestamp> {
    ledger
        .credentials()
        .iter()
        .filter_map(|credential| credential.revoke_after)
        .min()
}

impl State {
    /// Where the secret stands.
    pub fn phase(&self) -> Phase {
        // Without its record, a rotation that waits is one that was cut off.
        match self.ledger.paused_until() {
            Some(_) if self.last_rotation.is_none() => Phase::Partial,
            _ => Phase::of(&self.ledger, self.awaits_value),
        }
    }

    /// The record of the last rotation as state holds it.
    pub fn record(&self) -> Value {
        let receipt = self.last_rotation.as_ref().map(Receipt::to_value);
        receipt.map_or(Value::Null, |record| {
            record.with("continues_at", instant(self.ledger.paused_until()))
        })
    }

    /// Targets that the last refresh could not read, and whose status nothing else made unknown.
    pub fn unreachable(&self) -> BTreeSet<String> {
        unreachable_targets(&self.ledger, &self.notices)
    }

    /// A rotation that somebody asked for, and that is not complete.
    pub fn open_request(&self) -> Option<Request> {
        let receipt = self.last_rotation.as_ref()?;
        let open = receipt.is_open() && receipt.cause.is_request();
        open.then(|| Request::new(receipt.cause, receipt.reason.clone()))
    }

    /// The incident whose rotation is not complete, and when it revokes.
    pub fn open_incident(&self) -> Option<(Request, IncidentRevoke)> {
        let receipt = self.last_rotation.as_ref()?;
        let request = self.open_request().filter(|request| request.cause == Cause::Incident)?;
        Some((request, receipt.incident_revoke.unwrap_or_default()))
    }

    /// A rotation that is due by the clock, as the last refresh found.
    pub fn due(&self) -> Option<Request> {
        let due = self.pending.iter().filter_map(Pending::request);
        due.into_iter().find(|request| request.cause.is_of_the_clock())
    }

    /// Generations that have ended and have higher numbers than the one in place, which was restored: they stay on record, so that no
    /// number is given again.
    pub fn outnumbering(&self, ledger: &Ledger) -> impl Iterator<Item = &CredentialRecord> {
        let generation = ledger.generation();
        self.revoked.iter().filter(move |known| known.generation > generation)
    }

    /// Generations whose end is due, as the last refresh found.
    pub fn due_revocations(&self) -> BTreeSet<u64> {
        let due = self.pending.iter();
        let due = due.filter(|known| known.action == Action::Revoke || known.is_of_escrow());
        due.filter_map(|known| known.generation).collect()
    }

    /// Writes the computed attributes over `object`, which holds the arguments.
    pub fn write_over(&self, mut object: Value) -> Value {
        // A list that lags behind may show one of them alive again.
        let is_known = |known: &&CredentialRecord| self.ledger.credential(known.generation).is_some();
        let revoked = self.revoked.iter().filter(|known| !is_known(known));
        let revoked = revoked.map(|known| (known.generation.to_string(), credential_value(known, Value::Null)));
        let credentials = self.ledger.credentials().iter().map(|known| {
            let escrow = escrow_value(&self.ledger, known.generation);
            (known.generation.to_string(), credential_value(known, escrow))
        });
        let credentials = credentials.chain(revoked).chain(unrecorded_value(&self.ledger));
        let deliveries = self.ledger.deliveries().iter();
        let deliveries = deliveries.map(|(key, known)| (key.clone(), delivery_value(known)));
        let public = self.public.iter().map(|(k, v)| (k.clone(), Value::string(v)));
        let public_keys = public_keys_value(&self.ledger).into_iter();
        let public = public.chain(public_keys.map(|keys| (key_set::JWKS.to_owned(), keys)));
        let computed = [
            ("id", Value::string(&self.id)),
            ("generation", Value::number(self.ledger.generation())),
            ("phase", Value::string(self.phase().as_str())),
            ("steps", texts(self.steps.iter().cloned())),
            ("pending", Value::List(self.pending.iter().map(pending_value).collect())),
            ("notices", notices_value(&self.notices)),
            ("rotated_at", instant(self.rotated_at)),
            ("rotate_after", instant(self.rotate_after)),
            ("revoke_after", instant(earliest_revocation(&self.ledger))),
            ("next_action_at", instant(self.next_action_at)),
            ("incidents", texts(self.incidents.iter().cloned())),
            ("public", Value::Map(public.collect())),
            ("credentials", Value::Map(credentials.collect())),
            ("deliveries", Value::Map(deliveries.collect())),
            ("last_rotation", self.record()),
        ];
        for (name, value) in computed {
            object = object.with(name, value);
        }
        object
    }

    /// Reads the computed attributes of a state object.
    pub fn read(object: &Value) -> Self {
        let items = |name: &str| object.get(name).as_list().unwrap_or_default().to_vec();
        let records = |name: &str| object.get(name).as_map().cloned().unwrap_or_default();
        let credentials = records("credentials");
        let notices: Vec<Notice> = items("notices").iter().filter_map(read_notice).collect();
        let escrow = read_escrow(&credentials, &notices);
        let credentials = credentials
            .iter()
            .filter_map(|(key, known)| read_credential(key, known));
        let generation = object.get("generation").as_u64().unwrap_or(0);
        let (revoked, credentials): (Vec<_>, Vec<_>) =
            credentials.partition(|known| known.status == CredentialStatus::Disabled && known.generation != generation);
        let outnumbered = revoked
            .iter()
            .map(|known| known.generation)
            .filter(|known| *known > generation);
        let deliveries = records("deliveries");
        let deliveries = deliveries.iter();
        let deliveries = deliveries.filter_map(|(key, value)| Some((key.clone(), read_delivery(value)?)));
        let public = records("public").into_iter();
        let public = public.filter_map(|(k, v)| Some((k, v.as_str()?.to_owned())));
        let mut public: BTreeMap<String, String> = public.collect();
        let credentials = with_public_keys(credentials, &mut public);
        let phase = object.get("phase").as_str();
        let continues_at = read_instant(object.get("last_rotation").get("continues_at"));
        let finished = phase != Some(Phase::Partial.as_str()) && continues_at.is_none();
        let mut ledger = Ledger::of_state(generation, finished, credentials, deliveries.collect());
        if let Some(until) = continues_at {
            ledger.record(Event::Paused { until });
        }
        Self {
            id: object.get("id").as_str().unwrap_or_default().to_owned(),
            ledger: ledger
                .with_escrow(escrow)
                .with_outnumbered(outnumbered.max().unwrap_or(0)),
            revoked,
            awaits_value: phase == Some(Phase::AwaitingValue.as_str()),
            steps: read_texts(object.get("steps")),
            pending: items("pending").iter().filter_map(read_pending).collect(),
            notices,
            rotated_at: read_instant(object.get("rotated_at")),
            rotate_after: read_instant(object.get("rotate_after")),
            next_action_at: read_instant(object.get("next_action_at")),
            incidents: read_texts(object.get("incidents")),
            public,
            last_rotation: Receipt::from_value(object.get("last_rotation")),
        }
    }
}
