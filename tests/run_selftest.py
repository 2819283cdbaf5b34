#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Does tests/run tell the truth?  Runs on the host, and in two bare guests.

A runner that loses a failure makes all tests worthless; hence the negative
controls: steps that fail, stall, crash or say nothing, a guest that dies in
the middle of a file, tests that fail in every way that a test can.
Prints 'ok NAME' and 'not ok NAME'.
"""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
# Where tests/broken/run, a program, finds its own.
sys.path.append(str(Path(__file__).resolve().parent / "broken"))

from rooms import rooms  # noqa: E402
from runlib.outcome import Outcome, count_code, count_lines, summary  # noqa: E402
from runlib.pool import Pool, Running, Step  # noqa: E402
from runlib.suite import Suite  # noqa: E402

REPO = Path(__file__).resolve().parent.parent
WORKER = REPO / "tests/runlib/worker.py"
GUEST = [REPO / "tools/vm", "--turns", "--no-module", "--topology", "no-stores", "--stall", "600"]

FILES = {
    "test_a.py": "def test_one():\n    pass\n\n\ndef test_two():\n    pass\n",
    # The guest is gone at once; nothing is written back.
    "test_b.py": "from pathlib import Path\n\n\ndef test_before():\n    pass\n\n\n"
                 "def test_deadly():\n    Path('/proc/sysrq-trigger').write_text('o')\n"
                 "    while True:\n        pass\n\n\ndef test_after():\n    pass\n",
    "test_c.py": "import os\n\n\ndef test_before():\n    pass\n\n\n"
                 "def test_deadly():\n    os.kill(os.getpid(), 9)\n",
    "test_d.py": "import pytest\n\n\n@pytest.fixture\ndef bad():\n    yield\n    assert 0\n\n\n"
                 "def test_good():\n    pass\n\n\ndef test_fails():\n    assert 0\n\n\n"
                 "def test_teardown(bad):\n    pass\n\n\ndef test_skips():\n"
                 "    pytest.skip('for a reason')\n\n\n"
                 "@pytest.mark.xfail\ndef test_surprise():\n    pass\n",
    "test_e.py": "import nothing_of_this_name\n",
}


def load(name):
    """A program of tests/ as a module."""
    loader = importlib.machinery.SourceFileLoader(f"tests_{name.replace('/', '_')}",
                                                  str(REPO / "tests" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def sh(name, script, count=count_code, **more):
    """A step that is a script."""
    return Step(name, count, ["sh", "-c", script], **more)


class Runner(unittest.TestCase):
    """A folder, and what a pool prints kept from the screen."""

    def setUp(self):
        # Where the guest sees it, too.
        self.folder = Path(self.enterContext(
            tempfile.TemporaryDirectory(dir=REPO, prefix=".run-selftest-")))
        self.said = io.StringIO()

    def run_pool(self, *steps, jobs=2):
        """The outcomes by name, and the exit code."""
        pool = Pool(jobs, self.folder / "logs", REPO)
        with contextlib.redirect_stdout(self.said):
            outcomes = pool.run(list(steps))
            code = summary(outcomes)
        return {outcome.name: outcome for outcome in outcomes}, code


class Steps(Runner):
    """What the pool makes of steps."""

    def test_all_is_well(self):
        outcomes, code = self.run_pool(sh("one", "echo first; echo second >&2"), sh("two", ":"))
        self.assertEqual(code, 0)
        self.assertEqual(sum(outcome.passed for outcome in outcomes.values()), 2)
        log = (self.folder / "logs/one.log").read_text(encoding="utf-8")
        self.assertIn("first\nsecond\n", log)
        self.assertIn("first\nsecond\n", self.said.getvalue())

    def test_failure_is_exit_code_1(self):
        outcomes, code = self.run_pool(sh("good", ":"), sh("bad", "exit 3"))
        self.assertEqual(code, 1)
        self.assertEqual((outcomes["good"].failed, outcomes["bad"].failed), (0, 1))
        self.assertIn("1 passed, 1 failed, 0 skipped", self.said.getvalue())

    def test_nothing_ran_is_exit_code_1(self):
        self.assertEqual(self.run_pool()[1], 1)

    def test_no_result(self):
        _, code = self.run_pool(sh("dumb", "echo fine", count_lines))
        self.assertEqual(code, 1)

    def test_killed(self):
        _, code = self.run_pool(sh("killed", "echo ok one; kill -9 $$", count_lines))
        self.assertEqual(code, 1)

    def test_not_found(self):
        _, code = self.run_pool(Step("none", count_code, ["/no/such/program"]))
        self.assertEqual(code, 1)

    def test_stalled(self):
        """A step that says nothing is ended, with all that it has started."""
        pid = self.folder / "pid"
        outcomes, code = self.run_pool(
            sh("stuck", f"sleep 1000 & echo $! >{pid}; echo up; wait", stall=2))
        self.assertEqual(code, 1)
        self.assertIn("silent for 2 s", outcomes["stuck"].note)
        with self.assertRaises(ProcessLookupError):
            while True:     # init may have to reap it first
                os.kill(int(pid.read_text(encoding="ascii")), 0)
                if state(int(pid.read_text(encoding="ascii"))) in "ZX":
                    raise ProcessLookupError

    def test_slow_is_not_stalled(self):
        """As long as something is said, a step goes on."""
        _, code = self.run_pool(sh("slow", "for i in 1 2 3 4 5 6; do echo $i; sleep 1; done",
                                   stall=3))
        self.assertEqual(code, 0)

    def test_needs(self):
        outcomes, code = self.run_pool(
            sh("user", ":", needs=("bad",)), sh("other", ":", needs=("good",)),
            sh("bad", "exit 1"), sh("good", ":"), jobs=1)
        self.assertEqual(code, 1)
        self.assertEqual(outcomes["user"].note, "not run: bad has failed")
        self.assertEqual(outcomes["other"].passed, 1)

    def test_side_by_side(self):
        """Each waits for the other."""
        meet = "touch {0}; while ! [ -e {1} ]; do sleep 0.1; done"
        one, two = self.folder / "one", self.folder / "two"
        _, code = self.run_pool(sh("one", meet.format(one, two)), sh("two", meet.format(two, one)))
        self.assertEqual(code, 0)

    def test_wide(self):
        """Two wide ones never meet, and what is narrow does not wait for them."""
        alone = "mkdir {0}/wide && sleep 0.5 && rmdir {0}/wide".format(self.folder)
        narrow = f"while ! [ -e {self.folder}/wide ]; do sleep 0.1; done"
        _, code = self.run_pool(sh("one", alone, wide=True), sh("two", alone, wide=True),
                                sh("three", narrow))
        self.assertEqual(code, 0)

    def test_wide_takes_two_places(self):
        """Of three; of two it leaves one for another step."""
        wide, narrow = (Running(sh(name, ":", wide=name == "wide"), None, None, 0, 0)
                        for name in ("wide", "narrow"))
        for jobs, beside in ((1, 0), (2, 1), (3, 1), (4, 2)):
            pool = Pool(jobs, self.folder / "logs", REPO)
            pool.running = [wide]
            while pool.has_place(narrow.step):
                pool.running.append(narrow)
            self.assertEqual(len(pool.running) - 1, beside)

    def test_wide_does_not_wait_for_all(self):
        """With two narrow ones under way, it is next, and not the third."""
        order = self.folder / "order"
        note = "echo {0} >>" + str(order)
        narrow = [sh(f"narrow {number}", f"sleep 0.{3 * number}; " + note.format(number))
                  for number in (1, 2, 3)]
        wide = sh("wide", note.format("wide"), wide=True, needs=("first",))
        _, code = self.run_pool(sh("first", "sleep 0.1"), *narrow, wide, jobs=3)
        self.assertEqual(code, 0)
        self.assertIn("wide", order.read_text().split()[:3])

    def test_cpu(self):
        """That of grandchildren, too."""
        outcomes, _ = self.run_pool(sh("busy", "sh -c 'timeout 1 yes >/dev/null'; true"))
        self.assertGreater(outcomes["busy"].cpu, 0.05)

    def test_interrupt(self):
        pid = os.getpid()
        timer = threading.Timer(1.0, os.kill, (pid, signal.SIGTERM))
        timer.start()
        outcomes, code = self.run_pool(sh("long", "sleep 1000"), sh("never", ":"), jobs=1)
        self.assertEqual(code, 1)
        self.assertIn("interrupted", outcomes)
        self.assertNotIn("never", outcomes)


class Guests(Runner):
    """A guest that dies, and tests that fail, in real guests."""

    def test_dead_guest_loses_one_file(self):
        for name, text in FILES.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        suite = Suite(self.folder / "out", [str(self.folder / name) for name in FILES])

        def guest(number):
            name = f"guest {number}"
            command = [*GUEST, "--out", suite.folder, "--", "env", "TW_WITHOUT_DEVICE=1",
                       "/usr/bin/python3", "-B", WORKER, suite.folder, str(number),
                       "-p", "no:cacheprovider", "-q", f"--rootdir={self.folder}"]
            return Step(name, lambda name, code, _: suite.count(name, str(number), code), command,
                        more=lambda code: [guest(number + 1)] if code and suite.left() else [])

        outcomes, code = self.run_pool(guest(1))
        first, second = outcomes["guest 1"], outcomes["guest 2"]
        said = self.said.getvalue()
        self.assertEqual(code, 1, said)
        # a: two; b: the one before the end.
        self.assertEqual((first.passed, first.skipped), (3, 0), said)
        self.assertEqual(first.failures,
                         [f"{self.folder}/test_b.py: ended in test_b.py::test_deadly"])
        # c: one, then pytest dies alone; d: one of each kind; e: cannot be loaded.
        self.assertEqual((second.passed, second.skipped), (2, 1), said)
        self.assertEqual(sorted(name.rpartition("/")[2] for name in second.failures),
                         ["test_c.py: ended in test_c.py::test_deadly", "test_d.py::test_fails",
                          "test_d.py::test_surprise", "test_d.py::test_teardown", "test_e.py"])
        self.assertEqual(suite.left(), [])

    def test_file_without_tests(self):
        """It has failed, unless its tests were deselected, or it was skipped."""
        skip = '{"test": "test_z.py", "outcome": "skipped", "why": "", "seconds": 0}\n'
        suite = Suite(self.folder / "out", ["test_x.py", "test_y.py", "test_z.py"])
        for entry, more in (("000.test_x", ""), ("001.test_y", '{"deselected": 2}\n'),
                            ("002.test_z", skip)):
            (suite.folder / "queue" / entry).rename(suite.folder / "taken" / f"{entry}@1")
            (suite.folder / "notes" / f"{entry}@1").write_text(more + '{"ends": 5}\n',
                                                              encoding="utf-8")
        outcome = suite.count("guest 1", "1", 0)
        self.assertEqual((outcome.failed, outcome.note), (1, "test_x.py: pytest ended with 5"))

    def test_files_that_nobody_took(self):
        """They are named, and have failed."""
        suite = Suite(self.folder / "out", ["test_x.py", "test_y.py"])
        (suite.folder / "queue/000.test_x").rename(suite.folder / "taken/000.test_x@1")
        outcome = suite.count("guest 1", "1", 0)
        self.assertEqual((outcome.failed, outcome.failures),
                         (1, ["test_x.py: ended between tests"]))
        rest = Outcome("rest")
        suite.count_left(rest)
        self.assertEqual((rest.failed, rest.note), (1, "test_y.py was not begun"))


class CommandLine(Runner):
    """tests/run itself."""

    def test_usage(self):
        done = subprocess.run([REPO / "tests/run", "--only", "nothing"], capture_output=True,
                              check=False)
        self.assertEqual(done.returncode, 2)


def state(pid):
    """The letter in /proc; X when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return "X"


