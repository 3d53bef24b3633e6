"""Cuts the vendors' published descriptions down to what the judges need: the calls of the walk, and what they refer to.

Arguments are the directory with the descriptions (fly-machines.openapi.json, github.openapi.json, neon.openapi.json,
fly.graphql) and the directory for the extracts; with --check before them, nothing is written, and the command fails
where an extract is not what would be. platform.json is not cut from anything: its origin stands in it.
"""

import json
import pathlib
import sys

import graphql

OPENAPI = {
    "fly": {
        "source": "fly-machines.openapi.json",
        "x-origin": "Fly Machines OpenAPI as published in May 2026, cut down in November 2026 to the calls of the walk; "
        "secret values may be null and a lease comes in an envelope, as Fly's own clients (superfly/fly-go) have it.",
        "calls": {
            "/apps/{app_name}": "get",
            "/apps/{app_name}/machines": "get",
            "/apps/{app_name}/machines/{machine_id}": "get post",
            "/apps/{app_name}/machines/{machine_id}/events": "get",
            "/apps/{app_name}/machines/{machine_id}/lease": "get post delete",
            "/apps/{app_name}/machines/{machine_id}/metadata": "put",
            "/apps/{app_name}/machines/{machine_id}/restart": "post",
            "/apps/{app_name}/machines/{machine_id}/wait": "get",
            "/apps/{app_name}/secrets": "get post",
            "/apps/{app_name}/secrets/{secret_name}": "get post delete",
            "/tokens/current": "get",
            "/tokens/authenticate": "post",
            "/tokens/authorize": "post",
        },
        # What superfly/fly-go sends and reads: secrets_types.go (map[string]*string), machine_types.go (MachineLease).
        "corrections": {
            "AppSecretsUpdateRequest": {"properties": {"values": {"additionalProperties": {"nullable": True}}}},
            "Lease": {
                "properties": {
                    "description": None,
                    "expires_at": None,
                    "nonce": None,
                    "owner": None,
                    "version": None,
                    "status": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "data": {
                        "type": "object",
                        "properties": {
                            "nonce": {"type": "string"},
                            "expires_at": {"type": "integer"},
                            "owner": {"type": "string"},
                            "description": {"type": "string"},
                            "version": {"type": "string"},
                        },
                    },
                }
            },
        },
    },
    "github": {
        "source": "github.openapi.json",
        "x-origin": "GitHub REST API description, version 2022-11-28, from @octokit/openapi 23.0.2, cut down in November "
        "2026 to the calls of the walk.",
        "calls": {
            "/repos/{owner}/{repo}/actions/secrets": "get",
            "/repos/{owner}/{repo}/actions/secrets/public-key": "get",
            "/repos/{owner}/{repo}/actions/secrets/{secret_name}": "get put delete",
            "/repos/{owner}/{repo}/codespaces/secrets": "get",
            "/repos/{owner}/{repo}/codespaces/secrets/public-key": "get",
            "/repos/{owner}/{repo}/codespaces/secrets/{secret_name}": "get put delete",
            "/repos/{owner}/{repo}/dependabot/secrets": "get",
            "/repos/{owner}/{repo}/dependabot/secrets/public-key": "get",
            "/repos/{owner}/{repo}/dependabot/secrets/{secret_name}": "get put delete",
            "/repos/{owner}/{repo}/environments/{environment_name}/secrets": "get",
            "/repos/{owner}/{repo}/environments/{environment_name}/secrets/public-key": "get",
            "/repos/{owner}/{repo}/environments/{environment_name}/secrets/{secret_name}": "get put delete",
            "/repos/{owner}/{repo}/actions/workflows/{workflow_id}": "get",
            "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches": "post",
            "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs": "get",
            "/repos/{owner}/{repo}/actions/runs/{run_id}": "get",
            "/rate_limit": "get",
            "/app/installations/{installation_id}/access_tokens": "post",
        },
    },
    "neon": {
        "source": "neon.openapi.json",
        "x-origin": "Neon API v2 from @neondatabase/api-client 2.7.3, cut down in November 2026 to the calls of the walk.",
        "calls": {
            "/api_keys": "get post",
            "/api_keys/{key_id}": "delete",
            "/organizations/{org_id}/api_keys": "get post",
            "/organizations/{org_id}/api_keys/{key_id}": "delete",
            "/users/me": "get",
            "/projects": "get",
            "/projects/{project_id}": "get",
            "/projects/{project_id}/operations": "get",
            "/projects/{project_id}/operations/{operation_id}": "get",
            "/projects/{project_id}/connection_uri": "get",
            "/projects/{project_id}/branches": "get",
            "/projects/{project_id}/branches/{branch_id}": "get",
            "/projects/{project_id}/branches/{branch_id}/endpoints": "get",
            "/projects/{project_id}/branches/{branch_id}/roles": "get post",
            "/projects/{project_id}/branches/{branch_id}/roles/{role_name}": "get delete",
            "/projects/{project_id}/branches/{branch_id}/roles/{role_name}/reveal_password": "get",
            "/projects/{project_id}/branches/{branch_id}/roles/{role_name}/reset_password": "post",
            "/projects/{project_id}/branches/{branch_id}/databases": "get",
            "/projects/{project_id}/endpoints": "get",
        },
    },
}

