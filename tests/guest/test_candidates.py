# SPDX-License-Identifier: GPL-2.0
"""Candidates: which pages are worth moving, in which order, for whom."""

import ctypes
import errno

import pytest

import tw
from support import errno_of, fill, place, refused, run_user, tiers_of
from tw import CPU, GPU, NVME, PAGE, SSD


@pytest.fixture(scope="module", autouse=True)
def roomy(dev):
    """Room enough that nothing moves by itself."""
    with tiers_of(dev, {CPU: 0, GPU: 0, NVME: 0, SSD: 0}):
        yield


def mine(region, candidates):
    """Page indices of those that are the region's."""
    return [tw_index(one.page) for one in candidates
            if tw.TW_PAGE_REGION(one.page) == region.number]


def tw_index(page):
    return tw.TW_PAGE_INDEX(page)


def numbers(region, indices):
    return [region.page(index) for index in indices]


def test_fresh_pages_are_cold_candidates(dev, make):
    region, _ = make(40, touched=40)
    found = dev.candidates(CPU, NVME, 4096)
    assert sorted(mine(region, found)) == list(range(40))
    assert len({one.page for one in found}) == len(found), "one was returned twice"
    for one in found:
        assert (one.from_tier, one.to_tier, one.reserved) == (CPU, NVME, 0)
        assert one.benefit_ns < 0 or one.heat == 0


def test_coldest_first(dev, make):
    region, _ = make(30, touched=30)
    dev.mark(numbers(region, range(5, 10)), tw.TW_CLASS_COLD)
    dev.mark(numbers(region, range(20, 30)), tw.TW_CLASS_HOT)
    found = dev.candidates(CPU, NVME, 4096)
    ours = mine(region, found)
    assert sorted(ours[:5]) == list(range(5, 10))
    assert sorted(ours[5:]) == [*range(5), *range(10, 20)], "hot ones are no candidates"
    heats = [one.heat for one in found]
    assert heats == sorted(heats)


def test_hottest_first(dev, make):
    region, _ = make(40, touched=40)
    place(region, 0, 40, NVME)
    assert mine(region, dev.candidates(NVME, CPU, 1000)) == []
    hot = [3, 17, 31, 8, 22]
    dev.mark(numbers(region, hot), tw.TW_CLASS_HOT)
    found = dev.candidates(NVME, CPU, 1000)
    assert sorted(mine(region, found)) == sorted(hot)
    assert all(one.benefit_ns > 0 and one.heat > 100 for one in found)
    benefits = [one.benefit_ns for one in found]
    assert benefits == sorted(benefits, reverse=True)
    # In a slower tier than it is in, it is no candidate: it is hot.
    assert not set(mine(region, dev.candidates(NVME, SSD, 1000))) & set(hot)


def test_hotter_before_hot(dev, make):
    """Heat by faults: each return from a store is one more."""
    region, mapping = make(6, touched=6)
    for index in range(6):
        for _ in range(9 + index):
            place(region, index, 1, NVME)
            fill(mapping, [index], 1)
    assert [one.heat for one in dev.page_info(numbers(region, range(6)))] == \
        [100 + 10 * index for index in range(6)]
    place(region, 0, 6, NVME)
    assert mine(region, dev.candidates(NVME, CPU, 100)) == [5, 4, 3, 2, 1]
    assert mine(region, dev.candidates(NVME, CPU, 2)) == [5, 4]


def test_found_in_the_tier_it_moved_to(dev, make):
    """And not where it was."""
    region, _ = make(10, touched=10)
    dev.mark(numbers(region, range(10)), tw.TW_CLASS_COLD)
    place(region, 0, 5, NVME)
    assert sorted(mine(region, dev.candidates(CPU, NVME, 1000))) == list(range(5, 10))
    assert sorted(mine(region, dev.candidates(NVME, SSD, 1000))) == list(range(5))
    region.discard(0, 10 * PAGE)
    assert mine(region, dev.candidates(CPU, NVME, 1000)) == []
    assert mine(region, dev.candidates(NVME, SSD, 1000)) == []


def test_none_of_a_closed_region(dev):
    region = dev.region(20 * PAGE)
    mapping = region.map()
    fill(mapping, range(20), 1)
    number = region.number
    assert len(mine(region, dev.candidates(CPU, NVME, 1000))) == 20
    mapping.unmap()
    region.close()
    assert number not in [tw.TW_PAGE_REGION(one.page) for one in dev.candidates(CPU, NVME, 1000)]


def test_more_than_the_rings_hold(dev, make):
    """A walk finds what the bounded queue has lost; nothing twice, no more than wanted."""
    region, _ = make(1500, touched=1500)
    for room in (1, 2, 100, 256, 257, 1000):
        found = dev.candidates(CPU, NVME, room)
        assert len(found) == room
        assert len({one.page for one in found}) == room
    found = set()
    for _ in range(4):
        found |= set(mine(region, dev.candidates(CPU, NVME, 4096)))
    assert found == set(range(1500))


def test_again_and_again(dev, make):
    """Looking takes nothing away."""
    region, _ = make(20, touched=20)
    first = mine(region, dev.candidates(CPU, SSD, 1000))
    assert sorted(first) == list(range(20))
    assert mine(region, dev.candidates(CPU, SSD, 1000)) == first


def test_only_ones_own(dev, make):
    """An ordinary user sees no page of others, and takes none away from them."""
    region, _ = make(20, touched=20)

    def look():
        with tw.Device() as device:
            before = len(device.candidates(CPU, NVME, 1000))
            with device.region(8 * PAGE) as own:
                mapping = own.map()
                fill(mapping, range(8), 1)
                found = device.candidates(CPU, NVME, 1000)
                same = sorted(mine(own, found)) == list(range(8)) and len(found) == 8
                mapping.unmap()
                return [before, same]

    assert run_user(look) == [0, True]
    assert sorted(mine(region, dev.candidates(CPU, NVME, 1000))) == list(range(20))


def bad(device, err, region, **members):
    array = (tw.Candidate * 4)()
    good = {"from_tier": CPU, "to_tier": NVME, "nr": 4, "candidates": ctypes.addressof(array)}
    with refused(err, region):
        device.ioctl(tw.TW_IOC_CANDIDATES, tw.Candidates(**{**good, **members}))
    assert not any(bytes(array))


def test_refused(dev, make):
    region, _ = make(4, touched=4)
    most = dev.info().max_pages
    for tier in tw.TIERS:
        bad(dev, errno.EINVAL, region, from_tier=tier, to_tier=tier)
    for nr in (0, most + 1, 1 << 31, (1 << 32) - 1):
        bad(dev, errno.EINVAL, region, nr=nr)
    for tier in (5, tw.NONE, (1 << 32) - 1):
        bad(dev, errno.EINVAL, region, from_tier=tier)
        bad(dev, errno.EINVAL, region, to_tier=tier)
    bad(dev, errno.EINVAL, region, flags=2)
    bad(dev, errno.EINVAL, region, entry_size=0)
    for pointer in (0, PAGE, 1 << 63):
        bad(dev, errno.EFAULT, region, candidates=pointer)


def test_refused_as_user():
    def look():
        with tw.Device() as device:
            return [errno_of(device.candidates, CPU, CPU), errno_of(device.candidates, 9, CPU)]

    assert run_user(look) == [errno.EINVAL] * 2
