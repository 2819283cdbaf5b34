# SPDX-License-Identifier: GPL-2.0
"""Disks that keep the guest's own time: the kernel's null_blk, backed by memory.

Owns their figures.  A disk that QEMU throttles does so by the host's clock, so
that each figure depends on what else the host does; these complete a request
after a time of the guest's clock, one request at a time unless more are asked for,
and figures repeat within a few percent, whatever the host does.  Bandwidth is the largest request in
a request's time: null_blk's own limit hands it out in steps of 20 ms, and stops
for good at a larger request.
"""

import subprocess
from pathlib import Path

CONFIG = Path("/sys/kernel/config/nullb")
SIZE_MIB = 64
# Time of a request in ns, KiB of the largest one, rotational: 50,000, 10,000 and 200
# requests, 410, 82 and 20 MB a second.
FIGURES = {"nvme": (20_000, 8, 0), "ssd": (100_000, 8, 0), "hdd": (5_000_000, 100, 1)}


def make(name: str, slower: int = 1, depth: int = 1) -> str:
    """A disk of this kind, `slower` times, that serves `depth` requests at once; its device."""
    nanoseconds, largest, rotational = FIGURES[name]
    if not CONFIG.exists():
        subprocess.run(["/sbin/modprobe", "null_blk", "nr_devices=0"], check=True)
    if not CONFIG.exists():
        subprocess.run(["mount", "-t", "configfs", "configfs", str(CONFIG.parent)], check=True)
    folder = CONFIG / name
    folder.mkdir()
    for key, value in {"size": SIZE_MIB, "blocksize": 4096, "memory_backed": 1, "irqmode": 2,
                       "queue_mode": 2, "submit_queues": 1, "hw_queue_depth": depth,
                       "completion_nsec": nanoseconds * slower, "power": 1}.items():
        (folder / key).write_text(str(value), encoding="ascii")
    device = f"nullb{(folder / 'index').read_text(encoding='ascii').strip()}"
    if not Path(f"/dev/{device}").exists():
        device = name           # newer kernels call it what we do
    queue = Path(f"/sys/block/{device}/queue")
    (queue / "rotational").write_text(str(rotational), encoding="ascii")
    (queue / "max_sectors_kb").write_text(str(largest), encoding="ascii")
    return f"/dev/{device}"


def drop(name: str) -> None:
    """It and its memory are gone; nobody uses it any more."""
    folder = CONFIG / name
    (folder / "power").write_text("0", encoding="ascii")
    folder.rmdir()
