# SPDX-License-Identifier: GPL-2.0
"""Automatic migration: heat by scans, hot pages up, cold ones down, and the knobs."""

import errno
import os
import time

import pytest

import tw
from support import (Child, Reached, ask_for, fill, place, refused, run_user, set_tiers, wait_for,
                     wrong)
from tw import CPU, GPU, NVME, PAGE, SSD

pytestmark = [pytest.mark.usefixtures("back_to_tiny"), pytest.mark.forked]


class Toucher:
    """Touches pages until told to stop.

    Two processes take turns on one CPU: an accessed bit is set again only when the CPU
    has forgotten the mapping, as it does when it goes to another process.
    """

    def __init__(self, mapping, pages):
        self.mapping, self.pages, self.stop = mapping, list(pages), Reached()
        self.children = []

    def run(self):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        while not self.stop.get():
            for index in self.pages:
                self.mapping.read(index * PAGE, 1)
            time.sleep(0.002)

    def __enter__(self):
        self.children = [Child(self.run) for _ in range(2)]
        return self

    def __exit__(self, *_exc):
        self.stop.set()
        for child in self.children:
            child.result()


def fast(policy, **more):
    """Scans in quick succession."""
    policy(enabled=1, scan_min_ms=20, scan_max_ms=50, scan_permille=500, **more)


def scans(stats, count):
    """Wait for so many scans."""
    last = stats.header.scans + count
    assert wait_for(lambda: stats.header.scans >= last, 30), stats.header.scans


def moves(stats):
    """Pages that the policy has moved."""
    return stats.header.auto_promoted + stats.header.auto_demoted


def test_heat_follows_touches(make, policy, stats):
    """What is touched in each scan is above the documented 100; what is not cools down."""
    region, mapping = make(64, seed=1, touched=64)
    fast(policy, mode=0)
    with Toucher(mapping, range(8)):
        assert wait_for(lambda: all(page.temperature == tw.TW_CLASS_HOT
                                    for page in region.pages()[:8]), 30), \
            str([page.heat for page in region.pages()])
        pages = region.pages()
        assert all(page.heat > 100 and page.age <= 2 for page in pages[:8])
        assert all(page.heat < 40 and page.age > 4 for page in pages[8:])
    assert wait_for(lambda: all(page.temperature == tw.TW_CLASS_COLD
                                for page in region.pages()), 60)
    assert sum(stats.tier(CPU)["heat"]) >= 64
    assert wrong(mapping, range(64), 1) == []


def test_unmapping_instead_of_accessed_bits(make, policy, stats):
    """One process that never lets go of its CPU: faults tell what it touches."""
    region, mapping = make(64, seed=1, touched=64)
    stop = Reached()

    def run():
        while not stop.get():
            for index in range(8):
                mapping.read(index * PAGE, 1)

    fast(policy, mode=tw.TW_POLICY_UNMAP)
    child = Child(run)
    try:
        assert wait_for(lambda: all(page.temperature == tw.TW_CLASS_HOT
                                    for page in region.pages()[:8]), 30), \
            str([page.heat for page in region.pages()])
        scans(stats, 3)
        assert all(page.heat < 40 and page.age > 4 for page in region.pages()[8:])
    finally:
        stop.set()
        child.result()
    assert wait_for(lambda: all(page.temperature == tw.TW_CLASS_COLD
                                for page in region.pages()), 60)
    assert wrong(mapping, range(64), 1) == []


def test_nothing_happens_when_it_is_off(make, policy, stats):
    region, mapping = make(32, seed=1, touched=32)
    before = stats.header.scans
    assert policy().enabled == 0
    time.sleep(0.5)
    assert stats.header.scans == before and {page.heat for page in region.pages()} == {10}
    policy(enabled=1)
    assert wait_for(lambda: stats.header.scans > before)
    policy(enabled=0)
    time.sleep(0.2)
    before = stats.header.scans
    time.sleep(0.5)
    assert stats.header.scans == before
    assert wrong(mapping, range(32), 1) == []


