"""When the record of an experiment is kept, and what is in it.

It is for reports, and nothing is decided by it: where it can't be kept the release goes on, and it
is tried again.
"""

from dataclasses import replace
from datetime import datetime

from linnet.api.experiment_step import ExperimentStatus
from linnet.api.status import CanaryReleaseStatus
from linnet.core import experiments, steps
from linnet.core.actions import KeepExperiment
from linnet.core.decision import Situation
from linnet.experiment.data import Data
from linnet.experiment.judge import judge
from linnet.experiment.record import (
    LOOKS_PLANNED,
    Decided,
    Record,
    fitted,
    kept_as,
    noted,
)

VERSIONS = ("stable", "canary")


def kept(
    situation: Situation, status: CanaryReleaseStatus
) -> tuple[CanaryReleaseStatus, tuple[KeepExperiment, ...]]:
    """The status, and the action, where the record of its experiment is due."""
    known = status.experiment
    step = steps.step_at(situation.spec, known.weight).experiment if known else None
    if known is None or step is None or situation.observed.deleting_since is not None:
        return status, ()
    spec, data = step.at(known.weight), _data(situation, known)
    every = spec.duration / LOOKS_PLANNED
    last = known.recorded_at
    before = situation.status.experiment
    first = before is None or before.read_at is None
    more = data is not None and last is not None and (first or situation.now >= last + every)
    if not (more or last is None or last < _changed_at(known)):
        return status, ()
    record = Record(
        release=situation.observed.name,
        namespace=situation.observed.namespace,
        id=known.id,
        revision=known.revision,
        versions=(status.stable_revision or VERSIONS[0], known.revision),
        spec=spec,
        data=data or Data(known.started_at, known.started_at, (0.0, 0.0)),
        result=known.result,
        rule=known.rule,
        decided=_decided(known),
        ended_at=known.ended_at,
    )
    known = known.model_copy(update={"recorded_at": situation.now})
    name = kept_as(record.release, record.revision)
    action = KeepExperiment(record, name, situation.now, fresh=data is not None)
    return status.model_copy(update={"experiment": known}), (action,)


def _changed_at(known: ExperimentStatus) -> datetime:
    """When something came about that the record has to have."""
    decided = known.decided.at if known.decided else known.started_at
    return max(known.started_at, known.ended_at or known.started_at, decided)


def _data(situation: Situation, known: ExperimentStatus) -> Data | None:
    seen = situation.observed.experiment
    if seen is None or seen.id != known.id or seen.data is None:
        return None
    return experiments.with_health(situation.status, seen.data)


def _decided(known: ExperimentStatus) -> Decided | None:
    word = known.decided
    return Decided(word.result, word.by, word.reason, word.at) if word else None


def unkept(status: CanaryReleaseStatus) -> CanaryReleaseStatus:
    """The status where the record was not kept after all: it is due at once."""
    known = status.experiment
    if known is None:
        return status
    known = known.model_copy(update={"recorded_at": None})
    return status.model_copy(update={"experiment": known})


def merged(former: Record | None, wanted: KeepExperiment) -> Record:
    """What is to be kept. former: what is; None where nothing is, or nothing that can be read."""
    new = wanted.record
    base = former if former is not None and former.id == new.id else None
    record = replace(base or new, spec=new.spec, looks=base.looks if base else ())
    if wanted.fresh:
        found = judge(new.spec, new.data, wanted.at)
        record = noted(replace(record, ended_at=None), new.data, found, wanted.at)
    return fitted(
        replace(
            record,
            result=new.result,
            rule=new.rule,
            decided=new.decided,
            ended_at=new.ended_at,
        )
    )
