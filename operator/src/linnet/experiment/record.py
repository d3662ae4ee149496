"""What is kept of an experiment: what was asked, what users did, each look, and what came of it.

A record is all that a report is made of, so there is one long after the release. It is kept as JSON
in a ConfigMap (key `KEY`), which holds a megabyte: no more than `LIMIT_BYTES` are written.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from linnet.api.experiment import Experiment, ExperimentResult
from linnet.experiment.data import Data
from linnet.experiment.judge import Judgement
from linnet.experiment.kept import (
    LARGEST,
    estimate,
    maybe,
    member,
    moment,
    objects,
    pair,
    spec_of,
    text,
)

KEY = "record.json"
"""Where the ConfigMap has it."""
LABEL_EXPERIMENT = "linnet.dev/experiment"
"""Label of the ConfigMap: the experiment's id."""

LIMIT_BYTES = 900 * 1024
LOOKS_PLANNED = 200
"""Looks that are kept of the planned time, at most."""
LOOKS_LIMIT = 400
"""Looks that are kept at most, however long it runs."""


@dataclass(frozen=True)
class Estimate:
    """A metric's effect and its interval, in the spec's units; None where nothing is known."""

    effect: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Look:
    """What was known at a moment. users: of control and treatment. metrics: by name."""

    at: datetime
    users: tuple[float, float]
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True)
class Decided:
    """What a person decided.

    result: Success, Failure or Stopped. by: as the API server knows them.
    """

    result: ExperimentResult
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Record:
    """One experiment.

    id: the label of its metrics. revision: the canary's. versions: of control and treatment, as
    their release calls them. data: as last read; its start is the experiment's. looks: oldest
    first. rule: the name of the one that gave the result, '' where none did. decided: None where no
    person did. ended_at: None while it runs.
    """

    release: str
    namespace: str
    id: str
    revision: str
    versions: tuple[str, str]
    spec: Experiment
    data: Data
    looks: tuple[Look, ...] = ()
    result: ExperimentResult = ExperimentResult.RUNNING
    rule: str = ""
    decided: Decided | None = None
    ended_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Numbers, texts and lists and objects of them; `from_json` gives the same record."""
        told: dict[str, Any] = {
            "release": self.release,
            "namespace": self.namespace,
            "id": self.id,
            "revision": self.revision,
            "versions": {"control": self.versions[0], "treatment": self.versions[1]},
            "spec": self.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
            "data": self.data.to_json(),
            "looks": [_look_json(look) for look in self.looks],
            "result": str(self.result),
            "rule": self.rule,
        }
        if self.decided is not None:
            decided = {**vars(self.decided), "result": str(self.decided.result)}
            told["decided"] = decided | {"at": self.decided.at.isoformat()}
        if self.ended_at is not None:
            told["endedAt"] = self.ended_at.isoformat()
        return told

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """What `to_json` wrote. Unknown fields are passed over, but unknown sums are refused.

        Raises ValueError, which names the place, where a field is missing or can't be.
        """
        found = member(data, "")
        measured = member(found.get("data"), "data")
        try:
            read = Data.from_json(measured)
        except ValueError as error:
            raise ValueError(f"data.{error}") from error
        versions = member(found.get("versions"), "versions")
        return cls(
            text(found, "release"),
            text(found, "namespace"),
            text(found, "id"),
            text(found, "revision"),
            (text(versions, "control", "versions"), text(versions, "treatment", "versions")),
            spec_of(found.get("spec")),
            read,
            tuple(_look(each, place) for each, place in objects(found, "looks")),
            _result(found, "result"),
            text(found, "rule"),
            maybe(found, "decided", _decided),
            maybe(found, "endedAt", moment),
        )

    def to_text(self) -> str:
        """As it is kept."""
        return json.dumps(self.to_json(), separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_text(cls, kept: str) -> Self:
        """What `to_text` wrote.

        Raises ValueError, which names the place, where it can't be read.
        """
        try:
            data = json.loads(kept)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"is no JSON: {error}") from error
        return cls.from_json(data)


def experiment_id(name: str, revision: str) -> str:
    """What tells an experiment's users and sums from others'; a label's value."""
    return f"{name}-{revision}"[:63].rstrip("-._")


