"""What `{…}` can refer to, as values for a worker that shows it to functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from emulator.model import Datum


def metadata_of(data: Mapping[str, Any]) -> dict[str, Datum]:
    """Return every value that can be sent; those that are missing are left out."""
    return {name: _datum(value) for name, value in data.items() if value is not None}


def _datum(value: Any) -> Datum:
    match value:
        case str():
            return Datum("text", value)
        case bytes():
            return Datum("bytes", value)
        case bool():
            return Datum("json", "true" if value else "false")
        case int():
            return Datum("int", value)
        case float():
            return Datum("float", value)
        case _:
            return Datum("json", json.dumps(value, ensure_ascii=False, default=str))