GRAPHQL_ORIGIN = "# Fly's GraphQL schema (superfly/flyctl, gql/schema.graphql, August 2026), cut down in November 2026 to tokens."

# The fields that are kept; of the other types that those need, everything.
GRAPHQL = {
    "Queries": "app organization",
    "Mutations": "createLimitedAccessToken deleteLimitedAccessToken",
    "App": "id limitedAccessTokens name organization",
    "Organization": "id limitedAccessTokens name rawSlug slug",
    "LimitedAccessTokenConnection": "nodes pageInfo totalCount",
    "User": "email id name",
}


# What says nothing about the form of a question or an answer.
PROSE = {"deprecated", "description", "externalDocs", "headers", "operationId", "parameters", "summary", "tags", "title"}


def without_prose(node, are_names=False):
    """A description's node without prose; below `properties` and the like, keys are names."""
    if isinstance(node, list):
        return [without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: without_prose(value, key in ("properties", "responses") and not are_names)
        for key, value in node.items()
        if are_names or not (key in PROSE or key.startswith("x-"))
    }


def merged(node, correction):
    """A JSON merge patch (RFC 7396)."""
    if not isinstance(correction, dict):
        return correction
    node = dict(node) if isinstance(node, dict) else {}
    for key, value in correction.items():
        if value is None:
            node.pop(key, None)
        else:
            node[key] = merged(node.get(key), value)
    return node


def references(node):
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)


def openapi(specs, cut):
    document = json.loads((specs / cut["source"]).read_text())
    for name, correction in cut.get("corrections", {}).items():
        schemas = document["components"]["schemas"]
        schemas[name] = merged(schemas[name], correction)
    paths = {
        path: {method: without_prose(document["paths"][path][method]) for method in methods.split()}
        for path, methods in cut["calls"].items()
    }
    components, waiting = {}, list(references(paths))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name not in components.setdefault(kind, {}):
            components[kind][name] = without_prose(document["components"][kind][name])
            waiting += references(components[kind][name])
    extract = {
        "openapi": document["openapi"],
        "info": {"title": cut["source"], "version": document["info"]["version"]},
        "x-origin": cut["x-origin"],
        "paths": paths,
        "components": {kind: dict(sorted(parts.items())) for kind, parts in sorted(components.items())},
    }
    return json.dumps(extract, indent=1, ensure_ascii=False) + "\n"


def named(node):
    """The name of the type that a field or an argument has, whatever lists it stands in."""
    while not isinstance(node, graphql.NamedTypeNode):
        node = node.type
    return node.name.value


class Undescribed(graphql.Visitor):
    """Takes descriptions and interfaces away, and fields that are not kept."""

    def leave(self, node, *_):
        changes = {}
        if getattr(node, "description", None):
            changes["description"] = None
        if getattr(node, "interfaces", None):
            changes["interfaces"] = ()
        if isinstance(node, graphql.ObjectTypeDefinitionNode) and node.name.value in GRAPHQL:
            kept = GRAPHQL[node.name.value].split()
            changes["fields"] = tuple(field for field in node.fields if field.name.value in kept)
        if not changes:
            return None
        known = {key: getattr(node, key) for key in node.keys}
        return type(node)(**{**known, **changes})


def graphql_schema(specs):
    document = graphql.visit(graphql.parse((specs / "fly.graphql").read_text(), no_location=True), Undescribed())
    types = {node.name.value: node for node in document.definitions if hasattr(node, "name")}
    kept, waiting = {}, ["Queries", "Mutations"]
    while waiting:
        name = waiting.pop(0)
        if name in kept or name not in types:
            continue
        kept[name] = types[name]
        for field in getattr(types[name], "fields", None) or ():
            waiting += [named(field), *map(named, getattr(field, "arguments", None) or ())]
    root = [node for node in document.definitions if isinstance(node, graphql.SchemaDefinitionNode)]
    texts = [graphql.print_ast(node) for node in [*root, *kept.values()]]
    return "\n\n".join([GRAPHQL_ORIGIN, *texts]) + "\n"


def main():
    check = sys.argv[1:2] == ["--check"]
    specs, extracts = map(pathlib.Path, sys.argv[2:] if check else sys.argv[1:])
    made = {f"{vendor}.json": openapi(specs, cut) for vendor, cut in OPENAPI.items()}
    made["fly.graphql"] = graphql_schema(specs)
    if not check:
        for name, text in made.items():
            (extracts / name).write_text(text)
        return
    other = [name for name, text in made.items() if (extracts / name).read_text() != text]
    for name in other:
        print(f"{name} is not what is cut from {specs}: cut it anew, and look at what changed")
    sys.exit(1 if other else 0)


main()
