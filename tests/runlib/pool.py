# SPDX-License-Identifier: GPL-2.0
"""Steps side by side: what runs now, what each has said, and when one is ended.

Owns the processes and their logs.  A step's output goes to a log of its own,
which is printed whole when the step ends, so that the outputs of steps do not
mix.  A step is never ended for the time it takes, which is the machine's; it
is ended when it has not said anything for too long.
"""

import os
import re
import selectors
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .outcome import Outcome

# Seconds of silence that end a step.
STALL = 2400
# Seconds to end in, before it is killed.
GRACE = 30
# Seconds between lines about what is running.
TELL = 60


@dataclass
class Step:
    """A command, and how to count what it said."""
    name: str
    count: Callable[[str, int, str], Outcome]
    command: list | Callable[[], list]      # a callable is asked when it starts
    needs: tuple[str, ...] = ()             # names of steps that must have passed
    stall: float = STALL
    # A guest whose CPUs do not take turns has two threads, which wait for each other's locks
    # by spinning.  Two of these beside each other take longer than one after the other, so
    # that one runs beside something else as long as there is both, and takes two places
    # where there are three.
    wide: bool = False
    # Asked when the step could start: False leaves it out, it is not needed any more.
    wanted: Callable[[], bool] = lambda: True
    # Asked when the step has ended: more steps.
    more: Callable[[int], list] = lambda _code: []


@dataclass
class Running:
    """A step's process."""
    step: Step
    process: subprocess.Popen
    log: object
    start: float
    said: float                 # when it last said something
    last: bytes = b""           # the end of what it has said
    silent: bool = False        # ended by us
    chunks: list[bytes] = field(default_factory=list)


