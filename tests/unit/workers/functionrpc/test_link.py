"""How messages are written for workers."""

from __future__ import annotations

from emulator.workers.functionrpc.link import Codec
from emulator.workers.functionrpc.protocol import Protocol


def test_names_come_in_their_order() -> None:
    protocol = Protocol()
    names = [f"name-{number:02}" for number in range(30)]
    message = protocol.StreamingMessage()
    for name in reversed(names):
        message.invocation_request.trigger_metadata[name].string = "x"
    data = Codec().encode(message, protocol.StreamingMessage)
    places = [data.index(name.encode()) for name in names]
    assert places == sorted(places)
    assert protocol.StreamingMessage.FromString(data) == message
