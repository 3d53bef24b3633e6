//! The parameter `secrets`: any collection of secrets.

use crate::plugin::{FunctionError, Parameter};
use crate::terraform::{Type, Value};

/// What the values of a secret have, whichever way they were put together.
const ATTRIBUTES: [&str; 5] = ["id", "name", "source", "targets", "deliveries"];

/// The parameter. Lists, sets and maps hold values of one type, which secrets with unlike targets are not, so that its type is open.
pub(super) fn parameter() -> Parameter {
    Parameter {
        name: "secrets",
        kind: Type::Dynamic,
        description: "A list, tuple, map or object of `rotation_secret` resources, such as `[rotation_secret.a, rotation_secret.b]` or a \
                      resource with `for_each`.",
    }
}

/// The secrets of an argument, in its order: that of a list, or of the keys of a map.
pub(super) fn secrets(argument: &Value) -> Result<Vec<&Value>, FunctionError> {
    let argument = argument.plain();
    if is_secret(argument) {
        return Err(refusal(
            "secrets is one secret. Put it in brackets: [rotation_secret.x].".to_owned(),
        ));
    }
    let items: Vec<(String, &Value)> = match argument {
        Value::List(items) => (0..)
            .zip(items)
            .map(|(at, item): (usize, _)| (at.to_string(), item))
            .collect(),
        Value::Map(items) => items.iter().map(|(key, item)| (format!("{key:?}"), item)).collect(),
        _ => {
            return Err(refusal(
                "secrets must be a list, tuple, map or object of rotation_secret resources.".to_owned(),
            ));
        }
    };
    let checked = items.into_iter().map(|(at, item)| {
        let item = item.plain();
        if is_secret(item) {
            return Ok(item);
        }
        let hint = match item {
            Value::List(_) => " It is a list: use flatten().",
            Value::Null => " It is null.",
            Value::Map(items) if items.values().any(|item| is_secret(item.plain())) => {
                " It is a map of secrets: use merge()."
            }
            _ => "",
        };
        Err(refusal(format!("secrets[{at}] is not a rotation_secret.{hint}")))
    });
    checked.collect()
}

fn is_secret(value: &Value) -> bool {
    let Some(attributes) = value.as_map() else {
        return false;
    };
    ATTRIBUTES.iter().all(|name| attributes.contains_key(*name))
}

fn refusal(text: String) -> FunctionError {
    FunctionError {
        text,
        argument: Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str) -> Value {
        let empty = || Value::Map(std::collections::BTreeMap::new());
        Value::object([
            ("id", Value::string("0")),
            ("name", Value::string(name)),
            ("source", empty()),
            ("targets", empty()),
            ("deliveries", empty()),
        ])
    }

    fn told(argument: &Value) -> String {
        secrets(argument).map_or_else(|error| error.text, |found| format!("{} secrets", found.len()))
    }

    #[test]
    fn every_collection_of_secrets_is_taken() {
        let (a, b) = (secret("A"), secret("B"));
        assert_eq!(told(&Value::List(vec![a.clone(), b.clone()])), "2 secrets");
        assert_eq!(told(&Value::object([("x", a), ("y", b)])), "2 secrets");
        assert_eq!(told(&Value::List(Vec::new())), "0 secrets");
    }

    #[test]
    fn anything_else_is_refused_by_its_index() {
        let list = |item| Value::List(vec![secret("A"), item]);
        for (argument, text) in [
            (
                secret("A"),
                "secrets is one secret. Put it in brackets: [rotation_secret.x].",
            ),
            (
                Value::string("A"),
                "secrets must be a list, tuple, map or object of rotation_secret resources.",
            ),
            (list(Value::string("hunter2")), "secrets[1] is not a rotation_secret."),
            (list(Value::Null), "secrets[1] is not a rotation_secret. It is null."),
            (
                list(Value::List(vec![secret("B")])),
                "secrets[1] is not a rotation_secret. It is a list: use flatten().",
            ),
            (
                Value::object([("all", Value::object([("b", secret("B"))]))]),
                "secrets[\"all\"] is not a rotation_secret. It is a map of secrets: use merge().",
            ),
        ] {
            assert_eq!(told(&argument), text);
        }
    }
}
