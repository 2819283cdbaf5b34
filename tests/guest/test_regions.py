# SPDX-License-Identifier: GPL-2.0
"""Regions: creating, mapping, sharing, freeing."""

import array
import ctypes
import errno
import mmap
import os
import re
import signal
import socket
from pathlib import Path

import pytest

import tw
from support import (ZEROES, Child, Delta, Observer, Reached, errno_of, fill, pattern, place,
                     refused, run_child, touch_fate, wait_for, wrong)
from tw import CPU, GPU, HDD, MEMORY_TIERS, NONE, NVME, PAGE, SSD

pytestmark = pytest.mark.forked

LAST_ID = Path("/sys/module/tier_watch/parameters/region_last_id")
GIB = 1 << 30
TIB = 1 << 40


def vm_flags(addr: int) -> set[str]:
    """The flags of the mapping that begins at an address."""
    inside = False
    for line in open("/proc/self/smaps", encoding="ascii"):
        found = re.match(r"([0-9a-f]+)-[0-9a-f]+ ", line)
        if found:
            inside = int(found.group(1), 16) == addr
        elif inside and line.startswith("VmFlags:"):
            return set(line.split()[1:])
    return set()


class TestCreate:
    @pytest.mark.parametrize("size", [1, PAGE - 1, PAGE + 1, 0, (1 << 64) - 1, (1 << 64) - PAGE,
                                      tw.TW_REGION_MAX_PAGES * PAGE + PAGE, 1 << 63])
    def test_bad_size(self, dev, size):
        with refused(errno.EINVAL):
            dev.region(size)

    @pytest.mark.parametrize("size", [PAGE, 3 * PAGE, GIB, 4 * TIB,
                                      tw.TW_REGION_MAX_PAGES * PAGE])
    def test_good_size(self, dev, size):
        with dev.region(size) as region:
            info = region.info()
            assert info.bytes == size and info.record_bytes == 0 and info.lost == 0
            assert list(info.pages) == [0] * 5
            assert os.fstat(region.fd).st_size == size

    @pytest.mark.parametrize("affinity", [NVME, SSD, HDD, 5, tw.NONE, 1 << 31])
    def test_bad_affinity(self, dev, affinity):
        with refused(errno.EINVAL):
            dev.region(PAGE, affinity)

    @pytest.mark.parametrize("affinity", MEMORY_TIERS)
    def test_affinity(self, make, affinity):
        region, mapping = make(8, touched=8, seed=1, affinity=affinity)
        assert region.info().affinity == affinity
        assert region.tiers() == [affinity] * 8
        assert wrong(mapping, range(8), 1) == []

    def test_inode_is_the_id(self, make):
        """/proc says which region is mapped where."""
        region, mapping = make(4)
        (line,) = [line.split() for line in open("/proc/self/maps", encoding="utf-8")
                   if line.startswith(f"{mapping.addr:x}-")]
        assert (int(line[4]), line[5]) == (region.id, "/[tierwatch]")
        assert os.fstat(region.fd).st_ino == region.id

    def test_ids_are_never_reused(self, dev):
        seen = set()
        for _ in range(50):
            with dev.region(PAGE) as region:
                assert region.id not in seen
                assert region.number, "0 is no region's"
                seen.add(region.id)

    def test_close_on_exec(self, dev):
        with dev.region(PAGE) as region:
            assert not os.get_inheritable(region.fd)

    def test_info(self, make):
        region, _ = make(600, touched=3)
        info = region.info()
        assert info.id == region.id and info.size == tw.sizeof(tw.RegionInfo)
        assert sum(info.pages) == 3 and info.record_bytes > 0
        # 16 bytes a record, in chunks of 512.
        assert info.record_bytes >= 512 * 16

    def test_records_only_for_touched_pages(self, make):
        region, mapping = make(1 << 20)
        mapping.write(0, b"a")
        one = region.info().record_bytes
        mapping.write(1 << 30, b"b")
        assert one < region.info().record_bytes <= 3 * one
        assert region.info().record_bytes < 64 << 10

    def test_many(self, dev, stats):
        regions = [dev.region(PAGE) for _ in range(200)]
        assert stats.objects()["regions"] == 200
        maps = [region.map() for region in regions]
        for number, mapping in enumerate(maps):
            mapping.write(0, pattern(number, 0))
        for number, mapping in enumerate(maps):
            assert mapping.read() == pattern(number, 0)
            mapping.unmap()
            regions[number].close()


