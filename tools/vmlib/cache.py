# SPDX-License-Identifier: GPL-2.0
"""The cache of kernels, and how a Debian package of one gets there.

Owns the cache directory ($TIERWATCH_CACHE): its locks, the folders of work in
progress, the unpacking of packages and of bootable images.
"""

import fcntl
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# A bzImage's payload ends in its length, which the decompressors complain about.
DECOMPRESSORS = {b"\xfd7zXZ": ["xz", "-dcq"], b"\x28\xb5\x2f\xfd": ["zstd", "-dcq"],
                 b"\x1f\x8b": ["gzip", "-dcq"], b"\x02\x21\x4c\x18": ["lz4", "-dcq"]}


class KernelError(Exception):
    """A kernel cannot be had; the message says what to do."""


@dataclass(frozen=True)
class Kernel:
    """A bootable kernel."""
    flavour: str            # stock, debug, cloud, a series' number or other
    release: str
    vmlinux: Path
    modules: Path = None    # root of a lib/modules tree, None when all is built in
    kdir: Path = None       # KDIR for out-of-tree modules

    @property
    def debug(self):
        """Whether the sanitisers are in (memory is scaled, leaks are sought)."""
        return self.flavour == "debug"


def say(text):
    """Progress for a human."""
    print(f"vm: {text}", file=sys.stderr, flush=True)


def cache_dir():
    """The cache directory, created when missing."""
    path = os.environ.get("TIERWATCH_CACHE")
    if not path:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        path = os.path.join(base, "tierwatch")
    cache = Path(path).absolute()
    cache.mkdir(parents=True, exist_ok=True)
    return cache


@contextmanager
def locked(name):
    """Hold the cache's lock `name`; say so when somebody else has it."""
    with open(cache_dir() / f"{name}.lock", "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another caller that prepares the {name} kernel")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def work_dir(cache):
    """A directory inside the cache that does not outlive the block."""
    remove_stale(cache, "work-")
    work = Path(tempfile.mkdtemp(prefix=f"work-{os.getpid()}-", dir=cache))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def remove_stale(cache, prefix):
    """Folders whose process was killed without a chance to clean up."""
    for path in cache.glob(f"{prefix}*"):
        pid = path.name.split("-")[1]
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            shutil.rmtree(path, ignore_errors=True)


def output(*command):
    """A command's output, or KernelError."""
    try:
        return subprocess.run(command, check=True, text=True,
                              capture_output=True).stdout.strip()
    except FileNotFoundError as error:
        raise KernelError(f"{command[0]}: not found; run tools/deps") from error
    except subprocess.CalledProcessError as error:
        raise KernelError(f"{' '.join(map(str, command))}: {error.stderr.strip()}") from error


def package_version(package):
    """The installed version of a Debian package."""
    return output("dpkg-query", "-W", "-f", "${Version}", package)


def version_key(release):
    """Order releases by their numbers."""
    return [int(part) for part in re.findall(r"\d+", release)]


def move_in(root, release, home):
    """An unpacked kernel package, made bootable, into the cache as `home`."""
    image = root / f"boot/vmlinuz-{release}"
    if not image.exists():
        image = root / f"lib/modules/{release}/vmlinuz"
    unpack_vmlinux(image, root / "vmlinux")
    output("/sbin/depmod", "-b", root, release)
    root.chmod(0o755)
    root.rename(home)


def unpack_packages(packages, work, advice, options=()):
    """Debian packages, unpacked in a folder inside `work`; nothing is installed."""
    done = subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", *options,
                           "download", *packages],
                          cwd=work, text=True, capture_output=True, check=False)
    debs = list(work.glob("*.deb"))
    if done.returncode or len(debs) != len(packages):
        raise KernelError(f"{' '.join(packages)} cannot be had:\n{done.stderr.strip()}\n{advice}")
    root = work / "root"
    for deb in debs:
        output("dpkg", "-x", deb, root)
    return root


def unpack_vmlinux(image, target):
    """The ELF inside a bzImage; it boots twice as fast."""
    data = image.read_bytes()
    setup_sectors = data[0x1f1] or 4
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = data[start:start + length]
    for magic, command in DECOMPRESSORS.items():
        if payload.startswith(magic):
            if not shutil.which(command[0]):
                raise KernelError(f"{image}: unpacking it takes {command[0]}; run tools/deps")
            done = subprocess.run(command, input=payload, capture_output=True, check=False)
            if done.stdout.startswith(b"\x7fELF"):
                target.write_bytes(done.stdout)
                return
    raise KernelError(f"{image}: cannot unpack the kernel inside")


def kept(home, lock, prefix, make):
    """`home`, which make(home) puts there when needed, once; older ones of its kind go."""
    if not home.is_dir():
        with locked(lock):
            if not home.is_dir():
                make(home)
                drop_others(home.parent, prefix, home)
    return home


def drop_others(cache, prefix, keep):
    """Remove what an older kernel left in the cache."""
    for path in cache.glob(f"{prefix}*"):
        if path != keep and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
