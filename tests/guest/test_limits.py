# SPDX-License-Identifier: GPL-2.0
"""An agent's limits: pages spill and sink instead of blocking, and who may set them."""

import errno
import os
import time

import pytest

import tw
from support import (TINY, Child, Pin, Reached, close_made, device_gid, errno_of, fill, place,
                     refused, run_child, run_user, set_tiers, wait_for, wrong)
from tw import CPU, GPU, HDD, NVME, PAGE, SSD, TIERS

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.forked]

NO = tw.TW_NO_LIMIT
LIMIT_EVENTS = tw.TW_EVENT_BIT(tw.TW_EVENT_LIMIT)


def only(**pages) -> list[int]:
    """Limits in these tiers."""
    return [pages.get(name, NO) for name in tw.TIER_NAMES]


@pytest.fixture
def agent(dev):
    one = dev.agent(77)
    yield one
    close_made()
    one.close()


def test_none_at_first(dev, agent):
    limits = dev.limits(agent)
    assert list(limits.pages) == [NO] * 5 == list(limits.hard) and limits.id == 77
    assert list(dev.limits(77).pages) == [NO] * 5
    assert list(dev.limits(None).pages) == [NO] * 5


def test_set_and_get(dev, agent):
    wanted = [1, 2, 3, 4, NO]
    limits = dev.limits(agent, wanted)
    assert list(limits.pages) == wanted == list(limits.hard)
    assert list(dev.limits(77).pages) == wanted
    dev.limits(agent, [NO] * 5)
    assert list(dev.limits(agent).hard) == [NO] * 5


def test_spills_to_the_other_memory(dev, make, agent):
    """At its limit in the CPU tier an agent goes to the GPU's, though there is room."""
    dev.limits(agent, only(cpu=50))
    region, mapping = make(150, seed=1, touched=150, agent=agent)
    assert list(region.info().pages)[:2] == [100, 50]
    assert wrong(mapping, range(150), 1) == []


def test_others_are_not_limited(dev, make, agent):
    dev.limits(agent, only(cpu=10, gpu=10))
    region, _ = make(200, touched=200)
    assert region.info().pages[CPU] == 200


def test_beyond_both_sinks(dev, make, agent, stream):
    """Touched pages are in memory whatever the limit; the background takes them back."""
    reader = stream(LIMIT_EVENTS).reader()
    dev.limits(agent, only(cpu=40, gpu=20))
    region, mapping = make(200, seed=2, touched=200, agent=agent)
    assert sum(region.info().pages) == 200
    assert wait_for(lambda: region.info().pages[CPU] <= 40 and region.info().pages[GPU] <= 20), \
        list(region.info().pages)
    events = reader.read()
    assert events and all(event.status == -errno.EDQUOT and event.tier in (CPU, GPU) and
                          event.agent == 77 and event.addr > 20 for event in events)
    assert wrong(mapping, range(200), 2) == []
    assert wait_for(lambda: sum(region.info().pages[:2]) <= 60)
    assert region.info().lost == 0 and sum(region.info().pages) == 200


def test_lowered_below_use(dev, make, agent):
    region, mapping = make(100, seed=3, touched=100, agent=agent)
    assert region.info().pages[CPU] == 100
    dev.limits(agent, only(cpu=30, gpu=0))
    assert wait_for(lambda: region.info().pages[CPU] <= 30), list(region.info().pages)
    assert wrong(mapping, range(100), 3) == []


def test_limit_of_a_store(dev, make, agent):
    """A store at its limit is passed over for the next one."""
    dev.limits(agent, only(cpu=20, gpu=0, nvme=30))
    region, mapping = make(150, seed=4, touched=150, agent=agent)
    assert wait_for(lambda: sum(region.info().pages[:2]) <= 20), list(region.info().pages)
    pages = list(region.info().pages)
    assert pages[NVME] <= 30 and pages[SSD] >= 100 and sum(pages) == 150
    assert wrong(mapping, range(150), 4) == []


