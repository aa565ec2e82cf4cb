"""What functions in JavaScript are given, and what they may answer."""

from __future__ import annotations

import json
from pathlib import Path

from emulator.model import Datum, FunctionError, Invocation, RetryContext, TraceContext
from tests.support.node import javascript
from tests.support.workers import request, serving, text_of

KIND = "node"


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
