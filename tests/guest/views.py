# SPDX-License-Identifier: GPL-2.0
"""Running the commands of tw that watch, in the background and to their end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import contextmanager
from typing import Any, Iterator

from command import LIMIT, TW
from command import tw_run as run
from support import REPO, Observer, wait_for

WORKLOAD = REPO / "build" / "tools" / "tw-workload"


def run_as(uid: int, *arguments: Any) -> subprocess.CompletedProcess:
    """tw to its end, as an ordinary user in the device's group."""
    return run(*arguments, uid=uid)


class Running:
    """tw in the background."""

    def __init__(self, *arguments: Any, **more: Any):
        self.process = subprocess.Popen([TW, *map(str, arguments)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, **more)
        self.pid = self.process.pid

    def kill(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> None:
        """Halt it, for certain."""
        self.kill(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def end(self) -> tuple[int, str, str]:
        """Its exit code and what it wrote."""
        out, err = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, out, err

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_exc: Any) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


@contextmanager
def listening(*arguments: Any, **more: Any) -> Iterator[Running]:
    """The same, once its stream is open."""
    streams = Observer.stats.header.streams
    with Running(*arguments, **more) as running:
        assert wait_for(lambda: Observer.stats.header.streams > streams or
                        running.process.poll() is not None, 30)
        yield running


def lines(text: str) -> list[dict]:
    """Lines of JSON."""
    return [json.loads(line) for line in text.splitlines()]
