"""Who the users are, and what each of them is going to do: the truth that an experiment looks for.

Nothing is drawn by chance but the variant, by the hash of docs/experiment-metrics.md. Which users
chat, or come back, is spread evenly over those of a variant, so that a few hundred of them show
what many would: the n-th user does it if the fractional part of n times an irrational number is
below the share (Weyl's equidistribution theorem).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import floor, sqrt

BUCKETS = 10_000
OPEN, CLOSE = 0.1, 0.6
"""Part of a day in which users come: what one does then has ended, and is counted, before night."""
_SPREADS = {"adopts": (sqrt(5) - 1) / 2, "completes": sqrt(2) - 1, "returns": sqrt(3) - 1}
_LOSSES = sqrt(11) - 3
_VERDICTS = sqrt(7) - 2


@dataclass(frozen=True)
class Behaviour:
    """What users of a version do.

    adopt, complete, back, lost: shares, 0 to 1: of users who chat, of conversations that come to
    their end, of users who are there on the next day too, and of those who never arrive. pause_s:
    between the two things that somebody says. rating: mean of the points from 2 to 4.
    """

    adopt: float = 0.45
    complete: float = 0.5
    back: float = 0.3
    lost: float = 0.0
    pause_s: float = 1.0
    rating: float = 3.5


@dataclass(frozen=True)
class User:
    """One user, and what is to be done. after_s: when to come, in seconds of open time.

    points: the verdict on the conversation, 1 to 5.
    """

    name: str
    bucket: int
    after_s: float
    adopts: bool
    completes: bool
    returns: bool
    lost: bool
    pause_s: float
    points: float

    @property
    def header(self) -> str:
        """The bucket as a route draws by it, 0 to 99."""
        return str(self.bucket // (BUCKETS // 100))


def bucket_of(name: str, salt: str) -> int:
    """A user's bucket, 0 to 9,999."""
    digest = hashlib.sha256(f"{salt}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def crowd(
    salt: str, count: int, seconds: float, percent: int, control: Behaviour, treatment: Behaviour
) -> tuple[User, ...]:
    """So many users, in the order in which they come, spread over seconds of open time."""
    numbers = {False: 0, True: 0}
    made = []
    for place in range(count):
        name = f"{salt}-{place:04}"
        bucket = bucket_of(name, salt)
        treated = bucket < 100 * percent
        numbers[treated] += 1
        does = treatment if treated else control
        made.append(_user(name, bucket, place * seconds / count, numbers[treated], does))
    return tuple(made)


def _user(name: str, bucket: int, after_s: float, number: int, does: Behaviour) -> User:
    shares = {"adopts": does.adopt, "completes": does.complete, "returns": does.back}
    chosen = {what: number * step % 1 < shares[what] for what, step in _SPREADS.items()}
    points = does.rating - 1 + 2 * floor(3 * (number * _VERDICTS % 1)) / 2
    return User(
        name=name,
        bucket=bucket,
        after_s=after_s,
        lost=number * _LOSSES % 1 < does.lost,
        pause_s=does.pause_s * (0.8 + 0.4 * (number * _VERDICTS % 1)),
        points=min(5.0, max(1.0, points)),
        **chosen,
    )


def moment(begin: float, after_s: float, day_s: float) -> float:
    """The unix time at which so much open time has passed; a day has day_s seconds."""
    opens, length = OPEN * day_s, (CLOSE - OPEN) * day_s
    day, phase = divmod(begin, day_s)
    done = min(max(phase - opens, 0.0), length)
    days, rest = divmod(done + after_s, length)
    return float((day + days) * day_s + opens + rest)
