# SPDX-License-Identifier: GPL-2.0
"""tw migrate: by number, address and agent; sums, refusals, an end by Ctrl-C."""

import json
import os
import pty
import re
import subprocess

import pytest

import tw
from command import (FAILED, INTERRUPTED, LIMIT, NO_PERMISSION, TW, USAGE, tw_json, tw_refused,
                     tw_run, tw_text)
from support import (NOBODY, OTHER, Child, Pin, Reached, close_made, device_gid, fill, place, tiers_of,
                     wrong)
from test_tw_page import Program
from tw import CPU, GPU, HDD, NONE, NVME, PAGE, SSD

pytestmark = pytest.mark.once


def span(region, first, last):
    """A range of page numbers, without its end."""
    return f"{hex(region.page(first))}..{hex(region.page(last - 1) + 1)}"


def sums(got) -> tuple:
    return tuple(got[name] for name in ("total", "done", "moved", "already", "untouched",
                                        "failed"))


class TestByNumber:
    def test_singly(self, make):
        """A word for each."""
        region, mapping = make(8, seed=1, touched=6)
        place(region, 1, 1, NVME)
        done = tw_run("migrate", "nvme", *[hex(region.page(index)) for index in (0, 1, 6)])
        assert done.returncode == FAILED and "1 of 3 pages could not be moved" in done.stderr
        assert done.stdout.splitlines() == [
            f"{hex(region.page(0))}: moved", f"{hex(region.page(1))}: there already",
            f"{hex(region.page(6))}: no such page, not yours or never touched"]
        assert region.tiers() == [NVME] * 2 + [CPU] * 4 + [NONE] * 2
        got = tw_json("migrate", "ssd", hex(region.page(0)), hex(region.page(7)), code=FAILED)
        assert sums(got) == (2, 2, 1, 0, 0, 1) and got["failures"] == {"absent": 1}
        assert [(page["page"], page["status"]) for page in got["pages"]] == \
            [(hex(region.page(0)), 0), (hex(region.page(7)), -2)]
        assert wrong(mapping, range(6), 1) == []

    def test_range(self, make):
        """The sum; what was never touched is no failure."""
        region, mapping = make(1500, seed=1, touched=1200)
        place(region, 0, 3, GPU)
        got = tw_json("migrate", "gpu", span(region, 0, 1500))
        assert sums(got) == (1500, 1500, 1197, 3, 300, 0)
        assert (got["to"], got["interrupted"], got["pages"]) == ("gpu", False, [])
        assert region.tiers() == [GPU] * 1200 + [NONE] * 300
        text = tw_text("migrate", "cpu", span(region, 0, 1500))
        assert text == "1200 pages (4.7 MiB) moved to cpu, 300 never touched or not yours\n"
        assert wrong(mapping, range(1200), 1) == []

    def test_nothing_there(self, make):
        """A range of nobody's pages is a mistake."""
        region, _ = make(4, touched=4)
        done = tw_run("migrate", "gpu", f"{hex(region.page(3) + 1)}..{hex(region.page(3) + 9)}")
        assert done.returncode == FAILED and "8 of 8 pages" in done.stderr
        assert region.tiers() == [CPU] * 4

    def test_from(self, make):
        """Only those that are there."""
        region, _ = make(8, touched=8)
        place(region, 0, 4, NVME)
        got = tw_json("migrate", "--from", "nvme", "gpu", span(region, 0, 8), code=FAILED)
        assert sums(got) == (8, 8, 4, 0, 0, 4) and got["failures"] == {"elsewhere": 4}
        assert got["from"] == "nvme" and region.tiers() == [GPU] * 4 + [CPU] * 4

    def test_pinned(self, make):
        region, mapping = make(8, seed=1, touched=8)
        with Pin(mapping.addr + 2 * PAGE, 2):
            done = tw_run("migrate", "gpu", span(region, 0, 8))
            assert done.returncode == FAILED
            assert done.stdout == ("6 pages (24.0 KiB) moved to gpu, 2 failed\n"
                                   "  2: pinned or on its way\n")
            assert region.tiers() == [GPU] * 2 + [CPU] * 2 + [GPU] * 4
        assert wrong(mapping, range(8), 1) == []

    def test_full(self, dev, make):
        with tiers_of(dev, {CPU: 0, HDD: 64}):
            region, mapping = make(70, seed=1, touched=70)
            got = tw_json("migrate", "hdd", span(region, 0, 70), code=FAILED)
            assert sums(got) == (70, 70, 64, 0, 0, 6) and got["failures"] == {"full": 6}
            assert region.tiers().count(HDD) == 64
            assert wrong(mapping, range(70), 1) == []
            close_made()

    def test_not_bound(self, dev, make):
        with tiers_of(dev, {CPU: 0}):
            region, _ = make(4, touched=4)
            done = tw_run("migrate", "ssd", span(region, 0, 4))
            assert done.returncode == FAILED and "ssd tier is not bound" in done.stderr
            assert region.tiers() == [CPU] * 4

    def test_others(self, make):
        """A user moves nothing of root's, by number or by frame."""
        region, _ = make(4, touched=4)
        frames = [hex(page.pfn) for page in region.pages()]
        for words in ([hex(region.page(index)) for index in range(4)], frames,
                      [span(region, 0, 4)]):
            done = tw_run("migrate", "gpu", *words, uid=NOBODY)
            assert done.returncode == FAILED and "4 of 4 pages" in done.stderr
        assert region.tiers() == [CPU] * 4
        assert tw_json("migrate", "gpu", *frames)["moved"] == 4

    @pytest.mark.parametrize("words,said", [
        ((), "a tier"), (("tape", 1), "no such tier"), (("cpu",), "page numbers"),
        (("cpu", "x"), "not a page's number"), (("cpu", "5..4"), "not a page's number"),
        (("--from", "tape", "cpu", 1), "no such tier"), (("--pid", "x", "cpu"), "process"),
        (("--pid", 1, "cpu", "x"), "not an address"), (("--agent", "x", "cpu"), "not an agent"),
        (("--agent", 7, "cpu", 1), "not both"), (("--agent", 7, "--pid", 1, "cpu"), "not both")])
    def test_usage(self, make, words, said):
        region, _ = make(2, touched=2)
        tw_refused(USAGE, said, "migrate", *words)
        assert region.tiers() == [CPU] * 2


