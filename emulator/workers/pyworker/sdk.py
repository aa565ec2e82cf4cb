"""What is used of `azure.functions`, taken from the app's environment, late."""

from __future__ import annotations

import sys
from typing import Any, Optional, Tuple

CLASSIC = sys.version_info < (3, 13)
"""Up to Python 3.12 Azure runs the older worker; some of its messages read differently."""


class SdkError(Exception):
    """The SDK is missing or of no use; the text says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Sdk:
    """The SDK's modules and the few classes every call needs."""

    def __init__(self) -> None:
        install = f"install it with `{sys.executable} -m pip install azure-functions`"
        try:
            import azure.functions as func
        except ModuleNotFoundError as error:
            if error.name not in ("azure", "azure.functions"):
                raise SdkError(
                    f"azure-functions cannot be imported by {sys.executable}:"
                    f" it needs the module {error.name!r}",
                    f"reinstall it with `{sys.executable} -m pip install --force-reinstall"
                    " azure-functions`",
                ) from error
            raise SdkError(
                f"azure-functions is not installed for {sys.executable}", install
            ) from error
        except Exception as error:
            raise SdkError(
                f"azure-functions cannot be imported by {sys.executable}:"
                f" {type(error).__name__}: {error}",
                install,
            ) from error
        try:
            from azure.functions import meta

            registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
            self.version = _version(func)
            self.functions: Any = func
            self.meta: Any = meta
            self.datum: Any = meta.Datum
            self.registry = registry
            self.app_class: Any = getattr(func, "FunctionRegister", None)
            self.out_class: Any = func.Out
            self.response_class: Any = func._abc.HttpResponse
            self.request_converter: Any = registry.get("httpTrigger")
            self.response_converter: Any = registry.get("http")
            self.request_class: Any = sys.modules["azure.functions.http"].__dict__["HttpRequest"]
        except (AttributeError, KeyError, ImportError) as error:
            raise SdkError(
                f"azure-functions {_version(func) or ''} of {sys.executable} is too old".replace(
                    "  ", " "
                ),
                f"update it with `{sys.executable} -m pip install --upgrade azure-functions`",
            ) from error

    def converter(self, binding_type: str) -> Any:
        """Return the SDK's converter of a binding type; `None` means its data stay as they are."""
        return self.registry.get(binding_type)

    def has_implicit_output(self, binding_type: str) -> bool:
        """Say whether a function with such a binding may return a value without `$return`."""
        converter = self.converter(binding_type)
        if converter is None:
            return True
        ask = getattr(converter, "has_implicit_output", None)
        return bool(ask()) if ask is not None else False


_loaded: Optional[Tuple[Sdk]] = None


def load_sdk() -> Sdk:
    """Import the SDK once per process."""
    global _loaded
    if _loaded is None:
        _loaded = (Sdk(),)
    return _loaded[0]


def _version(func: Any) -> Optional[str]:
    version = getattr(func, "__version__", None)
    if version is not None:
        return str(version)
    try:
        from importlib.metadata import version as installed_version

        return installed_version("azure-functions")
    except Exception:
        return None
