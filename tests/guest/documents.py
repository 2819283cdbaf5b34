# SPDX-License-Identifier: GPL-2.0
"""What tw prints for programs, held against docs/json: whoever parses it here checks it.

Schemas are compiled when they are first needed, to Python code: looking at a document
takes no longer than parsing it. What compiles them is loaded then, too: most files of
tests never see a document, and on an emulated CPU loading it is most of the time.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "json"
PREFIX = "tierwatch/"
COMMON = "common.json"


class Mismatch(AssertionError):
    """A document is not what its schema says."""


@lru_cache(maxsize=None)
def names() -> frozenset[str]:
    """What documents of this tw call themselves: older versions stay in the folder."""
    newest: dict[str, int] = {}
    for path in SCHEMAS.glob("*-*.json"):
        name, version = path.stem.rsplit("-", 1)
        newest[name] = max(newest.get(name, 0), int(version))
    return frozenset(f"{PREFIX}{name}/{version}" for name, version in newest.items())


@lru_cache(maxsize=None)
def load(name: str) -> dict:
    """The schema of a name such as tierwatch/tier/1."""
    if name not in names():
        raise Mismatch(f"there is no schema for {name}")
    return json.loads(Path(SCHEMAS, name[len(PREFIX):].replace("/", "-") + ".json").read_text())


def titles(name: str) -> list[str]:
    """The commands that print it."""
    return load(name)["title"].split(", ")


def optional(document: dict) -> set[str]:
    """Members of a document that its schema would not miss."""
    schema = load(document["schema"])
    required = [one["required"] for one in schema.get("oneOf", [schema])]
    return set(document) - set.union(*map(set, required))


@lru_cache(maxsize=None)
def compiled(name: str) -> Callable[[Any], Any]:
    """What raises ValueError when a document is not as the schema of this name says."""
    import fastjsonschema  # pylint: disable=import-outside-toplevel
    return fastjsonschema.compile(load(name), handlers={
        "": lambda uri: json.loads(Path(SCHEMAS, uri).read_text())})


class Checker:
    """Holds documents against schemas, and knows which it has seen."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def one(self, document: Any) -> None:
        """An object must be what it says it is."""
        if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
            raise Mismatch(f"it does not say what it is: {str(document)[:200]}")
        name = document["schema"]
        if next(iter(document)) != "schema":
            raise Mismatch(f"what it is does not come first: {list(document)[:3]}")
        check = compiled(name)
        try:
            check(document)
        except ValueError as error:
            raise Mismatch(f"{name}: {error}: {str(document)[:400]}") from None
        self.seen.add(name)

    def all(self, document: Any) -> Any:
        """A document that tw has printed: an object, or a list of them."""
        for one in document if isinstance(document, list) else [document]:
            self.one(one)
        return document


CHECKER = Checker()


def check_all() -> None:
    """From now on json.loads() refuses what calls itself a document of ours and is none."""
    parse = json.loads

    def loads(*arguments: Any, **more: Any) -> Any:
        document = parse(*arguments, **more)
        return CHECKER.all(document) if is_ours(document) else document

    json.loads = loads


def is_ours(document: Any) -> bool:
    """Does it say that it is one of ours?"""
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and str(first.get("schema", "")).startswith(PREFIX)
