# SPDX-License-Identifier: GPL-2.0
"""The device, what it says about the tiers, and the statistics' mapping."""

import errno
import os
from pathlib import Path

import pytest

import tw
from support import (TOPOLOGY, bind, errno_of, fill, has_store, refused, store_path, tiers_of,
                     wait_for)
from tw import CPU, GPU, HDD, MEMORY_TIERS, NVME, PAGE, SSD, STORES, TIERS

NODES = Path("/sys/devices/system/node")
# The specification's table.
NOMINAL = {GPU: (200, 900e9), CPU: (50, 100e9), NVME: (20_000, 7e9), SSD: (100_000, 550e6),
           HDD: (10_000_000, 200e6)}


def nodes(with_cpus: bool) -> int:
    """The NUMA nodes with memory that have CPUs, or none, as a mask."""
    mask = 0
    for node in NODES.glob("node[0-9]*"):
        total = int((node / "meminfo").read_text().split("MemTotal:")[1].split()[0])
        if total and bool((node / "cpulist").read_text().strip()) == with_cpus:
            mask |= 1 << int(node.name[4:])
    return mask


def memory_pages(mask: int) -> int:
    total = 0
    for node in NODES.glob("node[0-9]*"):
        if mask >> int(node.name[4:]) & 1:
            text = (node / "meminfo").read_text()
            total += int(text.split("MemTotal:")[1].split()[0]) // 4
    return total


def test_info(dev):
    info = dev.info()
    assert info.abi_version == tw.TW_ABI_VERSION
    assert info.page_size == os.sysconf("SC_PAGESIZE") == PAGE
    assert info.nr_tiers == tw.TW_NR_TIERS
    assert info.max_pages >= 256
    possible = Path("/sys/devices/system/cpu/possible").read_text().strip()
    assert info.nr_cpus == int(possible.rpartition("-")[2]) + 1
    assert info.stats_size >= tw.sizeof(tw.StatsHeader) + 5 * tw.sizeof(tw.StatsTier) + \
        info.nr_cpus * tw.sizeof(tw.StatsCpu)
    assert info.stats_size % PAGE == 0
    assert info.size == tw.sizeof(tw.Info)
    with dev.region(PAGE) as region:
        assert dev.info().region_dev == os.fstat(region.fd).st_dev
    # Bits that are no question are refused, also where the answer goes.
    assert errno_of(dev.ioctl, tw.TW_IOC_INFO, tw.Info(region_dev=1)) == errno.EINVAL


def test_bound_mask(dev):
    for tier in TIERS:
        assert (dev.tier_info(tier).kind != tw.TW_KIND_NONE) == (tier in dev.bound())
    assert CPU in dev.bound()
    for tier in STORES:
        assert (tier in dev.bound()) == has_store(tier)


@pytest.mark.parametrize("tier", TIERS)
def test_tier_info(dev, tier):
    if tier not in dev.bound():
        pytest.skip(f"topology {TOPOLOGY} has no {tw.TIER_NAMES[tier]}")
    info = dev.tier_info(tier)
    assert info.tier == tier and info.size == tw.sizeof(tw.TierInfo)
    assert (info.nominal_latency_ns, info.nominal_bandwidth) == NOMINAL[tier]
    assert info.used == info.kept == 0
    assert 0 < info.latency_ns < 10**9 and info.bandwidth > 0
    if tier in MEMORY_TIERS:
        assert info.kind == tw.TW_KIND_NUMA and info.dev == 0
        assert info.nodes == nodes(tier == CPU)
        assert 0 < info.capacity <= memory_pages(info.nodes)
        assert info.capacity > memory_pages(info.nodes) // 2
    else:
        path = store_path(tier)
        assert info.kind == tw.TW_KIND_STORE and info.nodes == 0
        assert info.dev == os.stat(path).st_rdev
        size = tw.check(os.lseek(fd := os.open(path, os.O_RDONLY), 0, os.SEEK_END))
        os.close(fd)
        assert 0 < info.capacity <= (size - tw.TW_STORE_DATA) // PAGE
        assert info.capacity >= (size - tw.TW_STORE_DATA) // PAGE * 99 // 100


