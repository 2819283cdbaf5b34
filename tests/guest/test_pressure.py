# SPDX-License-Identifier: GPL-2.0
"""Pressure: levels with hysteresis, in every place that shows them, and their events."""

import errno

import pytest

import tw
from support import (close_made, errno_of, fill, refused, run_user, set_tiers, tiers_of,
                     wait_for)
from tw import CPU, GPU, NVME, PAGE

pytestmark = pytest.mark.forked

LOW, MEDIUM, HIGH, CRITICAL = range(4)
MADV_POPULATE_WRITE = 23
PRESSURE = tw.TW_EVENT_BIT(tw.TW_EVENT_PRESSURE)


@pytest.fixture(scope="module", autouse=True)
def alone(dev):
    """A CPU tier of 1000 pages and nothing beside it: nobody demotes."""
    with tiers_of(dev, {CPU: 1000}):
        yield


def settle(dev, level, tier=CPU):
    """Wait for a level; it must then stay for a moment."""
    assert wait_for(lambda: dev.pressure(tier).level == level), dev.pressure(tier).level


class Filler:
    """Touches and discards pages up to an exact number used."""

    def __init__(self, region, mapping):
        self.region, self.mapping, self.used = region, mapping, 0

    def to(self, pages):
        if pages > self.used:
            fill(self.mapping, range(self.used, pages), 1)
        elif pages < self.used:
            self.region.discard(pages * PAGE, (self.used - pages) * PAGE)
        self.used = pages


# Pages used of 1000, and the level that follows from all before.
WALK = [(699, LOW), (700, MEDIUM), (650, MEDIUM), (649, LOW), (699, LOW), (701, MEDIUM),
        (849, MEDIUM), (850, HIGH), (800, HIGH), (799, MEDIUM), (850, HIGH), (949, HIGH),
        (950, CRITICAL), (900, CRITICAL), (899, HIGH), (949, HIGH), (955, CRITICAL),
        (649, LOW), (960, CRITICAL), (0, LOW)]


def test_levels(dev, make, stats, stream):
    reader = stream(PRESSURE).reader()
    filler = Filler(*make(1000))
    changes = stats.tier(CPU)["level_changes"]
    level, expected = LOW, []
    for used, wanted in WALK:
        filler.to(used)
        settle(dev, wanted)
        assert stats.tier(CPU)["level"] == wanted, used
        pressure = dev.pressure(CPU)
        assert (pressure.used, pressure.permille, pressure.capacity) == (used, used, 1000)
        events = reader.read()
        # A large step may pass through the levels between, in order.
        path = [event.status for event in events]
        assert all(event.type == tw.TW_EVENT_PRESSURE and event.tier == CPU and
                   0 <= event.addr <= 1000 for event in events)
        if wanted == level:
            assert path == [], (used, path)
        else:
            assert path and path[-1] == wanted, (used, path)
            assert path == sorted(path, reverse=wanted < level)
        expected += path
        level = wanted
    assert wait_for(lambda: stats.tier(CPU)["level_changes"] - changes == len(expected))


def test_no_flapping(dev, make, stats, stream):
    """Up and down within the hysteresis is no change."""
    reader = stream(PRESSURE).reader()
    filler = Filler(*make(1000))
    filler.to(700)
    settle(dev, MEDIUM)
    changes = stats.tier(CPU)["level_changes"]
    for used in (660, 700, 690, 710, 651, 699) * 5:
        filler.to(used)
    settle(dev, MEDIUM)
    assert stats.tier(CPU)["level_changes"] == changes
    assert [event.status for event in reader.read()] == [MEDIUM]


def test_event_tells_use(dev, make, stream):
    reader = stream(PRESSURE).reader()
    filler = Filler(*make(1000))
    filler.to(860)
    settle(dev, HIGH)
    last = reader.read()[-1]
    assert (last.tier, last.status, last.page) == (CPU, HIGH, 0)
    assert 850 <= last.addr <= 860


def test_stores_have_levels_too(dev, make):
    set_tiers(dev, {CPU: 1000, NVME: 100})
    try:
        region, _ = make(100, touched=100)
        assert region.migrate(0, 75 * PAGE, NVME).moved == 75
        settle(dev, MEDIUM, NVME)
        assert region.migrate(75 * PAGE, 22 * PAGE, NVME).moved == 22
        settle(dev, CRITICAL, NVME)
        region.discard(0, 100 * PAGE)
        settle(dev, LOW, NVME)
        assert dev.pressure(NVME).permille == 0
    finally:
        close_made()
        dev.unbind(NVME)


