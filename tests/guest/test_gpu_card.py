# SPDX-License-Identifier: GPL-2.0
# last of its guest: lockdep takes the unix sockets of nbd and those of tests for one lock
"""tw tier bind gpu --opencl: a card's memory as a tier, by a server, and what becomes of both."""

import errno
import json
import os
import signal
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

import tw
from manual import TW
from support import (REPO, Child, Layout, Reached, find_on_disk, load_module, pattern, place,
                     read_direct, set_tiers, touch_fate, wait_for, write_direct, wrong)
from tw import CPU, GPU, NVME, PAGE

# Not where lockdep looks: the kernel reads a server's answers under the lock of a socket,
# and to lockdep that is the lock under which another program's read(2) touches a region.
pytestmark = [pytest.mark.usefixtures("free_gpu"), pytest.mark.forked, pytest.mark.once]

RUN = Path("/run/tierwatch/gpu")
SIZE = 16 << 20
PAGES = (SIZE - tw.TW_STORE_DATA) // PAGE
PLUGIN = Path(TW).parent / "tw-gpu.so"
USAGE, FAILURE = 2, 1
NO_OPENCL = {"OCL_ICD_VENDORS": "/nonexistent"}
POCL = {"OCL_ICD_VENDORS": "/etc/OpenCL/vendors", "POCL_MAX_PTHREAD_COUNT": "2"}


@pytest.fixture(scope="module")
def free_gpu(dev):
    """Memory and a store; the tier of GPUs is free."""
    load_module("nbd")
    set_tiers(dev, {CPU: 512, NVME: 512})
    yield
    Layout.restore(dev)


def run(*words, **environment) -> subprocess.CompletedProcess:
    """tw, without OpenCL unless it is asked for."""
    return subprocess.run([TW, *map(str, words)], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL,
                          env={**os.environ, **NO_OPENCL, **environment})


def good(*words, **environment) -> str:
    done = run(*words, **environment)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


def servers() -> list[int]:
    """Processes of nbdkit that have not ended: none of their threads holds the socket."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, state = (folder / "stat").read_text().rsplit(")", 1)
        except OSError:
            continue
        if not name.endswith("(nbdkit"):
            continue
        # The first thread may end before others have let the socket go.
        if state.split()[0] != "Z" or len(list(folder.glob("task/*"))) > 1:
            found.append(int(folder.name))
    return found


def connected() -> list[str]:
    """Network block devices that have a server."""
    return sorted(path.parent.name for path in Path("/sys/block").glob("nbd*/pid"))


def nothing_left() -> bool:
    """No server, no device, no file of them."""
    return wait_for(lambda: not servers() and not connected()) and \
        not (RUN.exists() and list(RUN.iterdir()))


@contextmanager
def card(dev, which="plain", size="16M", *more, **environment):
    """The tier on a card; the process of its server."""
    good("tier", "bind", "gpu", "--opencl", which, "--size", size, *more, **environment)
    try:
        yield servers()[0]
    finally:
        if dev.tier_info(GPU).kind:
            for pid in servers():
                os.kill(pid, signal.SIGCONT)
            # Writes to it that are failing just now hold it busy.
            assert wait_for(lambda: run("tier", "unbind", "--force", "gpu").returncode == 0, 40)
        assert nothing_left()


def read_card(offset):
    """A page of the server's device, past the page cache."""
    return read_direct("/dev/nbd0", offset, PAGE)


def test_bind_and_unbind(dev, make):
    """From the card to the last trace of its server."""
    told = json.loads(good("tier", "bind", "gpu", "--opencl", "plain", "--size", "16M", "--json"))
    try:
        assert told["kind"] == "store" and told["capacity"] == PAGES == dev.tier_info(GPU).capacity
        assert [told["device"]] == [f"/dev/{name}" for name in connected()] == ["/dev/nbd0"]
        assert len(servers()) == 1
        region, mapping = make(64, seed=1, touched=64)
        place(region, 0, 64, GPU)
        assert wrong(mapping, range(64), 1) == []
        place(region, 0, 64, GPU)
        row = [line for line in good("tier", "list").splitlines() if line.startswith("gpu")]
        assert row[0].split()[1] == "store" and row[0].endswith("/dev/nbd0")
        # The file for the next boot names no device that is gone by then.
        conf = good("tier", "detect", "--conf")
        assert "/dev/nbd0" not in conf and "# [tier gpu]: a card's memory" in conf
    finally:
        told = json.loads(good("tier", "unbind", "gpu", "--json"))
    assert (told["tier"], told["moved"]) == ("gpu", 64) and set(region.tiers()) == {NVME}
    assert nothing_left() and not dev.tier_info(GPU).kind
    assert wrong(mapping, range(64), 1) == []


