"""How recordings are compared and played: `rules.json` beside them, and settings for one run.

{
  "facets": {"instructions": "warn", "tools": "warn", "parameters": "ignore", "model": "ignore"},
  "ignore": {"GetOrders": ["$.items[*].price"]},
  "opaque": true,
  "skills": "live",
  "samples": 1,
  "keep_errors": false,
  "pace": 0
}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from bindings.openai.recordings.folder import RULES_FILE
from bindings.openai.recordings.paths import JsonPath
from emulator.sdk import BindingError, SettingsView

SKILLS_SETTING = "FUNCEMU_RECORDINGS_SKILLS"
DRIFT_SETTING = "FUNCEMU_RECORDINGS_DRIFT"

Policy = Literal["ignore", "warn", "fail"]
Skills = Literal["live", "replay"]


class FacetPolicies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do when a recording is played although a facet of the request is another."""

    instructions: Policy = "warn"
    tools: Policy = "warn"
    parameters: Policy = "ignore"
    model: Policy = "ignore"


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ignore` maps a skill to paths in its results that do not count; `opaque` allows ids and
    times in results to differ; `samples` is how many replies to one request are kept; `pace`
    plays them at a multiple of the time they took."""

    facets: FacetPolicies = FacetPolicies()
    ignore: Mapping[str, list[str]] = {}
    opaque: bool = True
    skills: Skills = "live"
    samples: int = 1
    keep_errors: bool = False
    pace: float = 0.0

    def ignored(self) -> dict[str, list[JsonPath]]:
        return {skill.lower(): [JsonPath(p) for p in paths] for skill, paths in self.ignore.items()}


def read_rules(folder: Path, settings: SettingsView | None = None) -> Rules:
    """Return the rules of a folder of recordings; settings win over the file."""
    rules = _of_file(folder / RULES_FILE)
    if settings is None:
        return rules
    skills = _choice(settings, SKILLS_SETTING, ("live", "replay"))
    drift = _choice(settings, DRIFT_SETTING, ("ignore", "warn", "fail"))
    if skills:
        rules = msgspec.structs.replace(rules, skills=skills)
    if drift:
        facets = msgspec.structs.replace(rules.facets, instructions=drift, tools=drift)
        rules = msgspec.structs.replace(rules, facets=facets)
    return rules


def _of_file(file: Path) -> Rules:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return Rules()
    except OSError as error:
        raise _invalid(file, str(error)) from error
    try:
        rules = msgspec.json.decode(data, type=Rules)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise _invalid(file, str(error)) from error
    rules.ignored()
    return rules


def _invalid(file: Path, problem: str) -> BindingError:
    return BindingError(
        f"The rules of the recordings, {file}, cannot be used: {problem}.",
        hint="They may have facets, ignore, opaque, skills, samples, keep_errors and pace.",
        code="recording-rules-invalid",
    )


def _choice(settings: SettingsView, name: str, choices: tuple[str, ...]) -> str:
    value = (settings.get(name) or "").strip().lower()
    if value and value not in choices:
        raise BindingError(
            f"The setting {name} should be {' or '.join(choices)}, not '{value}'.",
            code="setting-invalid",
        )
    return value
