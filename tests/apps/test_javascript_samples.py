"""The samples and the templates in JavaScript and TypeScript: they run, offline, as they are."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.scaffold.addition import add
from emulator.scaffold.catalogue import Model, find_template
from emulator.scaffold.project import project_files, write_files
from tests.support import npm
from tests.support.commands import funcemu
from tests.support.demo import TODO, read_demo
from tests.support.node import with_packages
from tests.support.serving import FIXTURES, ROOT, served, write_app
from tests.support.tries import TRIES
from tests.support.typescript import with_compiler

PACKAGES: dict[Model, Callable[[Path], Path]] = {
    "javascript": with_packages,
    "typescript": with_compiler,
}
SAMPLES: dict[str, Model] = {"assistant_js": "javascript", "assistant_ts": "typescript"}


def copied(sample: str, folder: Path) -> Path:
    """Copy a sample as it is in the repository, and give it its packages."""
    left = shutil.ignore_patterns("node_modules", "dist", ".funcemu")
    app = Path(shutil.copytree(FIXTURES / sample, folder / sample, ignore=left))
    return PACKAGES[SAMPLES[sample]](app)


@pytest.mark.parametrize("sample", SAMPLES)
async def test_the_demo_works_offline(sample: str, tmp_path: Path) -> None:
    app = copied(sample, tmp_path)
    async with served(app) as host:
        for request in read_demo(app):
            answer = await request.send(host)
            assert answer.status in {200, 202}, request.title
            wanted = TODO[request.title].replace('": "', '":"')
            assert wanted in answer.text, request.title
        await host.until_printed("Node.js")
        assert not re.search(r"\b(?:error|failed)\b", host.printed, re.IGNORECASE)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_complete_and_says_what_it_is(sample: str) -> None:
    app = FIXTURES / sample
    assert '"<your key>"' in (app / "local.settings.json").read_text("utf-8")
    package = json.loads((app / "package.json").read_text("utf-8"))
    assert package["dependencies"] == {"@azure/functions": "^4.0.0"}
    lock = json.loads((app / "package-lock.json").read_text("utf-8"))
    assert lock["packages"][""]["dependencies"] == package["dependencies"]
    assert f"fixtures/{sample})" in (ROOT / "README.md").read_text("utf-8")


def test_the_example_of_the_readme_passes(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    chapter = readme.partition("\n## JavaScript and TypeScript\n")[2].partition("\n## ")[0]
    files = dict(re.findall(r"```js\n// (\S+)\n(.*?)```", chapter, re.DOTALL))
    [package] = re.findall(r"```json\n(\{.*?)```", chapter, re.DOTALL)
    assert list(files) == ["src/functions/greet.js", "test/greet.test.mjs"]
    npm.require("an app in JavaScript")
    app = with_packages(write_app(tmp_path, {"package.json": package, **files}))
    done = funcemu("exec", "--ephemeral", "--", "npm", "test", cwd=app)
    assert done.code == 0, done.out + done.err
    assert "pass 1" in done.out


def test_the_samples_own_tests_pass(tmp_path: Path) -> None:
    app = copied("assistant_js", tmp_path)
    done = funcemu("exec", app, "--ephemeral", "--", "npm", "test", "--prefix", app)
    assert done.code == 0, done.out + done.err
    assert "pass 3" in done.out


def new_app(folder: Path, model: Model) -> Path:
    """Make an app with the functions of every template."""
    app = folder / "demo"
    write_files(app, project_files(find_template("http"), model, "hello"))
    for name in TRIES:
        add(app, find_template(name), model, f"my_{name}", force=False)
    return PACKAGES[model](app)


@pytest.mark.parametrize("model", PACKAGES)
async def test_functions_of_every_template_live_in_one_app(tmp_path: Path, model: Model) -> None:
    async with served(new_app(tmp_path, model)) as host:
        assert "warning" not in host.printed
        assert "error" not in host.printed
        await TRIES["http"][1](host, "hello")
        for template, (_, attempt) in TRIES.items():
            await attempt(host, f"my_{template}")


def test_the_tests_of_every_template_pass(tmp_path: Path) -> None:
    app = new_app(tmp_path, "javascript")
    done = funcemu("exec", app, "--ephemeral", "--", "npm", "test", "--prefix", app)
    assert done.code == 0, done.out + done.err
    assert "fail 0" in done.out


@pytest.mark.parametrize("language", PACKAGES)
def test_init_writes_in_the_words_of_azures_tools(tmp_path: Path, language: str) -> None:
    words = ("--worker-runtime", "node", "--language", language, "--model", "V4")
    done = funcemu("init", "demo", *words, "-t", "assistant", cwd=tmp_path)
    assert done.code == 0, done.err
    end = "js" if language == "javascript" else "ts"
    assert f"Wrote demo/src/functions/assistant.{end}" in done.out
    assert "Next: npm install --prefix demo, then funcemu start demo, then" in done.out
    more = funcemu("new", "ask", "-t", "completion", cwd=tmp_path / "demo")
    assert more.code == 0, more.err
    assert f"Wrote src/functions/ask.{end}" in more.out
    assert more.err == ""
    package = tmp_path / "demo" / "package.json"
    package.write_text(package.read_text("utf-8").replace("functions/*.js", "index.js"), "utf-8")
    told = funcemu("new", "again", cwd=tmp_path / "demo").err
    assert 'index.js": import the new file there' in told


def test_explain_tells_of_package_json_also_when_the_app_is_broken(tmp_path: Path) -> None:
    npm.require("an app in JavaScript")
    app = write_app(tmp_path, {"package.json": '{"main": "src/*.js"}'})
    done = funcemu("functions", app, "--explain")
    assert done.code == 1
    assert "package.json  not taken" in done.out
    assert "function_app.py" not in done.out


ESM = {
    "package.json": '{"type": "module", "main": "app.js"}',
    "todos.js": "export const todos = [];",
    "app.js": """\
