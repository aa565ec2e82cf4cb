"""What functions set and return, over every worker channel."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from emulator.model import NONE, Datum, HttpResponseData
from tests.support.workers import (
    CHANNELS,
    HTTP_IN,
    HTTP_OUT,
    TEXT_CONTENT,
    binding,
    decorated,
    folder_function,
    request,
    serving,
    started,
    text_of,
    write,
)

pytestmark = pytest.mark.parametrize("kind", CHANNELS)


async def test_outputs_and_returns_without_http(kind: str, tmp_path: Path) -> None:
    cases: dict[str, tuple[str, Datum]] = {
        "none": ("None", NONE),
        "text": ("'a'", Datum("text", "a")),
        "bytes": ("b'\\xff'", Datum("bytes", b"\xff")),
        "bytearray": ("bytearray(b'x')", Datum("bytes", b"x")),
        "dict": ("{'a': 1}", Datum("json", '{"a": 1}')),
        "list": ("[1, 'é']", Datum("json", '[1, "\\u00e9"]')),
        "int": ("7", Datum("int", 7)),
        "big": ("2 ** 80", Datum("int", 2**80)),
        "bool": ("True", Datum("int", 1)),
        "float": ("0.25", Datum("float", 0.25)),
        "inf": ("float('inf')", Datum("float", float("inf"))),
    }
    code = "".join(
        f"""
@app.generic_trigger(arg_name="t", type="assistantSkillTrigger")
def {name}_(t: str):
    return {text}
"""
        for name, (text, _) in cases.items()
    )
    code += """
@app.generic_trigger(arg_name="t", type="anyTrigger")
def odd(t: str):
    return object()
"""
    async with serving(kind, decorated(tmp_path, code)) as worker:
        for name, (_, expected) in cases.items():
            result = await worker.call(f"{name}_", t=Datum("text", ""))
            assert result.return_value == expected, name
        failed = await worker.call("odd", t=Datum("text", ""))
        assert failed.error.title == (
            "TypeError: unable to encode outgoing TypedData: unsupported type"
            ' "anyTrigger" for Python type "object"'
        )


async def test_out_parameters(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        from typing import List

        @app.route()
        @app.queue_output(arg_name="a", queue_name="q", connection="C")
        @app.queue_output(arg_name="b", queue_name="q", connection="C")
        @app.queue_output(arg_name="c", queue_name="q", connection="C")
        @app.queue_output(arg_name="d", queue_name="q", connection="C")
        @app.queue_output(arg_name="e", queue_name="q", connection="C")
        def f(req, a: func.Out[str], b: func.Out[List[str]], c: func.Out[func.QueueMessage],
              d: func.Out[str], e) -> str:
            a.set("first")
            a.set({"last": "wins"})
            b.set(["a", "b"])
            c.set(func.QueueMessage(id="i", body="hi"))
            d.set("x")
            d.set(None)
            return f"{a.get()} {e.get()} {isinstance(a, func.Out)}"

        @app.route()
        @app.blob_output(arg_name="o", path="p", connection="C")
        def blob(req, o: func.Out[bytes]) -> str:
            o.set(b"\\x00")
            return ""

        @app.route()
        @app.queue_output(arg_name="o", queue_name="q", connection="C")
        def wrong(req, o: func.Out[func.QueueMessage]) -> str:
            o.set(object())
            return ""
        """,
    )
    async with serving(kind, root) as worker:
        result = await worker.call("f")
        assert text_of(result) == "{'last': 'wins'} None True"
        assert result.outputs["a"] == Datum("json", '{"last": "wins"}')
        assert json.loads(result.outputs["b"].value) == ["a", "b"]
        assert json.loads(result.outputs["c"].value) == {"id": "i", "body": "hi"}
        assert set(result.outputs) == {"a", "b", "c"}
        assert (await worker.call("blob")).outputs == {"o": Datum("bytes", b"\x00")}
        wrong = await worker.call("wrong")
        assert wrong.error.title.startswith("TypeError: unable to encode outgoing TypedData")
        assert wrong.outputs == {}


NATIVE_OUTPUTS: dict[str, tuple[str, str, Datum | str]] = {
    "blob bytes": ("blob", "b'\\xff'", Datum("bytes", b"\xff")),
    "blob stream": ("blob", "io.BytesIO(b'x')", Datum("bytes", b"x")),
    "blob text": ("blob", "'x'", Datum("text", "x")),
    "queue list": ("queue", "['a', 'b']", Datum("json", '["a", "b"]')),
    "queue number": ("queue", "1.5", "TypeError: unable to encode outgoing TypedData"),
    "event hub number": ("eventHub", "7", Datum("int", 7)),
    "event hub list": ("eventHub", "[1]", Datum("json", "[1]")),
    "document": (
        "cosmosDB",
        "func.Document.from_dict({'id': '1'})",
        Datum("json", '[{"id": "1"}]'),
    ),
    "service bus": ("serviceBus", "b'x'", Datum("bytes", b"x")),
    "activity": ("activityTrigger", "{'a': 1}", Datum("json", '{"a": 1}')),
    "tool": ("mcpToolTrigger", "None", Datum("text", "")),
    "tool number": ("mcpToolTrigger", "3", Datum("text", "3")),
}


