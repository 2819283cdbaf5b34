# SPDX-License-Identifier: GPL-2.0
"""The tracepoints: what tierwatch_trace(7) says of them, and that its one-liners work."""

import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import tw
from support import REPO, Child, Reached, fill
from tw import NVME, PAGE

MANUAL = REPO / "tools" / "tw" / "man" / "tierwatch_trace.7"
TRACING = Path("/sys/kernel/tracing")
EVENTS = TRACING / "events" / "tier_watch"
# bpftrace wants the kernel to run BPF for tracepoints, which a kernel built without
# CONFIG_BPF_SYSCALL (as the sanitised one is) can't.
HAS_BPF = Path("/proc/sys/kernel/unprivileged_bpf_disabled").exists()


def examples() -> list[str]:
    """The commands of each block, as one script."""
    text = MANUAL.read_text(encoding="utf-8").partition("\n.Sh EXAMPLES")[2]
    return ["\n".join(re.findall(r"^[#$] (.*)", block, re.M))
            for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text, re.M | re.S)]


@contextmanager
def busy_program():
    """As agent 7: pages go out to a store and come in by a touch, over and over."""
    ready, stop = Reached(), Reached()

    def body():
        with tw.Device() as device, device.agent(7) as agent, \
                device.region(64 * PAGE, agent=agent) as region, region.map() as mapping:
            fill(mapping, range(64), 1)
            while not stop.get():
                region.migrate(8 * PAGE, 4 * PAGE, NVME)
                mapping.read(8 * PAGE, 4 * PAGE)
                ready.set()
                # Some hundred events a second are enough to be seen.
                time.sleep(0.02)

    child = Child(body)
    ready.wait()
    try:
        yield child.pid
    finally:
        stop.set()
        child.result()


def shell(script: str, folder) -> str:
    done = subprocess.run(["sh", "-ec", script], cwd=folder, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_examples_are_there():
    scripts = examples()
    assert len(scripts) == 4
    assert sum("perf record" in one for one in scripts) == 1
    assert sum("bpftrace" in one for one in scripts) == 2


@pytest.mark.parametrize("script", [one for one in examples() if "bpftrace" not in one],
                         ids=lambda one: one.split()[0])
def test_perf_and_ftrace(script, tmp_path):
    """They run as they stand, and show what the program does."""
    with busy_program() as pid:
        out = shell(script, tmp_path)
    if "perf" in script:
        assert re.search(rf" {pid} .*tier_watch_migrate: page=0x8\w+ region=\d+ index=8 agent=7 "
                         r"from=cpu to=nvme reason=manual status=0 latency_ns=\d+", out), out
        assert "reason=fault" in out
    else:
        slow = [int(value) for value in re.findall(r"latency_ns=(\d+)", out)]
        assert all(value > 1_000_000 for value in slow)
        assert (EVENTS / "enable").read_text() == "0\n"
        assert (EVENTS / "tier_watch_fault" / "filter").read_text() == "none\n"


@pytest.mark.skipif(not HAS_BPF, reason="this kernel runs no BPF at tracepoints")
@pytest.mark.parametrize("script", [one for one in examples() if "bpftrace" in one],
                         ids=["latency", "moves"])
def test_bpftrace(script, tmp_path):
    with busy_program():
        out = shell(script, tmp_path)
    if "hist" in script:
        assert re.search(r"^@ns\[2\]:", out, re.M) and "|@" in out, out
    else:
        # Moved out by itself, and back by its faults.
        assert re.search(r"^@moves\[.*, 1, 2\]: [1-9]", out, re.M), out
        assert re.search(r"^@moves\[.*, 2, 1\]: [1-9]", out, re.M), out


def fields(name: str) -> set[str]:
    text = (EVENTS / name / "format").read_text()
    return {field for field in re.findall(r"field:[^;]*?(\w+);", text)
            if not field.startswith("common_")}


@pytest.mark.parametrize("name", ["tier_watch_fault", "tier_watch_migrate"])
def test_the_page_names_all_fields(name):
    """All of them, and no others."""
    text = MANUAL.read_text(encoding="utf-8")
    part = text.partition(f".It Sy tier_watch:{name}\n")[2].partition("\n.El\n")[0]
    named = set(re.findall(r"\w+", " ".join(re.findall(r"^\.It Va (.*)", part, re.M)))) - {"Va"}
    assert fields(name) == named


def test_same_as_the_stream(dev, make, stream, one_cpu):
    """A fault and a move are told alike by both."""
    region, mapping = make(1)
    listener = stream(tw.TW_EVENT_BIT(tw.TW_EVENT_FAULT) | tw.TW_EVENT_BIT(tw.TW_EVENT_MIGRATE))
    (TRACING / "trace").write_text("")
    (EVENTS / "enable").write_text("1")
    try:
        fill(mapping, [0], 1)
        region.migrate(0, PAGE, NVME)
    finally:
        (EVENTS / "enable").write_text("0")
        text = (TRACING / "trace").read_text()
        (TRACING / "trace").write_text("")
    page = f"page={region.page(0):#x} region={region.number} index=0 "
    fault, move = [event for event in listener.reader().read() if event.page == region.page(0)]
    seen = [line for line in text.splitlines() if page in line]
    assert len(seen) == 2 and all(f"-{os.getpid()} " in line for line in seen)
    assert f"addr={mapping.addr:#x} tier=cpu to=cpu flags=write|first " in seen[0]
    assert seen[0].endswith(f"latency_ns={fault.latency_ns}")
    assert "from=cpu to=nvme reason=manual status=0" in seen[1]
    assert seen[1].endswith(f"latency_ns={move.latency_ns}")
    assert dev and one_cpu >= 0


def test_tools_are_installed():
    """So that a skip is the kernel's doing, never a missing package's."""
    assert shutil.which("perf") and shutil.which("bpftrace")
