"""Our own options: default < `[tool.funcemu]` < environment < command line.

Command line, environment names, pyproject keys and documentation are all made from `Options`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from emulator.config.levels import LOG_LEVELS, parse_level
from emulator.config.localsettings import HostSection
from emulator.config.optionvalues import DEBUG_PORT, Kind, OptionInfo, ip_address, read_value
from emulator.config.suggest import did_you_mean
from emulator.errors import ConfigError
from emulator.model import Problem, Severity, SourceSpan

T = TypeVar("T")

PYPROJECT = "pyproject.toml"
TABLE = "tool.funcemu"
STATE_FOLDER = ".funcemu"


def _option(
    default: T,
    kind: Kind,
    help: str,
    *,
    flags: tuple[str, ...] = (),
    choices: tuple[str, ...] = (),
    hidden: bool = False,
) -> T:
    meta = {"kind": kind, "help": help, "flags": flags, "choices": choices, "hidden": hidden}
    return field(default=default, metadata=meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The choices of the person who starts the host. `given` names those that were made."""

    path: Path = _option(Path(), "path", "The folder of the app: the one with host.json.")
    port: int = _option(
        7071,
        "number",
        "The port to listen on; 0 takes a free one. Without it LocalHttpPort of "
        "local.settings.json counts.",
        flags=("--port", "-p"),
    )
    host: str = _option(
        "127.0.0.1",
        "text",
        "The address to listen on; 0.0.0.0 lets other machines in. Without it LocalHttpAddress "
        "of local.settings.json counts.",
        flags=("--address", "--host"),
    )
    python: str | None = _option(
        None,
        "text",
        "The Python that runs the app; the default is the app's virtual environment.",
        flags=("--python",),
    )
    functions: tuple[str, ...] = _option(
        (), "list", "Load only these functions.", flags=("--functions",)
    )
    models: str = _option(
        "auto",
        "choice",
        "Where models run: auto plays recordings if there are any, else asks a configured service, "
        "and answers offline without one; replay refuses what is not recorded, record and rerecord "
        "ask the service and keep what it says.",
        flags=("--models",),
        choices=("auto", "offline", "live", "replay", "record", "rerecord"),
    )
    ephemeral: bool = _option(
        False, "flag", "Keep all state in memory and forget it at the end.", flags=("--ephemeral",)
    )
    verbose: bool = _option(
        False, "flag", "Show the host's own log lines as well.", flags=("--verbose",)
    )
    output: str = _option(
        "auto",
        "choice",
        "How to write: auto has colours on a terminal, pretty has them in a pipe, too, plain has "
        "none, json is one object per line.",
        flags=("--output",),
        choices=("auto", "pretty", "plain", "json"),
    )
    log_file: Path | None = _option(
        None,
        "path",
        "A file to which the same lines are added, with the date and without colours.",
        flags=("--log-file",),
    )
    state_dir: Path | None = _option(
        None,
        "path",
        f"Where state is kept; the default is {STATE_FOLDER} in the app's folder.",
        flags=("--state-dir",),
    )
    channel: str = _option(
        "subprocess",
        "choice",
        "How the app's code is run.",
        flags=("--channel",),
        choices=("subprocess", "inprocess"),
        hidden=True,
    )
    cors: tuple[str, ...] = _option(
        (),
        "list",
        "Origins that browsers may call from, separated by commas; * allows all.",
        flags=("--cors",),
    )
    cors_credentials: bool = _option(
        False, "flag", "Let those origins send credentials.", flags=("--cors-credentials",)
    )
    enable_auth: bool = _option(
        False,
        "flag",
        "Ask for function keys as Azure does.",
        flags=("--enable-auth", "--enableAuth"),
    )
    strict: bool = _option(
        False,
        "flag",
        "Refuse an app that has errors, or that Azure would refuse or treat otherwise.",
        flags=("--strict",),
    )
    route_precedence: str = _option(
        "name",
        "choice",
        "Which of two matching routes wins: that of the first function by name, as in Azure, or "
        "the more specific one.",
        flags=("--route-precedence",),
        choices=("name", "specificity"),
    )
    user_log_level: str = _option(
        "Information",
        "choice",
        "The least important log lines of functions that are shown.",
        flags=("--user-log-level",),
        choices=LOG_LEVELS,
    )
    language_worker: str = _option(
        "",
        "text",
        "Arguments for the Python of the app, such as '-m debugpy --listen 127.0.0.1:9091'.",
        flags=("--language-worker",),
    )
    debug: int | None = _option(
        None,
        "port",
        f"Let a debugger attach, on this port; without a number on {DEBUG_PORT}. It stays there "
        "when the app is reloaded.",
        flags=("--debug",),
    )
    debug_wait: bool = _option(
        False,
        "flag",
        "As --debug, and import the app only when a debugger has attached.",
        flags=("--debug-wait",),
    )
    watch: bool = _option(
        True,
        "flag",
        "Reload when a file of the app is saved; on unless --no-watch is given.",
        flags=("--watch",),
    )
    build: bool = _option(
        True,
        "flag",
        "Compile the app before it is loaded, and again when its sources change. Without it that "
        "is done for TypeScript whose package.json has a build or watch script.",
        flags=("--build",),
    )
    poll: bool = _option(
        False,
        "flag",
        "Look for changes by polling, for folders on a network that report none.",
        flags=("--poll",),
    )
    loop: str = _option(
        "auto",
        "choice",
        "The event loop: auto takes uvloop when it is installed.",
        flags=("--loop",),
        choices=("auto", "asyncio"),
        hidden=True,
    )
    timeout: int = _option(
        20,
        "number",
        "Accepted because the official tools take it; it does nothing there or here.",
        flags=("--timeout", "-t"),
        hidden=True,
    )

    given: frozenset[str] = field(default=frozenset(), compare=False)
    problems: tuple[Problem, ...] = field(default=(), compare=False)

    @property
    def state_folder(self) -> Path:
        return self.state_dir or self.path / STATE_FOLDER