class TestByAddress:
    def test_range_and_all(self, dev):
        with Program() as program:
            numbers = [tw.TW_PAGE(program.region, index) for index in range(16)]

            def tiers():
                return [page.tier for page in dev.page_info(numbers)]

            got = tw_json("migrate", "--pid", program.pid, "nvme", program.at(0),
                          f"{program.at(2)}..{program.at(5)}")
            assert sums(got) == (4, 4, 4, 0, 0, 0)
            assert [(page["page"], page["addr"]) for page in got["pages"]] == \
                [(program.number(0), program.at(0))]
            assert tiers() == [NVME, CPU, NVME, NVME, NVME] + [CPU] * 11
            text = tw_text("migrate", "ssd", "--pid", program.pid)
            assert text == "16 pages (64.0 KiB) moved to ssd, 16 never touched or not yours\n"
            assert tiers() == [SSD] * 16
            assert tw_text("migrate", "--pid", program.pid, "cpu", program.at(1)) == \
                f"{program.at(1)}: moved\n"

    def test_refused(self, dev):
        """One wrong address, and nothing moves."""
        with Program() as program, Program(OTHER) as others:
            tw_refused(FAILED, "is not in a region", "migrate", "--pid", program.pid, "gpu",
                       program.at(0), "0x1000")
            tw_refused(FAILED, "is not in a region", "migrate", "--pid", program.pid, "gpu",
                       f"{program.at(0)}..{program.at(33)}")
            for one in (program, others):
                tw_refused(NO_PERMISSION, "no permission to look into", "migrate", "--pid",
                           one.pid, "gpu", uid=NOBODY)
                assert {page.tier for page in dev.page_info(
                    [tw.TW_PAGE(one.region, index) for index in range(16)])} == {CPU}
            tw_refused(FAILED, "no regions", "migrate", "--pid", 1, "gpu")

    def test_own(self, dev):
        with Program(NOBODY) as program:
            assert tw_json("migrate", "--pid", program.pid, "gpu", uid=NOBODY)["moved"] == 16
            assert dev.page_info([tw.TW_PAGE(program.region, 0)])[0].tier == GPU


class TestByAgent:
    def test_all(self, dev, make):
        """All regions of the agent, nothing of others."""
        with dev.agent(7) as agent:
            one, first = make(700, seed=1, touched=700, agent=agent)
            two, second = make(8, seed=2, touched=4, agent=agent)
            other, _ = make(8, touched=8)
            got = tw_json("migrate", "gpu", "--agent", 7)
            assert sums(got) == (704, 704, 704, 0, 0, 0)
            assert one.tiers() == [GPU] * 700 and two.tiers() == [GPU] * 4 + [NONE] * 4
            assert other.tiers() == [CPU] * 8
            place(two, 0, 2, NVME)
            got = tw_json("migrate", "--agent", 7, "--from", "nvme", "cpu")
            assert sums(got) == (2, 2, 2, 0, 0, 0)
            assert two.tiers()[:4] == [CPU] * 2 + [GPU] * 2
            assert wrong(first, range(700), 1) == wrong(second, range(4), 2) == []
            assert tw_text("migrate", "cpu", "--agent", 7) == "702 pages (2.7 MiB) moved to cpu\n"
            assert tw_text("migrate", "cpu", "--agent", 7) == "0 pages (0 B) moved to cpu\n"

    def test_pinned(self, dev, make):
        """Failures are counted once, however many calls it takes."""
        with dev.agent(7) as agent:
            region, mapping = make(1100, touched=1100, agent=agent)
            with Pin(mapping.addr, 3):
                got = tw_json("migrate", "gpu", "--agent", 7, code=FAILED)
                assert sums(got) == (1100, 1100, 1097, 0, 0, 3)
            assert region.tiers() == [CPU] * 3 + [GPU] * 1097

    def test_others(self, dev, make):
        """Not another user's, and none that isn't there."""
        made, done = Reached(), Reached()

        def hold():
            with tw.Device() as device, device.agent(9) as agent, \
                    device.region(4 * PAGE, agent=agent) as region, region.map() as mapping:
                fill(mapping, range(4), 1)
                made.set()
                done.wait(seconds=100)
                return region.tiers()

        child = Child(hold, uid=OTHER, gid=OTHER, groups=[device_gid()])
        made.wait()
        with dev.agent(7) as agent:
            region, _ = make(4, touched=4, agent=agent)
            tw_refused(FAILED, "another user's", "migrate", "gpu", "--agent", 9)
            tw_refused(FAILED, "no agent 7", "migrate", "gpu", "--agent", 7, uid=NOBODY)
            tw_refused(FAILED, "no agent 8", "migrate", "gpu", "--agent", 8)
            assert region.tiers() == [CPU] * 4
        done.set()
        assert child.result() == [CPU] * 4


