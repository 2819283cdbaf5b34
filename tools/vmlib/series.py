# SPDX-License-Identifier: GPL-2.0
"""Further kernels of Debian's: a series of this release, or of the next one.

Owns how a kernel is had whose build tools this machine cannot run as they are:
headers, compiler and tools of the next release are unpacked beside the kernel
and told where their own C library is.  make is then given that KDIR as any
other.  Nothing is installed, and no list of this machine's apt is touched.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from .cache import (Kernel, KernelError, cache_dir, drop_others, kept, locked, move_in, output,
                    say, unpack_packages, version_key, work_dir)

SUPPORTED = Path(__file__).resolve().parent.parent.parent / "driver" / "supported"
NEXT_RELEASE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Days before the next release is asked whether there is a newer kernel.
LISTS_DAYS = 7
# Of the unpacked build tools: what a module's build runs and reads.
KEEP_USR = ("bin", "lib", "lib64", "libexec", "src")
KEEP_BIN = re.compile(r"x86_64-linux-gnu-|pahole$")
LOADER = "/lib64/ld-linux-x86-64.so.2"


def supported():
    """The first and the last series that the driver is for, as lists of numbers."""
    found = dict(re.findall(r"^(\w+)=([\d.]+)$", SUPPORTED.read_text(encoding="utf-8"), re.M))
    return version_key(found["TW_KERNEL_FIRST"]), version_key(found["TW_KERNEL_LAST"])


def series(name):
    """The newest kernel of a series, say 6.12 or 7.x, fetched when needed."""
    release = None
    if not name.endswith("x"):
        try:
            wanted = output("apt-cache", "depends", f"linux-headers-{name}-amd64")
            release = re.search(r"Depends: linux-headers-(\S+-amd64)", wanted).group(1)
        except (KernelError, AttributeError):
            pass
    if not release:
        return of_next_release(name)
    home = kept(cache_dir() / f"series-{release}", f"series-{name}", f"series-{name}.",
                lambda home: fetch_series(release, home))
    return with_headers(name, release, home)


def with_headers(name, release, home):
    """What is in the cache as `home`."""
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
        settle_headers(root, release, home)
        move_in(root, release, home)


def settle_headers(root, release, home):
    """Unpacked headers name their places by absolute paths: `home` is the root of those."""
    headers = root / f"usr/src/linux-headers-{release}"
    makefile = headers / "Makefile"
    makefile.write_text(makefile.read_text().replace("/usr/src/", f"{home}/usr/src/"))
    (headers / "vmlinux").unlink(missing_ok=True)   # for BTF, with tools we don't ask for
    return headers


# --- of Debian's next release

class NextRelease:
    """Package lists of the next release, in the cache; a context."""

    def __init__(self):
        self.home = cache_dir() / f"apt-{NEXT_RELEASE}"
        self.options = []
        settings = {
            "Dir::Etc::sourcelist": self.home / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State::lists": self.home / "lists",
            "Dir::State::status": self.home / "status",     # as if nothing was installed
            "Dir::Cache": self.home / "cache",
            "APT::Architecture": "amd64",
            "APT::Default-Release": f"{NEXT_RELEASE}-backports",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        for key, value in settings.items():
            self.options += ["-o", f"{key}={value}"]

    def fresh(self):
        """Whether the lists are young enough to be believed."""
        try:
            age = time.time() - (self.home / "updated").stat().st_mtime
        except FileNotFoundError:
            return False
        return age < LISTS_DAYS * 24 * 3600

    def update(self):
        """Fetch the lists, from the mirror that this machine's apt uses."""
        for folder in ("lists/partial", "cache/archives/partial"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "status").touch()
        lines = [f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n"
                 for suite in (NEXT_RELEASE, f"{NEXT_RELEASE}-backports")]
        (self.home / "sources.list").write_text("".join(lines), encoding="utf-8")
        output("apt-get", "-qq", *self.options, "-o", "APT::Update::Error-Mode=any", "update")
        (self.home / "updated").touch()

    def cache(self, *args):
        """What apt-cache says."""
        return output("apt-cache", *self.options, *args)

    def newest(self, name):
        """The newest release of a series in the supported range; says when there is a newer one."""
        pattern = re.escape(name).replace("x", r"\d+")
        names = self.cache("search", "--names-only", r"^linux-headers-[0-9.]+\+deb[0-9]+-amd64$")
        found = re.findall(rf"^linux-headers-({pattern}\.\S+-amd64) ", names, re.M)
        known = sorted(found, key=version_key)
        last = supported()[1]
        usable = [release for release in known if version_key(release)[:2] <= last]
        if not usable:
            raise KernelError(f"{NEXT_RELEASE}-backports has no kernel {name} up to "
                              f"{'.'.join(map(str, last))}; it has {', '.join(known) or 'none'}")
        if known[-1] != usable[-1]:
            say(f"{known[-1]} is beyond what {SUPPORTED.name} says: taking {usable[-1]}")
        return usable[-1]


