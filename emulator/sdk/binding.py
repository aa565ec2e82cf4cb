"""What a binding can be: a trigger, an input, an output, or an input and an output at once.

A binding class is named by an entry point in the group `emulator.bindings` (entry point name = the
type as written in function.json, compared without case; an entry point with another name than the
class's own type is an alias, and its use is reported). One instance is made per declared binding
when an app is loaded; it lives as long as that load of the app.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from emulator.model import (
    NONE,
    BindingModel,
    Datum,
    FunctionModel,
    HttpRequestData,
    HttpResponseData,
    InvocationResult,
)
from emulator.sdk.extension import Extension
from emulator.sdk.options import NoOptions, Options
from emulator.sdk.services import CallLog, Services

O = TypeVar("O", bound=Options)  # noqa: E741 - the usual letter for options in this package
E = TypeVar("E", bound=Extension)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function, as its bindings see it.

    `options` are the binding's own, with every expression replaced. `ancestors` are the calls
    that led here, outermost first: a skill has the turn that asked for it as its last ancestor.
    `scope` is a place shared by all bindings of this call and of the calls made by it.
    """

    id: str
    function: FunctionModel
    options: Any
    log: CallLog
    ancestors: tuple[Call, ...] = ()
    scope: dict[str, Any] = field(default_factory=dict)


class Fired(msgspec.Struct, frozen=True):
    """What a trigger hands over for one run.

    `data` answers `{name}` in the function's other bindings; it is called at most once, and only
    when one of them asks. `metadata` reaches the worker beside the value.
    """

    value: Datum
    reason: str
    data: Callable[[], Mapping[str, Any]] = dict
    metadata: Mapping[str, Datum] = msgspec.field(default_factory=dict)
    detail: str = ""


Fire = Callable[[Fired], Awaitable[InvocationResult]]


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP route a trigger wants; `template` is complete (prefix included), without leading `/`.

    `methods` are upper-case; `None` means every method.
    """

    template: str
    methods: frozenset[str] | None = None
    auth_level: str = "function"


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that works here and not, or not so, on Azure; told by `funcemu check`.

    `azure` is one sentence about what happens there, `hint` how to write it instead. `whole_app`
    says that it is no matter of one function; equal ones are told once. `to_fill_in` says that the
    settings have a placeholder there: told as well, but nothing is wrong with the app.
    """

    code: str
    message: str
    azure: str
    hint: str
    whole_app: bool = False
    to_fill_in: bool = False


class Binding(Generic[O]):
    """What all binding classes share; subclass `Trigger`, `Input` or `Output`, or the last two."""

    type_name: ClassVar[str]
    """The type as it should be written in function.json."""

    summary: ClassVar[str]
    """One sentence for people who list the binding types."""

    options_type: ClassVar[type[Options]] = NoOptions
    option_aliases: ClassVar[Mapping[str, str]] = {}
    """Old or misdocumented JSON names and the JSON name they mean; used when that one is absent.
    Each use is reported to the user."""

    extension: ClassVar[type[Extension] | None] = None
    """What the bindings of this package share, if anything."""

    order: ClassVar[int] = 0
    """Inputs of one call are read by ascending order; equal ones at the same time."""

    sample: ClassVar[Datum] = NONE
    """A value a person can call the function with to try it."""

    def __init__(
        self,
        *,
        function: FunctionModel,
        declared: BindingModel,
        options: O,
        services: Services,
        extension: Any,
    ) -> None:
        """Bind to one declaration. `options` still holds unresolved expressions.

        Raise `BindingError` when the declaration cannot work; it takes down this function only.
        """
        self.function = function
        self.declared = declared
        self.options = options
        self.services = services
        self.shared = extension

    def missing_names(self) -> Sequence[str]:
        """Names of settings this binding will need and that do not exist (told at the start)."""
        return ()

    def deviations(self) -> Iterable[Deviation]:
        """What this declaration gets here and would not get on Azure."""
        return ()


class Trigger(Binding[O]):
    """Starts calls of its function."""

    def routes(self) -> Sequence[Route]:
        """Return the HTTP routes this trigger answers; most triggers have none."""
        return ()

    def fired(self, request: HttpRequestData) -> Fired:
        """Turn a request that matched one of `routes` into a run."""
        raise TypeError(f"{type(self).__name__} declares routes but does not take requests")

    def answer(self, result: InvocationResult) -> HttpResponseData:
        """Turn the outcome of that run into the response."""
        raise TypeError(f"{type(self).__name__} declares routes but does not answer")

    def manual(self, text: str) -> Fired:
        """Turn the `input` text of an admin call into a run."""
        return Fired(Datum("text", text), reason=MANUAL_REASON)

    async def requested(self, text: str) -> Fired:
        """Do the same where something has to be looked up first, such as what the text names."""
        return self.manual(text)

    async def start(self, fire: Fire) -> None:
        """Begin to listen; called once the app is ready to be called."""

    async def stop(self) -> None:
        """Stop listening; runs already begun are finished by the host."""


class Input(Binding[O], ABC):
    """Gives a function a value before it runs."""

    def reads(self) -> bool:
        """Whether this declaration delivers a value; an `out` one may, if it says so here."""
        return self.declared.direction == "in"

    @abstractmethod
    async def read(self, call: Call) -> Datum:
        """Return the value; raise `BindingError` with a text for the user when there is none."""


class Output(Binding[O], ABC):
    """Takes a value from a function after it returned, before its trigger is answered."""

    def writes(self) -> bool:
        """Whether this declaration takes a value; one that is part of the trigger's answer
        (`http`) does not."""
        return self.declared.direction == "out"

    @abstractmethod
    async def write(self, call: Call, value: Datum) -> None:
        """Do it. `value` is never `none`: what a function does not set is not written."""


MANUAL_REASON = "This function was programmatically called via the host APIs."
