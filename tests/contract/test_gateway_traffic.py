"""What the Gateway API's traffic provider does beyond the contract, on a real API server.

The test plays the gateway that reports routes.
"""

import json
from dataclasses import replace

import pytest

from linnet.core.sticky import CookiePins, Pins
from linnet.providers.errors import Unusable
from linnet.providers.kubernetes import HTTPROUTES, KubernetesClient, Manifest, Resource
from linnet.providers.traffic.gateway_api import FIELD_MANAGER, GatewayApiTraffic
from tests.support.apiserver import ApiServer
from tests.support.one_route import COOKIE, EXACT, PINS, OneRoute
from tests.support.workload_manifests import http_route


async def test_the_route_says_why_its_parent_refuses_it(gateway: OneRoute) -> None:
    await gateway.add()
    await gateway.accept(status="False", reason="BackendNotFound", message="no Service x")
    seen = await gateway.provider.observe(gateway.split)
    assert seen is not None
    assert not seen.accepted
    assert seen.message == "gateway: BackendNotFound: no Service x"


async def test_restoring_gives_the_users_weights_back(gateway: OneRoute) -> None:
    refs = [{"name": "shop", "port": 80, "weight": 3}, {"name": "cart", "port": 80, "weight": 1}]
    await gateway.add(*refs)
    before = (await gateway.read())["spec"]
    await gateway.provider.set_weight(gateway.split, 20)
    assert await gateway.backends() == {"shop": 240, "shop-canary": 60, "cart": 100}
    await gateway.provider.restore(gateway.split)
    assert (await gateway.read())["spec"] == before


class Interfering(KubernetesClient):
    """Adds a hostname, then a header filter, right after somebody reads the route."""

    edits: list[Manifest]

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        found = await super().get(resource, namespace, name)
        if self.edits:
            await self.patch(resource, namespace, name, self.edits.pop())
        return found


async def test_an_edit_in_between_is_not_lost(gateway: OneRoute, gateway_server: ApiServer) -> None:
    await gateway.add()
    client = await Interfering.connect(kubeconfig=str(gateway_server.kubeconfig))
    client.edits = [
        {"spec": {"hostnames": ["shop.example"]}},
        {"spec": {"rules": [{"backendRefs": [{"name": "shop", "port": 81, "weight": 2}]}]}},
    ]
    await GatewayApiTraffic(client).set_weight(gateway.split, 25)
    spec = (await gateway.read())["spec"]
    assert spec["hostnames"] == ["shop.example"]
    (rule,) = spec["rules"]
    assert [(r["name"], r["port"], r["weight"]) for r in rule["backendRefs"]] == [
        ("shop", 81, 150),
        ("shop-canary", 81, 50),
    ]
    await client.close()


async def test_after_a_release_the_users_own_apply_meets_no_conflict(
    gateway: OneRoute, gateway_server: ApiServer
) -> None:
    route = http_route()
    route["metadata"]["namespace"] = gateway.namespace
    apply = ("apply", "--server-side", "-f", "-")
    gateway_server.kubectl(*apply, input=route)
    await gateway.provider.set_weight(gateway.split, 25)
    await gateway.provider.restore(gateway.split)
    found = json.loads(
        gateway_server.kubectl(
            "-n", gateway.namespace, "get", "httproute/shop", "-o", "json", "--show-managed-fields"
        )
    )
    managers = {entry["manager"] for entry in found["metadata"]["managedFields"]}
    assert FIELD_MANAGER not in managers
    route["spec"]["rules"][0]["backendRefs"].append({"name": "cart", "port": 80})
    gateway_server.kubectl(*apply, input=route)
    assert await gateway.backends() == {"shop": 1, "cart": 1}


async def test_stable_comes_back_where_somebody_took_it_out(gateway: OneRoute) -> None:
    await gateway.add()
    await gateway.provider.set_weight(gateway.split, 25)
    await _leave_only(gateway, {"name": "shop-canary", "port": 80, "weight": 25})
    seen = await gateway.provider.observe(gateway.split)
    assert seen is not None
    assert (seen.weight, seen.canary_listed, seen.problem) == (100, True, None)
    await gateway.provider.set_weight(gateway.split, 0)
    assert await gateway.backends() == {"shop": 100, "shop-canary": 0}
    await gateway.provider.restore(gateway.split)
    assert await gateway.backends() == {"shop": 1}


