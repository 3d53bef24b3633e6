//! Values as msgpack, the encoding that Terraform sends (tfplugin6 `DynamicValue.msgpack`).
//!
//! The schema's type leads, and below a dynamic attribute the type that comes with the value: bytes that do not fit it are an
//! error with a place, whatever they are. Declared lengths are never trusted with memory. The rules are go-cty's
//! (`cty/msgpack`), as observed with Terraform.

mod decode;
mod encode;
mod refinement;
#[cfg(test)]
mod tests;
mod token;

pub use decode::decode;
pub use encode::encode;

/// Ext type of an unknown value that promises something; every other ext type is a plain unknown (go-cty `cty/msgpack/unknown.go`).
const REFINED: i8 = 12;

/// Most values and keys in one message. Real ones have some thousands; a null is one byte on the wire and many more in
/// memory, so that the size of a message does not bound what it takes.
const MOST_TOKENS: u32 = 1_000_000;

/// Longest ext body, in bytes: go-cty refuses a refinement that is longer.
const LONGEST_EXT: usize = 1024;
