# SPDX-License-Identifier: GPL-2.0
"""What `make install` puts beside the command: units, and completion in bash."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from manual import TW
from support import REPO, Loop, format_store, set_tiers, tiers_of
from tw import CPU, GPU, SSD

pytestmark = pytest.mark.once

CONF = Path("/etc/tierwatch.conf")
COMPLETION = REPO / "tools" / "tw" / "completion" / "tw.bash"


@pytest.fixture(scope="module", name="installed")
def config_installed(tmp_path_factory):
    """A root with all but what has to be built; its unit runs the command that was."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["make", "-s", "-C", REPO, "install-config", f"DESTDIR={root}",
                    f"BINDIR={TW.parent}"], check=True)
    return root


@pytest.fixture(name="unit")
def unit_file(installed):
    return installed / "lib" / "systemd" / "system" / "tierwatch.service"


def setting(unit: Path, name: str) -> str:
    return next(line.partition("=")[2] for line in unit.read_text().splitlines()
                if line.startswith(f"{name}="))


def test_files(installed):
    assert "tier_watch" in (installed / "usr/lib/modules-load.d/tierwatch.conf").read_text()
    assert "tierwatch" in (installed / "usr/lib/sysusers.d/tierwatch.conf").read_text()
    assert 'MODE="0660"' in (installed / "lib/udev/rules.d/60-tierwatch.rules").read_text()


