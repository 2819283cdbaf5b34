# SPDX-License-Identifier: GPL-2.0
"""tw top in a terminal of 80x24, and what it prints for scripts."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from xml.etree import ElementTree

import pyte
import pytest

import tw
from support import NOBODY, PATIENCE, REPO, fill, place, tiers_of, wait_for
from tw import CPU, GPU, NVME, PAGE, SSD, TIER_NAMES
from views import TW, run, run_as

pytestmark = pytest.mark.once

PROGRAM = Path("/proc/self/comm").read_text(encoding="ascii").strip()
CAPACITY = {CPU: 4096, GPU: 1024, NVME: 2048, SSD: 2048}


@pytest.fixture(scope="module", autouse=True)
def four_tiers(dev):
    with tiers_of(dev, CAPACITY):
        yield


class Terminal:
    """tw on a terminal of its own, whose screen can be looked at."""

    def __init__(self, *arguments, columns=80, lines=24, term="xterm-256color",
                 locale="C.UTF-8", **more):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.fd, inner = pty.openpty()
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
        self.before = termios.tcgetattr(inner)
        self.inner = inner
        self.process = subprocess.Popen(
            [TW, *map(str, arguments)], stdin=inner, stdout=inner, stderr=inner,
            env={**os.environ, "TERM": term, "LC_ALL": locale}, start_new_session=True, **more)

    def look(self, seconds=0.2):
        """Take what it writes within this time, or what there is."""
        deadline = time.monotonic() + seconds
        while select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            self.raw += data
            self.stream.feed(data)
        return self.screen.display

    def until(self, condition, seconds=30):
        """The screen, once it is as wanted."""
        deadline = time.monotonic() + seconds * PATIENCE
        while True:
            shown = self.look()
            if condition(shown):
                return shown
            assert time.monotonic() < deadline, "\n".join(shown)

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def resize(self, columns, lines):
        self.screen.resize(lines, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def end(self):
        """Its exit code; all that it wrote is taken."""
        deadline = time.monotonic() + 30 * PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            self.look(0.05)
        self.look(0.05)
        return self.process.returncode

    def restored(self):
        """The settings are as before, and the normal screen and cursor are back."""
        return (termios.tcgetattr(self.inner) == self.before and
                self.raw.rindex(b"\x1b[?1049l") > self.raw.rindex(b"\x1b[?1049h") and
                max(self.raw.rfind(b"\x1b[?25h"), self.raw.rfind(b"\x1b[?12l\x1b[?25h")) >
                self.raw.rfind(b"\x1b[?25l"))

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.fd)
        os.close(self.inner)


@pytest.fixture(name="spread")
def fixture_spread(dev, make):
    """An agent's 300 pages in three tiers."""
    with dev.agent(4711) as agent:
        region, mapping = make(300, touched=300, agent=agent)
        place(region, 100, 40, GPU)
        place(region, 200, 100, NVME)
        yield region, mapping


def tier_lines(shown):
    """The tiers' lines, as words."""
    words = {line.split()[0]: line.split() for line in shown[3:8]}
    assert list(words) == list(TIER_NAMES), shown
    return words


def matches(shown, stats):
    """Does the screen show what the statistics say? Only while nothing changes."""
    words = tier_lines(shown)
    for tier in CAPACITY:
        block = stats.tier(tier)
        level = ("low", "medium", "high", "critical")[block["level"]]
        use = f"{100 * block['used'] / block['capacity']:.0f}%"
        if words[TIER_NAMES[tier]][1:5] != [level, str(block["used"]), str(block["capacity"]),
                                            use]:
            return False
    return True


