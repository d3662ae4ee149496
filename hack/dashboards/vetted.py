"""Queries of dashboards, held against the instrumentation: what it doesn't tell, none may ask for.

Names and labels come from where the metrics are made, so a metric that is renamed or loses a label
stops `make verify` instead of leaving a panel empty.
"""

from collections.abc import Iterable, Iterator

import promql_parser
from prometheus_client import CollectorRegistry, ProcessCollector

from hack.dashboards.panels import Dashboard, filled
from hack.metrics_reference import described
from linnet.providers.metrics import syntax
from recochat.metrics import Metrics

SCRAPED = frozenset({"namespace", "pod", "instance", "job"})
"""Labels that a Prometheus in a cluster gives to whatever it scrapes."""
HISTOGRAM = {"_bucket": frozenset({"le"}), "_sum": frozenset[str](), "_count": frozenset[str]()}
SAMPLE = {"namespace": ".*", "release": ".*", "__rate_interval": "1m", "window": "5m"}
"""Values for every variable that a query may have."""


class Unasked(ValueError):
    """A query asks for what nothing tells."""


def told() -> dict[str, frozenset[str]]:
    """Every series' name and its labels."""
    found: dict[str, frozenset[str]] = {}
    operator = [(each.name, each.kind, each.labels) for each in described().values()]
    own = [(each.name, each.kind, each.labels) for each in Metrics("", "").described.values()]
    for name, kind, labels in (*operator, *own):
        ends = HISTOGRAM if kind == "histogram" else {"": frozenset[str]()}
        found |= {name + end: frozenset(labels) | more for end, more in ends.items()}
    for family in ProcessCollector(registry=CollectorRegistry()).collect():
        end = "_total" if family.type == "counter" else ""
        found[family.name + end] = frozenset()
    return found


def vet(dashboard: Dashboard) -> None:
    """Return if every query can be answered.

    Raises:
        Unasked: one can't be; the message says which, and why.
    """
    known = told()
    for panel in dashboard.panels:
        for line in panel.lines:
            for complaint in complaints(filled(line.query, SAMPLE), known):
                raise Unasked(f"{dashboard.title}, {panel.title}: {complaint}")
    for variable in dashboard.variables:
        if variable.label not in known.get(variable.metric, frozenset()) | SCRAPED:
            raise Unasked(f"{dashboard.title}: {variable.metric} has no label {variable.label}")


def complaints(query: str, known: dict[str, frozenset[str]]) -> Iterator[str]:
    """What is wrong with a query; known: the labels of each series."""
    if problem := syntax.check(query):
        yield problem
        return
    parts = _parts(query)
    vectors = [part for part in parts if isinstance(part, promql_parser.VectorSelector)]
    any_label = set(SCRAPED)
    for vector in vectors:
        if vector.name not in known:
            yield f"nothing tells {vector.name}"
            return
        labels = known[vector.name] | SCRAPED
        any_label |= labels
        for matcher in vector.matchers.matchers:
            if matcher.name not in labels:
                yield f"{vector.name} has no label {matcher.name}"
    for label in _grouping(parts):
        if label not in any_label:
            yield f"nothing in it has the label {label}"


def _parts(query: str) -> list[promql_parser.Expr]:
    found: list[promql_parser.Expr] = []

    def take(part: promql_parser.Expr) -> bool:
        found.append(part)
        return True

    promql_parser.walk(promql_parser.parse(query), take)
    return found


def _grouping(parts: Iterable[promql_parser.Expr]) -> Iterator[str]:
    """Labels that a query groups or joins by."""
    for part in parts:
        modifier = getattr(part, "modifier", None)
        if isinstance(part, promql_parser.AggregateExpr) and modifier is not None:
            yield from modifier.labels
        elif isinstance(part, promql_parser.BinaryExpr) and modifier is not None:
            matching = modifier.matching
            yield from () if matching is None else matching.labels
            yield from modifier.group_labels or ()
