# SPDX-License-Identifier: GPL-2.0
"""The GPU tier on a block device: it is the first of the stores, and memory again afterwards."""

import errno
import os
import signal
import subprocess

import pytest

import tw
from support import (Cgroup, Child, Delta, Layout, Loop, Mapper, Pin, device_bytes, errno_of, fill,
                     find_on_disk, format_store, pattern, place, refused, run_child, set_tiers,
                     store_path, touch_fate, wait_for, write_direct, wrong)
from tw import CPU, GPU, HDD, NONE, NVME, PAGE, SSD, TIERS

pytestmark = [pytest.mark.usefixtures("small"), pytest.mark.forked]

MEMORY, CARD = 256, 300
SMALL = {CPU: MEMORY, NVME: 256, SSD: 64}
SECTORS = tw.TW_STORE_DATA // 512
ALL = CARD * 8 + SECTORS
MIB = 1 << 20


@pytest.fixture(scope="module")
def small(dev):
    """Memory and two stores; the node without CPUs is free."""
    set_tiers(dev, SMALL)
    yield SMALL
    Layout.restore(dev)


@pytest.fixture
def card(dev, small):  # pylint: disable=unused-argument
    """A disk, which the tier of GPUs is bound to."""
    with Loop(ALL * 512) as loop:
        format_store(loop.path)
        dev.bind_store(GPU, loop.path)
        yield loop.path
        if dev.tier_info(GPU).kind:
            dev.unbind(GPU)


@pytest.fixture
def broken_card(dev, small):  # pylint: disable=unused-argument
    """The same on a device that can be broken and mended: a function of whether it is well."""
    with Loop(ALL * 512) as loop:
        good = [(0, ALL, "linear", f"{loop.path} 0")]
        bad = [(0, SECTORS, "linear", f"{loop.path} 0"), (SECTORS, ALL - SECTORS, "error", "")]
        with Mapper(good) as mapper:
            format_store(mapper.path)
            dev.bind_store(GPU, mapper.path)
            yield lambda well: mapper.load(good if well else bad)
            mapper.load(good)
            if dev.tier_info(GPU).kind:
                dev.unbind(GPU, tw.TW_UNBIND_FORCE)


def state(dev) -> list:
    """What each tier is bound to."""
    return [bytes(dev.tier_info(tier)) for tier in TIERS]


def test_what_it_is(dev, stats, card):
    """Its kind is what it is bound to, wherever that is told."""
    info = dev.tier_info(GPU)
    assert info.kind == tw.TW_KIND_STORE and info.capacity == CARD and info.nodes == 0
    assert info.dev == os.stat(card).st_rdev and info.latency_ns > 0 and info.bandwidth > 0
    assert stats.tier(GPU)["kind"] == tw.TW_KIND_STORE and stats.tier(GPU)["capacity"] == CARD
    assert [dev.tier_info(tier).kind for tier in (CPU, NVME)] == [tw.TW_KIND_NUMA, tw.TW_KIND_STORE]


def test_pages_go_there_first(dev, make, stats, card):
    """What memory has no room for fills it before the other stores; all bytes come back."""
    count = MEMORY + CARD + 100
    region, mapping = make(count, seed=1, touched=count)
    assert wait_for(lambda: sum(stats.used()) == count and stats.used()[CPU] <= MEMORY)
    pages = list(region.info().pages)
    assert pages[GPU] == CARD and pages[NVME] > 0 and pages[SSD] == 0, pages
    delta = Delta(stats)
    assert wrong(mapping, range(count), 1) == []
    assert delta.tier(GPU)["major_read"] > 0 and delta.tier(GPU)["bytes_read"] > 0
    assert sum(delta.get("io_errors")) == 0 and region.info().lost == 0


def test_a_page_there_is_a_slot(dev, make, stats, card):
    """Its bytes are on the device, and a touch brings it to memory, never maps it there."""
    region, mapping = make(4, seed=2, touched=4)
    place(region, 0, 4, GPU)
    assert find_on_disk(card, pattern(2, 3), CARD) is not None
    assert [page.node for page in region.pages()] == [-1] * 4
    assert mapping.read(3 * PAGE, PAGE) == pattern(2, 3)
    assert region.tiers(3, 1) == [CPU]
    assert dev.tier_info(GPU).kept > 0
    mapping.write(3 * PAGE, pattern(3, 3))
    place(region, 3, 1, GPU)
    assert find_on_disk(card, pattern(3, 3), CARD) is not None


