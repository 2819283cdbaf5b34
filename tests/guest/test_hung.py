# SPDX-License-Identifier: GPL-2.0
"""A store whose device hangs: whoever waits for it can be killed, and nothing is lost.

The device is a mapped one that is suspended.  Each test kills while it is, and
lets it go on then: what hung must end as if nobody had been killed.
"""

import errno
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

import test_gup
import tw
from command import TW
from support import (Child, Loop, Mapper, Reached, bind, fill, format_store, place, refused,
                     tiers_of, wait_for, wrong)
from tw import CPU, GPU, NVME, PAGE, SSD

SIZE = 64 + tw.TW_STORE_DATA // PAGE        # pages
SOON = 10
LOW, HIGH = 0, 2
FAILSLAB = Path("/sys/kernel/debug/failslab")


class Disk:
    """The SSD tier, which hangs at times."""

    def __init__(self, dev, mapper):
        self.dev, self.mapper = dev, mapper

    @contextmanager
    def hung(self):
        self.mapper.suspend()
        try:
            yield
        finally:
            self.mapper.resume()


@pytest.fixture(scope="module")
def mapper():
    with Loop(SIZE * PAGE) as loop:
        with Mapper([(0, SIZE * 8, "linear", f"{loop.path} 0")]) as one:
            format_store(one.path)
            yield one


@pytest.fixture
def disk(dev, mapper):
    with tiers_of(dev, {CPU: 512, GPU: 256, NVME: 64}):
        bind(dev, SSD, 0, mapper.path)
        yield Disk(dev, mapper)
        assert wait_for(lambda: unbind(dev) in (0, errno.EOPNOTSUPP))


@pytest.fixture
def starving():
    """Calls a function in a process for which there is no memory but by sleeping for it."""
    if not FAILSLAB.exists():
        pytest.skip("no fault injection in this kernel (the debug kernel has it)")
    knobs = {"task-filter": "Y", "ignore-gfp-wait": "Y", "verbose": "0", "times": "-1",
             "probability": "100"}
    before = {name: (FAILSLAB / name).read_text() for name in knobs}
    for name, value in knobs.items():
        (FAILSLAB / name).write_text(value)

    def starve(function, *args):
        Path("/proc/self/make-it-fail").write_text("1", encoding="ascii")
        function(*args)
    yield starve
    for name, value in reversed(before.items()):
        (FAILSLAB / name).write_text(value)


def unbind(dev):
    try:
        dev.unbind(SSD)
    except OSError as error:
        return error.errno
    return 0


def busy(region, index):
    """A transfer of the page is under way."""
    return bool(region.pages(index * PAGE, PAGE)[0].flags & tw.TW_PAGE_BUSY)


def dies(child, number=signal.SIGKILL):
    """It ends by this signal, now, and not when the device goes on."""
    child.kill(number)
    ended = wait_for(lambda: not child.alive(), SOON)
    assert ended, f"still there: {open(f'/proc/{child.pid}/stat').read().split()[2]}"
    assert child.wait() == -number


def idle(region, index):
    return wait_for(lambda: not busy(region, index))


WAYS = [way for way in test_gup.WAYS if way not in (
    test_gup.touch, test_gup.map_populate, test_gup.direct_read, test_gup.direct_write)]


