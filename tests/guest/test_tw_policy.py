# SPDX-License-Identifier: GPL-2.0
"""tw policy show and set: keys, one atomic set, refusals."""

import json

import pytest

import tw
from command import FAILED, NO_PERMISSION, USAGE, tw_json, tw_refused, tw_run, tw_text
from support import NOBODY

pytestmark = pytest.mark.once

MODES = {"auto": tw.TW_POLICY_AUTO, "unmap": tw.TW_POLICY_UNMAP}


def shown(policy) -> dict:
    """What tw should show of it."""
    knobs = policy.knobs()
    mode = knobs.pop("mode")
    enabled = knobs.pop("enabled")
    return {"schema": "tierwatch/policy/1", "enabled": enabled == tw.TW_POLICY_ON,
            "watch": enabled == tw.TW_POLICY_WATCH,
            **{name: bool(mode & bit) for name, bit in MODES.items()}, **knobs}


def test_show(policy):
    """Every member of the struct is a key."""
    assert tw_json("policy", "show") == shown(policy())
    assert tw_json("policy", "show", uid=NOBODY) == shown(policy())
    text = tw_text("policy", "show")
    for name in shown(policy()).keys() - {"schema", "watch"}:
        assert f"\n{name} " in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("key,value,member,number", [
    ("enabled", "on", "enabled", 1), ("enabled", "watch", "enabled", 2),
    ("auto", "off", "mode", 0), ("unmap", "on", "mode", 3),
    ("hot_threshold", 200, "hot_threshold", 200), ("cold_threshold", 1, "cold_threshold", 1),
    ("scan_permille", 1000, "scan_permille", 1000), ("scan_min_ms", 10, "scan_min_ms", 10),
    ("scan_max_ms", 600000, "scan_max_ms", 600000), ("free_permille", 1, "free_permille", 1),
    ("min_stay", 0, "min_stay", 0), ("max_rate", 4294967295, "max_rate", 4294967295)])
def test_each_key(policy, key, value, member, number):
    """It is set, and nothing else is."""
    wanted = {**policy().knobs(), member: number}
    got = tw_json("policy", "set", f"{key}={value}")
    assert policy().knobs() == wanted
    assert got == shown(policy()) == tw_json("policy", "show")


def test_several_at_once(policy):
    """Together they are right where one after the other they would not be."""
    tw_text("policy", "set", "cold_threshold=300", "hot_threshold=400", "scan_min_ms=5000",
            "scan_max_ms=6000", "auto=off")
    got = policy()
    assert (got.cold_threshold, got.hot_threshold, got.scan_min_ms, got.scan_max_ms, got.mode) == \
        (300, 400, 5000, 6000, 0)


@pytest.mark.parametrize("words", [
    ("hot_threshold=10",), ("cold_threshold=100",), ("cold_threshold=0",), ("scan_permille=0",),
    ("scan_permille=1001",), ("scan_min_ms=9",), ("scan_min_ms=3000",), ("scan_max_ms=600001",),
    ("free_permille=0",), ("free_permille=501",), ("min_stay=256",),
    ("enabled=on", "auto=off", "min_stay=300")])
def test_out_of_range(policy, words):
    """The driver refuses; not even what was right is set."""
    before = policy().knobs()
    tw_refused(FAILED, "nothing was changed", "policy", "set", *words)
    assert policy().knobs() == before


@pytest.mark.parametrize("words,said", [
    ((), "KEY=VALUE"), (("auto",), "KEY=VALUE"), (("",), "KEY=VALUE"), (("=1",), "no such key"),
    (("size=1",), "no such key"), (("mode=1",), "no such key"), (("reserved=0",), "no such key"),
    (("auto=1",), "on or off"), (("auto=watch",), "on or off"),
    (("enabled=yes",), "on, off or watch"), (("enabled=2",), "on, off or watch"),
    (("min_stay=",), "a number"),
    (("min_stay=-1",), "a number"), (("min_stay=4294967296",), "a number"),
    (("min_stay=3x",), "a number"), (("min_stay=3", "min_stay=4"), "two values"),
    (("min_stay=3", "max_rates=4"), "no such key")])
def test_wrong(policy, words, said):
    before = policy().knobs()
    tw_refused(USAGE, said, "policy", "set", *words)
    assert policy().knobs() == before


def test_as_a_user(policy):
    before = policy().knobs()
    tw_refused(NO_PERMISSION, "CAP_SYS_ADMIN", "policy", "set", "enabled=on", uid=NOBODY)
    assert policy().knobs() == before


def test_json_is_asked_for_anywhere(policy):
    """Options may come after the keys."""
    done = tw_run("policy", "set", "min_stay=5", "--json")
    assert json.loads(done.stdout)["min_stay"] == policy().min_stay == 5
