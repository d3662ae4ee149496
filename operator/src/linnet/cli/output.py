"""What all commands share: how they print, and how they end."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

import typer
from rich.console import Console

PAGE, WIDE = 110, 500
"""Columns where it isn't a terminal that is written to: of what is to be read, and of tables."""
WELL, NOT_WELL, BAD_INPUT, REFUSED, TIMED_OUT = 0, 1, 2, 3, 4
"""Exit codes."""


class BadInput(Exception):
    """What was given can't be used; the text names the place and the remedy."""


class Form(StrEnum):
    """Forms of output."""

    TABLE = "table"
    JSON = "json"


class Shape(StrEnum):
    """Forms of output of what the cluster has."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def shaped(value: Any, shape: Shape) -> str:
    """JSON or YAML of plain data."""
    if shape is Shape.JSON:
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    import yaml

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def console(*, stderr: bool = False) -> Console:
    """For people; no colours where nobody sees them, and always the same width there."""
    found = Console(stderr=stderr, highlight=False)
    return found if found.is_terminal else Console(stderr=stderr, highlight=False, width=PAGE)


def wide() -> Console:
    """For tables whose lines mustn't be broken where a program reads them."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDE)


@contextmanager
def ending() -> Iterator[None]:
    """Input that can't be used ends the command with its words, and no trace."""
    try:
        yield
    except BadInput as error:
        say(str(error))
        raise typer.Exit(BAD_INPUT) from None


def say(problem: str) -> None:
    """Tell what is wrong, on standard error."""
    console(stderr=True).print(problem, style="red", markup=False, soft_wrap=True)


def as_json(value: Any) -> str:
    """JSON, in which what is infinite or unknown is null."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Records as dicts with names in camelCase; what is infinite or unknown as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {_camel(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return round(value, 6) if isfinite(value) else None
    return value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    if not isfinite(seconds):
        return "never"
    whole = round(seconds)
    hours, rest = divmod(abs(whole), 3600)
    minutes, left = divmod(rest, 60)
    sign = "-" if whole < 0 else ""
    return f"{sign}{hours}:{minutes:02}:{left:02}" if hours else f"{sign}{minutes}:{left:02}"


def percent(share: float) -> str:
    """A share from 0 to 1 in percent."""
    value = 100 * share
    return f"{value:.0f} %" if value in (0, 100) or value >= 10 else f"{value:.1f} %"
