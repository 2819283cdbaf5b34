# SPDX-License-Identifier: GPL-2.0
"""The swap device: programs that know nothing of tiers have their pages in the stores."""

import errno
import mmap
import os
import random
import signal
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

import tw
from support import (AlignedBuffer, Cgroup, Child, Delta, Loop, Mapper, Reached, bind, device_bytes,
                     errno_of, find_on_disk, format_store, parameter, refused, run_child, run_user,
                     store_path, tiers_of, wait_for, write_direct)
from tw import CPU, HDD, NVME, PAGE, SSD, STORES

MIB = 1 << 20
MADV_PAGEOUT = 21       # not in Python's mmap
DISK = Path("/dev/twswap")
SWAPPER = Path(__file__).resolve().parents[2] / "build" / "stress" / "swapper"
# The signature, and slots that each CPU keeps to give back together.
KEPT = 1 + 64 * (os.cpu_count() or 1)


@contextmanager
def device(dev, pages):
    """The swap device, not in use."""
    dev.swap_create(pages)
    try:
        assert wait_for(DISK.exists)
        yield DISK
    finally:
        dev.swap_destroy()


@contextmanager
def swapping(dev, pages):
    """The swap device, in use."""
    with device(dev, pages):
        subprocess.run(["mkswap", DISK], check=True, capture_output=True)
        subprocess.run(["swapon", DISK], check=True)
        try:
            yield
        finally:
            subprocess.run(["swapoff", DISK], check=True)


@pytest.fixture
def group():
    """A cgroup of 12 MiB; a Python child takes a few."""
    with Cgroup() as one:
        one.write("memory.max", str(12 * MIB))
        yield one


class Memory:
    """Anonymous pages, each of which says which it is and how often it was written."""

    def __init__(self, pages):
        self.map = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.map.madvise(mmap.MADV_NOHUGEPAGE)
        self.version = [0] * pages

    def page(self, index):
        return (f"{index} {self.version[index]} ".encode() * 1100)[:PAGE]

    def write(self, indices):
        for index in indices:
            self.version[index] += 1
            self.map[index * PAGE:(index + 1) * PAGE] = self.page(index)

    def read(self, index):
        return self.map[index * PAGE:(index + 1) * PAGE]

    def wrong(self, indices):
        return [index for index in indices if self.read(index) != self.page(index)]



def within(group, function, *args, timeout=240):
    def work():
        group.enter()
        return function(*args)
    return run_child(work, timeout=timeout)


def reclaim(group):
    """Ask for more than is there."""
    try:
        group.write("memory.reclaim", str(64 * MIB))
    except OSError as error:
        assert error.errno == errno.EAGAIN


def push_out(group):
    """What is in the group leaves memory, all that can."""
    for _ in range(4):
        reclaim(group)
    assert int(group.read("memory.swap.current")) > 0


def swapper(group, *arguments, **more):
    """The program, in a group."""
    return subprocess.Popen([SWAPPER, *map(str, arguments)], preexec_fn=group.enter,
                            stdout=subprocess.PIPE, text=True, **more)


@contextmanager
def running(dev, group, pages, seed, least):
    """The program without an end, once so many pages have been swapped; it is killed before
    anything else ends."""
    program = swapper(group, "--forever", pages, 1, seed)
    try:
        assert wait_for(lambda: sum(used(dev)) > least, 120)
        yield program
        assert program.poll() is None
    finally:
        program.kill()
        output = program.communicate()[0]
    assert "wrong" not in output


def finished(program, timeout=240):
    output = program.communicate(timeout=timeout)[0]
    assert program.returncode == 0, output


def used(dev):
    return list(dev.swap_info().used)


class Raw:
    """The device, past the page cache."""

    def __init__(self, path=DISK, mode=os.O_RDWR):
        self.fd = os.open(path, mode | os.O_DIRECT)
        self.buffer = AlignedBuffer(16 * PAGE)

    def write(self, at, data):
        self.buffer.write(0, data)
        return tw.check(tw.libc.pwrite(self.fd, self.buffer.addr, len(data), at * PAGE))

    def read(self, at, pages=1):
        got = tw.check(tw.libc.pread(self.fd, self.buffer.addr, pages * PAGE, at * PAGE))
        return self.buffer.read(0, got)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        os.close(self.fd)
        self.buffer.unmap()


