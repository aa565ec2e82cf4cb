"""`httpTrigger` and `http`: a request becomes a call, its result the response.

Differences: the body of a response that failed stays empty as on Azure; JSON text that a function
returns as `str` is sent unchanged (Azure re-indents it). A JSON object with a `body` member is
taken as a response description, as on Azure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from emulator.sdk import (
    MANUAL_REASON,
    BindingError,
    Call,
    Datum,
    Fired,
    HttpRequestData,
    HttpResponseData,
    InvocationResult,
    NoOptions,
    Options,
    Output,
    Route,
    Trigger,
)

_TEXT = "text/plain; charset=utf-8"
_EMPTY = HttpResponseData(204)
_OPTIONAL = re.compile(r"\{(\w+)[^{}]*\?\}")


class HttpTriggerOptions(Options, frozen=True):
    """`route` defaults to the function's name; no `methods` means every method."""

    route: str | None = None
    methods: list[str] | None = None
    auth_level: str = "function"


class HttpTrigger(Trigger[HttpTriggerOptions]):
    type_name = "httpTrigger"
    summary = "Runs the function when an HTTP request matches its route and methods."
    options_type = HttpTriggerOptions

    def __init__(self, **bound: Any) -> None:
        super().__init__(**bound)
        self._optional = _OPTIONAL.findall(self.options.route or "")
        self._outputs = [
            binding.name
            for binding in self.function.bindings
            if binding.type.lower() == "http" and binding.direction == "out"
        ]

    def routes(self) -> Sequence[Route]:
        methods = self.options.methods
        return [
            Route(
                template=self.options.route or self.function.name,
                methods=None if methods is None else frozenset(m.upper() for m in methods),
                auth_level=self.options.auth_level.lower(),
            )
        ]

    def fired(self, request: HttpRequestData) -> Fired:
        return Fired(
            Datum("http", request),
            MANUAL_REASON,
            lambda: _binding_data(request, self._optional),
            detail=request.method,
        )

    def manual(self, text: str) -> Fired:
        """Run with `text` as the body of a POST to the function's own route."""
        request = HttpRequestData(
            method="POST",
            url=f"http://localhost/{self.routes()[0].template}",
            headers={"content-type": "application/json"} if text else {},
            body=text.encode("utf-8"),
        )
        return self.fired(request)

    def answer(self, result: InvocationResult) -> HttpResponseData:
        for name in reversed(self._outputs):
            value = result.return_value if name == "$return" else result.outputs.get(name)
            if value is not None and value.kind != "none":
                return response(value)
        if not self._outputs and result.return_value.kind != "none":
            return response(result.return_value)
        return _EMPTY


class HttpOutput(Output[NoOptions]):
    type_name = "http"
    summary = "The response of an HTTP-triggered function."

    def __init__(self, **bound: Any) -> None:
        super().__init__(**bound)
        if self.declared.direction == "in":
            raise BindingError("Http binding can only be used for output.")

    def writes(self) -> bool:
        """The trigger takes the value when it answers."""
        return False

    async def write(self, call: Call, value: Datum) -> None:
        raise BindingError("the http output is written by the HTTP trigger")


def response(value: Datum) -> HttpResponseData:
    """Turn what a function gave as its HTTP result into a response."""
    match value.kind:
        case "http":
            if isinstance(value.value, HttpResponseData):
                return value.value
            raise BindingError("the function returned a request where a response is expected")
        case "text":
            return _from_text(str(value.value))
        case "json":
            return _from_json(json.loads(value.value), str(value.value))
        case "bytes":
            return HttpResponseData(200, (), bytes(value.value))
        case "int" | "float":
            return _plain(str(value.value))
        case _:
            raise BindingError(f"Unknown RpcDataType: a value of kind '{value.kind}'")


def _from_text(text: str) -> HttpResponseData:
    if text.lstrip().startswith("{"):
        try:
            parsed = json.loads(text)
        except ValueError:
            return _plain(text)
        return _from_json(parsed, text)
    return _plain(text)


def _from_json(value: Any, text: str) -> HttpResponseData:
    """An object with `body` describes the response; anything else is the body itself."""
    if not isinstance(value, dict):
        return _plain(text)
    members = {name.lower(): member for name, member in value.items()}
    if "body" not in members:
        return _plain(text)
    headers = _headers(members.get("headers"))
    body, content_type = _body(members["body"])
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", content_type))
    status = _status(members.get("statuscode", members.get("status")))
    return HttpResponseData(status, tuple(headers), body)


def _headers(given: Any) -> list[tuple[str, str]]:
    if not isinstance(given, dict):
        return []
    headers = []
    for name, member in given.items():
        if member is None and name.lower() == "content-type":
            raise BindingError("content-type header cannot be null")
        if member is not None:
            text = member if isinstance(member, str) else json.dumps(member)
            if name.lower() == "content-type" and "charset" not in text.lower():
                text = f"{text}; charset=utf-8"
            headers.append((name.lower(), text))
    return headers


def _body(body: Any) -> tuple[bytes, str]:
    if body is None:
        return b"", _TEXT
    if isinstance(body, str):
        return body.encode("utf-8"), _TEXT
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8"), _TEXT


def _status(given: Any) -> int:
    try:
        status = int(given)
    except (TypeError, ValueError):
        return 200
    return status if 100 <= status <= 599 else 200


def _plain(text: str) -> HttpResponseData:
    return HttpResponseData(200, (("content-type", _TEXT),), text.encode("utf-8"))


def _binding_data(request: HttpRequestData, optional: Sequence[str]) -> Mapping[str, Any]:
    """Answer `{name}`: route values win over the query, the query over the body's members.

    An optional route parameter that the path does not have is there, without a value.
    """
    data: dict[str, Any] = {}
    absent = dict.fromkeys(optional)
    for source in (_body_members(request), request.query, {**absent, **request.params}):
        for name, member in source.items():
            if source is request.query and name.lower() == "code":
                continue  # the function key is never data
            for known in [each for each in data if each.lower() == name.lower()]:
                del data[known]
            data[name] = member
    taken = {name.lower() for name in data}
    for name, group in (("Query", request.query), ("Headers", request.headers)):
        if name.lower() not in taken:
            data[name] = dict(group)
    return data


def _body_members(request: HttpRequestData) -> dict[str, Any]:
    """Top-level members of a JSON object body; arrays and nulls are left out."""
    if not request.body.lstrip()[:1] == b"{":
        return {}
    try:
        parsed = json.loads(request.body)
    except ValueError:
        return {}
    return {
        name: member if isinstance(member, dict) else _scalar(member)
        for name, member in parsed.items()
        if member is not None and not isinstance(member, list)
    }


def _scalar(member: Any) -> str:
    if isinstance(member, bool):
        return str(member)  # .NET's spelling: True, False
    return member if isinstance(member, str) else json.dumps(member)
