# SPDX-License-Identifier: GPL-2.0
"""A bound store gets larger and smaller: what lies beyond its new end goes elsewhere."""

import errno
import fcntl
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

import test_swap
import tw
from support import (Child, Delta, Layout, Loop, Mapper, bind, count_up, counted, errno_of, fill,
                     format_store, place, read_direct, refused, set_tiers, store_path, tiers_of,
                     wait_for, write_direct, wrong)
from tw import CPU, HDD, NVME, PAGE, SSD

pytestmark = [pytest.mark.usefixtures("small"), pytest.mark.forked]

MEMORY, STORE = 256, 256
SMALL = {CPU: MEMORY, NVME: STORE, SSD: 64}
ROOM = sum(SMALL.values())
LEAST = tw.TW_STORE_PAGES_MIN
LOOP_SET_CAPACITY = 0x4C07


@pytest.fixture(scope="module")
def small(dev):
    """Memory and two stores."""
    set_tiers(dev, SMALL)
    yield SMALL
    Layout.restore(dev)


@pytest.fixture(autouse=True)
def as_before(dev, small):  # pylint: disable=unused-argument
    """The tiers have their sizes at the beginning of each test."""
    set_tiers(dev, SMALL)


@pytest.fixture
def disk(dev, small):  # pylint: disable=unused-argument
    """A disk that can be made to hang, bound as HDD, of 200 pages."""
    sectors = 200 * 8 + tw.TW_STORE_DATA // 512
    with Loop(sectors * 512) as loop, Mapper([(0, sectors, "linear", f"{loop.path} 0")]) as mapper:
        format_store(mapper.path)
        bind(dev, HDD, 0, mapper.path)
        yield mapper
        if dev.tier_info(HDD).kind:
            dev.unbind(HDD)


def capacity(dev, tier=NVME):
    """Of a store, which all that tell it agree on."""
    info, block = dev.tier_info(tier), dev.stats().tier(tier)
    assert info.capacity == block["capacity"] == dev.pressure(tier).capacity
    return info.capacity


def at_the_end(make, count, seed):
    """Pages in the last `count` slots of the store, none in those before."""
    region, mapping = make(STORE, seed=seed, touched=STORE)
    place(region, 0, STORE, NVME)
    place(region, 0, STORE - count, CPU)
    fill(mapping, range(STORE - count), seed)     # written, so that no copies are kept
    assert region.tiers(STORE - count, count) == [NVME] * count
    return region, mapping


