"""What applications export, read: one target, whole or not at all."""

import math
from collections.abc import Iterator
from datetime import timedelta

import pytest

from linnet.api.experiment import Experiment, ExperimentMetric, MetricKind
from linnet.core.experiment_data import SCRAPED, STALE, Unreadable, data_of, question_about
from linnet.core.series import Matrix, Series
from linnet.experiment.data import Both, Data
from linnet.providers.metrics import syntax
from linnet.stats.experiment.sums import Sums
from tests.support.builders import MINUTE, SECOND, START

NAME = "tone-v2"
SPEC = Experiment(metrics=(ExperimentMetric(name="adoption"),))
AT = START + MINUTE


def series(family: str, value: float, pod: str = "a", **labels: str) -> Series:
    told = {"__name__": family, "pod": pod, "experiment": NAME, **labels}
    return Series({name: text for name, text in told.items() if text}, ((AT.timestamp(), value),))


def target(pod: str = "a", revision: float = 7, adopted: float = 40) -> Iterator[Series]:
    """A target that exports 100 users of each variant."""
    yield series("experiment_revision", revision, pod)
    yield series("", AT.timestamp(), pod, of=SCRAPED)
    yield series("experiment_metric_info", 1, pod, metric="adoption", kind="proportion")
    for variant, y in (("control", 30.0), ("treatment", adopted)):
        yield series("experiment_users", 100, pod, variant=variant)
        for of in ("y", "yy"):
            yield series("experiment_sum", y, pod, variant=variant, metric="adoption", of=of)


def read(*told: Series, spec: Experiment = SPEC, after: timedelta = SECOND) -> Data:
    return data_of(Matrix(told), "default", NAME, spec, START, AT + after)


def test_users_and_sums_of_both_variants() -> None:
    found = read(*target())
    assert (found.started, found.until) == (START, AT)
    assert found.users == (100, 100)
    assert found.metrics["adoption"].whole == Both(Sums(100, 30, 30), Sums(100, 40, 40))


@pytest.mark.parametrize("order", [1, -1])
def test_the_target_that_is_furthest_is_read_and_targets_are_never_added_up(order: int) -> None:
    told = [*target("a", 7, 40), *target("b", 9, 50), *target("c", 8, 45)]
    assert read(*told[::order]).metrics["adoption"].whole.treatment.y == 50


def test_of_two_that_are_as_far_the_one_that_was_scraped_last_is_read() -> None:
    late = [series("", AT.timestamp() + 0.5, "b", of=SCRAPED)]
    rest = [each for each in target("b", 7, 50) if each.labels.get("of") != SCRAPED]
    found = read(*target("a", 7, 40), *rest, *late)
    assert found.metrics["adoption"].whole.treatment.y == 50
    assert found.until == AT + timedelta(milliseconds=500)


def test_what_does_not_say_how_far_it_is_is_passed_over() -> None:
    revision = "experiment_revision"
    without = [each for each in target("b", 99, 50) if each.labels.get("__name__") != revision]
    unscraped = [each for each in target("c", 99, 50) if each.labels.get("of") != SCRAPED]
    found = read(*target("a"), *without, *unscraped)
    assert found.metrics["adoption"].whole.treatment.y == 40


def test_a_variant_without_users_yet_and_those_who_crossed() -> None:
    control = [each for each in target() if each.labels.get("variant") != "treatment"]
    crossed = series("experiment_users_crossed", 3, variant="control")
    found = read(*control, crossed)
    assert (found.users, found.crossed) == ((100, 0), (3, 0))
    assert found.metrics["adoption"].whole.treatment == Sums(0)


def test_days_in_order_and_segments_by_their_dimension() -> None:
    more = []
    for day, y in (("2030-01-02", 2.0), ("2030-01-01", 1.0)):
        place = {"variant": "control", "day": day}
        more.append(series("experiment_day_users", 10, **place))
        more += [series("experiment_day_sum", y, metric="adoption", of=of, **place)
                 for of in ("y", "yy")]  # fmt: skip
    place = {"variant": "treatment", "segment": "plan:pro:old"}
    more.append(series("experiment_segment_users", 20, **place))
    more.append(series("experiment_segment_sum", 5, metric="adoption", of="y", **place))
    more.append(series("experiment_segment_sum", 5, metric="adoption", of="yy", **place))
    found = read(*target(), *more).metrics["adoption"]
    assert [day.control.y for day in found.days] == [1, 2]
    assert found.segments["plan"]["pro:old"].treatment == Sums(20, 5, 5)


def test_a_quantile_has_its_edges_in_order() -> None:
    told = [*target()]
    for edge in ("0.1", "0.05"):
        for variant in ("control", "treatment"):
            place = {"variant": variant, "metric": "slow", "edge": edge}
            told += [series("experiment_sum", 1, of=of, **place)
                     for of in ("y", "d", "yy", "yd", "dd")]  # fmt: skip
    found = read(*told).metrics["slow"]
    assert list(found.edges) == [0.05, 0.1]
    assert found.edges[0.1].control == Sums(100, y=1, d=1, yy=1, yd=1, dd=1)


def broken(family: str, value: float, **labels: str) -> list[Series]:
    return [*target(), series(family, value, **labels)]


SUM = {"variant": "control", "metric": "spend"}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([], 'Prometheus has no experiment_revision{namespace="default",experiment="tone-v2"}'),
        (broken("experiment_sum", math.nan, of="y", **SUM), "spend of control is no number"),
        (broken("experiment_sum", 9, of="y", **SUM), "metric spend of control: y is 9, more than"),
        (broken("experiment_users_crossed", -1, variant="control"), "crossed is negative"),
        (broken("experiment_sum", 1, of="y", edge="fast", **SUM), "'fast' is no edge"),
        (
            [
                *broken("experiment_segment_users", 5, variant="control", segment="plan:pro"),
                series("experiment_segment_sum", 9, variant="control", segment="plan:pro",
                       metric="adoption", of="y"),
            ],
            r"adoption of control (plan:pro): y is 9",
        ),
    ],
    ids=["nothing", "NaN", "impossible", "negative", "edge", "segment"],
)  # fmt: skip
def test_what_cannot_be_is_no_data(told: list[Series], words: str) -> None:
    with pytest.raises(Unreadable) as error:
        read(*told)
    assert words in str(error.value)


def test_a_metric_of_another_kind_is_not_judged() -> None:
    spec = Experiment(metrics=(ExperimentMetric(name="adoption", kind=MetricKind.MEAN),))
    with pytest.raises(Unreadable, match=r"exported as a proportion, and .* has it as a Mean"):
        read(*target(), spec=spec)


def test_old_data_are_none() -> None:
    read(*target(), after=STALE)
    with pytest.raises(Unreadable, match="was scraped at 2030-01-01T12:01:00Z"):
        read(*target(), after=STALE + SECOND)


def test_an_answer_that_may_not_be_used_says_why() -> None:
    with pytest.raises(Unreadable, match="connection refused"):
        data_of(Matrix(error="connection refused"), "default", NAME, SPEC, START, AT)


def test_a_sum_of_another_kind_is_passed_over() -> None:
    assert read(*broken("experiment_sum", 1, of="zz", **SUM)) == read(*target())


def test_the_question_is_promql() -> None:
    assert syntax.check(question_about("default", NAME)) == ""
