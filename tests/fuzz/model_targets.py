"""Files about models: scripts, faults, recordings, rules, vectors."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from bindings.openai.models.base import ChatRequest
from bindings.openai.models.deterministic import DeterministicBackend
from bindings.openai.models.embedding import from_base64
from bindings.openai.models.faults import FaultPlan, fault_form, parse_faults
from bindings.openai.models.scripted import ScriptedBackend
from bindings.openai.recordings.embeddings import RecordedVectors
from bindings.openai.recordings.facets import facets_of
from bindings.openai.recordings.files import recording_text
from bindings.openai.recordings.match import Question, find
from bindings.openai.recordings.redact import Redactor
from bindings.openai.recordings.rules import Rules, read_rules
from bindings.openai.recordings.store import RecordingStore
from bindings.openai.recordings.tree import Scope
from emulator.clock import SystemClock
from emulator.sdk import BindingError
from tests.fuzz.config_targets import BREAK
from tests.fuzz.grammar import SCALARS, TEXTS, VALUES, one_of, record, written
from tests.fuzz.target import Check, Target, as_bytes, text_of

_CHAT = (
    {"role": "user", "content": "Remind me to call my dad"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "AddTodo", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": '{"id": 1}'},
)
_REQUESTS = tuple(
    ChatRequest("m", _CHAT[:count], assistant="a1", function="f") for count in (1, len(_CHAT))
)


def _named(error: BindingError) -> None:
    assert error.message
    assert error.code != BindingError.code, error.message


@contextmanager
def script() -> Iterator[Check]:
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        path = Path(folder) / "model-script.yaml"

        def check(data: bytes) -> None:
            path.write_bytes(data[:20_000])  # reading YAML takes its time
            backend = ScriptedBackend(path, otherwise=DeterministicBackend(SystemClock()))
            try:
                read = backend.current()
            except BindingError as error:
                _named(error)
                assert "model-script.yaml" in error.message
                return
            for request in _REQUESTS:
                with suppress(BindingError):
                    reply = runner.run(backend.chat(request))
                    json.dumps(reply.content)
                    for call in reply.tool_calls:
                        json.loads(call.arguments)
            plan = FaultPlan(SystemClock())
            for fault in read.faults:
                json.dumps(fault_form(fault))
                assert 0 <= fault.latency < 1e9
            plan.add(*read.faults)
            plan.effect(_REQUESTS[0])

        yield check


@contextmanager
def faults() -> Iterator[Check]:
    def check(data: bytes) -> None:
        try:
            found = parse_faults(text_of(data[:20_000]), "a test")  # more is not taken in
        except BindingError as error:
            _named(error)
            return
        plan = FaultPlan(SystemClock())
        plan.add(*found)
        for fault in plan.added:
            json.dumps(fault_form(fault))
        plan.effect(_REQUESTS[0])

    yield check


@contextmanager
def recordings() -> Iterator[Check]:
    """A recording of a chat, rules, and vectors."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "assistant.a1.json"

        def check(data: bytes) -> None:
            chats, _, rest = data.partition(BREAK)
            rules_file, _, vectors_file = rest.partition(BREAK)
            file.write_bytes(chats)
            (folder / "rules.json").write_bytes(rules_file)
            (folder / "embeddings.json").write_bytes(vectors_file)
            rules = Rules()
            try:
                rules = read_rules(folder)
            except BindingError as error:
                _named(error)
            redactor = Redactor(["secret"])
            store = RecordingStore(folder, rules=rules, redactor=redactor)
            try:
                store.refresh()
            except BindingError as error:
                _named(error)
            else:
                _use(store, rules, redactor)
            vectors = RecordedVectors(folder, redactor)
            try:
                vectors.refresh()
            except BindingError as error:
                _named(error)
                return
            for model in vectors.models():
                vectors.length(model)
                for text in vectors.texts(model):
                    form = vectors.get((model, None, text))
                    assert form is None or from_base64(form.vector) is not None

        def _use(store: RecordingStore, rules: Rules, redactor: Redactor) -> None:
            for recording in store:
                text = recording_text(recording)
                file.write_text(text, encoding="utf-8")
                again = RecordingStore(folder, rules=rules, redactor=redactor)
                again.refresh()
                assert [recording_text(each) for each in again] == [text]
            for request in _REQUESTS:
                history = store.normaliser.history(request.messages)
                facets = facets_of(request, history.instructions, redactor)
                find(store, Question(Scope("assistant", "a1"), "f", history, facets))

        yield check


