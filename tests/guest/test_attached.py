# SPDX-License-Identifier: GPL-2.0
"""Attached programs: the temperature of memory that the kernel places."""

import ctypes
import errno
import mmap
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import tw
from support import (NOBODY, Cgroup, Child, Reached, bind, device_gid, errno_of,
                     in_pid_namespace, run_child, run_user, tiers_of, wait_for)
from test_permissions import CAP_PERFMON, CAP_SYS_PTRACE, CLONE_NEWUSER, with_caps
from test_swap import swapping
from tw import CPU, GPU, NVME, PAGE

pytestmark = [pytest.mark.usefixtures("scanning"), pytest.mark.forked]

MIB = 1 << 20
HUGE = 2 * MIB
PAGEMAP_PRESENT = 1 << 63
SYS_MOVE_PAGES = 279
PARAMETERS = Path("/sys/module/tier_watch/parameters")


@pytest.fixture
def scanning(policy):
    """Scans in quick succession, which move nothing of their own."""
    policy(enabled=1, scan_min_ms=20, scan_max_ms=50, scan_permille=500)


class Program:
    """A program that touches some of its pages until told to stop.

    A second one sleeps and wakes on the same CPU: an accessed bit is set again only when
    the CPU has forgotten the mapping, as it does when it goes to another process.
    """

    def __init__(self, pages, hot, huge=False, group=None, pause=0.002):
        self.pages, self.hot, self.group, self.pause = pages, list(hot), group, pause
        self.length = max(pages * PAGE, HUGE if huge else 0)
        # Page tables are the program's own from the start: made before it is forked, the
        # mapping has the same address in both.
        raw = tw.libc.mmap(None, self.length + HUGE, mmap.PROT_READ | mmap.PROT_WRITE,
                           mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        self.addr = (raw + HUGE - 1) & ~(HUGE - 1)
        advice = mmap.MADV_HUGEPAGE if huge else mmap.MADV_NOHUGEPAGE
        assert tw.libc.madvise(self.addr, self.length, advice) == 0
        self.raw = raw
        self.phase, self.done = Reached(), Reached()

    def _touch(self, index):
        return ctypes.c_uint32.from_address(self.addr + index * PAGE)

    def run(self):
        if self.group:
            self.group.enter()
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        for index in range(self.pages):
            # ctypes reads before it writes, and a huge page that is read first is one of
            # zeros, which is split when it is written to.
            ctypes.memset(self.addr + index * PAGE, 1, 1)
            self._touch(index).value = index + 1
        self.done.set(1)
        while self.phase.get() == 0:
            for index in self.hot:
                if self._touch(index).value != index + 1:
                    return index
            time.sleep(self.pause)
        for index in range(self.pages):
            if self._touch(index).value != index + 1:
                return index
        return None

    def beside(self):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        while self.phase.get() == 0:
            time.sleep(0.002)

    def __enter__(self):
        self.child = Child(self.run)
        self.other = Child(self.beside)
        self.pid = self.child.pid
        self.done.wait()
        return self

    def __exit__(self, kind, *_exc):
        self.phase.set()
        self.other.result()
        if self.child.alive() or self.child.status is None:
            wrong = self.child.result()
            assert kind or wrong is None, f"page {wrong} has other bytes"
        tw.libc.munmap(self.raw, self.length + HUGE)

    def number(self, attachment, index=0):
        return tw.TW_PAGE_STABLE | (attachment & tw.TW_PAGE_OWNERS) << tw.TW_PAGE_INDEX_BITS | \
            ((self.addr >> 12) + index)

    def numbers(self, attachment):
        return [self.number(attachment, index) for index in range(self.pages)]

    def present(self):
        """Which pages are in memory."""
        with open(f"/proc/{self.pid}/pagemap", "rb") as pagemap:
            pagemap.seek((self.addr >> 12) * 8)
            entries = (ctypes.c_uint64 * self.pages).from_buffer_copy(
                pagemap.read(self.pages * 8))
        return {index for index, entry in enumerate(entries) if entry & PAGEMAP_PRESENT}


@contextmanager
def attached(dev, pid=0):
    """An attachment for a while."""
    one = dev.attach(pid)
    try:
        yield one
    finally:
        if errno_of(dev.attached, one) == 0:
            dev.detach(one)


def scans(dev, attachment, count):
    """Wait for so many scans of it."""
    last = dev.attached(attachment).scans + count
    assert wait_for(lambda: dev.attached(attachment).scans >= last, 30)


def hot(dev, program, attachment):
    """Its hot pages."""
    return {index for index, page in enumerate(infos(dev, program, attachment))
            if page.temperature == tw.TW_CLASS_HOT}


def infos(dev, program, attachment):
    """What is known of its pages."""
    numbers = program.numbers(attachment)
    return [page for at in range(0, len(numbers), 256)
            for page in dev.page_info(numbers[at:at + 256])]


def test_exactly_the_hot_pages_are_hot(dev):
    chosen = set(range(3, 1500, 23))
    with Program(1500, chosen) as program, attached(dev, program.pid) as one:
        assert wait_for(lambda: hot(dev, program, one) == chosen, 60), \
            sorted(hot(dev, program, one) ^ chosen)
        pages = infos(dev, program, one)
        assert {page.flags for page in pages} == {tw.TW_PAGE_ATTACHED}
        assert {page.tier for page in pages} == {CPU}
        assert {page.owner for page in pages} == {one} and len({page.pfn for page in pages}) == 1500
        info = dev.attached(one)
        assert info.pid == program.pid and info.state == 0
        assert info.pages[CPU] >= 1500 and info.swapped == info.elsewhere == 0
        assert 0 < info.record_bytes <= 64 * (info.pages[CPU] + 40 * 512)


def test_a_huge_page_is_hot_as_one(dev):
    with Program(1024, [700], huge=True) as program, attached(dev, program.pid) as one:
        smaps = Path(f"/proc/{program.pid}/smaps").read_text()
        assert re.search(rf"^AnonHugePages: *{2 * HUGE // 1024} kB", smaps, re.M)
        assert wait_for(lambda: hot(dev, program, one) == set(range(512, 1024)), 20), \
            [(index, page.tier, page.heat, page.age) for index, page in
             enumerate(infos(dev, program, one)) if index % 64 == 60]
        pages = infos(dev, program, one)
        assert [page.pfn - pages[512].pfn for page in pages[512:]] == list(range(512))


def test_it_is_left_where_it_is(dev, stats):
    """Nothing of the driver's moves, limits or counts these pages."""
    with Program(64, range(64)) as program, attached(dev, program.pid) as one, \
            tiers_of(dev, {CPU: 4096, NVME: 4096}):
        scans(dev, one, 2)
        before = [(page.tier, page.pfn) for page in infos(dev, program, one)]
        used = stats.used()
        moves = dev.migrate(program.numbers(one), NVME, CPU)
        assert set(moves.status) == {-errno.EOPNOTSUPP} and moves.moved == 0
        assert errno_of(dev.request, [tw.Request(
            page=program.number(one), from_tier=tw.NONE, to_tier=NVME)]) == errno.EOPNOTSUPP
        assert dev.agent_migrate(None, NVME).failed == 0
        scans(dev, one, 2)
        assert [(page.tier, page.pfn) for page in infos(dev, program, one)] == before
        assert stats.used() == used


def test_unbinding_does_not_wait_for_it(dev):
    with Program(64, range(64)) as program, attached(dev, program.pid) as one:
        assert wait_for(lambda: dev.attached(one).pages[CPU] >= 64, 20)
        with tiers_of(dev, {}):     # the last memory tier, too
            assert wait_for(lambda: dev.attached(one).pages[CPU] == 0, 20)
            assert dev.attached(one).elsewhere >= 64
        assert wait_for(lambda: dev.attached(one).pages[CPU] >= 64, 20)


def test_candidates(dev):
    chosen = set(range(0, 600, 50))
    with Program(600, chosen) as program, attached(dev, program.pid) as one, \
            tiers_of(dev, {GPU: 1024, CPU: 4096, NVME: 4096}):
        assert wait_for(lambda: hot(dev, program, one) == chosen, 60)
        cold = dev.candidates(CPU, NVME, 256, flags=tw.TW_CANDIDATES_ATTACHED)
        assert cold and {page.from_tier for page in cold} == {CPU}
        numbers = {page.page for page in cold}
        assert not numbers & {program.number(one, index) for index in chosen}
        owner = program.number(one) >> tw.TW_PAGE_INDEX_BITS
        assert {number >> tw.TW_PAGE_INDEX_BITS for number in numbers} == {owner}
        assert dev.candidates(CPU, NVME, 256) == []
        assert errno_of(dev.candidates, CPU, NVME, 1, flags=2) == errno.EINVAL


def test_what_is_unmapped_is_gone(dev):
    def work(ready, go):
        memory = mmap.mmap(-1, 8 * MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory[:] = b"x" * (8 * MIB)
        ready.set()
        go.wait()
        memory.close()
        ready.set(2)
        go.wait(2)

    ready, go = Reached(), Reached()
    child = Child(work, ready, go)
    ready.wait()
    with attached(dev, child.pid) as one:
        assert wait_for(lambda: dev.attached(one).pages[CPU] >= 2048, 20)
        scans(dev, one, 4)      # what else the program has is found by then
        before = dev.attached(one).pages[CPU]
        go.set()
        ready.wait(2)
        assert wait_for(lambda: dev.attached(one).pages[CPU] <= before - 2048, 40)
        go.set(2)
        child.result()


def test_what_is_swapped_out_is_told(dev):
    with tiers_of(dev, {CPU: 4096, NVME: 8192}), Cgroup() as group, swapping(dev, 4096):
        with Program(1024, [], group=group) as program, attached(dev, program.pid) as one:
            assert wait_for(lambda: dev.attached(one).pages[CPU] >= 1024, 20)
            assert errno_of(group.write, "memory.reclaim", str(8 * MIB)) in (0, errno.EAGAIN)
            gone = 1024 - len(program.present())
            assert gone > 512
            assert wait_for(lambda: dev.attached(one).swapped >= gone, 40)

            def absent():
                there = program.present()
                return [page for index, page in enumerate(infos(dev, program, one))
                        if index not in there]

            assert wait_for(lambda: {page.tier for page in absent()} == {NVME}, 40)
            assert {(page.flags, page.node, page.pfn) for page in absent()} == \
                {(tw.TW_PAGE_ATTACHED, -1, 0)}
            info = dev.attached(one)
            assert info.pages[NVME] == info.swapped and info.pages[CPU] > 0


def test_reclaim_does_not_take_touched_pages_for_cold(dev):
    """The scans clear the bits that reclaim goes by, and leave the page what they said.

    There are several scans from touch to touch, so that when reclaim comes the bits are
    mostly clear.  Without scans some 40 of the 512 pages are taken and come back.
    """
    chosen = range(0, 4096, 8)
    with tiers_of(dev, {CPU: 4096, NVME: 16384}), Cgroup() as group, swapping(dev, 8192):
        with Program(4096, chosen, group=group, pause=0.2) as program, \
                attached(dev, program.pid) as one:
            scans(dev, one, 20)
            for _ in range(16):
                time.sleep(0.3)
                errno_of(group.write, "memory.reclaim", str(512 * 1024))
            assert len(program.present()) < 3072
            assert group.events("memory.stat")["workingset_refault_anon"] <= 128


def test_nodes_are_their_tiers(dev):
    with tiers_of(dev, {CPU: 4096, GPU: 4096}):
        node = dev.tier_info(GPU).nodes
        nid = node.bit_length() - 1
        with Program(256, range(64)) as program, attached(dev, program.pid) as one:
            scans(dev, one, 2)
            pages = (ctypes.c_void_p * 128)(*[program.addr + i * PAGE for i in range(128)])
            nodes = (ctypes.c_int * 128)(*[nid] * 128)
            status = (ctypes.c_int * 128)()
            assert tw.libc.syscall(SYS_MOVE_PAGES, program.pid, ctypes.c_ulong(128), pages,
                                   nodes, status, 2) == 0, list(status)
            assert wait_for(lambda: [page.tier for page in infos(dev, program, one)] ==
                            [GPU] * 128 + [CPU] * 128, 40)
            assert {page.node for page in infos(dev, program, one)[:128]} == {nid}
            assert dev.attached(one).pages[GPU] == 128
            up = dev.candidates(GPU, CPU, 128, flags=tw.TW_CANDIDATES_ATTACHED)
            assert {page.page for page in up} <= set(program.numbers(one)[:64])
            dev.unbind(GPU)
            assert wait_for(lambda: dev.attached(one).elsewhere == 128, 40)
            assert dev.attached(one).pages[GPU] == 0
            assert infos(dev, program, one)[0].tier == tw.NONE
            bind(dev, GPU, 4096)
            assert wait_for(lambda: dev.attached(one).pages[GPU] == 128, 40)


# -- its life ----------------------------------------------------------------------------


def test_it_ends_with_the_program(dev):
    with Program(64, range(64)) as program:
        one = dev.attach(program.pid)
        assert [entry.id for entry in dev.attachments()] == [one]
        os.kill(program.pid, signal.SIGKILL)
        program.child.wait()
        assert wait_for(lambda: dev.attachments() == [], 20)
        assert errno_of(dev.attached, one) == errno_of(dev.detach, one) == errno.ENOENT
        assert {page.status for page in infos(dev, program, one)} == {-errno.ENOENT}


def test_it_ends_with_execve(dev):
    ready, go = Reached(), Reached()

    def work():
        ready.set()
        go.wait()
        os.execv("/bin/sleep", ["sleep", "30"])

    child = Child(work)
    ready.wait()
    one = dev.attach(child.pid)
    go.set()
    assert wait_for(lambda: errno_of(dev.attached, one) == errno.ENOENT, 20)
    other = dev.attach(child.pid)
    assert other != one
    child.kill()
    child.wait()
    assert wait_for(lambda: errno_of(dev.attached, other) == errno.ENOENT, 20)


def test_detaching(dev):
    with Program(64, range(64)) as program:
        one = dev.attach(program.pid)
        with pytest.raises(FileExistsError):
            dev.attach(program.pid)
        dev.detach(one)
        assert errno_of(dev.attached, one) == errno_of(dev.detach, one) == errno.ENOENT
        two = dev.attach(program.pid)
        assert two > one
        scans(dev, two, 1)
        dev.detach(two)


def test_children_are_not_attached(dev):
    with attached(dev) as one:
        assert run_child(lambda: [entry.id for entry in dev.attachments()]) == [one]
        assert run_child(lambda: errno_of(dev.attach)) == 0    # memory of its own
        assert wait_for(lambda: len(dev.attachments()) == 1, 20)


def test_many_come_and_go(dev):
    """Attached, detached and killed while all of them are scanned."""
    go = Reached()

    def work():
        memory = mmap.mmap(-1, MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        while not go.get():
            memory[:] = b"y" * MIB
            memory.madvise(mmap.MADV_DONTNEED)
            time.sleep(0.001)

    children = [Child(work) for _ in range(8)]
    for turn in range(12):
        ids = [dev.attach(child.pid) for child in children]
        scans(dev, ids[turn % 8], 1)
        for one in ids[turn % 2::2]:
            dev.detach(one)
        for one in ids[1 - turn % 2::2]:
            dev.detach(one)
    for child in children:
        dev.attach(child.pid)
    for child in children[::2]:
        child.kill()
        child.wait()
    go.set()
    for child in children[1::2]:
        child.result()
    assert wait_for(lambda: dev.attachments() == [], 20)


# -- refusals ----------------------------------------------------------------------------


def test_no_such_process(dev):
    assert errno_of(dev.attach, 2) == errno.ESRCH         # a kernel thread
    assert errno_of(dev.attach, (1 << 22) - 1) == errno.ESRCH
    assert errno_of(dev.attach, -1) == errno.EINVAL
    gone = Child(lambda: None)
    gone.result()
    assert errno_of(dev.attach, gone.pid) == errno.ESRCH
    assert dev.attachments() == []


def test_strangers(dev):
    """Another user's memory is not to be attached, seen, listed or detached."""
    with Program(64, range(64)) as program, attached(dev, program.pid) as one:
        scans(dev, one, 1)
        number = program.number(one)

        def stranger():
            assert errno_of(dev.attach, program.pid) == errno.EPERM
            assert errno_of(dev.attach, 1) == errno.EPERM
            assert errno_of(dev.attached, one) == errno.ENOENT
            assert errno_of(dev.detach, one) == errno.ENOENT
            assert dev.attachments() == []
            assert dev.page_info([number])[0].status == -errno.ENOENT
            assert dev.candidates(CPU, NVME, 16, flags=tw.TW_CANDIDATES_ATTACHED) == []
            with attached(dev) as own:
                return dev.attached(own).pid == os.getpid()

        assert run_user(stranger)
        assert [entry.id for entry in dev.attachments()] == [one]


def test_the_right_alone(dev):
    """CAP_SYS_PTRACE is enough for everybody's programs, and tells no frames."""
    with Program(64, range(64)) as program:
        def work():
            with attached(dev, program.pid) as one:
                scans(dev, one, 2)
                page = dev.page_info([program.number(one)])[0]
                return page.tier, page.pfn, dev.attached(one).pid

        assert with_caps(work, CAP_SYS_PTRACE) == (CPU, 0, program.pid)
        assert with_caps(lambda: errno_of(dev.attach, program.pid), CAP_PERFMON) == errno.EPERM


def test_root_of_a_user_namespace(dev):
    """It attaches what was started in there, nothing outside."""
    with Program(64, range(64)) as program, attached(dev, program.pid) as one:
        def inside():
            tw.check(tw.libc.unshare(CLONE_NEWUSER))
            refusals = [errno_of(dev.attach, program.pid), errno_of(dev.attached, one)]
            with subprocess.Popen(["sleep", "60"]) as sleeper:
                comm = Path(f"/proc/{sleeper.pid}/comm")
                assert wait_for(lambda: comm.read_text() == "sleep\n")
                with attached(dev, sleeper.pid) as other:
                    pids = [entry.pid for entry in dev.attachments()]
                    assert dev.attached(other).pid == sleeper.pid
                sleeper.kill()
            return refusals, pids == [sleeper.pid]

        assert run_user(inside) == ([errno.EPERM, errno.ENOENT], True)


def test_pids_are_the_caller_s(dev):
    """In a pid namespace processes have other numbers, and those outside have none."""
    with Program(8, range(8)) as program, attached(dev, program.pid) as one:
        assert in_pid_namespace(lambda: dev.attached(one).pid) == 0
        assert in_pid_namespace(lambda: errno_of(dev.attach, program.pid)) in (errno.ESRCH, 0)


def test_too_few_records(dev):
    """What there are no records for is not watched, and that is told."""
    parameter = PARAMETERS / "max_user_record_mib"
    before = parameter.read_text()

    def work():
        memory = mmap.mmap(-1, 320 * MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for at in range(0, 320 * MIB, HUGE):
            memory[at] = 1
        with attached(dev) as one:
            ready.set()
            assert wait_for(lambda: dev.attached(one).state == tw.TW_ATTACHED_PARTLY, 20)
            scans(dev, one, 2)
            assert dev.attached(one).record_bytes <= MIB
            ready.set(2)
            assert wait_for(lambda: dev.attached(one).state == 0, 20)
            assert wait_for(lambda: dev.attached(one).pages[CPU] >= 160, 20)

    ready = Reached()
    try:
        parameter.write_text("1")
        child = Child(work, uid=NOBODY, gid=device_gid())
        ready.wait(2, 60)
        parameter.write_text(before)
        child.result()
    finally:
        parameter.write_text(before)
