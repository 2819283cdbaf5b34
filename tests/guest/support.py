# SPDX-License-Identifier: GPL-2.0
"""What the tests share: children, contents, tiers of a chosen size, refusals."""

from __future__ import annotations

import ctypes
import errno
import faulthandler
import fcntl
import functools
import gc
import os
import pickle
import resource
import secrets
import select
import signal
import stat
import struct
import subprocess
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Optional, Sequence, Union

import pytest

import tw
from tw import CPU, GPU, HDD, NVME, PAGE, SSD, STORES, TIERS

REPO = Path(__file__).resolve().parents[2]
NOBODY = 65534
EHWPOISON = 133         # not in Python's errno
OTHER = 65533
TOPOLOGY = os.environ.get("TW_TOPOLOGY", "default")
DEBUG_KERNEL = os.environ.get("TW_KERNEL") == "debug"
# Sanitised kernels under emulation take their time.
PATIENCE = 4 if DEBUG_KERNEL else 1

# --- contents ---------------------------------------------------------------------------


def pattern(seed: int, index: int) -> bytes:
    """A page's contents: different for every page of every seed."""
    word = (seed * 0x9E3779B97F4A7C15 + index * 0xC2B2AE3D27D4EB4F + 1) & (1 << 64) - 1
    return word.to_bytes(8, "little") * (PAGE // 8)


def fill(mapping: tw.Mapping, pages: Iterable[int], seed: int) -> None:
    """Write each page's pattern."""
    for index in pages:
        mapping.write(index * PAGE, pattern(seed, index))


def wrong(mapping: tw.Mapping, pages: Iterable[int], seed: int) -> list[int]:
    """The pages that do not hold their pattern; reads, and so touches, them all."""
    return [index for index in pages
            if mapping.read(index * PAGE, PAGE) != pattern(seed, index)]


ZEROES = bytes(PAGE)
PR_SET_DUMPABLE = 4
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x10000000, 0x20000000
SYS_PIDFD_GETFD = 438

# --- waiting ----------------------------------------------------------------------------


def ask_for(region: tw.Region, mapping: tw.Mapping, stats: tw.Stats, index: int, tier: int) -> None:
    """Touch a page in this store so often that the scanner sees its pages asked for the most."""
    def scanned():
        before = stats.header.scans
        assert wait_for(lambda: stats.header.scans > before + 1, 30)
    scanned()
    for _ in range(200):
        assert wait_for(lambda: region.migrate(index * PAGE, PAGE, tier).failed == 0)
        mapping.read(index * PAGE, 1)
    scanned()


def wait_for(condition: Callable[[], Any], seconds: float = 5.0, step: float = 0.02) -> Any:
    """The condition's value once it is true, or its last value."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(step)


# --- children ---------------------------------------------------------------------------


def _leave_regions() -> None:
    """Whoever has a region's file may name its pages: another user doesn't inherit it."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("/[tierwatch]"):
                os.close(int(name))
        except FileNotFoundError:
            pass    # the directory's own


def _become(uid: Optional[int], gid: Optional[int], groups: Sequence[int]) -> None:
    if uid is None and gid is None:
        return
    _leave_regions()
    os.setgroups(list(groups))
    os.setresgid(*[NOBODY if gid is None else gid] * 3)
    if uid is not None:
        os.setresuid(*[uid] * 3)


class Child:
    """A forked process that runs a function and hands its result back."""

    def __init__(self, function: Callable[..., Any], *args: Any, uid: Optional[int] = None,
                 gid: Optional[int] = None, groups: Sequence[int] = ()):
        self.out, write_end = os.pipe()
        self.status: Optional[int] = None
        self.pid = os.fork()
        if self.pid:
            os.close(write_end)
            return
        code = 1
        try:
            faulthandler.disable()
            gc.disable()    # a collection would copy all that was shared
            for number in (signal.SIGBUS, signal.SIGSEGV, signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.close(self.out)
            _become(uid, gid, groups)
            result = (True, function(*args))
            code = 0
        except BaseException:  # pylint: disable=broad-except
            result = (False, traceback.format_exc())
        try:
            with os.fdopen(write_end, "wb") as pipe:
                pickle.dump(result, pipe)
        finally:
            os._exit(code)

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.status is None and os.waitid(
            os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def wait(self, timeout: float = 60) -> int:
        """The exit code, or minus the signal that ended it."""
        if self.status is None:
            os.close(self.out)
            deadline = time.monotonic() + timeout * PATIENCE
            while True:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.status = os.waitstatus_to_exitcode(status)
                    break
                if time.monotonic() > deadline:
                    self.kill()
                    os.waitpid(self.pid, 0)
                    self.status = -signal.SIGKILL
                    pytest.fail(f"a child did not end within {timeout * PATIENCE} s")
                time.sleep(0.005)
        return self.status

    def result(self, timeout: float = 60) -> Any:
        """The function's result; its exception becomes a failure here."""
        deadline = time.monotonic() + timeout * PATIENCE
        chunks = []
        while True:
            ready, _, _ = select.select([self.out], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                self.kill()
                os.waitpid(self.pid, 0)
                self.status = -signal.SIGKILL
                os.close(self.out)
                pytest.fail(f"a child gave no result within {timeout * PATIENCE} s")
            chunk = os.read(self.out, 1 << 16)
            if not chunk:
                break
            chunks.append(chunk)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.out)
        self.status = os.waitstatus_to_exitcode(status)
        if not chunks:
            pytest.fail(f"a child died: {self.status}")
        good, value = pickle.loads(b"".join(chunks))
        if not good:
            pytest.fail(f"in a child:\n{value}")
        return value


def run_child(function: Callable[..., Any], *args: Any, timeout: float = 60, **who: Any) -> Any:
    """Run a function in a child, as another user if asked; its result."""
    return Child(function, *args, **who).result(timeout)


def in_pid_namespace(function: Callable[..., Any], *args: Any, **who: Any) -> Any:
    """Run a function as the first process of a PID namespace of its own."""
    def first():
        assert os.getpid() == 1
        return function(*args)

    def outside():
        tw.check(tw.libc.unshare(CLONE_NEWPID))
        return run_child(first, **who)
    return run_child(outside)


def be_traceable() -> None:
    """A process that has changed its uid may not be looked into until it says so."""
    tw.check(tw.libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))


def lend(fd: int, pid: int) -> int:
    """A process's file, as whoever may trace it gets it."""
    pidfd = os.pidfd_open(pid)
    try:
        return tw.check(tw.libc.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0))
    finally:
        os.close(pidfd)


def run_user(function: Callable[..., Any], *args: Any, uid: int = NOBODY, **more: Any) -> Any:
    """Run a function as an ordinary user in the device's group."""
    return run_child(function, *args, uid=uid, gid=uid, groups=[device_gid()], **more)


def touch_fate(mapping: tw.Mapping, offset: int, write: bool = False) -> int:
    """Touch one byte in a child: 0, or minus the signal."""
    def touch():
        if write:
            mapping.write(offset, b"x")
        else:
            mapping.read(offset, 1)
    return Child(touch).wait()


def errno_of(function: Callable[..., Any], *args: Any, **more: Any) -> int:
    """The errno of a call, 0 when it succeeded (its result is closed if it can be)."""
    try:
        result = function(*args, **more)
    except OSError as error:
        return error.errno
    if hasattr(result, "close"):
        result.close()
    return 0


def device_gid() -> int:
    """The group of the device node."""
    return os.stat(tw.TW_DEVICE).st_gid


class Reached:
    """A flag between processes."""

    def __init__(self):
        self.map = tw.Mapping.map(-1, PAGE, flags=tw.MAP_SHARED | tw.MAP_ANONYMOUS)
        self.cell = self.map.view(ctypes.c_uint64)

    def set(self, value: int = 1) -> None:
        self.cell.value = value

    def get(self) -> int:
        return self.cell.value

    def wait(self, value: int = 1, seconds: float = 20) -> None:
        assert wait_for(lambda: self.cell.value >= value, seconds, 0.002), "not reached"


# --- pins -------------------------------------------------------------------------------


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Pin:
    """Extra references to pages, held by a pipe (vmsplice without a gift)."""

    def __init__(self, addr: int, pages: int = 1):
        self.out, self.into = os.pipe()
        iov = Iovec(addr, pages * PAGE)
        got = tw.libc.vmsplice(self.into, ctypes.byref(iov), ctypes.c_ulong(1),
                               ctypes.c_uint(0))
        assert tw.check(got) == pages * PAGE

    def __enter__(self) -> "Pin":
        return self

    def __exit__(self, *_exc: Any) -> None:
        os.close(self.out)
        os.close(self.into)


# --- refusals ---------------------------------------------------------------------------


class Observer:
    """Everything that can be seen of the driver, for `refused`."""

    stats: Optional[tw.Stats] = None

    @classmethod
    def see(cls, regions: Sequence[tw.Region]) -> dict:
        """A copy of the observable state."""
        assert cls.stats
        return {"stats": cls.stats.state(),
                "regions": [bytes(region.info()) for region in regions],
                "tiers": [region.tiers(0, min(region.nr_pages, 64)) for region in regions],
                "fds": sorted(os.listdir("/proc/self/fd"))}


PARAMETERS = Path("/sys/module/tier_watch/parameters")


@contextmanager
def parameter(name: str, value: object) -> Iterator[None]:
    """A parameter of the module for a while."""
    path = PARAMETERS / name
    before = path.read_text()
    path.write_text(str(value))
    try:
        yield
    finally:
        path.write_text(before)


@contextmanager
def refused(err: Union[int, Sequence[int]], *regions: tw.Region) -> Iterator[None]:
    """The body must fail with this errno and leave everything as it was."""
    wanted = {err} if isinstance(err, int) else set(err)
    before = Observer.see(regions)
    try:
        yield
    except OSError as error:
        assert error.errno in wanted, (
            f"{errno.errorcode.get(error.errno)} instead of "
            f"{'/'.join(errno.errorcode[one] for one in sorted(wanted))}")
    else:
        pytest.fail(f"succeeded instead of {'/'.join(errno.errorcode[one] for one in wanted)}")
    after = Observer.see(regions)
    assert after == before


# --- regions that a test has made ---------------------------------------------------------

MADE: list[Union[tw.Region, tw.Mapping]] = []


def close_made() -> None:
    """Close what the fixture `make` has made; its pages are gone when this returns."""
    while MADE:
        thing = MADE.pop()
        if isinstance(thing, tw.Mapping):
            thing.unmap()
        else:
            thing.close()
    if Observer.stats:
        wait_for(lambda: not Observer.stats.objects()["regions"], 2)


# --- tiers ------------------------------------------------------------------------------


def store_path(tier: int) -> str:
    """The block device that the guest's runner gave this tier."""
    path = os.environ.get(tw.STORE_ENV[tier])
    if not path:
        pytest.skip(f"topology {TOPOLOGY} has no {tw.TIER_NAMES[tier]} device")
    return path


def has_store(tier: int) -> bool:
    return bool(os.environ.get(tw.STORE_ENV[tier]))


def bind(device: tw.Device, tier: int, capacity: int = 0, path: str = "") -> None:
    """Bind a tier to all it has here, but for others' share of memory, or to a part."""
    if tier in STORES:
        device.bind_store(tier, path or store_path(tier), capacity)
    else:
        device.bind(tier, capacity=capacity, flags=0 if capacity else tw.TW_BIND_SHARE)


class Layout:
    """What was bound when the tests began, to be put back."""

    first: dict[int, tuple[int, int]] = {}

    @classmethod
    def remember(cls, device: tw.Device) -> None:
        for tier in device.bound():
            info = device.tier_info(tier)
            cls.first[tier] = (info.capacity, info.nodes)

    @classmethod
    def restore(cls, device: tw.Device) -> None:
        """As it was, without the test's regions; cheap when nothing has changed."""
        close_made()
        for tier in TIERS:
            info = device.tier_info(tier)
            if info.kind and (info.capacity, info.nodes) != cls.first.get(tier):
                device.unbind(tier)
        for tier in cls.first:
            if not device.tier_info(tier).kind:
                bind(device, tier)


def set_tiers(device: tw.Device, capacities: dict[int, int]) -> None:
    """Bind exactly these tiers with these capacities in pages (0: all there is)."""
    for tier in TIERS:
        info = device.tier_info(tier)
        wanted = capacities.get(tier)
        if wanted == 0 and tier in Layout.first:
            wanted = Layout.first[tier][0]
        if info.kind and wanted != info.capacity:
            device.unbind(tier)
    for tier, capacity in capacities.items():
        if not device.tier_info(tier).kind:
            bind(device, tier, capacity)


@contextmanager
def tiers_of(device: tw.Device, capacities: dict[int, int]) -> Iterator[None]:
    """Tiers of a chosen size for a while."""
    try:
        set_tiers(device, capacities)
        yield
    finally:
        Layout.restore(device)


# Five tiers that fill quickly.
TINY = {CPU: 512, GPU: 256, NVME: 256, SSD: 256, HDD: 64}


def place(region: tw.Region, first: int, count: int, tier: int) -> None:
    """Bring touched pages into a tier; what is just being read in beside others, after that.

    A read ahead that was only about to begin may take some away again: then once more.
    """
    results = []

    def bring() -> bool:
        results.append(region.migrate(first * PAGE, count * PAGE, tier))
        if results[-1].failed:
            return -errno.EBUSY not in results[-1].status
        return region.tiers(first, count) == [tier] * count

    wait_for(bring)
    result = results[-1]
    assert result.failed == 0 and result.untouched == 0, result
    assert region.tiers(first, count) == [tier] * count


# --- stores -----------------------------------------------------------------------------


@functools.cache
def _crc32c_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


def crc32c(data: bytes) -> int:
    """crc32c with seed ~0, inverted."""
    table = _crc32c_table()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def device_bytes(path: str) -> int:
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.lseek(fd, 0, os.SEEK_END)
    finally:
        os.close(fd)


def signature(size: int, label: bytes = b"pytest", **members: Any) -> bytes:
    """The first bytes of a formatted store, written down from the header's text."""
    block = bytearray(tw.TW_STORE_SUPER_SIZE)
    sup = tw.StoreSuper.from_buffer(block)
    sup.magic[:] = tw.TW_STORE_MAGIC.encode()
    sup.version = members.get("version", tw.TW_STORE_VERSION)
    sup.bytes = members.get("bytes", size)
    sup.uuid[:] = members.get("uuid", secrets.token_bytes(16))
    sup.tier = members["tier"] + 1 if "tier" in members else 0
    sup.label[:len(label)] = label
    if "magic" in members:
        sup.magic[:] = members["magic"]
    sup.crc = crc32c(bytes(block)) ^ members.get("crc_xor", 0)
    return bytes(block)


def write_super(path: str, block: bytes) -> None:
    """Put a signature (or anything else) where it belongs."""
    fd = os.open(path, os.O_RDWR)
    try:
        assert os.pwrite(fd, block, 0) == len(block)
        os.fsync(fd)
    finally:
        os.close(fd)


def format_store(path: str, **members: Any) -> None:
    """As `tw tier format --force` does."""
    write_super(path, signature(device_bytes(path), **members))


def load_module(name: str, *parameters: str) -> None:
    """One of the kernel's own, where it is a module; a program more only when it is needed."""
    if not Path("/sys/module", name).exists():
        subprocess.run(["modprobe", "-q", name, *parameters], check=False)


class Loop:
    """A block device of a chosen size: a loop device over a file in memory.

    By <linux/loop.h>, as a program for it takes longer than most tests.
    """

    CONFIGURE, CLR_FD, CTL_GET_FREE = 0x4C0A, 0x4C01, 0x4C82
    # struct loop_config: the file and nothing else.
    CONFIG = struct.Struct("=I300x")

    def __init__(self, size: int):
        load_module("loop")
        self.file = Path(f"/dev/shm/loop-{secrets.token_hex(4)}")
        with open(self.file, "xb+") as backing:
            backing.truncate(size)
            self.path = self._set_up(backing.fileno())

    @staticmethod
    def _open(path: str) -> Any:
        return open(path, "rb+", buffering=0)

    def _set_up(self, backing: int) -> str:
        """One that nobody else takes meanwhile."""
        while True:
            with self._open("/dev/loop-control") as control:
                path = f"/dev/loop{fcntl.ioctl(control, self.CTL_GET_FREE)}"
            with self._open(path) as loop:
                try:
                    fcntl.ioctl(loop, self.CONFIGURE, self.CONFIG.pack(backing))
                    return path
                except OSError as error:
                    if error.errno != errno.EBUSY:
                        raise

    @staticmethod
    def all() -> dict[str, list[str]]:
        """Those that are set up: file, and whether direct and given back when closed."""
        return {f"/dev/{folder.parent.name}": [
            (folder / name).read_text().strip() for name in ("backing_file", "dio", "autoclear")]
            for folder in Path("/sys/block").glob("loop*/loop")}

    def close(self) -> None:
        with self._open(self.path) as loop:
            fcntl.ioctl(loop, self.CLR_FD)
        self.file.unlink()

    def __enter__(self) -> "Loop":
        return self

    def __exit__(self, *_exc: Any) -> None:
        self.close()


class ZonedDisk:
    """A block device that is written in order only, by the kernel's null_blk."""

    CONFIG = Path("/sys/kernel/config/nullb")

    def __init__(self):
        self.folder = self.CONFIG / "tw-zoned"

    def __enter__(self) -> str:
        load_module("null_blk", "nr_devices=0")
        if not self.CONFIG.exists():
            subprocess.run(["mount", "-t", "configfs", "configfs", self.CONFIG.parent],
                           check=False)
        if not self.CONFIG.exists():
            pytest.skip("this kernel has no null_blk")
        self.folder.mkdir()
        for key, value in {"size": 64, "zone_size": 4, "zoned": 1, "memory_backed": 1,
                           "power": 1}.items():
            (self.folder / key).write_text(str(value))
        named = Path("/dev", self.folder.name)     # so since 6.14
        index = (self.folder / "index").read_text().strip()
        return str(named if named.exists() else f"/dev/nullb{index}")

    def __exit__(self, *_exc: Any) -> None:
        (self.folder / "power").write_text("0")
        self.folder.rmdir()


class Ext4:
    """A folder on a file system of its own, one that can do direct I/O."""

    def __init__(self, size: int):
        self.loop = Loop(size)
        self.path = Path(f"/run/ext4-{secrets.token_hex(4)}")
        self.path.mkdir()
        subprocess.run(["mkfs.ext4", "-q", "-F", self.loop.path], check=True)
        subprocess.run(["mount", "-t", "ext4", self.loop.path, self.path], check=True)

    def close(self) -> None:
        subprocess.run(["umount", self.path], check=True)
        self.path.rmdir()
        self.loop.close()

    def __enter__(self) -> "Ext4":
        return self

    def __exit__(self, *_exc: Any) -> None:
        self.close()


class AlignedBuffer(tw.Mapping):
    """Memory that O_DIRECT accepts."""

    def __init__(self, length: int = PAGE):
        mapping = tw.Mapping.map(-1, length, flags=tw.MAP_SHARED | tw.MAP_ANONYMOUS)
        super().__init__(mapping.addr, length)


def find_on_disk(path: str, wanted: bytes, pages: int) -> Optional[int]:
    """Where a page's bytes lie on a store, read past the page cache."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        with AlignedBuffer(PAGE * 64) as buffer:
            for first in range(0, pages, 64):
                offset = tw.TW_STORE_DATA + first * PAGE
                got = tw.check(tw.libc.pread(fd, buffer.addr, buffer.length, offset))
                data = buffer.read(0, got)
                for at in range(0, got, PAGE):
                    if data[at:at + PAGE] == wanted:
                        return offset + at
    finally:
        os.close(fd)
    return None


def write_direct(path: str, offset: int, data: bytes) -> None:
    """Change a store's bytes behind the driver's back."""
    fd = os.open(path, os.O_RDWR | os.O_DIRECT | os.O_SYNC)
    try:
        with AlignedBuffer(len(data)) as buffer:
            buffer.write(0, data)
            assert tw.check(tw.libc.pwrite(fd, buffer.addr, len(data), offset)) == len(data)
    finally:
        os.close(fd)


def read_direct(path: str, offset: int, size: int) -> bytes:
    """A device's bytes, past the page cache."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        with AlignedBuffer(size) as buffer:
            assert tw.check(tw.libc.pread(fd, buffer.addr, size, offset)) == size
            return buffer.read(0, size)
    finally:
        os.close(fd)


def count_up(mapping, pages: int, turns: int) -> list:
    """For a child: count in each page, `turns` times, and see that nothing is lost; the counts."""
    counts = [0] * pages
    for turn in range(turns):
        for index in range(pages):
            counts[index] += 1
            mapping.write(index * PAGE, counts[index].to_bytes(8, "little"))
            got = int.from_bytes(mapping.read(index * PAGE, 8), "little")
            assert got == counts[index], (turn, index)
    return counts


def counted(mapping, pages: int) -> list:
    """What count_up() has left there."""
    return [int.from_bytes(mapping.read(index * PAGE, 8), "little") for index in range(pages)]


# --- device mapper ----------------------------------------------------------------------


class Mapper:
    """A dm device whose table the test exchanges while it is in use.

    The few ioctls of <linux/dm-ioctl.h> that this takes, so that no dmsetup is
    needed.  A table is a list of (first sector, sectors, target, parameters).
    """

    HEADER = struct.Struct("=3I2IIiIIIQ128s129s7x")
    VERSION = (4, 0, 0)
    CREATE, REMOVE, SUSPEND, LOAD = 3, 4, 6, 9
    FLAG_SUSPEND = 1 << 1

    def __init__(self, table: Sequence[tuple[int, int, str, str]]):
        load_module("dm_mod")
        minor = next((line.split()[0] for line in Path("/proc/misc").read_text().splitlines()
                      if line.split()[1] == "device-mapper"), None)
        if minor is None:
            pytest.skip("the kernel has no device mapper")
        self.name = f"tw-{secrets.token_hex(4)}"
        node = Path("/run") / f"dm-{self.name}"
        os.mknod(node, 0o600 | stat.S_IFCHR, os.makedev(10, int(minor)))
        self.control = os.open(node, os.O_RDWR)
        node.unlink()
        dev = self._call(self.CREATE)
        self.load(table)
        self.path = f"/run/{self.name}"
        major_minor = (dev >> 8 & 0xfff, dev & 0xff | dev >> 12 & 0xfff00)
        os.mknod(self.path, 0o600 | stat.S_IFBLK, os.makedev(*major_minor))

    def _call(self, command: int, payload: bytes = b"", targets: int = 0, flags: int = 0) -> int:
        size = max(self.HEADER.size + len(payload), 16384)
        head = self.HEADER.pack(*self.VERSION, size, self.HEADER.size, targets, 0, flags,
                                0, 0, 0, self.name.encode(), b"")
        buffer = ctypes.create_string_buffer(head + payload, size)
        number = 3 << 30 | self.HEADER.size << 16 | 0xfd << 8 | command
        tw.check(tw.libc.ioctl(self.control, number, ctypes.addressof(buffer)))
        return self.HEADER.unpack_from(buffer.raw)[10]

    def load(self, table: Sequence[tuple[int, int, str, str]]) -> None:
        """Put a table into force; what is in flight is waited for."""
        specs = b""
        for first, sectors, target, parameters in table:
            text = parameters.encode() + b"\0"
            text += b"\0" * (-len(text) % 8)
            specs += struct.pack("=QQiI16s", first, sectors, 0, 40 + len(text),
                                 target.encode()) + text
        self._call(self.LOAD, specs, len(table))
        self.suspend()
        self.resume()

    def suspend(self) -> None:
        """What is asked of it from here on hangs."""
        self._call(self.SUSPEND, flags=self.FLAG_SUSPEND)

    def resume(self) -> None:
        """Go on, with what hangs first."""
        self._call(self.SUSPEND)

    def close(self) -> None:
        os.unlink(self.path)
        self._call(self.REMOVE)
        os.close(self.control)

    def __enter__(self) -> "Mapper":
        return self

    def __exit__(self, *_exc: Any) -> None:
        self.close()


# --- control groups ---------------------------------------------------------------------

CGROUP = Path("/sys/fs/cgroup")


class Cgroup:
    """A control group, below the root or another one."""

    def __init__(self, below: Optional["Cgroup"] = None, **settings: Any):
        self.path = (below.path if below else CGROUP) / f"tw-{secrets.token_hex(4)}"
        self.path.mkdir()
        for name, value in settings.items():
            self.write(name.replace("_", ".", 1), str(value))

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def read(self, name: str) -> str:
        return (self.path / name).read_text()

    def events(self, name: str = "memory.events") -> dict[str, int]:
        return {key: int(value) for key, value in
                map(str.split, self.read(name).splitlines())}

    @property
    def id(self) -> int:
        return self.path.stat().st_ino

    @property
    def name(self) -> str:
        """As in /proc/PID/cgroup."""
        return f"/{self.path.relative_to(CGROUP)}"

    def enter(self) -> None:
        """Move the calling process in."""
        self.write("cgroup.procs", str(os.getpid()))

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be in it for a while."""
        before = Path("/proc/self/cgroup").read_text().partition("::")[2].strip()
        self.enter()
        try:
            yield
        finally:
            (CGROUP / before[1:] / "cgroup.procs").write_text(str(os.getpid()))

    def __enter__(self) -> "Cgroup":
        return self

    def __exit__(self, *_exc: Any) -> None:
        for pid in self.read("cgroup.procs").split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_for(lambda: not self.read("cgroup.procs").split())
        wait_for(lambda: errno_of(self.path.rmdir) in (0, errno.ENOENT))


# --- counting ---------------------------------------------------------------------------


class Delta:
    """How the counters moved since it was made."""

    def __init__(self, stats: tw.Stats):
        self.stats = stats
        self.before = [stats.counters(tier) for tier in TIERS]
        self.sigbus_before = stats.total("sigbus")

    def tier(self, tier: int) -> dict[str, int]:
        now = self.stats.counters(tier)
        return {name: now[name] - self.before[tier][name] for name in now}

    def get(self, name: str) -> list[int]:
        """One counter, by tier."""
        return [self.tier(tier)[name] for tier in TIERS]

    def sigbus(self) -> int:
        return self.stats.total("sigbus") - self.sigbus_before
