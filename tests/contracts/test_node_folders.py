"""Functions in JavaScript whose folder has a function.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from emulator.model import Datum, Invocation
from tests.support import node
from tests.support.workers import HTTP_OUT, binding, folder_function, request, started, write

KIND = "node"

FOLDER = {
    "package.json": "{}",
    "f/index.js": """
        module.exports = async function (context, req, extra) {
          context.log('info', 1);
          context.log.error('error');
          context.log.warn('warn');
          context.log.verbose('verbose');
          context.bindings.out = { queued: true };
          context.res = {
            status: 201,
            headers: { 'X-A': 1 },
            body: [req.method, req.query.q, req.params.id, req.body, req.rawBody, extra,
              context.bindingData.someName, context.executionContext.functionName,
              context.executionContext.functionDirectory, context.bindings.req === req,
              context.bindingDefinitions.length, context.invocationId, this === module.exports],
          };
        };
    """,
    "old/index.js": """
        module.exports = (context, req) => {
          setTimeout(() => {
            context.res.status(202).set('X-B', 'c').type('text/html');
            context.res.send('<p>');
          }, 1);
        };
    """,
    "done/index.js": """
        module.exports = { run(context, x) { context.done(null, { out: `got ${x}`, more: 5 }); } };
    """,
    "fails/index.js": "module.exports = (context) => { context.done(new Error('said so')); };",
    "named/tool.js": """
        exports.one = () => {};
        exports.two = async (context) => ({ body: 'two' });
    """,
    "none/index.js": "exports.one = 1;\nexports.two = 2;\n",
    "one/index.js": "exports.one = 1;\n",
    "broken/index.js": "\nthrow new Error('broken');\n",
    "both/index.js": "module.exports = async (context) => { context.done(); return {}; };",
    "module/index.mjs": "export default async (context) => ({ body: 'a module' });",
}


def folder(root: Path, name: str, *bindings: Any, script: str = "index.js", entry: str = "") -> Any:
    req = binding("req", "httpTrigger")
    found = folder_function(root, name, *(bindings or (req, HTTP_OUT)), script=script)
    return type(found)(
        found.name, found.bindings, found.directory, script, entry, found.programming_model
    )


async def test_functions_of_folders(tmp_path: Path) -> None:
    node.require()
    root = write(tmp_path, FOLDER)
    req, res = binding("req", "httpTrigger"), binding("res", "http", "out")
    out = binding("out", "queue", "out")
    some = (binding("x", "someTrigger"), out, binding("more", "queue", "out"))
    async with started(KIND, root) as worker:
        await worker.load(
            folder(root, "f", binding("extra", "some"), req, res, out),
            folder(root, "old", req, res),
            folder(root, "done", *some),
            folder(root, "fails"),
            folder(root, "named", script="tool.js", entry="two"),
            folder(root, "none"),
            folder(root, "one"),
            folder(root, "broken"),
            folder(root, "both", req, res),
            folder(root, "module", script="index.mjs"),
        )
        assert {name: error.message.split(".")[0] for name, error in worker.errors.items()} == {
            "none": "Unable to determine function entry point",
            "one": "The resolved entry point is not a function and cannot be invoked by the"
            " functions runtime",
            "broken": "broken",
        }
        assert (worker.errors["broken"].file, worker.errors["broken"].line) == (
            str(root / "broken/index.js"),
            2,
        )
        told = request(b'{"a":1}', method="POST", query={"q": "1"}, params={"id": "7"})
        result = await worker.channel.invoke(
            Invocation(
                "1",
                "f",
                {"extra": Datum("json", '{"e":1}'), "req": told},
                {"SomeName": Datum("text", "v")},
            )
        )
        assert result.error is None
        answer = result.outputs["res"].value
        assert answer.status == 201
        assert dict(answer.headers) == {
            "X-A": "1",
            "content-type": "text/plain; charset=utf-8",
        }
        assert json.loads(answer.body) == [
            "POST", "1", "7", {"a": 1}, '{"a":1}', {"e": 1}, "v", "f", str(root / "f"), True, 4,
            "1", False,
        ]  # fmt: skip
        assert result.outputs["out"] == Datum("json", '{"queued":true}')
        assert [(each.level, each.message) for each in worker.logs if each.invocation_id] == [
            ("Information", "info 1"),
            ("Error", "error"),
            ("Warning", "warn"),
            ("Trace", "verbose"),
        ]
        old = (await worker.call("old")).outputs["res"].value
        assert (old.status, old.body) == (202, b"<p>")
        assert ("x-b", "c") in old.headers
        assert ("content-type", "text/html; charset=utf-8") in old.headers
        assert (await worker.call("done", x=Datum("text", "it"))).outputs == {
            "out": Datum("text", "got it"),
            "more": Datum("int", 5),
        }
        assert (await worker.call("fails")).error.title == "Error: said so"
        assert await worker.text("named") == "two"
        assert await worker.text("module") == "a module"
        assert (await worker.call("none")).error == worker.errors["none"]
        await worker.call("both", id="both")
        assert worker.said("both")[0].startswith("Error: Choose either to return a promise or call")


async def test_a_main_of_no_use_to_folders_is_warned_about(tmp_path: Path) -> None:
    node.require()
    files = {**FOLDER, "f/function.json": "{}", "package.json": '{"main": "index.js"}'}
    async with started(KIND, write(tmp_path, files)) as worker:
        index = await worker.channel.index()
        assert (index.functions, index.error) == (None, None)
        assert worker.said() == [
            '"main" in package.json is "index.js", which names no file; it is left out.'
        ]


async def test_forms_of_folders(tmp_path: Path) -> None:
    node.require()
    code = """
        module.exports = async (context, req) => {
          const form = req.parseFormBody();
          const parts = [...form].map(([name, part]) =>
            [name, part.value.toString('latin1'), part.fileName ?? null, part.contentType ?? null]);
          return { body: [form.length, form.has('b'), parts] };
        };
    """
    multipart = (
        b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        b'--B\r\nContent-Disposition: form-data; name="b"; filename="f \\"1\\".bin"\r\n'
        b"Content-Type: application/x\r\n\r\n\xff\r\n\r\n--B--\r\n"
    )
    async with started(KIND, write(tmp_path, {"f/index.js": code})) as worker:
        await worker.load(folder(tmp_path, "f"))
        headers = {"content-type": 'multipart/form-data; boundary="B"'}
        told = json.loads(
            await worker.text("f", req=request(multipart, method="POST", headers=headers))
        )
        assert told == [
            2,
            True,
            [["a", "1", None, None], ["b", "\xff\r\n", 'f "1".bin', "application/x"]],
        ]
        headers = {"content-type": "application/x-www-form-urlencoded"}
        told = json.loads(
            await worker.text("f", req=request(b"a=1&a=2", method="POST", headers=headers))
        )
        assert told == [2, False, [["a", "1", None, None], ["a", "2", None, None]]]
