"""local.settings.json: values, connection strings and the `Host` section, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from emulator.config.jsonc import Document, Key, read
from emulator.config.suggest import did_you_mean
from emulator.errors import ConfigError
from emulator.model import Problem, Severity, SourceSpan

FILE = "local.settings.json"

_SECTIONS = ("IsEncrypted", "Values", "ConnectionStrings", "Host")
_HOST_KEYS = ("LocalHttpPort", "LocalHttpAddress", "CORS", "CORSCredentials")


class HostSection(NamedTuple):
    """The `Host` section; `None` and empty mean that it says nothing."""

    port: int | None = None
    address: str | None = None
    cors: tuple[str, ...] = ()
    cors_credentials: bool | None = None


class LocalSettings:
    """What the file gives: `(name, value, where)` in its order, and what is wrong with it."""

    def __init__(self) -> None:
        self.values: list[tuple[str, str, SourceSpan]] = []
        self.host = HostSection()
        self.problems: list[Problem] = []


def read_local_settings(root: Path) -> LocalSettings:
    result = LocalSettings()
    try:
        document = read(root / FILE, FILE, secret=True)
        if document is None:
            return result
        if not isinstance(document.value, dict):
            raise ConfigError(
                f"{FILE} is not an object", hint="It starts with '{'.", where=SourceSpan(FILE, 1)
            )
    except ConfigError as error:
        # The official wording, then what is wrong.
        message = (
            f"Failed to read app settings file at '{root / FILE}'. "
            f"Ensure it is a valid JSON file. {error.message}"
        )
        result.problems.append(
            Problem("settings-invalid-json", message, where=error.where, hint=error.hint)
        )
        return result
    _read_sections(document, result)
    return result


def _read_sections(document: Document, result: LocalSettings) -> None:
    sections: dict[str, tuple[str, Any]] = {}
    known = {name.lower() for name in _SECTIONS}
    for key, value in document.value.items():
        if key.lower() in known:
            sections[key.lower()] = (key, value)
        elif not key.startswith("$"):
            result.problems.append(_unknown(key, document.span((key,)), known=_SECTIONS))
    result.problems += _duplicates(document)
    if "isencrypted" not in sections and {"values", "connectionstrings"} & set(sections):
        result.problems.append(
            Problem(
                "settings-is-encrypted-missing",
                f"{FILE} does not say whether it is encrypted; its values are read as plain text",
                severity=Severity.INFO,
                where=document.span(()),
                hint='Add "IsEncrypted": false.',
                azure="The official tools take such a file as encrypted and use none of its "
                "values.",
            )
        )
    if "host" in sections:
        result.host = _host(document, *sections["host"], result.problems)
    if _is_true(sections.get("isencrypted", ("", False))[1]):
        key = sections["isencrypted"][0]
        result.problems.append(_encrypted(document.span((key,))))
        return
    if "values" in sections:
        _read_values(document, *sections["values"], result)
    if "connectionstrings" in sections:
        _read_connection_strings(document, *sections["connectionstrings"], result)


def _read_values(document: Document, section: str, values: Any, result: LocalSettings) -> None:
    if not isinstance(values, dict):
        if values is not None:
            result.problems.append(_not_an_object(section, document.span((section,))))
        return
    for name, value in values.items():
        where = (section, name)
        if not name.strip():
            result.problems.append(
                _warning(
                    "settings-empty-name",
                    "Skipping local setting with empty key.",
                    where=document.span(where),
                )
            )
        elif value is None:
            result.problems.append(
                _warning(
                    "settings-null-value",
                    f"Skipping '{name}' because value is null",
                    where=document.span(where),
                    hint="Give it a text, or remove the line.",
                )
            )
        elif isinstance(value, dict | list):
            _read_nested(document, where, value, result)
        else:
            result.values.append((name, _text(value), document.span(where)))


def _read_nested(
    document: Document,
    path: tuple[str, str],
    value: dict[str, Any] | list[Any],
    result: LocalSettings,
) -> None:
    name = path[1]
    flat = list(_flattened((), value))
    for below, each in flat:
        full = "__".join((name, *map(str, below)))
        result.values.append((full, _text(each), document.span((*path, *below))))
    what = "an object" if isinstance(value, dict) else "an array"
    example = "__".join((name, *map(str, flat[0][0]))) if flat else ""
    result.problems.append(
        _warning(
            "settings-nested-value",
            f"The value of '{name}' is {what}; the official tools refuse the whole file for it",
            where=document.span(path),
            hint=f'It is read as its parts; write them so: "{example}": "…".'
            if flat
            else "It is left out.",
            azure="A setting is one text there, and the official tools drop every value of the "
            "file.",
        )
    )


def _flattened(path: tuple[Key, ...], value: Any) -> Iterator[tuple[tuple[Key, ...], Any]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in items:
            yield from _flattened((*path, key), each)
    elif value is not None:
        yield path, value


def _read_connection_strings(
    document: Document, section: str, values: Any, result: LocalSettings
) -> None:
    if not isinstance(values, dict):
        if values is not None:
            result.problems.append(_not_an_object(section, document.span((section,))))
        return
    for name, value in values.items():
        text = _member(value, "ConnectionString") if isinstance(value, dict) else value
        where = document.span((section, name))
        if isinstance(text, str) and name.strip():
            result.values.append((f"ConnectionStrings:{name}", text, where))
        else:
            result.problems.append(
                _warning(
                    "settings-connection-string",
                    f"The connection string '{name}' is not a text and is left out",
                    where=where,
                    hint='Write "name": "…", or "name": {"ConnectionString": "…"}.',
                )
            )


def _host(document: Document, section: str, values: Any, problems: list[Problem]) -> HostSection:
    if not isinstance(values, dict):
        if values is not None:
            problems.append(_not_an_object(section, document.span((section,))))
        return HostSection()
    for key in values:
        if key.lower() not in {known.lower() for known in _HOST_KEYS}:
            problems.append(
                _unknown(key, document.span((section, key)), known=_HOST_KEYS, section=section)
            )
    port = _member(values, "LocalHttpPort")
    number = _port(port)
    if port is not None and number is None:
        key = next(key for key in values if key.lower() == "localhttpport")
        problems.append(
            _warning(
                "settings-host-port",
                f"LocalHttpPort is {port!r}, which is no port, and is ignored",
                where=document.span((section, key)),
                hint="A port is a number from 0 to 65535; 0 takes a free one.",
            )
        )
    address = _member(values, "LocalHttpAddress")
    cors = _member(values, "CORS")
    credentials = _member(values, "CORSCredentials")
    return HostSection(
        port=number,
        address=address if isinstance(address, str) and address else None,
        cors=_origins(cors),
        cors_credentials=None if credentials is None else _is_true(credentials),
    )


def _port(value: Any) -> int | None:
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if 0 <= number <= 65535 else None


def _origins(value: Any) -> tuple[str, ...]:
    given = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(text for each in given if (text := str(each).strip().rstrip("/")))


def _member(values: dict[str, Any], name: str) -> Any:
    return next((each for key, each in values.items() if key.lower() == name.lower()), None)


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _duplicates(document: Document) -> Iterator[Problem]:
    for path in document.duplicates():
        yield _duplicate(str(path[-1]), document.span(path))
    values = document.value.get("Values")
    seen: dict[str, str] = {}
    for name in values if isinstance(values, dict) else ():
        if name.lower() in seen:
            yield _duplicate(name, document.span(("Values", name)))
        seen[name.lower()] = name


def _duplicate(name: str, where: SourceSpan) -> Problem:
    return _warning(
        "settings-duplicate-name",
        f"'{name}' is given more than once; the last one counts",
        where=where,
        hint="Names are compared without case: keep one of them.",
    )


def _encrypted(where: SourceSpan) -> Problem:
    return Problem(
        "settings-encrypted",
        "Failed to decrypt settings. Encrypted settings only be edited through "
        "'func settings add'.",
        where=where,
        hint="Run 'func settings decrypt' in this folder, or set IsEncrypted to false and write "
        "the values as plain text.",
    )


def _not_an_object(section: str, where: SourceSpan) -> Problem:
    return _warning(
        "settings-section-invalid",
        f"'{section}' is not an object and is ignored",
        where=where,
        hint=f'Write "{section}": {{ "NAME": "value" }}.',
    )


def _unknown(key: str, where: SourceSpan, *, known: tuple[str, ...], section: str = "") -> Problem:
    place = f"the section {section} of {FILE}" if section else FILE
    return _warning(
        "settings-unknown-key",
        f"'{key}' means nothing in {place} and is ignored",
        where=where,
        hint=did_you_mean(key, known)
        or ("App settings belong into Values." if not section else f"Known: {', '.join(known)}."),
    )


def _warning(
    code: str,
    message: str,
    *,
    where: SourceSpan,
    hint: str | None = None,
    azure: str | None = None,
) -> Problem:
    return Problem(code, message, severity=Severity.WARNING, where=where, hint=hint, azure=azure)
