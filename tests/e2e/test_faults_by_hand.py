"""What people do to the parts of a release while it runs, and versions that don't come up."""

import json
import time
from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from linnet.api.status import Phase
from tests.support.api_proxy import read
from tests.support.rules.world import ROUTES
from tests.support.shop import CANARY, DEPLOYMENTS, NAME, Shop, decided
from tests.support.stories import (
    FIRST,
    PATIENCE_S,
    RATE,
    SECOND,
    SHORT,
    Story,
    begin,
    give_up,
    not_on_trial,
)
from tests.support.witness import broken_rules, shares, told

SETTLED_S = 5
"""After a decision the data plane has followed by then, on any machine."""
OPERATOR = "linnet"


def another_writer_of_the_route(shop: Shop) -> None:
    """2: two fight about the weight. It is put back each time, and nothing is concluded from it."""
    with shop.load(RATE) as load:
        begin(shop)
        for _ in range(20):
            shop.put_weight(90, "another")
            time.sleep(0.4)
            status = shop.status()
            assert (status.phase, status.weight.wanted) == (Phase.PROGRESSING, FIRST)
        assert [e.weight for e in status.history if e.decision == "Advanced"] == [0]
        shop.wait_for_weight(SECOND, PATIENCE_S)
        give_up(shop)
    assert not_on_trial(load) == []
    written = shares(shop.cluster, shop.namespace)
    last = max(n for n, (agent, _) in enumerate(written) if agent == "another")
    assert written[last + 1] == (OPERATOR, FIRST)
    assert sum(agent == OPERATOR and share == FIRST for agent, share in written) > 5


def a_weight_changed_by_hand(shop: Shop) -> None:
    """3: put back to the step's weight; the next step is the one after it."""
    with shop.load(RATE) as load:
        begin(shop)
        shop.put_weight(90, "somebody")
        shop.wait(lambda _: shop.route_weight() == FIRST, PATIENCE_S)
        shop.wait_for_weight(SECOND, PATIENCE_S)
        give_up(shop)
    assert not_on_trial(load) == []
    written = shares(shop.cluster, shop.namespace)
    by_hand = written.index(("somebody", 90))
    assert [share for _, share in written[by_hand + 1 : by_hand + 3]] == [FIRST, SECOND]


def a_canary_that_is_never_ready(shop: Shop) -> None:
    """12: its pods run, and their probe fails: rolled back at the deadline, without a request."""
    spec = {**SHORT, "canary": {"readyDeadline": "8s", "drainPeriod": "3s"}}
    probe = [
        {"op": "remove", "path": "/spec/template/spec/containers/0/startupProbe"},
        {
            "op": "replace",
            "path": "/spec/template/spec/containers/0/readinessProbe/httpGet/path",
            "value": "/nowhere",
        },
    ]
    with shop.load(RATE) as load:
        shop.deploy("v1", spec=spec)
        shop.wait_for(Phase.IDLE, PATIENCE_S)
        before = shop.pods()
        shop.kubectl("patch", "deployment", NAME, "--type=json", "-p", json.dumps(probe))
        status = shop.wait_for(Phase.ROLLED_BACK, PATIENCE_S)
    assert decided(status, "RolledBack").reason == "CanaryNotReady"
    assert load.answers.failures(0, float("inf")) == []
    assert {track for _, track, _ in load.answers.counts(0, float("inf"))} == {"stable"}
    assert shop.pods() == before


def a_canary_deleted_by_hand(shop: Shop) -> None:
    """14: traffic leaves it before anything else is done, and only its own share is lost."""
    with shop.load(RATE) as load:
        begin(shop)
        before = shop.pods()
        shop.kubectl("delete", "deployment", CANARY, "--wait=false")
        status = shop.wait_for(Phase.ROLLED_BACK, PATIENCE_S)
        time.sleep(SETTLED_S)
    decision = decided(status, "RolledBack")
    assert decision.reason in ("CanaryMissing", "CanaryDown")
    assert load.answers.failures(decision.at.timestamp() + SETTLED_S, float("inf")) == []
    assert [a for a in load.answers.failures(0, float("inf")) if a.track == "stable"] == []
    assert shop.pods() == before
    events = told(shop.cluster, {shop.namespace})
    gone = next(n for n, e in enumerate(events) if e.name == CANARY and e.verb == "delete")
    first = next(e for e in events[gone:] if e.by_operator and e.resource != "leases")
    assert (first.resource, first.subresource) == (ROUTES, "")


