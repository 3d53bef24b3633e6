//! What can become known of a secret, and what the ledger makes of it: the only way in which a ledger changes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::entry::Entry;
use super::ledger::{CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Escrow, Ledger, TAKEN_OVER};
use super::ownership::{Verdict, judge};

/// A generation further ahead than this is not of our counting.
pub const FARTHEST: u64 = 100;

/// Something that became known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An issuer made a credential, or one that it had made was recognised: it is the newest generation now.
    Minted {
        /// Its record.
        credential: CredentialRecord,
        /// Whether making it ended what the same issuer had made before.
        replaces: bool,
    },
    /// What exists is taken over as generation 0, whose credential this is. Without effect where anything is in place.
    TookOver(CredentialRecord),
    /// The entry of a target is part of what is taken over.
    EntryTakenOver {
        /// The target's key.
        target: String,
        /// The slot's address.
        slot: String,
        /// The vendor's own identity of the container, where it has one.
        container_id: Option<String>,
        /// The entry; `None` for an empty slot.
        entry: Option<Entry>,
    },
    /// An issuer's list, or a mark beside a value, shows a credential that no record had.
    Found(CredentialRecord),
    /// The value of a generation is at hand again: the run goes on with it.
    Resumed {
        /// The generation.
        generation: u64,
    },
    /// What consumers verify that generation with is known.
    Published {
        /// The generation.
        generation: u64,
        /// Its public key.
        public_key: String,
    },
    /// No target has an entry: none of the credentials that were found is in use.
    NeverHeld,
    /// A credential is dead: its issuer says so.
    Ended {
        /// Its generation.
        generation: u64,
        /// The address of its issuer.
        issuer: String,
    },
    /// The newest generation is delivered, live and checked everywhere. Older ones end at `revoke_after`, or wait for that
    /// instant while something is staged.
    Promoted {
        /// When the overlap ends.
        revoke_after: Timestamp,
    },
    /// The next wave of the newest generation may start then, and is left to a later run.
    Paused {
        /// When.
        until: Timestamp,
    },
    /// A run goes on with the generation that was paused.
    Continued,
    /// Every target is live by now: the overlap that waited for that ends at `until`. Without effect while one is not.
    OverlapBegan {
        /// When it ends.
        until: Timestamp,
    },
    /// The overlap of an older generation ends at another instant, since `overlap` changed.
    OverlapMoved {
        /// The generation.
        generation: u64,
        /// When it ends now.
        revoke_after: Timestamp,
    },
    /// A person revoked the older generations up to this one (`revoke.confirmed`).
    Confirmed {
        /// The last of them.
        through: u64,
    },
    /// The newest credential is dead at its issuer, though nothing of ours revoked it.
    Died {
        /// Its generation.
        generation: u64,
    },
    /// The newest credential works after all.
    Lives {
        /// Its generation.
        generation: u64,
    },

    /// A slot was looked at and may be written from now on.
    Claimed {
        /// The target's key.
        target: String,
        /// The slot's address.
        slot: String,
        /// Whether an entry of somebody else may have existed.
        existed_before: bool,
        /// What an interrupted create left there.
        left: Option<Left>,
    },
    /// A write was confirmed.
    Delivered {
        /// The target's key.
        target: String,
        /// What was written.
        generation: u64,
        /// The vendor's marker of the write.
        revision: Option<String>,
        /// When it was written.
        at: Timestamp,
        /// Whether its consumers need more than the write to use it.
        staged: bool,
    },
    /// The answer to a write was lost.
    Unanswered {
        /// The target's key.
        target: String,
        /// What was written.
        generation: u64,
    },
    /// A readable target gave back that generation: what it holds is known.
    Recognised {
        /// The target's key.
        target: String,
        /// The generation.
        generation: u64,
        /// The revision that was read.
        revision: String,
        /// Its consumers do not use it yet, as far as is known.
        staged: bool,
        /// When, for an entry that we never wrote as far as the ledger knows.
        at: Timestamp,
    },
    /// Its consumers use what it holds.
    WentLive {
        /// The target's key.
        target: String,
    },
    /// Making it live ended early.
    Remark {
        /// The target's key.
        target: String,
        /// How far it came.
        detail: String,
    },
    /// It holds another text than its configuration asks for.
    Outdated {
        /// The target's key.
        target: String,
    },
    /// The vendor's own identity of the container that a target is in.
    Identified {
        /// The target's key.
        target: String,
        /// The identity, such as GitHub's id of a repository.
        container_id: String,
    },
    /// What a look tells of the name of a target's container.
    Renamed {
        /// The target's key.
        target: String,
        /// The slot's address under another name than the one on record.
        slot: Option<String>,
    },
    /// The entry of a target is deleted, or no longer this secret's concern.
    Dropped {
        /// The target's key.
        target: String,
    },
    /// The configuration gives targets other keys; those that are not in it any more wait to be deleted.
    Rekeyed {
        /// Old key and new key of each target that stays.
        stays: Vec<(String, String)>,
        /// Old key and new key of each target that leaves.
        leaves: Vec<(String, String)>,
    },

    /// A refresh looked at a target's entry.
    Seen(Seen),
    /// A refresh could not look at a target.
    Unreachable {
        /// The target's key.
        target: String,
    },
    /// The container of a target is proved to be no more.
    ContainerGone {
        /// The target's key.
        target: String,
    },
    /// Marks show a generation that the ledger does not know: an interrupted apply wrote it.
    FoundAhead {
        /// The generation.
        generation: u64,
    },
    /// Two runs made one generation: these targets may hold either value.
    Doubted {
        /// Keys of the targets.
        targets: BTreeSet<String>,
    },
    /// These slots are filled although nothing was written there as far as the ledger knows: an interrupted apply may have.
    FirstWritesDoubted {
        /// Keys of the targets.
        targets: BTreeSet<String>,
    },
    /// The values of these generations are parked, and no others.
    Parked(Escrow),
    /// Nothing is parked.
    Unparked,
    /// Records have other addresses from now on: those of an older format are known completely, a connection or a container was renamed.
    Located {
        /// The text in the record, and the complete address.
        addresses: BTreeMap<String, String>,
    },
}

