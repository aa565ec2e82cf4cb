"""Values of calls as a test wants them: plain Python, and a response that can be asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.cookies import SimpleCookie
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from emulator.model import Datum, HttpResponseData

_CHARSET = re.compile(r"charset=\"?([\w.-]+)", re.IGNORECASE)


class Response:
    """What an app answered to a request, read to its end.

    `status` is the number, `reason` the words for it, `headers` a multidict without case,
    `cookies` those that were set, `body` the bytes.
    """

    def __init__(
        self, status: int, headers: Iterable[tuple[str, str]], body: bytes, *, reason: str = ""
    ) -> None:
        self.status = status
        self.reason = reason
        self.headers: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict(headers))
        self.body = body

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status < 400

    @property
    def content_type(self) -> str:
        """The media type without its parameters, lower-case; empty when none was sent."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def cookies(self) -> SimpleCookie:
        """The cookies the answer sets."""
        cookies: SimpleCookie = SimpleCookie()
        for value in self.headers.getall("Set-Cookie", ()):
            cookies.load(value)
        return cookies

    def _text(self, encoding: str | None) -> str:
        found = _CHARSET.search(self.headers.get("Content-Type", ""))
        return self.body.decode(encoding or (found[1] if found else "utf-8"))

    def __repr__(self) -> str:
        shown = self.body[:60].decode("utf-8", "replace")
        return f"<{self.status} {self.content_type or 'no content type'} {shown!r}>"


class Answer(Response):
    """A response as aiohttp's test client gives it: `await answer.text()`, `.json()`, `.read()`.

    Unlike aiohttp's, `json()` does not ask for the content type: functions often return JSON text
    without one.
    """

    async def text(self, encoding: str | None = None) -> str:
        """Return the body as text; the charset of the content type counts, else UTF-8."""
        return self._text(encoding)

    async def json(self, *, loads: Callable[[str], Any] = json.loads) -> Any:
        """Parse the body; raises `ValueError` when it is not JSON."""
        return loads(self._text(None))

    async def read(self) -> bytes:
        """Return the body."""
        return self.body


class BlockingAnswer(Response):
    """The same without `await`, from an app opened with plain `with`."""

    def text(self, encoding: str | None = None) -> str:
        """Return the body as text; the charset of the content type counts, else UTF-8."""
        return self._text(encoding)

    def json(self, *, loads: Callable[[str], Any] = json.loads) -> Any:
        """Parse the body; raises `ValueError` when it is not JSON."""
        return loads(self._text(None))

    def read(self) -> bytes:
        """Return the body."""
        return self.body


class BindingOptions(Mapping[str, Any]):
    """What a binding was configured with at one call, every expression replaced.

    Names count without case and underscores, so both spellings work: `options["userMessage"]` of
    function.json and `options["user_message"]` of the decorators.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = dict(options)
        self._names = {_folded(name): name for name in self._options}

    def __getitem__(self, name: str) -> Any:
        try:
            return self._options[self._names[_folded(name)]]
        except KeyError:
            known = ", ".join(self._options) or "none"
            raise KeyError(f"'{name}' is no option of the binding; there are: {known}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._options)

    def __len__(self) -> int:
        return len(self._options)

    def __repr__(self) -> str:
        return repr(self._options)


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def plain(value: Datum) -> Any:
    """Return a value as Python has it: JSON parsed, a response as an `Answer`, lists as lists."""
    match value.kind:
        case "json":
            try:
                return json.loads(value.value)
            except ValueError:
                return value.value
        case "list":
            return [plain(each) for each in value.value]
        case "http" if isinstance(value.value, HttpResponseData):
            return answer_of(value.value)
        case _:
            return value.value


def answer_of(response: HttpResponseData) -> Answer:
    return Answer(response.status, response.headers, response.body)
