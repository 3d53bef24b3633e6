//! The few GraphQL operations on tokens, answered field by field as they were selected.

use graphql_parser::query::{Field, SelectionSet};
use serde_json::{Value, json};

use super::{Fly, Token};
use crate::call::{Call, Reply};
use crate::clock;
use crate::graphql::validate::{Schema, error};
use crate::graphql::{self, argument, root, select};

/// Whether a call, of GraphQL or not, changes nothing.
pub(super) fn reads(call: &Call) -> bool {
    let query = call.text("query").unwrap_or_default();
    let parsed = graphql_parser::parse_query::<String>(query).ok();
    let is_mutation = parsed
        .as_ref()
        .and_then(|document| root(document).ok())
        .map(|(mutation, _)| mutation);
    call.method == "GET" || (call.path == "/graphql" && is_mutation == Some(false))
}

/// Answers a GraphQL call.
pub(super) fn answer(fly: &mut Fly, call: &Call, lag: i64) -> Reply {
    let schema = Schema::of(include_str!("schema.graphql"), ["Queries", "Mutations"]);
    graphql::answer(call, &schema, |field, variables, mutation| {
        operate(fly, field, variables, mutation, lag)
    })
}

fn operate(
    fly: &mut Fly,
    field: &Field<'_, String>,
    variables: &Value,
    mutation: bool,
    lag: i64,
) -> Result<Value, Value> {
    let text = |value: Value| value.as_str().map(str::to_owned);
    match (mutation, field.name.as_str()) {
        (false, "app") => {
            let name = text(argument(field, "name", variables)).unwrap_or_default();
            if !fly.apps.contains_key(&name) {
                return Err(error("Could not find App", "NOT_FOUND"));
            }
            app(fly, &name, field, variables)
        }
        (false, "organization") => {
            let (slug, id) = (argument(field, "slug", variables), argument(field, "id", variables));
            let wanted = |(known, known_id): &(&String, &String)| slug == json!(known) || id == json!(known_id);
            let Some(slug) = fly.organizations.iter().find(wanted).map(|(slug, _)| slug.clone()) else {
                return Err(error("Could not find Organization", "NOT_FOUND"));
            };
            organization(fly, &slug, field, variables)
        }
        (true, "createLimitedAccessToken") => create(fly, field, variables, lag),
        (true, "deleteLimitedAccessToken") => {
            let input = argument(field, "input", variables);
            let id = input.get("id").and_then(Value::as_str).unwrap_or_default();
            let token = fly.tokens.iter_mut().find(|token| token.id == id);
            let Some(token) = token else {
                return Err(error("Could not find LimitedAccessToken", "NOT_FOUND"));
            };
            token.revoked_at.get_or_insert_with(clock::seconds);
            select(&field.selection_set, |field| match field.name.as_str() {
                "clientMutationId" | "revokedBy" | "token" => Ok(Value::Null),
                other => Err(undefined(other, "DeleteLimitedAccessTokenPayload")),
            })
        }
        (false, "viewer") => user(field),
        (_, other) => Err(error(
            &format!("Field '{other}' doesn't exist on type 'Query'"),
            "undefinedField",
        )),
    }
}

fn undefined(field: &str, kind: &str) -> Value {
    error(
        &format!("Field '{field}' doesn't exist on type '{kind}'"),
        "undefinedField",
    )
}

fn app(fly: &Fly, name: &str, field: &Field<'_, String>, variables: &Value) -> Result<Value, Value> {
    let Some(known) = fly.apps.get(name) else {
        return Ok(Value::Null);
    };
    select(&field.selection_set, |field| match field.name.as_str() {
        "id" => Ok(json!(known.id)),
        "name" => Ok(json!(name)),
        "organization" => organization(fly, &known.organization, field, variables),
        "limitedAccessTokens" => tokens(fly, &format!("app:{name}"), field, variables),
        other => Err(undefined(other, "App")),
    })
}

fn organization(fly: &Fly, slug: &str, field: &Field<'_, String>, variables: &Value) -> Result<Value, Value> {
    let id = fly.organizations.get(slug);
    select(&field.selection_set, |field| match field.name.as_str() {
        "id" => Ok(json!(id)),
        "slug" | "name" | "rawSlug" => Ok(json!(slug)),
        "limitedAccessTokens" => tokens(fly, &format!("organization:{slug}"), field, variables),
        other => Err(undefined(other, "Organization")),
    })
}

