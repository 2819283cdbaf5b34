# SPDX-License-Identifier: GPL-2.0
"""tw swap: on, off and status, what it warns of and what it refuses."""

import errno
import json
import mmap
import os
import signal
import stat
import subprocess
import time
from contextlib import contextmanager
from copy import copy
from pathlib import Path

import pytest

from command import FAILED, INTERRUPTED, NO_PERMISSION, TW, USAGE, tw_json, tw_refused, \
    tw_run, tw_text
from support import (NOBODY, Cgroup, Child, Loop, Mapper, Reached, device_bytes, errno_of,
                     set_tiers, signature, store_path, tiers_of, wait_for, write_super)
from tw import CPU, NVME, PAGE, SSD

pytestmark = pytest.mark.once

MIB = 1 << 20
DISK = Path("/dev/twswap")
CLUSTER = Path("/proc/sys/vm/page-cluster")
SYS_SWAPOFF = "168"
STAYS_ON = "interrupted: swap stays on"
STORES = {CPU: 0, NVME: 4000, SSD: 6000}


@pytest.fixture(scope="module", autouse=True)
def two_stores(dev):
    """Two stores; and nothing to warn of."""
    before = CLUSTER.read_text()
    CLUSTER.write_text("0")
    try:
        with tiers_of(dev, STORES):
            yield
    finally:
        CLUSTER.write_text(before)


@pytest.fixture(autouse=True)
def off_again():
    """Whatever a test leaves on."""
    yield
    done = tw_run("swap", "off", "--force")
    assert done.returncode == 0, done


@contextmanager
def no_store(device):
    """No store is bound for a while; what a test has bound goes again."""
    set_tiers(device, {CPU: 0})
    try:
        yield
    finally:
        tw_run("swap", "off", "--force")
        set_tiers(device, STORES)


def swaps() -> dict[str, int]:
    """Priorities by name, as /proc/swaps writes it."""
    lines = Path("/proc/swaps").read_text(encoding="utf-8").splitlines()[1:]
    return {line.split()[0]: int(line.split()[4]) for line in lines}


