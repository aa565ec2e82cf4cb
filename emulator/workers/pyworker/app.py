"""One app inside a worker: index it, load its functions, run their calls. For both channels."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import sys
from typing import Any, Callable, ContextManager, Dict, List, Mapping, Optional, Set, Union

from . import context
from .convert import Blobs
from .failure import describe
from .index import DEFAULT_SCRIPT, index_app
from .invoke import Function
from .load import load_entry_point
from .logs import Call, Capture, running
from .sdk import Sdk
from .signature import read_signature
from .streaming import Collected, Exchange, Send, Site, web_extension
from .wire import Header, Message

Done = Callable[[Message], None]
Failure = Dict[str, Any]
TRUE = ("1", "true", "t", "yes", "y")


class App:
    """Lives on one event loop; `environment` holds the app's settings.

    `send` takes what is said beside the answers: chunks of bodies, and the end of calls that went
    on in a thread after they had been cancelled.
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
        self._tasks: Dict[str, Any] = {}
        self._in_threads: Dict[str, Any] = {}
        self._unheard: Set[str] = set()
        self._send = send
        self._web: Any = None
        self._site: Optional[Site] = None
        self._exchanges: Dict[str, Exchange] = {}
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
        self._web = web_extension(self._environment)
        self._decorated = {each.described["name"]: each.call for each in found}
        return {
            "kind": "indexed",
            "functions": [each.described for each in found],
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
        if streams and self._site is None:
            self._site = Site(self._web)
        return Function(name, wanted["directory"], call, signature, sdk=self._sdk, streams=streams)

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
        elif function.request_name is not None:
            # Known from now on: chunks may follow before the task takes its first step.
            collected = None if header.get("stream") else Collected()
            exchange = Exchange(call_id, self._loop, collected or self._send)
            self._exchanges[call_id] = exchange
            if collected is not None:
                collected.begin(exchange, header["in"][function.request_name][1], blobs)
            task = self._loop.create_task(
                self._run_streaming(function, header, blobs, done, exchange, collected)
            )
            self._tasks[call_id] = (task, done)
        elif function.is_async:
            task = self._loop.create_task(self._run_async(function, header, blobs, done))
            self._tasks[call_id] = (task, done)
        else:
            future = self._threads().submit(self._run_in_thread, function, header, blobs)
            self._in_threads[call_id] = (future, done)

    def receive(self, header: Header, blobs: Blobs) -> None:
        """Take a chunk of a request, or the leave to send more of a response."""
        exchange = self._exchanges.get(header["id"])
        if exchange is not None:
            exchange.take(header, blobs)

    def _threads(self) -> concurrent.futures.ThreadPoolExecutor:
        if self._pool is None:
            self._pool = concurrent.futures.ThreadPoolExecutor(
                self._pool_size, thread_name_prefix="function"
            )
        return self._pool

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

    async def _run_streaming(
        self,
        function: Function,
        header: Header,
        blobs: Blobs,
        done: Done,
        exchange: Exchange,
        collected: Optional[Collected],
    ) -> None:
        """Run a call whose request and response belong to a web framework."""
        call_id = header["id"]
        running.set(Call(call_id, self._capture))
        fields = header["in"][function.request_name][1]
        site = self._site
        assert site is not None
        serving = self._loop.create_task(site.serve(exchange, fields))
        try:
            waited: List[Any] = [exchange.request, serving]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            answer: Any = ({"kind": "result", "id": call_id}, [])
            if exchange.request.done():
                site.give_route_values(exchange.request.result(), fields["params"])
                answer = await self._call_streaming(function, header, blobs, exchange)
            await serving
            if collected is not None:
                value = collected.packed(answer[1])
                if value is not None:
                    answer[0]["value"] = value
        except BaseException as error:  # the border to user code: nothing it raises may pass
            answer = self._failed(call_id, error)
            await self._end_exchange(exchange, serving, error)
        self._exchanges.pop(call_id, None)
        self._tasks.pop(call_id, None)
        self._capture.finish(call_id)
        done(answer)

    async def _call_streaming(
        self, function: Function, header: Header, blobs: Blobs, exchange: Exchange
    ) -> Any:
        arguments = function.arguments(header, blobs, self._capture.local)
        arguments.keywords[str(function.request_name)] = exchange.request.result()
        if function.is_async:
            value = await function.call(**arguments.keywords)
        else:
            value = await self._loop.run_in_executor(
                self._threads(), self._called_in_thread, function, header["id"], arguments.keywords
            )
        if value is None:
            raise ValueError(f"No http response found for invocation {header['id']}")
        answer = function.outputs(header["id"], arguments.outs)
        exchange.response.set_result(value)
        return answer

    def _called_in_thread(self, function: Function, call_id: str, keywords: Dict[str, Any]) -> Any:
        local = self._capture.local
        local.invocation_id = call_id
        token = running.set(Call(call_id, self._capture))
        try:
            return function.call(**keywords)
        finally:
            running.reset(token)
            local.invocation_id = None

    async def _end_exchange(self, exchange: Exchange, serving: Any, error: BaseException) -> None:
        """Let the framework answer that the function failed, if it still can."""
        if isinstance(error, asyncio.CancelledError):
            exchange.disconnect()
            serving.cancel()
        elif not exchange.response.done():
            exchange.response.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))
        try:
            await asyncio.wait([serving])
        except asyncio.CancelledError:  # nobody waits for the framework's answer any more
            exchange.disconnect()
            serving.cancel()
            await asyncio.wait([serving])
        if not serving.cancelled():
            serving.exception()  # the function's own failure is what is told

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
            self._send({"kind": "ended", "id": call_id}, ())
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
            self._exchanges.pop(call_id, None)
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
