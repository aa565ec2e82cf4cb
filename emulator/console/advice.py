"""What to do about failures whose text, as Azure's worker words it, does not say so."""

from __future__ import annotations

import re

from emulator.model import FunctionError

_ANSWER = re.compile(
    r"unable to encode outgoing TypedData: .*HttpResponseConverter.* for Python type \"(\w+)\""
)


def advice(error: FunctionError) -> str | None:
    """Return the next step for an answer no HTTP function can give, else `None`."""
    match = _ANSWER.search(error.message)
    if match is None:
        return None
    answer = "An HTTP function returns a text or a func.HttpResponse"
    match match[1]:
        case "NoneType":
            return f"{answer}; this one returned nothing: look for a path without return."
        case "coroutine":
            return f"{answer}; write await before the call whose result it returns."
        case "bytes" | "bytearray":
            return f"{answer}; bytes go into one: func.HttpResponse(data)."
        case "generator" | "async_generator":
            return f"{answer}; a function with yield in it gives neither."
        case "dict" | "list" | "tuple" | "int" | "float" | "bool":
            return (
                f"{answer}; for JSON: "
                'func.HttpResponse(json.dumps(value), mimetype="application/json").'
            )
        case _:
            return f"{answer}."
