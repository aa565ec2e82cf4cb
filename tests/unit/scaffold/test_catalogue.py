"""Templates and their files."""

from __future__ import annotations

import ast
import json

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

MODELS: tuple[Model, ...] = ("v1", "v2")


def test_http_comes_first() -> None:
    assert template_names() == ["http", "assistant", "completion", "embeddings", "search"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", template_names())
def test_every_template_is_whole(name: str, model: Model) -> None:
    template = find_template(name)
    files = project_files(template, model, template.name)
    usual = {"host.json", "local.settings.json", "requirements.txt", ".gitignore", ".funcignore"}
    assert usual | {"demo.http"} <= set(files)
    for path, text in files.items():
        assert "NAME" not in path
        assert "NAME" not in text.replace("DEPLOYMENT_NAME", "")
        if path.endswith(".json"):
            json.loads(text)
        if path.endswith(".py"):
            ast.parse(text)
    if model == "v2":
        assert "function_app.py" in files
    else:
        assert any(path.endswith("/function.json") for path in files)


@pytest.mark.parametrize("name", template_names())
def test_both_models_declare_the_same_functions(name: str) -> None:
    template = find_template(name)
    v1 = template_files(template, "v1", "x")
    folders = {path.split("/")[0] for path in v1 if path.endswith("/function.json")}
    v2 = ast.parse(template_files(template, "v2", "x")["function_app.py"])
    assert folders == {each.name for each in v2.body if isinstance(each, ast.FunctionDef)}


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
