# SPDX-License-Identifier: GPL-2.0
"""Which metrics and labels an expression of Prometheus asks for, and whether there are such.

No evaluator: it reads selectors, groupings and the labels that a template shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable

# Added by who scrapes.
SCRAPED = {"instance", "job"}
# What node_exporter tells beside our file, with its labels.
FOREIGN = {"node_textfile_mtime_seconds": {"file": {"/var/lib/node/tierwatch.prom"}}}
TOKEN = re.compile(r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
                      |(?P<range>\[[^]]*\])
                      |(?P<number>[0-9][0-9.]*[a-z]*)
                      |(?P<name>[$a-zA-Z_:][\w:]*)
                      |(?P<sign>=~|!~|!=|==|>=|<=|[-+*/%^(){},<>=]))""", re.X)
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = GROUPING | {"and", "or", "unless", "offset", "bool"}


class Wrong(ValueError):
    """An expression that asks for what there is not, or that cannot be read."""


@dataclass(frozen=True)
class Matcher:
    """NAME="VALUE", or with another operator."""

    label: str
    operator: str
    value: str

    def takes(self, value: str) -> bool:
        """Whether a label's value is one that it lets through."""
        if self.operator in ("=", "!="):
            return (value == self.value) == (self.operator == "=")
        return bool(re.fullmatch(self.value, value)) == (self.operator == "=~")


class Known:
    """Metrics that there are: for each the labels of all its samples."""

    def __init__(self, samples: Iterable[dict]):
        self.metrics: dict[str, dict[str, set[str]]] = {}
        for one in samples:
            labels = self.metrics.setdefault(one["name"], {})
            for label, value in one["labels"].items():
                labels.setdefault(label, set()).add(value)
        self.metrics |= FOREIGN

    def labels(self, metric: str) -> dict[str, set[str]]:
        """Of one metric; it must be there."""
        if metric not in self.metrics:
            raise Wrong(f"there is no metric {metric}")
        return self.metrics[metric]


def tokens(text: str) -> list[tuple[str, str]]:
    """(kind, text) each."""
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise Wrong(f"cannot be read: {text[at:at + 40]}")
        found.append((match.lastgroup or "", match[match.lastgroup or ""]))
        at = match.end()
    return found


def unquoted(text: str) -> str:
    """What a string says."""
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def matchers(rest: list[tuple[str, str]]) -> list[Matcher]:
    """What stands in braces; takes it from the list's beginning, both braces too."""
    found = []
    rest.pop(0)
    while rest and rest[0][1] != "}":
        if rest[0][1] == ",":
            rest.pop(0)
            continue
        (_, label), (_, operator), (kind, value) = (rest.pop(0) for _ in range(3))
        if kind != "string":
            raise Wrong(f"{label}{operator}{value}: not a string")
        found.append(Matcher(label, operator, unquoted(value)))
    rest.pop(0)
    return found


def names(rest: list[tuple[str, str]]) -> list[str]:
    """Names in parentheses; takes them from the list's beginning."""
    found = []
    while rest.pop(0)[1] != ")":
        if rest[0][0] == "name":
            found.append(rest[0][1])
    return found


def check(text: str, known: Known, variables: Iterable[str] = ()) -> set[str]:
    """The metrics that an expression asks for; Wrong when it asks in vain.

    @variables: what a dashboard puts in for $NAME, or a matcher may have as its value.
    """
    rest, used, grouped = tokens(text), set(), []
    while rest:
        kind, word = rest.pop(0)
        if kind != "name":
            continue
        if word in GROUPING and rest and rest[0][1] == "(":
            grouped += names(rest)
        elif word not in WORDS and not (rest and rest[0][1] in {"(", "by", "without"}):
            asked = matchers(rest) if rest and rest[0][1] == "{" else []
            check_selector(word, asked, known, variables)
            used.add(word)
    there = {label for metric in used for label in known.labels(metric)} | SCRAPED
    for label in set(grouped) - there:
        raise Wrong(f"no metric in it has a label {label}")
    if not used:
        raise Wrong("it asks for no metric")
    return used


def check_selector(metric: str, asked: list[Matcher], known: Known,
                   variables: Iterable[str]) -> None:
    """Each matcher is about a label that is there, and lets some value of it through."""
    labels = known.labels(metric)
    for one in asked:
        if re.fullmatch(r"\$\w+", one.value):
            if one.value[1:] not in variables:
                raise Wrong(f"there is no variable {one.value}")
            if one.label in labels or one.label in SCRAPED:
                continue
        if one.label not in labels:
            raise Wrong(f"{metric} has no label {one.label}")
        if not any(map(one.takes, labels[one.label])):
            raise Wrong(f"{metric} has no {one.label}{one.operator}{one.value}")


def check_template(text: str, metrics: Iterable[str], known: Known) -> None:
    """A text shows only labels that one of these metrics has."""
    there = {label for metric in metrics for label in known.labels(metric)} | SCRAPED
    for label in re.findall(r"\$labels\.(\w+)", text) + re.findall(r"\{\{(\w+)\}\}", text):
        if label not in there:
            raise Wrong(f"it shows the label {label}, which is not there")
