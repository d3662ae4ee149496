"""What a metric is made of, and what a user adds to the sums that statistics need.

A user has variables: totals of what the user did, such as seconds and sessions. A metric takes from
them a value y, and for a ratio a denominator d; the covariate x is y before the experiment. The
sums over users of these three and of their products are all that means, ratios (delta method) and
the reduction of variance by a covariate (CUPED) need: sufficient statistics.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

Kind = Literal["proportion", "mean", "ratio", "quantile"]

DAYS: Final = "days"
"""A variable that the store keeps by itself: on how many days the user did something."""

_MEAN: Final = ("y", "yy")
_RATIO: Final = ("y", "d", "yy", "yd", "dd")
_MEAN_BEFORE: Final = ("x", "xx", "xy")
_RATIO_BEFORE: Final = ("x", "xx", "xy", "xd")


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of each user that the variants are compared by.

    proportion: whether the variable ``of`` is at least ``at_least``. mean: ``of`` itself. ratio:
    ``of`` by ``per``, both added up over users. quantile: for each edge, how many of the ``per``
    went beyond it; ``edges`` names the variable that counts them.
    """

    name: str
    kind: Kind
    of: str = ""
    per: str = ""
    at_least: float = 1.0
    edges: Mapping[str, str] = field(default_factory=dict)


class Term(NamedTuple):
    """One set of sums: a metric, or one edge of a quantile."""

    metric: str
    edge: str
    y: str
    """The variable that makes y."""
    d: str
    """The variable that is the denominator, or ""."""
    at_least: float
    """Above 0: y is 1 if the variable is at least this, else 0."""
    sums: Sequence[str]
    """Of which products over all users: "yd" is the sum of y times d."""
    parts: Sequence[str]
    """Those of them that are kept by segment and by day too."""


class Series(NamedTuple):
    """The name of one sum of an experiment. "" where a part doesn't apply.

    With metric "", ``of`` is "n" (users) or "crossed" (users who were served the other variant).
    """

    variant: str
    segment: str = ""
    day: str = ""
    """The number of the day since the epoch."""
    metric: str = ""
    edge: str = ""
    of: str = "n"


def terms(metrics: Iterable[Metric]) -> tuple[Term, ...]:
    """The sums that ``metrics`` need."""
    made: list[Term] = []
    for metric in metrics:
        if metric.kind == "quantile":
            made += (
                Term(metric.name, edge, variable, metric.per, 0.0, _RATIO, ())
                for edge, variable in metric.edges.items()
            )
        elif metric.kind == "ratio":
            sums = _RATIO + _RATIO_BEFORE
            made.append(Term(metric.name, "", metric.of, metric.per, 0.0, sums, _RATIO))
        else:
            least = metric.at_least if metric.kind == "proportion" else 0.0
            made.append(Term(metric.name, "", metric.of, "", least, _MEAN + _MEAN_BEFORE, _MEAN))
    return tuple(made)


def letters(
    term: Term, values: Mapping[str, float], before: Mapping[str, float]
) -> dict[str, float]:
    """y, d and x of a user with these variables now and ``before`` the experiment."""
    return {
        "y": _value(term, values),
        "d": values.get(term.d, 0.0),
        "x": _value(term, before),
    }


def product(of: str, letters: Mapping[str, float]) -> float:
    """The product that ``of`` names: "yd" is y times d."""
    return math.prod(letters[letter] for letter in of)


def _value(term: Term, values: Mapping[str, float]) -> float:
    value = values.get(term.y, 0.0)
    return float(value >= term.at_least) if term.at_least else value
