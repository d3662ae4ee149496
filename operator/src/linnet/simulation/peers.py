"""How other tools decide, from what they document: to see the same worlds through their eyes.

All of them look at the canary's rate over the last minute, once a minute, against a fixed limit,
apart from the last one, which compares with stable. Rules see arrays of N releases at once; True
means that the release is rolled back.
"""

from typing import Protocol

import numpy as np

from linnet.stats.state import Array, Flags

LIMIT = 0.01
"""The highest rate of events that passes a check."""


class Rule(Protocol):
    """Looks at each minute's rates of canary and stable: (N,), NaN where there was no traffic."""

    def minute(self, canary: Array, stable: Array) -> Flags:
        """(N,) whether this minute ends in a rollback."""
        ...


class InARow:
    """As many failed checks in a row as asked for: the rule of most alerting."""

    def __init__(self, many: int = 3) -> None:
        self._many, self._failed = many, np.zeros(())

    def minute(self, canary: Array, stable: Array) -> Flags:
        """See `Rule`."""
        self._failed = np.where(canary > LIMIT, self._failed + 1, 0.0)
        return self._failed >= self._many


class Cumulative:
    """Flagger's analysis: failed checks are counted and never forgotten, up to a threshold.

    A query without a value is a failed check. Flagger documentation, "Canary analysis":
    `threshold`, "max number of failed metric checks before rollback".
    """

    def __init__(self, threshold: int = 5) -> None:
        self._threshold, self._failed = threshold, np.zeros(())

    def minute(self, canary: Array, stable: Array) -> Flags:
        """See `Rule`."""
        self._failed = self._failed + ((canary > LIMIT) | np.isnan(canary))
        return self._failed >= self._threshold


class FailureLimit:
    """Argo Rollouts' analysis: failed measurements are counted; one more than the limit fails.

    A measurement without a value is inconclusive. Argo Rollouts documentation, "Analysis":
    `failureLimit`, 0 by default.
    """

    def __init__(self, limit: int = 0) -> None:
        self._limit, self._failed = limit, np.zeros(())

    def minute(self, canary: Array, stable: Array) -> Flags:
        """See `Rule`."""
        self._failed = self._failed + (canary > LIMIT)
        return self._failed > self._limit


class MannWhitney:
    """A judgement like Kayenta's: the minutes of the canary against those of stable.

    Every ten minutes, over those ten: the canary fails if the 98 % interval of the shift between
    the two lies above a quarter of the shift itself (Kayenta, `MannWhitneyClassifier`, tolerance
    0.25; the interval as in Hollander, Wolfe, "Nonparametric Statistical Methods", 1973, 4.3). No
    correction for judging again and again, as there.
    """

    MINUTES, Z_98, TOLERANCE = 10, 2.3263, 0.25

    def __init__(self) -> None:
        self._canary: list[Array] = []
        self._stable: list[Array] = []

    def minute(self, canary: Array, stable: Array) -> Flags:
        """See `Rule`."""
        self._canary.append(np.nan_to_num(canary))
        self._stable.append(np.nan_to_num(stable))
        if len(self._canary) < self.MINUTES:
            return np.zeros(canary.shape, dtype=bool)
        one, other = np.array(self._canary), np.array(self._stable)
        self._canary, self._stable = [], []
        shifts = np.sort((one[:, None] - other[None, :]).reshape(-1, canary.size), axis=0)
        many = len(shifts)
        width = self.Z_98 * np.sqrt(many * (2 * self.MINUTES + 1) / 12)
        low, middle = shifts[int(many / 2 - width)], np.median(shifts, axis=0)
        failed: Flags = (low > self.TOLERANCE * np.abs(middle)) & (low > 0)
        return failed


def every() -> dict[str, Rule]:
    """A fresh one of each, by name."""
    return {
        "three in a row": InARow(3),
        "Flagger, threshold 5": Cumulative(5),
        "Argo, failureLimit 0": FailureLimit(0),
        "Argo, failureLimit 3": FailureLimit(3),
        "Kayenta-like": MannWhitney(),
    }
