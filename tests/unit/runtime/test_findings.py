"""What is told of functions the worker could not load."""

from __future__ import annotations

import pytest

from emulator.model import FunctionError
from emulator.runtime.findings import load_problems


def refusal(name: str, binding: str, annotation: str) -> FunctionError:
    return FunctionError(
        "FunctionLoadError",
        f'cannot load the f function: \'{name}\' binding type "{binding}" and dataType "None" in '
        "function.json do not match the corresponding function parameter's Python type annotation "
        f'"{annotation}"',
    )


@pytest.mark.parametrize("annotation", ["dict", "int", "list"])
def test_who_hopes_for_json_is_told_to_read_it(annotation: str) -> None:
    (problem,) = load_problems([], {"f": refusal("state", "assistantPost", annotation)})
    assert problem.hint == (
        "Annotate 'state' as str, for it gets text, and read it with json.loads. Every call of it "
        "fails until this is mended."
    )


@pytest.mark.parametrize(
    ("binding", "annotation"), [("httpTrigger", "dict"), ("assistantPost", "Thing")]
)
def test_other_types_have_no_such_advice(binding: str, annotation: str) -> None:
    (problem,) = load_problems([], {"f": refusal("req", binding, annotation)})
    assert problem.hint == "Every call of it fails until this is mended."


def test_what_only_azure_has_is_replaced_by_what_is_in_it() -> None:
    text = "cannot load the f function: binding b wants a BlobClient; clients exist on Azure only"
    (problem,) = load_problems([], {"f": FunctionError("FunctionLoadError", text)})
    assert problem.azure is None
    assert str(problem.hint).startswith("Take what is in it as func.InputStream, bytes or str. ")
