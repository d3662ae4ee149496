"""What the demonstration releases, what should come of it, and the policy that it runs under."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NAMESPACE = "shop"
NAME = "recochat"
STEPS = (5, 10, 50, 100)
MIN_REQUESTS = 2000
"""A step's split is judged over at least so many requests."""
SETTLE_S = 1
"""The split counts from that long after the route has reported a weight: a busy gateway takes
a moment to do what it has reported."""
WINDOW_S, INTERVAL_S, MIN_SAMPLES, DRAIN_S = 10, 2, 3, 5
_SPARE = 1.1

HOST = "shop.localhost"
"""The route takes only this host, and leaves the rest of the gateway to others."""
REQUEST = {"user_id": "user-007", "persona": "explorer", "limit": 3}
PATH = "/api/v2/recommendations"


@dataclass(frozen=True)
class Release:
    """One version of the workload.

    faults: values below `demo.faults` of the chart. reasons: why it may be rolled back; empty
    for a version that is to be promoted.
    """

    name: str
    summary: str
    faults: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """The outcome that it should have."""
        return "RolledBack" if self.reasons else "Promoted"


RELEASES = (
    Release("v2", "a good version"),
    Release(
        "v3",
        "answers 5 % with an error",
        {"errorShare": 0.05},
        ("ErrorRateBreached", "AvailabilityBreached"),
    ),
    Release("v4", "700 ms slower", {"latencyMs": 700}, ("LatencyP95Breached",)),
    Release("v5", "crashes at its start", {"crashAfterS": 0}, ("CanaryFailing",)),
    # Slow enough that the limit for a rollback comes well before the one that kills the process.
    Release("v6", "leaks memory", {"leakMbPerS": 2}, ("MemoryBreached",)),
)


def hold_seconds(rate: float) -> int:
    """How long a step is held, so that it sees enough requests and enough measurements."""
    for_requests = math.ceil(MIN_REQUESTS * _SPARE / rate) + SETTLE_S
    return max(for_requests, WINDOW_S + INTERVAL_S * MIN_SAMPLES)


def policy(rate: float) -> dict[str, Any]:
    """The CanaryRelease's spec: the default steps and checks, in seconds instead of minutes."""
    hold = f"{hold_seconds(rate)}s"
    return {
        "steps": [{"weight": weight, "hold": hold} for weight in STEPS],
        "analysis": {
            "interval": f"{INTERVAL_S}s",
            "window": f"{WINDOW_S}s",
            "minSamples": MIN_SAMPLES,
            "holdDeadline": "3m",
        },
        "canary": {"readyDeadline": "2m", "drainPeriod": f"{DRAIN_S}s"},
        "promotion": {"progressDeadline": "3m"},
    }


def image_values(ref: str) -> dict[str, str]:
    """The chart's `image` for a full image name."""
    repository, _, tag = ref.rpartition(":")
    return {"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"}


def values(
    version: str, image: str, rate: float, *, guarded: bool, faults: Mapping[str, float] | None
) -> dict[str, Any]:
    """Values of the recochat chart. guarded: with its CanaryRelease."""
    return {
        "version": version,
        "image": image_values(image),
        "gateway": {
            "enabled": True,
            "parentRef": {"name": "public", "namespace": "gateway"},
            "hostnames": [HOST],
        },
        "canaryRelease": {"enabled": guarded, "spec": policy(rate)},
        "demo": {"enabled": bool(faults), "faults": dict(faults or {})},
    }
