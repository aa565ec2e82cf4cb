"""Values on their way to and from an official worker."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.errors import WorkerProtocolError
from emulator.model import NONE, Datum, HttpRequestData, HttpResponseData
from emulator.workers.functionrpc.protocol import Protocol
from emulator.workers.functionrpc.values import datum_of, fill

PROTOCOL = Protocol()
COLLECTIONS = {"TypedDataCollection": ""}


def typed(datum: Datum, capabilities: dict[str, str] | None = None) -> Any:
    message = PROTOCOL.TypedData()
    fill(message, datum, capabilities or {})
    return message


def many(kind: Any, *values: object) -> Datum:
    return Datum("list", tuple(Datum(kind, each) for each in values))


SAME = [
    (Datum("text", "é"), "string"),
    (Datum("json", '{"a":1}'), "json"),
    (Datum("bytes", b"\xff"), "bytes"),
    (Datum("int", -(2**63)), "int"),
    (Datum("float", 0.5), "double"),
]


@pytest.mark.parametrize(("datum", "kind"), SAME, ids=[kind for _, kind in SAME])
def test_a_value_comes_back_as_it_went(datum: Datum, kind: str) -> None:
    message = typed(datum)
    assert message.WhichOneof("data") == kind
    assert datum_of(message) == datum


def test_no_value_has_no_kind() -> None:
    assert typed(NONE).WhichOneof("data") is None
    assert datum_of(PROTOCOL.TypedData()) == NONE


def test_the_null_of_json_is_no_value() -> None:
    """As Java's worker says of what a function has left unset."""
    assert datum_of(PROTOCOL.TypedData(json=" null\n")) == NONE
    assert datum_of(PROTOCOL.TypedData(json="[null]")) == Datum("json", "[null]")


@pytest.mark.parametrize(
    ("datum", "kind"),
    [
        (many("text", "a", "b"), "collection_string"),
        (many("bytes", b"a"), "collection_bytes"),
        (many("int", 1, -2), "collection_sint64"),
        (many("float", 0.5), "collection_double"),
    ],
)
def test_lists_of_one_kind_are_collections(datum: Datum, kind: str) -> None:
    message = typed(datum, COLLECTIONS)
    assert message.WhichOneof("data") == kind
    assert datum_of(message) == datum


@pytest.mark.parametrize(
    ("datum", "text"),
    [
        (many("text", "a", "é"), '["a","é"]'),
        (many("json", '{"a":1}', "2"), '[{"a":1},2]'),
        (Datum("list", (Datum("bytes", b"\x00"), Datum("int", 1))), '["AA==",1]'),
        (many("list"), "[]"),
    ],
)
def test_other_lists_are_json(datum: Datum, text: str) -> None:
    assert typed(datum).json == text


def test_json_in_a_collection_of_no_kind_stays_json() -> None:
    assert typed(many("json", "1"), COLLECTIONS).json == "[1]"


def test_a_number_too_large_for_the_protocol_is_json() -> None:
    assert typed(Datum("int", 2**63)).json == str(2**63)
    assert typed(many("int", 1, 2**63), COLLECTIONS).json == f"[1,{2**63}]"


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    assert typed(Datum("text", "a\ud800")).string == "a?"
    assert typed(many("text", "a\ud800"), COLLECTIONS).collection_string.string == ["a?"]
    assert typed(many("json", '"\ud800"')).json == '["?"]'


def test_http_goes_one_way_as_a_request_and_back_as_a_response() -> None:
    assert typed(Datum("http", HttpRequestData("GET", "http://h/"))).http.method == "GET"
    message = PROTOCOL.TypedData()
    message.http.body.bytes = b"x"
    assert datum_of(message) == Datum("http", HttpResponseData(200, (), b"x"))
    with pytest.raises(WorkerProtocolError, match="a response cannot be an input"):
        typed(Datum("http", HttpResponseData()))


def test_a_kind_that_no_binding_takes_is_told() -> None:
    message = PROTOCOL.TypedData()
    message.model_binding_data.version = "1.0"
    with pytest.raises(WorkerProtocolError, match="'model_binding_data'"):
        datum_of(message)
