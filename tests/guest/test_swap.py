# SPDX-License-Identifier: GPL-2.0
"""The swap device: programs that know nothing of tiers have their pages in the stores."""

import errno
import mmap
import os
import stat
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import tw
from support import Cgroup, Child, Delta, errno_of, run_child, tiers_of, wait_for
from tw import CPU, HDD, NVME, PAGE, SSD, STORES

MIB = 1 << 20
DISK = Path("/dev/twswap")
# The signature, and slots that each CPU keeps to give back together.
KEPT = 1 + 64 * (os.cpu_count() or 1)


def use(path=DISK):
    """mkswap and swapon."""
    wait_for(path.exists)
    subprocess.run(["mkswap", path], check=True, capture_output=True)
    subprocess.run(["swapon", path], check=True)


@contextmanager
def swapping(dev, pages):
    """The swap device, in use."""
    dev.swap_create(pages)
    try:
        use()
        try:
            yield dev
        finally:
            subprocess.run(["swapoff", DISK], check=True)
    finally:
        dev.swap_destroy()


@pytest.fixture
def group():
    """A cgroup of 12 MiB; a Python child takes a few."""
    with Cgroup() as one:
        one.write("memory.max", str(12 * MIB))
        yield one


class Memory:
    """Anonymous pages, each of which says which it is and how often it was written."""

    def __init__(self, pages):
        self.map = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.map.madvise(mmap.MADV_NOHUGEPAGE)
        self.version = [0] * pages

    def page(self, index):
        return (f"{index} {self.version[index]} ".encode() * 1100)[:PAGE]

    def write(self, indices):
        for index in indices:
            self.version[index] += 1
            self.map[index * PAGE:(index + 1) * PAGE] = self.page(index)

    def wrong(self, indices):
        return [index for index in indices
                if self.map[index * PAGE:(index + 1) * PAGE] != self.page(index)]


def within(group, function, *args, timeout=240):
    def work():
        group.enter()
        return function(*args)
    return run_child(work, timeout=timeout)


class TestDevice:
    def test_appears_and_goes(self, dev):
        number = dev.swap_create(1000)
        assert wait_for(DISK.exists)
        there = DISK.stat()
        assert stat.S_ISBLK(there.st_mode) and there.st_rdev == number
        info = dev.swap_info()
        assert (info.pages, info.dev, info.open, sum(info.used)) == (1000, number, 0, 0)
        dev.swap_destroy()
        assert wait_for(lambda: not DISK.exists())
        assert errno_of(dev.swap_info) == errno.ENOENT

    def test_one_only(self, dev):
        dev.swap_create(1000)
        try:
            assert errno_of(dev.swap_create, 1000) == errno.EEXIST
            assert dev.swap_info().pages == 1000
        finally:
            dev.swap_destroy()
        assert errno_of(dev.swap_destroy) == errno.ENOENT

    def test_not_while_it_is_open(self, dev):
        dev.swap_create(1000)
        wait_for(DISK.exists)
        with open(DISK, "rb"):
            assert errno_of(dev.swap_destroy) == errno.EBUSY
            assert dev.swap_info().open == 1
        dev.swap_destroy()

    def test_reads_what_was_written(self, dev):
        """Sectors in any order, over what is there, and zeroes where nothing was written."""
        dev.swap_create(1000)
        wait_for(DISK.exists)
        try:
            with open(DISK, "r+b", buffering=0) as disk:
                for turn in range(3):
                    for index in (5, 6, 7, 100, 6, 999):
                        disk.seek(index * PAGE)
                        disk.write(bytes([index % 256, turn]) * (PAGE // 2))
                    os.fsync(disk.fileno())
                    os.posix_fadvise(disk.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                    for index in (5, 6, 7, 100, 999):
                        disk.seek(index * PAGE)
                        assert disk.read(PAGE) == bytes([index % 256, turn]) * (PAGE // 2)
                disk.seek(50 * PAGE)
                assert disk.read(PAGE) == bytes(PAGE)
            assert sum(dev.swap_info().used) == 5
        finally:
            dev.swap_destroy()


class TestSwap:
    def test_larger_than_memory(self, dev, group, stats):
        """Each page comes back as it was, from whichever store."""
        def work():
            memory = Memory(28 * MIB // PAGE)
            everything = range(len(memory.version))
            memory.write(everything)
            bad = memory.wrong(everything)
            memory.write(everything[::3])
            return bad + memory.wrong(everything)

        with tiers_of(dev, {NVME: 1000, SSD: 2000, HDD: 6000}):
            delta = Delta(stats)
            with swapping(dev, 8000):
                assert within(group, work) == []
                assert group.events()["oom_kill"] == 0
                counters = [delta.tier(tier) for tier in STORES]
                assert all(one["swap_out"] > 0 for one in counters[:1])
                assert sum(one["swap_in"] for one in counters) > 0
                assert wait_for(lambda: sum(dev.swap_info().used) <= KEPT)
