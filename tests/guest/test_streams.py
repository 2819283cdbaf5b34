# SPDX-License-Identifier: GPL-2.0
"""Event streams: their mapping, readers, losses, waking, and what the events say."""

import ctypes
import errno
import mmap
import os
import select
import signal
import threading
import time
from pathlib import Path

import pytest

import tw
from support import (CLONE_NEWPID, CLONE_NEWUSER, NOBODY, Child, Iovec, Pin, Reached, device_gid,
                     errno_of, fill, lend, place, refused, run_child, run_user, touch_fate,
                     wait_for, wrong)
from tw import CPU, GPU, HDD, NVME, PAGE, SSD, TIERS

FAULT = tw.TW_EVENT_BIT(tw.TW_EVENT_FAULT)
MIGRATE = tw.TW_EVENT_BIT(tw.TW_EVENT_MIGRATE)
CPUS = Path("/sys/devices/system/cpu")


class TestMapping:
    def test_header(self, dev, stream):
        one = stream(events=256)
        header, info = one.header, one.info()
        assert header.version == tw.TW_STREAM_VERSION
        assert 1 <= header.compat_version <= header.version
        assert header.nr_rings == info.nr_rings == dev.info().nr_cpus
        assert header.events == info.events == 256
        assert header.event_size == tw.sizeof(tw.Event)
        assert header.size == one.map_size == info.map_size and header.reserved == 0
        assert info.mask == tw.TW_EVENT_ALL
        assert header.ring_offset >= tw.sizeof(tw.StreamHeader)
        assert header.event_offset >= tw.sizeof(tw.RingHeader)
        assert header.ring_stride >= header.event_offset + 256 * 64
        assert header.ring_offset + header.nr_rings * header.ring_stride <= header.size
        assert (header.ring_offset | header.ring_stride | header.event_offset) % 64 == 0

    def test_rings(self, stream):
        one = stream()
        online = (CPUS / "online").read_text().strip()
        for cpu in range(one.header.nr_rings):
            assert one.ring(cpu).cpu == cpu and one.ring(cpu).online == 1, online

    def test_read_only(self, stream):
        one = stream()
        for prot in (tw.PROT_WRITE, tw.PROT_RW):
            with refused((errno.EACCES, errno.EPERM)):
                tw.Mapping.map(one.fd, one.map_size, prot)
        with refused((errno.EACCES, errno.EPERM)):
            one.map.protect(tw.PROT_RW)
        assert touch_fate(one.map, 0, write=True) == -signal.SIGSEGV

    def test_not_writable_by_other_ways(self, stream):
        """ptrace-like access honours the mapping's protection too."""
        one = stream()
        before = one.map.read(0, 64)
        with open(f"/proc/{os.getpid()}/mem", "r+b", buffering=0) as memory:
            memory.seek(one.map.addr)
            assert errno_of(memory.write, b"overwritten") != 0
        assert one.map.read(0, 64) == before

    def test_bounds(self, stream):
        one = stream()
        for offset, length in ((0, one.map_size + PAGE), (one.map_size, PAGE),
                               (tw.TW_STREAM_CTL_OFFSET, 2 * PAGE),
                               (tw.TW_STREAM_CTL_OFFSET + PAGE, PAGE),
                               (tw.TW_STREAM_CTL_OFFSET - PAGE, PAGE)):
            with refused((errno.EINVAL, errno.ENXIO)):
                tw.Mapping.map(one.fd, length, tw.PROT_READ, offset=offset)

    def test_two_mappings(self, stream, make):
        one = stream(FAULT)
        with tw.Mapping.map(one.fd, one.map_size, tw.PROT_READ) as again:
            make(4, touched=4)
            assert again.read() == one.map.read()

    def test_outlives_the_fd(self, dev, stats):
        """A mapping holds the stream."""
        one = dev.stream(FAULT)
        os.close(one.fd)
        assert stats.objects()["streams"] == 1
        with dev.region(PAGE) as region, region.map() as mapping:
            mapping.write(0, b"x")
        assert len(one.reader().read()) == 1
        one.map.unmap()
        assert wait_for(lambda: not stats.objects()["streams"])

    def test_memory_is_accounted(self, dev, stats):
        with dev.stream(events=1024) as one:
            least = 1024 * 64 * len(one.rings())
            assert least <= stats.objects()["stream_bytes"] <= 2 * least + (1 << 16)
        assert wait_for(lambda: not stats.objects()["stream_bytes"])

    def test_forked_reader(self, stream, make):
        one = stream(FAULT)
        make(4, touched=4)
        assert run_child(lambda: len(one.reader().read())) == 4

    @pytest.mark.parametrize("events", [64, 128, 1 << 16])
    def test_sizes(self, stream, events):
        assert stream(events=events).header.events == events

    def test_fresh_stream_is_empty(self, make, stream):
        make(4, touched=4)
        one = stream()
        assert one.heads() == 0 and one.reader().read() == []


