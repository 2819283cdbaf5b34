# SPDX-License-Identifier: GPL-2.0
"""One run of one guest: QEMU's process, its streams and its verdict.

Owns the run's folder (disks, console) and everything that must be gone when
the run ends, however it ends.
"""

import ctypes
import os
import queue
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import initrd, splat, topology, tsc
from .cache import Kernel, cache_dir, remove_stale, say

FAILED, TIMED_OUT, SPLATTED = 125, 124, 126
STREAMS = ("status", "stdout", "stderr")
# Everything is said once the status is; the guest then switches itself off.
GRACE = 15
PR_SET_PDEATHSIG = 1
LOCKUP_SECONDS = 150
KERNEL_ARGS = (
    "console=ttyS0 panic=-1 loglevel=7 tsc=reliable printk.devkmsg=on random.trust_cpu=on "
    # Asks for ten ticks in time, or panics: a busy host does not always give them.
    "no_timer_check "
    "watchdog_thresh=75 softlockup_panic=1 hung_task_panic=1 "
    f"rcupdate.rcu_cpu_stall_timeout={LOCKUP_SECONDS} "
    f"workqueue.watchdog_thresh={LOCKUP_SECONDS}")
# What indirect branches are guarded with costs TCG a fifth of its time, and guards nothing in
# a guest of tests. Counts are of the kernel as Debian boots it.
QUICKER_ARGS = "mitigations=off"


class Interrupted(Exception):
    """A signal asks the run to end."""

    def __init__(self, number):
        super().__init__(f"signal {number}")
        self.number = number


@dataclass
class Run:
    """What to boot and what to do in it; all decided by the command line."""
    kernel: Kernel
    topology: topology.Topology
    nonce: str
    job: str
    command: str
    timeout: float                  # seconds that the run may take
    stall: float = 0                # seconds that it may be silent, 0: for ever
    append: str = ""
    out: str = ""
    keep_console: str = ""
    icount: str = ""                # QEMU's -icount argument
    turns: bool = False             # one thread of the host for all CPUs
    allowed: list = field(default_factory=list)
    verbose: bool = False


def kvm_usable():
    """A /dev/kvm alone proves nothing: the CPU must say so as well."""
    flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    return ("vmx" in flags or "svm" in flags) and os.access("/dev/kvm", os.R_OK | os.W_OK)


def accel_args(run):
    """KVM where it works, TCG elsewhere, one thread when counting or asked to.

    CPUs that wait for one which the host has not scheduled spin meanwhile; those that take
    turns let it go on instead.  A CPU that promises quick `rep movsb` has each page copied and cleared by it, and TCG
    does that byte by byte.  Counts are of the CPU that Debian's kernel would find.
    """
    if run.icount:
        return ["-accel", "tcg,thread=single", "-cpu", "max,la57=off", "-icount", run.icount]
    if kvm_usable():
        return ["-accel", "kvm", "-cpu", "host"]
    threads = "single" if run.turns else "multi"
    return ["-accel", f"tcg,thread={threads}", "-cpu", "max,la57=off,erms=off,fsrm=off"]


def kernel_args(run):
    """The kernel's arguments; a count is of what Debian's kernel does by itself."""
    if run.icount:
        return f"{KERNEL_ARGS} {run.append}"
    khz = 0 if kvm_usable() else tsc.khz()
    return f"{KERNEL_ARGS} {QUICKER_ARGS} {f'tsc_early_khz={khz} ' if khz else ''}{run.append}"


def qemu_args(run, folder, ports):
    """The whole command line."""
    args = ["qemu-system-x86_64", "-machine", "q35,hmat=on", *accel_args(run),
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", str(run.kernel.vmlinux), "-initrd", str(folder / "initrd"),
            "-append", kernel_args(run),
            "-chardev", f"file,id=con,path={folder / 'console'}", "-serial", "chardev:con",
            "-device", "isa-debug-exit",
            "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=root,mount_tag=hostroot",
            "-device", "virtio-serial-pci,ioeventfd=off"]
    if run.out:
        path = run.out.replace(",", ",,")
        args += ["-fsdev", f"local,id=out,path={path},security_model=none,multidevs=remap",
                 "-device", "virtio-9p-pci,fsdev=out,mount_tag=vmout"]
    for name in STREAMS:
        args += ["-chardev", f"socket,id={name},fd={ports[name].fileno()}",
                 "-device", f"virtserialport,chardev={name},name=tw.{name}"]
    return args + topology.node_args(run.topology) + topology.store_args(run.topology, folder)


class Writer(threading.Thread):
    """Hands data to one of our own streams, so that a slow reader of ours
    does not stop the guest."""

    def __init__(self, stream):
        super().__init__(daemon=True)
        self.stream, self.queue, self.broken = stream, queue.Queue(), False
        self.start()

    def run(self):
        while (data := self.queue.get()) is not None:
            while data and not self.broken:
                try:
                    data = data[os.write(self.stream, data):]
                except BlockingIOError:
                    select.select([], [self.stream], [])
                except OSError:
                    self.broken = True

    def finish(self):
        """Wait until everything is written."""
        self.queue.put(None)
        self.join()


