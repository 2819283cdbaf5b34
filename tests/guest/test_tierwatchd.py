# SPDX-License-Identifier: GPL-2.0
"""tierwatchd: pages of attached programs go where their heat says, by the kernel's own calls."""

import ctypes
import json
import mmap
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import tw
from command import NO_DEVICE, USAGE, tw_run
from support import (NOBODY, PATIENCE, REPO, TOPOLOGY, Cgroup, Child, Reached, tiers_of,
                     wait_for)
from tw import CPU, GPU, NVME, PAGE

pytestmark = [pytest.mark.once, pytest.mark.forked, pytest.mark.skipif(TOPOLOGY != "default",
                                                     reason="needs nodes of both memory tiers")]

DAEMON = REPO / "build" / "tools" / "tierwatchd"
MIB = 1 << 20
HUGE = 2 * MIB
PRESENT = 1 << 63
SYS_MOVE_PAGES, SYS_MBIND, SYS_SET_MEMPOLICY = 279, 237, 238
MPOL_BIND, MPOL_MF_MOVE = 2, 2
MADV_HUGEPAGE, MADV_NOHUGEPAGE = 14, 15
FIRST, SECOND, SLOW = 0, 1, 2       # nodes
TICK = "50ms"
BALANCING = Path("/proc/sys/kernel/numa_balancing")


# --- programs ---------------------------------------------------------------------------


def move_pages(pid, addresses, node=None):
    """Where pages are, after they were moved if a node is named."""
    number = len(addresses)
    pages = (ctypes.c_void_p * number)(*addresses)
    status = (ctypes.c_int * number)()
    nodes = (ctypes.c_int * number)(*[node] * number) if node is not None else None
    tw.check(tw.libc.syscall(SYS_MOVE_PAGES, pid, ctypes.c_ulong(number), pages, nodes, status,
                             MPOL_MF_MOVE if nodes else 0))
    return list(status)


def anonymous(length, advice):
    """Memory of the caller's own, at an address that a huge page could have."""
    raw = tw.check(tw.libc.mmap(None, length + HUGE, mmap.PROT_READ | mmap.PROT_WRITE,
                                mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0))
    addr = (raw + HUGE - 1) & ~(HUGE - 1)
    assert tw.libc.madvise(addr, length, advice) == 0
    return addr


class Program:
    """A program that touches some of its pages until it is told to stop.

    A second one sleeps and wakes on the same CPU: an accessed bit is set again only when the
    CPU has forgotten the mapping, as it does when it goes to another process.
    """

    def __init__(self, pages, hot, node=FIRST, huge=False, before=None, uid=None):
        self.pages, self.hot, self.node, self.before = pages, list(hot), node, before
        self.huge = huge
        self.addr = anonymous(pages * PAGE, MADV_HUGEPAGE if huge else MADV_NOHUGEPAGE)
        self.phase, self.filled = Reached(), Reached()
        self.child = Child(self._run, uid=uid)
        self.other = Child(self._beside)
        self.pid = self.child.pid
        self.filled.wait()
        heads = [self.address(index) for index in range(0, pages, 512 if huge else 1)]
        assert set(move_pages(self.pid, heads, node)) == {node}

    def address(self, index):
        return self.addr + index * PAGE

    def _word(self, index):
        return ctypes.c_uint64.from_address(self.address(index))

    def _run(self):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        # ctypes reads before it writes, and what is read first is the huge page of zeros.
        tw.libc.memset(ctypes.c_void_p(self.addr), 0, ctypes.c_size_t(self.pages * PAGE))
        for index in range(self.pages):
            self._word(index).value = index * 0x9E3779B97F4A7C15 & (1 << 64) - 1
        if self.before:
            self.before(self)
        self.filled.set()
        while self.phase.get() == 0:
            for index in self.hot:
                self._word(index).value  # pylint: disable=expression-not-assigned
            time.sleep(0.002)
        return [index for index in range(self.pages)
                if self._word(index).value != index * 0x9E3779B97F4A7C15 & (1 << 64) - 1]

    def _beside(self):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        while self.phase.get() == 0:
            time.sleep(0.002)

    def nodes(self, indices=None):
        """The nodes of these pages, of all without; less than 0 is not in memory."""
        return move_pages(self.pid, [self.address(index) for index in
                                     (range(self.pages) if indices is None else indices)])

    def present(self):
        """The pages that are in memory."""
        with open(f"/proc/{self.pid}/pagemap", "rb") as pagemap:
            pagemap.seek(self.addr // PAGE * 8)
            entries = (ctypes.c_uint64 * self.pages).from_buffer_copy(
                pagemap.read(self.pages * 8))
        return {index for index, entry in enumerate(entries) if entry & PRESENT}

    def huge_pages(self):
        """KiB in huge pages."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(re.search(r"AnonHugePages:\s+(\d+)", text)[1])

    def end(self):
        """Its bytes must be what they were."""
        self.phase.set()
        self.other.result()
        assert self.child.result(120) == []


@contextmanager
def attached(dev, *args, **more):
    """An attached program for a while."""
    program = Program(*args, **more)
    try:
        number = dev.attach(program.pid)
        yield program
        dev.detach(number)
        program.end()
    finally:
        program.phase.set()


# --- the daemon -------------------------------------------------------------------------


class Daemon:
    """It runs until told to end; what it wrote is looked at then."""

    def __init__(self, *words, before=()):
        self.process = subprocess.Popen(
            [*before, DAEMON, "--json", "--verbose", "--interval", TICK, *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.ticks, self.said = [], ""
        assert wait_for(self._listens, 30)

    def _listens(self):
        """Whether it has begun: SIGTERM is caught."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"SigCgt:\s+(\w+)", text)[1], 16) >> signal.SIGTERM - 1 & 1

    def end(self, number=signal.SIGTERM):
        """Returns its exit code."""
        self.process.send_signal(number)
        out, self.said = self.process.communicate(timeout=60 * PATIENCE)
        self.ticks = [json.loads(line) for line in out.splitlines()]
        return self.process.returncode

    def sum(self, key):
        return sum(tick[key] for tick in self.ticks)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_exc):
        if self.process.poll() is None:
            code = self.end()
            assert kind or code == 0, self.said
        if kind:
            print(self.said[-2000:], self.ticks[-3:])