class TestEvents:
    def test_first_touch(self, make, stream):
        reader = stream(FAULT).reader()
        region, mapping = make(8)
        before = time.monotonic_ns()
        mapping.write(3 * PAGE + 8, b"x")
        mapping.read(5 * PAGE + 16, 1)
        after = time.monotonic_ns()
        write, read = reader.read()
        for event, index, flags, shift in (
                (write, 3, tw.TW_FAULT_WRITE | tw.TW_FAULT_FIRST, 8),
                (read, 5, tw.TW_FAULT_FIRST, 16)):
            assert event.type == tw.TW_EVENT_FAULT and event.status == 0
            assert event.page == region.page(index) and event.flags == flags
            assert event.tier == event.to_tier == CPU
            assert event.addr & ~(PAGE - 1) == mapping.addr + index * PAGE
            assert event.addr in (mapping.addr + index * PAGE + shift,
                                  mapping.addr + index * PAGE)
            assert event.pid == threading.get_native_id()
            assert event.agent == region.info().agent and event.reserved == 0
            assert before <= event.time_ns <= after
            assert 0 < event.latency_ns <= after - before
        assert write.time_ns <= read.time_ns

    @pytest.mark.parametrize("tier", [NVME, SSD, HDD])
    def test_major(self, make, stream, tier):
        region, mapping = make(2, touched=2)
        place(region, 0, 2, tier)
        reader = stream(FAULT | MIGRATE).reader()
        mapping.write(0, b"x")
        events = reader.read()
        (fault,) = [event for event in events if event.type == tw.TW_EVENT_FAULT]
        assert (fault.tier, fault.to_tier) == (tier, CPU)
        assert fault.flags == tw.TW_FAULT_WRITE | tw.TW_FAULT_MAJOR
        assert fault.page == region.page(0) and fault.latency_ns > 0
        (move,) = [event for event in events if event.type == tw.TW_EVENT_MIGRATE
                   and event.page == region.page(0)]
        assert (move.tier, move.to_tier, move.reason, move.status) == \
            (tier, CPU, tw.TW_REASON_FAULT, 0)

    def test_minor(self, make, stream):
        """A page that has moved between memory tiers is found where it is."""
        region, mapping = make(1, touched=1)
        place(region, 0, 1, GPU)
        reader = stream(FAULT).reader()
        mapping.read(0, 1)
        (fault,) = reader.read()
        assert (fault.tier, fault.to_tier, fault.flags) == (GPU, GPU, 0)

    def test_no_event_without_a_fault(self, make, stream):
        _, mapping = make(4, touched=4)
        reader = stream().reader()
        for _ in range(10):
            mapping.write(0, b"x")
            mapping.read(PAGE, 8)
        assert [event for event in reader.read() if event.type == tw.TW_EVENT_FAULT] == []

    @pytest.mark.parametrize("target", [GPU, NVME, HDD])
    def test_migrate(self, make, stream, target):
        region, _ = make(4, touched=4)
        reader = stream(MIGRATE).reader()
        place(region, 0, 4, target)
        events = reader.read()
        assert [event.page for event in events] == [region.page(index) for index in range(4)] or \
            {event.page for event in events} == {region.page(index) for index in range(4)}
        for event in events:
            assert (event.tier, event.to_tier, event.status) == (CPU, target, 0)
            assert event.reason == tw.TW_REASON_MANUAL
            assert event.pid == threading.get_native_id()
            assert event.agent == region.info().agent
        assert len(events) == 4

    def test_failed_migrate(self, make, stream):
        region, mapping = make(1, touched=1)
        reader = stream(MIGRATE).reader()
        with Pin(mapping.addr):
            region.migrate(0, PAGE, GPU)
        for event in reader.read():
            assert event.status == -errno.EBUSY and event.page == region.page(0)

    def test_kernel_access_is_a_fault(self, make, stream):
        """A page that a system call touches first."""
        region, mapping = make(1)
        reader = stream(FAULT).reader()
        out, into = os.pipe()
        os.write(into, b"12345678")
        assert tw.check(tw.libc.read(out, mapping.addr, 8)) == 8
        os.close(out)
        os.close(into)
        (event,) = reader.read()
        assert event.page == region.page(0) and event.flags & tw.TW_FAULT_FIRST

    def test_other_process(self, make, stream):
        reader = stream(FAULT).reader()
        _, mapping = make(4)
        child = Child(fill, mapping, range(4), 1)
        pid = child.pid
        child.result()
        assert [event.pid for event in reader.read()] == [pid] * 4


