//! What is durably known about one secret: which credentials may be live, and what each target holds.
//!
//! It is stored in the resource's computed attributes and holds no value. Records only ever say what was seen: an
//! unknown outcome is recorded as unknown, never as success or failure. A ledger changes by [`Ledger::record`] alone
//! (`event.rs`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// The generation of what existed before this secret and was taken over: an adoption, an import. Nothing of ours makes it.
pub const TAKEN_OVER: u64 = 0;

/// Where a credential stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CredentialStatus {
    /// The newest one; targets hold it or are about to.
    Current,
    /// An older one that some consumer may still use.
    Overlapping,
    /// One that no target ever held.
    Orphaned,
    /// Dead at its issuer, or switched off there and not deleted yet.
    Disabled,
}

impl CredentialStatus {
    /// The word in state.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads the word in state.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// What is known of a target's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryStatus {
    /// Holds the generation, and consumers use it or pick it up by themselves.
    Current,
    /// Holds an older generation, or nothing of ours yet.
    Stale,
    /// Holds the generation; consumers do not use it yet.
    Staged,
    /// Somebody wrote after us.
    Changed,
    /// Somebody deleted it.
    Missing,
    /// The answer to our write was lost, or the vendor could not be asked.
    Unknown,
    /// No longer configured; waits to be deleted.
    Removing,
    /// Its container is proved to be no more.
    Gone,
}

impl DeliveryStatus {
    /// The word in state.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads the word in state.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// A credential that may be live at its issuer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CredentialRecord {
    /// Its generation.
    pub generation: u64,
    /// The issuer's handle; `None` for values that nobody issues, and where a person gave none.
    pub credential_id: Option<String>,
    /// The issuer's complete address; empty for values that we generate, which nobody issues.
    pub issuer: String,
    /// The name it carries there.
    pub label: String,
    /// Where it stands.
    pub status: CredentialStatus,
    /// When it was made.
    pub minted_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When its overlap ends; `None` while that is not decided.
    pub revoke_after: Option<Timestamp>,
    /// Its public key, where consumers are given those of all generations that are valid.
    pub public_key: Option<String>,
}

impl CredentialRecord {
    /// Whether an issuer made it, or a person supplied it.
    pub fn is_issued(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// Whether somebody but this provider accepts it: its issuer, or whoever verifies with its public key.
    pub fn is_accepted(&self) -> bool {
        self.is_issued() || self.is_published()
    }

    /// Whether its public key stands beside those of other generations: nobody signs with one that was never in place.
    pub fn is_published(&self) -> bool {
        self.public_key.is_some() && self.status != CredentialStatus::Orphaned
    }
}

/// What is known of one target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeliveryRecord {
    /// The slot's complete address.
    pub slot: String,
    /// The vendor's own identity of the container, where it has one.
    pub container_id: Option<String>,
    /// The slot's address under the container's present name, where its vendor has shown another than the slot's.
    pub renamed_to: Option<String>,
    /// The generation that we last wrote there; `None` before the first write.
    pub generation: Option<u64>,
    /// What is known of the entry.
    pub status: DeliveryStatus,
    /// The vendor's marker of our write.
    pub revision: Option<String>,
    /// Something stood there before our first write.
    pub existed_before: bool,
    /// When we last wrote it.
    pub delivered_at: Option<Timestamp>,
    /// A short remark.
    pub detail: Option<String>,
}

impl DeliveryRecord {
    /// A slot that holds nothing of ours yet.
    pub fn new(slot: String) -> Self {
        Self {
            slot,
            container_id: None,
            renamed_to: None,
            generation: None,
            status: DeliveryStatus::Stale,
            revision: None,
            existed_before: false,
            delivered_at: None,
            detail: None,
        }
    }

    /// Whether its entry was absent when the secret was taken over, and has not been seen since.
    pub fn was_absent(&self) -> bool {
        let unseen = self.revision.is_none() && self.delivered_at.is_none();
        self.generation == Some(TAKEN_OVER) && self.status == DeliveryStatus::Missing && unseen
    }

