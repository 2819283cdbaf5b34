# SPDX-License-Identifier: GPL-2.0
"""Moving pages: every pair of tiers, every way to name pages, every outcome."""

import ctypes
import errno
import os
import signal
import time

import pytest

import tw
from support import (AlignedBuffer, Child, Delta, Layout, Pin, Reached, errno_of, fill, pattern,
                     place, refused, run_child, set_tiers, wait_for, wrong)
from tw import CPU, GPU, HDD, MEMORY_TIERS, NVME, PAGE, SSD, STORES, TIER_NAMES, TIERS

pytestmark = pytest.mark.forked

PAIRS = [(source, target) for source in TIERS for target in TIERS if source != target]
PAIR_NAMES = [f"{TIER_NAMES[source]}-{TIER_NAMES[target]}" for source, target in PAIRS]
UNTOUCHED = -errno.ENOENT


def count_for(*tiers: int) -> int:
    """The HDD is slow."""
    return 4 if HDD in tiers else 12


def by_offset(dev, region, mapping, count):
    return lambda target, source: region.migrate(0, count * PAGE, target, source)


def by_address(dev, region, mapping, count):
    return lambda target, source: dev.migrate_range(mapping.addr, count * PAGE, target, source)


def by_number(dev, region, mapping, count):
    return lambda target, source: dev.migrate([region.page(index) for index in range(count)],
                                              target, source)


def by_pfn(dev, region, mapping, count):
    def move(target, source):
        pfns = [page.pfn for page in region.pages(0, count * PAGE)]
        assert 0 not in pfns
        return dev.migrate(pfns, target, source)
    return move


WAYS = {"offset": by_offset, "address": by_address, "number": by_number, "pfn": by_pfn}


class TestEveryPair:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("source,target", PAIRS, ids=PAIR_NAMES)
    def test_moves(self, dev, make, stats, source, target, way):
        if way == "pfn" and source in STORES:
            # A page in a store has no pfn; the last one it had names nothing.
            region, _ = make(1, touched=1)
            pfn = region.pages()[0].pfn
            place(region, 0, 1, source)
            assert region.pages()[0].pfn == 0
            with_no_owner = dev.migrate([pfn], target)
            assert with_no_owner.status == [-errno.ENOENT]
            assert region.tiers() == [source]
            return
        count = count_for(source, target)
        region, mapping = make(count + 1, seed=target, touched=count)
        if source != CPU:
            place(region, 0, count, source)
        delta = Delta(stats)
        result = WAYS[way](dev, region, mapping, count)(target, source)
        assert result.status == [0] * count
        assert (result.moved, result.failed, result.untouched) == (count, 0, 0)
        assert region.tiers(0, count) == [target] * count
        assert region.info().pages[target] == count == stats.used()[target]
        assert delta.get("moves_out") == [count * (tier == source) for tier in TIERS]
        assert delta.get("moves_in") == [count * (tier == target) for tier in TIERS]
        if target in STORES:
            assert delta.tier(target)["bytes_written"] >= count * PAGE
        if source in STORES:
            assert delta.tier(source)["bytes_read"] >= count * PAGE
        assert wrong(mapping, range(count), target) == []
        assert mapping.read(count * PAGE, PAGE) == bytes(PAGE)

    @pytest.mark.parametrize("tier", TIERS)
    def test_already_there(self, make, stats, tier):
        region, mapping = make(4, seed=1, touched=4)
        place(region, 0, 4, tier)
        delta = Delta(stats)
        result = region.migrate(0, 4 * PAGE, tier)
        assert result.status == [tw.TW_MOVE_ALREADY] * 4
        assert (result.moved, result.failed) == (0, 0)
        assert delta.get("moves_in") == delta.get("moves_out") == [0] * 5
        assert wrong(mapping, range(4), 1) == []

    def test_round_trip(self, make):
        """Through all five and back, changed on the way."""
        region, mapping = make(6, seed=0, touched=6)
        for turn, tier in enumerate((GPU, NVME, SSD, HDD, SSD, NVME, GPU, CPU), 1):
            place(region, 0, 6, tier)
            assert wrong(mapping, range(6), turn - 1) == []
            fill(mapping, range(6), turn)

    def test_store_to_store_without_a_touch(self, make):
        """Bytes pass through memory but the page never lives there."""
        region, mapping = make(6, seed=4, touched=6)
        for tier in (NVME, SSD, HDD, NVME):
            place(region, 0, 6, tier)
        assert wrong(mapping, range(6), 4) == []


