"""host.json, with what the settings override in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from emulator.config.jsonc import Document, read
from emulator.config.levels import LOG_LEVELS, LogLevel, parse_level
from emulator.config.overrides import overridden
from emulator.config.retry import parse_retry
from emulator.config.sections import Reader, Section
from emulator.config.settings import Settings
from emulator.config.suggest import did_you_mean
from emulator.config.timespan import format_timespan, parse_timespan
from emulator.errors import ConfigError
from emulator.model import Problem, RetryPolicy, Severity

FILE = "host.json"

_DEFAULT_TIMEOUT = 1800.0
_HEADER_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_LONGEST_TIMEOUT = "10675199.02:48:05.4775807"
_LINK = "https://aka.ms/functions-hostjson"

# The keys of version 2.0 that the official host carries over; it drops any other silently.
_KNOWN = (
    "version",
    "functionTimeout",
    "functions",
    "watchDirectories",
    "watchFiles",
    "fileWatchingEnabled",
    "retry",
    "extensions",
    "extensionBundle",
    "logging",
    "aggregator",
    "healthMonitor",
    "singleton",
    "managedDependency",
    "customHandler",
    "httpWorker",
    "concurrency",
    "sendCanceledInvocationsToWorker",
    "metadataProviderTimeout",
    "sequentialRestart",
    "telemetryMode",
    "isDefaultHostConfig",
    "tracing",
    "id",
)
_VERSION_1 = ("queues", "serviceBus", "eventHub", "http", "blobs", "eventHubs")
_KNOWN_HTTP = (
    "routePrefix",
    "maxOutstandingRequests",
    "maxConcurrentRequests",
    "dynamicThrottlesEnabled",
    "enableChunkedRequestBinding",
    "customHeaders",
    "hsts",
)


class HstsConfig(NamedTuple):
    """`extensions.http.hsts`; `max_age` is seconds."""

    enabled: bool = False
    max_age: float = 2_592_000.0
    include_subdomains: bool = False
    preload: bool = False
    excluded_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """`extensions.http`; a limit of -1 means none."""

    route_prefix: str = "api"
    max_outstanding_requests: int = -1
    max_concurrent_requests: int = -1
    dynamic_throttles_enabled: bool = False
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    hsts: HstsConfig = HstsConfig()


@dataclass(frozen=True, slots=True)
class HostConfig:
    """host.json as it counts. `function_timeout` is seconds, `None` for no limit.

    `functions` is the allow list, `None` when there is none. `extensions` and `raw` are the JSON
    with the overrides applied, for binding packages.
    """

    function_timeout: float | None = _DEFAULT_TIMEOUT
    functions: tuple[str, ...] | None = None
    watch_directories: tuple[str, ...] = ("node_modules",)
    watch_files: tuple[str, ...] = ("host.json", "function.json", "proxies.json")
    file_watching_enabled: bool = True
    retry: RetryPolicy | None = None
    http: HttpConfig = HttpConfig()
    log_levels: Mapping[str, LogLevel] = field(default_factory=dict)
    send_canceled_invocations: bool = True
    managed_dependencies: bool = False
    """Whether PowerShell's worker fetches what requirements.psd1 lists."""
    metadata_timeout: float = 30.0
    extensions: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)

    def level_for(self, category: str) -> LogLevel | None:
        """Return the level of the longest category that starts `category`, else of `default`.

        `None` means that host.json says nothing about it.
        """
        return self.own_level(category) or self.log_levels.get("default")

    def own_level(self, category: str) -> LogLevel | None:
        """Return the level of the longest category that starts `category`, without `default`."""
        wanted = category.lower()
        best = ""
        for each in self.log_levels:
            if len(each) > len(best) and wanted.startswith(each.lower()) and each != "default":
                best = each
        return self.log_levels.get(best) if best else None

    def extension(self, name: str) -> Mapping[str, Any]:
        """Return the section of one extension; its name is compared without case."""
        wanted = name.lower()
        found: Any = next(
            (self.extensions[key] for key in self.extensions if key.lower() == wanted), {}
        )
        return found if isinstance(found, Mapping) else {}


