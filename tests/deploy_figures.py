#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In a guest: bring the tiers into states that alerts are about, keep what tw metrics says of each.

usage: deploy_figures.py FOLDER; writes FOLDER/STATE.prom
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE / "guest"))

import support  # noqa: E402
import tw  # noqa: E402

TW = HERE.parent / "build" / "tools" / "tw"
# In pages; so small that they fill quickly.
TIERS = {tw.CPU: 1024, tw.NVME: 1024, tw.SSD: 512}


def keep(folder: Path, state: str, *options: str, code: int = 0) -> None:
    """What Prometheus would see now."""
    done = subprocess.run([TW, *options, "metrics", "--agents", "5", "--output",
                           folder / f"{state}.prom"], check=False)
    assert done.returncode == code, (state, done)


def fill(device: tw.Device, pages: int, agent: tw.Agent | None = None) -> tw.Region:
    """A region that many pages of which are touched; it stays."""
    region = device.region(pages * tw.PAGE, agent=agent)
    mapping = region.map()
    support.MADE += [region, mapping]
    support.fill(mapping, range(pages), 1)
    return region


def main() -> None:
    """The states, from the best to the worst."""
    folder = Path(sys.argv[1])
    device = tw.Device()
    support.Layout.remember(device)
    support.set_tiers(device, TIERS)
    # The CPU tier is full, as it should be, and stores have room.
    fill(device, 1200)
    keep(folder, "healthy")
    agent = device.agent(1)
    limits = device.limits(1).pages
    limits[tw.CPU] = 100
    device.limits(1, limits)
    fill(device, 200, agent)
    assert support.wait_for(lambda: 99 <= device.agent_stats(1).pages[tw.CPU] <= 100, 30)
    # A cgroup's limit holds for what is made in it.
    with support.Cgroup() as group:
        device.group_limits(group.name, [tw.TW_NO_LIMIT] * tw.CPU + [100] +
                            [tw.TW_NO_LIMIT] * (4 - tw.CPU))
        with group.inside():
            fill(device, 200)
        assert support.wait_for(
            lambda: 99 <= device.group_limits(group.name).used[tw.CPU] <= 100, 30)
        keep(folder, "limited")
        device.group_limits(group.name, [tw.TW_NO_LIMIT] * 5)
    support.close_made()
    agent.close()
    fill(device, 2500)
    keep(folder, "full")
    support.close_made()
    # A disk that has lost what it was given, and is taken out.
    support.place(fill(device, 50), 0, 50, tw.SSD)
    with open(support.store_path(tw.SSD), "r+b", buffering=0) as disk:
        disk.write(bytes(TIERS[tw.SSD] * tw.PAGE * 2))
        os.fsync(disk.fileno())
    device.unbind(tw.SSD, tw.TW_UNBIND_FORCE)
    keep(folder, "taken")
    keep(folder, "gone", "--device", "/dev/no-such", code=3)
    support.close_made()


if __name__ == "__main__":
    main()
