"""The form of a recording's file: JSON that people can read and compare, the same for the same
conversation however often it is recorded."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bindings.openai.assistants.state import compact_json
from bindings.openai.models.base import ToolCall, Usage
from bindings.openai.recordings.normalise import (
    DEEPEST,
    Added,
    Normaliser,
    Role,
    digest,
    normal,
    read_value,
)
from bindings.openai.recordings.tree import Exchange, Recording, Reply, Scope
from emulator.sdk import BindingError

VERSION = 1
_WIDTH = 100


class CallForm(msgspec.Struct, omit_defaults=True):
    name: str
    id: str = ""
    arguments: str = ""


class ReplyForm(msgspec.Struct, omit_defaults=True):
    text: str = ""
    calls: list[CallForm] = []
    finish: str = "stop"
    error: dict[str, Any] = {}


class AddedForm(msgspec.Struct, omit_defaults=True):
    """`user` and `system` are texts or parts; a `result` is data, `as` how it was written."""

    user: Any = None
    system: Any = None
    skill: str | None = None
    result: Any = None
    written: str = ""


class TokensForm(msgspec.Struct, omit_defaults=True):
    prompt: int = 0
    completion: int = 0
    total: int = 0


class ExchangeForm(msgspec.Struct, omit_defaults=True, kw_only=True):
    id: str
    parent: str = ""
    added: list[AddedForm]
    reply: ReplyForm
    tokens: TokensForm | None = None
    facets: dict[str, str] = {}
    seconds: float | None = None


class FileForm(msgspec.Struct, omit_defaults=True):
    version: int
    exchanges: list[ExchangeForm]
    assistant: str | None = None
    function: str = ""
    requests: str | None = None
    facets: dict[str, dict[str, Any]] = {}


def file_name(scope: Scope) -> str:
    """Return the name of a scope's file; names that differ only in case get different files."""
    if not scope.name:
        return f"{scope.kind}.json"
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in scope.name)
    kept = kept.lower()[:60].strip("-") or "x"
    return f"{scope.kind}.{kept if kept == scope.name else f'{kept}-{digest(scope.name, 6)}'}.json"


def read_recording(file: Path, normaliser: Normaliser) -> Recording:
    """Read a file; raise `BindingError` when it is none of ours."""
    try:
        form = msgspec.json.decode(file.read_bytes(), type=FileForm)
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise BindingError(
            f"The recording {file} cannot be read: {error}.",
            hint="Take it from version control again, or delete it and record anew.",
            code="recording-unreadable",
        ) from error
    if form.version == VERSION and any(_is_too_deep(each) for each in form.exchanges):
        raise BindingError(
            f"The recording {file} cannot be read: data in it is nested more than {DEEPEST} "
            "levels deep.",
            hint="Delete it and record anew.",
            code="recording-unreadable",
        )
    if form.version != VERSION:
        raise BindingError(
            f"The recording {file} has the version {form.version}; this build reads {VERSION}.",
            hint="Delete it and record anew, or use the build that wrote it.",
            code="recording-unreadable",
        )
    recording = Recording(_scope(form), function=form.function)
    recording.facets = form.facets
    for each in form.exchanges:
        continued = recording.get(each.parent)
        recording.add(_exchange(each, continued, normaliser))
    return recording


def _is_too_deep(form: ExchangeForm) -> bool:
    try:
        for added in form.added:
            normal([added.user, added.system, added.result])
        normal(form.reply.error)
    except RecursionError:
        return True
    return False


def recording_text(recording: Recording) -> str:
    """Return the text of a recording's file."""
    scope = recording.scope
    head: dict[str, Any] = {"version": VERSION}
    if scope.kind != "function" or scope.name != recording.function:
        head[scope.kind] = scope.name
    if recording.function:
        head["function"] = recording.function
    head["facets"] = recording.used_facets()
    head["exchanges"] = [
        msgspec.to_builtins(_exchange_form(each, recording.get(each.parent)))
        for each in recording.in_order()
    ]
    return pretty_json(head) + "\n"