def load_host_config(root: Path, settings: Settings) -> tuple[HostConfig, list[Problem]]:
    """Read host.json; nothing is written when it is missing.

    A problem of severity error means that the official host would not start functions.
    """
    try:
        document = read(root / FILE, FILE)
        given = _object(document)
    except ConfigError as error:
        message = f"Unable to parse host configuration file '{root / FILE}'. {error.message}"
        return HostConfig(), [
            Problem("host-json-invalid", message, where=error.where, hint=error.hint)
        ]
    raw, origins = overridden(given, settings)
    reader = Reader(document, origins)
    config = _host_config(reader, raw)
    if document is None:
        reader.add(
            "host-json-missing",
            "There is no host.json; the defaults count",
            path=(),
            severity=Severity.INFO,
            hint='Add a file host.json with {"version": "2.0"}.',
            azure="The official tools neither start nor publish a folder without it.",
        )
    if given:  # an empty object counts as no file
        _check_version(reader, raw)
        _check_keys(reader, raw)
    return config, reader.problems


def _object(document: Document | None) -> dict[str, Any]:
    if document is None:
        return {}
    if not isinstance(document.value, dict):
        raise ConfigError(
            "It is not an object.", hint="It starts with '{'.", where=document.span(())
        )
    return document.value


def _host_config(reader: Reader, raw: dict[str, Any]) -> HostConfig:
    top = Section(reader, raw, ())
    default = HostConfig()
    extensions = top.section("extensions")
    functions = top.texts("functions", ())
    return HostConfig(
        function_timeout=_function_timeout(top),
        functions=functions if top.has("functions") else None,
        watch_directories=(*default.watch_directories, *top.texts("watchDirectories", ())),
        watch_files=top.texts("watchFiles", default.watch_files),
        file_watching_enabled=top.flag("fileWatchingEnabled", default=True),
        retry=_retry(top),
        http=_http(extensions.section("http")),
        log_levels=_log_levels(top.section("logging").section("logLevel")),
        send_canceled_invocations=top.flag("sendCanceledInvocationsToWorker", default=True),
        managed_dependencies=top.section("managedDependency").flag("enabled", default=False),
        metadata_timeout=top.timespan("metadataProviderTimeout", default.metadata_timeout),
        extensions=extensions.values,
        raw=raw,
    )


def _http(section: Section) -> HttpConfig:
    for key in section.values:
        if key.lower() not in {known.lower() for known in _KNOWN_HTTP}:
            section.warn(
                "host-json-unknown-key",
                f"'{key}' means nothing in extensions.http of host.json and is ignored",
                name=key,
                hint=did_you_mean(key, _KNOWN_HTTP) or f"Known: {', '.join(_KNOWN_HTTP)}.",
            )
    headers = section.section("customHeaders")
    prefix = section.text("routePrefix", "api")
    if prefix.endswith("/"):
        section.reader.add(
            "host-json-route-prefix",
            f"routePrefix is '{prefix}'; the '/' at its end is left out",
            path=(*section.path, "routePrefix"),
            severity=Severity.INFO,
            hint=f'Write "routePrefix": "{prefix.strip("/")}".',
            azure="Every route has an empty segment then, and the whole host fails to start.",
        )
    return HttpConfig(
        route_prefix=prefix.strip("/"),
        max_outstanding_requests=section.number("maxOutstandingRequests", -1),
        max_concurrent_requests=section.number("maxConcurrentRequests", -1),
        dynamic_throttles_enabled=section.flag("dynamicThrottlesEnabled", default=False),
        custom_headers=_custom_headers(headers),
        hsts=_hsts(section.section("hsts")),
    )