class Swapped:
    """A program that has more memory than its cgroup may have."""

    def __init__(self, group: Cgroup, pages: int):
        self.there, self.enough = Reached(), Reached()
        self.child = Child(self._body, group, pages)
        self.there.wait(seconds=60)

    def _body(self, group, pages):
        group.enter()
        memory = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for index in range(pages):
            memory[index * PAGE:(index + 1) * PAGE] = f"{index:8}".encode() * (PAGE // 8)
        self.there.set()
        self.enough.wait(seconds=120)
        return [index for index in range(pages) if
                memory[index * PAGE:(index + 1) * PAGE] != f"{index:8}".encode() * (PAGE // 8)]

    def wrong(self) -> list[int]:
        """Its pages that are not as they were written; it ends."""
        self.enough.set()
        return self.child.result(120)


@contextmanager
def swapped(name: str = "group"):
    """Some 16 MiB in swap, of a cgroup of 12 MiB with this name."""
    with Cgroup() as top:
        top.write("cgroup.subtree_control", "+memory")
        group = copy(top)
        group.path = top.path / name
        group.path.mkdir()
        with group:
            group.write("memory.max", str(12 * MIB))
            program = Swapped(group, 28 * MIB // PAGE)
            try:
                yield group, program
            finally:
                program.enough.set()


class TestOn:
    def test_on_and_off(self, dev):
        assert tw_text("swap", "on", "--size", "8M", "--priority", 5) == \
            "swap: on: 8.0 MiB on /dev/twswap, priority 5\n"
        info = dev.swap_info()
        assert (info.pages, info.open) == (8 * MIB // PAGE, 1)
        assert stat.S_ISBLK(DISK.stat().st_mode) and swaps() == {str(DISK): 5}
        assert tw_text("swap", "off") == "swap: off\n"
        assert not swaps() and errno_of(dev.swap_info) == errno.ENOENT
        assert tw_text("swap", "off") == "swap: already off\n"

    def test_default_size(self, dev, make):
        """Half of the slots that nothing is in."""
        region, _ = make(64, touched=64)
        assert region.migrate(0, 60 * PAGE, SSD).moved == 60
        infos = [dev.tier_info(tier) for tier in (NVME, SSD)]
        tw_text("swap", "on")
        assert dev.swap_info().pages == \
            sum(info.capacity - info.used - info.kept for info in infos) // 2

    def test_on_already(self, dev):
        tw_text("swap", "on", "--size", "8M")
        before = swaps()
        for words in ((), ("--size", "8M"), ("--priority", 0)):
            assert tw_text("swap", "on", *words) == \
                "swap: already on: 8.0 MiB on /dev/twswap, priority 0\n"
        tw_refused(FAILED, "with 8.0 MiB and not 4.0 MiB", "swap", "on", "--size", "4M")
        tw_refused(FAILED, "with priority 0 and not 7", "swap", "on", "--priority", 7)
        assert swaps() == before and dev.swap_info().pages == 8 * MIB // PAGE

    def test_a_device_that_is_there(self, dev):
        """It is used as it is, or how to remove it is said."""
        dev.swap_create(1000)
        assert "that is not in use" in tw_text("swap", "status")
        said = tw_refused(FAILED, "of 3.9 MiB and not 8.0 MiB", "swap", "on", "--size", "8M")
        assert "tw swap off" in said and not swaps()
        tw_text("swap", "on")
        assert dev.swap_info().pages == 1000 and str(DISK) in swaps()
        tw_text("swap", "off")
        dev.swap_create(1000)
        assert tw_text("swap", "off") == "swap: off\n"
        assert errno_of(dev.swap_info) == errno.ENOENT

    def test_too_large(self, dev):
        said = tw_refused(FAILED, "no room for 1.0 GiB", "swap", "on", "--size", "1G")
        assert "the stores have 39.1 MiB" in said and "tw tier bind" in said
        with no_store(dev):
            tw_refused(FAILED, "the stores have 0 B", "swap", "on")

    def test_other_swap(self):
        """It goes above the others, or what is filled first is told of."""
        name = Path("/run/a swap")
        with Loop(4 * MIB) as loop:
            os.mknod(name, 0o600 | stat.S_IFBLK, os.stat(loop.path).st_rdev)
            try:
                subprocess.run(["mkswap", name], check=True, capture_output=True)
                subprocess.run(["swapon", "-p", "100", name], check=True)
                tw_text("swap", "on", "--size", "4M")
                assert swaps() == {str(DISK): 101, r"/run/a\040swap": 100}
                (other,) = tw_json("swap", "status")["others"]
                assert other == {"name": str(name), "pages": 4 * MIB // PAGE - 1, "used": 0,
                                 "priority": 100}
                tw_text("swap", "off")
                done = tw_run("swap", "on", "--size", "4M", "--priority", 5)
                assert done.returncode == 0 and "priority 5" in done.stdout
                assert "warning: /run/a swap has priority 100" in done.stderr
                assert "filled first" in done.stderr
                assert "filled first" in tw_text("swap", "status")
                tw_text("swap", "off")
                assert "in turns" in tw_run("swap", "on", "--priority", 100).stderr
            finally:
                subprocess.run(["swapoff", name], check=True)
                name.unlink()

    def test_read_ahead(self):
        CLUSTER.write_text("3")
        try:
            done = tw_run("swap", "on", "--size", "4M")
            assert done.returncode == 0 and "up to 7 neighbours" in done.stderr
            assert "vm.page-cluster=0" in tw_text("swap", "status")
        finally:
            CLUSTER.write_text("0")

    def test_mkswap_fails(self, dev, tmp_path):
        """What it said is shown, and nothing is left."""
        for body, said in (("echo no >&2; echo way >&2; exit 3", "mkswap failed: no way\n"),
                           ("kill -9 $$", "mkswap was ended by signal 9\n")):
            fake = tmp_path / "mkswap"
            fake.write_text(f"#!/bin/sh\n{body}\n")
            fake.chmod(0o755)
            env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
            tw_refused(FAILED, said, "swap", "on", "--size", "4M", env=env)
            assert errno_of(dev.swap_info) == errno.ENOENT and not swaps()

    def test_swapon_fails(self, dev, tmp_path):
        """The kernel finds no signature."""
        (tmp_path / "mkswap").symlink_to("/bin/true")
        env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        tw_refused(FAILED, "swapon /dev/twswap", "swap", "on", "--size", "4M", env=env)
        assert errno_of(dev.swap_info) == errno.ENOENT

    def test_no_mkswap_in_path(self):
        assert tw_run("swap", "on", "--size", "4M", env={"PATH": "/nowhere::"}).returncode == 0

    def test_a_dev_of_its_own(self, dev, tmp_path):
        """As in a container: nobody puts the device there."""
        script = (f"cp -a /dev/tierwatch /dev/null {tmp_path} && mount -t tmpfs none /dev && "
                  f"cp -a {tmp_path}/* /dev && exec {TW} swap on --size 4M")
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True,
                              text=True, check=False)
        assert done.returncode == FAILED and "devtmpfs" in done.stderr, done
        assert errno_of(dev.swap_info) == errno.ENOENT


class TestOff:
    def test_what_is_swapped_comes_back(self, dev):
        tw_text("swap", "on", "--size", "32M")
        with swapped() as (group, program):
            status = tw_json("swap", "status")
            assert status["state"] == "on" and status["used"] * PAGE > 12 * MIB
            assert sum(tier["used"] for tier in status["tiers"]) * PAGE > 12 * MIB
            group.write("memory.max", "max")
            assert tw_text("swap", "off") == "swap: off\n"
            assert errno_of(dev.swap_info) == errno.ENOENT
            assert program.wrong() == []

    def test_cgroup_has_no_room(self):
        """It is named, with what is missing; and nothing is changed."""
        tw_text("swap", "on", "--size", "32M")
        with swapped("a\x1b[1m group") as (group, program):
            said = tw_refused(FAILED, "a?[1m group can't hold the", "swap", "off")
            assert "it may have 12.0 MiB (memory.max)" in said and "are missing" in said
            assert said.count("\n") == 2 and "tw swap off --force" in said
            assert str(DISK) in swaps()
            group.write("memory.max", "max")
            assert program.wrong() == []

    def test_memory_has_no_room(self, dev, tmp_path):
        """As /proc/meminfo would say it; --force tries all the same."""
        meminfo = tmp_path / "meminfo"
        meminfo.write_text("MemAvailable:       1024 kB\nSwapCached:            0 kB\n")

        def off(*options):
            script = f"mount --bind {meminfo} /proc/meminfo && exec \"$@\""
            return subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", TW, "swap", "off",
                                   *options], capture_output=True, text=True, check=False)

        tw_text("swap", "on", "--size", "32M")
        with swapped() as (group, program):
            group.write("memory.max", "max")
            done = off()
            assert done.returncode == FAILED and str(DISK) in swaps(), done
            assert "1.0 MiB are available, and 0 B free in other swap" in done.stderr, done
            assert off("--force").returncode == 0
            assert errno_of(dev.swap_info) == errno.ENOENT
            assert program.wrong() == []

    def interrupt(self, mapper):
        """Ctrl-C while the store that it reads from hangs: how tw swap off ends."""
        def waits():
            words = Path(f"/proc/{off.pid}/syscall").read_text(encoding="ascii").split()
            return words[0] == SYS_SWAPOFF

        mapper.suspend()
        try:
            off = subprocess.Popen([TW, "swap", "off"], stderr=subprocess.PIPE, text=True)
            assert wait_for(waits, 30)
            off.send_signal(signal.SIGINT)
        finally:
            mapper.resume()
        _, said = off.communicate(timeout=120)
        return off.returncode, said.partition(", with ")[0]

    def test_interrupted(self, dev):
        """Ctrl-C: swap stays on, and the device with it."""
        path = store_path(NVME)
        sectors = device_bytes(path) // 512
        with no_store(dev), Mapper([(0, sectors, "linear", f"{path} 0")]) as mapper:
            write_super(mapper.path, signature(sectors * 512))
            dev.bind_store(NVME, mapper.path)
            try:
                tw_text("swap", "on")
                with swapped() as (group, program):
                    group.write("memory.max", "max")
                    done = self.interrupt(mapper)
                    assert done == (INTERRUPTED, f"tw: {STAYS_ON}"), done
                    assert str(DISK) in swaps()
                    assert program.wrong() == []
            finally:
                tw_run("swap", "off", "--force")
                dev.unbind(NVME)

    def test_open_by_another(self, dev):
        dev.swap_create(1000)
        wait_for(DISK.exists)
        with open(DISK, "rb"):
            tw_refused(FAILED, "something that is no swap has it open", "swap", "off")
        tw_text("swap", "off")


class TestApply:
    """[swap] in tierwatch.conf."""

    @pytest.fixture(name="conf")
    def conf_file(self, tmp_path):
        def run(text, *options):
            path = tmp_path / "tierwatch.conf"
            path.write_text(text)
            return tw_run("apply", "--conf", path, *options)
        return run

    def test_twice(self, dev, conf):
        text = "[swap]\nsize = 8M\npriority = 5\n"
        done = conf(text, "--dry-run")
        assert (done.stdout, done.stderr) == ("would turn swap on, 8.0 MiB, priority 5\n", "")
        assert errno_of(dev.swap_info) == errno.ENOENT
        done = conf(text)
        assert (done.stdout, done.stderr) == ("turn swap on, 8.0 MiB, priority 5\n", "")
        assert swaps() == {str(DISK): 5} and dev.swap_info().pages == 8 * MIB // PAGE
        for again in (text, "[swap]\nsize = 4M\n"):
            assert conf(again).stdout == "nothing to do\n"
        assert swaps() == {str(DISK): 5} and dev.swap_info().pages == 8 * MIB // PAGE

    def test_after_the_tiers(self, dev, conf):
        """The stores that it takes its room from are bound before it."""
        path = store_path(NVME)
        with no_store(dev):
            text = f"[swap]\n[tier nvme]\ndevice = {path}\nformat = yes\ncapacity = 16M\n"
            done = conf(text, "--json")
            assert done.returncode == 0, done
            assert [one["kind"] for one in json.loads(done.stdout)["changes"]] == ["tier", "swap"]
            assert dev.swap_info().pages == 8 * MIB // PAGE
            tw_text("swap", "off")

    def test_wrong(self, dev, conf):
        """It is found before anything is changed."""
        with no_store(dev):
            done = conf("[swap]\n")
            assert done.returncode == FAILED and ":1: [swap] needs a store" in done.stderr, done
        dev.swap_create(1000)
        done = conf("[swap]\nsize = 8M\n[policy]\nmin_stay = 7\n")
        assert done.returncode == FAILED and "of 3.9 MiB and not 8.0 MiB" in done.stderr, done
        assert dev.policy().min_stay != 7 and not swaps()

    def test_no_room(self, dev, conf):
        """That is seen when it is tried."""
        done = conf("[swap]\nsize = 1G\n")
        assert done.returncode == FAILED and "no room for 1.0 GiB" in done.stderr, done
        assert errno_of(dev.swap_info) == errno.ENOENT


class TestStatus:
    def test_without_a_device(self):
        assert tw_text("swap", "status").startswith(
            "swap      off: there is no swap device. Make one with: tw swap on\n")
        status = tw_json("swap", "status")
        assert (status["state"], status["device"], status["pages"], status["priority"]) == \
            ("none", None, 0, None)
        assert [tier["tier"] for tier in status["tiers"]] == ["nvme", "ssd", "hdd"]

    @staticmethod
    def is_still(dev):
        """Whether nothing goes to the device or comes back for a while."""
        before = list(dev.swap_info().used)
        time.sleep(0.5)
        return list(dev.swap_info().used) == before

    def shown_elsewhere(self, stats, nvme):
        """What the other commands, and /proc, say of swap in the NVMe tier."""
        there = stats.tier(NVME)["swap_used"]
        assert there == nvme["used"] > 0
        for words in (("stats",), ("status",), ("top", "--once", "--interval", "100ms")):
            shown = tw_json(*words)["tiers"][NVME]
            assert shown["swap_used"] == there, words
        assert tw_json("stats")["tiers"][NVME]["swap_out"] == nvme["out"]
        assert "swap      of that in use: nvme " in tw_text("status")
        assert "of it swap: nvme " in tw_text("top", "--once", "--interval", "100ms")
        assert "SWAP OUT" in tw_text("stats")
        text = tw_text("metrics")
        assert f'tierwatch_tier_swap_used_bytes{{tier="nvme"}} {there * PAGE}\n' in text
        lines = Path("/proc/swarm/tiers/nvme/stats").read_text(encoding="ascii").splitlines()
        for name, value in (("swap_used_pages", there), ("swap_in", nvme["in"]),
                            ("swap_out", nvme["out"]), ("swap_sunk", nvme["sunk"])):
            assert f"{name} {value}" in lines

    def test_figures(self, dev, stats):
        """They are the driver's and the kernel's."""
        assert tw_json("swap", "on", "--size", "32M", "--priority", 3) == \
            tw_json("swap", "status")
        with swapped() as (group, program):
            # The kernel may still be writing what it has begun with.
            assert wait_for(lambda: self.is_still(dev), 30)
            status, info = tw_json("swap", "status"), dev.swap_info()
            assert (status["pages"], status["priority"]) == (32 * MIB // PAGE, 3)
            for number, tier in zip((NVME, SSD), status["tiers"]):
                counted = stats.counters(number)
                assert tier == {"tier": tier["tier"], "used": info.used[number],
                                "spare": info.spare[number], "in": counted["swap_in"],
                                "out": counted["swap_out"], "sunk": counted["swap_sunk"]}
            assert status["tiers"][0]["out"] > 0 and status["failed"] == 0
            self.shown_elsewhere(stats, status["tiers"][0])
            group.write("memory.max", "max")
            assert program.wrong() == []
        assert tw_json("swap", "off")["state"] == "none"

    def test_anybody_of_the_group(self):
        tw_text("swap", "on", "--size", "4M")
        assert tw_json("swap", "status", uid=NOBODY)["state"] == "on"


def test_only_root(dev):
    tw_refused(NO_PERMISSION, "Be root", "swap", "on", "--size", "4M", uid=NOBODY)
    assert errno_of(dev.swap_info) == errno.ENOENT
    tw_text("swap", "on", "--size", "4M")
    tw_refused(NO_PERMISSION, "Be root", "swap", "off", uid=NOBODY)
    assert dev.swap_info().open == 1


@pytest.mark.parametrize("words", [
    (), ("on", "1G"), ("on", "--size", "1000"), ("on", "--size", "1"), ("on", "--priority", "x"),
    ("on", "--priority", 32768), ("off", "x"), ("off", "--size", "4M"), ("status", "x")])
def test_usage(words):
    tw_refused(USAGE, "", "swap", *words)
