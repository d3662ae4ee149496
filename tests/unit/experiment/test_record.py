"""What is kept of an experiment: unchanged by JSON, within its bounds, refused by its place."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linnet.api.experiment import Experiment, ExperimentMetric, ExperimentResult, MetricKind
from linnet.experiment.data import Both, Data, Health, Measured
from linnet.experiment.judge import judge
from linnet.experiment.record import (
    LIMIT_BYTES,
    LOOKS_LIMIT,
    Decided,
    Estimate,
    Look,
    Record,
    experiment_id,
    fitted,
    judged,
    kept_as,
    noted,
)
from linnet.stats.experiment.sums import Sums
from tests.support.experiments import START, data, good, shares

DAY = timedelta(days=1)


def record(found: Data | None = None, **spec: Any) -> Record:
    return Record(
        release="shop",
        namespace="web",
        id="tone-7f9c",
        revision="7f9c",
        versions=("5d1a", "7f9c"),
        spec=Experiment.model_validate(spec),
        data=data({}, days=0, users=(0.0, 0.0)) if found is None else found,
    )


def looked(before: Record, found: Data) -> Record:
    return noted(before, found, judge(before.spec, found, found.until), found.until)


def through_json(before: Record) -> Record:
    return Record.from_text(before.to_text())


DECIDED = Decided(ExperimentResult.SUCCESS, "ada", "good enough", START + 15 * DAY)


def test_a_record_goes_through_json() -> None:
    parts = {"country": {"de": shares(1, 2), "fr": shares(3, 4)}}
    metrics = good() | {"adoption": Measured(shares(1, 2), (shares(5, 6),), parts)}
    found = replace(data(metrics), health=(Health("limits", True, "kept"),), crossed=(1.0, 2.0))
    before = replace(
        looked(record(hypothesis="grüße", duration="20m", minimumDuration="10m"), found),
        result=ExperimentResult.SUCCESS,
        rule="success",
        decided=DECIDED,
        ended_at=START + 15 * DAY,
    )
    assert through_json(before) == before
    assert json.loads(before.to_text())["decided"]["by"] == "ada"


MOMENTS = st.integers(0, 10**15).map(lambda us: START + timedelta(microseconds=us))
FIGURES = st.none() | st.floats(-1e17, 1e17)
USERS = st.lists(
    st.tuples(st.floats(-1e3, 1e3), st.floats(0, 50), st.floats(-20, 20)), min_size=1, max_size=5
)
NAMES = st.text(min_size=1, max_size=12)


@st.composite
def sums(draw: st.DrawFn) -> Sums:
    y, d, x = np.array(draw(USERS)).T
    found = Sums.of(y, d, x)
    return Sums(**{name: float(value) for name, value in vars(found).items()})


BOTH = st.builds(Both, sums(), sums())
MEASURED = st.builds(
    Measured,
    BOTH,
    st.lists(BOTH, max_size=2).map(tuple),
    st.dictionaries(NAMES, st.dictionaries(NAMES, BOTH, max_size=2), min_size=1, max_size=2),
) | st.builds(Measured, edges=st.dictionaries(st.sampled_from([0.05, 0.1, 2.0]), BOTH, min_size=1))
COUNTS = st.tuples(st.floats(0, 1e9), st.floats(0, 1e9))
LOOKS = st.builds(
    Look,
    MOMENTS,
    COUNTS,
    st.dictionaries(NAMES, st.builds(Estimate, FIGURES, FIGURES, FIGURES), max_size=3),
)
DATA = st.builds(
    Data,
    MOMENTS,
    MOMENTS,
    COUNTS,
    st.dictionaries(NAMES, MEASURED, max_size=2),
    st.lists(st.builds(Health, NAMES, st.booleans(), NAMES), max_size=2).map(tuple),
    COUNTS,
)
SPECS = st.builds(
    Experiment,
    hypothesis=st.text(max_size=30),
    duration=st.integers(60_000, 10**9).map(lambda ms: timedelta(milliseconds=ms)),
    treatment_percent=st.floats(1, 99),
)
RECORDS = st.builds(
    Record,
    NAMES,
    NAMES,
    NAMES,
    NAMES,
    st.tuples(NAMES, NAMES),
    SPECS,
    DATA,
    st.lists(LOOKS, max_size=3).map(tuple),
    st.sampled_from(ExperimentResult),
    NAMES,
    st.none() | st.builds(Decided, st.sampled_from(ExperimentResult), NAMES, NAMES, MOMENTS),
    st.none() | MOMENTS,
)


@pytest.mark.thorough
@settings(max_examples=60, deadline=None)
@given(before=RECORDS)
def test_any_record_goes_through_json(before: Record) -> None:
    assert through_json(before) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)


def paths(kept: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in the JSON."""
    for key, each in kept.items() if isinstance(kept, dict) else enumerate(kept):
        yield (*path, key)
        if isinstance(each, dict | list):
            yield from paths(each, (*path, key))


