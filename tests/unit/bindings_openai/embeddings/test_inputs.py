from __future__ import annotations

import os
from pathlib import Path

import pytest

from bindings.openai.embeddings.inputs import InputType, decode, read_input
from bindings.openai.embeddings.rules import InputRules
from emulator.sdk import BindingError
from tests.support.openai_host import FakeSettings


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "note.txt").write_text("Grüße.", encoding="utf-8")
    (tmp_path / "outside.txt").write_text("secret", encoding="utf-8")
    return folder


def _rules(app: Path, **settings: str) -> InputRules:
    return InputRules.of(app, FakeSettings(settings))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RawText", InputType.RAW_TEXT),
        ("rawText", InputType.RAW_TEXT),
        ("raw_text", InputType.RAW_TEXT),
        ("0", InputType.RAW_TEXT),
        ("FILEPATH", InputType.FILE_PATH),
        ("file_path", InputType.FILE_PATH),
        ("1", InputType.FILE_PATH),
        ("url", InputType.URL),
        ("2", InputType.URL),
    ],
)
def test_input_types_are_read_without_case_and_by_number(text: str, expected: InputType) -> None:
    assert InputType.parse(text) is expected


def test_an_unknown_input_type_says_which_there_are() -> None:
    with pytest.raises(BindingError, match="'pdf' is not an 'inputType'") as caught:
        InputType.parse("pdf")
    assert caught.value.hint == "Use one of RawText, FilePath, Url."


@pytest.mark.parametrize("kind", list(InputType))
async def test_an_empty_input_is_refused(kind: InputType, app: Path) -> None:
    with pytest.raises(BindingError, match=r"^Input cannot be null or empty\.$"):
        await read_input(kind, "", _rules(app))


async def test_raw_text_is_the_text_itself(app: Path) -> None:
    assert await read_input(InputType.RAW_TEXT, " as it is ", _rules(app)) == " as it is "


@pytest.mark.parametrize("path", ["docs/note.txt", "./docs/../docs/note.txt"])
async def test_a_relative_path_is_taken_from_the_app_folder(path: str, app: Path) -> None:
    assert await read_input(InputType.FILE_PATH, path, _rules(app)) == "Grüße."


async def test_an_absolute_path_in_the_app_folder_is_read(app: Path) -> None:
    path = str(app / "docs" / "note.txt")
    assert await read_input(InputType.FILE_PATH, path, _rules(app)) == "Grüße."


@pytest.mark.parametrize("path", ["../outside.txt", "docs/../../outside.txt", "/etc/hostname"])
async def test_files_outside_of_the_app_are_refused(path: str, app: Path) -> None:
    with pytest.raises(BindingError, match="is outside of the app folder") as caught:
        await read_input(InputType.FILE_PATH, path, _rules(app))
    assert "FUNCEMU_EMBEDDINGS_FILES_ROOT" in (caught.value.hint or "")


async def test_a_link_out_of_the_app_folder_is_refused(app: Path) -> None:
    (app / "link.txt").symlink_to(app.parent / "outside.txt")
    with pytest.raises(BindingError, match="is outside of the app folder"):
        await read_input(InputType.FILE_PATH, "link.txt", _rules(app))


