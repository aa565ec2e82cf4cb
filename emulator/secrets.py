"""Which settings are secrets, and what is shown instead of them.

On the lowest floor but one, for everything that writes needs it, packages of bindings as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "*****"

# Texts, not compiled patterns: most starts show no setting, and `re` keeps what it compiled.
_SECRET_NAME = (
    r"(?i)(?:key|secret|token|passw|pwd|credential|connection|signature|cookie|bearer"
    r"|\bsas\b|_sas|(?:^|[_:.-])(?:pat|authorization)$)(?!_*name)"
)
_STORAGE_NAME = r"(?i)storage(?!_*name)"
_STORAGE_WORD = r"[a-z0-9-]{0,63}"
"""What accounts and containers may be called: a setting so named may hold only that."""

_SECRET_VALUE = (
    r"(?i)AccountKey=|SharedAccess|Password=|Pwd=|[?&;]sig=|^sk-|^ey[JI]|://[^/@\s:]*:[^/@\s]+@"
    r"|InstrumentationKey=|-----BEGIN"
)
_HARMLESS_VALUE = (
    r"(?i)(UseDevelopmentStorage=true;?|true|false|<[^<>]*>|@Microsoft\.KeyVault\(.*\))?"
)
_MAYBE_A_COUNT = r"(?i)tokens"
"""Of such a name a number is no secret: MAX_TOKENS."""

_HARMLESS_NAMES = ("PWD", "OLDPWD")
"""Folders, not passwords."""


def is_secret(name: str, value: str) -> bool:
    """Whether a setting's value must not be shown; in doubt it must not."""
    if re.fullmatch(_HARMLESS_VALUE, value.strip()) or name.upper() in _HARMLESS_NAMES:
        return False
    if re.search(_MAYBE_A_COUNT, name) and value.strip().isdecimal():
        return False
    if re.search(_SECRET_NAME, name) or re.search(_SECRET_VALUE, value):
        return True
    return bool(re.search(_STORAGE_NAME, name)) and not re.fullmatch(_STORAGE_WORD, value)


def masked(name: str, value: str) -> str:
    """Return what people may see of a setting's value."""
    return MASK if is_secret(name, value) else value


def without_secrets(value: object, name: str = "") -> object:
    """Return JSON data whose secrets, by their names and looks, are masked."""
    match value:
        case str():
            return masked(name, value)
        case Mapping():
            return {str(key): without_secrets(each, str(key)) for key, each in value.items()}
        case list() | tuple():
            return [without_secrets(each, name) for each in value]
        case _:
            return value