def test_the_server(dev):
    """All that it has is locked, and reclaim in it waits for no I/O, in each of its threads."""
    with card(dev) as pid:
        status = Path(f"/proc/{pid}/status").read_text()
        locked = int(status.split("VmLck:")[1].split()[0])
        assert locked << 10 >= SIZE
        assert os.getsid(pid) != os.getsid(0)       # it outlives the session of tw
        # PF_MEMALLOC_NOIO, in the ninth member behind the name
        flags = [int(task.read_text().rsplit(")", 1)[1].split()[6])
                 for task in Path(f"/proc/{pid}/task").glob("*/stat")]
        assert len(flags) > 16
        # The thread of nbdkit that waits for signals is there before the plugin is.
        assert sum(bool(flag & 0x00080000) for flag in flags) >= len(flags) - 1


def test_all_of_it(dev, make):
    """Every slot holds a page of its own, written in runs and read one by one and in runs."""
    slots = ((3 << 20) - tw.TW_STORE_DATA) // PAGE
    with card(dev, size="3M"):
        region, mapping = make(slots, seed=2, touched=slots)
        # The background may be moving some of them itself.
        assert wait_for(lambda: region.migrate(0, slots * PAGE, GPU).failed == 0)
        assert region.info().pages[GPU] == slots
        step = [index for first in range(7) for index in range(first, slots, 7)]
        assert wrong(mapping, step, 2) == []


@pytest.mark.parametrize("words, code, says", [
    (("gpu", "--opencl", "plain"), USAGE, "needs --size"),
    (("gpu", "--size", "16M"), USAGE, "--size is for --opencl"),
    (("nvme", "--opencl", "plain", "--size", "16M"), USAGE, "--opencl is for gpu"),
    (("gpu", "--opencl=none", "--size", "16M"), USAGE, "not a card: none"),
    (("gpu", "--opencl=0:", "--size", "16M"), USAGE, "not a card: 0:"),
    (("gpu", "--opencl", "plain", "--size", "16777217"), USAGE, "multiple of the page size"),
    (("gpu", "--opencl", "plain", "--size", "1M"), USAGE, "1M or more"),
    (("gpu", "--opencl", "plain", "--size", "0"), USAGE, "not a size"),
    (("gpu", "--opencl", "plain", "--size", "16M", "--capacity", "1M"), USAGE, "alone"),
    (("gpu", "--opencl", "plain", "--size", "16M", "--nodes", "2"), USAGE, "alone"),
    (("gpu", "/dev/null", "--opencl", "plain", "--size", "16M"), USAGE, "alone"),
    (("gpu", "--opencl", "plain", "--size", "1T"), FAILURE, "no memory for"),
    (("gpu", "--opencl", "0:0", "--size", "16M"), FAILURE, "there is no OpenCL here"),
    (("gpu", "--opencl", "--size", "16M"), FAILURE, "there is no OpenCL here"),
])
def test_refused(dev, words, code, says):
    """With a reason, and nothing is left of the try."""
    before = bytes(dev.tier_info(GPU))
    done = run("tier", "bind", *words)
    assert (done.returncode, done.stdout) == (code, ""), done
    assert says in done.stderr and done.stderr.count("\n") == (2 if code == USAGE else 1)
    assert bytes(dev.tier_info(GPU)) == before and nothing_left()


@pytest.mark.parametrize("missing", ("nbdkit", "nbd-client"))
def test_without_a_program(dev, tmp_path, missing):
    """It says which one, and how it comes."""
    for name in {"nbdkit", "nbd-client", "modprobe"} - {missing}:
        (tmp_path / name).symlink_to(subprocess.check_output(
            ["which", name], text=True).strip())
    done = run("tier", "bind", "gpu", "--opencl", "plain", "--size", "16M", PATH=str(tmp_path))
    assert done.returncode == FAILURE and f"apt install {missing}" in done.stderr
    assert not dev.tier_info(GPU).kind and nothing_left()


