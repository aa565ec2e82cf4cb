"""Keys planted wherever an app, its settings and its clients have some; none of them comes out.

Deliberately shown are:

- to the app's code: every setting in its environment, and each request as it came;
- to the caller: what a function returns;
- to the model service: its own key, and messages as they were written;
- in the chats of an assistant: messages as they were written (`_KEPT`), and in an export of them;
- by `funcemu settings get` and `list --show-values`, which somebody typed for that;
- by the admin API, to who has the master key: function keys.
"""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import planted
from tests.support.commands import funcemu
from tests.support.model_service import ModelService, Received, Reply, chat
from tests.support.planted import ENVIRONMENT, IN_REQUESTS, IN_SETTINGS, files_below, found_in
from tests.support.serving import Served, served, write_app

KEPT = {"openai-chats.db": ["Values", "model service"]}
"""Files of the state, and the keys that the user and the model wrote into messages kept there."""

PLANTED_FILES = ("local.settings.json", ".env", "host.json")

HEAD = '''
import html, json, logging, os, re, sys, traceback, urllib.parse, warnings
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


def secrets():
    """Everything this app was configured with, and the secret part of it alone."""
    names = ("PLANTED_API_KEY", "AzureOpenAI__Key", "Files", "Bus", "Blobs", "Backend",
             "PLANTED_TOKEN", "PLANTED_SECRET", "AZURE_CLIENT_SECRET",
             "AzureFunctionsJobHost__extensions__planted__password")
    texts = [os.environ[name] for name in names]
    texts += [value for name, value in os.environ.items() if name.endswith("Sql")]
    host_json = json.loads(Path(__file__).with_name("host.json").read_text("utf-8"))
    texts.append(host_json["extensions"]["planted"]["apiKey"])
    for text in list(texts):
        texts += re.findall(r"(?:Key|Password|sig)=([^;]+)", text)
        texts += re.findall(r"://me:(.+?)@", text)
    assert len(texts) == 17, len(texts)
    return texts

'''

CODE = (
    HEAD
    + """
logging.warning("imported with %s", secrets())
print("imported with", *secrets())


@app.route(route="say")
def say(req: func.HttpRequest) -> str:
    for text in secrets():
        logging.critical("it is %s", text)
        logging.warning("as data: %s", json.dumps({"key": text}))
        logging.info("as a value: %r and %s", text, {text: text.encode()})
        logging.debug("in an address: %s", urllib.parse.quote(text, safe=""))
        logging.info("in a form: %s in html: %s", urllib.parse.quote_plus(text), html.escape(text))
        logging.getLogger(f"logger.{text}").error("%s%s", "x" * 3990, text)
        print("printed", text)
        print("to stderr", text, file=sys.stderr)
        warnings.warn(text)
    return "said"


@app.route(route="boom/{number:int}")
def boom(req: func.HttpRequest) -> str:
    text = secrets()[int(req.route_params["number"])]
    try:
        raise KeyError(text)
    except KeyError as error:
        raise ValueError(f"cannot connect with {text}") from error


@app.route(route="quiet", methods=["POST"])
def quiet(req: func.HttpRequest) -> str:
    return "quiet"


@app.route(route="chats/{id}", methods=["PUT"])
@app.assistant_create_output(arg_name="requests")
def create(req: func.HttpRequest, requests: func.Out[str]) -> str:
    requests.set(json.dumps({"id": req.route_params["id"], "instructions": "Be brief."}))
    return "created"


@app.route(route="chats/{id}", methods=["POST"])
@app.assistant_post_input(
    arg_name="state", id="{id}", user_message="{text}", ai_connection_name="AzureOpenAI",
    chat_model="gpt-test",
)
def post(req: func.HttpRequest, state: str) -> str:
    return "posted"


@app.assistant_skill_trigger(arg_name="note", function_description="Take a note")
def AddNote(note: str) -> str:
    return f"noted {note}"
"""
)

BROKEN = HEAD + 'raise RuntimeError("no start with " + " ".join(secrets()))\n'

MODEL_KEY = IN_SETTINGS["model service"]


@pytest.fixture
async def service() -> AsyncIterator[ModelService]:
    service = ModelService()
    service.fallback = _answer
    async with service.running():
        yield service


def _answer(request: Received) -> Reply:
    """Use a skill with what was said, repeat what was said, or complain with the key in it."""
    said = str(request.messages[-1]["content"])
    if "refuse" in said:
        told = f"Incorrect API key provided: {MODEL_KEY}. {request.headers['api-key']}"
        return Reply({"error": {"message": told, "code": "invalid_api_key"}}, status=401)
    if "page" in said:
        return Reply(f"<html>no such key: {MODEL_KEY}</html>", status=403)
    if request.messages[-1]["role"] == "user":
        return chat(calls=[("c1", "AddNote", {"note": f"{'n' * 170} {said}"})])
    return chat(f"I noted {said} with {MODEL_KEY}")


@pytest.mark.parametrize("output", ["plain", "json"])
async def test_nothing_that_a_host_writes_has_a_key(
    tmp_path: Path, service: ModelService, output: str
) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": CODE, **planted.files(service.url)})
    async with _started(app, tmp_path, output) as (host, keep):
        await _use(host, keep)
        if output == "plain":
            await asyncio.gather(*(_look(keep, each, app, *_LOOKING[each]) for each in _LOOKING))
    keep.console(host)
    await _look(keep, "export", app, "state", "export", tmp_path / "state.zip")
    keep("export", *planted.members((tmp_path / "state.zip").read_bytes()))
    keep("log file", ("", (tmp_path / "host.log").read_bytes()))
    keep("app", *files_below(app, but=(*PLANTED_FILES, ".funcemu/keys")))
    assert keep.size > 100_000
    assert keep.names >= {
        "app .funcemu/journal.db",
        "app .funcemu/openai-chats.db",
        "export journal.db",
        "log file ",
        "GET /admin/host/status",
    }
    assert any(name.startswith("app recordings/") for name in keep.names)
    assert keep.leaks == {}
    _check_rights(app / ".funcemu")