/// What an interrupted create left in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// A generation, as its mark says.
    Marked {
        /// The generation.
        generation: u64,
        /// The vendor's marker of the write.
        revision: Option<String>,
    },
    /// An entry without a mark: perhaps ours.
    Doubtful,
}

/// What a refresh saw of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The target's key.
    pub target: String,
    /// The secret's id.
    pub id: String,
    /// The entry; `None` for an empty slot.
    pub entry: Option<Entry>,
    /// Its consumers use a new value only when somebody deploys them.
    pub deferred: bool,
    /// Its consumers load a new value when an activation of its wave says so.
    pub is_activated: bool,
    /// A revocation is due: consumers that are not proved to use the value are brought to use it first.
    pub must_be_live: bool,
    /// The last refresh could not look, and nothing else made its status unknown.
    pub was_unreachable: bool,
    /// Now.
    pub at: Timestamp,
}

impl Ledger {
    /// Takes in what became known.
    pub fn record(&mut self, event: Event) {
        match event {
            Event::Minted { credential, replaces } => self.minted(credential, replaces),
            Event::TookOver(credential) => self.took_over(credential),
            Event::EntryTakenOver {
                target,
                slot,
                container_id,
                entry,
            } => self.entry_taken_over(target, slot, container_id, entry.as_ref()),
            Event::Found(credential) => self.found(credential),
            Event::Resumed { generation } => self.resumed(generation),
            Event::Published { generation, public_key } => {
                self.change(generation, |known| known.public_key = Some(public_key.clone()));
            }
            Event::NeverHeld => {
                for credential in &mut self.credentials {
                    credential.status = CredentialStatus::Orphaned;
                }
            }
            Event::Ended { generation, issuer } => self.ended(generation, &issuer),
            Event::Promoted { revoke_after } => self.promoted(revoke_after),
            Event::Paused { until } => self.paused_until = Some(until).filter(|_| !self.finished),
            Event::Continued => self.paused_until = None,
            Event::OverlapBegan { until } => self.overlap_began(until),
            Event::OverlapMoved {
                generation,
                revoke_after,
            } => self.change(generation, |known| known.revoke_after = Some(revoke_after)),
            Event::Confirmed { through } => {
                let newest = self.generation;
                self.credentials
                    .retain(|known| known.generation > through || known.generation == newest || known.is_published());
            }
            Event::Died { generation } => self.change(generation, |known| known.status = CredentialStatus::Disabled),
            Event::Lives { generation } => self.change(generation, |known| {
                if known.status == CredentialStatus::Disabled {
                    known.status = CredentialStatus::Current;
                }
            }),
            Event::Rekeyed { stays, leaves } => self.rekeyed(stays, &leaves),
            Event::Dropped { target } => drop(self.deliveries.remove(&target)),
            Event::Seen(seen) => self.seen(seen),
            Event::FoundAhead { generation } => {
                self.generation = generation;
                self.finished = false;
                self.paused_until = None;
            }
            Event::Doubted { targets } => self.doubted(&targets),
            Event::FirstWritesDoubted { targets } => self.first_writes_doubted(&targets),
            Event::Parked(escrow) => self.escrow = Some(escrow),
            Event::Unparked => self.unparked(),
            Event::Located { addresses } => self.located(&addresses),
            Event::Claimed {
                target,
                slot,
                existed_before,
                left,
            } => self.claimed(target, slot, existed_before, left),
            Event::Delivered { ref target, .. }
            | Event::Unanswered { ref target, .. }
            | Event::Recognised { ref target, .. }
            | Event::WentLive { ref target }
            | Event::Remark { ref target, .. }
            | Event::Outdated { ref target }
            | Event::Identified { ref target, .. }
            | Event::Renamed { ref target, .. }
            | Event::Unreachable { ref target }
            | Event::ContainerGone { ref target } => {
                if let Some(delivery) = self.deliveries.get_mut(target) {
                    written(delivery, event);
                }
            }
        }
    }

