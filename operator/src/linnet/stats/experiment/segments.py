"""An effect by segment, without being fooled by the best of many.

With enough segments one of them shines by chance. Two things are done about it: each is drawn
towards the whole as far as the differences between segments are chance (empirical Bayes; the
variance between segments after DerSimonian, Laird, "Meta-analysis in clinical trials", 1986), and
each is tested against all others with a p-value for any look that is corrected for their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

from linnet.stats.experiment.distributions import NORMAL
from linnet.stats.experiment.effects import Effect
from linnet.stats.experiment.sequence import p_value

SURE = NORMAL.inv_cdf(0.975)


@dataclass(frozen=True)
class Part:
    """One segment. effect: as measured. users: of both variants together."""

    name: str
    effect: Effect
    users: float


@dataclass(frozen=True)
class Shrunk:
    """A segment's effect, drawn towards the whole.

    differs: adjusted p-value, for any look, of "its effect is that of all other users".
    """

    name: str
    users: float
    measured: float
    size: float
    error: float
    differs: float


@dataclass(frozen=True)
class Divided:
    """between: the variance of true effects between segments. pooled: their precision-weighted
    mean.

    stratified: the mean of segments' effects, by their users. reversed: whether that, or every
    segment, tells the opposite of the whole (Simpson, JRSS B 1951).
    """

    parts: tuple[Shrunk, ...]
    between: float
    pooled: float
    stratified: Effect
    reversed: bool


def divide(whole: Effect, parts: Sequence[Part], r: float) -> Divided | None:
    """The segments of one dimension; None where fewer than two can be judged.

    whole: of all users. r: the clock of `sequence`.
    """
    known = [part for part in parts if _told(part.effect)]
    if len(known) < 2:
        return None
    between, pooled = _between(known)
    shrunk = tuple(_shrink(part, known, between, pooled, r) for part in known)
    stratified = _stratified(known)
    return Divided(shrunk, between, pooled, stratified, _reversed(whole, known, stratified))


def _told(effect: Effect) -> bool:
    size, variance = float(effect.size), float(effect.variance)
    return isfinite(size) and isfinite(variance) and variance > 0


def _between(parts: Sequence[Part]) -> tuple[float, float]:
    weights = [1 / float(part.effect.variance) for part in parts]
    sizes = [float(part.effect.size) for part in parts]
    total = sum(weights)
    fixed = sum(w * s for w, s in zip(weights, sizes, strict=True)) / total
    spread = sum(w * (s - fixed) ** 2 for w, s in zip(weights, sizes, strict=True))
    scale = total - sum(w * w for w in weights) / total
    between = max(0.0, (spread - (len(parts) - 1)) / scale)
    again = [1 / (float(part.effect.variance) + between) for part in parts]
    return between, sum(w * s for w, s in zip(again, sizes, strict=True)) / sum(again)


def _shrink(part: Part, parts: Sequence[Part], between: float, pooled: float, r: float) -> Shrunk:
    size, variance = float(part.effect.size), float(part.effect.variance)
    kept = between / (between + variance)
    others = _stratified([other for other in parts if other is not part])
    apart = Effect(size - float(others.size), variance + float(others.variance))
    differs = min(1.0, len(parts) * float(p_value(apart.z(), r)))
    drawn = pooled + kept * (size - pooled)
    return Shrunk(part.name, part.users, size, drawn, sqrt(kept * variance), differs)


def _stratified(parts: Sequence[Part]) -> Effect:
    users = sum(part.users for part in parts)
    size = sum(part.users * float(part.effect.size) for part in parts) / users
    spread = sum((part.users / users) ** 2 * float(part.effect.variance) for part in parts)
    return Effect(size, spread)


def _reversed(whole: Effect, parts: Sequence[Part], stratified: Effect) -> bool:
    """Whether something that stands out in the whole is turned round inside it, or the reverse."""
    size = float(whole.size)
    sure = max(abs(float(whole.z())), abs(float(stratified.z()))) > SURE
    against = size * float(stratified.size) < 0
    every = all(size * float(part.effect.size) < 0 for part in parts)
    return sure and (against or every)