def texts_of(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Return every text of JSON data with the name it stands below."""
    match value:
        case str():
            yield name, value
        case Mapping():
            for key, each in value.items():
                yield from texts_of(each, str(key))
        case list() | tuple():
            for each in value:
                yield from texts_of(each, name)


_SHORTEST = 6
"""Secrets with fewer characters are words that stand elsewhere, too."""

_LONG_LINE = 16
_ELLIPSIS = r"…|\.\.\."
_PART = 8
"""As many characters of a secret tell, where a text was cut short, that it was one."""

_SECRET_TEXT = (
    r"(?i)(AccountKey=|SharedAccessKey=|SharedAccessSignature=|Password=|Pwd=|InstrumentationKey="
    r"|[?&;]sig=|[?&]code=|\bbearer\s+)[^\s;&\"']+|\bsk-[\w-]{16,}"
)

_PARTS = (
    r"(?i)(?:AccountKey|SharedAccessKey|SharedAccessSignature|Password|Pwd|InstrumentationKey"
    r"|ClientSecret|ApplicationKey|AppKey)\s*=\s*[\"']?([^;\"']+)",
    r"[?&;]sig=([^;&\s]+)",
    r"://[^/@\s:]*:([^/@\s]+)@",
)
"""What is secret in a value that says more, and appears without the rest in messages."""


class SecretFilter:
    """Takes secrets out of texts that are kept: values of secret settings, and what looks so."""

    def __init__(self, settings: Iterable[tuple[str, str]]) -> None:
        # The longest first: one may begin with another.
        known = sorted(secret_texts(settings), key=len, reverse=True)
        self._known = [(_head(text), sorted(spellings(text), key=len)[::-1]) for text in known]
        self._longest = max((len(forms[0]) for _, forms in self._known), default=0)
        self._likely = re.compile(_SECRET_TEXT)

    def __call__(self, text: str) -> str:
        text = self.without_values(text)
        return self._likely.sub(lambda found: (found[1] or "") + MASK, text)

    def without_values(self, text: str) -> str:
        """Take the values of settings out; much cheaper than looking for what may be more."""
        for form in self._forms_in(text):
            text = text.replace(form, MASK)
        return self._without_parts(text) if "…" in text or "..." in text else text

    def data(self, value: Any, *, likely: bool = True) -> Any:
        """Return JSON data with every text cleaned, before escapes hide a secret."""
        match value:
            case str():
                return self(value) if likely else self.without_values(value)
            case Mapping():
                return {str(k): self.data(each, likely=likely) for k, each in value.items()}
            case list() | tuple():
                return [self.data(each, likely=likely) for each in value]
            case _:
                return value

    def beginning(self, text: str, most: int) -> str:
        """Return about `most` characters of a text, cleaned, with no half of a secret at the end.

        What is left out costs nothing.
        """
        if len(text) <= most:
            return self(text)
        for form in self._forms_in(text[: most + self._longest]):
            at = text.find(form, max(0, most - len(form)))
            if 0 <= at < most:
                most = at + len(form)
        return self(text[:most])

    def _forms_in(self, text: str) -> Iterator[str]:
        # A search for each is much quicker than one for a pattern of all.
        return (form for head, forms in self._known if head in text for form in forms)

    def _without_parts(self, text: str) -> str:
        """Take out what was left of secrets where a text was cut short, or lost its middle."""
        every = (form for _, forms in self._known for form in forms)
        # Hardly ever any: what follows looks for each of them around each of the places.
        forms = [each for each in every if each[:_PART] in text or each[-_PART:] in text]
        for found in [*re.finditer(_ELLIPSIS, text)][::-1] if forms else ():
            at, behind = found.span()
            before = text[max(0, at - self._longest) : at]
            after = text[behind : behind + self._longest]
            cut = min((_beginning(before, form) for form in forms), default=len(before))
            gone = max((_end(after, form) for form in forms), default=0)
            if cut < len(before) or gone:
                left = text[: at - len(before) + cut] + (MASK if cut < len(before) else "")
                text = left + found[0] + (MASK if gone else "") + text[behind + gone :]
        return text


def _head(text: str) -> str:
    """Return how a secret begins in each of its spellings."""
    plain = re.match(r"[A-Za-z0-9_.-]*", text)
    return plain[0][:_PART] if plain else ""


def _beginning(text: str, secret: str) -> int:
    """Return where `text` ends with the beginning of a secret; its length if it does not."""
    at = text.find(secret[:_PART])
    while at >= 0:
        if secret.startswith(text[at:]):
            return at
        at = text.find(secret[:_PART], at + 1)
    return len(text)


def _end(text: str, secret: str) -> int:
    """Return how much of the beginning of `text` is the end of a secret."""
    at = text.find(secret[-_PART:])
    while at >= 0:
        if secret.endswith(text[: at + _PART]):
            return at + _PART
        at = text.find(secret[-_PART:], at + 1)
    return 0


def secret_texts(settings: Iterable[tuple[str, str]], data: object = None) -> set[str]:
    """Return what must not be shown of settings, given by name and value, and of JSON data.

    These are the values of those that are secret, of values with several lines each long line as
    well, since texts are shown line by line, and of connection strings the key or password alone.
    """
    given = [*settings, *texts_of(data)]
    # What only names another setting is no secret: "connection": "AzureWebJobsStorage".
    names = {name.lower() for name, _ in given}
    texts: set[str] = set()
    for name, value in given:
        if len(value) >= _SHORTEST and value.lower() not in names and is_secret(name, value):
            lines = value.splitlines()
            long = [each for each in lines if len(each) >= _LONG_LINE]
            texts |= {value, *long} if len(lines) > 1 else {value}
            parts = (part for pattern in _PARTS for part in re.findall(pattern, value))
            texts |= {part for part in parts if len(part) >= _SHORTEST}
    return texts


def spellings(text: str) -> set[str]:
    """Return a secret as it appears in plain text, in JSON, also where that is a text in other
    JSON, in `repr`, addresses and HTML."""
    if text.isalnum() and text.isascii():
        return {text}
    from urllib.parse import quote, quote_plus, unquote  # most starts show no secret

    in_json = {text, *_in_json(text)}
    in_html = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {
        *in_json,
        *(form for each in in_json for form in _in_json(each)),
        repr(text)[1:-1],
        repr(text.encode("utf-8", "surrogatepass"))[2:-1],
        quote(text, errors="replace"),
        quote(text, safe="", errors="replace"),
        quote_plus(text, errors="replace"),
        in_html,
        in_html.replace('"', "&quot;").replace("'", "&#x27;"),
        *({unquote(text)} if "%" in text and len(unquote(text)) >= _SHORTEST else ()),
    }


def _in_json(text: str) -> set[str]:
    """Return what JSON makes of a text: with or without other than ASCII, and as .NET writes it."""
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    return {json.dumps(text)[1:-1], plain, "".join(map(_as_dotnet, text))}


def _as_dotnet(character: str) -> str:
    if character in "\"+&<>'`" or not character.isascii():
        units = character.encode("utf-16-be", "surrogatepass").hex().upper()
        return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    return json.dumps(character)[1:-1]
