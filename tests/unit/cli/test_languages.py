"""Which language is written, for the words that were given."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from emulator.cli.languages import chosen_model
from tests.support.serving import write_app


@pytest.mark.parametrize(
    ("language", "runtime", "model", "wanted"),
    [
        (None, None, None, "v2"),
        (None, None, "v1", "v1"),
        (None, "python", None, "v2"),
        ("python", None, "v1", "v1"),
        (None, "node", None, "javascript"),
        (None, "javascript", "v4", "javascript"),
        ("typescript", "node", "v4", "typescript"),
        ("javascript", "node", None, "javascript"),
        (None, "typescript", None, "typescript"),
        ("typescript", None, None, "typescript"),
        (None, None, "v4", "javascript"),
    ],
)
def test_words_for_a_language(
    tmp_path: Path, language: str | None, runtime: str | None, model: str | None, wanted: str
) -> None:
    assert wanted == chosen_model(tmp_path, language=language, worker_runtime=runtime, model=model)


@pytest.mark.parametrize(
    ("language", "runtime", "model", "told"),
    [
        ("typescript", "python", None, "--worker-runtime python has no --language typescript"),
        ("python", "node", None, "--worker-runtime node has no --language python"),
        ("typescript", None, "v1", "--model v1 is for Python"),
        (None, "python", "v4", "--model v4 is for JavaScript and TypeScript"),
    ],
)
def test_words_that_contradict_each_other(
    tmp_path: Path, language: str | None, runtime: str | None, model: str | None, told: str
) -> None:
    with pytest.raises(click.UsageError, match=told):
        chosen_model(tmp_path, language=language, worker_runtime=runtime, model=model)


def test_files_decide_where_nothing_is_said(tmp_path: Path) -> None:
    write_app(tmp_path, {"package.json": "{}", "tsconfig.json": "{}"})
    given = {"language": None, "worker_runtime": None}
    assert chosen_model(tmp_path, **given, model=None) == "typescript"
    assert chosen_model(tmp_path, **given, model="v4") == "typescript"
    assert chosen_model(tmp_path, **given, model="v2") == "v2"


def test_folders_of_an_app_in_python_go_on(tmp_path: Path) -> None:
    write_app(tmp_path, {"hello/function.json": "{}"})
    assert chosen_model(tmp_path, language="python", worker_runtime=None, model=None) == "v1"
