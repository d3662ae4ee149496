"""What an outcome is, and what a store of outcomes has to do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from recochat.experiments.metrics import Series

EXPERIMENTS: Final = 16
"""Experiments counted at a time; a further one waits until nobody adds to one of these any more."""

SERIES_DAYS: Final = 60
"""Days of an experiment that get sums of their own."""

OUTCOMES_OF_USER: Final = 5000
"""Ids remembered of one user: the latest ones to be forgotten."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose outcomes they are, and how the user takes part.

    The first variant and the first segments that are recorded of a user in an experiment stay.
    Raises ValueError for names with other characters than letters, digits and ``_ . : -``.
    """

    user_id: str
    experiment: str = ""
    """"": in none. What the user does then counts as before the next one."""
    variant: str = ""
    segments: tuple[str, ...] = ()
    """Known before the experiment, and few in all: each makes series of its own."""

    def __post_init__(self) -> None:
        names = (self.experiment, self.variant, *self.segments) if self.experiment else ()
        if wrong := [name for name in names if not _NAME.fullmatch(name)]:
            raise ValueError(f"not a name of an experiment, a variant or a segment: {wrong}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Something that a user did, once."""

    event_id: str
    """A text that no other outcome of this user has. A repetition is known by it."""
    at: float
    """Seconds since the epoch."""
    adds: Mapping[str, float]
    """What is added to the user's variables."""
    remember_s: float = 7 * 24 * 3600.0
    """For how long a repetition is known as such."""


@dataclass(frozen=True, slots=True)
class Record:
    """Outcomes of one user, counted all or none."""

    subject: Subject
    outcomes: Sequence[Outcome]


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of one experiment, all of the same moment."""

    experiment: str
    revision: int
    """Outcomes counted. Of two totals of an experiment, the one with more is the later one."""
    sums: Mapping[Series, float]


class OutcomeStore(Protocol):
    """Adds up what users did, each outcome once, by variant, segment and day.

    A sum is over users: a second outcome of a user replaces what the user added before, so that a
    sum of squares is of users' totals. Each record is counted whole or not at all, together with
    its ids: after a failure, hand in the same records again.
    """

    async def record(self, records: Sequence[Record], now: float) -> int:
        """Count ``records`` at the time ``now``; how many outcomes were new."""

    async def totals(self) -> list[Totals]:
        """Each experiment's sums. What this costs doesn't grow with the number of users."""
