"""Where the text to embed comes from: the option itself, a file of the app, or a web page.

Differences
- A relative `FilePath` is taken from the app folder, and files outside of it are refused unless
  they lie below a folder that `FUNCEMU_EMBEDDINGS_FILES_ROOT` lists. The path usually comes out of
  a request, and a request must not read this machine's files. Links are followed before that is
  decided. Files and folders whose names begin with a dot (`.env`, `.git`, the state in `.funcemu`)
  and `local.settings.json` are never read.
- `http://` is accepted for this machine (`localhost`), and for the hosts that
  `FUNCEMU_EMBEDDINGS_URL_HOSTS` lists. From other hosts of this machine's networks, whatever
  their names are, and from those that tell clouds' machines their credentials, nothing is read.
- Files and pages may have `FUNCEMU_EMBEDDINGS_MAX_BYTES` (default 20 MiB), and a page must be there
  within `FUNCEMU_EMBEDDINGS_TIMEOUT` seconds (default 30).
"""

from __future__ import annotations

import asyncio
import codecs
import os
import stat
from enum import Enum
from pathlib import Path

from bindings.openai.embeddings.pages import read_page
from bindings.openai.embeddings.rules import FILES_ROOT_SETTING, InputRules, too_large
from emulator.sdk import BindingError

_PRIVATE_FILE = "local.settings.json"

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
            page = await read_page(
                given, max_bytes=rules.max_bytes, timeout=rules.timeout, hosts=rules.hosts
            )
            return decode(page)


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
        with os.fdopen(_opened(path), "rb") as file:
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


def _opened(path: Path) -> int:
    """Open a file for reading; what is no file, such as a pipe or a device, is never waited for."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    opened = os.open(path, flags)
    try:
        mode = os.fstat(opened).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if not stat.S_ISREG(mode):
            raise _unreadable(f"'{path}' is not a regular file.")
    except BaseException:
        os.close(opened)
        raise
    return opened


def _allowed(given: str, roots: tuple[Path, ...]) -> Path:
    """Follow the path, links included, and see that it ends where files may be read."""
    if "\0" in given or (os.name == "nt" and (given[:2] in {"\\\\", "//"} or ":" in given[2:])):
        raise _unreadable(f"{given!r} is not a path.")  # on Windows neither of a share or a stream
    try:
        path = (roots[0] / given).resolve()
        folders = [root.resolve() for root in roots]
    except (OSError, RuntimeError, ValueError) as error:  # a name too long, links in a circle
        raise _unreadable(f"{given[:200]!r} is not a path.") from error
    below = [path.relative_to(each) for each in folders if path.is_relative_to(each)]
    if not below:
        raise BindingError(
            f"The file '{path}' is outside of the app folder, so it is not embedded.",
            hint=f"Move it into the app, or set {FILES_ROOT_SETTING} to the folder it is in "
            f"(several are separated by '{os.pathsep}').",
            code="embeddings-file-outside",
        )
    if path.name.lower() == _PRIVATE_FILE or all(map(_is_hidden, below)):
        raise BindingError(
            f"The file '{path}' holds settings and secrets, so it is not embedded.",
            hint="Files and folders whose names begin with a dot are not read either; name another "
            "file.",
            code="embeddings-file-private",
        )
    return path


def _is_hidden(below: Path) -> bool:
    return any(part.startswith(".") for part in below.parts)


def _unreadable(message: str) -> BindingError:
    return BindingError(message, code="embeddings-file-unreadable")
