"""Dashboards: that each query can be answered, and that Grafana gets what it needs to ask it."""

import json
import re
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from hack.dashboards.files import FILES
from hack.dashboards.grafana import as_json
from hack.dashboards.panels import Dashboard, Line, Panel, Variable, filled, named, placed
from hack.dashboards.vetted import Unasked, complaints, told, vet
from hack.dashboards.workload import RECOCHAT

KNOWN = told()
BUILT_IN = {"__rate_interval"}
BOTH = pytest.mark.parametrize("dashboard", FILES.values(), ids=lambda each: each.uid)


def grafana(dashboard: Dashboard) -> Any:
    return json.loads(as_json(dashboard))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sum(rate(linnet_decision_total[5m]))", "nothing tells linnet_decision_total"),
        ('linnet_leader{replica="1"}', "linnet_leader has no label replica"),
        ("sum by (outcome) (linnet_release_step)", "nothing in it has the label outcome"),
        ("linnet_leader * on (replica) linnet_queue_length", "has the label replica"),
        ("http_request_duration_seconds", "nothing tells http_request_duration_seconds"),
        ("sum(", "correct the PromQL"),
        ("linnet_leader[5m]", "a range of values"),
    ],
)
def test_a_query_that_nothing_answers_is_named(query: str, said: str) -> None:
    assert [each for each in complaints(query, KNOWN) if said in each]


@pytest.mark.parametrize(
    "query",
    [
        'sum by (track, le) (rate(http_request_duration_seconds_bucket{pod=~"a.*"}[5m]))',
        "process_resident_memory_bytes and on (namespace, instance) linnet_leader",
        'session_store_connections{state="limit"}',
    ],
)
def test_a_query_that_is_answered_has_no_complaint(query: str) -> None:
    assert list(complaints(query, KNOWN)) == []


def test_a_dashboard_with_such_a_query_or_variable_is_refused() -> None:
    panel = Panel("Nothing", "", (Line("nothing", ""),))
    with pytest.raises(Unasked, match="recochat, Nothing: nothing tells nothing"):
        vet(replace(RECOCHAT, panels=(panel,)))
    with pytest.raises(Unasked, match="session_count has no label phase"):
        vet(replace(RECOCHAT, variables=(Variable("a", "session_count", "phase"),)))


def test_the_workload_has_its_ten_panels() -> None:
    assert sorted(panel.title for panel in RECOCHAT.panels) == [
        "Cache hit rate",
        "Error count",
        "Error rate",
        "Latency",
        "Memory",
        "Recommendation accuracy",
        "Release state",
        "Requests per second",
        "Session store connections",
        "Traffic split",
    ]


@BOTH
def test_every_panel_is_inside_and_none_lies_on_another(dashboard: Dashboard) -> None:
    places = placed(dashboard.panels)
    assert all(place.x + place.panel.width <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one.x + one.panel.width <= other.x or other.x + other.panel.width <= one.x
        below = one.y + one.panel.height <= other.y or other.y + other.panel.height <= one.y
        assert beside or below, (one.panel.title, other.panel.title)


@BOTH
def test_every_variable_of_a_query_is_one_that_grafana_has(dashboard: Dashboard) -> None:
    found = grafana(dashboard)
    chosen = {each["name"] for each in found["templating"]["list"]}
    for panel in found["panels"]:
        for target in panel["targets"]:
            used = set(re.findall(r"\$(\w+)", target["expr"]))
            assert used <= chosen | BUILT_IN, panel["title"]


@BOTH
def test_every_panel_is_told_apart_explained_and_asks_the_chosen_source(
    dashboard: Dashboard,
) -> None:
    panels = grafana(dashboard)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["description"]
        ids = [target["refId"] for target in panel["targets"]]
        assert len(set(ids)) == len(ids)
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {source["uid"] for source in sources} == {"${datasource}"}


@BOTH
def test_every_state_has_its_word_and_colour(dashboard: Dashboard) -> None:
    found = {panel["title"]: panel for panel in grafana(dashboard)["panels"]}
    timelines = [panel for panel in dashboard.panels if panel.kind == "states"]
    assert timelines
    for panel in timelines:
        [mapping] = found[panel.title]["fieldConfig"]["defaults"]["mappings"]
        words = {number: each["text"] for number, each in mapping["options"].items()}
        assert words == {str(i): state.name for i, state in enumerate(panel.states)}
        query = panel.lines[0].query
        assert re.findall(r'(\d+) \* max .*?="(\w+)"\}', query) == list(words.items())


def test_legends_and_queries_are_filled_in() -> None:
    assert named("{{name}} {{metric}}", {"name": "shop"}) == "shop"
    assert filled('a{b=~"$c"}[$__d]', {"c": ".*", "__d": "5m"}) == 'a{b=~".*"}[5m]'
    with pytest.raises(KeyError):
        filled("$unknown", {})
