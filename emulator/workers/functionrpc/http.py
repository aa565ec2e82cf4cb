"""HTTP requests and responses as the protocol has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, quote

import msgspec

from emulator.model import HttpRequestData, HttpResponseData

_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json; charset=utf-8"
_SAME_SITE = {1: "lax", 2: "strict", 3: "none"}
"""0 says nothing about it; 3 is a `None` that was asked for."""

_NAME_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_ROLE_CLAIM = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
_LEVEL_CLAIM = "http://schemas.microsoft.com/2017/07/functions/claims/authlevel"

_BYTES = re.compile("[\udc80-\udcff]")
"""How bytes that are no UTF-8 come."""


def fill_request(rpc: Any, request: HttpRequestData, capabilities: Mapping[str, str]) -> None:
    """Write a request into an `RpcHttp`, in the variant that the worker has asked for."""
    request = speakable_request(request)
    rpc.method, rpc.url = request.method, request.url
    if "UseNullableValueDictionaryForHttp" in capabilities:
        for name, value in request.headers.items():
            rpc.nullable_headers[name].value = value
        for name, value in request.params.items():
            rpc.nullable_params[name].value = value
        for name, value in _whole_query(request).items():
            rpc.nullable_query[name].value = value
    else:
        drops_empty = "IgnoreEmptyValuedRpcHttpHeaders" in capabilities
        for name, value in request.headers.items():
            if value or not drops_empty:
                rpc.headers[name] = value
        rpc.params.update(request.params)
        rpc.query.update(request.query)
    if request.method:  # not of one that comes another way
        _fill_identity(rpc.identities.add())
    if request.body:
        _fill_body(rpc, request, capabilities)


def _fill_identity(identity: Any) -> None:
    """Say who calls: locally everybody may do everything, as with the Core Tools."""
    identity.authentication_type.value = "WebJobsAuthLevel"
    identity.name_claim_type.value = _NAME_CLAIM
    identity.role_claim_type.value = _ROLE_CLAIM
    identity.claims.add(type=_LEVEL_CLAIM, value="Admin")


def speakable_request(request: HttpRequestData) -> HttpRequestData:
    """Return what can be said of a request: its headers and its target may be of any bytes."""

    def each(values: Mapping[str, str]) -> dict[str, str]:
        return {speakable(name): speakable(value) for name, value in values.items()}

    return msgspec.structs.replace(
        request,
        url=speakable(_BYTES.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", request.url)),
        headers=each(request.headers),
        query=each(request.query),
        params=each(request.params),
    )


def speakable(text: str) -> str:
    """Half a surrogate pair, which no UTF-8 can carry, becomes a question mark."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def _whole_query(request: HttpRequestData) -> dict[str, str]:
    """Return the query with its empty values, which the request itself leaves out."""
    empty = {
        name: value
        for name, value in parse_qsl(request.url.partition("?")[2], keep_blank_values=True)
        if not value
    }
    return {**empty, **request.query}


def _fill_body(rpc: Any, request: HttpRequestData, capabilities: Mapping[str, str]) -> None:
    raw = "RawHttpBodyBytes" in capabilities
    if "RpcHttpBodyOnly" in capabilities:
        if raw or _is_binary(request):
            rpc.body.bytes = request.body
        else:
            rpc.body.string = _text(request)  # whatever its content type says
        return
    if _is_binary(request):
        rpc.body.bytes = request.body
    elif _media_type(request) == "application/json" and _is_json(_text(request)):
        rpc.body.json = _text(request)
    else:
        rpc.body.string = _text(request)
    if raw:
        rpc.rawBody.bytes = request.body
    else:
        rpc.rawBody.string = _text(request)


def _is_binary(request: HttpRequestData) -> bool:
    media = _media_type(request)
    return media == "application/octet-stream" or media.startswith("multipart/")


def _media_type(request: HttpRequestData) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _text(request: HttpRequestData) -> str:
    return request.body.decode("utf-8", "replace")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def response_of(rpc: Any, *, accept: str = "") -> HttpResponseData:
    """Read an `RpcHttp` that a function returned."""
    headers = [*rpc.headers.items(), *((k, v.value) for k, v in rpc.nullable_headers.items())]
    name, given = next(
        ((name, value) for name, value in headers if name.lower() == "content-type"),
        ("content-type", None),
    )
    content_type, body = _body(rpc, given, accept)
    headers = [(each, value) for each, value in headers if each != name]
    if content_type is not None:
        headers.insert(0, (name, content_type))
    headers += [("Set-Cookie", _cookie(each)) for each in rpc.cookies]
    return HttpResponseData(_status(rpc.status_code), tuple(headers), body)


def _status(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 200


def _body(rpc: Any, given: str | None, accept: str) -> tuple[str | None, bytes]:
    """Return content type and body. What was given as bytes is sent as it is."""
    typed = rpc.body
    kind = typed.WhichOneof("data")
    if kind in ("bytes", "stream"):
        return given, getattr(typed, kind)
    text = "" if kind is None else str(getattr(typed, kind))
    if rpc.enable_content_negotiation and given is None:
        return _negotiated(text, is_json=kind == "json", accept=accept)
    if kind == "json":
        text = _shown(text)
    if given is not None and "charset" not in given.lower():
        given = f"{given}; charset=utf-8"
    return given or _TEXT, speakable(text).encode("utf-8")


def _negotiated(text: str, *, is_json: bool, accept: str) -> tuple[str, bytes]:
    """Choose by what the client accepts; text is its own representation where it may be."""
    wanted = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    first = next((each for each in wanted if each in ("text/plain", "application/json")), None)
    if is_json:
        return _JSON, text.encode("utf-8")
    if first == "application/json":
        return _JSON, json.dumps(text, ensure_ascii=False).encode("utf-8")
    return _TEXT, text.encode("utf-8")


def _shown(text: str) -> str:
    """Return JSON as .NET writes it: what is no object or list as its text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    match value:
        case None:
            return ""
        case bool():
            return str(value)
        case str():
            return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _cookie(cookie: Any) -> str:
    return "; ".join(_cookie_parts(cookie))


def _cookie_parts(cookie: Any) -> Iterator[str]:
    """Write a cookie as Azure's host does: its value is escaped, and it is for every path unless
    the function says otherwise."""
    yield f"{cookie.name}={quote(cookie.value, safe='')}"
    if cookie.HasField("expires") and cookie.expires.HasField("value"):
        yield f"expires={formatdate(cookie.expires.value.ToSeconds(), usegmt=True)}"
    if cookie.HasField("max_age"):
        yield f"max-age={int(cookie.max_age.value)}"
    if cookie.HasField("domain") and cookie.domain.value:
        yield f"domain={cookie.domain.value}"
    if path := cookie.path.value if cookie.HasField("path") else "/":
        yield f"path={path}"
    if cookie.secure.value:
        yield "secure"
    if cookie.same_site in _SAME_SITE:
        yield f"samesite={_SAME_SITE[cookie.same_site]}"
    if cookie.http_only.value:
        yield "httponly"
