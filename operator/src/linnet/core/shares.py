"""Weights as a share of pods: how many pods a weight takes, and which share they give.

Every ready pod behind a Service takes the same part of its traffic, so with c canary pods beside
s of stable's the canary's share is c / (c + s). Stable keeps all its pods, because a rollback
needs them at once, and the canary never has more than stable: between 0 and 100 % there is no
share above a half.

Within these bounds a weight takes the number of pods, at least one, whose share is nearest to it,
and the smaller number of two that are as near. At 100 % the canary serves alone, with as many pods
as stable has.
"""

from fractions import Fraction

from linnet.api.spec import CanaryReleaseSpec, Provider
from linnet.core.route import WHOLE

KEPT = 80
"""Percent of the share asked for that is enough for a weight to go on counting."""


def by_pods(spec: CanaryReleaseSpec) -> bool:
    """Whether the number of pods is what splits traffic."""
    return spec.traffic.provider is Provider.REPLICAS


def pods_for(weight: int, stable: int) -> int:
    """Canary pods for a weight of 1 to 100 percent beside this many of stable's."""
    if weight == WHOLE or stable <= 1:
        return max(1, stable)
    below = min(max(1, stable * weight // (WHOLE - weight)), stable)
    above = min(below + 1, stable)

    def miss(pods: int) -> Fraction:
        return abs(Fraction(WHOLE * pods, pods + stable) - weight)

    return above if miss(above) < miss(below) else below


def share(canary: int, stable: int) -> int:
    """The share that canary pods take beside stable's, in whole percent; 0 and 100 only if exact.

    canary, stable: numbers of ready pods, not both 0.
    """
    percent = round(Fraction(WHOLE * canary, canary + stable))
    return min(max(1, percent), WHOLE - 1) if canary and stable else percent


def reached(weight: int, replicas: int, canary: int, stable: int, percent: int = WHOLE) -> bool:
    """Whether the pods that are ready give the share that a weight takes, or a part of it.

    weight: 1 to 99 percent. replicas: pods that stable is to have. canary, stable: pods that are
    ready. percent: of the share, as much as is enough.
    """
    asked = pods_for(weight, replicas)
    given, wanted = canary * (asked + max(1, replicas)), asked * (canary + stable)
    return canary > 0 and WHOLE * given >= percent * wanted
