"""What the host says to a worker, and what the worker's answers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator.config.timespan import format_timespan
from emulator.errors import WorkerProtocolError
from emulator.model import (
    NONE,
    BindingModel,
    Datum,
    Direction,
    FunctionModel,
    HttpRequestData,
    Invocation,
    InvocationResult,
    RetryPolicy,
)
from emulator.workers.channel import FunctionLoad, IndexedFunction
from emulator.workers.functionrpc.failures import failure_of
from emulator.workers.functionrpc.places import Places
from emulator.workers.functionrpc.protocol import Protocol
from emulator.workers.functionrpc.values import datum_of, fill

HOST_VERSION = "4.0.0"
_HOST_CAPABILITIES = {"MultiStream": "10"}
_DIRECTIONS = {"in": 0, "out": 1, "inout": 2}
_DATA_TYPES = {"string": 1, "binary": 2, "stream": 3}
_STRATEGIES = {1: "fixed_delay", 0: "exponential_backoff"}


class Messages:
    """Makes the messages of one worker; `function_ids` is by the names of functions."""

    def __init__(self, protocol: Protocol, places: Places) -> None:
        self._protocol = protocol
        self._places = places
        self.capabilities: Mapping[str, str] = {}
        """What the worker can do, by name; the values differ between workers and mean nothing."""
        self.function_ids: dict[str, str] = {}

    def empty(self) -> Any:
        return self._protocol.StreamingMessage()

    def init(self, request_id: str) -> Any:
        message = self._protocol.StreamingMessage(request_id=request_id)
        request = message.worker_init_request
        request.host_version = HOST_VERSION
        request.capabilities.update(_HOST_CAPABILITIES)
        request.worker_directory = str(self._places.worker)
        request.function_app_directory = str(self._places.app)
        return message

    def metadata(self) -> Any:
        message = self.empty()
        message.functions_metadata_request.function_app_directory = str(self._places.app)
        return message

    def load(self, request: Any, function: FunctionModel, known: Any | None) -> str:
        """Fill a load request; `known` is what the worker said itself. Return the function's id."""
        metadata = request.metadata
        if known is not None:
            metadata.CopyFrom(known)
        else:
            _describe(metadata, function, self._places.app)
        function_id = metadata.function_id or function.name
        self.function_ids[function.name.lower()] = function_id
        request.function_id = metadata.function_id = function_id
        return function_id

    def invoke(
        self, invocation: Invocation, function: FunctionModel, *, proxied: bool = False
    ) -> Any:
        """With `proxied` the HTTP request comes another way: only its route values are here."""
        message = self.empty()
        request = message.invocation_request
        request.invocation_id = invocation.id
        request.function_id = self.function_ids[function.name.lower()]
        outputs = {each.name for each in function.bindings if _is_output(each)}
        for name, value in invocation.inputs.items():
            if name in outputs:
                continue  # official workers know no value of an output before the call
            binding = request.input_data.add(name=name)
            binding.data.SetInParent()
            fill(binding.data, self._proxied(value) if proxied else value, self.capabilities)
        for name, value in invocation.metadata.items():
            if value.kind != "none":
                fill(request.trigger_metadata[name], _as_metadata(value), self.capabilities)
        trigger = function.trigger.name
        if "RpcHttpTriggerMetadataRemoved" not in self.capabilities and not proxied:
            value = invocation.inputs.get(trigger, NONE)
            if value.kind == "http":
                for name in (trigger, "$request"):
                    fill(request.trigger_metadata[name], value, self.capabilities)
        request.trace_context.trace_parent = invocation.trace.trace_parent
        request.trace_context.trace_state = invocation.trace.trace_state
        request.trace_context.attributes.update(
            {"InvocationId": invocation.id, "OperationName": function.name}
        )
        if invocation.retry is not None:
            retry = request.retry_context
            retry.retry_count = invocation.retry.retry_count
            retry.max_retry_count = invocation.retry.max_retry_count
            if invocation.retry.error is not None:
                error = invocation.retry.error
                retry.exception.message = error.title
                retry.exception.stack_trace = error.stack
        return message

    def _proxied(self, value: Datum) -> Datum:
        if value.kind != "http":
            return value
        wants = "RequiresRouteParameters" in self.capabilities
        params = value.value.params if wants else {}
        return Datum("http", HttpRequestData("", "", params=params))

    def cancel(self, invocation_id: str) -> Any:
        message = self.empty()
        message.invocation_cancel.invocation_id = invocation_id
        return message

    def terminate(self, grace: float) -> Any:
        message = self.empty()
        message.worker_terminate.grace_period.FromMilliseconds(int(grace * 1000))
        return message

    def result_of(self, response: Any, accept: str = "") -> InvocationResult:
        error = failure_of(response.result, self._places)
        if error is not None:
            return InvocationResult(error=error)
        outputs = {
            each.name: datum_of(each.data, accept=accept)
            for each in response.output_data
            if each.WhichOneof("rpc_data") == "data"
        }
        return InvocationResult(datum_of(response.return_value, accept=accept), outputs)


