"""What a person must know: one mistake, where it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """A place: `line` and `column` (from 1) in a `file`, or the name of a setting's source."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        if self.line is None:
            return self.file
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong or worth knowing, by its `severity`; `where` is the place of it.

    `code` is a stable, readable slug (`binding-unknown-type`); `message` says what is wrong in the
    user's words and with the official host's wording where it has one; `hint` is the next step;
    `detail` is a longer text such as a traceback; `function` names the only function it takes down;
    `azure` is what Azure would do, one sentence: a problem that has it is a strict finding. Those
    that matter only there have the severity INFO.
    """

    code: str
    message: str
    severity: Severity = Severity.ERROR
    where: SourceSpan | None = None
    hint: str | None = None
    function: str | None = None
    detail: str | None = None
    azure: str | None = None
    to_fill_in: bool = False
    """Settings show that something has to be filled in before the app is deployed; those of Azure
    may have it long since, so it is told and is no finding."""

    @property
    def is_finding(self) -> bool:
        """Whether a strict start and `funcemu check` refuse the app for it."""
        return self.severity is Severity.ERROR or (self.azure is not None and not self.to_fill_in)