def kept_as(release: str, revision: str) -> str:
    """The name of the ConfigMap."""
    return f"{release}-experiment-{revision}"


def judged(judgement: Judgement) -> ExperimentResult:
    """The result that a judgement gives."""
    if judgement.invalid:
        return ExperimentResult.INVALID
    return ExperimentResult(judgement.result or ExperimentResult.RUNNING)


def noted(record: Record, data: Data, judgement: Judgement, now: datetime) -> Record:
    """The record with what was read, and with a look if the last one is long enough ago.

    It says nothing of the result: whoever acts on a judgement sets that. What has ended stays.
    """
    if record.ended_at is not None:
        return record
    looks = record.looks
    if not looks or now - looks[-1].at >= record.spec.duration / LOOKS_PLANNED:
        looks = _thinned((*looks, _seen(data, judgement, now)))
    return fitted(replace(record, data=data, looks=looks))


def fitted(record: Record) -> Record:
    """The record, without what only explains as far as it is too long: looks, days, segments."""
    for shorten in SHORTER:
        if len(record.to_text().encode()) <= LIMIT_BYTES:
            break
        record = shorten(record)
    return record


def _seen(data: Data, judgement: Judgement, now: datetime) -> Look:
    metrics = {
        reading.name: Estimate(
            _short(reading.effect), _short(reading.interval.low), _short(reading.interval.high)
        )
        for reading in judgement.readings
    }
    return Look(now, data.users, metrics)


def _short(figure: float) -> float | None:
    """As precise as anybody looks at; None where it says nothing."""
    return float(f"{figure:.6g}") if abs(figure) < LARGEST / 2 else None


def _thinned(looks: tuple[Look, ...]) -> tuple[Look, ...]:
    """Where there are too many, those that are a three-hundredth of the whole time apart."""
    if len(looks) <= LOOKS_LIMIT:
        return looks
    gap = (looks[-1].at - looks[0].at) / 300
    kept = [looks[0]]
    for look in looks[1:-1]:
        if look.at - kept[-1].at >= gap:
            kept.append(look)
    return (*kept, looks[-1])


def _fewer_looks(record: Record) -> Record:
    looks = record.looks
    return replace(record, looks=(*looks[:-1][::4], *looks[-1:]))


def _without_days(record: Record) -> Record:
    metrics = {name: replace(each, days=()) for name, each in record.data.metrics.items()}
    return replace(record, data=replace(record.data, metrics=metrics))


def _without_segments(record: Record) -> Record:
    metrics = {name: replace(each, segments={}) for name, each in record.data.metrics.items()}
    return replace(record, data=replace(record.data, metrics=metrics))


def _last_look(record: Record) -> Record:
    return replace(record, looks=record.looks[-1:])


SHORTER: tuple[Callable[[Record], Record], ...] = (
    _fewer_looks,
    _without_days,
    _without_segments,
    _last_look,
)


def _look_json(look: Look) -> dict[str, Any]:
    return {
        "at": look.at.isoformat(),
        "users": list(look.users),
        "metrics": {
            name: [each.effect, each.low, each.high] for name, each in look.metrics.items()
        },
    }


def _look(data: Mapping[str, Any], place: str) -> Look:
    metrics = member(data.get("metrics"), f"{place}.metrics")
    return Look(
        moment(data.get("at"), f"{place}.at"),
        pair(data.get("users"), f"{place}.users"),
        {
            name: Estimate(*estimate(each, f"{place}.metrics.{name}"))
            for name, each in metrics.items()
        },
    )


def _result(data: Mapping[str, Any], name: str, place: str = "") -> ExperimentResult:
    found = text(data, name, place)
    try:
        return ExperimentResult(found)
    except ValueError as error:
        raise ValueError(f"{place}.{name}: is no result: {found!r}".removeprefix(".")) from error


def _decided(data: Any, place: str) -> Decided:
    found = member(data, place)
    return Decided(
        _result(found, "result", place),
        text(found, "by", place),
        text(found, "reason", place),
        moment(found.get("at"), f"{place}.at"),
    )
