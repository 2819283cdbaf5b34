# SPDX-License-Identifier: GPL-2.0
"""tw metrics: the text by Prometheus' own reader, its figures, the file that is replaced whole."""

import mmap
import os
import re
import stat
import subprocess
from collections import Counter
from contextlib import contextmanager
from copy import copy
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import tw
from command import FAILED, NO_DEVICE, TW, USAGE, tw_json, tw_refused, tw_run, tw_text
from support import NOBODY, Cgroup, Child, Reached, place, wait_for, wrong
from tw import CPU, GPU, NVME, PAGE, SSD, TIER_NAMES, TIERS

pytestmark = pytest.mark.once

PREFIX = "tierwatch_"
LABELS = {"tier", "level", "kind", "access", "use", "direction", "reason", "version", "abi",
          "window", "le", "from", "to"}
HISTOGRAMS = {"fault_wait_seconds", "move_duration_seconds"}
AGENT_LABELS = LABELS | {"agent", "name", "uid", "userns"}
PROGRAM = Path("/proc/self/comm").read_text(encoding="ascii").strip()
USER_NS = str(os.stat("/proc/self/ns/user").st_ino)


def samples(text: str) -> dict:
    """(name without prefix, labels) -> value, by the client library's parser."""
    found: dict = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            key = one.name.removeprefix(PREFIX), frozenset(one.labels.items())
            assert key not in found, key
            found[key] = one.value
    return found


class Got:
    """What a run has printed."""

    def __init__(self, *words):
        self.text = tw_text("metrics", *words)
        self.samples = samples(self.text)

    def __call__(self, metric: str, /, **labels: str) -> float:
        return self.samples[metric, frozenset(labels.items())]


class TestText:
    def test_form(self):
        """One HELP and one TYPE before all samples of a name, nothing else between."""
        text = Got().text
        assert text.endswith("\n") and "\n\n" not in text
        name, kinds = "", {}
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name, helped = line.split(" ", 3)[2:]
                assert helped.endswith(".") and name not in kinds
                kinds[name] = ""
            elif line.startswith("# TYPE "):
                assert line.split()[2] == name and not kinds[name]
                kinds[name] = line.split()[3]
            else:
                found = re.fullmatch(r'(\w+)(\{(?:\w+="[^"\\]*",?)+\})? [0-9]+(\.[0-9]+)?', line)
                assert found and kinds[name], line
                assert found[1].removeprefix(name) in (
                    ("_bucket", "_sum", "_count") if kinds[name] == "histogram" else ("",)), line
        assert len(kinds) >= 50
        for name, kind in kinds.items():
            assert re.fullmatch(PREFIX + "[a-z_]+", name)
            assert kind == ("counter" if name.endswith("_total") else
                            "histogram" if name.removeprefix(PREFIX) in HISTOGRAMS else
                            "gauge"), name

    def test_json(self):
        """The same samples; times may be rounded, and time goes on."""
        shown = tw_json("metrics")
        keys = {(one["name"].removeprefix(PREFIX), frozenset(one["labels"].items()))
                for one in shown}
        got = Got()
        assert len(keys) == len(shown) and keys == got.samples.keys()
        assert {one["type"] for one in shown} == {"counter", "gauge", "histogram"}
        used = {one["labels"]["tier"]: one["value"] for one in shown
                if one["name"] == PREFIX + "tier_capacity_bytes"}
        assert used == {name: got("tier_capacity_bytes", tier=name) for name in TIER_NAMES}
        tw_refused(USAGE, "without --json", "metrics", "--json", "--output", "x.prom")

    def test_labels_are_bounded(self, make, dev):
        """However many agents and regions there are."""
        before = Got().samples.keys()
        with dev.agent(1) as one, dev.agent(2):
            make(4, touched=4, agent=one)
            make(4, touched=4)
            assert Got().samples.keys() == before
        names = {label for _, labels in before for label, _ in labels}
        assert names <= LABELS
        plain = [name for name, _ in before if not name.startswith(tuple(HISTOGRAMS))]
        assert max(Counter(plain).values()) <= 20
        # A histogram has a line for each power of two, and there is one for each pair at most.
        whose = Counter((name, labels - {one for one in labels if one[0] == "le"})
                        for name, labels in before if name.startswith(tuple(HISTOGRAMS)))
        assert max(whose.values()) <= 27
        assert max(Counter(name for name, _ in whose).values()) <= 25


