# topology: default --turns
# SPDX-License-Identifier: GPL-2.0
"""tw without the driver: what a new user sees first."""

import json
import os
import subprocess
from pathlib import Path

import pytest

import support
import tw
from manual import TW, all_examples, run_example
from support import REPO

KO = REPO / "build" / os.uname().release / "tier_watch.ko"
NO_DEVICE = 3

# It is about the command, which is the same on all kernels.
pytestmark = [pytest.mark.keeps, pytest.mark.once]


@pytest.fixture(scope="module", autouse=True)
def unloaded():
    """Unloaded, and loaded again in the end."""
    if support.Observer.stats:
        support.Observer.stats.close()
        support.Observer.stats = None
    with tw.Device() as device:
        for tier in device.bound():
            device.unbind(tier)
    subprocess.run(["rmmod", "tier_watch"], check=True)
    assert not os.path.exists(tw.TW_DEVICE)
    yield
    subprocess.run(["insmod", KO], check=True)


@pytest.fixture(name="conf")
def right_file(tmp_path):
    path = tmp_path / "tierwatch.conf"
    path.write_text("[policy]\nmin_stay = 3\n")
    return path


def run(*words):
    return subprocess.run([TW, *map(str, words)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [
    "tier list", "tier bind cpu", "tier unbind cpu", "stats", "--json stats", "pressure",
    "tier bind ssd /dev/null", "status", "trace", "record", "top --once", "bench",
    "metrics --output /dev/null",
    "agent list", "agent limit 1 cpu=1M", "migrate cpu 1", "page 1", "policy show",
    "policy set auto=on",
])
def test_message(words):
    """It says how to load the driver."""
    done = run(*words.split())
    assert (done.returncode, done.stdout) == (NO_DEVICE, "")
    assert "Load it with: modprobe tier_watch" in done.stderr


def test_metrics():
    """That there is no driver is a figure, too."""
    done = run("metrics")
    assert done.returncode == NO_DEVICE and done.stdout.endswith("\ntierwatch_up 0\n")


def test_apply(conf):
    for more in ([], ["--dry-run"]):
        done = run("apply", "--conf", conf, *more)
        assert (done.returncode, done.stdout) == (NO_DEVICE, "")
        assert "modprobe tier_watch" in done.stderr


def test_wrong_words_come_first():
    """A mistake in the command line is told of, driver or not."""
    done = run("tier", "bind", "nmve", "/dev/null")
    assert done.returncode == 2 and "Did you mean nvme?" in done.stderr


def test_detect():
    """Looking at the machine takes no driver."""
    done = run("tier", "detect", "--json")
    assert done.returncode == 0 and not done.stderr
    tiers = {one["tier"]: one for one in json.loads(done.stdout)["tiers"]}
    assert tiers["cpu"]["nodes"] and not any(one["bound"] for one in tiers.values())
    # They are signed, and now in use by nobody.
    for tier in tw.STORES:
        name = tw.TIER_NAMES[tier]
        assert tiers[name]["device"] == support.store_path(tier) and tiers[name]["signed"]


def test_help():
    assert run("help").returncode == 0 and run("tier", "bind", "--help").returncode == 0


@pytest.mark.parametrize("example", all_examples("unloaded"), ids=str)
def test_examples(example, tmp_path: Path):
    run_example(example, tmp_path)
