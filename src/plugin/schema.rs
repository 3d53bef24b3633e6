//! Declarations as wire messages (tfplugin6 `GetProviderSchema`, `GetMetadata`, `GetFunctions`).

use std::collections::HashMap;

use super::registry::Named;
use super::wire::tfplugin6 as wire;
use super::{Registry, Signature};
use crate::terraform::{Attribute, AttributeType, Block, BlockNesting, Mode, Nesting, Schema, Type, json};

/// The answer to `GetProviderSchema`.
pub(super) fn provider_schema(registry: &Registry) -> wire::get_provider_schema::Response {
    fn named<'r>(all: impl Iterator<Item = (&'static str, &'r Schema)>) -> HashMap<String, wire::Schema> {
        all.map(|(name, schema)| (name.to_owned(), versioned(schema))).collect()
    }
    wire::get_provider_schema::Response {
        provider: Some(versioned(&registry.provider)),
        resource_schemas: named(registry.resources.iter().map(|(name, it)| (*name, it.schema()))),
        data_source_schemas: named(registry.data_sources.iter().map(|(name, it)| (*name, it.schema()))),
        ephemeral_resource_schemas: named(registry.ephemerals.iter().map(|(name, it)| (*name, it.schema()))),
        functions: functions(registry),
        server_capabilities: Some(capabilities()),
        ..Default::default()
    }
}

/// The functions, for `GetProviderSchema` and `GetFunctions`.
pub(super) fn functions(registry: &Registry) -> HashMap<String, wire::Function> {
    let functions = registry.functions.iter();
    functions
        .map(|(name, function)| ((*name).to_owned(), signature(function.signature())))
        .collect()
}

/// The answer to `GetMetadata`: the names that `GetProviderSchema` has.
pub(super) fn metadata(registry: &Registry) -> wire::get_metadata::Response {
    use wire::get_metadata::{DataSourceMetadata, EphemeralMetadata, FunctionMetadata, ResourceMetadata};
    fn names<'r, T: ?Sized + 'r>(all: &'r Named<T>) -> impl Iterator<Item = String> + 'r {
        all.keys().map(|name| (*name).to_owned())
    }
    wire::get_metadata::Response {
        server_capabilities: Some(capabilities()),
        resources: names(&registry.resources)
            .map(|type_name| ResourceMetadata { type_name })
            .collect(),
        data_sources: names(&registry.data_sources)
            .map(|type_name| DataSourceMetadata { type_name })
            .collect(),
        ephemeral_resources: names(&registry.ephemerals)
            .map(|type_name| EphemeralMetadata { type_name })
            .collect(),
        functions: names(&registry.functions)
            .map(|name| FunctionMetadata { name })
            .collect(),
        ..Default::default()
    }
}

fn signature(source: &Signature) -> wire::Function {
    let parameters = source.parameters.iter().map(|parameter| wire::function::Parameter {
        name: parameter.name.to_owned(),
        r#type: type_bytes(&parameter.kind),
        allow_null_value: false,
        allow_unknown_values: false,
        description: parameter.description.to_owned(),
        description_kind: wire::StringKind::Markdown.into(),
    });
    wire::Function {
        parameters: parameters.collect(),
        r#return: Some(wire::function::Return {
            r#type: type_bytes(&source.returns),
        }),
        summary: source.summary.to_owned(),
        description: source.description.to_owned(),
        description_kind: wire::StringKind::Markdown.into(),
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

/// What identifies the objects of a type. A required attribute must be given to import by it.
pub(super) fn identity(attributes: &[Attribute]) -> wire::ResourceIdentitySchema {
    use wire::resource_identity_schema::IdentityAttribute;
    let attributes = attributes.iter().map(|source| IdentityAttribute {
        name: source.name.to_owned(),
        r#type: match &source.kind {
            AttributeType::Plain(kind) => type_bytes(kind),
            AttributeType::Nested(..) => Vec::new(),
        },
        required_for_import: source.mode == Mode::Required,
        optional_for_import: source.mode != Mode::Required,
        description: source.description.clone(),
    });
    wire::ResourceIdentitySchema {
        version: 0,
        identity_attributes: attributes.collect(),
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
