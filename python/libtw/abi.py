# SPDX-License-Identifier: LGPL-2.1-or-later
"""What <linux/tierwatch.h> says, by ctypes: its constants and structs.

The names are the header's, those of structs without tw_ and in Python's style
(STRUCTS has both).  Units are the header's too: sizes and offsets of regions in
bytes, capacities in pages, times in nanoseconds of CLOCK_MONOTONIC.  What each
member means is documented there.
"""

# pylint: disable=missing-class-docstring,invalid-name,too-few-public-methods

from __future__ import annotations

from ctypes import (Array, Structure, c_int32, c_int64, c_uint8, c_uint32, c_uint64, sizeof)
from struct import Struct as Layout

# --- constants of the header -------------------------------------------------

TW_ABI_VERSION = 1
TW_DEVICE = "/dev/tierwatch"

TW_TIER_GPU, TW_TIER_CPU, TW_TIER_NVME, TW_TIER_SSD, TW_TIER_HDD = range(5)
TW_NR_TIERS = 5
TW_TIER_NONE = 0xff

TW_PRESSURE_LOW, TW_PRESSURE_MEDIUM, TW_PRESSURE_HIGH, TW_PRESSURE_CRITICAL = range(4)

(TW_REASON_MANUAL, TW_REASON_HOT, TW_REASON_COLD, TW_REASON_PRESSURE, TW_REASON_NUMA,
 TW_REASON_FAULT, TW_REASON_EVACUATE) = range(7)
TW_NR_REASONS = 7

TW_PAGE_STABLE = 1 << 63
TW_PAGE_INDEX_BITS = 35
TW_PAGE_OWNER_BITS = 28
TW_PAGE_OWNERS = (1 << TW_PAGE_OWNER_BITS) - 1
TW_REGION_MAX_PAGES = 1 << TW_PAGE_INDEX_BITS

TW_IOC_TYPE = 0xE7


def _io(nr: int) -> int:
    return TW_IOC_TYPE << 8 | nr


TW_IOC_INFO = _io(0x00)
TW_IOC_TIER_INFO = _io(0x01)
TW_IOC_TIER_BIND = _io(0x02)
TW_IOC_TIER_UNBIND = _io(0x03)
TW_IOC_PRESSURE = _io(0x04)
TW_IOC_REGION_CREATE = _io(0x05)
TW_IOC_AGENT_CREATE = _io(0x06)
TW_IOC_AGENT_STATS = _io(0x07)
TW_IOC_STREAM_CREATE = _io(0x08)
TW_IOC_MIGRATE_PAGES = _io(0x09)
TW_IOC_PAGE_INFO = _io(0x0a)
TW_IOC_MIGRATE_RANGE = _io(0x0b)
TW_IOC_ADDR_PAGE = _io(0x0c)
TW_IOC_TRACK = _io(0x0d)
TW_IOC_UNTRACK = _io(0x0e)
TW_IOC_REPORT = _io(0x0f)
TW_IOC_CANDIDATES = _io(0x10)
TW_IOC_REQUEST = _io(0x11)
TW_IOC_PAGE_LIST = _io(0x12)
TW_IOC_MARK = _io(0x13)
TW_IOC_FAULT_STATS = _io(0x14)
TW_IOC_THRESHOLDS = _io(0x15)
TW_IOC_MODULE_STATS = _io(0x16)
TW_IOC_NUMA_STATS = _io(0x17)
TW_IOC_NUMA_BALANCE = _io(0x18)
TW_IOC_AGENT_LIMITS = _io(0x19)
TW_IOC_AGENT_MIGRATE = _io(0x1a)
TW_IOC_POLICY = _io(0x1b)
TW_IOC_AGENT_LIST = _io(0x1c)
TW_IOC_GROUP_LIMITS = _io(0x1d)
TW_IOC_TIER_RESIZE = _io(0x1e)
TW_IOC_REGION_INFO = _io(0x20)
TW_IOC_REGION_DISCARD = _io(0x21)
TW_IOC_REGION_PAGES = _io(0x22)
TW_IOC_REGION_SEAL = _io(0x23)
TW_IOC_REGION_VIEW = _io(0x24)
TW_IOC_SWAP_CREATE = _io(0x30)
TW_IOC_SWAP_DESTROY = _io(0x31)
TW_IOC_SWAP_INFO = _io(0x32)
TW_IOC_ATTACH = _io(0x33)
TW_IOC_DETACH = _io(0x34)
TW_IOC_ATTACHED = _io(0x35)
TW_IOC_STREAM_INFO = _io(0x40)

TW_KIND_NONE, TW_KIND_NUMA, TW_KIND_STORE = range(3)