class TestMask:
    @pytest.mark.parametrize("kind", range(1, tw.TW_NR_EVENTS))
    def test_only_what_is_asked_for(self, make, dev, stream, kind):
        reader = stream(tw.TW_EVENT_BIT(kind)).reader()
        with dev.agent(1) as agent:
            region, mapping = make(4, touched=4, agent=agent)
            place(region, 0, 2, NVME)
            assert len(wrong(mapping, range(4), 0)) == 0
        events = reader.read()
        assert {event.type for event in events} <= {kind}
        if kind in (tw.TW_EVENT_FAULT, tw.TW_EVENT_MIGRATE, tw.TW_EVENT_AGENT_CREATED):
            assert events

    def test_two_masks(self, make, stream):
        faults, moves = stream(FAULT).reader(), stream(MIGRATE).reader()
        region, _ = make(8, touched=8)
        place(region, 0, 8, GPU)
        assert len(faults.read()) == 8 and len(moves.read()) == 8


class TestReaders:
    def test_two_consumers(self, make, stream):
        """Each with its own cursor; nothing is consumed."""
        one = stream(FAULT)
        first, second = one.reader(), one.reader()
        _, mapping = make(64)
        fill(mapping, range(20), 1)
        assert len(first.read()) == 20
        fill(mapping, range(20, 64), 1)
        assert len(first.read()) == 44
        pages = [event.page for event in second.read()]
        assert len(pages) == len(set(pages)) == 64
        assert (first.seen, first.lost) == (second.seen, second.lost) == (64, 0)

    def test_exact_loss(self, make, stream, one_cpu):
        """A reader that comes late knows how much it has missed."""
        one = stream(FAULT, events=64)
        fast, slow = one.reader(), one.reader()
        region, mapping = make(1000)
        for first in range(0, 1000, 50):
            fill(mapping, range(first, first + 50), 1)
            got = fast.read()
            assert [tw.TW_PAGE_INDEX(event.page) for event in got] == \
                list(range(first, first + 50))
        assert (fast.seen, fast.lost) == (1000, 0)
        assert one.ring(one_cpu).head == 1000 == one.heads()
        got = slow.read()
        assert (slow.seen, slow.lost) == (64, 936)
        assert [event.page for event in got] == [region.page(index) for index in range(936, 1000)]

    def test_loss_of_a_reader_in_the_middle(self, make, stream, one_cpu):
        one = stream(FAULT, events=128)
        reader = one.reader()
        _, mapping = make(600)
        fill(mapping, range(100), 1)
        assert len(reader.read()) == 100
        fill(mapping, range(100, 600), 1)
        got = reader.read()
        assert len(got) == 128 and reader.lost == 500 - 128
        assert reader.seen + reader.lost == one.ring(one_cpu).head == 600
        fill(mapping, [], 1)
        assert reader.read() == []

    def test_sequence_numbers(self, make, stream, one_cpu):
        one = stream(FAULT, events=64)
        _, mapping = make(200)
        fill(mapping, range(10), 1)
        for number in range(64):
            seq = one.slot(one_cpu, number).seq
            assert seq == (2 * number + 2 if number < 10 else 0)
        fill(mapping, range(10, 200), 1)
        for number in range(200 - 64, 200):
            assert one.slot(one_cpu, number).seq == 2 * number + 2

    @pytest.mark.at_once
    def test_no_torn_event(self, stream, make):
        """A reader that validates never sees a mixture, however fast it is lapped."""
        one = stream(FAULT, events=64)
        _, mapping = make(16)
        region_page = None
        stop = Reached()

        def producer():
            while not stop.get():
                fill(mapping, range(16), 1)
                mapping.advise(tw.MADV_DONTNEED)

        child = Child(producer)
        reader = one.reader()
        until = time.monotonic() + 3
        seen = 0
        while time.monotonic() < until:
            for event in reader.read():
                seen += 1
                index = tw.TW_PAGE_INDEX(event.page)
                region_page = region_page or event.page - index
                assert event.page == region_page + index and index < 16
                assert event.addr & ~(PAGE - 1) == mapping.addr + index * PAGE
                assert event.pid == child.pid and event.type == tw.TW_EVENT_FAULT
        stop.set()
        child.result()
        reader.read()
        assert seen > 100
        assert reader.seen + reader.lost == one.heads()

    def test_two_producers(self, stream, make):
        """Per-CPU rings: nothing is lost between two busy CPUs."""
        one = stream(FAULT, events=1024)
        _, mapping = make(400)

        def work(cpu, pages):
            os.sched_setaffinity(0, {cpu})
            fill(mapping, pages, 1)

        cpus = sorted(os.sched_getaffinity(0))[:2]
        children = [Child(work, cpu, range(number * 200, number * 200 + 200))
                    for number, cpu in enumerate(cpus)]
        for child in children:
            child.result()
        reader = one.reader()
        events = reader.read()
        assert len(events) == 400 and reader.lost == 0
        assert len({event.page for event in events}) == 400
        assert [one.ring(cpu).head for cpu in cpus] == [200, 200]
        times = [event.time_ns for event in events]
        assert times == sorted(times)

    def test_many_streams(self, stream, make):
        streams = [stream(FAULT, events=64) for _ in range(10)]
        make(30, touched=30)
        assert [len(one.reader().read()) for one in streams] == [30] * 10


