# SPDX-License-Identifier: LGPL-2.1-or-later
"""The functions of libtw.so as <tw.h> declares them.

Owns loading the library and the types of its arguments.  What a function
returns is left as it is: a negative errno is the caller's to check.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import (POINTER, Structure, c_bool, c_char_p, c_int, c_int32, c_size_t, c_uint,
                    c_uint32, c_uint64, c_void_p, sizeof)
from typing import Optional

from . import abi

SONAME = "libtw.so.0"


class MoveSum(Structure):
    """struct tw_move_sum: what came of a move, in pages."""

    _fields_ = [(name, c_uint64) for name in ("done", "moved", "already", "failed", "untouched")]


class Sum(Structure):
    """struct tw_sum: what came of a call for many pages."""

    _fields_ = [(name, c_uint64) for name in ("done", "ok", "failed")]


_u64s, _s32s, _out = POINTER(c_uint64), POINTER(c_int32), POINTER(c_void_p)
_pages, _sum, _moves = (_u64s, c_size_t), (_s32s, POINTER(Sum)), POINTER(MoveSum)
_move = (c_int, c_int, c_int, _s32s)
_limits, _stats = POINTER(abi.AgentLimits), POINTER(abi.AgentStats)
_groups = POINTER(abi.GroupLimits)

# By name: what it returns, what it takes.
PROTOTYPES = {
    "tw_version": (c_char_p,),
    "tw_open": (c_int, c_char_p, _out),
    "tw_close": (None, c_void_p),
    "tw_fd": (c_int, c_void_p),
    "tw_info": (c_int, c_void_p, POINTER(abi.Info)),
    "tw_tier_name": (c_char_p, c_int),
    "tw_tier_parse": (c_int, c_char_p),
    "tw_level_name": (c_char_p, c_int),
    "tw_reason_name": (c_char_p, c_int),
    "tw_event_name": (c_char_p, c_int),
    "tw_tier_info": (c_int, c_void_p, c_int, POINTER(abi.TierInfo)),
    "tw_tier_bind_nodes": (c_int, c_void_p, c_int, c_uint64, c_uint64, c_uint),
    "tw_tier_bind_device": (c_int, c_void_p, c_int, c_char_p, c_uint64, c_uint),
    "tw_tier_unbind": (c_int, c_void_p, c_int, c_uint, _u64s),
    "tw_tier_resize": (c_int, c_void_p, c_int, _u64s, _u64s),
    "tw_pressure": (c_int, c_void_p, c_int, POINTER(abi.Pressure)),
    "tw_thresholds_get": (c_int, c_void_p, c_int, POINTER(abi.Thresholds)),
    "tw_thresholds_set": (c_int, c_void_p, c_int, POINTER(c_uint32), POINTER(c_uint32)),
    "tw_fault_stats": (c_int, c_void_p, c_int, c_uint, POINTER(abi.FaultStats)),
    "tw_numa_stats": (c_int, c_void_p, c_int, POINTER(abi.NumaStats)),
    "tw_numa_balance": (c_int, c_void_p, c_uint, POINTER(abi.NumaBalance)),
    "tw_agent_create": (c_int, c_void_p, c_uint64, _out),
    "tw_agent_join": (c_int, c_void_p, c_uint64, _out),
    "tw_agent_open_fd": (c_int, c_void_p, c_int, _out),
    "tw_agent_open": (c_int, c_void_p, POINTER(abi.AgentEntry), _out),
    "tw_agent_close": (None, c_void_p),
    "tw_agent_fd": (c_int, c_void_p),
    "tw_agent_id": (c_uint64, c_void_p),
    "tw_agent_stats": (c_int, c_void_p, c_void_p, _stats),
    "tw_agent_stats_by_id": (c_int, c_void_p, c_uint64, _stats),
    "tw_agent_limits_get": (c_int, c_void_p, c_void_p, _limits),
    "tw_agent_limits_get_by_id": (c_int, c_void_p, c_uint64, _limits),
    "tw_agent_limits_set": (c_int, c_void_p, c_void_p, _u64s),
    "tw_agent_limits_set_by_id": (c_int, c_void_p, c_uint64, _u64s),
    "tw_cgroup_limits_get": (c_int, c_void_p, c_char_p, _groups),
    "tw_cgroup_limits_set": (c_int, c_void_p, c_char_p, _u64s),
    "tw_user_limits_get": (c_int, c_void_p, c_uint32, _groups),
    "tw_user_limits_set": (c_int, c_void_p, c_uint32, _u64s),
    "tw_group_limits_next": (c_int, c_void_p, _u64s, c_char_p, c_size_t, _groups),
    "tw_swap_create": (c_int, c_void_p, c_uint64, POINTER(c_uint32)),
    "tw_swap_destroy": (c_int, c_void_p),
    "tw_swap_info": (c_int, c_void_p, POINTER(abi.SwapInfo)),
    "tw_attach": (c_int, c_void_p, c_int, _u64s),
    "tw_detach": (c_int, c_void_p, c_uint64),
    "tw_attached": (c_int, c_void_p, c_uint64, c_uint, POINTER(abi.Attached)),
    "tw_agent_migrate": (c_int, c_void_p, c_void_p, c_int, c_int, c_int, c_uint, _u64s, _u64s),
    "tw_agent_migrate_by_id": (c_int, c_void_p, c_uint64, c_int, c_int, c_int, c_uint, _u64s,
                               _u64s),
    "tw_region_create": (c_int, c_void_p, c_uint64, c_int, c_uint, c_void_p, _out),
    "tw_region_open_fd": (c_int, c_void_p, c_int, _out),
    "tw_region_close": (None, c_void_p),
    "tw_region_addr": (c_void_p, c_void_p),
    "tw_region_size": (c_uint64, c_void_p),
    "tw_region_fd": (c_int, c_void_p),
    "tw_region_id": (c_uint64, c_void_p),
    "tw_region_page": (c_uint64, c_void_p, c_void_p),
    "tw_region_info": (c_int, c_void_p, POINTER(abi.RegionInfo)),
    "tw_region_discard": (c_int, c_void_p, c_uint64, c_uint64, _u64s),
    "tw_region_seal": (c_int, c_void_p, c_uint, POINTER(c_uint)),
    "tw_region_view": (c_int, c_void_p),
    "tw_region_migrate": (c_int, c_void_p, c_uint64, c_uint64, *_move, c_size_t, _moves),
    "tw_region_pages": (c_int, c_void_p, c_uint64, c_uint64, POINTER(abi.Page), c_size_t),
    "tw_migrate_pages": (c_int, c_void_p, *_pages, *_move, _moves),
    "tw_migrate_addr": (c_int, c_void_p, c_void_p, c_size_t, *_move, c_size_t, _moves),
    "tw_request": (c_int, c_void_p, POINTER(abi.Request), c_size_t, c_uint, POINTER(c_uint32),
                   POINTER(c_uint32)),
    "tw_candidates": (c_int, c_void_p, c_int, c_int, POINTER(abi.Candidate), c_size_t),
    "tw_candidates_flags": (c_int, c_void_p, c_int, c_int, c_uint, POINTER(abi.Candidate),
                            c_size_t),
    "tw_track": (c_int, c_void_p, *_pages, c_int, c_int, c_void_p, *_sum),
    "tw_track_by_id": (c_int, c_void_p, *_pages, c_int, c_int, c_uint64, *_sum),
    "tw_untrack": (c_int, c_void_p, *_pages, *_sum),
    "tw_mark": (c_int, c_void_p, *_pages, c_int, *_sum),
    "tw_report": (c_int, c_void_p, c_uint64, c_uint64, c_uint),
    "tw_page_info": (c_int, c_void_p, *_pages, POINTER(abi.Page)),
    "tw_addr_page": (c_int, c_void_p, c_void_p, _u64s),
    "tw_agent_list": (c_int, c_void_p, _u64s, POINTER(abi.AgentEntry), c_size_t),
    "tw_page_list": (c_int, c_void_p, c_int, c_int, _u64s, POINTER(abi.Page), c_size_t),
    "tw_page_sample": (c_int, c_void_p, c_uint, _u64s, c_uint64, POINTER(c_uint),
                       POINTER(abi.Page), c_size_t),
    "tw_stats_map": (c_int, c_void_p, POINTER(POINTER(abi.StatsHeader))),
    "tw_stats_get_tier": (c_int, c_void_p, c_int, POINTER(abi.StatsTier)),
    "tw_stats_get_counters": (c_int, c_void_p, c_int, POINTER(abi.StatsCounters)),
    "tw_module_stats": (c_int, c_void_p, POINTER(abi.ModuleStats)),
    "tw_policy_get": (c_int, c_void_p, POINTER(abi.Policy)),
    "tw_policy_set": (c_int, c_void_p, POINTER(abi.Policy)),
    "tw_stream_create": (c_int, c_void_p, c_uint64, c_void_p, c_uint, _out),
    "tw_stream_open_fd": (c_int, c_int, _out),
    "tw_stream_close": (None, c_void_p),
    "tw_stream_fd": (c_int, c_void_p),
    "tw_stream_nr_rings": (c_uint, c_void_p),
    "tw_stream_ring": (c_void_p, c_void_p, c_uint),
    "tw_stream_peek": (POINTER(abi.Event), c_void_p, POINTER(c_uint)),
    "tw_stream_ok": (c_bool, c_void_p, POINTER(abi.Event)),
    "tw_stream_read": (c_size_t, c_void_p, POINTER(abi.Event), c_size_t),
    "tw_stream_set_watermark": (None, c_void_p, c_uint),
    "tw_stream_arm": (c_bool, c_void_p),
    "tw_stream_wait": (c_int, c_void_p, c_int),
    "tw_stream_seen": (c_uint64, c_void_p),
    "tw_stream_lost": (c_uint64, c_void_p),
}

# The macros of <tw.h>: what the caller's struct is, whose size goes last to NAME_v1.
SIZED = {
    "tw_info": abi.Info,
    "tw_tier_info": abi.TierInfo,
    "tw_pressure": abi.Pressure,
    "tw_thresholds_get": abi.Thresholds,
    "tw_fault_stats": abi.FaultStats,
    "tw_numa_stats": abi.NumaStats,
    "tw_numa_balance": abi.NumaBalance,
    "tw_agent_stats": abi.AgentStats,
    "tw_agent_stats_by_id": abi.AgentStats,
    "tw_agent_list": abi.AgentEntry,
    "tw_agent_limits_get": abi.AgentLimits,
    "tw_agent_limits_get_by_id": abi.AgentLimits,
    "tw_cgroup_limits_get": abi.GroupLimits,
    "tw_user_limits_get": abi.GroupLimits,
    "tw_swap_info": abi.SwapInfo,
    "tw_attached": abi.Attached,
    "tw_group_limits_next": abi.GroupLimits,
    "tw_region_info": abi.RegionInfo,
    "tw_migrate_pages": MoveSum,
    "tw_migrate_addr": MoveSum,
    "tw_region_migrate": MoveSum,
    "tw_request": abi.Request,
    "tw_candidates": abi.Candidate,
    "tw_candidates_flags": abi.Candidate,
    "tw_track": Sum,
    "tw_track_by_id": Sum,
    "tw_untrack": Sum,
    "tw_mark": Sum,
    "tw_page_info": abi.Page,
    "tw_page_list": abi.Page,
    "tw_page_sample": abi.Page,
    "tw_region_pages": abi.Page,
    "tw_stats_get_tier": abi.StatsTier,
    "tw_stats_get_counters": abi.StatsCounters,
    "tw_module_stats": abi.ModuleStats,
    "tw_policy_get": abi.Policy,
    "tw_policy_set": abi.Policy,
}

_loaded: Optional[ctypes.CDLL] = None


def _sized(function, struct: type):
    """A function that is told how large its caller's struct is."""
    return lambda *arguments: function(*arguments, sizeof(struct))


def load(path: str = SONAME) -> ctypes.CDLL:
    """Load the library, from `path` or where the system has it, with its prototypes.

    The first that is loaded serves the whole module.  OSError when there is none.
    """
    global _loaded  # pylint: disable=global-statement
    library = ctypes.CDLL(path)
    for name, (result, *arguments) in PROTOTYPES.items():
        struct = SIZED.get(name)
        function = getattr(library, f"{name}_v1" if struct else name)
        function.restype = result
        function.argtypes = (*arguments, c_size_t) if struct else arguments
        if struct:
            setattr(library, name, _sized(function, struct))
    _loaded = _loaded or library
    return library


def loaded() -> ctypes.CDLL:
    """The library, loaded when it is first needed."""
    return _loaded or load()


def check(result: int, call: str, subject: object = None) -> int:
    """What a function returned; a negative errno becomes OSError, which says of what it is.

    Its `call` is the function's name, its `subject` what it was about.
    """
    if result < 0:
        of_what = "" if subject is None else f" of {subject!r}"
        error = OSError(-result, f"{os.strerror(-result)}: {call}{of_what}")
        error.call, error.subject = call, subject
        raise error
    return result