def mirror():
    """Where this machine gets Debian from."""
    found = re.search(r"^Debian \w+ (\S+) main$",
                      output("apt-get", "indextargets", "--format",
                             "$(ORIGIN) $(CODENAME) $(REPO_URI) $(COMPONENT)",
                             "Created-By: Packages"), re.M)
    if not found:
        raise KernelError("no Debian mirror known to apt: add one, then apt-get update")
    return found.group(1)


def of_next_release(name):
    """A kernel that only the next release has, with the tools to build modules for it."""
    lists = NextRelease()
    prefix = f"next-{name.removesuffix('x')}"
    with locked(f"series-{name}"):
        have = sorted(lists.home.parent.glob(f"{prefix}*-amd64"),
                      key=lambda path: version_key(path.name))
        if have and lists.fresh():
            home = have[-1]
        else:
            try:
                lists.update()
                home = lists.home.parent / f"next-{lists.newest(name)}"
            except KernelError as error:
                if not have:
                    raise
                say(f"cannot look for a newer kernel, taking {have[-1].name}: {error}")
                home = have[-1]
        release = home.name.removeprefix("next-")
        if not home.is_dir():
            fetch_next(lists, release, home)
            drop_others(home.parent, prefix, home)
    return with_headers(name, release, home)


def fetch_next(lists, release, home):
    """Kernel, headers and the compiler they want as `home`."""
    image = lists.cache("depends", f"linux-image-{release}")
    parts = [f"linux-image-{release}",
             *re.findall(rf"Depends: (linux-\w+-{re.escape(release)})$", image, re.M)]
    say(f"fetching {', '.join(parts)}, headers and their compiler")
    with work_dir(home.parent) as work:
        folder = work / "archives"
        (folder / "partial").mkdir(parents=True)
        output("apt-get", "-qq", "-y", *lists.options, "-o", f"Dir::Cache::archives={folder}",
               "--download-only", "install", f"linux-headers-{release}")
        root = unpack_packages(parts, work, "Or name another kernel.", lists.options)
        for deb in folder.glob("*.deb"):
            output("dpkg", "-x", deb, root)
        keep_tools(root)
        headers = settle_headers(root, release, home)
        settle_tools(root, headers, home)
        move_in(root, release, home)


def keep_tools(root):
    """Without what no build needs: most of it is documentation."""
    for path in root.iterdir():
        if path.name not in ("boot", "lib", "usr", "lib64"):
            remove(path)
    for path in (root / "usr").iterdir():
        if path.name not in KEEP_USR:
            remove(path)
    for path in (root / "usr/bin").iterdir():
        if not KEEP_BIN.match(path.name):
            path.unlink()
    if not (root / "lib").exists():
        (root / "lib").symlink_to("usr/lib")


def remove(path):
    """A file, a link or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def settle_tools(root, headers, home):
    """Programs that find their own C library in `home`, and headers that find them there."""
    libraries = "usr/lib/x86_64-linux-gnu"
    for path in programs(root):
        output("patchelf", "--set-interpreter", f"{home}/usr{LOADER}",
               "--force-rpath", "--set-rpath", f"{home}/{libraries}", path)
    # Where gcc looks before it takes this machine's assembler.
    for folder in (root / "usr/libexec/gcc/x86_64-linux-gnu").iterdir():
        (folder / "as").symlink_to("../../../../bin/x86_64-linux-gnu-as")
    variables = headers / ".kernelvariables"
    text, count = re.subn(r"^override CROSS_COMPILE = ", rf"\g<0>{home}/usr/bin/",
                          variables.read_text(), flags=re.M)
    if not count:
        raise KernelError(f"{headers.name}: its compiler is not named where it is looked for")
    variables.write_text(f"{text}override PAHOLE = {home}/usr/bin/pahole\n")


def programs(root):
    """Executables below `root` that name a loader; it is this machine's, and too old."""
    for top in ("usr/bin", "usr/libexec", *(f"usr/lib/{path.name}" for path in
                                            (root / "usr/lib").glob("linux-kbuild-*"))):
        for folder, _, files in os.walk(root / top):
            for name in files:
                path = Path(folder, name)
                if path.is_symlink() or not os.access(path, os.X_OK):
                    continue
                done = subprocess.run(["patchelf", "--print-interpreter", path], text=True,
                                      capture_output=True, check=False)
                if done.stdout.strip() == LOADER:
                    yield path
