# SPDX-License-Identifier: GPL-2.0
"""The plot: each pattern's placement over time, and work done side by side.

Turns a report into a script for gnuplot with its data inside.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from . import figures

WIDTH, HEIGHT = 640, 360


def over_time(answer: dict, value, program: int = 0) -> list[tuple[float, float]]:
    """A figure over the seconds of all phases."""
    points, start = [], 0.0
    for phase in figures.phases(figures.tallies(answer, program)):
        points += [(start + line["seconds"], value(line)) for line in phase]
        start += phase[-1]["seconds"]
    return points


def quoted(text: str) -> str:
    """A string for gnuplot, with nothing in it that it would read."""
    return '"' + text.replace("\\", "").replace('"', "'") + '"'


def data(points: list[tuple]) -> list[str]:
    """Inline data."""
    return [" ".join(map(str, point)) for point in points] + ["e"]


def lines_panel(title: str, label: str, series: dict[str, list]) -> list[str]:
    """Lines over time."""
    out = [f"set title {quoted(title)}", 'set xlabel "seconds"', f"set ylabel {quoted(label)}",
           "set xtics autofreq norotate", "set yrange [0:1.05]", "set style fill empty", "plot " +
           ", ".join(f"'-' with lines lw 2 title {quoted(name)}" for name in series)]
    for points in series.values():
        out += data(points)
    return out


def bars_panel(title: str, label: str, bars: list[tuple[str, float]]) -> list[str]:
    """A bar each."""
    out = [f"set title {quoted(title)}", 'set xlabel ""', f"set ylabel {quoted(label)}",
           "set yrange [0:*]", "set style fill solid 0.6", "set boxwidth 0.7",
           "set xtics rotate by -30", "plot '-' using 1:2:xtic(3) with boxes notitle"]
    return out + data([(number, value, quoted(name)) for number, (name, value)
                       in enumerate(bars)])


def groups(runs: dict, scenario: str) -> dict[str, dict[str, dict]]:
    """A scenario's answers by pattern, then by side."""
    found: dict[str, dict[str, dict]] = {}
    for name, answer in runs.items():
        first, *rest = name.split("/")
        if first == scenario and len(rest) == 2:
            found.setdefault(rest[0], {})[rest[1]] = answer
    return found


def panels(report: dict) -> list[list[str]]:
    """What there is to show."""
    runs = report["runs"]
    out = [lines_panel(f"placement, {pattern}", "share of the best",
                       {mode: over_time(answer, figures.placement)
                        for mode, answer in modes.items()})
           for pattern, modes in groups(runs, "placement").items()]
    for scenario in ("swap", "swapslow"):
        bars = [(f"{pattern} {side}", figures.rate(figures.tallies(answer)))
                for pattern, sides in groups(runs, scenario).items()
                for side, answer in sides.items()]
        if bars:
            out.append(bars_panel(f"{scenario}: policy on, off, kernel swap, swap device", "accesses/s", bars))
    agents = {name: over_time(answer, figures.share) for name, answer in runs.items()
              if name.startswith("agents/")}
    if agents:
        out.append(lines_panel("victim beside a hog", "share of the CPU tier", agents))
    for pattern, sides in groups(runs, "numa").items():
        shares = {side: over_time(answer, figures.share) for side, answer in sides.items()}
        out.append(lines_panel(f"against the kernel's NUMA tiering, {pattern}",
                               "share of the CPU node", shares))
    return out


def script(report: dict, path: Path) -> str:
    """All panels, two in a row."""
    shown = panels(report)
    rows = (len(shown) + 1) // 2
    head = [f"set terminal png size {2 * WIDTH},{HEIGHT * rows}", f"set output {quoted(str(path))}",
            "set grid", "set key bottom right", f"set multiplot layout {rows},2"]
    return "\n".join(head + [line for panel in shown for line in panel] + ["unset multiplot", ""])


def draw(report: dict, path: Path) -> None:
    """Write the picture; nothing to show, no picture."""
    if panels(report):
        subprocess.run(["gnuplot"], input=script(report, path), text=True, check=True)
