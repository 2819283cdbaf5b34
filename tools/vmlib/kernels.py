# SPDX-License-Identifier: GPL-2.0
"""Guest kernels: Debian's own, the sanitised build, or one named by a path.

Owns the cache directory ($TIERWATCH_CACHE): fetching, building, trimming and
the lock that keeps two callers apart.  Yields a Kernel, which is all that the
rest of tools/vm knows about one.
"""

import fcntl
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent
FRAGMENT = TOOLS / "debug.config"
SOURCE_PACKAGE = "linux-source-6.1"
SOURCE_TAR = Path("/usr/src/linux-source-6.1.tar.xz")
HEADERS = Path("/usr/src")
STOCK_HEADERS = re.compile(r"linux-headers-(\d+\.\d+\.\d+.*-amd64)$")
OTHER_FLAVOURS = ("-cloud-amd64", "-rt-amd64")
# A bzImage's payload ends in its length, which the decompressors complain about.
DECOMPRESSORS = {b"\xfd7zXZ": ["xz", "-dcq"], b"\x28\xb5\x2f\xfd": ["zstd", "-dcq"],
                 b"\x1f\x8b": ["gzip", "-dcq"]}
# Never compiled here and never looked at by kconfig.
NOT_UNPACKED = ("Documentation/*/*", "drivers/gpu/drm/amd/include/*",
                "tools/testing/*", "tools/perf/*", "arch/*/boot/dts/*")
# The PVH entry runs before KASAN's shadow exists, so that it and memcmp, which
# it calls, must not use it (the kernel does so itself under AMD_MEM_ENCRYPT).
BUILD_FLAGS = ("ARCH=x86_64", "KBUILD_BUILD_USER=tierwatch", "KBUILD_BUILD_HOST=tierwatch",
               "KASAN_SANITIZE_enlighten.o=n", "UBSAN_SANITIZE_enlighten.o=n",
               "KASAN_SANITIZE_string.o=n")
# After the build: what an out-of-tree module still needs keeps its sources.
KEEP_OBJECTS = ("scripts", "tools")
KEEP_TOP = ("arch", "include", "scripts", "tools", "usr", "certs", "Makefile",
            "Kbuild", "Kconfig", "Module.symvers", "System.map", "vmlinux",
            ".config", "modules.builtin", "modules.order", "localversion")


class KernelError(Exception):
    """A kernel cannot be had; the message says what to do."""


@dataclass(frozen=True)
class Kernel:
    """A bootable kernel."""
    flavour: str            # stock, debug, a series' number or other
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


# --- Debian's kernel

def version_key(release):
    """Order releases by their numbers."""
    return [int(part) for part in re.findall(r"\d+", release)]


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
    cache = cache_dir()
    home = cache / f"stock-{release}_{version.replace(':', '_')}"
    if not home.is_dir():
        with locked("stock"):
            if not home.is_dir():
                fetch_stock(release, version, home)
                drop_others(cache, "stock-", home)
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


def move_in(root, release, home):
    """An unpacked kernel package, made bootable, into the cache as `home`."""
    unpack_vmlinux(root / f"boot/vmlinuz-{release}", root / "vmlinux")
    output("/sbin/depmod", "-b", root, release)
    root.chmod(0o755)
    root.rename(home)


def unpack_packages(packages, work, advice):
    """Debian packages, unpacked in a folder inside `work`; nothing is installed."""
    done = subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download",
                           *packages], cwd=work, text=True, capture_output=True, check=False)
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
            done = subprocess.run(command, input=payload, capture_output=True, check=False)
            if done.stdout.startswith(b"\x7fELF"):
                target.write_bytes(done.stdout)
                return
    raise KernelError(f"{image}: cannot unpack the kernel inside")


def drop_others(cache, prefix, keep):
    """Remove what an older kernel left in the cache."""
    for path in cache.glob(f"{prefix}*"):
        if path != keep and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


# --- the sanitised kernel

def debug_home():
    """Where the debug kernel for the present fragment and source lives."""
    if not SOURCE_TAR.exists():
        raise KernelError(f"{SOURCE_TAR} is missing; run tools/deps --install")
    key = hashlib.sha256()
    key.update(FRAGMENT.read_bytes())
    key.update(repr(BUILD_FLAGS).encode())
    key.update(package_version(SOURCE_PACKAGE).encode())
    key.update(output("gcc", "-dumpfullversion").encode())
    return cache_dir() / f"debug-{key.hexdigest()[:16]}"


