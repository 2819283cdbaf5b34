# topology: demo --mem=0=640M,1=192M,nvme=1G --turns
# SPDX-License-Identifier: GPL-2.0
"""Ordinary programs beside a region: not killed while stores have room, whatever they ask for.

Everything is bound as it binds itself, and there is no swap, but for the last test: what
the programs get beyond free memory comes from the region's pages, which all have to leave
in time.
"""

import ctypes
import os
import subprocess
from pathlib import Path

import pytest

import test_swap
import tw
from support import REPO, Cgroup, Child, Delta, Reached, fill, tiers_of, wait_for, wrong
from tw import CPU, GPU, HDD, NVME, PAGE, STORES

NEIGHBOUR = REPO / "build" / "stress" / "neighbour"
MIB = 1 << 20


def meminfo(name: str) -> int:
    """A line of /proc/meminfo, in bytes."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


def vmstat(name: str) -> int:
    """A line of /proc/vmstat."""
    lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def told() -> int:
    """Pages that the driver has told the kernel of, as what can be reclaimed."""
    return vmstat("nr_kernel_misc_reclaimable")


def neighbour(region: int, hog: int, *options: str, before=None) -> str:
    """Run it with sizes in bytes: everybody lives, every byte is right."""
    killed = vmstat("oom_kill")
    done = subprocess.run([NEIGHBOUR, *options, str(region // MIB), str(hog // MIB)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          preexec_fn=before, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    assert vmstat("oom_kill") == killed
    return done.stdout


@pytest.fixture(name="demoted")
def _demoted(stats):
    """The scenario has met what it is about: pages had to leave, and no touch failed."""
    delta = Delta(stats)
    yield
    assert sum(delta.get("moves_in")[tier] for tier in STORES)
    assert delta.sigbus() == 0


def test_program_at_full_speed(demoted):  # pylint: disable=unused-argument
    """A region in 60 % of what is available, then a program that takes as much."""
    available = meminfo("MemAvailable")
    neighbour(available * 60 // 100, available * 60 // 100)


@pytest.mark.once
def test_two_programs_at_once(demoted):  # pylint: disable=unused-argument
    available = meminfo("MemAvailable")
    neighbour(available * 60 // 100, available * 30 // 100, "--hogs", "2")


def test_program_bound_to_one_node(dev, demoted):  # pylint: disable=unused-argument
    """The node's own pages have to go; there is memory enough elsewhere."""
    gpu = dev.tier_info(GPU)
    size = gpu.capacity * PAGE
    pages = range(gpu.capacity * 80 // 100)
    with dev.region(len(pages) * PAGE, affinity=GPU) as region, region.map() as mapping:
        fill(mapping, pages, 3)
        assert region.info().pages[GPU] > len(pages) * 9 // 10
        neighbour(MIB, size * 70 // 100, "--nodes", hex(gpu.nodes))
        assert wrong(mapping, pages[::16], 3) == []


def test_program_in_the_regions_group(demoted):  # pylint: disable=unused-argument
    """Both in a control group that is too small for the two."""
    with Cgroup(memory_max=48 * MIB) as group:
        neighbour(32 * MIB, 32 * MIB, before=group.enter)
        assert group.events()["oom_kill"] == 0


@pytest.mark.once
def test_slow_store(dev, demoted):  # pylint: disable=unused-argument
    """Only a disk that takes a tenth of the time that the kernel gives reclaim."""
    available = meminfo("MemAvailable")
    with tiers_of(dev, {CPU: 0, GPU: 0, HDD: 0}):
        neighbour(available * 60 // 100, available * 48 // 100)


@pytest.mark.once
def test_available_memory_is_told(dev):
    """MemAvailable counts what can be demoted, and no more than stores have room for."""
    size = meminfo("MemAvailable") * 40 // 100 // MIB * MIB
    pages = range(size // PAGE)

    def lost(before: int) -> int:
        return before - meminfo("MemAvailable")

    for nvme, least, most in ((0, 0, size * 3 // 8), (4096, size * 3 // 8, size * 9 // 8)):
        with tiers_of(dev, {CPU: 0, GPU: 0, NVME: nvme}):
            # A region that has gone is told of a little longer, and counted twice so long.
            assert wait_for(lambda: not told()), told()
            before = meminfo("MemAvailable")
            with dev.region(size) as region, region.map() as mapping:
                for index in pages:
                    mapping.write(index * PAGE, b"x")
                assert wait_for(lambda: least <= lost(before) <= most), lost(before)
            assert wait_for(lambda: abs(lost(before)) < size // 8), lost(before)


def test_program_larger_than_the_machine(dev):
    """Without a region and without a control group, but with the swap device."""
    taken = meminfo("MemAvailable") - 96 * MIB
    locked, done = Reached(), Reached()

    def take():
        with tw.Mapping.map(-1, taken, flags=tw.MAP_SHARED | tw.MAP_ANONYMOUS) as mapping:
            tw.check(tw.libc.mlock(ctypes.c_void_p(mapping.addr), ctypes.c_size_t(taken)))
            locked.set()
            done.wait(seconds=600)

    killed = vmstat("oom_kill")
    with tiers_of(dev, {NVME: 0}), test_swap.swapping(dev, 60000):
        child = Child(take)
        try:
            assert wait_for(lambda: locked.get() or not child.alive(), 120) and locked.get()
            result = subprocess.run([test_swap.SWAPPER, str(160 * MIB // PAGE), "1", "7"],
                                    stdout=subprocess.PIPE, text=True, check=False)
        finally:
            done.set()
            child.wait()
    assert result.returncode == 0, result.stdout
    assert vmstat("oom_kill") == killed


def test_reclaim_threads_are_there():
    """One for each node that has memory; they sleep."""
    names = {Path(path, "comm").read_text(encoding="ascii").strip()
             for path in map(str, Path("/proc").glob("[0-9]*")) if os.path.exists(f"{path}/comm")}
    nodes = [path.name[4:] for path in Path("/sys/devices/system/node").glob("node[0-9]*")]
    assert {f"tw_reclaim{node}" for node in nodes} <= names
