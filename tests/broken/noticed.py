# SPDX-License-Identifier: GPL-2.0
"""A plugin of pytest, in the guest: each rule's tests on the driver as it is, then without it.

	python3 -m pytest -p noticed tests/guest/... --rules NAME,...

A test must pass first, or its failing would say nothing.  A line for each: "ok" when
it has failed then.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

sys.path[:0] = [str(Path(__file__).resolve().parent),
                str(Path(__file__).resolve().parents[1] / "guest")]

import support  # noqa: E402
from rulebook import rules  # noqa: E402

PARAMETER = Path("/sys/module/tier_watch/parameters/broken")


def pytest_addoption(parser):
    parser.addoption("--rules", default="", help="names, with a comma between them")


def failures(item) -> list:
    """Run a test, but for the end of what others share; the reports that say it has failed."""
    reports = runtestprotocol(item, nextitem=item.parent, log=False)
    return [report for report in reports if not report.passed]


def fails_without(rule, item) -> bool:
    """Whether the test fails in a driver without the rule.

    In a process of its own: what a test holds when it fails goes with that.
    """
    seen = support.Observer.stats
    before = seen.objects()
    PARAMETER.write_text(str(rule.number), encoding="ascii")
    pid = os.fork()
    if pid == 0:
        code = 2
        try:
            os.setpgid(0, 0)
            code = int(any(report.failed for report in failures(item)))
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    PARAMETER.write_text("0", encoding="ascii")
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    support.wait_for(lambda: seen.objects() == before and not seen.header.requests_queued)
    return code == 1


def verdict(rule, test: str, item, then) -> bool:
    """Whether the test notices; a line says so."""
    out = item.config.get_terminal_writer()
    bad = failures(item)
    noticed = not bad and fails_without(rule, item)
    item.session._setupstate.teardown_exact(then)   # pylint: disable=protected-access
    out.line(f"{'ok' if noticed else 'not ok'} {rule.name}: {rule.what} - {test}")
    if bad:
        out.line(f"    it does not pass on the driver as it is:\n{bad[0].longreprtext}")
    out.flush()
    return noticed


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
