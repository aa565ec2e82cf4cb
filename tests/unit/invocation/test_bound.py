"""Bindings of one load: made, grouped, or told."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest

from emulator.config.settings import Settings
from emulator.invocation.bound import Binder, BoundFunction
from emulator.model import AppModel, BindingModel, Direction, FunctionModel, Problem, Severity
from emulator.registry import GROUP, BindingRegistry
from emulator.sdk import Call, Datum, Extension, Input, NoOptions, Options, Output, Trigger


class Shared(Extension):
    made: ClassVar[int] = 0


class Plain(Trigger[NoOptions]):
    type_name = "plainTrigger"
    summary = "Fires."


class First(Input[NoOptions]):
    type_name = "first"
    summary = "Reads first."
    extension = Shared
    order = -1

    async def read(self, call: Call) -> Datum:
        raise AssertionError("nobody calls it here")


class Both(Input[NoOptions], Output[NoOptions]):
    """Delivers a value also where it is declared as an output."""

    type_name = "both"
    summary = "Reads and writes."
    extension = Shared

    def reads(self) -> bool:
        return True

    async def read(self, call: Call) -> Datum:
        raise AssertionError("nobody calls it here")

    async def write(self, call: Call, value: Datum) -> None:
        raise AssertionError("nobody calls it here")


class Needing(Options, frozen=True):
    needed: str


class Needy(Output[Needing]):
    type_name = "needy"
    summary = "Needs something."
    options_type = Needing

    async def write(self, call: Call, value: Datum) -> None:
        raise AssertionError("nobody calls it here")


class Exploding(Input[NoOptions]):
    type_name = "exploding"
    summary = "Cannot be made."

    def __init__(self, **bound: Any) -> None:
        raise ZeroDivisionError("bug")

    async def read(self, call: Call) -> Datum:
        raise AssertionError("it was never made")


KINDS = (Plain, First, Both, Needy, Exploding)


def bind(
    *bindings: tuple[str, str, Direction], has_bundle: bool = False, **properties: Any
) -> tuple[Any, list[Problem]]:
    models = tuple(
        BindingModel(name, kind, direction, None, properties)
        for name, kind, direction in (("t", "plainTrigger", Direction.IN), *bindings)
    )
    functions = [
        FunctionModel(name, each, Path("/app"), "f.py", "main", "v1")
        for name, each in (("bad", models), ("good", models[:1]))
    ]
    points = [EntryPoint(kind.type_name, f"{__name__}:{kind.__name__}", GROUP) for kind in KINDS]
    registry = BindingRegistry(points)
    for kind in KINDS:  # the test's own module has no importable name
        registry._loaded[kind.type_name.lower()] = registered(kind)
    made: dict[type[Extension], Extension] = {}

    def extension(kind: type[Extension]) -> Extension:
        return made.setdefault(kind, kind(None))  # type: ignore[arg-type]  # nothing asks for it

    binder = Binder(
        registry=registry,
        settings=Settings.of({}),
        services=None,  # type: ignore[arg-type]  # nothing here asks for them
        extension=extension,
        has_bundle=has_bundle,
    )
    bound = binder.bind(AppModel(Path("/app"), tuple(functions)))
    return bound, [each for each in binder.problems if each.severity is Severity.ERROR]


def registered(kind: type[Any]) -> Any:
    from emulator.registry import Registered

    return Registered(kind, kind.type_name, "tests")


IN, OUT = Direction.IN, Direction.OUT


def test_with_an_extension_bundle_an_unknown_type_is_told_as_azure_tells_it() -> None:
    _, (problem,) = bind(("x", "frist", IN), ("y", "qqqq", OUT), has_bundle=True)
    assert problem.message == (
        "The binding type(s) 'frist, qqqq' were not found in the configured extension bundle. "
        "Please ensure the type is correct and the correct version of extension bundle is "
        "configured"
    )


def test_inputs_are_grouped_by_their_order() -> None:
    bound, problems = bind(("b", "both", IN), ("a", "first", IN), ("c", "both", IN))
    assert problems == []
    fn: BoundFunction = bound[0]
    assert [[reader.name for reader in group] for group in fn.readers] == [["a"], ["b", "c"]]
    assert fn.writers == ()
    assert fn.trigger_name == "t"
    assert not fn.has_return


def test_an_output_may_deliver_a_value_as_well() -> None:
    bound, _ = bind(("x", "both", OUT), ("$return", "both", OUT))
    assert bound[0].injected == {"x", "$return"}
    assert [writer.name for writer in bound[0].writers] == ["x", "$return"]
    assert bound[0].has_return


def test_bindings_of_one_package_share_their_extension() -> None:
    bound, _ = bind(("a", "first", IN), ("b", "both", IN))
    readers = [reader.binding.shared for group in bound[0].readers for reader in group]
    assert isinstance(readers[0], Shared)
    assert readers[0] is readers[1]


def test_types_are_found_without_case() -> None:
    assert len(bind(("a", "FIRST", IN))[0]) == 2


@pytest.mark.parametrize(
    ("binding", "told", "hint"),
    [
        (("x", "frist", IN), "The binding type(s) 'frist' are not registered.",
         "Did you mean 'first'?"),
        (("x", "qqqq", IN), "The binding type(s) 'qqqq' are not registered.",
         "Types this host knows: both, exploding, first, needy, plainTrigger."),
        (("x", "queueTrigger", IN), "This host has no binding of the type 'queueTrigger'.",
         "The function runs on Azure only, the others are served here as well; "
         "`funcemu bindings` lists the types of this host."),
        (("x", "first", OUT), "of type 'first' cannot have the direction 'out'", None),
        (("x", "needy", IN), "Needy binding can only be used for output.",
         "The binding 'x' has the direction 'in'."),
        (("x", "needy", OUT), "Unable to configure binding 'x' of type 'needy'.",
         "Its property 'needed' is required."),
        (("x", "exploding", IN), "one of its bindings could not be made: ZeroDivisionError: bug",
         "Report this to the authors of the binding's package."),
    ],
    ids=["near", "far", "official", "output", "input", "options", "exploding"],
)  # fmt: skip
def test_a_binding_that_cannot_be_made_takes_down_its_function_only(
    binding: tuple[str, str, Direction], told: str, hint: str | None
) -> None:
    bound, problems = bind(binding)
    assert [fn.model.name for fn in bound] == ["good"]
    (problem,) = problems
    assert problem.function == "bad"
    assert told in problem.message
    assert problem.hint == hint