def once(*words, before=(), code=0):
    """One tick, whose line of JSON is returned."""
    done = subprocess.run([*before, DAEMON, "--once", "--json", *words], capture_output=True,
                          text=True, check=False, timeout=60 * PATIENCE)
    assert done.returncode == code, done
    return json.loads(done.stdout)


# --- room -------------------------------------------------------------------------------


def node_pages(node, what):
    text = Path(f"/sys/devices/system/node/node{node}/meminfo").read_text()
    return int(re.search(rf"{re.escape(what)}:\s+(\d+)", text)[1]) * 1024 // PAGE


@contextmanager
def filled(node, leave):
    """A process has so much of a node's memory that this part of it is free."""
    there, done = Reached(), Reached()
    pages = node_pages(node, "MemFree") + node_pages(node, "Inactive(file)") - \
        int(leave * node_pages(node, "MemTotal"))

    def body():
        mask = ctypes.c_ulong(1 << node)
        tw.check(tw.libc.syscall(SYS_SET_MEMPOLICY, MPOL_BIND, ctypes.byref(mask), 64))
        if pages > 0:
            tw.Mapping.map(-1, pages * PAGE, flags=tw.MAP_PRIVATE | tw.MAP_ANONYMOUS |
                           tw.MAP_POPULATE)
        there.set()
        done.wait(seconds=300)

    child = Child(body)
    try:
        there.wait(seconds=60)
        yield
    finally:
        done.set()
        child.result()


@pytest.fixture
def scanning(policy):
    """Scans in quick succession, and a headroom that no node lacks; nobody else moves pages."""
    before = BALANCING.read_text()
    BALANCING.write_text("0")
    policy(enabled=1, scan_min_ms=20, scan_max_ms=50, scan_permille=500, free_permille=1)
    yield policy
    BALANCING.write_text(before)


@pytest.fixture
def swap(dev, scanning):
    """The swap device is on; no node has room to spare, and the first one is short."""
    with tiers_of(dev, {CPU: 0, GPU: 0, NVME: 8000}), filled(FIRST, 0.4):
        done = tw_run("swap", "on", "--size", "24M")
        assert done.returncode == 0, done
        scanning(free_permille=499)
        try:
            yield
        finally:
            scanning(free_permille=1)
            assert tw_run("swap", "off", "--force").returncode == 0


def hot_half(pages):
    return range(0, pages, 2)


# --- between nodes ----------------------------------------------------------------------


