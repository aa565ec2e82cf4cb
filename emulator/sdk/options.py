"""What a binding is configured with: one struct per binding type, filled from its JSON entry.

Field names are snake_case here and camelCase in JSON; the keys of the entry are matched without
case. Which texts are resolved per call is said by the field's type.
"""

from __future__ import annotations

from typing import Annotated

import msgspec


class ExpressionMark:
    """Marks a text field that is resolved: `%SETTING%` always, `{data}` when `data` is true."""

    __slots__ = ("data",)

    def __init__(self, *, data: bool) -> None:
        self.data = data


Resolved = Annotated[str, ExpressionMark(data=True)]
"""Text in which `%SETTING%` and `{data.path}` are replaced at each call."""

SettingText = Annotated[str, ExpressionMark(data=False)]
"""Text in which only `%SETTING%` is replaced; braces are literal."""


class Options(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of every options struct.

    A field without default is required. Text fields take numbers, booleans take `"true"`. A key
    the struct does not know is ignored; old spellings are listed in the binding's
    `option_aliases`.
    """


class NoOptions(Options, frozen=True):
    """For bindings that are configured by nothing but their name."""
