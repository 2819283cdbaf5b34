# SPDX-License-Identifier: GPL-2.0
"""NUMA: where first touches land, who touches what, and moving pages to who does."""

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tw
from support import fill, place, refused, run_child, run_user, set_tiers, tiers_of, wrong
from tw import CPU, GPU, NONE, NVME, PAGE

pytestmark = pytest.mark.forked

NODES = Path("/sys/devices/system/node")
SYS_MOVE_PAGES, SYS_MBIND, SYS_SET_MEMPOLICY = 279, 237, 238
MPOL_DEFAULT, MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE = range(4)


def node_cpus() -> dict[int, int]:
    """A CPU of each node that has one."""
    found = {}
    for path in NODES.glob("node[0-9]*"):
        cpus = (path / "cpulist").read_text().strip()
        if cpus:
            found[int(path.name[4:])] = int(cpus.replace("-", ",").split(",")[0])
    return found


CPUS = node_cpus()
two_nodes = pytest.mark.skipif(len(CPUS) < 2, reason="one CPU node")


def on_node(node: int) -> None:
    os.sched_setaffinity(0, {CPUS[node]})


def node_of(addr: int) -> int:
    """The node of the page at an address, as move_pages(2) tells."""
    pages = (ctypes.c_void_p * 1)(addr)
    status = (ctypes.c_int * 1)()
    tw.check(tw.libc.syscall(SYS_MOVE_PAGES, 0, ctypes.c_ulong(1), pages, None, status, 0))
    return status[0]


@two_nodes
@pytest.mark.parametrize("node", sorted(CPUS))
def test_first_touch_is_local(make, node):
    region, mapping = make(64)
    on_node(node)
    fill(mapping, range(64), 1)
    assert {page.node for page in region.pages()} == {node}
    assert {page.best_node for page in region.pages()} == {node}
    assert wrong(mapping, range(64), 1) == []


@two_nodes
def test_node_agrees_with_the_kernel(make):
    region, mapping = make(8)
    for index, node in enumerate(sorted(CPUS)):
        on_node(node)
        fill(mapping, [index], 1)
        assert region.pages()[index].node == node == node_of(mapping.addr + index * PAGE)
    place(region, 0, 1, GPU)
    mapping.read(0, 1)
    gpu = region.pages()[0].node
    assert gpu not in CPUS and node_of(mapping.addr) == gpu


