//! The records in state as values, and back.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::rotation::forecast::{UNKNOWN_HANDLE, UNKNOWN_INSTANT};
use crate::rotation::{
    Action, Cause, CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Escrow, Ledger, Notice,
    NoticeCode, Pending,
};
use crate::source::key_set;
use crate::terraform::Value;

/// An instant, or null; what a forecast does not know is unknown.
pub(in crate::provider::secret) fn instant(at: Option<Timestamp>) -> Value {
    match at {
        Some(at) if at == UNKNOWN_INSTANT => Value::unknown(),
        at => Value::optional(at.map(|at| at.to_string())),
    }
}

pub(super) fn read_instant(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(|text| text.parse().ok())
}

pub(super) fn texts(items: impl Iterator<Item = String>) -> Value {
    Value::List(items.map(Value::string).collect())
}

pub(super) fn read_texts(value: &Value) -> Vec<String> {
    let items = value.as_list().unwrap_or_default().iter();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

pub(in crate::provider::secret) fn pending_value(pending: &Pending) -> Value {
    Value::object([
        ("action", Value::string(pending.action.as_str())),
        ("cause", Value::optional(pending.cause.map(Cause::as_str))),
        ("target", Value::optional(pending.target.as_ref())),
        ("generation", pending.generation.map_or(Value::Null, Value::number)),
        ("credential_id", Value::optional(pending.credential_id.as_ref())),
        ("reason", Value::string(&pending.reason)),
    ])
}

pub(super) fn read_pending(value: &Value) -> Option<Pending> {
    Some(Pending {
        action: Action::parse(value.get("action").as_str()?)?,
        cause: value.get("cause").as_str().and_then(Cause::parse),
        target: value.get("target").as_str().map(str::to_owned),
        generation: value.get("generation").as_u64(),
        credential_id: value.get("credential_id").as_str().map(str::to_owned),
        reason: value.get("reason").as_str().unwrap_or_default().to_owned(),
    })
}

pub(in crate::provider::secret) fn notices_value(notices: &[Notice]) -> Value {
    let value = |notice: &Notice| {
        Value::object([
            ("code", Value::string(notice.code.as_str())),
            ("subject", Value::string(&notice.subject)),
            ("text", Value::string(&notice.text)),
        ])
    };
    Value::List(notices.iter().map(value).collect())
}

pub(super) fn read_notice(value: &Value) -> Option<Notice> {
    Some(Notice {
        code: NoticeCode::parse(value.get("code").as_str()?)?,
        subject: value.get("subject").as_str()?.to_owned(),
        text: value.get("text").as_str().unwrap_or_default().to_owned(),
    })
}

/// One element of `credentials`; its generation is the key. `escrow` is where its value is parked.
pub(in crate::provider::secret) fn credential_value(credential: &CredentialRecord, escrow: Value) -> Value {
    let handle = match credential.credential_id.as_deref() {
        Some(UNKNOWN_HANDLE) => Value::unknown(),
        handle => Value::optional(handle),
    };
    let issuer = Some(&credential.issuer).filter(|_| credential.is_issued());
    Value::object([
        ("credential_id", handle),
        ("issuer", Value::optional(issuer)),
        ("label", Value::string(&credential.label)),
        ("status", Value::string(credential.status.as_str())),
        ("minted_at", instant(credential.minted_at)),
        ("expires_at", instant(credential.expires_at)),
        ("revoke_after", instant(credential.revoke_after)),
        ("escrow", escrow),
    ])
}

pub(super) fn read_credential(generation: &str, value: &Value) -> Option<CredentialRecord> {
    Some(CredentialRecord {
        generation: generation.parse().ok()?,
        credential_id: value.get("credential_id").as_str().map(str::to_owned),
        issuer: value.get("issuer").as_str().unwrap_or_default().to_owned(),
        label: value.get("label").as_str().unwrap_or_default().to_owned(),
        status: CredentialStatus::parse(value.get("status").as_str()?)?,
        minted_at: read_instant(value.get("minted_at")),
        expires_at: read_instant(value.get("expires_at")),
        revoke_after: read_instant(value.get("revoke_after")),
        public_key: None,
    })
}

/// The set of the public keys that are valid; `None` where the source has none.
pub(in crate::provider::secret) fn public_keys_value(ledger: &Ledger) -> Option<Value> {
    let mut keys = ledger.public_keys().peekable();
    keys.peek()?;
    Some(Value::string(key_set::set(keys)))
}

/// The same credentials with the public keys that `public` has of them, taken out of it: the set names the newest first. Of a state that
/// has no set, the only key is that of the generation in place.
pub(super) fn with_public_keys(
    mut credentials: Vec<CredentialRecord>,
    public: &mut BTreeMap<String, String>,
) -> Vec<CredentialRecord> {
    let Some(in_place) = public.get(key_set::PUBLIC_JWK).and_then(|jwk| key_set::key(jwk)) else {
        return credentials;
    };
    let set = public.remove(key_set::JWKS);
    let keys = set.map_or_else(|| vec![in_place], |set| key_set::keys(&set));
    credentials.sort_by_key(|known| std::cmp::Reverse(known.generation));
    let valid = credentials.iter_mut();
    let valid = valid.filter(|known| !known.is_issued() && known.status != CredentialStatus::Orphaned);
    for (known, key) in valid.zip(keys) {
        known.public_key = Some(key);
    }
    credentials
}

/// One element of `deliveries`.
pub(in crate::provider::secret) fn delivery_value(delivery: &DeliveryRecord) -> Value {
    Value::object([
        ("slot", Value::string(&delivery.slot)),
        ("container_id", Value::optional(delivery.container_id.as_ref())),
        ("renamed_to", Value::optional(delivery.renamed_to.as_ref())),
        ("generation", delivery.generation.map_or(Value::Null, Value::number)),
        ("status", Value::string(delivery.status.as_str())),
        ("revision", Value::optional(delivery.revision.as_ref())),
        ("existed_before", Value::Bool(delivery.existed_before)),
        ("delivered_at", instant(delivery.delivered_at)),
        ("detail", Value::optional(delivery.detail.as_ref())),
    ])
}

pub(super) fn read_delivery(value: &Value) -> Option<DeliveryRecord> {
    Some(DeliveryRecord {
        slot: value.get("slot").as_str()?.to_owned(),
        container_id: value.get("container_id").as_str().map(str::to_owned),
        renamed_to: value.get("renamed_to").as_str().map(str::to_owned),
        generation: value.get("generation").as_u64(),
        status: DeliveryStatus::parse(value.get("status").as_str()?)?,
        revision: value.get("revision").as_str().map(str::to_owned),
        existed_before: value.get("existed_before") == &Value::Bool(true),
        delivered_at: read_instant(value.get("delivered_at")),
        detail: value.get("detail").as_str().map(str::to_owned),
    })
}

/// Where the value of that generation is parked, as state says it.
pub(in crate::provider::secret) fn escrow_value(ledger: &Ledger, generation: u64) -> Value {
    let escrow = ledger.escrow().filter(|_| ledger.is_parked(generation));
    Value::optional(escrow.map(|escrow| &escrow.slot))
}

/// The element of `credentials` of a generation that is parked and on no record: an interrupted run made it. It says only where.
pub(in crate::provider::secret) fn unrecorded_value(ledger: &Ledger) -> Option<(String, Value)> {
    let generation = ledger.generation();
    let is_unrecorded = ledger.is_parked(generation) && ledger.credential(generation).is_none();
    let absent = |name| (name, Value::Null);
    let nothing = [
        "credential_id",
        "issuer",
        "label",
        "status",
        "minted_at",
        "expires_at",
        "revoke_after",
    ];
    let value = Value::object(nothing.map(absent)).with("escrow", escrow_value(ledger, generation));
    is_unrecorded.then(|| (generation.to_string(), value))
}

/// What a notice about a value that is left in escrow calls its generation. Where no credential says where the entry is, it does.
pub(in crate::provider::secret) fn left_subject(generation: u64, ledger: &Ledger) -> String {
    let known = ledger.credentials().iter();
    let is_said = known.map(|known| known.generation).any(|known| ledger.is_parked(known));
    match ledger.escrow().filter(|_| !is_said) {
        Some(escrow) => format!("generation {generation} in {}", escrow.slot),
        None => format!("generation {generation}"),
    }
}

/// The generation that such a notice is about, and where it is if the notice says so.
fn left_in(notice: &Notice) -> Option<(u64, Option<String>)> {
    let about = notice.subject.strip_prefix("generation ")?;
    let (generation, slot) = match about.split_once(" in ") {
        Some((generation, slot)) => (generation, Some(slot.to_owned())),
        None => (about, None),
    };
    let generation = generation.parse().ok()?;
    (notice.code == NoticeCode::EscrowLeft).then_some((generation, slot))
}

/// What is parked: what `credentials` say, and what `notices` say is left of generations that have ended.
pub(super) fn read_escrow(credentials: &BTreeMap<String, Value>, notices: &[Notice]) -> Option<Escrow> {
    let parked = credentials.iter().filter_map(|(generation, known)| {
        let slot = known.get("escrow").as_str()?;
        Some((generation.parse::<u64>().ok()?, Some(slot.to_owned())))
    });
    let all: Vec<(u64, Option<String>)> = parked.chain(notices.iter().filter_map(left_in)).collect();
    let slot = all.iter().find_map(|(_, slot)| slot.clone())?;
    let generations = all.into_iter().map(|(generation, _)| generation).collect();
    Some(Escrow { slot, generations })
}
