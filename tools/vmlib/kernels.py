# SPDX-License-Identifier: GPL-2.0
"""Guest kernels: Debian's own, the sanitised builds, or one named by a path.

Owns what the names of --kernel mean, and how the sanitised ones are built.  Yields
a Kernel, which is all that the rest of tools/vm knows about one; series.py has
further ones of Debian's, cloud.py has its one for clouds.
"""

import hashlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from .cache import (Kernel, KernelError, cache_dir, kept, move_in, output, package_version, say,
                    unpack_packages, unpack_vmlinux, version_key, work_dir)
from .cloud import cloud
from .series import series

TOOLS = Path(__file__).resolve().parent.parent
# The kernels built here; a later file's lines replace an earlier one's.
FRAGMENTS = {"debug": ("debug.config",), "races": ("debug.config", "races.config")}
SOURCE_PACKAGE = "linux-source-6.1"
SOURCE_TAR = Path("/usr/src/linux-source-6.1.tar.xz")
HEADERS = Path("/usr/src")
STOCK_HEADERS = re.compile(r"linux-headers-(\d+\.\d+\.\d+.*-amd64)$")
OTHER_FLAVOURS = ("-cloud-amd64", "-rt-amd64")
# Never compiled here and never looked at by kconfig.
NOT_UNPACKED = ("Documentation/*/*", "drivers/gpu/drm/amd/include/*",
                "tools/testing/*", "tools/perf/*", "arch/*/boot/dts/*")
# The PVH entry runs before KASAN's shadow exists, so that it and memcmp, which
# it calls, must not use it (the kernel does so itself under AMD_MEM_ENCRYPT).
BUILD_FLAGS = ("ARCH=x86_64", "KBUILD_BUILD_USER=tierwatch", "KBUILD_BUILD_HOST=tierwatch",
               "KASAN_SANITIZE_enlighten.o=n", "UBSAN_SANITIZE_enlighten.o=n",
               "KASAN_SANITIZE_string.o=n",
               # Reads each page that goes to a store or comes from one, eight bytes at a time.
               "KASAN_SANITIZE_crc32.o=n")
# KCSAN for modules alone; see races.config.
MORE_FLAGS = {"races": ("KCSAN_SANITIZE=n",)}
# Code that no object of the driver passes through goes without KASAN's checks: it
# compiles in two thirds of the time, and most of a guest's work happens there.
UNCHECKED = ("net", "crypto", "security", "certs", "drivers/acpi", "drivers/char", "drivers/iommu",
             "drivers/pci", "drivers/pnp", "drivers/rtc", "drivers/tty", "drivers/virtio",
             "arch/x86/events", "arch/x86/kernel", "arch/x86/pci", "arch/x86/platform",
             "fs/9p", "fs/configfs", "fs/ext4", "fs/iomap", "fs/jbd2", "fs/netfs", "fs/nls",
             "fs/notify", "fs/overlayfs")
# Nor do these files, which the checkers themselves are made of or which spin.
UNCHECKED_FILES = ("kernel/locking/lockdep", "kernel/locking/qspinlock", "kernel/sched/core",
                   "kernel/sched/fair", "kernel/sched/build_policy", "kernel/softirq",
                   "lib/stackdepot", "mm/kmemleak", "mm/page_alloc", "mm/vmstat")
# After the build: what an out-of-tree module still needs keeps its sources.
KEEP_OBJECTS = ("scripts", "tools")
KEEP_TOP = ("arch", "include", "scripts", "tools", "usr", "certs", "Makefile",
            "Kbuild", "Kconfig", "Module.symvers", "System.map", "vmlinux",
            ".config", "modules.builtin", "modules.order", "localversion")


# --- Debian's kernel

def newest_headers():
    """The release of the newest installed amd64 headers."""
    found = [match.group(1) for path in HEADERS.glob("linux-headers-*-amd64")
             if (match := STOCK_HEADERS.match(path.name))
             and not path.name.endswith(OTHER_FLAVOURS)]
    if not found:
        raise KernelError("no linux-headers-*-amd64 installed; run tools/deps --install")
    return max(found, key=version_key)


