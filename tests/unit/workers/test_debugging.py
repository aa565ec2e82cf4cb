"""The debugger among an interpreter's arguments."""

from __future__ import annotations

import pytest

from emulator.errors import WorkerStartError
from emulator.workers.channel import Debugging
from emulator.workers.debugging import (
    DebugRequest,
    begins_debugger,
    debugger_impossible,
    requested_debugging,
)

FROZEN = "-Xfrozen_modules=off"


@pytest.mark.parametrize(
    ("arguments", "left", "request_"),
    [
        ((), (), None),
        (("-X", "dev"), ("-X", "dev"), None),
        (("-m", "cProfile"), ("-m", "cProfile"), None),
        (("-m", "debugpy", "--listen", "127.0.0.1:9091"), (FROZEN,), DebugRequest()),
        (
            ("-X", "dev", "-m", "debugpy", "--listen", "5678", "--wait-for-client"),
            ("-X", "dev", FROZEN),
            DebugRequest(5678, debugging=Debugging(wait=True)),
        ),
        (
            ("/home/me/.vscode/bundled libs/debugpy", "--listen", "0.0.0.0:5678"),
            (FROZEN,),
            DebugRequest(
                5678, "0.0.0.0", Debugging(package="/home/me/.vscode/bundled libs/debugpy")
            ),
        ),
        (
            ("c:\\Users\\me\\libs\\debugpy", "--listen", "[::1]:5678"),
            (FROZEN,),
            DebugRequest(5678, "::1", Debugging(package="c:\\Users\\me\\libs\\debugpy")),
        ),
        (
            ("-m", "debugpy", "--log-to", "/tmp/logs", "--configure-subProcess", "false"),
            (FROZEN,),
            DebugRequest(
                debugging=Debugging(
                    settings=(("subProcess", "false"),), log_folder="/tmp/logs"
                )
            ),
        ),
        (
            ("-m", "debugpy", "--connect", "127.0.0.1:5678", "--wait-for-client"),
            ("-m", "debugpy", "--connect", "127.0.0.1:5678", "--wait-for-client"),
            None,
        ),
    ],
    ids=str,
)  # fmt: skip
def test_the_debugger_is_taken_out_of_the_arguments(
    arguments: tuple[str, ...], left: tuple[str, ...], request_: DebugRequest | None
) -> None:
    assert requested_debugging(arguments, None, wait=False) == (left, request_)


def test_our_options_win_over_the_arguments() -> None:
    arguments = ("-m", "debugpy", "--listen", "0.0.0.0:5678")
    _, asked = requested_debugging(arguments, 9000, wait=True)
    assert asked == DebugRequest(9000, "0.0.0.0", Debugging(wait=True))
    _, asked = requested_debugging(("-X", "dev"), None, wait=True)
    assert asked == DebugRequest(9091, "127.0.0.1", Debugging(wait=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--listen", "here"), "debugpy cannot listen on 'here'"),
        (("--listen", "127.0.0.1:99999"), "debugpy cannot listen on '127.0.0.1:99999'"),
        (("--listen",), "debugpy cannot listen on ''"),
        (("--lisen", "5678"), "debugpy knows no argument '--lisen'"),
    ],
)
def test_what_debugpy_would_not_take_is_told(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(WorkerStartError, match=message) as caught:
        requested_debugging(("-m", "debugpy", *arguments), None, wait=False)
    assert "languageWorkers__python__arguments" in caught.value.message


def test_official_workers_begin_debuggers_by_their_own_arguments() -> None:
    setting = "languageWorkers__java__arguments"
    assert begins_debugger("java", {setting: "-agentlib:jdwp=server=y"})
    assert not begins_debugger("java", {setting: "-Xmx1g"})
    assert not begins_debugger("python", {setting: "-agentlib:jdwp=server=y"})
    assert begins_debugger("python", {"LANGUAGEWORKERS__python__ARGUMENTS": "-m debugpy"})
    told = debugger_impossible("java")
    assert told.hint is not None
    assert told.hint.startswith(f"set {setting} to -agentlib:jdwp=")
    assert debugger_impossible("powershell").hint == "attach your debugger to the worker's process"
