"""Turns events into lines on a terminal, in a pipe, or into JSON."""

from __future__ import annotations

import asyncio
import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TextIO

from emulator.clock import Clock
from emulator.config.hostjson import HostConfig
from emulator.config.levels import LOG_LEVELS, LogLevel, parse_level
from emulator.console.render import (
    Palette,
    call_line,
    duration,
    failure_lines,
    problem_lines,
    together,
)
from emulator.console.turns import Turn, Turns
from emulator.events import (
    Event,
    EventBus,
    GenerationFailed,
    InvocationFinished,
    InvocationStarted,
    LogLine,
    ProblemFound,
    RequestServed,
)
from emulator.model import Problem, Severity
from emulator.runtime.launch import Configuration
from emulator.sdk import MANUAL_REASON
from emulator.sdk.showing import harmless, harmless_json
from emulator.secrets import SecretFilter

_LEVELS = {name: number for number, name in enumerate(LOG_LEVELS)}
_MOST_CATEGORIES = 1_000
"""Packages may name categories as they like, also after what comes in requests."""

_UNASKED = 0.25
"""Seconds after a call that made others in which its request is answered, if there is one."""

_BLANK_STAMP = " " * len("00:00:00 ")
_ERASE_LINE = "\r\x1b[2K"

_COLOURS = {"Warning": "yellow", "Error": "red", "Critical": "red"}


