"""The whole judgement: what every metric says, whether the data can be trusted, and the result.

A function of spec, data and a moment. It keeps no state: what it says may be asked for again at any
time, and the promise on false claims covers all the times at which it is asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from linnet.api.experiment import Correction, Experiment, Result, ResultRule, Role
from linnet.experiment.data import Data
from linnet.experiment.policy import Applied, apply
from linnet.experiment.reading import FEWEST, Moment, Reading, adjust, moment, read
from linnet.experiment.sections import ByDay, BySegment, by_day, by_segment
from linnet.stats.experiment import allocation, family

MISMATCH_ALPHA = 0.001
"""Chance of calling a rightly drawn experiment a mismatch, at all looks together."""

CROSSED = 0.01
"""Share of users who were served both variants above which it is warned of."""

STALE = timedelta(hours=1)
"""Data older than this are warned of."""


@dataclass(frozen=True)
class Allocation:
    """Users against the plan. p_value: for any look; single: of Pearson's test, for one look."""

    users: tuple[float, float]
    planned: tuple[float, float]
    p_value: float
    single: float

    @property
    def mismatch(self) -> bool:
        """Whether the experiment is invalid for it."""
        return self.p_value <= MISMATCH_ALPHA


@dataclass(frozen=True)
class Judgement:
    """What is known at a moment.

    result: None while it runs, or where it is invalid. rule: the one that gave it. invalid: why the
    data can't be trusted; '' if they can.
    """

    passed: timedelta
    share_passed: float
    allocation: Allocation
    readings: tuple[Reading, ...]
    applied: tuple[Applied, ...]
    result: Result | None
    rule: ResultRule | None
    invalid: str
    warnings: tuple[str, ...]
    segments: tuple[BySegment, ...] = ()
    days: tuple[ByDay, ...] = ()


def judge(spec: Experiment, data: Data, now: datetime) -> Judgement:
    """The judgement at a moment, with all that the data hold by then."""
    passed = max(min(now, data.until) - data.started, timedelta())
    share = passed / spec.duration
    at = moment(spec, share)
    allocated = allocate(spec, data)
    invalid = _invalid(allocated)
    readings = read_all(spec, data, at)
    states = {reading.name: reading.states for reading in readings}
    applied = apply(spec, states, passed)
    rule = next((each.rule for each in applied if each.holds), None)
    rule = None if invalid else rule
    segments, days = _sections(spec, data, at)
    return Judgement(
        passed,
        share,
        allocated,
        readings,
        applied,
        rule.result if rule else None,
        rule,
        invalid,
        (*_warnings(data, now, readings, segments, days), *uneven(data, allocated.planned)),
        segments,
        days,
    )


def allocate(spec: Experiment, data: Data) -> Allocation:
    """Whether users were drawn as planned."""
    treated = spec.treatment_percent / 100
    planned = (1 - treated, treated)
    return Allocation(
        data.users,
        planned,
        allocation.p_value(data.users, planned),
        allocation.chi_square_p(data.users, planned),
    )


def _invalid(found: Allocation) -> str:
    if not found.mismatch:
        return ""
    share = 100 * found.users[1] / sum(found.users)
    return (
        f"sample ratio mismatch: {share:.2f} % of users have the treatment and "
        f"{100 * found.planned[1]:g} % should (p = {found.p_value:.2g}): users are lost or drawn "
        "with a bias, and no comparison is to be trusted"
    )


def read_all(spec: Experiment, data: Data, at: Moment) -> tuple[Reading, ...]:
    """All metrics' readings, with goals adjusted for their number."""
    readings = [read(spec, metric, data.metrics.get(metric.name), at) for metric in spec.metrics]
    goals = [r for r, m in zip(readings, spec.metrics, strict=True) if m.role is Role.GOAL]
    match spec.correction:
        case Correction.HOLM:
            adjusted = family.holm([reading.p_value for reading in goals])
        case Correction.BONFERRONI:
            adjusted = family.bonferroni([reading.p_value for reading in goals])
        case Correction.E_BH:
            adjusted = family.e_bh([reading.log_e for reading in goals])
    return adjust(spec, readings, adjusted)


def _sections(
    spec: Experiment, data: Data, at: Moment
) -> tuple[tuple[BySegment, ...], tuple[ByDay, ...]]:
    segments: list[BySegment] = []
    days: list[ByDay] = []
    for metric in spec.metrics:
        measured = data.metrics.get(metric.name)
        if measured is None:
            continue
        segments += by_segment(metric, measured, at)
        if (found := by_day(metric, measured)) is not None:
            days.append(found)
    return tuple(segments), tuple(days)


def _warnings(
    data: Data,
    now: datetime,
    readings: tuple[Reading, ...],
    segments: tuple[BySegment, ...],
    days: tuple[ByDay, ...],
) -> Iterator[str]:
    if now - data.until > STALE:
        yield f"the data are {round((now - data.until) / timedelta(hours=1))} hours old"
    if sum(data.crossed) > CROSSED * sum(data.users):
        yield f"{sum(data.crossed):,.0f} users were served both variants, which hides effects"
    for reading in readings:
        if reading.name not in data.metrics:
            yield f"{reading.name}: no data"
        elif not reading.enough:
            yield f"{reading.name}: fewer than {FEWEST} in a variant, so nothing is claimed"
    for each in segments:
        if each.found.reversed:
            yield (
                f"{each.metric}: by {each.dimension} the effect is the opposite of the whole's "
                "(Simpson's paradox): the variants' users differ, so see how they were assigned"
            )
    yield from (told for day in days if (told := _changed(day)))
    for health in data.health:
        if not health.well:
            yield f"{health.name}: {health.told or 'is not well'}"


def uneven(data: Data, planned: tuple[float, float]) -> Iterator[str]:
    """Segments whose users were not drawn as planned: where a mismatch comes from.

    Each dimension is looked at once, in the first metric that has it, and corrected for its
    segments.
    """
    seen: set[str] = set()
    for measured in data.metrics.values():
        for dimension, parts in measured.segments.items():
            if dimension in seen:
                continue
            seen.add(dimension)
            for name, both in parts.items():
                users = float(both.control.users), float(both.treatment.users)
                if allocation.p_value(users, planned) <= MISMATCH_ALPHA / len(parts):
                    share = 100 * users[1] / sum(users)
                    yield f"{dimension} {name}: {share:.3g} % of its users have the treatment"


def _changed(found: ByDay) -> str:
    """That the effect has changed over the days; '' if not."""
    if found.trend is None or not (found.trend.fades or found.trend.grows):
        return ""
    how = "fades" if found.trend.fades else "grows"
    return (
        f"{found.metric}: the effect {how}, from {found.trend.first:.3g} in the first half to "
        f"{found.trend.second:.3g} in the second: a longer run tells what remains"
    )
