# SPDX-License-Identifier: GPL-2.0
"""Limits of cgroups and users: they hold for all agents and all cgroups below, now and later."""

import ctypes
import errno
from pathlib import Path

import pytest

import tw
from support import (CLONE_NEWUSER, NOBODY, OTHER, Cgroup, Child, Reached, close_made,
                     device_gid, errno_of, fill, place, refused, run_child, run_user, wait_for,
                     wrong)
from tw import CPU, GPU, HDD, NVME, PAGE

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.forked]

NO = tw.TW_NO_LIMIT
NONE = [NO] * 5


def only(**pages) -> list[int]:
    """Limits in these tiers."""
    return [pages.get(name, NO) for name in tw.TIER_NAMES]


@pytest.fixture(autouse=True)
def no_groups(dev):
    """None are left, and their counts were right: the driver warns of others at their end."""
    assert dev.groups() == []
    yield
    close_made()
    for group, _ in dev.groups():
        dev.group_limits(group, NONE)


def limit(dev, group, **pages):
    dev.group_limits(group, only(**pages))


def used(dev, group) -> list[int]:
    return list(dev.group_limits(group).used)


def pages(*regions) -> list[int]:
    """Of all of them together, by tier."""
    return [sum(count) for count in zip(*(list(region.info().pages) for region in regions))]


