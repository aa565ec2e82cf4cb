"""YAML with lines: values that know where in the file they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.sdk import BindingError


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its line; mappings and lists hold nodes again."""

    value: Any
    line: int
    key_lines: Mapping[str, int] = field(default_factory=dict)


def read_nodes(text: str, file: str) -> Node:
    """Parse YAML; raise `BindingError` with file and line when it is none."""
    import yaml  # here for start-up cost: only apps with a script need it

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or error
        raise wrong(file, line, f"this is not YAML: {problem}") from error
    if node is None:
        raise wrong(file, 1, "the script is empty")
    return _plain(node, file)


def wrong(file: str, line: int, message: str) -> BindingError:
    return BindingError(
        f"{file}:{line}: {message}.", hint="Correct the model script.", code="model-script-invalid"
    )


def _plain(node: Any, file: str) -> Node:
    import yaml  # here for start-up cost

    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        members: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in members:
                raise wrong(file, key.start_mark.line + 1, f"'{name}' stands here twice")
            members[name] = _plain(value, file)
            lines[name] = key.start_mark.line + 1
        return Node(members, line, lines)
    if isinstance(node, yaml.SequenceNode):
        return Node([_plain(each, file) for each in node.value], line)
    # A loader of its own per scalar: the resolver has already found out the type.
    constructor = yaml.SafeLoader("")
    try:
        return Node(constructor.construct_object(node), line)
    except (ValueError, yaml.YAMLError) as error:
        raise wrong(file, line, f"'{node.value}' cannot be read: {error}") from error
    finally:
        constructor.dispose()
