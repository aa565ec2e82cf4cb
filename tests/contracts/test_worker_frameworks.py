"""Apps of web frameworks behind functions, over every worker channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.model import HttpResponseData
from tests.support.workers import CHANNELS, folder_function, models, request, serving, write

pytestmark = pytest.mark.parametrize("kind", CHANNELS)


async def test_asgi_and_wsgi_apps(kind: str, tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "function_app.py": """
                import pathlib
                import azure.functions as func

                async def asgi(scope, receive, send):
                    if scope["type"] == "lifespan":
                        await receive()
                        await send({"type": "lifespan.startup.complete"})
                        await receive()
                        pathlib.Path(__file__).with_name("ended").write_text("")
                        await send({"type": "lifespan.shutdown.complete"})
                        return
                    body = (await receive())["body"]
                    told = " ".join([scope["method"], scope["path"], body.decode(),
                                     scope["azure_functions.function_name"]])
                    await send({"type": "http.response.start", "status": 202,
                                "headers": [(b"content-type", b"text/x")]})
                    await send({"type": "http.response.body", "body": told.encode()})

                app = func.AsgiFunctionApp(app=asgi, http_auth_level="ANONYMOUS")
            """,
            "wsgi/__init__.py": """
                import azure.functions as func

                def wsgi(environ, start_response):
                    broken = environ["PATH_INFO"] == "/broken"
                    start_response("500 No" if broken else "200 OK", [("X-A", "b")])
                    return [b"from wsgi"]

                main = func.WsgiMiddleware(wsgi).main
            """,
        },
    )
    async with serving(kind, root) as worker:
        assert worker.errors == {}
        (model,) = models(worker.index)
        trigger = next(each for each in model.bindings if each.type == "httpTrigger")
        assert model.name == "http_app_func"
        assert trigger.properties["route"] == "/{*route}"
        answer = await worker.call(
            "http_app_func", req=request(b"hi", method="PUT", url="http://h/path?q=1")
        )
        assert answer.return_value.value == HttpResponseData(
            202, (("content-type", "text/x"),), b"PUT /path hi http_app_func"
        )
        await worker.load(folder_function(root, "wsgi", script="__init__.py"))
        fine = (await worker.call("wsgi", req=request(url="http://h/x"))).return_value.value
        assert (fine.body, ("X-A", "b") in fine.headers) == (b"from wsgi", True)
        broken = await worker.call("wsgi", req=request(url="http://h/broken"))
        assert broken.error.title == "Exception: b'from wsgi'"
        assert not (root / "ended").exists()
    assert (root / "ended").exists()
