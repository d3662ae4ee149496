from typing import Any

import pytest

from linnet.core.revision import template_revision
from linnet.core.service import (
    Endpoints,
    as_written,
    asked_weight,
    divided,
    endpoints,
    is_like,
    lasts,
    observed,
    own_selector,
    problem,
    serving_hash,
    split_by,
)
from tests.support.workload_manifests import deployment, service

Manifest = dict[str, Any]


def replicaset(image: str, pod_hash: str, replicas: int = 2, ready: int | None = None) -> Manifest:
    template = deployment(image)["spec"]["template"]
    template["metadata"]["labels"]["pod-template-hash"] = pod_hash
    return {
        "metadata": {"name": f"shop-{pod_hash}"},
        "spec": {"replicas": replicas, "template": template},
        "status": {"readyReplicas": replicas if ready is None else ready},
    }


def revision(image: str) -> str:
    return template_revision(deployment(image)["spec"]["template"])


ONE, TWO = replicaset("shop:1", "one"), replicaset("shop:2", "two", 4)


def pod(name: str, owner: str = "", **status: Any) -> Manifest:
    owners = [{"name": owner, "uid": "1"}] if owner else []
    return {"metadata": {"name": name, "ownerReferences": owners}, "status": status}


def slice_of(*names: str, tracks: str = "both", **conditions: Any) -> Manifest:
    ready = [
        {"targetRef": {"kind": "Pod", "name": name}, "conditions": conditions} for name in names
    ]
    return {"metadata": {"labels": {"linnet.dev/tracks": tracks}}, "endpoints": ready}


@pytest.mark.parametrize("weight", [0, 50, 100])
def test_the_users_selector_can_be_read_from_a_split_service(weight: int) -> None:
    split = service() | divided(service(), "shop", weight, "one")
    assert own_selector(split) == {"app": "shop"}
    assert as_written(split)["spec"]["selector"] == {"app": "shop"}
    assert split_by(split) == "shop"
    assert split_by(service()) == ""


@pytest.mark.parametrize("weight", [0, 50, 100])
def test_a_service_is_set_for_one_weight(weight: int) -> None:
    asked = divided(service(), "shop", weight, "one")
    split = service() | asked
    assert asked_weight(split) == weight
    assert is_like(split, asked)
    others = {0, 50, 100, 51} - {weight}
    assert not any(is_like(split, divided(split, "shop", other, "one")) for other in others)
    assert not is_like(split, divided(split, "tea", weight, "one"))


@pytest.mark.parametrize("text", [None, "", "x", "-1", "101"])
def test_a_weight_that_makes_no_sense_is_none(text: str | None) -> None:
    annotations = {} if text is None else {"linnet.dev/weight": text}
    assert asked_weight({"metadata": {"annotations": annotations}}) is None


def test_a_service_without_a_selector_has_none_of_its_own() -> None:
    assert own_selector({"spec": {"selector": None}}) == {}


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ([], ""),
        ([ONE, TWO], "one"),
        ([replicaset("shop:1", "one", ready=0), TWO], "two"),
        ([replicaset("shop:1", "one", ready=0), replicaset("shop:2", "two", ready=0)], "one"),
        ([replicaset("shop:1", "one", 0), replicaset("shop:2", "two", ready=0)], "two"),
        ([replicaset("shop:2", "two", 1), replicaset("shop:3", "three", 4)], "three"),
    ],
)
def test_stable_is_its_revision_or_else_what_works(sets: list[Manifest], expected: str) -> None:
    assert serving_hash(sets, revision("shop:1")) == expected


def test_a_set_that_nobody_has_reported_on_serves_if_there_is_no_other() -> None:
    unknown = replicaset("shop:2", "two")
    del unknown["status"], unknown["spec"]["replicas"]
    assert serving_hash([unknown], revision("shop:1")) == "two"


def test_endpoints_are_counted_by_pod_and_only_if_they_are_ready() -> None:
    four, six = slice_of("a", "b", "c-1"), slice_of("a", "b", "c-1")
    starting = slice_of("c-2", ready=False)
    assert endpoints([four, six, starting], {"c-1", "c-2"}, "both") == Endpoints(1, 2, True)


def test_endpoints_are_current_once_all_slices_say_so() -> None:
    assert not endpoints([], set(), "both").current
    old = slice_of("a", tracks="stable")
    assert not endpoints([slice_of("b"), old], set(), "both").current
    empty = {"metadata": {"labels": {"linnet.dev/tracks": "both"}}, "endpoints": None}
    assert endpoints([empty], set(), "both") == Endpoints(0, 0, True)


@pytest.mark.parametrize(
    ("weight", "canary", "stable", "accepted"),
    [
        (None, 1, 1, False),
        (0, 0, 4, True),
        (0, 0, 0, True),
        (0, 1, 4, False),
        (50, 4, 4, True),
        (100, 4, 0, True),
        (100, 4, 1, False),
        (100, 0, 0, False),
    ],
)
def test_a_weight_is_accepted_once_the_endpoints_are_as_it_asks(
    weight: int | None, canary: int, stable: int, accepted: bool
) -> None:
    found = observed(weight, 4, Endpoints(canary, stable, current=True), canary)
    assert (found.accepted, found.message == "") == (accepted, accepted)
    assert (found.share is None) == (canary + stable == 0)
    stale = observed(weight, 4, Endpoints(canary, stable, current=False), canary)
    assert (stale.accepted, stale.near, stale.share) == (False, False, None)


def test_a_pod_lasts_until_it_ends() -> None:
    assert lasts(pod("a", phase="Pending"))
    assert lasts({"metadata": {"name": "a"}})
    assert not lasts(pod("a", phase="Succeeded"))
    assert not lasts({"metadata": {"name": "a", "deletionTimestamp": "2030-01-01T00:00:00Z"}})


def problem_of(*pods: Manifest, sets: tuple[Manifest, ...] = (ONE,), **spec: Any) -> str:
    found = service()
    found["spec"] |= spec
    told = problem(found, "shop", sets, pods)
    return told[0] if told else ""


def test_a_service_with_the_pods_of_one_deployment_can_be_split() -> None:
    over = pod("other", "job", phase="Succeeded")
    assert problem_of(pod("a", "shop-one"), over) == ""
    assert problem_of(sets=()) == ""


def test_a_service_that_cant_be_split_says_why() -> None:
    assert problem_of(pod("a", "shop-two")) == "ServiceSelectsOthers"
    assert problem_of(pod("a")) == "ServiceSelectsOthers"
    assert problem_of(selector={"app": "cart"}) == "NoStableBackend"
    assert problem_of(publishNotReadyAddresses=True) == "ServicePublishesUnready"
    assert problem_of(selector={"linnet.dev/track": "canary"}) == "ServiceNarrowed"
