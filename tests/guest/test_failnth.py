# SPDX-License-Identifier: GPL-2.0
"""Every call with its first, second, ... allocation or copy failing, one at a time.

Needs a kernel with fault injection (the debug kernel). A call that reports the
failure has changed nothing; one that copes has done its work; memory that
leaks on the way is kmemleak's to find.
"""

import ctypes
import errno
import os
from pathlib import Path

import pytest

import tw
from support import (AlignedBuffer, Child, Layout, Observer, bind, errno_of, fill, place, refused,
                     set_tiers, wait_for, wrong)
from tw import CPU, GPU, NONE, NVME, PAGE, TIERS

FAIL_NTH = Path("/proc/self/fail-nth")
DEBUGFS = Path("/sys/kernel/debug")
MOST = 400
# What an injected failure may turn into.
MEANT = {errno.ENOMEM, errno.EFAULT, errno.ENFILE, errno.EMFILE, errno.EIO, errno.ENOSPC,
         errno.EAGAIN, errno.EBUSY}

if not FAIL_NTH.exists():
    pytest.skip("no fault injection in this kernel (the debug kernel has it)",
                allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def knobs():
    """Let sleeping allocations fail, too; quietly."""
    before = {}
    for folder in ("failslab", "fail_page_alloc"):
        for name, value in (("ignore-gfp-wait", "N"), ("ignore-gfp-highmem", "N"),
                            ("verbose", "0"), ("min-order", "0")):
            path = DEBUGFS / folder / name
            if path.exists():
                before[path] = path.read_text()
                path.write_text(value)
    yield
    for path, text in before.items():
        path.write_text(text)


def injections_left(knob):
    """What of n is left after the call: 0 when the failure was injected into it."""
    try:
        return int(os.pread(knob, 32, 0).split(b"\0")[0])
    except OSError:
        return 1        # it has hit this look, so the call had none


def disarm(knob):
    """No failure any more: what is left may hit this very write."""
    while True:
        try:
            os.write(knob, b"0")
            return
        except OSError:
            pass


def sweep(call, undo=lambda result: None, refuses=True, regions=(), after=lambda: None,
          most=MOST):
    """call() for each n until nothing is injected any more: how many n there were.

    undo() is called with the result when there is one, after() in any case: what was
    done may have lost its answer.
    """
    knob = os.open(FAIL_NTH, os.O_RDWR)
    failures = 0
    try:
        for nth in range(1, most):
            before = Observer.see(regions) if refuses else None
            text = str(nth).encode()
            err, result = 0, None
            os.write(knob, text)
            try:
                result = call()
            except OSError as error:
                err = error.errno
            left = injections_left(knob)
            disarm(knob)
            if err:
                assert err in MEANT, (nth, errno.errorcode[err])
                failures += 1
                if refuses:
                    assert wait_for(lambda seen=before: Observer.see(regions) == seen), nth
            else:
                undo(result)
            after()
            if left:
                assert not err, "it failed without an injection"
                return nth - 1, failures
    finally:
        os.close(knob)
    pytest.fail(f"still failing at {most}")


def ioctl(handle, command, arg):
    """As little Python as can be between the knob and the call."""
    if tw.libc.ioctl(handle.fd, command, ctypes.addressof(arg)):
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))
    return arg


CREATES = {
    "region": (tw.TW_IOC_REGION_CREATE,
               lambda: tw.RegionCreate(bytes=64 * PAGE, affinity=CPU, agent_fd=-1)),
    "agent": (tw.TW_IOC_AGENT_CREATE, lambda: tw.AgentCreate(id=5)),
    "stream": (tw.TW_IOC_STREAM_CREATE,
               lambda: tw.StreamCreate(mask=tw.TW_EVENT_ALL, agent_fd=-1, events=64)),
}


@pytest.mark.parametrize("name", CREATES)
def test_create(dev, name):
    command, make = CREATES[name]
    points, failures = sweep(lambda: ioctl(dev, command, make()),
                             lambda arg: os.close(arg.fd))
    assert points >= 3 and failures >= 3


