"""What an application tells of its users, out of one answer of Prometheus.

docs/experiment-metrics.md is the contract. Every target exports the whole, so one of them is read,
the one that is furthest, and never the sum of several. What it costs depends on the number of
series, and not on that of users.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from linnet.api.experiment import Experiment
from linnet.core.series import Matrix, Series
from linnet.experiment.data import Both, Data, Measured
from linnet.stats.experiment.sums import Sums, impossible

STALE = timedelta(minutes=5)
"""Scraped longer ago than this, data are of a target that isn't there any more."""
SCRAPED = "scraped"
"""What stands in the label `of` of the moment at which a target was scraped."""
REVISION = "experiment_revision"
INFO = "experiment_metric_info"
WHOLE, SEGMENT, DAY = "experiment", "experiment_segment", "experiment_day"
FAMILIES = (
    *(REVISION, INFO, "experiment_users_crossed"),
    *(f"{part}_{kind}" for part in (WHOLE, SEGMENT, DAY) for kind in ("users", "sum")),
)
OF = frozenset({"y", "yy", "d", "dd", "yd", "x", "xx", "xy", "xd"})
OWN = ("__name__", "experiment", "variant", "metric", "edge", "of", "segment", "day", "kind")
"""The labels that the contract has; what else there is tells targets apart."""
CONTROL, TREATMENT = "control", "treatment"

Part = tuple[str, str]
"""A segment or a day by its label's value, and a variant."""
Term = tuple[str, str, str, str]
"""A segment or a day, a variant, a metric and its edge."""


class Unreadable(ValueError):
    """The answer can't be judged. The text is for people, and says what helps."""


def question_about(namespace: str, name: str) -> str:
    """PromQL for all that is exported of an experiment, and for when that was scraped."""
    of = f'namespace="{namespace}",experiment="{name}"'
    families = "|".join(FAMILIES)
    scraped = f'label_replace(timestamp({REVISION}{{{of}}}), "of", "{SCRAPED}", "", "")'
    return f'{{__name__=~"{families}",{of}}} or {scraped}'


def data_of(
    answer: Matrix, namespace: str, name: str, spec: Experiment, started: datetime, now: datetime
) -> Data:
    """What users have done by the last scrape of the target that is furthest.

    Raises:
        Unreadable: there is none, it is too old, or no users can have done that.
    """
    if answer.error:
        raise Unreadable(answer.error)
    target = _furthest(answer.series)
    if target is None:
        raise Unreadable(
            f'Prometheus has no {REVISION}{{namespace="{namespace}",experiment="{name}"}}: see '
            "that the application counts what it is told by the header X-Experiment, and that its "
            "pods are scraped with a label namespace"
        )
    if now - target.scraped > STALE:
        raise Unreadable(f"what is there was scraped at {target.scraped:%Y-%m-%dT%H:%M:%SZ}")
    exported = _Exported.of(target.series)
    _require_kinds(spec, exported.kinds)
    users = (exported.users.get(("", CONTROL), 0.0), exported.users.get(("", TREATMENT), 0.0))
    crossed = (exported.crossed.get(CONTROL, 0.0), exported.crossed.get(TREATMENT, 0.0))
    metrics = {metric: _measured(exported, metric) for metric in exported.metrics}
    return Data(started, target.scraped, users, metrics, crossed=crossed)


@dataclass(frozen=True)
class _Target:
    revision: float
    scraped: datetime
    series: tuple[Series, ...]


def _furthest(series: Iterable[Series]) -> _Target | None:
    """The target with the highest revision; of several the one that was scraped last."""
    found: dict[frozenset[tuple[str, str]], list[Series]] = {}
    for each in series:
        place = frozenset((k, v) for k, v in each.labels.items() if k not in OWN)
        found.setdefault(place, []).append(each)
    targets = [target for group in found.values() if (target := _target(group))]
    return max(targets, key=lambda each: (each.revision, each.scraped), default=None)


def _target(group: list[Series]) -> _Target | None:
    """A target that says how far it is, and when it was scraped; None of others."""
    revision = next((_value(s) for s in group if s.labels.get("__name__") == REVISION), None)
    scraped = next((_value(s) for s in group if s.labels.get("of") == SCRAPED), None)
    if revision is None or scraped is None:
        return None
    moment = datetime.fromtimestamp(int(1000 * scraped) / 1000, UTC)
    rest = tuple(each for each in group if each.labels.get("of") != SCRAPED)
    return _Target(revision, moment, rest)


