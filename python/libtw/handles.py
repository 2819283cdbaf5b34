# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a Device makes: regions, agents and streams.

Each owns its descriptor and outlives the Device it was made with.  A closed
handle refuses everything with ValueError.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
from ctypes import byref, c_int32, c_uint, c_uint64
from typing import Iterable, Iterator, NamedTuple, Optional

from . import abi, lib
from .names import Reason, Tier


class Moves(NamedTuple):
    """What came of a move: counts of pages, and of each 0, TW_MOVE_ALREADY or -errno."""

    moved: int
    already: int
    failed: int
    untouched: int
    status: list[int]

    @classmethod
    def of(cls, total: lib.MoveSum, status: Iterable[int]) -> "Moves":
        """From what the library wrote."""
        return cls(total.moved, total.already, total.failed, total.untouched, list(status))


class Handle:
    """A pointer of the library's and how it is closed."""

    _close = ""

    def __init__(self, pointer: ctypes.c_void_p):
        self._lib = lib.loaded()
        self._pointer: Optional[int] = pointer.value

    @property
    def handle(self) -> int:
        """The pointer, for the functions of libtw.lib."""
        if self._pointer is None:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._pointer

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._pointer is None

    def close(self) -> None:
        """Close it; a second time does nothing."""
        if self._pointer is not None:
            getattr(self._lib, self._close)(self._pointer)
            self._pointer = None

    def _call(self, function: str, *arguments) -> int:
        """A function about this handle; OSError when it fails."""
        return lib.check(getattr(self._lib, function)(self.handle, *arguments), function, self)

    def _fill(self, function: str, struct: type, *arguments):
        """A function that fills a struct, which is its last argument."""
        filled = struct()
        self._call(function, *arguments, byref(filled))
        return filled

    def _about(self) -> str:
        """What tells it from others of its kind, for messages."""
        return ""

    def __repr__(self) -> str:
        about = "closed" if self.closed else self._about()
        return f"<{type(self).__name__} {about}>"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_exc) -> None:
        try:
            self.close()
        except BufferError:
            if kind is None:    # what went wrong first is what is to be told
                raise

    def __reduce__(self):
        """Elsewhere it is but its text, so that an error that names it can go there."""
        return str, (repr(self),)

    def __del__(self) -> None:
        if getattr(self, "_pointer", None) is None:
            return
        try:
            self.close()
        except BufferError:     # a view keeps its mapping, and needs no handle
            Handle.close(self)


class Agent(Handle):
    """A group of programs whose memory is accounted together. Close it when done:
    it lives on while regions of it do."""

    _close = "tw_agent_close"

    @property
    def id(self) -> int:
        """Its label."""
        return self._lib.tw_agent_id(self.handle)

    def _about(self) -> str:
        return str(self.id)

    def fileno(self) -> int:
        """Its descriptor, to be passed to other programs."""
        return self._lib.tw_agent_fd(self.handle)


