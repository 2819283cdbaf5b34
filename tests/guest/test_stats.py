# SPDX-License-Identifier: GPL-2.0
"""The three accounts - statistics, events, agents - tell the same story."""

import errno
import time

import pytest

import tw
from support import (Child, Delta, Pin, Reached, fill, place, run_child, tiers_of, wait_for,
                     wrong)
from tw import CPU, GPU, HDD, NVME, PAGE, SSD, STORES, TIERS

pytestmark = pytest.mark.forked

FAULT, MIGRATE = tw.TW_EVENT_FAULT, tw.TW_EVENT_MIGRATE


class Accounts:
    """All three, from one moment on."""

    def __init__(self, dev, stats, stream, agent):
        self.dev, self.stats, self.agent = dev, stats, agent
        self.stream = stream(events=1 << 15)
        self.reader = self.stream.reader()
        self.published = stats.total("events")
        self.delta = Delta(stats)

    def agree(self) -> None:
        """Compare; call when nothing happens any more."""
        events = self.reader.read()
        assert self.reader.lost == 0
        faults = [event for event in events if event.type == FAULT]
        moves = [event for event in events if event.type == MIGRATE and event.status == 0]
        agent = self.dev.agent_stats(self.agent)
        for tier in TIERS:
            counted = self.delta.tier(tier)
            mine = [event for event in faults if event.tier == tier]

            def number(flags, value, events=mine):
                return sum(event.flags & flags == value for event in events)

            write, major = tw.TW_FAULT_WRITE, tw.TW_FAULT_MAJOR
            name = tw.TIER_NAMES[tier]
            assert counted["minor_read"] == number(write | major, 0), name
            assert counted["minor_write"] == number(write | major, write), name
            assert counted["major_read"] == number(write | major, major), name
            assert counted["major_write"] == number(write | major, write | major), name
            assert counted["first"] == number(tw.TW_FAULT_FIRST, tw.TW_FAULT_FIRST), name
            assert counted["moves_in"] == sum(event.to_tier == tier for event in moves), name
            assert counted["moves_out"] == sum(event.tier == tier for event in moves), name
            assert agent.faults_minor[tier] == counted["minor_read"] + counted["minor_write"]
            assert agent.faults_major[tier] == counted["major_read"] + counted["major_write"]
            assert agent.moves_in[tier] == counted["moves_in"], name
            assert agent.moves_out[tier] == counted["moves_out"], name
            assert agent.pages[tier] == self.stats.used()[tier], name
            if mine:
                assert counted["fault_ns"] > 0
        # One stream of everything, nothing lost: every event is in it once.
        assert self.stats.total("events") - self.published == len(events)
        total = sum(event.latency_ns for event in faults)
        counted = sum(self.delta.get("fault_ns"))
        assert abs(total - counted) <= max(len(faults), 1)
        assert agent.fault_ns == counted
        # Pages in the account of moves: in minus out, plus first touches, is what is there.
        for tier in TIERS:
            counters = self.delta.tier(tier)
            assert counters["first"] + counters["moves_in"] - counters["moves_out"] == \
                self.stats.used()[tier], tw.TIER_NAMES[tier]


@pytest.fixture
def accounts(dev, stats, stream):
    with dev.agent(1000) as agent:
        yield Accounts(dev, stats, stream, agent)


def test_first_touches(accounts, make):
    _, mapping = make(100, agent=accounts.agent)
    fill(mapping, range(50), 1)
    for index in range(50, 100):
        mapping.read(index * PAGE, 1)
    assert accounts.delta.tier(CPU)["minor_write"] == 50
    assert accounts.delta.tier(CPU)["minor_read"] == 50
    accounts.agree()


def test_refaults_and_moves(accounts, make):
    region, mapping = make(64, agent=accounts.agent)
    fill(mapping, range(64), 1)
    for turn, tier in enumerate((GPU, NVME, SSD, CPU, NVME), 1):
        place(region, 0, 64, tier)
        fill(mapping, range(0, 32), turn)
        # Backwards: what is touched in its order comes before it is touched.
        for index in range(63, 31, -1):
            mapping.read(index * PAGE, 1)
    place(region, 0, 3, HDD)
    fill(mapping, range(3), 9)
    assert sum(accounts.delta.get("major_read")) > 0
    assert sum(accounts.delta.get("major_write")) > 0
    accounts.agree()


def test_several_processes(accounts, make):
    region, mapping = make(128, agent=accounts.agent)

    def work(first):
        for turn in range(4):
            fill(mapping, range(first, first + 64), turn)
            region.migrate(first * PAGE, 64 * PAGE, (GPU, NVME, CPU, SSD)[turn])

    children = [Child(work, first) for first in (0, 64)]
    for child in children:
        child.result()
    wrong(mapping, range(128), 1)
    accounts.agree()


def test_demotion_by_pressure(dev, accounts, make):
    with tiers_of(dev, {CPU: 256, GPU: 128, NVME: 128, SSD: 128, HDD: 64}):
        region, mapping = make(256 + 128 + 128 + 64, agent=accounts.agent)
        fill(mapping, range(region.nr_pages), 1)
        assert wrong(mapping, range(region.nr_pages), 1) == []
        assert wait_for(lambda: quiet(accounts.stats))
        accounts.agree()
        region.discard(0, region.bytes)


def quiet(stats) -> bool:
    """No counter has moved for a while: background demotion is over."""
    before = [stats.counters(tier) for tier in TIERS]
    time.sleep(0.2)
    return before == [stats.counters(tier) for tier in TIERS]