    /// Whether it certainly holds that generation.
    pub fn holds(&self, generation: u64) -> bool {
        self.generation == Some(generation) && matches!(self.status, DeliveryStatus::Current | DeliveryStatus::Staged)
    }
}

/// Where values are parked, and of which generations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Escrow {
    /// The entry's complete address.
    pub slot: String,
    /// Generations whose value is in it.
    pub generations: BTreeSet<u64>,
}

/// All that is known. It changes by [`Ledger::record`] alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ledger {
    pub(super) generation: u64,
    pub(super) finished: bool,
    pub(super) credentials: Vec<CredentialRecord>,
    pub(super) deliveries: BTreeMap<String, DeliveryRecord>,
    pub(super) escrow: Option<Escrow>,
    /// The highest number that was ever given to a generation which a restored one outlived; else 0.
    pub(super) outnumbered: u64,
    pub(super) paused_until: Option<Timestamp>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::of_state(0, true, Vec::new(), BTreeMap::new())
    }
}

impl Ledger {
    /// The ledger as a state holds it.
    pub fn of_state(
        generation: u64,
        finished: bool,
        mut credentials: Vec<CredentialRecord>,
        deliveries: BTreeMap<String, DeliveryRecord>,
    ) -> Self {
        credentials.sort_by_key(|credential| credential.generation);
        Self {
            generation,
            finished,
            credentials,
            deliveries,
            escrow: None,
            outnumbered: 0,
            paused_until: None,
        }
    }

    /// The same with what is parked.
    #[must_use]
    pub fn with_escrow(self, escrow: Option<Escrow>) -> Self {
        Self { escrow, ..self }
    }

    /// The same, where numbers up to this one were given to generations that are no more.
    #[must_use]
    pub fn with_outnumbered(self, outnumbered: u64) -> Self {
        Self { outnumbered, ..self }
    }

    /// The generation in place, or about to be: the newest that was minted, or an older one that was restored. 0 before the first,
    /// whether or not something was taken over.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the newest generation was delivered, activated and checked everywhere.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// When the next wave of an unfinished generation may start, where a run has left it to a later one. Nothing failed.
    pub fn paused_until(&self) -> Option<Timestamp> {
        self.paused_until
    }

    /// Whether what is in place was taken over and has not been rotated since.
    pub fn is_taken_over(&self) -> bool {
        self.generation == TAKEN_OVER && self.credential(TAKEN_OVER).is_some()
    }

    /// Whether there is anything to rotate: a generation was made, or what existed was taken over.
    pub fn is_begun(&self) -> bool {
        self.generation > TAKEN_OVER || self.is_taken_over()
    }

    /// Credentials that may be live, newest last.
    pub fn credentials(&self) -> &[CredentialRecord] {
        &self.credentials
    }

    /// Targets by key.
    pub fn deliveries(&self) -> &BTreeMap<String, DeliveryRecord> {
        &self.deliveries
    }

    /// The record of one target.
    pub fn delivery(&self, key: &str) -> Option<&DeliveryRecord> {
        self.deliveries.get(key)
    }

    /// What is known of one target's entry; `None` for a target without a record.
    pub fn status(&self, key: &str) -> Option<DeliveryStatus> {
        self.delivery(key).map(|delivery| delivery.status)
    }

    /// The record of one generation.
    pub fn credential(&self, generation: u64) -> Option<&CredentialRecord> {
        self.credentials
            .iter()
            .find(|credential| credential.generation == generation)
    }

    /// The highest number that a generation ever had, in place or not; 0 before the first.
    pub fn highest(&self) -> u64 {
        let recorded = self.credentials.iter().map(|credential| credential.generation);
        recorded.max().unwrap_or(0).max(self.generation).max(self.outnumbered)
    }

