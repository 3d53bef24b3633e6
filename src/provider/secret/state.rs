//! The computed attributes of a `rotation_secret`, and their Terraform values.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::rotation::{
    CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Ledger, Notice, NoticeCode, Pending,
};
use crate::terraform::Value;

/// Everything that the provider computes. The ledger is rebuilt from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The secret's id.
    pub id: String,
    /// Credentials, deliveries, generation, and whether the newest generation is in place.
    pub ledger: Ledger,
    /// What the next apply will do because of time or drift.
    pub pending: Vec<Pending>,
    /// What waits, or needs a person.
    pub notices: Vec<Notice>,
    /// When the current generation was in place.
    pub rotated_at: Option<Timestamp>,
    /// The schedule's anchor.
    pub rotate_after: Option<Timestamp>,
    /// Public parts.
    pub public: BTreeMap<String, String>,
    /// Receipt of the last rotation.
    pub last_rotation: Option<Receipt>,
    /// The earliest instant at which something is due.
    pub next_action_at: Option<Timestamp>,
}

/// Receipt of a rotation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Why.
    pub reason: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When the new generation was in place everywhere.
    pub finished_at: Option<Timestamp>,
    /// Who ran it.
    pub actor: Option<String>,
    /// The commit it ran from.
    pub commit: Option<String>,
    /// Results of its checks.
    pub checks: Vec<CheckResult>,
    /// Handles that were revoked.
    pub revoked: Vec<String>,
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// Its key.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took, in whole seconds.
    pub seconds: u64,
}

/// The end of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passed.
    Passed,
    /// It did not.
    Failed,
    /// A run that was cut off did not come to it.
    NotRun,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotRun => "not run",
        }
    }

    fn parse(text: &str) -> Self {
        let all = [Self::Passed, Self::NotRun];
        all.into_iter()
            .find(|verdict| verdict.as_str() == text)
            .unwrap_or(Self::Failed)
    }
}

pub(super) fn instant(at: Option<Timestamp>) -> Value {
    Value::optional(at.map(|at| at.to_string()))
}

fn read_instant(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(|text| text.parse().ok())
}

fn texts(items: impl Iterator<Item = String>) -> Value {
    Value::List(items.map(Value::string).collect())
}

