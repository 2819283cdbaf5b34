# SPDX-License-Identifier: GPL-2.0
# last of its guest: lockdep takes the unix sockets of nbd and those of tests for one lock
"""Stores in another machine: NVMe over TCP and a network block device, and lost connections.

The other machine is this one: the kernel's own target (nvmet) on 127.0.0.1 serves a loop
device. What the client does then is what it does over any network.
"""

import errno
import os
import re
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

import tw
from command import tw_json, tw_text
from support import (Child, Layout, Loop, Mapper, Reached, bind, load_module, place, set_tiers,
                     store_path, touch_fate, wait_for, write_super, wrong)
from tw import CPU, NVME, PAGE, SSD, TIER_NAMES

# The driver's own part in it, what it does about errors, is tested on all kernels elsewhere.
pytestmark = [pytest.mark.once, pytest.mark.forked]

ERROR = tw.TW_EVENT_BIT(tw.TW_EVENT_TIER_ERROR)
NQN = "nqn.2014-08.org.example:tierwatch"
CONFIG = Path("/sys/kernel/config")
SIZE = 16 << 20
MODULES = ("nvmet-tcp", "nvme-tcp")
# Seconds: what the client does when the other side is silent or gone.
OPTIONS = {"reconnect_delay": 1, "ctrl_loss_tmo": 600, "keep_alive_tmo": 1, "nr_io_queues": 1}


def missing_modules() -> list[str]:
    return [name for name in MODULES
            if subprocess.run(["modprobe", "-n", "-q", name], check=False).returncode]