def a_resumed_deployment(shop: Shop) -> None:
    """17: paused again; the release goes on by its own evidence."""
    with shop.load(RATE) as load:
        begin(shop, SHORT)
        shop.kubectl("rollout", "resume", f"deployment/{NAME}")
        shop.wait(lambda _: paused(shop), PATIENCE_S)
        shop.wait_for(Phase.PROMOTED, PATIENCE_S)
    assert not_on_trial(load) == []
    assert paused(shop)


def paused(shop: Shop) -> bool:
    return bool(read(shop.address(DEPLOYMENTS, NAME))["spec"].get("paused"))


def two_releases_for_one_deployment(shop: Shop) -> None:
    """21: the second says that it is one too many, and does nothing, also when it goes."""
    with shop.load(RATE) as load:
        begin(shop, SHORT)
        manifest = shop.get("crel", NAME)
        second = {
            "apiVersion": manifest["apiVersion"],
            "kind": manifest["kind"],
            "metadata": {"name": "second", "namespace": shop.namespace},
            "spec": manifest["spec"],
        }
        shop.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(second))
        stalled = ("--for=condition=Stalled", "crel/second", f"--timeout={PATIENCE_S}s")
        shop.kubectl("wait", *stalled)
        said = shop.get("crel", "second")["status"]
        shop.kubectl("delete", "crel", "second", "--timeout=60s")
        shop.wait_for(Phase.PROMOTED, PATIENCE_S)
    assert said["phase"] == "Pending"
    assert NAME in said["message"]
    assert not_on_trial(load) == []
    assert paused(shop)


def stable_that_does_not_come_up(shop: Shop) -> None:
    """22: there is no room for its new pods. Traffic stays on the canary until there is."""
    steps = [{"weight": FIRST, "hold": "2s"}, {"weight": 100, "hold": "20s"}]
    with shop.load(RATE) as load:
        begin(shop, {**SHORT, "steps": steps, "promotion": {"progressDeadline": "5s"}})
        shop.wait_for_weight(100, PATIENCE_S)
        shop.kubectl("create", "quota", "full", "--hard=pods=2")
        stuck = shop.wait(
            lambda s: any(c.type == "Stalled" and c.status == "True" for c in s.conditions),
            PATIENCE_S,
        )
        time.sleep(SETTLED_S)
        assert shop.status().phase is Phase.PROMOTING
        assert shop.route_weight() == 100
        shop.kubectl("delete", "quota", "full")
        shop.wait_for(Phase.PROMOTED, 2 * PATIENCE_S)
    assert decided(stuck, "Stalled").reason in ("QuotaExceeded", "PromotionStuck")
    assert load.answers.failures(0, float("inf")) == []
    since = decided(stuck, "Stalled").at.timestamp()
    answered = load.answers.counts(since, since + SETTLED_S)
    assert {track for _, track, _ in answered} == {"canary"}


def a_broken_rule_is_seen(shop: Shop) -> None:
    """One who calls itself the operator, without its lease, makes three mistakes."""
    begin(shop)
    shop.put_weight(37, OPERATOR)
    shop.wait(lambda _: shop.route_weight() == FIRST, PATIENCE_S)
    give_up(shop)
    found = {each.check for each in broken_rules(shop.cluster, {shop.namespace})}
    assert {"weights_are_steps", "rises_are_earned", "one_leader_writes"} <= found


STORIES = (
    Story(stable_that_does_not_come_up, seconds=90),
    Story(two_releases_for_one_deployment, seconds=80),
    Story(a_resumed_deployment, seconds=80),
    Story(another_writer_of_the_route),
    Story(a_weight_changed_by_hand),
    Story(a_canary_deleted_by_hand),
    Story(a_canary_that_is_never_ready),
    Story(a_broken_rule_is_seen, judged=False),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_it_ends_as_the_rules_say(story: Story, ends: Mapping[str, Future[None]]) -> None:
    ends[story.name].result()