def put(kept: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        kept = kept[key]
    kept[path[-1]] = value


@pytest.mark.thorough
@settings(max_examples=120, deadline=None)
@given(drawn=st.data())
def test_what_was_tampered_with_is_read_or_refused(drawn: st.DataObject) -> None:
    parts = {"country": {"de": shares(1, 2), "fr": shares(3, 4)}}
    metrics = good() | {"adoption": Measured(shares(1, 2), (shares(5, 6),), parts)}
    whole = replace(looked(record(), data(metrics)), decided=DECIDED, ended_at=START)
    kept = json.loads(whole.to_text())
    put(kept, drawn.draw(st.sampled_from(list(paths(kept)))), drawn.draw(JSON))
    try:
        found = Record.from_text(json.dumps(kept))
    except ValueError:
        return
    assert through_json(found) == found


def test_what_a_newer_version_adds_is_passed_over() -> None:
    before = looked(record(), data())
    kept = json.loads(before.to_text())
    kept |= {"colour": "red"}
    kept["spec"]["colour"] = kept["data"]["colour"] = kept["looks"][0]["colour"] = "red"
    assert Record.from_text(json.dumps(kept)) == before


def change(*path: Any, to: Any) -> Callable[[Any], None]:
    return lambda kept: put(kept, path, to)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (change("release", to=7), "release: is missing, or no text"),
        (change("versions", to=None), "versions: is missing, or no object"),
        (change("versions", "treatment", to=None), "versions.treatment: is missing, or no text"),
        (change("spec", to=[]), "spec: is missing, or no object"),
        (change("spec", "duration", to="long"), "spec.duration: .*'long' is not a duration"),
        (change("data", to=None), "data: is missing, or no object"),
        (change("data", "users", "control", to=-1), "data.users.control: is no count: -1"),
        (change("looks", to="all"), "looks: is no list"),
        (change("looks", to=[7]), r"looks\[0\]: is missing, or no object"),
        (change("looks", 0, "at", to="2026-11-02"), r"looks\[0\].at: is no time"),
        (change("looks", 0, "at", to="noon"), r"looks\[0\].at: is no time"),
        (change("looks", 0, "at", to=None), r"looks\[0\].at: is no time"),
        (change("looks", 0, "users", to=[1]), r"looks\[0\].users: are not two counts"),
        (change("looks", 0, "users", to=[1, -1]), r"looks\[0\].users: are not two counts"),
        (change("looks", 0, "users", to=[1, "b"]), r"looks\[0\].users: is no number: 'b'"),
        (change("looks", 0, "metrics", "adoption", to=[1]), "adoption: is not .effect, low, high"),
        (change("result", to="Great"), "result: is no result: 'Great'"),
        (change("decided", "result", to="Great"), "decided.result: is no result"),
        (change("decided", "by", to=1), "decided.by: is missing"),
        (change("endedAt", to="later"), "endedAt: is no time"),
    ],
)
def test_what_cant_be_read_is_named(changed: Callable[[Any], None], said: str) -> None:
    kept = json.loads(replace(looked(record(), data()), decided=DECIDED, ended_at=START).to_text())
    changed(kept)
    with pytest.raises(ValueError, match=said):
        Record.from_text(json.dumps(kept))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "7", "null"])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no JSON|no object"):
        Record.from_text(text)


def test_a_look_has_each_metric_with_its_interval() -> None:
    found = looked(record(), data())
    (look,) = found.looks
    assert (look.at, look.users) == (START + 14 * DAY, (5000, 5000))
    adoption = look.metrics["adoption"]
    assert adoption.effect == pytest.approx(12)
    assert adoption.low is not None
    assert adoption.high is not None
    assert 8 < adoption.low < 12 < adoption.high < 16
    assert found.data == data()
    assert found.result is ExperimentResult.RUNNING


def test_what_is_not_known_is_none() -> None:
    look = looked(record(), data({}, days=1)).looks[0]
    assert look.metrics["adoption"] == Estimate()


