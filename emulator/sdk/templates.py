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

    Its files are those in `folder` of the importable `package`. For Python: `v2/function_app.py`,
    and in `v1` the folders of the functions. For Node.js: `javascript/src/functions/NAME.js`,
    `typescript/src/functions/NAME.ts`, and in `node` what both have, such as a test. `common` is
    for all, such as `demo.http`. A language without its folder is not offered. Where a word in the
    files, or in their own names, is or begins with `NAME`, the name of what is made is put: `name`
    unless another one is given.
    """

    summary: str
    package: str
    folder: str
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """What goes into Values of local.settings.json, placeholders where only the user knows."""
    host: Mapping[str, Any] = field(default_factory=dict)
    """What goes into host.json beside its version."""
