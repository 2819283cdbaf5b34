# SPDX-License-Identifier: GPL-2.0
"""Requests for moves: their queue, order, ends, bounds; and moving an agent's pages.

To see what waits, a lane is held: a first request moves a page to a store whose
device is suspended, and nothing else that goes there is carried out until it is resumed.
"""

import ctypes
import errno
import mmap
import os
import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

import tw
from support import (CGROUP, NOBODY, OTHER, Cgroup, Child, Loop, Mapper, Pin, Reached, bind,
                     device_gid, errno_of, fill, format_store, place, refused, run_child,
                     run_user, tiers_of, wait_for, wrong)
from tw import CPU, GPU, NONE, NVME, PAGE, SSD

WAIT = tw.TW_REQUEST_WAIT
REQUEST = tw.TW_EVENT_BIT(tw.TW_EVENT_REQUEST)
MIGRATE = tw.TW_EVENT_BIT(tw.TW_EVENT_MIGRATE)
BATCH = Path("/sys/module/tier_watch/parameters/migration_batch")
MIB = 1 << 20
SIZE = 16 * MIB


def ask(page, to_tier=GPU, from_tier=NONE, priority=50, **more):
    """A request that names all that it must."""
    return tw.Request(page=page, to_tier=to_tier, from_tier=from_tier, priority=priority,
                      **more)


def slow(page, **more):
    """A request that waits where the one of `hold` is under way."""
    return ask(page, SSD, **more)


def wait_requests(dev, requests):
    """The call's struct and the requests, with their outcomes."""
    array = (tw.Request * len(requests))(*requests)
    arg = dev.call(tw.TW_IOC_REQUEST, tw.RequestPages(
        flags=WAIT, nr=len(array), requests=ctypes.addressof(array)))
    return arg, list(array)


def ends(reader, number, so_far=None):
    """The events of this many requests, in the order of their ends."""
    events = [] if so_far is None else so_far
    assert wait_for(lambda: events.extend(reader.read()) or
                    sum(event.type == tw.TW_EVENT_REQUEST for event in events) >= number, 30), \
        len(events)
    found = [event for event in events if event.type == tw.TW_EVENT_REQUEST]
    assert len(found) == number
    return sorted(found, key=lambda event: event.time_ns)


@pytest.fixture
def batch():
    """Sets the size of a batch; it is as before afterwards."""
    before = BATCH.read_text()
    yield lambda number: BATCH.write_text(str(number))
    BATCH.write_text(before)


