"""What a release needs is away for a while: Prometheus, the gateway, the operator itself."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import Any

import pytest

from hack.cluster import engine
from hack.cluster.cluster import Cluster
from hack.cluster.run import CommandFailed
from hack.demo.install import OPERATOR, OPERATOR_NAMESPACE
from hack.load import now
from linnet.api.status import Phase, Verdict
from tests.support.rules.judge import LEASE
from tests.support.shop import CANARY, NAME, Shop, decided
from tests.support.stories import FIRST, PATIENCE_S, RATE, SHORT, Story, Street, not_on_trial
from tests.support.witness import broken_rules

SETTLED_S = 5
STEADY: Mapping[str, Any] = {
    **SHORT,
    "steps": [{"weight": FIRST, "hold": "30s"}, {"weight": 100, "hold": "2s"}],
}
"""Long enough at the first weight for several shops to be there together."""
HASTY: Mapping[str, Any] = {
    **SHORT,
    "steps": [{"weight": FIRST, "hold": "15s"}, {"weight": 100, "hold": "15s"}],
    "analysis": {**SHORT["analysis"], "holdDeadline": "14s"},
}


def at_once(what: Callable[[Shop], object], shops: Sequence[Shop]) -> None:
    with ThreadPoolExecutor(len(shops)) as threads:
        list(threads.map(what, shops))


def begin_together(shops: Sequence[Shop], *specs: Mapping[str, Any]) -> None:
    """Have all at their first weight at about the same time."""
    for shop, spec in zip(shops, specs, strict=True):
        shop.deploy("v1", spec=spec)
    at_once(lambda shop: shop.wait_for(Phase.IDLE, PATIENCE_S), shops)
    at_once(lambda shop: shop.change("v2"), shops)
    at_once(lambda shop: shop.wait_for_weight(FIRST, PATIENCE_S), shops)


@contextmanager
def stopped(cluster: Cluster, namespace: str, name: str) -> Iterator[None]:
    """A Deployment without a pod until the block ends."""
    where = ("-n", namespace, f"deployment/{name}")
    cluster.kubectl("scale", *where, "--replicas=0")
    try:
        gone = ("wait", "--for=delete", "pod", "-n", namespace)
        cluster.kubectl(*gone, "-l", f"app.kubernetes.io/name={name}", "--timeout=90s")
        yield
    finally:
        cluster.kubectl("scale", *where, "--replicas=1")
        cluster.kubectl("rollout", "status", *where, "--timeout=180s", timeout=200)


def reach(shop: Shop, *phases: Phase) -> None:
    shop.wait(lambda status: status.phase in phases, 2 * PATIENCE_S)


def test_prometheus_is_stopped_and_started_again(street: Street) -> None:
    """A release waits, or ends as its user chose; one that is to go doesn't ask."""
    with street.opened(3) as shops:
        patient, hasty, leaving = shops
        with ExitStack() as loads:
            running = [loads.enter_context(shop.load(RATE)) for shop in shops]
            begin_together(shops, STEADY, HASTY, STEADY)
            with stopped(street.cluster, "monitoring", "prometheus"):
                patient.wait(
                    lambda s: any(each.verdict is Verdict.ERROR for each in s.metrics), PATIENCE_S
                )
                held = patient.status()
                leaving.kubectl("delete", "crel", NAME, "--timeout=60s")
                late = hasty.wait_for(Phase.ROLLED_BACK, PATIENCE_S)
                assert patient.status().weight.wanted == held.weight.wanted
                assert patient.status().phase is Phase.PROGRESSING
            patient.wait_for(Phase.PROMOTED, 2 * PATIENCE_S)
        assert decided(late, "RolledBack").reason == "HoldDeadlineExceeded"
        assert [not_on_trial(load) for load in running] == [[], [], []]
        assert broken_rules(street.cluster, {shop.namespace for shop in shops}) == []


