"""What the tests found when it was recorded, they find again: a faster way gives the same numbers.

Recorded by the first version of the comparison. Logarithms and powers may be rounded otherwise on
other processors, and a state keeps about six decimals; so the numbers are compared to four digits.
"""

from collections.abc import Iterator
from random import Random

import pytest

from linnet.core import comparison
from linnet.core.comparison import Comparison, Look, Policy
from linnet.core.packing import packed, unpacked
from linnet.core.sources import Arm, Arms

POLICY = Policy(cpu=True)
EDGES = (0.05, 0.1, 0.25, 1.0)
LOOKS = 60
WEIGHTS = {0: 5, 25: 10, 45: 50}
"""Look -> the canary's weight from then on."""

# seed, how many times as many of the canary's requests fail -> what was found in the end:
# metric -> verdict, effect, ends of its interval, e-value; and the sum of all numbers of the state.
RECORDED: dict[tuple[int, float], tuple[dict[str, tuple[object, ...]], float]] = {
    (1, 1.0): (
        {
            "errors": ("Clear", 1.02514, 0.5718785, 1.838388, 2.983919e-05),
            "latency": ("Continue", 1.056938, 1.02694, 1.087818, 0.05464987),
            "cpu": ("Clear", 1.08941, 0.7634072, 1.554628, 0.0970212),
        },
        8642315.456,
    ),
    (2, 3.0): (
        {
            "errors": ("Breach", 5.034736, 2.707384, 10.35876, 1.157311e10),
            "latency": ("Continue", 1.147981, 1.031443, 1.278136, 0.0004421072),
            "cpu": ("Clear", 0.810609, 0.5905925, 1.112589, 0.01072105),
        },
        8336353.442,
    ),
    (3, 0.0): (
        {
            "errors": ("Clear", 0, 0, 0.1390136, 7.340899e-06),
            "latency": ("Continue", 1.039312, 1.008645, 1.070918, 0.03201506),
            "cpu": ("Clear", 1.089671, 0.6667762, 1.780781, 0.05363749),
        },
        8417145.215,
    ),
}


def looks(seed: int, worse: float) -> Iterator[Look]:
    random, weight = Random(seed), 0  # noqa: S311 - requests, no secrets

    def arm(mean: float, fails: float) -> Arm:
        requests = float(int(mean * (0.8 + 0.4 * random.random())))
        errors = float(int(requests * fails * 2 * random.random() + random.random()))
        slow = [float(int(requests * share * random.random())) for share in (0.6, 0.2, 0.05, 0.01)]
        faster = dict(zip(EDGES, sorted(requests - each for each in slow), strict=True))
        return Arm(requests, min(errors, requests), requests, faster, requests * random.random())

    for look in range(LOOKS):
        weight = WEIGHTS.get(look, weight)
        stable, canary = arm(150.0 * (100 - weight), 0.002), arm(150.0 * weight, 0.002 * worse)
        seconds = 15.0 + (look % 3) / 1000
        yield Look(weight, seconds, Arms(stable, canary), settled=look % 7 > 0, warm=look > 1)


def numbers(told: object) -> Iterator[float]:
    if isinstance(told, dict):
        told = list(told.values())
    if isinstance(told, list):
        for each in told:
            yield from numbers(each)
    elif isinstance(told, (int, float)):
        yield float(told)


@pytest.mark.parametrize(("seed", "worse"), RECORDED)
def test_the_same_is_found_as_was_recorded(seed: int, worse: float) -> None:
    state: Comparison = comparison.begin()
    for look in looks(seed, worse):
        state = comparison.advance(unpacked(packed(state)), look, POLICY)
    found, total = RECORDED[seed, worse]
    for name, each in comparison.findings(state, look, POLICY).items():
        verdict, *figures = found[name]
        assert each.verdict == verdict
        interval = each.interval
        assert [each.effect, interval.low, interval.high, each.e_value] == pytest.approx(
            figures, rel=1e-4
        )
    assert sum(numbers(state.to_json())) == pytest.approx(total, rel=1e-7)