class TestFigures:
    def test_tiers(self, dev, make, stats):
        """Each is the statistics page's."""
        region, mapping = make(40, touched=40)
        place(region, 0, 8, NVME)
        place(region, 8, 8, GPU)
        mapping.read(0, 1)
        assert dev.migrate([region.page(39)], SSD).moved == 1
        got = Got()
        for tier in TIERS:
            name, there, counted = TIER_NAMES[tier], stats.tier(tier), stats.counters(tier)
            for what in ("capacity", "used", "kept", "swap_used"):
                assert got(f"tier_{what}_bytes", tier=name) == there[what] * PAGE
            assert got("tier_bound", tier=name) == there["bound"]
            assert got("tier_avoided", tier=name) == 0
            assert got("tier_latency_seconds", tier=name) == there["latency_ns"] / 1e9
            assert got("tier_bandwidth_bytes_per_second", tier=name) == there["bandwidth"]
            assert got("tier_level_changes_total", tier=name) == there["level_changes"]
            assert [got("tier_pressure", tier=name, level=level) for level in
                    ("low", "medium", "high", "critical")] == [1, 0, 0, 0]
            for kind in ("minor", "major"):
                for access in ("read", "write"):
                    assert got("faults_total", tier=name, kind=kind, access=access) == \
                        counted[f"{kind}_{access}"]
            for metric, counter in {
                    "first_touches_total": "first", "reported_faults_total": "reported",
                    "moved_in_pages_total": "moves_in", "moved_out_pages_total": "moves_out",
                    "failed_moves_total": "moves_failed", "read_bytes_total": "bytes_read",
                    "written_bytes_total": "bytes_written", "io_errors_total": "io_errors",
                    "stalls_total": "stalls", "taken_back_pages_total": "taken_back",
                    "refaults_total": "refaults", "swap_in_pages_total": "swap_in",
                    "swap_out_pages_total": "swap_out", "swap_sunk_pages_total": "swap_sunk",
                    "early_refaults_total": "refaults_early"}.items():
                assert got(metric, tier=name) == counted[counter], metric
            for metric, counter in {"fault_seconds_total": "fault_ns",
                                    "move_seconds_total": "move_ns"}.items():
                assert got(metric, tier=name) == pytest.approx(counted[counter] / 1e9, abs=1e-9)
        assert got("tier_used_bytes", tier="nvme") > 0
        assert got("faults_total", tier="nvme", kind="major", access="read") > 0

    def test_totals(self, dev, make, stats):
        with dev.agent(1) as one, dev.stream(tw.TW_EVENT_ALL, events=64):
            make(4, touched=4, agent=one)
            dev.track([1 << 40], CPU)
            try:
                got, module, head = Got(), dev.module_stats(), stats.header
                for name in ("regions", "agents", "streams"):
                    assert got(name) == getattr(module, name) > 0
                assert got("external_pages") == 1
                for use, member in (("records", "record_bytes"), ("external", "external_bytes"),
                                    ("stores", "store_bytes"), ("streams", "stream_bytes")):
                    assert got("driver_memory_bytes", use=use) == getattr(module, member) > 0
                assert got("events_total") == module.events > 0
                assert got("sigbus_total") == module.sigbus
                assert got("lost_pages_total") == head.lost
                for name in ("queued", "done_total", "failed_total", "cancelled_total"):
                    assert got(f"requests_{name}") == \
                        getattr(head, f"requests_{name.removesuffix('_total')}")
            finally:
                dev.untrack([1 << 40])

    def test_policy(self, policy, make, stats):
        """After some scans; a counter only grows, so two looks hold a third between them."""
        make(64, touched=64)
        policy(enabled=1, scan_min_ms=10, scan_max_ms=20, scan_permille=1000)
        first = stats.header.scans
        assert wait_for(lambda: stats.header.scans >= first + 3, 30)
        assert Got()("policy_enabled") == 1 and Got()("policy_watching") == 0
        policy(enabled=2)
        assert Got()("policy_enabled") == 0 and Got()("policy_watching") == 1
        policy(enabled=0)
        head = stats.header
        members = {"scans_total": "scans", "scan_pages_total": "scan_pages",
                   "scan_skipped_pages_total": "scan_skipped",
                   "policy_considered_pages_total": "auto_considered",
                   "policy_thrash_pages_total": "auto_thrash"}
        parts = {("direction", "up"): "auto_promoted", ("direction", "down"): "auto_demoted",
                 **{("reason", name): f"auto_{name}" for name in
                    ("busy", "full", "unpaid", "stayed", "limited")}}
        low = {member: getattr(head, member) for member in (*members.values(), *parts.values())}
        low_ns = head.scan_ns
        got = Got()
        for metric, member in members.items():
            assert low[member] <= got(metric) <= getattr(head, member), metric
        for (label, value), member in parts.items():
            metric = f"policy_{'moved' if label == 'direction' else 'left'}_pages_total"
            assert low[member] <= got(metric, **{label: value}) <= getattr(head, member)
        assert low_ns / 1e9 <= got("scan_seconds_total") + 1e-9
        assert got("scan_seconds_total") <= head.scan_ns / 1e9 + 1e-9
        assert got("scans_total") >= first + 3 and got("policy_enabled") == 0

    def test_histograms(self, make, stats):
        """What Prometheus computes from them is what the driver has counted."""
        region, mapping = make(40, touched=40)
        place(region, 0, 40, SSD)
        assert wrong(mapping, range(40), 0) == []
        got = Got()
        buckets, total = stats.waits(SSD)
        assert sum(buckets) == got("fault_wait_seconds_count", tier="ssd") > 0
        assert got("fault_wait_seconds_sum", tier="ssd") == pytest.approx(total / 1e9)
        for (name, labels), value in got.samples.items():
            labels = dict(labels)
            if name == "fault_wait_seconds_bucket" and labels["tier"] == "ssd" and \
                    labels["le"] != "+Inf":
                end = round(float(labels["le"]) * 1e9)
                assert end & (end - 1) == 0 and value == sum(buckets[:end.bit_length()])
        moved = {(dict(labels)["from"], dict(labels)["to"]) for name, labels in got.samples
                 if name == "move_duration_seconds_count"}
        assert ("cpu", "ssd") in moved
        assert moved == {(TIER_NAMES[source], TIER_NAMES[to]) for source in TIERS
                         for to in TIERS if sum(stats.moves(source, to)[0])}

    def test_agents(self, dev, make):
        """The largest ones, as many as asked for."""
        made = [dev.agent(number) for number in range(5)]
        try:
            for agent, pages in zip(made, (3, 9, 1, 5, 7)):
                make(10, touched=pages, agent=agent)
            for most, wanted in ((0, set()), (1, {"1"}), (3, {"1", "4", "3"}),
                                 (100, set("01234"))):
                got = Got("--agents", most)
                assert {dict(labels)["agent"] for name, labels in got.samples
                        if name.startswith("agent_")} == wanted
            whose = {"agent": "4", "name": PROGRAM, "uid": "0", "userns": USER_NS,
                     "kind": "agent"}
            assert got("agent_used_bytes", **whose, tier="cpu") == 7 * PAGE
            assert got("agent_major_faults_total", **whose, tier="ssd") == 0
            assert {label for _, labels in got.samples for label, _ in labels} <= AGENT_LABELS
            assert not any(name == "agent_limit_bytes" for name, _ in got.samples)
            limits = dev.limits(4).pages
            limits[NVME] = 5
            dev.limits(4, limits)
            got = Got("--agents", 5)
            assert got("agent_limit_bytes", **whose, tier="nvme") == 5 * PAGE
            assert sum(name == "agent_limit_bytes" for name, _ in got.samples) == 1
        finally:
            for agent in made:
                agent.close()

    def test_groups(self, dev, make):
        """Cgroups with all below them and users, of the tiers in which they have a limit."""
        none = [tw.TW_NO_LIMIT] * 5
        with Cgroup() as top, Cgroup(top) as below, Cgroup() as other:
            for group, limit in ((top, 50), (other, 7)):
                dev.group_limits(group.name, [*none[:NVME], limit, *none[NVME + 1:]])
            dev.group_limits(NOBODY, [3, *none[1:]])
            with below.inside():
                region, _ = make(20, touched=20)
                place(region, 0, 20, NVME)
            got, first = Got("--agents", 100), Got("--agents", 1)
            whose = {"kind": "cgroup", "tier": "nvme"}
            assert got("group_limit_bytes", name=top.name, **whose) == 50 * PAGE
            assert got("group_used_bytes", name=top.name, **whose) == 20 * PAGE
            assert got("group_limit_bytes", name=other.name, **whose) == 7 * PAGE
            assert got("group_used_bytes", name=other.name, **whose) == 0
            assert got("group_limit_bytes", name="nobody", kind="user", tier="gpu") == 3 * PAGE
            assert sum(name == "group_used_bytes" for name, _ in got.samples) == 3
            assert [dict(labels)["name"] for name, labels in first.samples
                    if name == "group_limit_bytes"] == [top.name]
            for group in (top.name, other.name, NOBODY):
                dev.group_limits(group, none)
        assert not any(name.startswith("group_") for name, _ in Got("--agents", 100).samples)

    def test_cgroup_names(self, make):
        """A default agent has its cgroup's path, whatever letters are in it."""
        with Cgroup() as top:
            group = copy(top)
            group.path = top.path / 'a "q\\x2d'
            group.path.mkdir()
            with group, group.inside():
                make(3, touched=3)
                number, text = str(group.id), Got("--agents", 100).samples
                (shown,) = {one["labels"]["name"] for one in tw_json("metrics", "--agents", 100)
                            if one["labels"].get("agent") == number}
        (told,) = {dict(labels)["name"] for name, labels in text if ("agent", number) in labels}
        assert shown == told == group.name

    def test_as_a_user(self):
        """Root's agents are not a user's business, totals are."""
        with tw.Device() as device, device.agent(1):
            text = tw_text("metrics", "--agents", 5, uid=NOBODY)
            assert samples(text)["agents", frozenset()] == 1 and "agent=" not in text


