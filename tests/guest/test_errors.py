# SPDX-License-Identifier: GPL-2.0
"""Disks and memory that fail: SIGBUS and an event for what is lost, never wrong data."""

import errno
import os
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

import tw
from support import (EHWPOISON, REPO, ZEROES, AlignedBuffer, Delta, Loop, Mapper, bind, errno_of,
                     fill, find_on_disk, format_store, pattern, place, store_path, tiers_of,
                     touch_fate, wait_for, write_direct, wrong)
from tw import CPU, GPU, HDD, NVME, PAGE, SSD

pytestmark = pytest.mark.forked

ERROR = tw.TW_EVENT_BIT(tw.TW_EVENT_TIER_ERROR)
SECTORS = tw.TW_STORE_DATA // 512


class TestCorruption:
    """Bytes that somebody else has changed on the device."""

    @pytest.fixture(autouse=True)
    def small(self, dev):
        with tiers_of(dev, {CPU: 512, GPU: 256, NVME: 64, SSD: 64}):
            yield

    def corrupt(self, region, mapping, index, store=NVME, at=100):
        """Flip one bit of a stored page."""
        wanted = pattern(1, index)
        path = store_path(store)
        offset = find_on_disk(path, wanted, 64)
        assert offset is not None, "the page's bytes are not on the device"
        bad = bytearray(wanted)
        bad[at] ^= 0x10
        write_direct(path, offset, bytes(bad))

    @pytest.mark.parametrize("at", [0, 100, PAGE - 1])
    @pytest.mark.parametrize("store", [NVME, SSD])
    def test_touch(self, make, stats, stream, store, at):
        region, mapping = make(16, seed=1, touched=16)
        place(region, 0, 16, store)
        self.corrupt(region, mapping, 5, store, at)
        reader = stream(ERROR).reader()
        delta = Delta(stats)
        assert touch_fate(mapping, 5 * PAGE) == -signal.SIGBUS
        event = reader.read()[0]
        assert (event.type, event.tier) == (tw.TW_EVENT_TIER_ERROR, store)
        assert event.status < 0
        assert delta.tier(store)["io_errors"] >= 1 and delta.sigbus() == 1
        # It stays lost, also for a kernel access, and the others are whole.
        assert touch_fate(mapping, 5 * PAGE, write=True) == -signal.SIGBUS
        out, into = os.pipe()
        assert tw.libc.write(into, mapping.addr + 5 * PAGE, 8) == -1
        assert tw.ctypes.get_errno() == errno.EFAULT
        os.close(out)
        os.close(into)
        assert wrong(mapping, [index for index in range(16) if index != 5], 1) == []
        assert region.info().lost == 1
        page = region.pages()[5]
        assert page.flags & tw.TW_PAGE_LOST
        assert region.migrate(5 * PAGE, PAGE, GPU).status[0] in (-errno.EIO, -EHWPOISON)
        # Discarding gives a fresh page.
        assert region.discard(5 * PAGE, PAGE) == 1
        assert region.info().lost == 0
        assert mapping.read(5 * PAGE, PAGE) == ZEROES
        mapping.write(5 * PAGE, pattern(2, 5))
        place(region, 0, 16, store)
        assert mapping.read(5 * PAGE, PAGE) == pattern(2, 5)

    def test_migrate(self, make):
        """A page that cannot be read stays where it is: EIO, the others move."""
        region, mapping = make(8, seed=1, touched=8)
        place(region, 0, 8, NVME)
        self.corrupt(region, mapping, 2)
        for target in (CPU, SSD):
            result = region.migrate(2 * PAGE, PAGE, target)
            assert result.status == [-errno.EIO]
        result = region.migrate(0, 8 * PAGE, GPU)
        assert result.status == [0, 0, -errno.EIO, 0, 0, 0, 0, 0]
        assert (result.moved, result.failed) == (7, 1)
        assert wrong(mapping, [0, 1, 3, 4, 5, 6, 7], 1) == []
        assert touch_fate(mapping, 2 * PAGE) == -signal.SIGBUS

    def test_unbind(self, dev, make):
        """Refused with EIO; by force the page is given up."""
        region, mapping = make(8, seed=1, touched=8)
        place(region, 0, 8, NVME)
        self.corrupt(region, mapping, 2)
        with pytest.raises(OSError) as caught:
            dev.unbind(NVME)
        assert caught.value.errno == errno.EIO
        assert NVME in dev.bound()
        assert sum(region.info().pages) + region.info().lost == 8
        dev.unbind(NVME, tw.TW_UNBIND_FORCE)
        assert NVME not in dev.bound()
        assert region.info().lost == 1
        assert touch_fate(mapping, 2 * PAGE) == -signal.SIGBUS
        assert wrong(mapping, [0, 1, 3, 4, 5, 6, 7], 1) == []
        bind(dev, NVME, 64)

    def test_kept_copy(self, make):
        """A clean copy that rots while its page is in memory: nobody is to notice, or to see it."""
        region, mapping = make(4, seed=1, touched=4)
        place(region, 0, 4, NVME)
        assert wrong(mapping, range(4), 1) == []
        self.corrupt(region, mapping, 1)
        assert wrong(mapping, range(4), 1) == []
        region.migrate(0, 4 * PAGE, NVME)
        # Whether it was written again or not: the right bytes or SIGBUS.
        fate = touch_fate(mapping, PAGE)
        assert fate in (0, -signal.SIGBUS)
        if fate == 0:
            assert mapping.read(PAGE, PAGE) == pattern(1, 1)
        assert wrong(mapping, [0, 2, 3], 1) == []

    def test_swapped_pages(self, make):
        """Two good pages in each other's place are wrong, too."""
        region, mapping = make(4, seed=1, touched=4)
        place(region, 0, 4, NVME)
        path = store_path(NVME)
        first, second = (find_on_disk(path, pattern(1, index), 64) for index in (0, 1))
        write_direct(path, first, pattern(1, 1))
        write_direct(path, second, pattern(1, 0))
        assert touch_fate(mapping, 0) == touch_fate(mapping, PAGE) == -signal.SIGBUS
        assert wrong(mapping, [2, 3], 1) == []
        assert region.info().lost == 2

    def test_lost_is_counted(self, make, stats):
        before = stats.header.lost
        region, mapping = make(2, seed=1, touched=2)
        place(region, 0, 2, NVME)
        self.corrupt(region, mapping, 0)
        touch_fate(mapping, 0)
        assert stats.header.lost == before + 1

    def test_closing_a_region_with_lost_pages(self, dev):
        with dev.region(4 * PAGE) as region, region.map() as mapping:
            fill(mapping, range(4), 1)
            place(region, 0, 4, NVME)
            self.corrupt(region, mapping, 0)
            assert touch_fate(mapping, 0) == -signal.SIGBUS


