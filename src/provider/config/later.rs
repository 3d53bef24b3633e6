//! Names of the provider block whose behaviour a later version brings. Setting one is an error, so that nothing is ignored.

use crate::diagnostics::Argument;
use crate::terraform::{Attribute, Block, BlockNesting, Diagnostics, NestedBlock, Path, Type, Value};

const LATER: &str = "Not available yet.";

fn text(name: &'static str) -> Attribute {
    Attribute::optional(name, Type::String, LATER)
}

fn secret(name: &'static str) -> Attribute {
    text(name).sensitive()
}

fn block(
    name: &'static str,
    nesting: BlockNesting,
    attributes: Vec<Attribute>,
    blocks: Vec<NestedBlock>,
) -> NestedBlock {
    NestedBlock {
        name,
        nesting,
        block: Block {
            attributes,
            blocks,
            description: LATER.to_owned(),
        },
    }
}

fn single(name: &'static str, attributes: Vec<Attribute>) -> NestedBlock {
    block(name, BlockNesting::Single, attributes, Vec::new())
}

/// The arguments.
pub(super) fn attributes() -> Vec<Attribute> {
    vec![text("receipts_path")]
}

/// The blocks.
pub(super) fn blocks() -> Vec<NestedBlock> {
    let messengers = vec![
        single("slack", vec![secret("webhook_url")]),
        single("linear", vec![secret("api_key"), text("team_id")]),
        single("webhook", vec![text("url"), secret("signing_secret")]),
    ];
    let on = Attribute::optional("on", Type::strings(), LATER);
    vec![block("notify", BlockNesting::Map, vec![on], messengers)]
}

/// Refuses what is set.
pub(super) fn refuse(config: &Value, problems: &mut Diagnostics) {
    let attributes = attributes().into_iter().map(|attribute| attribute.name);
    let blocks = blocks().into_iter().map(|block| block.name);
    for name in attributes.chain(blocks) {
        if is_set(config.get(name)) {
            let argument = name.to_owned();
            problems.report(Path::attribute(name), Argument::NotYet { argument });
        }
    }
}

/// Whether something in it is not null.
fn is_set(value: &Value) -> bool {
    match value.plain() {
        Value::Null | Value::Bool(false) => false,
        Value::List(items) => !items.is_empty(),
        Value::Map(items) => items.values().any(is_set),
        _ => true,
    }
}
