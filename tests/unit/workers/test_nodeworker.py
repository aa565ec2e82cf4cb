"""Parts of the worker for Node.js that have no need of an app."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest

from emulator.workers.programs import PROGRAMS
from tests.support import npm
from tests.support.patience import PATIENCE
from tests.support.workers import write

FILES = (
    "index.js",
    "index.mjs",
    "[x].js",
    "{y}.js",
    "src/index.js",
    "src/.hidden.js",
    "src/functions/a.js",
    "src/functions/a.js.map",
    "src/functions/a.test.js",
    "src/functions/b1.js",
    "src/functions/b2.mjs",
    "src/functions/deep/er/c.js",
    "node_modules/p/index.js",
    ".git/hook.js",
)
PATTERNS: dict[str, list[str]] = {
    "index.js": ["index.js"],
    "./index.js": ["index.js"],
    "index": [],
    "*.js": ["[x].js", "index.js", "{y}.js"],
    "index.{js,mjs}": ["index.js", "index.mjs"],
    "index.{js,{mjs,cjs}}": ["index.js", "index.mjs"],
    "{y}.js": ["{y}.js"],
    "[[]x].js": ["[x].js"],
    "src/functions/*.js": [
        "src/functions/a.js",
        "src/functions/a.test.js",
        "src/functions/b1.js",
    ],
    "src/functions/?[0-9].*": ["src/functions/b1.js", "src/functions/b2.mjs"],
    "src/functions/[!b]*.js": ["src/functions/a.js", "src/functions/a.test.js"],
    "src/functions/!(*.test).js": ["src/functions/a.js", "src/functions/b1.js"],
    "src/functions/@(a|b1).js": ["src/functions/a.js", "src/functions/b1.js"],
    "src/functions/+(b|[0-9]).*": ["src/functions/b1.js", "src/functions/b2.mjs"],
    "src/functions/a?(.test).js": ["src/functions/a.js", "src/functions/a.test.js"],
    "src/{index.js,functions/a.js}": ["src/index.js", "src/functions/a.js"],
    "src/**/c.js": ["src/functions/deep/er/c.js"],
    "**/c.js": ["src/functions/deep/er/c.js"],
    "**/index.js": ["index.js", "src/index.js"],
    "src/.*.js": ["src/.hidden.js"],
    "src/functions/deep": ["src/functions/deep/er/c.js"],
    "./src/functions/deep/": ["src/functions/deep/er/c.js"],
    "src/functions/deep/**": ["src/functions/deep/er/c.js"],
    "src/functions/dee*": [],
    "src/functions/{deep,a.js}": ["src/functions/a.js"],
    "src/functions/deep/*": [],
    "./src/../index.js": ["index.js"],
    "!index.js": [],
    "nowhere/*.js": [],
    "*(": [],
    "{index.js": [],
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    npm.require("the worker for Node.js")
    root = write(tmp_path_factory.mktemp("app"), dict.fromkeys(FILES, ""))
    module = PROGRAMS["node"].script.parent / "glob.cjs"
    code = (
        f"const {{ glob }} = require({json.dumps(str(module))});\n"
        "const [root, patterns] = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
        "const found = patterns.map((each) => [each, glob(root, each)]);\n"
        "console.log(JSON.stringify(Object.fromEntries(found)));\n"
    )
    done = subprocess.run(
        ["node", "-e", code],
        input=json.dumps([str(root), list(PATTERNS)]),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_names_files(found: dict[str, list[str]], pattern: str) -> None:
    assert found[pattern] == PATTERNS[pattern]


def test_a_port_for_debuggers_that_stays_in_use_is_told() -> None:
    npm.require("the worker for Node.js")
    inspect = PROGRAMS["node"].script.parent / "inspect.cjs"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = f"""
            const {{ Inspector }} = require({json.dumps(str(inspect))});
            new Inspector(['--inspect={port}'], 50).begin();
            setTimeout(() => {{}}, 100);
        """
        done = subprocess.run(
            ["node", "-e", code], stderr=subprocess.PIPE, text=True, check=True, timeout=PATIENCE
        )
    assert f"the port {port} is in use" in done.stderr
    assert done.stderr.count("Warning") == 1


def test_a_call_whose_answer_cannot_be_sent_fails() -> None:
    npm.require("the worker for Node.js")
    folder = PROGRAMS["node"].script.parent
    code = f"""
        const {{ Calls }} = require({json.dumps(str(folder / "calls.cjs"))});
        const {{ encode }} = require({json.dumps(str(folder / "wire.cjs"))});
        const send = (header, blobs) => console.log(String(encode(header, blobs)[0].subarray(8)));
        const calls = new Calls('/app', {{ capture: {{ finish() {{}} }}, send, log() {{}} }});
        const model = {{
          getInvocationModel: async () => model,
          getArguments: async () => ({{ context: {{}}, inputs: [] }}),
          invokeFunction: async () => null,
          getResponse: async () => ({{ outputData: [{{ name: 'm', data: {{ string: 1n }} }}] }}),
        }};
        const metadata = {{ bindings: {{}} }};
        calls.begin({{ model, metadata, callback: () => null }}, {{ id: '1', in: {{}} }}, []);
    """
    done = subprocess.run(
        ["node", "-e", code], stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE
    )
    answer = json.loads(done.stdout)
    assert (answer["kind"], answer["id"], answer["error"]["type"]) == ("result", "1", "TypeError")
    assert "BigInt" in answer["error"]["message"]


OTHER = """
const inspector = require('inspector');
process.stdin.on('data', () => {
  const look = () => (inspector.url() ? process.exit(0) : setTimeout(look, 10));
  look();
});
process.stdout.write(inspector.url() ? 'attached' : 'waiting');
"""


def test_debuggers_attach_to_another_worker_when_the_port_is_free(tmp_path: Path) -> None:
    npm.require("the worker for Node.js")
    attach = PROGRAMS["node"].script.parent / "attach.cjs"
    (tmp_path / "other.cjs").write_text(OTHER, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = subprocess.Popen(
            ["node", "--require", attach, tmp_path / "other.cjs", "--id", f"--inspect={port}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        begun = process.stdout.read(len("waiting"))
    _, told = process.communicate(b"now", timeout=PATIENCE)
    assert (begun, process.returncode) == (b"waiting", 0)
    assert f"ws://127.0.0.1:{port}/".encode() in told


def test_every_file_says_what_it_is_for() -> None:
    for file in Path(PROGRAMS["node"].script.parent).rglob("*.cjs"):
        first, *rest = file.read_text("utf-8").splitlines()
        assert first.startswith("// "), file
        assert "'use strict';" in rest, file
        assert all(len(line) <= 100 for line in rest), file
