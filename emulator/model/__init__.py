"""Nouns of the house: frozen values without I/O."""

from emulator.model.app import AppModel, BindingModel, Direction, FunctionModel, RetryPolicy
from emulator.model.datum import NONE, Datum, HttpRequestData, HttpResponseData, Kind
from emulator.model.invocation import (
    NO_TRACE,
    FunctionError,
    Invocation,
    InvocationResult,
    RetryContext,
    TraceContext,
)
from emulator.model.problem import Problem, Severity, SourceSpan

__all__ = [
    "NONE",
    "NO_TRACE",
    "AppModel",
    "BindingModel",
    "Datum",
    "Direction",
    "FunctionError",
    "FunctionModel",
    "HttpRequestData",
    "HttpResponseData",
    "Invocation",
    "InvocationResult",
    "Kind",
    "Problem",
    "RetryContext",
    "RetryPolicy",
    "Severity",
    "SourceSpan",
    "TraceContext",
]
