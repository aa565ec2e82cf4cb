"""What workers say, as events of the host."""

from __future__ import annotations

from emulator.events import EventBus, LogLine
from emulator.workers.channel import WorkerLog


class LogRelay:
    """Worker logs to events, in the categories of the official host."""

    def __init__(self, events: EventBus) -> None:
        self._events = events
        self.running: dict[str, str] = {}
        """The function of each call under way; kept by the invoker."""
        self._told: set[str] = set()

    def __call__(self, log: WorkerLog) -> None:
        if log.once:
            if log.message in self._told:
                return
            self._told.add(log.message)
        if log.source == "worker":
            # What a worker warns of in its own name is for people; what is printed for the host
            # is Information.
            logger = log.logger or ("Console" if log.level == "Information" else "")
            category = f"Worker.{logger}" if logger else "Worker"
        elif log.source == "logging":
            function = self.running.get(log.invocation_id or "")
            category = f"Function.{function}.User" if function else "Host.Function.Console"
        else:
            category = "Host.Function.Console"
        self._events.publish(LogLine(log.level, log.message, category, log.invocation_id))