TW_BIND_MOVABLE = 1 << 0
TW_BIND_SHARE = 1 << 1
TW_BIND_LEAVE_SHIFT = 8
TW_BIND_LEAVE_MASK = 127 << TW_BIND_LEAVE_SHIFT
TW_BIND_FLAGS = TW_BIND_MOVABLE | TW_BIND_SHARE | TW_BIND_LEAVE_MASK


def TW_BIND_LEAVE(percent: int) -> int:
    """Flags of a memory tier that leaves so many percent of each node to others."""
    return TW_BIND_SHARE | percent << TW_BIND_LEAVE_SHIFT


TW_UNBIND_FORCE = 1 << 0
TW_UNBIND_FLAGS = TW_UNBIND_FORCE
TW_REGION_DONTDUMP = 1 << 0
TW_REGION_RESERVE = 1 << 1
TW_REGION_HUGE = 1 << 2
TW_REGION_FLAGS = TW_REGION_DONTDUMP | TW_REGION_RESERVE | TW_REGION_HUGE
TW_MOVE_ALREADY = 1
TW_PAGE_KEPT = 1 << 0
TW_PAGE_LOST = 1 << 1
TW_PAGE_BUSY = 1 << 2
TW_PAGE_EXTERNAL = 1 << 3
TW_PAGE_ATTACHED = 1 << 4
TW_PAGE_HUGE = 1 << 5
TW_AGENT_JOIN, TW_AGENT_OPEN, TW_AGENT_CGROUP, TW_AGENT_OF = (1 << bit for bit in range(4))
TW_AGENT_FLAGS = TW_AGENT_JOIN | TW_AGENT_OPEN | TW_AGENT_CGROUP | TW_AGENT_OF
TW_AGENT_BY_ID = 1 << 0
TW_AGENT_IS_DEFAULT, TW_AGENT_IS_MINE = 1 << 0, 1 << 1
TW_AGENT_STATS_FLAGS = TW_AGENT_BY_ID
TW_CLASS_WARM, TW_CLASS_HOT, TW_CLASS_COLD = range(3)
TW_NR_CLASSES, TW_CLASS_ANY, TW_CHUNK = 3, 0xff, 512
TW_MAX_PFN = 1 << 52
TW_CANDIDATES_ATTACHED = 1 << 0
TW_ATTACHED_NEXT = 1 << 0
TW_ATTACHED_BLIND = 1 << 0
TW_ATTACHED_PARTLY = 1 << 1
TW_TRACK_BY_ID = 1 << 0
TW_TRACK_FLAGS = TW_TRACK_BY_ID
TW_REPORT_WRITE = 1 << 0
TW_REPORT_FLAGS = TW_REPORT_WRITE
TW_PRIORITY_MAX = 100
TW_REQUEST_WAIT = 1 << 0
TW_REQUEST_FLAGS = TW_REQUEST_WAIT
TW_REQUEST_MAX = 4096
TW_REQUEST_USER_MAX = 1024
TW_FAULT_STATS_RESET = 1 << 0
TW_FAULT_STATS_FLAGS = TW_FAULT_STATS_RESET
TW_THRESHOLDS_SET = 1 << 0
TW_THRESHOLDS_FLAGS = TW_THRESHOLDS_SET
TW_NO_LIMIT = (1 << 64) - 1
(TW_POLICY_SET_ENABLED, TW_POLICY_SET_HOT, TW_POLICY_SET_COLD, TW_POLICY_SET_PERMILLE,
 TW_POLICY_SET_MIN_MS, TW_POLICY_SET_MAX_MS, TW_POLICY_SET_FREE, TW_POLICY_SET_MIN_STAY,
 TW_POLICY_SET_MAX_RATE) = (1 << bit for bit in range(9))
TW_POLICY_SETS = (1 << 9) - 1
TW_POLICY_AUTO, TW_POLICY_UNMAP = 1, 2
TW_LATENCY_BUCKETS, TW_LATENCIES = 40, 30
TW_POLICY_OFF, TW_POLICY_ON, TW_POLICY_WATCH = range(3)
TW_POLICY_MODES = TW_POLICY_AUTO | TW_POLICY_UNMAP
TW_HEAT_BANDS = 17
TW_LIMITS_SET = 1 << 1
TW_LIMITS_FLAGS = TW_AGENT_BY_ID | TW_LIMITS_SET
TW_GROUP_SET, TW_GROUP_NEXT = 1 << 0, 1 << 1
TW_GROUP_FLAGS = TW_GROUP_SET | TW_GROUP_NEXT
TW_GROUP_CGROUP, TW_GROUP_USER = 1, 2

