# SPDX-License-Identifier: GPL-2.0
"""What is touched in its order is read from a store before it is touched.

A touch of what one read has brought begins the next read, which no task waits for: it
ends by itself, also when its device hangs or fails, and when the region is closed.
"""

import errno
import signal

import pytest

import tw
from support import (Child, Delta, Loop, Mapper, bind, fill, format_store, place, run_child,
                     tiers_of, touch_fate, wait_for, wrong)
from test_hung import busy, dies, idle
from tw import CPU, GPU, NVME, PAGE, SSD

PAGES = 64
SECTORS = tw.TW_STORE_DATA // 512
ALL = SECTORS + PAGES * 8
# A page alone, four and eight that follow it, and sixteen that nobody has waited for.
READ = 29


def test_sequential_access_is_read_ahead(make, stats):
    """What is touched in its order comes in a few reads; what is not, page by page."""
    region, mapping = make(256, seed=3, touched=256)
    for order, least, most in ((range(256), 1, 40), (range(255, -1, -1), 256, 256),
                               (range(0, 256, 2), 128, 128)):
        place(region, 0, 256, NVME)
        delta = Delta(stats)
        assert wrong(mapping, order, 3) == []
        assert least <= delta.tier(NVME)["major_read"] <= most
        assert region.tiers().count(CPU) == len(order)


@pytest.mark.parametrize("readers", (4, 8))
def test_readers_in_turn(make, stats, readers):
    """Each of them is in order, in 2 MiB of its own; together they are not."""
    each, apart = 128 // readers, 512
    region, mapping = make(readers * apart, seed=1)
    for reader in range(readers):
        fill(mapping, range(reader * apart, reader * apart + each), 1)
        place(region, reader * apart, each, NVME)
    delta = Delta(stats)
    for index in range(each):
        assert wrong(mapping, [reader * apart + index for reader in range(readers)], 1) == []
    assert 1 <= delta.tier(NVME)["major_read"] <= 128 // 2
    assert delta.tier(NVME)["bytes_read"] == 128 * PAGE


def test_into_the_next_chunk(make, stats):
    """A sequence goes on where the records of the next 2 MiB begin."""
    region, mapping = make(640, seed=1, touched=640)
    place(region, 448, 128, NVME)
    delta = Delta(stats)
    assert wrong(mapping, range(448, 576), 1) == []
    assert delta.tier(NVME)["major_read"] <= 128 // 4
    counted = region.tiers(448, 128)
    assert counted == [CPU] * 128


class TestDevice:
    """The SSD tier on a mapped device that hangs, and whose table changes."""

    @pytest.fixture(name="mapper")
    def _mapper(self, dev):
        with Loop(ALL * 512) as loop, Mapper(self.table(loop, "linear")) as mapper:
            mapper.loop = loop
            format_store(mapper.path)
            with tiers_of(dev, {CPU: 512, GPU: 256, NVME: 64}):
                bind(dev, SSD, 0, mapper.path)
                yield mapper
                assert wait_for(lambda: self.unbound(dev))

    def table(self, loop, kind):
        """The signature is readable, and the slots if this is linear."""
        target = f"{loop.path} {SECTORS}" if kind == "linear" else ""
        return [(0, SECTORS, "linear", f"{loop.path} 0"), (SECTORS, PAGES * 8, kind, target)]

    def unbound(self, dev):
        """It is, or has just become so."""
        try:
            dev.unbind(SSD)
        except OSError as error:
            return error.errno == errno.EOPNOTSUPP
        return True

    @pytest.fixture(name="streaming")
    def _streaming(self, mapper, make):
        """A region of which the first pages were touched in order; nothing is under way."""
        region, mapping = make(48, seed=1, touched=48)
        place(region, 0, 48, SSD)
        assert wrong(mapping, [0, 1, 5], 1) == []
        assert wait_for(lambda: region.tiers() == [CPU] * READ + [SSD] * (48 - READ))
        return mapper, region, mapping

    def test_nobody_waits(self, streaming):
        """What has come can be touched while the device hangs, and the next read is under way."""
        mapper, region, mapping = streaming
        mapper.suspend()
        try:
            assert run_child(wrong, mapping, range(READ), 1) == []
            assert wait_for(lambda: busy(region, READ))
            assert not busy(region, 0)
            reader = Child(mapping.read, READ * PAGE, 8)
            assert not wait_for(lambda: not reader.alive(), 0.3), "it waits for the page"
            dies(reader)
        finally:
            mapper.resume()
        assert idle(region, READ) and region.tiers(READ, 1) == [CPU]
        assert wrong(mapping, range(48), 1) == []

    def test_a_late_page_is_a_major_fault(self, streaming, stats):
        """A fault that waits for a page on its way has waited for the store."""
        mapper, region, mapping = streaming
        mapper.suspend()
        try:
            assert run_child(wrong, mapping, range(READ), 1) == []
            assert wait_for(lambda: busy(region, READ))
            delta = Delta(stats)
            reader = Child(wrong, mapping, [READ], 1)
            assert not wait_for(lambda: not reader.alive(), 0.3)
        finally:
            mapper.resume()
        assert reader.result() == []
        assert delta.tier(SSD)["major_read"] == 1 and delta.tier(CPU)["minor_read"] == 0

    def test_closed_meanwhile(self, dev, streaming, stats):
        """The read ends after the region; the store's slots are free then, and it can go."""
        mapper, region, mapping = streaming
        assert stats.used()[SSD] == 48 - READ
        mapper.suspend()
        try:
            assert run_child(wrong, mapping, range(READ), 1) == []
            assert wait_for(lambda: busy(region, READ))
            mapping.unmap()
            region.close()
            assert not wait_for(lambda: stats.used()[SSD] == 0, 0.3)
        finally:
            mapper.resume()
        assert wait_for(lambda: stats.used()[SSD] == 0 and stats.kept()[SSD] == 0)
        assert wait_for(lambda: self.unbound(dev))
        bind(dev, SSD, 0, mapper.path)

    def test_failed(self, streaming, stream, stats):
        """A failure is told of when the page is touched, and only then; nothing is lost."""
        mapper, region, mapping = streaming
        reader = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_TIER_ERROR)).reader()
        mapper.load(self.table(mapper.loop, "error"))
        delta = Delta(stats)
        before = delta.tier(SSD)["bytes_read"]
        assert run_child(wrong, mapping, range(READ), 1) == []
        assert wait_for(lambda: not any(busy(region, index) for index in range(READ, 48)))
        assert reader.read() == [] and delta.tier(SSD)["io_errors"] == 0
        assert touch_fate(mapping, READ * PAGE) == -signal.SIGBUS
        assert [event.status for event in reader.read()] == [-errno.EIO]
        assert delta.tier(SSD)["io_errors"] == 1 and delta.sigbus() == 1
        assert delta.tier(SSD)["bytes_read"] == before and region.info().lost == 0
        assert region.tiers() == [CPU] * READ + [SSD] * (48 - READ)
        mapper.load(self.table(mapper.loop, "linear"))
        assert wrong(mapping, range(48), 1) == []
