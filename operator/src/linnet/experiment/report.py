"""The report of an experiment: one record, of which every form of it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from math import isfinite
from typing import Any

from linnet.api.experiment import Experiment, ExperimentMetric, ExperimentResult
from linnet.experiment.data import Data, Health
from linnet.experiment.judge import Judgement, judge
from linnet.experiment.record import Decided, Record, judged

ADVICE = {
    ExperimentResult.RUNNING: "Let it run.",
    ExperimentResult.SUCCESS: "Promote the treatment to all users.",
    ExperimentResult.CONDITIONAL: (
        "Hold for a person to decide: improve what is missing, and release again."
    ),
    ExperimentResult.FAILURE: "Roll the treatment back.",
    ExperimentResult.INVALID: (
        "Stop: find out how users were assigned, and start again with a new salt."
    ),
    ExperimentResult.STOPPED: "Hold for a person to decide: it ended before its time.",
}


@dataclass(frozen=True)
class Report:
    """What was tested, for whom, how long, what came of it, and what to do.

    control, treatment: the versions, as their release calls them. kept: what came of it, where that
    is more than the judgement; None where it runs, or was only read. rule: the name of the one that
    gave that. decided: who ended it, if a person did.
    """

    name: str
    control: str
    treatment: str
    spec: Experiment
    started: datetime
    until: datetime
    health: tuple[Health, ...]
    found: Judgement
    kept: ExperimentResult | None = None
    rule: str = ""
    decided: Decided | None = None

    @property
    def result(self) -> ExperimentResult:
        """What came of it."""
        return judged(self.found) if self.kept is None else self.kept

    @property
    def advice(self) -> str:
        """What to do."""
        return ADVICE[self.result]

    @property
    def why(self) -> str:
        """What gave the result: a person, a mismatch, or a rule and what it saw."""
        if self.decided is not None:
            return self._word_of_a_person(self.decided)
        if self.found.invalid and self.result is ExperimentResult.INVALID:
            return self.found.invalid
        if self.result is ExperimentResult.RUNNING:
            return "no rule holds yet"
        decided = self.found.rule
        if decided is None or self.rule not in ("", decided.name):
            return f"rule {self.rule}" if self.rule else "no rule was asked"
        (applied,) = (each for each in self.found.applied if each.rule is decided)
        return f"rule {decided.name}: {applied.told or 'no other rule held by the end'}"

    def _word_of_a_person(self, decided: Decided) -> str:
        verb = "stopped" if decided.result is ExperimentResult.STOPPED else "decided"
        reason = f": {decided.reason}" if decided.reason else ""
        return f"{verb} by {decided.by or 'somebody'}{reason}"


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


def of_record(record: Record, now: datetime) -> Report:
    """The report of what was kept: as it ended, or as it stands.

    Raises ValueError where the record's data can't be judged.
    """
    try:
        told = report(record.spec, record.data, record.ended_at or now, record.id, record.versions)
    except ArithmeticError as error:
        raise ValueError(f"its data can't be judged: {error}") from error
    kept = None if record.result is ExperimentResult.RUNNING else record.result
    return replace(told, kept=kept, rule=record.rule, decided=record.decided)


def metric_of(spec: Experiment, name: str) -> ExperimentMetric:
    """The metric of that name; there is one."""
    return next(metric for metric in spec.metrics if metric.name == name)


def as_json(told: Report) -> dict[str, Any]:
    """Plain data; names in camelCase, what is infinite or unknown as null."""
    return {
        **plain(told.found),
        "name": told.name,
        "result": str(told.result),
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
