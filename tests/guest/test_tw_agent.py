# SPDX-License-Identifier: GPL-2.0
"""tw agent list, show and limit: figures, whose agents, refusals."""

import os
import signal
import subprocess

import pytest

import tw
from command import FAILED, NO_PERMISSION, TW, USAGE, tw_json, tw_refused, tw_run, tw_text
from support import (CLONE_NEWUSER, NOBODY, OTHER, Cgroup, Child, Reached, close_made,
                     device_gid, fill, lend, place, run_user)
from tw import CPU, GPU, PAGE, TIER_NAMES

pytestmark = pytest.mark.once

NO = tw.TW_NO_LIMIT


def by_tier(values) -> dict:
    return dict(zip(TIER_NAMES, values))


def limits_of(entry) -> dict:
    return {name: value for name, value in by_tier(entry.limit).items() if value != NO}


@pytest.fixture
def agent(dev):
    with dev.agent(7) as one:
        yield one


class Holder:
    """A process of another user that holds agents, in a user namespace of its own if asked."""

    def __init__(self, uid: int, *ids: int, namespace: bool = False):
        self.made, self.done = Reached(), Reached()

        def hold():
            if namespace:
                tw.check(tw.libc.unshare(CLONE_NEWUSER))
            with tw.Device() as device:
                held = [device.agent(one) for one in ids]
                self.made.set()
                self.done.wait(seconds=100)
                return len(held)

        self.child = Child(hold, uid=uid, gid=uid, groups=[device_gid()])
        self.made.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.done.set()
        assert self.child.result()


class TestList:
    def test_none(self):
        assert tw_json("agent", "list") == []
        assert "no agents that you may see" in tw_text("agent", "list")

    def test_figures(self, dev, make, agent):
        """Each figure is the driver's."""
        region, _ = make(12, touched=10, agent=agent)
        place(region, 0, 4, GPU)
        dev.limits(agent, [8, NO, NO, 5, NO])
        (got,), (entry,) = tw_json("agent", "list"), dev.agents()
        assert got == {
            "schema": "tierwatch/agent/1", "id": 7, "uid": 0, "user": "root",
            "user_ns": os.stat("/proc/self/ns/user").st_ino, "default": False, "mine": True,
            "regions": 1,
            "page_size": PAGE, "pages": by_tier(entry.pages), "external": by_tier([0] * 5),
            "limits": {"gpu": 8, "ssd": 5}, "hard_limits": {"gpu": 8, "ssd": 5},
            "faults_minor": by_tier(entry.faults_minor),
            "faults_major": by_tier(entry.faults_major), "moves_in": by_tier(entry.moves_in),
            "moves_out": by_tier(entry.moves_out), "fault_ns": entry.fault_ns, "reported": 0}
        assert got["pages"] == by_tier([4, 6, 0, 0, 0])
        words = tw_text("agent", "list").splitlines()[1].split()
        assert words == ["7", "root", "agent", "16.0", "KiB", "24.0", "KiB", *["0", "B"] * 3, "1"]

    def test_in_order_and_many(self, dev):
        made = [dev.agent(number) for number in range(600, 0, -1)]
        try:
            assert [one["id"] for one in tw_json("agent", "list")] == list(range(600, 0, -1))
        finally:
            for one in made:
                one.close()

    def test_whose(self, agent):
        """A user sees his own; root sees all."""
        with Holder(NOBODY, 7, 8), Holder(OTHER, 9):
            assert [(one["uid"], one["id"], one["mine"]) for one in
                    tw_json("agent", "list", uid=NOBODY)] == [(NOBODY, 7, True),
                                                              (NOBODY, 8, True)]
            assert sorted((one["uid"], one["id"], one["mine"]) for one in
                          tw_json("agent", "list")) == \
                [(0, 7, True), (OTHER, 9, False), (NOBODY, 7, False), (NOBODY, 8, False)]
            assert tw_json("agent", "list", uid=1) == []