class TestPoll:
    @staticmethod
    def ready(one, timeout=0.0) -> bool:
        poll = select.poll()
        poll.register(one.fd, select.POLLIN)
        return bool(poll.poll(timeout * 1000))

    def test_nothing_yet(self, stream):
        one = stream(FAULT)
        assert not self.ready(one, 0.05)

    def test_default_watermark_is_one(self, stream, make):
        one = stream(FAULT)
        _, mapping = make(4)
        mapping.write(0, b"x")
        assert self.ready(one, 2)

    @pytest.mark.parametrize("watermark", [1, 10, 50])
    def test_watermark(self, stream, make, one_cpu, watermark):
        one = stream(FAULT)
        one.ctl().watermark = watermark
        _, mapping = make(64)
        fill(mapping, range(watermark - 1), 1)
        assert not self.ready(one, 0.05)
        fill(mapping, [watermark - 1], 1)
        assert self.ready(one, 2)
        one.ctl().cursor[one_cpu] = one.ring(one_cpu).head
        assert not self.ready(one)

    def test_wakes_a_sleeper(self, stream, make):
        """poll() that sleeps already is woken, not only answered."""
        one = stream(FAULT)
        one.ctl().watermark = 5
        _, mapping = make(64)
        go = Reached()

        def sleeper():
            go.set()
            start = time.monotonic()
            return self.ready(one, 30), time.monotonic() - start

        child = Child(sleeper)
        go.wait()
        assert wait_for(lambda: open(f"/proc/{child.pid}/stat", encoding="ascii")
                        .read().rpartition(")")[2].split()[0] == "S")
        for index in range(64):
            fill(mapping, [index], 1)
        woken, after = child.result()
        assert woken and after < 20

    def test_epoll(self, stream, make):
        one = stream(FAULT)
        _, mapping = make(4)
        epoll = select.epoll()
        epoll.register(one.fd, select.EPOLLIN)
        assert epoll.poll(0.02) == []
        mapping.write(0, b"x")
        assert [fd for fd, _ in epoll.poll(2)] == [one.fd]
        epoll.close()

    def test_events_out_of_the_mask_do_not_wake(self, stream, make):
        one = stream(MIGRATE)
        make(8, touched=8)
        assert not self.ready(one, 0.05)