class TestOutcomes:
    def test_mixture(self, dev, make):
        """One call, every outcome, each at its place."""
        region, mapping = make(16, seed=1, touched=8)
        place(region, 1, 1, GPU)
        place(region, 2, 1, NVME)
        with Pin(mapping.addr + 3 * PAGE):
            numbers = [region.page(0), region.page(1), region.page(2), region.page(3),
                       region.page(12), region.page(16), tw.TW_PAGE(region.id + 500, 0),
                       region.pages()[4].pfn, 0, region.page(5)]
            result = dev.migrate(numbers, GPU)
            assert result.status == [0, tw.TW_MOVE_ALREADY, 0, -errno.EBUSY, -errno.ENOENT,
                                     -errno.ENOENT, -errno.ENOENT, 0, -errno.ENOENT, 0]
            assert (result.moved, result.failed) == (4, 5)
            assert region.tiers()[:8] == [GPU, GPU, GPU, CPU, GPU, GPU, CPU, CPU]
        assert wrong(mapping, range(8), 1) == []
        assert region.tiers()[12] == tw.NONE or mapping.read(12 * PAGE, 1) == b"\0"

    def test_untouched_stay_untouched(self, make):
        region, _ = make(8, touched=2)
        result = region.migrate(0, 8 * PAGE, GPU)
        assert result.status == [0, 0] + [UNTOUCHED] * 6
        assert (result.moved, result.failed, result.untouched) == (2, 0, 6)
        assert region.tiers() == [GPU] * 2 + [tw.NONE] * 6
        assert sum(region.info().pages) == 2

    @pytest.mark.parametrize("wanted", TIERS)
    def test_from_tier(self, dev, make, wanted):
        """Only what is in from_tier moves; the rest is EINVAL and untouched."""
        region, mapping = make(5, seed=2, touched=5)
        for tier in TIERS:
            place(region, tier, 1, tier)
        target = CPU if wanted != CPU else GPU
        result = region.migrate(0, 5 * PAGE, target, wanted)
        for tier in TIERS:
            if tier == wanted:
                assert result.status[tier] == 0
            elif tier == target:
                assert result.status[tier] in (-errno.EINVAL, tw.TW_MOVE_ALREADY)
            else:
                assert result.status[tier] == -errno.EINVAL
        assert result.moved == 1
        assert region.tiers() == [target if tier == wanted else tier for tier in TIERS]
        numbers = [region.page(index) for index in range(5)]
        assert dev.migrate(numbers, target, wanted).moved == 0
        assert wrong(mapping, range(5), 2) == []

    def test_duplicates(self, dev, make):
        region, mapping = make(4, seed=3, touched=4)
        for target in (GPU, NVME, CPU):
            numbers = [region.page(index) for index in (0, 0, 1, 0, 2, 2, 3)]
            result = dev.migrate(numbers, target)
            assert set(result.status) <= {0, tw.TW_MOVE_ALREADY, -errno.EBUSY}
            assert result.status.count(0) == result.moved == 4
            assert region.tiers() == [target] * 4
        assert wrong(mapping, range(4), 3) == []

    def test_pfn_and_number_of_one_page(self, dev, make):
        region, mapping = make(1, seed=3, touched=1)
        result = dev.migrate([region.pages()[0].pfn, region.page(0)], NVME)
        assert sorted(result.status)[-1] in (0, 1) and result.moved == 1
        assert wrong(mapping, range(1), 3) == []

    def test_foreign_pfns(self, dev, make):
        """Frames that are no region's: other memory, none at all."""
        region, _ = make(1, touched=1)
        with AlignedBuffer(4 * PAGE) as buffer:
            fill(buffer, range(4), 9)
            with open("/proc/self/pagemap", "rb") as pagemap:
                pagemap.seek(buffer.addr // PAGE * 8)
                pfns = [int.from_bytes(pagemap.read(8), "little") & (1 << 55) - 1
                        for _ in range(4)]
            assert all(pfns)
            numbers = [*pfns, 0, 1, 1 << 40, (1 << 63) - 1]
            result = dev.migrate(numbers, GPU)
            assert result.status == [-errno.ENOENT] * 8
            assert (result.moved, result.failed) == (0, 8)
            assert wrong(buffer, range(4), 9) == []
        assert region.tiers() == [CPU]

    def test_full_target(self, small_nvme, make):
        region, mapping = make(300, seed=5, touched=300)
        result = region.migrate(0, 300 * PAGE, NVME)
        assert result.moved == small_nvme == result.status.count(0)
        assert result.failed == 300 - small_nvme == result.status.count(-errno.ENOSPC)
        tiers = region.tiers()
        for index, status in enumerate(result.status):
            assert (tiers[index] == NVME) == (status == 0)
        assert wrong(mapping, range(300), 5) == []

    def test_kept_copies_give_way(self, dev, small_nvme, make):
        """A store full of clean copies is not full."""
        region, mapping = make(400, seed=5, touched=400)
        place(region, 0, 200, NVME)
        assert wrong(mapping, range(200), 5) == []
        assert small_nvme >= dev.tier_info(NVME).kept >= 100
        result = region.migrate(200 * PAGE, 200 * PAGE, NVME)
        assert result.moved == 200
        assert wrong(mapping, range(400), 5) == []

    def test_clean_page_writes_nothing(self, make, stats):
        """Demoting a page again that a store still holds costs no write."""
        region, mapping = make(16, seed=6, touched=16)
        place(region, 0, 16, NVME)
        assert wrong(mapping, range(16), 6) == []
        delta = Delta(stats)
        place(region, 0, 16, NVME)
        assert delta.tier(NVME)["bytes_written"] == 0
        assert delta.tier(NVME)["moves_in"] == 16
        assert wrong(mapping, range(16), 6) == []
        mapping.write(0, pattern(7, 0))
        delta = Delta(stats)
        place(region, 0, 16, NVME)
        assert PAGE <= delta.tier(NVME)["bytes_written"] <= 2 * PAGE
        assert mapping.read(0, PAGE) == pattern(7, 0)

    @pytest.mark.parametrize("reason", range(tw.TW_REASON_FAULT))
    def test_reasons(self, make, stream, reason):
        """A caller's reason is told, and that it is a caller's."""
        region, _ = make(2, touched=2)
        reader = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_MIGRATE)).reader()
        assert region.migrate(0, 2 * PAGE, GPU, reason=reason).moved == 2
        assert [(event.reason, event.flags) for event in reader.read()] == \
            [(reason, tw.TW_MIGRATE_ASKED)] * 2

    @pytest.mark.parametrize("reason", [tw.TW_REASON_FAULT, tw.TW_REASON_EVACUATE])
    def test_reasons_of_the_driver(self, dev, make, stream, reason):
        """Nobody says of his own move that the driver has made it."""
        agent = dev.agent(78)
        region, mapping = make(2, seed=4, touched=2, agent=agent)
        reader = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_MIGRATE)).reader()
        page = region.page(0)
        with refused(errno.EINVAL, region):
            region.migrate(0, 2 * PAGE, GPU, reason=reason)
        with refused(errno.EINVAL, region):
            dev.migrate([page], GPU, reason=reason)
        with refused(errno.EINVAL, region):
            dev.agent_migrate(agent, GPU, reason=reason)
        with refused(errno.EINVAL, region):
            dev.request([tw.Request(page=page, from_tier=tw.NONE, to_tier=GPU,
                                    reason=reason)])
        assert reader.read() == [] and region.tiers() == [CPU, CPU]
        place(region, 0, 2, NVME)
        reader.read()
        assert wrong(mapping, range(2), 4) == []
        assert {(event.reason, event.flags) for event in reader.read()} == \
            {(tw.TW_REASON_FAULT, 0)}
        agent.close()


