# SPDX-License-Identifier: GPL-2.0
"""tw status, and what all verbs that show state have in common."""

import errno
import os
import re

import pytest

import tw
from command import NO_DEVICE, NO_PERMISSION, TW, USAGE, tw_json, tw_refused, tw_text
from support import NOBODY, Mapper, Observer, device_bytes, place, signature, store_path, \
    tiers_of, write_super
from tw import CPU, GPU, NVME, PAGE, SSD, TIER_NAMES, TIERS

pytestmark = pytest.mark.once

VERBS = [("status",), ("agent", "list"), ("agent", "show", 7), ("agent", "limit", 7, "cpu=1M"),
         ("page", 1), ("page", "--pid", 1), ("migrate", "cpu", 1), ("migrate", "cpu", "--pid", 1),
         ("migrate", "cpu", "--agent", 7), ("policy", "show"), ("policy", "set", "min_stay=3"),
         ("pressure",), ("pressure", "--wait", "high", "cpu"),
         # What it prints without the driver is in test_tw_metrics.py.
         ("metrics", "--output", "/dev/null"), ("swap", "on"), ("swap", "off"),
         ("swap", "status")]


@pytest.mark.parametrize("words", VERBS, ids=lambda words: " ".join(map(str, words)))
class TestNoWay:
    """What a new user meets first."""

    def test_no_driver(self, words):
        said = tw_refused(NO_DEVICE, "modprobe tier_watch", "--device", "/dev/no-such", *words)
        assert "/dev/no-such" in said

    def test_no_permission(self, words):
        before = Observer.see([])
        tw_refused(NO_PERMISSION, "usermod -aG tierwatch", *words, uid=NOBODY, member=False)
        assert Observer.see([]) == before

    def test_wrong_option(self, words):
        before = Observer.see([])
        assert "--bogus" in tw_refused(USAGE, "", *words, "--bogus")
        assert Observer.see([]) == before


class TestStatus:
    def test_figures(self, dev, make, stats):
        """They are the statistics page's."""
        with dev.agent(3) as agent:
            region, _ = make(24, touched=20, agent=agent)
            place(region, 0, 5, GPU)
            place(region, 5, 6, NVME)
            with dev.stream(tw.TW_EVENT_ALL, events=64):
                got = tw_json("status")
                module = dev.module_stats()
        for tier in got["tiers"]:
            number = TIER_NAMES.index(tier["tier"])
            there = stats.tier(number)
            assert tier == {
                "tier": TIER_NAMES[number], "bound": True,
                "kind": "numa" if number <= CPU else "store", "used": there["used"],
                "kept": there["kept"], "swap_used": 0, "capacity": there["capacity"], "level": "low",
                "avoided": False, "avoided_ns": 0,
                "io_errors": stats.counters(number)["io_errors"]}
        assert [tier["used"] for tier in got["tiers"]] == [5, 9, 6, 0, 0]
        assert (got["abi"], got["page_size"]) == (tw.TW_ABI_VERSION, PAGE)
        assert (got["agents"], got["regions"], got["streams"], got["pages"]) == (1, 1, 1, 20)
        for name in ("faults", "migrations", "migrations_failed", "events", "sigbus"):
            assert got[name] == getattr(module, name), name
        assert got["room"] == {"pages": stats.header.room, "taken": 20, "reserved": 0}
        memory = got["memory_bytes"]
        assert memory == {"records": module.record_bytes, "external": module.external_bytes,
                          "stores": module.store_bytes, "streams": module.stream_bytes,
                          "total": sum(memory.values()) - memory["total"]}
        assert memory["records"] and memory["stores"] and memory["streams"]

    def test_one_screen(self, make):
        """24 lines of 80, whatever there is."""
        make(8, touched=8)
        text = tw_text("status")
        lines = text.splitlines()
        assert len(lines) <= 24 and max(map(len, lines)) <= 80, text
        assert "\033" not in text
        assert re.search(r"^cpu +numa +32.0 KiB .* low +ok$", text, re.M), text

    def test_policy(self, policy):
        assert tw_json("status")["policy"] == {"enabled": False, "watch": False, "auto": True}
        assert "policy    off\n" in tw_text("status")
        policy(enabled=1, mode=0)
        assert tw_json("status")["policy"] == {"enabled": True, "watch": False, "auto": False}
        assert "policy    on, fixed thresholds\n" in tw_text("status")

    def test_what_is_not_bound(self, dev):
        with tiers_of(dev, {CPU: 512}):
            got = tw_json("status")["tiers"]
            assert [tier["bound"] for tier in got] == [tier == CPU for tier in TIERS]
            assert got[SSD] == {"tier": "ssd", "bound": False}
            assert "\nssd   -       not bound\n" in tw_text("status")

    def test_nothing_is_bound(self, dev):
        with tiers_of(dev, {}):
            assert "tw tier bind" in tw_text("status")

    def test_anybody_of_the_group(self):
        assert tw_json("status", uid=NOBODY)["abi"] == tw.TW_ABI_VERSION

    def test_a_failed_device(self, dev, make):
        """A tier in trouble is named, with how long nothing goes there."""
        path = store_path(NVME)
        sectors = device_bytes(path) // 512
        good, bad = (0, sectors, "linear", f"{path} 0"), (0, sectors, "error", "")
        with tiers_of(dev, {CPU: 0, SSD: 0}), Mapper([good]) as mapper:
            write_super(mapper.path, signature(sectors * 512))
            dev.bind_store(NVME, mapper.path)
            region, mapping = make(8, touched=8)
            mapper.load([bad])
            result = region.migrate(0, 8 * PAGE, NVME)
            assert result.status == [-errno.EIO] * 8
            tier = tw_json("status")["tiers"][NVME]
            assert tier["avoided"] and 0 < tier["avoided_ns"] <= 10 * 10**9
            assert tier["io_errors"] > 0
            line = re.search(r"^nvme .*", tw_text("status"), re.M)[0]
            assert "failed, avoided" in line and len(line) <= 80
            mapper.load([good])
            mapping.unmap()
            region.close()
            dev.unbind(NVME)

    def test_usage(self):
        tw_refused(USAGE, "no arguments", "status", "more")


def test_full_disk():
    """What cannot be written is an error, not silence."""
    for words in VERBS[:1] + [("agent", "list"), ("policy", "show"), ("metrics",)]:
        with open("/dev/full", "w", encoding="ascii") as full:
            pid = os.posix_spawn(str(TW), ["tw", *map(str, words)], os.environ,
                                 file_actions=[(os.POSIX_SPAWN_DUP2, full.fileno(), 1)])
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1, words

