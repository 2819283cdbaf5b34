# SPDX-License-Identifier: LGPL-2.1-or-later
"""TierWatch from Python: memory over five tiers, GPU, CPU, NVMe, SSD and HDD.

    import libtw
    from libtw import Tier

    with libtw.Device() as tw, tw.region(1 << 20) as region:
        region.memory[0:5] = b"hello"
        print(region.migrate(0, 4096, Tier.NVME).moved)     # 1
        print(region.pages(0, 4096)[0].tier)                # 2, Tier.NVME

A class is a handle of libtw(3), to be closed or used as a context; a method is
one of its functions and takes what that takes.  Who knows the command finds its
words, too: Device.tier_bind() is `tw tier bind`, see libtw.verbs.  Units are the library's: sizes
and offsets of regions in bytes, capacities and limits in pages of
Device.info().page_size bytes, times in nanoseconds of CLOCK_MONOTONIC.

A refused call raises OSError with the errno that <linux/tierwatch.h> lists:
PermissionError, FileNotFoundError and so on where Python has a class for it.
What is done for many pages raises only when the call as a whole failed; what
came of each page is in its status, 0 or a negative errno.

Structs that are returned are those of libtw.abi, their members documented in
<linux/tierwatch.h>.  The functions themselves are in libtw.lib.
"""

from __future__ import annotations

from .abi import (TW_AGENT_BY_ID, TW_BIND_MOVABLE, TW_EVENT_ALL, TW_NO_LIMIT, TW_PAGE,
                  TW_REGION_DONTDUMP, TW_REGION_HUGE, TW_REGION_RESERVE, TW_TIER_NONE, Request)
from .device import Device
from .handles import Agent, Region, Stream
from .lib import load
from .names import (Event, Level, Reason, Switch, Temperature, Tier, event_name, level_name,
                    reason_name, tier_name, tier_parse, version)

__all__ = [
    "Agent", "Device", "Event", "Level", "Reason", "Region", "Request", "Stream", "Switch",
    "Temperature", "Tier", "TW_AGENT_BY_ID", "TW_BIND_MOVABLE", "TW_EVENT_ALL", "TW_NO_LIMIT",
    "TW_PAGE", "TW_REGION_DONTDUMP", "TW_REGION_HUGE", "TW_REGION_RESERVE", "TW_TIER_NONE",
    "event_name", "level_name", "load", "reason_name", "tier_name", "tier_parse", "version",
]