@pytest.mark.parametrize("tier", (NVME, SSD))
def test_between_it_and_other_stores(make, card, tier):  # pylint: disable=unused-argument
    """Both ways, a page or many."""
    region, mapping = make(40, seed=4, touched=40)
    for target in (GPU, tier, GPU, CPU, tier, GPU):
        place(region, 0, 40, target)
    assert wrong(mapping, range(40), 4) == []


def test_first_touches_never_begin_there(make, stats, card):  # pylint: disable=unused-argument
    """A region that prefers the tier takes memory, as where the tier is not bound."""
    before = stats.counters(GPU)["first"]
    region, mapping = make(8, seed=1, touched=8, affinity=GPU)
    assert region.tiers() == [CPU] * 8 and stats.counters(GPU)["first"] == before
    place(region, 0, 8, GPU)
    assert wrong(mapping, range(8), 1) == []
    assert region.tiers() == [CPU] * 8


def test_without_another_memory_tier(dev, make, card):  # pylint: disable=unused-argument
    """It is no memory: regions need some, and the last of it is not let go."""
    region, mapping = make(4, seed=1, touched=4)
    with refused(errno.EBUSY, region):
        dev.unbind(CPU)
    assert wrong(mapping, range(4), 1) == []
    mapping.unmap()
    region.close()
    assert wait_for(lambda: errno_of(dev.unbind, CPU) == 0)
    with refused(errno.EOPNOTSUPP):
        dev.region(PAGE, affinity=GPU)
    dev.bind(CPU, capacity=MEMORY)


def test_unbind_evacuates(dev, make, stats, card):  # pylint: disable=unused-argument
    """To other stores, and the right bytes."""
    region, mapping = make(60, seed=5, touched=60)
    place(region, 0, 60, GPU)
    assert dev.unbind(GPU) == 60
    assert set(region.tiers()) == {NVME} and stats.used()[GPU] == 0
    assert wrong(mapping, range(60), 5) == []


def test_unbind_without_room_elsewhere(dev, make, card):  # pylint: disable=unused-argument
    """Refused, and nothing is lost."""
    count = MEMORY + CARD + SMALL[NVME] + SMALL[SSD] - 32
    region, mapping = make(count, seed=6, touched=count)
    with pytest.raises(OSError) as caught:
        dev.unbind(GPU)
    assert caught.value.errno == errno.ENOSPC and dev.tier_info(GPU).kind == tw.TW_KIND_STORE
    assert wrong(mapping, range(count), 6) == []


def test_memory_again(dev, make, small):  # pylint: disable=unused-argument
    """Store, node, store, node: each time what it is bound to, for the same region."""
    region, mapping = make(16, seed=7, touched=16, affinity=GPU)
    for _ in range(2):
        with Loop(ALL * 512) as loop:
            format_store(loop.path)
            dev.bind_store(GPU, loop.path)
            place(region, 0, 16, GPU)
            assert {page.node for page in region.pages()} == {-1}
            dev.unbind(GPU)
        dev.bind(GPU, capacity=128)
        assert dev.tier_info(GPU).kind == tw.TW_KIND_NUMA
        place(region, 0, 16, GPU)
        node = dev.tier_info(GPU).nodes.bit_length() - 1
        assert {page.node for page in region.pages()} == {node}
        assert wrong(mapping, range(16), 7) == [] and region.tiers() == [GPU] * 16
        dev.unbind(GPU)


