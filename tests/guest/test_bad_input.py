# SPDX-License-Identifier: GPL-2.0
"""Every ioctl with everything that must be refused, and proof that it changed nothing."""

import ctypes
import errno
import os
from dataclasses import dataclass, field
from typing import Any, Callable

import pytest

import tw
from support import (AlignedBuffer, Layout, Observer, errno_of, fill, refused, set_tiers,
                     store_path, wrong)
from tw import CPU, GPU, HDD, NONE, NVME, PAGE, SSD, TIERS

ALL_ONES = (1 << 32) - 1
BAD_TIERS = (5, 6, 0xfe, 0x100, 1 << 31, ALL_ONES)


class World:
    """What the calls of the table work on."""

    def __init__(self, dev):
        self.dev = dev
        self.region = dev.region(8 * PAGE)
        self.mapping = self.region.map()
        fill(self.mapping, range(6), 1)
        self.stream = dev.stream(tw.TW_EVENT_BIT(tw.TW_EVENT_LIMIT))
        self.agent = dev.agent(99)
        self.numbers = tw.u64s(self.region.page(index) for index in range(4))
        self.infos = (tw.Page * 8)()
        self.status = (ctypes.c_int32 * 8)()
        self.frames = tw.u64s(range(1 << 40, (1 << 40) + 4))
        self.more_frames = tw.u64s(range(1 << 41, (1 << 41) + 4))
        dev.track(self.frames, SSD, self.agent)
        self.requests = (tw.Request * 4)(*[
            tw.Request(page=page, to_tier=CPU, from_tier=NONE) for page in self.numbers])
        self.candidates = (tw.Candidate * 4)()
        self.agents = (tw.AgentEntry * 4)()
        self.attachment = 0

    def swap(self, there, arg):
        """`arg`, for a call before which there is a swap device, or none."""
        try:
            self.dev.swap_info()
        except FileNotFoundError:
            if there:
                self.dev.swap_create(256)
        else:
            if not there:
                self.dev.swap_destroy()
        return arg

    def attach(self):
        """The id of this process's attachment, which it then has."""
        if not self.attachment:
            self.attachment = self.dev.attach()
        return self.attachment

    def detach(self):
        """This process is not attached then."""
        if self.attachment:
            self.dev.detach(self.attachment)
            self.attachment = 0

    def close(self):
        self.detach()
        self.swap(False, None)
        self.mapping.unmap()
        for handle in (self.region, self.stream, self.agent):
            handle.close()


def bad_entries(entry: type) -> list[tuple[str, int, int]]:
    """Sizes of an array's entries that are none."""
    first = tw.first_size(entry)
    return [*[("entry_size", size, errno.EINVAL) for size in (0, 1, 8, first - 8, first - 1)],
            *[("entry_size", size, errno.E2BIG) for size in (PAGE + 1, 1 << 20, ALL_ONES)]]


@dataclass
class Call:
    """An ioctl: on what, with which good argument, and what spoils it."""
    command: int
    on: Callable[[World], tw.Handle]
    good: Callable[[World], tw.Structure]
    bad: list[tuple[str, Any, Any]] = field(default_factory=list)
    undo: Callable[[World, Any], None] = lambda world, arg: None
    flags: int = 0
    writes: bool = True


def device(world):
    return world.dev


def region(world):
    return world.region


def close_fd(world, arg):
    os.close(arg.fd)


def not_attached(world):
    world.detach()
    return tw.Attach()


def detach(world, arg):
    world.dev.detach(arg.id)


def detached(world, arg):
    world.attachment = 0


def rebind_gpu(world, arg):
    world.dev.unbind(GPU)


def unbind_back(world, arg):
    world.dev.bind_store(HDD, store_path(HDD), 64)


def resize_back(world, arg):
    assert arg.capacity == 32
    world.dev.resize(HDD, 64)


def bad_tiers(name="tier", none_is_good=False):
    return [(name, value, errno.EINVAL) for value in
            (*BAD_TIERS, *(() if none_is_good else (NONE,)))]


def forget(world, arg):
    assert arg.done == 4 and world.dev.untrack(world.more_frames).done == 4


def track_again(world, arg):
    assert arg.done == 4 and world.dev.track(world.frames, SSD, world.agent).done == 4


