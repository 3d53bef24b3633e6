//! What is left of a value in memory once nobody holds it, read from `/proc/self/mem` at the place where it stood.
//!
//! An allocator writes over the first bytes of what was freed, so a few missing bytes would prove nothing; a value is long here, and
//! none of it may be left.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use rotation_provider::secret::{Parts, Secret};
use rotation_provider::template::Template;
use rotation_provider::terraform::{Type, Value, msgpack};

/// 26 letters in many orders, so that any eight of them are told from other text.
fn value() -> String {
    let place = |row: u32, column: u32| u8::try_from((column * 7 + row * 11) % 26).unwrap();
    (0..40)
        .flat_map(|row| (0..26).map(move |column| char::from(b'a' + place(row, column))))
        .collect()
}

/// Whether eight characters of `known` in a row stand in this process's memory at `place`, where a value like it was. `known` and `memory`
/// are made before the value goes, or they would take its place.
fn left_at(place: usize, known: &str, memory: &mut [u8]) -> bool {
    let from = u64::try_from(place).unwrap();
    File::open("/proc/self/mem")
        .unwrap()
        .read_exact_at(memory, from)
        .unwrap();
    let here = memory.windows(8).zip(known.as_bytes().windows(8));
    here.filter(|(found, known)| found == known).count() > 0
}

fn place_of(text: &str) -> usize {
    text.as_ptr().addr()
}

#[test]
fn the_search_sees_a_value_that_lives_and_one_that_was_dropped_without_being_wiped() {
    let (known, mut memory) = (value(), vec![0; value().len()]);
    let living = value();
    assert!(left_at(place_of(&living), &known, &mut memory));
    let place = place_of(&living);
    drop(living);
    assert!(
        left_at(place, &known, &mut memory),
        "the allocator wiped it, so this test proves nothing here"
    );
}

#[test]
fn nothing_is_left_of_a_secret_whose_last_handle_is_gone() {
    let (known, mut memory) = (value(), vec![0; value().len()]);
    let secret = Secret::new(value());
    let place = place_of(secret.expose());
    let shared = secret.share();
    drop(secret);
    assert!(left_at(place, &known, &mut memory), "another handle holds it");
    drop(shared);
    assert!(!left_at(place, &known, &mut memory));
}

#[test]
fn nothing_is_left_of_a_write_only_value_after_its_configuration() {
    let (known, mut memory) = (value(), vec![0; value().len()]);
    let kind = Type::Object([("value_wo".to_owned(), Type::String)].into());
    let sent = msgpack::encode(&Value::object([("value_wo", Value::string(value()))]), &kind).unwrap();
    let config = msgpack::decode(&sent, &kind).unwrap();
    let place = place_of(config.get("value_wo").as_str().unwrap());
    assert!(left_at(place, &known, &mut memory));
    drop(config);
    assert!(!left_at(place, &known, &mut memory));
}

#[test]
fn nothing_is_left_of_a_rendered_template() {
    let (known, mut memory) = (value(), vec![0; value().len()]);
    let parts = Parts::single("password", Secret::new(value()));
    let template = Template::parse("{{ password }}").unwrap();
    let rendered = template.render(&parts).unwrap();
    let place = place_of(rendered.expose());
    assert!(left_at(place, &known, &mut memory));
    drop(rendered);
    assert!(!left_at(place, &known, &mut memory));
}