LOOKS = {
    "info": (tw.TW_IOC_INFO, tw.Info),
    "tier info": (tw.TW_IOC_TIER_INFO, lambda: tw.TierInfo(tier=CPU)),
    "pressure": (tw.TW_IOC_PRESSURE, lambda: tw.Pressure(tier=CPU)),
    "agent stats": (tw.TW_IOC_AGENT_STATS, lambda: tw.AgentStats(agent_fd=-1)),
}


@pytest.mark.parametrize("name", LOOKS)
def test_look(dev, name):
    command, make = LOOKS[name]
    points, failures = sweep(lambda: ioctl(dev, command, make()))
    assert points >= 1 and failures >= 1


class Arrays:
    """Memory for the calls that fill some, and pages to name."""

    def __init__(self, region, mapping):
        self.region, self.mapping = region, mapping
        self.numbers = tw.u64s(region.page(index) for index in range(4))
        self.frames = tw.u64s(range(1 << 40, (1 << 40) + 4))
        self.status = (ctypes.c_int32 * 4)()
        self.infos = (tw.Page * 16)()
        self.found = (tw.Candidate * 16)()
        self.agents = (tw.AgentEntry * 4)()

    def at(self, name):
        return ctypes.addressof(getattr(self, name))


# name: (command, argument); each may fail at any n and succeeds at last.
OTHERS = {
    "addr page": (tw.TW_IOC_ADDR_PAGE, lambda a: tw.AddrPage(addr=a.mapping.addr)),
    "page info": (tw.TW_IOC_PAGE_INFO, lambda a: tw.PageInfo(
        nr=4, pages=a.at("numbers"), infos=a.at("infos"))),
    "migrate pages": (tw.TW_IOC_MIGRATE_PAGES, lambda a: tw.MigratePages(
        nr=4, to_tier=CPU, from_tier=NONE, pages=a.at("numbers"), status=a.at("status"))),
    "report": (tw.TW_IOC_REPORT, lambda a: tw.Report(page=a.numbers[0])),
    "candidates": (tw.TW_IOC_CANDIDATES, lambda a: tw.Candidates(
        from_tier=CPU, to_tier=NVME, nr=16, candidates=a.at("found"))),
    "page list": (tw.TW_IOC_PAGE_LIST, lambda a: tw.PageList(
        tier=NONE, temperature=tw.TW_CLASS_WARM, nr=16, infos=a.at("infos"))),
    "mark": (tw.TW_IOC_MARK, lambda a: tw.Mark(
        temperature=tw.TW_CLASS_HOT, nr=4, pages=a.at("numbers"), status=a.at("status"))),
    "untrack": (tw.TW_IOC_UNTRACK, lambda a: tw.Untrack(
        nr=4, pages=a.at("frames"), status=a.at("status"))),
    "fault stats": (tw.TW_IOC_FAULT_STATS, lambda a: tw.FaultStats(tier=CPU)),
    "thresholds": (tw.TW_IOC_THRESHOLDS, lambda a: tw.Thresholds(tier=CPU)),
    "module stats": (tw.TW_IOC_MODULE_STATS, lambda a: tw.ModuleStats()),
    "numa stats": (tw.TW_IOC_NUMA_STATS, lambda a: tw.NumaStats(node=0)),
    "numa balance": (tw.TW_IOC_NUMA_BALANCE, lambda a: tw.NumaBalance()),
    "policy": (tw.TW_IOC_POLICY, lambda a: tw.Policy()),
    "limits": (tw.TW_IOC_AGENT_LIMITS, lambda a: tw.AgentLimits(agent_fd=-1)),
    "agent list": (tw.TW_IOC_AGENT_LIST, lambda a: tw.AgentList(nr=4, agents=a.at("agents"))),
    "set limits": (tw.TW_IOC_AGENT_LIMITS, lambda a: tw.AgentLimits(
        agent_fd=-1, flags=tw.TW_LIMITS_SET, pages=(tw.c_uint64 * 5)(*[tw.TW_NO_LIMIT] * 5))),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other(dev, make, name):
    """The same for what looks at pages, counts and limits."""
    region, mapping = make(16, seed=1, touched=16)
    arrays = Arrays(region, mapping)
    command, argument = OTHERS[name]
    points, failures = sweep(lambda: ioctl(dev, command, argument(arrays)), regions=[region])
    assert points >= 1 and failures >= 1
    assert region.info().lost == 0 and wrong(mapping, range(16), 1) == []


@pytest.mark.parametrize("group", [0, "/"])
def test_group_limits(dev, make, group):
    """Refused, no region is bound by half; the counts are right in the end."""
    regions = [make(8, touched=8)[0] for _ in range(3)]
    none, some = [tw.TW_NO_LIMIT] * 5, [1 << 30] * 5
    points, failures = sweep(lambda: dev.group_limits(group, some), regions=regions,
                             undo=lambda _: dev.group_limits(group, none))
    assert points >= 1 and failures >= 1
    dev.group_limits(group, some)
    points, failures = sweep(lambda: dev.group_limits(group, none), regions=regions,
                             undo=lambda _: dev.group_limits(group, some))
    assert sum(dev.group_limits(group).used) == 24
    with dev.region(PAGE):
        sweep(lambda: dev.region(PAGE), undo=lambda region: region.close())
    dev.group_limits(group, none)


def test_swap(dev):
    """Refused, nothing is set aside and no disk is there, unless the answer was lost."""
    room, outcomes = Observer.stats.objects()["room_reserved"], []

    def call():
        outcomes.append(errno.EFAULT)
        try:
            ioctl(dev, tw.TW_IOC_SWAP_CREATE, tw.SwapCreate(pages=512))
            outcomes[-1] = 0
        except OSError as error:
            outcomes[-1] = error.errno
            raise

    def after():
        there = not errno_of(dev.swap_info)
        assert there or outcomes[-1]
        assert not there or outcomes[-1] in (0, errno.EFAULT), outcomes
        if there:
            dev.swap_destroy()
        assert wait_for(lambda: Observer.stats.objects()["room_reserved"] == room)

    points, failures = sweep(call, refuses=False, after=after, most=2 * MOST)
    assert points >= 20 and failures >= 20 and errno.ENOMEM in outcomes
    dev.swap_create(512)
    points, failures = sweep(lambda: ioctl(dev, tw.TW_IOC_SWAP_INFO, tw.SwapInfo()))
    assert points >= 1 and failures >= 1
    dev.swap_destroy()


def test_writing_to_the_swap_device(dev):
    """The kernel writes when there is no memory: no allocation may fail a write."""
    # So few pages that the kernel allocates nothing of its own for them.
    with AlignedBuffer(4 * PAGE) as buffer:
        buffer.write(0, bytes(range(256)) * (4 * PAGE // 256))
        dev.swap_create(4096)
        disk = os.open("/dev/twswap", os.O_RDWR | os.O_DIRECT)
        at = [0]

        def write():
            """Over what is there, which goes to other slots, and where nothing is."""
            at[0] = (at[0] + 2) % 4064
            if tw.libc.pwrite(disk, buffer.addr, 4 * PAGE, at[0] * PAGE) != 4 * PAGE:
                raise OSError(ctypes.get_errno(), "pwrite")

        try:
            points, failures = sweep(write, refuses=False)
        finally:
            os.close(disk)
            dev.swap_destroy()
    assert points >= 1 and failures == 0


def test_attach(dev):
    """Refused, nothing stays attached, unless it is the answer that was lost."""
    outcomes = []

    def call():
        outcomes.append(errno.EFAULT)
        try:
            ioctl(dev, tw.TW_IOC_ATTACH, tw.Attach())
            outcomes[-1] = 0
        except OSError as error:
            outcomes[-1] = error.errno
            raise

    def after():
        ids = [entry.id for entry in dev.attachments()]
        assert ids or outcomes[-1]
        assert not ids or outcomes[-1] in (0, errno.EFAULT), outcomes
        for one in ids:
            dev.detach(one)

    points, failures = sweep(call, refuses=False, after=after)
    assert points >= 2 and failures >= 2 and errno.ENOMEM in outcomes
    attachment = dev.attach()
    points, failures = sweep(lambda: ioctl(dev, tw.TW_IOC_ATTACHED, tw.Attached(id=attachment)))
    assert points >= 1 and failures >= 1
    dev.detach(attachment)


LOOKS_AT_A_REGION = {
    "region info": (tw.TW_IOC_REGION_INFO, lambda a: tw.RegionInfo()),
    "region pages": (tw.TW_IOC_REGION_PAGES, lambda a: tw.RegionPages(
        length=16 * PAGE, nr=16, infos=a.at("infos"))),
    "region seal": (tw.TW_IOC_REGION_SEAL, lambda a: tw.RegionSeal()),
}


@pytest.mark.parametrize("name", LOOKS_AT_A_REGION)
def test_look_at_a_region(make, name):
    region, mapping = make(16, touched=16)
    arrays = Arrays(region, mapping)
    command, argument = LOOKS_AT_A_REGION[name]
    points, failures = sweep(lambda: ioctl(region, command, argument(arrays)), regions=[region])
    assert points >= 1 and failures >= 1


def test_view(make):
    region, _ = make(16, touched=16)
    points, failures = sweep(lambda: ioctl(region, tw.TW_IOC_REGION_VIEW, tw.RegionView()),
                             lambda arg: os.close(arg.fd), regions=[region])
    assert points >= 3 and failures >= 3


def test_look_at_a_stream(stream):
    one = stream()
    points, failures = sweep(lambda: ioctl(one, tw.TW_IOC_STREAM_INFO, tw.StreamInfo()))
    assert points >= 1 and failures >= 1


def test_every_call_is_swept():
    """No ioctl is left out."""
    source = Path(__file__).read_text(encoding="utf-8")
    calls = {name for name in dir(tw) if name.startswith("TW_IOC_") and name != "TW_IOC_TYPE"}
    # By bind(), unbind(), group_limits(), swap_destroy() and detach().
    indirect = {"TW_IOC_TIER_BIND", "TW_IOC_TIER_UNBIND", "TW_IOC_GROUP_LIMITS",
                "TW_IOC_SWAP_DESTROY", "TW_IOC_DETACH"}
    assert {name for name in calls if name not in source} <= indirect


@pytest.mark.parametrize("tier", [GPU, NVME])
def test_bind(dev, tier):
    try:
        set_tiers(dev, {CPU: 0})
        sweep(lambda: bind(dev, tier, 64), lambda _: dev.unbind(tier))
    finally:
        Layout.restore(dev)


@pytest.mark.parametrize("tier", [GPU, NVME])
def test_unbind(dev, make, tier):
    """Its pages go elsewhere or stay; the tier is bound or not, never half."""
    region, mapping = make(8, seed=1, touched=8)
    bound = dev.bound()

    def leave():
        region.migrate(0, 8 * PAGE, tier)
        dev.unbind(tier)

    def back():
        if not dev.tier_info(tier).kind:
            bind(dev, tier)

    try:
        sweep(leave, refuses=False, after=back)
        assert dev.bound() == bound
        assert sum(region.info().pages) == 8 and region.info().lost == 0
        assert wrong(mapping, range(8), 1) == []
    finally:
        Layout.restore(dev)


def test_resize(dev, make):
    """The store has its old size or the new one, and its pages their bytes."""
    region, mapping = make(64, seed=1, touched=64)
    all_of_it = dev.tier_info(NVME).capacity

    def resize():
        region.migrate(0, 64 * PAGE, NVME)
        ioctl(dev, tw.TW_IOC_TIER_RESIZE, tw.TierResize(tier=NVME, capacity=32))

    try:
        sweep(resize, refuses=False, after=lambda: dev.resize(NVME, all_of_it))
        assert sum(region.info().pages) == 64 and region.info().lost == 0
        assert wrong(mapping, range(64), 1) == []
    finally:
        Layout.restore(dev)


def test_resize_beyond_the_tables(dev):
    """A store that was bound with less than its device has gets larger tables."""
    try:
        set_tiers(dev, {CPU: 0})
        bind(dev, NVME, 64)

        def grow():
            ioctl(dev, tw.TW_IOC_TIER_RESIZE, tw.TierResize(tier=NVME, capacity=4096))

        sweep(grow, lambda _: dev.resize(NVME, 64))
    finally:
        Layout.restore(dev)


@pytest.mark.parametrize("target", [GPU, NVME])
def test_migrate(make, target):
    """Whatever fails, each page is in one place with its bytes."""
    region, mapping = make(40, seed=1, touched=40)
    status = (ctypes.c_int32 * 40)()
    arg = tw.MigrateRange(start=0, length=40 * PAGE, from_tier=NONE, nr_status=40,
                          status=ctypes.addressof(status))

    def move(to, back):
        """How many failures there are on the way from one tier to another."""
        def call():
            arg.to_tier = to
            ioctl(region, tw.TW_IOC_MIGRATE_RANGE, arg)

        def judge(_):
            # An attempt that failed may have moved some of them before.
            assert arg.moved + arg.failed + list(status).count(tw.TW_MOVE_ALREADY) == 40
            assert set(status) <= {0, tw.TW_MOVE_ALREADY, -errno.EBUSY, -errno.ENOSPC, -errno.EIO,
                                   -errno.ENOMEM}, sorted(set(status))
            assert sum(region.info().pages) == 40 and region.info().lost == 0
            place(region, 0, 40, back)

        place(region, 0, 40, back)
        return sweep(call, judge, refuses=False)[0]

    # A frame for each page that goes to memory; a store needs little.
    assert move(target, CPU) > (40 if target == GPU else 4)
    assert move(CPU, target) > 40
    assert wrong(mapping, range(40), 1) == []


def test_first_touch(make):
    """By a system call: EFAULT at worst, and the next touch finds a zeroed page."""
    region, mapping = make(MOST)
    out, into = os.pipe()
    at = [0]

    def touch():
        os.write(into, b"x")
        if tw.libc.read(out, mapping.addr + at[0] * PAGE, 1) != 1:
            err = ctypes.get_errno()
            tw.libc.read(out, ctypes.addressof(spare), 1)
            raise OSError(err, os.strerror(err))

    spare = (ctypes.c_char * 8)()
    mapping.write(0, b"y")

    def judge(_):
        at[0] += 1

    points, _ = sweep(touch, judge, refuses=False)
    os.close(out)
    os.close(into)
    assert points >= 2
    assert mapping.read(300 * PAGE, PAGE) == bytes(PAGE)
    assert region.info().lost == 0


def test_touch_of_a_stored_page(make):
    """A page in a store: its bytes or an error, and its bytes the next time."""
    region, mapping = make(64, seed=1, touched=64)

    def work():
        knob = os.open(FAIL_NTH, os.O_RDWR)
        failures = 0
        null = os.open("/dev/shm/sink", os.O_RDWR | os.O_CREAT)
        for nth in range(1, 60):
            place(region, 0, 64, NVME)
            os.write(knob, str(nth).encode())
            got = tw.libc.pwrite(null, mapping.addr + nth * PAGE, 8, 0)
            disarm(knob)
            failures += got != 8
            assert wrong(mapping, [nth], 1) == [], nth
        return failures

    assert Child(work).result(120) < 59
    assert region.info().lost == 0


def test_discard(make):
    region, mapping = make(16, seed=1, touched=16)
    arg = tw.RegionDiscard(offset=8 * PAGE, length=PAGE)
    sweep(lambda: ioctl(region, tw.TW_IOC_REGION_DISCARD, arg), refuses=False)
    assert wrong(mapping, range(8), 1) == []


def test_track(dev, stats):
    """Each page is tracked or not, and its status says which."""
    # Far from each other, so that each takes nodes of the table.
    pages = tw.u64s((number + 1) << 40 for number in range(4))
    status = (ctypes.c_int32 * 4)()

    def track():
        try:
            return ioctl(dev, tw.TW_IOC_TRACK, tw.Track(
                tier=CPU, node=-1, agent_fd=-1, nr=4, pages=ctypes.addressof(pages),
                status=ctypes.addressof(status)))
        except OSError:
            # All when it was at the last: the outcomes could not be told.
            assert dev.untrack(pages).done in (0, 4)
            assert stats.objects()["external"] == 0
            raise

    def judge(arg):
        assert set(status) <= {0, -errno.ENOMEM}
        assert arg.done == list(status).count(0) == 4 - arg.failed
        assert stats.objects()["external"] == arg.done
        assert dev.untrack(pages).done == arg.done
        assert stats.objects()["external_bytes"] == 0

    before = stats.objects()["external"]
    assert before == 0
    points, failures = sweep(track, judge, refuses=False)
    assert points > 8 and failures >= 2


def test_map(make, stream):
    region, mapping = make(16, seed=1, touched=16)
    sweep(region.map, lambda view: view.unmap(), refuses=False)
    one = stream()
    sweep(lambda: tw.Mapping.map(one.fd, one.map_size, tw.PROT_READ), lambda view: view.unmap(),
          refuses=False)
    assert wrong(mapping, range(16), 1) == []


@pytest.mark.parametrize("flags", [0, tw.TW_REQUEST_WAIT])
def test_request(dev, make, stats, flags):
    """All are queued or none; what is queued ends."""
    region, mapping = make(4, seed=1, touched=4)
    array = (tw.Request * 4)()
    arg = tw.RequestPages(flags=flags, nr=4, requests=ctypes.addressof(array))
    before = [0]

    def ended():
        return stats.header.requests_done + stats.header.requests_failed

    def request():
        for index, one in enumerate(array):
            one.page, one.to_tier, one.from_tier = region.page(index), CPU, NONE
        before[0] = ended()
        ioctl(dev, tw.TW_IOC_REQUEST, arg)

    def judge(_):
        assert wait_for(lambda: ended() == before[0] + 4), (before, ended())

    points, failures = sweep(request, judge, refuses=False)
    assert points >= 6 and failures >= 6
    assert wait_for(lambda: stats.header.requests_queued == 0)
    assert wrong(mapping, range(4), 1) == []


def test_agent_migrate(dev, make):
    """Whatever fails, each page is in one place with its bytes."""
    with dev.agent(6) as agent:
        region, mapping = make(16, seed=1, touched=16, agent=agent)
        arg = tw.AgentMigrate(agent_fd=agent.fd, from_tier=NONE, to_tier=GPU)

        def judge(_):
            assert arg.moved + arg.failed <= 16
            assert sum(region.info().pages) == 16 and region.info().lost == 0
            arg.to_tier = CPU if arg.to_tier == GPU else GPU

        points, failures = sweep(lambda: ioctl(dev, tw.TW_IOC_AGENT_MIGRATE, arg), judge,
                                 refuses=False)
        assert points > 16 and failures >= 2
        assert wrong(mapping, range(16), 1) == []


def test_afterwards(dev):
    """All tiers are as they were."""
    for tier in TIERS:
        assert dev.pressure(tier).used == 0
    with refused(errno.EBUSY):
        dev.bind(CPU)
    with dev.region(16 * PAGE) as region, region.map() as mapping:
        fill(mapping, range(16), 1)
        assert wrong(mapping, range(16), 1) == []