class TestPinned:
    @pytest.mark.parametrize("source,target", [pair for pair in PAIRS
                                               if pair[0] in MEMORY_TIERS])
    def test_stays(self, make, source, target):
        region, mapping = make(4, seed=1, touched=4)
        if source != CPU:
            place(region, 0, 4, source)
        with Pin(mapping.addr + PAGE) as pin:
            before = region.pages()[1]
            result = region.migrate(0, 4 * PAGE, target)
            assert result.status == [0, -errno.EBUSY, 0, 0]
            assert (result.moved, result.failed) == (3, 1)
            after = region.pages()[1]
            assert (after.tier, after.pfn, after.node) == (source, before.pfn, before.node)
            # The pin and the mapping still mean the same bytes.
            mapping.write(PAGE, pattern(2, 1))
            assert os.read(pin.out, PAGE) == pattern(2, 1)
        assert region.migrate(PAGE, PAGE, target).status == [0]
        assert mapping.read(PAGE, PAGE) == pattern(2, 1)
        assert wrong(mapping, [0, 2, 3], 1) == []

    def test_by_every_way(self, dev, make):
        region, mapping = make(2, seed=1, touched=2)
        with Pin(mapping.addr):
            for name, way in WAYS.items():
                result = way(dev, region, mapping, 1)(GPU, tw.NONE)
                assert result.status == [-errno.EBUSY], name
                assert region.tiers() == [CPU, CPU]

    def test_many_pins_of_one_page(self, make):
        region, mapping = make(1, seed=1, touched=1)
        pins = [Pin(mapping.addr) for _ in range(5)]
        while pins:
            assert region.migrate(0, PAGE, GPU).status == [-errno.EBUSY]
            pins.pop().__exit__()
        assert region.migrate(0, PAGE, GPU).status == [0]

    def test_pinned_and_mapped_twice(self, make):
        region, mapping = make(1, seed=1, touched=1)
        with region.map() as other, Pin(mapping.addr):
            assert other.read() == pattern(1, 0)
            assert region.migrate(0, PAGE, NVME).status == [-errno.EBUSY]
            other.write(0, pattern(2, 0))
            assert mapping.read() == pattern(2, 0)
        assert region.migrate(0, PAGE, NVME).status == [0]


