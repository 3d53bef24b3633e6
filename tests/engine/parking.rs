//! The adapter of escrow: it keeps the contract of a target, and answers as the script wants.

use async_trait::async_trait;
use rotation_provider::call::{CallError, WritePermit};
use rotation_provider::label::Label;
use rotation_provider::rotation::{Entry, RevisionKind};
use rotation_provider::secret::Secret;
use rotation_provider::stop::Stop;
use rotation_provider::target::{Activated, Delivery, Escrowed, Receipt, Slot, Target};

use super::mutant::Mutant;
use super::play::{Call, Play, Stage, instant};
use super::vault;

/// An entry of escrow.
pub struct Parking {
    pub stage: Stage,
    pub address: String,
}

impl Parking {
    async fn call<T>(
        &self,
        call: Call,
        deed: impl FnOnce(&mut Play) -> Result<T, &'static str>,
    ) -> Result<T, CallError> {
        let ended = self.stage.call(call, deed).await;
        self.stage.play().deeds.escrow_failed |= ended.is_err();
        ended
    }

    async fn look(&self) -> Result<Option<Entry>, CallError> {
        self.call(Call::Look, |play| {
            let entry = play.world.vault.entries.get(&self.address);
            let entry = entry.filter(|entry| entry.ours || play.mutant != Mutant::EscrowIsFree);
            Ok(entry.map(|entry| Entry {
                revision: Some(entry.revision.to_string()),
                kind: RevisionKind::Version,
                label: entry.mark.as_deref().and_then(Label::parse),
                modified_at: Some(instant(entry.written)),
                live: None,
                detail: None,
                is_unreadable: false,
                exposed: None,
            }))
        })
        .await
    }
}

#[async_trait]
impl Slot for Parking {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        self.look().await
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        self.look().await
    }

    async fn remove(&self, _permit: &WritePermit) -> Result<(), CallError> {
        self.call(Call::Remove, |play| {
            if play.mutant == Mutant::DestroyLeavesEscrow {
                return Ok(());
            }
            let (case, destroys) = (play.case.clone(), play.destroys);
            let verdict = play.world.unpark(&case, &self.address, destroys);
            play.judge(verdict);
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Target for Parking {
    fn slot(&self) -> &dyn Slot {
        self
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        self
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], _permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let [delivery] = deliveries else {
            panic!("escrow is written alone");
        };
        let entry = vault::Entry {
            text: delivery.value.expose().to_owned(),
            mark: Some(delivery.label.to_string()),
            content: delivery.content.map(str::to_owned),
            revision: 0,
            written: (0, 0),
            ours: true,
        };
        self.call(Call::Park, |play| {
            if play.mutant == Mutant::ParkingIsImagined {
                return Ok(Vec::new());
            }
            let (case, wish) = (play.case.clone(), play.wish);
            let entry = play.as_parked(&self.address, entry);
            let verdict = play.world.park(&case, &wish, &self.address, entry);
            let revision = play.judge(verdict).unwrap_or(0);
            Ok(vec![Receipt {
                revision: Some(revision.to_string()),
                written_at: Some(instant((play.world.hour, revision))),
            }])
        })
        .await
    }

    async fn activate(
        &self,
        _revision: Option<&str>,
        _stop: &Stop,
        _permit: &WritePermit,
    ) -> Result<Activated, CallError> {
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        self.call(Call::Look, |play| {
            if play.mutant == Mutant::EscrowUnseen {
                return Ok(None);
            }
            let Some(entry) = play.world.vault.entries.get(&self.address).cloned() else {
                return Ok(None);
            };
            let label = entry.mark.as_deref().and_then(Label::parse);
            let text = play.as_read(&entry.text);
            Ok(label.map(|label| Escrowed {
                label,
                content: entry.content,
                origin: None,
                revision: entry.revision.to_string(),
                value: Secret::new(text),
            }))
        })
        .await
    }
}

impl Play {
    /// The planted mistake of what has ended and stays.
    fn as_parked(&self, address: &str, entry: vault::Entry) -> vault::Entry {
        let old = self.world.vault.entries.get(address);
        let Some(old) = old.filter(|_| self.mutant == Mutant::EndedStaysParked) else {
            return entry;
        };
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let (mut new, old) = (read(&entry.text), read(&old.text));
        for (generation, held) in old["generations"].as_object().into_iter().flatten() {
            new["generations"][generation] = held.clone();
        }
        let text = new.to_string();
        vault::Entry { text, ..entry }
    }

    /// The planted mistake of a generation whose value is that of another.
    fn as_read(&self, text: &str) -> String {
        let known = vault::values(text).unwrap_or_default();
        let (Some((_, first)), Some((_, last)), Mutant::ResumesAnother) =
            (known.first_key_value(), known.last_key_value(), self.mutant)
        else {
            return text.to_owned();
        };
        text.replace(&format!("value-{last}\""), &format!("value-{first}\""))
    }
}
