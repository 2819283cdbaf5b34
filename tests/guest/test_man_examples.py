# SPDX-License-Identifier: GPL-2.0
"""Every command has a man page, and what its EXAMPLES show works as it stands."""

import re
import subprocess
from contextlib import contextmanager

import pytest

import tw
from manual import (FIXTURES, LIMIT, PAGES, TW, all_examples, commands_of, examples, expected,
                    plain, run_example, section)
from support import REPO, Child, Ext4, Layout, Loop, Reached, fill, set_tiers
from tw import CPU, HDD, NVME, PAGE, SSD, TIERS

pytestmark = pytest.mark.once

AGENT = 7
TOUCHED = 64
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"]


def verbs() -> list[str]:
    """The commands that tw knows."""
    shown = subprocess.run([TW, "help"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^  ([a-z]+) ", shown, re.M)
    assert len(found) > 5
    return [verb for verb in found if verb != "help"]


class Program:
    """A program with a region of some touched pages, as agent 7."""

    def __init__(self, busy: bool):
        self.there, self.enough = Reached(), Reached()
        self.said = tw.Mapping.map(-1, PAGE, flags=tw.MAP_SHARED | tw.MAP_ANONYMOUS)
        self.child = Child(self._body, busy)
        self.there.wait()
        self.page, self.addr = (int.from_bytes(self.said.read(at, 8), "little") for at in (0, 8))

    def _body(self, busy: bool) -> None:
        with tw.Device() as device, device.agent(AGENT) as agent, \
                device.region(4 * TOUCHED * PAGE, agent=agent) as region, region.map() as mapping:
            fill(mapping, range(TOUCHED), 1)
            self.said.write(0, region.page(3).to_bytes(8, "little"))
            self.said.write(8, (mapping.addr + 3 * PAGE).to_bytes(8, "little"))
            self.there.set()
            while not self.enough.get():
                if busy:
                    # Out to a store, and in again by a touch.
                    region.migrate(8 * PAGE, 4 * PAGE, NVME)
                    mapping.read(8 * PAGE, 4 * PAGE)
                else:
                    self.enough.wait(seconds=LIMIT)

    def close(self) -> None:
        self.enough.set()
        self.child.result()
        self.said.unmap()


@contextmanager
def as_before(device: tw.Device):
    """Tiers, policy and thresholds are put back."""
    knobs = device.policy().knobs()
    levels = [device.thresholds(tier) for tier in TIERS]
    try:
        yield
    finally:
        device.policy(**knobs)
        for tier, was in zip(TIERS, levels):
            device.thresholds(tier, list(was.enter), list(was.leave))
        for group, _ in device.groups():
            device.group_limits(group, [tw.TW_NO_LIMIT] * len(TIERS))
        Layout.restore(device)


@pytest.mark.parametrize("example", all_examples("bound", "busy"), ids=str)
def test_bound(dev, example, tmp_path):
    """All five tiers are bound and a program uses them."""
    with as_before(dev):
        assert dev.bound() == set(TIERS)
        program = Program(example.fixture == "busy")
        try:
            run_example(example, tmp_path, PAGE=hex(program.page), ADDR=hex(program.addr),
                        PID=program.child.pid)
        finally:
            program.close()


@pytest.mark.parametrize("example", all_examples("bare"), ids=str)
def test_bare(dev, example, tmp_path):
    """Nothing is bound; there are an empty disk and room for a file."""
    with as_before(dev), Loop(64 << 20) as disk, Ext4(96 << 20) as files:
        set_tiers(dev, {})
        try:
            run_example(example, tmp_path, DISK=disk.path, FILE=files.path / "store")
        finally:
            subprocess.run([TW, "swap", "off"], check=True)
            for tier in (NVME, SSD, HDD):
                if tier in dev.bound():
                    subprocess.run([TW, "tier", "unbind", tw.TIER_NAMES[tier]], check=True)
            assert CPU in dev.bound() or not dev.bound()


@pytest.mark.parametrize("name, says", [
    ("tw_event", r"16 faults: 16 first touches, 16 writes\n"),
    ("tw_ring", r"(cpu \d+: 0 read, 0 lost, 0 failed\n)+"),
    ("tw_stats", r"(\w+: \d+ of [1-9]\d* pages, \d+ first touches\n){5}")])
def test_programs_of_the_library(name, says, dev, tmp_path):
    """The programs in C that the pages of structs show, compiled and run."""
    assert dev.bound() == set(TIERS)
    shown = "\n".join(section((REPO / f"libtw/man/{name}.3").read_text(encoding="utf-8"),
                              "EXAMPLES")[1])
    text = shown.partition(".Bd -literal -offset indent\n")[2].partition("\n.Ed")[0]
    source, binary = tmp_path / f"{name}.c", tmp_path / name
    source.write_text(plain(text) + "\n", encoding="utf-8")
    # A library that counts its lines wants what it counts with.
    counting = ["--coverage"] if list((REPO / "build/lib/obj").glob("*.gcno")) else []
    subprocess.run(["cc", "-Wall", "-Werror", f"-I{REPO}/libtw", f"-I{REPO}/uapi", *counting,
                    "-o", binary, source, REPO / "build/lib/libtw.a"], check=True)
    run = subprocess.run([binary], capture_output=True, text=True, timeout=LIMIT, check=False)
    assert run.returncode == 0, run.stderr
    assert re.fullmatch(says, run.stdout), run.stdout


def test_fixtures_are_known():
    """No example is left out by a mistyped word, and none names this machine's files."""
    for path in PAGES:
        for one in examples(path):
            assert one.fixture in FIXTURES, str(one)


@pytest.mark.parametrize("verb", verbs())
def test_page_of(verb):
    """Each command has a page with all sections, and tw(1) names it."""
    path = next((path for path in PAGES if path.name == f"tw-{verb}.1"), None)
    assert path, f"tools/tw/man/tw-{verb}.1 is missing"
    text = path.read_text(encoding="utf-8")
    sections = re.findall(r"^\.Sh (.*)", text, re.M)
    assert [one for one in SECTIONS if one not in sections] == []
    assert examples(path), "no example"
    assert f".It Xr tw-{verb} 1" in PAGES[0].read_text(encoding="utf-8")


def test_overview_names_nothing_else():
    """tw(1) lists the commands that there are, each once."""
    named = re.findall(r"^\.It Xr tw-(\w+) 1", PAGES[0].read_text(encoding="utf-8"), re.M)
    assert sorted(named) == sorted(verbs())


def test_references():
    """A page that ours refer to by a name of ours is there."""
    there = {path.name for path in (REPO / "tools").rglob("*.[1578]")}
    there |= {path.name for path in (REPO / "libtw").rglob("*.[34]")}
    for path in PAGES:
        for name, part in re.findall(r"^\.(?:It )?Xr ((?:tw|tierwatch|libtw)\S*) (\d)",
                                     path.read_text(encoding="utf-8"), re.M):
            assert f"{name}.{part}" in there, f"{path.name} refers to {name}({part})"


def test_reading_of_examples():
    """The reader sees commands, continued lines, escapes and exit codes."""
    block = ["# tw tier \\e", "\tlist", "TIER  KIND", "$ echo \\(aqa\\(aq # exit 3", "", "#none"]
    assert commands_of(block) == ("tw tier \\\n\tlist", "echo 'a' # exit 3")
    assert expected("false # exit 12") == 12
    assert expected("true") == 0
