//! Whether a GraphQL operation fits the schema; decided before anything happens, as GraphQL servers do (spec, section 5).

use std::collections::BTreeMap;

use graphql_parser::query::{
    Definition, Document, Field, OperationDefinition, Selection, SelectionSet, Type, Value as Literal,
    VariableDefinition,
};
use graphql_parser::schema::{Definition as SchemaDefinition, Field as SchemaField, InputValue, TypeDefinition};
use serde_json::{Value, json};

/// What an error carries besides its text.
type Problems = Vec<Value>;

pub(crate) fn error(message: &str, code: &str) -> Value {
    json!({ "message": message, "extensions": { "code": code } })
}

/// The schema, by type name.
pub(crate) struct Schema {
    objects: BTreeMap<String, Vec<SchemaField<'static, String>>>,
    inputs: BTreeMap<String, Vec<InputValue<'static, String>>>,
    /// The types that queries and mutations start from.
    roots: [&'static str; 2],
}

impl Schema {
    pub(crate) fn of(text: &'static str, roots: [&'static str; 2]) -> Self {
        let parsed = graphql_parser::parse_schema::<String>(text);
        let mut schema = Self {
            objects: BTreeMap::new(),
            inputs: BTreeMap::new(),
            roots,
        };
        for definition in parsed.map(|document| document.definitions).unwrap_or_default() {
            match definition {
                SchemaDefinition::TypeDefinition(TypeDefinition::Object(object)) => {
                    schema.objects.insert(object.name, object.fields);
                }
                SchemaDefinition::TypeDefinition(TypeDefinition::InputObject(input)) => {
                    schema.inputs.insert(input.name, input.fields);
                }
                _ => {}
            }
        }
        schema
    }

    /// Everything that is wrong with an operation and its variables.
    pub(crate) fn check(&self, document: &Document<'_, String>, variables: &Value) -> Problems {
        let mut check = Check {
            schema: self,
            variables,
            declared: BTreeMap::new(),
            problems: Vec::new(),
        };
        let Some(Definition::Operation(operation)) = document.definitions.first() else {
            return vec![error("One query or mutation is expected", "INVALID")];
        };
        let (root, set, declared) = match operation {
            OperationDefinition::Query(query) => (self.roots[0], &query.selection_set, &query.variable_definitions[..]),
            OperationDefinition::Mutation(mutation) => {
                let declared = &mutation.variable_definitions[..];
                (self.roots[1], &mutation.selection_set, declared)
            }
            OperationDefinition::SelectionSet(set) => (self.roots[0], set, &[][..]),
            OperationDefinition::Subscription(_) => {
                return vec![error("Schema is not configured for subscriptions", "INVALID")];
            }
        };
        check.declare(declared);
        check.selections(set, root);
        check.problems
    }
}

struct Check<'a> {
    schema: &'a Schema,
    variables: &'a Value,
    declared: BTreeMap<String, String>,
    problems: Problems,
}

impl Check<'_> {
    fn fail(&mut self, message: String, code: &str) {
        self.problems.push(error(&message, code));
    }

    fn declare(&mut self, declared: &[VariableDefinition<'_, String>]) {
        for variable in declared {
            let kind = variable.var_type.to_string();
            let given = self.variables.get(&variable.name).unwrap_or(&Value::Null);
            if given.is_null() && kind.ends_with('!') && variable.default_value.is_none() {
                let name = &variable.name;
                self.fail(
                    format!("Variable ${name} of type {kind} was provided invalid value"),
                    "INVALID_VARIABLE",
                );
            }
            self.input_object(&given.clone(), inner(&kind));
            self.declared.insert(variable.name.clone(), kind);
        }
    }

    fn selections(&mut self, set: &SelectionSet<'_, String>, kind: &str) {
        for item in &set.items {
            let Selection::Field(field) = item else {
                self.fail("the sandbox knows no fragments".to_owned(), "INVALID");
                continue;
            };
            self.field(field, kind);
        }
    }

    fn field(&mut self, field: &Field<'_, String>, kind: &str) {
        let schema = self.schema;
        let known = schema
            .objects
            .get(kind)
            .and_then(|fields| fields.iter().find(|known| known.name == field.name));
        let Some(known) = known else {
            let message = format!("Field '{}' doesn't exist on type '{kind}'", field.name);
            return self.fail(message, "undefinedField");
        };
        for (name, value) in &field.arguments {
            match known.arguments.iter().find(|argument| argument.name == *name) {
                Some(argument) => self.argument(value, argument),
                None => self.fail(
                    format!("Field '{}' doesn't accept argument '{name}'", field.name),
                    "argumentNotAccepted",
                ),
            }
        }
        for argument in &known.arguments {
            let given = field.arguments.iter().any(|(name, _)| *name == argument.name);
            if !given && matches!(argument.value_type, Type::NonNullType(_)) {
                self.fail(
                    format!(
                        "Field '{}' is missing required arguments: {}",
                        field.name, argument.name
                    ),
                    "missingRequiredArguments",
                );
            }
        }
        let text = known.field_type.to_string();
        let composite = schema.objects.contains_key(inner(&text));
        match (composite, field.selection_set.items.is_empty()) {
            (true, true) => self.fail(
                format!(
                    "Field must have selections (field '{}' returns {})",
                    field.name,
                    inner(&text)
                ),
                "selectionMismatch",
            ),
            (false, false) => self.fail(
                format!("Selections can't be made on scalars (field '{}')", field.name),
                "selectionMismatch",
            ),
            _ => self.selections(&field.selection_set, inner(&text)),
        }
    }

    fn argument(&mut self, value: &Literal<'_, String>, argument: &InputValue<'_, String>) {
        let wanted = argument.value_type.to_string();
        let Literal::Variable(name) = value else {
            let resolved = super::resolve(value, self.variables);
            return self.input_object(&resolved, inner(&wanted));
        };
        match self.declared.get(name) {
            None => self.fail(
                format!("Variable ${name} is used but not declared"),
                "variableNotDefined",
            ),
            Some(kind) if kind.trim_end_matches('!') != wanted.trim_end_matches('!') => {
                let message = format!("Type mismatch on variable ${name} ({kind} / {wanted})");
                self.fail(message, "variableMismatch");
            }
            Some(_) => {}
        }
    }

    fn input_object(&mut self, value: &Value, kind: &str) {
        let schema = self.schema;
        let (Some(known), Some(given)) = (schema.inputs.get(kind), value.as_object()) else {
            return;
        };
        for name in given.keys() {
            if !known.iter().any(|field| field.name == *name) {
                let message = format!("InputObject '{kind}' doesn't accept argument '{name}'");
                self.fail(message, "argumentNotAccepted");
            }
        }
        for field in known {
            let missing = given.get(&field.name).is_none_or(Value::is_null);
            if missing && matches!(field.value_type, Type::NonNullType(_)) {
                let message = format!("Argument '{}' on InputObject '{kind}' is required", field.name);
                self.fail(message, "missingRequiredInputObjectAttribute");
            }
        }
    }
}

/// The named type inside `[T!]!`.
fn inner(text: &str) -> &str {
    text.trim_matches(|c| matches!(c, '[' | ']' | '!'))
}
