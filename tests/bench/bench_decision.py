"""What one decision costs: ten checks, without and with the comparison of errors, latency and CPU.

CPU time of this process, as the median of several rounds, and that of the quickest round, which was
disturbed least. On a machine that is busy otherwise the ratio to a fixed piece of work with small
numpy arrays, done in the same run, can be compared.
"""

import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, WeightStatus
from linnet.controller.release import read_status, write_status
from linnet.core import comparison, looks, packing
from linnet.core.comparison import Look
from linnet.core.decide import decide
from linnet.core.observed import Observed, Tally
from linnet.core.sources import Arm, Arms
from tests.support.builders import START, make_observed, make_samples, make_spec, make_status

ROUNDS = int(os.environ.get("LINNET_DECISION_ROUNDS", "15"))
LOOKS = 100
"""Decisions in a round; each goes on from the status of the one before."""
TICK = timedelta(seconds=15)
WEIGHT = 5
CANARY, STABLE = 750.0, 14250.0
"""Requests that either version answers between two looks."""
EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Of the latency histogram, in seconds: what Prometheus' clients have by default."""
SEED = 20300101
READY_MADE = ("errorRate", "latencyP95", "memory", "cpu", "availability")
OWN = ("queueLength", "cacheMisses", "retries", "timeouts", "refunds")
TEN: dict[str, Any] = {
    "interval": "15s",
    "metrics": [
        *({"use": name} for name in READY_MADE),
        *({"name": name, "query": "up", "rollback": {"above": 1}} for name in OWN),
    ],
}
LIMITS_ALONE = make_spec(5, hold="48h", analysis=TEN)
SPEC = make_spec(5, hold="48h", analysis=TEN | {"comparison": {"use": {"cpu": "cadvisor"}}})
ASKED = SPEC.analysis.comparison
assert ASKED is not None
POLICY = looks.policy_of(ASKED)


def main() -> dict[str, Any]:
    """Measure; times are in milliseconds of CPU."""
    found: dict[str, list[float]] = {}
    status = make_status(weight=WeightStatus(wanted=WEIGHT, seen=WEIGHT, seen_since=START))
    batches = _batches()
    gc.collect()
    gc.freeze()  # what was imported and made up until here is none of a decision's garbage
    for batch in batches:
        found.setdefault("fixed work", []).append(_cost(_fixed, LOOKS))
        status, parts = _round(status, batch)
        for part, cost in parts.items():
            found.setdefault(part, []).append(cost)
    medians = {part: statistics.median(costs) for part, costs in found.items()}
    quickest = {part: min(costs) for part, costs in found.items()}
    for part, cost in medians.items():
        sys.stdout.write(
            f"  {part:28} {cost:6.3f} ms ({quickest[part]:6.3f} in the quickest round), "
            f"{cost / medians['fixed work']:5.2f} times the fixed work\n"
        )
    return {
        "checks": len(SPEC.analysis.metrics),
        "edges": len(EDGES),
        "cpu_ms": {part: round(cost, 4) for part, cost in medians.items()},
        "quickest_cpu_ms": {part: round(cost, 4) for part, cost in quickest.items()},
        "status_bytes": len(json.dumps(write_status(status))),
    }


def _round(
    status: CanaryReleaseStatus, batch: list[Observed]
) -> tuple[CanaryReleaseStatus, dict[str, float]]:
    """One decision after the other; then their parts, each on its own."""
    last = status

    def decisions(spec: CanaryReleaseSpec) -> None:
        nonlocal last
        last = status
        for observed in batch:
            assert observed.tally is not None
            last = decide(spec, last, observed, observed.tally.until).status

    parts = {
        f"decide(){what}": _cost(partial(decisions, spec), len(batch))
        for what, spec in ((", limits alone", LIMITS_ALONE), ("", SPEC))
    }
    assert last.comparison is not None
    packed = last.comparison.state
    state = packing.unpacked(packed)
    assert batch[-1].tally is not None
    look = Look(WEIGHT, TICK.total_seconds(), batch[-1].tally.arms)
    stored = write_status(last)
    for name, part in {
        "  reading the tests' state": lambda: packing.unpacked(packed),
        "  the tests": lambda: comparison.advance(state, look, POLICY),
        "  judging": lambda: comparison.findings(state, look, POLICY),
        "  writing the tests' state": lambda: packing.packed(state),
        "reading the status": lambda: read_status({"status": stored}),
        "writing the status": lambda: write_status(last),
    }.items():
        parts[name] = _each(part)
    return last, parts


def _cost(work: Callable[[], object], count: int) -> float:
    """CPU milliseconds for each of so many pieces of work."""
    begun = time.process_time()
    work()
    return 1000 * (time.process_time() - begun) / count


def _each(part: Callable[[], object]) -> float:
    return _cost(lambda: [part() for _ in range(LOOKS)], LOOKS)


def _fixed() -> None:
    """So often: a thousand operations on twelve numbers."""
    numbers = np.linspace(0.1, 1.0, 12)
    for _ in range(LOOKS * 250):
        (np.log1p(numbers * numbers) + numbers).sum()


def _batches() -> list[list[Observed]]:
    """What both versions answered from look to look, for each round; the canary is healthy."""
    random = np.random.default_rng(SEED)
    looks = (
        _observed(Tally(START + TICK * at, START + TICK * (at + 1), _arms(random)))
        for at in range(ROUNDS * LOOKS)
    )
    return [list(islice(looks, LOOKS)) for _ in range(ROUNDS)]


def _arms(random: np.random.Generator) -> Arms:
    return Arms(stable=_arm(random, STABLE), canary=_arm(random, CANARY))


def _arm(random: np.random.Generator, mean: float) -> Arm:
    requests = float(random.poisson(mean))
    took = random.lognormal(-3.0, 1.0, int(requests))
    return Arm(
        requests=requests,
        errors=float(random.binomial(int(requests), 0.002)),
        timed=requests,
        faster={edge: float((took <= edge).sum()) for edge in EDGES},
        cpu_s=requests * 0.01 * float(random.uniform(0.9, 1.1)),
    )


def _observed(tally: Tally) -> Observed:
    values = dict.fromkeys((*READY_MADE, *OWN), 0.1) | {"latencyP95": 120.0, "availability": 99.9}
    return make_observed(tally=tally, samples=make_samples(**values))
