import pytest

from linnet.api.analysis import NoDataPolicy
from linnet.api.status import MetricStatus, Verdict
from linnet.core.analysis import (
    assess,
    breached,
    forget_passes,
    measure,
    ready_to_advance,
)
from linnet.core.catalog import Check
from linnet.core.observed import Sample
from tests.support.builders import START, make_check, make_metric, make_samples

ABOVE = make_check(above=10.0, at_most=5.0, unit=" ms")
BELOW = make_check(above=None, at_most=None, below=90.0, at_least=95.0, unit=" %")


def verdict(check: Check, sample: Sample, *limits: str) -> Verdict:
    return assess(check, sample, frozenset(limits))[0]


def counted(
    check: Check, value: float | str | None, *, full_window: bool = True, **before: int
) -> MetricStatus:
    known = (make_metric().model_copy(update=before),) if before else ()
    (metric,) = measure(
        (check,),
        make_samples(errorRate=value),
        known,
        frozenset(),
        START,
        full_window=full_window,
    )
    return metric


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        (ABOVE, 5.0, Verdict.PASS),
        (ABOVE, 5.1, Verdict.HOLD),
        (ABOVE, 10.0, Verdict.HOLD),
        (ABOVE, 10.1, Verdict.BREACH),
        (BELOW, 95.0, Verdict.PASS),
        (BELOW, 94.9, Verdict.HOLD),
        (BELOW, 90.0, Verdict.HOLD),
        (BELOW, 89.9, Verdict.BREACH),
    ],
)
def test_a_limit_itself_is_still_within(check: Check, value: float, expected: Verdict) -> None:
    assert verdict(check, Sample(value)) is expected


def test_the_words_name_value_unit_and_limit() -> None:
    def words(check: Check, value: float) -> str:
        return assess(check, Sample(value), frozenset())[1]

    assert words(ABOVE, 10.123456) == "10.12 ms is above 10 ms"
    assert words(ABOVE, 6) == "6 ms is above 5 ms, needed to go on"
    assert words(BELOW, 80) == "80 % is below 90 %"
    assert words(BELOW, 92) == "92 % is below 95 %, needed to go on"
    assert words(BELOW, 99) == "99 %, limit 95 %"


def test_no_number_and_a_failed_query_are_not_the_same() -> None:
    assert verdict(ABOVE, Sample()) is Verdict.NO_DATA
    assert assess(ABOVE, Sample(error="timeout"), frozenset()) == (Verdict.ERROR, "timeout")


def test_a_check_of_a_resource_without_limit_is_skipped() -> None:
    check = make_check(requires="memory")
    assert verdict(check, Sample(99.0)) is Verdict.SKIPPED
    assert verdict(check, Sample(99.0), "memory") is Verdict.BREACH


def test_while_the_target_is_away_a_check_of_a_resource_stays_as_it_was() -> None:
    check = make_check(requires="memory")
    known = make_metric(passes=2)
    for before in ((known,), ()):
        after = measure((check,), {"errorRate": Sample(0.1)}, before, None, START, full_window=True)
        assert after == before
    (metric,) = measure((ABOVE,), {"errorRate": Sample(99.0)}, (), None, START, full_window=True)
    assert metric.verdict is Verdict.BREACH


def test_a_query_that_was_not_answered_is_an_error() -> None:
    (metric,) = measure((ABOVE,), {}, (), frozenset(), START, full_window=True)
    assert metric.verdict is Verdict.ERROR


def test_passes_count_in_a_row_and_only_after_a_full_window() -> None:
    assert counted(ABOVE, 1.0).passes == 1
    assert counted(ABOVE, 1.0, passes=4).passes == 5
    assert counted(ABOVE, 7.0, passes=4).passes == 0
    assert counted(ABOVE, None, passes=4).passes == 0
    assert counted(ABOVE, 1.0, full_window=False, passes=4).passes == 0


def test_breaches_count_in_a_row_and_from_the_first_moment() -> None:
    assert counted(ABOVE, 11.0, full_window=False).breaches == 1
    assert counted(ABOVE, 11.0, breaches=1).breaches == 2
    assert counted(ABOVE, 7.0, breaches=2).breaches == 0
    assert counted(ABOVE, 1.0, breaches=2).breaches == 0


@pytest.mark.parametrize("silence", [None, "timeout"])
def test_silence_neither_adds_to_the_breaches_nor_clears_them(silence: str | None) -> None:
    assert counted(ABOVE, silence, breaches=2).breaches == 2


@pytest.mark.parametrize("silence", [None, "timeout"])
def test_silence_is_a_breach_where_the_policy_says_so(silence: str | None) -> None:
    check = make_check(no_data=NoDataPolicy.ROLLBACK)
    assert counted(check, silence, breaches=2).breaches == 3
    assert counted(check, silence, full_window=False, breaches=2).breaches == 2


def test_enough_breaches_in_a_row_roll_back() -> None:
    check = make_check(consecutive=2)
    assert not breached(check, make_metric(breaches=1))
    assert breached(check, make_metric(breaches=2))


def test_a_check_is_ready_with_enough_passes_or_if_it_may_do_without() -> None:
    ignoring = make_check(no_data=NoDataPolicy.IGNORE)
    assert not ready_to_advance(ABOVE, make_metric(passes=2), 3)
    assert ready_to_advance(ABOVE, make_metric(passes=3), 3)
    assert ready_to_advance(ABOVE, make_metric(verdict=Verdict.SKIPPED), 3)
    assert not ready_to_advance(ABOVE, make_metric(verdict=Verdict.NO_DATA), 3)
    assert ready_to_advance(ignoring, make_metric(verdict=Verdict.NO_DATA), 3)
    assert ready_to_advance(ignoring, make_metric(verdict=Verdict.ERROR), 3)
    assert not ready_to_advance(ignoring, make_metric(verdict=Verdict.HOLD), 3)


def test_forgotten_passes_leave_the_breaches() -> None:
    (metric,) = forget_passes((make_metric(passes=3, breaches=1),))
    assert (metric.passes, metric.breaches) == (0, 1)
