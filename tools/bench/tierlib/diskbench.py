# SPDX-License-Identifier: GPL-2.0
"""In the guest: tw-bench's disk figures on a disk of disks.py, bound as the NVMe tier."""

import os
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import disks  # noqa: E402  pylint: disable=wrong-import-position

BUILD = Path(__file__).resolve().parents[3] / "build"


def main() -> None:
    """Becomes tw-bench: nothing else runs beside it."""
    device = disks.make("nvme")
    for words in (["format", "--force", device], ["bind", "nvme", device]):
        subprocess.run([BUILD / "tools/tw", "tier", *words], check=True, stdout=subprocess.DEVNULL)
    bench = BUILD / "bench/tw-bench"
    os.execv(bench, [bench, "disk", device])


if __name__ == "__main__":
    main()
