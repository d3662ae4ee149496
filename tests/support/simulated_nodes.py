"""Nodes that only seem to run pods (kwok): Deployments get ready pods in a moment, or failing ones.

How a pod fails is said by the annotation `simulate` of its template, one of `FATES`. The pods of
a fate that begins with `stable-` fail only where they aren't a canary's: a version that every
step passes and that stable then can't take over.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from hack.cluster.tools import KWOK
from linnet.core.labels import TRACK
from tests.support.apiserver import BUSY, ApiServer, run_apiserver

ANNOTATION = "simulate"
NODES = 4
CRASH_AFTER_MS = 4000
"""For how long a pod is well that is to crash later."""

FATES = ("crash", "out-of-memory", "no-image", "never-ready", "crash-later", "stable-never-ready")

Stage = dict[str, Any]


@contextmanager
def run_with_nodes(folder: Path, *, users: tuple[str, ...] = ()) -> Iterator[ApiServer]:
    """An API server with controllers, scheduler, simulated nodes, our CRDs and an audit log.

    users: names of administrators beside `admin`, for `ApiServer.kubeconfig_for`.
    """
    # Nobody would ever take the taint of a new node away.
    off = ("TaintNodesByCondition",)
    with run_apiserver(
        folder, controllers=True, audit=True, users=users, admission_off=off
    ) as server:
        start_nodes(server)
        server.install_crd()
        server.install_gateway_api()
        yield server


def start_nodes(server: ApiServer, count: int = NODES) -> None:
    """Start the scheduler and kwok, with so many nodes; wait until these are ready."""
    stages = server.folder / "stages.yaml"
    stages.write_text(yaml.safe_dump_all(all_stages()))
    config = f"--kubeconfig={server.kubeconfig}"
    server.start("kube-scheduler", config, "--leader-elect=false", "--secure-port=0", *BUSY)
    server.start("kwok", config, "--manage-all-nodes=true", f"--config={stages}", "--v=WARN")
    nodes = [node(f"node-{number}") for number in range(1, count + 1)]
    server.kubectl("create", "-f", "-", input={"apiVersion": "v1", "kind": "List", "items": nodes})
    server.kubectl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=30s")


def node(name: str) -> dict[str, Any]:
    """A node for kwok; it has room for a thousand times more than a real one."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}},
    }


def all_stages() -> list[Stage]:
    """kwok's own stages for nodes and pods, and one for each way to fail."""
    (initialize,), (ready,), (delete,) = (
        list(yaml.safe_load_all((KWOK.ensure() / f"{name}.yaml").read_text()))
        for name in ("node-initialize", "pod-ready", "pod-delete")
    )
    fails = [fate for fate in FATES if fate != "crash-later"]
    everywhere = [fate for fate in fails if not fate.startswith("stable-")]
    return [
        initialize,
        delete,
        _where(ready, "ready", _fate("NotIn", *fails)),
        _where(ready, "canary-ready", _fate("In", "stable-never-ready"), _track("Exists")),
        _pod("stable-never-ready", [PENDING, _track("DoesNotExist")], _status(RUNNING)),
        *(_pod(fate, [PENDING], _status(_STATES[fate])) for fate in everywhere),
        _pod("crash-later", [READY], _status(CRASHING), CRASH_AFTER_MS),
    ]


def _status(container: dict[str, Any]) -> str:
    """The status of a pod that isn't ready, its containers as told."""
    conditions = [
        {"type": kind, "status": status, "lastTransitionTime": "NOW"}
        for kind, status in (
            ("Initialized", "True"),
            ("Ready", "False"),
            ("ContainersReady", "False"),
        )
    ]
    one = {"name": "NAME", "image": "IMAGE", "ready": False, **container}
    text = yaml.safe_dump({"phase": "Running", "conditions": conditions})
    text += (
        "containerStatuses:\n{{ range .spec.containers }}\n" + yaml.safe_dump([one]) + "{{ end }}\n"
    )
    for word, value in (("NOW", "Now"), ("NAME", ".name"), ("IMAGE", ".image")):
        text = text.replace(word, f"{{{{ {value} | Quote }}}}")
    return text


RUNNING: dict[str, Any] = {"restartCount": 0, "state": {"running": {"startedAt": "NOW"}}}
CRASHING: dict[str, Any] = {
    "restartCount": 2,
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting"}},
    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
}
_STATES = {
    "crash": CRASHING,
    "out-of-memory": {
        "restartCount": 1,
        "state": {"running": {"startedAt": "NOW"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
    },
    "no-image": {
        "restartCount": 0,
        "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}},
    },
    "never-ready": RUNNING,
}


def _term(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


ALIVE = _term(".metadata.deletionTimestamp", "DoesNotExist")
PENDING = _term(".status.phase", "In", "Pending")
READY = _term('.status.conditions.[] | select( .type == "Ready" ) | .status', "In", "True")


def _fate(operator: str, *values: str) -> dict[str, Any]:
    return _term(f'.metadata.annotations["{ANNOTATION}"]', operator, *values)


def _track(operator: str) -> dict[str, Any]:
    return _term(f'.metadata.labels["{TRACK}"]', operator)


def _where(stage: Stage, name: str, *terms: dict[str, Any]) -> Stage:
    """A stage of another name that also asks for these terms."""
    spec = stage["spec"]
    expressions = [*spec["selector"]["matchExpressions"], *terms]
    return {
        **stage,
        "metadata": {"name": f"pod-{name}"},
        "spec": {**spec, "selector": {"matchExpressions": expressions}},
    }


def _pod(fate: str, terms: list[dict[str, Any]], status: str, delay_ms: int = 0) -> Stage:
    spec: dict[str, Any] = {
        "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
        "selector": {"matchExpressions": [ALIVE, _fate("In", fate), *terms]},
        "next": {"statusTemplate": status},
    }
    if delay_ms:
        spec["delay"] = {"durationMilliseconds": delay_ms}
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": f"pod-{fate}"},
        "spec": spec,
    }
