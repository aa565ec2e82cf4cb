from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from emulator.config.overrides import overridden
from emulator.config.settings import Settings


def apply(raw: dict[str, Any], **settings: str) -> dict[str, Any]:
    return overridden(raw, Settings.of(settings))[0]


@pytest.mark.parametrize(
    ("raw", "name", "value", "expected"),
    [
        pytest.param({}, "functionTimeout", "00:00:05", {"functionTimeout": "00:00:05"}, id="new"),
        pytest.param({"a": {"B": "1"}}, "A__b", "2", {"a": {"B": "2"}}, id="without case"),
        pytest.param({"a": 1}, "a", "2", {"a": 2}, id="keeps a number a number"),
        pytest.param({"a": 1.5}, "a", "2", {"a": 2.0}, id="keeps a fraction a fraction"),
        pytest.param({"a": True}, "a", "FALSE", {"a": False}, id="keeps a flag a flag"),
        pytest.param({"a": True}, "a", "perhaps", {"a": "perhaps"}, id="text where it must be"),
        pytest.param({"a": 1}, "a", "x", {"a": "x"}, id="text for a number"),
        pytest.param({"a": ["x", "y"]}, "a__1", "z", {"a": ["x", "z"]}, id="element"),
        pytest.param({"a": ["x"]}, "a__7", "z", {"a": ["x", "z"]}, id="past the end"),
        pytest.param({}, "a__0", "z", {"a": ["z"]}, id="new list"),
        pytest.param({"a": "x"}, "a__b__c", "z", {"a": {"b": {"c": "z"}}}, id="through a text"),
        pytest.param({"a": ["x"]}, "a__b", "z", {"a": {"0": "x", "b": "z"}}, id="name in a list"),
        pytest.param({"a": [{"b": 1}]}, "a__0__B", "2", {"a": [{"b": 2}]}, id="inside an element"),
        pytest.param({"a": 1}, "a____b", "2", {"a": 1}, id="empty part"),
        pytest.param({"a": 1}, "", "2", {"a": 1}, id="no part"),
        pytest.param({}, "a__99999999", "z", {"a": {"99999999": "z"}}, id="no index that long"),
        pytest.param({}, "0", "z", {"0": "z"}, id="a number at the top"),
    ],
)
def test_overrides(raw: dict[str, Any], name: str, value: str, expected: dict[str, Any]) -> None:
    assert apply(raw, **{f"AzureFunctionsJobHost__{name}": value}) == expected


def test_elements_come_by_their_number() -> None:
    names = {f"AzureFunctionsJobHost__a__{index}": str(index) for index in (10, 2, 0, 1, 3)}
    assert apply({}, **names) == {"a": ["0", "1", "2", "3", "10"]}


def test_other_settings_change_nothing_and_neither_does_the_file_change() -> None:
    raw = {"a": {"b": 1}}
    assert apply(raw, A="2", AzureFunctionsJobHosta="3", AZUREFUNCTIONSJOBHOST__A__B="4") == {
        "a": {"b": 4}
    }
    assert raw == {"a": {"b": 1}}


def test_tells_which_setting_gave_what() -> None:
    _, origins = overridden({"a": ["x"]}, Settings.of({"AzureFunctionsJobHost__A__0": "y"}))
    assert {path: setting.name for path, setting in origins.items()} == {
        ("a", 0): "AzureFunctionsJobHost__A__0"
    }


PART = st.text(alphabet="ab0129_:²", max_size=3)


@given(
    st.dictionaries(st.lists(PART, max_size=4).map("__".join), st.text(max_size=3), max_size=4),
    st.sampled_from([{}, {"a": 1}, {"a": [1, {"b": 2}]}, {"a": {"b": [True]}}]),
)
@hypothesis(max_examples=100, deadline=None)
def test_never_fails(names: dict[str, str], raw: dict[str, Any]) -> None:
    apply(raw, **{f"AzureFunctionsJobHost__{name}": value for name, value in names.items()})
