"""Does a function fit its bindings? The rules and the wording of Azure's worker.

Azure's newer worker (Python 3.13 and later) words some of them differently for the decorator model.
"""

from __future__ import annotations

import collections.abc
import inspect
import sys
import types
import typing
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Tuple

from .sdk import CLASSIC, Sdk

RETURN = "$return"
CONTEXT = "context"
_DATA_TYPES = {"string": 1, "binary": 2, "stream": 3}
_RAW = (str, bytes)
_LIST_ALIAS: Any = getattr(types, "GenericAlias", ())
_TYPING_ALIAS: Any = type(List[str])


class FunctionLoadError(RuntimeError):
    """A function that does not fit its bindings."""

    def __init__(self, function: str, text: str) -> None:
        super().__init__(f"cannot load the {function} function: {text}")


class Bound(NamedTuple):
    """One binding and the parameter it feeds or is fed by.

    `raw` means its data stay as they are: no converter of the SDK has a say. `out` means the
    parameter is an `Out` object, `delivers` that there is a value for it before the call.
    """

    name: str
    type: str
    raw: bool
    out: bool
    delivers: bool
    python_type: Any


class Signature(NamedTuple):
    parameters: Tuple[Bound, ...]
    needs_context: bool
    return_type: Optional[str]
    """Type of the `$return` binding."""
    return_raw: bool
    return_python_type: Any
    implicit_type: Optional[str]
    """Type which encodes a value returned without `$return`."""


def read_signature(
    name: str,
    call: Any,
    bindings: List[Dict[str, Any]],
    *,
    sdk: Sdk,
    decorated: bool,
    injected: FrozenSet[str] = frozenset(),
    web: Any = None,
) -> Signature:
    """Check `call` against its bindings and return how to call it.

    `web` is what web extensions share, when HTTP bodies are streams: then theirs are the types of
    requests and responses.
    """
    return _Reader(name, call, bindings, sdk, decorated, injected, web).read()


