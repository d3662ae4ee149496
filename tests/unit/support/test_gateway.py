"""The small gateway of the tests: what it reports on a route, and when."""

from typing import Any

import pytest

from tests.support.gateway import Gateway
from tests.support.workload_manifests import http_route, service

Object = dict[str, Any]


class Reports:
    """The reports that were made, each put on the route, as the API server would."""

    def __init__(self) -> None:
        self.made: list[Object] = []

    async def __call__(self, route: Object, patch: Object) -> None:
        self.made.append(patch)
        route |= patch

    def last(self) -> dict[str, tuple[str, int]]:
        (parent,) = self.made[-1]["status"]["parents"]
        return {
            each["type"]: (each["status"], each["observedGeneration"])
            for each in parent["conditions"]
        }


@pytest.fixture
def reports() -> Reports:
    return Reports()


def route(generation: int = 1, *names: str) -> Object:
    refs = [{"name": name, "port": 80} for name in names or ("shop",)]
    found = http_route(*refs)
    found["metadata"]["generation"] = generation
    return found


async def test_a_route_to_services_that_exist_is_accepted_and_resolved(reports: Reports) -> None:
    gateway = Gateway(reports)
    await gateway.service("ADDED", service())
    await gateway.route("ADDED", route(3))
    assert reports.last() == {"Accepted": ("True", 3), "ResolvedRefs": ("True", 3)}


async def test_what_was_reported_is_not_reported_again(reports: Reports) -> None:
    gateway, found = Gateway(reports), route()
    await gateway.service("ADDED", service())
    for _ in range(2):
        await gateway.route("MODIFIED", found)
        await gateway.service("MODIFIED", service())
    assert len(reports.made) == 1


async def test_a_new_generation_is_reported(reports: Reports) -> None:
    gateway, found = Gateway(reports), route(1)
    await gateway.service("ADDED", service())
    await gateway.route("ADDED", found)
    await gateway.route("MODIFIED", {**route(2), "status": found["status"]})
    assert reports.last()["Accepted"] == ("True", 2)


async def test_a_service_that_is_missing_comes_and_goes(reports: Reports) -> None:
    gateway, found = Gateway(reports), route(1, "shop", "shop-canary")
    await gateway.service("ADDED", service())
    await gateway.route("ADDED", found)
    assert reports.last()["ResolvedRefs"] == ("False", 1)
    canary = service()
    canary["metadata"]["name"] = "shop-canary"
    await gateway.service("ADDED", canary)
    assert reports.last()["ResolvedRefs"] == ("True", 1)
    await gateway.service("DELETED", canary)
    assert reports.last()["ResolvedRefs"] == ("False", 1)
    assert len(reports.made) == 3


async def test_a_route_that_is_gone_is_not_reported_on(reports: Reports) -> None:
    gateway = Gateway(reports)
    await gateway.route("ADDED", route())
    await gateway.route("DELETED", route())
    await gateway.service("ADDED", service())
    assert len(reports.made) == 1
