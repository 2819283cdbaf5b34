# SPDX-License-Identifier: LGPL-2.1-or-later
"""The words of the command for methods of the device: `tw tier bind` is tier_bind().

Each is one of the device's other methods, which have the library's names; attach, detach,
migrate, pressure and stats are called the same in both. Swap has no on and off here: that takes
mkswap(8) and swapon(8), which the command calls.
"""

from __future__ import annotations

from typing import Optional, Sequence, Union

from . import abi


class Verbs:
    """Names for those who know the command; part of Device."""

    def status(self) -> abi.ModuleStats:
        """tw status: all of the driver at a glance."""
        return self.module_stats()

    def tier_list(self) -> list[abi.TierInfo]:
        """tw tier list: all tiers, bound or not."""
        return [self.tier_info(tier) for tier in range(abi.TW_NR_TIERS)]

    def tier_bind(self, tier: int, device: Optional[str] = None, nodes: int = 0,
                  capacity: int = 0, flags: int = 0) -> abi.TierInfo:
        """tw tier bind: to a signed block device, or to NUMA nodes, a bit each (0: all that
        fit); what it is then."""
        if device is not None and nodes:
            raise TypeError("a tier has a device or nodes, not both")
        if device is None:
            self.bind_nodes(tier, nodes, capacity, flags)
        else:
            self.bind_device(tier, device, capacity, flags)
        return self.tier_info(tier)

    def tier_unbind(self, tier: int, flags: int = 0) -> int:
        """tw tier unbind: how many pages were moved away."""
        return self.unbind(tier, flags)

    def swap_status(self) -> abi.SwapInfo:
        """tw swap status."""
        return self.swap_info()

    def pressure_set(self, tier: int, enter: Sequence[int], leave: Sequence[int]
                     ) -> abi.Thresholds:
        """tw pressure set: what holds then."""
        self.set_thresholds(tier, enter, leave)
        return self.thresholds(tier)

    def agent_list(self) -> list[abi.AgentEntry]:
        """tw agent list."""
        return self.agents()

    def agent_show(self, agent=None) -> abi.AgentStats:
        """tw agent show: one by handle or label; None: the default one of the cgroup."""
        return self.agent_stats(agent)

    def agent_limit(self, agent=None, pages: Optional[Sequence[int]] = None,
                    group: Union[str, int, None] = None
                    ) -> Union[abi.AgentLimits, abi.GroupLimits]:
        """tw agent limit: of an agent, or of a group, which is a cgroup's path or a user's
        number. Sets them if they are given, in pages of each tier; what holds then."""
        if group is not None:
            if agent is not None:
                raise TypeError("limits are an agent's or a group's, not both")
            if pages is not None:
                self.set_group_limits(pages, group)
            return self.group_limits(group)
        if pages is not None:
            self.set_agent_limits(pages, agent)
        return self.agent_limits(agent)

    def page(self, pages: Sequence[int]) -> list[abi.Page]:
        """tw page: where pages are, and how hot, by their numbers."""
        return self.page_info(pages)

    def policy_show(self) -> abi.Policy:
        """tw policy show."""
        return self.policy()

    def policy_set(self, **knobs: int) -> abi.Policy:
        """tw policy set: knobs by name, all that are given or none; what holds then."""
        return self.set_policy(**knobs)