class _Reader:
    def __init__(
        self,
        name: str,
        call: Any,
        bindings: List[Dict[str, Any]],
        sdk: Sdk,
        decorated: bool,
        injected: FrozenSet[str],
        web: Any,
    ) -> None:
        self.name = name
        self.web = web
        self.sdk = sdk
        self.decorated = decorated
        self.injected = injected
        self.newer = decorated and not CLASSIC
        self.bindings = bindings
        self.parameters = dict(inspect.signature(call).parameters)
        self.hints = typing.get_type_hints(_hinted(call))

    def read(self) -> Signature:
        self._check_directions()
        by_name = {each["name"]: each for each in self.bindings}
        returned = by_name.pop(RETURN, None)
        needs_context = self._take_context(by_name)
        self._check_names(by_name)
        parameters = tuple(self._parameter(each, by_name[each]) for each in self.parameters)
        if returned is not None:
            self._check_return(returned)
        implicit = None
        for each in self.bindings:
            if self.sdk.has_implicit_output(each["type"]):
                implicit = each["type"]
        return Signature(
            parameters,
            needs_context,
            returned["type"] if returned is not None else None,
            returned is not None and self.sdk.converter(returned["type"]) is None,
            self.hints.get("return"),
            implicit,
        )

    def _fail(self, text: str) -> FunctionLoadError:
        return FunctionLoadError(self.name, text)

    def _check_directions(self) -> None:
        for each in self.bindings:
            if each["direction"] == "inout":
                raise self._fail('"inout" bindings are not supported')
            if each["name"] == RETURN and each["direction"] != "out":
                raise self._fail('"$return" binding must have direction set to "out"')

    def _take_context(self, by_name: Dict[str, Any]) -> bool:
        if CONTEXT not in self.parameters or CONTEXT in by_name:
            return False
        del self.parameters[CONTEXT]
        hint = self.hints.get(CONTEXT)
        if CONTEXT in self.hints and not (isinstance(hint, type) and hint.__name__ == "Context"):
            shown = f'"{hint!r}"' if self.newer else repr(hint)
            raise self._fail(
                'the "context" parameter is expected to be of type azure.functions.Context,'
                f" got {shown}"
            )
        return True

    def _check_names(self, by_name: Dict[str, Any]) -> None:
        unbound = set(self.parameters) - set(by_name)
        if unbound:
            where = (
                "the function definition (function.json or function decorators): "
                if self.newer
                else "function.json:"
            )
            raise self._fail(
                f"the following parameters are declared in Python but not in {where} {unbound!r}"
            )
        missing = set(by_name) - set(self.parameters)
        if missing and self.newer:
            raise self._fail(
                "Extra parameters in binding definition — the following parameters are"
                f" declared as bindings but are not present in Python: {missing!r}"
            )
        if missing:
            raise self._fail(
                "the following parameters are declared in function.json but not in Python:"
                f" {missing!r}"
            )

    def _parameter(self, name: str, binding: Dict[str, Any]) -> Bound:
        kind = binding["type"]
        out = binding["direction"] == "out"
        delivers = not out or name in self.injected
        if name not in self.hints:
            return Bound(name, kind, self.sdk.converter(kind) is None, out, delivers, None)
        hint = self.hints[name]
        says_out, python_type = self._unwrapped(name, hint)
        if out and not says_out and name in self.injected and python_type in _RAW:
            return Bound(name, kind, True, False, True, python_type)
        if out and not says_out:
            raise self._fail(
                f'binding {name} is declared to have the "out" direction, but its annotation in'
                " Python is not a subclass of azure.functions.Out"
            )
        if says_out and not out:
            where = "the binding decorator" if self.newer else "function.json"
            raise self._fail(
                f'binding {name} is declared to have the "in" direction in {where}, but its'
                " annotation is azure.functions.Out in Python"
            )
        raw = self._is_raw(kind, python_type)
        if _is_sdk_type(python_type):
            raise self._fail(
                f"binding {name} wants a {_name_of(python_type)}; clients and other SDK types of"
                " azurefunctions.extensions.bindings exist on Azure only"
            )
        if not self._accepts(kind, python_type, raw=raw, out=out):
            raise self._fail(self._mismatch(name, binding, python_type))
        return Bound(name, kind, raw, out, delivers, python_type)

    def _unwrapped(self, name: str, hint: Any) -> Tuple[bool, Any]:
        """Return whether the annotation is an `Out`, and of what."""
        if isinstance(hint, type) and not isinstance(hint, _LIST_ALIAS):
            if issubclass(hint, self.sdk.out_class):
                raise self._fail(f"binding {name} has invalid Out annotation {hint!r}")
            return False, hint
        says_out = _is_alias(hint) and _is_class_of(typing.get_origin(hint), self.sdk.out_class)
        python_type = typing.get_args(hint)[0] if says_out else hint
        if not _is_type(python_type):
            raise self._fail(f"binding {name} has invalid non-type annotation {hint!r}")
        return says_out, python_type

    def _is_raw(self, kind: str, python_type: Any) -> bool:
        if self.sdk.converter(kind) is None:
            return True
        return python_type in _RAW and not self.sdk.has_implicit_output(kind)

    def _accepts(self, kind: str, python_type: Any, *, raw: bool, out: bool) -> bool:
        if self.web is not None and not raw and kind in ("httpTrigger", "http"):
            tracker = self.web.ResponseTrackerMeta if out else self.web.RequestTrackerMeta
            return bool(tracker.check_type(python_type))
        if raw:
            return issubclass(python_type, (str, bytes, bytearray) if out else _RAW)
        converter = self.sdk.converter(kind)
        name = "check_output_type_annotation" if out else "check_input_type_annotation"
        check = getattr(converter, name, None)
        return check is not None and bool(check(python_type))

    def _mismatch(self, name: str, binding: Dict[str, Any], python_type: Any) -> str:
        kind = binding["type"]
        number = _DATA_TYPES.get(str(binding.get("data_type")).lower())
        shown = _name_of(python_type)
        if self.newer:
            return (
                f'binding type "{name!r}" and dataType "{kind}" in the binding decorator do not'
                f" match the corresponding function parameter's Python type annotation {shown}"
            )
        if number is not None or self.decorated:
            return (
                f'{name!r} binding type "{kind}" and dataType "{number}" in function.json do not'
                f' match the corresponding function parameter\'s Python type annotation "{shown}"'
            )
        return (
            f'type of {name} binding in function.json "{kind}" does not match its Python'
            f' annotation "{shown}"'
        )

    def _check_return(self, binding: Dict[str, Any]) -> None:
        if "return" not in self.hints:
            return
        hint = self.hints["return"]
        if _is_alias(hint) and _is_class_of(typing.get_origin(hint), self.sdk.out_class):
            raise self._fail("return annotation should not be azure.functions.Out")
        if not isinstance(hint, type) or isinstance(hint, _LIST_ALIAS):
            raise self._fail(f"has invalid non-type return annotation {hint!r}")
        raw = self.sdk.converter(binding["type"]) is None
        if not self._accepts(binding["type"], hint, raw=raw, out=True):
            raise self._fail(
                f'Python return annotation "{hint.__name__}" does not match binding type'
                f' "{binding["type"]}"'
            )


def _name_of(python_type: Any) -> str:
    return getattr(python_type, "__name__", None) or repr(python_type)


def _is_sdk_type(python_type: Any) -> bool:
    """Say whether a package of Azure's makes such objects from what the host tells it."""
    base = getattr(sys.modules.get("azurefunctions.extensions.base"), "SdkType", None)
    wanted = [python_type, *typing.get_args(python_type)]
    return base is not None and any(
        isinstance(each, type) and issubclass(each, base) for each in wanted
    )


def _hinted(call: Any) -> Any:
    """Return what carries the annotations of any callable."""
    if inspect.isroutine(call) or inspect.isclass(call) or hasattr(call, "__annotations__"):
        return call
    return getattr(call, "__call__", call)  # noqa: B004 - the method, not whether there is one


def _is_alias(hint: Any) -> bool:
    if not isinstance(hint, _TYPING_ALIAS):
        return False
    origin = typing.get_origin(hint)
    return origin not in (typing.Union, tuple, typing.ClassVar, collections.abc.Callable)


def _is_type(hint: Any) -> bool:
    return (isinstance(hint, type) and not isinstance(hint, _LIST_ALIAS)) or _is_alias(hint)


def _is_class_of(origin: Any, base: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, base)
