# SPDX-License-Identifier: GPL-2.0
"""tw page: by number, by frame, by address in a process; and who may."""

import os

import pytest

import tw
from command import FAILED, NO_PERMISSION, USAGE, tw_json, tw_refused, tw_run, tw_text
from support import (NOBODY, OTHER, Child, Reached, be_traceable, device_gid, fill, place,
                     wait_for)
from tw import CPU, GPU, NONE, NVME, PAGE, TIER_NAMES

pytestmark = pytest.mark.once

CLASSES = ("warm", "hot", "cold")


class Program:
    """A process with a region of its own, 16 of 32 pages touched, as some user."""

    def __init__(self, uid=None, closed=False):
        self.there, self.enough = Reached(), Reached()
        self.said = tw.Mapping.map(-1, PAGE, flags=tw.MAP_SHARED | tw.MAP_ANONYMOUS)

        def body():
            # Who has changed his user may be looked into by root alone otherwise.
            be_traceable()
            with tw.Device() as device:
                region = device.region(32 * PAGE)
                mapping = region.map()
                fill(mapping, range(16), 1)
                self.said.write(0, region.id.to_bytes(8, "little"))
                self.said.write(8, mapping.addr.to_bytes(8, "little"))
                if closed:
                    region.close()
                self.there.set()
                self.enough.wait(seconds=100)
                return mapping.read(5 * PAGE, 8)

        who = {} if uid is None else {"uid": uid, "gid": uid, "groups": [device_gid()]}
        self.child = Child(body, **who)
        self.there.wait()
        self.region, self.addr = (int.from_bytes(self.said.read(at, 8), "little")
                                  for at in (0, 8))
        self.pid = self.child.pid

    def at(self, page: int) -> str:
        return hex(self.addr + page * PAGE)

    def number(self, page: int) -> str:
        return hex(tw.TW_PAGE(self.region, page))

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.enough.set()
        self.child.result()
        self.said.unmap()


def shown(page: tw.Page) -> dict:
    """What tw should say of it."""
    flags = {name: bool(page.flags & bit) for name, bit in (
        ("kept", tw.TW_PAGE_KEPT), ("lost", tw.TW_PAGE_LOST), ("busy", tw.TW_PAGE_BUSY),
        ("external", tw.TW_PAGE_EXTERNAL), ("huge", tw.TW_PAGE_HUGE),
        ("attached", tw.TW_PAGE_ATTACHED))}
    nowhere = "elsewhere" if flags["attached"] else "untouched"
    state = nowhere if page.tier == NONE else "memory" if page.tier <= CPU else "store"
    return {"schema": "tierwatch/page/1", "page": hex(page.page), "status": 0,
            "tier": "none" if page.tier == NONE else TIER_NAMES[page.tier], "state": state,
            "pfn": hex(page.pfn), "node": page.node, "best_node": page.best_node,
            "heat": page.heat, "age": page.age, "temperature": CLASSES[page.temperature],
            "agent": page.agent, **flags}


class TestByNumber:
    def test_figures(self, dev, make):
        """Everything that the driver says of a page."""
        with dev.agent(77) as agent:
            region, _ = make(8, touched=6, agent=agent)
            place(region, 1, 1, GPU)
            place(region, 2, 1, NVME)
            place(region, 3, 1, NVME)
            place(region, 3, 1, CPU)
            dev.mark([region.page(4)], tw.TW_CLASS_HOT)
            dev.mark([region.page(5)], tw.TW_CLASS_COLD)
            numbers = [region.page(index) for index in range(8)]
            got = tw_json("page", *map(hex, numbers))
            assert got == [shown(page) for page in dev.page_info(numbers)]
            assert [page["state"] for page in got] == \
                ["memory", "memory", "store", "memory", "memory", "memory", "untouched",
                 "untouched"]
            assert got[3]["kept"] and [page["temperature"] for page in got[4:6]] == ["hot", "cold"]
            assert {page["agent"] for page in got} == {77}
            # A range, and numbers in decimal, are the same.
            assert tw_json("page", f"{numbers[0]}..{hex(numbers[7] + 1)}") == got
            text = tw_text("page", *map(hex, numbers)).splitlines()
            assert len(text) == 9 and text[3].split()[:3] == [hex(numbers[2]), "nvme", "store"]
            assert " kept" in text[4]

    def test_frame(self, dev, make):
        """A frame's number is its page's; users see none and may ask for none."""
        region, _ = make(4, touched=4)
        frame = region.pages()[2].pfn
        assert tw_json("page", hex(frame)) == tw_json("page", hex(region.page(2)))
        assert tw_json("page", frame)[0]["pfn"] == hex(frame)
        got = tw_json("page", hex(frame), code=FAILED, uid=NOBODY)
        assert got == [{"schema": "tierwatch/page/1", "page": hex(frame), "status": -2}]

    def test_external(self, dev):
        assert dev.track([1 << 40], CPU).done == 1
        try:
            assert tw_json("page", hex(1 << 40))[0]["external"]
            assert " external" in tw_text("page", hex(1 << 40))
        finally:
            dev.untrack([1 << 40])

    def test_absent(self, make):
        """Those that are there are shown, the exit code tells of the others."""
        region, _ = make(4, touched=4)
        done = tw_run("page", hex(region.page(0)), hex(region.page(4)))
        assert done.returncode == FAILED and "1 of 2 pages" in done.stderr
        assert "no such page, or not yours" in done.stdout.splitlines()[2]
        got = tw_json("page", hex(region.page(0)), hex(region.page(4)), code=FAILED)
        assert [page["status"] for page in got] == [0, -2]

    def test_many(self, make):
        """More than are asked for at a time."""
        region, _ = make(2000, touched=1)
        got = tw_json("page", f"{hex(region.page(0))}..{hex(region.page(1999) + 1)}")
        assert [int(page["page"], 16) for page in got] == [region.page(i) for i in range(2000)]

    @pytest.mark.parametrize("words", [
        (), ("x",), ("-1",), ("5..",), ("..5",), ("5..5",), ("6..5",), ("1..2..3",),
        (1 << 64,), ((1 << 64) - 1,), ("--pid", 0), ("--pid", "x", "1"), ("--pid", 1 << 31)])
    def test_usage(self, words):
        tw_refused(USAGE, "", "page", *words)


