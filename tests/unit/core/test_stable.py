import copy
from typing import Any

import pytest

from linnet.core.revision import template_revision
from linnet.core.stable import stable_observed
from tests.support.workload_manifests import deployment

Object = dict[str, Any]
ONE = template_revision(deployment("shop:1")["spec"]["template"])
TWO = template_revision(deployment("shop:2")["spec"]["template"])


def live(image: str = "shop:1", **status: Any) -> Object:
    found = deployment(image)
    found["metadata"] |= {"uid": "u1", "generation": 4}
    found["status"] = {
        "observedGeneration": 4,
        "replicas": 2,
        "updatedReplicas": 2,
        "availableReplicas": 2,
        **status,
    }
    return found


def replicaset(image: str, asked: int, there: int | None = None, owner: str = "u1") -> Object:
    template = copy.deepcopy(deployment(image)["spec"]["template"])
    template["metadata"]["labels"]["pod-template-hash"] = "abc"
    return {
        "metadata": {"ownerReferences": [{"uid": owner, "controller": True}]},
        "spec": {"replicas": asked, "template": template},
        "status": {"replicas": asked if there is None else there},
    }


def test_a_deployment_that_runs_its_template() -> None:
    seen = stable_observed(live(), [replicaset("shop:1", 2), replicaset("shop:0", 0)])
    assert seen.template_revision == ONE
    assert seen.serving == {ONE: 2}
    assert (seen.replicas, seen.ready, seen.rolled_out, seen.paused) == (2, 2, True, False)


def test_a_held_template_serves_the_old_one() -> None:
    held = live("shop:2", updatedReplicas=0)
    held["spec"]["paused"] = True
    seen = stable_observed(held, [replicaset("shop:1", 2)])
    assert (seen.template_revision, dict(seen.serving)) == (TWO, {ONE: 2})
    assert (seen.rolled_out, seen.paused) == (False, True)


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 3},
        {"updatedReplicas": 1},
        {"availableReplicas": 1},
        {"replicas": 3},
    ],
)
def test_it_is_not_rolled_out_while_a_count_lags(status: Object) -> None:
    assert not stable_observed(live(**status), [replicaset("shop:1", 2)]).rolled_out


def test_it_is_not_rolled_out_while_an_old_set_has_pods() -> None:
    sets = [replicaset("shop:1", 2), replicaset("shop:0", 0, there=1)]
    seen = stable_observed(live(), sets)
    assert not seen.rolled_out
    assert len(seen.serving) == 2


def test_foreign_sets_do_not_count() -> None:
    seen = stable_observed(live(), [replicaset("shop:1", 2), replicaset("x:1", 3, owner="u2")])
    assert seen.serving == {ONE: 2}


def test_scaled_to_zero_nothing_serves_and_nothing_is_rolled_out() -> None:
    empty = live(replicas=0, updatedReplicas=0, availableReplicas=0)
    empty["spec"]["replicas"] = 0
    seen = stable_observed(empty, [replicaset("shop:1", 0)])
    assert (seen.replicas, dict(seen.serving), seen.rolled_out) == (0, {}, False)


def test_no_status_yet() -> None:
    fresh = live()
    del fresh["status"]
    seen = stable_observed(fresh, [])
    assert (seen.ready, dict(seen.serving), seen.rolled_out) == (0, {}, False)


def test_limits_of_any_container() -> None:
    limited = live()
    containers = limited["spec"]["template"]["spec"]["containers"]
    containers[0]["resources"] = {"limits": {"memory": "64Mi"}, "requests": {"cpu": "1"}}
    assert stable_observed(limited, []).limits == {"memory"}
    containers.append({"name": "side", "resources": {"limits": {"cpu": "1"}}})
    assert stable_observed(limited, []).limits == {"memory", "cpu"}
    assert stable_observed(live(), []).limits == frozenset()
