"""What is released, what its users do, what should come of it, and the policy that decides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hack.demo.releases import HOST, image_values
from hack.experiment.crowd import Behaviour
from linnet.api.experiment import DEFAULT_METRICS, MetricKind, ValueLimit

SALT = "tone"
BUCKET_HEADER = "X-User-Bucket"
WEIGHT = 50
USERS, OPEN_S = 500, 30.0
"""So many users come within so many seconds of open time, half of which is night."""
DAY_S = 20
MINIMUM_S, DURATION_S = 90, 120
BASE = Behaviour()
"""What users of every stable version do."""


@dataclass(frozen=True)
class Trial:
    """One version. result: the experiment's. promoted: what becomes of the release.

    early: whether it is to be decided before the time from which on a success may be.
    """

    name: str
    summary: str
    behaviour: Behaviour
    result: str
    rule: str
    early: bool = False

    @property
    def promoted(self) -> bool:
        """Whether the version is to become stable."""
        return self.result == "Success"


TRIALS = (
    Trial(
        "v2",
        "answers that people like, and stay for",
        Behaviour(adopt=0.75, complete=0.8, back=0.35, pause_s=3.0, rating=4.0),
        "Success",
        "success",
    ),
    Trial(
        "v3",
        "more people try it, and nothing else changes",
        Behaviour(adopt=0.75, complete=0.48, rating=3.45),
        "Conditional",
        "unproven",
    ),
    Trial(
        "v4",
        "nothing changes",
        Behaviour(adopt=0.44, complete=0.49, rating=3.45),
        "Failure",
        "futile",
    ),
    Trial(
        "v5",
        "half of its users never arrive",
        Behaviour(lost=0.5),
        "Invalid",
        "",
        early=True,
    ),
    Trial(
        "v6",
        "annoys people",
        Behaviour(adopt=0.1, complete=0.3, back=0.1, rating=2.5),
        "Failure",
        "harm",
        early=True,
    ),
)


def metrics() -> list[dict[str, Any]]:
    """The default metrics, with a limit of the response time that a busy laptop keeps."""
    return [
        (
            metric.model_copy(update={"limit": ValueLimit(below=0.5)})
            if metric.kind is MetricKind.QUANTILE
            else metric
        ).model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for metric in DEFAULT_METRICS
    ]


def policy(
    hypothesis: str = "", minimum_s: int = MINIMUM_S, duration_s: int = DURATION_S
) -> dict[str, Any]:
    """The CanaryRelease's spec: two weeks of an experiment in two minutes."""
    return {
        "traffic": {"sticky": {"header": {"name": BUCKET_HEADER}}},
        "steps": [
            {
                "weight": WEIGHT,
                "hold": "5s",
                "experiment": {
                    "name": SALT,
                    "hypothesis": hypothesis,
                    "audience": "users of the demonstration",
                    "duration": f"{duration_s}s",
                    "minimumDuration": f"{minimum_s}s",
                    "metrics": metrics(),
                },
            },
            {"weight": 100, "hold": "5s"},
        ],
        "analysis": {
            "interval": "2s",
            "window": "10s",
            "minSamples": 3,
            "holdDeadline": "3m",
            # How fast a laptop is that runs all of this isn't what decides here.
            "metrics": [
                {"use": "errorRate"},
                {"use": "latencyP95", "rollback": {"above": 5000}, "advance": {"atMost": 5000}},
            ],
        },
        "canary": {"readyDeadline": "2m", "drainPeriod": "5s"},
        "promotion": {"progressDeadline": "3m"},
    }


def settings() -> list[dict[str, str]]:
    """recochat's environment, as its chart takes it."""
    chosen = {
        "RECOCHAT_EXPERIMENTS": f"{SALT}-*",
        "RECOCHAT_EXPERIMENT_DAY_S": str(DAY_S),
        "RECOCHAT_REDIS_TIMEOUT_MS": "5000",  # a busy laptop isn't what is shown
    }
    return [{"name": name, "value": value} for name, value in chosen.items()]


def values(
    version: str, image: str, redis_image: str, spec: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Values of recochat's chart, with a Redis of its own; spec: of its CanaryRelease."""
    return {
        "version": version,
        "image": image_values(image),
        "gateway": {
            "enabled": True,
            "parentRef": {"name": "public", "namespace": "gateway"},
            "hostnames": [HOST],
        },
        "redis": {"enabled": True, "image": redis_image},
        "extraEnv": settings(),
        "canaryRelease": {"enabled": spec is not None, "spec": dict(spec or {})},
    }