fn read_texts(value: &Value) -> Vec<String> {
    value
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// The names of all computed attributes.
pub(super) const COMPUTED: [&str; 13] = [
    "id",
    "generation",
    "phase",
    "pending",
    "notices",
    "rotated_at",
    "rotate_after",
    "revoke_after",
    "next_action_at",
    "public",
    "credentials",
    "deliveries",
    "last_rotation",
];

/// Targets of a ledger whose status is unknown only because they could not be looked at, as these notices say.
pub(super) fn unreachable_targets(ledger: &Ledger, notices: &[Notice]) -> BTreeSet<String> {
    let told = notices.iter().filter(|notice| notice.code == NoticeCode::Unreachable);
    let keys = told.map(|notice| notice.subject.clone());
    keys.filter(|key| ledger.status(key) == Some(DeliveryStatus::Unknown))
        .collect()
}

impl State {
    /// Where the secret stands, in one word.
    pub fn phase(&self) -> &'static str {
        if !self.ledger.is_finished() {
            "partial"
        } else if self.ledger.has_staged() || !self.ledger.superseded().is_empty() {
            "overlapping"
        } else {
            "settled"
        }
    }

    /// Targets that the last refresh could not look at, and whose status nothing else made unknown.
    pub fn unreachable(&self) -> BTreeSet<String> {
        unreachable_targets(&self.ledger, &self.notices)
    }

    /// The earliest end of an overlap.
    pub fn revoke_after(&self) -> Option<Timestamp> {
        self.ledger
            .credentials()
            .iter()
            .filter_map(|credential| credential.revoke_after)
            .min()
    }

    /// Writes the computed attributes over `object`, which holds the arguments.
    pub fn write_over(&self, mut object: Value) -> Value {
        // A plan compares lists place by place: with the newest first, a revocation shows as the old one's leaving.
        let credentials = self.ledger.credentials().iter().rev().map(credential_value).collect();
        let deliveries = self.ledger.deliveries().iter();
        let computed = [
            ("id", Value::string(&self.id)),
            ("generation", Value::number(self.ledger.generation())),
            ("phase", Value::string(self.phase())),
            ("pending", texts(self.pending.iter().map(ToString::to_string))),
            ("notices", Value::List(self.notices.iter().map(notice_value).collect())),
            ("rotated_at", instant(self.rotated_at)),
            ("rotate_after", instant(self.rotate_after)),
            ("revoke_after", instant(self.revoke_after())),
            ("next_action_at", instant(self.next_action_at)),
            (
                "public",
                Value::Map(self.public.iter().map(|(k, v)| (k.clone(), Value::string(v))).collect()),
            ),
            ("credentials", Value::List(credentials)),
            (
                "deliveries",
                Value::Map(deliveries.map(|(key, d)| (key.clone(), delivery_value(d))).collect()),
            ),
            (
                "last_rotation",
                self.last_rotation.as_ref().map_or(Value::Null, Receipt::to_value),
            ),
        ];
        for (name, value) in computed {
            object = object.with(name, value);
        }
        object
    }

    /// Reads the computed attributes of a state object.
    pub fn read(object: &Value) -> Self {
        let last_rotation = Receipt::from_value(object.get("last_rotation"));
        let finished = last_rotation
            .as_ref()
            .is_none_or(|receipt| receipt.finished_at.is_some());
        let credentials = object.get("credentials").as_list().unwrap_or_default();
        let credentials: Vec<_> = credentials.iter().rev().filter_map(read_credential).collect();
        let deliveries = object.get("deliveries").as_map().cloned().unwrap_or_default();
        let public = object.get("public").as_map().cloned().unwrap_or_default();
        Self {
            id: object.get("id").as_str().unwrap_or_default().to_owned(),
            ledger: Ledger::of_state(
                object.get("generation").as_u64().unwrap_or(0),
                finished,
                credentials,
                deliveries
                    .iter()
                    .filter_map(|(key, value)| Some((key.clone(), read_delivery(value)?)))
                    .collect(),
            ),
            pending: read_texts(object.get("pending"))
                .iter()
                .filter_map(|text| Pending::parse(text))
                .collect(),
            notices: object
                .get("notices")
                .as_list()
                .unwrap_or_default()
                .iter()
                .filter_map(read_notice)
                .collect(),
            rotated_at: read_instant(object.get("rotated_at")),
            rotate_after: read_instant(object.get("rotate_after")),
            public: public
                .into_iter()
                .filter_map(|(k, v)| Some((k, v.as_str()?.to_owned())))
                .collect(),
            last_rotation,
            next_action_at: read_instant(object.get("next_action_at")),
        }
    }
}

impl Receipt {
    /// Notes that these checks are still to run.
    pub(super) fn awaits(&mut self, checks: impl IntoIterator<Item = String>) {
        for name in checks {
            self.checks.retain(|known| known.name != name);
            self.checks.push(CheckResult {
                name,
                verdict: Verdict::NotRun,
                seconds: 0,
            });
        }
    }

    fn to_value(&self) -> Value {
        let checks = self.checks.iter().map(|check| {
            Value::object([
                ("name", Value::string(&check.name)),
                ("result", Value::string(check.verdict.as_str())),
                ("duration", Value::string(format!("{}s", check.seconds))),
            ])
        });
        Value::object([
            ("reason", Value::string(&self.reason)),
            ("started_at", instant(self.started_at)),
            ("finished_at", instant(self.finished_at)),
            ("actor", Value::optional(self.actor.as_ref())),
            ("commit", Value::optional(self.commit.as_ref())),
            ("incident_id", Value::Null),
            ("checks", Value::List(checks.collect())),
            ("revoked", texts(self.revoked.iter().cloned())),
        ])
    }

