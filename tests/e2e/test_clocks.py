"""Operators whose wall clock is five minutes off, for a whole release or from a hand-over.

One kernel has one clock, so the clock of a kind node can't be set alone: the operator's process
runs outside the cluster, with libfaketime between it and the C library.
"""

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.run import ClusterError
from hack.demo.install import OPERATOR, OPERATOR_NAMESPACE
from hack.load import now
from linnet.api.status import Phase
from tests.support.outside import ACCOUNT, Outside, clock_off, run_outside
from tests.support.rules.judge import LEASE
from tests.support.shop import Shop
from tests.support.stories import (
    FIRST,
    PATIENCE_S,
    RATE,
    SECOND,
    SHORT,
    Story,
    Street,
    begin,
    give_up,
    not_on_trial,
)
from tests.support.witness import SLOW, broken_rules

OFF_S = 300
LEASE_S = 15
AGREED_S = 5
"""The API server's time is in whole seconds."""
BETWEEN_CLOCKS = replace(SLOW, clock=2.0)
"""Who has waited for half a minute knows the part of a second too, more or less."""
LONG: Mapping[str, Any] = {
    **SHORT,
    "steps": [{"weight": FIRST, "hold": "40s"}, {"weight": SECOND, "hold": "2s"}, {"weight": 100}],
}
"""Long enough at the first weight for a hand-over in the middle."""


@pytest.fixture(scope="module", autouse=True)
def wrong_clocks() -> None:
    """What these tests need, and can't be had everywhere."""
    try:
        clock_off(OFF_S)
    except ClusterError as error:
        pytest.skip(f"libfaketime: {error}")


@contextmanager
def operator_of(shop: Shop, seconds: int) -> Iterator[Outside]:
    """An operator for this shop alone, whose clock is off."""
    way = Outside(
        lease=f"linnet-{shop.namespace}", shard=shop.namespace, environment=clock_off(seconds)
    )
    with TemporaryDirectory() as folder, run_outside(shop.cluster, Path(folder), way):
        yield way


def off(shop: Shop, seconds: int) -> None:
    """The steps take as long as they should, and the end loses no request.

    The times in status are the API server's.
    """
    with operator_of(shop, seconds) as way, shop.load(RATE) as load:
        shop.guard(shop.namespace, SHORT)
        shop.wait_for(Phase.IDLE, PATIENCE_S)
        shop.change("v2")
        shop.wait_for_weight(FIRST, PATIENCE_S)
        shop.wait_for_weight(SECOND, PATIENCE_S)
        give_up(shop)
        changed = now()
        shop.change("v2")
        status = shop.wait_for_weight(FIRST, PATIENCE_S)
        assert status.started_at is not None
        assert changed - AGREED_S < status.started_at.timestamp() < now() + AGREED_S
        shop.kubectl("delete", "crel", "--all", f"--timeout={PATIENCE_S}s")
        assert not_on_trial(load) == []
        assert broken_rules(shop.cluster, {shop.namespace}, lease=way.lease) == []


def ahead(shop: Shop) -> None:
    """23: the operator's clock is five minutes ahead of the API server's."""
    off(shop, OFF_S)


def behind(shop: Shop) -> None:
    """23: five minutes behind."""
    off(shop, -OFF_S)


STORIES = (Story(ahead, judged=False, seconds=70), Story(behind, judged=False, seconds=70))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_one_operator_with_a_wrong_clock(story: Story, ends: Mapping[str, Future[None]]) -> None:
    ends[story.name].result()


def test_a_standby_with_a_wrong_clock(linnet: Cluster, street: Street) -> None:
    """It doesn't take a lease that is held; and goes on with a release where the other was."""
    with street.opened(1) as (shop,):
        way = Outside(environment=clock_off(OFF_S))
        with shop.load(RATE) as load:
            inside = holder(linnet)
            with TemporaryDirectory() as folder, run_outside(linnet, Path(folder), way):
                until = time.monotonic() + LEASE_S + 5
                begin(shop, LONG)
                time.sleep(max(0.0, until - time.monotonic()))
                assert holder(linnet) == inside
                deployment = ("-n", OPERATOR_NAMESPACE, f"deployment/{OPERATOR}")
                linnet.kubectl("scale", *deployment, "--replicas=0")
                try:
                    handed = shop.wait(lambda _: holder(linnet) == ACCOUNT, PATIENCE_S)
                    assert handed.weight.wanted == FIRST, "in the middle of the hold"
                    shop.wait_for_weight(SECOND, PATIENCE_S)
                finally:
                    linnet.kubectl("scale", *deployment, "--replicas=2")
                    linnet.kubectl("rollout", "status", *deployment, "--timeout=180s")
            shop.wait(lambda _: holder(linnet) not in ("", ACCOUNT), PATIENCE_S)
            give_up(shop)
        assert not_on_trial(load) == []
        assert broken_rules(linnet, {shop.namespace}, known=BETWEEN_CLOCKS) == []


def holder(cluster: Cluster) -> str:
    lease = json.loads(
        cluster.kubectl("get", "lease", "-n", OPERATOR_NAMESPACE, LEASE, "-o", "json")
    )
    return str(lease["spec"]["holderIdentity"])
