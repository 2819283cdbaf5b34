# SPDX-License-Identifier: GPL-2.0
"""tw run: exit codes, signals and the terminal, the cgroup that it makes, what is attached."""

import errno
import os
import pty
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from command import FAILED, LIMIT, NO_PERMISSION, TW, USAGE, tw_refused, tw_run, tw_text
from support import CGROUP, NOBODY, Cgroup, Layout, set_tiers, tiers_of, wait_for
from tw import CPU, GPU, HDD, NVME, SSD

pytestmark = pytest.mark.once

MIB = 1 << 20
WHERE = "cut -d: -f3- /proc/self/cgroup"
MOST_OF_THEM = "16M"


@pytest.fixture(autouse=True)
def nothing_left(dev):
    """No cgroup of a run stays, no attachment, no agent."""
    yield
    assert wait_for(lambda: dev.attachments() == [], 10)
    assert runs_in(CGROUP) == []
    assert [one for one in dev.agents() if one.id == 77] == []


def runs_in(folder: Path) -> list[Path]:
    """Cgroups that runs have made there."""
    return sorted(folder.glob("tw-run-*"))


def quietly(*words, **more) -> subprocess.CompletedProcess:
    """A run that is not watched."""
    return tw_run("run", "--no-attach", *words, **more)


@contextmanager
def running(*words, **more):
    """A run, from the first line that it has printed on; that is its `first`."""
    run = subprocess.Popen([TW, "run", *map(str, words)], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, **more)
    try:
        run.first = run.stdout.readline().strip()
        yield run
    finally:
        # What it has started may have its ends of the pipes still.
        run.kill()
        run.wait(LIMIT)
        run.stdout.close()
        run.stderr.close()


def child_of(run) -> int:
    """The command's process."""
    (pid,) = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    return int(pid)