    fn change(&mut self, generation: u64, change: impl Fn(&mut CredentialRecord)) {
        for known in &mut self.credentials {
            if known.generation == generation {
                change(known);
            }
        }
    }

    /// A handle has one value: what carried it before ended when it was made again. Another handle lives on.
    fn minted(&mut self, credential: CredentialRecord, replaces: bool) {
        self.credentials.retain(|known| {
            let made_again = match (&credential.credential_id, &known.credential_id) {
                (Some(new), Some(old)) => new == old,
                _ => replaces,
            };
            known.issuer != credential.issuer || !made_again
        });
        for at in 0..self.credentials.len() {
            let superseded = self.credentials.get(at).map(|known| (known.status, known.generation));
            let Some((CredentialStatus::Current | CredentialStatus::Disabled, generation)) = superseded else {
                continue;
            };
            // One that was never in place, and that no target can hold by now, has no consumers.
            let was_in_place = self.finished || generation != self.generation || !self.never_held(generation);
            if let Some(known) = self.credentials.get_mut(at) {
                known.status = if was_in_place {
                    CredentialStatus::Overlapping
                } else {
                    CredentialStatus::Orphaned
                };
            }
        }
        self.generation = credential.generation;
        self.finished = false;
        self.paused_until = None;
        if credential.public_key.is_none() {
            // Another source made it: no set of keys is published any more.
            self.credentials.iter_mut().for_each(|known| known.public_key = None);
        }
        self.note(credential);
    }

    fn took_over(&mut self, credential: CredentialRecord) {
        if self.is_begun() || !self.credentials.is_empty() {
            return;
        }
        self.finished = true;
        self.note(CredentialRecord {
            generation: TAKEN_OVER,
            status: CredentialStatus::Current,
            revoke_after: None,
            ..credential
        });
    }

    fn entry_taken_over(&mut self, target: String, slot: String, container_id: Option<String>, entry: Option<&Entry>) {
        if !self.is_taken_over() || self.deliveries.contains_key(&target) {
            return;
        }
        let mut record = DeliveryRecord {
            container_id,
            generation: Some(TAKEN_OVER),
            status: DeliveryStatus::Missing,
            ..DeliveryRecord::new(slot)
        };
        if let Some(entry) = entry {
            take_over(&mut record, entry);
        }
        self.deliveries.insert(target, record);
    }

    /// Two runs may have made the same generation, the second before the issuer's list showed what the first had made: the one
    /// that is found later counts as the next number, whatever its label says, so that each is ended by itself.
    fn found(&mut self, mut credential: CredentialRecord) {
        let is_other = |known: &CredentialRecord| known.credential_id != credential.credential_id;
        if self.credential(credential.generation).is_some_and(is_other) {
            credential.generation = self.highest() + 1;
        }
        self.note(credential);
    }

