# SPDX-License-Identifier: GPL-2.0
"""What holders of one region cannot do to each other: seals, views, and room of its own."""

import errno
import os
import signal

import pytest

import libtw
import tw
from support import (OTHER, Child, be_traceable, device_gid, errno_of, fill, lend, place, refused,
                     run_child, touch_fate, wrong)
from test_permissions import PARAMETERS
from tw import CPU, GPU, PAGE, SSD

pytestmark = pytest.mark.forked

MADV_REMOVE = 9
MAP_PRIVATE = 2


class TestSeals:
    def test_add(self, make):
        region, _ = make(2)
        assert region.seal() == 0
        assert region.seal(tw.TW_SEAL_WRITE) == tw.TW_SEAL_WRITE
        assert region.seal(tw.TW_SEAL_WRITE) == tw.TW_SEAL_WRITE
        assert region.seal(tw.TW_SEAL_DISCARD) == tw.TW_SEAL_WRITE | tw.TW_SEAL_DISCARD
        assert region.seal(tw.TW_SEAL_SEAL) == tw.TW_SEALS
        assert region.seal() == tw.TW_SEALS

    def test_sealed(self, make):
        """No further seals; what is there may be asked for again."""
        region, mapping = make(2, seed=1, touched=2)
        assert region.seal(tw.TW_SEAL_SEAL) == tw.TW_SEAL_SEAL
        for seal in (tw.TW_SEAL_DISCARD, tw.TW_SEAL_WRITE, tw.TW_SEALS):
            with refused(errno.EPERM, region):
                region.seal(seal)
        assert region.seal(tw.TW_SEAL_SEAL) == tw.TW_SEAL_SEAL
        assert region.discard(0, PAGE) == 1
        assert wrong(mapping, [1], 1) == []

    def test_discard(self, make):
        """By no door, whoever asks; the end of the region is another matter."""
        region, mapping = make(8, seed=3, touched=8)
        assert region.discard(7 * PAGE, PAGE) == 1
        region.seal(tw.TW_SEAL_DISCARD)
        with refused(errno.EPERM, region):
            region.discard(0, PAGE)
        with refused(errno.EPERM, region):
            region.punch(0, 4 * PAGE)
        with refused(errno.EPERM, region):
            mapping.advise(MADV_REMOVE, 0, PAGE)
        assert region.migrate(0, 7 * PAGE, SSD).moved == 7
        assert wrong(mapping, range(7), 3) == []

    def test_write(self, make):
        """Mappings that are there go on; new ones only read, for good."""
        region, mapping = make(4, seed=3, touched=4)
        region.seal(tw.TW_SEAL_WRITE)
        fill(mapping, range(2), 4)
        assert errno_of(region.map) == errno.EPERM
        with region.map(prot=tw.PROT_READ) as reader:
            assert wrong(reader, range(2), 4) == [] and wrong(reader, [2, 3], 3) == []
            assert errno_of(reader.protect, tw.PROT_RW) == errno.EACCES
            assert touch_fate(reader, 0, write=True) == -signal.SIGSEGV
        assert wrong(mapping, range(2), 4) == []