def test_screen(spread, stats):
    """Tiers, heat and agents, each where it belongs, in 80x24."""
    region, _ = spread
    with Terminal("top", "--pages", "--interval", "200ms") as top:
        shown = top.until(lambda shown: "AGENT" in "".join(shown) and matches(shown, stats))
        assert shown[0].startswith("tw top  ") and "regions" in shown[0]
        assert " faults " in " " + shown[1]
        assert shown[2].split()[:5] == ["TIER", "PRESSURE", "USED", "SIZE", "USE"]
        words = tier_lines(shown)
        assert [words[name][2] for name in ("cpu", "gpu", "nvme")] == ["160", "40", "100"]
        assert words["hdd"][1:] == ["not", "bound"]
        agent = next(line for line in shown if line.startswith("4711 "))
        assert agent[:17].rstrip() == f"4711 {PROGRAM}"[:17]
        assert agent[17:].split()[:7] == ["0", "40", "160", "100", "0", "0", "300"]
        assert shown[23].startswith("q quit  ? help  s sort: pages")
        # A heading is a bar over the whole width.
        assert all(top.screen.buffer[2][x].reverse for x in range(80))
        top.type("q")
        assert top.end() == 0
        assert top.restored()
    assert region.nr_pages == 300


def test_heat(dev, make, policy, stats):
    """The histogram is the statistics': pages by powers of two of heat."""
    region, _ = make(64, touched=64)
    dev.mark([region.page(i) for i in range(16)], tw.TW_CLASS_HOT)
    policy(enabled=1, scan_min_ms=20, scan_max_ms=50, scan_permille=500)
    assert wait_for(lambda: sum(stats.tier(CPU)["heat"]) == 64, 60)
    # It stays as the last scan left it.
    policy(enabled=0)
    with Terminal("top", "--interval", "200ms") as top:
        def right(shown):
            bands = list(stats.tier(CPU)["heat"])
            bands = bands[:9] + [sum(bands[9:])]
            (line,) = [shown[i + 2] for i, line in enumerate(shown) if line.startswith("HEAT")] \
                or [""]
            cells = [line[6 + 7 * i:12 + 7 * i] for i in range(10)]
            return line.startswith("cpu ") and sum(bands) == 64 and \
                [cell[1:].strip() for cell in cells] == [str(n or "") for n in bands] and \
                all((cell[0] == "█" or n < max(bands)) and (cell[0] == " ") == (not n)
                    for cell, n in zip(cells, bands))

        top.until(right)
        # What it says of the heat is true at any time.
        note = "heat comes from faults alone, nothing scans"
        assert any(line.startswith(note) for line in top.screen.display)
        policy(enabled=1)
        top.until(lambda shown: not any(line.startswith(note) for line in shown))
        top.type("q")
        assert top.end() == 0


def test_rates(make):
    """Faults and moves a second, while there are some."""
    region, mapping = make(64)
    with Terminal("top", "--interval", "300ms") as top:
        top.until(lambda shown: "AGENT" in "".join(shown))

        def busy(shown):
            region.discard(0, 64 * PAGE)
            fill(mapping, range(64), 1)
            place(region, 0, 64, GPU)
            words = tier_lines(shown)
            return float(words["cpu"][5].rstrip("K")) > 0 and words["gpu"][7] != "0" and \
                words["cpu"][8] != "0"

        shown = top.until(busy)
        assert re.match(r"faults [1-9]\d*/s", shown[1])
        top.type("q")
        assert top.end() == 0


def past(shown):
    """The lines of the past of tiers, on a tall screen."""
    (at,) = [i for i, line in enumerate(shown) if line.startswith("PAST ")]
    return [line for line in shown[at + 1:at + 6] if line.strip()]


def test_past(make):
    """Faults that were, in a place without letters for bars: what is not there is no bar."""
    region, mapping = make(64)
    with Terminal("top", "--interval", "100ms", "--past", "faults", locale="C") as top:
        top.until(lambda shown: "PAST: faults" in shown[2])
        fill(mapping, range(64), 1)
        shown = top.until(lambda shown: "@" in tier_line(shown, "cpu")[62:])
        assert "@" not in tier_line(shown, "nvme") and "".join(shown).isascii()
        # It moves on to the left.
        at = tier_line(shown, "cpu").index("@")
        top.until(lambda shown: "@" not in tier_line(shown, "cpu") or
                  tier_line(shown, "cpu").index("@") != at)
        top.type("q")
        assert top.end() == 0
    assert region.nr_pages == 64


