from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import WorkerProtocolError
from emulator.model import NONE, Datum, HttpResponseData, Kind
from emulator.workers import connection
from emulator.workers.messages import pack, unpack
from emulator.workers.pyworker import wire

TEXTS = st.text(max_size=20)
KEYS = TEXTS.filter(lambda each: each not in {"kind", "blobs"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXTS, each, max_size=3),
    max_leaves=8,
)
HEADERS = st.dictionaries(KEYS, JSON, max_size=4).map(lambda each: {**each, "kind": "k"})
BLOBS = st.lists(st.binary(max_size=40), max_size=3)
MESSAGES = st.lists(st.tuples(HEADERS, BLOBS), max_size=4)
DUMPS = pytest.mark.parametrize("dumps", [wire.dumps, connection.dumps], ids=["worker", "host"])
LOADS = pytest.mark.parametrize("loads", [wire.loads, connection.loads], ids=["worker", "host"])


@DUMPS
@LOADS
@settings(deadline=None)
@given(messages=MESSAGES, cuts=st.lists(st.integers(0, 400), max_size=6))
def test_messages_survive_any_cut_of_the_stream(
    dumps: Any, loads: Any, messages: list[Any], cuts: list[int]
) -> None:
    stream = b"".join(wire.encode(dict(header), blobs, dumps) for header, blobs in messages)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    decoder = wire.Decoder(loads)
    got = [
        message
        for start, stop in zip(edges, edges[1:], strict=False)
        for message in decoder.feed(stream[start:stop])
    ]
    assert [{k: v for k, v in header.items() if k != "blobs"} for header, _ in got] == [
        header for header, _ in messages
    ]
    assert [list(blobs) for _, blobs in got] == [blobs for _, blobs in messages]


@DUMPS
@LOADS
@settings(deadline=None, max_examples=30)
@given(
    sizes=st.lists(
        st.lists(st.sampled_from([0, 1, 1000, wire.PIECE - 1, wire.PIECE, wire.PIECE + 7])).map(
            lambda each: [*each, wire.PIECE + 1]
        ),
        max_size=3,
    ),
    order=st.randoms(use_true_random=False),
)
def test_large_messages_go_in_pieces_and_let_others_pass(
    dumps: Any, loads: Any, sizes: list[list[int]], order: Any
) -> None:
    bodies = [[bytes([n + 1]) * size for size in each] for n, each in enumerate(sizes)]
    waiting = [
        wire.in_pieces(n, {"kind": "large", "n": n}, blobs, dumps) for n, blobs in enumerate(bodies)
    ]
    decoder = wire.Decoder(loads)
    got: dict[int, list[bytes]] = {}
    small = 0
    while waiting:
        frame = next(frames := order.choice(waiting), None)
        if frame is None:
            waiting.remove(frames)
            continue
        assert len(frame) < wire.PIECE + 200
        between = wire.encode({"kind": "small", "n": small}, [b"x"], dumps)
        *large, (header, blobs) = decoder.feed(frame + between)
        assert (header["n"], blobs) == (small, [b"x"])
        small += 1
        got.update({each["n"]: list(found) for each, found in large})
    assert got == dict(enumerate(bodies))


@pytest.mark.parametrize(
    ("header", "blobs", "told"),
    [
        ({"kind": "part"}, [b"x"], "a part of no message"),
        ({"kind": "part", "of": "1"}, [b"x"], "a part of no message"),
        ({"kind": "part", "of": 1}, [], "a part of no message"),
        ({"kind": "k", "parts": 7, "blobs": [1]}, [], "parts did not come before it"),
        ({"kind": "k", "parts": [7], "blobs": [1]}, [], "parts did not come before it"),
        ({"kind": "k", "parts": 1}, [b"x"], "parts did not come before it"),
        ({"kind": "k", "parts": 1, "blobs": [3]}, [], "another length than its parts"),
    ],
)
def test_parts_that_do_not_fit_are_told(
    header: dict[str, Any], blobs: list[bytes], told: str
) -> None:
    decoder = wire.Decoder()
    decoder.feed(wire.encode({"kind": "part", "of": 1}, [b"ab"]))
    with pytest.raises(wire.WireError, match=told):
        decoder.feed(wire.encode(header, blobs))


@LOADS
@settings(deadline=None)
@given(garbage=st.lists(st.binary(max_size=60), max_size=4))
def test_garbage_is_told_as_such(loads: Any, garbage: list[bytes]) -> None:
    decoder = wire.Decoder(loads)
    try:
        for data in garbage:
            decoder.feed(data)
    except wire.WireError:
        pass


@LOADS
@settings(deadline=None)
@given(header=st.binary(min_size=2, max_size=40), body=st.binary(max_size=20))
def test_a_frame_with_nonsense_in_it_is_told_as_such(
    loads: Any, header: bytes, body: bytes
) -> None:
    lengths = len(header).to_bytes(4, "big") + len(body).to_bytes(4, "big")
    try:
        wire.Decoder(loads).feed(lengths + header + body)
    except wire.WireError:
        pass


