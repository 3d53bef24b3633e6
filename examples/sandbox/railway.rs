//! Railway's GraphQL API: variables of an environment and its services, deployments that alone load them, and tokens.

use std::collections::BTreeMap;

use graphql_parser::query::Field;
use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clock;
use crate::fields::{Fields, text};
use crate::graphql::validate::{Schema, error};
use crate::graphql::{self, argument, select};
use crate::keys::{self, Keys, random_text};

/// The account's token that the sandbox is used with.
pub(crate) const TOKEN: &str = "3d1b7c52-88af-4f13-b6e0-91c4d27a5e86";

const PROJECT: &str = "8f0a3c1e-7d52-4e0b-9a64-000000000001";
const ENVIRONMENT: &str = "8f0a3c1e-7d52-4e0b-9a64-000000000002";
const SERVICE: &str = "8f0a3c1e-7d52-4e0b-9a64-000000000003";

/// What a deployment goes through, each time that it is looked at.
const STAGES: [&str; 4] = ["QUEUED", "BUILDING", "DEPLOYING", "SUCCESS"];
const ENDS: [&str; 6] = ["SUCCESS", "SLEEPING", "FAILED", "CRASHED", "REMOVED", "SKIPPED"];

/// Railway, with one environment.
#[derive(Clone, Default)]
pub(crate) struct Railway {
    tokens: Keys,
    variables: Vec<Variable>,
    deployments: Vec<Deployment>,
    /// How deployments end.
    ends: String,
    /// The last instant that was given away: each is given once.
    latest: i64,
}

#[derive(Clone)]
struct Variable {
    id: String,
    name: String,
    value: String,
    service: Option<String>,
    updated_at: String,
}

#[derive(Clone)]
struct Deployment {
    id: String,
    created_at: String,
    looks: usize,
    end: String,
    /// What its processes get.
    variables: BTreeMap<String, String>,
}

impl Deployment {
    fn status(&self) -> &str {
        match STAGES.get(self.looks) {
            Some(stage) if self.looks < STAGES.len() - 1 => stage,
            _ => &self.end,
        }
    }

    fn is_live(&self) -> bool {
        matches!(self.status(), "SUCCESS" | "SLEEPING")
    }
}

fn uuid() -> String {
    let random = random_text();
    let part = |from: usize, to: usize| random.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    )
}

fn refused(message: &str) -> Value {
    error(message, "INTERNAL_SERVER_ERROR")
}

/// A page of nodes, in Relay's form.
fn connection(field: &Field<'_, String>, variables: &Value, nodes: &[(String, Value)]) -> Result<Value, Value> {
    let first = argument(field, "first", variables).as_u64().unwrap_or(500);
    let after = argument(field, "after", variables);
    let from = nodes
        .iter()
        .position(|(cursor, _)| after == **cursor)
        .map_or(0, |at| at + 1);
    let left = nodes.get(from..).unwrap_or_default();
    let page = left.get(..usize::try_from(first).unwrap_or_default()).unwrap_or(left);
    let node = |set: &Field<'_, String>, node: &Value| {
        select(&set.selection_set, |field| Ok(node[field.name.as_str()].clone()))
    };
    select(&field.selection_set, |part| match part.name.as_str() {
        "edges" => {
            let edges = page.iter().map(|(cursor, content)| {
                select(&part.selection_set, |edge| match edge.name.as_str() {
                    "cursor" => Ok(json!(cursor)),
                    _ => node(edge, content),
                })
            });
            edges.collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        _ => {
            let end = page.last().map(|(cursor, _)| cursor);
            let info = json!({
                "hasNextPage": page.len() < left.len(), "endCursor": end, "hasPreviousPage": from > 0, "startCursor": null,
            });
            node(part, &info)
        }
    })
}

impl Railway {
    pub(crate) fn seeded() -> Self {
        let mut railway = Self {
            ends: "SUCCESS".to_owned(),
            ..Self::default()
        };
        railway.issue("sandbox", Value::Null, TOKEN.to_owned(), 0);
        railway
    }

    /// An instant of its own.
    fn now(&mut self) -> String {
        self.latest = clock::epoch_millis().max(self.latest + 1);
        clock::of_millis(self.latest)
    }

    fn issue(&mut self, name: &str, environment: Value, value: String, lag: i64) {
        let now = self.now();
        let key = json!({
            "id": uuid(), "name": name, "value": value, "created_at": now, "environment_id": environment,
        });
        self.tokens.issue(key, lag);
    }

