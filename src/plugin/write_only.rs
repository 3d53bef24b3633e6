//! Write-only attributes (tfplugin 6.8): allowed in a configuration, forbidden in every plan and state.
//!
//! Enforced here for every resource, so that no provider code can let one through. Terraform treats a write-only value
//! in a response as a bug of the provider, and by then the value has crossed into its logs.

use crate::terraform::{Attribute, AttributeType, Block, BlockNesting, Nesting, Path, Value};

/// Sets every write-only attribute of `value` to null.
pub(super) fn strip(value: &mut Value, block: &Block) {
    visit_block(value, block, &Path::root(), &mut |_, value| *value = Value::Null);
}

/// The paths of all write-only attributes of `value` that are set; unknown counts as set.
pub(super) fn set(value: &mut Value, block: &Block) -> Vec<Path> {
    let mut paths = Vec::new();
    visit_block(value, block, &Path::root(), &mut |path, value| {
        if !value.is_null() {
            paths.push(path.clone());
        }
    });
    paths
}

fn visit_block(value: &mut Value, block: &Block, path: &Path, visit: &mut impl FnMut(&Path, &mut Value)) {
    visit_attributes(value, &block.attributes, path, visit);
    let Value::Map(items) = value else { return };
    for nested in &block.blocks {
        let path = path.then_attribute(nested.name);
        match (nested.nesting, items.get_mut(nested.name)) {
            (BlockNesting::Single, Some(value)) => visit_block(value, &nested.block, &path, visit),
            (BlockNesting::Map, Some(Value::Map(labelled))) => {
                for (label, value) in labelled {
                    visit_block(value, &nested.block, &path.then_key(label), visit);
                }
            }
            (BlockNesting::Map, _) | (_, None) => {}
        }
    }
}

fn visit_attributes(
    value: &mut Value,
    attributes: &[Attribute],
    path: &Path,
    visit: &mut impl FnMut(&Path, &mut Value),
) {
    let Value::Map(items) = value else { return };
    for attribute in attributes {
        let Some(value) = items.get_mut(attribute.name) else {
            continue;
        };
        let path = path.then_attribute(attribute.name);
        match &attribute.kind {
            _ if attribute.write_only => visit(&path, value),
            AttributeType::Plain(_) => {}
            AttributeType::Nested(nesting, attributes) => visit_nested(value, *nesting, attributes, &path, visit),
        }
    }
}

fn visit_nested(
    value: &mut Value,
    nesting: Nesting,
    attributes: &[Attribute],
    path: &Path,
    visit: &mut impl FnMut(&Path, &mut Value),
) {
    match (nesting, value) {
        (Nesting::Single, value) => visit_attributes(value, attributes, path, visit),
        (Nesting::List, Value::List(items)) => {
            for (at, item) in (0..).zip(items) {
                visit_attributes(item, attributes, &path.then_index(at), visit);
            }
        }
        (Nesting::Map, Value::Map(items)) => {
            for (key, item) in items {
                visit_attributes(item, attributes, &path.then_key(key), visit);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Mode, NestedBlock, Type};

    /// A secret at the top, and one inside each kind of nesting.
    fn block() -> Block {
        let secret = || Attribute::optional("secret_wo", Type::String, "").write_only();
        let name = || Attribute::optional("name", Type::String, "");
        let nested = |at, nesting| Attribute::nested(at, nesting, Mode::Optional, vec![name(), secret()], "");
        let inner = Block {
            attributes: vec![secret(), nested("list", Nesting::List)],
            ..Block::default()
        };
        Block {
            attributes: vec![secret(), nested("map", Nesting::Map), nested("single", Nesting::Single)],
            blocks: [("block", BlockNesting::Single), ("labelled", BlockNesting::Map)]
                .map(|(name, nesting)| NestedBlock {
                    name,
                    nesting,
                    block: inner.clone(),
                })
                .into(),
            ..Block::default()
        }
    }

    fn value(secret: &Value) -> Value {
        let item = || Value::object([("name", Value::string("n")), ("secret_wo", secret.clone())]);
        let list = Value::List(vec![item(), Value::Null, item()]);
        let block = || Value::object([("secret_wo", secret.clone()), ("list", list.clone())]);
        Value::object([
            ("secret_wo", secret.clone()),
            ("map", Value::object([("key", item())])),
            ("single", item()),
            ("block", block()),
            ("labelled", Value::object([("label", block())])),
        ])
    }

    #[test]
    fn every_write_only_value_is_found_wherever_it_nests() {
        for secret in [Value::string("s"), Value::unknown()] {
            let paths: Vec<String> = set(&mut value(&secret), &block())
                .iter()
                .map(ToString::to_string)
                .collect();
            let expected = [
                "secret_wo",
                "map[\"key\"].secret_wo",
                "single.secret_wo",
                "block.secret_wo",
                "block.list[0].secret_wo",
                "block.list[2].secret_wo",
                "labelled[\"label\"].secret_wo",
                "labelled[\"label\"].list[0].secret_wo",
                "labelled[\"label\"].list[2].secret_wo",
            ];
            assert_eq!(paths, expected);
        }
    }

    #[test]
    fn stripping_takes_them_out_and_nothing_else() {
        let mut stripped = value(&Value::string("s"));
        strip(&mut stripped, &block());
        assert_eq!(stripped, value(&Value::Null));
        for whole in [Value::Null, Value::unknown()] {
            let mut untouched = whole.clone();
            strip(&mut untouched, &block());
            assert_eq!(untouched, whole);
        }
    }
}
