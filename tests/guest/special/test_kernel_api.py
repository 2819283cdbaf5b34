# topology: unthrottled --turns
# SPDX-License-Identifier: GPL-2.0
"""The API for kernel modules: its own tests, and stand-ins for the modules that use it."""

import errno
import os
import re
import subprocess
from pathlib import Path

import pytest

import tw
from support import REPO, Layout, errno_of, fill, tiers_of, wait_for, wrong
from tw import CPU, GPU, NVME, PAGE, SSD

BUILD = REPO / "build" / os.uname().release
SYS_DELETE_MODULE, SYS_FINIT_MODULE = 176, 313


def load(name: str, parameters: str = "") -> None:
    fd = os.open(BUILD / f"{name}.ko", os.O_RDONLY | os.O_CLOEXEC)
    try:
        tw.check(tw.libc.syscall(SYS_FINIT_MODULE, fd, parameters.encode(), 0))
    finally:
        os.close(fd)


def unload(name: str) -> None:
    tw.check(tw.libc.syscall(SYS_DELETE_MODULE, name.encode(), os.O_NONBLOCK))


def parameter(module: str, name: str) -> str:
    return Path(f"/sys/module/{module}/parameters/{name}").read_text().strip()


class Log:
    """The kernel's log from now on."""

    def __init__(self):
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)

    def read(self) -> list[str]:
        found = []
        while True:
            try:
                record = os.read(self.fd, 8192).decode()
            except BlockingIOError:
                os.close(self.fd)
                return found
            found.append(record.split("\n", 1)[0].partition(";")[2])


def test_unit_tests():
    """test_tier_watch.ko: every test says ok, and loading it succeeds."""
    log = Log()
    load("test_tier_watch")
    unload("test_tier_watch")
    lines = log.read()
    plan = next(int(line[3:]) for line in lines if re.fullmatch(r"1\.\.\d+", line))
    passed = [line for line in lines if re.match(r"ok \d+ ", line)]
    assert len(passed) == plan >= 10, lines
    assert not [line for line in lines if line.startswith("not ok")]


def test_without_stores(dev):
    """What moves pages to tiers that are not bound is skipped, by name; all else passes."""
    bound = dev.bound()
    for tier in bound - {tw.CPU}:
        dev.unbind(tier)
    log = Log()
    try:
        load("test_tier_watch")
        unload("test_tier_watch")
    finally:
        Layout.restore(dev)
    lines = log.read()
    said = [line.split(" ", 2)[2] for line in lines if re.match(r"(not )?ok \d+ ", line)]
    skipped = {line.split()[0]: line.partition(" # SKIP not bound: ")[2] for line in said
               if "# SKIP" in line}
    assert skipped == {"mover": "gpu", "migrate_refused": "nvme ssd", "queue": "nvme ssd hdd"}
    assert f"# pass:{len(said) - 3} fail:0 skip:3" in lines
    assert dev.bound() == bound


def test_a_failure_fails_the_load():
    """The negative control."""
    log = Log()
    assert errno_of(load, "test_tier_watch", "fail=1") == errno.EINVAL
    assert any(line.startswith("not ok ") for line in log.read())
    assert not Path("/sys/module/test_tier_watch").exists()


@pytest.mark.once
def test_commands_of_the_specification():
    """As written there, from tests/ (sudo is root's business)."""
    folder = REPO / "tests"
    # The copy in the tree is for Debian's kernel.
    subprocess.run(["insmod", "test_tier_watch.ko"] if os.environ["TW_KERNEL"] == "stock"
                   else ["insmod", BUILD / "test_tier_watch.ko"], cwd=folder, check=True)
    subprocess.run(["rmmod", "test_tier_watch"], check=True)
    done = subprocess.run(["./e2e_test.sh"], cwd=folder, check=True, capture_output=True,
                          text=True)
    assert "e2e: passed" in done.stdout


@pytest.mark.once
def test_integration_test_of_the_specification():
    """It finds its tests, which the suite runs."""
    done = subprocess.run(["./integration_test", "--collect-only"], cwd=REPO / "tests", check=True,
                          capture_output=True, text=True)
    assert re.search(r"\d{2,} tests collected", done.stdout)