class Region(Handle):
    """Memory whose pages live in any tier."""

    _close = "tw_region_close"

    def __init__(self, pointer: ctypes.c_void_p):
        super().__init__(pointer)
        self._memory: Optional[mmap.mmap] = None
        self._page_size = mmap.PAGESIZE

    @property
    def memory(self) -> mmap.mmap:
        """Its bytes, to be read and, but for a view, written. Touching a page brings it in."""
        if self._memory is None:
            mode = fcntl.fcntl(self.fileno(), fcntl.F_GETFL) & os.O_ACCMODE
            self._memory = mmap.mmap(self.fileno(), self.size,
                                     access=mmap.ACCESS_READ if mode == os.O_RDONLY
                                     else mmap.ACCESS_WRITE)
        return self._memory

    @property
    def addr(self) -> int:
        """Where libtw has it mapped; another mapping than `memory`, of the same bytes."""
        return self._lib.tw_region_addr(self.handle)

    @property
    def size(self) -> int:
        """Bytes."""
        return self._lib.tw_region_size(self.handle)

    @property
    def id(self) -> int:
        """The region part of its pages' stable numbers."""
        return self._lib.tw_region_id(self.handle)

    def _about(self) -> str:
        return f"{self.id}: {self.size} bytes"

    def fileno(self) -> int:
        """Its descriptor, to be passed to other programs."""
        return self._lib.tw_region_fd(self.handle)

    def page(self, offset: int) -> int:
        """The stable number of the page at an offset; ValueError beyond its end."""
        number = self._lib.tw_region_page(self.handle, self.addr + offset)
        if offset < 0 or not number:
            raise ValueError(f"offset {offset} is not within the region's {self.size} bytes")
        return number

    def info(self) -> abi.RegionInfo:
        """Its pages by tier, among other things."""
        return self._fill("tw_region_info", abi.RegionInfo)

    def pages(self, offset: int = 0, length: Optional[int] = None) -> list[abi.Page]:
        """Look up the pages of a range (page aligned bytes); without one, all."""
        length = self.size - offset if length is None else length
        room = (abi.Page * max(length // self._page_size, 1))()
        self._call("tw_region_pages", offset, length, room, len(room))
        return list(room)

    def migrate(self, offset: int, length: int, to: int, source: int = Tier.NONE,
                reason: int = Reason.MANUAL) -> Moves:
        """Move a range (page aligned bytes) to a tier; with `source` only what is there."""
        status = (c_int32 * max(length // self._page_size, 1))()
        total = lib.MoveSum()
        self._call("tw_region_migrate", offset, length, to, source, reason, status, len(status),
                   byref(total))
        return Moves.of(total, status)

    def discard(self, offset: int, length: int) -> int:
        """Free the pages of a range: they read as zeroes after. How many were freed."""
        return self._fill("tw_region_discard", c_uint64, offset, length).value

    def seal(self, add: int = 0) -> int:
        """Forbid for good what the TW_SEAL_* say; the seals there are then."""
        seals = c_uint()
        self._call("tw_region_seal", add, byref(seals))
        return seals.value

    def view(self) -> int:
        """A descriptor, the caller's to close, that only reads the region."""
        return self._call("tw_region_view")

    def close(self) -> None:
        """Unmap and close it. BufferError while something still uses `memory`."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        super().close()


class Stream(Handle):
    """Events as they happen. Of one thread at a time."""

    _close = "tw_stream_close"

    @classmethod
    def from_fd(cls, fd: int) -> "Stream":
        """Read a stream that was passed as a descriptor, which becomes the handle's."""
        pointer = ctypes.c_void_p()
        lib.check(lib.loaded().tw_stream_open_fd(fd, byref(pointer)), "tw_stream_open_fd",
                  f"descriptor {fd}")
        return cls(pointer)

    def __init__(self, pointer: ctypes.c_void_p):
        super().__init__(pointer)
        self._rings: Optional[mmap.mmap] = None
        self._base = 0      # where libtw has them mapped
        self._peeked = None

    def _about(self) -> str:
        return f"{self.rings} rings, descriptor {self.fileno()}"

    def _map(self) -> mmap.mmap:
        """The rings, in a mapping that memoryviews keep."""
        if self._rings is None:
            with mmap.mmap(self.fileno(), mmap.PAGESIZE, access=mmap.ACCESS_READ) as first:
                header = abi.StreamHeader.from_buffer_copy(first)
            ring = self._lib.tw_stream_ring(self.handle, 0)
            # struct tw_ring begins with the address of the ring's header.
            self._base = ctypes.c_void_p.from_address(ring).value - header.ring_offset
            self._rings = mmap.mmap(self.fileno(), header.size, access=mmap.ACCESS_READ)
        return self._rings

    def peek(self) -> Optional[memoryview]:
        """The next event where the driver has written it, without a copy; None: there is none.

        Event.LAYOUT.unpack_from() takes it apart. The driver goes on writing: what was
        read is an event only if ok() says so then, and after that the view is of no use.
        """
        rings = self._map()
        self._peeked = self._lib.tw_stream_peek(self.handle, None)
        if not self._peeked:
            return None
        at = ctypes.addressof(self._peeked.contents) - self._base
        with memoryview(rings) as whole:
            return whole[at:at + ctypes.sizeof(abi.Event)]

    def ok(self) -> bool:
        """Whether all that was read since peek() is valid; goes on to the next event."""
        handle, peeked, self._peeked = self.handle, self._peeked, None
        return bool(peeked) and self._lib.tw_stream_ok(handle, peeked)

    def close(self) -> None:
        """Close it. BufferError while a view of peek() is still there."""
        if self._rings is not None:
            self._rings.close()
            self._rings = None
        self._peeked = None
        super().close()

    def fileno(self) -> int:
        """Its descriptor; call arm() before a poll of one's own."""
        return self._lib.tw_stream_fd(self.handle)

    def read(self, most: int = 4096) -> list[abi.Event]:
        """The events there are, at most so many; it does not wait."""
        room = (abi.Event * most)()
        return room[:self._lib.tw_stream_read(self.handle, room, most)]

    def wait(self, timeout_ms: int = -1) -> bool:
        """Wait for events: whether there are some. -1 waits without limit."""
        return bool(self._call("tw_stream_wait", timeout_ms))

    def __iter__(self) -> Iterator[abi.Event]:
        """All events from now on; it waits for them."""
        while True:
            yield from self.read()
            self.wait()

    def set_watermark(self, events: int) -> None:
        """How many events of one CPU are worth waking up for."""
        self._lib.tw_stream_set_watermark(self.handle, events)

    def arm(self) -> bool:
        """Tell the driver what is read already; whether there are events now."""
        return self._lib.tw_stream_arm(self.handle)

    @property
    def rings(self) -> int:
        """Rings, one for each possible CPU."""
        return self._lib.tw_stream_nr_rings(self.handle)

    @property
    def seen(self) -> int:
        """Events that read() has given."""
        return self._lib.tw_stream_seen(self.handle)

    @property
    def lost(self) -> int:
        """Events that were overwritten before they were read, exactly."""
        return self._lib.tw_stream_lost(self.handle)
