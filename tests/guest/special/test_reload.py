# topology: default
# SPDX-License-Identifier: GPL-2.0
"""Loading and unloading: refused while in use, many times over, nothing left behind."""

import errno
import os
import re
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

import support
import tw
from support import (REPO, Child, Reached, bind, errno_of, fill, has_store, place, wait_for,
                     wrong)
from tw import CPU, GPU, NVME, PAGE, STORES

KO = REPO / "build" / os.uname().release / "tier_watch.ko"
MODULE = Path("/sys/module/tier_watch")
SYS_DELETE_MODULE, SYS_FINIT_MODULE = 176, 313
# The debug kernel takes its time to load a module, and sees leaks by itself.
STOCK = os.environ["TW_KERNEL"] == "stock"
SPANS, SPAN = 5, 10 if STOCK else 4
KILLS = 8 if STOCK else 4
LARGE = 512 * 24        # pages; taken down in a work item
IN_ALL_EVENTS, IN_DELETE_SELF, IN_IGNORED = 0xfff, 0x400, 0x8000

pytestmark = pytest.mark.keeps


def load(parameters: str = "") -> None:
    fd = os.open(KO, os.O_RDONLY | os.O_CLOEXEC)
    try:
        tw.check(tw.libc.syscall(SYS_FINIT_MODULE, fd, parameters.encode(), 0))
    finally:
        os.close(fd)


def unload() -> None:
    tw.check(tw.libc.syscall(SYS_DELETE_MODULE, b"tier_watch", os.O_NONBLOCK))


def loaded() -> bool:
    return MODULE.is_dir()


@pytest.fixture(scope="module", autouse=True)
def alone():
    """Nobody but the tests holds the driver."""
    assert KO.exists()
    # What the run's set-up has mapped would keep the module busy.
    if support.Observer.stats:
        support.Observer.stats.close()
        support.Observer.stats = None
    yield
    if not loaded():
        load()


@pytest.fixture(autouse=True)
def fresh():
    """Loaded, nothing bound but what binds itself."""
    if not loaded():
        load()
    yield


def busy() -> int:
    """The errno of an attempt to unload."""
    err = errno_of(unload)
    assert err == 0 or loaded(), "a refusal leaves it loaded"
    return err