@pytest.mark.parametrize("name", ("SIGINT", "SIGTERM"))
def test_interrupted(dev, tmp_path, name):
    """While it waits for a server: that ends, too."""
    server, begun = tmp_path / "nbdkit", tmp_path / "begun"
    server.write_text(f"#!/bin/sh\necho $$ >{begun}.new\nmv {begun}.new {begun}\nexec sleep 600\n")
    server.chmod(0o755)
    bind = subprocess.Popen([TW, "tier", "bind", "gpu", "--opencl", "plain", "--size", "16M"],
                            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert wait_for(begun.exists, 20)
    pid = int(begun.read_text())
    bind.send_signal(getattr(signal, name))
    assert "interrupted: nothing is bound" in bind.communicate(timeout=60)[1]
    assert bind.returncode == 128 + getattr(signal, name)
    assert wait_for(lambda: not Path(f"/proc/{pid}").exists()) and connected() == []
    assert dev.tier_info(GPU).kind == tw.TW_KIND_NONE


def test_bound_already(dev):
    """No second server is begun."""
    with card(dev) as pid:
        done = run("tier", "bind", "gpu", "--opencl", "plain", "--size", "16M")
        assert done.returncode == FAILURE and "bound already" in done.stderr
        assert servers() == [pid] and connected() == ["nbd0"]


class TestDeath:
    """A page that was there is SIGBUS, never wrong; all else goes on."""

    def test_killed(self, dev, make, stream):
        reader = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_TIER_ERROR)).reader()
        with card(dev) as pid:
            region, mapping = make(32, seed=3, touched=32)
            place(region, 0, 8, GPU)
            place(region, 8, 8, NVME)
            assert mapping.read(0, PAGE) == pattern(3, 0)   # the control: it is all there
            place(region, 0, 8, GPU)    # its neighbours had come with it
            os.kill(pid, signal.SIGKILL)
            assert wait_for(lambda: not servers())
            assert [touch_fate(mapping, index * PAGE) for index in (1, 7)] == [-signal.SIGBUS] * 2
            assert {event.tier for event in reader.read()} == {GPU}
            assert wrong(mapping, range(8, 32), 3) == []
            done = run("tier", "unbind", "gpu")
            assert done.returncode == FAILURE and "--force" in done.stderr
            assert dev.tier_info(GPU).kind == tw.TW_KIND_STORE
            good("tier", "unbind", "--force", "gpu")
            assert region.info().lost + sum(region.info().pages) == 32 and region.info().lost > 0
            assert wrong(mapping, range(8, 32), 3) == []
        with card(dev):
            place(region, 8, 8, GPU)
            assert wrong(mapping, range(8, 32), 3) == []

    def test_evictions_after_it_was_killed(self, dev, make, stats):
        """What leaves memory then goes to the next store."""
        with card(dev) as pid:
            region, mapping = make(600, seed=4)
            os.kill(pid, signal.SIGKILL)
            assert wait_for(lambda: not servers())
            for index in range(600):
                mapping.write(index * PAGE, pattern(4, index))
            assert wait_for(lambda: stats.used()[CPU] <= 512)
            assert region.info().pages[NVME] > 0 and region.info().pages[GPU] == 0
            assert wrong(mapping, range(600), 4) == []

    def test_stopped(self, dev, make):
        """A touch waits for it, and can be killed; nothing is lost when it goes on."""
        with card(dev) as pid:
            region, mapping = make(8, seed=5, touched=8)
            place(region, 0, 8, GPU)
            os.kill(pid, signal.SIGSTOP)
            reached = Reached()

            def touch():
                reached.set()
                mapping.read(3 * PAGE, 1)

            child = Child(touch)
            reached.wait()
            assert not wait_for(lambda: not child.alive(), 0.5)
            child.kill()
            assert child.wait() == -signal.SIGKILL
            assert wrong(mapping, [], 5) == [] and region.info().lost == 0
            os.kill(pid, signal.SIGCONT)
            assert wrong(mapping, range(8), 5) == []

    @pytest.mark.parametrize("who", ["user", "kernel"])
    def test_killed_at_work(self, dev, make, who):
        """What it had been asked for fails, too: when it is unbound, or after a while."""
        queue = Path("/sys/block/nbd0/queue")
        with card(dev) as pid:
            region, mapping = make(8, seed=5, touched=8)
            place(region, 0, 8, GPU)
            assert (queue / "io_timeout").read_text() == "90000\n"
            if who == "kernel":
                (queue / "io_timeout").write_text("1000")
            os.kill(pid, signal.SIGSTOP)
            child = Child(lambda: mapping.read(3 * PAGE, 1))
            assert wait_for(lambda: (queue.parent / "inflight").read_text().split()[0] != "0")
            os.kill(pid, signal.SIGKILL)
            if who == "user":
                assert child.alive()        # the control: the kernel alone takes its time
                good("tier", "unbind", "--force", "gpu")
            assert child.wait() == -signal.SIGBUS

    def test_lying(self, dev, make):
        """It gives other bytes than it was given: the page is lost, and the next is right."""
        with card(dev):
            region, mapping = make(8, seed=6, touched=8)
            place(region, 0, 8, GPU)
            offset = find_on_disk("/dev/nbd0", pattern(6, 5), PAGES)
            write_direct("/dev/nbd0", offset, pattern(7, 5))
            assert touch_fate(mapping, 5 * PAGE) == -signal.SIGBUS and region.info().lost == 1
            assert wrong(mapping, [0, 1, 2, 3, 4, 6, 7], 6) == []

    def test_slow(self, dev, make, tmp_path):
        """One that takes its time for each request, connected by hand."""
        socket = tmp_path / "slow"
        server = subprocess.Popen(["nbdkit", "-f", "-U", socket, "--filter=delay", PLUGIN,
                                   "memory=plain", f"size={SIZE}", "rdelay=100ms",
                                   "wdelay=100ms"])
        try:
            assert wait_for(socket.exists, 20)
            subprocess.run(["nbd-client", "-unix", socket, "/dev/nbd3", "-b", "4096"], check=True,
                           capture_output=True)
            good("tier", "format", "--force", "/dev/nbd3")
            good("tier", "bind", "gpu", "/dev/nbd3")
            assert dev.tier_info(GPU).latency_ns >= 100_000_000
            region, mapping = make(8, seed=8, touched=8)
            place(region, 0, 8, GPU)
            assert wrong(mapping, range(8), 8) == []
            good("tier", "unbind", "gpu")
            assert server.poll() is None        # it is none of tw's
        finally:
            subprocess.run(["nbd-client", "-d", "/dev/nbd3"], check=True, capture_output=True)
            server.terminate()
            server.wait()