class TestSparse:
    def test_four_tebibytes(self, make):
        region, mapping = make(4 * TIB // PAGE)
        places = [0, 1 << 20, GIB, 3 * GIB + PAGE, TIB, 4 * TIB - PAGE]
        for number, offset in enumerate(places):
            mapping.write(offset, pattern(number, offset))
        for number, offset in enumerate(places):
            assert mapping.read(offset, PAGE) == pattern(number, offset)
        assert sum(region.info().pages) == len(places)
        assert region.info().record_bytes < 1 << 20
        (page,) = region.pages(4 * TIB - PAGE, PAGE)
        assert page.page == region.page(4 * TIB // PAGE - 1) and page.tier == CPU
        result = region.migrate(4 * TIB - PAGE, PAGE, GPU)
        assert result.moved == 1
        assert mapping.read(4 * TIB - PAGE, PAGE) == pattern(5, 4 * TIB - PAGE)

    def test_untouched_reads_as_zeroes(self, make):
        region, mapping = make(16)
        assert mapping.read(5 * PAGE, PAGE) == ZEROES
        assert sum(region.info().pages) == 1

    def test_last_page_of_the_largest(self, dev):
        size = tw.TW_REGION_MAX_PAGES * PAGE
        with dev.region(size) as region, region.map(size - PAGE, PAGE) as mapping:
            mapping.write(0, pattern(1, 1))
            (page,) = region.pages(size - PAGE, PAGE)
            assert tw.TW_PAGE_INDEX(page.page) == tw.TW_REGION_MAX_PAGES - 1
            assert region.migrate(size - PAGE, PAGE, GPU).moved == 1
            assert mapping.read() == pattern(1, 1)


class TestNumbers:
    """Ids of 64 bits are given once; the numbers of pages have 28 bits of them."""

    SPAN = tw.TW_PAGE_OWNERS + 1

    @staticmethod
    def last_id() -> int:
        return int(LAST_ID.read_text(encoding="ascii"))

    @staticmethod
    def go_on_after(ident: int) -> None:
        """The next region's id is the one behind."""
        LAST_ID.write_text(str(ident), encoding="ascii")

    def near_the_end(self, left: int) -> None:
        """So many numbers are left until they begin again."""
        ident = (self.last_id() // self.SPAN + 1) * self.SPAN - 1 - left
        self.go_on_after(ident if ident >= self.last_id() else ident + self.SPAN)

    def test_end_of_the_numbers(self, dev, make):
        """The last one is given once; the next regions begin again, without 0."""
        self.near_the_end(2)
        with dev.region(PAGE) as one, dev.region(PAGE) as last, dev.region(PAGE) as first:
            assert one.number == tw.TW_PAGE_OWNERS - 1
            assert (last.id, last.number) == (one.id + 1, tw.TW_PAGE_OWNERS)
            assert (first.id, first.number) == (last.id + 2, 1)
        for _ in range(3):      # what is free now is not given again
            with dev.region(PAGE) as more:
                assert more.id > first.id
        region, _ = make(2, touched=2)
        (page,) = dev.page_info([region.page(1)])
        assert (page.page, page.owner, page.status) == (region.page(1), region.id, 0)

    def test_last_page_of_the_last_number(self, dev):
        """All bits of a number are set, and it is looked up like any other."""
        size = tw.TW_REGION_MAX_PAGES * PAGE
        self.near_the_end(1)
        with dev.region(size) as region, region.map(size - PAGE, PAGE) as mapping:
            mapping.write(0, pattern(1, 1))
            number = dev.addr_page(mapping.addr)
            assert number == (1 << 64) - 1
            assert dev.migrate([number], GPU).status == [0]
            (page,) = dev.page_info([number])
            assert (page.tier, page.owner, page.page) == (GPU, region.id, number)
            for heat in (tw.TW_CLASS_HOT, tw.TW_CLASS_COLD, tw.TW_CLASS_WARM):
                found = [one.page for one in dev.page_list(heat)]
                assert found.count(number) <= 1     # and the list has an end
            assert mapping.read() == pattern(1, 1)

    def test_living_numbers_are_passed_over(self, dev, make):
        region, mapping = make(4, seed=3, touched=4)
        self.go_on_after(region.id + self.SPAN - 1)
        with dev.region(4 * PAGE) as other, other.map() as theirs:
            assert other.id == region.id + self.SPAN + 1
            fill(theirs, range(4), 4)
            assert [page.owner for page in dev.page_info([region.page(0), other.page(0)])] == \
                [region.id, other.id]
        assert wrong(mapping, range(4), 3) == []

    def test_a_number_given_again(self, dev, make):
        """Whoever has kept one is told by the id that it is another region's now."""
        with dev.region(4 * PAGE) as gone:
            ident, number = gone.id, gone.page(0)
        self.go_on_after(ident + self.SPAN - 1)
        region, _ = make(4, touched=4)
        assert region.id == ident + self.SPAN and region.page(0) == number
        for owner, there in ((0, True), (region.id, True), (ident, False),
                             (region.number, False), ((1 << 64) - 1, False)):
            status = 0 if there else -errno.ENOENT
            (page,) = dev.page_info([number], owner=owner)
            assert (page.status, page.owner) == (status, region.id if there else 0)
            assert dev.mark([number], tw.TW_CLASS_COLD, owner=owner).status == [status]
            if there:
                assert dev.migrate([number], GPU, owner=owner).moved == 1
                assert dev.migrate([number], CPU, owner=owner).moved == 1
                dev.report(number, owner=owner)
            else:
                assert dev.migrate([number], GPU, owner=owner).status == [status]
                with refused(errno.ENOENT, region):
                    dev.report(number, owner=owner)
            asked = [tw.Request(page=number, to_tier=CPU, from_tier=NONE, owner=owner)]
            if there:
                (done,) = dev.request(asked, tw.TW_REQUEST_WAIT)
                assert done.status == tw.TW_MOVE_ALREADY
            else:
                with refused(errno.ENOENT, region):
                    dev.request(asked, tw.TW_REQUEST_WAIT)
            assert region.tiers(0, 1) == [CPU]

    def test_ids_only_go_up(self, dev):
        with dev.region(PAGE) as region:
            for value in (0, region.id - 1, 1 << 62, (1 << 64) - 1):
                assert errno_of(self.go_on_after, value) == errno.EINVAL
            assert self.last_id() == region.id
            with dev.region(PAGE) as other:
                assert other.id > region.id


class TestMap:
    def test_private_is_refused(self, make):
        region, _ = make(4)
        for prot in (tw.PROT_READ, tw.PROT_RW):
            with refused(errno.EINVAL, region):
                region.map(prot=prot, flags=tw.MAP_PRIVATE)

    def test_beyond_the_end(self, make):
        region, _ = make(4)
        for offset, length in ((4 * PAGE, PAGE), (0, 5 * PAGE), (3 * PAGE, 2 * PAGE),
                               (1 << 40, PAGE), ((1 << 62), PAGE)):
            with refused((errno.EINVAL, errno.ENXIO, errno.EOVERFLOW), region):
                region.map(offset, length)

    def test_windows(self, make):
        """Mappings of parts show the same pages."""
        region, mapping = make(16, seed=2, touched=16)
        with region.map(5 * PAGE, 3 * PAGE) as window:
            assert window.read(0, PAGE) == pattern(2, 5)
            window.write(2 * PAGE, pattern(9, 9))
        assert mapping.read(7 * PAGE, PAGE) == pattern(9, 9)
        assert mapping.read(8 * PAGE, PAGE) == pattern(2, 8)

    @pytest.mark.at_once
    def test_two_mappings_stay_coherent_while_moving(self, make):
        region, first = make(8, seed=3, touched=8)
        with region.map() as second:
            assert wrong(second, range(8), 3) == []
            for number, tier in enumerate((GPU, NVME, CPU)):
                assert region.migrate(0, 8 * PAGE, tier).failed == 0
                first.write(0, pattern(4, number))
                assert second.read(0, PAGE) == pattern(4, number)

    def test_lives_without_its_fd(self, dev, stats):
        region = dev.region(8 * PAGE)
        ident = region.id
        mapping = region.map()
        region.close()
        fill(mapping, range(8), 1)
        assert stats.objects()["regions"] == 1
        assert dev.migrate([tw.TW_PAGE(ident, 3)], GPU).status == [0]
        assert wrong(mapping, range(8), 1) == []
        mapping.unmap()
        assert wait_for(lambda: stats.objects()["regions"] == 0)

    def test_lives_without_a_mapping(self, make):
        region, mapping = make(8, seed=1, touched=8)
        mapping.unmap()
        assert sum(region.info().pages) == 8
        assert region.migrate(0, 8 * PAGE, NVME).moved == 8
        with region.map() as again:
            assert wrong(again, range(8), 1) == []

    def test_read_only_mapping(self, make):
        region, mapping = make(4, seed=1, touched=4)
        with region.map(prot=tw.PROT_READ) as reader:
            assert wrong(reader, range(4), 1) == []
            assert touch_fate(reader, 0, write=True) == -signal.SIGSEGV
            reader.protect(tw.PROT_RW)
            reader.write(0, pattern(2, 0))
        assert mapping.read(0, PAGE) == pattern(2, 0)

    def test_dirty_after_read_fault(self, make):
        """A write after a read fault of the page is not lost on the way through a store."""
        region, mapping = make(4, seed=1, touched=4)
        place(region, 0, 4, NVME)
        assert wrong(mapping, range(4), 1) == []
        mapping.write(PAGE, pattern(2, 1))
        place(region, 0, 4, NVME)
        assert mapping.read(PAGE, PAGE) == pattern(2, 1)
        assert mapping.read(0, PAGE) == pattern(1, 0)

    def test_mprotect_none(self, make):
        region, mapping = make(4, seed=1, touched=4)
        mapping.protect(tw.PROT_NONE)
        assert touch_fate(mapping, 0) == -signal.SIGSEGV
        assert region.migrate(0, 4 * PAGE, GPU).moved == 4
        mapping.protect(tw.PROT_RW)
        assert wrong(mapping, range(4), 1) == []

    def test_python_mmap(self, make):
        """The ordinary way: Python's own mmap module."""
        region, _ = make(4, seed=6, touched=4)
        with mmap.mmap(region.fd, 4 * PAGE) as view:
            assert view[PAGE:2 * PAGE] == pattern(6, 1)
            view[:5] = b"hello"
            assert view[:5] == b"hello"

    def test_populate(self, make):
        region, mapping = make(64)
        mapping.advise(tw.MADV_POPULATE_WRITE)
        assert sum(region.info().pages) == 64
        mapping.write(63 * PAGE, b"z")

    def test_map_populate(self, make):
        region, _ = make(64)
        with region.map(flags=tw.MAP_SHARED | tw.MAP_POPULATE):
            assert sum(region.info().pages) == 64

    def test_dump_flag(self, make):
        _, plain = make(4)
        _, quiet = make(4, flags=tw.TW_REGION_DONTDUMP)
        assert "dd" not in vm_flags(plain.addr)
        assert "dd" in vm_flags(quiet.addr)
        assert "sh" in vm_flags(plain.addr)


class TestFork:
    def test_shares(self, make):
        region, mapping = make(8, seed=1, touched=8)

        def child():
            assert wrong(mapping, range(8), 1) == []
            fill(mapping, range(8), 2)
            return region.info().id

        assert run_child(child) == region.id
        assert wrong(mapping, range(8), 2) == []
        assert sum(region.info().pages) == 8

    def test_child_touches_first(self, make):
        region, mapping = make(8)
        run_child(fill, mapping, range(8), 5)
        assert sum(region.info().pages) == 8
        assert wrong(mapping, range(8), 5) == []

    def test_child_outlives(self, stats):
        """The last process out frees the pages, not the one that created them."""
        ready, go = Reached(), Reached()

        def creator():
            with tw.Device() as device:
                region = device.region(8 * PAGE)
                mapping = region.map()
                fill(mapping, range(8), 3)
                if os.fork():
                    os._exit(0)
                ready.set(2)
                go.wait()
                good = wrong(mapping, range(8), 3) == []
                ready.set(3 if good else 9)
                os._exit(0)

        assert Child(creator).wait() == 0
        ready.wait(2)
        assert stats.objects()["regions"] == 1 and sum(stats.used()) == 8
        go.set()
        ready.wait(3)
        assert ready.get() == 3
        assert wait_for(lambda: not stats.objects()["regions"])

    @pytest.mark.at_once
    def test_moved_while_the_child_maps_it(self, make):
        region, mapping = make(16, seed=1, touched=16)
        turn, done = Reached(), Reached()

        def child():
            for number in range(1, 6):
                turn.wait(number)
                assert wrong(mapping, range(16), number) == []
                fill(mapping, range(16), number + 1)
                done.set(number)

        process = Child(child)
        for number, tier in enumerate((GPU, NVME, CPU, SSD, GPU), 1):
            assert region.migrate(0, 16 * PAGE, tier).failed == 0
            turn.set(number)
            done.wait(number)
        process.result()
        assert wrong(mapping, range(16), 6) == []


class TestPass:
    @staticmethod
    def send(sock: socket.socket, fd: int) -> None:
        sock.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])

    @staticmethod
    def receive(sock: socket.socket) -> int:
        _, control, _, _ = sock.recvmsg(1, socket.CMSG_SPACE(4))
        return array.array("i", control[0][2])[0]

    def test_to_nobody(self, make):
        """Whoever is handed the fd may use the region, without any right to the device."""
        region, mapping = make(8, seed=1, touched=8)
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)

        def stranger():
            assert errno_of(tw.Device) == errno.EACCES
            got = tw.Region(self.receive(theirs), region.id, region.bytes)
            info = got.info()
            assert info.id == region.id and sum(info.pages) == 8
            assert {page.pfn for page in got.pages()} == {0}, "no pfns"
            assert [page.page for page in got.pages()] == [got.page(i) for i in range(8)]
            assert got.migrate(0, 8 * PAGE, GPU).moved == 8
            with got.map() as view:
                assert wrong(view, range(8), 1) == []
                fill(view, range(8), 2)
            assert got.discard(7 * PAGE, PAGE) == 1
            got.close()
            return "used"

        child = Child(stranger, uid=65534, gid=65534)
        self.send(mine, region.fd)
        assert child.result() == "used"
        mine.close()
        theirs.close()
        assert wrong(mapping, range(7), 2) == []
        assert mapping.read(7 * PAGE, PAGE) == ZEROES
        assert all(page.pfn for page in region.pages()), "root sees them"

    def test_in_flight_only(self, dev, stats):
        """A region that is nowhere but in a socket's queue is alive."""
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        region = dev.region(4 * PAGE)
        with region.map() as mapping:
            fill(mapping, range(4), 1)
        self.send(mine, region.fd)
        region.close()
        assert stats.objects()["regions"] == 1
        again = tw.Region(self.receive(theirs), 0, 4 * PAGE)
        with again.map() as mapping:
            assert wrong(mapping, range(4), 1) == []
        again.close()
        mine.close()
        theirs.close()


