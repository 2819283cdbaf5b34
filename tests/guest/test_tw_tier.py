# SPDX-License-Identifier: GPL-2.0
"""tw tier: files by way of loop devices, what is in use, detect."""

import contextlib
import json
import os
import random
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

import tw
from manual import TW
from support import (NOBODY, Ext4, Loop, Mapper, ZonedDisk, bind, close_made, device_bytes,
                     format_store, load_module, place, set_tiers, signature, store_path, tiers_of,
                     write_super, wrong)
from tw import CPU, GPU, HDD, NVME, PAGE, SSD, STORES, TIERS

pytestmark = pytest.mark.once

FILE_SIZE = 8 << 20
USAGE, NO_DEVICE, NO_PERMISSION = 2, 3, 4


def run(*words, uid: int = 0, groups=()) -> subprocess.CompletedProcess:
    """tw, as somebody."""
    who = {"user": uid, "group": uid, "extra_groups": groups} if uid else {}
    return subprocess.run([TW, *map(str, words)], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **who)


def good(*words) -> str:
    done = run(*words)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


def bad(code: int, *words, says: str, **who) -> str:
    """It fails with this code and message, and prints nothing else."""
    done = run(*words, **who)
    assert (done.returncode, done.stdout) == (code, ""), done
    assert says in done.stderr, done.stderr
    return done.stderr


def proposal() -> tuple[dict, dict]:
    """What is proposed by tier, and what is left alone, and why."""
    found = json.loads(good("tier", "detect", "--json"))
    return ({one["tier"]: one.get("device") or one.get("nodes") for one in found["tiers"]},
            {one["device"]: one["why"] for one in found["left_alone"]})


def test_bound_disks(dev):
    """They are shown as they are, and in the same form for tw apply."""
    assert dev.bound() == set(TIERS)
    tiers, alone = proposal()
    assert tiers["nvme"] is None and "bound to the nvme tier" in alone[store_path(NVME)]
    conf = good("tier", "detect", "--conf")
    for tier in STORES:
        assert f"[tier {tw.TIER_NAMES[tier]}]\ndevice = {store_path(tier)}\n" in conf


@pytest.fixture(scope="module", name="no_stores")
def stores_unbound(dev):
    """CPU and GPU are bound, no store is."""
    with tiers_of(dev, {CPU: 0, GPU: 0}):
        yield


@pytest.fixture(name="memory_only")
def only_memory(dev, no_stores):
    """The same at the beginning of each test."""
    assert no_stores is None
    set_tiers(dev, {CPU: 0, GPU: 0})
    yield
    close_made()
    set_tiers(dev, {CPU: 0, GPU: 0})


@pytest.fixture(name="files", scope="module")
def folder():
    """On a file system that can do direct I/O."""
    load_module("loop")
    with Ext4(64 << 20) as files:
        yield files.path


@pytest.fixture(name="file")
def new_file(files):
    path = files / "store"
    with open(path, "wb") as out:
        os.posix_fallocate(out.fileno(), 0, FILE_SIZE)
    yield path
    path.unlink()