class TestTouch:
    """A page that has to be read from it."""

    @pytest.fixture
    def stored(self, disk, make):
        region, mapping = make(16, seed=1, touched=16)
        place(region, 0, 16, SSD)
        return disk, region, mapping

    def test_dies(self, stored, stats):
        disk, region, mapping = stored
        used, kept = stats.used(), stats.kept()
        with disk.hung():
            first = Child(mapping.read, 5 * PAGE, 8)
            assert wait_for(lambda: busy(region, 5))
            second = Child(wrong, mapping, [5], 1)      # waits for the first one's read
            dies(first)
            third = Child(mapping.write, 5 * PAGE, b"x")
            dies(third)
            assert busy(region, 5) and second.alive()
            assert stats.used() == [used[0], used[1] + 1, *used[2:]]    # its frame
        assert second.result() == []
        assert idle(region, 5)
        assert wrong(mapping, range(16), 1) == []
        assert sum(stats.used()) == sum(used) and sum(stats.kept()) >= sum(kept)

    def test_read_ahead(self, stored):
        """The neighbours that came along go on, too."""
        disk, region, mapping = stored
        assert wrong(mapping, [0, 1], 1) == []
        index = region.tiers().index(SSD)
        assert index == 5
        with disk.hung():
            child = Child(mapping.read, index * PAGE, 8)
            assert wait_for(lambda: busy(region, index))
            dies(child)
        assert wrong(mapping, range(16), 1) == []

    def test_is_pressure(self, stored, dev, stats):
        """The store's level rises while it hangs, and not only when it has answered."""
        disk, region, mapping = stored
        changes = stats.tier(SSD)["level_changes"]
        assert wait_for(lambda: dev.pressure(SSD).level == LOW, 60)
        with disk.hung():
            child = Child(mapping.read, 5 * PAGE, 8)
            assert wait_for(lambda: busy(region, 5))
            assert wait_for(lambda: dev.pressure(SSD).level == HIGH, 60)
            assert child.alive() and busy(region, 5)
            assert dev.pressure(SSD).stalled10 >= 100 and dev.pressure(SSD).stalled60 > 0
            assert stats.tier(SSD)["level"] == HIGH
            assert stats.tier(SSD)["level_changes"] > changes
            assert [dev.pressure(tier).level for tier in (CPU, NVME)] == [LOW] * 2
        assert child.result()
        assert wait_for(lambda: dev.pressure(SSD).level < HIGH, 120)
        assert wrong(mapping, range(16), 1) == []

    @pytest.mark.parametrize("way", WAYS)
    def test_gup(self, stored, way):
        disk, region, mapping = stored
        with disk.hung():
            child = Child(way, mapping.addr + 3 * PAGE, region)
            if not wait_for(lambda: busy(region, 3) or not child.alive()) or not busy(region, 3):
                assert child.result() is None
                pytest.skip("the kernel has no such call")
            dies(child)
        assert idle(region, 3)
        assert wrong(mapping, range(4, 16), 1) == []

    def test_discard(self, stored):
        disk, region, mapping = stored
        with disk.hung():
            reader = Child(mapping.read, 5 * PAGE, 8)
            assert wait_for(lambda: busy(region, 5))
            for give_up in (region.discard, region.punch):
                child = Child(give_up, 5 * PAGE, PAGE)
                assert not wait_for(lambda one=child: not one.alive(), 0.2)
                dies(child)
            dies(reader)
        assert wrong(mapping, range(16), 1) == []

    def test_seal(self, stored):
        """No seal while pages are being freed: it would promise what is not so yet."""
        disk, region, mapping = stored
        with disk.hung():
            reader = Child(mapping.read, 5 * PAGE, 8)
            assert wait_for(lambda: busy(region, 5))
            child = Child(region.discard, 5 * PAGE, PAGE)
            assert not wait_for(lambda: not child.alive(), 0.2)
            with refused(errno.EBUSY, region):
                region.seal(tw.TW_SEAL_DISCARD)
            assert region.seal() == 0
            assert region.seal(tw.TW_SEAL_WRITE) == tw.TW_SEAL_WRITE
        assert reader.result() and child.result() == 1
        assert region.seal(tw.TW_SEAL_DISCARD) == tw.TW_SEAL_DISCARD | tw.TW_SEAL_WRITE
        assert wrong(mapping, [index for index in range(16) if index != 5], 1) == []

    def test_last_user_dies(self, dev, disk, stats):
        """Nobody is left who would want the page; the region goes when the device lets it."""
        before = stats.objects()["regions"]
        region = dev.region(16 * PAGE)
        mapping = region.map()
        fill(mapping, range(16), 1)
        place(region, 0, 16, SSD)
        page = region.page(5)
        go = Reached()

        def touch():
            go.wait()
            mapping.read(5 * PAGE, 8)
        with disk.hung():
            child = Child(touch)
            mapping.unmap()
            region.close()
            go.set()
            assert wait_for(lambda: dev.page_info([page])[0].flags & tw.TW_PAGE_BUSY)
            dies(child)
            assert wait_for(lambda: dev.page_info([page])[0].status == -errno.ENOENT)
            # Those the device does not have are gone at once.
            assert wait_for(lambda: dev.tier_info(SSD).used == 1)
            assert stats.objects()["regions"] == before + 1
        assert wait_for(lambda: stats.objects()["regions"] == before)
        assert wait_for(lambda: dev.tier_info(SSD).used == 0)

    def test_others_go_on(self, stored, make):
        """Other stores, other regions, other pages of this one."""
        disk, region, mapping = stored
        other, other_mapping = make(16, seed=2, touched=16)
        place(region, 8, 4, CPU)
        with disk.hung():
            child = Child(mapping.read, 5 * PAGE, 8)
            assert wait_for(lambda: busy(region, 5))
            assert wrong(mapping, range(8, 12), 1) == []
            place(other, 0, 16, NVME)
            assert wrong(other_mapping, range(16), 2) == []
            dies(child)
        assert wrong(mapping, range(16), 1) == []


