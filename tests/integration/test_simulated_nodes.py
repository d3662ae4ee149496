"""The cluster whose pods only seem to run: they get ready, or fail as they are told to."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from linnet.core.failure import canary_failure
from linnet.core.labels import CANARY, TRACK
from tests.support.apiserver import ApiServer
from tests.support.simulated_nodes import ANNOTATION, FATES
from tests.support.workload_manifests import deployment, http_route, service

FAILURES = {
    "crash": "CrashLoopBackOff",
    "crash-later": "CrashLoopBackOff",
    "out-of-memory": "OOMKilled",
    "no-image": "ImagePullBackOff",
}
"""What the operator says of the pods of each fate that it knows for a failure."""


@pytest.fixture
def place(simulated: ApiServer) -> str:
    """A namespace of the test's own."""
    name = f"test-{secrets.token_hex(4)}"
    simulated.kubectl("create", "namespace", name)
    return name


def until(reached: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "not so in time"
        time.sleep(0.1)


def roll_out(server: ApiServer, place: str, fate: str = "", track: str = "") -> None:
    manifest = deployment(replicas=2)
    manifest["metadata"]["namespace"] = place
    metadata = manifest["spec"]["template"]["metadata"]
    if fate:
        metadata["annotations"] = {ANNOTATION: fate}
    if track:
        metadata["labels"][TRACK] = track
    server.kubectl("apply", "-f", "-", input=manifest)


def pods(server: ApiServer, place: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.get("pods", "-n", place)["items"]
    return found


def ready(server: ApiServer, place: str) -> int:
    status = server.get("deployment", "shop", "-n", place).get("status") or {}
    return status.get("readyReplicas") or 0


def test_pods_get_ready_in_a_moment(simulated: ApiServer, place: str) -> None:
    roll_out(simulated, place)
    until(lambda: ready(simulated, place) == 2, seconds=5)


@pytest.mark.parametrize(("fate", "failure"), FAILURES.items())
def test_pods_fail_as_the_operator_knows_it(
    simulated: ApiServer, place: str, fate: str, failure: str
) -> None:
    roll_out(simulated, place, fate)
    until(
        lambda: canary_failure(pods(simulated, place)).startswith(failure),
    )
    assert ready(simulated, place) == 0


@pytest.mark.parametrize("fate", sorted({*FATES} - {*FAILURES}))
def test_pods_that_run_and_are_never_ready(simulated: ApiServer, place: str, fate: str) -> None:
    roll_out(simulated, place, fate)
    until(lambda: [pod["status"]["phase"] for pod in pods(simulated, place)] == ["Running"] * 2)
    assert canary_failure(pods(simulated, place)) == ""
    assert ready(simulated, place) == 0


def test_a_canary_gets_ready_where_only_stable_never_does(simulated: ApiServer, place: str) -> None:
    roll_out(simulated, place, "stable-never-ready", track=CANARY)
    until(lambda: ready(simulated, place) == 2)


def test_a_route_is_accepted_and_what_it_lacks_is_named(simulated: ApiServer, place: str) -> None:
    def condition(kind: str) -> tuple[str, bool]:
        found = simulated.get("httproute", "shop", "-n", place)
        for parent in (found.get("status") or {}).get("parents") or ():
            for each in parent["conditions"]:
                if each["type"] == kind:
                    return each["status"], each["observedGeneration"] == found["metadata"][
                        "generation"
                    ]
        return "", False

    for manifest in (
        service(),
        http_route({"name": "shop", "port": 80}, {"name": "x", "port": 80}),
    ):
        manifest["metadata"]["namespace"] = place
        simulated.kubectl("apply", "-f", "-", input=manifest)
    until(lambda: condition("Accepted") == ("True", True))
    until(lambda: condition("ResolvedRefs") == ("False", True))
    patch = json.dumps([{"op": "remove", "path": "/spec/rules/0/backendRefs/1"}])
    simulated.kubectl("patch", "httproute", "shop", "-n", place, "--type=json", f"--patch={patch}")
    until(lambda: condition("ResolvedRefs") == ("True", True))


def test_the_audit_log_says_who_wrote_what(simulated: ApiServer, place: str) -> None:
    roll_out(simulated, place)
    lines = [json.loads(line) for line in simulated.audit_log.read_text().splitlines()]
    mine = [line for line in lines if (line.get("objectRef") or {}).get("namespace") == place]
    (made,) = (
        line
        for line in mine
        if line["objectRef"]["resource"] == "deployments"
        and line["verb"] in ("create", "patch")
        and line["user"]["username"] == "admin"
    )
    assert made["requestObject"]["spec"]["replicas"] == 2
    assert int(made["responseObject"]["metadata"]["resourceVersion"]) > 0
    assert all("responseObject" not in line for line in lines if line["verb"] in ("get", "list"))
