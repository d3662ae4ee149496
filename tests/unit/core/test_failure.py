from typing import Any

import pytest

from linnet.core.failure import canary_failure

Object = dict[str, Any]


def pod(container: Object, kind: str = "containerStatuses", **metadata: Any) -> Object:
    return {
        "metadata": {"name": "shop-1", **metadata},
        "status": {kind: [{"name": "app", "restartCount": 0, **container}]},
    }


def waiting(reason: str, message: str = "") -> Object:
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def ended(code: int, reason: str = "Error", message: str = "") -> Object:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


CRASHED = {**waiting("CrashLoopBackOff"), "lastState": ended(1), "restartCount": 4}


@pytest.mark.parametrize(
    ("container", "said"),
    [
        (
            CRASHED,
            "CrashLoopBackOff: container app of pod shop-1 exited with code 1 (4 restarts)",
        ),
        (
            {**CRASHED, "lastState": ended(128, "StartError", "no such file")},
            "CrashLoopBackOff: container app of pod shop-1 can't start: no such file (4 restarts)",
        ),
        (
            waiting("ImagePullBackOff", "no such image"),
            "ImagePullBackOff: container app of pod shop-1 can't start: no such image",
        ),
        (
            {"state": {"running": {}}, "lastState": ended(2), "restartCount": 3},
            "Restarting: container app of pod shop-1 exited with code 2 (3 restarts)",
        ),
        (
            {
                "state": {"running": {}},
                "lastState": ended(137, "OOMKilled"),
                "restartCount": 1,
            },
            "OOMKilled: container app of pod shop-1 ran out of memory (1 restart)",
        ),
    ],
)
def test_a_container_that_cannot_come_up(container: Object, said: str) -> None:
    assert canary_failure([pod(container)]) == said


@pytest.mark.parametrize(
    "reason",
    [
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    ],
)
def test_every_wait_that_does_not_end(reason: str) -> None:
    assert canary_failure([pod(waiting(reason))]).startswith(f"{reason}: ")


@pytest.mark.parametrize(
    "container",
    [
        waiting("ContainerCreating"),
        waiting("PodInitializing"),
        {"state": {"running": {}}},
        {"state": {"running": {}}, "lastState": ended(1), "restartCount": 2},
        {},
    ],
)
def test_a_container_that_may_still_come_up(container: Object) -> None:
    assert canary_failure([pod(container)]) == ""


def test_an_init_container_fails_alike() -> None:
    said = canary_failure([pod(CRASHED, "initContainerStatuses")])
    assert said.startswith("CrashLoopBackOff: init container app of pod shop-1")


def test_an_init_container_that_got_there_in_the_end_is_no_failure() -> None:
    done = {"state": ended(0, "Completed"), "lastState": ended(1), "restartCount": 5}
    assert canary_failure([pod(done, "initContainerStatuses")]) == ""


def test_a_pod_being_deleted_does_not_count() -> None:
    assert canary_failure([pod(CRASHED, deletionTimestamp="2026-01-01T00:00:00Z")]) == ""


def test_a_pod_without_status_does_not_count() -> None:
    assert canary_failure([{"metadata": {"name": "shop-1"}}]) == ""
