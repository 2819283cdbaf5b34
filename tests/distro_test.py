#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The rpm spec and the PKGBUILD: their linters, packages built from them, and what is in these.

Owns build/distro. Built on Debian, whose packages have other names: what they depend on is
not checked, and nothing is installed. Prints 'ok NAME' and 'not ok NAME'; exit code 0 when
all is ok.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

sys.dont_write_bytecode = True

from checks import check, failures  # noqa: E402  pylint: disable=wrong-import-position

REPO = Path(__file__).resolve().parent.parent
HOME = REPO / "build" / "distro"
SPEC = REPO / "deploy" / "rpm" / "tierwatch.spec"
PKGBUILD = REPO / "deploy" / "arch" / "PKGBUILD"
NOBODY = 65534
# What rpmlint of Debian says that Fedora's rules do not, or that is meant, and why.
MEANT = {
    "no-signature": "whoever publishes them signs them",
    "no-packager-tag": "the same", "no-group-tag": "Fedora has had no groups for long",
    "lib-package-without-%mklibname": "a rule of Mandriva's",
    "hardcoded-library-path": "%{_prefix}/lib is where systemd and udev look, also on 64 bits",
    "bad-manual-page-folder": "tierwatch.conf(5) is a page, it takes its end for a section's",
    "static-library-without-debuginfo": "Debian's rpm sets no flags of a compiler",
    "missing-hash-section": "Debian's linker writes the newer table alone",
    "library-without-ldconfig-postin": "Fedora's glibc does that for all packages",
    "library-without-ldconfig-postun": "the same",
    "outside-libdir-files": "the licence", "no-dependency-on": "Fedora finds that itself",
    "non-versioned-file-in-library-package": "links of build ids, which Fedora has elsewhere",
}


def run(*command: object, **more: object) -> subprocess.CompletedProcess:
    """A command; its output is kept, its failure the caller's to see."""
    return subprocess.run(list(map(str, command)), text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)


def version() -> str:
    """The one of the driver, the library and the command."""
    return re.search(r"^VERSION := (.*)$", (REPO / "libtw/Makefile").read_text(), re.M)[1]


def archive(folder: Path) -> None:
    """The files that git tracks, as they are now, as the archive that both want."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"tierwatch-{version()}"
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=REPO,
                            check=True, capture_output=True, text=True).stdout
    with tarfile.open(folder / f"{name}.tar.gz", "w:gz", compresslevel=1) as made:
        for path in filter(None, listed.split("\0")):
            if (REPO / path).exists():
                made.add(REPO / path, f"{name}/{path}", recursive=False)


def installed() -> set[str]:
    """Names of the files that make install puts there, without their folders."""
    root = HOME / "root"
    done = run("make", "--no-print-directory", "-C", REPO, "install", "MODULE=n",
               f"DESTDIR={root}")
    assert done.returncode == 0, done.stdout
    return {path.name for path in root.rglob("*") if not path.is_dir()}


def names(files: list[str]) -> set[str]:
    """Without folders, and without the compression of man pages."""
    return {re.sub(r"(\.[0-9])\.(gz|bz2|zst)$", r"\1", Path(one).name) for one in files}


def check_files(which: str, files: list[str], wanted: set[str]) -> None:
    """All that make install has is in a package, and the driver's sources are whole."""
    missing = wanted - names(files)
    check(f"{which}: all that make install has is in them", not missing, "\n".join(missing))
    base = f"/usr/src/tierwatch-{version()}/"
    there = {one[len(base):] for one in files if one.startswith(base) and not one.endswith("/")}
    sources = {str(path.relative_to(REPO / "driver")) for path in (REPO / "driver").rglob("*")
               if path.is_file()}
    missing = sources | {"dkms.conf", "uapi/linux/tierwatch.h"}
    missing -= there
    check(f"{which}: the driver's sources, for DKMS", not missing and sources,
          "\n".join(missing))
    stray = [one for one in files if not one.startswith("/usr/") or "/usr/local/bin" in one]
    check(f"{which}: nothing but below /usr", not stray, "\n".join(stray))


def lint(what: str, *paths: object) -> None:
    """No error of rpmlint's but those that are meant."""
    said = run("rpmlint", *paths).stdout
    errors = [line for line in said.splitlines() if re.search(r": E: ", line)
              and re.search(r": E: (\S+)", line)[1] not in MEANT]
    check(f"rpmlint: {what}", "packages and" in said and not errors, "\n".join(errors) or said)


def rpm(wanted: set[str]) -> None:
    """Fedora's way."""
    top = HOME / "rpm"
    shutil.rmtree(top, ignore_errors=True)
    archive(top / "SOURCES")
    lint("the spec", SPEC)
    wrong = HOME / "wrong.spec"
    wrong.write_text(SPEC.read_text().replace("%package libs", "%packages libs", 1))
    check("rpm: it can be read", run("rpmspec", "-P", SPEC).returncode == 0)
    check("one that is wrong cannot", run("rpmspec", "-q", wrong).returncode)
    done = run("rpmbuild", "-bb", "--nodeps", "--define", f"_topdir {top}", SPEC)
    made = sorted(top.glob("RPMS/*/*.rpm"))
    if not check("rpm: they build", done.returncode == 0 and len(made) == 5, done.stdout):
        return
    lint("the packages", *made)
    files = [line for path in made for line in
             run("rpm", "-qlp", "--nosignature", path).stdout.splitlines()]
    check_files("rpm", files, wanted)
    twice = {one for one in files if files.count(one) > 1 and one != "/usr/lib/.build-id"}
    check("rpm: no file is in two", not twice, "\n".join(twice))


def arch(wanted: set[str]) -> None:
    """Arch's way. Its makepkg refuses to run as root."""
    top = HOME / "arch"
    shutil.rmtree(top, ignore_errors=True)
    archive(top)
    shutil.copy(PKGBUILD, top)
    done = run("shellcheck", "-s", "bash", PKGBUILD)
    check("shellcheck: PKGBUILD", done.returncode == 0, done.stdout)
    who = []
    if os.getuid() == 0:
        run("chown", "-R", NOBODY, top)
        who = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    done = run(*who, "makepkg", "--nodeps", cwd=top, env={**os.environ, "HOME": str(top)})
    made = sorted(top.glob("*.pkg.tar.*"))
    if not check("arch: they build", done.returncode == 0 and len(made) == 2, done.stdout):
        return
    files = []
    for path in made:
        with tarfile.open(path) as package:
            files += [f"/{one.name}" for one in package if not one.isdir()
                      and not one.name.startswith(".")]
    # Its rules are that static libraries are not in packages.
    check_files("arch", files, wanted - {"libtw.a"})


def main() -> int:
    """Returns the exit code."""
    HOME.mkdir(parents=True, exist_ok=True)
    wanted = installed()
    rpm(wanted)
    arch(wanted)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
