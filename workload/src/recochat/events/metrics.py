"""The metrics of an experiment on recochat, and how what a person did adds to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from recochat.events.base import Event
from recochat.experiments.base import Outcome
from recochat.experiments.metrics import DAYS, Metric

EDGES_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
_IDLE_S: Final = 30 * 60
_SCORES: Final = {"like": 5.0, "dislike": 1.0}

METRICS: Final = (
    Metric("adoption", "proportion", of="turns"),
    Metric("duration", "ratio", of="session_seconds", per="sessions"),
    Metric("completion", "ratio", of="completions", per="sessions"),
    Metric("satisfaction", "ratio", of="score", per="ratings"),
    Metric("return_rate", "proportion", of=DAYS, at_least=2),
    Metric("error_rate", "ratio", of="errors", per="requests"),
    Metric("response_time", "ratio", of="request_seconds", per="requests"),
    Metric(
        "slow_requests",
        "quantile",
        per="requests",
        edges={f"{edge:g}": f"over_{edge:g}" for edge in EDGES_S},
    ),
)


def of_request(status: int, seconds: float) -> dict[str, float]:
    """What one answered request adds."""
    adds = {"requests": 1.0, "request_seconds": seconds}
    if status >= 500:
        adds["errors"] = 1.0
    return adds | {f"over_{edge:g}": 1.0 for edge in EDGES_S if seconds > edge}


def of_turn(since_last_s: float | None) -> dict[str, float]:
    """What one turn of a conversation adds, so long after the one before; None: it is the first.

    After half an hour of silence it is another conversation, for the silence is no time spent.
    """
    if since_last_s is None or since_last_s > _IDLE_S:
        return {"turns": 1.0, "sessions": 1.0}
    return {"turns": 1.0, "session_seconds": max(0.0, since_last_s)}


def of_event(event: Event) -> list[Outcome]:
    """What an event adds. Any event says at least that the user was there on that day."""
    outcomes = [Outcome(event.event_id, event.at, _adds(event))]
    if event.session_id and event.name in ("like", "completion"):
        # A conversation is complete once, however many of its suggestions are liked.
        name = f"completion:{event.session_id}"
        outcomes.append(Outcome(name, event.at, {"completions": 1.0}))
    return outcomes


def _adds(event: Event) -> Mapping[str, float]:
    if event.name in _SCORES:
        return {"ratings": 1.0, "score": _SCORES[event.name]}
    if event.name == "rating" and event.value is not None and 1 <= event.value <= 5:
        return {"ratings": 1.0, "score": event.value}
    if event.name == "completion" and not event.session_id:
        return {"completions": 1.0}
    return {}