    /// A receipt whose reason alone is known: what a plan shows.
    pub fn planned(reason: &str) -> Value {
        let unknown = ["started_at", "finished_at", "actor", "commit", "checks", "revoked"];
        let known = Value::object([("reason", Value::string(reason)), ("incident_id", Value::Null)]);
        unknown
            .into_iter()
            .fold(known, |object, name| object.with(name, Value::unknown()))
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_map()?;
        let checks = value
            .get("checks")
            .as_list()
            .unwrap_or_default()
            .iter()
            .map(|check| CheckResult {
                name: check.get("name").as_str().unwrap_or_default().to_owned(),
                verdict: Verdict::parse(check.get("result").as_str().unwrap_or_default()),
                seconds: check
                    .get("duration")
                    .as_str()
                    .and_then(|text| text.strip_suffix('s'))
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(0),
            });
        Some(Self {
            reason: value.get("reason").as_str().unwrap_or_default().to_owned(),
            started_at: read_instant(value.get("started_at")),
            finished_at: read_instant(value.get("finished_at")),
            actor: value.get("actor").as_str().map(str::to_owned),
            commit: value.get("commit").as_str().map(str::to_owned),
            checks: checks.collect(),
            revoked: read_texts(value.get("revoked")),
        })
    }
}

fn notice_value(notice: &Notice) -> Value {
    Value::object([
        ("code", Value::string(notice.code.as_str())),
        ("subject", Value::string(&notice.subject)),
        ("text", Value::string(&notice.text)),
    ])
}

fn read_notice(value: &Value) -> Option<Notice> {
    Some(Notice {
        code: NoticeCode::parse(value.get("code").as_str()?)?,
        subject: value.get("subject").as_str()?.to_owned(),
        text: value.get("text").as_str().unwrap_or_default().to_owned(),
    })
}

/// One element of `credentials`.
pub(super) fn credential_value(credential: &CredentialRecord) -> Value {
    Value::object([
        ("generation", Value::number(credential.generation)),
        ("credential_id", Value::optional(credential.credential_id.as_ref())),
        ("issuer", Value::string(&credential.issuer)),
        ("label", Value::string(&credential.label)),
        ("status", Value::string(credential.status.as_str())),
        ("minted_at", instant(credential.minted_at)),
        ("expires_at", instant(credential.expires_at)),
        ("revoke_after", instant(credential.revoke_after)),
    ])
}

fn read_credential(value: &Value) -> Option<CredentialRecord> {
    Some(CredentialRecord {
        generation: value.get("generation").as_u64()?,
        credential_id: value.get("credential_id").as_str().map(str::to_owned),
        issuer: value.get("issuer").as_str().unwrap_or_default().to_owned(),
        label: value.get("label").as_str().unwrap_or_default().to_owned(),
        status: CredentialStatus::parse(value.get("status").as_str()?)?,
        minted_at: read_instant(value.get("minted_at")),
        expires_at: read_instant(value.get("expires_at")),
        revoke_after: read_instant(value.get("revoke_after")),
    })
}

/// One element of `deliveries`.
pub(super) fn delivery_value(delivery: &DeliveryRecord) -> Value {
    Value::object([
        ("slot", Value::string(&delivery.slot)),
        ("generation", delivery.generation.map_or(Value::Null, Value::number)),
        ("status", Value::string(delivery.status.as_str())),
        ("revision", Value::optional(delivery.revision.as_ref())),
        ("existed_before", Value::Bool(delivery.existed_before)),
        ("delivered_at", instant(delivery.delivered_at)),
        ("detail", Value::optional(delivery.detail.as_ref())),
    ])
}

fn read_delivery(value: &Value) -> Option<DeliveryRecord> {
    Some(DeliveryRecord {
        slot: value.get("slot").as_str()?.to_owned(),
        generation: value.get("generation").as_u64(),
        status: DeliveryStatus::parse(value.get("status").as_str()?)?,
        revision: value.get("revision").as_str().map(str::to_owned),
        existed_before: value.get("existed_before") == &Value::Bool(true),
        delivered_at: read_instant(value.get("delivered_at")),
        detail: value.get("detail").as_str().map(str::to_owned),
    })
}