class TestFailingDisk:
    """The SSD tier on a mapped device whose table changes under it."""

    SIZE = 64 + SECTORS // 8            # pages
    ALL = SIZE * 8                      # sectors

    def good(self, loop):
        return [(0, self.ALL, "linear", f"{loop.path} 0")]

    def bad_data(self, loop):
        """The signature is readable, nothing else."""
        return [(0, SECTORS, "linear", f"{loop.path} 0"),
                (SECTORS, self.ALL - SECTORS, "error", "")]

    @pytest.fixture
    def disk(self, dev):
        with Loop(self.SIZE * PAGE) as loop, Mapper(self.good(loop)) as mapper:
            format_store(mapper.path)
            with tiers_of(dev, {CPU: 512, GPU: 256}):
                bind(dev, SSD, 0, mapper.path)
                yield mapper, loop
                mapper.load(self.good(loop))
                dev.unbind(SSD, tw.TW_UNBIND_FORCE)

    def test_failed_write(self, make, stream, stats, disk):
        """The page stays where it was, untouched."""
        mapper, loop = disk
        region, mapping = make(16, seed=1, touched=16)
        mapper.load(self.bad_data(loop))
        reader = stream(ERROR | tw.TW_EVENT_BIT(tw.TW_EVENT_MIGRATE)).reader()
        delta = Delta(stats)
        result = region.migrate(0, 16 * PAGE, SSD)
        assert result.status == [-errno.EIO] * 16
        assert (result.moved, result.failed) == (0, 16)
        assert region.tiers() == [CPU] * 16
        assert stats.used()[SSD] == 0 and region.info().lost == 0
        assert wrong(mapping, range(16), 1) == []
        events = reader.read()
        errors = [event for event in events if event.type == tw.TW_EVENT_TIER_ERROR]
        assert errors and {event.tier for event in errors} == {SSD}
        assert all(event.status < 0 for event in events)
        assert delta.tier(SSD)["io_errors"] >= 1 and delta.sigbus() == 0
        # A disk that works again is used again.
        mapper.load(self.good(loop))
        assert wait_for(lambda: region.migrate(0, 16 * PAGE, SSD).failed == 0)
        assert wrong(mapping, range(16), 1) == []

    def test_failed_read_of_a_move(self, make, disk):
        """A move that cannot read leaves the page in the store; later it works."""
        mapper, loop = disk
        region, mapping = make(8, seed=1, touched=8)
        place(region, 0, 8, SSD)
        mapper.load(self.bad_data(loop))
        assert region.migrate(0, 8 * PAGE, GPU).status == [-errno.EIO] * 8
        assert region.tiers() == [SSD] * 8 and region.info().lost == 0
        mapper.load(self.good(loop))
        assert region.migrate(0, 8 * PAGE, GPU).status == [0] * 8
        assert wrong(mapping, range(8), 1) == []

    def test_failed_read_of_a_touch(self, dev, make, stream, stats, disk):
        """It is read once for each touch and told of once; nothing of it stays."""
        mapper, loop = disk
        region, mapping = make(8, seed=1, touched=8)
        place(region, 0, 8, SSD)
        mapper.load(self.bad_data(loop))
        reader = stream(ERROR).reader()

        def touch():
            assert touch_fate(mapping, 2 * PAGE) == -signal.SIGBUS

        def kernel_access():    # one get_user()
            assert errno_of(dev.ioctl, tw.TW_IOC_INFO, mapping.addr + 2 * PAGE) == errno.EFAULT

        def populate():
            assert errno_of(mapping.advise, tw.MADV_POPULATE_READ, 2 * PAGE, PAGE) == errno.EFAULT

        for attempt in (touch, kernel_access, populate):
            delta = Delta(stats)
            attempt()
            told = [(event.tier, event.status) for event in reader.read()]
            assert told == [(SSD, -errno.EIO)], attempt.__name__
            assert delta.tier(SSD)["io_errors"] == 1 and delta.sigbus() == 1
            assert region.tiers() == [SSD] * 8 and region.info().lost == 0
        mapper.load(self.good(loop))
        delta = Delta(stats)
        assert touch_fate(mapping, 2 * PAGE) == 0
        assert wrong(mapping, range(8), 1) == []
        assert reader.read() == [] and delta.sigbus() == 0

    def test_unbind(self, dev, make, disk):
        mapper, loop = disk
        region, mapping = make(8, seed=1, touched=8)
        place(region, 0, 4, SSD)
        mapper.load(self.bad_data(loop))
        with pytest.raises(OSError) as caught:
            dev.unbind(SSD)
        assert caught.value.errno == errno.EIO
        assert SSD in dev.bound() and region.info().pages[SSD] == 4
        mapper.load(self.good(loop))
        assert dev.unbind(SSD) == 4
        assert wrong(mapping, range(8), 1) == []
        bind(dev, SSD, 0, mapper.path)

    def test_force(self, dev, make, disk):
        mapper, loop = disk
        region, mapping = make(8, seed=1, touched=8)
        place(region, 0, 4, SSD)
        mapper.load(self.bad_data(loop))
        dev.unbind(SSD, tw.TW_UNBIND_FORCE)
        assert SSD not in dev.bound() and region.info().lost == 4
        for index in range(4):
            assert touch_fate(mapping, index * PAGE) == -signal.SIGBUS
        assert wrong(mapping, range(4, 8), 1) == []
        mapper.load(self.good(loop))
        bind(dev, SSD, 0, mapper.path)

    def test_pressure_avoids_it(self, dev, make, disk):
        """Demotion that cannot write goes on to the next store."""
        mapper, loop = disk
        dev.unbind(CPU)
        dev.unbind(GPU)
        dev.bind(CPU, capacity=128)
        bind(dev, HDD, 256, store_path(NVME))       # fast, and after the SSD in order
        mapper.load(self.bad_data(loop))
        region, mapping = make(300, seed=1, touched=300)
        pages = region.info().pages
        assert pages[SSD] == 0 and pages[HDD] > 0 and region.info().lost == 0
        assert wrong(mapping, range(300), 1) == []

    def test_bind_to_a_dead_disk(self, dev, disk):
        mapper, loop = disk
        dev.unbind(SSD)
        mapper.load([(0, self.ALL, "error", "")])
        with pytest.raises(OSError) as caught:
            bind(dev, SSD, 16, mapper.path)
        assert caught.value.errno in (errno.EIO, errno.EINVAL)
        assert SSD not in dev.bound()
        mapper.load(self.good(loop))
        bind(dev, SSD, 0, mapper.path)


