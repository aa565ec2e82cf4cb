"""What a worker says about the app's functions, or what lies beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emulator.model import FunctionError
from emulator.workers.channel import Index, IndexedFunction
from emulator.workers.functionrpc.failures import failure_of, printed_failure
from emulator.workers.functionrpc.messages import indexed_of
from emulator.workers.functionrpc.places import Places

METADATA_FILE = "functions.metadata"


@dataclass(slots=True)
class Found:
    """What is known of the app so far."""

    init_error: FunctionError | None = None
    """Why the worker could not begin; some load the app's code when they do."""
    index: Index | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    """What the worker said of each function, by name in lower case."""
    errors: dict[str, FunctionError] = field(default_factory=dict)
    """Why functions could not be read that the worker has listed all the same."""


def index_of(
    found: Found,
    response: Any | None,
    *,
    places: Places,
    printed: Sequence[str],
    reported: Sequence[str],
    streams: bool,
) -> Index:
    """Make the index of a metadata response; of what the worker printed and which errors it
    reported until then, its complaint about the app is looked for."""
    if found.init_error is not None:
        return Index(error=found.init_error)
    if response is None:
        return Index(_from_file(places.app), streams=streams)
    error = failure_of(response.result, places)
    if error is not None:
        return Index(error=error)
    functions = []
    for each in response.function_metadata_results:
        if each.HasField("status"):
            error = failure_of(each.status, places)
            # A worker that never fills it in has not said Failure of each of its functions.
            if error is not None and each.status.ByteSize():
                if not each.raw_bindings:
                    # It will not be loaded, which would tell of it.
                    functions.append(replace(indexed_of(each, places.app), error=error))
                    continue
                found.errors[each.name.lower()] = error
        found.metadata[each.name.lower()] = each
        functions.append(indexed_of(each, places.app))
    if functions:
        return Index(tuple(functions), streams=streams)
    listed = _from_file(places.app)
    if listed is None and not any(places.app.glob("*/function.json")):
        # To some workers a file that cannot be loaded is one without functions.
        return Index(error=printed_failure(printed, places, reported), streams=streams)
    return Index(listed, streams=streams)


def _from_file(app: Path) -> tuple[IndexedFunction, ...] | None:
    """Read the list that the build of a .NET project leaves beside the worker."""
    try:
        entries = json.loads((app / METADATA_FILE).read_text("utf-8-sig"))
    except (OSError, ValueError):
        return None
    if not isinstance(entries, list):
        return None
    return tuple(_listed(each, app) for each in entries if isinstance(each, dict))


def _listed(entry: Mapping[str, Any], app: Path) -> IndexedFunction:
    members = {str(name).lower(): value for name, value in entry.items()}
    bindings = members.get("bindings")
    retry = members.get("retry")
    return IndexedFunction(
        name=str(members.get("name", "")),
        bindings=tuple(each for each in bindings if isinstance(each, dict))
        if isinstance(bindings, list)
        else (),
        directory=str(app),
        script_file=str(members.get("scriptfile", "")),
        entry_point=str(members.get("entrypoint", "")),
        retry=retry if isinstance(retry, dict) else None,
    )