class TestInUse:
    def test_device(self):
        with tw.Device():
            assert busy() in (errno.EWOULDBLOCK, errno.EBUSY)

    @pytest.mark.parametrize("make", [
        lambda device: device.region(PAGE), lambda device: device.agent(1),
        lambda device: device.stream()], ids=["region", "agent", "stream"])
    def test_object(self, make):
        with tw.Device() as device:
            thing = make(device)
        assert busy() in (errno.EWOULDBLOCK, errno.EBUSY)
        if isinstance(thing, tw.Stream):
            thing.map.unmap()
        thing.close() if not isinstance(thing, tw.Stream) else os.close(thing.fd)
        assert wait_for(lambda: busy() == 0)

    def test_mapping_of_a_region(self):
        with tw.Device() as device, device.region(4 * PAGE) as region:
            mapping = region.map()
            fill(mapping, range(4), 1)
        assert busy() in (errno.EWOULDBLOCK, errno.EBUSY)
        assert wrong(mapping, range(4), 1) == []
        mapping.unmap()
        assert wait_for(lambda: busy() == 0)

    def test_mapping_of_the_statistics(self):
        with tw.Device() as device:
            view = device.stats()
        assert busy() in (errno.EWOULDBLOCK, errno.EBUSY)
        view.close()
        assert wait_for(lambda: busy() == 0)

    def test_another_process(self):
        ready, done = Reached(), Reached()

        def hold():
            region = tw.Device().region(PAGE)
            region.map().write(0, b"x")
            ready.set()
            done.wait()

        child = Child(hold)
        ready.wait()
        assert busy() in (errno.EWOULDBLOCK, errno.EBUSY)
        child.kill()
        child.wait()
        assert wait_for(lambda: busy() == 0)


    def test_path_of_a_region(self):
        """An O_PATH fd has no file of ours behind it, only the region's file system."""
        with tw.Device() as device, device.region(3 * PAGE) as region:
            path = os.open(f"/proc/self/fd/{region.fd}", os.O_PATH | os.O_CLOEXEC)
        try:
            assert busy() in (errno.EWOULDBLOCK, errno.EBUSY)
            assert os.fstat(path).st_size == 3 * PAGE
            with tw.Device() as device, device.region(PAGE) as region, region.map() as mapping:
                fill(mapping, range(1), 1)
                assert wrong(mapping, range(1), 1) == []
        finally:
            os.close(path)
        assert wait_for(lambda: busy() == 0)

    def test_watch_of_a_region(self):
        """inotify holds the inode alone: it is told of the region's end, and holds up nothing."""
        events = tw.check(tw.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        try:
            with tw.Device() as device, device.region(PAGE) as region:
                tw.check(tw.libc.inotify_add_watch(
                    events, f"/proc/self/fd/{region.fd}".encode(), IN_ALL_EVENTS))
            assert wait_for(lambda: busy() == 0)
            masks = [event[1] for event in struct.iter_unpack("iIII", os.read(events, 4096))]
            assert masks[-2:] == [IN_DELETE_SELF, IN_IGNORED]
        finally:
            os.close(events)


    def test_swap(self):
        """In use as swap it holds the driver; what is not in use goes with it."""
        disk = Path("/dev/twswap")
        with tw.Device() as device:
            if not device.tier_info(NVME).kind:
                bind(device, NVME)
            device.swap_create(900)
        assert wait_for(disk.exists)
        subprocess.run(["mkswap", disk], check=True, capture_output=True)
        subprocess.run(["swapon", disk], check=True)
        try:
            assert busy() in (errno.EWOULDBLOCK, errno.EBUSY)
        finally:
            subprocess.run(["swapoff", disk], check=True)
        assert wait_for(lambda: busy() == 0)
        assert wait_for(lambda: not disk.exists())


def test_bound_tiers_do_not_hold_it():
    """Unloading lets the stores go."""
    with tw.Device() as device:
        for tier in STORES:
            if has_store(tier):
                bind(device, tier, 64)
    unload()
    for tier in STORES:
        if has_store(tier):
            os.close(os.open(support.store_path(tier), os.O_RDWR | os.O_EXCL))


def test_binds_itself():
    """With nothing configured: the NUMA tiers, and no store."""
    with tw.Device() as device:
        assert device.bound() == {CPU, GPU}
        assert device.tier_info(CPU).capacity > 0


def free_pages() -> int:
    """Free memory, after what is lying about has been collected.

    KASAN keeps freed objects aside for as long as there is room, those of the file system
    that the module is read from among them; shrinking their cache lets them go. Pages
    on the lists of the CPUs are as free as others.
    """
    time.sleep(0.3)
    Path("/proc/sys/vm/drop_caches").write_text("3")
    for shrink in Path("/sys/kernel/slab").glob("*/shrink"):
        if not shrink.parent.is_symlink():      # an alias of a cache that is there as well
            shrink.write_text("1")
    free = int(Path("/proc/meminfo").read_text().split("MemFree:")[1].split()[0]) // 4
    zones = Path("/proc/zoneinfo").read_text()
    return free + sum(map(int, re.findall(r"^\s+count: (\d+)", zones, re.M)))


def work(number: int) -> None:
    """A little of everything."""
    with tw.Device() as device:
        bind(device, NVME, 128)
        with device.agent(number) as agent, device.stream() as stream:
            with device.region(64 * PAGE, agent=agent) as region, region.map() as mapping:
                fill(mapping, range(64), number)
                place(region, 0, 32, GPU)
                place(region, 32, 32, NVME)
                assert wrong(mapping, range(64), number) == []
            assert len(stream.reader().read()) >= 64


def test_many_times():
    """Load, use, unload; memory does not dwindle.

    Huge pages, caches and per-CPU lists make single figures noisy: a leak shows in
    every span of some rounds.
    """
    unload()
    levels = []
    for number in range(SPANS * SPAN):
        load()
        work(number)
        assert wait_for(lambda: busy() == 0), number
        assert not loaded()
        if number % SPAN == SPAN - 1:
            levels.append(free_pages())
    lost = [before - after for before, after in zip(levels, levels[1:])]
    assert len(lost) == SPANS - 1 and min(lost) < 100, f"{lost} pages lost in {SPAN} rounds each"


def use_everything(number: int, ready: Reached) -> None:
    """Never ends: an agent, a stream, and a big region whose pages are on their way."""
    device = tw.Device()
    bind(device, NVME, 512)
    agent, stream = device.agent(number), device.stream()
    region = device.region(LARGE * PAGE, agent=agent)
    mapping = region.map()
    os.open(f"/proc/self/fd/{region.fd}", os.O_PATH)
    # One page a chunk: many chunks, so that a work item takes it down.
    fill(mapping, range(0, LARGE, 512), number)
    fill(mapping, range(256), number)
    pages = [region.page(index) for index in range(256)]

    def move() -> None:
        while True:
            for tier in (NVME, CPU):
                region.migrate(0, 256 * PAGE, tier)

    threading.Thread(target=move).start()
    while True:
        for to_tier in (GPU, NVME):
            device.request([tw.Request(page=page, to_tier=to_tier, from_tier=tw.NONE)
                            for page in pages])
        fill(mapping, range(256), number)
        stream.reader().read()
        ready.set(ready.get() + 1)


def test_unload_after_a_kill():
    """It goes as soon as nothing holds it, in the middle of what others clean up."""
    unload()
    for number in range(KILLS):
        load()
        ready = Reached()
        child = Child(use_everything, number, ready)
        ready.wait(2)
        child.kill()
        deadline = time.monotonic() + 60 * support.PATIENCE
        while busy():       # at once: no step in between
            assert time.monotonic() < deadline
        child.wait()
        assert not loaded()
        Path("/proc/sys/vm/drop_caches").write_text("2")
    load()


def test_unload_with_the_scanner():
    """Its thread ends in the middle of whatever it does; nothing is left behind."""
    unload()
    for number in range(5):
        load("enable_auto_migration=1")
        with tw.Device() as device:
            with device.region(2000 * PAGE) as region, region.map() as mapping:
                fill(mapping, range(2000), number)
                stats = tw.Stats(device)
                # Scans are a second apart, or more where the machine has no time for them.
                assert wait_for(lambda seen=stats: seen.header.scans >= number, 60)
                assert wrong(mapping, range(2000), number) == []
                stats.map.unmap()
        assert wait_for(lambda: busy() == 0), number
    load()


def test_unload_with_attached_programs():
    """They run on, and hold nothing."""
    unload()
    go = Reached()
    children = [Child(go.wait, 1, 240) for _ in range(3)]
    for number in range(5):
        load("enable_auto_migration=1")
        with tw.Device() as device:
            device.policy(scan_min_ms=20, scan_max_ms=20)
            ids = [device.attach(child.pid) for child in children[number % 2:]]
            assert wait_for(lambda one=ids[-1]: device.attached(one).scans >= number % 3, 60)
        assert wait_for(lambda: busy() == 0), number
    go.set()
    for child in children:
        child.result()
    load()


def test_no_traces_when_unloaded():
    unload()
    assert not os.path.exists(tw.TW_DEVICE)
    assert "tierwatch" not in Path("/proc/misc").read_text()
    assert "tierwatch" not in Path("/proc/filesystems").read_text()
    slabs = Path("/proc/slabinfo").read_text()
    assert "tier_watch" not in slabs and "tierwatch" not in slabs
    load()
    assert os.path.exists(tw.TW_DEVICE)


def test_bad_parameter():
    """An unknown or senseless parameter does not leave half a module."""
    unload()
    assert errno_of(load, "debug=what") == errno.EINVAL
    assert not loaded()
    load("debug=1 enable_auto_migration=0 max_user_regions=7")
    parameters = MODULE / "parameters"
    assert (parameters / "debug").read_text().strip() in ("Y", "1")
    assert (parameters / "max_user_regions").read_text().strip() == "7"


def test_plain_insmod():
    """No other module is needed."""
    unload()
    subprocess.run(["insmod", str(KO)], check=True)
    assert loaded()
    holders = (MODULE / "holders").iterdir()
    assert list(holders) == []
