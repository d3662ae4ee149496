"""What is bet on: how many times a rate may differ from what it is tested against."""

from dataclasses import dataclass, field

import numpy as np

from linnet.stats.state import Array


@dataclass(frozen=True, eq=False)
class Bets:
    """A grid of factors, at equal ratios from the first to the last; both positive, neither 1.

    factors, logarithms, less_one: (many,) r, ln r and r - 1, kept because every window needs them.
    """

    first: float
    last: float
    many: int
    factors: Array = field(init=False)
    logarithms: Array = field(init=False)
    less_one: Array = field(init=False)

    def __post_init__(self) -> None:
        factors: Array = np.geomspace(self.first, self.last, self.many)
        for name, value in (
            ("factors", factors),
            ("logarithms", np.log(factors)),
            ("less_one", factors - 1),
        ):
            value.setflags(write=False)
            object.__setattr__(self, name, value)


WORSE = Bets(1.3, 400.0, 12)
"""On a canary that is worse than the margin, by 1.3 times and up to 400 times."""

BETTER = Bets(1 / 1.25, 1 / 10.0, 8)
"""On a canary that is better than what it has to be cleared of, by a fifth and up to 10 times."""

MORE = Bets(1.05, 50.0, 10)
"""On odds of a request reaching the canary that are higher than the tolerance allows."""

LESS = Bets(1 / 1.05, 1 / 50.0, 10)
"""On odds that are lower."""
