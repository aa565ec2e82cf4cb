"""Which address answers what, and how failures are told.

Both forms of addresses are served: `v1/…` for OpenAI, `openai/deployments/{name}/…` and
`openai/v1/…` for Azure, with any `api-version` and any key. `faults` lets a test have trouble.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from bindings.openai.clients import LOG_CATEGORY, ModelClients
from bindings.openai.embeddings.options import DEFAULT_EMBEDDINGS_MODEL
from bindings.openai.models.base import ChatReply, ChatRequest
from bindings.openai.models.embedding import EmbeddingRequest, to_base64
from bindings.openai.models.faults import Effect, FaultyBackend, fault_form, parse_faults
from bindings.openai.models.retrying import ServiceError
from bindings.openai.options import DEFAULT_CHAT_MODEL
from bindings.openai.serving.requests import (
    model_of,
    read_body,
    read_chat,
    read_prompts,
    read_texts,
)
from bindings.openai.serving.response_forms import gone_on, response_events, response_form
from bindings.openai.serving.responses import Messages, read_response
from bindings.openai.serving.wire import (
    Answering,
    Refused,
    completion_form,
    completion_parts,
    json_response,
    text_form,
    text_parts,
    usage_form,
)
from emulator.sdk import (
    BindingError,
    HostServices,
    HttpRequestData,
    HttpResponseData,
    StreamedResponse,
)

Answer = HttpResponseData | StreamedResponse

_LONGEST_HEADER = 1000
_LONGEST_FAULTS = 20_000
_MOST_DIMENSIONS = 65_536
_KINDS = {401: "authentication_error", 429: "rate_limit_error", 500: "server_error"}
_SERVED = "chat/completions, responses, completions, embeddings and models"
_MOST_KEPT = 200
"""How many responses are kept for requests that go on from one."""
_STREAM_HEADERS = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))
_FINAL = {"x-should-retry": "false"}
"""Honoured by OpenAI's clients, which otherwise ask again and hide the reason."""


