# SPDX-License-Identifier: GPL-2.0
"""Heat: what raises and lowers it, marks, lists, thresholds; statistics by ioctl."""

import ctypes
import errno
from pathlib import Path

import pytest

import tw
from support import (close_made, errno_of, fill, place, refused, run_user, set_tiers,
                     tiers_of, wait_for)
from tw import CPU, GPU, NONE, NVME, PAGE, SSD

HOT, COLD, WARM = tw.TW_CLASS_HOT, tw.TW_CLASS_COLD, tw.TW_CLASS_WARM
PARAMETERS = Path("/sys/module/tier_watch/parameters")


@pytest.fixture(scope="module", autouse=True)
def roomy(dev):
    with tiers_of(dev, {CPU: 0, GPU: 0, NVME: 0, SSD: 0}):
        yield


def numbers(region, indices):
    return [region.page(index) for index in indices]


def info(dev, region, index):
    return dev.page_info([region.page(index)])[0]


def test_a_fault_adds_ten(dev, make):
    region, mapping = make(1, touched=1)
    for expected in (10, 20, 30):
        page = info(dev, region, 0)
        assert (page.heat, page.age, page.temperature) == (expected, 0, WARM)
        place(region, 0, 1, NVME)
        fill(mapping, [0], 1)


def test_sweeps_cool(dev, make):
    """Memory is short: pages that nobody touches lose their heat, and are cold then."""
    set_tiers(dev, {CPU: 200, NVME: 0})
    try:
        region, mapping = make(400, touched=400)

        def cooled():
            """A touch alone leaves 10 at least: only sweeps get below."""
            region.discard(200 * PAGE, 200 * PAGE)
            fill(mapping, range(200, 400), 1)
            return [page for page in dev.page_info(numbers(region, range(400)))
                    if page.heat < 10 and page.age]

        assert wait_for(cooled, 30)
        assert all(page.temperature == COLD for page in cooled())
        assert region.info().pages[NVME] > 0
    finally:
        close_made()
        set_tiers(dev, {CPU: 0, GPU: 0, NVME: 0, SSD: 0})


def test_mark(dev, make):
    region, _ = make(8, touched=6)
    result = dev.mark(numbers(region, (0, 1, 7)), HOT)
    assert (result.done, result.failed) == (2, 1)
    assert result.status == [0, 0, -errno.ENOENT], "an untouched page has no heat"
    page = info(dev, region, 0)
    assert (page.temperature, page.heat, page.age) == (HOT, 101, 0)
    assert dev.mark(numbers(region, [0]), COLD).done == 1
    page = info(dev, region, 0)
    assert (page.temperature, page.heat) == (COLD, 0) and page.age >= 1
    assert info(dev, region, 1).temperature == HOT
    assert info(dev, region, 2).temperature == WARM


def test_marked_hot_keeps_more(dev, make):
    """What is hotter already stays so."""
    region, mapping = make(1, touched=1)
    dev.mark(numbers(region, [0]), HOT)
    place(region, 0, 1, NVME)
    fill(mapping, [0], 1)
    dev.mark(numbers(region, [0]), HOT)
    assert info(dev, region, 0).heat == 111


def test_mark_refused(dev, make):
    region, _ = make(4, touched=4)
    array = tw.u64s(numbers(region, range(4)))
    good = {"temperature": HOT, "nr": 4, "pages": ctypes.addressof(array)}
    for err, members in (
            (errno.EINVAL, {"flags": 1}), (errno.EINVAL, {"temperature": WARM}),
            (errno.EINVAL, {"temperature": 3}), (errno.EINVAL, {"nr": 0}),
            (errno.EINVAL, {"nr": dev.info().max_pages + 1}), (errno.EFAULT, {"pages": 0}),
            (errno.EFAULT, {"pages": 1 << 63}), (errno.EFAULT, {"status": PAGE})):
        with refused(err, region):
            dev.ioctl(tw.TW_IOC_MARK, tw.Mark(**{**good, **members}))
    assert [page.heat for page in dev.page_info(array)] == [10] * 4


