# SPDX-License-Identifier: GPL-2.0
"""Fixtures, and what is checked after every test: nothing leaked, nothing splatted."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tools")]

import pytest  # noqa: E402

import documents  # noqa: E402
import support  # noqa: E402
import tw  # noqa: E402
from vmlib.splat import SPLAT  # noqa: E402

# The rule for the mark `once` (`pytestmark = pytest.mark.once` for a whole file): a
# test has it when what it tests is a program, a library or a script of ours - what is
# printed, read from a file, computed - and each path through the driver that it takes
# is taken by a test without the mark, too.  It then runs on the first kernel of
# tests/run only (Debian's): a checking kernel would see nothing new.  Whatever is
# about the driver's memory, locks, waits or errors runs on every kernel; in a file
# that is marked, such a test is marked `every_kernel`.
ONCE, EVERY_KERNEL = "once", "every_kernel"
# What is about two things that happen at the same instant is marked `at_once`: it runs in
# a guest whose CPUs do not take turns, and not in the others.
AT_ONCE = "at_once"


def is_once(item) -> bool:
    """Whether one kernel is enough for a test."""
    return bool(item.get_closest_marker(ONCE) and not item.get_closest_marker(EVERY_KERNEL))


class Forked(Exception):
    """A test failed in its own process."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test marked `forked` runs in a process of its own, so that a SIGBUS is its
    failure and not the end of all."""
    if not pyfuncitem.get_closest_marker("forked"):
        return None
    names = pyfuncitem._fixtureinfo.argnames  # pylint: disable=protected-access
    arguments = {name: pyfuncitem.funcargs[name] for name in names}

    def body():
        try:
            pyfuncitem.obj(**arguments)
        except pytest.skip.Exception as skip:
            return str(skip)
        return None

    child = support.Child(body)
    try:
        reason = child.result(240)
    except pytest.fail.Exception as failure:
        raise Forked(str(failure)) from None
    if reason is not None:
        pytest.skip(reason)
    return True


class Kmsg:
    """The kernel's log from now on."""

    def __init__(self):
        try:
            self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
            os.lseek(self.fd, 0, os.SEEK_END)
        except OSError:
            self.fd = -1

    def lines(self) -> list[str]:
        """New lines."""
        found = []
        while self.fd >= 0:
            try:
                record = os.read(self.fd, 8192).decode(errors="replace")
            except BlockingIOError:
                break
            except BrokenPipeError:
                continue
            found.append(record.split("\n", 1)[0].partition(";")[2])
        return found


def pytest_addoption(parser):
    parser.addoption("--not-once", action="store_true",
                     help=f"without tests marked `{ONCE}`, which another kernel runs")
    parser.addoption("--turns", action="store_true",
                     help=f"without tests marked `{AT_ONCE}`: the guest's CPUs take turns")
    parser.addoption("--times", type=int, default=1, help="each test so often, in one run")


def pytest_generate_tests(metafunc):
    """What must go well always is tried more than once."""
    times = metafunc.config.getoption("--times")
    if times > 1:
        metafunc.fixturenames.append("_time")
        metafunc.parametrize("_time", range(1, times + 1))


def pytest_collection_modifyitems(config, items):
    """Leave out what has its turn elsewhere."""
    def elsewhere(item) -> bool:
        return config.getoption("--not-once") and is_once(item) or \
            config.getoption("--turns") and item.get_closest_marker(AT_ONCE) is not None

    config.hook.pytest_deselected(items=[item for item in items if elsewhere(item)])
    items[:] = [item for item in items if not elsewhere(item)]


def pytest_configure(config):
    config.addinivalue_line("markers", "forked: run in a process of its own")
    config.addinivalue_line("markers", f"{ONCE}: on one kernel only, see conftest.py")
    config.addinivalue_line("markers", f"{EVERY_KERNEL}: on all, whatever the file says")
    config.addinivalue_line("markers", f"{AT_ONCE}: not where CPUs take turns")
    config.addinivalue_line("markers", "keeps: leaves objects behind on purpose")
    config.kmsg = Kmsg()


# Whatever tw has printed for programs, and a test reads, is as docs/json says.
documents.check_all()

