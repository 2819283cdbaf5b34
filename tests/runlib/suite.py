# SPDX-License-Identifier: GPL-2.0
"""The guest suite on one kernel: a queue of files, and several guests that empty it.

Owns a folder that all of these guests write to: `queue` has an entry for each
file that nobody has taken, in the order in which they should be; `taken` has
those that ENTRY@GUEST has taken; `notes` has what worker.py noted about each.
A guest that ends too early leaves its file without an end, and this file alone
has failed for it: the others stay in the queue, for the guests that are left or
for one that is started in its place.
"""

import json
import shutil
from collections import Counter
from pathlib import Path

from .outcome import Outcome

# The exit code of a pytest that ran no test; a good one if all were deselected, or skipped.
NO_TESTS = 5


class Suite:
    """The files, the guests that took them and what came of it."""

    def __init__(self, folder: Path, files: list[str]):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("queue", "taken", "notes"):
            (folder / name).mkdir(parents=True)
        for place, path in enumerate(files):
            (folder / "queue" / f"{place:03}.{Path(path).stem}").write_text(path, encoding="utf-8")

    def left(self) -> list[str]:
        """The files that nobody has taken."""
        return [path.read_text(encoding="utf-8")
                for path in sorted((self.folder / "queue").iterdir())]

    def taken(self, guest: str) -> list[Path]:
        """The entries that a guest has taken, in order."""
        return [path for path in sorted((self.folder / "taken").iterdir())
                if path.name.partition("@")[2] == guest]

    def count(self, name: str, guest: str, code: int) -> Outcome:
        """What a guest, which has ended with this code, has done."""
        outcome = Outcome(name)
        for entry in self.taken(guest):
            self.count_file(outcome, entry.read_text(encoding="utf-8"),
                            self.folder / "notes" / entry.name)
        if code:
            outcome.fail(f"exit code {code}")
        return outcome

    @staticmethod
    def count_file(outcome: Outcome, path: str, notes: Path) -> None:
        """Add a file's tests, and a failure when not all of it has run."""
        began, end, failed, skipped, fine = "", None, 0, Counter(), {0}
        for note in read_notes(notes):
            began = note.get("begins", began)
            end = note.get("ends", end)
            if note.get("deselected") or note.get("outcome") == "skipped":
                fine.add(NO_TESTS)
            if "test" not in note:
                continue
            began = ""
            outcome.tests.append((note["seconds"], note["test"]))
            if note["outcome"] == "passed":
                outcome.passed += 1
            elif note["outcome"] == "skipped":
                outcome.skipped += 1
                skipped[note["why"]] += 1
            else:
                failed += 1
                outcome.failures.append(note["test"])
        outcome.failed += failed
        outcome.reasons += [f"{path}: {number} of {why}" for why, number in skipped.items()]
        if end is None or end < 0 or began:
            where = f"in {began}" if began else "between tests"
            outcome.fail(f"{path} was not finished")
            outcome.failures.append(f"{path}: ended {where}")
        elif end not in fine and not failed:
            outcome.fail(f"{path}: pytest ended with {end}")

    def count_left(self, outcome: Outcome) -> None:
        """Files that no guest came to take have failed."""
        for path in self.left():
            outcome.fail(f"{path} was not begun")


def read_notes(path: Path) -> list[dict]:
    """The notes; the last line may have been cut."""
    notes = []
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                notes.append(json.loads(line))
            except json.JSONDecodeError:
                break
    return notes
