# SPDX-License-Identifier: GPL-2.0
"""What happens in the guest: runs of tw-workload over tiers or swap of a chosen size.

Takes runs as JSON on the command line (scenarios.py makes them) and prints one
JSON object a line: all that tw-workload reported, with the driver's counters
as they were when it did.  It knows no scenario and judges nothing.

A run is an object with
  name       its own, comes back
  tiers      pages by tier; these and no others are bound.  Instead of a number
             "as NAME": as many as that run's first program had there at most
  policy     knobs of automatic migration, on top of the defaults
  programs   tw-workload's arguments and, for each, memory_max: pages of its
             control group beside what it needs anyway.  The first one's end
             ends the run; the others are started before it
  limits     pages by tier and agent
  disks      how many times slower than usual those are that stores and swap are on
  swap       [tier, pages, priority]: swap areas on the tiers' disks
  swap_device  pages of the swap device over the stores that are bound
  settings   [path, text]: files to write, put back afterwards
  room       pages to leave free on node 0; the rest is taken away
"""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.dont_write_bytecode = True
REPO = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPO / "tests/guest"))

# pylint: disable=wrong-import-position
import disks    # noqa: E402
import tw       # noqa: E402

WORKLOAD = str(REPO / "build/tools/tw-workload")
COUNTERS = ("scans", "scan_ns", "scan_pages", "scan_skipped", "scan_period_ms", "auto_considered",
            "auto_promoted", "auto_demoted", "auto_busy", "auto_full", "auto_stayed",
            "auto_limited", "auto_thrash")
STORE_COUNTERS = ("refaults", "refaults_early", "moves_in", "moves_out", "bytes_read",
                  "bytes_written", "swap_in", "swap_out", "swap_sunk")
TIER = {name: number for number, name in enumerate(tw.TIER_NAMES)}
# Emulated CPUs set an accessed bit again only when they have forgotten the
# mapping, as they do when another process has its turn: a thousand times a second.
RIVAL = ["--memory", "anon", "--footprint", "4096", "--think", "1000000", "--seconds", "1000000",
         "--interval", "1000000"]
RIVAL_PRIORITY = 10
CGROUP = Path("/sys/fs/cgroup/tw-tiering")
NODE0 = Path("/sys/devices/system/node/node0")
SWAP_DEVICE = Path("/dev/twswap")
HARDEN_SECONDS = 2
HUGE = 512                      # pages of a huge page


class Machine:
    """The driver, its tiers and knobs."""

    def __init__(self):
        self.device = tw.Device()
        self.stats = self.device.stats()
        self.knobs = self.device.policy().knobs()

    def snapshot(self) -> dict:
        """The counters, as of now."""
        counters = {name: getattr(self.stats.header, name) for name in COUNTERS}
        for tier in tw.STORES:
            of_tier = self.stats.counters(tier)
            counters[tw.TIER_NAMES[tier]] = {name: of_tier[name] for name in STORE_COUNTERS}
        return counters

    def bind(self, tiers: dict, devices: dict) -> None:
        """Exactly these, with so many pages; stores on these devices."""
        for tier in tw.TIERS:
            if self.device.tier_info(tier).kind:
                self.device.unbind(tier)
        for name, pages in tiers.items():
            if TIER[name] in tw.STORES:
                self.device.bind_store(TIER[name], devices[name], pages)
            else:
                self.device.bind(TIER[name], capacity=pages)

    @contextmanager
    def policy(self, knobs: dict):
        """Knobs for a while, on top of what was there at first."""
        self.device.policy(**{**self.knobs, **knobs})
        try:
            yield
        finally:
            self.device.policy(**self.knobs)

    @contextmanager
    def limits(self, limits: dict):
        """Agents and their limits for a while."""
        agents = []
        for label, pages in limits.items():
            agent = self.device.agent(int(label))
            agents.append(agent)
            self.device.limits(agent, [pages.get(name, tw.TW_NO_LIMIT) for name in tw.TIER_NAMES])
        try:
            yield
        finally:
            for agent in agents:
                agent.close()


@contextmanager
def disks_for(tiers: dict, swap: list, slower: int):
    """The devices, by name, of the stores and swap areas of a run."""
    names = {name for name in tiers if TIER[name] in tw.STORES} | {name for name, _, _ in swap}
    devices = {}
    try:
        for name in sorted(names):
            devices[name] = disks.make(name, slower)
        yield devices
    finally:
        for name in devices:
            disks.drop(name)


