"""What is special about apps in JavaScript: how they are loaded, hooks, data, errors."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from emulator.model import Datum, FunctionError, Invocation, RetryContext, TraceContext
from tests.support import node
from tests.support.node import javascript, with_packages
from tests.support.processes import until
from tests.support.workers import (
    HTTP_OUT,
    binding,
    folder_function,
    models,
    request,
    serving,
    started,
    text_of,
    write,
)

KIND = "node"


async def index_error(root: Path) -> FunctionError:
    async with started(KIND, root) as worker:
        error = (await worker.channel.index()).error
    assert error is not None
    return error


# Loading


async def test_the_index_lists_functions_with_their_raw_bindings(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        app.http('listed', {
          methods: ['GET'],
          route: 'items/{id}',
          name: 'req',
          authLevel: 'anonymous',
          extraInputs: [input.generic({ type: 'assistantQuery', name: 'state', id: '{id}' })],
          extraOutputs: [output.storageQueue({ queueName: 'q', connection: 'C', name: 'o' })],
          handler: async () => ({}),
        });
        app.timer('tick', {
          schedule: '* * * * * *',
          name: 't',
          retry: { strategy: 'fixedDelay', maxRetryCount: 3, delayInterval: { minutes: 2 } },
          handler: () => {},
        });
        """,
    )
    async with started(KIND, root) as worker:
        assert worker.info.language == "node"
        assert worker.info.sdk_version == node.VERSION
        index = await worker.channel.index()
    assert index.error is None
    assert index.functions is not None
    first, second = index.functions
    assert [dict(each) for each in first.bindings] == [
        {
            "type": "httpTrigger",
            "name": "req",
            "authLevel": "anonymous",
            "methods": ["GET"],
            "route": "items/{id}",
            "direction": "in",
        },
        {"type": "assistantQuery", "name": "state", "id": "{id}", "direction": "in"},
        {"type": "http", "name": "$return", "direction": "out"},
        {
            "type": "queue",
            "name": "o",
            "queueName": "q",
            "connection": "C",
            "direction": "out",
        },
    ]
    assert (first.name, first.directory, first.script_file) == ("listed", str(root), "index.js")
    assert (first.file, first.line) == (str(root / "index.js"), 5)
    assert second.retry == {
        "strategy": "fixed_delay",
        "max_retry_count": "3",
        "delay_interval": "00:02:00",
    }