@pytest.mark.filterwarnings("ignore:azure.functions df_loads")  # the SDK's advice to the SDK
async def test_native_outputs_are_encoded_by_the_sdk(kind: str, tmp_path: Path) -> None:
    sdk_version = tuple(map(int, version("azure-functions").split(".")[:2]))
    functions = []
    for at, (type_name, value, _) in enumerate(NATIVE_OUTPUTS.values()):
        write(
            tmp_path,
            {
                f"f{at}/main.py": f"import io\nimport azure.functions as func\n"
                f"def main(t):\n    return {value}\n"
            },
        )
        bindings = (
            [binding("t", type_name)]
            if type_name.endswith("Trigger")
            else [binding("t", "queueTrigger"), binding("$return", type_name, "out")]
        )
        functions.append(folder_function(tmp_path, f"f{at}", *bindings))
    async with started(kind, tmp_path) as worker:
        await worker.load(*functions)
        assert worker.errors == {}
        for at, (name, (_, _, expected)) in enumerate(NATIVE_OUTPUTS.items()):
            if name.startswith("tool") and sdk_version < (1, 25):
                continue  # it encoded them otherwise
            result = await worker.call(f"f{at}", t=Datum("text", "x"))
            if isinstance(expected, str):
                assert result.error.title.startswith(expected), name
            else:
                assert result.error is None, (name, result.error)
                assert result.return_value == expected, name


async def test_a_request_for_a_trigger_that_wants_none_is_told(kind: str, tmp_path: Path) -> None:
    code = "def main(w):\n    return repr(w)\n"
    root = write(tmp_path, {"f/main.py": code})
    async with started(kind, root) as worker:
        await worker.load(folder_function(root, "f", binding("w", "activityTrigger")))
        result = await worker.call("f", w=request(b"x", headers={"a": "b"}))
        assert result.error.title.startswith(
            "TypeError: unable to decode incoming TypedData: unsupported combination of TypedData"
            " field 'http' and expected binding type"
        )


async def test_who_may_return_a_value(kind: str, tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "plain/main.py": "def main(req):\n    return 'ABC'\n",
            "quiet/main.py": "def main(req): ...\n",
            "implicit/main.py": "def main(req, x):\n    return {'o': 'x'}\n",
            "explicit/main.py": "def main(req, x):\n    return 'http'\n",
        },
    )
    generic = binding("x", "foo")
    async with started(kind, root) as worker:
        await worker.load(
            folder_function(root, "plain", HTTP_IN),
            folder_function(root, "quiet", HTTP_IN),
            folder_function(root, "implicit", HTTP_IN, generic),
            folder_function(root, "explicit", HTTP_OUT, HTTP_IN, generic),
        )
        assert worker.errors == {}
        plain = await worker.call("plain")
        assert plain.error.title == (
            "RuntimeError: function 'plain' without a $return bindingreturned a non-None value"
        )
        assert (await worker.call("quiet")).return_value == NONE
        assert (await worker.call("implicit")).return_value == Datum("json", '{"o": "x"}')
        assert (await worker.call("explicit")).return_value == Datum("text", "http")


async def test_an_http_output_with_a_name(kind: str, tmp_path: Path) -> None:
    code = """
        import azure.functions as func
        def main(req, foo: func.Out[func.HttpResponse]):
            foo.set(func.HttpResponse("hello", status_code=201))
    """
    root = write(tmp_path, {"f/main.py": code})
    async with started(kind, root) as worker:
        await worker.load(folder_function(root, "f", HTTP_IN, binding("foo", "http", "out")))
        result = await worker.call("f")
    assert result.outputs["foo"].value == HttpResponseData(201, (TEXT_CONTENT,), b"hello")
    assert result.return_value == NONE


async def test_an_injected_output_delivers_a_value(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import json

        def bound(wrapped):
            wrapped = app.generic_output_binding(arg_name="o", type="assistantPost")(wrapped)
            return app.route()(wrapped)

        @bound
        def plain(req, o: str) -> str:
            return o.upper()

        @bound
        def raw(req, o: bytes) -> str:
            return repr(o)

        @bound
        def out(req, o: func.Out[str]) -> str:
            return o.get()

        @bound
        def outset(req, o: func.Out[str]) -> str:
            before = o.get()
            o.set("mine")
            return before + o.get()

        @bound
        def bare(req, o) -> str:
            told = json.loads(o)["a"] + o.get()
            o.set("again")
            return told

        @bound
        def number(req, o: int) -> str: ...
        """,
    )
    names = ("plain", "raw", "out", "outset", "bare", "number")
    async with serving(kind, root, injected={name: ["o"] for name in names}) as worker:
        assert list(worker.errors) == ["number"]
        delivered = Datum("json", '{"a":"b"}')
        answers = {name: await worker.call(name, req=request(), o=delivered) for name in names[:-1]}
        assert {name: text_of(each) for name, each in answers.items()} == {
            "plain": '{"A":"B"}',
            "raw": '\'{"a":"b"}\'',
            "out": '{"a":"b"}',
            "outset": '{"a":"b"}mine',
            "bare": 'b{"a":"b"}',
        }
        assert {name: dict(each.outputs) for name, each in answers.items() if each.outputs} == {
            "outset": {"o": Datum("text", "mine")},
            "bare": {"o": Datum("text", "again")},
        }
    async with serving(kind, root) as worker:
        assert 'is declared to have the "out" direction' in worker.errors["plain"].message
