"""Promtail's stages as the tests play them."""

from typing import Any

import pytest

from tests.support.log_stages import selects, shipped

STAGES: list[dict[str, Any]] = [
    {"cri": {}},
    {
        "match": {
            "selector": '{app=~"a|b"}',
            "stages": [{"json": {"expressions": {"time": "time", "id": '"x.y".z', "n": "n"}}}],
        }
    },
    {"timestamp": {"source": "time", "format": "RFC3339Nano"}},
    {"labels": {"n": ""}},
    {"structured_metadata": {"name": "id"}},
]
LINE = '2030-01-01T00:00:09Z stderr F {"time": "2030-01-01T00:00:01Z", "x.y": {"z": "q"}, "n": 7}'


def test_fields_become_labels_metadata_and_the_time() -> None:
    found = shipped(STAGES, {"app": "a"}, LINE)
    assert found.labels == {"app": "a", "n": "7"}
    assert found.metadata == {"name": "q"}
    assert found.moment.second == 1


def test_what_no_match_is_about_keeps_the_runtime_s_time() -> None:
    found = shipped(STAGES, {"app": "c"}, LINE)
    assert (found.labels, found.metadata, found.moment.second) == ({"app": "c"}, {}, 9)


def test_a_field_that_is_missing_is_left_out() -> None:
    found = shipped(STAGES, {"app": "b"}, '2030-01-01T00:00:09Z stdout F {"x.y": 1, "n": null}')
    assert (found.labels, found.metadata, found.moment.second) == ({"app": "b"}, {}, 9)


@pytest.mark.parametrize("line", ["no runtime", "2030-01-01T00:00:09Z stdout F no JSON"])
def test_a_line_that_can_t_be_read_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"no line of|Expecting value"):
        shipped(STAGES, {"app": "a"}, line)


def test_a_stage_that_isn_t_known_is_refused() -> None:
    with pytest.raises(ValueError, match="no stage regex"):
        shipped([{"regex": {}}], {}, "")


def test_a_selector_matches_whole_values() -> None:
    assert selects('{app="a",namespace=~"s.*"}', {"app": "a", "namespace": "shop"})
    assert not selects('{app=~"a"}', {"app": "ab"})
    assert not selects('{app="a"}', {})
