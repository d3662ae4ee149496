"""Which requests are compared when, and what is remembered of them."""

from datetime import timedelta

import pytest

from linnet.api.comparison import Comparison, ComparisonSource, ComparisonStatus, ContainerSource
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, Phase, WeightStatus
from linnet.core import looks
from linnet.core.observed import Tally
from linnet.core.series import Matrix, Series
from linnet.core.sources import Arms
from tests.support.builders import (
    HOUR,
    MINUTE,
    SECOND,
    START,
    make_observed,
    make_spec,
    make_status,
)
from tests.support.requests_seen import Requests

SPEC = make_spec(analysis={"comparison": {}, "interval": "15s"})
TICK = 15 * SECOND
WITH_CPU = Comparison(use=ComparisonSource(cpu=ContainerSource.CADVISOR))
REQUESTS = Requests()


def looked(
    status: CanaryReleaseStatus, after: timedelta, requests: Requests = REQUESTS
) -> CanaryReleaseStatus:
    now = START + after
    due = looks.span_due(SPEC, status, now)
    assert due is not None
    observed = make_observed(tally=requests.between(*due, 5))
    return looks.compared(SPEC, status, observed, now)


def known(status: CanaryReleaseStatus) -> ComparisonStatus:
    assert status.comparison is not None
    return status.comparison


def test_the_first_span_begins_with_the_canarys_traffic_and_the_next_where_that_ended() -> None:
    status = make_status()
    assert looks.span_due(SPEC, status, START + TICK) == (START, START + TICK)
    status = looked(status, TICK)
    assert looks.span_due(SPEC, status, START + MINUTE) == (START + TICK, START + MINUTE)


def test_no_span_is_longer_than_an_hour() -> None:
    late = START + 9 * HOUR
    assert looks.span_due(SPEC, make_status(), late) == (late - HOUR, late)


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        (make_spec(), make_status()),
        (SPEC, make_status(Phase.STARTING)),
        (SPEC, make_status(phase_since=None)),
        (SPEC, make_status(phase_since=START + HOUR)),
    ],
    ids=["not asked for", "no traffic yet", "unknown since when", "a clock that is ahead"],
)
def test_nothing_is_due(spec: CanaryReleaseSpec, status: CanaryReleaseStatus) -> None:
    assert looks.span_due(spec, status, START + TICK) is None


def test_an_unanswered_look_leaves_its_requests_to_the_next() -> None:
    status = looked(make_status(), TICK)
    away = looked(status, 2 * TICK, Requests(away="connection refused"))
    assert known(away).until == START + TICK
    assert known(away).findings[0].verdict == "Error"
    assert known(away).findings[0].message == "connection refused"
    assert known(away).state == known(status).state


def test_what_was_counted_before_is_not_counted_again() -> None:
    status = looked(make_status(), 2 * TICK)
    late = Tally(START + TICK, START + 3 * TICK)
    observed = make_observed(tally=late)
    assert looks.compared(SPEC, status, observed, START + 3 * TICK) is status


@pytest.mark.parametrize("state", ["", "nonsense", "eJyrrgUAAXUA+Q=="])
def test_a_state_that_cannot_be_read_is_begun_anew(state: str) -> None:
    status = looked(make_status(), TICK)
    damaged = status.model_copy(
        update={"comparison": known(status).model_copy(update={"state": state})}
    )
    fresh = make_status(phase_since=START + TICK)
    assert known(looked(damaged, 2 * TICK)).findings == known(looked(fresh, 2 * TICK)).findings


def test_the_share_is_judged_only_where_the_weight_was_there_all_the_time() -> None:
    elsewhere = Requests(share=0.5)
    weight = WeightStatus(wanted=5, seen=5, seen_since=START + MINUTE)
    status = make_status(weight=weight)
    for ticks in range(1, 5):
        status = looked(status, ticks * TICK, elsewhere)
        assert known(status).findings[0].verdict != "Invalid"
    for ticks in range(5, 20):
        status = looked(status, ticks * TICK, elsewhere)
    assert known(status).findings[0].verdict == "Invalid"


