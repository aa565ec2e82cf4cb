"""The folder model over HTTP: where scripts lie, what they import, what their bindings say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosted import hosted
from tests.support.serving import Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUEST = {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"}
RETURN = {"type": "http", "direction": "out", "name": "$return"}


def declared(*bindings: dict[str, Any], **top: Any) -> str:
    return json.dumps({"bindings": bindings or [REQUEST, RETURN], **top})


def out(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "http", "direction": "out", "name": name, **more}


FILES = {
    # where the script lies
    "simple/function.json": declared(),
    "simple/main.py": "def main(req) -> str:\n    return __name__\n",
    "package/function.json": declared(),
    "package/__init__.py": "def main(req) -> str:\n    return __name__\n",
    "subdir/function.json": declared(scriptFile="sub/main.py"),
    "subdir/sub/main.py": "def main(req) -> str:\n    return __name__\n",
    "climbing/function.json": declared(scriptFile="../lib/handler.py"),
    "lib/handler.py": "def main(req) -> str:\n    return __name__\n",
    "several/function.json": declared(),
    "several/__init__.py": "from .helper import word\ndef main(req) -> str:\n    return word\n",
    "several/helper.py": "word = 'helped'\n",
    "several/notes.txt": "",
    "running/function.json": declared(),
    "running/Run.py": "def main(req) -> str:\n    return 'run'\n",
    "running/other.py": "raise SystemExit('never imported')\n",
    "entry/function.json": declared(entryPoint="custom", scriptFile="main.py"),
    "entry/main.py": "def custom(req) -> str:\n    return 'custom'\n",
    "method/function.json": declared(scriptFile="main.py"),
    "method/main.py": (
        "class Handler:\n"
        "    def __call__(self, req):\n        return 'object'\n"
        "    def work(self, req):\n        return 'method'\n"
        "main = Handler().work\n"
    ),
    "asynchronous/function.json": declared(),
    "asynchronous/__init__.py": "async def main(req):\n    return 'async'\n",
    "once/function.json": declared(),
    "once/__init__.py": (
        "import builtins\n"
        "builtins.once_imports = getattr(builtins, 'once_imports', 0) + 1\n"
        "def main(req) -> str:\n    return str(builtins.once_imports)\n"
    ),
    # imports
    "imports/function.json": declared(),
    "imports/__init__.py": (
        "from . import relative\n"
        "from .deep import mod\n"
        "from .. import sibling\n"
        "from ..common import thing\n"
        "import __app__.common\n"
        "from __app__.common import thing as same\n"
        "import common.thing\n"
        "import simple.main\n"
        "def main(req) -> str:\n"
        "    return ' '.join([relative.__name__, mod.__name__, sibling.__name__, thing.__name__,"
        " same.__name__, common.thing.__name__, simple.main.__name__])\n"
    ),
    "imports/relative.py": "",
    "imports/deep/mod.py": "",
    "sibling.py": "",
    "common/thing.py": "",
    "installed/function.json": declared(),
    "installed/__init__.py": (
        "import pytest, __app__.pytest as own\n"
        "def main(req) -> str:\n"
        "    return f'{hasattr(pytest, \"raises\")} {own.mine}'\n"
    ),
    "pytest/__init__.py": "mine = 'mine'\n",
    # outputs
    "named/function.json": declared(REQUEST, out("foo")),
    "named/__init__.py": (
        "import azure.functions as func\n"
        "def main(req, foo: func.Out[func.HttpResponse]) -> None:\n"
        "    foo.set(func.HttpResponse('hello', status_code=201))\n"
    ),
    "text_out/function.json": declared(REQUEST, out("res")),
    "text_out/__init__.py": (
        "import azure.functions as func\n"
        "def main(req, res: func.Out[str]):\n"
        "    res.set('first')\n    res.set('last')\n"
    ),
    "unset/function.json": declared(REQUEST, out("res")),
    "unset/__init__.py": (
        "import azure.functions as func\n"
        "def main(req, res: func.Out[func.HttpResponse]):\n    pass\n"
    ),
    "set_to_none/function.json": declared(REQUEST, out("res")),
    "set_to_none/__init__.py": (
        "import azure.functions as func\n"
        "def main(req, res: func.Out[func.HttpResponse]):\n    res.set(None)\n"
    ),
    "two_outs/function.json": declared(REQUEST, out("a"), out("b")),
    "two_outs/__init__.py": (
        "import azure.functions as func\n"
        "def main(req, a: func.Out[str], b: func.Out[str]):\n    b.set('b')\n    a.set('a')\n"
    ),
    "quiet/function.json": declared(REQUEST),
    "quiet/__init__.py": "def main(req):\n    return None\n",
    "returning/function.json": declared(REQUEST),
    "returning/__init__.py": "def main(req):\n    return 'ABC'\n",
    "returns_none/function.json": declared(),
    "returns_none/__init__.py": "def main(req):\n    return None\n",
    # names and annotations
    "context_request/function.json": declared({**REQUEST, "name": "context"}, RETURN),
    "context_request/__init__.py": "def main(context):\n    return type(context).__name__\n",
    "both/function.json": declared(),
    "both/__init__.py": (
        "import azure.functions as func\n"
        "def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:\n"
        "    return func.HttpResponse(f'{context.function_name} {context.function_directory}')\n"
    ),
    "upper/function.json": json.dumps(
        {
            "Bindings": [
                {"Type": "httpTrigger", "Direction": "IN", "Name": "req", "AuthLevel": "ANONYMOUS",
                 "Methods": ["GET"], "Route": "Upper/{X}"},
                {"TYPE": "http", "DIRECTION": "OUT", "NAME": "$return"},
            ]
        }
    ),
    "upper/__init__.py": "def main(req):\n    return req.route_params['X']\n",
    "commented/function.json": (
        "// why\n{\"bindings\": [/* in */ " + json.dumps(REQUEST) + ",\n" + json.dumps(RETURN)
        + ",\n]}"
    ),
    "commented/__init__.py": "def main(req):\n    return 'read'\n",
    "disabled_here/function.json": declared(disabled=True),
    "disabled_here/__init__.py": "def main(req):\n    return 'runs'\n",
    "excluded_here/function.json": declared(excluded=True, generatedBy="x", **{"$schema": "y"}),
    "excluded_here/__init__.py": "def main(req):\n    return 'runs'\n",
    "under_score-dash1/function.json": declared(),
    "under_score-dash1/__init__.py": "def main(req):\n    return 'named'\n",
    "deep/er/function.json": declared(),
    "deep/er/__init__.py": "def main(req):\n    return 'never'\n",
}  # fmt: skip

host = hosted(FILES)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("simple", "__app__.simple.main"),
        ("package", "__app__.package"),
        ("subdir", "__app__.subdir.sub.main"),
        ("climbing", "__app__.lib.handler"),
        ("several", "helped"),
        ("running", "run"),
        ("entry", "custom"),
        ("method", "method"),
        ("asynchronous", "async"),
        (
            "imports",
            "__app__.imports.relative __app__.imports.deep.mod __app__.sibling "
            "__app__.common.thing __app__.common.thing common.thing simple.main",
        ),
        ("installed", "True mine"),
        ("text_out", "last"),
        ("two_outs", "b"),
        ("context_request", "HttpRequest"),
        ("Upper/KeepsCase", "KeepsCase"),
        ("commented", "read"),
        ("disabled_here", "runs"),
        ("excluded_here", "runs"),
        ("under_score-dash1", "named"),
    ],
)
async def test_a_folder_is_a_function(host: Served, path: str, text: str) -> None:
    answer = await host.get(f"/api/{path}")
    assert (answer.status, answer.text) == (200, text)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_module_level_code_runs_once(host: Served) -> None:
    assert [(await host.get("/api/once")).text for _ in range(3)] == ["1", "1", "1"]


async def test_a_response_may_be_an_output_with_any_name(host: Served) -> None:
    answer = await host.get("/api/named")
    assert (answer.status, answer.text) == (201, "hello")


@pytest.mark.parametrize("path", ["unset", "set_to_none", "quiet"])
async def test_without_any_http_value_the_answer_is_204(host: Served, path: str) -> None:
    answer = await host.get(f"/api/{path}")
    assert (answer.status, answer.body) == (204, b"")
    assert "Content-Type" not in answer.headers


async def test_a_value_nobody_takes_fails_the_call(host: Served) -> None:
    assert (await host.get("/api/returning")).status == 500
    await host.until_printed(
        "RuntimeError: function 'returning' without a $return bindingreturned a non-None value"
    )


async def test_none_for_a_return_binding_fails_the_call(host: Served) -> None:
    assert (await host.get("/api/returns_none")).status == 500


async def test_the_context_names_the_function_and_its_folder(host: Served) -> None:
    name, _, directory = (await host.get("/api/both")).text.partition(" ")
    assert name == "both"
    assert Path(directory).name == "both"
    assert Path(directory).is_absolute()


async def test_disabled_in_function_json_is_told_to_mean_nothing(host: Served) -> None:
    await host.until_printed("'disabled' in disabled_here/function.json has no effect")
    await host.until_printed("AzureWebJobs.disabled_here.Disabled")


async def test_folders_below_folders_are_no_functions(host: Served) -> None:
    assert (await host.get("/api/er")).status == 404
    assert (await host.get("/api/deep")).status == 404


async def test_middleware_of_frameworks_may_be_the_entry_point(
    tmp_path: Path, channel: str
) -> None:
    trigger = {**REQUEST, "route": "{kind}/{*route}"}
    files = {
        "asgi/function.json": declared({**trigger, "route": "asgi/{*route}"}, RETURN),
        "asgi/__init__.py": (
            "import azure.functions as func\nfrom fastapi import FastAPI\n"
            "site = FastAPI()\n"
            "@site.get('/api/asgi/hello')\n"
            "async def hello():\n    return 'asgi'\n"
            "async def main(req: func.HttpRequest, context: func.Context):\n"
            "    return await func.AsgiMiddleware(site).handle_async(req, context)\n"
        ),
        "wsgi/function.json": declared({**trigger, "route": "wsgi/{*route}"}, RETURN),
        "wsgi/__init__.py": (
            "import azure.functions as func\nfrom flask import Flask\n"
            "site = Flask(__name__)\n"
            "@site.get('/api/wsgi/hello')\n"
            "def hello():\n    return 'wsgi'\n"
            "main = func.WsgiMiddleware(site.wsgi_app).main\n"
        ),
    }
    async with served(write_app(tmp_path, files), channel=channel) as host:
        assert (await host.get("/api/asgi/hello")).json == "asgi"
        assert (await host.get("/api/wsgi/hello")).text == "wsgi"
