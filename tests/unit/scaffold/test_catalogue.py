"""Templates and their files."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path

import pytest

from emulator.errors import ConfigError
from emulator.scaffold.catalogue import (
    Model,
    check_name,
    find_template,
    template_files,
    template_names,
)
from emulator.scaffold.project import project_files
from emulator.sdk import Template

MODELS: tuple[Model, ...] = ("v1", "v2", "javascript", "typescript")
SCRIPTS: dict[Model, str] = {
    "v2": "function_app.py",
    "javascript": "src/functions/{}.js",
    "typescript": "src/functions/{}.ts",
}


def test_http_comes_first() -> None:
    assert template_names() == [
        "http", "assistant", "completion", "embeddings", "search", "timer",
    ]  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", template_names())
def test_every_template_is_whole(name: str, model: Model) -> None:
    template = find_template(name)
    files = project_files(template, model, template.name)
    usual = {"host.json", "local.settings.json", ".gitignore", ".funcignore", "demo.http"}
    node = {"package.json", f"test/{template.name}.test.mjs"}
    assert usual | ({"requirements.txt"} if model in {"v1", "v2"} else node) <= set(files)
    for path, text in files.items():
        assert "NAME" not in path
        assert "NAME" not in text.replace("DEPLOYMENT_NAME", "")
        if path.endswith(".json"):
            json.loads(text)
        if path.endswith(".py"):
            ast.parse(text)
    if model == "v1":
        assert any(path.endswith("/function.json") for path in files)
    else:
        assert SCRIPTS[model].format(template.name) in files


def declared(name: str, model: Model) -> set[str]:
    """Return the names of the functions of a template."""
    files = template_files(find_template(name), model, "x")
    if model == "v1":
        return {path.split("/")[0] for path in files if path.endswith("/function.json")}
    code = files[SCRIPTS[model].format("x")]
    if model == "v2":
        return {each.name for each in ast.parse(code).body if isinstance(each, ast.FunctionDef)}
    return set(re.findall(r"app\.(?:http|generic|timer)\('(\w+)'", code))


@pytest.mark.parametrize("name", template_names())
def test_every_language_declares_the_same_functions(name: str) -> None:
    expected = declared(name, "v1")
    assert expected
    assert all(declared(name, model) == expected for model in MODELS)


def properties(entries: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the model bindings of folders, without what only function.json has."""
    left = {"name", "direction", "type"}
    return sorted(
        ({k: v for k, v in each.items() if k not in left} for each in entries), key=json.dumps
    )


@pytest.mark.parametrize("model", ["javascript", "typescript"])
@pytest.mark.parametrize("name", template_names())
def test_bindings_say_the_same_in_every_language(name: str, model: Model) -> None:
    files = template_files(find_template(name), "v1", "x")
    folders = [
        each
        for path, text in files.items()
        if path.endswith("/function.json")
        for each in json.loads(text)["bindings"]
        if each["type"] not in {"http", "httpTrigger"}
    ]
    code = template_files(find_template(name), model, "x")[SCRIPTS[model].format("x")]
    written = []
    declared = r"\.generic\(\{(.*?)\}\)|app\.timer\('\w+', \{(.*?)handler"
    for options in map("".join, re.findall(declared, code, re.DOTALL)):
        pairs = re.findall(r"^\s*(\w+): (?:'(.*?)'|(\d+)),", options, re.MULTILINE)
        written.append({key: int(number) if number else text for key, text, number in pairs})
    assert properties(written) == properties(folders)


def test_a_template_may_be_for_some_languages_only(tmp_path: Path) -> None:
    (tmp_path / "only_python" / "v2").mkdir(parents=True)
    (tmp_path / "only_python" / "__init__.py").write_text("", "utf-8")
    (tmp_path / "only_python" / "v2" / "function_app.py").write_text("# NAME", "utf-8")
    sys.path.insert(0, str(tmp_path))
    try:
        template = Template(summary="Mine.", package="only_python", folder="", name="x")
        assert template_files(template, "v2", "y") == {"function_app.py": "# y"}
        with pytest.raises(ConfigError, match=r"no such template for TypeScript \(Mine\.\)"):
            template_files(template, "typescript", "y")
    finally:
        sys.path.remove(str(tmp_path))


def test_settings_that_only_the_user_knows_are_placeholders() -> None:
    for name in template_names():
        for setting, value in find_template(name).settings.items():
            secret = setting.lower().endswith(("key", "endpoint"))
            assert value.startswith("<") == secret, setting


def test_the_name_is_put_where_it_belongs() -> None:
    code = template_files(find_template("assistant"), "v2", "helper")["function_app.py"]
    assert "def helper_post(" in code
    assert 'route="helper/{id}"' in code
    assert "%CHAT_MODEL_DEPLOYMENT_NAME%" in code


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "class", "../x", "é", "a" * 64])
def test_names_that_cannot_be_functions_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a function"):
        check_name(name)
