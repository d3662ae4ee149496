"""From interactions to a model. The same data always gives the same model.

Collaborative: EASE (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019), the closed
form of the best linear item-to-item weights: B = I - P / diag(P) with P = (X^T X + λI)^-1.
Persona: the share of a persona's users that liked an item, as a multiple of everybody's share, and
smoothed towards it. So it says what popularity doesn't.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

import numpy as np

from recochat.recommender.catalog import Catalog, Floats
from recochat.recommender.holdout import Case, Holdout, ndcg, top
from recochat.recommender.interactions import (
    UNKNOWN_PERSONA,
    Dataset,
    Doubles,
    Ints,
    gram,
    histories,
)
from recochat.recommender.model import Model, Sharpness, Tuning, Weights
from recochat.recommender.ranking import Query, Recommender

MAX_ITEMS: Final = 12_000
"""The closed form needs items² numbers of 8 bytes: 1.2 GB for as many items."""

_PERSONA_SMOOTHING: Final = 20.0  # users: a persona of fewer says more about everybody than itself

# Candidates, the plainest first: a later one has to be better by more than its standard error.
_DEFAULT: Final = Tuning()
_CANDIDATES: Final = tuple(
    Tuning(regularisation=strength, half_life=half_life)
    for strength, half_life in product((300.0, 100.0, 1000.0), (1000.0, 20.0, 5.0))
)
_SHARPNESSES: Final = tuple(
    product((0.25, 0.5, 1.0), (0.05, 0.1, 0.25, 0.5), (0.05, 0.1, 0.25, 0.5))
)
_TUNING_CASES: Final = 600


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train."""

    neighbours: int = 200
    """Kept of each item, by weight; bounds memory and time of a request."""
    weights: Weights = field(default_factory=Weights)
    """What the tuning is chosen for."""
    tune: bool = True
    """Choose the tuning by a temporal hold-out inside of the data; False: take the defaults."""
    holdout: float = 0.2
    """Share of the data that the tuning is tried on."""


def train(dataset: Dataset, options: TrainingOptions | None = None) -> Model:
    """A model of all of ``dataset``. Raises ValueError if it can't be trained on."""
    options = options or TrainingOptions()
    if not len(dataset.interactions):
        raise ValueError("there are no interactions to train on")
    if len(dataset.items) > MAX_ITEMS:
        raise ValueError(f"{len(dataset.items)} items: the limit is {MAX_ITEMS}")
    tuning = _tuned(dataset, options) if options.tune else Tuning()
    return fit(dataset, tuning, options.neighbours)


def fit(dataset: Dataset, tuning: Tuning, neighbours: int = 200) -> Model:
    """A model of ``dataset`` with a given tuning."""
    users, items = len(dataset.user_ids), len(dataset.items)
    likes = dataset.interactions
    popularity = np.bincount(likes.items, minlength=items).astype(np.float32)
    starts, liked = histories(likes, users)
    ids, weights = _neighbours(gram(likes, users, items), tuning.regularisation, neighbours)
    affinity, shares = _personas(dataset, popularity)
    return Model(
        catalog=Catalog(dataset.items),
        personas=dataset.personas,
        user_ids=dataset.user_ids,
        user_personas=dataset.persona_of(),
        history_starts=starts,
        history_items=liked,
        popularity=popularity,
        neighbours=ids,
        neighbour_weights=weights,
        affinity=affinity,
        persona_shares=shares,
        tuning=tuning,
        trained_until=float(likes.times[-1]),
        interactions=len(likes),
    )


def _neighbours(together: Floats, regularisation: float, kept: int) -> tuple[Ints, Floats]:
    """The strongest weights of each item, in both directions (for and against)."""
    matrix = together.astype(np.float64)
    matrix[np.diag_indices_from(matrix)] += regularisation
    inverse = np.linalg.inv(matrix)
    weights = (-inverse / np.diag(inverse)).astype(np.float32)
    np.fill_diagonal(weights, 0)
    kept = min(kept, len(weights))
    # A stable sort: which of equal weights stays must not depend on the machine.
    strongest = np.argsort(-np.abs(weights), axis=1, kind="stable")[:, :kept].astype(np.int32)
    return strongest, np.take_along_axis(weights, strongest, axis=1)


