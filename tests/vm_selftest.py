#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Does tools/vm tell the truth?  Runs on the host and needs no driver.

A test guest that passes what failed, or leaves things behind, makes all other
tests worthless; hence the negative controls.  Run: tests/vm_selftest.py
"""

import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

VM = Path(__file__).resolve().parent.parent / "tools/vm"
BARE = ("--turns", "--no-module", "--topology", "no-stores")
FAILED, TIMED_OUT, SPLATTED = 125, 124, 126
# Silence that ends a guest, whatever else the machine has to do.
STALL = ("--stall", "300")


def start(*args, options=BARE, **more):
    """tools/vm in the background."""
    return subprocess.Popen([VM, *STALL, *options, *args], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def vm(*args, **more):
    """Run tools/vm to its end."""
    process = start(*args, **more)
    out, err = process.communicate()
    return subprocess.CompletedProcess(args, process.returncode, out, err)


def shell(script, *more, **kwargs):
    """Run a script in the guest."""
    return vm(*more, "--", "sh", "-c", script, **kwargs)


def qemu_of(pid):
    """The QEMU processes below a process."""
    found = subprocess.run(["pgrep", "-P", str(pid), "qemu"], text=True,
                           capture_output=True, check=False)
    return [int(line) for line in found.stdout.split()]


def cache():
    """Where tools/vm keeps its runs."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(os.environ.get("TIERWATCH_CACHE") or os.path.join(base, "tierwatch"))


def runs_of(pid):
    """The temporary folders of a process."""
    return list(cache().glob(f"run-{pid}-*"))


class Passing(unittest.TestCase):
    """What a command does comes back as it was."""

    def test_exit_code_streams_cwd(self):
        with tempfile.TemporaryDirectory(dir=VM.parent.parent, prefix=".vm-selftest-") as folder:
            done = shell("pwd; echo wrong >&2; echo again >/dev/stderr; exit 7", cwd=folder)
            self.assertEqual((done.returncode, done.stdout), (7, f"{folder}\n"))
        self.assertEqual(done.stderr, "wrong\nagain\n")

    def test_all_output_arrives(self):
        done = shell("seq 200000")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "".join(f"{number}\n" for number in range(1, 200001)))

    def test_user_and_environment(self):
        os.environ["TW_SELFTEST"] = "with 'quotes' and $dollars"
        done = shell('id -un; echo "$TW_SELFTEST|$TW_TOPOLOGY|$TW_KERNEL|$SELFTEST_SECRET"',
                     "--user", "nobody")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "nobody\nwith 'quotes' and $dollars|no-stores|stock|\n")

    def test_clock_is_not_measured(self):
        """A busy host would be measured as a slow one, and the guest's clock run too fast."""
        said = shell("cat /proc/cmdline; dmesg").stdout
        khz = int(re.search(r"tsc_early_khz=(\d+)", said).group(1))
        self.assertIn(f"tsc: Detected {khz // 1000}.{khz % 1000:03} MHz", said)

    def test_stores_are_named_by_model(self):
        done = shell('cat "/sys/block/${TW_HDD_DEV#/dev/}/queue/rotational" '
                     '"/sys/block/${TW_SSD_DEV#/dev/}/queue/rotational"; test -b "$TW_NVME_DEV"',
                     options=("--no-module",))
        self.assertEqual((done.returncode, done.stdout), (0, "1\n0\n"))

    def test_host_is_not_written(self):
        with tempfile.TemporaryDirectory(dir=VM.parent.parent, prefix=".vm-selftest-") as folder:
            out = Path(folder, "out")
            done = shell('echo lost >lost; echo kept >"$TW_OUT/kept"', "--out", str(out),
                         cwd=folder)
            self.assertEqual(done.returncode, 0)
            self.assertEqual(os.listdir(folder), ["out"])
            self.assertEqual(Path(out, "kept").read_text(encoding="ascii"), "kept\n")


