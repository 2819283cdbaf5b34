# SPDX-License-Identifier: GPL-2.0
"""tw trace: filters, how it ends, and the account of what was lost."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

import tw
from support import (NOBODY, REPO, Child, Reached, device_gid, fill, place, tiers_of,
                     wait_for)
from tw import CPU, GPU, NVME, PAGE, SSD, TIER_NAMES
from views import TW, lines, listening, run, run_as

pytestmark = pytest.mark.once

SUMMARY = re.compile(r"tw: (\d+) events shown of (\d+) read in [\d.]+ s "
                     r"\(CPU time [\d.]+ s\), (\d+) lost\n")


def summary(err: str) -> tuple[int, ...]:
    """Shown, read, lost."""
    found = SUMMARY.search(err)
    assert found, err
    return tuple(map(int, found.groups()))


def own_cgroup() -> str:
    """The path of this process's cgroup: what its default agent is called."""
    return Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()[-1].split(":")[2]


def test_agent_names(dev, make):
    """One that has a label is called by its program; one that nobody knows, by the label."""
    with dev.agent(4711) as agent:
        region, _ = make(1, touched=1, agent=agent)
        with listening("trace", "--event", "migrate", "--count", 1) as text, \
                listening("trace", "--event", "migrate,agent-ended", "--count", 2,
                          "--json") as trace:
            place(region, 0, 1, GPU)
            _, shown, _ = text.end()
            with dev.agent(4712):
                pass
            code, out, _ = trace.end()
    program = Path("/proc/self/comm").read_text(encoding="ascii").strip()
    assert code == 0 and f", agent 4711 {program}, pid " in shown
    assert {event["agent"]: event["agent_name"] for event in lines(out)[:-1]} == {
        4711: program, 4712: "4712"}


def there_and_back(region, pages: int, times: int = 1) -> None:
    """Two events a page each time."""
    for _ in range(times):
        place(region, 0, pages, GPU)
        place(region, 0, pages, CPU)


def test_types_and_tiers(make):
    """Only moves, only those of one tier, as many as asked for."""
    region, _ = make(8, touched=8)
    with listening("trace", "--event", "migrate", "--tier", "nvme", "--count", 8,
                   "--json") as trace:
        there_and_back(region, 8)
        place(region, 0, 8, NVME)
        code, out, err = trace.end()
    assert (code, err) == (0, "")
    *events, last = lines(out)
    assert [int(event["page"], 16) for event in events] == [region.page(i) for i in range(8)]
    assert {(event["type"], event["tier"], event["to_tier"], event["reason"], event["status"],
             event["pid"]) for event in events} == {
                 ("migrate", "cpu", "nvme", "manual", 0, os.getpid())}
    assert (last["type"], last["shown"], last["lost"]) == ("summary", 8, 0)
    assert last["read"] >= 24 and last["elapsed_ns"] > 0


def test_text(make):
    """A fault as people read it; the end of the page's line is its cause."""
    region, mapping = make(1)
    with listening("trace", "--event", "fault", "--count", 1) as trace:
        fill(mapping, [0], 1)
        code, out, err = trace.end()
    assert code == 0
    assert re.fullmatch(rf"\d+\.\d{{9}} cpu \d fault write {region.page(0):#x} in cpu first, "
                        rf"addr {mapping.addr:#x}, [\d.]+ \w+, agent {own_cgroup()}, "
                        rf"pid {os.getpid()}\n", out), out
    assert summary(err) == (1, 1, 0)


def test_pid(make):
    """A process with its threads, and nobody else."""
    region, mapping = make(4)
    go = Reached()

    def touch():
        go.wait()
        fill(mapping, [1, 2], 1)

    child = Child(touch)
    with listening("trace", "--event", "fault", "--pid", child.pid, "--count", 2,
                   "--json") as trace:
        fill(mapping, [0], 1)
        go.set()
        child.result()
        fill(mapping, [3], 1)
        code, out, _ = trace.end()
    assert code == 0
    *events, last = lines(out)
    assert [(event["pid"], int(event["page"], 16)) for event in events] == [
        (child.pid, region.page(1)), (child.pid, region.page(2))]
    # Of the CPUs whose events it had no reason to look at any more it has read none.
    assert last["read"] >= last["shown"] == 2


