#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In a guest: run test files from a queue that several guests share.

Owns nothing but the file that it has taken.  A file is taken by renaming its
entry in the queue, which the host does at once for one guest only.  It then
runs in a forked pytest, which notes every test as it begins and as it ends, so
that whatever ends the guest loses this one file.  See suite.py for the folder.

usage: worker.py FOLDER GUEST [PYTEST-ARG...]
"""

import json
import os
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
# A line of a file after which its guest takes no other one; the reason follows it.
LAST = "\n# last of its guest: "
GUEST_TESTS = Path(__file__).resolve().parent.parent / "guest"

import pytest  # noqa: E402

# Once for all files: each forked pytest then has them.
sys.path[:0] = [str(GUEST_TESTS), str(GUEST_TESTS.parents[1] / "tools")]
import support  # noqa: E402, F401  pylint: disable=unused-import


class Notes:
    """A pytest plugin: one line of JSON for each thing that happens."""

    def __init__(self, path: Path):
        self.out = open(path, "a", encoding="utf-8")    # pylint: disable=consider-using-with
        self.phases: list = []

    def note(self, **what) -> None:
        """Nothing is kept back: the next moment may be the guest's last."""
        self.out.write(json.dumps(what) + "\n")
        self.out.flush()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self.phases = []
        self.note(begins=nodeid)

    def pytest_runtest_logreport(self, report) -> None:
        """Setup, call and teardown come one after the other."""
        self.phases.append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test has ended: failed if one of its phases has."""
        outcomes = [phase.outcome for phase in self.phases]
        surprise = any(phase.outcome == "passed" and hasattr(phase, "wasxfail")
                       for phase in self.phases)
        skipped = next((phase for phase in self.phases if phase.outcome == "skipped"), None)
        why = ""
        if "failed" in outcomes or surprise or not outcomes:
            outcome = "failed"
        elif skipped:
            outcome, why = "skipped", reason(skipped)
        else:
            outcome = "passed"
        self.note(test=nodeid, outcome=outcome, why=why,
                  seconds=round(sum(phase.duration for phase in self.phases), 2))

    def pytest_collectreport(self, report) -> None:
        """A file that cannot be loaded, or that is skipped as a whole."""
        if report.failed:
            self.note(test=report.nodeid, outcome="failed", why="cannot be loaded", seconds=0)
        elif report.skipped:
            self.note(test=report.nodeid, outcome="skipped", why=reason(report), seconds=0)

    def pytest_deselected(self, items) -> None:
        """Not for this kernel, or not asked for."""
        self.note(deselected=len(items))


def reason(report) -> str:
    """Why something was skipped."""
    if hasattr(report, "wasxfail"):
        return report.wasxfail
    longrepr = report.longrepr
    return longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)


def busy() -> float:
    """Seconds that the guest's CPUs have worked since it booted."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _, _, irq, softirq = map(int, stat.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def take(folder: Path, guest: str) -> Path | None:
    """The entry of the next file, now this guest's.

    A folder on 9p that another guest is just changing was seen empty while it was not, so
    it counts as empty when it is so each time.
    """
    for attempt in range(4):
        time.sleep(0.3 * attempt)
        for name in sorted(os.listdir(folder / "queue")):
            mine = folder / "taken" / f"{name}@{guest}"
            try:
                os.rename(folder / "queue" / name, mine)
            except FileNotFoundError:
                continue        # another guest was quicker
            return mine
    return None


def run_file(path: str, notes: Notes, arguments: list[str]) -> None:
    """One file, in a process of its own."""
    print(f"\n-- {path}", flush=True)
    start, cpu = time.monotonic(), busy()
    pid = os.fork()
    if not pid:
        code = 3
        try:
            code = int(pytest.main([*arguments, path], plugins=[notes]))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)      # pylint: disable=protected-access
    _, status = os.waitpid(pid, 0)
    notes.note(ends=os.waitstatus_to_exitcode(status), cpu=round(busy() - cpu, 1),
               wall=round(time.monotonic() - start, 1))


def main() -> int:
    """Until the queue is empty, or a file was to be the last.

    What tests say is in their notes, not in the exit code.
    """
    folder, guest, *arguments = sys.argv[1:]
    while (entry := take(Path(folder), guest)) is not None:
        path = entry.read_text(encoding="utf-8").strip()
        run_file(path, Notes(Path(folder) / "notes" / entry.name), arguments)
        if LAST in Path(path).read_text(encoding="utf-8"):
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