def strayed(dev, make):
    """A region whose hot pages are where they do not belong, so that migration has work."""
    set_tiers(dev, {CPU: 256, GPU: 256, NVME: 512, SSD: 512})
    region, mapping = make(160, seed=2, touched=160)
    place(region, 96, 64, GPU)
    return region, mapping


def test_watching_moves_nothing(dev, make, policy, stats):
    """Heat, histograms and candidates are those of scans; pages stay where they are.

    With migration on the same touches do move pages: the negative control.
    """
    region, mapping = strayed(dev, make)
    was, hot = region.tiers(), range(96, 128)
    fast(policy, mode=0)
    policy(enabled=tw.TW_POLICY_WATCH)
    before = moves(stats)
    moved = [stats.counters(tier)["moves_in"] for tier in tw.TIERS]
    with Toucher(mapping, hot):
        assert wait_for(lambda: all(page.temperature == tw.TW_CLASS_HOT
                                    for page in region.pages()[96:128]), 30), \
            str([page.heat for page in region.pages()])
        scans(stats, 20)
        assert all(page.heat < 40 and page.age > 4 for page in region.pages()[:96])
        wanted = {found.page for found in dev.candidates(GPU, CPU)}
        assert {tw.TW_PAGE(region.id, index) for index in hot} <= wanted
        assert sum(stats.tier(CPU)["heat"]) >= 96
        assert sum(stats.tier(GPU)["heat"]) >= 64
        assert region.tiers() == was and moves(stats) == before
        assert [stats.counters(tier)["moves_in"] for tier in tw.TIERS] == moved
        policy(enabled=tw.TW_POLICY_ON)
        assert wait_for(lambda: region.tiers(96, 32).count(CPU) >= 30, 60), region.tiers(96, 32)
    assert moves(stats) > before
    assert wrong(mapping, range(160), 2) == []


def test_watching_begins_while_pages_move(dev, make, policy, stats):
    """From the moment that the call returns hardly a batch still moves, then none."""
    region, mapping = strayed(dev, make)
    fast(policy, mode=0)
    with Toucher(mapping, range(96, 160)):
        assert wait_for(lambda: region.tiers().count(GPU) < 64, 60)
        policy(enabled=tw.TW_POLICY_WATCH)
        scans(stats, 2)
        place(region, 96, 64, GPU)
        scans(stats, 20)
        assert region.tiers(96, 64) == [GPU] * 64
    assert wrong(mapping, range(160), 2) == []


def test_watching_makes_room(dev, make, policy, stats):
    """What faults need goes to the stores as ever, but no more than that is kept free."""
    set_tiers(dev, {CPU: 1000, NVME: 2000})
    region, mapping = make(900, seed=4, touched=900)
    fast(policy, free_permille=400)
    policy(enabled=tw.TW_POLICY_WATCH)
    policy(enabled=tw.TW_POLICY_ON)
    assert wait_for(lambda: dev.tier_info(CPU).used <= 600, 30), dev.tier_info(CPU).used
    policy(enabled=tw.TW_POLICY_WATCH)
    scans(stats, 2)
    assert wrong(mapping, range(900), 4) == []
    scans(stats, 10)
    assert dev.tier_info(CPU).used >= 850, "pages sink although nothing needs room"
    region2, mapping2 = make(800, seed=5, touched=800)
    assert sum(region.info().pages) + sum(region2.info().pages) == 1700
    assert dev.tier_info(NVME).used >= 700
    assert wrong(mapping, range(900), 4) == [] and wrong(mapping2, range(800), 5) == []