def _custom_headers(section: Section) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name in section.values:
        value = section.text(name, "")
        if not re.fullmatch(_HEADER_NAME, name):
            section.fail(
                "host-json-header", f"{ascii(name)} is not a name for an HTTP header", name=name
            )
        elif name.lower() in _FRAMING:
            section.fail(
                "host-json-header",
                f"The header '{name}' says where a body ends, which differs from answer to answer",
                name=name,
                hint="Leave it out: each answer has its own.",
            )
        elif not (value.isascii() and value.replace("\t", "").isprintable()):
            section.fail(
                "host-json-header",
                f"The value of the header '{name}' has characters that no header can hold",
                name=name,
                hint="Use letters, digits and signs of ASCII, and no line breaks.",
            )
        else:
            headers[name] = value
    return headers


def _hsts(section: Section) -> HstsConfig:
    default = HstsConfig()
    return HstsConfig(
        enabled=section.flag("isEnabled", default=default.enabled),
        max_age=section.timespan("maxAge", default.max_age),
        include_subdomains=section.flag("includeSubDomains", default=default.include_subdomains),
        preload=section.flag("preload", default=default.preload),
        excluded_hosts=section.texts("excludedHosts", default.excluded_hosts),
    )


def _function_timeout(top: Section) -> float | None:
    given = top.value("functionTimeout")
    if given is None or given == "":
        return _DEFAULT_TIMEOUT
    if str(given).strip() == "-1":
        return None
    try:
        seconds = parse_timespan(str(given))
    except ValueError as error:
        top.fail("host-json-function-timeout", f"functionTimeout: {error}", name="functionTimeout")
        return _DEFAULT_TIMEOUT
    if seconds < 1:
        top.fail(
            "host-json-function-timeout",
            f"FunctionTimeout must be greater than {format_timespan(1)} "
            f"and less than {_LONGEST_TIMEOUT}.",
            name="functionTimeout",
            hint='Write hh:mm:ss, or "-1" for no limit.',
        )
        return _DEFAULT_TIMEOUT
    return seconds


def _retry(top: Section) -> RetryPolicy | None:
    given = top.value("retry")
    if given is None:
        return None
    try:
        return parse_retry(given)
    except ConfigError as error:
        top.fail("host-json-retry", error.message, name="retry", hint=error.hint)
        return None


def _log_levels(section: Section) -> dict[str, LogLevel]:
    levels: dict[str, LogLevel] = {}
    for category, given in section.values.items():
        level = parse_level(given)
        if level is None:
            section.fail(
                "host-json-log-level",
                f"'{given}' is not a log level",
                name=category,
                hint=did_you_mean(str(given), LOG_LEVELS) or f"Use one of {', '.join(LOG_LEVELS)}.",
            )
        else:
            levels["default" if category.lower() == "default" else category] = level
    return levels


def _check_version(reader: Reader, raw: dict[str, Any]) -> None:
    top = Section(reader, raw, ())
    version = top.value("version")
    if version is None:
        reader.add(
            "host-json-version-missing",
            "The host.json file is missing the required 'version' property. "
            f"See {_LINK} for steps to migrate the configuration file.",
            path=(),
            hint='Add "version": "2.0".',
        )
    elif str(version) != "2.0":
        schema = (
            "This does not correspond to the function runtime version, only to the schema version "
            "of the host.json file. "
            if str(version).startswith("3")
            else ""
        )
        top.fail(
            "host-json-version-invalid",
            f"'{version}' is an invalid value for host.json 'version' property. We recommend you "
            f"set the 'version' property to '2.0'. {schema}"
            f"See {_LINK} for more information on this configuration file.",
            name="version",
            hint='Write "version": "2.0", a text.',
        )


def _check_keys(reader: Reader, raw: dict[str, Any]) -> None:
    known = {name.lower() for name in _KNOWN}
    old = {name.lower() for name in _VERSION_1}
    top = Section(reader, raw, ())
    for key in raw:
        if key.lower() in old:
            hint = f'Move it into "extensions": {{ "{key}": … }}.'
            top.warn(
                "host-json-version-1-key",
                f"'{key}' at the top of host.json belongs to version 1 and is ignored",
                name=key,
                hint=hint,
            )
        elif key.lower() not in known and not key.startswith("$"):
            top.warn(
                "host-json-unknown-key",
                f"'{key}' means nothing in host.json and is ignored",
                name=key,
                hint=did_you_mean(key, _KNOWN),
            )