    /// Where values are parked, and of which generations.
    pub fn escrow(&self) -> Option<&Escrow> {
        self.escrow.as_ref()
    }

    /// Whether the value of that generation is parked.
    pub fn is_parked(&self, generation: u64) -> bool {
        self.escrow
            .as_ref()
            .is_some_and(|escrow| escrow.generations.contains(&generation))
    }

    /// The public keys of all generations that are valid, the newest first.
    pub fn public_keys(&self) -> impl Iterator<Item = &str> {
        let valid = self.credentials.iter().rev().filter(|known| known.is_published());
        valid.filter_map(|known| known.public_key.as_deref())
    }

    /// Generations that have ended and whose value is parked still.
    pub fn left_in_escrow(&self) -> BTreeSet<u64> {
        let parked = self.escrow.iter().flat_map(|escrow| &escrow.generations);
        parked
            .copied()
            .filter(|generation| *generation != self.generation && self.credential(*generation).is_none())
            .collect()
    }

    /// Generations other than the one in place that may be live, or whose value is kept.
    pub fn superseded(&self) -> BTreeSet<u64> {
        self.credentials
            .iter()
            .map(|c| c.generation)
            .filter(|generation| *generation != self.generation)
            .collect()
    }

    /// The generation that is valid beside that one, in place or to be: the one that was superseded last.
    pub fn beside(&self, generation: u64) -> Option<&CredentialRecord> {
        let others = self.credentials.iter();
        let others =
            others.filter(|known| known.generation != generation && known.status != CredentialStatus::Orphaned);
        others.max_by_key(|known| (known.revoke_after.is_none(), known.revoke_after, known.generation))
    }

    /// The generation that is revoked first where the issuer's limit asks for room: the oldest superseded one that no target may hold.
    pub fn dispensable(&self, spared: &BTreeSet<u64>) -> Option<u64> {
        let found = self.credentials.iter().find(|credential| {
            credential.generation != self.generation
                && !spared.contains(&credential.generation)
                && (credential.status == CredentialStatus::Orphaned || !self.is_held(credential.generation))
        });
        found.map(|credential| credential.generation)
    }

    /// Generations that the entry of this target may hold: what we wrote last, or anything live when its write is in doubt.
    pub fn may_hold(&self, key: &str) -> BTreeSet<u64> {
        match self.deliveries.get(key) {
            Some(delivery) => match delivery.status {
                DeliveryStatus::Unknown | DeliveryStatus::Changed => {
                    self.credentials.iter().map(|c| c.generation).collect()
                }
                DeliveryStatus::Missing | DeliveryStatus::Gone => BTreeSet::new(),
                _ => delivery.generation.into_iter().collect(),
            },
            None => BTreeSet::new(),
        }
    }

    /// Whether any target may hold that generation.
    pub fn is_held(&self, generation: u64) -> bool {
        self.deliveries
            .keys()
            .any(|key| self.may_hold(key).contains(&generation))
    }

    /// Whether provably no target ever held that generation: it is known to be an orphan, or it was made last, was never in place,
    /// and no record names it.
    pub fn never_held(&self, generation: u64) -> bool {
        let status = self.credential(generation).map(|known| known.status);
        // What was deleted may have been it: its consumers read it before.
        let may_have_held = |known: &DeliveryRecord| {
            let in_doubt = matches!(
                known.status,
                DeliveryStatus::Unknown | DeliveryStatus::Changed | DeliveryStatus::Missing
            );
            in_doubt || known.generation == Some(generation)
        };
        let newest_and_refused =
            generation == self.generation && !self.finished && !self.deliveries.values().any(may_have_held);
        status == Some(CredentialStatus::Orphaned) || newest_and_refused
    }

    /// Whether some target holds the newest generation without its consumers using it.
    pub fn has_staged(&self) -> bool {
        self.deliveries
            .values()
            .any(|delivery| delivery.status == DeliveryStatus::Staged)
    }
}