def test_looks_are_apart() -> None:
    found = record(duration="200h", minimumDuration="100h")
    for minutes in range(0, 181, 20):
        found = looked(found, data(days=minutes / 1440))
    assert [look.at - START for look in found.looks] == [timedelta(hours=h) for h in range(4)]
    assert found.data.until - START == timedelta(hours=3)


def test_a_clock_that_goes_back_adds_no_look() -> None:
    found = looked(looked(record(), data(days=5)), data(days=4))
    assert len(found.looks) == 1


METRIC = (ExperimentMetric(name="adoption"),)


@pytest.mark.thorough
def test_a_long_wait_keeps_few_looks_evenly() -> None:
    """More than twice as long as planned."""
    some = {"adoption": Measured(shares(30, 31))}
    every = tuple(Look(START + timedelta(hours=hour), (1, 1), {}) for hour in range(LOOKS_LIMIT))
    found = replace(record(duration="200h", minimumDuration="100h", metrics=METRIC), looks=every)
    judgement = judge(found.spec, data(some), START)
    for hours in range(LOOKS_LIMIT, LOOKS_LIMIT + 60):
        known = data(some, days=hours / 24)
        found = noted(found, known, judgement, known.until)
        assert len(found.looks) <= LOOKS_LIMIT
    times = [look.at - START for look in found.looks]
    gaps = [after - before for before, after in pairwise(times)]
    assert (times[0], times[-1]) == (timedelta(), timedelta(hours=LOOKS_LIMIT + 59))
    assert len(times) > LOOKS_LIMIT / 2
    assert max(gaps) <= timedelta(hours=2)


def test_what_has_ended_stays() -> None:
    before = replace(looked(record(), data(days=7)), ended_at=START + 7 * DAY)
    assert looked(before, data(days=14)) is before


def large(metrics: int, days: int, segments: int, looks: int) -> Record:
    """Numbers of full length, as real sums have."""
    third = shares(100 / 3, 200 / 7, 1e9 / 3)
    ratio = Both(*(Sums(*(each.users,) * 10) for each in (third.control, third.treatment)))
    names = [f"metric_with_a_long_name_{number:02}" for number in range(metrics)]
    spec = [
        ExperimentMetric(name=name, kind=MetricKind.RATIO).model_dump(mode="json", by_alias=True)
        for name in names
    ]
    parts = {"country": {f"country {number}": ratio for number in range(segments)}}
    one = Measured(ratio, (ratio,) * days, parts)
    seen = Estimate(1.23456e-05, -1.23456e-05, 1.23456e-05)
    every = tuple(
        Look(START + number * timedelta(hours=1), (1e9, 1e9), dict.fromkeys(names, seen))
        for number in range(looks)
    )
    return replace(record(data(dict.fromkeys(names, one)), metrics=spec), looks=every)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("before", "looks", "days", "segments"),
    [
        (large(6, 14, 8, 400), 400, 14, 1),
        (large(16, 50, 8, 400), 101, 50, 1),
        (large(16, 100, 8, 400), 101, 0, 1),
        (large(16, 100, 120, 400), 101, 0, 0),
        (large(16, 60, 0, 4000), 1, 0, 0),
    ],
)
def test_what_is_too_long_leaves_out_what_only_explains(
    before: Record, looks: int, days: int, segments: int
) -> None:
    found = fitted(before)
    assert len(found.to_text().encode()) <= LIMIT_BYTES
    one = found.data.metrics["metric_with_a_long_name_00"]
    assert (len(found.looks), len(one.days), len(one.segments)) == (looks, days, segments)
    assert found.looks[-1] == before.looks[-1]
    assert one.whole == before.data.metrics["metric_with_a_long_name_00"].whole


@pytest.mark.parametrize(
    ("found", "result"),
    [
        (data(), "Success"),
        (data(days=3), "Running"),
        (data({}), "Conditional"),
        (data(users=(5300.0, 4700.0)), "Invalid"),
        (data({}, days=0, users=(0.0, 0.0)), "Running"),
    ],
)
def test_the_result_of_a_judgement(found: Data, result: str) -> None:
    assert str(judged(judge(Experiment(), found, found.until))) == result


def test_names() -> None:
    assert experiment_id("tone", "7f9c") == "tone-7f9c"
    assert experiment_id("a" * 40, "b" * 40) == "a" * 40 + "-" + "b" * 22
    assert experiment_id("a" * 62, "b") == "a" * 62
    assert kept_as("shop", "7f9c") == "shop-experiment-7f9c"
