"""What an app declares, before anything runs. Equal models compare equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from emulator.model.problem import SourceSpan


class Direction(StrEnum):
    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class BindingModel:
    """One entry of a function's `bindings`; `properties` keeps every key as written."""

    name: str
    type: str
    direction: Direction
    data_type: Literal["string", "binary", "stream"] | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_trigger(self) -> bool:
        return self.direction is Direction.IN and self.type.lower().endswith("trigger")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`max_retries` -1 means for ever; delays are seconds."""

    strategy: Literal["fixedDelay", "exponentialBackoff"]
    max_retries: int
    delay: float = 0.0
    minimum: float = 0.0
    maximum: float = 0.0


@dataclass(frozen=True, slots=True)
class FunctionModel:
    """One function of the app.

    `directory` is the folder `Context.function_directory` shows; `script_file` is relative to it
    in the folder model (v1) and to the app root in the decorator model (v2).
    """

    name: str
    bindings: tuple[BindingModel, ...]
    directory: Path
    script_file: str
    entry_point: str
    programming_model: Literal["v1", "v2"]
    language: str = "python"
    disabled: bool = False
    retry: RetryPolicy | None = None
    source: SourceSpan | None = None
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trigger(self) -> BindingModel:
        return next(binding for binding in self.bindings if binding.is_trigger)


@dataclass(frozen=True, slots=True)
class AppModel:
    """The app as understood: its folder and its sound functions, sorted by name.

    `excluded` are sound too, but left out by an allow list: listed, never loaded.
    """

    root: Path
    functions: tuple[FunctionModel, ...] = ()
    excluded: tuple[FunctionModel, ...] = ()

    def function(self, name: str) -> FunctionModel | None:
        wanted = name.lower()
        return next((f for f in self.functions if f.name.lower() == wanted), None)
