# SPDX-License-Identifier: GPL-2.0
"""tw-workload: each pattern over small tiers, its figures, and that it notices what is wrong."""

import json
import math
import re
import signal
import subprocess

import pytest

from support import PATIENCE, REPO, TINY, Cgroup, format_store, store_path
from tw import CPU, GPU, PAGE, SSD

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.once]

WORKLOAD = REPO / "build" / "tools" / "tw-workload"
PATTERNS = ("zipf", "zipf:0.5", "phases", "phases:0.2:0.8", "scan", "gups", "uniform")
PLACES = {"gpu", "cpu", "nvme", "ssd", "hdd", "swap", "other"}
# More than memory holds, less than all.
PAGES = TINY[CPU] + TINY[GPU] + 256
WORK = {"seconds", "operations", "writes", "major_faults", "minor_faults"}


def start(*options, footprint: int = PAGES * PAGE, **more) -> subprocess.Popen:
    return subprocess.Popen([WORKLOAD, "--json", "--footprint", str(footprint),
                             *map(str, options)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def finish(process: subprocess.Popen) -> tuple[int, list[dict], str]:
    """Its exit code, its lines, and what it complained of."""
    with process:
        out, err = process.communicate(timeout=120 * PATIENCE)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


def run(*options, **more) -> tuple[int, list[dict], str]:
    return finish(start(*options, **more))


def check_tally(line: dict, pages: int) -> None:
    """What must hold for every report."""
    assert set(line) == WORK | {"event", "phase", "pages", "share", "nodes", "best", "placement"}
    assert set(line["pages"]) == set(line["share"]) == PLACES
    assert sum(line["pages"].values()) == pages
    assert math.isclose(sum(line["share"].values()), 1, abs_tol=1e-6)
    assert all(0 <= share <= 1 + 1e-9 for share in line["share"].values())
    for place, number in line["pages"].items():
        assert number or line["share"][place] == 0
    assert math.isclose(line["placement"], line["share"]["cpu"] / line["best"], abs_tol=1e-6)
    in_memory = [node for node in line["nodes"] if node["pages"]]
    assert sum(node["pages"] for node in in_memory) <= pages
    assert math.isclose(sum(node["share"] for node in in_memory),
                        line["share"]["cpu"] + line["share"]["gpu"], abs_tol=1e-6)


def zipf_best(pages: int, fast: int, skew: float) -> float:
    weights = [(rank + 1) ** -skew for rank in range(pages)]
    return sum(weights[:fast]) / sum(weights)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_pattern(pattern):
    """Every page is right at the end, every write is there, and the figures fit."""
    code, lines, err = run("--pattern", pattern, "--ops", 4000, "--phases", 2, "--threads", 2,
                           "--pin", "--write-percent", 30, "--interval", 0.2, "--verify")
    assert (code, err) == (0, "")
    first, *tallies, last = lines
    assert (first["event"], first["pattern"], first["pages"], first["fast_pages"]) == (
        "start", pattern.split(":")[0], PAGES, TINY[CPU])
    for line in tallies:
        check_tally(line, PAGES)
        assert line["best"] == first["best"]
        assert line["pages"]["swap"] == line["pages"]["other"] == 0
    ends = [line for line in tallies if line["event"] == "phase"]
    assert [line["phase"] for line in ends] == [0, 1]
    assert [line["operations"] for line in ends] == [4000, 4000]
    assert (last["event"], last["phases"], last["wrong"], last["interrupted"]) == (
        "end", 2, False, False)
    assert last["operations"] == 8000
    wanted = 8000 if pattern == "gups" else 2400
    assert abs(last["writes"] - wanted) < 300
    # More than fits was touched, so pages had to come back from the stores.
    assert last["major_faults"] > 0


def test_best():
    """The oracle, against sums made here."""
    for options, best in (
            (("zipf:0.99",), zipf_best(PAGES, TINY[CPU], 0.99)),
            (("zipf:0.5", "--fast-pages", 100), zipf_best(PAGES, 100, 0.5)),
            (("uniform", "--fast-pages", PAGES // 4), 0.25),
            (("phases:0.125:0.75", "--fast-pages", PAGES // 8), 0.75),
            (("scan", "--fast-pages", 2 * PAGES), 1)):
        _, lines, _ = run("--ops", 1, "--pattern", *options)
        assert math.isclose(lines[0]["best"], best, abs_tol=1e-6), options


def test_all_in_the_cpu_tier():
    """What fits is served there: a placement of 1."""
    _, lines, _ = run("--ops", 1000, footprint=128 * PAGE)
    check_tally(lines[-2], 128)
    assert lines[-2]["pages"]["cpu"] == 128
    assert lines[-2]["share"]["cpu"] == lines[-2]["best"] == lines[-2]["placement"] == 1


def test_share_is_what_faults_say():
    """Uniform: the share served from memory is its share of the pages."""
    _, lines, _ = run("--ops", 4000, "--pattern", "uniform")
    for line in lines[1:-1]:
        for place in PLACES:
            assert math.isclose(line["share"][place], line["pages"][place] / PAGES, abs_tol=1e-6)


def test_agents(dev):
    """A region for each, with as much of the footprint."""
    process = start("--agents", 3, "--agent-id", 700, "--seconds", 60, "--interval", 0.2)
    process.stdout.readline()
    line = json.loads(process.stdout.readline())
    check_tally(line, PAGES // 3 * 3)
    for label in (700, 701, 702):
        assert sum(dev.agent_stats(label).pages) == PAGES // 3
    process.send_signal(signal.SIGINT)
    code, lines, err = finish(process)
    assert (code, err) == (0, "")
    assert lines[-1]["interrupted"] is True


@pytest.mark.parametrize("memory", ("anon", "shmem"))
def test_other_memory(memory):
    """Not ours: nodes with CPUs are the CPU tier."""
    code, lines, err = run("--memory", memory, "--ops", 5000, "--write-percent", 50, "--verify",
                           footprint=512 * PAGE)
    assert (code, err) == (0, "")
    check_tally(lines[-2], 512)
    assert lines[-2]["pages"]["cpu"] == 512 and lines[-2]["pages"]["swap"] == 0


@pytest.fixture
def swap(dev, back_to_tiny):    # pylint: disable=unused-argument
    """Swap on what was the SSD tier's device."""
    path = store_path(SSD)
    dev.unbind(SSD)
    subprocess.run(["mkswap", "--force", path], check=True, capture_output=True)
    subprocess.run(["swapon", path], check=True)
    yield
    subprocess.run(["swapoff", path], check=True)
    format_store(path)


@pytest.mark.parametrize("memory", ("anon", "shmem"))
def test_swapped_out(memory, swap):     # pylint: disable=unused-argument
    """Pages that a limit sent to swap are seen there."""
    with Cgroup(memory_max=4 << 20) as group:
        process = start("--memory", memory, "--ops", 3000, "--fast-pages", 1024, "--verify",
                        "--write-percent", 20, footprint=2048 * PAGE, preexec_fn=group.enter)
        code, lines, err = finish(process)
    assert (code, err) == (0, "")
    check_tally(lines[-2], 2048)
    assert lines[-2]["pages"]["swap"] >= 1000 and lines[-2]["pages"]["cpu"] >= 300
    assert lines[-2]["major_faults"] > 0


@pytest.mark.parametrize("pattern", PATTERNS)
def test_wrong_page_is_noticed(pattern):
    """A byte of each word of one page: exit code 1, and which page it was."""
    code, lines, err = run("--pattern", pattern, "--ops", "50000", "--self-test-corrupt",
                           footprint=64 * PAGE)
    assert code == 1
    assert lines[-1]["wrong"] is True and lines[-1]["operations"] < 50000
    assert re.fullmatch(r"tw-workload: page \d+ \(area 0, offset 0x[0-9a-f]+\) is wrong: word "
                        r"\d+ is 0x[0-9a-f]{16}, should be 0x[0-9a-f]{16} \+ n \* 0x[0-9a-f]+\n",
                        err), err


def test_lost_write_is_noticed():
    """A page as it was a write ago is right word for word, but not in sum."""
    code, lines, err = run("--pattern", "gups", "--ops", 10000, "--self-test-corrupt=write",
                           "--verify", footprint=64 * PAGE)
    assert code == 1 and lines[-1]["wrong"] is True
    found = re.fullmatch(r"tw-workload: page \d+ is wrong: it has (\d+) writes, should have "
                         r"(\d+)\n", err)
    assert found and int(found[1]) == int(found[2]) - 1


def test_signal_ends_it_with_a_summary():
    process = start("--seconds", 600, "--interval", 0.1, footprint=64 * PAGE)
    while json.loads(process.stdout.readline())["event"] != "interval":
        pass
    process.send_signal(signal.SIGTERM)
    code, lines, err = finish(process)
    assert (code, err) == (0, "")
    assert [line["event"] for line in lines[-2:]] == ["phase", "end"]
    assert lines[-1]["interrupted"] is True and lines[-1]["seconds"] < 300


def test_think():
    """Pauses are kept on the average."""
    _, lines, _ = run("--ops", 200, "--think", 5000000, "--threads", 2, footprint=64 * PAGE)
    assert 0.45 <= lines[-1]["seconds"] < 5 * PATIENCE


@pytest.mark.parametrize("options", (
    ("--pattern", "zipf:x"), ("--pattern", "other"), ("--threads", 0), ("--write-percent", 101),
    ("--footprint", 100), ("--memory", "disk"), ("--memory", "anon", "--agents", 2),
    ("--seconds", 0), ("--ops", -1), ("more",), ("--no-such-option",)))
def test_usage(options):
    code, lines, err = run(*options)
    assert code == 2 and lines == [] and "usage:" in err


def test_figures_for_people():
    """Without --json."""
    done = subprocess.run([WORKLOAD, "--footprint", "256K", "--ops", "100"], capture_output=True,
                          text=True, check=True)
    assert "placement" in done.stdout and "done: 1 phases" in done.stdout
