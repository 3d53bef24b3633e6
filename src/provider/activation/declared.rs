//! What stands in `run`, put together from the registry of kinds.

use std::sync::LazyLock;

use crate::provider::kinds::{activations, connection, timeout};
use crate::terraform::{AttributeType, Nesting};

/// The content of `run`.
pub static RUN: LazyLock<AttributeType> = LazyLock::new(|| {
    let common = [timeout(), connection()];
    AttributeType::Nested(Nesting::Single, common.into_iter().chain(activations()).collect())
});
