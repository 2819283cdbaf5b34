# SPDX-License-Identifier: GPL-2.0
"""Files that tw writes: what they may be, what they keep, who else writes them."""

import os
import stat
import subprocess

import pytest

from command import FAILED, NO_PERMISSION, TW, tw_refused, tw_run, tw_text
from support import NOBODY, wait_for

pytestmark = pytest.mark.once

NULL = os.makedev(1, 3)


@pytest.fixture(name="recording")
def _recording(make, tmp_path):
    make(4, touched=4)
    tw_text("record", "--output", tmp_path / "made.rec", "--count", 1)
    return tmp_path / "made.rec"


def writers(path, recording):
    """Each command that writes a file, so that it writes this one."""
    return [("metrics", "--output", path), ("record", "--output", path, "--count", 1),
            ("heatmap", "--output", path, recording)]


def each(recording, tmp_path):
    """The three of them with a path each, which is not there yet."""
    for number, ending in enumerate((".prom", ".rec", ".png")):
        path = tmp_path / f"file{ending}"
        yield path, writers(path, recording)[number]


def test_no_regular_file(recording, tmp_path):
    """A device stays one, and a pipe's reader gets it all."""
    for path, command in each(recording, tmp_path):
        os.mknod(path, stat.S_IFCHR | 0o666, NULL)
        before = path.stat()
        assert tw_run(*command).returncode == 0
        after = path.stat()
        assert (after.st_rdev, after.st_ino, after.st_mode) == \
            (NULL, before.st_ino, before.st_mode)
        path.unlink()
        os.mkfifo(path)
        with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as reader:
            assert tw_run(*command).returncode == 0
            assert reader.stdout.read(4) in (b"# HE", b"TWRE", b"\x89PNG")
            reader.stdout.read()
        assert stat.S_ISFIFO(path.stat().st_mode)
        path.unlink()
    assert os.listdir(tmp_path) == [recording.name]


def test_disk(recording, tmp_path):
    for path, command in each(recording, tmp_path):
        os.mknod(path, stat.S_IFBLK | 0o666, os.makedev(7, 200))
        tw_refused(FAILED, "is a block device", *command)
        assert stat.S_ISBLK(path.stat().st_mode)


def test_link(recording, tmp_path):
    """The link stays, its file is written; one that leads nowhere makes none."""
    (tmp_path / "there").mkdir()
    for path, command in each(recording, tmp_path):
        target = tmp_path / "there" / path.name
        path.symlink_to(target)
        tw_refused(FAILED, "leads to no file", *command)
        assert path.is_symlink() and os.listdir(target.parent) == []
        target.touch()
        assert tw_run(*command).returncode == 0
        assert path.is_symlink() and target.stat().st_size
        assert os.listdir(target.parent) == [path.name]
        target.unlink()


def test_mode(recording, tmp_path):
    """A new file's is the umask's choice, an old one keeps its own, and its owner."""
    for path, command in each(recording, tmp_path):
        for umask in (0o022, 0o077):
            assert tw_run(*command, umask=umask).returncode == 0
            assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
            path.unlink(missing_ok=False)
        assert tw_run(*command).returncode == 0
        path.chmod(0o640)
        os.chown(path, NOBODY, NOBODY)
        assert tw_run(*command).returncode == 0
        found = path.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o640, NOBODY, NOBODY)


def test_not_to_be_written(tmp_path):
    """A file whose mode says no is not replaced by a user who may write the folder."""
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:2]:
        parent.chmod(parent.stat().st_mode | 0o055)
    path = tmp_path / "x.prom"
    path.write_text("old 1\n")
    tw_refused(NO_PERMISSION, "Permission denied", "metrics", "--output", path, uid=NOBODY)
    assert path.read_text() == "old 1\n" and os.listdir(tmp_path) == ["x.prom"]


def test_name_prepared(recording, tmp_path):
    """No name that can be known beforehand is written to."""
    victim = tmp_path / "victim"
    victim.write_text("mine\n")
    picture = tmp_path / "x.png"
    done = subprocess.run(["sh", "-c", 'ln -s "$1" "$2.$$" && exec "$3" heatmap --output "$2" "$4"',
                           "sh", victim, picture, TW, recording], check=False)
    assert done.returncode == 0
    assert victim.read_text() == "mine\n" and picture.read_bytes()[1:4] == b"PNG"


def test_appended(dev, tmp_path):
    """/dev/stdout is what the shell has opened, not a file to be replaced."""
    path = tmp_path / "all"
    path.write_text("first\n")
    with open(path, "a", encoding="ascii") as out:
        subprocess.run([TW, "metrics", "--output", "/dev/stdout"], stdout=out, check=True)
    assert path.read_text().startswith("first\n# HELP ")


def test_two_recorders(make, tmp_path):
    """The second is told so; the first one's recording is whole."""
    make(4, touched=4)
    path = tmp_path / "x.rec"
    with subprocess.Popen([TW, "record", "--output", path, "--interval", "10ms"],
                          stdout=subprocess.PIPE) as first:
        try:
            assert wait_for(lambda: path.exists() and path.stat().st_size > 200, 60)
            size = path.stat().st_size
            tw_refused(FAILED, "is being written by another", "record", "--output", path,
                       "--count", 1)
            assert path.stat().st_size >= size
        finally:
            first.terminate()
            first.stdout.read()
    whole = tw_run("heatmap", "--json", path)
    assert whole.returncode == 0 and "cut off" not in whole.stderr
    assert tw_run("record", "--output", path, "--count", 1).returncode == 0
