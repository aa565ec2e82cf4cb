"""Worker extensions: hooks around functions, over every channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.workers.pyworker.sdk import CLASSIC
from tests.support.workers import CHANNELS, decorated, folder_function, serving, started, write

pytestmark = [
    pytest.mark.parametrize("kind", CHANNELS),
    pytest.mark.skipif(not CLASSIC, reason="Azure's worker runs none on this Python"),
]

ON = {"PYTHON_ENABLE_WORKER_EXTENSIONS": "1"}
PACKAGE = {
    ".python_packages/lib/site-packages/watching.py": """
        import logging
        import azure.functions as func

        class Watching(func.AppExtensionBase):
            prefix = "watched"

            @classmethod
            def configure(cls, prefix):
                cls.prefix = prefix

            @classmethod
            def post_function_load_app_level(cls, name, directory, *args, **kwargs):
                print("loaded", name, directory)
                logging.info("loaded %s", name)

            @classmethod
            def pre_invocation_app_level(cls, logger, context, arguments=None, *args, **kwargs):
                logger.info("%s before %s %s", cls.prefix, context.function_name, [*arguments])
                arguments["req"].seen = context.invocation_id

            @classmethod
            def post_invocation_app_level(cls, logger, context, arguments, value, **kwargs):
                logger.info("%s after %s", cls.prefix, value)

        class Failing(func.AppExtensionBase):
            @classmethod
            def pre_invocation_app_level(cls, logger, context, *args, **kwargs):
                raise ValueError("a hook that fails")
    """,
}
APP = """
import watching

@app.route()
def sync(req) -> str:
    return req.seen

@app.route()
async def coroutine(req, context) -> str:
    return req.seen + context.invocation_id

@app.route()
def fails(req) -> str:
    raise KeyError("k")
"""


async def test_hooks_run_around_every_function(kind: str, tmp_path: Path) -> None:
    root = decorated(write(tmp_path, PACKAGE), APP)
    async with serving(kind, root, ON) as worker:
        assert "loaded coroutine" in worker.said()
        assert (await worker.call("sync", id="1")).return_value.value == "1"
        assert (await worker.call("coroutine", id="2")).return_value.value == "22"
        before, failure, after = worker.said("1")
        assert (before[-20:], after[-8:]) == (" before sync ['req']", " after 1")
        assert failure.startswith("a hook that fails\nTraceback")
        assert worker.said("2")[0].endswith(" before coroutine ['req', 'context']")
        assert {log.source for log in worker.logs if log.invocation_id} == {"logging"}
        error = (await worker.call("fails", id="3")).error
        assert error.title == "KeyError: 'k'"
        assert len(worker.said("3")) == 2


async def test_a_function_may_have_hooks_of_its_own(kind: str, tmp_path: Path) -> None:
    function = folder_function(tmp_path, "timed")
    write(
        tmp_path,
        {
            **PACKAGE,
            "timed/main.py": """
            import watching
            import azure.functions as func

            class Timing(func.FuncExtensionBase):
                def __init__(self, file):
                    super().__init__(file)

                def pre_invocation(self, logger, context, arguments=None, *args, **kwargs):
                    logger.info("its own before")

                def post_invocation(self, logger, context, arguments, value, **kwargs):
                    logger.info("its own after")

            watching.Watching.configure("app")
            Timing(__file__)

            def main(req): return "answer"
            """,
            "other/main.py": "def main(req): return 'other'\n",
        },
    )
    async with started(kind, tmp_path, ON) as worker:
        await worker.load(function, folder_function(tmp_path, "other"))
        await worker.call("timed", id="1")
        await worker.call("other", id="2")
        told = [line.partition("\n")[0] for line in worker.said("1")]
        assert told == [
            "app before timed ['req']",
            "a hook that fails",
            "its own before",
            "its own after",
            "app after answer",
        ]
        assert not [line for line in worker.said("2") if "its own" in line]


async def test_without_the_setting_they_do_not_run_and_that_is_told(
    kind: str, tmp_path: Path
) -> None:
    root = decorated(
        write(tmp_path, PACKAGE), "import watching\n@app.route()\ndef f(req): return ''\n"
    )
    async with serving(kind, root, {"PYTHON_ENABLE_WORKER_EXTENSIONS": "0"}) as worker:
        await worker.call("f", id="1")
        assert worker.said("1") == []
        assert worker.said() == [
            "The app has worker extensions (Watching, Failing), which do not run: Azure's worker"
            " runs them when PYTHON_ENABLE_WORKER_EXTENSIONS is 1"
        ]


async def test_apps_one_after_the_other_run_their_own(kind: str, tmp_path: Path) -> None:
    packages = write(tmp_path, PACKAGE)
    own = """
    import watching

    class Own(func.AppExtensionBase):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, *args, **kwargs):
            logger.info("own")

    @app.route()
    def f(req): return ""
    """
    for _ in range(2):
        async with serving(kind, decorated(packages, own), ON) as worker:
            await worker.call("f", id="1")
            assert worker.said("1").count("own") == 1
            # In process the package keeps what another app has configured.
            assert worker.said("1")[0].endswith(" before f ['req']")
    bare = decorated(tmp_path / "bare", "@app.route()\ndef f(req): return ''\n")
    async with serving(kind, bare, ON) as worker:
        await worker.call("f", id="1")
        assert worker.said("1") == []