def _value(series: Series) -> float:
    return series.points[-1][1]


@dataclass(frozen=True)
class _Exported:
    """The series of one target by what they are of."""

    users: Mapping[Part, float]
    sums: Mapping[Term, Mapping[str, float]]
    crossed: Mapping[str, float]
    kinds: Mapping[str, str]

    @classmethod
    def of(cls, series: Iterable[Series]) -> "_Exported":
        users: dict[Part, float] = {}
        sums: dict[Term, dict[str, float]] = {}
        crossed: dict[str, float] = {}
        kinds: dict[str, str] = {}
        for each in series:
            labels, value = each.labels, _value(each)
            family, variant = labels.get("__name__", ""), labels.get("variant", "")
            part = labels.get("segment") or labels.get("day") or ""
            metric, of = labels.get("metric", ""), labels.get("of", "")
            if family == INFO:
                kinds[metric] = labels.get("kind", "")
            elif family == "experiment_users_crossed":
                crossed[variant] = _count(family, value)
            elif family.endswith("_users"):
                users[_tagged(family, part), variant] = _count(family, value)
            elif of in OF:
                term = (_tagged(family, part), variant, metric, labels.get("edge", ""))
                sums.setdefault(term, {})[of] = _finite(f"{metric} of {variant}", value)
        return cls(users, sums, crossed, kinds)

    @property
    def metrics(self) -> list[str]:
        """All metrics by name."""
        return sorted({metric for _, _, metric, _ in self.sums})

    def parts(self, family: str) -> list[str]:
        """All segments, or days, in order."""
        return sorted({part for part, _ in self.users if part.startswith(f"{family}/")})

    def both(self, part: str, metric: str, edge: str = "") -> Both:
        """The sums of both variants' users."""
        arms = (self._sums(part, variant, metric, edge) for variant in (CONTROL, TREATMENT))
        return Both(*arms)

    def _sums(self, part: str, variant: str, metric: str, edge: str) -> Sums:
        told = self.sums.get((part, variant, metric, edge), {})
        found = Sums(users=self.users.get((part, variant), 0.0), **told)
        if problem := impossible(found):
            where = f" ({part.partition('/')[2]})" if part else ""
            raise Unreadable(f"metric {metric} of {variant}{where}: {problem}")
        return found


def _tagged(family: str, part: str) -> str:
    """A segment or a day with what it is, so that no segment is taken for a day."""
    return f"{family.rpartition('_')[0]}/{part}" if part else ""


def _finite(what: str, value: float) -> float:
    if not math.isfinite(value):
        raise Unreadable(f"{what} is no number")
    return value


def _count(what: str, value: float) -> float:
    if value < 0:
        raise Unreadable(f"{what} is negative")
    return _finite(what, value)


def _require_kinds(spec: Experiment, kinds: Mapping[str, str]) -> None:
    for metric in spec.metrics:
        told = kinds.get(metric.name, "").lower()
        if told and told != metric.kind.lower():
            raise Unreadable(
                f"metric {metric.name} is exported as a {told}, and the experiment in spec.steps "
                f"has it as a {metric.kind}: correct its kind"
            )


def _measured(exported: _Exported, metric: str) -> Measured:
    edges = sorted({edge for part, _, name, edge in exported.sums if name == metric and edge})
    if edges:
        limits = sorted((limit, edge) for edge, limit in _limits(edges))
        return Measured(edges={limit: exported.both("", metric, edge) for limit, edge in limits})
    segments: dict[str, dict[str, Both]] = {}
    for part in exported.parts(SEGMENT):
        dimension, _, name = part.partition("/")[2].partition(":")
        segments.setdefault(dimension, {})[name] = exported.both(part, metric)
    days = tuple(exported.both(part, metric) for part in exported.parts(DAY))
    return Measured(exported.both("", metric), days, segments)


def _limits(edges: Iterable[str]) -> Iterator[tuple[str, float]]:
    for edge in edges:
        try:
            yield edge, float(edge)
        except ValueError:
            raise Unreadable(f"{edge!r} is no edge in its metric's unit") from None