class TestFile:
    @pytest.mark.every_kernel
    def test_bind_and_unbind(self, dev, memory_only, file, make):
        """The loop device has direct I/O, carries pages, and goes with the binding."""
        before = Loop.all()
        good("tier", "format", file)
        assert Loop.all() == before
        assert str(file) in good("tier", "bind", "ssd", file)
        (mine,) = Loop.all().keys() - before.keys()
        assert Loop.all()[mine] == [str(file), "1", "1"]
        info = dev.tier_info(SSD)
        assert info.dev == os.stat(mine).st_rdev
        assert info.capacity == (FILE_SIZE - tw.TW_STORE_DATA) // PAGE
        listed = json.loads(good("tier", "list", "--json"))[SSD]
        assert (listed["device"], listed["file"]) == (mine, str(file))
        region, mapping = make(16, seed=3, touched=16)
        place(region, 0, 16, SSD)
        assert wrong(mapping, range(16), 3) == []
        place(region, 0, 16, SSD)
        assert "16 pages moved" in good("tier", "unbind", "ssd")
        assert wrong(mapping, range(16), 3) == []
        assert Loop.all() == before

    def test_refused_binding_leaves_no_loop_device(self, dev, memory_only, file):
        good("tier", "format", file)
        before = Loop.all()
        bad(1, "tier", "bind", "ssd", file, "--capacity", "1G", says="less than the capacity")
        assert Loop.all() == before
        good("tier", "bind", "ssd", file)
        with_one = Loop.all()
        bad(1, "tier", "bind", "ssd", file, says="tw tier unbind ssd")
        bad(1, "tier", "bind", "hdd", file, says="bound to the ssd tier")
        assert Loop.all() == with_one
        good("tier", "unbind", "ssd")

    def test_not_signed(self, dev, memory_only, file):
        before = Loop.all()
        bad(1, "tier", "bind", "nvme", file, says=f"tw tier format {file}")
        assert Loop.all() == before and NVME not in dev.bound()
        assert not any(file.read_bytes())
        good("tier", "bind", "nvme", file, "--format")
        assert NVME in dev.bound()
        good("tier", "unbind", "nvme")

    def test_signing_spares_data(self, dev, memory_only, file):
        """A file that holds something, though nothing that libblkid knows."""
        with open(file, "r+b") as out:
            out.seek(70000)
            out.write(b"precious")
        before = file.read_bytes()
        bad(1, "tier", "format", file, says="holds unknown data")
        bad(1, "tier", "bind", "nvme", file, "--format", says="holds unknown data")
        assert file.read_bytes() == before
        good("tier", "format", "--force", file)

    def test_format_of_a_file_in_use(self, dev, memory_only, file):
        good("tier", "format", file)
        good("tier", "bind", "nvme", file)
        before = file.read_bytes()[:tw.TW_STORE_DATA]
        bad(1, "tier", "format", "--force", file, says="bound to the nvme tier")
        assert file.read_bytes()[:tw.TW_STORE_DATA] == before
        good("tier", "unbind", "nvme")

    def test_in_use_by_another_name(self, dev, memory_only, file):
        """A file that was bound where its path means nothing here is still in use."""
        good("tier", "format", file)
        script = f'mount --bind {file.parent} /mnt && exec {TW} tier bind ssd /mnt/{file.name}'
        subprocess.run(["unshare", "-m", "sh", "-c", script], check=True, capture_output=True)
        before = Loop.all()
        assert not Path("/mnt", file.name).exists()
        bad(1, "tier", "bind", "hdd", file, says="bound to the ssd tier")
        bad(1, "tier", "format", "--force", file, says="bound to the ssd tier")
        assert Loop.all() == before
        good("tier", "unbind", "ssd")

    def test_too_small(self, file):
        os.truncate(file, tw.TW_STORE_DATA)
        bad(1, "tier", "format", file, says="too small")
        assert file.stat().st_size == tw.TW_STORE_DATA and not any(file.read_bytes())

    @pytest.mark.every_kernel
    def test_holes(self, dev, memory_only, file):
        """A store on a full disk would lose pages: holes are filled, or it is refused."""
        good("tier", "format", file)
        super_block = file.read_bytes()[:tw.TW_STORE_SUPER_SIZE]
        os.truncate(file, PAGE)
        os.truncate(file, FILE_SIZE)
        before = Loop.all()
        said = bad(1, "tier", "bind", "nvme", file, says="has holes")
        assert f"fallocate -l {FILE_SIZE} {file}" in said
        assert Loop.all() == before and file.read_bytes()[:len(super_block)] == super_block
        good("tier", "format", "--force", file)
        assert file.stat().st_blocks * 512 >= FILE_SIZE
        good("tier", "bind", "nvme", file)
        good("tier", "unbind", "nvme")

    def test_full_disk(self, files, file):
        """Not enough room for the whole file: nothing is allocated or written."""
        os.truncate(file, 0)
        os.truncate(file, 1 << 30)
        blocks = file.stat().st_blocks
        free = os.statvfs(files).f_bfree
        bad(1, "tier", "format", file, says="is full")
        assert file.stat().st_blocks == blocks and os.statvfs(files).f_bfree == free
        with open(file, "rb") as inside:
            assert not any(inside.read(PAGE))

    @pytest.mark.every_kernel
    def test_no_direct_io(self, dev, memory_only):
        """A file system without it is told of, and no loop device stays."""
        path = Path("/dev/shm/tw-store")
        if tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 6):
            pytest.skip("tmpfs can do direct I/O from Linux 6.6 on")
        try:
            with open(path, "wb") as out:
                os.posix_fallocate(out.fileno(), 0, FILE_SIZE)
            good("tier", "format", path)
            before = Loop.all()
            bad(1, "tier", "bind", "nvme", path, says="can't do direct I/O")
            assert Loop.all() == before and NVME not in dev.bound()
        finally:
            path.unlink()

    def test_ordinary_user(self, dev, memory_only, file):
        """Even one who may use the device and the file sets up no loop device."""
        good("tier", "format", file)
        file.chmod(0o666)
        file.parent.chmod(0o755)
        before = Loop.all()
        gid = os.stat(tw.TW_DEVICE).st_gid
        bad(NO_PERMISSION, "tier", "bind", "nvme", file, uid=NOBODY, groups=[gid], says="Be root")
        assert Loop.all() == before and NVME not in dev.bound()


