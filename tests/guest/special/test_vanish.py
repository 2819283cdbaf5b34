# topology: default --turns
# SPDX-License-Identifier: GPL-2.0
"""A disk that is pulled out. It stays out: run in a boot of its own."""

import errno
import os
import signal
from pathlib import Path

import pytest

import tw
from support import (Layout, fill, pattern, place, refused, store_path, touch_fate, wait_for,
                     wrong)
from tw import CPU, GPU, HDD, NVME, PAGE, SSD

ERROR = tw.TW_EVENT_BIT(tw.TW_EVENT_TIER_ERROR)

pytestmark = pytest.mark.keeps


@pytest.fixture(scope="module")
def world(dev):
    """A region with pages in every tier; then the SSD goes."""
    region = dev.region(32 * PAGE)
    mapping = region.map()
    fill(mapping, range(32), 1)
    place(region, 0, 8, SSD)
    place(region, 8, 8, NVME)
    place(region, 16, 4, HDD)
    place(region, 20, 4, GPU)
    disk = Path("/sys/block") / os.path.basename(store_path(SSD))
    (disk / "device" / "delete").write_text("1")
    assert wait_for(lambda: not disk.exists())
    del Layout.first[SSD]
    yield region, mapping
    mapping.unmap()
    region.close()


def test_its_pages_are_sigbus(world, stream):
    region, mapping = world
    reader = stream(ERROR).reader()
    for index in (0, 1):
        assert touch_fate(mapping, index * PAGE) == -signal.SIGBUS
    assert {event.tier for event in reader.read()} == {SSD}
    assert region.info().lost <= 2


def test_the_others_are_whole(world):
    _, mapping = world
    assert wrong(mapping, range(8, 32), 1) == []


def test_moving_from_it(world):
    region, _ = world
    result = region.migrate(2 * PAGE, 6 * PAGE, CPU)
    assert result.status == [-errno.EIO] * 6 and result.failed == 6
    assert region.info().pages[SSD] + region.info().lost == 8


def test_moving_to_it(world):
    region, mapping = world
    result = region.migrate(24 * PAGE, 4 * PAGE, SSD)
    assert set(result.status) <= {-errno.EIO, -errno.ENOSPC, -errno.EOPNOTSUPP}
    assert result.failed == 4 and result.moved == 0
    assert region.tiers(24, 4) == [CPU] * 4
    assert wrong(mapping, range(24, 28), 1) == []


def test_unbind_is_refused(world, dev):
    region, _ = world
    before = region.info().pages[SSD]
    assert before > 0
    with pytest.raises(OSError) as caught:
        dev.unbind(SSD)
    assert caught.value.errno == errno.EIO
    assert SSD in dev.bound() and region.info().pages[SSD] == before


def test_unbind_by_force(world, dev):
    region, mapping = world
    dev.unbind(SSD, tw.TW_UNBIND_FORCE)
    assert SSD not in dev.bound()
    info = region.info()
    assert info.lost == 8 and info.pages[SSD] == 0 and sum(info.pages) == 24
    for index in (2, 7):
        assert touch_fate(mapping, index * PAGE) == -signal.SIGBUS
    assert wrong(mapping, range(8, 32), 1) == []


def test_lost_pages_can_be_discarded(world):
    region, mapping = world
    assert region.discard(0, 8 * PAGE) == 8
    assert region.info().lost == 0
    fill(mapping, range(8), 2)
    assert wrong(mapping, range(8), 2) == []


def test_another_disk_takes_its_place(world, dev):
    """The SSD tier on another device."""
    region, mapping = world
    dev.unbind(HDD)
    dev.bind_store(SSD, store_path(HDD), 64)
    del Layout.first[HDD]
    place(region, 0, 8, SSD)
    assert mapping.read(0, PAGE) == pattern(2, 0)
    with refused(errno.EBUSY):
        dev.bind_store(HDD, store_path(HDD), 64)
    region.migrate(0, 32 * PAGE, CPU)
    dev.unbind(SSD)


def test_nothing_is_left(world, stats, dev):
    region, mapping = world
    region.discard(0, region.bytes)
    assert sum(stats.used()) == 0 and stats.header.lost == 8
    assert mapping.read(0, 1) == b"\0"
    assert dev.bound() == {CPU, GPU, NVME}
