"""Drives a provider's executable with tofusoup: handshake, schema, metadata, validate, plan, apply, shutdown."""

import asyncio
import os
import sys
import traceback

from pyvider.protocols.tfprotov6.protobuf import tfplugin6_pb2 as pb
from tofusoup.tfplugin.driver import errors, pack, start_provider, unpack

NOTE = "fixture_note"


def note(schema, **values):
    """A value with every attribute and block of the schema."""
    block = schema.resource_schemas[NOTE].block
    names = [a.name for a in block.attributes] + [b.type_name for b in block.block_types]
    return {**dict.fromkeys(names), **values}


async def drive(executable):
    provider = await start_provider(executable)
    stub = provider.stub
    assert provider.protocol_version == 6, provider.protocol_version
    assert provider.transport == "unix", provider.transport

    schema = await stub.GetProviderSchema(pb.GetProviderSchema.Request())
    assert not errors(schema.diagnostics)
    metadata = await stub.GetMetadata(pb.GetMetadata.Request())
    assert {r.type_name for r in metadata.resources} == set(schema.resource_schemas)

    unknown = pb.ValidateResourceConfig.Request(type_name="no_such_type", config=pack({}))
    assert errors((await stub.ValidateResourceConfig(unknown)).diagnostics)

    config = pack(note(schema, text="hello", size="0.1", value_wo="secret"))
    planned = await stub.PlanResourceChange(
        pb.PlanResourceChange.Request(
            type_name=NOTE, prior_state=pack(None), proposed_new_state=config, config=config
        )
    )
    assert not errors(planned.diagnostics)
    applied = await stub.ApplyResourceChange(
        pb.ApplyResourceChange.Request(
            type_name=NOTE, prior_state=pack(None), planned_state=planned.planned_state, config=config
        )
    )
    assert not errors(applied.diagnostics)
    state = unpack(applied.new_state)
    # Numbers come as decimal text, which keeps them exact.
    expected = note(schema, text="hello", size="0.1", id="note-hello", length="6")
    assert state == expected, state

    read = await stub.ReadResource(
        pb.ReadResource.Request(type_name=NOTE, current_state=applied.new_state, private=applied.private)
    )
    assert (unpack(read.new_state), read.private) == (state, applied.private)
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
