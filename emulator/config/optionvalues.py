"""One of our own options: what people are told about it, and how its values are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple, assert_never

from emulator.config.suggest import did_you_mean
from emulator.errors import ConfigError
from emulator.model import SourceSpan

Kind = Literal["text", "number", "flag", "list", "path", "choice", "port"]

DEBUG_PORT = 9091
"""Where editors look for the debugger of a Functions app."""

_SWITCH = {"1": True, "true": True, "yes": True, "on": True}
_SWITCH |= {"0": False, "false": False, "no": False, "off": False}


class OptionInfo(NamedTuple):
    """What people are told about one option, and how its values are read."""

    name: str
    kind: Kind
    help: str
    default: Any
    environment: str
    flags: tuple[str, ...]
    choices: tuple[str, ...] = ()
    hidden: bool = False

    @property
    def key(self) -> str:
        """The key in `[tool.funcemu]`."""
        return self.name.replace("_", "-")


def read_value(info: OptionInfo, raw: object, where: SourceSpan, *, base: Path) -> Any:
    match info.kind:
        case "flag":
            return _flag(raw, info, where)
        case "number":
            return _number(raw, info, where)
        case "list":
            return _list(raw, info)
        case "path":
            return base / Path(str(raw)).expanduser()
        case "choice":
            return _choice(raw, info, where)
        case "port":
            return _port(raw, info, where)
        case "text":
            return _text(raw, info, where, base=base)
        case _:
            assert_never(info.kind)


def _flag(raw: object, info: OptionInfo, where: SourceSpan) -> bool:
    if isinstance(raw, bool):
        return raw
    value = _SWITCH.get(str(raw).strip().lower())
    if value is None:
        raise _bad(info, raw, where=where, hint="Use true or false.")
    return value


def _number(raw: object, info: OptionInfo, where: SourceSpan) -> int:
    try:
        if isinstance(raw, bool):
            raise ValueError(raw)
        value = int(str(raw).strip())
    except ValueError:
        raise _bad(info, raw, where=where, hint="It is a whole number.") from None
    if info.name == "port" and not 0 <= value <= 65535:
        raise _bad(
            info, raw, where=where, hint="A port is a number from 0 to 65535; 0 takes a free one."
        )
    return value


def _port(raw: object, info: OptionInfo, where: SourceSpan) -> int | None:
    """Read a port that also stands for a switch: on without a number, or off."""
    text = str(raw).strip().lower()
    switch = _SWITCH.get(text)
    if switch is not None:
        return DEBUG_PORT if switch else None
    if not text.isdecimal() or len(text) > 5 or int(text) > 65535:
        hint = f"It is a port from 2 to 65535; 'on' means {DEBUG_PORT}."
        raise _bad(info, raw, where=where, hint=hint)
    return int(text)


def _text(raw: object, info: OptionInfo, where: SourceSpan, *, base: Path) -> str:
    if isinstance(raw, list | tuple | dict | bool):
        raise _bad(info, raw, where=where, hint="It is one text.")
    text = str(raw)
    if info.name == "host":
        return ip_address(text, where)
    if info.name == "python" and ("/" in text or "\\" in text):
        # A path, and not the name of a command on the path of the shell.
        return str(base / Path(text).expanduser())
    return text


def _list(raw: object, info: OptionInfo) -> tuple[str, ...]:
    given = raw if isinstance(raw, list | tuple) else (raw,)
    texts = (part.strip() for each in given for part in str(each).split(","))
    if info.name == "cors":
        # Browsers send origins without a slash at the end.
        texts = (text.rstrip("/") for text in texts)
    return tuple(text for text in texts if text)


def _choice(raw: object, info: OptionInfo, where: SourceSpan) -> str:
    wanted = str(raw).strip().lower()
    found = next((choice for choice in info.choices if choice.lower() == wanted), None)
    if found is None:
        near = did_you_mean(str(raw), info.choices)
        raise _bad(info, raw, where=where, hint=near or f"Use one of {', '.join(info.choices)}.")
    return found


def ip_address(text: str, where: SourceSpan) -> str:
    if text in {"127.0.0.1", "0.0.0.0", "localhost"}:
        return text
    # ipaddress costs 3 ms to import and nearly nobody listens elsewhere
    import ipaddress

    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise ConfigError(
            f"Invalid --address value '{text}'. Expected an IP address, for example 127.0.0.1 "
            "or 0.0.0.0.",
            where=where,
            code="option-invalid",
        ) from None


def _bad(info: OptionInfo, raw: object, *, where: SourceSpan, hint: str) -> ConfigError:
    return ConfigError(
        f"'{raw}' is no value for {info.key} ({where})",
        hint=hint,
        where=where,
        code="option-invalid",
    )
