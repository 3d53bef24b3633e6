//! Declarations as wire messages (tfplugin6 `GetProviderSchema`, `GetMetadata`).

use super::ProviderSchema;
use super::wire::tfplugin6 as wire;
use crate::terraform::{Attribute, AttributeType, Block, BlockNesting, Mode, Nesting, Schema, Type, json};

/// The answer to `GetProviderSchema`.
pub(super) fn provider_schema(schema: &ProviderSchema) -> wire::get_provider_schema::Response {
    wire::get_provider_schema::Response {
        provider: Some(versioned(&schema.provider)),
        resource_schemas: schema
            .resources
            .iter()
            .map(|(name, schema)| (name.clone(), versioned(schema)))
            .collect(),
        server_capabilities: Some(capabilities()),
        ..Default::default()
    }
}

/// The answer to `GetMetadata`: the names that `GetProviderSchema` has.
pub(super) fn metadata(schema: &ProviderSchema) -> wire::get_metadata::Response {
    wire::get_metadata::Response {
        server_capabilities: Some(capabilities()),
        resources: schema
            .resources
            .keys()
            .map(|name| wire::get_metadata::ResourceMetadata {
                type_name: name.clone(),
            })
            .collect(),
        ..Default::default()
    }
}

/// What this server can do beyond the base protocol: it plans destroys, has one schema for all processes, and answers moves.
fn capabilities() -> wire::ServerCapabilities {
    wire::ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: true,
        generate_resource_config: false,
    }
}

fn versioned(schema: &Schema) -> wire::Schema {
    wire::Schema {
        version: schema.version,
        block: Some(block(&schema.block)),
    }
}

fn block(source: &Block) -> wire::schema::Block {
    use wire::schema::nested_block::NestingMode;
    wire::schema::Block {
        attributes: source.attributes.iter().map(attribute).collect(),
        block_types: source
            .blocks
            .iter()
            .map(|nested| wire::schema::NestedBlock {
                type_name: nested.name.to_owned(),
                block: Some(block(&nested.block)),
                nesting: match nested.nesting {
                    BlockNesting::Single => NestingMode::Single,
                    BlockNesting::Map => NestingMode::Map,
                }
                .into(),
                min_items: 0,
                max_items: 0,
            })
            .collect(),
        description: source.description.clone(),
        description_kind: wire::StringKind::Markdown.into(),
        ..Default::default()
    }
}

fn attribute(source: &Attribute) -> wire::schema::Attribute {
    let (kind, nested_type) = match &source.kind {
        AttributeType::Plain(kind) => (type_bytes(kind), None),
        AttributeType::Nested(mode, attributes) => (Vec::new(), Some(nested(*mode, attributes))),
    };
    wire::schema::Attribute {
        name: source.name.to_owned(),
        r#type: kind,
        nested_type,
        description: source.description.clone(),
        description_kind: wire::StringKind::Markdown.into(),
        required: source.mode == Mode::Required,
        optional: matches!(source.mode, Mode::Optional | Mode::OptionalComputed),
        computed: matches!(source.mode, Mode::Computed | Mode::OptionalComputed),
        sensitive: source.sensitive,
        write_only: source.write_only,
        ..Default::default()
    }
}

fn nested(mode: Nesting, attributes: &[Attribute]) -> wire::schema::Object {
    use wire::schema::object::NestingMode;
    wire::schema::Object {
        attributes: attributes.iter().map(attribute).collect(),
        nesting: match mode {
            Nesting::Single => NestingMode::Single,
            Nesting::List => NestingMode::List,
            Nesting::Map => NestingMode::Map,
        }
        .into(),
        ..Default::default()
    }
}

fn type_bytes(kind: &Type) -> Vec<u8> {
    json::type_json(kind).to_string().into_bytes()
}
