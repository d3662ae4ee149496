"""A dashboard's queries, asked of a Prometheus."""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

from hack.dashboards.panels import Dashboard, Line, filled

_PATIENCE_S = 30


@dataclass(frozen=True)
class Series:
    """Values over time: (seconds since the epoch, value), oldest first; never NaN."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Answer:
    """What one line of a panel got."""

    line: Line
    series: tuple[Series, ...]


Answers = dict[str, tuple[Answer, ...]]
"""What each panel got, by its title."""


@dataclass(frozen=True)
class Span:
    """From when to when, and how often; in seconds (since the epoch)."""

    start: float
    end: float
    step: float


def ask(url: str, query: str, span: Span) -> tuple[Series, ...]:
    """What a query gives over a span; NaN is left out, and a series of nothing else too.

    Raises:
        urllib.error.URLError: Prometheus refused the query, or didn't answer in time.
    """
    asked = {"query": query, "start": span.start, "end": span.end, "step": span.step}
    body = urllib.parse.urlencode(asked).encode()
    request = urllib.request.Request(f"{url}/api/v1/query_range", body)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:  # noqa: S310
        rows = json.load(answer)["data"]["result"]
    found = []
    for row in rows:
        values = [(float(at), float(value)) for at, value in row["values"]]
        points = tuple((at, value) for at, value in values if not isnan(value))
        if points:
            found.append(Series(row["metric"], points))
    return tuple(found)


def answers(url: str, dashboard: Dashboard, values: Mapping[str, str], span: Span) -> Answers:
    """What every panel shows; values: of all variables that its queries name."""
    return {
        panel.title: tuple(
            Answer(line, ask(url, filled(line.query, values), span)) for line in panel.lines
        )
        for panel in dashboard.panels
    }
