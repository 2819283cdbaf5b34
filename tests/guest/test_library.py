# SPDX-License-Identifier: GPL-2.0
"""libtw.so against the driver, by ctypes: what it says is what the raw calls say."""

import errno
from ctypes import byref, c_int32, c_void_p

import pytest

import tw
from support import fill, wrong
from tw import CPU, GPU, NVME, PAGE, TIERS

pytestmark = pytest.mark.once

FAULT = tw.TW_EVENT_BIT(tw.TW_EVENT_FAULT)


@pytest.fixture(scope="module")
def lib():
    library = tw.load_libtw()
    assert library, "build/lib/libtw.so.0 is missing: run make"
    return library


@pytest.fixture
def handle(lib):
    got = c_void_p()
    assert lib.tw_open(None, byref(got)) == 0
    yield got
    lib.tw_close(got)


@pytest.fixture
def region(lib, handle):
    got = c_void_p()
    assert lib.tw_region_create(handle, 16 * PAGE, CPU, 0, None, byref(got)) == 0
    yield got
    lib.tw_region_close(got)


def test_open_fails(lib):
    got = c_void_p()
    assert lib.tw_open(b"/dev/no-such-device", byref(got)) == -errno.ENOENT
    assert lib.tw_open(b"/dev/null", byref(got)) < 0


def test_info(lib, handle, dev):
    info = tw.Info()
    assert lib.tw_info(handle, byref(info)) == 0
    assert bytes(info) == bytes(dev.info())
    assert lib.tw_fd(handle) not in (-1, dev.fd)


@pytest.mark.parametrize("tier", TIERS)
def test_tiers(lib, handle, dev, tier):
    info, pressure = tw.TierInfo(), tw.Pressure()
    assert lib.tw_tier_info(handle, tier, byref(info)) == 0
    assert bytes(info) == bytes(dev.tier_info(tier))
    assert lib.tw_pressure(handle, tier, byref(pressure)) == 0
    assert bytes(pressure) == bytes(dev.pressure(tier))
    name = lib.tw_tier_name(tier)
    assert lib.tw_tier_parse(name) == tier


def test_errors_are_negative(lib, handle):
    assert lib.tw_tier_info(handle, 5, byref(tw.TierInfo())) == -errno.EINVAL
    got = c_void_p()
    assert lib.tw_region_create(handle, 1, CPU, 0, None, byref(got)) == -errno.EINVAL
    assert lib.tw_stream_create(handle, 0, None, 64, byref(got)) == -errno.EINVAL


def test_region(lib, handle, region):
    addr = lib.tw_region_addr(region)
    view = tw.Mapping(addr, 16 * PAGE)
    fill(view, range(16), 1)
    info = tw.RegionInfo()
    assert lib.tw_region_info(region, byref(info)) == 0
    assert info.pages[CPU] == 16 and info.id == lib.tw_region_id(region)
    assert info.bytes == lib.tw_region_size(region) == 16 * PAGE
    assert lib.tw_region_page(region, addr + 3 * PAGE + 17) == tw.TW_PAGE(info.id, 3)
    assert lib.tw_region_page(region, addr + 16 * PAGE) == 0
    status = (c_int32 * 16)()
    assert lib.tw_region_migrate(region, 0, 16 * PAGE, NVME, tw.NONE, 0, status, 16, None) == 0
    assert list(status) == [0] * 16
    assert lib.tw_migrate_addr(handle, addr, 8 * PAGE, GPU, tw.NONE, 0, status, 8, None) == 0
    assert lib.tw_region_info(region, byref(info)) == 0
    assert list(info.pages) == [8, 0, 8, 0, 0]
    assert wrong(view, range(16), 1) == []
    assert lib.tw_region_migrate(region, 0, PAGE, 9, tw.NONE, 0, None, 0, None) == -errno.EINVAL


def test_agent(lib, handle, dev):
    agent, again, region = c_void_p(), c_void_p(), c_void_p()
    assert lib.tw_agent_create(handle, 5, byref(agent)) == 0
    assert lib.tw_agent_create(handle, 5, byref(again)) == -errno.EEXIST
    assert lib.tw_region_create(handle, PAGE, CPU, 0, agent, byref(region)) == 0
    tw.Mapping(lib.tw_region_addr(region), PAGE).write(0, b"x")
    stats = tw.AgentStats()
    assert lib.tw_agent_stats(handle, agent, byref(stats)) == 0
    assert (stats.id, stats.pages[CPU]) == (5, 1) == (5, dev.agent_stats(5).pages[CPU])
    lib.tw_region_close(region)
    lib.tw_agent_close(agent)


def test_stream(lib, handle, region):
    """Zero copy: what peek gives lies in the mapping and is valid after use."""
    stream = c_void_p()
    assert lib.tw_stream_create(handle, FAULT, None, 64, byref(stream)) == 0
    assert not lib.tw_stream_peek(stream, None)
    assert lib.tw_stream_wait(stream, 0) == 0
    fill(tw.Mapping(lib.tw_region_addr(region), 16 * PAGE), range(16), 1)
    assert lib.tw_stream_wait(stream, 1000) == 1
    pages = []
    while event := lib.tw_stream_peek(stream, None):
        page = event.contents.page
        assert lib.tw_stream_ok(stream, event)
        pages.append(page)
    ident = lib.tw_region_id(region)
    assert sorted(pages) == [tw.TW_PAGE(ident, index) for index in range(16)]
    assert (lib.tw_stream_seen(stream), lib.tw_stream_lost(stream)) == (16, 0)
    lib.tw_stream_close(stream)
