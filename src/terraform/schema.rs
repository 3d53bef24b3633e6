//! Declarations of what a block holds. `plugin` turns them into wire messages, the docs generator into pages.

use std::collections::BTreeMap;

/// A type of Terraform's type system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `bool`
    Bool,
    /// `number`
    Number,
    /// `string`
    String,
    /// `list(T)`
    List(Box<Self>),
    /// `set(T)`
    Set(Box<Self>),
    /// `map(T)`
    Map(Box<Self>),
    /// `object({…})`
    Object(BTreeMap<String, Self>),
    /// `tuple([…])`
    Tuple(Vec<Self>),
    /// `any`: every value brings its own type (go-cty `DynamicPseudoType`).
    Dynamic,
}

impl Type {
    /// `list(string)`
    pub fn strings() -> Self {
        Self::List(Box::new(Self::String))
    }

    /// `map(string)`
    pub fn string_map() -> Self {
        Self::Map(Box::new(Self::String))
    }
}

/// Who sets an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The user must.
    Required,
    /// The user may.
    Optional,
    /// The provider does.
    Computed,
    /// The user may, else the provider does.
    OptionalComputed,
}

/// How a nested attribute repeats (tfplugin6 `Schema.Object.NestingMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// A list of objects.
    List,
    /// A map of objects.
    Map,
}

/// The type of an attribute: plain, or an object with documented attributes of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeType {
    /// A plain type.
    Plain(Type),
    /// Nested attributes.
    Nested(Nesting, Vec<Attribute>),
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: AttributeType,
    /// Who sets it.
    pub mode: Mode,
    /// Terraform hides its value.
    pub sensitive: bool,
    /// Terraform passes it on and never stores it.
    pub write_only: bool,
    /// What it means, in Markdown: units, default, permitted values.
    pub description: String,
}

impl Attribute {
    fn new(name: &'static str, kind: AttributeType, mode: Mode, description: impl Into<String>) -> Self {
        Self {
            name,
            kind,
            mode,
            sensitive: false,
            write_only: false,
            description: description.into(),
        }
    }

    /// A required attribute of a plain type.
    pub fn required(name: &'static str, kind: Type, description: impl Into<String>) -> Self {
        Self::new(name, AttributeType::Plain(kind), Mode::Required, description)
    }

    /// An optional attribute of a plain type.
    pub fn optional(name: &'static str, kind: Type, description: impl Into<String>) -> Self {
        Self::new(name, AttributeType::Plain(kind), Mode::Optional, description)
    }

    /// A computed attribute of a plain type.
    pub fn computed(name: &'static str, kind: Type, description: impl Into<String>) -> Self {
        Self::new(name, AttributeType::Plain(kind), Mode::Computed, description)
    }

    /// Nested attributes.
    pub fn nested(
        name: &'static str,
        nesting: Nesting,
        mode: Mode,
        attributes: Vec<Self>,
        description: impl Into<String>,
    ) -> Self {
        Self::new(name, AttributeType::Nested(nesting, attributes), mode, description)
    }

    /// The same, hidden in Terraform's output.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// The same, never stored by Terraform (tfplugin 6.8).
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// The type of the attribute's value.
    pub fn value_type(&self) -> Type {
        match &self.kind {
            AttributeType::Plain(kind) => kind.clone(),
            AttributeType::Nested(nesting, attributes) => {
                let object = Type::Object(attributes.iter().map(|a| (a.name.to_owned(), a.value_type())).collect());
                match nesting {
                    Nesting::Single => object,
                    Nesting::List => Type::List(Box::new(object)),
                    Nesting::Map => Type::Map(Box::new(object)),
                }
            }
        }
    }
}

/// How often a nested block occurs (tfplugin6 `Schema.NestedBlock.NestingMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockNesting {
    /// At most once.
    Single,
    /// Any number of times, each with a label of its own: `connection "main" {}`. All are of one type, so none of the attributes
    /// can be dynamic.
    Map,
}

/// A nested block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NestedBlock {
    /// Its name.
    pub name: &'static str,
    /// How often it occurs.
    pub nesting: BlockNesting,
    /// What it holds.
    pub block: Block,
}

impl NestedBlock {
    /// The type of its value: an object, or a map of them by label.
    pub fn value_type(&self) -> Type {
        let object = self.block.value_type();
        match self.nesting {
            BlockNesting::Single => object,
            BlockNesting::Map => Type::Map(Box::new(object)),
        }
    }
}

/// The content of a resource, provider or nested block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// Attributes, in the order in which the docs show them.
    pub attributes: Vec<Attribute>,
    /// Nested blocks.
    pub blocks: Vec<NestedBlock>,
    /// What the block is, in Markdown.
    pub description: String,
}

impl Block {
    /// The type of the block's value: an object of all attributes and blocks.
    pub fn value_type(&self) -> Type {
        let attributes = self.attributes.iter().map(|a| (a.name.to_owned(), a.value_type()));
        let blocks = self.blocks.iter().map(|b| (b.name.to_owned(), b.value_type()));
        Type::Object(attributes.chain(blocks).collect())
    }
}

/// A versioned block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Version of the state format.
    pub version: i64,
    /// The content.
    pub block: Block,
}
