"""The fixture `models`: turns, faults, vectors, and every text of what nobody expected."""

from __future__ import annotations

import re

import pytest

from tests.support.testing import CHAT, HELLO, check, failing

HEAD = """
async def say(app, text, id="a1"):
    return await (await app.post(f"/api/chats/{id}", params={"text": text})).text()

@pytest.fixture
async def chat(functions_app):
    await functions_app.put("/api/chats/a1")
    functions_app.forget()
    return functions_app
"""
VECTORS = {
    "function_app.py": """
        import array
        import base64
        import json
        import azure.functions as func

        app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

        @app.route(route="vector", methods=["POST"])
        @app.embeddings_input(
            arg_name="made", input="{text}", input_type="RawText",
            embeddings_model="text-embedding-3-small",
        )
        def vector(req: func.HttpRequest, made: str) -> str:
            data = json.loads(made)["response"]["data"][0]["embedding"]
            return json.dumps(list(array.array("f", base64.b64decode(data))))
    """
}


def passes(pytester: pytest.Pytester, test: str, *arguments: str, **project: object) -> str:
    project.setdefault("app", CHAT)
    return check(pytester, HEAD + _dedented(test), *arguments, **project)


def fails(pytester: pytest.Pytester, test: str, *arguments: str, **project: object) -> str:
    project.setdefault("app", CHAT)
    return failing(pytester, HEAD + _dedented(test), *arguments, **project)


def _dedented(text: str) -> str:
    import textwrap

    return textwrap.dedent(text)


@pytest.mark.parametrize("channel", ["inprocess", "subprocess"])
def test_a_turn_calls_skills_and_then_says_something(
    pytester: pytest.Pytester, channel: str
) -> None:
    passes(
        pytester,
        """
        async def test_it(chat, models):
            models.on("remind me").calls("AddNote", "buy milk").then_says("Done.")
            assert await say(chat, "Please REMIND  me to buy milk") == "Done."
            stored = await chat.assistant("a1")
            assert stored.exists and stored.answer == "Done." and stored.total_tokens > 0
            [call] = stored.tool_calls
            assert (call.name, call.arguments) == ("AddNote", {"text": "buy milk"})
            assert (call.result, call.failed) == (None, False)
            assert [m.role for m in stored.messages] == [
                "System", "User", "Assistant", "Tool", "Assistant",
            ]
            [post] = chat.invocations("post")
            [note] = chat.invocations("AddNote")
            assert note.parent == post.id and note.inputs == {"text": "buy milk"}
            assert post.options["state"]["userMessage"] == "Please REMIND  me to buy milk"
            assert [deed.name for deed in post.activities] == ["model-call"] * 2
            first, second = models.requests
            assert first.user == "Please REMIND  me to buy milk"
            assert (first.assistant, first.function, first.model) == ("a1", "post", "gpt-4o-mini")
            assert first.tools == ("AddNote", "ReadNotes") and first.calls == ("AddNote",)
            assert first.attempts == 1 and not first.continues
            assert second.continues and second.reply == "Done." and second.results == (None,)

        async def test_an_assistant_that_is_not_there(functions_app):
            await functions_app.get("/api/chats/x")
            missing = await functions_app.assistant("a1")
            assert not missing.exists and missing.messages == () and missing.answer == ""
        """,
        f"--functions-channel={channel}",
    )


def test_what_a_message_must_be_like(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        async def test_it(functions_app, models):
            for id in ("a1", "b2"):
                await functions_app.put(f"/api/chats/{id}")
            models.on(re.compile(r"^\\d+$")).says("a number")
            models.on(lambda request: len(request.user) > 20).says("a long one")
            models.on("hi", assistant="b*").says("b")
            models.on("hi", function="nothing").optional().says("never")
            models.on("hi", function="POST").says("any")
            models.on().says("else")
            assert await say(functions_app, "42") == "a number"
            assert await say(functions_app, "x" * 21) == "a long one"
            assert await say(functions_app, "Hi") == "any"
            assert await say(functions_app, "Hi", "b2") == "b"
            assert await say(functions_app, "Hi") == "else"
        """,
    )


def test_replies_come_in_the_order_they_are_written(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        async def test_a_text_answers_and_the_next_one_the_next_time(chat, models):
            models.on("hi").says("one").then_says("two")
            assert [await say(chat, "hi"), await say(chat, "hi")] == ["one", "two"]

        async def test_several_rounds_of_skills(chat, models):
            models.on("note").calls("AddNote", "a").then_calls("ReadNotes").then_says(
                lambda request: str(request.results)
            )
            assert await say(chat, "note") == "(None, ['a'])"

        async def test_several_skills_at_once(chat, models):
            models.on("note").calls("AddNote", "a").and_calls("AddNote", text="b").then_says("ok")
            assert await say(chat, "note") == "ok"
            assert [c.inputs["text"] for c in chat.invocations("AddNote")] == ["a", "b"]
            assert models.requests[0].calls == ("AddNote", "AddNote")

        async def test_arguments_as_a_whole(chat, models):
            models.on("note").calls("addnote", {"text": "x"}).then_says("ok")
            await say(chat, "note")
            assert chat.invocations("AddNote")[0].inputs == {"text": "x"}

        async def test_a_number_of_times(chat, models):
            models.on("hi").says("one").times(2)
            assert [await say(chat, "hi"), await say(chat, "hi")] == ["one", "one"]

        async def test_always(chat, models):
            models.on("hi").says("one").then_says("two").always()
            assert [await say(chat, "hi") for _ in range(3)] == ["one", "two", "one"]

        async def test_chats_at_once(functions_app, models):
            ids = [f"a{n}" for n in range(10)]
            for id in ids:
                await functions_app.put(f"/api/chats/{id}")
            models.on("note").calls("AddNote", "x").then_says("done").times(10)
            answers = await asyncio.gather(*(say(functions_app, "note", id) for id in ids))
            assert answers == ["done"] * 10
        """,
    )