@pytest.mark.parametrize("version", node.OTHER_VERSIONS)
async def test_other_versions_of_the_library_work(tmp_path: Path, version: str) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', async (request, context) => {
          context.log('said');
          return { jsonBody: [request.query.get('x'), request.params.id, await request.text()] };
        });
        """,
        version=version,
    )
    async with serving(KIND, root) as worker:
        assert worker.info.sdk_version == version
        told = request(b"body", method="POST", query={"x": "1"}, params={"id": "7"})
        assert json.loads(await worker.text("f", id="1", req=told)) == ["1", "7", "body"]
        assert worker.said("1") == ["said"]


MODULES = {
    "a pattern": {
        "package.json": '{"main": "src/functions/*.js"}',
        "src/functions/one.js": "{cjs}",
        "src/functions/.hidden.js": "throw new Error('hidden')",
        "src/other.js": "throw new Error('other')",
    },
    "braces": {
        "package.json": '{"main": "src/{index.js,functions/*.js}"}',
        "src/index.js": "globalThis.first = true;",
        "src/functions/one.js": "if (!globalThis.first) throw new Error('order');\n{cjs}",
    },
    "all below": {
        "package.json": '{"main": "./dist/**/!(*.test).js"}',
        "dist/deep/er/one.js": "{cjs}",
        "dist/one.test.js": "throw new Error('a test')",
    },
    "a folder": {"package.json": '{"main": "dist"}', "dist/functions/one.js": "{cjs}"},
    "ES modules": {
        "package.json": '{"type": "module", "main": "one.js"}',
        "one.js": "import { app } from '@azure/functions';\nimport { word } from './word.js';\n"
        "await new Promise((r) => setTimeout(r, 1));\n{esm}",
        "word.js": "export const word = 'ok';",
    },
    "an ES module by its name": {
        "package.json": '{"main": "one.mjs"}',
        "one.mjs": "import { app } from '@azure/functions';\nconst word = 'ok';\n{esm}",
    },
    "CommonJS by its name": {
        "package.json": '{"type": "module", "main": "one.cjs"}',
        "one.cjs": "{cjs}",
    },
}
_CALL = "app.http('f', { name: 'req', handler: () => ({ body: word }) });"


@pytest.mark.parametrize("case", MODULES)
async def test_main_names_what_is_loaded(tmp_path: Path, case: str) -> None:
    cjs = f"const {{ app }} = require('@azure/functions');\nconst word = 'ok';\n{_CALL}"
    files = {
        name: text.replace("{cjs}", cjs).replace("{esm}", _CALL)
        for name, text in MODULES[case].items()
    }
    async with serving(KIND, write(with_packages(tmp_path), files)) as worker:
        assert await worker.text("f") == "ok"


NOT_LOADED = {
    "no main": (
        {"package.json": "{}", "src/functions/one.js": ""},
        'EntryError: package.json has no "main". It has to name the files that declare functions:'
        ' add "main": "src/functions/*.js".',
    ),
    "nothing there": (
        {"package.json": '{"main": "src/*.js"}'},
        'EntryError: "main" in package.json is "src/*.js", which names no file. It has to name the'
        ' files that declare functions, such as "src/functions/*.js".',
    ),
    "a name without its end": (
        {"package.json": '{"main": "src/index"}', "src/index.js": ""},
        'EntryError: "main" in package.json is "src/index", which names no file. Did you mean'
        ' "src/index.js"?',
    ),
    "not built": (
        {"package.json": '{"main": "dist/*.js", "scripts": {"build": "tsc"}}'},
        'EntryError: "main" in package.json is "dist/*.js", which names no file. Build the app'
        " first: npm run build.",
    ),
    "not built, with a mark in front": (
        {"package.json": '\ufeff{"main": "dist/*.js", "scripts": {"build": "tsc"}}'},
        'EntryError: "main" in package.json is "dist/*.js", which names no file. Build the app'
        " first: npm run build.",
    ),
    "an exception": (
        {"package.json": '{"main": "a.js"}', "a.js": "\nnull.x;\n"},
        "TypeError: Cannot read properties of null (reading 'x')",
    ),
    "something else thrown": (
        {"package.json": '{"main": "a.js"}', "a.js": "throw 'text';\n"},
        "Error: text",
    ),
    "one name twice": (
        {
            "package.json": '{"main": "a.js"}',
            "a.js": "const { app } = require('@azure/functions');\n"
            "for (const n of [1, 2]) app.http('f', { handler() {} });\n",
        },
        'Error: A function with id "f" has already been registered.',
    ),
    "a hook of the start": (
        {
            "package.json": '{"main": "a.js"}',
            "a.js": "const { app } = require('@azure/functions');\n"
            "app.hook.appStart(() => { throw new Error('not today'); });\n",
        },
        "Error: not today",
    ),
}


@pytest.mark.parametrize("case", NOT_LOADED)
async def test_an_app_that_cannot_be_loaded_says_why(tmp_path: Path, case: str) -> None:
    files, told = NOT_LOADED[case]
    assert (await index_error(write(with_packages(tmp_path), files))).title == told


PLACES = {
    "a.js": ("const a = 1;\nconst = 2;\n", "a.js", 2, "SyntaxError"),
    "a.mjs": ("import './b.mjs';\n", "b.mjs", 3, "SyntaxError"),
    "c.js": ("\nrequire('./b.js');\n", "b.js", 2, "ReferenceError"),
    "d.js": ("\n\nrequire('nowhere');\n", "d.js", 3, "Error"),
    "e.mjs": ("\nimport 'nowhere';\n", "e.mjs", 2, "Error"),
}


@pytest.mark.parametrize("main", PLACES)
async def test_load_errors_name_file_and_line(tmp_path: Path, main: str) -> None:
    code, file, line, kind = PLACES[main]
    files = {
        "b.js": "\nundefinedName();\n",
        "b.mjs": "\n\nconst = 1;\n",
        main: code,
        "package.json": json.dumps({"main": main}),
    }
    error = await index_error(write(with_packages(tmp_path), files))
    assert error.type == kind
    assert (error.file, error.line) == (str(tmp_path / file), line)
    assert str(tmp_path / file) in error.message + error.stack
    assert "nodeworker" not in error.stack


async def test_a_broken_package_json_is_told_with_its_line(tmp_path: Path) -> None:
    node.require()
    error = await index_error(write(tmp_path, {"package.json": '{\n  "main": oops\n}\n'}))
    assert error.type == "SyntaxError"
    assert (error.file, error.line) == (str(tmp_path / "package.json"), 2)


async def test_a_library_that_is_not_installed_is_told(tmp_path: Path) -> None:
    node.require()
    code = "const { app } = require('@azure/functions');\n"
    root = write(tmp_path, {"package.json": '{"main": "a.js"}', "a.js": code})
    error = await index_error(root)
    assert error.message == "Cannot find module '@azure/functions'"
    assert error.stack.startswith(
        f"{root / 'a.js'}:1\nconst {{ app }} = require('@azure/functions');\n\nError: Cannot find"
    )
    assert (error.file, error.line) == (str(root / "a.js"), 1)


async def test_functions_cannot_be_declared_later(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', () => {
          http('g', () => {});
        });
        """,
    )
    async with serving(KIND, root) as worker:
        error = (await worker.call("f")).error
        assert error.message == "A function can only be registered during app startup."


