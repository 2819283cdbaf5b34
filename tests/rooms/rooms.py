# SPDX-License-Identifier: GPL-2.0
"""Who uses whom among object files, as nm sees it: arrows upward, and circles.

A room is a folder of sources. Rooms are given lowest first; a file may use those of
its own room and of lower ones, never in a circle. What lies in no room is above all.
"""

import re
import subprocess
from pathlib import Path


def graph(objects: dict[str, Path]) -> dict[str, dict[str, set[str]]]:
    """By the names of @objects: whom each uses, and what of it."""
    defined, wanted = {}, {}
    for name, path in objects.items():
        listed = subprocess.run(["nm", "-P", path], check=True, capture_output=True, text=True)
        for line in listed.stdout.splitlines():
            symbol, kind = line.split()[:2]
            if kind == "U":
                wanted.setdefault(name, set()).add(symbol)
            elif kind.isupper():
                defined[symbol] = name
    uses = {name: {} for name in objects}
    for name, symbols in wanted.items():
        for symbol in symbols:
            other = defined.get(symbol, name)
            if other != name:
                uses[name].setdefault(other, set()).add(symbol)
    return uses


def circles(uses: dict) -> list[list[str]]:
    """Groups in which everybody can be reached from everybody."""
    def reach(start: str) -> set[str]:
        seen, todo = set(), [start]
        while todo:
            new = set(uses[todo.pop()]) - seen
            seen |= new
            todo += new
        return seen
    reached, found = {name: reach(name) for name in uses}, []
    for name in sorted(uses):
        ring = sorted(other for other in reached[name] if name in reached[other])
        if ring and ring not in found:
            found.append(ring)
    return found


def level(name: str, rooms: list[str]) -> int:
    """Of the file FOLDER/NAME; above all rooms when it is in none of them."""
    folder = name.rpartition("/")[0]
    return rooms.index(folder) if folder in rooms else len(rooms)


def complaints(uses: dict, rooms: list[str]) -> list[str]:
    """What is wrong, a line each."""
    wrong = [f"upward: {name} uses {', '.join(sorted(symbols))} of {other}"
             for name in sorted(uses) for other, symbols in sorted(uses[name].items())
             if level(other, rooms) > level(name, rooms)]
    return wrong + [f"a circle of {len(ring)}: {' '.join(ring)}" for ring in circles(uses)]


def included(top: Path, rooms: list[str]) -> list[str]:
    """Headers of a higher room that a source or a header includes, a line each."""
    wrong = []
    for path in sorted(top.rglob("*.[ch]")):
        name = str(path.relative_to(top))
        for header in re.findall(r'^#include "(.+/.+)"', path.read_text(encoding="utf-8"), re.M):
            if level(header, rooms) > level(name, rooms):
                wrong.append(f"upward: {name} includes {header}")
    return wrong


def counts(uses: dict, rooms: list[str]) -> list[str]:
    """A line for each room: its objects, and the arrows within it and out of it."""
    lines = []
    for number, room in enumerate([*rooms, "above"]):
        here = [name for name in uses if level(name, rooms) == number]
        inside = sum(level(other, rooms) == number for name in here for other in uses[name])
        out = sum(len(uses[name]) for name in here) - inside
        lines.append(f"{room:10} {len(here):3} objects, {inside:3} arrows within, {out:3} to others")
    return lines
