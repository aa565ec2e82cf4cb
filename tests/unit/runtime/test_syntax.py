"""Changed files are looked at before a worker is bothered."""

from __future__ import annotations

from pathlib import Path

from emulator.runtime.syntax import syntax_problems


def test_good_missing_and_other_files_are_fine(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "host.json").write_text("{")
    files = [tmp_path / "good.py", tmp_path / "gone.py", tmp_path / "host.json"]
    assert syntax_problems(files, tmp_path) == []


def test_a_syntax_error_names_file_line_and_shows_the_place(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("x = 1\nif x:\n    y = (1,\n")
    (problem,) = syntax_problems([tmp_path / "bad.py"], tmp_path)
    assert problem.message == "SyntaxError: '(' was never closed"
    assert str(problem.where) == "bad.py:3:9"
    assert problem.detail == "y = (1,\n    ^"
    assert "last good version" in (problem.hint or "")


def test_null_bytes_and_wrong_encodings_are_syntax_errors(tmp_path: Path) -> None:
    (tmp_path / "null.py").write_bytes(b"x = 1\0")
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    problems = syntax_problems([tmp_path / "null.py", tmp_path / "latin.py"], tmp_path)
    assert [problem.code for problem in problems] == ["app-import-failed"] * 2
