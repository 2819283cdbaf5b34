# SPDX-License-Identifier: GPL-2.0
"""Which store a page goes to: copies, pages that keep coming back, stores in trouble."""

import errno
import time
from pathlib import Path

import pytest

import tw
from support import Delta, Loop, Mapper, ask_for, bind, fill, format_store, set_tiers, wait_for, wrong
from tw import CPU, HDD, NVME, PAGE, SSD

pytestmark = [pytest.mark.usefixtures("back_to_tiny"), pytest.mark.forked]

MEMORY = 64


def scan_once(policy, stats):
    """Automatic migration that scans once and then leaves everything to the test."""
    before = stats.header.scans
    policy(enabled=1, scan_min_ms=600000, scan_max_ms=600000)
    assert wait_for(lambda: stats.header.scans > before, 30)


def send(region, first, count, tier):
    """As place(), but the background may be at it."""
    assert wait_for(lambda: region.migrate(first * PAGE, count * PAGE, tier).failed == 0)
    assert region.tiers(first, count) == [tier] * count


def push_out(region, mapping, pages, others, seed=1):
    """Touch others until these are in a store."""
    others = list(others)
    for _ in range(20):
        for index in others:
            assert wrong(mapping, [index], seed) == []
            if not any(region.tiers(page, 1)[0] == CPU for page in pages):
                return
    assert not [page for page in pages if region.tiers(page, 1)[0] == CPU]


def test_refaults_are_told_apart(dev, make, stats):
    """A page that comes back before as many have left as memory holds has left too early."""
    set_tiers(dev, {CPU: MEMORY, NVME: 512})
    region, mapping = make(300, seed=1, touched=300)
    for index in (290, 299):
        send(region, index, 1, NVME)
    delta = Delta(stats)
    assert wrong(mapping, [290], 1) == []
    assert (delta.tier(NVME)["refaults"], delta.tier(NVME)["refaults_early"]) == (1, 1)
    delta = Delta(stats)
    # Not in sequence, so little is read ahead; some that come in push nothing out.
    for index in (first + step for first in range(3) for step in range(0, 278, 3)):
        if delta.tier(NVME)["moves_in"] >= MEMORY:
            break
        assert wrong(mapping, [index], 1) == []
    before = delta.tier(NVME)
    assert before["moves_in"] >= MEMORY and region.tiers(299, 1) == [NVME]
    assert wrong(mapping, [299], 1) == []
    after = delta.tier(NVME)
    assert after["refaults"] == before["refaults"] + 1
    assert after["refaults_early"] == before["refaults_early"]
    assert wrong(mapping, range(300), 1) == []


@pytest.mark.parametrize("moved", ("off", "alike", "unlike"))
def test_who_keeps_coming_back_leaves_the_slow_store(dev, make, stats, policy, moved):
    """Its copy there holds a page back until it is wanted too early twice in a row.

    Only while pages are moved by themselves, and those of the stores are not all alike.
    """
    set_tiers(dev, {CPU: MEMORY, NVME: 256, SSD: 1024})
    region, mapping = make(700, seed=1, touched=700)
    if moved == "unlike":
        policy(enabled=1, scan_min_ms=20, scan_max_ms=20)
        ask_for(region, mapping, stats, region.tiers().index(SSD), SSD)
    if moved != "off":
        scan_once(policy, stats)
    tiers = region.tiers()
    stored = [index for index, tier in enumerate(tiers) if tier == SSD]
    often, once = stored[0], stored[40]
    assert wrong(mapping, [often, once], 1) == []
    for _ in range(2):
        send(region, often, 1, SSD)
        assert wrong(mapping, [often], 1) == []
    send(region, once, 1, SSD)
    assert wrong(mapping, [once], 1) == []
    gone = [index for index, tier in enumerate(region.tiers()) if tier == NVME]
    for index in gone:                  # room for all that are written
        region.discard(index * PAGE, PAGE)
    push_out(region, mapping, [often, once], stored[60:])
    assert stats.used()[NVME] < 256
    assert region.tiers(often, 1) == [NVME if moved == "unlike" else SSD]
    assert region.tiers(once, 1) == [SSD]
    assert wrong(mapping, sorted(set(range(700)) - set(gone)), 1) == []


@pytest.mark.parametrize("enabled", (True, False))
def test_no_room_is_kept_free(dev, make, stats, policy, enabled):
    """A store fills before the next is used."""
    set_tiers(dev, {CPU: MEMORY, NVME: 128, SSD: 512})
    if enabled:
        scan_once(policy, stats)
    region, mapping = make(400, seed=1, touched=400)
    assert region.info().pages[NVME] == 128
    assert wrong(mapping, range(400), 1) == []