class Target:
    """The other side: a disk that it serves, and whether it can be reached."""

    def __init__(self, path: str):
        for name in MODULES:
            load_module(name)
        if not (CONFIG / "nvmet").exists():
            subprocess.run(["mount", "-t", "configfs", "none", CONFIG], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.system = CONFIG / "nvmet" / "subsystems" / NQN
        self.space = self.system / "namespaces" / "1"
        self.port = CONFIG / "nvmet" / "ports" / "1"
        self.link = self.port / "subsystems" / NQN
        for folder in (self.system, self.space, self.port):
            folder.mkdir()
        (self.system / "attr_allow_any_host").write_text("1")
        (self.space / "device_path").write_text(path)
        (self.space / "enable").write_text("1")
        for name, value in {"trtype": "tcp", "adrfam": "ipv4", "traddr": "127.0.0.1",
                            "trsvcid": "4420"}.items():
            (self.port / f"addr_{name}").write_text(value)
        self.up()

    def up(self) -> None:
        """It can be reached."""
        self.link.symlink_to(self.system)

    def down(self) -> None:
        """Connections are cut, and new ones refused."""
        self.link.unlink()

    def close(self) -> None:
        if self.link.is_symlink():
            self.down()
        (self.space / "enable").write_text("0")
        for folder in (self.port, self.space, self.system):
            folder.rmdir()


class Client:
    """This side: the disk that the kernel has of it."""

    def __init__(self):
        options = [f"{name}={value}" for name, value in OPTIONS.items()]
        with open("/dev/nvme-fabrics", "r+b", buffering=0) as fabrics:
            fabrics.write(",".join(["transport=tcp", "traddr=127.0.0.1", "trsvcid=4420",
                                    f"nqn={NQN}", *options]).encode())
            number = int(re.match(r"instance=(\d+)", fabrics.read(64).decode())[1])
        self.control = Path(f"/sys/class/nvme/nvme{number}")
        assert wait_for(lambda: list(self.disks()), 20)
        (self.disk,) = self.disks()
        self.path = f"/dev/{self.disk}"
        assert wait_for(lambda: os.path.exists(self.path))

    def disks(self):
        """Names of its block devices, of which there is one."""
        for folder in Path("/sys/block").glob("nvme*n*"):
            name = folder / "device" / "subsysnqn"
            if name.exists() and name.read_text().strip() == NQN and (folder / "dev").exists() \
                    and "c" not in folder.name:
                yield folder.name

    def state(self) -> str:
        return (self.control / "state").read_text().strip()

    def give_up_after(self, seconds: int) -> None:
        """What waits while there is no connection fails after this time; -1: it waits on."""
        (self.control / "fast_io_fail_tmo").write_text(str(seconds))

    def close(self) -> None:
        (self.control / "delete_controller").write_text("1")
        assert wait_for(lambda: not self.control.exists(), 20)


class Remote:
    """Both sides."""

    def __init__(self, backing: Loop):
        self.backing = backing
        self.target = Target(backing.path)
        self.client = Client()
        self.path = self.client.path

    @contextmanager
    def cut(self, fail_after: int):
        """No connection meanwhile; afterwards there is one again."""
        self.client.give_up_after(fail_after)
        self.target.down()
        try:
            assert wait_for(lambda: self.client.state() == "connecting", 20)
            yield
        finally:
            self.target.up()
            assert wait_for(lambda: self.client.state() == "live", 30)

    def close(self) -> None:
        self.client.close()
        self.target.close()


@pytest.fixture(scope="module")
def remote():
    missing = missing_modules()
    if missing:
        pytest.skip(f"this kernel has no {', '.join(missing)} (Debian's has)")
    with Loop(SIZE) as backing:
        both = Remote(backing)
        yield both
        both.close()


@pytest.fixture
def store(dev, remote):
    """The NVMe tier is the remote disk, and there is memory."""
    assert remote.client.state() == "live"
    set_tiers(dev, {CPU: 512})
    tw_text("tier", "format", "--force", remote.path)
    bind(dev, NVME, 0, remote.path)
    yield remote
    assert wait_for(lambda: unbound(dev), 40)
    Layout.restore(dev)


def unbound(dev) -> bool:
    """By force: what cannot be read any more is lost, and told so."""
    try:
        dev.unbind(NVME, tw.TW_UNBIND_FORCE)
    except OSError as error:
        assert error.errno == errno.EBUSY, error
        return False
    return True


def waits(pid: int) -> bool:
    """Does it sleep in the kernel for a disk?"""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "D"


def fate(mapping, index: int, seed: int) -> str:
    """What a reader of a page gets: right, wrong, or SIGBUS."""
    child = Child(lambda: wrong(mapping, [index], seed) == [])
    if child.wait(90) < 0:
        return signal.Signals(-child.status).name
    return "right" if child.status == 0 else "failed"


def test_all_of_it(store, dev, make):
    """A store like any other: pages go there, and come back as they were."""
    pages = dev.tier_info(NVME).capacity
    assert pages == (SIZE - tw.TW_STORE_DATA) // PAGE
    region, mapping = make(400, seed=1, touched=400)
    place(region, 0, 400, NVME)
    assert wrong(mapping, range(400), 1) == []
    place(region, 0, 400, NVME)
    dev.unbind(NVME)
    assert set(region.tiers()) == {CPU} and wrong(mapping, range(400), 1) == []
    bind(dev, NVME, 0, store.path)


def test_a_short_cut(store, make, stats):
    """Who reads waits, and gets the right bytes when the other side is back. No event, no error."""
    region, mapping = make(64, seed=2, touched=64)
    place(region, 0, 64, NVME)
    before, done = stats.counters(NVME)["io_errors"], Reached()

    def read():
        right = wrong(mapping, range(64), 2) == []
        done.set()
        return right

    with store.cut(-1):
        child = Child(read)
        assert wait_for(lambda: waits(child.pid), 20)
        assert not done.get() and child.alive()
        # It goes on waiting while tries to connect fail.
        retries = wait_for(lambda: store.client.state() == "connecting")
        assert retries and not done.get()
    assert child.result(90)
    assert stats.counters(NVME)["io_errors"] == before and region.info().lost == 0


def test_a_killed_reader(store, make):
    """Who waits can be killed, and the page is none the worse."""
    region, mapping = make(8, seed=3, touched=8)
    place(region, 0, 8, NVME)
    with store.cut(-1):
        child = Child(mapping.read, 0, 1)
        assert wait_for(lambda: waits(child.pid), 20)
        child.kill()
        assert child.wait(20) == -signal.SIGKILL
    assert wrong(mapping, range(8), 3) == []


def test_a_long_cut(store, dev, make, stream):
    """Readers get SIGBUS after the limit of time, an event tells of it; later all is right again."""
    region, mapping = make(64, seed=4, touched=64)
    place(region, 0, 32, NVME)
    reader = stream(ERROR).reader()
    with store.cut(1):
        assert fate(mapping, 0, 4) == "SIGBUS"
        assert {event.tier for event in reader.read()} == {NVME}
        # It is avoided: new pages stay where they are, whole.
        result = region.migrate(32 * PAGE, 32 * PAGE, NVME)
        assert result.moved == 0 and set(result.status) <= {-errno.EIO, -errno.ENOSPC}
        assert wrong(mapping, range(32, 64), 4) == []
        with pytest.raises(OSError) as caught:
            dev.unbind(NVME)
        assert caught.value.errno == errno.EIO and NVME in dev.bound()
    assert region.info().lost <= 1
    for index in range(32):
        assert fate(mapping, index, 4) == "right"
    assert wait_for(lambda: region.migrate(32 * PAGE, 32 * PAGE, NVME).moved == 32, 30)
    assert wrong(mapping, range(64), 4) == []


def test_it_comes_back_empty(store, make, stats):
    """Another disk in its place, or one that was written: SIGBUS, never wrong bytes."""
    region, mapping = make(32, seed=5, touched=32)
    place(region, 0, 32, NVME)
    with store.cut(-1):
        with open(store.backing.path, "r+b", buffering=0) as disk:
            disk.seek(tw.TW_STORE_DATA)
            disk.write(b"\xa5" * (8 << 20))
            os.fsync(disk.fileno())
    before = stats.header.lost
    assert {fate(mapping, index, 5) for index in range(32)} == {"SIGBUS"}
    assert stats.header.lost > before


def test_detect(remote, dev):
    """It is known as a remote one, and goes to the tier whose speed it has."""
    write_super(remote.path, bytes(PAGE))
    dev.unbind(NVME)
    dev.unbind(SSD)
    try:
        # As nothing is bound to those tiers but what is here.
        found = tw_json("tier", "detect")
        every = {one["device"]: one for one in found["left_alone"] +
                 [one for one in found["tiers"] if one.get("device")]}
        mine = next(one for path, one in every.items() if os.path.realpath(path) == remote.path)
        assert (mine["remote"], mine["transport"]) == (True, "tcp")
        assert "traddr=127.0.0.1" in mine["address"] and mine["read_ns"] > 0
        by_time = "nvme" if mine["read_ns"] < 200_000 else \
            "ssd" if mine["read_ns"] < 2_000_000 else "hdd"
        assert mine["tier"] == by_time
        here = [one for one in every.values() if one["transport"] == "pcie"]
        assert here and all(not one["remote"] and one["address"] is None for one in here)
        # Where both could be chosen it is the one that is here, whose size does not matter.
        chosen = {one["tier"]: one for one in found["tiers"] if one.get("device")}
        assert not chosen["nvme"]["remote"]
    finally:
        Layout.restore(dev)


def test_detect_says_so(remote, dev):
    """Proposed it is where there is no other, and not without a word."""
    tw_text("tier", "format", "--force", "--tier", "ssd", remote.path)
    dev.unbind(SSD)
    # The one that is here is in use.
    try:
        with Mapper([(0, 8, "linear", f"{store_path(SSD)} 0")]):
            text = tw_text("tier", "detect")
            conf = tw_text("tier", "detect", "--conf")
        line = next(line for line in text.splitlines() if line.startswith("ssd"))
        assert re.search(r"remote by tcp \(traddr=127.0.0.1,.*\), a read takes [\d.]+ [mu]s", line)
        assert re.search(r"^# remote by tcp \(traddr=127.0.0.1,", conf, re.M)
        with remote.cut(1):
            left = {one["device"]: one for one in tw_json("tier", "detect")["left_alone"]}
            (down,) = [one for one in left.values() if one["remote"]]
            assert down["why"] == "the connection to it is down" and down["read_ns"] is None
    finally:
        Layout.restore(dev)


class Nbd:
    """A network block device: nbdkit serves memory by a socket."""

    def __init__(self, folder: Path):
        load_module("nbd")
        self.path, socket = "/dev/nbd0", folder / "socket"
        self.server = subprocess.Popen(  # pylint: disable=consider-using-with
            ["nbdkit", "-f", "-U", socket, "memory", str(SIZE)])
        assert wait_for(socket.exists, 20)
        subprocess.run(["nbd-client", "-unix", socket, self.path, "-b", "4096", "-t", "60"],
                       check=True, stdout=subprocess.DEVNULL)
        assert wait_for(lambda: Path("/sys/block/nbd0/pid").exists())

    def threads(self) -> set[str]:
        """The states that its threads are in."""
        return {path.read_text().rsplit(")", 1)[1].split()[0]
                for path in Path(f"/proc/{self.server.pid}/task").glob("*/stat")}

    def close(self) -> None:
        self.server.kill()
        self.server.wait()
        subprocess.run(["nbd-client", "-d", self.path], check=False, stdout=subprocess.DEVNULL)
        assert wait_for(lambda: not Path("/sys/block/nbd0/pid").exists())


@pytest.fixture
def nbd(dev, tmp_path):
    set_tiers(dev, {CPU: 512})
    one = Nbd(tmp_path)
    yield one
    if dev.tier_info(NVME).kind:
        assert wait_for(lambda: unbound(dev), 40)
    one.close()
    Layout.restore(dev)


def test_nbd(nbd, dev, make, stream):
    """A silent server: readers wait. A dead one: SIGBUS and an event, and the tier can go."""
    found = tw_json("tier", "detect")
    (mine,) = [one for one in found["left_alone"] + found["tiers"] if one.get("transport") == "nbd"]
    assert mine["remote"] and mine["device"] == nbd.path and mine["read_ns"] > 0
    assert mine["tier"] in TIER_NAMES
    tw_text("tier", "format", nbd.path)
    bind(dev, NVME, 0, nbd.path)
    region, mapping = make(64, seed=6, touched=64)
    place(region, 0, 64, NVME)
    os.kill(nbd.server.pid, signal.SIGSTOP)
    assert wait_for(lambda: nbd.threads() == {"T"})
    child = Child(lambda: wrong(mapping, range(16), 6))
    assert wait_for(lambda: waits(child.pid), 20)
    os.kill(nbd.server.pid, signal.SIGCONT)
    assert child.result() == []
    # Those that were read beside them as well.
    place(region, 0, 64, NVME)
    reader = stream(ERROR).reader()
    os.kill(nbd.server.pid, signal.SIGKILL)
    assert wait_for(lambda: nbd.threads() <= {"Z"})
    assert touch_fate(mapping, 20 * PAGE) == -signal.SIGBUS
    assert {event.tier for event in reader.read()} == {NVME}
    assert wait_for(lambda: unbound(dev), 40)
    assert region.info().lost >= 32
    for index in range(0, 64, 16):
        assert fate(mapping, index, 6) in ("right", "SIGBUS")
