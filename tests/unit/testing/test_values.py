"""Values of calls as Python has them."""

from __future__ import annotations

import pytest

from emulator.model import NONE, Datum, HttpRequestData, HttpResponseData
from emulator.testing import Answer, BlockingAnswer
from emulator.testing.values import BindingOptions, plain


@pytest.mark.parametrize(
    ("datum", "value"),
    [
        (NONE, None),
        (Datum("text", "{}"), "{}"),
        (Datum("json", '{"a": [1, null]}'), {"a": [1, None]}),
        (Datum("json", "not json"), "not json"),
        (Datum("bytes", b"\x00"), b"\x00"),
        (Datum("int", 3), 3),
        (Datum("float", 0.5), 0.5),
        (Datum("list", (Datum("text", "a"), Datum("json", "[1]"))), ["a", [1]]),
    ],
)
def test_values_are_plain(datum: Datum, value: object) -> None:
    assert plain(datum) == value


def test_requests_stay_and_responses_become_answers() -> None:
    request = HttpRequestData("GET", "http://localhost/")
    assert plain(Datum("http", request)) is request
    answer = plain(Datum("http", HttpResponseData(404, (("x-a", "1"), ("X-A", "2")), b"no")))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.ok, answer.body) == (404, False, b"no")
    assert answer.headers.getall("X-A") == ["1", "2"]


async def test_an_answer_is_text_and_json() -> None:
    latin = Answer(200, [("Content-Type", 'text/plain; charset="latin-1"')], b"\xe4")
    assert await latin.text() == "ä"
    assert await latin.text("cp437") == "Σ"
    assert await Answer(200, [], b'{"a": 1}').json() == {"a": 1}
    assert await Answer(200, [], b"1").json(loads=float) == 1.0
    with pytest.raises(ValueError, match="Expecting value"):
        await Answer(200, [], b"").json()
    cookies = Answer(200, [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2")], b"").cookies
    assert {name: each.value for name, each in cookies.items()} == {"a": "1", "b": "2"}
    blocking = BlockingAnswer(200, [("Content-Type", "application/json")], b"[1]")
    assert (blocking.text(), blocking.json(), blocking.read()) == ("[1]", [1], b"[1]")
    assert blocking.content_type == "application/json"
    assert repr(Answer(204, [], b"")) == "<204 no content type ''>"


def test_options_are_a_mapping() -> None:
    options = BindingOptions({"userMessage": "Hi", "id": "a1"})
    assert (len(options), list(options)) == (2, ["userMessage", "id"])
    assert options.get("user_message") == "Hi"
    assert options.get("nothing") is None
    assert repr(options) == "{'userMessage': 'Hi', 'id': 'a1'}"
    with pytest.raises(KeyError, match="there are: none"):
        BindingOptions({})["x"]
