"""A temporal hold-out: what was known at a moment, and what people liked after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recochat.recommender.catalog import Floats
from recochat.recommender.interactions import UNKNOWN_PERSONA, Dataset, Doubles, Ints, histories

TOP: Final = 10


@dataclass(frozen=True, slots=True)
class Case:
    """One person at one moment: positions of what is known of them, and of what they like next."""

    user: int
    persona: str | None
    history: tuple[int, ...]
    """Oldest first."""
    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Holdout:
    """What a model may be trained on, and the people that it is then asked about."""

    past: Dataset
    cases: tuple[Case, ...]

    @classmethod
    def of(cls, dataset: Dataset, share: float, limit: int = 2000) -> Holdout:
        """Cut at the moment after which the latest ``share`` (0 to 1) of all interactions lie.

        Everybody who is active after the cut is asked about once, half-way through what they do
        after it. What they did before that is their history, which a request may bring along; the
        model never saw what lies after the cut. ``limit`` people are taken, evenly over all.
        """
        moment = dataset.interactions.moment(1 - share)
        past = dataset.before(moment)
        later = dataset.interactions.where(dataset.interactions.times >= moment)
        users = len(dataset.user_ids)
        before, after = histories(past.interactions, users), histories(later, users)
        active = np.unique(later.users)
        if len(active) > limit:
            active = active[np.linspace(0, len(active) - 1, limit).astype(int)]
        personas = dataset.persona_of()
        cases = []
        for user in active.tolist():
            known, next_ones = _of(before, user), _of(after, user)
            half = len(next_ones) // 2
            persona = int(personas[user])
            cases.append(
                Case(
                    user,
                    None if persona == UNKNOWN_PERSONA else dataset.personas[persona],
                    (*known, *next_ones[:half]),
                    next_ones[half:],
                )
            )
        return cls(past, tuple(cases))


def _of(rows: tuple[Ints, Ints], user: int) -> tuple[int, ...]:
    starts, items = rows
    return tuple(items[starts[user] : starts[user + 1]].tolist())


def top(scores: Floats, cases: Sequence[Case], count: int = TOP) -> Ints:
    """Cases by positions of the best items, best first, without those in the history."""
    scores = scores.copy()
    for row, case in enumerate(cases):
        scores[row, list(case.history)] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, :count].astype(np.int32)


def hits(ranked: Ints, cases: Sequence[Case]) -> Doubles:
    """Cases by places: 1 where the item at that place was liked afterwards."""
    found = [np.isin(row, case.targets) for row, case in zip(ranked, cases, strict=True)]
    return np.array(found, np.float64)


def ndcg(ranked: Ints, cases: Sequence[Case]) -> Doubles:
    """Normalised discounted cumulative gain of each case, 0 to 1 (Järvelin, Kekäläinen, 2002)."""
    discounts = 1 / np.log2(np.arange(ranked.shape[1]) + 2)
    ideal = np.cumsum(discounts)
    most = [ideal[min(len(case.targets), ranked.shape[1]) - 1] for case in cases]
    gains: Doubles = (hits(ranked, cases) * discounts).sum(axis=1) / most
    return gains
