# SPDX-License-Identifier: GPL-2.0
"""Regions with folios of 2 MiB (TW_REGION_HUGE)."""

import ctypes
import errno
import mmap
import os
import re
import signal

import pytest

import tw
from support import (pattern, place, refused, run_child, store_path, tiers_of,
                     touch_fate, wait_for, wrong)
from tw import CPU, GPU, HDD, NVME, PAGE, SSD

pytestmark = pytest.mark.forked

HUGE = 512
HUGE_BYTES = HUGE * PAGE


def mapped_huge(mapping: tw.Mapping) -> int:
    """How many pages of a mapping are mapped by entries of 2 MiB."""
    inside, kib = False, 0
    for line in open("/proc/self/smaps", encoding="ascii"):
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
        if found:
            start = int(found.group(1), 16)
            inside = mapping.addr <= start < mapping.addr + mapping.length
        elif inside and line.startswith("FilePmdMapped:"):
            kib += int(line.split()[1])
    return kib * 1024 // PAGE


def huge_pages(region: tw.Region) -> list[int]:
    """The pages that are part of a folio of 2 MiB."""
    return [page for page, info in enumerate(region.pages()) if info.flags & tw.TW_PAGE_HUGE]


def faults(stats: tw.Stats) -> int:
    """How many faults at pages in CPU memory there have been."""
    counters = stats.counters(CPU)
    return counters["minor_read"] + counters["minor_write"]


@pytest.fixture
def huge(make):
    """A region with the flag, some chunks of it filled: huge(chunks, ...)."""
    def build(chunks: int, seed: int = 1, touched: int = -1, **more):
        pages = chunks * HUGE
        return make(pages, seed=seed, touched=pages if touched < 0 else touched,
                    flags=tw.TW_REGION_HUGE, **more)

    return build


