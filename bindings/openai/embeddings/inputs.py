"""Where the text to embed comes from: the option itself, a file of the app, or a web page.

Differences
- A relative `FilePath` is taken from the app folder, and files outside of it are refused unless
  they lie below a folder that `FUNCEMU_EMBEDDINGS_FILES_ROOT` lists. The path usually comes out of
  a request, and a request must not read this machine's files. The app's own settings files are
  never read.
- `http://` is accepted for this machine (`localhost`).
- Files and pages may have `FUNCEMU_EMBEDDINGS_MAX_BYTES` (default 20 MiB), and a page must be there
  within `FUNCEMU_EMBEDDINGS_TIMEOUT` seconds (default 30).
"""

from __future__ import annotations

import asyncio
import codecs
import os
from enum import Enum
from pathlib import Path

from bindings.openai.embeddings.pages import read_page
from bindings.openai.embeddings.rules import FILES_ROOT_SETTING, InputRules, too_large
from emulator.sdk import BindingError

# Files of the app folder that are not deployed and hold secrets.
_PRIVATE_FILES = frozenset({"local.settings.json", ".env"})

# UTF-32 first: its little-endian mark begins with the one of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class InputType(Enum):
    RAW_TEXT = "RawText"
    FILE_PATH = "FilePath"
    URL = "Url"

    @classmethod
    def parse(cls, text: str) -> InputType:
        """Read the option: a name, without case and with or without `_`, or its number."""
        wanted = text.strip().lower().replace("_", "")
        for number, kind in enumerate(cls):
            if wanted in {kind.value.lower(), str(number)}:
                return kind
        raise BindingError(
            f"'{text}' is not an 'inputType'.",
            hint=f"Use one of {', '.join(kind.value for kind in cls)}.",
            code="embeddings-input-type-invalid",
        )


async def read_input(kind: InputType, given: str, rules: InputRules) -> str:
    """Return the text; raise `BindingError` when it is empty or may not or cannot be read."""
    if not given:
        raise BindingError("Input cannot be null or empty.", code="embeddings-input-empty")
    match kind:
        case InputType.RAW_TEXT:
            return given
        case InputType.FILE_PATH:
            return await asyncio.to_thread(_read_file, given, rules)
        case InputType.URL:
            return decode(await read_page(given, max_bytes=rules.max_bytes, timeout=rules.timeout))


def decode(data: bytes) -> str:
    """Read text as .NET's readers do: UTF-8 unless a byte-order mark says otherwise, and a
    replacement character for what is no text."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return data.decode("utf-8", "replace")


def _read_file(given: str, rules: InputRules) -> str:
    path = _allowed(given, rules.roots)
    try:
        with path.open("rb") as file:
            data = file.read(rules.max_bytes + 1)
    except FileNotFoundError:
        raise _unreadable(f"Could not find file '{path}'.") from None
    except IsADirectoryError:
        raise _unreadable(f"'{path}' is a folder, not a file.") from None
    except OSError as error:
        raise _unreadable(f"The file '{path}' cannot be read: {error.strerror}.") from error
    if len(data) > rules.max_bytes:
        raise too_large(f"The file '{path}'", rules.max_bytes)
    return decode(data)


def _allowed(given: str, roots: tuple[Path, ...]) -> Path:
    """Follow the path, links included, and see that it ends where files may be read."""
    if "\0" in given:
        raise _unreadable(f"{given!r} is not a path.")
    path = (roots[0] / given).resolve()
    if not any(path.is_relative_to(root.resolve()) for root in roots):
        raise BindingError(
            f"The file '{path}' is outside of the app folder, so it is not embedded.",
            hint=f"Move it into the app, or set {FILES_ROOT_SETTING} to the folder it is in "
            f"(several are separated by '{os.pathsep}').",
            code="embeddings-file-outside",
        )
    if path.name.lower() in _PRIVATE_FILES:
        raise BindingError(
            f"The file '{path}' holds settings and secrets, so it is not embedded.",
            code="embeddings-file-private",
        )
    if path.exists() and not (path.is_file() or path.is_dir()):
        # A pipe would never end.
        raise _unreadable(f"'{path}' is not a regular file.")
    return path


def _unreadable(message: str) -> BindingError:
    return BindingError(message, code="embeddings-file-unreadable")