def test_the_gateway_is_stopped_and_started_again(street: Street) -> None:
    """Nobody reports a weight: nothing goes on, and what has to end is not held up by that."""
    with street.opened(3) as shops:
        staying, broken, leaving = shops
        with ExitStack() as loads:
            running = [loads.enter_context(shop.load(RATE)) for shop in shops]
            begin_together(shops, STEADY, STEADY, STEADY)
            away = now()
            with stopped(street.cluster, "traefik", "traefik"):
                broken.kubectl("delete", "deployment", CANARY, "--wait=false")
                broken.wait(lambda _: not broken.route_weight(), PATIENCE_S)
                leaving.kubectl("delete", "crel", NAME, "--timeout=90s")
                assert not leaving.route_weight()
                assert staying.status().phase is Phase.PROGRESSING
            broken.wait_for(Phase.ROLLED_BACK, PATIENCE_S)
            back = now() + SETTLED_S
            staying.wait_for(Phase.PROMOTED, 2 * PATIENCE_S)
        # What was asked for while there was no gateway is lost, and nothing else.
        for load in running:
            assert load.answers.failures(away, back)
            assert load.answers.failures(0, away - SETTLED_S) == []
            assert load.answers.failures(back, float("inf")) == []
            assert load.answers.counts(back, float("inf"))
        assert broken_rules(street.cluster, {shop.namespace for shop in shops}) == []


class Killer:
    """Kills whoever leads: its process by SIGKILL, or its pod, in turn."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ways = cycle((self._process, self._pod))

    def __call__(self) -> None:
        """Kill, once there is a leader that is alive."""
        kill = self._pod if self._cluster.existing else next(self._ways)
        deadline = time.monotonic() + PATIENCE_S
        while (pod := self._leader()) is None or not kill(pod):
            assert time.monotonic() < deadline, "nobody leads"
            time.sleep(0.25)

    def _leader(self) -> dict[str, Any] | None:
        lease = self._get("lease", LEASE)
        listed = self._get("pods", "-l", f"app.kubernetes.io/name={OPERATOR}")["items"]
        for pod in listed:
            if pod["metadata"]["name"] != lease["spec"]["holderIdentity"]:
                continue
            (container,) = pod["status"]["containerStatuses"]
            return pod if "running" in container["state"] else None
        return None

    def _get(self, *words: str) -> Any:
        found = self._cluster.kubectl("get", "-n", OPERATOR_NAMESPACE, *words, "-o", "json")
        return json.loads(found)

    def _pod(self, pod: dict[str, Any]) -> bool:
        name = pod["metadata"]["name"]
        words = ("-n", OPERATOR_NAMESPACE, "--grace-period=0", "--force", "--wait=false")
        self._cluster.kubectl("delete", "pod", name, *words)
        return True

    def _process(self, pod: dict[str, Any]) -> bool:
        """As the kernel does to a process that takes too much memory; whether it still ran."""
        container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
        task = ("ctr", "-n", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", container)
        try:
            engine.find()("exec", pod["spec"]["nodeName"], *task)
        except CommandFailed:
            return False
        return True


GOOD = (Phase.PENDING, Phase.STARTING, Phase.PROGRESSING, Phase.PROMOTING, Phase.RETURNING)
BAD = (Phase.PROGRESSING, Phase.ROLLING_BACK)
DRAINING = {**SHORT, "canary": {"readyDeadline": "90s", "drainPeriod": "8s"}}
"""Long enough to be killed in it."""


def killed_while_it_promotes(shop: Shop) -> None:
    """1: in every phase up to the end; a release is promoted as if nothing had been."""
    kill = Killer(shop.cluster)
    with shop.load(RATE) as load:
        shop.deploy("v1", spec=DRAINING)
        for phase in GOOD:
            if phase is Phase.STARTING:
                reach(shop, Phase.IDLE)
                shop.change("v2")
            reach(shop, phase, Phase.IDLE if phase is Phase.PENDING else Phase.PROMOTED)
            kill()
        shop.wait_for(Phase.PROMOTED, 2 * PATIENCE_S)
    assert load.answers.failures(0, float("inf")) == []


def killed_while_it_rolls_back(shop: Shop) -> None:
    """1: only the canary's share is lost."""
    kill = Killer(shop.cluster)
    with shop.load(RATE) as load:
        shop.deploy("v1", spec=DRAINING)
        shop.wait_for(Phase.IDLE, PATIENCE_S)
        shop.deploy("v2", {"errorShare": 0.3}, spec=DRAINING)
        for phase in BAD:
            reach(shop, phase, Phase.ROLLED_BACK)
            kill()
        status = shop.wait_for(Phase.ROLLED_BACK, 2 * PATIENCE_S)
    assert not_on_trial(load) == []
    why = decided(status, "RolledBack").reason
    assert why in ("ErrorRateBreached", "AvailabilityBreached")


STORIES = (
    Story(killed_while_it_promotes, restarts=True),
    Story(killed_while_it_rolls_back, restarts=True),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_operator_is_killed_in_every_phase(
    story: Story, ends: Mapping[str, Future[None]]
) -> None:
    ends[story.name].result()