class TestShow:
    def test_own_is_meant(self, agent):
        """A number that several have is one's own; others' with --user."""
        with Holder(NOBODY, 7, 8), Holder(OTHER, 8):
            assert tw_json("agent", "show", 7)["uid"] == 0
            assert tw_json("agent", "show", 7, "--user", NOBODY)["uid"] == NOBODY
            assert tw_json("agent", "show", "--user", "nobody", 7)["user"] == "nobody"
            assert tw_json("agent", "show", 7, uid=NOBODY)["uid"] == NOBODY
            tw_refused(FAILED, "2 users have an agent 8", "agent", "show", 8)
            assert tw_json("agent", "show", 8, "--user", OTHER)["uid"] == OTHER
            tw_refused(FAILED, "no agent 8", "agent", "show", 8, "--user", "root")

    def test_others_are_not_there(self, agent):
        """Exactly as if there were none."""
        theirs = tw_refused(FAILED, "no agent 7", "agent", "show", 7, uid=NOBODY)
        none = tw_refused(FAILED, "no agent 9", "agent", "show", 9, uid=NOBODY)
        assert theirs == none.replace("9", "7")
        tw_refused(FAILED, "no agent 7", "agent", "show", 7, "--user", "root", uid=NOBODY)

    def test_text(self, make, agent):
        make(4, touched=3, agent=agent)
        text = tw_text("agent", "show", 7)
        assert text.startswith("agent 7 of root: 1 regions, ")
        assert max(map(len, text.splitlines())) <= 80

    def test_default(self, dev):
        """That of the cgroup that tw runs in, if there is one; asking makes none."""
        with Cgroup() as group:
            def work():
                group.enter()
                with tw.Device() as device:
                    none = tw_run("agent", "show", "default")
                    with device.region(2 * PAGE) as region, region.map() as mapping:
                        fill(mapping, range(2), 1)
                        return none.returncode, none.stderr, tw_json("agent", "show", "default")
            code, said, got = Child(work).result()
            assert code == FAILED and "no agent yet" in said
            assert (got["id"], got["default"], got["pages"]["cpu"]) == (group.id, True, 2)
            assert got["cgroup"] == f"/{group.path.name}"
        assert dev.agents() == []

    @pytest.mark.parametrize("words", [(), (7, 8), ("x",), ("-1",), (1 << 64,),
                                       ("--user", "no-such-user", 7)])
    def test_usage(self, words):
        tw_refused(USAGE, "", "agent", "show", *words)


