"""The past that `docs/rehearse.md` tests a policy on: `python -m hack.example_export`.

A day of a service with about 40 requests a second, its counters read every five minutes. In a
quarter of an hour of it 4 % of the requests failed.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

TARGET = Path("docs/examples/export.json")
BEGIN, STEP_S, STEPS = 1_790_000_000, 300, 288
BAD = range(156, 159)
EDGES = {"0.05": 0.62, "0.1": 0.97, "0.25": 0.998, "0.5": 1.0, "+Inf": 1.0}
"""Upper bounds of the histogram, and the share of the requests up to each."""


def export() -> str:
    """What /api/v1/query_range would answer."""
    rng = np.random.default_rng(4)
    hours = 2 * np.pi * np.arange(STEPS) / STEPS
    requests = rng.poisson(40 * STEP_S * (1 + 0.5 * np.sin(hours)))
    share = np.where(np.isin(np.arange(STEPS), BAD), 0.04, 0.002)
    failed = rng.binomial(requests, share)
    series = [
        _series({"status": "200"}, requests - failed),
        _series({"status": "500"}, failed),
        *(_series({"le": le}, np.round(requests * part)) for le, part in EDGES.items()),
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    return json.dumps(answer, separators=(",", ":")) + "\n"


def _series(labels: Mapping[str, str], counted: np.ndarray) -> dict[str, object]:
    counter = np.concatenate([[0], np.cumsum(counted)])
    values = [[BEGIN + STEP_S * i, f"{value:.0f}"] for i, value in enumerate(counter)]
    return {"metric": {"pod": "shop-1", **labels}, "values": values}


def main() -> int:
    """Write the file anew."""
    TARGET.write_text(export())
    return 0


if __name__ == "__main__":
    sys.exit(main())