def frame(header: bytes, body: bytes = b"") -> bytes:
    return len(header).to_bytes(4, "big") + len(body).to_bytes(4, "big") + header + body


@LOADS
@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x00" * 8, "a frame header of 0 bytes"),
        (b"\xff" * 8, "a frame header of 4294967295 bytes"),
        (frame(b"{,}"), "a frame header that is not JSON"),
        (frame(b"\xff\xff"), "a frame header that is not JSON"),
        (frame(b"[1]"), "a frame header without a kind"),
        (frame(b'{"kind": 1}'), "a frame header without a kind"),
        (frame(b'{"kind":"k"}', b"x"), "a frame body without lengths"),
        (frame(b'{"kind":"k","blobs":[true,"a"]}', b"x"), "a frame body without lengths"),
        (frame(b'{"kind":"k","blobs":[-1,2]}', b"x"), "a frame body without lengths"),
        (
            frame(b'{"kind":"k","blobs":[2]}', b"x"),
            "a frame body of another length than its parts",
        ),
        (frame(b"[" * 100_000), "a frame header that is not JSON"),
    ],
)
def test_what_is_wrong_with_a_frame_is_said(loads: Any, data: bytes, told: str) -> None:
    with pytest.raises(wire.WireError) as raised:
        wire.Decoder(loads).feed(data)
    assert str(raised.value).startswith(told)


def test_a_large_body_in_small_pieces_is_joined_once() -> None:
    body = bytes(range(256)) * 4096
    stream = wire.encode({"kind": "k"}, [body])
    decoder = wire.Decoder()
    got: list[Any] = []
    for at in range(0, len(stream), 1000):
        got += decoder.feed(stream[at : at + 1000])
    assert got[0][1] == [body]


def test_half_characters_pass_the_host_as_question_marks() -> None:
    assert connection.loads(b'{"kind": "\\ud800 \\u00e9 \\ud83d\\ude00"}') == {"kind": "? é 😀"}
    assert json.loads(connection.dumps({"kind": "\udcff"})) == {"kind": "\udcff"}


# Values


SCALARS = (
    st.builds(Datum, st.just("text"), TEXTS)
    | st.builds(Datum, st.just("json"), JSON.map(json.dumps))
    | st.builds(Datum, st.just("bytes"), st.binary(max_size=20))
    | st.builds(Datum, st.just("int"), st.integers())
    | st.builds(Datum, st.just("float"), st.floats(allow_nan=False))
    | st.just(NONE)
)
VALUES = SCALARS | st.builds(Datum, st.just("list"), st.lists(SCALARS, max_size=4).map(tuple))


@DUMPS
@LOADS
@settings(deadline=None)
@given(values=st.lists(VALUES, max_size=4))
def test_values_survive_the_wire(dumps: Any, loads: Any, values: list[Datum]) -> None:
    blobs: list[bytes] = []
    header = {"kind": "k", "values": [pack(each, blobs) for each in values]}
    ((got, got_blobs),) = wire.Decoder(loads).feed(wire.encode(header, blobs, dumps))
    assert [unpack(each, got_blobs) for each in got["values"]] == values


def test_a_response_is_unpacked_with_its_repeated_headers() -> None:
    packed = ["http", {"status": 201, "headers": [["a", "1"], ["a", "2"]], "body": 0}]
    assert unpack(packed, [b"x"]).value == HttpResponseData(201, (("a", "1"), ("a", "2")), b"x")


@pytest.mark.parametrize(
    "packed",
    [None, 1, [], ["text"], ["bytes", 3], ["int", "x"], ["http", {}], ["list", 1], ["?", 1]],
)
def test_a_malformed_value_is_a_protocol_error(packed: Any) -> None:
    with pytest.raises(WorkerProtocolError):
        unpack(packed, [])


def test_every_kind_of_value_is_known_to_the_wire() -> None:
    kinds: tuple[Kind, ...] = ("none", "text", "json", "bytes", "int", "float", "http", "list")
    samples: dict[str, Any] = {"bytes": 0, "int": 1, "float": 1.5, "list": [], "text": "x"}
    samples |= {"json": "{}", "none": None}
    samples["http"] = {"status": 200, "headers": [], "body": None}
    assert [unpack([kind, samples[kind]], [b""]).kind for kind in kinds] == list(kinds)


def test_a_message_that_no_frame_can_carry_is_refused_where_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "_MAX_HEADER", 100)
    monkeypatch.setattr(wire, "_MAX_BODY", 10)
    assert wire.encode({"kind": "k"}, [b"x" * 10])
    with pytest.raises(wire.WireError, match="with 117 bytes of text, more than the 100 it holds"):
        wire.encode({"kind": "k", "v": "x" * 98})
    with pytest.raises(wire.WireError, match="with 11 bytes of data, more than the 10 it holds"):
        wire.encode({"kind": "k"}, [b"x" * 10, b"x"])
