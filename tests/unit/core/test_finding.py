"""What the comparison has found, and what follows from it."""

import math
from datetime import timedelta
from math import inf, nan

import pytest

from linnet.api.comparison import Comparison, ComparisonStatus, FindingStatus
from linnet.core import comparison, finding
from linnet.core.compared_pods import Asked
from linnet.core.comparison import Look, Policy
from linnet.core.decision import Situation, Trouble
from linnet.core.pods import Happened, MemorySeen, PodsSeen
from linnet.core.sources import Arm, Arms
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


PODS = Asked(restarts=True, oom_kills=True, memory=True)


def of_pods(name: str, *looks: PodsSeen) -> FindingStatus:
    state, policy = comparison.begin(), Policy(pods=PODS)
    for seen in looks:
        look = Look(5, 15.0, Arms(Arm(950.0), Arm(50.0), seen))
        state = comparison.advance(state, look, policy)
    each = comparison.findings(state, look, policy)[name]
    return finding.told(name, each, state, Comparison(), "")


def test_restarts_and_kills_in_words() -> None:
    happened = Happened((1.0, 36000.0), (4.0, 1800.0))
    seen = PodsSeen(happened, happened)
    told = of_pods("restarts", *[seen] * 2)
    assert told.message.startswith("8 restarts in 1 pod-hours, stable's 2 in 20; odds against a")
    assert (told.effect, told.requests_needed, told.time_needed) == (80, None, timedelta())
    assert of_pods("oomKills", seen).message.startswith("4 OOM kills in 0.5 pod-hours, stable's 1")
    alone = PodsSeen(Happened(None, (0.0, 15.0)), Happened())
    assert of_pods("restarts", alone).message.startswith("restarts: not seen yet; odds")
    assert of_pods("oomKills", alone).message == "nobody told of the canary's pods"


def growing(minutes: int, then: float = 1e8) -> list[PodsSeen]:
    return [
        PodsSeen(
            memory=MemorySeen(
                60.0 * minute,
                {"c": 1.3e8 * math.exp(0.02 * minute / 60)},
                {"s": then} if then else {},
                {"s": 1e8},
            )
        )
        for minute in range(minutes)
    ]


def test_memory_in_words() -> None:
    told = of_pods("memory", *growing(300))
    assert told.message.startswith(
        "memory grows 62 % a day (62 to 62) beside stable's, and is 44 % above it; odds against a"
    )
    assert (told.effect, told.low, told.high) == (1.616, 1.616, 1.616)
    assert told.time_needed is not None
    early = of_pods("memory", *growing(3))
    assert early.message.startswith("memory: too short a time to compare; odds")
    assert (early.effect, early.low, early.high, early.time_needed) == (None, None, None, None)
    unknown = of_pods("memory", *growing(3, then=0))
    assert unknown.message.startswith("memory: what stable's pods had at this age isn't known")
    assert unknown.verdict == "Continue"
    assert of_pods("memory", PodsSeen(memory=MemorySeen())).verdict == "NoData"


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
