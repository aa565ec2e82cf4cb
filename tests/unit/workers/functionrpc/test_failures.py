"""What workers say of a failure, as the user's exception."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.model import FunctionError
from emulator.workers.functionrpc.failures import (
    error_of,
    failure_of,
    printed_failure,
)
from emulator.workers.functionrpc.places import Places
from emulator.workers.functionrpc.protocol import Protocol

PROTOCOL = Protocol()
PLACES = Places(Path("/workers/x"), Path("/app"))


def failure(**exception: Any) -> FunctionError:
    return error_of(PROTOCOL.message("RpcException")(**exception), PLACES)


def test_success_is_no_failure_and_silence_is_one() -> None:
    result = PROTOCOL.message("StatusResult")
    assert failure_of(result(status=1), PLACES) is None
    silent = failure_of(result(), PLACES)
    assert silent is not None
    assert silent.message == "the worker reports a failure and gives no reason"
    cancelled = failure_of(result(status=2), PLACES)
    assert cancelled is not None
    assert cancelled.type == "Cancelled"


PYTHON_STACK = """  File "/workers/x/worker.py", line 5, in call
    run()
  File "/venv/lib/python3.9/site-packages/azure_functions_worker/dispatcher.py", line 3, in f
    call_result = await
  File "/app/f/__init__.py", line 7, in main
    json.loads("{")
  File "/usr/lib/python3.9/json/decoder.py", line 355, in raw_decode
    raise JSONDecodeError