class TestShrink:
    def test_to_other_slots(self, dev, make, stats):
        """What has room in the store stays there, and all bytes are as before."""
        region, mapping = at_the_end(make, 100, 1)
        delta = Delta(stats)
        done = dev.resize(NVME, 120)
        assert done.capacity == 120 == capacity(dev) and 0 < done.moved <= 100
        tiers = region.tiers(STORE - 100, 100)
        assert 0 < tiers.count(NVME) == stats.used()[NVME] <= 120
        assert not tiers.count(CPU) and tiers.count(NVME) > tiers.count(SSD)
        assert sum(delta.get("io_errors")) == 0
        assert wrong(mapping, range(STORE), 1) == []

    def test_to_other_tiers(self, dev, make, stats):
        """What has not goes to the next store, and then to memory."""
        region, mapping = at_the_end(make, 150, 2)
        assert 0 < dev.resize(NVME, 64).moved <= 150    # others may move some meanwhile
        tiers = region.tiers(STORE - 150, 150)
        assert 0 < tiers.count(NVME) == stats.used()[NVME] <= 64
        assert 0 < tiers.count(SSD) <= 64 and tiers.count(CPU) >= 22
        assert wrong(mapping, range(STORE), 2) == []

    def test_nothing_beyond_is_used(self, dev, make):
        """Neither what was there nor what comes later is read or written there."""
        region, mapping = at_the_end(make, 100, 3)
        dev.resize(NVME, 128)
        end = tw.TW_STORE_DATA + 128 * PAGE
        write_direct(store_path(NVME), end, b"\xa5" * (STORE - 128) * PAGE)
        assert wrong(mapping, range(STORE), 3) == []
        for turn in range(4):
            fill(mapping, range(STORE), turn)
            assert region.migrate(0, STORE * PAGE, NVME).moved > 0
            assert region.tiers().count(NVME) <= 128
            assert wrong(mapping, range(STORE), turn) == []
        assert read_direct(store_path(NVME), end, (STORE - 128) * PAGE).strip(b"\xa5") == b""

    def test_kept_copies_are_dropped(self, dev, make, stats):
        """Pages that are in memory, too, need no other place."""
        region, mapping = make(100, seed=4, touched=100)
        place(region, 0, 100, NVME)
        assert wrong(mapping, range(100), 4) == []
        kept = stats.kept()[NVME]
        assert kept == 100 and region.tiers() == [CPU] * 100
        assert dev.resize(NVME, LEAST).moved == 0
        assert stats.kept()[NVME] <= LEAST and stats.used()[NVME] == 0
        place(region, 0, LEAST, NVME)
        assert wrong(mapping, range(100), 4) == []

    def test_nothing_to_move(self, dev, make):
        region, mapping = make(LEAST, seed=5, touched=LEAST)
        assert dev.resize(NVME, 200).moved == 0
        assert dev.resize(NVME, 200).moved == 0     # as it is
        place(region, 0, LEAST, NVME)
        assert wrong(mapping, range(LEAST), 5) == []

    def test_memory_of_the_driver_is_given_back(self, dev, make, stats):
        """Checksums beyond the end are not kept."""
        with tiers_of(dev, {CPU: 4096, NVME: 4096}):
            region, mapping = make(2048, seed=6, touched=2048)
            before = stats.header.store_bytes
            place(region, 0, 2048, NVME)
            full = stats.header.store_bytes
            assert full > before
            mapping.read(0, PAGE)
            region.discard(0, 2000 * PAGE)
            assert dev.resize(NVME, 1000).capacity == 1000
            assert before <= stats.header.store_bytes < full
            assert wrong(mapping, range(2000, 2048), 6) == []


class TestRefused:
    def test_no_room(self, dev, make, stats):
        """Pages that can go nowhere else: the store has its size, and all is there."""
        region, mapping = make(ROOM - 10, seed=1, touched=ROOM - 10)
        region.migrate(0, STORE * PAGE, NVME)
        assert stats.used()[NVME] > 200
        room = stats.header.room
        assert errno_of(dev.resize, NVME, 64) == errno.ENOSPC
        assert capacity(dev) == STORE and stats.header.room == room
        assert sum(region.info().pages) == ROOM - 10 and region.info().lost == 0
        assert wrong(mapping, range(ROOM - 10), 1) == []

    def test_reserved(self, dev, make, stats):
        """What is promised is not given up, and nothing moves for it."""
        region, mapping = at_the_end(make, 100, 2)
        with dev.region((ROOM - STORE - 20) * PAGE, flags=tw.TW_REGION_RESERVE):
            with refused(errno.ENOSPC, region):
                dev.resize(NVME, STORE - 21)
            assert capacity(dev) == STORE and stats.header.room == ROOM
            assert dev.resize(NVME, STORE - 20).capacity == STORE - 20
            assert stats.header.room == stats.header.room_taken
        assert wait_for(lambda: not stats.header.room_reserved)
        dev.resize(NVME, 200)
        assert stats.header.room == ROOM - STORE + 200
        assert wrong(mapping, range(STORE), 2) == []

    @pytest.mark.parametrize("pages", [1, LEAST - 1, 1 << 31, 1 << 40, (1 << 64) - 1])
    def test_size(self, dev, make, pages):
        region, _ = make(1)
        with refused(errno.EINVAL, region):
            dev.resize(NVME, pages)
        assert capacity(dev) == STORE

    def test_no_store(self, dev):
        for tier in (CPU, HDD):
            with refused(errno.EOPNOTSUPP):
                dev.resize(tier, 64)

    def test_interrupted(self, dev, make, disk):
        """By a signal, while the disk says nothing: it has its size, and its pages."""
        region, mapping = make(150, seed=3, touched=150)
        place(region, 0, 150, HDD)

        def resize():
            signal.signal(signal.SIGUSR1, lambda *_: None)
            return errno_of(dev.resize, HDD, 64)

        disk.suspend()
        try:
            child = Child(resize)
            assert wait_for(lambda: dev.tier_info(HDD).capacity == 64)
            assert wait_for(lambda: region.pages(100 * PAGE, PAGE)[0].flags & tw.TW_PAGE_BUSY)
            child.kill(signal.SIGUSR1)
            assert wait_for(lambda: not child.alive())
            assert child.result() == errno.EINTR
            assert capacity(dev, HDD) == 200
        finally:
            disk.resume()
        assert wait_for(lambda: not any(page.flags & tw.TW_PAGE_BUSY for page in region.pages()))
        assert region.info().lost == 0
        assert dev.resize(HDD, 64).capacity == 64
        assert wrong(mapping, range(150), 3) == []

    def test_cannot_be_read(self, dev, make, disk):
        region, mapping = make(100, seed=4, touched=100)
        place(region, 0, 100, HDD)
        sectors = 200 * 8 + tw.TW_STORE_DATA // 512
        end = 80 * 8 + tw.TW_STORE_DATA // 512
        loop = next(path for path, (_, *_) in Loop.all().items())
        disk.load([(0, end, "linear", f"{loop} 0"), (end, sectors - end, "error", "")])
        assert errno_of(dev.resize, HDD, 64) == errno.EIO
        assert capacity(dev, HDD) == 200 and region.info().lost == 0
        disk.load([(0, sectors, "linear", f"{loop} 0")])
        assert dev.resize(HDD, 64).capacity == 64
        assert wrong(mapping, range(100), 4) == []


