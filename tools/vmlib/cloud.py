# SPDX-License-Identifier: GPL-2.0
"""Debian's kernel for clouds: the stock one with far fewer drivers.

Owns how a guest gets what that kernel leaves out and tools/vm can't do without: the
9p file system, by which a guest sees the host's files.  It is built here as modules,
from the source that the kernel is made of.  All else the guest needs is there.
"""

import os
import re
import subprocess

from .cache import (Kernel, KernelError, cache_dir, kept, move_in, output, say,
                    unpack_packages, work_dir)
from .series import settle_headers

# As the stock kernel has them.
OPTIONS = ("CONFIG_NET_9P=m", "CONFIG_NET_9P_VIRTIO=m", "CONFIG_9P_FS=m")
FOLDERS = ("net/9p", "fs/9p")
ADVICE = "Bring package lists up to date: apt-get update"


def cloud(source):
    """The newest one; `source` is the tar of the kernel's source."""
    found = re.search(r"Depends: linux-headers-(\S+-cloud-amd64)",
                      output("apt-cache", "depends", "linux-headers-cloud-amd64"))
    if not found:
        raise KernelError(f"no linux-headers-cloud-amd64 known to apt. {ADVICE}")
    release = found.group(1)
    home = kept(cache_dir() / f"cloud-{release}", "cloud", "cloud-",
                lambda home: fetch(release, source, home))
    return Kernel("cloud", release, home / "vmlinux", home,
                  home / f"usr/src/linux-headers-{release}")


def fetch(release, source, home):
    """Image, headers and the modules that are missing as `home`; nothing is installed."""
    depends = output("apt-cache", "depends", f"linux-headers-{release}")
    packages = [f"linux-image-{release}", f"linux-headers-{release}",
                *re.findall(r"Depends: (linux-(?:headers|kbuild)-\S+)$", depends, re.M)]
    say(f"fetching {', '.join(packages)}")
    with work_dir(home.parent) as work:
        root = unpack_packages(packages, work, ADVICE)
        # Where they are now, for the build here; then where they will be.
        headers = settle_headers(root, release, root)
        build(work, source, headers, root / f"lib/modules/{release}/extra")
        makefile = headers / "Makefile"
        makefile.write_text(makefile.read_text().replace(str(root), str(home)))
        move_in(root, release, home)


def build(work, source, headers, target):
    """The missing modules, in one go: each knows the symbols of the others."""
    if not source.exists():
        raise KernelError(f"{source} is missing; run tools/deps --install")
    say("cloud kernel: building 9p, which it lacks")
    tree = work / "9p"
    tree.mkdir()
    top = source.name.removesuffix(".tar.xz")
    output("tar", "-C", tree, "--strip-components=1", "-xf", source,
           *(f"{top}/{folder}" for folder in FOLDERS))
    (tree / "Kbuild").write_text("".join(f"obj-m += {folder}/\n" for folder in FOLDERS))
    env = {key: value for key, value in os.environ.items()
           if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "KDIR", "M", "O")}
    done = subprocess.run(["make", "-C", headers, f"M={tree}", *OPTIONS, "modules"], env=env,
                          text=True, capture_output=True, check=False)
    if done.returncode:
        raise KernelError(f"9p does not build for the cloud kernel:\n{done.stderr.strip()}")
    target.mkdir()
    for path in tree.rglob("*.ko"):
        path.rename(target / path.name)