class Console:
    """One readable line per call, user output as it comes, problems in full.

    Lines are gathered and written once per turn of the event loop: a busy host is not slowed down
    by its own output. Values of secret settings are taken out of whatever is written.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        colour: bool,
        verbose: bool,
        strict: bool = False,
        user_level: str | None = None,
        stream: TextIO | None = None,
        live: bool = False,
    ) -> None:
        """`live` says that the stream is a terminal, where the last line can be replaced."""
        self.live = live
        self._status = ""
        self._status_shown = False
        self._turns = Turns(clock)
        self._answering: dict[asyncio.Task[Any] | None, tuple[Turn, InvocationFinished]] = {}
        self._clock = clock
        self._verbose = verbose
        self._strict = strict
        self._user_level = parse_level(user_level) if user_level else None
        self._stream = stream or sys.stdout
        self._pending: list[str] = []
        self._scheduled = False
        self._next_stamp = -math.inf
        """When the time has to be worked out again, on the monotonic clock."""
        self._stamp_text = ""
        self._least: dict[tuple[str, str | None], int] = {}
        self._host_config = HostConfig()
        self._settings: set[tuple[str, str]] = set()
        self._secrets: SecretFilter | None = None
        self.colour = colour
        self.paint = Palette(colour=colour)

    def configure(self, configuration: Configuration) -> None:
        """Follow what was read before the first load."""
        self.show_levels_of(configuration.host_config)
        self.learn(configuration)

    def show_levels_of(self, host_config: HostConfig) -> None:
        """Choose lines by the levels of host.json; those of what serves."""
        self._host_config = host_config
        self._least = {}

    def learn(self, configuration: Configuration) -> None:
        """Keep the secrets among these settings to ourselves, and those learnt before."""
        self._settings.update(configuration.named_texts())
        self._secrets = None

    def attach(self, events: EventBus) -> None:
        """Listen to what is shown; loads are told about by whoever asked for them."""
        events.on(InvocationStarted, self._turns.began)
        events.on(RequestServed, self._request)
        events.on(InvocationFinished, self._finished)
        events.on(LogLine, self.log)
        events.on(ProblemFound, lambda event: self.problems([event.problem]))
        events.on(GenerationFailed, lambda event: self.problems(event.problems))
        if self._verbose:
            events.on(InvocationStarted, self._started)

    def write(self, lines: Iterable[str]) -> None:
        """Show lines as they are."""
        self._pending.extend(lines)
        self._schedule()

    def status(self, text: str) -> None:
        """Show below all lines what is going on, until it is something else or nothing.

        Where no line can be replaced it is a line like others.
        """
        if self.live:
            self._status = text
            self._schedule()
        elif text:
            self.line(text)

    def clear(self) -> None:
        """Empty the terminal, what was scrolled out of it included."""
        self.flush()
        self._status_shown = False
        self._emit("\x1b[H\x1b[2J\x1b[3J")

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                self.flush()

    def problems(self, problems: Iterable[Problem]) -> None:
        self.write(self.problem_lines(problems))

    def problem_lines(self, problems: Iterable[Problem]) -> Iterable[str]:
        """What a person is told: no notices, unless they asked for everything or are strict."""
        shown = [
            problem
            for problem in problems
            if problem.severity is not Severity.INFO or self._verbose or self._strict
        ]
        for problem in together(shown):
            yield from problem_lines(problem, self.paint, azure=self._strict)

    def flush(self) -> None:
        self._scheduled = False
        text = self._safe(self._clean("\n".join(self._pending))) + "\n" if self._pending else ""
        self._pending.clear()
        if self._status_shown:
            text = _ERASE_LINE + text
        self._status_shown = bool(self._status)
        text += self.paint(self._status, "dim")
        if text:
            self._emit(text)

    def _emit(self, text: str) -> None:
        try:
            self._stream.write(_encodable(text, self._stream))
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._gone(error)

    def _gone(self, error: Exception) -> None:
        """The terminal or the pipe's reader went away; the host goes on."""

    def _safe(self, text: str) -> str:
        return harmless(text)

    def _clean(self, text: str) -> str:
        return self._filter().without_values(text)

    def _filter(self) -> SecretFilter:
        if self._secrets is None:  # made when first needed: it takes 2 ms
            self._secrets = SecretFilter(self._settings)
        return self._secrets

    def _request(self, event: RequestServed) -> None:
        status, function, path = str(event.status), event.function, event.path
        if not path.isascii() or not path.isprintable():
            path = path.encode("unicode_escape").decode("ascii")
        if self.colour:
            colour = "green" if event.status < 400 else "yellow" if event.status < 500 else "red"
            status, function = self.paint(status, colour), self.paint(function, "dim")
        told = f"{function}  {event.note}".strip()
        took = duration(event.duration)
        self.line(f"{event.method} {path} → {status} ({took})  {told}".rstrip())
        if self._answering:
            turn, _ = self._answering.pop(_current_task(), (None, None))
            self._tell_calls(turn)

    def _started(self, event: InvocationStarted) -> None:
        self.line(
            f"Executing 'Functions.{event.function}' (Reason='{event.reason}', Id={event.id})",
            "dim",
        )
        if event.detail and event.parent is None and event.reason != MANUAL_REASON:
            self.line(f"Trigger Details: {event.detail}", "dim")

    def _finished(self, event: InvocationFinished) -> None:
        if event.error is not None or self._verbose:
            self._outcome(event)
        turn = self._turns.ended(event)
        if turn is None:
            return  # the line of its request says it all
        if event.parent is None:
            if turn.calls or not (event.error or self._verbose):  # else it is told already
                self._tell_with_request(turn, event)
        else:
            if not turn.announced:
                turn.announced = True
                self.line(f"{turn.function} …")
            self._tell_calls(turn)

    def _outcome(self, event: InvocationFinished) -> None:
        outcome = "Succeeded" if event.error is None else "Failed"
        self.line(
            f"Executed 'Functions.{event.function}' "
            f"({outcome}, Id={event.id}, Duration={round(event.duration * 1000)}ms)",
            "dim" if event.error is None else "red",
        )
        if event.error is not None:
            self.write(self.paint(line, "red") for line in failure_lines(event.error))

    def _tell_with_request(self, turn: Turn, event: InvocationFinished) -> None:
        """Wait for the request that is answered with this call; it may have none, as a timer's."""
        task = _current_task()
        if task is None:
            self._tell_alone(turn, event)
            return
        if task in self._answering:  # the attempt before this one
            self._tell_alone(*self._answering.pop(task))
        self._answering[task] = turn, event
        task.get_loop().call_later(_UNASKED, self._unasked, task, turn)

    def _unasked(self, task: asyncio.Task[Any], turn: Turn) -> None:
        waiting, event = self._answering.get(task, (None, None))
        if waiting is turn and event is not None:
            del self._answering[task]
            self._tell_alone(turn, event)

    def _tell_alone(self, turn: Turn, event: InvocationFinished) -> None:
        self.line(f"{turn.function} ({duration(event.duration)})")
        self._tell_calls(turn)

    def _tell_calls(self, turn: Turn | None) -> None:
        if turn is not None:
            self.write(
                _BLANK_STAMP + call_line(call, depth, self.paint) for depth, call in turn.waiting()
            )

    def log(self, event: LogLine) -> None:
        """Show a line if it is important enough for its category."""
        if not self._shows(event):
            return
        name = event.category.removeprefix("Function.").removesuffix(".User")
        origin = f"[{name}] " if event.category.startswith("Function.") else ""
        colour = _COLOURS.get(event.level)
        label = f"{event.level}: " if colour else ""
        styles = [colour] if colour else []
        first, *rest = event.message.splitlines() or [""]
        self.line(_closed(f"{origin}{label}{first}"), *styles)
        # Without a time: no text with a line break in it can look like several of our lines.
        shown = (self.paint(_closed(line), *styles) for line in rest)
        self.write(f"{_BLANK_STAMP}{line}" if line else "" for line in shown)

    def _shows(self, event: LogLine) -> bool:
        asked = event.category, event.source
        least = self._least.get(asked)
        if least is None:
            if len(self._least) > _MOST_CATEGORIES:
                self._least.clear()
            least = self._least[asked] = _LEVELS[self._level_of(*asked)]
        return _LEVELS[event.level] >= least

    def _level_of(self, category: str, source: str | None = None) -> LogLevel:
        """Return the least level that is shown, as the official tools choose it.

        A category of host.json counts before the level asked for, that one before its `default`.
        """
        own = self._host_config.own_level(source) if source else None
        own = own or self._host_config.own_level(category)
        default = self._host_config.log_levels.get("default")
        if category == "Host.Function.Console" or category.endswith(".User"):
            return own or self._user_level or default or "Information"
        if category.startswith("Worker."):
            # What the loggers of Azure's own worker say is never shown there, whatever its level.
            return "Information" if self._verbose else "None"
        chosen = own or default or "Warning"
        if self._verbose and _LEVELS[chosen] > _LEVELS["Information"]:
            return "Information"
        return chosen

    def line(self, text: str, *styles: str) -> None:
        """Show a line of now."""
        self._pending.append(f"{self._stamp()} {self.paint(text, *styles) if styles else text}")
        self._schedule()

    def _stamp(self) -> str:
        """Return the local time; worked out once a second, however much is printed."""
        if self._clock.monotonic() >= self._next_stamp:
            now = self._clock.now()
            self._next_stamp = self._clock.monotonic() + 1 - now.microsecond / 1_000_000
            self._stamp_text = self.paint(now.astimezone().strftime("%H:%M:%S"), "dim")
        return self._stamp_text