def test_services_have_bad_days(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import time

        async def test_busy_for_good(chat, models):
            models.on("hi").fails(429, message="try later")
            with chat.expect_failure("post", match="answered 429: try later .as the test asks"):
                assert (await chat.post("/api/chats/a1", params={"text": "hi"})).status == 500
            assert models.requests[0].attempts == 4
            assert "429" in models.requests[0].error
            assert len((await chat.assistant("a1")).messages) == 1

        async def test_busy_at_first(chat, models):
            began = time.monotonic()
            models.on("hi").fails(429, times=2, retry_after=60).fails(503, times=1).says("ok")
            assert await say(chat, "hi") == "ok"
            assert models.requests[0].attempts == 4
            assert time.monotonic() - began < 30

        async def test_refused(chat, models):
            models.on("hi").fails(401)
            with chat.expect_failure("post", match="answered 401"):
                await say(chat, "hi")
            assert models.requests[0].attempts == 1

        async def test_timeouts(chat, models):
            models.on("hi").times_out(times=1).says("ok").then_says("again")
            assert await say(chat, "hi") == "ok"
            assert models.requests[0].attempts == 2
            assert await say(chat, "hi") == "again"
            models.on("bye").times_out()
            with chat.expect_failure("post", match="did not answer in time"):
                await say(chat, "bye")

        async def test_after_a_skill_ran(chat, models):
            models.on("note").calls("AddNote", "x").fails(500)
            with chat.expect_failure("post", match="answered 500"):
                await say(chat, "note")
            assert len(chat.invocations("AddNote")) == 1

        async def test_latency(chat, models):
            models.on("hi").after(30).says("ok")
            answer = asyncio.create_task(say(chat, "hi"))
            while not models.requests:
                await asyncio.sleep(0)
            await asyncio.sleep(0.02)
            assert not answer.done()
            chat.clock.advance(30)
            assert await answer == "ok"
            assert chat.invocations("post")[0].duration >= 30

        def test_a_status_that_is_none(models):
            with pytest.raises(ValueError, match="a status from 400 to 599, not 200"):
                models.on("hi").optional().says("").fails(200)
            models.reset()
        """,
    )


def test_a_request_nobody_expected_fails_the_test(pytester: pytest.Pytester) -> None:
    told = fails(
        pytester,
        """
        async def test_it(chat, models):
            models.on("hi", assistant="b*").says("b").optional()
            with chat.expect_failure("post"):
                await say(chat, "hi there")
        """,
    )
    assert (
        "The test itself passed, but its app did what nobody expected:\n"
        "- The model was asked \"hi there\" for assistant 'a1', which no turn answers. Written "
        "are: models.on('hi', assistant='b*') in test_it.py:14.\n"
        "  Write a turn for it, or call models.offline().\n"
    ) in told
    assert told.count("- The") == 1


def test_a_turn_that_is_used_up_says_so(pytester: pytest.Pytester) -> None:
    told = fails(
        pytester,
        """
        async def test_it(chat, models):
            models.on("hi").says("1")
            await say(chat, "hi")
            with chat.expect_failure("post", match="has said all it has"):
                await say(chat, "hi")
        """,
    )
    assert (
        "- The model was asked \"hi\" for assistant 'a1', and models.on('hi') in test_it.py:14 has "
        "said all it has: add .then_says(…), .times(…) or .always()\n"
    ) in told


def test_without_any_turn_nothing_is_expected(pytester: pytest.Pytester) -> None:
    told = fails(
        pytester,
        """
        async def test_it(chat, models):
            with chat.expect_failure("post", match="No turn is written"):
                await say(chat, "hi there")
        """,
    )
    assert "which no turn answers. No turn is written.\n" in told


def test_a_result_nobody_answers_fails_the_test(pytester: pytest.Pytester) -> None:
    told = fails(
        pytester,
        """
        async def test_it(chat, models):
            models.on("note").calls("AddNote", "x")
            with chat.expect_failure("post"):
                await say(chat, "note it")
        """,
    )
    assert (
        "- The model got the results of 'AddNote' to \"note it\" for assistant 'a1', but "
        "models.on('note') in test_it.py:14 ends there: add .then_says(…)\n"
    ) in told


def test_turns_nobody_asked_for_fail_the_test(pytester: pytest.Pytester) -> None:
    told = fails(
        pytester,
        """
        def friendly(request):
            return True

        async def test_it(chat, models):
            models.on("hi").says("one").then_says("two")
            models.on(re.compile("bye")).says("x")
            models.on(friendly).calls("AddNote").then_says("y").times(2)
            models.on("later").after(3)
            models.on("hm").says("z").fails(500, times=1)
            models.on("not needed").says("z").optional()
            models.on_embedding("milk").returns([1.0])
            models.on_embedding("empty")
            assert await say(chat, "hi") == "one"
        """,
    )
    for expected in (
        "- models.on('hi') in test_it.py:17 was used 1 of 2 times: left is says 'two'.\n"
        "  Remove it, or add .optional().\n",
        "- models.on(re.compile('bye')) in test_it.py:18 was never asked for.\n",
        "- models.on(friendly) in test_it.py:19 was never asked for.\n",
        "- models.on('later') in test_it.py:20 has no reply: add .says(…) or .calls(…).\n",
        "- models.on('hm') in test_it.py:21 ends with trouble but no reply: .fails(…) and "
        ".after(…) come before it.\n",
        "- models.on_embedding('milk') in test_it.py:23 was never asked for.\n",
        "- models.on_embedding('empty') in test_it.py:24 has no vector: add .returns([…]).\n",
    ):
        assert expected in told
    assert (
        "not needed" not in told.partition("did what nobody expected")[2].partition("Captured")[0]
    )


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (
            'calls("AddTask", "x")',
            "calls the skill 'AddTask', which the app does not offer. It offers: AddNote, "
            "ReadNotes.",
        ),
        (
            'calls("AddNote", "x", text="y")',
            "calls the skill 'AddNote' with 'x', but it has the parameters text.",
        ),
    ],
)
def test_a_skill_that_cannot_be_called_so_is_told(
    pytester: pytest.Pytester, turn: str, told: str
) -> None:
    shown = fails(
        pytester,
        f"""
        async def test_it(chat, models):
            models.on("note").{turn}.then_says("ok").optional()
            await say(chat, "note")
        """,
    )
    assert told in shown


def test_and_calls_follows_calls(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        def test_it(models):
            with pytest.raises(ValueError, match="and_calls.* follows calls"):
                models.on("x").says("y").and_calls("AddNote")
            models.reset()
        """,
    )


