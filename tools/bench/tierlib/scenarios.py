# SPDX-License-Identifier: GPL-2.0
"""What is run, on which machine, and what is made of it.

Owns the sizes, the patterns and the goals.  A scenario makes boots, each a
machine and the runs for guest.py (see there), and turns what came back into
rows of the table.  No figure is known here; all are measured.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from typing import Callable

from . import figures
from .figures import Goal, Row

PAGE = 4096
# Pages of the CPU tier, and of what is accessed: four times as many.
MEMORY = 2048
FOOTPRINT = 4 * MEMORY
OFF = {"enabled": 0}
AUTO = {"enabled": 1, "mode": 1}
THRESHOLDS = {"enabled": 1, "mode": 0}
NAMES = {"zipf:0.99": "zipf 0.99", "phases": "phases", "uniform": "uniform"}


@dataclass
class Options:
    """What the command line says about the runs."""
    seconds: float = 12.0           # of a phase
    quick: bool = False
    kernel: str = "stock"
    numa_kernel: str = "6.12"


@dataclass
class Boot:
    """One guest: tools/vm's options and what is run in it."""
    machine: list[str]
    runs: list[dict] = field(default_factory=list)
    bench: str = ""                 # instead of runs: a mode of tw-bench
    kernel: str = "stock"


@dataclass
class Scenario:
    """One part of the benchmark."""
    help: str
    boots: Callable[[Options], list[Boot]]
    rows: Callable[[dict, Options], list[Row]]


def program(options: Options, pattern: str, phases: int, *more, pages: int = FOOTPRINT,
            seconds: float = 0.0, **rest) -> dict:
    """One tw-workload; a fifth of its accesses write, and all its bytes are checked."""
    return {"arguments": [
        "--footprint", pages * PAGE, "--pattern", pattern, "--phases", phases,
        "--seconds", seconds or options.seconds, "--write-percent", 20, "--verify", *more], **rest}


# -- placement: one CPU's node and the GPU's -------------------------------------------------

# Accesses so far apart (ns) that a page is touched a few times a second on the
# average, as in a large memory: if all are touched in every scan, no bit tells which are hot.
PACE = 20000
MODES = {"off": OFF, "auto": AUTO, "thresholds": THRESHOLDS}
PLACED = {"zipf:0.99": 2, "phases": 3}


def placement_boots(options: Options) -> list[Boot]:
    """Each pattern with each mode, all in one boot."""
    runs = [{"name": f"placement/{pattern}/{mode}", "policy": knobs,
             "tiers": {"cpu": MEMORY, "gpu": FOOTPRINT},
             "programs": [program(options, pattern, phases, "--think", PACE,
                                  "--interval", options.seconds / 60)]}
            for pattern, phases in PLACED.items() for mode, knobs in MODES.items()]
    return [Boot(["--icount", "--no-bind"], runs, kernel=options.kernel)]


def placement_rows(results: dict, _options: Options) -> list[Row]:
    """The worst phase's steady state, how soon it was there, and moves to and fro."""
    rows = []
    for pattern in PLACED:
        still = figures.phases(figures.tallies(results[f"placement/{pattern}/off"]))
        for mode in ("auto", "thresholds"):
            split = figures.phases(figures.tallies(results[f"placement/{pattern}/{mode}"]))
            name = f"{NAMES[pattern]}, {mode}"
            rows.append(Row("placement", name, min(map(figures.steady, split)), "of the best",
                            "policy off", min(map(figures.steady, still)),
                            Goal(0.95, least=True), note="the worst phase"))
            rows.append(settling_row(name, split))
            wasted, moved = figures.thrash(split)
            rows.append(Row("placement", f"{name}, to and fro", wasted, "% of moves",
                            goal=Goal(2), note=f"of {moved} in steady state"))
    return rows


def settling_row(name: str, split: list) -> Row:
    """Time to 90 % of the gain after phase changes: scans, and seconds as a note."""
    times = [time for time in map(figures.settling, split[1:]) if time]
    title = f"{name}, time to 90 % of the gain"
    if not times:
        return Row("placement", title, why_not="no phase gained anything")
    seconds = figures.mean([time[1] for time in times])
    return Row("placement", title, figures.mean([time[0] for time in times]), "scans",
               note=f"{seconds:.2f} s; mean of {len(times)} phase changes")


# -- swap: the same disks ---------------------------------------------------------------------

