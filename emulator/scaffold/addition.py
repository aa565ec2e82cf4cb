"""Functions for an app that exists: what it has stays as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from emulator.config.jsonc import parse, read_text
from emulator.config.jsonedit import set_value
from emulator.errors import ConfigError
from emulator.model import SourceSpan
from emulator.scaffold.catalogue import NODE_MODELS, Model, template_files
from emulator.scaffold.node import PACKAGE_FILE, SCRIPTS, fitted, needed, node_files
from emulator.scaffold.project import Written, base_settings, write_files
from emulator.sdk import Template

SCRIPT_FILE = "function_app.py"
HOST_FILE = "host.json"
SETTINGS_FILE = "local.settings.json"


_OTHERS = {
    "PowerShell": ("*/run.ps1", "profile.ps1", "requirements.psd1"),
    "Java": ("pom.xml", "build.gradle", "build.gradle.kts"),
    ".NET": ("*.csproj", "*.fsproj"),
}
"""Languages there are no templates for, by their files."""


def model_of(folder: Path) -> Model:
    """Return the model an app is written in; an empty one may be any.

    Raises `ConfigError` when it is one that there are no templates for.
    """
    if (folder / SCRIPT_FILE).exists():
        return "v2"
    for language, patterns in _OTHERS.items():
        if any(any(folder.glob(each)) for each in patterns):
            raise _no_template(f"This is an app in {language}.")
    folders = any(folder.glob("*/function.json"))
    if not (folder / PACKAGE_FILE).exists() and not any(folder.glob("*/index.js")):
        return "v1" if folders else "v2"
    if folders:
        raise _no_template("This is an app for Node.js with folders of function.json.")
    return "typescript" if (folder / "tsconfig.json").exists() else "javascript"


def _no_template(what: str) -> ConfigError:
    return ConfigError(
        f"{what} There are no templates for it.",
        hint="There are some for Python, and for JavaScript and TypeScript in the v4 model.",
        code="template-language-missing",
    )


def add(folder: Path, template: Template, model: Model, name: str, *, force: bool) -> Written:
    """Add a template's functions; with `force` files of theirs that are there are replaced.

    Settings and parts of host.json they need are added where they are missing.
    """
    files = dict(template_files(template, model, name))
    if model in NODE_MODELS:
        files = dict(fitted(folder, files))
    if "demo.http" in files:
        files[f"{name}.http"] = files.pop("demo.http")
    script = folder / SCRIPT_FILE
    changed: list[str] = []
    if model == "v2" and script.exists():
        source = read_text(script, SCRIPT_FILE) or ""
        merged = merge(source, files.pop(SCRIPT_FILE))
        files = {each: text for each, text in files.items() if each != SCRIPT_FILE}
        write_files(folder, {SCRIPT_FILE: merged}, force=True)
        changed.append(SCRIPT_FILE)
    elif model != "v2" and not force:
        _refuse_existing(folder, model, files)
    written = write_files(folder, files, force=force)
    if model in NODE_MODELS:
        made = write_files(folder, node_files(model))
        changed += made.written
        if _add_missing(folder / PACKAGE_FILE, needed(model)) and PACKAGE_FILE not in made.written:
            changed.append(PACKAGE_FILE)
    if _add_missing(folder / HOST_FILE, dict(template.host)):
        changed.append(HOST_FILE)
    if _add_missing(
        folder / SETTINGS_FILE, {"Values": {**base_settings(model), **template.settings}}
    ):
        changed.append(SETTINGS_FILE)
    return Written((*changed, *written.written), written.kept)


def merge(source: str, addition: str) -> str:
    """Return `source` with the functions of `addition`, another `function_app.py`.

    Imports it lacks are put behind its own, the functions at its end.
    """
    theirs, ours = _parsed(source), ast.parse(addition)
    app = _app_name(theirs)
    if app is None:
        raise ConfigError(
            f"{SCRIPT_FILE} makes no FunctionApp that functions could be added to.",
            hint="It needs a line such as: app = func.FunctionApp()",
            where=SourceSpan(SCRIPT_FILE),
        )
    taken = _names(theirs) & _names(ours)
    if taken:
        raise ConfigError(
            f"{SCRIPT_FILE} has {', '.join(sorted(taken))} already.",
            hint="Give another name: funcemu new NAME",
            where=SourceSpan(SCRIPT_FILE),
        )
    body = _body(addition, ours)
    if app != "app":
        body = re.sub(r"(?m)^@app\.", f"@{app}.", body)
    known = {ast.unparse(each) for each in theirs.body}
    wanted = [ast.unparse(each) for each in ours.body if _is_import(each)]
    missing = [each for each in wanted if each not in known]
    lines = source.splitlines()
    at = _behind_imports(theirs)
    lines[at:at] = missing
    return "\n".join(lines).rstrip("\n") + "\n\n\n" + body.strip("\n") + "\n"


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise ConfigError(
            f"{SCRIPT_FILE} is not valid Python: {error.msg}.",
            hint="Mend it first.",
            where=SourceSpan(SCRIPT_FILE, error.lineno),
        ) from error


def _app_name(module: ast.Module) -> str | None:
    for each in module.body:
        match each:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=called))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=called))
            ) if _called_name(called).endswith("FunctionApp"):
                return name
    return None


def _called_name(called: ast.expr) -> str:
    match called:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _names(module: ast.Module) -> set[str]:
    return {
        each.name
        for each in module.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _body(text: str, module: ast.Module) -> str:
    """Return what follows the line that makes the app."""
    app = next(each for each in module.body if isinstance(each, ast.Assign))
    return "\n".join(text.splitlines()[app.end_lineno :])


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _behind_imports(module: ast.Module) -> int:
    """Return the number of lines up to the last import, or to the docstring without one."""
    ends = [each.end_lineno or 0 for each in module.body if _is_import(each)]
    if ends:
        return max(ends)
    first = module.body[0] if module.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first.end_lineno or 0
    return 0


def _refuse_existing(folder: Path, model: Model, files: Mapping[str, str]) -> None:
    """Refuse what is there: the folder of a function, or a file with functions for Node.js."""
    own = (each for each in files if "/" in each or each.endswith(SCRIPTS))
    there = [each for each in own if (folder / each).exists()]
    taken = sorted({each.split("/")[0] if model == "v1" else each for each in there})
    if taken:
        raise ConfigError(
            f"{', '.join(taken)} exists already.",
            hint="Give another name (funcemu new NAME), or replace it with --force.",
        )


def _add_missing(path: Path, wanted: Mapping[str, Any]) -> bool:
    """Add what a JSON file lacks; say whether that changed it."""
    text = before = read_text(path, path.name) or ""
    given = parse(text, path.name).value if text.strip() else {}
    if not text.strip():
        text = '{\n  "version": "2.0"\n}\n' if path.name == HOST_FILE else _EMPTY_SETTINGS
    for keys, value in _lacking(given if isinstance(given, dict) else {}, wanted):
        text = set_value(text, keys, value, file=path.name)
    if text == before:
        return False
    write_files(path.parent, {path.name: text}, force=True)
    return True


_EMPTY_SETTINGS = '{\n  "IsEncrypted": false\n}\n'


def _lacking(
    given: Mapping[str, Any], wanted: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    lowered = {key.lower(): value for key, value in given.items()}
    for key, value in wanted.items():
        existing = lowered.get(key.lower())
        if existing is None or (key == "extensionBundle" and _is_smaller(existing, value)):
            yield (*above, key), value
        elif isinstance(existing, dict) and isinstance(value, Mapping):
            yield from _lacking(existing, value, (*above, key))


def _is_smaller(existing: Any, wanted: Any) -> bool:
    """Whether a bundle lacks bindings of the wanted one: the preview has all of the usual one."""
    usual = "Microsoft.Azure.Functions.ExtensionBundle"
    given = existing.get("id") if isinstance(existing, dict) else None
    return given == usual and wanted.get("id") == f"{usual}.Preview"
