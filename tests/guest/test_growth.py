# SPDX-License-Identifier: GPL-2.0
"""Structs grow at their end: callers with another header than the driver's.

Here are the arrays of structs, the policy and the library; the structs of the calls
themselves are in test_bad_input.py.  All of it holds for a driver that knows more than
this header, too: `make grown` builds one, and tests/run runs these files against it.
"""

import ctypes
import errno

import pytest

import tw
from support import fill, refused
from tw import CPU, NONE, NVME, PAGE, sizeof

NR = 4
GUARD = bytes([0xa5]) * 64


class World:
    """Pages, agents and requests to be told of."""

    def __init__(self, dev, make):
        self.dev = dev
        self.region, _ = make(NR, touched=NR)
        self.numbers = tw.u64s(self.region.page(index) for index in range(NR))

    def requests(self) -> list[tw.Request]:
        return [tw.Request(page=page, to_tier=CPU, from_tier=NONE) for page in self.numbers]


@pytest.fixture
def world(dev, make):
    agents = [dev.agent(100 + index) for index in range(NR)]
    yield World(dev, make)
    for agent in agents:
        agent.close()


# By name: what is called, on what, with what, whose member is the array, of what.
ARRAYS = {
    "PAGE_INFO": (tw.TW_IOC_PAGE_INFO, lambda w: w.dev, lambda w: tw.PageInfo(
        nr=NR, pages=ctypes.addressof(w.numbers)), "infos", tw.Page),
    "REGION_PAGES": (tw.TW_IOC_REGION_PAGES, lambda w: w.region, lambda w: tw.RegionPages(
        length=NR * PAGE, nr=NR), "infos", tw.Page),
    "PAGE_LIST": (tw.TW_IOC_PAGE_LIST, lambda w: w.dev, lambda w: tw.PageList(
        tier=NONE, temperature=tw.TW_CLASS_WARM, nr=NR), "infos", tw.Page),
    "CANDIDATES": (tw.TW_IOC_CANDIDATES, lambda w: w.dev, lambda w: tw.Candidates(
        from_tier=CPU, to_tier=NVME, nr=NR), "candidates", tw.Candidate),
    "AGENT_LIST": (tw.TW_IOC_AGENT_LIST, lambda w: w.dev, lambda w: tw.AgentList(nr=NR),
                   "agents", tw.AgentEntry),
}


def ask(world, name: str, stride: int) -> list[bytes]:
    """The entries that a call writes, so many bytes each, sorted: candidates that are as
    good as each other come in any order.  Nothing lies behind the last."""
    command, on, build, member, _ = ARRAYS[name]
    room = (ctypes.c_uint8 * (NR * stride + len(GUARD)))(*GUARD[:1] * (NR * stride), *GUARD)
    arg = build(world)
    setattr(arg, member, ctypes.addressof(room))
    arg.entry_size = stride
    on(world).ioctl(command, arg)
    assert arg.nr == NR
    assert bytes(room[NR * stride:]) == GUARD
    return sorted(bytes(room[index * stride:(index + 1) * stride]) for index in range(NR))


@pytest.mark.parametrize("extra", [1, 8, 64])
@pytest.mark.parametrize("name", ARRAYS)
def test_larger_entries(world, name, extra):
    """Each is where the caller expects it; what the driver doesn't know of it is zero."""
    size = sizeof(ARRAYS[name][4])
    plain, larger = ask(world, name, size), ask(world, name, size + extra)
    assert len(set(plain)) == NR
    assert [entry[:size] for entry in larger] == plain
    assert {entry[size:] for entry in larger} == {bytes(extra)}


@pytest.mark.parametrize("name", ARRAYS)
def test_entries_of_the_first_header(world, name):
    """They get what they have room for, and nothing is written behind them."""
    kind = ARRAYS[name][4]
    first = tw.first_size(kind)
    plain = ask(world, name, sizeof(kind))
    assert ask(world, name, first) == [entry[:first] for entry in plain]


class TestRequests:
    """An array that is read and written."""

    @staticmethod
    def array(world, extra: int) -> tuple[int, ctypes.Array]:
        stride = sizeof(tw.Request) + extra
        room = (ctypes.c_uint8 * (NR * stride))()
        for index, request in enumerate(world.requests()):
            ctypes.memmove(ctypes.addressof(room) + index * stride, ctypes.addressof(request),
                           sizeof(request))
        return stride, room

    @pytest.mark.parametrize("extra", [8, 64])
    def test_larger(self, world, extra):
        stride, room = self.array(world, extra)
        arg = world.dev.call(tw.TW_IOC_REQUEST, tw.RequestPages(
            flags=tw.TW_REQUEST_WAIT, nr=NR, entry_size=stride,
            requests=ctypes.addressof(room)))
        assert (arg.done, arg.failed) == (NR, 0)
        for index in range(NR):
            done = tw.Request.from_buffer(room, index * stride)
            assert done.page == world.numbers[index] and done.id
            assert done.status == tw.TW_MOVE_ALREADY
            assert not any(room[index * stride + sizeof(done):(index + 1) * stride])

    @pytest.mark.parametrize("which", [0, NR - 1])
    def test_unknown_wish(self, world, which):
        """One of them wants what the driver doesn't know: none is queued or touched."""
        stride, room = self.array(world, 64)
        room[(which + 1) * stride - 1] = 1
        before = bytes(room)
        with refused(errno.E2BIG, world.region):
            world.dev.ioctl(tw.TW_IOC_REQUEST, tw.RequestPages(
                nr=NR, entry_size=stride, requests=ctypes.addressof(room)))
        assert bytes(room) == before


