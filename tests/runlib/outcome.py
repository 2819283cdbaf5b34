# SPDX-License-Identifier: GPL-2.0
"""What a step said: its counts, and how they are read from its output.

Whatever does not say that it passed has failed.
"""

import re
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """Counts of one step, and what it took."""
    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    note: str = ""
    seconds: float = 0.0
    cpu: float = 0.0                # of the step and all that it started, QEMU included
    failures: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    tests: list[tuple[float, str]] = field(default_factory=list)    # seconds, name

    def line(self) -> str:
        """For the summary."""
        mark = "FAILED" if self.failed else "ok"
        note = f"  ({self.note})" if self.note else ""
        return (f"{self.name:<32} {mark:<7} {self.passed:>5} passed {self.failed:>4} failed "
                f"{self.skipped:>4} skipped {self.seconds:>6.0f} s {self.cpu:>6.0f} s CPU{note}")

    def fail(self, note: str) -> None:
        """One more failure, which the note tells of."""
        self.failed += 1
        self.note = f"{self.note}; {note}" if self.note else note


def settle(outcome: Outcome, code: int) -> Outcome:
    """Make the counts agree with the exit code: no failure goes unnoticed."""
    if code and not outcome.failed:
        outcome.fail(f"exit code {code}")
    if not code and not outcome.passed and not outcome.failed and not outcome.skipped:
        outcome.fail("no result")
    return outcome


def count_cmocka(name: str, code: int, text: str) -> Outcome:
    """cmocka's figures, one set a program."""
    outcome = Outcome(name)
    outcome.passed = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", text, re.M)))
    outcome.failed = sum(map(int, re.findall(r"^\[  FAILED  \] (?:\w+: )?(\d+) test", text, re.M)))
    outcome.skipped = sum(map(int, re.findall(r"^\[  SKIPPED \] (\d+) test", text, re.M)))
    return settle(outcome, code)


def count_lines(name: str, code: int, text: str) -> Outcome:
    """Programs that print 'ok NAME' and 'not ok NAME'."""
    outcome = Outcome(name)
    outcome.passed = len(re.findall(r"^ok ", text, re.M))
    outcome.failures = re.findall(r"^not ok (.*)$", text, re.M)
    outcome.failed = len(outcome.failures)
    return settle(outcome, code)


def count_code(name: str, code: int, _text: str) -> Outcome:
    """A program that is one test."""
    return Outcome(name, passed=int(not code), failed=int(bool(code)),
                   note=f"exit code {code}" if code else "")


def summary(outcomes: list[Outcome], slowest: int = 20) -> int:
    """The slowest tests, the table, reasons of skips, failures, the sum; the exit code."""
    tests = sorted((test for outcome in outcomes for test in
                    ((seconds, f"{name} ({outcome.name})") for seconds, name in outcome.tests)),
                   reverse=True)
    if tests:
        print(f"\n== the {min(slowest, len(tests))} slowest tests")
    for seconds, name in tests[:slowest]:
        print(f"{seconds:>7.1f} s  {name}")
    print("\n== summary")
    for outcome in outcomes:
        print(outcome.line())
    for outcome in outcomes:
        for reason in outcome.reasons:
            print(f"    {outcome.name}: skipped: {reason}")
    for outcome in outcomes:
        for failure in outcome.failures:
            print(f"    {outcome.name}: FAILED: {failure}")
    passed, failed, skipped = (sum(getattr(outcome, name) for outcome in outcomes)
                               for name in ("passed", "failed", "skipped"))
    cpu = sum(outcome.cpu for outcome in outcomes)
    print(f"{cpu / 60:.1f} minutes of CPU")
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or not passed else 0