(TW_EVENT_FAULT, TW_EVENT_MIGRATE, TW_EVENT_PRESSURE, TW_EVENT_LIMIT, TW_EVENT_TIER_BOUND,
 TW_EVENT_TIER_UNBOUND, TW_EVENT_TIER_ERROR, TW_EVENT_AGENT_CREATED,
 TW_EVENT_AGENT_ENDED, TW_EVENT_REQUEST) = range(1, 11)
TW_NR_EVENTS = 11
TW_EVENT_ALL = (1 << TW_NR_EVENTS) - 2

TW_FAULT_WRITE = 1 << 0
TW_FAULT_MAJOR = 1 << 1
TW_FAULT_FIRST = 1 << 2
TW_MIGRATE_ASKED = 1 << 3
TW_SEAL_SEAL = 1 << 0
TW_SEAL_DISCARD = 1 << 1
TW_SEAL_WRITE = 1 << 2
TW_SEALS = TW_SEAL_SEAL | TW_SEAL_DISCARD | TW_SEAL_WRITE

TW_STREAM_MIN_EVENTS = 64
TW_STREAM_MAX_EVENTS = 1 << 20
TW_STREAM_VERSION = 1
TW_STREAM_CTL_OFFSET = 1 << 40
TW_STREAM_CTL_CURSORS = 511

TW_STATS_VERSION = 1

TW_STORE_MAGIC = "TIERWTCH"
TW_STORE_VERSION = 1
TW_STORE_DATA = 1 << 20
TW_STORE_SUPER_SIZE = 4096
TW_STORE_PAGES_MIN = 16

# Sizes of structs when they were first published.
TW_INFO_SIZE_VER0 = 40
TW_TIER_INFO_SIZE_VER0 = 88
TW_TIER_BIND_SIZE_VER0 = 32
TW_TIER_UNBIND_SIZE_VER0 = 24
TW_TIER_RESIZE_SIZE_VER0 = 32
TW_PRESSURE_SIZE_VER0 = 48
TW_REGION_CREATE_SIZE_VER0 = 40
TW_POLICY_SIZE_VER0 = 56
TW_REGION_INFO_SIZE_VER0 = 96
TW_REGION_DISCARD_SIZE_VER0 = 32
TW_REGION_SEAL_SIZE_VER0 = 16
TW_REGION_VIEW_SIZE_VER0 = 16
TW_MIGRATE_PAGES_SIZE_VER0 = 56
TW_MIGRATE_RANGE_SIZE_VER0 = 64
TW_PAGE_SIZE_VER0 = 64
TW_PAGE_INFO_SIZE_VER0 = 40
TW_REGION_PAGES_SIZE_VER0 = 40
TW_AGENT_CREATE_SIZE_VER0 = 24
TW_AGENT_STATS_SIZE_VER0 = 288
TW_ADDR_PAGE_SIZE_VER0 = 24
TW_TRACK_SIZE_VER0 = 56
TW_UNTRACK_SIZE_VER0 = 40
TW_REPORT_SIZE_VER0 = 32
TW_CANDIDATE_SIZE_VER0 = 48
TW_CANDIDATES_SIZE_VER0 = 32
TW_REQUEST_SIZE_VER0 = 64
TW_REQUEST_PAGES_SIZE_VER0 = 32
TW_PAGE_LIST_SIZE_VER0, TW_PAGE_LIST_SIZE_VER1 = 40, 56
TW_MARK_SIZE_VER0 = 48
TW_FAULT_STATS_SIZE_VER0 = 72
TW_THRESHOLDS_SIZE_VER0 = 48
TW_MODULE_STATS_SIZE_VER0 = 192
TW_NUMA_STATS_SIZE_VER0 = 72
TW_NUMA_BALANCE_SIZE_VER0 = 40
TW_AGENT_LIMITS_SIZE_VER0 = 104
TW_AGENT_MIGRATE_SIZE_VER0 = 56
TW_AGENT_ENTRY_SIZE_VER0 = 368
TW_AGENT_LIST_SIZE_VER0 = 32
TW_GROUP_LIMITS_SIZE_VER0 = 120
TW_SWAP_CREATE_SIZE_VER0 = 24
TW_SWAP_DESTROY_SIZE_VER0 = 8
TW_SWAP_INFO_SIZE_VER0 = 112
TW_ATTACH_SIZE_VER0 = 24
TW_DETACH_SIZE_VER0 = 16
TW_ATTACHED_SIZE_VER0 = 96
TW_SWAP_PAGES_MIN = 256
TW_SWAP_PAGES_MAX = 0xfffffff0
TW_STREAM_CREATE_SIZE_VER0 = 40
TW_STREAM_INFO_SIZE_VER0 = 32
TW_STATS_TIER_SIZE_VER0 = 88
TW_STATS_COUNTERS_SIZE_VER0 = 144
TW_STATS_LATENCY_SIZE_VER0 = 328
TW_STATS_CPU_SIZE_VER0 = 16
TW_STATS_SIZE_VER0 = 328


