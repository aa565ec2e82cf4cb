"""Slips in arguments that the SDK was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.discovery.misspelt import misspelt_argument, misspelt_decorator
from emulator.model import FunctionError

CODE = """
@app.assistant_post_input(
    arg_name="state",
    user_mesage="{text}",
)
@app.route(mehtods=["GET"])
def post(req): ...
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "function_app.py"
    path.write_text(CODE, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "TriggerApi.route() got an unexpected keyword argument 'mehtods'",
            "Did you mean 'methods'?",
        ),
        ("route() got an unexpected keyword argument 'mehtods'", "Did you mean 'methods'?"),
        (
            "FunctionApp.__init__() got an unexpected keyword argument 'http_auth'",
            "Did you mean 'http_auth_level'?",
        ),
        (
            "HttpResponse.__init__() got an unexpected keyword argument 'status'",
            "Did you mean 'status_code'?",
        ),
        (
            "BindingApi.assistant_post_input() missing 2 required positional arguments: 'id' and "
            "'user_message'",
            "Did you mean 'user_message' where 'user_mesage' is written?",
        ),
        ("BindingApi.assistant_post_input() missing 1 required positional argument: 'id'", None),
        ("helper() got an unexpected keyword argument 'mehtods'", None),
        ("Helper.route() got an unexpected keyword argument 'mehtods'", None),
        ("TriggerApi.route() got an unexpected keyword argument 'xyz'", None),
        ("something else", None),
    ],
)
def test_the_argument_that_was_meant_is_told(file: str, message: str, told: str | None) -> None:
    assert misspelt_argument(FunctionError("TypeError", message, file=file, line=2)) == told


@pytest.mark.parametrize(("name", "line"), [("none.py", 2), ("function_app.py", 7)])
def test_without_the_call_nothing_is_told(file: str, name: str, line: int) -> None:
    message = "BindingApi.assistant_post_input() missing 1 required argument: 'user_message'"
    error = FunctionError("TypeError", message, file=str(Path(file).with_name(name)), line=line)
    assert misspelt_argument(error) is None


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "'FunctionApp' object has no attribute 'assistant_poste_input'",
            "Did you mean 'assistant_post_input'?",
        ),
        ("'Blueprint' object has no attribute 'rout'", "Did you mean 'route'?"),
        (
            "'FunctionApp' object has no attribute 'text_completion_input'",
            "The app's azure-functions has no such decorator yet: pip install --upgrade "
            "azure-functions.",
        ),
        ("'FunctionApp' object has no attribute 'xyzzy_plugh'", None),
        ("'Order' object has no attribute 'route'", None),
        ("module 'x' has no attribute 'route'", None),
    ],
)
def test_the_decorator_that_was_meant_is_told(message: str, told: str | None) -> None:
    assert misspelt_decorator(FunctionError("AttributeError", message)) == told
