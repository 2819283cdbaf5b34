# SPDX-License-Identifier: GPL-2.0
"""Regions in a memory control group at its limit."""

import signal

import pytest

import tw
from support import (Cgroup, Child, Delta, Reached, fill, has_store, pattern, run_child,
                     tiers_of, touch_fate, wait_for, wrong)
from tw import CPU, GPU, NVME, PAGE, STORES

pytestmark = pytest.mark.forked

MIB = 1 << 20


@pytest.fixture
def group():
    """A group of 12 MiB; a Python child takes a few."""
    with Cgroup() as one:
        one.write("memory.max", str(12 * MIB))
        yield one


def within(group, function, *args, timeout=120):
    """Run a function in a child that is in the group."""
    def work():
        group.enter()
        return function(*args)
    return run_child(work, timeout=timeout)


def test_pages_are_charged(group):
    def work():
        before = int(group.read("memory.current"))
        with tw.Device() as device, device.region(512 * PAGE) as region:
            with region.map() as mapping:
                fill(mapping, range(512), 1)
                grown = int(group.read("memory.current")) - before
        return grown

    assert 512 * PAGE <= within(group, work) <= 512 * PAGE + 2 * MIB


def test_larger_than_the_limit(group, stats):
    """No livelock, no OOM kill: the cold part goes to the stores."""
    count = 24 * MIB // PAGE

    def work():
        with tw.Device() as device, device.region(count * PAGE) as region:
            with region.map() as mapping:
                fill(mapping, range(count), 1)
                pages = list(region.info().pages)
                assert sum(pages) == count
                bad = wrong(mapping, range(count), 1)
                fill(mapping, range(0, count, 3), 2)
                bad += wrong(mapping, range(0, count, 3), 2)
                bad += wrong(mapping, range(1, count, 3), 1)
        return pages, bad

    delta = Delta(stats)
    pages, bad = within(group, work)
    assert bad == []
    assert (pages[CPU] + pages[GPU]) * PAGE <= 12 * MIB
    assert sum(pages[tier] for tier in STORES) >= 10 * MIB // PAGE
    assert group.events()["oom_kill"] == 0
    assert delta.sigbus() == 0
    assert wait_for(lambda: int(group.read("memory.current")) < 12 * MIB)


@pytest.mark.at_once
def test_two_processes_at_the_limit(group):
    """Neighbours in one group, each with a region larger than its share."""
    count = 10 * MIB // PAGE

    def work(seed):
        group.enter()
        with tw.Device() as device, device.region(count * PAGE) as region:
            with region.map() as mapping:
                for turn in (seed, seed + 10):
                    fill(mapping, range(count), turn)
                    assert wrong(mapping, range(count), turn) == []
        return "done"

    children = [Child(work, seed) for seed in (1, 2)]
    assert [child.result(120) for child in children] == ["done"] * 2
    assert group.events()["oom_kill"] == 0


def test_lowered_limit(group):
    """memory.max below what a region holds: the group is reclaimed, not killed."""
    group.write("memory.max", "max")
    count = 16 * MIB // PAGE
    ready, go = Reached(), Reached()

    def work():
        group.enter()
        with tw.Device() as device, device.region(count * PAGE) as region:
            with region.map() as mapping:
                fill(mapping, range(count), 3)
                ready.set()
                go.wait(seconds=60)
                return wrong(mapping, range(count), 3)

    child = Child(work)
    ready.wait()
    group.write("memory.max", str(12 * MIB))
    go.set()
    assert child.result(120) == []
    assert group.events()["oom_kill"] == 0


def test_charged_to_the_toucher_or_the_creator_but_freed(group):
    """When a region is gone, so is the charge."""
    def work():
        with tw.Device() as device, device.region(512 * PAGE) as region:
            with region.map() as mapping:
                fill(mapping, range(512), 1)
                region.migrate(0, 256 * PAGE, GPU)
                region.migrate(0, 128 * PAGE, NVME)

    within(group, work)
    assert wait_for(lambda: int(group.read("memory.current")) < MIB)


def test_limit_without_stores_kills_no_other(dev):
    """Nowhere to go: the toucher gets SIGBUS (or the group's OOM kill); we live on."""
    with tiers_of(dev, {CPU: 0, GPU: 0}), Cgroup() as group:
        group.write("memory.max", str(12 * MIB))
        reached = Reached()
        count = 24 * MIB // PAGE

        def work():
            group.enter()
            with tw.Device() as device, device.region(count * PAGE) as region:
                mapping = region.map()
                for index in range(count):
                    mapping.write(index * PAGE, pattern(1, index))
                    reached.set(index + 1)

        assert Child(work).wait(60) in (-signal.SIGBUS, -signal.SIGKILL)
        assert 4 * MIB <= reached.get() * PAGE <= 13 * MIB


def test_migrating_at_the_limit(group):
    """Moves between memory tiers need a second page for a moment; they are refused or done."""
    count = 8 * MIB // PAGE

    def work():
        with tw.Device() as device, device.region(count * PAGE) as region:
            with region.map() as mapping:
                fill(mapping, range(count), 4)
                statuses = set()
                for tier in (GPU, NVME, CPU):
                    statuses |= set(region.migrate(0, count * PAGE, tier).status)
                return statuses, wrong(mapping, range(count), 4)

    statuses, bad = within(group, work)
    assert bad == [] and 0 in statuses
    assert group.events()["oom_kill"] == 0


@pytest.mark.at_once
def test_killed_at_the_limit(group, stats):
    """A member dies in the middle of reclaim."""
    ready = Reached()

    def work():
        group.enter()
        region = tw.Device().region(24 * MIB)
        mapping = region.map()
        while True:
            for index in range(24 * MIB // PAGE):
                mapping.write(index * PAGE, b"x")
                ready.set(index)

    child = Child(work)
    ready.wait(13 * MIB // PAGE, seconds=60)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert wait_for(lambda: not sum(stats.used()))


@pytest.mark.skipif(not has_store(NVME), reason="no stores in this topology")
def test_high(group):
    """memory.high throttles and reclaims; the work ends."""
    group.write("memory.max", "max")
    group.write("memory.high", str(10 * MIB))
    count = 14 * MIB // PAGE

    def work():
        with tw.Device() as device, device.region(count * PAGE) as region:
            with region.map() as mapping:
                fill(mapping, range(count), 6)
                return wrong(mapping, range(count), 6), touch_fate(mapping, 0)

    assert within(group, work) == ([], 0)
