//! Stored states, of this version or of any other: what is understood is written back as it was.

use rotation_provider::provider::secret::{State, upgrade};
use rotation_provider::terraform::{json, msgpack};

use super::configuration::resource_schema;
use super::written;

/// The JSON of a state file.
pub fn state(bytes: &[u8]) {
    let block = &resource_schema().block;
    let kind = block.value_type();
    for version in 0..=1 {
        let reshaped = upgrade::reshape(version, bytes.to_vec());
        assert_eq!(
            reshaped,
            upgrade::reshape(version, bytes.to_vec()),
            "the same every time"
        );
        if let Ok(value) = json::decode(&reshaped, &kind) {
            let read = State::read(&value);
            assert_eq!(
                State::read(&read.write_over(value.clone())),
                read,
                "what is upgraded is read back"
            );
        }
    }
    let Ok(value) = written::resource(bytes, block) else {
        return;
    };
    let read = State::read(&value);
    let written = read.write_over(value.clone());
    assert_eq!(State::read(&written), read, "what is written is read back");
    if !value.is_null() {
        msgpack::encode(&written, &kind).expect("a state fits its schema");
    }
}
