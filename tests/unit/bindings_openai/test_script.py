"""Reading model scripts: what is understood, and each mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bindings.openai.models.script import (
    Fault,
    ResultMatch,
    ScriptedCall,
    TextMatch,
    parse_script,
    read_script,
)
from emulator.sdk import BindingError

TODO = """\
version: 1
when_unmatched: deterministic        # or error
scripts:
  - name: todo
    assistant: "*"                   # glob on the assistant id
    turns:
      - user: {contains: remind}     # exact string, {contains}, {regex}, any
        calls: [{AddTodo: {taskDescription: "{user}"}}]
      - result: AddTodo              # or {AddTodo: {failed: true}}
        says: "I added it."
      - user: {regex: "what do i need"}
        calls: [GetTodos: {}]
      - result: GetTodos
        says: "You have {len(result)} tasks."
faults:
  - {match: {contains: slow}, ttft: 800ms, tokens_per_second: 20}
  - {every: 5, status: 429, retry_after: 2s}
  - {match: any, times: 1, cut_stream_after: 3}
"""


def test_the_format_is_understood() -> None:
    script = parse_script(TODO, "model-script.yaml")
    assert script.when_unmatched == "deterministic"
    [chat] = script.chats
    assert (chat.name, chat.assistant, chat.line) == ("todo", "*", 4)
    assert [turn.line for turn in chat.turns] == [7, 9, 11, 13]
    first, second, third, _ = chat.turns
    assert first.user == TextMatch(contains="remind")
    assert first.calls == (ScriptedCall("AddTodo", {"taskDescription": "{user}"}),)
    assert second.results == (ResultMatch("AddTodo", failed=False),)
    assert second.says == "I added it."
    assert third.calls == (ScriptedCall("GetTodos", {}),)
    assert script.faults == (
        Fault(
            "model-script.yaml:16", TextMatch(contains="slow"), latency=0.8, tokens_per_second=20.0
        ),
        Fault("model-script.yaml:17", every=5, status=429, retry_after=2.0),
        Fault("model-script.yaml:18", times=1, cut_after=3),
    )
    assert script.turns == 4


def one_turn(text: str) -> str:
    return f"scripts:\n- turns:\n  - {text}\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the script is empty"),
        ("a: [", 1, "this is not YAML"),
        ("- a", 1, "a model script should have faults, scripts, version, when_unmatched"),
        ("version: 2", 1, "version 2 is unknown; write 1"),
        ("version: 1\nscript: []", 2, "a model script has no 'script'"),
        ("version: 1\nversion: 1", 2, "'version' stands here twice"),
        ("when_unmatched: maybe", 1, "should be deterministic or error, not 'maybe'"),
        ("scripts: {}", 1, "'scripts' should be a list"),
        ("scripts:\n  - name: x", 2, "a script needs 'turns'"),
        ("scripts:\n  - name: [x]\n    turns: []", 2, "needs 'turns'"),
        (one_turn("says: hi"), 3, "a turn begins with either 'user' or 'result'"),
        (one_turn("{user: a, result: b, says: c}"), 3, "either 'user' or 'result'"),
        (one_turn("user: hi"), 3, "a turn needs 'says', 'calls' or both"),
        (one_turn("{user: hi, say: x}"), 3, "a turn has no 'say'"),
        (one_turn("{user: {like: x}, says: x}"), 3, "a condition has no 'like'"),
        (one_turn("{user: {regex: '('}, says: x}"), 3, "is not a regular expression"),
        (one_turn("{user: [a], says: x}"), 3, "'user' should be text"),
        (one_turn("{user: hi, says: [x]}"), 3, "'says' should be text"),
        (one_turn("{user: hi, says: '{usr!}'}"), 3, "'{usr!}' is not a placeholder"),
        (one_turn("{user: hi, says: 'a } b'}"), 3, "there is a single '}'"),
        (one_turn("{user: hi, calls: AddTodo}"), 3, "'calls' should be a list"),
        (one_turn("{user: hi, calls: [{A: {}, B: {}}]}"), 3, "a call names one skill"),
        (one_turn("{user: hi, calls: [{A: x}]}"), 3, "the arguments of 'A' should be names"),
        (one_turn("{user: hi, calls: [{A: {x: ['{}']}}]}"), 3, "'{}' is not a placeholder"),
        (one_turn("{result: {A: {}, B: {}}, says: x}"), 3, "a result names one skill"),
        (one_turn("{result: {A: {failed: no way}}, says: x}"), 3, "'failed' should be true"),
        ("faults:\n- {}", 2, "a fault needs one of content_filter, cut_stream_after, latency"),
        ("faults:\n- {status: 200}", 2, "'status' should be 400 to 599, not 200"),
        ("faults:\n- {status: 500, every: 0}", 2, "'every' should be a number from 1 on"),
        ("faults:\n- {status: 500, times: true}", 2, "'times' should be a number from 1 on"),
        ("faults:\n- {latency: soon}", 2, "'soon' is not a time; write 800ms or 2s"),
        ("faults:\n- {tokens_per_second: 0}", 2, "'tokens_per_second' should be above 0"),
    ],
)
def test_mistakes_are_told_with_file_and_line(text: str, line: int, message: str) -> None:
    with pytest.raises(BindingError) as caught:
        parse_script(text, "model-script.yaml")
    assert caught.value.message.startswith(f"model-script.yaml:{line}: ")
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "seconds"), [("800ms", 0.8), ("2s", 2), ("1.5 s", 1.5), ("1m", 60), ("3", 3)]
)
def test_times_have_units(text: str, seconds: float) -> None:
    [fault] = parse_script(f"faults: [{{latency: {text}}}]", "s").faults
    assert fault.latency == seconds


def test_a_date_among_arguments_stays_text_and_numbers_stay_numbers() -> None:
    text = one_turn("{user: hi, calls: [{A: {day: 2026-01-31, n: 3, ok: true, no: null}}]}")
    [chat] = parse_script(text, "s").chats
    assert chat.turns[0].calls[0].arguments == {
        "day": "2026-01-31",
        "n": 3,
        "ok": True,
        "no": None,
    }


def test_characters_may_be_escaped_in_two_halves_as_in_json() -> None:
    text = one_turn(r'{user: hi, calls: [{A: {"\ud83d\ude00": "\ud83c\udf89 \ud83c"}}]}')
    [chat] = parse_script(text, "s").chats
    assert chat.turns[0].calls[0].arguments == {"😀": "🎉 \ufffd"}


def test_a_script_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(BindingError) as caught:
        read_script(tmp_path / "gone.yaml")
    assert "gone.yaml cannot be read" in caught.value.message
    assert "FUNCEMU_MODEL_SCRIPT" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("match", "said", "fits"),
    [
        (TextMatch(), "anything", True),
        (TextMatch(exact="Hello you"), " Hello \n you ", True),
        (TextMatch(exact="Hello"), "Hello you", False),
        (TextMatch(exact="hello"), "Hello", False),
        (TextMatch(contains="REMIND"), "Please remind me", True),
        (TextMatch(contains="remind", exact="x"), "remind", False),
    ],
)
def test_texts_are_matched_whole_unless_asked_otherwise(
    match: TextMatch, said: str, fits: bool
) -> None:
    assert (match.match(said) is not None) is fits
