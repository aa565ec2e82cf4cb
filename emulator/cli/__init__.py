"""The command `funcemu`."""

from time import perf_counter

BEGAN = perf_counter()
"""When this process came to us; what is told about a start counts from here."""