def debug():
    """The debug kernel, built when needed."""
    home = debug_home()
    if not home.is_dir():
        with locked("debug"):
            if not home.is_dir():
                build_debug(home)
                drop_others(home.parent, "debug-", home)
    release = (home / "include/config/kernel.release").read_text().strip()
    return Kernel("debug", release, home / "vmlinux", None, home)


def build_debug(home):
    """Unpack, configure, build and trim; `home` appears when all is done."""
    start = time.monotonic()
    with work_dir(home.parent) as work:
        say("debug kernel: unpacking the source")
        excludes = [f"--exclude={SOURCE_PACKAGE}/{path}" for path in NOT_UNPACKED]
        output("tar", "-C", work, "--strip-components=1", "--no-wildcards-match-slash",
               *excludes, "-xf", SOURCE_TAR)
        say("debug kernel: configuring")
        make(work, f"KCONFIG_ALLCONFIG={FRAGMENT}", "allnoconfig")
        make(work, "olddefconfig")
        check_config(work / ".config")
        say("debug kernel: building (five minutes or more)")
        make(work, f"-j{len(os.sched_getaffinity(0))}", "vmlinux", "modules", progress=True)
        say("debug kernel: removing objects")
        trim(work)
        work.chmod(0o755)
        work.rename(home)
    say(f"debug kernel: ready after {time.monotonic() - start:.0f} s")


def make(tree, *args, progress=False):
    """Run make in a kernel tree; its output goes to a log shown on failure."""
    command = ["nice", "make", "-C", str(tree), *BUILD_FLAGS, *args]
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "KDIR", "M", "O", "ARCH")}
    log = tree.parent / "debug-build.log"
    count, shown = 0, time.monotonic()
    with open(log, "w", encoding="utf-8") as out, subprocess.Popen(
            command, env=env, text=True, errors="replace", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            out.write(line)
            count += line.startswith("  CC ")
            if progress and time.monotonic() - shown > 15:
                shown = time.monotonic()
                say(f"debug kernel: {count} files compiled; {line.strip()}")
    if process.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:]
        raise KernelError("the debug kernel does not build:\n" + "\n".join(tail))


def check_config(config):
    """Every line of the fragment must have taken effect."""
    have = set(config.read_text().splitlines())
    names = {line.split("=")[0] for line in have if "=" in line}
    lost = []
    for line in FRAGMENT.read_text().splitlines():
        unset = re.match(r"# (CONFIG_\w+) is not set$", line)
        if unset and unset.group(1) in names:
            lost.append(line)
        elif line.startswith("CONFIG_") and line not in have:
            lost.append(line)
    if lost:
        raise KernelError("debug.config: these lines had no effect:\n" + "\n".join(lost))


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


# --- another of Debian's series, with its headers

def series(name):
    """Debian's newest kernel of a series, say 6.12, fetched when needed."""
    try:
        wanted = output("apt-cache", "depends", f"linux-headers-{name}-amd64")
        release = re.search(r"Depends: linux-headers-(\S+-amd64)", wanted).group(1)
    except (KernelError, AttributeError) as error:
        raise KernelError(f"no linux-headers-{name}-amd64 known: is there an apt source with it "
                          "(bookworm-security or bookworm-backports), and apt-get update done?"
                          ) from error
    cache = cache_dir()
    home = cache / f"series-{release}"
    if not home.is_dir():
        with locked(f"series-{name}"):
            if not home.is_dir():
                fetch_series(release, home)
                drop_others(cache, f"series-{name}.", home)
    return Kernel(name, release, home / "vmlinux", home,
                  home / f"usr/src/linux-headers-{release}")


def fetch_series(release, home):
    """Image, headers and build tools of `release` as `home`; nothing is installed."""
    base = release[:-len("-amd64")]
    packages = [f"linux-image-{release}", f"linux-headers-{release}",
                f"linux-headers-{base}-common", f"linux-kbuild-{base}"]
    say(f"fetching {', '.join(packages)}")
    with work_dir(home.parent) as work:
        root = unpack_packages(packages, work, "Bring package lists up to date: apt-get update")
        headers = root / f"usr/src/linux-headers-{release}"
        makefile = headers / "Makefile"
        makefile.write_text(makefile.read_text().replace("/usr/src/", f"{home}/usr/src/"))
        (headers / "vmlinux").unlink(missing_ok=True)   # for BTF, with tools we don't ask for
        move_in(root, release, home)


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
    if re.fullmatch(r"\d+\.\d+", name):
        return series(name)
    return {"stock": stock, "debug": debug}.get(name, lambda: by_path(name))()