def tier_line(shown, name):
    """The line of a tier's figures."""
    return shown[3 + TIER_NAMES.index(name)]


def test_keys(dev, make):
    """Sorting, its direction, units."""
    with dev.agent(1001) as one, dev.agent(1002) as two:
        _first, _ = make(20, touched=20, agent=one)
        _second, _ = make(10, touched=10, agent=two)

        def order(shown):
            return [line.split()[0] for line in shown if line.startswith(("1001 ", "1002 "))]

        with Terminal("top", "--interval", "1h") as top:
            shown = top.until(lambda shown: len(order(shown)) == 2)
            assert order(shown) == ["1001", "1002"]
            top.type("r")
            top.until(lambda shown: order(shown) == ["1002", "1001"] and
                      "pages, reversed" in shown[23])
            top.type("rsss")
            top.until(lambda shown: "sort: id " in shown[23] and
                      order(shown) == ["1001", "1002"])
            assert "past: faults" in shown[23] and "PAST: faults" in shown[2]
            top.type("h")
            top.until(lambda shown: "past: major" in shown[23] and "PAST: major" in shown[2])
            top.type("?")
            top.until(lambda shown: shown[1].startswith("q        quits") and
                      "AGENT" not in shown[0] and not order(shown))
            top.type("x")
            top.until(lambda shown: order(shown) == ["1001", "1002"])
            assert "in bytes" in shown[0] and "80K" in "".join(shown)
            top.type("p")
            top.until(lambda shown: "in pages" in shown[0])
            top.type("-")
            top.until(lambda shown: "+- 1800.0 s" in shown[23])
            top.type("xq")
            assert top.end() == 0


def test_resize(spread, stats):
    """A larger one is filled; narrower and lower is cut, not broken."""
    with Terminal("top", "--pages", "--interval", "200ms") as top:
        top.until(lambda shown: "AGENT" in "".join(shown))
        top.resize(120, 40)
        shown = top.until(lambda shown: shown[39].startswith("q quit"))
        assert any(line.rstrip().endswith("WRITTEN/s") for line in shown)
        # More bands of heat, programs with their numbers, and the past of each tier.
        (heat,) = [line for line in shown if line.startswith("HEAT ")]
        assert heat.split()[-1] == "16384+" and len(heat.rstrip()) > 110
        (agent,) = [line for line in shown if line.startswith("4711 ")]
        assert agent.split()[:3] == ["4711", PROGRAM, str(os.getpid())]
        # Nothing happens, but there is something in use.
        top.type("hhh")
        top.until(lambda shown: [line.split()[:2] for line in past(shown)] ==
                  [[name, "100"] for name in TIER_NAMES[:4]] and
                  past(shown)[0].split()[2].startswith("\u2581\u2581"))
        top.resize(40, 10)
        shown = top.until(lambda shown: shown[9].startswith("q quit") and
                          shown[2].startswith("TIER"))
        assert shown[4].startswith("cpu   low")
        top.resize(80, 24)
        top.until(lambda shown: shown[23].startswith("q quit") and matches(shown, stats))
        top.type("q")
        assert top.end() == 0
    assert spread


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals(number):
    """However it is ended, the terminal is as it was."""
    with Terminal("top") as top:
        top.until(lambda shown: "AGENT" in "".join(shown))
        assert termios.tcgetattr(top.inner) != top.before
        top.process.send_signal(number)
        assert top.end() == 128 + number
        assert top.restored()


