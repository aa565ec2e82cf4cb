from __future__ import annotations

from pathlib import Path

from emulator.workers.environment import worker_environment


def test_the_worker_is_told_what_azures_host_tells_it() -> None:
    told = worker_environment(Path("/app"), {"PATH": "/bin", "MINE": "1"})
    worker = told.pop("FUNCTIONS_WORKER_DIRECTORY")
    assert Path(worker, "__main__.py").is_file()
    assert told == {
        "PATH": "/bin",
        "MINE": "1",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "PYTHON_THREADPOOL_THREAD_COUNT": "1000",
        "AzureWebJobsScriptRoot": "/app",
        "FUNCTIONS_APPLICATION_DIRECTORY": "/app",
    }


def test_the_apps_settings_win_but_not_over_facts() -> None:
    told = worker_environment(
        Path("/app"),
        {
            "AZURE_FUNCTIONS_ENVIRONMENT": "Staging",
            "PYTHON_THREADPOOL_THREAD_COUNT": "4",
            "AzureWebJobsScriptRoot": "/elsewhere",
        },
    )
    assert told["AZURE_FUNCTIONS_ENVIRONMENT"] == "Staging"
    assert told["PYTHON_THREADPOOL_THREAD_COUNT"] == "4"
    assert told["AzureWebJobsScriptRoot"] == "/app"


def test_a_launchers_variable_of_ours_is_not_handed_on() -> None:
    assert "__PYVENV_LAUNCHER__" not in worker_environment(
        Path("/app"), {"__PYVENV_LAUNCHER__": "/python"}
    )
