# SPDX-License-Identifier: GPL-2.0
"""tw record and tw heatmap: what is in the file, what is in the picture, how they end."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

import tw
from support import (NOBODY, OTHER, Child, Reached, be_traceable, device_gid, fill, place,
                     tiers_of, wait_for)
from test_attached import Program, attached, hot
from test_policy import Toucher, fast
from tw import CPU, GPU, NVME, PAGE, SSD
from views import Running, run, run_as

pytestmark = pytest.mark.once

HOT, COLD = tw.TW_CLASS_HOT, tw.TW_CLASS_COLD
# As heatmap_data.c has them.
BRIGHT = {GPU: (0xd0, 0x70, 0xff), CPU: (0xff, 0x50, 0x30), NVME: (0xff, 0xd0, 0x30),
          SSD: (0x50, 0xd8, 0x70)}
NOTHING = (0x12, 0x12, 0x18)
# The plot's place in a picture.
LEFT, RIGHT, TOP, BOTTOM = 120, 12, 30, 44
# In the terminal: addresses are in front of the map.
PLACE = 15


@pytest.fixture(scope="module", autouse=True)
def roomy(dev):
    with tiers_of(dev, {CPU: 0, GPU: 0, NVME: 0, SSD: 0}):
        yield


# --- the format, by tierwatch_record(5) -------------------------------------------------------


class Recording:
    """A file, taken apart."""

    def __init__(self, data: bytes):
        assert data[:8] == b"TWRECORD"
        (self.version, self.header, self.page_size, flags, self.interval, self.start,
         self.real) = struct.unpack_from("<4I3Q", data, 8)
        assert (self.version, self.header, self.page_size, flags) == (1, 64, PAGE, 0)
        self.regions, self.samples, self.end, self.sparse = [], [], None, []
        at = self.header
        while at + 12 <= len(data):
            kind, length, crc = struct.unpack_from("<3I", data, at)
            payload = data[at + 12:at + 12 + length]
            if len(payload) < length:
                break
            assert zlib.crc32(payload) == crc and self.end is None
            {1: self.region, 2: self.sample, 3: self.last, 4: self.some}[kind](payload)
            at += 12 + length
        self.cut = at != len(data)

    def region(self, payload: bytes) -> None:
        ident, agent, pages, addr, pid, length = struct.unpack_from("<4Q2I", payload)
        name, rest = payload[40:40 + length], payload[40 + length:]
        (length,), agent_name = struct.unpack_from("<I", rest), rest[4:]
        assert len(agent_name) == length
        self.regions.append({"id": ident, "agent": agent, "pages": pages, "addr": addr,
                             "pid": pid, "name": name.decode(),
                             "agent_name": agent_name.decode()})

    def last(self, payload: bytes) -> None:
        samples, flags = struct.unpack("<2Q", payload)
        assert samples == len(self.samples)
        self.end, self.faults_only = flags & 1, bool(flags & 2)

    def some(self, payload: bytes) -> None:
        """From which sample on each how many-th chunk is there, of how many pages."""
        self.sparse.append((len(self.samples), *struct.unpack("<2I", payload)))

    def sample(self, payload: bytes) -> None:
        """{(region's number, page): (tier, heat)}"""
        self.bytes, self.at = payload, 0
        pages = {}
        time = self.number()
        for _ in range(self.number()):
            region, runs = self.regions[self.number()]["id"], self.number()
            index = heat = 0
            for _ in range(runs):
                head = self.number()
                index += self.number() if head & 1 else 0
                step = self.number()
                heat += -(step + 1 >> 1) if step & 1 else step >> 1
                for _ in range(head >> 4):
                    pages[region, index] = (head >> 1 & 7, heat)
                    index += 1
        assert self.at == len(payload)
        self.samples.append((time, pages))

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.bytes[self.at]
            self.at += 1
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                return value
            shift += 7


def load(path) -> Recording:
    return Recording(path.read_bytes())


def taken(path) -> int:
    """Samples in a file that is perhaps only just being made."""
    if not path.exists() or path.stat().st_size < 64:
        return 0
    return len(load(path).samples)


def painted(dev, make, pages=64):
    """Pages 16 to 31 are hot, 48 to 63 in the NVMe tier, the others cold in the CPU's."""
    region, mapping = make(pages, touched=pages)
    place(region, 48, 16, NVME)
    dev.mark([region.page(i) for i in range(pages)], COLD)
    dev.mark([region.page(i) for i in range(16, 32)], HOT)
    return region, mapping


def own_cgroup() -> str:
    """The path of this process's cgroup."""
    return Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()[-1].split(":")[2]


def heatmap(path, *arguments) -> dict:
    done = run("heatmap", "--json", *arguments, path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- what is in the file ------------------------------------------------------------------------


def test_file(dev, make, tmp_path):
    """Every page with its tier and its heat, twice; whose it is and where."""
    region, mapping = painted(dev, make)
    path = tmp_path / "one.rec"
    done = run("record", "--output", path, "--count", 2, "--interval", "10ms")
    assert done.returncode == 0, done.stderr
    assert f"{path}: 2 samples of 1 regions" in done.stdout
    recording = load(path)
    assert recording.interval == 10_000_000 and not recording.cut and recording.end == 0
    assert recording.faults_only and "heat is of faults alone" in done.stdout
    assert recording.regions == [{
        "id": region.id, "agent": region.info().agent, "pages": 64, "addr": mapping.addr,
        "pid": os.getpid(), "name": open("/proc/self/comm", encoding="ascii").read().strip(),
        # It is the default one of this cgroup.
        "agent_name": own_cgroup()}]
    expected = {(region.id, i): (NVME if i >= 48 else CPU, 101 if 16 <= i < 32 else 0)
                for i in range(64)}
    assert [pages for _, pages in recording.samples] == [expected] * 2
    assert recording.samples[1][0] - recording.samples[0][0] >= 10_000_000
    # 64 pages of three kinds take next to nothing.
    assert len(path.read_bytes()) < 300


def test_pages_come_and_go(make, tmp_path):
    """Only what was touched is there; what is discarded is gone from the next sample on."""
    region, mapping = make(1000)
    fill(mapping, [3, 500], 1)
    path = tmp_path / "two.rec"
    with Running("record", "--output", path, "--interval", "200ms", "--json") as record:
        assert wait_for(lambda: taken(path), 30)
        region.discard(3 * PAGE, PAGE)
        seen = taken(path)
        assert wait_for(lambda: taken(path) > seen + 1, 30)
        record.kill(signal.SIGINT)
        code, out, _ = record.end()
    assert code == 130
    samples = load(path).samples
    assert set(samples[0][1]) == {(region.id, 3), (region.id, 500)}
    assert set(samples[-1][1]) == {(region.id, 500)}
    account = json.loads(out)
    assert (account["samples"], account["pages"]) == (len(samples), 1)
    assert account["bytes"] == path.stat().st_size


def test_more_pages_than_are_looked_at(make, tmp_path):
    """Chunks all over stand for the others; the file, the account and the map say so."""
    count = 32 * tw.TW_CHUNK
    region, _ = make(count, touched=count)
    path = tmp_path / "some.rec"
    done = run("record", "--output", path, "--count", 2, "--interval", "10ms", "--pages",
               8 * tw.TW_CHUNK + 24)
    assert done.returncode == 0, done.stderr
    assert "there were more than 4120 pages: of 4 chunks of 2.0 MiB one was" in done.stdout
    recording = load(path)
    assert recording.sparse == [(0, 4, tw.TW_CHUNK)]
    (_, seen), (_, again) = recording.samples
    assert set(seen) == set(again) and {ident for ident, _ in seen} == {region.id}
    chunks = sorted({index // tw.TW_CHUNK for _, index in seen})
    assert len(seen) == 8 * tw.TW_CHUNK and [one // 4 for one in chunks] == list(range(8))
    shown = heatmap(path, "--size", "30x64")
    assert shown["every"] == 4 and [band["pages"] for band in shown["regions"]] == [count]
    assert all(cell["tier"] == "cpu" for row in shown["regions"][0]["rows"] for cell in row)
    assert ", one chunk in 4" in run("heatmap", path).stdout
    # The control: as many as there are.
    done = run("record", "--output", path, "--count", 1, "--pages", count, "--json")
    told = json.loads(done.stdout)
    assert (told["every"], told["pages"], load(path).sparse) == (1, count, [])
    assert len(load(path).samples[0][1]) == count
    assert run("record", "--output", path, "--count", 1, "--pages", "all").returncode == 0
    assert len(load(path).samples[0][1]) == count


def test_neighbours_that_were_chosen(make, tmp_path):
    """The last chunk of a group and the first of the next stand for their groups each."""
    chunk = tw.TW_CHUNK
    regions = [make(8 * chunk, touched=8 * chunk)[0] for _ in range(8)]
    path = tmp_path / "beside.rec"
    done = run("record", "--output", path, "--count", 1, "--pages", 33 * chunk)
    assert done.returncode == 0, done.stderr
    assert load(path).sparse == [(0, 2, chunk)]
    chunks = {(ident, index // chunk) for ident, index in load(path).samples[0][1]}
    # Of the choices in a region, 5 of 16 have no such pair: all eight, one of 11,000.
    assert any((ident, at + 1) in chunks for ident, at in chunks)
    told = {band["region"]: band["pages"] for band in heatmap(path)["regions"]}
    assert told == {region.id: 8 * chunk for region in regions}


def test_discarded_pages_are_looked_at(make, tmp_path):
    """What a look costs is not what it finds."""
    count = 32 * tw.TW_CHUNK
    region, _ = make(count, touched=count)
    region.discard(0, count * PAGE)
    path = tmp_path / "few.rec"
    done = run("record", "--output", path, "--count", 1, "--pages", 8 * tw.TW_CHUNK + 24, "--json")
    told = json.loads(done.stdout)
    assert (told["every"], told["pages"]) == (4, 0)


def test_more_chunks_than_pages_are_looked_at(make, tmp_path):
    """To leave a chunk out is not to look at it, however many there are."""
    count = 4200
    _, mapping = make(count * tw.TW_CHUNK)
    for place_ in range(count):
        mapping.write(place_ * tw.TW_CHUNK * PAGE, b"x")
    done = run("record", "--output", tmp_path / "wide.rec", "--count", 1, "--pages", 4096, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["every"] in (512, 1024) and 4 <= told["pages"] <= 8


def test_others_pages_are_not_looked_at(make, tmp_path):
    """Of a process, only its own count as looked at."""
    path = tmp_path / "own.rec"
    with program(pages=100) as (child, ident):
        make(16 * tw.TW_CHUNK, touched=16 * tw.TW_CHUNK)
        done = run("record", "--output", path, "--count", 1, "--pages", 8 * tw.TW_CHUNK, "--pid",
                   child.pid, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["every"], told["pages"]) == (1, 100) and ids(path) == {ident}


@contextmanager
def program(pages=8, agent=None, uid=None):
    """A process with a region of its own: its pid and the region's number."""
    ready, stop, ident = Reached(), Reached(), Reached()

    def body():
        be_traceable()
        with tw.Device() as device:
            handle = device.agent(agent) if agent is not None else None
            with device.region(pages * PAGE, agent=handle) as region, region.map() as mapping:
                fill(mapping, range(pages), 1)
                ident.set(region.id)
                ready.set()
                stop.wait(seconds=100)

    who = {} if uid is None else {"uid": uid, "gid": uid, "groups": [device_gid()]}
    child = Child(body, **who)
    ready.wait()
    child.stop_it = stop.set
    try:
        yield child, ident.get()
    finally:
        stop.set()
        child.wait()


def ids(path) -> set[int]:
    return {region["id"] for region in load(path).regions}


def test_whose(make, tmp_path):
    """Of a process, of an agent, of all."""
    path = tmp_path / "three.rec"
    with program() as (child, other), program(agent=99) as (_, labelled):
        # Not before: they would have it mapped, too.
        mine, _ = make(4, touched=4)
        for arguments, expected in ((["--pid", child.pid], {other}),
                                    (["--agent", 99], {labelled}),
                                    ([], {mine.id, other, labelled})):
            done = run("record", "--output", path, "--count", 1, *arguments)
            assert done.returncode == 0, done.stderr
            assert ids(path) == expected
        # What has a label is called by its program, and that once.
        (told,) = [region for region in load(path).regions if region["id"] == labelled]
        assert (told["agent"], told["agent_name"]) == (99, told["name"]) and told["name"]
        shown = run("heatmap", "--region", labelled, path).stdout
        assert f"region {labelled}, {told['name']} {told['pid']}, agent 99:" in shown
        assert {(region["pid"] == child.pid) for region in load(path).regions
                if region["id"] == other} == {True}


@pytest.fixture(name="common")
def fixture_common():
    """A folder for everybody."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_a_user_records_their_own(make, common):
    path = common / "four.rec"
    with program(uid=NOBODY) as (child, theirs), program(uid=OTHER) as (stranger, _):
        mine, _ = make(4, touched=4)
        assert run_as(NOBODY, "record", "--output", path, "--count", 1).returncode == 0
        assert ids(path) == {theirs} and mine.id != theirs
        before = path.read_bytes()
        done = run_as(NOBODY, "record", "--output", path, "--count", 1, "--pid", stranger.pid)
        assert done.returncode == 4
        assert f"no permission to look at process {stranger.pid}" in done.stderr
        assert path.read_bytes() == before
        assert child.alive()


def test_the_process_ends(tmp_path):
    path = tmp_path / "five.rec"
    with program() as (child, ident):
        with Running("record", "--output", path, "--pid", child.pid, "--interval",
                     "20ms") as record:
            assert wait_for(lambda: taken(path), 30)
            child.stop_it()
            code, out, err = record.end()
    assert (code, err) == (0, "")
    assert f"process {child.pid} has ended" in out
    recording = load(path)
    assert recording.end == 0 and recording.samples[0][1]
    assert ids(path) == {ident}


# --- how it ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(dev, make, tmp_path, number):
    """A valid file with what there was."""
    painted(dev, make)
    path = tmp_path / "six.rec"
    with Running("record", "--output", path, "--interval", "50ms") as record:
        assert wait_for(lambda: taken(path) >= 2, 30)
        record.kill(number)
        code, out, err = record.end()
    assert (code, err) == (128 + number, "")
    recording = load(path)
    assert recording.end == 1 and not recording.cut
    assert f"{len(recording.samples)} samples of 1 regions" in out
    shown = heatmap(path)
    assert (shown["samples"], shown["complete"], shown["stopped"]) == (
        len(recording.samples), True, True)


def test_killed(dev, make, tmp_path):
    """No end, but what is there is good, and that it was cut off is said."""
    painted(dev, make)
    path = tmp_path / "seven.rec"
    with Running("record", "--output", path, "--interval", "50ms") as record:
        assert wait_for(lambda: taken(path) >= 2, 30)
        record.kill(signal.SIGKILL)
        record.end()
    path.write_bytes(path.read_bytes()[:-3])
    done = run("heatmap", "--json", path)
    assert done.returncode == 0
    assert f"{path} was cut off: what is there are " in done.stderr
    shown = json.loads(done.stdout)
    assert not shown["complete"] and shown["samples"] == len(load(path).samples)


@contextmanager
def small_disk(folder, size="64k"):
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_full_disk(dev, make, tmp_path):
    """What was written before stays, whole."""
    region, _ = make(3000, touched=3000)
    # All different, so that a sample takes some room.
    dev.mark([region.page(i) for i in range(0, 256, 2)], HOT)
    with small_disk(tmp_path / "disk", "16k") as disk:
        path = disk / "eight.rec"
        done = run("record", "--output", path, "--interval", "1ms", "--count", 1000)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"{path}: no space left on the disk. The " in done.stderr
        recording = load(path)
        assert recording.samples and not recording.cut and recording.end is None
        assert f"The {len(recording.samples)} samples before that are kept" in done.stderr
        picture = run("heatmap", "--output", disk / "big.png", "--size", "2000x2000", path)
        assert picture.returncode == 1 and "No space left" in picture.stderr
        assert {one.name for one in disk.iterdir()} == {"eight.rec"}


def test_only_recordings_are_written_over(make, tmp_path):
    make(4, touched=4)
    path = tmp_path / "letter"
    path.write_text("Dear all,\n")
    done = run("record", "--output", path, "--count", 1)
    assert done.returncode == 1 and f"{path} is not a recording" in done.stderr
    assert path.read_text() == "Dear all,\n"
    for place_ in (tmp_path, tmp_path / "no" / "folder"):
        done = run("record", "--output", place_, "--count", 1)
        assert done.returncode == 1 and f"writing {place_}" in done.stderr
    path.unlink()
    for _ in range(2):
        assert run("record", "--output", path, "--count", 1).returncode == 0
    assert len(load(path).samples) == 1


def test_nothing_to_record(tmp_path):
    path = tmp_path / "none.rec"
    done = run("record", "--output", path, "--pid", os.getpid(), "--count", 1)
    assert done.returncode == 1 and f"process {os.getpid()} has no region mapped" in done.stderr
    assert not path.exists()
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    done = run("record", "--output", path, "--pid", gone.pid)
    assert done.returncode == 1 and f"no process {gone.pid}" in done.stderr
    done = run("record", "--output", path, "--count", 1)
    assert done.returncode == 0 and "no page of a region" in done.stdout
    done = run("heatmap", path)
    assert done.returncode == 1 and "there is no page in this recording" in done.stderr


@pytest.mark.parametrize("arguments", [
    ["record", "--interval", "0"], ["record", "--interval", "1us"], ["record", "--count", "0"],
    ["record", "--pid", "x"], ["record", "--agent", "x"], ["record", "--duration", "0"],
    ["record", "--pages", "4095"], ["record", "--pages", "some"], ["record", "more"], ["heatmap", "--size", "80"], ["heatmap", "--size", "5x5"],
    ["heatmap", "--size", "9999x10"], ["heatmap", "--region", "0"], ["heatmap", "--output", "x.gif"],
    ["heatmap", "--output", "x.png", "--size", "80x24"], ["heatmap", "--color", "red"],
    ["heatmap", "--output", "x.png", "--json"], ["heatmap", "a", "b"]])
def test_wrong(tmp_path, arguments):
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tw: ") and not list(tmp_path.iterdir())


# --- the map ---------------------------------------------------------------------------------------


@pytest.fixture(name="recording")
def fixture_recording(dev, make, tmp_path):
    """Of a painted region."""
    region, _ = painted(dev, make)
    path = tmp_path / "painted.rec"
    done = run("record", "--output", path, "--count", 3, "--interval", "10ms")
    assert done.returncode == 0, done.stderr
    return path, region


def test_cells(recording):
    """Hot where it is hot, in the tier where it is."""
    path, region = recording
    shown = heatmap(path, "--size", "30x64")
    (band,) = shown["regions"]
    assert (band["region"], band["first_page"], band["pages"]) == (region.id, 0, 64)
    assert (shown["columns"], shown["heat_max"], shown["hidden"]) == (30, 101, 0)
    for i, row in enumerate(band["rows"]):
        expected = {"tier": "nvme" if i >= 48 else "cpu", "heat": 101 if 16 <= i < 32 else 0}
        assert row == [expected] * 30, i


def test_cells_of_several_pages(recording):
    """Means: a row of four pages, and a row of half a page."""
    path, _ = recording
    (band,) = heatmap(path, "--size", "20x16")["regions"]
    assert [row[0]["heat"] for row in band["rows"]] == [0] * 4 + [101] * 4 + [0] * 8
    (band,) = heatmap(path, "--size", "20x128")["regions"]
    assert [row[19]["heat"] for row in band["rows"]] == [0] * 32 + [101] * 32 + [0] * 64


def colour(tier, heat, most=128):
    """As heatmap_data.c has it."""
    part = 0.3 + 0.7 * min(1, (heat / most) ** 0.5)
    return tuple(int(value * part) for value in BRIGHT[tier])


def test_png(recording, tmp_path):
    """Its size, and the colours of the plot, pixel by pixel of a column."""
    path, _ = recording
    picture = tmp_path / "map.png"
    done = run("heatmap", "--output", picture, "--size", "400x330", path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    with Image.open(picture) as image:
        assert (image.format, image.size) == ("PNG", (400, 330))
        pixels = image.convert("RGB")
    rows = 330 - TOP - BOTTOM       # four to a page
    assert rows == 256
    for x in (LEFT, 200, 400 - RIGHT - 1):
        for row in range(rows):
            index = row // 4
            expected = colour(NVME if index >= 48 else CPU, 101 if 16 <= index < 32 else 0)
            found = pixels.getpixel((x, TOP + row))
            assert all(abs(a - b) <= 1 for a, b in zip(found, expected)), (x, row, found)
    assert pixels.getpixel((LEFT - 1, TOP)) == NOTHING
    # Addresses at the left, for an eye that knows them by their grey.
    left = pixels.crop((0, TOP, LEFT - 6, 330 - BOTTOM))
    assert len(left.getcolors(1 << 16)) > 10
    assert pixels.getpixel((LEFT - 3, TOP)) == pixels.getpixel((LEFT - 3, TOP + 40)) == (0x80, 0x80,
                                                                                       0x88)
    # The tiers' names below.
    below = pixels.crop((0, 330 - BOTTOM, 400, 330))
    assert len(below.getcolors(1 << 16)) > 20


def test_svg(recording, tmp_path):
    path, _ = recording
    picture = tmp_path / "map.svg"
    assert run("heatmap", "--output", picture, "--size", "500x300", path).returncode == 0
    text = picture.read_text()
    assert 'viewBox="0 0 500 300"' in text and "<image" in text
    assert picture.stat().st_size < 100_000


def test_terminal(recording):
    """Without colours a second map says where; with them the colour does."""
    path, region = recording
    done = run("heatmap", "--size", "77x21", path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 20
    assert lines[0].startswith(f"region {region.id}, ")
    maps = [line[PLACE:].split(" |") for line in lines[1:17]]
    # Every fourth row says which address it begins with.
    (start,) = {told["addr"] for told in load(path).regions if told["id"] == region.id}
    assert [line[:PLACE].strip() for line in lines[1:17]] == [
        "" if row % 4 else f"{start + 4 * row * PAGE:#x}" for row in range(16)]
    assert [right for _, right in maps] == ["C" * 30] * 12 + ["N" * 30] * 4
    # The runner's locale is UTF-8.
    assert [left for left, _ in maps] == ["·" * 30] * 4 + ["█" * 30] * 4 + ["·" * 30] * 8
    # Round times, as many as it took.
    marks = [mark.strip() for mark in lines[17].removeprefix(" " * PLACE + "|").split("|")]
    half = len(marks) // 2
    assert half >= 2 and marks[:half] == marks[half:] and marks[0] == "0"
    # There may be no room behind the last one.
    assert all(re.fullmatch(r"([1-9][0-9.]* m?s)?", mark) for mark in marks[1:half]), lines[17]
    # Nothing scans here: what is hot was said to be.
    assert lines[18].endswith("3 samples; heat is of faults alone")
    plain = run("heatmap", "--size", "77x21", path, env={**os.environ, "LC_ALL": "C"})
    assert "%" * 30 + " |" + "C" * 30 in plain.stdout
    assert plain.stdout.isascii()
    coloured = run("heatmap", "--size", "77x21", "--color", "always", path).stdout
    assert coloured.count("\033[0m") == 16 + 5
    assert "█" * 62 in coloured and "\033[38;5;" in coloured


def test_columns_are_time(make, tmp_path):
    """A page that moves while it is recorded changes its colour from left to right."""
    region, _ = make(1, touched=1)
    path = tmp_path / "moves.rec"
    with Running("record", "--output", path, "--interval", "100ms") as record:
        assert wait_for(lambda: taken(path) >= 3, 30)
        place(region, 0, 1, SSD)
        seen = taken(path)
        assert wait_for(lambda: taken(path) >= seen + 3, 30)
        record.kill(signal.SIGINT)
        record.end()
    (band,) = heatmap(path, "--size", "60x5")["regions"]
    tiers = [cell["tier"] for cell in band["rows"][0]]
    turn = tiers.index("ssd")
    assert turn > 0 and tiers == ["cpu"] * turn + ["ssd"] * (60 - turn)


@pytest.mark.forked
def test_real_heat(make, policy, tmp_path):
    """What a program touches is hot in the map: pages 24 to 39 of 64."""
    region, mapping = make(64, seed=1, touched=64)
    path = tmp_path / "real.rec"
    fast(policy, mode=0)
    with Toucher(mapping, range(24, 40)):
        assert wait_for(lambda: all(page.temperature == HOT for page in region.pages()[24:40]) and
                        all(page.heat < 40 for i, page in enumerate(region.pages())
                            if not 24 <= i < 40), 60)
        done = run("record", "--output", path, "--count", 3, "--interval", "50ms")
    assert done.returncode == 0, done.stderr
    shown = heatmap(path, "--size", "20x64", "--region", region.id)
    assert shown["faults_only"] is False and "faults alone" not in done.stdout
    (band,) = shown["regions"]
    heat = [sum(cell["heat"] for cell in row) / 20 for row in band["rows"]]
    warm, cool = heat[24:40], heat[:24] + heat[40:]
    assert min(warm) > 2 * max(cool), heat


@pytest.mark.forked
def test_an_attached_program(dev, policy, tmp_path):
    """It has no region; its address space is shown without the gaps."""
    path = tmp_path / "attached.rec"
    fast(policy, mode=0)
    with Program(64, range(16)) as program, attached(dev, program.pid) as one:
        assert wait_for(lambda: hot(dev, program, one) == set(range(16)), 60)
        done = run("record", "--output", path, "--count", 2, "--interval", "50ms",
                   "--pid", program.pid)
        assert done.returncode == 0, done.stderr
        (told,) = load(path).regions
        assert (told["id"], told["pid"], told["addr"]) == (one, program.pid, 0)
        assert told["pages"] >= 64 and told["name"]
    shown = heatmap(path, "--size", "20x400", "--region", one)
    assert len(shown["regions"]) > 1 and shown["hidden"] == 0
    first = program.addr // tw.PAGE
    (band,) = [band for band in shown["regions"]
               if band["first_page"] <= first < band["first_page"] + band["pages"]]
    assert band["pages"] <= 100000


# --- what can't be read ------------------------------------------------------------------------------


def test_not_a_recording(recording, tmp_path):
    path, _ = recording
    done = run("heatmap", tmp_path / "nowhere.rec")
    assert done.returncode == 1 and "tw record --output" in done.stderr
    done = run("heatmap", "/etc/passwd")
    assert done.returncode == 1 and "is not a recording" in done.stderr
    good = path.read_bytes()
    bad = tmp_path / "bad.rec"
    for at, said in ((8, "later version"), (100, "is damaged"), (len(good) - 1, "is damaged")):
        data = bytearray(good)
        data[at] ^= 0xff
        bad.write_bytes(data)
        done = run("heatmap", bad)
        assert (done.returncode, done.stdout) == (1, "") and said in done.stderr, (at, done.stderr)
    done = run("heatmap", "--region", 999999, path)
    assert done.returncode == 1 and "of that region" in done.stderr
    piped = subprocess.run([*run("heatmap", path).args[:1], "heatmap", "--json", "-"], input=good,
                           capture_output=True, check=False)
    assert piped.returncode == 0 and json.loads(piped.stdout)["samples"] == 3


def test_a_picture_that_can_not_be_made(recording, tmp_path):
    path, _ = recording
    done = run("heatmap", "--output", tmp_path / "no" / "map.png", path)
    assert done.returncode == 1 and "No such file" in done.stderr
    # Without cairo all else goes on, and it is said what to install.
    library = subprocess.run("ldconfig -p | sed -n 's/.*libcairo.so.2 .*=> //p'", shell=True,
                             capture_output=True, text=True, check=True).stdout.split()[0]
    command = 'mount --bind /dev/null "$1" && shift && exec "$@"'
    for arguments, code, said in ((["--output", tmp_path / "map.png"], 1, "apt install libcairo2"),
                                  ([], 0, "")):
        done = subprocess.run(["unshare", "-m", "sh", "-c", command, "sh",
                               os.path.realpath(library), *run("heatmap", path).args[:1],
                               "heatmap", *arguments, path], capture_output=True, text=True,
                              check=False)
        assert done.returncode == code and said in done.stderr, done.stderr
    assert not (tmp_path / "map.png").exists()