def test_store_lowered_below_use(dev, make, agent, stream):
    """What a store has beyond the limit goes on to the next one, if there is one."""
    region, mapping = make(100, seed=4, touched=100, agent=agent)
    place(region, 0, 100, NVME)
    reader = stream(LIMIT_EVENTS).reader()
    dev.limits(agent, only(nvme=30, ssd=40))
    assert wait_for(lambda: list(region.info().pages)[NVME:] == [30, 40, 30]), \
        list(region.info().pages)
    assert [(event.tier, event.addr) for event in reader.read()] == [(NVME, 100)]
    dev.limits(agent, only(hdd=0))
    assert wait_for(lambda: [event.tier for event in reader.read()] == [HDD])
    assert list(region.info().pages)[NVME:] == [30, 40, 30]
    assert wrong(mapping, range(100), 4) == []


def test_told_of_once(dev, make, agent, stream):
    """An agent that is kept at its limit is not told of each round."""
    reader = stream(LIMIT_EVENTS).reader()
    dev.limits(agent, only(cpu=40, gpu=0))
    region, mapping = make(200, agent=agent)
    for first in range(0, 200, 20):
        fill(mapping, range(first, first + 20), 1)
        assert wait_for(lambda: region.info().pages[CPU] <= 40), list(region.info().pages)
    events = [event.tier for event in reader.read()]
    assert events.count(CPU) == 1 and events.count(GPU) <= 10

    def told_again():
        """Far below in between, as the background sees when it looks."""
        region.discard(0, 200 * PAGE)
        dev.limits(agent, only(cpu=40, gpu=0))
        time.sleep(0.1)
        fill(mapping, range(60), 2)
        assert wait_for(lambda: region.info().pages[CPU] <= 40)
        return CPU in [event.tier for event in reader.read()]

    assert wait_for(told_again)


def test_busy_pages_are_tried_again(dev, make, agent):
    """Pages that somebody holds when they should go are not forgotten."""
    region, mapping = make(8, seed=5, touched=8, agent=agent)
    with Pin(mapping.addr, 8):
        dev.limits(agent, only(cpu=0, gpu=0))
        assert not wait_for(lambda: region.info().pages[CPU] < 8, 1)
    assert wait_for(lambda: region.info().pages[CPU] == 0), list(region.info().pages)
    assert wrong(mapping, range(8), 5) == []


def test_default_agent_must_have_something(dev, make):
    """Its limits would end with the call that sets them."""
    with refused(errno.ENOENT):
        dev.limits(None, only(cpu=10))
    make(4, touched=4)
    dev.limits(None, only(cpu=10))
    assert list(dev.limits(None).pages) == only(cpu=10)
    close_made()
    assert list(dev.limits(None).pages) == [NO] * 5


@pytest.mark.parametrize("tier", [GPU, NVME, SSD, HDD])
def test_moves_are_refused(dev, make, agent, tier):
    """EDQUOT for what would exceed it, page by page; the rest moves."""
    limits = [NO] * 5
    limits[tier] = 5
    dev.limits(agent, limits)
    region, mapping = make(16, seed=5, touched=16, agent=agent)
    result = region.migrate(0, 16 * PAGE, tier)
    assert list(result.status) == [0] * 5 + [-errno.EDQUOT] * 11
    assert (result.moved, result.failed) == (5, 11)
    assert region.tiers() == [tier] * 5 + [CPU] * 11
    assert dev.migrate([region.page(9)], tier).status[0] == -errno.EDQUOT
    assert wrong(mapping, range(16), 5) == []


def test_no_page_is_lost_for_a_limit(dev, make, agent, back_to_tiny):
    """A tier that is unbound lets its pages go where there is room."""
    region, mapping = make(32, seed=6, touched=32, agent=agent)
    assert region.migrate(0, 32 * PAGE, NVME).moved == 32
    dev.limits(agent, [0, 0, NO, 0, 0])
    assert dev.unbind(NVME) == 32
    assert sum(region.info().pages) == 32 and region.info().lost == 0
    assert wrong(mapping, range(32), 6) == []


def test_zero_everywhere_blocks_nothing(dev, make, agent):
    dev.limits(agent, [0] * 5)
    region, mapping = make(64, seed=7, touched=64, agent=agent)
    assert wrong(mapping, range(64), 7) == []
    assert sum(region.info().pages) == 64


