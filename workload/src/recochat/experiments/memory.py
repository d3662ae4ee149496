"""Outcomes in the process: for development and one process; they end with it."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from recochat.experiments.base import (
    EXPERIMENTS,
    OUTCOMES_OF_USER,
    SERIES_DAYS,
    Outcome,
    Record,
    Subject,
    Totals,
)
from recochat.experiments.metrics import DAYS, Metric, Series, Term, letters, product, terms

_NOTHING: Final[Mapping[str, float]] = {}


@dataclass(slots=True)
class _Participant:
    """A user in one experiment."""

    variant: str
    segments: tuple[str, ...]
    before: Mapping[str, float]
    day: int = -1
    crossed: bool = False
    whole: dict[str, float] = field(default_factory=dict)
    today: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _User:
    """What is known of a user beyond experiments."""

    seen: dict[str, float] = field(default_factory=dict)
    """Until when each id is remembered."""
    history: dict[str, float] = field(default_factory=dict)
    last_day: int = -1


@dataclass(slots=True)
class _Experiment:
    first_day: int
    revision: int = 0
    used_at: float = 0.0
    sums: defaultdict[Series, float] = field(default_factory=lambda: defaultdict(float))
    users: dict[str, _Participant] = field(default_factory=dict)


class MemoryOutcomes:
    """Counts in the process. What is here is what the script of the Redis store does there."""

    def __init__(
        self, metrics: Sequence[Metric], day_s: float = 86400, ttl_s: float = 60 * 86400
    ) -> None:
        """Days last ``day_s`` seconds; an experiment is kept ``ttl_s`` after its last outcome."""
        self._terms, self._day_s, self._ttl_s = terms(metrics), day_s, ttl_s
        self._users: defaultdict[str, _User] = defaultdict(_User)
        self._experiments: OrderedDict[str, _Experiment] = OrderedDict()

    async def record(self, records: Sequence[Record], now: float) -> int:
        """Count ``records``; how many outcomes were new."""
        return sum(self._record(record, now) for record in records)

    async def totals(self) -> list[Totals]:
        """Each experiment's sums."""
        return [
            Totals(name, experiment.revision, dict(experiment.sums))
            for name, experiment in sorted(self._experiments.items())
        ]

    def _record(self, record: Record, now: float) -> int:
        user = self._users[record.subject.user_id]
        new = [outcome for outcome in record.outcomes if _first_time(user, outcome, now)]
        experiment = self._experiment(record.subject, now) if new else None
        for outcome in new:
            # Within a day of now: clocks of callers may be anywhere.
            day = int(max(min(outcome.at, now), now - self._day_s) // self._day_s)
            if experiment is not None:
                day_there = max(day, experiment.first_day)
                self._count(experiment, record.subject, outcome, day_there)
                experiment.revision += 1
            _add(user.history, outcome.adds)
            if day > user.last_day:
                user.last_day = day
                _add(user.history, {DAYS: 1.0})
        return len(new)

    def _experiment(self, subject: Subject, now: float) -> _Experiment | None:
        for name, old in list(self._experiments.items()):
            if old.used_at + self._ttl_s <= now:
                del self._experiments[name]
        found = self._experiments.get(subject.experiment)
        if found is None:
            if not subject.experiment or len(self._experiments) >= EXPERIMENTS:
                return None
            found = _Experiment(int(now // self._day_s))
            self._experiments[subject.experiment] = found
        found.used_at = now
        return found

    def _count(self, experiment: _Experiment, subject: Subject, outcome: Outcome, day: int) -> None:
        sums = experiment.sums
        user = experiment.users.get(subject.user_id)
        joins = user is None
        if user is None:
            before = dict(self._users[subject.user_id].history)
            user = _Participant(subject.variant, subject.segments, before)
            experiment.users[subject.user_id] = user
            for segment in ("", *user.segments):
                sums[Series(user.variant, segment)] += 1
        elif subject.variant != user.variant and not user.crossed:
            user.crossed = True
            sums[Series(user.variant, of="crossed")] += 1
        old, old_today = dict(user.whole), dict(user.today)
        begins = day > user.day
        if begins:
            user.day, user.today, old_today = day, {}, {}
            _add(user.whole, {DAYS: 1.0})
        _add(user.whole, outcome.adds)
        _add(user.today, outcome.adds)
        user.today[DAYS] = user.whole[DAYS]
        for term in self._terms:
            self._replace(sums, term, user, None if joins else old)
            if user.day < experiment.first_day + SERIES_DAYS:
                _replace_day(sums, term, user, None if begins else old_today)
        if begins and user.day < experiment.first_day + SERIES_DAYS:
            sums[Series(user.variant, day=str(user.day))] += 1

    def _replace(
        self,
        sums: defaultdict[Series, float],
        term: Term,
        user: _Participant,
        old: Mapping[str, float] | None,
    ) -> None:
        then = letters(term, old, user.before) if old is not None else None
        now = letters(term, user.whole, user.before)
        for of in term.sums:
            change = product(of, now) - (product(of, then) if then else 0.0)
            if not change:
                continue
            sums[Series(user.variant, "", "", term.metric, term.edge, of)] += change
            if of in term.parts:
                for segment in user.segments:
                    sums[Series(user.variant, segment, "", term.metric, term.edge, of)] += change


def _replace_day(
    sums: defaultdict[Series, float],
    term: Term,
    user: _Participant,
    old: Mapping[str, float] | None,
) -> None:
    then = letters(term, old, _NOTHING) if old is not None else None
    now = letters(term, user.today, _NOTHING)
    for of in term.parts:
        change = product(of, now) - (product(of, then) if then else 0.0)
        if change:
            day = str(user.day)
            sums[Series(user.variant, "", day, term.metric, term.edge, of)] += change


def _first_time(user: _User, outcome: Outcome, now: float) -> bool:
    """Whether an outcome is new; it is remembered from now on."""
    for event_id, until in list(user.seen.items()):
        if until <= now:
            del user.seen[event_id]
    if outcome.event_id in user.seen:
        return False
    user.seen[outcome.event_id] = now + outcome.remember_s
    if len(user.seen) > OUTCOMES_OF_USER:
        del user.seen[min(user.seen, key=lambda event_id: user.seen[event_id])]
    return True


def _add(values: dict[str, float], adds: Mapping[str, float]) -> None:
    for name, amount in adds.items():
        values[name] = values.get(name, 0.0) + amount
