"""Tiny apps, and what a check finds in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulator.cli.check import Checked, checked
from emulator.config.options import Options
from tests.support.serving import environment, write_app

HEAD = (
    "import azure.functions as func\n"
    "app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
)
HELLO = "@app.route(route='hello')\ndef hello(req: func.HttpRequest) -> str:\n    return 'hi'\n"

SETTINGS: Mapping[str, str] = {
    "FUNCTIONS_WORKER_RUNTIME": "python",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "AZURE_OPENAI_ENDPOINT": "https://planted.openai.azure.com",
    "AZURE_OPENAI_KEY": "0123456789abcdef",
}
HOST_JSON: Mapping[str, Any] = {
    "version": "2.0",
    "extensionBundle": {
        "id": "Microsoft.Azure.Functions.ExtensionBundle.Preview",
        "version": "[4.*, 5.0.0)",
    },
}


def decorated(code: str = HELLO, **files: str) -> dict[str, str]:
    """Return the files of an app of one script, sound but for `code` and `files`."""
    return {**_base(), "function_app.py": HEAD + code, **_named(files)}


def folders(bindings: list[dict[str, Any]] | None = None, **files: str) -> dict[str, str]:
    """Return the files of an app of one folder, `old`, whose function takes what it is given."""
    entries = bindings or [_binding("httpTrigger", "req"), _binding("http", "$return", "out")]
    names = [each["name"] for each in entries if each["name"] != "$return"]
    return {
        **_base(),
        "old/__init__.py": f"def main({', '.join(names)}):\n    return 'hi'\n",
        "old/function.json": json.dumps({"bindings": entries}),
        **_named(files),
    }


def http(*more: dict[str, Any], **properties: Any) -> list[dict[str, Any]]:
    """Return the bindings of an HTTP function."""
    trigger = _binding("httpTrigger", "req", **properties)
    return [trigger, _binding("http", "$return", "out"), *more]


def binding(kind: str, direction: str = "in", **properties: Any) -> dict[str, Any]:
    return _binding(kind, "value", direction, **properties)


def host_json(**members: Any) -> str:
    return json.dumps({**HOST_JSON, **members})


def settings_json(**values: str | None) -> str:
    """Return local.settings.json with some settings changed, or left out (`None`)."""
    merged = {**SETTINGS, **values}
    kept = {name: value for name, value in merged.items() if value is not None}
    return json.dumps({"IsEncrypted": False, "Values": kept})


async def check(
    folder: Path, files: Mapping[str, str], *, environ: Mapping[str, str] | None = None, **more: Any
) -> Checked:
    """Write an app and check it, inside of this process."""
    write_app(folder, files)
    if "host.json" not in files:
        (folder / "host.json").unlink()
    options = Options(path=folder, channel="inprocess", ephemeral=True, watch=False, **more)
    return await checked(options, {**environment({}), **(environ or {})})


def _binding(kind: str, name: str, direction: str = "in", **properties: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "direction": direction, **properties}


def _base() -> dict[str, str]:
    return {"host.json": host_json(), "local.settings.json": settings_json()}


def _named(files: Mapping[str, str]) -> dict[str, str]:
    names = {"settings": "local.settings.json", "host": "host.json", "env": ".env"}
    return {names[key]: text for key, text in files.items()}


POST = {"id": "a", "userMessage": "{Query.message}", "chatModel": "gpt-4o-mini"}
ASK = {"prompt": "Hi", "chatModel": "gpt-4o-mini"}
EMBED = {"input": "text", "inputType": "RawText", "embeddingsModel": "e"}
SEARCH = {
    "searchConnectionName": "Search",
    "collection": "docs",
    "query": "q",
    "chatModel": "gpt-4o-mini",
    "embeddingsModel": "e",
}
SEARCHING = {
    "settings": settings_json(Search__Endpoint="https://planted.search.windows.net"),
    "host": host_json(extensions={"openai": {"searchProvider": {"type": "azureAISearch"}}}),
}


def skill(**properties: Any) -> list[dict[str, Any]]:
    return [binding("assistantSkillTrigger", functionDescription="Does it", **properties)]
