# SPDX-License-Identifier: GPL-2.0
"""tw apply: what tierwatch.conf says comes true, once, or nothing changes."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import tw
from manual import TW
from support import (NOBODY, Child, Ext4, Loop, Reached, device_gid, format_store, store_path,
                     set_tiers, tiers_of)
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
            subprocess.run(["losetup", "-l", "-n"], capture_output=True, check=True).stdout)


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
            assert str(path) not in state(dev)[-1].decode()

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


class TestPolicyAndAgents:
    def test_policy(self, dev, memory_only, conf):
        """Only what the file names is changed."""
        before = dev.policy().knobs()
        text = "[policy]\nunmap = on\nhot_threshold = 120\nmax_rate = 1000\n"
        assert lines(conf(text)) == ["set unmap from 0 to 1", "set hot_threshold from 100 to 120",
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
    "capacity": ("[tier ssd]\ndevice = {disk}\ncapacity = 1T\n", 1, "wants 1.0 TiB"),
    "no device": ("[tier ssd]\ncapacity = 1M\n", 1, "has no device"),
    "device of memory": ("[tier cpu]\ndevice = {disk}\n", 1, "made of NUMA nodes"),
    "nodes of a store": ("[tier ssd]\ndevice = {disk}\nnodes = 0\n", 1, "is on a device"),
    "relative": ("[tier ssd]\ndevice = sda\n", 2, "begins with /"),
    "nowhere": ("[tier ssd]\ndevice = /dev/nothing\n", 1, "No such file"),
    "terminal": ("[tier ssd]\ndevice = /dev/null\n", 1, "neither a block device"),
    "same disk": ("[tier ssd]\ndevice = {disk}\n[tier hdd]\ndevice = {disk}\n", 3, "line 1 gives"),
    "node": ("[tier cpu]\nnodes = 63\n", 1, "can have nodes"),
    "list": ("[tier cpu]\nnodes = 64\n", 2, "list of 0..63"),
    "agent": ("[agent seven]\n", 1, "not an agent's number"),
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
            assert done.returncode == 1 and "ext4. It is left alone" in done.stderr
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
