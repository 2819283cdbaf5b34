#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The Debian packages on a clean root: install, use, upgrade, remove, purge; and a newcomer.

Owns build/packages: `base`, Debian as debootstrap makes it and what our packages
depend on, is kept from run to run; `old` and `new` are copies of it with the
packages and with their next version.  No module is loaded here: the drivers that
DKMS built are loaded in a guest, by packages_guest.sh.  In another one newcomer.sh
follows the guide, and what it prints is printed.  Needs root, for chroot.
Prints 'ok NAME' and 'not ok NAME'; exit code 0 when all is ok.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

import deploy_test  # noqa: E402  pylint: disable=wrong-import-position

REPO = Path(__file__).resolve().parent.parent
HOME = REPO / "build" / "packages"
SUITE = "bookworm"
PACKAGES = ("tierwatch-dkms", "libtw0", "libtw-dev", "python3-libtw", "tierwatch-tools")
# Headers of two of the kernels: DKMS has to build for both.
KERNELS = ("6.1", "6.12")
# What packages of others keep about ours, or note about their own work.
NOT_OURS = re.compile(r"^/(var/log|var/cache|var/lib/apt|var/lib/dpkg/[^/]*-old$|tmp|debs"
                      r"|var/lib/systemd|etc/(group|gshadow|passwd|shadow)-$)")
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root",
       "DEBIAN_FRONTEND": "noninteractive"}
# Mounts are this command's own, and gone with it.
ENTER = ('mount --make-rprivate / && mount -t proc proc "$0/proc" && '
         'exec chroot "$0" "$@"')

failures: list[str] = []
start = time.monotonic()


def check(name: str, good: object, more: str = "") -> bool:
    """One line of the result, with the seconds since the start."""
    print(f"{'ok' if good else 'not ok'} {name}  [{time.monotonic() - start:.0f} s]",
          flush=True)
    if not good:
        failures.append(name)
        for line in more.strip().splitlines()[-40:]:
            print(f"    {line}")
    return bool(good)


def run(*command: object, **options) -> subprocess.CompletedProcess:
    """A command of the host; its output is kept, its failure the caller's to see."""
    return subprocess.run(list(map(str, command)), text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)


def must(*command: object, **options) -> str:
    """A command without which nothing can be tested."""
    done = run(*command, **options)
    if done.returncode:
        raise SystemExit(f"not ok {' '.join(map(str, command))}\n{done.stdout[-4000:]}")
    return done.stdout


def inside(root: Path, *command: object) -> subprocess.CompletedProcess:
    """A command in a root, with /proc and a network, and nothing of this environment."""
    return run("unshare", "--mount", "sh", "-c", ENTER, root, *command, env=ENV)


def must_inside(root: Path, *command: object) -> str:
    """A command in a root without which nothing can be tested."""
    done = inside(root, *command)
    if done.returncode:
        raise SystemExit(f"not ok in {root.name}: {' '.join(map(str, command))}\n"
                         f"{done.stdout[-4000:]}")
    return done.stdout


def listing(root: Path) -> dict[str, str]:
    """What there is: path -> kind, for files their contents."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder, name)
            where = f"/{path.relative_to(root)}"
            if NOT_OURS.match(where) or where.startswith("/proc/"):
                continue
            found[where] = "link" if path.is_symlink() else "folder" if path.is_dir() else "file"
    return found


# --- what is installed

def build(folder: str, version: str = "") -> dict[str, Path]:
    """The packages, of the changelog's version or another."""
    more = ["--version", version, "--no-lint"] if version else []
    done = run(REPO / "tools/deb", "--out", HOME / folder, *more)
    if not check(f"{folder}: packages build, lintian has no errors", done.returncode == 0,
                 done.stdout):
        raise SystemExit(1)
    files = {}
    for path in (HOME / folder).glob("*.deb"):
        files[path.name.split("_")[0]] = path
    return {name: files[name] for name in PACKAGES}


def version_of(deb: Path) -> str:
    """A package's version."""
    return must("dpkg-deb", "-f", deb, "Version").strip()


