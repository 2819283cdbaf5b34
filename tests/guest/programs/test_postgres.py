# SPDX-License-Identifier: GPL-2.0
"""PostgreSQL: shared buffers and backends larger than memory, a backend killed, all checked;
over swap, and with its shared memory in a region.

What pgbench does with one client and one seed is the same each time: a server with a
limit must come to the same rows as one without.
"""

import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import NOBODY, REPO, Delta, Observer, device_gid, wait_for
from tw import STORES
from witness import PATIENT, Program, limited, ooms

pytestmark = [pytest.mark.once, pytest.mark.full]

# Installed, the package would make a database and start a service; tools/deps unpacks it.
HOME = REPO / "build/programs/root/usr/lib/postgresql/15"
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
FOLDER = Path("/dev/shm/postgres")
SETTINGS = {"shared_buffers": "48MB", "unix_socket_directories": FOLDER, "listen_addresses": "",
            "shared_memory_type": "mmap", "fsync": "off", "autovacuum": "off", "jit": "off",
            "max_connections": 12, "log_min_messages": "fatal", "bgwriter_delay": "200ms"}
SUMS = ("SELECT sum(abalance) FROM pgbench_accounts", "SELECT sum(tbalance) FROM pgbench_tellers",
        "SELECT sum(bbalance) FROM pgbench_branches", "SELECT sum(delta) FROM pgbench_history")
ROWS = ("SELECT md5(string_agg(aid || ' ' || bid || ' ' || abalance || filler, ',' ORDER BY aid)) "
        "FROM pgbench_accounts",
        "SELECT count(*), sum(delta), sum(aid), sum(tid) FROM pgbench_history")


def tool(name: str, *words, code=0) -> str:
    """One of its programs, as who may use the database."""
    done = subprocess.run([*AS_NOBODY, HOME / "bin" / name, *map(str, words)], text=True,
                          capture_output=True, check=False, timeout=PATIENT,
                          env={**os.environ, "PGHOST": str(FOLDER), "PGUSER": "postgres",
                               "PGDATABASE": "postgres", "LC_ALL": "C"})
    assert code is None or done.returncode == code, done
    return done.stdout + (done.stderr if code is None else "")


def ask(*queries: str) -> list[str]:
    """What each has for an answer."""
    words = (word for query in queries for word in ("-c", query))
    return tool("psql", "-XAtq", *words).split("\n")[:-1]


@pytest.fixture(name="data", scope="module")
def initial_data():
    """A database as initdb makes it."""
    FOLDER.mkdir()
    shutil.chown(FOLDER, NOBODY, NOBODY)
    try:
        tool("initdb", "-D", FOLDER / "first", "-U", "postgres", "-A", "trust", "--no-sync", "-E",
             "UTF8", "--locale=C")
        yield FOLDER / "first"
    finally:
        shutil.rmtree(FOLDER)


def server_words(data: Path, become: tuple = AS_NOBODY) -> list:
    """The server's command."""
    return [*become, HOME / "bin/postgres", "-D", data,
            *(word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}"))]


def ready() -> bool:
    """Does it take connections?"""
    return "1\n" == tool("psql", "-XAtq", "-c", "SELECT 1", code=None)


@contextmanager
def copied(data: Path):
    """A database of its own; the server is to be ended before it goes."""
    copy = FOLDER / "now"
    subprocess.run(["cp", "-a", data, copy], check=True)
    try:
        yield copy
    finally:
        shutil.rmtree(copy)


def work() -> list[str]:
    """The same each time; then what there is."""
    tool("pgbench", "-i", "-q", "-s", 2)
    tool("pgbench", "-n", "-c", 1, "-t", 300, "--random-seed=7")
    return ask(*ROWS)


def without(data: Path) -> list[str]:
    """The rows of a server with all of memory."""
    with copied(data) as copy:
        server = subprocess.Popen(list(map(str, server_words(copy))), stderr=subprocess.DEVNULL)
        try:
            assert wait_for(ready, 120, 0.5)
            return work()
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(PATIENT)


def equal_sums() -> int:
    """Each transaction is in all tables or in none."""
    sums = ask(*SUMS)
    assert len(set(sums)) == 1, sums
    return int(ask("SELECT count(*) FROM pgbench_history")[0])


def kill_a_backend() -> None:
    """In the middle of pgbench: all clients are thrown out, and the log is replayed."""
    before = equal_sums()
    client = subprocess.Popen(
        [*AS_NOBODY, HOME / "bin/pgbench", "-n", "-c", "4", "-t", "100000", "-h", FOLDER, "-U",
         "postgres", "postgres"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    count = "SELECT count(*) FROM pgbench_history"
    assert wait_for(lambda: int(ask(count)[0]) > before + 20, 120, 0.5)
    seen = int(ask(count)[0])
    pids = ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench'")
    os.kill(int(pids[0]), signal.SIGKILL)
    said = client.communicate(timeout=PATIENT)[1]
    assert re.search("terminat|closed the connection", said), said[-2000:]
    assert wait_for(ready, 240, 0.5)
    assert equal_sums() >= seen, "a transaction that was seen is gone"


def all_of_it(copy: Path, wanted: list[str]) -> None:
    """The work, a backend that is killed, and a look at every index; then the server ends."""
    assert work() == wanted
    kill_a_backend()
    tool("pg_amcheck", "--install-missing", "--heapallindexed", "--all")
    os.kill(int((copy / "postmaster.pid").read_text().split()[0]), signal.SIGINT)


def test_bench(swap, data):
    """Sums, rows and indices."""
    wanted = without(data)
    with copied(data) as copy, limited(swap, "24M", *server_words(copy)) as program:
        assert wait_for(ready, 240, 0.5), program.said()
        all_of_it(copy, wanted)
        program.output()


def test_shared(swap, data):
    """The same, with its shared memory in a region that it knows nothing of.

    Pages of that go to each store and come back by faults. A killed backend has the server
    begin anew, with another region.
    """
    wanted, before = without(data), ooms()
    become = (*AS_NOBODY[:-1], f"--groups={device_gid()}")
    delta = Delta(Observer.stats)
    with copied(data) as copy, \
            Program(swap.group, "20M", *server_words(copy, become),
                    options=("--shared=8M",)) as program:
        assert wait_for(ready, 240, 0.5), program.said()
        assert Observer.stats.header.regions == 1, program.said()
        all_of_it(copy, wanted)
        program.output()
        assert "stay the kernel's own" not in program.said()
    assert ooms() == before
    there = {tier: (delta.tier(tier)["moves_in"], delta.tier(tier)["major_read"] +
                    delta.tier(tier)["major_write"]) for tier in STORES}
    assert all(moved and read for moved, read in there.values()), there
    assert not any(delta.get("io_errors")) and not delta.sigbus()
    assert wait_for(lambda: Observer.stats.header.regions == 0, 20)