    /// Adds or replaces the record of a generation at its issuer, keeping the order.
    fn note(&mut self, credential: CredentialRecord) {
        self.credentials
            .retain(|known| known.generation != credential.generation || known.issuer != credential.issuer);
        self.credentials.push(credential);
        self.credentials.sort_by_key(|known| known.generation);
    }

    /// An older generation than the one in place is restored: that one is superseded by it.
    fn resumed(&mut self, generation: u64) {
        if generation != self.generation {
            let superseded = self.generation;
            let status = match self.never_held(superseded) {
                true => CredentialStatus::Orphaned,
                false => CredentialStatus::Overlapping,
            };
            self.change(superseded, |known| {
                if generation < superseded && known.status == CredentialStatus::Current {
                    known.status = status;
                }
            });
            self.generation = generation;
            self.finished = false;
            self.paused_until = None;
        }
        self.change(generation, |known| {
            known.status = CredentialStatus::Current;
            known.revoke_after = None;
        });
    }

    /// A number is never given again, although the generation that had it is no more.
    fn ended(&mut self, generation: u64, issuer: &str) {
        if generation > self.generation {
            self.outnumbered = self.outnumbered.max(generation);
        }
        self.credentials
            .retain(|known| known.generation != generation || known.issuer != issuer);
    }

    fn promoted(&mut self, revoke_after: Timestamp) {
        self.finished = true;
        self.paused_until = None;
        let staged = self.has_staged();
        let newest = self.generation;
        // Nobody accepts what nobody issued once no target holds it; what is parked can be restored until its overlap ends, and a public
        // key verifies until then.
        let parked = self.escrow.take();
        let is_parked = |generation| parked.iter().any(|escrow| escrow.generations.contains(&generation));
        self.credentials
            .retain(|known| known.generation == newest || known.is_accepted() || is_parked(known.generation));
        self.escrow = parked;
        for credential in &mut self.credentials {
            if credential.generation == newest {
                credential.status = CredentialStatus::Current;
                credential.revoke_after = None;
            } else if credential.status != CredentialStatus::Orphaned {
                credential.status = CredentialStatus::Overlapping;
                if credential.revoke_after.is_none() && !staged {
                    credential.revoke_after = Some(revoke_after);
                }
            }
        }
    }

    /// Of what nobody accepts, nothing is left once it is not parked any more. A number that is higher than the one in place stays taken.
    fn unparked(&mut self) {
        self.escrow = None;
        if self.finished {
            let newest = self.generation;
            self.credentials
                .retain(|known| known.generation >= newest || known.is_accepted());
        }
    }

    fn overlap_began(&mut self, until: Timestamp) {
        let newest = self.generation;
        let mut configured = self
            .deliveries
            .values()
            .filter(|delivery| delivery.status != DeliveryStatus::Removing);
        let live = configured.all(|delivery| delivery.status == DeliveryStatus::Current && delivery.holds(newest));
        if !self.finished || !live {
            return;
        }
        for credential in &mut self.credentials {
            if credential.generation != newest
                && credential.status == CredentialStatus::Overlapping
                && credential.revoke_after.is_none()
            {
                credential.revoke_after = Some(until);
            }
        }
    }

    fn claimed(&mut self, target: String, slot: String, existed_before: bool, left: Option<Left>) {
        let record = self
            .deliveries
            .entry(target)
            .or_insert_with(|| DeliveryRecord::new(slot));
        record.existed_before |= existed_before;
        match left {
            None => {}
            Some(Left::Marked { generation, revision }) => {
                record.generation = Some(generation);
                record.revision = revision;
                record.status = DeliveryStatus::Stale;
            }
            Some(Left::Doubtful) => {
                record.status = DeliveryStatus::Unknown;
                record.detail = Some("an interrupted create may have written it".to_owned());
            }
        }
    }

    fn rekeyed(&mut self, stays: Vec<(String, String)>, leaves: &[(String, String)]) {
        let mut before = std::mem::take(&mut self.deliveries);
        for (old, new) in stays {
            let Some(mut delivery) = before.remove(&old) else {
                continue;
            };
            // It was to be deleted and is configured again: what the entry holds was not looked at meanwhile.
            if delivery.status == DeliveryStatus::Removing {
                delivery.status = DeliveryStatus::Stale;
            }
            self.deliveries.insert(new, delivery);
        }
        for (old, new) in leaves {
            let Some(mut delivery) = before.remove(old) else {
                continue;
            };
            delivery.status = DeliveryStatus::Removing;
            self.deliveries.insert(new.clone(), delivery);
        }
    }