def test_the_parameter_tells_of_moves(policy, stats):
    """N while pages are only watched; writing it turns moving on and off."""
    path = "/sys/module/tier_watch/parameters/enable_auto_migration"

    def parameter(write=None):
        with open(path, "w" if write else "r", encoding="ascii") as file:
            return file.write(write) if write else file.read().strip()

    policy(enabled=tw.TW_POLICY_WATCH, scan_min_ms=20, scan_max_ms=50)
    assert parameter() == "N" and policy().enabled == tw.TW_POLICY_WATCH
    scans(stats, 2)
    for text, enabled, shown in (("1", tw.TW_POLICY_ON, "Y"), ("0", tw.TW_POLICY_OFF, "N")):
        parameter(text)
        assert policy().enabled == enabled and parameter() == shown


@pytest.mark.parametrize("mode", [0, tw.TW_POLICY_AUTO])
def test_hot_pages_come_home(dev, make, policy, stats, mode):
    """Hot pages go from the GPU tier to the CPU tier; its cold ones make room."""
    set_tiers(dev, {CPU: 128, GPU: 256, NVME: 512})
    region, mapping = make(300, seed=2, touched=120)
    for first in range(120, 300, 60):
        fill(mapping, range(first, first + 60), 2)
    place(region, 200, 64, GPU)
    hot = range(200, 264)
    fast(policy, mode=mode)
    with Toucher(mapping, hot):
        assert wait_for(lambda: region.tiers(200, 64).count(CPU) >= 60, 60), \
            (region.tiers(200, 64), list(region.info().pages))
        scans(stats, 5)
        assert region.tiers(200, 64).count(CPU) >= 60
    header = stats.header
    assert header.auto_promoted > 0 and header.auto_considered >= header.auto_promoted
    assert sum(region.info().pages) == 300
    assert wrong(mapping, range(300), 2) == []


def test_all_hot_thrashes_little(dev, make, policy, stats):
    """Where everything is as hot as everything else, moving helps nobody: it stays."""
    set_tiers(dev, {CPU: 128, GPU: 256})
    region, mapping = make(300, seed=3, touched=300)
    fast(policy)
    with Toucher(mapping, range(300)):
        scans(stats, 20)
        # More is touched than the CPU tier holds: who counts is who comes in a shorter time.
        assert wait_for(lambda: stats.header.scan_window_us > 0, 30)
        before = moves(stats)
        scans(stats, 20)
        moved = moves(stats) - before
    assert moved <= 300, moved
    assert wrong(mapping, range(300), 3) == []


def test_a_pause_is_forgotten(dev, make, policy, stats):
    """Scans go on at once, and no window is as long as they were off."""
    set_tiers(dev, {CPU: 128, GPU: 256})
    region, mapping = make(300, seed=3, touched=300)
    fast(policy)
    scans(stats, 10)
    policy(enabled=0)
    with Toucher(mapping, range(300)):
        time.sleep(8)
        fast(policy)
        for _ in range(20):
            scans(stats, 1)
            assert stats.header.scan_window_us <= 1000000
    assert sum(region.info().pages) == 300


def test_keeps_some_memory_free(dev, make, policy):
    """Cold pages sink before memory is full."""
    set_tiers(dev, {CPU: 1000, NVME: 2000})
    region, mapping = make(1000, seed=4, touched=1000)
    fast(policy, free_permille=100)
    assert wait_for(lambda: dev.tier_info(CPU).used <= 900, 30), dev.tier_info(CPU).used
    assert wrong(mapping, range(1000), 4) == []


def test_no_more_is_free_than_faults_need(dev, make, policy):
    """While pages come and go and no fault waits, more and more memory is used."""
    set_tiers(dev, {CPU: 512, NVME: 2048})
    region, mapping = make(1024, seed=6, touched=1024)
    fast(policy, free_permille=250)
    assert wait_for(lambda: dev.tier_info(CPU).used <= 384, 30), dev.tier_info(CPU).used
    for first in range(0, 1024 * 16, 16):
        pages = range(first % 1024, first % 1024 + 16)
        assert wrong(mapping, pages, 6) == []
        time.sleep(0.002)
        if dev.tier_info(CPU).used > 448:
            time.sleep(0.5)             # the background has nothing against it
            if dev.tier_info(CPU).used > 448:
                break
    else:
        pytest.fail("as much is kept free as at first")
    assert wait_for(lambda: dev.tier_info(CPU).used <= 512 - 8), "none is kept free"
    fast(policy, free_permille=250)
    assert wait_for(lambda: dev.tier_info(CPU).used <= 384, 30), "a new beginning"
    assert wrong(mapping, range(1024), 6) == []


