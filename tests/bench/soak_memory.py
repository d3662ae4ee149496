"""Two hours of releases, ten at once and one round after another: does memory grow?"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from tests.support.fleet import Fleet, Operator, run_fleet

MINUTES = float(os.environ.get("LINNET_SOAK_MINUTES", "120"))
RELEASES = 10
ROUND_S = 60.0
"""A round begins so long after the one before, or when that has ended: memory is asked after, not
speed, and an operator whose machine is overloaded shows other things."""
PATIENCE_S = 900
"""Longest time for a round, on a machine that does other work besides."""
WARM_UP = 0.1
"""Share of the time that is left out: caches fill, and the allocator finds its size."""
RESAMPLES = 2000
SEED = 20300101
POLICY: dict[str, Any] = {
    "steps": [{"weight": weight, "hold": "2s"} for weight in (50, 100)],
    "analysis": {
        "interval": "1s",
        "window": "1s",
        "minSamples": 1,
        "metrics": [{"use": "errorRate"}],
    },
    "canary": {"drainPeriod": "1s"},
}

Sample = tuple[float, float]
"""Hours since the start, and MiB resident."""


def main() -> dict[str, Any]:
    """Run; the slope is in MiB an hour, with the interval that holds 95 % of the resamples."""
    folder = Path(tempfile.mkdtemp(prefix="linnet-soak-"))
    try:
        with run_fleet(folder, POLICY) as fleet:
            operator = Operator(fleet.server, fleet.prometheus.url)
            fleet.operators.append(operator)
            try:
                samples, rounds = _cycle(fleet, operator)
            finally:
                operator.stop()
    finally:
        shutil.rmtree(folder)
    kept = [sample for sample in samples if sample[0] * 60 >= WARM_UP * MINUTES]
    slope, low, high = growth(kept)
    figures = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - a report's date
        "minutes": MINUTES,
        "releases": rounds * RELEASES,
        "samples": len(kept),
        "first_mib": round(kept[0][1], 1),
        "last_mib": round(kept[-1][1], 1),
        "growth_mib_per_hour": round(slope, 3),
        "interval_95": [round(low, 3), round(high, 3)],
    }
    sys.stdout.write(
        f"{figures['releases']} releases in {MINUTES:g} min: {slope:+.2f} MiB an hour "
        f"[{low:+.2f}, {high:+.2f}], {figures['last_mib']} MiB resident\n"
    )
    return figures


def _cycle(fleet: Fleet, operator: Operator) -> tuple[list[Sample], int]:
    fleet.grow(RELEASES)
    fleet.guard()
    started, rounds = time.monotonic(), 0
    samples: list[Sample] = []
    while (hours := (time.monotonic() - started) / 3600) * 60 < MINUTES:
        rounds += 1
        due = time.monotonic() + ROUND_S
        fleet.release(fleet.names, f"app:round-{rounds}", PATIENCE_S)
        samples.append((hours, operator.resident_mib))
        fleet.server.audit_log.write_text("")  # nobody reads it here
        time.sleep(max(0.0, due - time.monotonic()))
    return samples, rounds


def growth(samples: list[Sample]) -> tuple[float, float, float]:
    """Least squares slope, and the bounds of the middle 95 % over resamples by bootstrap."""
    random = Random(SEED)  # noqa: S311 - the same interval for the same samples
    slopes = sorted(
        _slope(resample)
        for _ in range(RESAMPLES)
        if len(set(resample := [random.choice(samples) for _ in samples])) > 1
    )
    cut = len(slopes) // 40
    return _slope(samples), slopes[cut], slopes[-cut - 1]


def _slope(samples: list[Sample]) -> float:
    hours, mib = zip(*samples, strict=True)
    return statistics.linear_regression(hours, mib).slope
