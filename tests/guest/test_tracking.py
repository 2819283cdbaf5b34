# SPDX-License-Identifier: GPL-2.0
"""Writes tracked by userfaultfd, which leaves markers where a page was mapped.

Kernels from 6.7 on let it track any mapping (WP_ASYNC), until later ones, and
what fixes came to those, left out mappings such as a region's: these refuse, no
marker gets there, and the tests are skipped.  A marker is no page: a touch must
find the page all the same, and end.
"""

import errno
import os
import struct

import pytest

import tw
from support import fill, pattern, place, wrong
from tw import CPU, NVME, PAGE

SYSCALL, API, WP_ASYNC = 323, 0xaa, 1 << 15
UFFDIO_API, UFFDIO_REGISTER, UFFDIO_WRITEPROTECT = 0xc018aa3f, 0xc020aa00, 0xc018aa06
REGISTER_WP, PROTECT = 2, 1


def call(fd: int, number: int, *words: int) -> None:
    arg = tw.ctypes.create_string_buffer(struct.pack(f"={len(words)}Q", *words))
    tw.check(tw.libc.ioctl(fd, number, tw.ctypes.addressof(arg)))


@pytest.fixture
def tracked(make):
    """A region whose mapping is tracked, and how to start anew."""
    region, mapping = make(16, seed=1, touched=8)
    fd = tw.libc.syscall(SYSCALL, os.O_CLOEXEC)
    if fd < 0:
        pytest.skip("the kernel has no userfaultfd")
    try:
        call(fd, UFFDIO_API, API, WP_ASYNC, 0)
        call(fd, UFFDIO_REGISTER, mapping.addr, mapping.length, REGISTER_WP, 0)
    except OSError as error:
        os.close(fd)
        assert error.errno == errno.EINVAL
        pytest.skip("the kernel does not track such mappings")
    yield region, mapping, lambda: call(fd, UFFDIO_WRITEPROTECT, mapping.addr, mapping.length,
                                        PROTECT)
    os.close(fd)


def test_untouched(tracked):
    """Markers where there was nothing yet."""
    region, mapping, protect = tracked
    protect()
    assert mapping.read(12 * PAGE, 8) == bytes(8)
    mapping.write(13 * PAGE, pattern(1, 13))
    assert wrong(mapping, [*range(8), 13], 1) == []
    assert region.tiers()[12:14] == [CPU] * 2


@pytest.mark.parametrize("target", [CPU, NVME])
def test_moved(tracked, target):
    """Markers where a page was unmapped to be moved, and moved back."""
    region, mapping, protect = tracked
    protect()
    place(region, 0, 8, NVME)
    if target == CPU:
        place(region, 0, 8, CPU)
    assert wrong(mapping, range(8), 1) == []
    protect()
    fill(mapping, range(8), 2)
    place(region, 0, 8, NVME)
    assert wrong(mapping, range(8), 2) == []