def dependencies(debs: dict[str, Path]) -> list[str]:
    """What the packages need from others, the first choice of each."""
    names = set()
    for deb in debs.values():
        for field in ("Depends", "Pre-Depends"):
            for one in must("dpkg-deb", "-f", deb, field).split(","):
                name = re.split(r"[ |(:]", one.strip())[0]
                if name and name not in debs:
                    names.add(name)
    return sorted(names)


def sources() -> list[str]:
    """This machine's own sources of Debian."""
    lines = must("apt-get", "indextargets", "--format",
                 "$(ORIGIN) deb $(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages")
    found = [line.removeprefix("Debian ") for line in lines.splitlines()
             if line.startswith("Debian deb ")]
    if not any(f" {SUITE} main" in line for line in found):
        raise SystemExit(f"not ok apt has no source of {SUITE}: apt-get update first")
    return found


def headers() -> list[str]:
    """Packages of headers: that of the guest's kernel, and of the newest of a further series."""
    stock = Path(must(REPO / "tools/vm", "--kernel", "stock", "--print-kdir").strip()).name
    return [stock, *(f"linux-headers-{series}-amd64" for series in KERNELS[1:])]


def base(needed: list[str]) -> Path:
    """The clean root, with what our packages need from others."""
    root, stamp = HOME / "base", HOME / "base.stamp"
    lines = sources()
    wanted = hashlib.sha256(repr((lines, needed)).encode()).hexdigest()
    if root.exists() and stamp.exists() and stamp.read_text() == wanted:
        return root
    stamp.unlink(missing_ok=True)
    shutil.rmtree(root, ignore_errors=True)
    print(f"  preparing {root}: debootstrap", flush=True)
    mirror = next(line.split()[1] for line in lines if f" {SUITE} main" in line)
    must("debootstrap", "--variant=minbase", SUITE, root, mirror)
    (root / "etc/apt/sources.list").write_text("".join(f"{line}\n" for line in lines))
    # Services are not for a chroot to start.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    print(f"  preparing {root}: {' '.join(needed)}", flush=True)
    must_inside(root, "apt-get", "-qq", "update")
    must_inside(root, "apt-get", "-qq", "-y", "--no-install-recommends", "install", *needed)
    must_inside(root, "apt-get", "clean")
    for kernel in kernels(root):        # as its image would have done
        must_inside(root, "depmod", kernel)
    stamp.write_text(wanted)
    return root


def copy(source: Path, name: str) -> Path:
    """A root like another."""
    target = HOME / name
    shutil.rmtree(target, ignore_errors=True)
    # What a run that was killed has left mounted there is not copied.
    must("cp", "-a", "--one-file-system", "--reflink=auto", source, target)
    return target


def install(root: Path, debs: dict[str, Path]) -> subprocess.CompletedProcess:
    """Install package files; all that they need is there."""
    folder = root / "debs"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for deb in debs.values():
        shutil.copy(deb, folder)
    done = inside(root, "sh", "-c", "exec dpkg -i /debs/*.deb")
    shutil.rmtree(folder)
    return done


# --- what is looked at

def modules(root: Path) -> dict[str, Path]:
    """The driver by kernel, as DKMS has installed it."""
    return {path.parents[2].name: path
            for path in root.glob("lib/modules/*/updates/dkms/tier_watch.ko*")}


def kernels(root: Path) -> set[str]:
    """Kernels whose headers are there."""
    return {path.name for path in root.glob("lib/modules/*") if (path / "build").is_symlink()}