async def test_a_setting_allows_further_folders(app: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    (more / "a.txt").write_text("more", encoding="utf-8")
    rules = _rules(app, FUNCEMU_EMBEDDINGS_FILES_ROOT=f"{more}{os.pathsep}..")
    assert await read_input(InputType.FILE_PATH, str(more / "a.txt"), rules) == "more"
    assert await read_input(InputType.FILE_PATH, "../outside.txt", rules) == "secret"


@pytest.mark.parametrize(
    "name",
    ["local.settings.json", ".env", "Local.Settings.json", ".env.local", ".git/config",
     ".funcemu/keys/host.json", "docs/.hidden", "docs/.x/y"],
)  # fmt: skip
async def test_settings_and_hidden_files_are_never_read(name: str, app: Path) -> None:
    (app / name).parent.mkdir(parents=True, exist_ok=True)
    (app / name).write_text("{}", encoding="utf-8")
    (app / "link").symlink_to(app / name)
    with pytest.raises(BindingError, match="holds settings and secrets"):
        await read_input(InputType.FILE_PATH, "link", _rules(app))
    with pytest.raises(BindingError, match="holds settings and secrets"):
        await read_input(InputType.FILE_PATH, f"docs/../{name}", _rules(app, X="y"))
    with pytest.raises(BindingError, match="holds settings and secrets"):
        await read_input(InputType.FILE_PATH, name, _rules(app))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.txt", "Could not find file '{app}/missing.txt'."),
        ("docs", "'{app}/docs' is a folder, not a file."),
        ("pipe", "'{app}/pipe' is not a regular file."),
        ("a\0b", "'a\\x00b' is not a path."),
        ("\ud800", "'\\ud800' is not a path."),
        ("circle", "'circle' is not a path."),
    ],
)
async def test_what_is_no_file_is_told(path: str, message: str, app: Path) -> None:
    os.mkfifo(app / "pipe")
    (app / "circle").symlink_to(app / "circle")
    with pytest.raises(BindingError) as caught:
        await read_input(InputType.FILE_PATH, path, _rules(app))
    assert caught.value.message == message.format(app=app.resolve())


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/stdin", "/proc/self/environ", "/dev/tty"])
async def test_devices_are_no_files_of_the_app(device: str, app: Path) -> None:
    (app / "link").symlink_to(device)
    with pytest.raises(BindingError, match="is outside of the app folder"):
        await read_input(InputType.FILE_PATH, "link", _rules(app))


async def test_a_name_that_is_too_long_is_told(app: Path) -> None:
    with pytest.raises(BindingError, match=r"a{50}' (is not a path|cannot be read)"):
        await read_input(InputType.FILE_PATH, "a" * 5000, _rules(app))


async def test_a_listed_folder_may_be_hidden(app: Path) -> None:
    (app / ".notes").mkdir()
    (app / ".notes" / "a.txt").write_text("mine", encoding="utf-8")
    rules = _rules(app, FUNCEMU_EMBEDDINGS_FILES_ROOT=".notes")
    assert await read_input(InputType.FILE_PATH, ".notes/a.txt", rules) == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_without_permission_is_told(app: Path) -> None:
    (app / "docs" / "note.txt").chmod(0)
    with pytest.raises(BindingError, match="cannot be read: Permission denied"):
        await read_input(InputType.FILE_PATH, "docs/note.txt", _rules(app))


async def test_a_file_over_the_limit_is_refused(app: Path) -> None:
    (app / "big.txt").write_bytes(b"x" * 11)
    rules = _rules(app, FUNCEMU_EMBEDDINGS_MAX_BYTES="10")
    with pytest.raises(BindingError, match="is larger than 10 bytes") as caught:
        await read_input(InputType.FILE_PATH, "big.txt", rules)
    assert "FUNCEMU_EMBEDDINGS_MAX_BYTES" in (caught.value.hint or "")
    (app / "big.txt").write_bytes(b"x" * 10)
    assert await read_input(InputType.FILE_PATH, "big.txt", rules) == "x" * 10


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
)
def test_a_byte_order_mark_names_the_encoding(encoding: str) -> None:
    marked = "Grüße 😀" if encoding.startswith("utf-8") else "\ufeffGrüße 😀"
    assert decode(marked.encode(encoding)) == "Grüße 😀"


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert decode(b"caf\xe9") == "caf\ufffd"


@pytest.mark.parametrize("text", ["0", "-1", "many", "nan", "inf"])
def test_limits_that_are_no_numbers_are_refused(text: str, app: Path) -> None:
    with pytest.raises(BindingError, match="FUNCEMU_EMBEDDINGS_TIMEOUT should be a number above 0"):
        _rules(app, FUNCEMU_EMBEDDINGS_TIMEOUT=text)
