"""The exception tree.

EmulatorError
  ConfigError            a file or setting cannot be used
  BindingError           a binding cannot do its work; the text is for the user
    BindingPluginError   a binding package is broken
  ExpressionError        `{…}` or `%…%` does not resolve
  RouteError             a route template is malformed
  WorkerError
    WorkerStartError     the worker did not come up
    WorkerLost           it went away with calls running
    WorkerProtocolError  it spoke something else
  InvocationError
    FunctionFailed       carries the user's exception
    FunctionTimeout
    FunctionNotFound
  StateError             the state on disk cannot be read or written
"""

from __future__ import annotations

from emulator.model import FunctionError, SourceSpan


class EmulatorError(Exception):
    """Root of what this package raises on purpose.

    `hint` is the next step for the user, `where` the place of the mistake, `code` the stable slug
    a problem made of this error carries, `azure` what Azure does in that case where it is more than
    this error.
    """

    exit_code = 1
    code = "emulator-error"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        where: SourceSpan | None = None,
        code: str | None = None,
        azure: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        self.azure = azure
        if code is not None:
            self.code = code


class ConfigError(EmulatorError):
    code = "config-invalid"


class BindingError(EmulatorError):
    code = "binding-failed"


class BindingPluginError(BindingError):
    code = "binding-plugin-broken"


class ExpressionError(EmulatorError):
    code = "expression-unresolved"


class RouteError(EmulatorError):
    code = "route-invalid"


class WorkerError(EmulatorError):
    code = "worker-failed"


class WorkerStartError(WorkerError):
    code = "worker-not-started"


class WorkerLost(WorkerError):
    code = "worker-lost"


class WorkerProtocolError(WorkerError):
    code = "worker-protocol"


class InvocationError(EmulatorError):
    code = "invocation-failed"


class FunctionFailed(InvocationError):
    """The function raised; `error` is the user's exception as data."""

    code = "function-failed"

    def __init__(self, error: FunctionError) -> None:
        super().__init__(error.title)
        self.error = error


class FunctionTimeout(InvocationError):
    code = "function-timeout"


class FunctionNotFound(InvocationError):
    code = "function-not-found"


class StateError(EmulatorError):
    code = "state-unusable"
