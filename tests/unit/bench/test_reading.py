"""What the measurements read: of /proc, of wrk, and into the README."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.bench import proc
from tests.bench.load import parse_wrk
from tests.bench.machine import describe
from tests.bench.readme import BEGIN, END, README, render
from tests.bench.table import columns_of

STAT = "4711 (a (strange) name) S 12 4711 4711 0 -1 4194560 2 0 0 0 150 25 7 3 20 0 9 0 100 1 2 3\n"
WRK = """\
Running 2s test @ http://127.0.0.1:1/api/hello
  1 threads and 32 connections
  Latency Distribution
     50%    1.10ms
     75%    1.30ms
     90%  900.00us
     99%    1.20s
  48412 requests in 2.01s, 6.51MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:  24085.57
Transfer/sec:      3.24MB
"""


def test_a_stat_line_is_read_behind_the_name_of_the_process() -> None:
    assert proc.parse_stat(STAT) == proc.Stat(
        state="S", parent=12, ticks=175, threads=9, started=100
    )


def test_memory_is_read_from_the_rollup() -> None:
    text = (
        "55d0-7fff ---p 00000000 00:00 0 [rollup]\nRss:  2000 kB\nPss:  1000 kB\nPss_Anon: 10 kB\n"
    )
    found = proc.parse_rollup(text)
    assert found["Pss"] == pytest.approx(1.024)
    assert found["Rss"] == pytest.approx(2.048)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_tree_of_a_process_holds_its_children() -> None:
    child = subprocess.Popen(["sleep", "5"])
    try:
        assert child.pid in proc.tree(os.getpid())
        assert proc.rss(child.pid) > 0
        assert proc.threads(child.pid) == 1
        assert proc.descriptors(os.getpid()) > 2
        assert proc.pss([os.getpid()]) > 1
    finally:
        child.kill()
        child.wait()
    assert proc.cpu(child.pid) == 0
    assert proc.rss(child.pid) == 0


def test_what_wrk_prints_is_read() -> None:
    found = parse_wrk(WRK)
    assert (found.requests, found.rate) == (48412, 24085.57)
    assert (found.p50, found.p99) == (1.1, 1200.0)
    assert found.errors == 15


def test_words_of_wrk_that_are_no_figures_are_an_error() -> None:
    with pytest.raises(RuntimeError, match="unable to connect"):
        parse_wrk("unable to connect to 127.0.0.1:1 Connection refused")


def test_the_machine_is_described_without_anything_of_the_environment() -> None:
    found = describe()
    assert found["cores"] == os.cpu_count()
    assert set(found) == {
        "date",
        "system",
        "cores",
        "cpu",
        "memory GB",
        "load before",
        "python",
        "node",
        "load generator",
        "pinned",
        "libraries",
    }


def test_the_table_of_the_readme_holds_what_was_measured() -> None:
    report = {
        "machine": describe(),
        "settings": {"rounds": 5},
        "sections": {
            "start": {
                "rows": [
                    {"what": "HTTP-only app", "answered s": 0.256},
                    {"what": "assistant app, offline", "note": "failed: no port"},
                ]
            }
        },
    }
    table, left_out = render(report)
    assert "| start to the first answer | 0.26 s |  |" in table
    assert "the same, an app with assistants" in left_out
    assert "no port" not in table


def test_the_readme_has_a_place_for_the_table() -> None:
    text = README.read_text("utf-8")
    assert text.index(BEGIN) < text.index(END)


def test_columns_come_in_their_order_and_notes_last() -> None:
    rows = [{"what": "a", "note": "n"}, {"what": "b", "x": 1.0, "budget": "met"}]
    assert columns_of(rows) == ["what", "x", "budget", "note"]
