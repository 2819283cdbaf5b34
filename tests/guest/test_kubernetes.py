# SPDX-License-Identifier: GPL-2.0
"""deploy/kubernetes: well formed, its names lead somewhere, and its containers' commands work.

There is no cluster here. What the API server would check of these kinds is checked against
the fields that they have; what a kubelet would start is started, with cgroups as it makes.
"""

import json
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import fastjsonschema
import pytest
import yaml

import tw
from command import TW, tw_json
from support import CGROUP, REPO, Cgroup, store_path, wait_for
from tw import CPU, NVME, PAGE

pytestmark = pytest.mark.once

FOLDER = REPO / "deploy" / "kubernetes"
UNITS = {"tierwatchd": REPO / "tools" / "systemd" / "tierwatchd.service.in",
         "metrics": REPO / "deploy" / "prometheus" / "tierwatch-metrics.service"}
TEXT, FLAG, NUMBER = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}
PATH = {"type": "string", "pattern": "^/"}
LABELS = {"type": "object", "additionalProperties": TEXT}


def fields(required: str, **properties) -> dict:
    """An object with these fields and no others; those named first must be there."""
    return {"type": "object", "properties": properties, "additionalProperties": False,
            "required": required.split()}


def several(schema: dict) -> dict:
    return {"type": "array", "items": schema, "minItems": 1}


def exactly(value: str) -> dict:
    return {"const": value}


AMOUNT = fields("", cpu={"type": "string", "pattern": "^[0-9]+m?$"},
                memory={"type": "string", "pattern": "^[0-9]+(Ki|Mi|Gi)$"})
META = fields("name", name=NAME, labels=LABELS, annotations=LABELS)
# Of the fields that the kinds have, those that make sense here.
CONTAINER = fields(
    "name image command securityContext resources volumeMounts", name=NAME, image=TEXT,
    command=several(TEXT), resources=fields("requests limits", requests=AMOUNT, limits=AMOUNT),
    securityContext=fields("readOnlyRootFilesystem", privileged=FLAG, runAsUser=NUMBER,
                           readOnlyRootFilesystem={"const": True}),
    volumeMounts=several(fields("name mountPath", name=NAME, mountPath=PATH, readOnly=FLAG)))
VOLUME = fields("name", name=NAME, configMap=fields("name", name=NAME, optional=FLAG), hostPath=fields(
    "path type", path=PATH, type={"enum": ["Directory", "DirectoryOrCreate", "CharDevice"]}))
POD = fields(
    "containers serviceAccountName", nodeSelector=LABELS, serviceAccountName=NAME,
    automountServiceAccountToken={"const": False}, priorityClassName=NAME,
    tolerations=several(fields("operator", operator=TEXT)), hostPID=FLAG,
    enableServiceLinks=FLAG, initContainers=several(CONTAINER), containers=several(CONTAINER),
    volumes=several(VOLUME))
KINDS = {
    ("v1", "Namespace"): {"metadata": META},
    ("v1", "ServiceAccount"): {"metadata": META, "automountServiceAccountToken": {"const": False}},
    ("apps/v1", "DaemonSet"): {"metadata": META, "spec": fields(
        "selector template", selector=fields("matchLabels", matchLabels=LABELS),
        updateStrategy=fields("type", type=exactly("RollingUpdate"),
                              rollingUpdate=fields("", maxUnavailable=NUMBER)),
        template=fields("metadata spec", metadata=fields("labels", labels=LABELS), spec=POD))},
    ("kustomize.config.k8s.io/v1beta1", "Kustomization"): {
        "namespace": NAME, "resources": several(TEXT), "labels": several(fields(
            "pairs", pairs=LABELS, includeSelectors=FLAG)),
        "configMapGenerator": several(fields("name files", name=NAME, files=several(TEXT))),
        "images": several(fields("name newName newTag", name=TEXT, newName=TEXT, newTag=TEXT))},
}