def describe_options() -> tuple[OptionInfo, ...]:
    """Return every option in the order of the documentation."""
    return tuple(
        OptionInfo(
            name=each.name,
            kind=each.metadata["kind"],
            help=each.metadata["help"],
            default=each.default,
            environment=f"FUNCEMU_{each.name.upper()}",
            flags=each.metadata["flags"],
            choices=each.metadata["choices"],
            hidden=each.metadata["hidden"],
        )
        for each in fields(Options)
        if each.metadata
    )


def resolve_options(cli: Mapping[str, object], environ: Mapping[str, str], root: Path) -> Options:
    """Gather the options from everywhere; raise `ConfigError` for a value that cannot be used.

    `root` is the folder that a relative `path` starts from, and the app's folder without one.
    Command line values that are `None` count as not given.
    """
    infos = {info.name: info for info in describe_options()}
    app = root / Path(str(cli.get("path") or environ.get("FUNCEMU_PATH") or "")).expanduser()
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, raw, where in _from_pyproject(app, problems, infos):
        values[key] = read_value(infos[key], raw, where, base=app)
    # The official tools' variable; they ignore a level they do not know, and so do we.
    if level := parse_level(environ.get("FUNCTIONS_USER_LOG_LEVEL", "")):
        values["user_log_level"] = level
    for info in infos.values():
        text = environ.get(info.environment)
        if text is not None and text != "":
            where = SourceSpan(f"the environment variable {info.environment}")
            values[info.name] = read_value(info, text, where, base=root)
    for name, given in cli.items():
        if name in infos and given is not None and given != ():
            shown = next(iter(infos[name].flags), name)
            values[name] = read_value(infos[name], given, SourceSpan(shown), base=root)
    problems += _misspelt(environ, infos)
    given_names = frozenset(values)
    values["path"] = app
    options = Options(**values, given=given_names, problems=tuple(problems))
    _check_cors(options, None)
    return options


def apply_host_section(options: Options, host: HostSection) -> Options:
    """Return the options with what local.settings.json says about the host, where nothing else
    was given."""
    changes: dict[str, Any] = {}
    if host.port is not None and "port" not in options.given:
        changes["port"] = host.port
    if host.address is not None and "host" not in options.given:
        where = SourceSpan("LocalHttpAddress (local.settings.json)")
        changes["host"] = ip_address(host.address, where)
    if host.cors and "cors" not in options.given:
        changes["cors"] = host.cors
    if host.cors_credentials is not None and "cors_credentials" not in options.given:
        changes["cors_credentials"] = host.cors_credentials
    if not changes:
        return options
    result = replace(options, **changes)
    _check_cors(result, SourceSpan("local.settings.json"))
    return result


def _from_pyproject(
    app: Path, problems: list[Problem], infos: Mapping[str, OptionInfo]
) -> list[tuple[str, Any, SourceSpan]]:
    file = app / PYPROJECT
    if not file.is_file():
        return []
    # tomllib costs 10 ms to import, which apps without the file need not pay
    import tomllib

    try:
        table: Any = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise ConfigError(
            f"{PYPROJECT} cannot be read: {error}",
            hint=f"The emulator looks for its options there, in [{TABLE}].",
            where=SourceSpan(PYPROJECT),
        ) from error
    for part in TABLE.split("."):
        table = table.get(part, {})
        if not isinstance(table, dict):
            raise ConfigError(
                f"'{part}' in {PYPROJECT} is not a table",
                hint=f"The options of the emulator stand in [{TABLE}].",
                where=SourceSpan(PYPROJECT),
            )
    found = []
    for key, value in table.items():
        where = SourceSpan(f"{PYPROJECT} [{TABLE}] {key}")
        name = key.replace("-", "_").lower()
        if name in infos and name != "path":
            found.append((name, value, where))
        else:
            problems.append(_unknown(f"'{key}' in [{TABLE}]", key, where, infos))
    return found


def _unknown(what: str, key: str, where: SourceSpan, infos: Mapping[str, OptionInfo]) -> Problem:
    known = [info.key for info in infos.values() if not info.hidden and info.name != "path"]
    return Problem(
        "option-unknown",
        f"{what} is no option and is ignored",
        severity=Severity.WARNING,
        where=where,
        hint=did_you_mean(key, known) or f"Options: {', '.join(known)}.",
    )


def _misspelt(environ: Mapping[str, str], infos: Mapping[str, OptionInfo]) -> list[Problem]:
    prefix = "FUNCEMU_"
    known = {info.environment.removeprefix(prefix) for info in infos.values()}
    problems = []
    for name in environ:
        own = name.removeprefix(prefix)
        if name.startswith(prefix) and own not in known:
            near = did_you_mean(own, known)
            # Others of that prefix are settings of bindings; only a likely slip is reported.
            if near:
                hint = near.replace("'", f"'{prefix}", 1)
                problems.append(
                    Problem(
                        "option-unknown",
                        f"The environment variable {name} is no option and is ignored",
                        severity=Severity.WARNING,
                        where=SourceSpan("environment"),
                        hint=hint,
                    )
                )
    return problems


def _check_cors(options: Options, where: SourceSpan | None) -> None:
    if "*" in options.cors and options.cors_credentials:
        raise ConfigError(
            "CORS cannot let every origin ('*') send credentials",
            hint="Name the origins, or leave the credentials out.",
            where=where,
            code="option-invalid",
        )
