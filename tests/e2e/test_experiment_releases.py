"""An experiment decides a release, and counts every user, though the operator dies meanwhile."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from hack.demo.install import OPERATOR, OPERATOR_NAMESPACE
from hack.experiment.crowd import crowd
from hack.experiment.exported import from_prometheus
from hack.experiment.play import nobody, redis_image
from hack.experiment.releases import BASE, DAY_S, SALT, TRIALS, WEIGHT, policy, settings
from hack.experiment.truth import Comparison, compare, people, sums
from hack.experiment.visits import Visits, visiting
from hack.load_process import LoadProcess
from linnet.api.experiment import ExperimentResult
from linnet.api.status import Phase
from tests.support.shop import NAME, Shop

USERS, OPEN_S = 300, 20.0
MINIMUM_S, DURATION_S = 60, 90
RESTART_S = 15
"""After the first users came, and long before the last ones."""
EXPORT_S = 60


def deploy(shop: Shop, version: str) -> None:
    more = {
        "redis": {"enabled": True, "image": redis_image(shop.cluster)},
        "extraEnv": settings(),
    }
    spec = policy("people like it", MINIMUM_S, DURATION_S)
    tried = spec["steps"][0]["experiment"]
    # How soon a machine answers that runs all of this isn't what is tested.
    tried["metrics"] = [each for each in tried["metrics"] if each["name"] != "slow_requests"]
    shop.deploy(version, spec=spec, more=more)


def counted(shop: Shop, visits: Visits, experiment: str) -> Comparison:
    """The sums in Prometheus against what users saw, as soon as it has heard of all."""
    must = sums(people(visits.seen, experiment, DAY_S).values())
    deadline = time.monotonic() + EXPORT_S
    while True:
        told = from_prometheus(shop.cluster.prometheus, shop.namespace, experiment)
        found = compare(must, told)
        if found.right or time.monotonic() > deadline:
            return found
        time.sleep(1)


@pytest.fixture
def in_nobodys_name(shop: Shop) -> Iterator[None]:
    """Requests that no experiment counts, and by which the steps are judged."""
    with ExitStack() as stack:
        for plan in nobody(shop.cluster.gateway, shop.host):
            stack.enter_context(LoadProcess(plan))
        yield


@pytest.mark.usefixtures("in_nobodys_name")
def test_a_better_version_is_promoted_by_what_its_users_did(shop: Shop) -> None:
    deploy(shop, "v1")
    shop.wait_for(Phase.IDLE)
    before = shop.get("httproute", NAME)["spec"]["rules"]
    users = crowd(f"{SALT}-{shop.namespace}", USERS, OPEN_S, WEIGHT, BASE, TRIALS[0].behaviour)
    visits = Visits(users, lambda _: shop.cluster.gateway, DAY_S, {"Host": shop.host})

    deploy(shop, "v2")
    begun = shop.wait(lambda status: status.experiment is not None, 120).experiment
    assert begun is not None
    with visiting(visits):
        time.sleep(RESTART_S)
        chosen = ("-n", OPERATOR_NAMESPACE, "-l", f"app.kubernetes.io/name={OPERATOR}")
        shop.cluster.kubectl("delete", "pod", *chosen, "--grace-period=0", "--force")
        over = shop.wait(
            lambda status: (
                status.experiment is not None
                and status.experiment.result is not ExperimentResult.RUNNING
            ),
            240,
        ).experiment
    assert over is not None
    assert (over.id, over.started_at) == (begun.id, begun.started_at)
    assert (over.result, over.rule) == (ExperimentResult.SUCCESS, "success"), over.message
    shop.wait_for(Phase.PROMOTED)

    found = counted(shop, visits, over.id)
    assert found.wrong == ()
    # Who never got an answer is in no count; on a busy machine that may be one or two.
    assert sum(found.users.values()) > 0.95 * USERS
    assert shop.get("httproute", NAME)["spec"]["rules"] == before