def check_files(debs: dict[str, Path]) -> None:
    """What each package has, and what the texts beside the code say of it."""
    contents = {name: must("dpkg-deb", "-c", deb) for name, deb in debs.items()}
    command = contents["tierwatch-tools"]
    pages = sorted(path.name for path in (REPO / "tools").rglob("*.[1578]")
                   if f"{path.name}.gz" not in command)
    check("every page of the command is in its package", not pages, " ".join(pages))
    library = (REPO / "libtw/man").glob("*.[34]")
    pages = sorted(path.name for path in library
                   if f"{path.name}.gz" not in contents["libtw-dev"])
    check("every page of the library is in its package", not pages, " ".join(pages))
    exported = set(re.findall(r"^\t(\w+);", (REPO / "libtw/libtw.map").read_text(), re.M))
    listed = set(re.findall(r"^ (\w+)@LIBTW_1.0 ", (REPO / "debian/libtw0.symbols").read_text(),
                            re.M)) - {"LIBTW_1.0"}
    check("libtw0.symbols lists what libtw.map exports", exported == listed - {"LIBTW_1"},
          " ".join(sorted(exported ^ listed)))
    block = (REPO / "tools/packages").read_text().split("# build:")[1].split("\n\n")[0]
    needed = set(re.findall(r"^\S+-dev$", block, re.M))
    control = (REPO / "debian/control").read_text().split("\n\n", maxsplit=1)[0]
    missing = sorted(name for name in needed if f" {name},\n" not in f"{control}\n")
    check("Build-Depends has the libraries that tools/packages has", not missing,
          " ".join(missing))


def check_installed(root: Path, state: str, version: str) -> None:
    """Everything is in its place and works without the driver."""
    have, want = modules(root), kernels(root)
    check(f"{state}: DKMS has built for each of {', '.join(sorted(want))}",
          set(have) == want and len(want) == len(KERNELS), str(have))
    for kernel, path in have.items():
        info = must("modinfo", path)
        check(f"{state}: the driver for {kernel} is {version}",
              re.search(rf"^version: +{re.escape(version)}$", info, re.M) and
              re.search(rf"^vermagic: +{re.escape(kernel)} ", info, re.M), info)
    status = must_inside(root, "dkms", "status")
    check(f"{state}: DKMS knows of no other version",
          len(re.findall(r"^tierwatch/", status, re.M)) ==
          len(re.findall(rf"^tierwatch/{re.escape(version)}, .*: installed$", status, re.M)) ==
          len(want), status)
    done = inside(root, "tw", "--version")
    check(f"{state}: tw --version", done.returncode == 0 and done.stdout.startswith("tw "),
          done.stdout)
    done = inside(root, "tw", "tier", "list")
    check(f"{state}: tw without the driver says what to do",
          done.returncode != 0 and "modprobe tier_watch" in done.stdout, done.stdout)
    done = inside(root, "python3", "-B", "-c",
                  "import libtw; print(libtw.version(), libtw.tier_parse('nvme'))")
    check(f"{state}: Python's libtw finds the library", done.returncode == 0, done.stdout)
    for page in ("man1/tw.1.gz", "man3/libtw.3.gz", "man4/tierwatch.4.gz"):
        check(f"{state}: {page}", (root / "usr/share/man" / page).exists())
    schemas = {path.name for path in (root / "usr/share/tierwatch/schemas").glob("*")}
    wanted = {path.name for path in (REPO / "docs/json").iterdir()}
    check(f"{state}: schemas of JSON", schemas == wanted, schemas ^ wanted)
    done = inside(root, "getent", "group", "tierwatch")
    check(f"{state}: group tierwatch", done.stdout.startswith("tierwatch:"), done.stdout)


def check_other_kernel(root: Path, version: str) -> None:
    """A kernel that the driver is not for: skipped, and said so."""
    name = "5.10.0-99-amd64"
    source = next(path.resolve() for path in (root / "usr/src").glob("linux-headers-6.1*-amd64"))
    done = inside(root, "dkms", "build", "-m", "tierwatch", "-v", version, "-k", name,
                  "--kernelsourcedir", f"/usr/src/{source.name}")
    check("DKMS leaves a kernel alone that the driver is not for",
          done.returncode == 77 and "BUILD_EXCLUSIVE" in done.stdout,
          f"{done.returncode}\n{done.stdout}")
    run("rm", "-rf", root / f"var/lib/dkms/tierwatch/{version}/{name}")