class TestBatches:
    @pytest.mark.parametrize("count", [1, 63, 64, 65, 255, 256, 257, 600])
    def test_by_number(self, dev, make, count):
        region, mapping = make(count, seed=count, touched=count)
        numbers = [region.page(index) for index in range(count)]
        for target in (GPU, NVME, CPU):
            result = dev.migrate(reversed(numbers), target)
            assert result.moved == count and set(result.status) == {0}
            assert set(region.tiers()) == {target}
        assert wrong(mapping, range(count), count) == []

    def test_across_regions_in_random_order(self, dev, make):
        regions = [make(64, seed=number, touched=64) for number in range(5)]
        numbers = [region.page(index * 37 % 64) for index in range(64) for region, _ in regions]
        assert len(set(numbers)) == 320
        for target in (NVME, GPU, SSD, CPU):
            assert dev.migrate(numbers, target).moved == 320
            assert all(set(region.tiers()) == {target} for region, _ in regions)
        for number, (_, mapping) in enumerate(regions):
            assert wrong(mapping, range(64), number) == []

    def test_by_pfn(self, dev, make):
        region, mapping = make(300, seed=1, touched=300)
        pfns = [page.pfn for page in region.pages()]
        assert dev.migrate(pfns, GPU).moved == 300
        assert set(region.tiers()) == {GPU}
        assert wrong(mapping, range(300), 1) == []

    def test_largest(self, dev, make):
        """max_pages in one call, most of them untouched."""
        most = dev.info().max_pages
        region, mapping = make(most + 1, seed=1, touched=300)
        result = region.migrate(0, most * PAGE, GPU)
        assert (result.moved, result.failed, result.untouched) == (300, 0, most - 300)
        numbers = [region.page(index) for index in range(most)]
        result = dev.migrate(numbers, CPU)
        assert (result.moved, result.failed) == (300, most - 300)
        assert wrong(mapping, range(300), 1) == []

    def test_more_than_the_largest(self, dev, make):
        most = dev.info().max_pages
        region, mapping = make(most + 1, touched=4)
        with refused(errno.EINVAL, region):
            region.migrate(0, (most + 1) * PAGE, GPU)
        with refused(errno.EINVAL, region):
            dev.migrate_range(mapping.addr, (most + 1) * PAGE, GPU)
        with refused(errno.EINVAL, region):
            dev.migrate([region.page(0)] * (most + 1), GPU)


