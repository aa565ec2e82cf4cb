from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.workers.pyworker.failure import describe
from emulator.workers.pyworker.imports import explained


def run(root: Path, code: str, file: str = "app.py") -> BaseException:
    """Run `code` as if it stood in the app's `file`."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    try:
        exec(compile(code, str(path), "exec"), {"__name__": "app"})
    except BaseException as error:
        return error
    raise AssertionError("it did not raise")


def described(root: Path, code: str, file: str = "app.py") -> dict[str, Any]:
    return describe(run(root, code, file), str(root))


def test_frames_outside_the_app_are_cut(tmp_path: Path) -> None:
    told = described(tmp_path, "def f():\n    {}['x']\n\nf()\n")
    assert (told["type"], told["message"]) == ("KeyError", "'x'")
    assert (told["file"], told["line"]) == (str(tmp_path / "app.py"), 2)
    assert told["stack"].startswith(
        f'Traceback (most recent call last):\n  File "{tmp_path}/app.py", line 4, in <module>'
    )
    assert "test_failure" not in told["stack"]


def test_packages_inside_the_app_folder_are_not_the_app(tmp_path: Path) -> None:
    told = described(tmp_path, "1 / 0\n", ".venv/lib/python3/site-packages/x.py")
    assert (told["file"], told["line"]) == (None, None)


def test_the_place_may_be_in_a_cause(tmp_path: Path) -> None:
    cause = run(tmp_path, "\n\n1 / 0\n")
    error = RuntimeError("outside")
    error.__cause__ = cause
    told = describe(error, str(tmp_path))
    assert (told["message"], told["line"]) == ("outside", 3)
    assert "ZeroDivisionError" in told["stack"]


def test_a_hidden_context_stays_hidden(tmp_path: Path) -> None:
    code = "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise ValueError('x') from None\n"
    told = described(tmp_path, code)
    assert told["line"] == 4
    assert "ZeroDivisionError" not in told["stack"]


def test_errors_that_cause_each_other_end(tmp_path: Path) -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert describe(one, str(tmp_path))["message"] == "one"


def test_a_group_shows_its_members(tmp_path: Path) -> None:
    code = "try:\n    1 / 0\nexcept Exception as e:\n    raise ExceptionGroup('all', [e])\n"
    told = described(tmp_path, code)
    assert told["type"] == "ExceptionGroup"
    assert "division by zero" in told["stack"]


def test_an_exception_that_cannot_be_printed_is_told_all_the_same(tmp_path: Path) -> None:
    code = "class E(Exception):\n    def __str__(self): raise ValueError\nraise E\n"
    told = described(tmp_path, code)
    assert told["message"] == (
        "Unhandled exception in function. Could not serialize original exception message."
    )


def test_a_syntax_error_elsewhere_has_no_place_of_its_own(tmp_path: Path) -> None:
    told = described(tmp_path, "\ncompile('(', 'elsewhere', 'exec')\n")
    assert (told["type"], told["line"]) == ("SyntaxError", 2)


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (ModuleNotFoundError("No module named 'x'", name="x"), "No module named 'x'. Cannot find"),
        (ImportError("cannot import name 'y'."), "cannot import name 'y'. Cannot find module."),
    ],
)
def test_import_errors_keep_their_type_and_gain_help(error: ImportError, start: str) -> None:
    told = explained(error)
    assert type(told) is type(error)
    assert told.name == error.name
    assert str(told).startswith(start)
    assert "Current sys.path: [" in str(told)


def test_an_import_error_with_a_constructor_of_its_own_is_left_alone() -> None:
    class Odd(ImportError):
        def __init__(self) -> None:
            super().__init__("odd")

    error = Odd()
    assert explained(error) is error


def test_what_nobody_reads_to_the_end_is_cut(tmp_path: Path) -> None:
    told = described(tmp_path, "raise ValueError('x' * 2_000_000)")
    assert told["message"].endswith("x … (951424 more characters)")
    assert len(told["stack"]) < 1_100_000
    assert told["stack"].startswith("Traceback")