def test_measured_figures_order_the_tiers(dev):
    """Disks are throttled to different speeds and the measurement has seen it."""
    if not set(TIERS) <= dev.bound():
        pytest.skip(f"topology {TOPOLOGY} has not all tiers")
    latency = [dev.tier_info(tier).latency_ns for tier in TIERS]
    assert max(latency[CPU], latency[GPU]) < min(latency[NVME], latency[SSD], latency[HDD])


def test_unbound_tier(dev):
    tier = NVME
    with tiers_of(dev, {CPU: 0, GPU: 0}):
        info = dev.tier_info(tier)
        assert info.kind == tw.TW_KIND_NONE
        assert (info.capacity, info.used, info.kept, info.latency_ns, info.bandwidth,
                info.nodes, info.dev) == (0,) * 7
        assert (info.nominal_latency_ns, info.nominal_bandwidth) == NOMINAL[tier]
        with refused(errno.EOPNOTSUPP):
            dev.pressure(tier)
        assert tier not in dev.bound()


@pytest.mark.parametrize("tier", TIERS)
def test_pressure_of_an_empty_tier(dev, tier):
    if tier not in dev.bound():
        pytest.skip(f"topology {TOPOLOGY} has no {tw.TIER_NAMES[tier]}")
    assert wait_for(lambda: dev.pressure(tier).level == tw.TW_PRESSURE_LOW)
    pressure = dev.pressure(tier)
    assert pressure.capacity == dev.tier_info(tier).capacity
    assert pressure.used == pressure.permille == 0


def test_pressure_counts(dev, make):
    region, _ = make(100, touched=100)
    pressure = dev.pressure(CPU)
    assert pressure.used == region.info().pages[CPU] == dev.tier_info(CPU).used == 100
    assert pressure.permille == 100 * 1000 // pressure.capacity


class TestUnknownCommands:
    ON_DEVICE = (*range(0x00, 0x1f), *range(0x30, 0x36))
    ON_REGION = (0x0b, 0x20, 0x21, 0x22, 0x23, 0x24)
    ON_STREAM = (0x40,)

    @pytest.mark.parametrize("number", [0x1f, 0x25, 0x2f, 0x36, 0x41, 0x7f, 0xff])
    def test_unknown_number(self, dev, make, stream, number):
        region, _ = make(4)
        agent = dev.agent(1)
        for handle in (dev, region, agent, stream()):
            with refused(errno.ENOTTY, region):
                handle.ioctl(tw.TW_IOC_TYPE << 8 | number, tw.Info())
        agent.close()

    def test_command_of_another_object(self, dev, make, stream):
        region, _ = make(4)
        agent = dev.agent(1)
        known = {dev: self.ON_DEVICE, region: self.ON_REGION, stream(): self.ON_STREAM,
                 agent: ()}
        every = {*self.ON_DEVICE, *self.ON_REGION, *self.ON_STREAM}
        for handle, numbers in known.items():
            for number in every - set(numbers):
                with refused(errno.ENOTTY, region):
                    handle.ioctl(tw.TW_IOC_TYPE << 8 | number, tw.Info())
        agent.close()

    @pytest.mark.parametrize("command", [0, 0xE6 << 8, 0x5401, 2 << 30 | tw.TW_IOC_INFO,
                                         1 << 16 | tw.TW_IOC_INFO])
    def test_foreign_type_or_encoding(self, dev, make, command):
        """_IOR(type, nr, ...) is not the _IO(type, nr) of the header."""
        region, _ = make(4)
        for handle in (dev, region):
            with refused(errno.ENOTTY, region):
                handle.ioctl(command, tw.Info())


def test_no_read_no_write(dev, make, stream):
    region, _ = make(4)
    for handle in (dev, region, stream()):
        with refused((errno.EINVAL, errno.EBADF), region):
            os.read(handle.fd, 8)
        with refused((errno.EINVAL, errno.EBADF), region):
            os.write(handle.fd, b"12345678")