def test_it_is_in_use():
    """A module that uses it holds it."""
    load("gpu_dma_lock")
    try:
        assert errno_of(unload, "tier_watch") in (errno.EWOULDBLOCK, errno.EBUSY)
    finally:
        unload("gpu_dma_lock")


def test_gpu_frames(dev):
    """gpu_dma_lock's frames move by its mover, asked for by a program; bytes and all."""
    log = Log()
    load("gpu_dma_lock")
    first = int(parameter("gpu_dma_lock", "first"))
    (page,) = dev.page_info([first])
    assert (page.tier, page.flags & tw.TW_PAGE_EXTERNAL) == (GPU, tw.TW_PAGE_EXTERNAL)
    assert dev.migrate([first], CPU).status[0] == 0
    assert dev.page_info([first])[0].status == -errno.ENOENT
    moved = [one for one in dev.page_list(tw.TW_CLASS_WARM, CPU) if
             one.flags & tw.TW_PAGE_EXTERNAL]
    assert len(moved) == 1 and moved[0].agent == 0x677075
    assert dev.migrate([moved[0].page], SSD).status[0] == -errno.EOPNOTSUPP
    request = tw.Request(page=moved[0].page, from_tier=CPU, to_tier=GPU, priority=50)
    (done,) = dev.request([request], tw.TW_REQUEST_WAIT)
    assert done.status == 0
    assert dev.page_info([first])[0].tier == GPU
    assert dev.untrack([first + (1 << 40)]).status == [-errno.ENOENT]
    unload("gpu_dma_lock")
    assert any("2 moves, 0 pages wrong" in line for line in log.read())
    assert dev.page_info([first])[0].status == -errno.ENOENT


def test_guard(dev):
    """swarm_guard limits a user's agent and hears of it."""
    with tiers_of(dev, {CPU: 0, GPU: 0, NVME: 0}):
        assert errno_of(load, "swarm_guard", "agent=99 limit=20") == errno.ENOENT
        with dev.agent(99) as agent:
            load("swarm_guard", "agent=99 limit=20")
            try:
                assert list(dev.limits(agent).hard)[:2] == [20, 20]
                with dev.region(200 * PAGE, agent=agent) as region, region.map() as mapping:
                    fill(mapping, range(200), 1)
                    assert wait_for(lambda: sum(region.info().pages[:2]) <= 40)
                    assert int(parameter("swarm_guard", "told")) >= 1
                    assert wrong(mapping, range(200), 1) == []
            finally:
                unload("swarm_guard")
            assert list(dev.limits(agent).pages)[:2] == [tw.TW_NO_LIMIT] * 2


def files() -> set[str]:
    return {str(path) for path in Path("/proc/swarm").rglob("*") if path.is_file()}


def test_proc_after_us():
    """swarm_proc comes second: it takes the folder over with our files in it."""
    before = files()
    assert len(before) == 8
    load("swarm_proc")
    assert wait_for(lambda: files() == before)
    assert Path("/proc/swarm/module_stats").read_text().startswith("pages_tracked ")
    unload("swarm_proc")
    assert not Path("/proc/swarm").exists()


@pytest.mark.keeps
def test_proc_before_us(dev):
    """swarm_proc comes first: we wait to be handed its folder."""
    import support  # pylint: disable=import-outside-toplevel
    support.Observer.stats.close()
    support.Observer.stats = None
    dev.close()
    for tier in tw.STORES:
        with tw.Device() as device:
            if tier in device.bound():
                device.unbind(tier)
    assert wait_for(lambda: errno_of(unload, "tier_watch") == 0)
    load("swarm_proc")
    assert Path("/proc/swarm").is_dir() and not files()
    load("tier_watch")
    assert wait_for(lambda: len(files()) == 8)
    # Ours go with us, the folder is not ours.
    unload("tier_watch")
    assert Path("/proc/swarm").is_dir() and not files()
    unload("swarm_proc")
    assert not Path("/proc/swarm").exists()
    load("tier_watch")
    assert len(files()) == 8
