"""An app whose process says anything at all to its host: that process ends, the host does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.hosted import HEAD
from tests.support.serving import served, write_app

CODE = (
    HEAD
    + """
import os, socket, struct


def wire():
    for fd in range(3, 64):
        try:
            with socket.socket(fileno=os.dup(fd)) as each:
                if each.family == socket.AF_UNIX and each.type == socket.SOCK_STREAM:
                    each.getpeername()
                    yield fd
        except OSError:
            pass


SAYS = {
    "bytes": os.urandom(4096),
    "length": b"\\xff" * 8,
    "kind": b'{"kind":"dance"}',
    "shape": b'{"kind":"result","id":"x","error":"text"}',
    "credit": b'{"kind":"more","id":"x","n":1000000000000000000}',
    "deep": b'{"kind":"result","id":"x","value":' + b'["list",[' * 20000 + b']]' * 20000 + b'}',
}


@app.route(route="say/{what}")
def say(req: func.HttpRequest) -> str:
    data = SAYS[req.route_params["what"]]
    if data[:1] == b"{":
        data = struct.pack("!II", len(data), 0) + data
    for fd in wire():
        with socket.socket(fileno=os.dup(fd)) as each:
            each.setblocking(True)
            each.sendall(data)
    return "said"


@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    return "hello"
"""
)


@pytest.mark.parametrize("what", ["bytes", "length", "kind", "shape", "credit", "deep"])
async def test_a_process_that_says_nonsense_is_replaced(tmp_path: Path, what: str) -> None:
    write_app(tmp_path, {"function_app.py": CODE})
    async with served(tmp_path) as host:
        assert (await host.get("/api/hello")).text == "hello"
        await host.get(f"/api/say/{what}")
        await host.until_printed("the worker sent a")
        assert (await host.get("/api/hello")).text == "hello"
        assert "funcemu itself failed" not in host.printed
        assert "Fatal error" not in host.printed