@pytest.mark.every_kernel
class TestInUse:
    """The message names what uses a disk."""

    def test_mounted(self, dev, memory_only, tmp_path):
        with Loop(16 << 20) as disk:
            subprocess.run(["mkfs.ext4", "-q", "-F", disk.path], check=True)
            subprocess.run(["mount", disk.path, tmp_path], check=True)
            try:
                for words in (("format", "--force", disk.path), ("bind", "nvme", disk.path)):
                    bad(1, "tier", *words, says=f"mounted on {tmp_path}")
            finally:
                subprocess.run(["umount", tmp_path], check=True)
        assert NVME not in dev.bound()

    def test_swap(self, dev, memory_only):
        with Loop(16 << 20) as disk:
            subprocess.run(["mkswap", disk.path], check=True, capture_output=True)
            subprocess.run(["swapon", disk.path], check=True)
            try:
                for words in (("format", "--force", disk.path), ("bind", "nvme", disk.path)):
                    bad(1, "tier", *words, says="in use: swap")
            finally:
                subprocess.run(["swapoff", disk.path], check=True)
        assert NVME not in dev.bound()

    def test_part_of_another(self, dev, memory_only):
        with Loop(16 << 20) as disk:
            format_store(disk.path)
            with Mapper([(0, 1024, "linear", f"{disk.path} 0")]) as mapper:
                for words in (("format", "--force", disk.path), ("bind", "nvme", disk.path)):
                    bad(1, "tier", *words, says=f"({mapper.name})")
        assert NVME not in dev.bound()

    def test_tier(self, dev, memory_only):
        with Loop(16 << 20) as disk:
            format_store(disk.path)
            bind(dev, SSD, path=disk.path)
            bad(1, "tier", "format", "--force", disk.path, says="bound to the ssd tier")
            bad(1, "tier", "bind", "hdd", disk.path, says="bound to the ssd tier")
            bad(1, "tier", "bind", "ssd", disk.path, says="tw tier unbind ssd")
            assert HDD not in dev.bound()
            dev.unbind(SSD)