def test_the_hot_stay_in_memory(dev, make, policy, stats):
    """Of more pages than memory holds, those that are used stay."""
    set_tiers(dev, {CPU: 256, NVME: 1024})
    region, mapping = make(800, seed=5, touched=800)
    fast(policy)
    hot = list(range(0, 800, 8))
    with Toucher(mapping, hot):
        scans(stats, 10)
        for first in range(0, 800, 100):    # all the others come by once
            assert wrong(mapping, range(first, first + 100), 5) == []
            scans(stats, 1)
        scans(stats, 5)
        tiers = region.tiers(0, 800)
    assert sum(tiers[index] == CPU for index in hot) >= 95, [tiers[index] for index in hot]
    assert wrong(mapping, range(800), 5) == []


def test_share_of_a_cpu_is_held(dev, make, policy, stats):
    """Whatever the period asks for, scanning takes no more than its share.

    No matter of speed: the scanner sleeps for what it has worked by its own clock.
    """
    set_tiers(dev, {CPU: 1500})
    make(1000, touched=1000)
    policy(enabled=1, scan_min_ms=10, scan_max_ms=10, scan_permille=1)
    scans(stats, 1)
    header, start = stats.header, time.monotonic()
    count, worked = header.scans, header.scan_ns
    time.sleep(4)
    scans(stats, 1)
    worked = header.scan_ns - worked
    elapsed = (time.monotonic() - start) * 1e9
    one = worked / (header.scans - count)
    assert worked <= elapsed / 1000 + 2 * one, (worked, elapsed, header.scans - count)


def test_nothing_to_see(make, policy, stats):
    """Without a page to look at the scanner sleeps longer and longer, and not beyond a region."""
    policy(enabled=1, scan_min_ms=20, scan_max_ms=400)
    assert wait_for(lambda: stats.header.scan_period_ms == 400, 30), stats.header.scan_period_ms
    make(16, touched=16)
    assert wait_for(lambda: stats.header.scan_period_ms < 100, 10), stats.header.scan_period_ms
    assert wait_for(lambda: sum(stats.tier(CPU)["heat"]) >= 16, 10)


@pytest.mark.parametrize("how", ["report", "move", "touch"])
def test_news_of_idle_pages(dev, make, policy, stats, how):
    """Tables idle for long are not read in each scan, but what happens to their pages counts."""
    set_tiers(dev, {CPU: 1500, GPU: 64})
    region, _ = make(1024, touched=1024)
    policy(enabled=1, mode=0, scan_min_ms=10, scan_max_ms=10, scan_permille=900)
    header = stats.header

    def warm(tier=CPU):
        return sum(stats.tier(tier)["heat"][1:])

    assert wait_for(lambda: not warm(), 60)
    scans(stats, 70)
    skipped, done = header.scan_skipped, header.scans
    scans(stats, 10)
    assert header.scan_skipped - skipped >= 1024 * (header.scans - done - 2)
    if how == "report":
        for _ in range(100):
            dev.report(tw.TW_PAGE(region.id, 600))
        scans(stats, 2)
        assert warm() == 1
    elif how == "touch":
        with region.map() as other:     # no CPU has its table in a cache
            other.write(700 * PAGE, b"x")
            scans(stats, 2)
            assert warm() == 1
    else:
        in_cpu = sum(stats.tier(CPU)["heat"])
        assert region.migrate(100 * PAGE, PAGE, GPU).moved == 1
        scans(stats, 2)
        assert sum(stats.tier(CPU)["heat"]) == in_cpu - 1


