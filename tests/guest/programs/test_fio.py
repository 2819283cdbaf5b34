# SPDX-License-Identifier: GPL-2.0
"""fio: io_uring with fixed buffers, and mappings, over memory that is swapped; all verified."""

import os

import pytest

from support import wait_for
from test_swap import DISK
from witness import limited, without_limit

pytestmark = [pytest.mark.once, pytest.mark.full]

JOB = ("--name=witness", "--bs=16k", "--verify=crc32c", "--verify_fatal=1",
       "--verify_state_save=0", "--randrepeat=1", "--allrandrepeat=1", "--rw=randwrite",
       "--do_verify=1", "--output-format=terse")
ENGINES = {"io_uring": ("--ioengine=io_uring", "--fixedbufs=1", "--registerfiles=1",
                        "--iodepth=16"),
           "psync": ("--ioengine=psync",), "mmap": ("--ioengine=mmap",)}


@pytest.mark.parametrize("engine", ENGINES)
def test_file_in_memory(swap, engine):
    """A file of a tmpfs is shared memory, which the swap device has most of."""
    path = "/dev/shm/fio"
    try:
        with limited(swap, "16M", "fio", *JOB, *ENGINES[engine], f"--filename={path}",
                     "--size=40M", "--thread") as program:
            program.output()
    finally:
        os.unlink(path)


def test_the_device_itself(dev):
    """Past the page cache, from buffers that stay where they are."""
    dev.swap_create(4096)
    try:
        assert wait_for(DISK.exists)
        without_limit("fio", *JOB, *ENGINES["io_uring"], f"--filename={DISK}", "--direct=1",
                      "--size=12M")
        assert sum(dev.swap_info().used) == 12 * 256
        assert not dev.swap_info().failed
    finally:
        dev.swap_destroy()