def test_level_of_a_rebound_tier(dev, make):
    """A new binding starts low, whatever the old one was."""
    set_tiers(dev, {CPU: 1000, GPU: 100})
    region, _ = make(98, touched=98, affinity=GPU)
    assert region.info().pages[GPU] >= 90
    assert wait_for(lambda: dev.pressure(GPU).level >= HIGH)
    dev.unbind(GPU)
    dev.bind(GPU, capacity=100)
    settle(dev, LOW, GPU)
    dev.unbind(GPU)


def test_stalls_are_shown(dev, make, stats):
    """Faults that waited for a demotion: counted the same everywhere, the level rises.

    A level by stalls lasts a second, and the background may be quick enough to spare the
    faults the wait: filled as fast as can be, again until it has been seen.
    """
    set_tiers(dev, {CPU: 100, NVME: 200})
    try:
        region, mapping = make(250, touched=250)
        assert region.info().pages[NVME] > 0
        before = stats.counters(CPU)["stalls"]

        def stalled():
            region.discard(0, region.bytes)
            tw.check(tw.libc.madvise(mapping.addr, region.bytes, MADV_POPULATE_WRITE))
            return stats.counters(CPU)["stalls"] > before and dev.pressure(CPU).level >= MEDIUM

        assert wait_for(stalled, 30)
        pressure = dev.pressure(CPU)
        assert pressure.stalls == stats.counters(CPU)["stalls"] > 0
        region.discard(0, region.bytes)
        settle(dev, LOW)
    finally:
        close_made()
        set_tiers(dev, {CPU: 1000})


# --- levels of one's own ----------------------------------------------------------------

DEFAULTS = ([70, 85, 95], [65, 80, 90])


def levels(dev, tier=CPU):
    now = dev.thresholds(tier)
    return list(now.enter), list(now.leave)


def test_thresholds_take_effect_at_once(dev, make, stats, stream):
    reader = stream(PRESSURE).reader()
    Filler(*make(1000)).to(500)
    settle(dev, LOW)
    assert levels(dev) == DEFAULTS
    try:
        dev.thresholds(CPU, [20, 40, 90], [10, 30, 80])
        assert dev.pressure(CPU).level == stats.tier(CPU)["level"] == HIGH
        assert [event.status for event in reader.read()] == [HIGH]
        assert levels(dev) == ([20, 40, 90], [10, 30, 80])
        assert levels(dev, GPU) == DEFAULTS
    finally:
        dev.thresholds(CPU, *DEFAULTS)
    assert dev.pressure(CPU).level == LOW
    assert [event.status for event in reader.read()] == [LOW]


def test_thresholds_stay_with_the_tier(dev):
    try:
        dev.thresholds(GPU, [10, 20, 30], [5, 15, 25])
        set_tiers(dev, {CPU: 1000, GPU: 100})
        dev.unbind(GPU)
        assert levels(dev, GPU) == ([10, 20, 30], [5, 15, 25])
    finally:
        dev.thresholds(GPU, *DEFAULTS)


@pytest.mark.parametrize("enter,leave", [
    ([70, 85, 101], [65, 80, 90]), ([70, 85, 95], [0, 80, 90]), ([70, 85, 95], [70, 80, 90]),
    ([70, 70, 95], [65, 66, 90]), ([85, 70, 95], [65, 66, 90]), ([70, 85, 95], [65, 65, 90]),
    ([0, 0, 0], [0, 0, 0]), ([70, 85, (1 << 32) - 1], [65, 80, 90])])
def test_thresholds_refused(dev, enter, leave):
    with refused(errno.EINVAL):
        dev.thresholds(CPU, enter, leave)
    assert levels(dev) == DEFAULTS


def test_thresholds_of_a_user(dev):
    def look():
        with tw.Device() as device:
            return [list(levels(device)), errno_of(device.thresholds, CPU, [2, 3, 4], [1, 2, 3]),
                    errno_of(device.thresholds, CPU, [0, 3, 4], [1, 2, 3])]

    assert run_user(look) == [list(DEFAULTS), errno.EPERM, errno.EINVAL]
    assert levels(dev) == DEFAULTS
