"""Binding expressions: `%SETTING%` and `{data.path}` in the texts of bindings."""

from emulator.expressions.parse import parse, substitute_settings
from emulator.expressions.resolve import Expression, text_of

__all__ = ["Expression", "parse", "substitute_settings", "text_of"]
