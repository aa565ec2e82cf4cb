"""The file format of model scripts: YAML to values, every mistake told with its line.

version: 1
when_unmatched: deterministic        # or error
scripts:
  - name: todo
    assistant: "*"                   # glob on the assistant id
    turns:
      - user: {contains: remind}     # exact text, {contains}, {regex}, or any
        calls: [{AddTodo: {taskDescription: "{user}"}}]
      - result: AddTodo              # or {AddTodo: {failed: true}}
        says: "I added it."
faults:                              # what can go wrong: see `faults`
  - {match: {contains: slow}, latency: 800ms}
  - {every: 5, status: 429, retry_after: 2s}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bindings.openai.models.faults import Fault, read_fault
from bindings.openai.models.templates import TemplateError, check
from bindings.openai.models.yamlnodes import Node, NodeReader, TextMatch, read_nodes
from emulator.sdk import BindingError


@dataclass(frozen=True, slots=True)
class ResultMatch:
    """A skill's result; `failed` is `None` when both will do."""

    skill: str | None
    failed: bool | None = False
    text: TextMatch = TextMatch()


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ScriptTurn:
    """Either `user` or `results` says when; `says` and `calls` are the reply."""

    line: int
    user: TextMatch | None = None
    results: tuple[ResultMatch, ...] = ()
    says: str = ""
    calls: tuple[ScriptedCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ScriptedChat:
    name: str
    assistant: str
    turns: tuple[ScriptTurn, ...]
    line: int


@dataclass(frozen=True, slots=True)
class ModelScript:
    file: str
    chats: tuple[ScriptedChat, ...] = ()
    faults: tuple[Fault, ...] = ()
    when_unmatched: Literal["deterministic", "error"] = "deterministic"

    @property
    def turns(self) -> int:
        return sum(len(chat.turns) for chat in self.chats)


def read_script(path: Path) -> ModelScript:
    """Read a script file; raise `BindingError` naming file and line when it cannot be used."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BindingError(
            f"The model script {path} cannot be read: {error}.",
            hint="Correct FUNCEMU_MODEL_SCRIPT, or remove it to use the offline model.",
            code="model-script-invalid",
        ) from error
    return parse_script(text, path.name)


def parse_script(text: str, file: str) -> ModelScript:
    """Parse the text of a script; `file` is its name in messages."""
    return _Reader(file).script(read_nodes(text, file))


class _Reader:
    """Turns nodes into the values above."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._read = NodeReader(file)

    def script(self, node: Node) -> ModelScript:
        members = self._read.members(
            node, "a model script", {"version", "when_unmatched", "scripts", "faults"}
        )
        version = members.get("version")
        if version is not None and version.value != 1:
            raise self._read.wrong(version, f"version {version.value!r} is unknown; write 1")
        unmatched = members.get("when_unmatched")
        if unmatched is not None and unmatched.value not in {"deterministic", "error"}:
            raise self._read.wrong(
                unmatched,
                f"'when_unmatched' should be deterministic or error, not {unmatched.value!r}",
            )
        return ModelScript(
            self._file,
            tuple(self._read.list(members.get("scripts"), "scripts", self._chat)),
            tuple(
                self._read.list(
                    members.get("faults"), "faults", lambda each: read_fault(each, self._file)
                )
            ),
            unmatched.value if unmatched is not None else "deterministic",
        )

    def _chat(self, node: Node) -> ScriptedChat:
        members = self._read.members(node, "a script", {"name", "assistant", "turns"})
        turns = tuple(self._read.list(members.get("turns"), "turns", self._turn))
        if not turns:
            raise self._read.wrong(node, "a script needs 'turns'")
        return ScriptedChat(
            self._read.text(members.get("name"), "name", "script"),
            self._read.text(members.get("assistant"), "assistant", "*"),
            turns,
            node.line,
        )

    def _turn(self, node: Node) -> ScriptTurn:
        members = self._read.members(node, "a turn", {"user", "result", "says", "calls"})
        if ("user" in members) == ("result" in members):
            raise self._read.wrong(node, "a turn begins with either 'user' or 'result'")
        says = self._template(members.get("says"), "says")
        calls = tuple(self._read.list(members.get("calls"), "calls", self._call))
        if not says and not calls:
            raise self._read.wrong(node, "a turn needs 'says', 'calls' or both")
        if "user" in members:
            return ScriptTurn(node.line, self._read.match(members["user"]), (), says, calls)
        results = members["result"]
        wanted = results.value if isinstance(results.value, list) else [results]
        return ScriptTurn(
            node.line, None, tuple(self._result(each) for each in wanted), says, calls
        )

    def _result(self, node: Node) -> ResultMatch:
        if not isinstance(node.value, dict):
            name = self._read.text(node, "result", "")
            return ResultMatch(None if name == "any" else name)
        if len(node.value) != 1:
            raise self._read.wrong(node, "a result names one skill")
        name, condition = next(iter(node.value.items()))
        members = self._read.members(
            condition, f"the result of '{name}'", {"failed", "exact", "contains", "regex"}
        )
        failed = members.pop("failed", None)
        if failed is not None and not isinstance(failed.value, bool) and failed.value != "any":
            raise self._read.wrong(failed, "'failed' should be true, false or any")
        wanted = False if failed is None else failed.value
        return ResultMatch(
            None if name == "any" else name,
            None if wanted == "any" else bool(wanted),
            self._read.match(Node(members, condition.line, condition.key_lines)),
        )

    def _call(self, node: Node) -> ScriptedCall:
        if isinstance(node.value, str):
            return ScriptedCall(node.value, {})
        if not isinstance(node.value, dict) or len(node.value) != 1:
            raise self._read.wrong(node, "a call names one skill, such as AddTodo: {text: milk}")
        name, arguments = next(iter(node.value.items()))
        if arguments.value is None:
            return ScriptedCall(name, {})
        if not isinstance(arguments.value, dict):
            raise self._read.wrong(
                arguments, f"the arguments of '{name}' should be names with values"
            )
        return ScriptedCall(name, self._data(arguments))

    def _data(self, node: Node) -> Any:
        """Return plain data; texts in it are templates and are checked."""
        if isinstance(node.value, dict):
            return {key: self._data(value) for key, value in node.value.items()}
        if isinstance(node.value, list):
            return [self._data(value) for value in node.value]
        if isinstance(node.value, str):
            return self._template(node, "arguments")
        return (
            node.value
            if isinstance(node.value, (int, float, bool, type(None)))
            else str(node.value)
        )

    def _template(self, node: Node | None, name: str) -> str:
        text = self._read.text(node, name, "")
        try:
            check(text)
        except TemplateError as error:
            assert node is not None
            raise self._read.wrong(node, str(error)) from None
        return text