async def test_nothing_that_is_told_of_a_broken_app_has_a_key(
    tmp_path: Path, service: ModelService
) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": BROKEN, **planted.files(service.url)})
    async with _started(app, tmp_path, "plain") as (host, keep):
        for path in ("/", "/api/any", "/admin/host/status", "/admin/host/config", "/admin/x"):
            await keep.answer(host, "GET", path)
    keep.console(host)
    for output in ("plain", "json"):
        for command in (("check",), ("functions",), ("doctor",), ("call", "any")):
            await _look(keep, f"{command} {output}", app, *command, app, "--output", output)
    keep("log file", ("", (tmp_path / "host.log").read_bytes()))
    keep("app", *files_below(app, but=PLANTED_FILES))
    await host.until_printed("no start with")
    assert keep.leaks == {}


_LOOKING: dict[str, tuple[str, ...]] = {
    f"{' '.join(command)} {output}": (*command, "--output", output)
    for output in ("plain", "json")
    for command in (
        ("settings", "list", "--all"),
        ("settings", "explain", "PLANTED_API_KEY"),
        ("settings", "explain", "ConnectionStrings:Sql"),
        ("doctor",),
        ("check",),
        ("functions",),
        ("bindings",),
        ("invocations",),
        ("invocations", "--failed"),
        ("chats",),
        ("chats", "a1"),
        ("recordings", "list"),
        ("recordings", "show", "a1"),
        ("call", "say", "--path", "/api/say"),
        ("call", "boom", "--path", "/api/boom/3"),
    )
} | {"help": ("--help",), "explain": ("explain", "function-failed")}  # fmt: skip


class _Kept:
    """What came out, by where it did."""

    def __init__(self) -> None:
        self.leaks: dict[str, list[str]] = {}
        self.names: set[str] = set()
        self.size = 0

    def __call__(self, where: str, *found: tuple[str, bytes]) -> None:
        for name, data in found:
            self.names.add(f"{where} {name}")
            self.size += len(data)
            meant = next((KEPT[each] for each in KEPT if Path(name).name.startswith(each)), [])
            leaks = [place for place in found_in(data) if place not in meant]
            if leaks:
                self.leaks[f"{where} {name}"] = leaks

    def console(self, host: Served) -> None:
        self("console", ("", host.printed.encode()))

    async def answer(self, host: Served, method: str, path: str, **more: Any) -> bytes:
        answer = await host.request(method, path, **more)
        head = json.dumps(list(answer.headers.items())).encode()
        name = path.partition("?")[0]
        self(method, (name, head + answer.body))
        self.names.add(f"{method} {name}")
        return answer.body


@asynccontextmanager
async def _started(app: Path, tmp_path: Path, output: str) -> AsyncIterator[tuple[Served, _Kept]]:
    options = (
        "--output", output, "--verbose", "--user-log-level", "trace", "--models", "record",
        "--log-file", str(tmp_path / "host.log"),
    )  # fmt: skip
    async with served(app, *options, settings=ENVIRONMENT, state=app / ".funcemu") as host:
        yield host, _Kept()


async def _use(host: Served, keep: _Kept) -> None:
    """Do all that makes a host say something."""
    function_key = IN_REQUESTS["function key"]
    put = {"json": {"name": "mine", "value": function_key}}
    assert (await host.put("/admin/functions/quiet/keys/mine", **put)).status in {200, 201}
    headers = {
        "x-functions-key": function_key,
        "Authorization": f"Bearer {IN_REQUESTS['bearer']}",
        "api-key": IN_REQUESTS["api-key"],
        "Cookie": f"session={IN_REQUESTS['cookie']}",
    }
    query = f"?code={IN_REQUESTS['code']}"
    ask = {"headers": headers}
    assert await keep.answer(host, "POST", f"/api/quiet{query}", data=b"x", **ask) == b"quiet"
    assert await keep.answer(host, "GET", f"/api/say{query}", **ask) == b"said"
    for number in range(17):
        await keep.answer(host, "GET", f"/api/boom/{number}{query}", **ask)
    await keep.answer(host, "GET", f"/api/nothing{query}", **ask)
    await keep.answer(host, "PUT", "/api/chats/a1", **ask)
    value = IN_SETTINGS["Values"]
    for text in (f"keep {value}", f"{'n' * 185} {value}", f"refuse {value}", "a page, please"):
        await keep.answer(host, "POST", "/api/chats/a1", params={"text": text}, **ask)
    for path in ("host/status", "host/config", "host/processes", "functions", "functions/say"):
        await keep.answer(host, "GET", f"/admin/{path}", **ask)
    body = {"input": json.dumps({"text": value, "id": "a1"})}
    await keep.answer(host, "POST", "/admin/functions/AddNote", json=body, **ask)
    await keep.answer(host, "GET", "/", **ask)
    await host.until_printed("AddNote")


async def _look(keep: _Kept, name: str, app: Path, *arguments: str | Path) -> None:
    done = await asyncio.to_thread(funcemu, *arguments, cwd=app, settings=ENVIRONMENT)
    keep(name, ("stdout", done.out.encode()), ("stderr", done.err.encode()))


def _check_rights(state: Path) -> None:
    """Nobody else may read the keys; who may look into the folder is told by its rights."""
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    keys = list((state / "keys").rglob("*"))
    assert any(found_in(path.read_bytes(), IN_REQUESTS) for path in keys if path.is_file())
    for path in (state / "keys", *keys):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
