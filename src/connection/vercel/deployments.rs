//! Deployments of a project: which there are, and one more of the same source.

use jiff::Timestamp;
use serde::Deserialize;

use super::VercelClient;
use crate::call::{CallError, WritePermit};
use crate::connection::instant::milliseconds;

/// The newest deployments that are looked at.
const NEWEST: &str = "20";

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Its id; lists call it `uid`.
    #[serde(alias = "uid")]
    pub id: String,
    /// The name that it was made under.
    #[serde(default)]
    pub name: String,
    /// `QUEUED`, `INITIALIZING`, `BUILDING`, `READY`, `ERROR`, `CANCELED`.
    #[serde(default)]
    pub ready_state: String,
    /// Of one that is ready: `STAGED` (no domain of production leads to it), `ROLLING`, `PROMOTED`.
    pub ready_substate: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "milliseconds")]
    pub created_at: Option<Timestamp>,
}

impl Deployment {
    /// Whether it is built, and whether domains of production lead to it.
    pub fn is_live(&self) -> bool {
        self.ready_state == "READY" && !self.is_withheld()
    }

    /// It is ready, and whoever has to promote it has not done so.
    pub fn is_withheld(&self) -> bool {
        self.ready_substate.as_deref() == Some("STAGED")
    }
}

#[derive(Deserialize)]
struct Page {
    deployments: Vec<Deployment>,
}

impl VercelClient {
    /// The newest deployments to production, the newest first.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn production_deployments(&self, project: &str) -> Result<Vec<Deployment>, CallError> {
        let operation = format!("listing production deployments of project {project}");
        let request = self.of_team("GET", &["v6", "deployments"], operation);
        let request = request
            .query("projectId", project)
            .query("target", "production")
            .query("limit", NEWEST);
        let answer = self.rest().read(request).await;
        let Page { mut deployments } = answer.map_err(|error| self.advise_project(error, project))?.json()?;
        deployments.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at));
        Ok(deployments)
    }

    /// Deploys the source of that deployment once more, with the variables as they are now; returns the new one's id.
    ///
    /// # Errors
    /// [`CallError`]; with [`crate::call::Effect::Possible`] it may have begun.
    pub async fn redeploy(&self, project: &str, of: &Deployment, permit: &WritePermit) -> Result<String, CallError> {
        let request = self.of_team(
            "POST",
            &["v13", "deployments"],
            format!("redeploying project {project}"),
        );
        let request = request.query("forceNew", "1").json(&serde_json::json!({
            "deploymentId": of.id, "name": of.name, "project": project, "target": "production", "meta": { "action": "redeploy" },
        }));
        let answer = self.rest().write(request, permit).await;
        let begun: Deployment = answer.map_err(|error| self.advise_project(error, project))?.json()?;
        Ok(begun.id)
    }

    /// A deployment as it is now.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn deployment(&self, project: &str, id: &str) -> Result<Deployment, CallError> {
        let request = self.of_team(
            "GET",
            &["v13", "deployments", id],
            format!("reading deployment {id} of project {project}"),
        );
        let answer = self.rest().read(request).await;
        answer.map_err(|error| self.advise_project(error, project))?.json()
    }
}
