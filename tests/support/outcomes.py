"""Outcomes of many users, and the sums that they must lead to, reckoned anew."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Sequence

from recochat.experiments.base import Outcome, Record, Subject
from recochat.experiments.metrics import Metric, Series

DAY_S = 86400.0
START = 1_800_000_000.0 - 1_800_000_000.0 % DAY_S
METRICS = (
    Metric("adoption", "proportion", "turns"),
    Metric("spend", "mean", "spend"),
    Metric("duration", "ratio", "seconds", "sessions"),
    Metric("return_rate", "proportion", "days", at_least=2),
    Metric("slow", "quantile", per="sessions", edges={"0.1": "over_0.1", "1": "over_1"}),
)
VARIABLES = ("turns", "spend", "seconds", "sessions", "over_0.1", "over_1")


def drawn(users: int, events: int, days: int, seed: int) -> list[tuple[float, Record]]:
    """Events of users in the order and at the times at which they come; all in one experiment."""
    draw = random.Random(seed)  # noqa: S311 - not a secret
    times = sorted(START + draw.random() * days * DAY_S for _ in range(events))
    made = []
    for number, now in enumerate(times):
        user = draw.randrange(users)
        adds = {name: draw.choice((0.0, 1.0, 2.5)) for name in draw.sample(VARIABLES, 3)}
        segments = (f"size:{user % 3}", f"new:{user % 2}")
        subject = Subject(f"user-{user}", "tone", ("control", "treatment")[user % 2], segments)
        made.append((now, Record(subject, [Outcome(f"e{number}", now, adds)])))
    return made


def reckoned(events: Sequence[tuple[float, Record]]) -> dict[Series, float]:
    """The sums over ``events``, all of one experiment and of users without a history."""
    sums: defaultdict[Series, float] = defaultdict(float)
    users: defaultdict[str, list[tuple[Subject, Outcome]]] = defaultdict(list)
    for _, record in events:
        users[record.subject.user_id] += [(record.subject, o) for o in record.outcomes]
    for done in users.values():
        first = done[0][0]
        days = sorted({int(o.at // DAY_S) for _, o in done})
        whole = _values([o for _, o in done], len(days))
        for segment in ("", *first.segments):
            _add(sums, Series(first.variant, segment), whole)
        for active, day in enumerate(days, start=1):
            today = _values([o for _, o in done if int(o.at // DAY_S) == day], active)
            _add(sums, Series(first.variant, day=str(day)), today)
    return {series: value for series, value in sums.items() if value}


def _values(outcomes: Sequence[Outcome], days: int) -> dict[str, float]:
    values: defaultdict[str, float] = defaultdict(float, days=days)
    for name, amount in itertools.chain(*(o.adds.items() for o in outcomes)):
        values[name] += amount
    return values


def _add(sums: defaultdict[Series, float], place: Series, v: dict[str, float]) -> None:
    sums[place] += 1
    adopted, returned = float(v["turns"] >= 1), float(v["days"] >= 2)
    for metric, y in (("adoption", adopted), ("spend", v["spend"]), ("return_rate", returned)):
        sums[place._replace(metric=metric, of="y")] += y
        sums[place._replace(metric=metric, of="yy")] += y * y
    _ratio(sums, place._replace(metric="duration"), v["seconds"], v["sessions"])
    if not place.segment and not place.day:
        for edge in ("0.1", "1"):
            at = place._replace(metric="slow", edge=edge)
            _ratio(sums, at, v[f"over_{edge}"], v["sessions"])


def _ratio(sums: defaultdict[Series, float], at: Series, y: float, d: float) -> None:
    for of, value in (("y", y), ("d", d), ("yy", y * y), ("yd", y * d), ("dd", d * d)):
        sums[at._replace(of=of)] += value
