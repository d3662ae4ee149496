"""Experiments by the HTTP API on a real API server: its tokens, its RBAC, its ConfigMaps."""

from typing import Any

import pytest

from linnet.core.labels import RELEASE
from linnet.experiment.record import KEY, LABEL_EXPERIMENT, kept_as
from tests.support.apiserver import ApiServer
from tests.support.experiments import kept
from tests.support.guarded_shop import Answer, Shop, call
from tests.support.operator_process import OperatorProcess


@pytest.fixture(scope="module")
def shop(simulated: ApiServer, operator: OperatorProcess) -> Shop:
    """A release at 10 %, with the record of an experiment that an earlier version had."""
    found = Shop.open(simulated)
    record = kept(namespace=found.namespace)
    metadata = {
        "name": kept_as("shop", record.revision),
        "labels": {RELEASE: "shop", LABEL_EXPERIMENT: record.id},
    }
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    found.apply({**manifest, "data": {KEY: record.to_text()}})
    found.release("shop:2")
    return found


def see(operator: OperatorProcess, shop: Shop, name: str, path: str) -> Answer:
    return call(operator, shop.token(name), f"experiments/{shop.namespace}/shop{path}")


def end(operator: OperatorProcess, shop: Shop, name: str, how: str, **more: Any) -> Answer:
    body = {"namespace": shop.namespace, "name": "shop", "reason": "seen enough", **more}
    return call(operator, shop.token(name), f"experiments/{how}", body)


@pytest.mark.parametrize("path", ["results", "series", "segments", "report"])
def test_who_may_see_the_release_sees_what_was_kept(
    operator: OperatorProcess, shop: Shop, path: str
) -> None:
    seen = see(operator, shop, "vera", f"/{path}?revision=v2")
    assert seen.status == 200, seen
    assert see(operator, shop, "nora", f"/{path}?revision=v2").status == 403
    missing = see(operator, shop, "vera", f"/{path}?revision=v7")
    assert (missing.status, "no record is kept" in missing.detail) == (404, True)


def test_results_come_from_the_config_map(operator: OperatorProcess, shop: Shop) -> None:
    found = see(operator, shop, "vera", "/results?revision=v2").body
    assert (found["result"], found["revision"]) == ("Success", "v2")
    adoption = next(each for each in found["metrics"] if each["name"] == "adoption")
    assert adoption["low"] < adoption["effect"] < adoption["high"]


def test_the_list_ends_at_the_namespace(operator: OperatorProcess, shop: Shop) -> None:
    token = shop.token("vera")
    assert call(operator, token, f"experiments?namespace={shop.namespace}").status == 200
    assert call(operator, token, "experiments").status == 403


@pytest.mark.parametrize(
    ("how", "more"), [("stop", {}), ("decide", {"result": "Failure", "revision": "v2"})]
)
def test_only_who_may_decide_gets_as_far_as_the_release(
    operator: OperatorProcess, shop: Shop, how: str, more: dict[str, str]
) -> None:
    """It has no experiment now, and says so."""
    for name in ("vera", "anna", "rolf", "edda"):
        denied = end(operator, shop, name, how, **more)
        assert (denied.status, "may not decide " in denied.detail) == (403, True)
    answer = end(operator, shop, "dora", how, **more)
    assert (answer.status, "experiment" in answer.detail) == (409, True)
    assert shop.status()["request"]["by"] == shop.user("dora")
