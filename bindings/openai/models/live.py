"""OpenAI and Azure OpenAI through the OpenAI SDK, tolerant of servers that only look like them."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from bindings.openai.identity import refused
from bindings.openai.models.base import ChatReply, ChatRequest
from bindings.openai.models.replies import (
    TEXT_CALLS_SETTING,
    calls_in_text,
    offered_names,
    read_reply,
)
from bindings.openai.models.retrying import RetryPolicy, ServiceError, retry_after, with_retries
from bindings.openai.patience import MODEL_TIMEOUT
from emulator.sdk import BindingError, Clock

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from openai import APIStatusError, AsyncOpenAI

    from bindings.openai.connections import ModelConnection

API_VERSION = "2024-10-21"
TOKEN_SCOPE = "https://cognitiveservices.azure.com/.default"
LONGEST_ANSWER = 100_000_000
"""Bytes; two thousand embeddings of the longest kind have some 30 million."""

_UNSUPPORTED = re.compile(r"[Uu]nsupported|not supported|[Uu]nrecognized")
_PARAMETER = re.compile(
    r"['\"](max_tokens|max_completion_tokens|temperature|top_p|reasoning_effort)['\"]"
)
_ENCODINGS = ("gzip",)
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "record layer failure")
_TOOL_FLAGS = ("--enable-auto-tool-choice", "--tool-call-parser", "--jinja")
_OTHER_LIMIT = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


class LiveBackend:
    """One service with one credential. The SDK is imported with the first request.

    `sign_in` gives the credential of a connection without key; whoever made it closes it.
    """

    def __init__(
        self,
        connection: ModelConnection,
        *,
        policy: RetryPolicy,
        clock: Clock,
        sign_in: Callable[[], AsyncTokenCredential] | None = None,
        text_calls: bool = False,
    ) -> None:
        self.name: str = connection.service
        self._connection = connection
        self._policy = policy
        self._clock = clock
        self._sign_in = sign_in
        self._text_calls = text_calls
        self._told_text_calls = False
        self._client: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()
        self._renamed: dict[str, dict[str, str]] = {}
        """By model: parameters it refused, and what to send instead (empty: nothing)."""

    async def chat(self, request: ChatRequest) -> ChatReply:
        body = self._body(request)
        while True:
            adapted = self._adapted(request.model, body)
            try:
                answer = await self.post("/chat/completions", adapted, tell=request.tell)
            except ServiceError as error:
                if self._learn(request.model, adapted, error):
                    continue
                raise
            try:
                reply = read_reply(answer, request, text_calls=self._text_calls)
            except ServiceError as error:
                error.hint = self._address_advice()
                raise
            self._tell_text_calls(reply, request)
            return reply

    async def post(self, path: str, body: Mapping[str, Any], *, tell: Callable[[str], None]) -> Any:
        """Send a request, with retries; return the parsed answer."""
        await self._open()

        async def attempt() -> Any:
            client = await self._open()
            try:
                # The client bounds each read only, and an answer may come in drops for ever.
                async with asyncio.timeout(self._policy.timeout):
                    answer = await client.post(path, cast_to=object, body=dict(body))
                return _parsed(answer) if isinstance(answer, str) else answer
            except Exception as error:  # translated at this border, once
                raise self._translated(error) from error

        try:
            return await with_retries(attempt, policy=self._policy, clock=self._clock, tell=tell)
        except ServiceError as error:
            if not self._lacks_version(error):
                raise
            return await with_retries(attempt, policy=self._policy, clock=self._clock, tell=tell)

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _lacks_version(self, error: ServiceError) -> bool:
        """Whether the address may be wrong for want of `/v1`; it is added then, once.

        Local servers are often named without it; a service that knows the path but not the model
        answers 404 with a reason.
        """
        client, endpoint = self._client, self._connection.endpoint
        if (
            client is None
            or error.status != 404
            or error.reason
            or self._connection.service != "openai"
        ):
            return False
        if endpoint.endswith("/v1") or str(client.base_url).rstrip("/") != endpoint:
            return False
        client.base_url = f"{endpoint}/v1/"
        return True

    def _tell_text_calls(self, reply: ChatReply, request: ChatRequest) -> None:
        if self._text_calls or self._told_text_calls or reply.tool_calls:
            return
        calls = calls_in_text(reply.content, offered_names(request))
        if calls:
            self._told_text_calls = True
            request.tell(
                f"The model wrote a call of '{calls[0].name}' as text, which is not run. Set "
                f"{TEXT_CALLS_SETTING}=true to have such texts read as calls."
            )

    async def _open(self) -> AsyncOpenAI:
        async with self._opening:
            if self._client is None:
                # The import takes most of a second: other calls go on meanwhile.
                await asyncio.to_thread(__import__, "openai")
                if not self._connection.key:
                    await asyncio.to_thread(__import__, "azure.identity.aio")
                self._client = self._make_client()
            return self._client

    def _make_client(self) -> AsyncOpenAI:
        from openai import AsyncAzureOpenAI, AsyncOpenAI, Omit  # here for start-up cost

        connection = self._connection
        common: dict[str, Any] = {
            "max_retries": 0,
            "timeout": self._policy.timeout,
            "http_client": _http_client(),
        }
        if connection.service == "openai":
            return AsyncOpenAI(api_key=connection.key, base_url=connection.endpoint, **common)
        if connection.key:
            return AsyncAzureOpenAI(
                azure_endpoint=connection.endpoint,
                api_key=connection.key,
                api_version=API_VERSION,
                **common,
                # Before 3.0 the SDK sends the key in this header as well.
                default_headers=cast(Any, {"Authorization": Omit()}),
            )
        return AsyncAzureOpenAI(
            azure_endpoint=connection.endpoint,
            azure_ad_token_provider=self._token_provider(),
            api_version=API_VERSION,
            **common,
        )

    def _token_provider(self) -> Any:
        """Return what the client asks for a token before each request; it is renewed in time."""
        from azure.identity.aio import get_bearer_token_provider  # here for start-up cost

        if self._sign_in is None:
            raise BindingError(f"There is neither a key nor an identity for {self.name}.")
        return get_bearer_token_provider(self._sign_in(), TOKEN_SCOPE)

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        limit = "max_completion_tokens" if self._connection.service == "openai" else "max_tokens"
        body: dict[str, Any] = {"model": request.model, "messages": list(request.messages)}
        for name, value in (
            ("temperature", request.temperature),
            ("top_p", request.top_p),
            (limit, request.max_tokens),
            ("reasoning_effort", request.reasoning_effort),
        ):
            if value is not None:
                body[name] = value
        if request.tools:
            body["tools"] = list(request.tools)
        body.update(request.extra)
        return body

    def _adapted(self, model: str, body: Mapping[str, Any]) -> dict[str, Any]:
        renamed = self._renamed.get(model, {})
        adapted = {}
        for name, value in body.items():
            name = renamed.get(name, name)
            if name:
                adapted[name] = value
        return adapted

    def _learn(self, model: str, sent: Mapping[str, Any], error: ServiceError) -> bool:
        """Take note of a parameter the model refuses; say whether to try without it."""
        if error.status != 400:
            return False
        if not _UNSUPPORTED.search(f"{error.reason} {error.message}"):
            return False
        named = _PARAMETER.search(error.message)
        parameter = error.parameter or (named[1] if named else "")
        renamed = self._renamed.setdefault(model, {})
        if parameter not in sent or parameter in renamed:
            return False
        if parameter in renamed.values():  # neither name is taken: send none
            renamed[_OTHER_LIMIT[parameter]] = ""
            return True
        if parameter not in {*_OTHER_LIMIT, "temperature", "top_p", "reasoning_effort"}:
            return False
        renamed[parameter] = _OTHER_LIMIT.get(parameter, "")
        return True

    def _translated(self, error: Exception) -> BindingError:
        import openai  # here for start-up cost

        where = self._connection.endpoint
        if isinstance(error, (openai.APITimeoutError, TimeoutError)):
            return ServiceError(
                f"The model service at {where} did not answer in {self._policy.timeout:g} s.",
                hint=f"Check {self._setting} and the service, or raise {MODEL_TIMEOUT}.",
            )
        if isinstance(error, (openai.APIConnectionError, _TooLong)):
            return self._unreached(error.__cause__ or error)
        if isinstance(error, openai.APIStatusError):
            return self._refusal(error)
        if not self._connection.key:
            from azure.core.exceptions import ClientAuthenticationError  # here for start-up cost

            if isinstance(error, ClientAuthenticationError):
                who = self._connection.identity_source
                return refused(error, where=where, identity=who)
        if isinstance(error, ValueError):
            return ServiceError(
                f"The model service at {where} answered what is no JSON: {_stripped(error)}.",
                status=200,
                hint=self._address_advice(),
            )
        return BindingError(
            f"The model service at {where} cannot be used: {error}", code="model-service-failed"
        )

    @property
    def _setting(self) -> str:
        return self._connection.endpoint_source.split(",")[0]

    def _address_advice(self) -> str:
        return (
            f"Check that {self._setting}, {self._connection.endpoint}, is the address of an "
            "OpenAI-compatible service."
        )

    def _unreached(self, cause: BaseException) -> ServiceError:
        """Explain why there is no answer, or only a part of one."""
        where = f"The model service at {self._connection.endpoint}"
        if isinstance(cause, _TooLong):
            return ServiceError(
                f"{where} sent more than {LONGEST_ANSWER // 1_000_000} MB, which is not read.",
                status=200,
                hint=self._address_advice(),
            )
        reason = _stripped(cause) or f"the connection broke ({type(cause).__name__})"
        hint = f"Check {self._setting} and the network, or start with --models offline."
        if any(sign in reason for sign in _NO_TLS):
            hint = f"It does not speak TLS: begin {self._setting} with http://."
        if type(cause).__name__ == "ConnectError":  # of httpx or httpx2, as the SDK has it
            return ServiceError(f"{where} cannot be reached: {reason}.", hint=hint)
        return ServiceError(f"{where} did not answer properly: {reason}.", hint=hint)

    def _refusal(self, error: APIStatusError) -> ServiceError:
        body = error.body if isinstance(error.body, dict) else {}
        said = str(body.get("message") or _first_words(error.response.text) or error.message)
        reason = str(body.get("code") or "")
        status = error.status_code
        return ServiceError(
            f"The model service answered {status}: {said}",
            status=status,
            retry_after=retry_after(error.response.headers),
            reason=reason,
            parameter=str(body.get("param") or ""),
            hint=self._advice(status, reason, said),
        )

    def _advice(self, status: int, reason: str, said: str) -> str | None:
        connection = self._connection
        if status in {401, 403}:
            if not connection.key:
                return (
                    f"It was asked with {connection.identity_source}. That identity needs the "
                    "role 'Cognitive Services OpenAI User' there."
                )
            source = connection.key_source.split(",")[0]
            return f"Check {source}; it was refused by {connection.endpoint}."
        if status == 404:
            kind = "model" if connection.service == "openai" else "deployment"
            return f"Check that the {kind} named by 'chatModel' exists at {connection.endpoint}."
        if status in {400, 500} and any(flag in said for flag in _TOOL_FLAGS):
            return (
                "The server was started without tools. vLLM needs --enable-auto-tool-choice and "
                "--tool-call-parser, llama.cpp needs --jinja."
            )
        if reason == "context_length_exceeded":
            return (
                "The whole chat is sent each time. Set FUNCEMU_ASSISTANT_MAX_HISTORY to a number "
                "of messages, or create the assistant anew."
            )
        if 300 <= status < 400:
            return (
                f"Redirects are not followed, as on Azure: set {self._setting} to the address "
                "of the service itself."
            )
        if status == 429:
            return f"Wait a little, or raise the limits of {connection.endpoint}."
        if status >= 500:
            return (
                f"The trouble is on the side of {connection.endpoint} ({self._setting}); try "
                "again later, or start with --models offline."
            )
        return None


class _TooLong(Exception):
    """An answer nobody would want in memory."""


def _http_client() -> Any:
    """Return a client that does not follow redirects, which would take the key elsewhere, and
    does not read more than `LONGEST_ANSWER`."""
    from openai import DefaultAsyncHttpxClient  # here for start-up cost

    async def bound(response: Any) -> None:
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > LONGEST_ANSWER:
            raise _TooLong
        encoding = response.headers.pop("content-encoding", "identity").strip().lower()
        if encoding not in {"identity", *_ENCODINGS}:
            raise ValueError(f"it is encoded as {encoding[:40]!r}, which was not asked for")
        response.stream = _bounded(response.stream, packed=encoding in _ENCODINGS)

    return DefaultAsyncHttpxClient(
        follow_redirects=False,
        headers={"Accept-Encoding": ", ".join(_ENCODINGS)},
        event_hooks={"response": [bound]},
    )


def _bounded(stream: Any, *, packed: bool) -> Any:
    """Return the stream, unpacked here: a few bytes can unfold to more than any memory."""
    # The SDK's HTTP library is httpx, or httpx2 since 3.0; its streams know their kind.
    kind: Any = next(each for each in type(stream).__mro__ if each.__name__ == "AsyncByteStream")

    class Bounded(kind):  # type: ignore[misc]  # as above
        async def __aiter__(self) -> AsyncIterator[bytes]:
            read = 0
            unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # gzip
            async for part in stream:
                if packed:
                    part = _unpacked(unpacking, part, LONGEST_ANSWER - read + 1)
                read += len(part)
                if read > LONGEST_ANSWER:
                    raise _TooLong
                yield part

        async def aclose(self) -> None:
            await stream.aclose()

    return Bounded()


def _unpacked(unpacking: Any, part: bytes, most: int) -> bytes:
    try:
        unpacked: bytes = unpacking.decompress(part, most)
        return unpacked
    except zlib.error as error:
        raise ValueError(f"it is damaged ({error})") from error


def _first_words(text: str) -> str:
    """Return the beginning of an answer that is no JSON, such as a page of a gateway."""
    return " ".join(text.split())[:200]


def _parsed(text: str) -> Any:
    """Read an answer whose type is not that of JSON, which some servers forget to say."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _stripped(error: BaseException) -> str:
    return str(error).strip().rstrip(".")
