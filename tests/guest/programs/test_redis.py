# SPDX-License-Identifier: GPL-2.0
"""redis-server: a snapshot and a rewritten log while keys are written, SIGKILL, both read back.

A snapshot is of the moment at which it was asked for: every key must have the version
that it had then, though all were written again while the child wrote it out.
"""

import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import wait_for
from witness import PATIENT, limited

pytestmark = pytest.mark.once

# What redis-tools has; the package redis-server adds a link to it, and starts a service.
SERVER = Path("/usr/bin/redis-check-rdb")
BATCH = 250


def value(key: int, version: int) -> bytes:
    """What a key has after it was written so often."""
    return (f"{key}.{version}|".encode() * 300)[:1024]


class Client:
    """A connection, by the protocol's text."""

    def __init__(self, path: Path):
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rb")

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, *words) -> None:
        """A command; its answer is for later."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"".join([b"*%d\r\n" % len(parts),
                                      *(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)]))

    def answer(self):
        """The next answer, which must be no error."""
        line = self.file.readline()
        assert line and line[:1] != b"-", line
        kind, rest = line[:1], line[1:-2]
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        if kind == b"$":
            return self.file.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
        return rest

    def ask(self, *words):
        """A command and its answer."""
        self.send(*words)
        return self.answer()

    def about(self, name: str) -> str:
        """What INFO persistence says of something."""
        lines = self.ask("INFO", "persistence").decode().split()
        return next(line.partition(":")[2] for line in lines if line.startswith(f"{name}:"))


class Keys:
    """All keys, each with the number of times that it was written."""

    def __init__(self, number: int):
        self.version = [0] * number
        self.next = 0

    def write(self, client: Client, number: int) -> None:
        """The next so many, in order, over and over."""
        words = ["MSET"]
        for _ in range(number):
            key = self.next
            self.version[key] += 1
            words += [f"key:{key}", value(key, self.version[key])]
            self.next = (key + 1) % len(self.version)
        assert client.ask(*words) == b"OK"

    def write_all(self, client: Client) -> None:
        """Each of them once."""
        for _ in range(0, len(self.version), BATCH):
            self.write(client, BATCH)

    def check(self, client: Client, version: list[int]) -> None:
        """Each has what was written."""
        for first in range(0, len(version), BATCH):
            keys = range(first, first + BATCH)
            got = client.ask("MGET", *(f"key:{key}" for key in keys))
            wrong = [key for key, found in zip(keys, got) if found != value(key, version[key])]
            assert not wrong, (wrong[:10], len(wrong))


@contextmanager
def server(swap, folder: Path, limit: str, *options):
    """A server with a limit, and a client once it has loaded what there is."""
    name = folder / "socket"

    def ready():
        try:
            client = Client(name)
        except OSError:
            return None
        client.send("PING")
        line = client.file.readline()
        if line == b"+PONG\r\n":
            return client
        client.close()
        return None

    words = ("--port", 0, "--unixsocket", name, "--dir", folder, "--save", "",
             "--rdbcompression", "no", "--appendfsync", "no", "--auto-aof-rewrite-percentage", 0)
    with limited(swap, limit, folder / "redis-server", *words, *options) as program:
        client = wait_for(ready, PATIENT, 0.2)
        assert client, program.said()
        try:
            yield client, program
        finally:
            client.close()
            name.unlink(missing_ok=True)


def in_background(client: Client, keys: Keys, command: str, state: str) -> list[int]:
    """All keys are written while the command is carried out; the versions at the command."""
    then = list(keys.version)
    assert b"started" in client.ask(command)
    keys.write_all(client)
    assert wait_for(lambda: client.about(f"{state}_in_progress") == "0", PATIENT, 0.2)
    return then


@pytest.fixture(name="folder")
def folder_in_memory():
    """Of a file system in memory, with the server under its name."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path:
        (Path(path) / "redis-server").symlink_to(SERVER)
        yield Path(path)


def test_snapshot_log_and_kill(swap, sizes, folder):
    """Every key is compared: as they are, from the log, and from the snapshot."""
    limit = f"{sizes.of(6, 16)}M"
    keys = Keys(sizes.of(1500, 16000))
    with server(swap, folder, limit, "--appendonly", "yes") as (client, program):
        keys.write_all(client)
        load = sizes.full and subprocess.Popen(
            ["redis-benchmark", "-s", folder / "socket", "-t", "set,get,lpush,hset", "-r", "5000",
             "-d", "512", "-n", "20000", "-P", "16", "-q"], stdout=subprocess.DEVNULL)
        then = in_background(client, keys, "BGSAVE", "rdb_bgsave")
        assert client.about("rdb_last_bgsave_status") == "ok"
        shutil.copy(folder / "dump.rdb", folder / "then.rdb")
        in_background(client, keys, "BGREWRITEAOF", "aof_rewrite")
        assert client.about("aof_last_bgrewrite_status") == "ok"
        assert not load or load.wait(PATIENT) == 0
        keys.check(client, keys.version)
        keys.write(client, BATCH)
        program.kill()
    with server(swap, folder, limit, "--appendonly", "yes") as (client, program):
        keys.check(client, keys.version)
        program.kill()
    shutil.rmtree(folder / "appendonlydir")
    with server(swap, folder, limit, "--dbfilename", "then.rdb") as (client, program):
        keys.check(client, then)
        client.send("SHUTDOWN", "NOSAVE")
        program.output()