    fn seen(&mut self, seen: Seen) {
        let newest = self.generation;
        let Some(delivery) = self.deliveries.get_mut(&seen.target) else {
            return;
        };
        if delivery.status == DeliveryStatus::Removing {
            return;
        }
        let verdict = judge(delivery, seen.entry.as_ref(), &seen.id);
        if let Some(entry) = seen.entry.as_ref().filter(|entry| entry.label.is_none())
            && newest == TAKEN_OVER
            && delivery.was_absent()
        {
            // It was put there since, as the notice about it asks for.
            take_over(delivery, entry);
            return;
        }
        if delivery.generation.is_none() {
            if let (Verdict::Marked(generation), Some(entry)) = (verdict, &seen.entry) {
                take_up(delivery, entry, generation, newest, &seen);
            }
            return;
        }
        let live = seen.entry.as_ref().and_then(|entry| entry.live).unwrap_or(true);
        // Of an unfinished generation nobody knows whether its activations ran.
        let live = live && (!seen.is_activated || self.finished);
        let held = |live: bool| match live {
            true => DeliveryStatus::Current,
            false => DeliveryStatus::Staged,
        };
        let settled = match delivery.generation == Some(newest) {
            true => held(live),
            false => DeliveryStatus::Stale,
        };
        match (verdict, &seen.entry) {
            (Verdict::Empty, _) | (_, None) => {
                delivery.status = DeliveryStatus::Missing;
                delivery.detail = None;
            }
            (Verdict::Recorded, Some(entry)) => {
                delivery.status = match delivery.status {
                    // Our own activation decides for targets that go live by it.
                    DeliveryStatus::Staged if seen.is_activated => DeliveryStatus::Staged,
                    DeliveryStatus::Staged => held(live),
                    DeliveryStatus::Current if seen.deferred || seen.must_be_live => held(live),
                    // It was written again, by us or by somebody who put it back; its consumers may run the other value.
                    DeliveryStatus::Changed | DeliveryStatus::Missing | DeliveryStatus::Gone => held(live),
                    DeliveryStatus::Unknown if seen.was_unreachable => settled,
                    // The write whose answer was lost did not happen.
                    DeliveryStatus::Unknown => DeliveryStatus::Stale,
                    status => status,
                };
                delivery.revision = delivery.revision.take().or_else(|| entry.revision.clone());
                delivery.detail = match delivery.status {
                    DeliveryStatus::Staged => entry.detail.clone(),
                    DeliveryStatus::Current => entry.exposed.clone(),
                    _ => None,
                };
            }
            (Verdict::CannotTell, _) => {
                if seen.was_unreachable {
                    delivery.status = settled;
                }
            }
            (Verdict::Marked(generation), Some(entry))
                if (generation > newest && generation <= newest + FARTHEST)
                    || (delivery.status == DeliveryStatus::Unknown
                        && !seen.was_unreachable
                        && generation <= newest) =>
            {
                take_up(delivery, entry, generation, newest, &seen);
            }
            (Verdict::Marked(_) | Verdict::Foreign | Verdict::Unanswered, Some(entry)) => {
                delivery.status = DeliveryStatus::Changed;
                let when = entry.modified_at.map(|at| format!(" at {at}")).unwrap_or_default();
                delivery.detail = Some(format!("changed outside Terraform{when}"));
            }
        }
    }

    /// Of a finished generation, markers tell whose write came last; only those that two writes may share are asked about.
    fn doubted(&mut self, targets: &BTreeSet<String>) {
        let finished = self.finished;
        for (key, delivery) in &mut self.deliveries {
            if targets.contains(key) {
                delivery.status = if finished {
                    DeliveryStatus::Stale
                } else {
                    DeliveryStatus::Unknown
                };
            }
        }
    }