    pub(crate) fn state(&self) -> Value {
        let mut services: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        for variable in &self.variables {
            let service = variable.service.as_deref().unwrap_or("shared");
            services
                .entry(service)
                .or_default()
                .insert(&variable.name, &variable.value);
        }
        let live = self.deployments.iter().rev().find(|known| known.is_live());
        let deployments: Vec<Value> = self
            .deployments
            .iter()
            .map(|known| json!({ "id": known.id, "status": known.status() }))
            .collect();
        json!({
            "api_keys": self.tokens.state(), "variables": services, "running": live.map(|live| &live.variables),
            "deployments": deployments,
        })
    }

    /// `{"api_keys": [{"name", "value", "environment_id"}], "variables": {"<service or shared>": {"KEY": "value or null"}},
    /// "deployments_end": "FAILED"}`
    pub(crate) fn seed(&mut self, content: &Value, path: &str) -> Result<(), String> {
        let fields = Fields::of(content, path, &["api_keys", "variables", "deployments_end"])?;
        let mut after = self.clone();
        for key in keys::wanted(fields.list("api_keys")?, &["name", "value", "environment_id"])? {
            let value = key.text("value")?.map_or_else(uuid, str::to_owned);
            let environment = key
                .text("environment_id")?
                .map_or_else(|| json!(ENVIRONMENT), |id| json!(id));
            after.issue(key.text("name")?.unwrap_or_default(), environment, value, 0);
        }
        for (service, path, variables) in fields.names("variables")? {
            for (name, path, value) in Fields::any(variables, &path)?.all() {
                let service = (service != "shared").then(|| service.to_owned());
                match value {
                    Value::Null => after
                        .variables
                        .retain(|known| !(known.name == name && known.service == service)),
                    value => {
                        let value = text(&path, value)?.to_owned();
                        after.write(name, value, service);
                    }
                }
            }
        }
        if let Some(end) = fields.word("deployments_end", &ENDS)? {
            end.clone_into(&mut after.ends);
        }
        *self = after;
        Ok(())
    }

    fn write(&mut self, name: &str, value: String, service: Option<String>) {
        let updated_at = self.now();
        let mut all = self.variables.iter_mut();
        match all.find(|known| known.name == name && known.service == service) {
            Some(known) => {
                known.value = value;
                known.updated_at = updated_at;
            }
            None => self.variables.push(Variable {
                id: uuid(),
                name: name.to_owned(),
                value,
                service,
                updated_at,
            }),
        }
    }

    pub(crate) fn answer(&mut self, call: &Call, lag: i64) -> Reply {
        let of_account = self
            .tokens
            .presented(call, clock::millis())
            .is_some_and(|key| key["environment_id"].is_null());
        let project = self.tokens.with_value(call.header("project-access-token"));
        let of_project = project.is_some_and(|key| key["environment_id"] == ENVIRONMENT);
        if !of_account && !of_project {
            return Reply::ok(json!({ "data": null, "errors": [refused("Not Authorized")] }));
        }
        let schema = Schema::of(include_str!("railway/schema.graphql"), ["Query", "Mutation"]);
        graphql::answer(call, &schema, |field, variables, mutation| {
            // A project's token reaches its environment alone.
            if !of_account && field.name.contains("Token") {
                return Err(refused("Not Authorized"));
            }
            if mutation {
                self.change(field, variables, lag)
            } else {
                self.read(field, variables)
            }
        })
    }

    fn read(&mut self, field: &Field<'_, String>, variables: &Value) -> Result<Value, Value> {
        let id = argument(field, "id", variables);
        let input = argument(field, "input", variables);
        match field.name.as_str() {
            "environment" if id == ENVIRONMENT => select(&field.selection_set, |part| match part.name.as_str() {
                "id" => Ok(json!(ENVIRONMENT)),
                "projectId" => Ok(json!(PROJECT)),
                "name" => Ok(json!("production")),
                "variables" => {
                    let nodes: Vec<_> = self
                        .variables
                        .iter()
                        .map(|known| {
                            let node = json!({
                                "id": known.id, "name": known.name, "serviceId": known.service, "environmentId": ENVIRONMENT,
                                "updatedAt": known.updated_at, "createdAt": known.updated_at, "isSealed": false, "references": [],
                            });
                            (known.id.clone(), node)
                        })
                        .collect();
                    connection(part, variables, &nodes)
                }
                other => Err(refused(&format!("the sandbox has no {other}"))),
            }),
            "environment" => Err(refused("Environment not found")),
            "deployments" if input["serviceId"] == SERVICE && input["environmentId"] == ENVIRONMENT => {
                let nodes: Vec<_> = self
                    .deployments
                    .iter()
                    .rev()
                    .map(|known| (known.id.clone(), known.node()))
                    .collect();
                connection(field, variables, &nodes)
            }
            "deployments" => Err(refused("Service not found")),
            "deployment" => {
                let found = self.deployments.iter_mut().find(|known| id == *known.id);
                let found = found.ok_or_else(|| refused("Deployment not found"))?;
                found.looks += 1;
                let node = found.node();
                select(&field.selection_set, |part| Ok(node[part.name.as_str()].clone()))
            }
            "projectTokens" if argument(field, "projectId", variables) != PROJECT => Err(refused("Project not found")),
            "projectTokens" | "apiTokens" => {
                let of_account = field.name == "apiTokens";
                let tokens = self
                    .tokens
                    .listed()
                    .filter(|key| key["environment_id"].is_null() == of_account);
                let nodes: Vec<_> = tokens
                    .map(|key| {
                        let id = key["id"].as_str().unwrap_or_default().to_owned();
                        (id, token_node(key))
                    })
                    .collect();
                connection(field, variables, &nodes)
            }
            other => Err(refused(&format!("the sandbox has no {other}"))),
        }
    }