# The GPU tier is unbound and the HDD tier small while these run.
CALLS = {
    "INFO": Call(tw.TW_IOC_INFO, device, lambda w: tw.Info(),
                 [("region_dev", value, errno.EINVAL) for value in (1, 1 << 31, ALL_ONES)]),
    "TIER_INFO": Call(tw.TW_IOC_TIER_INFO, device, lambda w: tw.TierInfo(tier=CPU),
                      bad_tiers()),
    "TIER_BIND": Call(tw.TW_IOC_TIER_BIND, device,
                      lambda w: tw.TierBind(tier=GPU, fd=-1, capacity=64),
                      [*bad_tiers(), ("capacity", (1 << 64) - 1, errno.EINVAL),
                       ("capacity", 1 << 52, errno.EINVAL), ("fd", 0, errno.ENOTBLK),
                       ("tier", CPU, errno.EBUSY)],
                      rebind_gpu, flags=tw.TW_BIND_FLAGS, writes=False),
    "TIER_UNBIND": Call(tw.TW_IOC_TIER_UNBIND, device, lambda w: tw.TierUnbind(tier=HDD),
                        [*bad_tiers(), ("tier", GPU, errno.EOPNOTSUPP)], unbind_back,
                        flags=tw.TW_UNBIND_FLAGS),
    "TIER_RESIZE": Call(tw.TW_IOC_TIER_RESIZE, device,
                        lambda w: tw.TierResize(tier=HDD, capacity=32),
                        [*bad_tiers(), ("tier", GPU, errno.EOPNOTSUPP),
                         ("tier", CPU, errno.EOPNOTSUPP),
                         *[("capacity", value, errno.EINVAL) for value in
                           (1, tw.TW_STORE_PAGES_MIN - 1, 1 << 32, 1 << 52, (1 << 64) - 1)]],
                        resize_back),
    "PRESSURE": Call(tw.TW_IOC_PRESSURE, device, lambda w: tw.Pressure(tier=CPU),
                     [*bad_tiers(), ("tier", GPU, errno.EOPNOTSUPP)]),
    "REGION_CREATE": Call(tw.TW_IOC_REGION_CREATE, device,
                          lambda w: tw.RegionCreate(bytes=PAGE, affinity=CPU, agent_fd=-1),
                          [*bad_tiers("affinity"), ("affinity", NVME, errno.EINVAL),
                           ("affinity", HDD, errno.EINVAL), ("bytes", 0, errno.EINVAL),
                           ("bytes", 1, errno.EINVAL), ("bytes", (1 << 64) - 1, errno.EINVAL),
                           ("bytes", (1 << 64) - PAGE, errno.EINVAL),
                           ("agent_fd", -2, errno.EBADF), ("agent_fd", 9999, errno.EBADF),
                           ("agent_fd", 0, errno.EINVAL)],
                          close_fd, flags=tw.TW_REGION_FLAGS),
    "AGENT_CREATE": Call(tw.TW_IOC_AGENT_CREATE, device, lambda w: tw.AgentCreate(id=1),
                         [("id", 99, errno.EEXIST)], close_fd, flags=tw.TW_AGENT_FLAGS),
    "AGENT_STATS": Call(tw.TW_IOC_AGENT_STATS, device, lambda w: tw.AgentStats(agent_fd=-1),
                        [("agent_fd", -2, errno.EBADF), ("agent_fd", 9999, errno.EBADF),
                         ("agent_fd", 0, errno.EINVAL)], flags=tw.TW_AGENT_STATS_FLAGS),
    "STREAM_CREATE": Call(tw.TW_IOC_STREAM_CREATE, device,
                          lambda w: tw.StreamCreate(mask=tw.TW_EVENT_ALL, agent_fd=-1,
                                                    events=64),
                          [("mask", 0, errno.EINVAL), ("mask", 1, errno.EINVAL),
                           ("mask", 1 << tw.TW_NR_EVENTS, errno.EINVAL),
                           ("mask", 1 << 63, errno.EINVAL),
                           ("mask", tw.TW_EVENT_ALL | 1 << 32, errno.EINVAL),
                           *[("events", value, errno.EINVAL) for value in
                             (0, 1, 32, 63, 65, 96, 1000, tw.TW_STREAM_MAX_EVENTS * 2,
                              1 << 31, ALL_ONES)],
                           ("agent_fd", -2, errno.EBADF), ("agent_fd", 9999, errno.EBADF),
                           ("agent_fd", 0, errno.EINVAL)], close_fd),
    "MIGRATE_PAGES": Call(tw.TW_IOC_MIGRATE_PAGES, device,
                          lambda w: tw.MigratePages(
                              to_tier=CPU, from_tier=NONE, nr=4,
                              pages=ctypes.addressof(w.numbers),
                              status=ctypes.addressof(w.status)),
                          [*bad_tiers("to_tier"), *bad_tiers("from_tier", True),
                           ("to_tier", GPU, errno.EOPNOTSUPP),
                           *[("reason", value, errno.EINVAL) for value in
                             (tw.TW_NR_REASONS, 100, ALL_ONES)],
                           *[("nr", value, errno.EINVAL) for value in (0, ALL_ONES, 1 << 31)],
                           *[(name, value, errno.EFAULT) for name in ("pages", "status")
                             for value in (PAGE, 1 << 63, (1 << 64) - 8)],
                           ("pages", 0, errno.EFAULT)]),
    "PAGE_INFO": Call(tw.TW_IOC_PAGE_INFO, device,
                      lambda w: tw.PageInfo(nr=4, pages=ctypes.addressof(w.numbers),
                                            infos=ctypes.addressof(w.infos)),
                      [*bad_entries(tw.Page),
                       *[("nr", value, errno.EINVAL) for value in (0, ALL_ONES, 1 << 31)],
                       *[(name, value, errno.EFAULT) for name in ("pages", "infos")
                         for value in (0, PAGE, 1 << 63, (1 << 64) - 8)]]),
    "MIGRATE_RANGE (device)": Call(
        tw.TW_IOC_MIGRATE_RANGE, device,
        lambda w: tw.MigrateRange(start=w.mapping.addr, length=4 * PAGE, to_tier=CPU,
                                  from_tier=NONE, nr_status=4,
                                  status=ctypes.addressof(w.status)),
        [*bad_tiers("to_tier"), *bad_tiers("from_tier", True),
         ("to_tier", GPU, errno.EOPNOTSUPP), ("reason", tw.TW_NR_REASONS, errno.EINVAL),
         ("start", 1, errno.EINVAL), ("start", PAGE, errno.EFAULT),
         ("start", (1 << 64) - PAGE, (errno.EINVAL, errno.EFAULT)),
         ("length", 0, errno.EINVAL), ("length", 1, errno.EINVAL),
         ("length", (1 << 64) - PAGE, errno.EINVAL), ("nr_status", 3, errno.EMSGSIZE),
         *[("status", value, errno.EFAULT) for value in (PAGE, 1 << 63, (1 << 64) - 8)]]),
    "MIGRATE_RANGE (region)": Call(
        tw.TW_IOC_MIGRATE_RANGE, region,
        lambda w: tw.MigrateRange(start=0, length=4 * PAGE, to_tier=CPU, from_tier=NONE,
                                  nr_status=4, status=ctypes.addressof(w.status)),
        [*bad_tiers("to_tier"), *bad_tiers("from_tier", True),
         ("to_tier", GPU, errno.EOPNOTSUPP), ("reason", tw.TW_NR_REASONS, errno.EINVAL),
         ("start", 1, errno.EINVAL), ("start", 8 * PAGE, errno.EINVAL),
         ("start", (1 << 64) - PAGE, errno.EINVAL), ("start", 5 * PAGE, errno.EINVAL),
         ("length", 0, errno.EINVAL), ("length", 1, errno.EINVAL),
         ("length", 9 * PAGE, errno.EINVAL), ("length", (1 << 64) - PAGE, errno.EINVAL),
         ("nr_status", 3, errno.EMSGSIZE),
         *[("status", value, errno.EFAULT) for value in (PAGE, 1 << 63, (1 << 64) - 8)]]),
    "REGION_INFO": Call(tw.TW_IOC_REGION_INFO, region, lambda w: tw.RegionInfo()),
    "REGION_DISCARD": Call(tw.TW_IOC_REGION_DISCARD, region,
                           lambda w: tw.RegionDiscard(offset=7 * PAGE, length=PAGE),
                           [("offset", 1, errno.EINVAL), ("offset", 8 * PAGE, errno.EINVAL),
                            ("offset", (1 << 64) - PAGE, errno.EINVAL),
                            ("length", 0, errno.EINVAL), ("length", 1, errno.EINVAL),
                            ("length", 2 * PAGE, errno.EINVAL),
                            ("length", (1 << 64) - 7 * PAGE, errno.EINVAL)]),
    "REGION_SEAL": Call(tw.TW_IOC_REGION_SEAL, region, lambda w: tw.RegionSeal(),
                        [("add", value, errno.EINVAL) for value in
                         (tw.TW_SEALS + 1, 1 << 31, ALL_ONES)]),
    "REGION_VIEW": Call(tw.TW_IOC_REGION_VIEW, region, lambda w: tw.RegionView(),
                        undo=close_fd),
    "REGION_PAGES": Call(tw.TW_IOC_REGION_PAGES, region,
                         lambda w: tw.RegionPages(offset=0, length=4 * PAGE, nr=4,
                                                  infos=ctypes.addressof(w.infos)),
                         [*bad_entries(tw.Page),
                          ("offset", 1, errno.EINVAL), ("offset", 8 * PAGE, errno.EINVAL),
                          ("offset", (1 << 64) - PAGE, errno.EINVAL),
                          ("length", 0, errno.EINVAL), ("length", 1, errno.EINVAL),
                          ("length", 9 * PAGE, errno.EINVAL),
                          ("length", (1 << 64) - PAGE, errno.EINVAL),
                          ("nr", 3, errno.EMSGSIZE), ("nr", 0, errno.EMSGSIZE),
                          *[("infos", value, errno.EFAULT) for value in
                            (0, PAGE, 1 << 63, (1 << 64) - 8)]]),
    "STREAM_INFO": Call(tw.TW_IOC_STREAM_INFO, lambda w: w.stream, lambda w: tw.StreamInfo()),
    "TRACK": Call(tw.TW_IOC_TRACK, device,
                  lambda w: tw.Track(tier=CPU, node=-1, agent_fd=w.agent.fd, nr=4,
                                     pages=ctypes.addressof(w.more_frames),
                                     status=ctypes.addressof(w.status)),
                  [*bad_tiers(), *[("node", value, errno.EINVAL) for value in
                                   (-2, 1 << 20, (1 << 31) - 1, -(1 << 31))],
                   ("agent_fd", -2, errno.EBADF), ("agent_fd", 9999, errno.EBADF),
                   ("agent_fd", 0, errno.EINVAL),
                   *[("nr", value, errno.EINVAL) for value in (0, ALL_ONES, 1 << 31)],
                   *[(name, value, errno.EFAULT) for name in ("pages", "status")
                     for value in (PAGE, 1 << 63, (1 << 64) - 8)],
                   ("pages", 0, errno.EFAULT),
                   ("flags", tw.TW_TRACK_BY_ID, errno.EINVAL)],
                  forget, flags=tw.TW_TRACK_FLAGS),
    "UNTRACK": Call(tw.TW_IOC_UNTRACK, device,
                    lambda w: tw.Untrack(nr=4, pages=ctypes.addressof(w.frames),
                                         status=ctypes.addressof(w.status)),
                    [*[("nr", value, errno.EINVAL) for value in (0, ALL_ONES, 1 << 31)],
                     *[(name, value, errno.EFAULT) for name in ("pages", "status")
                       for value in (PAGE, 1 << 63, (1 << 64) - 8)],
                     ("pages", 0, errno.EFAULT)], track_again),
    "REPORT": Call(tw.TW_IOC_REPORT, device, lambda w: tw.Report(page=w.frames[0]),
                   [("page", value, errno.ENOENT) for value in
                    (0, 1, 1 << 42, tw.TW_MAX_PFN, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)],
                   flags=tw.TW_REPORT_FLAGS, writes=False),
    "REQUEST": Call(tw.TW_IOC_REQUEST, device,
                    lambda w: tw.RequestPages(flags=tw.TW_REQUEST_WAIT, nr=4,
                                              requests=ctypes.addressof(w.requests)),
                    [*bad_entries(tw.Request),
                     *[("nr", value, errno.EINVAL) for value in
                       (0, tw.TW_REQUEST_MAX + 1, 1 << 31, ALL_ONES)],
                     *[("requests", value, errno.EFAULT) for value in
                       (0, PAGE, 1 << 63, (1 << 64) - 8)]],
                    flags=tw.TW_REQUEST_FLAGS),
    "AGENT_MIGRATE": Call(tw.TW_IOC_AGENT_MIGRATE, device,
                          lambda w: tw.AgentMigrate(agent_fd=w.agent.fd, to_tier=CPU,
                                                    from_tier=NONE),
                          [*bad_tiers("to_tier"), *bad_tiers("from_tier", True),
                           ("to_tier", GPU, errno.EOPNOTSUPP),
                           *[("reason", value, errno.EINVAL) for value in
                             (tw.TW_NR_REASONS, 100, ALL_ONES)],
                           ("agent_fd", -2, errno.EBADF), ("agent_fd", 9999, errno.EBADF),
                           ("agent_fd", 0, errno.EINVAL),
                           ("flags", tw.TW_AGENT_BY_ID, errno.EINVAL)],
                          flags=tw.TW_AGENT_BY_ID),
    "CANDIDATES": Call(
        tw.TW_IOC_CANDIDATES, device,
        lambda w: tw.Candidates(from_tier=CPU, to_tier=NVME, nr=4,
                                candidates=ctypes.addressof(w.candidates)),
        [*bad_entries(tw.Candidate),
         *bad_tiers("from_tier"), *bad_tiers("to_tier"), ("to_tier", CPU, errno.EINVAL),
         *[("nr", value, errno.EINVAL) for value in (0, ALL_ONES, 1 << 31)],
         *[("candidates", value, errno.EFAULT) for value in (0, PAGE, 1 << 63, (1 << 64) - 8)]],
        flags=tw.TW_CANDIDATES_ATTACHED),
    "PAGE_LIST": Call(
        tw.TW_IOC_PAGE_LIST, device,
        lambda w: tw.PageList(tier=NONE, temperature=tw.TW_CLASS_WARM, nr=4,
                              infos=ctypes.addressof(w.infos)),
        [*bad_entries(tw.Page),
         *bad_tiers("tier", True), ("temperature", 3, errno.EINVAL),
         ("temperature", ALL_ONES, errno.EINVAL),
         *[("nr", value, errno.EINVAL) for value in (0, ALL_ONES, 1 << 31)],
         *[("infos", value, errno.EFAULT) for value in (0, PAGE, 1 << 63, (1 << 64) - 8)]]),
    "MARK": Call(
        tw.TW_IOC_MARK, device,
        lambda w: tw.Mark(temperature=tw.TW_CLASS_HOT, nr=4, pages=ctypes.addressof(w.numbers),
                          status=ctypes.addressof(w.status)),
        [("temperature", tw.TW_CLASS_WARM, errno.EINVAL), ("temperature", 3, errno.EINVAL),
         *[("nr", value, errno.EINVAL) for value in (0, ALL_ONES, 1 << 31)],
         *[(name, value, errno.EFAULT) for name in ("pages", "status")
           for value in (PAGE, 1 << 63, (1 << 64) - 8)], ("pages", 0, errno.EFAULT)]),
    "FAULT_STATS": Call(tw.TW_IOC_FAULT_STATS, device, lambda w: tw.FaultStats(tier=CPU),
                        bad_tiers(), flags=tw.TW_FAULT_STATS_FLAGS),
    "THRESHOLDS": Call(tw.TW_IOC_THRESHOLDS, device, lambda w: tw.Thresholds(tier=CPU),
                       bad_tiers(), flags=tw.TW_THRESHOLDS_FLAGS),
    "MODULE_STATS": Call(tw.TW_IOC_MODULE_STATS, device, lambda w: tw.ModuleStats()),
    "ADDR_PAGE": Call(tw.TW_IOC_ADDR_PAGE, device,
                      lambda w: tw.AddrPage(addr=w.mapping.addr + 5),
                      [("addr", value, errno.EFAULT) for value in
                       (0, PAGE, (1 << 47) - 1, 1 << 63, (1 << 64) - 1)]),
    "NUMA_STATS": Call(tw.TW_IOC_NUMA_STATS, device, lambda w: tw.NumaStats(node=0),
                       [("node", -1, errno.EINVAL), ("node", -(1 << 31), errno.EINVAL),
                        ("node", 1 << 20, errno.ENOENT), ("node", (1 << 31) - 1, errno.ENOENT)]),
    "NUMA_BALANCE": Call(tw.TW_IOC_NUMA_BALANCE, device, lambda w: tw.NumaBalance(nr=1)),
    "AGENT_LIMITS": Call(tw.TW_IOC_AGENT_LIMITS, device,
                         lambda w: tw.AgentLimits(agent_fd=w.agent.fd),
                         [("agent_fd", -2, errno.EBADF), ("agent_fd", 9999, errno.EBADF),
                          ("agent_fd", 0, errno.EINVAL),
                          ("flags", tw.TW_AGENT_BY_ID, errno.EINVAL)],
                         flags=tw.TW_LIMITS_FLAGS),
    "AGENT_LIST": Call(
        tw.TW_IOC_AGENT_LIST, device,
        lambda w: tw.AgentList(nr=4, agents=ctypes.addressof(w.agents)),
        [*bad_entries(tw.AgentEntry),
         *[("nr", value, errno.EINVAL) for value in (0, (1 << 16) + 1, 1 << 31, ALL_ONES)],
         *[("agents", value, errno.EFAULT) for value in (0, PAGE, 1 << 63, (1 << 64) - 8)]]),
    "GROUP_LIMITS": Call(tw.TW_IOC_GROUP_LIMITS, device,
                         lambda w: tw.GroupLimits(kind=tw.TW_GROUP_USER),
                         [("kind", value, errno.EINVAL) for value in (0, 1, 3, ALL_ONES)] +
                         [("uid", ALL_ONES, errno.EINVAL), ("path", 1, errno.EINVAL),
                          ("path_len", 1, errno.EINVAL), ("cursor", 1, errno.EINVAL)],
                         flags=tw.TW_GROUP_FLAGS),
    "SWAP_CREATE": Call(tw.TW_IOC_SWAP_CREATE, device,
                        lambda w: w.swap(False, tw.SwapCreate(pages=256)),
                        [("pages", value, errno.EINVAL) for value in
                         (0, 1, 255, 1 << 32, (1 << 64) - 1)] +
                        [("pages", 1 << 31, errno.ENOSPC), ("dev", 1, errno.EINVAL),
                         ("reserved", 1, errno.EINVAL)]),
    "SWAP_DESTROY": Call(tw.TW_IOC_SWAP_DESTROY, device,
                         lambda w: w.swap(True, tw.SwapDestroy()), writes=False),
    "SWAP_INFO": Call(tw.TW_IOC_SWAP_INFO, device, lambda w: w.swap(True, tw.SwapInfo())),
    # 2 is the kernel's thread that makes the others.
    "ATTACH": Call(tw.TW_IOC_ATTACH, device, not_attached,
                   [("pid", value, errno.EINVAL) for value in (-1, -(1 << 31))] +
                   [("pid", value, errno.ESRCH) for value in (2, 1 << 22, (1 << 31) - 1)],
                   detach),
    "DETACH": Call(tw.TW_IOC_DETACH, device, lambda w: tw.Detach(id=w.attach()),
                   [("id", value, errno.ENOENT) for value in (0, 1 << 63, (1 << 64) - 1)],
                   detached, writes=False),
    "ATTACHED": Call(tw.TW_IOC_ATTACHED, device, lambda w: tw.Attached(id=w.attach()),
                     [("id", value, errno.ENOENT) for value in (0, 1 << 63, (1 << 64) - 1)],
                     flags=tw.TW_ATTACHED_NEXT),
    "POLICY": Call(tw.TW_IOC_POLICY, device, lambda w: tw.Policy(),
                   [("set", 1 << 9, errno.EINVAL), ("set", 1 << 31, errno.EINVAL),
                    ("mode_set", 4, errno.EINVAL),
                    ("mode_set", 1 << 31, errno.EINVAL)]),
}


