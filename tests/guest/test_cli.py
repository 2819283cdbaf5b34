# SPDX-License-Identifier: GPL-2.0
"""tw tier format|bind|unbind against real devices."""

import os
import subprocess

import pytest

import tw
from support import REPO, Loop, bind, crc32c, store_path, tiers_of
from tw import CPU, GPU, NVME, PAGE, SSD

pytestmark = pytest.mark.once

TW = REPO / "build" / "tools" / "tw"
SIZE = 4 << 20


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([TW, *map(str, arguments)], capture_output=True, text=True, check=False)


def super_of(path) -> tuple[bytes, tw.StoreSuper]:
    with open(path, "rb") as device:
        block = device.read(tw.TW_STORE_SUPER_SIZE)
    return block, tw.StoreSuper.from_buffer_copy(block)


@pytest.fixture
def loop():
    with Loop(SIZE) as one:
        yield one


def test_format(loop):
    """What the header's text says, by an independent checksum."""
    done = run("tier", "format", "--label", "a label", loop.path)
    assert done.returncode == 0, done.stderr
    block, sup = super_of(loop.path)
    assert bytes(sup.magic) == tw.TW_STORE_MAGIC.encode()
    assert (sup.version, sup.bytes) == (tw.TW_STORE_VERSION, SIZE)
    assert bytes(sup.label).rstrip(b"\0") == b"a label"
    assert any(sup.uuid)
    zeroed = bytearray(block)
    zeroed[tw.StoreSuper.crc.offset:tw.StoreSuper.crc.offset + 4] = bytes(4)
    assert sup.crc == crc32c(bytes(zeroed))


def test_format_spares_what_is_there(loop):
    """A file system is not overwritten without force."""
    subprocess.run(["mkfs.ext4", "-q", "-F", loop.path], check=True)
    before = open(loop.path, "rb").read(8192)
    done = run("tier", "format", loop.path)
    assert done.returncode != 0 and done.stderr
    assert open(loop.path, "rb").read(8192) == before
    assert run("tier", "format", "--force", loop.path).returncode == 0
    assert bytes(super_of(loop.path)[1].magic) == tw.TW_STORE_MAGIC.encode()


def test_format_of_a_bound_device(dev):
    """Not even by force while a tier uses it."""
    path = store_path(NVME)
    before = super_of(path)[0]
    assert NVME in dev.bound()
    assert run("tier", "format", "--force", path).returncode != 0
    assert super_of(path)[0] == before


@pytest.mark.parametrize("path", ["/dev/null", "/dev/no-such-device", "/etc/passwd"])
def test_format_of_something_else(path):
    assert run("tier", "format", "--force", path).returncode != 0


def test_bind_and_unbind(dev, loop):
    with tiers_of(dev, {CPU: 0, GPU: 0}):
        assert run("tier", "format", loop.path).returncode == 0
        assert run("tier", "bind", "ssd", loop.path).returncode == 0
        info = dev.tier_info(SSD)
        assert info.dev == os.stat(loop.path).st_rdev
        assert info.capacity == (SIZE - tw.TW_STORE_DATA) // PAGE
        assert run("tier", "bind", "ssd", loop.path).returncode != 0
        assert run("tier", "unbind", "ssd").returncode == 0
        assert SSD not in dev.bound()
        assert run("tier", "unbind", "ssd").returncode != 0


def test_signature_for_the_driver(dev, loop):
    """What tw has signed the driver takes, by the raw call."""
    with tiers_of(dev, {CPU: 0}):
        run("tier", "format", loop.path)
        bind(dev, SSD, 100, loop.path)
        assert dev.tier_info(SSD).capacity == 100
        dev.unbind(SSD)
