//! What the provider declares, prepared for the codecs: bytes to values and back, for the provider block and each resource type.

use std::collections::BTreeMap;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::diagnostics::located;
use super::registry::Named;
use super::wire::tfplugin6::{DynamicValue, RawState};
use super::{DataSource, Ephemeral, Function, Registry, Resource, write_only};
use crate::diagnostics::{Protocol, names};
use crate::terraform::{Block, CodecError, Diagnostic, Diagnostics, Path, Schema, Type, Value, json, msgpack};

/// Everything that calls can name, with the shapes of what crosses the wire for it.
pub(super) struct Catalog {
    pub(super) provider: Shape,
    pub(super) functions: Named<dyn Function>,
    resources: BTreeMap<&'static str, Served<dyn Resource>>,
    data_sources: BTreeMap<&'static str, Served<dyn DataSource>>,
    ephemerals: BTreeMap<&'static str, Served<dyn Ephemeral>>,
}

/// What answers for a name.
pub(super) struct Served<T: ?Sized> {
    pub(super) shape: Shape,
    pub(super) handler: Arc<T>,
}

/// A block and the type of its value.
pub(super) struct Shape {
    block: Block,
    kind: Type,
}

/// A value as it is called in texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    ProviderBlock,
    Configuration,
    /// The state as Terraform holds it, current.
    State,
    /// The state as a file has it, perhaps of another version.
    StoredState,
    ProposedState,
    PlannedState,
    /// What identifies an object.
    Identity,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::ProviderBlock => "the provider block",
            Self::Configuration => "the configuration",
            Self::State => "the state",
            Self::StoredState => "the stored state",
            Self::ProposedState => "the proposed state",
            Self::PlannedState => "the planned state",
            Self::Identity => "the identity",
        }
    }

    /// What to do when it cannot be read.
    fn advice(self) -> &'static str {
        match self {
            Self::ProviderBlock | Self::Configuration | Self::Identity => {
                "Correct it in the configuration. If it is right there, the program that sent it is at fault."
            }
            Self::State | Self::StoredState | Self::ProposedState | Self::PlannedState => {
                "Use the version of the provider that wrote it, or a newer one."
            }
        }
    }
}

impl Catalog {
    pub(super) fn of(registry: &Registry) -> Self {
        Self {
            provider: Shape::of(&registry.provider),
            functions: registry.functions.clone(),
            resources: served(&registry.resources, |resource| Shape::of(resource.schema())),
            data_sources: served(&registry.data_sources, |source| Shape::of(source.schema())),
            ephemerals: served(&registry.ephemerals, |ephemeral| Shape::of(ephemeral.schema())),
        }
    }

    /// A managed resource, or a diagnostic that names those that exist.
    pub(super) fn resource(&self, type_name: &str) -> Result<&Served<dyn Resource>, Diagnostics> {
        find(&self.resources, type_name, "resource type")
    }

    /// As [`Self::resource`].
    pub(super) fn data_source(&self, type_name: &str) -> Result<&Served<dyn DataSource>, Diagnostics> {
        find(&self.data_sources, type_name, "data source")
    }

    /// As [`Self::resource`].
    pub(super) fn ephemeral(&self, type_name: &str) -> Result<&Served<dyn Ephemeral>, Diagnostics> {
        find(&self.ephemerals, type_name, "ephemeral resource type")
    }
}

impl Served<dyn Resource> {
    /// The shape of what identifies its objects.
    pub(super) fn identity_shape(&self) -> Shape {
        Shape::of_block(Block {
            attributes: self.handler.identity_attributes().to_vec(),
            blocks: Vec::new(),
            description: String::new(),
        })
    }
}

fn served<T: ?Sized>(named: &Named<T>, shape: fn(&T) -> Shape) -> BTreeMap<&'static str, Served<T>> {
    let served = named.iter().map(|(name, handler)| {
        let shape = shape(handler);
        let handler = Arc::clone(handler);
        (*name, Served { shape, handler })
    });
    served.collect()
}

fn find<'c, T: ?Sized>(
    all: &'c BTreeMap<&'static str, Served<T>>,
    name: &str,
    noun: &'static str,
) -> Result<&'c Served<T>, Diagnostics> {
    all.get(name).ok_or_else(|| {
        let unknown = Protocol::Unknown {
            noun: noun.into(),
            name: name.to_owned(),
            known: names(all.keys().copied()),
        };
        Diagnostic::new(Path::root(), unknown).into()
    })
}