class Played(Runner):
    """Guests that are scripts."""

    def run_steps(self, first, *scripts):
        """Each guest is one of the scripts in turn; the outcomes in order, and the code."""
        module = load("run")
        runner = module.Runner(module.arguments(["--kernel", "stock", "--jobs", "1"]))
        runner.out = self.folder
        left = list(scripts)
        runner.worker = lambda *_: ["sh", "-c", left.pop(0)]
        pool = Pool(1, self.folder / "logs", REPO)
        with contextlib.redirect_stdout(self.said):
            outcomes = pool.run([first(runner)])
            return outcomes, summary(outcomes), left


class Special(Played):
    """A guest that is silent before its first test has one more chance, and only that."""

    def run_special(self, *scripts):
        """One file that has a machine of its own."""
        return self.run_steps(lambda runner: runner.special(
            "stock", REPO / "tests/guest/test_a.py", []), *scripts)

    # The file is taken, and the test in it has passed.
    FINE = ("cd %s/test_a-stock; mv queue/* taken/000.test_a@1; echo '"
            '{"begins": "t"}\n{"test": "t", "outcome": "passed", "why": "", "seconds": 0}\n'
            '{"ends": 0, "cpu": 0, "wall": 0}'
            "' >notes/000.test_a@1")

    def test_once_more(self):
        outcomes, code, left = self.run_special("exit 124", self.FINE % self.folder)
        self.assertEqual((code, left), (0, []))
        self.assertIn("started once more", outcomes[0].note)
        self.assertEqual([outcome.passed for outcome in outcomes], [0, 1])

    def test_not_twice(self):
        outcomes, code, left = self.run_special("exit 124", "exit 124", "exit 0")
        self.assertEqual((code, left), (1, ["exit 0"]))
        self.assertTrue(outcomes[1].failed)

    def test_not_when_it_fails(self):
        _, code, left = self.run_special("exit 125", "exit 0")
        self.assertEqual((code, left), (1, ["exit 0"]))

    def test_not_after_a_test(self):
        """Silence in the middle of the file is the file's."""
        _, code, left = self.run_special(
            f"cd {self.folder}/test_a-stock; mv queue/* taken/000.test_a@1; exit 124", "exit 0")
        self.assertEqual((code, left), (1, ["exit 0"]))