class TestRefusals:
    def test_wrong_names(self, dev):
        before = dev.bound()
        bad(USAGE, "tier", "bind", "nmve", "/dev/null", says="Did you mean nvme?")
        bad(USAGE, "tier", "unbind", "hd", says="Did you mean hdd?")
        bad(USAGE, "tier", "unbnid", "hdd", says="Did you mean unbind?")
        bad(USAGE, "tire", "list", says="Did you mean tier?")
        assert dev.bound() == before

    def test_no_permission(self, dev):
        """Nobody at all, and a member of the group."""
        before = dev.bound()
        bad(NO_PERMISSION, "tier", "list", uid=NOBODY, says="member of its group, tierwatch")
        gid = os.stat(tw.TW_DEVICE).st_gid
        assert run("tier", "list", uid=NOBODY, groups=[gid]).returncode == 0
        bad(NO_PERMISSION, "tier", "unbind", "gpu", uid=NOBODY, groups=[gid],
            says="CAP_SYS_ADMIN")
        assert dev.bound() == before

    def test_no_such_device(self):
        bad(NO_DEVICE, "--device", "/dev/nothing", "tier", "list", says="modprobe tier_watch")
        bad(NO_DEVICE, "--device", "/dev/null", "tier", "list", says="not the TierWatch device")

    def test_full_output(self):
        """What can't be written is an error."""
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([TW, "tier", "list"], stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False)
        assert done.returncode == 1 and "writing the output" in done.stderr


@pytest.fixture(name="bare_disks")
def disks_unbound(memory_only):
    """The guest's own disks, bound to nothing; what they hold is put back."""
    assert memory_only is None
    paths = {tier: store_path(tier) for tier in STORES}
    blocks = {}
    for tier, path in paths.items():
        with open(path, "rb") as device:
            blocks[tier] = device.read(tw.TW_STORE_DATA)
        write_super(path, bytes(tw.TW_STORE_DATA))
    yield paths
    for tier, path in paths.items():
        write_super(path, blocks[tier])


def first_bytes(paths) -> list[bytes]:
    return [open(path, "rb").read(1 << 16) for path in paths.values()]


def nodes_of(device: tw.Device, tier: int) -> list[int]:
    mask = device.tier_info(tier).nodes
    return [node for node in range(64) if mask >> node & 1]


def lie(name: str, value: str):
    """tw where sysfs says something else of a disk; the driver sees it as it is."""
    @contextlib.contextmanager
    def within(path):
        at = Path("/sys/block", Path(path).name, name)
        with tempfile.NamedTemporaryFile("w") as text:
            print(value, file=text, flush=True)
            yield ["unshare", "-m", "sh", "-c", f'mount --bind {text.name} {at} && exec "$@"', "-"]
    return within


@contextlib.contextmanager
def made_read_only(path):
    subprocess.run(["blockdev", "--setro", path], check=True)
    try:
        yield []
    finally:
        subprocess.run(["blockdev", "--setrw", path], check=True)


def signed(more=0, **members):
    """The disk has this signature, of one that was so much larger."""
    @contextlib.contextmanager
    def within(path):
        size = device_bytes(path)
        write_super(path, signature(size, **members, bytes=size + more))
        yield []
    return within


# What is made of a disk, what is said then, and by which commands.
ALL, SIGNED = ("detect", "format", "bind", "apply"), ("detect", "bind", "apply")
UNFIT = {
    "read-only": (made_read_only, "is read-only", ALL),
    "zoned": (lie("queue/zoned", "host-managed"), "is zoned", ALL),
    "blocks": (lie("queue/logical_block_size", "65536"),
               "has blocks of 65536 bytes, larger than pages", ALL),
    "small": (lie("size", "100"), "is too small: it has 51200 bytes", ALL),
    "shrunk": (signed(more=PAGE), "has shrunk since it was signed", SIGNED),
    "damaged": (signed(crc_xor=1), "has a signature that is damaged", SIGNED),
    "capacity": (signed(), "less than the capacity asked for, 1.0 TiB", ("bind", "apply")),
}


