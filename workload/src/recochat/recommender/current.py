"""The model in use: loaded at the start, and replaced when its file is, without a restart."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from recochat.recommender import builtin
from recochat.recommender.artifact import ModelError, load
from recochat.recommender.model import Weights
from recochat.recommender.ranking import Query, Recommender

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[object]]
_Stamp = tuple[int, int, int]


class CurrentModel:
    """Holds the recommender that requests use.

    A request takes ``recommender`` once and keeps it, so that it sees one model from start to end.
    """

    def __init__(self, path: Path | None, weights: Weights | None = None) -> None:
        """Load ``path``, or train the built-in data without one. Raises ModelError."""
        self._path, self._weights = path, weights
        self._stamp = _stamp(path) if path else None
        model = load(path) if path else builtin.model()
        self.recommender = Recommender(model, weights)
        self.refused = 0
        """How many files were not taken because they can't be used."""

    @property
    def version(self) -> str:
        """Version of the model in use."""
        return self.recommender.model.version

    async def follow(self, interval_s: float, sleep: Sleep = asyncio.sleep) -> None:
        """Look for another file every ``interval_s`` seconds until cancelled."""
        while True:
            await sleep(interval_s)
            await self.refresh()

    async def refresh(self) -> bool:
        """Take the file if it is another than last time. Whether there is a new model now.

        A file that can't be used is said once and left alone: the model in use stays.
        """
        stamp = _stamp(self._path) if self._path else None
        if self._path is None or stamp is None or stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            # In a thread: reading and checking a large file would hold up requests.
            recommender = await asyncio.to_thread(_prepared, self._path, self._weights)
        except ModelError as error:
            self.refused += 1
            log.error("the new model is refused, the old one stays", extra={"reason": str(error)})
            return False
        before, self.recommender = self.version, recommender
        log.info("model replaced", extra={"model": self.version, "model_before": before})
        return True


def _prepared(path: Path, weights: Weights | None) -> Recommender:
    recommender = Recommender(load(path), weights)
    # What is computed once is computed here, not while the first request waits.
    recommender.rank(Query())
    return recommender


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file is replaced, also by way of a link as in a mounted ConfigMap."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
