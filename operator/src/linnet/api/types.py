"""Value types of the API: how a duration is written and how every model behaves."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from linnet.api.rules import Spelled

DURATION_PATTERN = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"
DURATION_LENGTH = 28
"""The longest text of that pattern. The API server bounds the cost of CEL rules by it."""
_PART = re.compile(r"([0-9]+)(ms|h|m|s)")
_UNITS = {
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}


def parse_duration(text: str) -> timedelta:
    """Read a duration as Kubernetes users write it (GEP-2257): ``90s``, ``1h30m``, ``500ms``.

    Raises:
        ValueError: the text is not of that form.
    """
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError(f"{text!r} is not a duration such as 30s, 5m or 1h30m")
    return sum((int(n) * _UNITS[unit] for n, unit in _PART.findall(text)), timedelta())


def format_duration(value: timedelta) -> str:
    """Write a duration the way `parse_duration` reads it, largest unit first; zero is ``0s``."""
    rest = round(value / timedelta(milliseconds=1))
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _read_duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _write_time(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _require_zone(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs its zone")
    # Stored in milliseconds, so kept in milliseconds: a restart then decides the same.
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


Duration = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "maxLength": DURATION_LENGTH}),
    Spelled(
        "must be a duration such as 30s, 5m or 1h30m: whole numbers with the units h, m, s, ms"
    ),
]
"""A span of time, written like ``30s``, ``5m`` or ``1h30m``."""

Time = Annotated[
    datetime,
    AfterValidator(_require_zone),
    PlainSerializer(_write_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment with its zone, kept and written in milliseconds."""


class Model(BaseModel):
    """A frozen record, camelCase outside and snake_case inside."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )
