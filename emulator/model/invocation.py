"""One call of a function and its outcome; structs, because they are made per call."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from emulator.model.datum import NONE, Datum


class TraceContext(msgspec.Struct, frozen=True):
    """W3C trace context; empty text when there is none."""

    trace_parent: str = ""
    trace_state: str = ""


NO_TRACE = TraceContext()


class RetryContext(msgspec.Struct, frozen=True):
    """`retry_count` is 0 on the first try; `error` is the previous failure."""

    retry_count: int = 0
    max_retry_count: int = 0
    error: FunctionError | None = None


class FunctionError(msgspec.Struct, frozen=True):
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
        """The exception in one line: `ValueError: …`."""
        return f"{self.type}: {self.message}" if self.message else self.type

    @property
    def shown_stack(self) -> str:
        """The traceback for who reads the title with it: a long message is not told again."""
        stack = self.stack.rstrip()
        if len(self.message) <= _LONG_MESSAGE or not stack.endswith(self.title):
            return stack
        first = self.message.partition(". ")[0].partition("\n")[0]
        return f"{stack.removesuffix(self.title)}{self.type}: {first[:_LONG_MESSAGE]} …"


_LONG_MESSAGE = 200


class Invocation(msgspec.Struct, frozen=True):
    """What a worker is asked to run: every input by binding name, the trigger's included."""

    id: str
    function: str
    inputs: Mapping[str, Datum]
    metadata: Mapping[str, Datum] = msgspec.field(default_factory=dict)
    trace: TraceContext = NO_TRACE
    retry: RetryContext | None = None


class InvocationResult(msgspec.Struct, frozen=True):
    """What a worker answered. `error` set means the function failed and nothing else counts."""

    return_value: Datum = NONE
    outputs: Mapping[str, Datum] = msgspec.field(default_factory=dict)
    error: FunctionError | None = None
