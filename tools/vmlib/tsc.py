# SPDX-License-Identifier: GPL-2.0
"""The rate of the host's time stamp counter, which TCG shows its guests as theirs.

A guest measures it by timers while it boots.  On a busy host these come late, and a guest
was seen whose clock ran almost four times as fast as it should: told, it need not measure.
"""

import ctypes
import mmap
import platform
import time

# rdtsc; shl $32, %rdx; or %rdx, %rax; ret
READ_TSC = bytes.fromhex("0f31 48c1e220 4809d0 c3")
SECONDS = 0.05
TRIES = 5


def reader():
    """A function that reads the counter."""
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(READ_TSC)
    function = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    function.code = code        # as long as the function
    return function


def sample(read):
    """The counter and the time at one moment, in ns, and by how much they may differ."""
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    ticks = read()
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    return after - before, ticks, before


def khz():
    """Ticks in a millisecond; 0 on another processor, or where memory can't be run."""
    if platform.machine() != "x86_64":
        return 0
    try:
        read = reader()
    except OSError:
        return 0
    # The quickest of some was not interrupted.
    _, ticks, start = min(sample(read) for _ in range(TRIES))
    time.sleep(SECONDS)
    _, more, end = min(sample(read) for _ in range(TRIES))
    return round((more - ticks) * 1_000_000 / (end - start))