class TestMoves:
    """Transfers that somebody has asked for by name."""

    def test_read(self, disk, make):
        region, mapping = make(16, seed=1, touched=16)
        place(region, 0, 16, SSD)
        for target in (CPU, NVME):
            with disk.hung():
                child = Child(region.migrate, 0, 8 * PAGE, target)
                assert wait_for(lambda: busy(region, 0))
                dies(child)
                # Busy to others; they need not wait.
                assert region.migrate(0, PAGE, GPU).status == [-errno.EBUSY]
            assert all(idle(region, index) for index in range(8))
            place(region, 0, 16, SSD)
        assert wrong(mapping, range(16), 1) == []

    def test_short_of_memory(self, dev, disk, make, starving):
        """It takes all that was set aside to read it with, but not other stores'."""
        region, mapping = make(64, seed=1, touched=64)
        other, other_mapping = make(16, seed=2, touched=16)
        place(region, 0, 64, SSD)
        place(other, 0, 16, NVME)
        children = []
        with disk.hung():
            # Each second page: no two of them are one read.
            for first in (0, 1):
                pages = [region.page(index) for index in range(first, 64, 2)]
                children.append(Child(starving, dev.migrate, pages, CPU))
                assert wait_for(lambda last=62 + first: busy(region, last))
            children.append(Child(starving, other.migrate, 0, 16 * PAGE, CPU))
            assert wait_for(lambda: not children[-1].alive(), SOON)
        for child in children:
            child.result()
        assert all(idle(region, index) for index in range(64))
        assert wrong(mapping, range(64), 1) == []
        assert wrong(other_mapping, range(16), 2) == []

    def test_write(self, disk, make):
        region, mapping = make(16, seed=1, touched=16)
        with disk.hung():
            child = Child(region.migrate, 0, 16 * PAGE, SSD)
            assert wait_for(lambda: busy(region, 0))
            dies(child)
            # A page that is being written is taken back at a touch.
            assert wrong(mapping, [3], 1) == []
        assert all(idle(region, index) for index in range(16))
        assert region.tiers() == [CPU if index == 3 else SSD for index in range(16)]
        assert wrong(mapping, range(16), 1) == []

    def test_mixed(self, disk, make):
        """To a store from memory and from the one that hangs: what has not begun does not."""
        region, mapping = make(16, seed=1, touched=16)
        place(region, 0, 8, SSD)
        with disk.hung():
            child = Child(region.migrate, 0, 16 * PAGE, NVME)
            assert wait_for(lambda: busy(region, 0))
            dies(child)
            assert wrong(mapping, range(8, 16), 1) == []
        assert all(idle(region, index) for index in range(16))
        assert region.tiers() == [SSD] * 8 + [CPU] * 8
        assert wrong(mapping, range(16), 1) == []

    @pytest.mark.parametrize("flags", [0, tw.TW_UNBIND_FORCE])
    def test_unbind(self, dev, disk, make, flags):
        region, mapping = make(16, seed=1, touched=16)
        place(region, 0, 16, SSD)
        with disk.hung():
            child = Child(dev.unbind, SSD, flags)
            assert wait_for(lambda: busy(region, 0))
            dies(child, signal.SIGINT)
            assert SSD in dev.bound()
        assert all(idle(region, index) for index in range(16))
        assert region.info().lost == 0
        assert wrong(mapping, range(16), 1) == []

    def test_tw_unbind(self, dev, disk, make):
        """The same by the tool, as Ctrl-C does it."""
        region, mapping = make(16, seed=1, touched=16)
        place(region, 0, 16, SSD)
        with disk.hung():
            with subprocess.Popen([TW, "tier", "unbind", "--force", "ssd"],
                                  stderr=subprocess.DEVNULL) as tool:
                assert wait_for(lambda: busy(region, 0))
                tool.send_signal(signal.SIGINT)
                ended = wait_for(lambda: tool.poll() is not None, SOON)
                if not ended:
                    disk.mapper.resume()
                assert ended and tool.wait() != 0
            assert SSD in dev.bound()
        assert wrong(mapping, range(16), 1) == []
