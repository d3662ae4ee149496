"""The report of an experiment: one record, of which every form of it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from math import isfinite
from typing import Any

from linnet.api.experiment import Experiment, ExperimentMetric, Result
from linnet.experiment.data import Data, Health
from linnet.experiment.judge import Judgement, judge

ADVICE = {
    Result.SUCCESS: "Promote the treatment to all users.",
    Result.CONDITIONAL: "Hold for a person to decide: improve what is missing, and release again.",
    Result.FAILURE: "Roll the treatment back.",
}


@dataclass(frozen=True)
class Report:
    """What was tested, for whom, how long, what came of it, and what to do.

    control, treatment: the versions, as their release calls them.
    """

    name: str
    control: str
    treatment: str
    spec: Experiment
    started: datetime
    until: datetime
    health: tuple[Health, ...]
    found: Judgement

    @property
    def result(self) -> str:
        """Success, Conditional, Failure, Invalid or Running."""
        if self.found.invalid:
            return "Invalid"
        return str(self.found.result) if self.found.result else "Running"

    @property
    def advice(self) -> str:
        """What to do."""
        if self.found.invalid:
            return "Stop: find out how users were assigned, and start again with a new salt."
        if self.found.result is None:
            return "Let it run."
        return ADVICE[self.found.result]

    @property
    def why(self) -> str:
        """The rule that gave the result, and what it saw."""
        if self.found.invalid:
            return self.found.invalid
        if self.found.rule is None:
            return "no rule holds yet"
        (applied,) = (each for each in self.found.applied if each.rule is self.found.rule)
        return f"rule {self.found.rule.name}: {applied.told or 'no other rule held by the end'}"


def report(
    spec: Experiment,
    data: Data,
    now: datetime,
    name: str = "experiment",
    versions: tuple[str, str] = ("stable", "canary"),
) -> Report:
    """The report at a moment. versions: of control and treatment."""
    found = judge(spec, data, now)
    return Report(name, *versions, spec, data.started, data.until, data.health, found)


def metric_of(spec: Experiment, name: str) -> ExperimentMetric:
    """The metric of that name; there is one."""
    return next(metric for metric in spec.metrics if metric.name == name)


def as_json(told: Report) -> dict[str, Any]:
    """Plain data; names in camelCase, what is infinite or unknown as null."""
    return {
        **plain(told.found),
        "name": told.name,
        "result": told.result,
        "advice": told.advice,
        "why": told.why,
        "versions": {"control": told.control, "treatment": told.treatment},
        "started": told.started.isoformat(),
        "until": told.until.isoformat(),
        "experiment": told.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
        "health": plain(told.health),
    }


def plain(value: Any) -> Any:
    """A record, or what it is made of, as numbers, texts, lists and objects."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_camel(each.name): plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, timedelta):
        return value.total_seconds()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, frozenset):
        return sorted(str(each) for each in value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    return _number(value)


def _number(value: Any) -> Any:
    if isinstance(value, str | bool | int) or value is None:
        return value
    figure = float(value)  # also numpy's
    return figure if isfinite(figure) else None


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
