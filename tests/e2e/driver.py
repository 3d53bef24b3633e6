"""Drives the provider with tofusoup: schema, configure, validate, plan, apply, read, destroy. The environment says where the vendors are."""

import asyncio
import json
import os
import sys
import traceback

from pyvider.protocols.tfprotov6.protobuf import tfplugin6_pb2 as pb
from tofusoup.tfplugin.driver import errors, pack, start_provider, unpack

SECRET = "rotation_secret"


def nested(attributes, values):
    """A value with every attribute that the schema has there, null where none is given."""
    known = {attribute.name: attribute for attribute in attributes}
    assert set(values) <= set(known), set(values) - set(known)
    return {name: filled(attribute, values.get(name)) for name, attribute in known.items()}


def type_of(value):
    """The type of a value as Terraform writes it."""
    if isinstance(value, dict):
        return ["object", {key: type_of(one) for key, one in value.items()}]
    return {bool: "bool", int: "number", str: "string"}[type(value)]


def filled(attribute, value):
    if value is not None and attribute.type == b'"dynamic"':
        return [json.dumps(type_of(value)).encode(), value]
    if value is None or not attribute.HasField("nested_type"):
        return value
    inner = attribute.nested_type
    if inner.nesting == pb.Schema.Object.MAP:
        return {key: nested(inner.attributes, one) for key, one in value.items()}
    return nested(inner.attributes, value)


def block(schema, **values):
    """A whole block; nested blocks are left out."""
    return {**nested(schema.block.attributes, values), **{inner.type_name: None for inner in schema.block.block_types}}


async def change(stub, prior, planned_from, config, private=b""):
    """Plans and applies; the new state and the provider's private part."""
    planned = await stub.PlanResourceChange(
        pb.PlanResourceChange.Request(
            type_name=SECRET, prior_state=prior, proposed_new_state=planned_from, config=config, prior_private=private
        )
    )
    assert not errors(planned.diagnostics), planned.diagnostics
    applied = await stub.ApplyResourceChange(
        pb.ApplyResourceChange.Request(
            type_name=SECRET, prior_state=prior, planned_state=planned.planned_state, config=config, planned_private=planned.planned_private
        )
    )
    assert not errors(applied.diagnostics), applied.diagnostics
    return applied


async def drive(executable):
    provider = await start_provider(executable, env=dict(os.environ))
    stub = provider.stub
    answer = await stub.GetProviderSchema(pb.GetProviderSchema.Request())
    assert not errors(answer.diagnostics), answer.diagnostics
    schema = answer.resource_schemas[SECRET]

    settings = pack(block(answer.provider, namespace="production"))
    valid = await stub.ValidateProviderConfig(pb.ValidateProviderConfig.Request(config=settings))
    assert not errors(valid.diagnostics), valid.diagnostics

    async def configure():
        """Terraform configures a provider for every walk, and so for a creation and a destruction apart."""
        request = pb.ConfigureProvider.Request(terraform_version="1.11.0", config=settings)
        configured = await stub.ConfigureProvider(request)
        assert not errors(configured.diagnostics), configured.diagnostics

    await configure()
    targets = {
        "control_plane": {"fly_secret": {"app": "molecule-cp"}},
        "runtime": {"ssm_parameter": {"name": "/molecule/production/FLY_API_TOKEN"}},
    }
    given = {"name": "FLY_API_TOKEN", "targets": targets, "overlap": "24h"}
    wrong = pack(block(schema, **given, source={"fly_token": {}, "random": {}}))
    refused = await stub.ValidateResourceConfig(pb.ValidateResourceConfig.Request(type_name=SECRET, config=wrong))
    assert errors(refused.diagnostics)
    config = pack(block(schema, **given, source={"fly_token": {"app": "molecule-cp", "expires_in": "2400h"}}))
    valid = await stub.ValidateResourceConfig(pb.ValidateResourceConfig.Request(type_name=SECRET, config=config))
    assert not errors(valid.diagnostics), valid.diagnostics

    applied = await change(stub, pack(None), config, config)
    state = unpack(applied.new_state)
    assert state["phase"] == "settled", state
    assert {name: one["status"] for name, one in state["deliveries"].items()} == dict.fromkeys(targets, "current"), state

    read = await stub.ReadResource(
        pb.ReadResource.Request(type_name=SECRET, current_state=applied.new_state, private=applied.private)
    )
    assert not errors(read.diagnostics), read.diagnostics
    assert unpack(read.new_state) == state, unpack(read.new_state)
    again = await stub.PlanResourceChange(
        pb.PlanResourceChange.Request(
            type_name=SECRET, prior_state=read.new_state, proposed_new_state=read.new_state, config=config, prior_private=read.private
        )
    )
    assert not errors(again.diagnostics), again.diagnostics
    assert unpack(again.planned_state) == state, unpack(again.planned_state)

    gone = await change(stub, read.new_state, pack(None), pack(None), read.private)
    assert not gone.diagnostics, gone.diagnostics
    assert unpack(gone.new_state) is None, gone.new_state
    await provider.stop()
    print("all is well")


# Not asyncio.run: after a failure it would wait for the thread that reads from the provider, which lives on.
try:
    asyncio.new_event_loop().run_until_complete(drive(sys.argv[1]))
except BaseException:  # noqa: BLE001 - everything is a failed test
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
sys.stdout.flush()
os._exit(0)
