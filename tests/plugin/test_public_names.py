"""The public modules: what they offer, that all of it is explained, and that asking is free."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import subprocess
import sys
import textwrap
from types import ModuleType
from typing import Any

import pytest

import bindings.openai.testing
import emulator
import emulator.testing

MODULES = [emulator, emulator.testing, bindings.openai.testing]
VERBS = {"get", "post", "put", "patch", "delete", "head", "options"}
"""Explained once, with `request`."""


def names(module: ModuleType) -> list[str]:
    return [name for name in module.__all__ if not name.startswith("__")]


def public() -> list[Any]:
    return [
        pytest.param(getattr(module, name), id=f"{module.__name__}.{name}")
        for module in MODULES
        for name in names(module)
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_public_module_lists_its_names(module: ModuleType) -> None:
    assert names(module) == sorted(names(module))
    assert module.__doc__
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert name in dir(module)
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'No'"):
        module.No  # noqa: B018 - asked for its error


def test_the_same_name_is_the_same_thing() -> None:
    shared = set(names(emulator)) & set(names(emulator.testing))
    assert shared == {"EmulatorError", "FunctionError", "Problem"}
    for name in shared:
        assert getattr(emulator, name) is getattr(emulator.testing, name)


@pytest.mark.parametrize("thing", public())
def test_everything_public_is_explained(thing: Any) -> None:
    assert inspect.getdoc(thing), thing
    if not inspect.isclass(thing):
        return
    for name, member in vars(thing).items():
        if name.startswith("_") or name in VERBS:
            continue
        target = member.fget if isinstance(member, property) else member
        target = getattr(target, "__func__", target)
        if not inspect.isfunction(target):
            continue
        text = inspect.getdoc(target) or ""
        assert text, f"{thing.__name__}.{name} has no docstring"
        for raised in _raised(target):
            assert raised in text, f"{thing.__name__}.{name} does not tell of {raised}"


def _raised(function: Any) -> set[str]:
    """Return the exceptions a function itself raises."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return {
        node.exc.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
    }


@pytest.mark.parametrize("thing", public())
def test_the_fields_of_a_record_are_explained(thing: Any) -> None:
    if not dataclasses.is_dataclass(thing):
        return
    text = f"{inspect.getdoc(thing)}"
    told = {"id", "function", "model", "messages", "reason", "detail", "logs", "name", "content"}
    for field in dataclasses.fields(thing):
        known = field.name in told or f"`{field.name}`" in text or field.name in _attributes(thing)
        assert known, f"{thing.__name__}.{field.name}"


def _attributes(kind: type) -> set[str]:
    """Return the attributes of a class that have a text of their own below them."""
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    except OSError:
        return set()
    assert isinstance(body, ast.ClassDef)
    found = set()
    for before, after in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found.add(before.target.id)
    return found


def test_loading_the_plugin_imports_next_to_nothing() -> None:
    code = """
        import sys
        import pytest, pytest_asyncio, pytest_aiohttp.plugin
        before = set(sys.modules)
        import bindings.openai.testing.plugin, emulator, emulator.testing.plugin
        print("\\n".join(sorted(set(sys.modules) - before)))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == [
        "bindings",
        "bindings.openai",
        "bindings.openai.testing",
        "bindings.openai.testing.plugin",
        "emulator",
        "emulator.testing",
        "emulator.testing.hooks",
        "emulator.testing.plugin",
    ]


def test_a_run_without_apps_imports_nothing_more(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            heavy = {"azure.functions", "openai", "msgspec", "emulator.assemble"}
            assert not heavy & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    assert result.parseoutcomes() == {"passed": 1}


def test_the_entry_points_name_the_plugin() -> None:
    from importlib.metadata import entry_points

    points = {each.name: each.value for each in entry_points(group="pytest11")}
    assert points["functions-app"] == "emulator.testing.plugin"
    assert points["functions-models"] == "bindings.openai.testing.plugin"
    for name in ("functions-app", "functions-models"):
        importlib.import_module(points[name])


def test_the_plugin_tells_of_itself(pytester: pytest.Pytester) -> None:
    from tests.support.testing import output, run, write_project

    write_project(pytester, "")
    told = output(run(pytester, "--markers"))
    for marker in ("@pytest.mark.functions_app(path=…", "@pytest.mark.recording(name)", ".live:"):
        assert marker in told
    told = output(run(pytester, "--fixtures"))
    for fixture in ("functions_app ", "functions_app_session [session scope]", "models "):
        assert fixture in told
    told = output(run(pytester, "--help"))
    for option in ("--functions-channel", "--record-mode", "functions_app_path (string)"):
        assert option in told
