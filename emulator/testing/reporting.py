"""Taking secrets out of what pytest tells of a test that failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Clean = Callable[[str], str]

_PYTESTS_OWN = "_pytest._code"
"""Where the classes are that a traceback is told with."""


def clean_report(report: pytest.TestReport, clean: Clean) -> None:
    """Clean the traceback, the message and the captured output of a report, in place."""
    report.sections[:] = [(name, clean(text)) for name, text in report.sections]
    told: Any = report.longrepr
    report.longrepr = _cleaned(told, clean)


def _cleaned(value: Any, clean: Clean) -> Any:
    """Return what stands for a value; pytest's own objects stay the same ones."""
    match value:
        case str():
            return clean(value)
        case list():
            return [_cleaned(each, clean) for each in value]
        case tuple() if type(value) is tuple:
            return tuple(_cleaned(each, clean) for each in value)
    if type(value).__module__.startswith(_PYTESTS_OWN):
        for name, member in vars(value).items():
            setattr(value, name, _cleaned(member, clean))
    return value