# Programs find no OpenCL: what stands in for a card is large, and slow to load.
os.environ.setdefault("OCL_ICD_VENDORS", "/nonexistent")


def pytest_sessionstart(session):
    """Without the driver nothing can be tested: say so once, clearly."""
    if os.environ.get("TW_WITHOUT_DEVICE"):
        return
    try:
        device = tw.Device()
    except OSError as error:
        pytest.exit(f"{tw.TW_DEVICE}: {error.strerror}. These tests run in the guest, with the "
                    "driver loaded: make test, or tools/vm -- /usr/bin/python3 -m pytest "
                    "-p no:cacheprovider tests/guest", returncode=3)
    support.Layout.remember(device)
    support.Observer.stats = device.stats()
    device.close()


@pytest.fixture(scope="session")
def dev():
    """The device, open for the whole run."""
    device = tw.Device()
    yield device
    device.close()


@pytest.fixture(scope="session")
def stats(dev):  # pylint: disable=unused-argument
    """The statistics, mapped for the whole run."""
    return support.Observer.stats


def present(stats: tw.Stats) -> dict[str, int]:
    """What should not be there between tests."""
    there = stats.objects()
    for what, pages in (("used", stats.used()), ("kept", stats.kept())):
        there |= {f"{tw.TIER_NAMES[tier]} {what}": pages[tier] for tier in tw.TIERS}
    return there


def leftovers(stats: tw.Stats, before: dict[str, int]) -> dict[str, int]:
    """What is there now and was not before (an earlier test's leak is not this one's)."""
    return {name: value for name, value in present(stats).items() if value > before[name]}


@pytest.fixture(autouse=True)
def clean(request):
    """Nothing is left of a test, and the kernel had nothing to complain about."""
    stats = support.Observer.stats
    kmsg = request.config.kmsg
    kmsg.lines()
    fds = len(os.listdir("/proc/self/fd"))
    before = present(stats) if stats else {}
    yield
    complaints = [line for line in kmsg.lines() if SPLAT.search(line)]
    assert not complaints, "\n".join(complaints)
    if stats and not request.node.get_closest_marker("keeps"):
        support.wait_for(lambda: not leftovers(stats, before))
        assert not leftovers(stats, before)
        assert len(os.listdir("/proc/self/fd")) <= fds, "the test left an fd open"


@pytest.fixture(scope="module")
def tiny(dev):
    """All five tiers, so small that they fill quickly (support.TINY)."""
    with support.tiers_of(dev, support.TINY):
        yield support.TINY


@pytest.fixture
def back_to_tiny(dev, tiny):  # pylint: disable=unused-argument
    """For tests that bind tiers themselves: support.TINY again afterwards."""
    yield
    support.close_made()
    support.set_tiers(dev, support.TINY)


@pytest.fixture
def policy(dev):
    """The knobs; they are put back, and automatic migration is off again."""
    before = dev.policy().knobs()
    yield dev.policy
    dev.policy(**before)


@pytest.fixture
def small_nvme(dev):
    """An NVMe tier of 256 pages beside full-size other tiers."""
    with support.tiers_of(dev, {**dict.fromkeys(tw.TIERS, 0), tw.NVME: 256}):
        yield 256


@pytest.fixture
def make(dev):
    """Regions (with a mapping) that are gone after the test: make(pages, ...)."""
    def build(pages: int, seed: int = 0, touched: int = 0, **more):
        region = dev.region(pages * tw.PAGE, **more)
        support.MADE.append(region)
        mapping = region.map()
        support.MADE.append(mapping)
        support.fill(mapping, range(touched), seed)
        return region, mapping

    yield build
    support.close_made()


@pytest.fixture
def stream(dev):
    """Streams that are closed after the test: stream(mask, ...)."""
    made: list[tw.Stream] = []

    def build(*args, **more) -> tw.Stream:
        made.append(dev.stream(*args, **more))
        return made[-1]

    yield build
    for one in made:
        if one.fd >= 0:
            one.close()


@pytest.fixture
def one_cpu():
    """Keep this process on one CPU, so that its events are in one ring, in order."""
    before = os.sched_getaffinity(0)
    cpu = min(before)
    os.sched_setaffinity(0, {cpu})
    yield cpu
    os.sched_setaffinity(0, before)
