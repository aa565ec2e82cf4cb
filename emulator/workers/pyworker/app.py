"""One app inside a worker: index it, load its functions, have them called. For both channels."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Callable, ContextManager, Dict, Mapping, Optional, Union

from . import context
from .convert import Blobs
from .extensions import TRUE, Extensions
from .failure import describe
from .index import DEFAULT_SCRIPT, index_app
from .invoke import Function
from .load import load_entry_point
from .logs import Capture
from .run import Done, Runner, pool_size
from .sdk import Sdk
from .signature import read_signature
from .streaming import Send, Site, web_extension
from .tracing import Tracing
from .wire import Header

Failure = Dict[str, Any]


class App:
    """Lives on one event loop; `environment` holds the app's settings.

    `runner` has the calls under way; `send` is for it.
    """

    def __init__(
        self,
        root: str,
        script: str,
        environment: Mapping[str, str],
        *,
        sdk: Sdk,
        capture: Capture,
        send: Send,
        threads: Optional[int] = None,
        importing: Callable[[], ContextManager[object]] = contextlib.nullcontext,
    ) -> None:
        self.root = root
        self._environment = environment
        self._script = script
        if script == DEFAULT_SCRIPT:
            self._script = environment.get("PYTHON_SCRIPT_FILE_NAME") or script
        self._sdk = sdk
        self._capture = capture
        self._importing = importing
        self._decorated: Dict[str, Any] = {}
        self._functions: Dict[str, Union[Function, Failure]] = {}
        self._application: Any = None
        self._web: Any = None
        self.runner = Runner(
            root,
            capture=capture,
            send=send,
            threads=threads or pool_size(environment, capture.warn),
        )
        self._index_answer: Optional[Header] = None
        self._extensions = Extensions(
            root, environment, sdk=sdk, exclusive=capture.exclusive, warn=capture.warn
        )
        self._tracing = Tracing(environment, capture.warn)
        context.register(sdk)

    def index(self) -> Header:
        """List the functions; the app is asked only once, later questions get the same answer."""
        if self._index_answer is None:
            self._index_answer = self._index()
        return self._index_answer

    def _index(self) -> Header:
        try:
            with self._user_code():
                found = index_app(self.root, self._script, self._sdk)
        except BaseException as error:  # whatever module level code raises, `SystemExit` included
            return {"kind": "indexed", "functions": None, "error": self._failure(error)}
        if found is None:
            return {"kind": "indexed", "functions": None}
        self._web = web_extension(self._environment, None if self._capture.exclusive else self.root)
        self._application = found.application
        self._decorated = {each.described["name"]: each.call for each in found.functions}
        return {
            "kind": "indexed",
            "functions": [each.described for each in found.functions],
            "streams": self._web is not None,
        }

    def load(self, header: Header) -> Header:
        """Make functions callable; each one that cannot be has its own error."""
        errors: Dict[str, Failure] = {}
        with self._user_code():
            for each in header["functions"]:
                name = each["name"]
                try:
                    self._functions[name] = self._load(each)
                except BaseException as error:  # as above: here v1 modules are imported
                    self._functions[name] = errors[name] = self._failure(error)
                else:
                    self._extensions.loaded(name, each["directory"])
        self._extensions.tell()
        return {"kind": "loaded", "seq": header.get("seq"), "errors": errors}

    def _load(self, wanted: Header) -> Function:
        decorated = wanted["model"] == "v2"
        name = wanted["name"]
        if decorated:
            if self._index_answer is None:
                raise RuntimeError("index() comes before load()")
            call = self._decorated.get(name)
            if call is None:
                raise RuntimeError(
                    f"cannot load function {name}: it is no longer present in {self._script}"
                )
        else:
            call = load_entry_point(
                self.root,
                name=name,
                directory=wanted["directory"],
                script=wanted["script"],
                entry_point=wanted["entry_point"],
            )
        signature = read_signature(
            name,
            call,
            wanted["bindings"],
            sdk=self._sdk,
            decorated=decorated,
            injected=frozenset(wanted.get("injected") or ()),
            web=self._web if decorated else None,
        )
        streams = decorated and self._web is not None
        if streams and self.runner.site is None:
            self.runner.site = Site(self._web)
        extended = self._extensions.enabled
        if extended:
            call = self._extensions.around(name, call)
        if self._tracing.enabled:
            call = self._tracing.around(call, keeps_context=extended)
        return Function(
            name,
            wanted["directory"],
            call,
            signature,
            sdk=self._sdk,
            streams=streams,
            extended=extended or self._tracing.enabled,
        )

    @contextlib.contextmanager
    def _user_code(self) -> Any:
        self._capture.importing(True)
        try:
            with self._importing(), self._extensions.registering():
                yield
        finally:
            self._capture.finish(None)
            self._capture.importing(False)

    def begin(self, header: Header, blobs: Blobs, done: Done) -> None:
        """Start a call; `done` gets the answer, on the loop."""
        function = self._functions.get(header["fn"])
        if isinstance(function, Function):
            self.runner.begin(function, header, blobs, done)
            return
        failure = function or {
            "type": "RuntimeError",
            "message": f"the function {header['fn']!r} is not loaded",
        }
        done(({"kind": "result", "id": header["id"], "error": failure}, ()))

    async def close(self, seconds: float) -> None:
        """End the calls; let an ASGI app hear of the end as it heard of the start."""
        self.runner.close()
        self._extensions.close()
        middleware = getattr(self._application, "middleware", None)
        if middleware is None or not getattr(self._application, "startup_task_done", False):
            return
        # The SDK would do this when the object is collected: in no loop, or in the wrong one.
        self._application.startup_task_done = False
        try:
            await asyncio.wait_for(middleware.notify_shutdown(), seconds)
        except Exception as error:  # the app's lifespan; its failure must not keep us
            self._capture.warn(f"the shutdown of the ASGI app failed: {error!r}")

    def _failure(self, error: BaseException) -> Failure:
        return describe(error, self.root)


def wants_debug_logs(environment: Mapping[str, str]) -> bool:
    return environment.get("PYTHON_ENABLE_DEBUG_LOGGING", "").strip().lower() in TRUE