class TestPrograms:
    """Attached programs, the largest first; without --programs there is nothing of them."""

    LABELS = {"attachment", "pid", "program", "tier"}

    @pytest.fixture
    def programs(self, dev, policy):
        """Three that hold on to memory, scanned: (pid, id) by falling size."""
        there, enough = [Reached() for _ in range(3)], Reached()

        def hold(pages, reached):
            memory = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            for index in range(pages):
                memory[index * PAGE] = 1
            reached.set()
            enough.wait(seconds=120)

        children = [Child(hold, pages, reached)
                    for pages, reached in zip((3000, 2000, 1000), there)]
        try:
            for reached in there:
                reached.wait()
            policy(enabled=tw.TW_POLICY_WATCH, scan_min_ms=20, scan_max_ms=50,
                   scan_permille=500)
            ids = [dev.attach(child.pid) for child in children]
            assert wait_for(lambda: all(one.scans >= 2 for one in dev.attachments()), 60)
            yield [child.pid for child in children], ids
        finally:
            enough.set()
            for child in children:
                child.result()
            assert wait_for(lambda: dev.attachments() == [], 10)

    def test_figures(self, dev, programs, policy):
        pids, ids = programs
        policy(enabled=tw.TW_POLICY_OFF)
        there = {one.pid: one for one in dev.attachments()}
        assert not any(name.startswith("attached") for name, _ in Got().samples)
        for most, wanted in ((0, []), (2, pids[:2]), (100, pids)):
            got = Got("--programs", most)
            assert got("attached_programs") == 3
            assert {dict(labels)["pid"] for name, labels in got.samples if labels and
                    name.startswith("attached")} == {str(pid) for pid in wanted}
        for pid, number in zip(pids, ids):
            whose = {"attachment": str(number), "pid": str(pid),
                     "program": Path(f"/proc/{pid}/comm").read_text().strip()}
            for tier in tw.TIERS:
                assert got("attached_used_bytes", **whose, tier=TIER_NAMES[tier]) == \
                    there[pid].pages[tier] * PAGE
            assert got("attached_elsewhere_bytes", **whose) == there[pid].elsewhere * PAGE
            assert got("attached_swapped_bytes", **whose) == 0
            assert got("attached_file_bytes", **whose) > 0
            assert got("attached_shared_bytes", **whose) >= 0
            assert got("attached_scans_total", **whose) >= 2
            assert got("attached_seen", **whose) == 1
        assert {label for name, labels in got.samples if name.startswith("attached")
                for label, _ in labels} <= self.LABELS

    def test_in_top(self, programs):
        """tw top has them, too, and each with its size."""
        pids, _ = programs
        shown = tw_json("top", "--interval", "100ms")["attached"]
        assert [one["pid"] for one in shown if one["pid"] in pids] == pids
        assert all(sum(one["pages"].values()) + one["elsewhere"] >= 1000 for one in shown)
        text = tw_text("top", "--once", "--interval", "100ms")
        lines = text.splitlines()
        head = next(index for index, line in enumerate(lines) if line.startswith("ATTACHED"))
        assert [int(line.split()[1]) for line in lines[head + 1:head + 4]] == pids
        assert max(map(len, lines[head:head + 4])) <= 80

    def test_as_a_user(self, programs):  # pylint: disable=unused-argument
        """Programs of others are not a user's business."""
        text = tw_text("metrics", "--programs", 5, uid=NOBODY)
        assert samples(text)["attached_programs", frozenset()] == 0 and "pid=" not in text