# Data


async def test_a_request_arrives_whole(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', async (request) => ({
          jsonBody: [
            request.method, request.url, Object.fromEntries(request.headers),
            Object.fromEntries(request.query), request.params, await request.json(),
          ],
        }));
        http('form', async (request) => ({ body: (await request.formData()).get('b') }));
        """,
    )
    async with serving(KIND, root) as worker:
        told = await worker.text(
            "f",
            req=request(
                b'{"a": 1}',
                method="POST",
                url="http://h/api/a%20b?x=1",
                headers={"x-one": "1,2", "x-far": "日本", "content-type": "application/json"},
                query={"x": "1"},
                params={"id": "7"},
            ),
        )
        assert json.loads(told) == [
            "POST",
            "http://h/api/a%20b?x=1",
            {
                "x-one": "1,2",
                "x-far": "日本".encode().decode("latin-1"),
                "content-type": "application/json",
            },
            {"x": "1"},
            {"id": "7"},
            {"a": 1},
        ]
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert (
            await worker.text("form", req=request(b"a=1&b=2", method="POST", headers=form)) == "2"
        )


ANSWERS: dict[str, tuple[str, int, bytes, dict[str, str]]] = {
    "nothing set": ("{}", 200, b"", {}),
    "text": ("{ body: 'é' }", 200, "é".encode(), {"content-type": "text/plain;charset=UTF-8"}),
    "bytes": ("{ body: Buffer.from([0, 255]) }", 200, b"\0\xff", {}),
    "json": ("{ jsonBody: { a: 1 } }", 200, b'{"a":1}', {"content-type": "application/json"}),
    "a status": ("{ status: 418, body: '' }", 418, b"", {}),
    "headers": ("{ headers: { 'X-A': 'b' } }", 200, b"", {"x-a": "b"}),
    "a stream": ("{ body: require('stream').Readable.from(['a', 'b']) }", 200, b"ab", {}),
    "a generator": ("{ body: (async function* () { yield Buffer.from('x'); })() }", 200, b"x", {}),
    "a response": ("new HttpResponse({ status: 201, body: 'r' })", 201, b"r", {}),
    "no body allowed": ("{ status: 204 }", 204, b"", {}),
    "a cookie": (
        "{ cookies: [{ name: 'a', value: 'b (c)', maxAge: 60, httpOnly: true, sameSite: 'Lax' }] }",
        200,
        b"",
        {"Set-Cookie": "a=b%20%28c%29; max-age=60; path=/; samesite=lax; httponly"},
    ),
}


async def test_what_an_http_function_may_answer(tmp_path: Path) -> None:
    cases = ", ".join(f"() => ({code})" for code, *_ in ANSWERS.values())
    root = javascript(
        tmp_path,
        f"""
        const {{ HttpResponse }} = require('@azure/functions');
        const cases = [{cases}];
        http('f', (request) => cases[request.query.get('n')]());
        http('text', () => 'bare');
        http('nothing', () => {{}});
        """,
    )
    async with serving(KIND, root) as worker:
        for number, (case, (_, status, body, headers)) in enumerate(ANSWERS.items()):
            result = await worker.call("f", req=request(query={"n": str(number)}))
            assert result.error is None, case
            answer = result.return_value.value
            assert (answer.status, answer.body) == (status, body), case
            assert headers.items() <= dict(answer.headers).items(), case
        error = (await worker.call("text")).error
        assert error.message.startswith("The HTTP response must be an object")
        assert (await worker.call("nothing")).return_value.is_none


async def test_inputs_arrive_as_the_library_understands_them(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        app.generic('f', {
          trigger: trigger.generic({ type: 'someTrigger', name: 'x' }),
          extraInputs: [input.generic({ type: 'some', name: 'more' })],
          handler: (x, context) => {
            const more = context.extraInputs.get('more');
            return [x, Buffer.isBuffer(x) ? 'buffer' : typeof x, more, context.triggerMetadata];
          },
        });
        """,
    )
    values = {
        Datum("text", "plain"): ["plain", "string"],
        Datum("text", '{"a": [1]}'): [{"a": [1]}, "object"],
        Datum("text", "42"): [42, "number"],
        Datum("json", "[1]"): [[1], "object"],
        Datum("bytes", b"\x01"): [{"type": "Buffer", "data": [1]}, "buffer"],
        Datum("int", 5): [5, "number"],
        Datum("float", 1.5): [1.5, "number"],
        Datum("list", (Datum("text", "a"), Datum("text", "1"))): [["a", 1], "object"],
        Datum("list", (Datum("int", 1), Datum("int", 2))): [[1, 2], "object"],
        Datum("list", (Datum("int", 1), Datum("float", 0.5))): [[1, 0.5], "object"],
        Datum("list", (Datum("bytes", b"\x01"), Datum("json", "{}"))): [["AQ==", {}], "object"],
        Datum("list", (Datum("list", (Datum("text", "a"),)),)): [[["a"]], "object"],
        Datum("list", ()): [[], "object"],
        Datum("none", None): [None, "undefined"],
    }
    async with serving(KIND, root) as worker:
        for value, told in values.items():
            result = await worker.call("f", x=value, more=Datum("json", '{"m": 1}'))
            assert json.loads(text_of(result))[:3] == [*told, {"m": 1}], value
        result = await worker.channel.invoke(
            Invocation("i", "f", {"x": Datum("text", "")}, {"SomeName": Datum("json", '{"Aa":1}')})
        )
        assert json.loads(text_of(result))[3] == {"someName": {"aa": 1}}