class Emptied(Played):
    """A queue that a guest leaves behind, and says that all is well, is another's."""

    def run_suite(self, *scripts):
        """A suite of two files."""
        return self.run_steps(lambda runner: runner.guest(
            "stock", Suite(self.folder / "suite", ["tests/guest/test_a.py",
                                                   "tests/guest/test_b.py"]), 1), *scripts)

    ONE = ("cd %s/suite; f=$(ls queue | head -n 1); mv queue/$f taken/$f@%d; echo '"
           '{"begins": "t"}\n{"test": "t", "outcome": "passed", "why": "", "seconds": 0}\n'
           '{"ends": 0, "cpu": 0, "wall": 0}'
           "' >notes/$f@%d")

    def test_another_comes(self):
        outcomes, code, left = self.run_suite(self.ONE % (self.folder, 1, 1),
                                              self.ONE % (self.folder, 2, 2))
        self.assertEqual((code, left), (0, []))
        self.assertEqual([outcome.passed for outcome in outcomes], [1, 1])

    def test_not_for_ever(self):
        """One that takes nothing is the last."""
        _, _, left = self.run_suite(self.ONE % (self.folder, 1, 1), "exit 0", "exit 0")
        self.assertEqual(left, ["exit 0"])


class Others(Runner):
    """What uses the steps of tests/run, or needs more than `make all programs` has built."""

    def coverage_steps(self, *words):
        """The commands of tests/coverage that are lists, by their step's name."""
        coverage = load("coverage")
        coverage.BUILD = self.folder
        (self.folder / "RELEASE").mkdir()
        (self.folder / "RELEASE/tier_watch.ko").touch()
        run, options = coverage.load_run(), coverage.arguments(words)
        runner = coverage.make_runner(run, options, self.folder / "out")
        coverage.add_steps(run, runner, options.quick)
        return {step.name: [str(word) for word in step.command] for step in runner.steps}

    def test_coverage_counts_in_every_guest(self):
        """Each leaves its counts in a folder of its own."""
        steps = self.coverage_steps("--", "-k", "none")
        guests = {name: words for name, words in steps.items() if str(REPO / "tools/vm") in words}
        self.assertTrue({"guest 1, debug", "kernel_api, debug"} <= set(guests))
        self.assertNotIn("negative controls", steps)
        folders = [words[words.index("--in-guest") + 1] for words in guests.values()]
        self.assertEqual(len(set(folders)), len(folders))
        self.assertEqual(guests["guest 1, debug"][-2:], ["-k", "none"])

    def test_coverage_quick(self):
        self.assertNotIn("kernel_api, debug", self.coverage_steps("--quick"))

    def test_grown_driver_is_built(self):
        """By whatever runs that step: in a fresh tree nobody else has."""
        run = load("run")
        runner = run.Runner(run.arguments(["--kernel", "stock", "--kernel", "6.12"]))
        runner.do_grown()
        self.assertEqual([(step.name, step.needs) for step in runner.steps],
                         [("build, grown", ()), ("grown structs, stock", ("build, grown",))])

    def broken_targets(self, *words):
        """What tests/broken/run has make build before its guests."""
        broken = load("broken/run")
        targets = []
        broken.built = lambda _kernel, *names: targets.extend(names) or True
        broken.noticed = broken.hammered = lambda *_: True
        self.assertEqual(broken.main(words), 0)
        return targets

    def test_broken_builds_what_its_guests_load(self):
        """In a fresh tree nobody else has."""
        self.assertEqual(self.broken_targets(), ["broken", "kmod-tests"])

    def test_broken_leaves_alone_what_other_guests_load(self):
        self.assertEqual(self.broken_targets("--hammer"), ["broken"])


