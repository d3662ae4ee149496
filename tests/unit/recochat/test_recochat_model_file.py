"""A model on disk: the same bytes each time, checked when read, and replaced while serving."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from recochat.app import create_app
from recochat.recommender import builtin
from recochat.recommender.artifact import MAGIC, ModelError, load, save
from recochat.recommender.current import CurrentModel
from recochat.recommender.model import Model
from recochat.recommender.ranking import Query, Recommender
from recochat.settings import Settings

Calling = Callable[[FastAPI], httpx.AsyncClient]


@pytest.fixture(scope="module")
def model() -> Model:
    return builtin.model()


@pytest.fixture
def stored(model: Model, tmp_path: Path) -> Path:
    save(model, tmp_path / "model")
    return tmp_path / "model"


def other(model: Model) -> Model:
    """The same with the personas' affinities turned round, and trained a day later."""
    later = model.trained_until + 86_400
    return dataclasses.replace(model, affinity=model.affinity[::-1].copy(), trained_until=later)


def overwrite(path: Path, content: bytes | None) -> None:
    """Put something else there, or nothing."""
    path.unlink() if content is None else path.write_bytes(content)


def test_what_is_saved_is_loaded(model: Model, tmp_path: Path) -> None:
    saved = save(model, tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.version == saved.version
    assert loaded.version.startswith("2026-")
    for query in (Query(), Query("user-007"), Query(history=("item-01",), persona="host")):
        assert Recommender(loaded).rank(query) == Recommender(model).rank(query)


def test_the_same_model_gives_the_same_file(model: Model, tmp_path: Path) -> None:
    save(model, tmp_path / "a")
    save(builtin.model(), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def signed(content: bytes) -> bytes:
    return b"\n".join((MAGIC, hashlib.sha256(content).hexdigest().encode(), content))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), "damaged"),
        (lambda raw: raw[: len(raw) // 2], "damaged"),
        (lambda raw: b"", "no model"),
        (lambda raw: raw.replace(b"model 1", b"model 9", 1), "of this format"),
        (lambda raw: signed(b"not an archive"), "can't be read"),
    ],
)
def test_a_file_that_is_not_sound_is_refused(
    stored: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    stored.write_bytes(damage(stored.read_bytes()))
    with pytest.raises(ModelError, match=said):
        load(stored)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("popularity", np.ones(3, np.float32)),
        ("neighbours", np.full((48, 48), 99, np.int32)),
        ("neighbours", np.zeros(48, np.int32)),
        ("history_items", np.array([-1], np.int32)),
    ],
)
def test_a_model_whose_parts_do_not_fit_is_refused(
    model: Model, tmp_path: Path, field: str, value: object
) -> None:
    save(dataclasses.replace(model, **{field: value}), tmp_path / "model")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="can't be read"):
        load(tmp_path / "model")


def test_a_missing_file_is_said() -> None:
    with pytest.raises(ModelError, match="No such file"):
        load(Path("/nowhere/model"))


async def test_another_file_is_taken_while_serving(model: Model, stored: Path) -> None:
    current = CurrentModel(stored)
    before = current.version
    assert await current.refresh() is False
    saved = save(other(model), stored)
    assert await current.refresh() is True
    assert current.version == saved.version != before
    assert await current.refresh() is False


async def test_a_bad_file_is_refused_once_and_the_old_model_stays(
    model: Model, stored: Path, caplog: pytest.LogCaptureFixture
) -> None:
    current = CurrentModel(stored)
    before = current.version
    overwrite(stored, b"half a mod")
    assert [await current.refresh(), await current.refresh()] == [False, False]
    overwrite(stored, None)
    assert await current.refresh() is False
    assert (current.version, current.refused) == (before, 1)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    saved = save(other(model), stored)
    assert await current.refresh() is True
    assert current.version == saved.version


async def test_without_a_file_there_is_nothing_to_follow() -> None:
    current = CurrentModel(None)
    assert await current.refresh() is False
    assert current.version == "built-in"


async def test_following_looks_again_and_again(model: Model, stored: Path) -> None:
    current = CurrentModel(stored)
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            save(other(model), stored)
        if len(waited) == 4:
            raise asyncio.CancelledError

    before = current.version
    with pytest.raises(asyncio.CancelledError):
        await current.follow(2.5, sleep)
    assert waited == [2.5] * 4
    assert current.version != before


@pytest.mark.thorough
async def test_the_service_says_which_model_answers(stored: Path, calling: Calling) -> None:
    app = create_app(Settings(model_path=stored))
    version = load(stored).version
    async with app.router.lifespan_context(app), calling(app) as client:
        answer = await client.post("/api/v2/recommendations", json={"user_id": "user-007"})
        health = (await client.get("/health")).json()
        metrics = (await client.get("/metrics")).text
    assert answer.json()["model"] == version
    assert health["components"]["recommender"]["kind"] == version
    assert f'recommendation_model_info{{model="{version}"}} 1.0' in metrics
    assert "recommendation_models_refused 0.0" in metrics