class TestPolicy:
    """Whoever sets a knob leaves the others as they are."""

    @pytest.mark.parametrize("name,value", [
        ("enabled", 1), ("hot_threshold", 321), ("cold_threshold", 7), ("scan_permille", 77),
        ("scan_min_ms", 60), ("scan_max_ms", 3000), ("free_permille", 33), ("min_stay", 3),
        ("max_rate", 12345)])
    def test_one_knob(self, dev, policy, name, value):
        before = policy().knobs()
        arg = tw.Policy(set=tw.POLICY_SETS[name])
        for other in before:    # what isn't named isn't looked at
            setattr(arg, other, 0xffffffff)
        setattr(arg, name, value)
        after = dev.call(tw.TW_IOC_POLICY, arg)
        assert after.knobs() == {**before, name: value} == policy().knobs()
        assert (after.set, after.mode_set) == (0, 0)

    @pytest.mark.parametrize("bit", [tw.TW_POLICY_AUTO, tw.TW_POLICY_UNMAP])
    def test_one_mode(self, dev, policy, bit):
        """The bits of the mode are set one by one: a later header has more of them."""
        before = policy().knobs()
        for mode in (0, 0xffffffff):
            after = dev.call(tw.TW_IOC_POLICY, tw.Policy(mode=mode, mode_set=bit)).knobs()
            assert after == {**before, "mode": before["mode"] & ~bit | mode & bit}

    @pytest.mark.parametrize("knobs", [
        {"hot_threshold": 10}, {"cold_threshold": 100}, {"cold_threshold": 0},
        {"scan_min_ms": 2001}, {"scan_max_ms": 49}, {"scan_max_ms": 600001},
        {"enabled": 3}, {"max_rate": 1, "free_permille": 501},
        {"hot_threshold": 50, "scan_permille": 0}])
    def test_does_not_fit(self, dev, policy, knobs):
        """Out of range, or with what stays: nothing is set, the others named neither."""
        policy(hot_threshold=100, cold_threshold=10, scan_min_ms=50, scan_max_ms=2000)
        before = policy().knobs()
        with refused(errno.EINVAL):
            dev.policy(**knobs)
        assert policy().knobs() == before

    def test_a_look_sets_nothing(self, dev, policy):
        before = policy().knobs()
        arg = tw.Policy(**dict.fromkeys(before, 1))
        assert dev.call(tw.TW_IOC_POLICY, arg).knobs() == before


def longer(struct: type) -> type:
    """The struct as a later header may have it."""
    return type("Longer" + struct.__name__, (ctypes.Structure,), {
        "_fields_": [*struct._fields_, ("more", ctypes.c_uint64)]})


class TestLibrary:
    """Programs with another header than libtw."""

    @pytest.fixture
    def lib(self):
        """libtw and its handle."""
        lib = tw.load_libtw()
        if not lib:
            pytest.skip("libtw is not built")
        handle = ctypes.c_void_p()
        assert lib.tw_open(None, ctypes.byref(handle)) == 0
        yield lib, handle
        lib.tw_close(handle)

    @pytest.mark.parametrize("name,struct,arguments", [
        ("tw_info", tw.Info, ()), ("tw_tier_info", tw.TierInfo, (CPU,)),
        ("tw_pressure", tw.Pressure, (CPU,)), ("tw_thresholds_get", tw.Thresholds, (CPU,)),
        ("tw_fault_stats", tw.FaultStats, (CPU, 0)), ("tw_numa_stats", tw.NumaStats, (0,)),
        ("tw_agent_stats", tw.AgentStats, (None,)),
        ("tw_agent_limits_get", tw.AgentLimits, (None,)),
        ("tw_user_limits_get", tw.GroupLimits, (0,)),
        ("tw_module_stats", tw.ModuleStats, ()), ("tw_policy_get", tw.Policy, ()),
        ("tw_stats_get_tier", tw.StatsTier, (CPU,)),
        ("tw_stats_get_counters", tw.StatsCounters, (CPU,))])
    def test_structs(self, lib, name, struct, arguments):
        library, handle = lib
        function = library[f"{name}_v1"]
        function.restype = ctypes.c_int
        later = longer(struct)(more=1 << 63)
        assert function(handle, *arguments, ctypes.byref(later),
                        ctypes.c_size_t(sizeof(later))) == 0
        assert later.more == 0
        # An older program's struct, half as long.
        half = sizeof(struct) // 2
        room = (ctypes.c_uint8 * sizeof(struct))(*GUARD[:1] * sizeof(struct))
        assert function(handle, *arguments, ctypes.byref(room), ctypes.c_size_t(half)) == 0
        assert set(room[half:]) == {0xa5}
        assert set(room[:half]) != {0xa5}

    def test_arrays(self, lib, make):
        library, handle = lib
        region, _ = make(NR, touched=NR)
        numbers = tw.u64s(region.page(index) for index in range(NR))
        later = (longer(tw.Page) * NR)()
        function = library["tw_page_info_v1"]
        function.restype = ctypes.c_int
        assert function(handle, numbers, ctypes.c_size_t(NR), later,
                        ctypes.c_size_t(sizeof(later[0]))) == 0
        assert [page.page for page in later] == list(numbers)
        assert {page.owner for page in later} == {region.id}
