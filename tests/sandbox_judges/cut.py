"""Cuts the vendors' published descriptions down to what the judges need: the calls of the walk, and what they refer to.

Arguments are the directory with the descriptions (those that cuts/*.json name, fly.graphql and railway.graphql) and the directory for the
extracts; with --check before them, nothing is written, and the command fails where an extract is not what would be. platform.json is not cut from anything: its origin stands in it.
"""

import json
import pathlib
import sys

import graphql

# What is cut for each vendor: the description, where it is from, the calls by path, and what is known to be wrong in it.
CUTS = pathlib.Path(__file__).parent / "cuts"
OPENAPI = {path.stem: json.loads(path.read_text()) for path in sorted(CUTS.glob("*.json"))}

# GraphQL schemas: where each is from, its roots, and the fields that are kept; of the other types that those need, everything.
GRAPHQL = {
    "fly": {
        "origin": "# Fly's GraphQL schema (superfly/flyctl, gql/schema.graphql, August 2026), cut down in November 2026 to tokens.",
        "roots": ["Queries", "Mutations"],
        "fields": {
            "Queries": "app organization",
            "Mutations": "createLimitedAccessToken deleteLimitedAccessToken",
            "App": "id limitedAccessTokens name organization",
            "Organization": "id limitedAccessTokens name rawSlug slug",
            "LimitedAccessTokenConnection": "nodes pageInfo totalCount",
            "User": "email id name",
        },
    },
    "railway": {
        "origin": "# Railway's GraphQL schema (railwayapp/cli, src/gql/schema.json at df3838bf, August 2026), cut down in November 2026 to the calls of the walk.",
        "roots": ["Query", "Mutation"],
        "fields": {
            "Query": "apiTokens deployment deployments environment projectTokens",
            "Mutation": "apiTokenCreate apiTokenDelete projectTokenCreate projectTokenDelete serviceInstanceRedeploy variableDelete variableUpsert",
        },
    },
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


def with_unions_of_types(node):
    """A description that was made from unions of types, whose members overlap: one of them at least fits, not exactly one."""
    if isinstance(node, list):
        return [with_unions_of_types(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "oneOf" in node and "anyOf" not in node:
        node = {("anyOf" if key == "oneOf" else key): value for key, value in node.items()}
    return {key: with_unions_of_types(value) for key, value in node.items()}


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


def laid_out(node, levels, indent=""):
    """JSON, broken into lines on so many levels: a line for each call and for each schema."""
    if levels == 0 or not isinstance(node, dict):
        return json.dumps(node, ensure_ascii=False)
    inner = indent + " "
    members = (f"{inner}{json.dumps(key)}: {laid_out(value, levels - 1, inner)}" for key, value in node.items())
    return "{\n" + ",\n".join(members) + f"\n{indent}}}"


def openapi(specs, cut):
    document = json.loads((specs / cut["source"]).read_text())
    if cut.get("unions-of-types"):
        document = with_unions_of_types(document)
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
    return laid_out(extract, 3) + "\n"


def named(node):
    """The name of the type that a field or an argument has, whatever lists it stands in."""
    while not isinstance(node, graphql.NamedTypeNode):
        node = node.type
    return node.name.value


class Undescribed(graphql.Visitor):
    """Takes descriptions and interfaces away, and fields that are not kept."""

    def __init__(self, kept):
        super().__init__()
        self.kept = kept

    def leave(self, node, *_):
        changes = {}
        if getattr(node, "description", None):
            changes["description"] = None
        if getattr(node, "interfaces", None):
            changes["interfaces"] = ()
        if isinstance(node, graphql.ObjectTypeDefinitionNode) and node.name.value in self.kept:
            kept = self.kept[node.name.value].split()
            changes["fields"] = tuple(field for field in node.fields if field.name.value in kept)
        if not changes:
            return None
        known = {key: getattr(node, key) for key in node.keys}
        return type(node)(**{**known, **changes})


def completed(document, additions):
    """A schema with the types and fields that a trimmed one lacks."""
    added = {node.name.value: node for node in additions.definitions}
    definitions = []
    for node in document.definitions:
        name = node.name.value if hasattr(node, "name") else None
        addition = added.pop(name, None)
        if isinstance(addition, graphql.ObjectTypeExtensionNode):
            known = {key: getattr(node, key) for key in node.keys}
            node = type(node)(**{**known, "fields": (*node.fields, *addition.fields)})
        elif addition is not None:
            node = addition
        definitions.append(node)
    return graphql.DocumentNode(definitions=(*definitions, *added.values()))


def graphql_schema(specs, vendor):
    cut = GRAPHQL[vendor]
    document = graphql.parse((specs / f"{vendor}.graphql").read_text(), no_location=True)
    additions = CUTS / f"{vendor}.graphql"
    if additions.exists():
        document = completed(document, graphql.parse(additions.read_text(), no_location=True))
    document = graphql.visit(document, Undescribed(cut["fields"]))
    types = {node.name.value: node for node in document.definitions if hasattr(node, "name")}
    kept, waiting = {}, list(cut["roots"])
    while waiting:
        name = waiting.pop(0)
        if name in kept or name not in types:
            continue
        kept[name] = types[name]
        for field in getattr(types[name], "fields", None) or ():
            waiting += [named(field), *map(named, getattr(field, "arguments", None) or ())]
    root = [node for node in document.definitions if isinstance(node, graphql.SchemaDefinitionNode)]
    texts = [graphql.print_ast(node) for node in [*root, *kept.values()]]
    return "\n\n".join([cut["origin"], *texts]) + "\n"


def main():
    check = sys.argv[1:2] == ["--check"]
    specs, extracts = map(pathlib.Path, sys.argv[2:] if check else sys.argv[1:])
    made = {f"{vendor}.json": openapi(specs, cut) for vendor, cut in OPENAPI.items()}
    made |= {f"{vendor}.graphql": graphql_schema(specs, vendor) for vendor in GRAPHQL}
    if not check:
        for name, text in made.items():
            (extracts / name).write_text(text)
        return
    other = [name for name, text in made.items() if (extracts / name).read_text() != text]
    for name in other:
        print(f"{name} is not what is cut from {specs}: cut it anew, and look at what changed")
    sys.exit(1 if other else 0)


main()