"""


def test_python_s_frames_are_the_app_s_and_what_it_called() -> None:
    error = failure(message="JSONDecodeError: no", stack_trace=PYTHON_STACK)
    assert (error.type, error.message) == ("JSONDecodeError", "no")
    assert (error.file, error.line) == ("/app/f/__init__.py", 7)
    assert error.stack == (
        "Traceback (most recent call last):\n"
        '  File "/app/f/__init__.py", line 7, in main\n'
        '    json.loads("{")\n'
        '  File "/usr/lib/python3.9/json/decoder.py", line 355, in raw_decode\n'
        "    raise JSONDecodeError\n"
        "JSONDecodeError: no"
    )


def test_an_exception_of_the_app_s_own_may_be_called_anything() -> None:
    error = failure(message="Boom: now", stack_trace='  File "/app/a.py", line 1, in f\n')
    assert error.title == "Boom: now"


def test_an_exception_need_not_say_anything() -> None:
    error = failure(message="CancelledError", stack_trace=PYTHON_STACK)
    assert (error.type, error.message) == ("CancelledError", "")
    assert failure(message="no", stack_trace="").type == "Exception"


def test_causes_of_python_s_exceptions_stay() -> None:
    stack = (
        '  File "/app/a.py", line 1, in f\n    1 / 0\nZeroDivisionError: division by zero\n\n'
        "The above exception was the direct cause of the following exception:\n\n"
        'Traceback (most recent call last):\n  File "/app/a.py", line 3, in f\n    raise\n'
    )
    error = failure(message="ValueError: no", stack_trace=stack)
    assert "ZeroDivisionError: division by zero" in error.stack
    assert error.line == 3


JAVASCRIPT = """Error: boom: really
    at handler (/app/node_modules/x/index.js:1:1)
    at handler (file:///app/src/functions/hello.js:12:11)
    at /workers/x/dist/worker.js:2:3"""


def test_javascript_tells_its_type_on_its_stack() -> None:
    error = failure(message="boom: really", stack_trace=JAVASCRIPT)
    assert error.title == "Error: boom: really"
    assert (error.file, error.line) == ("/app/src/functions/hello.js", 12)
    assert error.stack == JAVASCRIPT.rpartition("\n")[0]


LOADING = 'Worker was unable to load entry point "src/a.js": '
SYNTAX = """/app/src/a.js:3
  const = 1

SyntaxError: Unexpected token '='
    at wrapSafe (node:internal/modules/cjs/loader:1281:20)
    at loadFile (/workers/x/dist/worker.js:4:3)"""


def test_a_mistake_that_keeps_javascript_from_being_loaded_is_the_app_s() -> None:
    error = failure(message=f"{LOADING}Unexpected token '='", stack_trace=SYNTAX)
    assert error.title == "SyntaxError: Unexpected token '='"
    assert (error.file, error.line) == ("/app/src/a.js", 3)
    assert error.stack == SYNTAX.partition("\n    at")[0]
    stack = f"Error: {LOADING}no\n    at Object.<anonymous> (/app/src/a.js:9:7)"
    error = failure(message=f"{LOADING}no", stack_trace=stack)
    assert error.title == "Error: no"
    assert error.stack == stack.replace(LOADING, "")


def test_who_required_a_missing_package_is_on_the_stack_only() -> None:
    required = "\nRequire stack:\n- /app/src/a.js"
    message = f"{LOADING}Cannot find module 'x'{required}\n- /workers/x/dist/worker.js"
    stack = f"Error: {message}\n    at Object.<anonymous> (/app/src/a.js:1:9)"
    error = failure(message=message, stack_trace=stack)
    assert error.title == "Error: Cannot find module 'x'"
    assert error.stack == (
        f"{error.title}{required}\n    at Object.<anonymous> (/app/src/a.js:1:9)"
    )


def test_an_entry_point_that_is_not_there_is_named() -> None:
    message = f"{LOADING}File does not exist"
    stack = f"Error: {message}\n    at startApp (/workers/x/dist/worker.js:4:3)"
    error = failure(message=message, stack_trace=stack)
    assert error == FunctionError("Error", message, f"Error: {message}")


def test_java_tells_package_and_class() -> None:
    stack = "java.lang.IllegalStateException: no\n\tat com.x.Function.run(Function.java:20)"
    error = failure(message="java.lang.IllegalStateException: no", stack_trace=stack)
    assert error.title == "java.lang.IllegalStateException: no"
    assert error.stack.count("IllegalStateException") == 1


JAVA = """java.lang.reflect.InvocationTargetException
\tat java.base/java.lang.reflect.Method.invoke(Method.java:569)
\tat com.microsoft.azure.functions.worker.broker.JavaMethodInvokeInfo.invoke(J.java:4)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: java.lang.IllegalStateException
\tat shop.Orders.check(Orders.java:7)
\tat shop.Hello$Inner.run(Hello.java:20)
\t... 17 more
Caused by: java.io.IOException: no
\tat java.base/java.io.Reader.read(Reader.java:1)
\t... 3 more"""


def test_java_s_exceptions_are_those_of_the_function(tmp_path: Path) -> None:
    app = tmp_path / "target" / "azure-functions" / "shop"
    source = tmp_path / "src" / "main" / "java" / "shop" / "Orders.java"
    source.parent.mkdir(parents=True)
    source.touch()
    places = Places(Path("/workers/x"), app)
    raw = PROTOCOL.message("RpcException")(message="IllegalStateException: ", stack_trace=JAVA)
    error = error_of(raw, places)
    assert error.title == "IllegalStateException"
    assert (error.file, error.line) == (str(source), 7)
    assert error.stack == (
        "java.lang.IllegalStateException\n"
        "\tat shop.Orders.check(Orders.java:7)\n"
        "\tat shop.Hello$Inner.run(Hello.java:20)\n"
        "Caused by: java.io.IOException: no\n"
        "\tat java.base/java.io.Reader.read(Reader.java:1)"
    )


def test_a_function_of_java_that_cannot_be_loaded_has_no_frames_of_the_worker() -> None:
    stack = (
        "java.lang.ClassNotFoundException: shop.Gone\n"
        "\tat java.base/java.lang.Class.forName(Class.java:467)\n"
        "\tat com.microsoft.azure.functions.worker.broker.FunctionDefinition.<init>(F.java:4)\n"
        "\tat java.base/java.lang.Thread.run(Thread.java:840)"
    )
    error = failure(message="ClassNotFoundException: shop.Gone", stack_trace=stack)
    assert error.title == "ClassNotFoundException: shop.Gone"
    assert error.stack == "\n".join(stack.split("\n")[:2])
    assert error.file is None


DOTNET = """System.InvalidOperationException: outer
 ---> System.ArgumentException: inner
   at Shop.Todos.Add(String task) in /app/Todos.cs:line 22
   --- End of inner exception stack trace ---
   at Shop.Skills.Add(String task) in /app/Skills.cs:line 9
   at Microsoft.Azure.Functions.Worker.Invocation.Invoker.InvokeAsync(Object i) in /_/I.cs:line 3
--- End of stack trace from previous location ---
   at Microsoft.Azure.Functions.Worker.FunctionsApplication.InvokeFunctionAsync()"""


def test_net_s_exceptions_have_their_causes_and_lines() -> None:
    error = failure(message=DOTNET, stack_trace="   at Shop.Skills.Add(String task)")
    assert error.title == "System.InvalidOperationException: outer"
    assert (error.file, error.line) == ("/app/Todos.cs", 22)
    assert error.stack == "\n".join(DOTNET.split("\n")[:5])


def test_a_type_of_its_own_field_counts() -> None:
    error = failure(type="System.ArgumentException", message="Note: no", is_user_exception=True)
    assert error.title == "System.ArgumentException: Note: no"


def test_powershell_names_the_line() -> None:
    error = failure(message="EXCEPTION: no", stack_trace="at <ScriptBlock>, /app/f/run.ps1: line 9")
    assert (error.file, error.line) == ("/app/f/run.ps1", 9)
    assert error.type == "Exception"


def test_what_has_no_type_is_an_exception() -> None:
    assert failure(message="Something: happened").title == "Exception: Something: happened"


@pytest.mark.parametrize("stack", ["", "at a\nat b"])
def test_the_report_that_other_hosts_make_is_taken_apart(stack: str) -> None:
    text = "Result: Failure\nException: ValueError: no"
    result = PROTOCOL.message("StatusResult")(result=text + (f"\nStack: {stack}" if stack else ""))
    error = failure_of(result, PLACES)
    assert error is not None
    assert error.title == "ValueError: no"
    assert error.stack == (f"ValueError: no\n{stack}" if stack else "")


PRINTED = """Worker was unable to load entry point "src/a.js"
/app/src/a.js:3
  const = 1
        ^
SyntaxError: Unexpected token '='
    at wrapSafe (node:internal/modules/cjs/loader:1281:20)""".split("\n")


def test_an_exception_is_found_in_what_was_printed() -> None:
    error = printed_failure(PRINTED, PLACES)
    assert error is not None
    assert error.title == "SyntaxError: Unexpected token '='"
    assert (error.file, error.line) == ("/app/src/a.js", 3)


def test_errors_that_were_reported_count_as_those_that_were_printed() -> None:
    error = printed_failure(PRINTED, PLACES, ['Worker was unable to load entry point "src/a.js"'])
    assert error == printed_failure(PRINTED, PLACES)
    error = printed_failure([], PLACES, [f"{LOADING}no"])
    assert error is not None
    assert error.message == f"{LOADING}no"


def test_what_a_worker_says_of_itself_keeps_no_app_from_being_loaded() -> None:
    old = "Node.js v20 reached EOL on 2026-04. Please upgrade to a supported version."
    printed = [f"LanguageWorkerConsoleLog[error] {old}"]
    assert printed_failure(printed, PLACES, [old]) is None


def test_complaints_without_an_exception_are_told_whole() -> None:
    error = printed_failure(["one", "two"], PLACES)
    assert error == FunctionError("Exception", "two", "one\ntwo")
    assert printed_failure(["", " "], PLACES) is None
