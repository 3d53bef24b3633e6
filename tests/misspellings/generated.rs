//! Every declared key, misspelt: one letter left out, two letters swapped.

use rotation_provider::terraform::Attribute;
use serde_json::{Value as Json, json};

use crate::configurations::*;

/// Holds every misspelling of one key against what is said of it.
fn misspelt_in(secret: &Json, attribute: &str, kind: Option<&str>, key: &str, known: &[&str]) -> usize {
    let spellings = misspelt(key, known);
    for spelling in &spellings {
        let mut wrong = secret.clone();
        let object = at(&mut wrong, attribute, kind).as_object_mut().unwrap();
        let value = object.remove(key).unwrap_or_else(|| json!("text"));
        object.insert(spelling.clone(), value);
        let found = one_error(&wrong);
        let place = place(attribute, kind);
        assert_eq!(found.summary, format!("{place}.{spelling} is not an argument"));
        let (question, list) = found
            .detail
            .split_once("? ")
            .unwrap_or_else(|| panic!("{}", text(&found)));
        let meant = question.trim_start_matches("Did you mean `").trim_end_matches('`');
        // Another name may be as near.
        assert!(
            meant == key || strsim::damerau_levenshtein(meant, spelling) <= 1,
            "{}",
            text(&found)
        );
        assert_eq!(list, format!("{place} takes: {}.", known.join(", ")));
        assert!(found.path.to_string().starts_with(attribute), "{}", found.path);
    }
    spellings.len()
}

/// Holds every misspelling of every argument of a kind against what is said of it: how many arguments, how many misspellings.
fn misspelt_arguments(kind: &Attribute, attribute: &str, full: &[(&'static str, Json)]) -> (usize, usize) {
    let (mut keys, mut wrong) = (0, 0);
    for inner in kind_of(kind).into_iter().flatten() {
        keys += 1;
        let mut with_kind = full.iter().filter(|(name, _)| *name == kind.name);
        let (_, any) = with_kind.clone().next().unwrap();
        let uses = |(_, secret): &&(&str, Json)| {
            let mut secret = secret.clone();
            at(&mut secret, attribute, Some(kind.name)).get(inner.name).is_some()
        };
        let secret = with_kind.find(uses).map_or(any, |(_, secret)| secret);
        let known = names(kind_of(kind).unwrap());
        wrong += misspelt_in(secret, attribute, Some(kind.name), inner.name, &known);
    }
    (keys, wrong)
}

#[test]
fn every_misspelt_key_is_named_with_its_path_and_neighbour() {
    let (mut keys, mut wrong) = (0, 0);
    for attribute in ["source", "targets", "checks"] {
        let all = declared(attribute);
        let known = names(all);
        let full = complete(attribute);
        let (_, first) = full.first().unwrap();
        for declared in all {
            keys += 1;
            // A misspelt kind beside nothing else, a misspelt common key beside a complete kind.
            let of_kind = full.iter().find(|(kind, _)| *kind == declared.name);
            let secret = of_kind.map_or(first, |(_, secret)| secret);
            wrong += misspelt_in(secret, attribute, None, declared.name, &known);
        }
        for kind in all {
            let told = misspelt_arguments(kind, attribute, &full);
            (keys, wrong) = (keys + told.0, wrong + told.1);
        }
    }
    // Most of their kinds are those of checks; here the common keys, and the kinds that only activate.
    let full = complete("activations");
    for kind in kinds_of("activations") {
        let told = misspelt_arguments(kind, "activations", &full);
        (keys, wrong) = (keys + told.0, wrong + told.1);
    }
    let known = names(declared("activations"));
    for key in &known {
        keys += 1;
        for spelling in misspelt(key, &known) {
            wrong += 1;
            let secret = with(&plain(), "activations", json!({ "web": { spelling.clone(): "text" } }));
            let summary = format!("activations[\"web\"].{spelling} is not an argument");
            assert!(errors(&secret).iter().any(|found| found.summary == summary), "{secret}");
        }
    }
    println!("{keys} keys, {wrong} misspellings");
    assert!(keys >= 60 && wrong >= 2 * keys - 5, "{keys} keys, {wrong} misspellings");
}

#[test]
fn a_misspelt_key_that_is_null_or_unknown_is_told_too() {
    for value in [json!(null), json!(UNKNOWN), json!({}), json!([])] {
        let mut secret = plain();
        secret["targets"]["web"]["fly_secret"]["stge"] = value;
        let found = one_error(&secret);
        assert_eq!(found.summary, "targets[\"web\"].fly_secret.stge is not an argument");
    }
}