async def test_outputs_and_returned_values(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        const queue = output.storageQueue({ queueName: 'q', connection: 'C', name: 'out' });
        const values = ['text', Buffer.from('b'), new Uint8Array([1]), 5, 1.5, { a: 1 }, [1, 'x'],
          true, null, undefined];
        app.generic('f', {
          trigger: trigger.generic({ type: 'someTrigger', name: 'x' }),
          return: queue,
          extraOutputs: [output.generic({ type: 'some', name: 'more' })],
          handler: (x, context) => {
            context.extraOutputs.set('more', values[x]);
            return values[x];
          },
        });
        """,
    )
    expected = [
        Datum("text", "text"),
        Datum("bytes", b"b"),
        Datum("bytes", b"\x01"),
        Datum("int", 5),
        Datum("float", 1.5),
        Datum("json", '{"a":1}'),
        Datum("json", '[1,"x"]'),
        Datum("json", "true"),
    ]
    async with serving(KIND, root) as worker:
        for number, value in enumerate(expected):
            result = await worker.call("f", x=Datum("int", number))
            assert result.error is None
            assert (result.return_value, result.outputs) == (value, {"more": value})
        for number in (8, 9):
            result = await worker.call("f", x=Datum("int", number))
            assert (result.return_value.is_none, result.outputs) == (True, {})


async def test_the_context_says_who_called(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', (request, context) => ({
          jsonBody: [context.functionName, context.invocationId, context.traceContext ?? null,
            context.retryContext ?? null, context.options.trigger.type,
            process.cwd(), process.env.FUNCTIONS_WORKER_RUNTIME, process.env.MINE],
        }));
        """,
    )
    async with serving(KIND, root, {"MINE": "é"}) as worker:
        told = json.loads(await worker.text("f", id="i-1"))
        nobody = {"traceParent": "", "traceState": "", "attributes": {}}
        assert told == ["f", "i-1", nobody, None, "httpTrigger", str(root), "node", "é"]
        result = await worker.channel.invoke(
            Invocation(
                "i-2",
                "f",
                {"req": request()},
                trace=TraceContext("00-a-b-01", "s=1"),
                retry=RetryContext(2, 3, FunctionError("KeyError", "'x'", "the stack")),
            )
        )
        trace, retry = json.loads(text_of(result))[2:4]
        assert (trace["traceParent"], trace["traceState"]) == ("00-a-b-01", "s=1")
        assert (retry["retryCount"], retry["maxRetryCount"]) == (2, 3)
        assert retry["exception"]["message"] == "KeyError: 'x'"
        assert retry["exception"]["stackTrace"] == "the stack"


