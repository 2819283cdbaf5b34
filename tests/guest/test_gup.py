# SPDX-License-Identifier: GPL-2.0
"""Pages that cannot be had, by each of the ways in which the kernel itself asks for them.

A touch is asked for again with a word that it is a retry; some of these never
say so.  Each must end with an error, soon, and leave everything as it was.
"""

import ctypes
import errno
import os
import signal
import struct

import pytest

import tw
from support import (Child, Iovec, Loop, Mapper, bind, fill, format_store, pattern, place,
                     run_child, tiers_of, touch_fate, wrong)
from tw import CPU, NVME, PAGE, SSD

SECTORS = tw.TW_STORE_DATA // 512
SIZE = 64 + SECTORS // 8            # pages of the disk that cannot be read
FUTEX_WAIT, FUTEX_WAKE_OP, FUTEX_PRIVATE = 0, 5, 128
IO_URING_SETUP, IO_URING_REGISTER, REGISTER_BUFFERS = 425, 427, 0


def answer(got: int) -> int:
    """The errno of a libc call, 0 when it succeeded."""
    return ctypes.get_errno() if got < 0 else 0


# --- the ways ---------------------------------------------------------------------------


def touch(addr, _region):
    """The ordinary way."""
    mapping = tw.Mapping(addr, PAGE)
    return {0: 0, -signal.SIGBUS: errno.EFAULT}[touch_fate(mapping, 0)]


def populate_read(addr, _region):
    return answer(tw.libc.madvise(addr, PAGE, tw.MADV_POPULATE_READ))


def populate_write(addr, _region):
    return answer(tw.libc.madvise(addr, PAGE, tw.MADV_POPULATE_WRITE))


def map_populate(_addr, region):
    """Asks for the pages, and does not tell how that went."""
    with region.map(flags=tw.MAP_SHARED | tw.MAP_POPULATE):
        return errno.EFAULT


def mlock(addr, _region):
    err = answer(tw.libc.mlock(ctypes.c_void_p(addr), ctypes.c_size_t(PAGE)))
    return errno.EFAULT if err == errno.ENOMEM else err


def vmsplice(addr, _region):
    out, into = os.pipe()
    iov = Iovec(addr, PAGE)
    err = answer(tw.libc.vmsplice(into, ctypes.byref(iov), ctypes.c_ulong(1), 0))
    os.close(out)
    os.close(into)
    return err


def process_vm(name, addr):
    buffer = ctypes.create_string_buffer(PAGE)
    here, there = Iovec(ctypes.addressof(buffer), PAGE), Iovec(addr, PAGE)
    one = ctypes.c_ulong(1)
    return answer(getattr(tw.libc, name)(os.getppid(), ctypes.byref(here), one,
                                         ctypes.byref(there), one, ctypes.c_ulong(0)))


def process_vm_readv(addr, _region):
    return process_vm("process_vm_readv", addr)


def process_vm_writev(addr, _region):
    return process_vm("process_vm_writev", addr)


def proc_mem(addr, flags):
    """As a debugger does it."""
    fd = os.open(f"/proc/{os.getppid()}/mem", flags)
    try:
        if flags == os.O_RDONLY:
            os.pread(fd, PAGE, addr)
        else:
            os.pwrite(fd, b"x" * PAGE, addr)
    except OSError as error:
        assert error.errno == errno.EIO
        return errno.EFAULT
    finally:
        os.close(fd)
    return 0


def proc_mem_read(addr, _region):
    return proc_mem(addr, os.O_RDONLY)


def proc_mem_write(addr, _region):
    return proc_mem(addr, os.O_RDWR)


def direct(call, addr):
    with Loop(1 << 20) as loop:
        fd = os.open(loop.path, os.O_RDWR | os.O_DIRECT)
        err = answer(call(fd, addr, PAGE, 0))
        os.close(fd)
        return err


def direct_read(addr, _region):
    return direct(tw.libc.pread, addr)


def direct_write(addr, _region):
    return direct(tw.libc.pwrite, addr)


def pipe_write(addr, _region):
    out, into = os.pipe()
    err = answer(tw.libc.write(into, addr, 8))
    os.close(out)
    os.close(into)
    return err


def futex(operation, first, fourth=0, second=0):
    return answer(tw.libc.syscall(202, ctypes.c_void_p(first), operation, 1,
                                  ctypes.c_void_p(fourth), ctypes.c_void_p(second), 0))


