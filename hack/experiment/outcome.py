"""What came of one version, against what should have. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hack.experiment.releases import MINIMUM_S, Trial
from hack.experiment.truth import Comparison
from hack.experiment.visits import Asked
from linnet.api.experiment_step import ExperimentStatus


@dataclass(frozen=True)
class Outcome:
    """One release that is over.

    seconds: of the experiment. requests: of users; failed: without a good answer; outside: not
    counted in the experiment, as it was over. counts: the exported sums against what users saw.
    """

    trial: Trial
    experiment: str
    result: str
    rule: str
    message: str
    seconds: float
    promoted: bool
    requests: int
    failed: int
    outside: int
    counts: Comparison
    metrics: tuple[Mapping[str, Any], ...] = ()

    @property
    def wrong(self) -> tuple[str, ...]:
        """What is not as it should be."""
        return tuple(self._wrong())

    def _wrong(self) -> Iterator[str]:
        trial = self.trial
        if (self.result, self.rule) != (trial.result, trial.rule):
            yield f"{self.result} {self.rule}, expected {trial.result} {trial.rule}".strip()
        if self.promoted != trial.promoted:
            yield "promoted" if self.promoted else "not promoted"
        if trial.early and self.seconds >= MINIMUM_S:
            yield f"decided after {self.seconds:.0f} s, expected before {MINIMUM_S}"
        if self.failed:
            yield f"{self.failed} requests failed"
        yield from self.counts.wrong
        if not self.counts.users:
            yield "nobody was counted"

    def lines(self) -> Iterator[str]:
        """For people."""
        sign = "✗" if self.wrong else "✓"
        end = "promoted" if self.promoted else "rolled back"
        rule = f" (rule {self.rule})" if self.rule else ""
        yield f"{sign} {self.result}{rule} after {self.seconds:.0f} s, {end}"
        users = " and ".join(f"{n} users of {name}" for name, n in self.counts.users.items())
        yield (
            f"{users or 'no users'}: {self.counts.exact} sums exact, {self.counts.within} within "
            f"bounds, {len(self.counts.wrong)} wrong"
        )
        yield from (f"✗ {each}" for each in self.wrong)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "version": self.trial.name,
            "summary": self.trial.summary,
            "experiment": self.experiment,
            "result": self.result,
            "rule": self.rule,
            "message": self.message,
            "expected": {"result": self.trial.result, "rule": self.trial.rule},
            "promoted": self.promoted,
            "experiment_s": round(self.seconds, 1),
            "requests": self.requests,
            "requests_failed": self.failed,
            "requests_outside": self.outside,
            "users": dict(self.counts.users),
            "sums_exact": self.counts.exact,
            "sums_within_bounds": self.counts.within,
            "sums_wrong": list(self.counts.wrong),
            "metrics": list(self.metrics),
            "wrong": list(self.wrong),
        }


def of(
    trial: Trial,
    ended: ExperimentStatus,
    seen: Sequence[Asked],
    counts: Comparison,
    *,
    promoted: bool,
) -> Outcome:
    """Put together what status tells of an experiment that has ended, and what users saw."""
    over = ended.ended_at or ended.looked_at or ended.started_at
    return Outcome(
        trial=trial,
        experiment=ended.id,
        result=str(ended.result),
        rule=ended.rule,
        message=ended.message,
        seconds=(over - ended.started_at).total_seconds(),
        promoted=promoted,
        requests=len(seen),
        failed=sum(not 200 <= asked.status < 300 for asked in seen),
        outside=sum(asked.experiment != ended.id for asked in seen),
        counts=counts,
        metrics=tuple(
            each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in ended.metrics
        ),
    )