class TestLimit:
    def test_set_and_show(self, dev, agent):
        """Those given are set, the others stay; both are shown."""
        dev.limits(agent, [1, 2, 3, 4, 5])
        got = tw_json("agent", "limit", 7, "cpu=64M", "nvme=none", "hdd=0")
        wanted = [1, 16384, NO, 4, 0]
        assert list(dev.limits(7).pages) == list(dev.limits(7).hard) == wanted
        assert got["limits"] == got["hard_limits"] == {"gpu": 1, "cpu": 16384, "ssd": 4, "hdd": 0}
        assert tw_json("agent", "limit", 7) == got
        assert "cpu          0 B   64.0 MiB   64.0 MiB\n" in tw_text("agent", "limit", 7)
        assert list(dev.limits(7).pages) == wanted

    def test_it_holds(self, dev, make, agent):
        """What is over the limit goes elsewhere."""
        tw_text("agent", "limit", 7, "cpu=32K")
        region, _ = make(20, touched=20, agent=agent)
        assert region.info().pages[CPU] <= 8 and sum(region.info().pages) == 20
        assert dev.agent_stats(7).pages[CPU] <= 8

    @pytest.mark.parametrize("words,said", [
        (("cpu",), "not a limit"), (("cpu=",), "not a size"), (("cpu=x",), "not a size"),
        (("cpu=-1",), "not a size"), (("=1M",), "no such tier"), (("tape=1M",), "no such tier"),
        (("cpu=1M", "cpu=2M"), "two limits"), (("gpu=1M", "cpu=4097"), "multiple of the page"),
        (("gpu=1M", "cpu=lots"), "not a size"), (("a-long-name=1",), "not a limit"),
        (("cpu=16E",), "not a size")])
    def test_wrong(self, dev, agent, words, said):
        """Nothing is set, not even what was right."""
        before = bytes(dev.limits(7))
        tw_refused(USAGE, said, "agent", "limit", 7, *words)
        assert bytes(dev.limits(7)) == before

    def test_hard_limit(self, dev):
        """A user may go below the hard limit and up to it again, not above."""
        def work():
            with tw.Device() as device, device.agent(5) as one:
                device.limits(5, [NO] * 5)
                below = tw_run("agent", "limit", 5, "cpu=8K")
                held = list(device.limits(one).pages)
                up = tw_run("agent", "limit", 5, "cpu=none")
                return below.returncode, held, up.returncode, list(device.limits(one).pages)
        assert run_user(work) == (0, [NO, 2, NO, NO, NO], 0, [NO] * 5)

        def above():
            with tw.Device() as device, device.agent(5) as one:
                lowered.set()
                go.wait()
                before = bytes(device.limits(one))
                done = tw_run("agent", "limit", 5, "gpu=4K", "cpu=1G")
                return done.returncode, done.stderr, bytes(device.limits(one)) == before

        lowered, go = Reached(), Reached()
        child = Child(above, uid=NOBODY, gid=NOBODY, groups=[device_gid()])
        lowered.wait()
        lower_hard(child.pid, 5)
        go.set()
        code, said, same = child.result()
        assert code == NO_PERMISSION and "CAP_SYS_RESOURCE" in said and same

    def test_others(self, dev):
        """Root sets another user's if it is said whose; a user doesn't see them."""
        with Holder(NOBODY, 5):
            assert tw_json("agent", "limit", 5)["limits"] == {}
            tw_refused(FAILED, "another user's", "agent", "limit", 5, "cpu=1M")
            assert limits_of(dev.agents()[0]) == {}
            tw_refused(FAILED, "no agent 5", "agent", "limit", 5, "cpu=1M", uid=OTHER)
            tw_refused(FAILED, "no agent 5", "agent", "limit", "--user", NOBODY, 5, "cpu=1M",
                       uid=OTHER)
            tw_refused(FAILED, "no agent 5", "agent", "limit", "--user", OTHER, 5, "cpu=1M")
            assert limits_of(dev.agents()[0]) == {}
            got = tw_json("agent", "limit", "--user", NOBODY, 5, "cpu=1M")
            assert got["hard_limits"] == limits_of(dev.agents()[0]) == {"cpu": 256}

    def test_others_of_a_namespace(self, dev):
        """Two of one user and one number are told apart by their user namespaces."""
        with Holder(NOBODY, 5), Holder(NOBODY, 5, namespace=True):
            first, second = dev.agents()
            tw_refused(FAILED, "2 user namespaces", "agent", "limit", "--user", NOBODY, 5,
                       "cpu=1M")
            tw_refused(FAILED, "2 user namespaces", "migrate", "--agent", 5, "--user", NOBODY,
                       "hdd")
            tw_text("agent", "limit", "--user", NOBODY, "--user-ns", second.user_ns, 5, "cpu=1M")
            assert list(map(limits_of, dev.agents())) == [{}, {"cpu": 256}]
            tw_text("agent", "limit", "--user", NOBODY, "--user-ns", first.user_ns, 5, "cpu=2M")
            assert list(map(limits_of, dev.agents())) == [{"cpu": 512}, {"cpu": 256}]
            tw_text("migrate", "--agent", 5, "--user", NOBODY, "--user-ns", first.user_ns, "hdd")

    def test_default(self):
        with Cgroup() as group:
            def work():
                group.enter()
                none = tw_run("agent", "limit", "default", "cpu=1M")
                with tw.Device() as device, device.region(2 * PAGE):
                    got = tw_json("agent", "limit", "default", "ssd=1M")
                    return none.returncode, got["id"], list(device.limits().pages)
            assert Child(work).result() == (FAILED, group.id, [NO, NO, NO, 256, NO])


class TestCgroupNumbers:
    """What agent list shows of a cgroup's default agent is a name of it, for all commands."""

    def test_known_everywhere(self, dev, make):
        with Cgroup() as group:
            with group.inside():
                region, _ = make(20, touched=20)
            number = tw_json("agent", "list")[0]["id"]
            assert number == group.id
            assert tw_json("agent", "show", number)["cgroup"] == group.name
            assert tw_json("agent", "show", f"default:{number}")["pages"]["cpu"] == 20
            got = tw_json("agent", "limit", number, "ssd=40K")
            assert got["limits"] == limits_of(dev.agents()[0]) == {"ssd": 10}
            got = tw_json("migrate", "--agent", number, "ssd", code=FAILED)
            assert got["moved"] == 10 == region.info().pages[tw.SSD]
            close_made()

    def test_of_a_removed_cgroup(self, dev, make):
        with Cgroup() as group:
            with group.inside():
                region, _ = make(20, touched=20)
            number = group.id
        assert not group.path.exists()
        assert tw_json("agent", "show", number)["pages"]["cpu"] == 20
        assert tw_json("migrate", "--agent", number, "hdd")["moved"] == 20
        assert region.info().pages[tw.HDD] == 20
        assert tw_json("agent", "limit", number, "hdd=0")["limits"] == {"hdd": 0}
        close_made()
        assert dev.agents() == []
        tw_refused(FAILED, f"no agent {number}", "agent", "show", number)

    def test_an_agent_of_the_same_number(self, dev, make):
        """A program's own number is meant first."""
        with Cgroup() as group:
            with group.inside():
                make(20, touched=20)
            with dev.agent(group.id):
                assert tw_json("agent", "show", group.id)["default"] is False
                assert tw_json("agent", "show", f"default:{group.id}")["pages"]["cpu"] == 20
                tw_text("agent", "limit", f"default:{group.id}", "hdd=0")
                tw_text("agent", "limit", group.id, "hdd=4K")
                assert [(one.flags & tw.TW_AGENT_IS_DEFAULT, limits_of(one))
                        for one in dev.agents()] == [(1, {"hdd": 0}), (0, {"hdd": 1})]
            close_made()


