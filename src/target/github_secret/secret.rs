//! One secret at GitHub: what is known of it, written and deleted.

use async_trait::async_trait;

use super::locator;
use crate::call::{CallError, CallErrorKind, WritePermit};
use crate::connection::github::{GitHubClient, SecretLevel, StoredSecret};
use crate::rotation::{Container, Entry, RevisionKind};
use crate::stop::Stop;
use crate::target::{Activated, Delivery, Escrowed, Receipt, Slot, Target};

/// A secret that can be reached.
pub(super) struct GitHubSecret {
    pub(super) client: GitHubClient,
    pub(super) level: SecretLevel,
    /// Upper-case, as GitHub keeps it.
    pub(super) name: String,
}

fn entry(secret: &StoredSecret) -> Entry {
    Entry {
        revision: Some(secret.updated_at.to_string()),
        kind: RevisionKind::Time,
        label: None,
        modified_at: Some(secret.updated_at),
        live: None,
        detail: None,
        is_unreadable: false,
        exposed: None,
    }
}

#[async_trait]
impl Slot for GitHubSecret {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        let listed = self.client.secrets(&self.level).await?;
        Ok(listed.iter().find(|secret| secret.name == self.name).map(entry))
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        let secret = self.client.secret(&self.level, &self.name).await?;
        Ok(secret.as_ref().map(entry))
    }

    /// An environment that the list of a readable repository lacks is gone. A repository never is: one that was transferred to where
    /// this credential does not reach is "not found" too, and still has its secrets.
    async fn container(&self) -> Result<Container, CallError> {
        let repository = &self.level.repository;
        let exists = async {
            self.client.repository(repository).await?;
            let Some(environment) = &self.level.environment else {
                return Ok::<_, CallError>(true);
            };
            let all = self.client.environments(repository).await?;
            Ok(all.contains(&environment.to_lowercase()))
        };
        match exists.await {
            Ok(true) => Ok(Container::Exists),
            Ok(false) => Ok(Container::Gone),
            Err(error) if matches!(error.kind, CallErrorKind::Forbidden | CallErrorKind::NotFound) => {
                Ok(Container::CannotTell)
            }
            Err(error) => Err(error),
        }
    }

    async fn container_id(&self) -> Result<Option<String>, CallError> {
        match self.client.repository(&self.level.repository).await {
            Ok(details) => Ok(details.id.map(|id| id.to_string())),
            Err(error) if matches!(error.kind, CallErrorKind::Forbidden | CallErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn renamed_to(&self) -> Result<Option<String>, CallError> {
        let present = self.client.present_name(&self.level.repository).await?;
        let level = present.map(|repository| SecretLevel {
            repository,
            ..self.level.clone()
        });
        Ok(level.map(|level| locator::of(&level, &self.name)))
    }

    async fn remove(&self, permit: &WritePermit) -> Result<(), CallError> {
        self.client.delete_secret(&self.level, &self.name, permit).await
    }
}

#[async_trait]
impl Target for GitHubSecret {
    fn slot(&self) -> &dyn Slot {
        self
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        self
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let written = self
                .client
                .put_secret(&self.level, &self.name, delivery.value, permit)
                .await?;
            receipts.push(Receipt {
                revision: written.updated_at.map(|at| at.to_string()),
                written_at: written.updated_at.or(written.answered_at),
            });
        }
        Ok(receipts)
    }

    async fn check_writable(&self) -> Result<(), CallError> {
        self.client.check_writable(&self.level).await
    }

    /// Nothing to do: workflows that start from now on get the new value.
    async fn activate(&self, _: Option<&str>, _: &Stop, _: &WritePermit) -> Result<Activated, CallError> {
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        Ok(None)
    }
}
