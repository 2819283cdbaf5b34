# SPDX-License-Identifier: GPL-2.0
"""What tw prints for programs: all documents there are, from a driver at work.

All other tests hold what they parse against the schemas, too (documents.py).
"""

import json
import os
import subprocess

import pytest

import documents
from command import FAILED, LIMIT, TIMEOUT, tw_json, tw_refused, tw_run, tw_text
from support import REPO, Child, Reached, fill, store_path, tiers_of
from tw import CPU, GPU, NVME, SSD
from views import lines, listening

pytestmark = pytest.mark.once

DAEMON = REPO / "build" / "tools" / "tierwatchd"


@pytest.fixture(scope="module", autouse=True)
def four_tiers(dev):
    with tiers_of(dev, {CPU: 2048, GPU: 1024, NVME: 2048, SSD: 2048}):
        yield


@pytest.fixture
def known(dev, make):
    """A region of an agent's, some of it elsewhere: its first page's number."""
    with dev.agent(7) as agent:
        region, _ = make(64, touched=40, agent=agent)
        yield region.page(0)


@pytest.fixture
def seen():
    """Which documents there were."""
    return documents.Checker()


def see(seen: documents.Checker, *words, code=0) -> None:
    """What a command prints, line by line."""
    done = tw_run(*words, "--json")
    assert done.returncode == code, done
    assert done.stdout.endswith("\n")
    for line in done.stdout.splitlines():
        seen.all(json.loads(line))


def see_live(seen: documents.Checker, make, folder) -> None:
    """What watches while something goes on."""
    _, mapping = make(4)
    with listening("trace", "--event", "fault", "--count", 2, "--json") as trace:
        fill(mapping, range(2), 1)
        code, out, _ = trace.end()
    assert code == 0 and [seen.all(line)["type"] for line in lines(out)] == [
        "fault", "fault", "summary"]
    path = folder / "recording"
    see(seen, "record", "--count", 2, "--interval", "10ms", "--output", path)
    see(seen, "heatmap", path)
    see(seen, "top", "--interval", "100ms")
    see(seen, "bench", "--size", "512k", "--time", "5ms", "--tiers", "gpu,cpu")


def see_attached(seen: documents.Checker) -> None:
    """A program that is watched, and a look of the daemon's."""
    enough = Reached()
    child = Child(enough.wait)
    try:
        see(seen, "attach", child.pid)
        done = subprocess.run([DAEMON, "--once", "--json", "--dry-run"], capture_output=True,
                              text=True, check=True, timeout=LIMIT)
        seen.all(json.loads(done.stdout))
        see(seen, "detach", child.pid)
    finally:
        enough.set()
        child.result()


def see_tiers(seen: documents.Checker, folder) -> None:
    """What changes tiers."""
    store = folder / "store"
    with store.open("w") as file:
        file.truncate(1 << 24)
    see(seen, "tier", "format", "--label", "x", "--tier", "hdd", store)
    see(seen, "tier", "unbind", "ssd")
    see(seen, "tier", "bind", "ssd", store_path(SSD))
    see(seen, "tier", "resize", "ssd", "all")
    see(seen, "apply", "--dry-run", "--conf", write(folder, "[policy]\nmin_stay = 9\n"))
    see(seen, "pressure", "set", "nvme")


def write(folder, text):
    """A tierwatch.conf."""
    path = folder / "conf"
    path.write_text(text)
    return path


def test_every_document(known, seen, make, tmp_path):
    """Each schema has had a real document, and each document was as its schema says."""
    for words in ("status", "stats", "pressure", "policy show", "swap status", "tier list",
                  "tier detect", "agent list", "agent show 7", "agent limit 7", "metrics"):
        see(seen, *words.split())
    tw_text("agent", "limit", "--user", 12345, "ssd=4M")
    try:
        see(seen, "agent", "limit", "--all")
    finally:
        tw_text("agent", "limit", "--user", 12345, "ssd=none")
    see(seen, "page", "--pid", os.getpid())
    see(seen, "page", hex(known), hex(known + 63))
    see(seen, "migrate", "nvme", hex(known), f"{hex(known + 1)}..{hex(known + 8)}")
    see_attached(seen)
    see_live(seen, make, tmp_path)
    see_tiers(seen, tmp_path)
    assert seen.seen == documents.names()


def test_wrong_one_is_noticed(known):
    """No test can read a document that is not as docs/json says."""
    good = tw_json("page", hex(known))[0]
    assert json.loads(json.dumps(good)) == good
    for wrong in ({**good, "unheard_of": 1}, {**good, "heat": "hot"},
                  {**good, "schema": "tierwatch/page/2"}, {**good, "schema": "tierwatch/tier/1"},
                  {name: value for name, value in good.items() if name != "tier"},
                  {name: good[name] for name in reversed(good)}):
        for text in (json.dumps(wrong), json.dumps([good, wrong])):
            with pytest.raises(documents.Mismatch):
                json.loads(text)


def test_failures(known):
    """Text on stderr; on stdout a whole document or nothing."""
    tw_refused(FAILED, "agent 123456", "agent", "show", 123456, "--json")
    assert tw_json("page", hex(known), hex(known + 1000), code=FAILED)[1]["status"] == -2
    assert tw_json("pressure", "nvme", "--wait", "critical", "--timeout", 0,
                   code=TIMEOUT)[0]["tier"] == "nvme"
    got = tw_json("migrate", "nvme", hex(known + 50), code=FAILED)
    assert (got["failed"], got["failures"]) == (1, {"absent": 1})
