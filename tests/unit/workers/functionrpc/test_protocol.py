"""Messages made of the tables."""

from __future__ import annotations

from emulator.workers.functionrpc.protocol import Protocol


def test_two_protocols_live_side_by_side() -> None:
    first, second = Protocol(), Protocol()
    assert first.StreamingMessage is not second.StreamingMessage
    message = first.StreamingMessage(request_id="é")
    message.start_stream.worker_id = "w"
    again = second.StreamingMessage.FromString(message.SerializeToString())
    assert (again.WhichOneof("content"), again.start_stream.worker_id) == ("start_stream", "w")


def test_numbers_maps_and_enums_are_as_azure_has_them() -> None:
    """By the bytes of one message that was written down by hand."""
    protocol = Protocol()
    message = protocol.StreamingMessage()
    response = message.worker_init_response
    response.capabilities["a"] = "b"
    response.result.status = response.result.Success
    assert message.SerializeToString() == b"\x82\x01\x0c\x12\x06\n\x01a\x12\x01b\x1a\x02 \x01"
    log = protocol.message("RpcLog")(level=5, log_category=1)
    assert log.SerializeToString() == b"\x18\x05@\x01"
    assert (log.Level.Name(5), log.RpcLogCategory.Name(1)) == ("Critical", "System")
    value = protocol.TypedData(int=-1)
    assert value.SerializeToString() == b"0\x01"  # zigzag
