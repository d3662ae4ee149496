"""A model as one file: a line with the format, a line with the checksum, and the content.

The content is a npz archive of plain arrays (never a pickle, which could run code), with the names
as JSON in the array ``about``. The same model always gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from recochat.recommender.catalog import Catalog, Item
from recochat.recommender.model import Model, Tuning

MAGIC: Final = b"recochat-model 1"

_ARRAYS: Final = (
    "user_personas",
    "history_starts",
    "history_items",
    "popularity",
    "neighbours",
    "neighbour_weights",
    "affinity",
    "persona_shares",
)


class ModelError(Exception):
    """A file that can't be used as a model; the message says why."""


def save(model: Model, path: Path) -> Model:
    """Write ``model`` to ``path`` and return it with its version.

    By way of a temporary file beside it: who reads ``path`` sees the old content or the new one.
    """
    content = _dump(model)
    digest = hashlib.sha256(content).hexdigest()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(b"\n".join((MAGIC, digest.encode(), content)))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return replace(model, version=_version(model, digest))


def load(path: Path) -> Model:
    """The model in ``path``, checked. Raises ModelError for any file that isn't whole and sound."""
    try:
        magic, digest, content = path.read_bytes().split(b"\n", 2)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    except ValueError:
        raise ModelError(f"{path} is no model") from None
    if magic != MAGIC:
        raise ModelError(f"{path} is no model of this format ({MAGIC.decode()})")
    if hashlib.sha256(content).hexdigest() != digest.decode(errors="replace"):
        raise ModelError(f"{path} is damaged: its content doesn't fit its checksum")
    try:
        model = _parse(content)
        _check(model)
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} can't be read: {error}") from error
    return replace(model, version=_version(model, digest.decode()))


def _version(model: Model, digest: str) -> str:
    return f"{datetime.fromtimestamp(model.trained_until, UTC):%Y-%m-%d}-{digest[:8]}"


def _dump(model: Model) -> bytes:
    about = {
        "items": [asdict(item) for item in model.catalog.items],
        "personas": model.personas,
        "user_ids": model.user_ids,
        "tuning": asdict(model.tuning),
        "trained_until": model.trained_until,
        "interactions": model.interactions,
    }
    arrays: dict[str, NDArray[Any]] = {name: getattr(model, name) for name in _ARRAYS}
    text = np.frombuffer(orjson.dumps(about), np.uint8)
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, about=text, **arrays)
    return out.getvalue()


def _parse(content: bytes) -> Model:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        about = orjson.loads(stored["about"].tobytes())
        arrays = {name: stored[name] for name in _ARRAYS}
    tuning = about["tuning"]
    return Model(
        catalog=Catalog(tuple(_item(each) for each in about["items"])),
        personas=tuple(about["personas"]),
        user_ids=tuple(about["user_ids"]),
        tuning=Tuning(tuning["regularisation"], tuning["half_life"], tuple(tuning["sharpness"])),
        trained_until=float(about["trained_until"]),
        interactions=int(about["interactions"]),
        **arrays,
    )


def _item(stored: dict[str, Any]) -> Item:
    return Item(stored["item_id"], stored["title"], stored["topic"], tuple(stored["tags"]))


def _check(model: Model) -> None:
    """Raise ValueError where sizes don't fit: it would fail on some later request."""
    items, users, personas = len(model.catalog.items), len(model.user_ids), len(model.personas)
    expected = {
        "user_personas": (users,),
        "history_starts": (users + 1,),
        "popularity": (items,),
        "neighbour_weights": model.neighbours.shape,
        "affinity": (personas, items),
        "persona_shares": (personas,),
    }
    for name, shape in expected.items():
        if getattr(model, name).shape != shape:
            raise ValueError(f"{name} has shape {getattr(model, name).shape}, not {shape}")
    if model.neighbours.ndim != 2 or len(model.neighbours) != items:
        raise ValueError("neighbours don't fit the items")
    for name in ("neighbours", "history_items"):
        positions = getattr(model, name)
        if positions.size and not 0 <= positions.min() <= positions.max() < items:
            raise ValueError(f"{name} name items that there aren't")