class TestRefused:
    """Nothing is bound, and nothing has changed."""

    def test_while_it_is_bound(self, dev, card):
        for arguments in ({"fd": -1}, {"fd": os.open(card, os.O_RDWR)}):
            with refused(errno.EBUSY):
                dev.bind(GPU, **arguments)
            if arguments["fd"] >= 0:
                os.close(arguments["fd"])

    def test_arguments_of_both_kinds(self, dev, small):  # pylint: disable=unused-argument
        """A device with nodes or with a flag of memory, and descriptors that are none."""
        with Loop(ALL * 512) as loop:
            format_store(loop.path)
            fd = os.open(loop.path, os.O_RDWR)
            before = state(dev)
            for more, error in (({"nodes": 4}, errno.EINVAL),
                                ({"flags": tw.TW_BIND_SHARE}, errno.EINVAL),
                                ({"flags": tw.TW_BIND_MOVABLE}, errno.EINVAL),
                                ({"capacity": CARD + 1}, errno.EINVAL),
                                ({"capacity": tw.TW_STORE_PAGES_MIN - 1}, errno.EINVAL)):
                with refused(error):
                    dev.bind(GPU, fd=fd, **more)
            with refused(errno.EINVAL):
                dev.bind(GPU, fd=-2)
            with refused(errno.EBADF):
                dev.bind(GPU, fd=999)
            with refused(errno.EINVAL):
                dev.bind(CPU, fd=fd)
            os.close(fd)
            assert state(dev) == before
            dev.bind_store(GPU, loop.path)      # the control: these arguments are all right
            dev.unbind(GPU)

    def test_devices(self, dev, small):  # pylint: disable=unused-argument
        """Not signed, taken by another tier, no block device."""
        with Loop(ALL * 512) as loop:
            with refused(errno.EMEDIUMTYPE):
                dev.bind_store(GPU, loop.path)
        with refused(errno.EBUSY):
            dev.bind_store(GPU, store_path(NVME))
        with refused(errno.ENOTBLK):
            dev.bind_store(GPU, "/dev/null")

    def test_not_the_root(self, dev, small):  # pylint: disable=unused-argument
        with Loop(ALL * 512) as loop:
            format_store(loop.path)
            fd = os.open(loop.path, os.O_RDWR)
            assert run_child(lambda: errno_of(tw.Device().bind, GPU, fd=fd),
                             uid=65534, gid=os.stat(tw.TW_DEVICE).st_gid) == errno.EPERM
            os.close(fd)
        assert not dev.tier_info(GPU).kind


class TestBroken:
    """What is lost is what was there, and nothing else."""

    def test_errors(self, dev, make, stats, stream, broken_card):
        """SIGBUS for its pages and an event; those of other tiers are whole, it may heal."""
        reader = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_TIER_ERROR)).reader()
        region, mapping = make(32, seed=8, touched=32)
        place(region, 0, 8, GPU)
        place(region, 8, 8, NVME)
        delta = Delta(stats)
        broken_card(False)
        assert [touch_fate(mapping, index * PAGE) for index in (0, 7)] == [-signal.SIGBUS] * 2
        assert {event.tier for event in reader.read()} == {GPU}
        assert delta.tier(GPU)["io_errors"] >= 2 and region.info().lost == 0
        assert wrong(mapping, range(8, 32), 8) == []
        with pytest.raises(OSError) as caught:
            dev.unbind(GPU)
        assert caught.value.errno == errno.EIO
        assert dev.tier_info(GPU).kind == tw.TW_KIND_STORE
        broken_card(True)
        assert wrong(mapping, range(32), 8) == []

    def test_evictions_go_elsewhere(self, make, stats, broken_card):
        """While it fails the next store takes what leaves memory: no page is lost."""
        region, mapping = make(MEMORY + 100, seed=9)
        broken_card(False)
        fill(mapping, range(MEMORY + 100), 9)
        assert wait_for(lambda: stats.used()[CPU] <= MEMORY)
        assert region.info().pages[NVME] > 0 and region.info().pages[GPU] == 0
        broken_card(True)
        assert wrong(mapping, range(MEMORY + 100), 9) == []

    def test_by_force(self, dev, make, broken_card):
        """Its pages are lost for good, and the tier is free again."""
        region, mapping = make(16, seed=10, touched=16)
        place(region, 0, 4, GPU)
        broken_card(False)
        dev.unbind(GPU, tw.TW_UNBIND_FORCE)
        assert region.info().lost == 4
        assert [touch_fate(mapping, index * PAGE) for index in (0, 3, 4)] == \
            [-signal.SIGBUS, -signal.SIGBUS, 0]
        assert wrong(mapping, range(4, 16), 10) == []
        dev.bind(GPU, capacity=64)
        assert dev.tier_info(GPU).kind == tw.TW_KIND_NUMA
        dev.unbind(GPU)

    def test_wrong_bytes(self, make, stats, card):
        """A device that gives back other bytes than it was given: never seen by a program."""
        region, mapping = make(8, seed=11, touched=8)
        place(region, 0, 8, GPU)
        offset = find_on_disk(card, pattern(11, 5), CARD)
        write_direct(card, offset, pattern(12, 5))
        before = stats.counters(GPU)["io_errors"]
        assert touch_fate(mapping, 5 * PAGE) == -signal.SIGBUS
        assert stats.counters(GPU)["io_errors"] > before and region.info().lost == 1
        assert wrong(mapping, [0, 1, 2, 3, 4, 6, 7], 11) == []