@pytest.mark.usefixtures("scanning")
class TestNodes:
    """Between nodes of the memory tiers."""

    def test_hot_ones_go_to_the_cpu(self, dev):
        with attached(dev, 256, hot_half(256), SLOW) as program, Daemon() as daemon:
            assert wait_for(lambda: set(program.nodes(program.hot)) <= {FIRST, SECOND}, 30)
            cold = range(1, 256, 2)
            assert set(program.nodes(cold)) == {SLOW}
            assert daemon.end() == 0
            assert daemon.sum("promoted") >= 128
            assert daemon.sum("demoted") == daemon.sum("paged_out") == 0

    def test_cold_ones_leave_a_short_node(self, dev, scanning):
        with filled(FIRST, 0.3), attached(dev, 256, hot_half(256)) as program:
            scanning(free_permille=350)
            with Daemon() as daemon:
                cold = range(1, 256, 2)
                assert wait_for(lambda: FIRST not in program.nodes(cold), 30)
                time.sleep(0.5)
                assert set(program.nodes(program.hot)) == {FIRST}
                assert set(program.nodes(cold)) <= {SECOND, SLOW}
                assert daemon.end() == 0
                assert daemon.sum("demoted") >= 128 and daemon.sum("paged_out") == 0

    def test_huge_pages_move_whole(self, dev):
        with attached(dev, 2048, range(0, 2048, 512), SLOW, huge=True) as program:
            before = program.huge_pages()
            assert before >= 8192
            with Daemon() as daemon:
                assert wait_for(lambda: SLOW not in program.nodes(), 30)
                assert program.huge_pages() == before
                assert daemon.end() == 0
                assert daemon.sum("promoted") >= 2048

    def test_a_policy_is_honoured(self, dev):
        def bind(program):
            mask = ctypes.c_ulong(1 << SLOW)
            tw.check(tw.libc.syscall(SYS_MBIND, ctypes.c_void_p(program.addr),
                                     ctypes.c_ulong(128 * PAGE), MPOL_BIND, ctypes.byref(mask),
                                     ctypes.c_ulong(64), 0))
        with attached(dev, 256, range(256), SLOW, before=bind) as program, Daemon():
            assert wait_for(lambda: SLOW not in program.nodes(range(128, 256)), 30)
            time.sleep(0.5)
            assert set(program.nodes(range(128))) == {SLOW}

    def test_a_dry_run_moves_nothing(self, dev):
        with attached(dev, 64, range(64), SLOW) as program:
            line = wait_for(lambda: (line := once("--dry-run"))["moves"] and line, 30)
            addresses = {program.address(index) for index in range(64)}
            mine = [move for move in line["moves"] if move["address"] in addresses]
            assert mine and all(move["pid"] == program.pid and move["node"] == SLOW and
                                move["to"] == "node" and move["to_node"] in (FIRST, SECOND)
                                for move in mine)
            assert line["promoted"] == 0 and set(program.nodes()) == {SLOW}

    def test_a_rate_is_kept(self, dev):
        with attached(dev, 512, range(512), SLOW) as program:
            assert wait_for(lambda: len(once("--dry-run", "--rate", "100")["moves"]) > 50, 30)
            # A second's, and what passes until it looks.
            assert once("--rate", "100")["promoted"] <= 200
            assert program.nodes().count(SLOW) >= 312


# --- to swap ----------------------------------------------------------------------------


@pytest.mark.usefixtures("swap")
class TestSwap:
    """Where memory is short, and no other has room."""

    def test_cold_ones_are_paged_out(self, dev):
        with attached(dev, 1024, range(0, 1024, 8)) as program, Daemon() as daemon:
            hot = set(program.hot)
            assert wait_for(lambda: len(program.present() - hot) < 100, 60)
            assert daemon.end() == 0
            assert daemon.sum("paged_out") >= 700
            assert hot <= program.present()

    def test_locked_ones_stay(self, dev):
        def lock(program):
            tw.check(tw.libc.mlock(ctypes.c_void_p(program.addr), ctypes.c_size_t(256 * PAGE)))
        with attached(dev, 1024, (), before=lock) as program, Daemon() as daemon:
            assert wait_for(lambda: len(program.present()) < 300, 60)
            time.sleep(0.5)
            assert set(range(256)) <= program.present()
            assert daemon.end() == 0
            assert daemon.sum("refused") >= 1


# --- who may, and who comes and goes ------------------------------------------------------