class ModelEndpoint:
    """Answers as OpenAI and Azure OpenAI do, from the models the bindings use."""

    def __init__(self, host: HostServices, models: ModelClients) -> None:
        self._host = host
        self._models = models
        self._kept: dict[str, tuple[Messages, Mapping[str, Any]]] = {}
        """What was said up to a response, and the response; the oldest first."""

    async def serve(self, path: str, request: HttpRequestData) -> Answer:
        """Answer a request; `path` is the part of the address below our own."""
        try:
            answer = await self._route([part for part in path.split("/") if part], request)
        except Refused as error:
            answer = json_response(error.body, error.status, error.headers)
        except BindingError as error:
            refused = _refusal(error)
            answer = json_response(refused.body, refused.status, refused.headers)
        # Clients show it, of answers as of refusals (`_request_id` of OpenAI's).
        headers = (*answer.headers, ("x-request-id", self._host.random_id()))
        if isinstance(answer, StreamedResponse):
            return StreamedResponse(answer.chunks, answer.status, headers)
        return HttpResponseData(answer.status, headers, answer.body)

    async def _route(self, parts: list[str], request: HttpRequestData) -> Answer:
        azure, deployment = False, ""
        match parts:
            case ["openai", "deployments", name, *rest] if rest:
                azure, deployment = True, name
            case ["openai", "v1", *rest]:
                azure = True
            case ["openai", *rest] | ["v1", *rest]:
                azure = parts[0] == "openai"
            case _:
                rest = parts
        match rest, request.method:
            case ["chat", "completions"], "POST":
                return await self._chat(request, deployment, azure=azure)
            case ["responses"], "POST":
                return await self._respond(request)
            case ["responses", name], method:
                return self._response(name, method)
            case ["completions"], "POST":
                return await self._complete(request, deployment)
            case ["embeddings"], "POST":
                return await self._embed(request, deployment)
            case ["models" | "deployments"], "GET":
                return json_response({"object": "list", "data": self._model_list()})
            case ["models" | "deployments", name], "GET":
                return json_response(_model(name))
            case ["faults"], method:
                return self._faults(method, request)
            case [], "GET":
                return json_response({"serves": _SERVED, "by": "funcemu"})
        if rest in (
            ["chat", "completions"],
            ["responses"],
            ["completions"],
            ["embeddings"],
            ["models"],
        ):
            raise Refused(405, f"Not allowed to {request.method} on /{'/'.join(parts)}.")
        raise Refused(
            404,
            f"The local host does not serve /{'/'.join(parts)}; it serves {_SERVED}.",
            code="not_found",
        )

    async def _chat(self, request: HttpRequestData, deployment: str, *, azure: bool) -> Answer:
        asked = read_chat(read_body(request), request, deployment)
        reply, effect = await self._ask(asked.request)
        answering = Answering(
            f"chatcmpl-{self._host.random_id()}",
            int(self._host.clock.now().timestamp()),
            asked.request.model,
            azure=azure,
            choices=asked.choices,
        )
        headers = {**_told(reply), **effect.headers}
        if asked.stream:
            parts = completion_parts(reply, answering, usage=asked.usage_in_stream)
            return self._stream(parts, effect, headers)
        await self._arrive(reply, effect)
        return json_response(completion_form(reply, answering), headers=headers)

    async def _respond(self, request: HttpRequestData) -> Answer:
        def messages(identity: str) -> Messages | None:
            return self._kept[identity][0] if identity in self._kept else None

        asked = read_response(read_body(request), request, messages, self._warn)
        reply, effect = await self._ask(asked.request)
        answering = Answering(
            f"resp_{self._host.random_id().replace('-', '')}",
            int(self._host.clock.now().timestamp()),
            asked.request.model,
        )
        whole = response_form(reply, answering, asked)
        if asked.keep:
            self._kept[answering.identity] = gone_on(asked, reply), whole
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        headers = {**_told(reply), **effect.headers}
        if asked.stream:
            parts = response_events(reply, answering, asked)
            return self._stream(parts, effect, headers, named=True)
        await self._arrive(reply, effect)
        return json_response(whole, headers=headers)

    def _response(self, name: str, method: str) -> Answer:
        """Show or forget a response that is kept."""
        if name not in self._kept:
            raise Refused(404, f"Response with id '{name}' not found.", param="response_id")
        match method:
            case "GET":
                return json_response(self._kept[name][1])
            case "DELETE":
                del self._kept[name]
                return json_response({"id": name, "object": "response", "deleted": True})
        raise Refused(405, f"Not allowed to {method} on a response.")

    async def _complete(self, request: HttpRequestData, deployment: str) -> Answer:
        asked = read_prompts(read_body(request), request, deployment)
        answers = [await self._ask(each.request) for each in asked]
        replies, effect = [reply for reply, _ in answers], answers[0][1]
        answering = Answering(
            f"cmpl-{self._host.random_id()}",
            int(self._host.clock.now().timestamp()),
            asked[0].request.model,
        )
        headers = {**_told(replies[0]), **effect.headers}
        if asked[0].stream:
            return self._stream(text_parts(replies, answering), effect, headers)
        await self._arrive(replies[0], effect)
        return json_response(text_form(replies, answering), headers=headers)

    async def _embed(self, request: HttpRequestData, deployment: str) -> Answer:
        body = read_body(request)
        texts, single = read_texts(body)
        dimensions = body.get("dimensions")
        if dimensions is not None and (
            not isinstance(dimensions, int)
            or isinstance(dimensions, bool)
            or not 1 <= dimensions <= _MOST_DIMENSIONS
        ):
            raise Refused(400, "Invalid value for 'dimensions'.", param="dimensions")
        asked = EmbeddingRequest(
            texts, model_of(body, deployment), dimensions, single=single, tell=self._warn
        )
        backend = self._models.embeddings(self._host.settings, "")
        reply = await self._models.seen.embed(backend, asked, call=None)
        as_text = body.get("encoding_format") == "base64"
        return json_response(
            {
                "object": "list",
                "data": [
                    {
                        "object": "embedding",
                        "index": index,
                        "embedding": to_base64(vector) if as_text else vector.tolist(),
                    }
                    for index, vector in enumerate(reply.vectors)
                ],
                "model": reply.model,
                "usage": {
                    name: count
                    for name, count in usage_form(reply.usage).items()
                    if name != "completion_tokens"
                },
            }
        )

    async def _ask(self, request: ChatRequest) -> tuple[ChatReply, Effect]:
        """Ask the model; trouble reaches the client, which tries again itself."""
        backend = self._models.backend(self._host.settings, "")
        once = _Once(backend, self._host)
        try:
            reply = await self._models.seen.chat(once, replace(request, tell=self._warn), call=None)
        except ServiceError as error:
            raise _service_refusal(error, once.effect) from error
        return _with_call_ids(reply, self._host.random_id), once.effect

    async def _arrive(self, reply: ChatReply, effect: Effect) -> None:
        """Let a whole answer take its time, or break off."""
        if effect.cut_after is not None:
            raise ConnectionAbortedError(f"as {effect.cut_by} asks")
        if effect.tokens_per_second:
            await self._host.clock.sleep(reply.usage.completion / effect.tokens_per_second)

    def _stream(
        self,
        parts: Iterator[dict[str, Any]],
        effect: Effect,
        headers: Mapping[str, str],
        *,
        named: bool = False,
    ) -> StreamedResponse:
        return StreamedResponse(
            self._events(parts, effect, named=named), 200, (*_STREAM_HEADERS, *headers.items())
        )

    async def _events(
        self, parts: Iterator[dict[str, Any]], effect: Effect, *, named: bool
    ) -> AsyncIterator[bytes]:
        """Yield server-sent events, at the pace and as far as the effect allows. Those of one
        protocol have names, those of the other end with a word."""
        for count, part in enumerate(parts):
            if effect.cut_after is not None and count >= effect.cut_after:
                raise ConnectionAbortedError(f"as {effect.cut_by} asks")
            if effect.tokens_per_second and count:
                await self._host.clock.sleep(1 / effect.tokens_per_second)
            data = json.dumps(part, ensure_ascii=False, separators=(",", ":"))
            name = f"event: {part['type']}\n" if named else ""
            yield f"{name}data: {data}\n\n".encode()
            await asyncio.sleep(0)  # other requests are served between the parts
        if not named:
            yield b"data: [DONE]\n\n"

    def _model_list(self) -> list[dict[str, Any]]:
        settings = self._host.settings
        named = [
            settings.get(name)
            for name in ("CHAT_MODEL_DEPLOYMENT_NAME", "EMBEDDING_MODEL_DEPLOYMENT_NAME")
        ]
        names = [*named, DEFAULT_CHAT_MODEL, DEFAULT_EMBEDDINGS_MODEL]
        return [_model(name) for name in dict.fromkeys(names) if name]

    def _faults(self, method: str, request: HttpRequestData) -> Answer:
        plan = self._models.faults
        match method:
            case "GET":
                return json_response({"faults": [fault_form(fault) for fault in plan.added]})
            case "POST":
                if len(request.body) > _LONGEST_FAULTS:  # YAML takes long to read
                    raise Refused(413, f"Send at most {_LONGEST_FAULTS:,} bytes of faults.")
                faults = parse_faults(request.body.decode("utf-8", "replace"), "a test")
                plan.add(*faults)
                return json_response({"added": len(faults)}, 201)
            case "DELETE":
                plan.clear()
                return HttpResponseData(204)
        raise Refused(405, "Faults are added by POST, listed by GET and cleared by DELETE.")

    def _warn(self, text: str) -> None:
        self._host.log("Warning", LOG_CATEGORY, text)