def test_mark_is_for_ones_own(dev, make):
    region, _ = make(2, touched=2)
    pages = numbers(region, range(2))

    def mark():
        with tw.Device() as device:
            return device.mark([*pages, 0, 1234], HOT).status

    assert run_user(mark) == [-errno.ENOENT] * 4
    assert [page.heat for page in dev.page_info(pages)] == [10, 10]


@pytest.mark.parametrize("room", [1, 3, 7, 256])
def test_lists(dev, make, room):
    """All of a class, in order, each once, whatever the room."""
    one, _ = make(1030, touched=20)
    two, mapping = make(600, touched=4)
    fill(mapping, range(590, 595), 1)
    place(one, 0, 10, NVME)
    dev.mark(numbers(one, (2, 4, 15)), HOT)
    dev.mark(numbers(two, (1, 591, 594)), HOT)
    dev.mark(numbers(one, (3, 16)), COLD)
    mine = {region.number for region in (one, two)}

    def listed(temperature, tier=NONE):
        return [page.page for page in dev.page_list(temperature, tier, room)
                if tw.TW_PAGE_REGION(page.page) in mine]

    assert listed(HOT) == numbers(one, (2, 4, 15)) + numbers(two, (1, 591, 594))
    assert listed(HOT, NVME) == numbers(one, (2, 4))
    assert listed(HOT, CPU) == numbers(one, (15,)) + numbers(two, (1, 591, 594))
    assert listed(COLD) == numbers(one, (3, 16))
    assert listed(COLD, CPU) == numbers(one, (16,))
    assert listed(WARM, NVME) == numbers(one, (0, 1, 5, 6, 7, 8, 9))
    assert listed(WARM, SSD) == []


def sampled(dev, every: int, cursor: int = 0, end: int = 0, room: int = 100) -> list[int]:
    """Numbers of the pages of one chunk in @every, of any temperature."""
    found: list[int] = []
    infos = (tw.Page * room)()
    while True:
        arg = dev.call(tw.TW_IOC_PAGE_LIST, tw.PageList(
            tier=NONE, temperature=tw.TW_CLASS_ANY, nr=room, cursor=cursor, every=every, end=end,
            infos=ctypes.addressof(infos)))
        assert arg.nr <= arg.looked or not arg.nr
        found += [page.page for page in infos[:arg.nr]]
        cursor = arg.cursor
        if not cursor:
            return found


def test_list_of_all_temperatures(dev, make):
    """Each once, whatever it is called; the numbers go up."""
    region, _ = make(700, touched=700)
    dev.mark([region.page(index) for index in (2, 600)], HOT)
    dev.mark([region.page(index) for index in (3, 699)], COLD)
    everything = [region.page(index) for index in range(700)]
    assert sampled(dev, 0) == sampled(dev, 1) == everything
    assert sampled(dev, 1, region.page(690)) == everything[690:]


def test_list_to_an_end(dev, make):
    """What is behind it is not even looked at."""
    region, _ = make(700, touched=700)
    make(700, touched=700)
    begin, end = region.page(100), region.page(600)
    for room in (1, 7, 500, 512):
        assert sampled(dev, 1, begin, end, room) == list(range(begin, end))
    assert sampled(dev, 1, end, end) == sampled(dev, 1, end, begin) == []
    infos = (tw.Page * 512)()
    arg = dev.call(tw.TW_IOC_PAGE_LIST, tw.PageList(
        tier=NONE, temperature=tw.TW_CLASS_ANY, nr=512, cursor=begin, end=end,
        infos=ctypes.addressof(infos)))
    assert (arg.nr, arg.looked, arg.cursor) == (500, 500, 0)


