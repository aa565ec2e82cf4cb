"""Decorated functions or folders into one `AppModel` and a list of problems."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from emulator.config.connections import connection
from emulator.config.hostjson import HostConfig
from emulator.config.settings import Settings
from emulator.config.suggest import did_you_mean
from emulator.discovery.decorated import import_problem, read_indexed
from emulator.discovery.functionjson import Folder, find_folders, read_folder
from emulator.discovery.nearmisses import nothing_found
from emulator.model import AppModel, FunctionModel, Problem, Severity, SourceSpan
from emulator.workers.channel import Index
from emulator.workers.languages import NODE, PYTHON, RUNTIME_SETTING, TITLES

SCRIPT_SETTING = "PYTHON_SCRIPT_FILE_NAME"
_SCRIPT_FILES = {PYTHON: "function_app.py", NODE: "package.json"}
"""Where the functions of an app begin that is not made of folders."""

_WITHOUT_STORAGE = frozenset(
    {
        "httptrigger",
        "kafkatrigger",
        "rabbitmqtrigger",
        "orchestrationtrigger",
        "activitytrigger",
        "entitytrigger",
    }
)


def assemble(
    root: Path,
    index: Index,
    host_config: HostConfig,
    settings: Settings,
    functions: Sequence[str] = (),
    language: str = PYTHON,
) -> tuple[AppModel, list[Problem]]:
    """Make the model of the app; each mistake takes down its own function only.

    `functions` is the allow list of the person who started the host; it counts before that of
    host.json. `language` is that of the worker.
    """
    script_file = script_file_of(language, settings)
    if index.error is not None:
        return AppModel(root), [import_problem(root, index.error, script_file, language)]
    folders = find_folders(root)
    if index.functions:
        read = [read_indexed(root, each, language) for each in index.functions]
        problems = _mixed(folders, script_file)
    else:
        read = [read_folder(folder, language) for folder in folders]
        problems = [] if index.functions is None else _folders_instead(folders, script_file)
    problems += [problem for _, found in read for problem in found]
    models = sorted((model for model, _ in read if model), key=_order)
    models = _without_duplicates(models, problems)
    models = [_with_retry(_with_disabled(model, settings), host_config) for model in models]
    problems += _runtime(settings, models, language)
    problems += _storage(settings, models)
    kept, left_out = _allowed(models, functions or host_config.functions, problems)
    if not read:
        indexed = index.functions is not None or (root / script_file).is_file()
        problems.append(nothing_found(root, script_file, indexed=indexed, language=language))
    return AppModel(root, tuple(kept), tuple(left_out)), problems


def script_file_of(language: str, settings: Settings) -> str:
    """Return the file in which functions are declared; empty where only folders declare them."""
    given = settings.get(SCRIPT_SETTING) if language == PYTHON else None
    return given or _SCRIPT_FILES.get(language, "")


def _order(model: FunctionModel) -> tuple[str, str]:
    return model.name.lower(), model.name


def _mixed(folders: Sequence[Folder], script_file: str) -> list[Problem]:
    if not folders:
        return []
    names = ", ".join(folder.name for folder in folders)
    return [
        Problem(
            "app-mixed",
            f"Detected mixed function app. Some functions may not be indexed - {names}",
            severity=Severity.WARNING,
            where=SourceSpan(folders[0].file),
            hint=f"{script_file} has functions, so folders with function.json are left out. Move "
            "them into the code, or take one of the two away.",
            azure="These folders are left out as well, and the log tells it only after a minute.",
        )
    ]


def _folders_instead(folders: Sequence[Folder], script_file: str) -> list[Problem]:
    """Tell of folders that count although there is a script, which declares nothing.

    Azure's worker looks at them too before Python 3.13, and ours does not index the script then.
    """
    if not folders:
        return []
    return [
        Problem(
            "app-script-without-functions",
            f"{script_file} declares no functions, so the folders with function.json count",
            severity=Severity.INFO,
            where=SourceSpan(script_file),
            hint=f"Remove {script_file}, or move the functions into it.",
            azure="The folders are not looked at, and there are no functions.",
        )
    ]


def _without_duplicates(
    models: Iterable[FunctionModel], problems: list[Problem]
) -> list[FunctionModel]:
    kept: dict[str, FunctionModel] = {}
    for model in models:
        first = kept.setdefault(model.name.lower(), model)
        if first is not model:
            problems.append(
                Problem(
                    "function-name-duplicate",
                    f"The function or proxy name '{model.name}' must be unique within the "
                    "function app.",
                    where=model.source,
                    hint=f"'{first.name}' ({first.source}) has it already; case does not count.",
                    function=model.name,
                )
            )
    return list(kept.values())


def _with_disabled(model: FunctionModel, settings: Settings) -> FunctionModel:
    for name in (f"AzureWebJobs.{model.name}.Disabled", f"AzureWebJobs_{model.name}_Disabled"):
        if (settings.get(name) or "").strip().lower() in {"1", "true"}:
            return replace(model, disabled=True)
    return model


def _with_retry(model: FunctionModel, host_config: HostConfig) -> FunctionModel:
    """Give a function without a retry policy that of host.json."""
    if model.retry is not None or host_config.retry is None:
        return model
    return replace(model, retry=host_config.retry)


def _runtime(settings: Settings, models: Sequence[FunctionModel], language: str) -> list[Problem]:
    given = (settings.get(RUNTIME_SETTING) or "").strip()
    if not models or given.lower() == language:
        return []
    title = TITLES[language]
    if not given:
        return [
            Problem(
                "worker-runtime-missing",
                f"{RUNTIME_SETTING} is not set; the functions are {title}, so '{language}' is "
                "taken",
                severity=Severity.INFO,
                hint=f'Add "{RUNTIME_SETTING}": "{language}" to Values of local.settings.json, '
                "and to the app settings on Azure.",
                azure="The setting is required: the official tools stop and ask for it, and the "
                "host only warns for now.",
            )
        ]
    provenance = settings.provenance(RUNTIME_SETTING)
    return [
        Problem(
            "worker-runtime-mismatch",
            f"Did not find functions with language [{given}].",
            severity=Severity.WARNING,
            where=provenance.source if provenance else None,
            hint=f"The functions are {title} and run here; Azure wants {RUNTIME_SETTING} to be "
            f"'{language}'.",
            azure=f"The functions do not exist: only those written in '{given}' are loaded.",
        )
    ]


def _storage(settings: Settings, models: Sequence[FunctionModel]) -> list[Problem]:
    """Look for the storage as the official tools do: for folders only, by their triggers."""
    needy = [
        model
        for model in models
        if model.programming_model == "v1" and model.trigger.type.lower() not in _WITHOUT_STORAGE
    ]
    found = connection(settings, None)
    if not needy or found.value or found.fields:
        return []
    first = needy[0]
    return [
        Problem(
            "storage-missing",
            f"AzureWebJobsStorage is not set; '{first.name}' ({first.trigger.type}) does without "
            "it here",
            severity=Severity.INFO,
            where=first.source,
            hint='Add "AzureWebJobsStorage": "UseDevelopmentStorage=true" to Values of '
            "local.settings.json, and a storage account to the app settings on Azure.",
            azure="The official tools refuse to start: Missing value for AzureWebJobsStorage.",
        )
    ]


def _allowed(
    models: Sequence[FunctionModel], names: Sequence[str] | None, problems: list[Problem]
) -> tuple[list[FunctionModel], list[FunctionModel]]:
    """Split into the functions that are loaded and those that the allow list leaves out."""
    if not names:
        return list(models), []
    wanted = {name.lower() for name in names}
    # What is wrong with a function nobody asked for is no news.
    problems[:] = [
        each for each in problems if each.function is None or each.function.lower() in wanted
    ]
    problems.append(
        Problem(
            "functions-allow-list",
            "A function allow list has been specified, excluding all but the following functions: "
            f"[{', '.join(names)}]",
            severity=Severity.INFO,
        )
    )
    known = {model.name.lower(): model.name for model in models}
    in_error = {problem.function.lower() for problem in problems if problem.function}
    for name in names:
        if name.lower() not in known and name.lower() not in in_error:
            problems.append(
                Problem(
                    "functions-allow-list-unknown",
                    f"The allow list names '{name}', but there is no such function",
                    severity=Severity.WARNING,
                    hint=did_you_mean(name, known.values())
                    or f"Functions: {', '.join(known.values()) or 'none'}.",
                )
            )
    kept = [model for model in models if model.name.lower() in wanted]
    return kept, [model for model in models if model.name.lower() not in wanted]
