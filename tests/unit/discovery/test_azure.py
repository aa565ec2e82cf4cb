"""What is said about Azure when an app is understood here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.config.hostjson import HostConfig
from emulator.config.settings import Settings
from emulator.discovery.assemble import assemble
from emulator.model import FunctionError, Problem
from emulator.workers.channel import Index, IndexedFunction
from tests.support.appfolder import HTTP, write_function


def findings(root: Path, index: Index | None = None, **settings: str) -> list[Problem]:
    given = Settings.of({"FUNCTIONS_WORKER_RUNTIME": "python", **settings})
    found = assemble(root, index or Index(), HostConfig(), given)[1]
    return [each for each in found if each.is_finding]


def decorated(name: str, **more: Any) -> Index:
    return Index((IndexedFunction(name, HTTP, "", "function_app.py", name, **more),))


def test_a_sound_app_has_none(tmp_path: Path) -> None:
    assert findings(tmp_path, decorated("hello")) == []
    write_function(tmp_path, "old")
    assert findings(tmp_path) == []


def test_folders_beside_decorated_functions(tmp_path: Path) -> None:
    write_function(tmp_path, "old")
    (problem,) = findings(tmp_path, decorated("new"))
    assert problem.code == "app-mixed"
    assert problem.azure is not None
    assert "left out as well" in problem.azure


def test_disabled_in_function_json(tmp_path: Path) -> None:
    write_function(tmp_path, "old", {"disabled": True, "bindings": list(HTTP)})
    (problem,) = findings(tmp_path)
    assert problem.code == "function-json-disabled"
    assert problem.azure == "The function runs there too; only the app setting disables it."


def test_another_worker_runtime(tmp_path: Path) -> None:
    (problem,) = findings(tmp_path, decorated("a"), FUNCTIONS_WORKER_RUNTIME="node")
    assert problem.azure == ("The functions do not exist: only those written in 'node' are loaded.")


def test_no_functions_at_all(tmp_path: Path) -> None:
    (problem,) = findings(tmp_path)
    assert problem.code == "app-empty"
    assert problem.azure == "The host runs without functions, and every address answers 404."


def test_an_app_that_cannot_be_imported(tmp_path: Path) -> None:
    (problem,) = findings(tmp_path, Index(error=FunctionError("ImportError", "no")))
    assert problem.azure == "The host runs without functions, and every address answers 404."


@pytest.mark.parametrize(
    ("bindings", "code", "azure"),
    [
        ([{**HTTP[0], "name": "my__req"}, HTTP[1]], "binding-name-invalid", "left out there"),
        (
            [*HTTP, {"name": "x", "type": "queue", "direction": "inout"}],
            "binding-direction-inout",
            "every call of it fails with 500",
        ),
    ],
)
def test_bindings_azure_refuses_in_its_own_way(
    tmp_path: Path, bindings: list[Any], code: str, azure: str
) -> None:
    write_function(tmp_path, "old", json.dumps({"bindings": bindings}))
    (problem,) = findings(tmp_path)
    assert problem.code == code
    assert problem.azure is not None
    assert azure in problem.azure


@pytest.mark.parametrize("name", ["1st", "with.dot", "host"])
def test_names_of_functions(tmp_path: Path, name: str) -> None:
    (problem,) = findings(tmp_path, decorated(name))
    assert problem.code == "function-name-invalid"
    assert problem.azure is not None
    assert "left out there as well" in problem.azure


def test_a_retry_policy_no_worker_can_read_takes_down_the_whole_app(tmp_path: Path) -> None:
    index = decorated("a", retry={"strategy": "fixed_delay", "max_retry_count": "many"})
    (problem,) = findings(tmp_path, index)
    assert problem.azure == (
        "None of the app's functions exist: the worker refuses to index the app."
    )
