# SPDX-License-Identifier: GPL-2.0
"""In the guest: tw-bench's disk figures on disks of disks.py, bound as the NVMe tier.

First on one that serves one request at a time, whose own work cannot be overlapped,
then on one that serves sixteen, as NVMe disks do.
"""

import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import disks  # noqa: E402  pylint: disable=wrong-import-position

BUILD = Path(__file__).resolve().parents[3] / "build"


def measure(depth: int) -> None:
    """What tw-bench says of a disk of this depth; nothing else runs beside it."""
    device = disks.make("nvme", depth=depth)
    for words in (["format", "--force", device], ["bind", "nvme", device]):
        subprocess.run([BUILD / "tools/tw", "tier", *words], check=True, stdout=subprocess.DEVNULL)
    suffix = [] if depth == 1 else [f"-depth-{depth}"]
    subprocess.run([BUILD / "bench/tw-bench", "disk", device, *suffix], check=True)
    subprocess.run(["swapoff", device], check=True)
    disks.drop("nvme")


def main() -> None:
    """One after the other."""
    for depth in (1, 16):
        measure(depth)


if __name__ == "__main__":
    main()
