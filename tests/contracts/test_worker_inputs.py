"""What functions are given, over every worker channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.model import NONE, Datum, Invocation
from tests.support.workers import CHANNELS, decorated, request, serving

pytestmark = pytest.mark.parametrize("kind", CHANNELS)


async def test_generic_inputs_arrive_as_they_are(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.generic_trigger(arg_name="t", type="anyTrigger")
        @app.generic_input_binding(arg_name="x", type="foo")
        def f(t: str, x):
            return repr(x)
        """,
    )
    async with serving(kind, root) as worker:

        async def got(value: Datum) -> str:
            return await worker.text("f", t=Datum("text", ""), x=value)

        assert await got(Datum("text", "é\ud800 "[:1])) == "'é'"
        assert await got(Datum("json", '{"a": [1]}')) == "'{\"a\": [1]}'"
        assert await got(Datum("bytes", b"\x00\xff")) == "b'\\x00\\xff'"
        assert await got(NONE) == "None"
        for value, told in {
            Datum("int", 5): "NotImplementedError: unsupported TypeData kind: int",
            Datum("float", 0.5): "NotImplementedError: unsupported TypeData kind: double",
            Datum("list", (Datum("text", "a"),)): "ValueError: unexpected type of data received"
            " for the \"generic\" binding : 'collection_string'",
        }.items():
            result = await worker.call("f", t=Datum("text", ""), x=value)
            assert result.error.title == told


async def test_native_types_are_made_by_the_sdk(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.queue_trigger(arg_name="m", queue_name="q", connection="C")
        def message(m: func.QueueMessage) -> None:
            import logging
            logging.info("%r %s %s %s", m.get_body(), m.id, m.dequeue_count, m.insertion_time)

        @app.queue_trigger(arg_name="m", queue_name="q", connection="C")
        def text(m: str) -> None:
            import logging
            logging.info("%r", m)

        @app.timer_trigger(arg_name="t", schedule="* * * * * *")
        def tick(t: func.TimerRequest) -> None:
            import logging
            logging.info("%s %s", t.past_due, t.schedule_status)

        @app.blob_trigger(arg_name="b", path="p/{n}", connection="C")
        @app.blob_input(arg_name="other", path="p/x", connection="C")
        def blob(b: func.InputStream, other: func.InputStream) -> None:
            import logging
            logging.info("%s %s %r %s", b.name, b.length, b.read(), other)

        @app.event_hub_message_trigger(arg_name="e", event_hub_name="h", connection="C",
                                       cardinality="many")
        def events(e) -> None:
            import logging
            logging.info("%s", [(each.get_body(), each.metadata) for each in e][:1])

        @app.cosmos_db_trigger(arg_name="d", connection="C", database_name="d",
                               container_name="c")
        def documents(d: func.DocumentList) -> None:
            import logging
            logging.info("%s %s", len(d), d[0].to_json())
        """,
    )
    async with serving(kind, root) as worker:
        assert worker.errors == {}

        async def logged(function: str, metadata: dict[str, Datum], **inputs: Datum) -> str:
            call_id = f"id-{function}"
            result = await worker.channel.invoke(Invocation(call_id, function, inputs, metadata))
            assert result.error is None, result.error.stack
            return worker.said(call_id)[0]

        told = await logged(
            "message",
            {
                "Id": Datum("text", "i1"),
                "DequeueCount": Datum("text", "2"),
                "InsertionTime": Datum("text", "2024-01-02T03:04:05+00:00"),
            },
            m=Datum("text", "hi"),
        )
        assert told == "b'hi' i1 2 2024-01-02 03:04:05+00:00"
        assert await logged("text", {}, m=Datum("text", "hi")) == "'hi'"
        timer = Datum("json", '{"IsPastDue": true, "ScheduleStatus": {"Last": "x"}}')
        assert await logged("tick", {}, t=timer) == "True {'Last': 'x'}"
        told = await logged(
            "blob",
            {"BlobTrigger": Datum("text", "p/n"), "Properties": Datum("json", '{"Length": 3}')},
            b=Datum("bytes", b"abc"),
            other=NONE,
        )
        assert told.startswith("p/n ")
        assert told.endswith(" b'abc' None")
        told = await logged(
            "events",
            {"SystemPropertiesArray": Datum("json", '[{"a": 1}, {"a": 2}]')},
            e=Datum("list", (Datum("text", "x"), Datum("text", "y"))),
        )
        assert told.startswith("[(b'x', {'SystemProperties")
        assert await logged("documents", {}, d=Datum("json", '[{"id": "1"}]')) == '1 {"id": "1"}'


async def test_a_converter_that_refuses_is_told(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.queue_trigger(arg_name="m", queue_name="q", connection="C")
        def f(m: func.QueueMessage) -> None: ...

        @app.route()
        def g(req: func.HttpRequest) -> str: ...
        """,
    )
    async with serving(kind, root) as worker:
        for name, argument in (("f", "m"), ("g", "req")):
            result = await worker.call(name, **{argument: Datum("json", "{}")})
            assert result.error.title.startswith(
                "TypeError: unable to decode incoming TypedData: unsupported combination of"
                " TypedData field 'json' and expected binding type <class 'azure.functions."
            )


async def test_a_binding_called_context_is_that_binding(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.route(trigger_arg_name="context")
        def f(context) -> str:
            return context.method
        """,
    )
    async with serving(kind, root) as worker:
        assert await worker.text("f", context=request()) == "GET"


async def test_an_input_the_host_does_not_send_is_none(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.route()
        @app.generic_input_binding(arg_name="x", type="foo")
        def f(req, x) -> str:
            return repr(x)
        """,
    )
    async with serving(kind, root) as worker:
        assert await worker.text("f") == "None"