def test_unit_is_valid(unit):
    """systemd itself says so, and would say if not."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")

    def verify(path):
        return subprocess.run(["systemd-analyze", "verify", "--man=no", path],
                              capture_output=True, text=True, check=False)

    done = verify(unit)
    assert done.returncode == 0 and "tierwatch.service" not in done.stderr, done
    wrong = unit.with_name("tierwatch-wrong.service")
    wrong.write_text(unit.read_text().replace("Type=oneshot", "Type=oneshoe"))
    assert "oneshoe" in verify(wrong).stderr
    wrong.unlink()


def test_folder_with_a_space(tmp_path):
    """Nothing can be built there, and that is what is said."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    shutil.copy(REPO / "Makefile", folder)
    done = subprocess.run(["make", "help"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode and "has a space in it" in done.stderr
    assert os.listdir(folder) == ["Makefile"]


def test_start_and_two_reloads(dev, unit, policy):
    """What the unit runs: the first changes, the others find nothing to do."""
    assert setting(unit, "ConditionPathExists") == str(CONF) and not CONF.exists()
    start, again = (shlex.split(setting(unit, name)) for name in ("ExecStart", "ExecReload"))
    # Stopped, it leaves tiers bound and swap on: pages are there.
    assert "ExecStop" not in unit.read_text()
    with tiers_of(dev, {CPU: 0, GPU: 0}), Loop(16 << 20) as disk:
        format_store(disk.path)
        CONF.write_text(f"[tier ssd]\ndevice = {disk.path}\n[policy]\nmin_stay = 5\n")
        try:
            done = subprocess.run(start, check=True, capture_output=True, text=True)
            assert done.stdout.splitlines()[0] == f"bind ssd to {disk.path}"
            info = bytes(dev.tier_info(SSD))
            for _ in range(2):
                done = subprocess.run(again, check=True, capture_output=True, text=True)
                assert (done.stdout, done.stderr) == ("nothing to do\n", "")
            assert bytes(dev.tier_info(SSD)) == info and policy().min_stay == 5
        finally:
            CONF.unlink()
            set_tiers(dev, {CPU: 0, GPU: 0})


def complete(*words: str) -> list[str]:
    """What bash offers for the last of these words."""
    script = ('source "$1"; shift; COMP_WORDS=(tw "$@"); COMP_CWORD=$#; _tw; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "--norc", "-uc", script, "bash", COMPLETION, *words],
                          env={**os.environ, "PATH": f"{TW.parent}:{os.environ['PATH']}"},
                          capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr
    return done.stdout.split()


TIERS = ["gpu", "cpu", "nvme", "ssd", "hdd"]


@pytest.mark.parametrize("words, offered", [
    (["app"], ["apply"]),
    (["tier", ""], ["list", "detect", "format", "bind", "resize", "unbind", "--help"]),
    (["--json", "tier", "unb"], ["unbind"]),
    (["tier", "bind", ""], TIERS),
    (["tier", "bind", "nv"], ["nvme"]),
    (["tier", "bind", "--nod"], ["--nodes"]),
    (["tier", "bind", "--capacity", ""], []),
    (["tier", "bind", "ssd", "/dev/nul"], ["/dev/null"]),
    (["tier", "format", "/dev/nul"], ["/dev/null"]),
    (["tier", "unbind", "--force", "h"], ["hdd"]),
    (["apply", "--dr"], ["--dry-run"]),
    (["swap", ""], ["on", "off", "status", "--help"]),
    (["swap", "on", "--pr"], ["--priority"]),
    (["swap", "on", "--size", ""], []),
    (["swap", "off", "--f"], ["--force"]),
    (["attach", "--cg"], ["--cgroup"]),
    (["detach", "--a"], ["--all"]),
    (["run", "--tiers", "c"], ["cpu"]),
    (["run", "--limit", "1G", "--", "mkswa"], ["mkswap"]),
    (["run", "--", "cat", "/etc/host"], ["/etc/host*"]),
    (["apply", "--conf", "/etc/host"], ["/etc/host*"]),
    (["--color", "=", "al"], ["always"]),
    (["--color", "="], ["auto", "always", "never"]),
    (["--hu"], ["--human"]),
    (["help", "appl"], ["apply"]),
    (["nonsense", ""], []),
], ids=" ".join)
def test_completion(words, offered):
    if offered and offered[0].endswith("*"):
        offered = sorted(str(path) for path in Path("/etc").glob(Path(offered[0]).name))
        assert offered and sorted(complete(*words)) == offered
    else:
        assert complete(*words) == offered


def asked(*words: str) -> list[str]:
    """What other shells are told: the words as they are, the last of which is typed."""
    done = subprocess.run(["bash", COMPLETION, *words], capture_output=True, text=True, check=True,
                          env={**os.environ, "PATH": f"{TW.parent}:{os.environ['PATH']}"})
    assert not done.stderr, done.stderr
    return done.stdout.split()


def fish(*words: str) -> list[str]:
    line = shlex.join(["tw", *words])
    return subprocess.run(["fish", "-N", "-c", f"source {installed('tw.fish')}; complete -C '{line}'"],
                          capture_output=True, text=True, check=True).stdout.split()


def zsh(*words: str) -> list[str]:
    """Of its own machinery only what takes the words is replaced."""
    script = ('compadd() { print -rl -- ${(P)@[-1]} }; words=(tw "$@"); CURRENT=$#words; '
              f"source {installed('tw.zsh')}")
    return subprocess.run(["zsh", "-fc", script, "zsh", *words], capture_output=True, text=True,
                          check=True).stdout.split()


def installed(name: str) -> Path:
    """As make install has it, but with the bash completion of the tree."""
    text = (COMPLETION.parent / name).read_text()
    assert text.count("@COMPLETION@") == 1
    path = Path(tempfile.gettempdir()) / name
    path.write_text(text.replace("@COMPLETION@", str(COMPLETION)))
    return path


@pytest.mark.parametrize("shell", [asked, fish, zsh], ids=["bash", "fish", "zsh"])
def test_other_shells(shell, monkeypatch):
    if shell is not asked and not shutil.which(shell.__name__):
        pytest.skip(f"no {shell.__name__} here")
    monkeypatch.setenv("PATH", f"{TW.parent}:{os.environ['PATH']}")
    assert shell("tier", "unb") == ["unbind"]
    assert sorted(shell("tier", "bind", "")) == sorted(TIERS)
    assert shell("--color=al") == ["--color=always"]
    assert shell("agent", "limit", "7", "cp") == ["cpu="]
    assert shell("heatmap", "/et") == ["/etc/"]


def described() -> dict[tuple[str, ...], set[str]]:
    """Commands with the options that their pages' synopses have."""
    found: dict[tuple[str, ...], set[str]] = {}
    for page in sorted((REPO / "tools" / "tw" / "man").glob("tw-*.1")):
        command: tuple[str, ...] = ()
        for line in re.search(r"^\.Sh SYNOPSIS\n(.*?)^\.Sh ", page.read_text(), re.M | re.S)[
                1].splitlines():
            begins = re.match(r"\.Nm tw (.*)", line)
            if begins:
                command = tuple(re.findall(r"\b[a-z]+\b", begins[1].partition("Fl")[0]))
            found.setdefault(command, set()).update(
                f"--{name}" for name in re.findall(r"Fl -([a-z-]+)", line))
    return found


def test_completion_knows_every_option():
    """What a command's page has is offered, for each there is."""
    commands = described()
    assert ("tier", "bind") in commands and len(commands) > 20
    for command, options in commands.items():
        offered = set(asked(*command, "--"))
        assert {word.rstrip("=") for word in offered} >= options | {"--help"}, command


def test_completion_knows_every_command():
    """Whatever tw's help names is offered."""
    shown = subprocess.run([TW, "help"], capture_output=True, text=True, check=True).stdout
    names = [line.split()[0] for line in shown.splitlines() if re.match("  [a-z]", line)]
    assert complete("") == names and len(names) > 5