class Strict(yaml.SafeLoader):
    """One that does not take a key twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        if len(set(keys)) != len(keys):
            raise yaml.YAMLError(f"a key is there twice: {keys}")
        return super().construct_mapping(node, deep)


def documents() -> dict[str, dict]:
    """File -> what is in it."""
    return {path.name: yaml.load(path.read_text(), Strict)  # Strict is a safe one
            for path in sorted(FOLDER.glob("*.yaml"))}


def pod_of(found: dict[str, dict]) -> dict:
    return found["daemonset.yaml"]["spec"]["template"]["spec"]


def containers(found: dict[str, dict]) -> dict[str, dict]:
    pod = pod_of(found)
    return {one["name"]: one for one in pod["initContainers"] + pod["containers"]}


@lru_cache(maxsize=None)
def compiled(version: str, kind: str):
    """What raises when a document is not as one of this kind is."""
    return fastjsonschema.compile(fields("apiVersion kind", apiVersion=TEXT, kind=TEXT,
                                         **KINDS[version, kind]))


def check_kind(document: dict) -> None:
    """It has an apiVersion and a kind that there are, and the fields of that."""
    compiled(document["apiVersion"], document["kind"])(document)


def check_names(found: dict[str, dict]) -> None:
    """What one names, another is: files, selectors, volumes, accounts, images, the version."""
    custom = found["kustomization.yaml"]
    assert sorted(custom["resources"]) == sorted(set(found) - {"kustomization.yaml"})
    assert found["namespace.yaml"]["metadata"]["name"] == custom["namespace"]
    made = {one["name"]: one["files"] for one in custom["configMapGenerator"]}
    assert all((FOLDER / name).is_file() for files in made.values() for name in files)
    spec = found["daemonset.yaml"]["spec"]
    assert spec["selector"]["matchLabels"].items() <= \
        spec["template"]["metadata"]["labels"].items()
    pod = pod_of(found)
    assert pod["serviceAccountName"] == found["serviceaccount.yaml"]["metadata"]["name"]
    volumes = {one["name"]: one for one in pod["volumes"]}
    assert len(volumes) == len(pod["volumes"])
    assert all(len(one) == 2 for one in volumes.values())
    assert all(one["configMap"]["name"] in made or one["configMap"].get("optional")
               for one in volumes.values() if "configMap" in one)
    mounted = set()
    for one in containers(found).values():
        mounts = one["volumeMounts"]
        assert len({mount["mountPath"] for mount in mounts}) == len(mounts)
        mounted |= {mount["name"] for mount in mounts}
        (image,) = [image for image in custom["images"] if image["name"] == one["image"]]
        version = re.search(r"^VERSION := (.*)$", (REPO / "libtw/Makefile").read_text(), re.M)
        assert image["newTag"] == version[1]
    assert mounted == set(volumes)


def rights(command: list[str]) -> set[str]:
    """The capabilities that a container's command leaves itself."""
    (bounding,) = [word for word in command if word.startswith("--bounding-set=")]
    first, *more = bounding.partition("=")[2].split(",")
    assert command[0] == "setpriv" and first == "-all" and "--no-new-privs" in command
    assert "--inh-caps=-all" in command
    return {"CAP_" + word.removeprefix("+").upper() for word in more}


def test_documents():
    found = documents()
    assert len(found) >= 4
    for document in found.values():
        check_kind(document)
    check_names(found)


BROKEN = {
    "a kind that is none": lambda all: all["daemonset.yaml"].update(kind="DeamonSet"),
    "another version": lambda all: all["daemonset.yaml"].update(apiVersion="apps/v1beta2"),
    "a field that is none": lambda all: pod_of(all).update(hostPid=True),
    "a field of another type": lambda all: pod_of(all).update(hostPID="true"),
    "a name with letters that it may not have": lambda all:
        pod_of(all)["volumes"][0].update(name="A_b"),
    "a file that is not there": lambda all: all["kustomization.yaml"]["resources"].append("x.yaml"),
    "a volume that is not there": lambda all: pod_of(all)["volumes"].pop(),
    "a ConfigMap that is not there": lambda all:
        pod_of(all)["volumes"][0]["configMap"].update(name="other"),
    "a selector that matches nothing": lambda all:
        all["daemonset.yaml"]["spec"]["selector"]["matchLabels"].update(x="y"),
    "an account that is not there": lambda all: pod_of(all).update(serviceAccountName="root"),
    "an image that is not there": lambda all:
        containers(all)["metrics"].update(image="tierwatches"),
}


