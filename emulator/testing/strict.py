"""What must not go unnoticed although a test passes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from emulator.testing.records import CallRecord

RELAX = (
    "@pytest.mark.functions_app(strict=False) relaxes this for one test, "
    "functions_app_strict = false in the ini file for all; without pytest, "
    "EmulatedApp(…, strict=False)."
)


class Complaint(NamedTuple):
    """One thing that went wrong unnoticed, and what to write if it is meant to."""

    text: str
    remedy: str


class StrictError(AssertionError):
    """The test passed, but the app did what nobody expected; `complaints` say what."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        self.complaints = tuple(complaints)
        lines = ["The test itself passed, but its app did what nobody expected:"]
        for each in self.complaints:
            lines += [f"- {each.text}", f"  {each.remedy}"]
        super().__init__("\n".join([*lines, RELAX]))


class Expectations:
    """The failures a test said it wants."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def forget(self) -> None:
        self._seen.clear()

    def noticed(self, call: CallRecord) -> None:
        """Take note that the test knows of a call's failure."""
        self._seen.add(call.id)

    @contextmanager
    def failure(
        self,
        calls: list[CallRecord],
        name: str | None,
        match: str | None,
        clean: Callable[[str], str] = str,
    ) -> Iterator[list[CallRecord]]:
        """`clean` takes secrets out of what is told when nothing failed so."""
        before = len(calls)
        found: list[CallRecord] = []
        yield found
        failed = [each for each in calls[before:] if each.error is not None]
        for each in failed:
            if name is not None and each.function.lower() != name.lower():
                continue
            if match is None or re.search(match, _title(each)):
                found.append(each)
                self._seen.add(each.id)
        if not found:
            raise AssertionError(clean(_did_not_fail(calls[before:], failed, name, match)))

    def complaints(self, calls: Sequence[CallRecord]) -> Iterator[Complaint]:
        for call in calls:
            if call.error is None or call.id in self._seen or call.error.type in _NOT_FAILURES:
                continue
            place = f" ({call.error.file}:{call.error.line})" if call.error.file else ""
            yield Complaint(
                f"The function '{call.function}' failed: {call.error.title}{place}",
                f'If it shall: with app.expect_failure("{call.function}"): …',
            )


_NOT_FAILURES = frozenset({"Cancelled"})


def _title(call: CallRecord) -> str:
    return "" if call.error is None else call.error.title


def _did_not_fail(
    calls: Sequence[CallRecord], failed: Sequence[CallRecord], name: str | None, match: str | None
) -> str:
    what = f"'{name}'" if name else "a function"
    how = f" with {match!r}" if match else ""
    if failed:
        told = "; ".join(f"'{each.function}' failed with {_title(each)}" for each in failed)
    elif calls:
        told = f"{', '.join(each.function for each in calls)} ran without failing"
    else:
        told = "no function was called"
    return f"Expected {what} to fail{how}, but {told}."
