"""Quota, autoscaler and disruption budget of a user, on a real API server with its controllers."""

from typing import Any

import pytest

from linnet.core.labels import MANAGER
from linnet.providers.kubernetes import DEPLOYMENTS, Manifest, Resource
from tests.support.stage import READY, Stage, eventually
from tests.support.workload_manifests import deployment, service

QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
EXCEEDED = "exceeded quota: small, requested: pods=1, used: pods="


@pytest.fixture
async def shop(cluster: Stage) -> Stage:
    """The app `shop`, version 1 with two pods, rolled out and held."""
    cluster.user_applies(service())
    cluster.user_applies(deployment("shop:1"))
    await cluster.settle()
    await cluster.workloads.hold(cluster.target)
    return cluster


async def limit_pods(shop: Stage, pods: int) -> None:
    """A quota that is full. Its status is what the quota controller would write."""
    quota: dict[str, Any] = {
        "metadata": {"name": "small", "namespace": shop.namespace},
        "spec": {"hard": {"pods": str(pods)}},
    }
    await shop.client.create(QUOTAS, quota)
    full = {"status": {"hard": {"pods": str(pods)}, "used": {"pods": str(pods)}}}
    await shop.client.patch(QUOTAS, shop.namespace, "small", full, "status")


async def canary_ready(shop: Stage, pods: int) -> None:
    async def step() -> bool:
        await shop.set_pods(READY, "linnet.dev/track=canary")
        return (await shop.canary()).ready == pods

    await eventually(step)


async def test_a_quota_refuses_the_pods_that_a_canary_grows_by(shop: Stage) -> None:
    revision = shop.user_applies(deployment("shop:2"))
    await shop.workloads.ensure_canary(shop.target, revision, 1)
    await canary_ready(shop, 1)
    await limit_pods(shop, 3)
    await shop.workloads.ensure_canary(shop.target, revision, 2)

    async def refused() -> bool:
        return f"is forbidden: {EXCEEDED}3, limited: pods=3" in (await shop.canary()).refused

    await eventually(refused)
    seen = await shop.canary()
    assert (seen.replicas, seen.ready, seen.failure) == (2, 1, "")

    await shop.client.delete(QUOTAS, shop.namespace, "small")
    await canary_ready(shop, 2)
    assert (await shop.canary()).refused == ""


async def test_a_quota_stops_the_promotion_and_spares_the_pods_that_serve(shop: Stage) -> None:
    revision = shop.user_applies(deployment("shop:2"))
    await limit_pods(shop, 2)
    await shop.workloads.resume(shop.target, revision)

    async def refused() -> bool:
        return f"{EXCEEDED}2, limited: pods=2" in (await shop.stable()).refused

    await eventually(refused)
    seen = await shop.stable()
    assert (seen.ready, seen.rolled_out) == (2, False)

    await shop.client.delete(QUOTAS, shop.namespace, "small")
    await shop.settle()
    assert (await shop.stable()).refused == ""


def without_replicas(image: str) -> Manifest:
    manifest = deployment(image)
    del manifest["spec"]["replicas"]
    return manifest


async def test_an_autoscaler_scales_a_stable_that_is_held(cluster: Stage) -> None:
    """Without metrics it keeps within its bounds, and that is scaling enough."""
    cluster.user_applies(service())
    cluster.user_applies(without_replicas("shop:1"))
    await cluster.settle()
    assert (await cluster.stable()).replicas == 1
    await cluster.workloads.hold(cluster.target)
    cluster.kubectl("autoscale", "deployment/shop", "--min=4", "--max=6", "--cpu-percent=50")

    async def scaled() -> bool:
        await cluster.set_pods(READY, "app=shop")
        seen = await cluster.stable()
        return (seen.replicas, seen.ready) == (4, 4)

    await eventually(scaled, seconds=60)
    revision = cluster.user_applies(without_replicas("shop:2"))
    await cluster.workloads.ensure_canary(cluster.target, revision, 2)
    await cluster.workloads.resume(cluster.target, revision)
    await cluster.settle()
    assert (await cluster.stable()).replicas == 4
    found = await cluster.read(DEPLOYMENTS, "shop")
    for entry in found["metadata"]["managedFields"]:
        if entry["manager"] == MANAGER:
            assert "f:replicas" not in entry["fieldsV1"]["f:spec"]


async def test_a_disruption_budget_of_stable_does_not_count_the_canary(shop: Stage) -> None:
    budget = {
        "metadata": {"name": "shop", "namespace": shop.namespace},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "shop"}}},
    }
    await shop.client.create(BUDGETS, budget)
    revision = shop.user_applies(deployment("shop:2"))
    await shop.workloads.ensure_canary(shop.target, revision, 3)
    await canary_ready(shop, 3)

    async def counted() -> bool:
        status = (await shop.read(BUDGETS, "shop")).get("status") or {}
        counts = (status.get("expectedPods"), status.get("currentHealthy"))
        return (*counts, status.get("disruptionsAllowed")) == (2, 2, 0)

    await eventually(counted)
    await shop.workloads.resume(shop.target, revision)
    await shop.settle()
    await eventually(counted)
