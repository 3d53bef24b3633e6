//! What must hold for every input, however hostile: one function for each kind of input.
//!
//! The coverage-guided fuzzer (`main.rs`) and the ordinary test `tests/fuzz_seeds.rs` call the same functions. Each takes any
//! bytes, and panics when a promise is broken; "it does not panic by itself" is part of every promise.

mod codecs;
mod configuration;
mod feed;
mod ledger;
mod template;
mod texts;
mod typed;
#[path = "../../tests/support/written.rs"]
#[expect(dead_code, reason = "shared with tests that make values")]
mod written;

/// A property of one kind of input.
pub type Property = fn(&[u8]);

/// Whether the first line of an input is a resource, so that the properties of resources say something about it.
pub fn is_resource(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    written::resource(line, &configuration::resource_schema().block).is_ok()
}

/// All properties, by the names of their folders under `fuzz/seeds`.
pub const TARGETS: [(&str, Property); 9] = [
    ("configuration", configuration::resource),
    ("json", codecs::json),
    ("ledger", ledger::state),
    ("msgpack", codecs::msgpack),
    ("names", texts::names),
    ("plan", configuration::plan),
    ("provider", configuration::provider),
    ("template", template::template),
    ("typed", codecs::typed),
];
