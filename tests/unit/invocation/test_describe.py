"""Options of a binding type for people."""

from __future__ import annotations

from typing import Literal

from emulator.invocation.describe import OptionField, option_fields
from emulator.sdk import NoOptions, Options, Resolved, SettingText


class Sample(Options, frozen=True, kw_only=True):
    some_text: str = "x"
    must: Resolved
    maybe: Resolved | None = None
    name_of_it: SettingText = ""
    number: int = 5
    ratio: float | None = None
    flag: bool = False
    many: list[str] | None = None
    choice: Literal["a", "b"] = "a"


def test_every_option_is_told_as_it_is_written_in_json() -> None:
    assert option_fields(Sample) == [
        OptionField("must", "text", True, "", "settings and data"),
        OptionField("someText", "text", False, '"x"', "none"),
        OptionField("maybe", "text", False, "", "settings and data"),
        OptionField("nameOfIt", "text", False, '""', "settings"),
        OptionField("number", "number", False, "5", "none"),
        OptionField("ratio", "number", False, "", "none"),
        OptionField("flag", "true or false", False, "false", "none"),
        OptionField("many", "list of texts", False, "", "none"),
        OptionField("choice", "a or b", False, '"a"', "none"),
    ]


def test_a_binding_without_options_has_none() -> None:
    assert option_fields(NoOptions) == []