class TestCgroups:
    def test_set_and_get(self, dev):
        assert list(dev.group_limits("/a/b").pages) == NONE
        limit(dev, "/a/b", cpu=5, hdd=0)
        limit(dev, "/", nvme=1 << 40)
        assert list(dev.group_limits("/a/b").pages) == only(cpu=5, hdd=0)
        assert list(dev.group_limits("/a").pages) == NONE
        assert dev.groups() == [("/a/b", only(cpu=5, hdd=0)), ("/", only(nvme=1 << 40))]
        dev.group_limits("/a/b", NONE)
        assert dev.groups() == [("/", only(nvme=1 << 40))]

    def test_sum_of_those_below(self, dev, make):
        """Each has less than the limit, together they have not more."""
        with Cgroup() as top, Cgroup(top) as left, Cgroup(top) as right:
            limit(dev, top.name, cpu=50)
            with left.inside():
                one, first = make(40, seed=1, touched=40)
            with right.inside():
                two, second = make(40, seed=2, touched=40)
            assert pages(one)[:2] == [0, 40] and pages(two)[:2] == [30, 10]
            assert used(dev, top.name) == pages(one, two)
            other, _ = make(60, touched=60)
            assert pages(other)[CPU] == 60
            assert wrong(first, range(40), 1) == wrong(second, range(40), 2) == []
            close_made()

    def test_every_ancestor(self, dev, make):
        """The narrowest one on the way up decides, and all of them count."""
        with Cgroup() as top, Cgroup(top) as middle, Cgroup(middle) as low:
            limit(dev, top.name, cpu=30)
            limit(dev, middle.name, cpu=100)
            limit(dev, low.name, cpu=20)
            with low.inside():
                one, _ = make(40, touched=40)
            assert pages(one)[:2] == [20, 20]
            with middle.inside():
                two, _ = make(40, touched=40)
            assert pages(two)[:2] == [30, 10]
            assert used(dev, low.name) == pages(one)
            assert used(dev, middle.name) == used(dev, top.name) == pages(one, two)
            close_made()

    def test_own_agents_are_no_way_around(self, dev, make):
        """Nor is somebody else's agent, passed on."""
        with dev.agent(1) as agent, Cgroup() as group:
            limit(dev, group.name, cpu=10)
            with group.inside(), dev.agent(2) as mine:
                one, _ = make(20, touched=20, agent=mine)
                two, _ = make(20, touched=20, agent=agent)
            assert pages(one)[:2] == [10, 10] and pages(two)[CPU] == 0
            close_made()

    def test_of_those_there_already(self, dev, make):
        """What is over a limit sinks; the counts begin with what is there."""
        with Cgroup() as top, Cgroup(top) as low:
            with low.inside():
                region, mapping = make(100, seed=3, touched=100)
            place(region, 0, 40, NVME)
            limit(dev, top.name, cpu=30, gpu=0, nvme=50)
            assert wait_for(lambda: pages(region)[GPU] == 0 and pages(region)[CPU] <= 30), \
                pages(region)
            assert pages(region)[NVME] <= 50 and sum(pages(region)) == 100
            assert used(dev, top.name) == pages(region)
            limit(dev, top.name, hdd=0)
            assert used(dev, top.name) == pages(region)
            assert wrong(mapping, range(100), 3) == []
            close_made()

    def test_moves_are_refused(self, dev, make):
        with Cgroup() as group:
            limit(dev, group.name, nvme=5)
            with group.inside():
                region, _ = make(16, touched=16)
            assert list(region.migrate(0, 16 * PAGE, NVME).status) == \
                [0] * 5 + [-errno.EDQUOT] * 11
            assert used(dev, group.name) == [0, 11, 5, 0, 0]
            close_made()

    def test_later_ones(self, dev, make):
        """A cgroup need not be there yet; one that is made again is under the same limit."""
        with Cgroup() as gone:
            name = gone.name
        limit(dev, name, cpu=10)
        assert used(dev, name) == [0] * 5
        for _ in range(2):
            gone.path.mkdir()
            with gone:
                with Cgroup(gone) as low, low.inside():
                    region, _ = make(20, touched=20)
                assert pages(region)[:2] == [10, 10]
                close_made()

    def test_names_are_whole(self, dev, make):
        """A neighbour whose name begins alike is not below."""
        with Cgroup() as group:
            limit(dev, group.name[:-1], cpu=0)
            with group.inside():
                region, _ = make(5, touched=5)
            assert pages(region)[CPU] == 5 and used(dev, group.name[:-1]) == [0] * 5
            limit(dev, "/", cpu=3)
            assert wait_for(lambda: pages(region)[CPU] <= 3)
            close_made()

    def test_removed(self, dev, make):
        """Pages outlive their cgroup: its agent is opened by number, its limit still counts."""
        with Cgroup() as group:
            ident, name = group.id, group.name
            with group.inside():
                region, _ = make(20, touched=20)
        assert not group.path.exists()
        with dev.open_agent(ident, tw.TW_AGENT_CGROUP) as agent:
            assert dev.agent_stats(agent).pages[CPU] == 20
            assert dev.agent_stats(agent).is_default == 1
            assert dev.agent_migrate(agent, NVME).moved == 20
            dev.limits(agent, only(nvme=15))
            assert wait_for(lambda: pages(region)[NVME] <= 15)
            limit(dev, name, nvme=10)
            assert wait_for(lambda: pages(region)[NVME] <= 10)
            assert sum(used(dev, name)) == 20
            close_made()
            assert dev.agent_stats(agent).regions == 0 and used(dev, name) == [0] * 5
        with refused(errno.ENOENT):
            dev.open_agent(ident, tw.TW_AGENT_CGROUP)

    @pytest.mark.at_once
    def test_counts_while_limits_change(self, dev, make):
        """Limits come and go beside programs that touch, move and free: no page is miscounted."""
        stop = Reached()

        def churn(group, seed):
            group.enter()
            with tw.Device() as device, device.region(64 * PAGE) as region:
                with region.map() as mapping:
                    while not stop.get():
                        fill(mapping, range(64), seed)
                        region.migrate(0, 64 * PAGE, (NVME, GPU, CPU)[seed % 3])
                        region.discard(0, 32 * PAGE)
                    fill(mapping, range(64), seed)
                    return list(region.info().pages)

        with Cgroup() as top, Cgroup(top) as left, Cgroup(top) as right:
            with left.inside():
                stay, mapping = make(32, seed=9, touched=32)
            children = [Child(churn, group, seed) for seed, group in
                        enumerate((top, left, right))]
            for turn in range(12):
                for group in (top, left, right):
                    limit(dev, group.name, cpu=1 << 20, hdd=turn)
                for group in (left, top, right):
                    dev.group_limits(group.name, NONE)
            limit(dev, top.name, cpu=1 << 20)
            stop.set()
            for child in children:
                assert sum(child.result()) == 64
            assert wait_for(lambda: used(dev, top.name) == pages(stay))
            assert wrong(mapping, range(32), 9) == []
            close_made()
            assert used(dev, top.name) == [0] * 5


class TestUsers:
    def test_all_agents_of_a_user(self, dev):
        """One user's agents have the limit together, another user is not bound."""
        limit(dev, NOBODY, cpu=30, gpu=20)

        def work():
            with tw.Device() as device, device.agent(1) as one, device.agent(2) as two:
                with device.region(25 * PAGE, agent=one) as first, \
                     device.region(25 * PAGE, agent=two) as second, \
                     first.map() as left, second.map() as right:
                    fill(left, range(25), 1)
                    fill(right, range(25), 2)
                    got = pages(first, second)
                    return got, used(device, NOBODY), list(device.group_limits(NOBODY).pages)

        got, counted, limits = run_user(work)
        assert got == counted == [20, 30, 0, 0, 0] and limits == only(cpu=30, gpu=20)
        assert used(dev, NOBODY) == [0] * 5

    def test_others_are_not_bound(self, dev, make):
        limit(dev, NOBODY, cpu=0)
        region, _ = make(5, touched=5)
        assert pages(region)[CPU] == 5

    def test_namespaces_of_a_user(self, dev):
        """What is made in a user's namespaces is the user's."""
        limit(dev, NOBODY, cpu=10)

        def work():
            tw.check(tw.libc.unshare(CLONE_NEWUSER))
            with tw.Device() as device, device.region(15 * PAGE) as region, \
                 region.map() as mapping:
                fill(mapping, range(15), 1)
                return pages(region)[:2]

        assert run_user(work) == [5, 10]

    def test_root_has_one_too(self, dev, make):
        region, _ = make(20, touched=20)
        limit(dev, 0, cpu=10, gpu=0, nvme=4)
        assert wait_for(lambda: pages(region)[CPU] <= 10), pages(region)
        assert pages(region)[NVME] <= 4 and sum(pages(region)) == 20
        assert used(dev, 0) == pages(region)


