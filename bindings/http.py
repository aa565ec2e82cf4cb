"""`httpTrigger` and `http`: a request becomes a call, its result the response.

Differences: JSON text that a function returns as `str` is sent unchanged (Azure re-indents it,
sends `true` as `True`, `"text"` without its quotes and nothing for `null`); a JSON object with a
`body` member is taken as a response description, as on Azure. Bodies sent in chunks arrive. The
admin API runs a function with its input as the body of a POST.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote

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
    json_datum,
)

_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json; charset=utf-8"
_EMPTY = HttpResponseData(204)
_LEVELS = ("anonymous", "user", "function", "system", "admin")
_OPTIONAL = re.compile(r"\{([^{}:=?*]+)(?:\{\{|\}\}|[^{}])*\?\}")


class HttpTriggerOptions(Options, frozen=True):
    """`route` defaults to the function's name; no `methods` means every method."""

    route: str | None = None
    methods: list[str] | None = None
    auth_level: str = "function"


class HttpTrigger(Trigger[HttpTriggerOptions]):
    type_name = "httpTrigger"
    summary = "Runs the function when an HTTP request matches its route and methods."
    options_type = HttpTriggerOptions
    sample = Datum(
        "http",
        HttpRequestData(
            method="GET",
            url="http://localhost/",
            query={"name": "Azure"},
            body=b'{"name": "Azure"}',
        ),
    )

    def __init__(self, **bound: Any) -> None:
        super().__init__(**bound)
        level = self.options.auth_level.lower()
        if level not in _LEVELS:
            raise BindingError(
                "Error parsing function.json: Invalid value specified for binding property "
                "'authLevel' of enum type AuthorizationLevel.",
                hint=f"'{self.options.auth_level}' is given; use one of {', '.join(_LEVELS)}.",
            )
        methods = self.options.methods
        self._route = Route(
            template=self.options.route or self.function.name,
            methods=None if methods is None else frozenset(each.upper() for each in methods),
            auth_level=level,
        )
        self._optional = _OPTIONAL.findall(self._route.template)
        self._outputs = [
            binding.name
            for binding in self.function.bindings
            if binding.type.lower() == "http" and binding.direction == "out"
        ]
        self._has_return = any(binding.name == "$return" for binding in self.function.bindings)

    def routes(self) -> Sequence[Route]:
        return [self._route]

    def fired(self, request: HttpRequestData) -> Fired:
        return Fired(
            Datum("http", request),
            MANUAL_REASON,
            lambda: _binding_data(request, self._optional),
            detail=_address(request),
        )

    def manual(self, text: str) -> Fired:
        """Run with `text` as the body of a POST to the function's own route."""
        request = HttpRequestData(
            method="POST",
            url=f"http://localhost/{self._route.template}",
            headers={"content-type": "application/json"} if text else {},
            body=text.encode("utf-8"),
        )
        return self.fired(request)

    def answer(self, result: InvocationResult) -> HttpResponseData:
        """Answer with the last `http` output that was set, else with what the function returned."""
        returned = result.return_value
        spread = {} if self._has_return else _members_of(returned)
        for name in reversed(self._outputs):
            value = returned if name == "$return" else result.outputs.get(name, spread.get(name))
            if value is not None and value.kind != "none":
                return response(value)
        return _EMPTY if returned.kind == "none" else _object_result(returned)


class HttpOutput(Output[NoOptions]):
    type_name = "http"
    summary = "The response of an HTTP-triggered function."

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
        case "text" | "json":
            return _from_text(str(value.value))
        case "bytes":
            return HttpResponseData(200, (), bytes(value.value))
        case "int" | "float":
            return _plain(str(value.value))
        case _:
            raise BindingError(f"Unknown RpcDataType: a value of kind '{value.kind}'")


def _object_result(value: Datum) -> HttpResponseData:
    """Show a return value that went to another binding, or to none, as Azure's server does."""
    match value.kind:
        case "text":
            return _plain(str(value.value))
        case "json":
            text = str(value.value)
        case "bytes":
            text = json.dumps(base64.b64encode(value.value).decode("ascii"))
        case "int" | "float":
            text = str(value.value)
        case _:
            return response(value)
    return HttpResponseData(200, (("content-type", _JSON),), text.encode("utf-8"))