class Pool:
    """Runs steps in their order, as many at once as there are jobs."""

    def __init__(self, jobs: int, logs: Path, folder: Path):
        self.jobs, self.logs, self.folder = jobs, logs, folder
        self.waiting: list[Step] = []
        self.running: list[Running] = []
        self.outcomes: list[Outcome] = []
        self.selector = selectors.DefaultSelector()
        self.began = time.monotonic()
        self.told = self.began

    def run(self, steps: list[Step]) -> list[Outcome]:
        """All of them; their outcomes in the order in which they ended."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.waiting = list(steps)
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            while self.waiting or self.running:
                self.start_what_can()
                self.watch()
        except KeyboardInterrupt:
            self.interrupted()
        finally:
            signal.signal(signal.SIGTERM, before)
        return self.outcomes

    # --- starting

    def start_what_can(self) -> None:
        """Fill the places, in order; a step that waits for another lets others pass.

        A wide step that could run if there were a second place keeps narrow ones from
        taking each that becomes free, or it would run last, with nothing beside it.
        """
        for step in [step for step in self.waiting if step.wide]:
            if self.has_place(step):
                self.start_if_it_can(step)
        if any(step.wide and self.lacks_a_place(step) for step in self.waiting):
            return
        for step in [step for step in self.waiting if not step.wide]:
            if self.has_place(step):
                self.start_if_it_can(step)

    def lacks_a_place(self, step: Step) -> bool:
        """Whether all that a wide step waits for is the end of a narrow one."""
        return not self.is_wide() and not self.has_place(step) and \
            all(self.passed(name) for name in step.needs)

    def places(self, step: Step) -> int:
        """How many jobs a step counts as."""
        return 2 if step.wide and self.jobs > 2 else 1

    def has_place(self, step: Step) -> bool:
        """Whether it may run beside what runs now."""
        taken = sum(self.places(running.step) for running in self.running)
        return taken + self.places(step) <= self.jobs and not (step.wide and self.is_wide())

    def is_wide(self) -> bool:
        """Whether a wide step runs, and more than one step may."""
        return self.jobs > 1 and any(running.step.wide for running in self.running)

    def start_if_it_can(self, step: Step) -> None:
        """Start it, or leave it out, when nothing that it needs is still to come."""
        missing = [name for name in step.needs if not self.passed(name)]
        unmet = [name for name in missing if self.has_ended(name)]
        if unmet:
            self.waiting.remove(step)
            self.say(f"{step.name}: not run, {unmet[0]} has failed")
            self.outcomes.append(Outcome(step.name, failed=1,
                                         note=f"not run: {unmet[0]} has failed"))
        elif not missing:
            self.waiting.remove(step)
            if step.wanted():
                self.start(step)

    def has_ended(self, name: str) -> bool:
        """Whether nothing of this name will run, or runs."""
        return not any(step.name == name for step in self.waiting) and \
            not any(running.step.name == name for running in self.running)

    def passed(self, name: str) -> bool:
        """Whether a step has ended without a failure."""
        return any(outcome.name == name and not outcome.failed for outcome in self.outcomes)

    def start(self, step: Step) -> None:
        """A process group of its own, so that all of it can be ended."""
        name = re.sub(r"[^\w.]+", "-", step.name).strip("-")
        log = open(self.logs / f"{name}.log", "wb")     # pylint: disable=consider-using-with
        try:
            command = step.command() if callable(step.command) else step.command
            command = [str(word) for word in command]
            env = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
            process = subprocess.Popen(     # pylint: disable=consider-using-with
                command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0)
        except (OSError, subprocess.CalledProcessError) as error:
            log.close()
            self.say(f"{step.name}: cannot be started: {error}")
            self.outcomes.append(Outcome(step.name, failed=1, note=str(error)))
            return
        os.set_blocking(process.stdout.fileno(), False)
        now = time.monotonic()
        running = Running(step, process, log, now, now)
        self.hear(running, f"+ {shlex.join(command)}\n".encode(), counts=False)
        self.running.append(running)
        self.selector.register(process.stdout, selectors.EVENT_READ, running)
        self.say(f"{step.name}: started")

    # --- watching

    def watch(self) -> None:
        """Pass a moment: hear what is said, note what ends."""
        if not self.running:
            return
        for key, _ in self.selector.select(0.2):
            if not self.read(key.data):
                self.selector.unregister(key.fileobj)
        now = time.monotonic()
        for running in list(self.running):
            pid, status, usage = os.wait4(running.process.pid, os.WNOHANG)
            if pid:
                running.process.returncode = os.waitstatus_to_exitcode(status)
                self.end(running, usage.ru_utime + usage.ru_stime)
            elif running.silent:
                if now - running.said > running.step.stall + GRACE:
                    signal_group(running, signal.SIGKILL)
            elif now - running.said > running.step.stall:
                running.silent = True
                self.hear(running, b"\ntests/run: silent for %d s: ended\n" % running.step.stall,
                          counts=False)
                signal_group(running, signal.SIGTERM)
        if self.running and now - self.told > TELL:
            self.tell()

    def read(self, running: Running) -> bool:
        """Take what a step says; False at the end of it."""
        while True:
            try:
                chunk = os.read(running.process.stdout.fileno(), 1 << 16)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self.hear(running, chunk)

    @staticmethod
    def hear(running: Running, chunk: bytes, counts: bool = True) -> None:
        """Note what a step has said.  Once it is to end, only the end counts."""
        running.chunks.append(chunk)
        running.log.write(chunk)
        running.log.flush()
        if counts and not running.silent:
            running.said = time.monotonic()
            running.last = (running.last + chunk)[-200:]

    def end(self, running: Running, cpu: float) -> None:
        """A step's process is gone: print what it said, count, see what comes of it."""
        step, process = running.step, running.process
        if process.stdout in [key.fileobj for key in self.selector.get_map().values()]:
            self.read(running)
            self.selector.unregister(process.stdout)
        process.stdout.close()
        running.log.close()
        self.running.remove(running)
        # Whatever it has left behind is of no use to anybody.
        signal_group(running, signal.SIGKILL)
        text = b"".join(running.chunks).decode(errors="replace")
        code = process.returncode
        outcome = step.count(step.name, code, text)
        if running.silent:
            outcome.fail(f"silent for {step.stall:g} s")
        outcome.seconds, outcome.cpu = time.monotonic() - running.start, cpu
        self.outcomes.append(outcome)
        print(f"\n== {step.name}\n{text.rstrip()}\n", flush=True)
        self.say(outcome.line())
        self.waiting[:0] = step.more(code)

    # --- telling

    def say(self, text: str) -> None:
        """A line of progress."""
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", flush=True)
        self.told = time.monotonic()

    def tell(self) -> None:
        """What runs, and what each has said last."""
        parts = []
        for running in self.running:
            lines = running.last.decode(errors="replace").strip().splitlines()
            silent = time.monotonic() - running.said
            parts.append(f"{running.step.name}: {lines[-1].strip()[-40:] if lines else ''}"
                         f"{f' ({silent:.0f} s ago)' if silent > TELL else ''}")
        self.say(f"running: {' | '.join(parts)}; {len(self.waiting)} waiting")

    def interrupted(self) -> None:
        """End all; guests clean up after themselves."""
        self.outcomes.append(Outcome("interrupted", failed=1, note="by the user"))
        for running in self.running:
            signal_group(running, signal.SIGTERM)
        for running in self.running:
            try:
                running.process.wait(GRACE)
            except subprocess.TimeoutExpired:
                signal_group(running, signal.SIGKILL)
                running.process.wait()
            sys.stdout.write(f"{running.step.name}: interrupted\n")


def signal_group(running: Running, number: int) -> None:
    """To a step and all that it has started, except what left its group."""
    try:
        os.killpg(running.process.pid, number)
    except ProcessLookupError:
        pass
