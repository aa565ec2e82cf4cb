"""What the console says of a request that no function answered; the client gets a bare 404."""

from __future__ import annotations

import pytest

from tests.support.hosted import HEAD, hosted
from tests.support.serving import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP = (
    HEAD
    + """
@app.route(route="hello", methods=["GET", "POST"])
def hello(req: func.HttpRequest) -> str:
    return "hi"

@app.route(route="orders/{id:int}")
def order(req: func.HttpRequest) -> str:
    return "hi"

@app.route(route="queued")
@app.event_hub_output(arg_name="out", event_hub_name="h", connection="EventHub")
def queued(req: func.HttpRequest, out: func.Out[str]) -> str:
    return "hi"

@app.route(route="shelves/{shelf:int}/books/{title?}")
@app.event_hub_output(arg_name="out", event_hub_name="h", connection="EventHub")
def shelved(req: func.HttpRequest, out: func.Out[str]) -> str:
    return "hi"

@app.route(route="off")
def off(req: func.HttpRequest) -> str:
    return "hi"
"""
)

host = hosted(
    {"function_app.py": APP},
    settings={"AzureWebJobs.off.Disabled": "true"},
    channels=("inprocess",),
)


@pytest.mark.parametrize(
    ("method", "path", "note"),
    [
        ("DELETE", "/api/hello", "'hello' answers GET and POST, not DELETE"),
        ("GET", "/hello", "did you mean /api/hello?"),
        ("GET", "/orders/5", "did you mean /api/orders/{id:int}?"),
        ("GET", "/api/helo", "did you mean /api/hello?"),
        ("GET", "/api/QUEUED/", "'queued' is not served; the start says why"),
        ("GET", "/api/shelves/5/books", "'shelved' is not served; the start says why"),
        ("GET", "/api/shelves/5/books/Ulysses", "'shelved' is not served; the start says why"),
        ("GET", "/api/shelves/top/books", ""),
        ("GET", "/api/off", "off  disabled"),
        ("GET", "/favicon.ico", ""),
        ("GET", "/admin/nothing", ""),
    ],
)
async def test_a_request_without_an_answer_is_explained(
    host: Served, method: str, path: str, note: str
) -> None:
    answer = await host.request(method, path)
    assert (answer.status, answer.body) == (404, b"")
    await host.until_printed(f"{method} {path} → 404")
    (line,) = [each for each in host.printed.splitlines() if f"{method} {path} → 404" in each]
    assert line.partition(" ms)")[2].strip() == note