class TestDiscard:
    def test_frees(self, make):
        region, mapping = make(16, seed=1, touched=16)
        assert region.discard(4 * PAGE, 8 * PAGE) == 8
        assert region.tiers() == [CPU] * 4 + [tw.NONE] * 8 + [CPU] * 4
        assert sum(region.info().pages) == 8
        assert all(mapping.read(index * PAGE, PAGE) == ZEROES for index in range(4, 12))
        assert wrong(mapping, [*range(4), *range(12, 16)], 1) == []

    @pytest.mark.parametrize("tier", [GPU, NVME, SSD, HDD])
    def test_in_any_tier(self, make, stats, tier):
        region, mapping = make(8, seed=1, touched=8)
        place(region, 0, 8, tier)
        assert region.discard(0, 4 * PAGE) == 4
        assert stats.used()[tier] == 4
        assert mapping.read(0, PAGE) == ZEROES
        assert wrong(mapping, range(4, 8), 1) == []

    def test_kept_copies_are_freed(self, make, stats):
        region, mapping = make(8, seed=1, touched=8)
        place(region, 0, 8, NVME)
        assert wrong(mapping, range(8), 1) == []
        assert stats.kept()[NVME] == 8
        assert region.discard(0, 8 * PAGE) == 8
        assert stats.kept()[NVME] == 0 and mapping.read(0, PAGE) == ZEROES

    def test_punch_hole(self, make):
        region, mapping = make(8, seed=1, touched=8)
        region.punch(2 * PAGE, 3 * PAGE)
        assert region.tiers() == [CPU] * 2 + [tw.NONE] * 3 + [CPU] * 3
        assert mapping.read(2 * PAGE, PAGE) == ZEROES
        assert wrong(mapping, [0, 1, 5, 6, 7], 1) == []
        assert os.fstat(region.fd).st_size == region.bytes

    def test_madv_remove(self, make):
        """madvise(MADV_REMOVE) is a punched hole."""
        region, mapping = make(8, seed=1, touched=8)
        mapping.advise(tw.MADV_REMOVE, 2 * PAGE, 2 * PAGE)
        assert region.tiers() == [CPU] * 2 + [tw.NONE] * 2 + [CPU] * 4
        assert mapping.read(2 * PAGE, PAGE) == ZEROES

    def test_twice(self, make):
        region, _ = make(8, touched=4)
        assert region.discard(0, 8 * PAGE) == 4
        assert region.discard(0, 8 * PAGE) == 0

    def test_all_of_four_tebibytes(self, make):
        region, mapping = make(4 * TIB // PAGE)
        for offset in (0, GIB, 4 * TIB - PAGE):
            mapping.write(offset, b"x")
        assert region.discard(0, 4 * TIB) == 3
        assert sum(region.info().pages) == 0

    @pytest.mark.parametrize("offset,length", [
        (1, PAGE), (0, 1), (0, PAGE + 1), (0, 0), (8 * PAGE, PAGE), (0, 9 * PAGE),
        (7 * PAGE, 2 * PAGE), ((1 << 64) - PAGE, PAGE), (PAGE, (1 << 64) - PAGE),
        (1 << 63, 1 << 63)])
    def test_bad_range(self, make, offset, length):
        region, _ = make(8, touched=8)
        with refused(errno.EINVAL, region):
            region.discard(offset, length)

    @pytest.mark.parametrize("mode", [0, tw.FALLOC_FL_KEEP_SIZE, 0x08 | 1, 0x10, 0x20, 0x40])
    def test_other_fallocates(self, make, mode):
        region, _ = make(8, touched=8)
        with refused((errno.EOPNOTSUPP, errno.EINVAL), region):
            region.punch(0, PAGE, mode)

    def test_truncate(self, make):
        region, _ = make(8, touched=8)
        for size in (0, PAGE, 16 * PAGE):
            with refused((errno.EINVAL, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP), region):
                os.ftruncate(region.fd, size)

    def test_mapped_twice(self, make):
        region, mapping = make(4, seed=1, touched=4)
        with region.map() as other:
            assert wrong(other, range(4), 1) == []
            region.discard(0, 4 * PAGE)
            assert other.read() == mapping.read() == ZEROES * 4

    @pytest.mark.at_once
    def test_while_touched(self, make):
        """A toucher and a discarder: every page is its pattern or zeroes."""
        region, mapping = make(32)

        def toucher():
            for turn in range(60):
                for index in range(32):
                    mapping.write(index * PAGE, pattern(1, index))
                    got = mapping.read(index * PAGE, PAGE)
                    halves = {got[at:at + 8] for at in range(0, PAGE, 8)}
                    assert halves <= {pattern(1, index)[:8], bytes(8)}, turn

        child = Child(toucher)
        while child.alive():
            region.discard(0, 32 * PAGE)
            region.migrate(0, 32 * PAGE, GPU)
        child.result()


class TestPages:
    def test_untouched(self, make):
        region, _ = make(4)
        for index, page in enumerate(region.pages()):
            assert page.page == region.page(index)
            assert (page.tier, page.pfn, page.node, page.status, page.flags) == \
                (tw.NONE, 0, -1, 0, 0)

    def test_in_memory(self, make):
        region, _ = make(4, touched=4)
        pages = region.pages()
        assert len({page.pfn for page in pages} - {0}) == 4
        assert all(page.tier == CPU and page.node >= 0 for page in pages)
        assert all(page.heat <= 65535 for page in pages)

    def test_in_a_store(self, make):
        region, _ = make(4, touched=4)
        place(region, 0, 4, NVME)
        for page in region.pages():
            assert (page.tier, page.pfn, page.node) == (NVME, 0, -1)

    def test_kept(self, make):
        region, mapping = make(64, seed=1, touched=64)
        place(region, 0, 64, NVME)
        mapping.read(0, 1)
        first, *_, last = region.pages()
        assert first.flags == tw.TW_PAGE_KEPT and last.flags == 0
        mapping.write(0, b"x")
        place(region, 0, 1, NVME)
        assert mapping.read(0, PAGE) == b"x" + pattern(1, 0)[1:]

    def test_too_little_room(self, make):
        region, _ = make(8, touched=8)
        infos = (tw.Page * 8)()
        arg = tw.RegionPages(offset=0, length=8 * PAGE, nr=7, infos=ctypes.addressof(infos))
        with refused(errno.EMSGSIZE, region):
            region.ioctl(tw.TW_IOC_REGION_PAGES, arg)
        assert arg.nr == 8
        assert bytes(infos) == bytes(len(bytes(infos)))

    def test_more_room_than_needed(self, make):
        region, _ = make(8, touched=8)
        infos = (tw.Page * 16)()
        arg = tw.RegionPages(offset=2 * PAGE, length=4 * PAGE, nr=16,
                             infos=ctypes.addressof(infos))
        region.ioctl(tw.TW_IOC_REGION_PAGES, arg)
        assert arg.nr == 4
        assert [page.page for page in infos[:4]] == [region.page(index) for index in range(2, 6)]
        assert bytes(infos)[4 * tw.sizeof(tw.Page):] == bytes(12 * tw.sizeof(tw.Page))

    @pytest.mark.parametrize("offset,length", [
        (1, PAGE), (0, 1), (0, 0), (8 * PAGE, PAGE), (0, 9 * PAGE), ((1 << 64) - PAGE, PAGE),
        (PAGE, (1 << 64) - PAGE)])
    def test_bad_range(self, make, offset, length):
        region, _ = make(8, touched=8)
        infos = (tw.Page * 16)()
        arg = tw.RegionPages(offset=offset, length=length, nr=16,
                             infos=ctypes.addressof(infos))
        with refused(errno.EINVAL, region):
            region.ioctl(tw.TW_IOC_REGION_PAGES, arg)

    def test_too_many(self, dev, make):
        most = dev.info().max_pages
        region, _ = make(most + 8)
        infos = (tw.Page * 1)()
        arg = tw.RegionPages(offset=0, length=(most + 1) * PAGE, nr=most + 1,
                             infos=ctypes.addressof(infos))
        with refused(errno.EINVAL, region):
            region.ioctl(tw.TW_IOC_REGION_PAGES, arg)

    def test_page_info(self, dev, make):
        region, _ = make(8, touched=4)
        place(region, 1, 1, NVME)
        numbers = [region.page(index) for index in range(8)]
        by_number, by_range = dev.page_info(numbers), region.pages()
        assert [bytes(page) for page in by_number] == [bytes(page) for page in by_range]
        pfn = by_range[0].pfn
        (page,) = dev.page_info([pfn])
        assert (page.page, page.pfn, page.tier, page.status) == (region.page(0), pfn, CPU, 0)

    def test_page_info_of_nothing(self, dev, make):
        region, _ = make(8, touched=4)
        # A pfn that is not of a region, one that is no memory, wrong indices and regions.
        numbers = [0, 1, (1 << 52) - 1, (1 << 63) - 1, region.page(8), region.page(1 << 31),
                   tw.TW_PAGE(region.id + 1000, 0), (1 << 64) - 1]
        assert [page.status for page in dev.page_info(numbers)] == \
            [-errno.ENOENT] * len(numbers)


class TestEnding:
    @pytest.mark.at_once
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_killed_while_migrating(self, stats, number):
        """A process that dies in the middle of its own migrations leaves nothing."""
        ready = Reached()

        def work():
            with tw.Device() as device, device.region(128 * PAGE) as region:
                mapping = region.map()
                fill(mapping, range(128), 1)
                while True:
                    for tier in (GPU, NVME, CPU):
                        region.migrate(0, 128 * PAGE, tier)
                        ready.set()

        for _ in range(4):
            ready.set(0)
            child = Child(work)
            ready.wait()
            child.kill(number)
            assert child.wait() == -number
            assert wait_for(lambda: not stats.objects()["regions"] and not sum(stats.used()))

    @pytest.mark.at_once
    def test_exit_while_another_migrates(self, dev, stats):
        """Pages vanish under a migration by number."""
        ready = Reached()

        def work():
            with tw.Device() as device, device.region(128 * PAGE) as region:
                with region.map() as mapping:
                    fill(mapping, range(128), 1)
                    ready.set(region.id)
                    for _ in range(300):
                        mapping.read(0, 8)
                    os._exit(0)

        for _ in range(4):
            ready.set(0)
            child = Child(work)
            ready.wait()
            numbers = [tw.TW_PAGE(ready.get(), index) for index in range(128)]
            outcomes = set()
            while child.alive():
                for tier in (GPU, NVME, CPU):
                    outcomes |= set(dev.migrate(numbers, tier).status)
            child.wait()
            assert outcomes <= {0, tw.TW_MOVE_ALREADY, -errno.EBUSY, -errno.ENOENT}
            assert wait_for(lambda: not stats.objects()["regions"])
            assert dev.migrate(numbers, GPU).status == [-errno.ENOENT] * 128

    @pytest.mark.at_once
    def test_unmapped_while_migrating(self, make):
        region, mapping = make(64, seed=1, touched=64)

        def mover():
            for _ in range(10):
                for tier in (GPU, NVME, CPU):
                    region.migrate(0, 64 * PAGE, tier)

        child = Child(mover)
        while child.alive():
            with region.map() as other:
                assert wrong(other, range(0, 64, 7), 1) == []
        child.result()
        assert wrong(mapping, range(64), 1) == []


def test_counts_of_a_full_life(make, stats):
    """Every page is accounted once, wherever it is, and not at all afterwards."""
    delta = Delta(stats)
    region, mapping = make(40, touched=40, seed=1)
    place(region, 0, 10, GPU)
    place(region, 10, 10, NVME)
    place(region, 20, 4, SSD)
    assert stats.used() == [10, 16, 10, 4, 0] == list(region.info().pages)
    assert delta.get("first") == [0, 40, 0, 0, 0]
    assert Observer.stats.objects()["regions"] == 1
    assert wrong(mapping, range(40), 1) == []
