# SPDX-License-Identifier: GPL-2.0
"""Binding and unbinding tiers."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

import tw
from support import (TINY, Child, Layout, Loop, Pin, ZonedDisk, bind, count_up, counted,
                     device_bytes, errno_of, fill, find_on_disk, format_store, place, refused,
                     run_child, set_tiers, signature, store_path, wait_for, write_direct,
                     write_super, wrong)
from tw import CPU, GPU, HDD, MEMORY_TIERS, NVME, PAGE, SSD, STORES, TIERS, TW_KIND_NONE

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.forked]


@pytest.fixture
def only_memory(dev, tiny):
    """CPU and GPU bound, the stores free."""
    set_tiers(dev, {CPU: 512, GPU: 256})
    yield
    set_tiers(dev, TINY)


def test_capacity(dev, stats):
    for tier, pages in TINY.items():
        assert dev.tier_info(tier).capacity == stats.tier(tier)["capacity"] == pages


# A walk through all subsets that changes one tier at a time.
GRAY = [number ^ number >> 1 for number in range(1, 32)]


def test_any_subset(dev, back_to_tiny):
    """Every combination of bound tiers works as far as it can."""
    seen = set()
    for mask in GRAY:
        tiers = {tier for tier in TIERS if mask >> tier & 1}
        set_tiers(dev, {tier: TINY[tier] for tier in tiers})
        assert dev.bound() == tiers
        memory = [tier for tier in MEMORY_TIERS if tier in tiers]
        if not memory:
            with refused(errno.EOPNOTSUPP):
                dev.region(PAGE)
            seen.add(mask)
            continue
        with dev.region(8 * PAGE) as region, region.map() as mapping:
            fill(mapping, range(8), mask)
            for tier in sorted(tiers):
                place(region, 0, 8, tier)
                assert wrong(mapping, range(8), mask) == []
            for tier in set(TIERS) - tiers:
                with refused(errno.EOPNOTSUPP, region):
                    region.migrate(0, PAGE, tier)
            assert sum(region.info().pages) == 8
        seen.add(mask)
    assert len(seen) == 31


@pytest.mark.parametrize("affinity", MEMORY_TIERS)
def test_affinity_without_its_tier(dev, back_to_tiny, affinity):
    """A region whose first choice is not bound uses the other memory tier."""
    other = CPU + GPU - affinity
    set_tiers(dev, {other: 256})
    with dev.region(4 * PAGE, affinity=affinity) as region, region.map() as mapping:
        fill(mapping, range(4), 1)
        assert region.tiers() == [other] * 4


@pytest.mark.parametrize("tier", TIERS)
def test_bound_already(dev, tier):
    with refused(errno.EBUSY):
        bind(dev, tier)


@pytest.mark.parametrize("tier", TIERS)
def test_unbind_what_is_not_bound(dev, back_to_tiny, tier):
    set_tiers(dev, {one: pages for one, pages in TINY.items() if one != tier})
    with refused(errno.EOPNOTSUPP):
        dev.unbind(tier)


@pytest.mark.parametrize("tier", TIERS)
def test_too_much_capacity(dev, back_to_tiny, tier):
    dev.unbind(tier)
    for capacity in (1 << 40, (1 << 64) - 1):
        with refused(errno.EINVAL):
            bind(dev, tier, capacity)


@pytest.mark.parametrize("tier", TIERS)
def test_all_capacity_exactly(dev, back_to_tiny, tier):
    dev.unbind(tier)
    bind(dev, tier)
    full = dev.tier_info(tier).capacity
    dev.unbind(tier)
    bind(dev, tier, full)
    assert dev.tier_info(tier).capacity == full
    dev.unbind(tier)
    if tier in STORES:
        with refused(errno.EINVAL):
            bind(dev, tier, full + 1)


class TestShare:
    """What a memory tier leaves to the machine's other users."""

    @staticmethod
    def all_of(dev, tier) -> int:
        dev.bind(tier)
        everything = dev.tier_info(tier).capacity
        dev.unbind(tier)
        return everything

    @pytest.mark.parametrize("tier", MEMORY_TIERS)
    def test_of_each_tier(self, dev, back_to_tiny, tier):
        dev.unbind(tier)
        everything = self.all_of(dev, tier)
        for flags, percent in ((tw.TW_BIND_SHARE, 25), (tw.TW_BIND_LEAVE(50), 50),
                               (tw.TW_BIND_LEAVE(90), 90)):
            dev.bind(tier, flags=flags)
            left = everything - dev.tier_info(tier).capacity
            # Rounded for each node; a small node may leave more.
            assert left >= everything * percent // 100 - 64
            assert left <= max(everything * percent // 100, everything // 2) or percent == 90
            dev.unbind(tier)

    def test_tiers_that_bind_themselves(self, dev, back_to_tiny):
        """At load they leave as much as with the flag."""
        for tier in set(Layout.first) & set(MEMORY_TIERS):
            dev.unbind(tier)
            everything = self.all_of(dev, tier)
            assert Layout.first[tier][0] <= everything * 3 // 4 + 64
            dev.bind(tier, flags=tw.TW_BIND_SHARE)
            assert dev.tier_info(tier).capacity == Layout.first[tier][0]
            dev.unbind(tier)
            bind(dev, tier, TINY[tier])

    def test_parameter(self, dev, back_to_tiny):
        path = Path("/sys/module/tier_watch/parameters/leave_percent")
        before = path.read_text()
        dev.unbind(CPU)
        everything = self.all_of(dev, CPU)
        try:
            for percent, most in ((0, 100), (60, 60), (100, 90)):
                path.write_text(str(percent))
                dev.bind(CPU, flags=tw.TW_BIND_SHARE)
                left = everything - dev.tier_info(CPU).capacity
                dev.unbind(CPU)
                assert (left == 0) if not percent else \
                    abs(left - everything * min(percent, most) // 100) <= 64
        finally:
            path.write_text(before)

    def test_refused(self, dev, back_to_tiny):
        dev.unbind(GPU)
        for flags in (tw.TW_BIND_LEAVE(91), tw.TW_BIND_LEAVE(127),
                      tw.TW_BIND_LEAVE(25) & ~tw.TW_BIND_SHARE):
            with refused(errno.EINVAL):
                dev.bind(GPU, flags=flags)
        for flags in (tw.TW_BIND_SHARE, tw.TW_BIND_LEAVE(25)):
            with refused(errno.EINVAL):
                dev.bind(GPU, capacity=64, flags=flags)

    def test_not_for_stores(self, dev, back_to_tiny):
        dev.unbind(NVME)
        fd = os.open(store_path(NVME), os.O_RDWR)
        for flags in (tw.TW_BIND_SHARE, tw.TW_BIND_LEAVE(25)):
            with refused(errno.EINVAL):
                dev.bind(NVME, fd, flags=flags)
        os.close(fd)


class TestNodes:
    def test_chosen_node(self, dev, back_to_tiny):
        nodes = dev.tier_info(CPU).nodes
        first = nodes & -nodes
        dev.unbind(CPU)
        dev.bind(CPU, nodes=first, capacity=64)
        assert dev.tier_info(CPU).nodes == first
        with dev.region(16 * PAGE) as region, region.map() as mapping:
            fill(mapping, range(16), 1)
            assert {page.node for page in region.pages()} == {first.bit_length() - 1}

    def test_pages_are_on_their_nodes(self, dev, make):
        region, _ = make(16, touched=16)
        for tier in (GPU, CPU):
            place(region, 0, 16, tier)
            nodes = dev.tier_info(tier).nodes
            assert all(nodes >> page.node & 1 for page in region.pages())

    def test_no_such_node(self, dev, back_to_tiny):
        dev.unbind(GPU)
        for nodes in (1 << 63, 1 << 40):
            with refused((errno.EOPNOTSUPP, errno.EINVAL)):
                dev.bind(GPU, nodes=nodes)

    def test_node_of_the_other_tier(self, dev, back_to_tiny):
        nodes = dev.tier_info(CPU).nodes
        dev.unbind(GPU)
        with refused((errno.EBUSY, errno.EINVAL)):
            dev.bind(GPU, nodes=nodes)

    def test_needs_no_device(self, dev, back_to_tiny):
        """What only stores have is refused: of cpu always, of gpu if it is no block device."""
        dev.unbind(GPU)
        dev.unbind(CPU)
        with open("/dev/null", "r+b", buffering=0) as null:
            with refused(errno.EINVAL):
                dev.bind(CPU, fd=null.fileno())
            with refused(errno.ENOTBLK):
                dev.bind(GPU, fd=null.fileno())


class TestDevices:
    pytestmark = pytest.mark.usefixtures("only_memory")

    def test_unsigned(self, dev):
        path = store_path(NVME)
        fd = os.open(path, os.O_RDONLY)
        good = os.pread(fd, tw.TW_STORE_SUPER_SIZE, 0)
        os.close(fd)
        assert good[:8] == tw.TW_STORE_MAGIC.encode()
        size = device_bytes(path)
        bad = {"empty": bytes(4096), "magic": signature(size, magic=b"TIERWTCX"),
               "version 0": signature(size, version=0),
               "version 2": signature(size, version=2),
               "crc": signature(size, crc_xor=1),
               "shrunk": signature(size, bytes=size + PAGE)}
        try:
            for what, block in bad.items():
                write_super(path, block)
                for capacity in (64, 1 << 40):
                    with refused(errno.ESTALE if what == "shrunk" else errno.EMEDIUMTYPE):
                        bind(dev, NVME, capacity)
                assert dev.tier_info(NVME).kind == TW_KIND_NONE, what
            write_super(path, signature(size))
            bind(dev, NVME, 64)
        finally:
            if NVME in dev.bound():
                dev.unbind(NVME)
            write_super(path, good)
        bind(dev, NVME, 64)

    def test_not_a_block_device(self, dev, tmp_path):
        (tmp_path / "file").write_bytes(signature(1 << 21))
        for path in ("/dev/null", "/dev/tierwatch", tmp_path / "file"):
            fd = os.open(path, os.O_RDWR)
            with refused(errno.ENOTBLK):
                dev.bind(NVME, fd)
            os.close(fd)

    def test_bad_fds(self, dev):
        for fd in (-1, 999, -100, 1 << 30):
            with refused((errno.EBADF, errno.EINVAL) if fd < 0 else errno.EBADF):
                dev.bind(NVME, fd)

    def test_read_only(self, dev):
        for mode in (os.O_RDONLY, os.O_WRONLY):
            fd = os.open(store_path(NVME), mode)
            with refused(errno.EACCES):
                dev.bind(NVME, fd, 64)
            os.close(fd)

    def test_read_only_device(self, dev):
        """Not the same as a right that is missing."""
        path = store_path(NVME)
        fd = os.open(path, os.O_RDWR)
        subprocess.run(["blockdev", "--setro", path], check=True)
        try:
            with refused(errno.EROFS):
                dev.bind(NVME, fd, 64)
        finally:
            subprocess.run(["blockdev", "--setrw", path], check=True)
            os.close(fd)
        bind(dev, NVME, 64)

    def test_zoned_device(self, dev):
        with ZonedDisk() as path:
            with refused(errno.EOPNOTSUPP):
                bind(dev, NVME, 0, path)

    def test_takes_no_nodes(self, dev):
        fd = os.open(store_path(NVME), os.O_RDWR)
        with refused(errno.EINVAL):
            dev.bind(NVME, fd, 64, nodes=1)
        os.close(fd)

    def test_exclusive(self, dev):
        path = store_path(NVME)
        bind(dev, NVME, 64)
        assert errno_of(os.open, path, os.O_RDWR | os.O_EXCL) == errno.EBUSY
        with refused(errno.EBUSY):
            bind(dev, SSD, 64, path)
        dev.unbind(NVME)
        fd = os.open(path, os.O_RDWR | os.O_EXCL)
        with refused(errno.EBUSY):
            bind(dev, NVME, 64)
        os.close(fd)
        bind(dev, NVME, 64)

    def test_same_device_as_another_tier(self, dev):
        """A device is no tier's own: it may serve another one next time."""
        bind(dev, HDD, 64, store_path(NVME))
        assert dev.tier_info(HDD).dev == os.stat(store_path(NVME)).st_rdev
        dev.unbind(HDD)

    def test_fd_is_not_kept(self, dev):
        """The tier does not depend on the fd it was bound by."""
        bind(dev, NVME, 64)
        with dev.region(4 * PAGE) as region, region.map() as mapping:
            fill(mapping, range(4), 7)
            place(region, 0, 4, NVME)
            assert wrong(mapping, range(4), 7) == []

    @pytest.mark.parametrize("size", [tw.TW_STORE_DATA, tw.TW_STORE_DATA // 2])
    def test_too_small(self, dev, size):
        with Loop(size) as loop:
            format_store(loop.path)
            for capacity in (0, 16, 1 << 40):
                with refused(errno.ENOSPC):
                    bind(dev, SSD, capacity, loop.path)

    def test_smallest(self, dev):
        with Loop(tw.TW_STORE_DATA + 64 * PAGE) as loop:
            format_store(loop.path)
            bind(dev, SSD, 0, loop.path)
            assert 1 <= dev.tier_info(SSD).capacity <= 64
            dev.unbind(SSD)

    def test_signature_survives(self, dev):
        """Slots never overwrite it."""
        for _ in range(3):
            bind(dev, NVME, 16)
            with dev.region(16 * PAGE) as region, region.map() as mapping:
                fill(mapping, range(16), 3)
                place(region, 0, 16, NVME)
            wait_for(lambda: not dev.tier_info(NVME).used)
            dev.unbind(NVME)

    def test_stays_within_capacity(self, dev):
        """Nothing is written past the slots of the capacity."""
        path = store_path(NVME)
        beyond = tw.TW_STORE_DATA + 16 * PAGE
        write_direct(path, beyond, b"\xa5" * PAGE)
        bind(dev, NVME, 16)
        with dev.region(24 * PAGE) as region, region.map() as mapping:
            fill(mapping, range(24), 3)
            result = region.migrate(0, 24 * PAGE, NVME)
            assert result.moved == 16 and result.status.count(-errno.ENOSPC) == 8
            assert find_on_disk(path, b"\xa5" * PAGE, 17) == beyond
            assert wrong(mapping, range(24), 3) == []


class TestUnbind:
    @pytest.mark.parametrize("tier", TIERS)
    def test_moves_its_pages(self, dev, make, back_to_tiny, tier):
        count = 16 if tier == HDD else 40
        region, mapping = make(count, seed=5, touched=count)
        place(region, 0, count, tier)
        assert dev.unbind(tier) == count
        assert tier not in dev.bound()
        info = region.info()
        assert info.pages[tier] == 0 and sum(info.pages) == count and info.lost == 0
        assert wrong(mapping, range(count), 5) == []

    def test_empty(self, dev, back_to_tiny):
        for tier in TIERS:
            assert dev.unbind(tier) == 0
        assert dev.bound() == set()
        assert dev.info().bound_mask == 0

    def test_kept_copies_go(self, dev, make, back_to_tiny):
        region, mapping = make(32, seed=6, touched=32)
        place(region, 0, 32, NVME)
        assert wrong(mapping, range(32), 6) == []
        assert dev.tier_info(NVME).kept == 32
        assert all(page.flags & tw.TW_PAGE_KEPT for page in region.pages())
        dev.unbind(NVME)
        assert dev.tier_info(NVME).kept == 0
        assert not any(page.flags & tw.TW_PAGE_KEPT for page in region.pages())
        assert wrong(mapping, range(32), 6) == []

    def test_no_room(self, dev, make, back_to_tiny):
        """The others are full: refused, still bound, nothing lost."""
        set_tiers(dev, {CPU: 64, GPU: 32, NVME: 128})
        region, mapping = make(200, seed=8, touched=200)
        used = [dev.tier_info(tier).used for tier in TIERS]
        assert sum(used) == 200 and used[NVME] > 96
        with pytest.raises(OSError) as caught:
            dev.unbind(NVME)
        assert caught.value.errno == errno.ENOSPC
        assert NVME in dev.bound()
        info = region.info()
        assert sum(info.pages) == 200 and info.lost == 0
        assert wrong(mapping, range(200), 8) == []
        # It is in full use again, not half gone.
        assert region.migrate(0, 8 * PAGE, NVME).status.count(-errno.EOPNOTSUPP) == 0
        assert dev.pressure(NVME).capacity == 128

    def test_pinned(self, dev, make, back_to_tiny):
        region, mapping = make(16, seed=9, touched=16)
        place(region, 0, 16, GPU)
        with Pin(mapping.addr + 3 * PAGE):
            with pytest.raises(OSError) as caught:
                dev.unbind(GPU)
            assert caught.value.errno == errno.EBUSY
            assert GPU in dev.bound() and region.tiers()[3] == GPU
            assert wrong(mapping, range(16), 9) == []
        dev.unbind(GPU)
        assert GPU not in region.tiers()
        assert wrong(mapping, range(16), 9) == []

    def test_last_memory_tier(self, dev, make, back_to_tiny):
        set_tiers(dev, {CPU: 512, NVME: 256})
        region, mapping = make(8, seed=2, touched=8)
        with refused(errno.EBUSY, region):
            dev.unbind(CPU)
        assert wrong(mapping, range(8), 2) == []

    def test_last_memory_tier_with_an_untouched_region(self, dev, make, back_to_tiny):
        set_tiers(dev, {GPU: 256})
        region, _ = make(8)
        with refused(errno.EBUSY, region):
            dev.unbind(GPU)

    def test_memory_tier_goes_to_the_other(self, dev, make, back_to_tiny):
        set_tiers(dev, {CPU: 512, GPU: 256})
        region, mapping = make(100, seed=4, touched=100)
        assert region.info().pages[CPU] == 100
        assert dev.unbind(CPU) == 100
        assert region.info().pages[GPU] == 100
        assert wrong(mapping, range(100), 4) == []
        dev.bind(CPU, capacity=512)
        assert dev.unbind(GPU) == 100
        assert region.info().pages[CPU] == 100

    @pytest.mark.at_once
    def test_while_in_use(self, dev, make, back_to_tiny):
        """A program goes on writing while its tiers come and go."""
        region, mapping = make(64, touched=64)

        child = Child(count_up, mapping, 64, 40)
        while child.alive():
            region.migrate(0, 64 * PAGE, NVME)
            region.migrate(0, 64 * PAGE, GPU)
            for tier in (NVME, GPU):
                assert errno_of(dev.unbind, tier) in (0, errno.EBUSY)
            set_tiers(dev, TINY)
        assert child.result() == [40] * 64
        assert counted(mapping, 64) == [40] * 64


def test_events(dev, stream, back_to_tiny):
    listener = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_TIER_BOUND) |
                      tw.TW_EVENT_BIT(tw.TW_EVENT_TIER_UNBOUND))
    reader = listener.reader()
    for tier in (GPU, NVME):
        dev.unbind(tier)
        bind(dev, tier, 77)
    got = [(event.type, event.tier) for event in reader.read()]
    assert got == [(tw.TW_EVENT_TIER_UNBOUND, GPU), (tw.TW_EVENT_TIER_BOUND, GPU),
                   (tw.TW_EVENT_TIER_UNBOUND, NVME), (tw.TW_EVENT_TIER_BOUND, NVME)]


def test_event_carries_the_capacity(dev, stream, back_to_tiny):
    reader = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_TIER_BOUND)).reader()
    dev.unbind(SSD)
    bind(dev, SSD, 77)
    (event,) = reader.read()
    assert event.addr == 77 and event.status == 0 and event.page == 0


def test_bind_from_a_child(dev, back_to_tiny):
    """A tier outlives the process that bound it."""
    dev.unbind(NVME)
    run_child(bind, dev, NVME, 99)
    assert dev.tier_info(NVME).capacity == 99
