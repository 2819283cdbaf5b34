# SPDX-License-Identifier: GPL-2.0
"""Full tiers: spilling, demotion by pressure, coming back, and the very end."""

import errno
import os
import signal

import pytest

import tw
from support import (TINY, Child, Delta, Pin, Reached, fill, pattern, run_child, set_tiers,
                     touch_fate, wait_for, wrong)
from tw import CPU, GPU, HDD, NVME, PAGE, SSD, STORES, TIERS

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.forked]

MEMORY = TINY[CPU] + TINY[GPU]
ALL = sum(TINY.values())


def test_cpu_spills_to_gpu(make, stats):
    """The next memory tier comes before any store."""
    region, mapping = make(TINY[CPU] + 100, seed=1, touched=TINY[CPU] + 100)
    pages = region.info().pages
    assert pages[GPU] >= 100 and pages[CPU] <= TINY[CPU]
    assert sum(pages[:2]) == TINY[CPU] + 100 and sum(stats.used()[2:]) == 0
    assert wrong(mapping, range(region.nr_pages), 1) == []


def test_gpu_spills_to_cpu(make):
    """A region with GPU affinity goes the other way."""
    region, mapping = make(TINY[GPU] + 100, seed=1, touched=TINY[GPU] + 100, affinity=GPU)
    pages = region.info().pages
    assert pages[CPU] >= 100 and pages[GPU] <= TINY[GPU]
    assert wrong(mapping, range(region.nr_pages), 1) == []


def test_pressure_alone_fills_all_five(make, stats):
    """More than fits in memory: the cold part sinks through every store, intact."""
    count = MEMORY + TINY[NVME] + TINY[SSD] + TINY[HDD] // 2
    delta = Delta(stats)
    region, mapping = make(count, seed=7, touched=count)
    # The bounded overrun of memory is taken back in the background. What is on its way
    # counts in both tiers.
    assert wait_for(lambda: sum(stats.used()) == count and all(
        used <= TINY[tier] for tier, used in enumerate(stats.used()))), stats.used()
    pages = list(region.info().pages)
    assert sum(pages) == count
    assert all(pages[tier] > 0 for tier in TIERS), pages
    assert delta.get("first") == [delta.get("first")[0], count - delta.get("first")[0], 0, 0, 0]
    assert sum(delta.get("io_errors")) == 0
    assert wrong(mapping, range(count), 7) == []
    assert sum(region.info().pages) == count and region.info().lost == 0


def test_reason_of_demotions(make, stream):
    reader = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_MIGRATE), events=4096).reader()
    region, _ = make(MEMORY + 100, touched=MEMORY + 100)
    events = [event for event in reader.read() if event.status == 0]
    assert reader.lost == 0 and events
    assert {event.reason for event in events} == {tw.TW_REASON_PRESSURE}
    assert {tw.TW_PAGE_REGION(event.page) for event in events} == {region.number}
    assert sum(event.to_tier in STORES for event in events) >= 100


def test_touch_brings_back(make, stats):
    """A page that pressure sent away comes back with its bytes and a major fault."""
    count = MEMORY + 150
    region, mapping = make(count, seed=3, touched=count)
    away = [index for index, tier in enumerate(region.tiers()) if tier in STORES]
    assert len(away) >= 150
    delta = Delta(stats)
    for index in away[:20]:
        assert mapping.read(index * PAGE, PAGE) == pattern(3, index)
    majors = sum(delta.get("major_read"))
    assert 1 <= majors <= 20
    assert all(tier in (CPU, GPU) for tier in
               [region.tiers(index, 1)[0] for index in away[19:20]])


def test_written_again_and_again(make):
    """Three sweeps of writes over three times the memory: every page is the last one's."""
    count = MEMORY + TINY[NVME] + TINY[SSD] // 2
    region, mapping = make(count)
    for seed in (1, 2, 3):
        fill(mapping, range(count), seed)
    assert wrong(mapping, range(count), 3) == []
    assert region.info().lost == 0


def test_hot_pages_stay(make):
    """Second chance: what is touched all the time is not what goes."""
    count = MEMORY + 200
    region, mapping = make(count)
    hot = range(20)
    for index in range(count):
        mapping.write(index * PAGE, pattern(1, index))
        if index % 8 == 0:
            # Emulated CPUs note an access only after a flush of the TLB.
            for prot in (tw.PROT_READ, tw.PROT_RW):
                tw.check(tw.libc.mprotect(mapping.addr, len(hot) * PAGE, prot))
            for one in hot:
                mapping.read(one * PAGE, 8)
    away = [index for index, tier in enumerate(region.tiers()) if tier in STORES]
    assert len(away) >= 200
    assert len(set(away) & set(hot)) <= 5
    assert wrong(mapping, range(count), 1) == []