class TestGroupLimit:
    """tw agent limit --cgroup, --user, --all."""

    @pytest.fixture(autouse=True)
    def no_groups(self, dev):
        yield
        for group, _ in dev.groups():
            dev.group_limits(group, [NO] * 5)

    def test_cgroup(self, dev, make):
        with Cgroup() as top, Cgroup(top) as low:
            got = tw_json("agent", "limit", "--cgroup", top.path, "cpu=40K", "hdd=0")
            assert got == {"schema": "tierwatch/group-limit/1", "cgroup": top.name,
                           "page_size": PAGE, "pages": by_tier([0] * 5),
                           "limits": {"cpu": 10, "hdd": 0}}
            with low.inside():
                region, _ = make(20, touched=20)
            assert region.info().pages[CPU] == 10
            got = tw_json("agent", "limit", "--cgroup", top.name + "/", "hdd=none")
            assert got["pages"] == by_tier(region.info().pages) and got["limits"] == {"cpu": 10}
            assert dev.groups() == [(top.name, [NO, 10, NO, NO, NO])]
            assert f"cgroup {top.name}\n" in tw_text("agent", "limit", "--all")
            tw_text("agent", "limit", "--cgroup", top.name, "cpu=none")
            assert tw_json("agent", "limit", "--all") == []
            close_made()

    def test_user(self, dev):
        tw_text("agent", "limit", "--user", "nobody", "cpu=40K")
        assert dev.groups() == [(NOBODY, [NO, 10, NO, NO, NO])]
        (got,) = tw_json("agent", "limit", "--all")
        assert (got["uid"], got["user"], got["limits"]) == (NOBODY, "nobody", {"cpu": 10})
        assert tw_json("agent", "limit", "--user", NOBODY, uid=NOBODY)["limits"] == {"cpu": 10}
        for words in (("--user", NOBODY, "cpu=none"), ("--user", OTHER), ("--all",),
                      ("--cgroup", "/", "cpu=0")):
            tw_refused(NO_PERMISSION, "CAP_SYS_RESOURCE", "agent", "limit", *words, uid=NOBODY)
        assert dev.groups() == [(NOBODY, [NO, 10, NO, NO, NO])]

    @pytest.mark.parametrize("code,said,words", [
        (USAGE, "not a cgroup", ("--cgroup", "a")), (FAILED, "not the path", ("--cgroup", "/a//b")),
        (FAILED, "not the path", ("--cgroup", "/..", "cpu=0")),
        (USAGE, "only one", ("--cgroup", "/a", "--user", 1)),
        (USAGE, "only one", ("--cgroup", "/a", 7)), (USAGE, "--json", ("--all", 7)),
        (USAGE, "not a size", ("--user", 1, "cpu=x")),
        (USAGE, "multiple", ("--user", 1, "cpu=4097"))])
    def test_wrong(self, dev, code, said, words):
        tw_refused(code, said, "agent", "limit", *words)
        assert dev.groups() == []


def lower_hard(pid: int, ident: int) -> None:
    """As root with the user's own agent, passed on: limit and hard limit are 1 page of CPU."""
    for name in os.listdir(f"/proc/{pid}/fd"):
        if os.readlink(f"/proc/{pid}/fd/{name}") == "anon_inode:[tierwatch-agent]":
            with tw.Device() as device, tw.Agent(lend(int(name), pid), ident) as agent:
                device.limits(agent, [NO, 1, NO, NO, NO])
            return
    raise AssertionError("no agent")


def test_reader_goes(dev):
    """A reader that has seen enough is no reason to hang or to splat."""
    made = [dev.agent(number) for number in range(300)]
    try:
        with subprocess.Popen([TW, "agent", "list"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as process:
            process.stdout.close()
            assert process.wait(60) in (FAILED, -signal.SIGPIPE)
    finally:
        for one in made:
            one.close()