class TestOpenCL:
    """The same with a real implementation, whose card is the CPU."""

    def test_detect(self):
        """It is shown, with what is known of it, and what is not proposed is said."""
        told = json.loads(good("tier", "detect", "--json", **POCL))["cards"]
        assert [(one["platform"], one["device"], one["cpu"]) for one in told] == [(0, 0, True)]
        assert told[0]["bytes"] > SIZE and told[0]["name"] and told[0]["bus"] is None
        row = [line for line in good("tier", "detect", **POCL).splitlines() if "0:0" in line]
        assert len(row) == 1 and told[0]["name"] in row[0] and "a CPU" in row[0]
        assert json.loads(good("tier", "detect", "--json"))["cards"] == []

    def test_pages(self, dev, make):
        with card(dev, "0:0", **POCL):
            region, mapping = make(256, seed=9, touched=256)
            place(region, 0, 256, GPU)
            step = [index for first in range(5) for index in range(first, 256, 5)]
            assert wrong(mapping, step, 9) == []
            place(region, 0, 256, GPU)
            assert errno.EIO not in region.migrate(0, 256 * PAGE, CPU).status
            assert wrong(mapping, range(256), 9) == []

    @pytest.mark.parametrize("which, says", [
        ((), "knows no card here but CPUs"), (("7:0",), "no OpenCL platform 7"),
        (("0:9",), "has no device 9")])
    def test_no_such_card(self, dev, which, says):
        done = run("tier", "bind", "gpu", "--opencl", *which, "--size", "16M", **POCL)
        assert done.returncode == FAILURE and says in done.stderr, done
        assert not dev.tier_info(GPU).kind and nothing_left()

    def test_more_than_it_has(self, dev):
        done = run("tier", "bind", "gpu", "--opencl", "0:0", "--size", "1T", **POCL)
        assert done.returncode == FAILURE and "Take a smaller --size" in done.stderr, done
        assert not dev.tier_info(GPU).kind and nothing_left()


