"""The template for HTTP functions."""

from __future__ import annotations

from emulator.sdk import Template

TEMPLATE = Template(
    summary="A function that answers HTTP requests.",
    package="emulator.scaffold",
    folder="templates/http",
    name="hello",
    host={
        "extensionBundle": {
            "id": "Microsoft.Azure.Functions.ExtensionBundle",
            "version": "[4.*, 5.0.0)",
        }
    },
)
