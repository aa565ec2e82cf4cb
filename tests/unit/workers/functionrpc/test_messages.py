"""What the host says to a worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.errors import WorkerProtocolError
from emulator.model import (
    BindingModel,
    Datum,
    Direction,
    FunctionError,
    FunctionModel,
    HttpRequestData,
    Invocation,
    RetryContext,
    RetryPolicy,
    TraceContext,
)
from emulator.workers.channel import FunctionLoad
from emulator.workers.functionrpc.messages import Messages, as_delivered, indexed_of
from emulator.workers.functionrpc.places import Places
from emulator.workers.functionrpc.protocol import Protocol

PROTOCOL = Protocol()
APP = Path("/app")
TRIGGER = BindingModel("req", "httpTrigger", Direction.IN, None, {"authLevel": "anonymous"})
STATE = BindingModel("state", "assistantQuery", Direction.IN, "binary", {"id": "{id}"})
RETURN = BindingModel("$return", "http", Direction.OUT)
MADE = BindingModel("made", "assistantCreate", Direction.OUT)


def messages(*capabilities: str) -> Messages:
    made = Messages(PROTOCOL, Places(Path("/workers/java"), APP))
    made.capabilities = dict.fromkeys(capabilities, "x")
    return made


def function(retry: RetryPolicy | None = None) -> FunctionModel:
    return FunctionModel(
        "Hello",
        (TRIGGER, STATE, RETURN, MADE),
        APP / "Hello",
        "../shop.jar",
        "com.shop.Hello.run",
        "v1",
        "java",
        retry=retry,
    )


def load(model: FunctionModel, known: Any = None, told: Messages | None = None) -> Any:
    request = PROTOCOL.message("FunctionLoadRequest")()
    (told or messages()).load(request, model, known)
    return request


def test_the_worker_is_told_the_folders() -> None:
    request = messages().init("r").worker_init_request
    assert request.function_app_directory == "/app"
    assert request.worker_directory == "/workers/java"
    assert dict(request.capabilities) == {"MultiStream": "10"}


def test_a_function_of_a_folder_is_described_with_absolute_paths() -> None:
    request = load(function())
    metadata = request.metadata
    assert request.function_id == metadata.function_id == "Hello"
    assert (metadata.directory, metadata.script_file) == ("/app/Hello", "/app/shop.jar")
    assert (metadata.entry_point, metadata.language) == ("com.shop.Hello.run", "java")
    assert [json.loads(each) for each in metadata.raw_bindings] == [
        {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"},
        {"name": "state", "type": "assistantQuery", "direction": "in", "id": "{id}"},
        {"name": "$return", "type": "http", "direction": "out"},
        {"name": "made", "type": "assistantCreate", "direction": "out"},
    ]
    kinds = {
        n: (each.type, each.direction, each.data_type) for n, each in metadata.bindings.items()
    }
    assert kinds["state"] == ("assistantQuery", 0, 2)
    assert kinds["made"] == ("assistantCreate", 1, 0)
    assert not metadata.HasField("retry_options")


def test_an_output_that_delivers_a_value_is_an_input_to_the_worker() -> None:
    told = messages()
    delivered = as_delivered(FunctionLoad(function(), frozenset({"made"})))
    metadata = load(delivered, told=told).metadata
    assert metadata.bindings["made"].direction == 0
    assert json.loads(metadata.raw_bindings[3])["direction"] == "in"
    assert metadata.bindings["$return"].direction == 1
    call = told.invoke(Invocation("1", "Hello", {"made": Datum("text", "x")}), delivered)
    assert [each.name for each in call.invocation_request.input_data] == ["made"]


def test_retries_are_told() -> None:
    fixed = load(function(RetryPolicy("fixedDelay", 3, delay=0.5))).metadata.retry_options
    assert (fixed.max_retry_count, fixed.retry_strategy) == (3, 1)
    assert fixed.delay_interval.ToMilliseconds() == 500
    grows = RetryPolicy("exponentialBackoff", -1, minimum=2, maximum=60)
    options = load(function(grows)).metadata.retry_options
    assert (options.max_retry_count, options.retry_strategy) == (-1, 0)
    assert (options.minimum_interval.seconds, options.maximum_interval.seconds) == (2, 60)


def test_what_the_worker_has_said_itself_goes_back_to_it() -> None:
    known = PROTOCOL.message("RpcFunctionMetadata")(
        name="Hello", function_id="its own", script_file="x.dll", properties={"IsCodeless": "x"}
    )
    told = messages()
    request = load(function(), known, told)
    assert (request.function_id, request.metadata) == ("its own", known)
    call = told.invoke(Invocation("i", "hello", {}), function()).invocation_request
    assert call.function_id == "its own"


def test_a_binding_that_is_no_json_is_the_workers_mistake() -> None:
    metadata = PROTOCOL.message("RpcFunctionMetadata")(name="f", raw_bindings=["{"])
    with pytest.raises(WorkerProtocolError, match="what is no JSON: {"):
        indexed_of(metadata, APP)


def test_an_indexed_function_is_read_from_its_raw_bindings() -> None:
    metadata = PROTOCOL.message("RpcFunctionMetadata")(
        name="f", raw_bindings=['{"name": "t", "type": "timerTrigger", "direction": "IN"}', "1"]
    )
    indexed = indexed_of(metadata, APP)
    assert indexed.bindings[0] == {"name": "t", "type": "timerTrigger", "direction": "IN"}
    assert (indexed.directory, indexed.retry) == ("/app", None)
    metadata.retry_options.max_retry_count = 2
    metadata.retry_options.minimum_interval.FromSeconds(65)
    metadata.retry_options.maximum_interval.FromMilliseconds(90500)
    assert indexed_of(metadata, APP).retry == {
        "strategy": "exponential_backoff",
        "max_retry_count": "2",
        "minimum_interval": "00:01:05",
        "maximum_interval": "00:01:30.5000000",
    }


@pytest.mark.parametrize(
    ("directory", "script_file", "told"),
    [
        ("/app/src/functions", "hello.js", ("/app", "src/functions/hello.js")),
        ("/app", "function_app.py", ("/app", "function_app.py")),
        ("", "unknown", ("/app", "unknown")),
        ("/elsewhere", "hello.js", ("/elsewhere", "hello.js")),
        ("/app/src", "", ("/app/src", "")),
    ],
)
def test_a_file_of_an_indexed_function_is_named_from_the_app_s_folder(
    directory: str, script_file: str, told: tuple[str, str]
) -> None:
    metadata = PROTOCOL.message("RpcFunctionMetadata")(
        name="f", directory=directory, script_file=script_file
    )
    indexed = indexed_of(metadata, APP)
    assert (indexed.directory, indexed.script_file) == told


def _call(told: Messages, **more: Any) -> Any:
    load(function(), None, told)
    request = Datum("http", HttpRequestData("GET", "http://h/", params={"id": "7"}))
    inputs = {"req": request, "state": Datum("none", None), "made": Datum("text", "never")}
    call = Invocation("i", "Hello", inputs, **more)
    return told.invoke(call, function(), proxied="HttpUri" in told.capabilities).invocation_request


def test_a_call_carries_inputs_data_of_the_trigger_and_context() -> None:
    error = FunctionError("ValueError", "no", "stack")
    request = _call(
        messages("RpcHttpTriggerMetadataRemoved"),
        metadata={
            "id": Datum("text", "7"),
            "sub": Datum("json", "{}"),
            "tries": Datum("int", 2),
            "no": Datum("none", None),
        },
        trace=TraceContext("00-a-b-01", "s=1"),
        retry=RetryContext(1, 3, error),
    )
    assert [each.name for each in request.input_data] == ["req", "state"]  # `made` is an output
    assert request.input_data[1].WhichOneof("rpc_data") == "data"
    assert request.input_data[1].data.WhichOneof("data") is None
    assert {n: each.WhichOneof("data") for n, each in request.trigger_metadata.items()} == {
        "id": "string",
        "sub": "json",
        "tries": "json",
    }
    assert request.trigger_metadata["tries"].json == "2"
    assert request.trace_context.trace_parent == "00-a-b-01"
    assert request.trace_context.attributes["InvocationId"] == "i"
    retry = request.retry_context
    assert (retry.retry_count, retry.max_retry_count) == (1, 3)
    assert (retry.exception.message, retry.exception.stack_trace) == ("ValueError: no", "stack")


def test_older_workers_get_the_request_among_the_data_too() -> None:
    request = _call(messages())
    assert request.trigger_metadata["req"].http.method == "GET"
    assert request.trigger_metadata["$request"] == request.trigger_metadata["req"]
    assert not request.HasField("retry_context")


def test_a_request_that_comes_another_way_leaves_its_route_values_at_most() -> None:
    bare = _call(messages("HttpUri")).input_data[0].data
    assert (bare.WhichOneof("data"), bare.http.method, dict(bare.http.params)) == ("http", "", {})
    asked = _call(messages("HttpUri", "RequiresRouteParameters")).input_data[0].data
    assert dict(asked.http.params) == {"id": "7"}
