"""One release as it passes by: what its status said, put together. Reads no clock, does no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hack.demo.releases import Release
from linnet.api.status import CanaryReleaseStatus, DecisionKind, HistoryEntry, Phase

_OUTCOMES = {
    Phase.PROMOTED: DecisionKind.PROMOTED,
    Phase.ROLLED_BACK: DecisionKind.ROLLED_BACK,
}
_MOVES = {
    DecisionKind.ADVANCED,
    DecisionKind.RETURNED,
    DecisionKind.ROLLED_BACK,
    DecisionKind.REVERTED,
    DecisionKind.SUPERSEDED,
}
UNFINISHED = "Unfinished"


@dataclass(frozen=True)
class AtWeight:
    """A time during which the route reported the weight that was asked for."""

    weight: int
    since: float
    until: float | None


@dataclass
class Progress:
    """What is known of one release. Times are unix seconds.

    started: when its template was sent. ended: when it came to rest. crashed: when a container of
    the canary was first seen to have ended.
    """

    release: Release
    started: float
    status: CanaryReleaseStatus | None = None
    history: list[HistoryEntry] = field(default_factory=list)
    ended: float | None = None
    crashed: float | None = None
    _weights: dict[float, int] = field(default_factory=dict)

    def take(self, status: CanaryReleaseStatus, now: float) -> list[HistoryEntry]:
        """Take in a status that was just seen; the result is what was decided since the last."""
        if self.ended is not None:
            return []
        self.status = status
        known = set(self.history)
        fresh = [
            entry
            for entry in status.history
            if entry.at.timestamp() >= self.started and entry not in known
        ]
        self.history += fresh
        weight = status.weight
        if weight.wanted and weight.seen == weight.wanted and weight.seen_since is not None:
            self._weights.setdefault(weight.seen_since.timestamp(), weight.wanted)
        wanted = _OUTCOMES.get(status.phase)
        if any(entry.decision is wanted for entry in self.history):
            self.ended = now
        return fresh

    def take_pod(self, pod: Mapping[str, Any], now: float) -> None:
        """Take in a pod of the canary that was just seen."""
        if self.crashed is None and self.ended is None and _crashed(pod):
            self.crashed = now

    def weights(self) -> list[AtWeight]:
        """Each weight with the time that it was on the route; `until` is None for the last one."""
        moves = sorted(e.at.timestamp() for e in self.history if e.decision in _MOVES)
        return [
            AtWeight(weight, since, next((at for at in moves if at > since), None))
            for since, weight in sorted(self._weights.items())
        ]

    @property
    def moved(self) -> float:
        """When the weight was last moved, or last seen where it should be."""
        moves = (e.at.timestamp() for e in self.history if e.decision in _MOVES)
        return max((self.started, *self._weights, *moves))

    @property
    def ending(self) -> HistoryEntry | None:
        """The decision that ended the release."""
        kinds = set(_OUTCOMES.values())
        return next((entry for entry in self.history if entry.decision in kinds), None)

    @property
    def outcome(self) -> str:
        """Promoted, RolledBack or Unfinished."""
        ending = self.ending
        return str(ending.decision) if ending is not None and self.ended is not None else UNFINISHED

    @property
    def reason(self) -> str:
        """The rule of the decision that ended the release."""
        return self.ending.reason if self.ending is not None else ""

    @property
    def as_expected(self) -> bool:
        """Whether it ended as the release should."""
        release = self.release
        fits = not release.reasons or self.reason in release.reasons
        return self.outcome == release.expected and fits


def _crashed(pod: Mapping[str, Any]) -> bool:
    for container in pod.get("status", {}).get("containerStatuses") or ():
        states = (container.get("state") or {}, container.get("lastState") or {})
        if any("terminated" in state for state in states):
            return True
        if (states[0].get("waiting") or {}).get("reason") == "CrashLoopBackOff":
            return True
    return False
