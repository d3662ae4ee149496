"""Parts of a record as they are kept: each is read, or refused by a ValueError with its place."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from linnet.api.experiment import Experiment

T = TypeVar("T")

LARGEST = 1e18
"""No count of users is larger, and no effect."""


def member(data: Any, place: str) -> Mapping[str, Any]:
    """An object."""
    if not isinstance(data, Mapping):
        raise ValueError(f"{place or 'the record'}: is missing, or no object")
    return data


def objects(data: Mapping[str, Any], name: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """A list of objects, each with its place; none where there is no list."""
    found = data.get(name, [])
    if not isinstance(found, list):
        raise ValueError(f"{name}: is no list")
    for number, each in enumerate(found):
        yield member(each, f"{name}[{number}]"), f"{name}[{number}]"


def text(data: Mapping[str, Any], name: str, place: str = "") -> str:
    """A text."""
    found = data.get(name)
    if not isinstance(found, str):
        raise ValueError(f"{place}.{name}: is missing, or no text".removeprefix("."))
    return found


def maybe(data: Mapping[str, Any], name: str, read: Callable[[Any, str], T]) -> T | None:
    """What may be missing."""
    found = data.get(name)
    return None if found is None else read(found, name)


def moment(found: Any, place: str) -> datetime:
    """A time with its zone."""
    try:
        read = datetime.fromisoformat(found) if isinstance(found, str) else None
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise ValueError(f"{place}: is no time such as 2026-11-02T00:00:00Z: {found!r}")
    return read


def pair(data: Any, place: str) -> tuple[float, float]:
    """Counts of control and treatment."""
    if not isinstance(data, list) or len(data) != 2:
        raise ValueError(f"{place}: are not two counts")
    control, treatment = (_number(each, place) for each in data)
    if control < 0 or treatment < 0:
        raise ValueError(f"{place}: are not two counts: {data!r}")
    return control, treatment


def estimate(data: Any, place: str) -> tuple[float | None, ...]:
    """Effect, and both ends of its interval."""
    if not isinstance(data, list) or len(data) != 3:
        raise ValueError(f"{place}: is not [effect, low, high]")
    return tuple(None if each is None else _number(each, place) for each in data)


def spec_of(data: Any) -> Experiment:
    """What was asked for."""
    try:
        return Experiment.model_validate(member(data, "spec"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, ("spec", *first["loc"])))
        raise ValueError(f"{place}: {first['msg']}") from error


def _number(data: Any, place: str) -> float:
    wrong = isinstance(data, bool) or not isinstance(data, int | float)
    if wrong or not -LARGEST < data < LARGEST:
        raise ValueError(f"{place}: is no number: {data!r}")
    return float(data)
