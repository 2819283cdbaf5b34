# SPDX-License-Identifier: GPL-2.0
"""Tracking and reporting: frames of somebody else by number, and regions' pages."""

import ctypes
import errno
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import tw
from support import (NOBODY, AlignedBuffer, Child, Reached, errno_of, fill, lend, place,
                     refused, run_child, run_user, wait_for, wrong)
from test_permissions import CAP_SYS_ADMIN, CAP_SYS_RESOURCE, with_caps
from tw import CPU, GPU, HDD, NONE, NVME, PAGE, SSD, TIERS

# Far above all memory there is.
BASE = 1 << 40
CAP = Path("/sys/module/tier_watch/parameters/max_user_external")
DECAY = 10


def external(stats):
    """Pages and bytes, all of the driver's."""
    objects = stats.objects()
    return objects["external"], objects["external_bytes"]


def errnos(each):
    """What came of the pages, as positive errnos."""
    return [-status for status in each.status]


@contextmanager
def tracked(dev, pages, tier=NVME, agent=None, **more):
    """Frames that are tracked for a while."""
    pages = list(pages)
    each = dev.track(pages, tier, agent, **more)
    assert each.status == [0] * len(pages), each
    try:
        yield pages
    finally:
        dev.untrack(pages)


def info(dev, page):
    """One page."""
    return dev.page_info([page])[0]


