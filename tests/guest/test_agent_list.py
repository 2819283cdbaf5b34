# SPDX-License-Identifier: GPL-2.0
"""The list of agents: what it says, in which order, and to whom."""

import ctypes
import errno
import os
import resource

import pytest

import tw
from support import (CLONE_NEWUSER, NOBODY, OTHER, AlignedBuffer, Cgroup, Child, Reached,
                     device_gid, fill, place, refused, run_child, run_user)
from tw import CPU, GPU, PAGE

DEFAULT, MINE = tw.TW_AGENT_IS_DEFAULT, tw.TW_AGENT_IS_MINE
SAME = ("id", "regions", "fault_ns", "reported", "pages", "external", "faults_minor",
        "faults_major", "moves_in", "moves_out")


def values(struct, names) -> dict:
    return {name: list(got) if isinstance(got := getattr(struct, name), ctypes.Array) else got
            for name in names}


def keys(agents) -> list:
    return [(one.uid, one.flags, one.id) for one in agents]


@pytest.fixture
def agents(dev):
    """agents(id, ...): made now, closed after the test."""
    made = []

    def build(*ids):
        made.extend(dev.agent(one) for one in ids)
        return made[-len(ids):]

    yield build
    for one in made:
        one.close()


class Others:
    """Another user's process, which holds agents until the test is over."""

    def __init__(self, uid: int, *ids: int):
        self.made, self.done = Reached(), Reached()

        def hold():
            with tw.Device() as device, device.region(4 * PAGE) as region, region.map() as mapping:
                held = [device.agent(one) for one in ids]
                fill(mapping, range(3), 1)
                self.made.set()
                self.done.wait(seconds=60)
                return len(held)

        self.child = Child(hold, uid=uid, gid=uid, groups=[device_gid()])
        self.made.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.done.set()
        assert self.child.result()


class TestWhat:
    def test_none(self, dev):
        assert dev.agents() == []

    def test_same_as_stats(self, dev, make, agents):
        """An entry says what the agent's own statistics say."""
        one, two = agents(5, 6)
        region, mapping = make(12, seed=1, touched=10, agent=one)
        place(region, 0, 4, GPU)
        mapping.read(0, 1)
        dev.track([1 << 40], CPU, two)
        try:
            dev.report(1 << 40)
            found = dev.agents()
            assert keys(found) == [(0, MINE, 5), (0, MINE, 6)]
            for entry, agent in zip(found, (one, two)):
                assert values(entry, SAME) == values(dev.agent_stats(agent), SAME)
                assert entry.user_ns == os.stat("/proc/self/ns/user").st_ino
            assert found[0].pages[:2] == [4, 6] and found[0].moves_in[GPU] == 4
            assert found[1].external[CPU] == 1 and found[1].reported == 1
        finally:
            assert dev.untrack([1 << 40]).done == 1

    def test_limits(self, dev, agents):
        agents(5)
        assert list(dev.agents()[0].limit) == list(dev.agents()[0].hard) == [tw.TW_NO_LIMIT] * 5
        wanted = [1, tw.TW_NO_LIMIT, 3, 4, 5]
        dev.limits(5, wanted)
        assert list(dev.agents()[0].limit) == list(dev.agents()[0].hard) == wanted

        def below():
            with tw.Device() as device, device.agent(9):
                device.limits(9, [7] * 5)
                return [list(getattr(device.agents()[0], name)) for name in ("limit", "hard")]
        assert run_user(below) == [[7] * 5, [tw.TW_NO_LIMIT] * 5]

    def test_default_agent(self, dev, make):
        """It is in the list while it exists, under its cgroup's id."""
        with Cgroup() as group:
            def work():
                group.enter()
                with tw.Device() as device, device.region(2 * PAGE) as region:
                    with region.map() as mapping:
                        fill(mapping, range(2), 1)
                    return [(*key, one.pages[CPU]) for key, one in
                            zip(keys(device.agents()), device.agents())]
            assert run_child(work) == [(0, MINE | DEFAULT, group.id, 2)]
        assert dev.agents() == []