class TestArguments:
    def pages_arg(self, region, count, **more):
        self.numbers = tw.u64s(region.page(index) for index in range(count))
        return tw.MigratePages(to_tier=GPU, from_tier=tw.NONE, nr=count,
                               pages=ctypes.addressof(self.numbers), **more)

    def range_arg(self, start, count, **more):
        return tw.MigrateRange(start=start, length=count * PAGE, to_tier=GPU,
                               from_tier=tw.NONE, **more)

    def test_no_status_wanted(self, dev, make):
        region, mapping = make(4, touched=4)
        arg = self.pages_arg(region, 4)
        dev.ioctl(tw.TW_IOC_MIGRATE_PAGES, arg)
        assert (arg.moved, arg.failed) == (4, 0)
        arg = self.range_arg(0, 4)
        arg.to_tier = CPU
        region.ioctl(tw.TW_IOC_MIGRATE_RANGE, arg)
        assert (arg.moved, arg.failed, arg.untouched) == (4, 0, 0)

    def test_status_pointer(self, dev, make):
        """Unwritable, unmapped or half mapped: EFAULT, and nothing has moved."""
        region, mapping = make(8, seed=1, touched=8)
        with AlignedBuffer(2 * PAGE) as buffer, AlignedBuffer(PAGE) as constant:
            buffer.unmap(PAGE, PAGE)
            constant.protect(tw.PROT_READ)
            for bad in (1 << 12, constant.addr, buffer.addr + PAGE, buffer.addr + PAGE - 8,
                        (1 << 64) - 16, 1 << 63):
                with refused(errno.EFAULT, region):
                    dev.ioctl(tw.TW_IOC_MIGRATE_PAGES, self.pages_arg(region, 8, status=bad))
                with refused(errno.EFAULT, region):
                    region.ioctl(tw.TW_IOC_MIGRATE_RANGE,
                                 self.range_arg(0, 8, status=bad, nr_status=8))
                with refused(errno.EFAULT, region):
                    dev.ioctl(tw.TW_IOC_MIGRATE_RANGE,
                              self.range_arg(mapping.addr, 8, status=bad, nr_status=8))
            buffer.length = PAGE
            buffer.unmap(0, PAGE)
            buffer.addr = 0
        assert wrong(mapping, range(8), 1) == []

    def test_pages_pointer(self, dev, make):
        region, _ = make(8, touched=8)
        for bad in (0, 1 << 12, (1 << 64) - 16, 1 << 63):
            arg = self.pages_arg(region, 8)
            arg.pages = bad
            with refused(errno.EFAULT, region):
                dev.ioctl(tw.TW_IOC_MIGRATE_PAGES, arg)

    def test_too_little_room_for_status(self, dev, make):
        region, mapping = make(8, touched=8)
        status = (ctypes.c_int32 * 8)(*[77] * 8)
        for handle, start in ((region, 0), (dev, mapping.addr)):
            for room in (0, 1, 7):
                arg = self.range_arg(start, 8, status=ctypes.addressof(status), nr_status=room)
                with refused(errno.EMSGSIZE, region):
                    handle.ioctl(tw.TW_IOC_MIGRATE_RANGE, arg)
                assert arg.nr_status == 8
                assert list(status) == [77] * 8

    def test_more_room_than_needed(self, make):
        region, _ = make(8, touched=8)
        status = (ctypes.c_int32 * 9)(*[77] * 9)
        arg = self.range_arg(0, 4, status=ctypes.addressof(status), nr_status=9)
        region.ioctl(tw.TW_IOC_MIGRATE_RANGE, arg)
        assert list(status) == [0] * 4 + [77] * 5

    def test_no_pages(self, dev, make):
        region, _ = make(8, touched=8)
        arg = self.pages_arg(region, 8)
        arg.nr = 0
        with refused(errno.EINVAL, region):
            dev.ioctl(tw.TW_IOC_MIGRATE_PAGES, arg)

    @pytest.mark.parametrize("start,length", [
        (1, PAGE), (0, 1), (0, 0), (0, PAGE + 1), (8 * PAGE, PAGE), (0, 9 * PAGE),
        (7 * PAGE, 2 * PAGE), ((1 << 64) - PAGE, PAGE), ((1 << 64) - PAGE, 2 * PAGE),
        (PAGE, (1 << 64) - PAGE), (1 << 63, PAGE)])
    def test_bad_offsets(self, make, start, length):
        region, _ = make(8, touched=8)
        arg = self.range_arg(start, 0)
        arg.length = length
        with refused(errno.EINVAL, region):
            region.ioctl(tw.TW_IOC_MIGRATE_RANGE, arg)

    @pytest.mark.parametrize("shift,length", [(1, PAGE), (0, 1), (0, 0), (0, PAGE + 1)])
    def test_bad_addresses(self, dev, make, shift, length):
        region, mapping = make(8, touched=8)
        arg = self.range_arg(mapping.addr + shift, 0)
        arg.length = length
        with refused(errno.EINVAL, region):
            dev.ioctl(tw.TW_IOC_MIGRATE_RANGE, arg)

    def test_addresses_that_wrap(self, dev, make):
        region, _ = make(8, touched=8)
        for start in ((1 << 64) - PAGE, (1 << 64) - 4 * PAGE):
            with refused((errno.EINVAL, errno.EFAULT), region):
                dev.ioctl(tw.TW_IOC_MIGRATE_RANGE, self.range_arg(start, 8))


