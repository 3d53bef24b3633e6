//! What Neon does after it has answered: operations of a project, waited for until they end.
//!
//! An operation that failed is repeated by Neon itself, so the status `error` is not an end.
//! <https://neon.com/docs/manage/operations>

use std::time::Duration;

use serde::Deserialize;

use super::{Branch, Call, NeonClient, SERVICE};
use crate::call::{CallError, CallErrorKind, Effect};
use crate::connection::serde_helpers::null_is_empty;

/// How long operations may take altogether. Neon's own are done in seconds; starting a compute takes longest.
const PATIENCE: Duration = Duration::from_secs(300);

/// Pauses between two looks, doubling from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many of the newest operations are looked through for those that are still under way.
const NEWEST: &str = "100";

/// An operation (schema `Operation`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Operation {
    id: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    action: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    status: String,
    #[serde(default)]
    branch_id: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// How far an operation is.
enum Progress {
    UnderWay,
    Done,
    Failed,
}

impl Operation {
    fn progress(&self) -> Progress {
        match self.status.as_str() {
            // There was nothing to do: a compute that is suspended reads its roles when it starts.
            "finished" | "skipped" => Progress::Done,
            "failed" | "cancelled" => Progress::Failed,
            _ => Progress::UnderWay,
        }
    }

    /// Whether it brings roles to a compute. Unverified: that no other action does.
    fn applies_roles(&self) -> bool {
        matches!(self.action.as_str(), "apply_config" | "start_compute")
    }

    /// What is being done about it. Neon's ids are of letters, digits and hyphens, its actions of letters and underscores; anything
    /// else is none, and not repeated.
    fn waiting(&self) -> String {
        let short = |text: &str| (1..=60).contains(&text.len());
        let named = |text: &str, more: u8| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == more);
        match (&self.id, &self.action) {
            (id, _) if !short(id) || !named(id, b'-') => "waiting for an operation".to_owned(),
            (id, action) if short(action) && named(action, b'_') => format!("waiting for operation {id} ({action})"),
            (id, _) => format!("waiting for operation {id}"),
        }
    }

    fn end(&self, kind: CallErrorKind, what: &str) -> CallError {
        let operation = self.waiting();
        let error = self.error.as_deref().unwrap_or_default();
        CallError::new(kind, Effect::None, SERVICE, operation, None, &format!("{what} {error}"))
    }
}

#[derive(Deserialize)]
struct Answer {
    operation: Operation,
}

#[derive(Deserialize)]
struct OperationList {
    #[serde(deserialize_with = "null_is_empty")]
    operations: Vec<Operation>,
}

impl NeonClient {
    /// Waits until all these operations of a project are done.
    ///
    /// # Errors
    /// [`CallError`] without an effect of its own, when one failed, was cancelled, takes too long or cannot be looked at.
    pub async fn finish(&self, project_id: &str, operations: Vec<Operation>) -> Result<(), CallError> {
        let mut polling = self.clock().polling(PATIENCE, FIRST_PAUSE..=LONGEST_PAUSE);
        for mut operation in operations {
            loop {
                match operation.progress() {
                    Progress::Done => break,
                    Progress::Failed => {
                        let what = format!("It ended as {}.", operation.status);
                        return Err(operation.end(CallErrorKind::Unavailable, &what));
                    }
                    Progress::UnderWay => {}
                }
                if !polling.again().await {
                    let what = format!("It is still {}.", operation.status);
                    return Err(operation.end(CallErrorKind::TimedOut, &what));
                }
                operation = self.operation(project_id, &operation).await?;
            }
        }
        Ok(())
    }

    /// Waits for what an earlier run may have begun and not seen the end of.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub async fn finish_earlier(&self, branch: &Branch) -> Result<(), CallError> {
        let path = ["projects", &branch.project_id, "operations"];
        let call = Call {
            query: &[("limit", NEWEST)],
            ..Call::new(
                "GET",
                &path,
                format!("listing operations of project {}", branch.project_id),
            )
        };
        let response = self.read(&call).await.map_err(|error| branch.advise(error))?;
        let mut operations = response.json::<OperationList>()?.operations;
        operations.retain(|operation| {
            let ours = operation.branch_id.as_ref().is_none_or(|id| *id == branch.branch_id);
            ours && operation.applies_roles() && matches!(operation.progress(), Progress::UnderWay)
        });
        self.finish(&branch.project_id, operations).await
    }

    async fn operation(&self, project_id: &str, operation: &Operation) -> Result<Operation, CallError> {
        let path = ["projects", project_id, "operations", &operation.id];
        let call = Call::new("GET", &path, operation.waiting());
        Ok(self.read(&call).await?.json::<Answer>()?.operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_or_action_is_not_repeated() {
        let waiting = |id: &str, action: &str| {
            let operation = serde_json::json!({ "id": id, "action": action });
            serde_json::from_value::<Operation>(operation).unwrap().waiting()
        };
        let id = "a07f8772-1877-4da9-a939-3a3ae62d1d8d";
        assert_eq!(
            waiting(id, "apply_config"),
            format!("waiting for operation {id} (apply_config)")
        );
        assert_eq!(waiting(id, "apply npg_x"), format!("waiting for operation {id}"));
        assert_eq!(waiting(&"a".repeat(61), "apply_config"), "waiting for an operation");
        assert_eq!(waiting("postgres://x", ""), "waiting for an operation");
    }
}