class TestFile:
    @pytest.mark.parametrize("umask", [0o022, 0o077])
    def test_written(self, tmp_path, umask):
        """The same text, for whoever the umask lets read it, and nothing beside it."""
        path = tmp_path / "x.prom"
        before = os.umask(umask)
        try:
            assert tw_text("metrics", "--output", path) == ""
        finally:
            os.umask(before)
        assert samples(path.read_text()).keys() == Got().samples.keys()
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
        assert os.listdir(tmp_path) == ["x.prom"]

    def test_replaced_whole(self, tmp_path):
        """Whoever reads meanwhile reads one of them, to its end."""
        path, enough = tmp_path / "x.prom", Reached()
        tw_text("metrics", "--output", path)
        keys = samples(path.read_text()).keys()

        def read():
            looks = 0
            while not enough.get():
                assert samples(path.read_text()).keys() == keys
                looks += 1
            return looks

        child = Child(read)
        inodes = set()
        with open(path, encoding="ascii") as held:
            first = held.read()
            for _ in range(20):
                assert tw_run("metrics", "--output", path).returncode == 0
                inodes.add(path.stat().st_ino)
            held.seek(0)
            assert held.read() == first, "the old file was written over"
            assert os.fstat(held.fileno()).st_ino not in inodes
        enough.set()
        assert child.result() > 0
        assert os.listdir(tmp_path) == ["x.prom"]

    @contextmanager
    def small_disk(self, folder, size):
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)

    def test_full_disk(self, tmp_path):
        """The old file is as it was, and no part of the new one is left."""
        with self.small_disk(tmp_path / "disk", "8k") as folder:
            path = folder / "x.prom"
            path.write_text("old 1\n")
            tw_refused(FAILED, "No space left", "metrics", "--output", path)
            assert path.read_text() == "old 1\n" and os.listdir(folder) == ["x.prom"]

    def test_no_right_there(self, tmp_path):
        path = tmp_path / "x.prom"
        path.write_text("old 1\n")
        done = tw_run("metrics", "--output", path, uid=NOBODY)
        assert done.returncode and "Permission denied" in done.stderr
        assert path.read_text() == "old 1\n" and os.listdir(tmp_path) == ["x.prom"]

    def test_a_folder(self, tmp_path):
        (tmp_path / "x.prom").mkdir()
        tw_refused(FAILED, "x.prom", "metrics", "--output", tmp_path / "x.prom")
        assert os.listdir(tmp_path) == ["x.prom"]
        tw_refused(FAILED, "No such file", "metrics", "--output", tmp_path / "no" / "x.prom")

    def test_no_driver(self, tmp_path):
        """That it has gone is what a scrape finds, not the figures of before."""
        path = tmp_path / "x.prom"
        tw_text("metrics", "--output", path)
        assert samples(path.read_text())["up", frozenset()] == 1
        down = (TW, "--device", "/dev/no-such", "metrics")
        for words, shown in ((("--output", path), path.read_text), ((), None)):
            done = subprocess.run([*down, *words], capture_output=True, check=False, text=True)
            assert done.returncode == NO_DEVICE and "modprobe" in done.stderr
            assert samples(shown() if shown else done.stdout) == {("up", frozenset()): 0}


@pytest.mark.parametrize("words", [("x",), ("--agents", "x"), ("--agents", -1), ("--programs", "x"),
                                   ("--output",)])
def test_usage(words):
    tw_refused(USAGE, "", "metrics", *words)