@contextmanager
def goes_bad(pfn):
    """A frame of a region goes bad when its page is next unmapped: in a move."""
    ko = REPO / "build" / os.uname().release / "bad_frame.ko"
    subprocess.run(["insmod", ko, f"pfn={pfn}"], check=True)
    try:
        yield
        left = Path("/sys/module/bad_frame/parameters/pfn").read_text(encoding="ascii")
        assert int(left) == 0, "its page was not unmapped"
    finally:
        subprocess.run(["rmmod", "bad_frame"], check=True)


class TestBadMemory:
    """Frames with a hardware error, by madvise(MADV_HWPOISON)."""

    def poison(self, mapping, index):
        """Mark a page's frame bad; what the kernel itself does about it is not the point."""
        try:
            mapping.advise(tw.MADV_HWPOISON, index * PAGE, PAGE)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.EPERM):
                pytest.skip("the kernel cannot inject memory failures")
            assert error.errno in (errno.EBUSY, errno.EIO, errno.EOPNOTSUPP, EHWPOISON), error

    @pytest.mark.parametrize("tier", [CPU, GPU])
    def test_migrate(self, make, tier):
        region, mapping = make(8, seed=1, touched=8)
        if tier != CPU:
            place(region, 0, 8, tier)
        self.poison(mapping, 3)
        target = GPU if tier == CPU else CPU
        result = region.migrate(0, 8 * PAGE, target)
        assert result.status == [0] * 3 + [-EHWPOISON] + [0] * 4
        assert result.moved == 7
        good = [index for index in range(8) if index != 3]
        assert [region.tiers()[index] for index in good] == [target] * 7
        assert wrong(mapping, good, 1) == []
        # A fresh frame after a discard.
        region.discard(3 * PAGE, PAGE)
        assert mapping.read(3 * PAGE, PAGE) == ZEROES
        assert region.migrate(3 * PAGE, PAGE, NVME).status == [0]

    def test_not_written_to_a_store(self, make):
        region, mapping = make(4, seed=1, touched=4)
        self.poison(mapping, 0)
        result = region.migrate(0, 4 * PAGE, NVME)
        assert result.status == [-EHWPOISON, 0, 0, 0]
        assert wrong(mapping, [1, 2, 3], 1) == []

    @pytest.mark.parametrize("target", [GPU, NVME])
    def test_found_on_the_way(self, make, stats, target):
        """A frame that goes bad once a move has begun is not copied, and then not mapped."""
        region, mapping = make(4, seed=1, touched=4)
        with goes_bad(region.pages()[2].pfn):
            result = region.migrate(0, 4 * PAGE, target)
        assert result.status == [0, 0, -EHWPOISON, 0]
        assert region.tiers() == [target, target, CPU, target]
        assert wrong(mapping, [0, 1, 3], 1) == []
        # Its neighbours are in memory again, and their faults have not mapped it along.
        delta = Delta(stats)
        assert touch_fate(mapping, 2 * PAGE) == -signal.SIGBUS and delta.sigbus() == 1
        region.discard(2 * PAGE, PAGE)
        assert mapping.read(2 * PAGE, PAGE) == ZEROES

    def test_region_goes_away(self, dev):
        with dev.region(4 * PAGE) as region, region.map() as mapping:
            fill(mapping, range(4), 1)
            self.poison(mapping, 2)


def test_o_direct_to_lost_page(dev, make):
    """A device transfer from a page that is lost fails; nothing is made up."""
    with tiers_of(dev, {CPU: 512, NVME: 64}):
        region, mapping = make(4, seed=1, touched=4)
        place(region, 0, 4, NVME)
        TestCorruption().corrupt(region, mapping, 1)
        with Loop(1 << 20) as loop:
            fd = os.open(loop.path, os.O_RDWR | os.O_DIRECT)
            got = tw.libc.pwrite(fd, mapping.addr, 4 * PAGE, 0)
            assert got in (-1, PAGE)
            with AlignedBuffer() as buffer:
                tw.check(tw.libc.pread(fd, buffer.addr, PAGE, PAGE))
                assert buffer.read() == ZEROES
            os.close(fd)
        region.discard(0, 4 * PAGE)