class TestViews:
    def test_reads(self, make):
        """In memory and in a store, at first touch as well."""
        region, mapping = make(8, seed=5, touched=6)
        place(region, 0, 3, SSD)
        with region.view() as view, view.map(prot=tw.PROT_READ) as seen:
            assert wrong(seen, range(6), 5) == []
            assert seen.read(6 * PAGE, PAGE) == bytes(PAGE)
            fill(mapping, [0, 7], 6)
            assert wrong(seen, [0, 7], 6) == []
            assert view.info().id == region.id
            assert [page.page for page in view.pages()] == [page.page for page in region.pages()]

    def test_only(self, make):
        region, mapping = make(8, seed=5, touched=8)
        with region.view() as view:
            assert errno_of(view.map) == errno.EACCES
            assert errno_of(view.map, prot=tw.PROT_READ, flags=MAP_PRIVATE) == errno.EINVAL
            with view.map(prot=tw.PROT_READ) as seen:
                assert errno_of(seen.protect, tw.PROT_RW) == errno.EACCES
                assert touch_fate(seen, 0, write=True) == -signal.SIGSEGV
                assert errno_of(seen.advise, MADV_REMOVE, 0, PAGE) == errno.EACCES
            with refused(errno.EACCES, region):
                view.discard(0, PAGE)
            with refused(errno.EBADF, region):
                view.punch(0, PAGE)
            with refused(errno.EACCES, region):
                view.migrate(0, PAGE, GPU)
            with refused(errno.EACCES, region):
                view.seal(tw.TW_SEAL_DISCARD)
            # Nor is a better file to be had from it.
            assert errno_of(os.open, f"/proc/self/fd/{view.fd}", os.O_RDWR) == errno.ENXIO
            with view.view() as another:
                assert errno_of(another.map) == errno.EACCES
            assert view.seal() == 0
        assert wrong(mapping, range(8), 5) == []

    def test_bad(self, make):
        region, _ = make(2)
        for member in ("flags", "reserved"):
            with refused(errno.EINVAL, region):
                region.call(tw.TW_IOC_REGION_VIEW, tw.RegionView(**{member: 1}))

    def test_names_nothing(self, make):
        """A page's number is good for those that may write."""
        region, _ = make(2, touched=2)
        numbers = [region.page(0), region.page(1)]

        def work():
            os.setgroups([device_gid()])
            os.setresgid(OTHER, OTHER, OTHER)
            os.setresuid(OTHER, OTHER, OTHER)
            with tw.Device() as device:
                with_both = device.migrate(numbers, GPU).status
                region.close()
                return with_both, device.migrate(numbers, CPU).status

        with region.view():
            assert run_child(work) == ([0, 0], [-errno.ENOENT] * 2)

    def test_outlives(self, dev, stats):
        """The region is there as long as one of its files, or a mapping of one."""
        before = stats.used()
        region = dev.region(4 * PAGE)
        with region.map() as mapping:
            fill(mapping, range(4), 7)
        view = region.view()
        region.close()
        seen = view.map(prot=tw.PROT_READ)
        view.close()
        assert wrong(seen, range(4), 7) == []
        seen.unmap()
        assert stats.used() == before

    def test_libtw(self):
        """The same through the library."""
        tw.load_libtw()
        with libtw.Device() as device, device.region(2 * PAGE) as region:
            region.memory[:4] = b"seen"
            with device.region_from_fd(region.view()) as view:
                assert bytes(view.memory[:4]) == b"seen"
                assert region.seal(tw.TW_SEAL_DISCARD) == tw.TW_SEAL_DISCARD == view.seal()
                with pytest.raises(OSError) as refusal:
                    view.seal(tw.TW_SEAL_SEAL)
                assert refusal.value.errno == errno.EACCES


class TestReceiver:
    """Somebody else's region, of which the receiver does not want to die."""

    PAGES = 64

    @pytest.fixture
    def quota(self, stats):
        """Each user may have some thousand pages."""
        path = PARAMETERS / "max_user_percent"
        before = path.read_text()
        path.write_text("1")
        yield stats.header.room // 100
        path.write_text(before)

    def touched(self, quota, flags=0, limits=None):
        """
        A user makes a region, uses up all that he may have elsewhere, and lends the
        region. The room that its receiver sees there, and what a touch of all of it ends in.
        """
        lent, over = os.pipe(), os.pipe()

        def maker():
            be_traceable()
            with tw.Device() as device, device.agent(41) as agent, \
                    device.region((quota + 64) * PAGE) as rest, rest.map() as mapping, \
                    device.region(self.PAGES * PAGE, agent=agent, flags=flags) as region:
                if limits:
                    device.limits(agent, limits)
                fate = Child(fill, mapping, range(quota + 64), 1).wait()
                os.write(lent[1], str(region.fd).encode())
                os.read(over[0], 1)
                return fate

        child = Child(maker, uid=OTHER, gid=OTHER, groups=[device_gid()])
        fd = lend(int(os.read(lent[0], 16)), child.pid)
        info = tw.RegionInfo()
        tw.ioctl(fd, tw.TW_IOC_REGION_INFO, info)
        with tw.Mapping.map(fd, self.PAGES * PAGE) as mapping:
            fate = Child(fill, mapping, range(self.PAGES), 2).wait()
            assert fate or wrong(mapping, range(self.PAGES), 2) == []
        os.close(fd)
        os.write(over[1], b"x")
        assert child.result() == (-signal.SIGBUS if quota else 0)
        for end in (*lent, *over):
            os.close(end)
        return info.room, fate

    def test_quota(self, quota):
        """What is not reserved is its maker's quota, which the receiver can see before."""
        assert self.touched(quota) == (0, -signal.SIGBUS)
        assert self.touched(quota, tw.TW_REGION_RESERVE) == (self.PAGES, 0)

    @pytest.mark.parametrize("flags", [0, tw.TW_REGION_RESERVE], ids=["plain", "reserved"])
    def test_agent_limit(self, flags):
        """A limit of the maker's agent sends pages elsewhere and kills nobody."""
        assert self.touched(0, flags, [0] * len(tw.TIERS))[1] == 0
