"""What a target is, and how one input is tried: bounded in time, nothing but a verdict."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
FINDINGS = Path(__file__).parent / "findings"

Check = Callable[[bytes], None]
"""Raises whatever it finds."""


class TooSlow(BaseException):
    """An input took more time than any should; no `Exception`, so that nothing swallows it."""


@dataclass(frozen=True)
class Target:
    """`opened` gives the check for as long as it is entered; `seconds` is what one input may take
    of the processor, `examples` how many are made up in `make test`."""

    name: str
    opened: Callable[[], AbstractContextManager[Check]] = field(repr=False)
    made: st.SearchStrategy[bytes] = field(repr=False)
    examples: int = 100
    seconds: float = 3.0

    @property
    def corpus(self) -> list[Path]:
        return sorted(each for each in (CORPUS / self.name).glob("*") if each.is_file())

    def inputs(self) -> st.SearchStrategy[bytes]:
        """Return inputs made by the grammar, and changed ones of those and of the corpus."""
        seeds = [each.read_bytes() for each in self.corpus]
        known = st.sampled_from(seeds) if seeds else st.just(b"")
        return st.one_of(self.made, changed(known), changed(self.made))


def always(check: Check) -> Callable[[], AbstractContextManager[Check]]:
    """Open a check that needs nothing."""
    return lambda: contextlib.nullcontext(check)


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raise `AssertionError` once the process has computed that long in the block."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"more than {seconds:g} s of the processor")

    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return
    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    except TooSlow as error:
        raise AssertionError(str(error)) from error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


_ODD = [
    b"", b"\x00", b"\xff", b"\xed\xa0\x80", b"\r\n", b"\x1b[2J", b"\xe2\x80\xae", b"\\ud800", b"{", b"}",
    b"[", b"]", b'"', b"'", b"\\", b"/", b":", b",", b"%", b"%2e%2e", b"../", b"*", b"?", b"(a+)+$",
    b"9" * 5000, b"-1", b"1e400", b"NaN", b"null", b"true", b"{}", b"[[[[", b" " * 300, b"a" * 9000,
    b"-" * 4000,
]  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, seeds: st.SearchStrategy[bytes]) -> bytes:
    """Take an input and cut, repeat, move or replace some of it."""
    data = draw(seeds)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        piece = draw(
            st.one_of(
                st.sampled_from(_ODD),
                st.binary(max_size=6),
                st.just(data[start:end] * 2),
                st.just(data[start:end] * 200),
                st.just(data[end : end + 40]),
            )
        )
        data = data[:start] + piece + data[end:]
    return data[:200_000]


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
