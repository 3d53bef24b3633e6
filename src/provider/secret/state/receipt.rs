//! The record of a rotation.

use jiff::Timestamp;

use super::records::{instant, read_instant, read_texts, texts};
use crate::rotation::{Cause, Request};
use crate::spec::IncidentRevoke;
use crate::terraform::Value;

/// The record of a rotation: of the one that is under way, or asked for, while `finished_at` is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What asked for it.
    pub cause: Cause,
    /// Why, in words.
    pub reason: String,
    /// For an incident, when older credentials are revoked: the provider block may have lost it before the rotation is complete.
    pub incident_revoke: Option<IncidentRevoke>,
    /// When it began; `None` for a rotation whose own run left no record.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// It passed.
    Passed,
    /// It did not.
    Failed,
    /// A run that was cut off did not come to it, or it presents what nobody has any more.
    Skipped,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        self.into()
    }

    fn parse(text: &str) -> Self {
        text.parse().unwrap_or(Self::Failed)
    }
}

impl Receipt {
    /// The record of a rotation that begins.
    pub(in crate::provider::secret) fn begun(
        request: &Request,
        incident: Option<IncidentRevoke>,
        at: Timestamp,
    ) -> Self {
        Self {
            cause: request.cause,
            reason: request.reason.clone(),
            incident_revoke: incident,
            started_at: Some(at),
            finished_at: None,
            actor: None,
            commit: None,
            checks: Vec::new(),
            revoked: Vec::new(),
        }
    }

    /// Whether it is the record of a rotation that is not complete: what asked for that stays open.
    pub(in crate::provider::secret) fn is_open(&self) -> bool {
        self.finished_at.is_none() && self.started_at.is_some()
    }

    /// A rotation has begun that left no record: what asked for it is not known. A rotation that is open stays so.
    pub(in crate::provider::secret) fn superseded_without_record(&mut self) {
        if !self.is_open() {
            self.started_at = None;
            self.finished_at = None;
        }
    }

    /// Notes that these checks are still to run.
    pub(in crate::provider::secret) fn awaits(&mut self, checks: impl IntoIterator<Item = String>) {
        for name in checks {
            self.checks.retain(|known| known.name != name);
            self.checks.push(CheckResult {
                name,
                verdict: Verdict::Skipped,
                seconds: 0,
            });
        }
    }

    pub(in crate::provider::secret) fn to_value(&self) -> Value {
        let checks = self.checks.iter().map(|check| {
            Value::object([
                ("name", Value::string(&check.name)),
                ("result", Value::string(check.verdict.as_str())),
                ("duration", Value::string(format!("{}s", check.seconds))),
            ])
        });
        Value::object([
            ("cause", Value::string(self.cause.as_str())),
            ("reason", Value::string(&self.reason)),
            (
                "incident_revoke",
                Value::optional(self.incident_revoke.map(IncidentRevoke::as_str)),
            ),
            ("started_at", instant(self.started_at)),
            ("finished_at", instant(self.finished_at)),
            ("actor", Value::optional(self.actor.as_ref())),
            ("commit", Value::optional(self.commit.as_ref())),
            ("checks", Value::List(checks.collect())),
            ("revoked", texts(self.revoked.iter().cloned())),
        ])
    }

    /// A record of which only what asked for the rotation is known: what a plan shows.
    pub(in crate::provider::secret) fn planned(request: &Request, incident: Option<IncidentRevoke>) -> Value {
        let unknown = ["started_at", "finished_at", "actor", "commit", "checks", "revoked"];
        let known = Value::object([
            ("cause", Value::string(request.cause.as_str())),
            ("reason", Value::string(&request.reason)),
            ("incident_revoke", Value::optional(incident.map(IncidentRevoke::as_str))),
        ]);
        unknown
            .into_iter()
            .fold(known, |object, name| object.with(name, Value::unknown()))
            .with("continues_at", Value::Null)
    }

    pub(super) fn from_value(value: &Value) -> Option<Self> {
        value.as_map()?;
        let checks = value.get("checks").as_list().unwrap_or_default().iter();
        let checks = checks.map(|check| CheckResult {
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
            cause: Cause::parse(value.get("cause").as_str()?)?,
            reason: value.get("reason").as_str().unwrap_or_default().to_owned(),
            incident_revoke: value.get("incident_revoke").as_str().and_then(IncidentRevoke::parse),
            started_at: read_instant(value.get("started_at")),
            finished_at: read_instant(value.get("finished_at")),
            actor: value.get("actor").as_str().map(str::to_owned),
            commit: value.get("commit").as_str().map(str::to_owned),
            checks: checks.collect(),
            revoked: read_texts(value.get("revoked")),
        })
    }
}