def pretty_json(value: Any, indent: str = "") -> str:
    """Write JSON with what fits on a line on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= _WIDTH or not isinstance(value, (dict, list)) or not value:
        return line
    deeper = indent + "  "
    if isinstance(value, list):
        parts = [f"{deeper}{pretty_json(each, deeper)}" for each in value]
        return "[\n" + ",\n".join(parts) + f"\n{indent}]"
    parts = [
        f"{deeper}{json.dumps(key, ensure_ascii=False)}: {pretty_json(each, deeper)}"
        for key, each in value.items()
    ]
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def write_atomically(file: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, file)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise BindingError(
            f"The recording {file} cannot be written: {error}.",
            hint="Check the folder's rights, or name another by FUNCEMU_RECORDINGS.",
            code="recording-unwritable",
        ) from error


def _scope(form: FileForm) -> Scope:
    if form.assistant is not None:
        return Scope("assistant", form.assistant)
    if form.requests is not None:
        return Scope("requests", form.requests)
    return Scope("function", form.function)


def _exchange(form: ExchangeForm, continued: Exchange | None, normaliser: Normaliser) -> Exchange:
    tokens = form.tokens or TokensForm()
    reply = Reply(
        form.reply.text,
        tuple(ToolCall(call.id, call.name, call.arguments) for call in form.reply.calls),
        form.reply.finish,
        Usage(tokens.total or tokens.prompt + tokens.completion, tokens.prompt, tokens.completion),
        form.reply.error,
    )
    delta = tuple(_added(each, normaliser) for each in form.added)
    facets = {**(continued.facets if continued else {}), **form.facets}
    return Exchange(form.id, form.parent, delta, reply, facets, form.seconds or 0.0)


def _added(form: AddedForm, normaliser: Normaliser) -> Added:
    if form.skill is not None:
        text = form.written if form.written not in _FORMS else _FORMS[form.written](form.result)
        value = normaliser.masked(form.skill, form.result)
        return Added("result", value, form.skill, text)
    role: Role = "user" if form.system is None else "system"
    value = form.user if form.system is None else form.system
    if not isinstance(value, str):
        return Added(role, value)
    folded, clean = normaliser.folded(value)
    return Added(role, folded, text=clean)


def _exchange_form(exchange: Exchange, continued: Exchange | None) -> ExchangeForm:
    """Facets that are those of the exchange before are not repeated."""
    before = continued.facets if continued else {}
    facets = {name: key for name, key in exchange.facets.items() if before.get(name) != key}
    reply, usage = exchange.reply, exchange.reply.usage
    summed = usage.total == usage.prompt + usage.completion
    return ExchangeForm(
        id=exchange.id,
        parent=exchange.parent,
        added=[_added_form(each) for each in exchange.delta],
        reply=ReplyForm(
            reply.text,
            [CallForm(call.name, call.id, call.arguments) for call in reply.calls],
            reply.finish_reason,
            dict(reply.error),
        ),
        tokens=None
        if usage == Usage()
        else TokensForm(usage.prompt, usage.completion, 0 if summed else usage.total),
        facets=dict(sorted(facets.items())),
        seconds=exchange.seconds or None,
    )


def _added_form(added: Added) -> AddedForm:
    if added.role == "result":
        value = read_value(added.text)
        return AddedForm(skill=added.skill, result=value, written=_written(value, added.text))
    said = added.text or added.value
    return AddedForm(system=said) if added.role == "system" else AddedForm(user=said)


def _written(value: Any, text: str) -> str:
    """Return how data was written: the name of a form, or the text itself."""
    return next((name for name, write in _FORMS.items() if write(value) == text), text)


def _quoted(value: Any) -> str:
    """JSON inside a JSON text: what a function returns that calls `json.dumps` itself."""
    return compact_json(json.dumps(value))


_FORMS: Mapping[str, Any] = {
    "": lambda value: value if isinstance(value, str) else compact_json(value),
    "json": compact_json,
    "json in text": _quoted,
}