def stamp(at, turn=0):
    return (f"{at} {turn}|".encode() * 1100)[:PAGE]


class TestDevice:
    def test_appears_and_goes(self, dev):
        with device(dev, 1000):
            there = DISK.stat()
            info = dev.swap_info()
            assert stat.S_ISBLK(there.st_mode) and there.st_rdev == info.dev
            assert (info.pages, info.open, info.failed, sum(info.used)) == (1000, 0, 0, 0)
            assert DISK.stat().st_mode & 0o007 == 0
        assert wait_for(lambda: not DISK.exists())
        assert errno_of(dev.swap_info) == errno.ENOENT

    def test_one_only(self, dev):
        with device(dev, 1000):
            assert errno_of(dev.swap_create, 1000) == errno.EEXIST
            assert dev.swap_info().pages == 1000
        assert errno_of(dev.swap_destroy) == errno.ENOENT

    def test_not_while_it_is_open(self, dev):
        with device(dev, 1000), open(DISK, "rb"):
            assert errno_of(dev.swap_destroy) == errno.EBUSY
            assert dev.swap_info().open == 1

    def test_reads_what_was_written(self, dev):
        """In any order, over what is there, and zeroes where nothing was written."""
        with tiers_of(dev, {NVME: 300, SSD: 400, HDD: 800}), device(dev, 1000):
            version = {}
            chance = random.Random(1)
            with Raw() as raw:
                for turn in range(600):
                    first, pages = chance.randrange(990), chance.choice((1, 1, 2, 7))
                    data = b"".join(stamp(at, turn) for at in range(first, first + pages))
                    assert raw.write(first, data) == len(data)
                    version.update(dict.fromkeys(range(first, first + pages), turn))
                    at = chance.randrange(1000)
                    assert raw.read(at) == (stamp(at, version[at]) if at in version
                                            else bytes(PAGE))
                for at in range(0, 992, 16):
                    wanted = b"".join(stamp(page, version[page]) if page in version
                                      else bytes(PAGE) for page in range(at, at + 16))
                    assert raw.read(at, 16) == wanted
            assert sum(used(dev)) == len(version)

    def test_discarded_pages_are_gone(self, dev):
        with device(dev, 1000), Raw() as raw:
            raw.write(10, b"".join(map(stamp, range(10, 20))))
            assert sum(used(dev)) == 10
            subprocess.run(["blkdiscard", "--offset", str(12 * PAGE), "--length", str(4 * PAGE),
                            DISK], check=True)
            assert sum(used(dev)) == 6
            assert raw.read(11) == stamp(11) and raw.read(12, 4) == bytes(4 * PAGE)
            assert raw.read(16) == stamp(16)

    def test_nothing_of_it_is_left(self, dev, stats):
        before = stats.used()
        with device(dev, 1000), Raw() as raw:
            raw.write(10, b"".join(map(stamp, range(10, 20))))
            assert sum(stats.used()) == sum(before) + 10
            assert sum(stats.tier(tier)["swap_used"] for tier in STORES) == 10
        assert stats.used() == before
        assert sum(stats.tier(tier)["swap_used"] for tier in STORES) == 0


