//! Whose an entry is. Everything that overwrites, deletes or revokes asks here.

use jiff::SignedDuration;

use super::entry::{Entry, RevisionKind};
use super::ledger::{DeliveryRecord, DeliveryStatus, TAKEN_OVER};

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
    let taken_over = record.generation == Some(TAKEN_OVER);
    if taken_over && is_as_taken_over(record, entry) {
        return Verdict::Recorded;
    }
    if let Some(label) = &entry.label {
        let equal = record.revision.is_some() && record.revision == entry.revision;
        return match label.belongs_to(id) {
            false => Verdict::Foreign,
            true if equal && record.generation == Some(label.generation) => Verdict::Recorded,
            true => Verdict::Marked(label.generation),
        };
    }
    let listed = entry.modified_at.is_some();
    if taken_over && entry.kind == RevisionKind::Version {
        return match entry.modified_at > record.delivered_at {
            true => Verdict::Foreign,
            false => Verdict::CannotTell,
        };
    }
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

/// The same where nothing is on record: by the mark alone.
pub fn judge_mark(entry: Option<&Entry>, id: &str) -> Verdict {
    judge(&DeliveryRecord::new(String::new()), entry, id)
}

/// Whether an entry that was taken over is still what it was then. A version counts only together with the time of its write, since an
/// entry that is made anew starts its version again.
fn is_as_taken_over(record: &DeliveryRecord, entry: &Entry) -> bool {
    let (Some(known), Some(seen)) = (&record.revision, &entry.revision) else {
        return false;
    };
    match entry.kind {
        RevisionKind::Digest => !bare(known).is_empty() && bare(known) == bare(seen),
        RevisionKind::Time | RevisionKind::SaltedDigest => known == seen,
        RevisionKind::Version => {
            known == seen && entry.modified_at.is_some() && entry.modified_at == record.delivered_at
        }
    }
}

/// Whether our first write to a slot that was empty had no answer.
fn claimed_empty(record: &DeliveryRecord) -> bool {
    record.status == DeliveryStatus::Unknown && !record.existed_before
}

