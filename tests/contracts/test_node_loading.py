"""What is special about apps in JavaScript: what `main` names, and how it is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.model import FunctionError
from tests.support import node
from tests.support.node import javascript, with_packages
from tests.support.workers import request, serving, started, write

KIND = "node"


async def index_error(root: Path) -> FunctionError:
    async with started(KIND, root) as worker:
        error = (await worker.channel.index()).error
    assert error is not None
    return error


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
