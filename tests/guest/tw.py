# SPDX-License-Identifier: GPL-2.0
"""TierWatch for Python: the interface of /dev/tierwatch by ctypes, nothing else.

The structs and constants are those of python/libtw/abi.py, which mirrors
uapi/linux/tierwatch.h (test_layout.py holds it against the compiler).  A
refused call raises OSError with the driver's errno; a wrapper adds no checks of
its own, so that every wrong argument reaches the driver.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from ctypes import (Structure, byref, c_int, c_int32, c_long, c_size_t, c_uint64,
                    c_ulong, c_void_p, sizeof)
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator, Optional, Sequence, Union

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "python"))
# pylint: disable=wrong-import-position,wildcard-import,unused-wildcard-import
from libtw import lib as _lib  # noqa: E402
from libtw.abi import *  # noqa: E402,F401,F403

# Short names for the tests.
GPU, CPU, NVME, SSD, HDD = range(5)
TIERS = range(TW_NR_TIERS)
MEMORY_TIERS = (GPU, CPU)
STORES = (NVME, SSD, HDD)
TIER_NAMES = ("gpu", "cpu", "nvme", "ssd", "hdd")
NONE = TW_TIER_NONE
STORE_ENV = {NVME: "TW_NVME_DEV", SSD: "TW_SSD_DEV", HDD: "TW_HDD_DEV"}

PAGE = 4096

# --- libc ------------------------------------------------------------------------

libc = ctypes.CDLL(None, use_errno=True)
libc.ioctl.argtypes = (c_int, c_ulong, c_void_p)
libc.mmap.argtypes = (c_void_p, c_size_t, c_int, c_int, c_int, c_long)
libc.mmap.restype = c_void_p
libc.munmap.argtypes = (c_void_p, c_size_t)
libc.mprotect.argtypes = (c_void_p, c_size_t, c_int)
libc.mremap.argtypes = (c_void_p, c_size_t, c_size_t, c_int, c_void_p)
libc.mremap.restype = c_void_p
libc.madvise.argtypes = (c_void_p, c_size_t, c_int)
libc.read.argtypes = (c_int, c_void_p, c_size_t)
libc.read.restype = c_long
libc.write.argtypes = (c_int, c_void_p, c_size_t)
libc.write.restype = c_long
libc.pread.argtypes = (c_int, c_void_p, c_size_t, c_long)
libc.pread.restype = c_long
libc.pwrite.argtypes = (c_int, c_void_p, c_size_t, c_long)
libc.pwrite.restype = c_long
libc.fallocate.argtypes = (c_int, c_int, c_long, c_long)
libc.syscall.restype = c_long

PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC = 0, 1, 2, 4
PROT_RW = PROT_READ | PROT_WRITE
MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE, MAP_FIXED = 1, 2, 3, 0x10
MAP_ANONYMOUS, MAP_LOCKED, MAP_POPULATE = 0x20, 0x2000, 0x8000
MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP = 1, 2, 4
MADV_DONTNEED, MADV_REMOVE, MADV_DONTDUMP, MADV_DODUMP = 4, 9, 16, 17
MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_HWPOISON = 22, 23, 100
FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2
MAP_FAILED = c_void_p(-1).value


def check(result: int) -> int:
    """A libc result; -1 becomes OSError."""
    if result in (-1, MAP_FAILED):
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))
    return result


def ioctl(fd: int, command: int, arg: Union[Structure, int, None]) -> int:
    """ioctl(2) with a struct, or an address as it is."""
    pointer = byref(arg) if isinstance(arg, Structure) else c_void_p(arg or 0)
    return check(libc.ioctl(fd, command, pointer))


def load_libtw() -> Optional[ctypes.CDLL]:
    """The built libtw.so with its prototypes, or None when there is none."""
    path = REPO / "build" / "lib" / _lib.SONAME
    return _lib.load(str(path)) if path.exists() else None


# --- mappings -----------------------------------------------------------------------


class Mapping:
    """A mapping by its address; offsets are relative to its start."""

    def __init__(self, addr: int, length: int):
        self.addr, self.length = addr, length

    @classmethod
    def map(cls, fd: int, length: int, prot: int = PROT_RW, flags: int = MAP_SHARED,
            offset: int = 0, addr: int = 0) -> "Mapping":
        """mmap(2)."""
        return cls(check(libc.mmap(addr or None, length, prot, flags, fd, offset)), length)

    def read(self, offset: int = 0, length: Optional[int] = None) -> bytes:
        """Bytes, touched by this process."""
        assert 0 <= offset <= self.length
        return ctypes.string_at(self.addr + offset,
                                self.length - offset if length is None else length)

    def write(self, offset: int, data: bytes) -> None:
        """Store bytes, touched by this process."""
        assert 0 <= offset and offset + len(data) <= self.length
        ctypes.memmove(self.addr + offset, data, len(data))

    def view(self, struct, offset: int = 0):
        """A ctypes object that lies in the mapping."""
        return struct.from_address(self.addr + offset)

    def advise(self, advice: int, offset: int = 0, length: Optional[int] = None) -> None:
        """madvise(2)."""
        check(libc.madvise(self.addr + offset,
                           self.length - offset if length is None else length, advice))

    def protect(self, prot: int) -> None:
        """mprotect(2)."""
        check(libc.mprotect(self.addr, self.length, prot))

    def unmap(self, offset: int = 0, length: Optional[int] = None) -> None:
        """munmap(2) of all or a part."""
        if offset == 0 and length is None:
            if not self.addr:
                return
            addr, self.addr = self.addr, 0
            check(libc.munmap(addr, self.length))
        else:
            check(libc.munmap(self.addr + offset, length))

    def __enter__(self) -> "Mapping":
        return self

    def __exit__(self, *_exc) -> None:
        self.unmap()


# --- handles ---------------------------------------------------------------------------


class Handle:
    """An fd of ours."""

    def __init__(self, fd: int):
        self.fd = fd

    def fileno(self) -> int:
        return self.fd

    def close(self) -> None:
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)

    def ioctl(self, command: int, arg) -> int:
        """A raw call on this fd."""
        return ioctl(self.fd, command, arg)

    def call(self, command: int, arg: Structure) -> Structure:
        """A call whose struct is the result."""
        self.ioctl(command, arg)
        return arg

    def __enter__(self):
        return self

    def __exit__(self, *_exc) -> None:
        self.close()


class Moves:
    """The outcome of a migration."""

    def __init__(self, arg: Structure, status: Optional[Sequence[int]]):
        self.moved, self.failed = arg.moved, arg.failed
        self.untouched = getattr(arg, "untouched", 0)
        self.status = list(status) if status is not None else []

    def __repr__(self) -> str:
        return (f"Moves(moved={self.moved} failed={self.failed} untouched={self.untouched} "
                f"status={self.status[:8]})")


def u64s(values: Iterable[int]) -> ctypes.Array:
    """An array of __u64."""
    values = list(values)
    return (c_uint64 * len(values))(*values)


def _range(handle: Handle, start: int, length: int, to_tier: int, from_tier: int,
           reason: int) -> Moves:
    nr = length // PAGE
    status = (c_int32 * max(nr, 1))(*[0x7777] * max(nr, 1))
    arg = handle.call(TW_IOC_MIGRATE_RANGE, MigrateRange(
        start=start, length=length, to_tier=to_tier, from_tier=from_tier, reason=reason,
        nr_status=nr, status=ctypes.addressof(status)))
    return Moves(arg, status[:nr])


class Region(Handle):
    """A region's fd."""

    def __init__(self, fd: int, ident: int, size: int):
        super().__init__(fd)
        self.id, self.bytes = ident, size

    @property
    def nr_pages(self) -> int:
        return self.bytes // PAGE

    @property
    def number(self) -> int:
        """What its pages' numbers have of its id."""
        return TW_PAGE_OWNER(self.id)

    def page(self, index: int) -> int:
        """A page's stable number."""
        return TW_PAGE(self.id, index)

    def info(self) -> RegionInfo:
        return self.call(TW_IOC_REGION_INFO, RegionInfo())

    def pages(self, offset: int = 0, length: Optional[int] = None) -> list[Page]:
        """The pages of a range."""
        length = self.bytes - offset if length is None else length
        infos = (Page * (length // PAGE))()
        arg = self.call(TW_IOC_REGION_PAGES, RegionPages(
            offset=offset, length=length, nr=length // PAGE, infos=ctypes.addressof(infos)))
        return list(infos[:arg.nr])

    def tiers(self, first: int = 0, count: Optional[int] = None) -> list[int]:
        """The tier of each page."""
        count = self.nr_pages - first if count is None else count
        return [page.tier for page in self.pages(first * PAGE, count * PAGE)]

    def discard(self, offset: int, length: int) -> int:
        return self.call(TW_IOC_REGION_DISCARD,
                         RegionDiscard(offset=offset, length=length)).discarded

    def seal(self, add: int = 0) -> int:
        """Add seals; those there are then."""
        return self.call(TW_IOC_REGION_SEAL, RegionSeal(add=add)).seals

    def view(self) -> "Region":
        """The same region through a file that only reads."""
        return Region(self.call(TW_IOC_REGION_VIEW, RegionView()).fd, self.id, self.bytes)

    def punch(self, offset: int, length: int,
              mode: int = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) -> None:
        check(libc.fallocate(self.fd, mode, offset, length))

    def migrate(self, offset: int, length: int, to_tier: int, from_tier: int = NONE,
                reason: int = TW_REASON_MANUAL) -> Moves:
        """Move a range of the region."""
        return _range(self, offset, length, to_tier, from_tier, reason)

    def map(self, offset: int = 0, length: Optional[int] = None, prot: int = PROT_RW,
            flags: int = MAP_SHARED) -> Mapping:
        length = self.bytes - offset if length is None else length
        return Mapping.map(self.fd, length, prot, flags, offset)


class Agent(Handle):
    """An agent's fd."""

    def __init__(self, fd: int, ident: int):
        super().__init__(fd)
        self.id = ident


class Device(Handle):
    """/dev/tierwatch."""

    def __init__(self, mode: int = os.O_RDWR, path: str = TW_DEVICE):
        super().__init__(os.open(path, mode | os.O_CLOEXEC))

    def info(self) -> Info:
        return self.call(TW_IOC_INFO, Info())

    def bound(self) -> set[int]:
        """The tiers that are bound."""
        mask = self.info().bound_mask
        return {tier for tier in range(32) if mask >> tier & 1}

    def tier_info(self, tier: int) -> TierInfo:
        return self.call(TW_IOC_TIER_INFO, TierInfo(tier=tier))

    def bind(self, tier: int, fd: int = -1, capacity: int = 0, nodes: int = 0,
             flags: int = 0) -> None:
        self.call(TW_IOC_TIER_BIND, TierBind(tier=tier, fd=fd, capacity=capacity,
                                             nodes=nodes, flags=flags))

    def bind_store(self, tier: int, path: str, capacity: int = 0) -> None:
        """Bind a block device by its path."""
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self.bind(tier, fd, capacity)
        finally:
            os.close(fd)

    def unbind(self, tier: int, flags: int = 0) -> int:
        return self.call(TW_IOC_TIER_UNBIND, TierUnbind(tier=tier, flags=flags)).moved

    def resize(self, tier: int, capacity: int = 0) -> TierResize:
        """Make a bound store larger or smaller, in pages; 0: all that its device has."""
        return self.call(TW_IOC_TIER_RESIZE, TierResize(tier=tier, capacity=capacity))

    def pressure(self, tier: int) -> Pressure:
        return self.call(TW_IOC_PRESSURE, Pressure(tier=tier))

    def region(self, size: int, affinity: int = TW_TIER_CPU, agent: Optional[Handle] = None,
               flags: int = 0) -> Region:
        """Create a region of `size` bytes."""
        arg = self.call(TW_IOC_REGION_CREATE, RegionCreate(
            bytes=size, affinity=affinity, flags=flags,
            agent_fd=agent.fd if agent else -1, fd=-1))
        return Region(arg.fd, arg.id, size)

    def agent(self, ident: int, flags: int = 0) -> Agent:
        """Create or join an agent."""
        arg = self.call(TW_IOC_AGENT_CREATE, AgentCreate(id=ident, flags=flags, fd=-1))
        return Agent(arg.fd, ident)

    def open_agent(self, ident: int, flags: int = 0,
                   of: Optional[tuple[int, int]] = None) -> Agent:
        """One that exists; of: its uid and user namespace."""
        flags |= TW_AGENT_OPEN | (TW_AGENT_OF if of else 0)
        uid, user_ns = of or (0, 0)
        arg = self.call(TW_IOC_AGENT_CREATE, AgentCreate(
            id=ident, flags=flags, fd=-1, uid=uid, user_ns=user_ns))
        return Agent(arg.fd, ident)

    def group_limits(self, group: Union[str, int], pages: Optional[Sequence[int]] = None
                     ) -> GroupLimits:
        """Limits of a cgroup, by its path, or of a user, by its uid; set with `pages`."""
        arg = GroupLimits(kind=TW_GROUP_USER)
        if isinstance(group, str):
            path = ctypes.create_string_buffer(group.encode())
            arg.kind, arg.path, arg.path_len = TW_GROUP_CGROUP, ctypes.addressof(path), len(path)
        else:
            arg.uid = group
        if pages is not None:
            arg.flags = TW_GROUP_SET
            arg.pages[:] = pages
        return self.call(TW_IOC_GROUP_LIMITS, arg)

    def swap_create(self, pages: int) -> int:
        """Make the swap device: its number, as st_rdev has it."""
        return self.call(TW_IOC_SWAP_CREATE, SwapCreate(pages=pages)).dev

    def swap_destroy(self) -> None:
        """Remove it."""
        self.call(TW_IOC_SWAP_DESTROY, SwapDestroy())

    def swap_info(self) -> SwapInfo:
        """Where its pages are."""
        return self.call(TW_IOC_SWAP_INFO, SwapInfo())

    def attach(self, pid: int = 0) -> int:
        """Have a process's memory watched, 0: this one's; the attachment's id."""
        return self.call(TW_IOC_ATTACH, Attach(pid=pid)).id

    def detach(self, attachment: int) -> None:
        """End an attachment."""
        self.call(TW_IOC_DETACH, Detach(id=attachment))

    def attached(self, attachment: int, flags: int = 0) -> Attached:
        """What is known of an attachment."""
        return self.call(TW_IOC_ATTACHED, Attached(id=attachment, flags=flags))

    def attachments(self) -> list[Attached]:
        """All that may be seen, one by one."""
        found: list[Attached] = []
        while True:
            try:
                found.append(self.attached(found[-1].id if found else 0, TW_ATTACHED_NEXT))
            except FileNotFoundError:
                return found

    def groups(self) -> list[tuple[Union[str, int], list[int]]]:
        """Who has limits, and which."""
        found: list[tuple[Union[str, int], list[int]]] = []
        path = ctypes.create_string_buffer(4096)
        arg = GroupLimits()
        while True:
            arg = GroupLimits(flags=TW_GROUP_NEXT, cursor=arg.cursor,
                              path=ctypes.addressof(path), path_len=len(path))
            try:
                self.call(TW_IOC_GROUP_LIMITS, arg)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise
                return found
            found.append((path.value.decode() if arg.kind == TW_GROUP_CGROUP else arg.uid,
                          list(arg.pages)))

    def agent_stats(self, agent: Union[Agent, int, None] = None) -> AgentStats:
        """Statistics by fd, by id, or of the cgroup's default agent."""
        if isinstance(agent, int):
            arg = AgentStats(flags=TW_AGENT_BY_ID, agent_fd=-1, id=agent)
        else:
            arg = AgentStats(agent_fd=agent.fd if agent else -1)
        return self.call(TW_IOC_AGENT_STATS, arg)

    def agents(self, room: int = 64) -> list[AgentEntry]:
        """All agents that the caller may see, call by call."""
        found: list[AgentEntry] = []
        cursor = 0
        while True:
            array = (AgentEntry * room)()
            arg = self.call(TW_IOC_AGENT_LIST, AgentList(
                nr=room, cursor=cursor, agents=ctypes.addressof(array)))
            found += array[:arg.nr]
            cursor = arg.cursor
            if not cursor:
                return found

    def stream(self, mask: int = TW_EVENT_ALL, agent: Optional[Handle] = None,
               events: int = 1024) -> "Stream":
        arg = self.call(TW_IOC_STREAM_CREATE, StreamCreate(
            mask=mask, agent_fd=agent.fd if agent else -1, events=events, fd=-1))
        return Stream(arg.fd, arg.map_size)

    def migrate(self, pages: Iterable[int], to_tier: int, from_tier: int = NONE,
                reason: int = TW_REASON_MANUAL, owner: int = 0) -> Moves:
        """Move pages by number, if they are of this region."""
        array = u64s(pages)
        status = (c_int32 * len(array))(*[0x7777] * len(array))
        arg = self.call(TW_IOC_MIGRATE_PAGES, MigratePages(
            to_tier=to_tier, from_tier=from_tier, reason=reason, nr=len(array),
            pages=ctypes.addressof(array), status=ctypes.addressof(status), owner=owner))
        return Moves(arg, status)

    def migrate_range(self, addr: int, length: int, to_tier: int, from_tier: int = NONE,
                      reason: int = TW_REASON_MANUAL) -> Moves:
        """Move a range of this process's addresses."""
        return _range(self, addr, length, to_tier, from_tier, reason)

    def page_info(self, pages: Iterable[int], owner: int = 0) -> list[Page]:
        """Look pages up by number, if they are of this region."""
        array = u64s(pages)
        infos = (Page * len(array))()
        self.call(TW_IOC_PAGE_INFO, PageInfo(
            nr=len(array), pages=ctypes.addressof(array), infos=ctypes.addressof(infos),
            owner=owner))
        return list(infos)

    def stats(self) -> "Stats":
        return Stats(self)

    def addr_page(self, addr: int) -> int:
        """The stable number of the page at an address."""
        return self.call(TW_IOC_ADDR_PAGE, AddrPage(addr=addr)).page

    def _each(self, command: int, kind: type, pages: Iterable[int], **members) -> "Each":
        array = u64s(pages)
        status = (c_int32 * len(array))(*[0x7777] * len(array))
        arg = self.call(command, kind(nr=len(array), pages=ctypes.addressof(array),
                                      status=ctypes.addressof(status), **members))
        return Each(arg.done, arg.failed, list(status))

    def track(self, pages: Iterable[int], tier: int, agent: Union[Agent, int, None] = None,
              node: int = -1) -> "Each":
        """Track pages, for an agent by fd, by id, or the cgroup's default one."""
        if isinstance(agent, int):
            who = {"flags": TW_TRACK_BY_ID, "agent_fd": -1, "agent_id": agent}
        else:
            who = {"agent_fd": agent.fd if agent else -1}
        return self._each(TW_IOC_TRACK, Track, pages, tier=tier, node=node, **who)

    def untrack(self, pages: Iterable[int]) -> "Each":
        return self._each(TW_IOC_UNTRACK, Untrack, pages)

    def mark(self, pages: Iterable[int], temperature: int, owner: int = 0) -> "Each":
        return self._each(TW_IOC_MARK, Mark, pages, temperature=temperature, owner=owner)

    def report(self, page: int, addr: int = 0, flags: int = 0, owner: int = 0) -> None:
        """Report a fault."""
        self.call(TW_IOC_REPORT, Report(page=page, addr=addr, flags=flags, owner=owner))

    def candidates(self, from_tier: int, to_tier: int, room: int = 100,
                   flags: int = 0) -> list[Candidate]:
        """Pages worth moving, best first."""
        array = (Candidate * room)()
        arg = self.call(TW_IOC_CANDIDATES, Candidates(
            flags=flags, from_tier=from_tier, to_tier=to_tier, nr=room,
            candidates=ctypes.addressof(array)))
        return array[:arg.nr]

    def request(self, requests: Sequence[Request], flags: int = 0) -> list[Request]:
        """Queue moves; with TW_REQUEST_WAIT wait for them."""
        array = (Request * len(requests))(*requests)
        self.call(TW_IOC_REQUEST, RequestPages(
            flags=flags, nr=len(array), requests=ctypes.addressof(array)))
        return list(array)

    def page_list(self, temperature: int, tier: int = NONE, room: int = 256) -> list[Page]:
        """All pages of a temperature, call by call."""
        found: list[Page] = []
        cursor = 0
        while True:
            infos = (Page * room)()
            arg = self.call(TW_IOC_PAGE_LIST, PageList(
                tier=tier, temperature=temperature, nr=room, cursor=cursor,
                infos=ctypes.addressof(infos)))
            found += infos[:arg.nr]
            cursor = arg.cursor
            if not cursor:
                return found

    def fault_stats(self, tier: int, flags: int = 0) -> FaultStats:
        return self.call(TW_IOC_FAULT_STATS, FaultStats(tier=tier, flags=flags))

    def thresholds(self, tier: int, enter: Optional[Sequence[int]] = None,
                   leave: Optional[Sequence[int]] = None) -> Thresholds:
        """A tier's levels of pressure; set them if they are given."""
        arg = Thresholds(tier=tier)
        if enter is not None:
            arg.flags = TW_THRESHOLDS_SET
            arg.enter[:], arg.leave[:] = enter, leave
        return self.call(TW_IOC_THRESHOLDS, arg)

    def module_stats(self) -> ModuleStats:
        return self.call(TW_IOC_MODULE_STATS, ModuleStats())

    def numa_stats(self, node: int) -> NumaStats:
        return self.call(TW_IOC_NUMA_STATS, NumaStats(node=node))

    def numa_balance(self, most: int = 0) -> NumaBalance:
        return self.call(TW_IOC_NUMA_BALANCE, NumaBalance(nr=most))

    def policy(self, **knobs: int) -> Policy:
        """The knobs of automatic migration, after these have been set."""
        arg = Policy()
        for name, value in knobs.items():
            arg.put(name, value)
        return self.call(TW_IOC_POLICY, arg)

    def limits(self, agent: Union[Agent, int, None] = None,
               pages: Optional[Sequence[int]] = None) -> AgentLimits:
        """An agent's limits; set them if they are given."""
        arg = AgentLimits(**_agent_of(agent))
        if pages is not None:
            arg.flags |= TW_LIMITS_SET
            arg.pages[:] = pages
        return self.call(TW_IOC_AGENT_LIMITS, arg)

    def agent_migrate(self, agent: Union[Agent, int, None], to_tier: int,
                      from_tier: int = NONE, most: int = 0,
                      reason: int = TW_REASON_MANUAL) -> AgentMigrate:
        return self.call(TW_IOC_AGENT_MIGRATE, AgentMigrate(
            to_tier=to_tier, from_tier=from_tier, nr=most, reason=reason,
            **_agent_of(agent)))


@dataclass
class Each:
    """What came of a call about many pages."""
    done: int
    failed: int
    status: list[int]


def _agent_of(agent: Union[Agent, int, None]) -> dict[str, int]:
    """How a struct names an agent: by id, by fd, or the cgroup's default one."""
    if isinstance(agent, int):
        return {"flags": TW_AGENT_BY_ID, "agent_fd": -1, "id": agent}
    return {"agent_fd": agent.fd if agent else -1}


# --- the statistics ----------------------------------------------------------------------

COUNTERS = [name for name, _ in StatsCounters._fields_ if name != "reserved"]
TIER_STATE = [name for name, _ in StatsTier._fields_ if name not in ("seq", "reserved")]


class Stats:
    """The statistics, mapped read-only and read in place."""

    def __init__(self, device: Device):
        self.map = Mapping.map(device.fd, device.info().stats_size, PROT_READ)
        self.header = self.map.view(StatsHeader)

    def close(self) -> None:
        self.map.unmap()

    def tier(self, tier: int) -> dict[str, int]:
        """A consistent copy of a tier block: the loop of the header's comment."""
        block = self.map.view(StatsTier,
                              self.header.tier_offset + tier * self.header.tier_stride)
        while True:
            seq = block.seq
            copy = {name: getattr(block, name) for name in TIER_STATE}
            if not seq & 1 and block.seq == seq:
                return copy | {"heat": self.heat(tier)}

    def heat(self, tier: int) -> list[int]:
        """A tier's pages by heat."""
        return list(self.map.view(
            c_uint64 * self.header.heat_bands, self.header.tier_offset +
            tier * self.header.tier_stride + self.header.heat_offset))

    def cpu(self, cpu: int) -> StatsCpu:
        """A CPU's block, in place."""
        return self.map.view(StatsCpu, self.header.cpu_offset + cpu * self.header.cpu_stride)

    def counters(self, tier: int) -> dict[str, int]:
        """A tier's counters, summed over the CPUs."""
        blocks = [self.map.view(StatsCounters, self.header.cpu_offset +
                                cpu * self.header.cpu_stride + self.header.counters_offset +
                                tier * self.header.counters_stride)
                  for cpu in range(self.header.nr_cpus)]
        return {name: sum(getattr(block, name) for block in blocks) for name in COUNTERS}

    def latency(self, which: int) -> tuple[list[int], int]:
        """A histogram, summed over the CPUs: its buckets and its sum."""
        parts = [self.map.view(StatsLatency, self.header.cpu_offset +
                               cpu * self.header.cpu_stride + self.header.latency_offset +
                               which * self.header.latency_stride)
                 for cpu in range(self.header.nr_cpus)]
        return [sum(part.bucket[n] for part in parts)
                for n in range(self.header.latency_buckets)], sum(part.sum_ns for part in parts)

    def waits(self, tier: int) -> tuple[list[int], int]:
        """Of faults that waited for a tier."""
        return self.latency(tier)

    def moves(self, source: int, to: int) -> tuple[list[int], int]:
        """Of moves between two tiers."""
        return self.latency(TW_NR_TIERS + source * TW_NR_TIERS + to)

    def total(self, name: str) -> int:
        """`events` or `sigbus`, summed over the CPUs."""
        return sum(getattr(self.cpu(cpu), name) for cpu in range(self.header.nr_cpus))

    def objects(self) -> dict[str, int]:
        """What is alive."""
        return {name: getattr(self.header, name) for name in (
            "regions", "agents", "streams", "record_bytes", "stream_bytes", "external",
            "external_bytes", "room_taken", "room_reserved")}

    def used(self) -> list[int]:
        """Pages in each tier."""
        return [self.tier(tier)["used"] for tier in TIERS]

    def kept(self) -> list[int]:
        """Clean copies in each tier."""
        return [self.tier(tier)["kept"] for tier in TIERS]

    def state(self) -> dict:
        """Everything that a refused call must leave alone.

        Not the levels, and what of faults' waiting raises them: that fades by itself. Not
        the heat: a scan's.
        """
        tiers = [self.tier(tier) for tier in TIERS]
        for block in tiers:
            for name in ("level", "level_changes", "heat", "stalled10", "stalled60"):
                del block[name]
        return {"tiers": tiers, "counters": [self.counters(tier) for tier in TIERS],
                "sigbus": self.total("sigbus"), "lost": self.header.lost,
                "store_bytes": self.header.store_bytes, "room": self.header.room,
                **self.objects()}


# --- streams ---------------------------------------------------------------------------------


class Stream(Handle):
    """A stream's fd and its mapping."""

    def __init__(self, fd: int, map_size: int):
        super().__init__(fd)
        self.map_size = map_size
        self.map = Mapping.map(fd, map_size, PROT_READ)
        self.header = self.map.view(StreamHeader)
        self.ctl_map: Optional[Mapping] = None

    def info(self) -> StreamInfo:
        return self.call(TW_IOC_STREAM_INFO, StreamInfo())

    def ctl(self) -> StreamCtl:
        """The control page, mapped on first use."""
        if not self.ctl_map:
            self.ctl_map = Mapping.map(self.fd, PAGE, offset=TW_STREAM_CTL_OFFSET)
        return self.ctl_map.view(StreamCtl)

    def ring(self, cpu: int) -> RingHeader:
        return self.map.view(RingHeader,
                             self.header.ring_offset + cpu * self.header.ring_stride)

    def rings(self) -> list[int]:
        """The CPUs whose rings may be looked into."""
        return [cpu for cpu in range(self.header.nr_rings) if self.ring(cpu).online]

    def heads(self) -> int:
        """Events published, over all rings."""
        return sum(self.ring(cpu).head for cpu in self.rings())

    def slot(self, cpu: int, number: int) -> Event:
        """The slot of an event, in place."""
        header = self.header
        return self.map.view(Event, header.ring_offset + cpu * header.ring_stride +
                             header.event_offset +
                             (number & (header.events - 1)) * sizeof(Event))

    def reader(self) -> "Reader":
        return Reader(self)

    def close(self) -> None:
        if self.ctl_map:
            self.ctl_map.unmap()
        self.map.unmap()
        super().close()


class Reader:
    """A consumer: the protocol of the header's comment, ring by ring.

    Loads of x86 are not reordered with loads, so that an aligned load by
    ctypes serves as the acquire and as the fence.
    """

    def __init__(self, stream: Stream):
        self.stream = stream
        self.cursor = [0] * stream.header.nr_rings
        self.seen = 0
        self.lost = 0

    def _ring(self, cpu: int) -> Iterator[Event]:
        nr = self.stream.header.events
        while True:
            number = self.cursor[cpu]
            slot = self.stream.slot(cpu, number)
            seq = slot.seq
            if seq == 2 * number + 2:
                copy = Event.from_buffer_copy(slot)
                if slot.seq == seq:
                    self.cursor[cpu] = number + 1
                    self.seen += 1
                    yield copy
                    continue
                seq = slot.seq
            if seq < 2 * number + 2:
                return
            oldest = max(self.stream.ring(cpu).head - nr, number + 1)
            self.lost += oldest - number
            self.cursor[cpu] = oldest

    def read(self) -> list[Event]:
        """All events there are, in the order of time."""
        events = [event for cpu in self.stream.rings() for event in self._ring(cpu)]
        return sorted(events, key=lambda event: event.time_ns)