@pytest.mark.parametrize(
    ("reason", "refs"),
    [
        ("TooManyBackends", [{"name": f"cart-{n}", "port": 80, "weight": 0} for n in range(14)]),
        ("WeightTooLarge", [{"name": "cart", "port": 80, "weight": 990_000}]),
    ],
)
async def test_traffic_returns_through_rules_that_have_no_room_for_a_canary(
    gateway: OneRoute, reason: str, refs: list[Manifest]
) -> None:
    own = [{"name": "shop", "port": port, "weight": 10_000} for port in (80, 81)]
    canary = {"name": "shop-canary", "port": 80, "weight": 10}
    await gateway.add()
    await gateway.provider.set_weight(gateway.split, 25)
    if reason == "TooManyBackends":
        await _leave_only(gateway, *own, *refs[1:], canary)
    else:
        await _add_rule(gateway, own[0], *refs)
    seen = await gateway.provider.observe(gateway.split)
    assert seen is not None
    assert seen.problem is not None
    assert (seen.problem[0], seen.canary_listed) == (reason, True)
    with pytest.raises(Unusable):
        await gateway.provider.set_weight(gateway.split, 25)
    await gateway.provider.set_weight(gateway.split, 0)
    seen = await gateway.provider.observe(gateway.split)
    assert seen is not None
    assert seen.weight == 0
    await gateway.provider.restore(gateway.split)
    seen = await gateway.provider.observe(gateway.split)
    assert seen is not None
    assert not seen.canary_listed


class Dying(Exception):
    """The process ended here."""


