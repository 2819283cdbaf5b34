# SPDX-License-Identifier: GPL-2.0
"""A plugin of pytest, in the guest: each rule's tests on the driver as it is, then without it.

	python3 -m pytest -p noticed tests/guest/... --rules NAME,...

A test must pass first, or its failing would say nothing.  A line for each: "ok" when
it has failed then.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

sys.path.insert(0, str(Path(__file__).resolve().parent))

from rulebook import rules  # noqa: E402

PARAMETER = Path("/sys/module/tier_watch/parameters/broken")
FDS = Path("/proc/self/fd")


def pytest_addoption(parser):
    parser.addoption("--rules", default="", help="names, with a comma between them")


def open_files() -> set[int]:
    return {int(path.name) for path in FDS.iterdir()}


def failures(item, then, broken: int) -> list:
    """Run a test; the reports that say it has failed.  What it shares with @then is kept."""
    before = open_files()
    PARAMETER.write_text(str(broken), encoding="ascii")
    try:
        reports = runtestprotocol(item, nextitem=then, log=False)
    finally:
        PARAMETER.write_text("0", encoding="ascii")
    for fd in open_files() - before if broken else ():
        try:
            os.close(fd)    # of what the test did not expect to be there
        except OSError:
            pass            # the directory's own
    skipped = [report for report in reports if report.skipped]
    return [report for report in reports if report.failed] or ([] if broken else skipped)


def verdict(rule, test: str, item, then) -> bool:
    """Whether the test notices; a line says so."""
    out = item.config.get_terminal_writer()
    bad = failures(item, item.parent, 0)
    noticed = not bad and failures(item, then, rule.number)
    out.line(f"{'ok' if noticed else 'not ok'} {rule.name}: {rule.what} - {test}")
    if bad:
        out.line(f"    it fails on the driver as it is:\n{bad[0].longreprtext}")
    out.flush()
    return bool(noticed)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    """Instead of the usual one."""
    items = {item.nodeid.removeprefix("tests/guest/"): item for item in session.items}
    todo = [(rules()[name], test) for name in session.config.getoption("--rules").split(",")
            for test in rules()[name].guest_tests()]
    # The same test may come again, so what comes is told by where it is.
    then = [items[test].parent for _, test in todo[1:]] + [None]
    for (rule, test), following in zip(todo, then):
        session.testsfailed += not verdict(rule, test, items[test], following)
    return True