def test_no_fault_fails_for_the_limit_of_a_store(dev, make, agent, back_to_tiny):
    """Where only a store beyond its limit has room, it takes the page."""
    set_tiers(dev, {CPU: 256, NVME: 512})
    dev.limits(agent, only(nvme=16))
    region, mapping = make(600, seed=9, touched=600, agent=agent)
    assert sum(region.info().pages) == 600
    assert wrong(mapping, range(600), 9) == []


def test_a_reason_is_no_way_around(dev, make, agent):
    dev.limits(agent, only(ssd=5))
    region, _ = make(16, touched=16, agent=agent)
    result = region.migrate(0, 16 * PAGE, SSD, reason=tw.TW_REASON_PRESSURE)
    assert (result.moved, result.failed) == (5, 11)


@pytest.mark.at_once
def test_victim_beside_hog(dev, make, agent):
    """A hog beyond its limits pays itself: what its neighbour uses stays in memory."""
    victim, small = make(60, seed=8, touched=60)
    dev.limits(agent, only(cpu=100, gpu=50))
    hog, large = make(TINY[CPU] + TINY[GPU] - 200, agent=agent)
    stop = Reached()
    count = hog.nr_pages

    def work():
        for round_ in range(3):
            fill(large, range(count), round_)
        stop.set()

    child = Child(work)
    reads = 0
    while not stop.get() and child.alive():
        assert wrong(small, range(60), 8) == []
        reads += 1
    child.result(120)
    assert reads > 0
    assert sum(victim.info().pages[:2]) == 60, list(victim.info().pages)
    assert wait_for(lambda: hog.info().pages[CPU] <= 100 and hog.info().pages[GPU] <= 50), \
        list(hog.info().pages)
    assert wrong(large, range(count), 2) == []


def test_hard_limits(dev, make, agent):
    """Without CAP_SYS_RESOURCE limits only go as high as they were set by who has it."""
    def own():
        device = tw.Device()
        mine = device.agent(5)
        assert errno_of(device.limits, mine, [10] * 5) == 0
        assert errno_of(device.limits, mine, [NO] * 5) == 0
        return mine

    run_user(own)
    dev.limits(agent, only(cpu=40))

    def held():
        """The fd, not the id, leads to it."""
        os.setgroups([device_gid()])
        os.setresgid(65533, 65533, 65533)
        os.setresuid(65533, 65533, 65533)
        assert errno_of(dev.limits, agent, only(cpu=41)) == errno.EPERM
        assert errno_of(dev.limits, agent, only(cpu=41, hdd=3)) == errno.EPERM
        assert list(dev.limits(agent).pages) == only(cpu=40)
        assert errno_of(dev.limits, agent, only(cpu=39)) == 0
        assert errno_of(dev.limits, agent, only(cpu=40)) == 0
        assert errno_of(dev.limits, 77) == errno.ENOENT

    run_child(held)
    assert list(dev.limits(agent).pages) == only(cpu=40) == list(dev.limits(agent).hard)


def test_refusals(dev, agent):
    region = dev.region(PAGE)
    with region:
        for arg, err in ((tw.AgentLimits(agent_fd=-1, reserved=1), errno.EINVAL),
                         (tw.AgentLimits(agent_fd=-1, flags=4), errno.EINVAL),
                         (tw.AgentLimits(agent_fd=9999), errno.EBADF),
                         (tw.AgentLimits(agent_fd=region.fd), errno.EINVAL),
                         (tw.AgentLimits(agent_fd=agent.fd, flags=tw.TW_AGENT_BY_ID),
                          errno.EINVAL),
                         (tw.AgentLimits(agent_fd=-1, flags=tw.TW_AGENT_BY_ID, id=78),
                          errno.ENOENT)):
            with refused(err, region):
                dev.call(tw.TW_IOC_AGENT_LIMITS, arg)
    assert list(dev.limits(agent).pages) == [NO] * 5


def test_limits_end_with_the_agent(dev):
    with dev.agent(78) as one:
        dev.limits(one, [1] * 5)
    with dev.agent(78) as one:
        assert list(dev.limits(one).pages) == [NO] * 5


def test_every_tier_has_one():
    assert len(only()) == len(list(TIERS))