# Hooks


async def test_hooks_run_in_order_and_may_change_everything(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        app.hook.appStart((context) => { context.hookData.begun = true; console.log('start'); });
        app.hook.appTerminate(async (context) => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          require('fs').writeFileSync('bye', String(context.hookData.begun));
        });
        app.hook.preInvocation((context) => {
          context.hookData.who = context.inputs[0].query.get('who');
          const handler = context.functionHandler;
          context.functionHandler = async (...args) => `${await handler(...args)} wrapped`;
          context.inputs = ['replaced'];
        });
        const passing = app.hook.preInvocation(() => { throw new Error('disposed of'); });
        passing.dispose();
        passing.dispose();
        app.hook.postInvocation((context) => {
          context.invocationContext.log(`after ${context.hookData.who}`);
          if (context.error) {
            context.result = { body: `saved: ${context.error.message}` };
            context.error = null;
          } else {
            context.result = { body: context.result };
          }
        });
        app.hook.log((context) => {
          if (context.category === 'user') {
            context.message = `${context.message}!`;
            if (context.message === 'loud!') context.level = 'warning';
            if (context.message === 'hidden!') context.level = 'none';
          }
        });
        http('f', (given, context) => {
          context.log('loud');
          context.log('hidden');
          if (given === 'fail') throw new Error('never');
          return given;
        });
        http('fails', () => { throw new TypeError('bad'); });
        """,
    )
    async with serving(KIND, root) as worker:
        assert worker.said() == ["start"]
        assert await worker.text("f", id="1", req=request(query={"who": "me"})) == (
            "replaced wrapped"
        )
        assert worker.said("1") == ["loud!", "after me!"]
        assert [each.level for each in worker.logs if each.message == "loud!"] == ["Warning"]
        assert await worker.text("fails", id="2") == "saved: bad"
        await worker.channel.aclose()
    assert (root / "bye").read_text() == "true"


async def test_a_hook_that_fails_fails_the_call(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        app.hook.preInvocation((context) => {
          if (context.invocationContext.functionName === 'f') throw new RangeError('hook');
          context.invocationContext = null;
        });
        http('f', () => ({}));
        http('g', () => ({}));
        """,
    )
    async with serving(KIND, root) as worker:
        assert (await worker.call("f")).error.title == "RangeError: hook"
        error = (await worker.call("g")).error
        assert error.title == "TypeError: Cannot assign to read only property 'invocationContext'"


# Failures and logs


