# SPDX-License-Identifier: GPL-2.0
"""tw apply: what tierwatch.conf says comes true, once, or nothing changes."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

import tw
from manual import TW
from support import (NOBODY, Cgroup, Child, Ext4, Loop, Mapper, Reached, close_made, device_gid,
                     format_store, set_tiers, store_path, tiers_of)
from tw import CPU, GPU, HDD, NVME, PAGE, SSD, STORES, TIERS

pytestmark = pytest.mark.once

MIB = 1 << 20
NO_PERMISSION = 4


@pytest.fixture(name="conf")
def conf_file():
    """Writes a file and runs tw apply on it: conf(text, options...)."""
    folder = Path(tempfile.mkdtemp(dir="/run"))
    folder.chmod(0o755)
    path = folder / "tierwatch.conf"

    def run(text, *options, uid=0, groups=()):
        path.write_text(text)
        path.chmod(0o644)
        who = {"user": uid, "group": uid, "extra_groups": groups} if uid else {}
        return subprocess.run([TW, "apply", "--conf", path, *options], capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL, **who)

    run.path = path
    yield run
    shutil.rmtree(folder)


def state(device) -> tuple:
    """All that tw apply could change."""
    return ([(info.kind, info.capacity, info.dev, info.nodes)
             for info in map(device.tier_info, TIERS)],
            device.policy().knobs(),
            Loop.all())


def lines(done) -> list[str]:
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.splitlines()


@pytest.fixture(scope="module", name="no_stores")
def stores_unbound(dev):
    """CPU and GPU are bound, no store is."""
    with tiers_of(dev, {CPU: 0, GPU: 0}):
        yield


@pytest.fixture(name="memory_only")
def only_memory(dev, policy, no_stores):
    """The same at the beginning of each test; the policy is put back."""
    assert policy and no_stores is None
    set_tiers(dev, {CPU: 0, GPU: 0})
    yield
    set_tiers(dev, {CPU: 0, GPU: 0})


@pytest.fixture(name="disk")
def signed_disk():
    with Loop(16 * MIB) as one:
        format_store(one.path)
        yield one.path


class AgentHolder:
    """A program that holds an agent, as some user."""

    def __init__(self, ident: int, uid: int):
        self.there, self.enough = Reached(), Reached()
        groups = [device_gid()]
        who = {"uid": uid, "gid": uid, "groups": groups} if uid else {}
        self.child = Child(self._body, ident, **who)
        self.there.wait()

    def _body(self, ident):
        with tw.Device() as device, device.agent(ident) as agent:
            self.there.set()
            self.enough.wait(seconds=60)
            return list(device.limits(agent).pages)

    def limits(self) -> list[int]:
        """Its limits in the end."""
        self.enough.set()
        return self.child.result()


def test_detected_layout(dev, conf):
    """What detect writes of a running machine is how the machine is."""
    text = subprocess.run([TW, "tier", "detect", "--conf"], check=True, capture_output=True,
                          text=True).stdout
    before = state(dev)
    assert all(store_path(tier) in text for tier in STORES)
    assert lines(conf(text)) == ["nothing to do"]
    assert state(dev) == before


class TestTiers:
    def test_bind_and_again(self, dev, memory_only, conf, disk):
        """What was to be done is done; then there is nothing to do, reloaded or not."""
        text = f"[tier ssd]\ndevice = {disk}\ncapacity = 8M\n\n[tier cpu]\nnodes = " \
               f"{','.join(str(n) for n in range(64) if dev.tier_info(CPU).nodes >> n & 1)}\n"
        assert lines(conf(text)) == [f"bind ssd to {disk}, 8.0 MiB"]
        info = dev.tier_info(SSD)
        assert (info.dev, info.capacity) == (os.stat(disk).st_rdev, 8 * MIB // PAGE)
        before = state(dev)
        for _ in range(2):
            assert lines(conf(text)) == ["nothing to do"]
        assert state(dev) == before

    def test_dry_run(self, dev, memory_only, conf, disk):
        before = state(dev), open(disk, "rb").read(8192)
        text = f"[tier hdd]\ndevice = {disk}\n[tier gpu]\nbound = no\n[policy]\nmin_stay = 77\n"
        assert lines(conf(text, "--dry-run")) == [
            "would unbind gpu", f"would bind hdd to {disk}",
            f"would set min_stay from {dev.policy().min_stay} to 77"]
        assert (state(dev), open(disk, "rb").read(8192)) == before

    def test_json(self, dev, memory_only, conf, disk):
        before = state(dev)
        done = json.loads(conf(f"[tier hdd]\ndevice = {disk}\n", "--dry-run", "--json").stdout)
        assert done["dry_run"] and done["complete"]
        assert done["changes"] == [{"kind": "tier", "name": "hdd",
                                    "change": f"bind hdd to {disk}"}]
        assert state(dev) == before
        assert json.loads(conf("[policy]\n", "--json").stdout)["changes"] == []

    def test_sign_what_is_empty(self, dev, memory_only, conf):
        with Loop(16 * MIB) as empty, tiers_of(dev, {CPU: 0}):
            text = f"[tier nvme]\ndevice = {empty.path}\nformat = yes\n"
            assert lines(conf(text, "--dry-run")) == [f"would sign and bind nvme to {empty.path}"]
            assert not any(open(empty.path, "rb").read(8192))
            assert lines(conf(text)) == [f"sign and bind nvme to {empty.path}"]
            assert lines(conf(text)) == ["nothing to do"]
            dev.unbind(NVME)

    def test_file(self, dev, memory_only, conf):
        """By way of a loop device, which is found again the next time."""
        with Ext4(64 * MIB) as files:
            path = files.path / "store"
            with open(path, "wb") as out:
                os.posix_fallocate(out.fileno(), 0, 8 * MIB)
            text = f"[tier hdd]\ndevice = {path}\nformat = yes\n"
            assert lines(conf(text)) == [f"sign and bind hdd to {path}"]
            before = state(dev)
            assert lines(conf(text)) == ["nothing to do"]
            assert state(dev) == before
            assert lines(conf("[tier hdd]\nbound = no\n")) == ["unbind hdd"]
            assert lines(conf("[tier hdd]\nbound = no\n")) == ["nothing to do"]
            assert not [one for one in Loop.all().values() if str(path) in one]

    def test_exchange(self, dev, memory_only, conf):
        """What one tier lets go another takes, in one go."""
        with Loop(16 * MIB) as one, Loop(16 * MIB) as two:
            format_store(one.path)
            format_store(two.path)
            first = f"[tier ssd]\ndevice = {one.path}\n[tier hdd]\ndevice = {two.path}\n"
            second = f"[tier ssd]\ndevice = {two.path}\n[tier hdd]\ndevice = {one.path}\n"
            conf(first)
            assert lines(conf(second)) == ["unbind ssd", "unbind hdd", f"bind ssd to {two.path}",
                                           f"bind hdd to {one.path}"]
            assert dev.tier_info(SSD).dev == os.stat(two.path).st_rdev
            assert lines(conf(second)) == ["nothing to do"]
            dev.unbind(SSD)
            dev.unbind(HDD)

    def test_capacity_changes(self, dev, memory_only, conf, disk):
        conf(f"[tier ssd]\ndevice = {disk}\n")
        text = f"[tier ssd]\ndevice = {disk}\ncapacity = 4M\n"
        assert lines(conf(text)) == ["unbind ssd", f"bind ssd to {disk}, 4.0 MiB"]
        assert dev.tier_info(SSD).capacity == 4 * MIB // PAGE
        assert lines(conf(text)) == ["nothing to do"]


def uuid_of(number: int) -> tuple[bytes, str]:
    """As it is in a signature, and as text."""
    one = uuid.UUID(int=number)
    return one.bytes, str(one)


@pytest.fixture(name="pair")
def two_disks():
    """Two stores, with UUIDs and labels of their own."""
    with Loop(16 * MIB) as one, Loop(16 * MIB) as two:
        for number, disk in enumerate((one, two), 1):
            format_store(disk.path, uuid=uuid_of(number)[0], label=f"store {number}".encode())
        yield one.path, two.path


class TestNames:
    """Disks by what stays when their names change."""

    def test_by_signature(self, dev, memory_only, conf, pair):
        text = f"[tier ssd]\nstore = UUID={uuid_of(2)[1].upper()}\n" \
               "[tier hdd]\nstore = LABEL=store 1\ncapacity = 4M\n"
        assert lines(conf(text, "--dry-run")) == [f"would bind ssd to {pair[1]}",
                                                  f"would bind hdd to {pair[0]}, 4.0 MiB"]
        assert dev.bound() == {CPU, GPU}
        assert len(lines(conf(text))) == 2
        assert [dev.tier_info(tier).dev for tier in (SSD, HDD)] == \
            [os.stat(pair[1]).st_rdev, os.stat(pair[0]).st_rdev]
        assert lines(conf(text)) == ["nothing to do"]
        assert lines(conf(text.replace("4M", "5M"))) == ["unbind hdd",
                                                         f"bind hdd to {pair[0]}, 5.0 MiB"]

    def test_below_another(self, dev, memory_only, conf, pair):
        """What a device is made of has the same beginning, and isn't meant."""
        with Mapper([(0, 16 * MIB // 512, "linear", f"{pair[0]} 0")]) as mapper:
            dev_t = os.stat(mapper.path).st_rdev
            name = Path(os.readlink(f"/sys/dev/block/{os.major(dev_t)}:{os.minor(dev_t)}")).name
            assert lines(conf("[tier ssd]\nstore = LABEL=store 1\n")) == \
                [f"bind ssd to /dev/{name}"]
            dev.unbind(SSD)

    @pytest.mark.parametrize("key, says", [
        ("store = LABEL=store 3", "LABEL=store 3 is on no device. If it need not be there"),
        ("device = /dev/not-there", "/dev/not-there is not there"),
    ], ids=["store", "device"])
    def test_absent(self, dev, memory_only, conf, pair, key, says):
        """An error, unless it may be so; then all else is done."""
        rest = f"[tier ssd]\ndevice = {pair[0]}\n"
        before = state(dev)
        done = conf(f"[tier hdd]\n{key}\n{rest}")
        assert done.returncode == 1 and f":1: {says}" in done.stderr
        assert "optional = yes" in done.stderr and state(dev) == before
        text = f"[tier hdd]\n{key}\noptional = yes\n{rest}"
        left = "hdd is left as it is: its device is not there, and need not be"
        found = json.loads(conf(text, "--dry-run", "--json").stdout)
        assert found["absent"] == ["hdd"] and len(found["changes"]) == 1
        assert lines(conf(text)) == [f"bind ssd to {pair[0]}", left]
        assert dev.bound() == {CPU, GPU, SSD}
        assert lines(conf(text)) == [left, "nothing to do"]

    def test_optional_and_there(self, dev, memory_only, conf, pair):
        """May be absent, but not wrong."""
        with Loop(16 * MIB) as empty:
            done = conf(f"[tier ssd]\ndevice = {empty.path}\noptional = yes\n")
            assert done.returncode == 1 and "is not signed" in done.stderr
        assert dev.bound() == {CPU, GPU}
        assert lines(conf(f"[tier ssd]\ndevice = {pair[0]}\noptional = yes\n")) == \
            [f"bind ssd to {pair[0]}"]

    def test_ambiguous(self, dev, memory_only, conf, pair):
        """A copy of a disk has its UUID, too."""
        format_store(pair[1], uuid=uuid_of(1)[0])
        before = state(dev)
        for optional in ("", "optional = yes\n"):
            done = conf(f"[tier ssd]\nstore = UUID={uuid_of(1)[1]}\n{optional}")
            assert done.returncode == 1 and all(path in done.stderr for path in pair)
            assert state(dev) == before

    def test_other_store(self, dev, memory_only, conf, pair):
        """The name has become another disk's: told, with where the right one is."""
        before = state(dev)
        done = conf(f"[tier ssd]\ndevice = {pair[0]}\nstore = UUID={uuid_of(2)[1]}\n")
        assert done.returncode == 1 and f"but UUID={uuid_of(1)[1]}, LABEL=store 1." in done.stderr
        assert f"That is now {pair[1]}" in done.stderr and state(dev) == before
        right = f"[tier ssd]\ndevice = {pair[1]}\nstore = LABEL=store 2\n"
        assert lines(conf(right)) == [f"bind ssd to {pair[1]}"]
        assert lines(conf(right)) == ["nothing to do"]
        done = conf(right.replace("store 2", "store 3"))
        assert done.returncode == 1 and "is not LABEL=store 3" in done.stderr

    def test_swapped_names(self, dev, memory_only, conf):
        """A disk that was signed for one tier isn't taken for another."""
        with Loop(16 * MIB) as one, Loop(16 * MIB) as two:
            text = f"[tier ssd]\ndevice = {one.path}\nformat = yes\n" \
                   f"[tier hdd]\ndevice = {two.path}\nformat = yes\n"
            swapped = text.replace(one.path, "X").replace(two.path, one.path).replace("X", two.path)
            assert len(lines(conf(text))) == 2
            for unbind in (None, SSD, HDD):     # bound as they were, or as after a boot
                if unbind:
                    dev.unbind(unbind)
                before = state(dev)
                done = conf(swapped)
                assert done.returncode == 1 and state(dev) == before
                assert f"{two.path} was signed for the hdd tier" in done.stderr
                assert f"{one.path} was signed for the ssd tier" in done.stderr
            said = done.stderr.splitlines()[0]
            command = said.rpartition(": tw ")[2].split()
            assert command == ["tier", "format", "--force", "--tier", "ssd", two.path]
            subprocess.run([TW, *command], check=True, capture_output=True)
            assert lines(conf(f"[tier ssd]\ndevice = {two.path}\n")) == [f"bind ssd to {two.path}"]
            dev.unbind(SSD)


class TestLevels:
    """Thresholds of a tier's pressure, with and without a change of the tier."""

    SAID = "set levels of cpu: medium 70% until 65%, high 80% until 75%, critical 95% until 90%"

    def test_set(self, dev, memory_only, conf):
        was = dev.thresholds(CPU)
        text = "[tier cpu]\nhigh = 80\n"
        try:
            assert lines(conf(text, "--dry-run")) == [f"would {self.SAID}"]
            assert bytes(dev.thresholds(CPU)) == bytes(was)
            assert lines(conf(text)) == [self.SAID]
            now = dev.thresholds(CPU)
            assert (list(now.enter), list(now.leave)) == ([70, 80, 95], [65, 75, 90])
            assert lines(conf(text)) == ["nothing to do"]
        finally:
            dev.thresholds(CPU, list(was.enter), list(was.leave))

    def test_do_not_fit(self, dev, memory_only, conf):
        """With those that stay: nothing of the file is done."""
        before = dev.thresholds(CPU), dev.policy().knobs()
        done = conf("[tier cpu]\nhigh = 60\n[policy]\nmax_rate = 7\n")
        assert done.returncode == 1 and "have to rise" in done.stderr
        assert bytes(dev.thresholds(CPU)) == bytes(before[0])
        assert dev.policy().knobs() == before[1]


class TestPolicyAndAgents:
    def test_policy(self, dev, memory_only, conf):
        """Only what the file names is changed."""
        before = dev.policy().knobs()
        text = "[policy]\nunmap = on\nhot_threshold = 120\nmax_rate = 1000\n"
        assert lines(conf(text)) == ["set unmap from off to on", "set hot_threshold from 100 to 120",
                                     f"set max_rate from {before['max_rate']} to 1000"]
        now = dev.policy()
        assert (now.mode, now.hot_threshold, now.max_rate) == \
            (before["mode"] | tw.TW_POLICY_UNMAP, 120, 1000)
        assert {**now.knobs(), "mode": 0, "hot_threshold": 0, "max_rate": 0} == \
            {**before, "mode": 0, "hot_threshold": 0, "max_rate": 0}
        assert lines(conf(text)) == ["nothing to do"]

    @pytest.mark.parametrize("uid", [0, NOBODY], ids=["root", "nobody"])
    def test_limits(self, memory_only, conf, uid):
        """Of an agent of root's, and of somebody else's."""
        user = pwd.getpwuid(uid).pw_name
        agent = AgentHolder(7, uid)
        text = f"[agent 7]\nuser = {user}\ncpu = 1M\nhdd = none\n"
        assert lines(conf(text, "--dry-run")) == [
            f"would limit agent 7 of {user} in cpu from none to 1.0 MiB"]
        assert lines(conf(text)) == [f"limit agent 7 of {user} in cpu from none to 1.0 MiB"]
        assert lines(conf(text)) == ["nothing to do"]
        none = tw.TW_NO_LIMIT
        assert agent.limits() == [none, MIB // PAGE, none, none, none]

    def test_limits_of_a_cgroup_s_agent(self, dev, memory_only, conf, make):
        """By the number that tw agent list shows."""
        with Cgroup() as group:
            with group.inside():
                make(1, touched=1)
            number = dev.agents()[0].id
            text = f"[agent {number}]\ncpu = 1M\n"
            assert lines(conf(text)) == [
                f"limit agent {number} of root in cpu from none to 1.0 MiB"]
            assert dev.agents()[0].limit[CPU] == MIB // PAGE
            assert lines(conf(text)) == ["nothing to do"]
            close_made()

    def test_limits_of_users_and_cgroups(self, dev, memory_only, conf):
        """They need not be there yet."""
        text = "[user nobody]\ncpu = 1M\n[cgroup /a/b]\ngpu = 0\nhdd = 4K\n"
        wanted = ["limit user nobody in cpu from none to 1.0 MiB",
                  "limit cgroup /a/b in gpu from none to 0 B",
                  "limit cgroup /a/b in hdd from none to 4.0 KiB"]
        none = tw.TW_NO_LIMIT
        try:
            assert lines(conf(text, "--dry-run")) == [f"would {line}" for line in wanted]
            assert dev.groups() == []
            done = conf(text, uid=NOBODY, groups=[device_gid()])
            assert done.returncode == NO_PERMISSION and dev.groups() == []
            changes = json.loads(conf(text, "--json").stdout)["changes"]
            assert [(one["kind"], one["name"], one["change"]) for one in changes] == \
                list(zip(("user", "cgroup", "cgroup"), ("nobody", "/a/b", "/a/b"), wanted))
            assert dev.groups() == [(NOBODY, [none, MIB // PAGE, none, none, none]),
                                    ("/a/b", [0, none, none, none, 1])]
            assert lines(conf(text)) == ["nothing to do"]
            conf(text.replace("0\n", "none\n").replace("4K", "none").replace("1M", "none"))
            assert dev.groups() == []
        finally:
            for group, _ in dev.groups():
                dev.group_limits(group, [none] * 5)

    def test_limits_by_pattern(self, dev, memory_only, conf):
        """Of what matches now: the most specific section, and once only."""
        with Cgroup() as top, Cgroup(top) as first, Cgroup(top) as second, Cgroup(first) as below:
            text = (f"[agent {top.name}/tw-*]\ncpu = 1M\n[agent {top.name}/*/nothing]\nssd = 0\n"
                    f"[cgroup {second.name}]\ncpu = 2M\n")
            wanted = [f"limit cgroup {first.name} in cpu from none to 1.0 MiB",
                      f"limit cgroup {second.name} in cpu from none to 2.0 MiB"]
            told = [f"{top.name}/tw-*: 1 cgroup now; tierwatchd sees to those that come",
                    f"{top.name}/*/nothing: 0 cgroups now; tierwatchd sees to those that come"]
            assert lines(conf(text, "--dry-run")) == [f"would {line}" for line in wanted] + told
            assert dev.group_limits(first.name).pages[CPU] == tw.TW_NO_LIMIT
            found = json.loads("".join(lines(conf(text, "--dry-run", "--json"))))
            assert [(one["kind"], one["name"]) for one in found["changes"]] == [
                ("cgroup", first.name), ("cgroup", second.name)]
            assert lines(conf(text)) == wanted + told
            assert lines(conf(text)) == [*told, "nothing to do"]
            assert [dev.group_limits(one.name).pages[CPU] for one in
                    (top, first, second, below)] == \
                [tw.TW_NO_LIMIT, MIB // PAGE, 2 * MIB // PAGE, tw.TW_NO_LIMIT]
            for one in (first, second):
                dev.group_limits(one.name, [tw.TW_NO_LIMIT] * 5)

    def test_absent_agent(self, memory_only, conf):
        assert lines(conf("[agent 4711]\nssd = 1G\n")) == [
            "agent 4711 of root is not there now, and has no limits", "nothing to do"]


WRONG = {
    "tier": ("[tier nmve]\ndevice = {disk}\n", 1, "Did you mean nvme?"),
    "key": ("[tier ssd]\ndevice = {disk}\ncapcity = 1M\n", 3, "Did you mean capacity?"),
    "section": ("[polic]\n", 1, "no such section"),
    "no section": ("min_stay = 1\n", 1, "belongs to no section"),
    "no bracket": ("[policy\n", 1, "ends with ]"),
    "no value": ("[policy]\nmin_stay =\n", 2, "has no value"),
    "no key": ("[policy]\n\nmin_stay\n", 3, "neither"),
    "twice": ("[policy]\nmin_stay = 1\nmin_stay = 1\n", 3, "a second time"),
    "section twice": ("[policy]\n[policy]\n", 2, "a second time"),
    "range": ("[policy]\nscan_permille = 1001\n", 2, "from 1 to 1000"),
    "bool": ("[policy]\nauto = maybe\n", 2, "on or off"),
    "order": ("[policy]\ncold_threshold = 200\n", 1, "below hot_threshold"),
    "scans": ("[policy]\nscan_min_ms = 500000\n", 1, "more than scan_max_ms"),
    "size": ("[tier ssd]\ndevice = {disk}\ncapacity = 1X\n", 3, "size like"),
    "page size": ("[tier ssd]\ndevice = {disk}\ncapacity = 4097\n", 3, "multiple of the page"),
    "capacity": ("[tier ssd]\ndevice = {disk}\ncapacity = 1T\n", 1, "asked for, 1.0 TiB"),
    "no device": ("[tier ssd]\ncapacity = 1M\n", 1, "has no device"),
    "device of memory": ("[tier cpu]\ndevice = {disk}\n", 1, "made of NUMA nodes"),
    "nodes of a store": ("[tier ssd]\ndevice = {disk}\nnodes = 0\n", 1, "is on a device"),
    "relative": ("[tier ssd]\ndevice = sda\n", 2, "begins with /"),
    "nowhere": ("[tier ssd]\ndevice = /dev/nothing\n", 1, "No such file"),
    "tag": ("[tier ssd]\nstore = {disk}\n", 2, "UUID=... or LABEL=..."),
    "store to sign": ("[tier ssd]\nstore = LABEL=x\nformat = yes\n", 1, "is signed already"),
    "optional memory": ("[tier cpu]\noptional = yes\n", 1, "made of NUMA nodes"),
    "terminal": ("[tier ssd]\ndevice = /dev/null\n", 1, "neither a block device"),
    "same disk": ("[tier ssd]\ndevice = {disk}\n[tier hdd]\ndevice = {disk}\n", 3, "line 1 gives"),
    "node": ("[tier cpu]\nnodes = 63\n", 1, "can have nodes"),
    "list": ("[tier cpu]\nnodes = 64\n", 2, "list of 0..63"),
    "agent": ("[agent seven]\n", 1, "not an agent's number"),
    "pattern": ("\n[agent /a/**]\n", 2, "** is not known"),
    "bracket": ("[agent /a/[b]\n", 1, "has no ]"),
    "pattern twice": ("[agent /a/*]\n[agent /a/*]\n", 2, "a second time"),
    "both ways": ("[agent /a]\n[cgroup /a]\n", 2, "a second time"),
    "user of a pattern": ("[agent /a/*]\nuser = root\n", 2, "no such key"),
    "cgroup": ("[cgroup a/b]\n", 1, "a path like"),
    "not a path": ("[cgroup /a/../b]\ncpu = 0\n", 1, "Invalid argument"),
    "cgroup twice": ("[cgroup /a]\n[cgroup /a/]\n", 2, "a second time"),
    "unknown user": ("[user no-such-user]\ncpu = 0\n", 1, "no such user"),
    "agent twice": ("[agent 7]\n[agent 7]\n", 2, "a second time"),
    "user": ("[agent 7]\nuser = no-such-user\n", 1, "no such user"),
    "unbound": ("[tier ssd]\nbound = no\ndevice = {disk}\n", 1, "yet there are other keys"),
    "zero": ("[policy]\n\0\n", 2, "zero byte"),
}


class TestRefusals:
    """What is wrong is told with its line, and nothing changes, be the rest ever so right."""

    GOOD = "\n[tier nvme]\ndevice = {good}\n"

    @pytest.mark.parametrize("name", WRONG)
    def test_wrong_file(self, dev, memory_only, conf, disk, name):
        text, line, says = WRONG[name]
        with Loop(16 * MIB) as other:
            format_store(other.path)
            text = text.replace("{disk}", disk) + self.GOOD.replace("{good}", other.path)
            before = state(dev)
            done = conf(text)
            assert (done.returncode, done.stdout) == (1, ""), done
            assert says in done.stderr and f"{conf.path}:{line}: " in done.stderr, done.stderr
            assert done.stderr.endswith("nothing was changed\n")
            assert state(dev) == before

    def test_all_errors_are_told(self, memory_only, conf):
        done = conf("[policy]\na = 1\nb = 2\n\n[tier tape]\nc = 3\n")
        assert [part.split(":")[0] for part in done.stderr.split(f"{conf.path}:")[1:]] == \
            ["2", "3", "5"]

    def test_not_signed(self, dev, memory_only, conf):
        with Loop(16 * MIB) as empty:
            before = state(dev)
            done = conf(f"[tier ssd]\ndevice = {empty.path}\n")
            assert done.returncode == 1 and "format = yes" in done.stderr
            assert state(dev) == before and not any(open(empty.path, "rb").read(8192))

    def test_other_contents(self, dev, memory_only, conf):
        """Not even format = yes takes a file system away."""
        with Loop(16 * MIB) as full:
            subprocess.run(["mkfs.ext4", "-q", "-F", full.path], check=True)
            before = state(dev), open(full.path, "rb").read(8192)
            done = conf(f"[tier ssd]\ndevice = {full.path}\nformat = yes\n")
            assert done.returncode == 1 and "holds ext4" in done.stderr
            assert (state(dev), open(full.path, "rb").read(8192)) == before

    def test_disk_in_use(self, dev, memory_only, conf, tmp_path):
        with Loop(16 * MIB) as used:
            subprocess.run(["mkfs.ext4", "-q", "-F", used.path], check=True)
            subprocess.run(["mount", used.path, "/mnt"], check=True)
            try:
                before = state(dev)
                done = conf(f"[tier ssd]\ndevice = {used.path}\nformat = yes\n")
                assert done.returncode == 1 and "in use: mounted on /mnt" in done.stderr
                assert state(dev) == before
            finally:
                subprocess.run(["umount", "/mnt"], check=True)

    def test_bound_elsewhere(self, dev, memory_only, conf, disk):
        conf(f"[tier ssd]\ndevice = {disk}\n")
        before = state(dev)
        done = conf(f"[tier hdd]\ndevice = {disk}\n")
        assert done.returncode == 1 and "bound to the ssd tier" in done.stderr
        assert state(dev) == before

    def test_full_disk(self, dev, memory_only, conf):
        """A file that can't be allocated: found before anything is done."""
        with Ext4(16 * MIB) as files:
            path = files.path / "store"
            with open(path, "wb") as out:
                out.truncate(1 << 30)
            before = state(dev), os.statvfs(files.path).f_bfree
            done = conf(f"[tier gpu]\nbound = no\n[tier ssd]\ndevice = {path}\nformat = yes\n")
            assert done.returncode == 1 and "is full" in done.stderr
            assert (state(dev), os.statvfs(files.path).f_bfree) == before

    def test_no_permission(self, dev, memory_only, conf, disk):
        """Nobody can't open the device, a member of the group can't bind."""
        before = state(dev)
        text = "[tier gpu]\nbound = no\n"
        done = conf(text, uid=NOBODY)
        assert done.returncode == NO_PERMISSION and "group, tierwatch" in done.stderr
        done = conf(text, uid=NOBODY, groups=[device_gid()])
        assert done.returncode == NO_PERMISSION and "CAP_SYS_ADMIN" in done.stderr
        done = conf("[policy]\nmin_stay = 9\n", uid=NOBODY, groups=[device_gid()])
        assert done.returncode == NO_PERMISSION and "CAP_SYS_ADMIN" in done.stderr
        done = conf(f"[tier ssd]\ndevice = {disk}\n", uid=NOBODY, groups=[device_gid()])
        assert done.returncode == NO_PERMISSION and disk in done.stderr
        assert state(dev) == before

    def test_no_file(self, dev, memory_only, conf):
        before = state(dev)
        conf("")
        conf.path.unlink()
        done = subprocess.run([TW, "apply", "--conf", conf.path], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 1 and "tw tier detect --conf" in done.stderr
        done = subprocess.run([TW, "apply", conf.path], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 2 and f"--conf {conf.path}" in done.stderr
        assert state(dev) == before
