# SPDX-License-Identifier: GPL-2.0
"""Witnesses: what their sizes are, and the swap device that they run over.

The fixtures and the checks after each test are those of tests/guest/conftest.py.
"""

from __future__ import annotations

import pytest

from support import Cgroup, tiers_of
from witness import Sizes, Swap, stores_of, swap_off, swap_on


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true",
                     help="witnesses in full size, and those that have no small form")


def pytest_configure(config):
    config.addinivalue_line("markers", "full: a witness without a small form")


def pytest_collection_modifyitems(config, items):
    """What has no small form is for --full."""
    if config.getoption("--full"):
        return
    left = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


@pytest.fixture
def sizes(request):
    """How much data a witness has, for this run."""
    return Sizes(request.config.getoption("--full"))


@pytest.fixture
def swap(dev, policy, sizes):
    """Five tiers, of which the faster stores fill quickly; swap is on, and programs that are
    attached are scanned.  Nothing may be left of the programs when it goes off again."""
    with tiers_of(dev, stores_of(sizes)), Cgroup() as group:
        policy(enabled=1)
        swap_on(sizes)
        yield Swap(dev, group)
        swap_off(dev, group)