def test_failed_moves(accounts, make):
    region, mapping = make(4, agent=accounts.agent)
    fill(mapping, range(4), 1)
    with Pin(mapping.addr):
        assert region.migrate(0, 4 * PAGE, GPU).failed == 1
    assert accounts.delta.tier(CPU)["moves_failed"] == 1
    assert accounts.delta.tier(CPU)["moves_out"] == 3
    accounts.agree()


@pytest.mark.parametrize("tier", STORES)
def test_bytes(make, stats, tier):
    region, mapping = make(8, touched=8, seed=1)
    delta = Delta(stats)
    place(region, 0, 8, tier)
    assert delta.tier(tier)["bytes_written"] == 8 * PAGE
    assert delta.tier(tier)["bytes_read"] == 0
    assert wrong(mapping, range(8), 1) == []
    assert delta.tier(tier)["bytes_read"] == 8 * PAGE
    assert delta.tier(tier)["bytes_written"] == 8 * PAGE
    assert delta.tier(tier)["io_errors"] == 0


def test_time_is_counted(make, stats):
    region, _ = make(16, touched=16)
    delta = Delta(stats)
    start = time.monotonic_ns()
    place(region, 0, 16, NVME)
    took = time.monotonic_ns() - start
    assert 0 < delta.tier(CPU)["move_ns"] <= took * 16
    assert delta.tier(NVME)["move_ns"] == 0


def test_kept(make, stats):
    region, mapping = make(8, touched=8, seed=1)
    place(region, 0, 8, NVME)
    assert (stats.used()[NVME], stats.kept()[NVME]) == (8, 0)
    assert wrong(mapping, range(8), 1) == []
    assert (stats.used()[NVME], stats.kept()[NVME]) == (0, 8)
    assert (stats.used()[CPU], stats.kept()[CPU]) == (8, 0)
    # A page that goes back to its copy is no copy's page any more.
    place(region, 0, 8, NVME)
    assert (stats.used()[NVME], stats.kept()[NVME]) == (8, 0)
    assert wrong(mapping, range(8), 1) == []
    # Once written to, the copy on the store is out of date: at the next move it is dropped.
    fill(mapping, range(8), 2)
    place(region, 0, 8, SSD)
    assert stats.kept()[NVME] == 0
    assert wrong(mapping, range(8), 2) == []


@pytest.mark.at_once
def test_counters_never_fall(make, stats):
    """Read while others count."""
    region, mapping = make(64)
    stop = Reached()

    def work():
        turn = 0
        while not stop.get():
            turn += 1
            fill(mapping, range(64), turn)
            region.migrate(0, 64 * PAGE, (GPU, CPU, NVME)[turn % 3])

    child = Child(work)
    last = {}
    until = time.monotonic() + 2
    while time.monotonic() < until:
        for tier in TIERS:
            for name, value in stats.counters(tier).items():
                assert value >= last.get((tier, name), 0), (tier, name)
                last[tier, name] = value
            block = stats.tier(tier)
            assert block["used"] <= 64 and block["capacity"] > 0
    stop.set()
    child.result()


@pytest.mark.at_once
def test_tier_blocks_are_consistent(dev, stats):
    """A reader during bind and unbind sees a tier whole: bound with its capacity, or not."""
    stop = Reached()

    def rebind():
        with tw.Device() as device:
            capacity = 100
            while not stop.get():
                device.unbind(GPU)
                capacity = 100 + (capacity + 1) % 50
                device.bind(GPU, capacity=capacity)

    with tiers_of(dev, {**dict.fromkeys(TIERS, 0), GPU: 100}):
        child = Child(rebind)
        seen = set()
        until = time.monotonic() + 2
        while time.monotonic() < until:
            block = stats.tier(GPU)
            assert bool(block["bound"]) == bool(block["capacity"]) == bool(block["kind"])
            assert block["capacity"] == 0 or 100 <= block["capacity"] < 150
            seen.add(block["capacity"])
        stop.set()
        child.result()
        assert len(seen) > 1


def test_sigbus_is_counted(dev, stats):
    with tiers_of(dev, {CPU: 32}):
        before = stats.total("sigbus")

        def overflow():
            with dev.region(400 * PAGE) as region, region.map() as mapping:
                fill(mapping, range(400), 1)

        assert Child(overflow).wait() == -7
        assert stats.total("sigbus") == before + 1


def test_region_sums_are_the_tiers(make, stats):
    regions = [make(20, touched=20)[0] for _ in range(3)]
    place(regions[0], 0, 20, GPU)
    place(regions[1], 0, 10, NVME)
    sums = [sum(region.info().pages[tier] for region in regions) for tier in TIERS]
    assert sums == stats.used() == [20, 30, 10, 0, 0]
    assert stats.objects()["record_bytes"] == sum(region.info().record_bytes
                                                  for region in regions)


def test_errno_of_failed_moves_in_events(accounts, make):
    """A failed move's event carries the page's own status."""
    region, mapping = make(2, agent=accounts.agent)
    fill(mapping, range(2), 1)
    with Pin(mapping.addr):
        region.migrate(0, 2 * PAGE, NVME)
    moves = [event for event in accounts.reader.read() if event.type == MIGRATE]
    assert {event.status for event in moves} <= {0, -errno.EBUSY}
    assert sum(event.status == 0 for event in moves) == 1
    assert run_child(wrong, mapping, range(2), 1) == []