class TestEnd:
    @pytest.mark.parametrize("script,code", [
        ("true", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)])
    def test_code(self, script, code):
        assert quietly("--", "sh", "-c", script).returncode == code
        assert quietly("--limit", MOST_OF_THEM, "--", "sh", "-c", script).returncode == code

    @pytest.mark.parametrize("options", [(), ("--limit", MOST_OF_THEM)])
    def test_no_command(self, options):
        done = quietly(*options, "--", "/no/such/command")
        assert done.returncode == 127 and "there is no such command" in done.stderr
        done = quietly(*options, "--", "/etc/passwd")
        assert done.returncode == 126 and "Permission denied" in done.stderr

    @pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2"])
    def test_handed_on(self, name):
        """Once, and tw ends with what the command makes of it."""
        script = f"trap 'n=$((n+1))' {name}; echo ready; while [ -z $n ]; do sleep 0.1; done; " \
            "sleep 0.3; exit $((40 + n))"
        with running("--no-attach", "--", "sh", "-c", script) as run:
            run.send_signal(getattr(signal, f"SIG{name}"))
            assert run.wait(LIMIT) == 41

    def test_nohup(self):
        """What is ignored stays so for both."""
        with running("--no-attach", "--", "sh", "-c", "echo ready; sleep 0.5; exit 3",
                     preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as run:
            run.send_signal(signal.SIGHUP)
            os.kill(child_of(run), signal.SIGHUP)
            assert run.wait(LIMIT) == 3


class TestTerminal:
    """Keys are the kernel's signals to the whole job."""

    @contextmanager
    def job(self, script):
        pid, terminal = pty.fork()
        if not pid:
            os.execv(TW, [TW, "run", "--no-attach", "--limit", MOST_OF_THEM, "--", "sh", "-c",
                          script])
        self.terminal, said = terminal, b""
        try:
            while b"ready" not in said:
                said += os.read(terminal, 100)
            yield pid, terminal
        finally:
            if self.terminal >= 0:
                os.close(terminal)

    def test_interrupt(self):
        """Ctrl-C reaches the command once."""
        script = "trap 'n=$((n+1))' INT; echo ready; while [ -z $n ]; do sleep 0.1; done; " \
            "sleep 0.3; exit $((40 + n))"
        with self.job(script) as (pid, terminal):
            os.write(terminal, b"\x03")
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 41

    def test_interrupt_kills(self):
        with self.job("echo ready; exec sleep 60") as (pid, terminal):
            os.write(terminal, b"\x03")
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGINT

    def test_hangup(self):
        """It ends when its terminal goes, also where tw leads the session."""
        with self.job("echo ready; exec sleep 60") as (pid, terminal):
            os.close(terminal)
            self.terminal = -1
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGHUP

    def test_stop_and_go_on(self):
        """Both stop, and both go on."""
        def state(which):
            return Path(f"/proc/{which}/stat").read_text().rpartition(")")[2].split()[0]

        with self.job("echo ready; read word; exit 6") as (pid, terminal):
            child = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
            # As Ctrl-Z does it; keys don't stop a job that no shell would wake again.
            os.killpg(pid, signal.SIGSTOP)
            assert wait_for(lambda: (state(pid), state(child)) == ("T", "T"))
            os.killpg(pid, signal.SIGCONT)
            os.write(terminal, b"go\n")
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 6


class TestCgroup:
    def test_limit(self):
        """There is a cgroup of its own, for so long."""
        done = quietly("--limit", "16M", "--", "sh", "-c",
                       f"{WHERE}; cat {CGROUP}/$({WHERE})/memory.high")
        path, high = done.stdout.split()
        assert done.returncode == 0 and int(high) == 16 * MIB
        assert path.startswith("/tw-run-") and not Path(f"{CGROUP}{path}").exists()
        assert "there is no swap" in done.stderr

    def test_none_without_need(self):
        assert quietly("--", "sh", "-c", WHERE).stdout == \
            Path("/proc/self/cgroup").read_text().rpartition(":")[2]

    def test_beyond_is_swapped_out(self, dev):
        """As much as the command has beyond its limit."""
        script = "m = bytearray(40 << 20)\nprint(open('/proc/self/status').read())"
        with tiers_of(dev, {CPU: 0, NVME: 0, SSD: 0}):
            # Of read-ahead it warns.
            assert tw_run("swap", "on").returncode == 0
            try:
                done = quietly("--limit", "20M", "--", "python3", "-c", script)
                assert (done.returncode, done.stderr) == (0, ""), done
                swapped = next(int(line.split()[1]) for line in done.stdout.splitlines()
                               if line.startswith("VmSwap:"))
                assert swapped > 16 << 10
            finally:
                tw_text("swap", "off")

    def test_killed_run(self):
        """Its cgroup goes with the next run; that of one which runs stays."""
        with running("--no-attach", "--limit", MOST_OF_THEM, "--", "sh", "-c",
                     "echo $$; exec sleep 60") as run, \
                running("--no-attach", "--limit", MOST_OF_THEM, "--", "sh", "-c",
                        f"{WHERE}; exec sleep 60") as other:
            run.kill()
            run.wait(LIMIT)
            assert len(runs_in(CGROUP)) == 2
            quietly("--limit", MOST_OF_THEM, "--", "true")
            assert len(runs_in(CGROUP)) == 2, "the command still runs"
            os.kill(int(run.first), signal.SIGKILL)
            assert wait_for(lambda: not Path(f"/proc/{run.first}").exists())
            quietly("--limit", MOST_OF_THEM, "--", "true")
            assert runs_in(CGROUP) == [CGROUP / other.first[1:]]
            os.kill(child_of(other), signal.SIGKILL)
            assert other.wait(LIMIT) == 137

    def test_outlived(self):
        """A daemon keeps the cgroup of its run, and that is said."""
        done = quietly("--limit", MOST_OF_THEM, "--", "sh", "-c",
                       "sleep 60 >/dev/null 2>&1 & echo $!")
        assert done.returncode == 0 and "still run: their cgroup" in done.stderr
        (left,) = runs_in(CGROUP)
        os.kill(int(done.stdout), signal.SIGKILL)
        assert wait_for(lambda: not (left / "cgroup.procs").read_text())
        quietly("--limit", MOST_OF_THEM, "--", "true")

    def test_children_die_with_it(self):
        """What is killed with the command takes a moment to go."""
        script = "for i in 1 2 3; do sleep 60 & done; echo $$; wait"
        with running("--no-attach", "--limit", MOST_OF_THEM, "--", "sh", "-c", script) as run:
            (group,) = runs_in(CGROUP)
            (group / "cgroup.kill").write_text("1")
            assert run.wait(LIMIT) == 137
            assert "still run" not in run.stderr.read()


class TestWhereItIs:
    def inside(self, group, script, *, user=None):
        """A shell in a cgroup that becomes, or runs, what the script says."""
        become = f"setpriv --reuid {user} --regid {user} --clear-groups " if user else ""
        return subprocess.run(
            ["sh", "-c", f"echo $$ > {group.path}/cgroup.procs; {script.format(become)}"],
            capture_output=True, text=True, check=False, timeout=LIMIT)

    def test_alone(self):
        """It goes aside, and all is as it was afterwards."""
        with Cgroup() as group:
            done = self.inside(group, f"exec {TW} run --no-attach --limit 16M -- sh -c '{WHERE}'")
            assert done.stdout.startswith(f"{group.name}/tw-run-"), done
            assert not [path for path in group.path.iterdir() if path.is_dir()]
            assert group.read("cgroup.subtree_control").split() == []

    def test_with_others(self):
        """Beside its cgroup, unless that has limits."""
        with Cgroup() as group:
            script = f"{TW} run --no-attach --limit 16M -- sh -c '{WHERE}'; exit $?"
            assert self.inside(group, script).stdout.startswith("/tw-run-")
            group.write("memory.max", str(100 * MIB))
            done = self.inside(group, script)
            assert done.returncode == FAILED and "limits would be left behind" in done.stderr
            assert "systemd-run --scope -p Delegate=yes tw run" in done.stderr

    def test_delegated(self):
        """A user's own cgroup is enough."""
        with Cgroup() as group:
            for path in (group.path, *(group.path / f"cgroup.{name}" for name in
                                       ("procs", "subtree_control", "threads"))):
                os.chown(path, NOBODY, NOBODY)
            done = self.inside(
                group, f"exec {{}}{TW} run --no-attach --limit 16M -- sh -c '{WHERE}; id -u'",
                user=NOBODY)
            path, uid = done.stdout.split()
            assert path.startswith(f"{group.name}/tw-run-") and int(uid) == NOBODY, done
            assert not [path for path in group.path.iterdir() if path.is_dir()]

    def test_not_delegated(self):
        said = tw_refused(NO_PERMISSION, "systemd-run --user --scope -p Delegate=yes", "run",
                          "--no-attach", "--limit", "16M", "--", "echo", "ran", uid=NOBODY)
        assert "none can be made below /sys/fs/cgroup" in said


class TestTiers:
    SHOW = f"grep Mems_allowed_list /proc/self/status; cat {CGROUP}/$({WHERE})/memory.swap.max"

    def test_nodes(self, dev):
        """Memory is on their nodes alone, and nothing is swapped out."""
        for tiers in ((CPU,), (CPU, GPU)):
            nodes = 0
            for tier in tiers:
                nodes |= dev.tier_info(tier).nodes
            names = ",".join({CPU: "cpu", GPU: "gpu"}[tier] for tier in tiers)
            done = quietly("--tiers", names, "--", "sh", "-c", self.SHOW)
            assert done.returncode == 0, done
            _, allowed, swap = done.stdout.split()
            numbers = [part.split("-") for part in allowed.split(",")]
            assert sum(1 << node for part in numbers
                       for node in range(int(part[0]), int(part[-1]) + 1)) == nodes
            assert swap == "0"

    def test_stores(self, dev):
        """All of them or none, and by the swap device alone."""
        try:
            set_tiers(dev, {CPU: 0, NVME: 0, SSD: 0})
            words = ("run", "--no-attach", "--tiers")
            script = ("--", "sh", "-c", self.SHOW)
            tw_refused(FAILED, "can't be kept to ssd of them", *words, "cpu,ssd", *script)
            tw_refused(FAILED, "swap is off", *words, "cpu,nvme,ssd", *script)
            tw_refused(FAILED, "hdd tier is not bound", *words, "cpu,hdd", *script)
            tw_refused(FAILED, "name cpu or gpu, too", *words, "nvme,ssd", *script)
            assert tw_run("swap", "on", "--size", "4M").returncode == 0
            assert tw_text(*words, "cpu,nvme,ssd", *script).split()[-1] == "max"
        finally:
            tw_run("swap", "off")
            Layout.restore(dev)
            assert HDD in dev.bound()


class TestAttached:
    def pids(self, dev) -> set[int]:
        # One that is just ending has none, and 0 would name this test's own group.
        return {one.pid for one in dev.attachments() if one.pid}

    @pytest.mark.parametrize("options", [(), ("--limit", MOST_OF_THEM)])
    def test_all_of_it(self, dev, options):
        """The command, what it forks, and what that becomes."""
        script = "sleep 60 & sh -c 'echo more; sleep 60; true' & wait"
        with running(*options, "--", "sh", "-c", script) as run:
            shell = child_of(run)
            assert wait_for(lambda: len(self.pids(dev)) == 4, 10)
            assert shell in self.pids(dev) and run.pid not in self.pids(dev)
            for pid in self.pids(dev):
                os.kill(pid, signal.SIGKILL)
            assert run.wait(LIMIT) == 137

    def test_it_becomes_another(self, dev):
        """Its attachment ends then, and there is another."""
        with running("--", "sh", "-c", "echo ready; sleep 2; exec sleep 60") as run:
            assert wait_for(lambda: child_of(run) in self.pids(dev), 10)
            first = next(one.id for one in dev.attachments() if one.pid == child_of(run))
            assert wait_for(lambda: any(one.pid == child_of(run) and one.id != first
                                        for one in dev.attachments()), 20)
            os.kill(child_of(run), signal.SIGKILL)

    def test_not_allowed(self, dev):
        """It runs all the same, and that is said."""
        done = tw_run("run", "--", "sh", "-c", "exit 5", uid=NOBODY)
        assert done.returncode == 5 and "of user nobody: attaching it needs" in done.stderr
        assert "the command runs all the same, and is not watched" in done.stderr
        assert dev.attachments() == []

    def test_outside_of_the_group(self):
        done = tw_run("run", "--", "sh", "-c", "exit 5", uid=NOBODY, member=False)
        assert done.returncode == 5 and "is not watched" in done.stderr

    def test_without_scans(self, policy):
        assert "nothing is scanned" in tw_run("run", "--", "true").stderr
        policy(enabled=1)
        assert tw_run("run", "--", "true").stderr == ""


def test_agent(dev):
    """It is held as long as the command runs, which has it as a descriptor."""
    script = 'readlink /proc/self/fd/$TIERWATCH_AGENT_FD; exec sleep 60'
    with running("--no-attach", "--agent", 77, "--", "sh", "-c", script) as run:
        assert "agent" in run.first
        assert [one.id for one in dev.agents() if one.id == 77] == [77]
        os.kill(child_of(run), signal.SIGKILL)
        assert run.wait(LIMIT) == 137


# Of a command that shares memory: what is a region in it, by the kernel's word.
SHARES = """
import ctypes, errno, mmap, os, sys
MIB = 1 << 20
libc = ctypes.CDLL(None, use_errno=True)

def regions():
    with open("/proc/self/maps") as maps:
        lines = [line.split() for line in maps if "/[tierwatch]" in line]
    spans = [[int(end, 16) for end in line[0].split("-")] for line in lines]
    return sorted((last - first) // MIB for first, last in spans)

def address(memory):
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))

def answer(name, *args):
    ctypes.set_errno(0)
    sys.stdout.reconfigure(line_buffering=True)
    return name, getattr(libc, name)(*args), ctypes.get_errno()

"""


def shares(script: str, *options: str, **more) -> subprocess.CompletedProcess:
    """What a command that shares memory says."""
    return quietly(*(options or ("--shared",)), "--", "/usr/bin/python3", "-B", "-c",
                   SHARES + script, **more)


class TestShared:
    """Memory that processes share becomes regions."""

    def test_which(self):
        """From a size on, if it is shared and belongs to no file."""
        script = "kept = [mmap.mmap(-1, n * MIB) for n in (1, 2, 3)]; " \
            "kept.append(mmap.mmap(-1, 4 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)); " \
            "kept.append(mmap.mmap(-1, 5 * MIB, prot=7)); print(regions())"
        assert shares(script).stdout == "[1, 2, 3]\n"
        assert shares(script, "--shared=2M").stdout == "[2, 3]\n"
        assert shares(script, "--no-attach").stdout == "[]\n"

    def test_huge(self, stats):
        """In pages of 2 MiB: a fault for each, where without the option each page has one."""
        script = "kept = mmap.mmap(-1, 4 * MIB); [kept.__setitem__(at, 1) " \
            "for at in range(0, 4 * MIB, 4096)]; print(regions())"
        firsts = []
        for options in (("--shared",), ("--shared", "--huge")):
            before = stats.counters(CPU)["first"]
            assert shares(script, *options).stdout == "[4]\n"
            firsts.append(stats.counters(CPU)["first"] - before)
        assert firsts == [1024, 2]

    def test_locked_from_the_start(self):
        script = "kept = mmap.mmap(-1, 2 * MIB, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | " \
            "0x2000); print(regions())"
        done = shares(script)
        assert (done.stdout, done.stderr) == ("[]\n", "")

    def test_bytes(self, dev, stats):
        """All of them, in each process, from all tiers."""
        script = """
pages = 3000
memory = mmap.mmap(-1, pages * 4096)
def page(index, turn):
    return (b"%d %d|" % (index, turn) * 1100)[:4096]
def check(turn):
    for index in range(pages):
        assert memory[index * 4096:(index + 1) * 4096] == page(index, turn), index
for index in range(pages):
    memory[index * 4096:(index + 1) * 4096] = page(index, 1)
if not os.fork():
    check(1)
    for index in range(pages):
        memory[index * 4096:(index + 1) * 4096] = page(index, 2)
    os._exit(0)
assert os.wait()[1] == 0
check(2)
print(regions(), flush=True)
sys.stdin.readline()
"""
        sizes = {CPU: 500, GPU: 64, NVME: 800, SSD: 1000, HDD: 3000}
        with tiers_of(dev, sizes), running("--no-attach", "--shared", "--", "/usr/bin/python3",
                                           "-B", "-c", SHARES + script) as run:
            assert run.first == "[11]"
            assert all(stats.used()[tier] for tier in (CPU, NVME, SSD, HDD)), stats.used()
            assert sum(stats.used()) >= 3000

    def test_grows(self):
        """As shared memory does: what is beyond the first size is not there."""
        script = """
memory = mmap.mmap(-1, 4 * MIB)
libc.mremap.restype = ctypes.c_void_p
at = libc.mremap(ctypes.c_void_p(address(memory)), 4 * MIB, 2 * MIB, 0)
at = libc.mremap(ctypes.c_void_p(at), 2 * MIB, 4 * MIB, 1)
ctypes.memmove(at, b"first", 5)
ctypes.memmove(at + 3 * MIB, b"last", 4)
print(regions(), ctypes.string_at(at, 5), ctypes.string_at(at + 3 * MIB, 4), flush=True)
os._exit(0)
"""
        assert shares(script).stdout == "[4] b'first' b'last'\n"

    def test_what_cannot_be_locked_is_not(self):
        """The kernel would say that it is."""
        script = """
free = mmap.mmap(-1, MIB // 2)
print(answer("mlock", ctypes.c_void_p(address(free)), 4096))
memory = mmap.mmap(-1, 2 * MIB)
at = address(memory)
print(answer("mlock", ctypes.c_void_p(at + MIB), 1))
print(answer("mlock2", ctypes.c_void_p(at - 4096), 8192, 1))
print(answer("mlockall", 1), answer("mlockall", 3))
print(answer("mlock", ctypes.c_void_p(address(free)), 4096))
if not os.fork():
    print(answer("mlock", ctypes.c_void_p(at), 4096), flush=True)
    os._exit(0)
os.wait()
"""
        done = shares(script)
        refused_, kept = f"-1, {errno.EAGAIN}", "0, 0"
        assert done.stdout.splitlines() == [
            f"('mlock', {kept})", f"('mlock', {refused_})", f"('mlock2', {refused_})",
            f"('mlockall', {refused_}) ('mlockall', {refused_})", f"('mlock', {kept})",
            f"('mlock', {refused_})"]
        assert done.stderr.count("is refused") == 1

    def test_all_that_follows_is_locked(self):
        script = """
print(answer("mlockall", 2))
first = mmap.mmap(-1, 2 * MIB)
print(regions(), answer("munlockall"))
second = mmap.mmap(-1, 2 * MIB)
print(regions())
"""
        assert shares(script).stdout == \
            "('mlockall', 0, 0)\n[] ('munlockall', 0, 0)\n[2]\n"

    def test_without_a_region(self):
        """It is said once, and the memory is there."""
        script = """
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
kept = [mmap.mmap(-1, 2 * MIB) for _ in range(2)]
kept[0][:2] = b"ok"
print(regions(), kept[0][:2])
"""
        done = shares(script)
        assert done.stdout == "[] b'ok'\n"
        assert done.stderr == \
            "tierwatch: 2097152 bytes of shared memory stay the kernel's own: Permission denied\n"

    def test_beside_another_library(self):
        """One that was to be loaded before is loaded still."""
        done = shares("print(os.environ['LD_PRELOAD'].split(':')[1:])",
                      env={**os.environ, "LD_PRELOAD": "libutil.so.1"})
        assert done.stdout == "['libutil.so.1']\n"

    @pytest.mark.parametrize("size", ["0", "x", "-1", ""])
    def test_sizes(self, size):
        tw_refused(USAGE, "--huge is for the regions", "run", "--huge", "--", "true")
        tw_refused(USAGE, "Write it like --shared=16M", "run", f"--shared={size}", "--", "true")

    def test_not_a_user_of_the_device(self):
        tw_refused(NO_PERMISSION, "", "run", "--shared", "--", "true", uid=NOBODY, member=False)