def TW_PAGE_OWNER(region: int) -> int:
    """The number of a region, by its id."""
    return region & TW_PAGE_OWNERS


def TW_PAGE(region: int, index: int) -> int:
    """The stable number of a page of a region, by the region's id or number."""
    return TW_PAGE_STABLE | TW_PAGE_OWNER(region) << TW_PAGE_INDEX_BITS | index


def TW_PAGE_REGION(page: int) -> int:
    """The region's number in a stable number."""
    return TW_PAGE_OWNER(page >> TW_PAGE_INDEX_BITS)


def TW_PAGE_INDEX(page: int) -> int:
    """The index of a stable number."""
    return page & ((1 << TW_PAGE_INDEX_BITS) - 1)


def TW_EVENT_BIT(event: int) -> int:
    """The bit of an event type in a stream's mask."""
    return 1 << event

# --- structs of the header -----------------------------------------------------


class Struct(Structure):
    """Shows its members, but for those that say nothing."""

    _silent_ = frozenset(("size", "entry_size", "flags", "spare"))

    def __repr__(self) -> str:
        shown = []
        for name, *_ in self._fields_:
            value = getattr(self, name)
            if name in self._silent_ and not (name == "flags" and value) or \
                    name.startswith("reserved"):
                continue
            shown.append(f"{name}={list(value) if isinstance(value, Array) else value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


class Sized(Struct):
    """A struct of an ioctl: its size and that of its entries are filled in."""

    _entry_: type | None = None     # what it has an array of

    def __init__(self, **members):
        members.setdefault("size", sizeof(self))
        if self._entry_:
            members.setdefault("entry_size", sizeof(self._entry_))
        super().__init__(**members)


def first_size(struct: type) -> int:
    """Bytes of a struct when it was first published."""
    name = next(name for name, known in STRUCTS.items() if known is struct)
    return globals()[f"{name.upper()}_SIZE_VER0"]


class Info(Sized):
    _fields_ = [(name, c_uint32) for name in (
        "size", "flags", "abi_version", "page_size", "nr_tiers", "bound_mask",
        "stats_size", "max_pages", "nr_cpus", "region_dev")]


class TierInfo(Sized):
    _fields_ = [("size", c_uint32), ("tier", c_uint32), ("flags", c_uint32),
                ("kind", c_uint32), ("capacity", c_uint64), ("used", c_uint64),
                ("kept", c_uint64), ("nominal_latency_ns", c_uint64),
                ("nominal_bandwidth", c_uint64), ("latency_ns", c_uint64),
                ("bandwidth", c_uint64), ("nodes", c_uint64), ("dev", c_uint32),
                ("reserved", c_uint32)]


class TierBind(Sized):
    _fields_ = [("size", c_uint32), ("tier", c_uint32), ("flags", c_uint32),
                ("fd", c_int32), ("capacity", c_uint64), ("nodes", c_uint64)]


class TierUnbind(Sized):
    _fields_ = [("size", c_uint32), ("tier", c_uint32), ("flags", c_uint32),
                ("reserved", c_uint32), ("moved", c_uint64)]


class TierResize(Sized):
    _fields_ = [("size", c_uint32), ("tier", c_uint32), ("flags", c_uint32),
                ("reserved", c_uint32), ("capacity", c_uint64), ("moved", c_uint64)]


class Pressure(Sized):
    _fields_ = [("size", c_uint32), ("tier", c_uint32), ("flags", c_uint32),
                ("level", c_uint32), ("capacity", c_uint64), ("used", c_uint64),
                ("stalls", c_uint64), ("permille", c_uint32), ("reserved", c_uint32),
                ("room", c_uint64), ("room_capacity", c_uint64), ("waited_ns", c_uint64),
                ("stalled10", c_uint32), ("stalled60", c_uint32)]


class RegionCreate(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("bytes", c_uint64),
                ("affinity", c_uint32), ("agent_fd", c_int32), ("fd", c_int32),
                ("reserved", c_uint32), ("id", c_uint64)]


class RegionInfo(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("id", c_uint64),
                ("bytes", c_uint64), ("agent", c_uint64), ("pages", c_uint64 * TW_NR_TIERS),
                ("lost", c_uint64), ("record_bytes", c_uint64), ("affinity", c_uint32),
                ("reserved", c_uint32), ("room", c_uint64)]


class RegionDiscard(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("offset", c_uint64),
                ("length", c_uint64), ("discarded", c_uint64)]


class RegionSeal(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("add", c_uint32),
                ("seals", c_uint32)]


class RegionView(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("fd", c_int32),
                ("reserved", c_uint32)]


class MigratePages(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("to_tier", c_uint32),
                ("from_tier", c_uint32), ("reason", c_uint32), ("nr", c_uint32),
                ("pages", c_uint64), ("status", c_uint64), ("moved", c_uint32),
                ("failed", c_uint32), ("owner", c_uint64)]


class MigrateRange(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("start", c_uint64),
                ("length", c_uint64), ("to_tier", c_uint32), ("from_tier", c_uint32),
                ("reason", c_uint32), ("nr_status", c_uint32), ("status", c_uint64),
                ("moved", c_uint32), ("failed", c_uint32), ("untouched", c_uint32),
                ("reserved", c_uint32)]


class Page(Struct):
    _fields_ = [("page", c_uint64), ("pfn", c_uint64), ("owner", c_uint64),
                ("agent", c_uint64), ("tier", c_uint32), ("flags", c_uint32),
                ("heat", c_uint32), ("age", c_uint32), ("node", c_int32),
                ("status", c_int32), ("best_node", c_int32), ("temperature", c_uint32)]


class PageInfo(Sized):
    _entry_ = Page
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("nr", c_uint32),
                ("entry_size", c_uint32), ("pages", c_uint64), ("infos", c_uint64),
                ("owner", c_uint64)]