class TestOrder:
    @pytest.mark.parametrize("room", [1, 2, 3, 7, 8, 64])
    def test_of_making(self, dev, agents, room):
        """Whatever the room of a call: each once, in the order in which they were made."""
        ids = [40, 3, 1 << 63, 8, 0, 5, 4]
        made = agents(*ids)
        assert [one.id for one in dev.agents(room)] == ids
        made[2].close()
        agents(1)
        assert [one.id for one in dev.agents(room)] == [40, 3, 8, 0, 5, 4, 1]

    def test_cursor(self, dev, agents):
        """It outlives the agent it stands at, and what is made meanwhile comes later."""
        made = agents(1, 2, 3)
        array = (tw.AgentEntry * 2)()

        def look(cursor):
            arg = dev.call(tw.TW_IOC_AGENT_LIST, tw.AgentList(
                nr=2, cursor=cursor, agents=ctypes.addressof(array)))
            return [one.id for one in array[:arg.nr]], arg.cursor

        found, cursor = look(0)
        assert found == [1, 2] and cursor
        made[1].close()
        agents(4)
        assert look(cursor)[0] == [3, 4]
        for far in (1 << 32, 1 << 63, (1 << 64) - 1):
            assert look(far) == ([], 0)

    def test_only_what_was_found_is_written(self, dev, agents):
        agents(1)
        array = (tw.AgentEntry * 3)()
        ctypes.memset(array, 0xa5, ctypes.sizeof(array))
        arg = dev.call(tw.TW_IOC_AGENT_LIST, tw.AgentList(
            nr=3, agents=ctypes.addressof(array)))
        assert (arg.nr, arg.cursor) == (1, 0)
        assert bytes(array[1]) == bytes(array[2]) == b"\xa5" * ctypes.sizeof(tw.AgentEntry)

    def test_many(self):
        """More than one call looks at."""
        def work():
            resource.setrlimit(resource.RLIMIT_NOFILE, (5000, 5000))
            with tw.Device() as device:
                held = [device.agent(number) for number in range(4200)]
                array = (tw.AgentEntry * 5000)()
                arg = device.call(tw.TW_IOC_AGENT_LIST, tw.AgentList(
                    nr=5000, agents=ctypes.addressof(array)))
                return (len(held), arg.nr, arg.cursor != 0,
                        [one.id for one in device.agents(5000)] == list(range(4200)))
        assert run_child(work) == (4200, 4096, True, True)


class TestWhose:
    def test_others_are_not_there(self, agents):
        """Neither root's nor another user's, though all are there for root."""
        agents(1, 2)

        def seen():
            with tw.Device() as device, device.agent(1), device.region(PAGE) as region:
                with region.map() as mapping:
                    mapping.write(0, b"x")
                    return keys(device.agents()), keys(device.agents(1))

        with Others(OTHER, 1, 3):
            whole, by_one = run_user(seen)
            assert [(uid, flags) for uid, flags, _ in whole] == \
                [(NOBODY, MINE), (NOBODY, MINE | DEFAULT)]
            assert whole[0][2] == 1 and by_one == whole

    def test_nothing_to_see(self, agents):
        """Who has none gets none, and no cursor: as if there were no agents at all."""
        agents(1, 2, 3)

        def seen():
            array = (tw.AgentEntry * 4)()
            with tw.Device() as device:
                arg = device.call(tw.TW_IOC_AGENT_LIST, tw.AgentList(
                    nr=4, agents=ctypes.addressof(array)))
                return arg.nr, arg.cursor, any(bytes(array))
        assert run_user(seen) == (0, 0, False)

    def test_admin_sees_all(self, dev, agents):
        agents(7)
        with Others(OTHER, 7, 8):
            found = dev.agents()
            assert sorted(keys(found))[:1] == [(0, MINE, 7)]
            assert sorted(keys(found))[1:3] == [(OTHER, 0, 7), (OTHER, 0, 8)]
            theirs = [one for one in found if one.flags == DEFAULT]
            assert [(one.uid, one.pages[CPU]) for one in theirs] == [(OTHER, 3)]
            # By label they are nobody else's all the same.
            with refused(errno.ENOENT):
                dev.agent_stats(8)

    def test_root_of_a_user_namespace(self, agents):
        """All capabilities there show nothing of outside; its own agents are its own."""
        agents(1)

        def seen():
            tw.check(tw.libc.unshare(CLONE_NEWUSER))
            with tw.Device() as device, device.agent(5):
                return [(one.flags, one.id) for one in device.agents()]
        with Others(NOBODY, 6):
            assert run_user(seen) == [(MINE, 5)]


def test_memory_that_ends(dev, agents):
    """Room that is not all there is refused before anything is written."""
    agents(1, 2)
    with AlignedBuffer(2 * PAGE) as buffer:
        buffer.unmap(PAGE, PAGE)
        before = b"\x5a" * 64
        buffer.write(PAGE - 64, before)
        with refused(errno.EFAULT):
            dev.ioctl(tw.TW_IOC_AGENT_LIST, tw.AgentList(nr=1, agents=buffer.addr + PAGE - 64))
        assert buffer.read(PAGE - 64, 64) == before
        buffer.length = PAGE


@pytest.mark.at_once
def test_while_they_come_and_go(dev):
    """Lists under way beside agents that are made and ended: those that stay are in each."""
    stay = [dev.agent(number) for number in range(1000, 1010)]
    done = Reached()

    def churn(rounds):
        with tw.Device() as device:
            while not done.get():
                for one in [device.agent(number, tw.TW_AGENT_JOIN) for number in range(20)]:
                    one.close()
                rounds.set(rounds.get() + 1)

    rounds = [Reached(), Reached()]
    children = [Child(churn, one) for one in rounds]
    turn = 0
    try:
        while turn < 200 or not all(one.get() for one in rounds):
            found = [one.id for one in dev.agents(1 + turn % 7) if one.id >= 1000]
            assert found == list(range(1000, 1010))
            turn += 1
    finally:
        done.set()
        for child in children:
            child.result()
        for one in stay:
            one.close()