@contextmanager
def swap_on(areas: list, devices: dict):
    """Swap areas for a while."""
    for name, pages, priority in areas:
        # One more page: the header.
        subprocess.run(["mkswap", "-f", devices[name], str((pages + 1) * tw.PAGE // 1024)],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["swapon", "-p", str(priority), devices[name]], check=True)
    try:
        yield
    finally:
        for name, _, _ in areas:
            subprocess.run(["swapoff", devices[name]], check=True)


@contextmanager
def swap_device_on(machine: "Machine", pages: int):
    """The swap device for a while; 0: none."""
    if not pages:
        yield
        return
    machine.device.swap_create(pages)
    while not SWAP_DEVICE.exists():
        time.sleep(0.01)
    subprocess.run(["mkswap", SWAP_DEVICE], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    subprocess.run(["swapon", SWAP_DEVICE], check=True)
    try:
        yield
    finally:
        subprocess.run(["swapoff", SWAP_DEVICE], check=True)
        machine.device.swap_destroy()


def setting(path: str) -> str:
    """What a file says; of a choice, the one in brackets."""
    text = Path(path).read_text(encoding="ascii")
    chosen = re.search(r"\[(\w+)\]", text)
    return chosen.group(1) if chosen else text


@contextmanager
def settings(pairs: list):
    """Files of sysfs and procfs for a while."""
    before = [(path, setting(path)) for path, _ in pairs]
    for path, text in pairs:
        Path(path).write_text(text, encoding="ascii")
    try:
        yield
    finally:
        for path, text in reversed(before):
            Path(path).write_text(text, encoding="ascii")


def node_free() -> int:
    """Pages free on node 0."""
    for line in (NODE0 / "meminfo").read_text(encoding="ascii").splitlines():
        if "MemFree:" in line:
            return int(line.split()[-2]) * 1024 // tw.PAGE
    raise RuntimeError("node 0 has no MemFree")


@contextmanager
def taken(room: int):
    """All of node 0's memory but `room` pages, as huge pages, for a while."""
    if not room:
        yield
        return
    Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
    count, had = NODE0 / "hugepages/hugepages-2048kB/nr_hugepages", -1
    # First all that there is, so that what else was there has gone elsewhere.
    while (have := int(count.read_text(encoding="ascii"))) > had:
        count.write_text(str(have + 1 + node_free() // HUGE), encoding="ascii")
        had = have
    count.write_text(str(have - max(room - node_free(), 0) // HUGE), encoding="ascii")
    try:
        yield
    finally:
        count.write_text("0", encoding="ascii")


@contextmanager
def group(pages: int):
    """A control group with so much memory; None without one."""
    if not pages:
        yield None
        return
    CGROUP.mkdir()
    # To begin with, what is over waits: all that could go may still be on its
    # way to a slow disk, and a hard limit would have the program killed.
    (CGROUP / "memory.high").write_text(str(pages * tw.PAGE), encoding="ascii")
    try:
        yield CGROUP
    finally:
        for _ in range(100):
            try:
                CGROUP.rmdir()
                return
            except OSError:
                time.sleep(0.02)


def harden(where, pages: int) -> None:
    """Memory is filled: the limit is a hard one from here on, which throttles nobody."""
    most = pages * tw.PAGE
    until = time.monotonic() + HARDEN_SECONDS
    while int((where / "memory.current").read_text(encoding="ascii")) > most and \
            time.monotonic() < until:
        time.sleep(0.01)
    (where / "memory.max").write_text(str(most), encoding="ascii")
    (where / "memory.high").write_text("max", encoding="ascii")


def start(arguments: list, where=None, priority: int = 0, **more) -> subprocess.Popen:
    """tw-workload on the last CPU, in a control group, as a real-time task if wanted."""
    def child():
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        if priority:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
        if where:
            (where / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
    return subprocess.Popen([WORKLOAD, "--json", *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, preexec_fn=child, **more)


@contextmanager
def rival():
    """The other process on our CPU."""
    process = start(RIVAL, priority=RIVAL_PRIORITY)
    process.stdout.readline()
    try:
        yield
    finally:
        finish(process, stop=True)


def finish(process: subprocess.Popen, stop: bool) -> dict:
    """Its exit code, its last lines and what it complained of."""
    if stop:
        process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    return {"code": process.returncode, "error": err,
            "lines": [json.loads(line) for line in out.splitlines()]}


def needs(arguments: list) -> int:
    """Pages that the program takes beside its footprint, page tables included."""
    with group(1 << 20) as where:
        process = start([*arguments, "--seconds", "1000000", "--interval", "1000000"], where)
        footprint = json.loads(process.stdout.readline())["pages"]
        used = int((where / "memory.current").read_text(encoding="ascii")) // tw.PAGE
        finish(process, stop=True)
    return max(used - footprint, 0)


class Watch:
    """Reads several programs' lines as they come, with the counters beside them."""

    def __init__(self, machine: Machine):
        self.machine = machine
        self.selector = selectors.DefaultSelector()
        self.lines = {}

    def add(self, process: subprocess.Popen) -> None:
        """Wait until it has filled its memory; from then on its lines are read."""
        self.lines[process] = []
        self.take(process)
        self.selector.register(process.stdout, selectors.EVENT_READ, process)

    def take(self, process: subprocess.Popen) -> bool:
        """One line; False at the end."""
        text = process.stdout.readline()
        if not text:
            return False
        line = json.loads(text)
        line["counters"] = self.machine.snapshot()
        line["busy"], line["time"] = busy(), time.monotonic()
        self.lines[process].append(line)
        return True

    def until(self, measured: subprocess.Popen) -> None:
        """Until this one has ended."""
        while True:
            for key, _ in self.selector.select():
                if not self.take(key.data):
                    self.selector.unregister(key.fileobj)
                    if key.data is measured:
                        return


def busy() -> float:
    """Seconds that the CPUs have not been idle; ticks are too coarse for the other kinds."""
    first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()
    idle = (int(first[4]) + int(first[5])) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) * os.cpu_count() - idle


def run_programs(machine: Machine, programs: list) -> list:
    """Start the last one first, wait for the first; what each of them said."""
    watch, processes = Watch(machine), []
    with ExitStack() as stack:
        stack.enter_context(rival())
        for program in reversed(programs):
            limit = program.get("memory_max", 0)
            if limit:
                limit += needs(program["arguments"])
            where = stack.enter_context(group(limit))
            process = start(program["arguments"], where)
            stack.callback(process.kill)
            watch.add(process)
            if where:
                harden(where, limit)
            processes.insert(0, process)
        watch.until(processes[0])
        answers = []
        for process in processes:
            answer = finish(process, stop=process is not processes[0])
            answer["lines"] = watch.lines[process] + answer["lines"]
            answers.append(answer)
    return answers


def sizes(spec: dict, answers: list) -> dict:
    """The tiers' pages, those that follow a run before included."""
    tiers = dict(spec.get("tiers", {}))
    for tier, pages in tiers.items():
        if isinstance(pages, str):
            before = next(answer for answer in answers if f"as {answer['name']}" == pages)
            tiers[tier] = max(line["pages"][tier] for line in before["programs"][0]["lines"]
                              if "share" in line)
    return tiers


@contextmanager
def bound(machine: Machine, tiers: dict, devices: dict):
    """These tiers for a while, the stores formatted."""
    for name in tiers:
        if name in devices:
            subprocess.run([str(REPO / "build/tools/tw"), "tier", "format", "--force",
                            devices[name]], check=True, stdout=subprocess.DEVNULL)
    machine.bind(tiers, devices)
    try:
        yield
    finally:
        machine.bind({}, {})


def run(machine: Machine, spec: dict, tiers: dict) -> dict:
    """One run."""
    answer = {"name": spec["name"], "tiers": tiers}
    swap = spec.get("swap", [])
    with ExitStack() as stack:
        devices = stack.enter_context(disks_for(tiers, swap, spec.get("disks", 1)))
        for context in (bound(machine, tiers, devices), swap_on(swap, devices),
                        swap_device_on(machine, spec.get("swap_device", 0)),
                        settings(spec.get("settings", [])),
                        machine.policy(spec.get("policy", {})),
                        machine.limits(spec.get("limits", {})), taken(spec.get("room", 0))):
            stack.enter_context(context)
        answer["free"] = node_free()
        answer["programs"] = run_programs(machine, spec["programs"])
    return answer


def main() -> int:
    """All runs, one after the other."""
    machine, answers = Machine(), []
    for spec in json.loads(sys.argv[1]):
        answer = run(machine, spec, sizes(spec, answers))
        answers.append(answer)
        wrong = [program for program in answer["programs"] if program["code"]]
        if wrong:
            print(f"{spec['name']}: tw-workload ended with {wrong[0]['code']}: "
                  f"{wrong[0]['error']}", file=sys.stderr)
            return 1
        print(json.dumps(answer, separators=(",", ":")), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
