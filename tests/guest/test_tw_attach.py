# SPDX-License-Identifier: GPL-2.0
"""tw attach and tw detach: which programs, what is shown of them, what is refused."""

import errno
import mmap
import os
import sys
import tempfile
from contextlib import contextmanager
from copy import copy
from pathlib import Path

import pytest

from command import FAILED, NO_PERMISSION, USAGE, tw_json, tw_refused, tw_run, tw_text
from support import NOBODY, Cgroup, Child, Reached, errno_of, wait_for
from tw import CPU, PAGE

pytestmark = pytest.mark.once

PAGES = 500
# What the kernel's counters of a process's memory may be behind.
SLACK = 200


class Program:
    """A program that has touched some memory and waits."""

    def __init__(self, group: Cgroup | None = None, **who):
        self.there, self.enough = Reached(), Reached()
        self.child = Child(self._body, group, **who)
        self.pid = self.child.pid
        self.there.wait()
        self.name = Path(f"/proc/{self.pid}/comm").read_text().strip()

    def _body(self, group):
        if group:
            group.enter()
        memory = mmap.mmap(-1, PAGES * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for index in range(PAGES):
            memory[index * PAGE] = 1
        self.there.set()
        self.enough.wait(seconds=120)

    @property
    def text(self) -> str:
        return f"process {self.pid} {self.name}"

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.enough.set()
        self.child.result()


@pytest.fixture(autouse=True)
def nothing_attached(dev):
    """Before and after: attachments end by themselves with their programs."""
    assert dev.attachments() == []
    yield
    assert wait_for(lambda: dev.attachments() == [], 10)


def pids(dev) -> set[int]:
    return {one.pid for one in dev.attachments()}


class TestProcess:
    def test_on_and_off(self, dev):
        with Program() as one, Program() as two:
            said = tw_text("attach", one.pid, two.pid)
            first, second = dev.attachments()
            assert {first.pid, second.pid} == {one.pid, two.pid}
            assert said == "".join(f"{program.text}: attached, id {attachment.id}\n" for
                                   program, attachment in ((one, first), (two, second)))
            assert tw_text("attach", one.pid) == \
                f"{one.text}: already attached, id {first.id}\n"
            assert tw_text("detach", one.pid) == f"{one.text}: detached\n"
            assert pids(dev) == {two.pid}
            assert "is not attached" in tw_refused(FAILED, "", "detach", two.pid, one.pid)
            assert pids(dev) == {two.pid}
            assert tw_text("detach", "--id", second.id) == f"{two.text}: detached\n"
            assert tw_text("detach", "--all") == ""

    def test_none_is_there(self, dev):
        """One that can't be attached does not keep the others from it."""
        with Program() as one:
            said = tw_refused_of_two(2, one)
            assert "there is no such process, or it has no memory of its own" in said
            assert pids(dev) == {one.pid}
            tw_text("detach", "--all")

    def test_it_ends(self, dev):
        """So does the attachment, and it is no error that it has."""
        with Program() as one:
            tw_text("attach", one.pid)
            (attachment,) = dev.attachments()
        assert wait_for(lambda: errno_of(dev.attached, attachment.id) == errno.ENOENT, 10)
        tw_refused(FAILED, "is not attached", "detach", "--id", attachment.id)


def tw_refused_of_two(wrong, program) -> str:
    """What is said of a process that can't be attached, before one that can."""
    done = tw_run("attach", wrong, program.pid)
    assert done.returncode == FAILED and f"{program.text}: attached" in done.stdout, done
    return done.stderr


class TestCgroup:
    @contextmanager
    def groups(self):
        """A cgroup and one below it."""
        with Cgroup() as top:
            below = copy(top)
            below.path = top.path / "below"
            below.path.mkdir()
            with below:
                yield top, below

    def test_all_below(self, dev):
        with self.groups() as (top, below), Program(top) as one, Program(below) as two, \
                Program():
            said = tw_text("attach", "--cgroup", top.name)
            assert pids(dev) == {one.pid, two.pid}
            assert {line.partition(":")[0] for line in said.splitlines()} == {one.text, two.text}
            tw_text("detach", "--cgroup", f"/sys/fs/cgroup{below.name}/")
            assert pids(dev) == {one.pid}
            tw_text("detach", "--cgroup", top.name)
            assert pids(dev) == set()

    def test_root(self, dev):
        """It has threads of the kernel, which are no error."""
        with Program() as one:
            tw_text("attach", "--cgroup", "/")
            assert {one.pid, os.getpid()} <= pids(dev)
            tw_text("detach", "--all")

    def test_none(self):
        with Cgroup() as empty:
            tw_refused(FAILED, "has no processes with memory", "attach", "--cgroup", empty.name)
            assert tw_text("detach", "--cgroup", empty.name) == ""
        tw_refused(FAILED, "there is no cgroup", "attach", "--cgroup", empty.name)
        tw_refused(FAILED, "there is no cgroup", "detach", "--cgroup", empty.name)


class TestShown:
    def test_before_a_scan(self):
        assert "Nothing is attached that you may see." in tw_text("attach")
        with Program() as one:
            tw_text("attach", one.pid)
            text = tw_text("attach")
            assert "not scanned yet" in text and "Automatic migration is off" in text
            document = tw_json("attach")
            assert document["scanning"] is False and document["page_size"] == PAGE
            (shown,) = document["attachments"]
            assert (shown["pid"], shown["program"], shown["scans"]) == (one.pid, one.name, 0)
            tw_text("detach", one.pid)

    def test_scanned(self, dev, policy):
        """The figures are the driver's."""
        policy(enabled=1, scan_min_ms=20, scan_max_ms=50, scan_permille=500)
        with Program() as one:
            assert tw_json("attach", one.pid)["scanning"] is True
            (attachment,) = dev.attachments()
            assert wait_for(lambda: dev.attached(attachment.id).scans > 2, 30)
            policy(enabled=0)
            known = dev.attached(attachment.id)
            assert known.pages[CPU] >= PAGES
            text = tw_text("attach")
            assert f"{known.id:6} {one.pid:8} {one.name:15}" in text
            (shown,) = tw_json("attach")["attachments"]
            assert shown.pop("file") > 0 and shown.pop("shared") >= 0
            assert shown == {
                "id": known.id, "pid": one.pid, "program": one.name,
                "pages": dict(zip(("gpu", "cpu", "nvme", "ssd", "hdd"), known.pages)),
                "elsewhere": known.elsewhere, "swapped": known.swapped,
                "record_bytes": known.record_bytes, "scans": known.scans, "blind": False,
                "partly": False}
            tw_text("detach", one.pid)

    def test_files_and_shared_memory(self, dev):
        """They are counted apart, as the kernel has them, and are none of what is watched."""
        def shown():
            (one,) = tw_json("attach", program.pid)["attachments"]
            return one["file"], one["shared"]

        def count():
            """The kernel adds up what a thread has mapped after some of its faults."""
            more = mmap.mmap(-1, PAGES * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            for index in range(PAGES):
                more[index * PAGE] = 1
            more.close()

        def body():
            with tempfile.NamedTemporaryFile(dir="/dev/shm") as file, open(sys.executable,
                                                                           "rb") as binary:
                file.truncate(PAGES * PAGE)
                memory = mmap.mmap(file.fileno(), PAGES * PAGE)
                for index in range(PAGES):
                    memory[index * PAGE] = 1
                count()
                text = mmap.mmap(binary.fileno(), 0, prot=mmap.PROT_READ)
                step.wait(1)
                assert sum(text[index * PAGE] for index in range(PAGES))
                count()
                reached.set(1)
                step.wait(2)
                memory.close()
                count()
                reached.set(2)
                step.wait(3)

        step, reached = Reached(), Reached()
        program = Child(body)
        assert wait_for(lambda: shown()[1] >= PAGES, 20)
        file, shared = shown()
        step.set(1)
        reached.wait(1)
        assert wait_for(lambda: shown()[0] >= file + PAGES - SLACK, 5), (file, shown())
        assert abs(shown()[1] - shared) < SLACK
        step.set(2)
        reached.wait(2)
        assert wait_for(lambda: shown()[1] <= shared - PAGES + SLACK, 5), (shared, shown())
        step.set(3)
        program.result()


class TestWho:
    def test_another_user(self, dev):
        with Program() as one:
            tw_refused(NO_PERMISSION, f"{one.text}, of user root: attaching it needs "
                       "CAP_SYS_PTRACE", "attach", one.pid, uid=NOBODY)
            tw_text("attach", one.pid)
            assert "Nothing is attached that you may see." in tw_text("attach", uid=NOBODY)
            tw_refused(FAILED, "you may not see it", "detach", one.pid, uid=NOBODY)
            assert tw_text("detach", "--all", uid=NOBODY) == ""
            assert pids(dev) == {one.pid}
            tw_text("detach", one.pid)

    def test_outside_of_the_group(self):
        tw_refused(NO_PERMISSION, "tierwatch", "attach", uid=NOBODY, member=False)


@pytest.mark.parametrize("words", [
    ("attach", "x"), ("attach", "0"), ("attach", "--cgroup", "x"),
    ("attach", "--cgroup", "/", 1), ("detach",), ("detach", "--id"), ("detach", "--all", 1)])
def test_usage(words):
    tw_refused(USAGE, "", *words)
