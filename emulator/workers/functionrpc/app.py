"""The app that an official worker runs: what it has listed, and what it could not load."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from emulator.errors import WorkerLost
from emulator.model import FunctionError, FunctionModel
from emulator.workers.channel import FunctionLoad, Index, RpcWorker, WorkerLog
from emulator.workers.ending import Ending
from emulator.workers.functionrpc.answers import Answers
from emulator.workers.functionrpc.failures import failure_of
from emulator.workers.functionrpc.indexing import Found, index_of
from emulator.workers.functionrpc.link import Link
from emulator.workers.functionrpc.messages import Messages, as_delivered
from emulator.workers.functionrpc.places import Places
from emulator.workers.functionrpc.scriptstacks import is_about_loading

_METADATA_TIMEOUT = 60.0
_LOAD_TIMEOUT = 300.0
_COMPLAINT_STEP, _COMPLAINT_STEPS = 0.02, 15
_TOGETHER = frozenset({"AcceptsListOfFunctionLoadRequests", "SupportsLoadResponseCollection"})


class RpcApp:
    """Of one worker. `spoken` says how that is spoken with, and raises once it is gone."""

    def __init__(
        self,
        worker: RpcWorker,
        *,
        printed: Sequence[str],
        ending: Ending,
        answers: Answers,
        places: Places,
        spoken: Callable[[], tuple[Messages, Link]],
        fetches: bool,
    ) -> None:
        """`printed` are its last lines on standard error; with `fetches` it sees to the packages
        that the app lists."""
        self._printed = printed
        self._indexes = worker.indexes
        self._ending = ending
        self._answers = answers
        self._places = places
        self._spoken = spoken
        self._fetches = fetches
        self._found = Found()
        self._errors: list[str] = []
        self._functions: dict[str, FunctionModel] = {}
        self._failed: dict[str, FunctionError] = {}
        """Why functions could not be loaded, by name in lower case. They are not called: workers
        need not know them."""

    def began(self, error: FunctionError | None) -> None:
        """Note why the worker could not begin, if so; most load the app's code when they do."""
        self._found.init_error = error

    async def index(self, *, streams: bool) -> Index:
        """List the functions; later questions get the same answer."""
        found = self._found
        if found.index is None:
            response = None
            if self._indexes and found.init_error is None:
                response = await self._listed()
            if response is not None and not response.function_metadata_results:
                await self._complaints()
            found.index = index_of(
                found,
                response,
                places=self._places,
                printed=self._printed,
                reported=self._errors,
                streams=streams,
            )
        return found.index

    async def _listed(self) -> Any | None:
        messages, link = self._spoken()
        answer = self._answers.expect("function_metadata_response")
        link.send(messages.metadata())
        try:
            return await self._answers.within(answer, _METADATA_TIMEOUT)
        except TimeoutError:
            told = f"the worker did not list its functions within {_METADATA_TIMEOUT:.0f} s"
            self.began(FunctionError("TimeoutError", told))
        except WorkerLost as error:
            if self._ending.asked:
                raise
            # The app's own code ended the process, so this is a mistake of the app.
            self.began(FunctionError("WorkerLost", error.message))
        return None

    async def _complaints(self) -> None:
        """Wait a moment for what the worker may be saying on standard error."""
        for _ in range(_COMPLAINT_STEPS):
            if self._printed or self._errors:
                return
            await asyncio.sleep(_COMPLAINT_STEP)

    async def load(self, loads: Sequence[FunctionLoad]) -> Mapping[str, FunctionError]:
        """Make functions callable; return the error of each one that is not."""
        # Those that are disabled come last, so that the others need not wait for them.
        functions = sorted(map(as_delivered, loads), key=lambda each: each.disabled)
        answers = await self._asked_for(functions)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOAD_TIMEOUT):
                for answer in answers.values():
                    await self._ending.unless(answer)
        errors: dict[str, FunctionError] = {}
        for function in functions:
            error = self._load_error(function, answers.get(function.name))
            self._failed.pop(function.name.lower(), None)
            if error is not None:
                self._failed[function.name.lower()] = errors[function.name] = error
        return errors

    async def _asked_for(self, functions: list[FunctionModel]) -> dict[str, asyncio.Future[Any]]:
        """Ask for functions to be loaded; return what is answered, but for those that need not be
        asked for."""
        messages, link = self._spoken()
        together = not _TOGETHER.isdisjoint(messages.capabilities)
        answers: dict[str, asyncio.Future[Any]] = {}
        message = messages.empty()
        for function in functions:
            if function.name.lower() in self._found.errors:
                continue
            if together:
                request = message.function_load_request_collection.function_load_requests.add()
            else:
                message = messages.empty()
                request = message.function_load_request
            known = self._found.metadata.get(function.name.lower())
            function_id = messages.load(request, function, known)
            request.managed_dependency_enabled = self._fetches
            self._functions[function.name.lower()] = function
            answers[function.name] = self._answers.expect(f"load {function_id}")
            if not together:
                await link.send_when_ready(message)
        if together and answers:
            await link.send_when_ready(message)
        return answers

    def _load_error(
        self, function: FunctionModel, answer: asyncio.Future[Any] | None
    ) -> FunctionError | None:
        if answer is None:
            return self._found.errors[function.name.lower()]
        if answer.done():
            return failure_of(answer.result().result, self._places)
        return FunctionError(
            "TimeoutError", f"the worker did not load it within {_LOAD_TIMEOUT:.0f} s"
        )

    def loaded(self, response: Any) -> None:
        """Take the answer to a request for a function."""
        self._answers.came(f"load {response.function_id}", response)

    def callable(self, name: str) -> FunctionModel | FunctionError:
        """Return a function, or why it cannot be called."""
        unknown = FunctionError("RuntimeError", f"the function '{name}' is not loaded")
        key = name.lower()
        return self._failed.get(key) or self._functions.get(key) or unknown

    def heard(self, line: WorkerLog) -> WorkerLog | None:
        """Note what is said of the app; return what people are shown of it."""
        if line.source == "worker" and is_about_loading(line.message):
            self._errors.append(line.message)  # which a problem of the app tells
            return None
        if self._found.index is not None:
            return line
        if line.level in ("Error", "Critical"):
            self._errors.append(line.message)
        return replace(line, once=line.source == "worker")