    fn change(&mut self, field: &Field<'_, String>, variables: &Value, lag: i64) -> Result<Value, Value> {
        let input = argument(field, "input", variables);
        let word = |name: &str| input[name].as_str().map(str::to_owned);
        let is_here = input["projectId"] == PROJECT && input["environmentId"] == ENVIRONMENT;
        match field.name.as_str() {
            "variableUpsert" | "variableDelete" | "projectTokenCreate" if !is_here => {
                Err(refused("Environment not found"))
            }
            "variableUpsert" => {
                let (name, value) = (word("name").unwrap_or_default(), word("value").unwrap_or_default());
                self.write(&name, value, word("serviceId"));
                // Without the switch, each write deploys.
                if input["skipDeploys"] != true {
                    self.deploy();
                }
                Ok(json!(true))
            }
            "variableDelete" => {
                let (name, service) = (word("name").unwrap_or_default(), word("serviceId"));
                let before = self.variables.len();
                self.variables
                    .retain(|known| !(known.name == name && known.service == service));
                match self.variables.len() == before {
                    true => Err(refused("Variable not found")),
                    false => Ok(json!(true)),
                }
            }
            "serviceInstanceRedeploy" => {
                let here = argument(field, "serviceId", variables) == SERVICE
                    && argument(field, "environmentId", variables) == ENVIRONMENT;
                if !here {
                    return Err(refused("Service not found"));
                }
                self.deploy();
                Ok(json!(true))
            }
            "projectTokenCreate" | "apiTokenCreate" => {
                let value = uuid();
                let environment = input.get("environmentId").cloned().unwrap_or_default();
                self.issue(&word("name").unwrap_or_default(), environment, value.clone(), lag);
                Ok(json!(value))
            }
            "projectTokenDelete" | "apiTokenDelete" => {
                let of_account = field.name == "apiTokenDelete";
                let id = argument(field, "id", variables);
                let revoked = self
                    .tokens
                    .revoke(&id, |key| key["environment_id"].is_null() == of_account);
                revoked.map(|_| json!(true)).ok_or_else(|| refused("Token not found"))
            }
            other => Err(refused(&format!("the sandbox has no {other}"))),
        }
    }

    /// The service gets its own variables; those that are shared only where it refers to them.
    fn deploy(&mut self) {
        let own = self
            .variables
            .iter()
            .filter(|known| known.service.as_deref() == Some(SERVICE));
        let deployment = Deployment {
            id: uuid(),
            created_at: clock::millis(),
            looks: 0,
            end: self.ends.clone(),
            variables: own.map(|known| (known.name.clone(), known.value.clone())).collect(),
        };
        self.deployments.push(deployment);
    }
}

impl Deployment {
    fn node(&self) -> Value {
        json!({
            "id": self.id, "status": self.status(), "createdAt": self.created_at, "environmentId": ENVIRONMENT,
            "projectId": PROJECT, "serviceId": SERVICE,
        })
    }
}

fn token_node(key: &Value) -> Value {
    let value = key["value"].as_str().unwrap_or_default();
    let (start, end) = (
        value.get(..4).unwrap_or_default(),
        value.get(value.len().saturating_sub(4)..).unwrap_or_default(),
    );
    json!({
        "id": key["id"], "name": key["name"], "createdAt": key["created_at"], "displayToken": format!("{start}****-{end}"),
        "environmentId": key["environment_id"], "projectId": PROJECT, "workspaceId": null,
    })
}
