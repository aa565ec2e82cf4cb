"""Building blocks of inputs: JSON with odd values, and texts with a meaning somewhere."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.target import as_bytes

ODD_TEXTS = st.sampled_from(
    ["", " ", "\0", "\n", "\r\nx: y", "\x1b[31m", "é", "😀", "\ud800", "\u202e", "../..", "%", "%%", "{", "{{",
     "}", "{a}", "%A%", "*", "**", "/", "//", "~/", "admin", "9" * 5000, "-0", "1e999", "null", "true",
     "00:00:01", "1.00:00:00", "a" * 300, "CON", "__proto__", "(a+)+$", "{a:regex((a+)+$)}", "$return"]
)  # fmt: skip
TEXTS = st.one_of(ODD_TEXTS, st.text(max_size=12))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70000),
    st.sampled_from([10**400, -(10**20), 1e308, -0.5, 2**63]),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)


def record(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with some of these members, each sensible or anything at all."""
    return st.fixed_dictionaries(
        {}, optional={name: st.one_of(each, each, VALUES) for name, each in members.items()}
    )


def one_of(*texts: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(texts)


def written(values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Write values as JSON, some of it spread over lines."""
    return st.builds(_dumps, values, st.sampled_from([None, 1]), st.booleans())


def _dumps(value: Any, indent: int | None, plain: bool) -> bytes:
    return as_bytes(json.dumps(value, indent=indent, ensure_ascii=plain))


def deep(opening: str, middle: str, closing: str) -> st.SearchStrategy[bytes]:
    """Nest something very deep."""
    return st.sampled_from([5, 99, 101, 990, 100_000]).map(
        lambda count: as_bytes(opening * count + middle + closing * count)
    )