fn tokens(fly: &Fly, owner: &str, field: &Field<'_, String>, variables: &Value) -> Result<Value, Value> {
    let now = clock::epoch_millis();
    let all: Vec<&Token> = fly
        .tokens
        .iter()
        .filter(|token| token.owner == owner && token.listed_from <= now)
        .collect();
    let first = argument(field, "first", variables).as_u64().unwrap_or(20).min(100) as usize;
    let after = argument(field, "after", variables);
    let start = after.as_str().and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let page: Vec<&Token> = all.iter().skip(start).take(first).copied().collect();
    let end = start + page.len();
    select(&field.selection_set, |field| match field.name.as_str() {
        "nodes" => page
            .iter()
            .map(|item| token(item, &field.selection_set))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        "totalCount" => Ok(json!(all.len())),
        "pageInfo" => select(&field.selection_set, |field| match field.name.as_str() {
            "hasNextPage" => Ok(json!(end < all.len())),
            "hasPreviousPage" => Ok(json!(start > 0)),
            "startCursor" => Ok(json!(start.to_string())),
            "endCursor" => Ok(json!(end.to_string())),
            other => Err(undefined(other, "PageInfo")),
        }),
        other => Err(undefined(other, "LimitedAccessTokenConnection")),
    })
}

fn token(token: &Token, set: &SelectionSet<'_, String>) -> Result<Value, Value> {
    select(set, |field| match field.name.as_str() {
        "id" => Ok(json!(token.id)),
        "name" => Ok(json!(token.name)),
        "profile" => Ok(json!(token.profile)),
        "profileParams" => Ok(token.params.clone()),
        "createdAt" => Ok(json!(token.created_at)),
        "expiresAt" => Ok(json!(token.expires_at)),
        "revokedAt" => Ok(json!(token.revoked_at)),
        "token" | "tokenHeader" => Ok(json!(token.value)),
        "revokedBy" => Ok(token
            .revoked_at
            .as_ref()
            .map_or(Value::Null, |_| json!("sandbox@example.com"))),
        "user" => user(field),
        other => Err(undefined(other, "LimitedAccessToken")),
    })
}

fn user(field: &Field<'_, String>) -> Result<Value, Value> {
    select(&field.selection_set, |field| match field.name.as_str() {
        "id" => Ok(json!("user-sandbox-1")),
        "email" => Ok(json!("sandbox@example.com")),
        "name" => Ok(json!("Sandbox")),
        other => Err(undefined(other, "User")),
    })
}

/// Seconds of a duration as Go writes it: `720h0m0s`.
fn go_seconds(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut digits = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let number: i64 = digits.parse().ok()?;
        total += number
            * match c {
                'h' => 3600,
                'm' => 60,
                's' => 1,
                _ => return None,
            };
        digits.clear();
    }
    digits.is_empty().then_some(total)
}

fn create(fly: &mut Fly, field: &Field<'_, String>, variables: &Value, lag: i64) -> Result<Value, Value> {
    let input = argument(field, "input", variables);
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
    let organization = fly
        .organizations
        .iter()
        .find(|(_, id)| *id == text("organizationId"))
        .map(|(slug, _)| slug.clone());
    let Some(organization) = organization else {
        return Err(error("Could not find Organization", "NOT_FOUND"));
    };
    if text("name").is_empty() {
        return Err(error("Name can't be blank", "UNPROCESSABLE"));
    }
    let owner = match text("profile") {
        "deploy" => {
            let id = input
                .pointer("/profileParams/app_id")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let app = fly
                .apps
                .iter()
                .find(|(_, app)| app.id == id)
                .map(|(name, _)| name.clone());
            format!("app:{}", app.ok_or_else(|| error("Could not find App", "NOT_FOUND"))?)
        }
        "deploy_organization" => format!("organization:{organization}"),
        other => return Err(error(&format!("Profile {other} is not known"), "UNPROCESSABLE")),
    };
    let seconds = match text("expiry") {
        "" => None,
        expiry => Some(go_seconds(expiry).ok_or_else(|| error("Expiry is invalid", "UNPROCESSABLE"))?),
    };
    let (name, profile) = (text("name").to_owned(), text("profile").to_owned());
    let at = fly.mint(&owner, &name, &profile, seconds, None, lag);
    let Some(made) = fly.tokens.get(at) else {
        return Ok(Value::Null);
    };
    select(&field.selection_set, |field| match field.name.as_str() {
        "limitedAccessToken" => token(made, &field.selection_set),
        other => Err(undefined(other, "CreateLimitedAccessTokenPayload")),
    })
}
