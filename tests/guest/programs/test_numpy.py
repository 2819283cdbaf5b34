# SPDX-License-Identifier: GPL-2.0
"""python3 with numpy: sorts and products of arrays that are larger than memory."""

from pathlib import Path

import pytest

from witness import limited, without_limit

pytestmark = [pytest.mark.once, pytest.mark.full]

SCRIPT = Path(__file__).with_name("arrays_job.py")


def test_arrays(swap):
    """All is as it is without a limit, which itself is as arithmetic has it."""
    words = ("python3", "-B", SCRIPT, 21, 400)
    wanted = without_limit(*words)
    with limited(swap, "36M", *words) as program:
        got = program.output()
    assert got == wanted
    said = [line.split() for line in got.splitlines()]
    assert [name for *name, truth in said if truth == "True"] == [["sorted"], ["back"], ["product"]]
    assert len(said) == 7
