# SPDX-License-Identifier: GPL-2.0
"""tw pressure, and waiting for a level: by events, without a gap."""

import json
import signal
import subprocess
from contextlib import contextmanager

import pytest

from command import (FAILED, INTERRUPTED, LIMIT, NO_PERMISSION, TIMEOUT, TW, USAGE, tw_json,
                     tw_refused, tw_run, tw_text)
from support import NOBODY, close_made, fill, set_tiers, tiers_of, wait_for
from tw import CPU, GPU, NVME, PAGE

pytestmark = pytest.mark.once

LOW, MEDIUM, HIGH, CRITICAL = range(4)


@pytest.fixture(scope="module", autouse=True)
def alone(dev):
    """A CPU tier of 1000 pages and nothing beside it: nobody demotes."""
    with tiers_of(dev, {CPU: 1000}):
        yield


class Filler:
    """Brings the tier to an exact use."""

    def __init__(self, dev, make):
        self.dev = dev
        self.region, self.mapping = make(1000)
        self.used = 0

    def to(self, pages, level):
        """Wait until the driver has seen it."""
        if pages > self.used:
            fill(self.mapping, range(self.used, pages), 1)
        elif pages < self.used:
            self.region.discard(pages * PAGE, (self.used - pages) * PAGE)
        self.used = pages
        assert wait_for(lambda: self.dev.pressure(CPU).level == level)


@pytest.fixture
def filler(dev, make):
    return Filler(dev, make)


