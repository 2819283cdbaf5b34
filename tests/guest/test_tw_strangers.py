# SPDX-License-Identifier: GPL-2.0
"""What others have a say in: the names of programs, and namespaces with numbers of their own."""

import json
import os
import subprocess

import pytest

import tw
from command import FAILED, TW, tw_json, tw_refused, tw_run, tw_text
from support import CLONE_NEWNS, CLONE_NEWUSER, Child, Reached, fill, in_pid_namespace
from tw import PAGE

pytestmark = pytest.mark.once

PR_SET_NAME = 15


class Stranger:
    """A process with a region of 4 pages, after something that it does first."""

    def __init__(self, first, agent=None):
        there, self.enough = Reached(), Reached()

        def body():
            first()
            with tw.Device() as device:
                made = device.agent(agent) if agent is not None else None
                with device.region(4 * PAGE, agent=made) as region, region.map() as mapping:
                    fill(mapping, range(4), 1)
                    there.set()
                    self.enough.wait(seconds=100)

        self.child = Child(body)
        there.wait()
        self.pid = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.enough.set()
        self.child.result()


@pytest.mark.parametrize("name, shown", [
    ("four letters \u20ac".encode(), "four letters ??"),      # the kernel keeps 15 bytes
    (b"\x1b[31mred\x07", "?[31mred?"), (b"\xff\xfe", "??")], ids=["cut", "escapes", "bytes"])
def test_program_name(tmp_path, name, shown):
    """Recordings of such a program can be shown, drawn and read as JSON."""
    path = tmp_path / "x.rec"
    with Stranger(lambda: tw.check(tw.libc.prctl(PR_SET_NAME, name, 0, 0, 0))) as stranger:
        tw_text("record", "--pid", stranger.pid, "--output", path, "--count", 1)
    said = subprocess.run([TW, "heatmap", "--json", path], capture_output=True, check=True).stdout
    assert json.loads(said.decode("utf-8"))["regions"][0]["command"] == shown
    assert shown in subprocess.run([TW, "heatmap", "--color=never", path], capture_output=True,
                                   check=True).stdout.decode("utf-8")
    tw_text("heatmap", "--output", tmp_path / "x.svg", path)


def test_message(tmp_path):
    """An error is one line of text, whatever it is about."""
    name = os.fsencode(tmp_path) + b"/\x1b[2J\xff\ntw: all is well"
    done = subprocess.run([TW, "heatmap", name], capture_output=True, check=False)
    assert done.returncode == FAILED and done.stderr.count(b"\n") == 1
    assert b"?[2J??tw: all is well" in done.stderr


def in_user_ns():
    tw.check(tw.libc.unshare(CLONE_NEWUSER))


class TestUserNamespaces:
    def test_metrics(self, make):
        """No two samples have the same labels, or a scrape would fail as a whole."""
        make(4, touched=4)
        with Stranger(in_user_ns, agent=7), Stranger(in_user_ns, agent=7), \
                Stranger(lambda: None, agent=7):
            text = tw_text("metrics", "--agents", 100)
        series = [line.rsplit(" ", 1)[0] for line in text.splitlines() if line[0] != "#"]
        assert sum('agent_used_bytes{agent="7"' in one and 'tier="cpu"' in one
                   for one in series) == 3
        assert len(series) == len(set(series))

    def test_which(self):
        """By its user namespace each can be named, and without it none is guessed."""
        with Stranger(in_user_ns, agent=7) as one, Stranger(in_user_ns, agent=7) as other:
            assert "--user-ns" in tw_refused(FAILED, "user namespaces have an agent 7", "agent",
                                             "show", 7)
            for stranger in (one, other):
                number = os.stat(f"/proc/{stranger.pid}/ns/user").st_ino
                got = tw_json("agent", "show", "--user-ns", number, 7)
                assert (got["user_ns"], got["id"], got["mine"]) == (number, 7, False)
            tw_refused(FAILED, "there is no agent 7", "agent", "show", "--user-ns", 1, 7)


def test_pages_in_a_pid_namespace():
    """A number there is that of a process in there; those outside have none."""
    def inside():
        tw.check(tw.libc.unshare(CLONE_NEWNS))
        subprocess.run("mount --make-rprivate / && mount -t proc proc /proc", shell=True,
                       check=True)
        with Stranger(lambda: None, agent=7) as one, Stranger(lambda: None, agent=8) as other:
            tw_refused(FAILED, f"process {outside}", "page", "--pid", outside)
            return [[region["agent"] for region in tw_json("page", "--pid", pid)]
                    for pid in (1, one.pid, other.pid)]

    outside = os.getpid()
    assert in_pid_namespace(inside) == [[], [7], [8]]


def test_trace_in_a_pid_namespace(make):
    """There --pid has no meaning, and it says so; all else goes on."""
    make(1)
    inside = ["unshare", "--pid", "--fork", "--mount-proc", TW, "trace", "--duration", "100ms"]
    done = subprocess.run([*inside, "--pid", "1"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "first PID namespace only" in done.stderr
    assert subprocess.run([*inside, "--quiet"], capture_output=True, check=False).returncode == 0
    assert tw_run("trace", "--pid", os.getpid(), "--duration", "100ms").returncode == 0
