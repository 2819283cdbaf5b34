# SPDX-License-Identifier: GPL-2.0
"""A fork bomb with a limit: as many processes as its cgroup lets it have, each with memory.

It has more than it may keep, so it is swapped out without end.  What runs beside it is
right all the same, and when it is killed all that it had comes back.
"""

import subprocess
import tempfile

import pytest

from command import LIMIT, tw_json
from support import CGROUP, NOBODY, Cgroup, Observer, errno_of, wait_for
from test_sqlite import script, truth
from tw import PAGE
from witness import KEPT, MIB, PATIENT, Program, Swap, limited

pytestmark = pytest.mark.once

# A shell with text of its own that has two of its like, as many times as it can.
BOMB = ("x=$(head -c {0} /dev/zero | tr '\\0' x); "
        "b() {{ y=$x$x; while :; do b & z=$y; wait; done; }}; b 2>/dev/null")
SQL = ("sqlite3", "-batch", "-bail", ":memory:")


def bomb(group, limit, size):
    """The program, which ends by no means but a kill, and as nobody in particular."""
    return Program(group, limit, "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                   "--clear-groups", "sh", "-c", BOMB.format(size))


def answers(swap):
    """The rest of the machine does: programs start and end, and the driver is asked."""
    done = subprocess.run(["sh", "-c", "echo $((6 * 7))"], capture_output=True, text=True,
                          check=False, timeout=LIMIT)
    assert (done.returncode, done.stdout) == (0, "42\n"), done
    assert tw_json("swap", "status")["state"] == "on"
    assert len(swap.dev.attachments()) >= 1


def left_in(group):
    """What the cgroup has of memory that is no file's, beyond slots that CPUs still keep."""
    swapped = int(group.read("memory.swap.current")) - KEPT * PAGE
    return max(0, swapped) + group.events("memory.stat")["anon"]


def all_is_back(swap, group, records):
    """Processes, attachments, memory, slots of the stores and records of pages."""
    def left():
        errno_of(swap.group.write, "memory.reclaim", str(64 * MIB))
        return {"processes": int(group.read("pids.current")),
                "attachments": len(swap.dev.attachments()),
                "memory": left_in(group),
                "slots": max(0, sum(swap.dev.swap_info().used) - KEPT),
                "records": max(0, Observer.stats.header.record_bytes - records)}

    assert wait_for(lambda: not any(left().values()), 60, 0.2), left()
    assert [path for path in CGROUP.glob("*/tw-run-*/cgroup.procs") if path.read_text()] == []


def test_killed(swap, sizes):
    """Between it and its end the machine answers, and its neighbour's answers are right."""
    rows, records = sizes.of(1500, 12000), Observer.stats.header.record_bytes
    swap.group.write("cgroup.subtree_control", "+memory +pids")
    with Cgroup(swap.group) as group, Cgroup(swap.group) as beside:
        group.write("pids.max", str(sizes.of(16, 48)))
        with bomb(group, f"{sizes.of(5, 12)}M", sizes.of(200000, 300000)) as bad:
            bad.wait_group()
            assert wait_for(lambda: group.events("pids.events")["max"] > 0, 120)
            assert wait_for(lambda: int(group.read("memory.swap.current")) > MIB, 120)
            answers(swap)
            with tempfile.TemporaryFile("w+") as file:
                file.write(script(rows, False))
                file.seek(0)
                with Program(beside, f"{sizes.of(3, 8)}M", *SQL, stdin=file) as good:
                    assert good.output(PATIENT).split() == truth(rows, False)
            answers(swap)
            assert bad.run.poll() is None, bad.said()
            bad.kill()
        all_is_back(swap, group, records)
