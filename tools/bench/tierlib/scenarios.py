# SPDX-License-Identifier: GPL-2.0
"""What is run, on which machine, and what is made of it.

Owns the sizes, the patterns and the goals.  A scenario makes boots, each a
machine and the runs for guest.py (see there), and turns what came back into
rows of the table.  No figure is known here; all are measured.
"""

from __future__ import annotations

import json
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
    bench: bool = False             # instead of runs: tools/bench/run with these options
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

# The last one has room for all: swap keeps copies of what is in memory, and
# would run out where ours drops them.
STORES = {"nvme": MEMORY * 2, "ssd": MEMORY * 3 // 4, "hdd": FOOTPRINT}
PRIORITY = {"nvme": 3, "ssd": 2, "hdd": 1}
PATTERNS = {"zipf:0.99": 2, "phases": 3, "uniform": 1}
DEVICE_GOALS = {"zipf:0.99": Goal(2, least=True, ratio=True),
                "phases": Goal(1.2, least=True, ratio=True),
                "uniform": Goal(0.95, least=True, ratio=True)}
# How many times slower than tools/vm's.
DISKS = {"": 1, "slow": 4}
# Regions with and without the policy, swap, and swap to the device over all the stores.
DISK_SIDES = ("on", "off", "swap", "device")


def disk_runs(options: Options, disks: str) -> list[dict]:
    """All sides, one after the other."""
    runs = []
    for pattern, phases in PATTERNS.items():
        for side in DISK_SIDES:
            work = program(options, pattern, phases, "--interval", options.seconds / 20)
            run = {"name": f"swap{disks}/{pattern}/{side}", "disks": DISKS[disks],
                   "programs": [work]}
            if side in ("swap", "device"):
                work["arguments"] += ["--memory", "anon", "--fast-pages", MEMORY]
                work["memory_max"] = MEMORY
                run["settings"] = [["/proc/sys/vm/page-cluster", "0"]]
            if side == "swap":
                run["swap"] = [[name, pages, PRIORITY[name]] for name, pages in STORES.items()]
            elif side == "device":
                run["tiers"] = STORES
                run["swap_device"] = sum(STORES.values())
            else:
                run["tiers"] = {"cpu": MEMORY, **STORES}
                run["policy"] = AUTO if side == "on" else OFF
            runs.append(run)
    return runs


def swap_boots(options: Options) -> list[Boot]:
    """A boot for each speed of the disks."""
    return [Boot(["--icount", "--no-bind"], disk_runs(options, disks), kernel=options.kernel)
            for disks in DISKS if not (options.quick and disks)]


def swap_rows(results: dict, options: Options) -> list[Row]:
    """Work done in the same time."""
    rows = []
    for disks in DISKS:
        if options.quick and disks:
            continue
        for pattern in PATTERNS:
            name = NAMES[pattern] + (f", {disks} disks" if disks else "")
            answers = [results.get(f"swap{disks}/{pattern}/{side}") for side in DISK_SIDES]
            if not all(answers):
                rows.append(Row("swap", name, why_not="a side is missing, see stderr"))
                continue
            lines = dict(zip(DISK_SIDES, map(figures.tallies, answers)))
            value = figures.rate(lines["on"])
            late = "; second halves of phases: " + " / ".join(
                f"{figures.late_rate(lines[side]):,.0f}" for side in lines)
            rows.append(Row("swap", name, value, "accesses/s", "kernel swap",
                            figures.rate(lines["swap"]), Goal(2, least=True, ratio=True),
                            note=" / ".join(DISK_SIDES) + late))
            rows.append(Row("swap", f"{name}, swap device", figures.rate(lines["device"]),
                            "accesses/s", "kernel swap", figures.rate(lines["swap"]),
                            DEVICE_GOALS[pattern]))
            rows.append(Row("swap", f"{name}, swap device", figures.rate(lines["device"]),
                            "accesses/s", "a region", value))
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
    return [Boot(["--icount", "--no-bind"], kernel=options.kernel, runs=[
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
NUMA_MACHINE = ["--topology", "cxl", "--mem", "0=512M,1=512M"]
BALANCING = "/sys/kernel/debug/sched/numa_balancing/"
# The kernel counts its scan periods in the program's own CPU time, of which a
# program that pauses has little: shorter ones make up for that.
NUMA_CPU_SHARE = 0.15
TIERING = [["/proc/sys/kernel/numa_balancing", "{balancing}"],
           ["/sys/kernel/mm/numa/demotion_enabled", "{demotion}"],
           [BALANCING + "scan_delay_ms", f"{1000 * NUMA_CPU_SHARE:.0f}"],
           [BALANCING + "scan_period_min_ms", f"{1000 * NUMA_CPU_SHARE:.0f}"],
           [BALANCING + "scan_period_max_ms", f"{60000 * NUMA_CPU_SHARE:.0f}"],
           # Reserves for a machine of this size, not for one with huge pages.
           ["/proc/sys/vm/min_free_kbytes", "2048"],
           # Hot pages are scattered: whole huge pages would be placed worse.
           ["/sys/kernel/mm/transparent_hugepage/enabled", "never"]]


SIDES = ("kernel", "kernel-off", "ours", "ours-off", "ours-more")
# Five times the default share of a CPU for the scanner: what its limit costs.
MORE = {**AUTO, "scan_permille": 50}
KNOBS = {"ours": AUTO, "ours-off": OFF, "ours-more": MORE}


def tiering(on: bool) -> list:
    """The kernel's own, or none of it."""
    return [[path, text.format(balancing=2 * on, demotion=str(on).lower())]
            for path, text in TIERING]


def numa_run(options: Options, pattern: str, side: str) -> dict:
    """A fixed number of accesses, so that what is spent beside them can be told."""
    count = int(options.seconds * 1e9 / NUMA_PACE)
    work = program(options, pattern, PLACED[pattern], "--think", NUMA_PACE,
                   "--interval", options.seconds / 15, "--ops", count, pages=4 * NUMA_MEMORY)
    run = {"name": f"numa/{pattern}/{side}", "programs": [work],
           "settings": tiering(side == "kernel")}
    if side.startswith("kernel"):
        work["arguments"] += ["--memory", "anon"]
        run["room"] = NUMA_MEMORY
    else:
        run["policy"] = KNOBS[side]
        run["tiers"] = {"cpu": f"as numa/{pattern}/kernel", "gpu": 4 * NUMA_MEMORY}
    return run


def numa_boots(options: Options) -> list[Boot]:
    """Both sides with and without; the kernel first, ours gets what it had.

    A boot for each pattern: kswapd gives up a node for good that it has failed on often.
    """
    return [Boot(["--icount", "--no-bind", *NUMA_MACHINE],
                 [numa_run(options, pattern, side) for side in SIDES],
                 kernel=options.numa_kernel) for pattern in PLACED]


def phase_mean(phase: list) -> float:
    """The share over all of a phase, the time it took to adapt included."""
    return figures.mean(list(map(figures.share, phase))) or 0.0


def numa_rows(results: dict, _options: Options) -> list[Row]:
    """Each phase's share; then the work beside the accesses."""
    rows = []
    for pattern in PLACED:
        lines = {side: figures.tallies(results[f"numa/{pattern}/{side}"]) for side in SIDES}
        pages = results[f"numa/{pattern}/ours"]["tiers"]["cpu"]
        for side, goals in (("ours", True), ("ours-more", False)):
            name = NAMES[pattern] + ("" if goals else ", scanning with 5 % of a CPU")
            rows += share_rows(name, lines[side], lines["kernel"], pages, goals)
            spent = [1e3 * (figures.busy(lines[one]) - figures.busy(lines[without])) for
                     one, without in ((side, "ours-off"), ("kernel", "kernel-off"))]
            rows.append(Row("numa", f"{name}: instructions for tiering", spent[0], "million",
                            "the kernel's", spent[1], Goal(0.5, ratio=True) if goals else None))
    return rows


def share_rows(name: str, ours: list, theirs: list, pages: int, goals: bool) -> list[Row]:
    """A row a phase."""
    return [Row("numa", f"{name}, phase {number}: share of the CPU node", phase_mean(mine),
                "of accesses", "the kernel's", phase_mean(other),
                Goal(1, least=True, ratio=True) if goals else None,
                note=f"{pages} pages; at the end {figures.steady(mine, figures.share):.3f} / "
                     f"{figures.steady(other, figures.share):.3f}")
            for number, (mine, other) in enumerate(zip(figures.phases(ours),
                                                       figures.phases(theirs)))]


# -- costs: the scanner, and what tools/bench measures anyway ------------------------------------

SCANNED = (10_000, 100_000, 400_000)
SCAN_MACHINE = ["--mem", "0=2G"]
# As often as can be: it is the limit that is to be seen.
BUSY_SCANS = {**AUTO, "scan_min_ms": 10, "scan_max_ms": 10}
SETTING = "plain"


def cost_boots(options: Options) -> list[Boot]:
    """More and more pages under the scanner; then tools/bench/run's counts and disks."""
    most = SCANNED[:-1] if options.quick else SCANNED
    runs = [{"name": f"costs/{pages}", "policy": BUSY_SCANS, "tiers": {"cpu": pages * 9 // 8},
             "programs": [{"arguments": [
                 "--footprint", pages * PAGE, "--pattern", "phases", "--think", PACE,
                 "--seconds", 2 * options.seconds, "--interval", options.seconds / 5]}]}
            for pages in most]
    return [Boot(["--icount", "--no-bind", *SCAN_MACHINE], runs, kernel=options.kernel),
            Boot(["--setting", SETTING, "--skip", "flat"], bench=True, kernel=options.kernel)]


def scanner_rows(results: dict) -> list[Row]:
    """Its share of a CPU, and what a scan costs, among few pages and many."""
    rows, least = [], None
    for pages in SCANNED:
        if f"costs/{pages}" not in results:
            continue
        lines = figures.last_part(figures.tallies(results[f"costs/{pages}"]), 0.8)
        time = 1e9 * (lines[-1]["time"] - lines[0]["time"])
        worked, scans = (figures.growth(lines[0], lines[-1], name) for name in
                         ("scan_ns", "scans"))
        rows.append(Row("costs", f"scanner's share of a CPU, {pages:,} pages",
                        100 * worked / time, "%", goal=Goal(1), note=f"{scans} scans"))
        each = worked / max(figures.growth(lines[0], lines[-1], "scan_pages"), 1)
        rows.append(Row("costs", f"scanning, {pages:,} pages", each, "ns a page",
                        f"{SCANNED[0]:,} pages" if least else "", least))
        least = least or each
    return rows


BENCHED = (
    # title, ours, theirs, goal of the ratio, as MB/s
    ("demotion, clean pages", "demote-clean-time/store", "demote-clean-time/swap",
     Goal(1.5, least=True, ratio=True), True),
    ("demotion, dirty pages", "demote-time/store", "demote-time/swap", None, True),
    ("fault-in, random", "fault-in-random-time/store", "fault-in-random-time/swap",
     Goal(0.8, ratio=True), False),
    ("fault-in, sequential", "fault-in-time/store", "fault-in-time/swap",
     Goal(0.8, ratio=True), False),
    ("scanning a touched page", "scan-touched", "", None, False),
    ("scanning a page, two of each 2 MiB touched", "scan-sparse", "", None, False),
    ("scanning 2 MiB that nobody touches", "scan-idle-2m", "", None, False))


def bench_rows(values: dict) -> list[Row]:
    """What tools/bench/run has found."""
    rows = []
    for title, ours, theirs, goal, rate in BENCHED:
        found = [values.get(name, {}) for name in (ours, theirs)]
        if "value" not in found[0]:
            rows.append(Row("costs", title, why_not=found[0].get("skipped", "not in tw-bench")))
            continue
        mine, other = (PAGE * 1e3 / one["value"] if rate and one.get("value") else
                       one.get("value") for one in found)
        unit = "MB/s" if rate else "ns a page" if found[0]["unit"] == "ns" else found[0]["unit"]
        rows.append(Row("costs", title, mine, unit, "kernel swap" if theirs else "", other, goal))
    return rows


def cost_rows(results: dict, _options: Options) -> list[Row]:
    """Both."""
    return scanner_rows(results) + bench_rows(results["bench"])


SCENARIOS = {
    "placement": Scenario("hot pages in the CPU tier, against the oracle",
                          placement_boots, placement_rows),
    "swap": Scenario("work done over the same disks, against the kernel's swap",
                     swap_boots, swap_rows),
    "numa": Scenario("two nodes, against the kernel's NUMA balancing with demotion",
                     numa_boots, numa_rows),
    "agents": Scenario("a victim beside a hog with a limit", agent_boots, agent_rows),
    "costs": Scenario("the scanner's share; demotion and fault-in, as tools/bench has them",
                      cost_boots, cost_rows),
}


def command(boot: Boot, report: str, timeout: float) -> list[str]:
    """Words for a boot, from the top of the tree; `report` is where tools/bench/run writes."""
    if boot.bench:
        return ["tools/bench/run", "--kernel", boot.kernel, "--json", report, *boot.machine]
    runs = json.dumps(boot.runs, separators=(",", ":"))
    return ["tools/vm", "--kernel", boot.kernel, "--timeout", f"{timeout:g}", *boot.machine, "--",
            "/usr/bin/python3", "-B", "tools/bench/tierlib/guest.py", runs]


def parse(boot: Boot, text: str) -> dict:
    """What came back, by the runs' names."""
    if boot.bench:
        return {"bench": json.loads(text)["settings"][SETTING]["values"]} if text else {}
    # The last line has no end if the guest's came first.
    answers = [json.loads(line) for line in text.splitlines(keepends=True)
               if line.endswith("\n")]
    return {answer["name"]: answer for answer in answers}