def _closed(line: str) -> str:
    """End a colour that the app began and did not end."""
    colours = re.findall(r"\x1b\[[0-9;:]*m", line) if "\x1b[" in line else []
    return f"{line}\x1b[0m" if colours and colours[-1] not in {"\x1b[0m", "\x1b[m"} else line


def _current_task() -> asyncio.Task[Any] | None:
    """Return the task that answers a request: its calls and its end are told from within it."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _encodable(text: str, stream: TextIO) -> str:
    """Escape what the stream's encoding does not have, rather than lose the lines around it."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


class JsonConsole(Console):
    """One JSON object per line and event, for machines."""

    def attach(self, events: EventBus) -> None:
        events.subscribe(self._record)

    def _record(self, event: Event) -> None:
        if isinstance(event, LogLine) and not self._shows(event):
            return
        from emulator.console.records import record  # only machines need it

        told = self._filter().data(record(event, self._now()), likely=False)
        self.write([json.dumps(told, ensure_ascii=False, default=str)])

    def told(self, event: str, members: Mapping[str, Any]) -> str:
        """Return the line of something that is no event of the host's."""
        told = {"time": self._now().isoformat(), "event": event, **members}
        return json.dumps(told, ensure_ascii=False)

    def problems(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self._record(ProblemFound(problem))

    def _safe(self, text: str) -> str:
        return harmless_json(text)

    def _now(self) -> datetime:
        return self._clock.now()
