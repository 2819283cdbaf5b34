# SPDX-License-Identifier: GPL-2.0
"""The examples of tw's man pages: what they are, and how one is run.

A block of EXAMPLES is run with the fixture that a comment before it names (.\\" test: bare).
A block after .\\" file: NAME SHOWN=VARIABLE ... is a file that the blocks after it find.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from string import Template

from support import PATIENCE, REPO

TW = REPO / "build" / "tools" / "tw"
PAGES = [REPO / "tools" / "tw" / "tw.1", *sorted((REPO / "tools" / "tw" / "man").glob("*.[15]"))]
FIXTURES = ("bound", "busy", "bare", "unloaded")
LIMIT = 120 * PATIENCE
# mdoc's ways to write what it would take for its own.
ESCAPES = {r"\e": "\\", r"\-": "-", r"\&": "", r"\(aq": "'", r"\(dq": '"', r"\(ha": "^",
           r"\(ti": "~", r"\(ga": "`"}


@dataclass(frozen=True)
class Example:
    """One block of commands."""
    page: str
    line: int
    fixture: str
    commands: tuple[str, ...]
    files: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def plain(text: str) -> str:
    """A line as it is shown."""
    return re.sub(r"\\(?:\(..|.)", lambda found: ESCAPES[found[0]], text)


def section(text: str, name: str) -> tuple[int, list[str]]:
    """A section's lines, and how many come before it."""
    lines = text.splitlines()
    if f".Sh {name}" not in lines:
        return 0, []
    first = lines.index(f".Sh {name}") + 1
    last = next((at for at in range(first, len(lines)) if lines[at].startswith(".Sh ")),
                len(lines))
    return first, lines[first:last]


def commands_of(block: list[str]) -> tuple[str, ...]:
    """What a user types: lines after '# ' or '$ ', and those that continue them."""
    found: list[str] = []
    more = False
    for line in map(plain, block):
        if more:
            found[-1] += "\n" + line
        elif line[:2] in ("# ", "$ "):
            found.append(line[2:])
        else:
            continue
        more = line.endswith("\\")
    return tuple(found)


def file_of(comment: str, block: list[str]) -> tuple[str, str]:
    """A file that a block shows: its name and its text, with $VARIABLES for examples' names."""
    name, *variables = comment.split()
    text = "".join(plain(line) + "\n" for line in block)
    for shown, variable in (one.split("=") for one in variables):
        assert shown in text, shown
        text = text.replace(shown, f"${variable}")
    return name, text


def examples(path: Path) -> list[Example]:
    """The blocks of a page's EXAMPLES."""
    before, lines = section(path.read_text(encoding="utf-8"), "EXAMPLES")
    found, files, fixture, shows, start = [], [], "bound", "", None
    for at, line in enumerate(lines):
        if line.startswith('.\\" test:'):
            fixture = line.partition(":")[2].strip()
        elif line.startswith('.\\" file:'):
            shows = line.partition(":")[2]
        elif line.startswith(".Bd -literal"):
            start = at + 1
        elif line == ".Ed" and start is not None and shows:
            files.append(file_of(shows, lines[start:at]))
            shows, start = "", None
        elif line == ".Ed" and start is not None:
            commands = commands_of(lines[start:at])
            if commands:
                found.append(Example(path.name, before + start, fixture, commands,
                                     tuple(files)))
            fixture, start = "bound", None
    return found


def all_examples(*fixtures: str) -> list[Example]:
    """Of all pages, those with one of these fixtures."""
    return [one for path in PAGES for one in examples(path) if one.fixture in fixtures]


def expected(command: str) -> int:
    """The exit code that a command's comment announces."""
    found = re.search(r"#\s*exit (\d+)\s*$", command)
    return int(found[1]) if found else 0


def run_example(example: Example, folder: Path, **variables: object) -> None:
    """Each command must end as the page says, and say why when it fails."""
    env = {**os.environ, **{name: str(value) for name, value in variables.items()},
           "PATH": f"{TW.parent}:{os.environ['PATH']}"}
    env.pop("NO_COLOR", None)
    for name, text in example.files:
        (folder / name).write_text(Template(text).substitute(env), encoding="utf-8")
    for command in example.commands:
        done = subprocess.run(["sh", "-c", command], cwd=folder, env=env, timeout=LIMIT,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        said = f"{example}: {command}\n{done.stdout}{done.stderr}"
        assert done.returncode == expected(command), f"exit {done.returncode}: {said}"
        if done.returncode:
            assert done.stderr, said