def stock():
    """Debian's kernel for the newest installed headers, fetched when needed."""
    release = newest_headers()
    headers = HEADERS / f"linux-headers-{release}"
    version = package_version(headers.name)
    home = kept(cache_dir() / f"stock-{release}_{version.replace(':', '_')}", "stock", "stock-",
                lambda home: fetch_stock(release, version, home))
    return Kernel("stock", release, home / "vmlinux", home, headers)


def fetch_stock(release, version, home):
    """Download, unpack and prepare linux-image-`release` as `home`."""
    package = f"linux-image-{release}"
    say(f"fetching {package} {version}")
    with work_dir(home.parent) as work:
        root = unpack_packages([f"{package}={version}"], work,
                               "It matches the installed headers. Bring them and package lists "
                               "up to date: apt-get update && apt-get install linux-headers-amd64")
        move_in(root, release, home)


# --- the sanitised kernels

def flags(name):
    """What make is given for the kernel `name`."""
    return BUILD_FLAGS + MORE_FLAGS.get(name, ())


def symbol(line):
    """The option that a line of a fragment sets or unsets, None for others."""
    found = re.match(r"(?:# )?(CONFIG_\w+)(?:=| is not set$)", line)
    return found and found.group(1)


def fragment(name):
    """The lines that make a configuration out of allnoconfig."""
    lines = []
    for part in FRAGMENTS[name]:
        more = (TOOLS / part).read_text(encoding="utf-8").splitlines()
        replaced = {symbol(line) for line in more} - {None}
        lines = [line for line in lines if symbol(line) not in replaced] + more
    return lines


def built_home(name):
    """Where the kernel for the present fragments and source lives."""
    if not SOURCE_TAR.exists():
        raise KernelError(f"{SOURCE_TAR} is missing; run tools/deps --install")
    key = hashlib.sha256()
    for part in FRAGMENTS[name]:
        key.update((TOOLS / part).read_bytes())
    key.update(repr((flags(name), UNCHECKED, UNCHECKED_FILES)).encode())
    key.update(package_version(SOURCE_PACKAGE).encode())
    key.update(output("gcc", "-dumpfullversion").encode())
    return cache_dir() / f"{name}-{key.hexdigest()[:16]}"


def built(name):
    """A sanitised kernel, built when needed."""
    home = kept(built_home(name), name, f"{name}-", lambda home: build(name, home))
    release = (home / "include/config/kernel.release").read_text().strip()
    return Kernel(name, release, home / "vmlinux", None, home)


def build(name, home):
    """Unpack, configure, build and trim; `home` appears when all is done."""
    start = time.monotonic()
    with work_dir(home.parent) as work:
        say(f"{name} kernel: unpacking the source")
        excludes = [f"--exclude={SOURCE_PACKAGE}/{path}" for path in NOT_UNPACKED]
        output("tar", "-C", work, "--strip-components=1", "--no-wildcards-match-slash",
               *excludes, "-xf", SOURCE_TAR)
        uncheck(work)
        say(f"{name} kernel: configuring")
        config = work / "tierwatch.config"
        config.write_text("\n".join(fragment(name)) + "\n", encoding="utf-8")
        make(name, work, f"KCONFIG_ALLCONFIG={config}", "allnoconfig")
        make(name, work, "olddefconfig")
        check_config(name, work / ".config")
        say(f"{name} kernel: building (five minutes or more)")
        make(name, work, f"-j{len(os.sched_getaffinity(0))}", "vmlinux", "modules", progress=True)
        say(f"{name} kernel: removing objects")
        trim(work)
        work.chmod(0o755)
        work.rename(home)
    say(f"{name} kernel: ready after {time.monotonic() - start:.0f} s")