@pytest.fixture(scope="module")
def world(dev):
    """GPU not bound, a small HDD, a region, a stream and an agent."""
    set_tiers(dev, {CPU: 0, NVME: 0, SSD: 0, HDD: 64})
    one = World(dev)
    yield one
    one.close()
    Layout.restore(dev)


pytestmark = pytest.mark.keeps
each_call = pytest.mark.parametrize("name", CALLS)


def perform(world, call, arg):
    """Call it with a good argument and take back what it did."""
    call.on(world).ioctl(call.command, arg)
    call.undo(world, arg)


class Longer:
    """A copy of a struct with more bytes behind it."""

    def __init__(self, struct, extra: int, fill_byte: int = 0, at: int = -1):
        self.length = ctypes.sizeof(struct) + extra
        self.buffer = (ctypes.c_uint8 * self.length)()
        ctypes.memmove(self.buffer, ctypes.addressof(struct), ctypes.sizeof(struct))
        self.struct = type(struct).from_buffer(self.buffer)
        self.struct.size = self.length
        if fill_byte:
            self.buffer[at] = fill_byte

    @property
    def address(self) -> int:
        return ctypes.addressof(self.buffer)


@each_call
def test_good(world, name):
    """Or else the refusals below prove nothing."""
    call = CALLS[name]
    perform(world, call, call.good(world))


