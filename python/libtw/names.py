# SPDX-License-Identifier: LGPL-2.1-or-later
"""Numbers of the interface, and what libtw calls them."""

from __future__ import annotations

from enum import IntEnum

from . import abi, lib


class Tier(IntEnum):
    """enum tw_tier. NONE: any, where a tier is asked for."""

    GPU, CPU, NVME, SSD, HDD = range(abi.TW_NR_TIERS)
    NONE = abi.TW_TIER_NONE


class Level(IntEnum):
    """enum tw_level: the pressure of a tier."""

    LOW, MEDIUM, HIGH, CRITICAL = range(4)


class Reason(IntEnum):
    """enum tw_reason: why a page moves."""

    MANUAL, HOT, COLD, PRESSURE, NUMA, FAULT, EVACUATE = range(abi.TW_NR_REASONS)


class Temperature(IntEnum):
    """enum tw_class."""

    WARM, HOT, COLD = range(abi.TW_NR_CLASSES)


class Switch(IntEnum):
    """tw_policy.enabled, for Device.set_policy(): neither scan nor move, both, scan only."""

    OFF, ON, WATCH = abi.TW_POLICY_OFF, abi.TW_POLICY_ON, abi.TW_POLICY_WATCH


class Event(IntEnum):
    """enum tw_event_type; bit() is its bit in a stream's mask."""

    FAULT = abi.TW_EVENT_FAULT
    MIGRATE = abi.TW_EVENT_MIGRATE
    PRESSURE = abi.TW_EVENT_PRESSURE
    LIMIT = abi.TW_EVENT_LIMIT
    TIER_BOUND = abi.TW_EVENT_TIER_BOUND
    TIER_UNBOUND = abi.TW_EVENT_TIER_UNBOUND
    TIER_ERROR = abi.TW_EVENT_TIER_ERROR
    AGENT_CREATED = abi.TW_EVENT_AGENT_CREATED
    AGENT_ENDED = abi.TW_EVENT_AGENT_ENDED
    REQUEST = abi.TW_EVENT_REQUEST

    def bit(self) -> int:
        """Its bit in a stream's mask."""
        return abi.TW_EVENT_BIT(self)


def version() -> str:
    """The library's version."""
    return lib.loaded().tw_version().decode()


def tier_name(tier: int) -> str:
    """"gpu", "cpu", "nvme", "ssd", "hdd", "none" or "?"."""
    return lib.loaded().tw_tier_name(tier).decode()


def tier_parse(name: str) -> Tier:
    """A tier by its name, in any case; ValueError when there is none of it."""
    tier = lib.loaded().tw_tier_parse(name.encode())
    if tier < 0:
        names = ", ".join(tier_name(known) for known in range(abi.TW_NR_TIERS))
        raise ValueError(f"no tier {name!r}: it is one of {names}")
    return Tier(tier)


def level_name(level: int) -> str:
    """"low", "medium", "high", "critical" or "?"."""
    return lib.loaded().tw_level_name(level).decode()


def reason_name(reason: int) -> str:
    """"manual", "hot", "cold", "pressure", "numa", "fault", "evacuate" or "?"."""
    return lib.loaded().tw_reason_name(reason).decode()


def event_name(event: int) -> str:
    """"fault", "migrate", "pressure" and so on, or "?"."""
    return lib.loaded().tw_event_name(event).decode()