@pytest.fixture(scope="module")
def disk(dev):
    """An SSD tier on a device that can be suspended, beside big memory tiers."""
    with Loop(SIZE) as loop, Mapper([(0, SIZE // 512, "linear", f"{loop.path} 0")]) as mapper:
        format_store(mapper.path)
        with tiers_of(dev, {CPU: 0, GPU: 256, NVME: 0}):
            bind(dev, SSD, 0, mapper.path)
            yield mapper
            dev.unbind(SSD)


class Queue:
    """The counters of the queue."""

    def __init__(self, stats):
        self.header = stats.header
        self.before = self.now()

    def now(self):
        return {name: getattr(self.header, f"requests_{name}")
                for name in ("queued", "done", "failed", "cancelled")}

    def moved(self):
        return {name: value - self.before[name] for name, value in self.now().items()}


@pytest.fixture
def queue(stats):
    counters = Queue(stats)
    assert counters.before["queued"] == 0
    yield counters
    assert wait_for(lambda: counters.now()["queued"] == 0, 30)


@pytest.fixture
def hold(dev, disk, make, queue):
    """Holds the queue: `with hold():`. One request is then under way."""
    @contextmanager
    def held():
        region, _ = make(1, touched=1)
        disk._call(disk.SUSPEND, flags=disk.FLAG_SUSPEND)  # pylint: disable=protected-access
        try:
            first, = dev.request([ask(region.page(0), SSD)])
            assert wait_for(lambda: region.pages()[0].flags & tw.TW_PAGE_BUSY)
            assert queue.moved()["queued"] == 1
            yield first
        finally:
            disk._call(disk.SUSPEND)  # pylint: disable=protected-access
    return held


class TestWaiting:
    def test_results(self, dev, make, queue):
        region, mapping = make(8, seed=1, touched=6)
        arg, done = wait_requests(dev, [
            ask(region.page(0), GPU), ask(region.page(1), NVME), ask(region.page(2), CPU),
            ask(region.page(3), GPU, NVME), ask(region.page(7), GPU)])
        assert [one.status for one in done] == [0, 0, tw.TW_MOVE_ALREADY, -errno.EINVAL,
                                                -errno.ENOENT]
        assert (arg.done, arg.failed) == (3, 2)
        assert region.tiers() == [GPU, NVME, CPU, CPU, CPU, CPU, NONE, NONE]
        infos = region.pages()
        assert [one.pfn for one in done] == [infos[at].pfn for at in (0, 1, 2, 3, 7)]
        assert done[0].pfn and not done[1].pfn
        assert all(one.latency_ns > 0 for one in done)
        ids = [one.id for one in done]
        assert len(set(ids)) == 5 and ids == sorted(ids) and all(ids)
        assert queue.moved() == {"queued": 0, "done": 3, "failed": 2, "cancelled": 0}
        assert wrong(mapping, range(6), 1) == []

    def test_pinned(self, dev, make):
        region, mapping = make(2, seed=1, touched=2)
        with Pin(mapping.addr):
            _, done = wait_requests(dev, [ask(region.page(index)) for index in range(2)])
        assert [one.status for one in done] == [-errno.EBUSY, 0]

    def test_the_same_page_twice(self, dev, make):
        """The second finds it there, whatever batch they were in."""
        region, _ = make(4, touched=4)
        _, done = wait_requests(dev, [ask(region.page(index // 2)) for index in range(8)])
        assert sorted(one.status for one in done) == [0] * 4 + [tw.TW_MOVE_ALREADY] * 4

    def test_by_pfn(self, dev, make):
        """A frame of a region's page names the page, wherever it goes."""
        region, _ = make(1, touched=1)
        pfn = region.pages()[0].pfn
        _, (done,) = wait_requests(dev, [ask(pfn)])
        assert done.status == 0 and region.tiers() == [GPU]
        assert done.pfn == region.pages()[0].pfn != pfn

    def test_many(self, dev, make, queue):
        region, mapping = make(200, seed=1, touched=200)
        arg, done = wait_requests(dev, [ask(region.page(index % 200), GPU if index < 200 else CPU,
                                            priority=60 if index < 200 else 40)
                                        for index in range(400)])
        assert (arg.done, arg.failed) == (400, 0)
        assert [one.status for one in done] == [0] * 400
        assert region.tiers() == [CPU] * 200
        assert queue.moved()["done"] == 400
        assert wrong(mapping, range(200), 1) == []

    def test_an_ordinary_user(self, dev):
        """Its own pages, without a frame number."""
        def work():
            with tw.Device() as own, own.region(2 * PAGE) as region, region.map() as mapping:
                fill(mapping, range(2), 1)
                arg, done = wait_requests(own, [ask(region.page(index)) for index in range(2)])
                return (arg.done, [one.status for one in done], [one.pfn for one in done],
                        region.tiers())
        assert run_user(work) == (2, [0, 0], [0, 0], [GPU, GPU])


class TestQueued:
    def test_returns_at_once(self, dev, make, stream, queue, hold):
        region, _ = make(4, touched=4)
        reader = stream(REQUEST).reader()
        with hold() as first:
            asked = dev.request([slow(region.page(index), reason=tw.TW_REASON_HOT)
                                 for index in range(4)])
            assert queue.moved() == {"queued": 5, "done": 0, "failed": 0, "cancelled": 0}
            assert reader.read() == [] and region.tiers() == [CPU] * 4
        events = ends(reader, 5)
        assert region.tiers() == [SSD] * 4
        assert {event.addr for event in events} == {first.id, *(one.id for one in asked)}
        by_id = {event.addr: event for event in events}
        for index, one in enumerate(asked):
            event = by_id[one.id]
            assert event.page == region.page(index) and event.status == 0
            assert (event.tier, event.to_tier) == (CPU, SSD)
            assert event.reason == tw.TW_REASON_HOT and event.latency_ns > 0
            assert event.pid == threading.get_native_id()
        assert queue.moved() == {"queued": 0, "done": 5, "failed": 0, "cancelled": 0}

    def test_streams_of_the_agent(self, dev, make, stream):
        with dev.agent(7) as agent, dev.agent(8) as other:
            region, _ = make(2, touched=2, agent=agent)
            reader, foreign = (stream(REQUEST, one).reader() for one in (agent, other))
            _, done = wait_requests(dev, [ask(region.page(0)), ask(region.page(1), GPU, NVME)])
            # Their events come before the call's return.
            events = sorted(reader.read(), key=lambda event: event.addr)
            assert [event.addr for event in events] == [one.id for one in done]
            assert [event.status for event in events] == [0, -errno.EINVAL]
            assert {(event.agent, event.pid) for event in events} == {(7, 0)}
            assert foreign.read() == []

    def test_reason_is_passed_on(self, dev, make, stream):
        region, _ = make(1, touched=1)
        reader = stream(MIGRATE).reader()
        wait_requests(dev, [ask(region.page(0), reason=tw.TW_REASON_NUMA)])
        assert [event.reason for event in reader.read()] == [tw.TW_REASON_NUMA]


class TestOrder:
    PRIORITIES = [3, 100, 50, 50, 0, 99, 1, 51]

    def order(self, priorities):
        return sorted(range(len(priorities)), key=lambda at: -priorities[at])

    def test_priorities(self, dev, make, stream, hold, batch):
        """Within a call, one by one; the older of equals first."""
        batch(1)
        region, _ = make(8, touched=8)
        reader = stream(REQUEST).reader()
        with hold():
            asked = dev.request([slow(region.page(index), priority=priority)
                                 for index, priority in enumerate(self.PRIORITIES)])
        events = ends(reader, 9)[1:]
        assert [event.addr for event in events] == \
            [asked[at].id for at in self.order(self.PRIORITIES)]

    def test_equals_in_order_of_calls(self, dev, make, stream, hold, batch):
        batch(1)
        region, _ = make(8, touched=8)
        reader = stream(REQUEST).reader()
        with hold():
            asked = [dev.request([slow(region.page(7 - index))])[0] for index in range(8)]
        assert [event.addr for event in ends(reader, 9)[1:]] == [one.id for one in asked]

    def test_company(self, dev, make, stream, hold, batch):
        """What goes the same way comes along; what does not waits its turn."""
        batch(64)
        region, _ = make(8, touched=8)
        reader = stream(REQUEST).reader()
        with hold():
            asked = dev.request([slow(region.page(0), priority=100),
                                 slow(region.page(1), priority=50, reason=tw.TW_REASON_COLD),
                                 slow(region.page(2), priority=0)])
        assert [event.addr for event in ends(reader, 4)[1:]] == \
            [asked[at].id for at in (0, 2, 1)]

    @pytest.mark.parametrize("size", [4, 12])
    def test_batches(self, dev, make, stream, hold, batch, size):
        """The pages of a batch move together: they have one latency."""
        batch(size)
        region, _ = make(24, touched=24)
        pages = {region.page(index) for index in range(24)}
        with hold():
            dev.request([slow(page) for page in sorted(pages)])
            reader = stream(MIGRATE | REQUEST).reader()
        events = []
        ends(reader, 25, events)
        moves = sorted((event for event in events if event.type == tw.TW_EVENT_MIGRATE and
                        event.page in pages), key=lambda event: event.page)
        assert len(moves) == 24
        groups = [{event.latency_ns for event in moves[at:at + size]}
                  for at in range(0, 24, size)]
        assert all(len(group) == 1 for group in groups), groups
        assert len(set.union(*groups)) > 1, "all moved at once"

    def test_parameter(self, batch):
        for good in (1, 64, 17):
            batch(good)
            assert BATCH.read_text().strip() == str(good)
        for bad in (0, 65, -1, "x", 1 << 32):
            with pytest.raises(OSError) as error:
                batch(bad)
            assert error.value.errno in (errno.EINVAL, errno.ERANGE)
            assert BATCH.read_text().strip() == "17"


class TestLanes:
    """Whom a request waits for: those of its own user, for the same tiers."""

    def test_memory_does_not_wait_for_a_disk(self, dev, make, hold):
        region, _ = make(4, touched=4)
        place(region, 0, 1, NVME)
        with hold():
            arg, done = wait_requests(dev, [ask(region.page(index), GPU) for index in range(4)])
            assert (arg.done, [one.status for one in done]) == (4, [0] * 4)
        assert region.tiers() == [GPU] * 4

    def test_where_the_page_is_counts(self, dev, make, stream, hold, disk):
        """A page that is on the disk waits for it, though nobody names that."""
        region, _ = make(1, touched=1)
        place(region, 0, 1, SSD)
        reader = stream(REQUEST).reader()
        with hold() as first:
            one, = dev.request([ask(region.page(0), GPU)])
            assert reader.read() == []
        assert {event.addr for event in ends(reader, 2)} == {first.id, one.id}
        assert region.tiers() == [GPU]
        del disk

    def test_users_take_turns(self, dev, make, stream, hold, batch):
        """Nobody's priority is one among others' requests."""
        batch(1)
        region, _ = make(1, touched=1)
        reader = stream(REQUEST).reader()
        ready, over = Reached(), Reached()

        def greedy():
            with tw.Device() as own, own.region(8 * PAGE) as many, many.map() as mapping:
                fill(mapping, range(8), 1)
                own.request([slow(many.page(index), priority=100) for index in range(8)])
                ready.set(many.id)
                over.wait()

        with hold() as first:
            child = Child(greedy, uid=NOBODY, gid=NOBODY, groups=[device_gid()])
            ready.wait()
            modest, = dev.request([slow(region.page(0), priority=0)])
        order = [event.addr for event in ends(reader, 10)]
        over.set()
        child.wait()
        # Root's are in turn behind one of the other user's at most.
        assert order[0] == first.id and modest.id in order[1:3]


class TestRoom:
    def test_full(self, dev, make, stream, queue, hold):
        """EAGAIN queues nothing and writes nothing; what fits still goes."""
        region, _ = make(4, touched=4)
        reader = stream(REQUEST, events=8192).reader()
        with hold():
            dev.request([slow(region.page(index % 4)) for index in range(tw.TW_REQUEST_MAX - 3)])
            memory = mmap.mmap(-1, 2 * PAGE)
            array = (tw.Request * 3).from_buffer(memory, PAGE - 96)     # in two pages
            array[:] = [slow(region.page(1)) for _ in range(3)]
            before = bytes(array)
            for flags in (0, WAIT):
                with refused(errno.EAGAIN, region):
                    dev.call(tw.TW_IOC_REQUEST, tw.RequestPages(
                        flags=flags, nr=3, requests=ctypes.addressof(array)))
            assert bytes(array) == before
            assert queue.moved()["queued"] == tw.TW_REQUEST_MAX - 2
            dev.request([slow(region.page(0))] * 2)
            with refused(errno.EAGAIN, region):
                dev.request([slow(region.page(0))])
            assert queue.moved()["queued"] == tw.TW_REQUEST_MAX
        assert {event.status for event in ends(reader, tw.TW_REQUEST_MAX)} == \
            {0, tw.TW_MOVE_ALREADY}
        dev.request([slow(region.page(0))])

    def test_share_of_a_user(self, dev, make, queue, hold):
        share = tw.TW_REQUEST_USER_MAX

        def work():
            with tw.Device() as own, own.region(2 * PAGE) as region, region.map() as mapping:
                fill(mapping, range(2), 1)
                one = slow(region.page(0))
                return [errno_of(own.request, [one] * number)
                        for number in (share + 1, share - 1, 2, 1, 1)]
        region, _ = make(1, touched=1)
        with hold():
            assert run_user(work) == [errno.EAGAIN, 0, errno.EAGAIN, 0, errno.EAGAIN]
            # Its region has gone with it, and so have its requests.
            assert wait_for(lambda: queue.moved()["queued"] == 1)
            assert queue.moved()["cancelled"] == queue.moved()["failed"] == share
            assert run_user(work, uid=OTHER)[1] == 0
            dev.request([slow(region.page(0))])


class TestEnds:
    def test_region_closed(self, dev, make, stream, queue, hold):
        """What waits for its pages is cancelled at once, and nothing else."""
        keep, _ = make(4, touched=4)
        reader = stream(REQUEST).reader()
        with hold() as first:
            with dev.region(8 * PAGE) as region:
                with region.map() as mapping:
                    fill(mapping, range(8), 1)
                gone = dev.request([slow(region.page(index)) for index in range(8)])
                kept = dev.request([slow(keep.page(index)) for index in range(4)])
                pages = [region.page(index) for index in range(8)]
            events = ends(reader, 8)
            assert [event.addr for event in events] == [one.id for one in gone]
            assert {event.status for event in events} == {-errno.ECANCELED}
            assert [event.page for event in events] == pages
            assert queue.moved() == {"queued": 5, "done": 0, "failed": 8, "cancelled": 8}
            with refused(errno.ENOENT):
                dev.request([slow(pages[0])])
        assert {event.addr for event in ends(reader, 5)} == {first.id, *(one.id for one in kept)}
        assert keep.tiers() == [SSD] * 4

    def test_region_closed_under_a_waiter(self, dev, queue, hold):
        """The waiter is told; no reference is left behind."""
        with hold():
            region = dev.region(4 * PAGE)
            page = region.page(0)
            child = Child(lambda: os.close(region.fd) or
                          [one.status for one in wait_requests(tw.Device(), [slow(page)] * 3)[1]])
            assert wait_for(lambda: queue.moved()["queued"] == 4)
            region.close()
            assert child.result() == [-errno.ECANCELED] * 3

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGUSR1])
    def test_signal(self, dev, make, stream, queue, hold, number):
        """The waiter goes, the requests stay."""
        region, _ = make(4, touched=4)
        reader = stream(REQUEST).reader()

        def work():
            signal.signal(signal.SIGUSR1, lambda *_: None)
            return errno_of(dev.request, [slow(region.page(index)) for index in range(4)], WAIT)

        with hold():
            child = Child(work)
            assert wait_for(lambda: queue.moved()["queued"] == 5)
            child.kill(number)
            if number == signal.SIGKILL:
                assert child.wait() == -signal.SIGKILL
            else:
                assert child.result() == errno.EINTR
            assert queue.moved()["queued"] == 5 and region.tiers() == [CPU] * 4
        assert [event.status for event in ends(reader, 5)] == [0] * 5
        assert region.tiers() == [SSD] * 4

    def test_waiters_side_by_side(self, dev, make, queue, hold):
        region, _ = make(16, touched=16)

        def work(first):
            return [one.status for one in wait_requests(
                dev, [slow(region.page(first + index)) for index in range(4)])[1]]

        with hold():
            children = [Child(work, first) for first in range(0, 16, 4)]
            assert wait_for(lambda: queue.moved()["queued"] == 17)
        assert [child.result() for child in children] == [[0] * 4] * 4

    def test_page_discarded(self, dev, make, stream, hold):
        region, _ = make(2, touched=2)
        reader = stream(REQUEST).reader()
        with hold():
            asked = dev.request([slow(region.page(0)), slow(region.page(1))])
            region.discard(0, PAGE)
        by_id = {event.addr: event for event in ends(reader, 3)}
        assert [by_id[one.id].status for one in asked] == [-errno.ENOENT, 0]
        assert by_id[asked[0].id].tier == NONE

    def test_unloading_is_refused(self, dev, make, queue, hold):
        """Who holds a page's region or the device holds the driver."""
        region, _ = make(4, touched=4)
        with hold():
            dev.request([slow(region.page(index)) for index in range(4)])
            assert errno_of(lambda: tw.check(tw.libc.syscall(
                176, b"tier_watch", os.O_NONBLOCK))) in (errno.EWOULDBLOCK, errno.EBUSY)
            assert queue.moved()["queued"] == 5


class TestRefused:
    @pytest.mark.parametrize("member,value,err", [
        ("priority", 101, errno.EINVAL), ("priority", (1 << 32) - 1, errno.EINVAL),
        ("to_tier", 5, errno.EINVAL), ("to_tier", NONE, errno.EINVAL),
        ("from_tier", 5, errno.EINVAL), ("reason", tw.TW_NR_REASONS, errno.EINVAL),
        ("reserved", 1, errno.EINVAL), ("page", 0, errno.ENOENT),
        ("page", (1 << 63) - 1, errno.ENOENT), ("page", (1 << 64) - 1, errno.ENOENT),
        ("page", tw.TW_PAGE(tw.TW_PAGE_OWNERS, 0), errno.ENOENT)])
    @pytest.mark.parametrize("flags", [0, WAIT])
    def test_one_of_many(self, dev, make, queue, member, value, err, flags):
        """One wrong request, and none is queued."""
        region, _ = make(4, touched=4)
        requests = [ask(region.page(index)) for index in range(4)]
        setattr(requests[3], member, value)
        with refused(err, region):
            dev.request(requests, flags)
        assert set(queue.moved().values()) == {0}

    def test_beyond_the_region(self, dev, make):
        region, _ = make(4, touched=4)
        with refused(errno.ENOENT, region):
            dev.request([ask(region.page(0)), ask(region.page(0) + 4)])

    def test_unbound_target(self, dev, make, disk):  # pylint: disable=unused-argument
        region, _ = make(2, touched=2)
        with refused(errno.EOPNOTSUPP, region):
            dev.request([ask(region.page(0)), ask(region.page(1), tw.HDD)])

    def test_foreign_pages(self, dev, make, queue):
        """Another user's pages and frame numbers do not exist."""
        region, _ = make(2, touched=2)
        page, pfn = region.page(0), region.pages()[0].pfn

        def work():
            with tw.Device() as own:
                return [errno_of(own.request, [ask(one)], flags) for one in (page, pfn)
                        for flags in (0, WAIT)]
        assert run_user(work) == [errno.ENOENT] * 4
        assert set(queue.moved().values()) == {0} and region.tiers() == [CPU] * 2

    def test_ids_cannot_be_told(self, dev, make, queue):
        """Read-only memory: nothing is queued."""
        region, _ = make(1, touched=1)
        with tw.Mapping.map(-1, PAGE, flags=tw.MAP_SHARED | tw.MAP_ANONYMOUS) as memory:
            memory.write(0, bytes(ask(region.page(0))))
            memory.protect(tw.PROT_READ)
            with refused(errno.EFAULT, region):
                dev.call(tw.TW_IOC_REQUEST, tw.RequestPages(nr=1, requests=memory.addr))
        assert set(queue.moved().values()) == {0}


class TestAgentMigrate:
    @pytest.fixture
    def agent(self, dev):
        with dev.agent(41) as agent:
            yield agent

    def test_all(self, dev, make, agent):
        """The pages of all its regions, and of no other's."""
        mine = [make(100, seed=seed, touched=90, agent=agent) for seed in (1, 2)]
        other, _ = make(8, touched=8)
        place(mine[0][0], 0, 10, GPU)
        arg = dev.agent_migrate(agent, NVME)
        assert (arg.moved, arg.failed) == (180, 0)
        for region, _ in mine:
            assert region.tiers() == [NVME] * 90 + [NONE] * 10
        assert other.tiers() == [CPU] * 8
        for seed, (_, mapping) in enumerate(mine, 1):
            assert wrong(mapping, range(90), seed) == []

    def test_from_tier_and_number(self, dev, make, stream, agent, batch):
        batch(7)
        region, _ = make(40, touched=40, agent=agent)
        place(region, 0, 20, NVME)
        reader = stream(MIGRATE).reader()
        arg = dev.agent_migrate(agent, GPU, from_tier=CPU, most=9, reason=tw.TW_REASON_HOT)
        assert (arg.moved, arg.failed) == (9, 0)
        assert region.tiers() == [NVME] * 20 + [GPU] * 9 + [CPU] * 11
        events = reader.read()
        assert len(events) == 9 and {event.reason for event in events} == {tw.TW_REASON_HOT}
        again = dev.agent_migrate(agent, GPU, from_tier=CPU)
        assert (again.moved, again.failed) == (11, 0)
        nothing = dev.agent_migrate(agent, GPU, from_tier=CPU)
        assert (nothing.moved, nothing.failed) == (0, 0)

    def test_pinned(self, dev, make, agent):
        region, mapping = make(8, touched=8, agent=agent)
        with Pin(mapping.addr + 3 * PAGE):
            arg = dev.agent_migrate(agent, GPU, most=7)
        assert (arg.moved, arg.failed) == (7, 1)
        assert region.tiers() == [GPU] * 3 + [CPU] + [GPU] * 4

    def test_full(self, dev, make, agent, disk):  # pylint: disable=unused-argument
        """No error: it has done what could be done."""
        region, mapping = make(400, seed=1, touched=400, agent=agent)
        arg = dev.agent_migrate(agent, GPU)
        assert 0 < arg.moved <= 256 and region.tiers().count(GPU) == arg.moved
        # It stops in the first batch that does not fit.
        assert 0 < arg.failed <= 64
        assert wrong(mapping, range(400), 1) == []

    def test_by_id(self, dev, make, agent):
        region, _ = make(4, touched=4, agent=agent)
        assert dev.agent_migrate(41, GPU).moved == 4
        assert region.tiers() == [GPU] * 4

    def test_default_agent(self, dev, make, agent):
        region, _ = make(4, touched=4)
        other, _ = make(4, touched=4, agent=agent)
        assert dev.agent_migrate(None, GPU).moved == 4
        assert (region.tiers(), other.tiers()) == ([GPU] * 4, [CPU] * 4)

    def test_who_may(self, dev, make, agent):
        """Whoever holds the fd; by its label only the owner."""
        region, _ = make(4, touched=4, agent=agent)

        def by_id():
            with tw.Device() as own:
                return errno_of(own.agent_migrate, 41, GPU)

        def by_fd():
            with tw.Device() as own:
                return own.agent_migrate(agent, GPU).moved

        assert run_user(by_id) == errno.ENOENT and region.tiers() == [CPU] * 4
        assert run_user(by_fd) == 4 and region.tiers() == [GPU] * 4

    @pytest.mark.at_once
    def test_killed(self, dev, make, agent):
        """Between any two of its batches: every page is whole and somewhere."""
        region, mapping = make(64, seed=1, touched=64, agent=agent)
        started = Reached()

        def work():
            started.set()
            while True:
                for tier in (NVME, GPU, CPU):
                    dev.agent_migrate(agent, tier)

        child = Child(work)
        started.wait()
        child.kill()
        assert child.wait() == -signal.SIGKILL
        started.map.unmap()
        assert sum(region.info().pages) == 64 and region.info().lost == 0
        assert wrong(mapping, range(64), 1) == []


def test_io_is_the_asker_s(dev, make):
    """What a worker writes for a caller is in the account, and under the limits, of its cgroup."""
    (CGROUP / "cgroup.subtree_control").write_text("+io")
    region, mapping = make(32, seed=8, touched=32)

    def work():
        group.enter()
        wait_requests(dev, [ask(region.page(index), to_tier=NVME) for index in range(32)])

    def written():
        return sum(int(word[len("wbytes="):]) for word in group.read("io.stat").split()
                   if word.startswith("wbytes="))

    with Cgroup() as group:
        assert written() == 0
        run_child(work)
        assert region.tiers() == [NVME] * 32
        assert wait_for(lambda: written() >= 32 * PAGE)
    assert wrong(mapping, range(32), 8) == []
