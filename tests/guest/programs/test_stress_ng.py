# SPDX-License-Identifier: GPL-2.0
"""stress-ng: memory that verifies itself, with small and huge pages, and over forks."""

import re
from contextlib import contextmanager
from pathlib import Path

import pytest

from witness import limited

pytestmark = pytest.mark.once

HUGE = Path("/sys/kernel/mm/transparent_hugepage/enabled")
# Each writes all of the memory and looks for its own pattern afterwards, with so many
# operations as take it there: what an operation is, each has for itself.
METHODS = {"incdec": 40, "flip": 4000, "rand-set": 4000, "write64": 40, "zero-one": 40,
           "swap": 40, "gray": 400, "modulo-x": 40, "prime-gray-1": 40}
# Others that check what they have written, and how often they do.
OTHERS = (("--mremap", "2", "--mremap-bytes", "24M", "--mremap-ops", "40"),
          ("--shm", "1", "--shm-bytes", "24M", "--shm-ops", "6"),
          ("--malloc", "2", "--malloc-bytes", "32M", "--malloc-touch", "--malloc-ops", "2000"),
          ("--vm-rw", "2", "--vm-rw-bytes", "24M", "--vm-rw-ops", "6"),
          ("--brk", "1", "--brk-ops", "20000"))


@contextmanager
def huge(mode: str):
    """Whether memory is in huge pages where it can be."""
    before = re.search(r"\[(\w+)\]", HUGE.read_text())[1]
    HUGE.write_text(mode)
    try:
        yield
    finally:
        HUGE.write_text(before)


def stress(swap, limit, *words):
    """It ends well only when all that it has verified was right."""
    with limited(swap, limit, "stress-ng", "--verify", "--oomable", "--seed", 1,
                 "--metrics", *words) as program:
        program.output()
        said = program.said()
    assert "successful run" in said and "stress-ng: fail" not in said, said


def test_small(swap):
    """A process with more than it may have; what it has written is swapped out and verified."""
    stress(swap, "4M", "--vm", 1, "--vm-bytes", "10M", "--vm-keep", "--vm-method", "write64",
           "--vm-ops", 24)


@pytest.mark.full
@pytest.mark.parametrize("mode", ["never", "always"])
@pytest.mark.parametrize("method", METHODS)
def test_memory(swap, mode, method):
    """Two processes, each with more than both may have."""
    with huge(mode):
        stress(swap, "12M", "--vm", 2, "--vm-bytes", "48M", "--vm-keep", "--vm-method", method,
               "--vm-ops", METHODS[method])


@pytest.mark.full
@pytest.mark.parametrize("words", OTHERS, ids=lambda words: words[0][2:])
def test_others(swap, words):
    """Memory that moves, is shared, is another process's."""
    stress(swap, "10M", *words)
