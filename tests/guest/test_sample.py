# SPDX-License-Identifier: GPL-2.0
"""The specification's sample code, with no change to its lines, compiled and run."""

import subprocess
from pathlib import Path

import pytest

from support import TINY, tiers_of

pytestmark = pytest.mark.once

TOP = Path(__file__).resolve().parents[2]

# The block under "API Usage".
API = r"""#include "tier_watch.h"

// Track a page in a specific tier
u64 pfn = get_page_pfn(addr);
tier_watch_track_page(pfn, TIER_CPU, agent_id);

// Handle page fault
tier_watch_handle_fault(pfn, vaddr, FAULT_FLAG_WRITE);

// Check memory pressure
struct tier_pressure pressure;
tier_watch_get_pressure(TIER_CPU, &pressure);
if (pressure.level >= PRESSURE_HIGH) {
    // Take action
}

// Get migration candidates
struct migration_candidate candidates[100];
int count = tier_watch_get_migration_candidates(TIER_NVME, TIER_CPU,
                                               candidates, 100);

// Migrate a page
struct migration_request req = {
    .pfn = pfn,
    .from_tier = TIER_HDD,
    .to_tier = TIER_SSD,
    .priority = 80,
    .reason = MIGRATION_HOT_PROMOTION
};
struct migration_result result;
tier_watch_migrate_page(&req, &result);

// Get agent memory stats
struct agent_memory_stats stats;
tier_watch_get_agent_memory(agent_id, &stats);
"""

# The block under "NUMA Support".
NUMA = r"""// Track page on specific NUMA node
tier_watch_track_page_numa(pfn, TIER_CPU, agent_id, node_id);

// Get NUMA statistics
struct numa_stats stats;
tier_watch_get_numa_stats(node_id, &stats);

// Get optimal node for page
int node = tier_watch_get_optimal_numa_node(pfn);
"""

# What the blocks take for granted, around them.
BEFORE = r"""
#include <assert.h>
#include <stdio.h>
#include <string.h>
#define CHECK(x) do { if (!(x)) { printf("%d: %s\n", __LINE__, #x); return 1; } } while (0)

static struct page_info where(u64 pfn)
{
    struct page_info info = { .tier = TIER_ANY };

    tier_watch_get_page_info(pfn, &info);
    return info;
}

int main(void)
{
    const u64 agent_id = 4711;
    void *addr = NULL;
    CHECK(tier_watch_alloc(agent_id, 4096, &addr) == 0);
    u64 vaddr = (u64)(unsigned long)addr;
    CHECK(get_page_pfn(addr) != 0);
    CHECK(get_page_pfn(&vaddr) == 0);
    memset(addr, 0x5a, 4096);
"""

TO_HDD = r"""
    CHECK(tier_watch_track_page(pfn, TIER_CPU, agent_id) == 0);
    CHECK(tier_watch_track_page(pfn, TIER_GPU, agent_id) < 0);
    CHECK(tier_watch_get_pressure(TIER_CPU, &pressure) == 0);
    CHECK(pressure.capacity > 0 && pressure.used > 0);
    CHECK(count >= 0 && count <= 100);
    struct migration_request away = {
        .pfn = pfn, .from_tier = TIER_CPU, .to_tier = TIER_HDD, .reason = MIGRATION_MANUAL
    };
    CHECK(tier_watch_migrate_page(&away, NULL) == 0);
    CHECK(where(pfn).tier == TIER_HDD);
"""

AFTER = r"""
    CHECK(result.status == 0);
    CHECK(where(pfn).tier == TIER_SSD);
    CHECK(tier_watch_migrate_page(&req, &result) == -22 && result.status == -22);
    CHECK(stats.agent_id == agent_id);
    CHECK(stats.pages[TIER_SSD] == 1 && stats.total_pages == 1);
    CHECK(stats.faults_reported == 1);
    /* A touch brings it back, as the next block expects it. */
    CHECK(*(volatile char *)addr == 0x5a);
    CHECK(where(pfn).tier == TIER_CPU);
    int node_id = where(pfn).node;
    CHECK(node_id >= 0);
    {
"""

END = r"""
    CHECK(tier_watch_track_page_numa(pfn, TIER_CPU, agent_id, node_id) == 0);
    CHECK(stats.node == node_id && stats.total_pages > 0 && stats.pages > 0);
    CHECK(stats.local_accesses + stats.remote_accesses > 0);
    CHECK(node >= 0);
    }
    CHECK(tier_watch_free(addr) == 0);
    tier_watch_shutdown();
    return 0;
}
"""


def program() -> str:
    """The blocks' lines in their order; a page is moved to HDD before the one that migrates."""
    include, _, rest = API.partition("\n")
    first, mark, second = rest.partition("// Migrate a page\n")
    assert mark
    return "\n".join([include, BEFORE, first, TO_HDD, mark + second, AFTER, NUMA, END])


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The program, compiled."""
    folder = tmp_path_factory.mktemp("sample")
    source, binary = folder / "sample.c", folder / "sample"
    source.write_text(program(), encoding="utf-8")
    # A library that counts its lines wants what it counts with.
    counting = ["--coverage"] if list((TOP / "build/lib/obj").glob("*.gcno")) else []
    subprocess.run(["gcc", "-Wall", "-Werror", "-Wno-unused", f"-I{TOP}/libtw", f"-I{TOP}/uapi",
                    *counting, "-o", binary, source, TOP / "build/lib/libtw.a"], check=True)
    return binary


def test_blocks_are_whole():
    """Every line of the blocks is in the program, as it stands there."""
    lines = program().split("\n")
    for block in (API, NUMA):
        for line in block.split("\n"):
            assert line in lines


def test_sample(dev, sample):
    with tiers_of(dev, TINY):
        run = subprocess.run([sample], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
