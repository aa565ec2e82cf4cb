"""Runs a function app inside its own interpreter: Python 3.9 and the standard library only.

The process registers this folder as the package `_funcemu_worker`; the in-process channel imports
it under its real name. `azure.functions` is imported late, from the app's environment.
"""
