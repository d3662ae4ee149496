"""How well recochat recommends, and how fast: on made-up data, its own, and MovieLens 100K."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recochat.recommender import builtin
from recochat.recommender.artifact import load, save
from recochat.recommender.evaluation import evaluate
from recochat.recommender.generator import generate
from recochat.recommender.interactions import Dataset
from recochat.recommender.ranking import Query, Recommender
from recochat.recommender.training import train
from tests.support import movielens

SEED = 1
RANKINGS = 2000


def main() -> dict[str, Any]:
    """Evaluate on each data set, and time training, loading and ranking on the largest."""
    world = generate(SEED)
    films = movielens.dataset()
    found: dict[str, Any] = {}
    judged = {
        "generated": evaluate(world.dataset, oracle=lambda case: world.preference[case.user]),
        "built-in": evaluate(builtin.dataset()),
        "MovieLens 100K": evaluate(films),
    }
    for name, result in judged.items():
        print(f"\n{name}: {result.table()}\ntuning: {result.tuning}")
        found[name] = result.as_json()
    found["speed"] = speed(films)
    print("\nMovieLens 100K:", ", ".join(f"{key} {value}" for key, value in found["speed"].items()))
    return found


def speed(dataset: Dataset) -> dict[str, float]:
    """Seconds to train and load, bytes of the file, milliseconds per ranking (wall clock)."""
    started = time.perf_counter()
    model = train(dataset)
    trained = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        save(model, path)
        size = path.stat().st_size
        started = time.perf_counter()
        recommender = Recommender(load(path))
        recommender.rank(Query())
        loaded = time.perf_counter() - started
    times = rankings(recommender, [*dataset.user_ids])
    p50, p95, p99 = np.percentile(times, (50, 95, 99))
    return {
        "training_s": round(trained, 1),
        "loading_s": round(loaded, 3),
        "file_mib": round(size / 2**20, 1),
        "ranking_p50_ms": round(float(p50), 3),
        "ranking_p95_ms": round(float(p95), 3),
        "ranking_p99_ms": round(float(p99), 3),
    }


def rankings(recommender: Recommender, users: Sequence[str]) -> list[float]:
    """Milliseconds of each of RANKINGS top tens with reasons, for one known user after another."""
    times = []
    for number in range(RANKINGS):
        query = Query(users[number % len(users)])
        started = time.perf_counter()
        recommender.rank(query)
        times.append((time.perf_counter() - started) * 1000)
    return times