@two_nodes
@pytest.mark.parametrize("policy", ["cpunodebind", "membind", "preferred"])
@pytest.mark.parametrize("node", sorted(CPUS))
def test_numactl(node, policy):
    """A program that numactl binds to a node, or its memory, gets its memory there."""
    script = ("import sys; sys.path.insert(0, sys.argv[1])\n"
              "import tw\n"
              "region = tw.Device().region(16 * tw.PAGE)\n"
              "region.map().write(0, b'x' * 16 * tw.PAGE)\n"
              "print(*{page.node for page in region.pages()})\n")
    done = subprocess.run(
        ["numactl", f"--{policy}={node}", sys.executable, "-B", "-c", script,
         str(Path(__file__).parent)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(node)], done.stderr


@two_nodes
def test_policy_of_the_task(make):
    """set_mempolicy(2) decides within the tier."""
    nodes = sorted(CPUS)
    on_node(nodes[0])
    mask = ctypes.c_ulong(sum(1 << node for node in nodes))
    tw.check(tw.libc.syscall(SYS_SET_MEMPOLICY, MPOL_INTERLEAVE, ctypes.byref(mask), 64))
    region, mapping = make(32)
    fill(mapping, range(32), 1)
    assert {page.node for page in region.pages()} == set(nodes)
    place(region, 0, 32, GPU)
    assert not {page.node for page in region.pages()} & set(nodes)
    mask.value = 1 << nodes[1]
    tw.check(tw.libc.syscall(SYS_SET_MEMPOLICY, MPOL_BIND, ctypes.byref(mask), 64))
    place(region, 0, 32, NVME)
    assert wrong(mapping, range(32), 1) == []
    assert {page.node for page in region.pages()} == {nodes[1]}


@pytest.mark.parametrize("mode", [MPOL_PREFERRED, MPOL_BIND], ids=["preferred", "bind"])
@pytest.mark.parametrize("tier, other", [(CPU, GPU), (GPU, CPU)], ids=["to-gpu", "to-cpu"])
def test_policy_of_another_tier(dev, mode, tier, other):
    """Nodes of the other memory tier alone: that one, whatever the affinity, while it has room."""
    with tiers_of(dev, {tier: 512, other: 24}):
        nodes = dev.tier_info(other).nodes
        mask = ctypes.c_ulong(nodes & -nodes)
        with dev.region(32 * PAGE, affinity=tier) as region, region.map() as mapping:
            tw.check(tw.libc.syscall(SYS_SET_MEMPOLICY, mode, ctypes.byref(mask), 64))
            try:
                fill(mapping, range(16), 1)
                assert {1 << page.node for page in region.pages(0, 16 * PAGE)} == {mask.value}
                # No room there: a touched page must be somewhere.
                fill(mapping, range(16, 32), 1)
            finally:
                tw.check(tw.libc.syscall(SYS_SET_MEMPOLICY, MPOL_DEFAULT, None, 0))
            assert sum(region.info().pages) == 32
            assert wrong(mapping, range(32), 1) == []


@two_nodes
def test_policy_of_a_mapping_is_refused(make):
    """mbind(2) would be ignored: it says so, and changes nothing."""
    _, mapping = make(8, seed=1, touched=8)
    mask = ctypes.c_ulong(1 << sorted(CPUS)[1])
    for mode, arg, err in ((MPOL_BIND, mask, errno.EOPNOTSUPP), (MPOL_DEFAULT, None, 0)):
        ctypes.set_errno(0)
        got = tw.libc.syscall(SYS_MBIND, ctypes.c_void_p(mapping.addr),
                              ctypes.c_ulong(8 * PAGE), mode,
                              ctypes.byref(arg) if arg else None, ctypes.c_ulong(64 if arg else 0),
                              0)
        assert (got, ctypes.get_errno()) == ((-1, err) if err else (0, 0))
    assert wrong(mapping, range(8), 1) == []


@two_nodes
def test_libnuma_agrees():
    """libnuma's nodes of the CPUs are those that touches count for."""
    numa = ctypes.CDLL("libnuma.so.1")
    assert numa.numa_available() == 0
    for node, cpu in CPUS.items():
        assert numa.numa_node_of_cpu(cpu) == node


@two_nodes
def test_local_and_remote(dev, make):
    """Touches count for the page's node, as local or remote ones."""
    first, second = sorted(CPUS)[:2]
    region, mapping = make(32)
    on_node(first)
    before = dev.numa_stats(first)
    fill(mapping, range(32), 1)
    after = dev.numa_stats(first)
    assert after.local - before.local >= 32 and after.remote == before.remote
    assert after.pages - before.pages == 32 and after.tier == CPU
    on_node(second)
    region.migrate(0, 32 * PAGE, NVME)
    region.migrate(0, 32 * PAGE, CPU)       # near who asks
    assert {page.node for page in region.pages()} == {second}
    on_node(first)
    before = dev.numa_stats(second)
    assert wrong(mapping, range(32), 1) == []
    after = dev.numa_stats(second)
    assert after.remote > before.remote and after.local == before.local


def touch_again(mapping, region, pages: int) -> None:
    """A fault on each page: unmapped by a move there and back, and read one by one."""
    for index in range(pages):
        region.migrate(index * PAGE, PAGE, GPU)
        region.migrate(index * PAGE, PAGE, CPU)
        mapping.read(index * PAGE, 1)


@two_nodes
def test_best_node_follows_the_toucher(dev, make):
    first, second = sorted(CPUS)[:2]
    region, mapping = make(4)
    on_node(first)
    fill(mapping, range(4), 1)
    on_node(second)
    for _ in range(3):
        touch_again(mapping, region, 2)
    best = [page.best_node for page in region.pages()]
    assert best == [second, second, first, first]
    assert dev.page_info([region.page(0)])[0].best_node == second
    region.discard(0, 4 * PAGE)
    assert {page.best_node for page in region.pages()} == {-1}


@two_nodes
def test_balance(dev, make, stats):
    """Pages go to the node whose CPUs touch them, with their bytes; nothing else does."""
    first, second = sorted(CPUS)[:2]
    region, mapping = make(16)
    on_node(first)
    fill(mapping, range(16), 1)
    on_node(second)
    for _ in range(3):
        touch_again(mapping, region, 8)
    on_node(first)
    for index in range(8):      # back to where they were, by who asks
        region.migrate(index * PAGE, PAGE, NVME)
        region.migrate(index * PAGE, PAGE, CPU)
    assert [page.node for page in region.pages()] == [first] * 16
    before, used = dev.numa_stats(second), stats.used()
    result = dev.numa_balance(3)
    assert (result.moved, result.failed) == (3, 0)
    result = dev.numa_balance()
    assert (result.moved, result.failed) == (5, 0) and result.looked >= 16
    assert [page.node for page in region.pages()] == [second] * 8 + [first] * 8
    after = dev.numa_stats(second)
    assert after.moved_in - before.moved_in == 8 and after.pages - before.pages == 8
    assert stats.used() == used and sum(region.info().pages) == 16
    assert wrong(mapping, range(16), 1) == []
    assert dev.numa_balance().moved == 0


@two_nodes
@pytest.mark.usefixtures("back_to_tiny")
def test_balance_in_a_full_tier(dev, make):
    """Where each page needs a second frame for a moment, there is room for that."""
    first, second = sorted(CPUS)[:2]
    set_tiers(dev, {CPU: 64, GPU: 64, NVME: 64})
    region, mapping = make(64)
    on_node(first)
    fill(mapping, range(64), 1)
    place(region, 8, 56, NVME)
    on_node(second)
    for _ in range(3):
        touch_again(mapping, region, 8)
    on_node(first)
    region.migrate(0, 8 * PAGE, NVME)
    place(region, 0, 8, CPU)
    other, more = make(56)
    fill(more, range(56), 2)
    assert [page.node for page in region.pages()[:8]] == [first] * 8
    assert dev.tier_info(CPU).used == 64
    result = dev.numa_balance()
    assert (result.moved, result.failed, result.looked) == (8, 0, 64)
    assert dev.tier_info(CPU).used == 64 and sum(other.info().pages) == 56
    assert wrong(mapping, range(64), 1) == [] == wrong(more, range(56), 2)


@two_nodes
def test_balance_moves_nobody_elses(dev, make):
    """An ordinary user balances only pages of its own."""
    first, second = sorted(CPUS)[:2]
    region, mapping = make(4)
    on_node(first)
    fill(mapping, range(4), 1)
    on_node(second)
    for _ in range(3):
        touch_again(mapping, region, 4)
    on_node(first)
    region.migrate(0, 4 * PAGE, NVME)
    region.migrate(0, 4 * PAGE, CPU)
    result = run_user(lambda: tw.Device().numa_balance().moved)
    assert result == 0 and {page.node for page in region.pages()} == {first}
    assert dev.numa_balance().moved == 4


def test_balance_without_the_tier(dev):
    with tiers_of(dev, {GPU: 0}):
        with refused(errno.EOPNOTSUPP):
            dev.numa_balance()


def test_nodes(dev):
    """Every node that is online, and no other."""
    online = {int(path.name[4:]) for path in NODES.glob("node[0-9]*")}
    for node in online:
        stats = dev.numa_stats(node)
        text = (NODES / f"node{node}" / "meminfo").read_text()
        total = int(text.split("MemTotal:")[1].split()[0]) // 4
        assert stats.total == total and 0 < stats.free < total
        assert stats.tier == (CPU if node in CPUS else GPU)
    for node in (max(online) + 1, 62, 1023, 1 << 20, (1 << 31) - 1):
        with refused(errno.ENOENT):
            dev.numa_stats(node)
    for node in (-1, -(1 << 31)):
        with refused(errno.EINVAL):
            dev.numa_stats(node)


def test_node_without_a_tier(dev):
    with tiers_of(dev, {CPU: 0}):
        for node in set(map(int, (p.name[4:] for p in NODES.glob("node[0-9]*")))) - set(CPUS):
            assert dev.numa_stats(node).tier == NONE


def test_pages_go_with_the_region(dev, make):
    before = [dev.numa_stats(node).pages for node in sorted(CPUS)]

    def work():
        region = dev.region(100 * PAGE)
        fill(region.map(), range(100), 1)
        return [dev.numa_stats(node).pages for node in sorted(CPUS)]

    during = run_child(work)
    assert sum(during) - sum(before) == 100
    set_tiers(dev, {CPU: 0, GPU: 0, NVME: 0})
    assert [dev.numa_stats(node).pages for node in sorted(CPUS)] == before
