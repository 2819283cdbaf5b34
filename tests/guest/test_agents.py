# SPDX-License-Identifier: GPL-2.0
"""Agents: creating, joining, default ones, what is accounted to them."""

import errno
import os
import re
import signal
from pathlib import Path

import pytest

import tw
from support import (NOBODY, OTHER, Cgroup, Child, Reached, errno_of, fill, place, refused,
                     run_child, run_user, wait_for, wrong)
from tw import CPU, GPU, NVME, PAGE, SSD, TIERS

BY_ID = tw.TW_AGENT_BY_ID


def own_cgroup_id() -> int:
    path = open("/proc/self/cgroup", encoding="ascii").read().strip().partition("::")[2]
    return os.stat("/sys/fs/cgroup" + path).st_ino


class TestCreate:
    def test_create(self, dev, stats):
        with dev.agent(42) as agent:
            assert stats.objects()["agents"] == 1
            got = dev.agent_stats(agent)
            assert (got.id, got.is_default, got.regions, got.fault_ns) == (42, 0, 0, 0)
            for name in ("pages", "faults_minor", "faults_major", "moves_in", "moves_out"):
                assert list(getattr(got, name)) == [0] * 5
            assert not os.get_inheritable(agent.fd)
        assert stats.objects()["agents"] == 0

    @pytest.mark.parametrize("ident", [0, 1, 1 << 63, (1 << 64) - 1])
    def test_any_label(self, dev, ident):
        with dev.agent(ident) as agent:
            assert dev.agent_stats(agent).id == ident

    def test_exists(self, dev):
        with dev.agent(7):
            with refused(errno.EEXIST):
                dev.agent(7)
        with dev.agent(7):
            pass

    def test_join(self, dev, stats):
        first = dev.agent(7)
        second = dev.agent(7, tw.TW_AGENT_JOIN)
        assert stats.objects()["agents"] == 1
        with dev.region(4 * PAGE, agent=first) as region, region.map() as mapping:
            fill(mapping, range(4), 1)
            assert dev.agent_stats(second).pages[CPU] == 4
        first.close()
        assert dev.agent_stats(second).regions == 0
        assert stats.objects()["agents"] == 1
        second.close()
        assert stats.objects()["agents"] == 0

    def test_join_creates(self, dev):
        with dev.agent(8, tw.TW_AGENT_JOIN) as agent:
            assert dev.agent_stats(agent).id == 8
            with refused(errno.EEXIST):
                dev.agent(8)

    def test_lives_with_its_regions(self, dev, stats):
        agent = dev.agent(9)
        region = dev.region(PAGE, agent=agent)
        agent.close()
        assert dev.agent_stats(9).regions == 1
        region.close()
        assert wait_for(lambda: errno_of(dev.agent_stats, 9) == errno.ENOENT)
        assert stats.objects()["agents"] == 0

    def test_events(self, dev, stream):
        reader = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_AGENT_CREATED) |
                        tw.TW_EVENT_BIT(tw.TW_EVENT_AGENT_ENDED)).reader()
        agent = dev.agent(123)
        dev.agent(123, tw.TW_AGENT_JOIN).close()
        agent.close()
        assert [(event.type, event.agent) for event in reader.read()] == \
            [(tw.TW_EVENT_AGENT_CREATED, 123), (tw.TW_EVENT_AGENT_ENDED, 123)]


