//! Stored states, of this version or of any other: what is understood is written back as it was.

use rotation_provider::provider::secret::State;
use rotation_provider::terraform::{json, msgpack};

use super::configuration::resource_schema;

/// The JSON of a state file.
pub fn state(bytes: &[u8]) {
    let kind = resource_schema().block.value_type();
    let Ok(value) = json::decode(bytes, &kind) else { return };
    let read = State::read(&value);
    let written = read.write_over(value.clone());
    assert_eq!(State::read(&written), read, "what is written is read back");
    if !value.is_null() {
        msgpack::encode(&written, &kind).expect("a state fits its schema");
    }
}
