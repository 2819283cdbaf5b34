# SPDX-License-Identifier: GPL-2.0
"""From what tw-workload reported to figures, and from figures to a table.

Pure: no guest, no files.  A line is an object as report.c has it, with the
driver's `counters` beside it.  Figures are None where there is nothing to
measure, never a number that only looks like one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Callable, Optional

# The steady state: this last part of a phase.
STEADY_PART = 0.25
# A gain below this is none, and its time means nothing.
LEAST_GAIN = 0.02
SETTLED = 0.9

Line = dict
Value = Callable[[Line], float]


@dataclass
class Goal:
    """What is wanted of a figure or of its ratio to another."""
    limit: float
    least: bool = False             # at least, else at most
    ratio: bool = False

    def text(self) -> str:
        """For the table."""
        return f"{'>=' if self.least else '<='} {'x' if self.ratio else ''}{self.limit:g}"

    def met(self, value: float) -> bool:
        """Is it?"""
        return value >= self.limit if self.least else value <= self.limit


@dataclass
class Row:
    """One line of the table."""
    scenario: str
    title: str
    value: Optional[float] = None
    unit: str = ""
    against: str = ""               # what it is compared with
    other: Optional[float] = None
    goal: Optional[Goal] = None
    why_not: str = ""               # why there is no value
    note: str = ""

    @property
    def ratio(self) -> Optional[float]:
        """To the other one."""
        if self.value is None or not self.other:
            return None
        return self.value / self.other

    @property
    def met(self) -> Optional[bool]:
        """None: no goal, or nothing to hold against it."""
        if not self.goal or self.value is None:
            return None
        if not self.goal.ratio:
            return self.goal.met(self.value)
        if self.ratio is None:
            # Nothing on both sides is as good as the other.
            return None if self.other is None else self.value == 0
        return self.goal.met(self.ratio)

    def json(self) -> dict:
        """For the report."""
        fields = asdict(self)
        fields.update(ratio=self.ratio, met=self.met, goal=self.goal.text() if self.goal else None)
        return fields


def tallies(answer: dict, program: int = 0) -> list[Line]:
    """A program's reports of pages and accesses."""
    return [line for line in answer["programs"][program]["lines"]
            if line["event"] in ("interval", "phase")]


def phases(lines: list[Line]) -> list[list[Line]]:
    """The same, phase by phase."""
    split: dict[int, list[Line]] = {}
    for line in lines:
        split.setdefault(line["phase"], []).append(line)
    return [split[phase] for phase in sorted(split)]


def last_part(phase: list[Line], part: float = STEADY_PART) -> list[Line]:
    """The lines of a phase's end."""
    start = phase[-1]["seconds"] * (1 - part)
    return [line for line in phase if line["seconds"] >= start]


def placement(line: Line) -> float:
    """Share of accesses served by the CPU tier, of what is possible."""
    return line["share"]["cpu"] / line["best"] if line["best"] else 0.0


def share(line: Line) -> float:
    """Share of accesses served by the CPU tier."""
    return line["share"]["cpu"]


def mean(values: list[float]) -> Optional[float]:
    """None of nothing."""
    return sum(values) / len(values) if values else None


def steady(phase: list[Line], value: Value = placement) -> float:
    """The mean over a phase's last part."""
    return mean([value(line) for line in last_part(phase)]) or 0.0


def settled(phase: list[Line], value: Value = placement) -> Optional[Line]:
    """The first line that has 90 % of the phase's gain; None when nothing is gained."""
    before, gain = value(phase[0]), steady(phase, value) - value(phase[0])
    if gain < LEAST_GAIN:
        return None
    for line in phase:
        if value(line) >= before + SETTLED * gain:
            return line
    return None


def settling(phase: list[Line], value: Value = placement) -> Optional[tuple[int, float]]:
    """How long that took, in scans and in seconds."""
    line = settled(phase, value)
    if line is None:
        return None
    return line["counters"]["scans"] - phase[0]["counters"]["scans"], line["seconds"]


def growth(first: Line, last: Line, name: str) -> int:
    """How much a counter has grown."""
    return last["counters"][name] - first["counters"][name]


def thrash(split: list[list[Line]]) -> tuple[float, int]:
    """Of the moves in the steady parts: the percentage to and fro, and how many there were."""
    moved = wasted = 0
    for phase in split:
        part = last_part(phase)
        moved += growth(part[0], part[-1], "auto_promoted") + \
            growth(part[0], part[-1], "auto_demoted")
        wasted += growth(part[0], part[-1], "auto_thrash")
    return (100 * wasted / moved if moved else 0.0), moved


def rate(lines: list[Line]) -> float:
    """Operations per second over all phases."""
    ends = [phase[-1] for phase in phases(lines)]
    seconds = sum(line["seconds"] for line in ends)
    return sum(line["operations"] for line in ends) / seconds if seconds else 0.0


def late_rate(lines: list[Line]) -> float:
    """The same over the second half of each phase."""
    operations = seconds = 0.0
    for phase in phases(lines):
        half = last_part(phase, 0.5)
        operations += half[-1]["operations"] - half[0]["operations"]
        seconds += half[-1]["seconds"] - half[0]["seconds"]
    return operations / seconds if seconds else 0.0


def faults_per_operation(lines: list[Line]) -> float:
    """Major ones."""
    ends = [phase[-1] for phase in phases(lines)]
    operations = sum(line["operations"] for line in ends)
    return sum(line["major_faults"] for line in ends) / operations if operations else 0.0


def busy(lines: list[Line]) -> float:
    """Seconds of work, idle time left out, from the first line to the last."""
    return lines[-1]["busy"] - lines[0]["busy"]


def number(value: Optional[float]) -> str:
    """For people."""
    if value is None:
        return ""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"


def table(rows: list[Row]) -> str:
    """All rows; numbers to the right."""
    lines = [("scenario", "value", "", "compared with", "there", "ratio", "goal", "")]
    for row in rows:
        title = f"{row.scenario}: {row.title}"
        if row.value is None:
            lines.append((title, "-", "", "", "", "", "", f"not measured: {row.why_not}"))
            continue
        verdict = "" if row.met is None else "met" if row.met else "MISSED"
        ratio = f"{row.ratio:.3f}" if row.ratio is not None else ""
        lines.append((title, number(row.value), row.unit, row.against, number(row.other),
                      ratio, row.goal.text() if row.goal else "",
                      " ".join(filter(None, (verdict, row.note)))))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(
        cell.rjust(width) if column in (1, 4, 5) else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)