class TestAccounting:
    def test_adds_up(self, dev, make, stats):
        """Two agents' figures are the whole driver's."""
        with dev.agent(1) as one, dev.agent(2) as two:
            before = [stats.counters(tier) for tier in TIERS]
            first, a = make(20, agent=one)
            second, b = make(10, agent=two)
            fill(a, range(20), 1)
            fill(b, range(10), 2)
            place(first, 0, 8, GPU)
            place(first, 8, 4, NVME)
            place(second, 0, 5, NVME)
            place(second, 5, 2, SSD)
            assert wrong(a, range(20), 1) == wrong(b, range(10), 2) == []
            got = [dev.agent_stats(agent) for agent in (one, two)]
            assert [sum(agent.pages) for agent in got] == [20, 10]
            assert [agent.regions for agent in got] == [1, 1]
            assert list(got[0].pages) == list(first.info().pages)
            assert all(agent.fault_ns > 0 for agent in got)
            for tier in TIERS:
                delta = {name: value - before[tier][name]
                         for name, value in stats.counters(tier).items()}
                assert sum(agent.pages[tier] for agent in got) == stats.used()[tier]
                assert sum(agent.faults_minor[tier] for agent in got) == \
                    delta["minor_read"] + delta["minor_write"]
                assert sum(agent.faults_major[tier] for agent in got) == \
                    delta["major_read"] + delta["major_write"]
                assert sum(agent.moves_in[tier] for agent in got) == delta["moves_in"]
                assert sum(agent.moves_out[tier] for agent in got) == delta["moves_out"]
            assert sum(sum(agent.faults_major) for agent in got) > 0

    def test_a_page_belongs_to_its_region_s_agent(self, dev, make):
        """Not to who touches it."""
        with dev.agent(1) as one:
            _, mapping = make(8, agent=one)
            run_child(fill, mapping, range(8), 1)
            assert dev.agent_stats(one).pages[CPU] == 8
            assert dev.agent_stats().pages[CPU] == 0

    def test_region_info_names_it(self, dev, make):
        with dev.agent(77) as agent:
            region, _ = make(1, agent=agent)
            assert region.info().agent == 77


class TestDefault:
    def test_of_the_own_cgroup(self, dev, make):
        region, _ = make(4, touched=4)
        got = dev.agent_stats()
        assert got.is_default == 1
        assert got.id == own_cgroup_id() == region.info().agent
        assert got.pages[CPU] == 4 and got.regions == 1

    def test_without_a_region(self, dev, stats):
        """Looking does not make one."""
        got = dev.agent_stats()
        assert (got.is_default, got.regions, sum(got.pages)) == (1, 0, 0)
        assert stats.objects()["agents"] == 0

    def test_by_cgroup(self, dev, make):
        """Each group has its own."""
        make(4, touched=4)
        with Cgroup() as group:
            def work():
                group.enter()
                with tw.Device() as device, device.region(8 * PAGE) as region:
                    with region.map() as mapping:
                        fill(mapping, range(8), 1)
                        got = device.agent_stats()
                        return got.id, got.is_default, sum(got.pages), got.regions

            assert run_child(work) == (group.id, 1, 8, 1)
            assert sum(dev.agent_stats().pages) == 4

    def test_is_not_found_by_id(self, dev, make):
        make(4, touched=4)
        with refused(errno.ENOENT):
            dev.agent_stats(own_cgroup_id())

    def test_label_of_a_cgroup_is_free(self, dev, make):
        """An explicit agent may have the number of a cgroup; they are two."""
        make(4, touched=4)
        with dev.agent(own_cgroup_id()) as agent:
            assert sum(dev.agent_stats(agent).pages) == 0
            assert sum(dev.agent_stats().pages) == 4

    def test_by_user(self, dev, make):
        """Two users in one group have an agent each."""
        make(4, touched=4)

        def work():
            with tw.Device() as device, device.region(2 * PAGE) as region:
                with region.map() as mapping:
                    fill(mapping, range(2), 1)
                    return sum(device.agent_stats().pages)

        assert run_user(work) == 2
        assert sum(dev.agent_stats().pages) == 4


class TestById:
    def test_own(self, dev):
        with dev.agent(5):
            assert dev.agent_stats(5).id == 5
        with refused(errno.ENOENT):
            dev.agent_stats(5)

    def test_another_user_s(self, dev):
        """Neither by id nor by join does one get at another user's agent."""
        with dev.agent(5):
            def look():
                with tw.Device() as device:
                    assert errno_of(device.agent_stats, 5) == errno.ENOENT
                    with device.agent(5) as own:
                        assert device.agent_stats(5).regions == 0
                        assert errno_of(device.agent, 5) == errno.EEXIST
                        return device.agent_stats(own).id

            assert run_user(look) == 5
            assert run_user(look, uid=OTHER) == 5

    def test_of_a_user_from_root(self, dev):
        """Agents are looked up among the caller's own, for root too."""
        made, done = Reached(), Reached()

        def hold():
            with tw.Device() as device, device.agent(55):
                made.set()
                done.wait()

        child = Child(hold, uid=NOBODY, gid=NOBODY, groups=[os.stat(tw.TW_DEVICE).st_gid])
        made.wait()
        with refused(errno.ENOENT):
            dev.agent_stats(55)
        done.set()
        child.result()