class TestByAddress:
    def test_pages(self, dev):
        """The page that an address is in, and those of a range."""
        with Program() as program:
            got = tw_json("page", "--pid", program.pid, hex(program.addr + 5 * PAGE + 77))
            assert got == [{**shown(dev.page_info([tw.TW_PAGE(program.region, 5)])[0]),
                            "addr": program.at(5)}]
            got = tw_json("page", "--pid", program.pid, f"{program.at(14)}..{program.at(18)}")
            assert [(page["page"], page["addr"], page["tier"]) for page in got] == \
                [(program.number(i), program.at(i), "cpu" if i < 16 else "none")
                 for i in range(14, 18)]
            # Not whole pages: those that it touches.
            got = tw_json("page", "--pid", program.pid,
                          f"{program.addr + 1}..{program.addr + PAGE + 1}")
            assert [page["addr"] for page in got] == [program.at(0), program.at(1)]
            assert f" at {program.at(3)} " in tw_text("page", "--pid", program.pid, program.at(3))

    def test_regions(self, dev):
        """Where they are, and what is in each tier."""
        with Program() as program:
            numbers = [tw.TW_PAGE(program.region, index) for index in range(4)]
            assert dev.migrate(numbers, NVME).moved == 4
            assert tw_json("page", "--pid", program.pid) == [{
                "schema": "tierwatch/page-region/1",
                "start": program.at(0), "end": program.at(32), "offset": 0, "known": True,
                "region": program.region, "bytes": 32 * PAGE, "first_page": program.number(0),
                "agent": dev.agents()[0].id, "lost": 0,
                "pages": {"gpu": 0, "cpu": 12, "nvme": 4, "ssd": 0, "hdd": 0}}]
            text = tw_text("page", "--pid", program.pid)
            assert f"{program.at(0)}..{program.at(32)}" in text
            assert max(map(len, text.splitlines())) <= 86    # two addresses, ten digits
        assert tw_json("page", "--pid", 1) == []
        assert "no regions" in tw_text("page", "--pid", 1)

    def test_several_mappings(self, dev, make):
        """Of several regions, and of a part of one: the offset counts."""
        one, first = make(8, touched=8)
        two, second = make(8, touched=8)
        part = tw.Mapping.map(one.fd, 4 * PAGE, tw.PROT_READ, offset=3 * PAGE)
        try:
            got = tw_json("page", "--pid", os.getpid(), hex(part.addr + PAGE), hex(second.addr),
                          hex(first.addr))
            assert [int(page["page"], 16) for page in got] == \
                [one.page(4), two.page(0), one.page(0)]
            assert sorted((one["region"], one["offset"]) for one in
                          tw_json("page", "--pid", os.getpid())) == \
                sorted([(one.id, 0), (one.id, 3 * PAGE), (two.id, 0)])
        finally:
            part.unmap()

    def test_elsewhere(self):
        """Outside a region, and a range that leaves one."""
        with Program() as program:
            tw_refused(FAILED, "is not in a region", "page", "--pid", program.pid, "0x1000")
            said = tw_refused(FAILED, "is not in a region", "page", "--pid", program.pid,
                              f"{program.at(30)}..{program.at(33)}")
            assert program.at(32) in said
            tw_refused(FAILED, "is not in a region", "page", "--pid", program.pid,
                       (1 << 64) - 2)

    def test_attached(self, dev, policy):
        """Any address of an attached program: the driver's figures for the page there."""
        policy(enabled=1, scan_min_ms=20, scan_max_ms=50, scan_permille=500)
        memory = tw.Mapping.map(-1, 8 * PAGE, flags=tw.MAP_PRIVATE | tw.MAP_ANONYMOUS)
        for index in range(6):
            memory.write(index * PAGE, b"x")
        one, pid = dev.attach(os.getpid()), os.getpid()
        try:
            last = dev.attached(one).scans
            assert wait_for(lambda: dev.attached(one).scans > last + 1, 30)
            policy(enabled=0)

            def asked():
                return [shown(page) for page in dev.page_info(
                    [tw.TW_PAGE(one, memory.addr // PAGE + index) for index in range(8)])]

            # A scan that was under way ends first.
            wanted, got = None, []
            while wanted != asked():
                wanted = asked()
                got = tw_json("page", "--pid", pid,
                              f"{hex(memory.addr)}..{hex(memory.addr + 8 * PAGE)}")
            assert [page.pop("addr") for page in got] == \
                [hex(memory.addr + index * PAGE) for index in range(8)]
            assert got == wanted
            assert [page["state"] for page in got] == ["memory"] * 6 + ["elsewhere"] * 2
            assert all(page["attached"] for page in got)
            text = tw_text("page", "--pid", pid, hex(memory.addr + 100))
            assert f" at {hex(memory.addr)} " in text and " attached" in text
            tw_refused(FAILED, "is not in a region", "page", "--pid", pid, (1 << 64) - 2)
            tw_refused(FAILED, "is not in a region", "migrate", "--pid", pid, "nvme",
                       hex(memory.addr))
            assert "It is attached" in tw_text("page", "--pid", pid)
        finally:
            dev.detach(one)
            memory.unmap()
        tw_refused(FAILED, "is not in a region", "page", "--pid", pid, hex(memory.addr))

    def test_false_name(self, make, tmp_path):
        """A file that only looks like a region is none: not to page, migrate or record."""
        path = tmp_path / "[tierwatch] (deleted)"
        path.touch()
        said = tw.Mapping.map(-1, PAGE, flags=tw.MAP_SHARED | tw.MAP_ANONYMOUS)
        there, enough = Reached(), Reached()

        def body():
            fd = os.open(path, os.O_RDWR)
            os.ftruncate(fd, 8 * PAGE)
            view = tw.Mapping.map(fd, 8 * PAGE, flags=tw.MAP_SHARED)
            said.write(0, view.addr.to_bytes(8, "little"))
            there.set()
            enough.wait(seconds=100)

        child = Child(body)
        there.wait()
        region, _ = make(8, touched=8)
        addr = hex(int.from_bytes(said.read(0, 8), "little"))
        try:
            assert tw_json("page", "--pid", child.pid) == []
            tw_refused(FAILED, "is not in a region", "page", "--pid", child.pid, addr)
            tw_refused(FAILED, "is not in a region", "migrate", "--pid", child.pid, "nvme", addr)
            tw_refused(FAILED, "no regions mapped", "migrate", "--pid", child.pid, "nvme")
            tw_refused(FAILED, "no region mapped", "record", "--pid", child.pid, "--output",
                       tmp_path / "none.rec")
        finally:
            enough.set()
            child.result()
        assert region.tiers() == [CPU] * 8

    def test_one_device(self, dev, make):
        """All regions alive are on one device, also when none of its files is open."""
        with Program(closed=True) as program:
            region, _ = make(1)
            assert os.fstat(region.fd).st_dev == dev.info().region_dev
            assert [it["region"] for it in tw_json("page", "--pid", program.pid)] == \
                [program.region]

    def test_closed(self):
        """Mapped, but its descriptor is gone: its pages can be told all the same."""
        with Program(closed=True) as program:
            assert tw_json("page", "--pid", program.pid, program.at(2))[0]["page"] == \
                program.number(2)
            region = tw_json("page", "--pid", program.pid)[0]
            assert region["known"] is False and region["first_page"] == program.number(0)
            assert "descriptor is closed" in tw_text("page", "--pid", program.pid)

    def test_whose(self):
        """A user's own processes, not others'."""
        with Program(NOBODY) as own, Program() as roots, Program(OTHER) as others:
            assert tw_json("page", "--pid", own.pid, own.at(2), uid=NOBODY)[0]["page"] == \
                own.number(2)
            for program in (roots, others):
                tw_refused(NO_PERMISSION, "no permission to look into", "page", "--pid",
                           program.pid, program.at(2), uid=NOBODY)
                tw_refused(NO_PERMISSION, "no permission to look into", "page", "--pid",
                           program.pid, uid=NOBODY)
                assert tw_json("page", "--pid", program.pid, program.at(2))[0]["tier"] == "cpu"

    def test_no_process(self):
        child = Child(lambda: None)
        child.result()
        tw_refused(FAILED, f"no process {child.pid}", "page", "--pid", child.pid, "0x1000")
