"""What a function sees beside its data: `Context` and `Out`."""

from __future__ import annotations

import threading
from typing import Any, Dict, List, Optional

from .sdk import Sdk


class TraceContext:
    """Both spellings are known to apps."""

    def __init__(self, trace_parent: str, trace_state: str) -> None:
        self.trace_parent = trace_parent
        self.trace_state = trace_state
        self.attributes: Dict[str, str] = {}

    @property
    def Traceparent(self) -> str:
        return self.trace_parent

    @property
    def Tracestate(self) -> str:
        return self.trace_state

    @property
    def Attributes(self) -> Dict[str, str]:
        return self.attributes


class RpcException:
    def __init__(self, message: str, stack_trace: str) -> None:
        self.source = ""
        self.message = message
        self.stack_trace = stack_trace


class RetryContext:
    """`rpc_exception` is the name in use; the SDK's interface calls it `exception`."""

    def __init__(self, count: int, limit: int, rpc_exception: RpcException) -> None:
        self.retry_count = count
        self.max_retry_count = limit
        self.rpc_exception = rpc_exception

    @property
    def exception(self) -> RpcException:
        return self.rpc_exception


class Context:
    def __init__(
        self,
        function_name: str,
        function_directory: str,
        message: Dict[str, Any],
        local: threading.local,
    ) -> None:
        self.function_name = function_name
        self.function_directory = function_directory
        self.invocation_id: str = message["id"]
        self.thread_local_storage = local
        trace: List[str] = message.get("trace") or ["", ""]
        self.trace_context = TraceContext(trace[0], trace[1])
        retry = message.get("retry") or {}
        error: Dict[str, str] = retry.get("error") or {}
        self.retry_context = RetryContext(
            retry.get("count", 0),
            retry.get("max", 0),
            RpcException(error.get("message", ""), error.get("stack", "")),
        )


class OutValue:
    """What `func.Out` is at run time: the last value set, or the one delivered before the call."""

    def __init__(self, delivered: Any = None) -> None:
        self._value = delivered
        self.is_set = False

    def set(self, val: Any) -> None:
        self._value = val
        self.is_set = True

    def get(self) -> Any:
        return self._value


class OutText(str):
    """A delivered text for a parameter without annotation: usable as `str` and as `Out`."""

    is_set = False
    _set: Any = None

    def set(self, val: Any) -> None:
        self._set = val
        self.is_set = True

    def get(self) -> Any:
        return self._set if self.is_set else str(self)


def new_out(delivered: Any, *, annotated: bool) -> Any:
    if not annotated and isinstance(delivered, str):
        return OutText(delivered)
    return OutValue(delivered)


def register(sdk: Sdk) -> None:
    """Make `isinstance` with the SDK's interfaces come out right."""
    for interface, ours in (("Context", Context), ("Out", OutValue)):
        known: Optional[Any] = getattr(sdk.functions, interface, None)
        if hasattr(known, "register"):
            known.register(ours)  # type: ignore[union-attr]
