"""What `linnet deploy` changes, and what it refuses; and what `linnet metrics` shows."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from linnet.api.comparison import ComparisonStatus, FindingStatus
from linnet.cli.cluster import metrics
from linnet.cli.cluster.deploy import check, image_patch
from linnet.cli.output import BadInput
from linnet.controller.release import Key, Release, write_status
from linnet.core.observed import Sample
from tests.support.builders import START, make_metric, make_spec, make_status

DEPLOYMENT = {"spec": {"template": {"spec": {"containers": [{"name": "proxy"}, {"name": "shop"}]}}}}


def release(spec: dict[str, Any] | None = None, **status: Any) -> Release:
    manifest = {
        "metadata": {"namespace": "shops", "name": "shop"},
        "spec": make_spec(**(spec or {})).model_dump(mode="json", by_alias=True, exclude_none=True),
        "status": write_status(make_status(**status)),
    }
    return Release.read(Key("shops", "shop"), manifest)


@pytest.mark.parametrize(("container", "number"), [("", 0), ("shop", 1)])
def test_an_image_is_set_where_the_container_is(container: str, number: int) -> None:
    test, change = image_patch(DEPLOYMENT, container, "shop:3")
    assert test["op"] == "test"
    assert change["path"] == f"/spec/template/spec/containers/{number}/image"


def test_a_container_that_isnt_there_is_told_with_those_that_are() -> None:
    with pytest.raises(BadInput, match="there are proxy, shop"):
        image_patch(DEPLOYMENT, "cart", "shop:3")


def test_a_weight_is_a_steps() -> None:
    check(release(), 10)
    with pytest.raises(BadInput, match="there are 5, 10, 50, 100"):
        check(release(), 7)


def test_a_paused_release_is_not_deployed() -> None:
    with pytest.raises(BadInput, match="linnet resume"):
        check(release({"suspend": True}), 0)


def shown(found: Release, stable: dict[str, Sample]) -> str:
    console = Console(width=140, no_color=True, file=StringIO())
    with console.capture() as captured:
        console.print(metrics.told(found, stable, START))
    return captured.get()


def test_measurements_are_read_out_beside_stables() -> None:
    finding = FindingStatus(name="errors", verdict="Clear", message="healthy", needed=300)
    found = release(
        metrics=(make_metric(value=0.2),),
        comparison=ComparisonStatus(until=START, weight=5, findings=(finding,)),
    )
    stable = {"errorRate": Sample(0.12), "latencyP95": Sample(error="Prometheus is away")}
    text = shown(found, {**stable, "memory": Sample()})
    for words in ("0.2 %", "≤ 0.5 %", "errors  Clear", "0.12 %", "Prometheus is away", "–"):
        assert words in text
    data = metrics.as_data(found, stable)
    assert data["canary"][0]["rollsBack"] == "> 1 % 3 times in a row"
    assert data["stable"] == {"errorRate": 0.12, "latencyP95": "Prometheus is away"}


def test_nothing_measured_yet() -> None:
    assert "nothing has been measured" in shown(release(), {})
