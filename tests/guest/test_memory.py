# SPDX-License-Identifier: GPL-2.0
"""What programs do with memory, done with a region."""

import ctypes
import errno
import os
import resource
import signal
import struct
import threading
from pathlib import Path

import pytest

import tw
from support import (AlignedBuffer, Child, Iovec, Loop, Pin, Reached, ZEROES, fill, pattern,
                     place, refused, touch_fate, wait_for, wrong)
from tw import CPU, GPU, HDD, NVME, PAGE, SSD

pytestmark = pytest.mark.forked

SYS_FUTEX = 202
FUTEX_WAIT, FUTEX_WAKE = 0, 1
STORES_AND_GPU = (GPU, NVME, SSD, HDD)


class TestRemap:
    def test_move(self, make):
        region, mapping = make(8, seed=1, touched=8)
        target = tw.Mapping.map(-1, 8 * PAGE, flags=tw.MAP_SHARED | tw.MAP_ANONYMOUS)
        old = mapping.addr
        mapping.addr = tw.check(tw.libc.mremap(old, 8 * PAGE, 8 * PAGE,
                                               tw.MREMAP_MAYMOVE | tw.MREMAP_FIXED, target.addr))
        assert mapping.addr == target.addr != old
        assert wrong(mapping, range(8), 1) == []
        for tier in STORES_AND_GPU:
            place(region, 0, 8, tier)
            assert wrong(mapping, range(8), 1) == []

    def test_moved_before_the_first_touch(self, make):
        region, mapping = make(8)
        target = tw.Mapping.map(-1, 8 * PAGE, flags=tw.MAP_SHARED | tw.MAP_ANONYMOUS)
        mapping.addr = tw.check(tw.libc.mremap(mapping.addr, 8 * PAGE, 8 * PAGE,
                                               tw.MREMAP_MAYMOVE | tw.MREMAP_FIXED, target.addr))
        fill(mapping, range(8), 1)
        assert sum(region.info().pages) == 8

    def test_grow(self, dev, make):
        """Within the region the pages are there; beyond its end there is nothing to touch."""
        region, mapping = make(8, seed=1, touched=8)
        part = region.map(0, 4 * PAGE)
        # The kernel lets mappings of this sort grow only to a place that it is told.
        target = tw.Mapping.map(-1, 12 * PAGE, flags=tw.MAP_SHARED | tw.MAP_ANONYMOUS)
        part.addr = tw.check(tw.libc.mremap(part.addr, 4 * PAGE, 12 * PAGE,
                                            tw.MREMAP_MAYMOVE | tw.MREMAP_FIXED, target.addr))
        part.length = 12 * PAGE
        assert wrong(part, range(8), 1) == []
        assert dev.addr_page(part.addr + 7 * PAGE) == dev.addr_page(mapping.addr + 7 * PAGE)
        assert touch_fate(part, 8 * PAGE) == -signal.SIGBUS
        with refused(errno.EFAULT, region):
            dev.addr_page(part.addr + 8 * PAGE)
        assert dev.migrate_range(part.addr, 8 * PAGE, GPU).failed == 0
        with refused(errno.EFAULT, region):
            dev.migrate_range(part.addr, 9 * PAGE, CPU)
        for tier in STORES_AND_GPU:
            place(region, 0, 8, tier)
            assert wrong(part, range(8), 1) == []
        assert sum(region.info().pages) == 8
        part.unmap()

    def test_shrink(self, make):
        region, _ = make(8)
        part = region.map()
        fill(part, range(8), 1)
        tw.check(tw.libc.mremap(part.addr, 8 * PAGE, 3 * PAGE, 0, None))
        part.length = 3 * PAGE
        assert wrong(part, range(3), 1) == []
        assert sum(region.info().pages) == 8
        part.unmap()

    def test_dontunmap(self, make):
        """The old range stays, and shows the same pages."""
        region, mapping = make(4, seed=1, touched=4)
        got = tw.libc.mremap(mapping.addr, 4 * PAGE, 4 * PAGE,
                             tw.MREMAP_MAYMOVE | tw.MREMAP_DONTUNMAP, None)
        if got == tw.MAP_FAILED:
            assert ctypes.get_errno() == errno.EINVAL
            assert wrong(mapping, range(4), 1) == []
            return
        with tw.Mapping(got, 4 * PAGE) as moved:
            assert wrong(moved, range(4), 1) == []
            assert wrong(mapping, range(4), 1) == []
            assert sum(region.info().pages) == 4