def _as_metadata(value: Datum) -> Datum:
    """Azure's host sends whole numbers as JSON."""
    return Datum("json", str(value.value)) if value.kind == "int" else value


def indexed_of(metadata: Any, app: Path) -> IndexedFunction:
    """Read a function that the worker has found.

    Only its raw bindings say everything; `bindings` has type and direction alone.
    """
    directory, script_file = _place_of(metadata, app)
    return IndexedFunction(
        name=metadata.name,
        bindings=tuple(_raw(each) for each in metadata.raw_bindings),
        directory=directory,
        script_file=script_file,
        entry_point=metadata.entry_point,
        retry=_retry_settings(metadata.retry_options)
        if metadata.HasField("retry_options")
        else None,
    )


def _place_of(metadata: Any, app: Path) -> tuple[str, str]:
    """Return folder and file; a file below the app's folder is named from there.

    The worker for Node.js gives the folder of each file apart.
    """
    folder = Path(metadata.directory or app)
    if not metadata.script_file or not folder.is_relative_to(app):
        return str(folder), metadata.script_file
    below = folder.relative_to(app)
    return str(app), (below / metadata.script_file).as_posix()


def _raw(text: str) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise WorkerProtocolError(
            f"the worker describes a binding by what is no JSON: {text[:100]}"
        ) from None
    return value if isinstance(value, dict) else {}


def _retry_settings(options: Any) -> Mapping[str, str] | None:
    if not (options.max_retry_count or options.HasField("delay_interval")):
        return None
    settings = {
        "strategy": _STRATEGIES.get(options.retry_strategy, "fixed_delay"),
        "max_retry_count": str(options.max_retry_count),
    }
    for name in ("delay_interval", "minimum_interval", "maximum_interval"):
        if options.HasField(name):
            seconds = getattr(options, name).ToTimedelta().total_seconds()
            settings[name] = format_timespan(seconds)
    return settings


def as_delivered(load: FunctionLoad) -> FunctionModel:
    """Return a function whose `out` bindings that deliver a value are inputs.

    A worker gives a function no value of an output, and takes no parameter that is named so. What
    it has indexed itself it knows better.
    """
    if load.function.programming_model != "v1" or not load.injected:
        return load.function
    return replace(
        load.function,
        bindings=tuple(
            replace(each, direction=Direction.IN, properties={**each.properties, "direction": "in"})
            if each.name in load.injected
            else each
            for each in load.function.bindings
        ),
    )


def _describe(metadata: Any, function: FunctionModel, root: Path) -> None:
    """Say what a folder with function.json says; every path is absolute."""
    metadata.name = function.name
    metadata.directory = str(function.directory)
    base = function.directory if function.programming_model == "v1" else root
    metadata.script_file = str((base / function.script_file).resolve())
    metadata.entry_point = function.entry_point
    metadata.language = function.language
    for binding in function.bindings:
        info = metadata.bindings[binding.name]
        info.type = binding.type
        info.direction = _DIRECTIONS.get(_direction(binding), int(_is_output(binding)))
        if binding.data_type is not None:
            info.data_type = _DATA_TYPES[binding.data_type]
        metadata.raw_bindings.append(json.dumps(_properties(binding)))
    if function.retry is not None:
        _retry_options(metadata.retry_options, function.retry)


def _direction(binding: BindingModel) -> str:
    return str(binding.properties.get("direction", binding.direction)).lower()


def _is_output(binding: BindingModel) -> bool:
    return binding.direction is Direction.OUT and _direction(binding) != "inout"


def _properties(binding: BindingModel) -> dict[str, Any]:
    said = {"name": binding.name, "type": binding.type, "direction": str(binding.direction)}
    return {**said, **binding.properties}


def _retry_options(options: Any, policy: RetryPolicy) -> None:
    options.max_retry_count = policy.max_retries
    if policy.strategy == "fixedDelay":
        options.retry_strategy = 1
        options.delay_interval.FromMilliseconds(int(policy.delay * 1000))
    else:
        options.minimum_interval.FromMilliseconds(int(policy.minimum * 1000))
        options.maximum_interval.FromMilliseconds(int(policy.maximum * 1000))
