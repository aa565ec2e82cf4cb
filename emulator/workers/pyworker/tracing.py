"""The trace of a call, for apps that use OpenTelemetry: their spans belong to who called.

Differences: nothing is sent to Application Insights, whatever the settings say.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from typing import Any, Callable, Dict, Iterator, Mapping

from .extensions import CONTEXT, TRUE

SETTING = "PYTHON_ENABLE_OPENTELEMETRY"
_SENDING = "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"
_PROPAGATION = "opentelemetry.trace.propagation.tracecontext"


class Tracing:
    """Puts functions into the trace of their calls, when the app asks for it."""

    def __init__(self, environment: Mapping[str, str], warn: Callable[[str], None]) -> None:
        self.enabled = False
        if environment.get(_SENDING, "").strip().lower() in TRUE:
            warn(f"{_SENDING} has no effect here: no telemetry is sent")
        if environment.get(SETTING, "").strip().lower() not in TRUE:
            return
        try:
            self._context: Any = importlib.import_module("opentelemetry.context")
            propagation = importlib.import_module(_PROPAGATION)
            self._propagator: Any = propagation.TraceContextTextMapPropagator()
            self.enabled = True
        except Exception as error:  # whatever an installation of it raises
            warn(
                f"{SETTING} has no effect: Cannot import OpenTelemetry libraries ({error});"
                " install opentelemetry-api into the app's environment"
            )

    def around(self, call: Callable[..., Any], *, keeps_context: bool) -> Callable[..., Any]:
        """Return `call` as a part of its caller's trace."""

        def context_of(keywords: Dict[str, Any]) -> Any:
            return keywords[CONTEXT] if keeps_context else keywords.pop(CONTEXT)

        @functools.wraps(call)
        def traced(**keywords: Any) -> Any:
            with self._attached(context_of(keywords)):
                return call(**keywords)

        @functools.wraps(call)
        async def traced_async(**keywords: Any) -> Any:
            with self._attached(context_of(keywords)):
                return await call(**keywords)

        return traced_async if inspect.iscoroutinefunction(call) else traced

    @contextlib.contextmanager
    def _attached(self, context: Any) -> Iterator[None]:
        trace = context.trace_context
        fields = {"traceparent": trace.trace_parent, "tracestate": trace.trace_state}
        token = self._context.attach(self._propagator.extract(fields))
        try:
            yield
        finally:
            self._context.detach(token)
