#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Alerts: promtool accepts them, and they fire for what a guest's figures say, and not otherwise.

Owns build/deploy. The guest (deploy_figures.py) brings its tiers into states and keeps what
tw metrics says of each; from that promtool gets an hour of the first and then each of the
others. Prints 'ok NAME' and 'not ok NAME'; exit code 0 when all is ok.
"""

import subprocess
import sys
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families

sys.dont_write_bytecode = True

from checks import check, failures  # noqa: E402  pylint: disable=wrong-import-position

REPO = Path(__file__).resolve().parent.parent
HOME = REPO / "build" / "deploy"
PROMTOOL = REPO / "build" / "programs" / "root" / "usr" / "bin" / "promtool"
RULES = REPO / "deploy" / "prometheus" / "tierwatch.rules.yml"
GUEST = REPO / "tests" / "deploy_figures.py"
# Minutes: of the healthy state, and when is looked after it.
BEFORE, AFTER = 70, 40
FILE = 'node_textfile_mtime_seconds{file="/var/lib/prometheus/node-exporter/tierwatch.prom",' \
       'instance="m1"}'
# What fires 40 minutes after the guest's state has begun: (alert, tier).
FIRING = {
    "healthy": set(),
    "limited": {("TierWatchAgentAtLimit", "cpu"), ("TierWatchGroupAtLimit", "cpu")},
    "full": {("TierWatchRoomShort", ""), ("TierWatchRoomEnds", ""),
             *((f"TierWatchPressure{level}", tier) for level in ("High", "Critical")
               for tier in ("cpu", "nvme", "ssd"))},
    "taken": {("TierWatchTierGone", "ssd"), ("TierWatchPagesLost", "")},
    "gone": {("TierWatchDown", "")},
}

# Four minutes after: what waits for nothing.
SOON = 4
SOON_FIRING = {
    "healthy": set(), "limited": set(), "gone": set(),
    "full": {("TierWatchPressureCritical", tier) for tier in ("cpu", "nvme", "ssd")},
    "taken": {("TierWatchPagesLost", ""), ("TierWatchStoreErrors", "ssd")},
}


def run(*command: object) -> subprocess.CompletedProcess:
    """A command; its output is kept, its failure the caller's to see."""
    return subprocess.run(list(map(str, command)), text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)


def samples(path: Path) -> dict[str, float]:
    """A file of the textfile collector as Prometheus has it: series -> value."""
    found = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        for one in family.samples:
            labels = {**one.labels, "instance": "m1", "job": "node"}
            shown = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
            found[f"{one.name}{{{shown}}}"] = one.value
    return found


def series(before: dict[str, float], after: dict[str, float]) -> list[dict]:
    """An hour of the one, then the other; what is in one of them only is not there else."""
    def part(value: float | None, minutes: int) -> str:
        return f"_x{minutes}" if value is None else f"{value!r}+0x{minutes}"

    return [{"series": name,
             "values": f"{part(before.get(name), BEFORE)} {part(after.get(name), AFTER)}"}
            for name in sorted(before | after)]


def expected(alerts: set[tuple[str, str]]) -> list[dict]:
    """As promtool wants what a query must give."""
    return [{"labels": f'{{alertname="{name}"' + (f',tier="{tier}"' if tier else "") + "}",
             "value": 1} for name, tier in sorted(alerts)]


def test_of(before: dict, after: dict, soon: set[tuple[str, str]], firing: set[tuple[str, str]],
            fresh: bool = True) -> dict:
    """A test of promtool's: nothing fires before, the former soon after and the latter later."""
    minutes = BEFORE + AFTER + 2
    # The figures' file is as old as it is written, or is written no more.
    written = f"0+60x{minutes}" if fresh else f"0+60x{BEFORE} {BEFORE * 60}+0x{AFTER + 2}"
    firing = firing | (set() if fresh else {("TierWatchFiguresOld", "")})
    query = 'count by (alertname, tier) (ALERTS{alertstate="firing"})'
    return {"interval": "1m",
            "input_series": [*series(before, after), {"series": FILE, "values": written}],
            "promql_expr_test": [
                {"expr": query, "eval_time": f"{BEFORE - 1}m", "exp_samples": []},
                {"expr": query, "eval_time": f"{BEFORE + SOON}m", "exp_samples": expected(soon)},
                {"expr": query, "eval_time": f"{BEFORE + AFTER}m",
                 "exp_samples": expected(firing)}]}


def promtool_test(name: str, tests: list[dict]) -> subprocess.CompletedProcess:
    """What promtool says of them."""
    path = HOME / f"{name}.test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m",
                                    "tests": tests}), encoding="utf-8")
    return run(PROMTOOL, "test", "rules", path)


def check_rules() -> None:
    """They are well formed; ones that are not, are refused."""
    done = run(PROMTOOL, "check", "rules", RULES)
    check("promtool check rules", done.returncode == 0, done.stdout)
    for what, text in {"an expression": RULES.read_text().replace("== 0\n", "=== 0\n", 1),
                       "a template": RULES.read_text().replace("{{ $labels", "{{ $lables", 1),
                       "a name": RULES.read_text().replace("expr:", "expression:", 1)}.items():
        wrong = HOME / "wrong.yml"
        wrong.write_text(text, encoding="utf-8")
        check(f"it refuses {what} that is wrong", text != RULES.read_text() and
              run(PROMTOOL, "check", "rules", wrong).returncode)


def main() -> int:
    """Returns the exit code."""
    HOME.mkdir(parents=True, exist_ok=True)
    check_rules()
    done = run(REPO / "tools" / "vm", "--kernel", "stock", "--turns", "--out", HOME, "--",
               "/usr/bin/python3", "-B", GUEST, HOME)
    if check("a guest's figures", done.returncode == 0, done.stdout):
        there = {state: samples(HOME / f"{state}.prom") for state in FIRING}
        for state, firing in FIRING.items():
            done = promtool_test(state, [test_of(there["healthy"], there[state],
                                                SOON_FIRING[state], firing)])
            check(f"what fires when it is {state}", done.returncode == 0, done.stdout)
        done = promtool_test("old", [test_of(there["healthy"], there["healthy"], set(), set(),
                                           False)])
        check("what fires when figures are old", done.returncode == 0, done.stdout)
        done = promtool_test("wrong", [test_of(there["healthy"], there["full"], set(), set())])
        check("a test that expects nothing of it fails", done.returncode, done.stdout)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
