"""Function, host, system and master keys, kept in the app's state folder in upstream's layout.

`keys/host.json` holds the master, host and system keys, `keys/<function>.json` those of one
function. They are local secrets of no worth elsewhere, made on first use.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.errors import StateError

MASTER = "_master"


@dataclass(slots=True)
class KeySet:
    """Named keys of one scope, in the order they were made."""

    keys: dict[str, str] = field(default_factory=dict)

    def name_of(self, given: str) -> str | None:
        """Return the name of the key that equals `given`, compared in constant time."""
        found = None
        for name, value in self.keys.items():
            if hmac.compare_digest(_bytes(value), _bytes(given)):
                found = name
        return found


@dataclass(slots=True)
class _HostKeys:
    master: str
    function_keys: KeySet
    system_keys: KeySet


class KeyStore:
    """Keys of one app. `folder` is `None` when everything stays in memory."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._host: _HostKeys | None = None
        self._functions: dict[str, KeySet] = {}

    @property
    def master(self) -> str:
        return self._host_keys().master

    def renew_master(self, value: str | None = None) -> str:
        host = self._host_keys()
        host.master = value or new_key()
        self._save_host(host)
        return host.master

    def scope(self, kind: str, function: str = "") -> KeySet:
        """Return the keys of `functionkeys`, `systemkeys` or, for `function`, of that function."""
        if kind == "function":
            return self._function_keys(function)
        host = self._host_keys()
        return host.system_keys if kind == "systemkeys" else host.function_keys

    def put(self, kind: str, name: str, value: str | None, function: str = "") -> tuple[str, bool]:
        """Set a key, generated when no value is given; return it and whether it is new."""
        keys = self.scope(kind, function).keys
        new = name not in keys
        keys[name] = value or new_key()
        self._save(kind, function)
        return keys[name], new

    def delete(self, kind: str, name: str, function: str = "") -> bool:
        keys = self.scope(kind, function).keys
        if name not in keys:
            return False
        del keys[name]
        self._save(kind, function)
        return True

    def opens(self, level: str, given: str, function: str) -> bool:
        """Whether the key satisfies the authorization level for the function."""
        if not given:
            self._host_keys()  # made now, so that whoever was refused finds one to send
            return False
        if self._matches(level, given, function):
            return True
        if self.folder is None:
            return False
        self._forget()  # somebody may have changed the files
        return self._matches(level, given, function)

    def _forget(self) -> None:
        self._host = None
        self._functions.clear()

    def _matches(self, level: str, given: str, function: str) -> bool:
        if hmac.compare_digest(_bytes(self.master), _bytes(given)):
            return True
        if level == "function":
            return (
                self.scope("functionkeys").name_of(given) is not None
                or self.scope("function", function).name_of(given) is not None
            )
        return level == "system" and self.scope("systemkeys").name_of(given) is not None

    def _host_keys(self) -> _HostKeys:
        if self._host is None:
            stored = self._read("host")
            if stored is None:
                made = _HostKeys(new_key(), KeySet({"default": new_key()}), KeySet())
                self._save_host(made)
                self._host = made  # only now: nobody could read one that was not written
            else:
                master = _key_set([stored.get("masterKey")]).keys
                self._host = _HostKeys(
                    master=next(iter(master.values()), "") or new_key(),
                    function_keys=_key_set(stored.get("functionKeys")),
                    system_keys=_key_set(stored.get("systemKeys")),
                )
                if not master:
                    self._save_host(self._host)
        return self._host

    def _function_keys(self, function: str) -> KeySet:
        name = function.lower()
        if name not in self._functions:
            stored = self._read(f"functions/{name}")
            if stored is None:
                made = KeySet({"default": new_key()})
                self._save_function(name, made)
                self._functions[name] = made
            else:
                self._functions[name] = _key_set(stored.get("keys"))
        return self._functions[name]

    def _save(self, kind: str, function: str) -> None:
        if kind == "function":
            self._save_function(function.lower(), self._functions[function.lower()])
        else:
            self._save_host(self._host_keys())

    def _save_function(self, name: str, keys: KeySet) -> None:
        self._write(f"functions/{name}", {"keys": _key_list(keys)})

    def _save_host(self, host: _HostKeys) -> None:
        self._write(
            "host",
            {
                "masterKey": {"name": "master", "value": host.master, "encrypted": False},
                "functionKeys": _key_list(host.function_keys),
                "systemKeys": _key_list(host.system_keys),
            },
        )

    def _read(self, name: str) -> dict[str, Any] | None:
        if self.folder is None:
            return None
        path = self.folder / f"{name}.json"
        try:
            stored = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise StateError(
                f"The keys in {path} cannot be read: {error}.",
                hint="Mend or delete the file; new keys are made when it is missing.",
            ) from error
        return stored if isinstance(stored, dict) else None

    def _write(self, name: str, content: dict[str, Any]) -> None:
        if self.folder is None:
            return
        path = self.folder / f"{name}.json"
        scratch = path.with_suffix(".json.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in {self.folder, path.parent}:
                folder.chmod(0o700)
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=2)
            scratch.replace(path)
        except OSError as error:
            self._forget()  # what is in the files goes on to count
            raise StateError(
                f"The keys cannot be written to {path}: {error}.",
                hint="Check the folder's rights, or start with --ephemeral.",
            ) from error


def new_key() -> str:
    """Return a fresh key: url-safe, with the marker by which secret scanners know such keys."""
    return base64.urlsafe_b64encode(secrets.token_bytes(39)).decode("ascii") + "AzFu"


def is_sound(text: str) -> bool:
    """Whether a name or value can be one of a key: not empty, and text that can be sent."""
    try:
        return bool(text.encode("utf-8"))
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")  # a header may hold any bytes


def _key_set(stored: Any) -> KeySet:
    entries = stored if isinstance(stored, list) else []
    return KeySet(
        {
            str(entry["name"]): str(entry["value"])
            for entry in entries
            if isinstance(entry, dict)
            and is_sound(str(entry.get("name") or ""))
            and is_sound(str(entry.get("value") or ""))
        }
    )


def _key_list(keys: KeySet) -> list[dict[str, Any]]:
    return [{"name": n, "value": v, "encrypted": False} for n, v in keys.keys.items()]
