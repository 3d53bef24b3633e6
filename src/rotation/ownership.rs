//! Whose an entry is. Everything that overwrites, deletes or revokes asks here.

use jiff::SignedDuration;

use super::entry::{Entry, RevisionKind};
use super::ledger::{DeliveryRecord, DeliveryStatus};

/// By how much the time of an entry may be off that of our write when the write's own answer named no revision.
const ANSWER_DELAY: SignedDuration = SignedDuration::from_secs(5);

/// The answer to: is this entry ours?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// There is no entry.
    Empty,
    /// It is what our record says that we wrote.
    Recorded,
    /// It carries this secret's mark of that generation, by a write that the record does not know: an interrupted apply's,
    /// or another state's.
    Marked(u64),
    /// The slot was seen empty, then our first write went unanswered: it may be that write.
    Unanswered,
    /// Somebody else wrote it.
    Foreign,
    /// Nothing shows whose it is.
    CannotTell,
}

/// Judges an entry by our record of it and by its own mark. `id` is the secret's.
///
/// Equal revisions count only together with our mark, the time of our write, or a marker that follows from the value: a
/// recreated entry may start its version anew. Another revision is somebody's write only if it is later than ours; one of
/// another form, or without such a time, proves nothing.
pub fn judge(record: &DeliveryRecord, entry: Option<&Entry>, id: &str) -> Verdict {
    let Some(entry) = entry else { return Verdict::Empty };
    if let Some(label) = &entry.label {
        let equal = record.revision.is_some() && record.revision == entry.revision;
        return match label.belongs_to(id) {
            false => Verdict::Foreign,
            true if equal && record.generation == Some(label.generation) => Verdict::Recorded,
            true => Verdict::Marked(label.generation),
        };
    }
    let listed = entry.modified_at.is_some();
    if entry.kind == RevisionKind::Version {
        // Ours always carries a mark, unless the vendor does not list its metadata yet.
        return if listed { Verdict::Foreign } else { Verdict::CannotTell };
    }
    match (&record.revision, &entry.revision) {
        (Some(known), Some(seen)) => same_kind(record, entry, known, seen),
        (None, Some(_)) if record.generation.is_some() => by_time(record, entry),
        (None, _) if record.generation.is_none() && claimed_empty(record) => Verdict::Unanswered,
        _ => Verdict::CannotTell,
    }
}

/// Whether our first write to a slot that was empty had no answer.
fn claimed_empty(record: &DeliveryRecord) -> bool {
    record.status == DeliveryStatus::Unknown && !record.existed_before
}

fn same_kind(record: &DeliveryRecord, entry: &Entry, known: &str, seen: &str) -> Verdict {
    let (known, seen) = match entry.kind {
        RevisionKind::Digest => (bare(known), bare(seen)),
        RevisionKind::Version | RevisionKind::Time => (known, seen),
    };
    if known.is_empty() || seen.is_empty() {
        return Verdict::CannotTell;
    }
    if known == seen {
        return Verdict::Recorded;
    }
    let later = match (entry.modified_at, record.delivered_at) {
        (Some(modified), Some(delivered)) => modified > delivered,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if later { Verdict::Foreign } else { Verdict::CannotTell }
}

/// A write whose answer named no revision is known by its time.
fn by_time(record: &DeliveryRecord, entry: &Entry) -> Verdict {
    let (Some(modified), Some(delivered)) = (entry.modified_at, record.delivered_at) else {
        return Verdict::CannotTell;
    };
    let apart = modified.duration_since(delivered);
    if apart.abs() <= ANSWER_DELAY {
        Verdict::Recorded
    } else if apart.is_positive() {
        Verdict::Foreign
    } else {
        Verdict::CannotTell
    }
}

/// A digest without what an adapter puts behind it.
fn bare(revision: &str) -> &str {
    revision.rsplit_once('@').map_or(revision, |(digest, _)| digest)
}