def test_nobody_waits_for_a_scan(dev, policy, stats):
    """A region that goes away in the middle of a long scan is gone, records and all."""
    chunks = 2000
    set_tiers(dev, {CPU: 2 * chunks})
    before = stats.header.record_bytes
    with dev.region(chunks * 512 * PAGE) as region:
        with region.map() as mapping:
            for chunk in range(chunks):
                mapping.write(chunk * 512 * PAGE, b"x")
            policy(enabled=1, scan_min_ms=10, scan_max_ms=10, scan_permille=1)
            scanned, started = stats.header.scan_pages, stats.header.scans
            time.sleep(2)
    assert stats.header.scans == started and stats.header.scan_pages == scanned     # in it
    assert wait_for(lambda: stats.header.record_bytes == before, 10), stats.header.record_bytes


def test_the_longest_stored_sink(dev, make, policy, stats):
    """A full store hands on what nobody asks for, while a slower one's pages are asked for."""
    set_tiers(dev, {CPU: 64, NVME: 512, SSD: 1024})
    region, mapping = make(600, seed=7, touched=600)
    stored = region.tiers().index(SSD)
    fast(policy)
    scans(stats, 20)
    assert dev.tier_info(NVME).used == 512      # one page is as good as another
    ask_for(region, mapping, stats, stored, SSD)
    assert wait_for(lambda: dev.tier_info(NVME).used <= 496, 60), list(region.info().pages)
    assert sum(region.info().pages) == 600
    assert wrong(mapping, range(600), 7) == []


def test_knobs(policy):
    """All are set, or none."""
    before = bytes(policy())
    knobs = policy(mode=0, hot_threshold=50, cold_threshold=5, scan_permille=20, scan_min_ms=100,
                   scan_max_ms=1000, free_permille=30, min_stay=3, max_rate=1000)
    assert (knobs.mode, knobs.hot_threshold, knobs.cold_threshold, knobs.scan_permille,
            knobs.scan_min_ms, knobs.scan_max_ms, knobs.free_permille, knobs.min_stay,
            knobs.max_rate) == (0, 50, 5, 20, 100, 1000, 30, 3, 1000)
    set_to = bytes(policy())
    assert set_to != before
    for name, value in (("enabled", 3), ("mode", 4), ("hot_threshold", 5), ("hot_threshold", 65535),
                        ("cold_threshold", 0), ("cold_threshold", 50), ("scan_permille", 0),
                        ("scan_permille", 1001), ("scan_min_ms", 9), ("scan_min_ms", 1001),
                        ("scan_max_ms", 600001), ("scan_max_ms", 99), ("free_permille", 0),
                        ("free_permille", 501), ("min_stay", 256)):
        with refused(errno.EINVAL):
            policy(**{"max_rate": 9, name: value})
        assert bytes(policy()) == set_to, name


def test_only_admins_set_them(dev, policy):
    def other():
        device = tw.Device()
        assert device.policy().scan_permille == 10
        try:
            device.policy(scan_permille=20)
        except OSError as error:
            return error.errno
        return 0

    assert run_user(other) == errno.EPERM
    assert policy().scan_permille == 10


def test_gpu_regions_go_the_other_way(dev, make, policy):
    """A region with GPU affinity has its hot pages there."""
    set_tiers(dev, {CPU: 256, GPU: 64, SSD: 256})
    region, mapping = make(100, seed=6, touched=100, affinity=GPU)
    place(region, 0, 64, CPU)
    fast(policy)
    with Toucher(mapping, range(32)):
        assert wait_for(lambda: region.tiers(0, 32).count(GPU) >= 30, 60), region.tiers(0, 100)
    assert wrong(mapping, range(100), 6) == []
    assert NVME not in region.tiers(0, 100)