class TestUnfit:
    """Each command says the same of the same disk, and the true reason."""

    @pytest.mark.parametrize("name", UNFIT)
    def test_reason(self, dev, bare_disks, tmp_path, name):
        make_unfit, says, commands = UNFIT[name]
        path = bare_disks[SSD]
        conf = tmp_path / "tierwatch.conf"
        conf.write_text(f"[tier ssd]\ndevice = {path}\nformat = yes\n" +
                        "capacity = 1T\n" * (name == "capacity"))
        more = ["--capacity", "1T"] if name == "capacity" else []
        words = {"format": ["tier", "format", path], "bind": ["tier", "bind", "ssd", path, *more],
                 "apply": ["apply", "--dry-run", "--conf", conf]}
        with make_unfit(path) as within:
            before = first_bytes(bare_disks), dev.bound()
            for command in commands:
                if command == "detect":
                    done = subprocess.run([*within, TW, "tier", "detect", "--json"], check=True,
                                          capture_output=True, text=True)
                    alone = {one["device"]: one["why"]
                             for one in json.loads(done.stdout)["left_alone"]}
                    assert says in alone[path]
                    continue
                done = subprocess.run([*within, TW, *words[command]], capture_output=True,
                                      text=True, check=False)
                assert (done.returncode, done.stdout) == (1, ""), done
                assert f"{path} {says}" in done.stderr or name == "capacity" and \
                    says in done.stderr, done
                assert "Be root" not in done.stderr
            assert (first_bytes(bare_disks), dev.bound()) == before

    def test_signing_again(self, dev, bare_disks):
        """What the messages say to do is what helps."""
        path = bare_disks[SSD]
        for members in ({"more": PAGE}, {"crc_xor": 1}):
            with signed(**members)(path):
                said = bad(1, "tier", "bind", "ssd", path, says="To sign it again")
                good(*said.strip().rpartition("again: tw ")[2].split())
                good("tier", "bind", "ssd", path)
                dev.unbind(SSD)

    def test_zoned(self, dev, memory_only):
        """One that is, to the driver as well."""
        with ZonedDisk() as path:
            for words in (("format", path), ("format", "--force", path), ("bind", "ssd", path)):
                bad(1, "tier", *words, says=f"{path} is zoned")
        assert SSD not in dev.bound()

    def test_smallest(self, dev, memory_only):
        """What can be signed can be bound."""
        least = tw.TW_STORE_DATA + tw.TW_STORE_PAGES_MIN * PAGE
        with Loop(least - PAGE) as disk:
            bad(1, "tier", "format", disk.path, says=f"needs {least} at least")
        with Loop(least) as disk:
            good("tier", "format", disk.path)
            good("tier", "bind", "ssd", disk.path)
            assert dev.tier_info(SSD).capacity == tw.TW_STORE_PAGES_MIN
            dev.unbind(SSD)

    def test_file(self, dev, memory_only, files, file):
        """One that not even root may write to."""
        good("tier", "format", file)
        before = Loop.all(), file.read_bytes()
        for undo, do, says in ((["chattr", "-i", file], ["chattr", "+i", file], "lsattr"),
                               (["mount", "-o", "remount,rw", files],
                                ["mount", "-o", "remount,ro", files],
                                "is on a file system that is read-only")):
            subprocess.run(do, check=True)
            try:
                for words in (("format", "--force", file), ("bind", "nvme", file)):
                    bad(1, "tier", *words, says=says)
            finally:
                subprocess.run(undo, check=True)
        assert (Loop.all(), file.read_bytes()) == before and NVME not in dev.bound()

    def test_no_permission(self, file):
        """Who may only not write to it is told so."""
        good("tier", "format", file)
        file.parent.chmod(0o755)
        bad(NO_PERMISSION, "tier", "format", "--force", file, uid=NOBODY, says="Be root")


