# SPDX-License-Identifier: GPL-2.0
"""deploy/: alerts and the dashboard ask for what tw metrics tells, the timer's command works."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

import promql
import tw
from command import TW, tw_json
from support import NOBODY, REPO, Child, Reached, device_gid, place, wait_for
from tw import CPU, NVME

pytestmark = pytest.mark.once

RULES = REPO / "deploy" / "prometheus" / "tierwatch.rules.yml"
DASHBOARD = REPO / "deploy" / "grafana" / "tierwatch.json"
SERVICE = REPO / "deploy" / "prometheus" / "tierwatch-metrics.service"
TROUBLES = "docs/guide/troubleshooting.md"
SEVERITIES = {"info", "warning", "critical"}


def rules() -> list[dict]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    assert len({group["name"] for group in groups}) == len(groups)
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict:
    return json.loads(DASHBOARD.read_text())


def queries() -> list[tuple[dict, dict]]:
    """(panel, target) each."""
    return [(panel, target) for panel in dashboard()["panels"]
            for target in panel.get("targets", [])]


@pytest.fixture
def known(dev, make, policy):
    """Every metric that there can be: of agents with limits, moves, an attached program."""
    there, enough = Reached(), Reached()

    def hold():
        there.set()
        enough.wait(seconds=120)

    child = Child(hold)
    with dev.agent(1) as agent:
        limits = dev.limits(1).pages
        limits[CPU] = 1000
        dev.limits(1, limits)
        dev.group_limits(NOBODY, limits)
        region, _ = make(8, touched=8, agent=agent)
        place(region, 0, 4, NVME)
        there.wait()
        policy(enabled=tw.TW_POLICY_WATCH, scan_min_ms=20, scan_max_ms=50)
        dev.attach(child.pid)
        assert wait_for(lambda: all(one.scans for one in dev.attachments()), 60)
        yield promql.Known(tw_json("metrics", "--agents", 5, "--programs", 5))
    dev.group_limits(NOBODY, [tw.TW_NO_LIMIT] * 5)
    enough.set()
    child.result()
    assert wait_for(lambda: dev.attachments() == [], 10)


def anchors(page: Path) -> set[str]:
    """Where links into a page can lead."""
    return {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-")
            for head in re.findall(r"^#+ (.*)$", page.read_text(), re.M)}


def test_rules(known):
    """Each asks for what is there, says what to do, and where that is written."""
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) >= 15
    used = set()
    for rule in rules():
        asked = promql.check(rule["expr"], known)
        used |= asked
        said = rule["annotations"]
        assert rule["alert"].startswith("TierWatch") and rule["labels"]["severity"] in SEVERITIES
        assert set(said) == {"summary", "description", "runbook_url"}
        assert "$labels.instance" in said["summary"], rule["alert"]
        assert len(said["description"]) > len(said["summary"]) / 2
        for text in said.values():
            promql.check_template(text, asked, known)
        page, _, anchor = said["runbook_url"].partition("#")
        assert page == TROUBLES and anchor in anchors(REPO / page), said["runbook_url"]
    assert {"tierwatch_up", "tierwatch_tier_pressure", "tierwatch_lost_pages_total",
            "tierwatch_agent_limit_bytes", "tierwatch_group_limit_bytes",
            "tierwatch_room_bytes"} <= used


def test_what_rules_have_us_type():
    """Verbs of tw that they name are there."""
    verbs = {tuple(words.split()[1:3]) for rule in rules()
             for words in re.findall(r"`(tw [^`]*)`|&& (tw [^`]*)", str(rule["annotations"]))
             for words in words if words}
    assert len(verbs) >= 8
    for verb in verbs:
        words = [word for word in verb if re.fullmatch("[a-z]+", word)]
        done = subprocess.run([TW, *words, "--help"], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "usage" in done.stdout.lower(), words


def test_dashboard(known):
    """Its panels ask for what is there, and lie beside each other."""
    board = dashboard()
    assert board["schemaVersion"] >= 36 and board["uid"] == "tierwatch"
    variables = {one["name"]: one for one in board["templating"]["list"]}
    assert variables["datasource"]["query"] == "prometheus"
    asked = re.fullmatch(r"label_values\((\w+), instance\)", variables["instance"]["definition"])
    assert known.labels(asked[1]) == {}
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 20
    assert all(panel["title"] for panel in panels)
    for panel, target in queries():
        try:
            used = promql.check(target["expr"], known, variables)
            promql.check_template(target["legendFormat"], used, known)
        except promql.Wrong as error:
            pytest.fail(f"{panel['title']}: {error}")
        assert target["datasource"] == panel["datasource"] == \
            {"type": "prometheus", "uid": "${datasource}"}
        assert 'instance=~"$instance"' in target["expr"]
    places = [(panel["gridPos"]["x"] + dx, panel["gridPos"]["y"] + dy) for panel in panels
              for dx in range(panel["gridPos"]["w"]) for dy in range(panel["gridPos"]["h"])]
    assert len(places) == len(set(places)) and max(x for x, _ in places) < 24


WRONG = {
    "tierwatch_uq == 0": "no metric",
    'tierwatch_tier_pressure{lavel="high"}': "no label lavel",
    'tierwatch_tier_pressure{level="hihg"} == 1': "no level=hihg",
    'tierwatch_tier_pressure{level=~"hihg|wow"} == 1': "no level=~",
    "sum by (teir) (tierwatch_tier_bound)": "label teir",
    "a_metric + tierwatch_up": "no metric a_metric",
    "rate(tierwatch_fault_wait_seconds_buckets[5m])": "no metric",
    'tierwatch_up{instance="$instence"}': "no variable",
    "1 + 1": "asks for no metric",
    "tierwatch_up ; 1": "cannot be read"}


def test_wrong_ones_are_seen():
    """The check can fail."""
    known = promql.Known(tw_json("metrics"))
    for text, why in WRONG.items():
        with pytest.raises(promql.Wrong, match=re.escape(why)):
            promql.check(text, known, {"instance"})
    with pytest.raises(promql.Wrong, match="shows the label"):
        promql.check_template("{{ $labels.teir }}", ["tierwatch_tier_bound"], known)


def test_the_service(tmp_path):
    """What it runs, with the rights that it has: others' agents have their names."""
    unit = dict(line.split("=", 1) for line in SERVICE.read_text().splitlines() if "=" in line)
    folder = tmp_path / "node-exporter"
    folder.mkdir()
    words = shlex.split(unit["ExecStart"])
    path = Path(words[-1])
    assert words[:2] == ["tw", "metrics"] and str(path.parent) == unit["ReadWritePaths"]
    rights = ",".join("+" + name.removeprefix("CAP_").lower()
                      for name in unit["CapabilityBoundingSet"].split())
    there, enough = Reached(), Reached()

    def theirs():
        device = tw.Device()
        mapping = device.region(4 * tw.PAGE, agent=device.agent(7)).map()
        mapping.write(0, b"x")
        there.set()
        enough.wait(seconds=60)

    child = Child(theirs, uid=NOBODY, gid=NOBODY, groups=[device_gid()])
    there.wait()
    try:
        def run(*options: str) -> subprocess.CompletedProcess:
            return subprocess.run(["setpriv", "--bounding-set", "-all," + rights,
                                   "--inh-caps", "-all", TW, *options, *words[1:-1],
                                   str(folder / path.name)], capture_output=True, text=True,
                                  check=False)

        done = run()
        assert done.returncode == 0, done
        text = (folder / path.name).read_text()
        assert re.search(r'agent_used_bytes\{agent="7",name="python3"[^}]*tier="cpu"\} 4096', text)
        assert "tierwatch_attached_programs 0" in text
        done = run("--device", "/dev/no-such")
        assert str(done.returncode) == unit["SuccessExitStatus"]
        assert (folder / path.name).read_text().endswith("\ntierwatch_up 0\n")
    finally:
        enough.set()
        child.result()
