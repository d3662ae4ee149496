"""What the comparison has found, and what follows from it."""

from math import inf, nan

import pytest

from linnet.api.comparison import Comparison, ComparisonStatus, FindingStatus
from linnet.core import comparison, finding
from linnet.core.decision import Situation, Trouble
from linnet.stats.intervals import NOTHING, Interval
from linnet.stats.verdict import Finding, Verdict
from tests.support.builders import START, make_situation, make_spec, make_status


def found(verdict: Verdict = Verdict.CONTINUE, **changes: object) -> Finding:
    fields = {
        "verdict": verdict,
        "effect": 4.91234,
        "interval": Interval(3.1, inf),
        "lately": 5.0,
        "e_value": 812.345,
        "needed": 300.0,
        "requests_needed": 1234.0,
        **changes,
    }
    return Finding(**fields)  # type: ignore[arg-type]


def words(name: str, each: Finding, weight: int = 5) -> FindingStatus:
    state = comparison.begin()
    state = comparison.Comparison(weight, state.errors, state.canary, state.stable, state.share)
    return finding.told(name, each, state, Comparison(), "")


def test_a_finding_in_words_and_numbers() -> None:
    assert words("errors", found(Verdict.BREACH)) == FindingStatus(
        name="errors",
        verdict="Breach",
        message="4.9 times stable's errors (3.1 to inf); odds against a healthy canary 812, "
        "300 end it",
        effect=4.912,
        low=3.1,
        high=None,
        e_value=812.3,
        needed=300,
        requests_needed=1234,
    )


def test_without_a_comparison_there_is_no_effect_to_show() -> None:
    nothing = found(effect=nan, interval=NOTHING, requests_needed=inf)
    told = words("errors", nothing)
    assert told.message.startswith("errors: too few to compare")
    assert (told.effect, told.low, told.high, told.requests_needed) == (None, None, None, None)
    alone = words("errors", nothing, weight=100)
    assert alone.message.startswith("errors against the objective of 1 %: odds")
    assert words("cpu", nothing).message.startswith("CPU per request: too few to compare")
    slow = words("latency", nothing)
    assert slow.message.startswith("requests slower than 0 ms: too few to compare")
    clear = found(Verdict.CLEAR, effect=nan, interval=NOTHING)
    assert words("errors", clear).message.startswith("shown to be healthy: hardly any errors; odds")


@pytest.mark.parametrize(
    ("verdict", "begins"),
    [
        (Verdict.SHARED_INCIDENT, "stable suffers, too"),
        (Verdict.INVALID, "traffic isn't split as asked for"),
        (Verdict.NO_DATA, "no request of the canary's was counted"),
        (Verdict.CLEAR, "shown to be healthy"),
    ],
)
def test_what_the_verdict_means_comes_first(verdict: Verdict, begins: str) -> None:
    assert words("errors", found(verdict)).message.startswith(begins)


def situation(verdict: str | None, weight: int = 5, **settings: object) -> Situation:
    spec = make_spec(analysis={"comparison": settings})
    told = FindingStatus(name="errors", verdict=verdict or "", message="said", needed=300)
    known = ComparisonStatus(until=START, weight=weight, findings=(told,))
    return make_situation(spec, make_status(comparison=known if verdict else None))


def test_a_breach_ends_the_release_where_it_is_enforced() -> None:
    assert finding.breach(situation("Breach")) == Trouble("ErrorsWorse", "said")
    assert finding.breach(situation("Breach", mode="Observe")) is None
    assert finding.breach(situation("Clear")) is None
    assert finding.breach(situation(None)) is None
    assert finding.breach(make_situation()) is None


@pytest.mark.parametrize("verdict", ["SharedIncident", "Invalid", "NoData", "Error"])
def test_what_keeps_the_release_from_going_on(verdict: str) -> None:
    assert finding.obstacle(situation(verdict)) == (verdict, "errors: said")
    assert finding.obstacle(situation(verdict, mode="Observe")) is None


def test_it_goes_on_once_it_was_compared_at_this_weight() -> None:
    not_yet = ("NotCompared", "the versions are not compared yet")
    assert finding.obstacle(situation(None)) == not_yet
    assert finding.obstacle(situation("Clear", weight=10)) == not_yet
    assert finding.obstacle(situation("Continue")) is None
    assert finding.obstacle(make_situation()) is None


def test_clear_is_said_of_this_weight_and_only_where_it_is_asked_for() -> None:
    assert finding.is_clear(situation("Clear", advanceWhenClear=True))
    assert not finding.is_clear(situation("Clear", weight=10, advanceWhenClear=True))
    assert not finding.is_clear(situation("Continue", advanceWhenClear=True))
    assert not finding.is_clear(situation("Clear"))
    assert not finding.is_clear(situation(None, advanceWhenClear=True))
    assert not finding.is_clear(make_situation())
