"""Options of `funcemu call` to the request of an HTTP function, and its response to text."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from emulator.errors import EmulatorError
from emulator.model import HttpRequestData, HttpResponseData
from emulator.routing.samples import fill, sample_values
from emulator.routing.template import parse_template
from emulator.runtime.generation import Endpoint, Generation

_WITHOUT_BODY = ("GET", "HEAD", "DELETE", "OPTIONS", "TRACE")


class Wanted(NamedTuple):
    """What the person said about the request; `None` is left to us."""

    method: str | None = None
    path: str | None = None
    query: Sequence[tuple[str, str]] = ()
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    sample: HttpRequestData | None = None


def build_request(generation: Generation, endpoint: Endpoint, wanted: Wanted) -> HttpRequestData:
    """Return the request that reaches the function through its route.

    Raises `EmulatorError` when the path or the method belongs to nobody, or to another function.
    """
    sample = wanted.sample
    method = _method(endpoint, wanted)
    path, _, own_query = _path(generation, endpoint, wanted).partition("?")
    query = [*parse_qsl(own_query, keep_blank_values=True), *wanted.query]
    if sample is not None and not query:
        query = list(sample.query.items())
    match = generation.routes.match(method, path)
    if match is None or match.target.function is not endpoint.function:
        raise _not_reached(endpoint, match.target if match else None, method, path)
    body = wanted.body
    if body is None:
        body = sample.body if sample is not None and method not in _WITHOUT_BODY else b""
    headers = {"host": "localhost"}
    if body:
        headers["content-type"] = "application/json" if _is_json(body) else "text/plain"
        headers["content-length"] = str(len(body))
    headers |= _joined((name.lower(), value) for name, value in wanted.headers)
    target = path + (f"?{urlencode(query)}" if query else "")
    return HttpRequestData(
        method=method,
        url=f"http://localhost{target}",
        headers=headers,
        # Empty values are dropped, as for a request over HTTP.
        query=_joined((name, value) for name, value in query if value),
        params={name: value for name, value in match.values.items() if value is not None},
        body=body,
    )


def response_json(response: HttpResponseData) -> dict[str, Any]:
    """The response for programs; a body that is no text is base64."""
    shown: dict[str, Any] = {
        "status": response.status,
        "headers": [list(each) for each in response.headers],
    }
    try:
        shown["body"] = response.body.decode("utf-8")
    except UnicodeDecodeError:
        shown["bodyBase64"] = base64.b64encode(response.body).decode("ascii")
    return shown


def response_head(response: HttpResponseData) -> Iterable[str]:
    """The status line and the headers, as `curl -i` shows them."""
    try:
        phrase = f" {HTTPStatus(response.status).phrase}"
    except ValueError:
        phrase = ""
    yield f"HTTP {response.status}{phrase}"
    yield from (f"{name}: {value}" for name, value in response.headers)


def _method(endpoint: Endpoint, wanted: Wanted) -> str:
    if wanted.method:
        return wanted.method.upper()
    allowed = endpoint.route.methods
    preferred = ("POST", "PUT", "PATCH", "GET") if wanted.body is not None else ("GET", "POST")
    if allowed is None:
        return preferred[0]
    return next((each for each in preferred if each in allowed), min(allowed, default="GET"))


def _path(generation: Generation, endpoint: Endpoint, wanted: Wanted) -> str:
    if wanted.path is not None:
        given = quote(wanted.path, safe="/%?&=+-._~!$'()*,;:@")
        if given.startswith("/"):
            return given
        prefix = generation.host_config.http.route_prefix.strip("/")
        return f"/{prefix}/{given}" if prefix else f"/{given}"
    template = parse_template(endpoint.template)
    if wanted.sample is not None:
        return "/" + quote(fill(template, sample_values(template)))
    needed = [each.name for each in template.parameters if not each.may_be_absent]
    if needed:
        raise EmulatorError(
            f"The route of '{endpoint.function.model.name}' has a part that you must fill: "
            f"/{endpoint.template}",
            hint=f"Give the whole path, such as --path /{fill(template, sample_values(template))}, "
            "or --sample for such a value.",
            code="call-path-missing",
        )
    return "/" + quote(fill(template, {}))


def _not_reached(
    endpoint: Endpoint, other: Endpoint | None, method: str, path: str
) -> EmulatorError:
    name = endpoint.function.model.name
    methods = endpoint.route.methods
    takes = ", ".join(sorted(methods)) if methods is not None else "every method"
    answers = "no function" if other is None else f"the function '{other.function.model.name}'"
    return EmulatorError(
        f"{method} {path} is answered by {answers}, not by '{name}'.",
        hint=f"'{name}' answers {takes} on /{endpoint.template}.",
        code="call-path-mismatch",
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Join repeated names with a comma, as the host does for requests over HTTP."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _is_json(body: bytes) -> bool:
    return body.lstrip()[:1] in {b"{", b"["}
