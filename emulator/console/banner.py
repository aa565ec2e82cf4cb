"""What is shown once an app is ready: who serves, and the list of functions with their URLs."""

from __future__ import annotations

from collections.abc import Iterable

from emulator import __version__
from emulator.console.render import Palette, duration
from emulator.runtime.generation import Generation
from emulator.workers.channel import WorkerInfo
from emulator.workers.languages import LIBRARIES, runtime_title

WORKER_STARTED = "Worker process started and initialized."
"""Editors that start a host wait for this line of the official tools before they go on."""


def banner_lines(
    generation: Generation,
    *,
    base_url: str,
    debug_address: str,
    notes: Iterable[str],
    paint: Palette,
) -> Iterable[str]:
    yield paint(f"funcemu {__version__}", "bold") + paint(f"  {generation.app.root}", "dim")
    yield paint(runtime_line(generation.worker), "dim")
    for note in notes:
        yield paint(note, "dim")
    if debug_address:
        yield paint(f"Debuggers attach on {debug_address}.", "dim")
    yield paint(WORKER_STARTED, "dim")
    yield ""
    yield from function_lines(generation, base_url=base_url, paint=paint)


def runtime_line(worker: WorkerInfo) -> str:
    """Say what runs the app."""
    library = LIBRARIES.get(worker.language)
    sdk = f", {library} {worker.sdk_version}" if library and worker.sdk_version else ""
    title = f"{runtime_title(worker.language)} {worker.version}".rstrip()
    if worker.worker_directory:
        official = f"official worker {worker.worker_version}".rstrip()
        return f"{title} ({official} in {worker.worker_directory}, {worker.executable})"
    return f"{title} ({worker.executable}{sdk})"


def function_lines(generation: Generation, *, base_url: str, paint: Palette) -> Iterable[str]:
    """The block editors look for: HTTP functions first, then the others, then disabled ones."""
    enabled = [f for f in generation.functions.values() if not f.model.disabled]
    routed = {endpoint.function.model.name: endpoint for endpoint in generation.endpoints}
    http = [f for f in enabled if f.model.name in routed]
    others = [f for f in enabled if f.model.name not in routed]
    if enabled:
        yield paint("Functions:", "yellow")
        yield ""
    for function in http:
        name = function.model.name
        endpoint = routed[name]
        methods = function.trigger.declared.properties.get("methods") or ()
        shown = f"[{','.join(str(method).upper() for method in methods)}]" if methods else ""
        url = f"{base_url}/{endpoint.template}"
        yield f"\t{paint(name, 'yellow')}: {paint(shown, 'green')} {paint(url, 'green')}"
        yield ""
    for function in others:
        yield f"\t{paint(function.model.name, 'yellow')}: {function.trigger.declared.type}"
        yield ""
    for function in generation.functions.values():
        if function.model.disabled:
            yield paint(f"Function {function.model.name} is disabled.", "yellow")


def ready_line(seconds: float, count: int, url: str, paint: Palette) -> str:
    functions = f"{count} function" + ("" if count == 1 else "s")
    return paint(f"Ready: {functions} in {duration(seconds)} on {url}. Ctrl+C stops.", "green")