def test_no_process(stats):
    """One that has ended does nothing any more, and it says so at once."""
    before = stats.header.streams
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    done = run("trace", "--pid", gone.pid)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no process {gone.pid}" in done.stderr
    assert stats.header.streams == before


def test_fields(dev):
    """Events have what their type has: a tier that goes has no page and no agent."""
    with listening("trace", "--event", "agent-created,tier-unbound", "--count", 2,
                   "--json") as trace:
        with dev.agent(77):
            pass
        with tiers_of(dev, {CPU: 0, GPU: 0, NVME: 0, SSD: 0}):
            code, out, _ = trace.end()
    assert code == 0
    common = {"schema", "time_ns", "cpu", "number", "type", "pid"}
    *events, _ = lines(out)
    by_type = {event["type"]: event for event in events}
    assert set(by_type["agent-created"]) == common | {"agent", "agent_name"}
    assert by_type["agent-created"]["agent"] == 77
    assert set(by_type["tier-unbound"]) == common | {"tier"}
    assert by_type["tier-unbound"]["tier"] == "hdd"


def test_slower(make):
    """What comes from a disk is slower than a microsecond, and nothing takes four seconds."""
    region, mapping = make(4, touched=4)
    place(region, 0, 4, NVME)
    with listening("trace", "--event", "fault", "--slower", "1us", "--json", "--count",
                   1) as trace, \
            listening("trace", "--event", "fault", "--slower", "4s", "--json") as none:
        mapping.read()
        code, out, _ = trace.end()
        none.kill(signal.SIGINT)
        nothing = none.end()
    assert code == 0
    event, _ = lines(out)
    assert event["latency_ns"] > 1000 and event["major"] and event["tier"] == "nvme"
    assert nothing[0] == 130 and len(lines(nothing[1])) == 1
    assert lines(nothing[1])[0]["read"] >= 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(make, number):
    """What had happened by then is shown, and the account given."""
    region, _ = make(16, touched=16)
    with listening("trace", "--event", "migrate") as trace:
        there_and_back(region, 16)
        trace.kill(number)
        code, out, err = trace.end()
    assert code == 128 + number
    assert summary(err) == (32, 32, 0)
    assert len(out.splitlines()) == 32 and out.endswith("\n")


def test_duration(make):
    region, _ = make(4, touched=4)
    with listening("trace", "--event", "migrate", "--duration", "3s", "--quiet") as trace:
        there_and_back(region, 4)
        code, out, err = trace.end()
    assert (code, out) == (0, "")
    assert summary(err) == (8, 8, 0)


def test_two_at_once(make):
    """Both see all of it, each with a stream of its own; both are gone afterwards."""
    region, _ = make(32, touched=32)
    arguments = ["trace", "--event", "migrate", "--count", 640, "--json"]
    with listening(*arguments) as one, listening(*arguments) as two:
        there_and_back(region, 32, 10)
        ended = [trace.end() for trace in (one, two)]
    assert [code for code, _, _ in ended] == [0, 0]
    first, second = [[event for event in lines(out)] for _, out, _ in ended]
    assert first[-1]["lost"] == second[-1]["lost"] == 0
    key = ("time_ns", "page", "tier", "to_tier")

    def what(events):
        return sorted([tuple(event[name] for name in key) for event in events[:-1]])

    assert len(what(first)) == 640 and what(first) == what(second)