@each_call
def test_size_too_small(world, name):
    call = CALLS[name]
    first = tw.first_size(type(call.good(world)))
    for size in {0, 1, 3, 4, min(8, first - 1), first - 8, first - 4, first - 1}:
        arg = call.good(world)
        arg.size = size
        with refused(errno.EINVAL, world.region):
            call.on(world).ioctl(call.command, arg)


@each_call
def test_size_of_the_first_header(world, name):
    """The members that it doesn't know are left alone."""
    call = CALLS[name]
    older = Longer(call.good(world), 64)
    first = tw.first_size(type(older.struct))
    older.struct.size = first
    ctypes.memset(older.address + first, 0xa5, older.length - first)
    call.on(world).ioctl(call.command, older.address)
    call.undo(world, older.struct)
    assert set(older.buffer[first:]) == {0xa5}


@each_call
def test_longer_with_zeroes(world, name):
    """A struct of a newer header that uses nothing new."""
    call = CALLS[name]
    for extra in (1, 8, 64, PAGE - tw.sizeof(call.good(world))):
        longer = Longer(call.good(world), extra)
        call.on(world).ioctl(call.command, longer.address)
        call.undo(world, longer.struct)
        assert not any(longer.buffer[tw.sizeof(longer.struct):]), "wrote into the tail"


