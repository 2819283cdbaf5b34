# SPDX-License-Identifier: GPL-2.0
"""The rules of the driver that are broken on purpose: read from the file `rules`.

A rule is a paragraph: `NAME: what the driver does`, the driver's file (with its
room, as in pages/seal.c), lines to take out (`-`), lines to put in for them (`+`), and the tests that must fail then:
below tests/guest, or `hammer`, which is build/stress/hammer.  What comes says
BROKEN where it breaks the rule, and does what the driver does where that is false.
So one driver has them all, and its parameter `broken` chooses: 0 none, else the
rule's place in the file.

The lines that go are found once in their file, or the rule is out of date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
DRIVER = REPO / "driver"
HAMMER = "hammer"
MARK = re.compile(r"\bBROKEN\b")


class Outdated(Exception):
    """A rule that the driver's text no longer has, or that says nothing."""


@dataclass
class Rule:
    """One rule, how to break it and who must notice."""
    number: int
    name: str
    what: str
    file: str
    hunks: list[tuple[str, str]]
    tests: list[str]

    def apply(self, text: str) -> str:
        """Its file's text, with the rule breakable."""
        for old, new in self.hunks:
            found = text.count(old)
            if found != 1:
                raise Outdated(f"{self.name}: driver/{self.file} has these lines {found} times, "
                               f"not once: bring tests/broken/rules up to date\n{old}")
            text = text.replace(old, MARK.sub(f"(tw_broken == {self.number})", new))
        return text

    def guest_tests(self) -> list[str]:
        """Those that pytest runs."""
        return [test for test in self.tests if test != HAMMER]


def hunks(lines: list[str]) -> Iterator[tuple[str, str]]:
    """What goes and what comes for it; lines that go after some have come begin the next."""
    text = "".join(f"{line}\n" for line in lines)
    for part in re.findall(r"(?:^-.*\n)+(?:^\+.*\n)+", text, re.M):
        old, new = ("".join(line[1:] for line in part.splitlines(True) if line[0] == sign)
                    for sign in "-+")
        yield old, new


def parse(number: int, paragraph: str) -> Rule:
    """A rule from its paragraph."""
    head, file, *lines = paragraph.splitlines()
    name, _, what = head.partition(": ")
    rule = Rule(number, name, what, file, list(hunks(lines)),
                [line for line in lines if line[0] not in "-+"])
    if not what or not rule.tests or not any(MARK.search(new) for _, new in rule.hunks):
        raise Outdated(f"{name}: not a rule")
    return rule


def rules() -> dict[str, Rule]:
    """All of them, by name."""
    text = "".join(line for line in (HERE / "rules").read_text(encoding="utf-8").splitlines(True)
                   if not line.startswith("#"))
    found = [parse(number, paragraph)
             for number, paragraph in enumerate(re.split("\n{2,}", text.strip()), 1)]
    book = {rule.name: rule for rule in found}
    if len(book) != len(found):
        raise Outdated("two rules have the same name")
    return book


def breakable() -> dict[str, str]:
    """The driver's files that are not as they were."""
    texts: dict[str, str] = {}
    for rule in rules().values():
        before = texts.get(rule.file) or "extern int tw_broken;\n" + \
            (DRIVER / rule.file).read_text(encoding="utf-8")
        texts[rule.file] = rule.apply(before)
    main = (DRIVER / "main.c").read_text(encoding="utf-8")
    texts["main.c"] = (f"{main}\nint tw_broken;\nmodule_param_named(broken, tw_broken, int, 0644);\n")
    return texts