def test_reservations_count_its_slots(dev, make, stats, card):  # pylint: disable=unused-argument
    """Its slots are room that can be set aside, and then it does not go."""
    room = stats.header.room - stats.header.room_taken
    with refused(errno.ENOSPC):
        dev.region((room + 1) * PAGE, flags=tw.TW_REGION_RESERVE)
    region, _ = make(room, flags=tw.TW_REGION_RESERVE)
    assert stats.header.room_reserved == room
    with refused(errno.ENOSPC, region):
        dev.unbind(GPU)


def test_swap_goes_there_first(dev, stats, small):  # pylint: disable=unused-argument
    """What the kernel swaps out of a program that maps no region; and on, when the tier goes.

    On a disk, as what a loop device has in memory would be swapped out to itself.
    """
    dev.unbind(NVME)
    dev.bind_store(GPU, store_path(NVME), 400)
    dev.bind_store(HDD, store_path(HDD), 400)
    try:
        dev.swap_create(300)
        assert wait_for(lambda: os.path.exists("/dev/twswap"))
        subprocess.run(["mkswap", "/dev/twswap"], check=True, capture_output=True)
        subprocess.run(["swapon", "/dev/twswap"], check=True)
        with Cgroup() as group:
            def work():
                group.enter()
                memory = tw.Mapping.map(-1, 128 * PAGE, flags=tw.MAP_PRIVATE | tw.MAP_ANONYMOUS)
                fill(memory, range(128), 13)
                for _ in range(4):
                    errno_of(group.write, "memory.reclaim", str(64 * MIB))
                used = [stats.tier(tier)["swap_used"] for tier in TIERS]
                moved = dev.unbind(GPU)
                after = [stats.tier(tier)["swap_used"] for tier in TIERS]
                return used, after, moved, wrong(memory, range(128), 13)
            used, after, moved, bad = run_child(work, timeout=240)
        assert used[GPU] > 64 and used[SSD] == used[HDD] == 0, used
        assert moved > 64 and after[GPU] == 0 and after[SSD] + after[HDD] > 64, after
        assert bad == []
    finally:
        subprocess.run(["swapoff", "/dev/twswap"], check=False)
        dev.swap_destroy()
        set_tiers(dev, SMALL)


def test_pinned_pages(make, card):  # pylint: disable=unused-argument
    """A page that is pinned stays in memory: it is not copied there."""
    region, mapping = make(8, seed=14, touched=8)
    with Pin(mapping.addr + 2 * PAGE):
        result = region.migrate(0, 8 * PAGE, GPU)
        assert result.status[2] == -errno.EBUSY and result.moved == 7
        assert region.tiers(2, 1) == [CPU]
    place(region, 0, 8, GPU)
    assert wrong(mapping, range(8), 14) == []


def test_fork_and_end(dev, stats, make, card):  # pylint: disable=unused-argument
    """A child reads what is there; nothing stays of a region that ends."""
    region, mapping = make(32, seed=15, touched=32)
    place(region, 0, 32, GPU)
    assert Child(lambda: wrong(mapping, range(32), 15)).result() == []
    place(region, 0, 32, GPU)
    assert region.discard(0, 16 * PAGE) == 16 and region.tiers(0, 1) == [NONE]
    assert stats.used()[GPU] == 16
    mapping.unmap()
    region.close()
    assert wait_for(lambda: stats.used()[GPU] == 0)


def test_disk_size(card):
    """The fixture's disk holds what the tests say."""
    assert (device_bytes(card) - tw.TW_STORE_DATA) // PAGE == CARD and HDD not in SMALL
