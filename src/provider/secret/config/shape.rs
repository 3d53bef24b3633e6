//! The shape of what was written: dynamic attributes get the declared one, names that are only declared are refused.

use crate::diagnostics::Argument;
use crate::provider::secret::declared::DYNAMIC;
use crate::provider::secret::state::COMPUTED;
use crate::terraform::conform::conform;
use crate::terraform::{Diagnostics, Origin, Path, Value};

/// The same resource, its dynamic attributes conformed to the declarations. What a state holds was checked when it was written.
pub(super) fn conformed(value: &Value, origin: Origin, problems: &mut Diagnostics) -> Value {
    let mut found = Diagnostics::new();
    let names = value.as_map().into_iter().flat_map(|attributes| attributes.keys());
    let arguments: Vec<&str> = names
        .map(String::as_str)
        .filter(|name| !COMPUTED.contains(name))
        .collect();
    let conformed = DYNAMIC.iter().fold(value.clone(), |object, declared| {
        let (written, path) = (value.get(declared.name), Path::attribute(declared.name));
        let shaped = conform(written, &declared.content, &path, &arguments, &mut found);
        object.with(declared.name, shaped)
    });
    if origin == Origin::Configuration {
        problems.extend(found);
    }
    without_empty_texts(conformed)
}

/// An empty optional text counts as absent, as an unset variable of the environment does.
fn without_empty_texts(resource: Value) -> Value {
    let nulled = |object: Value, names: &[&str]| {
        let unset = names.iter().filter(|name| object.get(name).as_str() == Some(""));
        let unset: Vec<&str> = unset.copied().collect();
        unset
            .into_iter()
            .fold(object, |object, name| object.with(name, Value::Null))
    };
    let texts = [
        "overlap",
        "rotation_reason",
        "on_drift",
        "on_existing",
        "on_destroy",
        "label_prefix",
    ];
    let blocks: [(&str, &[&str]); 2] = [("rotation", &["every", "early"]), ("revoke", &["mode", "quiet_for"])];
    blocks
        .into_iter()
        .fold(nulled(resource, &texts), |object, (block, names)| {
            let inner = nulled(object.get(block).clone(), names);
            object.with(block, inner)
        })
}

/// Refuses attributes that only the provider sets.
pub(in crate::provider::secret) fn refuse(value: &Value, problems: &mut Diagnostics) {
    for name in COMPUTED {
        if !value.get(name).is_null() {
            let argument = (*name).to_owned();
            problems.report(Path::attribute(name), Argument::ReadOnly { argument });
        }
    }
}