class RegionPages(Sized):
    _entry_ = Page
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("offset", c_uint64),
                ("length", c_uint64), ("nr", c_uint32), ("entry_size", c_uint32),
                ("infos", c_uint64)]


class AgentCreate(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("id", c_uint64),
                ("fd", c_int32), ("reserved", c_uint32), ("uid", c_uint32),
                ("reserved2", c_uint32), ("user_ns", c_uint64)]


class AgentStats(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("agent_fd", c_int32),
                ("is_default", c_uint32), ("id", c_uint64), ("pages", c_uint64 * TW_NR_TIERS),
                ("faults_minor", c_uint64 * TW_NR_TIERS),
                ("faults_major", c_uint64 * TW_NR_TIERS), ("moves_in", c_uint64 * TW_NR_TIERS),
                ("moves_out", c_uint64 * TW_NR_TIERS), ("regions", c_uint64),
                ("fault_ns", c_uint64), ("external", c_uint64 * TW_NR_TIERS),
                ("reported", c_uint64)]


class AddrPage(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("addr", c_uint64), ("page", c_uint64)]


class Track(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("tier", c_uint32), ("node", c_int32),
                ("agent_fd", c_int32), ("nr", c_uint32), ("agent_id", c_uint64),
                ("pages", c_uint64), ("status", c_uint64), ("done", c_uint32),
                ("failed", c_uint32)]


class Untrack(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("nr", c_uint32),
                ("reserved", c_uint32), ("pages", c_uint64), ("status", c_uint64),
                ("done", c_uint32), ("failed", c_uint32)]


class Report(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("page", c_uint64), ("addr", c_uint64),
                ("owner", c_uint64)]


class Candidate(Struct):
    _fields_ = [("page", c_uint64), ("agent", c_uint64), ("benefit_ns", c_int64),
                ("heat", c_uint32), ("age", c_uint32), ("from_tier", c_uint32),
                ("to_tier", c_uint32), ("node", c_int32), ("reserved", c_uint32)]


class Candidates(Sized):
    _entry_ = Candidate
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("from_tier", c_uint32),
                ("to_tier", c_uint32), ("nr", c_uint32), ("entry_size", c_uint32),
                ("candidates", c_uint64)]


class Request(Struct):
    _fields_ = [("page", c_uint64), ("id", c_uint64), ("pfn", c_uint64),
                ("latency_ns", c_uint64), ("from_tier", c_uint32), ("to_tier", c_uint32),
                ("priority", c_uint32), ("reason", c_uint32), ("status", c_int32),
                ("reserved", c_uint32), ("owner", c_uint64)]


class RequestPages(Sized):
    _entry_ = Request
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("nr", c_uint32),
                ("entry_size", c_uint32), ("requests", c_uint64), ("done", c_uint32),
                ("failed", c_uint32)]


