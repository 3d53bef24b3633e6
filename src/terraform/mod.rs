//! Terraform's vocabulary: values, types, schema, paths, diagnostics, and the cursor that reads a configuration.
//!
//! Pure, and knows nothing of rotation or of the transport.

#[cfg(test)]
mod arbitrary;
pub mod codec;
pub mod conform;
pub mod diagnostic;
pub mod json;
pub mod msgpack;
pub mod node;
pub mod number;
pub mod path;
pub mod schema;
pub mod value;

pub use crate::diagnostics::Severity;
pub use codec::CodecError;
pub use diagnostic::{Diagnostic, Diagnostics};
pub use node::{Field, Node, Origin, is_word};
pub use number::Number;
pub use path::Path;
pub use schema::{Attribute, AttributeType, Block, BlockNesting, Mode, NestedBlock, Nesting, Schema, Type};
pub use value::{Dynamic, Value};
