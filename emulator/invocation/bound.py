"""A function with its bindings made: what the invoker runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from emulator.config.settings import Settings
from emulator.errors import BindingError, BindingPluginError, EmulatorError, ExpressionError
from emulator.invocation.notices import notices
from emulator.invocation.officialtypes import is_official
from emulator.invocation.options import BoundOptions, bind_options
from emulator.model import AppModel, BindingModel, FunctionModel, Problem
from emulator.registry import BindingRegistry, Registered
from emulator.sdk import Binding, Extension, Input, Output, Services, Trigger


@dataclass(frozen=True, slots=True)
class Reader:
    name: str
    binding: Input[Any]
    options: BoundOptions


@dataclass(frozen=True, slots=True)
class Writer:
    name: str
    binding: Output[Any]
    options: BoundOptions


@dataclass(frozen=True, slots=True)
class BoundFunction:
    """`readers` are grouped by the order in which they run; those of a group run together."""

    model: FunctionModel
    trigger_name: str
    trigger: Trigger[Any]
    readers: tuple[tuple[Reader, ...], ...] = ()
    writers: tuple[Writer, ...] = ()
    has_return: bool = False
    """Whether a `$return` binding exists; without one a returned object is spread by name."""

    @property
    def injected(self) -> frozenset[str]:
        """Names of `out` bindings that also deliver a value."""
        return frozenset(
            reader.name
            for group in self.readers
            for reader in group
            if reader.binding.declared.direction == "out"
        )


class Binder:
    """Makes the bindings of one load of an app, collecting what is wrong."""

    def __init__(
        self,
        *,
        registry: BindingRegistry,
        settings: Settings,
        services: Services,
        extension: Callable[[type[Extension]], Extension],
        has_bundle: bool = False,
    ) -> None:
        """`has_bundle` says that host.json names an extension bundle, which Azure's words name."""
        self._has_bundle = has_bundle
        self._registry = registry
        self._settings = settings
        self._services = services
        self._extension = extension
        self.bindings: list[Binding[Any]] = []
        self.problems: list[Problem] = []

    def bind(self, app: AppModel) -> list[BoundFunction]:
        """Return the functions that work; the others are told in `problems`."""
        bound = []
        for function in app.functions:
            try:
                bound.append(self._function(function))
            except EmulatorError as error:
                self.problems.append(_problem(error, function))
            except Exception as error:  # a binding package may raise anything while it is made
                self.problems.append(_problem(_broken(error), function))
        return bound

    def _function(self, function: FunctionModel) -> BoundFunction:
        registered = self._look_up(function)
        made = [
            (declared, *self._make(function, declared, implementation))
            for declared, implementation in registered
        ]
        trigger_name, trigger = next(
            (declared.name, binding) for declared, binding, _ in made if declared.is_trigger
        )
        if not isinstance(trigger, Trigger):
            raise BindingError(f"The binding type '{trigger.type_name}' is not a trigger.")
        readers = [
            Reader(declared.name, binding, options)
            for declared, binding, options in made
            if isinstance(binding, Input) and binding.reads()
        ]
        writers = [
            Writer(declared.name, binding, options)
            for declared, binding, options in made
            if isinstance(binding, Output) and binding.writes()
        ]
        self.bindings.extend(binding for _, binding, _ in made)
        return BoundFunction(
            model=function,
            trigger_name=trigger_name,
            trigger=trigger,
            readers=_by_order(readers),
            writers=tuple(writers),
            has_return=any(declared.name == "$return" for declared in function.bindings),
        )

    def _look_up(self, function: FunctionModel) -> list[tuple[BindingModel, Registered]]:
        found = [(declared, self._registry.find(declared.type)) for declared in function.bindings]
        unknown = sorted({declared.type for declared, known in found if known is None})
        if unknown:
            raise self._unknown(unknown)
        return [(declared, known) for declared, known in found if known is not None]

    def _unknown(self, unknown: Sequence[str]) -> BindingError:
        code = "binding-unknown-type"
        if all(map(is_official, unknown)):  # well written, so nothing else was meant
            return BindingError(
                f"This host has no binding of the type {_either(unknown)}.",
                hint="The function runs on Azure only, the others are served here as well; "
                "`funcemu bindings` lists the types of this host.",
                code=code,
                azure="The type exists there, once host.json has an extension bundle.",
            )
        named = f"The binding type(s) '{', '.join(unknown)}'"
        return BindingError(
            f"{named} were not found in the configured extension bundle. Please ensure the type "
            "is correct and the correct version of extension bundle is configured"
            if self._has_bundle
            else f"{named} are not registered. Please ensure the type is correct and the binding "
            "extension is installed.",
            hint=self._suggestion(unknown),
            code=code,
            azure="The function is in error there as well, unless an extension of the app "
            "brings the type.",
        )

    def _suggestion(self, unknown: Sequence[str]) -> str:
        close = [name for each in unknown for name in self._registry.suggest(each)]
        if close:
            return f"Did you mean {_either(dict.fromkeys(close))}?"
        return "Types this host knows: " + ", ".join(self._registry.names()) + "."

    def _make(
        self, function: FunctionModel, declared: BindingModel, registered: Registered
    ) -> tuple[Binding[Any], BoundOptions]:
        kind = registered.kind
        wanted = Trigger if declared.is_trigger else Input if declared.direction == "in" else Output
        if not issubclass(kind, wanted):
            raise _misdirected(declared, kind)
        options = bind_options(
            kind.options_type,
            declared,
            aliases=kind.option_aliases,
            setting=self._settings.get,
        )
        if issubclass(kind, Trigger) and options.errors:
            error = options.errors[0]
            raise ExpressionError(
                error.message,
                hint=error.hint,
                azure="The function fails indexing, and is left out.",
            ) from error
        binding = kind(
            function=function,
            declared=declared,
            options=options.constant,
            services=self._services,
            extension=None if kind.extension is None else self._extension(kind.extension),
        )
        for problem in notices(function, registered, options, binding, settings=self._settings):
            if problem.function is not None or problem not in self.problems:
                self.problems.append(problem)
        return binding, options


def _misdirected(declared: BindingModel, kind: type[Binding[Any]]) -> BindingError:
    hint = f"The binding '{declared.name}' has the direction '{declared.direction}'."
    if issubclass(kind, Output) and not issubclass(kind, Input):
        message = (
            f"{kind.type_name[:1].upper()}{kind.type_name[1:]} binding can only be used for output."
        )
    else:
        message = (
            f"The binding '{declared.name}' of type '{declared.type}' cannot have the "
            f"direction '{declared.direction}'."
        )
        hint = ""
    return BindingError(message, hint=hint or None, code="binding-direction-invalid")


def _broken(error: Exception) -> BindingPluginError:
    return BindingPluginError(
        f"one of its bindings could not be made: {type(error).__name__}: {error}.",
        hint="Report this to the authors of the binding's package.",
    )


def _either(names: Iterable[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)


def _by_order(readers: Sequence[Reader]) -> tuple[tuple[Reader, ...], ...]:
    def order(reader: Reader) -> int:
        return reader.binding.order

    return tuple(tuple(group) for _, group in groupby(sorted(readers, key=order), key=order))


def _problem(error: EmulatorError, function: FunctionModel) -> Problem:
    return Problem(
        code=error.code,
        message=error.message,
        where=error.where or function.source,
        hint=error.hint,
        function=function.name,
        azure=error.azure,
    )