class PageList(Sized):
    _entry_ = Page
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("tier", c_uint32),
                ("temperature", c_uint32), ("nr", c_uint32), ("entry_size", c_uint32),
                ("cursor", c_uint64), ("infos", c_uint64), ("every", c_uint32),
                ("looked", c_uint32), ("end", c_uint64)]


class Mark(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("temperature", c_uint32),
                ("nr", c_uint32), ("pages", c_uint64), ("status", c_uint64), ("done", c_uint32),
                ("failed", c_uint32), ("owner", c_uint64)]


class FaultStats(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("tier", c_uint32),
                ("reserved", c_uint32), ("minor_read", c_uint64), ("minor_write", c_uint64),
                ("major_read", c_uint64), ("major_write", c_uint64), ("first", c_uint64),
                ("reported", c_uint64), ("fault_ns", c_uint64)]


class Thresholds(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("tier", c_uint32),
                ("reserved", c_uint32), ("enter", c_uint32 * 3), ("leave", c_uint32 * 3),
                ("reserved2", c_uint32 * 2)]


class ModuleStats(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("pages_tracked", c_uint64),
                ("pages_external", c_uint64), ("faults", c_uint64),
                ("faults_reported", c_uint64), ("migrations", c_uint64),
                ("migrations_failed", c_uint64), ("migration_ns", c_uint64),
                ("events", c_uint64), ("sigbus", c_uint64), ("lost", c_uint64),
                ("requests_queued", c_uint64), ("requests_done", c_uint64),
                ("requests_failed", c_uint64), ("requests_cancelled", c_uint64),
                ("regions", c_uint64), ("agents", c_uint64), ("streams", c_uint64),
                ("record_bytes", c_uint64), ("external_bytes", c_uint64),
                ("store_bytes", c_uint64), ("stream_bytes", c_uint64), ("batch_size", c_uint32),
                ("hot_threshold", c_uint32), ("cold_threshold", c_uint32),
                ("auto_migration", c_uint32)]


class NumaStats(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("node", c_int32), ("tier", c_uint32),
                ("total", c_uint64), ("free", c_uint64), ("pages", c_uint64),
                ("local", c_uint64), ("remote", c_uint64), ("moved_in", c_uint64),
                ("reserved", c_uint64)]


class NumaBalance(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("nr", c_uint32),
                ("reserved", c_uint32), ("looked", c_uint64), ("moved", c_uint64),
                ("failed", c_uint64)]


class AgentLimits(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("agent_fd", c_int32),
                ("reserved", c_uint32), ("id", c_uint64), ("pages", c_uint64 * TW_NR_TIERS),
                ("hard", c_uint64 * TW_NR_TIERS)]


class AgentEntry(Struct):
    _fields_ = [("id", c_uint64), ("uid", c_uint32), ("flags", c_uint32)] + [
        (name, c_uint64 * TW_NR_TIERS) for name in (
            "pages", "external", "limit", "hard", "faults_minor", "faults_major", "moves_in",
            "moves_out")] + [
        (name, c_uint64) for name in ("regions", "fault_ns", "reported", "user_ns")]


class AgentList(Sized):
    _entry_ = AgentEntry
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("nr", c_uint32),
                ("entry_size", c_uint32), ("cursor", c_uint64), ("agents", c_uint64)]


class GroupLimits(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("kind", c_uint32), ("uid", c_uint32),
                ("path", c_uint64), ("path_len", c_uint32), ("reserved", c_uint32),
                ("cursor", c_uint64), ("pages", c_uint64 * TW_NR_TIERS),
                ("used", c_uint64 * TW_NR_TIERS)]


class SwapCreate(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("pages", c_uint64), ("dev", c_uint32),
                ("reserved", c_uint32)]


class SwapDestroy(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32)]


class SwapInfo(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("dev", c_uint32), ("open", c_uint32),
                ("pages", c_uint64), ("failed", c_uint64), ("used", c_uint64 * TW_NR_TIERS),
                ("spare", c_uint64 * TW_NR_TIERS)]


class Attach(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("pid", c_int32),
                ("reserved", c_uint32), ("id", c_uint64)]


class Detach(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("id", c_uint64)]


class Attached(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("id", c_uint64), ("pid", c_int32),
                ("state", c_uint32), ("pages", c_uint64 * TW_NR_TIERS),
                ("elsewhere", c_uint64), ("swapped", c_uint64), ("record_bytes", c_uint64),
                ("scans", c_uint64)]


class AgentMigrate(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("agent_fd", c_int32),
                ("to_tier", c_uint32), ("from_tier", c_uint32), ("reason", c_uint32),
                ("nr", c_uint32), ("reserved", c_uint32), ("id", c_uint64), ("moved", c_uint64),
                ("failed", c_uint64)]