class Waiting:
    """A tw that waits, listening already."""

    def __init__(self, stats, *words):
        self.process = subprocess.Popen([TW, "pressure", *map(str, words)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        assert wait_for(lambda: stats.objects()["streams"] == 1 or
                        self.process.poll() is not None)

    def asleep(self):
        """It has looked and waits for the driver."""
        assert wait_for(lambda: self.state() == "S"), self.state()

    def state(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0]

    def stop(self):
        """It notices nothing until go()."""
        self.process.send_signal(signal.SIGSTOP)
        assert wait_for(lambda: self.state() == "T")

    def go(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        out, err = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, out, err


@contextmanager
def waiting(stats, *words):
    one = Waiting(stats, *words)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.communicate()


class TestShow:
    def test_figures(self, dev, filler):
        filler.to(860, HIGH)
        pressure = dev.pressure(CPU)
        assert tw_json("pressure") == tw_json("pressure", "cpu") == [
            {"schema": "tierwatch/pressure/1", "tier": "cpu", "level": "high", "permille": 860,
             "page_size": PAGE, "used": 860,
             "capacity": 1000, "stalls": pressure.stalls, "room": 140, "room_capacity": 1000,
             "waited_ns": pressure.waited_ns, "stalled10_permille": pressure.stalled10,
             "stalled60_permille": pressure.stalled60}]
        text = tw_text("pressure")
        assert "cpu   high        86.0%    3.4 MiB    3.9 MiB    560 KiB" in text
        assert max(map(len, text.splitlines())) <= 80
        assert tw_json("pressure", uid=NOBODY)[0]["permille"] == 860

    def test_not_bound(self):
        tw_refused(FAILED, "gpu tier is not bound", "pressure", "gpu")

    @pytest.mark.parametrize("words,said", [
        (("tape",), "no such tier"), (("cpu", "gpu"), "one tier"),
        (("--wait", "huge", "cpu"), "no such level"), (("--wait", "high"), "a tier, too"),
        (("--falling", "cpu"), "go with --wait"), (("--timeout", 1, "cpu"), "go with --wait"),
        (("--wait", "high", "--timeout", "x", "cpu"), "number of seconds"),
        (("--wait", "high", "--timeout", "-1", "cpu"), "number of seconds"),
        (("--wait", "high", "--timeout", "nan", "cpu"), "number of seconds"),
        (("--wait", "high", "--timeout", "1s", "cpu"), "number of seconds")])
    def test_usage(self, words, said):
        tw_refused(USAGE, said, "pressure", *words)


class TestSet:
    """Thresholds of one's own."""

    @pytest.fixture(autouse=True)
    def as_before(self, dev):
        yield
        dev.thresholds(CPU, [70, 85, 95], [65, 80, 90])

    def test_shown(self):
        assert tw_text("pressure", "set", "cpu") == \
            "cpu   medium 70% until 65%, high 85% until 80%, critical 95% until 90%\n"
        assert tw_json("pressure", "set", "cpu", uid=NOBODY) == {
            "schema": "tierwatch/pressure-set/1", "tier": "cpu",
            "medium": {"enter": 70, "leave": 65},
            "high": {"enter": 85, "leave": 80}, "critical": {"enter": 95, "leave": 90}}

    def test_changed(self, dev, filler):
        filler.to(300, LOW)
        got = tw_json("pressure", "set", "cpu", "medium=20,15", "high=30")
        assert (got["medium"], got["high"], got["critical"]) == (
            {"enter": 20, "leave": 15}, {"enter": 30, "leave": 25}, {"enter": 95, "leave": 90})
        now = dev.thresholds(CPU)
        assert (list(now.enter), list(now.leave)) == ([20, 30, 95], [15, 25, 90])
        assert dev.pressure(CPU).level == HIGH

    @pytest.mark.parametrize("code,words,said", [
        (USAGE, (), "takes a tier"), (USAGE, ("tape",), "no such tier"),
        (USAGE, ("cpu", "high"), "not LEVEL="), (USAGE, ("cpu", "low=3"), "no such level"),
        (USAGE, ("cpu", "high=101"), "percentage"), (USAGE, ("cpu", "high=80,80"), "percentage"),
        (USAGE, ("cpu", "high=3"), "percentage"), (USAGE, ("cpu", "high=80,"), "percentage"),
        (USAGE, ("cpu", "high=80", "high=81"), "two values"),
        (FAILED, ("cpu", "high=60"), "nothing was changed"),
        (FAILED, ("cpu", "high=96", "critical=95,94"), "nothing was changed")])
    def test_refused(self, dev, code, words, said):
        before = bytes(dev.thresholds(CPU))
        tw_refused(code, said, "pressure", "set", *words)
        assert bytes(dev.thresholds(CPU)) == before

    def test_as_a_user(self, dev):
        before = bytes(dev.thresholds(CPU))
        tw_refused(NO_PERMISSION, "CAP_SYS_ADMIN", "pressure", "set", "cpu", "high=80",
                   uid=NOBODY)
        assert bytes(dev.thresholds(CPU)) == before


@pytest.mark.every_kernel
class TestWait:
    def test_reached_already(self, filler):
        """It doesn't wait for an event that has been."""
        filler.to(860, HIGH)
        for level in ("low", "medium", "HIGH"):
            assert tw_json("pressure", "--wait", level, "cpu")[0]["level"] == "high"
        for level in ("high", "critical"):
            tw_text("pressure", "--wait", level, "--falling", "cpu")

    def test_rising(self, filler, stats):
        with waiting(stats, "--wait", "high", "cpu", "--json") as one:
            one.asleep()
            filler.to(710, MEDIUM)
            assert one.process.poll() is None
            filler.to(860, HIGH)
            code, out, err = one.end()
        assert (code, err) == (0, "")
        assert json.loads(out)[0]["level"] == "high"
        assert stats.objects()["streams"] == 0

    def test_falling(self, filler, stats):
        filler.to(960, CRITICAL)
        with waiting(stats, "--wait", "medium", "--falling", "cpu") as one:
            one.asleep()
            filler.to(850, HIGH)
            assert one.process.poll() is None
            filler.to(0, LOW)
            assert one.end()[0] == 0

    def test_falling_of_a_full_tier(self, dev, make, stats):
        """Work that waits for memory to be at ease begins, full as the tier is kept."""
        set_tiers(dev, {CPU: 1000, NVME: 8000})
        try:
            make(3000, touched=3000)
            with waiting(stats, "--wait", "medium", "--falling", "--timeout", 100, "cpu") as one:
                code, out, err = one.end()
            assert (code, err) == (0, "") and "cpu " in out
            assert dev.pressure(CPU).used >= 900
        finally:
            close_made()
            dev.unbind(NVME)
            dev.unbind(CPU)             # the waiting that has been is forgotten
            set_tiers(dev, {CPU: 1000})

    def test_a_moment(self, filler, stats):
        """A level that is over when it looks was reached all the same."""
        with waiting(stats, "--wait", "critical", "cpu") as one:
            one.asleep()
            one.stop()
            filler.to(960, CRITICAL)
            filler.to(0, LOW)
            one.go()
            code, out, _ = one.end()
        assert code == 0 and "cpu   low" in out

    def test_many_levels(self, filler, stats):
        """More events than it has room for, none of them the one: it goes on waiting."""
        with waiting(stats, "--wait", "critical", "cpu") as one:
            one.asleep()
            one.stop()
            for _ in range(300):
                filler.to(720, MEDIUM)
                filler.to(0, LOW)
            one.go()
            one.asleep()
            assert one.process.poll() is None
            filler.to(960, CRITICAL)
            assert one.end()[0] == 0

    def test_other_tiers(self, dev, make, filler, stats):
        """Another tier's level is not this one's."""
        set_tiers(dev, {CPU: 1000, NVME: 100})
        dev.thresholds(CPU, [20, 40, 95], [15, 35, 90])
        try:
            with waiting(stats, "--wait", "high", "nvme") as one:
                one.asleep()
                filler.to(860, HIGH)
                assert one.process.poll() is None
                region, _ = make(100, touched=96)
                assert region.migrate(0, 96 * PAGE, NVME).moved == 96
                assert one.end()[0] == 0
        finally:
            dev.thresholds(CPU, [70, 85, 95], [65, 80, 90])
            close_made()
            dev.unbind(NVME)

    def test_timeout(self, filler):
        """Its own exit code; the pressure is shown."""
        filler.to(700, MEDIUM)
        for seconds in (0, 0.05):
            done = tw_run("pressure", "--wait", "high", "--timeout", seconds, "cpu", "--json")
            assert done.returncode == TIMEOUT
            assert f"cpu was not at high within {seconds} s" in done.stderr
            assert json.loads(done.stdout)[0]["level"] == "medium"

    def test_unbound(self, dev, stats):
        tw_refused(FAILED, "gpu tier is not bound", "pressure", "--wait", "low", "gpu")
        set_tiers(dev, {CPU: 1000, GPU: 100})
        with waiting(stats, "--wait", "high", "gpu") as one:
            one.asleep()
            dev.unbind(GPU)
            code, out, err = one.end()
        assert (code, out) == (FAILED, "") and "gpu tier is not bound" in err

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted(self, filler, stats, number):
        filler.to(700, MEDIUM)
        with waiting(stats, "--wait", "high", "cpu") as one:
            one.process.send_signal(number)
            assert one.end()[:2] == (INTERRUPTED, "")
        assert stats.objects()["streams"] == 0

    def test_permission(self, stats):
        tw_refused(NO_PERMISSION, "CAP_PERFMON", "pressure", "--wait", "high", "cpu", uid=NOBODY)
        assert stats.objects()["streams"] == 0
