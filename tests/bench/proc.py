"""What Linux tells of processes: CPU, memory, descriptors, threads. Elsewhere nothing is known."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Stat:
    """Of a line of /proc/PID/stat."""

    state: str
    parent: int
    ticks: int
    """CPU in user and system mode, of all threads."""
    threads: int
    started: int
    """In ticks since the machine was started."""


def known() -> bool:
    return (PROC / "self" / "stat").exists()


def parse_stat(text: str) -> Stat:
    """Parse the line; the name in brackets may itself hold blanks and brackets."""
    fields = text.rpartition(")")[2].split()
    return Stat(
        fields[0],
        int(fields[1]),
        int(fields[11]) + int(fields[12]),
        int(fields[17]),
        int(fields[19]),
    )


def parse_rollup(text: str) -> dict[str, float]:
    """Parse /proc/PID/smaps_rollup to MB by name."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB":
            found[name] = int(words[0]) * 1024 / 1e6
    return found


def tree(pid: int) -> list[int]:
    """Return the process and what it has started, whichever of its threads did."""
    found = [pid]
    for listed in (PROC / str(pid) / "task").glob("*/children"):
        found += [each for child in _read(listed).split() for each in tree(int(child))]
    return found


def cpu(pid: int) -> float:
    """Return the CPU seconds the process has used so far."""
    text = _read(PROC / str(pid) / "stat")
    return parse_stat(text).ticks / os.sysconf("SC_CLK_TCK") if text else 0.0


def rss(pid: int) -> float:
    """Return the resident MB, those shared with other processes included."""
    fields = _read(PROC / str(pid) / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if fields else 0.0


def pss(pids: Iterable[int]) -> float:
    """Return the MB of the processes, what they share counted in parts."""
    texts = (_read(PROC / str(pid) / "smaps_rollup") for pid in pids)
    return sum(parse_rollup(text).get("Pss", 0.0) for text in texts)


def started(pid: int) -> int:
    """Return a number that is higher for a process that was started later."""
    text = _read(PROC / str(pid) / "stat")
    return parse_stat(text).started if text else 0


def command(pid: int) -> str:
    return _read(PROC / str(pid) / "cmdline").replace("\0", " ")


def threads(pid: int) -> int:
    text = _read(PROC / str(pid) / "stat")
    return parse_stat(text).threads if text else 0


def descriptors(pid: int) -> int:
    try:
        return len(os.listdir(PROC / str(pid) / "fd"))
    except OSError:
        return 0


def _read(path: Path) -> str:
    """Return the text, or nothing when the process is gone."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
