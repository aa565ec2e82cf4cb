"""Every code of a problem is explained, and nothing else is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.cli.explain import catalogue, read_catalogue
from tests.support.serving import ROOT

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_MAKERS = {
    "Problem", "Deviation", "problem", "complain", "warn", "fail", "add",
    "_problem", "_warning", "_notice", "notice",
}  # fmt: skip
"""What is called with a code among its first two arguments."""


def codes_of(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call):
            given += [each.value for each in node.keywords if each.arg == "code"]
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in _MAKERS:
                given += node.args[:2]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(each, ast.Name) and each.id == "code" for each in targets):
                given.append(node.value)
        for each in given:
            for constant in ast.walk(each):
                if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                    if _SLUG.fullmatch(constant.value):
                        yield constant.value


def used(room: str) -> set[str]:
    return {code for file in (ROOT / room).rglob("*.py") for code in codes_of(file)}


@pytest.mark.parametrize(
    ("rooms", "file"),
    [
        (("emulator",), "emulator/cli/codes.md"),
        (("bindings/openai",), "bindings/openai/codes.md"),
        (("bindings/storage",), "bindings/storage/codes.md"),
    ],
)
def test_every_code_of_the_tree_is_explained_and_no_other(
    rooms: tuple[str, ...], file: str
) -> None:
    explained = {each.code for each in read_catalogue((ROOT / file).read_text("utf-8"))}
    codes = {code for room in rooms for code in used(room)}
    assert codes - set(catalogue()) == set(), f"explain them in {file}"
    assert explained - codes == set(), f"nothing has these codes any more: {file}"


def test_each_package_explains_its_own_codes_only() -> None:
    files = ("emulator/cli/codes.md", "bindings/openai/codes.md", "bindings/storage/codes.md")
    codes = [each.code for file in files for each in read_catalogue((ROOT / file).read_text())]
    assert len(codes) == len(set(codes))
    assert set(codes) == set(catalogue())


def test_the_harvest_finds_codes_in_each_form() -> None:
    codes = used("emulator") | used("bindings")
    assert {"state-in-use", "route-conflict", "worker-lost", "host-json-log-level"} <= codes
    assert {"settings-null-value", "skill-duplicate", "model-unconnected"} <= codes


@pytest.mark.parametrize("entry", catalogue().values(), ids=lambda entry: entry.code)
def test_an_entry_is_whole_sentences(entry) -> None:  # type: ignore[no-untyped-def]  # ids need it
    assert entry.title.endswith(".")
    assert entry.meaning.endswith(".")
    assert len(entry.remedy) > 4
    assert _SLUG.fullmatch(entry.code)


def test_entries_stand_in_order() -> None:
    for file in ("emulator/cli/codes.md", "bindings/openai/codes.md"):
        codes = [each.code for each in read_catalogue((ROOT / file).read_text("utf-8"))]
        assert codes == sorted(codes)
