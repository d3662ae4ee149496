"""What has to be known of a variant's users: counts and sums, and nothing of any single one.

Sums of two days, or of two pods that saw different users, add up to those of both. A metric costs
the same for fifty users as for fifty million.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from linnet.stats.state import Array, Numbers

LARGEST = 1e150
"""Products of larger sums can't be written any more."""

SQUARES = ("users", "yy", "dd", "xx")
"""Fields that can't be negative."""


@dataclass(frozen=True)
class Sums:
    """Of one variant's users, for one metric. Each user counts once, with all that they did.

    users: how many, at least 0. y: the sum of their outcomes, yy of the squares. d, dd, yd: the
    same of the denominator, and of outcome times denominator, where the metric is a ratio. x, xx,
    xy, xd: the same of the covariate, which was known before the experiment began, and of its
    products with outcome and denominator.
    """

    users: Numbers = 0.0
    y: Numbers = 0.0
    yy: Numbers = 0.0
    d: Numbers = 0.0
    dd: Numbers = 0.0
    yd: Numbers = 0.0
    x: Numbers = 0.0
    xx: Numbers = 0.0
    xy: Numbers = 0.0
    xd: Numbers = 0.0

    def __add__(self, other: Self) -> Self:
        """Of both; no user may be in both."""
        return type(self)(
            *(getattr(self, field.name) + getattr(other, field.name) for field in fields(self))
        )

    @classmethod
    def of(cls, y: Array, d: Array | None = None, x: Array | None = None) -> Self:
        """Of users' values along the last axis: outcome, denominator and covariate."""
        d = np.zeros_like(y) if d is None else d
        x = np.zeros_like(y) if x is None else x
        told = (y, y * y, d, d * d, y * d, x, x * x, x * y, x * d)
        return cls(float(y.shape[-1]), *(each.sum(axis=-1) for each in told))

    def to_json(self) -> dict[str, float]:
        """Numbers by name, those that are 0 left out but users, y and yy."""
        told = {field.name: float(getattr(self, field.name)) for field in fields(self)}
        always = ("users", "y", "yy")
        return {name: value for name, value in told.items() if value or name in always}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` wrote. Without yy every outcome is 0 or 1.

        Raises ValueError where a name is unknown, a number is none or can't be: what no users can
        have done is to be refused, not to be judged.
        """
        names = [field.name for field in fields(cls)]
        if unknown := sorted(set(data) - set(names)):
            raise ValueError(f"{unknown[0]} is no sum: there are {', '.join(names)}")
        told = {name: _number(name, value) for name, value in data.items()}
        told.setdefault("yy", told.get("y", 0.0))
        found = cls(**told)
        if problem := impossible(found):
            raise ValueError(problem)
        return found


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        raise ValueError(f"{name} is no finite number: {value!r}")
    return float(value)


def impossible(sums: Sums) -> str:
    """Why no users can have such sums; '' where they can. sums: of numbers, not of arrays.

    By the Cauchy-Schwarz inequality a sum's square is at most users times the sum of squares; a
    millionth is left to rounding.
    """
    for name in SQUARES:
        if getattr(sums, name) < 0:
            return f"{name} is negative: {getattr(sums, name):g}"
    pairs = (("y", "users", "yy"), ("d", "users", "dd"), ("x", "users", "xx"))
    crossed = (("yd", "yy", "dd"), ("xy", "yy", "xx"), ("xd", "dd", "xx"))
    for one, first, second in (*pairs, *crossed):
        if getattr(sums, one) ** 2 > getattr(sums, first) * getattr(sums, second) * (1 + 1e-6):
            return f"{one} is {getattr(sums, one):g}, more than {first} and {second} allow"
    return ""
