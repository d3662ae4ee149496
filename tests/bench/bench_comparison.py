"""Low traffic on a real cluster: the comparison with stable beside the limit that people use.

Ten healthy versions, both of which fail as rarely, and three that fail more often. What "above 1 %
three times in a row" would have done is counted from the same measurements, by a check whose limit
never ends a release. Beside the time to find a defect stands what the same tests need on requests
that are made up.
"""

import os
import statistics
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from hack.cluster.cluster import Cluster, load
from hack.cluster.images import project_images
from hack.cluster.up import up
from hack.demo.install import install_operator
from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.core import comparison
from linnet.core.comparison import Look, Policy
from linnet.core.sources import Arm, Arms
from linnet.stats.verdict import Verdict
from tests.support.shop import NAME, Shop, decided

CLUSTER = os.environ.get("LINNET_TEST_CLUSTER", "linnet-bench")
HEALTHY = 10
RATE = 4.0
"""Requests a second to both versions of each shop."""
DEFECT_RATE = 20.0
WEIGHT = 50
USUAL = 0.005
"""Share of requests that either healthy version fails."""
DEFECTS = (0.2, 0.05, 0.02)
HOLD_S = 240
PATIENCE_S = 900
TICK_S = 15
IN_A_ROW = 3
TRIALS = 200
SEED = 20300101
POLICY: dict[str, Any] = {
    "steps": [{"weight": WEIGHT, "hold": f"{HOLD_S}s"}, {"weight": 100, "hold": "5s"}],
    "analysis": {
        "interval": f"{TICK_S}s",
        "window": "1m",
        "minSamples": 1,
        "metrics": [
            {
                "use": "errorRate",
                "rollback": {"above": 1, "consecutive": 100},
                "advance": {"atMost": 1},
            }
        ],
        "comparison": {"use": {"http": "application"}},
    },
    "canary": {"drainPeriod": "3s"},
}


@dataclass(frozen=True)
class Outcome:
    """How a release ended. in_a_row: most measurements in a row above 1 %."""

    status: CanaryReleaseStatus
    in_a_row: int

    @property
    def seconds(self) -> float:
        """From the canary's first traffic to the end."""
        begun = decided(self.status, "Advanced").at
        return (self.status.history[-1].at - begun).total_seconds()


def main() -> dict[str, Any]:
    """Measure; times are in seconds."""
    up(CLUSTER)
    project_images(load(CLUSTER))
    cluster = load(CLUSTER)
    install_operator(cluster, cluster.images["operator"])
    with ThreadPoolExecutor(HEALTHY) as threads:
        healthy = list(
            threads.map(lambda n: _release(cluster, f"healthy-{n}", RATE, USUAL), range(HEALTHY))
        )
        bad = list(
            threads.map(
                lambda share: _release(cluster, f"bad-{share * 100:.0f}", DEFECT_RATE, share),
                DEFECTS,
            )
        )
    by_limit = sum(each.in_a_row >= IN_A_ROW for each in healthy)
    rolled_back = sum(each.status.phase is Phase.ROLLED_BACK for each in healthy)
    figures: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - a report's date
        "healthy": HEALTHY,
        "rolled_back_by_comparison": rolled_back,
        "rolled_back_by_limit_if_it_could": by_limit,
        "defects": {
            f"{share:g}": {
                "seconds": round(each.seconds, 1),
                "reason": each.status.history[-1].reason,
                "predicted_s": _predicted(share),
            }
            for share, each in zip(DEFECTS, bad, strict=True)
        },
    }
    sys.stdout.write(
        f"{HEALTHY} healthy at {RATE * WEIGHT / 100:g} requests/s: {rolled_back} rolled back "
        f"by the comparison; above 1 % three times in a row would have rolled back {by_limit}\n"
    )
    for share, found in figures["defects"].items():
        sys.stdout.write(
            f"failing {float(share):.0%} at {DEFECT_RATE * WEIGHT / 100:g} requests/s: "
            f"{found['seconds']} s ({found['reason']}), predicted {found['predicted_s']}\n"
        )
    return figures


def _release(cluster: Cluster, name: str, rate: float, fails: float) -> Outcome:
    """v1 fails as usual, v2 by a share; until the release ends."""
    shop = Shop(cluster, f"compare-{name}", cluster.images["recochat"], replicas=1)
    shop.deploy("v1", {"errorShare": USUAL}, guarded=False)
    with shop.load(rate):
        time.sleep(2 * TICK_S)
        shop.deploy("v1", {"errorShare": USUAL}, spec=POLICY)
        shop.wait_for(Phase.IDLE)
        shop.deploy("v2", {"errorShare": fails}, spec=POLICY)
        most = 0

        def ended(status: CanaryReleaseStatus) -> bool:
            nonlocal most
            most = max([most, *(metric.breaches for metric in status.metrics)])
            return status.phase in (Phase.PROMOTED, Phase.ROLLED_BACK)

        status = shop.wait(ended, PATIENCE_S)
    shop.kubectl("delete", "crel", NAME, "--timeout=60s")
    cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")
    return Outcome(status, most)


def _predicted(share: float) -> Mapping[str, float]:
    """Median and ninth decile of the time until the tests end a release, on made-up requests."""
    random = np.random.default_rng(SEED)
    found = sorted(_trial(random, share) for _ in range(TRIALS))
    return {"median": statistics.median(found), "p90": found[int(0.9 * TRIALS)]}


def _trial(random: np.random.Generator, share: float) -> float:
    state, policy = comparison.begin(), Policy()
    for tick in range(1, PATIENCE_S // TICK_S + 1):
        mine, every = random.poisson(DEFECT_RATE * TICK_S * np.array([WEIGHT / 100, 1]))
        mine = min(mine, every)
        look = Look(
            WEIGHT, TICK_S, Arms(_arm(random, every - mine, USUAL), _arm(random, mine, share))
        )
        state = comparison.advance(state, look, policy)
        if comparison.findings(state, look, policy)["errors"].verdict is Verdict.BREACH:
            return float(tick * TICK_S)
    return float(PATIENCE_S)


def _arm(random: np.random.Generator, requests: int, share: float) -> Arm:
    return Arm(float(requests), float(random.binomial(requests, share)))