def test_clean_pages_go_where_their_copy_is(dev, make, stats):
    """Nothing is written for them, though a faster store has room; written ones go there."""
    set_tiers(dev, {CPU: MEMORY, NVME: 512, SSD: 512})
    region, mapping = make(300, seed=1, touched=300)
    send(region, 0, 8, SSD)
    assert wait_for(lambda: wrong(mapping, range(8), 1) == [] and
                    region.tiers(0, 8) == [CPU] * 8)
    fill(mapping, [3], 1)
    delta = Delta(stats)
    push_out(region, mapping, range(8), range(100, 300))
    assert region.tiers(0, 8) == [SSD] * 3 + [NVME] + [SSD] * 4
    assert delta.tier(SSD)["bytes_written"] == 0
    assert wrong(mapping, range(300), 1) == []


class TestTrouble:
    """The SSD fails; NVMe before it and HDD after it are well."""

    SECTORS = tw.TW_STORE_DATA // 512
    PAGES = 256
    ALL = PAGES * 8 + SECTORS

    @pytest.fixture
    def disk(self, dev):
        """How to break the SSD, and to mend it."""
        with Loop(self.ALL * 512) as loop:
            good = [(0, self.ALL, "linear", f"{loop.path} 0")]
            bad = [(0, self.SECTORS, "linear", f"{loop.path} 0"),
                   (self.SECTORS, self.ALL - self.SECTORS, "error", "")]
            with Mapper(good) as mapper:
                format_store(mapper.path)
                set_tiers(dev, {CPU: MEMORY, NVME: 128, HDD: 64})
                bind(dev, SSD, 0, mapper.path)
                yield lambda broken: mapper.load(bad if broken else good)
                mapper.load(good)
                dev.unbind(SSD, tw.TW_UNBIND_FORCE)

    @staticmethod
    def avoided(stats):
        """Seconds for which the SSD is avoided, and what /proc says."""
        text = Path("/proc/swarm/tiers/ssd/stats").read_text()
        shown = "avoided 1\n" in text
        assert shown or "avoided 0\n" in text
        return max(0, stats.tier(SSD)["avoided_until_ns"] / 1e9 - time.monotonic()), shown

    def test_writes(self, make, stats, stream, policy, disk):
        """No page goes there, all are well, it is shown; the event names tier and page."""
        assert self.avoided(stats) == (0, False)
        scan_once(policy, stats)
        reader = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_TIER_ERROR) |
                        tw.TW_EVENT_BIT(tw.TW_EVENT_MIGRATE), events=8192).reader()
        disk(True)
        region, mapping = make(220, seed=1, touched=220)
        pages = region.info().pages
        assert pages[SSD] == 0 and pages[HDD] > 0 and region.info().lost == 0, list(pages)
        seconds, shown = self.avoided(stats)
        assert 0 < seconds <= 10 and shown
        events = reader.read()
        assert {event.tier for event in events if event.type == tw.TW_EVENT_TIER_ERROR} == {SSD}
        failed = [event for event in events
                  if event.type == tw.TW_EVENT_MIGRATE and event.status == -errno.EIO]
        assert failed and {event.to_tier for event in failed} == {SSD}
        assert all(0 <= event.page - region.page(0) < 220 for event in failed)
        assert wrong(mapping, range(220), 1) == []

    def test_reads(self, make, stats, disk):
        """A read that failed counts, too; what is there comes back when the disk is well."""
        region, mapping = make(8, seed=1, touched=8)
        send(region, 0, 4, SSD)
        disk(True)
        assert region.migrate(0, PAGE, CPU).failed == 1
        assert self.avoided(stats)[1]
        disk(False)
        assert wrong(mapping, range(8), 1) == []

    def test_nothing_sinks_there(self, dev, make, stats, policy, disk):
        """A nearly full NVMe hands on to the HDD meanwhile."""
        set_tiers(dev, {CPU: 512, NVME: 128, SSD: dev.tier_info(SSD).capacity, HDD: 64})
        region, mapping = make(150, seed=1, touched=150)
        send(region, 0, 4, SSD)
        send(region, 8, 64, NVME)
        policy(enabled=1, scan_min_ms=20, scan_max_ms=50, scan_permille=500)
        ask_for(region, mapping, stats, 4, SSD)
        disk(True)
        assert region.migrate(0, PAGE, CPU).failed == 1 and self.avoided(stats)[1]
        send(region, 72, 60, NVME)

        def sunk():
            assert region.migrate(0, PAGE, CPU).failed == 1     # which renews it
            return dev.tier_info(HDD).used >= 12

        assert wait_for(sunk, 60), stats.used()
        assert self.avoided(stats)[1]
        assert stats.used()[SSD] == 4 and 112 <= stats.used()[NVME] < 124
        disk(False)
        assert wrong(mapping, range(150), 1) == []