class TestUnmap:
    def test_hole(self, make):
        region, mapping = make(8, seed=1, touched=8)
        mapping.unmap(3 * PAGE, 2 * PAGE)
        assert wrong(mapping, [0, 1, 2, 5, 6, 7], 1) == []
        assert touch_fate(mapping, 3 * PAGE) == -signal.SIGSEGV
        assert sum(region.info().pages) == 8, "munmap frees nothing"
        place(region, 0, 8, GPU)
        assert wrong(mapping, [0, 1, 2, 5, 6, 7], 1) == []
        with region.map() as again:
            assert wrong(again, range(8), 1) == []

    def test_ends(self, make):
        region, mapping = make(8, seed=1, touched=8)
        mapping.unmap(0, PAGE)
        mapping.unmap(7 * PAGE, PAGE)
        place(region, 0, 8, NVME)
        assert wrong(mapping, range(1, 7), 1) == []


class TestAdvice:
    @pytest.mark.parametrize("tier", [CPU, *STORES_AND_GPU])
    def test_dontneed_keeps_the_data(self, make, tier):
        region, mapping = make(8, seed=1, touched=8)
        place(region, 0, 8, tier)
        mapping.advise(tw.MADV_DONTNEED)
        assert sum(region.info().pages) == 8
        assert wrong(mapping, range(8), 1) == []

    def test_dontneed_keeps_dirty_data(self, make):
        """The unmapped page's dirty bit is not lost on its way to a store."""
        region, mapping = make(4, seed=1, touched=4)
        place(region, 0, 4, NVME)
        assert wrong(mapping, range(4), 1) == []
        fill(mapping, range(4), 2)
        mapping.advise(tw.MADV_DONTNEED)
        place(region, 0, 4, NVME)
        assert wrong(mapping, range(4), 2) == []

    @pytest.mark.parametrize("advice", [0, 1, 2, 3, 8, 14, 15, 20, 21])
    def test_others_do_no_harm(self, make, advice):
        """NORMAL, RANDOM, SEQUENTIAL, WILLNEED, FREE, (NO)HUGEPAGE, COLD, PAGEOUT."""
        region, mapping = make(4, seed=1, touched=4)
        try:
            mapping.advise(advice)
        except OSError as error:
            assert error.errno == errno.EINVAL
        assert wrong(mapping, range(4), 1) == []
        assert sum(region.info().pages) == 4

    def test_dump(self, make):
        _, mapping = make(4, seed=1, touched=4)
        mapping.advise(tw.MADV_DONTDUMP)
        assert wrong(mapping, range(4), 1) == []


class TestOtherProcess:
    @staticmethod
    def remote(name: str, pid: int, here: int, there: int, length: int) -> int:
        mine, theirs = Iovec(here, length), Iovec(there, length)
        call = getattr(tw.libc, name)
        call.restype = ctypes.c_long
        return tw.check(call(pid, ctypes.byref(mine), ctypes.c_ulong(1), ctypes.byref(theirs),
                             ctypes.c_ulong(1), ctypes.c_ulong(0)))

    @pytest.mark.parametrize("tier", [CPU, *STORES_AND_GPU])
    def test_vm_readv_and_writev(self, make, tier):
        region, mapping = make(8, seed=1, touched=8)
        done = Reached()
        child = Child(done.wait)
        place(region, 0, 8, tier)
        with AlignedBuffer(8 * PAGE) as buffer:
            assert self.remote("process_vm_readv", child.pid, buffer.addr, mapping.addr,
                               8 * PAGE) == 8 * PAGE
            assert wrong(buffer, range(8), 1) == []
            fill(buffer, range(8), 2)
            assert self.remote("process_vm_writev", child.pid, buffer.addr, mapping.addr,
                               8 * PAGE) == 8 * PAGE
        done.set()
        child.result()
        assert wrong(mapping, range(8), 2) == []

    def test_proc_mem(self, make):
        region, mapping = make(4, seed=1, touched=4)
        place(region, 0, 4, NVME)
        done = Reached()
        child = Child(done.wait)
        fd = os.open(f"/proc/{child.pid}/mem", os.O_RDWR)
        assert os.pread(fd, PAGE, mapping.addr + PAGE) == pattern(1, 1)
        os.close(fd)
        done.set()
        child.result()


