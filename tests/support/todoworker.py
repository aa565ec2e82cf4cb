"""Workers for the assistant samples in PowerShell, Java and C#, where their real ones are not.

It speaks as the worker of each language does: which functions it lists itself, what it is handed,
and the kinds of the values it gives back. What the functions do is done here, in Python.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from emulator.model import Datum, FunctionError, HttpResponseData, InvocationResult
from tests.support.rpcworker import Worker, started_with

_NOTHING = InvocationResult(Datum("none", None))


class TodoWorker(Worker):
    """The functions of the sample, as Java gives values; other languages say what they do
    otherwise."""

    can: Mapping[str, str] = {
        "RpcHttpTriggerMetadataRemoved": "true",
        "TypedDataCollection": "true",
    }
    finds_scripts = True

    def __init__(self, arguments: Any) -> None:
        super().__init__(arguments)
        self.todos: list[dict[str, str]] = []

    async def on_worker_init_request(self, request: Any) -> None:
        def fill(it: Any) -> None:
            it.capabilities.update(self.can)
            it.result.status = 1
            it.worker_metadata.runtime_version = "1.0"

        self.say(worker_init_response=fill)

    async def on_functions_metadata_request(self, request: Any) -> None:
        def fill(it: Any) -> None:
            it.result.status = 1
            it.use_default_metadata_indexing = True

        self.say(function_metadata_response=fill)

    async def load(self, request: Any) -> FunctionError | None:
        metadata = request.metadata
        self.functions[request.function_id] = metadata.name
        # Scripts and jars are told by their whole path.
        if not Path(metadata.script_file).is_absolute() and self.finds_scripts:
            return FunctionError("FileNotFound", metadata.script_file)
        return None

    async def call(self, request: Any, call: Any) -> InvocationResult:
        named = [each for each in call.inputs.values() if each.kind != "http"]
        [http] = [each.value for each in call.inputs.values() if each.kind == "http"] or [None]
        match call.function:
            case "CreateAssistant":
                return self.created(http.params["assistantId"])
            case "PostUserQuery":
                state = json.loads(named[0].value)
                return self.answered(200, "text/plain", state["recentMessages"][-1]["content"])
            case "GetChatState":
                text = json.dumps(json.loads(named[0].value))
                return self.answered(200, "application/json", text)
            case "AddTodo":
                assert named[0].kind == "text", named
                self.todos.append({"id": str(len(self.todos) + 1), "task": named[0].value})
                return _NOTHING  # void, Task, an empty pipeline
        return InvocationResult(Datum("json", self.listed()))

    def created(self, assistant: str) -> InvocationResult:
        # As Gson writes the fields of an object.
        wanted = {
            "id": assistant,
            "instructions": "Be kind.",
            "chatStorageConnectionSetting": "AzureWebJobsStorage",
            "collectionName": "ChatState",
        }
        body = json.dumps({"assistantId": assistant})
        value = Datum("json", json.dumps(wanted))
        return self.answered(202, "application/json", body, assistant=value)

    def answered(self, status: int, kind: str, text: str, **outputs: Datum) -> InvocationResult:
        response = HttpResponseData(status, (("Content-Type", kind),), text.encode())
        return InvocationResult(Datum("http", response), outputs)

    def listed(self) -> str:
        return json.dumps(self.todos)


class PowerShell(TodoWorker):
    """Pushes everything to an output that is called by its name; keys go by no case."""

    can = {"RpcHttpBodyOnly": "true"}

    def created(self, assistant: str) -> InvocationResult:
        wanted = json.dumps({"instructions": "Be kind.", "id": assistant})
        body = json.dumps({"assistantId": assistant}, indent=2)
        return self.answered(202, "application/json", body, Requests=Datum("json", wanted))

    def answered(self, status: int, kind: str, text: str, **outputs: Datum) -> InvocationResult:
        given = super().answered(status, kind, text)
        outputs["Response"] = given.return_value
        return InvocationResult(Datum("none", None), outputs)


class DotNet(TodoWorker):
    """Gives objects as System.Text.Json writes their properties; lists its functions in a file."""

    can = {"RpcHttpBodyOnly": "true", "HandlesInvocationCancelMessage": "true"}
    finds_scripts = False

    def created(self, assistant: str) -> InvocationResult:
        wanted = {
            "Id": assistant,
            "Instructions": "Be kind.",
            "ChatStorageConnectionSetting": None,
            "CollectionName": "ChatState",
        }
        answer = self.answered(202, "application/json", json.dumps({"assistantId": assistant}))
        value = Datum("json", json.dumps(wanted))
        outputs = {"Assistant": value, "Response": answer.return_value}
        return InvocationResult(Datum("none", None), outputs)

    def listed(self) -> str:
        return json.dumps([{"Id": each["id"], "Task": each["task"]} for each in self.todos])


_WORKERS = {"powershell": PowerShell, "java": TodoWorker, "dotnet-isolated": DotNet}


if __name__ == "__main__":
    worker = _WORKERS[os.environ["FUNCTIONS_WORKER_RUNTIME"]]
    asyncio.run(worker(started_with()).run())
