"""Several metrics, one promise: the chance that any is called an effect that has none.

The p-values are valid at any look, so whatever holds for p-values holds at the look at which one
stops, too; whatever the metrics have to do with one another.
"""

from collections.abc import Sequence
from math import exp


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the same order (Holm, Scandinavian Journal of Statistics 1979).

    An effect whose adjusted p-value is at most α is claimed. At all looks together any false claim
    has a chance of at most α: for one to be made, the smallest p-value of the m₀ metrics without an
    effect has to be at most α / m₀ at some time.
    """
    many = len(p_values)
    order = sorted(range(many), key=lambda i: p_values[i])
    adjusted, largest = [0.0] * many, 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (many - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def bonferroni(p_values: Sequence[float]) -> list[float]:
    """Each times their number: simpler than Holm's, and never smaller."""
    return [min(1.0, len(p_values) * p) for p in p_values]


def e_bh(log_e: Sequence[float]) -> list[float]:
    """Adjusted p-values of e-BH, which bounds the share of false claims among all claims.

    log_e: e-values' natural logarithms, at one look (Wang, Ramdas, "False discovery rate control
    with e-values", JRSS B 2022). Valid at the look at which one stops, not for the largest e-value
    so far.
    """
    many = len(log_e)
    order = sorted(range(many), key=lambda i: -log_e[i])
    adjusted, smallest = [1.0] * many, 1.0
    for rank in range(many, 0, -1):
        i = order[rank - 1]
        smallest = min(smallest, many / rank * exp(-max(log_e[i], -700.0)))
        adjusted[i] = min(1.0, smallest)
    return adjusted