class TestDetect:
    def test_signed_for_a_tier(self, bare_disks):
        """It is proposed for that, by what stays when names change."""
        path = bare_disks[SSD]
        made = json.loads(good("tier", "format", "--json", "--tier", "hdd", "--label", "slow",
                               path))
        assert made["tier"] == "hdd"
        tiers, _ = proposal()
        assert (tiers["hdd"], tiers["ssd"]) == (path, None)
        conf = good("tier", "detect", "--conf").partition("\n[tier hdd]\n")[2]
        assert conf.endswith(f"# {path} when this was written\nstore = UUID={made['uuid']}\n")
        assert f"UUID={made['uuid']}, LABEL=slow\n" in good("tier", "detect")
        bad(USAGE, "tier", "format", "--tier", "cpu", path, says="made of NUMA nodes")

    def test_empty_disks(self, dev, bare_disks):
        """Each kind in its tier; nothing is written or bound."""
        before = first_bytes(bare_disks), dev.bound()
        tiers, alone = proposal()
        assert tiers == {"gpu": nodes_of(dev, GPU), "cpu": nodes_of(dev, CPU),
                         "nvme": bare_disks[NVME], "ssd": bare_disks[SSD], "hdd": bare_disks[HDD]}
        assert not set(bare_disks.values()) & set(alone)
        text = good("tier", "detect")
        assert all(path in text for path in bare_disks.values())
        conf = good("tier", "detect", "--conf")
        assert conf.count("format = yes") == 3
        assert (first_bytes(bare_disks), dev.bound()) == before

    def test_unknown_data(self, dev, bare_disks, tmp_path):
        """Random bytes without a signature, as of an encrypted disk, are somebody's.

        A disk full of one byte, as an erased one may be, is empty all the same.
        """
        rng = random.Random(1)
        write_super(bare_disks[SSD], rng.randbytes(tw.TW_STORE_DATA))
        write_super(bare_disks[HDD], b"\xff" * tw.TW_STORE_DATA)
        late = bytearray(tw.TW_STORE_DATA)
        late[-1] = 1
        write_super(bare_disks[NVME], bytes(late))
        before = first_bytes(bare_disks), dev.bound()
        tiers, alone = proposal()
        assert (tiers["nvme"], tiers["ssd"], tiers["hdd"]) == (None, None, bare_disks[HDD])
        for tier in (NVME, SSD):
            path, name = bare_disks[tier], tw.TIER_NAMES[tier]
            assert alone[path] == "it holds unknown data"
            bad(1, "tier", "format", path, says="holds unknown data")
            bad(1, "tier", "bind", name, path, "--format", says="unknown data")
            conf = tmp_path / "tierwatch.conf"
            conf.write_text(f"[tier {name}]\ndevice = {path}\nformat = yes\n")
            bad(1, "apply", "--conf", conf, says="holds unknown data")
        assert (first_bytes(bare_disks), dev.bound()) == before

    def test_offline_cpus(self, dev, memory_only):
        """Memory whose CPUs are offline is no GPU's: not to detect, and not to the driver."""
        cpu = Path("/sys/devices/system/cpu/cpu1")
        if not (cpu / "node1").exists():
            pytest.skip("CPU 1 is not alone on node 1")
        cpus, gpus = nodes_of(dev, CPU), nodes_of(dev, GPU)
        assert 1 in cpus and 1 not in gpus
        for tier in (GPU, CPU):
            dev.unbind(tier)
        (cpu / "online").write_text("0")
        try:
            tiers, _ = proposal()
            assert (tiers["cpu"], tiers["gpu"]) == (cpus, gpus)
            assert f"[tier gpu]\nnodes = {gpus[0]}\n" in good("tier", "detect", "--conf")
            for tier, nodes in ((GPU, gpus), (CPU, cpus)):
                good("tier", "bind", tw.TIER_NAMES[tier])
                assert nodes_of(dev, tier) == nodes
        finally:
            (cpu / "online").write_text("1")

    def test_stores(self, bare_disks):
        """What is signed for us needs no signing."""
        for path in bare_disks.values():
            good("tier", "format", path)
        assert proposal()[0]["ssd"] == bare_disks[SSD]
        assert "format" not in good("tier", "detect", "--conf")

    @pytest.mark.parametrize("command, why", [
        (["mkfs.ext4", "-q", "-F"], "it holds ext4"),
        (["mkswap"], "it holds swap"),
    ], ids=["ext4", "swap"])
    def test_something_is_there(self, bare_disks, command, why):
        path = bare_disks[SSD]
        done = subprocess.run([*command, path], capture_output=True, check=False)
        assert done.returncode == 0, done
        before = first_bytes(bare_disks)
        try:
            tiers, alone = proposal()
            assert tiers["ssd"] is None and why in alone[path]
            assert path not in good("tier", "detect", "--conf")
            assert first_bytes(bare_disks) == before
        finally:
            subprocess.run(["wipefs", "-q", "-a", path], check=True)

    def test_partitions(self, bare_disks):
        """Also a partition table that the kernel has not looked at."""
        path = bare_disks[SSD]
        table = bytearray(512)
        table[446:462] = struct.pack("<B3xB3xII", 0, 0x83, 2048, 4096)
        table[510:] = b"\x55\xaa"
        write_super(path, bytes(table))
        try:
            for command in (["true"], ["blockdev", "--rereadpt", path]):
                subprocess.run(command, check=True)
                tiers, alone = proposal()
                assert tiers["ssd"] is None and "partition" in alone[path]
        finally:
            write_super(path, bytes(512))
            subprocess.run(["blockdev", "--rereadpt", path], check=True)

    def test_mounted_and_read_only(self, bare_disks, tmp_path):
        nvme, ssd = bare_disks[NVME], bare_disks[SSD]
        subprocess.run(["mkfs.ext4", "-q", "-F", nvme], check=True)
        subprocess.run(["mount", nvme, tmp_path], check=True)
        subprocess.run(["blockdev", "--setro", ssd], check=True)
        try:
            tiers, alone = proposal()
            assert tiers["nvme"] is None and f"mounted on {tmp_path}" in alone[nvme]
            assert tiers["ssd"] is None and "read-only" in alone[ssd]
        finally:
            subprocess.run(["blockdev", "--setrw", ssd], check=True)
            subprocess.run(["umount", tmp_path], check=True)
            subprocess.run(["wipefs", "-q", "-a", nvme], check=True)

    def test_held(self, bare_disks):
        path = bare_disks[HDD]
        with Mapper([(0, 1024, "linear", f"{path} 0")]) as mapper:
            tiers, alone = proposal()
            assert tiers["hdd"] is None and f"({mapper.name})" in alone[path]

    def test_nobody(self, dev, bare_disks):
        """Without the right to read them disks are not proposed, and it says so."""
        done = run("tier", "detect", "--json", uid=NOBODY)
        assert done.returncode == NO_PERMISSION and "Be root" in done.stderr
        found = {one["tier"]: one for one in json.loads(done.stdout)["tiers"]}
        assert found["cpu"]["nodes"] == nodes_of(dev, CPU)
        assert not any(found[name]["device"] for name in ("nvme", "ssd", "hdd"))
        assert bare_disks


def test_colours(dev):
    """None in a pipe, unless asked for; NO_COLOR counts, JSON has none ever."""
    assert dev.bound()
    assert "\033" not in good("tier", "list")
    assert "\033[1m" in good("tier", "list", "--color=always")
    assert "\033" not in good("--color=always", "--json", "tier", "list")
    env = {**os.environ, "TERM": "xterm"}
    for no, coloured in ((None, True), ("1", False), ("", True)):
        env.pop("NO_COLOR", None)
        if no is not None:
            env["NO_COLOR"] = no
        done = subprocess.run(["script", "-qec", f"{TW} tier list", "/dev/null"], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=True)
        assert ("\033[1m" in done.stdout) == coloured, no