def futex_wait(addr, _region):
    """Not for ever: the word is not 1."""
    return futex(FUTEX_WAIT, addr)


def futex_wake_op(addr, _region):
    """The kernel adds to the word, and mends a fault of that by itself."""
    word = ctypes.create_string_buffer(8)
    return futex(FUTEX_WAKE_OP | FUTEX_PRIVATE, ctypes.addressof(word), 1, addr)


def io_uring(addr, _region):
    """A fixed buffer is pinned for long."""
    fd = tw.libc.syscall(IO_URING_SETUP, 4, ctypes.create_string_buffer(120))
    if fd < 0:
        return None
    iov = Iovec(addr, PAGE)
    err = answer(tw.libc.syscall(IO_URING_REGISTER, fd, REGISTER_BUFFERS, ctypes.byref(iov), 1))
    os.close(fd)
    return err


WAYS = [touch, populate_read, populate_write, map_populate, mlock, vmsplice, process_vm_readv,
        process_vm_writev, proc_mem_read, proc_mem_write, direct_read, direct_write, pipe_write,
        futex_wait, futex_wake_op, io_uring]


def ask(way, mapping, region, index):
    """Ask for a page in a child; a call that does not end fails the test."""
    err = run_child(way, mapping.addr + index * PAGE, region, timeout=20)
    if err is None:
        pytest.skip("the kernel has no such call")
    return err


def test_fixed_buffer(make):
    """io_uring's, of pages that are there: kernels before 6.5 refuse it for any file."""
    region, mapping = make(2, seed=1, touched=2)
    old = tuple(map(int, os.uname().release.split(".")[:2])) < (6, 5)
    assert ask(io_uring, mapping, region, 0) == (errno.EOPNOTSUPP if old else 0)
    assert wrong(mapping, range(2), 1) == []


def places(region, stats):
    """Where everything is."""
    return (bytes(region.info()), region.tiers(), stats.used(), stats.kept(), stats.objects())


# --- what cannot be had -----------------------------------------------------------------


def use_up(mapping):
    """Touch page after page until that fails, in a child."""
    def touch_all():
        for index in range(mapping.length // PAGE):
            mapping.write(index * PAGE, pattern(1, index))
    assert Child(touch_all).wait() == -signal.SIGBUS


class TestNoRoom:
    """All tiers are full."""

    @pytest.fixture(scope="class")
    def full(self, dev):
        with tiers_of(dev, {CPU: 64, NVME: 64}):
            with dev.region(1024 * PAGE) as hog, hog.map() as hog_mapping, \
                 dev.region(8 * PAGE) as region, region.map() as mapping:
                use_up(hog_mapping)
                touch_fate(mapping, 0)      # its records are there now
                yield hog, region, mapping

    @pytest.mark.parametrize("way", WAYS)
    def test_ends(self, full, stats, way):
        hog, region, mapping = full
        before = places(region, stats), hog.tiers()
        assert ask(way, mapping, region, 3) == errno.EFAULT
        assert (places(region, stats), hog.tiers()) == before
        assert region.tiers() == [tw.NONE] * 8


class TestUnreadable:
    """The page's disk does not give it back."""

    ALL = SIZE * 8

    def good(self, loop):
        return [(0, self.ALL, "linear", f"{loop.path} 0")]

    def bad(self, loop):
        return [(0, SECTORS, "linear", f"{loop.path} 0"),
                (SECTORS, self.ALL - SECTORS, "error", "")]

    @pytest.fixture(scope="class")
    def disk(self, dev):
        with Loop(SIZE * PAGE) as loop, Mapper(self.good(loop)) as mapper:
            format_store(mapper.path)
            with tiers_of(dev, {CPU: 512}):
                bind(dev, SSD, 0, mapper.path)
                with dev.region(8 * PAGE) as region, region.map() as mapping:
                    fill(mapping, range(8), 1)
                    place(region, 0, 8, SSD)
                    mapper.load(self.bad(loop))
                    yield region, mapping
                    mapper.load(self.good(loop))
                    # An error of the device has cost nothing.
                    assert wrong(mapping, range(8), 1) == []
                dev.unbind(SSD)

    @pytest.mark.parametrize("way", WAYS)
    def test_ends(self, disk, stats, way):
        region, mapping = disk
        before = places(region, stats)
        assert ask(way, mapping, region, 3) == errno.EFAULT
        assert places(region, stats) == before
        assert region.tiers() == [SSD] * 8 and region.info().lost == 0
