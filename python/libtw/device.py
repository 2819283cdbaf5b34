# SPDX-License-Identifier: LGPL-2.1-or-later
"""The device: tiers, agents, pages by number, statistics and the policy."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_int32, c_uint32, c_uint64, c_void_p
from typing import Iterable, NamedTuple, Optional, Sequence, Union

from . import abi, lib
from .handles import Agent, Handle, Moves, Region, Stream
from .names import Reason, Temperature, Tier
from .verbs import Verbs

# An agent, the label of one's own, or None for the default one of the cgroup.
AgentLike = Union[Agent, int, None]


class Each(NamedTuple):
    """What came of a call for many pages, and of each: 0 or -errno."""

    ok: int
    failed: int
    status: list[int]


class Device(Verbs, Handle):
    """An open /dev/tierwatch. Any number of threads may use it.

    Methods have the library's names, and those of Verbs the command's."""

    _close = "tw_close"

    def __init__(self, path: Optional[str] = None):
        """FileNotFoundError when the driver is not loaded, PermissionError without
        membership of group tierwatch."""
        pointer = c_void_p()
        lib.check(lib.loaded().tw_open(path.encode() if path else None, byref(pointer)),
                  "tw_open", path or abi.TW_DEVICE)
        super().__init__(pointer)

    def _about(self) -> str:
        return f"descriptor {self.fileno()}"

    def fileno(self) -> int:
        """Its descriptor."""
        return self._lib.tw_fd(self.handle)

    def info(self) -> abi.Info:
        """What the driver is, and which tiers are bound now."""
        return self._fill("tw_info", abi.Info)

    def bound(self) -> list[Tier]:
        """The tiers that are bound now."""
        mask = self.info().bound_mask
        return [Tier(tier) for tier in range(abi.TW_NR_TIERS) if mask >> tier & 1]

    def _of_agent(self, function: str, agent: AgentLike, *arguments) -> int:
        """A function about an agent, by handle or by label."""
        if isinstance(agent, int):
            return self._call(f"{function}_by_id", agent, *arguments)
        return self._call(function, agent.handle if agent else None, *arguments)

    # --- tiers

    def tier_info(self, tier: int) -> abi.TierInfo:
        """One tier."""
        return self._fill("tw_tier_info", abi.TierInfo, tier)

    def pressure(self, tier: int) -> abi.Pressure:
        """How full a tier is."""
        return self._fill("tw_pressure", abi.Pressure, tier)

    def bind_nodes(self, tier: int, nodes: int = 0, capacity: int = 0, flags: int = 0) -> None:
        """Give a NUMA tier its nodes, a bit each; 0: all that fit. Capacity in pages, 0: all."""
        self._call("tw_tier_bind_nodes", tier, nodes, capacity, flags)

    def bind_device(self, tier: int, path: str, capacity: int = 0, flags: int = 0) -> None:
        """Give a store a block device that `tw tier format` has signed."""
        self._call("tw_tier_bind_device", tier, path.encode(), capacity, flags)

    def unbind(self, tier: int, flags: int = 0) -> int:
        """Move a tier's pages away and let its memory go. How many were moved."""
        return self._fill("tw_tier_unbind", c_uint64, tier, flags).value

    def resize(self, tier: int, capacity: int = 0) -> tuple[int, int]:
        """Make a bound store larger or smaller: its pages, 0 for all that its device has room
        for. How many it has now, and how many were moved."""
        pages, moved = c_uint64(capacity), c_uint64()
        self._call("tw_tier_resize", tier, byref(pages), byref(moved))
        return pages.value, moved.value

    def thresholds(self, tier: int) -> abi.Thresholds:
        """A tier's levels of pressure, in percent used."""
        return self._fill("tw_thresholds_get", abi.Thresholds, tier)

    def set_thresholds(self, tier: int, enter: Sequence[int], leave: Sequence[int]) -> None:
        """Set them: where it enters MEDIUM, HIGH, CRITICAL, and below which it leaves them."""
        self._call("tw_thresholds_set", tier, (c_uint32 * 3)(*enter), (c_uint32 * 3)(*leave))

    def fault_stats(self, tier: int, reset: bool = False) -> abi.FaultStats:
        """A tier's faults since load or the last reset."""
        return self._fill("tw_fault_stats", abi.FaultStats, tier,
                          abi.TW_FAULT_STATS_RESET if reset else 0)

    def numa_stats(self, node: int) -> abi.NumaStats:
        """A NUMA node."""
        return self._fill("tw_numa_stats", abi.NumaStats, node)

    def numa_balance(self, most: int = 0) -> abi.NumaBalance:
        """Move pages to the node whose CPUs touch them; 0: all of them."""
        return self._fill("tw_numa_balance", abi.NumaBalance, most)

    # --- agents

    def agent(self, label: int, create: bool = False) -> Agent:
        """The user's agent of a label, made if there is none; FileExistsError when there
        is one and `create` says that there must not be."""
        pointer = c_void_p()
        self._call("tw_agent_create" if create else "tw_agent_join", label, byref(pointer))
        return Agent(pointer)

    def agent_from_fd(self, fd: int) -> Agent:
        """An agent that was passed as a descriptor, which becomes the handle's."""
        pointer = c_void_p()
        self._call("tw_agent_open_fd", fd, byref(pointer))
        return Agent(pointer)

    def open_agent(self, entry: abi.AgentEntry) -> Agent:
        """An agent of agents(): anybody's, and a cgroup's default one, too."""
        pointer = c_void_p()
        self._call("tw_agent_open", byref(entry), byref(pointer))
        return Agent(pointer)

    def agent_stats(self, agent: AgentLike = None) -> abi.AgentStats:
        """An agent's memory."""
        stats = abi.AgentStats()
        self._of_agent("tw_agent_stats", agent, byref(stats))
        return stats

    def agent_limits(self, agent: AgentLike = None) -> abi.AgentLimits:
        """How many pages of each tier an agent takes at most."""
        limits = abi.AgentLimits()
        self._of_agent("tw_agent_limits_get", agent, byref(limits))
        return limits

    def set_agent_limits(self, pages: Sequence[int], agent: AgentLike = None) -> None:
        """Set them, by tier; TW_NO_LIMIT: none."""
        self._of_agent("tw_agent_limits_set", agent, (c_uint64 * abi.TW_NR_TIERS)(*pages))

    def group_limits(self, group: Union[str, int]) -> abi.GroupLimits:
        """How many pages of each tier a cgroup (its path) with those below it, or a user
        (the uid) takes at most, and how many it has."""
        limits = abi.GroupLimits()
        if isinstance(group, str):
            self._call("tw_cgroup_limits_get", group.encode(), byref(limits))
        else:
            self._call("tw_user_limits_get", group, byref(limits))
        return limits

    def set_group_limits(self, pages: Sequence[int], group: Union[str, int]) -> None:
        """Set them, by tier; TW_NO_LIMIT: none."""
        array = (c_uint64 * abi.TW_NR_TIERS)(*pages)
        if isinstance(group, str):
            self._call("tw_cgroup_limits_set", group.encode(), array)
        else:
            self._call("tw_user_limits_set", group, array)

    def swap_create(self, pages: int) -> int:
        """Make the swap device, of so many pages: its number, as st_rdev has it. For
        mkswap(8) and swapon(8) it is /dev/twswap."""
        dev = c_uint32()
        self._call("tw_swap_create", pages, byref(dev))
        return dev.value

    def swap_destroy(self) -> None:
        """Remove it; OSError (EBUSY) while it is in use."""
        self._call("tw_swap_destroy")

    def swap_info(self) -> abi.SwapInfo:
        """The swap device, and how many of its pages are in which tier; OSError (ENOENT)
        if there is none."""
        info = abi.SwapInfo()
        self._call("tw_swap_info", byref(info))
        return info

    def attach(self, pid: int = 0) -> int:
        """Have the memory of a process watched, 0: of this one. The attachment's id;
        FileExistsError if it is attached."""
        return self._fill("tw_attach", c_uint64, pid).value

    def detach(self, attachment: int) -> None:
        """End an attachment, by its id."""
        self._call("tw_detach", attachment)

    def attached(self, attachment: int) -> abi.Attached:
        """What is known of an attachment; OSError (ENOENT) if there is none of that id."""
        return self._fill("tw_attached", abi.Attached, attachment, 0)

    def attachments(self) -> list[abi.Attached]:
        """All of them that this process may see, by rising id."""
        found: list[abi.Attached] = []
        while True:
            last = found[-1].id if found else 0
            try:
                found.append(self._fill("tw_attached", abi.Attached, last,
                                        abi.TW_ATTACHED_NEXT))
            except FileNotFoundError:
                return found

    def groups(self) -> dict[Union[str, int], abi.GroupLimits]:
        """The cgroups and users that have limits."""
        cursor, path = c_uint64(), ctypes.create_string_buffer(4096)
        found: dict[Union[str, int], abi.GroupLimits] = {}
        while True:
            limits = abi.GroupLimits()
            try:
                self._call("tw_group_limits_next", byref(cursor), path, len(path),
                           byref(limits))
            except FileNotFoundError:
                return found
            cgroup = limits.kind == abi.TW_GROUP_CGROUP
            found[path.value.decode(errors="replace") if cgroup else limits.uid] = limits

    def agent_migrate(self, to: int, agent: AgentLike = None, source: int = Tier.NONE,
                      most: int = 0, reason: int = Reason.MANUAL) -> tuple[int, int]:
        """Move an agent's pages: how many were, how many could not be."""
        moved, failed = c_uint64(), c_uint64()
        self._of_agent("tw_agent_migrate", agent, to, source, reason, most, byref(moved),
                       byref(failed))
        return moved.value, failed.value

    # --- regions and streams

    def region(self, size: int, affinity: int = Tier.CPU, agent: Optional[Agent] = None,
               flags: int = 0) -> Region:
        """Make a region of so many bytes and map it; its pages go to `affinity` first.

        `flags` are TW_REGION_*, as in <linux/tierwatch.h>.
        """
        pointer = c_void_p()
        self._call("tw_region_create", size, affinity, flags, agent.handle if agent else None,
                   byref(pointer))
        return Region(pointer)

    def region_from_fd(self, fd: int) -> Region:
        """A region that was passed as a descriptor, which becomes the handle's."""
        pointer = c_void_p()
        self._call("tw_region_open_fd", fd, byref(pointer))
        return Region(pointer)

    def stream(self, mask: int = abi.TW_EVENT_ALL, agent: Optional[Agent] = None,
               events: int = 4096) -> Stream:
        """Listen to events; without an agent to everybody's, which needs a capability."""
        pointer = c_void_p()
        self._call("tw_stream_create", mask, agent.handle if agent else None, events,
                   byref(pointer))
        return Stream(pointer)

    # --- pages

    def migrate(self, pages: Sequence[int], to: int, source: int = Tier.NONE,
                reason: int = Reason.MANUAL) -> Moves:
        """Move pages by number."""
        numbers, status, total = (c_uint64 * len(pages))(*pages), (c_int32 * len(pages))(), \
            lib.MoveSum()
        self._call("tw_migrate_pages", numbers, len(pages), to, source, reason, status,
                   byref(total))
        return Moves.of(total, status)

    def migrate_addr(self, addr: int, length: int, to: int, source: int = Tier.NONE,
                     reason: int = Reason.MANUAL) -> Moves:
        """Move a range of this process's memory (page aligned bytes)."""
        status = (c_int32 * max(length // self.info().page_size, 1))()
        total = lib.MoveSum()
        self._call("tw_migrate_addr", addr, length, to, source, reason, status, len(status),
                   byref(total))
        return Moves.of(total, status)

    def request(self, requests: Iterable[abi.Request], wait: bool = False) -> list[abi.Request]:
        """Queue pages to be moved by and by, all or none; with `wait` until all have ended.
        They come back filled in. BlockingIOError: no room in the queue."""
        asked = list(requests)
        array = (abi.Request * len(asked))(*asked)
        self._call("tw_request", array, len(asked), abi.TW_REQUEST_WAIT if wait else 0, None,
                   None)
        return list(array)

    def candidates(self, source: int, to: int, most: int = 100,
                   attached: bool = False) -> list[abi.Candidate]:
        """Pages worth moving, best first; with `attached` those of attached programs,
        which the kernel places."""
        room = (abi.Candidate * most)()
        flags = abi.TW_CANDIDATES_ATTACHED if attached else 0
        return room[:self._call("tw_candidates_flags", source, to, flags, room, most)]

    def _each(self, function: str, pages: Sequence[int], *arguments) -> Each:
        """A function that says of each page what came of it."""
        numbers, status, total = (c_uint64 * len(pages))(*pages), (c_int32 * len(pages))(), \
            lib.Sum()
        self._call(function, numbers, len(pages), *arguments, status, byref(total))
        return Each(total.ok, total.failed, list(status))

    def track(self, pages: Sequence[int], tier: int, agent: AgentLike = None,
              node: int = -1) -> Each:
        """Keep track of pages; frame numbers of external ones need CAP_SYS_ADMIN."""
        if isinstance(agent, int):
            return self._each("tw_track_by_id", pages, tier, node, agent)
        return self._each("tw_track", pages, tier, node, agent.handle if agent else None)

    def untrack(self, pages: Sequence[int]) -> Each:
        """Forget external pages."""
        return self._each("tw_untrack", pages)

    def mark(self, pages: Sequence[int], temperature: int) -> Each:
        """Call pages hot or cold."""
        return self._each("tw_mark", pages, temperature)

    def report(self, page: int, addr: int = 0, write: bool = False) -> None:
        """Tell that a page was touched."""
        self._call("tw_report", page, addr, abi.TW_REPORT_WRITE if write else 0)

    def page_info(self, pages: Sequence[int]) -> list[abi.Page]:
        """Look pages up by number."""
        infos = (abi.Page * len(pages))()
        self._call("tw_page_info", (c_uint64 * len(pages))(*pages), len(pages), infos)
        return list(infos)

    def addr_page(self, addr: int) -> int:
        """The stable number of the page at an address of this process."""
        return self._fill("tw_addr_page", c_uint64, addr).value

    def page_list(self, temperature: int = Temperature.HOT, tier: int = Tier.NONE,
                  most: Optional[int] = None) -> list[abi.Page]:
        """Pages of a temperature, in the order of their numbers; at most so many."""
        return self._listed("tw_page_list", (tier, temperature), (), most)

    def page_sample(self, every: int = 1, most: Optional[int] = None) -> list[abi.Page]:
        """Pages of any temperature, of one chunk of TW_CHUNK in every so many, which is a
        power of 2; at most so many pages."""
        return self._listed("tw_page_sample", (every,), (0, None), most)

    def _listed(self, function: str, what: tuple, more: tuple,
                most: Optional[int]) -> list[abi.Page]:
        """What a function lists from its cursor on, call by call."""
        found: list[abi.Page] = []
        cursor = c_uint64()
        while most is None or len(found) < most:
            room = (abi.Page * min(1024, 1024 if most is None else most - len(found)))()
            got = self._call(function, *what, byref(cursor), *more, room, len(room))
            found += room[:got]
            if not cursor.value:
                break
        return found

    def agents(self) -> list[abi.AgentEntry]:
        """The agents there are, in the order in which they were made: one's own, with
        CAP_SYS_ADMIN everybody's."""
        found: list[abi.AgentEntry] = []
        cursor = c_uint64()
        while True:
            room = (abi.AgentEntry * 64)()
            found += room[:self._call("tw_agent_list", byref(cursor), room, len(room))]
            if not cursor.value:
                return found

    # --- statistics and policy

    def stats(self) -> abi.StatsHeader:
        """The driver's own objects, memory and scans, of this moment."""
        stats = ctypes.POINTER(abi.StatsHeader)()
        self._call("tw_stats_map", byref(stats))
        return abi.StatsHeader.from_buffer_copy(stats.contents)

    def tier_stats(self, tier: int) -> abi.StatsTier:
        """A tier's block of the statistics, consistent."""
        return self._fill("tw_stats_get_tier", abi.StatsTier, tier)

    def counters(self, tier: int) -> abi.StatsCounters:
        """A tier's counters, summed over the CPUs."""
        return self._fill("tw_stats_get_counters", abi.StatsCounters, tier)

    def module_stats(self) -> abi.ModuleStats:
        """All of the driver at a glance."""
        return self._fill("tw_module_stats", abi.ModuleStats)

    def policy(self) -> abi.Policy:
        """The knobs of automatic migration."""
        return self._fill("tw_policy_get", abi.Policy)

    def set_policy(self, **knobs: int) -> abi.Policy:
        """Set knobs by name, all that are given or none; what holds then."""
        policy = abi.Policy()
        known = policy.knobs()
        for name, value in knobs.items():
            if name not in known:
                raise TypeError(f"no knob {name!r}: they are {', '.join(known)}")
            policy.put(name, value)
        self._call("tw_policy_set", byref(policy))
        return self.policy()
