//! The coverage-guided fuzzer: libFuzzer, one executable for all targets. `ROTATION_FUZZ_TARGET` names the one to run.

#![no_main]

use std::sync::OnceLock;

use rotation_fuzz::{Property, TARGETS};

static PROPERTY: OnceLock<Property> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: {
    let wanted = std::env::var("ROTATION_FUZZ_TARGET").expect("ROTATION_FUZZ_TARGET names the target");
    let found = TARGETS.into_iter().find(|(name, _)| *name == wanted);
    let (_, property) = found.unwrap_or_else(|| panic!("there is no target {wanted}"));
    PROPERTY.set(property).expect("set once");
}, |bytes: &[u8]| {
    PROPERTY.get().expect("set at the start")(bytes);
});