class TestStatsMapping:
    def test_layout(self, dev, stats):
        info, header = dev.info(), stats.header
        assert header.version == tw.TW_STATS_VERSION
        assert 1 <= header.compat_version <= header.version
        assert header.size <= info.stats_size
        assert header.nr_tiers == tw.TW_NR_TIERS and header.nr_cpus == info.nr_cpus
        assert header.tier_offset >= tw.sizeof(tw.StatsHeader)
        assert header.tier_stride >= tw.sizeof(tw.StatsTier)
        assert header.cpu_stride >= tw.sizeof(tw.StatsCpu)
        assert header.tier_offset % 8 == header.tier_stride % 8 == 0
        assert header.cpu_offset % 8 == header.cpu_stride % 8 == 0
        assert header.tier_offset + 5 * header.tier_stride <= header.cpu_offset
        assert header.cpu_offset + header.nr_cpus * header.cpu_stride <= header.size

    def test_tiers(self, dev, stats):
        for tier in TIERS:
            block, info = stats.tier(tier), dev.tier_info(tier)
            assert block["bound"] == (tier in dev.bound())
            for name in ("kind", "capacity", "used", "kept", "nominal_latency_ns",
                         "nominal_bandwidth", "latency_ns", "bandwidth"):
                assert block[name] == getattr(info, name), name

    def test_read_only(self, dev):
        size = dev.info().stats_size
        for prot in (tw.PROT_WRITE, tw.PROT_RW):
            with refused((errno.EACCES, errno.EPERM)):
                tw.Mapping.map(dev.fd, size, prot)
        with tw.Mapping.map(dev.fd, size, tw.PROT_READ) as mapping:
            with refused((errno.EACCES, errno.EPERM)):
                mapping.protect(tw.PROT_RW)

    def test_bounds(self, dev):
        size = dev.info().stats_size
        for offset, length in ((size, PAGE), (PAGE, size), (0, size + PAGE),
                               (tw.TW_STREAM_CTL_OFFSET, PAGE)):
            with refused((errno.EINVAL, errno.ENXIO)):
                tw.Mapping.map(dev.fd, length, tw.PROT_READ, offset=offset)

    def test_any_reader(self, make):
        """A read-only open is enough to look."""
        region, _ = make(16, touched=16)
        with tw.Device(os.O_RDONLY) as reader:
            view = reader.stats()
            assert view.tier(CPU)["used"] == 16
            view.close()
        assert region.info().pages[CPU] == 16

    def test_is_live(self, stats, make):
        assert stats.objects()["regions"] == 0
        region, mapping = make(10)
        assert stats.objects()["regions"] == 1
        assert stats.objects()["agents"] == 1, "the default agent"
        assert stats.objects()["record_bytes"] == region.info().record_bytes
        mapping.write(0, b"x")
        assert stats.used()[CPU] == 1
        assert stats.objects()["record_bytes"] == region.info().record_bytes > 0


def test_store_bytes(dev, stats):
    """The stores' tables and checksums are accounted while they are bound."""
    if not has_store(NVME):
        pytest.skip(f"topology {TOPOLOGY} has no stores")
    with tiers_of(dev, {CPU: 0}):
        assert stats.header.store_bytes == 0
        bind(dev, NVME, 1024)
        assert 1024 // 8 <= stats.header.store_bytes <= 1024 * 64
        with dev.region(256 * PAGE) as region, region.map() as mapping:
            fill(mapping, range(256), 1)
            assert region.migrate(0, 256 * PAGE, NVME).moved == 256
            assert stats.header.store_bytes >= 256 * 4
        wait_for(lambda: not stats.used()[NVME])
    assert stats.header.store_bytes > 0


def test_node():
    """A misc device that root and the group may use, nobody else."""
    node = os.stat(tw.TW_DEVICE)
    assert node.st_mode & 0o777 == 0o660 and node.st_uid == 0
    assert errno_of(tw.Device, os.O_RDWR) == 0
    assert Path("/sys/class/misc/tierwatch/dev").read_text().strip() == \
        f"{os.major(node.st_rdev)}:{os.minor(node.st_rdev)}"