def _personas(dataset: Dataset, popularity: Floats) -> tuple[Floats, Floats]:
    """Affinity of each persona to each item, and the share of users that each persona has."""
    of_user = dataset.persona_of()
    likes = dataset.interactions
    active = np.unique(likes.users)
    known = active[of_user[active] != UNKNOWN_PERSONA]
    counts = np.bincount(of_user[known], minlength=len(dataset.personas)).astype(np.float64)
    liked = np.zeros((len(dataset.personas), len(dataset.items)))
    mask = of_user[likes.users] != UNKNOWN_PERSONA
    np.add.at(liked, (of_user[likes.users[mask]], likes.items[mask]), 1)
    expected = np.maximum(popularity, 1) / len(active)
    shrunk = liked + _PERSONA_SMOOTHING * expected
    affinity = shrunk / (counts + _PERSONA_SMOOTHING)[:, None] / expected
    affinity[:, popularity == 0] = 1
    shares = (counts + 1) / (counts + 1).sum()
    return affinity.astype(np.float32), shares.astype(np.float32)


def _tuned(dataset: Dataset, options: TrainingOptions) -> Tuning:
    """What ranks the latest part of the data best, by NDCG, when trained on the part before."""
    holdout = Holdout.of(dataset, options.holdout, limit=_TUNING_CASES)
    if not holdout.cases or not len(holdout.past.interactions):
        return _DEFAULT
    signals: list[Floats] = []
    scores: list[Doubles] = []
    model: Model | None = None
    for tuning in _CANDIDATES:
        if model is None or model.tuning.regularisation != tuning.regularisation:
            model = fit(holdout.past, tuning, options.neighbours)
        found = case_signals(Recommender(replace(model, tuning=tuning)), holdout.cases)
        signals.append(found)
        scores.append(ndcg(top(found[:, 0], holdout.cases), holdout.cases))
    chosen = _first_as_good(scores)
    sharpness = _sharpness(signals[chosen], holdout.cases, options.weights)
    return replace(_CANDIDATES[chosen], sharpness=sharpness)


def case_signals(recommender: Recommender, cases: Sequence[Case]) -> Floats:
    """Cases by signals by items, each signal 0 to 1, as the service would see them."""
    catalog = recommender.model.catalog.items
    queries = (
        Query(persona=case.persona, history=tuple(catalog[i].item_id for i in case.history))
        for case in cases
    )
    return np.stack([recommender.signals(query) for query in queries])


def combined(signals: Floats, weights: Weights, sharpness: Sequence[float]) -> Floats:
    """Cases by items: the weighed sum of sharpened signals, as it is ranked."""
    parts = [
        np.float32(share) * signals[:, n] ** np.float32(sharp)
        for n, (share, sharp) in enumerate(zip(weights.as_tuple(), sharpness, strict=True))
    ]
    total: Floats = np.round(parts[0] + parts[1] + parts[2], 5)
    return total


def _sharpness(signals: Floats, cases: Sequence[Case], weights: Weights) -> Sharpness:
    scores = [ndcg(top(combined(signals, weights, each), cases), cases) for each in _SHARPNESSES]
    return _SHARPNESSES[int(np.argmax([score.mean() for score in scores]))]


def _first_as_good(scores: Sequence[Doubles]) -> int:
    """The first of several scores of the same cases that the best one beats by chance at most."""
    best = scores[int(np.argmax([score.mean() for score in scores]))]
    for number, score in enumerate(scores):
        gain = best - score
        if gain.mean() <= gain.std() / np.sqrt(len(gain)):
            return number
    raise AssertionError("the best is as good as itself")
