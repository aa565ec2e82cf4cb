"""Binding types from installed packages: found, chosen, refused with reasons."""

from __future__ import annotations

from importlib.metadata import Distribution, EntryPoint, PathDistribution
from pathlib import Path

import pytest

from emulator.errors import BindingPluginError
from emulator.registry import GROUP, BindingRegistry

CODE = {
    "good": (
        "from emulator.sdk import Input\n"
        "class Good(Input):\n    type_name = 'good'\n    summary = 'Good.'\n"
        "    async def read(self, call): ...\n"
    ),
    "rival": (
        "from emulator.sdk import Input\n"
        "class Rival(Input):\n    type_name = 'good'\n    summary = 'Good as well.'\n"
        "    async def read(self, call): ...\n"
    ),
    "abstract": (
        "from emulator.sdk import Input, Output\n"
        "class Abstract(Input, Output):\n    type_name = 'abstract'\n    summary = 'Half.'\n"
    ),
    "function": "def Function(): ...\n",
    "stranger": "class Stranger: ...\n",
    "torn": (
        "from emulator.sdk import Input, Trigger\n"
        "class Torn(Trigger, Input):\n    type_name = 'tornTrigger'\n    summary = 'Torn.'\n"
        "    async def read(self, call): ...\n"
    ),
    "nameless": (
        "from emulator.sdk import Trigger\nclass Nameless(Trigger):\n    summary = 'No name.'\n"
    ),
    "optionless": (
        "from emulator.sdk import Trigger\n"
        "class Optionless(Trigger):\n    type_name = 'xTrigger'\n    summary = 'No options.'\n"
        "    options_type = dict\n"
    ),
    "misnamed": (
        "from emulator.sdk import Trigger\n"
        "class Misnamed(Trigger):\n    type_name = 'watch'\n    summary = 'Misnamed.'\n"
    ),
    "raising": "raise RuntimeError('no licence')\n",
    "importing": "import nowhere_to_be_found\n",
}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, code in CODE.items():
        (tmp_path / f"registered_{name}.py").write_text(code)
    for distribution in ("alpha", "beta"):
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def distribution(folder: Path, name: str) -> Distribution:
    return PathDistribution(folder / f"{name}-1.0.dist-info")


def point(folder: Path, name: str, type_name: str = "", package: str = "alpha") -> EntryPoint:
    made = EntryPoint(type_name or name, f"registered_{name}:{name.title()}", GROUP)
    vars(made)["dist"] = distribution(folder, package)
    return made


def test_a_type_is_found_without_case_and_loaded_once(packages: Path) -> None:
    registry = BindingRegistry([point(packages, "good")])
    found = registry.find("GOOD")
    assert found is not None
    assert (found.kind.type_name, found.written, found.package) == ("good", "good", "alpha")
    assert not found.is_alias
    assert registry.find("good") is found
    assert registry.names() == ["good"]


def test_nothing_is_imported_before_it_is_asked_for(packages: Path) -> None:
    registry = BindingRegistry([point(packages, "raising"), point(packages, "good")])
    assert registry.names() == ["good", "raising"]
    assert registry.find("good") is not None


def test_another_name_for_a_type_is_an_alias(packages: Path) -> None:
    found = BindingRegistry([point(packages, "good", "older")]).find("older")
    assert found is not None
    assert found.is_alias


def test_a_type_nobody_offers_is_none_and_near_ones_are_suggested(packages: Path) -> None:
    registry = BindingRegistry([point(packages, "good", "queueTrigger")])
    assert registry.find("queuTrigger") is None
    assert registry.suggest("queuTrigger") == ["queueTrigger"]
    assert registry.suggest("zzz") == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("abstract", "should define 'read' and 'write'"),
        ("function", "should be a class, but is a function"),
        ("stranger", "should subclass Trigger, Input or Output of emulator.sdk"),
        ("torn", "should be a Trigger or an Input and Output, not both"),
        ("nameless", "should have a text attribute 'type_name'"),
        ("optionless", "should have an 'options_type' that subclasses Options"),
        ("misnamed", "has the type 'watch': exactly triggers have names that end in 'Trigger'"),
        ("raising", "cannot be loaded from registered_raising:Raising: RuntimeError: no licence"),
        ("importing", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    ],
)
def test_a_broken_class_is_told_with_its_package(packages: Path, name: str, told: str) -> None:
    registry = BindingRegistry([point(packages, name), point(packages, "good")])
    with pytest.raises(BindingPluginError) as raised:
        registry.find(name)
    assert told in raised.value.message
    assert "of package 'alpha'" in raised.value.message
    assert "alpha" in (raised.value.hint or "")
    assert registry.find("good") is not None


def test_two_packages_with_one_type_are_told_with_the_way_to_choose(packages: Path) -> None:
    points = [point(packages, "good"), point(packages, "rival", "good", package="beta")]
    with pytest.raises(BindingPluginError, match="several packages: 'alpha', 'beta'") as raised:
        BindingRegistry(points).find("good")
    assert "FUNCEMU_BINDING_GOOD=<package>" in (raised.value.hint or "")
    chosen = BindingRegistry(points, preferred={"GOOD": "beta"}).find("good")
    assert chosen is not None
    assert chosen.package == "beta"


def test_one_package_listed_twice_is_one_package(packages: Path) -> None:
    points = [point(packages, "good"), point(packages, "good")]
    assert BindingRegistry(points).find("good") is not None


def test_the_types_of_this_package_are_sound() -> None:
    registry = BindingRegistry()
    assert {"httpTrigger", "http", "manualTrigger", "warmupTrigger"} <= set(registry.names())
    for name in ("httpTrigger", "http", "manualTrigger", "warmupTrigger"):
        found = registry.find(name)
        assert found is not None
        assert found.kind.type_name == name
        assert found.kind.summary.endswith(".")
