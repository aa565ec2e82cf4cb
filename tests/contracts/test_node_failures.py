"""What is told when functions in JavaScript fail."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.node import javascript, with_packages
from tests.support.workers import request, serving, text_of, write

KIND = "node"


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