class TestAddresses:
    def test_window(self, dev, make):
        """A mapping of a part: addresses count from its start."""
        region, _ = make(16, seed=1, touched=16)
        with region.map(4 * PAGE, 8 * PAGE) as window:
            assert dev.migrate_range(window.addr + PAGE, 2 * PAGE, GPU).moved == 2
        assert region.tiers() == [CPU] * 5 + [GPU] * 2 + [CPU] * 9

    def test_across_two_regions(self, dev, make):
        first, _ = make(4, seed=1, touched=4)
        second, _ = make(4, seed=2, touched=4)
        with AlignedBuffer(8 * PAGE) as room:
            for number, region in enumerate((first, second)):
                tw.Mapping.map(region.fd, 4 * PAGE, flags=tw.MAP_SHARED | tw.MAP_FIXED,
                               addr=room.addr + number * 4 * PAGE)
            result = dev.migrate_range(room.addr + 2 * PAGE, 4 * PAGE, GPU)
            assert result.status == [0] * 4
            assert first.tiers() == [CPU, CPU, GPU, GPU]
            assert second.tiers() == [GPU, GPU, CPU, CPU]

    def test_hole(self, dev, make):
        region, mapping = make(8, seed=1, touched=8)
        mapping.unmap(3 * PAGE, PAGE)
        with refused(errno.EFAULT, region):
            dev.migrate_range(mapping.addr, 8 * PAGE, GPU)
        assert dev.migrate_range(mapping.addr, 3 * PAGE, GPU).moved == 3

    def test_other_memory(self, dev, make):
        region, mapping = make(8, touched=8)
        with AlignedBuffer(4 * PAGE) as buffer:
            fill(buffer, range(4), 1)
            with refused(errno.EFAULT, region):
                dev.migrate_range(buffer.addr, 4 * PAGE, GPU)
            # A range that begins in a region and ends in other memory.
            tw.Mapping.map(region.fd, 2 * PAGE, flags=tw.MAP_SHARED | tw.MAP_FIXED,
                           addr=buffer.addr)
            with refused(errno.EFAULT, region):
                dev.migrate_range(buffer.addr, 4 * PAGE, GPU)
            assert wrong(buffer, [2, 3], 1) == []

    def test_nothing_mapped(self, dev, make):
        region, _ = make(8, touched=8)
        for start in (0, PAGE, 1 << 46):
            with refused(errno.EFAULT, region):
                dev.migrate_range(start, PAGE, GPU)

    def test_read_only_mapping(self, dev, make):
        region, _ = make(8, seed=1, touched=8)
        with region.map(prot=tw.PROT_READ) as reader:
            with refused(errno.EFAULT, region):
                dev.migrate_range(reader.addr, 8 * PAGE, GPU)

    def test_stats_and_stream_mappings(self, dev, make, stats, stream):
        region, _ = make(1, touched=1)
        for addr in (stats.map.addr, stream().map.addr):
            with refused(errno.EFAULT, region):
                dev.migrate_range(addr, PAGE, GPU)