class TestControlPage:
    def test_lies_are_harmless(self, stream, make):
        """Whatever a reader writes there: poll() answers, producers go on."""
        one = stream(FAULT, events=64)
        reader = one.reader()
        ctl = one.ctl()
        _, mapping = make(200)
        done = 0
        for watermark in (0, 1, 64, 65, 1 << 31, (1 << 32) - 1):
            for cursor in (0, 1, 1 << 32, 1 << 63, (1 << 64) - 1):
                ctl.watermark, ctl.reserved = watermark, (1 << 32) - 1
                for cpu in range(tw.TW_STREAM_CTL_CURSORS):
                    ctl.cursor[cpu] = cursor
                TestPoll.ready(one)
                fill(mapping, [done], 1)
                done += 1
        assert len(reader.read()) == done == 30
        assert one.header.events == 64

    def test_is_private_to_poll(self, stream, make):
        """Cursors there do not change what is published."""
        one = stream(FAULT)
        one.ctl().cursor[0] = one.ctl().cursor[1] = 1000
        make(4, touched=4)
        assert len(one.reader().read()) == 4

    def test_shared_by_mappings(self, stream):
        one = stream()
        one.ctl().watermark = 12
        with tw.Mapping.map(one.fd, PAGE, offset=tw.TW_STREAM_CTL_OFFSET) as again:
            assert again.view(tw.StreamCtl).watermark == 12

    def test_starts_as_zeroes(self, stream):
        one = stream()
        one.ctl()
        assert one.ctl_map.read() == bytes(PAGE)

    @pytest.mark.at_once
    def test_changed_by_another_thread(self, stream, make):
        """Written while poll() reads it."""
        one = stream(FAULT)
        ctl = one.ctl()
        stop = threading.Event()

        def scribble():
            value = 0
            while not stop.is_set():
                value = (value * 6364136223846793005 + 1442695040888963407) % (1 << 64)
                ctl.watermark = value >> 32
                ctl.cursor[0] = value

        thread = threading.Thread(target=scribble)
        thread.start()
        _, mapping = make(64)
        for index in range(64):
            fill(mapping, [index], 1)
            TestPoll.ready(one)
        stop.set()
        thread.join()
        assert len(one.reader().read()) == 64


class TestAgentStream:
    def test_only_its_agent(self, dev, make, stream):
        with dev.agent(1) as one, dev.agent(2) as two:
            first, second = stream(agent=one).reader(), stream(agent=two).reader()
            everything = stream(FAULT | MIGRATE).reader()
            _, a = make(5, agent=one)
            region, b = make(7, agent=two)
            _, c = make(3)
            for mapping, count in ((a, 5), (b, 7), (c, 3)):
                fill(mapping, range(count), 1)
            place(region, 0, 7, GPU)
            mine, theirs = first.read(), second.read()
            assert [event.type for event in mine] == [tw.TW_EVENT_FAULT] * 5
            assert sorted(event.type for event in theirs) == \
                [tw.TW_EVENT_FAULT] * 7 + [tw.TW_EVENT_MIGRATE] * 7
            assert {event.agent for event in mine} == {1}
            assert {event.agent for event in theirs} == {2}
            assert {event.pid for event in mine + theirs} == {0}
            events = everything.read()
            assert len(events) == 22
            assert {event.pid for event in events} == {threading.get_native_id()}

    def test_knows_nothing_of_the_others(self, dev, make, stream):
        """Faults of others leave no trace in an agent's rings."""
        with dev.agent(1) as one:
            listener = stream(agent=one, events=64)
            make(200, touched=200)
            assert listener.heads() == 0

    def test_outlives_its_agent(self, dev, stream, stats):
        agent = dev.agent(3)
        one = stream(FAULT | tw.TW_EVENT_BIT(tw.TW_EVENT_AGENT_ENDED), agent=agent)
        with dev.region(PAGE, agent=agent) as region, region.map() as mapping:
            mapping.write(0, b"x")
        agent.close()
        assert wait_for(lambda: stats.objects()["agents"] == 0)
        kinds = [event.type for event in one.reader().read()]
        assert kinds[0] == tw.TW_EVENT_FAULT and one.info().events == 1024

    @pytest.mark.at_once
    def test_end_wakes_a_sleeper(self, dev, stream):
        """Nothing will come any more: a reader that waits is told so."""
        agent = dev.agent(4)
        one, asleep = stream(FAULT, agent=agent), Reached()
        poll = select.poll()
        poll.register(one.fd, select.POLLIN)
        assert poll.poll(0) == []
        agents = []

        def sleeper():
            asleep.set()
            agents.extend(poll.poll(60000))

        thread = threading.Thread(target=sleeper)
        thread.start()
        asleep.wait()
        agent.close()
        thread.join()
        assert agents == [(one.fd, select.POLLHUP)]
        assert poll.poll(0) == [(one.fd, select.POLLHUP)]

    def test_of_a_user(self):
        """A user sees his own agent's faults, in another of his processes too."""
        def work():
            with tw.Device() as device, device.agent(1) as agent:
                with device.stream(FAULT, agent=agent) as one:
                    with device.region(4 * PAGE, agent=agent) as region:
                        with region.map() as mapping:
                            run_child(fill, mapping, range(4), 1)
                    return [(event.pid, event.tier) for event in one.reader().read()]
        assert run_user(work) == [(0, CPU)] * 4


