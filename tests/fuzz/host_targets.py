"""A host that is being served: raw bytes on its socket, and odd requests to what it answers."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.config_targets import BREAK
from tests.fuzz.grammar import SCALARS, TEXTS, VALUES, deep, one_of, record, written
from tests.fuzz.target import Check, Target
from tests.support.patience import PATIENCE
from tests.support.serving import Served, served, write_app

_APP = """\
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="echo/{name?}")
def echo(req: func.HttpRequest) -> str:
    return req.method
"""
_PATIENCE = 0.03
"""Seconds for an answer to what may be half a request."""
_STARTS = (b"HTTP/1.", b"HTTP/0.9 400 ", b"HTTP/2.0 505 ")
_FAULTY = ("funcemu itself failed", "Traceback", "Unhandled exception", "Fatal error")


class Host:
    """An app served in a thread of its own, in this process."""

    def __init__(self, *arguments: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._folder = tempfile.TemporaryDirectory()
        write_app(Path(self._folder.name), {"function_app.py": _APP})
        self._opened = served(Path(self._folder.name), *arguments, channel="inprocess")
        self.complaints: list[str] = []
        self._loop.set_exception_handler(
            lambda _, context: self.complaints.append(
                f"{context['message']}: {context.get('exception')!r}"
            )
        )

    def __enter__(self) -> Host:
        self._thread.start()
        self.served: Served = self._wait(self._opened.__aenter__())
        self.port = int(self.served.url.rpartition(":")[2])
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._opened.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def send(self, data: bytes, *, patience: float = PATIENCE) -> bytes:
        """Send bytes; return what comes back until the end, or until nothing more comes."""
        with socket.create_connection(("127.0.0.1", self.port), patience) as connection:
            answer = b""
            with suppress(ConnectionError, TimeoutError):
                connection.sendall(data)
                while piece := connection.recv(65536):
                    answer += piece
            return answer

    def is_well(self) -> None:
        """See that nothing of ours failed, and that it still answers."""
        alive = self.send(b"GET /api/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert alive.startswith(b"HTTP/1.1 200 "), alive
        output, self.served.output[:] = list(self.served.output), []
        bad = [line for line in output if any(each in line for each in _FAULTY)]
        assert not bad, "\n".join(output[:60])
        complaints, self.complaints[:] = list(self.complaints), []
        assert not complaints, complaints


def hosted(
    check: Callable[[Host, bytes], None], *arguments: str
) -> Callable[[], AbstractContextManager[Check]]:
    @contextmanager
    def opened() -> Iterator[Check]:
        with Host(*arguments) as host:
            yield lambda data: check(host, data)

    return opened


def check_http(host: Host, data: bytes) -> None:
    answer = host.send(data, patience=_PATIENCE)
    assert answer == b"" or answer.startswith(_STARTS), answer[:100]
    host.is_well()


def _request(host: Host, line: bytes, headers: bytes, body: bytes) -> tuple[int, bytes]:
    length = b"Content-Length: %d\r\n" % len(body)
    head = line + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + length
    answer = host.send(head + b"\r\n" + body)
    if not answer:
        return 0, b""
    assert answer.startswith(b"HTTP/1."), answer[:100]
    return int(answer[9:12]), answer.partition(b"\r\n\r\n")[2]


def check_openai(host: Host, data: bytes) -> None:
    """The first part is the path, the second the body."""
    path, _, body = data.partition(BREAK)
    line = b"POST /_openai/" + b"".join(path.split())[:200]
    status, answer = _request(host, line, b"", body)
    host.is_well()
    assert status in {0, 200, 201, 204, 400, 404, 405, 413, 429, 499} or 400 <= status < 600
    assert status != 500, answer
    if status == 400 and answer:
        error = json.loads(answer)["error"]
        assert error["message"]
    _request(host, b"DELETE /_openai/faults", b"", b"")


def check_admin(host: Host, data: bytes) -> None:
    """The first part is method and path, the second the body."""
    line, _, body = data.partition(BREAK)
    method, _, path = line.partition(b" ")
    if path.split(b"?")[0].rstrip(b"/").lower().endswith((b"restart", b"state")):
        return  # a host that is stopped would answer nothing
    status, answer = _request(host, method[:9] + b" /admin/" + b"".join(path.split()), b"", body)
    host.is_well()
    assert status != 500, answer


_METHOD = one_of(b"GET", b"POST", b"HEAD", b"OPTIONS", b"G\x00T", b"CONNECT", b"", b"PRI", b"get")
_TARGET = st.one_of(
    one_of(b"/api/echo", b"/api/echo/%ff", b"/api/echo/\xff", b"/admin/host/ping", b"*", b"http://localhost/api/echo",
           b"http://evil/admin/host/status", b"//api/echo", b"/api/echo?a=%00&a=b&code=\xff", b"/" + b"a" * 9000, b"",
           b"/%61dmin/host/status", b"/_openai/models", b"/api/echo#x", b"/api/../admin/host/status",
           b"http://[::1/api/echo", b"/\x1b[2J", b"localhost:443"),
    st.binary(max_size=12).map(lambda data: b"/api/" + data),
)  # fmt: skip
_VERSION = one_of(b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b"", b"http/1.1")
_HEADER = st.one_of(
    one_of(b"Host: localhost", b"Host: evil.example", b"Content-Length: 5", b"Content-Length: +5",
           b"Content-Length: 99999999999999999999", b"Content-Length: -1", b"Transfer-Encoding: chunked",
           b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding : chunked",
           b"Connection: upgrade\r\nUpgrade: websocket", b"Expect: 100-continue", b"Content-Type: \xff",
           b"Content-Encoding: gzip", b"Cookie: a=\x01", b" folded: x", b"Origin: null", b"X: " + b"y" * 40000,
           b"traceparent: 00-zz", b"Content-Type: multipart/form-data; boundary=", b"Accept-Encoding: gzip;q=x",
           b"Connection: close", b"Range: bytes=0-", b"If-None-Match: *", b"X-Forwarded-Proto: javascript"),
    st.binary(max_size=20),
)  # fmt: skip
_BODY = one_of(b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"5;x=y\r\nhello\r\n0\r\nT: x\r\n\r\n", b"-5\r\n",
               b"FFFFFFFFFFFFFFFFFF\r\n", b"5\nhello\n0\n\n", b'{"a":' * 5000, b"\x1f\x8b\x08\x00", b"5\r\nhelloX")  # fmt: skip
_EOL = one_of(b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r")
HTTP = st.builds(
    lambda method, target, version, headers, body, end: (
        method + b" " + target + b" " + version + end + b"".join(h + end for h in headers)
        + end + body
    ),
    _METHOD, _TARGET, _VERSION, st.lists(_HEADER, max_size=5), _BODY, _EOL,
)  # fmt: skip

_TOOL_CALL = record(
    id=TEXTS,
    type=one_of("function"),
    function=record(name=one_of("AddTodo"), arguments=one_of("{}", "[", '{"a":1}')),
)
_MESSAGE = record(
    role=one_of("user", "assistant", "tool", "system", "function", "developer"),
    content=st.one_of(
        TEXTS,
        one_of("Remind me to call dad", "What do I need to do today?", "a" * 30_000),
        st.lists(record(type=one_of("text", "image_url"), text=TEXTS), max_size=2),
    ),
    tool_calls=st.lists(_TOOL_CALL, max_size=2),
    tool_call_id=TEXTS,
    name=TEXTS,
)
_SCHEMA = st.recursive(
    record(
        type=one_of("object", "string", "integer", "number", "boolean", "array", "null"),
        description=TEXTS,
        enum=st.lists(SCALARS, max_size=3),
        default=SCALARS,
        minimum=SCALARS,
        format=one_of("date-time", "date", "uuid"),
    ),
    lambda inner: record(
        type=one_of("object", "array"),
        properties=st.dictionaries(TEXTS, inner, max_size=3),
        required=st.lists(TEXTS, max_size=2),
        items=inner,
        anyOf=st.lists(inner, max_size=2),
    ),
    max_leaves=4,
)
_TOOL = st.one_of(
    st.builds(
        lambda more: {"type": "function", "function": {"name": "AddTodo", **more}},
        record(description=one_of("Add a to-do task", "remind"), parameters=_SCHEMA),
    ),
    VALUES,
)
_REQUEST = st.builds(
    lambda base, more: {**base, **more},
    st.fixed_dictionaries({"model": st.just("m"), "messages": st.lists(_MESSAGE, max_size=3)}),
    record(
        model=TEXTS,
        tools=st.lists(_TOOL, max_size=2),
        tool_choice=st.one_of(one_of("none", "auto", "required"), VALUES),
        response_format=st.one_of(
            record(type=one_of("json_object", "json_schema"), json_schema=record(schema=_SCHEMA)),
            VALUES,
        ),
        temperature=SCALARS,
        top_p=SCALARS,
        max_tokens=SCALARS,
        max_completion_tokens=SCALARS,
        n=SCALARS,
        stream=st.booleans(),
        stream_options=record(include_usage=st.booleans()),
        stop=st.one_of(TEXTS, st.lists(TEXTS, max_size=2)),
        reasoning_effort=TEXTS,
        seed=SCALARS,
    ),
)
_EMBEDDING = record(
    model=one_of("m"),
    input=st.one_of(TEXTS, st.lists(TEXTS, max_size=3), st.lists(SCALARS), VALUES),
    dimensions=one_of(1, 3, 10**9, 10**400, -1, True),
    encoding_format=one_of("base64", "float", 5),
)
_RESPONSE = record(
    model=one_of("m"), instructions=TEXTS, previous_response_id=TEXTS, stream=SCALARS,
    input=st.one_of(
        TEXTS,
        st.lists(record(
            type=one_of("message", "function_call", "function_call_output", "reasoning"),
            role=one_of("user", "assistant", "tool"), content=VALUES, output=VALUES,
            call_id=TEXTS, name=TEXTS, arguments=TEXTS,
        ), max_size=4),
        VALUES,
    ),
    tools=st.lists(record(type=one_of("function", "web_search"), name=one_of("f"), parameters=VALUES), max_size=2),
    tool_choice=VALUES, text=record(format=VALUES), reasoning=VALUES, max_output_tokens=SCALARS,
)  # fmt: skip
_OPENAI = st.one_of(
    st.tuples(one_of(b"v1/chat/completions", b"openai/deployments/m/chat/completions"), written(_REQUEST)),
    st.tuples(one_of(b"v1/responses"), written(_RESPONSE)),
    st.tuples(one_of(b"v1/embeddings"), written(_EMBEDDING)),
    st.tuples(one_of(b"v1/completions"), written(record(model=one_of("m"), prompt=st.one_of(TEXTS, st.lists(TEXTS))))),
    st.tuples(one_of(b"faults"), written(record(match=TEXTS, status=SCALARS, times=SCALARS, limit=VALUES))),
    st.tuples(one_of(b"v1/chat/completions", b"faults", b"v1/embeddings"), deep('{"a":[', "1", "]}")),
    st.tuples(st.binary(max_size=20), written(VALUES)),
).map(BREAK.join)  # fmt: skip
_ADMIN = st.tuples(
    st.one_of(
        one_of(b"POST functions/echo", b"PUT functions/echo/keys/a", b"GET functions", b"PUT host/systemkeys/_master",
               b"GET host/status", b"GET functions/%ff", b"PUT host/keys/\xff", b"GET functions/..%2f..%2fetc",
               b"DELETE host/keys/a", b"GET functions/echo/keys", b"PUT host/keys/%ed%a0%80", b"GET host/keys/CON",
               b"PUT functions/..%2fhost/keys/x", b"PUT host/keys/" + b"k" * 3000, b"GET host/config"),
        st.binary(max_size=30).map(lambda data: b"GET " + data),
    ),
    st.one_of(
        written(record(input=VALUES, value=TEXTS)), written(VALUES), deep("[", "1", "]"),
        deep('{"input":[', "1", "]}"),
    ),
).map(BREAK.join)  # fmt: skip

TARGETS = (
    Target("http", hosted(check_http), HTTP, examples=120),
    Target("openai", hosted(check_openai), _OPENAI, examples=120),
    Target("admin", hosted(check_admin), _ADMIN, examples=80),
)