impl Shape {
    fn of(schema: &Schema) -> Self {
        Self::of_block(schema.block.clone())
    }

    fn of_block(block: Block) -> Self {
        let kind = block.value_type();
        Self { block, kind }
    }

    /// Reads a value; absent or empty is null, as go-plugin hosts mean it. `what` names it in errors.
    pub(super) fn decode(&self, value: Option<DynamicValue>, what: What) -> Result<Value, Diagnostics> {
        let Some(DynamicValue { msgpack, json }) = value else {
            return Ok(Value::Null);
        };
        // Configurations carry write-only values.
        let (packed, text) = (Zeroizing::new(msgpack), Zeroizing::new(json));
        let decoded = match (packed.as_slice(), text.as_slice()) {
            ([], []) => Ok(Value::Null),
            ([], json) => {
                json::decode_noting(json, &self.kind).and_then(|(value, without_room)| match without_room.first() {
                    None => Ok(value),
                    Some(path) => Err(CodecError::new(path, "an attribute that the schema does not have")),
                })
            }
            (packed, _) => msgpack::decode(packed, &self.kind),
        };
        decoded.map_err(|error| self.located(unreadable(what, &error)))
    }

    /// Reads a stored state, leniently; also gives the places of what the schema has no room for.
    pub(super) fn decode_state(&self, state: Option<RawState>) -> Result<(Value, Vec<Path>), Diagnostics> {
        let state = state.unwrap_or_default();
        if !state.flatmap.is_empty() {
            return Err(Diagnostic::new(Path::root(), Protocol::Flatmap).into());
        }
        json::decode_noting(&state.json, &self.kind)
            .map_err(|error| self.located(unreadable(What::StoredState, &error)))
    }

    /// Writes a state as [`Shape::encode_or`] does. One with unknown values is a mistake too: Terraform would store nulls for them.
    pub(super) fn encode_state_or(
        &self,
        value: Value,
        instead: Option<DynamicValue>,
        diagnostics: &mut Diagnostics,
    ) -> Option<DynamicValue> {
        if !value.has_unknown() {
            return self.encode_or(value, instead, diagnostics);
        }
        let unknown = value
            .as_map()
            .into_iter()
            .flatten()
            .find(|(_, value)| value.has_unknown());
        let path = unknown.map_or_else(Path::root, |(name, _)| Path::attribute(name));
        diagnostics.report(path, Protocol::UnknownInState);
        instead
    }

    /// Writes a plan or state, its write-only attributes nulled. When the value does not fit the schema, `instead` is
    /// answered and the mistake is reported.
    pub(super) fn encode_or(
        &self,
        mut value: Value,
        instead: Option<DynamicValue>,
        diagnostics: &mut Diagnostics,
    ) -> Option<DynamicValue> {
        write_only::strip(&mut value, &self.block);
        match msgpack::encode(&value, &self.kind) {
            Ok(msgpack) => Some(DynamicValue {
                msgpack,
                json: Vec::new(),
            }),
            Err(error) => {
                let problem = error.to_string();
                diagnostics.report(error.path, Protocol::OutsideSchema { problem });
                instead
            }
        }
    }

    /// Diagnostics at places for which Terraform finds a line.
    pub(super) fn located(&self, diagnostics: Diagnostics) -> Diagnostics {
        located(diagnostics, &self.block)
    }

    /// Nulls every write-only attribute.
    pub(super) fn strip_write_only(&self, value: &mut Value) {
        write_only::strip(value, &self.block);
    }

    /// An error for each write-only attribute that is set, for clients that would store it.
    pub(super) fn refuse_write_only(&self, config: &mut Value) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        for path in write_only::set(config, &self.block) {
            let argument = path.to_string();
            diagnostics.report(path, Protocol::WriteOnlyUnsupported { argument });
        }
        diagnostics
    }
}

fn unreadable(what: What, error: &CodecError) -> Diagnostics {
    let unreadable = Protocol::Unreadable {
        what: what.name().into(),
        problem: error.to_string(),
        advice: what.advice().into(),
    };
    Diagnostic::new(error.path.clone(), unreadable).into()
}