def series(pod: str, until: float, **labels: str) -> Series:
    return Series({"pod": pod, **labels}, ((until - 16, 10.0), (until - 1, 40.0)))


def answered(*answers: Matrix) -> dict[str, Matrix]:
    return dict(zip((looks.REQUESTS, looks.BUCKETS, looks.CPU), answers, strict=False))


def test_answers_become_a_tally_by_the_names_of_the_release() -> None:
    due = (START, START + TICK)
    requests, buckets = looks.selectors(SPEC, Comparison(), "prod", due).values()
    *_, cpu = looks.selectors(SPEC, WITH_CPU, "prod", due).values()
    assert cpu.startswith('container_cpu_usage_seconds_total{namespace="prod",container!="",')
    assert requests == (
        'http_requests_total{namespace="prod",pod=~"shop-[0-9a-z]+-[0-9a-z]{5}'
        '|shop-canary-[0-9a-z]+-[0-9a-z]{5}"}[1m15s]'
    )
    assert buckets.startswith("http_request_duration_seconds_bucket{")
    until = due[1].timestamp()
    found = Matrix(
        (
            series("shop-abc12-xyz34", until, status="200"),
            series("shop-canary-abc12-xyz34", until, status="500"),
        )
    )
    used = Matrix((series("shop-canary-abc12-xyz34", until, container="app"),))
    tally = looks.tallied(SPEC, WITH_CPU, "prod", due, answered(found, Matrix(), used))
    assert tally.arms is not None
    assert tally.arms.stable is not None
    assert tally.arms.canary is not None
    assert (tally.arms.stable.errors, tally.arms.canary.errors) == (0, 30)
    assert (tally.arms.stable.cpu_s, tally.arms.canary.cpu_s) == (None, 30)


def test_stables_past_is_asked_for_where_memory_is_compared() -> None:
    asked = Comparison.model_validate({"use": {"memory": "cadvisor"}})
    due = (START, START + MINUTE)
    asking = looks.selectors(SPEC, asked, "prod", due)
    assert list(asking) == ["requests", "latency", "memory", "starts"]
    until, pods = due[1].timestamp(), ("shop-abc12-xyz34", "shop-canary-abc12-xyz34")

    def told(*values: float) -> Matrix:
        both = zip(pods, values, strict=True)
        return Matrix(tuple(Series({"pod": pod}, ((until - 1, value),)) for pod, value in both))

    answers = {about: Matrix() for about in asking}
    answers |= {"memory": told(2e8, 1e8), "starts": told(until - 900, until - 60)}
    past = looks.earlier(SPEC, asked, "prod", due, answers)
    assert 'pod=~"shop-abc12-xyz34|' in past
    assert "offset 840s" in past
    tally = looks.tallied(SPEC, asked, "prod", due, answers, told(5e7, 1e8))
    assert tally.arms is not None
    assert tally.arms.pods.memory is not None
    assert tally.arms.pods.memory.then["shop-abc12-xyz34"] == 5e7


def test_an_arm_without_requests_has_no_cpu_either() -> None:
    due, used = (START, START + TICK), Matrix((series("shop-a-bcdef", START.timestamp() + 15),))
    tally = looks.tallied(SPEC, WITH_CPU, "prod", due, answered(Matrix(), Matrix(), used))
    assert tally.arms == Arms(None, None)


@pytest.mark.parametrize("failed", [0, 1])
def test_one_answer_that_failed_fails_the_tally(failed: int) -> None:
    answers = [Matrix(), Matrix()]
    answers[failed] = Matrix(error="timed out")
    due, both = (START, START + TICK), answered(*answers)
    tally = looks.tallied(SPEC, Comparison(), "prod", due, both)
    assert tally == Tally(START, START + TICK, error="timed out")