_MATCH = st.one_of(
    TEXTS,
    record(contains=TEXTS, exact=TEXTS, regex=one_of("(?P<x>.*)", "(", "(a+)+$", "[[a]", "x{9999999}")),
)  # fmt: skip
_FAULT = record(
    match=_MATCH,
    assistant=one_of("*", "[", "a*"),
    every=SCALARS,
    times=SCALARS,
    latency=one_of("1ms", "9" * 400 + "s", 5, "1m"),
    ttft=TEXTS,
    tokens_per_second=one_of(1, 1e-300, 1e308, True),
    status=one_of(429, 503, True),
    code=TEXTS,
    retry_after=one_of("2s", "9" * 400 + "s"),
    cut_stream_after=SCALARS,
    content_filter=one_of("prompt", "reply", True),
    truncate_arguments=SCALARS,
    limit=record(tokens=SCALARS, requests=SCALARS, per=one_of("1m", "0s")),
)
_ANSWER = one_of("{user}", "{x}", "{result.a}", "{", "I added it.", "{len(results)}")
_TURN = record(
    user=_MATCH,
    result=st.one_of(one_of("AddTodo", "any"), st.dictionaries(TEXTS, VALUES, max_size=2)),
    says=st.one_of(_ANSWER, TEXTS),
    calls=st.lists(
        st.one_of(TEXTS, st.dictionaries(TEXTS, st.dictionaries(TEXTS, VALUES, max_size=2))),
        max_size=2,
    ),
)
_SCRIPT = record(
    version=one_of(1, 2, True, 1.0),
    when_unmatched=one_of("deterministic", "error"),
    scripts=st.lists(
        record(name=TEXTS, assistant=one_of("*", "a[", "a1"), turns=st.lists(_TURN, max_size=3)),
        max_size=2,
    ),
    faults=st.lists(_FAULT, max_size=2),
)
_ODD_YAML = st.sampled_from(
    [
        "&a [*a]", "a: &a {b: *a}", "[" * 5000, "- " * 5000, "!!int ''", "!!bool x", "!!timestamp x",
        "!!python/object:os.system x", "!!binary '='", "? [a]\n: b", "1:99:99", "2001-99-99", "\x00", "!!float x",
        "!!set {a}", "<<: *x", "--- a\n--- b", "%YAML 9.9\n---\n", "!<x> y", "'" * 99, "{a: 0o9}", "!!map x",
        "a: " + "9" * 5000, "!!str [a]", "0b", "0x", "+.inf", "-0x_", "0b_", "!!int _", "!!int 0x",
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        "d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]\n"
        "g: &g [*e,*e,*e,*e,*e,*e,*e,*e]\nh: [*g,*g,*g,*g,*g,*g,*g,*g]",
    ]
).map(as_bytes)  # fmt: skip


def _yaml(values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return values.map(lambda value: as_bytes(yaml.safe_dump(value, allow_unicode=True)))


_CALL = record(name=TEXTS, id=TEXTS, arguments=one_of("{}", "[", '{"a":1}'))
_ADDED = record(
    user=VALUES,
    system=VALUES,
    skill=one_of("AddTodo", "x"),
    result=VALUES,
    written=one_of("", "json", "json in text", "x"),
)
_EXCHANGE = st.builds(
    lambda base, more: {**base, **more},
    st.fixed_dictionaries(
        {
            "id": one_of("e1", "e2", "e3", ""),
            "added": st.lists(_ADDED, max_size=2),
            "reply": record(text=TEXTS, calls=st.lists(_CALL, max_size=2), finish=TEXTS),
        }
    ),
    record(
        parent=one_of("", "e1", "e2", "e3", "~x"),
        tokens=record(prompt=SCALARS, completion=SCALARS, total=SCALARS),
        facets=st.dictionaries(one_of("tools", "model", "x"), TEXTS, max_size=2),
        seconds=SCALARS,
    ),
)
_RECORDING = st.builds(
    lambda base, more: {**base, **more},
    st.fixed_dictionaries(
        {
            "version": one_of(1),
            "assistant": one_of("a1"),
            "exchanges": st.lists(_EXCHANGE, max_size=4),
        }
    ),
    record(function=TEXTS, facets=st.dictionaries(TEXTS, st.dictionaries(TEXTS, VALUES))),
)
_RULES = record(
    facets=record(tools=one_of("warn", "x")),
    ignore=st.dictionaries(one_of("AddTodo"), st.lists(one_of("$.id", "$..id", "$['']", "$", "$.*[*]"))),
    opaque=st.booleans(),
    samples=SCALARS,
    pace=SCALARS,
)  # fmt: skip
_VECTORS = record(
    version=one_of(1),
    models=st.dictionaries(
        TEXTS,
        st.lists(
            st.fixed_dictionaries(
                {"text": TEXTS, "vector": one_of("AACAPw==", "AAA=", "", "x", "AACAPwAAgD8=")}
            ),
            max_size=2,
        ),
        max_size=2,
    ),
)

TARGETS = (
    Target("script", script, st.one_of(_yaml(_SCRIPT), written(_SCRIPT), _ODD_YAML), examples=80),
    Target("faults", faults, st.one_of(_yaml(_FAULT), written(_FAULT), _ODD_YAML), examples=80),
    Target(
        "recordings",
        recordings,
        st.tuples(written(_RECORDING), written(_RULES), written(_VECTORS)).map(BREAK.join),
    ),
)
