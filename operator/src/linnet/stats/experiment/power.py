"""How many users an experiment needs, and how small an effect it can show.

For normal tests: n = (c + z)² · v / δ² users in each variant, where c is what |z| has to exceed, z
the normal quantile of the power, v the variance of two users' difference, and δ the effect. A
confidence sequence has a larger c than a test with a fixed end; that is the price of looking.
"""

from dataclasses import dataclass
from math import ceil, isfinite, sqrt

from linnet.stats.experiment.distributions import NORMAL
from linnet.stats.experiment.sequence import critical, tuned


@dataclass(frozen=True)
class Spread:
    """Variance of one user's outcome, in control and in treatment; both at least 0."""

    control: float
    treatment: float

    def of_difference(self, share: float = 0.5) -> float:
        """n times the difference's variance, n users in both together, `share` of them treated."""
        return self.control / (1 - share) + self.treatment / share


def of_proportion(share: float, effect: float) -> Spread:
    """share: of users in control, 0 to 1. effect: added by the treatment.

    Raises ValueError where treatment's share would not be between 0 and 1.
    """
    after = share + effect
    if not (0 <= share <= 1 and 0 <= after <= 1):
        raise ValueError(f"{share:g} with an effect of {effect:g} is no share between 0 and 1")
    return Spread(share * (1 - share), after * (1 - after))


def of_mean(sd: float) -> Spread:
    """sd: of one user's value, the same in both variants."""
    return Spread(sd * sd, sd * sd)


def once(alpha: float) -> float:
    """c of a two-sided test with one look at the end."""
    return NORMAL.inv_cdf(1 - alpha / 2)


def always(alpha: float, tuned_for: float | None = None) -> float:
    """c of the confidence sequence at the planned end.

    alpha: of this metric. tuned_for: the experiment's alpha, where the two differ.
    """
    return float(critical(tuned(tuned_for or alpha), alpha))


def users(effect: float, spread: Spread, bound: float, power: float, share: float = 0.5) -> int:
    """In both variants together, so that an effect is shown with the chance `power`.

    effect: not 0. bound: c. share: of users that are treated.
    """
    z = NORMAL.inv_cdf(power)
    return ceil((bound + z) ** 2 * spread.of_difference(share) / effect**2)


def shown(effect: float, spread: Spread, bound: float, total: float, share: float = 0.5) -> float:
    """The chance to show an effect with so many users in both variants together, at the end."""
    if total <= 0:
        return 0.0
    error = sqrt(spread.of_difference(share) / total)
    if error == 0:
        return float(effect != 0)
    return NORMAL.cdf(abs(effect) / error - bound) + NORMAL.cdf(-abs(effect) / error - bound)


def smallest(spread: Spread, bound: float, power: float, total: float, share: float = 0.5) -> float:
    """The smallest effect that is shown with the chance `power`; inf without users."""
    if total <= 0 or not isfinite(total):
        return float("inf")
    return (bound + NORMAL.inv_cdf(power)) * sqrt(spread.of_difference(share) / total)