class TestFutex:
    @staticmethod
    def futex(addr: int, operation: int, value: int) -> int:
        timeout = struct.pack("qq", 30, 0)
        return tw.check(tw.libc.syscall(
            SYS_FUTEX, ctypes.c_void_p(addr), operation, ctypes.c_uint32(value),
            timeout if operation == FUTEX_WAIT else None, None, 0))

    @pytest.mark.parametrize("tiers", [(), (GPU,), (GPU, CPU)])
    def test_shared_between_processes(self, make, tiers):
        """Also while the page moves between the wait and the wake."""
        region, mapping = make(2, touched=2, seed=0)
        mapping.write(0, bytes(4))
        waiting = Reached()

        def child():
            waiting.set()
            while int.from_bytes(mapping.read(0, 4), "little") == 0:
                try:
                    self.futex(mapping.addr, FUTEX_WAIT, 0)
                except OSError as error:
                    assert error.errno == errno.EAGAIN
            return "woken"

        process = Child(child)
        waiting.wait()
        assert wait_for(lambda: open(f"/proc/{process.pid}/syscall", encoding="ascii")
                        .read().split()[0] == str(SYS_FUTEX))
        for tier in tiers:
            assert region.migrate(0, PAGE, tier).moved == 1
        mapping.write(0, b"\1\0\0\0")
        assert self.futex(mapping.addr, FUTEX_WAKE, 100) == 1
        assert process.result() == "woken"

    def test_two_mappings_of_the_word(self, make):
        """The key is the page of the region, not the address."""
        region, mapping = make(1, touched=1)
        mapping.write(0, bytes(4))

        def child():
            with region.map() as other:
                return self.futex(other.addr, FUTEX_WAIT, 0)

        process = Child(child)
        assert wait_for(lambda: self.futex(mapping.addr, FUTEX_WAKE, 1) == 1)
        assert process.result() == 0

    def test_value_differs(self, make):
        _, mapping = make(1, touched=1)
        mapping.write(0, b"\7\0\0\0")
        with pytest.raises(OSError) as caught:
            self.futex(mapping.addr, FUTEX_WAIT, 0)
        assert caught.value.errno == errno.EAGAIN

    def test_word_in_a_store(self, make):
        region, mapping = make(1, touched=1)
        mapping.write(0, b"\7\0\0\0")
        place(region, 0, 1, NVME)
        with pytest.raises(OSError) as caught:
            self.futex(mapping.addr, FUTEX_WAIT, 0)
        assert caught.value.errno == errno.EAGAIN


