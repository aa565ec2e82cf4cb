"""FastAPI and Flask apps behind one function, and the sample apps of both models."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.support.hosted import hosted
from tests.support.serving import FIXTURES, Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

APPS = FIXTURES / "apps"
fastapi = hosted(APPS / "fastapi_app")
flask = hosted(APPS / "flask_app")
folders = hosted(APPS / "v1_shared")
blueprints = hosted(APPS / "v2_blueprints", "--enable-auth")


async def test_fastapi_answers_at_the_root_instead_of_the_home_page(fastapi: Served) -> None:
    answer = await fastapi.get("/")
    assert (answer.status, answer.json) == (200, {"app": "orders"})
    assert answer.headers["Content-Type"] == "application/json"


async def test_fastapi_reads_paths_and_bodies(fastapi: Served) -> None:
    put = await fastapi.put("/orders/7", json={"item": "tea", "count": 2})
    assert (put.status, put.json) == (201, {"item": "tea", "count": 2})
    assert (await fastapi.get("/orders/7")).json == {"item": "tea", "count": 2}


async def test_fastapi_has_its_own_error_answers(fastapi: Served) -> None:
    missing = await fastapi.get("/orders/99")
    assert (missing.status, missing.json) == (404, {"detail": "There is no order 99."})
    unknown = await fastapi.get("/nowhere/at/all")
    assert (unknown.status, unknown.json) == (404, {"detail": "Not Found"})
    wrong = await fastapi.get("/orders/seven")
    assert wrong.status == 422
    assert (await fastapi.request("DELETE", "/orders/7")).status == 405


async def test_fastapi_takes_uploads_and_serves_its_documentation(fastapi: Served) -> None:
    form = aiohttp.FormData()
    form.add_field("file", b"\x00" * 3000, filename="big.bin")
    assert (await fastapi.post("/upload", data=form)).json == {"name": "big.bin", "size": 3000}
    assert "swagger" in (await fastapi.get("/docs")).text.lower()
    assert (await fastapi.get("/openapi.json")).json["info"]["title"] == "Orders"


async def test_fastapi_finds_the_context_in_its_scope(fastapi: Served) -> None:
    seen = (await fastapi.get("/whoami?a=b%20c")).json
    assert seen["url"] == f"{fastapi.url}/whoami?a=b%20c"
    assert seen["function"] == "http_app_func"
    assert len(seen["invocation"]) == 36


async def test_an_exception_in_fastapi_is_a_500(fastapi: Served) -> None:
    assert (await fastapi.get("/broken")).status == 500
    await fastapi.until_printed("RuntimeError: out of order")


async def test_frameworks_leave_the_admin_api_alone(fastapi: Served, flask: Served) -> None:
    for host in (fastapi, flask):
        assert (await host.get("/admin/host/status")).json["state"] == "Running"
        names = [each["name"] for each in (await host.get("/admin/functions")).json]
        assert "http_app_func" in names


async def test_a_framework_below_a_prefix_sees_the_prefix(tmp_path: Path, channel: str) -> None:
    code = (
        "import azure.functions as func\nfrom fastapi import FastAPI\n"
        "site = FastAPI()\n"
        "@site.get('/api/hello')\n"
        "async def hello():\n    return 'hello'\n"
        "app = func.AsgiFunctionApp(app=site, http_auth_level='ANONYMOUS')\n"
    )
    async with served(write_app(tmp_path, {"function_app.py": code}), channel=channel) as host:
        assert (await host.get("/api/hello")).json == "hello"
        assert (await host.get("/api/other")).json == {"detail": "Not Found"}
        assert (await host.get("/hello")).status == 404
        assert (await host.get("/")).headers["Content-Type"].startswith("text/html")


async def test_a_framework_whose_start_up_fails_fails_the_call(
    tmp_path: Path, channel: str
) -> None:
    code = (
        "import contextlib\nimport azure.functions as func\nfrom fastapi import FastAPI\n"
        "@contextlib.asynccontextmanager\n"
        "async def lifespan(app):\n    raise OSError('no database')\n    yield\n"
        "site = FastAPI(lifespan=lifespan)\n"
        "app = func.AsgiFunctionApp(app=site, http_auth_level='ANONYMOUS')\n"
    )
    async with served(write_app(tmp_path, {"function_app.py": code}), channel=channel) as host:
        assert (await host.get("/api/x")).status == 500
        await host.until_printed("RuntimeError: ASGI middleware startup failed.")


async def test_the_lifespan_starts_once_before_the_first_request(
    tmp_path: Path, channel: str
) -> None:
    code = (
        "import contextlib\nimport azure.functions as func\nfrom fastapi import FastAPI\n"
        "starts = []\n"
        "@contextlib.asynccontextmanager\n"
        "async def lifespan(app):\n    starts.append(1)\n    yield\n"
        "site = FastAPI(lifespan=lifespan)\n"
        "@site.get('/api/starts')\n"
        "def count():\n    return len(starts)\n"
        "app = func.AsgiFunctionApp(app=site, http_auth_level='ANONYMOUS')\n"
    )
    async with served(write_app(tmp_path, {"function_app.py": code}), channel=channel) as host:
        assert [(await host.get("/api/starts")).json for _ in range(3)] == [1, 1, 1]


async def test_flask_reads_paths_queries_and_bodies(flask: Served) -> None:
    assert (await flask.get("/")).text == "<h1>Notes</h1>"
    assert (await flask.get("/")).headers["Content-Type"] == "text/html; charset=utf-8"
    assert (await flask.get("/notes/3?tag=a%20b")).json == {"number": 3, "tag": "a b"}
    created = await flask.post("/notes", json={"text": "ü"})
    assert (created.status, created.json) == (201, {"text": "ü"})
    assert created.cookies == ("seen=yes; domain=; path=/; httponly",)


async def test_flask_has_its_own_error_answers_below_500(flask: Served) -> None:
    assert "Not Found" in (await flask.get("/nowhere")).text
    assert (await flask.get("/nowhere")).status == 404
    assert (await flask.get("/teapot")).status == 418
    assert (await flask.request("PATCH", "/notes")).status == 405


async def test_a_500_of_flask_is_a_failed_call_with_an_empty_body(flask: Served) -> None:
    answer = await flask.get("/broken")
    assert (answer.status, answer.body) == (500, b"")
    await flask.until_printed("Executed 'Functions.http_app_func' (Failed, Id=")


async def test_a_function_beside_flask_follows_the_order_of_names(flask: Served) -> None:
    assert (await flask.get("/health")).text == "fine"


async def test_the_v1_sample_greets_by_query_and_body(folders: Served) -> None:
    first = await folders.get("/api/hello?name=Bob")
    assert (first.status, first.text) == (200, "Hello Bob")
    assert first.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert (await folders.post("/api/hello", json={"name": "Amy"})).text == "Hello Amy"
    assert (await folders.post("/api/hello", data=b"x")).status == 400
    assert (await folders.get("/API/HELLO/?name=x")).status == 200
    for method in ("PUT", "HEAD", "DELETE"):
        assert (await folders.request(method, "/api/hello")).status == 404


async def test_v1_functions_share_one_copy_of_a_module(folders: Served) -> None:
    visitor = int((await folders.get("/api/hello?name=a")).headers["X-Visitor"])
    order = await folders.post("/api/customers/ada/orders")
    assert (order.status, order.text) == (201, f"order {visitor + 1} of ada")
    assert (await folders.get("/api/customers/ada/orders")).status == 404
    assert (await folders.post("/api/customers/42/orders")).status == 404


async def test_a_v1_function_without_http_output_answers_204(folders: Served) -> None:
    answer = await folders.put("/api/receive", data=b"12345")
    assert (answer.status, answer.body) == (204, b"")
    assert "Content-Type" not in answer.headers
    await folders.until_printed("received 5 bytes")


async def test_a_folder_without_function_json_is_no_function(folders: Served) -> None:
    assert (await folders.get("/api/shared")).status == 404
    names = [each["name"] for each in (await folders.get("/admin/functions")).json]
    assert names == ["hello", "orders", "receive"]


async def test_blueprints_bring_their_functions_names_and_folders(blueprints: Served) -> None:
    assert (await blueprints.get("/api/customers/1")).text == "Ada"
    assert (await blueprints.get("/api/customers/9")).status == 404
    where = (await blueprints.get("/api/health")).text
    assert where == f"alive in {APPS / 'v2_blueprints' / 'health'}"
    assert (await blueprints.get("/api/orders")).status == 401
    await blueprints.until_printed("\tlist_orders: [GET]")
