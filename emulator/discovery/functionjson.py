"""The folder model: sub-folders of the app with a function.json."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from emulator.config.jsonc import Document, read
from emulator.config.retry import parse_retry
from emulator.discovery.validate import Declared, key_of, member, name_problem, read_bindings
from emulator.errors import ConfigError
from emulator.model import FunctionModel, Problem, RetryPolicy, Severity, SourceSpan
from emulator.workers.languages import NODE, PYTHON, TITLES, language_of

FILE = "function.json"
_USUAL_SCRIPTS = {
    PYTHON: "__init__.py",
    NODE: "index.js",
    "powershell": "run.ps1",
    "java": "../app.jar",
}
_UNDETERMINED = (
    "Unable to determine the primary function script. Make sure at least one script file is "
    "present. Try renaming your entry point script to 'run' or alternatively you can specify the "
    "name of the entry point script explicitly by adding a 'scriptFile' property to your function "
    "metadata."
)
_MISSING_SCRIPT = (
    "Invalid script file name configuration. The 'scriptFile' property is set to a file that "
    "does not exist."
)


class Folder(NamedTuple):
    """A sub-folder that holds a function.json."""

    name: str
    path: Path

    @property
    def file(self) -> str:
        return f"{self.name}/{FILE}"


def find_folders(root: Path) -> list[Folder]:
    """Return the direct sub-folders with a file called exactly `function.json`, by name."""
    try:
        names = [entry.name for entry in os.scandir(root) if entry.is_dir()]
    except OSError:
        return []
    folders = [Folder(name, root / name) for name in names if (root / name / FILE).is_file()]
    return sorted(folders, key=lambda folder: (folder.name.lower(), folder.name))


def read_folder(
    folder: Folder, language: str = PYTHON
) -> tuple[FunctionModel | None, list[Problem]]:
    """Read one function; without a model the problems say why."""
    invalid = name_problem(folder.name, SourceSpan(folder.file))
    try:
        document = read(folder.path / FILE, folder.file)
        content = _content(document, folder)
    except ConfigError as error:
        problem = Problem(
            "function-json-invalid",
            error.message,
            where=error.where,
            hint=error.hint,
            function=folder.name,
        )
        return None, [*([invalid] if invalid else []), problem]
    assert document is not None  # `_content` raises without one
    problems = [invalid] if invalid else []
    entries = member(content, "bindings")
    # Properties are found without case, so their places are asked for as they are written.
    bindings_key = key_of(content, "bindings")

    def place(path: tuple[str | int, ...]) -> SourceSpan:
        return document.span((bindings_key, *path[1:]) if path[:1] == ("bindings",) else path)

    declared = Declared(folder.name, entries if isinstance(entries, list) else [], place)
    script = _script(declared, folder, content, language, problems)
    bindings, found = read_bindings(declared)
    problems += found
    _check_configuration_source(declared, content, problems)
    retry = _retry(declared, content, problems)
    if problems or script is None:
        return None, problems
    model = FunctionModel(
        name=folder.name,
        bindings=bindings,
        directory=folder.path,
        script_file=script,
        # The other workers have rules of their own for what is called without a name.
        entry_point=str(member(content, "entryPoint") or ("main" if language == PYTHON else "")),
        programming_model="v1",
        language=language,
        retry=retry,
        source=SourceSpan(folder.file),
        config=content,
    )
    return model, list(_notices(declared, content))


def _content(document: Document | None, folder: Folder) -> Mapping[str, Any]:
    if document is None:
        raise ConfigError(f"{folder.file} went away while it was read")
    if not isinstance(document.value, dict):
        raise ConfigError(
            f"{folder.file} is not an object", hint="It starts with '{'.", where=document.span(())
        )
    return document.value


def _script(
    declared: Declared,
    folder: Folder,
    content: Mapping[str, Any],
    language: str,
    problems: list[Problem],
) -> str | None:
    given = member(content, "scriptFile")
    if given:
        script = str(given).replace("\\", "/")
        if not _is_file(folder.path / script):
            path = (key_of(content, "scriptFile"),)
            hint = f"Looked for {os.path.normpath(f'{folder.name}/{script}')}."
            problems.append(
                declared.problem("script-missing", _MISSING_SCRIPT, path=path, hint=hint)
            )
            return None
    else:
        chosen = _primary_script(folder.path)
        if chosen is None:
            usual = _USUAL_SCRIPTS.get(language, _USUAL_SCRIPTS[PYTHON])
            hint = f'Name it: "scriptFile": "{usual}".'
            problems.append(
                declared.problem("script-undetermined", _UNDETERMINED, path=(), hint=hint)
            )
            return None
        script = chosen
    if language_of(script) != language:
        problems.append(_of_another_language(declared, script, language))
        return None
    return script


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, a zero byte
        return False


def _primary_script(folder: Path) -> str | None:
    names = sorted(
        entry.name for entry in os.scandir(folder) if entry.is_file() and entry.name != FILE
    )
    if len(names) == 1:
        return names[0]
    ranked = [name for name in names if name.lower().partition(".")[0] == "run" and "." in name]
    for wanted in ("index.js", "index.mjs", "index.cjs", "__init__.py"):
        ranked += [name for name in names if name.lower() == wanted]
    return ranked[0] if ranked else None


def _of_another_language(declared: Declared, script: str, language: str) -> Problem:
    theirs = language_of(script)
    what = f"a {TITLES[theirs]} function" if theirs else "written in an unknown language"
    return declared.problem(
        "function-language",
        f"'{declared.function}' is {what} ({script}); this app runs as {TITLES[language]}",
        path=(),
        hint="An app has one language: FUNCTIONS_WORKER_RUNTIME says which."
        if theirs
        else "Its script file has to end as those of its language do, such as .py or .js.",
    )


def _check_configuration_source(
    declared: Declared, content: Mapping[str, Any], problems: list[Problem]
) -> None:
    given = member(content, "configurationSource")
    if given is not None and str(given).lower() not in {"attributes", "config"}:
        problems.append(
            declared.problem(
                "function-json-configuration-source",
                f"Illegal value '{given}' for 'configurationSource' property in "
                f"{declared.function}.",
                path=(key_of(content, "configurationSource"),),
                hint="Leave it out: it is for precompiled .NET functions.",
            )
        )


def _retry(
    declared: Declared, content: Mapping[str, Any], problems: list[Problem]
) -> RetryPolicy | None:
    given = member(content, "retry")
    if given is None:
        return None
    try:
        return parse_retry(given)
    except ConfigError as error:
        path = (key_of(content, "retry"),)
        problems.append(declared.problem(error.code, error.message, path=path, hint=error.hint))
        return None


def _notices(declared: Declared, content: Mapping[str, Any]) -> list[Problem]:
    disabled = member(content, "disabled")
    if disabled is None or disabled is False:
        return []
    name = declared.function
    return [
        Problem(
            "function-json-disabled",
            f"'disabled' in {name}/{FILE} has no effect: the function runs",
            severity=Severity.WARNING,
            where=declared.place((key_of(content, "disabled"),)),
            hint=f'Set "AzureWebJobs.{name}.Disabled": "true" in Values of local.settings.json.',
            function=name,
            azure="The function runs there too; only the app setting disables it.",
        )
    ]
