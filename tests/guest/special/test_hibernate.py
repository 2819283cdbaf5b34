# topology: default
# SPDX-License-Identifier: GPL-2.0
"""Going to sleep: everything is frozen and thawed again while regions are in use.

/sys/power/pm_test stops the way down after the freezer, or after memory was
made free for the image, and comes back; no image is written.
"""

from pathlib import Path

import pytest

from support import Child, Reached, fill, place, tiers_of, wait_for, wrong
from tw import CPU, GPU, HDD, NVME, PAGE, SSD

POWER = Path("/sys/power")
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
