# SPDX-License-Identifier: GPL-2.0
"""/proc/swarm: names and values, the same as everywhere else, and who may read them."""

import errno
import re
import subprocess
from pathlib import Path

import pytest

import tw
from support import (REPO, NOBODY, errno_of, fill, place, run_child, run_user,
                     tiers_of)
from tw import CPU, GPU, NVME, PAGE, TIER_NAMES, TIERS

SWARM = Path("/proc/swarm")
MANUAL = REPO / "tools" / "tw" / "tierwatch_proc.5"
FILES = [f"tiers/{name}/stats" for name in TIER_NAMES] + ["module_stats", "agents", "numa"]


def read(name: str) -> dict[str, str]:
    """A file's lines; every one is a name and a value."""
    lines = (SWARM / name).read_text().splitlines()
    pairs = [line.split(" ") for line in lines]
    assert all(len(pair) == 2 for pair in pairs), lines
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def test_files():
    found = {str(path.relative_to(SWARM)) for path in SWARM.rglob("*") if path.is_file()}
    assert found == set(FILES)
    for name in FILES:
        mode = (SWARM / name).stat().st_mode & 0o777
        assert mode == (0o440 if name in ("agents", "numa") else 0o444), name


@pytest.mark.parametrize("tier", TIERS)
def test_tier(dev, stats, tier):
    lines = read(f"tiers/{TIER_NAMES[tier]}/stats")
    info = dev.tier_info(tier)
    assert lines["kind"] == ("none", "numa", "store")[info.kind]
    assert int(lines["capacity_pages"]) == info.capacity
    assert int(lines["used_pages"]) == info.used
    assert int(lines["swap_used_pages"]) == stats.tier(tier)["swap_used"]
    assert int(lines["latency_ns"]) == info.latency_ns
    assert int(lines["nominal_latency_ns"]) == info.nominal_latency_ns
    counters = stats.counters(tier)
    for name, counter in (("faults_first", "first"), ("migrations_out", "moves_out"),
                          ("bytes_written", "bytes_written"), ("io_errors", "io_errors"),
                          ("swap_in", "swap_in"), ("swap_out", "swap_out"),
                          ("swap_sunk", "swap_sunk")):
        assert int(lines[name]) == counters[counter]


def test_an_unbound_tier(dev):
    with tiers_of(dev, {CPU: 0}):
        lines = read("tiers/nvme/stats")
        assert lines["kind"] == "none" and lines["capacity_pages"] == "0"
        assert lines["nominal_latency_ns"] == "20000"


def test_module(dev, make):
    before = read("module_stats")
    region, mapping = make(32, touched=32)
    place(region, 0, 16, NVME)
    after = read("module_stats")
    assert int(after["pages_tracked"]) - int(before["pages_tracked"]) == 32
    assert int(after["migrations"]) - int(before["migrations"]) == 16
    assert int(after["faults"]) - int(before["faults"]) >= 32
    assert int(after["regions"]) - int(before["regions"]) == 1
    assert int(after["migration_latency_avg_ns"]) > 0
    whole = dev.module_stats()
    assert int(after["pages_tracked"]) == whole.pages_tracked
    assert int(after["migration_batch_size"]) == whole.batch_size
    assert int(after["hot_threshold"]) == whole.hot_threshold
    assert mapping.read(0, 1)


def test_as_the_specification_says():
    """Its commands, as they stand there."""
    done = subprocess.run(["sh", "-c", "cat /proc/swarm/module_stats | grep migrations"],
                          capture_output=True, text=True, check=True)
    assert re.match(r"migrations \d+\nmigrations_failed \d+\n", done.stdout)
    for name in TIER_NAMES:
        subprocess.run(["cat", f"/proc/swarm/tiers/{name}/stats"], check=True,
                       capture_output=True)


def test_agents(dev):
    with dev.agent(4711) as agent, dev.region(8 * PAGE, agent=agent) as region, \
            region.map() as mapping:
        fill(mapping, range(8), 1)
        place(region, 0, 3, GPU)
        lines = read("agents")
        assert lines["0/4711/pages_cpu"] == "5" and lines["0/4711/pages_gpu"] == "3"
        assert lines["0/4711/regions"] == "1" and int(lines["0/4711/faults_cpu"]) >= 1
    assert not any(name.startswith("0/4711/") for name in read("agents"))


def test_numa(dev):
    lines = read("numa")
    nodes = {int(name[4:].split("/")[0]) for name in lines}
    assert nodes
    for node in nodes:
        stats = dev.numa_stats(node)
        assert int(lines[f"node{node}/total_pages"]) == stats.total
        assert lines[f"node{node}/tier"] == TIER_NAMES[stats.tier]


def test_who_may_read():
    def look():
        return {name: errno_of(lambda one=name: (SWARM / one).read_text()) for name in FILES}

    errors = run_child(look, uid=NOBODY, gid=NOBODY)
    assert {name for name, error in errors.items() if error} == {"agents", "numa"}


def test_a_call_says_no_more():
    def ask():
        with tw.Device() as device:
            return errno_of(device.numa_stats, 0)

    assert run_user(ask) == errno.EACCES
    assert run_child(ask) == 0


def test_manual_is_complete():
    """Every name is in the page and the page has no other."""
    text = MANUAL.read_text(encoding="utf-8")
    known = set(re.findall(r"^\.It Sy (\S+)$", text, re.M))
    seen = set()
    with tw.Device() as device, device.agent(1):
        for name in FILES:
            for key in read(name):
                last = key.rpartition("/")[2]
                for tier in TIER_NAMES:
                    last = re.sub(f"^(pages|external|faults)_{tier}$", r"\1_TIER", last)
                seen.add(last)
    assert seen == known
