# SPDX-License-Identifier: GPL-2.0
"""The module: parameters, trace events, what it is while it is in use."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

import tw
from support import errno_of, place, refused, wait_for
from tw import GPU, NVME

MODULE = Path("/sys/module/tier_watch")
PARAMETERS = MODULE / "parameters"
TRACING = Path("/sys/kernel/tracing")
O_NONBLOCK = os.O_NONBLOCK


@pytest.mark.parametrize("name", ["debug", "enable_auto_migration"])
def test_switches(name):
    """Both exist, are writable, and take what is written; nonsense is refused."""
    path = PARAMETERS / name
    before = path.read_text()
    try:
        for value, shown in (("1", ("Y", "1")), ("0", ("N", "0")), ("1", ("Y", "1"))):
            path.write_text(value)
            assert path.read_text().strip() in shown
        now = path.read_text()
        assert errno_of(path.write_text, "what") == errno.EINVAL
        assert path.read_text() == now
    finally:
        path.write_text(before.strip())
    assert path.read_text() == before


def test_works_with_debug_on(make):
    path = PARAMETERS / "debug"
    before = path.read_text().strip()
    path.write_text("1")
    try:
        region, _ = make(8, touched=8)
        place(region, 0, 8, NVME)
        place(region, 0, 8, GPU)
    finally:
        path.write_text(before)


@pytest.mark.parametrize("name,default", [
    ("max_user_regions", 1024), ("max_user_agents", 1024), ("max_user_streams", 64),
    ("max_user_ring_mib", 64), ("max_user_record_mib", 1024),
    ("max_user_external", 16 << 20), ("max_user_percent", 75), ("max_users_percent", 90)])
def test_caps(name, default):
    assert int((PARAMETERS / name).read_text()) == default


def test_identity():
    info = subprocess.run(["modinfo", "-F", "license", MODULE.name], capture_output=True,
                          text=True, check=False)
    assert MODULE.is_dir()
    taints = (MODULE / "taint").read_text().strip()
    assert set(taints) <= set("OE"), taints
    assert info.returncode != 0 or info.stdout.strip() == "GPL"


class TestUnloading:
    """Refused while anything of it is in use; the refusal changes nothing."""

    def unload(self):
        tw.check(tw.libc.syscall(176, b"tier_watch", O_NONBLOCK))

    def test_device_open(self, dev):
        assert dev.fd >= 0
        with refused((errno.EWOULDBLOCK, errno.EBUSY)):
            self.unload()

    def test_use_count(self, dev, make, stream):
        count = int((MODULE / "refcnt").read_text())
        make(1)
        with_region = int((MODULE / "refcnt").read_text())
        stream()
        agent = dev.agent(1)
        assert count < with_region < int((MODULE / "refcnt").read_text())
        agent.close()


class TestTracing:
    @pytest.fixture
    def traced(self):
        """Our trace events on; yields the function that reads them."""
        events = TRACING / "events" / "tier_watch"
        if not events.is_dir():
            events = TRACING / "events" / "tierwatch"
        assert events.is_dir(), "no trace events"
        (TRACING / "trace").write_text("")
        (events / "enable").write_text("1")
        yield events
        (events / "enable").write_text("0")
        (TRACING / "trace").write_text("")

    def test_faults_and_migrations(self, traced, make):
        names = {path.name for path in traced.iterdir() if path.is_dir()}
        assert any("fault" in name for name in names)
        assert any("migrate" in name for name in names)
        region, _ = make(4, touched=4)
        place(region, 0, 4, GPU)
        assert wait_for(lambda: "migrate" in (TRACING / "trace").read_text())
        lines = [line for line in (TRACING / "trace").read_text().splitlines()
                 if not line.startswith("#")]
        assert sum("fault" in line for line in lines) == 4
        assert sum("migrate" in line for line in lines) == 4


def test_proc_devices():
    assert "tierwatch" in Path("/proc/misc").read_text()
