"""Which extension bundles bring the bindings."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bindings.openai.deviations import BUNDLE, package
from emulator.sdk import Deviation


def told(
    host_json: dict[str, Any], root: Path = Path("/app"), language: str = "python"
) -> list[Deviation]:
    host = SimpleNamespace(host_json=host_json, app_root=root)
    function = SimpleNamespace(language=language)
    binding: Any = SimpleNamespace(services=SimpleNamespace(host=host), function=function)
    return list(package(binding))


@pytest.mark.parametrize(
    "versions", ["[4.*, 5.0.0)", "[4.31.0, 5.0.0)", "[4.*, 4.31.0]", "[4.*,4.32)", "[5.0.0]", "4.*"]
)
def test_versions_that_reach_far_enough(versions: str) -> None:
    assert told({"extensionBundle": {"id": BUNDLE, "version": versions}}) == []


@pytest.mark.parametrize(
    "versions", ["[3.*, 4.0.0)", "[3.3.0, 4.0.0)", "[4.0.0, 4.31.0)", "[4.5.0]", "", "latest"]
)
def test_versions_that_do_not(versions: str) -> None:
    (found,) = told({"extensionBundle": {"id": BUNDLE, "version": versions}})
    assert found.message == f"The versions '{versions}' of the extension bundle do not reach 4.31"
    assert found.whole_app


def test_names_go_by_no_case() -> None:
    bundle = {"ID": BUNDLE.lower(), "Version": "[4.*, 5.0.0)"}
    assert told({"EXTENSIONBUNDLE": bundle}) == []


def test_an_extension_that_is_installed_by_name_needs_no_bundle(tmp_path: Path) -> None:
    assert told({}, tmp_path)[0].code == "extension-bundle"
    (tmp_path / "extensions.csproj").touch()
    assert told({}, tmp_path) == []


@pytest.mark.parametrize(
    ("language", "needs"),
    [
        ("python", True),
        ("node", True),
        ("java", True),
        ("powershell", True),
        ("dotnet-isolated", False),
        ("dotnet", False),
    ],
)
def test_dotnet_gets_the_extension_as_a_package(language: str, needs: bool) -> None:
    assert bool(told({}, language=language)) is needs