def _from_text(text: str) -> HttpResponseData:
    """A JSON object with `body` describes the response; anything else is the body itself."""
    if not text.lstrip().startswith("{"):
        return _plain(text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _plain(text)
    members = {name.lower(): member for name, member in value.items()}
    if "body" not in members:
        return _plain(text)
    headers = list(_headers(members.get("headers")))
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", _TEXT))
    headers += _cookies(members.get("cookies"))
    status = _status(members.get("statuscode", members.get("status")))
    return HttpResponseData(status, tuple(headers), _body(members["body"]).encode("utf-8"))


def _headers(given: Any) -> Iterable[tuple[str, str]]:
    if not isinstance(given, dict):
        return
    for name, member in given.items():
        if name.lower() == "content-type":
            if member is None:
                raise BindingError("content-type header cannot be null")
            text = _scalar(member)
            yield "content-type", text if "charset" in text.lower() else f"{text}; charset=utf-8"
        elif member is not None:
            yield name.lower(), _scalar(member)


def _cookies(given: Any) -> Iterable[tuple[str, str]]:
    for cookie in given if isinstance(given, list) else ():
        members = {str(name).lower(): member for name, member in dict(cookie).items()}
        parts = [f"{quote(str(members.get('name', '')))}={quote(str(members.get('value', '')))}"]
        parts += [
            f"{shown}={_scalar(members[name])}"
            for name, shown in _COOKIE_VALUES
            if members.get(name) is not None
        ]
        parts.append(f"path={_scalar(members.get('path') or '/')}")
        if members.get("secure"):
            parts.append("secure")
        if members.get("samesite"):
            parts.append(f"samesite={_scalar(members['samesite']).lower()}")
        if members.get("httponly"):
            parts.append("httponly")
        yield "Set-Cookie", "; ".join(parts)


_COOKIE_VALUES = (("expires", "expires"), ("maxage", "max-age"), ("domain", "domain"))


def _body(body: Any) -> str:
    if isinstance(body, (dict, list)):
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return "" if body is None else _scalar(body)


def _status(given: Any) -> int:
    try:
        return int(given)
    except (TypeError, ValueError, OverflowError):
        return 200


def _plain(text: str) -> HttpResponseData:
    return HttpResponseData(200, (("content-type", _TEXT),), text.encode("utf-8"))


def _address(request: HttpRequestData) -> str:
    """Return method and path for the record; the query may hold a key."""
    start = request.url.find("/", 8)
    end = request.url.find("?", 8)
    return f"{request.method} {request.url[start:end] if end > 0 else request.url[start:]}"


def _binding_data(request: HttpRequestData, optional: Sequence[str]) -> Mapping[str, Any]:
    """Answer `{name}`: route values win over the query, the query over the body's members.

    Of a repeated query value the last one counts. An optional route parameter that the path does
    not have is there, without a value.
    """
    _, _, query = request.url.partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    # The function key is never data.
    values = {name: value for name, value in given.items() if name.lower() != "code"}
    data = {name.lower(): (name, member) for name, member in _body_members(request).items()}
    data |= {name.lower(): (name, member) for name, member in values.items()}
    data |= {name.lower(): (name, None) for name in optional}
    data |= {name.lower(): (name, member) for name, member in request.params.items()}
    data.setdefault("query", ("Query", given))
    data.setdefault("headers", ("Headers", dict(request.headers)))
    return dict(data.values())


def _body_members(request: HttpRequestData) -> dict[str, Any]:
    """Top-level members of a JSON object body; arrays and nulls are left out."""
    if not request.body.lstrip()[:1] == b"{":
        return {}
    try:
        parsed = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return {
        name: member if isinstance(member, dict) else _scalar(member)
        for name, member in parsed.items()
        if member is not None and not isinstance(member, list)
    }


def _members_of(returned: Datum) -> Mapping[str, Datum]:
    """Without a `$return` binding a returned JSON object sets the outputs it names."""
    if returned.kind != "json":
        return {}
    parsed = json.loads(returned.value)
    if not isinstance(parsed, dict):
        return {}
    return {
        name: Datum("text", member) if isinstance(member, str) else json_datum(member)
        for name, member in parsed.items()
        if member is not None
    }


def _scalar(member: Any) -> str:
    if isinstance(member, bool):
        return str(member)  # .NET's spelling: True, False
    return member if isinstance(member, str) else json.dumps(member)