class TestFault:
    def test_one_fault_for_each_chunk(self, dev, huge):
        """... which is mapped by one entry, and zero beside what was written."""
        region, mapping = huge(4, touched=0)
        stats = dev.stats()
        before = faults(stats)
        for page in range(4 * HUGE):
            mapping.write(page * PAGE + 100, b"x")
        assert faults(stats) - before == 4
        assert mapped_huge(mapping) == 4 * HUGE
        assert mapping.read(0, HUGE_BYTES) == (bytes(100) + b"x" + bytes(PAGE - 101)) * HUGE
        assert huge_pages(region) == list(range(4 * HUGE))
        assert list(region.info().pages) == [0, 4 * HUGE, 0, 0, 0]

    def test_control_without_the_flag(self, make):
        region, mapping = make(HUGE, touched=HUGE, seed=1)
        assert mapped_huge(mapping) == 0
        assert huge_pages(region) == []

    def test_counts(self, dev, huge):
        """The tier, the region and the agent have all pages of a folio, and lose all."""
        used = dev.tier_info(CPU).used
        region, mapping = huge(2, touched=1)
        assert dev.tier_info(CPU).used == used + HUGE
        assert region.info().pages[CPU] == HUGE
        mapping.unmap()
        region.close()
        wait_for(lambda: dev.tier_info(CPU).used == used)

    def test_a_chunk_that_the_region_cuts_short(self, make):
        region, mapping = make(HUGE + 100, touched=HUGE + 100, seed=3, flags=tw.TW_REGION_HUGE)
        assert huge_pages(region) == list(range(HUGE))
        assert wrong(mapping, range(HUGE + 100), 3) == []

    def test_a_mapping_that_is_not_aligned(self, huge):
        """Pages of their own are given out, and read the same elsewhere."""
        region, mapping = huge(2, touched=0)
        with region.map(PAGE, HUGE_BYTES) as shifted:
            shifted.write(0, pattern(1, 1))
            assert mapped_huge(shifted) == 0
            assert mapping.read(PAGE, len(pattern(1, 1))) == pattern(1, 1)
        assert huge_pages(region) == []

    def test_two_mappings_of_a_folio(self, huge):
        """One that is aligned and one that is not have the same bytes."""
        region, mapping = huge(2)
        with region.map(PAGE, HUGE_BYTES) as shifted:
            for page in (0, 7, HUGE - 1):
                assert shifted.read(page * PAGE, 8) == pattern(1, page + 1)[:8]
            shifted.write(3 * PAGE, b"via the other")
            assert mapping.read(4 * PAGE, 13) == b"via the other"
        assert huge_pages(region) == list(range(2 * HUGE))

    def test_a_page_that_was_touched_before(self, huge):
        """A chunk that has a page of 4 KiB gets no folio while it has one."""
        region, mapping = huge(1, touched=0)
        with region.map(PAGE, HUGE_BYTES - PAGE) as shifted:
            shifted.write(0, b"y")
        mapping.write(0, b"z")
        assert huge_pages(region) == []
        region.discard(0, HUGE_BYTES)
        mapping.write(0, b"z")
        assert huge_pages(region) == list(range(HUGE))

    def test_fork_and_write(self, huge):
        """A child's mapping is the same memory."""
        region, mapping = huge(1)

        def child():
            assert wrong(mapping, range(HUGE), 1) == []
            mapping.write(9 * PAGE, b"child")

        run_child(child)
        assert mapping.read(9 * PAGE, 5) == b"child"
        assert region.info().pages[CPU] == HUGE

    def test_protections(self, huge):
        """A part of a folio can be made read-only; the rest stays writable."""
        _region, mapping = huge(1)
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        assert libc.mprotect(mapping.addr + 64 * PAGE, PAGE, mmap.PROT_READ) == 0
        assert touch_fate(mapping, 64 * PAGE, write=True) == -signal.SIGSEGV
        assert touch_fate(mapping, 65 * PAGE, write=True) == 0
        assert wrong(mapping, range(64), 1) == []

    def test_read_and_write_by_the_kernel(self, huge, tmp_path):
        """Buffers of read(2) and write(2), and with O_DIRECT, which holds the folio."""
        region, mapping = huge(1)
        path = store_path(HDD)
        view = (ctypes.c_char * HUGE_BYTES).from_address(mapping.addr)
        fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
        try:
            assert os.write(fd, view) == HUGE_BYTES
            os.lseek(fd, 0, os.SEEK_SET)
            assert os.read(fd, HUGE_BYTES) == bytes(view)
        finally:
            os.close(fd)
        fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
        try:
            got = os.preadv(fd, [memoryview(view)[:4 * PAGE]], 0)
        finally:
            os.close(fd)
        assert got == 4 * PAGE
        assert huge_pages(region) == list(range(HUGE))


class TestHeat:
    """One accessed bit tells of 512 pages."""

    def test_of_a_folio(self, dev, huge, policy):
        """All of it is hot when one page is touched, though a CPU may remember the entry."""
        region, mapping = huge(2)
        policy(enabled=1, scan_min_ms=20, scan_max_ms=50, scan_permille=500)

        def heats(chunk):
            mapping.write(7 * PAGE, b"again")
            return [page.heat for page in region.pages(chunk * HUGE_BYTES, HUGE_BYTES)]

        assert wait_for(lambda: not any(heats(1)), 60)
        assert wait_for(lambda: all(heats(0)), 60)
        assert not any(heats(1))
        assert huge_pages(region) == list(range(2 * HUGE))