class Failing(unittest.TestCase):
    """What went wrong is not a pass."""

    def test_crash(self):
        done = shell("echo c >/proc/sysrq-trigger; sleep 5; exit 0")
        self.assertEqual(done.returncode, SPLATTED)
        self.assertIn("sysrq triggered crash", done.stderr)

    def test_splat_lines(self):
        done = shell("echo 'BUG: fake' >/dev/kmsg")
        self.assertEqual(done.returncode, SPLATTED)
        self.assertIn("BUG: fake", done.stderr)

    def test_allowed_splat(self):
        done = shell("echo 'BUG: fake' >/dev/kmsg", "--allow-splat", "BUG: fake")
        self.assertEqual(done.returncode, 0)

    def test_no_status_is_failure(self):
        done = shell("echo o >/proc/sysrq-trigger; sleep 30")
        self.assertEqual(done.returncode, FAILED)

    def test_machine_that_does_not_come_up(self):
        done = shell("exit 0", "--append", "rdinit=/nowhere")
        self.assertEqual(done.returncode, FAILED)
        self.assertEqual(done.stderr.count("trying once more"), 1)
        self.assertEqual(done.stderr.count("ended without a status"), 2)

    def test_machine_that_stands_still(self):
        """A machine that stands still while its kernel starts has one more chance."""
        with tempfile.TemporaryDirectory() as folder:
            qemu = Path(folder, "qemu-system-x86_64")
            qemu.write_text("#!/bin/sh\nexec sleep 1000\n", encoding="ascii")
            qemu.chmod(0o755)
            done = vm("--stall", "2", "--", "true",
                      env=dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"))
        self.assertEqual(done.returncode, TIMED_OUT)
        self.assertEqual(done.stderr.count("stalled: silent for 2 s"), 2, done.stderr)
        self.assertEqual(done.stderr.count("trying once more"), 1, done.stderr)

    def test_status_port_cannot_be_written(self):
        done = shell("for port in /dev/vport*; do echo x exit 0 >$port; done; "
                     "for fd in /proc/self/fd/9; do echo x exit 0 >$fd; done; exit 9")
        self.assertEqual(done.returncode, 9)

    def test_missing_command(self):
        self.assertEqual(vm("--", "/no/such/command").returncode, 127)

    def test_kernel_without_drivers(self):
        """Said before anything is booted, and of the kernel."""
        release = "6.1.0-bare"
        with tempfile.TemporaryDirectory() as folder:
            for name in ("boot", f"lib/modules/{release}"):
                Path(folder, name).mkdir(parents=True)
            for name in (f"boot/vmlinuz-{release}", "vmlinux"):
                Path(folder, name).touch()
            for name in ("order", "builtin"):
                Path(folder, f"lib/modules/{release}/modules.{name}").touch()
            done = vm("--kernel", folder, "--", "true")
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(f"the kernel {release} has no virtio_pci", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_missing_module(self):
        done = vm("--module", "/no/such/module.ko", "--", "true", options=())
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("run `make` first", done.stderr)


class Slow(unittest.TestCase):
    """Who says something is not ended."""

    def test_not_stalled(self):
        done = shell("for i in 1 2 3 4; do echo $i; sleep 10; done", "--stall", "25")
        self.assertEqual((done.returncode, done.stdout), (0, "1\n2\n3\n4\n"))


class Leaving(unittest.TestCase):
    """Nothing stays behind."""

    def gone(self, process, qemu):
        """No process and no folder."""
        for pid in qemu:
            self.assertFalse(os.path.exists(f"/proc/{pid}"))
        self.assertEqual(runs_of(process.pid), [])

    def running(self, process):
        """Wait until the command runs; its QEMU."""
        if process.stdout.readline() != "up\n":
            self.fail(f"the guest did not run the command:\n{process.communicate()[1]}")
        qemu = qemu_of(process.pid)
        self.assertEqual(len(qemu), 1)
        self.assertEqual(len(runs_of(process.pid)), 1)
        return qemu

    def ended(self, said, *args):
        """A guest that does not end by itself is ended, and it is said why."""
        process = start(*args, "--", "sh", "-c", "echo up; sleep 1000")
        qemu = self.running(process)
        _, err = process.communicate()
        self.assertEqual(process.returncode, TIMED_OUT)
        self.assertIn(said, err)
        self.gone(process, qemu)

    def test_timeout(self):
        self.ended("timeout after 100 s", "--timeout", "100")

    def test_stall(self):
        self.ended("stalled: silent for 20 s", "--stall", "20")

    def interrupted(self, number):
        """A signal ends all; the exit code says which."""
        process = start("--", "sh", "-c", "echo up; sleep 100")
        qemu = self.running(process)
        process.send_signal(number)
        process.communicate()
        self.assertEqual(process.returncode, 128 + number)
        self.gone(process, qemu)

    def test_sigint(self):
        self.interrupted(signal.SIGINT)

    def test_sigterm(self):
        self.interrupted(signal.SIGTERM)

    def test_sigkill_takes_qemu_along(self):
        process = start("--", "sh", "-c", "echo up; sleep 100")
        qemu = self.running(process)
        process.kill()
        process.communicate()
        for pid in qemu:
            while re.search(r"^State:\s+[^ZX]", status(pid), re.M):
                time.sleep(0.1)


def status(pid):
    """/proc/PID/status, empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return ""


def main():
    """As many guests at once as there are CPUs; unittest alone is sequential."""
    subprocess.run([VM, "--build-kernel"], check=True)
    cases = [test for suite in unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules[__name__]) for test in suite]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda test: test.run(), cases))
    for case, result in zip(cases, results):
        for test, text in result.failures + result.errors:
            print(f"FAIL {test}\n{text}", file=sys.stderr)
        print(f"{'ok' if result.wasSuccessful() else 'not ok'} {case.id()}")
    return not all(result.wasSuccessful() for result in results)


if __name__ == "__main__":
    sys.exit(main())