class Streams:
    """The guest's ports: the two streams are passed on, the status is kept."""

    def __init__(self):
        self.status = b""
        self.spoke = False          # the command has said something ...
        self.heard = time.monotonic()   # ... at last then
        self.ours, self.theirs = {}, {}
        for name in STREAMS:
            self.ours[name], self.theirs[name] = socket.socketpair()
        self.writers = {"stdout": Writer(1), "stderr": Writer(2)}

    def close_theirs(self):
        """QEMU has its own copies."""
        for end in self.theirs.values():
            end.close()

    def pump(self, timeout):
        """Move what is there; False when all streams have ended."""
        if not self.ours:
            time.sleep(min(timeout, 0.05))
            return False
        names = {end: name for name, end in self.ours.items()}
        for end in select.select(list(names), [], [], timeout)[0]:
            try:
                data = end.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            name = names[end]
            if not data:
                self.ours.pop(name).close()
            elif name == "status":
                self.status += data
            else:
                self.spoke = True
                self.heard = time.monotonic()
                self.writers[name].queue.put(data)
        return True

    def broken(self):
        """Whether nobody reads our stdout any more."""
        return self.writers["stdout"].broken

    def finish(self):
        """Flush to our caller."""
        for writer in self.writers.values():
            writer.finish()


def start_qemu(args, ports):
    """QEMU in its own process group, ended by the kernel if we are killed."""
    libc = ctypes.CDLL(None)

    def child():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, process_group=0, preexec_fn=child,
                            pass_fds=[end.fileno() for end in ports.values()])


def on_signal(number, _frame):
    """Turn a signal into an exception: finally does the rest."""
    raise Interrupted(number)


def execute(run):
    """Boot, run, clean up; the exit code for our caller."""
    cache = cache_dir()
    remove_stale(cache, "run-")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    process, folder = None, Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=cache))
    try:
        initrd.build(run.kernel, run.job, run.command, folder / "initrd")
        for last in (False, True):
            streams = Streams()
            args = qemu_args(run, folder, streams.theirs)
            if run.verbose:
                say(" ".join(args))
            process = start_qemu(args, streams.theirs)
            streams.close_theirs()
            reason = supervise(run, process, streams, folder / "console")
            code = verdict(run, process, streams, reason, folder / "console")
            lost = code == FAILED or reason == "stall"
            if last or not lost or booted(run, folder / "console"):
                return code
            # Nothing of ours has run: an emulator's machine may fail to come up, or
            # stand still for ever while the kernel starts.
            complain("the machine did not come up; trying once more")
    except Interrupted as interrupt:
        return 128 + interrupt.number
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stop(process)
        keep_console(run, folder / "console")
        shutil.rmtree(folder, ignore_errors=True)


def supervise(run, process, streams, console):
    """Pass data on until the guest ends; why we stopped waiting, if we did."""
    deadline = time.monotonic() + run.timeout
    said, length = None, 0
    while process.poll() is None:
        streams.pump(0.2)
        now = time.monotonic()
        # Until its command speaks, a guest gets on as long as its kernel does.
        if run.stall and not streams.spoke and console.exists() and \
                console.stat().st_size != length:
            length, streams.heard = console.stat().st_size, now
        if b"\n" in streams.status and said is None:
            said = now
        if said is not None and now > said + GRACE:
            break
        if said is None and now > deadline:
            return "timeout"
        if run.stall and now > streams.heard + run.stall:
            return "stall"
        if streams.broken():
            return "pipe"
    stop(process)
    while streams.pump(0.2):
        pass
    return None


def stop(process):
    """No QEMU survives its run."""
    if process is None:
        return
    if process.poll() is None:
        process.kill()
    process.wait()


def keep_console(run, console):
    """Leave a copy where the caller asked for one."""
    if run.keep_console and console.exists():
        shutil.copyfile(console, run.keep_console)


def console_text(console):
    """What the kernel has said so far."""
    return console.read_text(encoding="utf-8", errors="replace") if console.exists() else ""


def booted(run, console):
    """Whether the guest got as far as our part."""
    return f"{run.nonce} booted" in console_text(console)


def verdict(run, process, streams, reason, console):
    """The exit code: the command's only if the status word says so and the
    kernel kept well."""
    stop(process)
    streams.finish()
    text = console_text(console)
    hits, lines = splat.find(text, run.nonce, run.allowed)
    unwell = hits and booted(run, console)
    if unwell:
        complain(f"kernel splat in the guest:\n{splat.report(hits, lines)}")
    if reason == "timeout":
        complain(f"timeout after {run.timeout:g} s; the console ends:\n{tail(text)}")
        return TIMED_OUT
    if reason == "stall":
        complain(f"stalled: silent for {run.stall:g} s; the console ends:\n{tail(text)}")
        return TIMED_OUT
    if reason == "pipe":
        return 128 + signal.SIGPIPE
    if unwell:
        return SPLATTED
    return status_code(run, process, streams.status, text)


def status_code(run, process, status, console):
    """Decode the status word; anything unexpected is a failure."""
    words = status.decode(errors="replace").split("\n")[0].split(" ", 2)
    if words[0] != run.nonce or len(words) < 3:
        errors = process.stderr.read().decode(errors="replace").strip()
        complain(f"the guest ended without a status\n{errors}\n{tail(console)}")
        return FAILED
    if words[1] == "fail":
        complain(f"{words[2]}\n{tail(console)}")
        return FAILED
    if words[1] == "leak":
        complain(f"kernel memory leaks, see above; the command's exit code was {words[2]}")
        return SPLATTED
    if words[1] != "exit" or not words[2].isdigit():
        complain(f"odd status {status!r}")
        return FAILED
    return int(words[2])


def tail(console, count=25):
    """The console's end."""
    return "\n".join(console.replace("\r", "").splitlines()[-count:])


def complain(text):
    """To the caller's stderr."""
    try:
        print(f"vm: {text.strip()}", file=sys.stderr, flush=True)
    except OSError:
        pass
