"""One loaded function: its arguments from a message, its answer as a message."""

from __future__ import annotations

import inspect
import threading
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .context import Context, new_out
from .convert import Blobs, decoder, encode, raw_value
from .extensions import CONTEXT
from .sdk import Sdk
from .signature import Bound, Signature
from .wire import Header, Message

Outs = List[Tuple[Bound, Any]]


class Arguments(NamedTuple):
    keywords: Dict[str, Any]
    outs: Outs


class Function:
    """A function that can be called."""

    def __init__(
        self,
        name: str,
        directory: str,
        call: Any,
        signature: Signature,
        *,
        sdk: Sdk,
        streams: bool = False,
        extended: bool = False,
    ) -> None:
        """Prepare `call`; `streams` leaves request and response to a web framework, `extended`
        gives the context to what we have put around it."""
        self.name = name
        self.directory = directory
        self.call = call
        self.is_async = inspect.iscoroutinefunction(call)
        self._signature = signature
        self._extended = extended
        self._sdk = sdk
        self._outs = [each for each in signature.parameters if each.out]
        self._delivered = frozenset(each.name for each in self._outs if each.delivers)
        self._decoders = {
            each.name: decoder(each, sdk) for each in signature.parameters if not each.out
        }
        self.request_name: Optional[str] = None
        """Name of the parameter that gets the framework's request."""
        if streams:
            for each in signature.parameters:
                if each.type == "httpTrigger" and not each.out:
                    self.request_name = each.name
                    self._decoders[each.name] = lambda packed, blobs, metadata: None
        kind = signature.return_type or signature.implicit_type
        self._encoded_as = kind
        self._encode_raw = kind is not None and sdk.converter(kind) is None

    def arguments(self, header: Header, blobs: Blobs, local: threading.local) -> Arguments:
        inputs: Dict[str, Any] = header["in"]
        metadata: Dict[str, Any] = header.get("meta") or {}
        keywords: Dict[str, Any] = {}
        delivered: Dict[str, Any] = {}
        decoders = self._decoders
        for name, packed in inputs.items():
            if name in self._delivered:
                delivered[name] = raw_value(packed, blobs)
            else:
                keywords[name] = decoders[name](packed, blobs, metadata)
        if len(keywords) < len(decoders):
            for name in decoders:
                keywords.setdefault(name, None)
        outs: Outs = []
        for each in self._outs:
            out = new_out(delivered.get(each.name), annotated=each.python_type is not None)
            outs.append((each, out))
            keywords[each.name] = out
        if self._signature.needs_context:
            keywords["context"] = Context(self.name, self.directory, header, local)
        if self._extended:
            own = keywords["context"] if self._signature.needs_context else None
            keywords[CONTEXT] = own or Context(self.name, self.directory, header, local)
        return Arguments(keywords, outs)

    def answer(self, call_id: str, value: Any, outs: Outs) -> Message:
        """Encode what the function returned and set; raises when it does not fit the bindings."""
        header, blobs = self.outputs(call_id, outs)
        if self._encoded_as is None:
            if value is not None:
                raise RuntimeError(
                    f"function {self.name!r} without a $return bindingreturned a non-None value"
                )
            return header, blobs
        packed = encode(
            value,
            self._encoded_as,
            self._encode_raw,
            self._signature.return_python_type,
            self._sdk,
            blobs,
        )
        if packed[0] != "none":
            header["value"] = packed
        return header, blobs

    def outputs(self, call_id: str, outs: Outs) -> Tuple[Header, List[bytes]]:
        """Encode what the function set; the start of an answer."""
        blobs: List[bytes] = []
        outputs: Dict[str, Any] = {}
        for each, out in outs:
            value = out.get() if out.is_set else None
            if value is None:
                continue
            packed = encode(value, each.type, each.raw, each.python_type, self._sdk, blobs)
            if packed[0] != "none":
                outputs[each.name] = packed
        header: Header = {"kind": "result", "id": call_id}
        if outputs:
            header["out"] = outputs
        return header, blobs
