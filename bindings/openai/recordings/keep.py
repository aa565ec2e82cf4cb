"""Putting a reply into a recording, so that recording the same again changes nothing."""

from __future__ import annotations

from dataclasses import replace

from bindings.openai.models.base import ChatReply, ChatRequest, ToolCall
from bindings.openai.recordings.match import Question
from bindings.openai.recordings.redact import Redactor
from bindings.openai.recordings.tree import (
    ROOT,
    Exchange,
    Recording,
    Reply,
    Scope,
    history_digest,
    is_alike,
    said_key,
    with_call_ids,
)


def scope_of(request: ChatRequest) -> Scope:
    """Return whose recording a request belongs to."""
    if request.assistant:
        return Scope("assistant", request.assistant)
    if request.function:
        return Scope("function", request.function)
    return Scope("requests", request.recording)


def reply_to_keep(reply: ChatReply, redactor: Redactor) -> Reply:
    """Return what may be stored of a reply: no ids and times of the service, no secrets."""
    calls = [
        ToolCall(call.id, call.name, redactor.text(call.arguments)) for call in reply.tool_calls
    ]
    return Reply(redactor.text(reply.content), tuple(calls), reply.finish_reason, reply.usage)


def kept_reply(
    recording: Recording,
    question: Question,
    reply: Reply,
    *,
    seconds: float,
    renew: bool,
    samples: int,
) -> Exchange:
    """Put a reply in and return the exchange that now answers the question.

    What is there already stays as it is, unless it is to be renewed and the model now says
    something else; then what continued it goes, for nobody can get there any more.
    """
    turns = question.history.turns
    parents = recording.continues(turns)[0]
    if not parents:
        parents = [ROOT if len(turns) == 1 else f"~{history_digest(turns[:-1])}"]
    recording.remember(question.facets)
    known = _known(recording, parents, question)
    same = [each for each in known if said_key(each.reply) == said_key(reply)]
    if same and not renew:
        return same[0]
    if same:
        exchange = replace(same[0], facets=question.facets.keys)
        recording.add(exchange)
        return exchange
    if known and not renew and len(known) >= samples:
        return known[0]
    if known and renew and len(known) >= samples:
        identity, parent = known[0].id, known[0].parent
        recording.remove_below(identity)
    else:
        parent = parents[0]
        identity = recording.new_id(parent, question.delta)
    exchange = Exchange(
        identity,
        parent,
        question.delta,
        with_call_ids(reply, identity),
        question.facets.keys,
        seconds,
    )
    recording.add(exchange)
    return exchange


def _known(recording: Recording, parents: list[str], question: Question) -> list[Exchange]:
    """Return what answers the question already, also if only ids and times have changed."""
    equal = [each for parent in parents for each in recording.equal(parent, question.delta)]
    if equal:
        return equal
    alike = [
        each
        for parent in parents
        for each in recording.children(parent)
        if is_alike(each.delta, question.delta)
    ]
    return alike if len(alike) == 1 else []