@pytest.mark.parametrize("how", ["count", "interrupt", "json"])
def test_lapped(make, one_cpu, how):
    """A ring of 64 while 640 events come: how many are missing is said exactly."""
    region, _ = make(32, touched=32)
    more = {"count": ["--count", 5], "interrupt": [], "json": ["--count", 5, "--json"]}[how]
    with listening("trace", "--event", "migrate", "--slots", 64, *more) as trace:
        trace.stop()
        there_and_back(region, 32, 10)
        trace.kill(signal.SIGCONT)
        if how == "interrupt":
            trace.kill(signal.SIGINT)
        code, out, err = trace.end()
    # It goes on an eighth of a ring past the oldest that is left.
    if how == "json":
        *events, lost, last = lines(out)
        assert (code, err, len(events)) == (5, "", 5)
        assert lost == {"schema": "tierwatch/trace/1", "type": "lost", "lost": 640 - 56}
        assert (last["shown"], last["read"], last["lost"]) == (5, 5, 640 - 56)
        return
    shown = 5 if how == "count" else 56
    assert code == (5 if how == "count" else 130)
    assert f"tw: {640 - 56} events were lost: they came faster than they were read\n" in err
    assert summary(err) == (shown, shown, 640 - 56)
    assert "--slots" in err
    assert len(out.splitlines()) == shown


def test_everybodys_events_are_not_for_everybody(stats):
    streams = stats.header.streams
    done = run_as(NOBODY, "trace", "--count", 1)
    assert (done.returncode, done.stdout) == (4, "")
    assert "CAP_PERFMON" in done.stderr and "--agent" in done.stderr
    done = run_as(NOBODY, "trace", "--count", 1, "--agent", 12345)
    assert done.returncode == 4
    assert "you have no agent 12345" in done.stderr
    assert stats.header.streams == streams


def test_ones_own_agent(stats):
    """A user sees the events of an agent of theirs, without a capability."""
    streams = stats.header.streams

    def user():
        with tw.Device() as device, device.agent(77) as agent, \
                device.region(4 * PAGE, agent=agent) as region:
            with subprocess.Popen([TW, "trace", "--agent", "77", "--event", "fault", "--count",
                                   "4", "--json"], stdout=subprocess.PIPE, text=True) as trace:
                assert wait_for(lambda: stats.header.streams > streams, 30)
                with region.map() as mapping:
                    fill(mapping, range(4), 1)
                out, _ = trace.communicate()
            return trace.returncode, out, region.page(0)

    code, out, first = Child(user, uid=NOBODY, gid=NOBODY, groups=[device_gid()]).result()
    assert code == 0
    assert [(int(event["page"], 16), event["agent"], event["pid"])
            for event in lines(out)[:-1]] == [(first + i, 77, 0) for i in range(4)]


@pytest.mark.parametrize("arguments", [
    ["--event", "faults"], ["--tier", "cpux"], ["--pid", "0"], ["--slots", "100"],
    ["--duration", "0"], ["--duration", "3x"], ["--count", "0"], ["--slower", "x"],
    ["--agent", "1", "--pid", "1"], ["more"]])
def test_wrong(stats, arguments):
    before = stats.header.streams
    done = run("trace", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tw: ")
    assert stats.header.streams == before


def test_bench():
    """`make bench-trace` in small: every reader reads, and tw trace loses nothing."""
    done = subprocess.run(["/usr/bin/python3", "-B", REPO / "tools" / "bench" / "tracing",
                           "--in-guest", "--no-idle", "--events", "1024"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = {one["reader"]: one for one in json.loads(done.stdout)}
    assert len(results) == 6
    for name, one in results.items():
        assert one["events"] == 1024 and one["read"] > 0 and one["cpu_seconds"] > 0, one
        assert one["read"] + one["lost"] == 1024, one
        assert one["lost"] == 0 or not name.startswith("tw "), one


def test_tier_names():
    """What --tier takes is what events say."""
    assert all(run("trace", "--tier", name, "--duration", "1ms").returncode == 0
               for name in TIER_NAMES[:5])
