"""The tables of `schema.py` as message classes, in a descriptor pool of our own.

A pool of our own, because an app under test may have loaded Azure's own definitions in this
process, and one pool holds a name only once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    message_factory,
    timestamp_pb2,
)

from emulator.workers.functionrpc.schema import FUNCTION_RPC, IDENTITY, NULLABLE, PACKAGE

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    name: getattr(_Field, f"TYPE_{name.upper()}")
    for name in ("string", "bytes", "bool", "double", "int32", "int64", "sint64")
}
_NULLABLE_FILE = "shared/NullableTypes.proto"
_IDENTITY_FILE = "identity/ClaimsIdentityRpc.proto"
_TIMESTAMP_FILE = "google/protobuf/timestamp.proto"
_DURATION_FILE = "google/protobuf/duration.proto"


class Protocol:
    """Makes message classes by name; a message is whatever protobuf makes of it."""

    def __init__(self) -> None:
        self.pool = descriptor_pool.DescriptorPool()
        for known in (duration_pb2, timestamp_pb2):
            self.pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
        self._add(_NULLABLE_FILE, "", NULLABLE, [_TIMESTAMP_FILE])
        self._add(_IDENTITY_FILE, "", IDENTITY, [_NULLABLE_FILE])
        imports = [_DURATION_FILE, _IDENTITY_FILE, _NULLABLE_FILE]
        self._add("FunctionRpc.proto", PACKAGE, FUNCTION_RPC, imports)
        self.StreamingMessage = self.message("StreamingMessage")
        self.TypedData = self.message("TypedData")

    def message(self, name: str) -> Any:
        """Return the class of a message of the protocol."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))

    def _add(self, name: str, package: str, tables: str, imports: list[str]) -> None:
        file = descriptor_pb2.FileDescriptorProto(
            name=name, package=package, syntax="proto3", dependency=imports
        )
        _read_file(file, iter(tables.split("\n")))
        self.pool.AddSerializedFile(file.SerializeToString())


def _read_file(file: Any, lines: Iterator[str]) -> None:
    enums = _enums(file.package)
    for line in lines:
        words = line.split()
        if not words:
            continue
        if words[0] == "message":
            _read_message(file.message_type.add(name=words[1]), lines, file.package, enums)
        else:
            _read_enum(file.enum_type.add(name=words[1]), lines)


def _read_message(message: Any, lines: Iterator[str], package: str, enums: frozenset[str]) -> None:
    oneof = False
    for line in lines:
        words = line.split()
        if words == ["end"]:
            if not oneof:
                return
            oneof = False
        elif words[0] == "enum" and len(words) == 2:
            _read_enum(message.enum_type.add(name=words[1]), lines)
        elif words[0] == "oneof" and len(words) == 2:
            message.oneof_decl.add(name=words[1])
            oneof = True
        else:
            field = message.field.add(name=words[-2], number=int(words[-1]))
            field.label = _Field.LABEL_OPTIONAL
            if oneof:
                field.oneof_index = len(message.oneof_decl) - 1
            kind = words[-3]
            if words[0] == "map":
                kind = _map_entry(message, words[-2], package, words[1], kind, enums)
            if words[0] in ("map", "repeated"):
                field.label = _Field.LABEL_REPEATED
            _set_type(field, kind, package, message.name, enums)


def _read_enum(enum: Any, lines: Iterator[str]) -> None:
    for line in lines:
        words = line.split()
        if words == ["end"]:
            return
        enum.value.add(name=words[0], number=int(words[1]))


def _map_entry(
    message: Any, field: str, package: str, key: str, value: str, enums: frozenset[str]
) -> str:
    """Add the hidden message that carries one entry of a map; return its full name."""
    name = "".join(f"{part[:1].upper()}{part[1:]}" for part in field.split("_")) + "Entry"
    entry = message.nested_type.add(name=name)
    entry.options.map_entry = True
    for number, (which, kind) in enumerate((("key", key), ("value", value)), start=1):
        part = entry.field.add(name=which, number=number, label=_Field.LABEL_OPTIONAL)
        _set_type(part, kind, package, message.name, enums)
    return f".{package}.{message.name}.{name}"


def _set_type(field: Any, kind: str, package: str, owner: str, enums: frozenset[str]) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
        return
    name = kind if kind.startswith(".") else f".{package}.{kind}"
    if f".{package}.{owner}.{kind}" in enums:
        name = f".{package}.{owner}.{kind}"
    field.type = _Field.TYPE_ENUM if name in enums else _Field.TYPE_MESSAGE
    field.type_name = name


def _enums(package: str) -> frozenset[str]:
    """Return the full names of the enums, which fields name before they are met."""
    found, message = set(), ""
    for line in FUNCTION_RPC.split("\n"):
        words = line.split()
        if words[:1] == ["message"] and not line.startswith(" "):
            message = f"{words[1]}."
        elif words[:1] == ["enum"] and len(words) == 2:
            found.add(f".{package}.{message if line.startswith(' ') else ''}{words[1]}")
    return frozenset(found)
