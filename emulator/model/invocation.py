"""One call of a function and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.model.datum import NONE, Datum


@dataclass(frozen=True, slots=True)
class TraceContext:
    """W3C trace context; empty text when there is none."""

    trace_parent: str = ""
    trace_state: str = ""


@dataclass(frozen=True, slots=True)
class RetryContext:
    """`retry_count` is 0 on the first try; `error` is the previous failure."""

    retry_count: int = 0
    max_retry_count: int = 0
    error: FunctionError | None = None


@dataclass(frozen=True, slots=True)
class FunctionError:
    """The user's exception as data.

    `stack` is the traceback text cut to the app's own frames, chained causes included.
    """

    type: str
    message: str
    stack: str = ""
    file: str | None = None
    line: int | None = None

    @property
    def title(self) -> str:
        return f"{self.type}: {self.message}"


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a worker is asked to run: every input by binding name, the trigger's included."""

    id: str
    function: str
    inputs: Mapping[str, Datum]
    metadata: Mapping[str, Datum] = field(default_factory=dict)
    trace: TraceContext = TraceContext()
    retry: RetryContext | None = None


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """What a worker answered. `error` set means the function failed and nothing else counts."""

    return_value: Datum = NONE
    outputs: Mapping[str, Datum] = field(default_factory=dict)
    error: FunctionError | None = None
