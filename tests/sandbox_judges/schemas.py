"""Judges what a vendor's emulator answered by what the vendor has published.

Reads a JSON array of exchanges from standard input; arguments are folders that hold a file of each vendor (OpenAPI) and
fly.graphql, as cut.py makes them. Amazon's shapes come from botocore. Prints one line per
misfit and fails, or prints how many exchanges of each vendor were checked.
"""

import collections
import json
import pathlib
import re
import sys

import botocore.session
import graphql
from openapi_schema_validator import OAS30Validator, OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4, DRAFT202012

PREFIX = {"fly": "/v1", "neon": "/api/v2", "render": "/render/v1", "vercel": "/vercel"}


class OpenApi:
    """One vendor's description."""

    def __init__(self, path):
        self.document = json.loads(path.read_text())
        newer = self.document["openapi"].startswith("3.1")
        self.validator, specification = (OAS31Validator, DRAFT202012) if newer else (OAS30Validator, DRAFT4)
        resource = Resource(contents=self.document, specification=specification)
        self.registry = Registry().with_resource("urn:vendor", resource)
        self.paths = []
        for template, operations in self.document["paths"].items():
            pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))
            self.paths.append((template.count("{"), re.compile(pattern + "$"), template, operations))
        self.paths.sort(key=lambda entry: entry[0])
        self.asked = set()

    def unasked(self):
        """Operations of the description that no exchange was about."""
        methods = ("get", "put", "post", "patch", "delete")
        known = {(method, path) for path, operations in self.document["paths"].items() for method in operations}
        return sorted((method, path) for method, path in known - self.asked if method in methods)

    def errors(self, schema, value):
        text = json.dumps(schema).replace('"#/', '"urn:vendor#/')
        found = self.validator(json.loads(text), registry=self.registry).iter_errors(value)
        return [f"{error.json_path}: {error.message[:200]}" for error in found]

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for step in node["$ref"][2:].split("/"):
                target = target[step]
            node = target
        return node

    def check(self, path, exchange):
        method, status = exchange["method"].lower(), exchange["status"]
        for _, pattern, template, operations in self.paths:
            if pattern.match(path) and method in operations:
                operation = operations[method]
                self.asked.add((method, template))
                break
        else:
            return ["the vendor describes no such call"]
        responses = operation["responses"]
        names = [name for name in (str(status), f"{status // 100}XX", "default") if name in responses]
        if not names:
            return [f"the vendor describes no status {status}, but {sorted(responses)}"]
        problems = []
        content = self.resolve(responses[names[0]]).get("content", {}).get("application/json")
        if content is not None and "schema" in content:
            problems += self.errors(content["schema"], exchange["response"])
        asked = self.resolve(operation.get("requestBody", {})).get("content", {}).get("application/json")
        if asked is not None and exchange["request"] is not None:
            problems += [f"the question: {error}" for error in self.errors(asked["schema"], exchange["request"])]
        return problems


class GraphQl:
    """A schema: a question must be valid, and the answer must be what executing it on that answer gives."""

    def __init__(self, path):
        self.schema = graphql.build_schema(path.read_text())

    def check(self, exchange):
        document = graphql.parse(exchange["request"]["query"])
        problems = [error.message for error in graphql.validate(self.schema, document)]
        if problems or "errors" in exchange["response"]:
            return problems
        data = exchange["response"]["data"]
        variables = exchange["request"].get("variables") or {}
        again = graphql.execute_sync(self.schema, document, root_value=data, variable_values=variables)
        problems = [error.message for error in again.errors or []]
        if not problems and again.data != data:
            problems.append("the answer holds what was not asked for, or lacks what was")
        return problems


class Amazon:
    """The output shapes of a service model."""

    KINDS = {"string": str, "integer": int, "long": int, "boolean": bool, "timestamp": (int, float), "double": (int, float)}

    def __init__(self):
        self.model = botocore.session.Session().get_service_model("ssm")

    def check(self, exchange):
        operation = self.model.operation_model(exchange["operation"].removeprefix("AmazonSSM."))
        asked = list(self.errors(operation.input_shape, exchange["request"], "$"))
        return [f"the question: {error}" for error in asked] + list(
            self.errors(operation.output_shape, exchange["response"], "$")
        )

    def errors(self, shape, value, path):
        if shape is None:
            return
        if shape.type_name == "structure":
            if not isinstance(value, dict):
                yield f"{path}: {value!r} is no structure"
                return
            for name in sorted(value.keys() - shape.members.keys()):
                yield f"{path}: there is no member {name}"
            for name in sorted(set(shape.required_members) - value.keys()):
                yield f"{path}: {name} is missing"
            for name in sorted(value.keys() & shape.members.keys()):
                yield from self.errors(shape.members[name], value[name], f"{path}.{name}")
        elif shape.type_name == "list":
            if not isinstance(value, list):
                yield f"{path}: {value!r} is no list"
                return
            for at, item in enumerate(value):
                yield from self.errors(shape.member, item, f"{path}[{at}]")
        elif shape.type_name in self.KINDS:
            if not isinstance(value, self.KINDS[shape.type_name]):
                yield f"{path}: {value!r} is no {shape.type_name}"
            elif getattr(shape, "enum", None) and value not in shape.enum:
                yield f"{path}: {value!r} is none of {shape.enum}"


def main():
    exchanges = json.load(sys.stdin)
    counts, misfits = collections.Counter(), []
    for folder in map(pathlib.Path, sys.argv[1:]):
        judges = {path.stem: OpenApi(path) for path in folder.glob("*.json")}
        graphs, amazon = {"graphql": "fly", "railway": "railway"}, Amazon()
        graphs = {vendor: GraphQl(folder / f"{name}.graphql") for vendor, name in graphs.items()}
        for exchange in exchanges:
            vendor, path = exchange["vendor"], exchange["path"].split("?")[0]
            if exchange["status"] >= 300:
                continue
            if vendor in graphs:
                problems = graphs[vendor].check(exchange)
            elif vendor == "aws":
                problems = amazon.check(exchange)
            else:
                problems = judges[vendor].check(path.removeprefix(PREFIX.get(vendor, "")), exchange)
            counts[vendor] += 1
            name = exchange.get("operation") or path
            misfits += [f"{vendor} {exchange['method']} {name} {exchange['status']}: {problem}" for problem in problems]
        # The extracts hold what the provider calls; what of them is never asked for is never judged.
        for vendor in judges.keys() - {"platform"}:
            misfits += [f"{vendor} {method} {path}: nobody asked" for method, path in judges[vendor].unasked()]
    print("\n".join(misfits) if misfits else json.dumps(counts))
    sys.exit(1 if misfits else 0)


main()
