"""HTTP bodies as streams, for apps that import one of Azure's web extensions.

Azure's worker runs the extension's web server and the host forwards requests to it. Here the
extension's application is called directly, request by request, and the bodies travel as chunks on
the worker's own connection, each side sending only as much as the other has granted.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import sys
import threading
from collections import deque
from typing import Any, Awaitable, Callable, Deque, Dict, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import unquote, urlsplit

from .convert import Blobs
from .failure import message_of
from .imports import is_app_folder
from .invoke import Function
from .wire import Header, Message

CHUNK = 1 << 16
WINDOW = 16
"""Chunks one side may send before the other has taken one."""
_PACKAGE = "azurefunctions.extensions"
_BASE = f"{_PACKAGE}.base"
_CALL_HEADER = "x-ms-invocation-id"
_SETTING = "PYTHON_ENABLE_INIT_INDEXING"
_FALSE = ("0", "false", "f", "no", "n")

Send = Callable[[Header, Sequence[bytes]], None]
InThread = Callable[[Function, str, Dict[str, Any]], Awaitable[Any]]


def web_extension(environment: Mapping[str, str], shared_with: Optional[str] = None) -> Any:
    """Return what all web extensions share, when the app imported one; `None` otherwise.

    Where other apps may have imported it too, `shared_with` is the folder of this one: then its
    own modules must speak of it.
    """
    base = sys.modules.get(_BASE)
    if base is None or environment.get(_SETTING, "").strip().lower() in _FALSE:
        return None
    if shared_with is not None and not _spoken_of(shared_with):
        return None
    return base if base.HttpV2FeatureChecker.http_v2_enabled() else None


def _spoken_of(root: str) -> bool:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is None or not is_app_folder(os.path.dirname(file), root):
            continue
        loader: Any = getattr(module.__spec__, "loader", None)
        with contextlib.suppress(ImportError, OSError, AttributeError):
            if _PACKAGE in (loader.get_source(name) or ""):
                return True
    return False


class Site:
    """The extension's web application with one route, behind which the functions are."""

    def __init__(self, base: Any) -> None:
        module = importlib.import_module(base.ModuleTrackerMeta.get_module())
        self._exchanges: Dict[str, Exchange] = {}
        self._synchronizer = base.RequestTrackerMeta.get_synchronizer()

        async def answer(request: Any) -> Any:
            exchange = self._exchanges[request.headers[_CALL_HEADER]]
            exchange.request.set_result(request)
            return await exchange.response

        # The framework reads the annotation to learn that it shall pass the request.
        answer.__annotations__ = {"request": base.RequestTrackerMeta.get_request_type()}
        web_app = module.WebApp()
        web_app.route(answer)
        self._asgi = web_app.get_app()

    async def serve(self, exchange: Exchange, fields: Mapping[str, Any]) -> None:
        """Run one request through the framework."""
        self._exchanges[exchange.call_id] = exchange
        try:
            await self._asgi(_scope(exchange.call_id, fields), exchange.receive, exchange.send)
        finally:
            del self._exchanges[exchange.call_id]

    def give_route_values(self, request: Any, values: Mapping[str, str]) -> None:
        self._synchronizer.sync_route_params(request, values)


def _scope(call_id: str, fields: Mapping[str, Any]) -> Dict[str, Any]:
    url = urlsplit(fields["url"])
    headers = [
        (name.lower().encode("latin-1", "replace"), value.encode("utf-8", "surrogateescape"))
        for name, value in fields["headers"].items()
        if name.lower() != _CALL_HEADER
    ]
    return {
        "type": "http",
        # From 2.4 on frameworks learn from `send` that the client is gone. Before, they read the
        # rest of the request to notice, and take it away from the function.
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": fields["method"].upper(),
        "scheme": url.scheme,
        "path": unquote(url.path),
        "raw_path": url.path.encode("ascii", "replace"),
        "query_string": url.query.encode("ascii", "replace"),
        "root_path": "",
        "headers": [*headers, (_CALL_HEADER.encode(), call_id.encode())],
        "client": None,
        "server": (url.hostname or "localhost", url.port or 80),
        "state": {},
    }