def resident(pid):
    """Bytes of memory that the server has."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def ask(question, name="nbd0"):
    """A question to the server itself."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
        one.settimeout(60)
        one.connect(str(RUN / f"{name}.ctl"))
        one.send(question.encode())
        return one.recv(512).decode()


def slots_of(size):
    return (size - tw.TW_STORE_DATA) // PAGE


class TestResize:
    """It gives memory back to the card, and takes it again."""

    SMALL = 4 << 20

    @pytest.mark.parametrize("which, environment", [("plain", {}), ("0:0", POCL)])
    def test_both_ways(self, dev, make, which, environment):
        with card(dev, which, "48M", **environment) as pid:
            region, mapping = make(300, seed=20, touched=300)
            place(region, 0, 300, GPU)
            before = resident(pid)
            told = json.loads(good("tier", "resize", "gpu", "5M", "--json"))
            assert told["capacity"] == slots_of(5 << 20) == dev.tier_info(GPU).capacity
            # All segments beyond are the card's again; of OpenCL's own some more may be there.
            assert before - resident(pid) >= 40 << 20
            good("tier", "resize", "gpu", self.SMALL)
            assert wrong(mapping, range(300), 20) == []
            place(region, 0, 300, GPU)
            assert ask("look").split()[:3] == ["ok", str(self.SMALL), str(48 << 20)]
            row = [line for line in good("tier", "list").splitlines() if line.startswith("gpu")]
            assert row[0].split()[2:4] == ["3.0", "MiB"]
            good("tier", "resize", "gpu", "all")
            assert dev.tier_info(GPU).capacity == slots_of(48 << 20)
            assert before - resident(pid) < 4 << 20
            place(region, 0, 300, GPU)
            assert wrong(mapping, range(300), 20) == []

    def test_beyond_the_end(self, dev, make):
        """What is not there reads as an error, and never as what was there; nor when it is
        there again."""
        with card(dev):
            region, mapping = make(300, seed=21, touched=300)
            place(region, 0, 300, GPU)
            end = tw.TW_STORE_DATA + 250 * PAGE
            assert read_card(end)
            good("tier", "resize", "gpu", end - 100 * PAGE)
            for offset in (end, end - 100 * PAGE, SIZE - PAGE):
                with pytest.raises(OSError) as caught:
                    read_card(offset)
                assert caught.value.errno == errno.EIO
                with pytest.raises(OSError) as caught:
                    write_direct("/dev/nbd0", offset, b"x" * PAGE)
                assert caught.value.errno == errno.EIO
            assert read_card(end - 101 * PAGE)
            assert wrong(mapping, range(300), 21) == []
            good("tier", "resize", "gpu", "16M")
            assert read_card(end) == bytes(PAGE)

    def test_bad_sizes(self, dev):
        with card(dev):
            for size, code in (("17M", FAILURE), ("1M", USAGE), ("4097", USAGE), ("0", USAGE)):
                done = run("tier", "resize", "gpu", size)
                assert done.returncode == code and done.stderr and not done.stdout, done
                assert dev.tier_info(GPU).capacity == PAGES
                assert ask("look").split()[1] == str(SIZE)
            for question in ("size", "size x", "size 4096x", "size 1", f"size {SIZE + PAGE}",
                             "size 0", "look again", ""):
                if question:
                    assert ask(question).startswith("error "), question
            assert ask("look").split()[1] == str(SIZE)

    def test_no_room_for_its_pages(self, dev, make):
        """The server keeps what the driver keeps."""
        with card(dev, size="4M"):
            region, mapping = make(1700, seed=22, touched=1700)
            assert wait_for(lambda: region.info().pages[GPU] > 600)
            done = run("tier", "resize", "gpu", "2M")
            assert done.returncode == FAILURE and "no room elsewhere" in done.stderr
            assert dev.tier_info(GPU).capacity == slots_of(4 << 20)
            assert ask("look").split()[1] == str(4 << 20)
            assert wrong(mapping, range(0, 1700, 7), 22) == []
            region.discard(0, 1700 * PAGE)

    def test_dies_in_between(self, dev, make):
        """Killed when the driver has left the end, and has yet to be asked for more."""
        with card(dev) as pid:
            region, mapping = make(100, seed=23, touched=100)
            place(region, 0, 50, GPU)
            good("tier", "resize", "gpu", self.SMALL)
            os.kill(pid, signal.SIGKILL)
            assert wait_for(lambda: not servers())
            done = run("tier", "resize", "gpu", "all")
            assert done.returncode == FAILURE and done.stderr
            done = run("tier", "resize", "gpu", "8M")
            assert done.returncode == FAILURE and "has ended" in done.stderr
            assert dev.tier_info(GPU).capacity == slots_of(self.SMALL)
            assert run("tier", "resize", "gpu", "2M").returncode == FAILURE
            good("tier", "unbind", "--force", "gpu")
            assert wrong(mapping, range(50, 100), 23) == []

    def test_beside_requests(self, dev, make):
        """Pages come and go while it changes its size."""
        with card(dev, "0:0", **POCL):
            region, mapping = make(200, seed=24, touched=200)

            def work():
                for turn in range(12):
                    region.migrate(0, 200 * PAGE, GPU if turn % 2 else CPU)
                    assert wrong(mapping, range(turn % 5, 200, 5), 24) == []

            child = Child(work)
            while child.alive():
                for size in ("2M", "9M", "16M"):
                    assert run("tier", "resize", "gpu", size).returncode == 0
            assert child.wait() == 0
            assert wrong(mapping, range(200), 24) == [] and region.info().lost == 0