class TestDirectIO:
    @pytest.fixture(scope="class")
    def disk(self):
        with Loop(4 << 20) as loop:
            fd = os.open(loop.path, os.O_RDWR | os.O_DIRECT)
            yield fd
            os.close(fd)

    @pytest.mark.parametrize("tier", [CPU, *STORES_AND_GPU])
    def test_write(self, make, disk, tier):
        region, mapping = make(8, seed=tier, touched=8)
        place(region, 0, 8, tier)
        assert tw.check(tw.libc.pwrite(disk, mapping.addr, 8 * PAGE, 0)) == 8 * PAGE
        with AlignedBuffer(8 * PAGE) as buffer:
            assert tw.check(tw.libc.pread(disk, buffer.addr, 8 * PAGE, 0)) == 8 * PAGE
            assert wrong(buffer, range(8), tier) == []

    @pytest.mark.parametrize("tier", [CPU, *STORES_AND_GPU])
    def test_read(self, make, disk, tier):
        region, mapping = make(8, seed=1, touched=8)
        with AlignedBuffer(8 * PAGE) as buffer:
            fill(buffer, range(8), 50 + tier)
            assert tw.check(tw.libc.pwrite(disk, buffer.addr, 8 * PAGE, 0)) == 8 * PAGE
        place(region, 0, 8, tier)
        assert tw.check(tw.libc.pread(disk, mapping.addr, 8 * PAGE, 0)) == 8 * PAGE
        assert wrong(mapping, range(8), 50 + tier) == []
        # What the device wrote is dirty: it survives a round through a store.
        place(region, 0, 8, NVME)
        assert wrong(mapping, range(8), 50 + tier) == []

    def test_read_into_untouched(self, make, disk):
        region, mapping = make(8)
        with AlignedBuffer(8 * PAGE) as buffer:
            fill(buffer, range(8), 77)
            tw.check(tw.libc.pwrite(disk, buffer.addr, 8 * PAGE, 0))
        assert tw.check(tw.libc.pread(disk, mapping.addr, 8 * PAGE, 0)) == 8 * PAGE
        assert wrong(mapping, range(8), 77) == []
        assert sum(region.info().pages) == 8

    @pytest.mark.at_once
    def test_while_migrating(self, make, disk):
        """Reads into pages that somebody keeps moving: refused pages stay, none is torn."""
        region, mapping = make(32)
        with AlignedBuffer(32 * PAGE) as buffer:
            for seed in (1, 2):
                fill(buffer, range(32), seed)
                tw.check(tw.libc.pwrite(disk, buffer.addr, 32 * PAGE, seed << 20))

        def reader():
            for turn in range(40):
                seed = 1 + turn % 2
                got = tw.libc.pread(disk, mapping.addr, 32 * PAGE, seed << 20)
                assert tw.check(got) == 32 * PAGE
                assert wrong(mapping, range(32), seed) == [], turn

        child = Child(reader)
        outcomes = set()
        while child.alive():
            for tier in (GPU, NVME, CPU):
                outcomes |= set(region.migrate(0, 32 * PAGE, tier).status)
        child.result()
        assert outcomes <= {0, 1, -errno.EBUSY, -errno.ENOENT}
        assert 0 in outcomes

    def test_buffered_file(self, make, tmp_path):
        """read(2) and write(2) between a region and an ordinary file."""
        region, mapping = make(8, seed=3, touched=8)
        place(region, 0, 8, NVME)
        fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
        assert tw.check(tw.libc.write(fd, mapping.addr, 8 * PAGE)) == 8 * PAGE
        region.discard(0, 8 * PAGE)
        os.lseek(fd, 0, os.SEEK_SET)
        assert tw.check(tw.libc.read(fd, mapping.addr, 8 * PAGE)) == 8 * PAGE
        os.close(fd)
        assert wrong(mapping, range(8), 3) == []


class TestPins:
    def test_discard_of_a_pinned_page(self, make):
        """The pin keeps its bytes; the region reads zeroes."""
        region, mapping = make(2, seed=1, touched=2)
        with Pin(mapping.addr) as pin:
            region.discard(0, PAGE)
            assert mapping.read(0, PAGE) == ZEROES
            assert os.read(pin.out, PAGE) == pattern(1, 0)

    def test_pin_outlives_the_region(self, dev, stats):
        region = dev.region(PAGE)
        mapping = region.map()
        fill(mapping, [0], 1)
        pin = Pin(mapping.addr)
        mapping.unmap()
        region.close()
        assert wait_for(lambda: not stats.objects()["regions"])
        assert os.read(pin.out, PAGE) == pattern(1, 0)
        pin.__exit__()