class _Once:
    """One attempt at a model with its trouble of the moment."""

    def __init__(self, backend: FaultyBackend, host: HostServices) -> None:
        self.name = backend.name
        self.effect = Effect()
        self._backend = backend
        self._host = host

    async def chat(self, request: ChatRequest) -> ChatReply:
        self.effect = effect = self._backend.effect(request)
        if effect.latency:
            await self._host.clock.sleep(effect.latency)
        if effect.error is not None:
            raise effect.error
        reply = effect.spoiled(await self._backend.inner.chat(request))
        return replace(reply, served_by=reply.served_by or self.name)

    async def aclose(self) -> None:
        """It belongs to others."""


def _service_refusal(error: ServiceError, effect: Effect) -> Refused:
    """Pass a refusal on. What was tried again here already is not to be tried again."""
    headers = dict(effect.headers)
    if error.retry_after is not None:
        headers["retry-after"] = str(math.ceil(error.retry_after))
        headers["retry-after-ms"] = str(math.ceil(error.retry_after * 1000))
    if error is not effect.error:
        headers |= _FINAL
    return Refused(
        error.status or 502,
        error.message,
        code=error.reason or ("model_service_unreachable" if error.status is None else ""),
        param=error.parameter,
        kind=_KINDS.get(error.status or 502, "invalid_request_error"),
        headers=headers,
    )


def _refusal(error: BindingError) -> Refused:
    message = error.message if error.hint is None else f"{error.message} {error.hint}"
    return Refused(400, message, code=error.code, headers=_FINAL)


def _told(reply: ChatReply) -> dict[str, str]:
    """Return the headers that say who answered."""
    headers = {"x-funcemu-backend": reply.served_by} if reply.served_by else {}
    if reply.drift:
        told = ", ".join(reply.drift).encode("ascii", "replace").decode()
        headers["x-funcemu-drift"] = told[:_LONGEST_HEADER]
    return headers


def _with_call_ids(reply: ChatReply, new_id: Callable[[], str]) -> ChatReply:
    """Give calls without an id one of their own."""
    if all(call.id for call in reply.tool_calls):
        return reply
    calls = (
        call if call.id else replace(call, id=f"call_{new_id().replace('-', '')[:24]}")
        for call in reply.tool_calls
    )
    return replace(reply, tool_calls=tuple(calls))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "funcemu"}