class TestWhileUsed:
    @pytest.mark.at_once
    def test_writers_lose_nothing(self, make):
        """Two writers with checks while all pages travel through all five tiers."""
        region, mapping = make(24, touched=24)
        stop = Reached()

        def writer(slot):
            number = 0
            while not stop.get():
                number += 1
                word = number.to_bytes(8, "little")
                for index in range(24):
                    mapping.write(index * PAGE + slot * 64, word)
                for index in range(24):
                    assert mapping.read(index * PAGE + slot * 64, 8) == word, (number, index)
            return number

        children = [Child(writer, slot) for slot in (0, 1)]
        moved = [0] * 5
        enough = time.monotonic() + 3

        def travel():
            """A page that is written to while it is copied stays: some rounds move none."""
            for tier in (GPU, NVME, SSD, CPU):
                moved[tier] += region.migrate(0, 24 * PAGE, tier).moved
            moved[HDD] += region.migrate(0, 2 * PAGE, HDD).moved
            return min(moved) and time.monotonic() > enough

        wait_for(travel, 40, 0)
        stop.set()
        numbers = [child.result() for child in children]
        assert min(numbers) > 0 and min(moved) > 0
        for slot, number in enumerate(numbers):
            for index in range(24):
                assert mapping.read(index * PAGE + slot * 64, 8) == number.to_bytes(8, "little")

    @pytest.mark.parametrize("restart", [True, False])
    def test_signals(self, make, restart):
        """A call that a signal has kept from its work begins again, if the handler says so."""
        region, mapping = make(16, seed=1, touched=16)

        def work():
            signal.signal(signal.SIGALRM, lambda *_: None)
            signal.siginterrupt(signal.SIGALRM, not restart)
            signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
            return {errno_of(region.migrate, 0, PAGE, (GPU, CPU)[turn % 2])
                    for turn in range(800)}

        assert run_child(work) <= ({0} if restart else {0, errno.EINTR})
        assert wrong(mapping, range(16), 1) == []

    def test_two_movers(self, make):
        """Opposite directions at the same time."""
        region, mapping = make(64, seed=1, touched=64)

        def mover(tiers):
            outcomes = set()
            for _ in range(25):
                for tier in tiers:
                    outcomes |= set(region.migrate(0, 64 * PAGE, tier).status)
            return outcomes

        children = [Child(mover, tiers) for tiers in ((GPU, NVME), (CPU, SSD))]
        for child in children:
            assert child.result() <= {0, 1, -errno.EBUSY}
        assert wrong(mapping, range(64), 1) == []
        assert sum(region.info().pages) == 64

    @pytest.mark.at_once
    def test_interrupted(self, make):
        """A killed caller does not finish a long move first."""
        region, _ = make(600, touched=600)
        place(region, 0, 600, NVME)
        ready = Reached()

        def mover():
            while True:
                ready.set()
                region.migrate(0, 600 * PAGE, HDD)
                region.migrate(0, 600 * PAGE, NVME)

        child = Child(mover)
        ready.wait()
        time.sleep(0.3)
        child.kill()
        start = time.monotonic()
        assert child.wait(20) == -signal.SIGKILL
        assert time.monotonic() - start < 10
        assert sum(region.info().pages) == 600


def test_faults_bring_back(make, stats):
    """Touching a page in a store brings it to memory and leaves the others there."""
    region, mapping = make(64, seed=1, touched=64)
    for tier in STORES:
        place(region, 0, 64, tier)
        delta = Delta(stats)
        assert mapping.read(5 * PAGE, PAGE) == pattern(1, 5)
        assert region.tiers() == [tier] * 5 + [CPU] + [tier] * 58, "nothing comes along"
        assert delta.tier(tier)["major_read"] == 1
    assert wrong(mapping, range(64), 1) == []


def test_gpu_pages_stay_there_when_touched(make, stats):
    """GPU memory is memory: a touch maps it in place."""
    region, mapping = make(8, seed=1, touched=8)
    place(region, 0, 8, GPU)
    delta = Delta(stats)
    assert wrong(mapping, range(8), 1) == []
    assert region.tiers() == [GPU] * 8
    counters = delta.tier(GPU)
    assert counters["minor_read"] >= 1 and counters["major_read"] == 0
    assert delta.get("moves_in") == [0] * 5


def test_no_stores_needed(dev):
    """Between memory tiers it works with no store bound."""
    try:
        set_tiers(dev, {CPU: 512, GPU: 256})
        with dev.region(8 * PAGE) as region, region.map() as mapping:
            fill(mapping, range(8), 1)
            place(region, 0, 8, GPU)
            place(region, 0, 8, CPU)
            assert wrong(mapping, range(8), 1) == []
            for tier in STORES:
                with refused(errno.EOPNOTSUPP, region):
                    dev.migrate([region.page(0)], tier)
    finally:
        Layout.restore(dev)


@pytest.mark.at_once
def test_killed_mover_leaves_pages_whole(make):
    region, mapping = make(256, seed=1, touched=256)

    def mover():
        while True:
            for tier in (GPU, NVME, SSD, CPU):
                region.migrate(0, 256 * PAGE, tier)

    for _ in range(5):
        child = Child(mover)
        time.sleep(0.1)
        child.kill()
        child.wait()
        assert wrong(mapping, range(256), 1) == []
    assert run_child(wrong, mapping, range(256), 1) == []