def with_signal(number: str, call: int, *words) -> subprocess.CompletedProcess:
    """Run tw; the signal comes when it makes this call of the driver."""
    return subprocess.run(["strace", "-o", "/dev/null", "-e", "trace=ioctl", "-e",
                           f"inject=ioctl:signal={number}:when={call}", TW, *map(str, words)],
                          capture_output=True, text=True, check=False, timeout=LIMIT,
                          stdin=subprocess.DEVNULL)


@pytest.mark.every_kernel
class TestInterrupted:
    # The first two calls ask what the driver is; between two batches stderr is asked
    # whether it is a terminal.
    @pytest.mark.parametrize("number", ["INT", "TERM"])
    @pytest.mark.parametrize("call,least", [(3, 0), (5, 512), (7, 1024)])
    def test_between_batches(self, make, number, call, least):
        """What is done is told and kept, the rest is untouched."""
        region, mapping = make(3000, seed=1, touched=3000)
        done = with_signal(number, call, "migrate", "gpu", "--json", span(region, 0, 3000))
        assert done.returncode == INTERRUPTED, done
        got = json.loads(done.stdout)
        moved = region.tiers().count(GPU)
        assert got["interrupted"] and got["failed"] == 0
        assert got["done"] == got["moved"] == moved < 3000
        assert moved >= least
        assert region.tiers() == [GPU] * moved + [CPU] * (3000 - moved)
        assert wrong(mapping, range(3000), 1) == []

    def test_said(self, make):
        region, _ = make(3000, touched=3000)
        done = with_signal("INT", 4, "migrate", "gpu", span(region, 0, 3000))
        assert done.returncode == INTERRUPTED
        moved = region.tiers().count(GPU)
        assert re.match(rf"{moved} pages \(.*\) moved to gpu\n", done.stdout)
        assert f"interrupted after {moved} of 3000 pages; what has moved stays moved" in \
            done.stderr

    def test_agent(self, dev, make):
        with dev.agent(7) as agent:
            region, mapping = make(3000, seed=1, touched=3000, agent=agent)
            done = with_signal("INT", 6, "migrate", "gpu", "--agent", 7, "--json")
            assert done.returncode == INTERRUPTED, done
            got = json.loads(done.stdout)
            moved = region.tiers().count(GPU)
            assert got["moved"] == moved < 3000 and got["total"] == 3000
            assert wrong(mapping, range(3000), 1) == []

    def test_another_signal(self, make):
        """One that means nothing to it stops nothing and is counted nowhere."""
        region, mapping = make(3000, seed=1, touched=3000)
        done = with_signal("WINCH", 4, "migrate", "gpu", "--json", span(region, 0, 3000))
        assert done.returncode == 0, done
        assert sums(json.loads(done.stdout)) == (3000, 3000, 3000, 0, 0, 0)
        assert region.tiers() == [GPU] * 3000 and wrong(mapping, range(3000), 1) == []


def test_progress(make):
    """On a terminal it shows how far it is, and takes that away at the end; elsewhere not."""
    region, _ = make(3000, touched=3000)
    ours, theirs = pty.openpty()
    with subprocess.Popen([TW, "migrate", "gpu", span(region, 0, 3000)], stderr=theirs,
                          stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        os.close(theirs)
        out, _ = process.communicate(timeout=LIMIT)
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:
        pass                        # the other end is closed
    os.close(ours)
    assert out == "3000 pages (11.7 MiB) moved to gpu\n"
    assert b"moving: 512 of 3000 pages (17 %)" in said and said.endswith(b"\r\x1b[K")
    assert tw_run("migrate", "cpu", span(region, 0, 3000)).stderr == ""
