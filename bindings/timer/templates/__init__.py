"""The template for functions that run on a schedule."""

from __future__ import annotations

from emulator.sdk import Template

TIMER = Template(
    summary="A function that runs on a schedule.",
    package="bindings.timer",
    folder="templates/timer",
    name="tick",
    settings={"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
    host={
        "extensionBundle": {
            "id": "Microsoft.Azure.Functions.ExtensionBundle",
            "version": "[4.*, 5.0.0)",
        }
    },
)
