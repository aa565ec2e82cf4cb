"""What is told of bindings that work: here, and what Azure makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from emulator.config.settings import Settings
from emulator.invocation.notices import notices
from emulator.invocation.officialtypes import is_official
from emulator.invocation.options import bind_options
from emulator.model import BindingModel, Direction, FunctionModel, Problem, Severity, SourceSpan
from emulator.registry import Registered
from emulator.sdk import Call, Datum, Deviation, Input, Options, Resolved


class QueueOptions(Options, frozen=True):
    needed: str
    text: Resolved = ""
    wanted: str = "default"


class Queue(Input[QueueOptions]):
    type_name = "queue"
    summary = "Reads."
    options_type = QueueOptions
    option_aliases: Mapping[str, str] = {"oldWanted": "wanted", "oldNeeded": "needed"}
    missing: Sequence[str] = ()
    told: Sequence[Deviation] = ()

    def missing_names(self) -> Sequence[str]:
        return self.missing

    def deviations(self) -> Iterable[Deviation]:
        return self.told

    async def read(self, call: Call) -> Datum:
        raise AssertionError("nobody calls it here")


class Greeting(Queue):
    type_name = "greeting"


def told(
    kind: type[Queue] = Queue,
    *,
    written: str | None = None,
    settings: Mapping[str, str] | None = None,
    **properties: Any,
) -> list[Problem]:
    declared = BindingModel(
        "box",
        written or kind.type_name,
        Direction.IN,
        None,
        {"needed": "x", **properties} if "oldNeeded" not in properties else properties,
    )
    function = FunctionModel(
        "f", (declared,), Path("/app"), "function_app.py", "f", "v2", source=SourceSpan("a.py", 3)
    )
    given = Settings.of(settings or {})
    options = bind_options(QueueOptions, declared, aliases=kind.option_aliases, setting=given.get)
    binding = kind(
        function=function,
        declared=declared,
        options=options.constant,
        services=None,  # type: ignore[arg-type]  # nothing here asks for them
        extension=None,
    )
    registered = Registered(kind=kind, written=declared.type, package="foreign-package")
    return list(notices(function, registered, options, binding, settings=given))


def test_a_binding_azure_takes_as_it_is_is_not_told() -> None:
    assert told(text="{name}") == []


def test_a_type_by_another_name() -> None:
    (problem,) = told(written="oldQueue")
    assert (problem.code, problem.severity) == ("binding-type-alias", Severity.WARNING)
    assert str(problem.where) == "a.py:3"
    assert problem.function == "f"
    assert problem.hint == "Write 'queue' before you deploy."
    assert problem.azure == (
        "The binding type 'oldQueue' is not found, and the function is in error."
    )


def test_a_type_of_a_package_of_somebody_else() -> None:
    (problem,) = told(Greeting)
    assert (problem.code, problem.severity) == ("binding-type-local", Severity.INFO)
    assert "'foreign-package'" in problem.message
    assert problem.azure == "The binding type is not found, and the function is in error."


@pytest.mark.parametrize(
    ("properties", "azure"),
    [
        ({"oldWanted": "1"}, "It is ignored: 'wanted' has its default."),
        ({"oldNeeded": "1"}, "It is ignored, and without 'needed' the function is in error."),
    ],
)
def test_an_old_name_of_a_property(properties: Mapping[str, str], azure: str) -> None:
    (problem,) = told(**properties)
    assert (problem.code, problem.severity) == ("binding-property-alias", Severity.WARNING)
    assert problem.azure == azure


def test_an_expression_that_does_not_resolve() -> None:
    (problem,) = told(text="%NOTHING%")
    assert (problem.code, problem.severity) == ("expression-unresolved", Severity.WARNING)
    assert problem.azure is not None
    assert "every call of the function fails" in problem.azure


def test_a_setting_a_binding_will_need() -> None:
    class Needy(Queue):
        missing = ("MODEL_KEY",)

    (problem,) = told(Needy)
    assert (problem.code, problem.severity) == ("setting-missing", Severity.WARNING)
    assert "'MODEL_KEY'" in problem.message
    assert problem.azure is not None


@pytest.mark.parametrize("name", ["connection", "Connection", "apiKey", "connectionStringSetting"])
def test_the_name_of_a_setting_that_is_missing(name: str) -> None:
    (problem,) = told(**{name: "Box"})
    assert (problem.code, problem.severity) == ("connection-missing", Severity.INFO)
    assert f"'{name}'" in problem.message
    assert "'Box'" in problem.message
    assert problem.hint is not None
    assert '"Box"' in problem.hint


@pytest.mark.parametrize("setting", ["Box", "AzureWebJobsBox", "Box__accountName"])
def test_the_name_of_a_setting_that_is_there(setting: str) -> None:
    assert told(connection="Box", settings={setting: "x"}) == []


@pytest.mark.parametrize("value", ["", "%BOX%", 5, None])
def test_what_is_no_name_of_a_setting_is_not_looked_up(value: Any) -> None:
    assert told(connection=value) == []


@pytest.mark.parametrize("whole", [True, False])
def test_what_a_binding_says_of_itself(whole: bool) -> None:
    class Own(Queue):
        told = (Deviation("own", "It is so", azure="Not so.", hint="Do.", whole_app=whole),)

    (problem,) = told(Own)
    assert problem == Problem(
        "own",
        "It is so",
        severity=Severity.INFO,
        where=None if whole else SourceSpan("a.py", 3),
        hint="Do.",
        function=None if whole else "f",
        azure="Not so.",
    )


def test_official_types_go_by_no_case() -> None:
    assert is_official("HTTPTRIGGER")
    assert is_official("assistantPost")
    assert not is_official("postUserQuery")


def test_a_property_nobody_reads_is_told_with_the_one_that_was_meant() -> None:
    [problem] = told(Queue, written="queue", wantd="x")
    assert (problem.code, problem.severity) == ("binding-property-unknown", Severity.WARNING)
    assert problem.message == (
        "The binding 'box' of type 'queue' has no property 'wantd'; it is ignored, here and on "
        "Azure."
    )
    assert problem.hint == "Did you mean 'wanted'?"
    assert not problem.is_finding


def test_a_property_like_no_other_is_a_notice() -> None:
    [problem] = told(Queue, written="queue", colour="red", datatype="string", WANTED="x")
    assert (problem.code, problem.severity) == ("binding-property-unknown", Severity.INFO)
    assert "'colour'" in problem.message
    assert problem.hint is not None
    assert problem.hint.startswith("Properties: needed, text, wanted")
    assert not problem.is_finding