@pytest.mark.usefixtures("scanning")
class TestPrograms:
    """Those that it may not touch, and those that end."""

    def test_another_user_s_without_the_right(self, dev):
        drop = ("setpriv", "--bounding-set=-sys_ptrace")
        with attached(dev, 64, range(64), SLOW, uid=NOBODY) as program:
            assert wait_for(lambda: once("--dry-run")["moves"], 30)
            with Daemon(before=drop) as daemon:
                time.sleep(1)
                assert daemon.end() == 0
            assert daemon.said.count("\n") == daemon.said.count("left alone") == 1, daemon.said
            assert "CAP_SYS_PTRACE" in daemon.said
            assert daemon.sum("promoted") == 0 and set(program.nodes()) == {SLOW}

    def test_another_user_s_with_the_right(self, dev):
        keep = ("setpriv", "--bounding-set=-all,+sys_ptrace,+sys_nice,+sys_admin,+dac_read_search,"
                "+sys_resource")
        with attached(dev, 64, range(64), SLOW, uid=NOBODY) as program, Daemon(before=keep):
            assert wait_for(lambda: SLOW not in program.nodes(), 30)

    def test_killed(self, dev):
        with attached(dev, 256, range(256), SLOW) as program:
            with Daemon("--rate", "200") as daemon:
                assert wait_for(lambda: SLOW in program.nodes() and FIRST in program.nodes() or
                                SECOND in program.nodes(), 30)
                assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
            where = program.nodes()
            time.sleep(0.5)
            assert program.nodes() == where

    def test_a_program_ends(self, dev):
        with Daemon() as daemon:
            program = Program(256, range(256), SLOW)
            dev.attach(program.pid)
            assert wait_for(lambda: SLOW not in program.nodes(range(8)), 30)
            program.child.kill()
            assert program.child.wait() == -signal.SIGKILL
            program.phase.set()
            program.other.result()
            with attached(dev, 64, range(64), SLOW) as second:
                assert wait_for(lambda: SLOW not in second.nodes(), 30)
            assert daemon.end() == 0
            assert "left alone" not in daemon.said

    def test_none(self):
        line = once()
        assert line["programs"] == 0 and line["promoted"] == 0


def test_without_scans(dev, policy):
    """Without heat nothing can be decided, and it says what to do."""
    policy(enabled=0)
    with attached(dev, 16, (), SLOW) as program, Daemon() as daemon:
        time.sleep(0.5)
        assert daemon.end() == 0
        assert daemon.said.count("tw policy set enabled=on") == 1
        assert set(program.nodes()) == {SLOW}