def test_the_offline_model_answers_where_nothing_is_scripted(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        async def test_without_the_fixture(chat):
            assert "buy milk" in await say(chat, "Write down: buy milk")
            assert len(chat.invocations("AddNote")) == 1

        async def test_on_request(chat, models):
            models.offline()
            models.on("hi").says("of the test")
            assert await say(chat, "hi") == "of the test"
            await say(chat, "Write down: buy milk")
            assert len(chat.invocations("AddNote")) == 1
            assert len(models.requests) == 3

        @pytest.mark.functions_app(strict=False)
        async def test_leniently(chat, models):
            models.on("never").says("x")
            await say(chat, "Write down: buy milk")
            assert len(chat.invocations("AddNote")) == 1
        """,
    )


def test_a_model_script_of_the_app_counts_without_the_fixture(pytester: pytest.Pytester) -> None:
    script = 'scripts:\n  - turns:\n      - {user: {contains: hi}, says: "of the file"}\n'
    passes(
        pytester,
        """
        async def test_it(chat):
            assert await say(chat, "hi") == "of the file"
        """,
        app={"function_app.py": CHAT, "model-script.yaml": script},
    )


def test_texts_have_the_vectors_a_test_gives_them(pytester: pytest.Pytester) -> None:
    host = '{"version": "2.0"}'
    check(
        pytester,
        """
        async def vector(app, text):
            return await (await app.post("/api/vector", json={"text": text})).json()

        async def test_given(functions_app, models):
            models.on_embedding("milk").returns([1, 0.5])
            models.on_embedding(re.compile("^b")).returns([0, 1])
            assert await vector(functions_app, "Buy MILK") == [1, 0.5]
            assert await vector(functions_app, "bread") == [0, 1]
            assert await vector(functions_app, "Buy MILK") == [1, 0.5]
            assert [list(each.texts) for each in models.requests] == [
                ["Buy MILK"], ["bread"], ["Buy MILK"],
            ]
            assert {each.kind for each in models.requests} == {"embeddings"}

        async def test_of_words(functions_app, models):
            one = await vector(functions_app, "milk")
            assert len(one) > 100 and one == await vector(functions_app, "milk")
            assert str(models.requests[0]) == 'embeddings of "milk"'

        async def test_refused(functions_app, models):
            models.on_embedding("milk").fails(429, times=1).returns([1])
            assert await vector(functions_app, "milk") == [1]
            assert models.requests[0].attempts == 2
            models.on_embedding("bread").fails(400)
            with functions_app.expect_failure("vector", match="answered 400"):
                await functions_app.post("/api/vector", json={"text": "bread"})
        """,
        app={**VECTORS, "host.json": host},
    )


def test_a_text_nobody_expected_fails_the_test(pytester: pytest.Pytester) -> None:
    told = failing(
        pytester,
        """
        async def test_it(functions_app, models):
            models.on_embedding("milk").returns([1]).optional()
            models.on_embedding("rolls").fails(429, times=1)
            with functions_app.expect_failure("vector"):
                await functions_app.post("/api/vector", json={"text": "bread"})
                await functions_app.post("/api/vector", json={"text": "rolls"})
        """,
        app=VECTORS,
    )
    assert "- models.on_embedding('rolls') in test_it.py:6 has no vector: add .returns([…])" in told
    assert (
        "- The model was asked for the vector of 'bread', which nothing of models.on_embedding(…) "
        "fits.\n"
    ) in told


def test_models_without_an_app_that_uses_any_are_told(pytester: pytest.Pytester) -> None:
    told = failing(
        pytester,
        """
        async def test_it(functions_app, models):
            models.on("hi").says("x")
        """,
        app=HELLO,
    )
    assert "- models.on('hi') in test_it.py:5 was never asked for.\n" in told


# Live calls


def test_a_live_call_needs_a_mark(pytester: pytest.Pytester) -> None:
    told = fails(
        pytester,
        """
        @pytest.mark.functions_app(models="live")
        async def test_it(functions_app): pass

        @pytest.mark.functions_app(models="auto")
        async def test_also(functions_app): pass
        """,
    )
    assert (
        "The test asks for functions_app(models='live'), which may call a model service. Mark it "
        "with @pytest.mark.live if it shall, or script the model with the fixture 'models'."
    ) in told
    assert "functions_app(models='auto')" in told


def test_settings_of_a_service_do_not_make_a_call_live(pytester: pytest.Pytester) -> None:
    settings = {
        "OPENAI_API_KEY": "sk-0123456789abcdef0123456789",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=a2V5;"
        "EndpointSuffix=core.windows.net",
    }
    passes(
        pytester,
        f"""
        @pytest.mark.functions_app(settings={settings!r})
        async def test_it(chat):
            assert "buy milk" in await say(chat, "Write down: buy milk")
        """,
    )


def test_a_live_test_asks_the_service(pytester: pytest.Pytester) -> None:
    told = passes(
        pytester,
        """
        import threading
        from http.server import BaseHTTPRequestHandler, HTTPServer

        class Service(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                message = {"role": "assistant", "content": "live"}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                body = json.dumps({"id": "1", "object": "chat.completion", "created": 1,
                                   "model": "m", "choices": [choice]}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args): pass

        @pytest.fixture
        def service(monkeypatch):
            server = HTTPServer(("127.0.0.1", 0), Service)
            threading.Thread(target=server.serve_forever).start()
            monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef0123456789")
            monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
            yield
            server.shutdown()
            server.server_close()

        @pytest.mark.live
        async def test_it(service, functions_app, models):
            await functions_app.put("/api/chats/a1")
            assert await say(functions_app, "hi") == "live"
            assert models.requests[0].reply == "live"
        """,
    )
    assert "passed" in told


def test_a_live_test_without_a_service_says_what_is_missing(pytester: pytest.Pytester) -> None:
    told = fails(
        pytester,
        """
        @pytest.mark.live
        async def test_it(chat):
            await say(chat, "hi")
        """,
    )
    assert re.search(r"section 'AzureOpenAI' is missing required 'Endpoint' and/or 'Key'", told)
