"""YAML with lines: values that know where in the file they stand."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bindings.openai.chats.base import storable
from emulator.sdk import BindingError

T = TypeVar("T")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m)?")
_MOST_SECONDS = 86_400.0
_DEEPEST = 50
_MOST_NODES = 20_000
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its line; mappings and lists hold nodes again."""

    value: Any
    line: int
    key_lines: Mapping[str, int] = field(default_factory=dict)


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


class NodeReader:
    """Reads nodes as what they should be; a mistake is an error with file and line."""

    def __init__(self, file: str) -> None:
        self._file = file

    def members(self, node: Node, what: str, known: set[str]) -> dict[str, Node]:
        if not isinstance(node.value, dict):
            raise self.wrong(node, f"{what} should have {', '.join(sorted(known))}")
        for name in node.value:
            if name not in known:
                line = node.key_lines.get(name, node.line)
                raise wrong(
                    self._file,
                    line,
                    f"{what} has no '{name}'; it may have {', '.join(sorted(known))}",
                )
        return dict(node.value)

    def list(self, node: Node | None, name: str, read: Callable[[Node], T]) -> list[T]:
        if node is None or node.value is None:
            return []
        if not isinstance(node.value, list):
            raise self.wrong(node, f"'{name}' should be a list")
        return [read(each) for each in node.value]

    def text(self, node: Node | None, name: str, default: str) -> str:
        if node is None:
            return default
        if isinstance(node.value, (dict, list)) or node.value is None:
            raise self.wrong(node, f"'{name}' should be text")
        return str(node.value)

    def optional_text(self, node: Node | None, name: str) -> str | None:
        return None if node is None else self.text(node, name, "")

    def match(self, node: Node) -> TextMatch:
        """Read a condition on a text: an exact one, `any`, `{contains}` or `{regex}`."""
        if isinstance(node.value, dict):
            members = self.members(node, "a condition", {"exact", "contains", "regex"})
            regex = members.get("regex")
            return TextMatch(
                self.optional_text(members.get("exact"), "exact"),
                self.optional_text(members.get("contains"), "contains"),
                None if regex is None else self._regex(regex),
            )
        text = self.text(node, "user", "")
        return TextMatch() if text == "any" else TextMatch(exact=text)

    def count(self, node: Node | None, name: str) -> int | None:
        if node is None:
            return None
        if not isinstance(node.value, int) or isinstance(node.value, bool) or node.value < 1:
            raise self.wrong(node, f"'{name}' should be a number from 1 on, not {node.value!r}")
        return node.value

    def seconds(self, node: Node) -> float:
        match = _DURATION.fullmatch(str(node.value).strip())
        if match is None:
            raise self.wrong(node, f"{node.value!r} is not a time; write 800ms or 2s")
        seconds = float(match[1]) * _SECONDS[match[2] or "s"]
        if seconds > _MOST_SECONDS:
            raise self.wrong(node, f"{str(node.value)[:40]!r} is more than a day")
        return seconds

    def wrong(self, node: Node, message: str) -> BindingError:
        return wrong(self._file, node.line, message)

    def _regex(self, node: Node) -> re.Pattern[str]:
        try:
            with warnings.catch_warnings():  # about what may mean something else one day
                warnings.simplefilter("ignore")
                return re.compile(self.text(node, "regex", ""), re.IGNORECASE)
        except (re.error, OverflowError, RecursionError) as error:
            raise self.wrong(node, f"'{node.value}' is not a regular expression: {error}") from None


def read_nodes(text: str, file: str) -> Node:
    """Parse YAML; raise `BindingError` with file and line when it is none."""
    import yaml  # here for start-up cost: only apps with a script need it

    try:
        node = yaml.compose(text, Loader=_bounded_loader(file))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or error
        raise wrong(file, line, f"this is not YAML: {problem}") from error
    if node is None:
        raise wrong(file, 1, "the script is empty")
    return _Plain(file).node(node, 0)


def _bounded_loader(file: str) -> Any:
    """Return a loader that stops where it gets too deep, rather than read on to the end."""
    import yaml  # here for start-up cost

    class Bounded(yaml.SafeLoader):
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.depth += 1
            if self.depth > _DEEPEST:
                events: Any = self  # its methods have no types
                line = events.peek_event().start_mark.line + 1
                raise wrong(file, line, f"this is nested more than {_DEEPEST} levels deep")
            try:
                return super().compose_node(parent, index)
            finally:
                self.depth -= 1

        def compose_scalar_node(self, anchor: Any) -> Any:
            node = super().compose_scalar_node(anchor)
            node.value = storable(node.value)  # JSON escapes a character in two halves
            return node

    return Bounded


def wrong(file: str, line: int, message: str) -> BindingError:
    return BindingError(
        f"{file}:{line}: {message}.", hint="Correct the model script.", code="model-script-invalid"
    )


class _Plain:
    """Turns the nodes of a file into ours. An alias stands for all of what it names, so what few
    lines say may be without end: there is a limit."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._left = _MOST_NODES
        self._scalars: dict[Any, Node] = {}

    def node(self, node: Any, depth: int) -> Node:
        import yaml  # here for start-up cost

        line = node.start_mark.line + 1
        self._left -= 1
        if depth > _DEEPEST:
            raise wrong(self._file, line, f"this is nested more than {_DEEPEST} levels deep")
        if self._left < 0:
            raise wrong(self._file, line, f"with its aliases it has more than {_MOST_NODES} values")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, line, depth)
        if isinstance(node, yaml.SequenceNode):
            return Node([self.node(each, depth + 1) for each in node.value], line)
        known = self._scalars.get(node)
        return known if known is not None else self._scalar(node, line)

    def _scalar(self, node: Any, line: int) -> Node:
        import yaml  # here for start-up cost

        # A loader of its own per scalar: the resolver has already found out the type.
        constructor = yaml.SafeLoader("")
        try:
            read = self._scalars[node] = Node(constructor.construct_object(node), line)
            return read
        except (AttributeError, LookupError, TypeError, ValueError, yaml.YAMLError) as error:
            shown = f"'{node.value[:80]}' cannot be read as {node.tag.rpartition(':')[2]}"
            raise wrong(self._file, line, shown) from error
        finally:
            constructor.dispose()

    def _mapping(self, node: Any, line: int, depth: int) -> Node:
        members: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            at = key.start_mark.line + 1
            if not isinstance(key.value, str):
                raise wrong(self._file, at, "a name should be text")
            if key.value in members:
                raise wrong(self._file, at, f"'{key.value}' stands here twice")
            members[key.value] = self.node(value, depth + 1)
            lines[key.value] = at
        return Node(members, line, lines)
