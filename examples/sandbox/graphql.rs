//! What the emulators of GraphQL endpoints have in common: documents, fields, variables, and the envelope of an answer.

pub(crate) mod validate;

use graphql_parser::query::{
    Definition, Document, Field, OperationDefinition, Selection, SelectionSet, Value as Literal,
};
use serde_json::{Map, Value, json};

use crate::call::{Call, Reply};
use validate::{Schema, error};

type Fields<'a> = Vec<Field<'a, String>>;

pub(crate) fn fields<'a>(set: &SelectionSet<'a, String>) -> Result<Fields<'a>, String> {
    set.items
        .iter()
        .map(|item| match item {
            Selection::Field(field) => Ok(field.clone()),
            _ => Err("the sandbox knows no fragments".to_owned()),
        })
        .collect()
}

pub(crate) fn root<'a>(document: &Document<'a, String>) -> Result<(bool, Fields<'a>), String> {
    match document.definitions.first() {
        Some(Definition::Operation(OperationDefinition::Query(query))) => Ok((false, fields(&query.selection_set)?)),
        Some(Definition::Operation(OperationDefinition::Mutation(mutation))) => {
            Ok((true, fields(&mutation.selection_set)?))
        }
        Some(Definition::Operation(OperationDefinition::SelectionSet(set))) => Ok((false, fields(set)?)),
        _ => Err("one query or mutation is expected".to_owned()),
    }
}

/// The name of the operation's first field.
pub(crate) fn root_field(query: &str) -> String {
    let parsed = graphql_parser::parse_query::<String>(query).ok();
    let root = parsed.as_ref().and_then(|document| root(document).ok());
    root.and_then(|(_, fields)| fields.first().map(|field| field.name.clone()))
        .unwrap_or_default()
}

/// An argument's value, with variables filled in.
pub(crate) fn resolve(literal: &Literal<'_, String>, variables: &Value) -> Value {
    match literal {
        Literal::Variable(name) => variables.get(name).cloned().unwrap_or(Value::Null),
        Literal::Int(number) => json!(number.as_i64()),
        Literal::Float(number) => json!(number),
        Literal::String(text) | Literal::Enum(text) => json!(text),
        Literal::Boolean(flag) => json!(flag),
        Literal::Null => Value::Null,
        Literal::List(items) => Value::Array(items.iter().map(|item| resolve(item, variables)).collect()),
        Literal::Object(items) => Value::Object(
            items
                .iter()
                .map(|(name, item)| (name.clone(), resolve(item, variables)))
                .collect(),
        ),
    }
}

pub(crate) fn argument(field: &Field<'_, String>, name: &str, variables: &Value) -> Value {
    let found = field.arguments.iter().find(|(known, _)| known == name);
    found.map_or(Value::Null, |(_, literal)| resolve(literal, variables))
}

pub(crate) fn select(
    set: &SelectionSet<'_, String>,
    mut value: impl FnMut(&Field<'_, String>) -> Result<Value, Value>,
) -> Result<Value, Value> {
    let mut object = Map::new();
    for field in fields(set).map_err(|problem| error(&problem, "INVALID"))? {
        let key = field.alias.clone().unwrap_or_else(|| field.name.clone());
        object.insert(key, value(&field)?);
    }
    Ok(Value::Object(object))
}

/// Answers a GraphQL call field by field, in an envelope: always 200.
pub(crate) fn answer(
    call: &Call,
    schema: &Schema,
    mut operate: impl FnMut(&Field<'_, String>, &Value, bool) -> Result<Value, Value>,
) -> Reply {
    let variables = call.body.get("variables").cloned().unwrap_or(Value::Null);
    let query = call.text("query").unwrap_or_default();
    let document = match graphql_parser::parse_query::<String>(query) {
        Ok(document) => document,
        Err(problem) => {
            return Reply::ok(json!({ "errors": [error(&format!("Parse error: {problem}"), "PARSE_ERROR")] }));
        }
    };
    let (mutation, fields) = match root(&document) {
        Ok(found) => found,
        Err(problem) => return Reply::ok(json!({ "errors": [error(&problem, "INVALID")] })),
    };
    let problems = schema.check(&document, &variables);
    if !problems.is_empty() {
        return Reply::ok(json!({ "errors": problems }));
    }
    let mut data = Map::new();
    let mut errors = Vec::new();
    for field in &fields {
        let key = field.alias.clone().unwrap_or_else(|| field.name.clone());
        match operate(field, &variables, mutation) {
            Ok(value) => drop(data.insert(key, value)),
            Err(problem) => {
                data.insert(key, Value::Null);
                errors.push(problem);
            }
        }
    }
    let mut body = json!({ "data": data });
    if !errors.is_empty() {
        body["errors"] = json!(errors);
    }
    Reply::ok(body)
}