STORES = {"nvme": MEMORY * 2, "ssd": MEMORY * 3 // 4, "hdd": MEMORY * 3 // 4}
PRIORITY = {"nvme": 3, "ssd": 2, "hdd": 1}
PATTERNS = {"zipf:0.99": 2, "phases": 3, "uniform": 1}
DISKS = {"": "", "slow": "slow-disks"}


def disk_runs(options: Options, disks: str) -> list[dict]:
    """Our tiers with and without the policy, and swap, one after the other."""
    runs = []
    for pattern, phases in PATTERNS.items():
        for side in ("on", "off", "swap"):
            work = program(options, pattern, phases, "--interval", options.seconds / 20)
            run = {"name": f"swap{disks}/{pattern}/{side}", "drain": list(STORES),
                   "programs": [work]}
            if side == "swap":
                work["arguments"] += ["--memory", "anon", "--fast-pages", MEMORY]
                work["memory_max"] = MEMORY
                run["swap"] = [[name, pages, PRIORITY[name]] for name, pages in STORES.items()]
            else:
                run["tiers"] = {"cpu": MEMORY, **STORES}
                run["policy"] = AUTO if side == "on" else OFF
            runs.append(run)
    return runs


def swap_boots(options: Options) -> list[Boot]:
    """A boot for each speed of the disks."""
    return [Boot(["--icount-sleep", "--no-bind"] + (["--topology", topology] if topology else []),
                 disk_runs(options, disks), kernel=options.kernel)
            for disks, topology in DISKS.items() if not (options.quick and disks)]


def swap_rows(results: dict, options: Options) -> list[Row]:
    """Work done in the same time."""
    rows = []
    for disks in DISKS:
        if options.quick and disks:
            continue
        for pattern in PATTERNS:
            lines = {side: figures.tallies(results[f"swap{disks}/{pattern}/{side}"])
                     for side in ("on", "off", "swap")}
            value = figures.rate(lines["on"])
            late = "; second halves of phases: " + " / ".join(
                f"{figures.late_rate(lines[side]):,.0f}" for side in lines)
            name = NAMES[pattern] + (f", {disks} disks" if disks else "")
            rows.append(Row("swap", name, value, "accesses/s", "kernel swap",
                            figures.rate(lines["swap"]), Goal(2, least=True, ratio=True),
                            note="on / off / swap" + late))
            rows.append(Row("swap", name, value, "accesses/s", "policy off",
                            figures.rate(lines["off"]), Goal(0.95, least=True, ratio=True)))
    return rows


# -- agents: a hog and its victim ----------------------------------------------------------------

VICTIM, HOG = 1, 2
LIMIT = MEMORY // 2
VICTIM_PAGES = LIMIT - LIMIT // 8


def agent_boots(options: Options) -> list[Boot]:
    """The victim alone, then beside a hog with a limit, then beside one without."""
    seconds = 2 * options.seconds

    def victim():
        return program(options, "zipf:0.99", 1, "--think", PACE, "--agents", 1, "--agent-id",
                       VICTIM, "--interval", seconds / 40, pages=VICTIM_PAGES, seconds=seconds)

    def hog():
        return program(options, "uniform", 1, "--think", PACE, "--agents", 1, "--agent-id", HOG,
                       "--interval", seconds / 40, pages=2 * MEMORY, seconds=1e6)
    base = {"tiers": {"cpu": MEMORY, "gpu": MEMORY // 2, "nvme": FOOTPRINT}, "policy": AUTO}
    return [Boot(["--icount-sleep", "--no-bind"], kernel=options.kernel, runs=[
        {"name": "agents/alone", **base, "programs": [victim()]},
        {"name": "agents/limited", **base, "programs": [victim(), hog()],
         "limits": {HOG: {"cpu": LIMIT}}},
        {"name": "agents/unlimited", **base, "programs": [victim(), hog()]}])]


def agent_rows(results: dict, _options: Options) -> list[Row]:
    """The victim's share and faults; what the hog got away with."""
    alone = figures.tallies(results["agents/alone"])
    rows = []
    for name, goals in (("limited", True), ("unlimited", False)):
        beside = figures.tallies(results[f"agents/{name}"])
        held = max(line["pages"]["cpu"] for line in figures.tallies(results[f"agents/{name}"], 1))
        title = f"beside a hog {'with a' if goals else 'without'} limit"
        lost = 100 * (figures.mean(list(map(figures.share, alone))) -
                      figures.mean(list(map(figures.share, beside))))
        rows.append(Row("agents", f"victim's share of the CPU tier, {title}",
                        100 * figures.mean(list(map(figures.share, beside))), "%", "alone",
                        100 * figures.mean(list(map(figures.share, alone))),
                        note=f"lost {lost:.2f} points; the hog had up to {held} pages there"))
        rows.append(Row("agents", f"points lost, {title}", max(lost, 0.0), "points",
                        goal=Goal(2) if goals else None))
        rows.append(Row("agents", f"victim's major faults, {title}",
                        figures.faults_per_operation(beside), "an access", "alone",
                        figures.faults_per_operation(alone),
                        Goal(1.05, ratio=True) if goals else None))
    return rows


# -- numa: the kernel's own tiering of two nodes ------------------------------------------------

NUMA_MEMORY = 8192
NUMA_PACE = 5000
# What the kernel keeps free of a node that it fills is not the program's.
NUMA_MACHINE = ["--mem", "0=512M,1=512M"]
TIERING = [["/proc/sys/kernel/numa_balancing", "{balancing}"],
           ["/sys/kernel/mm/numa/demotion_enabled", "{demotion}"],
           # Hot pages are scattered: whole huge pages would be placed worse.
           ["/sys/kernel/mm/transparent_hugepage/enabled", "never"]]


def tiering(on: bool) -> list:
    """The kernel's own, or none of it."""
    return [[path, text.format(balancing=2 * on, demotion=str(on).lower())]
            for path, text in TIERING]


def numa_run(options: Options, pattern: str, side: str) -> dict:
    """A fixed number of accesses, so that what is spent beside them can be told."""
    count = int(options.seconds * 1e9 / NUMA_PACE)
    work = program(options, pattern, PLACED[pattern], "--think", NUMA_PACE,
                   "--interval", options.seconds / 30, "--ops", count, pages=4 * NUMA_MEMORY)
    run = {"name": f"numa/{pattern}/{side}", "programs": [work],
           "settings": tiering(side == "kernel")}
    if side.startswith("kernel"):
        work["arguments"] += ["--memory", "anon"]
        run["room"] = NUMA_MEMORY
    else:
        run["policy"] = AUTO if side == "ours" else OFF
        run["tiers"] = {"cpu": f"as numa/{pattern}/kernel", "gpu": 4 * NUMA_MEMORY}
    return run


def numa_boots(options: Options) -> list[Boot]:
    """Both sides with and without, in one boot; the kernel first, ours gets what it had."""
    return [Boot(["--icount", "--no-bind", *NUMA_MACHINE],
                 [numa_run(options, pattern, side) for pattern in PLACED
                  for side in ("kernel", "kernel-off", "ours", "ours-off")],
                 kernel=options.numa_kernel)]


def phase_mean(phase: list) -> float:
    """The share over all of a phase, the time it took to adapt included."""
    return figures.mean(list(map(figures.share, phase))) or 0.0


def numa_rows(results: dict, _options: Options) -> list[Row]:
    """Each phase's share; then the work beside the accesses."""
    rows = []
    for pattern in PLACED:
        lines = {side: figures.tallies(results[f"numa/{pattern}/{side}"])
                 for side in ("kernel", "kernel-off", "ours", "ours-off")}
        pages = results[f"numa/{pattern}/ours"]["tiers"]["cpu"]
        for number, (ours, theirs) in enumerate(zip(figures.phases(lines["ours"]),
                                                    figures.phases(lines["kernel"]))):
            rows.append(Row(
                "numa", f"{NAMES[pattern]}, phase {number}: share of the CPU node",
                phase_mean(ours), "of accesses", "the kernel's", phase_mean(theirs),
                Goal(1, least=True, ratio=True),
                note=f"{pages} pages; at the end {figures.steady(ours, figures.share):.3f} / "
                     f"{figures.steady(theirs, figures.share):.3f}"))
        spent = {side: 1e3 * (figures.busy(lines[side]) - figures.busy(lines[f"{side}-off"]))
                 for side in ("ours", "kernel")}
        rows.append(Row("numa", f"{NAMES[pattern]}: instructions for tiering", spent["ours"],
                        "million", "the kernel's", spent["kernel"], Goal(0.5, ratio=True)))
    return rows


SCENARIOS = {
    "placement": Scenario("hot pages in the CPU tier, against the oracle",
                          placement_boots, placement_rows),
    "swap": Scenario("work done over throttled disks, against the kernel's swap",
                     swap_boots, swap_rows),
    "numa": Scenario("two nodes, against the kernel's NUMA balancing with demotion",
                     numa_boots, numa_rows),
    "agents": Scenario("a victim beside a hog with a limit", agent_boots, agent_rows),
}


def command(boot: Boot, runs: str) -> list[str]:
    """tools/vm's arguments for a boot."""
    inside = ["build/bench/tw-bench", *shlex.split(boot.bench)] if boot.bench else \
        ["/usr/bin/python3", "-B", "tools/bench/tierlib/guest.py", runs]
    return ["--kernel", boot.kernel, *boot.machine, "--", *inside]


def parse(_boot: Boot, text: str) -> dict:
    """What came back, by the runs' names."""
    answers = [json.loads(line) for line in text.splitlines()]
    return {answer["name"]: answer for answer in answers}
