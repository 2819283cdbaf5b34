# SPDX-License-Identifier: GPL-2.0
"""Pressure: levels with hysteresis, in every place that shows them, and their events."""

import errno

import pytest

import tw
from support import (Child, Reached, close_made, errno_of, fill, refused, run_user, set_tiers,
                     tiers_of, wait_for)
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


def settle_slowly(dev, wanted, tier=CPU):
    """Wait for a level that averages over seconds decide about."""
    assert wait_for(lambda: wanted(dev.pressure(tier).level), 120, 0.2), \
        [getattr(dev.pressure(tier), name) for name in ("level", "stalled10", "room", "used")]


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
    settle(dev, LOW, GPU)               # full, but there is room in the CPU tier
    more, _ = make(880, touched=880)
    settle(dev, HIGH, GPU)
    settle(dev, HIGH)
    more.discard(0, more.bytes)
    dev.unbind(GPU)
    dev.bind(GPU, capacity=100)
    settle(dev, LOW, GPU)
    dev.unbind(GPU)


# --- what hurts a memory tier -----------------------------------------------------------


@pytest.fixture
def tiers(dev):
    """Other tiers for a test."""
    yield lambda capacities: set_tiers(dev, capacities)
    close_made()
    set_tiers(dev, {CPU: 1000})


def test_stalls_are_counted(dev, make, stats, tiers):
    """Faults that waited for a demotion, and how long: the same everywhere.

    The background may be quick enough to spare the faults the wait: filled as fast as can
    be, again until it has been seen.
    """
    tiers({CPU: 100, NVME: 200})
    region, mapping = make(250, touched=250)
    assert region.info().pages[NVME] > 0
    before = stats.counters(CPU)

    def stalled():
        region.discard(0, region.bytes)
        tw.check(tw.libc.madvise(mapping.addr, region.bytes, MADV_POPULATE_WRITE))
        return stats.counters(CPU)["stalls"] > before["stalls"]

    assert wait_for(stalled, 30)
    pressure, counters = dev.pressure(CPU), stats.counters(CPU)
    assert pressure.stalls == counters["stalls"] > 0
    assert pressure.waited_ns == counters["waited_ns"] > before["waited_ns"]
    assert dev.pressure(NVME).waited_ns == 0


def test_a_full_tier_is_healthy(dev, make, tiers):
    """Memory is full, the stores have room and nothing waits: LOW."""
    tiers({CPU: 1000, NVME: 8000})
    region, _ = make(3000, touched=3000)
    settle_slowly(dev, lambda level: level == LOW)
    pressure = dev.pressure(CPU)
    assert pressure.used >= 900, "by its own use it would be on HIGH or CRITICAL"
    assert (pressure.room, pressure.room_capacity) == (6000, 9000)
    store = dev.pressure(NVME)
    assert store.room == 8000 - store.used
    assert sum(region.info().pages) == 3000


def test_thrashing_hurts(dev, make, stats, tiers):
    """More is touched all the time than memory holds: HIGH, with room in abundance."""
    tiers({CPU: 100, NVME: 4000})
    region, mapping = make(160, touched=160)
    stop = Reached()

    def thrash():
        while not stop.get():
            for index in range(160):
                mapping.read(index * PAGE, 1)

    child = Child(thrash)
    try:
        settle_slowly(dev, lambda level: level == HIGH)
        pressure, block = dev.pressure(CPU), stats.tier(CPU)
        assert pressure.stalled10 >= 50 and pressure.stalled60 > 0 and block["stalled10"] >= 50
        assert pressure.room >= 3900
        assert stats.counters(NVME)["refaults_early"] > 0
        assert dev.pressure(NVME).level == LOW
    finally:
        stop.set()
        child.result()
    settle_slowly(dev, lambda level: level <= MEDIUM)
    assert sum(region.info().pages) == 160


def test_no_room_anywhere(dev, make, stream, tiers):
    """All tiers are full: CRITICAL, and over as soon as there is room below."""
    tiers({CPU: 500, NVME: 500})
    reader = stream(PRESSURE).reader()
    region, _ = make(980, touched=980)
    settle(dev, CRITICAL)
    pressure = dev.pressure(CPU)
    assert pressure.room == 20 and pressure.room_capacity == 1000
    stored = region.tiers().count(NVME)
    region.discard(0, region.bytes)
    settle_slowly(dev, lambda level: level == LOW)
    levels_seen = [event.status for event in reader.read() if event.tier == CPU]
    assert CRITICAL in levels_seen and levels_seen[-1] == LOW
    assert stored >= 480


def test_room_below_counts_at_once(dev, make, tiers):
    """A store that comes gives memory room, and one that goes takes it."""
    tiers({CPU: 1000})
    make(960, touched=960)
    settle(dev, CRITICAL)
    set_tiers(dev, {CPU: 1000, NVME: 4000})
    assert dev.pressure(CPU).level == LOW
    dev.unbind(NVME)
    assert dev.pressure(CPU).level == CRITICAL


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
