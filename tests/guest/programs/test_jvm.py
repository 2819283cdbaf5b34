# SPDX-License-Identifier: GPL-2.0
"""A JVM whose heap is larger than memory, with each of its collectors."""

import pytest

from support import REPO
from witness import limited

pytestmark = [pytest.mark.once, pytest.mark.full]

CLASSES = REPO / "build" / "programs"
WORDS = 200


def truth(objects: int, rounds: int) -> str:
    """The objects that are left are each of the last round that made it."""
    total = 0
    for number in range(objects):
        last = max(turn for turn in range(rounds) if number % (turn + 1) == 0)
        total += WORDS * (number * 31 + last * 7) + WORDS * (WORDS - 1) // 2
    return f"{objects} {total} 0\n"


@pytest.mark.parametrize("collector", ["Serial", "G1"])
def test_garbage(swap, collector):
    """Collections go over all of the heap, wherever it is."""
    with limited(swap, "48M", "java", "-Xms96m", "-Xmx96m", "-XX:TieredStopAtLevel=1",
                 f"-XX:+Use{collector}GC", "-cp", CLASSES, "Sums", 40000, 5) as program:
        assert program.output() == truth(40000, 5)
