# SPDX-License-Identifier: GPL-2.0
"""Unmodified programs over five tiers: how they are started, and what is watched meanwhile.

A witness has more data than memory.high of its cgroup lets it keep.  What it computes
is compared with what is known without it, or with the same program without a limit;
and its pages must have been in every tier, or it would say nothing.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Optional

from command import LIMIT, TW, tw_json, tw_run
from support import CGROUP, Cgroup, Delta, Observer, errno_of, wait_for
from tw import CPU, GPU, HDD, NVME, PAGE, SSD, STORES, TIERS, TIER_NAMES

MIB = 1 << 20
# Pages that each CPU keeps to give back together, and the signature.
KEPT = 1 + 64 * (os.cpu_count() or 1)
# Memory of all nodes, so that some of it is in the GPU tier.
EVERYWHERE = ("numactl", "--interleave=all")
PATIENT = 20 * LIMIT


class Sizes:
    """Of data: small, for every run of the suite, or full."""

    def __init__(self, full: bool):
        self.full = full

    def of(self, small: int, full: int) -> int:
        """The one that this run has."""
        return full if self.full else small


def stores_of(sizes: Sizes) -> dict[int, int]:
    """Pages of each tier; 0: all that there is."""
    return {CPU: 0, GPU: 0, NVME: sizes.of(256, 1024), SSD: sizes.of(384, 1536), HDD: 0}


def swap_on(sizes: Sizes) -> None:
    """It warns of read-ahead, which stays as the kernel has it."""
    done = tw_run("swap", "on", "--size", f"{sizes.of(192, 512)}M")
    assert done.returncode == 0, done


def swap_off(dev: Any, group: Cgroup) -> None:
    """Whatever programs had in it is gone with them.

    Pages of those that were killed stay in the swap cache until reclaim comes by.
    """
    def empty() -> bool:
        errno_of(group.write, "memory.reclaim", str(64 * MIB))
        return sum(dev.swap_info().used) <= KEPT
    left = not wait_for(empty, 20, 0.2) and tw_json("swap", "status")
    done = tw_run("swap", "off", "--force")
    assert done.returncode == 0, done
    assert not left, left


@dataclass
class Swap:
    """The device while it is on, and the cgroup below which programs run."""
    dev: Any
    group: Cgroup


class Watch:
    """The most pages that were in each tier while the body ran: stores as the swap device
    has them, memory as a cgroup's numa_stat has it."""

    def __init__(self, dev: Any, where: Any = None):
        self.dev, self.where = dev, where
        self.most = dict.fromkeys(TIERS, 0)
        self.delta = Delta(Observer.stats)
        self.nodes = {tier: dev.tier_info(tier).nodes for tier in (CPU, GPU)}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self.over.wait(0.5):
            self.look()

    def look(self) -> None:
        """One sample."""
        now = dict(enumerate(self.dev.swap_info().used))
        for tier, nodes in self.nodes.items():
            now[tier] = sum(pages for node, pages in self._anon().items() if nodes >> node & 1)
        for tier in TIERS:
            self.most[tier] = max(self.most[tier], now[tier])

    def _anon(self) -> dict[int, int]:
        """Pages of the cgroup by node."""
        try:
            lines = (self.where() / "memory.numa_stat").read_text().splitlines()
        except (OSError, TypeError):
            return {}       # it is not there yet, or any more
        words = next(line.split()[1:] for line in lines if line.startswith("anon "))
        return {int(node[1:]): int(size) // PAGE
                for node, _, size in (word.partition("=") for word in words)}

    def __enter__(self) -> "Watch":
        self.thread.start()
        return self

    def __exit__(self, *_exc: Any) -> None:
        self.over.set()
        self.thread.join()

    def came_by(self, tiers: Any = TIERS) -> None:
        """Pages were in each of these tiers, and those in stores were read back."""
        said = {TIER_NAMES[tier]: pages for tier, pages in self.most.items()}
        assert all(self.most[tier] for tier in tiers), said
        read = {TIER_NAMES[tier]: self.delta.tier(tier)["swap_in"] for tier in STORES}
        assert all(self.delta.tier(tier)["swap_in"] for tier in STORES if tier in tiers), read
        errors = {TIER_NAMES[tier]: self.delta.tier(tier)["io_errors"] for tier in STORES}
        assert not any(errors.values()) and not self.dev.swap_info().failed, errors


class Program:
    """A command under `tw run --limit`: attached, in a cgroup of its own, below one of ours."""

    def __init__(self, below: Cgroup, limit: str, *words: Any, prefix: Any = EVERYWHERE,
                 options: Any = (), **more: Any):
        self.out = tempfile.TemporaryFile("w+")
        self.err = tempfile.TemporaryFile("w+")
        self.run = subprocess.Popen([TW, "run", "--limit", limit, *options, "--", *prefix,
                                     *map(str, words)], stdout=self.out, stderr=self.err,
                                    preexec_fn=below.enter,
                                    **{"stdin": subprocess.DEVNULL, "text": True, **more})
        self._group: Optional[Path] = None

    def group(self) -> Optional[Path]:
        """Its cgroup, once it is in it."""
        if not self._group:
            try:
                pid = Path(f"/proc/{self.run.pid}/task/{self.run.pid}/children").read_text().split()
                name = Path(f"/proc/{pid[0]}/cgroup").read_text().strip().rpartition(":")[2]
            except (OSError, IndexError):
                return None
            if "/tw-run-" in name:
                self._group = CGROUP / name[1:]
        return self._group

    def wait_group(self) -> Path:
        """The same, waiting for it."""
        assert wait_for(self.group, 60), self.said()
        return self._group

    def said(self) -> str:
        """What it has printed so far."""
        self.out.seek(0)
        self.err.seek(0)
        return self.out.read() + self.err.read()

    def output(self, timeout: float = PATIENT, code: int = 0) -> str:
        """What it prints, at its end, which must be a good one."""
        got = self.run.wait(timeout)
        assert got == code, (got, self.said()[-4000:])
        self.out.seek(0)
        return self.out.read()

    def kill(self) -> None:
        """SIGKILL for all that runs in it, at once."""
        (self.wait_group() / "cgroup.kill").write_text("1")
        self.run.wait(LIMIT)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_exc: Any) -> None:
        if self.run.poll() is None:
            group = self.group()
            if group:
                errno_of((group / "cgroup.kill").write_text, "1")
            else:
                self.run.kill()
            self.run.wait(LIMIT)
        self.out.close()
        self.err.close()


@contextmanager
def limited(swap: Swap, limit: str, *words: Any, **more: Any) -> Iterator[Program]:
    """A program, watched to its end: it must have been in every tier."""
    before = ooms()
    with Program(swap.group, limit, *words, **more) as program, \
            Watch(swap.dev, program.group) as watch:
        yield program
    assert ooms() == before
    watch.came_by()


def ooms() -> int:
    """Programs that were killed for want of memory since the guest booted."""
    line = next(line for line in Path("/proc/vmstat").read_text().splitlines()
                if line.startswith("oom_kill "))
    return int(line.split()[1])


def without_limit(*words: Any, **more: Any) -> str:
    """What the same program prints that has all of memory."""
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False,
                          timeout=PATIENT, **more)
    assert done.returncode == 0, done
    return done.stdout