async def test_an_exception_crosses_as_data(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        const helper = require('./helper');
        http('f', async () => {
          try {
            helper.divide();
          } catch (cause) {
            throw new TypeError('deep', { cause });
          }
        });
        http('text', () => { throw 'only text'; });
        http('object', () => { throw { code: 5 }; });
        http('circle', () => { const own = {}; own.own = own; throw own; });
        class Special extends Error { name = 'Special'; }
        http('special', () => { throw new Special('own'); });
        http('library', () => { JSON.parse('{'); });
        """,
        {"helper.js": "exports.divide = () => {\n  throw new RangeError('zero');\n};\n"},
    )
    async with serving(KIND, root) as worker:
        error = (await worker.call("f")).error
        assert error.title == "TypeError: deep"
        assert (error.file, error.line) == (str(root / "index.js"), 10)
        assert f"{root / 'index.js'}:10" in error.stack
        assert "[cause]: RangeError: zero" in error.stack
        assert f"{root / 'helper.js'}:2" in error.stack
        assert "nodeworker" not in error.stack
        assert "node_modules" not in error.stack
        titles = [(await worker.call(name)).error.title for name in ("text", "object", "special")]
        assert titles == ["Error: only text", 'Error: {"code":5}', "Special: own"]
        assert (await worker.call("circle")).error.title == "Error: <ref *1> { own: [Circular *1] }"
        library = (await worker.call("library")).error
        assert (library.type, library.line) == ("SyntaxError", 18)


async def test_whoever_throws_nothing_has_not_failed(tmp_path: Path) -> None:
    """As with Azure's worker."""
    root = javascript(tmp_path, "http('f', () => Promise.reject());\n")
    async with serving(KIND, root) as worker:
        result = await worker.call("f")
        assert (result.error, result.return_value.is_none) == (None, True)
        warned = "The function threw undefined, which counts as success: throw an Error."
        assert ("Warning", warned) in [(each.level, each.message) for each in worker.logs]


async def test_parameters_without_a_value_are_there(tmp_path: Path) -> None:
    root = javascript(tmp_path, "http('f', (r) => ({ jsonBody: Object.fromEntries(r.query) }));\n")
    async with serving(KIND, root) as worker:
        asked = request(url="http://h/api/f?a=1&b=&c&%C3%A9=&b=2", query={"a": "1", "b": "2"})
        answer = await worker.call("f", req=asked)
        assert json.loads(text_of(answer)) == {"a": "1", "b": "2", "c": "", "é": ""}


async def test_errors_name_the_lines_that_were_compiled(tmp_path: Path) -> None:
    compiled = (
        "const { app } = require('@azure/functions');\n"
        "app.http('f', { name: 'req', handler: () => { throw new Error('mapped'); } });\n"
        "//# sourceMappingURL=f.js.map\n"
    )
    # Line 2, columns 0 and 45, come from lines 4 and 6 of the source.
    mapping = {
        "version": 3,
        "file": "f.js",
        "sources": ["../src/f.ts"],
        "names": [],
        "mappings": ";AAGA,6CAEE",
    }
    root = write(
        with_packages(tmp_path),
        {
            "package.json": '{"main": "dist/*.js"}',
            "dist/f.js": compiled,
            "dist/f.js.map": json.dumps(mapping),
            "src/f.ts": "\n" * 9,
        },
    )
    async with serving(KIND, root) as worker:
        assert worker.index.functions is not None
        assert worker.index.functions[0].file == str(root / "src/f.ts")
        error = (await worker.call("f")).error
        assert (error.file, error.line) == (str(root / "src/f.ts"), 6)


async def test_what_is_said_carries_its_call_and_level(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        console.log('while loaded');
        const later = (text) => new Promise((resolve) => setTimeout(() => {
          console.log(text);
          resolve();
        }, 2));
        http('f', async (request, context) => {
          context.log('info %d', 1, { a: 1 });
          context.warn('warning');
          context.error('error\\nsecond');
          context.debug('debug');
          context.trace('trace');
          console.log('one', { b: 2 });
          console.error('Error: bad');
          console.warn('a warning');
          console.error('note');
          process.stdout.write('LanguageWorkerConsoleLog secret\\n');
          process.stdout.write(Buffer.from('by'));
          process.stdout.write('tes\\n', 'utf8', () => {});
          await Promise.all([later('two'), later('three')]);
          process.stdout.write('no line end');
        });
        http('meet', async (request) => {
          process.stdout.write(`${request.query.get('who')} `);
          await later(request.query.get('who'));
        });
        """,
    )
    async with serving(KIND, root) as worker:
        assert worker.said() == ["while loaded"]
        await worker.call("f", id="1")
        assert [
            (each.level, each.message, each.source)
            for each in worker.logs
            if each.invocation_id == "1"
        ] == [
            ("Information", "info 1 { a: 1 }", "logging"),
            ("Warning", "warning", "logging"),
            ("Error", "error\nsecond", "logging"),
            ("Debug", "debug", "logging"),
            ("Trace", "trace", "logging"),
            ("Information", "one { b: 2 }", "stdout"),
            ("Error", "Error: bad", "stderr"),
            ("Warning", "a warning", "stderr"),
            ("Information", "note", "stderr"),
            ("Information", "secret", "worker"),
            ("Information", "bytes", "stdout"),
            ("Information", "two", "stdout"),
            ("Information", "three", "stdout"),
            ("Information", "no line end", "stdout"),
        ]
        calls = [worker.call("meet", id=who, req=request(query={"who": who})) for who in "abc"]
        await asyncio.gather(*calls)
        assert [worker.said(who) for who in "abc"] == [["a a"], ["b b"], ["c c"]]


async def test_a_log_after_the_end_is_warned_about(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        "http('f', (request, context) => { setTimeout(() => context.log('late'), 5); });",
    )
    async with serving(KIND, root) as worker:
        await worker.call("f", id="1")
        await until(lambda: "late" in worker.said("1"))
        first = next(each for each in worker.logs if each.invocation_id == "1")
        assert (first.level, first.source) == ("Warning", "worker")
        assert first.message.startswith("Warning: Unexpected call to 'log'")


# Folders with function.json


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


# The upstream sample's shape


async def test_skills_and_chats_of_assistants(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        const created = output.generic({ type: 'assistantCreate' });
        app.http('CreateAssistant', {
          methods: ['PUT'],
          route: 'assistants/{assistantId}',
          extraOutputs: [created],
          handler: async (request, context) => {
            const { assistantId } = request.params;
            context.extraOutputs.set(created, { id: assistantId, instructions: 'Be kind.' });
            return { status: 202, jsonBody: { assistantId } };
          },
        });
        const posted = input.generic({ type: 'assistantPost', id: '{assistantId}' });
        app.http('PostUserResponse', {
          extraInputs: [posted],
          handler: async (request, context) => {
            const state = context.extraInputs.get(posted);
            return { body: state.recentMessages[0].content };
          },
        });
        const todos = [];
        app.generic('AddTodo', {
          trigger: trigger.generic({ type: 'assistantSkillTrigger', functionDescription: 'Add' }),
          handler: async (task) => { todos.push(task); },
        });
        app.generic('GetTodos', {
          trigger: trigger.generic({ type: 'assistantSkillTrigger', functionDescription: 'List' }),
          handler: async () => todos,
        });
        """,
    )
    async with serving(KIND, root) as worker:
        named = {each.name: list(each.bindings) for each in models(worker.index)}

        def name_of(function: str, type: str) -> str:
            return next(each.name for each in named[function] if each.type == type)

        req = name_of("CreateAssistant", "httpTrigger")
        put = request(method="PUT", params={"assistantId": "a1"})
        result = await worker.call("CreateAssistant", **{req: put})
        assert json.loads(text_of(result)) == {"assistantId": "a1"}
        out = result.outputs[name_of("CreateAssistant", "assistantCreate")]
        assert json.loads(out.value) == {"id": "a1", "instructions": "Be kind."}
        state = Datum("text", '{"recentMessages": [{"content": "Hi"}]}')
        inputs = {
            name_of("PostUserResponse", "httpTrigger"): request(),
            name_of("PostUserResponse", "assistantPost"): state,
        }
        assert await worker.text("PostUserResponse", **inputs) == "Hi"
        skill = name_of("AddTodo", "assistantSkillTrigger")
        added = await worker.call("AddTodo", **{skill: Datum("text", "Call dad")})
        assert added.return_value.is_none
        skill = name_of("GetTodos", "assistantSkillTrigger")
        listed = await worker.call("GetTodos", **{skill: Datum("text", "")})
        assert listed.return_value == Datum("json", '["Call dad"]')