class TestYield:
    """It gives way to others on the card, as far as it is known what they find free."""

    MIB = 1 << 20
    WAIT = 30

    @pytest.fixture
    def free(self, tmp_path):
        """A file that says how much is free; a function that writes it."""
        path = tmp_path / "free"

        def say(text):
            new = tmp_path / "new"
            new.write_text(f"{text}\n")
            new.rename(path)
        say("1G")
        return path, say

    @pytest.fixture
    def daemon(self):
        with subprocess.Popen([Path(TW).parent / "tierwatchd", "--interval", "50ms"],
                              stderr=subprocess.PIPE, text=True) as one:
            yield one
            one.terminate()

    @staticmethod
    def capacity(dev, size):
        return wait_for(lambda: dev.tier_info(GPU).capacity == slots_of(size), TestYield.WAIT)

    @pytest.mark.parametrize("which, environment", [("plain", {}), ("0:0", POCL)])
    def test_gives_way(self, dev, make, free, daemon, which, environment):
        """Smaller as others take memory, larger when they have given it back."""
        path, say = free
        with card(dev, which, "32M", f"--yield={8 * self.MIB}", "--free-from", path,
                  **environment) as pid:
            region, mapping = make(400, seed=30, touched=400)
            place(region, 0, 400, GPU)
            before = resident(pid)
            say("4M")
            assert wait_for(lambda: dev.tier_info(GPU).capacity <= slots_of(28 * self.MIB),
                            self.WAIT)
            say("0")
            assert self.capacity(dev, 2 * self.MIB)
            assert wait_for(lambda: before - resident(pid) >= 24 << 20)
            assert wrong(mapping, range(400), 30) == []
            say("1G")
            assert self.capacity(dev, 32 * self.MIB)
            # By hand: that is the most from then on.
            good("tier", "resize", "gpu", "8M")
            say("0")
            assert self.capacity(dev, 2 * self.MIB)
            say("1G")
            assert self.capacity(dev, 8 * self.MIB)
            place(region, 0, 400, GPU)
            assert wrong(mapping, range(400), 30) == []
            good("tier", "unbind", "gpu")
            assert nothing_left()
        # By its number: it is a child of the process that this one was forked from.
        os.kill(daemon.pid, signal.SIGTERM)
        assert "MiB of the card's memory" in daemon.stderr.read()

    def test_no_way_to_tell(self, dev, free):
        """A card that does not say is not bound so; nor is one whose file says nothing."""
        path, say = free
        for which, environment in (("plain", {}), ("0:0", POCL)):
            done = run("tier", "bind", "gpu", "--opencl", which, "--size", "16M", "--yield",
                       **environment)
            assert done.returncode == FAILURE and "--free-from FILE" in done.stderr, done
            assert not dev.tier_info(GPU).kind and nothing_left()
        for text in ("", "much", "-1"):
            say(text)
            done = run("tier", "bind", "gpu", "--opencl", "plain", "--size", "16M", "--yield",
                       "--free-from", path)
            assert done.returncode == FAILURE and str(path) in done.stderr, done
            assert not dev.tier_info(GPU).kind and nothing_left()

    def test_without_the_daemon(self, dev, free):
        """It is said who would do it."""
        path, _ = free
        done = run("tier", "bind", "gpu", "--opencl", "plain", "--size", "16M", "--yield",
                   "--free-from", path)
        assert done.returncode == 0 and "tierwatchd" in done.stderr
        assert dev.tier_info(GPU).capacity == PAGES
        good("tier", "unbind", "gpu")
        assert nothing_left()

    def test_the_file_says_nothing_any_more(self, dev, free, daemon):
        """Then nothing is changed, and that is said once; nor when the server has died."""
        path, say = free
        with card(dev, "plain", "16M", "--yield=8M", "--free-from", path) as pid:
            say("nothing")
            assert "not known how much" in daemon.stderr.readline()
            assert dev.tier_info(GPU).capacity == PAGES
            say("0")
            assert self.capacity(dev, 2 * self.MIB)
            os.kill(pid, signal.SIGKILL)
            assert wait_for(lambda: not servers())
        os.kill(daemon.pid, signal.SIGTERM)
        # Of the second step it may have died before it had told.
        assert " 8 MiB of the card's memory" in daemon.stderr.read()

    @pytest.mark.parametrize("words", [
        ("--yield=0",), ("--yield=x",), ("--free-from", "/run/x"),
        ("--yield", "--free-from", "x"), ("--yield", "--free-from", "/run/a b")])
    def test_usage(self, dev, words):
        done = run("tier", "bind", "gpu", "--opencl", "plain", "--size", "16M", *words)
        assert done.returncode == USAGE and done.stderr and nothing_left()
        assert not dev.tier_info(GPU).kind