def uncheck(tree):
    """Leave KASAN out of the folders of UNCHECKED and out of UNCHECKED_FILES."""
    for folder in UNCHECKED:
        for makefile in (tree / folder).rglob("Makefile"):
            with open(makefile, "a", encoding="utf-8") as out:
                out.write("\nKASAN_SANITIZE := n\n")
    for path in UNCHECKED_FILES:
        folder, _, name = path.rpartition("/")
        if not (tree / f"{path}.c").exists():
            raise KernelError(f"{path}.c, which is to be unchecked, is not in the source")
        with open(tree / folder / "Makefile", "a", encoding="utf-8") as out:
            out.write(f"\nKASAN_SANITIZE_{name}.o := n\n")


def make(name, tree, *args, progress=False):
    """Run make in a kernel tree; its output goes to a log shown on failure."""
    command = ["nice", "make", "-C", str(tree), *flags(name), *args]
    env = {key: value for key, value in os.environ.items()
           if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "KDIR", "M", "O", "ARCH")}
    log = tree.parent / f"{name}-build.log"
    count, shown = 0, time.monotonic()
    with open(log, "w", encoding="utf-8") as out, subprocess.Popen(
            command, env=env, text=True, errors="replace", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            out.write(line)
            count += line.startswith("  CC ")
            if progress and time.monotonic() - shown > 15:
                shown = time.monotonic()
                say(f"{name} kernel: {count} files compiled; {line.strip()}")
    if process.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:]
        raise KernelError(f"the {name} kernel does not build:\n" + "\n".join(tail))


def check_config(name, config):
    """Every line of the fragments must have taken effect."""
    have = set(config.read_text().splitlines())
    names = {line.split("=")[0] for line in have if "=" in line}
    lost = []
    for line in fragment(name):
        unset = re.match(r"# (CONFIG_\w+) is not set$", line)
        if unset and unset.group(1) in names:
            lost.append(line)
        elif line.startswith("CONFIG_") and line not in have:
            lost.append(line)
    if lost:
        raise KernelError(f"{', '.join(FRAGMENTS[name])}: these lines had no effect:\n" +
                          "\n".join(lost))


def trim(tree):
    """Keep what boots and what out-of-tree modules need."""
    for path in tree.iterdir():
        if path.name in KEEP_TOP:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    for folder, _, files in os.walk(tree):
        inside = Path(folder).relative_to(tree).parts
        if inside and inside[0] in KEEP_OBJECTS:
            continue
        for name in files:
            if name.endswith((".o", ".a", ".c", ".S", ".cmd")) or name == "vmlinux.bin":
                os.unlink(os.path.join(folder, name))


# --- any other kernel

def by_path(path):
    """A build tree, an unpacked linux-image package, or a bare vmlinux."""
    path = Path(path).absolute()
    if path.is_file():
        return Kernel("other", release_of(path), path)
    release_file = path / "include/config/kernel.release"
    if release_file.exists():
        return Kernel("other", release_file.read_text().strip(), path / "vmlinux", None, path)
    images = sorted(path.glob("boot/vmlinuz-*"))
    if not images:
        raise KernelError(f"{path}: neither a build tree nor an unpacked linux-image package")
    release = images[-1].name[len("vmlinuz-"):]
    headers = HEADERS / f"linux-headers-{release}"
    if not (path / "vmlinux").exists():
        unpack_vmlinux(images[-1], path / "vmlinux")
    if not (path / f"lib/modules/{release}/modules.dep.bin").exists():
        output("/sbin/depmod", "-b", path, release)
    return Kernel("other", release, path / "vmlinux", path, headers)


def release_of(vmlinux):
    """The release in an image's version banner."""
    match = re.search(rb"Linux version (\S+) ", vmlinux.read_bytes())
    if not match:
        raise KernelError(f"{vmlinux}: no Linux version inside; is it an extracted vmlinux?")
    return match.group(1).decode()


def find(name):
    """The kernel that --kernel names."""
    if re.fullmatch(r"\d+\.(\d+|x)", name):
        return series(name)
    if name in FRAGMENTS:
        return built(name)
    if name == "cloud":
        return cloud(SOURCE_TAR)
    return stock() if name == "stock" else by_path(name)
