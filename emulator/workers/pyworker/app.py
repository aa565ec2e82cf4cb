"""One app inside a worker: index it, load its functions, run their calls. For both channels."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import sys
from typing import Any, Callable, ContextManager, Dict, Mapping, Optional, Set, Union

from . import context
from .convert import Blobs
from .failure import describe
from .index import DEFAULT_SCRIPT, index_app
from .invoke import Function
from .load import load_entry_point
from .logs import Call, Capture, running
from .sdk import Sdk
from .signature import read_signature
from .wire import Header, Message

Done = Callable[[Message], None]
Failure = Dict[str, Any]
TRUE = ("1", "true", "t", "yes", "y")


class App:
    """Lives on one event loop; `environment` holds the app's settings.

    `ended` hears of calls that went on in a thread after they had been cancelled.
    """

    def __init__(
        self,
        root: str,
        script: str,
        environment: Mapping[str, str],
        *,
        sdk: Sdk,
        capture: Capture,
        ended: Callable[[str], None],
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
        self._tasks: Dict[str, Any] = {}
        self._in_threads: Dict[str, Any] = {}
        self._unheard: Set[str] = set()
        self._ended = ended
        self._pool_size = threads or _pool_size(environment, capture.warn)
        self._pool: Optional[concurrent.futures.ThreadPoolExecutor] = None
        self._loop = asyncio.get_running_loop()
        self._index_answer: Optional[Header] = None
        context.register(sdk)

    @property
    def running(self) -> int:
        return len(self._tasks) + len(self._in_threads)

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
        self._decorated = {each.described["name"]: each.call for each in found}
        return {"kind": "indexed", "functions": [each.described for each in found]}

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
        )
        return Function(name, wanted["directory"], call, signature, self._sdk)

    @contextlib.contextmanager
    def _user_code(self) -> Any:
        self._capture.importing(True)
        try:
            with self._importing():
                yield
        finally:
            self._capture.finish(None)
            self._capture.importing(False)

    def begin(self, header: Header, blobs: Blobs, done: Done) -> None:
        """Start a call; `done` gets the answer, on the loop."""
        call_id = header["id"]
        function = self._functions.get(header["fn"])
        if not isinstance(function, Function):
            failure = function or {
                "type": "RuntimeError",
                "message": f"the function {header['fn']!r} is not loaded",
            }
            done(({"kind": "result", "id": call_id, "error": failure}, ()))
        elif function.is_async:
            task = self._loop.create_task(self._run_async(function, header, blobs, done))
            self._tasks[call_id] = (task, done)
        else:
            if self._pool is None:
                self._pool = concurrent.futures.ThreadPoolExecutor(
                    self._pool_size, thread_name_prefix="function"
                )
            future = self._pool.submit(self._run_in_thread, function, header, blobs)
            self._in_threads[call_id] = (future, done)

    async def _run_async(
        self, function: Function, header: Header, blobs: Blobs, done: Done
    ) -> None:
        call_id = header["id"]
        running.set(Call(call_id, self._capture))
        try:
            arguments = function.arguments(header, blobs, self._capture.local)
            value = await function.call(**arguments.keywords)
            answer = function.answer(call_id, value, arguments.outs)
        except BaseException as error:  # the border to user code: nothing it raises may pass
            answer = self._failed(call_id, error)
        self._tasks.pop(call_id, None)
        self._capture.finish(call_id)
        done(answer)

    def _run_in_thread(self, function: Function, header: Header, blobs: Blobs) -> None:
        call_id = header["id"]
        local = self._capture.local
        local.invocation_id = call_id
        token = running.set(Call(call_id, self._capture))
        try:
            arguments = function.arguments(header, blobs, local)
            value = function.call(**arguments.keywords)
            answer = function.answer(call_id, value, arguments.outs)
        except BaseException as error:  # the border to user code: nothing it raises may pass
            answer = self._failed(call_id, error)
        finally:
            running.reset(token)
            local.invocation_id = None
        self._capture.finish(call_id)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._thread_done, call_id, answer)

    def _thread_done(self, call_id: str, answer: Message) -> None:
        if call_id in self._unheard:
            self._unheard.discard(call_id)
            self._ended(call_id)
        elif call_id in self._in_threads:
            _, done = self._in_threads.pop(call_id)
            done(answer)

    def cancel(self, call_id: str) -> None:
        """Cancel an async call; one in a thread cannot be stopped and runs on unheard."""
        if call_id in self._in_threads:
            future, done = self._in_threads.pop(call_id)
            answer = self._cancelled(call_id)
            if not future.cancel():
                self._unheard.add(call_id)
                answer["still"] = True
            done((answer, ()))
        elif call_id in self._tasks:
            task, done = self._tasks[call_id]
            task.add_done_callback(lambda _: self._never_began(call_id, done))
            task.cancel()

    def _never_began(self, call_id: str, done: Done) -> None:
        """Answer for a task cancelled before its first step, which has not run a line."""
        if self._tasks.pop(call_id, None) is not None:
            done((self._cancelled(call_id), ()))

    def close(self) -> None:
        for task, _ in list(self._tasks.values()):
            task.cancel()
        self._in_threads.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _failure(self, error: BaseException) -> Failure:
        return describe(error, self.root)

    def _failed(self, call_id: str, error: BaseException) -> Message:
        return {"kind": "result", "id": call_id, "error": self._failure(error)}, ()

    def _cancelled(self, call_id: str) -> Header:
        error = {"type": "CancelledError", "message": "the call was cancelled"}
        return {"kind": "result", "id": call_id, "error": error}


def wants_debug_logs(environment: Mapping[str, str]) -> bool:
    return environment.get("PYTHON_ENABLE_DEBUG_LOGGING", "").strip().lower() in TRUE


def _pool_size(environment: Mapping[str, str], warn: Callable[[str], None]) -> Optional[int]:
    """Return the number of threads for sync functions; `None` leaves it to Python."""
    text = environment.get("PYTHON_THREADPOOL_THREAD_COUNT")
    if text is None:
        return None
    try:
        size = int(text)
    except ValueError:
        warn("PYTHON_THREADPOOL_THREAD_COUNT must be an integer")
        return None
    if not 1 <= size <= sys.maxsize:
        warn(
            "PYTHON_THREADPOOL_THREAD_COUNT must be set to a value between 1 and sys.maxint."
            " Reverting to default value for max_workers"
        )
        return None
    return size
