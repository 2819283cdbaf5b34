# SPDX-License-Identifier: GPL-2.0
"""What test_numpy.py runs, with and without a limit: arrays, and the sums of what came out.

usage: arrays_job.py BITS SIDE
"""

import hashlib
import sys

import numpy

bits, side = map(int, sys.argv[1:])
number = 1 << bits


def show(name, array):
    """A checksum of all its bytes."""
    print(name, hashlib.sha256(numpy.ascontiguousarray(array)).hexdigest(), flush=True)


# An odd factor makes each number below a power of two another one.
mixed = numpy.arange(number, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
mixed &= numpy.uint64(number - 1)
show("mixed", mixed)
order = numpy.argsort(mixed, kind="stable")
ordered = mixed[order]
print("sorted", bool((ordered == numpy.arange(number, dtype=numpy.uint64)).all()))
back = numpy.empty_like(mixed)
back[order] = ordered
print("back", bool((back == mixed).all()))
show("order", order)
del order, ordered
back.sort()
show("in place", back)
# Products of small whole numbers are exact, in whichever order they are added.
left = (mixed[:side * side] % numpy.uint64(1000)).astype(numpy.float64).reshape(side, side)
right = left.T + 1
product = left @ right
print("product", bool((product.sum(axis=1) == left @ right.sum(axis=1)).all()))
show("product", product)