class TestWho:
    def test_no_one_else(self, dev):
        """A member of the group sets none, and sees what binds it."""
        limit(dev, NOBODY, cpu=7)
        with Cgroup() as group, Cgroup(group) as low:
            limit(dev, group.name, cpu=8)

            def work():
                with tw.Device() as device:
                    return [errno_of(device.group_limits, NOBODY, NONE),
                            errno_of(device.group_limits, group.name, NONE),
                            errno_of(device.group_limits, OTHER),
                            errno_of(device.group_limits, "/elsewhere"),
                            errno_of(device.groups),
                            device.group_limits(NOBODY).pages[CPU],
                            device.group_limits(group.name).pages[CPU]]

            with low.inside():
                got = run_user(work)
            assert got == [errno.EPERM] * 5 + [7, 8]
            assert dev.groups() == [(NOBODY, only(cpu=7)), (group.name, only(cpu=8))]

    def test_root_of_a_namespace(self, dev):
        """All capabilities in a user namespace set none outside."""
        def work():
            tw.check(tw.libc.unshare(CLONE_NEWUSER))
            with tw.Device() as device:
                return [errno_of(device.group_limits, "/", only(cpu=0)),
                        errno_of(device.groups)]
        assert run_user(work) == [errno.EPERM] * 2
        assert dev.groups() == []


class TestRefusals:
    @pytest.mark.parametrize("path", ["", "a", "a/b", "//", "/a/", "/a//b", "/.", "/..", "/a/..",
                                      "/a/./b", "/a/../b"])
    def test_paths(self, dev, path):
        with refused(errno.EINVAL):
            dev.group_limits(path, only(cpu=1))
        assert dev.groups() == []

    @pytest.mark.parametrize("path", ["/.a", "/...", "/a.b", "/a b", "/" + "x" * 4094])
    def test_strange_but_good(self, dev, path):
        limit(dev, path, cpu=1)
        assert dev.groups() == [(path, only(cpu=1))]

    def test_arguments(self, dev):
        path = ctypes.create_string_buffer(b"/a")
        where = {"path": ctypes.addressof(path), "path_len": 3}
        cgroup, user = tw.TW_GROUP_CGROUP, tw.TW_GROUP_USER
        for arg, err in ((tw.GroupLimits(), errno.EINVAL), (tw.GroupLimits(kind=3), errno.EINVAL),
                         (tw.GroupLimits(kind=user, flags=4), errno.EINVAL),
                         (tw.GroupLimits(kind=user, flags=3), errno.EINVAL),
                         (tw.GroupLimits(kind=user, reserved=1), errno.EINVAL),
                         (tw.GroupLimits(kind=user, cursor=1), errno.EINVAL),
                         (tw.GroupLimits(kind=user, uid=(1 << 32) - 1), errno.EINVAL),
                         (tw.GroupLimits(kind=user, **where), errno.EINVAL),
                         (tw.GroupLimits(kind=cgroup, uid=1, **where), errno.EINVAL),
                         (tw.GroupLimits(kind=cgroup), errno.EINVAL),
                         (tw.GroupLimits(kind=cgroup, path=where["path"], path_len=2),
                          errno.EINVAL),
                         (tw.GroupLimits(kind=cgroup, path=where["path"], path_len=4097),
                          errno.EINVAL),
                         (tw.GroupLimits(kind=cgroup, path=1 << 63, path_len=3), errno.EFAULT),
                         (tw.GroupLimits(kind=user, flags=tw.TW_GROUP_NEXT), errno.EINVAL),
                         (tw.GroupLimits(flags=tw.TW_GROUP_NEXT), errno.ENOENT)):
            with refused(err):
                dev.call(tw.TW_IOC_GROUP_LIMITS, arg)
        assert dev.groups() == []

    def test_no_room_for_a_path(self, dev):
        """How much it takes is told; the cursor stays where it was."""
        limit(dev, "/abc", cpu=1)
        room = ctypes.create_string_buffer(b"....")
        arg = tw.GroupLimits(flags=tw.TW_GROUP_NEXT, path=ctypes.addressof(room), path_len=4)
        with refused(errno.EMSGSIZE):
            dev.call(tw.TW_IOC_GROUP_LIMITS, arg)
        assert (arg.path_len, arg.cursor, room.raw) == (5, 0, b"....\0")
        arg.path_len = 5
        dev.call(tw.TW_IOC_GROUP_LIMITS, arg)
        assert room.raw == b"/abc\0"

    def test_too_many(self, dev):
        for uid in range(5000, 5000 + 1024):
            limit(dev, uid, cpu=1)
        with refused(errno.ENOSPC):
            limit(dev, "/one-more", cpu=1)
        limit(dev, 5000, cpu=2)
        assert len(dev.groups()) == 1024


