# SPDX-License-Identifier: GPL-2.0
"""As root, as a member of the device's group, as nobody, and with single capabilities."""

import ctypes
import errno
import os
import signal
from pathlib import Path

import pytest

import tw
from command import tw_run
from support import (CLONE_NEWUSER, NOBODY, OTHER, STORES, Child, Reached, _become,
                     be_traceable, device_gid, errno_of, fill, has_store, lend, pattern, refused,
                     run_child, run_user, store_path, wait_for, wrong)
from tw import CPU, GPU, NVME, PAGE, TIERS

CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_SYS_RESOURCE, CAP_PERFMON = 19, 21, 24, 38
PARAMETERS = Path("/sys/module/tier_watch/parameters")
PR_SET_KEEPCAPS = 8


class CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class CapData(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32),
                ("inheritable", ctypes.c_uint32)]


def with_caps(function, *caps):
    """Run as nobody in the device's group, with just these capabilities."""
    def work():
        tw.check(tw.libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
        _become(NOBODY, NOBODY, [device_gid()])
        data = (CapData * 2)()
        for cap in caps:
            data[cap // 32].effective |= 1 << cap % 32
            data[cap // 32].permitted |= 1 << cap % 32
        header = CapHeader(0x20080522, 0)
        tw.check(tw.libc.capset(ctypes.byref(header), ctypes.byref(data)))
        return function()
    return run_child(work)


class TestDeviceNode:
    def test_nobody(self):
        def work():
            return [errno_of(tw.Device, mode) for mode in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR)]
        assert run_child(work, uid=NOBODY, gid=NOBODY) == [errno.EACCES] * 3

    def test_group(self):
        def work():
            with tw.Device() as device:
                return device.info().abi_version
        assert run_user(work) == tw.TW_ABI_VERSION


class TestGroupMember:
    """What an ordinary user may do: everything with what is his."""

    def test_own_region(self):
        def work():
            with tw.Device() as device, device.region(16 * PAGE) as region:
                with region.map() as mapping:
                    fill(mapping, range(16), 1)
                    numbers = [region.page(index) for index in range(16)]
                    assert device.migrate(numbers, GPU).status == [0] * 16
                    assert device.migrate_range(mapping.addr, 16 * PAGE, NVME).moved == 16
                    assert region.migrate(0, 16 * PAGE, CPU).moved == 16
                    assert wrong(mapping, range(16), 1) == []
                    infos = device.page_info(numbers)
                    assert [page.status for page in infos] == [0] * 16
                    return {page.pfn for page in [*infos, *region.pages()]}
        assert run_user(work) == {0}, "no pfns without CAP_SYS_ADMIN"

    def test_own_stream(self):
        def work():
            with tw.Device() as device, device.agent(4) as agent:
                with device.stream(agent=agent) as stream:
                    with device.region(4 * PAGE, agent=agent) as region, region.map() as mapping:
                        fill(mapping, range(4), 1)
                    events = stream.reader().read()
                    return {event.pid for event in events}, len(events) >= 4
        assert run_user(work) == ({0}, True)

    def test_no_admin_calls(self, dev):
        def work():
            with tw.Device() as device:
                before = device.info().bound_mask
                found = {}
                for tier in TIERS:
                    found["unbind", tier] = errno_of(device.unbind, tier)
                    found["force", tier] = errno_of(device.unbind, tier, tw.TW_UNBIND_FORCE)
                    found["resize", tier] = errno_of(device.resize, tier, 64)
                    found["bind", tier] = errno_of(device.bind, tier)
                assert device.info().bound_mask == before
                return set(found.values())
        with_refusal = dev.info().bound_mask
        assert run_user(work) == {errno.EPERM}
        assert dev.info().bound_mask == with_refusal

    def test_a_bind_is_refused_before_the_device_is_looked_at(self):
        """EPERM whatever the fd: the errno tells nothing about somebody's file."""
        def work():
            with tw.Device() as device:
                return {errno_of(device.bind, NVME, fd) for fd in (-1, 0, device.fd, 999)}
        assert run_user(work) == {errno.EPERM}

    def test_no_stream_of_everything(self):
        def work():
            with tw.Device() as device:
                return errno_of(device.stream)
        assert run_user(work) == errno.EPERM

    def test_stats(self):
        """The totals are for everybody who may open the device."""
        def work():
            with tw.Device() as device:
                view = device.stats()
                return view.header.version, view.tier(CPU)["bound"]
        assert run_user(work) == (tw.TW_STATS_VERSION, 1)

    def test_pressure_and_info(self):
        def work():
            with tw.Device() as device:
                return (device.pressure(CPU).capacity > 0, device.tier_info(CPU).capacity > 0)
        assert run_user(work) == (True, True)


class Owner:
    """An ordinary user's process with a region of four pages, in memory."""

    NOTHING = ([-errno.ENOENT] * 4, [-errno.ENOENT] * 4, [-errno.ENOENT] * 4, errno.ENOENT,
               errno.ENOENT, 0, 0)

    def __init__(self, traceable: bool = True, namespace: bool = False):
        self.made, self.file, self.go, self.done = Reached(), Reached(), Reached(), Reached()
        self.child = Child(self.work, traceable, namespace, uid=NOBODY, gid=NOBODY,
                           groups=[device_gid()])
        self.made.wait()
        self.fd = self.file.get()
        self.numbers = [tw.TW_PAGE(self.made.get(), index) for index in range(4)]

    def work(self, traceable: bool, namespace: bool):
        """The process."""
        with tw.Device() as device:
            if namespace:
                tw.check(tw.libc.unshare(CLONE_NEWUSER))
            if traceable:
                be_traceable()
            with device.region(4 * PAGE) as region, region.map() as mapping:
                fill(mapping, range(4), 1)
                self.file.set(region.fd)
                self.made.set(region.id)
                for turn in range(1, 10):
                    self.go.wait(turn)
                    if self.go.get() > 100:
                        break
                    self.done.set(turn + sum(tier << 8 * (index + 1) for index, tier
                                             in enumerate(region.tiers())))
                return wrong(mapping, range(4), 1)

    def tiers(self) -> list[int]:
        """Where its pages are, as the process itself sees them."""
        turn = self.go.get() + 1
        self.go.set(turn)
        assert wait_for(lambda: self.done.get() & 255 == turn, 20)
        return [self.done.get() >> 8 * (index + 1) & 255 for index in range(4)]

    def tried(self, device) -> tuple:
        """All that numbers are good for: what each way in says; nothing is moved."""
        infos = device.page_info(self.numbers)
        mine = [page for temperature in range(tw.TW_NR_CLASSES)
                for page in device.page_list(temperature) if page.page in self.numbers]
        candidates = [one for one in device.candidates(CPU, NVME, 1000)
                      if one.page in self.numbers]
        return ([page.status for page in infos],
                [-errno.ENOENT if status == -errno.ENOENT else 0
                 for status in device.migrate(self.numbers, CPU).status],
                device.mark(self.numbers, tw.TW_CLASS_HOT).status,
                errno_of(device.report, self.numbers[0]),
                errno_of(device.request, [tw.Request(page=self.numbers[0], from_tier=tw.NONE,
                                                     to_tier=CPU)], tw.TW_REQUEST_WAIT),
                len(mine), len(candidates))

    def __enter__(self) -> "Owner":
        return self

    def __exit__(self, *_exc) -> None:
        self.go.set(1000)
        assert self.child.result() == []


class TestOthersPages:
    """A region of root's, seen by an ordinary user without its fd."""

    def test_by_stable_number(self, make):
        region, mapping = make(8, seed=1, touched=8)
        numbers = [region.page(index) for index in range(8)]

        def work():
            with tw.Device() as device:
                result = device.migrate(numbers, GPU)
                infos = device.page_info(numbers)
                return (result.status, result.moved, result.failed,
                        [(page.status, page.tier, page.pfn, page.heat, page.flags)
                         for page in infos])

        status, moved, failed, infos = run_user(work)
        assert status == [-errno.ENOENT] * 8 and (moved, failed) == (0, 8)
        assert {one[0] for one in infos} == {-errno.ENOENT}
        # Exactly as a region that does not exist: nothing can be learned.
        assert len(set(infos)) == 1
        assert region.tiers() == [CPU] * 8
        assert wrong(mapping, range(8), 1) == []

    def test_looks_like_nothing(self, make):
        region, _ = make(8, touched=8)

        def work():
            with tw.Device() as device:
                there, absent = device.page_info([region.page(0),
                                                  tw.TW_PAGE(region.id + 10000, 0)])
                there.page = absent.page = 0
                return bytes(there) == bytes(absent)

        assert run_user(work)

    def test_by_pfn(self, make):
        region, mapping = make(8, seed=1, touched=8)
        pfns = [page.pfn for page in region.pages()]
        assert all(pfns)

        def work():
            with tw.Device() as device:
                # Its own pages are not to be had by pfn either.
                with device.region(PAGE) as own, own.map() as own_map:
                    own_map.write(0, b"x")
                    assert own.pages()[0].pfn == 0
                return (device.migrate(pfns, GPU).status,
                        [page.status for page in device.page_info(pfns)])

        assert run_user(work) == ([-errno.ENOENT] * 8, [-errno.ENOENT] * 8)
        assert region.tiers() == [CPU] * 8

    @pytest.mark.parametrize("uid", [OTHER, NOBODY], ids=["another user", "the same user"])
    def test_between_processes(self, uid):
        """Nor does one ordinary user reach another's, nor his own other process's."""
        with Owner() as owner:
            def look():
                with tw.Device() as device:
                    return owner.tried(device)
            assert run_user(look, uid=uid) == Owner.NOTHING
            assert owner.tiers() == [CPU] * 4
            # An admin does.
            with tw.Device() as device:
                assert device.migrate(owner.numbers, NVME).status == [0] * 4

    def test_made_before_an_exec(self):
        """What the process was before execve(2) is another program."""
        code = ("import os, sys; sys.path.insert(0, os.environ['TW_GUEST']); import tw\n"
                "infos = tw.Device().page_info([int(sys.argv[1])])\n"
                "print(infos[0].status)")

        def maker():
            with tw.Device() as device:
                region = device.region(PAGE)
                fill(region.map(), range(1), 1)
                assert device.page_info([region.page(0)])[0].status == 0
                held = os.dup(region.fd)        # without it the region would end
                reader, writer = os.pipe()
                if os.fork() == 0:
                    os.dup2(writer, 1)
                    os.close(held)
                    os.close(region.fd)
                    os.environ["TW_GUEST"] = os.path.dirname(tw.__file__)
                    os.execv("/usr/bin/python3", ["python3", "-B", "-c", code,
                                                  str(region.page(0))])
                os.close(writer)
                return int(os.read(reader, 64)), os.waitstatus_to_exitcode(os.wait()[1])
        assert run_user(maker) == (-errno.ENOENT, 0)

    @pytest.mark.parametrize("inherited", [True, False], ids=["file", "no file"])
    def test_forked(self, inherited):
        """A child that has inherited the region's file is as good as its maker."""
        def maker():
            with tw.Device() as device, device.region(4 * PAGE) as region, \
                    region.map() as mapping:
                fill(mapping, range(4), 1)
                numbers = [region.page(index) for index in range(4)]

                def child():
                    if not inherited:
                        os.close(region.fd)
                    return device.migrate(numbers, GPU).status
                return run_child(child), region.tiers()
        assert run_user(maker) == (([0] * 4, [GPU] * 4) if inherited else
                                   ([-errno.ENOENT] * 4, [CPU] * 4))

    def test_passed_on(self):
        """Whoever was given the region's file has the right to its pages."""
        with Owner() as owner:
            def receiver():
                fd = lend(owner.fd, owner.child.pid)
                try:
                    with tw.Device() as device:
                        return device.migrate(owner.numbers, GPU).status
                finally:
                    os.close(fd)
            assert run_user(receiver) == [0] * 4
            assert owner.tiers() == [GPU] * 4

    def test_undumpable(self):
        """A process that may not be looked into lends nothing: the kernel says so."""
        with Owner(traceable=False) as owner:
            def receiver():
                return errno_of(lend, owner.fd, owner.child.pid)
            assert run_user(receiver) == errno.EPERM
            for verb in (("page", "--pid", owner.child.pid),
                         ("migrate", "--pid", owner.child.pid, "hdd"),
                         ("page", hex(owner.numbers[0])), ("migrate", "hdd", hex(owner.numbers[0]))):
                done = tw_run(*verb, uid=NOBODY)
                assert done.returncode, verb
            assert owner.tiers() == [CPU] * 4

    @pytest.mark.parametrize("capable", [True, False], ids=["CAP_SYS_PTRACE", "without"])
    def test_tracer(self, capable):
        """Whoever may trace everybody may name everybody's pages; nobody's frames."""
        with Owner() as owner:
            def look():
                with tw.Device() as device:
                    return owner.tried(device)
            tried = with_caps(look, CAP_SYS_PTRACE) if capable else with_caps(look, CAP_PERFMON)
            assert (tried == Owner.NOTHING) != capable

    @pytest.mark.parametrize("where", ["inside", "outside"])
    def test_root_of_a_namespace(self, where):
        """Root in a user namespace reaches what was made in there, nothing else."""
        inside = where == "inside"
        with Owner(namespace=inside) as owner:
            def root_inside():
                if inside:
                    ns = os.open(f"/proc/{owner.child.pid}/ns/user", os.O_RDONLY)
                    tw.check(tw.libc.setns(ns, CLONE_NEWUSER))
                else:
                    tw.check(tw.libc.unshare(CLONE_NEWUSER))
                with tw.Device() as device:
                    return owner.tried(device)
            # Root outside may enter; what it was outside it is no more.
            tried = run_child(root_inside) if inside else run_user(root_inside)
            assert (tried == Owner.NOTHING) != inside

    def test_through_a_mapping(self, make):
        """An inherited, writable mapping is a right to move by address."""
        region, mapping = make(4, seed=1, touched=4)
        assert run_user(lambda: tw.Device().migrate_range(mapping.addr, 4 * PAGE, GPU).moved) == 4
        assert region.tiers() == [GPU] * 4


class TestCapabilities:
    def test_perfmon_listens(self):
        """CAP_PERFMON is enough for the stream of everything, and it shows pids."""
        go, ready = Reached(), Reached()

        def touch():
            go.wait()
            with tw.Device() as device, device.region(4 * PAGE) as region, region.map() as one:
                fill(one, range(4), 1)
            return os.getpid()

        child = Child(touch)

        def listen():
            with tw.Device() as device, device.stream(
                    tw.TW_EVENT_BIT(tw.TW_EVENT_FAULT)) as stream:
                go.set()
                ready.wait()
                return {event.pid for event in stream.reader().read()}

        def relay():
            pid = child.result()
            ready.set()
            return pid

        listener = Child(lambda: with_caps(listen, CAP_PERFMON))
        pid = relay()
        assert listener.result() == {pid}

    def test_perfmon_is_no_admin(self):
        def work():
            with tw.Device() as device:
                return {errno_of(device.unbind, NVME), errno_of(device.bind, NVME)}
        assert with_caps(work, CAP_PERFMON) == {errno.EPERM}

    def test_perfmon_sees_no_pfns(self):
        def work():
            with tw.Device() as device, device.region(PAGE) as region, region.map() as mapping:
                mapping.write(0, b"x")
                return region.pages()[0].pfn
        assert with_caps(work, CAP_PERFMON) == 0

    def test_admin(self, make):
        """CAP_SYS_ADMIN alone: pfns, everybody's pages, the stream of everything."""
        region, _ = make(4, touched=4)
        numbers = [region.page(index) for index in range(4)]

        def work():
            with tw.Device() as device:
                device.stream().close()
                return ([page.pfn for page in device.page_info(numbers)],
                        device.migrate(numbers, GPU).status)

        pfns, status = with_caps(work, CAP_SYS_ADMIN)
        assert all(pfns) and status == [0] * 4

    def test_none_at_all_is_an_ordinary_user(self):
        def work():
            with tw.Device() as device:
                return errno_of(device.stream), errno_of(device.unbind, NVME)
        assert with_caps(work) == (errno.EPERM, errno.EPERM)

    def test_root_of_a_user_namespace(self):
        """All capabilities in one's own namespace count for nothing here."""
        def work():
            tw.check(tw.libc.unshare(CLONE_NEWUSER))
            with tw.Device() as device:
                with device.region(PAGE) as region, region.map() as mapping:
                    mapping.write(0, b"x")
                    return (errno_of(device.stream), errno_of(device.unbind, NVME),
                            region.pages()[0].pfn)
        assert run_user(work) == (errno.EPERM, errno.EPERM, 0)

    def test_user_namespace_hides_agents(self):
        """A label is unique per namespace and user."""
        def work():
            with tw.Device() as device, device.agent(17):
                if os.fork() == 0:
                    code = 1
                    try:
                        tw.check(tw.libc.unshare(CLONE_NEWUSER))
                        code = 0 if errno_of(device.agent_stats, 17) == errno.ENOENT else 2
                    finally:
                        os._exit(code)
                return os.waitstatus_to_exitcode(os.wait()[1])
        assert run_user(work) == 0


class TestCaps:
    """Per-user caps, set by module parameters."""

    @pytest.fixture
    def cap(self):
        """cap(name, value) sets a parameter for the test."""
        before = {}

        def put(name, value):
            path = PARAMETERS / name
            before.setdefault(path, path.read_text())
            path.write_text(str(value))

        yield put
        for path, text in before.items():
            path.write_text(text)

    def until_refused(self, create, most):
        """In a user's process: how many can be had, and the errno of the next."""
        def work():
            with tw.Device() as device:
                held = []
                while len(held) < most:
                    try:
                        held.append(create(device, len(held)))
                    except OSError as error:
                        count, err = len(held), error.errno
                        held.pop().close()
                        held.append(create(device, count))
                        assert errno_of(create, device, count + 1) == err
                        return count, err
                return len(held), 0
        return work

    KINDS = {
        "max_user_regions": lambda device, number: device.region(PAGE),
        "max_user_agents": lambda device, number: device.agent(number),
        "max_user_streams": lambda device, number: device.stream(
            agent=device.agent(1, tw.TW_AGENT_JOIN), events=64),
    }

    @pytest.mark.parametrize("name", KINDS)
    def test_objects(self, cap, name):
        cap(name, 5)
        work = self.until_refused(self.KINDS[name], 12)
        assert run_user(work) == (5, errno.EDQUOT)
        # Another user has his own five; whoever has CAP_SYS_RESOURCE is not capped.
        assert run_user(work, uid=OTHER) == (5, errno.EDQUOT)
        assert run_child(work) == (12, 0)

    def touched(self, count: int) -> tuple:
        """In a process: how many of so many pages can be had, and the event's errno."""
        with tw.Device() as device, device.agent(1) as agent, \
                device.stream(tw.TW_EVENT_BIT(tw.TW_EVENT_LIMIT), agent=agent) as one, \
                device.region(count * PAGE, agent=agent) as region, region.map() as mapping:
            fate = Child(fill, mapping, range(count), 1).wait()
            had = sum(region.info().pages)
            if had < count:
                assert fate == -signal.SIGBUS
            assert wrong(mapping, range(had), 1) == []
            return had, {event.status for event in one.reader().read()}

    def test_pages(self, dev, stats, cap):
        """One user's pages end where others' begin; freed, they may be had again."""
        room = stats.header.room
        cap("max_user_percent", 1)
        most = room // 100
        assert 1024 < most < 16384
        region, mapping = dev.region(PAGE), None
        for _ in range(2):
            had, errnos = run_user(self.touched, most + 64)
            assert abs(had - most) <= 1 and errnos == {-errno.EDQUOT}
        # Neither root nor another user has less for it.
        mapping = region.map()
        fill(mapping, range(1), 1)
        assert run_user(self.touched, most // 2, uid=OTHER) == (most // 2, set())
        mapping.unmap()
        region.close()

    def test_pages_of_all_users(self, stats, cap):
        """However many users there are, root finds some left."""
        cap("max_users_percent", 1)
        most = stats.header.room // 100
        ready, over = Reached(), Reached()

        def holder():
            with tw.Device() as device, device.region(most // 2 * PAGE) as region, \
                    region.map() as mapping:
                fill(mapping, range(most // 2), 1)
                ready.set()
                over.wait()

        child = Child(holder, uid=NOBODY, gid=NOBODY, groups=[device_gid()])
        ready.wait()
        had, errnos = run_user(self.touched, most, uid=OTHER)
        assert abs(had - most // 2) <= 2 and errnos == {-errno.EDQUOT}
        assert run_child(self.touched, most) == (most, set())
        over.set()
        assert child.wait() == 0

    def test_reserved_pages_count(self, stats, cap):
        cap("max_user_percent", 1)
        most = stats.header.room // 100

        def work():
            with tw.Device() as device:
                flags = tw.TW_REGION_RESERVE
                refusal = errno_of(device.region, (most + 1) * PAGE, flags=flags)
                with device.region((most - 8) * PAGE, flags=flags):
                    return refusal, self.touched(16)[0]
        assert run_user(work) == (errno.EDQUOT, 8)

    def test_ids_do_not_multiply(self, cap):
        """Whoever has ids to give away in a user namespace has no more for that."""
        cap("max_user_regions", 5)
        entered, mapped = Reached(), Reached()

        def container():
            device = tw.Device()
            tw.check(tw.libc.unshare(CLONE_NEWUSER))
            entered.set()
            mapped.wait()
            got = []
            for uid in (1, 2, 3):
                def take():
                    os.setresuid(uid, uid, uid)     # pylint: disable=cell-var-from-loop
                    held = []
                    while len(held) < 4:
                        try:
                            held.append(device.region(PAGE))
                        except OSError as error:
                            return len(held), error.errno
                    taken.set()
                    over.wait()
                    return len(held), 0
                taken, over = Reached(), Reached()
                child = Child(take)
                wait_for(lambda: taken.get() or not child.alive())
                got.append((child, over))
            for _, over in got:
                over.set()
            return [child.result() for child, _ in got]

        child = Child(container, uid=NOBODY, gid=NOBODY, groups=[device_gid()])
        entered.wait()
        Path(f"/proc/{child.pid}/uid_map").write_text("0 200000 100\n")
        mapped.set()
        assert child.result() == [(4, 0), (1, errno.EDQUOT), (1, errno.EDQUOT)]

    def test_no_cap_for_root(self, dev, cap):
        cap("max_user_regions", 0)
        dev.region(PAGE).close()

    def test_ring_memory(self, cap):
        cap("max_user_ring_mib", 1)

        def work():
            with tw.Device() as device, device.agent(1) as agent:
                # 64 bytes an event: 16384 of them on one CPU are a MiB.
                return errno_of(device.stream, agent=agent, events=1 << 16)
        assert run_user(work) == errno.EDQUOT

    def test_ring_memory_is_given_back(self, cap):
        cap("max_user_ring_mib", 1)

        def work():
            with tw.Device() as device, device.agent(1) as agent:
                return {errno_of(device.stream, agent=agent, events=4096) for _ in range(8)}
        assert run_user(work) == {0}

    def test_records(self, cap):
        """Touching more pages than the cap of records allows ends in SIGBUS, not before."""
        cap("max_user_record_mib", 1)
        reached = Reached()

        def work():
            with tw.Device() as device:
                region = device.region(1 << 40)
                mapping = region.map()
                # One page of each chunk of 512: 8 KiB of records each.
                for number in range(1000):
                    mapping.write(number * 512 * PAGE, pattern(1, number)[:8])
                    reached.set(number + 1)

        child = Child(work, uid=NOBODY, gid=NOBODY, groups=[device_gid()])
        assert child.wait() == -7
        assert 64 <= reached.get() <= 128


def test_parameters_are_root_s():
    for path in PARAMETERS.iterdir():
        assert path.stat().st_mode & 0o022 == 0, path.name


def test_stores_stay_readable_by_root_only():
    """The driver changes nothing about the device nodes."""
    for tier in STORES:
        if has_store(tier):
            assert os.stat(store_path(tier)).st_mode & 0o007 == 0


def test_refusals_as_root_change_nothing(dev):
    """The same refusals, as seen from outside: state is compared by `refused`."""
    with refused(errno.EBUSY):
        dev.bind(CPU)
