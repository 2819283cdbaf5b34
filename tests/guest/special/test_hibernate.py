# topology: default --turns
# SPDX-License-Identifier: GPL-2.0
"""Going to sleep: everything is frozen and thawed again while regions are in use.

/sys/power/pm_test stops the way down after the freezer, or after memory was
made free for the image, and comes back; no image is written.

Opening /dev/snapshot begins to make an image (or, for writing, to read one back)
and freezes nobody: until it is closed every task is one that does not freeze.
"""

import errno
import os
from pathlib import Path

import pytest

from support import Child, Reached, errno_of, fill, place, tiers_of, wait_for, wrong
from tw import CPU, GPU, HDD, NVME, PAGE, SSD, STORES

POWER = Path("/sys/power")
SNAPSHOT = "/dev/snapshot"
MAKING, READING_BACK = os.O_RDONLY, os.O_WRONLY
AUTO = Path("/sys/module/tier_watch/parameters/enable_auto_migration")


@pytest.fixture
def freezer():
    """The test level."""
    if not (POWER / "pm_test").exists() or "disk" not in (POWER / "state").read_text():
        pytest.skip("the kernel cannot test hibernation")
    (POWER / "pm_test").write_text("freezer")
    yield
    (POWER / "pm_test").write_text("none")


def sleep_to(state: str) -> None:
    (POWER / "state").write_text(state)


def test_hibernate(freezer, make):
    """Pages in all tiers are what they were."""
    region, mapping = make(60, seed=1, touched=60)
    for number, tier in enumerate((GPU, NVME, SSD)):
        place(region, 12 * number, 12, tier)
    place(region, 36, 4, HDD)
    before = [page.tier for page in region.pages()]
    sleep_to("disk")
    assert sum(region.info().pages) == 60 and region.info().lost == 0
    stores = [index for index, tier in enumerate(before) if tier in (NVME, SSD, HDD)]
    assert [region.tiers()[index] for index in stores] == [before[index] for index in stores]
    assert wrong(mapping, range(60), 1) == []


def test_demotion_goes_on_afterwards(freezer, dev, make):
    """What stops for the way down starts again."""
    with tiers_of(dev, {CPU: 256, GPU: 128, NVME: 256}):
        sleep_to("disk")
        region, mapping = make(500, seed=2, touched=500)
        assert region.info().pages[NVME] > 0
        assert wrong(mapping, range(500), 2) == []
        region.discard(0, region.bytes)


@pytest.fixture(params=["0", "1"])
def automatic(request):
    """Without automatic migration, and with."""
    AUTO.write_text(request.param)
    yield
    AUTO.write_text("0")


def test_while_faulting_and_moving(freezer, automatic, make):
    """Frozen in the middle of faults and moves."""
    region, mapping = make(64)
    stop, turns = Reached(), Reached()

    def writer():
        turn = 0
        while not stop.get():
            turn += 1
            fill(mapping, range(64), turn)
            assert wrong(mapping, range(64), turn) == [], turn
            turns.set(turn)
        return turn

    def mover():
        while not stop.get():
            for tier in (NVME, GPU, SSD, CPU):
                region.migrate(0, 64 * PAGE, tier)

    children = [Child(writer), Child(mover)]
    turns.wait(2)
    sleep_to("disk")
    at = turns.get()
    assert wait_for(lambda: turns.get() > at + 2, 20), "goes on after the thaw"
    stop.set()
    turn = children[0].result()
    children[1].result()
    assert wrong(mapping, range(64), turn) == []


@pytest.fixture
def small(dev):
    """Memory for 384 pages, and one store."""
    with tiers_of(dev, {CPU: 256, GPU: 128, NVME: 512}):
        yield


@pytest.fixture
def image():
    """image(mode): begin with an image, as its only maker; image.end(): all is over."""
    class Image:
        fd = -1

        def __call__(self, mode: int) -> None:
            self.fd = os.open(SNAPSHOT, mode | os.O_CLOEXEC)

        def end(self) -> None:
            if self.fd >= 0:
                os.close(self.fd)
            self.fd = -1

    if not os.path.exists(SNAPSHOT):
        pytest.skip("the kernel has no /dev/snapshot")
    one = Image()
    yield one
    one.end()


def written(stats) -> list[int]:
    """Bytes written to each store."""
    return [stats.counters(tier)["bytes_written"] for tier in STORES]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("mode", [MAKING, READING_BACK], ids=["making", "reading back"])
def test_no_slot_changes(stats, make, image, mode):
    """Faults find room in memory, moves to a store are refused, copies stay."""
    region, mapping = make(700, seed=3, touched=300)
    place(region, 0, 100, NVME)
    image(mode)
    before = written(stats)
    fill(mapping, range(300, 700), 3)           # more than memory is to hold
    assert region.info().pages[NVME] == 100
    moves = region.migrate(200 * PAGE, 100 * PAGE, NVME)
    assert moves.status == [-errno.EBUSY] * 100
    assert set(region.tiers(200, 100)) <= {CPU, GPU}
    # Pages that come back change no slot, and need none when they go again unchanged.
    assert wrong(mapping, range(50), 3) == []
    place(region, 0, 50, NVME)
    fill(mapping, range(50), 4)
    assert set(region.migrate(0, 50 * PAGE, NVME).status) == {-errno.EBUSY}
    assert written(stats) == before
    image.end()
    assert wait_for(lambda: sum(region.info().pages[tier] for tier in (CPU, GPU)) <= 384, 30), \
        list(region.info().pages)
    place(region, 0, 50, NVME)
    assert written(stats) > before
    assert wrong(mapping, range(50), 4) == [] and wrong(mapping, range(50, 700), 3) == []
    assert region.info().lost == 0


def test_no_image_on_the_swap_device(dev, image):
    """Its table would be in the image that lies on it. Who has it open goes on."""
    with tiers_of(dev, {NVME: 512}):
        dev.swap_create(400)
        try:
            assert wait_for(lambda: os.path.exists("/dev/twswap"))
            with open("/dev/twswap", "r+b", buffering=0) as disk:
                image(MAKING)
                assert errno_of(os.open, "/dev/twswap", os.O_RDWR) == errno.EPERM
                disk.write(b"before the image " * 1000)
                os.fsync(disk.fileno())
                image.end()
            with open("/dev/twswap", "rb") as disk:
                assert disk.read(17) == b"before the image "
        finally:
            dev.swap_destroy()


@pytest.mark.usefixtures("small")
def test_writes_under_way_end_first(stats, make, image):
    """Once an image is begun nothing is written, whoever was just about to."""
    region, mapping = make(300, seed=5, touched=300)
    turns, stop = Reached(), Reached()

    def mover():
        turn = 0
        while not stop.get():
            turn += 1
            fill(mapping, range(64), turn)      # dirty, so that it must be written
            region.migrate(0, 64 * PAGE, NVME)
            turns.set(turn)
        return turn

    child = Child(mover)
    try:
        for _ in range(5):
            turns.wait(turns.get() + 3)
            image(MAKING)
            before = written(stats)
            turns.wait(turns.get() + 5)
            assert written(stats) == before
            image.end()
    finally:
        stop.set()
    turn = child.result()
    assert wrong(mapping, range(64), turn) == []
    assert wrong(mapping, range(64, 300), 5) == []
