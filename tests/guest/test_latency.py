# SPDX-License-Identifier: GPL-2.0
"""Histograms of how long faults waited and moves took: what is in them, and what is not."""

import pytest

from command import tw_json, tw_text
from support import place, wrong
from tw import CPU, GPU, NVME, SSD, TIER_NAMES, TIERS

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.forked]

LAST = 39


def counts(stats):
    """How often, by tier, and by pair of tiers."""
    return ({tier: sum(stats.waits(tier)[0]) for tier in TIERS},
            {(source, to): sum(stats.moves(source, to)[0]) for source in TIERS for to in TIERS})


def growth(stats, before):
    """What has come since, without zeroes."""
    return tuple({key: now[key] - was[key] for key in now if now[key] != was[key]}
                 for was, now in zip(before, counts(stats)))


def test_only_what_waits(make, stats):
    """First touches and minor faults find room and wait for nothing: no histogram has them."""
    before, first = counts(stats), stats.counters(CPU)
    make(32, seed=1, touched=32)
    after = stats.counters(CPU)
    assert after["minor_write"] - first["minor_write"] >= 32
    assert growth(stats, before) == ({}, {})


def test_moves_by_pair(make, stats):
    """Each page of a batch counts once, under where it was and where it went."""
    region, mapping = make(32, seed=1, touched=32)
    before = counts(stats)
    place(region, 0, 8, GPU)
    place(region, 8, 8, NVME)
    place(region, 0, 4, CPU)
    assert growth(stats, before) == ({}, {(CPU, GPU): 8, (CPU, NVME): 8, (GPU, CPU): 4})
    buckets, total = stats.moves(CPU, NVME)
    assert total > 0 and not buckets[0], "a move takes time"
    assert wrong(mapping, range(32), 1) == []


def test_faults_by_store(make, stats):
    """A fault that waits for a store is in that store's, and its time is the counter's."""
    region, mapping = make(32, seed=1, touched=32)
    place(region, 0, 16, SSD)
    before, first = counts(stats), stats.counters(SSD)
    _, earlier = stats.waits(SSD)
    assert wrong(mapping, range(32), 1) == []
    waited, _ = growth(stats, before)
    after = stats.counters(SSD)
    major = sum(after[name] - first[name] for name in ("major_read", "major_write"))
    assert waited == {SSD: major} and major > 0
    buckets, total = stats.waits(SSD)
    assert total - earlier == after["fault_ns"] - first["fault_ns"]
    low = sum(count << (n - 1) for n, count in enumerate(buckets) if n)
    high = sum(count << n for n, count in enumerate(buckets))
    assert low <= total and (total < high or buckets[LAST])


@pytest.mark.once
def test_shown(make, stats):
    """The same figures in tw stats."""
    region, mapping = make(32, seed=1, touched=32)
    place(region, 0, 16, SSD)
    assert wrong(mapping, range(32), 1) == []
    shown = tw_json("stats")["latency"]
    assert [one["tier"] for one in shown["waits"]] == list(TIER_NAMES)
    for which, one in [(stats.waits(TIER_NAMES.index(one["tier"])), one)
                       for one in shown["waits"]] + \
            [(stats.moves(TIER_NAMES.index(one["from"]), TIER_NAMES.index(one["to"])), one)
             for one in shown["moves"]]:
        buckets, total = which
        assert (one["count"], one["sum_ns"]) == (sum(buckets), total)
        assert [(part["below_ns"], part["count"]) for part in one["buckets"]] == [
            (1 << n if n < LAST else None, count) for n, count in enumerate(buckets) if count]
    text = tw_text("stats")
    assert "\nwait for ssd " in text and "\ncpu -> ssd " in text
    assert max(map(len, text.splitlines())) <= 100
