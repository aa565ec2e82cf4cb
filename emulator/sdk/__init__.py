"""The one door for binding packages: everything a binding may import from the emulator."""

from emulator.clock import Clock
from emulator.errors import BindingError, EmulatorError, FunctionFailed, InvocationError
from emulator.events import Level
from emulator.model import (
    NONE,
    AppModel,
    BindingModel,
    Datum,
    Direction,
    FunctionError,
    FunctionModel,
    HttpRequestData,
    HttpResponseData,
    InvocationResult,
)
from emulator.sdk.binding import (
    MANUAL_REASON,
    Binding,
    Call,
    Deviation,
    Fire,
    Fired,
    Input,
    Output,
    Route,
    Trigger,
)
from emulator.sdk.commands import CommandServices
from emulator.sdk.convert import items, json_datum, to_json, to_text
from emulator.sdk.extension import Extension, Finding
from emulator.sdk.options import NoOptions, Options, Resolved, SettingText
from emulator.sdk.services import CallLog, Database, HostServices, Services, SettingsView
from emulator.sdk.serving import StreamedResponse, WorkerEnvironment
from emulator.sdk.showing import harmless, harmless_json
from emulator.sdk.templates import Template
from emulator.secrets import secret_texts, spellings

__all__ = [
    "MANUAL_REASON",
    "NONE",
    "AppModel",
    "Binding",
    "BindingError",
    "BindingModel",
    "Call",
    "CallLog",
    "Clock",
    "CommandServices",
    "Database",
    "Datum",
    "Deviation",
    "Direction",
    "EmulatorError",
    "Extension",
    "Finding",
    "Fire",
    "Fired",
    "FunctionError",
    "FunctionFailed",
    "FunctionModel",
    "HostServices",
    "HttpRequestData",
    "HttpResponseData",
    "Input",
    "InvocationError",
    "InvocationResult",
    "Level",
    "NoOptions",
    "Options",
    "Output",
    "Resolved",
    "Route",
    "Services",
    "SettingText",
    "SettingsView",
    "StreamedResponse",
    "Template",
    "Trigger",
    "WorkerEnvironment",
    "harmless",
    "harmless_json",
    "items",
    "json_datum",
    "secret_texts",
    "spellings",
    "to_json",
    "to_text",
]