import { app, input, output, trigger } from '@azure/functions';
import { todos } from './todos.js';

const made = output.generic({ type: 'assistantCreate' });
const said = input.generic({ type: 'assistantPost', id: '{id}', userMessage: '{Query.message}' });

app.http('create', {
  route: 'a/{id}', methods: ['PUT'], authLevel: 'anonymous', extraOutputs: [made],
  handler: (request, context) => {
    const asked = ['first', 'second'].map((each) => ({ id: each + request.params.id }));
    context.extraOutputs.set(made, asked);
    return { status: 204 };
  },
});
app.http('say', {
  route: 'a/{id}', methods: ['POST'], authLevel: 'anonymous', extraInputs: [said],
  handler: (request, context) => ({ jsonBody: context.extraInputs.get(said) }),
});
app.generic('AddTodo', {
  trigger: trigger.generic({
    type: 'assistantSkillTrigger', functionDescription: 'Create a new todo task',
  }),
  handler: (task) => {
    if (!task) throw new Error('no task');
    todos.push(task);
    return `${todos.length} tasks`;
  },
});
""",
}


async def test_modules_and_skills_whose_parameter_has_no_name(tmp_path: Path) -> None:
    """As samples of Azure's extension are written: the library makes up the parameter's name."""
    npm.require("an app in JavaScript")
    app = with_packages(write_app(tmp_path / "esm", ESM))
    async with served(app) as host:
        assert (await host.put("/api/a/1")).status == 204, "an array creates several"
        answer = (await host.post("/api/a/second1?message=Remind me to call my dad")).json
        asked, last = answer["recentMessages"]
        [call] = json.loads(asked["toolCalls"])
        [(name, value)] = json.loads(call["functionArguments"]).items()
        assert re.fullmatch(r"assistantSkillTrigger[0-9a-f]{10}", name)
        assert value == "call my dad"
        assert last["content"]
        again = (await host.post("/api/a/first1?message=Remind me to take out the trash")).json
        assert again["totalMessages"] == 5


DOCUMENTED = {
    "package.json": '{"main": "app.js"}',
    "app.js": """\
const { app, input, output } = require('@azure/functions');

const http = (name, methods, route, more) =>
  app.http(name, { methods: [methods], route: `${route}/{id}`, authLevel: 'anonymous', ...more });
const asked = { type: 'postUserQuery', id: '{id}', userMessage: '{Query.message}' };

const made = output.generic({ type: 'createAssistant' });
http('create', 'PUT', 'a', {
  extraOutputs: [made],
  handler: (request, context) => {
    context.extraOutputs.set(made, { id: request.params.id, instructions: 'Be kind.' });
    return { status: 202 };
  },
});

