"""The sums of experiments as Prometheus metrics: docs/experiment-metrics.md is their contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from recochat.experiments.base import Totals
from recochat.experiments.metrics import Metric, Series

_WHOLE: Final = ("experiment", "variant")
_TERM: Final = ("metric", "edge", "of")


class ExperimentCollector(Collector):
    """Exports what it was shown last; nothing before that."""

    def __init__(self, metrics: Sequence[Metric], day_s: float = 86400) -> None:
        """``day_s``: seconds of a day, as for the store."""
        self._metrics, self._day_s = tuple(metrics), day_s
        self._totals: Sequence[Totals] = ()

    def show(self, totals: Sequence[Totals]) -> None:
        """Export ``totals`` from now on, all of them taken at the same moment."""
        self._totals = totals

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families, each with samples of all experiments."""
        families = _families()
        for totals in self._totals:
            name = totals.experiment
            families["experiment_revision"].add_metric((name,), totals.revision)
            for metric in self._metrics:
                described = (name, metric.name, metric.kind)
                families["experiment_metric_info"].add_metric(described, 1)
            for series, value in totals.sums.items():
                family, labels = self._place(name, series)
                families[family].add_metric(labels, value)
        return iter(families.values())

    def _place(self, experiment: str, series: Series) -> tuple[str, Sequence[str]]:
        where: tuple[str, ...] = (experiment, series.variant)
        prefix = "experiment"
        if series.segment:
            where, prefix = (*where, series.segment), "experiment_segment"
        elif series.day:
            where, prefix = (*where, self._date(int(series.day))), "experiment_day"
        if series.of == "crossed":
            return "experiment_users_crossed", where
        if not series.metric:
            return f"{prefix}_users", where
        if series.segment or series.day:
            return f"{prefix}_sum", (*where, series.metric, series.of)
        return f"{prefix}_sum", (*where, series.metric, series.edge, series.of)

    def _date(self, day: int) -> str:
        begins = datetime.fromtimestamp(day * self._day_s, UTC)
        return begins.strftime("%Y-%m-%d" if self._day_s == 86400 else "%Y-%m-%dT%H:%M:%SZ")


def _families() -> Mapping[str, GaugeMetricFamily]:
    def family(name: str, text: str, labels: Iterable[str]) -> tuple[str, GaugeMetricFamily]:
        return name, GaugeMetricFamily(name, text, labels=list(labels))

    sums = "Sums over users of each metric's values and their products."
    return dict(
        (
            family("experiment_revision", "Outcomes counted so far.", ("experiment",)),
            family(
                "experiment_metric_info",
                "Always 1; its labels say which metrics there are.",
                ("experiment", "metric", "kind"),
            ),
            family("experiment_users", "Users who take part.", _WHOLE),
            family(
                "experiment_users_crossed",
                "Users who were served the other variant later; they count for the first one.",
                _WHOLE,
            ),
            family("experiment_sum", sums, (*_WHOLE, *_TERM)),
            family("experiment_segment_users", "Users by segment.", (*_WHOLE, "segment")),
            family("experiment_segment_sum", sums, (*_WHOLE, "segment", "metric", "of")),
            family("experiment_day_users", "Users who did something by day.", (*_WHOLE, "day")),
            family("experiment_day_sum", sums, (*_WHOLE, "day", "metric", "of")),
        )
    )