class TestAddresses:
    """Where others have mapped a region is not told to those who listen to its agent."""

    @staticmethod
    def listen(uid: int, other) -> dict[int, int]:
        """A user's stream: index -> address of each page touched; 0 is his own touch.

        other(region's fd, pid) touches page 1 from elsewhere."""
        ready, touched = Reached(), Reached()

        def listener():
            with tw.Device() as device, device.agent(1) as agent, \
                    device.stream(FAULT, agent=agent) as one, \
                    device.region(4 * PAGE, agent=agent) as region, region.map() as mapping:
                mapping.write(0, b"x")
                ready.set(region.fd)
                touched.wait()
                events = one.reader().read()
                own = mapping.addr
            return {tw.TW_PAGE_INDEX(event.page): (event.addr, event.addr == own)
                    for event in events}

        child = Child(listener, uid=uid, gid=uid, groups=[device_gid()])
        ready.wait()
        other(ready.get(), child.pid)
        touched.set()
        return child.result()

    @staticmethod
    def touch_passed_on(fd: int, pid: int) -> None:
        """The region's fd, as it would come through a socket; mapped and touched by us."""
        mine = lend(fd, pid)
        try:
            with tw.Mapping.map(mine, 4 * PAGE) as mapping:
                mapping.write(PAGE, b"y")
        finally:
            os.close(mine)

    def test_not_of_others(self):
        """A user hears of root's touch of his region, not where root has mapped it."""
        seen = self.listen(NOBODY, self.touch_passed_on)
        assert seen == {0: (seen[0][0], True), 1: (0, False)} and seen[0][0]

    def test_to_the_privileged(self):
        """Who might look into the toucher's memory anyway is told."""
        seen = self.listen(0, self.touch_passed_on)
        assert seen[0][1] and seen[1][0] and seen[1][0] % PAGE == 0

    def test_own_touched_from_outside(self):
        """A debugger's access to his mapping is at his address."""
        def peek(_fd: int, pid: int) -> None:
            maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
            start = next(int(line.split("-")[0], 16) for line in maps if "[tierwatch]" in line)
            local = ctypes.create_string_buffer(1)
            iov = (Iovec(ctypes.addressof(local), 1), Iovec(start + PAGE, 1))
            got = tw.libc.process_vm_readv(pid, ctypes.byref(iov[0]), ctypes.c_ulong(1),
                                           ctypes.byref(iov[1]), ctypes.c_ulong(1),
                                           ctypes.c_ulong(0))
            assert tw.check(got) == 1
        seen = self.listen(NOBODY, peek)
        assert seen[1][0] == seen[0][0] + PAGE

    def test_in_a_user_namespace(self):
        """To be root in a namespace of one's own is no privilege over those outside."""
        ready, touched = Reached(), Reached()

        def inside():
            with tw.Device() as device:
                tw.check(tw.libc.unshare(CLONE_NEWUSER))
                with device.agent(1) as agent, device.stream(FAULT, agent=agent) as one, \
                        device.region(4 * PAGE, agent=agent) as region:
                    ready.set(region.fd)
                    touched.wait()
                    return [event.addr for event in one.reader().read()]

        child = Child(inside, uid=NOBODY, gid=NOBODY, groups=[device_gid()])
        ready.wait()
        self.touch_passed_on(ready.get(), child.pid)
        touched.set()
        assert child.result() == [0]


