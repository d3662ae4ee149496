"""Users who keep their version through the weights, a restart and a rollback, on a real gateway."""

import hashlib
import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from hack.demo.install import OPERATOR, OPERATOR_NAMESPACE
from hack.demo.releases import PATH, REQUEST
from linnet.api.status import CanaryReleaseStatus, Phase
from tests.support.shop import QUICK, Shop, decided
from tests.support.stories import Street
from tests.support.users import User, visiting

COUNT = 300
EVERY_S = 6.0
PATIENCE_S = 5.0
SETTLE_S = 1.0
"""The data plane follows the route's report by a moment."""
STEPS = (5, 50)
FOREVER = float("inf")

COOKIE = {"cookie": {"name": "linnet-shop"}}
HEADER = {"header": {"name": "X-User-Bucket"}}
REGULAR = {"header": {"name": "X-User-Bucket", "type": "RegularExpression"}}


def bucket(user: str) -> int:
    """As docs/sticky.md says it."""
    return int.from_bytes(hashlib.sha256(user.encode()).digest()[:8]) % 100


def spec(sticky: dict[str, Any]) -> dict[str, Any]:
    holds = [{"weight": weight, "hold": f"{3 * EVERY_S:.0f}s"} for weight in STEPS]
    return {
        **QUICK,
        "traffic": {"sticky": sticky},
        "steps": [*holds, {"weight": 100, "hold": "5s"}],
    }


def restart_operator(shop: Shop) -> None:
    chosen = ("-n", OPERATOR_NAMESPACE, "-l", f"app.kubernetes.io/name={OPERATOR}")
    shop.cluster.kubectl("delete", "pod", *chosen, "--grace-period=0", "--force")


def moments(shop: Shop, *, restart_at: int) -> dict[int, tuple[float, float]]:
    """From when to when the gateway was at each weight, as the release took its steps."""
    begun: dict[int, float] = {}
    for weight in (*STEPS, 100):
        since = shop.wait_for_weight(weight, 120).weight.seen_since
        assert since is not None
        begun[weight] = since.timestamp()
        if weight == restart_at:
            restart_operator(shop)
    return {weight: (begun[weight] + SETTLE_S, entered(shop.status(), weight)) for weight in STEPS}


def entered(status: CanaryReleaseStatus, weight: int) -> float:
    """When it was decided to leave a weight."""
    (left,) = [e.at for e in status.history if e.decision == "Advanced" and e.weight == weight]
    return left.timestamp()


def versions(user: User, start: float = 0, end: float = FOREVER) -> list[str]:
    """The versions that a user saw, one after the other."""
    seen = [answer.version for answer in user.answered(start, end) if answer.version]
    return [seen[0], *(b for a, b in pairwise(seen) if a != b)] if seen else []


def test_a_user_stays_on_one_version(street: Street) -> None:
    ways = (COOKIE, HEADER, REGULAR)
    with street.opened(len(ways)) as shops, ThreadPoolExecutor(len(ways)) as threads:
        list(threads.map(stay, shops, ways))


def stay(shop: Shop, sticky: dict[str, Any]) -> None:
    """Through the weights of a good release, and a rollback, of users who are told apart so."""
    names = [f"user-{number:03}" for number in range(COUNT)]
    users = [
        User({} if sticky is COOKIE else {"X-User-Bucket": str(bucket(name))}) for name in names
    ]
    asked = visiting(users, shop.cluster.gateway + PATH, REQUEST, {"Host": shop.host}, EVERY_S)
    shop.deploy("v1", spec=spec(sticky))
    shop.wait_for(Phase.IDLE)
    before = shop.get("httproute", "recochat")["spec"]["rules"]
    with asked:
        shop.wait(lambda _: all(versions(user) for user in users), 120)
        shop.deploy("v2", spec=spec(sticky))
        steps = moments(shop, restart_at=50)
        promoted = shop.wait_for(Phase.PROMOTED, 240)
        restored = shop.get("httproute", "recochat")["spec"]["rules"]
        shop.deploy("v3", {"errorShare": 0.3}, spec=spec(sticky))
        back = shop.wait_for(Phase.ROLLED_BACK, 180)
    decision = decided(back, "RolledBack").at.timestamp()

    # One after the other, and back only by the rollback, which some haven't met yet.
    allowed = (["v1", "v2"], ["v1", "v2", "v3"], ["v1", "v2", "v3", "v2"])
    assert [found for user in users if (found := versions(user)) not in allowed] == []
    until = [versions(user, 0, decision) for user in users]
    assert [found for found in until if found not in (["v1", "v2"], ["v1", "v2", "v3"])] == []
    assert any(found[-1] == "v3" for found in until)
    # How fast is for `make bench-rollback` to say.
    after = [versions(user, decision + PATIENCE_S) for user in users]
    assert [found for found in after if found not in ([], ["v2"])] == []

    # The share of users is the weight.
    for weight, (start, end) in steps.items():
        seen = {name: versions(user, start, end) for name, user in zip(names, users, strict=True)}
        assert all(seen.values())
        canary = {name for name, found in seen.items() if found[-1] == "v2"}
        if sticky is COOKIE:
            spread = math.sqrt(COUNT * weight * (100 - weight)) / 100
            assert len(canary) == pytest.approx(COUNT * weight / 100, abs=4 * spread)
            assert canary
        else:
            assert canary == {name for name in names if bucket(name) < weight}

    assert restored == before
    assert [
        a for u in users for a in u.answered(0, FOREVER) if a.failed and a.version != "v3"
    ] == []
    assert promoted.stable_revision == back.stable_revision
