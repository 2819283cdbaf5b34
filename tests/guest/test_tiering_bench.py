# SPDX-License-Identifier: GPL-2.0
"""The figures of tools/bench/tiering: steady state, settling, thrash, goals, table, plot."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools/bench"))

# pylint: disable=wrong-import-position
from tierlib import disks, figures, plot, scenarios     # noqa: E402
from tierlib.figures import Goal, Row          # noqa: E402

pytestmark = pytest.mark.once


def line(phase, seconds, cpu, scans=0, event="interval", **more):
    counters = {"scans": scans, "auto_promoted": 0, "auto_demoted": 0, "auto_thrash": 0}
    counters.update({name: more.pop(name) for name in list(more) if name in counters})
    return {"event": event, "phase": phase, "seconds": seconds, "share": {"cpu": cpu},
            "best": 0.8, "operations": 100 * seconds, "major_faults": 0, "counters": counters,
            **more}


def steps(phase, values):
    """A second apart, four scans each; the last one is the phase's end."""
    return [line(phase, second, 0.8 * value, scans=4 * second,
                 event="phase" if second == len(values) - 1 else "interval")
            for second, value in enumerate(values)]


RISE = steps(1, [0.2, 0.5, 0.8, 0.9, 1, 1, 1, 1, 1])


def test_phases_are_told_apart():
    first = steps(0, [1, 1])
    answer = {"programs": [{"lines": [{"event": "start"}, *first, *RISE, {"event": "end"}]}]}
    assert figures.phases(figures.tallies(answer)) == [first, RISE]


def test_steady_state_is_the_last_quarter():
    assert [entry["seconds"] for entry in figures.last_part(RISE)] == [6, 7, 8]
    assert figures.steady(RISE) == pytest.approx(1)
    assert figures.steady(RISE, figures.share) == pytest.approx(0.8)


def test_time_to_nine_tenths_of_the_gain():
    # From 0.2 to 1: 0.92 is passed by the fifth line.
    assert figures.settling(RISE) == (16, 4)


@pytest.mark.parametrize("values", ([0.5] * 9, [0.5] * 8 + [0.51], [1, 0.9, 0.8, 0.8, 0.8]))
def test_nothing_gained_takes_no_time(values):
    assert figures.settling(steps(0, values)) is None


def test_thrash_counts_the_steady_part_only():
    phase = [line(0, 0, 0), line(0, 3, 0, auto_promoted=100, auto_thrash=90),
             line(0, 4, 0, auto_promoted=150, auto_demoted=50, auto_thrash=91)]
    assert figures.thrash([phase]) == (1, 100)
    assert figures.thrash([steps(0, [1, 1, 1, 1, 1])]) == (0, 0)


def test_rates():
    lines = steps(0, [1, 1, 1]) + RISE
    assert figures.rate(lines) == figures.late_rate(lines) == 100
    assert figures.rate([]) == 0


@pytest.mark.parametrize("row,met", (
    (Row("s", "t", 0.95, goal=Goal(0.95, least=True)), True),
    (Row("s", "t", 0.94, goal=Goal(0.95, least=True)), False),
    (Row("s", "t", 2.1, goal=Goal(2)), False),
    (Row("s", "t", 4, other=2, goal=Goal(2, least=True, ratio=True)), True),
    (Row("s", "t", 3.9, other=2, goal=Goal(2, least=True, ratio=True)), False),
    (Row("s", "t", 0, other=0, goal=Goal(1.05, ratio=True)), True),
    (Row("s", "t", 1, other=0, goal=Goal(1.05, ratio=True)), False),
    (Row("s", "t", 1, goal=Goal(1, ratio=True)), None),
    (Row("s", "t", 1), None),
    (Row("s", "t", why_not="no kernel", goal=Goal(1)), None)))
def test_goals(row, met):
    assert row.met is met
    assert row.json()["met"] is met


def test_table():
    text = figures.table([Row("a", "one", 0.5, "x", "other", 2.0, Goal(0.3, ratio=True)),
                          Row("b", "two", why_not="no such kernel")])
    head, one, two = text.splitlines()
    assert head.startswith("scenario") and "goal" in head
    assert one.split() == ["a:", "one", "0.5000", "x", "other", "2.0000", "0.250", "<=", "x0.3",
                           "met"]
    assert two.endswith("not measured: no such kernel")


def test_plot_has_a_panel_for_each():
    answer = {"programs": [{"lines": RISE}]}
    runs = {"placement/zipf/off": answer, "placement/zipf/auto": answer, "swap/zipf/on": answer,
            "agents/alone": answer, "numa/phases/ours": answer}
    text = plot.script({"runs": runs}, Path("x.png"))
    assert text.count("set title") == 4 and text.count("\ne\n") == 5
    assert not plot.panels({"runs": {}})


def test_runs_have_names_of_their_own():
    options = scenarios.Options()
    names = [run["name"] for scenario in scenarios.SCENARIOS.values()
             for boot in scenario.boots(options) for run in boot.runs]
    assert len(names) == len(set(names)) > 20


@pytest.mark.skipif(subprocess.run(["/sbin/modprobe", "-n", "null_blk"], check=False,
                                   capture_output=True).returncode != 0,
                    reason="this kernel has no null_blk")
@pytest.mark.parametrize("name,slower", (("nvme", 1), ("hdd", 1), ("hdd", 4)))
def test_a_disk_takes_its_time(name, slower):
    """It holds what was written, requests come one after the other, and it goes away."""
    nanoseconds, largest, rotational = disks.FIGURES[name]
    path = disks.make(name, slower)
    queue = Path("/sys/block") / Path(path).name / "queue"
    assert [int((queue / what).read_text()) for what in ("rotational", "max_sectors_kb")] == \
        [rotational, largest]
    fd = os.open(path, os.O_RDWR | os.O_DSYNC | os.O_CLOEXEC)
    before = time.monotonic_ns()
    for at in range(8):
        assert os.pwrite(fd, bytes([at + 1]) * 4096, at * 4096) == 4096
    assert time.monotonic_ns() - before >= 8 * nanoseconds * slower
    os.close(fd)                        # forgets what it has cached
    with open(path, "rb", buffering=0) as disk:
        assert disk.read(32768) == b"".join(bytes([at + 1]) * 4096 for at in range(8))
    disks.drop(name)
    assert not Path(path).exists()