def test_many_agents(dev, make):
    """More than fit: the last line says how many are not shown."""
    agents = [dev.agent(2000 + i) for i in range(20)]
    try:
        for agent in agents:
            make(1, touched=1, agent=agent)
        with Terminal("top", "--interval", "200ms") as top:
            shown = top.until(lambda shown: shown[22].startswith("... and "))
            left = int(shown[22].split()[2])
            first = next(i for i, line in enumerate(shown) if line.startswith("AGENT")) + 1
            everybody = json.loads(run("top", "--json", "--interval", "100ms").stdout)["agents"]
            assert first < 22 and left + 22 - first == len(everybody) >= 20
            top.type("q")
            assert top.end() == 0
    finally:
        for agent in agents:
            agent.close()


def test_as_a_picture(spread):
    """What `make pictures` makes of the screen: the same words at the same places."""
    loader = SourceFileLoader("pictures", str(REPO / "tools" / "pictures"))
    pictures = module_from_spec(spec_from_loader("pictures", loader))
    loader.exec_module(pictures)
    cells = pictures.watch_top(2 * PATIENCE)
    rows = ["".join(cell.data for cell in row) for row in cells]
    assert any(row.startswith("4711 ") for row in rows), rows
    root = ElementTree.fromstring(pictures.svg(cells))
    texts = [one for one in root if one.tag.endswith("text")]
    found = [[" "] * 80 for _ in range(24)]
    for one in texts:
        x = round((float(one.get("x")) - 10) / 8.4)
        found[(int(one.get("y")) - 13 - 10) // 18][x:x + len(one.text)] = one.text
    assert ["".join(row) for row in found] == rows
    # The headings are bars.
    assert sum(one.tag.endswith("rect") for one in root) >= 4 and spread


def test_json(spread, stats):
    """All figures, exact."""
    done = run("top", "--json", "--interval", "100ms")
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    for tier, one in enumerate(shown["tiers"]):
        block = stats.tier(tier)
        assert one["tier"] == TIER_NAMES[tier]
        assert (one["bound"], one["used"], one["capacity"], one["kept"]) == (
            bool(block["bound"]), block["used"], block["capacity"], block["kept"])
        assert one["heat"] == list(block["heat"])
    (agent,) = [one for one in shown["agents"] if one["id"] == 4711]
    assert agent == {"id": 4711, "name": PROGRAM, "program": PROGRAM, "uid": 0, "default": False, "regions": 1,
                     "faults_per_second": 0,
                     "pages": {"gpu": 40, "cpu": 160, "nvme": 100, "ssd": 0, "hdd": 0}}
    assert shown["regions"] == stats.header.regions and shown["scanning"] is False
    assert spread


def test_once(spread):
    done = run("top", "--once", "--pages", "--interval", "100ms")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^cpu   low +160 +4096 +4% ", done.stdout, re.M), done.stdout
    assert re.search(rf"^4711 +{re.escape(PROGRAM)} +{os.getpid()} +0 +40 +160 +100 +0 +0 +300 +0$", done.stdout, re.M)
    assert "\033" not in done.stdout and spread


def test_an_ordinary_user(spread):
    """Tiers are everybody's business, who has what is not."""
    done = run_as(NOBODY, "top", "--once", "--interval", "100ms")
    assert done.returncode == 0, done.stderr
    assert "4711" not in done.stdout
    shown = json.loads(run_as(NOBODY, "top", "--json", "--interval", "100ms").stdout)
    assert shown["agents_listed"] is True and shown["agents"] == []
    assert shown["tiers"][CPU]["used"] >= 160 and spread


def test_no_terminal():
    done = run("top")
    assert (done.returncode, done.stdout) == (1, "")
    assert "not a terminal" in done.stderr and "tw top --once" in done.stderr
    for term in ("no-such-terminal", "dumb"):
        with Terminal("top", term=term) as top:
            assert top.end() == 1
            assert b"tw top --once" in top.raw
            assert termios.tcgetattr(top.inner) == top.before


@pytest.mark.parametrize("arguments", [["--interval", "0"], ["--interval", "2h"],
                                       ["--sort", "colour"], ["--past", "time"], ["more"]])
def test_wrong(arguments):
    done = run("top", *arguments)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith("tw: ")