def test_two_regions_share(make):
    first, one = make(MEMORY // 2 + 100, seed=1, touched=MEMORY // 2 + 100)
    second, two = make(MEMORY // 2 + 100, seed=2, touched=MEMORY // 2 + 100)
    assert sum(first.info().pages) + sum(second.info().pages) == MEMORY + 200
    assert wrong(one, range(first.nr_pages), 1) == []
    assert wrong(two, range(second.nr_pages), 2) == []


def test_pinned_pages_are_passed_over(make):
    """Demotion cannot take a pinned page and takes others."""
    count = MEMORY + 100
    region, mapping = make(count, seed=1, touched=16)
    pins = [Pin(mapping.addr + index * PAGE) for index in range(16)]
    fill(mapping, range(16, count), 1)
    assert all(tier in (CPU, GPU) for tier in region.tiers(0, 16))
    for pin in pins:
        pin.__exit__()
    assert wrong(mapping, range(count), 1) == []


@pytest.mark.at_once
def test_two_processes_fill(make):
    count = MEMORY + TINY[NVME]
    region, mapping = make(count)
    half = count // 2
    children = [Child(fill, mapping, range(half), 1), Child(fill, mapping, range(half, count), 1)]
    for child in children:
        child.result()
    assert sum(region.info().pages) == count
    assert wrong(mapping, range(count), 1) == []


class TestFull:
    def fill_until_killed(self, mapping, count, reached):
        """In a child: the signal that ended it; `reached` pages were written before."""
        def work():
            for index in range(count):
                mapping.write(index * PAGE, pattern(5, index))
                reached.set(index + 1)
        return Child(work).wait(120)

    def test_everything_full(self, make, stats, stream):
        """No room anywhere: SIGBUS for the page that does not fit, nothing else is lost."""
        reader = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_LIMIT)).reader()
        count = 2 * ALL
        region, mapping = make(count)
        reached = Reached()
        before = stats.total("sigbus")
        assert self.fill_until_killed(mapping, count, reached) == -signal.SIGBUS
        done = reached.get()
        # The limits of memory are soft, but bounded.
        assert ALL * 95 // 100 <= done <= ALL + MEMORY
        assert stats.total("sigbus") == before + 1
        (event,) = reader.read()
        assert event.type == tw.TW_EVENT_LIMIT
        assert region.info().lost == 0
        assert wrong_without_room(mapping, done) == []
        # Room again: the page that did not fit fits.
        region.discard(0, 64 * PAGE)
        assert touch_fate(mapping, done * PAGE, write=True) == 0
        assert mapping.read(done * PAGE, 1) == b"x"

    def test_no_stores(self, dev, make, back_to_tiny):
        """Memory alone, full."""
        set_tiers(dev, {CPU: 128, GPU: 64})
        region, mapping = make(1000)
        reached = Reached()
        assert self.fill_until_killed(mapping, 1000, reached) == -signal.SIGBUS
        assert 192 <= reached.get() <= 2 * 192
        assert wrong(mapping, range(reached.get()), 5) == []
        assert region.info().pages[CPU] + region.info().pages[GPU] == reached.get()

    def test_kernel_access(self, dev, make, back_to_tiny):
        """A system call gets EFAULT where a touch would be SIGBUS."""
        set_tiers(dev, {CPU: 64})
        _, mapping = make(400)
        fill_end, write_end = os.pipe()
        outcomes = []
        for index in range(400):
            os.write(write_end, b"x")
            got = tw.libc.read(fill_end, mapping.addr + index * PAGE, 1)
            outcomes.append(got)
            if got < 0:
                break
        os.close(fill_end)
        os.close(write_end)
        assert outcomes[-1] == -1 and tw.ctypes.get_errno() == errno.EFAULT
        assert 64 <= len(outcomes) <= 192

    def test_migrating_into_full_memory(self, make, tiny):
        """Everything is ENOSPC or moves; nothing hangs."""
        count = MEMORY + TINY[NVME] // 2
        region, mapping = make(count, seed=2, touched=count)
        result = region.migrate(0, count * PAGE, GPU)
        assert set(result.status) <= {0, 1, -errno.ENOSPC, -errno.EBUSY}
        assert region.info().pages[GPU] <= TINY[GPU]
        assert wrong(mapping, range(count), 2) == []


def wrong_without_room(mapping: tw.Mapping, count: int) -> list[int]:
    """Verify while every tier is full: a touch may need a swap of places."""
    return run_child(wrong, mapping, range(count), 5, timeout=120)


def test_only_a_store_behind_memory(dev, back_to_tiny):
    """Each store alone takes the overflow."""
    for store in STORES:
        set_tiers(dev, {CPU: 128, store: 128 if store != HDD else 64})
        region = dev.region(176 * PAGE)
        with region, region.map() as mapping:
            fill(mapping, range(176), store)
            assert wait_for(lambda: region.info().pages[store] >= 48), region.info().pages[store]
            assert wrong(mapping, range(176), store) == []
        assert wait_for(lambda tier=store: dev.tier_info(tier).used == 0)


def test_full_nvme_falls_through(dev, make, back_to_tiny):
    set_tiers(dev, {CPU: 128, NVME: 32, SSD: 32, HDD: 32})
    region, mapping = make(216, seed=9, touched=216)
    pages = region.info().pages
    assert pages[SSD] > 0 and pages[HDD] > 0 and sum(pages) == 216
    assert wrong(mapping, range(216), 9) == []
