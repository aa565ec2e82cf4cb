from __future__ import annotations

import pytest

from emulator.discovery.languages import language_of, title_of


@pytest.mark.parametrize(
    ("script", "language", "title"),
    [
        ("__init__.py", "python", "python"),
        ("../x/RUN.PY", "python", "python"),
        ("index.mjs", "node", "JavaScript"),
        ("run.ps1", "powershell", "PowerShell"),
        ("run.csx", "dotnet", ".NET"),
        ("x.jar", "java", "Java"),
    ],
)
def test_knows_the_language_of_a_script(script: str, language: str, title: str) -> None:
    assert language_of(script) == language
    assert title_of(language) == title


def test_does_not_know_every_ending() -> None:
    assert language_of("run.sh") is None
