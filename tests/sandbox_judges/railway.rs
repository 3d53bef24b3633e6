//! Railway: every query of the provider, judged by its schema, and that a deployment alone loads variables.

use serde_json::{Value, json};

use super::client::Outsider;

const PROJECT: &str = "8f0a3c1e-7d52-4e0b-9a64-000000000001";
const ENVIRONMENT: &str = "8f0a3c1e-7d52-4e0b-9a64-000000000002";
const SERVICE: &str = "8f0a3c1e-7d52-4e0b-9a64-000000000003";

const VARIABLES: &str = "query($id: String!, $first: Int, $after: String) { environment(id: $id) { id name projectId
    variables(first: $first, after: $after) {
        edges { cursor node { id name serviceId isSealed updatedAt } } pageInfo { hasNextPage endCursor } } } }";
const TOKENS: &str = "query($project: String!) { projectTokens(projectId: $project, first: 100) {
    edges { node { id name createdAt displayToken environmentId projectId } } pageInfo { hasNextPage endCursor } } }";

pub(crate) fn walk(outsider: &Outsider) {
    let bearer = format!("Bearer {}", outsider.sandbox.export("RAILWAY_API_TOKEN"));
    let asked = |headers: &[(&str, &str)], query: &str, variables: Value| {
        let body = json!({ "query": query, "variables": variables });
        outsider
            .hear("railway", "POST", "/railway/graphql", headers, &body)
            .ok()
    };
    let ask = |query: &str, variables: Value| asked(&[("authorization", bearer.as_str())], query, variables);
    let running = || outsider.sandbox.state()["railway"]["running"].clone();
    let upsert = "mutation($input: VariableUpsertInput!) { variableUpsert(input: $input) }";
    let variable = |service: Value, name: &str, skip: bool| {
        json!({ "input": {
            "projectId": PROJECT, "environmentId": ENVIRONMENT, "serviceId": service, "name": name, "value": "x", "skipDeploys": skip,
        } })
    };
    for service in [json!(SERVICE), Value::Null] {
        assert_eq!(
            ask(upsert, variable(service, "KEY", true))["data"]["variableUpsert"],
            true
        );
    }
    assert_eq!(running(), Value::Null, "the switch is heeded");
    let first = ask(VARIABLES, json!({ "id": ENVIRONMENT, "first": 1 }));
    let first = &first["data"]["environment"]["variables"];
    assert_eq!(
        (
            &first["edges"][0]["node"]["serviceId"],
            &first["pageInfo"]["hasNextPage"]
        ),
        (&json!(SERVICE), &json!(true))
    );
    let after = json!({ "id": ENVIRONMENT, "first": 1, "after": first["pageInfo"]["endCursor"] });
    let rest = ask(VARIABLES, after);
    assert_eq!(
        rest["data"]["environment"]["variables"]["edges"][0]["node"]["serviceId"],
        Value::Null
    );

    let redeploy = "mutation($e: String!, $s: String!) { serviceInstanceRedeploy(environmentId: $e, serviceId: $s) }";
    ask(redeploy, json!({ "e": ENVIRONMENT, "s": SERVICE }));
    let list = "query($input: DeploymentListInput!) { deployments(input: $input, first: 20) { edges { node { id status } } } }";
    let listed = ask(
        list,
        json!({ "input": { "environmentId": ENVIRONMENT, "serviceId": SERVICE } }),
    );
    let id = &listed["data"]["deployments"]["edges"][0]["node"]["id"];
    let one = "query($id: String!) { deployment(id: $id) { id status createdAt } }";
    while ask(one, json!({ "id": id }))["data"]["deployment"]["status"] != "SUCCESS" {}
    assert_eq!(running(), json!({ "KEY": "x" }), "shared variables come by reference");
    ask(upsert, variable(json!(SERVICE), "KEY", false));
    assert_eq!(
        outsider.sandbox.state()["railway"]["deployments"]
            .as_array()
            .unwrap()
            .len(),
        2,
        "without the switch a write deploys"
    );
    let delete = "mutation($input: VariableDeleteInput!) { variableDelete(input: $input) }";
    let of_service =
        json!({ "input": { "projectId": PROJECT, "environmentId": ENVIRONMENT, "serviceId": SERVICE, "name": "KEY" } });
    assert_eq!(ask(delete, of_service.clone())["data"]["variableDelete"], true);
    assert_eq!(ask(delete, of_service)["errors"][0]["message"], "Variable not found");

    let create = "mutation($input: ProjectTokenCreateInput!) { projectTokenCreate(input: $input) }";
    let input = json!({ "input": { "projectId": PROJECT, "environmentId": ENVIRONMENT, "name": "walk" } });
    let value = ask(create, input)["data"]["projectTokenCreate"]
        .as_str()
        .unwrap()
        .to_owned();
    let tokens = ask(TOKENS, json!({ "project": PROJECT }));
    let token = &tokens["data"]["projectTokens"]["edges"][0]["node"];
    assert_eq!(token["name"], "walk");
    let project = [("project-access-token", value.as_str())];
    let seen = asked(&project, VARIABLES, json!({ "id": ENVIRONMENT, "first": 5 }));
    assert_eq!(seen["data"]["environment"]["projectId"], PROJECT);
    assert_eq!(
        asked(&project, TOKENS, json!({ "project": PROJECT }))["errors"][0]["message"],
        "Not Authorized"
    );
    ask(
        "mutation($id: String!) { projectTokenDelete(id: $id) }",
        json!({ "id": token["id"] }),
    );
    assert_eq!(
        asked(&project, VARIABLES, json!({ "id": ENVIRONMENT, "first": 5 }))["errors"][0]["message"],
        "Not Authorized"
    );
    let create = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) }";
    ask(create, json!({ "input": { "name": "walk" } }));
    let listed = ask(
        "query { apiTokens(first: 100) { edges { node { id name displayToken workspaceId } } } }",
        Value::Null,
    );
    let id = &listed["data"]["apiTokens"]["edges"][1]["node"]["id"];
    assert_eq!(
        ask(
            "mutation($id: String!) { apiTokenDelete(id: $id) }",
            json!({ "id": id })
        )["data"]["apiTokenDelete"],
        true
    );
    // What is no question is not judged.
    let unknown = json!({ "query": "query { projectTokens(projectId: \"x\") { edges { node { value } } } }" });
    let headers = [("authorization", bearer.as_str())];
    let unknown = outsider
        .call("POST", "/railway/graphql", &headers, &unknown)
        .unwrap()
        .ok();
    assert!(
        unknown["errors"][0]["message"].as_str().unwrap().contains("value"),
        "{unknown}"
    );
}