class Policy(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("enabled", c_uint32),
                ("mode", c_uint32), ("hot_threshold", c_uint32), ("cold_threshold", c_uint32),
                ("scan_permille", c_uint32), ("scan_min_ms", c_uint32),
                ("scan_max_ms", c_uint32), ("free_permille", c_uint32), ("min_stay", c_uint32),
                ("max_rate", c_uint32), ("set", c_uint32), ("mode_set", c_uint32)]

    def put(self, name: str, value: int) -> None:
        """Have a knob set; the others stay as they are."""
        setattr(self, name, value)
        self.set |= POLICY_SETS.get(name, 0)
        if name == "mode":
            # And what nobody knows, which is to be refused, not left out.
            self.mode_set = TW_POLICY_MODES | value

    def knobs(self) -> dict[str, int]:
        """What can be set, for Device.policy()."""
        return {name: getattr(self, name) for name, _ in self._fields_
                if name not in ("size", "flags", "set", "mode_set")}


# tw_policy.set by member; `mode` has mode_set instead.
POLICY_SETS = {
    "enabled": TW_POLICY_SET_ENABLED, "hot_threshold": TW_POLICY_SET_HOT,
    "cold_threshold": TW_POLICY_SET_COLD, "scan_permille": TW_POLICY_SET_PERMILLE,
    "scan_min_ms": TW_POLICY_SET_MIN_MS, "scan_max_ms": TW_POLICY_SET_MAX_MS,
    "free_permille": TW_POLICY_SET_FREE, "min_stay": TW_POLICY_SET_MIN_STAY,
    "max_rate": TW_POLICY_SET_MAX_RATE,
}


class Event(Struct):
    _fields_ = [("seq", c_uint64), ("time_ns", c_uint64), ("page", c_uint64),
                ("agent", c_uint64), ("addr", c_uint64), ("latency_ns", c_uint32),
                ("pid", c_uint32), ("type", c_uint8), ("tier", c_uint8),
                ("to_tier", c_uint8), ("reason", c_uint8), ("status", c_int32),
                ("flags", c_uint32), ("reserved", c_uint32)]

    # How it lies in a ring, for unpack_from() of a Stream's memoryviews; in the order above.
    LAYOUT = Layout("<5Q2I4BiII")

    def __repr__(self) -> str:
        return (f"Event(type={self.type} tier={self.tier} to={self.to_tier} "
                f"reason={self.reason} status={self.status} flags={self.flags} "
                f"page={self.page:#x} agent={self.agent} addr={self.addr:#x} pid={self.pid})")


class StreamCreate(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("mask", c_uint64),
                ("agent_fd", c_int32), ("events", c_uint32), ("fd", c_int32),
                ("reserved", c_uint32), ("map_size", c_uint64)]


class StreamInfo(Sized):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("mask", c_uint64),
                ("map_size", c_uint64), ("events", c_uint32), ("nr_rings", c_uint32)]


class StreamHeader(Struct):
    _fields_ = [("version", c_uint32), ("compat_version", c_uint32), ("size", c_uint64),
                ("nr_rings", c_uint32), ("events", c_uint32), ("ring_offset", c_uint32),
                ("event_offset", c_uint32), ("ring_stride", c_uint64),
                ("event_size", c_uint32), ("reserved", c_uint32)]


class RingHeader(Struct):
    _fields_ = [("head", c_uint64), ("online", c_uint32), ("cpu", c_uint32)]


class StreamCtl(Struct):
    _fields_ = [("watermark", c_uint32), ("reserved", c_uint32),
                ("cursor", c_uint64 * TW_STREAM_CTL_CURSORS)]


class StatsTier(Struct):
    _fields_ = [("seq", c_uint32), ("bound", c_uint32), ("level", c_uint32),
                ("kind", c_uint32), ("capacity", c_uint64), ("used", c_uint64),
                ("kept", c_uint64), ("nominal_latency_ns", c_uint64),
                ("nominal_bandwidth", c_uint64), ("latency_ns", c_uint64),
                ("bandwidth", c_uint64), ("level_changes", c_uint64),
                ("avoided_until_ns", c_uint64), ("swap_used", c_uint64),
                ("stalled10", c_uint32), ("stalled60", c_uint32)]


class StatsCounters(Struct):
    _fields_ = [(name, c_uint64) for name in (
        "minor_read", "minor_write", "major_read", "major_write", "first", "fault_ns",
        "moves_in", "moves_out", "moves_failed", "move_ns", "bytes_read", "bytes_written",
        "io_errors", "stalls", "taken_back", "reported", "refaults", "refaults_early",
        "swap_in", "swap_out", "swap_sunk", "waited_ns")]


