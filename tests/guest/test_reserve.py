# SPDX-License-Identifier: GPL-2.0
"""Regions that reserve their room, beside others that take all they get."""

import errno
import signal
from pathlib import Path

import pytest

import tw
from support import (NOBODY, OTHER, Child, Reached, bind, device_gid, errno_of, fill, parameter, pattern,
                     refused, run_child, run_user, set_tiers, tiers_of, touch_fate, wait_for, wrong)
from tw import CPU, GPU, NVME, PAGE, SSD, TW_REGION_RESERVE

pytestmark = [pytest.mark.usefixtures("small"), pytest.mark.forked]

SMALL = {CPU: 128, GPU: 64, NVME: 96, SSD: 32}
ROOM = sum(SMALL.values())


@pytest.fixture(scope="module")
def small(dev):
    """Four tiers, so small that they fill at once."""
    with tiers_of(dev, SMALL):
        yield


@pytest.fixture
def back_to_small(dev, small):  # pylint: disable=unused-argument
    yield
    set_tiers(dev, SMALL)


@pytest.fixture
def room(stats):
    """(what all tiers hold, what is taken, what is reserved)"""
    def look():
        header = stats.header
        return header.room, header.room_taken, header.room_reserved
    return look


def free(room) -> int:
    return room()[0] - room()[1]


def reserving(dev, pages: int) -> tw.Region:
    return dev.region(pages * PAGE, flags=TW_REGION_RESERVE)


def take_all(mapping: tw.Mapping, count: int, seed: int) -> int:
    """Write pages, in a child, until there is no room; how many there was room for."""
    reached = Reached()

    def work():
        for index in range(count):
            mapping.write(index * PAGE, pattern(seed, index))
            reached.set(index + 1)

    assert Child(work).wait(120) == -signal.SIGBUS
    return reached.get()


class TestAccount:
    def test_room_is_that_of_all_tiers(self, dev, room, back_to_small):
        assert room() == (ROOM, 0, 0)
        dev.unbind(SSD)
        assert room()[0] == ROOM - SMALL[SSD]
        bind(dev, SSD, 20)
        assert room()[0] == ROOM - SMALL[SSD] + 20

    def test_without_the_flag(self, dev, room):
        """What is touched is taken, what is freed is given back."""
        with dev.region(10 * ROOM * PAGE) as region, region.map() as mapping:
            assert room() == (ROOM, 0, 0) and region.info().room == 0
            fill(mapping, range(8), 1)
            assert room() == (ROOM, 8, 0)
            for tier in (NVME, GPU, SSD, CPU):
                region.migrate(0, 8 * PAGE, tier)
                assert room() == (ROOM, 8, 0)
            region.discard(0, 3 * PAGE)
            assert room() == (ROOM, 5, 0)
            region.punch(3 * PAGE, PAGE)
            assert room() == (ROOM, 4, 0)
        assert wait_for(lambda: room() == (ROOM, 0, 0))

    def test_with_it(self, dev, room):
        """All of it from the beginning to the end, touched or not."""
        with reserving(dev, 100) as region, region.map() as mapping:
            assert region.info().room == 100
            assert room() == (ROOM, 100, 100)
            fill(mapping, range(50), 1)
            for tier in (NVME, SSD):
                region.migrate(0, 8 * PAGE, tier)
            assert room() == (ROOM, 100, 100)
            region.discard(0, 50 * PAGE)
            assert room() == (ROOM, 100, 100)
            assert wrong(mapping, [], 1) == []
        assert wait_for(lambda: room() == (ROOM, 0, 0))

    def test_big_one_goes_in_the_background(self, dev, stats, back_to_small):
        """One whose teardown is a work item gives its room back, too."""
        set_tiers(dev, {CPU: 8192, NVME: 96})
        with reserving(dev, 8192) as region, region.map() as mapping:
            for index in range(0, 8192, 512):
                mapping.write(index * PAGE, b"x")
        assert wait_for(lambda: not stats.header.room_taken and not stats.header.room_reserved)

    def test_a_mapping_keeps_it(self, dev, room):
        region = reserving(dev, 10)
        mapping = region.map()
        region.close()
        assert room() == (ROOM, 10, 10)
        fill(mapping, range(10), 1)
        mapping.unmap()
        assert wait_for(lambda: room() == (ROOM, 0, 0))

    def test_child_shares_it(self, dev, room):
        with reserving(dev, 10) as region, region.map() as mapping:
            run_child(fill, mapping, range(10), 1)
            assert room() == (ROOM, 10, 10)
            assert wrong(mapping, range(10), 1) == []


