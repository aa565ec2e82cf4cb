"""Puts Azure's `azure_functions_runtime` behind a gRPC connection, as today's worker does.

Copied beside its `worker.config.json` and run there, by a Python that has the package.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import types
from typing import Any

sys.path.insert(0, os.getcwd())
_house: Any = types.ModuleType("emulator")
_house.__path__ = [os.path.join("@ROOT@", "emulator")]  # its own imports are not installed here
sys.modules["emulator"] = _house

import azure_functions_runtime as runtime  # type: ignore[import-not-found]  # noqa: E402
from grpclib.client import Channel, StreamStreamMethod  # noqa: E402

from emulator.workers.functionrpc.protocol import Protocol  # noqa: E402
from emulator.workers.functionrpc.schema import STREAM_METHOD  # noqa: E402

_HANDLERS = {
    "worker_init_request": "worker_init_response",
    "functions_metadata_request": "function_metadata_response",
    "function_load_request": "function_load_response",
    "invocation_request": "invocation_response",
}
_NULLABLE = ("NullableString", "NullableBool", "NullableDouble", "NullableTimestamp")


def _namespace(protocol: Protocol) -> Any:
    from google.protobuf import message_factory

    names = protocol.pool.FindFileByName("FunctionRpc.proto").message_types_by_name
    found = {name: protocol.message(name) for name in names}
    for name in _NULLABLE:
        found[name] = message_factory.GetMessageClass(protocol.pool.FindMessageTypeByName(name))
    return types.SimpleNamespace(**found)


class Handler(logging.Handler):
    """Sends what is logged, with the call it belongs to."""

    def __init__(self, say: Any) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        system = record.name.startswith("azure_functions_runtime")
        log = {
            "level": min(max(record.levelno // 10, 0), 5),
            "message": record.getMessage(),
            "category": record.name,
            "log_category": int(system),
            "invocation_id": runtime.invocation_id_cv.get() or "",
        }
        self._say(rpc_log=log)


async def main() -> None:
    given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    protocol = Protocol()
    protos = _namespace(protocol)
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    message_type = protocol.StreamingMessage

    def say(**content: Any) -> None:
        message = message_type(request_id=given["--requestId"], **content)
        loop.call_soon_threadsafe(outbox.put_nowait, message)

    async def answer(message: Any, kind: str) -> None:
        asked = types.SimpleNamespace(
            request=message, properties={"host": "127.0.0.1", "protos": protos}
        )
        say(**{_HANDLERS[kind]: await getattr(runtime, kind)(asked)})

    async def send(stream: Any) -> None:
        while True:
            await stream.send_message(await outbox.get())

    logging.getLogger().addHandler(Handler(say))
    logging.getLogger().setLevel(logging.INFO)
    runtime.start_threadpool_executor()
    channel = Channel("127.0.0.1", int(given["--port"]))
    method: Any = StreamStreamMethod(channel, STREAM_METHOD, message_type, message_type)
    running = set()
    async with method.open() as stream:
        await stream.send_request()
        say(start_stream={"worker_id": given["--workerId"]})
        sending = asyncio.create_task(send(stream))
        async for message in stream:
            kind = message.WhichOneof("content")
            if kind in _HANDLERS:
                task = asyncio.create_task(answer(message, kind))
                running.add(task)
                task.add_done_callback(running.discard)
        sending.cancel()
    channel.close()


asyncio.run(main())
