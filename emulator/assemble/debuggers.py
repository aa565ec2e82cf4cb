"""What lets debuggers at the workers of an app, in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from emulator.config.options import Options
from emulator.model import Problem
from emulator.workers.channel import Debugging, Interpreter, RpcWorker
from emulator.workers.debugging import (
    DebugRequest,
    begins_debugger,
    debugger_impossible,
    requested_debugging,
)
from emulator.workers.interpreter import interpreter_arguments
from emulator.workers.languages import NODE, PYTHON, app_language
from emulator.workers.selection import names_official_worker


class Debuggers:
    """What the workers of one app are told of debuggers; nothing where no port is `offered`."""

    def __init__(self, *, offered: bool) -> None:
        self._offered = offered
        self.wanted: DebugRequest | None = None
        """What was asked for when the host started; the port is not moved later."""
        self.inspected = False
        """Whether a debugger may attach to the worker itself, which has a port of its own."""

    @property
    def expected(self) -> bool:
        """Whether one may attach, so that calls may take as long as somebody looks at them."""
        return self.wanted is not None or self.inspected

    def expect(
        self, options: Options, root: Path, variables: Mapping[str, str]
    ) -> tuple[Problem, ...]:
        """Read what is asked for, before the first worker is started."""
        language = app_language(root, variables).name
        if language == NODE:
            self._inspector(options, interpreter_arguments(variables, NODE))
        elif language == PYTHON and not names_official_worker(root, PYTHON, variables):
            _, self.wanted = self._debugger(options, interpreter_arguments(variables))
        elif self._offered:
            self.inspected = begins_debugger(language, variables)
            if options.debug is not None or options.debug_wait:
                return (debugger_impossible(language),)
        return ()

    def admitted(
        self, options: Options, worker: Interpreter | RpcWorker, *, first: bool
    ) -> tuple[Interpreter | RpcWorker, Debugging | None]:
        """Return the worker as it is to be started, and what it is told once it runs.

        Only the `first` one waits for somebody to attach.
        """
        if isinstance(worker, Interpreter) and worker.language == PYTHON:
            arguments, request = self._debugger(options, worker.arguments)
            worker = replace(worker, arguments=arguments)
            if request is None:
                return worker, None
            wait = first and request.debugging.wait
            return worker, replace(request.debugging, wait=wait)
        if isinstance(worker, Interpreter):
            worker = replace(worker, arguments=self._inspector(options, worker.arguments))
        elif worker.language == NODE:
            # Apps in Python, most of them, need not import it.
            from emulator.workers.node import with_inspector

            arguments = self._inspector(options, worker.arguments)
            worker = with_inspector(worker, arguments, first=first)
        return worker, None

    def _debugger(
        self, options: Options, arguments: tuple[str, ...]
    ) -> tuple[tuple[str, ...], DebugRequest | None]:
        arguments, request = requested_debugging(arguments, options.debug, wait=options.debug_wait)
        return arguments, request if self._offered else None

    def _inspector(self, options: Options, arguments: tuple[str, ...]) -> tuple[str, ...]:
        # As above.
        from emulator.workers.node import inspector_arguments
        from emulator.workers.programs import inspects

        arguments = inspector_arguments(
            arguments, options.debug, wait=options.debug_wait, offered=self._offered
        )
        self.inspected = inspects(arguments)
        return arguments
