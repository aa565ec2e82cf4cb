"""A server that speaks as much of MongoDB's wire protocol as vector search needs."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import bson

from tests.support.search_services import nearest

_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013


class MongoService:
    """Keeps collections in memory; `commands` are all but the greetings."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []
        self.collections: dict[str, list[dict[str, Any]]] = {}
        self.indexes: dict[str, dict[str, Any]] = {}
        self.refusal: dict[str, Any] | None = None
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def connection_string(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true&retryWrites=false"

    def of(self, name: str) -> list[dict[str, Any]]:
        return [command for command in self.commands if name in command]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[MongoService]:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._open:
                writer.close()
            await server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                length, request, _, code = struct.unpack("<4i", await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                writer.write(_framed(code, request, self._answer(_command(code, body))))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._open.discard(writer)
            writer.close()

    def _answer(self, command: dict[str, Any]) -> dict[str, Any]:
        name = next(iter(command))
        if name.lower() in {"hello", "ismaster"}:
            return {
                "ok": 1.0,
                "ismaster": True,
                "isWritablePrimary": True,
                "helloOk": True,
                "maxBsonObjectSize": 16777216,
                "maxMessageSizeBytes": 48000000,
                "maxWriteBatchSize": 100000,
                "minWireVersion": 0,
                "maxWireVersion": 21,
                "readOnly": False,
            }
        if name in {"endSessions", "ping"}:
            return {"ok": 1.0}
        self.commands.append(command)
        if self.refusal is not None:
            return self.refusal
        collection = command[name]
        match name:
            case "createIndexes":
                self.collections.setdefault(collection, [])
                self.indexes[collection] = command["indexes"][0]
                return {"ok": 1.0}
            case "insert":
                self.collections.setdefault(collection, []).extend(command["documents"])
                return {"ok": 1.0, "n": len(command["documents"])}
            case "aggregate":
                return self._find(collection, command)
        return {"ok": 0.0, "code": 59, "errmsg": f"no such command: '{name}'"}

    def _find(self, collection: str, command: dict[str, Any]) -> dict[str, Any]:
        search, project = command["pipeline"]
        wanted = search["$search"]["cosmosSearch"]
        shown = [key for key, value in project["$project"].items() if value == 1]
        found = nearest(wanted["vector"], self.collections.get(collection, []), wanted["path"])
        batch = [
            {**{key: row.get(key) for key in shown}, "score": score}
            for score, row in found[: wanted["k"]]
        ]
        namespace = f"{command['$db']}.{collection}"
        return {"ok": 1.0, "cursor": {"id": 0, "ns": namespace, "firstBatch": batch}}


def _command(code: int, body: bytes) -> dict[str, Any]:
    if code == _OP_QUERY:  # how a driver says hello before it knows the server
        end = body.index(b"\0", 4)
        return dict(bson.decode(body[end + 9 :]))
    command: dict[str, Any] = {}
    at = 4
    while at < len(body):
        kind = body[at]
        at += 1
        (size,) = struct.unpack_from("<i", body, at)
        section = body[at : at + size]
        at += size
        if kind == 0:
            command |= bson.decode(section)
        else:
            end = section.index(b"\0", 4)
            command[section[4:end].decode()] = list(bson.decode_all(section[end + 1 :]))
    return command


def _framed(code: int, request: int, answer: dict[str, Any]) -> bytes:
    document = bson.encode(answer)
    if code == _OP_QUERY:
        body = struct.pack("<iqii", 0, 0, 0, 1) + document
        return struct.pack("<4i", 16 + len(body), 0, request, _OP_REPLY) + body
    body = struct.pack("<i", 0) + b"\0" + document
    return struct.pack("<4i", 16 + len(body), 0, request, _OP_MSG) + body
