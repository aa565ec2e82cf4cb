from __future__ import annotations

from pathlib import Path

from emulator.discovery.nearmisses import nothing_found
from emulator.model import Severity, SourceSpan


def hint(root: Path, *, indexed: bool = False, script: str = "function_app.py") -> str:
    problem = nothing_found(root, script, indexed=indexed)
    assert problem.hint is not None
    return problem.hint


def write(root: Path, name: str, text: str = "import azure.functions as func\n") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_an_app_that_is_built_is_told_so(tmp_path: Path) -> None:
    problem = nothing_found(tmp_path, "", indexed=True, language="java")
    assert problem.where == SourceSpan(str(tmp_path))
    assert str(problem.hint).startswith("Build the app")


def test_package_json_may_begin_with_a_mark(tmp_path: Path) -> None:
    write(tmp_path, "package.json", '\ufeff{"main": "src/*.js"}')
    problem = nothing_found(tmp_path, "package.json", indexed=True, language="node")
    assert 'the files of "main" (src/*.js) declare none' in problem.message


def test_says_which_folder_was_scanned_and_for_what(tmp_path: Path) -> None:
    problem = nothing_found(tmp_path, "function_app.py", indexed=False)
    assert problem.code == "app-empty"
    assert problem.severity is Severity.WARNING
    assert problem.where == SourceSpan(str(tmp_path))
    assert problem.message == (
        f"No job functions found in {tmp_path}: it has no function_app.py, and no sub-folder has "
        "a function.json"
    )
    assert problem.hint == "Start in the folder that has host.json, or name it: funcemu start PATH."


def test_a_script_without_functions_is_told(tmp_path: Path) -> None:
    write(tmp_path, "main.py")
    problem = nothing_found(tmp_path, "main.py", indexed=True)
    assert "main.py declares none" in problem.message
    assert problem.where == SourceSpan("main.py")
    assert problem.hint == (
        "Decorate a function (@app.route()); a Blueprint counts once it is registered."
    )


def test_an_app_in_a_sub_folder_is_pointed_to(tmp_path: Path) -> None:
    write(tmp_path, "src/api/function_app.py")
    assert hint(tmp_path) == "There is a src/api/function_app.py: funcemu start src/api."


def test_a_function_too_deep_is_pointed_to(tmp_path: Path) -> None:
    write(tmp_path, "functions/hello/function.json")
    assert hint(tmp_path) == (
        "functions/hello/function.json is too deep: move functions/hello up to the app's folder."
    )


def test_a_function_json_beside_host_json_is_told(tmp_path: Path) -> None:
    write(tmp_path, "function.json", "{}")
    assert hint(tmp_path).startswith("function.json lies beside host.json")


def test_a_misspelt_function_json_is_told(tmp_path: Path) -> None:
    write(tmp_path, "hello/functions.json", "{}")
    assert hint(tmp_path) == "hello/functions.json has to be called function.json."


def test_a_script_with_another_name_is_asked_about(tmp_path: Path) -> None:
    write(tmp_path, "app.py")
    write(tmp_path, "main.py", "print('nothing of Azure')\n")
    assert hint(tmp_path) == (
        "Is app.py your app? Rename it to function_app.py, or set PYTHON_SCRIPT_FILE_NAME."
    )


def test_a_script_with_other_case_is_asked_about(tmp_path: Path) -> None:
    write(tmp_path, "Function_App.py")
    assert hint(tmp_path).startswith("Is Function_App.py your app?")


def test_environments_and_hidden_folders_are_not_searched(tmp_path: Path) -> None:
    for folder in (".venv", "node_modules", "__pycache__"):
        write(tmp_path, f"{folder}/function_app.py")
    assert hint(tmp_path).startswith("Start in the folder that has host.json")


def test_a_folder_that_is_not_there_is_told_as_well(tmp_path: Path) -> None:
    assert hint(tmp_path / "gone").startswith("Start in the folder that has host.json")


def test_a_folder_of_many_apps_names_the_first_ones_as_a_shell_takes_them(tmp_path: Path) -> None:
    for name in ("a b", "c", "d", "e", "f", "g"):
        write(tmp_path, f"{name}/function_app.py")
    told = hint(tmp_path)
    assert "funcemu start 'a b'." in told
    assert "funcemu start e." in told
    assert told.endswith("And 2 more like these.")
