//! Bringing a value into memory: from the issuer, from a readable target, or by minting.

use std::collections::{BTreeMap, BTreeSet};

use super::{Failure, JobTarget, Performed, Run, Subject};
use crate::address::Address;
use crate::call::{CallError, Effect};
use crate::check::Presents;
use crate::diagnostics::{self, LostMint};
use crate::label::Label;
use crate::part::PartName;
use crate::rotation::{CredentialRecord, CredentialStatus, Event};
use crate::secret::{Parts, Secret};
use crate::source::key_set;
use crate::source::{Credential, Handles, Issuance, MintOrder, Minted};
use crate::spec::When;
use crate::target::{Escrowed, TEMPLATE};

impl Run<'_> {
    fn order(&self, generation: u64) -> MintOrder {
        let (issuer, ledger) = (self.job.source.issuer(), &self.outcome.ledger);
        let earlier = ledger.credentials().iter();
        let earlier = earlier.filter(|known| known.generation < generation);
        let mut here = earlier.clone().filter(|known| known.issuer == issuer);
        // A connection that calls the same server by another name has the same handles. What is of another server merely changes whose
        // turn it is.
        let kind = self.job.source.spec.kind.name;
        let is_of_kind = |known: &&CredentialRecord| {
            let address: Option<Address> = known.issuer.parse().ok();
            address.is_some_and(|address| address.kind == kind)
        };
        let lives = |known: &&CredentialRecord| !self.session.outlived.contains(&known.generation);
        let in_use = earlier.filter(is_of_kind).filter(lives);
        let in_place = in_use.clone().find(|known| known.generation == ledger.generation());
        let handles = match self.job.source.traits().issuance {
            Issuance::Fresh { .. } => Handles::default(),
            Issuance::Reset { .. } => Handles {
                in_use: in_use.filter_map(|known| known.credential_id.clone()).collect(),
                in_place: in_place.and_then(|known| known.credential_id.clone()),
                unexplained: self.unexplained,
                before: self.intent(generation).map(|intent| intent.before),
                predecessor_minted_at: here.next_back().and_then(|known| known.minted_at),
            },
        };
        MintOrder {
            label: Label::new(&self.job.label_prefix, &self.job.id, generation),
            handles,
        }
    }

    /// Mints, and records the credential before anything else happens.
    pub(super) async fn mint(&mut self, generation: u64) -> Performed {
        let in_place = self.outcome.ledger.generation();
        self.fetch_previous(in_place + 1, |when| when != When::Preflight).await;
        let order = self.order(generation);
        self.intend(generation).await?;
        let issuer = self.job.source.issuer();
        let minted = self.job.source.adapter.mint(&order, self.permit).await;
        match self.minted_as_told(minted, &order) {
            Ok(minted) => {
                if self.job.source.spec.is_supplied() && in_place > 0 {
                    let id = minted.credential.as_ref().map(|credential| credential.id.as_str());
                    self.is_another_value(&minted.parts, id, in_place).await?;
                }
                self.outcome.minted = Some(generation);
                // What is parked under its number is another value.
                self.forget_parked(generation);
                self.begin(generation, &order.label, &minted, &issuer);
                self.outcome.public = Some(minted.public);
                self.parts = Some(self.with_public_keys(minted.parts));
                self.session.in_hand = Some(generation);
                match self.accepted_everywhere() {
                    Ok(()) => Ok(()),
                    Err(failures) => self.failed(failures),
                }
            }
            Err(error) => {
                let mut failure = Failure::of_call(Subject::Source, &error);
                if error.effect == Effect::Possible {
                    self.outcome.minted = Some(generation);
                    self.look_for_lost_mint(generation, &mut failure).await;
                }
                Err(vec![failure])
            }
        }
    }

    /// Whether a supplied value differs from the one in place, as targets and escrow hold it: the same value under a new version would
    /// leave the old credential in place. Where neither tells, that is said.
    async fn is_another_value(&mut self, supplied: &Parts, id: Option<&str>, in_place: u64) -> Performed {
        let unfinished = Some(in_place).filter(|_| !self.outcome.ledger.is_finished());
        // Escrow that cannot be read tells nothing, and what has to be written there says why it cannot.
        let parked = self.take_parked(in_place).await.ok().flatten();
        if parked.as_ref().is_some_and(|parked| supplied.agree_with(&parked.parts)) {
            let again = diagnostics::Run::SuppliedAgain {
                target: None,
                unfinished,
            };
            return Err(vec![Failure::new(Subject::Source, again)]);
        }
        let mut compared = parked.is_some();
        for (key, target) in self.job.targets.iter().filter(|(_, target)| target.is_readable()) {
            let read = target.adapter.read().await;
            let held = read.map_err(|error| vec![Failure::of_call(Subject::Target(key.clone()), &error)])?;
            let held = held.filter(|held| held.label.belongs_to(&self.job.id));
            let (Some(held), Ok(text)) = (held, target.spec.content.of(supplied)) else {
                continue;
            };
            // A run that was cut off and left no record may have delivered this very value.
            let is_on_record = self.outcome.ledger.credential(held.label.generation).is_some();
            if held.value.is_same_as(&text) && is_on_record && !self.is_withdrawal(held.label.generation, id) {
                let target = Some(key.clone());
                let again = diagnostics::Run::SuppliedAgain { target, unfinished };
                return Err(vec![Failure::new(Subject::Source, again)]);
            }
            compared = true;
        }
        if !compared {
            let unverified = diagnostics::Run::SuppliedUnverified;
            self.outcome.warnings.push(Failure::new(Subject::Source, unverified));
        }
        Ok(())
    }

    /// Whether a person takes back a value that did not reach every target: the one before it is supplied again, as the same credential.
    fn is_withdrawal(&self, held: u64, id: Option<&str>) -> bool {
        let ledger = &self.outcome.ledger;
        let known = ledger.credential(held).and_then(|known| known.credential_id.as_deref());
        !ledger.is_finished() && held < ledger.generation() && id.is_some() && known == id
    }

    /// Starts a generation in the ledger: it is the newest now, everything older has been superseded.
    fn begin(&mut self, generation: u64, label: &Label, minted: &Minted, issuer: &str) {
        let now = self.job.clock.now();
        let credential = minted.credential.as_ref();
        let credential = CredentialRecord {
            generation,
            credential_id: credential.map(|credential| credential.id.clone()),
            issuer: issuer.to_owned(),
            label: label.to_string(),
            status: CredentialStatus::Current,
            minted_at: credential.and_then(|credential| credential.minted_at).or(Some(now)),
            expires_at: credential.and_then(|credential| credential.expires_at),
            revoke_after: None,
            public_key: self.public_key_in(&minted.public),
        };
        let replaces = self.goal.replaces;
        self.outcome.ledger.record(Event::Minted { credential, replaces });
        self.goal.generation = Some(generation);
    }

    /// After a lost answer: the issuer is asked once more, so that the error and the state can say what exists.
    async fn look_for_lost_mint(&mut self, generation: u64, failure: &mut Failure) {
        let found = match self.job.source.adapter.issuer().survey().await {
            Ok(listed) => self.listed_as_told(listed),
            Err(error) => {
                let label = self.order(generation).label.to_string();
                in_doubt(failure, LostMint::NotLooked(error.to_string(), label));
                return;
            }
        };
        let ours = found.iter().find_map(|credential| {
            let label = credential.label()?;
            (label.belongs_to(&self.job.id) && label.generation == generation).then_some((label, credential))
        });
        let Some((label, credential)) = ours else {
            in_doubt(failure, LostMint::NotListed);
            return;
        };
        let issuer = self.job.source.issuer();
        let record = super::survey::found(&label, credential, &issuer, CredentialStatus::Orphaned);
        in_doubt(failure, LostMint::Exists(label.to_string(), credential.id.clone()));
        self.outcome.ledger.record(Event::Found(record));
    }

    /// Tries the issuer, then escrow, then readable targets in the order of their waves.
    pub(super) async fn recover(&mut self, generation: u64) -> Performed {
        self.session.recovery_tried = true;
        let order = self.order(generation);
        let issuer = self.job.source.issuer();
        let known = self
            .outcome
            .ledger
            .credential(generation)
            .filter(|known| known.issuer == issuer);
        let credential = known.map(|known| Credential {
            id: known.credential_id.clone().unwrap_or_default(),
            name: Some(known.label.clone()),
            minted_at: known.minted_at,
            expires_at: known.expires_at,
        });
        // An issuer, or a configuration, tells what is newest; an interrupted run may have recorded already that an older one is restored.
        let ledger = &self.outcome.ledger;
        let is_restored = generation < ledger.highest() && ledger.is_parked(generation);
        let public = self.public_parts(generation);
        let needed = self.needed_parts();
        if !needed.is_empty() && self.wanted_parts(&needed).iter().all(|part| public.contains_key(part)) {
            self.hold_parts(generation, self.parts_of(public));
            return Ok(());
        }
        if self.job.source.traits().reveals
            && !is_restored
            && let Some(credential) = &credential
        {
            let revealed = self.job.source.adapter.reveal(credential, &order).await;
            let revealed = self.found_as_told(revealed, &order);
            let revealed = revealed.map_err(|error| vec![Failure::of_call(Subject::Source, &error)])?;
            if let Some(minted) = revealed {
                self.outcome.public = Some(minted.public);
                self.hold(generation, minted.parts);
                return self.accepted_everywhere();
            }
        }
        let parked = self.take_parked(generation).await;
        let parked = parked.map_err(|error| vec![Failure::of_call(Subject::Escrow, &error)])?;
        if let Some(parked) = parked {
            if is_restored && self.is_nobodys(&parked.parts, &order).await? {
                return Ok(());
            }
            return self.restore(&order, parked.parts, Some(parked.public)).await;
        }
        self.forget_parked(generation);
        if let Some(parts) = self.read_targets(generation).await? {
            self.restore(&order, parts, None).await?;
        }
        Ok(())
    }

    /// Whether the handle of an older generation was given another value since, so that what was parked is dead. An issuer that lists
    /// credentials has told already.
    async fn is_nobodys(&self, found: &Parts, order: &MintOrder) -> Result<bool, Vec<Failure>> {
        if !matches!(self.job.source.traits().issuance, Issuance::Reset { .. }) {
            return Ok(false);
        }
        let whose = self.job.source.adapter.restore(found.share(), order).await;
        let whose = whose.map_err(|error| vec![Failure::of_call(Subject::Source, &error)])?;
        Ok(whose.is_none())
    }

    /// Goes on with what was parked, or what a readable target gave back. Of a generation that an interrupted run made, the state knows neither the
    /// handle nor the public parts; the source tells them, or that the value is of no use any more.
    async fn restore(
        &mut self,
        order: &MintOrder,
        found: Parts,
        public: Option<BTreeMap<String, String>>,
    ) -> Performed {
        let generation = order.label.generation;
        let on_record = self.outcome.ledger.credential(generation).is_some();
        let config = &self.job.source.spec.config;
        let is_parked_whole = config.essential_parts().is_none();
        let stays_as_found = match &public {
            Some(_) => is_parked_whole,
            // What needs no more than this asks no issuer.
            None => !self.tells_the_rest(&found) || (is_parked_whole && self.suffice(&found)),
        };
        if on_record && !self.job.is_create && stays_as_found {
            match public {
                Some(public) => {
                    self.outcome.public = Some(public);
                    self.hold(generation, found);
                }
                None => self.hold_parts(generation, found),
            }
            return Ok(());
        }
        if !on_record && self.job.source.traits().lists && !self.job.is_create {
            // Its issuer has no such credential: another source made it, or it has ended.
            return Ok(());
        }
        let restored = self.job.source.adapter.restore(found, order).await;
        let restored = self.found_as_told(restored, order);
        let Some(minted) = restored.map_err(|error| vec![Failure::of_call(Subject::Source, &error)])? else {
            return Ok(());
        };
        // What its issuer lists by label is recorded when it shows.
        if !on_record && !self.job.source.traits().lists {
            let issuer = self.job.source.issuer();
            self.begin(generation, &order.label, &minted, &issuer);
        }
        self.outcome.public = public.filter(|_| stays_as_found).or(Some(minted.public));
        self.hold(generation, minted.parts);
        Ok(())
    }

    /// Whether the other parts of a value follow from these.
    fn tells_the_rest(&self, parts: &Parts) -> bool {
        let config = &self.job.source.spec.config;
        config.tells_all(&|part| parts.get(part).is_some())
    }

    /// Whether this run needs no other parts than these.
    fn suffice(&self, parts: &Parts) -> bool {
        let has = |part: &PartName| parts.get(part.as_str()).is_some();
        let parks = self.goal.parks && !self.session.parking_failed;
        self.is_whole(parts) || (!parks && self.wanted_parts(&self.needed_parts()).iter().all(has))
    }

    fn hold(&mut self, generation: u64, parts: Parts) {
        self.session.in_hand = Some(generation);
        self.goal.generation = Some(generation);
        self.outcome.ledger.record(Event::Resumed { generation });
        if let Some(public_key) = self
            .outcome
            .public
            .as_ref()
            .and_then(|public| self.public_key_in(public))
        {
            self.outcome.ledger.record(Event::Published { generation, public_key });
        }
        self.parts = Some(self.with_public_keys(parts));
    }

    /// Goes on with parts that may not be the whole value. A part of it would be taken for the whole by whoever reads it back from escrow.
    fn hold_parts(&mut self, generation: u64, parts: Parts) {
        self.session.parking_failed |= !self.is_whole(&parts);
        self.hold(generation, parts);
    }

    /// Whether nothing of the value is missing that does not follow from the rest.
    fn is_whole(&self, parts: &Parts) -> bool {
        let spec = &self.job.source.spec;
        match spec.config.essential_parts() {
            Some(essential) => essential.iter().all(|part| parts.get(part).is_some()),
            None => spec.parts.iter().all(|part| parts.get(part.as_str()).is_some()),
        }
    }

    /// The parts that what is to be written holds, and that the checks of its waves present.
    fn needed_parts(&self) -> BTreeSet<PartName> {
        let ledger = &self.outcome.ledger;
        let generation = self.goal.generation.unwrap_or(ledger.generation());
        let held = |key: &String| ledger.delivery(key).is_some_and(|delivery| delivery.holds(generation));
        let unwritten: Vec<&JobTarget> = self
            .goal
            .targets
            .iter()
            .filter(|(key, goal)| goal.write || !held(key))
            .filter_map(|(key, _)| self.job.targets.get(key))
            .collect();
        let parts = unwritten.iter().flat_map(|target| target.spec.content.parts());
        parts
            .chain(self.presented(|when| match when {
                When::Wave(wave) => !ledger.is_finished() || unwritten.iter().any(|target| target.spec.wave == wave),
                When::Preflight | When::Revoked => false,
            }))
            .collect()
    }

    /// Those, and what checks after a revocation present, and those that the gate repeats.
    fn wanted_parts(&self, needed: &BTreeSet<PartName>) -> BTreeSet<PartName> {
        let presented = self.presented(|when| when != When::Preflight);
        needed.iter().cloned().chain(presented).collect()
    }

    /// The parts of that generation that are no secret, where the state has them.
    fn public_parts(&self, generation: u64) -> BTreeMap<PartName, Secret> {
        let public = self.outcome.public.as_ref().unwrap_or(&self.job.public);
        let known = self.outcome.ledger.credential(generation);
        let is_its =
            known.is_some_and(|known| known.public_key.is_some() && known.public_key == self.public_key_in(public));
        if !is_its {
            return BTreeMap::new();
        }
        let told = public.iter().map(|(name, text)| (name.as_str(), text.clone()));
        let keys = key_set::set(self.outcome.ledger.public_keys());
        let all = told.chain([(key_set::JWKS, keys)]);
        all.map(|(name, text)| (name.into(), Secret::plain(text))).collect()
    }

    /// What that generation's public parts add to the set of keys that are valid; `None` where its source has no such set.
    fn public_key_in(&self, public: &BTreeMap<String, String>) -> Option<String> {
        let part = self.job.source.spec.config.published_part()?;
        key_set::key(public.get(part)?)
    }

    /// The parts with the set of all public keys that are valid now.
    pub(super) fn with_public_keys(&self, parts: Parts) -> Parts {
        if self.job.source.spec.config.published_part().is_none() {
            return parts;
        }
        let keys = key_set::set(self.outcome.ledger.public_keys());
        parts.with(key_set::JWKS, Secret::plain(keys))
    }

    /// Reads the readable targets whose mark names that generation, until the parts suffice for what is to be written.
    ///
    /// What stands in an entry is told by its mark alone: the configuration may name another part or template by now.
    async fn read_targets(&mut self, generation: u64) -> Result<Option<Parts>, Vec<Failure>> {
        // Of what is on no record, every part helps to tell what it is.
        let all = self.outcome.ledger.credential(generation).is_none();
        let needed = self.needed_parts();
        let mut wanted = self.wanted_parts(&needed);
        // From these, all the others follow.
        let essential = self.job.source.spec.config.essential_parts().unwrap_or_default();
        wanted.extend(essential.iter().map(|part| PartName::from(*part)));
        let mut readable: Vec<_> = self.job.targets.iter().filter(|(_, t)| t.is_readable()).collect();
        readable.extend(&self.job.leaving);
        readable.sort_by_key(|(key, target)| (target.spec.content.is_template(), target.spec.wave, *key));
        let mut found: BTreeMap<PartName, Secret> = self.public_parts(generation);
        let is_had = |found: &BTreeMap<PartName, Secret>, parts: &BTreeSet<PartName>| {
            let has = |part: &str| found.contains_key(part);
            parts.iter().all(|part| has(part.as_str()))
                || (!essential.is_empty() && essential.iter().all(|part| has(part)))
        };
        // Some parts tell the others with what the issuer says: each of them helps.
        let config = &self.job.source.spec.config;
        let tell = essential.is_empty() && config.tells_all(&|_| true);
        let mut recognised = !found.is_empty();
        for (key, target) in readable {
            let escrowed = match target.adapter.read().await {
                Ok(Some(escrowed)) => escrowed,
                Ok(None) => continue,
                // Checks that can do without the value must not bar what is to be done.
                Err(error) if is_had(&found, &needed) && !all => {
                    tracing::warn!(secret = %self.job.id, target = %key, %error, "cannot read the value for a check");
                    continue;
                }
                Err(error) => return Err(vec![Failure::of_call(Subject::Target(key.clone()), &error)]),
            };
            if !escrowed.label.belongs_to(&self.job.id) || escrowed.label.generation != generation {
                continue;
            }
            let foreign = escrowed
                .origin
                .as_ref()
                .is_some_and(|origin| *origin != self.job.source.spec.origin());
            if foreign && (all || self.job.is_create) {
                // An interrupted run with another source made it: it is none of this one's.
                continue;
            }
            let known = self.outcome.ledger.deliveries().get(key);
            let written = known.filter(|known| known.generation == Some(generation));
            let revision = written.and_then(|known| known.revision.as_ref());
            if revision.is_some_and(|known| *known != escrowed.revision) {
                // Another run wrote another value under the same mark.
                continue;
            }
            let content = escrowed.content.as_deref();
            let stays = self.job.targets.contains_key(key);
            let held = &target.spec.content;
            let as_configured = stays && !held.is_template() && content == held.in_mark(self.job.source.primary());
            let now = self.job.clock.now();
            // A create writes it again all the same: an older object with this id sees by that that the entry is not its own any more.
            if as_configured && !self.job.is_create && self.goal.targets.contains_key(key) {
                // The mark and the version agree: the entry holds this generation.
                self.outcome.ledger.record(Event::Recognised {
                    target: key.clone(),
                    generation,
                    revision: escrowed.revision,
                    staged: self.job.activates(target.spec.wave),
                    at: now,
                });
            }
            let part = self.part_in(content);
            if let Some(part) = part.filter(|part| wanted.contains(part) || all || tell) {
                found.insert(part, escrowed.value);
            }
            recognised = true;
            if !all && is_had(&found, &wanted) {
                break;
            }
        }
        let tells_the_rest = tell && config.tells_all(&|part| found.contains_key(part));
        let suffices = recognised && (is_had(&found, &needed) || tells_the_rest);
        Ok(suffices.then(|| self.parts_of(found)))
    }

    /// The parts that the checks of those moments present of the new credential.
    fn presented(&self, when: impl Fn(When) -> bool) -> BTreeSet<PartName> {
        let activations = self.job.activations.values().map(|known| &known.run);
        let checks = activations.chain(self.job.checks.values());
        let presenting = checks.filter(|check| check.presents() == Presents::New && when(check.spec.when));
        presenting.flat_map(|check| check.spec.parts.clone()).collect()
    }

    /// The parts that were found, the primary one first if it is among them.
    fn parts_of(&self, mut found: BTreeMap<PartName, Secret>) -> Parts {
        let first = self
            .job
            .source
            .primary()
            .and_then(|primary| found.remove_entry(primary));
        let all = first.into_iter().chain(found);
        all.fold(Parts::default(), |parts, (name, value)| {
            parts.with(name.as_str(), value)
        })
    }

    /// The part that an entry holds by its mark; `None` for a text made of parts.
    fn part_in(&self, content: Option<&str>) -> Option<PartName> {
        match content {
            Some(TEMPLATE) => None,
            Some(part) => Some(part.into()),
            None => self.job.source.primary().cloned(),
        }
    }

    /// Gets the value of the newest generation below `before` for the checks of that moment that present the previous credential;
    /// once, since it may be gone later.
    pub(super) async fn fetch_previous(&mut self, before: u64, when: impl Fn(When) -> bool) {
        let mut checks = self.job.checks.values();
        let wanted = checks.any(|check| check.presents() == Presents::Previous && when(check.spec.when));
        if !wanted || before <= 1 || self.previous.is_some() {
            return;
        }
        let known = self.outcome.ledger.credentials().iter().rev();
        let mut older = known.filter(|known| known.generation < before && known.status != CredentialStatus::Orphaned);
        if self.job.source.traits().reveals_superseded
            && let Some(known) = older.next()
            && known.issuer == self.job.source.issuer()
        {
            let credential = Credential {
                id: known.credential_id.clone().unwrap_or_default(),
                name: Some(known.label.clone()),
                minted_at: known.minted_at,
                expires_at: known.expires_at,
            };
            match self
                .job
                .source
                .adapter
                .reveal(&credential, &self.order(known.generation))
                .await
            {
                Ok(Some(revealed)) => {
                    self.previous = Some(revealed.parts);
                    return;
                }
                Ok(None) => {}
                Err(error) => self.previous_lost = Some(error.sentence()),
            }
        }
        match self.parked_before(before).await {
            Ok(Some(parts)) => {
                self.previous = Some(parts);
                return;
            }
            Ok(None) => {}
            Err(error) => self.previous_lost = Some(error.sentence()),
        }
        match self.older_parts(before).await {
            Ok(Some(parts)) => {
                self.previous = Some(parts);
                self.previous_lost = None;
            }
            Ok(None) => {}
            Err(error) => self.previous_lost = Some(error.sentence()),
        }
    }

    /// Gets the value of a generation that is about to be revoked, for the checks that follow: an older or newer one may be the last that
    /// was fetched. Where this one cannot be had, that stays.
    pub(super) async fn fetch_ending(&mut self, generation: u64) {
        let fetched = self.previous.take();
        self.fetch_previous(generation + 1, |when| when == When::Revoked).await;
        // What was fetched while it worked may be more of the same value.
        let is_more = |fetched: &Parts| self.previous.as_ref().is_none_or(|now| now.agree_with(fetched));
        if fetched.as_ref().is_some_and(is_more) {
            self.previous = fetched;
        }
    }

    /// The parts of the newest generation below `before` that readable targets hold or held.
    async fn older_parts(&mut self, before: u64) -> Result<Option<Parts>, CallError> {
        let mut newest = 0;
        let mut found: BTreeMap<PartName, Secret> = BTreeMap::new();
        for target in self.job.targets.values().filter(|target| target.is_readable()) {
            let older = |escrowed: &Escrowed| {
                let label = &escrowed.label;
                label.belongs_to(&self.job.id) && label.generation < before
            };
            let escrowed = match target.adapter.read().await?.filter(older) {
                Some(escrowed) => Some(escrowed),
                None => target.adapter.read_older(&self.job.id, before).await?,
            };
            let Some(escrowed) = escrowed else { continue };
            let part = self.part_in(escrowed.content.as_deref());
            let Some(part) = part.filter(|_| escrowed.label.generation >= newest) else {
                continue;
            };
            if escrowed.label.generation > newest {
                newest = escrowed.label.generation;
                found.clear();
            }
            found.insert(part, escrowed.value);
        }
        if found.is_empty() {
            return Ok(None);
        }
        let found = self.parts_of(found);
        let checks = self.job.checks.values();
        let mut presenting = checks.filter(|check| check.presents() == Presents::Previous);
        if !presenting.any(|check| check.lacks(Some(&found))) || !self.tells_the_rest(&found) {
            return Ok(Some(found));
        }
        let order = self.order(newest);
        let restored = self.job.source.adapter.restore(found.share(), &order).await;
        let restored = self.found_as_told(restored, &order)?;
        // Of what has ended, nobody says whose it was.
        Ok(Some(restored.map_or(found, |restored| restored.parts)))
    }

    /// A value that is new, and does not look as the configuration says.
    fn breaks_the_format(&self) -> Option<Failure> {
        if self.outcome.ledger.is_finished() {
            return None;
        }
        let part = self.job.source.spec.parts.sole()?;
        let value = self.parts.as_ref()?.get(part.as_str())?;
        let why = self.job.format.as_ref()?.broken_by(value)?;
        Some(Failure::new(Subject::Source, diagnostics::Run::BreaksTheFormat { why }))
    }

    /// Every target's limits against the value in hand, before the first one is written.
    fn accepted_everywhere(&self) -> Performed {
        let mut failures: Vec<Failure> = self.breaks_the_format().into_iter().collect();
        for key in self.goal.targets.keys() {
            let Some(target) = self.job.targets.get(key) else {
                continue;
            };
            match self.value_for(target) {
                Ok(value) => {
                    if let Err(limit) = target.spec.config.accepts(&value) {
                        let entry = target.noun();
                        let unfit = diagnostics::Run::CannotHold { entry, why: limit };
                        failures.push(Failure::new(Subject::Target(key.clone()), unfit));
                    }
                }
                Err(why) => {
                    let entry = target.noun();
                    let incomplete = diagnostics::Run::CannotAssemble { entry, why };
                    failures.push(Failure::new(Subject::Target(key.clone()), incomplete));
                }
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }
}

/// Adds what became of a credential whose mint was not answered.
fn in_doubt(failure: &mut Failure, found: LostMint) {
    let call = failure.message.clone();
    failure.message = diagnostics::Run::MintInDoubt { call, found }.into();
}
