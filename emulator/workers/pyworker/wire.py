"""Frames between host and worker: lengths, a JSON header, a raw body of blobs.

A message is a header (a JSON object with `kind`) and a list of blobs; data in the header refers to
bytes by their index in that list. On the wire the header carries the blobs' lengths and the body
their content, so bytes are never escaped. Inside one process messages travel as they are.

A message with a large body goes in pieces, between which others can go: frames of the kind `part`,
each with one blob, the number of the message they are `of` and the `size` of its body, and at last
a frame with the header, which has that number as `parts`, and no body.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple, Union

PROTOCOL = 1

Header = Dict[str, Any]
Message = Tuple[Header, Sequence[bytes]]
Data = Union[bytes, bytearray, memoryview]

PIECE = 1 << 18
"""Bytes of a body that are sent at once."""

_LENGTHS = struct.Struct("!II")
_MAX_HEADER = 1 << 28
_MAX_BODY = (1 << 32) - 1
_encode_text = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_decode_text = json.JSONDecoder().raw_decode


class WireError(ValueError):
    """What came in is not a frame of ours; `before` are the messages that stood before it."""

    before: "Sequence[Message]" = ()


def dumps(header: Header) -> bytes:
    return _encode_text(header).encode("ascii")


def loads(text: bytes) -> Any:
    return _decode_text(str(text, "utf-8"))[0]


def encode(
    header: Header, blobs: Sequence[bytes] = (), dumps: Callable[[Header], bytes] = dumps
) -> bytes:
    """Return the message as one frame; raise `WireError` when it is larger than can be sent."""
    if blobs:
        header["blobs"] = [len(blob) for blob in blobs]
    text, body = dumps(header), sum(header["blobs"]) if blobs else 0
    _check_sizes(len(text), body)
    lengths = _LENGTHS.pack(len(text), body)
    return b"".join((lengths, text, *blobs)) if blobs else lengths + text


def _check_sizes(text: int, body: int) -> None:
    if text > _MAX_HEADER:
        raise _too_large(text, _MAX_HEADER, "text")
    if body > _MAX_BODY:
        raise _too_large(body, _MAX_BODY, "data")


def _too_large(size: int, most: int, kind: str) -> WireError:
    return WireError(f"a message with {size} bytes of {kind}, more than the {most} it holds")


def is_large(blobs: Sequence[bytes]) -> bool:
    """Say whether a message with these blobs is to be sent in pieces."""
    return sum(map(len, blobs)) > PIECE


def in_pieces(
    number: int,
    header: Header,
    blobs: Sequence[bytes],
    dumps: Callable[[Header], bytes] = dumps,
) -> Iterator[bytes]:
    """Return the frames of a message, to be sent one after the other. Of several messages at a
    time each has a `number` of its own. Raises as `encode` does, before there is any frame."""
    header["blobs"] = lengths = [len(blob) for blob in blobs]
    header["parts"] = number
    text = dumps(header)
    size = sum(lengths)
    _check_sizes(len(text), size)
    last = _LENGTHS.pack(len(text), 0) + text

    def frames() -> Iterator[bytes]:
        for piece in _pieces(blobs):
            yield encode({"kind": "part", "of": number, "size": size}, [piece], dumps)
        yield last

    return frames()


def _pieces(blobs: Sequence[bytes]) -> Iterator[bytes]:
    gathered: List[Data] = []
    room = PIECE
    for blob in blobs:
        rest = memoryview(blob)
        while len(rest) >= room:
            yield b"".join((*gathered, rest[:room]))
            gathered, rest, room = [], rest[room:], PIECE
        gathered.append(rest)
        room -= len(rest)
    if room < PIECE:
        yield b"".join(gathered)


class Decoder:
    """Cuts a byte stream into messages; raises nothing but `WireError`."""

    def __init__(self, loads: Callable[[bytes], Any] = loads) -> None:
        self._loads = loads
        self._chunks: List[bytes] = []
        self._have = 0
        self._need = 0
        self._parts: Dict[int, List[bytes]] = {}

    def feed(self, data: bytes) -> List[Message]:
        messages: List[Message] = []
        try:
            self._feed(data, messages)
        except WireError as error:
            error.before = messages
            raise
        return messages

    def _feed(self, data: bytes, messages: List[Message]) -> None:
        if self._chunks:
            self._chunks.append(data)
            self._have += len(data)
            if self._have < self._need:
                return
            data = b"".join(self._chunks)
            self._chunks = []
        at, end = 0, len(data)
        need = _LENGTHS.size
        while end - at >= _LENGTHS.size:
            header_length, body_length = _LENGTHS.unpack_from(data, at)
            if not 2 <= header_length <= _MAX_HEADER:
                raise WireError(f"a frame header of {header_length} bytes")
            start = at + _LENGTHS.size
            stop = start + header_length + body_length
            if stop > end:
                need = stop - at
                break
            header = self._header(data[start : start + header_length])
            blobs: Sequence[bytes] = ()
            if body_length or "blobs" in header:
                if "parts" in header and "blobs" in header:
                    blobs = self._assembled(header, body_length)
                else:
                    blobs = _split(header, data, start + header_length, stop)
            if header["kind"] == "part":
                self._keep(header, blobs)
            else:
                messages.append((header, blobs))
            at = stop
        if at < end:
            self._chunks = [data[at:]]
            self._have = end - at
            self._need = need

    def _keep(self, header: Header, blobs: Sequence[bytes]) -> None:
        number = header.get("of")
        if not isinstance(number, int) or not blobs:
            raise WireError("a part of no message")
        self._parts.setdefault(number, []).extend(blobs)

    def _assembled(self, header: Header, body_length: int) -> List[bytes]:
        number = header.pop("parts")
        parts = self._parts.pop(number, None) if isinstance(number, int) else None
        if parts is None or body_length:
            raise WireError("a message whose parts did not come before it")
        if header["blobs"] == [sum(map(len, parts))]:
            return [b"".join(parts)]  # copied no oftener than needed
        data = b"".join(parts)
        return _split(header, data, 0, len(data))

    def _header(self, text: bytes) -> Header:
        try:
            header = self._loads(text)
        except (ValueError, RecursionError) as error:
            raise WireError(f"a frame header that is not JSON ({error})") from None
        if not isinstance(header, dict) or not isinstance(header.get("kind"), str):
            raise WireError("a frame header without a kind")
        return header


def _split(header: Header, data: bytes, start: int, stop: int) -> List[bytes]:
    lengths = header.get("blobs")
    if lengths == [stop - start]:  # as nearly always
        return [bytes(data[start:stop])]
    if not isinstance(lengths, list) or not all(
        isinstance(length, int) and length >= 0 for length in lengths
    ):
        raise WireError("a frame body without lengths")
    if sum(lengths) != stop - start:
        raise WireError("a frame body of another length than its parts")
    blobs = []
    for length in lengths:
        blobs.append(bytes(data[start : start + length]))
        start += length
    return blobs


def unknown_kind(kind: object, theirs: object) -> WireError:
    return WireError(
        f"a message of kind {kind!r}, which protocol {PROTOCOL} does not know"
        f" (the other side speaks protocol {theirs})"
    )