class TestRoom:
    """As many slots as the device has pages are its, and no more."""

    def test_more_than_there_is(self, dev):
        with tiers_of(dev, {CPU: 4096, NVME: 400, SSD: 600, HDD: 1000}):
            with refused(errno.ENOSPC):
                dev.swap_create(2001)
            with device(dev, 2000):
                pass

    def test_regions_leave_it_alone(self, dev, make):
        """A region that would take every slot gets what is left."""
        with tiers_of(dev, {CPU: 512, NVME: 400, SSD: 600, HDD: 16}):
            region, _ = make(400, touched=400)
            with device(dev, 900), Raw() as raw:
                for target in (NVME, SSD, HDD):
                    try:
                        region.migrate(0, 400 * PAGE, target)
                    except OSError as error:
                        assert error.errno == errno.ENOSPC
                assert sum(region.info().pages[tier] for tier in STORES) <= 1016 - 900
                for at in range(0, 896, 16):
                    raw.write(at, b"".join(map(stamp, range(at, at + 16))))
                assert sum(used(dev)) == 896
                assert all(raw.read(at) == stamp(at) for at in range(896))

    def test_what_it_needs_stays_bound(self, dev):
        """Memory has room enough, but that is of no use to it."""
        with tiers_of(dev, {CPU: 4096, NVME: 400, SSD: 600, HDD: 600}), device(dev, 1100):
            with refused(errno.ENOSPC):
                dev.unbind(SSD)
            dev.unbind(NVME)
            bind(dev, NVME, 400)

    def test_unbinding_moves_its_pages(self, dev, stats):
        with tiers_of(dev, {NVME: 400, SSD: 600, HDD: 1000}), device(dev, 900), Raw() as raw:
            for at in range(0, 896, 16):
                raw.write(at, b"".join(map(stamp, range(at, at + 16))))
            assert wait_for(lambda: used(dev)[NVME] and used(dev)[SSD])
            there = used(dev)[SSD]
            assert there and dev.unbind(SSD) > 0
            assert used(dev)[SSD] == 0 and sum(used(dev)) == 896
            assert all(raw.read(at) == stamp(at) for at in range(896))
            bind(dev, SSD, 600)
            assert stats.tier(SSD)["swap_used"] == 0

    def test_the_oldest_sink(self, dev, stats):
        """New pages find room in the fastest store; what has been there longest goes on."""
        delta = Delta(stats)
        with tiers_of(dev, {NVME: 512, SSD: 512, HDD: 4096}), device(dev, 4000), Raw() as raw:
            for at in range(0, 3200, 16):
                raw.write(at, b"".join(map(stamp, range(at, at + 16))))
            assert wait_for(lambda: delta.tier(NVME)["swap_sunk"] > 0)
            assert wait_for(lambda: dev.tier_info(NVME).capacity - used(dev)[NVME] >= 128)
            read = Delta(stats)
            assert all(raw.read(at) == stamp(at) for at in range(0, 128))
            assert read.tier(NVME)["swap_in"] == 0
            raw.write(3200, b"".join(map(stamp, range(3200, 3216))))
            assert all(raw.read(at) == stamp(at) for at in range(3200, 3216))
            assert read.tier(NVME)["swap_in"] == 16
            assert all(raw.read(at) == stamp(at) for at in range(128, 3200))