def test_list_of_some_chunks(dev, make):
    """One of each group, whole, always the same, and among those of smaller groups."""
    chunk, count = tw.TW_CHUNK, 16
    regions = [make(count * chunk)[0] for _ in range(4)]
    touched = [index for place in range(count)
               for index in (place * chunk, place * chunk + 7, (place + 1) * chunk - 1)]
    for region in regions:
        with region.map() as mapping:
            for index in touched:
                mapping.write(index * PAGE, b"x")
    before = set(sampled(dev, 1))
    assert before == {region.page(index) for region in regions for index in touched}
    patterns = set()
    for every in (2, 4, 8, 16):
        pages = sampled(dev, every)
        assert pages == sampled(dev, every, room=5) and set(pages) <= before
        before = set(pages)
        for region in regions:
            chosen = sorted({tw.TW_PAGE_INDEX(page) // chunk for page in pages
                             if tw.TW_PAGE_REGION(page) == region.number})
            assert [place // every for place in chosen] == list(range(count // every))
            patterns.add((every, *(place % every for place in chosen)))
        assert len(pages) == len(regions) * count // every * 3
    # Neither at the same place in each group, nor in each region.
    assert len(patterns) > 8
    # Regions of one chunk: some of them.
    close_made()
    small = [make(1, touched=1)[0] for _ in range(64)]
    assert 8 <= len(sampled(dev, 2)) <= 56 and len(sampled(dev, 1)) == len(small)
    assert len(sampled(dev, 1 << 31)) <= 4


def test_list_of_a_user(dev, make):
    """Only one's own, no frame numbers, and a cursor opens nothing."""
    region, _ = make(4, touched=4)
    foreign = region.page(0)

    def look():
        with tw.Device() as device, device.region(4 * PAGE) as own:
            mapping = own.map()
            fill(mapping, range(3), 1)
            pages = device.page_list(WARM)
            infos = (tw.Page * 8)()
            ours = [own.page(index) for index in range(3)]
            found = []
            for cursor in (foreign, foreign + 2, 1, 5, (1 << 63) - 1):
                arg = device.call(tw.TW_IOC_PAGE_LIST, tw.PageList(
                    tier=NONE, temperature=WARM, nr=8, cursor=cursor,
                    infos=ctypes.addressof(infos)))
                found += [page.page for page in infos[:arg.nr]]
            mapping.unmap()
            return [[page.page for page in pages] == ours, any(page.pfn for page in pages),
                    set(found) <= set(ours)]

    assert run_user(look) == [True, False, True]


def test_list_refused(dev, make):
    region, _ = make(4, touched=4)
    infos = (tw.Page * 4)()
    good = {"tier": NONE, "temperature": WARM, "nr": 4, "infos": ctypes.addressof(infos)}
    for err, members in (
            (errno.EINVAL, {"flags": 1}), (errno.EINVAL, {"entry_size": 0}),
            (errno.EINVAL, {"tier": 5}), (errno.EINVAL, {"temperature": 3}),
            (errno.EINVAL, {"temperature": 0xfe}), (errno.EINVAL, {"every": 3}),
            (errno.EINVAL, {"every": (1 << 32) - 1}),
            (errno.EINVAL, {"nr": 0}), (errno.EINVAL, {"nr": dev.info().max_pages + 1}),
            (errno.EFAULT, {"infos": 0}), (errno.EFAULT, {"infos": 1 << 63})):
        with refused(err, region):
            dev.ioctl(tw.TW_IOC_PAGE_LIST, tw.PageList(**{**good, **members}))
    assert not any(bytes(infos))


def test_threshold_parameters(dev, make):
    """Cold stays below hot; what a page is called follows at once."""
    region, _ = make(1, touched=1)
    hot, cold = PARAMETERS / "hot_threshold", PARAMETERS / "cold_threshold"
    try:
        for path, value in ((hot, 10), (hot, 5), (hot, 65535), (cold, 100), (cold, 200),
                            (cold, 0), (hot, -1), (cold, "x")):
            assert errno_of(path.write_text, str(value)) == errno.EINVAL, (path, value)
        assert (hot.read_text(), cold.read_text()) == ("100\n", "10\n")
        cold.write_text("3")
        hot.write_text("9")
        assert info(dev, region, 0).temperature == HOT
        stats = dev.module_stats()
        assert (stats.hot_threshold, stats.cold_threshold) == (9, 3)
    finally:
        hot.write_text("100")
        cold.write_text("10")


# --- statistics by ioctl ------------------------------------------------------------------

FAULTS = ("minor_read", "minor_write", "major_read", "major_write", "first", "reported",
          "fault_ns")


def test_fault_stats(dev, stats, make):
    """The figures since the last reset; the statistics page goes on."""
    dev.fault_stats(CPU, tw.TW_FAULT_STATS_RESET)
    dev.fault_stats(NVME, tw.TW_FAULT_STATS_RESET)
    before = stats.counters(CPU)
    region, mapping = make(12, touched=12)
    place(region, 0, 5, NVME)
    fill(mapping, range(5), 1)
    cpu, nvme = dev.fault_stats(CPU), dev.fault_stats(NVME)
    assert cpu.first >= 12 and cpu.minor_write >= 12 and cpu.fault_ns > 0
    assert nvme.major_read + nvme.major_write >= 1
    after = stats.counters(CPU)
    for name in FAULTS:
        assert getattr(cpu, name) == after[name] - before[name], name
    last = dev.fault_stats(CPU, tw.TW_FAULT_STATS_RESET)
    assert [getattr(last, name) for name in FAULTS] == [getattr(cpu, name) for name in FAULTS]
    assert [getattr(dev.fault_stats(CPU), name) for name in FAULTS] == [0] * len(FAULTS)
    assert stats.counters(CPU) == after
    other = dev.fault_stats(NVME)
    assert [getattr(other, name) for name in FAULTS] == [getattr(nvme, name) for name in FAULTS]


def test_fault_stats_refused(dev):
    for err, members in ((errno.EINVAL, {"flags": 2}), (errno.EINVAL, {"tier": 5}),
                         (errno.EINVAL, {"tier": NONE}), (errno.EINVAL, {"reserved": 1})):
        with refused(err):
            dev.ioctl(tw.TW_IOC_FAULT_STATS, tw.FaultStats(**{"tier": CPU, **members}))


def test_fault_stats_of_a_user(dev, make):
    make(3, touched=3)
    before = dev.fault_stats(CPU)

    def look():
        with tw.Device() as device:
            return [device.fault_stats(CPU).first > 0,
                    errno_of(device.fault_stats, CPU, tw.TW_FAULT_STATS_RESET)]

    assert run_user(look) == [True, errno.EPERM]
    assert dev.fault_stats(CPU).first == before.first


def test_module_stats(dev, stats, make):
    """The same as the statistics page says, summed."""
    region, mapping = make(30, touched=30)
    place(region, 0, 10, NVME)
    fill(mapping, (5, 3, 1), 1)         # so that nothing is being read ahead
    shown = dev.module_stats()
    counters = [stats.counters(tier) for tier in tw.TIERS]
    assert shown.pages_tracked == sum(stats.used()) + shown.pages_external
    assert shown.pages_tracked >= 30
    assert shown.faults == sum(one[name] for one in counters for name in
                               ("minor_read", "minor_write", "major_read", "major_write"))
    assert shown.migrations == sum(one["moves_out"] for one in counters) >= 10
    assert shown.migrations_failed == sum(one["moves_failed"] for one in counters)
    assert shown.migration_ns == sum(one["move_ns"] for one in counters) > 0
    assert shown.faults_reported == sum(one["reported"] for one in counters)
    assert shown.regions == stats.objects()["regions"] and shown.regions >= 1
    assert shown.agents == stats.objects()["agents"]
    assert shown.record_bytes > 0
    assert 1 <= shown.batch_size <= 64
    assert (shown.hot_threshold, shown.cold_threshold) == (100, 10)
    with refused(errno.EINVAL, region):
        dev.ioctl(tw.TW_IOC_MODULE_STATS, tw.ModuleStats(flags=1))


def test_reports_make_hot_but_no_hotter(dev, make):
    """What a user says of his pages outlasts no sweep that others' pages would be judged by."""
    def work():
        with tw.Device() as device, device.region(tw.PAGE) as region, region.map() as mapping:
            mapping.write(0, b"x")
            page = region.page(0)
            for _ in range(2 * hot):
                device.report(page)
            device.mark([page], tw.TW_CLASS_HOT)
            return region.pages()[0].heat

    hot = int((PARAMETERS / "hot_threshold").read_text())
    assert run_user(work) == hot + 1
    region, _ = make(1, touched=1)
    for _ in range(2 * hot):
        dev.report(region.page(0))
    assert region.pages()[0].heat >= 2 * hot