    fn first_writes_doubted(&mut self, targets: &BTreeSet<String>) {
        let newest = self.generation;
        let mut doubtful = false;
        for (key, delivery) in &mut self.deliveries {
            let undecided = !matches!(delivery.status, DeliveryStatus::Removing | DeliveryStatus::Unknown);
            if undecided && targets.contains(key) && !delivery.existed_before {
                delivery.status = DeliveryStatus::Unknown;
                // Only a guess: it may be overwritten, since the slot was claimed empty, but a destroy leaves it.
                delivery.existed_before = true;
                delivery.detail = Some("an interrupted apply may have written it".to_owned());
                doubtful = true;
            }
        }
        for known in &mut self.credentials {
            if doubtful && known.generation > newest && known.status == CredentialStatus::Orphaned {
                known.status = CredentialStatus::Overlapping;
            }
        }
    }

    fn located(&mut self, addresses: &BTreeMap<String, String>) {
        for delivery in self.deliveries.values_mut() {
            if let Some(complete) = addresses.get(&delivery.slot) {
                delivery.slot.clone_from(complete);
                delivery.renamed_to = None;
            }
        }
        for known in &mut self.credentials {
            if let Some(complete) = addresses.get(&known.issuer) {
                known.issuer.clone_from(complete);
            }
        }
        if let Some(escrow) = &mut self.escrow
            && let Some(complete) = addresses.get(&escrow.slot)
        {
            escrow.slot.clone_from(complete);
        }
    }
}

/// What an event makes of the record of its target.
fn written(delivery: &mut DeliveryRecord, event: Event) {
    match event {
        Event::Delivered {
            generation,
            revision,
            at,
            staged,
            ..
        } => {
            delivery.generation = Some(generation);
            delivery.status = status_of(staged);
            delivery.revision = revision;
            delivery.delivered_at = Some(at);
            delivery.detail = None;
        }
        Event::Unanswered { generation, .. } => {
            delivery.status = DeliveryStatus::Unknown;
            delivery.detail = Some(format!("the answer to writing generation {generation} was lost"));
        }
        Event::Recognised {
            generation,
            revision,
            staged,
            at,
            ..
        } => {
            // What is on record as live is not staged again by being read.
            let is_live = delivery.status == DeliveryStatus::Current && delivery.holds(generation);
            let is_live = is_live && delivery.revision.as_ref() == Some(&revision);
            delivery.generation = Some(generation);
            delivery.status = status_of(staged && !is_live);
            delivery.revision = Some(revision);
            delivery.delivered_at = delivery.delivered_at.or(Some(at));
            delivery.detail = None;
        }
        Event::WentLive { .. } => {
            delivery.status = DeliveryStatus::Current;
            delivery.detail = None;
        }
        Event::Remark { detail, .. } => delivery.detail = Some(detail),
        Event::Identified { container_id, .. } => delivery.container_id = Some(container_id),
        Event::Renamed { slot, .. } => delivery.renamed_to = slot,
        Event::Outdated { .. } => delivery.status = DeliveryStatus::Stale,
        Event::Unreachable { .. } if delivery.status != DeliveryStatus::Removing => {
            delivery.status = DeliveryStatus::Unknown;
        }
        Event::ContainerGone { .. } if delivery.status != DeliveryStatus::Removing => {
            delivery.status = DeliveryStatus::Gone;
            delivery.detail = None;
        }
        _ => {}
    }
}

fn status_of(staged: bool) -> DeliveryStatus {
    if staged {
        DeliveryStatus::Staged
    } else {
        DeliveryStatus::Current
    }
}

/// An entry that an interrupted apply of this secret wrote, as its mark says.
fn take_up(delivery: &mut DeliveryRecord, entry: &Entry, generation: u64, newest: u64, seen: &Seen) {
    if generation > newest + FARTHEST {
        return;
    }
    delivery.generation = Some(generation);
    delivery.status = if generation < newest {
        DeliveryStatus::Stale
    } else if seen.is_activated {
        DeliveryStatus::Staged
    } else {
        DeliveryStatus::Current
    };
    delivery.revision.clone_from(&entry.revision);
    delivery.delivered_at = entry.modified_at.or(Some(seen.at));
    delivery.detail = None;
}

/// An entry that existed before this secret: what it holds now is generation 0.
fn take_over(record: &mut DeliveryRecord, entry: &Entry) {
    record.status = DeliveryStatus::Current;
    record.revision.clone_from(&entry.revision);
    record.delivered_at = entry.modified_at;
    record.existed_before = true;
    record.detail = None;
}