class Exchange:
    """One request and its response on their way through the framework."""

    def __init__(self, call_id: str, send: Send) -> None:
        loop = asyncio.get_running_loop()
        self.call_id = call_id
        self.request: asyncio.Future[Any] = loop.create_future()
        self.response: asyncio.Future[Any] = loop.create_future()
        self._send = send
        self._arrived: Deque[bytes] = deque()
        self._complete = False
        self._told = False
        self._gone = False
        self._credit = WINDOW
        self._changed = asyncio.Event()

    def take(self, header: Header, blobs: Sequence[bytes]) -> None:
        """Accept what the host says about this call."""
        if header["kind"] == "more":
            self._credit += header["n"]
        else:
            self._arrived.extend(blobs)
            self._complete = self._complete or bool(header.get("end"))
        self._changed.set()

    def disconnect(self) -> None:
        self._gone = True
        self._changed.set()

    async def receive(self) -> Dict[str, Any]:
        """Be the ASGI application's `receive`."""
        while not self._gone:
            if self._arrived:
                body = self._arrived.popleft()
                self._send({"kind": "more", "id": self.call_id, "n": 1}, ())
                self._told = self._complete and not self._arrived
                return {"type": "http.request", "body": body, "more_body": not self._told}
            if self._complete and not self._told:
                self._told = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self._change()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        """Be the ASGI application's `send`."""
        if self._gone:
            raise OSError("the client went away")
        if message["type"] == "http.response.start":
            headers = [
                [name.decode("latin-1"), value.decode("utf-8", "surrogateescape")]
                for name, value in message.get("headers", ())
            ]
            head = {"kind": "head", "id": self.call_id, "headers": headers}
            self._send({**head, "status": message["status"]}, ())
        elif message["type"] == "http.response.body":
            body = message.get("body", b"")
            for at in range(0, len(body), CHUNK):
                await self._granted()
                self._send({"kind": "chunk", "id": self.call_id}, [bytes(body[at : at + CHUNK])])
            if not message.get("more_body"):
                self._send({"kind": "chunk", "id": self.call_id, "end": True}, ())

    async def _granted(self) -> None:
        while self._credit <= 0 and not self._gone:
            await self._change()
        self._credit -= 1

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class Collected:
    """Takes the place of a host that does not stream: the response in one piece."""

    def __init__(self) -> None:
        self._head: Optional[Tuple[int, List[Any]]] = None
        self._parts: List[bytes] = []
        self._exchange: Optional[Exchange] = None

    def begin(self, exchange: Exchange, fields: Mapping[str, Any], blobs: Sequence[bytes]) -> None:
        """Hand over the whole request."""
        self._exchange = exchange
        body = [] if fields["body"] is None else [blobs[fields["body"]]]
        exchange.take({"kind": "chunk", "end": True}, body)

    def __call__(self, header: Header, blobs: Sequence[bytes]) -> None:
        if header["kind"] == "head":
            self._head = (header["status"], header["headers"])
        elif header["kind"] == "chunk":
            self._parts += blobs
            if self._exchange is not None:
                self._exchange.take({"kind": "more", "n": 1}, ())

    def packed(self, blobs: List[bytes]) -> Optional[List[Any]]:
        if self._head is None:
            return None
        blobs.append(b"".join(self._parts))
        status, headers = self._head
        return ["http", {"status": status, "headers": headers, "body": len(blobs) - 1}]


class StreamedCall:
    """A call of a function whose request and response belong to a web framework."""

    def __init__(
        self, function: Function, header: Header, blobs: Blobs, *, site: Site, send: Send
    ) -> None:
        self.call_id: str = header["id"]
        self._function = function
        self._header = header
        self._blobs = blobs
        self._site = site
        self._fields = header["in"][function.request_name][1]
        self._collected = None if header.get("stream") else Collected()
        self.exchange = Exchange(self.call_id, self._collected or send)
        if self._collected is not None:
            self._collected.begin(self.exchange, self._fields, blobs)
        self._serving: Optional[asyncio.Task[None]] = None

    async def run(self, local: threading.local, in_thread: InThread) -> Message:
        """Return the answer once the response is complete; `in_thread` calls sync functions."""
        exchange = self.exchange
        serving = asyncio.ensure_future(self._site.serve(exchange, self._fields))
        self._serving = serving
        waited: List[Any] = [exchange.request, serving]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        header: Header = {"kind": "result", "id": self.call_id}
        blobs: List[bytes] = []
        if exchange.request.done():
            self._site.give_route_values(exchange.request.result(), self._fields["params"])
            header, blobs = await self._call(local, in_thread)
        await serving
        value = self._collected.packed(blobs) if self._collected is not None else None
        if value is not None:
            header["value"] = value
        return header, blobs

    async def _call(
        self, local: threading.local, in_thread: InThread
    ) -> Tuple[Header, List[bytes]]:
        function = self._function
        arguments = function.arguments(self._header, self._blobs, local)
        keywords = arguments.keywords
        keywords[str(function.request_name)] = self.exchange.request.result()
        if function.is_async:
            value = await function.call(**keywords)
        else:
            value = await in_thread(function, self.call_id, keywords)
        if value is None:
            raise ValueError(f"No http response found for invocation {self.call_id}")
        answer = function.outputs(self.call_id, arguments.outs)
        self.exchange.response.set_result(value)
        return answer

    async def fail(self, error: BaseException) -> None:
        """Let the framework answer that the function failed, if it still can."""
        serving, response = self._serving, self.exchange.response
        if serving is None:
            return
        if isinstance(error, asyncio.CancelledError):
            self._give_up()
        elif not response.done():
            response.set_exception(RuntimeError(f"{type(error).__name__}: {message_of(error)}"))
            response.exception()  # the framework may not ask for it
        try:
            await asyncio.wait([serving])
        except asyncio.CancelledError:  # nobody waits for the framework's answer any more
            self._give_up()
            await asyncio.wait([serving])
        if not serving.cancelled():
            serving.exception()  # the function's own failure is what is told

    def _give_up(self) -> None:
        self.exchange.disconnect()
        if self._serving is not None:
            self._serving.cancel()