@each_call
def test_longer_with_something(world, name):
    """A struct of a newer header that wants what this driver does not know."""
    call = CALLS[name]
    # A driver of a later header knows more (tests/grow).
    known = Observer.stats.header.head_size - tw.sizeof(tw.StatsHeader)
    whole = tw.sizeof(call.good(world)) + known
    for extra in (1, 8, PAGE - whole):
        for at in {whole, whole + extra // 2, whole + extra - 1}:
            longer = Longer(call.good(world), known + extra, 1, at)
            with refused(errno.E2BIG, world.region):
                call.on(world).ioctl(call.command, longer.address)


@each_call
def test_size_without_memory(world, name):
    """A size that says more than there is."""
    call = CALLS[name]
    with AlignedBuffer(2 * PAGE) as buffer:
        buffer.unmap(PAGE, PAGE)
        struct = call.good(world)
        struct.size = tw.sizeof(struct) + 64
        start = PAGE - tw.sizeof(struct)
        buffer.write(start, bytes(struct))
        with refused((errno.EFAULT, errno.E2BIG), world.region):
            call.on(world).ioctl(call.command, buffer.addr + start)
        # The last bytes of the struct itself are missing.
        buffer.write(start, bytes(tw.sizeof(struct)))
        struct.size = tw.sizeof(struct)
        buffer.write(start + 8, bytes(struct)[:-8])
        with refused(errno.EFAULT, world.region):
            call.on(world).ioctl(call.command, buffer.addr + start + 8)
        buffer.length = PAGE


@each_call
def test_huge_size(world, name):
    call = CALLS[name]
    for size in (1 << 20, 1 << 31, ALL_ONES):
        arg = call.good(world)
        arg.size = size
        with refused((errno.E2BIG, errno.EFAULT), world.region):
            call.on(world).ioctl(call.command, arg)


@each_call
def test_bad_pointer(world, name):
    call = CALLS[name]
    for pointer in (0, 1, PAGE, (1 << 47) - 8, 1 << 63, (1 << 64) - 8):
        with refused(errno.EFAULT, world.region):
            call.on(world).ioctl(call.command, pointer)


@each_call
def test_result_cannot_be_written(world, name):
    """Readable but not writable memory: EFAULT, no object is left, nothing has moved."""
    call = CALLS[name]
    if not call.writes:
        return
    with AlignedBuffer() as buffer:
        buffer.write(0, bytes(call.good(world)))
        buffer.protect(tw.PROT_READ)
        with refused(errno.EFAULT, world.region):
            call.on(world).ioctl(call.command, buffer.addr)


class TestResultCannotBeWritten:
    """The same for calls that would do something: they do not do it first."""

    def refuse(self, world, handle, command, struct):
        with AlignedBuffer() as buffer:
            buffer.write(0, bytes(struct))
            buffer.protect(tw.PROT_READ)
            with refused(errno.EFAULT, world.region):
                handle.ioctl(command, buffer.addr)

    def test_discard(self, world):
        self.refuse(world, world.region, tw.TW_IOC_REGION_DISCARD,
                    tw.RegionDiscard(offset=0, length=4 * PAGE))

    def test_migrate_range(self, world):
        for handle, start in ((world.region, 0), (world.dev, world.mapping.addr)):
            self.refuse(world, handle, tw.TW_IOC_MIGRATE_RANGE, tw.MigrateRange(
                start=start, length=4 * PAGE, to_tier=NVME, from_tier=NONE))

    def test_migrate_pages(self, world):
        self.refuse(world, world.dev, tw.TW_IOC_MIGRATE_PAGES, tw.MigratePages(
            to_tier=NVME, from_tier=NONE, nr=4, pages=ctypes.addressof(world.numbers)))


@each_call
def test_unknown_flags(world, name):
    call = CALLS[name]
    unknown = [1 << bit for bit in range(32) if not call.flags >> bit & 1] + [ALL_ONES]
    arg = call.good(world)
    # One look at the state for all of them: each would change it if it got through.
    with refused(errno.EINVAL, world.region):
        for flags in unknown:
            arg.flags = flags
            error = errno_of(call.on(world).ioctl, call.command, arg)
            assert error == errno.EINVAL, hex(flags)
        call.on(world).ioctl(call.command, arg)


@each_call
def test_reserved(world, name):
    """Non-zero reserved members, where the struct has them as input."""
    call = CALLS[name]
    good = call.good(world)
    if not hasattr(good, "reserved"):
        return
    # tw_info has no members that are input but size and flags: header, "@flags: in: 0".
    for value in (1, 1 << 31, ALL_ONES):
        arg = call.good(world)
        arg.reserved = value
        with refused(errno.EINVAL, world.region):
            call.on(world).ioctl(call.command, arg)


def spoiled() -> list:
    return [pytest.param(name, member, value, err, id=f"{name}-{member}-{value:#x}")
            for name, call in CALLS.items() for member, value, err in call.bad]


@pytest.mark.parametrize("name,member,value,err", spoiled())
def test_bad_member(world, name, member, value, err):
    call = CALLS[name]
    arg = call.good(world)
    setattr(arg, member, value)
    with refused(err, world.region):
        call.on(world).ioctl(call.command, arg)


def test_every_call_is_in_the_table():
    known = {value for name, value in vars(tw).items() if name.startswith("TW_IOC_") and
             name != "TW_IOC_TYPE"}
    assert {call.command for call in CALLS.values()} == known


def test_afterwards(world, dev):
    """All those refusals have left the world as it was."""
    assert world.region.tiers() == [CPU] * 6 + [NONE] * 2
    assert wrong(world.mapping, range(6), 1) == []
    assert dev.bound() == {CPU, NVME, SSD, HDD}
    assert world.agent.fd >= 0 and dev.agent_stats(world.agent).regions == 0
    for tier in set(TIERS) - {GPU}:
        assert dev.pressure(tier).level == tw.TW_PRESSURE_LOW
