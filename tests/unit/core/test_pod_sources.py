"""Which pods are followed, and what is read of them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import inf, nan

import pytest

from linnet.api.comparison import ComparisonSource
from linnet.core import pod_sources
from linnet.core.pods import Happened, MemorySeen, PodsSeen
from linnet.core.series import Matrix, Point, Series, Span
from linnet.providers.metrics.syntax import check
from tests.support.builders import VARIABLES

ALL = ComparisonSource.model_validate(
    {"memory": "cadvisor", "restarts": "kubeStateMetrics", "oomKills": "cadvisor"}
)
RESTARTS = ComparisonSource.model_validate({"restarts": "kubeStateMetrics"})
MEMORY = ComparisonSource.model_validate({"memory": "cadvisor"})
NOW = datetime(2030, 1, 1, 12, 0, 10, tzinfo=UTC)
THEN = NOW - timedelta(seconds=15)
SPAN = Span(THEN.timestamp(), NOW.timestamp(), 60.0)
AT = NOW.timestamp()
WINDOW = timedelta(minutes=1)
STABLE, CANARY = "web-abc12-xyz34", "web-canary-abc12-xyz34"


def test_all_that_is_asked_is_promql_and_memory_is_asked_once_a_minute() -> None:
    asked = pod_sources.questions(ALL, VARIABLES, THEN, NOW, WINDOW)
    assert list(asked) == ["restarts", "oomKills", "memory", "starts"]
    for promql in asked.values():
        assert check(f"sum(rate({promql}))") == ""
    both = "web-[0-9a-z]+-[0-9a-z]{5}|web-canary-[0-9a-z]+-[0-9a-z]{5}"
    assert asked["restarts"] == (
        f'kube_pod_container_status_restarts_total{{namespace="shop",pod=~"{both}"}}[5m15s]'
    )
    assert asked["memory"].endswith("[1m]")
    later = NOW + timedelta(seconds=15)
    asked = pod_sources.questions(ALL, VARIABLES, NOW, later, WINDOW)
    assert list(asked) == ["restarts", "oomKills"]
    assert pod_sources.questions(ComparisonSource(), VARIABLES, THEN, NOW, WINDOW) == {}


def counter(pod: str, *points: Point, **labels: str) -> Series:
    """points: seconds before now, and the value."""
    return Series({"pod": pod, **labels}, tuple((AT - ago, value) for ago, value in points))


def restarts(*series: Series) -> Happened | None:
    answers = {"restarts": Matrix(series)}
    return pod_sources.seen(RESTARTS, VARIABLES, answers, Matrix(), SPAN).restarts


def test_restarts_count_by_the_samples_that_the_time_is_taken_from() -> None:
    found = restarts(
        counter(STABLE, (300, 7), (18, 7), (3, 7)),
        counter(CANARY, (300, 1), (18, 1), (3, 3), container="app"),
        counter(CANARY, (300, 0), (18, 0), (3, 1), container="proxy"),
    )
    assert found == Happened(stable=(0, 15), canary=(3, 15))


def test_a_pod_that_comes_up_does_not_count_yet() -> None:
    assert restarts(counter(CANARY, (60, 0), (18, 2), (3, 3))) == Happened(None, (0, 0))
    # Two minutes old between the looks: what came before is over.
    assert restarts(counter(CANARY, (125, 0), (18, 2), (3, 3))) == Happened(None, (0, 0))
    grown = counter(CANARY, (130, 0), (9, 2), (3, 3))
    assert restarts(grown) == Happened(None, (1, 6))


def test_the_next_span_begins_where_this_one_ended() -> None:
    points = ((300, 0.0), (40, 0.0), (10, 2.0), (-5, 3.0), (-20, 5.0))
    found = []
    for since, until in ((-60, -15), (-15, 0), (0, 15), (15, 30)):
        span = Span(AT + since, AT + until, 60.0)
        answers = {"restarts": Matrix((counter(CANARY, *points),))}
        found.append(pod_sources.seen(RESTARTS, VARIABLES, answers, Matrix(), span).restarts)
    counted = [each.canary for each in found if each is not None and each.canary is not None]
    assert counted == [(0, 0), (2, 30), (1, 15), (2, 15)]


@pytest.mark.parametrize("value", [nan, inf, -3.0])
def test_nonsense_is_no_restart(value: float) -> None:
    found = restarts(counter(CANARY, (300, 1), (18, 1), (3, value)))
    assert found is not None
    assert found.canary is not None
    assert found.canary[0] == 0


def test_pods_that_nobody_tells_of_are_unknown_and_those_of_the_future_not_there_yet() -> None:
    assert restarts() == Happened(None, None)
    assert restarts(counter(CANARY, (-5, 1))) == Happened(None, (0, 0))
    assert restarts(counter("other-abc12-xyz34", (3, 1))) == Happened(None, None)


def gauges(values: Mapping[str, float], ago: float = 5.0, container: str = "app") -> list[Series]:
    return [counter(pod, (ago, value), container=container) for pod, value in values.items()]


def young(name: str) -> str:
    return f"web-canary-abc12-{name}"


def old(name: str) -> str:
    return f"web-abc12-{name}"


BEGUN = {
    young("aaaaa"): AT - 3600,
    young("bbbbb"): AT - 3570,
    young("ccccc"): AT - 600,
    old("ddddd"): AT - 7200,
    old("eeeee"): AT - 86400,
    old("fffff"): AT - 20 * 86400,
    old("ggggg"): AT - 60,
}


def told(begun: Mapping[str, float] = BEGUN) -> dict[str, Matrix]:
    used = {pod: 100.0 + at for at, pod in enumerate(begun)}
    return {"memory": Matrix(tuple(gauges(used))), "starts": Matrix(tuple(gauges(begun)))}


def test_stables_past_is_asked_for_at_the_canarys_age_pod_by_pod() -> None:
    asked = pod_sources.earlier(MEMORY, VARIABLES, told(), NOW, WINDOW)
    assert asked.startswith("(avg_over_time(container_memory_working_set_bytes{")
    assert asked.endswith(")[30s:30s]")
    assert check(f"sum_over_time({asked})") == ""
    places = [asked.index(f'pod=~"{old(name)}|') for name in ("eeeee", "ddddd", "fffff")]
    assert places == sorted(places)
    for begun in (86400, 7200, 20 * 86400):
        assert f"offset {begun - 3570}s)" in asked
    assert "ggggg" not in asked  # younger than the canary


def test_a_pod_that_began_just_before_is_asked_for_with_an_offset_that_promql_takes() -> None:
    begun = {CANARY: AT - 600, STABLE: AT - 600.2}
    asked = pod_sources.earlier(MEMORY, VARIABLES, told(begun), NOW, WINDOW)
    assert "offset 1s)" in asked
    assert check(f"sum_over_time({asked})") == ""


@pytest.mark.parametrize("gone", ["web-abc12", "web-canary"])
def test_without_one_of_the_versions_there_is_no_past_to_ask_for(gone: str) -> None:
    left = {pod: begun for pod, begun in BEGUN.items() if not pod.startswith(gone)}
    assert pod_sources.earlier(MEMORY, VARIABLES, told(left), NOW, WINDOW) == ""
    assert pod_sources.earlier(RESTARTS, VARIABLES, {}, NOW, WINDOW) == ""


def memory(answers: Mapping[str, Matrix], past: Matrix = Matrix()) -> MemorySeen:  # noqa: B008
    seen = pod_sources.seen(MEMORY, VARIABLES, answers, past, SPAN).memory
    assert seen is not None
    return seen


def test_the_oldest_of_the_canary_are_followed_beside_stables_past_and_present() -> None:
    past = [*gauges({old("ddddd"): 60.0}), *gauges({old("ddddd"): 30.0}, container="proxy")]
    assert memory(told(), Matrix(tuple(past))) == MemorySeen(
        age_s=3570,
        canary={young("aaaaa"): 100, young("bbbbb"): 101},
        then={old("ddddd"): 90},
        now={old("eeeee"): 104, old("ddddd"): 103, old("fffff"): 105},
    )


def test_no_more_than_a_few_are_followed() -> None:
    many = {young(f"{at:05}"): AT - 600 for at in range(30)}
    many |= {old(f"{at:05}"): AT - 9000 - at for at in range(30)}
    seen = memory(told(many))
    assert (len(seen.canary), len(seen.now)) == (pod_sources.FOLLOWED, pod_sources.FOLLOWED)


def test_a_container_begun_anew_has_one_memory_and_makes_its_pod_young() -> None:
    used = [*gauges({CANARY: 900.0}, 45), *gauges({CANARY: 50.0}), *gauges({CANARY: 7.0}, 5, "b")]
    begun = [*gauges({CANARY: AT - 9000}, 45), *gauges({CANARY: AT - 30})]
    begun += gauges({CANARY: AT - 9000}, 5, "b")
    answers = {"memory": Matrix(tuple(used)), "starts": Matrix(tuple(begun))}
    assert memory(answers) == MemorySeen(30, {CANARY: 57})


@pytest.mark.parametrize("value", [nan, inf, -1.0, 0.0])
def test_nonsense_is_no_memory(value: float) -> None:
    answers = told({CANARY: AT - 60})
    assert memory({**answers, "memory": Matrix(tuple(gauges({CANARY: value})))}) == MemorySeen()
    assert memory({**answers, "starts": Matrix(tuple(gauges({CANARY: value})))}) == MemorySeen()
    assert memory(told({CANARY: AT + 60})) == MemorySeen()


def test_what_is_not_due_is_not_seen() -> None:
    empty = {"restarts": Matrix(), "oomKills": Matrix()}
    found = pod_sources.seen(ALL, VARIABLES, empty, Matrix(), SPAN)
    assert found == PodsSeen(Happened(), Happened(), None)
    assert pod_sources.seen(ComparisonSource(), VARIABLES, {}, Matrix(), SPAN) == PodsSeen()
