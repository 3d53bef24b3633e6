//! The schema of `rotation_activation`, the same whatever kinds there are.

use crate::terraform::{Attribute, Block, Schema, Type};

/// Version of the state format.
pub const VERSION: i64 = 0;

/// What only the provider sets.
pub(super) const COMPUTED: [&str; 3] = ["steps", "runs", "ran_at"];

/// The schema.
pub(super) fn schema() -> Schema {
    Schema {
        version: VERSION,
        block: Block {
            attributes: vec![
                Attribute::optional(
                    "triggers",
                    Type::string_map(),
                    "If any of these changes, it runs again. With generations of secrets, such as `rotation_secret.jwt.generation`, it runs \
                     once for each apply that rotates some of them, after all of them.",
                ),
                Attribute::required(
                    "run",
                    Type::Dynamic,
                    "What runs and must succeed: exactly one kind, as in `activations` of a secret. It cannot present a credential, because \
                     it belongs to no single secret. If the kind, its arguments or the connection change, it runs again.",
                ),
                Attribute::computed(
                    "steps",
                    Type::strings(),
                    "What the last plan said that its apply would do. Known in the plan.",
                ),
                Attribute::computed("runs", Type::Number, "How often it has succeeded. Known in the plan."),
                Attribute::computed("ran_at", Type::String, "When it last succeeded (RFC 3339, UTC)."),
            ],
            blocks: Vec::new(),
            description: "Runs something once for many secrets, after they have been applied, such as the deployment that makes their \
                          consumers load the new values. It runs when it is created, and when `triggers` or `run` changes. Destroying it \
                          does nothing."
                .to_owned(),
        },
    }
}