@pytest.mark.at_once
def test_threads(make):
    """Threads of one process fault the same pages at the same time."""
    _, mapping = make(128)
    start = threading.Barrier(3)

    def work(step):
        start.wait()
        for index in range(0, 128):
            at = (index * step) % 128
            mapping.write(at * PAGE + 8 * step, step.to_bytes(8, "little"))

    threads = [threading.Thread(target=work, args=(step,)) for step in (1, 3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in range(128):
        for step in (1, 3, 5):
            assert mapping.read(index * PAGE + 8 * step, 8) == step.to_bytes(8, "little")


def test_locked_mapping(make):
    """Its pages could go to a disk, so it is refused; the kernel asks nobody about mlock(2)."""
    region, mapping = make(4, seed=1, touched=4)
    with refused(errno.EOPNOTSUPP, region):
        tw.Mapping.map(region.fd, 4 * PAGE, flags=tw.MAP_SHARED | tw.MAP_LOCKED)
    assert wrong(mapping, range(4), 1) == []


def test_mlock(make):
    """mlock does no harm and a locked range can still be told to move."""
    region, mapping = make(4, seed=1, touched=4)
    tw.libc.mlock(ctypes.c_void_p(mapping.addr), ctypes.c_size_t(4 * PAGE))
    assert region.migrate(0, 4 * PAGE, GPU).failed == 0
    assert wrong(mapping, range(4), 1) == []
    tw.libc.munlock(ctypes.c_void_p(mapping.addr), ctypes.c_size_t(4 * PAGE))


def test_atomic_counter_across_processes(make):
    """Increments by two processes while the page travels: none is lost."""
    region, mapping = make(1, touched=1)
    mapping.write(0, bytes(PAGE))
    turns = 400

    def count(slot):
        for number in range(1, turns + 1):
            mapping.write(slot * 8, number.to_bytes(8, "little"))
            assert int.from_bytes(mapping.read(slot * 8, 8), "little") == number

    children = [Child(count, slot) for slot in (0, 1)]
    moved = 0
    while any(child.alive() for child in children):
        for tier in (GPU, NVME, CPU):
            moved += region.migrate(0, PAGE, tier).moved
    for child in children:
        child.result()
    assert moved > 0
    for slot in (0, 1):
        assert int.from_bytes(mapping.read(slot * 8, 8), "little") == turns


def test_exec_drops_the_mapping(stats):
    """exec ends a mapping; the region's fd is close-on-exec."""
    def work():
        region = tw.Device().region(4 * PAGE)
        fill(region.map(), range(4), 1)
        os.execv("/bin/true", ["true"])

    assert Child(work).wait() == 0
    assert wait_for(lambda: not stats.objects()["regions"])


class Core:
    """A core file's segments."""

    def __init__(self, path: Path):
        self.data = path.read_bytes()
        first, size, number = (struct.unpack_from(form, self.data, at)[0]
                               for form, at in (("=Q", 32), ("=H", 54), ("=H", 56)))
        self.found = [struct.unpack_from("=IIQQQQQQ", self.data, first + nr * size)
                      for nr in range(number)]

    def at(self, addr: int) -> bytes:
        """What is there of the mapping that begins here."""
        offset, size = next((one[2], one[5]) for one in self.found if one[3] == addr)
        return self.data[offset:offset + size]


def test_core_dump(tmp_path, make):
    """A region is in the core file, as anonymous shared memory is: without any setting.

    Wherever its pages are; and what was never touched takes no memory for that.
    """
    region, mapping = make(64, seed=1, touched=4)
    place(region, 0, 2, NVME)
    _, quiet = make(4, seed=2, touched=4, flags=tw.TW_REGION_DONTDUMP)
    _, advised = make(4, seed=3, touched=4)
    pattern_file = Path("/proc/sys/kernel/core_pattern")
    before = pattern_file.read_text(encoding="ascii")

    def work():
        assert int(Path("/proc/self/coredump_filter").read_text(encoding="ascii"), 16) & 0xf == 3
        advised.advise(tw.MADV_DONTDUMP)
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        os.kill(os.getpid(), signal.SIGABRT)

    try:
        pattern_file.write_text(f"{tmp_path}/core", encoding="ascii")
        assert Child(work).wait() == -signal.SIGABRT
    finally:
        pattern_file.write_text(before, encoding="ascii")
    core = Core(next(tmp_path.glob("core*")))
    there = b"".join(pattern(1, index) for index in range(4))
    assert core.at(mapping.addr) == there.ljust(64 * PAGE, b"\0")
    assert core.at(quiet.addr) == core.at(advised.addr) == b""
    assert sum(region.info().pages) == 4
    assert wrong(mapping, range(4), 1) == []