class TestWrongFds:
    def test_not_an_agent(self, dev, make, stream):
        region, _ = make(4, touched=4)
        with open("/dev/null", "rb") as null:
            for fd in (region.fd, dev.fd, stream().fd, null.fileno()):
                with refused(errno.EINVAL, region):
                    dev.region(PAGE, agent=tw.Handle(fd))
                with refused(errno.EINVAL, region):
                    dev.stream(agent=tw.Handle(fd))
                with refused(errno.EINVAL, region):
                    dev.agent_stats(tw.Handle(fd))

    @pytest.mark.parametrize("fd", [-2, 999, 1 << 30, -(1 << 31)])
    def test_not_open(self, dev, fd):
        with refused(errno.EBADF):
            dev.region(PAGE, agent=tw.Handle(fd))
        with refused(errno.EBADF):
            dev.stream(agent=tw.Handle(fd))
        with refused(errno.EBADF):
            dev.agent_stats(tw.Handle(fd))

    def test_by_id_takes_no_fd(self, dev):
        with dev.agent(5) as agent:
            with refused(errno.EINVAL):
                dev.ioctl(tw.TW_IOC_AGENT_STATS,
                          tw.AgentStats(flags=BY_ID, agent_fd=agent.fd, id=5))


def test_passed_agent(dev):
    """Another user's agent, handed over as an fd, may be used."""
    with dev.agent(66) as agent:
        os.set_inheritable(agent.fd, True)

        def work():
            with tw.Device() as device, device.region(4 * PAGE, agent=agent) as region:
                with region.map() as mapping:
                    fill(mapping, range(4), 1)
                    return device.agent_stats(agent).pages[CPU]

        assert run_user(work) == 4
        assert dev.agent_stats(agent).faults_minor[CPU] == 4


@pytest.mark.at_once
def test_created_by_two_at_once():
    """A race for one label: one wins, the other gets EEXIST."""
    go, leave = Reached(), Reached()

    def contend():
        with tw.Device() as device:
            go.wait()
            try:
                with device.agent(31337):
                    leave.wait()
                return 0
            except OSError as error:
                leave.set()
                return error.errno

    children = [Child(contend) for _ in range(2)]
    go.set()
    assert sorted(child.result() for child in children) == [0, errno.EEXIST]


def free_by_node() -> dict[int, int]:
    """Free pages of each node, those on the CPUs' lists included."""
    free: dict[int, int] = {}
    for text in re.split(r"^(?=Node )", Path("/proc/zoneinfo").read_text(), flags=re.M)[1:]:
        node = int(text[5:text.index(",")])
        pages = re.findall(r"^\s+(?:nr_free_pages|count:) +(\d+)", text, re.M)
        free[node] = free.get(node, 0) + sum(map(int, pages))
    return free


def test_exit_frees_everything(dev, stats):
    """An agent that is killed leaves nothing: not in its tiers, not in their nodes."""
    many, some = 6000, 200
    nodes = free_by_node()
    before = (stats.used(), stats.kept(), stats.objects())
    ready = Reached()

    def work():
        agent = dev.agent(91)
        region = dev.region((many + 4 * some) * PAGE, agent=agent)
        mapping = region.map()
        fill(mapping, range(many + 4 * some), 1)
        place(region, 0, some, NVME)
        mapping.read(0, 1)                      # a copy is kept
        place(region, some, many // 2, GPU)
        dev.track([1 << 40], GPU, agent)
        ready.set()
        signal.pause()

    child = Child(work)
    ready.wait(1, 120)
    during = free_by_node()
    taken = {node: free - during[node] for node, free in nodes.items()}
    assert sum(taken.values()) >= many and max(taken.values()) >= many // 2
    assert stats.used() != before[0] and stats.objects() != before[2]
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert wait_for(lambda: (stats.used(), stats.kept(), stats.objects()) == before)
    # What else lives on the machine takes and gives a little.
    assert wait_for(lambda: all(free_by_node()[node] > free - 1000
                                for node, free in nodes.items())), (nodes, free_by_node())
