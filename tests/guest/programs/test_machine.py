# SPDX-License-Identifier: GPL-2.0
"""Programs beside each other, a machine that is short of memory, and ends.

Where nothing else is said, the program is sqlite3 with the script of test_sqlite.py,
whose answers are known.
"""

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from command import tw_run
from support import CGROUP, errno_of, wait_for
from test_sqlite import script, truth
from witness import KEPT, MIB, STORES, Program, Watch, limited, ooms

pytestmark = [pytest.mark.once, pytest.mark.full]

ROWS = 12000
SQL = ("sqlite3", "-batch", "-bail", ":memory:")
WANTED = truth(ROWS, False)
HUGE = Path("/proc/sys/vm/nr_hugepages")


@contextmanager
def the_script():
    """To be read."""
    with tempfile.TemporaryFile("w+") as file:
        file.write(script(ROWS, False))
        file.seek(0)
        yield file


def right(program):
    """It has come to its end, with the answers that are known."""
    assert program.output().split() == WANTED


def test_two_beside_each_other(swap):
    """Of different limits; neither gets a page of the other's."""
    with the_script() as one, the_script() as other, \
            limited(swap, "8M", *SQL, stdin=one) as first:
        with Program(swap.group, "6M", *SQL, stdin=other) as second:
            right(second)
        right(first)


@contextmanager
def little_memory(left: int):
    """Most of memory is taken by huge pages, which nobody uses."""
    def available() -> int:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvail"))

    Path("/proc/sys/vm/drop_caches").write_text("3")
    try:
        for _ in range(20):
            spare = (available() - left) // (2 * MIB)
            if spare <= 0:
                break
            HUGE.write_text(str(int(HUGE.read_text()) + spare))
        assert available() < 2 * left
        yield
    finally:
        HUGE.write_text("0")


def test_short_of_memory(swap, sizes):
    """No cgroup has a limit: the stores take what memory cannot, and nobody is killed."""
    before = ooms()
    script_ = ("import hashlib\n"
               "pages = [hashlib.sha256(b'%d' % i).digest() * 128 for i in range(28000)]\n"
               "print(sum(page != hashlib.sha256(b'%d' % i).digest() * 128\n"
               "          for i, page in enumerate(pages)), len(pages))\n")
    with little_memory(64 * MIB), Watch(swap.dev) as watch:
        done = subprocess.run(["python3", "-c", script_], capture_output=True, text=True,
                              check=False, timeout=1800)
    assert (done.returncode, done.stdout, ooms()) == (0, "0 28000\n", before), done
    watch.came_by(STORES)
    # Others were swapped out, too: they come back.
    assert tw_run("swap", "off").returncode == 0
    assert tw_run("swap", "on", "--size", f"{sizes.of(192, 512)}M").returncode == 0


def test_swap_off_while_it_runs(swap, sizes):
    """Its pages come back to memory, which has room for them."""
    with the_script() as file, Program(swap.group, "6M", *SQL, stdin=file) as program:
        group = program.wait_group()
        assert wait_for(lambda: sum(swap.dev.swap_info().used) > 800, 240)
        (group / "memory.high").write_text("max")
        done = tw_run("swap", "off")
        assert done.returncode == 0, done
        assert program.run.poll() is None, "it has ended before"
        right(program)
    assert tw_run("swap", "on", "--size", f"{sizes.of(192, 512)}M").returncode == 0


def test_killed(swap):
    """In the middle, again and again: all that it had comes back."""
    for pages in (300, 1200, 2000):
        with the_script() as file, Program(swap.group, "6M", *SQL, stdin=file) as program:
            assert wait_for(lambda: sum(swap.dev.swap_info().used) > pages, 240)
            program.kill()
        assert wait_for(lambda: errno_of(swap.group.write, "memory.reclaim", str(64 * MIB)) < 0
                        or sum(swap.dev.swap_info().used) <= KEPT, 30)
        assert wait_for(lambda: swap.dev.attachments() == [], 20)
        assert [path for path in CGROUP.glob("*/tw-run-*/cgroup.procs") if path.read_text()] == []
