"""What the sums of an experiment must be, from what the users saw. Pure.

It shares no code with the application that counts, nor with the operator that reads. Who a user's
variant is, and in which experiment a request was, the answers say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hack.experiment.visits import Asked

VARIANTS = {"stable": "control", "canary": "treatment"}
EDGES = ("0.05", "0.1", "0.2", "0.5", "1")
COUNTED_S = 1.0
"""After its answer, a request is counted within that time."""

Place = tuple[str, str, str, str]
"""Variant, metric, edge, and of what: `users` and `crossed` have no metric."""


@dataclass(frozen=True)
class Bracket:
    """What a sum must be, or between what: only the application knows some times exactly."""

    low: float
    high: float

    def has(self, value: float) -> bool:
        """Whether a value may be the sum; sums of binary fractions err by their last digits."""
        slack = 1e-9 * max(1.0, abs(self.high))
        return self.low - slack <= value <= self.high + slack

    @property
    def exact(self) -> bool:
        """Whether one value only is right."""
        return self.low == self.high


@dataclass
class Person:
    """What one user did in an experiment. late: days on which something ended near midnight."""

    variant: str = ""
    crossed: bool = False
    requests: int = 0
    errors: int = 0
    turns: int = 0
    sessions: int = 0
    seconds: tuple[float, float] = (0.0, 0.0)
    completions: int = 0
    score: float = 0.0
    ratings: int = 0
    days: set[int] = field(default_factory=set)
    late: bool = False
    waited: float = 0.0
    slow: dict[str, int] = field(default_factory=lambda: dict.fromkeys(EDGES, 0))


def people(seen: Sequence[Asked], experiment: str, day_s: float) -> dict[str, Person]:
    """Each user who was in the experiment."""
    found: defaultdict[str, Person] = defaultdict(Person)
    # Of two turns, one may have been after the experiment's end, or before it began.
    first_turns = {asked.session: asked for asked in seen if asked.turn == 1}
    for asked in sorted(seen, key=lambda each: each.finished):
        if asked.experiment != experiment or not asked.status:
            continue
        person = found[asked.user]
        _take(person, asked, day_s)
        if asked.turn == 1:
            person.turns, person.sessions = person.turns + 1, person.sessions + 1
        elif asked.turn == 2:
            person.turns += 1
            before = first_turns[asked.session]
            low, high = person.seconds
            least, most = asked.sent - before.finished, asked.finished - before.sent
            person.seconds = (low + max(0.0, least), high + most)
    return dict(found)


def _take(person: Person, asked: Asked, day_s: float) -> None:
    variant = VARIANTS[asked.track]
    person.crossed |= bool(person.variant) and person.variant != variant
    person.variant = person.variant or variant
    person.requests += 1
    person.errors += asked.status >= 500
    person.completions += asked.completed
    if asked.points is not None:
        person.score, person.ratings = person.score + asked.points, person.ratings + 1
    took = asked.finished - asked.sent
    person.waited += took
    for edge in EDGES:
        person.slow[edge] += took > float(edge)
    first, last = int(asked.sent // day_s), int((asked.finished + COUNTED_S) // day_s)
    person.days.add(first)
    person.late |= first != last


def sums(persons: Iterable[Person]) -> dict[Place, Bracket]:
    """What an application has to export of them."""
    total: defaultdict[Place, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for person in persons:
        for place, (low, high) in _of(person).items():
            total[person.variant, *place][0] += low
            total[person.variant, *place][1] += high
    return {place: Bracket(low, high) for place, (low, high) in total.items()}


def _of(person: Person) -> dict[tuple[str, str, str], tuple[float, float]]:
    adopted = float(person.turns > 0)
    back = float(len(person.days) >= 2)
    made: dict[tuple[str, str, str], tuple[float, float]] = {
        ("", "", "users"): (1, 1),
        ("", "", "crossed"): (float(person.crossed),) * 2,
        ("adoption", "", "y"): (adopted,) * 2,
        ("return_rate", "", "y"): (back, max(back, float(person.late))),
        ("duration", "", "y"): person.seconds,
        ("response_time", "", "y"): (0.0, person.waited),
    }
    exact = {
        "completion": (person.completions, person.sessions),
        "satisfaction": (person.score, person.ratings),
        "error_rate": (person.errors, person.requests),
    }
    for name, (y, d) in exact.items():
        for of, value in (("y", y), ("d", d), ("yy", y * y), ("dd", d * d), ("yd", y * d)):
            made[name, "", of] = (value,) * 2
    for name, d in (("duration", person.sessions), ("response_time", person.requests)):
        made |= {(name, "", "d"): (d,) * 2, (name, "", "dd"): (d * d,) * 2}
    for edge in EDGES:
        made["slow_requests", edge, "y"] = (0.0, float(person.slow[edge]))
        made["slow_requests", edge, "d"] = (person.requests,) * 2
    return made


@dataclass(frozen=True)
class Comparison:
    """exact: sums that had to be one value; within: those between two. wrong: the others."""

    users: Mapping[str, int]
    exact: int
    within: int
    wrong: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether all sums are as they must be, and there are users."""
        return not self.wrong and sum(self.users.values()) > 0


def compare(must: Mapping[Place, Bracket], exported: Mapping[Place, float]) -> Comparison:
    """Each sum that is known against the one that was exported; what isn't there is 0."""
    wrong, exact, within = [], 0, 0
    for place, bracket in sorted(must.items()):
        value = exported.get(place, 0.0)
        if not bracket.has(value):
            span = f"{bracket.low:g}" if bracket.exact else f"{bracket.low:g} to {bracket.high:g}"
            wrong.append(f"{' '.join(filter(None, place))}: {value:g}, must be {span}")
        elif bracket.exact:
            exact += 1
        else:
            within += 1
    users = {
        variant: int(must[variant, "", "", "users"].low)
        for variant in VARIANTS.values()
        if (variant, "", "", "users") in must
    }
    unknown = [
        f"{place[0]} users: {value:g}, must be none"
        for place, value in exported.items()
        if place[3] == "users" and place not in must and value
    ]
    return Comparison(users, exact, within, (*wrong, *unknown))
