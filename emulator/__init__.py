"""A local host for Azure Functions apps."""

__version__ = "0.1.0"
