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
faults:
  - {match: {contains: slow}, latency: 800ms}
  - {every: 5, status: 429, retry_after: 2s}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bindings.openai.models.templates import TemplateError, check
from bindings.openai.models.yamlnodes import Node, read_nodes, wrong
from emulator.sdk import BindingError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class TextMatch:
    """What a text must be like; everything that is given must hold."""

    exact: str | None = None
    contains: str | None = None
    regex: re.Pattern[str] | None = None

    def match(self, text: str) -> Mapping[str, str] | None:
        """Return the groups of the regex, or `None` when the text is not like that."""
        folded = " ".join(text.split())
        if self.exact is not None and folded != " ".join(self.exact.split()):
            return None
        if self.contains is not None and self.contains.lower() not in folded.lower():
            return None
        if self.regex is None:
            return {}
        found = self.regex.search(text)
        return None if found is None else {k: v or "" for k, v in found.groupdict().items()}


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
class Fault:
    """Trouble the service has: from time to time (`every`), at first (`times`), or always."""

    line: int
    match: TextMatch = TextMatch()
    every: int | None = None
    times: int | None = None
    latency: float = 0.0
    tokens_per_second: float | None = None
    status: int | None = None
    retry_after: float | None = None
    breaks: bool = False


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

    def script(self, node: Node) -> ModelScript:
        members = self._members(
            node, "a model script", {"version", "when_unmatched", "scripts", "faults"}
        )
        version = members.get("version")
        if version is not None and version.value != 1:
            raise self._wrong(version, f"version {version.value!r} is unknown; write 1")
        unmatched = members.get("when_unmatched")
        if unmatched is not None and unmatched.value not in {"deterministic", "error"}:
            raise self._wrong(
                unmatched,
                f"'when_unmatched' should be deterministic or error, not {unmatched.value!r}",
            )
        return ModelScript(
            self._file,
            tuple(self._list(members.get("scripts"), "scripts", self._chat)),
            tuple(self._list(members.get("faults"), "faults", self._fault)),
            unmatched.value if unmatched is not None else "deterministic",
        )

    def _chat(self, node: Node) -> ScriptedChat:
        members = self._members(node, "a script", {"name", "assistant", "turns"})
        turns = tuple(self._list(members.get("turns"), "turns", self._turn))
        if not turns:
            raise self._wrong(node, "a script needs 'turns'")
        return ScriptedChat(
            self._text(members.get("name"), "name", "script"),
            self._text(members.get("assistant"), "assistant", "*"),
            turns,
            node.line,
        )

    def _turn(self, node: Node) -> ScriptTurn:
        members = self._members(node, "a turn", {"user", "result", "says", "calls"})
        if ("user" in members) == ("result" in members):
            raise self._wrong(node, "a turn begins with either 'user' or 'result'")
        says = self._template(members.get("says"), "says")
        calls = tuple(self._list(members.get("calls"), "calls", self._call))
        if not says and not calls:
            raise self._wrong(node, "a turn needs 'says', 'calls' or both")
        if "user" in members:
            return ScriptTurn(node.line, self._match(members["user"]), (), says, calls)
        results = members["result"]
        wanted = results.value if isinstance(results.value, list) else [results]
        return ScriptTurn(
            node.line, None, tuple(self._result(each) for each in wanted), says, calls
        )

    def _match(self, node: Node) -> TextMatch:
        if isinstance(node.value, dict):
            members = self._members(node, "a condition", {"exact", "contains", "regex"})
            regex = members.get("regex")
            return TextMatch(
                self._optional_text(members.get("exact"), "exact"),
                self._optional_text(members.get("contains"), "contains"),
                None if regex is None else self._regex(regex),
            )
        text = self._text(node, "user", "")
        return TextMatch() if text == "any" else TextMatch(exact=text)

    def _regex(self, node: Node) -> re.Pattern[str]:
        try:
            return re.compile(self._text(node, "regex", ""), re.IGNORECASE)
        except re.error as error:
            raise self._wrong(
                node, f"'{node.value}' is not a regular expression: {error}"
            ) from None

    def _result(self, node: Node) -> ResultMatch:
        if not isinstance(node.value, dict):
            name = self._text(node, "result", "")
            return ResultMatch(None if name == "any" else name)
        if len(node.value) != 1:
            raise self._wrong(node, "a result names one skill")
        name, condition = next(iter(node.value.items()))
        members = self._members(
            condition, f"the result of '{name}'", {"failed", "exact", "contains", "regex"}
        )
        failed = members.pop("failed", None)
        if failed is not None and not isinstance(failed.value, bool) and failed.value != "any":
            raise self._wrong(failed, "'failed' should be true, false or any")
        wanted = False if failed is None else failed.value
        return ResultMatch(
            None if name == "any" else name,
            None if wanted == "any" else bool(wanted),
            self._match(Node(members, condition.line, condition.key_lines)),
        )

    def _call(self, node: Node) -> ScriptedCall:
        if isinstance(node.value, str):
            return ScriptedCall(node.value, {})
        if not isinstance(node.value, dict) or len(node.value) != 1:
            raise self._wrong(node, "a call names one skill, such as AddTodo: {text: milk}")
        name, arguments = next(iter(node.value.items()))
        if arguments.value is None:
            return ScriptedCall(name, {})
        if not isinstance(arguments.value, dict):
            raise self._wrong(arguments, f"the arguments of '{name}' should be names with values")
        return ScriptedCall(name, self._data(arguments))

    def _fault(self, node: Node) -> Fault:
        members = self._members(
            node,
            "a fault",
            {
                "match",
                "every",
                "times",
                "latency",
                "ttft",
                "tokens_per_second",
                "status",
                "retry_after",
                "cut_stream_after",
            },
        )
        latency = members.get("latency") or members.get("ttft")
        fault = Fault(
            node.line,
            self._match(members["match"]) if "match" in members else TextMatch(),
            self._count(members.get("every"), "every"),
            self._count(members.get("times"), "times"),
            0.0 if latency is None else self._seconds(latency),
            self._speed(members.get("tokens_per_second")),
            self._status(members.get("status")),
            self._seconds(members["retry_after"]) if "retry_after" in members else None,
            "cut_stream_after" in members,
        )
        if fault.status is None and not (fault.latency or fault.tokens_per_second or fault.breaks):
            raise self._wrong(node, "a fault needs 'status', 'latency' or 'tokens_per_second'")
        return fault

    def _status(self, node: Node | None) -> int | None:
        if node is None:
            return None
        if not isinstance(node.value, int) or not 400 <= node.value <= 599:
            raise self._wrong(node, f"'status' should be 400 to 599, not {node.value!r}")
        return node.value

    def _count(self, node: Node | None, name: str) -> int | None:
        if node is None:
            return None
        if not isinstance(node.value, int) or isinstance(node.value, bool) or node.value < 1:
            raise self._wrong(node, f"'{name}' should be a number from 1 on, not {node.value!r}")
        return node.value

    def _speed(self, node: Node | None) -> float | None:
        if node is None:
            return None
        if not isinstance(node.value, (int, float)) or node.value <= 0:
            raise self._wrong(node, f"'tokens_per_second' should be above 0, not {node.value!r}")
        return float(node.value)

    def _seconds(self, node: Node) -> float:
        match = _DURATION.fullmatch(str(node.value).strip())
        if match is None:
            raise self._wrong(node, f"{node.value!r} is not a time; write 800ms or 2s")
        return float(match[1]) * _SECONDS[match[2] or "s"]

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
        text = self._text(node, name, "")
        try:
            check(text)
        except TemplateError as error:
            assert node is not None
            raise self._wrong(node, str(error)) from None
        return text

    def _members(self, node: Node, what: str, known: set[str]) -> dict[str, Node]:
        if not isinstance(node.value, dict):
            raise self._wrong(node, f"{what} should have {', '.join(sorted(known))}")
        for name in node.value:
            if name not in known:
                line = node.key_lines.get(name, node.line)
                raise wrong(
                    self._file,
                    line,
                    f"{what} has no '{name}'; it may have {', '.join(sorted(known))}",
                )
        return dict(node.value)

    def _list(self, node: Node | None, name: str, read: Callable[[Node], Any]) -> list[Any]:
        if node is None or node.value is None:
            return []
        if not isinstance(node.value, list):
            raise self._wrong(node, f"'{name}' should be a list")
        return [read(each) for each in node.value]

    def _text(self, node: Node | None, name: str, default: str) -> str:
        if node is None:
            return default
        if isinstance(node.value, (dict, list)) or node.value is None:
            raise self._wrong(node, f"'{name}' should be text")
        return str(node.value)

    def _optional_text(self, node: Node | None, name: str) -> str | None:
        return None if node is None else self._text(node, name, "")

    def _wrong(self, node: Node, message: str) -> BindingError:
        return wrong(self._file, node.line, message)