class TestGrow:
    def test_beyond_what_was_bound(self, dev, make, stats):
        """All that the device has room for is used, with its checksums."""
        before = stats.header.store_bytes
        set_tiers(dev, {CPU: MEMORY, NVME: LEAST})
        region, mapping = make(LEAST, seed=1, touched=LEAST)
        place(region, 0, LEAST, NVME)
        assert dev.resize(NVME, 4096).capacity == 4096
        more, theirs = make(200, seed=2, touched=200)
        place(more, 0, 200, NVME)
        assert stats.used()[NVME] == 200 + LEAST
        assert wrong(mapping, range(LEAST), 1) == [] and wrong(theirs, range(200), 2) == []
        for one in (mapping, theirs, region, more):
            one.unmap() if isinstance(one, tw.Mapping) else one.close()
        assert wait_for(lambda: not stats.used()[NVME])
        set_tiers(dev, SMALL)
        assert stats.header.store_bytes <= before + 4 * PAGE

    def test_device_that_has_grown(self, dev, make, disk):  # pylint: disable=unused-argument
        """Its size is looked at anew; 0 is all of it."""
        with Loop(tw.TW_STORE_DATA + 100 * PAGE) as loop:
            format_store(loop.path)
            dev.unbind(HDD)
            bind(dev, HDD, 0, loop.path)
            with refused(errno.EINVAL):
                dev.resize(HDD, 101)
            os.truncate(loop.file, tw.TW_STORE_DATA + 300 * PAGE)
            with open(loop.path, "rb") as raw:
                fcntl.ioctl(raw, LOOP_SET_CAPACITY, 0)
            with refused(errno.EINVAL):
                dev.resize(HDD, 301)
            assert dev.resize(HDD).capacity == 300 == capacity(dev, HDD)
            region, mapping = make(250, seed=3, touched=250)
            place(region, 0, 250, HDD)
            assert wrong(mapping, range(250), 3) == []
            assert dev.resize(HDD, 64).capacity == 64
            dev.unbind(HDD)
            bind(dev, HDD, 0, loop.path)    # the signature is as it was
            assert capacity(dev, HDD) == 300
            dev.unbind(HDD)
            assert wrong(mapping, range(250), 3) == []

    def test_again_and_again(self, dev, make, stats):
        """Nothing is lost of what is counted."""
        region, mapping = at_the_end(make, 100, 4)
        room = stats.header.room
        for pages in (128, 64, STORE, LEAST, 100, STORE):
            assert dev.resize(NVME, pages).capacity == pages == capacity(dev)
            assert stats.header.room == room - STORE + pages
        region.discard(0, (STORE - 100) * PAGE)
        more, theirs = make(STORE - 100, seed=5, touched=STORE - 100)
        place(region, STORE - 100, 100, NVME)
        place(more, 0, STORE - 100, NVME)      # so all slots can be had
        assert stats.used()[NVME] == STORE
        assert wrong(mapping, range(STORE - 100, STORE), 4) == []
        assert wrong(theirs, range(STORE - 100), 5) == []