class TestCreation:
    def test_more_than_there_is(self, dev, room):
        with refused(errno.ENOSPC):
            reserving(dev, ROOM + 1)
        for pages in (1 << 24, tw.TW_REGION_MAX_PAGES):
            with refused(errno.ENOSPC):
                reserving(dev, pages)
        with reserving(dev, ROOM):
            assert free(room) == 0
            with refused(errno.ENOSPC):
                reserving(dev, 1)
            with dev.region(PAGE):
                pass

    def test_more_than_others_left(self, dev, room, make):
        make(50, touched=50)
        with refused(errno.ENOSPC):
            reserving(dev, ROOM - 49)
        with reserving(dev, ROOM - 50):
            assert free(room) == 0

    def test_memory_must_be_there(self, dev, room, back_to_small):
        """What no store can hold is not promised without available memory."""
        set_tiers(dev, {CPU: 128, NVME: 96})
        dev.bind(GPU)
        dev.unbind(CPU)
        dev.bind(CPU)
        available = next(int(line.split()[1]) * 1024 // PAGE
                         for line in Path("/proc/meminfo").read_text().splitlines()
                         if line.startswith("MemAvailable"))
        everything = room()[0]
        assert everything > available + 96, "the kernel's own memory is in the capacity"
        with refused(errno.ENOSPC):
            reserving(dev, everything)
        with reserving(dev, available // 2):
            pass

    @pytest.mark.at_once
    @pytest.mark.parametrize("turn", range(3))
    def test_two_at_once(self, dev, room, turn):
        """Of two that fit alone but not together one gets it, whole."""
        pages = ROOM // 2 + 1 + turn
        ready, go, held = Reached(), Reached(), Reached()

        def race():
            with tw.Device() as device:
                ready.set(1)
                go.wait()
                try:
                    region = reserving(device, pages)
                except OSError as error:
                    return error.errno
                with region:
                    held.wait()
                return 0

        racers = [Child(race), Child(race)]
        ready.wait()
        go.set()
        assert wait_for(lambda: sum(racer.alive() for racer in racers) == 1 and
                        room() == (ROOM, pages, pages), 20)
        held.set()
        assert sorted(racer.result() for racer in racers) == [0, errno.ENOSPC]
        assert wait_for(lambda: room() == (ROOM, 0, 0))


class TestPromise:
    @pytest.mark.parametrize("flags", [TW_REGION_RESERVE, 0], ids=["reserved", "control"])
    def test_others_take_everything(self, dev, make, room, stats, flags):
        """With the flag no touch fails, and every byte is right; without it one does."""
        mine = 120
        region = dev.region(mine * PAGE, flags=flags)
        with region, region.map() as mapping:
            hog, theirs = make(2 * ROOM)
            got = take_all(theirs, 2 * ROOM, 5)
            if not flags:
                assert got >= ROOM
                assert Child(fill, mapping, range(mine), 1).wait(120) == -signal.SIGBUS
                return
            assert got == ROOM - mine and free(room) == 0
            assert touch_fate(theirs, (got + 1) * PAGE) == -signal.SIGBUS
            sigbus = stats.total("sigbus")
            run_child(fill, mapping, range(mine), 1, timeout=120)
            # Every tier is full now: a touch of what is in a store is a swap of places.
            assert run_child(wrong, mapping, range(mine), 1, timeout=120) == []
            assert run_child(wrong, theirs, range(got), 5, timeout=120) == []
            assert run_child(wrong, mapping, range(mine), 1, timeout=120) == []
            assert stats.total("sigbus") == sigbus
            assert sum(region.info().pages) == mine and sum(hog.info().pages) == got
            assert region.info().lost == hog.info().lost == 0

    def test_discarded_pages_come_back(self, dev, make, room):
        """What is freed is the region's own room, not for others."""
        with reserving(dev, 80) as region, region.map() as mapping:
            fill(mapping, range(80), 1)
            _, theirs = make(2 * ROOM)
            got = take_all(theirs, 2 * ROOM, 5)
            assert got == ROOM - 80
            assert region.discard(20 * PAGE, 40 * PAGE) == 40
            assert free(room) == 0
            assert touch_fate(theirs, (got + 1) * PAGE, write=True) == -signal.SIGBUS
            run_child(fill, mapping, range(20, 60), 2, timeout=120)
            assert run_child(wrong, mapping, range(20, 60), 2, timeout=120) == []
            assert run_child(wrong, mapping, range(20), 1, timeout=120) == []

    def test_room_given_back_is_for_all(self, dev, make):
        region = reserving(dev, 100)
        _, theirs = make(2 * ROOM)
        got = take_all(theirs, 2 * ROOM, 5)
        assert touch_fate(theirs, (got + 1) * PAGE, write=True) == -signal.SIGBUS
        region.close()
        assert touch_fate(theirs, (got + 1) * PAGE, write=True) == 0

    def test_two_fill_all_there_is(self, dev, room):
        """Every page of room is somebody's, and both touch at the same time, twice."""
        with reserving(dev, ROOM // 2) as one, reserving(dev, ROOM // 2) as two:
            assert free(room) == 0
            with one.map() as first, two.map() as second:
                for seed in (1, 2):
                    children = [Child(fill, mapping, range(ROOM // 2), seed + shift)
                                for mapping, shift in ((first, 0), (second, 10))
                                for _ in range(2)]
                    for child in children:
                        child.result(120)
                assert run_child(wrong, first, range(ROOM // 2), 2, timeout=120) == []
                assert run_child(wrong, second, range(ROOM // 2), 12, timeout=120) == []

    def test_limits_refuse_nothing(self, dev):
        """An agent's limits move pages elsewhere and never deny one."""
        with dev.agent(5) as agent:
            dev.limits(agent, [1] * 5)
            region = dev.region(100 * PAGE, agent=agent, flags=TW_REGION_RESERVE)
            with region, region.map() as mapping:
                run_child(fill, mapping, range(100), 1, timeout=120)
                assert run_child(wrong, mapping, range(100), 1, timeout=120) == []

    def test_memory_only(self, dev, make, back_to_small):
        """No store: the room is memory's."""
        set_tiers(dev, {CPU: 128, GPU: 64})
        with reserving(dev, 60) as region, region.map() as mapping:
            _, theirs = make(400)
            assert take_all(theirs, 400, 5) == 192 - 60
            run_child(fill, mapping, range(60), 1, timeout=120)
            assert run_child(wrong, mapping, range(60), 1, timeout=120) == []
            assert sum(region.info().pages) == 60


class TestTiers:
    def test_unbind_is_refused(self, dev, back_to_small):
        """As long as what is reserved would not fit."""
        with reserving(dev, ROOM - SMALL[NVME] + 1) as region, region.map() as mapping:
            fill(mapping, range(8), 1)
            for tier in (NVME, CPU):
                with refused(errno.ENOSPC, region):
                    dev.unbind(tier)
            assert dev.unbind(SSD) == 0
            assert wrong(mapping, range(8), 1) == []
        assert wait_for(lambda: not dev.stats().header.room_reserved)
        dev.unbind(NVME)

    def test_unbind_what_is_spare(self, dev, room, back_to_small):
        with reserving(dev, ROOM - SMALL[NVME]) as region, region.map() as mapping:
            region_pages = region.nr_pages
            fill(mapping, range(region_pages), 1)
            dev.unbind(NVME)
            assert free(room) == 0
            assert run_child(wrong, mapping, range(region_pages), 1, timeout=120) == []

    def test_force(self, dev, room, make, back_to_small):
        """By force it goes; nothing more is promised, and nobody else is served."""
        region = reserving(dev, ROOM - 10)
        with region:
            _, theirs = make(4)
            assert dev.unbind(NVME, tw.TW_UNBIND_FORCE) == 0
            assert room() == (ROOM - SMALL[NVME], ROOM - 10, ROOM - 10)
            with refused(errno.ENOSPC):
                reserving(dev, 1)
            assert touch_fate(theirs, 0, write=True) == -signal.SIGBUS
            bind(dev, NVME, SMALL[NVME])
            assert room() == (ROOM, ROOM - 10, ROOM - 10)
            assert touch_fate(theirs, 0, write=True) == 0

    def test_unbind_that_fails_later(self, dev, room, make):
        """Its room counts again."""
        make(ROOM - 10, touched=ROOM - 10)
        with pytest.raises(OSError) as caught:
            dev.unbind(NVME)
        assert caught.value.errno == errno.ENOSPC
        assert room()[0] == ROOM


class TestUsers:
    """Without CAP_SYS_RESOURCE nobody reserves all there is."""

    @staticmethod
    def reserve(pages):
        with tw.Device() as device:
            return errno_of(reserving, device, pages)

    def test_one_user(self, room):
        quarter = ROOM // 4
        assert run_user(self.reserve, quarter) == 0
        assert run_user(self.reserve, quarter + 1) == errno.EDQUOT
        assert wait_for(lambda: room() == (ROOM, 0, 0))
        with parameter("max_user_reserve_percent", 50):
            assert run_user(self.reserve, ROOM // 2) == 0
        with parameter("max_user_reserve_percent", 0):
            assert run_user(self.reserve, 1) == errno.EDQUOT
        assert wait_for(lambda: room() == (ROOM, 0, 0))

    def test_several_regions(self):
        def work():
            with tw.Device() as device, reserving(device, ROOM // 8):
                first = errno_of(reserving, device, ROOM // 8)
                return first, errno_of(reserving, device, ROOM // 8 + 1)
        assert run_user(work) == (0, errno.EDQUOT)

    def test_all_users_together(self):
        def hold(ready, done):
            with tw.Device() as device, reserving(device, ROOM // 4):
                ready.set()
                done.wait()

        ready, done = Reached(), Reached()
        with parameter("max_reserve_percent", 30):
            holder = Child(hold, ready, done, uid=OTHER, gid=device_gid())
            ready.wait()
            assert run_user(self.reserve, ROOM // 4, uid=NOBODY) == errno.EDQUOT
            assert run_user(self.reserve, ROOM // 25, uid=NOBODY) == 0
            done.set()
            holder.result()
            assert wait_for(lambda: run_user(self.reserve, ROOM // 4, uid=NOBODY) == 0)

    def test_records_are_paid_for(self):
        """A cap on records is met at creation, not by SIGBUS at a touch."""
        with parameter("max_user_record_mib", 0):
            assert run_user(self.reserve, 8) == errno.EDQUOT

    def test_records_paid_for_are_there(self):
        def work(ready, done):
            with tw.Device() as device, reserving(device, 8) as region, region.map() as mapping:
                ready.set()
                done.wait()
                fill(mapping, range(8), 1)
                return wrong(mapping, range(8), 1)

        ready, done = Reached(), Reached()
        child = Child(work, ready, done, uid=NOBODY, gid=device_gid())
        ready.wait()
        with parameter("max_user_record_mib", 0):
            done.set()
            assert child.result() == []
