# SPDX-License-Identifier: GPL-2.0
"""The initramfs: busybox, the boot's modules and our two init stages.

The part that is the same for each run is cached by the hash of its contents;
the job (what to run, where, as whom) is a second small archive behind it.
"""

import hashlib
import lzma
import os
import shutil
import tempfile
from pathlib import Path

from .cache import KernelError, cache_dir, output

HERE = Path(__file__).resolve().parent
BUSYBOX = Path("/bin/busybox")
BOOT_MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay",
                "nvme", "virtio_scsi", "sd_mod")
KEPT_ARCHIVES = 8


def entry(name, data, mode, inode):
    """One member of a newc archive."""
    name = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return pad(head) + pad(data)


def pad(data):
    """To a multiple of four bytes."""
    return data + bytes(-len(data) % 4)


def archive(files):
    """A newc archive of {name: (bytes, mode)}, folders included."""
    folders = {str(parent) for name in files for parent in Path(name).parents
               if str(parent) != "."}
    parts = [entry(folder, b"", 0o040755, 0) for folder in sorted(folders)]
    parts += [entry(name, data, 0o100000 | mode, 0) for name, (data, mode) in files.items()]
    parts.append(entry("TRAILER!!!", b"", 0, 0))
    data = b"".join(parts)
    return data + bytes(-len(data) % 512)


def module_files(kernel):
    """The modules that the boot needs, in loading order."""
    if kernel.modules is None:
        return []
    paths = []
    for name in BOOT_MODULES:
        try:
            lines = output("/sbin/modprobe", "-d", kernel.modules, "-S", kernel.release,
                           "--show-depends", name).splitlines()
        except KernelError as error:
            raise KernelError(f"the kernel {kernel.release} has no {name}, which a guest can't do "
                              "without: take another one, see tools/vm --help") from error
        for line in lines:
            word, _, path = line.strip().partition(" ")
            if word == "insmod" and path not in paths:
                paths.append(path)
    return paths


def base(kernel):
    """The cached archive for `kernel`."""
    key = hashlib.sha256(f"{kernel.vmlinux} {kernel.vmlinux.stat().st_mtime_ns}".encode())
    for path in (BUSYBOX, HERE / "init.sh", HERE / "stage2.sh", Path(__file__)):
        if not path.exists():
            raise KernelError(f"{path} is missing; run tools/deps")
        key.update(path.read_bytes())
    cache = cache_dir()
    cached = cache / f"initrd-{key.hexdigest()[:16]}.cpio"
    if not cached.exists():
        write_atomically(cached, archive(base_files(kernel)))
        drop_old(cache)
    return cached


def base_files(kernel):
    """What the cached archive holds."""
    files = {"bin/busybox": (BUSYBOX.read_bytes(), 0o755),
             "init": ((HERE / "init.sh").read_bytes(), 0o755),
             "vm/stage2.sh": ((HERE / "stage2.sh").read_bytes(), 0o644)}
    names = []
    for path in module_files(kernel):
        data = Path(path).read_bytes()
        if path.endswith(".xz"):        # busybox may not know how
            path, data = path[:-len(".xz")], lzma.decompress(data)
        name = f"vm/ko/{Path(path).name}"
        names.append(f"/{name}")
        files[name] = (data, 0o644)
    files["vm/modules"] = ("\n".join(names).encode() + b"\n", 0o644)
    return files


def write_atomically(path, data):
    """Readers see all of it or nothing."""
    handle, name = tempfile.mkstemp(prefix="initrd-new-", dir=path.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(data)
    os.rename(name, path)


def drop_old(cache):
    """Keep the latest few archives."""
    archives = sorted(cache.glob("initrd-*.cpio"), key=lambda path: path.stat().st_mtime)
    for path in archives[:-KEPT_ARCHIVES]:
        path.unlink(missing_ok=True)


def build(kernel, job, command, target):
    """Write the whole initramfs for one run to `target`."""
    with open(target, "wb") as out:
        with open(base(kernel), "rb") as cached:
            shutil.copyfileobj(cached, out)
        out.write(archive({"vm/job.sh": (job.encode(), 0o644),
                           "vm/command.sh": (command.encode(), 0o644)}))
