"""Outcomes in Redis, shared by all processes of an application. One round trip a call.

A script counts the outcomes of one user in one step, so no failure leaves half of them: what is
counted and the ids by which a repetition is known are written together, also to the append-only
file.

All keys have one hash tag, so one node of a cluster holds them all. By user: `…:user:NAME:ID` is
their variant, segments and variables in an experiment, `…:history:ID` their variables of all time,
`…:seen:ID` the ids of their outcomes, by the time at which each is forgotten. By experiment:
`…:totals:NAME` has a field for each sum. `…:live` has the experiments by their last outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from recochat.experiments.base import (
    EXPERIMENTS,
    OUTCOMES_OF_USER,
    SERIES_DAYS,
    Record,
    Subject,
    Totals,
)
from recochat.experiments.metrics import Metric, Series, Term, terms

_PREFIX: Final = "recochat:{experiments}"
LIVE: Final = f"{_PREFIX}:live"
_NOT_SUMS: Final = frozenset({b"revision", b"first_day"})


def totals_key(experiment: str) -> str:
    """The hash of an experiment's sums."""
    return f"{_PREFIX}:totals:{experiment}"


def user_keys(subject: Subject) -> tuple[str, str, str]:
    """The hash of a user in an experiment, the one of all time, and the set of ids."""
    name = subject.user_id
    return (
        f"{_PREFIX}:user:{subject.experiment}:{name}",
        f"{_PREFIX}:history:{name}",
        f"{_PREFIX}:seen:{name}",
    )


class RedisOutcomes:
    """Counts in Redis (6.2 or later). Errors of the client pass through."""

    def __init__(
        self,
        client: Redis,
        metrics: Sequence[Metric],
        day_s: float = 86400,
        ttl_s: int = 60 * 86400,
        history_ttl_s: int = 30 * 86400,
    ) -> None:
        """Days last ``day_s`` seconds; ``client`` stays the caller's.

        A user's part in an experiment is forgotten ``ttl_s`` after their last outcome in it, an
        experiment as long after its last one, and a user's history after ``history_ttl_s``.
        """
        self._redis = client
        self._script = f"local TERMS = {{{','.join(map(_literal, terms(metrics)))}}}\n" + (
            resources.files(__package__).joinpath("record.lua").read_text()
        )
        self._sha = ""
        self._lives = (day_s, ttl_s, history_ttl_s)

    async def record(self, records: Sequence[Record], now: float) -> int:
        """Count ``records``; how many outcomes were new."""
        if not records:
            return 0
        try:
            return await self._run(records, now)
        except NoScriptError:
            # Redis has restarted. What was counted before it said so is known by its ids.
            self._sha = ""
            return await self._run(records, now)

    async def totals(self) -> list[Totals]:
        """Each experiment's sums, in two round trips."""
        live: list[Any] = await self._redis.zrange(LIVE, 0, -1)
        names = sorted(name.decode() for name in live)
        async with self._redis.pipeline(transaction=True) as pipe:
            for name in names:
                pipe.hgetall(totals_key(name))
            found = await pipe.execute()
        return [_totals(name, sums) for name, sums in zip(names, found, strict=True) if sums]

    async def _run(self, records: Sequence[Record], now: float) -> int:
        if not self._sha:
            self._sha = str(await self._redis.script_load(self._script))
        async with self._redis.pipeline(transaction=False) as pipe:
            for record in records:
                subject = record.subject
                keys = (LIVE, totals_key(subject.experiment), *user_keys(subject))
                pipe.evalsha(self._sha, len(keys), *keys, *self._arguments(record, now))
            return sum(await pipe.execute())

    def _arguments(self, record: Record, now: float) -> list[str]:
        subject = record.subject
        numbers = (now, *self._lives, EXPERIMENTS, SERIES_DAYS, OUTCOMES_OF_USER)
        given = [subject.experiment, subject.variant, *map(repr, numbers)]
        given += [str(len(subject.segments)), *subject.segments]
        for outcome in record.outcomes:
            given += [outcome.event_id, repr(outcome.at), repr(outcome.remember_s)]
            given.append(str(len(outcome.adds)))
            for name, amount in outcome.adds.items():
                given += [name, repr(float(amount))]
        return given


def _literal(term: Term) -> str:
    """A term as the script reads it. The parts are the first ones of the sums."""
    sums = ",".join(f"'{of}'" for of in term.sums)
    names = f"'{term.metric}|{term.edge}','{term.y}','{term.d}'"
    return f"{{{names},{term.at_least!r},{{{sums}}},{len(term.parts)}}}"


def _totals(name: str, fields: Mapping[bytes, bytes]) -> Totals:
    sums = {
        Series(*field.decode().split("|")): float(value)
        for field, value in fields.items()
        if field not in _NOT_SUMS
    }
    return Totals(name, int(fields.get(b"revision", 0)), sums)
