"""Half an hour of a steady load on recochat: does its memory grow?

300 requests a second of the standard mix for 30 minutes; LINNET_SOAK_RATE and LINNET_SOAK_MINUTES
change that. Three minutes of twice as many come before: an allocator keeps what the busiest moment
took, so a process that has seen none yet grows by a step whenever the machine stumbles. The slope
is of the means of each minute, after the first fifth, and in percent a day.
"""

from __future__ import annotations

import os
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

from hack.loadtest.__main__ import attack
from hack.loadtest.service import local
from hack.loadtest.watch import Watch
from tests.bench.soak_memory import Sample, growth

RATE = int(os.environ.get("LINNET_SOAK_RATE") or 300)
MINUTES = int(os.environ.get("LINNET_SOAK_MINUTES") or 30)
BUSIEST = 2
"""Times the rate, before the memory is looked at."""
WARM_UP = 0.2
MOST = 5.0
"""Percent a day."""


def main() -> dict[str, Any]:
    """Run; the bounds are those of the middle 95 % of resampled slopes."""
    out = Path("out/bench")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, local(out) as service:
        for rate, duration in ((BUSIEST * RATE, "3m"), (RATE, f"{MINUTES}m")):
            settings = {"RATE": str(rate), "DURATION": duration, "WARMUP": "30s", "SPIKE": "0"}
            with Watch(service.urls, service.processes) as watch:
                attack(service, settings, Path(folder) / "summary.json", watch)
        points = watch.series()["memory, MB"]
    minutes = means(points)
    kept = minutes[int(WARM_UP * len(minutes)) :]
    middle = sum(memory for _, memory in kept) / len(kept)
    slope, low, high = (24 * 100 * each / middle for each in growth(kept))
    print(
        f"{middle:.1f} MB resident, {slope:+.2f} % a day [{low:+.2f}, {high:+.2f}], "
        f"{MINUTES} min at {RATE} requests a second: {'kept' if slope < MOST else 'MISSED'}"
    )
    return {
        "minutes": MINUTES,
        "rate": RATE,
        "requests": watch.samples[-1].requests,
        "resident_mb": round(middle, 2),
        "mb_by_minute": [round(memory, 2) for _, memory in minutes],
        "percent_a_day": round(slope, 2),
        "interval_95": [round(low, 2), round(high, 2)],
    }


def means(points: list[tuple[float, float]]) -> list[Sample]:
    """Hours, and the mean of each minute: looks that follow each other say nearly the same."""
    found = []
    for minute, group in groupby(points, lambda point: int(point[0] // 60)):
        values = [value for _, value in group]
        found.append((minute / 60, sum(values) / len(values)))
    return found
