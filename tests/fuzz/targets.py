"""Every target by its name."""

from __future__ import annotations

from tests.fuzz import (
    config_targets,
    host_targets,
    model_targets,
    text_targets,
    worker_targets,
)
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (config_targets, text_targets, worker_targets, model_targets, host_targets)
    for target in module.TARGETS
}
