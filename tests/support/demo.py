"""The requests of a sample's `demo.http`, as an editor's REST client would send them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.serving import Answer, Served

WRITTEN_FOR = "http://localhost:7071"

TODO = {
    "Create the assistant": '{"assistantId": "assistant123"}',
    "Ask for a reminder": 'Done – I created the todo task "call my dad".',
    "And another one": 'Done – I created the todo task "take out the trash".',
    "Read the list": 'I found 2 todo tasks: "call my dad" and "take out the trash".',
    "See the whole chat": '"totalMessages":13',
}
"""What the to-do assistant answers in each language, by the title of the request."""

_VARIABLE = re.compile(r"@(\w+)\s*=\s*(.*\S)")
_USE = re.compile(r"\{\{(\w+)\}\}")
_REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\s+(\S.*)")
_HEADER = re.compile(r"([\w-]+):\s*(.*)")


@dataclass(frozen=True)
class DemoRequest:
    """`title` is what stands behind the `###` before the request."""

    title: str
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    async def send(self, host: Served) -> Answer:
        """Send it to the host that serves the sample, wherever that is."""
        assert self.url.startswith(WRITTEN_FOR), self.url
        return await host.request(
            self.method,
            self.url.removeprefix(WRITTEN_FOR),
            headers=dict(self.headers),
            data=self.body.replace(WRITTEN_FOR, host.url).encode() or None,
        )


def read_demo(app: Path) -> list[DemoRequest]:
    """Read the file in an app's folder."""
    return parse_demo((app / "demo.http").read_text("utf-8"))


def parse_demo(text: str) -> list[DemoRequest]:
    variables: dict[str, str] = {}
    requests = []
    for block in re.split(r"^###", text, flags=re.MULTILINE):
        title, _, rest = block.partition("\n")
        lines = rest.split("\n")
        for line in lines:
            found = _VARIABLE.fullmatch(line.strip())
            if found:
                variables[found[1]] = _filled(found[2], variables)
        start = next((at for at, line in enumerate(lines) if _REQUEST.match(line)), None)
        if start is not None:
            requests.append(_request(title.strip(), lines[start:], variables))
    return requests


def _request(title: str, lines: list[str], variables: Mapping[str, str]) -> DemoRequest:
    first = _REQUEST.fullmatch(lines[0].strip())
    assert first is not None, lines[0]
    headers = {}
    rest = lines[1:]
    while rest and rest[0].strip():
        header = _HEADER.fullmatch(rest.pop(0).strip())
        assert header is not None, f"{title}: no header"
        headers[header[1]] = _filled(header[2], variables)
    body = _filled("\n".join(rest).strip(), variables)
    return DemoRequest(title, first[1], _filled(first[2], variables), headers, body)


def _filled(text: str, variables: Mapping[str, str]) -> str:
    return _USE.sub(lambda match: variables[match[1]], text)