class TestOpen:
    """TW_AGENT_OPEN: an fd to an agent that exists."""

    def test_own(self, dev):
        with dev.agent(7) as agent, dev.open_agent(7) as same:
            dev.limits(same, [5] * 5)
            assert list(dev.limits(agent).pages) == [5] * 5
        with refused(errno.ENOENT):
            dev.open_agent(7)
        assert dev.agents() == []

    def test_others(self, dev):
        """By uid and user namespace, as the list has them, and for an admin only."""
        made, done = Reached(), Reached()

        def hold():
            with tw.Device() as device, device.agent(7), device.region(3 * PAGE) as region, \
                 region.map() as mapping:
                fill(mapping, range(3), 1)
                made.set()
                done.wait(seconds=60)
                return pages(region)

        child = Child(hold, uid=OTHER, gid=OTHER, groups=[device_gid()])
        made.wait()
        label, default = sorted(dev.agents(), key=lambda one: one.flags)
        of = (OTHER, label.user_ns)
        with refused(errno.ENOENT):
            dev.open_agent(7)
        for wrong_one in ((NOBODY, label.user_ns), (OTHER, label.user_ns + 1)):
            with refused(errno.ENOENT):
                dev.open_agent(7, of=wrong_one)
        dev.open_agent(7, of=of).close()
        with dev.open_agent(default.id, tw.TW_AGENT_CGROUP, of) as agent:
            assert dev.agent_stats(agent).pages[CPU] == 3
            assert dev.agent_migrate(agent, HDD).moved == 3

        def stranger():
            with tw.Device() as device:
                return (errno_of(device.open_agent, 7, 0, of),
                        errno_of(device.open_agent, default.id, tw.TW_AGENT_CGROUP, of))
        assert run_user(stranger) == (errno.ENOENT, errno.ENOENT)
        done.set()
        assert child.result() == [0, 0, 0, 0, 3]

    def test_is_charged_for(self):
        """An open default agent counts, once, so that no user holds more of them than agents."""
        def work():
            with tw.Device() as device, device.agent(1):
                with device.region(PAGE):
                    ident = device.agent_stats().id
                    one = device.open_agent(ident, tw.TW_AGENT_CGROUP)
                    again = errno_of(device.open_agent, ident, tw.TW_AGENT_CGROUP)
                    full = errno_of(device.agent, 2)
                    one.close()
                return again, full, errno_of(device.agent, 2)
        cap = Path("/sys/module/tier_watch/parameters/max_user_agents")
        before = cap.read_text(encoding="ascii")
        cap.write_text("2", encoding="ascii")
        try:
            assert run_user(work) == (0, errno.EDQUOT, 0)
        finally:
            cap.write_text(before, encoding="ascii")

    def test_refusals(self, dev):
        with dev.agent(7):
            for members in ({"flags": tw.TW_AGENT_OPEN | tw.TW_AGENT_JOIN},
                            {"flags": tw.TW_AGENT_CGROUP}, {"flags": tw.TW_AGENT_OF},
                            {"flags": tw.TW_AGENT_OPEN, "uid": 1},
                            {"flags": tw.TW_AGENT_OPEN, "user_ns": 1},
                            {"flags": tw.TW_AGENT_OPEN, "reserved2": 1}):
                with refused(errno.EINVAL):
                    dev.call(tw.TW_IOC_AGENT_CREATE, tw.AgentCreate(id=7, fd=-1, **members))
            assert [one.id for one in dev.agents()] == [7]


def test_child_of_the_maker(dev, make):
    """Where a region was made decides, not who touches it."""
    with Cgroup() as group:
        limit(dev, group.name, cpu=0)
        region, mapping = make(10)

        def touch():
            group.enter()
            fill(mapping, range(10), 1)
        run_child(touch)
        assert pages(region)[CPU] == 10
        close_made()
