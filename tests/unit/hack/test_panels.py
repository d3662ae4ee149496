"""Pictures of dashboards: what a panel shows of the answers of its queries."""

import xml.etree.ElementTree as ElementTree

import pytest

from hack.dashboards.files import FILES
from hack.dashboards.panels import Dashboard, Unit
from hack.panels.draw import amount, board, runs
from hack.panels.prometheus import Answer, Series, Span

SPAN = Span(1000, 1060, 2)
BOTH = pytest.mark.parametrize("dashboard", FILES.values(), ids=lambda each: each.uid)


def answered(dashboard: Dashboard, *series: Series) -> dict[str, tuple[Answer, ...]]:
    return {
        panel.title: tuple(Answer(line, series) for line in panel.lines)
        for panel in dashboard.panels
    }


def test_a_state_that_lasts_is_one_stretch_and_a_gap_ends_it() -> None:
    points = ((0.0, 1.0), (2.0, 1.0), (4.0, 3.0), (10.0, 3.0))
    assert runs(Series({}, points), 2) == [(0, 4, 1), (4, 6, 3), (10, 12, 3)]


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.25, Unit.SECONDS, "250 ms"),
        (2, Unit.SECONDS, "2 s"),
        (5e7, Unit.BYTES, "50 MB"),
        (20, Unit.PERCENT, "20 %"),
        (3, Unit.PER_SECOND, "3/s"),
        (3, Unit.COUNT, "3"),
    ],
)
def test_amounts_are_told_in_their_unit(value: float, unit: Unit, words: str) -> None:
    assert amount(value, unit) == words


@BOTH
def test_every_panel_is_in_the_picture_with_its_series(dashboard: Dashboard) -> None:
    points = tuple((1000.0 + 2 * i, float(i % 2)) for i in range(30))
    picture = board(dashboard, answered(dashboard, Series({"track": "canary"}, points)), SPAN)
    ElementTree.fromstring(picture)  # noqa: S314 - our own
    assert all(f">{panel.title}</text>" in picture for panel in dashboard.panels)
    assert picture.count("<polyline") > len(dashboard.panels)


@BOTH
def test_a_panel_without_an_answer_stays_empty(dashboard: Dashboard) -> None:
    picture = board(dashboard, answered(dashboard), SPAN)
    assert all(f">{panel.title}</text>" in picture for panel in dashboard.panels)
