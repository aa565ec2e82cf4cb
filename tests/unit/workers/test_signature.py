"""Which functions fit their bindings; wording as Azure's worker has it."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from types import ModuleType
from typing import Any

import azure.functions as func
import pytest

from emulator.workers.pyworker import signature
from emulator.workers.pyworker.sdk import load_sdk
from emulator.workers.pyworker.signature import FunctionLoadError, read_signature

Binding = dict[str, Any]


def bound(name: str, type: str, direction: str = "in", data_type: str | None = None) -> Binding:
    return {"name": name, "type": type, "direction": direction, "data_type": data_type}


REQ = bound("req", "httpTrigger")
RETURN = bound("$return", "http", "out")
QUEUE = bound("m", "queueTrigger")
QUEUE_OUT = bound("o", "queue", "out")
GENERIC = bound("g", "textCompletion")
GENERIC_OUT = bound("o", "assistantPost", "out")


def function(parameters: str, **annotations: Any) -> Callable[..., Any]:
    scope: dict[str, Any] = {}
    exec(f"def f({parameters}): ...", scope)
    made: Callable[..., Any] = scope["f"]
    made.__annotations__ = {
        "return" if name == "returns" else name: each for name, each in annotations.items()
    }
    return made


def read(call: Any, *bindings: Binding, decorated: bool = False, **options: Any) -> Any:
    return read_signature("f", call, list(bindings), sdk=load_sdk(), decorated=decorated, **options)


def refusal(call: Any, *bindings: Binding, decorated: bool = False) -> str:
    with pytest.raises(FunctionLoadError) as raised:
        read(call, *bindings, decorated=decorated)
    start = "cannot load the f function: "
    assert str(raised.value).startswith(start)
    return str(raised.value)[len(start) :]


class Context:
    """Any class of that name will do."""


FITS: dict[str, tuple[Any, list[Binding]]] = {
    "nothing annotated": (function("req, o"), [REQ, QUEUE_OUT, RETURN]),
    "native types": (
        function("req, o", req=func.HttpRequest, o=func.Out[func.QueueMessage], returns=str),
        [REQ, QUEUE_OUT, RETURN],
    ),
    "text for a native type": (function("m", m=str), [QUEUE]),
    "bytes for a native type": (function("m", m=bytes), [QUEUE]),
    "text for a request": (function("req", req=str), [REQ]),
    "a list of messages": (
        function("req, o", o=func.Out[typing.List[str]]),  # noqa: UP006 - what apps write
        [REQ, QUEUE_OUT],
    ),
    "many events": (
        function("e", e=typing.List[func.EventHubEvent]),  # noqa: UP006
        [bound("e", "eventHubTrigger")],
    ),
    "an annotation as text": (function("req", req="'str'"), [REQ]),
    "generic text": (function("req, g", g=str), [REQ, GENERIC]),
    "generic bytes out": (function("req, o", o=func.Out[bytearray]), [REQ, GENERIC_OUT]),
    "the context": (function("req, context", context=func.Context), [REQ]),
    "a context of another class": (function("req, context", context=Context), [REQ]),
    "a context that is a binding": (function("context"), [bound("context", "httpTrigger")]),
    "an unchecked return": (function("req", returns=dict), [REQ]),
    "any activity": (function("a", a=int, returns=float), [bound("a", "activityTrigger")]),
}


@pytest.mark.parametrize("case", FITS)
def test_it_fits(case: str) -> None:
    call, bindings = FITS[case]
    names = [each["name"] for each in bindings if each["name"] != "$return"]
    assert sorted(each.name for each in read(call, *bindings).parameters) == sorted(names)


OUT = "<class 'azure.functions._abc.Out'>"
REFUSED: dict[str, tuple[Any, list[Binding], str]] = {
    "both directions": (
        function("req, o"),
        [REQ, bound("o", "queue", "inout")],
        '"inout" bindings are not supported',
    ),
    "a return that is an input": (
        function("req"),
        [REQ, bound("$return", "http", "in")],
        '"$return" binding must have direction set to "out"',
    ),
    "a context of another type": (
        function("req, context", context=int),
        [REQ],
        'the "context" parameter is expected to be of type azure.functions.Context, got'
        " <class 'int'>",
    ),
    "a parameter without binding": (
        function("req, spam"),
        [REQ],
        "the following parameters are declared in Python but not in function.json: {'spam'}",
    ),
    "a default does not help": (
        function("req, spam=1"),
        [REQ],
        "the following parameters are declared in Python but not in function.json: {'spam'}",
    ),
    "stars do not help": (
        function("req, **spam"),
        [REQ],
        "the following parameters are declared in Python but not in function.json: {'spam'}",
    ),
    "a binding without parameter": (
        function("req"),
        [REQ, QUEUE_OUT],
        "the following parameters are declared in function.json but not in Python: {'o'}",
    ),
    "a bare out": (
        function("req, o", o=func.Out),
        [REQ, QUEUE_OUT],
        f"binding o has invalid Out annotation {OUT}",
    ),
    "no type": (
        function("req", req=123),
        [REQ],
        "binding req has invalid non-type annotation 123",
    ),
    "optional": (
        function("req", req=typing.Optional[str]),  # noqa: UP045
        [REQ],
        "binding req has invalid non-type annotation typing.Optional[str]",
    ),
    "optional, new style": (
        function("req", req=str | None),
        [REQ],
        "binding req has invalid non-type annotation str | None",
    ),
    "a new style list in an out": (
        function("req, o", o=func.Out[list[str]]),
        [REQ, QUEUE_OUT],
        "binding o has invalid non-type annotation azure.functions._abc.Out[list[str]]",
    ),
    "an output that is no out": (
        function("req, o", o=str),
        [REQ, QUEUE_OUT],
        'binding o is declared to have the "out" direction, but its annotation in Python is not a'
        " subclass of azure.functions.Out",
    ),
    "an input that is an out": (
        function("m", m=func.Out[str]),
        [QUEUE],
        'binding m is declared to have the "in" direction in function.json, but its annotation is'
        " azure.functions.Out in Python",
    ),
    "another type": (
        function("req", req=int),
        [REQ],
        'type of req binding in function.json "httpTrigger" does not match its Python annotation'
        ' "int"',
    ),
    "another type and a data type": (
        function("req", req=int),
        [bound("req", "httpTrigger", "in", "string")],
        '\'req\' binding type "httpTrigger" and dataType "1" in function.json do not match the'
        ' corresponding function parameter\'s Python type annotation "int"',
    ),
    "a dict for generic data": (
        function("req, g", g=dict),
        [REQ, GENERIC],
        'type of g binding in function.json "textCompletion" does not match its Python annotation'
        ' "dict"',
    ),
    "another type out": (
        function("req, o", o=func.Out[int]),
        [REQ, QUEUE_OUT],
        'type of o binding in function.json "queue" does not match its Python annotation "int"',
    ),
    "returning an out": (
        function("req", returns=func.Out[str]),
        [REQ, RETURN],
        "return annotation should not be azure.functions.Out",
    ),
    "returning an option": (
        function("req", returns=typing.Optional[str]),  # noqa: UP045
        [REQ, RETURN],
        "has invalid non-type return annotation typing.Optional[str]",
    ),
    "returning another type": (
        function("req", returns=int),
        [REQ, RETURN],
        'Python return annotation "int" does not match binding type "http"',
    ),
    "returning bytes": (
        function("req", returns=bytes),
        [REQ, RETURN],
        'Python return annotation "bytes" does not match binding type "http"',
    ),
    "returning nothing": (
        function("req", returns=None),
        [REQ, RETURN],
        'Python return annotation "NoneType" does not match binding type "http"',
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_does_not_fit_and_says_why(case: str) -> None:
    call, bindings, told = REFUSED[case]
    assert refusal(call, *bindings) == told


def test_a_decorated_function_always_names_the_data_type() -> None:
    assert refusal(function("req", req=int), REQ, RETURN, decorated=True) == (
        '\'req\' binding type "httpTrigger" and dataType "None" in function.json do not match the'
        ' corresponding function parameter\'s Python type annotation "int"'
    )


def test_newer_pythons_speak_of_decorators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signature, "CLASSIC", False)
    cases = {
        "the following parameters are declared in Python but not in the function definition"
        " (function.json or function decorators):  {'spam'}": (function("req, spam"), REQ),
        "Extra parameters in binding definition — the following parameters are declared as"
        " bindings but are not present in Python: {'o'}": (function("req"), REQ, QUEUE_OUT),
        'binding m is declared to have the "in" direction in the binding decorator, but its'
        " annotation is azure.functions.Out in Python": (function("m", m=func.Out[str]), QUEUE),
        'binding type "\'req\'" and dataType "httpTrigger" in the binding decorator do not match'
        " the corresponding function parameter's Python type annotation int": (
            function("req", req=int),
            REQ,
        ),
        'the "context" parameter is expected to be of type azure.functions.Context, got'
        " \"<class 'int'>\"": (function("req, context", context=int), REQ),
    }
    for told, (call, *bindings) in cases.items():
        assert refusal(call, *bindings, decorated=True) == told
    assert "declared in function.json but not in Python" in refusal(function("req"), REQ, QUEUE_OUT)
    assert refusal(function("req, context", context=int), REQ).endswith("got <class 'int'>")


def test_an_annotation_that_cannot_be_resolved_is_a_name_error() -> None:
    with pytest.raises(NameError, match="Nowhere"):
        read(function("req", req="Nowhere"), REQ)


def test_objects_that_a_package_of_azures_would_make_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class SdkType:
        """What all of them are."""

    class BlobClient(SdkType):
        """One of them."""

    base = ModuleType("base")
    vars(base)["SdkType"] = SdkType
    monkeypatch.setitem(sys.modules, "azurefunctions.extensions.base", base)
    blob = bound("b", "blob")
    told = "; clients and other SDK types of azurefunctions.extensions.bindings exist on Azure only"
    assert refusal(function("req, b", b=BlobClient), REQ, blob) == (
        f"binding b wants a BlobClient{told}"
    )
    several = typing.List[BlobClient]  # noqa: UP006 - what apps write
    assert refusal(function("req, b", b=several), REQ, blob) == f"binding b wants a List{told}"


def test_a_list_for_a_generic_output_is_refused_as_azure_does_it() -> None:
    with pytest.raises(TypeError, match="arg 1 must be a class"):
        read(function("req, o", o=func.Out[typing.List[str]]), REQ, GENERIC_OUT)  # noqa: UP006


def test_raw_is_what_no_converter_has_a_say_in() -> None:
    def is_raw(call: Any, *bindings: Binding) -> dict[str, bool]:
        return {each.name: each.raw for each in read(call, *bindings).parameters}

    assert is_raw(function("m"), QUEUE) == {"m": False}
    assert is_raw(function("m", m=str), QUEUE) == {"m": True}
    assert is_raw(function("req, g"), REQ, GENERIC) == {"req": False, "g": True}
    assert is_raw(function("a", a=str), bound("a", "activityTrigger")) == {"a": False}


def test_the_last_binding_with_implicit_output_encodes_the_return_value() -> None:
    def implicit(*bindings: Binding) -> Any:
        names = ", ".join(each["name"] for each in bindings if each["name"] != "$return")
        return read(function(names), *bindings).implicit_type

    assert implicit(REQ) is None
    assert implicit(QUEUE, QUEUE_OUT) is None
    assert implicit(REQ, GENERIC, QUEUE_OUT) == "textCompletion"
    assert implicit(REQ, GENERIC, GENERIC_OUT) == "assistantPost"
    assert implicit(REQ, bound("d", "durableClient")) is None


def test_a_callable_object_is_read_by_its_call() -> None:
    class Handler:
        def __call__(self, req: int) -> None: ...

    assert 'Python annotation "int"' in refusal(Handler(), REQ)


def test_an_injected_output_may_be_plain_text() -> None:
    plain = read(function("req, o", o=str), REQ, GENERIC_OUT, injected=frozenset({"o"}))
    (parameter,) = (each for each in plain.parameters if each.name == "o")
    assert (parameter.out, parameter.delivers, parameter.raw) == (False, True, True)
    out = read(function("req, o", o=func.Out[str]), REQ, GENERIC_OUT, injected=frozenset({"o"}))
    (parameter,) = (each for each in out.parameters if each.name == "o")
    assert (parameter.out, parameter.delivers) == (True, True)