class TestOfflineCpu:
    @pytest.fixture
    def offline(self):
        """CPU 1 is off while the stream is made."""
        knob = CPUS / "cpu1" / "online"
        knob.write_text("0")
        yield knob
        if knob.read_text().strip() != "1":
            knob.write_text("1")

    def test_ring_appears_with_its_cpu(self, offline, stream, make):
        one = stream(FAULT)
        assert one.rings() == [0] and one.ring(1).online == 0
        assert touch_fate(one.map, one.header.ring_offset + one.header.ring_stride +
                          one.header.event_offset) == -signal.SIGBUS
        _, mapping = make(8)
        fill(mapping, range(4), 1)
        assert len(one.reader().read()) == 4
        offline.write_text("1")
        assert wait_for(lambda: one.ring(1).online) == 1
        os.sched_setaffinity(0, {1})
        try:
            fill(mapping, range(4, 8), 1)
        finally:
            os.sched_setaffinity(0, {0, 1})
        assert one.ring(1).head == 4
        assert len(one.reader().read()) == 8

    def test_ring_stays_when_its_cpu_goes(self, stream, make):
        one = stream(FAULT)
        _, mapping = make(8)
        os.sched_setaffinity(0, {1})
        fill(mapping, range(4), 1)
        os.sched_setaffinity(0, {0, 1})
        knob = CPUS / "cpu1" / "online"
        knob.write_text("0")
        try:
            fill(mapping, range(4, 8), 1)
            events = one.reader().read()
            assert len(events) == 8 and one.ring(1).online == 1
        finally:
            knob.write_text("1")
        os.sched_setaffinity(0, {0, 1})


@pytest.mark.at_once
def test_closed_while_published(dev, make):
    """Streams come and go under producers."""
    _, mapping = make(32)
    stop = Reached()

    def producer():
        while not stop.get():
            fill(mapping, range(32), 1)
            mapping.advise(tw.MADV_DONTNEED)

    child = Child(producer)
    for _ in range(40):
        with dev.stream(FAULT, events=64) as one:
            one.reader().read()
    stop.set()
    child.result()


def test_killed_reader(stats):
    """A consumer that dies in poll() leaves nothing."""
    go = Reached()

    def consumer():
        one = tw.Device().stream(MIGRATE)
        go.set()
        TestPoll.ready(one, 60)

    child = Child(consumer)
    go.wait()
    assert stats.objects()["streams"] == 1
    child.kill()
    child.wait()
    assert wait_for(lambda: not stats.objects()["streams"])


def test_events_of_every_tier(make, stream):
    """One page around all tiers, as the stream tells it."""
    region, mapping = make(1, touched=1)
    reader = stream(MIGRATE).reader()
    route = [CPU, GPU, NVME, SSD, HDD, NVME, GPU, HDD, CPU]
    for target in route[1:]:
        place(region, 0, 1, target)
    events = [(event.tier, event.to_tier) for event in reader.read()]
    assert events == list(zip(route, route[1:]))
    assert set(sum(events, ())) == set(TIERS)
    mapping.read(0, 1)


def test_pids_of_a_container(make, stream):
    """A thread in another pid namespace has its pid of the initial one."""
    _, mapping = make(2)
    reader = stream(FAULT).reader()

    def outer():
        tw.check(tw.libc.unshare(CLONE_NEWPID))
        pid = os.fork()
        if pid == 0:
            good = os.getpid() == 1
            mapping.write(0, b"x")
            os._exit(0 if good else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        return pid

    assert [event.pid for event in reader.read()] == []
    inner = run_child(outer)
    assert [event.pid for event in reader.read()] == [inner]


def test_mapping_by_python(stream, make):
    """Python's own mmap module reads a stream, too."""
    one = stream(FAULT)
    make(1, touched=1)
    with mmap.mmap(one.fd, one.map_size, mmap.MAP_SHARED, mmap.PROT_READ) as view:
        header = tw.StreamHeader.from_buffer_copy(view)
        assert header.version == tw.TW_STREAM_VERSION
        heads = sum(tw.RingHeader.from_buffer_copy(
            view, header.ring_offset + cpu * header.ring_stride).head
            for cpu in range(header.nr_rings))
    assert heads == 1


def test_group_member_cannot_borrow_everything(dev):
    """A stream of everything that root hands over works; making one does not."""
    with dev.stream(FAULT) as one:
        def work():
            view = tw.Mapping.map(one.fd, one.map_size, tw.PROT_READ)
            with tw.Device() as device:
                return view.view(tw.StreamHeader).version, errno_of(device.stream)
        child = Child(work, uid=NOBODY, gid=NOBODY, groups=[device_gid()])
        assert child.result() == (tw.TW_STREAM_VERSION, errno.EPERM)


def test_ctypes_views_do_not_copy(stream):
    """The reader's slots lie in the mapping: zero copies."""
    one = stream(FAULT)
    slot = one.slot(0, 0)
    assert one.map.addr <= ctypes.addressof(slot) < one.map.addr + one.map_size