class TestBeside:
    @pytest.mark.at_once
    def test_faults(self, dev, make):
        """A program goes on writing and reading while the store changes its size."""
        region, mapping = make(200, touched=200)

        child = Child(count_up, mapping, 200, 30)
        sizes = 0
        while child.alive():
            region.migrate(0, 200 * PAGE, NVME)
            for pages in (100, LEAST, 180, STORE):
                assert errno_of(dev.resize, NVME, pages) in (0, errno.EBUSY)
                sizes += 1
        assert child.result() == [30] * 200 and sizes > 3
        assert counted(mapping, 200) == [30] * 200

    @pytest.mark.at_once
    def test_each_other_and_an_unbind(self, dev, make):
        """One after the other, whichever is first."""
        region, mapping = at_the_end(make, 60, 7)
        with ThreadPoolExecutor(4) as pool:
            for turn in range(10):
                done = [pool.submit(errno_of, dev.resize, NVME, pages)
                        for pages in (100, 200, STORE)]
                gone = pool.submit(errno_of, dev.unbind, NVME)
                assert {one.result() for one in done} <= {0, errno.EOPNOTSUPP, errno.EBUSY}
                if gone.result() == 0:
                    assert dev.tier_info(NVME).kind == tw.TW_KIND_NONE
                    bind(dev, NVME, STORE)
                else:
                    assert capacity(dev) in (100, 200, STORE)
                    dev.resize(NVME, STORE)
                place(region, STORE - 60, 60, NVME)
                assert wrong(mapping, range(STORE), 7) == [], turn


class TestSwap:
    def test_its_pages_move(self, dev, stats):
        """To other slots and other stores, as many as there are."""
        with tiers_of(dev, {NVME: 400, SSD: 600, HDD: 1000}), test_swap.device(dev, 900), \
                test_swap.Raw() as raw:
            for at in range(0, 896, 16):
                raw.write(at, b"".join(map(test_swap.stamp, range(at, at + 16))))
            assert wait_for(lambda: test_swap.used(dev)[NVME] and test_swap.used(dev)[SSD])
            assert dev.resize(NVME, 100).moved > 0
            assert test_swap.used(dev)[NVME] <= 100 and sum(test_swap.used(dev)) == 896
            assert dev.resize(SSD, 64).capacity == 64
            assert all(raw.read(at) == test_swap.stamp(at) for at in range(896))
            assert dev.resize(NVME, 400).capacity == 400
            for at in range(0, 896, 16):        # and the claim is whole: all can be written
                raw.write(at, b"".join(test_swap.stamp(one, 1) for one in range(at, at + 16)))
            assert all(raw.read(at) == test_swap.stamp(at, 1) for at in range(896))
            assert stats.tier(NVME)["swap_used"] <= 400 and dev.swap_info().failed == 0

    def test_what_is_set_aside_stays(self, dev):
        """Whether it is used or not."""
        with tiers_of(dev, {CPU: 4096, NVME: 400, SSD: 600}), test_swap.device(dev, 900), \
                test_swap.Raw() as raw:
            for at in range(0, 320, 16):
                raw.write(at, b"".join(map(test_swap.stamp, range(at, at + 16))))
            for tier, pages in ((NVME, 299), (SSD, 499), (NVME, LEAST)):
                with refused(errno.ENOSPC):
                    dev.resize(tier, pages)
            assert dev.resize(NVME, 300).capacity == 300
            with refused(errno.ENOSPC):
                dev.resize(SSD, 599)
            for at in range(320, 896, 16):
                raw.write(at, b"".join(map(test_swap.stamp, range(at, at + 16))))
            assert all(raw.read(at) == test_swap.stamp(at) for at in range(896))