class TestSwap:
    """In use."""

    def test_larger_than_memory(self, dev, group, stats):
        """Each page comes back as it was, from whichever store."""
        delta = Delta(stats)
        with tiers_of(dev, {NVME: 600, SSD: 900, HDD: 5000}), swapping(dev, 6000):
            finished(swapper(group, 5000, 1, 1))
            assert group.events()["oom_kill"] == 0
            counters = [delta.tier(tier) for tier in STORES]
            assert all(one["swap_out"] + one["swap_in"] > 0 for one in counters)
            assert counters[0]["swap_sunk"] > 0
            assert wait_for(lambda: sum(used(dev)) <= KEPT)

    def test_huge_pages(self, dev, group):
        with tiers_of(dev, {NVME: 1000, SSD: 2000, HDD: 6000}), swapping(dev, 8000):
            finished(swapper(group, "--huge", 4500, 1, 2))

    def test_what_comes_back_leaves_the_slow_store(self, dev, group, stats):
        """Read from the slowest store and pushed out again, it is in the fastest."""
        def work():
            memory = Memory(1200)
            memory.write(range(1200))
            push_out(group)
            assert wait_for(lambda: used(dev)[HDD] > 200)
            first = Delta(stats)
            assert memory.wrong(range(150)) == []
            read = first.tier(HDD)["swap_in"]
            assert 0 < dev.swap_info().spare[HDD] <= read
            push_out(group)
            again = Delta(stats)
            assert memory.wrong(range(150)) == []
            return read, again.tier(HDD)["swap_in"]

        with tiers_of(dev, {NVME: 1024, SSD: 16, HDD: 2048}), swapping(dev, 2000):
            read, again = within(group, work)
        assert read > 30 and again < read // 4

    def test_nothing_is_written_again_that_should_not(self, dev, group):
        """By its parameter."""
        def work():
            memory = Memory(1200)
            memory.write(range(1200))
            push_out(group)
            assert wait_for(lambda: used(dev)[HDD] > 200)
            assert memory.wrong(range(150)) == []
            assert sum(dev.swap_info().spare) == 0

        with tiers_of(dev, {NVME: 1024, SSD: 16, HDD: 2048}), swapping(dev, 2000), \
                parameter("swap_rewrite", "N"):
            within(group, work)

    def test_a_slot_that_was_given_up_has_no_bytes(self, dev, group):
        """Its page is in memory, to be written again: what is read past that is an error."""
        def work():
            memory = Memory(1000)
            memory.write(range(1000))
            push_out(group)
            assert wait_for(lambda: used(dev)[SSD] > 200)
            assert memory.wrong(range(1000)) == []
            assert dev.swap_info().spare[SSD] > 0
            dev.unbind(SSD)
            with Raw(mode=os.O_RDONLY) as raw:
                assert errno.EIO in [errno_of(raw.read, at) for at in range(1150)]
            bind(dev, SSD, 1200)
            push_out(group)
            assert memory.wrong(range(1000)) == []

        with tiers_of(dev, {NVME: 600, SSD: 1200, HDD: 1200}), swapping(dev, 1150):
            within(group, work)
            assert dev.swap_info().failed == 0

    def test_swapoff_under_load(self, dev, group):
        with tiers_of(dev, {NVME: 1000, SSD: 2000, HDD: 6000}), device(dev, 8000):
            subprocess.run(["mkswap", DISK], check=True, capture_output=True)
            subprocess.run(["swapon", DISK], check=True)
            with running(dev, group, 4000, 3, 1000):
                group.write("memory.max", "max")
                subprocess.run(["swapoff", DISK], check=True)
                assert sum(used(dev)) <= 1

    def test_killed_in_the_middle(self, dev, group):
        with tiers_of(dev, {NVME: 1000, SSD: 2000, HDD: 6000}), swapping(dev, 8000):
            for seed in range(4):
                with running(dev, group, 4000, seed, 1500):
                    pass
                # Pages that were being read or written stay in the swap cache, with their
                # slots, until reclaim comes by.
                assert wait_for(lambda: reclaim(group) or sum(used(dev)) <= KEPT, 30), used(dev)

    def test_a_store_is_unbound_under_load(self, dev, group):
        with tiers_of(dev, {NVME: 2000, SSD: 4000, HDD: 8000}), swapping(dev, 6000):
            with running(dev, group, 5000, 4, 2000):
                for tier, pages in ((NVME, 2000), (SSD, 4000), (NVME, 2000)):
                    dev.unbind(tier)
                    assert used(dev)[tier] == 0
                    bind(dev, tier, pages)

    def test_beside_regions(self, dev, group, make):
        """Both fill the same stores; neither's pages are taken for the other's."""
        with tiers_of(dev, {CPU: 600, NVME: 1500, SSD: 2000, HDD: 9000}), swapping(dev, 6000):
            program = swapper(group, 4000, 1, 5)
            region, mapping = make(2500)
            for at in range(2500):
                mapping.write(at * PAGE, stamp(at)[:64])
            assert all(mapping.read(at * PAGE, 64) == stamp(at)[:64] for at in range(2500))
            finished(program)
            assert region.info().lost == 0