def check_purged(root: Path, before: dict[str, str]) -> None:
    """Removed, then purged: as if they had never been there."""
    done = inside(root, "dpkg", "--remove", *PACKAGES)
    check("remove", done.returncode == 0, done.stdout)
    left = {path for path in listing(root) if path not in before}
    foreign = sorted(path for path in left
                     if not path.startswith(("/etc/", "/var/lib/dpkg/info/")))
    check("removed: nothing but configuration is left",
          not foreign and not modules(root), "\n".join(foreign))
    done = inside(root, "dpkg", "--purge", *PACKAGES)
    check("purge", done.returncode == 0, done.stdout)
    after = listing(root)
    changed = sorted(path for path in before.keys() | after.keys()
                     if before.get(path) != after.get(path))
    check("purged: the files are those of before", not changed,
          "\n".join(f"{before.get(path)} -> {after.get(path)}: {path}" for path in changed))
    check("purged: dpkg knows nothing of them", not re.search(
        "|".join(PACKAGES), must_inside(root, "dpkg-query", "-W", "-f", "${Package}\n")))


def check_in_guest(old: Path, new: Path) -> None:
    """Drivers as DKMS has built them, loaded: the old, then the new, then none."""
    command = [REPO / "tools/vm", "--kernel", "stock", "--turns", "--no-module", "--no-bind",
               "--stall", "600", "--", "sh", REPO / "tests/packages_guest.sh", old, new]
    said = []
    with subprocess.Popen(list(map(str, command)), text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        for line in process.stdout or ():
            said.append(line)
            found = re.match("(ok|not ok) (.*)", line)
            if found:
                check(f"guest: {found.group(2)}", found.group(1) == "ok")
    check("guest: all of it, and nothing in the log", process.returncode == 0, "".join(said))


def check_newcomer(root: Path) -> None:
    """Somebody with the guide, in a root in which packages were just installed."""
    out = HOME / "newcomer"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    command = [REPO / "tools/vm", "--kernel", "stock", "--turns", "--no-module", "--no-bind",
               "--stall", "600", "--out", out, "--", "sh", REPO / "tests/newcomer.sh", root,
               REPO / "docs", out]
    done = run(*command)
    print("".join(f"    | {line}\n" for line in done.stdout.splitlines()), end="")
    steps = re.findall(r"^ok newcomer: (.*)$", done.stdout, re.M)
    check("newcomer: all that the guide says, and nothing in the log",
          done.returncode == 0 and len(steps) >= 12, done.stdout)
    if done.returncode:
        return
    before, limited = (deploy_test.samples(out / f"{name}.prom") for name in ("before", "limited"))
    deploy_test.HOME.mkdir(parents=True, exist_ok=True)
    for name, after, firing in (("limited", limited, {("TierWatchGroupAtLimit", "cpu")}),
                                ("not limited", before, set())):
        test = deploy_test.test_of(before, after, set(), firing)
        done = deploy_test.promtool_test("newcomer", [test])
        check(f"newcomer: the alert, when its cgroup is {name}", done.returncode == 0, done.stdout)


def main() -> int:
    """All of it, in the order of a package's life."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--keep", action="store_true", help="keep the roots that were installed to")
    parser.add_argument("--no-guest", action="store_true", help="load no driver, boot no guest")
    options = parser.parse_args()
    if os.getuid():
        raise SystemExit("not ok packages: this needs root, for chroot")
    HOME.mkdir(parents=True, exist_ok=True)
    debs = build("debs-old")
    version = version_of(debs["tierwatch-dkms"])
    check_files(debs)
    needed = sorted({*dependencies(debs), *headers(), "python3", "make", "gcc", "sqlite3"})
    old = copy(base(needed), "old")
    before = listing(old)
    done = install(old, debs)
    if not check("install", done.returncode == 0, done.stdout):
        return 1
    check_installed(old, "installed", version)
    check_other_kernel(old, version)
    again = f"{version}+again"
    newer = build("debs-new", again)
    new = copy(old, "new")
    done = install(new, newer)
    if check("upgrade", done.returncode == 0, done.stdout):
        check_installed(new, "upgraded", again)
    if not options.no_guest:
        check_in_guest(old, new)
        check_newcomer(old)
    check_purged(new, before)
    for root in () if options.keep else (old, new):
        shutil.rmtree(root, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
