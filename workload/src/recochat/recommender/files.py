"""Training data as files: a folder with three tables, each as CSV or as Parquet.

``interactions``: ``user_id``, ``item_id``, ``timestamp`` (seconds since the epoch, or ISO 8601),
and optionally ``rating`` (a number). ``items``: ``item_id``, ``title``, ``topic``, ``tags``
(separated by spaces). ``users`` (the whole table is optional): ``user_id``, ``persona``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from recochat.recommender.catalog import Item
from recochat.recommender.interactions import UNKNOWN_PERSONA, Dataset, Interactions

Row = Mapping[str, Any]
Form = Literal["csv", "parquet"]

COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "interactions": ("user_id", "item_id", "timestamp"),
    "items": ("item_id", "title", "topic", "tags"),
    "users": ("user_id", "persona"),
}


class DataError(Exception):
    """Training data that can't be used; the message says which file and why."""


def read(folder: Path, min_rating: float | None = None) -> Dataset:
    """The data set in ``folder``; interactions below ``min_rating`` are left out.

    Raises DataError for a file that is missing or can't be understood, and for an interaction
    with an item that isn't in the table of items.
    """
    items = tuple(_items(_table(folder, "items")))
    positions = {item.item_id: n for n, item in enumerate(items)}
    if len(positions) < len(items):
        raise DataError(f"{folder}: item ids occur more than once in items")
    declared = {str(row["user_id"]): str(row["persona"] or "") for row in _optional(folder)}
    users, rows = dict.fromkeys(declared), []
    for number, row in enumerate(_table(folder, "interactions"), 1):
        try:
            if min_rating is not None and float(row["rating"]) < min_rating:
                continue
            user, item = str(row["user_id"]), str(row["item_id"])
            users.setdefault(user)
            rows.append((user, positions[item], _seconds(row["timestamp"])))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{folder}: interactions, row {number}: {error!r}") from error
    return _dataset(items, tuple(users), declared, rows)


def write(dataset: Dataset, folder: Path, form: Form = "csv") -> None:
    """Write ``dataset`` into ``folder``, which is made if need be.

    Raises DataError if the form is Parquet and pyarrow isn't there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    likes, of_user = dataset.interactions, dataset.persona_of()
    named = [("" if p == UNKNOWN_PERSONA else dataset.personas[p]) for p in of_user.tolist()]
    columns = zip(likes.users.tolist(), likes.items.tolist(), likes.times.tolist(), strict=True)
    tables: dict[str, Iterable[Sequence[object]]] = {
        "interactions": ((dataset.user_ids[u], dataset.items[i].item_id, t) for u, i, t in columns),
        "items": ((i.item_id, i.title, i.topic, " ".join(i.tags)) for i in dataset.items),
        "users": zip(dataset.user_ids, named, strict=True),
    }
    for name, rows in tables.items():
        path = folder / f"{name}.{form}"
        if form == "csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([COLUMNS[name], *rows])
        else:
            arrow, parquet = _arrow(path)
            cells = [list(column) for column in zip(*rows, strict=True)]
            table = dict(zip(COLUMNS[name], cells or [[] for _ in COLUMNS[name]], strict=True))
            parquet.write_table(arrow.table(table), path)


def _dataset(
    items: tuple[Item, ...],
    users: tuple[str, ...],
    declared: Mapping[str, str],
    rows: list[tuple[str, int, float]],
) -> Dataset:
    personas = tuple(sorted({name for name in declared.values() if name}))
    numbers = {name: n for n, name in enumerate(personas)}
    of_user = [numbers.get(declared.get(user, ""), UNKNOWN_PERSONA) for user in users]
    row_of = {user: n for n, user in enumerate(users)}
    likes = Interactions.ordered(
        [row_of[user] for user, _, _ in rows],
        [item for _, item, _ in rows],
        [time for _, _, time in rows],
    )
    return Dataset(items, likes, users, personas, np.array(of_user, np.int32))


def _items(rows: Iterable[Row]) -> Iterator[Item]:
    for row in rows:
        tags = tuple(dict.fromkeys(str(row["tags"] or "").split()))
        topic = str(row["topic"] or "") or "other"
        yield Item(str(row["item_id"]), str(row["title"]), topic, tags)


def _optional(folder: Path) -> Iterator[Row]:
    if any((folder / f"users.{ending}").exists() for ending in ("csv", "parquet")):
        yield from _table(folder, "users")


def _table(folder: Path, name: str) -> Iterator[Row]:
    """Rows of a table, from CSV if there is one."""
    text, columnar = folder / f"{name}.csv", folder / f"{name}.parquet"
    if text.exists():
        with text.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            _complete(text, name, reader.fieldnames or ())
            yield from reader
    elif columnar.exists():
        _, parquet = _arrow(columnar)
        table = parquet.read_table(columnar)
        _complete(columnar, name, table.column_names)
        yield from table.to_pylist()
    else:
        raise DataError(f"{folder} has neither {text.name} nor {columnar.name}")


def _arrow(path: Path) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DataError(f"{path}: Parquet needs pyarrow") from None
    return pyarrow, pyarrow.parquet


def _complete(path: Path, name: str, found: Sequence[str]) -> None:
    if missing := [column for column in COLUMNS[name] if column not in found]:
        raise DataError(f"{path} lacks the columns {', '.join(missing)}")


def _seconds(value: Any) -> float:
    """Seconds since the epoch; a time without a zone is UTC."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value)
