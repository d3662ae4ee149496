"""What is shown of a release, made from its manifest and the time alone."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console, RenderableType

from linnet.api.comparison import ComparisonStatus, FindingStatus
from linnet.api.status import CanaryReleaseStatus, Condition, DecisionKind, Phase, Verdict
from linnet.cli.cluster import get, tree, words
from linnet.controller.release import Key, Release, write_status
from tests.support.builders import (
    MINUTE,
    START,
    make_entry,
    make_metric,
    make_spec,
    make_status,
)

NOW = START + 3 * MINUTE


def manifest(status: CanaryReleaseStatus, **spec: Any) -> dict[str, Any]:
    """As the API server has it."""
    return {
        "metadata": {"name": "shop", "namespace": "shops", "generation": 1},
        "spec": make_spec(**spec).model_dump(mode="json", by_alias=True, exclude_none=True),
        "status": write_status(status),
    }


def shown(renderable: RenderableType) -> str:
    console = Console(width=140, no_color=True, file=StringIO())
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def whole_tree(status: CanaryReleaseStatus, **spec: Any) -> str:
    return shown(tree.tree(Release.read(Key("shops", "shop"), manifest(status, **spec)), NOW))


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=61), "1m1s"),
        (timedelta(hours=2), "2h"),
        (timedelta(days=2, hours=3, minutes=4), "2d3h"),
        (timedelta(seconds=-5), "0s"),
    ],
)
def test_a_span_has_two_units(length: timedelta, text: str) -> None:
    assert words.span(length) == text


def test_a_line_for_a_release_under_way() -> None:
    row = get.cells(manifest(make_status(progress="1/4", message="measuring")), NOW)
    assert [str(cell) for cell in row] == [
        "shop",
        "Progressing",
        "3m",
        "5 %",
        "1/4",
        "v1",
        "v2",
        "measuring",
    ]


def test_a_line_for_one_at_rest_and_for_a_new_one() -> None:
    row = [str(cell) for cell in get.cells(manifest(make_status(Phase.PROMOTED)), NOW)]
    assert row[3] == row[6] == ""
    assert str(get.cells({"metadata": {"name": "new"}}, NOW)[1]) == "Pending"


def test_a_suspended_one_is_marked() -> None:
    assert "(suspended)" in str(get.cells(manifest(make_status(), suspend=True), NOW)[1])
    assert "(suspended)" in whole_tree(make_status(), suspend=True)


def test_namespaces_are_shown_where_all_are_asked_for() -> None:
    found = [manifest(make_status())]
    assert "shops" in shown(get.table(found, NOW, namespaces=True))
    assert "shops" not in shown(get.table(found, NOW, namespaces=False))


def test_a_tree_has_weights_step_checks_and_decisions() -> None:
    metrics = (
        make_metric(value=0.31, passes=2),
        make_metric("latencyP95", Verdict.BREACH, value=612.0, breaches=1),
        make_metric("memory", Verdict.NO_DATA, message="the query gave no number"),
        make_metric("gone", value=1.0),
    )
    text = whole_tree(
        make_status(
            metrics=metrics,
            step=1,
            progress="1/4",
            analysed_at=START,
            history=(make_entry(DecisionKind.STARTED), make_entry(DecisionKind.ADVANCED)),
        )
    )
    for line in (
        "shop in shops  Progressing for 3m",
        "stable  v1  95 %",
        "canary  v2  5 % wanted, 5 % seen for 3m",
        "5 % for 5m → 10 % for 5m → 50 % for 5m → 100 % for 5m",
        "next: 10 % at the earliest in 2m",
        "checks, measured 3m ago",
        "≤ 0.5 %   > 1 % 3 times in a row     2 of 3 passes",
        "1 of 3 breaches",
        "the query gave no number",
        "1  12:00:00  Advanced",
        "2  12:00:00  Started",
    ):
        assert line in text.replace(f"{START.astimezone():%H:%M:%S}", "12:00:00")


def test_a_tree_has_findings_and_conditions() -> None:
    finding = FindingStatus(name="errors", verdict="Continue", message="too few", needed=300)
    condition = Condition(
        type="Stalled",
        status="True",
        reason="RouteMissing",
        message="create it",
        last_transition_time=START,
        observed_generation=1,
    )
    text = whole_tree(
        make_status(
            comparison=ComparisonStatus(until=START, weight=5, findings=(finding,)),
            conditions=(condition,),
        )
    )
    assert "errors  Continue  too few" in text
    assert "Stalled  True  for 3m  RouteMissing: create it" in text


def test_at_rest_there_is_no_step_and_the_failed_version_is_named() -> None:
    text = whole_tree(make_status(Phase.ROLLED_BACK, failed_revision="v2"))
    assert "rolled back  v2" in text
    assert "step" not in text


def test_a_spec_that_was_not_seen_yet_is_told() -> None:
    assert "has not seen" in whole_tree(make_status(observed_generation=0))
    assert "has not seen" not in whole_tree(make_status(observed_generation=1))


def test_a_line_says_what_changes() -> None:
    release = Release.read(Key("shops", "shop"), manifest(make_status(progress="1/4")))
    assert tree.line(release).startswith("shop  Progressing  5 %  1/4")