async def test_a_restoration_that_was_interrupted_is_done_to_the_end(
    gateway: OneRoute, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.add()
    before = await gateway.read()
    for call in ("disown", "patch"):
        await gateway.provider.set_weight(gateway.split, 25)
        with monkeypatch.context() as killed:
            killed.setattr(gateway.client, call, _die)
            with pytest.raises(Dying):
                await gateway.provider.restore(gateway.split)
        seen = await gateway.provider.observe(gateway.split)
        assert seen is not None
        assert (seen.weight, seen.canary_listed) == (0, True)
        await gateway.provider.restore(gateway.split)
        seen = await gateway.provider.observe(gateway.split)
        assert seen is not None
        assert not seen.canary_listed
        after = await gateway.read()
        assert after["spec"] == before["spec"]
        assert "labels" not in after["metadata"]
        assert FIELD_MANAGER not in {each["manager"] for each in after["metadata"]["managedFields"]}


async def _die(*args: object, **named: object) -> None:
    raise Dying


async def _leave_only(gateway: OneRoute, *refs: Manifest) -> None:
    """Somebody gives the one rule of the user other backends."""
    rules = [{"backendRefs": list(refs)}]
    await gateway.client.patch(HTTPROUTES, gateway.namespace, "shop", {"spec": {"rules": rules}})


async def _add_rule(gateway: OneRoute, *refs: Manifest) -> None:
    """Somebody adds a rule."""
    rules = [*(await gateway.read())["spec"]["rules"], {"backendRefs": list(refs)}]
    await gateway.client.patch(HTTPROUTES, gateway.namespace, "shop", {"spec": {"rules": rules}})


@pytest.mark.parametrize("pins", PINS.values(), ids=PINS.keys())
async def test_what_keeps_users_on_their_version_comes_and_goes(
    gateway: OneRoute, pins: Pins
) -> None:
    """The API server takes the rules as they are, and gives them back so."""
    sticky = replace(gateway.split, pins=pins)
    refs = [{"name": "shop", "port": 80, "weight": 3}, {"name": "cart", "port": 80, "weight": 1}]
    await gateway.add(*refs)
    before = (await gateway.read())["spec"]
    for weight, rules in ((0, 1), (1, 2), (50, 2), (100, 1), (50, 2), (0, 1)):
        await gateway.provider.set_weight(sticky, weight)
        more = 1 if isinstance(pins, CookiePins) and rules > 1 else 0
        assert len((await gateway.read())["spec"]["rules"]) == rules + more
        seen = await gateway.provider.observe(sticky)
        assert seen is not None
        assert seen.weight == weight
    await gateway.provider.set_weight(sticky, 50)
    await gateway.provider.restore(sticky)
    assert (await gateway.read())["spec"] == before


async def test_rules_edited_in_mid_release_have_no_share_and_are_put_right(
    gateway: OneRoute,
) -> None:
    sticky = replace(gateway.split, pins=COOKIE)
    await gateway.add()
    await gateway.provider.set_weight(sticky, 50)
    (_, *others) = (await gateway.read())["spec"]["rules"]
    await gateway.client.patch(HTTPROUTES, gateway.namespace, "shop", {"spec": {"rules": others}})
    seen = await gateway.provider.observe(sticky)
    assert seen is not None
    assert (seen.weight, seen.canary_listed) == (None, True)
    await gateway.provider.set_weight(sticky, 50)
    seen = await gateway.provider.observe(sticky)
    assert seen is not None
    assert seen.weight == 50


async def test_a_route_that_users_cannot_be_told_apart_by_is_refused_before_anything_moves(
    gateway: OneRoute,
) -> None:
    sticky = replace(gateway.split, pins=EXACT)
    await gateway.add()
    before = await gateway.read()
    await _add_matches(gateway, 3)
    with pytest.raises(Unusable) as caught:
        await gateway.provider.set_weight(sticky, 50)
    assert caught.value.reason == "TooManyMatches"
    assert "set its type to RegularExpression" in caught.value.message
    seen = await gateway.provider.observe(sticky)
    assert seen is not None
    assert seen.problem == (caught.value.reason, caught.value.message)
    assert (await gateway.read())["spec"]["rules"][0]["backendRefs"] == (
        before["spec"]["rules"][0]["backendRefs"]
    )


async def test_traffic_returns_where_users_can_no_longer_be_told_apart(
    gateway: OneRoute,
) -> None:
    sticky = replace(gateway.split, pins=EXACT)
    await gateway.add()
    await gateway.provider.set_weight(sticky, 50)
    await _add_matches(gateway, 3)
    await gateway.accept()
    seen = await gateway.provider.observe(sticky)
    assert seen is not None
    assert (seen.weight, seen.accepted) == (0, True)
    assert "spec.traffic.sticky needs 153 matches" in seen.message
    with pytest.raises(Unusable):
        await gateway.provider.set_weight(sticky, 50)
    await gateway.provider.set_weight(sticky, 0)
    seen = await gateway.provider.observe(sticky)
    assert seen is not None
    assert seen.weight == 0
    await gateway.provider.restore(sticky)
    assert len((await gateway.read())["spec"]["rules"][0]["matches"]) == 3


async def _add_matches(gateway: OneRoute, count: int) -> None:
    """Somebody gives the user's own rule so many matches, and takes the copies away."""
    *_, own = (await gateway.read())["spec"]["rules"]
    own["matches"] = [{"path": {"type": "PathPrefix", "value": f"/{n}"}} for n in range(count)]
    await gateway.client.patch(HTTPROUTES, gateway.namespace, "shop", {"spec": {"rules": [own]}})


NAMED = "tone-7e8a1b"
OWN = [
    {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["Server"]}},
    {
        "type": "RequestHeaderModifier",
        "requestHeaderModifier": {"set": [{"name": "X-Team", "value": "shop"}], "remove": ["X-A"]},
    },
]
EMPTY = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [], "add": []}}]