class TestDiscard:
    def test_all(self, dev, huge):
        region, mapping = huge(2)
        used = dev.tier_info(CPU).used
        assert region.discard(0, HUGE_BYTES) == HUGE
        assert dev.tier_info(CPU).used == used - HUGE
        assert mapping.read(0, HUGE_BYTES) == bytes(HUGE_BYTES)
        assert wrong(mapping, range(HUGE, 2 * HUGE), 1) == []

    @pytest.mark.parametrize("first, count", [(0, 1), (100, 1), (HUGE - 1, 1), (3, 300)])
    def test_a_part(self, dev, huge, first, count):
        """The rest keeps its bytes, and when all have gone the folio is free."""
        region, mapping = huge(1)
        used = dev.tier_info(CPU).used
        assert region.discard(first * PAGE, count * PAGE) == count
        assert region.info().pages[CPU] == HUGE - count
        assert huge_pages(region) == []
        # These first, so that what maps them could map the discarded ones along.
        others = [page for page in range(HUGE) if not first <= page < first + count]
        assert wrong(mapping, others, 1) == []
        assert mapping.read(first * PAGE, count * PAGE) == bytes(count * PAGE)
        # Each was read, so each has a frame of its own now.
        wait_for(lambda: dev.tier_info(CPU).used == used)
        region.discard(0, HUGE_BYTES)
        assert dev.tier_info(CPU).used == used - HUGE

    @pytest.mark.parametrize("left", [1, 64, HUGE // 2])
    def test_the_rest_is_tidied_up(self, dev, huge, left):
        """Few pages that nobody touches do not keep a folio."""
        region, mapping = huge(1)
        used = dev.tier_info(CPU).used
        region.discard(0, (HUGE - left) * PAGE)
        assert dev.tier_info(CPU).used == used - HUGE + left
        assert wrong(mapping, range(HUGE - left, HUGE), 1) == []

    def test_control_more_than_half_stay(self, dev, huge):
        """Then the folio does, until they are touched."""
        region, mapping = huge(1)
        used = dev.tier_info(CPU).used
        region.discard(0, (HUGE // 2 - 1) * PAGE)
        assert dev.tier_info(CPU).used == used
        assert wrong(mapping, range(HUGE // 2 - 1, HUGE), 1) == []
        wait_for(lambda: dev.tier_info(CPU).used == used - HUGE // 2 + 1)

    def test_full_memory_without_a_store(self, dev, make):
        """What is left in folios can be touched, since it is in memory already."""
        chunks = 16
        with tiers_of(dev, {CPU: chunks * HUGE}):
            region, mapping = make(chunks * HUGE, seed=1, touched=chunks * HUGE,
                                   flags=tw.TW_REGION_HUGE)
            try:
                assert len(huge_pages(region)) == chunks * HUGE
                for chunk in range(chunks):
                    assert region.discard(chunk * HUGE_BYTES, PAGE) == 1
                others = [page for page in range(chunks * HUGE) if page % HUGE]
                # A child, which the SIGBUS would kill and not this one, with its tiers.
                assert run_child(wrong, mapping, others, 1) == []
            finally:
                region.close()
                mapping.unmap()


class TestMove:
    def test_as_a_whole(self, dev, huge):
        region, mapping = huge(2)
        used = [dev.tier_info(tier).used for tier in (CPU, GPU)]
        moves = region.migrate(0, 2 * HUGE_BYTES, GPU)
        assert (moves.moved, moves.failed) == (2 * HUGE, 0)
        assert [dev.tier_info(tier).used for tier in (CPU, GPU)] == [
            used[0] - 2 * HUGE, used[1] + 2 * HUGE]
        assert huge_pages(region) == list(range(2 * HUGE))
        assert wrong(mapping, range(2 * HUGE), 1) == []
        assert mapped_huge(mapping) == 2 * HUGE

    def test_of_an_agent(self, dev, huge):
        """All that an agent has: folios go as wholes, as far as so many pages are to go."""
        with dev.agent(77) as agent:
            region, mapping = huge(2, agent=agent)
            assert dev.agent_migrate(agent, GPU, most=HUGE + 100).moved == HUGE + 100
            tiers = region.tiers()
            assert tiers.count(GPU) == HUGE + 100
            assert huge_pages(region) == list(range(HUGE))
            assert wrong(mapping, range(2 * HUGE), 1) == []

    def test_from_another_tier_only(self, huge):
        region, _mapping = huge(1)
        moves = region.migrate(0, HUGE_BYTES, GPU, from_tier=NVME)
        assert moves.moved == 0
        assert region.tiers() == [CPU] * HUGE
        assert huge_pages(region) == list(range(HUGE))

    def test_one_page(self, dev, huge):
        """... splits the folio; the others stay where they are."""
        region, mapping = huge(1)
        moves = region.migrate(5 * PAGE, PAGE, GPU)
        assert (moves.moved, moves.failed) == (1, 0)
        tiers = region.tiers()
        assert tiers[5] == GPU and tiers.count(CPU) == HUGE - 1
        assert wrong(mapping, range(HUGE), 1) == []

    @pytest.mark.parametrize("tier", [NVME, SSD, HDD])
    def test_to_a_store_and_back(self, dev, huge, tier):
        region, mapping = huge(2)
        used = dev.tier_info(CPU).used
        place(region, 0, HUGE, tier)
        assert region.tiers() == [tier] * HUGE + [CPU] * HUGE
        wait_for(lambda: dev.tier_info(CPU).used == used - HUGE)
        assert wrong(mapping, range(2 * HUGE), 1) == []
        assert huge_pages(region) == list(range(HUGE, 2 * HUGE))

    def test_a_folio_that_is_held(self, huge):
        """... by a device is busy, and stays as it is."""
        region, mapping = huge(1)
        read, write = os.pipe()
        libc = ctypes.CDLL(None, use_errno=True)

        class Iovec(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

        iovec = Iovec(mapping.addr + 7 * PAGE, PAGE)
        assert libc.vmsplice(write, ctypes.byref(iovec), 1, 0) == PAGE
        for first, count in ((0, HUGE), (7, 1), (100, 1)):
            moves = region.migrate(first * PAGE, count * PAGE, GPU)
            assert (moves.moved, moves.failed) == (0, count)
        assert huge_pages(region) == list(range(HUGE))
        # What is discarded reads as zeros all the same.
        assert region.discard(50 * PAGE, 10 * PAGE) == 10
        assert mapping.read(50 * PAGE, 10 * PAGE) == bytes(10 * PAGE)
        assert wrong(mapping, [*range(50), *range(60, HUGE)], 1) == []
        assert os.read(read, PAGE)[:8] == pattern(1, 7)[:8]
        assert region.migrate(0, HUGE_BYTES, GPU).moved == HUGE
        os.close(read)
        os.close(write)


class TestLarger:
    def test_more_than_memory(self, dev, huge):
        """A region of twice the memory: what is demoted leaves folios, and comes back right."""
        capacity = dev.tier_info(CPU).capacity + dev.tier_info(GPU).capacity
        chunks = min(2 * capacity // HUGE, 64) + 1
        region, mapping = huge(chunks, touched=0)
        for page in range(chunks * HUGE):
            mapping.write(page * PAGE, pattern(7, page)[:64])
        pages = region.info().pages
        assert sum(pages) == chunks * HUGE
        bad = [page for page in range(chunks * HUGE)
               if mapping.read(page * PAGE, 64) != pattern(7, page)[:64]]
        assert bad == []

    def test_no_leak(self, dev, huge):
        used = [dev.tier_info(tier).used for tier in range(5)]
        region, mapping = huge(8)
        place(region, 0, HUGE, NVME)
        region.migrate(HUGE_BYTES, HUGE_BYTES, GPU)
        region.migrate(2 * HUGE_BYTES + PAGE, PAGE, GPU)
        region.discard(3 * HUGE_BYTES + PAGE, PAGE)
        mapping.unmap()
        region.close()
        wait_for(lambda: [dev.tier_info(tier).used for tier in range(5)] == used)


class TestRefused:
    def test_grow(self, huge):
        """mremap(2) cannot grow such a mapping."""
        _region, mapping = huge(1)
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mremap.restype = ctypes.c_void_p
        libc.mremap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
        result = libc.mremap(mapping.addr, HUGE_BYTES, 2 * HUGE_BYTES, 1)
        assert result == ctypes.c_void_p(-1).value
        assert ctypes.get_errno() == errno.EFAULT
        assert wrong(mapping, range(HUGE), 1) == []

    def test_unknown_flag(self, dev):
        with refused(errno.EINVAL):
            dev.region(HUGE_BYTES, flags=1 << 3)