def own_frames(buffer, count):
    """Frames of ordinary memory."""
    fill(buffer, range(count), 1)
    with open("/proc/self/pagemap", "rb") as pagemap:
        pagemap.seek(buffer.addr // PAGE * 8)
        pfns = [int.from_bytes(pagemap.read(8), "little") & (1 << 55) - 1
                for _ in range(count)]
    assert all(pfns)
    return pfns


class TestTrack:
    def test_and_untrack(self, dev, stats):
        before = external(stats)
        pages = [BASE, BASE + 1, 0, 7, tw.TW_MAX_PFN - 1]
        with dev.agent(1) as agent:
            each = dev.track(pages, SSD, agent)
            assert (each.done, each.failed, each.status) == (5, 0, [0] * 5)
            count, size = external(stats)
            assert count == before[0] + 5 and 0 < size - before[1] <= 5 * 64
            got = dev.agent_stats(agent)
            assert list(got.external) == [0, 0, 0, 5, 0] and sum(got.pages) == 0
            for page, found in zip(pages, dev.page_info(pages)):
                assert (found.page, found.pfn, found.agent) == (page, page, 1)
                assert (found.tier, found.flags) == (SSD, tw.TW_PAGE_EXTERNAL)
                assert (found.status, found.heat, found.best_node) == (0, 0, -1)
            each = dev.untrack(pages)
            assert (each.done, each.failed, each.status) == (5, 0, [0] * 5)
            assert list(dev.agent_stats(agent).external) == [0] * 5
            assert [one.status for one in dev.page_info(pages)] == [-errno.ENOENT] * 5
        assert external(stats) == before

    def test_each_tier(self, dev):
        with dev.agent(1) as agent:
            for tier in TIERS:
                dev.track([BASE + tier], tier, agent)
                assert info(dev, BASE + tier).tier == tier
            assert list(dev.agent_stats(agent).external) == [1] * 5

    def test_twice(self, dev, stats):
        with tracked(dev, [BASE], GPU):
            with dev.agent(1) as agent:
                each = dev.track([BASE + 1, BASE, BASE + 1], CPU, agent)
                assert errnos(each) == [0, errno.EEXIST, errno.EEXIST]
                assert (each.done, each.failed) == (1, 2)
                assert list(dev.agent_stats(agent).external) == [0, 1, 0, 0, 0]
            assert info(dev, BASE).tier == GPU and external(stats)[0] == 1
        each = dev.untrack([BASE, BASE + 1])
        assert errnos(each) == [errno.ENOENT] * 2 and each.failed == 2

    def test_no_frame_number(self, dev, stats):
        before = external(stats)
        for page in (tw.TW_MAX_PFN, tw.TW_MAX_PFN + BASE, 1 << 62, (1 << 63) - 1):
            assert errnos(dev.track([page], CPU)) == [errno.EINVAL]
            assert errnos(dev.untrack([page])) == [errno.ENOENT]
            with refused(errno.ENOENT):
                dev.report(page)
        # A stable number of no region.
        assert errnos(dev.track([tw.TW_PAGE(1 << 30, 0)], CPU)) == [errno.ENOENT]
        assert errnos(dev.untrack([tw.TW_PAGE(1 << 30, 0)])) == [errno.ENOENT]
        assert external(stats) == before

    def test_a_batch_of_all_kinds(self, dev, make):
        region, _ = make(4, touched=2)
        with dev.agent(1) as agent:
            pages = [BASE, region.page(0), BASE, 1 << 60, region.page(9), BASE + 1]
            assert errnos(dev.track(pages, CPU, agent)) == \
                [0, errno.EACCES, errno.EEXIST, errno.EINVAL, errno.ENOENT, 0]
            assert errnos(dev.untrack(pages)) == \
                [0, errno.EOPNOTSUPP, errno.ENOENT, errno.ENOENT, errno.ENOENT, 0]

    def test_without_room_for_outcomes(self, dev, stats):
        pages = tw.u64s([BASE, BASE, 1 << 60])
        arg = dev.call(tw.TW_IOC_TRACK, tw.Track(
            tier=CPU, node=-1, agent_fd=-1, nr=3, pages=ctypes.addressof(pages)))
        assert (arg.done, arg.failed) == (1, 2) and external(stats)[0] == 1
        arg = dev.call(tw.TW_IOC_UNTRACK, tw.Untrack(nr=3, pages=ctypes.addressof(pages)))
        assert (arg.done, arg.failed) == (1, 2)

    def test_many(self, dev, stats):
        """10,000 pages; looked up, reported and forgotten one by one."""
        before = external(stats)
        pages = [BASE + 3 * number for number in range(10_000)]
        with dev.agent(1) as agent:
            each = dev.track(pages, HDD, agent)
            assert (each.done, each.failed) == (10_000, 0)
            count, size = external(stats)
            assert count - before[0] == 10_000 and size - before[1] <= 10_000 * 64
            assert dev.agent_stats(agent).external[HDD] == 10_000
            for page in pages[::100]:
                dev.report(page)
            heat = [one.heat for one in dev.page_info(pages)]
            assert sum(heat) == 100 and heat[::100] == [1] * 100
            # The numbers between them are nobody's.
            assert {one.status for one in dev.page_info([page + 1 for page in pages])} == \
                {-errno.ENOENT}
            assert dev.untrack(pages[:5000]).done == 5000
            assert dev.agent_stats(agent).external[HDD] == 5000
        assert external(stats) == before


class TestNode:
    def test_given(self, dev):
        for node in (-1, 0):
            with tracked(dev, [BASE], node=node):
                assert info(dev, BASE).node == node

    def test_the_frame_s_own(self, dev):
        with AlignedBuffer(4 * PAGE) as buffer:
            pfns = own_frames(buffer, 4)
            with tracked(dev, pfns, CPU):
                nodes = {found.node for found in dev.page_info(pfns)}
                assert nodes <= {int(path.name[4:]) for path in
                                 Path("/sys/devices/system/node").glob("node[0-9]*")}
            assert wrong(buffer, range(4), 1) == []


class TestAgents:
    def test_by_id(self, dev):
        with dev.agent(42) as agent:
            with tracked(dev, [BASE], GPU, 42):
                assert dev.agent_stats(agent).external[GPU] == 1
                assert info(dev, BASE).agent == 42

    def test_unknown(self, dev):
        with refused(errno.ENOENT):
            dev.track([BASE], GPU, 4711)
        pages = tw.u64s([BASE])
        with dev.agent(5) as agent, refused(errno.EINVAL):
            dev.call(tw.TW_IOC_TRACK, tw.Track(
                tier=CPU, node=-1, agent_fd=agent.fd, agent_id=5, flags=tw.TW_TRACK_BY_ID,
                nr=1, pages=ctypes.addressof(pages)))

    def test_not_a_foreign_one_by_id(self, dev):
        """Labels are each user's own."""
        reached, go = Reached(), Reached()

        def work():
            with tw.Device() as device, device.agent(77):
                reached.set()
                go.wait()

        child = Child(work, uid=NOBODY, gid=NOBODY, groups=[os.stat(tw.TW_DEVICE).st_gid])
        reached.wait()
        with refused(errno.ENOENT):
            dev.track([BASE], CPU, 77)
        go.set()
        assert child.wait() == 0

    def test_end_forgets(self, dev, stats):
        """What is left when an agent ends, and only that."""
        before = external(stats)
        with dev.agent(2) as other, tracked(dev, range(BASE, BASE + 100), GPU, other):
            with dev.agent(1) as agent:
                dev.track(range(BASE + 100, BASE + 3000), SSD, agent)
                assert external(stats)[0] == before[0] + 3000
                dev.report(BASE + 100)
            assert external(stats)[0] == before[0] + 100
            assert info(dev, BASE + 100).status == -errno.ENOENT
            with refused(errno.ENOENT):
                dev.report(BASE + 100)
            assert dev.agent_stats(other).external[GPU] == 100
        assert external(stats) == before

    def test_exit_forgets(self, stats):
        """A killed program's, too."""
        before = external(stats)
        reached = Reached()

        def work():
            with tw.Device() as device, device.agent(1) as agent:
                device.track(range(BASE, BASE + 1000), SSD, agent)
                reached.set(external(stats)[0])
                signal.pause()

        child = Child(work)
        reached.wait()
        assert reached.get() == before[0] + 1000
        child.kill()
        child.wait()
        assert wait_for(lambda: external(stats) == before)

    def test_a_region_keeps_it(self, dev, stats):
        """The agent lives on, and its external pages with it."""
        agent = dev.agent(1)
        with dev.region(PAGE, agent=agent) as region, region.map() as mapping:
            dev.track([BASE], CPU, agent)
            agent.close()
            assert info(dev, BASE).agent == 1
            dev.report(BASE)
            mapping.write(0, b"x")
            assert external(stats)[0] == 1
        assert wait_for(lambda: external(stats)[0] == 0)

    def test_default_one(self, dev, stats):
        """It lives as long as pages are accounted to it."""
        agents = stats.objects()["agents"]
        with tracked(dev, [BASE, BASE + 1]):
            assert stats.objects()["agents"] == agents + 1
            assert dev.agent_stats().external[NVME] == 2
            assert dev.agent_stats().id == info(dev, BASE).agent
            assert dev.untrack([BASE]).done == 1
            assert dev.agent_stats().external[NVME] == 1
            assert dev.track([BASE], SSD).done == 1
            assert stats.objects()["agents"] == agents + 1
        assert stats.objects()["agents"] == agents
        assert sum(dev.agent_stats().external) == 0


class TestManaged:
    """A region's page is tracked for life."""

    def test_where_and_whose(self, dev, make):
        with dev.agent(1) as agent:
            region, _ = make(4, touched=3, agent=agent)
            place(region, 1, 1, NVME)
            page = [region.page(index) for index in range(4)]
            assert errnos(dev.track(page, CPU, agent)) == [0, errno.EINVAL, 0, errno.EINVAL]
            assert errnos(dev.track(page, NVME, 1)) == \
                [errno.EINVAL, 0, errno.EINVAL, errno.EINVAL]
            assert errnos(dev.track(page, CPU)) == [errno.EACCES] * 4
            assert dev.agent_stats(agent).external[:] == [0] * 5
            assert region.tiers() == [CPU, NVME, CPU, NONE]

    def test_by_frame(self, dev, make, stats):
        """A frame of a region is that region's page, not an external one."""
        with dev.agent(1) as agent:
            region, _ = make(2, touched=2, agent=agent)
            pfns = [found.pfn for found in region.pages()]
            assert errnos(dev.track(pfns, CPU, agent)) == [0, 0]
            assert errnos(dev.track(pfns, GPU, agent)) == [errno.EINVAL] * 2
            assert errnos(dev.track(pfns, CPU)) == [errno.EACCES] * 2
            assert external(stats)[0] == 0
            assert errnos(dev.untrack(pfns)) == [errno.EOPNOTSUPP] * 2
            assert [found.page for found in dev.page_info(pfns)] == \
                [region.page(0), region.page(1)]

    def test_untrack(self, dev, make):
        region, mapping = make(2, touched=1, seed=3)
        assert errnos(dev.untrack([region.page(0), region.page(1), region.page(2)])) == \
            [errno.EOPNOTSUPP, errno.EOPNOTSUPP, errno.ENOENT]
        assert wrong(mapping, [0], 3) == []

    def test_a_frame_becomes_a_region_s(self, dev, make, stats, one_cpu):
        """The region's page it is then, and what was tracked can still be forgotten."""
        assert one_cpu >= 0
        region, mapping = make(512, touched=1)
        frame = region.pages(0, PAGE)[0].pfn
        region.discard(0, PAGE)
        with tracked(dev, [frame], HDD):
            assert info(dev, frame).tier == HDD
            for index in range(512):
                mapping.write(index * PAGE, b"x")
                if region.pages(index * PAGE, PAGE)[0].pfn == frame:
                    break
            else:
                pytest.skip("the frame did not come back")
            assert info(dev, frame).page == region.page(index)
            dev.report(frame)
            assert info(dev, region.page(index)).heat > 10
            assert external(stats)[0] == 1
            assert dev.untrack([frame]).status == [0]
            assert errnos(dev.untrack([frame])) == [errno.EOPNOTSUPP]
        assert external(stats)[0] == 0


class TestOrdinaryUser:
    """In the device's group: what is his, and nothing by frame number."""

    def test_external_pages(self, dev, stats):
        with tracked(dev, [BASE], CPU):
            before = external(stats)

            def work():
                with tw.Device() as device, device.agent(1) as agent:
                    return [errnos(device.track([BASE, BASE + 1], CPU, agent)),
                            errnos(device.track([BASE + 1], CPU)),
                            errnos(device.untrack([BASE, BASE + 1])),
                            [one.status for one in device.page_info([BASE])],
                            device.migrate([BASE], SSD).status,
                            errno_of(device.report, BASE),
                            sum(device.agent_stats(agent).external)]

            assert run_user(work) == [
                [errno.EPERM] * 2, [errno.EPERM], [errno.ENOENT] * 2, [-errno.ENOENT],
                [-errno.ENOENT], errno.ENOENT, 0]
            assert external(stats) == before
            assert info(dev, BASE).heat == 0

    def test_own_region(self, dev, make):
        """His own by their stable numbers; the frames are nobody's to him."""
        foreign, _ = make(1, touched=1)
        number = foreign.page(0)
        frame = foreign.pages()[0].pfn

        def work():
            with tw.Device() as device, device.agent(1) as agent:
                with device.region(2 * PAGE, agent=agent) as region, region.map() as mapping:
                    fill(mapping, [0], 1)
                    mine = [region.page(0), region.page(1)]
                    got = [errnos(device.track(mine, CPU, agent)),
                           errnos(device.track([number, frame], CPU, agent)),
                           errnos(device.untrack([*mine, number, frame]))]
                    device.report(mine[0], flags=tw.TW_REPORT_WRITE)
                    got += [errno_of(device.report, page) for page in (mine[1], number, frame)]
                    got += [device.page_info(mine)[0].heat, device.agent_stats(agent).reported]
                    return got

        assert run_user(work) == [
            [0, errno.EINVAL], [errno.ENOENT, errno.EPERM],
            [errno.EOPNOTSUPP] * 2 + [errno.ENOENT] * 2, *[errno.ENOENT] * 3, 11, 1]
        assert dev.page_info([number])[0].heat == 10

    def test_an_agent_of_his_own(self, dev):
        """Root may track for a user's agent, whose fd he was given; it is charged to root."""
        reached, go = Reached(), Reached()

        def work():
            with tw.Device() as device, device.agent(9) as agent:
                reached.set(agent.fd)
                go.wait()
                return list(device.agent_stats(agent).external)

        child = Child(work, uid=NOBODY, gid=NOBODY, groups=[os.stat(tw.TW_DEVICE).st_gid])
        reached.wait()
        fd = lend(reached.get(), child.pid)
        pages = tw.u64s([BASE, BASE + 1])
        arg = dev.call(tw.TW_IOC_TRACK, tw.Track(
            tier=GPU, node=-1, agent_fd=fd, nr=2, pages=ctypes.addressof(pages)))
        os.close(fd)
        assert arg.done == 2
        go.set()
        assert child.result() == [2, 0, 0, 0, 0]
        assert wait_for(lambda: info(dev, BASE).status == -errno.ENOENT)


class TestCap:
    @pytest.fixture(autouse=True)
    def cap(self):
        before = CAP.read_text()
        assert int(before) == 16 << 20
        CAP.write_text("5")
        yield
        CAP.write_text(before)

    def work(self):
        """Errnos of tracking nine, then of one more after one was forgotten."""
        pages = range(BASE, BASE + 9)
        with tw.Device() as device, device.agent(1) as agent:
            got = [errnos(device.track(pages, CPU, agent)), sum(device.agent_stats(agent).external)]
            assert device.untrack([BASE]).done == 1
            got.append(errnos(device.track([BASE + 100, BASE + 101], CPU, agent)))
        with tw.Device() as device, device.agent(1) as agent:
            got.append(errnos(device.track(pages, CPU, agent)).count(0))
        return got

    def test_capped(self, stats):
        before = external(stats)
        assert with_caps(self.work, CAP_SYS_ADMIN) == [
            [0] * 5 + [errno.EDQUOT] * 4, 5, [0, errno.EDQUOT], 5]
        assert external(stats) == before

    def test_exempt(self):
        assert with_caps(self.work, CAP_SYS_ADMIN, CAP_SYS_RESOURCE) == \
            [[0] * 9, 9, [0, 0], 9]
        assert run_child(self.work) == [[0] * 9, 9, [0, 0], 9]


class TestReport:
    def counters(self, stats):
        return [stats.counters(tier) for tier in TIERS]

    def only_reported(self, before, after, expected):
        """Nothing but `reported` has grown, and by this much in each tier."""
        for tier in TIERS:
            delta = {name: after[tier][name] - before[tier][name] for name in after[tier]}
            assert delta.pop("reported") == expected.get(tier, 0), tier
            assert not any(delta.values()), delta

    def test_external(self, dev, stats):
        with dev.agent(1) as agent, tracked(dev, [BASE, BASE + 1], SSD, agent):
            before = self.counters(stats)
            for _ in range(3):
                dev.report(BASE)
            dev.report(BASE + 1, addr=0x1234, flags=tw.TW_REPORT_WRITE)
            self.only_reported(before, self.counters(stats), {SSD: 4})
            got = dev.agent_stats(agent)
            assert got.reported == 4 and got.fault_ns == 0
            assert sum(got.faults_minor) + sum(got.faults_major) == 0
            assert [found.heat for found in dev.page_info([BASE, BASE + 1])] == [3, 1]

    def test_managed(self, dev, make, stats):
        """By both numbers, in memory and in a store, where it stays."""
        with dev.agent(1) as agent:
            region, mapping = make(3, touched=2, seed=1, agent=agent)
            place(region, 1, 1, NVME)
            heat = [found.heat for found in region.pages()]
            before = self.counters(stats)
            dev.report(region.page(0))
            dev.report(region.pages()[0].pfn)
            dev.report(region.page(1))
            self.only_reported(before, self.counters(stats), {CPU: 2, NVME: 1})
            assert [found.heat for found in region.pages()] == [heat[0] + 2, heat[1] + 1, 0]
            assert region.tiers() == [CPU, NVME, NONE]
            assert dev.agent_stats(agent).reported == 3
            with refused(errno.ENOENT, region):
                dev.report(region.page(2))      # never touched
            with refused(errno.ENOENT, region):
                dev.report(region.page(3))      # beyond its end
            assert wrong(mapping, range(2), 1) == []

    def test_votes(self, dev, make):
        """The reporting CPU's node becomes the page's best."""
        region, _ = make(1, touched=1)
        with tracked(dev, [BASE]):
            assert info(dev, BASE).best_node == -1
            dev.report(BASE)
            dev.report(region.page(0))
            nodes = {int(path.name[4:]) for path in
                     Path("/sys/devices/system/node").glob("node[0-9]*")}
            assert info(dev, BASE).best_node in nodes
            assert info(dev, region.page(0)).best_node in nodes

    def test_hot(self, dev):
        with tracked(dev, [BASE, BASE + 1]):
            # As many as it takes: seconds without a report may halve what there was.
            for _ in range(2000):
                dev.report(BASE)
                if info(dev, BASE).heat > 100:
                    break
            hot, warm = dev.page_info([BASE, BASE + 1])
            assert hot.heat == 101 and hot.temperature == tw.TW_CLASS_HOT
            assert warm.heat == 0

    def test_cools(self, dev):
        """Half the heat for every ten seconds without a report, and cold in the end."""
        with tracked(dev, [BASE, BASE + 1]):
            for _ in range(16):
                dev.report(BASE)
            reported = info(dev, BASE)
            assert reported.heat == 16 and reported.age == 0
            assert reported.temperature == tw.TW_CLASS_WARM
            seen = wait_for(lambda: info(dev, BASE) if info(dev, BASE).age else None,
                            3 * DECAY)
            assert seen and seen.heat == 16 >> seen.age
            assert seen.temperature == tw.TW_CLASS_COLD
            cold = info(dev, BASE + 1)
            assert cold.age >= 1 and cold.temperature == tw.TW_CLASS_COLD
            dev.report(BASE)
            seen = info(dev, BASE)
            assert seen.age == 0 and seen.heat <= 9
            assert seen.temperature == tw.TW_CLASS_WARM

    def test_at_once(self, dev, make, stats):
        """From several processes: each of them counts, none finds no page."""
        region, _ = make(1, touched=1)
        frame = region.pages()[0].pfn
        with dev.agent(1) as agent, tracked(dev, [BASE], GPU, agent):
            before = self.counters(stats)

            def work(page):
                with tw.Device() as device:
                    return {errno_of(device.report, page) for _ in range(500)}

            children = [Child(work, page) for page in (BASE, BASE, frame, frame)]
            assert [child.result() for child in children] == [{0}] * 4
            self.only_reported(before, self.counters(stats), {GPU: 1000, CPU: 1000})
            assert dev.agent_stats(agent).reported == 1000


class TestMove:
    """Nobody has told how to move them."""

    def test_unmovable(self, dev, stats):
        pages = [BASE, BASE + 1]
        with dev.agent(1) as agent, tracked(dev, pages, SSD, agent):
            before = [stats.counters(tier) for tier in TIERS]
            result = dev.migrate([BASE, BASE + 1, BASE + 2], NVME)
            assert result.status == [-errno.EOPNOTSUPP] * 2 + [-errno.ENOENT]
            assert (result.moved, result.failed) == (0, 3)
            assert dev.migrate(pages, NVME, SSD).status == [-errno.EOPNOTSUPP] * 2
            assert dev.migrate(pages, NVME, CPU).status == [-errno.EINVAL] * 2
            result = dev.migrate(pages, SSD)
            assert result.status == [tw.TW_MOVE_ALREADY] * 2 and result.failed == 0
            assert dev.migrate([tw.TW_MAX_PFN, 1 << 62], SSD).status == [-errno.ENOENT] * 2
            assert [found.tier for found in dev.page_info(pages)] == [SSD] * 2
            got = dev.agent_stats(agent)
            assert sum(got.moves_in) + sum(got.moves_out) == 0 and got.external[SSD] == 2
            assert [stats.counters(tier) for tier in TIERS] == before

    def test_among_managed_ones(self, dev, make):
        region, mapping = make(2, touched=2, seed=1)
        with tracked(dev, [BASE], CPU):
            result = dev.migrate([region.page(0), BASE, region.page(1)], GPU)
            assert result.status == [0, -errno.EOPNOTSUPP, 0]
            assert (result.moved, result.failed) == (2, 1)
            assert info(dev, BASE).tier == CPU
        assert wrong(mapping, range(2), 1) == []


@pytest.mark.at_once
def test_all_at_once(dev, stats):
    """Tracked, reported, looked up, forgotten and ended in each other's way."""
    before = external(stats)
    stop = Reached()
    pages = range(BASE, BASE + 256)

    def track(ident):
        rounds = 0
        with tw.Device() as device:
            while not stop.get():
                with device.agent(ident) as agent:
                    device.track(pages, ident % 5, agent)
                    if rounds % 2:
                        device.untrack(pages[::2])
                rounds += 1
        return rounds

    def look():
        seen = set()
        with tw.Device() as device:
            while not stop.get():
                for found in device.page_info(pages):
                    seen.add((found.status, found.tier))
                    errno_of(device.report, found.page)
                device.migrate(pages, CPU)
        return seen

    workers = [Child(track, ident) for ident in (6, 7, 8)] + [Child(look), Child(look)]
    time.sleep(4)
    stop.set()
    results = [worker.result() for worker in workers]
    assert all(results[:3]) and all(results[3:])
    assert {status for seen in results[3:] for status, _ in seen} <= {0, -errno.ENOENT}
    assert external(stats) == before
    assert dev.track([BASE], CPU).done == 1 and dev.untrack([BASE]).done == 1