# What is needed of systemctl, for the unit as it is in the tree: --quiet VERB UNIT.
SYSTEMCTL = r"""#!/bin/sh
name=${3#tw-gpu@}; name=${name%%.service}; run=/run/tierwatch/gpu/$name
echo "$2" >>%(folder)s/verbs
case $2 in
start)
	TW_GPU_OPTIONS=$(sed 's/^TW_GPU_OPTIONS=//' "$run.env")
	line=$(sed -n 's/^ExecStart=//p' %(unit)s |
		sed "s|%%i|$name|g; s|@LIBDIR@/tierwatch|%(plugins)s|")
	eval "setsid $line >>$run.log 2>&1 &"
	echo $! >%(folder)s/pid ;;
is-active) kill -0 $(cat %(folder)s/pid) 2>/dev/null ;;
stop) kill $(cat %(folder)s/pid) ;;
esac
"""


@pytest.fixture
def systemd(tmp_path):
    """A machine that systemd runs, as far as tw sees it; the verbs that were asked for."""
    fake = tmp_path / "systemctl"
    fake.write_text(SYSTEMCTL % {"folder": tmp_path, "plugins": PLUGIN.parent,
                                 "unit": REPO / "tools/systemd/tw-gpu@.service.in"})
    fake.chmod(0o755)
    running = Path("/run/systemd/system")
    running.mkdir(parents=True)
    yield {"PATH": f"{tmp_path}:{os.environ['PATH']}"}, tmp_path / "verbs"
    running.rmdir()


def test_as_a_unit(dev, make, systemd):
    """Where systemd runs, it is what has the server."""
    environment, verbs = systemd
    good("tier", "bind", "gpu", "--opencl", "plain", "--size", "16M", **environment)
    assert verbs.read_text().split()[:3] == ["cat", "reset-failed", "start"]
    assert len(servers()) == 1 and dev.tier_info(GPU).capacity == PAGES
    region, mapping = make(8, seed=10, touched=8)
    place(region, 0, 8, GPU)
    assert wrong(mapping, range(8), 10) == []
    good("tier", "unbind", "gpu", **environment)
    assert verbs.read_text().split()[-1] == "stop" and nothing_left()


def test_a_unit_that_fails(dev, systemd):
    """What the server said is told, and nothing is left."""
    environment, verbs = systemd
    done = run("tier", "bind", "gpu", "--opencl", "plain", "--size", "1T", **environment)
    assert done.returncode == FAILURE and "no memory for" in done.stderr, done
    assert "is-active" in verbs.read_text().split()
    assert not dev.tier_info(GPU).kind and nothing_left()
