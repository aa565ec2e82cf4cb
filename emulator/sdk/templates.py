"""Templates for `funcemu init` and `funcemu new` that a binding package brings.

An entry point in the group `emulator.templates` names a `Template`; the template is called as the
entry point is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Template:
    """A small app that runs as it is.

    Its files are those in `folder` of the importable `package`: `v2/function_app.py`, in `v1` the
    folders of the functions, and in `common` what both models have, such as `demo.http`. Where a
    word in them, or in their own names, is or begins with `NAME`, the name of what is made is put:
    `name` unless another one is given.
    """

    summary: str
    package: str
    folder: str
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """What goes into Values of local.settings.json, placeholders where only the user knows."""
    host: Mapping[str, Any] = field(default_factory=dict)
    """What goes into host.json beside its version."""