fn same_kind(record: &DeliveryRecord, entry: &Entry, known: &str, seen: &str) -> Verdict {
    let (known, seen) = match entry.kind {
        RevisionKind::Digest => (bare(known), bare(seen)),
        RevisionKind::Version | RevisionKind::Time | RevisionKind::SaltedDigest => (known, seen),
    };
    if known.is_empty() || seen.is_empty() {
        return Verdict::CannotTell;
    }
    if known == seen {
        return Verdict::Recorded;
    }
    if entry.kind == RevisionKind::SaltedDigest {
        return Verdict::Foreign;
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::label::Label;

    const ID: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210";

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(1_900_000_000 + second).ok()
    }

    /// What generation 2 left behind ten seconds after the epoch of these tests.
    fn written(revision: Option<&str>) -> DeliveryRecord {
        DeliveryRecord {
            generation: Some(2),
            status: DeliveryStatus::Current,
            revision: revision.map(str::to_owned),
            delivered_at: at(10),
            ..DeliveryRecord::new("kind:default:container/name".to_owned())
        }
    }

    fn entry(kind: RevisionKind, revision: &str, second: Option<i64>) -> Entry {
        Entry {
            revision: Some(revision.to_owned()),
            kind,
            label: None,
            modified_at: second.and_then(at),
            live: None,
            detail: None,
            is_unreadable: false,
            exposed: None,
        }
    }

    fn marked(revision: &str, id: &str, generation: u64) -> Entry {
        Entry {
            label: Some(Label::new("t", id, generation)),
            ..entry(RevisionKind::Version, revision, Some(10))
        }
    }

    #[test]
    fn equal_revisions_count_only_together_with_what_proves_our_write() {
        let record = written(Some("7"));
        for (seen, verdict) in [
            (marked("7", ID, 2), Verdict::Recorded),
            // A recreated entry starts its version anew; in another region, another generation of ours may have that version.
            (entry(RevisionKind::Version, "7", Some(10)), Verdict::Foreign),
            (marked("7", ID, 1), Verdict::Marked(1)),
            (marked("7", OTHER, 2), Verdict::Foreign),
            (marked("8", ID, 2), Verdict::Marked(2)),
            (marked("8", ID, 3), Verdict::Marked(3)),
            // Its metadata is not listed yet.
            (entry(RevisionKind::Version, "7", None), Verdict::CannotTell),
            (entry(RevisionKind::Version, "8", None), Verdict::CannotTell),
        ] {
            assert_eq!(judge(&record, Some(&seen), ID), verdict, "{seen:?}");
        }
        assert_eq!(judge(&record, None, ID), Verdict::Empty);
    }

    #[test]
    fn another_revision_is_somebodys_write_only_if_it_is_later_than_ours() {
        let digest = |revision, second| entry(RevisionKind::Digest, revision, second);
        for (known, seen, verdict) in [
            ("ab@3", digest("ab", Some(99)), Verdict::Recorded),
            ("ab@3", digest("cd", Some(11)), Verdict::Foreign),
            ("ab@3", digest("cd", Some(10)), Verdict::CannotTell),
            ("ab@3", digest("cd", None), Verdict::CannotTell),
            ("", digest("cd", Some(11)), Verdict::CannotTell),
        ] {
            assert_eq!(
                judge(&written(Some(known)), Some(&seen), ID),
                verdict,
                "{known} {seen:?}"
            );
        }
        // A replica that lags shows an older time.
        let time = |second| entry(RevisionKind::Time, &at(second).unwrap().to_string(), Some(second));
        let record = written(Some(&at(10).unwrap().to_string()));
        for (second, verdict) in [
            (10, Verdict::Recorded),
            (9, Verdict::CannotTell),
            (11, Verdict::Foreign),
        ] {
            assert_eq!(judge(&record, Some(&time(second)), ID), verdict, "{second}");
        }
    }

    #[test]
    fn another_digest_under_our_own_salt_is_another_value_whatever_the_time() {
        let record = written(Some("salt.ab"));
        let digest = |revision| entry(RevisionKind::SaltedDigest, revision, None);
        assert_eq!(judge(&record, Some(&digest("salt.ab")), ID), Verdict::Recorded);
        assert_eq!(judge(&record, Some(&digest("salt.cd")), ID), Verdict::Foreign);
        let unsalted = Entry {
            revision: None,
            ..digest("")
        };
        assert_eq!(judge(&record, Some(&unsalted), ID), Verdict::CannotTell);
        assert_eq!(judge(&written(None), Some(&unsalted), ID), Verdict::CannotTell);
    }

    #[test]
    fn a_write_whose_answer_named_no_revision_is_known_by_its_time() {
        let seen = |second| entry(RevisionKind::Time, "later", second);
        for (second, verdict) in [
            (Some(12), Verdict::Recorded),
            (Some(16), Verdict::Foreign),
            (Some(4), Verdict::CannotTell),
            (None, Verdict::CannotTell),
        ] {
            assert_eq!(judge(&written(None), Some(&seen(second)), ID), verdict, "{second:?}");
        }
    }

    #[test]
    fn a_first_write_without_an_answer_is_perhaps_ours_if_the_slot_was_empty() {
        let seen = entry(RevisionKind::Digest, "ab", Some(10));
        let unanswered = |existed_before| DeliveryRecord {
            generation: None,
            status: DeliveryStatus::Unknown,
            existed_before,
            ..written(None)
        };
        assert_eq!(judge(&unanswered(false), Some(&seen), ID), Verdict::Unanswered);
        assert_eq!(judge(&unanswered(true), Some(&seen), ID), Verdict::CannotTell);
        // Where every write of ours carries a mark, one without is somebody else's.
        let unmarked = entry(RevisionKind::Version, "1", Some(10));
        assert_eq!(judge(&unanswered(false), Some(&unmarked), ID), Verdict::Foreign);
    }
}