class StatsLatency(Struct):
    _fields_ = [("sum_ns", c_uint64), ("bucket", c_uint64 * TW_LATENCY_BUCKETS)]


class StatsCpu(Struct):
    _fields_ = [("events", c_uint64), ("sigbus", c_uint64)]


class StatsHeader(Struct):
    _fields_ = [("version", c_uint32), ("compat_version", c_uint32), ("size", c_uint64),
                ("nr_tiers", c_uint32), ("tier_offset", c_uint32), ("tier_stride", c_uint32),
                ("nr_cpus", c_uint32), ("cpu_offset", c_uint32), ("cpu_stride", c_uint32),
                ("head_size", c_uint32), ("counters_offset", c_uint32),
                ("counters_stride", c_uint32), ("heat_offset", c_uint32),
                ("heat_bands", c_uint32), ("reserved", c_uint32),
                ("regions", c_uint64), ("agents", c_uint64), ("streams", c_uint64),
                ("record_bytes", c_uint64), ("store_bytes", c_uint64),
                ("stream_bytes", c_uint64), ("lost", c_uint64), ("external", c_uint64),
                ("external_bytes", c_uint64), ("requests_queued", c_uint64),
                ("requests_done", c_uint64), ("requests_failed", c_uint64),
                ("requests_cancelled", c_uint64)] + [(name, c_uint64) for name in (
                    "scans", "scan_ns", "scan_pages", "scan_skipped", "scan_period_ms",
                    "scan_window_us", "auto_considered", "auto_promoted",
                    "auto_demoted", "auto_busy", "auto_full", "auto_unpaid", "auto_stayed",
                    "auto_limited", "auto_thrash", "auto_margin", "auto_ns",
                    "room", "room_taken", "room_reserved")] + [
                        (name, c_uint32) for name in (
                            "latency_offset", "latency_stride", "latencies",
                            "latency_buckets")]


class StoreSuper(Struct):
    _fields_ = [("magic", c_uint8 * 8), ("version", c_uint32), ("crc", c_uint32),
                ("bytes", c_uint64), ("uuid", c_uint8 * 16), ("label", c_uint8 * 64),
                ("tier", c_uint32), ("reserved", c_uint32)]


STRUCTS = {
    "tw_info": Info, "tw_tier_info": TierInfo, "tw_tier_bind": TierBind,
    "tw_tier_unbind": TierUnbind, "tw_tier_resize": TierResize, "tw_pressure": Pressure,
    "tw_region_create": RegionCreate, "tw_region_info": RegionInfo,
    "tw_region_discard": RegionDiscard, "tw_region_seal": RegionSeal,
    "tw_region_view": RegionView, "tw_migrate_pages": MigratePages,
    "tw_migrate_range": MigrateRange, "tw_page": Page, "tw_page_info": PageInfo,
    "tw_region_pages": RegionPages, "tw_agent_create": AgentCreate,
    "tw_agent_stats": AgentStats, "tw_event": Event, "tw_stream_create": StreamCreate,
    "tw_stream_info": StreamInfo, "tw_stream_header": StreamHeader,
    "tw_ring_header": RingHeader, "tw_stream_ctl": StreamCtl, "tw_stats_tier": StatsTier,
    "tw_stats_counters": StatsCounters, "tw_stats_cpu": StatsCpu, "tw_stats": StatsHeader,
    "tw_stats_latency": StatsLatency,
    "tw_store_super": StoreSuper,
    "tw_addr_page": AddrPage,
    "tw_track": Track,
    "tw_untrack": Untrack,
    "tw_report": Report,
    "tw_candidate": Candidate,
    "tw_candidates": Candidates,
    "tw_request": Request,
    "tw_request_pages": RequestPages,
    "tw_page_list": PageList,
    "tw_mark": Mark,
    "tw_fault_stats": FaultStats,
    "tw_thresholds": Thresholds,
    "tw_module_stats": ModuleStats,
    "tw_numa_stats": NumaStats,
    "tw_numa_balance": NumaBalance,
    "tw_agent_limits": AgentLimits,
    "tw_agent_migrate": AgentMigrate, "tw_policy": Policy,
    "tw_agent_entry": AgentEntry, "tw_agent_list": AgentList,
    "tw_group_limits": GroupLimits,
    "tw_swap_create": SwapCreate, "tw_swap_destroy": SwapDestroy, "tw_swap_info": SwapInfo,
    "tw_attach": Attach, "tw_detach": Detach, "tw_attached": Attached,
}
