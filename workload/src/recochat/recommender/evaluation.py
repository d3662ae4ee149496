"""How good the ensemble is, against popularity and each single signal, with intervals.

Ranking is judged on a temporal hold-out (see holdout.Holdout), by the code that serves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recochat.recommender.catalog import Floats
from recochat.recommender.holdout import Case, Holdout, hits, ndcg, top
from recochat.recommender.interactions import Dataset, Doubles, Ints
from recochat.recommender.ranking import Recommender
from recochat.recommender.training import TrainingOptions, case_signals, combined, train

ENSEMBLE: Final = "ensemble"
SINGLE: Final = ("collaborative", "content", "persona")

_RESAMPLES: Final = 2000
_SEED: Final = 20_260_101  # of the bootstrap: the same data gives the same intervals

Oracle = Callable[[Case], Floats]
"""The true preference of a case for every item, where it is known."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the bounds between which it lies with a confidence of 95 %."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Score:
    """How one way to rank did."""

    top2: Interval
    """Share of people for whom at least one of the first two items is liked afterwards."""
    ndcg: Interval
    """NDCG of the first ten."""
    recall: Interval
    """Share of what is liked afterwards that is among the first ten."""
    coverage: float
    """Share of the catalogue that is shown to anybody."""
    behind: dict[str, Interval]
    """By how much it is behind the ensemble, person by person, in each of top2 and ndcg."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of one hold-out."""

    cases: int
    items: int
    trained_on: int
    tuning: dict[str, Any]
    scores: dict[str, Score]

    def as_json(self) -> dict[str, Any]:
        """Everything, as what JSON can hold."""
        return asdict(self)

    def table(self) -> str:
        """For people: one line per way to rank."""
        head = f"{self.cases} people, {self.items} items, trained on {self.trained_on} interactions"
        lines = [
            head,
            "",
            f"{'':14}{'top-2 accuracy':24}{'NDCG@10':24}{'recall@10':24}{'coverage':10}"
            "NDCG behind the ensemble",
        ]
        for name, score in self.scores.items():
            behind = "" if name == ENSEMBLE else str(score.behind["ndcg"])
            lines.append(
                f"{name:14}{score.top2!s:24}{score.ndcg!s:24}{score.recall!s:24}"
                f"{score.coverage:<10.3f}{behind}"
            )
        return "\n".join(lines)


def evaluate(
    dataset: Dataset,
    options: TrainingOptions | None = None,
    share: float = 0.2,
    oracle: Oracle | None = None,
) -> Evaluation:
    """Train on what came before the latest ``share`` of ``dataset``, and judge on the rest.

    Raises ValueError if there is nobody to judge on, or nothing to train on.
    """
    options = options or TrainingOptions()
    holdout = Holdout.of(dataset, share)
    if not holdout.cases:
        raise ValueError("nobody is active in the held-out part")
    model = train(holdout.past, options)
    found = case_signals(Recommender(model), holdout.cases)
    scores = {ENSEMBLE: combined(found, options.weights, model.tuning.sharpness)}
    scores["popularity"] = np.tile(model.popularity, (len(holdout.cases), 1))
    scores |= {name: found[:, n] for n, name in enumerate(SINGLE)}
    if oracle is not None:
        scores["oracle"] = np.stack([oracle(case) for case in holdout.cases])
    ranked = {name: top(each, holdout.cases) for name, each in scores.items()}
    return Evaluation(
        cases=len(holdout.cases),
        items=len(dataset.items),
        trained_on=model.interactions,
        tuning=asdict(model.tuning),
        scores=_scores(ranked, holdout.cases, len(dataset.items)),
    )


def _scores(ranked: dict[str, Ints], cases: Sequence[Case], items: int) -> dict[str, Score]:
    draws = np.random.default_rng(_SEED).integers(0, len(cases), (_RESAMPLES, len(cases)))
    measured = {name: _measured(order, cases) for name, order in ranked.items()}
    whole = measured[ENSEMBLE]
    return {
        name: Score(
            **{key: _interval(values, draws) for key, values in own.items()},
            coverage=len(np.unique(ranked[name])) / items,
            behind={key: _interval(whole[key] - own[key], draws) for key in ("top2", "ndcg")},
        )
        for name, own in measured.items()
    }


def _measured(ranked: Ints, cases: Sequence[Case]) -> dict[str, Doubles]:
    found = hits(ranked, cases)
    targets = np.array([len(case.targets) for case in cases])
    return {
        "top2": found[:, :2].max(axis=1),
        "ndcg": ndcg(ranked, cases),
        "recall": found.sum(axis=1) / targets,
    }


def _interval(values: Doubles, draws: NDArray[Any]) -> Interval:
    """By the percentile bootstrap over people."""
    means = values[draws].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Interval(float(values.mean()), float(low), float(high))