def test_broken_ones_are_seen():
    """The checks can fail."""
    for what, spoil in BROKEN.items():
        found = documents()
        spoil(found)
        try:
            for document in found.values():
                check_kind(document)
            check_names(found)
        except (AssertionError, KeyError, ValueError):
            continue
        pytest.fail(what)


def test_a_key_twice():
    with pytest.raises(yaml.YAMLError, match="twice"):
        yaml.load("a: 1\nb: {c: 1, c: 2}\n", Strict)


def test_no_more_than_it_takes():
    """Rights are those of the units; nothing is asked of the API; the root is read-only."""
    found = documents()
    for name, unit in UNITS.items():
        told = re.search(r"^CapabilityBoundingSet=(.*)$", unit.read_text(), re.M)[1]
        assert rights(containers(found)[name]["command"]) == set(told.split()), name
    assert not any(document["kind"] in ("Role", "ClusterRole") for document in found.values())
    writable = {mount["mountPath"] for one in containers(found).values()
                for mount in one["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/dev", "/dev/tierwatch", "/textfile"}


# --- what its containers do -------------------------------------------------------------


@pytest.fixture
def image(tmp_path):
    """Where the commands are, as in the image: by their names."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for path in (TW, REPO / "build" / "tools" / "tierwatchd"):
        (folder / Path(path).name).symlink_to(path)
    return {"PATH": f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin"}


def words_of(name: str, **places: Path) -> list[str]:
    """A container's command; a place in the guest for each of these mounts' names."""
    found = containers(documents())[name]
    words = found["command"]
    for volume, place in places.items():
        (path,) = [one["mountPath"] for one in found["volumeMounts"] if one["name"] == volume]
        assert any(f"{path}/" in word for word in words), path
        words = [word.replace(f"{path}/", f"{place}/") for word in words]
    assert shutil.which(words[0])
    return words


@contextmanager
def pod_cgroup():
    """The cgroups of a burstable pod, as a kubelet with systemd's driver names them."""
    made = []
    try:
        path = CGROUP
        for name in ("kubepods.slice", "kubepods-burstable.slice",
                     "kubepods-burstable-pod0b7d2c6e_1f53_4f0a_9d0c_1f2d3c4b5a69.slice",
                     "cri-containerd-5c1f.scope"):
            path = path / name
            path.mkdir()
            made.append(path)
        yield made
    finally:
        for path in reversed(made):
            assert wait_for(lambda path=path: gone(path))


def gone(path: Path) -> bool:
    try:
        path.rmdir()
    except OSError:
        return False
    return True


@pytest.fixture
def conf(dev, tmp_path):
    """The ConfigMap's file, with this guest's disk and limits that are reached quickly."""
    text = (FOLDER / "tierwatch.conf").read_text()
    device = re.search(r"^device = (.*)$", text, re.M)[1]
    text = text.replace(device, store_path(NVME)).replace("cpu = 8G", f"cpu = {32 * PAGE}")
    path = tmp_path / "tierwatch.conf"
    path.write_text(text)
    groups = re.findall(r"^\[cgroup (.*)\]$", text, re.M)
    assert len(groups) == 2
    before = dev.policy()
    yield path
    for group in groups:
        dev.group_limits(group, [tw.TW_NO_LIMIT] * 5)
    dev.policy(enabled=before.enabled)


def test_apply(dev, make, image, conf):
    """Limits hold for the pods below, together, also for those that came before and later."""
    done = subprocess.run(words_of("apply", conf=conf.parent), env=image, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    shown = {one["cgroup"]: one for one in tw_json("agent", "limit", "--all")}
    assert shown["/kubepods.slice/kubepods-burstable.slice"]["limits"]["cpu"] == 32
    assert NVME in dev.bound() and tw_json("policy", "show")["enabled"] is not False
    with pod_cgroup() as groups:
        group = Cgroup.__new__(Cgroup)
        group.path = groups[-1]
        with group.inside():
            region, _ = make(64, touched=64)
            assert wait_for(lambda: region.info().pages[CPU] <= 32)
        # One pod, by its own cgroup: its number is the pod's UID.
        name = f"/{groups[2].relative_to(CGROUP)}"
        tw_json("agent", "limit", "--cgroup", name, f"cpu={8 * PAGE}")
        assert wait_for(lambda: region.info().pages[CPU] <= 8)
        dev.group_limits(name, [tw.TW_NO_LIMIT] * 5)
        region.close()


def test_apply_again(image, conf):
    """A pod that is started anew changes nothing."""
    words = words_of("apply", conf=conf.parent)
    for _ in range(2):
        done = subprocess.run([*words, "--json"], env=image, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done
    assert json.loads(done.stdout)["complete"] is True


def test_tierwatchd(image):
    """It starts with the rights that it has, and ends when it is told to."""
    with subprocess.Popen([*words_of("tierwatchd"), "--json", "--interval", "20ms"], env=image,
                          stdout=subprocess.PIPE, text=True) as daemon:
        assert json.loads(daemon.stdout.readline())["schema"] == "tierwatch/tierwatchd/1"
        left = re.search(r"^CapEff:\s+(\w+)$", Path(f"/proc/{daemon.pid}/status").read_text(), re.M)
        assert bin(int(left[1], 16)).count("1") == len(rights(words_of("tierwatchd")))
        daemon.send_signal(signal.SIGTERM)
        daemon.stdout.read()
        assert daemon.wait(20) == 0


def test_metrics(image, tmp_path):
    """It writes the file, again and again, and ends at once when it is told to."""
    words = [word.replace("sleep 15", "sleep 0.1")
             for word in words_of("metrics", textfile=tmp_path)]
    path = tmp_path / "tierwatch.prom"
    with subprocess.Popen(words, env=image) as shell:
        assert wait_for(path.exists, 20)
        first = path.stat().st_ino
        assert wait_for(lambda: path.stat().st_ino != first, 20)
        shell.send_signal(signal.SIGTERM)
        assert shell.wait(20) == 0
    assert "\ntierwatch_up 1\n" in path.read_text()


# --- annotations --------------------------------------------------------------------------


def pod(uid: str, quality: str = "Burstable", phase: str = "Running", name: str = "p",
        **notes: str) -> dict:
    """As kubectl shows one; the annotations without what is before their /."""
    return {"metadata": {"namespace": "shop", "name": name, "uid": uid, "annotations": {
                f"tierwatch.example/{key}": value for key, value in notes.items()}},
            "status": {"qosClass": quality, "phase": phase}}


def pods_to_conf(*pods: dict, words: tuple = ()) -> subprocess.CompletedProcess:
    return subprocess.run([FOLDER / "pods-to-conf", *words], text=True, capture_output=True,
                          input=json.dumps({"items": pods}), check=True)


UID = "0b7d2c6e-1f53-4f0a-9d0c-1f2d3c4b5a69"


def test_annotations(dev, image, tmp_path):
    """A pod that comes has the limits of its annotations, and loses them with its end."""
    conf, pods = tmp_path / "conf", tmp_path / "pods"
    conf.mkdir()
    pods.mkdir()
    (conf / "tierwatch.conf").write_text("[agent /kubepods.slice/*/*-pod*]\ncpu = 64M\n")
    words = words_of("tierwatchd", conf=conf, pods=pods)
    path = f"/{'/'.join(['kubepods.slice', 'kubepods-burstable.slice'])}/" \
        f"kubepods-burstable-pod{UID.replace('-', '_')}.slice"
    with subprocess.Popen([*words, "--interval", "50ms"], env=image) as daemon:
        try:
            with pod_cgroup() as groups:
                assert path == f"/{groups[2].relative_to(CGROUP)}"
                assert wait_for(lambda: dev.group_limits(path).pages[CPU] == 64 * 256, 20)
                done = pods_to_conf(pod(UID, cpu=f"{16 * PAGE}", nvme="16G"), pod(UID[::-1]))
                assert done.stderr == "" and done.stdout.count("[agent ") == 1
                (pods / "tierwatch.conf").write_text(done.stdout)
                assert wait_for(lambda: dev.group_limits(path).pages[CPU] == 16, 20)
                assert dev.group_limits(path).pages[NVME] == 16 << 30 >> 12
            assert wait_for(lambda: dev.group_limits(path).pages[CPU] == tw.TW_NO_LIMIT, 20)
        finally:
            daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0


def test_annotations_paths():
    """As the kubelet's two drivers make them, by quality of service."""
    found = {}
    for driver in ("systemd", "cgroupfs"):
        done = pods_to_conf(*(pod("ab-cd-ef-12", kind, name=kind.lower(), ssd="none") for kind in
                              ("Guaranteed", "Burstable", "BestEffort")),
                            words=("--driver", driver))
        found[driver] = re.findall(r"^\[agent (.*)\]\nssd = none$", done.stdout, re.M)
    assert found == {
        "systemd": ["/kubepods.slice/kubepods-podab_cd_ef_12.slice",
                    "/kubepods.slice/kubepods-burstable.slice/"
                    "kubepods-burstable-podab_cd_ef_12.slice",
                    "/kubepods.slice/kubepods-besteffort.slice/"
                    "kubepods-besteffort-podab_cd_ef_12.slice"],
        "cgroupfs": ["/kubepods/podab-cd-ef-12", "/kubepods/burstable/podab-cd-ef-12",
                     "/kubepods/besteffort/podab-cd-ef-12"]}


@pytest.mark.parametrize("wrong", [
    pod(UID, cpu="2Gi"), pod(UID, cpu="4097"), pod(UID, cpu="1G\n[tier nvme]\nbound = no"),
    pod(UID, disk="1G"), pod(UID, "Best", cpu="1G"), pod("*", cpu="1G"),
    pod(UID, name="a\n[x]", cpu="1G"), pod(UID, cpu=""),
    pod(UID, cpu="32K"), pod(UID, cpu="999999999999T"),
])
def test_annotations_that_are_wrong(wrong):
    """One pod's mistake is told, and costs others nothing."""
    done = pods_to_conf(wrong, pod("12345678", phase="Failed", cpu="1G"), pod("abcdef01", cpu="1G"))
    assert re.findall(r"^\[.*\]$", done.stdout, re.M) == [
        "[agent /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podabcdef01.slice]"]
    assert done.stderr.count("is left out") == 1 and done.stderr.count("\n") == 1


def test_annotations_of_another_pod():
    """Nobody names another pod's cgroup, and of two that have the same the first counts."""
    other = pod(UID, cpu="1G")
    mine = pod("abcdef01", cpu="64M")
    mine["metadata"]["annotations"]["kubernetes.io/config.hash"] = UID
    done = pods_to_conf(mine, other, pod(UID, cpu="2G"))
    assert done.stdout.count("[agent ") == 2
    assert "podabcdef01.slice]\ncpu = 64M" in done.stdout
    assert f"pod{UID.replace('-', '_')}.slice]\ncpu = 1G" in done.stdout
    assert done.stderr.count("another pod has") == 1


def test_annotations_of_a_static_pod():
    """Of one that a kubelet has from a file, the kubelet's UID counts."""
    one = pod("abcdef01", cpu="64M")
    one["metadata"]["annotations"].update({"kubernetes.io/config.hash": UID,
                                           "kubernetes.io/config.mirror": UID})
    one["metadata"]["ownerReferences"] = [{"kind": "Node", "name": "n"}]
    assert f"pod{UID.replace('-', '_')}.slice]" in pods_to_conf(one).stdout


def test_no_pods():
    done = subprocess.run([FOLDER / "pods-to-conf"], input="[]", text=True, capture_output=True,
                          check=False)
    assert done.returncode == 1 and "kubectl get pods" in done.stderr and done.stdout == ""
