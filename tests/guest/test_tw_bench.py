# SPDX-License-Identifier: GPL-2.0
"""tw bench: every pair once, within bounds, nothing left behind."""

import json
import signal

import pytest

from support import NOBODY, set_tiers, tiers_of, wait_for
from tw import CPU, GPU, NVME, PAGE, SSD, TIER_NAMES
from views import Running, run, run_as

pytestmark = pytest.mark.once


@pytest.fixture(scope="module", autouse=True)
def four_tiers(dev):
    with tiers_of(dev, {CPU: 4096, GPU: 2048, NVME: 2048, SSD: 2048}):
        yield


def results(done) -> dict:
    """(what, from, to): the result."""
    assert done.returncode == 0, done.stderr
    return {(one["what"], one["from"], one.get("to")): one
            for one in json.loads(done.stdout)["results"]}


def test_every_pair(stats):
    """Four tiers: four touched, twelve pairs; what was moved is in the counters."""
    before = [stats.counters(tier) for tier in (GPU, CPU, NVME, SSD)]
    done = run("bench", "--json", "--size", "1M", "--time", "20ms")
    found = results(done)
    names = TIER_NAMES[:4]
    assert set(found) == {("touch", name, None) for name in names} | {
        ("move", a, b) for a in names for b in names if a != b}
    for key, one in found.items():
        assert one["measured"], key
        assert one["samples"] >= 64 and one["bytes"] >= PAGE, key
        assert 0 < one["latency_ns"] <= one["latency_p99_ns"] and one["bandwidth"] > 0, key
    after = [stats.counters(tier) for tier in (GPU, CPU, NVME, SSD)]
    for tier, name in enumerate(names):
        moved = sum(one["bytes"] // PAGE + one["samples"] for (what, source, _), one
                    in found.items() if what == "move" and source == name)
        assert after[tier]["moves_out"] - before[tier]["moves_out"] >= moved > 0
    # Touching a page in a store waited for the disk, each time.
    assert after[NVME]["major_read"] - before[NVME]["major_read"] >= 64
    assert wait_for(lambda: stats.header.regions == 0)


def test_text():
    done = run("bench", "--size", "1M", "--time", "10ms", "--tiers", "cpu,gpu")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line] == [
        "TOUCH", "gpu", "cpu", "MOVE", "gpu", "cpu", "Median", "bandwidth"]
    assert any(line.startswith("cpu -> gpu ") for line in lines)


def test_bounded_by_what_is_free(dev, stats, make):
    """A full tier is not measured, and its pages stay; a small one with fewer pages."""
    set_tiers(dev, {CPU: 4096, GPU: 256, NVME: 400, SSD: 2048})
    try:
        region, _ = make(200, touched=200)
        assert region.migrate(0, 200 * PAGE, GPU).moved == 200
        found = results(run("bench", "--json", "--size", "4M", "--time", "10ms", "--tiers",
                            "gpu,cpu,nvme"))
        assert region.tiers() == [GPU] * 200
        for key, one in found.items():
            assert one["measured"] == ("gpu" not in key), key
        assert found["move", "cpu", "gpu"]["why"] == "not enough room is free"
        # Half of 400 pages at most were there at once.
        one = found["move", "cpu", "nvme"]
        assert one["bytes"] <= one["samples"] // 64 * (200 - 64) * PAGE
        assert stats.tier(NVME)["used"] == 0
    finally:
        set_tiers(dev, {CPU: 4096, GPU: 2048, NVME: 2048, SSD: 2048})


def test_an_ordinary_user():
    """It takes no capability."""
    done = run_as(NOBODY, "bench", "--json", "--size", "1M", "--time", "10ms", "--tiers",
                  "cpu,nvme")
    assert all(one["measured"] for one in results(done).values())


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_interrupted(stats, more):
    """What was measured is shown; the rest says that it was not."""
    moved = stats.counters(CPU)["moves_out"]
    with Running("bench", "--size", "1M", "--time", "30s", *more) as bench:
        assert wait_for(lambda: stats.counters(CPU)["moves_out"] > moved, 60)
        bench.kill(signal.SIGINT)
        code, out, err = bench.end()
    assert (code, err) == (130, "")
    if more:
        document = json.loads(out)
        assert document["complete"] is False
        assert any(not one["measured"] for one in document["results"])
    else:
        assert "interrupted" in out
    assert wait_for(lambda: stats.header.regions == 0)


def test_with_the_policy_on(policy):
    policy(enabled=1)
    done = run("bench", "--size", "1M", "--time", "10ms", "--tiers", "cpu")
    assert done.returncode == 0 and "automatic migration is on" in done.stderr


def test_not_bound(dev):
    done = run("bench", "--tiers", "hdd")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the hdd tier is not bound" in done.stderr and "tw tier list" in done.stderr
    with tiers_of(dev, {}):
        done = run("bench")
        assert done.returncode == 1 and "no memory tier is bound" in done.stderr


@pytest.mark.parametrize("arguments", [["--size", "4k"], ["--size", "x"], ["--time", "0"],
                                       ["--tiers", "cpu,x"], ["--tiers", ","], ["more"]])
def test_wrong(arguments):
    done = run("bench", *arguments)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith("tw: ")
