"""What an experiment has shown so far: sums of users per variant, whole, by segment and by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from linnet.stats.experiment.sums import Sums


@dataclass(frozen=True)
class Both:
    """The users of both variants."""

    control: Sums = field(default_factory=Sums)
    treatment: Sums = field(default_factory=Sums)

    def __add__(self, other: Self) -> Self:
        """Of both; no user may be in both."""
        return type(self)(self.control + other.control, self.treatment + other.treatment)

    @property
    def users(self) -> float:
        """Of both variants together."""
        return float(self.control.users + self.treatment.users)


@dataclass(frozen=True)
class Measured:
    """One metric's data.

    days: what users did on each day of the experiment, in order. edges: of a quantile, by the limit
    in its unit: y is how many of a user's d events went beyond it.
    """

    whole: Both = field(default_factory=Both)
    days: tuple[Both, ...] = ()
    segments: Mapping[str, Mapping[str, Both]] = field(default_factory=dict)
    edges: Mapping[float, Both] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """A check of the service during the experiment. told: what it found, in words."""

    name: str
    well: bool
    told: str = ""


@dataclass(frozen=True)
class Data:
    """All that is known. until: when it was read. users: assigned to control and treatment.

    crossed: how many of them were later served the other variant.
    """

    started: datetime
    until: datetime
    users: tuple[float, float]
    metrics: Mapping[str, Measured] = field(default_factory=dict)
    health: tuple[Health, ...] = ()
    crossed: tuple[float, float] = (0.0, 0.0)

    def to_json(self) -> dict[str, Any]:
        """Numbers, texts and lists and objects of them; `from_json` reads them."""
        return {
            "started": self.started.isoformat(),
            "until": self.until.isoformat(),
            "users": _arms_json(self.users),
            "crossed": _arms_json(self.crossed),
            "metrics": {name: _measured_json(each) for name, each in self.metrics.items()},
            "health": [vars(each) for each in self.health],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` wrote.

        Raises ValueError, which names the place, where a field is missing or can't be.
        """
        return cls(
            _time(data, "started"),
            _time(data, "until"),
            _counts(data, "users"),
            {
                name: _measured(each, f"metrics.{name}")
                for name, each in _object(data, "metrics", "").items()
            },
            tuple(_health(each) for each in _list(data, "health", "")),
            _counts(data, "crossed") if "crossed" in data else (0.0, 0.0),
        )


def _arms_json(counts: tuple[float, float]) -> dict[str, float]:
    return {"control": counts[0], "treatment": counts[1]}


def _counts(data: Mapping[str, Any], name: str) -> tuple[float, float]:
    found = _object(data, name, "")
    return _count(found, "control", name), _count(found, "treatment", name)


def _both_json(both: Both) -> dict[str, Any]:
    return {"control": both.control.to_json(), "treatment": both.treatment.to_json()}


def _measured_json(measured: Measured) -> dict[str, Any]:
    if measured.edges:
        return {"edges": {f"{edge:g}": _both_json(both) for edge, both in measured.edges.items()}}
    found: dict[str, Any] = _both_json(measured.whole)
    if measured.days:
        found["days"] = [_both_json(day) for day in measured.days]
    if measured.segments:
        found["segments"] = {
            by: {name: _both_json(both) for name, both in parts.items()}
            for by, parts in measured.segments.items()
        }
    return found


def _measured(data: Any, place: str) -> Measured:
    if not isinstance(data, Mapping):
        raise ValueError(f"{place}: is no object with control and treatment")
    if "edges" in data:
        return Measured(edges=_edges(_object(data, "edges", place), place))
    days = _list(data, "days", place)
    segments = _object(data, "segments", place) if "segments" in data else {}
    return Measured(
        _both(data, place),
        tuple(_both(day, f"{place}.days[{i}]") for i, day in enumerate(days)),
        {by: _segments(segments, by, f"{place}.segments") for by in segments},
    )


def _segments(data: Mapping[str, Any], by: str, place: str) -> dict[str, Both]:
    parts = _object(data, by, place)
    return {name: _both(both, f"{place}.{by}.{name}") for name, both in parts.items()}


def _both(data: Any, place: str) -> Both:
    if not isinstance(data, Mapping):
        raise ValueError(f"{place}: is no object with control and treatment")
    return Both(_sums(data, "control", place), _sums(data, "treatment", place))


def _sums(data: Mapping[str, Any], arm: str, place: str) -> Sums:
    try:
        return Sums.from_json(_object(data, arm, place))
    except ValueError as error:
        raise ValueError(f"{place}.{arm}: {error}") from error


def _edges(data: Mapping[str, Any], place: str) -> dict[float, Both]:
    found = {}
    for edge, both in data.items():
        try:
            limit = float(edge)
        except ValueError as error:
            raise ValueError(f"{place}.edges: {edge!r} is no limit in the metric's unit") from error
        found[limit] = _both(both, f"{place}.edges.{edge}")
    return dict(sorted(found.items()))


def _object(data: Mapping[str, Any], name: str, place: str) -> Mapping[str, Any]:
    found = data.get(name)
    if not isinstance(found, Mapping):
        raise ValueError(f"{place}.{name}: is missing, or no object".removeprefix("."))
    return found


def _list(data: Mapping[str, Any], name: str, place: str) -> Sequence[Any]:
    found = data.get(name, ())
    if not isinstance(found, list | tuple):
        raise ValueError(f"{place}.{name}: is no list".removeprefix("."))
    return found


def _count(data: Mapping[str, Any], name: str, place: str) -> float:
    found = data.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1e18:
        raise ValueError(f"{place}.{name}: is no count: {found!r}")
    return float(found)


def _time(data: Mapping[str, Any], name: str) -> datetime:
    found = data.get(name)
    try:
        moment = found if isinstance(found, datetime) else datetime.fromisoformat(str(found))
    except ValueError as error:
        raise ValueError(f"{name}: is no time such as 2026-11-02T00:00:00Z: {found!r}") from error
    if moment.tzinfo is None:
        raise ValueError(f"{name}: needs its zone: {found!r}")
    return moment


def _health(data: Any) -> Health:
    if not isinstance(data, Mapping) or not {"name", "well"} <= set(data):
        raise ValueError(f"health: an entry has a name, well (true or false) and told: {data!r}")
    return Health(str(data["name"]), data["well"] is True, str(data.get("told", "")))
