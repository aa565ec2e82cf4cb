"""Inputs nobody meant well: `python -m tests.fuzz` looks for ones that break a promise.

Each target takes bytes and raises when something other than our own errors comes out, when it
takes too long, or when what it accepts is not what was written. `corpus/` holds the inputs that
are tried each time: some written by hand, and each that ever found something.
"""
