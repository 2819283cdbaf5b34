# SPDX-License-Identifier: GPL-2.0
"""sqlite3: databases in memory and in temporary files, larger than memory.

The table's contents are a formula, so that each row can be checked by the database
itself, and the sums by Python.
"""

import os
import tempfile

import pytest

from witness import limited

pytestmark = pytest.mark.once

FACTOR = 2654435761
WORDS = 120         # of 8 characters in each row


def mixed(number: int) -> int:
    """As the SQL has it."""
    return number * FACTOR % (1 << 32)


def numbers(step: int, last: int) -> str:
    """A table n of the multiples of a number."""
    return f"WITH RECURSIVE n(i) AS (SELECT {step} UNION ALL SELECT i + {step} FROM n " \
        f"WHERE i <= {last - step})"


def script(rows: int, sort: bool) -> str:
    """Rows come, are changed, and go; then they are looked at in several orders."""
    value = f"replace(hex(zeroblob({WORDS})), '00', printf('%08x', {{0}} * {FACTOR} % 4294967296))"
    wanted = f"{value.format('id')} || CASE id % 7 WHEN 0 THEN 'changed' ELSE '' END"
    wrong = f"v <> {wanted}"
    lines = [
        "PRAGMA journal_mode = off",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, v TEXT)",
        f"{numbers(1, rows)} INSERT INTO t SELECT i, i * {FACTOR} % 1000003, {value.format('i')} "
        "FROM n",
        "CREATE INDEX tk ON t(k, id)",
        f"{numbers(7, rows)} UPDATE t SET v = v || 'changed' WHERE id IN n",
        f"{numbers(11, rows)} DELETE FROM t WHERE id IN n",
        "PRAGMA integrity_check",
        f"SELECT count(*), sum(k), sum(length(v)), sum({wrong}) FROM t",
        "SELECT k % 4, count(*), sum(t.id) FROM t INDEXED BY tk GROUP BY 1 ORDER BY 1"]
    if sort:
        lines += [
            "CREATE TEMP TABLE s AS SELECT id, v FROM t ORDER BY v",
            "SELECT count(*) FROM s AS a JOIN s AS b ON b.rowid = a.rowid + 1 WHERE a.v > b.v",
            "SELECT count(*) FROM s JOIN t USING (id) WHERE s.v = t.v"]
    return ";\n".join(lines) + ";\n"


def truth(rows: int, sort: bool) -> list[str]:
    """What it must print."""
    left = [number for number in range(1, rows + 1) if number % 11]
    keys = {number: number * FACTOR % 1000003 for number in left}
    length = 8 * WORDS * len(left) + len("changed") * sum(number % 7 == 0 for number in left)
    lines = ["off", "ok", f"{len(left)}|{sum(keys.values())}|{length}|0"]
    for rest in range(4):
        there = [number for number in left if keys[number] % 4 == rest]
        lines.append(f"{rest}|{len(there)}|{sum(there)}")
    return lines + (["0", str(len(left))] if sort else [])


def run(swap, database, rows, limit, *options):
    """The script, with a limit; what it prints."""
    with tempfile.TemporaryFile("w+") as file:
        file.write("".join(f"{option};\n" for option in options))
        file.write(script(rows, "memory" not in database))
        file.seek(0)
        with limited(swap, limit, "sqlite3", "-batch", "-bail", database, stdin=file) as program:
            return program.output().split()


def test_in_memory(swap, sizes):
    """A database that has no file."""
    rows = sizes.of(5000, 24000)
    assert run(swap, ":memory:", rows, f"{sizes.of(5, 10)}M") == truth(rows, False)


@pytest.mark.full
def test_files_in_memory(swap):
    """Its file, journal and temporary tables are a tmpfs's: shared memory is swapped too."""
    rows = 20000
    os.environ["SQLITE_TMPDIR"] = "/dev/shm"
    database = "/dev/shm/witness.db"
    try:
        assert run(swap, database, rows, "12M",
                   "PRAGMA cache_size = -4096") == truth(rows, True)
    finally:
        os.unlink(database)