@pytest.fixture(name="fails")
def failing_ssd(dev):
    """The SSD tier on a device whose table can be exchanged; no other has room."""
    sectors = 8 * (1000 + tw.TW_STORE_DATA // PAGE)
    with Loop(sectors * 512) as loop:
        good = [(0, sectors, "linear", f"{loop.path} 0")]
        with Mapper(good) as mapper:
            format_store(mapper.path)
            with tiers_of(dev, {NVME: 16, HDD: 16}):
                bind(dev, SSD, 0, mapper.path)
                yield mapper, good, [(0, sectors, "error", "")]
                mapper.load(good)
                dev.unbind(SSD)


class TestFailures:
    """A device that fails costs the pages it had, each with its program, and no others."""

    def test_a_wrong_byte_is_no_data(self, dev, stats):
        with tiers_of(dev, {NVME: 400, SSD: 16, HDD: 16}), device(dev, 300), Raw() as raw:
            raw.write(20, b"".join(map(stamp, range(20, 30))))
            path = store_path(NVME)
            offset = find_on_disk(path, stamp(24), 400)
            write_direct(path, offset, b"X" + stamp(24)[1:])
            delta = Delta(stats)
            assert errno_of(raw.read, 24) == errno.EILSEQ
            assert raw.read(23) == stamp(23) and raw.read(25) == stamp(25)
            assert dev.swap_info().failed == 1
            assert wait_for(lambda: delta.tier(NVME)["io_errors"] == 1)
            raw.write(24, stamp(24, 1))
            assert raw.read(24) == stamp(24, 1)

    def test_the_program_gets_sigbus(self, dev, group):
        ready, go = Reached(), Reached()

        def work():
            group.enter()
            memory = Memory(64)
            memory.write(range(64))
            ready.set()
            go.wait()
            # Its neighbours may be read in the same request, which fails as a whole.
            assert memory.read(8) == memory.page(8)
            ready.set(2)
            memory.read(40)

        with tiers_of(dev, {NVME: 4000, SSD: 16, HDD: 16}), swapping(dev, 3900):
            child = Child(work)
            ready.wait()
            push_out(group)
            wanted = (b"40 1 " * 1100)[:PAGE]
            offset = find_on_disk(store_path(NVME), wanted, 4000)
            write_direct(store_path(NVME), offset, b"Y" + wanted[1:])
            go.set()
            assert child.wait() == -signal.SIGBUS
            assert ready.get() == 2 and dev.swap_info().failed == 1

    def test_reads_fail(self, dev, fails, stats):
        mapper, good, error = fails
        with device(dev, 300), Raw() as raw:
            raw.write(16, b"".join(map(stamp, range(16, 32))))
            raw.write(32, b"".join(map(stamp, range(32, 48))))
            mapper.load(error)
            delta = Delta(stats)

            def failing():
                """Which, unless what was on its way to the SSD has just got there."""
                there, before = used(dev), dev.swap_info().failed
                failed = [at for at in range(16, 48) if errno_of(raw.read, at) == errno.EIO]
                assert dev.swap_info().failed - before == len(failed)
                return used(dev) == there and len(failed) == there[SSD] > 0

            assert wait_for(failing)
            assert wait_for(lambda: delta.tier(SSD)["io_errors"] >= dev.swap_info().failed)
            mapper.load(good)
            assert all(raw.read(at) == stamp(at) for at in range(16, 48))

    def test_what_is_on_its_way_does_not_change(self, dev, fails, group, stats):
        """A page that is changed while it is written out is another one: in the slot is
        what the checksum is of."""
        mapper = fails[0]
        ready, go = Reached(), Reached()

        def work():
            group.enter()
            memory = Memory(64)
            memory.write(range(64))
            ready.set()
            go.wait()
            memory.map.madvise(MADV_PAGEOUT)
            there = used(dev)[SSD]
            memory.write(range(64))
            ready.set(2)
            go.wait(2)
            return there, memory.wrong(range(64))

        delta = Delta(stats)
        with swapping(dev, 900):
            child = Child(work)
            ready.wait()
            mapper.suspend()
            try:
                go.set()
                ready.wait(2)
            finally:
                mapper.resume()
            bind_more(dev)
            dev.unbind(SSD)
            go.set(2)
            there, wrong = child.result()
            assert there > 32 and wrong == []
            assert dev.swap_info().failed == delta.tier(SSD)["io_errors"] == 0
            bind(dev, SSD, 0, mapper.path)

    def test_writes_go_elsewhere(self, dev, fails, stats):
        """The first one fails, of a program's or of the driver's; then another store is taken."""
        mapper, good, error = fails
        with device(dev, 300), Raw() as raw:
            raw.write(0, b"".join(map(stamp, range(16))))
            mapper.load(error)
            delta, outcome = Delta(stats), {}
            for at in range(16, 40):
                outcome[at] = errno_of(raw.write, at, stamp(at, 1))
                if delta.tier(SSD)["io_errors"]:
                    break
            assert set(outcome.values()) <= {0, errno.EIO}
            assert wait_for(lambda: delta.tier(SSD)["io_errors"] > 0)
            assert errno_of(raw.write, 41, stamp(41, 1)) == 0
            mapper.load(good)
            assert raw.read(41) == stamp(41, 1)

    def test_unbinding_what_cannot_be_read(self, dev, fails):
        mapper, good, error = fails
        with device(dev, 20 + 256), Raw() as raw:
            raw.write(16, b"".join(map(stamp, range(16, 32))))
            raw.write(32, b"".join(map(stamp, range(32, 48))))
            there = used(dev)
            mapper.load(error)
            bind_more(dev)
            assert errno_of(dev.unbind, SSD) == errno.EIO
            dev.unbind(SSD, tw.TW_UNBIND_FORCE)
            lost = [at for at in range(16, 48) if errno_of(raw.read, at) == errno.EIO]
            assert len(lost) == there[SSD] and used(dev)[SSD] == 0
            raw.write(lost[0], stamp(lost[0], 1))
            assert raw.read(lost[0]) == stamp(lost[0], 1)
            mapper.load(good)
            bind(dev, SSD, 0, mapper.path)


def bind_more(dev):
    """Room for what leaves the SSD tier."""
    dev.unbind(HDD)
    bind(dev, HDD, 1000)


@contextmanager
def meanwhile(mapper, *calls):
    """Each call in a thread of its own, until all have returned; they wait for the mapper."""
    with ThreadPoolExecutor(len(calls)) as pool:
        try:
            yield [pool.submit(*call) for call in calls]
        except BaseException:
            mapper.resume()
            raise


def write_all(first, pages, turn):
    """By a file of its own, so that it can wait alone."""
    with Raw() as raw:
        raw.write(first, b"".join(stamp(at, turn) for at in range(first, first + pages)))


class TestMoves:
    """The store that pages are moved from hangs: what is done to them meanwhile is done."""

    def test_written_while_it_is_moved(self, dev, fails):
        """To the slot that it has, as it is read there, too."""
        mapper = fails[0]
        with device(dev, 300), Raw() as raw, Raw() as reader:
            write_all(32, 16, 0)
            write_all(48, 16, 0)
            bind_more(dev)
            mapper.suspend()
            with meanwhile(mapper, (dev.unbind, SSD)) as (unbinds,):
                time.sleep(0.5)
                with meanwhile(mapper, (reader.read, 48, 16)) as (reads,):
                    time.sleep(0.3)
                    with meanwhile(mapper, (write_all, 48, 16, 1)) as (writes,):
                        time.sleep(0.3)
                        mapper.resume()
            unbinds.result()
            writes.result()
            reads.exception()       # of what is being written, either is right
            assert used(dev)[SSD] == 0
            assert [at for at in range(32, 64) if raw.read(at) != stamp(at, at // 48)] == []
            bind(dev, SSD, 0, mapper.path)

    def test_replaced_while_it_is_moved(self, dev, fails):
        """Its slot is nobody else's before the move has ended, and then somebody's once."""
        mapper = fails[0]
        turn = [0] * 976
        with device(dev, 1012), Raw() as raw:
            for at in range(0, 960, 16):
                write_all(at, 16, 0)
            bind_more(dev)      # no page goes there before one more is written
            mapper.suspend()
            again = range(0, 208, 16)
            with meanwhile(mapper, (write_all, 960, 16, 0)):
                time.sleep(0.5)     # the oldest are on their way
                with meanwhile(mapper, *((write_all, at, 16, 1) for at in again)) as writes:
                    time.sleep(0.5)
                    mapper.resume()
            for call in writes:
                call.result()
            turn[:208] = [1] * 208
            for at in range(400, 608, 16):
                write_all(at, 16, 2)
                turn[at:at + 16] = [2] * 16
            wrong = [at for at in range(976) if raw.read(at) != stamp(at, turn[at])]
            assert wrong == [] and dev.swap_info().failed == 0


class TestCallers:
    def test_only_an_administrator(self, dev):
        def work():
            with tw.Device() as device_:
                return [errno_of(device_.swap_create, 1000), errno_of(device_.swap_destroy),
                        device_.swap_info().pages]

        with device(dev, 1000):
            assert run_user(work) == [errno.EPERM, errno.EPERM, 1000]

    def test_size(self, dev):
        with device(dev, tw.TW_SWAP_PAGES_MIN):
            assert device_bytes(str(DISK)) == tw.TW_SWAP_PAGES_MIN * PAGE