@pytest.mark.parametrize("filters", [None, [], OWN, EMPTY], ids=["none", "empty", "own", "nothing"])
@pytest.mark.parametrize("pins", [None, *PINS.values()], ids=["no pins", *PINS.keys()])
async def test_an_experiments_header_comes_and_goes_and_leaves_the_users_filters(
    gateway: OneRoute, pins: Pins | None, filters: list[Manifest] | None
) -> None:
    """The API server takes the rules as they are, and gives them back so."""
    split = replace(gateway.split, pins=pins, experiment=True)
    await gateway.add({"name": "shop", "port": 80, "weight": 3})
    await _set_filters(gateway, filters)
    before = (await gateway.read())["spec"]
    assert before["rules"][0].get("filters") == filters
    for weight, experiment in ((1, ""), (50, ""), (50, NAMED), (50, ""), (50, NAMED)):
        await gateway.provider.set_weight(split, weight, experiment)
        seen = await gateway.provider.observe(split)
        assert seen is not None
        assert (seen.weight, seen.experiment, seen.problem) == (weight, experiment, None)
    generation = (await gateway.read())["metadata"]["generation"]
    await gateway.provider.set_weight(split, 0)
    seen = await gateway.provider.observe(split)
    assert seen is not None
    assert (seen.weight, seen.experiment, seen.generation) == (0, "", generation + 1)
    await gateway.provider.set_weight(split, 50, NAMED)
    await gateway.provider.restore(split)
    assert (await gateway.read())["spec"] == before


async def test_a_header_that_somebody_took_out_is_missed_and_put_back(gateway: OneRoute) -> None:
    sticky = replace(gateway.split, pins=EXACT)
    await gateway.add()
    await gateway.provider.set_weight(sticky, 50, NAMED)
    rules = (await gateway.read())["spec"]["rules"]
    assert len(rules) == 2
    del rules[0]["filters"]
    await gateway.client.patch(HTTPROUTES, gateway.namespace, "shop", {"spec": {"rules": rules}})
    seen = await gateway.provider.observe(sticky)
    assert seen is not None
    assert (seen.weight, seen.experiment) == (50, None)
    await gateway.provider.set_weight(sticky, 50, NAMED)
    seen = await gateway.provider.observe(sticky)
    assert seen is not None
    assert (seen.weight, seen.experiment) == (50, NAMED)


async def test_a_header_left_alone_in_the_route_is_taken_out(gateway: OneRoute) -> None:
    await gateway.add()
    await gateway.provider.set_weight(gateway.split, 50, NAMED)
    rules = (await gateway.read())["spec"]["rules"]
    rules[0]["backendRefs"] = [{"name": "shop", "port": 80}]
    await gateway.client.patch(HTTPROUTES, gateway.namespace, "shop", {"spec": {"rules": rules}})
    seen = await gateway.provider.observe(gateway.split)
    assert seen is not None
    assert (seen.weight, seen.experiment, seen.canary_listed) == (0, None, True)
    await gateway.provider.restore(gateway.split)
    assert "filters" not in (await gateway.read())["spec"]["rules"][0]


async def test_a_route_that_has_the_header_already_is_refused_before_anything_moves(
    gateway: OneRoute,
) -> None:
    split = replace(gateway.split, experiment=True)
    await gateway.add()
    taken = {"set": [{"name": "X-Experiment", "value": "mine"}]}
    await _set_filters(gateway, [{"type": "RequestHeaderModifier", "requestHeaderModifier": taken}])
    before = (await gateway.read())["spec"]
    seen = await gateway.provider.observe(split)
    assert seen is not None
    assert seen.problem is not None
    assert seen.problem[0] == "ExperimentHeaderTaken"
    with pytest.raises(Unusable):
        await gateway.provider.set_weight(split, 50, NAMED)
    assert (await gateway.read())["spec"] == before
    # A release without an experiment leaves it alone.
    seen = await gateway.provider.observe(gateway.split)
    assert seen is not None
    assert seen.problem is None
    await gateway.provider.set_weight(gateway.split, 50)
    await gateway.provider.restore(gateway.split)
    assert (await gateway.read())["spec"] == before


async def _set_filters(gateway: OneRoute, filters: list[Manifest] | None) -> None:
    """The user gives the one rule these filters."""
    rules = (await gateway.read())["spec"]["rules"]
    rules[0] |= {} if filters is None else {"filters": filters}
    await gateway.client.patch(HTTPROUTES, gateway.namespace, "shop", {"spec": {"rules": rules}})
