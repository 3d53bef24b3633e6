//! A managed resource, free of the wire.

use async_trait::async_trait;

use crate::diagnostics::{Protocol, Words};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Path, Schema, Value};

/// What Terraform said it can do (tfplugin6 `ClientCapabilities`).
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientCapabilities {
    /// Write-only attributes may be set (6.8).
    pub write_only_attributes: bool,
}

/// tfplugin6 `UpgradeResourceState`.
#[derive(Debug)]
pub struct UpgradeRequest {
    /// Version of the schema that the state was written with.
    pub version: i64,
    /// The state, decoded leniently: attributes that it lacks are null.
    pub state: Value,
    /// What it holds and the current schema has no room for, the first few places.
    pub without_room: Vec<Path>,
}

/// tfplugin6 `ReadResource`.
#[derive(Debug)]
pub struct ReadRequest {
    /// State as stored.
    pub state: Value,
    /// Private bytes as stored.
    pub private: Vec<u8>,
}

/// tfplugin6 `ReadResource`; with an error Terraform keeps the stored state.
#[derive(Debug)]
pub struct ReadResponse {
    /// The refreshed state; [`Value::Null`] means that the object is gone.
    pub state: Value,
    /// Private bytes to store.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// tfplugin6 `PlanResourceChange`.
#[derive(Debug)]
pub struct PlanRequest {
    /// State; null for a create.
    pub prior: Value,
    /// Terraform's proposal; null for a destroy. Carries write-only values.
    pub proposed: Value,
    /// The configuration; carries write-only values.
    pub config: Value,
    /// Private bytes as stored.
    pub private: Vec<u8>,
}

/// tfplugin6 `PlanResourceChange`.
#[derive(Debug)]
pub struct PlanResponse {
    /// The planned state, write-only attributes null.
    pub planned: Value,
    /// Attributes whose change needs a new object.
    pub requires_replace: Vec<Path>,
    /// Private bytes that apply will be given.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// tfplugin6 `ApplyResourceChange`.
#[derive(Debug)]
pub struct ApplyRequest {
    /// State; null for a create.
    pub prior: Value,
    /// The planned state; null for a destroy.
    pub planned: Value,
    /// The configuration with write-only values; null for a destroy.
    pub config: Value,
    /// Private bytes of the plan.
    pub private: Vec<u8>,
}

/// tfplugin6 `ApplyResourceChange`; state and errors together mean partial success.
#[derive(Debug)]
pub struct ApplyResponse {
    /// What exists now; null when nothing does.
    pub state: Value,
    /// Private bytes to store.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// tfplugin6 `ImportResourceState`.
#[derive(Debug)]
pub struct ImportRequest {
    /// What the user named; empty for an import by identity.
    pub id: String,
    /// The identity, in the form of [`Resource::identity_attributes`]; null for an import by id.
    pub identity: Value,
}

/// tfplugin6 `MoveResourceState`. The state itself is left out: it may hold values in plain text.
#[derive(Debug)]
pub struct MoveRequest {
    /// Address of the provider that made the state, such as `registry.terraform.io/hashicorp/random`.
    pub provider: String,
    /// The type of the state.
    pub type_name: String,
}

/// A managed resource (tfplugin6 `ValidateResourceConfig` to `ApplyResourceChange`).
#[async_trait]
pub trait Resource: Send + Sync {
    /// Its schema; the same on every call.
    fn schema(&self) -> &Schema;

    /// Checks the shape of a configuration, without any call to the outside. Values may be unknown.
    async fn validate(&self, config: Value, client: ClientCapabilities) -> Diagnostics;

    /// Gives the JSON of a state of an older version the shape of the current schema, so that it can be decoded. Values stay as they
    /// are; one that is not understood is refused by [`Self::upgrade`].
    fn reshape(&self, version: i64, state: Vec<u8>) -> Vec<u8> {
        let _ = version;
        state
    }

    /// Brings an older state to the current schema version.
    ///
    /// # Errors
    /// Diagnostics, when the state cannot be brought over; Terraform keeps it as it is.
    async fn upgrade(&self, request: UpgradeRequest) -> Result<Value, Diagnostics>;

    /// Refreshes a state.
    async fn read(&self, request: ReadRequest) -> ReadResponse;

    /// Plans a change, from its arguments alone.
    async fn plan(&self, request: PlanRequest) -> PlanResponse;

    /// Carries a change out.
    async fn apply(&self, request: ApplyRequest) -> ApplyResponse;

    /// Begins to manage what exists, by what the user names it.
    ///
    /// # Errors
    /// Diagnostics, when that names nothing.
    async fn import(&self, request: ImportRequest) -> Result<Value, Diagnostics> {
        let _ = request;
        Err(Diagnostic::new(Path::root(), Protocol::CannotImport).into())
    }

    /// Takes over the state of another type (a `moved` block).
    ///
    /// # Errors
    /// Diagnostics, when nothing of that type can be taken over.
    async fn move_from(&self, request: MoveRequest) -> Result<Value, Diagnostics> {
        Err(cannot_move(&request, Vec::new()))
    }

    /// What identifies an object, for imports by identity (6.9): plain attributes; none for a type without identities. The same on
    /// every call.
    fn identity_attributes(&self) -> &[Attribute] {
        &[]
    }

    /// The identity of an object; null while it has none.
    fn identity(&self, object: &Value) -> Value {
        let _ = object;
        Value::Null
    }
}

/// The refusal of a move; `known` are the types whose state can be taken over.
pub fn cannot_move(request: &MoveRequest, known: Vec<Words>) -> Diagnostics {
    let source = request.type_name.clone();
    Diagnostic::new(Path::root(), Protocol::CannotMove { source, known }).into()
}