@pytest.mark.parametrize("words, code, said", [
    (("--device", "/nowhere"), NO_DEVICE, "modprobe tier_watch"),
    (("--interval", "1"), None, None),
    (("--interval", "0"), USAGE, "no time"),
    (("--rate", "0"), USAGE, "no number"),
    (("extra",), USAGE, "no such option"),
    (("--nothing",), USAGE, "unrecognized option"),
    (("--conf", "/nowhere") * 5, USAGE, "a file too many"),
])
def test_arguments(words, code, said):
    if code is None:
        assert once(*words)["tick"] == 1
        return
    done = subprocess.run([DAEMON, "--once", *words], capture_output=True, text=True, check=False,
                          timeout=60)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_the_driver_can_be_unloaded():
    """The daemon does not keep the device open."""
    def held():
        found = set()
        for path in Path(f"/proc/{daemon.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                found.add(os.readlink(path))
        return found

    with Daemon("--interval", "1s") as daemon:
        assert wait_for(lambda: "/proc/kpageflags" in held(), 10)
        assert wait_for(lambda: tw.TW_DEVICE not in held(), 10)


# --- cgroups that come later ----------------------------------------------------------------


NONE = tw.TW_NO_LIMIT


def pattern(conf, *sections):
    """A file that has these patterns and how many pages of the CPU tier they give."""
    conf.write_text("".join(f"[agent {path}]\ncpu = {pages * PAGE}\n" for path, pages in sections))


def cpu_limit(dev, group):
    return dev.group_limits(group if isinstance(group, str) else group.name).pages[CPU]


class TestPatterns:
    """[agent PATTERN] of tierwatch.conf holds for cgroups that come."""

    def test_come_and_go(self, dev, make, tmp_path):
        """One that comes is limited by the most specific pattern; its end lifts that."""
        conf = tmp_path / "tierwatch.conf"
        with Cgroup() as top, Cgroup(top) as before, Daemon("--conf", conf) as daemon:
            pattern(conf, (f"{top.name}/*", 64), (f"{top.name}/*/*", 32))
            assert wait_for(lambda: cpu_limit(dev, before) == 64, 30)
            with Cgroup(top) as later, Cgroup(later) as below:
                assert wait_for(lambda: cpu_limit(dev, later) == 64, 30)
                assert wait_for(lambda: cpu_limit(dev, below) == 32, 30)
                assert cpu_limit(dev, top) == NONE
                with below.inside():
                    region, mapping = make(128, touched=128)
                    assert wait_for(lambda: region.info().pages[CPU] <= 32, 30)
                names = [later.name, below.name]
            # Limits of what is gone hold as long as it has pages.
            with Cgroup(top) as other:
                assert wait_for(lambda: cpu_limit(dev, other) == 64, 30)
            assert [cpu_limit(dev, name) for name in names] == [64, 32]
            mapping.unmap()
            region.close()
            assert wait_for(lambda: [cpu_limit(dev, name) for name in names] == [NONE] * 2, 30)
            assert cpu_limit(dev, before) == 64
            # A cgroup that is named by itself is left alone.
            conf.write_text(f"{conf.read_text()}[cgroup {before.name}]\ncpu = {PAGE}\n")
            dev.group_limits(before.name, [NONE, 5, NONE, NONE, NONE])
            with Cgroup(top) as third:
                assert wait_for(lambda: cpu_limit(dev, third) == 64, 30)
            assert wait_for(lambda: cpu_limit(dev, third) == NONE, 30)
            assert cpu_limit(dev, before) == 5
            assert daemon.end() == 0
            dev.group_limits(before.name, [NONE] * 5)
            assert dev.groups() == []
        assert f"{conf}:3" in daemon.said and "Mend" not in daemon.said

    def test_a_file_that_is_wrong(self, dev, tmp_path):
        """It is told with its line; what was right before goes on, until it is mended."""
        conf = tmp_path / "tierwatch.conf"
        with Cgroup() as top, Daemon("--conf", conf) as daemon:
            pattern(conf, (f"{top.name}/*", 64))
            with Cgroup(top) as first:
                assert wait_for(lambda: cpu_limit(dev, first) == 64, 30)
                conf.write_text(f"\n[agent {top.name}/*]\ncpu = much\n")
                with Cgroup(top) as second:
                    assert wait_for(lambda: cpu_limit(dev, second) == 64, 30)
                pattern(conf, (f"{top.name}/tw-*", 16))
                assert wait_for(lambda: cpu_limit(dev, first) == 16, 30)
                name = first.name
            assert wait_for(lambda: cpu_limit(dev, name) == NONE, 30)
            assert daemon.end() == 0
        assert f"{conf}:3: cpu is a size" in daemon.said and "Mend the file" in daemon.said

    def test_a_new_daemon_goes_on(self, dev, tmp_path):
        """What one had set, and then went while none ran, the next one lifts."""
        conf = tmp_path / "tierwatch.conf"
        with Cgroup() as top, Cgroup(top) as group:
            pattern(conf, (f"{top.name}/*", 64))
            assert once("--conf", conf, "--dry-run")["tick"] == 1
            assert cpu_limit(dev, group) == NONE
            assert once("--conf", conf)["tick"] == 1
            assert cpu_limit(dev, group) == 64
            group.path.rmdir()
            assert once("--conf", conf)["tick"] == 1
            assert cpu_limit(dev, group) == NONE
            group.path.mkdir()

    def test_several_files(self, dev, tmp_path):
        """They are one; the second is not there at first."""
        files = [tmp_path / "a.conf", tmp_path / "b.conf"]
        with Cgroup() as top, Cgroup(top) as group:
            with Daemon("--conf", files[0], "--conf", files[1]) as daemon:
                pattern(files[0], (f"{top.name}/*", 64))
                assert wait_for(lambda: cpu_limit(dev, group) == 64, 30)
                pattern(files[1], (group.name, 8))
                assert wait_for(lambda: cpu_limit(dev, group) == 8, 30)
                assert daemon.end() == 0
            dev.group_limits(group.name, [NONE] * 5)

    def test_without_the_right(self, dev, tmp_path):
        """It says so once, and sets nothing."""
        conf = tmp_path / "tierwatch.conf"
        with Cgroup() as top, Cgroup(top) as group:
            pattern(conf, (f"{top.name}/*", 64))
            with Daemon("--conf", conf, before=("setpriv", "--bounding-set=-sys_resource")) as one:
                time.sleep(0.5)
                assert one.end() == 0
            assert one.said.count("CAP_SYS_RESOURCE") == 2, one.said
            assert cpu_limit(dev, group) == NONE