class Rooms(unittest.TestCase):
    """What tests/rooms says of three small objects."""

    def complaints(self, **sources):
        """Of these files, as FOLDER_NAME, in the rooms low and high."""
        with tempfile.TemporaryDirectory() as folder:
            objects = {}
            for name, text in sources.items():
                path = Path(folder, name)
                path.with_suffix(".c").write_text(text, encoding="utf-8")
                subprocess.run(["cc", "-c", "-o", path.with_suffix(".o"),
                                path.with_suffix(".c")], check=True)
                objects[name.replace("_", "/")] = path.with_suffix(".o")
            return rooms.complaints(rooms.graph(objects), ["low", "high"])

    def test_downward(self):
        self.assertEqual(self.complaints(low_a="int a(void) { return 1; }",
                                         high_b="int a(void); int b(void) { return a(); }"), [])

    def test_upward(self):
        self.assertEqual(self.complaints(low_a="int b(void); int a(void) { return b(); }",
                                         high_b="int b(void) { return 1; }"),
                         ["upward: low/a uses b of high/b"])

    def test_circle(self):
        found = self.complaints(low_a="int b(void); int a(void) { return b(); }",
                                low_b="int c(void); int b(void) { return c(); }",
                                low_c="int a(void); int c(void) { return a(); }")
        self.assertEqual(found, ["a circle of 3: low/a low/b low/c"])


def main():
    """One after the other; 'ok' lines as tests/vm_selftest.py prints them."""
    good = True
    for suite in unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]):
        for case in suite:
            result = case.run()
            for _, text in result.failures + result.errors:
                print(f"FAIL {case.id()}\n{text}", file=sys.stderr)
            good &= result.wasSuccessful()
            print(f"{'ok' if result.wasSuccessful() else 'not ok'} {case.id()}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