const delivered = input.generic(asked);
http('asInput', 'POST', 'in', {
  extraInputs: [delivered],
  handler: (_, context) => ({ jsonBody: context.extraInputs.get(delivered) }),
});

const posted = output.generic(asked);
http('asOutput', 'POST', 'out', {
  extraOutputs: [posted],
  handler: (_, context) => ({ jsonBody: context.extraInputs.get(posted) }),
});

const former = output.generic({ type: 'assistantPost', id: '{id}', model: 'gpt-4o-mini' });
http('former', 'POST', 'former', {
  extraOutputs: [former],
  handler: async (request, context) => {
    context.extraOutputs.set(former, { userMessage: await request.text() });
    return { status: 202 };
  },
});

const state = input.generic({ type: 'assistantQuery', id: '{id}', timestampUtc: '2023-01-01' });
http('read', 'GET', 'a', {
  extraInputs: [state],
  handler: (_, context) => ({ jsonBody: context.extraInputs.get(state) }),
});
""",
}


async def test_the_documented_names_and_directions(tmp_path: Path) -> None:
    npm.require("an app in JavaScript")
    app = with_packages(write_app(tmp_path / "documented", DOCUMENTED))
    async with served(app) as host:
        assert (await host.put("/api/a/1")).status == 202
        for way in ("in", "out"):
            answer = (await host.post(f"/api/{way}/1?message=Hello")).json
            assert [each["role"] for each in answer["recentMessages"]] == ["Assistant"], way
        assert (await host.post("/api/former/1", data="Hello again")).status == 202
        chat = (await host.get("/api/a/1")).json
        said = [each["content"] for each in chat["recentMessages"] if each["role"] == "User"]
        assert said == ["Hello", "Hello", "Hello again"], "each is posted once"


def folder(name: str, code: str, *bindings: dict[str, object]) -> dict[str, str]:
    return {
        f"{name}/function.json": json.dumps({"bindings": bindings}),
        f"{name}/index.js": code,
    }


def http_of(method: str) -> list[dict[str, object]]:
    trigger = {"type": "httpTrigger", "direction": "in", "name": "req", "route": "a/{id}"}
    response = {"type": "http", "direction": "out", "name": "res"}
    return [{**trigger, "authLevel": "anonymous", "methods": [method]}, response]


FOLDERS = {
    **folder(
        "Create",
        "module.exports = async (context) => {"
        " context.bindings.made = { id: context.bindingData.id, instructions: 'Be kind.' };"
        " context.res = { status: 202 }; };",
        *http_of("put"),
        {"type": "assistantCreate", "direction": "out", "name": "made"},
    ),
    **folder(
        "Post",
        "module.exports = async (context) => {"
        " context.res = { body: context.bindings.state.recentMessages.at(-1).content }; };",
        *http_of("post"),
        {
            "type": "PostUserQuery",
            "direction": "out",
            "name": "state",
            "id": "{id}",
            "userMessage": "{Query.message}",
        },
    ),
    **folder(
        "AddTodo",
        "module.exports = async (context, task) => ({ added: task });",
        {
            "type": "assistantSkillTrigger",
            "direction": "in",
            "name": "task",
            "functionDescription": "Create a new todo task",
        },
    ),
    **folder(
        "Read",
        "module.exports = async (context, req, state) => { context.res = { body: state }; };",
        *http_of("get"),
        {
            "type": "assistantQuery",
            "direction": "in",
            "name": "state",
            "id": "{id}",
            "timestampUtc": "2023-01-01",
        },
    ),
}


async def test_folders_with_function_json(tmp_path: Path) -> None:
    """The model before v4, and the documented form of the post."""
    npm.require("an app in JavaScript")
    async with served(write_app(tmp_path / "folders", FOLDERS)) as host:
        assert (await host.put("/api/a/1")).status == 202
        answer = await host.post("/api/a/1?message=Remind me to call my dad")
        assert "call my dad" in answer.text
        chat = (await host.get("/api/a/1")).json
        assert [each["role"] for each in chat["recentMessages"]] == [
            "System",
            "User",
            "Assistant",
            "Tool",
            "Assistant",
        ]
        assert '{"added":"call my dad"}' in chat["recentMessages"][3]["content"]
