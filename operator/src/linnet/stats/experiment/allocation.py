"""Have the variants got the users that they were to get?

A sample ratio mismatch means that users are lost or drawn with a bias, and then no comparison is
worth anything. The test may be read after every user (Lindon, Malek, "Anytime-valid inference for
multinomial count data", NeurIPS 2022): the counts' chance if shares are drawn from a Dirichlet
distribution around the planned ones, by their chance if they are the planned ones. It is done with
a distribution close to the planned shares and with a wide one, as neither sees what the other does,
and the mean of both odds keeps the promise of each.
"""

from collections.abc import Sequence
from math import erfc, exp, inf, lgamma, log, sqrt

CONCENTRATIONS = (10_000.0, 100.0)
"""How many users' worth the priors are: for shares that are off by about a hundredth, which takes
many users to see, and by about a tenth, which a few hundred show."""


def log_evidence(
    counts: Sequence[float],
    shares: Sequence[float],
    concentrations: Sequence[float] = CONCENTRATIONS,
) -> float:
    """Natural logarithm of the odds against the planned shares.

    counts: users of each variant, at least 0. shares: planned, each above 0, together 1.
    """
    odds = [_log_odds(counts, shares, each) for each in concentrations]
    most = max(odds)
    return most + log(sum(exp(each - most) for each in odds) / len(odds))


def _log_odds(counts: Sequence[float], shares: Sequence[float], concentration: float) -> float:
    prior = [concentration * share for share in shares]
    total = _log_gammas([a + n for a, n in zip(prior, counts, strict=True)]) - _log_gammas(prior)
    planned = sum(n * log(share) for n, share in zip(counts, shares, strict=True))
    return total - planned


def p_value(counts: Sequence[float], shares: Sequence[float]) -> float:
    """Valid at any look."""
    return exp(-min(max(log_evidence(counts, shares), 0.0), 700.0))


def chi_square_p(counts: tuple[float, float], shares: tuple[float, float]) -> float:
    """Pearson's test for two variants, for a single look."""
    total = sum(counts)
    if total <= 0:
        return 1.0
    expected = [total * share for share in shares]
    statistic = sum((n - e) ** 2 / e for n, e in zip(counts, expected, strict=True))
    return erfc(sqrt(statistic / 2)) if statistic < inf else 0.0


def _log_gammas(parameters: Sequence[float]) -> float:
    """The logarithm of the multivariate Beta function."""
    return sum(lgamma(a) for a in parameters) - lgamma(sum(parameters))
