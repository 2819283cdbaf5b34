# topology: movable --turns
# SPDX-License-Identifier: GPL-2.0
"""A GPU node that is all ZONE_MOVABLE: refused by default, and taken offline."""

import errno
from pathlib import Path

import pytest

import tw
from support import TOPOLOGY, Child, Pin, Reached, fill, place, refused, wait_for, wrong
from tw import CPU, GPU, NVME, PAGE

pytestmark = pytest.mark.skipif(TOPOLOGY != "movable", reason="needs topology movable")

NODE = Path("/sys/devices/system/node/node2")


def blocks() -> list[Path]:
    """The node's memory blocks."""
    return sorted(NODE.glob("memory[0-9]*"))


def offline(block: Path) -> None:
    (block / "state").write_text("offline")


@pytest.fixture(autouse=True)
def bound(dev):
    """The GPU tier with the flag, where the test does not do it itself."""
    for block in blocks():
        if (block / "state").read_text().strip() != "online":
            (block / "state").write_text("online_movable")
    if GPU in dev.bound():
        dev.unbind(GPU)
    yield
    if GPU in dev.bound():
        dev.unbind(GPU)
    for block in blocks():
        if (block / "state").read_text().strip() != "online":
            (block / "state").write_text("online_movable")


def test_it_is_that_topology():
    assert blocks()
    zones = {(block / "valid_zones").read_text().split()[0] for block in blocks()}
    assert zones == {"Movable"}
    assert not (NODE / "cpulist").read_text().strip()


class TestRefusal:
    def test_by_default(self, dev):
        with refused(errno.EOPNOTSUPP):
            dev.bind(GPU)

    def test_named(self, dev):
        with refused(errno.EOPNOTSUPP):
            dev.bind(GPU, nodes=1 << 2)

    def test_not_bound_at_load(self, dev):
        """The driver binds what fits at load; this did not fit."""
        log = Path("/dev/kmsg")
        assert log.exists() and GPU not in dev.bound()

    def test_with_the_flag(self, dev):
        dev.bind(GPU, flags=tw.TW_BIND_MOVABLE)
        info = dev.tier_info(GPU)
        assert info.kind == tw.TW_KIND_NUMA and info.nodes == 1 << 2 and info.capacity > 0

    def test_flag_on_an_ordinary_tier(self, dev):
        """It allows, it does not demand."""
        dev.unbind(CPU)
        dev.bind(CPU, flags=tw.TW_BIND_MOVABLE)
        assert dev.tier_info(CPU).capacity > 0


def test_moves(dev, make):
    dev.bind(GPU, flags=tw.TW_BIND_MOVABLE)
    region, mapping = make(64, seed=1, touched=64)
    for tier in (GPU, NVME, GPU, CPU):
        place(region, 0, 64, tier)
        assert wrong(mapping, range(64), 1) == []
    place(region, 0, 64, GPU)
    assert {page.node for page in region.pages()} == {2}


def test_offline_moves_pages_away(dev, make):
    """Every page survives its memory block's going."""
    dev.bind(GPU, flags=tw.TW_BIND_MOVABLE)
    count = 1000
    region, mapping = make(count, seed=2, touched=count, affinity=GPU)
    assert region.info().pages[GPU] == count
    for block in blocks():
        offline(block)
    info = region.info()
    assert info.pages[GPU] == 0 and sum(info.pages) == count and info.lost == 0
    assert wrong(mapping, range(count), 2) == []


def test_offline_while_used(dev, make):
    """A program goes on writing through it."""
    dev.bind(GPU, flags=tw.TW_BIND_MOVABLE)
    region, mapping = make(128, affinity=GPU)
    stop = Reached()

    def work():
        turn = 0
        while not stop.get():
            turn += 1
            fill(mapping, range(128), turn)
            assert wrong(mapping, range(128), turn) == [], turn
        return turn

    child = Child(work)
    assert wait_for(lambda: region.info().pages[GPU] > 0)
    gone = 0
    for block in blocks():
        try:
            offline(block)
            gone += 1
        except OSError as error:
            assert error.errno == errno.EBUSY
    stop.set()
    turn = child.result()
    assert turn > 0 and gone > 0
    assert wrong(mapping, range(128), turn) == []


def test_offline_with_a_pin(dev, make):
    """A pinned page holds its block: refused, intact; without the pin it goes."""
    dev.bind(GPU, flags=tw.TW_BIND_MOVABLE)
    region, mapping = make(4, seed=3, touched=4, affinity=GPU)
    pfn = region.pages()[0].pfn
    size = int(Path("/sys/devices/system/memory/block_size_bytes").read_text(), 16)
    block = NODE / f"memory{pfn * PAGE // size}"
    assert block.exists()
    with Pin(mapping.addr):
        with pytest.raises(OSError) as caught:
            offline(block)
        assert caught.value.errno in (errno.EBUSY, errno.EINTR)
        assert (block / "state").read_text().strip() == "online"
        assert wrong(mapping, range(4), 3) == []
    offline(block)
    assert wrong(mapping, range(4), 3) == []
    assert all(page.pfn * PAGE // size != pfn * PAGE // size
               for page in region.pages() if page.pfn)


def test_offline_with_stored_pages(dev, make):
    """Pages in a store do not care."""
    dev.bind(GPU, flags=tw.TW_BIND_MOVABLE)
    region, mapping = make(32, seed=4, touched=32, affinity=GPU)
    place(region, 0, 32, NVME)
    for block in blocks():
        offline(block)
    assert region.info().pages[NVME] == 32
    assert wrong(mapping, range(32), 4) == []


def test_comes_back(dev, make):
    """Memory that is online again is used again."""
    dev.bind(GPU, flags=tw.TW_BIND_MOVABLE)
    for block in blocks():
        offline(block)
    for block in blocks():
        (block / "state").write_text("online_movable")
    if GPU in dev.bound():
        dev.unbind(GPU)
    dev.bind(GPU, flags=tw.TW_BIND_MOVABLE)
    region, mapping = make(16, seed=5, touched=16, affinity=GPU)
    assert region.info().pages[GPU] == 16
    assert wrong(mapping, range(16), 5) == []
