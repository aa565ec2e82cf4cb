"""The templates that are installed, ours and those of binding packages."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal

from emulator.errors import BindingPluginError, ConfigError
from emulator.sdk import Template

GROUP = "emulator.templates"

Model = Literal["v1", "v2", "javascript", "typescript"]
"""How functions are declared: Python in folders or with decorators, JavaScript, TypeScript."""

NODE_MODELS: frozenset[Model] = frozenset({"javascript", "typescript"})
_LANGUAGES: Mapping[Model, str] = {
    "v1": "Python",
    "v2": "Python",
    "javascript": "JavaScript",
    "typescript": "TypeScript",
}

_NAME = r"[A-Za-z][A-Za-z0-9_]{0,62}"


def template_names() -> list[str]:
    """Return every template, `http` first."""
    names = {point.name for point in entry_points(group=GROUP)}
    return sorted(names, key=lambda name: (name != "http", name))


def find_template(name: str) -> Template:
    """Return a template; raise `BindingPluginError` when its package is broken."""
    point = next(each for each in entry_points(group=GROUP) if each.name == name)
    try:
        template = point.load()
    except Exception as error:  # a plugin may fail in any way; it takes down its templates only
        raise BindingPluginError(
            f"The template '{name}' cannot be loaded from {point.value}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(template, Template):
        raise BindingPluginError(
            f"The template '{name}' is broken: {point.value} should be a Template of emulator.sdk."
        )
    return template


def template_files(template: Template, model: Model, name: str) -> Mapping[str, str]:
    """Return the files of a template by their path in the app, `NAME` being `name` in them.

    Raises `ConfigError` when the template is not for that language.
    """
    check_name(name)
    folder = files(template.package).joinpath(template.folder)
    if not folder.joinpath(model).is_dir():
        raise ConfigError(
            f"There is no such template for {_LANGUAGES[model]} ({template.summary})",
            hint="Take another one: `funcemu init --help` lists them.",
            code="template-language-missing",
        )
    found: dict[str, str] = {}
    for part in (model, "node", "common") if model in NODE_MODELS else (model, "common"):
        found |= _read(folder.joinpath(part), "")
    return {_named(path, name): _named(text, name) for path, text in sorted(found.items())}


def check_name(name: str) -> None:
    """Raise `ConfigError` when a name cannot be that of a function in both models."""
    if re.fullmatch(_NAME, name) and not keyword.iskeyword(name):
        return
    raise ConfigError(
        f"'{name}' cannot be the name of a function.",
        hint="Begin with a letter; go on with letters, digits and _.",
        code="function-name-invalid",
    )


def _named(text: str, name: str) -> str:
    """Put the name where `NAME` stands by itself or begins a word: not in `DEPLOYMENT_NAME`."""
    return re.sub(r"(?<![A-Za-z0-9_])NAME(?![A-Za-z0-9])", name, text)


def _read(folder: Traversable, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    if not folder.is_dir():
        return found
    for each in folder.iterdir():
        if each.is_dir() and each.name != "__pycache__":
            found |= _read(each, f"{prefix}{each.name}/")
        elif each.is_file():
            found[prefix + each.name] = each.read_text("utf-8")
    return found
