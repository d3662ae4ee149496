"""The reference of the charts' values."""

from pathlib import Path

import pytest
import yaml

from hack.chart_reference import comments, page, row, shown, typed, values
from hack.version import CHARTS

ROOT = Path(__file__).resolve().parents[3]
WRITTEN = """\
# How many.
replicas: 2

# Where to ask.
# At all times.
prometheus:
  url: ""
  # A token.
  token: {}

other: 1
list:
  # Not a key's.
  - name: x
"""
SCHEMA = {
    "properties": {
        "replicas": {"type": "integer", "minimum": 1},
        "prometheus": {
            "properties": {"url": {"type": "string"}, "token": {"type": "object"}},
        },
        "other": {"type": ["string", "integer"], "description": "Told by the schema."},
        "list": {"type": "array"},
    }
}


def test_comments_belong_to_the_key_below_them() -> None:
    assert {key: text for key, text in comments(WRITTEN).items() if text} == {
        ("replicas",): "How many.",
        ("prometheus",): "Where to ask. At all times.",
        ("prometheus", "token"): "A token.",
    }


def test_each_value_is_a_row_and_a_group_has_one_where_something_is_said_of_it() -> None:
    found = values(yaml.safe_load(WRITTEN), SCHEMA, comments(WRITTEN))
    assert [row(each) for each in found] == [
        "| `replicas` | integer, at least 1 | `2` | How many. |",
        "| `prometheus` |  |  | Where to ask. At all times. |",
        "| `prometheus.url` | string |  |  |",
        "| `prometheus.token` | object | `{}` | A token. |",
        "| `other` | string or integer | `1` | Told by the schema. |",
        '| `list` | array | `[{"name": "x"}]` |  |',
    ]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"enum": ["a", "b"]}, "`a`, `b`"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer, 1 to 9"),
        ({"type": "number", "maximum": 1}, "number, at most 1"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "integer or string"),
        ({}, "any"),
    ],
)
def test_a_type_is_told_with_its_bounds(schema: dict[str, object], said: str) -> None:
    assert typed(schema) == said


def test_a_default_is_shown_as_one_writes_it() -> None:
    assert [shown(each) for each in ("", "x", None, True, [1])] == [
        "", "`x`", "`null`", "`true`", "`[1]`",
    ]  # fmt: skip


@pytest.mark.parametrize("chart", CHARTS)
def test_every_value_of_a_chart_has_a_row(chart: str) -> None:
    written = yaml.safe_load((ROOT / chart / "values.yaml").read_text())
    section = page(ROOT).partition(f"## {Path(chart).name}\n")[2].partition("\n## ")[0]
    assert [name for name in written if f"| `{name}" not in section] == []
